/* A device that nobody knows, from its first visit on: claimed by what an engineer types, bound over kill -9, disabled, replaced, and told how it is to be set. */
#include "connectors/mosquitto.h"
#include "connectors/websocket/device.h"
#include "flow/ask.h"

enum { PATIENCE_MS = 30000, LINE_ROOM = 4096, TOKEN_SIZE = 64 };

static const char plant_text[] = "return plant \"works\" { step = 0.1, clock = \"utc\", assets = { tank = { \"tank\" } } }\n";
static const char model_text[] = "return model \"tank\" {\n  states = { level = { 1, \"m\", noise = 1e-3, sd = 1 } },\n"
                                 "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
                                 "  sensors = { gauge = { of = \"level\", noise = 1, unit = \"m\", every = 1 } },\n}\n";

static Child server;
static FlowPath plant, access_file, history, engineer;

// The server, and what an engineer types.

static void start_server(int port)
{
    char text[16];
    snprintf(text, sizeof text, "%d", port);
    server = CHILD_START("server", "serve", plant.text, "--port", text, "--history", history.text, "--access", access_file.text, "--codegen", "off");
    child_await_port(&server);
}

static void kill_and_start_again(void)
{
    const int port = server.port;
    child_kill(&server);
    start_server(port);
}

/* Standard output of `pollux WORDS`, which must end well; what it says besides is thrown away. */
static void type(const char *words, char out[LINE_ROOM])
{
    char line[LINE_ROOM];
    const FlowPath said = flow_path("said"), complained = flow_path("complained");
    snprintf(line, sizeof line, "%s %s > %s 2> %s", POLLUX_PROGRAM, words, said.text, complained.text);
    const int status = system(line);
    char *text = flow_read(said.text), *error = flow_read(complained.text);
    ck_assert_msg(status == 0, "pollux %s: %s", words, error);
    snprintf(out, LINE_ROOM, "%s", text);
    free(text);
    free(error);
}

/* `pollux devices WORDS`, as an engineer. */
static void devices(const char *words, char out[LINE_ROOM])
{
    char whole[LINE_ROOM / 2];
    snprintf(whole, sizeof whole, "devices %s --url http://localhost:%d --token-file %s", words, server.port, engineer.text);
    type(whole, out);
}

static void expect(const char *words, const char *expected)
{
    char out[LINE_ROOM];
    devices(words, out);
    ck_assert_msg(strstr(out, expected) != NULL, "pollux devices %s: \"%s\" is not in: %s", words, expected, out);
}

/* The token that is printed. */
static void take_token(const char *words, char token[TOKEN_SIZE])
{
    char out[LINE_ROOM];
    devices(words, out);
    ck_assert_msg(strncmp(out, "plx_", 4) == 0, "%s", out);
    snprintf(token, TOKEN_SIZE, "%.*s", (int)strcspn(out, "\n"), out);
}

static void begin(void)
{
    char token[LINE_ROOM], words[600];
    flow_write("tank.lua", model_text);
    plant = flow_write("works.lua", plant_text);
    access_file = flow_path("access.json");
    history = flow_path("works.db");
    snprintf(words, sizeof words, "token create anna --role engineer --access %s", access_file.text);
    type(words, token);
    engineer = flow_write("engineer", token);
    start_server(0);
}

// The device.

typedef struct Rig {
    Device *device;
    double period;  // that it was told last, NAN before
} Rig;

static void on_config(void *self, const json_t *delta)
{
    Rig *rig = self;
    rig->period = json_number_value(json_object_get(delta, "period"));
    json_t *report = json_pack("{s:f}", "period", rig->period);
    ck_assert_int_eq(device_report(rig->device, report), ERR_OK);
    json_decref(report);
}

static void come(Rig *rig, const char *name, const char *token)
{
    static const WireTag tags[] = {{"depth", "mm"}};
    ErrText why = {""};
    const FlowPath url = child_url(&server);
    rig->period = NAN;
    const DeviceDef def = {.url = url.text, .token = token, .name = name, .tags = tags, .tag_count = 1, .config = on_config, .self = rig};
    ck_assert_msg(device_open(&def, &rig->device, &why) == ERR_OK, "%s", why.text);
}

/* One sample now: 1,042 mm. */
static void measure(Rig *rig)
{
    const WireSample sample = {.tag = "depth", .time = clock_system.utc_ns(clock_system.self), .value = 1042};
    ck_assert_int_eq(device_send(rig->device, &sample, 1), ERR_OK);
}

