/* Scenarios as people write them: Lua and JSON say the same, and what is wrong is named with its line. */
#include <string.h>

#include "forecast/ahead.h"
#include "forecast/report.h"

static Plant *plant_of_two(void)
{
    return ahead_plant("d = { 'decay' }, w = { 'walk' }, e = { 'decay' }", "['d.x'] = 'e.u'");
}

static Scenario *read(const char *path, const Plant *plant)
{
    Scenario *scenario;
    ErrText why = {""};
    if (scenario_read(path, plant, &scenario, &why))
        ck_abort_msg("%s", why.text);
    return scenario;
}

static Forecast *run(const Scenario *scenario, const Plant *plant, size_t threads)
{
    Fork *fork;
    Forecast *forecast = NULL;
    ErrText why = {""};
    if (scenario_fork(scenario, plant, TIME_NONE, &fork, &why) || forecast_run(fork, scenario, &(ForecastDef){.threads = threads}, &forecast, &why))
        ck_abort_msg("%s", why.text);
    fork_destroy(fork);
    return forecast;
}

static const char lua[] = "return scenario 'both' {\n"
                          "  doc = 'says the same', horizon = 10, members = 100, seed = 4, times = { 1, 5, 10 }, quantiles = { 10, 50, 90 }, paths = 2,\n"
                          "  tags = { 'd.x', 'e.probe' }, twins = { 'w' },\n"
                          "  changes = { ['d.u'] = 2, ['d.k'] = { { 0, 0.1 }, { 5, 0.2 } } },\n"
                          "  cost = { integral = 't.d.twice ^ 2 + 1', unit = 'min' },\n"
                          "  alternatives = { { name = 'led', changes = { ['d.u'] = { straight = { { 0, 0 }, { 10, 4 } } } } } },\n"
                          "}\n";
static const char json[] =
    "{ \"name\": \"both\", \"doc\": \"says the same\", \"horizon\": 10, \"members\": 100, \"seed\": 4, \"times\": [1, 5, 10], \"quantiles\": [10, 50, 90],\n"
    "  \"paths\": 2, \"tags\": [\"d.x\", \"e.probe\"], \"twins\": [\"w\"],\n"
    "  \"changes\": { \"d.u\": 2, \"d.k\": [[0, 0.1], [5, 0.2]] }, \"cost\": { \"integral\": \"t.d.twice ^ 2 + 1\", \"unit\": \"min\" },\n"
    "  \"alternatives\": [{ \"name\": \"led\", \"changes\": { \"d.u\": { \"straight\": [[0, 0], [10, 4]] } } }] }\n";

START_TEST(lua_and_json_say_the_same)
{
    Plant *plant = plant_of_two();
    Scenario *a = read(scripts_write("both.lua", lua), plant), *b = read(scripts_write("both.json", json), plant);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_uint_eq(a->case_count, 2);
    ck_assert_uint_eq(a->cases[1].change_count, 2);  // one of its own in place of the base's, and the other one
    Forecast *x = run(a, plant, 1), *y = run(b, plant, 2);
    ck_assert_uint_eq(ahead_hash(x), ahead_hash(y));
    Text text_x = {0}, text_y = {0};
    forecast_json(x, &text_x);
    forecast_json(y, &text_y);
    ck_assert_str_eq(text_x.bytes, text_y.bytes);
    ck_assert_uint_eq(x->limit_count, 2);  // of w, which no tag names
    text_fini(&text_x);
    text_fini(&text_y);
    forecast_destroy(x);
    forecast_destroy(y);
    scenario_destroy(a);
    scenario_destroy(b);
    plant_destroy(plant);
}
END_TEST

START_TEST(what_is_not_said_has_a_value)
{
    Plant *plant = plant_of_two();
    Scenario *scenario = read(scripts_write("short.lua", "return scenario 'short' { horizon = 60, tags = { 'd.x' } }\n"), plant);
    ck_assert_uint_eq(scenario->members, 500);
    ck_assert_uint_eq(scenario->time_count, 61);
    ck_assert(scenario->times[0] == 0 && scenario->times[60] == 60);
    ck_assert_uint_eq(scenario->quantile_count, 5);
    ck_assert_uint_eq(scenario->case_count, 1);
    scenario_destroy(scenario);
    plant_destroy(plant);
}
END_TEST

