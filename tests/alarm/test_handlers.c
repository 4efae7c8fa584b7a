#include "alarm/tanks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "alarm/handlers.h"

#define DRY "dry = { low = { \"level\", 10 } }"

static const CommandWish *wishes(const Tanks *tanks, size_t expected)
{
    size_t count;
    const CommandWish *list = alarms_wishes(tanks->alarms, &count);
    ck_assert_uint_eq(count, expected);
    return list;
}

/* One tick in which tank 1 has a divergence. */
static void diverge(Tanks *tanks, double s)
{
    tanks_verdict(tanks, 0, VERDICT_PROCESS, "the lid is open");
    tanks_judge(tanks, s);
}

static Err run_outside(const Tanks *tanks, const char *chunk, ErrText *why)
{
    ck_assert_int_eq(luaL_loadstring(script_lua(tanks->plant->script), chunk), LUA_OK);
    return script_call(tanks->plant->script, 0, 0, 1000000, why);
}

/* The value of a global as a text, that a handler has left there. */
static const char *global(const Tanks *tanks, const char *name)
{
    static char text[256];
    lua_State *lua = script_lua(tanks->plant->script);
    lua_getglobal(lua, name);
    snprintf(text, sizeof text, "%s", luaL_tolstring(lua, -1, NULL));
    lua_pop(lua, 2);
    return text;
}

START_TEST(a_command_becomes_a_wish_in_si_units)
{
    Tanks *tanks = tanks_open(1, "", "on = { divergence = function(event) command(\"tank0001.valve\", 25, { reason = event.text }) end },");
    diverge(tanks, 0);
    const CommandWish *wish = wishes(tanks, 1);
    ck_assert_uint_eq(wish->tag, tags_find(tanks->plant->tags, "tank0001.valve"));
    ck_assert_double_eq_tol(wish->value, 0.25, 1e-15);
    ck_assert_str_eq(wish->by, "handler:divergence");
    ck_assert_str_eq(wish->reason, "the lid is open");
    tanks_judge(tanks, 1);
    wishes(tanks, 0);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_divergence_event_says_what_happened)
{
    Tanks *tanks = tanks_open(1, "", "on = { divergence = function(e)\n"
                                     "  seen = string.format('%s %s %s %.1f %g %g %s', e.twin, e.kind, e.state, e.time, e.nis, e.limit, e.text)\n"
                                     "  calls = (calls or 0) + 1 end },");
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "t2 drifts");
    tanks_judge(tanks, 0.5);
    ck_assert_str_eq(global(tanks, "seen"), "tank0001 sensor raised 1611326940.5 50 40 t2 drifts");
    tanks_judge(tanks, 1);
    ck_assert_str_eq(global(tanks, "calls"), "1");
    diverge(tanks, 2);
    ck_assert_str_eq(global(tanks, "seen"), "tank0001 process raised 1611326942.0 50 40 the lid is open");
    tanks_verdict(tanks, 0, VERDICT_NONE, "");
    tanks_judge(tanks, 3);
    ck_assert_str_eq(global(tanks, "seen"), "tank0001 none returned 1611326943.0 50 40 tank0001 agrees with its asset again");
    ck_assert_str_eq(global(tanks, "calls"), "3");
    tanks_close(tanks);
}
END_TEST

START_TEST(every_alarm_is_told_when_it_is_raised_and_when_it_returns)
{
    Tanks *tanks = tanks_open(1, DRY, "on = { alarm = function(e)\n"
                                      "  seen = (seen or '') .. string.format('%d %s %s %s %s|', e.id, e.twin, e.name, e.severity, e.state)\n"
                                      "  text, time = e.text, e.time end },");
    *tanks_cell(tanks, 0, "level") = 0;
    diverge(tanks, 0);
    ck_assert_str_eq(global(tanks, "text"), "tank0001.level is 0.0 cm, below 10.0 cm");
    ck_assert_str_eq(global(tanks, "time"), "1611326940.0");
    *tanks_cell(tanks, 0, "level") = 0.3;
    tanks_acknowledge(tanks->alarms, 2, at(1));
    tanks_judge(tanks, 1);
    ck_assert_str_eq(global(tanks, "seen"), "1 tank0001 divergence critical raised|2 tank0001 dry warning raised|2 tank0001 dry warning returned|");
    tanks_close(tanks);
}
END_TEST

