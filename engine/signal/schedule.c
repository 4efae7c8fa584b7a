/* schedule.c -- a grid of times. */
#include "signal/schedule.h"

#include <assert.h>

uint64_t schedule_advance(Schedule *schedule, int64_t now_ns)
{
    assert(schedule->period_ns > 0);
    const int64_t late = now_ns - schedule->due_ns;
    const int64_t left_out = late > 0 ? late / schedule->period_ns : 0;
    schedule->due_ns += (1 + left_out) * schedule->period_ns;

    assert(schedule->due_ns > now_ns);
    return (uint64_t)left_out;
}
