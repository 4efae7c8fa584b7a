/* rollup.c -- groups of neighbours become one. */
#include "history/rollup.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t level_width(HistoryLevel level)
{
    static const int64_t widths[HISTORY_LEVELS] = {1, NS_PER_S, 60 * NS_PER_S, 3600 * NS_PER_S};
    assert(level >= HISTORY_RAW && level < HISTORY_LEVELS);
    return widths[level];
}

/* At the ends of time a bucket is cut off. */
int64_t bucket_begin(int64_t time, int64_t width)
{
    const int64_t rest = time % width, back = rest < 0 ? rest + width : rest;
    return time < INT64_MIN + back ? INT64_MIN : time - back;
}

int64_t bucket_end(int64_t time, int64_t width)
{
    const int64_t begin = bucket_begin(time, width);
    return begin > INT64_MAX - (width - 1) ? INT64_MAX : begin + (width - 1);
}

// Order.

static int order_points(const void *left, const void *right)
{
    const BlockPoint *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return (a->tick > b->tick) - (a->tick < b->tick);
}

void points_sort(Points *points)
{
    for (size_t i = 1; i < points->count; i++)
        if (order_points(&points->items[i - 1], &points->items[i]) > 0) {
            qsort(points->items, points->count, sizeof *points->items, order_points);
            return;
        }
}

// Which points count.

static bool is_shown(const BlockPoint *sample)
{
    const int64_t fate = sample->note % NOTE_FATES;
    return fate == FATE_USED || fate == FATE_LATE;
}

/* How many points from `i` on have one time. */
static size_t count_like(const Points *points, size_t i)
{
    size_t count = 1;
    while (i + count < points->count && points->items[i + count].time == points->items[i].time)
        count++;
    return count;
}

/* Of estimates of one time: what was told first; written again behind a restart, the last writing. */
static const BlockPoint *find_first(const BlockPoint *like, size_t count)
{
    size_t first = 0;
    while (first + 1 < count && like[first + 1].order == like[0].order)
        first++;
    return &like[first];
}

/* NULL where nothing is to be shown. */
static const BlockPoint *choose_one(Strand kind, bool first, const BlockPoint *like, size_t count)
{
    if (kind == STRAND_ESTIMATES)
        return first ? find_first(like, count) : &like[count - 1];
    for (size_t i = 0; i < count; i++)
        if (is_shown(&like[i]))
            return &like[i];
    return NULL;
}

void points_settle(Strand kind, bool first, Points *points)
{
    size_t kept = 0;
    for (size_t i = 0, count; i < points->count; i += count) {
        count = count_like(points, i);
        const BlockPoint *one = choose_one(kind, first, &points->items[i], count);
        if (one)
            points->items[kept++] = *one;
    }
    points->count = kept;
}

static size_t prune_estimates(BlockPoint *like, size_t count)
{
    const BlockPoint first = *find_first(like, count), last = like[count - 1];
    const bool is_same = memcmp(&first.value, &last.value, sizeof(double)) == 0 && memcmp(&first.sd, &last.sd, sizeof(double)) == 0;
    like[0] = first;
    if (first.order == last.order || is_same)
        return 1;
    like[1] = last;
    return 2;
}

static size_t prune_samples(BlockPoint *like, size_t count)
{
    size_t kept = 0;
    bool shown = false;
    for (size_t i = 0; i < count; i++) {
        const bool is_copy = like[i].note % NOTE_FATES == FATE_LATE && shown;
        shown |= is_shown(&like[i]);
        if (!is_copy)
            like[kept++] = like[i];
    }
    return kept;
}

void points_prune(Strand strand, Points *points)
{
    size_t kept = 0;
    for (size_t i = 0, count; i < points->count; i += count) {
        count = count_like(points, i);
        BlockPoint *like = &points->items[i];
        const size_t left = strand == STRAND_ESTIMATES ? prune_estimates(like, count) : strand == STRAND_SAMPLES ? prune_samples(like, count) : count;
        memmove(&points->items[kept], like, left * sizeof *like);
        kept += left;
    }
    points->count = kept;
}

// Buckets.

void points_single(Strand kind, Points *points)
{
    for (size_t i = 0; i < points->count; i++) {
        BlockPoint *point = &points->items[i];
        *point = (BlockPoint){.time = point->time, .order = isfinite(point->value), .value = point->value, .sd = point->sd, .min = point->value, .max = point->value};
        if (kind == STRAND_SAMPLES)
            point->sd = NAN;
    }
}

static BlockPoint roll_up(const BlockPoint *points, size_t count, int64_t begin)
{
    BlockPoint sum = {.time = begin, .min = INFINITY, .max = -INFINITY};
    for (size_t i = 0; i < count; i++) {
        const BlockPoint *point = &points[i];
        if (point->order == 0)
            continue;
        const double weight = (double)point->order;
        sum.order += point->order;
        sum.value += weight * point->value;
        sum.sd += weight * point->sd * point->sd;
        sum.min = fmin(sum.min, point->min);
        sum.max = fmax(sum.max, point->max);
    }
    if (sum.order == 0)
        return (BlockPoint){.time = begin, .value = NAN, .sd = NAN, .min = NAN, .max = NAN};
    sum.value /= (double)sum.order;
    sum.sd = sqrt(sum.sd / (double)sum.order);

    // the mean of equal numbers is rounded and may lie beside them
    sum.value = fmin(fmax(sum.value, sum.min), sum.max);
    return sum;
}

void points_roll(Points *points, int64_t width)
{
    size_t kept = 0;
    for (size_t i = 0, count; i < points->count; i += count) {
        const int64_t end = bucket_end(points->items[i].time, width);
        count = 1;
        while (i + count < points->count && points->items[i + count].time <= end)
            count++;
        points->items[kept++] = roll_up(&points->items[i], count, bucket_begin(points->items[i].time, width));
    }
    points->count = kept;
}
