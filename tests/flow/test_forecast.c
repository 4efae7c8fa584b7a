/* Looking ahead with the real program: from a start, a recording, a history; as a table, JSON, CSV and a picture. */
#include "flow/flow.h"

#include <jansson.h>

enum { CALL_MS = 120000 };

typedef struct Outcome {
    int status;
    char *out, *err;
} Outcome;

static Outcome call(const char *const *arguments)
{
    Child child = child_start("call", arguments);
    const int status = child_wait(&child, CALL_MS);
    if (status == -1)
        child_kill(&child);
    return (Outcome){status, flow_read(child.out.text), flow_read(child.err.text)};
}
#define FORECAST(...) call((const char *const[]){"forecast", __VA_ARGS__, "--codegen", "off", NULL})

static void forget(Outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
}

static void require(const Outcome *outcome)
{
    ck_assert_msg(outcome->status == 0, "%s", outcome->err);
    ck_assert_str_eq(outcome->err, "");
}

static FlowPath scenario(void)
{
    return flow_write("ahead.lua", "return scenario 'ahead' { horizon = 60, members = 200, points = 6, tags = { 'incubator.T_box', 'incubator.t2' },\n"
                                   "  alternatives = { { name = 'heated', changes = { ['incubator.heater_on'] = 1 } } } }\n");
}