/* The second line of each is the one that is wrong. */
START_TEST(what_is_wrong_is_named_with_its_line)
{
    static const struct {
        const char *line, *expected;
    } cases[] = {
        {"tags = { 'd.y' },", "tags: the plant \"ahead\" has no \"d.y\""},
        {"tags = {},", "\"tags\" must be a list of 1 to 256, got an empty one"},
        {"tags = { 'd.x' }, twins = { 'z' },", "twins: the plant \"ahead\" has no twin \"z\""},
        {"tags = { 'd.x' }, mebers = 5,", "unknown key \"mebers\""},
        {"tags = { 'd.x' }, members = 0,", "members must be a whole number from 1 to 65536"},
        {"tags = { 'd.x' }, members = 'ten',", "expected a number, got string"},
        {"tags = { 'd.x' }, times = { 3, 2 },", "\"times\": expected rising numbers from 0 to 10, number 2 is not"},
        {"tags = { 'd.x' }, times = { 11 },", "\"times\": expected rising numbers"},
        {"tags = { 'd.x' }, quantiles = { 101 },", "\"quantiles\": expected rising numbers from 0 to 100"},
        {"tags = { 'd.x' }, every = 0.01,", "every = seconds between two calls of control"},
        {"tags = { 'd.x' }, control = 5,", "control must be a function"},
        {"tags = { 'd.x' }, control = true,", "control = true: the script of plant \"ahead\" has no control of its own"},
        {"tags = { 'd.x' }, control = print, handlers = 1,", "handlers must be true or false"},
        {"tags = { 'd.x' }, handlers = true,", "handlers command actuators, and nothing acts on those here"},
        {"tags = { 'd.x' }, changes = { ['d.z'] = 1 },", "changes: the plant \"ahead\" has no \"d.z\""},
        {"tags = { 'd.x' }, changes = { ['e.u'] = 1 },", "\"e.u\" cannot be changed: a connection feeds it"},
        {"tags = { 'd.x' }, changes = { ['d.twice'] = 1 },", "\"d.twice\" cannot be changed: it is of kind output"},
        {"tags = { 'd.x' }, changes = { ['d.order'] = 1 },", "\"d.order\" is a command, and nothing acts on it"},
        {"tags = { 'd.x' }, changes = { ['d.u'] = 1000 },", "\"d.u\": 1000 1 is outside its limits, -100 to 100"},
        {"tags = { 'd.x' }, changes = { ['d.u'] = { { 1, 1 }, { 1, 2 } } },", "\"d.u\": expected { seconds, value } with rising seconds"},
        {"tags = { 'd.x' }, changes = { ['d.u'] = {} },", "\"d.u\": expected a number, { { seconds, value }, ... }"},
        {"tags = { 'd.x' }, changes = { ['d.u'] = 'up' },", "\"d.u\": expected a number, { { seconds, value }, ... }"},
        {"tags = { 'd.x' }, changes = { ['d.x'] = { straight = { { 0, 1 } } } },", "\"d.x\" can be set at times, but not led along straight lines"},
        {"tags = { 'd.x' }, alternatives = { {} },", "an alternative needs a name"},
        {"tags = { 'd.x' }, alternatives = { 5 },", "an alternative must be a table"},
        {"tags = { 'd.x' }, cost = 5,", "cost: expected { integral"},
        {"tags = { 'd.x' }, cost = {},", "cost: expected integral = \"...\" or final = \"...\""},
        {"tags = { 'd.x' }, cost = { final = 't.d.z' },", "the part \"d\" has no state, parameter, input or output \"z\""},
        {"tags = { 'd.x' }, cost = { final = 't.d.x +' },", "cost: "},
        {"tags = { 'd.x' }, cost = { final = 't.d.x + t.d.k' },", "dimensions differ"},
        {"tags = { 'd.x' }, cost = { integral = 't.d.x', unit = 'kg' },", "it is in \"s\", which does not convert to \"kg\""},
    };
    Plant *plant = plant_of_two();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        Scenario *scenario;
        ErrText why = {""};
        snprintf(text, sizeof text, "return scenario 'wrong' { horizon = 10,\n  %s\n}\n", cases[i].line);
        const char *path = scripts_write("wrong.lua", text);
        ck_assert_int_eq(scenario_read(path, plant, &scenario, &why), ERR_SCRIPT);
        ck_assert_ptr_null(scenario);
        ck_assert_msg(strstr(why.text, "wrong.lua:2: ") && strstr(why.text, cases[i].expected), "%s: %s", cases[i].line, why.text);
    }
    plant_destroy(plant);
}
END_TEST

