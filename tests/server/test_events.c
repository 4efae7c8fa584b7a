/* test_events.c -- server-sent events, as a reader gets them. */
#include "rig.h"

/* A stream whose headers have come. */
static Peer *open_stream(Rig *rig, const char *path, const char *more)
{
    Peer *peer = peer_connect(rig);
    char request[512];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost:%d\r\n%s\r\n", path, server_port(rig->server), more);
    peer_send(peer, request, strlen(request));
    ck_assert_int_eq(peer_head(peer), 200);
    ck_assert_ptr_nonnull(strstr(peer->text, "text/event-stream"));
    ck_assert_ptr_null(strcasestr(peer->text, "content-length"));
    return peer;
}

/* The next event, without the empty line behind it, into peer->text. */
static const char *next_event(Rig *rig, Peer *peer)
{
    for (int i = 0; i < 500; i++) {
        peer->bytes[peer->length] = 0;
        const char *end = strstr((char *)peer->bytes, "\n\n");
        if (end) {
            const size_t length = (size_t)(end - (char *)peer->bytes);
            memcpy(peer->text, peer->bytes, length);
            peer->text[length] = 0;
            peer_forget(peer, length + 2);
            return peer->text;
        }
        rig_turn(rig);
        peer_read(peer, 10);
    }
    ck_abort_msg("no event came");
}

static const char *expect_event(Rig *rig, Peer *peer, const char *what)
{
    while (!strstr(next_event(rig, peer), what))
        ;
    return peer->text;
}

static json_t *data_of(const char *event)
{
    const char *data = strstr(event, "data: ");
    ck_assert_ptr_nonnull(data);
    return rig_parse(data + strlen("data: "));
}

static uint64_t id_of(const char *event)
{
    const char *id = strstr(event, "id: ");
    ck_assert_ptr_nonnull(id);
    return strtoull(id + 4, NULL, 10);
}

START_TEST(a_stream_begins_with_a_snapshot_and_goes_on_with_ticks)
{
    rig_tanks = 2;
    Rig *rig = rig_open();
    rig_sample(rig, 0, 31);
    rig_sample(rig, 1, 31);
    Peer *peer = open_stream(rig, "/api/v1/events?tags=tank2.*", "");
    json_t *snapshot = data_of(next_event(rig, peer));
    ck_assert_ptr_eq(strstr(peer->text, "event: snapshot\n"), peer->text);
    ck_assert_uint_eq(json_array_size(json_object_get(snapshot, "twins")), 1);
    json_t *tick = data_of(expect_event(rig, peer, "event: tick\n"));
    ck_assert_int_eq(json_integer_value(json_object_get(tick, "revision")), (int64_t)id_of(peer->text));
    ck_assert_ptr_nonnull(json_object_get(json_object_get(tick, "values"), "tank2.level"));
    ck_assert_ptr_null(json_object_get(json_object_get(tick, "values"), "tank1.level"));
    json_decref(snapshot);
    json_decref(tick);
    peer_close(peer);
    rig_close(rig);
    rig_tanks = 1;
}
END_TEST