START_TEST(value_gives_value_and_sd_in_the_unit_of_the_tag)
{
    Tanks *tanks = tanks_open(1, "", "on = { divergence = function() level, sd = value('tank0001.level') warmth = value('tank0001.warmth')\n"
                                     "  valve, none = value('tank0001.valve') end },");
    *tanks_cell(tanks, 0, "level") = 0.5;
    diverge(tanks, 0);
    ck_assert_double_eq_tol(atof(global(tanks, "level")), 50, 1e-12);
    ck_assert_double_eq_tol(atof(global(tanks, "sd")), 1, 1e-12);
    ck_assert_double_eq_tol(atof(global(tanks, "warmth")), 20, 1e-10);
    ck_assert_str_eq(global(tanks, "valve"), "0.0");
    ck_assert_str_eq(global(tanks, "none"), "nil");
    tanks_close(tanks);
}
END_TEST

START_TEST(a_handler_that_fails_is_counted_and_the_tick_goes_on)
{
    Tanks *tanks = tanks_open(1, DRY, "on = { divergence = function(event) command('tank0001.lamp', 1) error('no') end,\n"
                                      "  alarm = function() called = true end },");
    *tanks_cell(tanks, 0, "level") = 0;
    diverge(tanks, 0);
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 1);
    ck_assert_str_eq(global(tanks, "called"), "true");
    tanks_alarms(tanks, 2);
    wishes(tanks, 1);  // what it had asked for before stands
    tanks_close(tanks);
}
END_TEST

START_TEST(a_handler_that_runs_away_is_stopped)
{
    Tanks *tanks = tanks_open(1, "", "on = { divergence = function() while true do pcall(function() while true do end end) end end },");
    diverge(tanks, 0);
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 1);
    tanks_alarms(tanks, 1);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_handler_that_keeps_failing_rests_until_the_next_tick)
{
    Tanks *tanks = tanks_open(40, DRY, "on = { alarm = function() error('no') end },");
    for (uint32_t i = 0; i < 40; i++)
        *tanks_cell(tanks, i, "level") = 0;
    tanks_judge(tanks, 0);
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), HANDLER_FAILURES_MAX);
    for (uint32_t i = 0; i < 3; i++)
        *tanks_cell(tanks, i, "level") = 0.3;
    tanks_judge(tanks, 1);
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), HANDLER_FAILURES_MAX + 3);
    tanks_close(tanks);
}
END_TEST

START_TEST(wishes_of_one_tick_are_bounded)
{
    Tanks *tanks = tanks_open(1, "", "on = { divergence = function() for i = 1, 1000 do command('tank0001.valve', i % 100) made = i end end },");
    diverge(tanks, 0);
    wishes(tanks, HANDLER_WISHES_MAX);
    ck_assert_str_eq(global(tanks, "made"), "64");
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 1);
    tanks_close(tanks);
}
END_TEST

