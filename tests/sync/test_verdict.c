#include "plant/castor.h"
#include "sync/feeds.h"

#define INCUBATOR POLLUX_SOURCE "/twins/plants/incubator.lua"

/* Castor's incubator and its twin, side by side. */
typedef struct Pair {
    Castor *castor;
    Feed feed;
} Pair;

static Pair pair_open(const char *fault)
{
    Pair pair;
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    ck_assert_msg(castor_create(INCUBATOR, 4, false, &pair.castor, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(!fault || castor_add_fault(pair.castor, fault, &why) == ERR_OK, "%s", why.text);
    castor_begin(pair.castor, FEEDS_START);
    ck_assert_msg(plant_load(INCUBATOR, 1, &plant, &why) == ERR_OK, "%s", why.text);
    pair.feed = feeds_open(plant);
    sync_begin(pair.feed.sync, FEEDS_START);
    return pair;
}

static void pair_close(Pair *pair)
{
    castor_destroy(pair->castor);
    feeds_close(&pair->feed);
}

static double seconds_of(const Pair *pair)
{
    return (double)(castor_time(pair->castor) - FEEDS_START) / 1e9;
}

static void pair_step(Pair *pair)
{
    size_t count;
    ErrText why;
    ck_assert_int_eq(castor_step(pair->castor, &why), ERR_OK);
    const Sample *samples = castor_samples(pair->castor, &count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(feeds_sample(&pair->feed, FEEDS_PROVIDER, samples[i]).fate, FATE_USED);
    ck_assert_uint_eq(feeds_tick(&pair->feed), count);
}

/* Run until the verdict is of this kind; the seconds at which it was, or infinity when it has not been so by `until`. */
static double run_until(Pair *pair, VerdictKind kind, double until)
{
    while (seconds_of(pair) < until) {
        pair_step(pair);
        if (sync_verdict(pair->feed.sync, 0)->kind == kind)
            return seconds_of(pair);
    }
    return INFINITY;
}

static uint16_t sensor_named(const Pair *pair, const char *name)
{
    const Model *model = plant_model(pair->feed.plant, 0);
    const int channel = model_find(model, name);
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == channel)
            return i;
    ck_abort_msg("no sensor %s", name);
    return 0;
}

START_TEST(a_healthy_plant_gets_no_verdict)
{
    Pair pair = pair_open(NULL);
    while (seconds_of(&pair) < 3000) {
        pair_step(&pair);
        const Verdict *verdict = sync_verdict(pair.feed.sync, 0);
        ck_assert_msg(verdict->kind == VERDICT_NONE, "%.1f s: %s", seconds_of(&pair), verdict->text);
        ck_assert_str_eq(verdict->text, "");
        ck_assert_int_eq(verdict->since, TIME_NONE);
        ck_assert_double_eq(verdict->nis_limit, 1);
        if (fabs(seconds_of(&pair) - 446) > 2)
            ck_assert_int_eq(sync_is_settling(pair.feed.sync, 0), seconds_of(&pair) < 446);
    }
    pair_close(&pair);
}
END_TEST

START_TEST(the_twin_finds_the_parameter_in_which_castor_differs)
{
    Pair pair = pair_open(NULL);
    while (seconds_of(&pair) < 6000)
        pair_step(&pair);
    const TagId tag = plants_tag(pair.feed.plant, "incubator.G_box");
    const double truth = plant_value(castor_plant(pair.castor), tag), sd = plant_sd(pair.feed.plant, tag);
    ck_assert_double_lt(sd, 0.285 / 2);
    ck_assert_double_lt(fabs(plant_value(pair.feed.plant, tag) - truth), 4 * sd);
    pair_close(&pair);
}
END_TEST

START_TEST(an_open_lid_is_the_process_and_is_over_when_it_is_closed)
{
    Pair pair = pair_open("incubator.G_box:factor:8@700+60");
    const double raised = run_until(&pair, VERDICT_PROCESS, 760);
    ck_assert_double_ge(raised, 700);
    ck_assert_double_le(raised, 730);
    const Verdict *verdict = sync_verdict(pair.feed.sync, 0);
    ck_assert_int_eq(verdict->cause, CAUSE_PROCESS);
    ck_assert_msg(strncmp(verdict->text, "incubator: explained by G_box having risen from", 47) == 0, "%s", verdict->text);
    ck_assert_int_eq(verdict->since, sync_now(pair.feed.sync));
    ck_assert_double_ge(verdict->nis, 1);
    while (seconds_of(&pair) < 760)
        pair_step(&pair);
    const double returned = run_until(&pair, VERDICT_NONE, 1200);
    ck_assert_double_le(returned, 760 + 180);
    pair_close(&pair);
}
END_TEST

/* A sensor that goes wild is thousands of times as noisy as it was: two digits and zeros, not "4.5e+03". */
START_TEST(large_numbers_are_told_in_full)
{
    Pair pair = pair_open("incubator.t2:bias:300@800+200");
    ck_assert_double_le(run_until(&pair, VERDICT_SENSOR, 1000), 860);
    const char *text = sync_verdict(pair.feed.sync, 0)->text;
    ck_assert_msg(strstr(text, "00 times as noisy") && !strstr(text, "e+"), "%s", text);
    pair_close(&pair);
}
END_TEST

START_TEST(a_biased_thermometer_is_named_and_taken_back_when_it_agrees)
{
    for (int which = 2; which <= 3; which++) {
        char fault[64], name[16], expected[64];
        snprintf(fault, sizeof fault, "incubator.t%d:bias:1@800+200", which);
        snprintf(name, sizeof name, "t%d", which);
        snprintf(expected, sizeof expected, "incubator: t%d reads", which);
        Pair pair = pair_open(fault);
        ck_assert_double_le(run_until(&pair, VERDICT_SENSOR, 1000), 860);
        const uint16_t bad = sensor_named(&pair, name), good = (uint16_t)(1 - bad);
        ck_assert_msg(strncmp(sync_verdict(pair.feed.sync, 0)->text, expected, strlen(expected)) == 0, "%s", sync_verdict(pair.feed.sync, 0)->text);
        ck_assert_int_eq(sync_verdict(pair.feed.sync, 0)->channel, model_find(plant_model(pair.feed.plant, 0), name));
        ck_assert_int_eq(sync_sensor_quality(pair.feed.sync, 0, bad), SENSOR_DIVERGED);
        ck_assert_int_eq(sync_sensor_quality(pair.feed.sync, 0, good), SENSOR_GOOD);
        while (seconds_of(&pair) < 1000) {
            pair_step(&pair);
            ck_assert_int_eq(sync_verdict(pair.feed.sync, 0)->kind, VERDICT_SENSOR);
        }
        ck_assert_double_le(run_until(&pair, VERDICT_NONE, 2000), 1000 + 120);
        ck_assert_int_eq(sync_sensor_quality(pair.feed.sync, 0, bad), SENSOR_GOOD);
        pair_close(&pair);
    }
}
END_TEST

START_TEST(a_diverged_sensor_does_not_pull_the_estimate_along)
{
    Pair pair = pair_open("incubator.t2:bias:5@800");
    ck_assert_double_le(run_until(&pair, VERDICT_SENSOR, 1000), 860);
    while (seconds_of(&pair) < 1200)
        pair_step(&pair);
    const TagId box = plants_tag(pair.feed.plant, "incubator.T_box");
    ck_assert_double_lt(fabs(plant_value(pair.feed.plant, box) - plant_value(castor_plant(pair.castor), box)), 1);
    pair_close(&pair);
}
END_TEST

START_TEST(silence_is_a_verdict_from_the_sixth_missing_sample_until_the_next)
{
    Pair pair = pair_open("incubator.t3:silence@800+60");
    const double raised = run_until(&pair, VERDICT_SILENCE, 860);
    ck_assert_double_ge(raised, 800 + 5 * 3.04 - 3.04);
    ck_assert_double_le(raised, 800 + 5 * 3.04 + 1);
    const Verdict *verdict = sync_verdict(pair.feed.sync, 0);
    ck_assert_str_eq(verdict->text, "incubator: no sample of t3 for more than 15.2 s, expected every 3.04 s");
    ck_assert_double_le(fabs((double)(verdict->since - castor_time(pair.castor)) / 1e9), 1);
    ck_assert_int_eq(sync_sensor_quality(pair.feed.sync, 0, sensor_named(&pair, "t3")), SENSOR_SILENT);
    ck_assert_int_eq(sync_sensor_quality(pair.feed.sync, 0, sensor_named(&pair, "t2")), SENSOR_GOOD);
    const int64_t since = verdict->since;
    while (seconds_of(&pair) < 860)
        pair_step(&pair);
    ck_assert_int_eq(sync_verdict(pair.feed.sync, 0)->since, since);
    ck_assert_double_le(run_until(&pair, VERDICT_NONE, 900), 865);
    ck_assert_int_eq(sync_sensor_quality(pair.feed.sync, 0, sensor_named(&pair, "t3")), SENSOR_GOOD);
    pair_close(&pair);
}
END_TEST

START_TEST(a_sensor_that_has_never_spoken_is_not_called_silent)
{
    Pair pair = pair_open("incubator.t3:silence@0");
    while (seconds_of(&pair) < 100) {
        pair_step(&pair);
        ck_assert_int_eq(sync_verdict(pair.feed.sync, 0)->kind, VERDICT_NONE);
    }
    double innovation, sd;
    ck_assert(!sync_innovation(pair.feed.sync, 0, sensor_named(&pair, "t3"), &innovation, &sd));
    ck_assert(sync_innovation(pair.feed.sync, 0, sensor_named(&pair, "t2"), &innovation, &sd));
    ck_assert_double_gt(sd, 0.0248);
    pair_close(&pair);
}
END_TEST

START_TEST(before_time_has_begun_there_is_no_verdict)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    ck_assert_int_eq(sync_verdict(feed.sync, 0)->kind, VERDICT_NONE);
    ck_assert_int_eq(sync_sensor_quality(feed.sync, 0, 0), SENSOR_GOOD);
    feeds_close(&feed);
}
END_TEST

KIT_MAIN("sync.verdict", a_healthy_plant_gets_no_verdict, the_twin_finds_the_parameter_in_which_castor_differs, an_open_lid_is_the_process_and_is_over_when_it_is_closed,
         a_biased_thermometer_is_named_and_taken_back_when_it_agrees, large_numbers_are_told_in_full, a_diverged_sensor_does_not_pull_the_estimate_along,
         silence_is_a_verdict_from_the_sixth_missing_sample_until_the_next, a_sensor_that_has_never_spoken_is_not_called_silent, before_time_has_begun_there_is_no_verdict)
