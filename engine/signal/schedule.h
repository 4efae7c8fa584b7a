/* schedule.h -- when something that is done again and again is due: on a grid of times that does not move.
 *
 * The next time follows from the first one and the period, never from when the last turn began or ended, so jitter does not add up to drift. Times that
 * passed while a turn took too long are left out and counted; they are not made up for in a burst.
 *
 * Threads: one at a time. */
#pragma once

#include "base/base.h"

typedef struct Schedule {
    int64_t due_ns;     // elapsed time
    int64_t period_ns;  // positive
} Schedule;

/// The turn that was due is done, at `now_ns`: the next one is due at the first time of the grid behind both. How many were left out.
uint64_t schedule_advance(Schedule *schedule, int64_t now_ns);
