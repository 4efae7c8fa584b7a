/* Workers: every index once, on any number of threads. */
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "kit/kit.h"

enum { INDICES = 1000 };

typedef struct Tally {
    size_t thread_count;
    atomic_int seen[INDICES];
    atomic_bool stray;
    long sums[WORKERS_MAX];  // scratch per thread: no atomics, TSan watches
} Tally;

static void count_index(void *context, size_t index, size_t thread)
{
    Tally *const tally = context;
    if (index >= INDICES || thread >= tally->thread_count) {
        atomic_store(&tally->stray, true);
        return;
    }
    atomic_fetch_add(&tally->seen[index], 1);
    tally->sums[thread] += (long)index;
}

START_TEST(every_index_is_done_exactly_once_on_any_number_of_threads)
{
    static const size_t threads[] = {1, 2, 3, 8};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        Workers *workers;
        ck_assert_int_eq(workers_create(threads[i], NULL, &workers, NULL), ERR_OK);
        ck_assert_uint_eq(workers_count(workers), threads[i]);

        for (size_t count = 0; count <= INDICES; count = count * 3 + 1) {
            static Tally tally;
            memset(&tally, 0, sizeof tally);
            tally.thread_count = threads[i];
            workers_run(workers, count, count_index, &tally);

            long sum = 0;
            for (size_t k = 0; k < INDICES; k++)
                ck_assert_int_eq(atomic_load(&tally.seen[k]), k < count);
            for (size_t k = 0; k < WORKERS_MAX; k++)
                sum += tally.sums[k];
            ck_assert_int_eq(sum, (long)count * ((long)count - 1) / 2);
            ck_assert(!atomic_load(&tally.stray));
        }
        workers_destroy(workers);
    }
}
END_TEST

static void add_one(void *context, size_t index, size_t thread)
{
    (void)thread;
    ((int *)context)[index]++;
}

/* Plain memory that the caller reads between two jobs: TSan sees whether one job happens before the next. */
START_TEST(a_job_is_over_when_the_call_returns)
{
    Workers *workers;
    ck_assert_int_eq(workers_create(4, NULL, &workers, NULL), ERR_OK);
    int counts[16] = {0};
    for (int round = 1; round <= 3000; round++) {
        workers_run(workers, 16, add_one, counts);
        for (size_t i = 0; i < 16; i++)
            ck_assert_int_eq(counts[i], round);
    }
    workers_destroy(workers);
}
END_TEST

static _Thread_local int prepared;
static atomic_int preparations;

static void prepare(void)
{
    prepared++;
    atomic_fetch_add(&preparations, 1);
}

static void check_prepared(void *context, size_t index, size_t thread)
{
    (void)index;
    if (prepared != (thread != 0))
        atomic_store((atomic_bool *)context, true);
}

START_TEST(each_started_thread_is_prepared_once_before_its_first_work)
{
    atomic_bool wrong = false;
    Workers *workers;
    ck_assert_int_eq(workers_create(4, prepare, &workers, NULL), ERR_OK);
    for (int round = 0; round < 200; round++)
        workers_run(workers, 64, check_prepared, &wrong);
    workers_destroy(workers);
    ck_assert_int_eq(atomic_load(&preparations), 3);
    ck_assert(!atomic_load(&wrong));
}
END_TEST

START_TEST(impossible_pools_are_refused)
{
    Workers *workers;
    ErrText why;
    ck_assert_int_eq(workers_create(0, NULL, &workers, &why), ERR_RANGE);
    ck_assert_int_eq(workers_create(WORKERS_MAX + 1, NULL, &workers, &why), ERR_RANGE);
    ck_assert_str_eq(why.text, "65 threads: expected 1 to 64");
    ck_assert_ptr_null(workers);
    kit_fail_allocation(1);
    ck_assert_int_eq(workers_create(2, NULL, &workers, &why), ERR_MEMORY);
    kit_fail_allocation(0);
    workers_destroy(NULL);
}
END_TEST

START_TEST(the_largest_pool_works)
{
    Workers *workers;
    ck_assert_int_eq(workers_create(WORKERS_MAX, NULL, &workers, NULL), ERR_OK);
    int counts[100] = {0};
    workers_run(workers, 100, add_one, counts);
    for (size_t i = 0; i < 100; i++)
        ck_assert_int_eq(counts[i], 1);
    workers_destroy(workers);
}
END_TEST

KIT_MAIN("base.workers", every_index_is_done_exactly_once_on_any_number_of_threads, a_job_is_over_when_the_call_returns,
         each_started_thread_is_prepared_once_before_its_first_work, impossible_pools_are_refused, the_largest_pool_works)
