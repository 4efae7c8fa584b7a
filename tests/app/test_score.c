/* A pipe with a lag of 5 s and an inflow that swings once in 20 s: what follows from every way to look at the inflow has a closed form. */
#include "app/score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"

static const double LAG = 5, PERIOD = 20, APART = 3, STEP = 0.1;
static const double OMEGA = 2 * M_PI / PERIOD;
static const int64_t START = 1600000000 * NS_PER_S;

/* How the pipe passes the swing on. */
static double gain(void)
{
    return 1 / hypot(1, OMEGA * LAG);
}

static double inflow(double t)
{
    return sin(OMEGA * t);
}

static double level(double t)
{
    return gain() * sin(OMEGA * t - atan(OMEGA * LAG));
}

static char path[2][512];

static const char *write_plant(void)
{
    snprintf(path[0], sizeof path[0], "%s/pipe.lua", kit_folder());
    FILE *file = fopen(path[0], "w");
    ck_assert_ptr_nonnull(file);
    fputs("return model 'pipe' {\n"
          "  params = { lag = { 5, 's' } }, inputs = { inflow = { 0, '1' } }, states = { level = { 0, '1', noise = 0.1, sd = 1 } },\n"
          "  equations = function(t) t.level.rate = (t.inflow - t.level) / t.lag end,\n"
          "  sensors = { gauge = { of = 'level', noise = 0.01, every = 1 } },\n"
          "}\n",
          file);
    fclose(file);
    snprintf(path[0], sizeof path[0], "%s/pipes.lua", kit_folder());
    file = fopen(path[0], "w");
    ck_assert_ptr_nonnull(file);
    fputs("return plant 'pipes' {\n  step = 0.1, clock = 'provider', assets = { a = { 'pipe' } },\n"
          "  tape = { time = 'time', columns = { ['a.gauge'] = { 'level', time = 'level time' }, ['a.inflow'] = { 'inflow' } } },\n}\n",
          file);
    fclose(file);
    return path[0];
}

/* When the level is measured, at the ends of ticks and in all phases of the inflow's samples: in the middle of the recording alone, when the start
 * is forgotten, and where the window of band-limited inputs is full. */
static const double FROM = 100, TO = 800, EVERY = 0.7;

/* How many of these times lie within [from, to]. */
static size_t count_measured(double from, double to)
{
    size_t count = 0;
    for (int i = 0; FROM + i * EVERY < TO; i++)
        count += FROM + i * EVERY >= from && FROM + i * EVERY <= to;
    return count;
}

/* 900 s of the inflow, a sample every 3 s. */
static const char *write_tape(void)
{
    snprintf(path[1], sizeof path[1], "%s/tape.csv", kit_folder());
    FILE *file = fopen(path[1], "w");
    ck_assert_ptr_nonnull(file);
    fputs("time,inflow,level time,level\n", file);
    for (int i = 0; i < 300; i++)
        fprintf(file, "%lld,%.17g,,\n", (long long)(START + llround(i * APART * 1e9)), inflow(i * APART));
    for (int i = 0; FROM + i * EVERY < TO; i++)
        fprintf(file, ",,%lld,%.17g\n", (long long)(START + llround((FROM + i * EVERY) * 1e9) - 1), level(FROM + i * EVERY));
    fclose(file);
    return path[1];
}

