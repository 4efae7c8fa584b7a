#include "base/histogram.h"

#include <assert.h>

#define DECADE(unit) 10 * (unit), 25 * (unit), 50 * (unit)

const int64_t histogram_bounds[HISTOGRAM_BOUNDS] = {DECADE(1000LL),     DECADE(10000LL),     DECADE(100000LL),     DECADE(1000000LL),
                                                    DECADE(10000000LL), DECADE(100000000LL), DECADE(1000000000LL), 100000000000LL};

void histogram_add(Histogram *histogram, int64_t ns)
{
    assert(ns >= 0);
    unsigned bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && ns > histogram_bounds[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->sum_ns += ns;
}