START_TEST(json_that_is_wrong_is_named_with_its_line)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{\n \"horizon\": 10,\n \"tags\": [\"d.x\"", "ask:3: "},
        {"[1]", "ask:1: expected an object"},
        {"{ \"horizon\": 10, \"horizon\": 5 }", "ask:1: duplicate object key"},
        {"{ \"horizon\": 10,\n \"tags\": [\"d.x\"],\n \"changes\": { \"d.u\": [1, 2] } }", "ask:3: \"d.u\": expected { seconds, value }"},
        {"{ \"horizon\": 10,\n \"tags\": [\"d.x\"],\n \"control\": \"f\" }", "ask:3: control must be a function"},
        {"{ \"horizon\": -1,\n \"tags\": [\"d.x\"] }", "ask:1: horizon = seconds to look ahead"},
        {"{ \"a\": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]] }", "nested deeper than 16"},
    };
    Plant *plant = plant_of_two();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Scenario *scenario;
        ErrText why = {""};
        ck_assert(scenario_read_json("ask", cases[i].text, strlen(cases[i].text), plant, &scenario, &why) != ERR_OK);
        ck_assert_ptr_null(scenario);
        ck_assert_msg(strstr(why.text, cases[i].expected), "%s: %s", cases[i].text, why.text);
    }
    plant_destroy(plant);
}
END_TEST

/* From x = 2 with k = 0 and a slope of 3: the integral of x over 10 s is 20 + 150, by the trapezoidal rule exactly; at the end it is 32. */
START_TEST(costs_are_integrals_and_ends)
{
    static const char *const costs[] = {"integral = 't.d.x', unit = 'min'", "final = 't.d.x / 4'"};
    static const double expected[] = {170, 8};
    Plant *plant = plant_of_two();
    *plant_cell(plant, 0, plant_model(plant, 0)->covariance) = 0;
    for (size_t i = 0; i < 2; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "return scenario 'cost' { horizon = 10, members = 4000, tags = { 'd.x' }, points = 1, changes = { ['d.k'] = 0, ['d.u'] = 3 }, cost = { %s },\n"
                 "  alternatives = { { name = 'more', changes = { ['d.u'] = 4 } } } }\n",
                 costs[i]);
        Scenario *scenario = read(scripts_write("cost.lua", text), plant);
        Forecast *forecast = run(scenario, plant, 1);
        const ForecastCost *cost = &forecast->cases[0].cost, *more = &forecast->cases[1].cost;
        ck_assert_double_eq_tol(cost->mean, expected[i], 5 * cost->sd / sqrt(4000));
        ck_assert_double_eq_tol(more->difference, i ? 2.5 : 50, 1e-9);  // the noise is the same on both sides
        ck_assert_double_lt(more->difference_se, 1e-9);

        // W, the noise, adds a walk: its integral has the variance q^2 T^3 / 3 (for small steps), its end q^2 T
        const double sd = i ? 0.3 * sqrt(10) / 4 : 0.3 * sqrt(1000 / 3.0);
        ck_assert_double_eq_tol(cost->sd, sd, 5 * sd / sqrt(2 * 4000.0) + sd * AHEAD_STEP / 10);
        forecast_destroy(forecast);
        scenario_destroy(scenario);
    }
    plant_destroy(plant);
}
END_TEST

