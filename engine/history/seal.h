/* seal.h -- what lies behind the tail: rows become blocks and roll-ups, and what is too old is let go, in steps that are short.
 *
 * A round takes the oldest rows of a table (samples, estimates) as soon as there are many or they have waited for minutes; of samples only those that
 * no restart needs, which is up to the oldest snapshot that is kept. It loads them, sorts them by tag, seals tag after tag and deletes the
 * rows; each of that in steps of some milliseconds, one transaction each, so that the writer is never away for long. Whatever a crash
 * interrupts goes on where it was.
 *
 * With the points of a tag its roll-ups follow in the same transaction: the buckets that they touch are made anew from the level below.
 * Where the plant's `history` says how long a level is kept, blocks that have become older go, and points that come later still are not taken in.
 * Outlooks go when no snapshot that is kept lies before them.
 *
 * Takes: the writer's connection, between two commits.  Gives: blocks.
 * Memory: the rows of a round.  Threads: the writer's. */
#pragma once

#include "history/tail.h"

typedef struct SealRow {
    int64_t tag;
    BlockPoint point;
} SealRow;

typedef enum SealPhase { SEAL_IDLE, SEAL_LOAD, SEAL_TAGS, SEAL_CLEAR, SEAL_RETIRE } SealPhase;

typedef struct Sealer {
    sqlite3 *db;
    const Plant *plant;
    Shelf shelf;
    sqlite3_stmt *load[2], *put_horizon, *retire, *retire_outlooks;  // load: by kind
    int64_t waiting[2];  // by kind: rows in the table
    int64_t since[2];    // by kind: elapsed time when the oldest of them came
    int64_t not_before;  // elapsed time: nothing is done earlier
    bool asked[2], asked_all;  // by kind: a round is wished for, however few rows there are; all that may be sealed is

    SealPhase phase;
    Strand kind;         // of the round
    TailMark mark;       // how far it is
    int64_t loaded;      // the last row that was loaded
    int64_t oldest;      // samples: filed under ticks up to here may be sealed
    SealRow *rows;
    uint32_t *sorted;    // rows by tag
    size_t row_count, row_capacity, next;
    Points points, below;

    int64_t time;        // plant time of the newest snapshot
    int64_t retire_at;   // elapsed time of the next look at what has become too old
    int64_t horizon[HISTORY_LEVELS];  // what is older is gone, or on its way
    int level;           // that is being retired
} Sealer;

Err sealer_open(Sealer *sealer, sqlite3 *db, const Plant *plant, ErrText *why);
void sealer_close(Sealer *sealer);

/// So many rows of a kind were committed.
void sealer_note(Sealer *sealer, Strand kind, size_t rows);
/// Seal all that may be, however little it is, and let go what is too old; asked until that is done.
void sealer_ask(Sealer *sealer);
bool sealer_is_asked(const Sealer *sealer);
/// The elapsed time from which on sealer_step has something to do; INT64_MAX when it waits for rows.
int64_t sealer_due(const Sealer *sealer);
/// So much is waiting that sealing must not wait for a better time.
bool sealer_is_behind(const Sealer *sealer);
/// Do a few milliseconds' work. On failure nothing of it is in the file, and it is tried again by the next call.
Err sealer_step(Sealer *sealer, ErrText *why);
/// Do nothing for a while.
void sealer_pause(Sealer *sealer);