/* Each of these calls is caught by the script itself, so that its text can be read. */
START_TEST(mistakes_in_commands_are_explained)
{
    static const char *const rows[][2] = {
        {"command('tank0009.valve', 1)", "no tag \"tank0009.valve\" in plant works (its actuators: tank0001.lamp, tank0001.valve)"},
        {"command('tank0001.valve', 0/0)", "tank0001.valve cannot be set to"},
        {"command('tank0001.valve', math.huge)", "tank0001.valve cannot be set to inf: a finite number was expected"},
        {"command('tank0001.valve')", "number expected"},
        {"command('tank0001.valve', {})", "number expected"},
        {"command(nil, 1)", "string expected"},
        {"command('tank0001.valve', 1, 'because')", "table expected"},
        {"command('tank0001.valve', 1, { raeson = 'x' })", "no option \"raeson\" of command: there is reason"},
        {"command('tank0001.valve', 1, { reason = 7 })", "reason is a number: a text was expected"},
        {"value('tank0001.smell')", "no tag \"tank0001.smell\" in plant works"},
        {"log({})", "string expected"},
        {"for i = 1, 100 do log('a line') end", "more than 64 lines of log in one tick"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char on[512];
        snprintf(on, sizeof on, "on = { divergence = function() local ok, text = pcall(function() %s end) seen = text end },", rows[i][0]);
        Tanks *tanks = tanks_open(1, "", on);
        diverge(tanks, 0);
        ck_assert_msg(strstr(global(tanks, "seen"), rows[i][1]), "%s: %s", rows[i][0], global(tanks, "seen"));
        wishes(tanks, 0);
        ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 0);
        tanks_close(tanks);
    }
}
END_TEST

START_TEST(outside_of_handlers_nothing_can_be_commanded)
{
    Tanks *tanks = tanks_open(1, "", "on = { divergence = function() end },");
    ErrText why;
    for (int s = 0; s < 2; s++) {  // before the first handler has run, and after it
        ck_assert_int_eq(run_outside(tanks, "command('tank0001.valve', 1)", &why), ERR_SCRIPT);
        ck_assert_ptr_nonnull(strstr(why.text, "command is for handlers"));
        diverge(tanks, s);
    }
    ck_assert_int_eq(run_outside(tanks, "level = value('tank0001.level')", &why), ERR_OK);
    wishes(tanks, 0);
    tanks_close(tanks);
}
END_TEST

START_TEST(words_that_outlive_the_alarms_say_so)
{
    Tanks *tanks = tanks_open(1, "", "");
    ErrText why;
    alarms_destroy(tanks->alarms);
    tanks->alarms = NULL;
    ck_assert_int_eq(run_outside(tanks, "value('tank0001.level')", &why), ERR_SCRIPT);
    ck_assert_ptr_nonnull(strstr(why.text, "no longer there"));
    tanks_close(tanks);
}
END_TEST

