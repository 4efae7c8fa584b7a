/* store.h -- the file: what makes it ours, its tables, and the few habits of SQLite that writer and readers share.
 *
 * application_id says that a file is a history of Pollux, user_version which form it has, the table `plant` whose records it holds;
 * anything else is refused before a byte of it is changed. WAL with synchronous = FULL: what was committed outlives a power cut.
 * Numbers of enums (fate, quality, state, severity) are written as they are: those enums may grow at their ends only.
 *
 * Takes: a path.  Gives: connections.  Threads: a connection belongs to one thread at a time. */
#pragma once

#include <sqlite3.h>

#include "history/history.h"

typedef enum StoreMode {
    STORE_WRITE,  // makes the file where there is none
    STORE_READ,
} StoreMode;

/// ERR_USAGE for what SQLite would not take as the path of a file.
Err store_check_path(const char *path, ErrText *why);
/// Open the history of `plant`; NULL: of any.
Err store_open(const char *path, StoreMode mode, const char *plant, sqlite3 **out, ErrText *why);
/// Write what SQLite has to say into `why`, after the file's name.
Err store_fail(sqlite3 *db, ErrText *why);

Err store_run(sqlite3 *db, const char *sql, ErrText *why);
Err store_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, ErrText *why);
/// The first column of the first row; `otherwise` when there is no row or it is NULL.
Err store_integer(sqlite3 *db, const char *sql, int64_t otherwise, int64_t *out, ErrText *why);
/// Step a query: false at its end and on failure, when `err` (ERR_OK before) says so.
bool store_next(sqlite3_stmt *query, Err *err, ErrText *why);

// TIME_NONE and NaN are NULL in the file.

void store_bind_time(sqlite3_stmt *statement, int index, int64_t time);
int64_t store_time(sqlite3_stmt *query, int column);
double store_number(sqlite3_stmt *query, int column);
/// Copy a text into `size` bytes, cut where it is too long.
void store_text(sqlite3_stmt *query, int column, char *out, size_t size);

// A row of `alarm` (and of `alarm_revision`, where those before the newest are) and of `command`, whose columns are STORE_ALARM and STORE_COMMAND.

#define STORE_ALARM "id, twin, revision, state, severity, raised, acknowledged, returned, name, text, amended"
/// As a row is read: with the number of comments that people have left.
#define STORE_ALARM_READ STORE_ALARM ", (SELECT count(*) FROM act WHERE act.alarm = id AND act.comment <> '')"
#define STORE_COMMAND "id, tag, value, asker, reason, state, time, deadline, ended, detail"

void store_bind_alarm(sqlite3_stmt *statement, const HistoryAlarm *alarm);
void store_bind_command(sqlite3_stmt *statement, const HistoryCommand *command);
/// `twin` and `tag` become copies in `arena`; numbers are those of `plant`, UINT32_MAX and TAG_NONE when it has them no more.
Err store_read_alarm(sqlite3_stmt *query, const Plant *plant, Arena *arena, HistoryAlarm *out, ErrText *why);
Err store_read_command(sqlite3_stmt *query, const Plant *plant, Arena *arena, HistoryCommand *out, ErrText *why);

/// The check sum of a snapshot: over the sizes and bytes of its parts.
uint64_t store_sum(const SnapshotPart *parts, size_t count);
