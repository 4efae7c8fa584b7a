/* seal.c -- rounds, one short step after the other. */
#include "history/seal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ROUND_ROWS_MIN = 64 * 1024,  // a round begins with so many rows,
    ROUND_ROWS_PER_TAG = 32,     // or so many per tag of the plant, if that is more,
    ROUND_ROWS_MAX = 1024 * 1024,
    LOAD_ROWS = 16 * 1024,       // in one step
    CLEAR_ROWS = 16 * 1024,
    RETIRE_BLOCKS = 64,
    RETIRE_OUTLOOKS = 4096,      // rows, and those of one tick more
    BEHIND_ROUNDS = 8,
};

#define ROUND_AGE_NS (300 * NS_PER_S)  // or when the oldest row has waited so long
#define STEP_NS (4 * NS_PER_MS)        // what sealing takes at a time
#define REST_NS NS_PER_S               // between a round that found nothing and the next
#define RETIRE_NS (60 * NS_PER_S)      // between two looks at what has become too old

/* What was foretold is there for a restart alone, which begins at one of the snapshots. */
#define RETIRE_OUTLOOK "DELETE FROM outlook WHERE tick <= min((SELECT min(tick) FROM snapshot)," \
                       " ifnull((SELECT tick FROM outlook ORDER BY tick LIMIT 1 OFFSET ?), 9223372036854775807))"

static int64_t elapsed(void)
{
    return clock_system.elapsed_ns(NULL);
}

static Err out_of_memory(ErrText *why)
{
    return err_set(why, ERR_MEMORY, "out of memory for sealing the history");
}

// Opening.

static Err read_horizons(Sealer *sealer, ErrText *why)
{
    sqlite3_stmt *query;
    Err err = store_prepare(sealer->db, "SELECT level, time FROM horizon", &query, why);
    if (err != ERR_OK)
        return err;
    for (int i = 0; i < HISTORY_LEVELS; i++)
        sealer->horizon[i] = INT64_MIN;
    while (store_next(query, &err, why))
        if (sqlite3_column_int64(query, 0) >= 0 && sqlite3_column_int64(query, 0) < HISTORY_LEVELS)
            sealer->horizon[sqlite3_column_int64(query, 0)] = sqlite3_column_int64(query, 1);
    sqlite3_finalize(query);
    return err;
}

static Err count_waiting(Sealer *sealer, Strand kind, const char *sql, ErrText *why)
{
    sealer->since[kind] = elapsed();
    return store_integer(sealer->db, sql, 0, &sealer->waiting[kind], why);
}

Err sealer_open(Sealer *sealer, sqlite3 *db, const Plant *plant, ErrText *why)
{
    *sealer = (Sealer){.db = db, .plant = plant};
    Err err = shelf_init(&sealer->shelf, db, why);
    for (Strand kind = STRAND_SAMPLES; err == ERR_OK && kind <= STRAND_ESTIMATES; kind++)
        err = tail_prepare(db, kind, &sealer->load[kind], why);
    if (err == ERR_OK)
        err = store_prepare(db, "INSERT OR REPLACE INTO horizon (level, time) VALUES (?, ?)", &sealer->put_horizon, why);
    if (err == ERR_OK)
        err = store_prepare(db, "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE strand = ?1 AND end < ?2 ORDER BY end LIMIT ?3)", &sealer->retire, why);
    if (err == ERR_OK)
        err = store_prepare(db, RETIRE_OUTLOOK, &sealer->retire_outlooks, why);
    if (err == ERR_OK)
        err = read_horizons(sealer, why);
    if (err == ERR_OK)
        err = count_waiting(sealer, STRAND_SAMPLES, "SELECT count(*) FROM sample", why);
    return err == ERR_OK ? count_waiting(sealer, STRAND_ESTIMATES, "SELECT count(*) FROM estimate", why) : err;
}

static void free_rows(Sealer *sealer)
{
    mem_free(sealer->rows);
    mem_free(sealer->sorted);
    sealer->rows = NULL;
    sealer->sorted = NULL;
    sealer->row_count = sealer->row_capacity = 0;
}

