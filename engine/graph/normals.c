/* normals.c -- random numbers for all lanes of a block at once: Philox, and normals by Box and Muller.
 *
 * Compiled once portably and once per vector width, as lanes.c is. Everything is +, -, *, /, square roots and bits in one written order, so the
 * bits are the same in every build [I2]. The words are those of random_words (base/random.h); the functions are series cut where 1e-13 is left.
 *
 * Sources: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011. Box, Muller, A note on the generation of random normal deviates,
 * Ann. Math. Stat. 29 (1958). */
#include <math.h>
#include <string.h>

#include "graph/program.h"

#if defined(LANES_AVX512)
#include <immintrin.h>
#define NORMALS lanes__normals_avx512
#define BYTES 64
#define MULTIPLY(a, b) ((Words)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define ROOT(a) ((Numbers)_mm512_sqrt_pd((__m512d)(a)))
#elif defined(LANES_AVX2)
#include <immintrin.h>
#define NORMALS lanes__normals_avx2
#define BYTES 32
#define MULTIPLY(a, b) ((Words)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define ROOT(a) ((Numbers)_mm256_sqrt_pd((__m256d)(a)))
#elif defined(LANES_SSE2)
#include <emmintrin.h>
#define NORMALS lanes__normals_sse2
#define BYTES 16
#define MULTIPLY(a, b) ((Words)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#define ROOT(a) ((Numbers)_mm_sqrt_pd((__m128d)(a)))
#else
#define NORMALS lanes__normals_portable
#define BYTES 8
#define MULTIPLY(a, b) (((a) & LOW) * ((b) & LOW))
#define ROOT(a) ((Numbers){sqrt((a)[0])})
#endif

typedef uint64_t Words __attribute__((vector_size(BYTES)));
typedef double Numbers __attribute__((vector_size(BYTES)));

enum { WIDTH = BYTES / 8, ROUNDS = 10 };

static const uint64_t LOW = UINT64_C(0xFFFFFFFF);

static inline Words words_of(uint64_t value)
{
    return (Words){0} + value;
}

static inline Numbers numbers_of(double value)
{
    return (Numbers){0} + value;
}

typedef struct Uniform {
    Words first, second;  // 64 random bits each
} Uniform;

/* Philox4x32-10. A word lies in the lower half of its lane; what stands above it does not count, since products take lower halves alone. */
static inline Uniform philox(uint64_t seed, uint64_t stream, Words counter)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    Words c0 = counter, c1 = counter >> 32, c2 = words_of((uint32_t)stream), c3 = words_of(stream >> 32);
    const Words a = words_of(0xD2511F53), b = words_of(0xCD9E8D57);
    for (int round = 0; round < ROUNDS; round++) {
        const Words even = MULTIPLY(a, c0), odd = MULTIPLY(b, c2);
        c0 = odd >> 32 ^ c1 ^ words_of(key0);
        c2 = even >> 32 ^ c3 ^ words_of(key1);
        c1 = odd;
        c3 = even;
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return (Uniform){c1 << 32 | (c0 & LOW), c3 << 32 | (c2 & LOW)};
}

/* In [1, 2), from the upper 52 bits. */
static inline Numbers from_one_to_two(Words bits)
{
    return (Numbers)(bits >> 12 | words_of(UINT64_C(0x3FF0000000000000)));
}

/* log x of x in [2^-64, 1]: x = m 2^e with m in [sqrt 1/2, sqrt 2), and log m = 2 artanh s with s = (m - 1) / (m + 1), |s| < 0.172. */
static inline Numbers series_log(Numbers x)
{
    const Words half_root = words_of(UINT64_C(0x3FE6A09E667F3BCD)), bias = words_of(UINT64_C(64) << 52);
    const Words shifted = (Words)x - half_root + bias, exponent = shifted >> 52;
    const Numbers m = (Numbers)((Words)x - (exponent << 52) + bias);
    const Numbers e = (Numbers)(exponent | words_of(UINT64_C(0x4330000000000000))) - (0x1p52 + 64.0);  // exact: a small whole number behind 2^52

    const Numbers s = (m - 1.0) / (m + 1.0), z = s * s;
    Numbers sum = numbers_of(1.0 / 15);
    sum = sum * z + 1.0 / 13;
    sum = sum * z + 1.0 / 11;
    sum = sum * z + 1.0 / 9;
    sum = sum * z + 1.0 / 7;
    sum = sum * z + 1.0 / 5;
    sum = sum * z + 1.0 / 3;
    sum = sum * z + 1.0;
    return e * 0x1.62e42fefa39efp-1 + s * 2.0 * sum;
}

static inline Numbers sine(Numbers x, Numbers z)
{
    Numbers sum = numbers_of(1.0 / 6227020800);
    sum = sum * z - 1.0 / 39916800;
    sum = sum * z + 1.0 / 362880;
    sum = sum * z - 1.0 / 5040;
    sum = sum * z + 1.0 / 120;
    sum = sum * z - 1.0 / 6;
    return x + x * z * sum;
}

static inline Numbers cosine(Numbers z)
{
    Numbers sum = numbers_of(-1.0 / 87178291200);
    sum = sum * z + 1.0 / 479001600;
    sum = sum * z - 1.0 / 3628800;
    sum = sum * z + 1.0 / 40320;
    sum = sum * z - 1.0 / 720;
    sum = sum * z + 1.0 / 24;
    sum = sum * z - 0.5;
    return sum * z + 1.0;
}

/* Cosine and sine of an angle that 64 bits say: the upper two its quarter turn, the others where in it, at most an eighth turn from its middle. */
static inline void turn(Words bits, Numbers *cos_out, Numbers *sin_out)
{
    const Numbers x = (from_one_to_two(bits << 2) - 1.5) * 0x1.921fb54442d18p+0, z = x * x;
    const Words s = (Words)sine(x, z), c = (Words)cosine(z), quarter = bits >> 62;
    const Words odd = -(quarter & 1), half = quarter >> 1;
    *cos_out = (Numbers)(((c & ~odd) | (s & odd)) ^ ((half ^ (quarter & 1)) << 63));
    *sin_out = (Numbers)(((s & ~odd) | (c & odd)) ^ (half << 63));
}

static inline Words lanes_from(unsigned lane)
{
    Words lanes;
    for (unsigned i = 0; i < WIDTH; i++)
        lanes[i] = lane + i;
    return lanes;
}

void NORMALS(uint64_t seed, uint64_t stream, uint64_t counter, double *restrict first, double *restrict second)
{
    for (unsigned lane = 0; lane < LANES; lane += WIDTH) {
        const Uniform uniform = philox(seed, stream, lanes_from(lane) + counter);
        const Numbers radius = ROOT(series_log(2.0 - from_one_to_two(uniform.first)) * -2.0);  // of (0, 1]: at most sqrt(104 log 2) = 8.49
        Numbers cosines, sines;
        turn(uniform.second, &cosines, &sines);
        cosines *= radius;
        sines *= radius;
        memcpy(&first[lane], &cosines, sizeof cosines);
        memcpy(&second[lane], &sines, sizeof sines);
    }
}
