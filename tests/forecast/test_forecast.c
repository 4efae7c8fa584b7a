/* Forecasts against closed forms: linear models are Gaussian, walks pass limits as Brownian motion does, chance that is common cancels. */
#include <float.h>

#include "forecast/ahead.h"

#define SURE 5.0  // standard errors: of a hundred checks not one is further off by chance, and the seeds are fixed

/* x is Gaussian with mean a^n 2 and variance a^2n P0 + q^2 h (1 - a^2n) / (1 - a^2). */
static double decay_sd(double k, double time)
{
    const double a = ahead_decay_factor(k), n = time / AHEAD_STEP, rest = pow(a, 2 * n);
    return sqrt(rest * 0.25 + 0.09 * AHEAD_STEP * (1 - rest) / (1 - a * a));
}

/* The standard error of the quantile p of a normal sample is sqrt(p (1 - p) / n) over the density there. */
static double quantile_error(double p, double z, double sd, double members)
{
    return sqrt(p * (1 - p) / members) / (exp(-z * z / 2) / sqrt(2 * M_PI)) * sd;
}

START_TEST(a_linear_model_is_gaussian)
{
    static const double z[] = {-1.6448536269514722, -0.6744897501960817, 0, 0.6744897501960817, 1.6448536269514722};
    Plant *plant = ahead_plant("d = { 'decay' }", "");
    const Ahead ahead = {.tags = {"d.x", "d.twice"}, .times = {0, 0.125, 1, 2, 5, 10}, .members = 20000, .seed = 3};
    Forecast *forecast = ahead_run(plant, &ahead);
    ck_assert_uint_eq(forecast->time_count, 6);
    for (size_t row = 0; row < 2; row++)
        for (size_t i = 0; i < forecast->time_count; i++) {
            const ForecastSeries *series = &forecast->cases[0].series[row];
            const double time = forecast->times[i], scale = row + 1.0, sd = scale * decay_sd(0.5, time);
            const double mean = scale * 2 * pow(ahead_decay_factor(0.5), time / AHEAD_STEP);
            ck_assert_double_eq_tol(series->mean[i], mean, SURE * sd / sqrt(20000));
            ck_assert_double_eq_tol(series->sd[i], sd, SURE * sd / sqrt(2 * 20000.0));
            for (size_t q = 0; q < 5; q++)
                ck_assert_double_eq_tol(series->quantiles[q * forecast->time_count + i], mean + z[q] * sd,
                                        SURE * quantile_error(ahead_quantiles[q], z[q], sd, 20000));
        }
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_seed_repeats_bit_for_bit_on_any_number_of_threads)
{
    Plant *plant = ahead_plant("d = { 'decay' }, e = { 'decay', k = 2 }, w = { 'walk' }, o = { 'doubt' }", "['d.twice'] = 'e.u'");
    Ahead ahead = {.tags = {"e.x", "d.x", "w.x", "o.x", "o.sum"},
                   .times = {0, 1, 20},
                   .members = 777,
                   .paths = 3,
                   .seed = 11,
                   .threads = 1,
                   .cases = 2,
                   .changes = {{{0}}, {{"d.u", .points = {{2, 5}}, .count = 1}}}};
    Forecast *one = ahead_run(plant, &ahead);
    for (ahead.threads = 2; ahead.threads <= 4; ahead.threads += 2) {
        Forecast *more = ahead_run(plant, &ahead);
        ck_assert_uint_eq(ahead_hash(more), ahead_hash(one));
        forecast_destroy(more);
    }
    ahead.seed = 12;
    Forecast *other = ahead_run(plant, &ahead);
    ck_assert_uint_ne(ahead_hash(other), ahead_hash(one));
    forecast_destroy(other);
    forecast_destroy(one);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_seed_repeats_bit_for_bit_on_any_instruction_set)
{
    static const char *const sets[] = {"portable", "sse2", "avx2", "avx512"};
    Plant *plant = ahead_plant("d = { 'decay' }, w = { 'walk' }", "");
    const Ahead ahead = {.tags = {"d.twice", "w.x"}, .times = {0, 1, 20}, .members = 200, .paths = 3};
    Forecast *best = ahead_run(plant, &ahead);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (!program_use(sets[i]))
            continue;
        Forecast *other = ahead_run(plant, &ahead);
        ck_assert_msg(ahead_hash(other) == ahead_hash(best), "%s differs", sets[i]);
        forecast_destroy(other);
    }
    forecast_destroy(best);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_member_is_the_same_among_few_and_many_and_beside_other_twins)
{
    Plant *plant = ahead_plant("d = { 'decay' }, w = { 'walk' }, o = { 'doubt' }", "");
    static const char *const tags[] = {"d.x", "o.x"};
    for (size_t i = 0; i < 2; i++) {
        const Ahead alone = {.tags = {tags[i]}, .times = {0, 1, 5}, .members = 40, .paths = 40},
                    crowd = {.tags = {"w.x", tags[i], tags[1 - i]}, .times = {0, 1, 5}, .members = 500, .paths = 40};
        Forecast *few = ahead_run(plant, &alone), *many = ahead_run(plant, &crowd);
        ck_assert_mem_eq(few->cases[0].series[0].paths, many->cases[0].series[1].paths, 40 * 3 * sizeof(double));
        forecast_destroy(few);
        forecast_destroy(many);
    }
    plant_destroy(plant);
}
END_TEST

