/* shelf.c -- one index, few statements. */
#include "history/rollup.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const char *const sql[SHELF_STATEMENT_COUNT] = {
    [SHELF_FIND] = "SELECT id, start, end, bytes FROM block WHERE tag = ? AND strand = ? AND end >= ? ORDER BY end",
    [SHELF_BEFORE] = "SELECT id, start, end, bytes, count FROM block WHERE tag = ? AND strand = ? AND end < ? ORDER BY end DESC LIMIT 1",
    [SHELF_SIZES] = "SELECT start, end, count FROM block WHERE tag = ? AND strand = ? AND end >= ? ORDER BY end",
    [SHELF_FIRST] = "SELECT start FROM block WHERE tag = ? AND strand = ? ORDER BY end LIMIT 1",
    [SHELF_LAST] = "SELECT end FROM block WHERE tag = ? AND strand = ? ORDER BY end DESC LIMIT 1",
    [SHELF_PUT] = "INSERT INTO block (tag, strand, start, end, count, bytes) VALUES (?, ?, ?, ?, ?, ?)",
    [SHELF_REMOVE] = "DELETE FROM block WHERE id = ?",
    [SHELF_ASIDE] = "UPDATE block SET strand = -1 - strand WHERE id = ?",
};

enum { ROW_ID, ROW_START, ROW_END, ROW_BYTES, ROW_COUNT };

Err points_reserve(Points *points, size_t more)
{
    if (points->count + more <= points->capacity)
        return ERR_OK;
    size_t capacity = points->capacity ? points->capacity : 2 * BLOCK_POINTS;
    while (capacity < points->count + more)
        capacity *= 2;
    BlockPoint *items = mem_grow(points->items, points->capacity * sizeof *items, capacity * sizeof *items);
    if (!items)
        return ERR_MEMORY;
    points->items = items;
    points->capacity = capacity;
    return ERR_OK;
}

Err points_add(Points *points, const BlockPoint *point)
{
    const Err err = points_reserve(points, 1);
    if (err == ERR_OK)
        points->items[points->count++] = *point;
    return err;
}

void points_fini(Points *points)
{
    mem_free(points->items);
    *points = (Points){0};
}

Strand strand_at(Strand kind, HistoryLevel level)
{
    assert(kind == STRAND_SAMPLES || kind == STRAND_ESTIMATES);
    return (Strand)((int)kind + 2 * (int)level);
}

BlockForm strand_form(Strand strand)
{
    return strand == STRAND_SAMPLES ? BLOCK_SAMPLES : strand == STRAND_ESTIMATES ? BLOCK_ESTIMATES : BLOCK_ROLLUPS;
}

Err shelf_init(Shelf *shelf, sqlite3 *db, ErrText *why)
{
    *shelf = (Shelf){.db = db};
    Err err = coder_create(&shelf->coder);
    if (err != ERR_OK)
        return err_set(why, err, "out of memory for blocks");
    for (int i = 0; err == ERR_OK && i < SHELF_STATEMENT_COUNT; i++)
        err = store_prepare(db, sql[i], &shelf->statements[i], why);
    return err;
}

void shelf_fini(Shelf *shelf)
{
    for (int i = 0; i < SHELF_STATEMENT_COUNT; i++)
        sqlite3_finalize(shelf->statements[i]);
    coder_destroy(shelf->coder);
    points_fini(&shelf->old);
    points_fini(&shelf->merged);
    *shelf = (Shelf){0};
}

// Reading.

static sqlite3_stmt *ask(Shelf *shelf, ShelfStatement which, int64_t tag, Strand strand, int64_t time)
{
    sqlite3_stmt *query = shelf->statements[which];
    sqlite3_bind_int64(query, 1, tag);
    sqlite3_bind_int(query, 2, (int)strand);
    sqlite3_bind_int64(query, 3, time);
    return query;
}

static Err out_of_memory(ErrText *why)
{
    return err_set(why, ERR_MEMORY, "out of memory for points of the history");
}

/* The points of a row's block, behind those in `out`. ERR_PARSE when it is damaged. */
static Err take_block(Shelf *shelf, sqlite3_stmt *row, Strand strand, Points *out, ErrText *why)
{
    if (points_reserve(out, BLOCK_POINTS) != ERR_OK)
        return out_of_memory(why);
    size_t count;
    const void *bytes = sqlite3_column_blob(row, ROW_BYTES);
    if (block_decode(shelf->coder, strand_form(strand), bytes ? bytes : "", (size_t)sqlite3_column_bytes(row, ROW_BYTES), &out->items[out->count], &count) != ERR_OK)
        return err_set(why, ERR_PARSE, "block %lld of the history is damaged", sqlite3_column_int64(row, ROW_ID));
    out->count += count;
    return ERR_OK;
}

/* Forget the points from `first` on that lie outside of [from, to]. */
static void crop(Points *points, size_t first, int64_t from, int64_t to)
{
    size_t kept = first;
    for (size_t i = first; i < points->count; i++)
        if (points->items[i].time >= from && points->items[i].time <= to)
            points->items[kept++] = points->items[i];
    points->count = kept;
}

