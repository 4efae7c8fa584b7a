/* test_claim.c -- devices that nobody knows: they wait, are claimed, bound otherwise, disabled, replaced, and told how they are to be set. */
#include <math.h>
#include <stdlib.h>

#include "connectors/peers.h"
#include "signal/merge.h"

static Registry *registry;

/* Where nobody is asked who he is. */
static void open_plant(void)
{
    ck_assert_int_eq(registry_open(NULL, NULL, &registry, NULL), ERR_OK);
    registry_open_door(registry);
    start_with(&(WebsocketDef){.registry = registry});
}

/* Where strangers are let in for some time. */
static void guarded_plant(void)
{
    ck_assert_int_eq(registry_open(NULL, NULL, &registry, NULL), ERR_OK);
    registry_pair(registry, 3600 * NS_PER_S);
    start_with(&(WebsocketDef){.registry = registry});
}

static void close_plant(void)
{
    stop();
    registry_close(registry);
}

#define OFFER(device)                                                                                                             \
    "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"" device "\",\"tags\":{\"temp\":{\"unit\":\"K\"},\"hum\":{}}," \
    "\"actuators\":[\"heat\"]}}"
#define TEMP(id, value) "{\"topic\":\"samples\",\"headers\":{\"id\":" id "},\"value\":[[\"temp\",1000," value "]]}"

static const EntryBinding temp_binding = {"temp", "incubator.t2", "K"}, heat_binding = {"heat", "incubator.heater", "1"};

static RegistryEntry *claim(const char *name, const EntryBinding *bindings, size_t count)
{
    RegistryEntry *entry = registry_find(registry, name);
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(registry_bind(registry, entry, bindings, count, NULL), ERR_OK);
    registry_claim(registry, entry, "", "anna");
    return entry;
}

static void desire(RegistryEntry *entry, const char *text)
{
    json_t *patch = json_loads(text, 0, NULL);
    ck_assert_int_eq(registry_desire(registry, entry, patch, NULL), ERR_OK);
    json_decref(patch);
}

START_TEST(who_offers_what_the_plant_has_not_waits_and_nothing_of_it_reaches_the_tick)
{
    open_plant();
    Peer rig = peer_make("127.0.0.1:7");
    say(&rig, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&rig).status, 202);
    ck_assert_str_eq(last_heard(&rig).welcome.plant, "incubator");
    ck_assert_msg(strstr(last_heard(&rig).welcome.unclaimed, "no tag \"temp\"") != NULL, "%s", last_heard(&rig).welcome.unclaimed);

    say(&rig, TEMP("2", "300"));
    ck_assert_int_eq(last_heard(&rig).status, 200);
    ck_assert_uint_eq(last_heard(&rig).stored.count, 0);
    say(&rig, "{\"topic\":\"time\",\"value\":5000}");
    ck_assert_uint_eq(drain(), 0);

    const RegistryEntry *entry = registry_find(registry, "rig-1");
    ck_assert_int_eq(entry_state(entry), ENTRY_UNCLAIMED);
    ck_assert_str_eq(entry->peer, "127.0.0.1:7");
    ck_assert_double_eq(entry_tag(entry, "temp")->value, 300);
    ck_assert_int_eq(entry_tag(entry, "temp")->time, 1000);
    WebsocketDevice devices[2];
    ck_assert_uint_eq(websocket_devices(websocket, devices, 2), 0);
    part(&rig);
    ck_assert(!entry->connected);
    ck_assert_uint_eq(drain(), 0);
    close_plant();
}
END_TEST

START_TEST(without_pairing_it_is_refused_as_ever)
{
    ck_assert_int_eq(registry_open(NULL, NULL, &registry, NULL), ERR_OK);
    start_with(&(WebsocketDef){.registry = registry});
    Peer rig = peer_make("p");
    say(&rig, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&rig).status, 404);
    ck_assert_uint_eq(registry_count(registry), 0);
    close_plant();
}
END_TEST

