/* hash.h -- 64-bit hashes (XXH3), for state hashes and names. The same on every machine of either byte order that Pollux runs on (little-endian). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Hash `size` bytes onto `seed`; chain calls by passing the last result as the next seed.
uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t size);
