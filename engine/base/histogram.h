/* histogram.h -- how long things take: counts of durations in buckets of a fixed form, three to a factor of ten from 10 us to 100 s.
 *
 * Plain numbers: whoever shares one sees to it. */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 22 };

/// Upper bounds of the buckets, ns, rising.
extern const int64_t histogram_bounds[HISTOGRAM_BOUNDS];

typedef struct Histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1];  // of durations up to the bound and above the one before; the last: of longer ones
    int64_t sum_ns;
} Histogram;

void histogram_add(Histogram *histogram, int64_t ns);
