/* A forecast from a moment of a history, held against the one that the living plant made then: to the bit where a snapshot, or the beginning, lies before it,
 * within what is known of the estimate where both are long gone. */
#include "flow/feed.h"
#include "flow/flow.h"

#include <jansson.h>

#include "alarm/rehearse.h"
#include "app/past.h"
#include "forecast/report.h"

enum { CALL_MS = 120000, MOMENTS = 2, LONG_AGO = 400, LATER = 1000, THIN = 1100, AGAIN = 1130 };  // s of the tape
static const ConnectorType feed_type = {.name = "feed", .poll = feed_poll, .send = feed_send, .stored = feed_stored};

// --- the living plant ----------------------------------------------------------------------------------------------

/* What the living plant said at a moment. */
typedef struct Told {
    int64_t at, time;
    uint64_t hash;
    double level, sd;  // of the tank
    Text json;
} Told;

typedef struct Living {
    const char *plant, *history, *scenario;
    Arrival *items;  // all that it ever hears
    size_t count, heard;
    int64_t begin;
    Told told[MOMENTS];
} Living;

static void foretell(const char *path, const App *app, Text *out)
{
    ErrText why = {""};
    Scenario *scenario;
    Fork *fork;
    Forecast *forecast;
    ck_assert_msg(scenario_read(path, app->plant, &scenario, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(scenario_fork(scenario, app->plant, app->now, &fork, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(forecast_run(fork, scenario, &(ForecastDef){.threads = 1, .rehearsal = &rehearse_kind}, &forecast, &why) == ERR_OK, "%s", why.text);
    forecast_json(forecast, out);
    forecast_destroy(forecast);
    fork_destroy(fork);
    scenario_destroy(scenario);
}

static void note_tick(void *self, const App *app, Batch batch)
{
    Living *living = self;
    (void)batch;
    for (size_t i = 0; i < MOMENTS; i++) {
        Told *told = &living->told[i];
        if (told->time || app->now < told->at || app->replaying)
            continue;
        told->time = app->now;
        told->hash = plant_hash(app->plant);
        const TagId level = tags_find(app->plant->tags, "here.level");
        if (level != TAG_NONE) {
            told->level = plant_value(app->plant, level);
            told->sd = plant_sd(app->plant, level);
        }
        if (living->scenario)
            foretell(living->scenario, app, &told->json);
    }
}

/* The clock stands, so that snapshots are taken at the first tick and at the end alone. */
static App *start(Living *living, const Clock *clock)
{
    return flow_app(&(AppDef){.plant = living->plant, .history = living->history, .speed = INFINITY, .quiet = true, .clock = clock, .provider_clock = true,
                              .ticked = note_tick, .self = living});
}

static void hear(Living *living, App *app, size_t until)
{
    Feed feed = {.items = living->items, .next = living->heard, .count = until};
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_type, &feed}), ERR_OK);
    while (app_poll(app))
        continue;
    living->heard = until;
}

/* A life from start to stop. */
static void live(Living *living, size_t until)
{
    FakeClock fake = {.utc_ns = living->begin};
    const Clock clock = clock_fake(&fake);
    App *app = start(living, &clock);
    hear(living, app, until);
    app_destroy(app);
}

/* How many of the arrivals are of the first `seconds`. */
static size_t count_until(const Living *living, int seconds)
{
    size_t count = 0;
    while (count < living->count && living->items[count].sample.time < living->begin + seconds * NS_PER_S)
        count++;
    return count;
}

/* Three lives, the last two of them short: of the three snapshots that are kept none is of the first. Then everything is sealed that may be. */
static void live_thrice(Living *living, int first, int second)
{
    ErrText why = {""};
    live(living, count_until(living, first));
    live(living, count_until(living, second));
    live(living, living->count);

    Plant *plant;
    ck_assert_msg(plant_load(living->plant, 1, &plant, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(history_compact(living->history, plant, &why) == ERR_OK, "%s", why.text);
    plant_destroy(plant);
}

static void living_fini(Living *living)
{
    for (size_t i = 0; i < MOMENTS; i++)
        text_fini(&living->told[i].json);
    free(living->items);
}

// --- the incubator, by its recording -------------------------------------------------------------------------------

static FlowPath scenario(void)
{
    return flow_write("past.lua", "return scenario 'past' { horizon = 300, members = 400, points = 3,\n"
                                  "  tags = { 'incubator.T_box', 'incubator.t2', 'incubator.G_box' },\n"
                                  "  alternatives = { { name = 'cold', changes = { ['incubator.heater_on'] = 0 } } } }\n");
}

static Living incubator(const char *history, const char *scenario)
{
    ErrText why = {""};
    Plant *plant;
    ck_assert_msg(plant_load(FLOW_PLANT, 1, &plant, &why) == ERR_OK, "%s", why.text);
    Tape *tape = flow_open_tape(flow_tape().text, plant);
    Living living = {.plant = FLOW_PLANT, .history = history, .scenario = scenario};
    const Sample *samples = tape_samples(tape, &living.count);
    ck_assert_uint_gt(living.count, 0);
    living.begin = samples[0].time;
    living.items = calloc(living.count, sizeof *living.items);
    for (size_t i = 0; i < living.count; i++)
        living.items[i] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = samples[i]};
    living.told[0].at = living.begin + LONG_AGO * NS_PER_S;
    living.told[1].at = living.begin + LATER * NS_PER_S;
    tape_close(tape);
    plant_destroy(plant);
    return living;
}

typedef struct Outcome {
    int status;
    char *out, *err;
} Outcome;

static Outcome forecast(const char *plant, const char *scenario, const char *history, int64_t at)
{
    char time[32];
    time_format(at, time);
    Child child = CHILD_START("call", "forecast", plant, scenario, "--history", history, "--at", time, "--json", "--codegen", "off");
    const int status = child_wait(&child, CALL_MS);
    if (status == -1)
        child_kill(&child);
    return (Outcome){status, flow_read(child.out.text), flow_read(child.err.text)};
}

static void forget(Outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
}

static void assert_said(const Outcome *outcome, const char *expected)
{
    ck_assert_msg(outcome->status == 0, "%s", outcome->err);
    ck_assert_msg(strstr(outcome->err, expected) != NULL, "expected \"%s\" in: %s", expected, outcome->err);
}

static void assert_same(const Outcome *outcome, const Told *told)
{
    ck_assert_int_ne(told->time, 0);
    ck_assert_str_eq(outcome->out, told->json.bytes);
}

static void assert_refused(Outcome outcome, const char *expected)
{
    ck_assert_int_eq(outcome.status, 1);
    ck_assert_msg(strstr(outcome.err, expected) != NULL, "expected \"%s\" in: %s", expected, outcome.err);
    ck_assert_str_eq(outcome.out, "");
    forget(&outcome);
}

START_TEST(behind_a_snapshot_it_has_the_bits_of_then_beside_the_engine_that_writes)
{
    const FlowPath history = flow_path("running.db"), path = scenario();
    Living living = incubator(history.text, path.text);
    FakeClock fake = {.utc_ns = living.begin};
    const Clock clock = clock_fake(&fake);
    App *app = start(&living, &clock);
    hear(&living, app, living.count);
    ck_assert_int_eq(history_flush(app->history), ERR_OK);
    for (size_t i = 0; i < MOMENTS; i++) {
        Outcome outcome = forecast(FLOW_PLANT, path.text, history.text, living.told[i].at);
        assert_said(&outcome, "as they ran then");
        assert_same(&outcome, &living.told[i]);
        forget(&outcome);
    }
    app_destroy(app);
    living_fini(&living);
}
END_TEST

/* The series of a forecast's base case, by tag. */
static json_t *series_of(json_t *root, size_t row)
{
    return json_array_get(json_object_get(json_array_get(json_object_get(root, "cases"), 0), "series"), row);
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", error.text, text);
    return root;
}

static double number_at(json_t *series, const char *key, size_t index)
{
    return json_number_value(json_array_get(json_object_get(series, key), index));
}

/* Mean and sd differ by a fifth of the sd of then at most, which is three times what 400 members leave to chance when they are drawn along other axes. Far ahead
 * both depend on how the values at the start were correlated. */
static void assert_alike(const char *then, const char *now)
{
    json_t *a = parse(then), *b = parse(now);
    ck_assert_str_eq(json_string_value(json_object_get(a, "time")), json_string_value(json_object_get(b, "time")));
    for (size_t row = 0; row < 3; row++)
        for (size_t i = 0; i < 4; i++) {
            json_t *told = series_of(a, row), *found = series_of(b, row);
            const double sd = number_at(told, "sd", i), off = number_at(found, "mean", i) - number_at(told, "mean", i), wider = number_at(found, "sd", i) / sd;
            ck_assert_double_gt(sd, 0);
            ck_assert_msg(fabs(off) < 0.2 * sd, "series %zu, time %zu: off by %g, sd %g", row, i, off, sd);
            ck_assert_msg(fabs(wider - 1) < 0.2, "series %zu, time %zu: %g times as wide as then", row, i, wider);
        }
    json_decref(a);
    json_decref(b);
}

/* The moment long ago is less than the way of the filter behind the beginning: the ticks are those of then. */
START_TEST(behind_all_snapshots_it_is_within_what_was_known_then)
{
    const FlowPath history = flow_path("thrice.db"), path = scenario();
    Living living = incubator(history.text, path.text);
    live_thrice(&living, THIN, AGAIN);

    Outcome beginning = forecast(FLOW_PLANT, path.text, history.text, living.told[0].at);
    assert_said(&beginning, "begins with the beginning of the history");
    assert_same(&beginning, &living.told[0]);
    Outcome later = forecast(FLOW_PLANT, path.text, history.text, living.told[1].at);
    assert_said(&later, "begins with the estimates of");
    assert_alike(living.told[1].json.bytes, later.out);
    forget(&beginning);
    forget(&later);

    // what cannot be done is said
    const FlowPath other = flow_variant("other.lua", "at = { 0, 0, 0 } },", "}, second = { \"incubator\" },");
    assert_refused(forecast(FLOW_PLANT, path.text, history.text, living.begin - NS_PER_S), "was asked for, but it begins at 20");
    assert_refused(forecast(FLOW_PLANT, path.text, history.text, living.begin + 86400 * NS_PER_S), "was asked for, but it ends at 20");
    assert_refused(forecast(FLOW_PLANT, path.text, "/nowhere/x.db", living.told[0].at), "/nowhere/x.db");
    assert_refused(forecast(other.text, path.text, history.text, living.told[1].at), "another version of plant \"incubator\"");
    assert_refused(forecast(other.text, path.text, history.text, living.begin + (AGAIN + 5) * NS_PER_S), "another version of plant \"incubator\"");
    living_fini(&living);
}
END_TEST

// --- a tank ----------------------------------------------------------------------------------------------------------

/* From 22:13:20 on. Every hundredth sample comes late by LAG; the moment is one at which the last of those has not come yet. */
enum { LAG = 20, SHORT = 1500, SOON = 505, LONG = 8000, HALFWAY = 4505 };
static const int64_t TANK_BEGIN = INT64_C(1700000000) * NS_PER_S, TANK_KEPT = INT64_C(1700002800) * NS_PER_S;  // 23:00

static FlowPath tank_plant(void)
{
    flow_write("tank.lua", "return model \"tank\" {\n"
                           "  states = { level = { 1, \"m\", noise = 0.01, sd = 0.1 } },\n"
                           "  inputs = { inflow = { 0, \"m/s\" } },\n"
                           "  equations = function(t) t.level.rate = t.inflow - t.level / quantity(100, \"s\") end,\n"
                           "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 } },\n"
                           "  divergence = { settle = 300 },\n"
                           "}\n");
    return flow_write("works.lua", "return plant \"works\" { step = 1, clock = \"provider\", lag = 60, history = { keep = \"1h\" },\n"
                                   "  assets = { here = { \"tank\" }, fleet(\"far\", 2, \"tank\") } }\n");
}

static Sample gauge_at(TagId gauge, int second)
{
    return (Sample){.time = TANK_BEGIN + second * NS_PER_S + NS_PER_S / 4, .value = 1 + 0.3 * sin(second * 0.01), .tag = gauge};
}

static Living tank(const char *path, const char *history, int seconds, int moment)
{
    ErrText why = {""};
    Plant *plant;
    ck_assert_msg(plant_load(path, 1, &plant, &why) == ERR_OK, "%s", why.text);
    const TagId gauge = tags_find(plant->tags, "here.gauge"), inflow = tags_find(plant->tags, "here.inflow");
    plant_destroy(plant);

    Living living = {.plant = path, .history = history, .begin = TANK_BEGIN};
    living.items = calloc((size_t)seconds * 2 + 1, sizeof *living.items);
    for (int second = 0; second < seconds; second++) {
        const Sample told = {.time = gauge_at(gauge, second).time, .value = 1e-5 * second, .tag = inflow};
        if (second % 1000 == 0)  // an input that is told seldom holds what it was
            living.items[living.count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = told};
        if (second % 100 != 0 || second == 0)
            living.items[living.count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = gauge_at(gauge, second)};
        if (second % 100 == LAG && second > LAG)
            living.items[living.count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .historical = true, .sample = gauge_at(gauge, second - LAG)};
    }
    living.told[0].at = TANK_BEGIN + moment * NS_PER_S;
    living.told[1].at = TANK_BEGIN + (moment + LAG) * NS_PER_S;
    return living;
}

static Past past_at(const Living *living, int64_t at)
{
    ErrText why = {""};
    Past past;
    ck_assert_msg(past_open(living->plant, living->history, at, &past, &why) == ERR_OK, "%s", why.text);
    return past;
}

/* What has not come by then is not known: the moment before it comes and the one behind it have each their own bits. */
START_TEST(late_samples_are_known_from_when_they_came)
{
    const FlowPath plant = tank_plant(), history = flow_path("late.db");  // of which nothing has been let go yet
    Living living = tank(plant.text, history.text, SHORT, SOON);
    live_thrice(&living, SHORT - 300, SHORT - 200);
    ck_assert_uint_ne(living.told[0].hash, living.told[1].hash);
    for (size_t i = 0; i < MOMENTS; i++) {
        Past past = past_at(&living, living.told[i].at);
        ck_assert_int_eq(past.start, PAST_BEGINNING);
        ck_assert_int_eq(past.app->now, living.told[i].time);
        ck_assert_uint_eq(plant_hash(past.app->plant), living.told[i].hash);
        past_close(&past);
    }
    living_fini(&living);
}
END_TEST

/* To the bit, with what was told first: late samples have changed it since. Soon behind what was let go the way is shorter. */
START_TEST(values_are_those_that_were_recorded_as_far_back_as_they_are_kept)
{
    const FlowPath plant = tank_plant(), history = flow_path("long.db");
    Living living = tank(plant.text, history.text, LONG, HALFWAY);
    live_thrice(&living, LONG - 300, LONG - 200);
    for (size_t i = 0; i < MOMENTS; i++) {
        Past past = past_at(&living, living.told[i].at);
        const TagId level = tags_find(past.app->plant->tags, "here.level"), inflow = tags_find(past.app->plant->tags, "here.inflow");
        ck_assert_int_eq(past.start, PAST_ESTIMATES);
        ck_assert_int_eq(past.from, living.told[i].time - 600 * NS_PER_S);  // twice what the tank needs to settle
        ck_assert_uint_eq(past.unknown, 2);  // the fleet, which is not recorded
        ck_assert_int_eq(past.app->now, living.told[i].time);
        ck_assert(same_bits(plant_value(past.app->plant, level), living.told[i].level));
        ck_assert_double_eq_tol(plant_sd(past.app->plant, level), living.told[i].sd, 1e-12);
        ck_assert_double_eq(plant_value(past.app->plant, inflow), 0.04);
        past_close(&past);
    }
    ck_assert(!same_bits(living.told[0].level, living.told[1].level));

    ErrText why = {""};
    Past past = past_at(&living, TANK_KEPT + 100 * NS_PER_S);
    ck_assert_int_eq(past.start, PAST_ESTIMATES);
    ck_assert_int_ge(past.from, TANK_KEPT);
    ck_assert_int_le(past.from, TANK_KEPT + 3 * NS_PER_S);
    past_close(&past);
    ck_assert_int_eq(past_open(plant.text, history.text, TANK_KEPT - NS_PER_S, &past, &why), ERR_RANGE);
    ck_assert_msg(strstr(why.text, "it is kept from 2023-11-14T23:00:02Z") != NULL, "%s", why.text);
    living_fini(&living);
}
END_TEST

KIT_MAIN("flow.past", behind_a_snapshot_it_has_the_bits_of_then_beside_the_engine_that_writes, behind_all_snapshots_it_is_within_what_was_known_then,
         late_samples_are_known_from_when_they_came, values_are_those_that_were_recorded_as_far_back_as_they_are_kept)
