/* ahead.h -- forecasts for tests: a plant of small models, a scenario in a few words, and what must be true of the result. */
#pragma once

#include <math.h>

#include "forecast/forecast.h"
#include "model/scripts.h"

#define AHEAD_STEP 0.125  // exact in binary

/* Each is a closed form: a decay with an input, a free walk that is watched, three states whose covariance a test chooses, and a decay whose rate, the
 * square of a parameter, is known to a standard deviation, as the input is of what it adds up beside it. */
static const char ahead_decay[] = "return model 'decay' {\n"
                                  "  params = { k = { 0.5, 's^-1', min = 0, max = 10 } },\n"
                                  "  inputs = { u = { 0, '1', min = -100, max = 100 } },\n"
                                  "  states = { x = { 2, '1', noise = 0.3, sd = 0.5 } },\n"
                                  "  equations = function(t)\n"
                                  "    t.x.rate = -t.k * t.x + t.u / quantity(1, 's')\n"
                                  "    t.twice = output(2 * t.x, '1')\n"
                                  "  end,\n"
                                  "  sensors = { probe = { of = 'x', noise = 1 } },\n"
                                  "  actuators = { order = { 0, '1', min = -1, max = 1 } },\n"
                                  "}\n";
static const char ahead_walk[] = "return model 'walk' {\n"
                                 "  states = { x = { 0, '1', noise = 1 } },\n"
                                 "  equations = function(t) t.x.rate = 0 end,\n"
                                 "  sensors = { probe = { of = 'x', noise = 1 } },\n"
                                 "  alarms = { far = { high = { 'x', 6 } }, deep = { low = { 'probe', -8 }, severity = 'critical' } },\n"
                                 "}\n";
static const char ahead_three[] = "return model 'three' {\n"
                                  "  params = { c = { 0, '1', estimate = 0, sd = 1 } },\n"
                                  "  states = { a = { 10, '1', sd = 1 }, b = { -10, '1', sd = 1 } },\n"
                                  "  equations = function(t) t.a.rate, t.b.rate = 0 * t.c / quantity(1, 's'), 0 end,\n"
                                  "  sensors = { probe = { of = 'a', noise = 1 } },\n"
                                  "}\n";

static const char ahead_doubt[] = "return model 'doubt' {\n"
                                  "  params = { k = { 0.8, 's^-1', min = 0, max = 10, sd = 0.05 } },\n"
                                  "  inputs = { u = { 1, '1', min = -100, max = 100, sd = 0.2 } },\n"
                                  "  states = { x = { 2, '1' }, sum = { 0, 's' } },\n"
                                  "  equations = function(t) t.x.rate, t.sum.rate = -quantity(1, 's') * t.k^2 * t.x, t.u end,\n"
                                  "  sensors = { probe = { of = 'x', noise = 1 } },\n"
                                  "}\n";

