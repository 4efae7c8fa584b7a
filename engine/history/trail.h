/* trail.h -- the table of audit entries: appended to by the writer, read and verified beside it. */
#pragma once

#include "history/chain.h"
#include "history/store.h"

/// What a file needs to have it; files from before it get it when they are written.
#define TRAIL_SCHEMA                                                                                                                          \
    "CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL, role TEXT NOT NULL,"               \
    " peer TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, outcome INTEGER NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL) STRICT;"
#define TRAIL_ADD "INSERT INTO audit (seq, time, who, role, peer, action, target, outcome, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

/// The end of the chain as it lies in the file.
Err trail_end(sqlite3 *db, Chain *out, ErrText *why);
/// Bind an entry to TRAIL_ADD; its texts must stay until the statement is reset.
void trail_bind(sqlite3_stmt *statement, const AuditEntry *entry);
/// The newest with a lower number than `before`, newest first; none where the file has no trail yet.
Err trail_read(sqlite3 *db, uint64_t before, size_t limit, Arena *arena, AuditEntry **out, size_t *count, ErrText *why);
