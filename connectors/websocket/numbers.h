/* numbers.h -- what a device calls the tags that it sends: each name gets the next number when it is first sent.
 *
 * Memory: a name and at most 16 bytes for each tag. Threads: one. */
#pragma once

#include "base/base.h"

#define NUMBER_NONE UINT32_MAX

typedef struct Numbers {
    const char **names;  // by number
    uint32_t count, room;
    uint32_t *slots;      // numbers by hash of the name, NUMBER_NONE where free; at most half are taken
    uint32_t slot_count;  // a power of two
    Arena arena;
} Numbers;

/// The number of a name, NUMBER_NONE without memory. `Numbers numbers = {0};` has none yet.
uint32_t numbers_find(Numbers *numbers, const char *name);
void numbers_fini(Numbers *numbers);
