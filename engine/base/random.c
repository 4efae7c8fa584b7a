/* random.c -- Philox, and a normal by Box and Muller whose bits are the same everywhere.
 *
 * A libm may round log and cos as it likes, and two machines' do. The two functions here are plain series: +, -, *, / and sqrt alone,
 * which IEEE 754 defines to the last bit, evaluated in one written order (no contraction, see the flags of the build [I2]). */
#include "base/random.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { ROUNDS = 10 };

void random_words(uint64_t seed, uint64_t stream, uint64_t counter, uint32_t out[static 4])
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32), c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);

    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t even = UINT64_C(0xD2511F53) * c0, odd = UINT64_C(0xCD9E8D57) * c2;
        c0 = (uint32_t)(odd >> 32) ^ c1 ^ key0;
        c2 = (uint32_t)(even >> 32) ^ c3 ^ key1;
        c1 = (uint32_t)odd;
        c3 = (uint32_t)even;
        key0 += 0x9E3779B9;  // the golden ratio
        key1 += 0xBB67AE85;  // the square root of 3, less 1
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* The upper 53 bits of two words. */
static uint64_t bits53(uint32_t low, uint32_t high)
{
    return ((uint64_t)high << 32 | low) >> 11;
}

/* The natural logarithm of a positive normal number, to about one unit in the last place: x = m 2^e with m about 1, and
 * log m = 2 artanh s with s = (m - 1) / (m + 1). |s| < 0.172, so the first term left out is below 1e-18. */
static double series_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0x000FFFFFFFFFFFFF)) | UINT64_C(0x3FF0000000000000);
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }

    const double s = (m - 1) / (m + 1), s2 = s * s;
    double sum = 0;
    for (int k = 23; k >= 3; k -= 2)
        sum = (sum + 1.0 / k) * s2;

    // log 2 in two parts; the first has trailing zeros enough for its product with any exponent to be exact
    const double log2_high = 0x1.62e42fee00000p-1, log2_low = 0x1.a39ef35793c76p-33;
    return exponent * log2_high + (exponent * log2_low + (2 * s + 2 * s * sum));
}

/* cos(2 pi u) for u in [0, 1): the nearest quarter turn comes off exactly, and what is left is at most pi / 4. */
static double series_cos_turns(double u)
{
    const int quarter = (int)(4 * u + 0.5);
    const double x = 6.283185307179586 * (u - quarter * 0.25), x2 = x * x;

    const bool sine = quarter & 1;
    double sum = 1;
    for (int k = sine ? 17 : 16; k >= 2; k -= 2)
        sum = 1 - sum * x2 / (k * (k - 1));
    if (sine)
        sum *= x;
    return quarter == 1 || quarter == 2 ? -sum : sum;
}

double random_uniform(uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint32_t words[4];
    random_words(seed, stream, counter, words);
    return (double)bits53(words[0], words[1]) * 0x1p-53;
}

double random_normal(uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint32_t words[4];
    random_words(seed, stream, counter, words);

    // (0, 1], so that the logarithm is finite: the largest number that can come out is sqrt(2 * 53 * log 2) = 8.57
    const double radius2 = -2 * series_log((double)(bits53(words[0], words[1]) + 1) * 0x1p-53);
    return sqrt(radius2) * series_cos_turns((double)bits53(words[2], words[3]) * 0x1p-53);
}
