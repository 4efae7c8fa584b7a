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
    alarm_acknowledge(tanks->alarms, 2, "anna", at(1));
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
        {"on = {\n divergense = function() end },", ":4: no handler \"divergense\" in on: there are divergence, alarm"},
        {"on = {\n alarm = 7 },", ":4: on.alarm is a number: a function of the event was expected"},
        {"on = { function() end },", "no handler \"number\" in on"},
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
         the_log_of_a_failing_handler_is_rare_and_names_the_line, the_log_does_not_lose_patience_with_a_handler_that_fails_now_and_then)
