/* workers.h -- a few threads that share one loop.
 *
 * workers_run calls work(context, index, thread) once for every index in [0, count), on the calling thread and the workers'. Which thread
 * takes which index is open, so `work` must not care: this is how a result stays independent of the number of threads. */
#pragma once

#include <stddef.h>

#include "base/err.h"

typedef struct Workers Workers;

enum { WORKERS_MAX = 64 };

/// `threads` in all, the caller's included: 1 starts none. At most WORKERS_MAX. `thread_init` (may be NULL) is called once on each thread
/// that is started, before any work; the caller's own thread is the caller's business.
Err workers_create(size_t threads, void (*thread_init)(void), Workers **out, ErrText *why);
void workers_destroy(Workers *workers);
size_t workers_count(const Workers *workers);
/// How many indices a loop over `count` things has that takes `at_once` of them each: one index per thing costs more than a small thing itself.
static inline size_t workers_parts(size_t count, size_t at_once)
{
    return (count + at_once - 1) / at_once;
}
/// Returns when every index is done; from one thread at a time. `thread` is in [0, workers_count), for scratch memory per thread.
void workers_run(Workers *workers, size_t count, void (*work)(void *context, size_t index, size_t thread), void *context);
