/* test_trip.c -- a device by libwebsockets, a server, and a tick between them: samples in, acknowledgements and commands out. */
#include "rig.h"

static const WireTag device_tags[] = {{"tank1.gauge", "mm"}, {"tank1.inflow", NULL}};
static const char *const device_actuators[] = {"tank1.valve"};

typedef struct Owner {
    int commands;
    double value;
    const char *refusal;
    char notices[8][300];
    size_t notice_count;
} Owner;

static Owner owner;
static bool bulk;  // of the next device

static const char *obey(void *self, uint64_t id, const char *tag, double value, const char *reason)
{
    (void)id, (void)reason;
    Owner *who = self;
    ck_assert_str_eq(tag, "tank1.valve");
    who->commands++;
    who->value = value;
    return who->refusal;
}

static void hear(void *self, const char *text)
{
    Owner *who = self;
    snprintf(who->notices[who->notice_count++ % 8], sizeof who->notices[0], "%s", text);
}

static DeviceDef device_def(const char *url)
{
    owner = (Owner){0};
    return (DeviceDef){.url = url, .name = "rig", .tags = device_tags, .tag_count = 2, .actuators = device_actuators, .actuator_count = 1,
                       .bulk = bulk, .command = obey, .notice = hear, .self = &owner};
}

static Device *device_at(int port)
{
    char url[64];
    snprintf(url, sizeof url, "ws://localhost:%d", port);
    const DeviceDef def = device_def(url);
    Device *device;
    ErrText why = {0};
    if (device_open(&def, &device, &why) != ERR_OK)
        ck_abort_msg("%s", why.text);
    return device;
}

/* Let both sides run until `condition` holds, at most 20 s. */
#define UNTIL(rig, device, condition)                                                       \
    do {                                                                                    \
        const int64_t end = clock_system.elapsed_ns(NULL) + 20 * NS_PER_S;                  \
        while (!(condition)) {                                                              \
            if (clock_system.elapsed_ns(NULL) > end)                                        \
                ck_abort_msg("waited for %s; heard: %s", #condition, owner.notices[0]);     \
            device_service(device, NS_PER_MS);                                              \
            rig_turn(rig);                                                                  \
        }                                                                                   \
    } while (0)

static void send_samples(Device *device, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        const WireSample sample = {.tag = "tank1.gauge", .time = RIG_START + i * (NS_PER_S / 10), .value = 310};
        ck_assert_int_eq(device_send(device, &sample, 1), ERR_OK);
    }
}

