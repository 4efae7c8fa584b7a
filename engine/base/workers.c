/* workers.c -- a pool that sleeps on a condition variable and takes indices from one atomic counter.
 *
 * The caller does not wait for threads to wake up, only for those that joined the job: when it has taken the last index itself it
 * closes the job, and a thread that comes later goes back to sleep. So a small job costs one broadcast, not a round trip. */
#include "base/workers.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

typedef struct Worker {
    Workers *pool;
    size_t number;  // 0 is the caller
    pthread_t thread;
} Worker;

struct Workers {
    size_t count;
    void (*thread_init)(void);
    Worker workers[WORKERS_MAX];

    pthread_mutex_t lock;   // guards what follows, up to the job
    pthread_cond_t opened;  // there is a job, or the end
    pthread_cond_t left;    // the last worker has left the job
    uint64_t round;         // counts jobs, so that nobody joins one twice
    size_t joined;          // workers inside the job
    bool open;              // the job may be joined
    bool ending;

    // the job: written under the lock while nobody is inside
    void (*work)(void *context, size_t index, size_t thread);
    void *context;
    size_t job_count;
    alignas(64) atomic_size_t next;
};

static void take_indices(Workers *workers, size_t thread)
{
    const size_t count = workers->job_count;
    for (;;) {
        const size_t index = atomic_fetch_add_explicit(&workers->next, 1, memory_order_relaxed);
        if (index >= count)
            return;
        workers->work(workers->context, index, thread);
    }
}

static void *worker_main(void *argument)
{
    const Worker *const worker = argument;
    Workers *const workers = worker->pool;
    if (workers->thread_init)
        workers->thread_init();

    uint64_t seen = 0;
    pthread_mutex_lock(&workers->lock);
    while (!workers->ending) {
        if (!workers->open || workers->round == seen) {
            pthread_cond_wait(&workers->opened, &workers->lock);
            continue;
        }

        seen = workers->round;
        workers->joined++;
        pthread_mutex_unlock(&workers->lock);
        take_indices(workers, worker->number);
        pthread_mutex_lock(&workers->lock);
        if (--workers->joined == 0)
            pthread_cond_signal(&workers->left);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* Signals are for the thread that waits for them: workers are started with all of them blocked. */
static Err start_threads(Workers *workers, size_t threads, ErrText *why)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    int failed = 0;
    for (size_t i = 1; i < threads && !failed; i++) {
        Worker *const worker = &workers->workers[i];
        *worker = (Worker){.pool = workers, .number = i};
        failed = pthread_create(&worker->thread, NULL, worker_main, worker);
        workers->count += !failed;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? err_set(why, ERR_IO, "cannot start thread %zu of %zu: %s", workers->count + 1, threads, strerror(failed)) : ERR_OK;
}

Err workers_create(size_t threads, void (*thread_init)(void), Workers **out, ErrText *why)
{
    assert(out);
    *out = NULL;
    if (threads < 1 || threads > WORKERS_MAX)
        return err_set(why, ERR_RANGE, "%zu threads: expected 1 to %d", threads, WORKERS_MAX);

    Workers *const workers = mem_alloc(sizeof *workers);
    if (!workers)
        return err_set(why, ERR_MEMORY, "no memory for a pool of threads");
    workers->count = 1;
    workers->thread_init = thread_init;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->opened, NULL);
    pthread_cond_init(&workers->left, NULL);

    const Err err = start_threads(workers, threads, why);
    if (err)
        workers_destroy(workers);
    else
        *out = workers;
    return err;
}

void workers_destroy(Workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->ending = true;
    pthread_cond_broadcast(&workers->opened);
    pthread_mutex_unlock(&workers->lock);

    for (size_t i = 1; i < workers->count; i++)
        pthread_join(workers->workers[i].thread, NULL);
    pthread_cond_destroy(&workers->left);
    pthread_cond_destroy(&workers->opened);
    pthread_mutex_destroy(&workers->lock);
    mem_free(workers);
}

size_t workers_count(const Workers *workers)
{
    return workers->count;
}

void workers_run(Workers *workers, size_t count, void (*work)(void *context, size_t index, size_t thread), void *context)
{
    assert(work);
    if (workers->count == 1 || count < 2) {
        for (size_t i = 0; i < count; i++)
            work(context, i, 0);
        return;
    }

    pthread_mutex_lock(&workers->lock);
    assert(!workers->open);
    workers->work = work;
    workers->context = context;
    workers->job_count = count;
    atomic_store_explicit(&workers->next, 0, memory_order_relaxed);
    workers->round++;
    workers->open = true;
    pthread_cond_broadcast(&workers->opened);
    pthread_mutex_unlock(&workers->lock);

    take_indices(workers, 0);

    pthread_mutex_lock(&workers->lock);
    workers->open = false;
    while (workers->joined > 0)
        pthread_cond_wait(&workers->left, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
}
