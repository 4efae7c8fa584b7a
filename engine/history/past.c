/* past.c -- samples out of rows and blocks, with the ticks that they were filed under. */
#include "history/past.h"

#include <assert.h>

#include "history/reader.h"

typedef struct Gathering {
    HistoryReader *reader;
    int64_t after, last;  // ticks
    TagId *tags;          // by the file's number: of those that take samples, TAG_NONE of all others
    size_t tag_count;
    Points found;         // of one tag
    Filed *items;
    size_t count, room;
    ErrText *why;
} Gathering;

static const char *path_of(const Gathering *gathering)
{
    return sqlite3_db_filename(gathering->reader->db, "main");
}

static Err out_of_memory(const Gathering *gathering)
{
    return err_set(gathering->why, ERR_MEMORY, "out of memory for samples of the history");
}

// How far.

/* Of estimates, since ticks that ran leave them, whatever the stamps of samples say: by tag in blocks, whose index begins with it, and among the rows. */
#define FIRST_ESTIMATE "SELECT min(time) FROM (SELECT min((SELECT start FROM block WHERE block.tag = tag.id AND strand = 1 ORDER BY end LIMIT 1)) AS time" \
                       " FROM tag UNION ALL SELECT min(time) FROM estimate)"
_Static_assert(STRAND_ESTIMATES == 1, "FIRST_ESTIMATE names a strand by number");

/* What no restart needs any more is in blocks, so the last tick is that of a snapshot, or the one before those that rows wait for. */
#define LAST_TICK "SELECT max(tick) FROM (SELECT max(tick) AS tick FROM snapshot UNION ALL SELECT max(tick) - 1 FROM sample WHERE tick > 0)"

static Err read_span(HistoryReader *reader, HistorySpan *out, ErrText *why)
{
    int64_t tick, horizon;
    Err err = store_integer(reader->db, FIRST_ESTIMATE, TIME_NONE, &out->first, why);
    if (err == ERR_OK)
        err = store_integer(reader->db, LAST_TICK, TIME_NONE, &tick, why);
    if (err == ERR_OK)
        err = store_integer(reader->db, "SELECT time FROM horizon WHERE level = 0", TIME_NONE, &horizon, why);
    if (err != ERR_OK)
        return err;

    // estimates follow each other without a gap, so where the first ones come later nothing has been let go; before the horizon there are scraps
    const int64_t next = horizon == TIME_NONE ? TIME_NONE : horizon + (int64_t)(reader->plant->record * (double)NS_PER_S) + reader->plant->step_ns;
    out->cut = out->first != TIME_NONE && out->first <= next;
    if (out->cut)
        out->first = next;
    out->last = tick == TIME_NONE ? TIME_NONE : (tick + 1) * reader->plant->step_ns;
    return ERR_OK;
}
_Static_assert(HISTORY_RAW == 0, "read_span names a level by number");

Err history_span(HistoryReader *reader, HistorySpan *out, ErrText *why)
{
    assert(reader && out);
    *out = (HistorySpan){TIME_NONE, TIME_NONE, false};
    Err err = store_run(reader->db, "BEGIN", why);
    if (err != ERR_OK)
        return err;
    err = read_span(reader, out, why);
    store_run(reader->db, "COMMIT", NULL);
    return err;
}

// Which samples.

static Err find_tags(Gathering *gathering)
{
    const HistoryReader *reader = gathering->reader;
    int64_t last;
    Err err = store_integer(reader->db, "SELECT max(id) FROM tag", 0, &last, gathering->why);
    if (err != ERR_OK)
        return err;
    gathering->tag_count = (size_t)last + 1;
    gathering->tags = mem_alloc(gathering->tag_count * sizeof *gathering->tags);
    if (!gathering->tags)
        return out_of_memory(gathering);
    for (size_t i = 0; i < gathering->tag_count; i++)
        gathering->tags[i] = TAG_NONE;

    sqlite3_stmt *query;
    err = store_prepare(reader->db, "SELECT id, name FROM tag", &query, gathering->why);
    while (err == ERR_OK && store_next(query, &err, gathering->why)) {
        const TagId tag = tags_find(reader->plant->tags, (const char *)sqlite3_column_text(query, 1));
        if (tag != TAG_NONE && tags_get(reader->plant->tags, tag).role == TAG_SAMPLED)
            gathering->tags[sqlite3_column_int64(query, 0)] = tag;
    }
    sqlite3_finalize(query);
    return err;
}

static Err make_room(Gathering *gathering)
{
    if (gathering->count < gathering->room)
        return ERR_OK;
    if (gathering->count >= SYNC_PENDING_MAX)
        return err_set(gathering->why, ERR_FULL, "%s: more than %d samples are asked for", path_of(gathering), SYNC_PENDING_MAX);
    const size_t room = gathering->room ? 2 * gathering->room : 1024;
    Filed *items = mem_grow(gathering->items, gathering->room * sizeof *items, room * sizeof *items);
    if (!items)
        return out_of_memory(gathering);
    gathering->items = items;
    gathering->room = room;
    return ERR_OK;
}