START_TEST(an_unknown_handler_is_refused_with_its_line)
{
    static const char *const rows[][2] = {
        {"on = {\n divergense = function() end },", ":4: no handler \"divergense\" in on: there are divergence, alarm, command, sample, and every(seconds, f)"},
        {"on = {\n every = function() end },", ":4: no handler \"every\" in on"},
        {"on = {\n alarm = 7 },", ":4: on.alarm is a number: a function of the event was expected"},
        {"on = {\n command = {} },", ":4: on.command is a table: a function of the event was expected"},
        {"on = { function() end },", ":3: on has a function without a name: every(seconds, function(time) ... end) was expected"},
        {"on = {\n sample = function() end },", ":4: on.sample is a function: { [\"asset.channel\"] = function(event) ... end } was expected"},
        {"on = {\n sample = { function() end } },", ":4: on.sample: a key is no text: [\"asset.channel\"] was expected"},
        {"on = { sample = {\n\n [\"tank0001.gauge\"] = 7 } },", ":5: on.sample: \"tank0001.gauge\" is a number: a function of the event was expected"},
        {"on = { sample = {\n [\"*.gauge\"] = print,\n [\"tank9*.gauge\"] = print } },", ":5: on.sample: \"tank9*.gauge\" is no sensor or input of this plant"},
        {"on = { sample = {\n [\"tank0001.level\"] = print } },", ":4: on.sample: \"tank0001.level\" is no sensor or input of this plant that takes samples"},
        {"on = { sample = {\n [\"tank0001.*lamp\"] = print } },", ":4: on.sample: \"tank0001.*lamp\" is no sensor or input of this plant"},
        {"on = { sample = {\n gauge = print } },", ":4: on.sample: \"gauge\": expected \"asset.channel\", where * stands for anything"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Plant *plant = tanks_load(1, "", rows[i][0]);
        Alarms *alarms;
        ErrText why;
        ck_assert_int_eq(alarms_create(plant, &alarms, &why), ERR_SCRIPT);
        ck_assert_ptr_null(alarms);
        ck_assert_msg(strstr(why.text, rows[i][1]), "%s", why.text);
        ck_assert_int_eq(lua_gettop(script_lua(plant->script)), 0);
        plant_destroy(plant);
        unit_forget_all();
    }
}
END_TEST

START_TEST(a_wrong_period_is_refused_on_its_line)
{
    static const char *const rows[][2] = {
        {"every(0, print)", ":4: every(0.0, f): expected a period between a millisecond and a year, in seconds"},
        {"every(0/0, print)", ":4: every("},
        {"every(1e9, print)", ":4: every(1000000000.0, f): expected a period"},
        {"every(60)", ":4: every(60.0, f): expected a function(time), got no value"},
        {"every(print, 60)", "number expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        Plant *plant;
        ErrText why;
        snprintf(text, sizeof text, "return plant \"works\" {\n assets = {},\n on = {\n  %s } }\n", rows[i][0]);
        ck_assert_int_eq(plant_load(tanks_write("every.lua", text), 1, &plant, &why), ERR_SCRIPT);
        ck_assert_msg(strstr(why.text, rows[i][1]), "%s", why.text);
        unit_forget_all();
    }
}
END_TEST

// Samples.

enum { SAMPLES = 20000 };

/* One tick in which these samples came; they are the caller's until the next. */
static void judge_samples(Tanks *tanks, double s, const Filed *samples, size_t count)
{
    tanks->sync.batch = (Batch){samples, count};
    tanks_judge(tanks, s);
}

/* "tank0001.gauge" measured `cm`, `s` seconds after at(0). */
static Filed sample(const Tanks *tanks, const char *tag, double cm, double s)
{
    const TagId id = tags_find(tanks->plant->tags, tag);
    ck_assert_uint_ne(id, TAG_NONE);
    return (Filed){.sample = {.time = at(s), .value = cm / 100, .tag = id}};
}

START_TEST(a_sample_is_told_with_its_innovation_in_the_unit_of_the_tag)
{
    Tanks *tanks = tanks_open(1, "", "on = { sample = { ['tank0001.gauge'] = function(e)\n"
                                     "  seen = string.format('%s %s %g %.2f %s %g %g', e.tag, e.twin, e.value, e.time, e.quality, e.innovation, e.sd)\n"
                                     "end } },");
    Filed one = sample(tanks, "tank0001.gauge", 25, 0.25);
    one.sample.quality = QUALITY_UNCERTAIN;
    tanks->sync.innovation = -0.03, tanks->sync.sd = 0.02;
    judge_samples(tanks, 1, &one, 1);
    ck_assert_str_eq(global(tanks, "seen"), "tank0001.gauge tank0001 25 1611326940.25 uncertain -3 2");
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 0);
    tanks_close(tanks);
}
END_TEST

/* sync keeps the innovation of the newest; an input has none at all. */
START_TEST(only_the_newest_sample_of_a_sensor_in_a_tick_has_an_innovation)
{
    Tanks *tanks = tanks_open(1, "", "on = { sample = { ['tank0001.*'] = function(e)\n"
                                     "  seen = (seen or '') .. e.tag .. ' ' .. tostring(e.innovation) .. '|' end } },");
    const Filed three[] = {sample(tanks, "tank0001.gauge", 25, 0.25), sample(tanks, "tank0001.gauge", 26, 0.5), sample(tanks, "tank0001.inflow", 1, 0.75)};
    tanks->sync.innovation = 0.5, tanks->sync.sd = 1;
    judge_samples(tanks, 1, three, 3);
    ck_assert_str_eq(global(tanks, "seen"), "tank0001.gauge nil|tank0001.gauge 50.0|tank0001.inflow nil|");
    tanks_close(tanks);
}
END_TEST

/* Samples in the order of the batch, the handlers of one in the order of their patterns. */
START_TEST(a_star_stands_for_anything_and_all_patterns_that_fit_hear_a_sample)
{
    Tanks *tanks = tanks_open(12, "", "on = { sample = {\n"
                                      "  ['tank0011.gauge'] = function(e) seen = seen .. 'one ' end,\n"
                                      "  ['t*1*.g*e'] = function(e) seen = seen .. e.twin .. ' ' end,\n"
                                      "  ['*2.gauge'] = function(e) seen = seen .. 'two:' .. e.twin .. ' ' end } },");
    lua_pushliteral(script_lua(tanks->plant->script), "");
    lua_setglobal(script_lua(tanks->plant->script), "seen");
    const Filed four[] = {sample(tanks, "tank0012.gauge", 1, 0), sample(tanks, "tank0002.gauge", 1, 0), sample(tanks, "tank0011.gauge", 1, 0),
                          sample(tanks, "tank0011.inflow", 1, 0)};
    judge_samples(tanks, 1, four, 4);
    ck_assert_str_eq(global(tanks, "seen"), "two:tank0012 tank0012 two:tank0002 tank0011 one ");
    tanks_close(tanks);
}
END_TEST

/* The smallest call counts for a thousand instructions of the ten million. */
START_TEST(samples_beyond_the_budget_of_a_tick_are_not_told_but_counted)
{
    static Filed many[SAMPLES];
    const size_t most = HANDLER_SAMPLES_COST / HANDLER_CALL_COST;
    Tanks *tanks = tanks_open(1, "", "on = { sample = { ['*.gauge'] = function() calls = (calls or 0) + 1 end } },");
    for (size_t i = 0; i < SAMPLES; i++)
        many[i] = sample(tanks, "tank0001.gauge", 1, 0);
    char expected[32];
    snprintf(expected, sizeof expected, "%zu", most);
    judge_samples(tanks, 1, many, SAMPLES);
    ck_assert_str_eq(global(tanks, "calls"), expected);
    ck_assert_uint_eq(alarms_unheard(tanks->alarms), SAMPLES - most);
    judge_samples(tanks, 2, many, 1);  // the next tick has its own
    ck_assert_uint_eq(alarms_unheard(tanks->alarms), SAMPLES - most);
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 0);
    tanks_close(tanks);
}
END_TEST