START_TEST(a_claim_takes_effect_without_a_reconnection)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, OFFER("rig-1"));
    claim("rig-1", &temp_binding, 1);
    ck_assert_int_eq(last_heard(&rig).status, 200);
    ck_assert_int_eq(last_heard(&rig).id, 1);

    const Arrival joined = next_arrival();
    ck_assert_int_eq(joined.kind, ARRIVAL_JOINED);
    ck_assert_str_eq(joined.text, "rig-1");
    say(&rig, "{\"topic\":\"samples\",\"headers\":{\"id\":2},\"value\":[[\"temp\",1000,300],[\"hum\",1000,40]]}");
    const Arrival sample = next_arrival();
    ck_assert_uint_eq(sample.sample.tag, t2);
    ck_assert_double_eq(sample.sample.value, 300);
    ck_assert_uint_eq(drain(), 0);
    connector->stored(websocket, UINT64_MAX);
    turn();
    ck_assert_uint_eq(last_heard(&rig).stored.count, 1);
    ck_assert_uint_eq(connector->stats(websocket).refused, 0);
    part(&rig);
    ck_assert_int_eq(next_arrival().kind, ARRIVAL_LEFT);
    close_plant();
}
END_TEST

START_TEST(a_claimed_device_is_bound_when_it_comes_again)
{
    open_plant();
    Peer rig = peer_make("p"), again = peer_make("q");
    say(&rig, OFFER("rig-1"));
    claim("rig-1", &temp_binding, 1);
    say(&again, OFFER("rig-1"));
    ck_assert(rig.shut);
    ck_assert_int_eq(last_heard(&again).status, 200);
    part(&rig);
    ck_assert(registry_find(registry, "rig-1")->connected);
    drain();
    say(&again, TEMP("2", "301"));
    ck_assert_double_eq(next_arrival().sample.value, 301);
    close_plant();
}
END_TEST

START_TEST(other_bindings_count_at_once_and_can_be_undone)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, OFFER("rig-1"));
    RegistryEntry *entry = claim("rig-1", &temp_binding, 1);
    const EntryBinding other = {"hum", "incubator.flow", "l/min"};
    ck_assert_int_eq(registry_bind(registry, entry, &other, 1, NULL), ERR_OK);
    drain();
    say(&rig, TEMP("2", "300"));
    ck_assert_uint_eq(drain(), 0);
    say(&rig, "{\"topic\":\"samples\",\"headers\":{\"id\":3},\"value\":[[\"hum\",1000,60]]}");
    ck_assert_uint_eq(next_arrival().sample.tag, flow);
    ck_assert_int_eq(registry_bind(registry, entry, &temp_binding, 1, NULL), ERR_OK);
    say(&rig, TEMP("4", "300"));
    ck_assert_uint_eq(next_arrival().sample.tag, t2);
    ck_assert(!rig.shut);
    close_plant();
}
END_TEST

START_TEST(a_command_speaks_the_device_s_name_and_unit)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, OFFER("rig-1"));
    RegistryEntry *entry = claim("rig-1", &heat_binding, 1);
    Command command = make_command(9);
    ck_assert_int_eq(connector->send(websocket, &command), ERR_OK);
    turn();
    ck_assert_str_eq(last_heard(&rig).command.tag, "heat");
    ck_assert_double_eq(last_heard(&rig).command.value, 0.25);
    say(&rig, "{\"topic\":\"command\",\"headers\":{\"id\":9,\"status\":200}}");
    next_arrival();
    ck_assert(next_arrival().done);

    // what is not bound any more is nobody's
    ck_assert_int_eq(registry_bind(registry, entry, NULL, 0, NULL), ERR_OK);
    ck_assert_int_eq(connector->send(websocket, &command), ERR_CLOSED);
    close_plant();
}
END_TEST

START_TEST(records_of_a_device_hold_their_numbers_over_a_claim)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, OFFER("rig-1"));
    say(&rig, "{\"topic\":\"numbers\",\"headers\":{\"id\":2},\"value\":{\"temp\":1,\"hum\":0}}");
    ck_assert_int_eq(last_heard(&rig).status, 200);
    say_bulk(&rig, BULK_SAMPLES, 3, (BulkRecord[]){{1000, 299, 1, QUALITY_GOOD}}, 1);
    ck_assert_uint_eq(rig.answered.count, 0);
    ck_assert_int_eq(rig.answered.id, 3);
    ck_assert_double_eq(entry_tag(registry_find(registry, "rig-1"), "temp")->value, 299);

    claim("rig-1", &temp_binding, 1);
    next_arrival();
    say_bulk(&rig, BULK_SAMPLES, 4, (BulkRecord[]){{2000, 300, 1, QUALITY_GOOD}, {2000, 40, 0, QUALITY_GOOD}}, 2);
    ck_assert_double_eq(next_arrival().sample.value, 300);
    ck_assert_uint_eq(drain(), 0);

    // and those that are told afterwards
    say(&rig, "{\"topic\":\"numbers\",\"headers\":{\"id\":5},\"value\":{\"temp\":2}}");
    say_bulk(&rig, BULK_SAMPLES, 6, (BulkRecord[]){{3000, 301, 2, QUALITY_GOOD}}, 1);
    ck_assert_double_eq(next_arrival().sample.value, 301);
    say(&rig, "{\"topic\":\"numbers\",\"headers\":{\"id\":7},\"value\":{\"temp\":3}}");
    ck_assert_int_eq(last_heard(&rig).status, 400);
    close_plant();
}
END_TEST

