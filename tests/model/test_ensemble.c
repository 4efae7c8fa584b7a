/* The ensemble filter: what its members say is what a Kalman filter says, as far as so few can. */
#include <math.h>

#include "base/random.h"
#include "model/rig.h"

static double deviation(const Rig *rig, unsigned m, uint16_t state, size_t lane)
{
    const EnsembleLayout *ensemble = &rig->model->ensemble;
    return *cell(rig, (uint16_t)(ensemble->first + m * ensemble->stride + state), lane);
}

static double sample_covariance(const Rig *rig, uint16_t i, uint16_t j, size_t lane)
{
    const unsigned members = rig->model->ensemble.members;
    double sum = 0;
    for (unsigned m = 0; m < members; m++)
        sum += deviation(rig, m, i, lane) * deviation(rig, m, j, lane);
    return sum / (members - 1);
}

// --- a linear model --------------------------------------------------------------------------------------------------

#define LINEAR "return model \"linear\" {\n" \
               "  states = { a = { 1, \"1\", noise = 0.3, sd = 2 }, b = { -2, \"1\", noise = 0.1, sd = 1 }, c = { 0.5, \"1\", sd = 3 } },\n" \
               "  equations = function(t)\n" \
               "    local s = quantity(1, \"s\")\n" \
               "    t.a.rate = (t.b - 0.4 * t.a + 0.7) / s\n" \
               "    t.b.rate = (-2 * t.a - 0.1 * t.b + 0.3 * t.c) / s\n" \
               "    t.c.rate = (0.5 * t.a - t.c - 0.2) / s\n" \
               "  end,\n" \
               "  sensors = { first = { of = \"a\", noise = 0.5 }, mixed = { of = function(t) return 2 * t.b - t.c end, noise = 0.2 } },\n" \
               "  filter = %s,\n" \
               "}\n"

static Rig open_linear(const char *filter)
{
    char text[1024];
    snprintf(text, sizeof text, LINEAR, filter);
    return rig_open(text, 0.1);
}

static void follow(Rig *rig, int steps)
{
    for (int k = 0; k < steps; k++) {
        predict(rig);
        if (k % 3 == 0)
            correct(rig, 0, random_normal(1, 0, (uint64_t)k), ALL);
        if (k % 5 == 0)
            correct(rig, 1, random_normal(1, 1, (uint64_t)k), ALL);
    }
}

/* Root of the mean square, over 64 ensembles, of how far their means and standard deviations are from Kalman's, in his standard deviations. */
static double distance_to_kalman(int members, const Rig *kalman, int steps)
{
    char filter[64];
    snprintf(filter, sizeof filter, "{ \"ensemble\", members = %d }", members);
    Rig rig = open_linear(filter);
    follow(&rig, steps);
    double squares = 0;
    for (uint16_t i = 0; i < 3; i++)
        for (size_t lane = 0; lane < LANES; lane++) {
            const double sd = sqrt(*cell(kalman, model_covariance(kalman->model, i, i), 0));
            const double mean = (*cell(&rig, i, lane) - *cell(kalman, i, 0)) / sd, width = sqrt(*cell(&rig, model_covariance(rig.model, i, i), lane)) / sd - 1;
            squares += mean * mean + width * width;
        }
    rig_close(&rig);
    return sqrt(squares / (3 * LANES));
}

/* Chance falls with the root of their number: from 16 to 256 members to a quarter. */
START_TEST(more_members_come_closer_to_kalman_by_the_root_of_their_number)
{
    enum { SAMPLED = 31 };
    Rig kalman = open_linear("{ \"extended\" }");
    follow(&kalman, SAMPLED);
    const double few = distance_to_kalman(16, &kalman, SAMPLED), some = distance_to_kalman(64, &kalman, SAMPLED),
                 many = distance_to_kalman(256, &kalman, SAMPLED);
    ck_assert_double_eq_tol(few / some, 2, 0.5);
    ck_assert_double_eq_tol(some / many, 2, 0.5);
    rig_close(&kalman);
}
END_TEST

