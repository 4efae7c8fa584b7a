#include "signal/source_clock.h"

#include <string.h>

static const int64_t INTERVAL_FIRST_NS = NS_PER_S, INTERVAL_MAX_NS = 16 * NS_PER_S;  // 64 points then reach back 17 min
static const int64_t FAR_NS = NS_PER_S / 2;  // off the line: more than a network does for long, less than a person who sets a clock
static const int64_t OFFSET_MAX_NS = 10 * 365 * 86400 * NS_PER_S;

__extension__ typedef __int128 Wide;  // products of two times

// --- the line ------------------------------------------------------------------------------------------------------

static int64_t line_at(const SourceClock *clock, int64_t came)
{
    return clock->pivot.offset + (int64_t)((Wide)(came - clock->pivot.came) * clock->rise / clock->run);
}

/* Whether `b` lies on or below the straight line from `a` to `c`. */
static bool is_below(const ClockPoint *a, const ClockPoint *b, const ClockPoint *c)
{
    return (Wide)(b->offset - a->offset) * (c->came - a->came) <= (Wide)(c->offset - a->offset) * (b->came - a->came);
}

/* The corners of the upper hull, by number; returns how many. */
static size_t find_hull(const SourceClock *clock, size_t *hull)
{
    const ClockPoint *const points = clock->points;
    size_t count = 0;
    for (size_t i = 0; i < clock->count; i++) {
        while (count >= 2 && is_below(&points[hull[count - 2]], &points[hull[count - 1]], &points[i]))
            count--;
        hull[count++] = i;
    }
    return count;
}

static int64_t mean_came(const SourceClock *clock)
{
    int64_t sum = 0;
    for (size_t i = 0; i < clock->count; i++)
        sum += (clock->points[i].came - clock->points[0].came) / SOURCE_CLOCK_POINTS;
    return clock->points[0].came + sum / (int64_t)clock->count * SOURCE_CLOCK_POINTS;
}

static int64_t mean_delay(const SourceClock *clock)
{
    int64_t sum = 0;
    for (size_t i = 0; i < clock->count; i++)
        sum += line_at(clock, clock->points[i].came) - clock->points[i].offset;
    return sum / (int64_t)clock->count;
}

/* Of all lines above the points, the one with the least sum of distances is the edge over their mean: below an edge that sum is a straight function of
 * the slope, which turns there. */
static void draw_line(SourceClock *clock)
{
    size_t hull[SOURCE_CLOCK_POINTS];
    const size_t corners = find_hull(clock, hull);
    const int64_t mean = mean_came(clock);
    size_t edge = 1;
    while (edge + 1 < corners && clock->points[hull[edge]].came < mean)
        edge++;

    const ClockPoint *const from = &clock->points[hull[edge - 1]], *const to = &clock->points[hull[edge]];
    clock->pivot = *from;
    clock->rise = to->offset - from->offset;
    clock->run = to->came - from->came;
    clock->delay = mean_delay(clock);
}

// --- points --------------------------------------------------------------------------------------------------------

static bool is_far(const SourceClock *clock, const ClockPoint *point)
{
    if (clock->run == 0)
        return false;
    const int64_t off = point->offset - line_at(clock, point->came);
    return off > FAR_NS || off < -FAR_NS;
}

/* Two intervals become one: of their points the one that is closer to the line stays. */
static void widen(SourceClock *clock)
{
    ClockPoint *const points = clock->points;
    for (size_t i = 0; i < SOURCE_CLOCK_POINTS / 2; i++) {
        const ClockPoint *const a = &points[2 * i], *const b = &points[2 * i + 1];
        points[i] = a->offset - line_at(clock, a->came) > b->offset - line_at(clock, b->came) ? *a : *b;
    }
    clock->count = SOURCE_CLOCK_POINTS / 2;
    clock->interval *= 2;
}

static void add_point(SourceClock *clock, const ClockPoint *point)
{
    if (clock->count == SOURCE_CLOCK_POINTS && clock->interval < INTERVAL_MAX_NS)
        widen(clock);
    if (clock->count == SOURCE_CLOCK_POINTS)
        memmove(clock->points, clock->points + 1, --clock->count * sizeof *clock->points);
    clock->points[clock->count++] = *point;
    if (clock->count >= SOURCE_CLOCK_ASIDE)
        draw_line(clock);
}

static bool do_agree(const ClockPoint *points, size_t count)
{
    int64_t least = points[0].offset, most = least;
    for (size_t i = 1; i < count; i++) {
        least = points[i].offset < least ? points[i].offset : least;
        most = points[i].offset > most ? points[i].offset : most;
    }
    return most - least <= FAR_NS;
}

/* What is known holds no more; what was held aside is the beginning. */
static void begin_anew(SourceClock *clock)
{
    const SourceClock before = *clock;
    *clock = (SourceClock){.interval = INTERVAL_FIRST_NS, .fastest = before.fastest, .settings = before.settings + 1};
    for (size_t i = 0; i < before.aside_count; i++)
        add_point(clock, &before.aside[i]);
}

static void hold_aside(SourceClock *clock, const ClockPoint *point)
{
    if (clock->aside_count == SOURCE_CLOCK_ASIDE)
        memmove(clock->aside, clock->aside + 1, --clock->aside_count * sizeof *clock->aside);
    clock->aside[clock->aside_count++] = *point;
    if (clock->aside_count == SOURCE_CLOCK_ASIDE && do_agree(clock->aside, SOURCE_CLOCK_ASIDE))
        begin_anew(clock);
}

static void close_interval(SourceClock *clock)
{
    const ClockPoint point = clock->fastest;
    if (is_far(clock, &point)) {
        hold_aside(clock, &point);
        return;
    }
    clock->aside_count = 0;
    add_point(clock, &point);
}

void source_clock_hear(SourceClock *clock, int64_t source, int64_t came)
{
    int64_t offset;
    if (__builtin_sub_overflow(source, came, &offset) || offset > OFFSET_MAX_NS || offset < -OFFSET_MAX_NS)
        return;
    const ClockPoint point = {came, offset};
    if (clock->interval && came < clock->fastest.came - FAR_NS)
        *clock = (SourceClock){.settings = clock->settings + 1};  // our own clock was set back
    else if (came < clock->fastest.came)
        return;
    if (clock->interval == 0) {
        clock->interval = INTERVAL_FIRST_NS;
        clock->fastest = point;
        return;
    }

    if (came / clock->interval != clock->fastest.came / clock->interval) {
        close_interval(clock);
        clock->fastest = point;
    } else if (offset > clock->fastest.offset) {
        clock->fastest = point;
    }
}

bool source_clock_read(const SourceClock *clock, int64_t now, ClockReading *out)
{
    if (!clock->run)
        return false;
    const double span = (double)(clock->points[clock->count - 1].came - clock->points[0].came);
    *out = (ClockReading){
        .offset = line_at(clock, now),
        .drift_ppm = (double)clock->rise / (double)clock->run * 1e6,
        .drift_uncertainty_ppm = 2 * (double)clock->delay / span * 1e6,  // a line may be lifted by a delay at one end and lowered at the other
        .delay = clock->delay,
        .settings = clock->settings,
    };
    const double beyond = (double)(now - clock->points[clock->count - 1].came);
    out->uncertainty = clock->delay + (int64_t)((beyond > 0 ? beyond : 0) * out->drift_uncertainty_ppm * 1e-6);
    return true;
}