void sealer_close(Sealer *sealer)
{
    sqlite3_finalize(sealer->load[STRAND_SAMPLES]);
    sqlite3_finalize(sealer->load[STRAND_ESTIMATES]);
    sqlite3_finalize(sealer->put_horizon);
    sqlite3_finalize(sealer->retire);
    sqlite3_finalize(sealer->retire_outlooks);
    shelf_fini(&sealer->shelf);
    points_fini(&sealer->points);
    points_fini(&sealer->below);
    free_rows(sealer);
    *sealer = (Sealer){0};
}

// When.

/* How many rows are worth a round: the more tags, the more, so that each has some. */
static int64_t count_round(const Sealer *sealer)
{
    const int64_t rows = ROUND_ROWS_PER_TAG * (int64_t)tags_count(sealer->plant->tags);
    return rows < ROUND_ROWS_MIN ? ROUND_ROWS_MIN : rows > ROUND_ROWS_MAX ? ROUND_ROWS_MAX : rows;
}

void sealer_note(Sealer *sealer, Strand kind, size_t rows)
{
    if (rows > 0 && sealer->waiting[kind] == 0)
        sealer->since[kind] = elapsed();
    sealer->waiting[kind] += (int64_t)rows;
}

static int64_t kind_due(const Sealer *sealer, Strand kind)
{
    if (sealer->waiting[kind] == 0)
        return INT64_MAX;
    return sealer->asked[kind] || sealer->waiting[kind] >= count_round(sealer) ? 0 : sealer->since[kind] + ROUND_AGE_NS;
}

void sealer_ask(Sealer *sealer)
{
    sealer->asked_all = true;
    sealer->asked[STRAND_SAMPLES] = sealer->asked[STRAND_ESTIMATES] = true;
    sealer->retire_at = sealer->not_before = 0;
}

bool sealer_is_asked(const Sealer *sealer)
{
    return sealer->asked_all;
}

bool sealer_is_behind(const Sealer *sealer)
{
    const int64_t rows = sealer->waiting[STRAND_SAMPLES] + sealer->waiting[STRAND_ESTIMATES];
    return rows > BEHIND_ROUNDS * count_round(sealer);
}

void sealer_pause(Sealer *sealer)
{
    sealer->not_before = elapsed() + REST_NS;
}

int64_t sealer_due(const Sealer *sealer)
{
    if (sealer->phase != SEAL_IDLE)
        return sealer->not_before;
    const int64_t samples = kind_due(sealer, STRAND_SAMPLES), estimates = kind_due(sealer, STRAND_ESTIMATES);
    int64_t due = samples < estimates ? samples : estimates;
    due = due < sealer->retire_at ? due : sealer->retire_at;
    due = sealer->asked_all ? 0 : due;
    return due > sealer->not_before ? due : sealer->not_before;
}

// A round: begin, load.

static Err begin_round(Sealer *sealer, Strand kind, ErrText *why)
{
    Err err = tail_read_mark(sealer->db, kind, &sealer->mark, why);
    if (err == ERR_OK)
        err = store_integer(sealer->db, "SELECT min(tick) FROM snapshot", -1, &sealer->oldest, why);
    if (err != ERR_OK)
        return err;
    sealer->kind = kind;
    sealer->asked[kind] = false;
    sealer->phase = SEAL_LOAD;
    sealer->loaded = sealer->mark.floor;
    sealer->row_count = 0;
    return ERR_OK;
}

static Err grow_rows(Sealer *sealer, size_t more)
{
    if (sealer->row_count + more <= sealer->row_capacity)
        return ERR_OK;
    const size_t capacity = sealer->row_capacity + (more > sealer->row_capacity ? more : sealer->row_capacity);
    SealRow *rows = mem_grow(sealer->rows, sealer->row_capacity * sizeof *rows, capacity * sizeof *rows);
    if (!rows)
        return ERR_MEMORY;
    sealer->rows = rows;
    sealer->row_capacity = capacity;
    return ERR_OK;
}

