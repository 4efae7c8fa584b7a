/* Modes, fail-safe values and watchdogs of the real program: what a device is told, and what stays when the engine ends, is killed, or has another script. */
#include "connectors/websocket/device.h"
#include "flow/ask.h"

static const char tank[] = "return model 'tank' {\n"
                           "  inputs = { position = { 0, 'percent' } },\n"
                           "  states = { level = { 30, 'cm', min = 0, noise = 0.1, sd = 1 } },\n"
                           "  equations = function(t) t.level.rate = quantity(0, 'm/s') end,\n"
                           "  sensors = { gauge = { of = 'level', noise = 0.5, unit = 'cm' } },\n"
                           "  alarms = { full = { high = { 'level', 90 } } },\n"
                           "  actuators = { valve = { 0, 'percent', min = 0, max = 100, rate = 1 }, alive = { 0, '1', min = 0, max = 1 } },\n"
                           "}\n";

enum { PATIENCE_MS = 30000, SNAPSHOT_MS = 5500, TOLD_MAX = 64 };
static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;

typedef struct Told {
    uint64_t id;
    char tag[32], reason[COMMAND_TEXT];
    double value;
} Told;

typedef struct Works {
    Child server;
    Device *device;
    FlowPath plant, history;
    const char *option;  // of the server, or NULL
    int second;          // of the next samples
    Told told[TOLD_MAX];
    size_t told_count;
} Works;

static const char *obey(void *self, uint64_t id, const char *tag, double value, const char *reason)
{
    Works *works = self;
    Told *told = &works->told[works->told_count++ % TOLD_MAX];
    *told = (Told){.id = id, .value = value};
    snprintf(told->tag, sizeof told->tag, "%s", tag);
    snprintf(told->reason, sizeof told->reason, "%s", reason);
    return NULL;
}

static void write_plant(const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, "return plant 'works' { step = 1, clock = 'provider', assets = { tank1 = { 'tank' } }, %s }\n", more);
    flow_write("tank.lua", tank);
    flow_write("works.lua", text);
}

static void start(Works *works)
{
    static const WireTag tags[] = {{"tank1.gauge", "cm"}, {"tank1.position", "percent"}};
    static const char *const actuators[] = {"tank1.valve", "tank1.alive"};
    ErrText why;
    works->server = CHILD_START("server", "serve", works->plant.text, "--port", "0", "--history", works->history.text, "--codegen", "off", works->option);
    child_await_port(&works->server);
    const FlowPath url = child_url(&works->server);
    const DeviceDef def = {.url = url.text, .name = "rig", .tags = tags, .tag_count = 2, .actuators = actuators, .actuator_count = 2, .command = obey, .self = works};
    ck_assert_msg(device_open(&def, &works->device, &why) == ERR_OK, "%s", why.text);
}

static void begin(Works *works, const char *history, const char *more)
{
    *works = (Works){.plant = flow_path("works.lua"), .history = flow_path(history)};
    unlink(works->history.text);
    write_plant(more);
    start(works);
}

