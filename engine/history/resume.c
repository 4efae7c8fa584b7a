/* resume.c -- the newest snapshot that is whole, of all or of those up to a moment, and what lies behind it. */
#include "history/resume.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "history/logbook.h"
#include "history/writer.h"

typedef struct Reading {
    sqlite3 *db;
    const Plant *plant;
    HistoryResume *out;
    int64_t last;   // tick: nothing behind it is asked for
    TailMark mark;  // of samples
    ErrText *why;
} Reading;

static Err out_of_memory(const Reading *reading)
{
    return err_set(reading->why, ERR_MEMORY, "out of memory for what the history has to resume from");
}

// Snapshots.

/* One part, of pieces that must lie end to end. ERR_PARSE when they do not. */
static Err read_part(Reading *reading, sqlite3_stmt *pieces, size_t size, SnapshotPart *out)
{
    char *bytes = arena_alloc(&reading->out->arena, size + 1);
    if (!bytes)
        return out_of_memory(reading);
    size_t used = 0;
    Err err = ERR_OK;
    while (store_next(pieces, &err, reading->why)) {
        const size_t length = (size_t)sqlite3_column_bytes(pieces, 1);
        if (sqlite3_column_int64(pieces, 0) != (int64_t)used || length > size - used)
            return ERR_PARSE;
        if (length)
            memcpy(bytes + used, sqlite3_column_blob(pieces, 1), length);
        used += length;
    }
    *out = (SnapshotPart){bytes, size};
    return err == ERR_OK && used != size ? ERR_PARSE : err;
}

static Err read_size(Reading *reading, int64_t tick, size_t part, size_t *out)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT sum(length(bytes)) FROM piece WHERE tick = %" PRId64 " AND part = %zu", tick, part);
    int64_t size = -1;
    const Err err = store_integer(reading->db, sql, -1, &size, reading->why);
    *out = (size_t)size;
    return err == ERR_OK && size < 0 ? ERR_PARSE : err;
}

static Err read_parts(Reading *reading, int64_t tick, SnapshotPart *parts, size_t count)
{
    sqlite3_stmt *pieces;
    Err err = store_prepare(reading->db, "SELECT start, bytes FROM piece WHERE tick = ? AND part = ? ORDER BY start", &pieces, reading->why);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        size_t size;
        err = read_size(reading, tick, i, &size);
        sqlite3_bind_int64(pieces, 1, tick);
        sqlite3_bind_int64(pieces, 2, (int64_t)i);
        if (err == ERR_OK)
            err = read_part(reading, pieces, size, &parts[i]);
        sqlite3_reset(pieces);
    }
    sqlite3_finalize(pieces);
    return err;
}

static Err give_parts(Reading *reading, const SnapshotPart *parts, size_t count)
{
    HistoryResume *out = reading->out;
    out->parts = arena_new(&out->arena, void *, count);
    out->part_sizes = arena_new(&out->arena, size_t, count);
    if (!out->parts || !out->part_sizes)
        return out_of_memory(reading);
    for (size_t i = 0; i < count; i++) {
        out->parts[i] = (void *)parts[i].bytes;
        out->part_sizes[i] = parts[i].size;
    }
    out->part_count = count;
    return ERR_OK;
}

/* The snapshot of a row of `snapshot`; ERR_PARSE when it is not what was written. */
static Err read_snapshot(Reading *reading, sqlite3_stmt *row)
{
    const int64_t tick = sqlite3_column_int64(row, 0), count = sqlite3_column_int64(row, 3);
    SnapshotPart parts[WRITER_PARTS_MAX];
    if (count < 0 || count > WRITER_PARTS_MAX)
        return ERR_PARSE;
    Err err = read_parts(reading, tick, parts, (size_t)count);
    if (err == ERR_OK && store_sum(parts, (size_t)count) != (uint64_t)sqlite3_column_int64(row, 4))
        err = ERR_PARSE;
    if (err == ERR_OK)
        err = give_parts(reading, parts, (size_t)count);
    if (err != ERR_OK)
        return err;
    reading->out->tick = tick;
    reading->out->time = sqlite3_column_int64(row, 1);
    reading->out->hash = (uint64_t)sqlite3_column_int64(row, 2);
    return ERR_OK;
}

