/* Handlers of samples, commands and time in the whole trip, over restarts too: which commands come of them, and when. */
#include "flow/feed.h"
#include "flow/flow.h"

enum { SECONDS = 100, HIGH = 55, COMMANDS = 32 };

static const int64_t BEGIN = INT64_C(1611326940) * NS_PER_S;  // a whole minute

#define MODEL \
    "return model \"tank\" {\n" \
    "  states = { level = { 20, \"cm\", noise = 0.01, sd = 1 } },\n" \
    "  equations = function(t) t.level.rate = quantity(0, \"cm/s\") end,\n" \
    "  sensors = { gauge = { of = \"level\", noise = 0.2, unit = \"cm\", every = 1 } },\n" \
    "  actuators = { valve = { 0, \"1\", min = 0, max = 100 }, lamp = { 0, \"1\", min = 0, max = 1 }, horn = { 0, \"1\", min = 0, max = 1 } },\n" \
    "}\n"

/* The valve by the clock, the lamp by a sample, the horn when the lamp is lit. */
#define ROUTINE \
    "every(10, function(time) command(\"tank.valve\", time // 10 % 7) end),\n" \
    "sample = { [\"*.gauge\"] = function(event) if event.value > 50 then command(\"tank.lamp\", 1, { reason = \"high\" }) end end },\n" \
    "command = function(event) if event.tag == \"tank.lamp\" and event.state == \"done\" then command(\"tank.horn\", 1, { reason = event.by }) end end,\n"

/* Writes the plant with what it has in `on`, and its model beside it. */
static FlowPath works(const char *on)
{
    char text[2048];
    flow_write("tank.lua", MODEL);
    snprintf(text, sizeof text, "return plant \"works\" {\n step = 1, clock = \"provider\", assets = { tank = { \"tank\" } },\n on = {\n%s } }\n", on);
    return flow_write("works.lua", text);
}

typedef struct Works {
    FlowPath plant, history;
    FakeClock fake;
    Clock clock;
    App *app;
    Feed feed;
    Arrival arrivals[SECONDS];
} Works;

/* A device that measures in the middle of each second: 20 cm, and 60 cm in the one that begins HIGH seconds behind BEGIN. */
static void write_arrivals(Works *w)
{
    for (int i = 0; i < SECONDS; i++)
        w->arrivals[i] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = {.time = BEGIN + i * NS_PER_S + NS_PER_S / 2, .value = i == HIGH ? 0.6 : 0.2}};
}

static void works_start(Works *w)
{
    w->app = flow_app(&(AppDef){.plant = w->plant.text, .history = w->history.text, .speed = INFINITY, .quiet = true, .clock = &w->clock});
    for (int i = 0; i < SECONDS; i++)
        w->arrivals[i].sample.tag = tags_find(w->app->plant->tags, "tank.gauge");
    ck_assert_int_eq(app_add_connector(w->app, (Connector){&feed_connector, &w->feed}), ERR_OK);
}

static void works_open(Works *w, const char *on, const char *history)
{
    *w = (Works){.plant = works(on), .history = flow_path(history), .fake = {.utc_ns = BEGIN}, .feed = {.count = SECONDS, .portion = 1}};
    w->clock = clock_fake(&w->fake);
    w->feed.items = w->arrivals;
    write_arrivals(w);
    works_start(w);
}

/* End it in order and start it again; what the device was not told is stored it sends once more. */
static void works_restart(Works *w)
{
    app_destroy(w->app);
    w->feed.next = w->feed.stored;
    w->feed.joined = false;
    w->feed.answered = w->feed.command_count;
    works_start(w);
}

/* A poll for each arrival up to `next`, with its answers; the last one answers what is left. */
static void works_run(Works *w, size_t next)
{
    while (w->feed.next < next)
        app_poll(w->app);
    app_poll(w->app);
}

static void works_close(Works *w, Record *record)
{
    app_destroy(w->app);
    record_open(record, w->history.text, w->plant.text);
}

/* The commands of a tag in the order in which they were given; returns how many. */
static size_t commands_of(const Record *record, const char *tag, const Command **out)
{
    size_t count = 0;
    for (size_t i = 0; i < record->command_count; i++)
        if (strcmp(record->commands[i].tag, tag) == 0) {
            ck_assert_uint_lt(count, COMMANDS);
            out[count++] = &record->commands[i].command;
        }
    return count;
}

static int64_t seconds_behind(const Command *command)
{
    return (command->time - BEGIN) / NS_PER_S;
}

/* Every ten seconds a new order for the valve, at whole multiples of ten; the sample's answer at the end of its tick. */
static void assert_routine(const Record *record)
{
    const Command *list[COMMANDS];
    const size_t count = commands_of(record, "tank.valve", list);
    ck_assert_uint_eq(count, 9);  // at 10, 20, ... 90
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(list[i]->time, BEGIN + (int64_t)(i + 1) * 10 * NS_PER_S);
        ck_assert_double_eq(list[i]->wish.value, (double)(list[i]->time / NS_PER_S / 10 % 7));
        ck_assert_str_eq(list[i]->wish.by, "handler:every");
    }
    ck_assert_uint_eq(commands_of(record, "tank.lamp", list), 1);
    ck_assert_int_eq(seconds_behind(list[0]), HIGH + 1);
    ck_assert_str_eq(list[0]->wish.by, "handler:sample");
    ck_assert_str_eq(list[0]->wish.reason, "high");
}

