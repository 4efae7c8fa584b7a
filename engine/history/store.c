/* store.c -- opening with suspicion, and values to columns and back. */
#include "history/form.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BUSY_MS = 250 };

static const char *file_of(sqlite3 *db)
{
    const char *path = sqlite3_db_filename(db, "main");
    return path && *path ? path : "history";
}

// Opening.

/* Whose file is it? `form` is 0 when it is nobody's yet. */
static Err check_form(sqlite3 *db, int64_t *form, ErrText *why)
{
    int64_t application, version, tables;
    Err err = store_integer(db, "PRAGMA application_id", 0, &application, why);
    if (err == ERR_OK)
        err = store_integer(db, "PRAGMA user_version", 0, &version, why);
    if (err == ERR_OK)
        err = store_integer(db, "SELECT count(*) FROM sqlite_schema", 0, &tables, why);
    if (err != ERR_OK)
        return err == ERR_PARSE ? err_set(why, err, "%s is damaged or not a history of Pollux: choose another file", file_of(db)) : err;

    const bool fresh = application == 0 && tables == 0;
    *form = fresh ? 0 : version;
    if (!fresh && application != FORM_APPLICATION)
        return err_set(why, ERR_PARSE, "%s is not a history of Pollux: choose another file", file_of(db));
    if (!fresh && (version < 1 || version > FORM_VERSION))
        return err_set(why, ERR_PARSE, "%s has form %" PRId64 " and this Pollux knows form %d: use the Pollux that made it, or choose another file",
                       file_of(db), version, FORM_VERSION);
    return ERR_OK;
}

static Err check_plant(sqlite3 *db, const char *plant, ErrText *why)
{
    sqlite3_stmt *query;
    Err err = store_prepare(db, "SELECT name FROM plant", &query, why);
    if (err != ERR_OK)
        return err;
    const char *name = store_next(query, &err, why) ? (const char *)sqlite3_column_text(query, 0) : "";
    if (err == ERR_OK && (!name || strcmp(name, plant) != 0))
        err = err_set(why, ERR_PARSE, "%s holds the records of plant \"%s\", not of \"%s\": choose another file", file_of(db), name ? name : "",
                      plant);
    sqlite3_finalize(query);
    return err;
}

/* synchronous = FULL: in WAL, NORMAL would lose the last commits in a power cut, and they have been acknowledged [I5]. */
static Err set_up(sqlite3 *db, StoreMode mode, ErrText *why)
{
    if (mode == STORE_READ)
        return store_run(db, "PRAGMA query_only = 1", why);
    sqlite3_stmt *query;
    Err err = store_prepare(db, "PRAGMA journal_mode = WAL", &query, why);
    if (err != ERR_OK)
        return err;
    const bool wal = store_next(query, &err, why) && strcmp((const char *)sqlite3_column_text(query, 0), "wal") == 0;
    sqlite3_finalize(query);
    if (err == ERR_OK && !wal)
        err = err_set(why, ERR_IO, "%s: this file system cannot carry a write-ahead log: choose a local disk", file_of(db));
    if (err != ERR_OK)
        return err;
    return store_run(db,
                     "PRAGMA synchronous = FULL; PRAGMA secure_delete = OFF;"
                     "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384",
                     why);
}

static Err open_checked(sqlite3 *db, StoreMode mode, const char *plant, ErrText *why)
{
    int64_t form = 0;
    Err err = check_form(db, &form, why);
    if (err == ERR_OK && form == 0 && mode == STORE_READ)
        err = err_set(why, ERR_PARSE, "%s is empty", file_of(db));
    if (err == ERR_OK && form > 0 && form < FORM_VERSION && mode == STORE_READ)
        err = err_set(why, ERR_PARSE, "%s has form %" PRId64 ": let an engine go on with it first, which brings it to form %d", file_of(db), form, FORM_VERSION);
    if (err == ERR_OK)
        err = set_up(db, mode, why);
    if (err == ERR_OK && form == 0)
        err = form_create(db, plant, why);
    if (err == ERR_OK && plant)
        err = check_plant(db, plant, why);
    if (err == ERR_OK && form > 0 && mode == STORE_WRITE)
        err = form_migrate(db, form, why);
    return err == ERR_OK && mode == STORE_WRITE ? form_complete(db, why) : err;
}

