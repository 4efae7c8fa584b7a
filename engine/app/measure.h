/* measure.h -- how long work takes.
 *
 * Ways of doing the same work are measured in turn, round by round, and of each the best round counts: whatever else the machine does then hits
 * all of them alike, and a ratio between them is to be trusted more than either figure. */
#pragma once

#include "base/base.h"

typedef struct Way {
    const char *title;
    void (*run)(void *self);  // does the work once
    void *self;
    double best_ns;  // of one run; written by measure_ways
} Way;

void measure_ways(Way *ways, size_t count, int rounds);
