/* The plant's own script inside of a forecast: a tank that fills until a handler turns its flow round, member by member, against the same by hand. */
#include <math.h>
#include <string.h>

#include "alarm/rehearse.h"
#include "forecast/forecast.h"
#include "model/scripts.h"

#define STEP 0.125  // exact in binary
enum { MEMBERS = 40, SECONDS = 20, STEPS = SECONDS * 8 };
static const int64_t START = 1000 * NS_PER_S;

static const char tank[] = "return model 'tank' {\n"
                           "  inputs = { flow = { 1, '1', min = -10, max = 10 } },\n"
                           "  states = { x = { 0, '1', sd = 0.5 } },\n"
                           "  equations = function(t) t.x.rate = t.flow / quantity(1, 's') end,\n"
                           "  sensors = { probe = { of = 'x', noise = 1 } },\n"
                           "  actuators = { order = { 1, '1', min = -5, max = 5 }, tally = { 0, '1', min = 0, max = 1e6 } },\n"
                           "  alarms = { full = { high = { 'probe', 4 }, hysteresis = 2, hold = 1 } },\n"
                           "}\n";

static const char control[] = "control = function(device) device['a.flow'] = device['a.order'] end,\n";
static const char turn[] = "  alarm = function(event) command('a.order', event.state == 'raised' and -1 or 1) end,\n";

