/* A plant inside: its numbers come, ghosts and courses come, what is asked is answered, and no call waits. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kit/kit.h"
#include "viewer/local.h"

static const double PATIENCE_S = 30;

typedef struct Watch {
    Source source;
    World world;
} Watch;

static double now(void)
{
    return (double)clock_system.elapsed_ns(clock_system.self) / 1e9;
}

static Watch open_watch(const char *plant, double hurry, const char *fault)
{
    static char path[1024];
    Watch watch = {0};
    ErrText why = {""};
    world_clear(&watch.world);
    snprintf(path, sizeof path, POLLUX_SOURCE "/twins/plants/%s.lua", plant);
    const LocalDef def = {.plant = path, .begin = INT64_C(1611326937) * NS_PER_S, .hurry = hurry, .speed = 20, .seed = 7, .no_faults = true, .faults = &fault, .fault_count = fault ? 1 : 0};
    ck_assert_msg(local_open(&def, &watch.source, &why) == ERR_OK, "%s", why.text);
    return watch;
}

static void close_watch(Watch *watch)
{
    watch->source.type->close(watch->source.self);
    world_fini(&watch->world);
}

static void poll(Watch *watch)
{
    watch->source.type->poll(watch->source.self, &watch->world);
    usleep(2000);
}

#define WAIT_FOR(watch, fact)                                                \
    for (const double until_ = now() + PATIENCE_S; !(fact); poll(watch))      \
    ck_assert_msg(now() < until_, "still not: " #fact)

static Answer wait_answer(Watch *watch, uint64_t ticket)
{
    Answer answer = {0};
    const double until = now() + PATIENCE_S;
    ck_assert_uint_ne(ticket, 0);
    while (!watch->source.type->take(watch->source.self, &answer)) {
        ck_assert_double_lt(now(), until);
        poll(watch);
    }
    ck_assert_uint_eq(answer.ticket, ticket);
    return answer;
}

static uint32_t asset(const Watch *watch, const char *name)
{
    const int64_t found = world_find(&watch->world, name);
    ck_assert_int_ne(found, WORLD_NOBODY);
    return (uint32_t)found;
}

static uint16_t channel(const Watch *watch, uint32_t of, const char *name)
{
    const uint16_t found = world_channel(world_model(&watch->world, of), name);
    ck_assert_uint_ne(found, WORLD_NONE);
    return found;
}

START_TEST(the_plant_is_described_and_its_numbers_come)
{
    Watch watch = open_watch("waterworks", 0, NULL);
    WAIT_FOR(&watch, watch.world.time != TIME_NONE);
    ck_assert_str_eq(watch.world.plant, "waterworks");
    ck_assert_uint_eq(watch.world.asset_count, 14);
    const uint32_t tower = asset(&watch, "tower");
    const uint16_t level = channel(&watch, tower, "level");
    ck_assert_uint_eq(world_model(&watch.world, tower)->look.fill, level);
    WAIT_FOR(&watch, isfinite(world_value(&watch.world, tower, level)->measured));
    const WorldValue *value = world_value(&watch.world, tower, level);
    ck_assert_double_eq_tol(value->value, 2.7, 0.5);
    ck_assert_double_eq_tol(value->measured, value->value, 0.1);
    ck_assert_float_gt(value->sd, 0);
    ck_assert(watch.world.assets[tower].placed);

    // and they go on
    const int64_t before = watch.world.time;
    WAIT_FOR(&watch, watch.world.time > before + 5 * NS_PER_S);
    close_watch(&watch);
}
END_TEST

START_TEST(a_paused_world_stands_still_and_goes_on)
{
    Watch watch = open_watch("waterworks", 0, NULL);
    WAIT_FOR(&watch, watch.world.time != TIME_NONE);
    watch.source.type->show(watch.source.self, WORLD_PAUSED, TIME_NONE);
    WAIT_FOR(&watch, watch.world.mode == WORLD_PAUSED);
    const int64_t before = watch.world.time;
    for (int i = 0; i < 50; i++)
        poll(&watch);
    ck_assert_int_eq(watch.world.time, before);
    watch.source.type->show(watch.source.self, WORLD_LIVE, TIME_NONE);
    WAIT_FOR(&watch, watch.world.time > before + NS_PER_S);
    ck_assert_int_eq(watch.world.mode, WORLD_LIVE);
    close_watch(&watch);
}
END_TEST

START_TEST(ghosts_are_the_quantiles_of_a_forecast)
{
    Watch watch = open_watch("waterworks", 0, NULL);
    WAIT_FOR(&watch, watch.world.time != TIME_NONE);
    watch.source.type->look(watch.source.self, &(SourceInterest){.horizon = 600});
    WAIT_FOR(&watch, watch.world.ghost_time != TIME_NONE);
    const uint32_t tower = asset(&watch, "tower");
    const WorldValue *value = world_value(&watch.world, tower, channel(&watch, tower, "level"));
    ck_assert_float_lt(value->low, value->middle);
    ck_assert_float_lt(value->middle, value->high);
    ck_assert_double_eq_tol((double)value->middle, value->value, 2);

    watch.source.type->look(watch.source.self, &(SourceInterest){.horizon = 0});
    WAIT_FOR(&watch, watch.world.ghost_time == TIME_NONE);
    close_watch(&watch);
}
END_TEST

/* A tower into which nothing is pumped any more ends lower. */
START_TEST(what_if_compares_with_and_without)
{
    Watch watch = open_watch("waterworks", 60, NULL);
    WAIT_FOR(&watch, watch.world.time != TIME_NONE);
    const uint32_t tower = asset(&watch, "tower"), lift = asset(&watch, "lift_1");
    const uint16_t level = channel(&watch, tower, "level");
    const WhatIf off = {.asset = lift, .channel = channel(&watch, lift, "speed_setpoint"), .value = 0};
    const ForecastAsk ask = {.asset = tower, .channels = &level, .channel_count = 1, .changes = &off, .change_count = 1, .horizon = 900};
    Answer answer = wait_answer(&watch, watch.source.type->forecast(watch.source.self, &ask));
    ck_assert_msg(!answer.failed, "%s", answer.text);
    ck_assert_uint_eq(answer.series_count, 2);
    const WorldSeries *with = &answer.series[1], *without = &answer.series[0];
    ck_assert(with->whatif && !without->whatif);
    ck_assert_double_lt(with->values[with->count - 1], without->values[without->count - 1] - 0.1);
    ck_assert_double_le(with->low[with->count - 1], with->values[with->count - 1]);
    answer_fini(&answer);
    close_watch(&watch);
}
END_TEST