/* Each call takes more than half a million instructions, so twenty are more than the budget. */
START_TEST(a_slow_sample_handler_uses_the_budget_of_a_tick_up_sooner)
{
    Filed many[100];
    Tanks *tanks = tanks_open(1, "", "on = { sample = { ['*.gauge'] = function()\n"
                                     "  local sum = 0 for i = 1, 300000 do sum = sum + i end calls = (calls or 0) + 1 end } },");
    for (size_t i = 0; i < 100; i++)
        many[i] = sample(tanks, "tank0001.gauge", 1, 0);
    judge_samples(tanks, 1, many, 100);
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 0);
    const int calls = atoi(global(tanks, "calls"));
    ck_assert_int_gt(calls, 5);
    ck_assert_int_lt(calls, 20);
    ck_assert_uint_eq(alarms_unheard(tanks->alarms), 100 - (uint64_t)calls);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_sample_handler_that_fails_rests_and_the_others_go_on)
{
    Filed many[100];
    Tanks *tanks = tanks_open(1, "", "on = { sample = { ['*.gauge'] = function() error('no') end,\n"
                                     "  ['tank*.gauge'] = function() calls = (calls or 0) + 1 end } },");
    for (size_t i = 0; i < 100; i++)
        many[i] = sample(tanks, "tank0001.gauge", 1, 0);
    judge_samples(tanks, 1, many, 100);
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), HANDLER_FAILURES_MAX);
    ck_assert_uint_eq(alarms_unheard(tanks->alarms), 0);
    ck_assert_str_eq(global(tanks, "calls"), "100");
    tanks_close(tanks);
}
END_TEST

