#include "connectors/tape/between.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HALF = 16,             // samples on either side
    IRREGULAR_SHARE = 10,  // one interval in so many may be off
    GAP_INTERVALS = 10,    // longer ones are gaps, in medians
};
static const double BETA = 8.959;      // of the window: 0.1102 (90 dB - 8.7)
static const double TOLERANCE = 0.02;  // of the median interval

/* The samples of one input, and how far they lie apart. */
typedef struct Track {
    const RecordingColumn *column;
    const Sample *items;
    size_t count;
    int64_t step, median, gap;
} Track;

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t interval(const Track *track, size_t i)
{
    // times may lie as far apart as an int64_t can tell: that is a gap, not an overflow
    int64_t apart;
    return __builtin_sub_overflow(track->items[i + 1].time, track->items[i].time, &apart) ? INT64_MAX : apart;
}

static Err find_median(Track *track)
{
    if (track->count < 2)
        return ERR_OK;
    int64_t *intervals = mem_alloc((track->count - 1) * sizeof *intervals);
    if (!intervals)
        return ERR_MEMORY;
    for (size_t i = 0; i + 1 < track->count; i++)
        intervals[i] = interval(track, i);
    qsort(intervals, track->count - 1, sizeof *intervals, by_size);
    track->median = intervals[(track->count - 1) / 2];
    mem_free(intervals);
    return ERR_OK;
}

static bool is_regular(const Track *track, size_t i)
{
    return fabs((double)interval(track, i) - (double)track->median) <= TOLERANCE * (double)track->median;
}

static Err check_regular(const Track *track, ErrText *why)
{
    size_t off = 0;
    for (size_t i = 0; i + 1 < track->count; i++)
        off += !is_regular(track, i);
    if (off * IRREGULAR_SHARE <= track->count)
        return ERR_OK;
    return err_set(why, ERR_PARSE,
                   "column \"%s\": between = \"band\" needs samples at equal distances, but %zu of %zu intervals differ from %.6g s by more than 2 %%: "
                   "use \"linear\"",
                   track->column->column, off, track->count - 1, (double)track->median / (double)NS_PER_S);
}

// The value between items[i] and items[i + 1], a fraction `at` of the way.

static double line(const Track *track, size_t i, double at)
{
    return track->items[i].value + at * (track->items[i + 1].value - track->items[i].value);
}

/* Whether the samples around stand at equal distances. */
static bool is_surrounded(const Track *track, size_t i)
{
    if (i + 1 < HALF || i + HALF >= track->count)
        return false;
    for (size_t k = i + 1 - HALF; k < i + HALF; k++)
        if (!is_regular(track, k))
            return false;
    return true;
}

/* Kaiser's window `x` samples away from its middle, but for a factor: Bessel's I0 by its series, which needs no more than the square of its argument. */
static double window(double x)
{
    const double quarter = BETA * BETA * (1 - x * x / (HALF * HALF)) / 4;
    double term = 1, sum = 1;
    for (int k = 1; k <= 30; k++) {
        term *= quarter / (k * k);
        sum += term;
    }
    return sum;
}

/* Every sinc has the factor sin(pi at) / pi, which the normalisation cancels: no function of the C library is left that could differ in a bit. */
static double band(const Track *track, size_t i, double at)
{
    if (at == 0)
        return track->items[i].value;
    double values = 0, weights = 0;
    for (int k = 1 - HALF; k <= HALF; k++) {
        const double x = at - k, weight = (k % 2 ? -1 : 1) * window(x) / x;
        values += weight * track->items[(ptrdiff_t)i + k].value;
        weights += weight;
    }
    return values / weights;
}

// Stretches without a gap.

static size_t stretch_end(const Track *track, size_t from)
{
    size_t end = from + 1;
    while (end < track->count && interval(track, end - 1) <= track->gap)
        end++;
    return end;
}

/* The first multiple of the step behind `time`, or INT64_MAX. */
static int64_t next_step(const Track *track, int64_t time)
{
    int64_t next;
    const int64_t within = time % track->step, into = within < 0 ? within + track->step : within;
    return __builtin_add_overflow(time, track->step - into, &next) ? INT64_MAX : next;
}

static double clamp(const RecordingColumn *column, double value)
{
    return column->min < column->max ? fmin(fmax(value, column->min), column->max) : value;
}

/* Between which samples a stretch was looked at last: its times only rise. */
typedef struct Cursor {
    size_t at, end;
    bool smooth;  // samples at equal distances are all around, and the band is asked for
} Cursor;

static void cursor_set(Cursor *cursor, const Track *track, size_t at)
{
    cursor->at = at;
    cursor->smooth = track->column->between == BETWEEN_BAND && is_surrounded(track, at);
}

static double value_at(Cursor *cursor, const Track *track, int64_t time)
{
    size_t i = cursor->at;
    while (i + 2 < cursor->end && track->items[i + 1].time <= time)
        i++;
    if (i != cursor->at)
        cursor_set(cursor, track, i);
    const double part = (double)(time - track->items[i].time) / (double)(track->items[i + 1].time - track->items[i].time);
    return clamp(track->column, cursor->smooth ? band(track, i, part) : line(track, i, part));
}

/* One sample for each step that begins behind `first` and not behind `last`, the times at both ends of the stretch. */
static Err fill_steps(const Track *track, Cursor *cursor, int64_t first, int64_t last, Samples *out)
{
    Err err = ERR_OK;
    bool over = false;
    for (int64_t begin = next_step(track, first); !err && !over && begin <= last; over = __builtin_add_overflow(begin, track->step, &begin)) {
        // the last step has its middle behind the last sample, which is all that is known of it
        const int64_t half = track->step / 2, middle = last - begin < half ? last : begin + half;
        Sample made = track->items[cursor->at];
        made.time = begin - 1;
        made.value = value_at(cursor, track, middle);
        if (made.time > first)
            err = samples_add(out, made);
    }
    return err;
}

static Err fill_stretch(const Track *track, size_t from, size_t end, Samples *out)
{
    Err err = samples_add(out, track->items[from]);
    if (err || end - from == 1)
        return err;
    Cursor cursor = {.end = end};
    cursor_set(&cursor, track, from);
    err = fill_steps(track, &cursor, track->items[from].time, track->items[end - 1].time, out);
    return err ? err : samples_add(out, track->items[end - 1]);
}

Err between_fill(const RecordingColumn *column, int64_t step_ns, const Sample *given, size_t count, Samples *out, ErrText *why)
{
    assert(column && out);
    assert(step_ns > 0);
    assert(column->between != BETWEEN_HOLD);
    Track track = {.column = column, .items = given, .count = count, .step = step_ns};
    Err err = find_median(&track);
    if (!err && column->between == BETWEEN_BAND && (err = check_regular(&track, why)))
        return err;
    track.gap = column->gap_ns ? column->gap_ns : track.median > INT64_MAX / GAP_INTERVALS ? INT64_MAX - 1 : GAP_INTERVALS * track.median;

    for (size_t from = 0, end; !err && from < count; from = end) {
        end = stretch_end(&track, from);
        err = fill_stretch(&track, from, end, out);
    }
    if (err)
        err_set(why, err, "column \"%s\": %s with a sample at every step of %.6g s (at most %d)", column->column,
                err == ERR_MEMORY ? "out of memory" : "too many samples", (double)step_ns / (double)NS_PER_S, SAMPLES_MAX);
    return err;
}
