/* hash.c -- XXH3 under our name. */
#include "base/hash.h"

#include <assert.h>
#include <xxhash.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "state hashes are taken over little-endian columns");

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t size)
{
    assert(bytes || size == 0);
    return XXH3_64bits_withSeed(bytes, size, seed);
}
