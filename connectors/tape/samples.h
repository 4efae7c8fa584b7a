/* samples.h -- a list of samples that grows, and the order of times. */
#pragma once

#include "signal/signals.h"

enum { SAMPLES_MAX = 50 * 1000 * 1000 };

typedef struct Samples {
    Sample *items;
    size_t count, room;
} Samples;

void samples_fini(Samples *samples);
/// ERR_RANGE at SAMPLES_MAX, ERR_MEMORY.
Err samples_add(Samples *samples, Sample sample);

/// Sort `count` items of `size` bytes that begin with their time (int64_t), keeping the order of equals, which qsort does not promise. ERR_MEMORY.
Err sort_by_time(void *items, size_t size, size_t count);