START_TEST(members_are_drawn_around_the_mean_and_as_wide_as_it_is_uncertain)
{
    Rig rig = open_linear("{ \"ensemble\", members = 256 }");
    correct(&rig, 0, 1, 0);
    double width = 0;
    for (size_t lane = 0; lane < LANES; lane++) {
        double sum = 0;
        for (unsigned m = 0; m < 256; m++)
            sum += deviation(&rig, m, 2, lane);
        ck_assert_double_eq_tol(sum, 0, 1e-11);
        ck_assert_double_eq(*cell(&rig, 2, lane), 0.5);
        width += sample_covariance(&rig, 2, 2, lane) / LANES;
    }
    ck_assert_double_eq_tol(width, 9, 9 * 4 * sqrt(2.0 / 255 / LANES));  // four standard deviations of the mean of so many sample variances
    rig_close(&rig);
}
END_TEST

START_TEST(the_covariance_that_is_shown_is_that_of_the_members)
{
    Rig rig = open_linear("{ \"ensemble\", members = 7, inflation = 1.1 }");
    follow(&rig, 10);
    for (uint16_t i = 0; i < 3; i++)
        for (uint16_t j = i; j < 3; j++)
            for (size_t lane = 0; lane < LANES; lane += 9)
                ck_assert_double_eq(*cell(&rig, model_covariance(rig.model, i, j), lane), sample_covariance(&rig, i, j, lane));
    rig_close(&rig);
}
END_TEST

// --- one sample --------------------------------------------------------------------------------------------------------