START_TEST(a_disabled_device_is_shut_out_until_it_is_enabled)
{
    open_plant();
    Peer rig = peer_make("p"), again = peer_make("q");
    say(&rig, OFFER("rig-1"));
    RegistryEntry *entry = claim("rig-1", &temp_binding, 1);
    registry_set_disabled(registry, entry, true);
    ck_assert(rig.shut);
    drain();
    say(&again, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&again).status, 403);
    registry_set_disabled(registry, entry, false);
    say(&again, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&again).status, 200);
    close_plant();
}
END_TEST

START_TEST(a_device_that_offers_the_plant_s_tags_can_be_disabled_too)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    ck_assert_int_eq(last_heard(&rig).status, 200);
    RegistryEntry *entry = registry_find(registry, "rig");
    ck_assert_int_eq(entry_state(entry), ENTRY_DIRECT);
    registry_set_disabled(registry, entry, true);
    ck_assert(rig.shut);
    Peer again = peer_make("q");
    say(&again, PROVIDE("rig"));
    ck_assert_int_eq(last_heard(&again).status, 403);
    close_plant();
}
END_TEST

START_TEST(a_device_that_is_replaced_is_refused_and_the_other_goes_on_in_its_place)
{
    open_plant();
    Peer rig = peer_make("p"), spare = peer_make("q");
    say(&rig, OFFER("rig-1"));
    RegistryEntry *entry = claim("rig-1", &temp_binding, 1);
    say(&spare, OFFER("spare"));
    ck_assert_int_eq(registry_replace(registry, entry, registry_find(registry, "spare"), "", NULL), ERR_OK);
    ck_assert(rig.shut);
    ck_assert_int_eq(last_heard(&spare).status, 200);
    drain();
    say(&spare, TEMP("2", "300"));
    ck_assert_double_eq(next_arrival().sample.value, 300);
    part(&rig);

    Peer again = peer_make("r");
    say(&again, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&again).status, 403);
    ck_assert_msg(strstr(last_heard(&again).detail, "replaced") != NULL, "%s", last_heard(&again).detail);
    ck_assert(entry->connected);
    close_plant();
}
END_TEST

START_TEST(what_is_forgotten_may_come_again_as_a_stranger)
{
    open_plant();
    Peer rig = peer_make("p"), again = peer_make("q");
    say(&rig, OFFER("rig-1"));
    registry_forget(registry, claim("rig-1", &temp_binding, 1));
    ck_assert(rig.shut);
    part(&rig);
    say(&again, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&again).status, 202);
    close_plant();
}
END_TEST

START_TEST(desired_is_told_at_a_claim_when_it_changes_and_when_the_device_comes_again)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    RegistryEntry *entry = registry_find(registry, "rig");
    desire(entry, "{\"period\":2}");
    ck_assert_int_eq(last_heard(&rig).topic, WIRE_CONFIG);
    ck_assert_uint_eq(last_heard(&rig).config.version, 1);
    ck_assert_int_eq(json_integer_value(json_object_get(last_heard(&rig).config.delta, "period")), 2);

    // it does as it was told, and there is nothing more to tell
    say(&rig, "{\"topic\":\"reported\",\"headers\":{\"id\":7},\"value\":{\"period\":2.0,\"version\":\"1.4\"}}");
    ck_assert_int_eq(last_heard(&rig).topic, WIRE_REPORTED);
    ck_assert_uint_eq(last_heard(&rig).reported_version, 1);
    part(&rig);

    desire(entry, "{\"period\":3}");
    Peer again = peer_make("q");
    say(&again, PROVIDE("rig"));
    ck_assert_uint_eq(again.count, 2);
    ck_assert_uint_eq(last_heard(&again).config.version, 2);
    ck_assert_int_eq(json_integer_value(json_object_get(last_heard(&again).config.delta, "period")), 3);
    close_plant();
}
END_TEST