static Err read_newest_snapshot(Reading *reading)
{
    sqlite3_stmt *rows;
    Err err = store_prepare(reading->db, "SELECT tick, time, hash, parts, sum FROM snapshot WHERE tick <= ? ORDER BY tick DESC", &rows, reading->why);
    if (err != ERR_OK)
        return err;
    sqlite3_bind_int64(rows, 1, reading->last);
    bool found = false;
    while (err == ERR_OK && !found && store_next(rows, &err, reading->why)) {
        err = read_snapshot(reading, rows);
        found = err == ERR_OK;
        if (err != ERR_PARSE)
            continue;

        // the samples behind the one before are there as well: the way is longer, its end the same
        log_write(LOG_WARNING, "history", "the snapshot of tick %lld is damaged and left out", sqlite3_column_int64(rows, 0));
        arena_reset(&reading->out->arena);
        err = ERR_OK;
    }
    sqlite3_finalize(rows);
    return err;
}

// What lies behind.

static bool read_filed(sqlite3_stmt *row, const Plant *plant, Filed *out)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    out->sample.tag = name ? tags_find(plant->tags, name) : TAG_NONE;
    out->sample.time = sqlite3_column_int64(row, 1);
    out->sample.value = store_number(row, 2);
    out->sample.quality = (uint8_t)sqlite3_column_int(row, 3);
    out->tick = sqlite3_column_int64(row, 4);
    out->late = (uint32_t)(out->tick - plant_tick(plant, out->sample.time));
    out->seq = (uint64_t)sqlite3_column_int64(row, 5);
    out->fate = (uint8_t)sqlite3_column_int(row, 6);
    const bool is_sampled = out->sample.tag != TAG_NONE && tags_get(plant->tags, out->sample.tag).role == TAG_SAMPLED;
    return is_sampled && out->sample.quality <= QUALITY_BAD && out->fate <= FATE_BAD;
}

static Err read_samples(Reading *reading)
{
    HistoryResume *out = reading->out;
    char sql[320];
    int64_t rows;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM sample WHERE tick > %" PRId64 " AND tick <= %" PRId64, out->tick, reading->last);
    Err err = store_integer(reading->db, sql, 0, &rows, reading->why);
    if (err != ERR_OK)
        return err;
    out->samples = arena_new(&out->arena, Filed, rows);
    if (!out->samples)
        return out_of_memory(reading);

    sqlite3_stmt *query;
    snprintf(sql, sizeof sql,
             "SELECT tag.name, sample.time, sample.value, sample.quality, sample.tick, sample.seq, sample.fate"
             " FROM sample LEFT JOIN tag ON tag.id = sample.tag WHERE sample.tick > %" PRId64 " AND sample.tick <= %" PRId64 " ORDER BY sample.tick, sample.seq",
             out->tick, reading->last);
    err = store_prepare(reading->db, sql, &query, reading->why);
    if (err != ERR_OK)
        return err;
    while (out->sample_count < (size_t)rows && store_next(query, &err, reading->why))
        out->sample_count += read_filed(query, reading->plant, &out->samples[out->sample_count]);
    sqlite3_finalize(query);
    if (err == ERR_OK && out->sample_count < (size_t)rows)
        log_write(LOG_WARNING, "history", "left out what lies behind the snapshot of tags that take no samples any more: %zu samples",
                  (size_t)rows - out->sample_count);
    return err;
}

/* The gate wants to know what was asked last of an actuator, and what it was last known to have. */
#define RESUMED_COMMANDS                                                                             \
    " FROM command WHERE state IN (0, 1) OR id IN (SELECT max(id) FROM command WHERE state NOT IN (3, 6) GROUP BY tag)" \
    " OR id IN (SELECT max(id) FROM command WHERE state = 2 GROUP BY tag) OR id IN (SELECT max(id) FROM command WHERE state = 6 GROUP BY tag) ORDER BY id"
_Static_assert(COMMAND_WAITING == 0 && COMMAND_SENT == 1 && COMMAND_DONE == 2 && COMMAND_REFUSED == 3 && COMMAND_WITHHELD == 6, "RESUMED_COMMANDS names states by number");

static Err read_commands(Reading *reading)
{
    HistoryResume *out = reading->out;
    int64_t rows;
    Err err = store_integer(reading->db, "SELECT count(*)" RESUMED_COMMANDS, 0, &rows, reading->why);
    if (err != ERR_OK)
        return err;
    out->commands = arena_new(&out->arena, Command, rows);
    if (!out->commands)
        return out_of_memory(reading);

    sqlite3_stmt *query;
    err = store_prepare(reading->db, "SELECT " STORE_COMMAND RESUMED_COMMANDS, &query, reading->why);
    if (err != ERR_OK)
        return err;
    while (err == ERR_OK && out->command_count < (size_t)rows && store_next(query, &err, reading->why)) {
        HistoryCommand entry;
        err = store_read_command(query, reading->plant, &out->arena, &entry, reading->why);
        if (err == ERR_OK && entry.command.wish.tag != TAG_NONE)
            out->commands[out->command_count++] = entry.command;
    }
    sqlite3_finalize(query);
    return err;
}

