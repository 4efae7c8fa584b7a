/* Members beside the twins that they were: connections, delays, events, changes, and what stops being finite. */
#include <string.h>

#include "forecast/ahead.h"

/* Nothing here is uncertain, so that a member is the living twin: a valve that opens and shuts, a tank with a delayed outlet, and two that feed each other. */
static const char tank[] = "return model 'tank' {\n"
                           "  params = { area = { 0.02, 'm^2' } },\n"
                           "  inputs = { inflow = { 4, 'l/min', min = 0, max = 60 }, back = { 0, 'l/min' } },\n"
                           "  states = { level = { 30, 'cm' }, filling = { 1, '1' } },\n"
                           "  equations = function(t)\n"
                           "    local drain = quantity(0.25, 'cm^2') * sqrt(2 * g * max(t.level, quantity(1, 'mm')))\n"
                           "    t.outflow = output(delay(drain, 0.9), 'l/min')\n"
                           "    t.level.rate = (t.inflow * t.filling + 0.1 * t.back - drain) / t.area\n"
                           "    t.filling.rate = 0\n"
                           "    event(above(t.level, quantity(31, 'cm')), { filling = 0 })\n"
                           "    event(below(t.level, quantity(29, 'cm')), { filling = 1 })\n"
                           "  end,\n"
                           "  sensors = { gauge = { of = 'level', noise = 1, unit = 'mm' } },\n"
                           "}\n";

