#include "signal/clock_map.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const int64_t RENEW_NS = 16 * NS_PER_S;
static const int64_t WRONG_NS = NS_PER_S;
static const int64_t PAST_NS = 10 * 365 * 86400 * NS_PER_S;
static const int64_t SLEW_PARTS = 10;       // a tenth
static const double DRIFT_MAX_PPM = 1000;  // no quartz is worse

__extension__ typedef __int128 Wide;

static int64_t shift_at(const ClockKnot *knot, int64_t stamp)
{
    return knot->shift + (int64_t)(((Wide)stamp - knot->stamp) * knot->slope_ppb / NS_PER_S);
}

/* The shift of a stamp: that of the first knot for all that is older. */
static int64_t find_shift(const ClockMap *map, int64_t stamp)
{
    size_t i = map->count - 1;
    while (i > 0 && stamp < map->knots[i].stamp)
        i--;
    const ClockKnot *const knot = &map->knots[i];
    return stamp < knot->stamp ? knot->shift : shift_at(knot, stamp);
}

static void add_knot(ClockMap *map, ClockKnot knot)
{
    if (map->count == CLOCK_MAP_KNOTS)
        memmove(map->knots, map->knots + 1, --map->count * sizeof *map->knots);
    map->knots[map->count++] = knot;
}

/* What lies ahead of all stamps has told nobody anything. */
static void forget_ahead(ClockMap *map)
{
    while (map->count > 0 && map->knots[map->count - 1].stamp > map->newest)
        map->count--;
}

/* A drift that is not sure is none. */
static int64_t sure_slope_ppb(const ClockReading *reading)
{
    const double drift = fabs(reading->drift_ppm);
    return drift > reading->drift_uncertainty_ppm && drift <= DRIFT_MAX_PPM ? -llround(reading->drift_ppm * 1000) : 0;
}

/* From `stamp` on, go from `shift` to where the reading leads, by a tenth at most. */
static void slew(ClockMap *map, int64_t stamp, int64_t shift, const ClockReading *reading)
{
    const int64_t wrong = -reading->offset - shift, drift = sure_slope_ppb(reading);
    const int64_t least = SLEW_PARTS * (wrong < 0 ? -wrong : wrong);
    const int64_t lasts = least > RENEW_NS ? least : RENEW_NS;
    const ClockKnot bent = {stamp, shift, (int64_t)((Wide)wrong * NS_PER_S / lasts) + drift};
    add_knot(map, bent);
    add_knot(map, (ClockKnot){stamp + lasts, shift_at(&bent, stamp + lasts), drift});
}

/* The source's clock was set, or nothing was told yet. */
static void begin_anew(ClockMap *map, int64_t stamp, const ClockReading *reading)
{
    int64_t shift = -reading->offset;
    if (map->count > 0 && stamp + shift < map->told)
        shift = map->told - stamp;
    *map = (ClockMap){.newest = stamp, .renewed = stamp, .settings = reading->settings};
    slew(map, stamp, shift, reading);
}

static void renew(ClockMap *map, int64_t stamp, const ClockReading *reading)
{
    forget_ahead(map);
    map->renewed = stamp;
    slew(map, stamp, find_shift(map, stamp), reading);
}

void clock_map_hear(ClockMap *map, int64_t stamp, int64_t came, const ClockReading *reading)
{
    // nothing comes before it was measured: a single stamp that says so is wrong, and not the clock
    const Wide ahead = (Wide)stamp - came - reading->offset;
    if (ahead > WRONG_NS || ahead < -PAST_NS)
        return;
    if (map->count == 0 || reading->settings != map->settings)
        begin_anew(map, stamp, reading);
    else if (stamp >= map->newest && stamp - map->renewed >= RENEW_NS)
        renew(map, stamp, reading);
    if (stamp >= map->newest) {
        map->newest = stamp;
        map->told = clock_map_time(map, stamp);
    }
}

int64_t clock_map_time(const ClockMap *map, int64_t stamp)
{
    assert(map->count > 0);
    int64_t time;
    return __builtin_add_overflow(stamp, find_shift(map, stamp), &time) ? stamp : time;
}
