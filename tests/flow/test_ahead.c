/* A basin that fills, looked ahead of by its own plant: what is foretold comes, whatever becomes of the process meanwhile. */
#include "flow/feed.h"
#include "flow/flow.h"

enum { SECONDS = 700 };

static const char model_text[] = "return model 'basin' {\n"
                                 "  params = { area = { 2, 'm^2' } },\n"
                                 "  inputs = { inflow = { 60, 'l/min', min = 0, max = 600 } },\n"
                                 "  states = { level = { 30, 'cm', sd = 1, noise = 1e-4 } },\n"
                                 "  sensors = { gauge = { of = 'level', noise = 0.5, unit = 'cm' } },\n"
                                 "  actuators = { inflow_order = { 60, 'l/min', min = 0, max = 600 } },\n"
                                 "  equations = function(t) t.level.rate = t.inflow / t.area end,\n"
                                 "  alarms = { overflow = { high = { 'level', 60 }, severity = 'critical' } },\n"
                                 "}\n";
// 0.5 mm/s: at 600 s it overflows, and 300 s before it is foretold
static const char plant_text[] = "return plant 'ahead' {\n"
                                 "  step = 1, clock = 'provider', assets = { basin = { 'basin' } },\n"
                                 "  forecast = { horizon = 300, every = 20, within = 5, members = 200 },\n"
                                 "  gate = { simulate = { ['basin.inflow_order'] = { becomes = 'basin.inflow', limits = { 'basin.overflow' }, horizon = 60 } } },\n"
                                 "  on = { alarm = function(event)\n"
                                 "    if event.predicted and event.state == 'raised' then command('basin.inflow_order', 600, { reason = 'a mistake' }) end\n"
                                 "  end },\n"
                                 "}\n";

/* The device: the level rises as the model has it. */
static size_t make_arrivals(const Plant *plant, Arrival *out)
{
    const TagId gauge = tags_find(plant->tags, "basin.gauge");
    for (size_t i = 0; i < SECONDS; i++)
        out[i] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = {.time = INT64_C(1611326940000000000) + (int64_t)i * NS_PER_S + NS_PER_S / 2, .value = 0.3 + 5e-4 * ((double)i + 0.5), .tag = gauge}};
    return SECONDS;
}

/* Run the device's seconds from `first` to `last`. */
static void run(const char *script, const char *history, size_t first, size_t last)
{
    static Arrival arrivals[SECONDS];
    App *app = flow_app(&(AppDef){.plant = script, .history = history, .quiet = true});
    make_arrivals(app->plant, arrivals);
    Feed feed = {.items = arrivals + first, .count = last - first, .portion = 7};
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, &feed}), ERR_OK);
    while (app_poll(app))
        continue;
    app_destroy(app);
}

/* Of a history: alarms and commands in a few words each. */
static void describe(const char *history, const char *script, Text *out)
{
    Record record;
    record_open(&record, history, script);
    for (size_t i = 0; i < record.alarm_count; i++) {
        const Alarm *alarm = &record.alarms[i].alarm;
        text_format(out, "%llu %s %s %lld %lld: %s\n", (unsigned long long)alarm->id, alarm->name, alarm_state_name(alarm->state),
                    (long long)((alarm->raised - INT64_C(1611326940000000000)) / NS_PER_S),
                    alarm->returned == TIME_NONE ? 0ll : (long long)((alarm->returned - INT64_C(1611326940000000000)) / NS_PER_S), alarm->text);
    }
    for (size_t i = 0; i < record.command_count; i++)
        text_format(out, "%s: %s\n", command_state_name(record.commands[i].command.state), record.commands[i].command.detail);
    record_close(&record);
}

START_TEST(an_overflow_is_foretold_and_then_comes)
{
    const FlowPath history = flow_path("ahead.db");
    flow_write("basin.lua", model_text);
    const FlowPath script = flow_write("ahead.lua", plant_text);
    run(script.text, history.text, 0, SECONDS);
    Text text = {0};
    describe(history.text, script.text, &text);

    // the level passes 60 cm at 600 s: from 300 s on that lies within the horizon
    unsigned long long id;
    long long raised, returned;
    ck_assert_msg(sscanf(text.bytes, "%llu overflow.predicted returned %lld %lld: what was foretold has come: overflow of basin\n", &id, &raised, &returned) == 3, "%s", text.bytes);
    ck_assert_msg(raised >= 300 && raised <= 345 && returned >= 595 && returned <= 605, "%s", text.bytes);
    ck_assert_msg(strstr(text.bytes, "2 overflow raised") != NULL, "%s", text.bytes);

    // and what the handler did about it was tried first: 5 mm/s from 45 cm on are 75 cm in a minute
    ck_assert_msg(strstr(text.bytes, "refused: basin.level would pass 60 cm with probability 1.00 within 60 s\n") != NULL, "%s", text.bytes);
    text_fini(&text);
}
END_TEST

START_TEST(a_stop_anywhere_foretells_the_same)
{
    flow_write("basin.lua", model_text);
    const FlowPath script = flow_write("ahead.lua", plant_text);
    const FlowPath whole = flow_path("whole.db");
    run(script.text, whole.text, 0, SECONDS);
    Text expected = {0};
    describe(whole.text, script.text, &expected);

    static const size_t stops[] = {290, 330, 350, 598};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        char name[32];
        snprintf(name, sizeof name, "stop%zu.db", i);
        const FlowPath history = flow_path(name);
        run(script.text, history.text, 0, stops[i]);
        run(script.text, history.text, stops[i], SECONDS);
        Text text = {0};
        describe(history.text, script.text, &text);
        ck_assert_msg(strcmp(text.bytes, expected.bytes) == 0, "stopped at %zu:\n%s\nexpected:\n%s", stops[i], text.bytes, expected.bytes);
        text_fini(&text);
    }
    text_fini(&expected);
}
END_TEST

KIT_MAIN("flow.ahead", an_overflow_is_foretold_and_then_comes, a_stop_anywhere_foretells_the_same)
