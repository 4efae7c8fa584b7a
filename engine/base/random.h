/* random.h -- counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A number is a function of (seed, stream, counter) and of nothing else: no state, so the same on any thread and in any order. */
#pragma once

#include <stdint.h>

/// Four 32-bit words for one counter.
void random_words(uint64_t seed, uint64_t stream, uint64_t counter, uint32_t out[static 4]);
/// Uniform in [0, 1), 53 bits.
double random_uniform(uint64_t seed, uint64_t stream, uint64_t counter);
/// Standard normal (Box and Muller), the same bits on every machine: it asks libm for nothing but the square root.
double random_normal(uint64_t seed, uint64_t stream, uint64_t counter);