Err store_check_path(const char *path, ErrText *why)
{
    if (*path && path[0] != ':' && strncmp(path, "file:", 5) != 0)
        return ERR_OK;
    return err_set(why, ERR_USAGE, "\"%s\" is not the path of a file: a history must be one", path);
}

Err store_open(const char *path, StoreMode mode, const char *plant, sqlite3 **out, ErrText *why)
{
    assert(path && out && (plant || mode == STORE_READ));
    *out = NULL;
    Err err = store_check_path(path, why);
    if (err != ERR_OK)
        return err;

    // a reader opens for writing too, because it takes part in the locks of the log; query_only keeps it from the rest
    sqlite3 *db;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (mode == STORE_WRITE ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(path, &db, flags, NULL);
    if (code != SQLITE_OK)
        err = err_set(why, db ? ERR_IO : ERR_MEMORY, "%s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
    if (err == ERR_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        err = open_checked(db, mode, plant, why);
    }
    if (err == ERR_OK)
        *out = db;
    else
        sqlite3_close(db);
    return err;
}

// Statements.

Err store_fail(sqlite3 *db, ErrText *why)
{
    static const struct {
        int code;
        Err err;
    } known[] = {{SQLITE_NOMEM, ERR_MEMORY}, {SQLITE_CORRUPT, ERR_PARSE}, {SQLITE_NOTADB, ERR_PARSE}, {SQLITE_FULL, ERR_FULL},
                 {SQLITE_CONSTRAINT, ERR_RANGE}};
    Err err = ERR_IO;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((sqlite3_errcode(db) & 0xff) == known[i].code)
            err = known[i].err;
    return err_set(why, err, "%s: %s", file_of(db), sqlite3_errmsg(db));
}

Err store_run(sqlite3 *db, const char *sql, ErrText *why)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : store_fail(db, why);
}

Err store_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, ErrText *why)
{
    return sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK ? ERR_OK : store_fail(db, why);
}

Err store_integer(sqlite3 *db, const char *sql, int64_t otherwise, int64_t *out, ErrText *why)
{
    sqlite3_stmt *query;
    Err err = store_prepare(db, sql, &query, why);
    if (err != ERR_OK)
        return err;
    *out = store_next(query, &err, why) && sqlite3_column_type(query, 0) != SQLITE_NULL ? sqlite3_column_int64(query, 0) : otherwise;
    sqlite3_finalize(query);
    return err;
}

bool store_next(sqlite3_stmt *query, Err *err, ErrText *why)
{
    assert(*err == ERR_OK);
    const int code = sqlite3_step(query);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        *err = store_fail(sqlite3_db_handle(query), why);
    return code == SQLITE_ROW;
}

// Values.

void store_bind_time(sqlite3_stmt *statement, int index, int64_t time)
{
    if (time == TIME_NONE)
        sqlite3_bind_null(statement, index);
    else
        sqlite3_bind_int64(statement, index, time);
}

int64_t store_time(sqlite3_stmt *query, int column)
{
    return sqlite3_column_type(query, column) == SQLITE_NULL ? TIME_NONE : sqlite3_column_int64(query, column);
}

double store_number(sqlite3_stmt *query, int column)
{
    return sqlite3_column_type(query, column) == SQLITE_NULL ? NAN : sqlite3_column_double(query, column);
}

static const char *column_text(sqlite3_stmt *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query, column);
    return text ? text : "";
}

void store_text(sqlite3_stmt *query, int column, char *out, size_t size)
{
    snprintf(out, size, "%s", column_text(query, column));
}

/* The text is not copied: it must stay until the statement is reset. */
static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