/* A plant of these assets and connections. */
static inline Plant *ahead_plant(const char *assets, const char *connect)
{
    char text[4096];
    Plant *plant;
    ErrText why = {""};
    scripts_write("decay.lua", ahead_decay);
    scripts_write("walk.lua", ahead_walk);
    scripts_write("three.lua", ahead_three);
    scripts_write("doubt.lua", ahead_doubt);
    snprintf(text, sizeof text, "return plant 'ahead' { step = 0.125, clock = 'provider',\n  assets = { %s },\n  connect = { %s },\n}\n", assets, connect);
    log_set_level(LOG_ERROR);
    if (plant_load(scripts_write("ahead.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static inline TagId ahead_tag(const Plant *plant, const char *name)
{
    const TagId tag = tags_find(plant->tags, name);
    ck_assert_msg(tag != TAG_NONE, "no tag %s", name);
    return tag;
}

static inline double *ahead_cell(const Plant *plant, const char *name)
{
    const Place place = plant_place(plant, ahead_tag(plant, name));
    return plant_cell(plant, place.twin, plant_model(plant, place.twin)->channels[place.channel].column);
}

enum { AHEAD_CHANGES = 4, AHEAD_POINTS = 8, AHEAD_TAGS = 8, AHEAD_TIMES = 16 };

/* One change: a tag and its points. */
typedef struct AheadChange {
    const char *tag;
    bool straight;
    CoursePoint points[AHEAD_POINTS];
    size_t count;
} AheadChange;

/* What a test wants to know; the rest has sensible values. */
typedef struct Ahead {
    const char *tags[AHEAD_TAGS];
    double times[AHEAD_TIMES];  // behind the last: 0, but the first may be 0
    uint32_t members, paths;
    uint64_t seed;
    size_t threads;
    AheadChange changes[SCENARIO_CASES_MAX][AHEAD_CHANGES];
    size_t cases;  // 0 means 1
} Ahead;

static const double ahead_quantiles[] = {0.05, 0.25, 0.5, 0.75, 0.95};

static inline Fork *ahead_fork(const Plant *plant, const Ahead *ahead)
{
    uint32_t twins[AHEAD_TAGS];
    size_t count = 0;
    for (; count < AHEAD_TAGS && ahead->tags[count]; count++)
        twins[count] = plant_place(plant, ahead_tag(plant, ahead->tags[count])).twin;
    Fork *fork;
    ErrText why = {""};
    if (fork_take(plant, 0, twins, count, &fork, &why))
        ck_abort_msg("%s", why.text);
    return fork;
}

/* Forecast a fork; the horizon is the last time. */
static inline Forecast *ahead_run_fork(const Fork *fork, const Ahead *ahead)
{
    TagId tags[AHEAD_TAGS];
    Course courses[SCENARIO_CASES_MAX][AHEAD_CHANGES];
    Case cases[SCENARIO_CASES_MAX];
    Scenario scenario = {.name = "ahead",
                         .doc = "",
                         .members = ahead->members ? ahead->members : 1000,
                         .seed = ahead->seed,
                         .times = ahead->times,
                         .tags = tags,
                         .quantiles = ahead_quantiles,
                         .quantile_count = 5,
                         .paths = ahead->paths,
                         .cases = cases,
                         .case_count = ahead->cases ? ahead->cases : 1};
    for (; scenario.tag_count < AHEAD_TAGS && ahead->tags[scenario.tag_count]; scenario.tag_count++)
        tags[scenario.tag_count] = ahead_tag(fork->plant, ahead->tags[scenario.tag_count]);
    for (; scenario.time_count < AHEAD_TIMES && (scenario.time_count == 0 || ahead->times[scenario.time_count] > 0); scenario.time_count++)
        scenario.horizon = ahead->times[scenario.time_count];
    for (size_t i = 0; i < scenario.case_count; i++) {
        cases[i] = (Case){"case", "", courses[i], 0};
        for (; cases[i].change_count < AHEAD_CHANGES && ahead->changes[i][cases[i].change_count].tag; cases[i].change_count++) {
            const AheadChange *change = &ahead->changes[i][cases[i].change_count];
            courses[i][cases[i].change_count] = (Course){ahead_tag(fork->plant, change->tag), change->straight, change->points, change->count};
        }
    }

    Forecast *forecast;
    ErrText why = {""};
    const ForecastDef def = {.threads = ahead->threads};
    if (forecast_run(fork, &scenario, &def, &forecast, &why))
        ck_abort_msg("%s", why.text);
    return forecast;
}

static inline Forecast *ahead_run(const Plant *plant, const Ahead *ahead)
{
    Fork *fork = ahead_fork(plant, ahead);
    Forecast *forecast = ahead_run_fork(fork, ahead);
    fork_destroy(fork);
    return forecast;
}

/* The bits of everything that is told. */
static inline uint64_t ahead_hash(const Forecast *forecast)
{
    uint64_t hash = 0;
    const size_t times = forecast->time_count * sizeof(double);
    for (size_t c = 0; c < forecast->case_count; c++) {
        for (size_t s = 0; s < forecast->series_count; s++) {
            const ForecastSeries *series = &forecast->cases[c].series[s];
            hash = hash_bytes(hash, series->mean, times);
            hash = hash_bytes(hash, series->sd, times);
            hash = hash_bytes(hash, series->quantiles, times * forecast->quantile_count);
            hash = hash_bytes(hash, series->paths, times * forecast->path_count);
            if (series->difference)
                hash = hash_bytes(hash, series->difference, 2 * times);
        }
        for (size_t l = 0; l < forecast->limit_count; l++) {
            hash = hash_bytes(hash, &forecast->cases[c].limits[l].passed, sizeof(Share));
            hash = hash_bytes(hash, forecast->cases[c].limits[l].times, forecast->quantile_count * sizeof(double));
        }
    }
    return hash;
}

/* How RK4 moves x' = -k x over a step: the exponential series up to its fourth power. */
static inline double ahead_decay_factor(double k)
{
    const double z = -k * AHEAD_STEP;
    return 1 + z * (1 + z / 2 * (1 + z / 3 * (1 + z / 4)));
}