/* Whether the round ends in front of the row: a restart needs it, or the round that a crash interrupted did not reach it. */
static bool is_behind_round(const Sealer *sealer, int64_t row, const BlockPoint *point)
{
    if (sealer->mark.until > sealer->mark.floor)
        return row > sealer->mark.until;
    return sealer->kind == STRAND_SAMPLES && (sealer->oldest < 0 || point->tick > sealer->oldest);
}

/* By tag, in the order in which the rows came. */
static Err sort_rows(Sealer *sealer)
{
    int64_t last = 0;
    for (size_t i = 0; i < sealer->row_count; i++)
        last = sealer->rows[i].tag > last ? sealer->rows[i].tag : last;
    size_t *starts = mem_alloc(((size_t)last + 2) * sizeof *starts);
    sealer->sorted = mem_alloc((sealer->row_count + 1) * sizeof *sealer->sorted);
    if (!starts || !sealer->sorted) {
        mem_free(starts);
        mem_free(sealer->sorted);
        sealer->sorted = NULL;
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < sealer->row_count; i++)
        starts[sealer->rows[i].tag + 1]++;
    for (int64_t tag = 0; tag <= last; tag++)
        starts[tag + 1] += starts[tag];
    for (size_t i = 0; i < sealer->row_count; i++)
        sealer->sorted[starts[sealer->rows[i].tag]++] = (uint32_t)i;
    mem_free(starts);
    return ERR_OK;
}

/* There is nothing that may be sealed yet; what a crash left of a round that was at its end can still be cleared. */
static void rest(Sealer *sealer)
{
    free_rows(sealer);
    sealer->phase = SEAL_CLEAR;
    if (!sealer->asked_all)
        sealer->not_before = elapsed() + REST_NS;
}

/* All rows are there. */
static Err end_load(Sealer *sealer, ErrText *why)
{
    if (sealer->loaded == sealer->mark.floor) {
        rest(sealer);
        return ERR_OK;
    }
    if (sort_rows(sealer) != ERR_OK)
        return out_of_memory(why);
    if (sealer->mark.until == sealer->mark.floor) {
        sealer->mark.until = sealer->loaded;
        sealer->mark.tag = 0;
    }
    sealer->next = 0;
    sealer->phase = SEAL_TAGS;
    return ERR_OK;
}

static Err load_rows(Sealer *sealer, ErrText *why)
{
    if (grow_rows(sealer, LOAD_ROWS) != ERR_OK)
        return out_of_memory(why);
    sqlite3_stmt *query = sealer->load[sealer->kind];
    tail_bind(query, sealer->loaded, LOAD_ROWS);
    Err err = ERR_OK;
    bool ended = false;
    size_t count = 0;
    for (; !ended && store_next(query, &err, why); count++) {
        const int64_t row = tail_row(query), tag = tail_tag(query);
        const BlockPoint point = tail_point(query, sealer->kind);
        ended = is_behind_round(sealer, row, &point);
        if (ended)
            break;
        sealer->loaded = row;
        if (tail_is_open(&sealer->mark, row, tag) && tag >= 0 && tag < UINT32_MAX)
            sealer->rows[sealer->row_count++] = (SealRow){tag, point};
        if (sealer->kind == STRAND_SAMPLES && point.tick > sealer->mark.tick)
            sealer->mark.tick = point.tick;
    }
    sqlite3_reset(query);
    if (err != ERR_OK)
        return err;
    const bool has_more = !ended && count == LOAD_ROWS;
    if (has_more && (int64_t)sealer->row_count < count_round(sealer))
        return ERR_OK;
    sealer->asked[sealer->kind] |= has_more && sealer->asked_all;
    return end_load(sealer, why);
}

// A round: one tag.

/* Make the buckets that [from, to] touches anew, level by level from the one below. */
static Err roll_stretch(Sealer *sealer, int64_t tag, int64_t from, int64_t to, ErrText *why)
{
    Err err = ERR_OK;
    for (HistoryLevel level = HISTORY_SECOND; err == ERR_OK && level < HISTORY_LEVELS; level++) {
        Points *below = &sealer->below;
        const int64_t width = level_width(level);
        below->count = 0;
        err = shelf_read(&sealer->shelf, tag, strand_at(sealer->kind, level - 1), bucket_begin(from, width), bucket_end(to, width), below, why);
        if (err != ERR_OK)
            return err;
        if (level == HISTORY_SECOND) {
            points_sort(below);
            points_settle(sealer->kind, false, below);
            points_single(sealer->kind, below);
        }
        points_roll(below, width);
        err = shelf_merge(&sealer->shelf, tag, strand_at(sealer->kind, level), below->items, below->count, why);
    }
    return err;
}

