/* throttle.h -- whoever fails often waits ever longer: against guessing.
 *
 * Failures are counted by address and by the name that was tried, whether there is such a user or not. The first few are free, as people mistype; then each
 * doubles the time until the next try is looked at, up to WAIT_MAX. A quarter of an hour without a failure forgets them. The table is of a fixed size, so that
 * an attacker cannot fill the memory: a place is taken from who has failed least.
 *
 * Threads: one. Times are elapsed ones. */
#pragma once

#include "base/base.h"

enum {
    THROTTLE_PLACES = 4096,
    THROTTLE_FREE = 5,       // failures without a wait
    THROTTLE_WAIT_MAX_S = 60,
    THROTTLE_MEMORY_S = 900,
};

typedef struct ThrottlePlace {
    uint64_t who;  // 0: free
    uint32_t failures;
    int64_t last;
} ThrottlePlace;

typedef struct Throttle {
    uint64_t seed;  // nobody outside knows who shares a place with whom
    ThrottlePlace *places;
} Throttle;

Err throttle_init(Throttle *throttle);
void throttle_fini(Throttle *throttle);
/// How long `who` has to wait before the next try, in whole seconds; 0: not at all.
int throttle_wait(const Throttle *throttle, const char *who, int64_t now);
/// A try is counted when it begins, so that many at once count too.
void throttle_try(Throttle *throttle, const char *who, int64_t now);
/// It went well: what was counted of `who` is forgotten.
void throttle_forgive(Throttle *throttle, const char *who);