void store_bind_alarm(sqlite3_stmt *statement, const HistoryAlarm *entry)
{
    const Alarm *alarm = &entry->alarm;
    sqlite3_bind_int64(statement, 1, (int64_t)alarm->id);
    bind_text(statement, 2, entry->twin);
    sqlite3_bind_int64(statement, 3, alarm->revision);
    sqlite3_bind_int(statement, 4, (int)alarm->state);
    sqlite3_bind_int(statement, 5, (int)alarm->severity);
    store_bind_time(statement, 6, alarm->raised);
    store_bind_time(statement, 7, alarm->acknowledged);
    store_bind_time(statement, 8, alarm->returned);
    bind_text(statement, 9, alarm->name);
    bind_text(statement, 10, alarm->text);
    store_bind_time(statement, 11, alarm->amended);
}

void store_bind_command(sqlite3_stmt *statement, const HistoryCommand *entry)
{
    const Command *command = &entry->command;
    sqlite3_bind_int64(statement, 1, (int64_t)command->id);
    bind_text(statement, 2, entry->tag);
    sqlite3_bind_double(statement, 3, command->wish.value);
    bind_text(statement, 4, command->wish.by);
    bind_text(statement, 5, command->wish.reason);
    sqlite3_bind_int(statement, 6, (int)command->state);
    store_bind_time(statement, 7, command->time);
    store_bind_time(statement, 8, command->deadline);
    store_bind_time(statement, 9, command->ended);
    bind_text(statement, 10, command->detail);
}

Err store_read_alarm(sqlite3_stmt *query, const Plant *plant, Arena *arena, HistoryAlarm *out, ErrText *why)
{
    Alarm *alarm = &out->alarm;
    out->twin = arena_text(arena, column_text(query, 1));
    if (!out->twin)
        return err_set(why, ERR_MEMORY, "out of memory for an alarm");
    const int64_t twin = plant_find(plant, out->twin);
    alarm->id = (uint64_t)sqlite3_column_int64(query, 0);
    alarm->twin = twin < 0 ? UINT32_MAX : (uint32_t)twin;
    alarm->revision = (uint32_t)sqlite3_column_int64(query, 2);
    alarm->state = (AlarmState)sqlite3_column_int(query, 3);
    alarm->severity = (Severity)sqlite3_column_int(query, 4);
    alarm->raised = store_time(query, 5);
    alarm->acknowledged = store_time(query, 6);
    alarm->returned = store_time(query, 7);
    store_text(query, 8, alarm->name, sizeof alarm->name);
    store_text(query, 9, alarm->text, sizeof alarm->text);
    alarm->amended = store_time(query, 10);
    alarm->comments = (uint32_t)sqlite3_column_int64(query, 11);
    alarm->shelved = TIME_NONE;  // what is shelved now is no matter of this alarm alone
    if (alarm->state <= ALARM_OVER && alarm->severity <= SEVERITY_CRITICAL)
        return ERR_OK;
    return err_set(why, ERR_PARSE, "%s: alarm %" PRIu64 " is in a state that does not exist", file_of(sqlite3_db_handle(query)), alarm->id);
}

Err store_read_command(sqlite3_stmt *query, const Plant *plant, Arena *arena, HistoryCommand *out, ErrText *why)
{
    Command *command = &out->command;
    out->tag = arena_text(arena, column_text(query, 1));
    if (!out->tag)
        return err_set(why, ERR_MEMORY, "out of memory for a command");
    *command = (Command){0};
    command->id = (uint64_t)sqlite3_column_int64(query, 0);
    command->wish.tag = tags_find(plant->tags, out->tag);
    command->wish.value = store_number(query, 2);
    store_text(query, 3, command->wish.by, sizeof command->wish.by);
    store_text(query, 4, command->wish.reason, sizeof command->wish.reason);
    command->state = (CommandState)sqlite3_column_int(query, 5);
    command->time = store_time(query, 6);
    command->deadline = store_time(query, 7);
    command->ended = store_time(query, 8);
    store_text(query, 9, command->detail, sizeof command->detail);
    if (command->state <= COMMAND_WITHHELD)
        return ERR_OK;
    return err_set(why, ERR_PARSE, "%s: command %" PRIu64 " is in a state that does not exist", file_of(sqlite3_db_handle(query)), command->id);
}

uint64_t store_sum(const SnapshotPart *parts, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t size = parts[i].size;
        sum = hash_bytes(sum, &size, sizeof size);
        sum = hash_bytes(sum, parts[i].bytes, parts[i].size);
    }
    return sum;
}
