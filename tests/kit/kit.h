/* kit.h -- what tests share: a main for Check, temporary folders, an allocator that fails.
 *
 * A test file ends in KIT_MAIN("folder.noun", test_a, test_b, ...). Check prints its closing line. */
#pragma once

#include <check.h>

#include "base/base.h"

/// The path of a fresh folder, removed with all that is in it when the program ends. Valid until then.
const char *kit_folder(void);
/// The folder of the recordings, or NULL where this machine has none.
const char *kit_recordings(void);

/// Let the N-th allocation from now fail (0: none). Counts on every thread.
void kit_fail_allocation(size_t n);

int kit_main(const char *name, const TTest *const *tests, size_t count);

#define KIT_MAIN(name, ...)                                                     \
    int main(void)                                                              \
    {                                                                           \
        const TTest *const tests[] = {__VA_ARGS__};                             \
        return kit_main(name, tests, sizeof tests / sizeof *tests);             \
    }