/* x falls with k, so the quantile p of x is the x of the quantile 1 - p of k, whose rate k^2 is prepared once per member. A twin with a k of its own
 * knows it as well as the model does. */
START_TEST(a_parameter_that_is_known_to_a_standard_deviation_spreads_as_its_quantiles_do)
{
    static const double z[] = {-1.6448536269514722, -0.6744897501960817, 0, 0.6744897501960817, 1.6448536269514722}, k[] = {0.8, 0.5};
    enum { MEMBERS = 20000 };
    Plant *plant = ahead_plant("a = { 'doubt' }, b = { 'doubt', k = 0.5 }", "");
    const Ahead ahead = {.tags = {"a.x", "b.x"}, .times = {0, 0.125, 1, 2, 5}, .members = MEMBERS, .seed = 5};
    Forecast *forecast = ahead_run(plant, &ahead);
    for (size_t row = 0; row < 2; row++)
        for (size_t i = 0; i < forecast->time_count; i++)
            for (size_t q = 0; q < 5; q++) {
                const double time = forecast->times[i], rate = k[row] - z[q] * 0.05, expected = 2 * pow(ahead_decay_factor(rate * rate), time / AHEAD_STEP);
                const double slope = 2 * rate * time * expected, error = quantile_error(ahead_quantiles[q], z[q], 0.05, MEMBERS) * slope;
                ck_assert_double_eq_tol(forecast->cases[0].series[row].quantiles[q * forecast->time_count + i], expected, SURE * error + 1e-12);
            }
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* What is reported is off by the same all along, whatever is reported: u = 1 and, behind 1 s, 4 add up to t + 3 (t - 1), and t times what a member is off by. */
START_TEST(a_member_is_off_by_the_same_from_the_first_step_to_the_last)
{
    enum { MEMBERS = 64, TIMES = 4 };
    Plant *plant = ahead_plant("a = { 'doubt' }", "");
    const Ahead ahead = {.tags = {"a.u", "a.sum", "a.k"},
                         .times = {0, 1, 2, 5},
                         .members = MEMBERS,
                         .paths = MEMBERS,
                         .changes = {{{"a.u", false, {{1, 4}}, 1}, {"a.k", false, {{2, 9.99}}, 1}}}};
    Forecast *forecast = ahead_run(plant, &ahead);
    const ForecastSeries *series = forecast->cases[0].series;
    double squares = 0;
    for (size_t member = 0; member < MEMBERS; member++) {
        const double *u = &series[0].paths[member * TIMES], *sum = &series[1].paths[member * TIMES], off = u[0] - 1;
        squares += off * off;
        ck_assert_double_eq_tol(u[3], 4 + off, 1e-12);
        ck_assert_double_eq_tol(sum[2], 2 + 3 + 2 * off, 1e-12);
        ck_assert_double_eq_tol(sum[3], 5 + 12 + 5 * off, 1e-12);

        // and never beyond its limits
        ck_assert_double_le(series[2].paths[member * TIMES + 3], 10);
    }
    ck_assert_double_eq_tol(squares / MEMBERS, 0.04, SURE * 0.04 * sqrt(2.0 / MEMBERS));
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* What feeds an input says how sure it is. */
START_TEST(an_input_that_is_fed_is_as_sure_as_what_feeds_it)
{
    Plant *plant = ahead_plant("d = { 'decay' }, o = { 'doubt' }", "['d.x'] = 'o.u'");
    const Ahead ahead = {.tags = {"d.x", "o.u"}, .times = {1, 5}, .members = 70, .paths = 64};
    Forecast *forecast = ahead_run(plant, &ahead);
    ck_assert_mem_eq(forecast->cases[0].series[0].paths, forecast->cases[0].series[1].paths, 64 * 2 * sizeof(double));
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* Covariances of rank 0 to 3 in units that differ by six powers of ten, made as products: the root that draws are made with gives them back. */
START_TEST(the_root_of_a_covariance_gives_it_back)
{
    static const double scale[3] = {1e3, 1, 1e-3};
    Plant *plant = ahead_plant("t = { 'three' }", "");
    const Model *model = plant_model(plant, 0);
    const Ahead ahead = {.tags = {"t.a"}};
    for (uint64_t round = 0; round < 40; round++) {
        double factor[3][3] = {{0}}, covariance[3][3] = {{0}};
        const size_t rank = round % 4;
        for (size_t i = 0; i < 9; i++)
            factor[i / 3][i % 3] = i % 3 < rank ? scale[i / 3] * random_normal(round, 0, i) : 0;
        for (size_t i = 0; i < 27; i++)
            covariance[i / 9][i / 3 % 3] += factor[i / 9][i % 3] * factor[i / 3 % 3][i % 3];
        for (uint16_t i = 0; i < 9; i++)
            *plant_cell(plant, 0, model_covariance(model, i / 3, i % 3)) = covariance[i / 3][i % 3];

        Swarm swarm;
        ErrText why;
        Fork *fork = ahead_fork(plant, &ahead);
        ck_assert_int_eq(swarm_init(&swarm, fork, 0, &why), ERR_OK);
        const Draw *draw = &swarm.twins[0].draw;
        ck_assert_uint_eq(draw->rank, rank);
        for (size_t i = 0; i < 9; i++) {
            double sum = 0;
            for (size_t k = 0; k < rank; k++)
                sum += draw->root[i / 3 * rank + k] * draw->root[i % 3 * rank + k];
            ck_assert_double_eq_tol(sum, covariance[i / 3][i % 3], 1e-9 * sqrt(covariance[i / 3][i / 3] * covariance[i % 3][i % 3]) + DBL_MIN);
        }
        swarm_fini(&swarm);
        fork_destroy(fork);
    }
    plant_destroy(plant);
}
END_TEST

/* The covariance of n draws has, element by element, the variance (P_ii P_jj + P_ij^2) / n (Wishart). This one is singular: c is a + b. */
START_TEST(draws_have_the_covariance_of_the_estimate)
{
    static const double covariance[3][3] = {{4, -1, 3}, {-1, 0.5, -0.5}, {3, -0.5, 2.5}};
    enum { MEMBERS = 8192 };
    Plant *plant = ahead_plant("t = { 'three' }", "");
    const Model *model = plant_model(plant, 0);
    for (uint16_t i = 0; i < 3; i++)
        for (uint16_t j = i; j < 3; j++)
            *plant_cell(plant, 0, model_covariance(model, i, j)) = covariance[i][j];

    Ahead ahead = {.tags = {"t.a", "t.b", "t.c"}, .times = {0}, .members = 64, .paths = 64};
    double sum[3][3] = {{0}}, mean[3] = {10, -10, 0};
    for (ahead.seed = 1; ahead.seed <= MEMBERS / 64; ahead.seed++) {
        Forecast *forecast = ahead_run(plant, &ahead);
        for (size_t member = 0; member < 64; member++) {
            double off[3];
            for (size_t i = 0; i < 3; i++)
                off[i] = forecast->cases[0].series[i].paths[member] - mean[i];
            ck_assert_double_eq_tol(off[2], off[0] + off[1], 1e-9);
            for (size_t i = 0; i < 3; i++)
                for (size_t j = 0; j < 3; j++)
                    sum[i][j] += off[i] * off[j];
        }
        forecast_destroy(forecast);
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            const double spread = sqrt((covariance[i][i] * covariance[j][j] + covariance[i][j] * covariance[i][j]) / MEMBERS);
            ck_assert_double_eq_tol(sum[i][j] / MEMBERS, covariance[i][j], SURE * spread);
        }
    plant_destroy(plant);
}
END_TEST

static double normal_above(double z)
{
    return 0.5 * erfc(z / sqrt(2));
}

/* Brownian motion passes b before T with probability 2 P(W_T > b) (reflection). Looked at every h only, the limit is as if it were 0.5826 sqrt(h)
 * further away (Siegmund, Sequential Analysis, 1985, 10.4): below, what that leaves is far below chance. */
START_TEST(a_walk_passes_its_limits_as_brownian_motion_does)
{
    enum { MEMBERS = 20000 };
    const double horizon = 50, shift = 0.5826 * sqrt(AHEAD_STEP);
    Plant *plant = ahead_plant("w = { 'walk' }", "");
    const Ahead ahead = {.tags = {"w.x"}, .times = {horizon}, .members = MEMBERS, .seed = 5};
    Forecast *forecast = ahead_run(plant, &ahead);
    ck_assert_uint_eq(forecast->limit_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const ForecastLimit *limit = &forecast->cases[0].limits[i];
        const double far = fabs(limit->alarm->limit) + shift, expected = 2 * normal_above(far / sqrt(horizon));
        const double spread = sqrt(expected * (1 - expected) / MEMBERS);
        ck_assert_double_eq_tol(limit->passed.share, expected, SURE * spread);
        ck_assert(limit->passed.low < expected && expected < limit->passed.high);

        // of those that pass it half have done so at the time at which the probability is half of that; times are whole steps
        const double median = limit->times[2], until = 2 * normal_above(far / sqrt(median));
        const double density = exp(-far * far / (2 * median)) * far / sqrt(2 * M_PI * pow(median, 3));
        ck_assert_double_eq_tol(until, expected / 2, SURE * 0.5 * sqrt(expected / MEMBERS) + density * AHEAD_STEP);
    }
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* With k1 and k2 beside each other and the same noise, the difference has the variance P0 (a1^n - a2^n)^2 + q^2 h sum (a1^j - a2^j)^2; independent
 * runs would have the sum of both variances. */
START_TEST(common_random_numbers_cancel_as_theory_says)
{
    enum { MEMBERS = 20000, STEPS = 80 };
    Plant *plant = ahead_plant("d = { 'decay' }", "");
    const Ahead ahead = {.tags = {"d.x"},
                         .times = {STEPS * AHEAD_STEP},
                         .members = MEMBERS,
                         .cases = 3,
                         .changes = {{{0}}, {{"d.k", .points = {{0, 0.55}}, .count = 1}}, {{"d.u", .points = {{0, 1}}, .count = 1}}}};
    Forecast *forecast = ahead_run(plant, &ahead);
    const double a = ahead_decay_factor(0.5), b = ahead_decay_factor(0.55);
    double variance = 0.25 * pow(pow(a, STEPS) - pow(b, STEPS), 2);
    for (int j = 0; j < STEPS; j++)
        variance += 0.09 * AHEAD_STEP * pow(pow(a, j) - pow(b, j), 2);
    const double expected = sqrt(variance / MEMBERS), mean = 2 * (pow(b, STEPS) - pow(a, STEPS));
    const double independent = sqrt((pow(decay_sd(0.5, STEPS * AHEAD_STEP), 2) + pow(decay_sd(0.55, STEPS * AHEAD_STEP), 2)) / MEMBERS);

    const ForecastSeries *slower = forecast->cases[1].series, *driven = forecast->cases[2].series;
    ck_assert_double_eq_tol(slower->difference_se[0], expected, SURE * expected / sqrt(2 * MEMBERS));
    ck_assert_double_eq_tol(slower->difference[0], mean, SURE * expected);
    ck_assert_double_lt(slower->difference_se[0], independent / 10);

    // what an input adds to a linear model is the same for every member
    ck_assert_double_lt(driven->difference_se[0], 1e-12);
    ck_assert_ptr_null(forecast->cases[0].series->difference);
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

START_TEST(the_living_plant_is_not_touched)
{
    Plant *plant = ahead_plant("d = { 'decay' }, e = { 'decay' }", "['d.x'] = 'e.u'");
    for (int i = 0; i < 5; i++)
        plant_advance(plant);
    const uint64_t before = plant_hash(plant);
    const Ahead ahead = {.tags = {"e.x"}, .times = {1, 2}, .threads = 2, .changes = {{{"d.k", .points = {{0, 3}}, .count = 1}}}};
    Fork *fork = ahead_fork(plant, &ahead);
    Forecast *now = ahead_run_fork(fork, &ahead);
    ck_assert_uint_eq(plant_hash(plant), before);

    // and a fork does not see what becomes of the plant
    for (int i = 0; i < 5; i++)
        plant_advance(plant);
    Forecast *later = ahead_run_fork(fork, &ahead);
    ck_assert_uint_eq(ahead_hash(later), ahead_hash(now));
    forecast_destroy(now);
    forecast_destroy(later);
    fork_destroy(fork);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("forecast.forecast", a_linear_model_is_gaussian, a_seed_repeats_bit_for_bit_on_any_number_of_threads,
         a_seed_repeats_bit_for_bit_on_any_instruction_set, a_member_is_the_same_among_few_and_many_and_beside_other_twins,
         a_parameter_that_is_known_to_a_standard_deviation_spreads_as_its_quantiles_do, a_member_is_off_by_the_same_from_the_first_step_to_the_last,
         an_input_that_is_fed_is_as_sure_as_what_feeds_it, the_root_of_a_covariance_gives_it_back, draws_have_the_covariance_of_the_estimate, a_walk_passes_its_limits_as_brownian_motion_does,
         common_random_numbers_cancel_as_theory_says, the_living_plant_is_not_touched)
