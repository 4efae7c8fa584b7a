/* tail.c -- rows to points. */
#include "history/tail.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { COLUMN_ROW, COLUMN_TAG, COLUMN_TIME, COLUMN_VALUE, COLUMN_QUALITY, COLUMN_TICK, COLUMN_FATE, COLUMN_SD = COLUMN_QUALITY, COLUMN_REVISION };

Err tail_prepare(sqlite3 *db, Strand kind, sqlite3_stmt **out, ErrText *why)
{
    assert(kind == STRAND_SAMPLES || kind == STRAND_ESTIMATES);
    return store_prepare(db, kind == STRAND_SAMPLES ? "SELECT seq, tag, time, value, quality, tick, fate FROM sample WHERE seq > ? ORDER BY seq LIMIT ?"
                                                    : "SELECT row, tag, time, value, sd, revision FROM estimate WHERE row > ? ORDER BY row LIMIT ?",
                         out, why);
}

void tail_bind(sqlite3_stmt *query, int64_t behind, int64_t limit)
{
    sqlite3_bind_int64(query, 1, behind);
    sqlite3_bind_int64(query, 2, limit);
}

int64_t tail_row(sqlite3_stmt *query)
{
    return sqlite3_column_int64(query, COLUMN_ROW);
}

int64_t tail_tag(sqlite3_stmt *query)
{
    return sqlite3_column_int64(query, COLUMN_TAG);
}

int64_t tail_time(sqlite3_stmt *query)
{
    return sqlite3_column_int64(query, COLUMN_TIME);
}

BlockPoint tail_point(sqlite3_stmt *query, Strand kind)
{
    BlockPoint point = {.time = tail_time(query), .value = store_number(query, COLUMN_VALUE)};
    if (kind == STRAND_ESTIMATES) {
        point.order = sqlite3_column_int64(query, COLUMN_REVISION);
        point.sd = store_number(query, COLUMN_SD);
        point.tick = tail_row(query);
        return point;
    }
    point.order = tail_row(query);
    point.tick = sqlite3_column_int64(query, COLUMN_TICK);
    point.note = sqlite3_column_int64(query, COLUMN_FATE) + NOTE_FATES * sqlite3_column_int64(query, COLUMN_QUALITY);
    return point;
}

bool tail_is_open(const TailMark *mark, int64_t row, int64_t tag)
{
    return row > mark->until || (row > mark->floor && tag > mark->tag);
}

Err tail_read_mark(sqlite3 *db, Strand kind, TailMark *out, ErrText *why)
{
    char sql[80];
    sqlite3_stmt *query;
    snprintf(sql, sizeof sql, "SELECT floor, until, tag, tick FROM sealing WHERE kind = %d", (int)kind);
    Err err = store_prepare(db, sql, &query, why);
    if (err != ERR_OK)
        return err;
    *out = (TailMark){.tick = -1};
    if (store_next(query, &err, why))
        *out = (TailMark){sqlite3_column_int64(query, 0), sqlite3_column_int64(query, 1), sqlite3_column_int64(query, 2), sqlite3_column_int64(query, 3)};
    sqlite3_finalize(query);
    return err;
}

Err tail_write_mark(sqlite3 *db, Strand kind, const TailMark *mark, ErrText *why)
{
    char sql[200];
    snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO sealing (kind, floor, until, tag, tick) VALUES (%d, %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ")", (int)kind,
             mark->floor, mark->until, mark->tag, mark->tick);
    return store_run(db, sql, why);
}
