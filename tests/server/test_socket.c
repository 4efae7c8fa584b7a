/* test_socket.c -- WebSocket clients as raw bytes: observers, questions, and what must not bring the server down. */
#include "rig.h"

#define SUBSCRIBE "{\"topic\":\"subscribe\",\"headers\":{\"id\":1},\"value\":{}}"

static Peer *observe(Rig *rig)
{
    Peer *peer = peer_open(rig);
    peer_say(peer, SUBSCRIBE);
    peer_expect(rig, peer, "\"subscribe\"");
    ck_assert_ptr_nonnull(strstr(peer->text, "200"));
    return peer;
}

START_TEST(an_observer_gets_the_snapshot_first)
{
    Rig *rig = rig_open();
    Peer *peer = observe(rig);
    ck_assert_int_eq(peer_hear(rig, peer), OP_TEXT);
    json_t *frame = rig_parse(peer->text), *value = json_object_get(frame, "value");
    ck_assert_str_eq(json_string_value(json_object_get(frame, "topic")), "snapshot");
    ck_assert_str_eq(json_string_value(json_object_get(value, "plant")), "works");
    ck_assert_str_eq(json_string_value(json_object_get(value, "clock")), "provider");
    ck_assert_double_eq(json_number_value(json_object_get(value, "step")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(value, "alarms")), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(value, "commands")), 0);

    const json_t *twin = json_array_get(json_object_get(value, "twins"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(twin, "name")), "tank1");
    ck_assert_str_eq(json_string_value(json_object_get(twin, "model")), "tank");
    const json_t *at = json_object_get(twin, "at");
    ck_assert_uint_eq(json_array_size(at), 3);
    ck_assert_double_eq(json_number_value(json_array_get(at, 1)), 5);
    ck_assert_uint_eq(json_array_size(json_object_get(value, "connect")), 0);
    size_t i;
    const json_t *channel;
    bool gauge_found = false, valve_found = false;
    json_array_foreach(json_object_get(twin, "channels"), i, channel)
        if (strcmp(json_string_value(json_object_get(channel, "name")), "gauge") == 0) {
            gauge_found = true;
            ck_assert_str_eq(json_string_value(json_object_get(channel, "kind")), "sensor");
            ck_assert_str_eq(json_string_value(json_object_get(channel, "unit")), "cm");
            ck_assert_str_eq(json_string_value(json_object_get(channel, "of")), "tank1.level");
            ck_assert_ptr_null(json_object_get(channel, "max"));
        } else if (strcmp(json_string_value(json_object_get(channel, "name")), "valve") == 0) {
            valve_found = true;
            ck_assert_double_eq_tol(json_number_value(json_object_get(channel, "min")), 0, 1e-12);
            ck_assert_double_eq_tol(json_number_value(json_object_get(channel, "max")), 100, 1e-9);
        }
    ck_assert(gauge_found && valve_found);
    const json_t *limits = json_object_get(twin, "limits"), *overflow = json_array_get(limits, 0);
    ck_assert_uint_eq(json_array_size(limits), 1);
    ck_assert_str_eq(json_string_value(json_object_get(overflow, "tag")), "tank1.level");
    ck_assert_str_eq(json_string_value(json_object_get(overflow, "side")), "high");
    ck_assert_double_eq_tol(json_number_value(json_object_get(overflow, "limit")), 60, 1e-9);
    json_decref(frame);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_tick_shows_values_in_the_unit_of_their_channel)
{
    Rig *rig = rig_open();
    Peer *peer = observe(rig);
    rig_sample(rig, 0, 31);
    rig_sample(rig, 1, 31.5);
    peer_expect(rig, peer, "\"tick\"");

    json_t *frame = rig_parse(peer->text), *value = json_object_get(frame, "value");
    const json_t *values = json_object_get(value, "values"), *level = json_object_get(values, "tank1.level"),
                 *gauge = json_object_get(values, "tank1.gauge");
    ck_assert_double_eq_tol(json_number_value(json_array_get(level, 0)), 100 * plant_value(rig->plant, rig_tag(rig, "tank1.level")), 1e-9);
    ck_assert_double_eq_tol(json_number_value(json_array_get(level, 1)), 100 * plant_sd(rig->plant, rig_tag(rig, "tank1.level")), 1e-9);
    ck_assert_uint_eq(json_array_size(level), 2);
    ck_assert_double_eq_tol(json_number_value(json_array_get(gauge, 0)), 31, 1e-9);
    ck_assert(json_is_null(json_array_get(gauge, 1)));
    Quality quality;
    ck_assert_int_eq(json_integer_value(json_array_get(gauge, 2)), sync_sample_time(rig->sync, rig_tag(rig, "tank1.gauge"), &quality));
    ck_assert_str_eq(json_string_value(json_array_get(gauge, 3)), "good");
    ck_assert_double_eq_tol(json_number_value(json_array_get(json_object_get(values, "tank1.inflow"), 0)), 60, 1e-9);

    const json_t *health = json_object_get(json_object_get(value, "twins"), "tank1");
    ck_assert_str_eq(json_string_value(json_object_get(health, "verdict")), "none");
    ck_assert_str_eq(json_string_value(json_object_get(health, "fault")), "none");
    ck_assert(json_is_null(json_object_get(health, "fault_of")));
    ck_assert_str_eq(json_string_value(json_object_get(health, "quality")), "settling");
    ck_assert_ptr_nonnull(json_object_get(json_object_get(health, "sensors"), "gauge"));
    char hash[17];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)plant_hash(rig->plant));
    ck_assert_str_eq(json_string_value(json_object_get(value, "hash")), hash);
    ck_assert_int_eq(json_integer_value(json_object_get(value, "time")), sync_now(rig->sync));
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(value, "counters"), "used")), 2);
    json_decref(frame);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_frame_holds_what_has_changed_and_the_last_state_always_comes)
{
    Rig *rig = rig_open();
    Peer *peer = observe(rig);
    for (int i = 0; i < 200; i++)
        rig_sample(rig, i, 31 + 0.01 * i);  // a level that stood still would settle, and then not be in the last frame
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"tick\":%lld,\"revision\"", (long long)rig->tick);  // one without has alarms alone
    peer_expect(rig, peer, wanted);
    ck_assert_ptr_nonnull(strstr(peer->text, "tank1.level"));
    peer_close(peer);

    // nobody changed the valve since the first frame, but who comes now is told
    peer = observe(rig);
    peer_expect(rig, peer, "tank1.valve\":[");
    rig_sample(rig, 201, 31);
    peer_expect(rig, peer, "\"topic\":\"tick\"");
    ck_assert_ptr_null(strstr(peer->text, "tank1.valve"));
    ck_assert_ptr_nonnull(strstr(peer->text, "tank1.level"));
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(frames_come_no_faster_than_their_rate)
{
    Rig *rig = rig_open();
    Peer *peer = observe(rig);
    const int64_t begin = clock_system.elapsed_ns(NULL);
    int second = 0, frames = 0;
    while (clock_system.elapsed_ns(NULL) - begin < NS_PER_S) {
        rig_sample(rig, second++, 31);
        peer_read(peer, 1);
        while (peer_take(peer) >= 0)
            frames += strstr(peer->text, "\"topic\":\"tick\"") != NULL;
    }
    ck_assert_int_ge(frames, 8);
    ck_assert_int_le(frames, 21);
    ck_assert_int_gt(second, 21);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(no_alarm_is_skipped)
{
    Rig *rig = rig_open();
    Peer *peer = observe(rig);
    for (int i = 0; i < 30; i++)
        rig_sample(rig, i, 90);
    peer_expect(rig, peer, "\"name\":\"overflow\"");
    ck_assert_ptr_nonnull(strstr(peer->text, "\"severity\":\"critical\",\"state\":\"raised\""));
    peer_close(peer);

    // who comes later finds it in the snapshot
    peer = observe(rig);
    peer_expect(rig, peer, "\"topic\":\"snapshot\"");
    json_t *frame = rig_parse(peer->text), *alarms = json_object_get(json_object_get(frame, "value"), "alarms");
    ck_assert_uint_ge(json_array_size(alarms), 1);
    bool found = false;
    size_t i;
    const json_t *alarm;
    json_array_foreach(alarms, i, alarm)
        found |= strcmp(json_string_value(json_object_get(alarm, "name")), "overflow") == 0;
    ck_assert(found);
    json_decref(frame);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_person_acknowledges_an_alarm)
{
    Rig *rig = rig_open();
    Peer *peer = observe(rig);
    for (int i = 0; i < 30; i++)
        rig_sample(rig, i, 90);
    size_t count;
    const Alarm *alarms = alarms_list(rig->alarms, &count);
    ck_assert_uint_gt(count, 0);
    char ask[200];
    snprintf(ask, sizeof ask, "{\"topic\":\"acknowledge\",\"headers\":{\"id\":7},\"value\":{\"alarm\":%llu,\"by\":\"anna\"}}",
             (unsigned long long)alarms[0].id);
    peer_say(peer, ask);
    peer_expect(rig, peer, "\"id\":7");
    ck_assert_ptr_nonnull(strstr(peer->text, "\"status\":200"));
    peer_expect(rig, peer, "\"state\":\"acknowledged\"");

    peer_say(peer, "{\"topic\":\"acknowledge\",\"headers\":{\"id\":8},\"value\":{\"alarm\":999,\"by\":\"anna\"}}");
    peer_expect(rig, peer, "\"id\":8");
    ck_assert_ptr_nonnull(strstr(peer->text, "\"status\":404"));
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_person_actuates_through_the_gate)
{
    Rig *rig = rig_open();
    Peer *peer = observe(rig);
    rig_sample(rig, 0, 30);
    rig_sample(rig, 1, 30);
    peer_say(peer, "{\"topic\":\"actuate\",\"headers\":{\"id\":3},\"value\":{\"tag\":\"tank1.valve\",\"value\":40,\"reason\":\"by hand\"}}");
    peer_expect(rig, peer, "\"id\":3");
    json_t *frame = rig_parse(peer->text);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(frame, "headers"), "status")), 200);
    const uint64_t id = (uint64_t)json_integer_value(json_object_get(json_object_get(frame, "value"), "id"));
    json_decref(frame);
    const Command *command = gate_find(rig->gate, id);
    ck_assert_ptr_nonnull(command);
    ck_assert_double_eq_tol(command->wish.value, 0.4, 1e-12);
    ck_assert_int_eq(strncmp(command->wish.by, "person:127.0.0.1:", 17), 0);

    peer_expect(rig, peer, "\"commands\":[{");
    ck_assert_ptr_nonnull(strstr(peer->text, "\"tag\":\"tank1.valve\",\"value\":40,\"state\":\"waiting\""));

    peer_say(peer, "{\"topic\":\"actuate\",\"headers\":{\"id\":4},\"value\":{\"tag\":\"tank1.flap\",\"value\":1}}");
    ck_assert_ptr_nonnull(strstr(peer_expect(rig, peer, "\"id\":4"), "\"status\":404"));
    peer_say(peer, "{\"topic\":\"actuate\",\"headers\":{\"id\":5},\"value\":{\"tag\":\"tank1.level\",\"value\":1}}");
    ck_assert_ptr_nonnull(strstr(peer_expect(rig, peer, "\"id\":5"), "\"status\":400"));
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(an_answer_for_who_has_gone_reaches_nobody)
{
    Rig *rig = rig_open();
    Peer *gone = peer_open(rig);
    peer_say(gone, "{\"topic\":\"acknowledge\",\"headers\":{\"id\":7},\"value\":{\"alarm\":1,\"by\":\"anna\"}}");
    ServerAsk ask, later;
    while (!server_poll(rig->server, &ask))
        sleep_ms(1);
    ck_assert_str_eq(ask.act.by, "anna");
    peer_close(gone);
    sleep_ms(50);

    // the next who asks gets its own place in the table, and its own answer
    Peer *peer = peer_open(rig);
    peer_say(peer, "{\"topic\":\"acknowledge\",\"headers\":{\"id\":8},\"value\":{\"alarm\":2,\"by\":\"ben\"}}");
    while (!server_poll(rig->server, &later))
        sleep_ms(1);
    server_answer(rig->server, ask.token, 200, NULL, 0);
    server_answer(rig->server, later.token, 409, "not now", 0);
    ck_assert_int_eq(peer_hear(rig, peer), OP_TEXT);
    ck_assert_ptr_nonnull(strstr(peer->text, "\"id\":8,\"status\":409"));
    ck_assert_ptr_nonnull(strstr(peer->text, "not now"));
    peer_close(peer);
    rig_close(rig);
}
END_TEST

