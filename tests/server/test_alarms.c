#include "server/rig.h"

static Rig *open_rig(bool with_history)
{
    Rig *rig = rig_make(with_history);
    char path[300];
    snprintf(path, sizeof path, "%s/history.db", kit_folder());
    ServerDef def = rig_def(rig);
    def.history = with_history ? path : NULL;
    rig_serve(rig, &def);
    return rig;
}

/* tank1 is full: alarm 1 is raised. */
static void flood(Rig *rig)
{
    for (int64_t s = 0; s < 12; s++)
        rig_sample(rig, s, 90);
    size_t count;
    const Alarm *alarms = alarms_list(rig->alarms, &count);
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_eq(alarms[0].id, 1);
    sleep_ms(100);
}

static Answer answer_of(Rig *rig, Peer *peer, const char *method, const char *path, const char *body)
{
    char request[1024];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %zu\r\n\r\n%s", method, path, server_port(rig->server), strlen(body), body);
    peer_send(peer, request, strlen(request));
    for (int i = 0; i < 500 && !strstr((char *)peer->bytes, "\r\n\r\n"); i++) {
        rig_turn(rig);
        struct pollfd poller = {.fd = peer->file, .events = POLLIN};
        if (poll(&poller, 1, 10) > 0)
            peer_read(peer, 0);
        peer->bytes[peer->length] = 0;
    }
    return peer_ask(peer, "");
}

/* The answer with this status, read. */
static json_t *ask(Rig *rig, const char *method, const char *path, const char *body, int status)
{
    Peer *peer = peer_connect(rig);
    const Answer answer = answer_of(rig, peer, method, path, body);
    ck_assert_msg(answer.status == status, "%s %s: %d %s", method, path, answer.status, answer.body);
    json_t *value = json_loads(answer.body, 0, NULL);
    ck_assert_ptr_nonnull(value);
    peer_close(peer);
    return value;
}

static void expect(Rig *rig, const char *path, const char *body, int status)
{
    json_decref(ask(rig, "POST", path, body, status));
}

START_TEST(an_alarm_is_acknowledged_shelved_and_comes_back)
{
    Rig *rig = open_rig(false);
    flood(rig);
    json_t *alarm = ask(rig, "POST", "/api/v1/alarms/1/acknowledge?times=ns", "{\"comment\":\"seen\"}", 200);
    ck_assert_str_eq(json_string_value(json_object_get(alarm, "state")), "acknowledged");
    ck_assert_int_eq(json_integer_value(json_object_get(alarm, "comments")), 1);
    ck_assert(json_is_null(json_object_get(alarm, "shelved")));
    json_decref(alarm);

    alarm = ask(rig, "POST", "/api/v1/alarms/1/shelve?times=ns", "{\"seconds\":60}", 200);
    ck_assert_int_eq(json_integer_value(json_object_get(alarm, "shelved")), sync_now(rig->sync) + 60 * NS_PER_S);
    json_decref(alarm);
    sleep_ms(100);
    json_t *shelved = ask(rig, "GET", "/api/v1/alarms/shelved", "", 200);
    const json_t *first = json_array_get(json_object_get(shelved, "alarms"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "twin")), "tank1");
    ck_assert_str_eq(json_string_value(json_object_get(first, "kind")), "shelved");
    json_decref(shelved);

    alarm = ask(rig, "POST", "/api/v1/alarms/1/unshelve", "", 200);
    ck_assert_str_eq(json_string_value(json_object_get(alarm, "state")), "raised");
    ck_assert(json_is_null(json_object_get(alarm, "shelved")));
    json_decref(alarm);
    rig_close(rig);
}
END_TEST

START_TEST(what_cannot_be_is_refused_with_its_status)
{
    Rig *rig = open_rig(false);
    flood(rig);
    expect(rig, "/api/v1/alarms/99/acknowledge", "", 404);
    expect(rig, "/api/v1/alarms/x/acknowledge", "", 404);
    expect(rig, "/api/v1/alarms/1/shelve", "", 400);
    expect(rig, "/api/v1/alarms/1/shelve", "{\"seconds\":1e300}", 400);
    expect(rig, "/api/v1/alarms/1/shelve", "{\"seconds\":\"long\"}", 400);
    expect(rig, "/api/v1/alarms/1/comment", "{}", 400);
    expect(rig, "/api/v1/alarms/1/comment", "[1]", 400);
    expect(rig, "/api/v1/alarms/1/acknowledge", "{\"seen\":true}", 400);
    expect(rig, "/api/v1/alarms/1/unsuppress", "", 404);
    rig_close(rig);
}
END_TEST

START_TEST(lists_are_filtered_by_state_twin_and_number)
{
    Rig *rig = open_rig(false);
    flood(rig);
    static const struct {
        const char *path;
        size_t least, most;
    } lists[] = {{"/api/v1/alarms", 1, 9}, {"/api/v1/alarms?state=raised", 1, 9}, {"/api/v1/alarms?state=returned,over", 0, 0}, {"/api/v1/alarms?before=1", 0, 0}, {"/api/v1/alarms?twin=tank1", 1, 9}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *list = ask(rig, "GET", lists[i].path, "", 200);
        ck_assert_msg(json_array_size(list) >= lists[i].least && json_array_size(list) <= lists[i].most, "%s: %zu", lists[i].path, json_array_size(list));
        json_decref(list);
    }
    json_decref(ask(rig, "GET", "/api/v1/alarms?state=loud", "", 400));
    json_decref(ask(rig, "GET", "/api/v1/alarms?twin=tank9", "", 404));
    rig_close(rig);
}
END_TEST

START_TEST(acts_come_by_websocket_too)
{
    Rig *rig = open_rig(false);
    flood(rig);
    Peer *peer = peer_open(rig);
    peer_say(peer, "{\"topic\":\"shelve\",\"headers\":{\"id\":1},\"value\":{\"alarm\":1,\"seconds\":5}}");
    ck_assert_ptr_nonnull(strstr(peer_expect(rig, peer, "\"shelve\""), "\"status\":200"));
    peer_say(peer, "{\"topic\":\"suppress\",\"headers\":{\"id\":2},\"value\":{\"alarm\":1,\"by\":\"anna\",\"comment\":\"tank is out\"}}");
    ck_assert_ptr_nonnull(strstr(peer_expect(rig, peer, "\"suppress\""), "\"status\":200"));
    peer_say(peer, "{\"topic\":\"shelve\",\"headers\":{\"id\":3},\"value\":{\"alarm\":1}}");
    ck_assert_ptr_nonnull(strstr(peer_expect(rig, peer, "\"id\":3"), "\"status\":400"));
    size_t count;
    uint64_t changes;
    const Aside *asides = alarms_asides(rig->alarms, &count, &changes);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(asides[1].by, "anna");
    ck_assert_str_eq(asides[1].comment, "tank is out");
    peer_close(peer);
    rig_close(rig);
}
END_TEST

KIT_MAIN("server.alarms", an_alarm_is_acknowledged_shelved_and_comes_back, what_cannot_be_is_refused_with_its_status, lists_are_filtered_by_state_twin_and_number,
         acts_come_by_websocket_too)