START_TEST(a_command_reaches_the_plant_and_a_wrong_one_is_refused)
{
    Watch watch = open_watch("waterworks", 0, NULL);
    WAIT_FOR(&watch, watch.world.time != TIME_NONE);
    const uint32_t zone = asset(&watch, "zone");
    const uint16_t order = channel(&watch, zone, "opening_order"), opening = channel(&watch, zone, "opening");
    Answer refused = wait_answer(&watch, watch.source.type->command(watch.source.self, zone, order, 7, false));
    ck_assert(refused.failed);
    ck_assert_str_ne(refused.text, "");
    answer_fini(&refused);

    Answer taken = wait_answer(&watch, watch.source.type->command(watch.source.self, zone, order, 0.45, false));
    ck_assert_msg(!taken.failed, "%s", taken.text);
    answer_fini(&taken);
    WAIT_FOR(&watch, fabs(world_value(&watch.world, zone, opening)->value - 0.45) < 0.02);
    close_watch(&watch);
}
END_TEST

START_TEST(a_fault_is_shown_and_its_alarm_is_acknowledged)
{
    Watch watch = open_watch("waterworks", 200, "tower.radar:bias:0.5@150");
    WAIT_FOR(&watch, watch.world.time != TIME_NONE);
    const uint32_t tower = asset(&watch, "tower");
    WAIT_FOR(&watch, watch.world.alarm_count > 0 && watch.world.assets[tower].health != ASSET_CALM);
    const uint64_t alarm = watch.world.alarms[0].id;
    ck_assert_uint_eq(watch.world.alarms[0].asset, tower);
    Answer answer = wait_answer(&watch, watch.source.type->acknowledge(watch.source.self, alarm, "seen"));
    ck_assert_msg(!answer.failed, "%s", answer.text);
    answer_fini(&answer);
    WAIT_FOR(&watch, watch.world.alarms[0].acknowledged);

    Answer none = wait_answer(&watch, watch.source.type->acknowledge(watch.source.self, 4711, ""));
    ck_assert(none.failed);
    answer_fini(&none);
    close_watch(&watch);
}
END_TEST