START_TEST(inputs_follow_a_recording_where_nothing_else_changes_them)
{
    Plant *plant = plant_of_two();
    Scenario *scenario = read(
        scripts_write("tape.lua",
                      "return scenario 'tape' { horizon = 10, members = 1, times = { 1, 4, 10 }, tags = { 'd.u' }, tape = 'x.csv', changes = { ['d.k'] = 1 },\n"
                      "  alternatives = { { name = 'own', changes = { ['d.u'] = 9 } } } }\n"),
        plant);
    const TagId u = ahead_tag(plant, "d.u"), fed = ahead_tag(plant, "e.u"), probe = ahead_tag(plant, "d.probe");
    const int64_t from = 1000 * NS_PER_S;
    const Sample samples[] = {
        {from - 9 * NS_PER_S, 1, u, QUALITY_GOOD},    {from - NS_PER_S, 2, u, QUALITY_GOOD},     {from, 50, probe, QUALITY_GOOD},
        {from + 2 * NS_PER_S, 70, fed, QUALITY_GOOD}, {from + 3 * NS_PER_S, 3, u, QUALITY_GOOD}, {from + 4 * NS_PER_S, 60, u, QUALITY_BAD},
        {from + 6 * NS_PER_S, 1e6, u, QUALITY_GOOD}};
    ErrText why;
    ck_assert_str_eq(scenario->tape, "x.csv");
    ck_assert_int_eq(scenario_follow(scenario, plant, samples, sizeof samples / sizeof *samples, from, &why), ERR_OK);
    Forecast *forecast = run(scenario, plant, 1);
    static const double expected[2][3] = {{2, 3, 100}, {9, 9, 9}};  // 100 is the input's maximum
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < 3; i++)
            ck_assert(forecast->cases[c].series[0].mean[i] == expected[c][i]);
    forecast_destroy(forecast);
    scenario_destroy(scenario);
    plant_destroy(plant);
}
END_TEST

static const char thermostat[] =
    "return scenario 'switch' { horizon = 40, members = 100, paths = 64, every = 0.5, points = 80, tags = { 'd.x', 'd.u', 'd.k' },\n"
    "  changes = { ['d.order'] = { { 0, 1 }, { 20, 0 } } },\n"
    "  control = function(device, seconds, memory)\n"
    "    if device['d.probe'] < 1 then memory.on = true elseif device['d.twice'] > 4 then memory.on = false end\n"
    "    device['d.u'] = memory.on and device['d.order'] > 0.5 and 2 or 0\n"
    "    device['d.k'] = seconds < 30 and 0.5 or 1\n"
    "  end }\n";

/* Each member switches by itself, between 1 and 2 as it remembers. */
START_TEST(a_control_function_acts_on_each_member_by_itself)
{
    Plant *plant = plant_of_two();
    Scenario *scenario = read(scripts_write("switch.lua", thermostat), plant);
    Forecast *one = run(scenario, plant, 1), *four = run(scenario, plant, 4);
    ck_assert_uint_eq(ahead_hash(one), ahead_hash(four));
    const ForecastSeries *series = one->cases[0].series;
    size_t differing = 0;
    for (size_t member = 0; member < 64; member++) {
        const double *x = &series[0].paths[member * 81], *u = &series[1].paths[member * 81];
        bool on = false;
        for (size_t i = 1; i < 81; i++) {
            // what is told at a time was decided half a second before, by what was then
            on = x[i - 1] < 1 ? true : x[i - 1] > 2 ? false : on;
            ck_assert_msg(u[i] == (on && i <= 40 ? 2 : 0), "member %zu, %g s: %g", member, 0.5 * (double)i, u[i]);
            differing += u[i] != series[1].paths[i];
        }
    }
    ck_assert_uint_gt(differing, 100);
    ck_assert(series[2].mean[50] == 0.5 && series[2].mean[70] == 1);
    forecast_destroy(one);
    forecast_destroy(four);
    scenario_destroy(scenario);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_control_function_that_fails_ends_the_forecast_with_its_line)
{
    static const struct {
        const char *body, *expected;
    } cases[] = {
        {"device['d.zz'] = 1", "control.lua:2: no value \"d.zz\""},
        {"device['e.u'] = 1", "control.lua:2: \"e.u\" cannot be set by a device: a connection feeds it"},
        {"device['d.u'] = 1e6", "control.lua:2: \"d.u\" = 1000000.0 is outside its limits"},
        {"device['d.twice'] = 1", "control.lua:2: \"d.twice\" cannot be set by a device"},
        {"if seconds > 5 then error('enough') end", "control.lua:2: enough"},
        {"while true do end", "control.lua"},
    };
    Plant *plant = plant_of_two();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "return scenario 'c' { horizon = 10, members = 100, tags = { 'd.x' }, control = function(device, seconds)\n%s\nend }\n",
                 cases[i].body);
        Scenario *scenario = read(scripts_write("control.lua", text), plant);
        Fork *fork;
        Forecast *forecast;
        ErrText why = {""};
        ck_assert_int_eq(scenario_fork(scenario, plant, 0, &fork, &why), ERR_OK);
        ck_assert_int_eq(forecast_run(fork, scenario, &(ForecastDef){.threads = 2}, &forecast, &why), ERR_SCRIPT);
        ck_assert_msg(strstr(why.text, cases[i].expected), "%s: %s", cases[i].body, why.text);
        ck_assert_ptr_null(forecast);
        fork_destroy(fork);
        scenario_destroy(scenario);
    }
    plant_destroy(plant);
}
END_TEST

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