/* One row: a limit, or (without a twin) the end of what was judged in its tick. `items` are those of the tick so far. */
static void take_outlook(Reading *reading, sqlite3_stmt *row, Outlook *items, size_t *count)
{
    HistoryResume *out = reading->out;
    const char *twin_name = (const char *)sqlite3_column_text(row, 1), *alarm = (const char *)sqlite3_column_text(row, 2);
    if (!twin_name || !alarm)
        return;
    if (!*twin_name) {
        const Outlooks outlooks = {.time = sqlite3_column_int64(row, 3), .items = items, .count = *count};
        out->foretold[out->foretold_count++] = (HistoryOutlooks){sqlite3_column_int64(row, 0), outlooks};
        return;
    }
    const int64_t twin = plant_find(reading->plant, twin_name);
    const Model *model = twin < 0 ? NULL : plant_model(reading->plant, (uint32_t)twin);
    for (uint16_t i = 0; model && i < model->alarm_count; i++)
        if (strcmp(model->alarms[i].name, alarm) == 0)
            items[(*count)++] = (Outlook){(uint32_t)twin, i, store_number(row, 4), store_number(row, 5), store_number(row, 6), store_number(row, 7)};
}

/* Of each tick its end comes last; a forecast without one was cut off. */
static Err read_outlooks(Reading *reading)
{
    HistoryResume *out = reading->out;
    char sql[160];
    int64_t rows;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM outlook WHERE tick > %" PRId64, out->tick);
    Err err = store_integer(reading->db, sql, 0, &rows, reading->why);
    if (err != ERR_OK)
        return err;
    Outlook *items = arena_new(&out->arena, Outlook, rows + 1);
    out->foretold = arena_new(&out->arena, HistoryOutlooks, rows + 1);
    if (!items || !out->foretold)
        return out_of_memory(reading);

    sqlite3_stmt *query;
    snprintf(sql, sizeof sql, "SELECT tick, twin, alarm, time, share, early, middle, late FROM outlook WHERE tick > %" PRId64 " ORDER BY tick, twin DESC, alarm", out->tick);
    err = store_prepare(reading->db, sql, &query, reading->why);
    if (err != ERR_OK)
        return err;
    int64_t tick = INT64_MIN;
    size_t count = 0;
    for (int64_t row = 0; row < rows && store_next(query, &err, reading->why); row++) {
        if (sqlite3_column_int64(query, 0) != tick) {
            items += count;
            count = 0;
        }
        tick = sqlite3_column_int64(query, 0);
        take_outlook(reading, query, items, &count);
    }
    sqlite3_finalize(query);
    return err;
}

static Err read_acts(Reading *reading)
{
    HistoryResume *out = reading->out;
    char sql[160];
    int64_t rows;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM act WHERE tick >= %" PRId64, out->tick);
    Err err = store_integer(reading->db, sql, 0, &rows, reading->why);
    if (err != ERR_OK)
        return err;
    out->acts = arena_new(&out->arena, HistoryAct, rows);
    if (!out->acts)
        return out_of_memory(reading);

    sqlite3_stmt *query;
    snprintf(sql, sizeof sql, "SELECT " LOGBOOK_ACT_COLUMNS " FROM act WHERE tick >= %" PRId64 " ORDER BY number", out->tick);
    err = store_prepare(reading->db, sql, &query, reading->why);
    if (err != ERR_OK)
        return err;
    while (err == ERR_OK && out->act_count < (size_t)rows && store_next(query, &err, reading->why)) {
        err = logbook__read_act(query, &out->acts[out->act_count], reading->why);
        out->act_count += err == ERR_OK;
    }
    sqlite3_finalize(query);
    return err;
}

static Err read_gate_acts(Reading *reading)
{
    HistoryResume *out = reading->out;
    char sql[160];
    int64_t rows;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM gate_act WHERE tick >= %" PRId64, out->tick);
    Err err = store_integer(reading->db, sql, 0, &rows, reading->why);
    if (err != ERR_OK)
        return err;
    out->gate_acts = arena_new(&out->arena, HistoryGateAct, rows);
    if (!out->gate_acts)
        return out_of_memory(reading);

    sqlite3_stmt *query;
    snprintf(sql, sizeof sql, "SELECT " LOGBOOK_GATE_ACT_COLUMNS " FROM gate_act WHERE tick >= %" PRId64 " ORDER BY number", out->tick);
    err = store_prepare(reading->db, sql, &query, reading->why);
    if (err != ERR_OK)
        return err;
    while (err == ERR_OK && out->gate_act_count < (size_t)rows && store_next(query, &err, reading->why)) {
        bool gone;
        err = logbook__read_gate_act(query, reading->plant, &out->gate_acts[out->gate_act_count], &gone, reading->why);
        out->gate_act_count += err == ERR_OK && !gone;
    }
    sqlite3_finalize(query);
    return err;
}

