/* test_reload.c -- another version of the script while samples flow: a bad one is refused, a good one goes on where the other was. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "flow/feed.h"
#include "flow/rig.h"

#define INCUBATOR "incubator = { \"incubator\", at = { 0, 0, 0 } },"

// In one process, with a feed that is turned by hand.

static Arrival *list_arrivals(const char *path, size_t *count)
{
    ErrText why = {""};
    Plant *plant;
    ck_assert_msg(plant_load(FLOW_PLANT, 1, &plant, &why) == ERR_OK, "%s", why.text);
    Tape *tape = flow_open_tape(path, plant);
    const Sample *samples = tape_samples(tape, count);
    Arrival *arrivals = calloc(*count, sizeof *arrivals);
    for (size_t i = 0; i < *count; i++)
        arrivals[i] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = samples[i]};
    tape_close(tape);
    plant_destroy(plant);
    return arrivals;
}

/* Another App takes over between two polls; what the feed still has is for it. */
static App *succeed(App *before, const char *script, char *kept, size_t size)
{
    ErrText why = {""};
    App *app;
    AppDef def = before->def;
    def.plant = script;
    ck_assert_msg(app_load(&def, &app, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(app_succeed(app, before, &why) == ERR_OK, "%s", why.text);
    app_destroy(before);
    snprintf(kept, size, "%s", app->kept);
    return app;
}

/* All arrivals, a few at a time; every `every` polls the same script once more (0: never). */
static void play(const Arrival *arrivals, size_t count, const char *history, const char *script, int every)
{
    char kept[128] = "";
    Feed feed = {.items = arrivals, .count = count, .portion = 7};
    App *app = flow_app(&(AppDef){.plant = script, .history = history, .speed = INFINITY, .quiet = true});
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, &feed}), ERR_OK);
    for (int polls = 1; app_poll(app); polls++) {
        if (!every || polls % every)
            continue;
        app = succeed(app, script, kept, sizeof kept);
        ck_assert_str_eq(kept, "everything of the state is kept");
    }
    ck_assert_uint_eq(feed.next, count);
    ck_assert_int_eq(history_flush(app->history), ERR_OK);
    app_poll(app);
    ck_assert_uint_eq(feed.stored, count);
    for (size_t i = 0; i < feed.command_count; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(feed.commands[i].id, feed.commands[k].id);  // nothing was sent twice
    app_destroy(app);
}

START_TEST(the_same_script_once_more_changes_no_bit)
{
    size_t count;
    Record whole, record;
    Arrival *arrivals = list_arrivals(flow_tape().text, &count);
    const FlowPath one = flow_path("one.db"), other = flow_path("other.db");
    play(arrivals, count, one.text, FLOW_PLANT, 0);
    play(arrivals, count, other.text, FLOW_PLANT, 13);
    record_open(&whole, one.text, FLOW_PLANT);
    record_open(&record, other.text, FLOW_PLANT);
    ck_assert_uint_ge(whole.alarm_count, 1);
    assert_same_estimates(&whole, &record, true);
    assert_same_alarms(&whole, &record);
    ck_assert_uint_eq(whole.command_count, record.command_count);
    for (size_t i = 0; i < whole.command_count; i++) {
        ck_assert_uint_eq(whole.commands[i].command.id, record.commands[i].command.id);
        ck_assert_int_eq(whole.commands[i].command.state, record.commands[i].command.state);
        ck_assert_int_eq(whole.commands[i].command.time, record.commands[i].command.time);
    }
    record_close(&whole);
    record_close(&record);
    free(arrivals);
}
END_TEST

/* A stop, and a start with another version: what was refused once goes on. */
START_TEST(a_changed_script_goes_on_over_a_restart)
{
    size_t count;
    Arrival *arrivals = list_arrivals(flow_tape().text, &count);
    const FlowPath history = flow_path("restart.db"), changed = flow_variant("changed.lua", INCUBATOR, "aside = { \"incubator\" }, incubator = { \"incubator\", C_air = 130 },");
    play(arrivals, count / 2, history.text, FLOW_PLANT, 0);
    Record before;
    record_open(&before, history.text, FLOW_PLANT);
    ck_assert_uint_ge(before.alarm_count, 1);
    record_close(&before);

    Feed feed = {.items = arrivals, .count = count, .next = count / 2};
    App *app = flow_app(&(AppDef){.plant = changed.text, .history = history.text, .speed = INFINITY, .quiet = true});
    ck_assert_str_eq(app->kept, "the script has changed: kept 1 of 1 twins, 7 of 7 states");
    ck_assert_double_eq(plant_value(app->plant, tags_find(app->plant->tags, "incubator.C_air")), 130);
    ck_assert_double_eq(plant_value(app->plant, tags_find(app->plant->tags, "aside.C_air")), 121.4);
    ck_assert_double_ne(plant_value(app->plant, tags_find(app->plant->tags, "incubator.T_box")), 298.15);
    ck_assert_double_eq(plant_value(app->plant, tags_find(app->plant->tags, "aside.T_box")), 298.15);
    const int64_t now = app->now;
    const TagId t2 = tags_find(app->plant->tags, "incubator.t2");
    Sample sample = {.time = now + NS_PER_S, .value = 300, .tag = t2};
    const Arrival more[] = {{.kind = ARRIVAL_SAMPLE, .sample = sample}, {.kind = ARRIVAL_TIME, .sample = {.time = now + 5 * NS_PER_S}}};
    feed = (Feed){.items = more, .count = 2};
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, &feed}), ERR_OK);
    while (app_poll(app))
        continue;
    ck_assert_int_ge(app->now, now + 4 * NS_PER_S);
    ck_assert_double_eq(plant_value(app->plant, t2), 300);
    app_destroy(app);
    free(arrivals);
}
END_TEST