START_TEST(reports_say_all_of_it)
{
    Plant *plant = plant_of_two();
    Scenario *scenario = read(scripts_write("said.lua",
                                            "return scenario 'a <b> & \"c\"' { horizon = 10, members = 50, points = 5, paths = 3, tags = { 'd.x', 'w.x' },\n"
                                            "  alternatives = { { name = 'with, \"quotes\"', changes = { ['d.u'] = 1 } } } }\n"),
                              plant);
    Forecast *forecast = run(scenario, plant, 1);
    Text csv = {0}, svg = {0};
    forecast_csv(forecast, &csv);
    forecast_svg(forecast, &svg);
    ck_assert_uint_eq(count_of(csv.bytes, "\n"), 1 + 2 * 2 * 6);
    ck_assert_ptr_eq(strstr(csv.bytes, "case,tag,unit,seconds,mean,sd,q5,q25,q50,q75,q95,difference,difference_se\n"), csv.bytes);
    ck_assert_uint_eq(count_of(csv.bytes, "\"with, \"\"quotes\"\"\",d.x,"), 6);

    // a document whose marks are closed, with two bands, three paths and a line per tag and case, and the two limits of w where they can be seen
    ck_assert_ptr_eq(strstr(svg.bytes, "<svg xmlns=\"http://www.w3.org/2000/svg\""), svg.bytes);
    ck_assert_uint_eq(count_of(svg.bytes, "</svg>"), 1);
    ck_assert_uint_eq(count_of(svg.bytes, "<text "), count_of(svg.bytes, "</text>"));
    ck_assert_uint_eq(count_of(svg.bytes, "fill-opacity"), 2 * 2 * 2);
    ck_assert_uint_eq(count_of(svg.bytes, "stroke-opacity"), 2 * 2 * 3);
    ck_assert_uint_eq(count_of(svg.bytes, "stroke-width=\"2\""), 2 * 2);
    ck_assert(strstr(svg.bytes, "a &lt;b&gt; &amp; \"c\"") && !strstr(svg.bytes, "nan"));
    text_fini(&csv);
    text_fini(&svg);
    forecast_destroy(forecast);
    scenario_destroy(scenario);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("forecast.scenario", lua_and_json_say_the_same, what_is_not_said_has_a_value, what_is_wrong_is_named_with_its_line,
         json_that_is_wrong_is_named_with_its_line, costs_are_integrals_and_ends, inputs_follow_a_recording_where_nothing_else_changes_them,
         a_control_function_acts_on_each_member_by_itself, a_control_function_that_fails_ends_the_forecast_with_its_line, reports_say_all_of_it)
