/* A forecast from a moment of a history, held against the one that the living plant made then: to the bit where a snapshot, or the beginning, lies before it,
 * within what is known of the estimate where both are long gone. */
#include "flow/feed.h"
#include "flow/flow.h"

#include <jansson.h>

#include "app/past.h"
#include "forecast/report.h"

enum { CALL_MS = 120000, MOMENTS = 2, LONG_AGO = 400, LATER = 1000, THIN = 1100, AGAIN = 1130 };  // s of the tape
static const ConnectorType feed_type = {.name = "feed", .poll = feed_poll, .send = feed_send, .stored = feed_stored};

// --- the living plant ----------------------------------------------------------------------------------------------

/* What the living plant said at a moment. */
typedef struct Told {
    int64_t at, time;
    uint64_t hash;
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
    ck_assert_msg(forecast_run(fork, scenario, &(ForecastDef){.threads = 1}, &forecast, &why) == ERR_OK, "%s", why.text);
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
        if (living->scenario)
            foretell(living->scenario, app, &told->json);
    }
}

/* The clock stands, so that snapshots are taken at the first tick and at the end alone. */
static App *start(Living *living, const Clock *clock)
{
    return flow_app(&(AppDef){.plant = living->plant, .history = living->history, .speed = INFINITY, .quiet = true, .clock = clock, .provider_clock = true, .ticked = note_tick, .self = living});
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
    return flow_write("past.lua", "return scenario 'past' { horizon = 300, members = 100, points = 3, tags = { 'incubator.T_box', 'incubator.t2', 'incubator.G_box' },\n"
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

/* The means differ by less than the sd of then, and the sd itself by little: the covariance is the filter's own again. */
static void assert_alike(const char *then, const char *now)
{
    json_t *a = parse(then), *b = parse(now);
    ck_assert_str_eq(json_string_value(json_object_get(a, "time")), json_string_value(json_object_get(b, "time")));
    for (size_t row = 0; row < 3; row++)
        for (size_t i = 0; i < 4; i++) {
            const double sd = number_at(series_of(a, row), "sd", i), off = number_at(series_of(b, row), "mean", i) - number_at(series_of(a, row), "mean", i);
            ck_assert_double_gt(sd, 0);
            ck_assert_msg(fabs(off) < sd, "series %zu, time %zu: off by %g, sd %g", row, i, off, sd);
            ck_assert_msg(fabs(number_at(series_of(b, row), "sd", i) / sd - 1) < 0.5, "series %zu, time %zu: sd %g, then %g", row, i, number_at(series_of(b, row), "sd", i), sd);
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
    assert_refused(forecast(FLOW_PLANT, path.text, history.text, living.begin - NS_PER_S), "the history begins at 20");
    assert_refused(forecast(FLOW_PLANT, path.text, history.text, living.begin + 86400 * NS_PER_S), "the history ends at 20");
    assert_refused(forecast(FLOW_PLANT, path.text, "/nowhere/x.db", living.told[0].at), "/nowhere/x.db");
    assert_refused(forecast(other.text, path.text, history.text, living.told[1].at), "another version of plant \"incubator\"");
    assert_refused(forecast(other.text, path.text, history.text, living.begin + (AGAIN + 5) * NS_PER_S), "another version of plant \"incubator\"");
    living_fini(&living);
}
END_TEST

KIT_MAIN("flow.past", behind_a_snapshot_it_has_the_bits_of_then_beside_the_engine_that_writes, behind_all_snapshots_it_is_within_what_was_known_then)