static Score score_of(const char *between)
{
    Score score;
    ErrText why = {""};
    const ScoreDef def = {.plant = write_plant(), .tape = write_tape(), .between = between, .threads = 1};
    ck_assert_msg(score_recording(&def, &score, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(score.sensor_count, 1);
    ck_assert_uint_eq(score.sensors[0].simulated.count, count_measured(FROM, TO));
    return score;
}

static double simulated_error(const char *between)
{
    Score score = score_of(between);
    const double rms = accuracy_rms(&score.sensors[0].simulated);
    printf("inflow every %g s, %s: simulation RMSE %.5f\n", APART, between, rms);
    score_fini(&score);
    return rms;
}

/* A staircase has the swing sinc(x) times, x being half the angle between two samples, and late by that; and by the step in which a sample waits to act. */
START_TEST(a_held_input_is_late_by_half_an_interval_and_a_step)
{
    const double x = OMEGA * APART / 2, late = x + OMEGA * STEP, size = sin(x) / x;
    const double expected = gain() * sqrt((1 + size * size - 2 * size * cos(late)) / 2);
    ck_assert_double_eq_tol(simulated_error("hold"), expected, 0.05 * expected);
}
END_TEST

/* Straight lines have the swing sinc^2 times, and in time. */
START_TEST(straight_lines_only_flatten_an_input)
{
    const double x = OMEGA * APART / 2, size = pow(sin(x) / x, 2), expected = gain() * (1 - size) / sqrt(2);
    ck_assert_double_eq_tol(simulated_error("linear"), expected, 0.05 * expected);
}
END_TEST

START_TEST(band_limited_inputs_leave_an_error_of_1e_4)
{
    ck_assert_double_lt(simulated_error("band"), 1e-4);
}
END_TEST

/* The level, being exact, says what the inflow did not. */
START_TEST(correction_makes_up_for_what_the_inputs_leave_out)
{
    Score score = score_of("hold");
    ck_assert_double_lt(accuracy_rms(&score.sensors[0].one_step[SPAN_ALL]), accuracy_rms(&score.sensors[0].simulated));
    ck_assert_uint_eq(score.overtaken, 0);
    score_fini(&score);
}
END_TEST

static Err score_events(const char *events, ErrText *why)
{
    char file_name[512];
    snprintf(file_name, sizeof file_name, "%s/events.csv", kit_folder());
    FILE *file = fopen(file_name, "w");
    ck_assert_ptr_nonnull(file);
    fputs(events, file);
    fclose(file);
    Score score;
    const ScoreDef def = {.plant = write_plant(), .tape = write_tape(), .events = file_name, .threads = 1};
    const Err err = score_recording(&def, &score, why);
    score_fini(&score);
    return err;
}

START_TEST(events_that_make_no_pairs_or_happen_to_nobody_are_refused)
{
    ErrText why;
    ck_assert_int_eq(score_events("time,event\n1600000100,leak\n", &why), ERR_PARSE);
    ck_assert_ptr_nonnull(strstr(why.text, "\"leak\" has no end"));
    ck_assert_int_eq(score_events("time,event,twin\n1600000100,leak,b\n1600000200,mended,b\n", &why), ERR_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(why.text, "the plant has no twin \"b\""));
    ck_assert_int_eq(score_events("time,event,cause\n1600000100,leak,weather\n1600000200,mended,\n", &why), ERR_PARSE);
    ck_assert_ptr_nonnull(strstr(why.text, "expected the cause process, sensor or silence, got \"weather\""));
    ck_assert_int_eq(score_events("time,event,twin,cause\n1600000100,leak,a,process\n"
                                  "1600000150,storm,,\n1600000200,mended,a,\n1600000210,calm,,\n", &why), ERR_OK);
}
END_TEST

START_TEST(a_recording_without_a_sample_is_refused)
{
    char file_name[512];
    snprintf(file_name, sizeof file_name, "%s/empty.csv", kit_folder());
    FILE *file = fopen(file_name, "w");
    ck_assert_ptr_nonnull(file);
    fputs("time,inflow,level time,level\n1600000000,,,\n", file);
    fclose(file);
    Score score;
    ErrText why;
    const ScoreDef def = {.plant = write_plant(), .tape = file_name, .threads = 1};
    ck_assert_int_eq(score_recording(&def, &score, &why), ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(why.text, "empty.csv: there is no sample"));
    score_fini(&score);
}
END_TEST

START_TEST(what_happened_and_what_came_behind_it_is_left_out_of_the_errors)
{
    char file_name[512];
    snprintf(file_name, sizeof file_name, "%s/events.csv", kit_folder());
    FILE *file = fopen(file_name, "w");
    ck_assert_ptr_nonnull(file);
    fputs("time,event\n1600000301,begins\n1600000401,ends\n", file);
    fclose(file);
    Score score;
    ErrText why;
    const ScoreDef def = {.plant = write_plant(), .tape = write_tape(), .events = file_name, .threads = 1};
    ck_assert_msg(score_recording(&def, &score, &why) == ERR_OK, "%s", why.text);
    const SensorScore *gauge = &score.sensors[0];

    const size_t all = count_measured(FROM, TO), outside = all - count_measured(301, 401), calm = all - count_measured(301, 401 + 180);
    ck_assert_uint_eq(gauge->one_step[SPAN_ALL].count, all);
    ck_assert_uint_eq(gauge->one_step[SPAN_OUTSIDE].count, outside);
    ck_assert_uint_eq(gauge->one_step[SPAN_CALM].count, calm);
    ck_assert_uint_eq(gauge->simulated.count, calm);
    ck_assert_uint_eq(score.judgement.missed, 1);
    score_fini(&score);
}
END_TEST

KIT_MAIN("app.score", a_held_input_is_late_by_half_an_interval_and_a_step, straight_lines_only_flatten_an_input,
         band_limited_inputs_leave_an_error_of_1e_4,
         correction_makes_up_for_what_the_inputs_leave_out, events_that_make_no_pairs_or_happen_to_nobody_are_refused, a_recording_without_a_sample_is_refused,
         what_happened_and_what_came_behind_it_is_left_out_of_the_errors)
