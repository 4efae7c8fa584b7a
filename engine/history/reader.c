/* reader.c -- ranges for charts and the newest alarms and commands, beside the writer. */
#include <assert.h>
#include <math.h>

#include "history/desk.h"
#include "history/trail.h"

enum { POINTS_MAX = 1000 * 1000, ENTRIES_MAX = 10 * 1000, REVISIONS_MAX = 1000, ACTS_MAX = 1000 };

typedef enum ReaderQuery {
    READER_TAG,
    READER_SAMPLES_COUNT,
    READER_SAMPLES,
    READER_ESTIMATES_COUNT,
    READER_ESTIMATES,
    READER_FIRST_ESTIMATES,
    READER_ALARMS,
    READER_ALARM,
    READER_ACTS,
    READER_EVIDENCE,
    READER_COMMANDS,
    READER_QUERY_COUNT
} ReaderQuery;

// samples: those that were used and those that came late; a duplicate is there already, what is bad or too far ahead is no measurement
#define SAMPLES_IN_RANGE " FROM sample WHERE tag = ? AND time BETWEEN ? AND ? AND fate IN (0, 1)"
#define ESTIMATES_IN_RANGE " FROM estimate WHERE tag = ? AND time BETWEEN ? AND ?"
_Static_assert(FATE_USED == 0 && FATE_LATE == 1, "SAMPLES_IN_RANGE names fates by number");

static const char *const sql[READER_QUERY_COUNT] = {
    [READER_TAG] = "SELECT id FROM tag WHERE name = ?",
    [READER_SAMPLES_COUNT] = "SELECT count(*)" SAMPLES_IN_RANGE,
    [READER_SAMPLES] = "SELECT time, value, NULL" SAMPLES_IN_RANGE " ORDER BY time, seq",
    [READER_ESTIMATES_COUNT] = "SELECT count(*)" ESTIMATES_IN_RANGE,
    [READER_ESTIMATES] = "SELECT time, iif(last IS NULL, value, (SELECT value FROM amended WHERE tag = told AND time = at AND revision = last)),"
                         " iif(last IS NULL, sd, (SELECT sd FROM amended WHERE tag = told AND time = at AND revision = last))"
                         " FROM (SELECT tag AS told, time AS at, time, value, sd, (SELECT max(revision) FROM amended WHERE amended.tag = estimate.tag"
                         " AND amended.time = estimate.time) AS last" ESTIMATES_IN_RANGE ") ORDER BY time",
    [READER_FIRST_ESTIMATES] = "SELECT time, value, sd" ESTIMATES_IN_RANGE " ORDER BY time",
    [READER_ALARMS] = "SELECT " STORE_ALARM_READ " FROM alarm WHERE id < ?2 AND (?3 >> state & 1) AND (?4 IS NULL OR twin = ?4) ORDER BY id DESC LIMIT ?1",
    [READER_ACTS] = "SELECT " DESK_ACT_COLUMNS " FROM act WHERE alarm = ?1 ORDER BY number LIMIT ?2",
    [READER_EVIDENCE] = "SELECT members, start, end FROM evidence WHERE alarm = ? ORDER BY revision DESC LIMIT 1",
    [READER_ALARM] = "SELECT " STORE_ALARM_READ " FROM (SELECT " STORE_ALARM " FROM alarm_revision WHERE id = ?1 UNION ALL"
                     " SELECT " STORE_ALARM " FROM alarm WHERE id = ?1) ORDER BY revision LIMIT ?2",
    [READER_COMMANDS] = "SELECT " STORE_COMMAND " FROM command WHERE id < ? ORDER BY id DESC LIMIT ?",
};

struct HistoryReader {
    sqlite3 *db;
    const Plant *plant;
    sqlite3_stmt *queries[READER_QUERY_COUNT];
};

Err history_reader_open(const char *path, const Plant *plant, HistoryReader **out, ErrText *why)
{
    assert(path && plant && out);
    *out = NULL;
    HistoryReader *reader = mem_alloc(sizeof *reader);
    if (!reader)
        return err_set(why, ERR_MEMORY, "%s: out of memory", path);
    reader->plant = plant;
    Err err = store_open(path, STORE_READ, plant->name, &reader->db, why);
    for (int i = 0; err == ERR_OK && i < READER_QUERY_COUNT; i++)
        err = store_prepare(reader->db, sql[i], &reader->queries[i], why);
    if (err == ERR_OK)
        *out = reader;
    else
        history_reader_close(reader);
    return err;
}

void history_reader_follow(HistoryReader *reader, const Plant *plant)
{
    if (reader)
        reader->plant = plant;
}

void history_reader_close(HistoryReader *reader)
{
    if (!reader)
        return;
    for (int i = 0; i < READER_QUERY_COUNT; i++)
        sqlite3_finalize(reader->queries[i]);
    sqlite3_close(reader->db);
    mem_free(reader);
}

// Ranges.