/* Points that lie further apart than the longest bucket are no stretch: nothing between them has changed. */
static Err roll_up(Sealer *sealer, int64_t tag, ErrText *why)
{
    const Points *points = &sealer->points;
    Err err = ERR_OK;
    for (size_t i = 0, n; err == ERR_OK && i < points->count; i += n) {
        n = 1;
        while (i + n < points->count && points->items[i + n].time - points->items[i + n - 1].time < level_width(HISTORY_HOUR))
            n++;
        err = roll_stretch(sealer, tag, points->items[i].time, points->items[i + n - 1].time, why);
    }
    return err;
}

/* Points of a time that is gone are not taken in any more: their buckets could not be made anew. */
static void forget_old(Sealer *sealer)
{
    Points *points = &sealer->points;
    size_t kept = 0;
    for (size_t i = 0; i < points->count; i++)
        if (points->items[i].time >= sealer->horizon[HISTORY_RAW])
            points->items[kept++] = points->items[i];
    points->count = kept;
}

/* The rows of the next tag into their blocks. */
static Err seal_tag(Sealer *sealer, ErrText *why)
{
    const int64_t tag = sealer->rows[sealer->sorted[sealer->next]].tag;
    Points *points = &sealer->points;
    points->count = 0;
    for (; sealer->next < sealer->row_count && sealer->rows[sealer->sorted[sealer->next]].tag == tag; sealer->next++)
        if (points_add(points, &sealer->rows[sealer->sorted[sealer->next]].point) != ERR_OK)
            return out_of_memory(why);
    forget_old(sealer);
    points_sort(points);
    points_prune(sealer->kind, points);
    sealer->mark.tag = tag;
    const Err err = shelf_merge(&sealer->shelf, tag, sealer->kind, points->items, points->count, why);
    return err == ERR_OK ? roll_up(sealer, tag, why) : err;
}

/* The mark moves with the blocks, in one transaction. */
static Err seal_some(Sealer *sealer, ErrText *why)
{
    const int64_t start = elapsed();
    Err err = ERR_OK;
    while (err == ERR_OK && sealer->next < sealer->row_count && elapsed() - start < STEP_NS)
        err = seal_tag(sealer, why);
    if (err == ERR_OK && sealer->next == sealer->row_count) {
        sealer->mark.floor = sealer->mark.until;
        sealer->mark.tag = 0;
    }
    return err == ERR_OK ? tail_write_mark(sealer->db, sealer->kind, &sealer->mark, why) : err;
}

static Err seal_tags(Sealer *sealer, ErrText *why)
{
    const size_t next = sealer->next;
    const TailMark mark = sealer->mark;
    Err err = store_run(sealer->db, "BEGIN IMMEDIATE", why);
    if (err == ERR_OK)
        err = seal_some(sealer, why);
    if (err == ERR_OK)
        err = store_run(sealer->db, "COMMIT", why);
    if (err != ERR_OK) {
        if (!sqlite3_get_autocommit(sealer->db))
            sqlite3_exec(sealer->db, "ROLLBACK", NULL, NULL, NULL);
        sealer->next = next;
        sealer->mark = mark;
        return err;
    }
    if (sealer->mark.floor != sealer->mark.until)
        return ERR_OK;
    free_rows(sealer);
    sealer->phase = SEAL_CLEAR;
    return ERR_OK;
}

// A round: its end.