/* Both in one tick: what answers the alarm finds room, and stands behind. */
START_TEST(routine_leaves_half_of_the_wishes_to_those_that_answer)
{
    Tanks *tanks = tanks_open(1, "", "on = { sample = { ['*.gauge'] = function() for i = 1, 1000 do command('tank0001.valve', i % 100) end end },\n"
                                     "  divergence = function() command('tank0001.lamp', 1) end },");
    const Filed one = sample(tanks, "tank0001.gauge", 1, 0);
    tanks->sync.batch = (Batch){&one, 1};
    diverge(tanks, 1);
    const CommandWish *list = wishes(tanks, HANDLER_WISHES_MAX / 2 + 1);
    ck_assert_str_eq(list[0].by, "handler:sample");
    ck_assert_str_eq(list[HANDLER_WISHES_MAX / 2].by, "handler:divergence");
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 1);
    tanks_close(tanks);
}
END_TEST

START_TEST(more_patterns_than_there_is_room_for_are_refused)
{
    char on[4096] = "on = { sample = {";
    for (int i = 1; i <= PATTERNS_MAX + 1; i++)
        snprintf(on + strlen(on), sizeof on - strlen(on), "['tank%04d.gauge'] = print,", i);
    snprintf(on + strlen(on), sizeof on - strlen(on), "} },");
    Plant *plant = tanks_load(100, "", on);
    Alarms *alarms;
    ErrText why;
    ck_assert_int_eq(alarms_create(plant, &alarms, &why), ERR_SCRIPT);
    ck_assert_msg(strstr(why.text, ":3: on.sample: more than 64 patterns; one with * can be for many twins"), "%s", why.text);
    plant_destroy(plant);
}
END_TEST

// Commands.

static Command command_of(const Tanks *tanks, uint64_t id, CommandState state)
{
    const TagId valve = tags_find(tanks->plant->tags, "tank0001.valve");
    return (Command){.id = id, .wish = {.tag = valve, .value = 0.25, .by = "person:anna", .reason = "because"},
                     .state = state, .time = at(0), .ended = state == COMMAND_FAILED ? at(1) : TIME_NONE, .detail = "jammed"};
}

START_TEST(a_change_of_a_command_is_told_in_the_next_tick_and_once)
{
    Tanks *tanks = tanks_open(1, "", "on = { command = function(e)\n"
                                     "  seen = (seen or '') .. string.format('%d %s %g %s %s %s %s %.0f|',\n"
                                     "    e.id, e.tag, e.value, e.state, e.reason, e.detail, e.by, e.time)\n"
                                     "  command(e.tag, 50) end },");
    const Command two[] = {command_of(tanks, 7, COMMAND_SENT), command_of(tanks, 6, COMMAND_FAILED)};
    alarms_note_commands(tanks->alarms, two, 1);
    alarms_note_commands(tanks->alarms, two + 1, 1);
    ck_assert_str_eq(global(tanks, "seen"), "nil");
    tanks_judge(tanks, 2);
    ck_assert_str_eq(global(tanks, "seen"), "7 tank0001.valve 25 sent because jammed person:anna 1611326940|"
                                            "6 tank0001.valve 25 failed because jammed person:anna 1611326941|");
    ck_assert_str_eq(wishes(tanks, 2)[0].by, "handler:command");
    alarms_note_commands(tanks->alarms, two, 2);  // behind the tick they are still among what changed
    tanks_judge(tanks, 3);
    wishes(tanks, 0);

    const Command later = command_of(tanks, 7, COMMAND_DONE);  // a further change of the first
    alarms_note_commands(tanks->alarms, &later, 1);
    tanks_judge(tanks, 4);
    wishes(tanks, 1);
    tanks_close(tanks);
}
END_TEST