static json_t *parse(const Outcome *outcome)
{
    json_error_t error;
    json_t *root = json_loads(outcome->out, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", error.text, outcome->out);
    return root;
}

static json_t *series_of(json_t *root, size_t index, size_t row)
{
    return json_array_get(json_object_get(json_array_get(json_object_get(root, "cases"), index), "series"), row);
}

static double number_at(json_t *series, const char *key, size_t index)
{
    return json_number_value(json_array_get(json_object_get(series, key), index));
}

START_TEST(json_is_the_same_on_any_number_of_threads)
{
    const FlowPath path = scenario();
    Outcome one = FORECAST(FLOW_PLANT, path.text, "--json"), two = FORECAST(FLOW_PLANT, path.text, "--json", "--threads", "2"),
            other = FORECAST(FLOW_PLANT, path.text, "--json", "--seed", "9");
    require(&one);
    ck_assert_str_eq(one.out, two.out);
    ck_assert_str_ne(one.out, other.out);

    json_t *root = parse(&one);
    ck_assert(json_is_null(json_object_get(root, "time")));
    ck_assert_uint_eq(json_array_size(json_object_get(root, "cases")), 2);
    ck_assert_double_eq(number_at(root, "quantiles", 0), 5);
    json_t *box = series_of(root, 0, 0), *heated = series_of(root, 1, 0);
    ck_assert_str_eq(json_string_value(json_object_get(box, "unit")), "degC");
    ck_assert_uint_eq(json_array_size(json_object_get(box, "mean")), 7);
    ck_assert_double_gt(number_at(heated, "difference", 6), 1);
    ck_assert_ptr_null(json_object_get(box, "difference"));
    json_decref(root);
    forget(&one);
    forget(&two);
    forget(&other);
}
END_TEST

START_TEST(the_table_the_csv_and_the_picture_name_everything)
{
    const FlowPath path = scenario(), picture = flow_path("ahead.svg");
    Outcome table = FORECAST(FLOW_PLANT, path.text, "--svg", picture.text), csv = FORECAST(FLOW_PLANT, path.text, "--csv");
    require(&table);
    require(&csv);
    static const char *const words[] = {
        "incubator: ahead, 60 s ahead from its start, 200 members", "incubator.T_box, degC", "incubator.t2, degC", "heated", "50 %", "more than the base case"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_msg(strstr(table.out, words[i]) != NULL, "no \"%s\" in %s", words[i], table.out);
    ck_assert_ptr_nonnull(strstr(csv.out, "\n\"heated\",incubator.t2,degC,60,"));
    char *svg = flow_read(picture.text);
    ck_assert_ptr_nonnull(strstr(svg, "</svg>"));
    free(svg);
    forget(&table);
    forget(&csv);
}
END_TEST

/* The moment of a recording, and a history that was written up to about there: the same estimate, so nearly the same forecast. */
START_TEST(a_forecast_begins_where_a_recording_or_a_history_is)
{
    const FlowPath path = scenario(), tape = flow_tape(), history = flow_path("ahead.db");
    flow_play(tape.text, history.text, NULL);
    Outcome end = FORECAST(FLOW_PLANT, path.text, "--json", "--history", history.text);
    require(&end);
    json_t *root = parse(&end);
    const char *time = json_string_value(json_object_get(root, "time"));
    ck_assert_ptr_nonnull(time);
    Outcome moment = FORECAST(FLOW_PLANT, path.text, "--json", "--tape", tape.text, "--at", time);
    require(&moment);
    ck_assert_str_eq(moment.out, end.out);
    Outcome past = FORECAST(FLOW_PLANT, path.text, "--json", "--history", history.text, "--at", time);
    ck_assert_str_eq(past.out, end.out);
    forget(&past);

    // and what is known narrows the start, which is 10 K wide
    ck_assert_double_lt(number_at(series_of(root, 0, 0), "sd", 0), 2);
    json_decref(root);
    forget(&end);
    forget(&moment);
}
END_TEST

START_TEST(what_cannot_be_forecast_is_said_in_one_line)
{
    const FlowPath wrong = flow_write("wrong.lua", "return scenario 'wrong' {\n  horizon = 60,\n  tags = { 'incubator.T_bax' },\n}\n"), tape = flow_tape();
    const FlowPath early = scenario(),
                   follow = flow_write("follow.lua", "return scenario 'follow' { horizon = 60, tags = { 'incubator.t2' }, tape = 'nobody.csv' }\n");
    const struct {
        Outcome outcome;
        const char *expected;
    } cases[] = {
        {FORECAST(FLOW_PLANT, wrong.text), "wrong.lua:3: tags: the plant \"incubator\" has no \"incubator.T_bax\""},
        {FORECAST(FLOW_PLANT, "nobody.lua"), "nobody.lua: No such file"},
        {FORECAST(FLOW_PLANT, early.text, "--tape", tape.text, "--at", "2199-01-01T00:00:00Z"), "ends before 2199-01-01T00:00:00Z"},
        {FORECAST(FLOW_PLANT, early.text, "--history", "/nowhere/x.db"), "/nowhere/x.db"},
        {FORECAST(FLOW_PLANT, follow.text), "there is no recording \"nobody.csv\" beside it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Outcome outcome = cases[i].outcome;
        ck_assert_int_eq(outcome.status, 1);
        ck_assert_msg(strstr(outcome.err, cases[i].expected) != NULL, "expected \"%s\" in: %s", cases[i].expected, outcome.err);
        ck_assert_str_eq(outcome.out, "");
        forget(&outcome);
    }
}
END_TEST

/* Each plant has a scenario, and it can be read and forecast with a few members. */
START_TEST(every_plant_has_a_scenario_that_can_be_forecast)
{
    static const char *const plants[] = {"waterworks", "incubator", "hvac", "fleet"};
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        char plant[FLOW_PATH], path[FLOW_PATH];
        snprintf(plant, sizeof plant, "%s/twins/plants/%s.lua", POLLUX_SOURCE, plants[i]);
        snprintf(path, sizeof path, "%s/twins/scenarios/%s.lua", POLLUX_SOURCE, plants[i]);
        Outcome outcome = FORECAST(plant, path, "--members", "10", "--json");
        require(&outcome);
        json_t *root = parse(&outcome);
        json_t *cases = json_object_get(root, "cases");
        ck_assert_uint_eq(json_array_size(cases), 3);
        for (size_t c = 0; c < 3; c++)
            ck_assert_double_eq(json_number_value(json_object_get(json_array_get(cases, c), "lost")), 0);
        json_decref(root);
        forget(&outcome);
    }
}
END_TEST

static double share_passed(json_t *root, size_t index, const char *twin, const char *alarm)
{
    size_t i;
    json_t *limit;
    json_array_foreach(json_object_get(json_array_get(json_object_get(root, "cases"), index), "limits"), i, limit)
        if (strcmp(json_string_value(json_object_get(limit, "twin")), twin) == 0 && strcmp(json_string_value(json_object_get(limit, "alarm")), alarm) == 0)
            return json_number_value(json_object_get(limit, "probability"));
    ck_abort_msg("no limit %s.%s", twin, alarm);
}

START_TEST(handlers_of_a_plant_act_in_its_forecasts)
{
    const char *const plant = POLLUX_SOURCE "/twins/plants/waterworks.lua", *const path = POLLUX_SOURCE "/twins/scenarios/waterworks_clog.lua";
    Outcome outcome = FORECAST(plant, path, "--members", "10", "--json");
    require(&outcome);
    json_t *root = parse(&outcome);
    ck_assert_double_eq(share_passed(root, 0, "basin_b", "overflow"), 1);
    ck_assert_double_eq(share_passed(root, 1, "basin_b", "overflow"), 0);
    ck_assert_double_eq_tol(number_at(series_of(root, 0, 1), "mean", 60), 2900, 1e-9);  // rpm that the well's pump is told
    ck_assert_double_eq_tol(number_at(series_of(root, 1, 1), "mean", 60), 1700, 1e-9);
    json_decref(root);
    forget(&outcome);
}
END_TEST

/* A warmer room takes less heat, so the warmest is the cheapest. */
START_TEST(a_search_finds_the_end_of_its_range)
{
    const FlowPath path = flow_write("room.json",
                                     "{\"horizon\":60,\"members\":64,\"points\":2,\"tags\":[\"incubator.T_box\"],\"cost\":{\"final\":\"t.incubator.loss\"},"
                                     "\"changes\":{\"incubator.T_room\":20},"
                                     "\"optimize\":{\"vary\":{\"incubator.T_room\":[10,30]},\"limits\":{\"incubator.hot\":0.05},\"forecasts\":20}}");
    Outcome found = FORECAST(FLOW_PLANT, path.text, "--optimize", "--json");
    require(&found);
    json_t *root = parse(&found), *optimum = json_object_get(root, "optimum"), *value = json_array_get(json_object_get(optimum, "values"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(value, "tag")), "incubator.T_room");
    ck_assert_double_eq_tol(json_number_value(json_object_get(value, "value")), 30, 0.05);
    ck_assert(json_is_true(json_object_get(optimum, "keeps_limits")));
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(root, "forecast"), "cases")), 2);
    json_decref(root);
    forget(&found);

    Outcome table = FORECAST(FLOW_PLANT, path.text, "--optimize");
    require(&table);
    ck_assert(strstr(table.out, "incubator.T_room") && strstr(table.out, "best"));
    forget(&table);
}
END_TEST

