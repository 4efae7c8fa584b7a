/* A walk that is measured with noise: how far off forecast and persistence are, and how often a sample lies within a band, have closed forms. */
#include "app/backtest.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "kit/kit.h"

enum { SECONDS = 12000, EVERY = 10, AHEAD = 5 };
static const double WANDER = 0.3, NOISE = 1;
static const int64_t START = 1600000000;

static char path[4][512];

static const char *write_file(size_t index, const char *name, const char *text)
{
    snprintf(path[index], sizeof path[index], "%s/%s", kit_folder(), name);
    FILE *file = fopen(path[index], "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path[index];
}

static const char *write_plant(void)
{
    write_file(0, "drunk.lua",
               "return model 'drunk' { inputs = { u = { 0, '1' } }, states = { x = { 0, '1', noise = 0.3, sd = 1 } },\n"
               "  equations = function(t) t.x.rate = t.u / quantity(1, 's') end, sensors = { eye = { of = 'x', noise = 1, every = 1 } } }\n");
    return write_file(1, "walks.lua",
                      "return plant 'walks' { step = 0.125, clock = 'provider', assets = { w = { 'drunk' } },\n"
                      "  tape = { time = 'time', columns = { ['w.eye'] = { 'eye' }, ['w.u'] = { 'u' } } } }\n");
}

/* The walk is moved by `push`, which the input tells, or not. */
static const char *write_tape(double wander, double noise, double (*push)(int second), bool told)
{
    snprintf(path[2], sizeof path[2], "%s/walk.csv", kit_folder());
    FILE *file = fopen(path[2], "w");
    ck_assert_ptr_nonnull(file);
    fputs("time,eye,u\n", file);
    double x = 0;
    for (int i = 0; i < SECONDS; i++) {
        fprintf(file, "%lld,%.17g,%.17g\n", (long long)START + i, x + noise * random_normal(1, 1, (uint64_t)i), told ? push(i) : 0);
        x += push(i) + wander * random_normal(1, 2, (uint64_t)i);
    }
    fclose(file);
    return path[2];
}

static double no_push(int second)
{
    (void)second;
    return 0;
}

static double swing(int second)
{
    return second / 20 % 2 ? 1 : -1;
}

static Backtest run(const BacktestDef *def)
{
    Backtest backtest;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    if (backtest_run(def, &backtest, &why))
        ck_abort_msg("%s", why.text);
    return backtest;
}

/* Stationary, the filter's variance solves P = (P + q) r / (P + q + r). A sample h steps on has the variance P + q h + r about the forecast, and
 * q h + 2 r about the last sample. A band of 400 members holds 399 / 401 of what it says. */
START_TEST(a_forecast_of_a_walk_errs_as_it_says)
{
    const BacktestDef def = {.plant = write_plant(), .tape = write_tape(WANDER, NOISE, no_push, true), .horizons = {AHEAD}, .horizon_count = 1, .every = EVERY,
                             .members = 400, .threads = 1, .uncorrected = true};
    Backtest backtest = run(&def);
    ck_assert_uint_eq(backtest.sensor_count, 1);
    const HorizonScore *score = &backtest.sensors[0].scores[0];
    const double n = (double)score->count, q = WANDER * WANDER, r = NOISE * NOISE, p = (sqrt(q * q + 4 * q * r) - q) / 2;
    ck_assert_double_gt(n, 0.95 * SECONDS / EVERY);
    const double sd = sqrt(p + q * AHEAD + r), sure = 5 * sqrt(2 / n);
    ck_assert_double_eq_tol(score->squares / n / (sd * sd), 1, sure);
    ck_assert_double_eq_tol(score->persistent_squares / n / (q * AHEAD + 2 * r), 1, sure);
    ck_assert_double_eq_tol((double)score->within_50 / n, 0.5 * 399 / 401, 5 * sqrt(0.25 / n));
    ck_assert_double_eq_tol((double)score->within_90 / n, 0.9 * 399 / 401, 5 * sqrt(0.09 / n));
    ck_assert_double_eq_tol(score->crps / n, sd / sqrt(M_PI), sd * 5 * 0.5 / sqrt(n));  // of a Gaussian, in the mean over its own truths
    backtest_fini(&backtest);
}
END_TEST

static double unseen(int second)
{
    (void)second;
    return 0.06;
}

/* How much larger the squares of the errors are when nothing is learnt from them. */
static double worth_of_learning(double (*push)(int second))
{
    BacktestDef def = {.plant = write_plant(), .tape = write_tape(WANDER, NOISE, push, false), .horizons = {AHEAD}, .horizon_count = 1, .every = EVERY,
                       .members = 50, .threads = 1};
    Backtest learns = run(&def);
    def.uncorrected = true;
    Backtest repeats = run(&def);
    const double worth = repeats.sensors[0].scores[0].squares / learns.sensors[0].scores[0].squares;
    backtest_fini(&repeats);
    backtest_fini(&learns);
    return worth;
}

/* A push that nobody tells the model is an error of one sign, some 0.4 of its standard deviation: learnt, it leaves the squares that chance has. Where there
 * is none the mean of the last errors is off by chance alone, which with their weight of some 29 adds a thirtieth. */
START_TEST(an_error_of_one_sign_is_learnt_and_chance_costs_little)
{
    ck_assert_double_gt(worth_of_learning(unseen), 1.05);
    ck_assert_double_gt(worth_of_learning(no_push), 0.93);
}
END_TEST

START_TEST(inputs_of_the_tape_are_known_to_a_forecast_that_follows_it_alone)
{
    BacktestDef def = {.plant = write_plant(), .tape = write_tape(0, 0.01, swing, true), .horizons = {4, 15}, .horizon_count = 2, .every = 7, .members = 50,
                       .threads = 1, .inputs = BACKTEST_TAPE};
    Backtest follows = run(&def);
    def.inputs = BACKTEST_HELD;
    Backtest held = run(&def);
    for (size_t h = 0; h < 2; h++)
        ck_assert_double_gt(held.sensors[0].scores[h].squares, 5 * follows.sensors[0].scores[h].squares);
    backtest_fini(&held);
    backtest_fini(&follows);
}
END_TEST

/* An event from 5,000 s to 9,000 s: no forecast is made that reaches into it, nor for 1,000 s behind. */
START_TEST(forecasts_that_meet_an_event_are_left_out)
{
    char text[128];
    snprintf(text, sizeof text, "time,event\n%lld,opened\n%lld,closed\n", (long long)START + 5000, (long long)START + 9000);
    BacktestDef def = {.plant = write_plant(), .tape = write_tape(WANDER, NOISE, no_push, true), .horizons = {AHEAD}, .horizon_count = 1, .every = EVERY,
                       .members = 2, .threads = 1};
    Backtest all = run(&def);
    def.events = write_file(3, "events.csv", text);
    def.aftermath = 1000 * NS_PER_S;
    Backtest calm = run(&def);
    ck_assert_double_eq_tol((double)(all.forecasts - calm.forecasts), 5000.0 / EVERY, 3);
    backtest_fini(&calm);
    backtest_fini(&all);
}
END_TEST

KIT_MAIN("app.backtest", a_forecast_of_a_walk_errs_as_it_says, an_error_of_one_sign_is_learnt_and_chance_costs_little, inputs_of_the_tape_are_known_to_a_forecast_that_follows_it_alone,
         forecasts_that_meet_an_event_are_left_out)
