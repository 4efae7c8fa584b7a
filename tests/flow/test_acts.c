/* What people did about alarms outlives kill -9 and another version of the script: the real program, asked by HTTP as people ask it. */
#include "connectors/websocket/device.h"
#include "flow/ask.h"

/* The level is what the gauge says, almost at once: an alarm above 60 cm. */
static const char tank[] =
    "return model \"tank\" {\n"
    "  states = { level = { 30, \"cm\", min = 0, noise = 0.1, sd = 1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.5, unit = \"cm\" } },\n"
    "  alarms = { overflow = { high = { \"level\", 60 }, severity = \"critical\" } },\n"
    "}\n";

enum { PATIENCE_MS = 30000, SNAPSHOT_MS = 5500 };
static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;

typedef struct Works {
    Child server;
    Device *device;
    FlowPath plant, history;
    int second;  // of the next samples
} Works;

// The server.

static void write_plant(const char *assets)
{
    char text[512];
    snprintf(text, sizeof text, "return plant \"works\" { step = 1, clock = \"provider\", assets = { %s } }\n", assets);
    flow_write("tank.lua", tank);
    flow_write("works.lua", text);
}

static void start(Works *works)
{
    static const WireTag tags[] = {{"tank1.gauge", "cm"}, {"tank2.gauge", "cm"}};
    ErrText why = {""};
    works->server = CHILD_START("server", "serve", works->plant.text, "--port", "0", "--history", works->history.text, "--codegen", "off");
    child_await_port(&works->server);
    const FlowPath url = child_url(&works->server);
    const DeviceDef def = {.url = url.text, .name = "rig", .tags = tags, .tag_count = 2};
    ck_assert_msg(device_open(&def, &works->device, &why) == ERR_OK, "%s", why.text);
}

static void begin(Works *works, const char *history)
{
    *works = (Works){.plant = flow_path("works.lua"), .history = flow_path(history)};
    unlink(works->history.text);
    write_plant("tank1 = { \"tank\" }, tank2 = { \"tank\" }");
    start(works);
}

static void kill_server(Works *works)
{
    child_kill(&works->server);
    device_close(works->device);
}

/* Some seconds of the plant's time, with both levels, until the server has them on disk. */
static void live(Works *works, int seconds, double first, double second)
{
    const uint64_t stored = device_state(works->device).stored;
    for (int i = 0; i < seconds; i++, works->second++) {
        const int64_t time = BEGIN + works->second * NS_PER_S;
        const WireSample samples[] = {{.tag = "tank1.gauge", .time = time, .value = first}, {.tag = "tank2.gauge", .time = time, .value = second}};
        ck_assert_int_eq(device_send(works->device, samples, 2), ERR_OK);
    }
    for (int i = 0; i < PATIENCE_MS && device_state(works->device).stored < stored + 2 * (uint64_t)seconds; i++)
        device_service(works->device, NS_PER_MS);
    ck_assert_uint_eq(device_state(works->device).stored, stored + 2 * (uint64_t)seconds);
}

// What is asked of it.

static json_t *ask(const Works *works, const char *method, const char *path, const char *body)
{
    return flow_ask(&works->server, method, path, body, 200);
}

static json_t *get(const Works *works, const char *path)
{
    return ask(works, "GET", path, "");
}

static void act(const Works *works, int64_t alarm, const char *what, const char *body)
{
    char path[64];
    snprintf(path, sizeof path, "alarms/%lld/%s", (long long)alarm, what);
    json_decref(ask(works, "POST", path, body));
}

/* The newest alarm, once it is that of this twin. */
static int64_t await_alarm(Works *works, const char *twin)
{
    char path[64];
    snprintf(path, sizeof path, "alarms?limit=1&twin=%s", twin);
    for (int i = 0; i < PATIENCE_MS / 20; i++) {
        json_t *alarms = get(works, path);
        const int64_t id = json_integer_value(json_object_get(json_array_get(alarms, 0), "id"));
        json_decref(alarms);
        if (id)
            return id;
        device_service(works->device, 20 * NS_PER_MS);
    }
    ck_abort_msg("no alarm of %s", twin);
}

/* Let it come to where it is: answers show the newest tick. */
static void await_tick(Works *works)
{
    const int64_t until = BEGIN + (works->second - 1) * NS_PER_S;
    for (int i = 0; i < PATIENCE_MS / 20; i++) {
        json_t *time = get(works, "time?times=ns");
        const bool there = json_integer_value(json_object_get(time, "time")) >= until;
        json_decref(time);
        if (there)
            return;
        device_service(works->device, 20 * NS_PER_MS);
    }
    ck_abort_msg("the plant stands still");
}

/* All that is known of two alarms and of what is aside, as the engine has it and as the history has it. */
static json_t *known(Works *works, int64_t first, int64_t second)
{
    char path[2][64];
    snprintf(path[0], sizeof path[0], "alarms/%lld?times=ns", (long long)first);
    snprintf(path[1], sizeof path[1], "alarms/%lld?times=ns", (long long)second);
    await_tick(works);
    json_t *plant = get(works, "plant?times=ns"), *all = json_object();
    json_object_set(all, "open", json_object_get(plant, "alarms"));
    json_object_set_new(all, "shelved", get(works, "alarms/shelved?times=ns"));
    json_object_set_new(all, "first", get(works, path[0]));
    json_object_set_new(all, "second", get(works, path[1]));
    json_decref(plant);
    return all;
}