START_TEST(alarms_are_events_of_their_own_and_none_is_missed_by_who_comes_back)
{
    Rig *rig = rig_open();
    rig_sample(rig, 0, 60);
    rig_sample(rig, 1, 60);
    Peer *peer = open_stream(rig, "/api/v1/events", "");
    const uint64_t last = id_of(expect_event(rig, peer, "event: tick\n"));
    peer_close(peer);
    for (int i = 2; i < 40; i++) {
        rig_sample(rig, i, 90);
        sleep_ms(5);
    }
    char header[64];
    snprintf(header, sizeof header, "Last-Event-ID: %llu\r\n", (unsigned long long)last);
    peer = open_stream(rig, "/api/v1/events", header);
    bool raised = false;
    while (!strstr(next_event(rig, peer), "event: tick\n")) {
        ck_assert_ptr_null(strstr(peer->text, "snapshot"));
        raised |= strstr(peer->text, "event: alarm\ndata: {\"id\":") && strstr(peer->text, "\"overflow\"");
    }
    ck_assert(raised);
    ck_assert_uint_gt(id_of(peer->text), last);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_leaf_is_told_when_it_changes_as_a_get_answers_it)
{
    Rig *rig = rig_open();
    rig_sample(rig, 0, 31);
    rig_sample(rig, 1, 32);
    Peer *peer = open_stream(rig, "/api/v1/twins/tank1/level/events?times=ns", ""), *asking = peer_connect(rig);
    json_t *told = data_of(next_event(rig, peer)), *answered = rig_parse(peer_get(rig, asking, "/api/v1/twins/tank1/level?times=ns").body);
    ck_assert(json_equal(told, answered));
    const uint64_t first = id_of(peer->text);
    rig_sample(rig, 2, 40);
    ck_assert_uint_gt(id_of(next_event(rig, peer)), first);
    json_t *next = data_of(peer->text);
    ck_assert_double_eq_tol(json_number_value(json_object_get(next, "value")), 100 * plant_value(rig->plant, rig_tag(rig, "tank1.level")), 1e-9);
    json_decref(told);
    json_decref(answered);
    json_decref(next);
    peer_close(asking);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_stream_carries_the_security_headers_and_is_not_kept)
{
    static const char *const headers[] = {"content-security-policy: default-src 'self'", "x-content-type-options: nosniff", "x-frame-options: DENY",
                                          "referrer-policy: no-referrer", "cross-origin-resource-policy: same-origin", "cache-control: no-store"};
    static const char *const paths[] = {"/api/v1/events", "/api/v1/alarms/events", "/api/v1/twins/tank1/level/events"};
    Rig *rig = rig_open();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        Peer *peer = open_stream(rig, paths[i], "");
        for (size_t k = 0; k < sizeof headers / sizeof *headers; k++)
            ck_assert_msg(strstr(peer->text, headers[k]) != NULL, "%s: %s in %s", paths[i], headers[k], peer->text);
        peer_close(peer);
    }
    rig_close(rig);
}
END_TEST

START_TEST(a_wrong_stream_is_refused)
{
    static const struct {
        const char *path;
        int status;
    } streams[] = {
        {"/api/v1/events?tags=tank9.level", 404},
        {"/api/v1/events?rate=fast", 400},
        {"/api/v1/events?dead_band=1", 400},
        {"/api/v1/twins/tank1/flap/events", 404},
        {"/api/v1/twins/tank9/level/events", 404},
    };
    Rig *rig = rig_open();
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        Peer *peer = peer_connect(rig);
        ck_assert_int_eq(peer_get(rig, peer, streams[i].path).status, streams[i].status);
        peer_close(peer);
    }
    rig_close(rig);
}
END_TEST

START_TEST(a_reader_that_does_not_read_skips_values_and_gets_the_newest)
{
    enum { TICKS = 4000 };  // sockets hold some 1,400 of these frames
    rig_tanks = 300;
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.frame_rate_max = 2000;
    rig_serve(rig, &def);
    rig_sample(rig, 0, 31);
    Peer *peer = open_stream(rig, "/api/v1/events?tags=*.level,*.gauge", "");
    for (int i = 1; i < TICKS; i++) {
        rig_sample(rig, i, 31);
        sleep_ms(1);
    }
    char newest[64];
    snprintf(newest, sizeof newest, "\"tick\":%lld,", (long long)rig->tick);
    int ticks = 0;
    while (!strstr(next_event(rig, peer), newest))
        ticks++;
    ck_assert_int_lt(ticks, TICKS / 2);
    peer_close(peer);
    rig_close(rig);
    rig_tanks = 1;
}
END_TEST

KIT_MAIN("server.events", a_stream_begins_with_a_snapshot_and_goes_on_with_ticks, alarms_are_events_of_their_own_and_none_is_missed_by_who_comes_back,
         a_leaf_is_told_when_it_changes_as_a_get_answers_it, a_stream_carries_the_security_headers_and_is_not_kept, a_wrong_stream_is_refused,
         a_reader_that_does_not_read_skips_values_and_gets_the_newest)
