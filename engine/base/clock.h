/* clock.h -- time of day, elapsed time, and a clock that tests turn by hand.
 *
 * All times are nanoseconds in an int64_t; UTC times count from 1970-01-01 without leap seconds (until 2262). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define TIME_NONE INT64_MIN  // no time: nothing has happened yet

typedef struct Clock {
    int64_t (*utc_ns)(void *self);               // time of day; may be set back
    int64_t (*elapsed_ns)(void *self);           // never goes back
    void (*sleep_ns)(void *self, int64_t duration);
    void *self;
} Clock;

/// The machine's own clock.
extern const Clock clock_system;

/// A clock that moves only when it is told to (or slept on).
typedef struct FakeClock {
    int64_t utc_ns, elapsed_ns;
} FakeClock;
Clock clock_fake(FakeClock *fake);

/// Write `time` as RFC 3339 in UTC with as many decimals as needed (none, 3, 6 or 9): "2021-01-22T14:48:58.720Z". At most 31 bytes with the 0.
void time_format(int64_t time, char out[static 32]);
/// Read an RFC 3339 time (with Z or an offset, up to 9 decimals) of exactly `length` bytes.
bool time_parse(const char *text, size_t length, int64_t *out);