START_TEST(samples_are_kept_until_they_are_stored)
{
    Rig *rig = rig_open();
    Device *device = device_at(server_port(rig->server));
    send_samples(device, 0, 3000);
    ck_assert_uint_eq(device_state(device).waiting, 3000);
    UNTIL(rig, device, device_state(device).stored == 3000);

    const DeviceState state = device_state(device);
    ck_assert(state.connected);
    ck_assert_uint_eq(state.waiting, 0);
    ck_assert_uint_eq(state.sent, 3000);
    ck_assert_uint_eq(state.rejected, 0);
    ck_assert_double_eq(state.step, 1);
    ck_assert_double_eq(state.speed, 1);
    ck_assert_int_eq(state.from, TIME_NONE);
    ck_assert_uint_eq(sync_counters(rig->sync)->samples, 3000);

    // 310 mm is 31 cm is 0.31 m
    UNTIL(rig, device, rig->tick > 200);
    ck_assert_double_eq_tol(plant_value(rig->plant, rig_tag(rig, "tank1.gauge")), 0.31, 1e-12);
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(time_moves_the_plant_without_samples)
{
    Rig *rig = rig_open();
    Device *device = device_at(server_port(rig->server));
    send_samples(device, 0, 1);
    device_send_time(device, RIG_START + 60 * NS_PER_S);
    UNTIL(rig, device, sync_now(rig->sync) >= RIG_START + 59 * NS_PER_S);
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(a_command_goes_to_the_device_and_its_answer_comes_back)
{
    Rig *rig = rig_open();
    Device *device = device_at(server_port(rig->server));
    send_samples(device, 0, 100);
    UNTIL(rig, device, device_state(device).stored == 100);

    const CommandWish wish = {.tag = rig_tag(rig, "tank1.valve"), .value = 0.4, .by = "person:anna"};
    const uint64_t first = gate_ask(rig->gate, &wish, sync_now(rig->sync));
    send_samples(device, 100, 100);
    UNTIL(rig, device, owner.commands == 1 && !gate_find(rig->gate, first));
    ck_assert_double_eq_tol(owner.value, 40, 1e-9);

    owner.refusal = "the valve is stuck";
    const CommandWish again = {.tag = wish.tag, .value = 0.5, .by = "person:anna"};
    gate_ask(rig->gate, &again, sync_now(rig->sync));
    Peer *peer = peer_open(rig);
    peer_say(peer, "{\"topic\":\"subscribe\",\"value\":{}}");
    send_samples(device, 200, 100);
    UNTIL(rig, device, owner.commands == 2);
    send_samples(device, 300, 100);
    UNTIL(rig, device, device_state(device).stored == 400);
    peer_expect(rig, peer, "\"state\":\"failed\"");
    ck_assert_ptr_nonnull(strstr(peer->text, "the valve is stuck"));
    peer_close(peer);
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(a_command_that_comes_twice_is_obeyed_once_and_answered_twice)
{
    Rig *rig = rig_open();
    Device *device = device_at(server_port(rig->server));
    UNTIL(rig, device, device_state(device).connected);
    const Command command = {.id = 5, .wish = {.tag = rig_tag(rig, "tank1.valve"), .value = 0.1}, .time = 1, .deadline = 2, .ended = TIME_NONE};
    for (int i = 0; i < 2; i++) {
        Arrival arrival = {.kind = ARRIVAL_TIME};
        ck_assert_int_eq(websocket_connector.send(rig->websocket, &command), ERR_OK);
        while (arrival.kind != ARRIVAL_OUTCOME) {
            device_service(device, NS_PER_MS);
            websocket_connector.poll(rig->websocket, &arrival, 1);
        }
        ck_assert_uint_eq(arrival.command, 5);
        ck_assert(arrival.done);
    }
    ck_assert_int_eq(owner.commands, 1);
    ck_assert_uint_eq(device_state(device).commands, 1);
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(after_the_server_comes_back_everything_that_had_no_answer_is_there)
{
    Rig *rig = rig_open();
    const int port = server_port(rig->server);
    Device *device = device_at(port);
    send_samples(device, 0, 500);
    UNTIL(rig, device, device_state(device).stored == 500);

    // these reach the connector, but nobody tells the device that they are stored
    send_samples(device, 500, 700);
    Arrival arrival;
    for (int seen = 0; seen < 700;) {
        device_service(device, NS_PER_MS);
        while (websocket_connector.poll(rig->websocket, &arrival, 1))
            seen += arrival.kind == ARRIVAL_SAMPLE;
    }
    ck_assert_uint_eq(device_state(device).waiting, 700);
    server_destroy(rig->server);
    for (int i = 0; device_state(device).connected; i++) {
        ck_assert_int_lt(i, 1000);
        device_service(device, 10 * NS_PER_MS);
    }
    send_samples(device, 1200, 100);
    device_send_time(device, RIG_START + 200 * NS_PER_S);
    ck_assert_uint_eq(device_state(device).waiting, 800);

    ServerDef def = rig_def(rig);
    def.port = port;
    rig_serve(rig, &def);
    UNTIL(rig, device, device_state(device).waiting == 0);
    ck_assert_uint_eq(device_state(device).stored, 1300);
    ck_assert_uint_eq(sync_counters(rig->sync)->samples, 1300);
    UNTIL(rig, device, sync_now(rig->sync) >= RIG_START + 199 * NS_PER_S);
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(a_device_that_is_faster_than_the_tick_waits_and_loses_nothing)
{
    Rig *rig = rig_make(false);
    websocket_destroy(rig->websocket);
    const WebsocketDef small = {.tags = rig->plant->tags, .plant = "works", .step = 1, .speed = 1, .provider_clock = true, .ring = 1};
    ck_assert_int_eq(websocket_create(&small, &rig->websocket), ERR_OK);
    ServerDef def = rig_def(rig);
    rig_serve(rig, &def);
    Device *device = device_at(server_port(rig->server));
    send_samples(device, 0, 6000);

    // the tick is away for a moment
    for (int i = 0; i < 30; i++)
        device_service(device, 10 * NS_PER_MS);
    ck_assert_uint_lt(websocket_connector.stats(rig->websocket).samples, 6000);
    ck_assert_uint_eq(websocket_connector.stats(rig->websocket).dropped, 0);
    UNTIL(rig, device, device_state(device).waiting == 0);
    ck_assert_uint_eq(device_state(device).stored, 6000);
    ck_assert_uint_eq(device_state(device).rejected, 0);
    ck_assert_uint_eq(sync_counters(rig->sync)->samples, 6000);
    device_close(device);
    rig_close(rig);
}
END_TEST

/* The state of the plant after a minute of samples, across a reconnect. */
static uint64_t state_after_samples(bool in_bulk)
{
    bulk = in_bulk;
    Rig *rig = rig_open();
    const int port = server_port(rig->server);
    Device *device = device_at(port);
    send_samples(device, 0, 700);
    UNTIL(rig, device, device_state(device).stored == 700);
    server_destroy(rig->server);
    for (int i = 0; device_state(device).connected; i++) {
        ck_assert_int_lt(i, 1000);
        device_service(device, 10 * NS_PER_MS);
    }
    send_samples(device, 700, 5300);
    device_send_time(device, RIG_START + 700 * NS_PER_S);
    ServerDef def = rig_def(rig);
    def.port = port;
    rig_serve(rig, &def);
    UNTIL(rig, device, device_state(device).waiting == 0 && sync_now(rig->sync) >= RIG_START + 699 * NS_PER_S);
    ck_assert_uint_eq(device_state(device).stored, 6000);
    ck_assert_uint_eq(device_state(device).rejected, 0);
    ck_assert_uint_eq(sync_counters(rig->sync)->used, 6000);
    const uint64_t hash = plant_hash(rig->plant);
    device_close(device);
    rig_close(rig);
    bulk = false;
    return hash;
}

START_TEST(the_same_samples_give_the_same_bits_as_records_and_as_json)
{
    ck_assert_uint_eq(state_after_samples(true), state_after_samples(false));
}
END_TEST

START_TEST(a_device_that_is_refused_does_not_try_again)
{
    Rig *rig = rig_open();
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/api/v1/ws", server_port(rig->server));
    const WireTag wrong[] = {{"tank1.thermometer", NULL}};
    DeviceDef def = device_def(url);
    def.tags = wrong;
    def.tag_count = 1;
    Device *device;
    ck_assert_int_eq(device_open(&def, &device, NULL), ERR_OK);
    UNTIL(rig, device, device_state(device).refused);
    ck_assert_msg(strstr(owner.notices[0], "404") && strstr(owner.notices[0], "tank1.thermometer"), "%s", owner.notices[0]);
    for (int i = 0; i < 50; i++) {
        device_service(device, 10 * NS_PER_MS);
        rig_turn(rig);
    }
    ck_assert(!device_state(device).connected);
    ck_assert_uint_eq(owner.notice_count, 1);
    const WireSample sample = {.tag = "tank1.thermometer", .time = 1, .value = 1};
    ck_assert_int_eq(device_send(device, &sample, 1), ERR_CLOSED);
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(rejected_samples_are_told_once_and_do_not_hold_the_others_up)
{
    Rig *rig = rig_open();
    char url[64];
    snprintf(url, sizeof url, "ws://localhost:%d", server_port(rig->server));
    const WireTag far_away[] = {{"tank1.gauge", "Gm"}};
    DeviceDef def = device_def(url);
    def.tags = far_away;
    def.tag_count = 1;
    Device *device;
    ck_assert_int_eq(device_open(&def, &device, NULL), ERR_OK);

    // 1e305 Gm is no number of metres
    for (int i = 0; i < 50; i++) {
        const WireSample samples[] = {{.tag = "tank1.gauge", .time = RIG_START + 2 * i, .value = 3e-10},
                                      {.tag = "tank1.gauge", .time = RIG_START + 2 * i + 1, .value = 1e305}};
        ck_assert_int_eq(device_send(device, samples, 2), ERR_OK);
    }
    UNTIL(rig, device, device_state(device).waiting == 0);
    ck_assert_uint_eq(device_state(device).stored, 50);
    ck_assert_uint_eq(device_state(device).rejected, 50);
    ck_assert_uint_eq(owner.notice_count, 2);
    ck_assert_ptr_nonnull(strstr(owner.notices[1], "too large"));
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(only_tags_that_are_provided_can_be_sent)
{
    const DeviceDef def = device_def("ws://127.0.0.1:9");
    Device *device;
    ck_assert_int_eq(device_open(&def, &device, NULL), ERR_OK);
    const WireSample samples[] = {{.tag = "tank1.gauge", .time = 1, .value = 1}, {.tag = "tank1.nothing", .time = 1, .value = 1}};
    ck_assert_int_eq(device_send(device, samples, 2), ERR_UNKNOWN);
    ck_assert_uint_eq(device_state(device).waiting, 0);
    device_close(device);
}
END_TEST

START_TEST(a_device_that_was_thrown_out_comes_back_and_goes_on)
{
    Rig *rig = rig_open();
    Device *device = device_at(server_port(rig->server));
    UNTIL(rig, device, device_state(device).connected);
    Peer *peer = peer_open(rig);
    peer_say(peer, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"rig\"}}");
    peer_expect(rig, peer, "\"status\":200");
    UNTIL(rig, device, !device_state(device).connected);
    peer_close(peer);
    send_samples(device, 0, 10);
    UNTIL(rig, device, device_state(device).stored == 10);
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    const DeviceDef def = device_def("ws://127.0.0.1:9");
    Device *device;
    ck_assert_int_eq(device_open(&def, &device, NULL), ERR_OK);
    send_samples(device, 0, DEVICE_WAITING_MAX);
    const WireSample sample = {.tag = "tank1.gauge", .time = 1, .value = 1};
    ck_assert_int_eq(device_send(device, &sample, 1), ERR_FULL);
    ck_assert_uint_eq(device_state(device).waiting, DEVICE_WAITING_MAX);
    device_close(device);
}
END_TEST

START_TEST(waits_are_bounded_and_short_ones_are_cheap)
{
    Rig *rig = rig_open();
    Device *device = device_at(server_port(rig->server));
    UNTIL(rig, device, device_state(device).connected);
    for (int i = 0; i < 20; i++)
        device_service(device, 0);

    const int64_t begin = clock_system.elapsed_ns(NULL);
    for (int i = 0; i < 1000; i++)
        device_service(device, 0);
    const int64_t middle = clock_system.elapsed_ns(NULL);
    device_service(device, 60 * NS_PER_MS);
    const int64_t end = clock_system.elapsed_ns(NULL);
    ck_assert_int_lt(middle - begin, NS_PER_S);
    ck_assert_int_ge(end - middle, 40 * NS_PER_MS);
    ck_assert_int_lt(end - middle, 300 * NS_PER_MS);
    device_close(device);
    rig_close(rig);
}
END_TEST

START_TEST(attempts_to_connect_become_rarer)
{
    const DeviceDef def = device_def("ws://127.0.0.1:9");
    Device *device;
    ck_assert_int_eq(device_open(&def, &device, NULL), ERR_OK);
    const int64_t end = clock_system.elapsed_ns(NULL) + 3 * NS_PER_S;
    int calls = 0;
    while (clock_system.elapsed_ns(NULL) < end) {
        device_service(device, 100 * NS_PER_MS);
        calls++;
    }
    // the wait doubles from 0.1 to 0.2 s on: some five attempts fit, and none of them makes the loop spin
    ck_assert_int_lt(calls, 100);
    ck_assert(!device_state(device).connected);
    ck_assert_ptr_nonnull(strstr(owner.notices[0], "127.0.0.1:9"));
    device_close(device);
}
END_TEST

START_TEST(a_wrong_address_says_what_is_wrong)
{
    static const struct {
        const char *url, *why;
    } wrong[] = {
        {"localhost:8080", "expected ws://"},       {"http://localhost", "expected ws://"}, {"wss://", "host is missing"},
        {"ws://", "host is missing"},               {"ws://:80", "host is missing"},        {"ws://host:0", "port"},
        {"ws://host:65536", "port"},                {"ws://host:", "port"},                 {"ws://host:80x", "behind the host"},
        {"ws://host:-1", "port"},                   {"ws://[::1", "]"},                     {"ws://host?x", "behind the host"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const DeviceDef def = device_def(wrong[i].url);
        Device *device;
        ErrText why = {0};
        ck_assert_int_eq(device_open(&def, &device, &why), ERR_USAGE);
        ck_assert_msg(strstr(why.text, wrong[i].why) != NULL, "%s: %s", wrong[i].url, why.text);
    }
}
END_TEST

START_TEST(opening_survives_every_failed_allocation)
{
    int failures = 0;
    for (size_t n = 1; n < 40; n++) {
        const DeviceDef def = device_def("ws://127.0.0.1:9");
        Device *device;
        kit_fail_allocation(n);
        const Err err = device_open(&def, &device, NULL);
        kit_fail_allocation(0);
        if (err == ERR_OK) {
            device_close(device);
            break;
        }
        ck_assert_int_eq(err, ERR_MEMORY);
        failures++;
    }
    ck_assert_int_gt(failures, 2);
    ck_assert_int_lt(failures, 39);
}
END_TEST

START_TEST(a_log_keeps_what_comes_while_there_is_no_line_and_loses_its_oldest)
{
    DeviceDef def = device_def("ws://localhost:1");
    Device *device;
    ErrText why = {0};
    def.log = 1000;
    ck_assert_msg(device_open(&def, &device, &why) == ERR_OK, "%s", why.text);
    device_cut(device, true);
    send_samples(device, 0, DEVICE_WAITING_MAX + 1000);
    DeviceState state = device_state(device);
    ck_assert_uint_eq(state.logged, 1000);
    ck_assert_uint_eq(state.waiting, DEVICE_WAITING_MAX + 1000);
    ck_assert_uint_eq(state.lost, 0);
    send_samples(device, DEVICE_WAITING_MAX + 1000, 10);
    state = device_state(device);
    ck_assert_uint_eq(state.waiting, DEVICE_WAITING_MAX + 1000);
    ck_assert_uint_eq(state.lost, 10);
    device_close(device);
}
END_TEST

KIT_MAIN("server.trip", samples_are_kept_until_they_are_stored, time_moves_the_plant_without_samples,
         a_command_goes_to_the_device_and_its_answer_comes_back, a_command_that_comes_twice_is_obeyed_once_and_answered_twice,
         after_the_server_comes_back_everything_that_had_no_answer_is_there, a_device_that_is_faster_than_the_tick_waits_and_loses_nothing,
         the_same_samples_give_the_same_bits_as_records_and_as_json, a_device_that_is_refused_does_not_try_again, rejected_samples_are_told_once_and_do_not_hold_the_others_up,
         only_tags_that_are_provided_can_be_sent, a_log_keeps_what_comes_while_there_is_no_line_and_loses_its_oldest, a_device_that_was_thrown_out_comes_back_and_goes_on, what_waits_is_bounded,
         waits_are_bounded_and_short_ones_are_cheap, attempts_to_connect_become_rarer, a_wrong_address_says_what_is_wrong,
         opening_survives_every_failed_allocation)
