/* shelf.h -- the sealed blocks of the file, in their places by tag, strand and time.
 *
 * Of a strand blocks lie side by side: no time is inside two of them. What comes late goes into the block that it belongs to. The last block grows
 * by being taken in again while it is small beside what follows, so that each point is packed a few times at most, whatever the portions are.
 *
 * Takes: points in the order of their times.  Gives: points of a range.
 * Memory: its own.  Threads: a shelf belongs to a connection, and goes where that goes. */
#pragma once

#include "history/block.h"
#include "history/store.h"

/// What the file keeps of a tag: points as they came, and three levels of roll-ups; each of samples and of estimates.
typedef enum Strand {
    STRAND_SAMPLES,
    STRAND_ESTIMATES,
    STRAND_COUNT = 2 * HISTORY_LEVELS,
} Strand;

typedef struct Points {
    BlockPoint *items;
    size_t count, capacity;
} Points;

/// Room for `more` points behind the last; ERR_MEMORY.
Err points_reserve(Points *points, size_t more);
Err points_add(Points *points, const BlockPoint *point);
void points_fini(Points *points);

typedef enum ShelfStatement {
    SHELF_FIND,
    SHELF_BEFORE,
    SHELF_SIZES,
    SHELF_FIRST,
    SHELF_LAST,
    SHELF_PUT,
    SHELF_REMOVE,
    SHELF_ASIDE,
    SHELF_STATEMENT_COUNT
} ShelfStatement;

typedef struct Shelf {
    sqlite3 *db;
    Coder *coder;
    sqlite3_stmt *statements[SHELF_STATEMENT_COUNT];
    Points old, merged;
} Shelf;

Err shelf_init(Shelf *shelf, sqlite3 *db, ErrText *why);
void shelf_fini(Shelf *shelf);

/// The strand of a kind (STRAND_SAMPLES or STRAND_ESTIMATES) at a level.
Strand strand_at(Strand kind, HistoryLevel level);
BlockForm strand_form(Strand strand);

/// The times of the first and the last point of a strand; TIME_NONE when it has none.
Err shelf_span(Shelf *shelf, int64_t tag, Strand strand, int64_t *first, int64_t *last, ErrText *why);
/// How many points the blocks have that touch [from, to]; of a number above `limit` no more is known. `end`: the end of the last block (of the first at least) with which
/// they are no more than `limit`.
Err shelf_count(Shelf *shelf, int64_t tag, Strand strand, int64_t from, int64_t to, size_t limit, size_t *count, int64_t *end, ErrText *why);
/// Add the points in [from, to] to `out`, in the order of their times. ERR_PARSE: a block is damaged.
Err shelf_read(Shelf *shelf, int64_t tag, Strand strand, int64_t from, int64_t to, Points *out, ErrText *why);
/// The block in which the last point at or before `time` is; none leaves `out` as it is.
Err shelf_read_before(Shelf *shelf, int64_t tag, Strand strand, int64_t time, Points *out, ErrText *why);
/// Put points in their places, within a transaction of the caller's. One that is there already (same time; of raw points also the same order) is replaced. A block
/// that is damaged is put aside, and told in the log.
Err shelf_merge(Shelf *shelf, int64_t tag, Strand strand, const BlockPoint *points, size_t count, ErrText *why);