#define AWAIT(rig, fact)                                                                                         \
    do {                                                                                                         \
        const int64_t until = clock_system.elapsed_ns(clock_system.self) + PATIENCE_MS * NS_PER_MS;              \
        while (!(fact) && clock_system.elapsed_ns(clock_system.self) < until)                                    \
            device_service((rig)->device, 5 * NS_PER_MS);                                                        \
        ck_assert_msg(fact, "never: " #fact);                                                                    \
    } while (0)

/* What it measures is used: it is answered that it is on disk. */
static void assert_heard(Rig *rig)
{
    const uint64_t before = device_state(rig->device).stored;
    measure(rig);
    AWAIT(rig, device_state(rig->device).stored > before);
}

START_TEST(a_device_is_claimed_bound_over_kill_9_disabled_replaced_and_told_how_it_is_to_be_set)
{
    Rig rig, spare;
    char token[TOKEN_SIZE], other[TOKEN_SIZE], out[LINE_ROOM];
    begin();

    // nobody knows it, and while devices are paired it may come and wait
    expect("pair 600", "open until");
    come(&rig, "rig-1", NULL);
    AWAIT(&rig, device_state(rig.device).connected);
    ck_assert(device_state(rig.device).unclaimed);
    measure(&rig);
    AWAIT(&rig, device_state(rig.device).waiting == 0);
    ck_assert_uint_eq(device_state(rig.device).stored, 0);
    expect("list", "unclaimed");
    expect("show rig-1", "1042 mm");

    // an engineer claims it, and it is heard without a reconnection
    take_token("claim rig-1 --bind depth=tank.gauge", token);
    AWAIT(&rig, !device_state(rig.device).unclaimed);
    assert_heard(&rig);
    expect("pair 0", "nobody is let in");

    // kill -9: without its token it is nobody, with it it is bound as before
    kill_and_start_again();
    AWAIT(&rig, !device_state(rig.device).connected);
    device_close(rig.device);
    come(&rig, "rig-1", token);
    AWAIT(&rig, device_state(rig.device).connected);
    ck_assert(!device_state(rig.device).unclaimed);
    assert_heard(&rig);

    // what is desired is told at once, and when it comes again what changed meanwhile
    expect("desired rig-1 '{\"period\": 2}'", "\"version\": 1");
    AWAIT(&rig, rig.period == 2);
    device_close(rig.device);
    expect("desired rig-1 '{\"period\": 3}'", "\"version\": 2");
    kill_and_start_again();
    come(&rig, "rig-1", token);
    AWAIT(&rig, rig.period == 3);

    // disabled it is refused, over a restart too; enabled it is let in again
    devices("disable rig-1", out);
    AWAIT(&rig, device_state(rig.device).refused);
    device_close(rig.device);
    kill_and_start_again();
    come(&rig, "rig-1", token);
    AWAIT(&rig, device_state(rig.device).refused);
    device_close(rig.device);
    devices("enable rig-1", out);
    come(&rig, "rig-1", token);
    assert_heard(&rig);

    // another takes its place: name and bindings stay, and the first one's token ends
    expect("pair 600", "open until");
    come(&spare, "spare", NULL);
    AWAIT(&spare, device_state(spare.device).unclaimed);
    take_token("replace rig-1 spare", other);
    assert_heard(&spare);
    AWAIT(&rig, !device_state(rig.device).connected);
    device_close(rig.device);
    device_close(spare.device);
    kill_and_start_again();
    come(&rig, "rig-1", token);
    come(&spare, "spare", other);
    AWAIT(&spare, device_state(spare.device).connected && spare.period == 3);
    assert_heard(&spare);
    for (int i = 0; i < 50; i++)
        device_service(rig.device, 10 * NS_PER_MS);
    ck_assert(!device_state(rig.device).connected);
    expect("show rig-1", "rig-1: claimed, here");

    device_close(rig.device);
    device_close(spare.device);
    child_stop(&server, SIGTERM);

    // all that was decided stands in the audit trail
    char words[600];
    snprintf(words, sizeof words, "audit list --history %s", history.text);
    type(words, out);
    static const char *const deeds[] = {"pairing", "claim rig-1", "desire rig-1", "disable rig-1", "enable rig-1", "replace rig-1"};
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        ck_assert_msg(strstr(out, deeds[i]) != NULL, "\"%s\" is not in: %s", deeds[i], out);
}
END_TEST

/* The address stands in the list, with a line that the script takes: bound so, it is not in it any more. */
START_TEST(what_a_connector_hears_is_listed_with_the_line_that_binds_it)
{
    char script[700], binding[256] = "";
    BrokerProcess broker = broker_open("allow_anonymous true");
    flow_write("tank.lua", model_text);
    static const char form[] = "return plant \"works\" { step = 0.1, clock = \"utc\", assets = { tank = { \"tank\" } },\n"
                               "  connectors = { line = { \"mqtt\", url = \"%s\", discover = \"works/#\" } },\n  bind = { %s },\n}\n";
    snprintf(script, sizeof script, form, broker.url, "");
    plant = flow_write("works.lua", script);
    server = CHILD_START("server", "serve", plant.text, "--port", "0", "--no-history", "--codegen", "off");
    child_await_port(&server);

    // a broker keeps it for who comes later
    BROKER_PUB(&broker, "-r", "-t", "works/depth", "-m", "1.25");
    for (int i = 0; i < PATIENCE_MS / 20 && !*binding; i++, flow_sleep(20)) {
        json_t *list = flow_ask(&server, "GET", "devices", "", 200), *heard = json_array_get(json_object_get(list, "addresses"), 0);
        if (heard) {
            ck_assert_str_eq(json_string_value(json_object_get(heard, "connector")), "line");
            ck_assert_str_eq(json_string_value(json_object_get(heard, "address")), "works/depth");
            ck_assert_double_eq(json_number_value(json_object_get(heard, "value")), 1.25);
            snprintf(binding, sizeof binding, "%s", json_string_value(json_object_get(heard, "binding")));
        }
        json_decref(list);
    }
    ck_assert_str_eq(binding, "{ \"line\", topic = \"works/depth\" }");
    char bind[300];
    snprintf(bind, sizeof bind, "[\"tank.gauge\"] = %s", binding);
    snprintf(script, sizeof script, form, broker.url, bind);
    flow_write("works.lua", script);
    json_decref(flow_ask(&server, "POST", "reload", "", 200));
    json_t *list = flow_ask(&server, "GET", "devices", "", 200);
    ck_assert_uint_eq(json_array_size(json_object_get(list, "addresses")), 0);
    json_decref(list);
    child_stop(&server, SIGTERM);
    broker_close(&broker);
}
END_TEST

KIT_MAIN("flow.devices", what_a_connector_hears_is_listed_with_the_line_that_binds_it, a_device_is_claimed_bound_over_kill_9_disabled_replaced_and_told_how_it_is_to_be_set)
