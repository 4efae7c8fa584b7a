/* test_subscribe.c -- subscriptions with a wish, over a socket. */
#include "rig.h"

#define ASK(value) "{\"topic\":\"subscribe\",\"headers\":{\"id\":1},\"value\":{" value "}}"

static json_t *frame_of(Peer *peer)
{
    return rig_parse(peer->text);
}

static uint64_t revision_of(Peer *peer)
{
    const char *at = strstr(peer->text, "\"revision\":");
    ck_assert_ptr_nonnull(at);
    return strtoull(at + strlen("\"revision\":"), NULL, 10);
}

/* A plant of three tanks that has run, and a client that subscribes. */
static Rig *open_three(void)
{
    rig_tanks = 3;
    Rig *rig = rig_open();
    rig_tanks = 1;
    rig_sample(rig, 0, 31);
    rig_sample(rig, 1, 31);
    return rig;
}

static Peer *subscribe(Rig *rig, const char *ask)
{
    Peer *peer = peer_open(rig);
    peer_say(peer, ask);
    peer_expect(rig, peer, "\"topic\":\"subscribe\"");
    return peer;
}

START_TEST(only_what_was_asked_for_is_told)
{
    Rig *rig = open_three();
    Peer *peer = subscribe(rig, ASK("\"tags\":[\"tank2.*\",\"tank3.level\"]"));
    ck_assert_ptr_nonnull(strstr(peer->text, "\"resumed\":false"));
    peer_expect(rig, peer, "\"topic\":\"snapshot\"");
    json_t *frame = frame_of(peer);
    const json_t *twins = json_object_get(json_object_get(frame, "value"), "twins");
    ck_assert_uint_eq(json_array_size(twins), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(twins, 0), "channels")), plant_model(rig->plant, 1)->channel_count);
    ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(twins, 1), "channels")), 1);
    json_decref(frame);

    peer_expect(rig, peer, "\"topic\":\"tick\"");
    frame = frame_of(peer);
    const json_t *value = json_object_get(frame, "value"), *values = json_object_get(value, "values");
    ck_assert_uint_eq(json_object_size(values), plant_model(rig->plant, 1)->channel_count + 1u);
    ck_assert_ptr_nonnull(json_object_get(values, "tank3.level"));
    ck_assert_ptr_null(json_object_get(values, "tank1.level"));
    ck_assert_ptr_null(json_object_get(value, "counters"));
    json_decref(frame);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_wrong_wish_is_refused_with_its_reason)
{
    static const struct {
        const char *ask, *answer;
    } wishes[] = {
        {ASK("\"tags\":[\"tank1.flap\"]"), "no tag \\\"tank1.flap\\\" in plant works"},
        {ASK("\"tags\":[]"), "value/tags: expected one name at least"},
        {ASK("\"tags\":\"tank1.level\""), "value/tags: expected an array of names, got a string"},
        {ASK("\"tags\":[\"*\"],\"dead_band\":-1"), "value/dead_band: expected a number from 0, got -1"},
        {ASK("\"tags\":[\"*\"],\"rate\":\"fast\""), "value/rate: expected a number, got a string"},
        {ASK("\"tags\":[\"*\"],\"on_change\":1"), "value/on_change: expected true or false, got an integer"},
        {ASK("\"after\":-3"), "value/after: expected an integer from 0"},
        {ASK("\"dead_band\":1"), "value/dead_band: expected with \\\"tags\\\""},
    };
    Rig *rig = rig_open();
    Peer *peer = peer_open(rig);
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        peer_say(peer, wishes[i].ask);
        peer_expect(rig, peer, "\"status\":40");
        ck_assert_msg(strstr(peer->text, wishes[i].answer) != NULL, "%s: %s", wishes[i].ask, peer->text);
    }
    peer_close(peer);
    rig_close(rig);
}
END_TEST

/* Turn the rig for so long, a sample every 20 ms; returns how many frames of `what` came. */
static int count_frames(Rig *rig, Peer *peer, int ms, int *second, double cm, const char *what)
{
    int frames = 0;
    for (int at = 0; at < ms; at += 20) {
        rig_sample(rig, (*second)++, cm);
        for (int k = 0; k < 4; k++) {
            rig_turn(rig);
            peer_read(peer, 5);
        }
        while (peer_take(peer) >= 0)
            frames += strstr(peer->text, what) != NULL;
    }
    return frames;
}

