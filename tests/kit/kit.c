#include "kit/kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];
static pid_t owner;

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    // Check runs each test in a child: only the process that made the folder takes it away
    if (getpid() == owner)
        nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *kit_folder(void)
{
    if (owner == getpid())
        return folder;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/pollux-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        abort();
    owner = getpid();
    atexit(remove_folder);
    return folder;
}

const char *kit_recordings(void)
{
    static const char path[] = POLLUX_SOURCE "/../shared/data/incubator";
    return access(path, R_OK) == 0 ? path : NULL;
}

static _Atomic size_t countdown;

static void *failing_alloc(void *self, size_t size)
{
    (void)self;
    size_t left = atomic_load(&countdown);
    while (left && !atomic_compare_exchange_weak(&countdown, &left, left - 1))
        continue;
    if (left == 1)
        return NULL;
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void failing_free(void *self, void *memory)
{
    (void)self;
    free(memory);
}

void kit_fail_allocation(size_t n)
{
    static const Allocator failing = {failing_alloc, failing_free, NULL};
    static bool in_use;
    countdown = n;
    if (!in_use)
        mem_use(&failing);  // its memory is the C library's too, so the exchange is harmless at any time; but once, as other threads may allocate later
    in_use = true;
}

int kit_main(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