static void assert_same(const json_t *found, const json_t *expected)
{
    char *a = json_dumps(found, JSON_SORT_KEYS), *b = json_dumps(expected, JSON_SORT_KEYS);
    ck_assert_msg(json_equal(found, expected), "found    %s\nexpected %s", a, b);
    free(a);
    free(b);
}

static void assert_trail_is_whole(const Works *works)
{
    Child child = CHILD_START("verify", "audit", "verify", works->plant.text, "--history", works->history.text);
    ck_assert_int_eq(child_wait(&child, PATIENCE_MS), 0);
    child = CHILD_START("list", "audit", "list", works->plant.text, "--history", works->history.text);
    ck_assert_int_eq(child_wait(&child, PATIENCE_MS), 0);
    char *trail = flow_read(child.out.text);
    static const char *const entries[] = {"shelve tank1.overflow #", "comment tank1.overflow #", "suppress tank1.overflow #", "acknowledge tank2.overflow #"};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const char *entry = strstr(trail, entries[i]);
        ck_assert_msg(entry != NULL, "no \"%s\" in %s", entries[i], trail);
        ck_assert_msg(strstr(entry + 1, entries[i]) == NULL, "\"%s\" twice in %s", entries[i], trail);
    }
    free(trail);
}

/* Two alarms, and what people do about them. */
static void raise_and_act(Works *works, int64_t *first, int64_t *second)
{
    live(works, 10, 30, 30);
    live(works, 10, 90, 30);
    *first = await_alarm(works, "tank1");
    live(works, 10, 90, 90);
    *second = await_alarm(works, "tank2");
    act(works, *first, "shelve", "{\"seconds\":500000,\"comment\":\"the float hangs\"}");
    act(works, *first, "comment", "{\"comment\":\"ordered a new one\"}");
    act(works, *first, "suppress", "{}");
    act(works, *second, "acknowledge", "{\"comment\":\"seen\"}");
    live(works, 5, 90, 90);
}

/* With a snapshot behind the acts they are in it; without, they are done again. */
START_TEST(what_people_did_is_the_same_behind_kill_9)
{
    for (int snapshot = 0; snapshot < 2; snapshot++) {
        Works works;
        int64_t first, second;
        begin(&works, snapshot ? "with.db" : "without.db");
        raise_and_act(&works, &first, &second);
        if (snapshot) {
            device_service(works.device, SNAPSHOT_MS * NS_PER_MS);
            live(&works, 5, 90, 90);
        }
        json_t *before = known(&works, first, second);
        ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(before, "shelved"), "alarms")), 2);
        ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(before, "first"), "comments")), 2);
        ck_assert(json_is_object(json_object_get(json_object_get(before, "first"), "evidence")));
        flow_sleep(300);  // what is noted is on disk a moment later
        kill_server(&works);

        start(&works);
        live(&works, 2, 90, 90);
        json_t *after = known(&works, first, second);
        assert_same(after, before);
        assert_trail_is_whole(&works);

        // numbers go on: the next alarm is another one
        live(&works, 10, 90, 30);
        live(&works, 10, 90, 90);
        await_tick(&works);
        ck_assert_int_gt(await_alarm(&works, "tank2"), second > first ? second : first);
        json_decref(before);
        json_decref(after);
        child_stop(&works.server, SIGTERM);
        device_close(works.device);
    }
}
END_TEST

START_TEST(what_is_aside_goes_with_the_name_of_its_twin_over_another_version_of_the_script)
{
    Works works;
    int64_t first, second;
    begin(&works, "reload.db");
    raise_and_act(&works, &first, &second);
    json_t *before = known(&works, first, second);

    // twins are numbered by their names: each has another number now
    write_plant("basin = { \"tank\" }, tank1 = { \"tank\" }, tank2 = { \"tank\" }");
    json_decref(ask(&works, "POST", "reload", ""));
    live(&works, 2, 90, 90);
    json_t *after = known(&works, first, second);
    assert_same(json_object_get(after, "shelved"), json_object_get(before, "shelved"));
    assert_same(json_object_get(after, "open"), json_object_get(before, "open"));

    // without the twin nothing of it is aside, and it does not come back with the name
    write_plant("basin = { \"tank\" }, tank2 = { \"tank\" }");
    json_decref(ask(&works, "POST", "reload", ""));
    json_t *shelved = get(&works, "alarms/shelved");
    for (int i = 0; i < PATIENCE_MS / 20 && json_array_size(json_object_get(shelved, "alarms")); i++) {
        json_decref(shelved);
        device_service(works.device, 20 * NS_PER_MS);
        shelved = get(&works, "alarms/shelved");
    }
    ck_assert_uint_eq(json_array_size(json_object_get(shelved, "alarms")), 0);
    json_decref(shelved);
    json_decref(before);
    json_decref(after);
    child_stop(&works.server, SIGTERM);
    device_close(works.device);
}
END_TEST

KIT_MAIN("flow.acts", what_people_did_is_the_same_behind_kill_9, what_is_aside_goes_with_the_name_of_its_twin_over_another_version_of_the_script)
