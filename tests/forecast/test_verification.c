/* Promises are held against samples, and what follows for the next forecast has closed forms. */
#include "forecast/verification.h"

#include "base/random.h"
#include "forecast/ahead.h"

enum { EVERY = 10, LEAD = 100 };

typedef struct Trial {
    Plant *plant;
    Sync *sync;
    Verification *verification;
    TagId probe;
    double mean, sd;  // of what each forecast says of x
    Forecast forecast;
    ForecastSeries series;
    ForecastCase what;
    double times[1], raw_mean[1], raw_sd[1];
    int64_t now;
} Trial;

static void begin(Trial *trial)
{
    static const double leads[] = {LEAD};
    static const uint32_t twins[] = {0};
    *trial = (Trial){.plant = ahead_plant("w = { 'walk' }", ""), .times = {LEAD}, .now = NS_PER_S * 1600000000};
    ck_assert_int_eq(sync_create(trial->plant, &trial->sync), ERR_OK);
    ck_assert_int_eq(verification_create(trial->plant, twins, 1, leads, 1, EVERY, &trial->verification), ERR_OK);
    trial->probe = tags_find(trial->plant->tags, "w.probe");
    trial->series = (ForecastSeries){.tag = trial->probe, .raw_mean = trial->raw_mean, .raw_sd = trial->raw_sd};
    trial->what.series = &trial->series;
    trial->forecast = (Forecast){.plant = trial->plant, .times = trial->times, .time_count = 1, .series_count = 1, .cases = &trial->what, .case_count = 1};
}

static void end(Trial *trial)
{
    verification_destroy(trial->verification);
    sync_destroy(trial->sync);
    plant_destroy(trial->plant);
}

/* A forecast of N(mean, sd) from now, and the sample of now. */
static void step(Trial *trial, double mean, double sd, double sample)
{
    const Filed filed = {.sample = {.tag = trial->probe, .time = trial->now, .value = sample}};
    trial->raw_mean[0] = mean;
    trial->raw_sd[0] = sd;
    trial->forecast.time = trial->now;
    verification_meet(trial->verification, trial->plant, trial->sync, (Batch){&filed, 1});
    verification_promise_all(trial->verification, &trial->forecast);
    trial->now += EVERY * NS_PER_S;
}

static Lesson learnt(const Trial *trial)
{
    static const uint32_t twins[] = {0};
    Fork *fork;
    ErrText why;
    ck_assert_int_eq(fork_take(trial->plant, trial->now, twins, 1, &fork, &why), ERR_OK);
    ck_assert_uint_eq(fork->lesson_count, 0);
    verification_teach(trial->verification, fork);
    ck_assert_uint_eq(fork->lesson_count, 1);
    const Lesson lesson = fork->lessons[0];
    fork_destroy(fork);
    return lesson;
}

static Correction corrects(const Trial *trial, double sd)
{
    const Lesson lesson = learnt(trial);
    return lesson_correct(&lesson, LEAD, sd);
}

START_TEST(nothing_is_learnt_before_the_first_sample_of_a_lead_has_come)
{
    Trial trial;
    begin(&trial);
    for (int i = 0; i < LEAD / EVERY; i++)
        step(&trial, 0, 3, 50);
    const Correction correction = corrects(&trial, 3);
    ck_assert_double_eq(correction.shift, 0);
    ck_assert_double_eq_tol(correction.stretch, 1, 1e-12);
    end(&trial);
}
END_TEST

/* Each reading is four (with the sensor's own noise of 1) standard deviations above: with k of them met, all of weight 2^(-0.1) to the one behind,
 * and a prior that makes them ten, the bias is 4 W / max(W, 10). */
START_TEST(a_forecast_that_errs_one_way_is_shifted)
{
    Trial trial;
    begin(&trial);
    const double sd = sqrt(3.0 * 3 + 1), kept = exp2(-(double)EVERY / LEAD);
    double weight = 0, prior = VERIFICATION_PRIOR;
    for (int i = 0; i < 200; i++) {
        step(&trial, 7, 3, 7 + 4 * sd);
        if (i >= LEAD / EVERY) {
            const double faded = weight == 0 ? 1 : kept;
            weight = weight * faded + 1;
            prior = fmax(prior * faded, VERIFICATION_PRIOR - weight);
        }
        const Lesson lesson = learnt(&trial);
        ck_assert_double_eq_tol(lesson.bias[0], 4 * weight / (weight + prior), 1e-9);
    }
    const Correction correction = corrects(&trial, 3);
    ck_assert_double_eq_tol(correction.shift, 4 * sd, 0.01);
    ck_assert_double_le(correction.stretch, 0.01);  // it was off by the same every time
    end(&trial);
}
END_TEST

/* Errors of twice the standard deviation that was said. With a half-life of ten errors some 29 count, so the share is known to 2 / sqrt(2 * 29). */
START_TEST(a_forecast_that_is_too_sure_is_stretched)
{
    Trial trial;
    begin(&trial);
    double mean = 0;
    const int count = 2000, from = 200;
    for (int i = 0; i < count; i++) {
        step(&trial, 0, 100, 2 * hypot(100, 1) * random_normal(7, 1, (uint64_t)i));
        if (i >= from)
            mean += corrects(&trial, 100).stretch / (count - from);
    }
    ck_assert_double_eq_tol(mean, 2, 0.1);
    end(&trial);
}
END_TEST