static Err clear_rows(Sealer *sealer, ErrText *why)
{
    char sql[200];
    const char *table = sealer->kind == STRAND_SAMPLES ? "sample" : "estimate", *row = sealer->kind == STRAND_SAMPLES ? "seq" : "row";
    snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s <= %" PRId64 " AND %s <= (SELECT min(%s) FROM %s) + %d", table, row, sealer->mark.floor, row, row, table, CLEAR_ROWS);
    const Err err = store_run(sealer->db, sql, why);
    const int64_t cleared = err == ERR_OK ? sqlite3_changes64(sealer->db) : 0;
    if (err != ERR_OK || cleared > 0) {
        sealer->waiting[sealer->kind] -= cleared;
        return err;
    }
    sealer->since[sealer->kind] = elapsed();
    sealer->phase = SEAL_IDLE;
    return ERR_OK;
}

// What is too old.

/* Raise the horizons to where the plant's time puts them. */
static Err raise_horizons(Sealer *sealer, ErrText *why)
{
    Err err = store_integer(sealer->db, "SELECT max(time) FROM snapshot", INT64_MIN, &sealer->time, why);
    for (int level = 0; err == ERR_OK && level < HISTORY_LEVELS && sealer->time != INT64_MIN; level++) {
        const int64_t keep = sealer->plant->keep_ns[level];
        const int64_t horizon = bucket_begin(sealer->time - keep, level_width(HISTORY_HOUR));
        if (keep == 0 || horizon <= sealer->horizon[level])
            continue;
        sqlite3_bind_int(sealer->put_horizon, 1, level);
        sqlite3_bind_int64(sealer->put_horizon, 2, horizon);
        store_next(sealer->put_horizon, &err, why);
        sqlite3_reset(sealer->put_horizon);
        if (err == ERR_OK)
            sealer->horizon[level] = horizon;
    }
    return err;
}

static Err begin_retiring(Sealer *sealer, ErrText *why)
{
    sealer->retire_at = elapsed() + RETIRE_NS;
    const Err err = raise_horizons(sealer, why);
    sealer->level = 0;
    if (err == ERR_OK)
        sealer->phase = SEAL_RETIRE;
    return err;
}

static Err retire_outlooks(Sealer *sealer, ErrText *why)
{
    Err err = ERR_OK;
    sqlite3_bind_int(sealer->retire_outlooks, 1, RETIRE_OUTLOOKS);
    store_next(sealer->retire_outlooks, &err, why);
    sqlite3_reset(sealer->retire_outlooks);
    if (err == ERR_OK && sqlite3_changes(sealer->db) == 0)
        sealer->phase = SEAL_IDLE;
    return err;
}

/* Some blocks of one strand that have become too old, and outlooks behind the last strand. */
static Err retire_some(Sealer *sealer, ErrText *why)
{
    Err err = ERR_OK;
    if (sealer->level == STRAND_COUNT)
        return retire_outlooks(sealer, why);
    sqlite3_bind_int(sealer->retire, 1, sealer->level);
    sqlite3_bind_int64(sealer->retire, 2, sealer->horizon[sealer->level / 2]);
    sqlite3_bind_int(sealer->retire, 3, RETIRE_BLOCKS);
    store_next(sealer->retire, &err, why);
    sqlite3_reset(sealer->retire);
    if (err == ERR_OK && sqlite3_changes(sealer->db) == 0)
        sealer->level++;
    return err;
}

// Steps.

static Err begin_something(Sealer *sealer, ErrText *why)
{
    const int64_t now = elapsed();
    for (Strand kind = STRAND_SAMPLES; kind <= STRAND_ESTIMATES; kind++)
        if (kind_due(sealer, kind) <= now)
            return begin_round(sealer, kind, why);
    if (now >= sealer->retire_at)
        return begin_retiring(sealer, why);
    sealer->asked_all = false;
    return ERR_OK;
}

Err sealer_step(Sealer *sealer, ErrText *why)
{
    switch (sealer->phase) {
    case SEAL_IDLE:
        return begin_something(sealer, why);
    case SEAL_LOAD:
        return load_rows(sealer, why);
    case SEAL_TAGS:
        return seal_tags(sealer, why);
    case SEAL_CLEAR:
        return clear_rows(sealer, why);
    case SEAL_RETIRE:
        return retire_some(sealer, why);
    }
    assert(!"a phase without a step");
    return ERR_USAGE;
}
