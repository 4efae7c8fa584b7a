/* writer.h -- groups of records into the file, each group one transaction.
 *
 * A group is written whole or not at all, so whoever holds it may try again. Writing the same record twice leaves one: after a crash the
 * engine replays from the last snapshot and writes again what it had written (samples apart, which are never changed).
 *
 * Takes: Records.  Gives: rows on disk.  Threads: opened on one, then the writer thread's. */
#pragma once

#include "history/logbook.h"
#include "history/record.h"
#include "history/seal.h"
#include "history/trail.h"

enum {
    WRITER_PIECE = 16 * 1024 * 1024,  // a snapshot's part is cut into pieces: SQLite's values end at 1 GB
    WRITER_PARTS_MAX = 64,
};

typedef enum WriterStatement {
    WRITER_BEGIN,
    WRITER_COMMIT,
    WRITER_TAG_FIND,
    WRITER_TAG_ADD,
    WRITER_SAMPLE,
    WRITER_ESTIMATE,
    WRITER_ALARM_BEFORE,
    WRITER_ALARM,
    WRITER_COMMAND,
    WRITER_ACT,
    WRITER_GATE_ACT,
    WRITER_EVIDENCE,
    WRITER_OUTLOOK,
    WRITER_AUDIT,
    WRITER_SNAPSHOT,
    WRITER_PIECES_FORGET,
    WRITER_PIECE_ADD,
    WRITER_SNAPSHOTS_THIN,
    WRITER_PIECES_THIN,
    WRITER_STATEMENT_COUNT
} WriterStatement;

typedef struct Writer {
    sqlite3 *db;
    sqlite3_stmt *statements[WRITER_STATEMENT_COUNT];
    const Plant *plant;
    Sealer sealer;   // of what was written
    int64_t *tags;  // by TagId: the file's number, 0 while it is not known
    int64_t next_row;  // of the next estimate
    int64_t floor;     // samples up to here are in blocks
    Chain chain;     // the end of the audit trail
    Text evidence;   // of one alarm, as it is written
    uint64_t conflicts;  // samples whose seq was in the file already
} Writer;

Err writer_open(Writer *writer, const char *path, const Plant *plant, ErrText *why);
void writer_close(Writer *writer);
/// Go on with the tags of another version of the plant's script. ERR_MEMORY: those of the one before stay.
Err writer_follow(Writer *writer, const Plant *plant, ErrText *why);
/// What goes into one transaction.
typedef struct Group {
    Record *records;
    size_t count;
    AuditEntry *entries;  // they get their numbers and hashes here
    size_t entry_count;
} Group;
/// On failure nothing of it is in the file.
Err writer_commit(Writer *writer, const Group *group, ErrText *why);
