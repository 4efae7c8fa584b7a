/* Random numbers: Philox to the bit, and distributions within what chance allows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

/* The known answers that are published with Random123 (tests/kat_vectors, lines `philox4x32 10`): four counter words, two key words. */
START_TEST(philox_gives_the_published_answers)
{
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const uint64_t counter = known[i].counter[0] | (uint64_t)known[i].counter[1] << 32;
        const uint64_t stream = known[i].counter[2] | (uint64_t)known[i].counter[3] << 32;
        uint32_t words[4];
        random_words(known[i].key[0] | (uint64_t)known[i].key[1] << 32, stream, counter, words);
        ck_assert_mem_eq(words, known[i].answer, sizeof words);
    }
}
END_TEST

START_TEST(a_number_depends_on_seed_stream_and_counter_alone)
{
    const double first = random_normal(1, 2, 3);
    random_normal(9, 9, 9);
    ck_assert(random_normal(1, 2, 3) == first);
    ck_assert(random_normal(2, 2, 3) != first);
    ck_assert(random_normal(1, 3, 3) != first);
    ck_assert(random_normal(1, 2, 4) != first);
    ck_assert(random_uniform(1, UINT64_C(1) << 40, 3) != random_uniform(1, 0, 3));
    ck_assert(random_uniform(1, 0, UINT64_C(1) << 40) != random_uniform(1, 0, 0));
}
END_TEST

enum { DRAWS = 50000 };

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The largest distance between the empirical distribution of `draws` (sorted here) and `cdf`, times sqrt(n). Kolmogorov: above 1.95 one
 * time in a thousand; the seeds are fixed, so the tests do not flicker. */
static double kolmogorov_smirnov(double *draws, double (*cdf)(double))
{
    qsort(draws, DRAWS, sizeof *draws, compare);
    double distance = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        const double expected = cdf(draws[i]);
        distance = fmax(distance, fmax(expected - (double)i / DRAWS, (double)(i + 1) / DRAWS - expected));
    }
    return distance * sqrt(DRAWS);
}

static double uniform_cdf(double x)
{
    return x;
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static double draws[DRAWS];

START_TEST(uniform_numbers_are_uniform_over_counters_and_over_streams)
{
    for (int streams = 0; streams < 2; streams++) {
        for (uint64_t i = 0; i < DRAWS; i++) {
            draws[i] = random_uniform(42, streams ? i : 0, streams ? 0 : i);
            ck_assert(draws[i] >= 0);
            ck_assert(draws[i] < 1);
        }
        ck_assert_double_lt(kolmogorov_smirnov(draws, uniform_cdf), 1.95);
    }
}
END_TEST

START_TEST(normal_numbers_are_normal_over_counters_and_over_streams)
{
    for (int streams = 0; streams < 2; streams++) {
        for (uint64_t i = 0; i < DRAWS; i++)
            draws[i] = random_normal(7, streams ? i : 3, streams ? 5 : i);
        ck_assert_double_lt(kolmogorov_smirnov(draws, normal_cdf), 1.95);
    }
}
END_TEST

/* The k-th moment of n draws has the variance (m_2k - m_k^2) / n, where m_2 = 1, m_4 = 3, m_6 = 15, m_8 = 105. Four deviations. */
START_TEST(normal_moments_are_0_1_0_3)
{
    double moments[5] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        const double x = random_normal(11, 0, i);
        for (int k = 1; k <= 4; k++)
            moments[k] += pow(x, k) / DRAWS;
    }
    ck_assert_double_eq_tol(moments[1], 0, 4 * sqrt(1.0 / DRAWS));
    ck_assert_double_eq_tol(moments[2], 1, 4 * sqrt(2.0 / DRAWS));
    ck_assert_double_eq_tol(moments[3], 0, 4 * sqrt(15.0 / DRAWS));
    ck_assert_double_eq_tol(moments[4], 3, 4 * sqrt(96.0 / DRAWS));
}
END_TEST

START_TEST(neighbours_are_not_correlated)
{
    double over_counters = 0, over_streams = 0, over_seeds = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        const double x = random_normal(1, i, i);
        over_counters += x * random_normal(1, i, i + 1) / DRAWS;
        over_streams += x * random_normal(1, i + 1, i) / DRAWS;
        over_seeds += x * random_normal(2, i, i) / DRAWS;
    }
    ck_assert_double_eq_tol(over_counters, 0, 4 / sqrt(DRAWS));
    ck_assert_double_eq_tol(over_streams, 0, 4 / sqrt(DRAWS));
    ck_assert_double_eq_tol(over_seeds, 0, 4 / sqrt(DRAWS));
}
END_TEST

/* Box and Muller with libm's log and cos: ours may differ from it by rounding only. */
START_TEST(the_normal_is_that_of_box_and_muller)
{
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint32_t words[4];
        random_words(5, 6, i, words);
        const double u = ((double)(((uint64_t)words[1] << 32 | words[0]) >> 11) + 1) * 0x1p-53;
        const double turn = (double)(((uint64_t)words[3] << 32 | words[2]) >> 11) * 0x1p-53;
        const double expected = sqrt(-2 * log(u)) * cos(2 * acos(-1) * turn);
        ck_assert_double_eq_tol(random_normal(5, 6, i), expected, 1e-14);
    }
}
END_TEST

/* Recorded: a build whose compiler contracts or reorders draws other bits. */
START_TEST(the_bits_of_normals_are_the_same_in_every_build)
{
    uint64_t hash = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        const double x = random_normal(2026, 1, i);
        hash = hash_bytes(hash, &x, sizeof x);
    }
    ck_assert_uint_eq(hash, UINT64_C(10428063608137893580));
}
END_TEST

KIT_MAIN("base.random", philox_gives_the_published_answers, a_number_depends_on_seed_stream_and_counter_alone,
         uniform_numbers_are_uniform_over_counters_and_over_streams, normal_numbers_are_normal_over_counters_and_over_streams, normal_moments_are_0_1_0_3,
         neighbours_are_not_correlated, the_normal_is_that_of_box_and_muller, the_bits_of_normals_are_the_same_in_every_build)