START_TEST(a_script_that_cannot_take_over_leaves_everything_as_it_was)
{
    ErrText why = {""};
    size_t count;
    App *app, *next;
    Arrival *arrivals = list_arrivals(flow_tape().text, &count);
    const FlowPath slow = flow_variant("slow.lua", "step  = 0.5,", "step = 1,"), history = flow_path("refused.db");
    Feed feed = {.items = arrivals, .count = count / 4, .portion = 7};
    app = flow_app(&(AppDef){.plant = FLOW_PLANT, .history = history.text, .speed = INFINITY, .quiet = true});
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, &feed}), ERR_OK);
    while (app_poll(app))
        continue;
    const uint64_t hash = plant_hash(app->plant), rows = history_stats(app->history).rows;
    AppDef def = app->def;
    def.plant = slow.text;
    ck_assert_msg(app_load(&def, &next, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(app_succeed(next, app, &why), ERR_RANGE);
    ck_assert_msg(strstr(why.text, "the step is 1 s now and was 0.5 s"), "%s", why.text);
    app_destroy(next);
    ck_assert_uint_eq(plant_hash(app->plant), hash);
    ck_assert_int_eq(history_flush(app->history), ERR_OK);
    ck_assert_uint_ge(history_stats(app->history).rows, rows);
    app_destroy(app);
    free(arrivals);
}
END_TEST

// The real program, and a device that stays connected.

typedef struct HttpReply {
    char text[4096];
} HttpReply;

static HttpReply http(int port, const char *method, const char *path)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 30};
    HttpReply reply = {""};
    char hello[256];
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(file, (const struct sockaddr *)&address, sizeof address), 0);
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int length = snprintf(hello, sizeof hello, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n", method, path, port);
    ck_assert_int_eq(send(file, hello, (size_t)length, 0), length);
    size_t got = 0;
    for (ssize_t more; got < sizeof reply.text - 1 && (more = recv(file, reply.text + got, sizeof reply.text - 1 - got, 0)) > 0;)
        got += (size_t)more;
    close(file);
    return reply;
}

/* Send on until the server's word on the script has `expected` in it. */
static void await_word(Rig *rig, const char *expected)
{
    for (int i = 0; i < 1000; i++) {
        const HttpReply reply = http(rig->server.port, "GET", "/api/v1/reload");
        if (strstr(reply.text, expected))
            return;
        serve_device_for(rig, 20);
    }
    ck_abort_msg("no \"%s\"", expected);
}

static void send_until(Rig *rig, size_t until)
{
    while (rig->sent < until) {
        send_portion(rig, until);
        serve_device_for(rig, 1);
    }
}

static void write_script(const char *name, const char *piece, const char *other)
{
    flow_variant(name, piece, other);
}

/* A pause of the device would let the tape's time stand still: what matters is that it was never away. */
static void assert_never_away(const Rig *rig)
{
    char *text = flow_read(rig->server.err.text);
    ck_assert_msg(!strstr(text, "has gone"), "%s", text);
    free(text);
}

