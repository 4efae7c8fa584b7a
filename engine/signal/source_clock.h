/* source_clock.h -- how far the clock of a source is off, read from its samples alone.
 *
 * A sample's stamp minus the time of day at which it came is the source's offset less the sample's delay. Delays are never negative, so the fastest
 * samples tell the offset: of every interval the fastest is kept as a point, and the clock is the line above all points that lies closest to them
 * (Moon, Skelly, Towsley, "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999; the idea of the fastest is that of
 * RFC 5905, section 10). That line is an edge of their upper hull, the one over their mean: integers decide, so the result is exact.
 *
 * What every sample was delayed by cannot be told from an offset: it is part of it.
 * A point far off the line is held aside; several in a row that agree are a clock that was set, and measuring begins anew.
 *
 * Takes: stamps and arrivals, UTC ns.  Gives: offset, drift.  Memory: the caller's, fixed; all zero is one that has heard nothing. */
#pragma once

#include "base/base.h"

enum { SOURCE_CLOCK_POINTS = 64, SOURCE_CLOCK_ASIDE = 4 };

typedef struct ClockPoint {
    int64_t came, offset;  // UTC ns; stamp - came
} ClockPoint;

typedef struct SourceClock {
    ClockPoint points[SOURCE_CLOCK_POINTS];  // one per interval, rising in time
    ClockPoint aside[SOURCE_CLOCK_ASIDE];
    size_t count, aside_count;
    ClockPoint fastest;           // of the interval that is not over
    int64_t interval;             // ns; 0: nothing was heard
    ClockPoint pivot;             // the line: through here,
    int64_t rise, run;            // and so steep; run is 0 before there is one
    int64_t delay;
    uint32_t settings;
} SourceClock;

/// What is known of a clock at one moment.
typedef struct ClockReading {
    int64_t offset, uncertainty;        // ns: positive is ahead
    double drift_ppm, drift_uncertainty_ppm;  // positive gains
    int64_t delay;                      // ns: by how much the fastest samples of the intervals lag behind the line on average
    uint32_t settings;                  // how often it was found to have been set
} ClockReading;

/// A sample stamped `source` has come at `came`. The newest of a message says most: those before it waited for it.
void source_clock_hear(SourceClock *clock, int64_t source, int64_t came);
/// False until there are SOURCE_CLOCK_ASIDE intervals, of a second each at first.
bool source_clock_read(const SourceClock *clock, int64_t now, ClockReading *out);