/* After a thousand half-lives without a sample the prior stands for nine of ten errors. */
START_TEST(what_was_learnt_long_ago_is_forgotten)
{
    Trial trial;
    begin(&trial);
    for (int i = 0; i < 100; i++)
        step(&trial, 0, 3, 40);
    trial.now += INT64_C(1000) * LEAD * NS_PER_S;
    step(&trial, 0, 3, 0);
    trial.now += (LEAD - EVERY) * NS_PER_S;
    step(&trial, 0, 3, 0);
    const Lesson lesson = learnt(&trial);
    ck_assert_double_eq_tol(lesson.bias[0], 0, 1e-9);
    ck_assert_double_eq_tol(lesson.variance[0], 0.9, 1e-9);
    end(&trial);
}
END_TEST

START_TEST(a_sample_that_comes_too_late_or_is_bad_judges_nothing)
{
    Trial trial;
    begin(&trial);
    step(&trial, 0, 3, 0);
    trial.now += 2 * LEAD * NS_PER_S;  // the probe is expected at every step
    step(&trial, 0, 3, 40);
    ck_assert_double_eq(learnt(&trial).bias[0], 0);

    trial.now += (LEAD - EVERY) * NS_PER_S;
    const Filed bad = {.sample = {.tag = trial.probe, .time = trial.now, .value = 40, .quality = QUALITY_UNCERTAIN}};
    verification_meet(trial.verification, trial.plant, trial.sync, (Batch){&bad, 1});
    ck_assert_double_eq(learnt(&trial).bias[0], 0);
    end(&trial);
}
END_TEST

START_TEST(between_two_leads_a_lesson_holds_in_proportion)
{
    const Lesson lesson = {.lead_count = 2, .leads = {10, 30}, .bias = {1, 3}, .variance = {2, 4}};
    const struct { double lead, bias, variance; } expected[] = {{0, 0, 1}, {5, 0.5, 1.5}, {10, 1, 2}, {20, 2, 3}, {30, 3, 4}, {1000, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const Correction correction = lesson_correct(&lesson, expected[i].lead, 5);
        ck_assert_double_eq_tol(correction.shift, 5 * expected[i].bias, 1e-12);
        ck_assert_double_eq_tol(correction.stretch, sqrt(expected[i].variance), 1e-12);
    }
    ck_assert_double_eq(lesson_correct(&lesson, 10, 0).shift, 0);
    ck_assert_double_eq(lesson_correct(&lesson, 10, 0).stretch, 1);
}
END_TEST

/* A forecast of a fork with a lesson is that of a fork without, shifted and stretched; what it says of limits is not touched. */
START_TEST(a_forecast_is_corrected_by_the_lessons_of_its_fork)
{
    static const uint32_t twins[] = {0};
    static const double quantiles[] = {0.05, 0.5, 0.95}, times[] = {10};
    Plant *plant = ahead_plant("w = { 'walk' }", "");
    const TagId tags[] = {tags_find(plant->tags, "w.x"), tags_find(plant->tags, "w.probe")};
    Case base = {.name = "base", .doc = ""};
    const Scenario scenario = {.name = "s", .doc = "", .horizon = 10, .times = times, .time_count = 1, .members = 200, .paths = 3, .quantiles = quantiles,
                               .quantile_count = 3, .tags = tags, .tag_count = 2, .cases = &base, .case_count = 1, .seed = 1};
    Fork *fork;
    Forecast *plain, *corrected;
    ErrText why;
    ck_assert_int_eq(fork_take(plant, 0, twins, 1, &fork, &why), ERR_OK);
    ck_assert_int_eq(forecast_run(fork, &scenario, &(ForecastDef){0}, &plain, &why), ERR_OK);
    fork->lessons[0] = (Lesson){.twin = 0, .column = plant_model(plant, 0)->channels[plant_place(plant, tags[0]).channel].column, .lead_count = 1,
                                .leads = {10}, .bias = {2}, .variance = {9}};
    fork->lesson_count = 1;
    ck_assert_int_eq(forecast_run(fork, &scenario, &(ForecastDef){0}, &corrected, &why), ERR_OK);
    for (size_t row = 0; row < 2; row++) {  // the probe reads x
        const ForecastSeries *a = &plain->cases[0].series[row], *b = &corrected->cases[0].series[row];
        const double shift = 2 * a->sd[0];
        ck_assert_double_eq(b->raw_mean[0], a->mean[0]);
        ck_assert_double_eq(b->raw_sd[0], a->sd[0]);
        ck_assert_double_eq_tol(b->mean[0], a->mean[0] + shift, 1e-9);
        ck_assert_double_eq_tol(b->sd[0], 3 * a->sd[0], 1e-9);
        for (size_t i = 0; i < 3; i++) {
            ck_assert_double_eq_tol(b->quantiles[i], a->mean[0] + shift + 3 * (a->quantiles[i] - a->mean[0]), 1e-9);
            ck_assert_double_eq_tol(b->paths[i], a->mean[0] + shift + 3 * (a->paths[i] - a->mean[0]), 1e-9);
        }
    }
    for (size_t i = 0; i < plain->limit_count; i++)
        ck_assert_double_eq(corrected->cases[0].limits[i].passed.share, plain->cases[0].limits[i].passed.share);
    forecast_destroy(corrected);
    forecast_destroy(plain);
    fork_destroy(fork);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("forecast.verification", nothing_is_learnt_before_the_first_sample_of_a_lead_has_come, a_forecast_that_errs_one_way_is_shifted,
         a_forecast_that_is_too_sure_is_stretched, what_was_learnt_long_ago_is_forgotten, a_sample_that_comes_too_late_or_is_bad_judges_nothing,
         between_two_leads_a_lesson_holds_in_proportion, a_forecast_is_corrected_by_the_lessons_of_its_fork)
