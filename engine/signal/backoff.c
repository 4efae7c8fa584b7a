#include "signal/backoff.h"

#include <assert.h>
#include <string.h>

Backoff backoff_begin(int64_t first_ns, int64_t most_ns, const char *name)
{
    assert(first_ns > 0);
    assert(most_ns >= first_ns);
    return (Backoff){.first_ns = first_ns, .most_ns = most_ns, .next_ns = first_ns, .seed = hash_bytes(0, name, strlen(name))};
}

int64_t backoff_next(Backoff *backoff)
{
    const int64_t nominal = backoff->next_ns;
    const double part = 0.5 + 0.5 * random_uniform(backoff->seed, 0, backoff->count++);
    backoff->next_ns = nominal < backoff->most_ns / 2 ? 2 * nominal : backoff->most_ns;
    return (int64_t)(part * (double)nominal);
}

void backoff_reset(Backoff *backoff)
{
    backoff->next_ns = backoff->first_ns;
}