START_TEST(more_changes_of_commands_than_there_is_room_for_are_counted)
{
    Tanks *tanks = tanks_open(1, "", "on = { command = function() calls = (calls or 0) + 1 end },");
    const Command one = command_of(tanks, 7, COMMAND_SENT);
    for (int i = 0; i < HANDLER_COMMANDS_MAX + 10; i++)
        alarms_note_commands(tanks->alarms, &one, 1);
    tanks_judge(tanks, 1);
    ck_assert_str_eq(global(tanks, "calls"), "256");
    ck_assert_uint_eq(alarms_unheard(tanks->alarms), 10);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_plant_without_such_handlers_keeps_nothing_for_them)
{
    Tanks *tanks = tanks_open(1, "", "on = { alarm = function() end },");
    Handlers handlers;
    ErrText why;
    ck_assert_int_eq(handlers__init(&handlers, tanks->plant, false, &why), ERR_OK);
    ck_assert_ptr_null(handlers.hearing.by_twin);
    ck_assert_ptr_null(handlers.commands);
    handlers__fini(&handlers);
    tanks_close(tanks);
}
END_TEST

// Timers. at(0) is a multiple of 60 s.

START_TEST(a_timer_runs_in_the_tick_that_a_multiple_of_its_period_lies_in)
{
    Tanks *tanks = tanks_open(1, "", "on = { every(60, function(time) seen = (seen or '') .. string.format('%d ', time - 1611326940) end) },");
    ck_assert_int_eq(at(0) % (60 * NS_PER_S), 0);
    for (int s = 1; s <= 181; s++)
        tanks_judge(tanks, s);
    ck_assert_str_eq(global(tanks, "seen"), "60 120 180 ");
    tanks_close(tanks);
}
END_TEST

/* Ticks of a second: multiples of 1.5 s lie in those that end 2, 3, 5, 6 s behind one; ten of 0.1 s make one call. */
START_TEST(a_period_need_not_be_a_whole_number_of_steps)
{
    Tanks *tanks = tanks_open(1, "", "on = { every(1.5, function(time) seen = (seen or '') .. string.format('%d ', time - 1611326940) end),\n"
                                     "  every(0.1, function() calls = (calls or 0) + 1 end) },");
    ck_assert_int_eq(at(0) % (3 * NS_PER_S / 2), 0);
    for (int s = 1; s <= 6; s++)
        tanks_judge(tanks, s);
    ck_assert_str_eq(global(tanks, "seen"), "2 3 5 6 ");
    ck_assert_str_eq(global(tanks, "calls"), "6");
    tanks_close(tanks);
}
END_TEST

START_TEST(timers_run_in_their_order_and_one_that_fails_does_not_stop_the_next)
{
    Tanks *tanks = tanks_open(1, "", "on = { every(2, function() seen = (seen or '') .. 'a' command('tank0001.lamp', 1) end), \n"
                                     "  every(2, function() error('no') end),\n"
                                     "  every(2, function() seen = seen .. 'b' end), every(1, function() while true do end end) },");
    tanks_judge(tanks, 2);
    ck_assert_str_eq(global(tanks, "seen"), "ab");
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), 2);
    ck_assert_str_eq(wishes(tanks, 1)->by, "handler:every");
    tanks_close(tanks);
}
END_TEST

START_TEST(no_memory_for_sample_and_command_handlers_is_an_error)
{
    Plant *plant = tanks_load(100, "", "on = { sample = { ['*.gauge'] = print }, command = print },");
    ErrText why;
    Err err = ERR_MEMORY;
    size_t n = 0;
    while (err == ERR_MEMORY) {
        Alarms *alarms;
        kit_fail_allocation(++n);
        err = alarms_create(plant, &alarms, &why);
        kit_fail_allocation(0);
        alarms_destroy(alarms);
    }
    ck_assert_int_eq(err, ERR_OK);
    ck_assert_uint_gt(n, 6 + 4);  // the queue and three masks besides
    plant_destroy(plant);
    unit_forget_all();
}
END_TEST

