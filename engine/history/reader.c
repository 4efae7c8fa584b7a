/* reader.c -- a connection beside the writer's, and the newest alarms and commands. */
#include "history/reader.h"

#include <assert.h>

#include "history/logbook.h"
#include "history/trail.h"

enum { ENTRIES_MAX = 10 * 1000, REVISIONS_MAX = 1000, ACTS_MAX = 1000 };

_Static_assert(ALARM_OVER == 3, "READER_ALARMS_AT names a state by number");

static const char *const sql[READER_QUERY_COUNT] = {
    [READER_TAG] = "SELECT id FROM tag WHERE name = ?",
    [READER_HORIZON] = "SELECT time FROM horizon WHERE level = ?",
    [READER_ALARMS] = "SELECT " STORE_ALARM_READ " FROM alarm WHERE id < ?2 AND (?3 >> state & 1) AND (?4 IS NULL OR twin = ?4) ORDER BY id DESC LIMIT ?1",
    [READER_ACTS] = "SELECT " LOGBOOK_ACT_COLUMNS " FROM act WHERE alarm = ?1 ORDER BY number LIMIT ?2",
    [READER_EVIDENCE] = "SELECT members, start, end FROM evidence WHERE alarm = ? ORDER BY revision DESC LIMIT 1",
    [READER_ALARMS_AT] = "SELECT " STORE_ALARM_READ " FROM alarm WHERE raised <= ?1 AND (returned IS NULL OR returned > ?1"
                         " OR (acknowledged IS NULL AND state <> 3) OR acknowledged > ?1) ORDER BY id DESC LIMIT ?2",
    [READER_ALARM] = "SELECT " STORE_ALARM_READ " FROM (SELECT " STORE_ALARM " FROM alarm_revision WHERE id = ?1 UNION ALL"
                     " SELECT " STORE_ALARM " FROM alarm WHERE id = ?1) ORDER BY revision LIMIT ?2",
    [READER_COMMANDS] = "SELECT " STORE_COMMAND " FROM command WHERE id < ? ORDER BY id DESC LIMIT ?",
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
    for (Strand kind = STRAND_SAMPLES; err == ERR_OK && kind <= STRAND_ESTIMATES; kind++)
        err = tail_prepare(reader->db, kind, &reader->tails[kind], why);
    if (err == ERR_OK)
        err = shelf_init(&reader->shelf, reader->db, why);
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
    sqlite3_finalize(reader->tails[STRAND_SAMPLES]);
    sqlite3_finalize(reader->tails[STRAND_ESTIMATES]);
    shelf_fini(&reader->shelf);
    sqlite3_close(reader->db);
    mem_free(reader);
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
        err = logbook__read_act(query, &(*out)[*count], why);
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

/* The alarm as it stood at `time`: what came later has not happened. */
static void go_back(Alarm *alarm, int64_t time)
{
    if (alarm->acknowledged > time)
        alarm->acknowledged = TIME_NONE;
    if (alarm->returned > time)
        alarm->returned = TIME_NONE;
    const bool is_acknowledged = alarm->acknowledged != TIME_NONE;
    alarm->state = alarm->returned != TIME_NONE ? ALARM_RETURNED : is_acknowledged ? ALARM_ACKNOWLEDGED : ALARM_RAISED;
}

Err history_read_alarms_at(HistoryReader *reader, int64_t time, size_t limit, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why)
{
    sqlite3_stmt *query = reader->queries[READER_ALARMS_AT];
    sqlite3_bind_int64(query, 1, time);
    sqlite3_bind_int64(query, 2, (int64_t)clamp_limit(limit));
    const Err err = read_alarms(reader, query, clamp_limit(limit), arena, out, count, why);
    for (size_t i = 0; err == ERR_OK && i < *count; i++)
        go_back(&(*out)[i].alarm, time);
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