/* What is recorded comes behind what is shown; once the course has points, it is the answer. */
static bool is_recorded(Watch *watch, const SeriesAsk *ask, Answer *out)
{
    *out = wait_answer(watch, watch->source.type->series(watch->source.self, ask));
    ck_assert_msg(!out->failed, "%s", out->text);
    ck_assert_uint_eq(out->series_count, 1);
    if (out->series[0].count > 5)
        return true;
    answer_fini(out);
    return false;
}

START_TEST(the_past_is_what_it_was)
{
    Watch watch = open_watch("waterworks", 120, NULL);
    WAIT_FOR(&watch, watch.world.time != TIME_NONE);
    const int64_t first = watch.world.time;
    const uint32_t tower = asset(&watch, "tower");
    const uint16_t level = channel(&watch, tower, "level");
    WAIT_FOR(&watch, watch.world.time > first + 100 * NS_PER_S);

    // the course of the level holds what it was in the middle
    const SeriesAsk ask = {.asset = tower, .channel = level, .from = first, .to = watch.world.time, .points = 50};
    Answer answer;
    WAIT_FOR(&watch, is_recorded(&watch, &ask, &answer));
    const size_t middle = answer.series[0].count / 2;
    const int64_t then = answer.series[0].times[middle];
    const double was = answer.series[0].values[middle];
    answer_fini(&answer);

    watch.source.type->show(watch.source.self, WORLD_PAST, then);
    WAIT_FOR(&watch, watch.world.mode == WORLD_PAST);
    ck_assert_int_eq(watch.world.time, then);
    ck_assert_double_eq_tol(world_value(&watch.world, tower, level)->value, was, 1e-9);
    watch.source.type->show(watch.source.self, WORLD_LIVE, TIME_NONE);
    WAIT_FOR(&watch, watch.world.mode == WORLD_LIVE && watch.world.time > then);
    close_watch(&watch);
}
END_TEST

START_TEST(a_script_that_is_wrong_is_told_with_its_line)
{
    Source source;
    ErrText why = {""};
    char path[4200];
    snprintf(path, sizeof path, "%s/wrong.lua", kit_folder());
    FILE *file = fopen(path, "w");
    fputs("return plant \"wrong\" {\n  assets = { a = { \"tank\", look = { mash = \"box\" } } },\n}\n", file);
    fclose(file);
    ck_assert_int_ne(local_open(&(LocalDef){.plant = path, .begin = TIME_NONE}, &source, &why), ERR_OK);
    ck_assert_ptr_nonnull(strstr(why.text, "wrong.lua"));
}
END_TEST

KIT_MAIN("viewer.local", the_plant_is_described_and_its_numbers_come, a_paused_world_stands_still_and_goes_on, ghosts_are_the_quantiles_of_a_forecast, what_if_compares_with_and_without,
         a_command_reaches_the_plant_and_a_wrong_one_is_refused, a_fault_is_shown_and_its_alarm_is_acknowledged, the_past_is_what_it_was, a_script_that_is_wrong_is_told_with_its_line)