static void assert_obeyed_once(const Rig *rig)
{
    for (size_t i = 0; i < rig->obeyed_count; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(rig->obeyed[i], rig->obeyed[k]);
}

static void assert_as_whole(const Rig *rig, const char *script, Record *whole)
{
    Record record;
    record_open(&record, rig->history.text, script);
    assert_same_estimates(whole, &record, true);
    assert_same_alarms(whole, &record);
    ck_assert_uint_eq(record.command_count, whole->command_count);
    record_close(&record);
}

/* A twin more, beside the first in its block and before it in the alphabet: every number is another, and no bit of the first twin changes. */
START_TEST(a_script_that_changes_while_samples_flow_loses_nothing)
{
    const FlowPath tape = flow_tape(), script = flow_variant("live.lua", INCUBATOR, INCUBATOR), whole_path = flow_path("whole.db");
    Rig rig;
    Record whole;
    rig_open(&rig, tape.text, "whole.db", 1);
    rig_finish(&rig);
    record_open(&whole, whole_path.text, FLOW_PLANT);
    ck_assert_uint_ge(whole.alarm_count, 1);

    rig_open_script(&rig, script.text, false, tape.text, "live.db", 2);
    send_until(&rig, rig.count / 4);
    write_script("live.lua", "step  = 0.5,", "step = 0.5,, oops");
    ck_assert_int_eq(kill(rig.server.pid, SIGHUP), 0);
    await_word(&rig, "live.lua:18");
    send_until(&rig, rig.count / 3);
    HttpReply reply = http(rig.server.port, "POST", "/api/v1/reload");
    ck_assert_msg(strstr(reply.text, "422") && strstr(reply.text, "live.lua:18"), "%s", reply.text);

    write_script("live.lua", INCUBATOR, "aside = { \"incubator\", T_box = 20 }, " INCUBATOR);
    send_until(&rig, rig.count / 2);
    reply = http(rig.server.port, "POST", "/api/v1/reload");
    ck_assert_msg(strstr(reply.text, "200") && strstr(reply.text, "kept 1 of 1 twins, 7 of 7 states"), "%s", reply.text);
    await_word(&rig, "\"script_error\":null");
    reply = http(rig.server.port, "GET", "/api/v1/twins/aside/T_box");
    ck_assert_msg(strstr(reply.text, "\"source\":\"estimated\""), "%s", reply.text);

    // and once more while the device is in the middle of it, by both ways
    for (size_t part = 5; part < 8; part++) {
        send_until(&rig, rig.count * part / 8);
        write_script("live.lua", INCUBATOR, part % 2 ? INCUBATOR : "aside = { \"incubator\" }, zebra = { \"incubator\" }, " INCUBATOR);
        ck_assert_int_eq(kill(rig.server.pid, SIGHUP), 0);
        serve_device_for(&rig, 30);
    }
    assert_never_away(&rig);
    rig_finish(&rig);
    assert_obeyed_once(&rig);
    ck_assert_uint_eq(rig.obeyed_count, whole.command_count);
    assert_as_whole(&rig, script.text, &whole);
    record_close(&whole);
}
END_TEST

START_TEST(kill_9_behind_a_change_goes_on_by_the_new_script)
{
    const FlowPath tape = flow_tape(), script = flow_variant("kill.lua", INCUBATOR, INCUBATOR), whole_path = flow_path("whole9.db");
    Rig rig;
    Record whole;
    rig_open(&rig, tape.text, "whole9.db", 3);
    rig_finish(&rig);
    record_open(&whole, whole_path.text, FLOW_PLANT);

    rig_open_script(&rig, script.text, false, tape.text, "kill.db", 4);
    send_until(&rig, rig.count / 2);
    write_script("kill.lua", INCUBATOR, "aside = { \"incubator\" }, " INCUBATOR);
    const HttpReply reply = http(rig.server.port, "POST", "/api/v1/reload");
    ck_assert_msg(strstr(reply.text, "200"), "%s", reply.text);
    send_until(&rig, rig.count * 3 / 4);
    const int port = rig.server.port;
    child_kill(&rig.server);
    start_server(&rig, port);
    rig_finish(&rig);
    assert_obeyed_once(&rig);
    assert_as_whole(&rig, script.text, &whole);
    record_close(&whole);
}
END_TEST

START_TEST(who_watches_loads_what_changed_by_itself)
{
    const FlowPath tape = flow_tape(), script = flow_variant("watched.lua", INCUBATOR, INCUBATOR);
    Rig rig;
    rig_open_script(&rig, script.text, true, tape.text, "watched.db", 5);
    send_until(&rig, rig.count / 4);
    char *model = flow_read(FLOW_MODEL);
    flow_write("incubator.lua", "return model \"incubator\" {\n  states = { T = { 1, \"furlongs per\" } },\n}\n");  // a model of it, and only that
    await_word(&rig, "incubator.lua:2");
    flow_write("incubator.lua", model);
    await_word(&rig, "\"script_error\":null");

    // a model that nobody has used yet is looked after while it is what is wrong
    write_script("watched.lua", INCUBATOR, "aside = { \"other\" }, " INCUBATOR);
    await_word(&rig, "no model \\\"other\\\"");
    flow_write("other.lua", "return model \"other\" { states = { x = { 1, \"1\" } }, equations = function(t) t.x.rate = -t.x / quantity(1, \"s\") end }");
    await_word(&rig, "\"script_error\":null");
    const HttpReply reply = http(rig.server.port, "GET", "/api/v1/twins/aside/x");
    ck_assert_msg(strstr(reply.text, "200"), "%s", reply.text);
    assert_never_away(&rig);
    rig_finish(&rig);
    free(model);
}
END_TEST

KIT_MAIN("flow.reload", the_same_script_once_more_changes_no_bit, a_changed_script_goes_on_over_a_restart, a_script_that_cannot_take_over_leaves_everything_as_it_was,
         a_script_that_changes_while_samples_flow_loses_nothing, kill_9_behind_a_change_goes_on_by_the_new_script, who_watches_loads_what_changed_by_itself)
