/* Normals over lanes: the words of Philox, the same bits in every build, and a normal distribution. */
#include <math.h>
#include <string.h>

#include "graph/scenes.h"
#include "kit/kit.h"

/* Box and Muller on the words of random_words, by the C library: lanes_normals is that to within 1e-12. */
static void reference(uint64_t seed, uint64_t stream, uint64_t counter, double *first, double *second)
{
    uint32_t words[4];
    random_words(seed, stream, counter, words);
    const uint64_t a = (uint64_t)words[1] << 32 | words[0], b = (uint64_t)words[3] << 32 | words[2];
    const double u = 1.0 - (double)(a >> 12) * 0x1p-52, turn = (double)(b >> 62) + (double)(b << 2 >> 12) * 0x1p-52 - 0.5;
    *first = sqrt(-2 * log(u)) * cos(M_PI_2 * turn);
    *second = sqrt(-2 * log(u)) * sin(M_PI_2 * turn);
}

START_TEST(normals_are_box_and_muller_on_the_words_of_philox)
{
    double first[LANES], second[LANES], a, b;
    for (uint64_t round = 0; round < 200; round++) {
        const uint64_t seed = round * UINT64_C(0x9E3779B97F4A7C15), stream = round << 31, counter = round << 30;
        lanes_normals(seed, stream, counter, first, second);
        for (unsigned lane = 0; lane < LANES; lane++) {
            reference(seed, stream, counter + lane, &a, &b);
            ck_assert_double_eq_tol(first[lane], a, 1e-12);
            ck_assert_double_eq_tol(second[lane], b, 1e-12);
        }
    }
}
END_TEST

START_TEST(every_build_has_the_same_bits)
{
    double expected[2][LANES], is[2][LANES];
    for (uint64_t round = 0; round < 200; round++) {
        ck_assert(program_use("portable"));
        lanes_normals(round, ~round, round << 32, expected[0], expected[1]);
        for (unsigned set = 0; set < INSTRUCTION_SETS; set++) {
            if (!program_use(instruction_sets[set]))
                continue;
            lanes_normals(round, ~round, round << 32, is[0], is[1]);
            ck_assert_msg(memcmp(is, expected, sizeof is) == 0, "%s differs", instruction_sets[set]);
        }
    }
}
END_TEST

/* The first four moments of a million normals, within five standard errors: 1/n, 2/n, 15/n and 96/n are the variances of their means. */
START_TEST(moments_are_those_of_a_normal_distribution)
{
    enum { ROUNDS = 8000 };
    const double n = ROUNDS * 2.0 * LANES, expected[4] = {0, 1, 0, 3}, variance[4] = {1, 2, 15, 96};
    double sum[4] = {0}, cross = 0, draws[2][LANES];
    for (uint64_t round = 0; round < ROUNDS; round++) {
        lanes_normals(7, 1, round << 32, draws[0], draws[1]);
        for (unsigned lane = 0; lane < LANES; lane++) {
            cross += draws[0][lane] * draws[1][lane];
            for (unsigned k = 0; k < 2; k++) {
                const double x = draws[k][lane];
                sum[0] += x, sum[1] += x * x, sum[2] += x * x * x, sum[3] += x * x * x * x;
            }
        }
    }
    for (unsigned k = 0; k < 4; k++)
        ck_assert_double_eq_tol(sum[k] / n, expected[k], 5 * sqrt(variance[k] / n));
    ck_assert_double_eq_tol(cross / (n / 2), 0, 5 * sqrt(2 / n));  // the two of a lane know nothing of each other
}
END_TEST

KIT_MAIN("graph.normals", normals_are_box_and_muller_on_the_words_of_philox, every_build_has_the_same_bits, moments_are_those_of_a_normal_distribution)