/* The newest of all samples: by tag in blocks, whose index begins with it, and among the rows that are none yet. */
#define LAST_SAMPLE "SELECT max(time) FROM (SELECT max((SELECT max(end) FROM block WHERE block.tag = tag.id AND strand = 0)) AS time FROM tag" \
                    " UNION ALL SELECT max(time) FROM sample)"
_Static_assert(STRAND_SAMPLES == 0, "LAST_SAMPLE names a strand by number");

static Err read_numbers(Reading *reading)
{
    HistoryResume *out = reading->out;
    int64_t seq = 0, alarm = 0, command = 0, act = 0, gate_act = 0;
    Err err = store_integer(reading->db, "SELECT max(seq) FROM sample", 0, &seq, reading->why);
    if (err == ERR_OK)
        err = store_integer(reading->db, "SELECT max(id) FROM alarm", 0, &alarm, reading->why);
    if (err == ERR_OK)
        err = store_integer(reading->db, "SELECT max(id) FROM command", 0, &command, reading->why);
    if (err == ERR_OK)
        err = store_integer(reading->db, "SELECT max(number) FROM act", 0, &act, reading->why);
    if (err == ERR_OK)
        err = store_integer(reading->db, "SELECT max(number) FROM gate_act", 0, &gate_act, reading->why);
    if (err == ERR_OK)
        err = store_integer(reading->db, LAST_SAMPLE, TIME_NONE, &out->last_sample_time, reading->why);
    out->last_seq = (uint64_t)(seq > reading->mark.floor ? seq : reading->mark.floor);
    out->last_alarm = (uint64_t)alarm;
    out->last_command = (uint64_t)command;
    out->last_act = (uint64_t)act;
    out->last_gate_act = (uint64_t)gate_act;
    return err;
}

/* Samples that the oldest snapshots do not need are in blocks, in no order of ticks. */
static Err check_rows(Reading *reading)
{
    const Err err = tail_read_mark(reading->db, STRAND_SAMPLES, &reading->mark, reading->why);
    if (err != ERR_OK || reading->out->tick >= reading->mark.tick)
        return err;
    return err_set(reading->why, ERR_PARSE, "none of its snapshots that could be continued is whole");
}

static Err read_behind(Reading *reading)
{
    Err err = check_rows(reading);
    if (err == ERR_OK)
        err = read_samples(reading);
    if (err == ERR_OK)
        err = read_commands(reading);
    if (err == ERR_OK)
        err = read_outlooks(reading);
    if (err == ERR_OK)
        err = read_acts(reading);
    if (err == ERR_OK)
        err = read_gate_acts(reading);
    return err == ERR_OK ? read_numbers(reading) : err;
}

/* A restart without a snapshot begins with the first sample; a moment of the past has nothing to begin with. */
static Err read_up_to(const char *path, const Plant *plant, int64_t last, HistoryResume *out, ErrText *why)
{
    assert(path && plant && out);
    *out = (HistoryResume){.tick = -1, .time = TIME_NONE, .last_sample_time = TIME_NONE};
    Reading reading = {.plant = plant, .out = out, .last = last, .why = why};
    Err err = store_open(path, STORE_READ, plant->name, &reading.db, why);
    if (err != ERR_OK)
        return err;

    // one transaction: all of it as it was at one moment
    err = store_run(reading.db, "BEGIN", why);
    if (err == ERR_OK)
        err = read_newest_snapshot(&reading);
    if (err == ERR_OK && (out->part_count || last == INT64_MAX))
        err = read_behind(&reading);
    sqlite3_close(reading.db);
    if (err != ERR_OK)
        history_resume_fini(out);
    return err;
}

Err resume_read(const char *path, const Plant *plant, HistoryResume *out, ErrText *why)
{
    return read_up_to(path, plant, INT64_MAX, out, why);
}

Err resume_read_past(const char *path, const Plant *plant, int64_t tick, HistoryResume *out, ErrText *why)
{
    assert(tick < INT64_MAX);
    return read_up_to(path, plant, tick, out, why);
}

void history_resume_fini(HistoryResume *resume)
{
    arena_fini(&resume->arena);
    *resume = (HistoryResume){.tick = -1, .time = TIME_NONE, .last_sample_time = TIME_NONE};
}