/* Each is refused with this status, and the connection goes on. */
static const struct {
    int first_byte;
    const char *bytes;
    const char *status;
} garbage[] = {
    {OP_FINAL | OP_TEXT, "", "\"status\":400"},
    {OP_FINAL | OP_TEXT, "hello", "\"status\":400"},
    {OP_FINAL | OP_TEXT, "{\"topic\":\"samples\"", "\"status\":400"},
    {OP_FINAL | OP_TEXT, "{\"topic\":\"weather\",\"headers\":{\"id\":5},\"value\":1}", "\"id\":5,\"status\":400"},
    {OP_FINAL | OP_TEXT, "{\"topic\":\"\xff\xfe\",\"value\":{}}", "\"status\":400"},
    {OP_FINAL | OP_TEXT, "{\"topic\":\"acknowledge\",\"headers\":{\"id\":6},\"value\":{\"alarm\":-1}}", "\"id\":6,\"status\":400"},
    {OP_FINAL | OP_TEXT, "{\"topic\":\"samples\",\"headers\":{\"id\":6},\"value\":[[\"tank1.gauge\",1,1e999]]}", "\"status\":400"},
    {OP_FINAL | OP_TEXT, "{\"topic\":\"samples\",\"headers\":{\"id\":6},\"value\":[]}", "\"status\":403"},
    {OP_FINAL | OP_BINARY, "\x01\x02\x03", "\"status\":415"},
};