/* One sample of `tag`, which is none of ours where it was not used, or was not known yet. */
static Err take(Gathering *gathering, TagId tag, const BlockPoint *point)
{
    const int64_t own = plant_tick(gathering->reader->plant, point->time);
    const bool is_used = point->note % NOTE_FATES == FATE_USED && point->tick >= own;  // what found no room has no tick
    if (!is_used || own <= gathering->after || point->tick > gathering->last)
        return ERR_OK;
    const Err err = make_room(gathering);
    if (err != ERR_OK)
        return err;
    gathering->items[gathering->count++] = (Filed){
        .sample = {.time = point->time, .value = point->value, .tag = tag, .quality = (uint8_t)(point->note / NOTE_FATES)},
        .tick = point->tick, .seq = (uint64_t)point->order, .late = (uint32_t)(point->tick - own), .fate = FATE_USED};
    return ERR_OK;
}

static Err take_sealed(Gathering *gathering)
{
    const int64_t step = gathering->reader->plant->step_ns, from = (gathering->after + 1) * step, to = (gathering->last + 1) * step - 1;
    Err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < gathering->tag_count; i++) {
        if (gathering->tags[i] == TAG_NONE)
            continue;
        gathering->found.count = 0;
        err = shelf_read(&gathering->reader->shelf, (int64_t)i, STRAND_SAMPLES, from, to, &gathering->found, gathering->why);
        for (size_t k = 0; err == ERR_OK && k < gathering->found.count; k++)
            err = take(gathering, gathering->tags[i], &gathering->found.items[k]);
    }
    return err == ERR_PARSE ? err_prefix(gathering->why, err, "%s", path_of(gathering)) : err;
}

static Err take_rows(Gathering *gathering)
{
    TailMark mark;
    Err err = tail_read_mark(gathering->reader->db, STRAND_SAMPLES, &mark, gathering->why);
    if (err != ERR_OK)
        return err;
    sqlite3_stmt *query = gathering->reader->tails[STRAND_SAMPLES];
    tail_bind(query, mark.floor, -1);
    while (err == ERR_OK && store_next(query, &err, gathering->why)) {
        const int64_t tag = tail_tag(query);
        const bool is_ours = tag > 0 && (size_t)tag < gathering->tag_count && gathering->tags[tag] != TAG_NONE;
        if (!is_ours || !tail_is_open(&mark, tail_row(query), tag))
            continue;
        const BlockPoint point = tail_point(query, STRAND_SAMPLES);
        err = take(gathering, gathering->tags[tag], &point);
    }
    sqlite3_reset(query);
    return err;
}

static Err gather(Gathering *gathering)
{
    Err err = find_tags(gathering);
    if (err == ERR_OK)
        err = take_sealed(gathering);
    return err == ERR_OK ? take_rows(gathering) : err;
}

Err history_read_filed(HistoryReader *reader, int64_t after, int64_t last, Filed **out, size_t *count, ErrText *why)
{
    assert(reader && out && count);
    Gathering gathering = {.reader = reader, .after = after, .last = last, .why = why};
    Err err = store_run(reader->db, "BEGIN", why);
    if (err != ERR_OK)
        return err;
    err = gather(&gathering);
    store_run(reader->db, "COMMIT", NULL);
    points_fini(&gathering.found);
    mem_free(gathering.tags);
    if (err != ERR_OK) {
        mem_free(gathering.items);
        return err;
    }
    *out = gathering.items;
    *count = gathering.count;
    return ERR_OK;
}

// What was told.

#define TOLD_COMMANDS "SELECT " STORE_COMMAND " FROM command WHERE id IN (SELECT max(id) FROM command WHERE time <= ? AND state < 3 GROUP BY tag)"
_Static_assert(COMMAND_WAITING < 3 && COMMAND_SENT < 3 && COMMAND_DONE < 3 && COMMAND_REFUSED == 3, "TOLD_COMMANDS names states by number");

static Err read_told(HistoryReader *reader, int64_t until, Arena *arena, HistoryCommand *out, size_t room, size_t *count, ErrText *why)
{
    sqlite3_stmt *query;
    Err err = store_prepare(reader->db, TOLD_COMMANDS, &query, why);
    if (err != ERR_OK)
        return err;
    sqlite3_bind_int64(query, 1, until);
    while (err == ERR_OK && *count < room && store_next(query, &err, why)) {
        err = store_read_command(query, reader->plant, arena, &out[*count], why);
        *count += err == ERR_OK;
    }
    sqlite3_finalize(query);
    return err;
}

Err history_read_told(HistoryReader *reader, int64_t until, Arena *arena, HistoryCommand **out, size_t *count, ErrText *why)
{
    int64_t room = 0;
    *count = 0;
    const Err err = store_integer(reader->db, "SELECT count(DISTINCT tag) FROM command", 0, &room, why);
    if (err != ERR_OK)
        return err;
    *out = arena_new(arena, HistoryCommand, (size_t)room + 1);
    if (!*out)
        return err_set(why, ERR_MEMORY, "out of memory for %lld commands", (long long)room);
    return read_told(reader, until, arena, *out, (size_t)room, count, why);
}