/* On a day that identified nothing, at another voltage of the fan: one minute ahead the samples lie within the bands, five minutes ahead the forecast is
 * far better than none, though its bands are too narrow (docs/measurements.md). */
START_TEST(forecasts_of_the_incubator_beat_persistence)
{
    if (!kit_recordings())
        return;
    char tape[FLOW_PATH];
    snprintf(tape, sizeof tape, "%s/heating_24v_2020-09-18.csv", kit_recordings());
    Outcome judged = FORECAST(FLOW_PLANT, "--tape", tape, "--backtest", "--inputs", "tape", "--horizon", "60,300",
                              "--every", "120", "--members", "128", "--json");
    require(&judged);
    json_t *root = parse(&judged), *sensors = json_object_get(root, "sensors");
    ck_assert_uint_eq(json_array_size(sensors), 2);
    for (size_t i = 0; i < 2; i++)
        for (size_t h = 0; h < 2; h++) {
            json_t *score = json_array_get(json_object_get(json_array_get(sensors, i), "horizons"), h);
            const double rmse = json_number_value(json_object_get(score, "rmse"));
            ck_assert_double_gt(json_number_value(json_object_get(score, "rmse_persistence")), (h ? 3 : 5) * rmse);
            ck_assert_double_gt(json_number_value(json_object_get(score, "crps_persistence")), 2 * json_number_value(json_object_get(score, "crps")));
            ck_assert(h || json_number_value(json_object_get(score, "within_90")) > 0.85);
        }
    json_decref(root);
    forget(&judged);
}
END_TEST

/* What a recording has left in a history is a recording. */
START_TEST(a_history_judges_as_the_recording_does_that_it_is_of)
{
    const FlowPath tape = flow_tape(), history = flow_path("judged.db");
    flow_play(tape.text, history.text, NULL);
    Outcome of_tape = FORECAST(FLOW_PLANT, "--tape", tape.text, "--backtest", "--horizon", "30,60", "--every", "60", "--members", "32", "--settling", "--json");
    Outcome of_history = FORECAST(FLOW_PLANT, "--history", history.text, "--backtest", "--horizon", "30,60", "--every", "60", "--members", "32", "--settling", "--json");
    require(&of_tape);
    require(&of_history);
    json_t *root = parse(&of_tape);
    ck_assert_int_gt(json_integer_value(json_object_get(root, "forecasts")), 10);
    ck_assert_str_eq(of_history.out, of_tape.out);
    json_decref(root);
    forget(&of_tape);
    forget(&of_history);
}
END_TEST

START_TEST(what_a_back_test_needs_is_said)
{
    const FlowPath path = scenario();
    Outcome bare = FORECAST(FLOW_PLANT, "--backtest"), falling = FORECAST(FLOW_PLANT, "--backtest", "--tape", "x.csv", "--horizon", "60,30"),
            none = FORECAST(FLOW_PLANT), nothing = FORECAST(FLOW_PLANT, path.text, "--optimize");
    ck_assert_ptr_nonnull(strstr(bare.err, "--backtest needs --tape FILE"));
    ck_assert_ptr_nonnull(strstr(falling.err, "expected rising seconds"));
    ck_assert_ptr_nonnull(strstr(none.err, "expected SCENARIO"));
    ck_assert_ptr_nonnull(strstr(nothing.err, "--optimize needs optimize"));
    forget(&bare), forget(&falling), forget(&none), forget(&nothing);
}
END_TEST

KIT_MAIN("flow.forecast", json_is_the_same_on_any_number_of_threads, the_table_the_csv_and_the_picture_name_everything,
         a_forecast_begins_where_a_recording_or_a_history_is, what_cannot_be_forecast_is_said_in_one_line, every_plant_has_a_scenario_that_can_be_forecast,
         handlers_of_a_plant_act_in_its_forecasts, a_search_finds_the_end_of_its_range, forecasts_of_the_incubator_beat_persistence,
         a_history_judges_as_the_recording_does_that_it_is_of, what_a_back_test_needs_is_said)