static void assert_horn(const Record *record, int64_t from, int64_t until)
{
    const Command *list[COMMANDS];
    ck_assert_uint_eq(commands_of(record, "tank.horn", list), 1);
    ck_assert_int_ge(seconds_behind(list[0]), from);
    ck_assert_int_le(seconds_behind(list[0]), until);
    ck_assert_str_eq(list[0]->wish.by, "handler:command");
    ck_assert_str_eq(list[0]->wish.reason, "handler:sample");
}

START_TEST(samples_answers_and_the_clock_become_commands)
{
    Works w;
    Record record;
    works_open(&w, ROUTINE, "whole.db");
    works_run(&w, SECONDS);
    ck_assert_uint_eq(alarms_handler_errors(w.app->alarms), 0);
    works_close(&w, &record);
    assert_routine(&record);
    assert_horn(&record, HIGH + 2, HIGH + 2);  // the lamp was answered behind its tick, and told in the next
    record_close(&record);
}
END_TEST

/* Where a stop comes between order and answer the device is asked again, one tick later. */
START_TEST(a_stop_changes_nothing_that_handlers_do)
{
    for (size_t stop = 1; stop < SECONDS - 2; stop += 3) {
        Works w;
        Record record;
        char name[32];
        snprintf(name, sizeof name, "stop%zu.db", stop);
        works_open(&w, ROUTINE, name);
        works_run(&w, stop);
        ck_assert_int_eq(history_flush(w.app->history), ERR_OK);
        app_poll(w.app);
        works_restart(&w);
        works_run(&w, SECONDS);
        ck_assert_uint_eq(alarms_handler_errors(w.app->alarms), 0);
        works_close(&w, &record);
        assert_routine(&record);
        assert_horn(&record, HIGH + 2, HIGH + 4);
        record_close(&record);
    }
}
END_TEST

START_TEST(an_end_right_before_a_stop_is_told_behind_it)
{
    Works w;
    Record record;
    works_open(&w, ROUTINE, "between.db");
    while (w.feed.command_count == 0 || w.feed.commands[w.feed.command_count - 1].wish.tag != tags_find(w.app->plant->tags, "tank.lamp"))
        app_poll(w.app);

    // the answer comes, and no sample behind it
    w.feed.count = w.feed.next;
    app_poll(w.app);
    ck_assert_uint_eq(w.feed.answered, w.feed.command_count);
    ck_assert_int_eq(history_flush(w.app->history), ERR_OK);
    app_poll(w.app);
    w.feed.count = SECONDS;
    works_restart(&w);
    works_run(&w, SECONDS);
    works_close(&w, &record);
    assert_horn(&record, HIGH + 2, HIGH + 2);
    record_close(&record);
}
END_TEST

START_TEST(a_command_handler_that_answers_itself_goes_round_once_a_tick)
{
    Works w;
    works_open(&w, "every(60, function() command(\"tank.valve\", 1) end),\n command = function() command(\"tank.valve\", -1) end", "round.db");
    works_run(&w, SECONDS);
    const uint64_t ticks = w.app->ticks;
    Record record;
    works_close(&w, &record);
    size_t refused = 0;
    for (size_t i = 0; i < record.command_count; i++)
        refused += record.commands[i].command.state == COMMAND_REFUSED;
    ck_assert_uint_gt(refused, 10);
    ck_assert_uint_le(refused, ticks);
    record_close(&record);
}
END_TEST

START_TEST(check_finds_what_is_wrong_with_handlers)
{
    static const char *const rows[][2] = {
        {" sample = {\n  [\"tank.guage\"] = print }", "works.lua:5: on.sample: \"tank.guage\" is no sensor or input of this plant"},
        {" every(-1, print)", "works.lua:4: every(-1.0, f): expected a period"},
        {" command = 7", "works.lua:4: on.command is a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const FlowPath plant = works(rows[i][0]);
        Child child = CHILD_START("check", "check", plant.text);
        ck_assert_int_eq(child_wait(&child, 30000), 1);
        char *text = flow_read(child.err.text);
        ck_assert_msg(strstr(text, rows[i][1]), "%s", text);
        free(text);
    }
    const FlowPath plant = works(ROUTINE);
    Child child = CHILD_START("check", "check", plant.text);
    ck_assert_int_eq(child_wait(&child, 30000), 0);
}
END_TEST

KIT_MAIN("flow.handlers", samples_answers_and_the_clock_become_commands, a_stop_changes_nothing_that_handlers_do, an_end_right_before_a_stop_is_told_behind_it,
         a_command_handler_that_answers_itself_goes_round_once_a_tick, check_finds_what_is_wrong_with_handlers)