START_TEST(a_device_that_will_not_is_not_told_the_same_again)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    desire(registry_find(registry, "rig"), "{\"period\":2}");
    const size_t before = rig.count;
    say(&rig, "{\"topic\":\"reported\",\"headers\":{\"id\":7},\"value\":{\"period\":1}}");
    say(&rig, "{\"topic\":\"reported\",\"headers\":{\"id\":8},\"value\":{\"note\":\"no\"}}");
    ck_assert_uint_eq(rig.count, before + 2);

    // but what it has changed meanwhile it is
    say(&rig, "{\"topic\":\"reported\",\"headers\":{\"id\":9},\"value\":{\"period\":2}}");
    say(&rig, "{\"topic\":\"reported\",\"headers\":{\"id\":10},\"value\":{\"period\":1}}");
    ck_assert_int_eq(last_heard(&rig).topic, WIRE_CONFIG);
    close_plant();
}
END_TEST

START_TEST(a_report_that_is_too_large_is_refused)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, OFFER("rig-1"));
    say(&rig, "{\"topic\":\"reported\",\"headers\":{\"id\":7},\"value\":{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{}}}}}}}");
    ck_assert_int_eq(last_heard(&rig).status, 200);
    char large[9000], frame[9100];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    snprintf(frame, sizeof frame, "{\"topic\":\"reported\",\"headers\":{\"id\":8},\"value\":{\"a\":\"%s\"}}", large);
    say(&rig, frame);
    ck_assert_int_eq(last_heard(&rig).status, 413);
    ck_assert_uint_eq(registry_find(registry, "rig-1")->reported.version, 1);
    close_plant();
}
END_TEST

START_TEST(who_comes_anew_is_believed_whether_it_waited_before_or_not)
{
    open_plant();
    Peer stranger = peer_make("p"), direct = peer_make("q"), again = peer_make("r");
    say(&stranger, OFFER("rig"));
    say(&direct, PROVIDE("rig"));
    ck_assert(stranger.shut && !direct.shut);
    say(&again, OFFER("rig"));
    ck_assert(direct.shut && !again.shut);
    part(&stranger);
    part(&direct);
    ck_assert_uint_eq(registry_count(registry), 1);
    ck_assert(registry_find(registry, "rig")->connected);
    registry_forget(registry, registry_find(registry, "rig"));
    ck_assert(again.shut);
    part(&again);
    close_plant();
}
END_TEST

START_TEST(what_a_claimed_device_sends_of_tags_that_are_bound_to_nothing_is_shown)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, OFFER("rig-1"));
    RegistryEntry *entry = claim("rig-1", &temp_binding, 1);
    say(&rig, "{\"topic\":\"samples\",\"headers\":{\"id\":2},\"value\":[[\"hum\",1000,40],[\"temp\",1000,300]]}");
    ck_assert_double_eq(entry_tag(entry, "hum")->value, 40);
    close_plant();
}
END_TEST

static bool shows_certificate(const Link *link, LinkCertificate *out)
{
    (void)link;
    *out = (LinkCertificate){"0123", "CN=rig-1"};
    return true;
}

START_TEST(a_stranger_is_no_device_that_was_claimed_whatever_it_calls_itself)
{
    guarded_plant();
    Peer rig = peer_make("p"), thief = peer_make("q");
    rig.link.standing = thief.link.standing = LINK_STRANGER;
    rig.link.certificate = shows_certificate;
    say(&rig, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&rig).status, 202);
    RegistryEntry *entry = registry_find(registry, "rig-1");
    ck_assert_str_eq(entry->subject, "CN=rig-1");
    ck_assert_int_eq(registry_bind(registry, entry, &temp_binding, 1, NULL), ERR_OK);
    registry_claim(registry, entry, "rig-1", "anna");
    ck_assert_int_eq(last_heard(&rig).status, 200);

    say(&thief, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&thief).status, 202);
    ck_assert(!rig.shut);
    ck_assert_ptr_nonnull(registry_find(registry, "rig-1-2"));

    // with its credential it is who it says
    Peer enrolled = peer_make("r");
    enrolled.link.standing = LINK_ENROLLED;
    snprintf(enrolled.link.who, sizeof enrolled.link.who, "rig-1");
    say(&enrolled, OFFER("rig-1"));
    ck_assert_int_eq(last_heard(&enrolled).status, 200);
    ck_assert(rig.shut);
    close_plant();
}
END_TEST