START_TEST(garbage_is_refused_and_the_connection_goes_on)
{
    Rig *rig = rig_open();
    Peer *peer = peer_open(rig);
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        peer_frame(peer, garbage[i].first_byte, garbage[i].bytes, strlen(garbage[i].bytes));
        ck_assert_int_eq(peer_hear(rig, peer), OP_TEXT);
        ck_assert_msg(strstr(peer->text, garbage[i].status) != NULL, "%s: %s", garbage[i].bytes, peer->text);
    }
    peer_say(peer, SUBSCRIBE);
    peer_expect(rig, peer, "\"status\":200");
    ck_assert_uint_eq(websocket_connector.stats(rig->websocket).refused, sizeof garbage / sizeof *garbage);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_client_that_sends_nothing_but_garbage_is_closed)
{
    Rig *rig = rig_open();
    Peer *peer = peer_open(rig);
    for (int i = 0; i < 150; i++)
        peer_say(peer, "?");
    ck_assert_int_eq(peer_closed(rig, peer), 1008);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

static void refused_for_its_size(const char *frame, size_t length)
{
    Rig *rig = rig_open();
    Peer *peer = peer_open(rig);
    peer_frame(peer, OP_FINAL | OP_TEXT, frame, length);
    peer_expect(rig, peer, "\"status\":413");
    ck_assert_int_eq(peer_closed(rig, peer), 1009);
    peer_close(peer);
    rig_close(rig);
}

START_TEST(what_is_too_large_is_refused_and_closed)
{
    static char frame[300 * 1024];
    memset(frame, ' ', sizeof frame);
    refused_for_its_size(frame, 256 * 1024 + 1);

    const char *deep = "{\"topic\":\"samples\",\"value\":[[[[[[[[[[1]]]]]]]]]]}";
    refused_for_its_size(deep, strlen(deep));

    size_t length = (size_t)sprintf(frame, "{\"topic\":\"samples\",\"headers\":{\"id\":1},\"value\":[");
    for (int i = 0; i < 4097; i++)
        length += (size_t)sprintf(frame + length, "%s[\"tank1.gauge\",%d,1]", i ? "," : "", i);
    length += (size_t)sprintf(frame + length, "]}");
    refused_for_its_size(frame, length);
}
END_TEST

START_TEST(the_largest_frame_may_come_in_pieces)
{
    Rig *rig = rig_open();
    Peer *peer = peer_open(rig);
    static char frame[256 * 1024];
    memset(frame, ' ', sizeof frame);
    memcpy(frame + sizeof frame - strlen(SUBSCRIBE), SUBSCRIBE, strlen(SUBSCRIBE));
    peer_frame(peer, OP_TEXT, frame, 100000);
    peer_frame(peer, OP_FINAL | OP_PING, "are you there", 13);
    peer_frame(peer, OP_MORE, frame + 100000, 70000);
    peer_frame(peer, OP_FINAL | OP_MORE, frame + 170000, sizeof frame - 170000);
    ck_assert_int_eq(peer_hear(rig, peer), OP_PONG);
    ck_assert_str_eq(peer->text, "are you there");
    peer_expect(rig, peer, "\"status\":200");
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(broken_framing_ends_the_connection_and_nothing_else)
{
    static const char *const broken[] = {"\x81\x05hello", "\xf1\x80????", "\x83\x80????", "\x80\x80????", "\x89\xfe\x10\x00????"};
    Rig *rig = rig_open();
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        Peer *peer = peer_open(rig);
        peer_send(peer, broken[i], i == 4 ? 8 : strlen(broken[i]));
        for (int k = 0; k < 100; k++)
            peer_send(peer, "junk that follows", 17);
        close(peer->file);
        mem_free(peer);
    }
    Peer *peer = observe(rig);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(half_a_handshake_holds_nobody_up)
{
    Rig *rig = rig_open();
    Peer *half[20];
    for (size_t i = 0; i < 20; i++) {
        half[i] = peer_connect(rig);
        peer_send(half[i], "GET /api/v1/ws HT", i % 18);
    }
    Peer *peer = observe(rig);
    peer_close(peer);
    for (size_t i = 0; i < 20; i++)
        peer_close(half[i]);
    rig_close(rig);
}
END_TEST

START_TEST(an_upgrade_is_refused_with_its_reason)
{
    static const struct {
        const char *path, *protocol, *more;
        int status;
    } upgrades[] = {
        {"/api/v1/ws", NULL, "", 400},
        {"/api/v1/ws", "mqtt", "", 400},
        {"/ws", "pollux.v1.json", "", 404},
        {"/api/v1/ws", "pollux.v1.json", "Origin: http://evil.example\r\n", 403},
        {"/api/v1/ws", "pollux.v1.json", "Origin: http://localhost:1\r\n", 403},
        {"/api/v1/ws", "pollux.v1.json", "Origin: null\r\n", 403},
    };
    Rig *rig = rig_open();
    for (size_t i = 0; i < sizeof upgrades / sizeof *upgrades; i++) {
        Peer *peer = peer_connect(rig);
        peer_upgrade_with(rig, peer, upgrades[i].path, upgrades[i].protocol, upgrades[i].more);
        ck_assert_int_eq(peer_head(peer), upgrades[i].status);
        ck_assert_ptr_nonnull(strstr(peer->text, "application/problem+json"));
        peer_close(peer);
    }

    char origin[64];
    snprintf(origin, sizeof origin, "Origin: http://127.0.0.1:%d\r\n", server_port(rig->server));
    Peer *peer = peer_connect(rig);
    peer_upgrade_with(rig, peer, "/api/v1/ws", "pollux.v1.json", origin);
    ck_assert_int_eq(peer_head(peer), 101);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_slow_observer_skips_values_but_no_alarm_and_gets_the_newest)
{
    enum { TICKS = 1200 };
    rig_tanks = 300;
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.frame_rate_max = 2000;
    rig_serve(rig, &def);
    Peer *slow = peer_open(rig);
    const int small = 16384, large = 1 << 20;
    setsockopt(slow->file, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    peer_say(slow, SUBSCRIBE);
    for (int i = 0; i < TICKS; i++) {
        rig_sample(rig, i, i < TICKS - 100 ? 31 : 90);
        sleep_ms(1);
    }

    // it did not read until now, and the tick was not held up; a window as small as that is refilled no faster than TCP probes it
    setsockopt(slow->file, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"tick\":%lld,", (long long)rig->tick);
    int frames = 0, raised = 0;
    bool newest = false;
    for (int op; !newest && (op = peer_hear(rig, slow)) >= 0 && op != OP_CLOSE;) {  // a ping may be among them
        frames += strstr(slow->text, "\"values\"") != NULL;
        raised += strstr(slow->text, "\"overflow\"") != NULL;
        newest = strstr(slow->text, wanted) && strstr(slow->text, "tank1.level");
    }
    ck_assert(newest);
    ck_assert_int_ge(raised, 1);
    ck_assert_int_lt(frames, TICKS - 100);
    peer_close(slow);
    rig_close(rig);
}
END_TEST

START_TEST(a_client_that_does_not_read_its_answers_is_closed)
{
    Rig *rig = rig_open();
    Peer *peer = peer_open(rig);
    // each asks for a snapshot, which is not skipped, and reads none of them
    for (int i = 0; i < 40000; i++) {
        peer_say(peer, SUBSCRIBE);
        if (i % 2000 == 0)
            sleep_ms(100);
    }
    ck_assert_int_eq(peer_closed(rig, peer), 1008);
    Peer *other = observe(rig);
    peer_close(other);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(devices_are_refused_where_there_are_none)
{
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.devices = NULL;
    rig_serve(rig, &def);
    Peer *peer = peer_open(rig);
    peer_say(peer, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"rig\"}}");
    peer_expect(rig, peer, "\"status\":404");
    peer_close(peer);
    rig_close(rig);
}
END_TEST

// Samples as they come.

static Peer *open_bulk(Rig *rig)
{
    Peer *peer = peer_connect(rig);
    peer_upgrade_with(rig, peer, "/api/v1/ws", "pollux.v1.bin", "");
    ck_assert_int_eq(peer_head(peer), 101);
    return peer;
}

static Peer *open_sender(Rig *rig)
{
    Peer *peer = peer_open(rig);
    peer_say(peer, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"rig\",\"tags\":{\"tank1.gauge\":{},\"tank1.inflow\":{}}}}");
    peer_expect(rig, peer, "\"status\":200");
    return peer;
}

#define LISTEN(patterns) "{\"topic\":\"subscribe\",\"headers\":{\"id\":1},\"value\":{\"samples\":[" patterns "]}}"
#define BOTH "{\"topic\":\"samples\",\"headers\":{\"id\":2},\"value\":[[\"tank1.gauge\",1611326940000000000,31],[\"tank1.inflow\",1611326940000000000,60,\"uncertain\"]]}"

START_TEST(samples_reach_who_wants_them_without_a_tick)
{
    Rig *rig = rig_open();
    Peer *sender = open_sender(rig), *listener = peer_open(rig);
    peer_say(listener, LISTEN("\"*.gauge\""));
    peer_expect(rig, listener, "\"subscribe\"");
    peer_say(sender, BOTH);
    peer_expect(rig, listener, "\"topic\":\"samples\"");
    ck_assert_str_eq(listener->text, "{\"topic\":\"samples\",\"value\":[[\"tank1.gauge\",1611326940000000000,31]]}");
    ck_assert_int_eq(rig->tick, -1);

    // another subscription replaces the first; without patterns there is none
    peer_say(listener, LISTEN("\"tank1.inflow\",\"tank2.*\""));
    peer_expect(rig, listener, "\"subscribe\"");
    peer_say(sender, BOTH);
    peer_expect(rig, listener, "\"topic\":\"samples\"");
    ck_assert_ptr_nonnull(strstr(listener->text, "[[\"tank1.inflow\",1611326940000000000,"));
    ck_assert_ptr_nonnull(strstr(listener->text, ",\"uncertain\"]]"));
    ck_assert_ptr_null(strstr(listener->text, "gauge"));
    peer_say(listener, SUBSCRIBE);
    peer_expect(rig, listener, "\"subscribe\"");
    peer_say(sender, BOTH);
    peer_expect(rig, sender, "\"stored\"");
    peer_say(listener, "{\"topic\":\"acknowledge\",\"headers\":{\"id\":9},\"value\":{\"alarm\":1}}");
    while (!strstr(peer_expect(rig, listener, "\"topic\""), "\"acknowledge\""))
        ck_assert_ptr_null(strstr(listener->text, "\"topic\":\"samples\""));
    peer_close(listener);
    peer_close(sender);
    rig_close(rig);
}
END_TEST

START_TEST(what_the_tick_passes_on_reaches_who_wants_it_and_nothing_waits_for_who_does_not)
{
    Rig *rig = rig_open();
    Peer *listener = peer_open(rig);
    const Sample samples[] = {{.time = RIG_START, .value = 0.25, .tag = rig_tag(rig, "tank1.gauge")}, {.time = RIG_START, .value = 1e-3, .tag = rig_tag(rig, "tank1.inflow")}};
    server_pass(rig->server, samples, 2);
    peer_say(listener, LISTEN("\"*.gauge\""));
    peer_expect(rig, listener, "\"subscribe\"");
    server_pass(rig->server, samples, 2);
    peer_expect(rig, listener, "\"topic\":\"samples\"");
    ck_assert_str_eq(listener->text, "{\"topic\":\"samples\",\"value\":[[\"tank1.gauge\",1611326940000000000,25]]}");
    ck_assert_int_eq(rig->tick, -1);
    peer_close(listener);
    rig_close(rig);
}
END_TEST

START_TEST(records_reach_who_wants_them_behind_the_names_of_their_numbers)
{
    Rig *rig = rig_open();
    Peer *sender = open_sender(rig), *listener = open_bulk(rig);
    peer_say(listener, LISTEN("\"*\""));
    peer_expect(rig, listener, "\"subscribe\"");
    char numbers[128];
    snprintf(numbers, sizeof numbers, "{\"topic\":\"numbers\",\"value\":{\"tank1.gauge\":%u,\"tank1.inflow\":%u}}", rig_tag(rig, "tank1.gauge"), rig_tag(rig, "tank1.inflow"));
    for (int round = 0; round < 2; round++) {
        peer_say(sender, BOTH);
        if (round == 0)
            ck_assert_str_eq(peer_expect(rig, listener, "\"topic\":\"numbers\""), numbers);
        int op;
        while ((op = peer_hear(rig, listener)) != OP_BINARY)
            ck_assert(op == OP_TEXT && !strstr(listener->text, "\"numbers\""));
        BulkFrame frame;
        BulkRecord record;
        ck_assert_int_eq(bulk_read(listener->text, BULK_HEAD + 2 * BULK_RECORD, &frame, NULL), ERR_OK);
        ck_assert_int_eq(frame.kind, BULK_SAMPLES);
        ck_assert_int_eq(frame.id, 0);
        ck_assert_ptr_null(bulk_record(&frame, 0, &record));
        ck_assert_uint_eq(record.number, rig_tag(rig, "tank1.gauge"));
        ck_assert_double_eq_tol(record.value, 31, 1e-12);
        ck_assert_int_eq(record.time, RIG_START);
        ck_assert_ptr_null(bulk_record(&frame, 1, &record));
        ck_assert_uint_eq(record.quality, QUALITY_UNCERTAIN);
    }
    peer_close(listener);
    peer_close(sender);
    rig_close(rig);
}
END_TEST

START_TEST(a_listener_that_does_not_read_misses_samples_and_is_told_how_many)
{
    Rig *rig = rig_open();
    Peer *sender = open_sender(rig), *listener = peer_open(rig);
    peer_say(listener, LISTEN("\"*\""));
    peer_expect(rig, listener, "\"subscribe\"");
    Text text = {0};
    int64_t time = RIG_START + NS_PER_S;
    for (int message = 0; message < 200; message++) {
        text_clear(&text);
        text_format(&text, "{\"topic\":\"samples\",\"headers\":{\"id\":%d},\"value\":[", message + 2);
        for (int i = 0; i < 1000; i++)
            text_format(&text, "%s[\"tank1.gauge\",%lld,31]", i ? "," : "", (long long)time++);
        text_put(&text, "]}");
        peer_frame(sender, OP_FINAL | OP_TEXT, text.bytes, text.length);
        char stored[64];
        snprintf(stored, sizeof stored, "\"id\":%d,\"status\":200", message + 2);
        peer_expect(rig, sender, stored);
    }
    text_fini(&text);
    ck_assert_uint_eq(sync_counters(rig->sync)->samples, 200000);

    // what was sent and what was skipped is all there was
    size_t heard = 0;
    long long skipped = 0, others = 0;
    while (heard + (size_t)skipped < 200000) {
        peer_say(sender, BOTH);
        others += 2;
        if (peer_hear(rig, listener) < 0)
            ck_abort_msg("%zu heard, %lld skipped", heard, skipped);
        if (!strstr(listener->text, "\"topic\":\"samples\""))
            continue;
        const char *header = strstr(listener->text, "\"skipped\":");
        skipped = header ? atoll(header + strlen("\"skipped\":")) : skipped;
        for (const char *at = listener->text; (at = strstr(at, "\"tank1.gauge\",1611326941")); at++)
            heard++;
    }
    ck_assert_int_gt(skipped, 0);
    ck_assert_int_le((long long)heard + skipped, 200000 + others);
    peer_close(listener);
    peer_close(sender);
    rig_close(rig);
}
END_TEST

START_TEST(a_binary_frame_that_is_wrong_is_refused)
{
    Rig *rig = rig_open();
    Peer *peer = open_bulk(rig);
    peer_frame(peer, OP_FINAL | OP_BINARY, "\1\0\0", 3);
    peer_expect(rig, peer, "expected a head of 16 bytes, got 3");
    ck_assert_ptr_nonnull(strstr(peer->text, "\"status\":400"));
    peer_frame(peer, OP_FINAL | OP_BINARY, "\1\0\0\0\377\377\0\0\0\0\0\0\0\0\0\0", 16);
    peer_expect(rig, peer, "\"status\":413");
    ck_assert_int_eq(peer_closed(rig, peer), 1009);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

KIT_MAIN("server.socket", an_observer_gets_the_snapshot_first, a_tick_shows_values_in_the_unit_of_their_channel,
         a_frame_holds_what_has_changed_and_the_last_state_always_comes, frames_come_no_faster_than_their_rate, no_alarm_is_skipped,
         a_person_acknowledges_an_alarm, a_person_actuates_through_the_gate, an_answer_for_who_has_gone_reaches_nobody,
         garbage_is_refused_and_the_connection_goes_on, a_client_that_sends_nothing_but_garbage_is_closed, what_is_too_large_is_refused_and_closed,
         the_largest_frame_may_come_in_pieces, broken_framing_ends_the_connection_and_nothing_else, half_a_handshake_holds_nobody_up,
         an_upgrade_is_refused_with_its_reason, a_slow_observer_skips_values_but_no_alarm_and_gets_the_newest,
         a_client_that_does_not_read_its_answers_is_closed, devices_are_refused_where_there_are_none,
         samples_reach_who_wants_them_without_a_tick, what_the_tick_passes_on_reaches_who_wants_it_and_nothing_waits_for_who_does_not,
         records_reach_who_wants_them_behind_the_names_of_their_numbers,
         a_listener_that_does_not_read_misses_samples_and_is_told_how_many, a_binary_frame_that_is_wrong_is_refused)