START_TEST(a_rate_holds_values_back_and_no_alarm)
{
    Rig *rig = open_three();
    Peer *peer = subscribe(rig, ASK("\"tags\":[\"tank1.*\"],\"rate\":4"));
    int second = 2;
    const int64_t begin = clock_system.elapsed_ns(NULL);
    const int frames = count_frames(rig, peer, 1000, &second, 31, "\"values\"");
    const double took_s = (double)(clock_system.elapsed_ns(NULL) - begin) / 1e9;
    ck_assert_int_ge(frames, 3);
    ck_assert_double_le(frames, 4 * took_s + 2);
    ck_assert_int_lt(frames, second - 2);
    ck_assert_int_ge(count_frames(rig, peer, 800, &second, 90, "\"state\":\"raised\""), 1);

    // the newest comes when its time has come, though nothing happens any more
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"tick\":%lld,\"revision\"", (long long)rig->tick);
    peer_expect(rig, peer, wanted);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(nothing_is_told_on_change_while_nothing_changes)
{
    Rig *rig = open_three();
    Peer *quiet = subscribe(rig, ASK("\"tags\":[\"tank1.valve\"],\"on_change\":true"));
    peer_expect(rig, quiet, "tank1.valve\":[");
    int second = 2;
    ck_assert_int_eq(count_frames(rig, quiet, 300, &second, 31, "\"topic\""), 0);
    Peer *other = subscribe(rig, ASK("\"tags\":[\"tank1.valve\"]"));
    ck_assert_int_gt(count_frames(rig, other, 300, &second, 31, "\"values\":{}"), 2);
    peer_close(other);
    peer_close(quiet);
    rig_close(rig);
}
END_TEST

START_TEST(a_client_goes_on_where_it_was)
{
    Rig *rig = open_three();
    Peer *peer = subscribe(rig, ASK("\"tags\":[\"tank1.*\"]"));
    peer_expect(rig, peer, "\"values\"");
    const uint64_t after = revision_of(peer);
    peer_close(peer);

    // an alarm comes while it is away
    for (int i = 2; i < 32; i++) {
        rig_sample(rig, i, 90);
        sleep_ms(3);
    }
    char ask[200];
    snprintf(ask, sizeof ask, ASK("\"tags\":[\"tank1.*\"],\"after\":%llu"), (unsigned long long)after);
    Peer *watching = subscribe(rig, ASK("\"tags\":[\"tank1.*\"]"));
    peer_expect(rig, watching, "\"values\"");
    peer = subscribe(rig, ask);
    ck_assert_ptr_nonnull(strstr(peer->text, "\"resumed\":true"));
    bool alarmed = false;
    do {
        ck_assert_int_eq(peer_hear(rig, peer), OP_TEXT);
        ck_assert_ptr_null(strstr(peer->text, "\"snapshot\""));
        alarmed |= strstr(peer->text, "\"name\":\"overflow\"") != NULL;
    } while (!strstr(peer->text, "\"values\""));
    ck_assert(alarmed);
    ck_assert_ptr_nonnull(strstr(peer->text, "tank1.level"));
    ck_assert_ptr_null(strstr(peer->text, "tank1.valve"));  // it has not changed
    peer_close(watching);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(what_is_too_old_or_not_known_begins_with_a_snapshot)
{
    static const char *const asks[] = {ASK("\"after\":1"), ASK("\"after\":9000000000000000000")};
    Rig *rig = open_three();
    for (size_t i = 0; i < 2; i++) {
        Peer *peer = subscribe(rig, asks[i]);
        ck_assert_ptr_nonnull(strstr(peer->text, "\"resumed\":false"));
        peer_expect(rig, peer, "\"topic\":\"snapshot\"");
        peer_expect(rig, peer, "\"values\"");
        ck_assert_ptr_nonnull(strstr(peer->text, "tank3.valve"));
        peer_close(peer);
    }
    rig_close(rig);
}
END_TEST

START_TEST(a_subscription_replaces_the_one_before)
{
    Rig *rig = open_three();
    Peer *peer = subscribe(rig, ASK("\"tags\":[\"tank1.level\"]"));
    peer_expect(rig, peer, "tank1.level\":[");
    peer_say(peer, ASK("\"tags\":[\"tank2.level\"]"));
    peer_expect(rig, peer, "\"topic\":\"subscribe\"");
    int second = 2;
    ck_assert_int_eq(count_frames(rig, peer, 200, &second, 31, "tank1.level\":["), 0);
    ck_assert_int_gt(count_frames(rig, peer, 200, &second, 31, "tank2.level\":["), 0);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

KIT_MAIN("server.subscribe", only_what_was_asked_for_is_told, a_wrong_wish_is_refused_with_its_reason, a_rate_holds_values_back_and_no_alarm,
         nothing_is_told_on_change_while_nothing_changes, a_client_goes_on_where_it_was, what_is_too_old_or_not_known_begins_with_a_snapshot,
         a_subscription_replaces_the_one_before)