START_TEST(a_stranger_does_not_get_in_by_the_plant_s_own_tags)
{
    guarded_plant();
    Peer thief = peer_make("p");
    thief.link.standing = LINK_STRANGER;
    say(&thief, PROVIDE("rig"));
    ck_assert_int_eq(last_heard(&thief).status, 202);
    say(&thief, SAMPLE("2", "incubator.t2"));
    ck_assert_uint_eq(last_heard(&thief).stored.count, 0);
    ck_assert_uint_eq(drain(), 0);
    close_plant();
}
END_TEST

START_TEST(a_credential_of_another_plant_s_device_opens_nothing_here)
{
    ck_assert_int_eq(registry_open(NULL, NULL, &registry, NULL), ERR_OK);
    start_with(&(WebsocketDef){.registry = registry});
    Peer rig = peer_make("p");
    rig.link.standing = LINK_ENROLLED;
    snprintf(rig.link.who, sizeof rig.link.who, "rig-1");
    say(&rig, PROVIDE("rig"));
    ck_assert_int_eq(last_heard(&rig).status, 403);
    close_plant();
}
END_TEST

START_TEST(more_strangers_than_there_is_room_for_are_asked_to_come_later)
{
    open_plant();
    Peer *peers = calloc(REGISTRY_STRANGERS_MAX + 1, sizeof *peers);
    char frame[256];
    for (int i = 0; i <= REGISTRY_STRANGERS_MAX; i++) {
        peers[i] = peer_make("p");
        snprintf(frame, sizeof frame, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"s%d\",\"tags\":{\"x\":{}}}}", i);
        say(&peers[i], frame);
        ck_assert_int_eq(last_heard(&peers[i]).status, i < REGISTRY_STRANGERS_MAX ? 202 : 429);
    }
    // devices that are known come all the same
    Peer rig = peer_make("q");
    say(&rig, PROVIDE("rig"));
    ck_assert_int_eq(last_heard(&rig).status, 200);
    close_plant();
    free(peers);
}
END_TEST

START_TEST(another_version_of_the_plant_keeps_what_it_still_can_of_a_claimed_device)
{
    open_plant();
    Peer rig = peer_make("p");
    say(&rig, OFFER("rig-1"));
    const EntryBinding both[] = {temp_binding, {"hum", "incubator.flow", "l/min"}};
    claim("rig-1", both, 2);
    drain();

    TagTable *next;
    static TagChannel channels[2];
    channels[0] = channel("spare", "1", TAG_SAMPLED);
    channels[1] = channel("t2", "degC", TAG_SAMPLED);
    ck_assert_int_eq(tags_create(&next), ERR_OK);
    ck_assert_int_eq(tags_add(next, "incubator", channels, 2, NULL), ERR_OK);
    ck_assert_int_eq(websocket_follow(websocket, next), ERR_OK);
    say(&rig, "{\"topic\":\"samples\",\"headers\":{\"id\":2},\"value\":[[\"temp\",1000,300],[\"hum\",1000,40]]}");
    ck_assert_uint_eq(next_arrival().sample.tag, tags_find(next, "incubator.t2"));
    ck_assert_uint_eq(drain(), 0);
    tags_destroy(tags);
    tags = next;
    close_plant();
}
END_TEST

KIT_MAIN("connectors.claim", who_offers_what_the_plant_has_not_waits_and_nothing_of_it_reaches_the_tick, without_pairing_it_is_refused_as_ever,
         a_claim_takes_effect_without_a_reconnection, a_claimed_device_is_bound_when_it_comes_again, other_bindings_count_at_once_and_can_be_undone,
         a_command_speaks_the_device_s_name_and_unit, records_of_a_device_hold_their_numbers_over_a_claim, a_disabled_device_is_shut_out_until_it_is_enabled,
         a_device_that_offers_the_plant_s_tags_can_be_disabled_too, a_device_that_is_replaced_is_refused_and_the_other_goes_on_in_its_place,
         what_is_forgotten_may_come_again_as_a_stranger, desired_is_told_at_a_claim_when_it_changes_and_when_the_device_comes_again,
         a_device_that_will_not_is_not_told_the_same_again, a_report_that_is_too_large_is_refused, who_comes_anew_is_believed_whether_it_waited_before_or_not,
         what_a_claimed_device_sends_of_tags_that_are_bound_to_nothing_is_shown, a_stranger_is_no_device_that_was_claimed_whatever_it_calls_itself,
         a_stranger_does_not_get_in_by_the_plant_s_own_tags, a_credential_of_another_plant_s_device_opens_nothing_here,
         more_strangers_than_there_is_room_for_are_asked_to_come_later, another_version_of_the_plant_keeps_what_it_still_can_of_a_claimed_device)