static Err read_time(Shelf *shelf, ShelfStatement which, int64_t tag, Strand strand, int64_t *out, ErrText *why)
{
    sqlite3_stmt *query = shelf->statements[which];
    sqlite3_bind_int64(query, 1, tag);
    sqlite3_bind_int(query, 2, (int)strand);
    Err err = ERR_OK;
    *out = store_next(query, &err, why) ? sqlite3_column_int64(query, 0) : TIME_NONE;
    sqlite3_reset(query);
    return err;
}

Err shelf_span(Shelf *shelf, int64_t tag, Strand strand, int64_t *first, int64_t *last, ErrText *why)
{
    const Err err = read_time(shelf, SHELF_FIRST, tag, strand, first, why);
    return err == ERR_OK ? read_time(shelf, SHELF_LAST, tag, strand, last, why) : err;
}

Err shelf_count(Shelf *shelf, int64_t tag, Strand strand, int64_t from, int64_t to, size_t limit, size_t *count, int64_t *end, ErrText *why)
{
    sqlite3_stmt *query = ask(shelf, SHELF_SIZES, tag, strand, from);
    Err err = ERR_OK;
    *count = 0;
    *end = to;
    while (*count <= limit && store_next(query, &err, why) && sqlite3_column_int64(query, 0) <= to) {
        const bool is_first = *count == 0;
        *count += (size_t)sqlite3_column_int64(query, 2);
        if (is_first || *count <= limit)
            *end = sqlite3_column_int64(query, 1);
    }
    sqlite3_reset(query);
    if (*count <= limit)
        *end = to;
    return err;
}

Err shelf_read(Shelf *shelf, int64_t tag, Strand strand, int64_t from, int64_t to, Points *out, ErrText *why)
{
    sqlite3_stmt *query = ask(shelf, SHELF_FIND, tag, strand, from);
    Err err = ERR_OK;
    while (err == ERR_OK && store_next(query, &err, why) && sqlite3_column_int64(query, ROW_START) <= to) {
        const size_t first = out->count;
        err = take_block(shelf, query, strand, out, why);
        crop(out, first, from, to);
    }
    sqlite3_reset(query);
    return err;
}

Err shelf_read_before(Shelf *shelf, int64_t tag, Strand strand, int64_t time, Points *out, ErrText *why)
{
    // the block that holds `time` inside of it, else the one before
    Err err = ERR_OK;
    const size_t first = out->count;
    sqlite3_stmt *query = ask(shelf, SHELF_FIND, tag, strand, time);
    if (store_next(query, &err, why) && sqlite3_column_int64(query, ROW_START) <= time)
        err = take_block(shelf, query, strand, out, why);
    sqlite3_reset(query);
    if (err != ERR_OK || out->count > first)
        return err;

    query = ask(shelf, SHELF_BEFORE, tag, strand, time);
    if (store_next(query, &err, why))
        err = take_block(shelf, query, strand, out, why);
    sqlite3_reset(query);
    return err;
}

// Writing.

static Err step(Shelf *shelf, ShelfStatement which, ErrText *why)
{
    Err err = ERR_OK;
    store_next(shelf->statements[which], &err, why);
    sqlite3_reset(shelf->statements[which]);
    return err;
}

static Err write_block(Shelf *shelf, int64_t tag, Strand strand, const BlockPoint *points, size_t count, ErrText *why)
{
    const void *bytes;
    size_t size;
    if (block_encode(shelf->coder, strand_form(strand), points, count, &bytes, &size) != ERR_OK)
        return out_of_memory(why);
    sqlite3_stmt *statement = ask(shelf, SHELF_PUT, tag, strand, points[0].time);
    sqlite3_bind_int64(statement, 4, points[count - 1].time);
    sqlite3_bind_int64(statement, 5, (int64_t)count);
    sqlite3_bind_blob(statement, 6, bytes, (int)size, SQLITE_STATIC);
    return step(shelf, SHELF_PUT, why);
}

/* At the end of a strand blocks are filled; between others they are of one size, so that each has room. */
static Err write_blocks(Shelf *shelf, int64_t tag, Strand strand, const Points *points, bool is_last, ErrText *why)
{
    const size_t blocks = (points->count + BLOCK_POINTS - 1) / BLOCK_POINTS;
    Err err = ERR_OK;
    for (size_t i = 0, done = 0; err == ERR_OK && i < blocks; i++) {
        const size_t rest = points->count - done, even = (rest + blocks - i - 1) / (blocks - i);
        const size_t count = !is_last ? even : rest < BLOCK_POINTS ? rest : BLOCK_POINTS;
        err = write_block(shelf, tag, strand, &points->items[done], count, why);
        done += count;
    }
    return err;
}

