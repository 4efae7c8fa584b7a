/* backoff.h -- how long to wait before the next attempt: doubled from time to time up to a cap, with jitter, so that a thousand devices do not come back in one
 * moment.
 *
 * Each wait is drawn evenly between half of the nominal one and all of it.
 *
 * Threads: one at a time. */
#pragma once

#include "base/base.h"

typedef struct Backoff {
    int64_t first_ns, most_ns;  // the nominal waits: the first, and the cap
    int64_t next_ns;            // the nominal wait that comes next
    uint64_t seed, count;       // of the waits that were drawn
} Backoff;

/// `name` tells connectors apart: each has a sequence of its own.
Backoff backoff_begin(int64_t first_ns, int64_t most_ns, const char *name);
/// How long to wait now.
int64_t backoff_next(Backoff *backoff);
/// It worked: the next wait is the first again.
void backoff_reset(Backoff *backoff);
