/* Quantiles, moments and shares. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forecast/statistics.h"
#include "kit/kit.h"

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Hyndman and Fan's type 7 on sorted values. */
static double by_sorting(const double *sorted, size_t count, double p)
{
    const double place = p * (double)(count - 1), low = floor(place);
    const size_t rank = (size_t)low;
    return place > low ? sorted[rank] + (place - low) * (sorted[rank + 1] - sorted[rank]) : sorted[rank];
}

START_TEST(quantiles_are_those_of_the_sorted_values)
{
    enum { MOST = 300 };
    static const double p[] = {0, 0.01, 0.05, 0.25, 0.5, 0.5001, 0.75, 0.95, 1};
    enum { COUNT = sizeof p / sizeof *p };
    for (uint64_t round = 0; round < 600; round++) {
        double values[MOST], sorted[MOST], is[COUNT];
        const size_t count = 1 + round % MOST;
        const double few = round % 3 == 0 ? 5 : 1e6;  // with many that are equal, and with none
        for (size_t i = 0; i < count; i++)
            values[i] = sorted[i] = round % 7 == 1 ? (double)i : floor(few * random_uniform(round, 0, i));
        qsort(sorted, count, sizeof *sorted, compare);
        quantiles_of(values, count, p, COUNT, is);
        for (size_t i = 0; i < COUNT; i++)
            ck_assert_msg(is[i] == by_sorting(sorted, count, p[i]), "round %d: quantile %g of %zu is %g", (int)round, p[i], count, is[i]);
        qsort(values, count, sizeof *values, compare);
        ck_assert_mem_eq(values, sorted, count * sizeof *values);
    }
}
END_TEST

START_TEST(of_nothing_there_is_nothing_to_say)
{
    const double half = 0.5;
    double out, one = 3;
    quantiles_of(NULL, 0, &half, 1, &out);
    ck_assert(isnan(out) && isnan(moments_of(NULL, 0).mean) && isnan(share_of(0, 0).share));
    ck_assert(moments_of(&one, 1).mean == 3 && isnan(moments_of(&one, 1).sd));
}
END_TEST

START_TEST(what_is_not_finite_is_put_aside_and_the_order_kept)
{
    double values[] = {NAN, 2, INFINITY, 1, -INFINITY, 3};
    ck_assert_uint_eq(finite_first(values, 6), 3);
    ck_assert(values[0] == 2 && values[1] == 1 && values[2] == 3);
    const Moments moments = moments_of(values, 3);
    ck_assert(moments.mean == 2 && moments.sd == 1);
}
END_TEST

/* The interval's ends are where the share is 1.96 standard errors away, these reckoned with the ends themselves: that is what Wilson's formula solves. */
START_TEST(the_interval_of_a_share_solves_its_equation)
{
    for (size_t met = 0; met <= 40; met++) {
        const Share share = share_of(met, 40);
        const double ends[] = {share.low, share.high};
        ck_assert_double_eq_tol(share.share, (double)met / 40, 1e-15);
        for (size_t i = 0; i < 2; i++)
            if (ends[i] > 0 && ends[i] < 1)
                ck_assert_double_eq_tol(fabs(share.share - ends[i]), 1.959963984540054 * sqrt(ends[i] * (1 - ends[i]) / 40), 1e-12);
        ck_assert(share.low >= 0 && share.high <= 1 && share.low <= share.share && share.share <= share.high);
    }
}
END_TEST

/* Of two members at 0 and 1 half their distance is taken off. */
START_TEST(the_fair_crps_of_two_members_is_known)
{
    double members[] = {1, 0};
    ck_assert_double_eq(crps_of(members, 2, 0.5), 0);
    ck_assert_double_eq(crps_of(members, 2, 2), 1);
    ck_assert(isnan(crps_of(members, 1, 2)));
}
END_TEST

/* That of a standard normal is z (2 F(z) - 1) + 2 f(z) - 1 / sqrt(pi). */
START_TEST(the_crps_of_many_normals_is_that_of_the_normal)
{
    enum { COUNT = 100000 };
    static double members[COUNT];
    for (uint64_t i = 0; i < COUNT; i++)
        members[i] = random_normal(7, 7, i);
    for (double z = -2; z <= 2; z += 0.5) {
        const double expected = z * erf(z / sqrt(2)) + 2 * exp(-z * z / 2) / sqrt(2 * M_PI) - 1 / sqrt(M_PI);
        ck_assert_double_eq_tol(crps_of(members, COUNT, z), expected, 5 / sqrt(COUNT));
    }
}
END_TEST

KIT_MAIN("forecast.statistics", quantiles_are_those_of_the_sorted_values, of_nothing_there_is_nothing_to_say,
         what_is_not_finite_is_put_aside_and_the_order_kept, the_interval_of_a_share_solves_its_equation,
         the_fair_crps_of_two_members_is_known, the_crps_of_many_normals_is_that_of_the_normal)
