/* clock_map.h -- stamps of a clock that is off become the time of day.
 *
 * The corrected time is a function of the stamp, piecewise straight, and what was told by it never changes: a sample that is sent again is corrected to
 * the same time, and known to have come twice. It has no jumps and always rises: a new reading bends it from the newest stamp on, by a tenth at most
 * (slewing, as NTP does it), until it has met what was read. Only when the source's clock was set it begins anew, and not before what was told.
 *
 * Takes: readings (source_clock.h), stamps.  Gives: times, UTC ns.  Memory: the caller's, fixed; all zero is one that has not begun. */
#pragma once

#include "signal/source_clock.h"

enum { CLOCK_MAP_KNOTS = 256 };

/* From this stamp on, until the next knot. */
typedef struct ClockKnot {
    int64_t stamp, shift;  // ns: corrected - stamp, here
    int64_t slope_ppb;     // of the shift
} ClockKnot;

typedef struct ClockMap {
    ClockKnot knots[CLOCK_MAP_KNOTS];  // rising; what is older than the first has its shift
    size_t count;
    int64_t newest;     // stamp: what lies behind it has been told,
    int64_t told;       // up to this corrected time
    int64_t renewed;    // the stamp at which a reading was taken last
    uint32_t settings;  // of that reading
} ClockMap;

/// `stamp`, the newest of a message, has come at `came`, where the clock reads so. Comes before clock_map_time of the message's stamps.
void clock_map_hear(ClockMap *map, int64_t stamp, int64_t came, const ClockReading *reading);
/// The corrected time of a stamp.
int64_t clock_map_time(const ClockMap *map, int64_t stamp);