/* Until the server has ended, while the device goes on. */
static void await_exit(Works *works)
{
    siginfo_t ended = {0};
    for (int i = 0; i < PATIENCE_MS / 5 && !ended.si_pid; i++) {
        device_service(works->device, 5 * NS_PER_MS);
        ck_assert_int_eq(waitid(P_PID, (id_t)works->server.pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
    }
    ck_assert_int_eq(child_wait(&works->server, PATIENCE_MS), 0);
}

static void end(Works *works)
{
    kill(works->server.pid, SIGTERM);
    await_exit(works);
    device_close(works->device);
}

static void start_again_behind_kill_9(Works *works)
{
    child_kill(&works->server);
    device_close(works->device);
    start(works);
}

/* Some seconds of the plant's time, until the server has them on disk; the gauge is read in the first `heard` of them. */
static void live(Works *works, int seconds, int heard, double position)
{
    uint64_t stored = device_state(works->device).stored;
    for (int i = 0; i < seconds; i++, works->second++) {
        const int64_t time = BEGIN + works->second * NS_PER_S;
        const WireSample samples[] = {{.tag = "tank1.position", .time = time, .value = position}, {.tag = "tank1.gauge", .time = time, .value = 30}};
        const size_t count = i < heard ? 2 : 1;
        ck_assert_int_eq(device_send(works->device, samples, count), ERR_OK);
        stored += count;
    }
    for (int i = 0; i < PATIENCE_MS && device_state(works->device).stored < stored; i++)
        device_service(works->device, NS_PER_MS);
    ck_assert_uint_eq(device_state(works->device).stored, stored);
}

/* Until the device was told so often; false when it was not. */
static bool await_told(Works *works, size_t count)
{
    for (int i = 0; i < PATIENCE_MS / 5 && works->told_count < count; i++)
        device_service(works->device, 5 * NS_PER_MS);
    return works->told_count >= count;
}

static const Told *last_told(const Works *works)
{
    return &works->told[(works->told_count - 1) % TOLD_MAX];
}

// What is asked of it.

static void say(const Works *works, const char *method, const char *path, const char *body, int status)
{
    json_decref(flow_ask(&works->server, method, path, body, status));
}

/* The newest command, once it is over. */
static json_t *await_end(Works *works)
{
    for (int i = 0; i < PATIENCE_MS / 20; i++) {
        json_t *commands = flow_ask(&works->server, "GET", "commands?limit=1", "", 200);
        json_t *command = json_incref(json_array_get(commands, 0));
        json_decref(commands);
        if (command && !json_is_null(json_object_get(command, "ended")))
            return command;
        json_decref(command);
        device_service(works->device, 20 * NS_PER_MS);
    }
    ck_abort_msg("the newest command does not end");
}

static void assert_end(Works *works, const char *state, const char *detail)
{
    json_t *command = await_end(works);
    ck_assert_str_eq(json_string_value(json_object_get(command, "state")), state);
    ck_assert_str_eq(json_string_value(json_object_get(command, "detail")), detail);
    json_decref(command);
}

/* How the valve stands: "manual", "automatic held"; once it is that. */
static void await_standing(Works *works, const char *mode, bool held)
{
    for (int i = 0; i < PATIENCE_MS / 20; i++) {
        json_t *leaf = flow_ask(&works->server, "GET", "twins/tank1/valve", "", 200);
        const bool there = strcmp(json_string_value(json_object_get(leaf, "mode")), mode) == 0 && json_is_true(json_object_get(leaf, "held")) == held;
        json_decref(leaf);
        if (there)
            return;
        device_service(works->device, 20 * NS_PER_MS);
    }
    ck_abort_msg("the valve is not %s%s", mode, held ? " and held" : "");
}

/* What people did is in the audit trail once, however often it was done again. */
static void assert_noted(const Works *works, const char *action, const char *target)
{
    size_t found = 0, index;
    json_t *entry, *trail = flow_ask(&works->server, "GET", "audit?limit=100", "", 200);
    json_array_foreach(json_object_get(trail, "entries"), index, entry)
        found += strcmp(json_string_value(json_object_get(entry, "action")), action) == 0 && strcmp(json_string_value(json_object_get(entry, "target")), target) == 0;
    ck_assert_uint_eq(found, 1);
    json_decref(trail);
}

static const char safe[] = "gate = { fail_safe = { ['tank1.valve'] = { 100, seconds = 5 } } }";

START_TEST(an_orderly_stop_writes_the_fail_safe_value_which_people_release)
{
    Works works;
    begin(&works, "stop.db", safe);
    live(&works, 3, 3, 0);
    kill(works.server.pid, SIGTERM);
    ck_assert(await_told(&works, 1));  // it waits for the device, which answers here
    ck_assert_double_eq(last_told(&works)->value, 100);  // at 1 percent per s people would wait for it
    ck_assert_str_eq(last_told(&works)->reason, "the engine stops");
    await_exit(&works);
    device_close(works.device);

    start(&works);
    await_standing(&works, "automatic", true);
    assert_end(&works, "done", "");
    say(&works, "PUT", "twins/tank1/valve", "{\"value\":50}", 409);
    say(&works, "POST", "failsafe/release", "{\"reason\":\"looked at it\"}", 204);
    await_standing(&works, "automatic", false);
    ck_assert_uint_eq(works.told_count, 1);
    end(&works);
}
END_TEST

START_TEST(lost_sensors_hold_the_actuator_and_kill_9_does_not_change_that)
{
    Works works;
    begin(&works, "lost.db", safe);
    live(&works, 8, 1, 0);
    ck_assert(await_told(&works, 1));
    ck_assert_str_eq(last_told(&works)->reason, "tank1.gauge was silent for more than 5 s");
    await_standing(&works, "automatic", true);
    assert_end(&works, "done", "");
    say(&works, "POST", "failsafe/release", "{}", 409);

    start_again_behind_kill_9(&works);
    await_standing(&works, "automatic", true);
    live(&works, 2, 2, 0);
    await_standing(&works, "automatic", true);  // it is heard again: that releases nothing
    say(&works, "POST", "failsafe/release", "{}", 204);
    await_standing(&works, "automatic", false);
    ck_assert_uint_eq(works.told_count, 1);
    end(&works);
}
END_TEST

/* With a snapshot behind the acts they are in it; without, they are done again. */
START_TEST(modes_are_the_same_behind_kill_9_and_behind_another_script)
{
    Works works;
    begin(&works, "modes.db", "");
    live(&works, 3, 3, 0);
    say(&works, "PATCH", "gate/tank1.valve", "{\"mode\":\"blocked\",\"reason\":\"repair\"}", 204);
    live(&works, 2, 2, 0);
    start_again_behind_kill_9(&works);
    await_standing(&works, "blocked", false);
    say(&works, "PUT", "twins/tank1/valve", "{\"value\":1}", 409);

    flow_sleep(SNAPSHOT_MS);
    live(&works, 2, 2, 0);
    write_plant("gate = { mode = { ['tank1.valve'] = 'automatic', ['tank1.alive'] = 'manual' } }");
    start_again_behind_kill_9(&works);
    await_standing(&works, "blocked", false);
    json_t *alive = flow_ask(&works.server, "GET", "twins/tank1/alive", "", 200);
    ck_assert_str_eq(json_string_value(json_object_get(alive, "mode")), "manual");
    json_decref(alive);

    assert_noted(&works, "mode.blocked", "tank1.valve");
    write_plant("");
    say(&works, "POST", "reload", "", 200);
    await_standing(&works, "blocked", false);
    say(&works, "PATCH", "gate/tank1.valve", "{\"mode\":\"automatic\"}", 204);
    await_standing(&works, "automatic", false);
    end(&works);
}
END_TEST

START_TEST(a_command_is_done_when_the_device_reports_it)
{
    Works works;
    begin(&works, "report.db", "gate = { read_back = { ['tank1.valve'] = { 'tank1.position', within = 2, seconds = 3 } } }");
    live(&works, 3, 3, 10);
    say(&works, "PUT", "twins/tank1/valve", "{\"value\":30}", 200);
    live(&works, 1, 1, 10);
    ck_assert(await_told(&works, 1));
    live(&works, 2, 2, 29);
    assert_end(&works, "done", "");

    live(&works, 60, 60, 29);
    say(&works, "PUT", "twins/tank1/valve", "{\"value\":60}", 200);
    live(&works, 1, 1, 29);
    ck_assert(await_told(&works, 2));
    live(&works, 8, 8, 43);
    assert_end(&works, "failed", "confirmed, but tank1.position reads 43 percent");
    end(&works);
}
END_TEST

START_TEST(a_watchdog_beats_while_ticks_run)
{
    Works works;
    begin(&works, "watchdog.db", "gate = { watchdog = { ['tank1.alive'] = { every = 1 } } }");
    live(&works, 2, 2, 0);
    for (size_t beats = 1; beats <= 3; beats++) {
        ck_assert(await_told(&works, beats));
        ck_assert_str_eq(last_told(&works)->tag, "tank1.alive");
        live(&works, 1, 1, 0);
    }
    ck_assert_double_eq(works.told[0].value, works.told[2].value);
    ck_assert_double_eq(works.told[0].value, 1 - works.told[1].value);
    json_t *commands = flow_ask(&works.server, "GET", "commands", "", 200);
    ck_assert_uint_eq(json_array_size(commands), 0);
    json_decref(commands);
    end(&works);
}
END_TEST

START_TEST(in_a_dry_run_nothing_reaches_the_device)
{
    Works works;
    begin(&works, "dry.db", "");
    live(&works, 3, 3, 0);
    json_t *one = flow_ask(&works.server, "PUT", "twins/tank1/valve", "{\"value\":30,\"dry_run\":true}", 200);
    ck_assert_str_eq(json_string_value(json_object_get(one, "dry_run")), "dry run: it would be handed over");
    json_decref(one);
    say(&works, "PUT", "twins/tank1/valve", "{\"value\":300,\"dry_run\":true}", 409);
    child_stop(&works.server, SIGTERM);
    device_close(works.device);

    works.option = "--dry-run";
    start(&works);
    live(&works, 2, 2, 0);
    say(&works, "PUT", "twins/tank1/valve", "{\"value\":40}", 200);
    live(&works, 2, 2, 0);
    assert_end(&works, "withheld", "dry run: nothing leaves this plant");
    json_t *gate = flow_ask(&works.server, "GET", "gate", "", 200);
    ck_assert(json_is_true(json_object_get(gate, "dry_run")));
    json_decref(gate);
    ck_assert_uint_eq(works.told_count, 0);
    end(&works);
}
END_TEST

/* What `pollux gate` prints; it ends with this status. */
static char *gate_says(const Works *works, int status, const char *const *words)
{
    const char *arguments[12] = {"gate"};
    char url[64];
    size_t count = 1;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", works->server.port);
    for (; *words; words++)
        arguments[count++] = *words;
    arguments[count++] = "--url";
    arguments[count] = url;
    Child child = child_start("gate", arguments);
    ck_assert_int_eq(child_wait(&child, PATIENCE_MS), status);
    return flow_read(status ? child.err.text : child.out.text);
}
#define GATE_SAYS(works, status, ...) gate_says(works, status, (const char *const[]){__VA_ARGS__, NULL})

static void assert_says(char *said, const char *expected)
{
    ck_assert_msg(strstr(said, expected), "\"%s\" is not in \"%s\"", expected, said);
    free(said);
}

START_TEST(the_command_line_does_what_the_dashboard_does)
{
    Works works;
    begin(&works, "line.db", "gate = { fail_safe = { ['tank1.valve'] = 100 } }");
    live(&works, 3, 3, 0);
    assert_says(GATE_SAYS(&works, 0, "command", "tank1.valve", "30", "--dry-run"), "dry run: it would be handed over");
    assert_says(GATE_SAYS(&works, 1, "command", "tank1.valve", "300"), "300 percent is above its maximum 100 percent");
    assert_says(GATE_SAYS(&works, 0, "mode", "tank1.valve", "manual", "--reason", "trial"), "");
    assert_says(GATE_SAYS(&works, 0, "fail-safe", "--reason", "fire drill"), "");
    await_standing(&works, "manual", true);
    assert_says(GATE_SAYS(&works, 0, "show"), "held  fail-safe 100");
    assert_says(GATE_SAYS(&works, 0, "release", "tank1.valve"), "");
    await_standing(&works, "manual", false);
    assert_says(GATE_SAYS(&works, 1, "release"), "nothing is held");
    assert_says(GATE_SAYS(&works, 2, "command", "tank1.valve", "much"), "expected a number");
    end(&works);
}
END_TEST

START_TEST(a_dry_run_that_is_simulated_is_answered_behind_the_trial)
{
    Works works;
    begin(&works, "trial.db", "gate = { simulate = { ['tank1.valve'] = { becomes = 'tank1.position', limits = { 'tank1.full' }, horizon = 10 } } }");
    live(&works, 3, 3, 0);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", works.server.port);
    Child asker = CHILD_START("asker", "gate", "command", "tank1.valve", "30", "--dry-run", "--url", url);
    for (int status = 0; waitpid(asker.pid, &status, WNOHANG) == 0;)
        live(&works, 1, 1, 0);  // the trial takes ticks
    assert_says(flow_read(asker.out.text), "dry run: it would be handed over");
    ck_assert_uint_eq(works.told_count, 0);
    end(&works);
}
END_TEST

/* Until the gate has so many. */
static void await_command(Works *works, size_t count)
{
    size_t known = 0;
    for (int i = 0; i < PATIENCE_MS / 20 && known < count; i++) {
        json_t *commands = flow_ask(&works->server, "GET", "commands", "", 200);
        known = json_array_size(commands);
        json_decref(commands);
        device_service(works->device, 20 * NS_PER_MS);
    }
    ck_assert_uint_eq(known, count);
}

START_TEST(the_command_line_waits_until_a_command_has_ended_and_says_how)
{
    Works works;
    begin(&works, "wait.db", "gate = { read_back = { ['tank1.valve'] = { 'tank1.position', within = 2, seconds = 3 } } }");
    live(&works, 3, 3, 10);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", works.server.port);
    for (size_t i = 0; i < 2; i++) {
        const bool follows = i == 0;
        Child asker = CHILD_START("asker", "gate", "command", "tank1.valve", follows ? "30" : "60", "--url", url);
        await_command(&works, i + 1);
        live(&works, 1, 1, 10);
        ck_assert(await_told(&works, i + 1));
        live(&works, follows ? 2 : 8, 1, 29);
        const int status = child_wait(&asker, PATIENCE_MS);
        char *out = flow_read(asker.out.text), *err = flow_read(asker.err.text);
        ck_assert_msg(status == (follows ? 0 : 1), "exit status %d: %s%s", status, out, err);
        free(err);
        free(out);
        assert_says(flow_read(asker.out.text), follows ? ": done" : ": failed: confirmed, but tank1.position reads 29 percent");
        live(&works, 60, 60, 29);
    }
    end(&works);
}
END_TEST

KIT_MAIN("flow.safety", an_orderly_stop_writes_the_fail_safe_value_which_people_release, lost_sensors_hold_the_actuator_and_kill_9_does_not_change_that,
         modes_are_the_same_behind_kill_9_and_behind_another_script, a_command_is_done_when_the_device_reports_it, a_watchdog_beats_while_ticks_run,
         in_a_dry_run_nothing_reaches_the_device, the_command_line_does_what_the_dashboard_does,
         a_dry_run_that_is_simulated_is_answered_behind_the_trial, the_command_line_waits_until_a_command_has_ended_and_says_how)
