/* tail.h -- samples and estimates that are not sealed yet: two tables without an index, in the order in which rows came.
 *
 * Sealing goes through a table in rounds. A round takes the rows up to `until`, tag by tag in the order of their numbers; when all tags are in their
 * blocks, `until` becomes the floor, and the rows below it are deleted at leisure. So a row counts exactly when it is not in a block, wherever
 * a round stands, also behind a crash.
 *
 * Takes: a connection.  Gives: rows as points.  Threads: those of the connection. */
#pragma once

#include "history/rollup.h"

/// Where sealing stands in one of the tables.
typedef struct TailMark {
    int64_t floor;  // rows up to here are in blocks
    int64_t until;  // rows up to here of tags up to `tag` are in blocks, too; the floor when no round is under way
    int64_t tag;
    int64_t tick;   // samples: the newest tick that any row below `until` was filed under
} TailMark;

Err tail_read_mark(sqlite3 *db, Strand kind, TailMark *out, ErrText *why);
Err tail_write_mark(sqlite3 *db, Strand kind, const TailMark *mark, ErrText *why);

/// Prepare the query that gives the rows of a table behind a first one, at most so many.
Err tail_prepare(sqlite3 *db, Strand kind, sqlite3_stmt **out, ErrText *why);
void tail_bind(sqlite3_stmt *query, int64_t behind, int64_t limit);
int64_t tail_row(sqlite3_stmt *query);
int64_t tail_tag(sqlite3_stmt *query);
int64_t tail_time(sqlite3_stmt *query);
/// The row as a point; that of an estimate has its row as `tick`, so that of two writings the later is known.
BlockPoint tail_point(sqlite3_stmt *query, Strand kind);
/// Whether a row is not in a block.
bool tail_is_open(const TailMark *mark, int64_t row, int64_t tag);