/* The square root of Whitaker and Hamill is made so that members have exactly the variance P R / (P + R), and the mean is Kalman's by their own covariances. */
START_TEST(one_sample_leaves_exactly_the_variance_of_kalman)
{
    Rig rig = open_linear("{ \"ensemble\", members = 12 }");
    follow(&rig, 4);
    double p[3][LANES], mean[3][LANES], aa[LANES];
    for (size_t lane = 0; lane < LANES; lane++) {
        aa[lane] = sample_covariance(&rig, 0, 0, lane);
        for (uint16_t i = 0; i < 3; i++) {
            mean[i][lane] = *cell(&rig, i, lane);
            p[i][lane] = sample_covariance(&rig, i, 0, lane);
        }
    }
    correct(&rig, 0, 2.5, ALL);
    for (size_t lane = 0; lane < LANES; lane++) {
        const double s = aa[lane] + 0.25;
        ck_assert_double_eq_tol(*cell(&rig, rig.model->sensors[0].innovation_variance, lane), s, 1e-13 * s);
        ck_assert_double_eq_tol(sample_covariance(&rig, 0, 0, lane), aa[lane] * 0.25 / s, 1e-13 * aa[lane]);
        for (uint16_t i = 0; i < 3; i++)
            ck_assert_double_eq_tol(*cell(&rig, i, lane), mean[i][lane] + p[i][lane] / s * (2.5 - mean[0][lane]), 1e-12);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(lanes_outside_the_mask_keep_their_bits)
{
    enum { KEPT = 7 };
    Rig rig = open_linear("{ \"ensemble\", members = 5, inflation = 1.02 }");
    follow(&rig, 4);
    const size_t kept = rig.model->kept_count;
    double before[1024];
    ck_assert_uint_le(kept, sizeof before / sizeof *before);
    for (uint16_t c = 0; c < kept; c++)
        before[c] = *cell(&rig, c, KEPT);
    correct(&rig, 0, 100, ALL & ~(UINT64_C(1) << KEPT));
    for (uint16_t c = 0; c < kept; c++)
        ck_assert_mem_eq(&before[c], cell(&rig, c, KEPT), sizeof before[c]);
    rig_close(&rig);
}
END_TEST

// --- localisation ------------------------------------------------------------------------------------------------------

START_TEST(the_taper_falls_smoothly_from_one_to_nothing)
{
    ck_assert_double_eq(ensemble_taper(0, 8), 1);
    ck_assert_double_eq_tol(ensemble_taper(4, 8), 5.0 / 24, 1e-15);  // Gaspari and Cohn, 4.10, at c
    ck_assert_double_eq(ensemble_taper(8, 8), 0);
    ck_assert_double_eq(ensemble_taper(9, 8), 0);
    for (double d = 0; d < 8; d += 0.01) {
        ck_assert_double_lt(ensemble_taper(d + 0.01, 8), ensemble_taper(d, 8) + 1e-15);
        ck_assert_double_lt(ensemble_taper(d, 8) - ensemble_taper(d + 0.01, 8), 0.004);
    }
}
END_TEST

#define RING "return model \"ring\" {\n" \
             "  states = { x = { 0, \"1\", sd = 1, count = 12 }, k = { 0, \"1\", sd = 1 } },\n" \
             "  equations = function(t) for i = 1, 12 do t.x[i].rate = 0 end t.k.rate = 0 end,\n" \
             "  sensors = { z = { of = \"x_2\", noise = 1 }, sum = { of = function(t) return t.x[6] + t.x[7] end, noise = 1 } },\n" \
             "  filter = { \"ensemble\", members = 6, localisation = 4%s },\n" \
             "}\n"

/* Which states a sample of a sensor has moved, mean or members. */
static uint32_t moved_by(Rig *rig, uint16_t sensor)
{
    double before[13];
    uint32_t moved = 0;
    correct(rig, sensor, 0, 0);
    for (uint16_t i = 0; i < 13; i++)
        before[i] = *cell(rig, i, 0) + 1e3 * deviation(rig, 0, i, 0);
    correct(rig, sensor, 3, ALL);
    for (uint16_t i = 0; i < 13; i++)
        moved |= (uint32_t)(before[i] != *cell(rig, i, 0) + 1e3 * deviation(rig, 0, i, 0)) << i;
    return moved;
}

static uint32_t states_of(Rig *rig, const char *const *names)
{
    uint32_t states = 0;
    for (; *names; names++)
        states |= UINT32_C(1) << scripts_channel(rig->model, *names)->column;
    return states;
}

static void expect_moved(const char *cyclic, uint16_t sensor, const char *const *names)
{
    char text[1024];
    snprintf(text, sizeof text, RING, cyclic);
    Rig rig = rig_open(text, 1);
    ck_assert_uint_eq(moved_by(&rig, sensor), states_of(&rig, names));
    rig_close(&rig);
}

/* Sensors come in the order of their names: sum, z. What is in no array is near to everything. */
START_TEST(a_sample_moves_what_is_nearer_than_the_radius_and_nothing_else)
{
    expect_moved("", 1, (const char *const[]){"k", "x_1", "x_2", "x_3", "x_4", "x_5", NULL});
    expect_moved(", cyclic = true", 1, (const char *const[]){"k", "x_11", "x_12", "x_1", "x_2", "x_3", "x_4", "x_5", NULL});
    expect_moved("", 0, (const char *const[]){"k", "x_3", "x_4", "x_5", "x_6", "x_7", "x_8", "x_9", "x_10", NULL});
}
END_TEST

// --- behind samples ----------------------------------------------------------------------------------------------------

#define STILL "return model \"still\" { states = { x = { 0, \"1\", sd = 2 }, y = { 0, \"1\", sd = 1 } }, equations = function(t) t.x.rate, t.y.rate = 0, 0 end,\n" \
              "  sensors = { z = { of = \"x\", noise = 1 } }, filter = { \"ensemble\", members = 9, inflation = 1.1%s } }\n"

static Rig open_still(const char *more)
{
    char text[512];
    snprintf(text, sizeof text, STILL, more);
    return rig_open(text, 1);
}

/* The convention of the literature, so that its factors can be typed in: deviations, not variances, once behind the samples of a tick. */
START_TEST(inflation_is_a_factor_on_deviations_behind_a_tick_with_samples)
{
    Rig rig = open_still(", mixing = false");
    predict(&rig);
    correct(&rig, 0, 1, 1);
    correct(&rig, 0, 1, 1);
    const double member = deviation(&rig, 4, 0, 0), other = deviation(&rig, 4, 0, 1);
    predict(&rig);
    ck_assert_double_eq_tol(deviation(&rig, 4, 0, 0), 1.1 * member, 1e-15);
    predict(&rig);
    ck_assert_double_eq_tol(deviation(&rig, 4, 0, 0), 1.1 * member, 1e-15);
    ck_assert_double_eq_tol(deviation(&rig, 4, 0, 1), other, 1e-15);
    rig_close(&rig);
}
END_TEST

START_TEST(mixing_members_leaves_mean_and_covariance)
{
    Rig rig = open_still("");
    predict(&rig);
    correct(&rig, 0, 1, ALL);
    const double mean = *cell(&rig, 0, 3), member = deviation(&rig, 4, 0, 3), xx = sample_covariance(&rig, 0, 0, 3), xy = sample_covariance(&rig, 0, 1, 3);
    predict(&rig);
    ck_assert_double_gt(fabs(deviation(&rig, 4, 0, 3) / member - 1.1), 1e-3);
    ck_assert_double_eq_tol(*cell(&rig, 0, 3), mean, 1e-14);
    ck_assert_double_eq_tol(sample_covariance(&rig, 0, 0, 3), 1.21 * xx, 1e-14);
    ck_assert_double_eq_tol(sample_covariance(&rig, 0, 1, 3), 1.21 * xy, 1e-14);
    rig_close(&rig);
}
END_TEST

// --- what else a filter must keep ----------------------------------------------------------------------------------------

#define TANK "return model \"tank\" {\n" \
             "  params = { leak = { 0.3, \"s^-1\", min = 0, estimate = 1e-3, sd = 0.1, jump = 2 }, error = { 0, \"1\", estimate = 0, sd = 0.1 } },\n" \
             "  states = { level = { 0.2, \"1\", min = 0, max = 1, noise = 0.4, sd = 0.3 } },\n" \
             "  equations = function(t) t.level.rate = -t.leak * t.level end,\n" \
             "  sensors = { z = { of = function(t) return t.level + t.error end, noise = 0.3 } },\n" \
             "  filter = { \"ensemble\", members = 11, inflation = 1.5 },\n" \
             "}\n"

static void expect_within(const Rig *rig, const char *name, double low, double high)
{
    const uint16_t state = scripts_channel(rig->model, name)->column;
    for (size_t lane = 0; lane < LANES; lane++)
        for (unsigned m = 0; m < rig->model->ensemble.members; m++) {
            const double value = *cell(rig, state, lane) + deviation(rig, m, state, lane);
            ck_assert_msg(value > low - 1e-15 && value < high + 1e-15, "%s of member %u is %.17g", name, m, value);
        }
}

START_TEST(every_member_is_projected_on_the_limits)
{
    Rig rig = rig_open(TANK, 1);
    for (int k = 0; k < 60; k++) {
        predict(&rig);
        expect_within(&rig, "level", 0, 1);
        correct(&rig, 0, k % 20 < 10 ? -2 : 3, ALL);
        expect_within(&rig, "level", 0, 1);
        expect_within(&rig, "leak", 0, INFINITY);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(a_parameter_that_does_not_jump_stands_still_while_frozen)
{
    Rig rig = rig_open(TANK, 1);
    predict(&rig);
    const double error = *named(&rig, "error", 0), leak = *named(&rig, "leak", 0);
    *cell(&rig, rig.model->frozen, 0) = 1;
    correct(&rig, 0, 3, ALL);
    ck_assert_double_eq(*named(&rig, "error", 0), error);
    ck_assert_double_ne(*named(&rig, "leak", 0), leak);
    ck_assert_double_ne(*named(&rig, "error", 1), error);
    rig_close(&rig);
}
END_TEST

START_TEST(what_is_opened_has_exactly_the_deviation_that_was_asked_for)
{
    static const char text[] = "return model \"open\" { params = { k = { 5, \"1\", estimate = 0, sd = 0.1, jump = 2 } }, states = { x = { 0, \"1\", sd = 1 } },\n"
                               "  equations = function(t) t.x.rate = 0 end, sensors = { z = { of = \"x\", noise = 1 } }, filter = { \"ensemble\", members = 8 } }\n";
    Rig rig = rig_open(text, 1);
    predict(&rig);
    const uint16_t k = scripts_channel(rig.model, "k")->column;
    const double other = deviation(&rig, 3, k, 6), mean = *cell(&rig, k, 5);
    model_open(rig.model, rig.columns, 5, k, 2);
    ck_assert_double_eq(variance(&rig, "k", 5), 4);
    ck_assert_double_eq_tol(sample_covariance(&rig, k, k, 5), 4, 1e-13);
    ck_assert_double_eq(*cell(&rig, k, 5), mean);
    ck_assert_double_eq(deviation(&rig, 3, k, 6), other);
    rig_close(&rig);
}
END_TEST

/* P becomes D P D, in the members and in the columns that they are told from; D is 1 but for one value. */
START_TEST(what_is_scaled_keeps_its_correlations)
{
    static const char text[] = "return model \"scaled\" { states = { x = { 0, \"1\", sd = 1, noise = 0.1 }, y = { 1, \"1\", sd = 2 } },\n"
                               "  equations = function(t) t.x.rate, t.y.rate = (t.y - t.x) / quantity(1, \"s\"), 0 end, sensors = { z = { of = \"x\", noise = 1 } }%s }\n";
    static const char *const filters[] = {"", ", filter = { \"ensemble\", members = 8 }"};
    for (size_t i = 0; i < 2; i++) {
        char script[512];
        snprintf(script, sizeof script, text, filters[i]);
        Rig rig = rig_open(script, 1);
        predict(&rig);
        model_settle(rig.model, rig.columns);
        const double xx = *cell(&rig, model_covariance(rig.model, 0, 0), 5), xy = *cell(&rig, model_covariance(rig.model, 0, 1), 5),
                     yy = *cell(&rig, model_covariance(rig.model, 1, 1), 5), other = *cell(&rig, model_covariance(rig.model, 0, 0), 6), mean = *named(&rig, "x", 5);
        ck_assert_double_ne(xy, 0);
        model_scale(rig.model, rig.columns, 5, 0, 3);
        for (int settled = 0; settled < 2; settled++) {
            ck_assert_double_eq_tol(*cell(&rig, model_covariance(rig.model, 0, 0), 5), 9 * xx, 1e-12 * xx);
            ck_assert_double_eq_tol(*cell(&rig, model_covariance(rig.model, 0, 1), 5), 3 * xy, 1e-12 * fabs(xy));
            ck_assert_double_eq(*cell(&rig, model_covariance(rig.model, 1, 1), 5), yy);
            ck_assert_double_eq(*cell(&rig, model_covariance(rig.model, 0, 0), 6), other);
            ck_assert_double_eq(*named(&rig, "x", 5), mean);
            model_settle(rig.model, rig.columns);  // told from the members again
        }
        rig_close(&rig);
    }
}
END_TEST

/* P becomes P + e e', in the members and in the columns that they are told from. */
START_TEST(what_is_widened_has_the_covariance_of_the_closed_form)
{
    static const char text[] = "return model \"wide\" { params = { k = { 5, \"1\", estimate = 0, sd = 0.1, jump = 2 } }, states = { x = { 0, \"1\", sd = 1 }, y = { 1, \"1\", sd = 2 } },\n"
                               "  equations = function(t) t.x.rate, t.y.rate = 0, 0 end, sensors = { z = { of = \"x\", noise = 1 } }, filter = { \"ensemble\", members = 8 } }\n";
    static const double direction[] = {3, 0, -2};
    Rig rig = rig_open(text, 1);
    predict(&rig);
    double before[3][3];
    for (uint16_t i = 0; i < 3; i++)
        for (uint16_t j = 0; j < 3; j++)
            before[i][j] = sample_covariance(&rig, rig.model->channels[i].column, rig.model->channels[j].column, 5);
    const double mean = *cell(&rig, rig.model->channels[0].column, 5), other = deviation(&rig, 3, rig.model->channels[0].column, 6);
    model_widen(rig.model, rig.columns, 5, direction);
    model_settle(rig.model, rig.columns);
    for (uint16_t i = 0; i < 3; i++)
        for (uint16_t j = 0; j < 3; j++)
            ck_assert_double_eq_tol(*cell(&rig, model_covariance(rig.model, i, j), 5), before[i][j] + direction[i] * direction[j], 1e-4);
    ck_assert_double_eq(*cell(&rig, rig.model->channels[0].column, 5), mean);
    ck_assert_double_eq(deviation(&rig, 3, rig.model->channels[0].column, 6), other);
    rig_close(&rig);
}
END_TEST

/* A relay that falls at 1 and rises at 0: each member switches when it gets there itself, and none by what another remembers. */
START_TEST(each_member_has_events_of_its_own)
{
    static const char text[] = "return model \"relay\" { states = { x = { 0.5, \"1\", sd = 0.3 }, up = { 1, \"1\" } },\n"
                               "  equations = function(t)\n"
                               "    t.x.rate, t.up.rate = (2 * t.up - 1) / quantity(10, \"s\"), 0\n"
                               "    event(above(t.x, 1), { up = 0 })\n"
                               "    event(below(t.x, 0), { up = 1 })\n"
                               "  end, sensors = { z = { of = \"x\", noise = 1 } }, filter = { \"ensemble\", members = 16 } }\n";
    Rig rig = rig_open(text, 1);
    bool apart = false;
    for (int k = 0; k < 100; k++) {
        predict(&rig);
        for (unsigned m = 0; m < 16 && k > 10; m++) {
            const double x = *named(&rig, "x", 0) + deviation(&rig, m, scripts_channel(rig.model, "x")->column, 0);
            const double up = *named(&rig, "up", 0) + deviation(&rig, m, scripts_channel(rig.model, "up")->column, 0);
            ck_assert_msg(fabs(up) < 1e-9 || fabs(up - 1) < 1e-9, "member %u is half up: %g", m, up);
            ck_assert_msg(x > -0.21 && x < 1.21, "member %u has got to %g", m, x);
        }
        apart |= *named(&rig, "up", 0) > 0.1 && *named(&rig, "up", 0) < 0.9;
    }
    ck_assert(apart);
    rig_close(&rig);
}
END_TEST

/* While members step, what a delay gives back is for all of them the same. */
START_TEST(members_see_one_delayed_value)
{
    static const char text[] = "return model \"line\" { inputs = { u = { 1, \"1\" } }, states = { x = { 0, \"1\", sd = 1 } },\n"
                               "  equations = function(t) t.x.rate = (delay(t.u, 3, \"u_late\") - t.x) / quantity(5, \"s\") end,\n"
                               "  sensors = { z = { of = \"x\", noise = 1 } }, filter = { \"%s\" } }\n";
    Rig rigs[2];
    const char *const kinds[] = {"ensemble", "extended"};
    for (int i = 0; i < 2; i++) {
        char script[512];
        snprintf(script, sizeof script, text, kinds[i]);
        rigs[i] = rig_open(script, 1);
        delay_start(rigs[i].model, rigs[i].columns, &rigs[i].scratch);
        for (int k = 0; k < 12; k++) {
            for (size_t lane = 0; lane < LANES; lane++)
                named(&rigs[i], "u", 0)[lane] = k;
            delay_turn(rigs[i].model, rigs[i].columns, ALL, &rigs[i].scratch);
            predict(&rigs[i]);
        }
    }
    ck_assert_double_eq_tol(*named(&rigs[0], "x", 0), *named(&rigs[1], "x", 0), 1e-13);  // a linear model: the mean is Kalman's
    rig_close(&rigs[0]);
    rig_close(&rigs[1]);
}
END_TEST

// --- scripts -----------------------------------------------------------------------------------------------------------

static void refuse(const char *filter, const char *expected)
{
    char text[512];
    Model *model;
    ErrText why;
    snprintf(text, sizeof text, "return model \"still\" {\n  states = { x = { 0, \"1\" } },\n  equations = function(t) t.x.rate = 0 end,\n"
             "  filter = %s,\n}\n", filter);
    const char *path = scripts_write("model.lua", text);
    ck_assert_int_eq(model_load(path, 1, &model, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 4, expected);
}

START_TEST(filters_that_cannot_be_are_refused_with_their_line)
{
    refuse("'ensemble'", "must be a table, as in filter = { \"ensemble\" }, got string");
    refuse("{ 'unscented' }", "must be \"extended\" or \"ensemble\", got \"unscented\"");
    refuse("{ 'ensemble', members = 2 }", "a whole number from 3 to 256, got 2");
    refuse("{ 'ensemble', members = 7.5 }", "a whole number from 3 to 256, got 7.5");
    refuse("{ 'ensemble', members = 0/0 }", "is not a number (NaN)");
    refuse("{ 'ensemble', inflation = 0.9 }", "expected 1 to 10, a factor on standard deviations");
    refuse("{ 'ensemble', localisation = 4 }", "this model has none");
    refuse("{ 'ensemble', cyclic = true }", "which is not there");
    refuse("{ 'ensemble', size = 3 }", "unknown key \"size\"");
    refuse("{ 'extended', members = 20 }", "unknown key \"members\"");
}
END_TEST

START_TEST(a_step_function_has_no_ensemble)
{
    static const char text[] = "return model \"still\" {\n  states = { x = { 0, \"1\" } },\n  step = function(self, dt) self.x = self.x end,\n"
                               "  filter = { 'ensemble' },\n}\n";
    Model *model;
    ErrText why;
    const char *path = scripts_write("model.lua", text);
    ck_assert_int_eq(model_load(path, 1, &model, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 4, "a step function is followed by the extended filter");
}
END_TEST

START_TEST(failing_memory_is_survived)
{
    char text[1024];
    snprintf(text, sizeof text, RING, "");
    scripts_survive_failing_memory(scripts_write("model.lua", text));
}
END_TEST

KIT_MAIN("model.ensemble", more_members_come_closer_to_kalman_by_the_root_of_their_number,
         members_are_drawn_around_the_mean_and_as_wide_as_it_is_uncertain, the_covariance_that_is_shown_is_that_of_the_members,
         one_sample_leaves_exactly_the_variance_of_kalman, lanes_outside_the_mask_keep_their_bits, the_taper_falls_smoothly_from_one_to_nothing,
         a_sample_moves_what_is_nearer_than_the_radius_and_nothing_else, inflation_is_a_factor_on_deviations_behind_a_tick_with_samples,
         mixing_members_leaves_mean_and_covariance, every_member_is_projected_on_the_limits, a_parameter_that_does_not_jump_stands_still_while_frozen,
         what_is_opened_has_exactly_the_deviation_that_was_asked_for, what_is_scaled_keeps_its_correlations,
         what_is_widened_has_the_covariance_of_the_closed_form, each_member_has_events_of_its_own, members_see_one_delayed_value,
         filters_that_cannot_be_are_refused_with_their_line, a_step_function_has_no_ensemble, failing_memory_is_survived)