static int count_lines(const char *path, const char *word)
{
    char line[4096];
    int count = 0;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, word) != NULL;
    fclose(file);
    return count;
}

/* Ten minutes and more in which an alarm is raised at even seconds and returns at odd ones; returns how many errors were logged. */
static int lines_of_a_long_run(const char *on, uint64_t errors)
{
    Tanks *tanks = tanks_open(1, DRY, on);
    char path[512];
    snprintf(path, sizeof path, "%s/log", kit_folder());
    const int kept = dup(STDERR_FILENO), file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ck_assert_int_ge(file, 0);
    dup2(file, STDERR_FILENO);
    for (int s = 0; s <= 700; s++) {
        *tanks_cell(tanks, 0, "level") = s % 2 ? 0.3 : 0;
        tanks_judge(tanks, s);
        alarms_settle(tanks->alarms);
    }
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(file);
    ck_assert_uint_eq(alarms_handler_errors(tanks->alarms), errors);
    tanks_close(tanks);
    return count_lines(path, "works.lua:4: no");
}

/* A failure every second: one line in ten seconds, and after a hundred in a row one in ten minutes: seconds 0, 10, ... 90, then 690. */
START_TEST(the_log_of_a_failing_handler_is_rare_and_names_the_line)
{
    ck_assert_int_eq(lines_of_a_long_run("on = { alarm =\n function() error('no') end },", 701), 11);
}
END_TEST

/* Seconds 0, 10, ... 700. */
START_TEST(the_log_does_not_lose_patience_with_a_handler_that_fails_now_and_then)
{
    ck_assert_int_eq(lines_of_a_long_run("on = { alarm =\n function(event) if event.state == 'raised' then error('no') end end },", 351), 71);
}
END_TEST

KIT_MAIN("alarm.handlers", a_command_becomes_a_wish_in_si_units, a_divergence_event_says_what_happened,
         every_alarm_is_told_when_it_is_raised_and_when_it_returns, value_gives_value_and_sd_in_the_unit_of_the_tag,
         a_handler_that_fails_is_counted_and_the_tick_goes_on, a_handler_that_runs_away_is_stopped,
         a_handler_that_keeps_failing_rests_until_the_next_tick, wishes_of_one_tick_are_bounded, mistakes_in_commands_are_explained,
         outside_of_handlers_nothing_can_be_commanded, words_that_outlive_the_alarms_say_so, an_unknown_handler_is_refused_with_its_line,
         a_wrong_period_is_refused_on_its_line, a_sample_is_told_with_its_innovation_in_the_unit_of_the_tag,
         only_the_newest_sample_of_a_sensor_in_a_tick_has_an_innovation, a_star_stands_for_anything_and_all_patterns_that_fit_hear_a_sample,
         samples_beyond_the_budget_of_a_tick_are_not_told_but_counted, a_slow_sample_handler_uses_the_budget_of_a_tick_up_sooner,
         a_sample_handler_that_fails_rests_and_the_others_go_on, routine_leaves_half_of_the_wishes_to_those_that_answer,
         more_patterns_than_there_is_room_for_are_refused, a_change_of_a_command_is_told_in_the_next_tick_and_once,
         more_changes_of_commands_than_there_is_room_for_are_counted, a_plant_without_such_handlers_keeps_nothing_for_them,
         a_timer_runs_in_the_tick_that_a_multiple_of_its_period_lies_in, a_period_need_not_be_a_whole_number_of_steps,
         timers_run_in_their_order_and_one_that_fails_does_not_stop_the_next,
         no_memory_for_sample_and_command_handlers_is_an_error,
         the_log_of_a_failing_handler_is_rare_and_names_the_line, the_log_does_not_lose_patience_with_a_handler_that_fails_now_and_then)