typedef struct Range {
    int64_t tag;  // the file's number; 0 when the file has nothing of it
    int64_t from, to;
    size_t points;
} Range;

static void bind_range(sqlite3_stmt *query, const Range *range)
{
    sqlite3_bind_int64(query, 1, range->tag);
    sqlite3_bind_int64(query, 2, range->from);
    sqlite3_bind_int64(query, 3, range->to);
}

static Err find_tag(HistoryReader *reader, TagId tag, int64_t *out, ErrText *why)
{
    sqlite3_stmt *query = reader->queries[READER_TAG];
    const TagName name = tags_name(reader->plant->tags, tag);
    sqlite3_bind_text(query, 1, name.text, -1, SQLITE_STATIC);
    Err err = ERR_OK;
    *out = store_next(query, &err, why) ? sqlite3_column_int64(query, 0) : 0;
    sqlite3_reset(query);
    return err;
}

static Err count_rows(sqlite3_stmt *query, const Range *range, size_t *out, ErrText *why)
{
    bind_range(query, range);
    Err err = ERR_OK;
    *out = store_next(query, &err, why) ? (size_t)sqlite3_column_int64(query, 0) : 0;
    sqlite3_reset(query);
    return err;
}

/* Keep every k-th of `rows` rows, counted from the last, which therefore stays. */
static Err keep_points(sqlite3_stmt *query, size_t rows, size_t every, HistoryPoint *points, size_t *count, ErrText *why)
{
    Err err = ERR_OK;
    for (size_t i = 0; i < rows && store_next(query, &err, why); i++)
        if ((rows - 1 - i) % every == 0)
            points[(*count)++] = (HistoryPoint){sqlite3_column_int64(query, 0), store_number(query, 1), store_number(query, 2)};
    sqlite3_reset(query);
    return err;
}

static Err read_range(HistoryReader *reader, const Range *range, ReaderQuery counting, ReaderQuery reading, Arena *arena, HistoryPoint **out,
                      size_t *count, ErrText *why)
{
    size_t rows;
    Err err = count_rows(reader->queries[counting], range, &rows, why);
    if (err != ERR_OK || rows == 0)
        return err;
    const size_t every = (rows + range->points - 1) / range->points;
    *out = arena_new(arena, HistoryPoint, (rows + every - 1) / every);
    if (!*out)
        return err_set(why, ERR_MEMORY, "out of memory for %zu points", rows / every);
    bind_range(reader->queries[reading], range);
    return keep_points(reader->queries[reading], rows, every, *out, count, why);
}

/* One transaction, so that what is counted is what is read. */
static Err read_tag(HistoryReader *reader, TagId tag, Range *range, ReaderQuery counting, ReaderQuery reading, Arena *arena, HistoryPoint **out,
                    size_t *count, ErrText *why)
{
    range->points = range->points < POINTS_MAX ? range->points : POINTS_MAX;
    Err err = range->points ? store_run(reader->db, "BEGIN", why) : ERR_OK;
    if (err != ERR_OK || range->points == 0)
        return err;
    err = find_tag(reader, tag, &range->tag, why);
    if (err == ERR_OK)
        err = read_range(reader, range, counting, reading, arena, out, count, why);
    store_run(reader->db, "COMMIT", NULL);
    return err;
}

/* Nothing is kept of channels of other kinds. */
static Err read_kind(HistoryReader *reader, TagId tag, Range *range, ReaderQuery estimates, Arena *arena, HistoryPoint **out, size_t *count, ErrText *why)
{
    assert(reader && tag < tags_count(reader->plant->tags) && arena && out && count);
    *out = NULL;
    *count = 0;
    const Place place = plant_place(reader->plant, tag);
    const ChannelKind kind = plant_model(reader->plant, place.twin)->channels[place.channel].kind;
    if (kind == CHANNEL_SENSOR || kind == CHANNEL_INPUT)
        return read_tag(reader, tag, range, READER_SAMPLES_COUNT, READER_SAMPLES, arena, out, count, why);
    return channel_is_estimated(kind) ? read_tag(reader, tag, range, READER_ESTIMATES_COUNT, estimates, arena, out, count, why) : ERR_OK;
}

Err history_read(HistoryReader *reader, TagId tag, int64_t from, int64_t to, size_t points, Arena *arena, HistoryPoint **out, size_t *count,
                 ErrText *why)
{
    return read_kind(reader, tag, &(Range){.from = from, .to = to, .points = points}, READER_ESTIMATES, arena, out, count, why);
}

Err history_read_first(HistoryReader *reader, TagId tag, int64_t from, int64_t to, size_t points, Arena *arena, HistoryPoint **out, size_t *count,
                       ErrText *why)
{
    return read_kind(reader, tag, &(Range){.from = from, .to = to, .points = points}, READER_FIRST_ESTIMATES, arena, out, count, why);
}

// The newest.