static Plant *load(const char *text)
{
    scripts_write("tank.lua", tank);
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    if (plant_load(scripts_write("members.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    plant->free_running = true;
    return plant;
}

START_TEST(what_is_certain_goes_on_as_it_would_have_bit_for_bit)
{
    enum { TIMES = 15 };
    Plant *plant = load("return plant 'members' { step = 0.125, clock = 'provider',\n"
                        "  assets = { a = { 'tank', inflow = 40 }, b = { 'tank', inflow = 30, level = 20 }, c = { 'tank', level = 35 } },\n"
                        "  connect = { ['a.outflow'] = 'c.inflow', ['c.outflow'] = { 'a.back', 'b.back' } } }\n");
    for (int i = 0; i < 50; i++)
        plant_advance(plant);

    Ahead ahead = {.tags = {"a.level", "b.level", "c.level", "c.inflow", "a.filling", "b.outflow", "c.gauge"}, .members = 3, .paths = 3};
    for (int i = 0; i < TIMES; i++)
        ahead.times[i] = (i + 1) * 20 * AHEAD_STEP;
    Forecast *forecast = ahead_run(plant, &ahead);
    ck_assert_uint_eq(forecast->time_count, TIMES);
    for (size_t time = 0; time < TIMES; time++) {
        for (int i = 0; i < 20; i++)
            plant_advance(plant);
        plant_derive(plant);
        for (size_t row = 0; row < 7; row++)
            for (size_t member = 0; member < 3; member++) {
                const double is = forecast->cases[0].series[row].paths[member * TIMES + time],
                             expected = *ahead_cell(plant, row == 6 ? "c.level" : ahead.tags[row]);
                ck_assert_msg(is == expected, "%s after %zu x 20 steps: %.17g, not %.17g", ahead.tags[row], time + 1, is, expected);
            }
    }
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* x' = y - x, y' = x - 2 y as one model, and as two that feed each other: with Euler's steps a loop carries exactly what the equations say. */
START_TEST(connected_twins_are_the_same_equations_as_one_model)
{
    enum { TIMES = 12 };
    scripts_write("pair.lua", "return model 'pair' { stepper = 'euler', states = { x = { 1, '1' }, y = { 3, '1' } },\n"
                              "  equations = function(t) local s = quantity(1, 's') t.x.rate, t.y.rate = (t.y - t.x) / s, (t.x - 2 * t.y) / s end,\n"
                              "  sensors = { probe = { of = 'x', noise = 1 } } }\n");
    scripts_write("half.lua",
                  "return model 'half' { stepper = 'euler', params = { own = { 1, '1' } }, inputs = { other = { 0, '1' } }, states = { x = { 1, '1' } },\n"
                  "  equations = function(t) t.x.rate = (t.other - t.own * t.x) / quantity(1, 's') end, sensors = { probe = { of = 'x', noise = 1 } } }\n");
    Plant *plant = load(
        "return plant 'members' { step = 0.125, clock = 'provider', assets = { both = { 'pair' }, x = { 'half' }, y = { 'half', own = 2, x = 3 } },\n"
        "  connect = { ['x.x'] = 'y.other', ['y.x'] = 'x.other' } }\n");
    Ahead ahead = {.tags = {"both.x", "x.x", "both.y", "y.x"}, .members = 1};
    for (int i = 0; i < TIMES; i++)
        ahead.times[i] = (i + 1) * AHEAD_STEP;
    Forecast *forecast = ahead_run(plant, &ahead);
    const ForecastSeries *series = forecast->cases[0].series;
    for (size_t time = 0; time < TIMES; time++) {
        ck_assert_double_eq_tol(series[1].mean[time], series[0].mean[time], 1e-13);
        ck_assert_double_eq_tol(series[3].mean[time], series[2].mean[time], 1e-13);
    }
    ck_assert_double_lt(series[0].mean[TIMES - 1], 2);
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* e integrates what d shows, so from step to step each member of e rises by what the same member of d is at the end of the step. */
START_TEST(a_member_is_fed_by_the_member_of_its_number)
{
    enum { TIMES = 8, MEMBERS = 70 };
    Plant *plant = ahead_plant("d = { 'decay' }, e = { 'decay', k = 0 }", "['d.x'] = 'e.u'");
    *plant_cell(plant, 1, plant_model(plant, 1)->covariance) = 0;
    Ahead ahead = {.tags = {"d.x", "e.x", "e.u"}, .members = MEMBERS, .paths = 64};
    for (int i = 0; i < TIMES; i++)
        ahead.times[i] = (i + 1) * AHEAD_STEP;
    Forecast *forecast = ahead_run(plant, &ahead);
    const ForecastSeries *series = forecast->cases[0].series;
    ck_assert_mem_eq(series[0].paths, series[2].paths, 64 * TIMES * sizeof(double));
    ck_assert_double_gt(series[0].sd[0], 0.4);
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_change_holds_or_goes_straight)
{
    Plant *plant = ahead_plant("d = { 'decay', k = 0 }, e = { 'decay', k = 0, u = 3 }", "");
    const Ahead ahead = {.tags = {"d.u", "e.u", "d.k"},
                         .times = {0, 0.5, 1, 1.5, 2, 2.5, 3, 4},
                         .members = 1,
                         .changes = {{{"d.u", false, {{0.5, 1}, {2, -4}}, 2}, {"e.u", true, {{1, 10}, {3, 20}}, 2}, {"d.k", false, {{2.4, 1}}, 1}}}};
    // at a time stands what held over the step that ends there, at 0 what holds from then on; a change in the middle of a step waits for its end
    static const double expected[3][8] = {{0, 0, 1, 1, 1, -4, -4, -4}, {3, 3, 3, 11.875, 14.375, 16.875, 19.375, 20}, {0, 0, 0, 0, 0, 0, 1, 1}};
    Forecast *forecast = ahead_run(plant, &ahead);
    for (size_t row = 0; row < 3; row++)
        for (size_t time = 0; time < 8; time++)
            ck_assert_double_eq_tol(forecast->cases[0].series[row].mean[time], expected[row][time], 1e-12);
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* An output that follows an input: above its limit from 1 to 1.5 s, and from 3 s on. */
START_TEST(a_limit_is_passed_when_an_excursion_lasts)
{
    scripts_write("show.lua",
                  "return model 'show' { inputs = { u = { 0, '1' } }, states = { x = { 0, '1' } },\n"
                  "  equations = function(t) t.x.rate = 0 t.shown = output(2 * t.u, '1') end, sensors = { probe = { of = 'x', noise = 1 } },\n"
                  "  alarms = { at_once = { high = { 'shown', 1 } }, held = { high = { 'shown', 1 }, hold = 1 }, long = { high = { 'shown', 1 }, hold = 2 },\n"
                  "             never = { low = { 'u', -1 } } } }\n");
    Plant *plant = load("return plant 'members' { step = 0.125, clock = 'provider', assets = { s = { 'show' } } }\n");
    const Ahead ahead = {.tags = {"s.x"}, .times = {4.75}, .members = 10, .changes = {{{"s.u", false, {{1, 1}, {1.5, 0}, {3, 1}}, 3}}}};
    Forecast *forecast = ahead_run(plant, &ahead);
    const struct {
        const char *name;
        double share, time;
    } expected[] = {{"at_once", 1, 1.125}, {"held", 1, 3.125}, {"long", 0, NAN}, {"never", 0, NAN}};
    ck_assert_uint_eq(forecast->limit_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const ForecastLimit *limit = &forecast->cases[0].limits[i];
        ck_assert_str_eq(limit->alarm->name, expected[i].name);
        ck_assert_msg(limit->passed.share == expected[i].share, "%s: %g", expected[i].name, limit->passed.share);
        for (size_t q = 0; q < 5; q++)
            ck_assert(isnan(expected[i].time) ? isnan(limit->times[q]) : limit->times[q] == expected[i].time);
    }
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* x' = x^3 from 1 is 1 / sqrt(1 - 2 t): no number any more soon after half a second, where it began at more than 0.7. */
START_TEST(members_that_stop_being_finite_are_counted_and_left_out)
{
    scripts_write("burst.lua", "return model 'burst' { states = { x = { 0.7, '1', sd = 0.3 } },\n"
                               "  equations = function(t) t.x.rate = t.x ^ 3 / quantity(1, 's') end, sensors = { probe = { of = 'x', noise = 1 } } }\n");
    Plant *plant = load("return plant 'members' { step = 0.125, clock = 'provider', assets = { b = { 'burst' } } }\n");
    const Ahead ahead = {.tags = {"b.x"}, .times = {0, 4}, .members = 640, .paths = 64};
    Forecast *forecast = ahead_run(plant, &ahead);
    const ForecastCase *what = &forecast->cases[0];
    ck_assert_uint_gt(what->lost, 320);
    ck_assert_uint_lt(what->lost, 640);
    ck_assert(isfinite(what->series[0].mean[1]) && isfinite(what->series[0].quantiles[9]));
    for (size_t member = 0; member < 64; member++) {
        const double *path = &what->series[0].paths[member * 2];
        ck_assert_msg(isfinite(path[1]) == (fabs(path[0]) < 0.36), "%g becomes %g", path[0], path[1]);
    }
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* A walk between walls: drawn far beyond them, and shaken. The walls hold much of it at any time, and nothing is outside. */
START_TEST(members_stay_within_the_limits_of_their_states)
{
    scripts_write("walls.lua", "return model 'walls' { states = { x = { 0, '1', min = -1, max = 2, noise = 1, sd = 3 } },\n"
                               "  equations = function(t) t.x.rate = 0 end, sensors = { probe = { of = 'x', noise = 1 } } }\n");
    Plant *plant = load("return plant 'members' { step = 0.125, clock = 'provider', assets = { w = { 'walls' } } }\n");
    const Ahead ahead = {.tags = {"w.x"}, .times = {0, 0.125, 3}, .members = 640, .paths = 64};
    Forecast *forecast = ahead_run(plant, &ahead);
    const ForecastSeries *series = forecast->cases[0].series;
    for (size_t i = 0; i < 64 * 3; i++)
        ck_assert(series->paths[i] >= -1 && series->paths[i] <= 2);
    for (size_t time = 0; time < 3; time++)
        ck_assert(series->quantiles[time] == -1 && series->quantiles[4 * 3 + time] == 2);
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_twin_in_quarantine_stands_still)
{
    Plant *plant = ahead_plant("d = { 'decay' }, e = { 'decay' }", "");
    plant->blocks[plant->twins[0].block].quarantined |= UINT64_C(1) << plant->twins[0].lane;
    const Ahead ahead = {.tags = {"d.x", "e.x"}, .times = {0, 5}, .members = 10};
    Forecast *forecast = ahead_run(plant, &ahead);
    ck_assert(forecast->cases[0].series[0].mean[1] == 2 && forecast->cases[0].series[0].sd[1] == 0);
    ck_assert(forecast->cases[0].series[1].mean[1] < 1 && forecast->cases[0].series[1].sd[1] > 0);
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

/* While twin and asset have parted the filter lets states wander four times as fast; so do members. */
START_TEST(a_twin_that_has_parted_is_less_certain)
{
    Plant *plant = ahead_plant("w = { 'walk' }", "");
    *plant_cell(plant, 0, plant_model(plant, 0)->parted) = 1;
    const Ahead ahead = {.tags = {"w.x"}, .times = {10}, .members = 5000};
    Forecast *forecast = ahead_run(plant, &ahead);
    ck_assert_double_eq_tol(forecast->cases[0].series[0].sd[0], 4 * sqrt(10), 5 * 4 * sqrt(10) / sqrt(2 * 5000));
    forecast_destroy(forecast);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_fork_takes_what_feeds_its_twins_and_nothing_else)
{
    Plant *plant = ahead_plant("a = { 'decay' }, b = { 'decay' }, c = { 'decay' }, d = { 'decay' }", "['a.x'] = 'b.u', ['b.x'] = 'c.u', ['c.x'] = 'd.u'");
    const Ahead ahead = {.tags = {"c.x"}};
    Fork *fork = ahead_fork(plant, &ahead);
    ck_assert_uint_eq(fork->twin_count, 3);
    ck_assert_uint_eq(fork->link_count, 2);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(fork->twins[i].stage, i);
        ck_assert_int_eq(fork_find(fork, fork->twins[i].twin), i);
    }
    ck_assert_int_eq(fork_find(fork, (uint32_t)plant_find(plant, "d")), -1);
    fork_destroy(fork);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_step_function_is_not_forecast)
{
    scripts_write(
        "own.lua",
        "return model 'own' { states = { x = { 0, '1' } }, step = function(self, dt) self.x = self.x + dt end, sensors = { probe = { of = 'x', noise = 1 } } }\n");
    Plant *plant = load("return plant 'members' { step = 0.125, clock = 'provider', assets = { o = { 'own' } } }\n");
    const uint32_t twin = 0;
    Fork *fork;
    ErrText why;
    ck_assert_int_eq(fork_take(plant, 0, &twin, 1, &fork, &why), ERR_SCRIPT);
    ck_assert_msg(strstr(why.text, "o cannot be forecast: model \"own\" is stepped by a Lua function"), "%s", why.text);
    ck_assert_ptr_null(fork);
    plant_destroy(plant);
}
END_TEST

START_TEST(too_little_memory_is_an_error_and_nothing_else)
{
    Plant *plant = ahead_plant("d = { 'decay' }, e = { 'decay' }", "['d.x'] = 'e.u'");
    const uint32_t twin = 1;
    const TagId tag = ahead_tag(plant, "e.x");
    const double time = 1;
    Case cases[] = {{.name = "a", .doc = ""}, {.name = "b", .doc = ""}};
    const Scenario scenario = {.name = "s",
                               .doc = "",
                               .horizon = 1,
                               .members = 100,
                               .times = &time,
                               .time_count = 1,
                               .tags = &tag,
                               .tag_count = 1,
                               .quantiles = ahead_quantiles,
                               .quantile_count = 5,
                               .cases = cases,
                               .case_count = 2};
    bool done = false;
    for (size_t n = 1; n < 200 && !done; n++) {
        Fork *fork;
        Forecast *forecast = NULL;
        ErrText why;
        kit_fail_allocation(n);
        Err err = fork_take(plant, 0, &twin, 1, &fork, &why);
        if (!err)
            err = forecast_run(fork, &scenario, &(ForecastDef){.threads = 2}, &forecast, &why);
        kit_fail_allocation(0);
        ck_assert_msg(err == ERR_OK || err == ERR_MEMORY, "%s", why.text);
        ck_assert((err == ERR_OK) == (forecast != NULL));
        done = !err;
        forecast_destroy(forecast);
        fork_destroy(fork);
    }
    ck_assert(done);
    plant_destroy(plant);
}
END_TEST

START_TEST(more_values_than_are_kept_are_refused_before_the_work)
{
    Plant *plant = ahead_plant("d = { 'decay' }", "");
    const Ahead ahead = {.tags = {"d.x"}};
    const TagId tags[] = {ahead_tag(plant, "d.x"), ahead_tag(plant, "d.twice")};
    static double times[SCENARIO_TIMES_MAX];
    for (int i = 0; i < SCENARIO_TIMES_MAX; i++)
        times[i] = i * AHEAD_STEP;
    Case base = {.name = "a", .doc = ""};
    const Scenario scenario = {.name = "s",
                               .doc = "",
                               .horizon = 1e5,
                               .members = 1000,
                               .times = times,
                               .time_count = SCENARIO_TIMES_MAX,
                               .tags = tags,
                               .tag_count = 2,
                               .quantiles = ahead_quantiles,
                               .quantile_count = 5,
                               .cases = &base,
                               .case_count = 1};
    Fork *fork = ahead_fork(plant, &ahead);
    Forecast *forecast;
    ErrText why;
    ck_assert_int_eq(forecast_run(fork, &scenario, &(ForecastDef){.threads = 1}, &forecast, &why), ERR_FULL);
    ck_assert_msg(strstr(why.text, "1000 members at 10000 times of 2 tags, and 0 alarm limits"), "%s", why.text);
    fork_destroy(fork);
    plant_destroy(plant);
}
END_TEST

static const atomic_int stopped = 1;

START_TEST(a_forecast_that_nobody_wants_any_more_ends)
{
    Plant *plant = ahead_plant("d = { 'decay' }", "");
    const Ahead ahead = {.tags = {"d.x"}};
    const TagId tag = ahead_tag(plant, "d.x");
    const double time = 1e5;
    Case base = {.name = "a", .doc = ""};
    const Scenario scenario = {.name = "s",
                               .doc = "",
                               .horizon = 1e5,
                               .members = 1000,
                               .times = &time,
                               .time_count = 1,
                               .tags = &tag,
                               .tag_count = 1,
                               .quantiles = ahead_quantiles,
                               .quantile_count = 5,
                               .cases = &base,
                               .case_count = 1};
    Fork *fork = ahead_fork(plant, &ahead);
    Forecast *forecast;
    ErrText why;
    ck_assert_int_eq(forecast_run(fork, &scenario, &(ForecastDef){.stop = &stopped}, &forecast, &why), ERR_CLOSED);
    ck_assert_ptr_null(forecast);
    fork_destroy(fork);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("forecast.members", what_is_certain_goes_on_as_it_would_have_bit_for_bit, connected_twins_are_the_same_equations_as_one_model,
         a_member_is_fed_by_the_member_of_its_number, a_change_holds_or_goes_straight, a_limit_is_passed_when_an_excursion_lasts,
         members_that_stop_being_finite_are_counted_and_left_out, members_stay_within_the_limits_of_their_states, a_twin_in_quarantine_stands_still,
         a_twin_that_has_parted_is_less_certain, a_fork_takes_what_feeds_its_twins_and_nothing_else, a_step_function_is_not_forecast,
         too_little_memory_is_an_error_and_nothing_else, more_values_than_are_kept_are_refused_before_the_work, a_forecast_that_nobody_wants_any_more_ends)