/* Whether `old` stands before `new`, or (0) in its place. */
static int stand(Strand strand, const BlockPoint *old, const BlockPoint *new)
{
    if (old->time != new->time)
        return old->time < new->time ? -1 : 1;
    if (strand_form(strand) == BLOCK_ROLLUPS || old->order == new->order)
        return 0;
    return old->order < new->order ? -1 : 1;
}

static Err weave(Shelf *shelf, Strand strand, const BlockPoint *points, size_t count)
{
    const Points *old = &shelf->old;
    Points *out = &shelf->merged;
    out->count = 0;
    if (points_reserve(out, old->count + count) != ERR_OK)
        return ERR_MEMORY;
    size_t i = 0, j = 0;
    while (i < old->count || j < count) {
        const int side = i == old->count ? 1 : j == count ? -1 : stand(strand, &old->items[i], &points[j]);
        i += side <= 0;
        if (side >= 0)
            out->items[out->count++] = points[j++];
        else
            out->items[out->count++] = old->items[i - 1];
    }
    return ERR_OK;
}

/* Take the row's block off the shelf into `old`, in front of what is there. One that is damaged is put aside. */
static Err take_off(Shelf *shelf, sqlite3_stmt *row, Strand strand, ErrText *why)
{
    Points *old = &shelf->old;
    const size_t before = old->count;
    const int64_t id = sqlite3_column_int64(row, ROW_ID);
    const Err err = take_block(shelf, row, strand, old, why);
    if (err != ERR_OK && err != ERR_PARSE)
        return err;
    if (err == ERR_PARSE)
        log_write(LOG_ERROR, "history", "block %" PRId64 " is damaged, and put aside (table block, strand below 0)", id);

    // the newcomers are last: turn both parts round
    const size_t count = old->count - before;
    if (count && before) {
        if (points_reserve(old, count) != ERR_OK)
            return out_of_memory(why);
        memmove(&old->items[old->count], &old->items[before], count * sizeof *old->items);
        memmove(&old->items[count], &old->items[0], before * sizeof *old->items);
        memmove(&old->items[0], &old->items[old->count], count * sizeof *old->items);
    }
    const ShelfStatement way = err == ERR_PARSE ? SHELF_ASIDE : SHELF_REMOVE;
    sqlite3_bind_int64(shelf->statements[way], 1, id);
    return step(shelf, way, why);
}

/* Blocks before `time` that are small beside the `count` points that follow them. */
static Err take_small(Shelf *shelf, int64_t tag, Strand strand, int64_t time, size_t count, ErrText *why)
{
    for (;;) {
        Err err = ERR_OK;
        sqlite3_stmt *query = ask(shelf, SHELF_BEFORE, tag, strand, shelf->old.count ? shelf->old.items[0].time : time);
        const bool is_small = store_next(query, &err, why) && sqlite3_column_int64(query, ROW_COUNT) < BLOCK_POINTS &&
                              sqlite3_column_int64(query, ROW_COUNT) <= (int64_t)(2 * (count + shelf->old.count));
        if (is_small)
            err = take_off(shelf, query, strand, why);
        sqlite3_reset(query);
        if (err != ERR_OK || !is_small)
            return err;
    }
}

static size_t count_until(const BlockPoint *points, size_t count, int64_t end)
{
    size_t n = 0;
    while (n < count && points[n].time <= end)
        n++;
    return n;
}

/* Put the first of the points in their place, as many as belong to one; `done` says how many. */
static Err merge_some(Shelf *shelf, int64_t tag, Strand strand, const BlockPoint *points, size_t count, size_t *done, ErrText *why)
{
    Err err = ERR_OK;
    shelf->old.count = 0;
    sqlite3_stmt *query = ask(shelf, SHELF_FIND, tag, strand, points[0].time);
    const bool is_last = !store_next(query, &err, why);
    const int64_t start = is_last ? INT64_MAX : sqlite3_column_int64(query, ROW_START), end = is_last ? INT64_MAX : sqlite3_column_int64(query, ROW_END);
    const bool is_inside = !is_last && start <= points[0].time;
    *done = is_last ? count : count_until(points, count, is_inside ? end : start - 1);
    if (err == ERR_OK && is_inside)
        err = take_off(shelf, query, strand, why);
    sqlite3_reset(query);

    if (err == ERR_OK && !is_inside)
        err = take_small(shelf, tag, strand, points[0].time, *done, why);
    if (err == ERR_OK && weave(shelf, strand, points, *done) != ERR_OK)
        err = out_of_memory(why);
    if (err != ERR_OK)
        return err;
    points_prune(strand, &shelf->merged);
    return write_blocks(shelf, tag, strand, &shelf->merged, is_last, why);
}

Err shelf_merge(Shelf *shelf, int64_t tag, Strand strand, const BlockPoint *points, size_t count, ErrText *why)
{
    Err err = ERR_OK;
    for (size_t i = 0, done = 0; err == ERR_OK && i < count; i += done)
        err = merge_some(shelf, tag, strand, &points[i], count - i, &done, why);
    return err;
}