static size_t clamp_limit(size_t limit)
{
    return limit < ENTRIES_MAX ? limit : ENTRIES_MAX;
}

/* The rows of a query whose arguments are bound, `limit` at most. */
static Err read_alarms(HistoryReader *reader, sqlite3_stmt *query, size_t limit, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why)
{
    *count = 0;
    *out = arena_new(arena, HistoryAlarm, limit);
    if (!*out)
        return err_set(why, ERR_MEMORY, "out of memory for %zu alarms", limit);
    Err err = ERR_OK;
    while (err == ERR_OK && *count < limit && store_next(query, &err, why)) {
        err = store_read_alarm(query, reader->plant, arena, &(*out)[*count], why);
        *count += err == ERR_OK;
    }
    sqlite3_reset(query);
    return err;
}

Err history_find_alarms(HistoryReader *reader, const HistoryAlarmFilter *filter, size_t limit, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why)
{
    sqlite3_stmt *query = reader->queries[READER_ALARMS];
    sqlite3_bind_int64(query, 1, (int64_t)clamp_limit(limit));
    sqlite3_bind_int64(query, 2, filter->before && filter->before <= INT64_MAX ? (int64_t)filter->before : INT64_MAX);
    sqlite3_bind_int64(query, 3, filter->states ? filter->states : ~INT64_C(0));
    sqlite3_bind_text(query, 4, filter->twin, -1, SQLITE_STATIC);
    const Err err = read_alarms(reader, query, clamp_limit(limit), arena, out, count, why);
    sqlite3_bind_null(query, 4);
    return err;
}

Err history_read_alarms(HistoryReader *reader, size_t limit, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why)
{
    return history_find_alarms(reader, &(HistoryAlarmFilter){0}, limit, arena, out, count, why);
}

Err history_read_acts(HistoryReader *reader, uint64_t alarm, Arena *arena, HistoryAct **out, size_t *count, ErrText *why)
{
    sqlite3_stmt *query = reader->queries[READER_ACTS];
    *count = 0;
    *out = arena_new(arena, HistoryAct, ACTS_MAX);
    if (!*out)
        return err_set(why, ERR_MEMORY, "out of memory for what was done about an alarm");
    sqlite3_bind_int64(query, 1, (int64_t)alarm);
    sqlite3_bind_int64(query, 2, ACTS_MAX);
    Err err = ERR_OK;
    while (err == ERR_OK && *count < ACTS_MAX && store_next(query, &err, why)) {
        err = desk__read_act(query, &(*out)[*count], why);
        *count += err == ERR_OK;
    }
    sqlite3_reset(query);
    return err;
}

Err history_read_evidence(HistoryReader *reader, uint64_t alarm, Arena *arena, HistoryEvidence *out, ErrText *why)
{
    sqlite3_stmt *query = reader->queries[READER_EVIDENCE];
    Err err = ERR_OK;
    *out = (HistoryEvidence){0};
    sqlite3_bind_int64(query, 1, (int64_t)alarm);
    if (store_next(query, &err, why)) {
        const char *members = (const char *)sqlite3_column_text(query, 0);
        *out = (HistoryEvidence){arena_text(arena, members ? members : ""), sqlite3_column_int64(query, 1), sqlite3_column_int64(query, 2)};
        if (!out->members)
            err = err_set(why, ERR_MEMORY, "out of memory for the evidence of an alarm");
    }
    sqlite3_reset(query);
    return err;
}

Err history_read_alarm(HistoryReader *reader, uint64_t id, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why)
{
    sqlite3_stmt *query = reader->queries[READER_ALARM];
    sqlite3_bind_int64(query, 1, (int64_t)id);
    sqlite3_bind_int64(query, 2, REVISIONS_MAX);
    return read_alarms(reader, query, REVISIONS_MAX, arena, out, count, why);
}

Err history_read_commands(HistoryReader *reader, uint64_t before, size_t limit, Arena *arena, HistoryCommand **out, size_t *count, ErrText *why)
{
    sqlite3_stmt *query = reader->queries[READER_COMMANDS];
    *count = 0;
    *out = arena_new(arena, HistoryCommand, clamp_limit(limit));
    if (!*out)
        return err_set(why, ERR_MEMORY, "out of memory for %zu commands", limit);
    sqlite3_bind_int64(query, 1, before ? (int64_t)before : INT64_MAX);
    sqlite3_bind_int64(query, 2, (int64_t)clamp_limit(limit));
    Err err = ERR_OK;
    while (err == ERR_OK && *count < clamp_limit(limit) && store_next(query, &err, why)) {
        err = store_read_command(query, reader->plant, arena, &(*out)[*count], why);
        *count += err == ERR_OK;
    }
    sqlite3_reset(query);
    return err;
}

Err history_read_audit(HistoryReader *reader, uint64_t before, size_t limit, Arena *arena, AuditEntry **out, size_t *count, ErrText *why)
{
    return trail_read(reader->db, before, limit, arena, out, count, why);
}
