#include "signal/corrector.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const int64_t RENEW_NS = 16 * NS_PER_S;
static const int64_t WRONG_NS = NS_PER_S;
static const int64_t PAST_NS = 10 * 365 * 86400 * NS_PER_S;
static const int64_t SLEW_PARTS = 10;       // a tenth
static const double DRIFT_MAX_PPM = 1000;  // no quartz is worse

__extension__ typedef __int128 Wide;

static int64_t shift_at(const CorrectorKnot *knot, int64_t stamp)
{
    return knot->shift + (int64_t)(((Wide)stamp - knot->stamp) * knot->slope_ppb / NS_PER_S);
}

/* The shift of a stamp: that of the first knot for all that is older. */
static int64_t find_shift(const Corrector *corrector, int64_t stamp)
{
    size_t i = corrector->count - 1;
    while (i > 0 && stamp < corrector->knots[i].stamp)
        i--;
    const CorrectorKnot *const knot = &corrector->knots[i];
    return stamp < knot->stamp ? knot->shift : shift_at(knot, stamp);
}

static void add_knot(Corrector *corrector, CorrectorKnot knot)
{
    if (corrector->count == CORRECTOR_KNOTS)
        memmove(corrector->knots, corrector->knots + 1, --corrector->count * sizeof *corrector->knots);
    corrector->knots[corrector->count++] = knot;
}

/* What lies ahead of all stamps has told nobody anything. */
static void forget_ahead(Corrector *corrector)
{
    while (corrector->count > 0 && corrector->knots[corrector->count - 1].stamp > corrector->newest)
        corrector->count--;
}

/* A drift that is not sure is none. */
static int64_t sure_slope_ppb(const ClockReading *reading)
{
    const double drift = fabs(reading->drift_ppm);
    return drift > reading->drift_uncertainty_ppm && drift <= DRIFT_MAX_PPM ? -llround(reading->drift_ppm * 1000) : 0;
}

/* From `stamp` on, go from `shift` to where the reading leads, by a tenth at most. */
static void slew(Corrector *corrector, int64_t stamp, int64_t shift, const ClockReading *reading)
{
    const int64_t wrong = -reading->offset - shift, drift = sure_slope_ppb(reading);
    const int64_t least = SLEW_PARTS * (wrong < 0 ? -wrong : wrong);
    const int64_t lasts = least > RENEW_NS ? least : RENEW_NS;
    const CorrectorKnot bent = {stamp, shift, (int64_t)((Wide)wrong * NS_PER_S / lasts) + drift};
    add_knot(corrector, bent);
    add_knot(corrector, (CorrectorKnot){stamp + lasts, shift_at(&bent, stamp + lasts), drift});
}

/* The source's clock was set, or nothing was told yet. */
static void begin_anew(Corrector *corrector, int64_t stamp, const ClockReading *reading)
{
    int64_t shift = -reading->offset;
    if (corrector->count > 0 && stamp + shift < corrector->told)
        shift = corrector->told - stamp;
    *corrector = (Corrector){.newest = stamp, .renewed = stamp, .settings = reading->settings};
    slew(corrector, stamp, shift, reading);
}

static void renew(Corrector *corrector, int64_t stamp, const ClockReading *reading)
{
    forget_ahead(corrector);
    corrector->renewed = stamp;
    slew(corrector, stamp, find_shift(corrector, stamp), reading);
}

void corrector_hear(Corrector *corrector, int64_t stamp, int64_t came, const ClockReading *reading)
{
    // nothing comes before it was measured: a single stamp that says so is wrong, and not the clock
    const Wide ahead = (Wide)stamp - came - reading->offset;
    if (ahead > WRONG_NS || ahead < -PAST_NS)
        return;
    if (corrector->count == 0 || reading->settings != corrector->settings)
        begin_anew(corrector, stamp, reading);
    else if (stamp >= corrector->newest && stamp - corrector->renewed >= RENEW_NS)
        renew(corrector, stamp, reading);
    if (stamp >= corrector->newest) {
        corrector->newest = stamp;
        corrector->told = corrector_apply(corrector, stamp);
    }
}

int64_t corrector_apply(const Corrector *corrector, int64_t stamp)
{
    assert(corrector->count > 0);
    int64_t time;
    return __builtin_add_overflow(stamp, find_shift(corrector, stamp), &time) ? stamp : time;
}
