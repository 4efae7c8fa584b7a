#include "app/measure.h"

#include <math.h>

#define ROUND_NS (3 * NS_PER_MS)  // short enough that many rounds find a quiet moment, long beside the clock

static double time_runs(const Way *way, long runs)
{
    const int64_t start = clock_system.elapsed_ns(clock_system.self);
    for (long i = 0; i < runs; i++)
        way->run(way->self);
    return (double)(clock_system.elapsed_ns(clock_system.self) - start) / (double)runs;
}

void measure_ways(Way *ways, size_t count, int rounds)
{
    for (size_t i = 0; i < count; i++)
        ways[i].best_ns = INFINITY;
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++) {
            // the first run of a round brings the caches back, and says how many more there should be
            const double once = time_runs(&ways[i], 1);
            const double best = time_runs(&ways[i], once < ROUND_NS ? (long)(ROUND_NS / (once + 1)) + 1 : 1);
            ways[i].best_ns = fmin(ways[i].best_ns, best);
        }
}