/* A plant of one tank with these handlers. */
static Plant *plant_with(const char *before, const char *handlers)
{
    char text[2048];
    Plant *plant;
    ErrText why = {""};
    scripts_write("tank.lua", tank);
    snprintf(text, sizeof text, "%s\nreturn plant 'rehearsed' { step = 0.125, clock = 'provider', assets = { a = { 'tank' } },\n%son = {\n%s} }\n", before, control, handlers);
    log_set_level(LOG_ERROR);
    if (plant_load(scripts_write("rehearsed.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

/* Each member at every step. */
static Err try_forecast(const Plant *plant, RehearsalParts parts, Forecast **out, ErrText *why)
{
    static const double median[] = {0.5};
    double times[STEPS];
    const TagId tags[] = {tags_find(plant->tags, "a.x"), tags_find(plant->tags, "a.order"), tags_find(plant->tags, "a.tally")};
    for (int i = 0; i < STEPS; i++)
        times[i] = (i + 1) * STEP;
    Case base = {.name = "rehearsed", .doc = "", .plant = parts};
    const Scenario scenario = {.name = "rehearsed", .doc = "", .horizon = SECONDS, .members = MEMBERS, .paths = MEMBERS, .times = times, .time_count = STEPS, .tags = tags,
                               .tag_count = 3, .quantiles = median, .quantile_count = 1, .cases = &base, .case_count = 1};
    Fork *fork;
    *out = NULL;
    if (scenario_fork(&scenario, plant, START, &fork, why))
        return ERR_MEMORY;
    const Err err = forecast_run(fork, &scenario, &(ForecastDef){.threads = 2, .rehearsal = &rehearse_kind}, out, why);
    fork_destroy(fork);
    return err;
}

static Forecast *forecast(const Plant *plant)
{
    Forecast *out;
    ErrText why = {""};
    if (try_forecast(plant, (RehearsalParts){.control = true, .handlers = true}, &out, &why))
        ck_abort_msg("%s", why.text);
    return out;
}

enum { LEVEL, ORDER, TALLY };

static double at(const Forecast *forecast, int tag, uint32_t member, int step)
{
    return forecast->cases[0].series[tag].paths[member * STEPS + step];
}

/* What one member does: the alarm is raised when the level has been above 4 for a second, and returns at 2; the flow follows a step behind. */
typedef struct ByHand {
    double level, flow, order;
    int above, raises, returns;
    bool raised;
} ByHand;

static void step_by_hand(ByHand *hand)
{
    hand->flow = hand->order;
    hand->level += STEP * hand->flow;
    hand->above = hand->level > 4 ? hand->above + 1 : 0;
    if (!hand->raised && hand->above > 8) {
        hand->raised = true;
        hand->order = -1;
        hand->raises++;
    } else if (hand->raised && hand->level <= 2) {
        hand->raised = false;
        hand->order = 1;
        hand->returns++;
    }
}

START_TEST(a_member_goes_the_way_that_its_handlers_command)
{
    Plant *plant = plant_with("", turn);
    Forecast *told = forecast(plant);
    int turned = 0;
    for (uint32_t member = 0; member < MEMBERS; member++) {
        ByHand hand = {.level = at(told, LEVEL, member, 0) - STEP, .order = 1};
        for (int step = 0; step < STEPS; step++) {
            step_by_hand(&hand);
            ck_assert_double_eq_tol(at(told, LEVEL, member, step), hand.level, 1e-9);
            ck_assert_double_eq(at(told, ORDER, member, step), hand.order);
        }
        turned += hand.returns;
    }
    ck_assert_int_ge(turned, MEMBERS);  // each has been full, and empty enough again
    forecast_destroy(told);
    plant_destroy(plant);
}
END_TEST

START_TEST(variables_are_a_members_own)
{
    Plant *plant = plant_with("local raised = 0", "  alarm = function(event)\n"
                                                  "    command('a.order', event.state == 'raised' and -1 or 1)\n"
                                                  "    if event.state == 'raised' then raised = raised + 1; command('a.tally', raised) end\n"
                                                  "  end,\n");
    Forecast *told = forecast(plant), *again = forecast(plant);
    for (uint32_t member = 0; member < MEMBERS; member++) {
        ByHand hand = {.level = at(told, LEVEL, member, 0) - STEP, .order = 1};
        for (int step = 0; step < STEPS; step++) {
            step_by_hand(&hand);
            ck_assert_double_eq(at(told, TALLY, member, step), hand.raises);
            ck_assert_double_eq(at(told, TALLY, member, step), at(again, TALLY, member, step));  // and end with the forecast
        }
    }
    forecast_destroy(told);
    forecast_destroy(again);
    plant_destroy(plant);
}
END_TEST

START_TEST(timers_run_by_plant_time_and_see_the_member)
{
    Plant *plant = plant_with("", "  every(2.5, function(time)\n"
                                  "    assert(time % 2.5 == 0 and time > 1000 and time <= 1020)\n"
                                  "    local level, sd = value('a.probe')\n"
                                  "    assert(level == value('a.x'))\n"
                                  "    command('a.tally', math.max(level, 0))\n"
                                  "  end),\n");
    Forecast *told = forecast(plant);
    for (uint32_t member = 0; member < MEMBERS; member++)
        for (int step = 0; step < STEPS; step++) {
            const int last = (step + 1) / 20 * 20 - 1;  // the step at whose end a multiple of 2.5 s lies
            ck_assert_double_eq(at(told, TALLY, member, step), last < 0 ? 0 : fmax(at(told, LEVEL, member, last), 0));
        }
    forecast_destroy(told);
    plant_destroy(plant);
}
END_TEST

START_TEST(command_handlers_hear_what_became_of_commands)
{
    Plant *plant = plant_with("local done, refused = 0, 0", "  every(5, function(time) command('a.order', 0); command('a.order', 6); command('a.flow', 1) end),\n"
                                                            "  command = function(event)\n"
                                                            "    if event.tag == 'a.tally' then return end\n"
                                                            "    if event.state == 'done' then done = done + 1 elseif event.state == 'refused' then refused = refused + 1 end\n"
                                                            "    command('a.tally', 100 * done + refused)\n"
                                                            "  end,\n");
    Forecast *told = forecast(plant);
    ck_assert_double_eq(at(told, ORDER, 7, STEPS - 1), 0);            // 6 is beyond its limits, and the flow is no actuator
    ck_assert_double_eq(at(told, TALLY, 7, 39), 0);                   // commanded at the end of this step, told in the next
    ck_assert_double_eq(at(told, TALLY, 7, 40), 102);
    ck_assert_double_eq(at(told, TALLY, 7, STEPS - 1), 306);          // the last ones are still to be told
    forecast_destroy(told);
    plant_destroy(plant);
}
END_TEST

START_TEST(an_alarm_that_stands_is_not_raised_again_and_returns)
{
    Plant *plant = plant_with("", "  alarm = function(event)\n"
                                  "    command('a.tally', event.state == 'raised' and 1000 or 1)\n"
                                  "    if event.state == 'returned' then command('a.order', 0) end\n"
                                  "  end,\n");
    plant_set(plant, tags_find(plant->tags, "a.x"), 7);
    plant_set(plant, tags_find(plant->tags, "a.order"), -1);
    Forecast *told = forecast(plant);
    for (uint32_t member = 0; member < MEMBERS; member++) {
        ck_assert_double_eq(at(told, TALLY, member, STEPS - 1), 1);
        ck_assert_double_le(at(told, LEVEL, member, STEPS - 1), 2);
        ck_assert_double_ge(at(told, LEVEL, member, STEPS - 1), 2 - 2 * STEP);
    }
    forecast_destroy(told);
    plant_destroy(plant);
}
END_TEST

START_TEST(who_is_not_switched_on_does_not_act)
{
    Plant *plant = plant_with("", turn);
    Forecast *told;
    ErrText why = {""};
    ck_assert_int_eq(try_forecast(plant, (RehearsalParts){.control = true}, &told, &why), ERR_OK);
    for (uint32_t member = 0; member < MEMBERS; member++)
        ck_assert_double_eq_tol(at(told, LEVEL, member, STEPS - 1) - at(told, LEVEL, member, 0), SECONDS - STEP, 1e-9);
    forecast_destroy(told);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_handler_that_fails_ends_the_forecast_with_its_line)
{
    Plant *plant = plant_with("", "  every(1, function(time)\n    if value('a.x') > 3 then error('too much') end\n  end),\n");
    Forecast *told = NULL;
    ErrText why = {""};
    ck_assert_int_eq(try_forecast(plant, (RehearsalParts){.control = true, .handlers = true}, &told, &why), ERR_SCRIPT);
    ck_assert_ptr_null(told);
    ck_assert_msg(strstr(why.text, "every(1, f) failed: ") && strstr(why.text, "rehearsed.lua:6: too much"), "%s", why.text);
    plant_destroy(plant);
}
END_TEST

/* More twins than a fork takes: those that are spoken of are forecast, and handlers could ask for another. */
START_TEST(of_a_large_plant_controllers_act_and_handlers_are_refused)
{
    Plant *plant;
    Forecast *told;
    ErrText why = {""};
    scripts_write("tank.lua", tank);
    const char *text = "local tanks = { a = { 'tank' } }\n"
                       "for i = 1, 1100 do tanks['other_' .. i] = { 'tank' } end\n"
                       "return plant 'large' { step = 0.125, clock = 'provider', assets = tanks,\n"
                       "  control = function(device) device['a.flow'] = 2 end, on = { alarm = function() end } }\n";
    if (plant_load(scripts_write("large.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    ck_assert_int_eq(try_forecast(plant, (RehearsalParts){.control = true}, &told, &why), ERR_OK);
    for (uint32_t member = 0; member < MEMBERS; member++)
        ck_assert_double_eq_tol(at(told, LEVEL, member, STEPS - 1) - at(told, LEVEL, member, 0), 2 * (SECONDS - STEP), 1e-9);
    forecast_destroy(told);
    ck_assert_int_eq(try_forecast(plant, (RehearsalParts){.control = true, .handlers = true}, &told, &why), ERR_SCRIPT);
    ck_assert_msg(strstr(why.text, "more than the 1024 of a forecast"), "%s", why.text);
    plant_destroy(plant);
}
END_TEST

START_TEST(failing_memory_is_an_error)
{
    Plant *plant = plant_with("", turn);
    size_t failures = 0;
    for (size_t n = 1; n < 2000; n += n < 60 ? 1 : 41) {
        Forecast *told = NULL;
        ErrText why = {""};
        kit_fail_allocation(n);
        const Err err = try_forecast(plant, (RehearsalParts){.control = true, .handlers = true}, &told, &why);
        kit_fail_allocation(0);
        failures += err != ERR_OK;
        ck_assert_int_eq(err == ERR_OK, told != NULL);
        forecast_destroy(told);
    }
    ck_assert_uint_gt(failures, 40);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("alarm.rehearse", a_member_goes_the_way_that_its_handlers_command, variables_are_a_members_own, timers_run_by_plant_time_and_see_the_member,
         command_handlers_hear_what_became_of_commands, an_alarm_that_stands_is_not_raised_again_and_returns, who_is_not_switched_on_does_not_act,
         a_handler_that_fails_ends_the_forecast_with_its_line, of_a_large_plant_controllers_act_and_handlers_are_refused, failing_memory_is_an_error)
