/* test_websocket.c -- devices at fake Links: what they say goes in as frames, what they hear is read back as frames. */
#include "connectors/websocket/websocket.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/peers.h"

START_TEST(a_device_is_welcomed_with_what_the_plant_is)
{
    start();
    connector->ticked(websocket, 777);
    Peer rig = peer_make("127.0.0.1:1");
    say(&rig, PROVIDE("rig"));

    const WireMessage answer = last_heard(&rig);
    ck_assert_int_eq(answer.topic, WIRE_PROVIDE);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(answer.id, 1);
    ck_assert_str_eq(answer.welcome.plant, "incubator");
    ck_assert_double_eq(answer.welcome.step, 0.5);
    ck_assert_double_eq(answer.welcome.speed, 2);
    ck_assert(answer.welcome.provider_clock);
    ck_assert_int_eq(answer.welcome.from, 777);

    const Arrival joined = next_arrival();
    ck_assert_int_eq(joined.kind, ARRIVAL_JOINED);
    ck_assert_str_eq(joined.text, "rig");
    stop();
}
END_TEST

START_TEST(samples_become_arrivals_in_si_and_in_their_order)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    say(&rig, "{\"topic\":\"samples\",\"headers\":{\"id\":2},\"value\":[[\"incubator.t2\",1000,25.0],[\"incubator.flow\",2000,60,\"uncertain\"]]}");

    const uint32_t provider = next_arrival().provider;
    const Arrival first = next_arrival(), second = next_arrival();
    ck_assert_int_eq(first.kind, ARRIVAL_SAMPLE);
    ck_assert_uint_eq(first.provider, provider);
    ck_assert_uint_eq(first.sample.tag, t2);
    ck_assert_int_eq(first.sample.time, 1000);
    ck_assert_double_eq_tol(first.sample.value, 298.15, 1e-9);
    ck_assert_uint_eq(second.sample.tag, flow);
    ck_assert_double_eq_tol(second.sample.value, 1e-3, 1e-12);
    ck_assert_uint_eq(second.sample.quality, QUALITY_UNCERTAIN);
    ck_assert_uint_gt(second.mark, first.mark);
    stop();
}
END_TEST

START_TEST(a_device_may_choose_its_unit)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"rig\",\"tags\":{\"incubator.t2\":{\"unit\":\"K\"}}}}");
    ck_assert_int_eq(last_heard(&rig).status, 200);
    say(&rig, SAMPLE("2", "incubator.t2"));
    next_arrival();
    ck_assert_double_eq_tol(next_arrival().sample.value, 25.0, 1e-9);
    stop();
}
END_TEST

START_TEST(a_name_with_a_star_stands_for_all_that_begin_so)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"rig\",\"tags\":{\"inc*.t2\":{\"unit\":\"K\"}}}}");
    ck_assert_int_eq(last_heard(&rig).status, 200);
    ck_assert_int_eq(next_arrival().kind, ARRIVAL_JOINED);
    say(&rig, SAMPLE("2", "incubator.t2"));
    const Arrival arrival = next_arrival();
    ck_assert_int_eq(arrival.kind, ARRIVAL_SAMPLE);
    ck_assert_uint_eq(arrival.sample.tag, t2);
    say(&rig, SAMPLE("3", "incubator.flow"));
    ck_assert_uint_eq(connector->stats(websocket).refused, 1);
    stop();
}
END_TEST

/* Each of these is refused, and nothing of it is taken. */
static const struct {
    const char *tags, *actuators;
    int status;
    const char *detail;
} wrong_provides[] = {
    {"\"incubator.t9\":{}", "", 404, "incubator.t9"},
    {"\"incubator.t2\":{},\"incubator.T_box\":{}", "", 400, "incubator.T_box"},
    {"\"incubator.heater\":{}", "", 400, "actuator"},
    {"\"incubator.t2\":{\"unit\":\"m\"}", "", 400, "does not convert"},
    {"\"incubator.t2\":{\"unit\":\"furlybits\"}", "", 400, "furlybits"},
    {"\"incubator.t2\":{}", "\"incubator.t2\"", 400, "not an actuator"},
    {"\"incubator.t2\":{}", "\"incubator.pump\"", 404, "incubator.pump"},
    {"\"inc*.t2\":{},\"tank_*.t2\":{}", "", 404, "tank_*.t2"},
    {"\"inc*.T_box\":{}", "", 404, "inc*.T_box"},
    {"\"inc*.t2\":{\"unit\":\"m\"}", "", 400, "does not convert"},
};

START_TEST(a_wrong_provide_is_refused_whole)
{
    for (size_t i = 0; i < sizeof wrong_provides / sizeof *wrong_provides; i++) {
        start();
        Peer rig = peer_make("p");
        char frame[512];
        snprintf(frame, sizeof frame,
                 "{\"topic\":\"provide\",\"headers\":{\"id\":4},\"value\":{\"device\":\"rig\",\"tags\":{%s},\"actuators\":[%s]}}",
                 wrong_provides[i].tags, wrong_provides[i].actuators);
        say(&rig, frame);
        const WireMessage answer = last_heard(&rig);
        ck_assert_int_eq(answer.status, wrong_provides[i].status);
        ck_assert_int_eq(answer.id, 4);
        ck_assert_msg(strstr(answer.detail, wrong_provides[i].detail) != NULL, "%s", answer.detail);

        say(&rig, SAMPLE("5", "incubator.t2"));
        ck_assert_int_eq(last_heard(&rig).status, 403);
        ck_assert_uint_eq(drain(), 0);
        ck_assert_uint_eq(connector->stats(websocket).refused, 2);
        stop();
    }
}
END_TEST

START_TEST(a_message_is_answered_when_its_last_sample_is_on_disk)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    say(&rig, "{\"topic\":\"samples\",\"headers\":{\"id\":2},\"value\":[[\"incubator.t2\",1,25],[\"incubator.t2\",2,25]]}");
    next_arrival();
    const uint64_t first = next_arrival().mark, second = next_arrival().mark;
    turn();
    ck_assert_uint_eq(rig.count, 1);
    connector->stored(websocket, first);
    turn();
    ck_assert_uint_eq(rig.count, 1);

    connector->stored(websocket, second);
    turn();
    const WireMessage answer = last_heard(&rig);
    ck_assert_uint_eq(rig.count, 2);
    ck_assert_int_eq(answer.topic, WIRE_SAMPLES);
    ck_assert_int_eq(answer.id, 2);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.stored.count, 2);
    turn();
    ck_assert_uint_eq(rig.count, 2);
    stop();
}
END_TEST

START_TEST(what_cannot_be_taken_is_refused_by_its_index)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"rig\",\"tags\":{\"incubator.t2\":{}}}}");
    say(&rig, "{\"topic\":\"samples\",\"headers\":{\"id\":2},\"value\":[[\"incubator.t2\",1,25],[\"incubator.t9\",1,25],[\"incubator.flow\",1,25],"
              "[\"incubator.t2\",\"yesterday\",25],[\"incubator.t2\",2,25]]}");

    ck_assert_uint_eq(rig.count, 4);
    ck_assert_int_eq(heard(&rig, 1).status, 404);
    ck_assert_str_eq(heard(&rig, 1).path, "/1");
    ck_assert_str_eq(heard(&rig, 1).detail, "no tag \"incubator.t9\" in plant incubator");
    ck_assert_int_eq(heard(&rig, 2).status, 403);
    ck_assert_str_eq(heard(&rig, 2).path, "/2");
    ck_assert_int_eq(heard(&rig, 3).status, 400);
    ck_assert_str_eq(heard(&rig, 3).path, "/3");

    connector->stored(websocket, UINT64_MAX);
    turn();
    ck_assert_uint_eq(last_heard(&rig).stored.count, 2);
    ck_assert_uint_eq(connector->stats(websocket).samples, 2);
    ck_assert_uint_eq(connector->stats(websocket).refused, 3);
    stop();
}
END_TEST

START_TEST(a_message_of_which_nothing_was_taken_is_answered_at_once)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    say(&rig, SAMPLE("9", "incubator.t9"));
    ck_assert_uint_eq(rig.count, 3);
    ck_assert_int_eq(last_heard(&rig).status, 200);
    ck_assert_int_eq(last_heard(&rig).id, 9);
    ck_assert_uint_eq(last_heard(&rig).stored.count, 0);
    stop();
}
END_TEST

START_TEST(a_full_ring_refuses_samples_and_nothing_else)
{
    start_with_ring(1);
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    size_t taken = 0;
    for (; taken < 5000; taken++) {
        const size_t before = rig.count;
        say(&rig, SAMPLE("2", "incubator.t2"));
        if (rig.count != before)
            break;
    }
    ck_assert_uint_lt(taken, 5000);
    ck_assert_int_eq(heard(&rig, 1).status, 429);
    ck_assert_str_eq(heard(&rig, 1).path, "/0");
    ck_assert_uint_eq(connector->stats(websocket).dropped, 1);

    // what is not a sample still finds its place
    Command command = make_command(5);
    ck_assert_int_eq(connector->send(websocket, &command), ERR_OK);
    turn();
    say(&rig, "{\"topic\":\"command\",\"headers\":{\"id\":5,\"status\":200}}");
    say(&rig, "{\"topic\":\"time\",\"value\":123456}");
    part(&rig);
    Arrival arrivals[2];
    for (size_t i = 0; i < taken + 1; i++)
        next_arrival();
    ck_assert_uint_eq(connector->poll(websocket, arrivals, 2), 2);
    ck_assert_int_eq(arrivals[0].kind, ARRIVAL_OUTCOME);
    ck_assert_int_eq(arrivals[1].kind, ARRIVAL_LEFT);
    stop();
}
END_TEST

START_TEST(a_time_that_found_no_room_comes_later)
{
    start_with_ring(1);
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    while (connector->stats(websocket).dropped == 0)
        say(&rig, SAMPLE("2", "incubator.t2"));
    say(&rig, "{\"topic\":\"time\",\"value\":5000}");
    say(&rig, "{\"topic\":\"time\",\"value\":6000}");
    drain();
    turn();
    const Arrival arrival = next_arrival();
    ck_assert_int_eq(arrival.kind, ARRIVAL_TIME);
    ck_assert_int_eq(arrival.sample.time, 6000);
    ck_assert_uint_eq(drain(), 0);
    stop();
}
END_TEST

START_TEST(nobody_joins_a_ring_without_room)
{
    start_with_ring(1);
    Peer rig = peer_make("p"), late = peer_make("q");
    say(&rig, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"rig\",\"tags\":{\"incubator.t2\":{}}}}");
    while (connector->stats(websocket).dropped == 0)
        say(&rig, SAMPLE("2", "incubator.t2"));
    say(&late, PROVIDE("late"));
    ck_assert_int_eq(last_heard(&late).status, 503);
    drain();
    say(&late, PROVIDE("late"));
    ck_assert_int_eq(last_heard(&late).status, 200);
    stop();
}
END_TEST

START_TEST(a_command_reaches_the_device_and_its_answer_the_tick)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    drain();
    Command command = make_command(12);
    ck_assert_int_eq(connector->send(websocket, &command), ERR_OK);
    ck_assert_uint_eq(rig.count, 1);
    turn();
    const WireMessage order = last_heard(&rig);
    ck_assert_int_eq(order.topic, WIRE_COMMAND);
    ck_assert_int_eq(order.status, 0);
    ck_assert_int_eq(order.id, 12);
    ck_assert_str_eq(order.command.tag, "incubator.heater");
    ck_assert_double_eq_tol(order.command.value, 25, 1e-9);
    ck_assert_str_eq(order.command.reason, "lid open");

    say(&rig, "{\"topic\":\"command\",\"headers\":{\"id\":12,\"status\":200}}");
    const Arrival outcome = next_arrival();
    ck_assert_int_eq(outcome.kind, ARRIVAL_OUTCOME);
    ck_assert_uint_eq(outcome.command, 12);
    ck_assert(outcome.done);
    stop();
}
END_TEST

START_TEST(a_device_can_refuse_a_command)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    drain();
    Command command = make_command(12);
    connector->send(websocket, &command);
    turn();
    say(&rig, "{\"topic\":\"command\",\"headers\":{\"id\":12,\"status\":409},\"value\":{\"status\":409,\"detail\":\"fuse blown\"}}");
    const Arrival outcome = next_arrival();
    ck_assert(!outcome.done);
    ck_assert_str_eq(outcome.text, "fuse blown");
    stop();
}
END_TEST

START_TEST(only_the_device_that_was_asked_can_answer_and_once)
{
    start();
    Peer rig = peer_make("p"), other = peer_make("q");
    say(&rig, PROVIDE("rig"));
    say(&other, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"other\",\"tags\":{\"incubator.t2\":{}}}}");
    Command command = make_command(12);
    connector->send(websocket, &command);
    turn();
    drain();
    say(&other, "{\"topic\":\"command\",\"headers\":{\"id\":12,\"status\":200}}");
    ck_assert_uint_eq(drain(), 0);
    say(&rig, "{\"topic\":\"command\",\"headers\":{\"id\":12,\"status\":200}}");
    say(&rig, "{\"topic\":\"command\",\"headers\":{\"id\":12,\"status\":200}}");
    ck_assert_uint_eq(drain(), 1);
    ck_assert_uint_eq(connector->stats(websocket).refused, 2);
    stop();
}
END_TEST

START_TEST(a_command_without_its_device_is_not_sent)
{
    start();
    Command command = make_command(1);
    ck_assert_int_eq(connector->send(websocket, &command), ERR_CLOSED);
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    ck_assert_int_eq(connector->send(websocket, &command), ERR_OK);
    part(&rig);
    drain();

    // the device left while the command was on its way
    turn();
    const Arrival outcome = next_arrival();
    ck_assert_int_eq(outcome.kind, ARRIVAL_OUTCOME);
    ck_assert(!outcome.done);
    ck_assert_str_ne(outcome.text, "");
    ck_assert_int_eq(connector->send(websocket, &command), ERR_CLOSED);
    command.wish.tag = 4000;
    ck_assert_int_eq(connector->send(websocket, &command), ERR_CLOSED);
    stop();
}
END_TEST

START_TEST(an_actuator_has_one_device_at_a_time)
{
    start();
    Peer first = peer_make("p"), second = peer_make("q");
    say(&first, PROVIDE("first"));
    say(&second, PROVIDE("second"));
    ck_assert_int_eq(last_heard(&second).status, 409);
    ck_assert_ptr_nonnull(strstr(last_heard(&second).detail, "first"));
    ck_assert_uint_eq(drain(), 1);

    part(&first);
    say(&second, PROVIDE("second"));
    ck_assert_int_eq(last_heard(&second).status, 200);
    stop();
}
END_TEST

START_TEST(a_device_that_comes_again_takes_over_from_its_old_connection)
{
    start();
    Peer old = peer_make("p"), anew = peer_make("q");
    say(&old, PROVIDE("rig"));
    say(&old, SAMPLE("2", "incubator.t2"));
    say(&anew, PROVIDE("rig"));
    ck_assert_int_eq(last_heard(&anew).status, 200);
    ck_assert(old.shut);

    Arrival arrivals[8];
    ck_assert_uint_eq(connector->poll(websocket, arrivals, 8), 4);
    ck_assert_int_eq(arrivals[2].kind, ARRIVAL_LEFT);
    ck_assert_uint_eq(arrivals[2].provider, arrivals[0].provider);
    ck_assert_int_eq(arrivals[3].kind, ARRIVAL_JOINED);
    ck_assert_uint_ne(arrivals[3].provider, arrivals[0].provider);

    // the old connection has no say and hears nothing more
    connector->stored(websocket, UINT64_MAX);
    turn();
    ck_assert_uint_eq(old.count, 1);
    part(&old);
    ck_assert_uint_eq(drain(), 0);
    Command command = make_command(1);
    ck_assert_int_eq(connector->send(websocket, &command), ERR_OK);
    turn();
    ck_assert_int_eq(last_heard(&anew).topic, WIRE_COMMAND);
    stop();
}
END_TEST

START_TEST(a_second_provide_replaces_the_first)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    say(&rig, "{\"topic\":\"provide\",\"headers\":{\"id\":2},\"value\":{\"device\":\"rig\",\"tags\":{\"incubator.flow\":{}}}}");
    ck_assert_int_eq(last_heard(&rig).status, 200);
    say(&rig, SAMPLE("3", "incubator.t2"));
    ck_assert_int_eq(heard(&rig, 2).status, 403);
    Command command = make_command(1);
    ck_assert_int_eq(connector->send(websocket, &command), ERR_CLOSED);
    ck_assert_uint_eq(drain(), 1);

    say(&rig, PROVIDE("another"));
    ck_assert_int_eq(last_heard(&rig).status, 409);
    stop();
}
END_TEST

START_TEST(frames_that_mean_nothing_are_counted)
{
    start();
    Peer rig = peer_make("p");
    LinkHandler *handler = websocket_handler(websocket);
    handler->malformed(handler->self, &rig.link);
    say(&rig, PROVIDE("rig"));
    handler->malformed(handler->self, &rig.link);
    WebsocketDevice devices[4];
    ck_assert_uint_eq(websocket_devices(websocket, devices, 4), 1);
    ck_assert_uint_eq(devices[0].refused, 1);
    ck_assert_uint_eq(connector->stats(websocket).refused, 2);
    stop();
}
END_TEST

START_TEST(devices_are_shown_and_remembered)
{
    start();
    Peer rig = peer_make("127.0.0.1:51234");
    WebsocketDevice device;
    ck_assert_uint_eq(websocket_devices(websocket, &device, 1), 0);
    say(&rig, PROVIDE("rig"));
    ck_assert_uint_eq(websocket_devices(websocket, &device, 1), 1);
    ck_assert_int_eq(device.last, TIME_NONE);
    say(&rig, SAMPLE("2", "incubator.t2"));
    say(&rig, SAMPLE("3", "incubator.t9"));
    ck_assert_uint_eq(websocket_devices(websocket, &device, 1), 1);
    ck_assert_str_eq(device.name, "rig");
    ck_assert_str_eq(device.peer, "127.0.0.1:51234");
    ck_assert(device.connected);
    ck_assert_uint_eq(device.samples, 1);
    ck_assert_uint_eq(device.refused, 1);
    ck_assert_int_eq(device.last, 1000);

    part(&rig);
    ck_assert_uint_eq(websocket_devices(websocket, &device, 1), 1);
    ck_assert(!device.connected);
    ck_assert_uint_eq(device.samples, 1);
    ck_assert_uint_eq(websocket_devices(websocket, &device, 0), 0);
    stop();
}
END_TEST

START_TEST(the_oldest_that_left_makes_room_when_all_places_are_taken)
{
    start();
    static Peer peers[257];
    char frame[256];
    for (int i = 0; i < 257; i++) {
        peers[i] = peer_make("p");
        snprintf(frame, sizeof frame, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"d%d\",\"tags\":{}}}", i);
        say(&peers[i], frame);
        ck_assert_int_eq(last_heard(&peers[i]).status, i < 256 ? 200 : 503);
    }
    part(&peers[3]);
    part(&peers[2]);
    say(&peers[256], frame);
    ck_assert_int_eq(last_heard(&peers[256]).status, 200);
    static WebsocketDevice devices[300];
    ck_assert_uint_eq(websocket_devices(websocket, devices, 300), 256);
    ck_assert_str_eq(devices[2].name, "d256");
    ck_assert_str_eq(devices[3].name, "d3");
    stop();
}
END_TEST

static void *feed(void *peer)
{
    char frame[256];
    for (int i = 0; i < 2000; i++) {
        snprintf(frame, sizeof frame, "{\"topic\":\"samples\",\"headers\":{\"id\":%d},\"value\":[[\"incubator.t2\",%d,25]]}", i, i);
        say(peer, frame);
        turn();
    }
    return NULL;
}

START_TEST(the_tick_and_the_service_thread_meet_without_a_race)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    pthread_t service;
    ck_assert_int_eq(pthread_create(&service, NULL, feed, &rig), 0);

    Arrival arrival;
    WebsocketDevice device;
    Command command = make_command(1);
    int64_t seen = -1;
    while (seen < 1999) {
        if (!connector->poll(websocket, &arrival, 1))
            continue;
        if (arrival.kind == ARRIVAL_SAMPLE) {
            ck_assert_int_eq(arrival.sample.time, seen + 1);
            seen = arrival.sample.time;
        }
        connector->stored(websocket, arrival.mark);
        connector->ticked(websocket, seen);
        if (seen % 500 == 0)
            connector->send(websocket, &command);
        websocket_devices(websocket, &device, 1);
    }
    pthread_join(service, NULL);
    turn();
    ck_assert_uint_eq(connector->stats(websocket).samples, 2000);
    stop();
}
END_TEST

/* Another plant in which everything has another number, the flow is a pressure, and the heater is there under its name. */
START_TEST(another_plant_keeps_devices_with_what_it_still_takes)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    const Command before = make_command(7), after = {.id = 8, .wish = {.tag = 4, .value = 1}, .ended = TIME_NONE};
    ck_assert_int_eq(connector->send(websocket, &before), ERR_OK);  // on its way
    drain();

    TagTable *others;
    const TagChannel first[] = {channel("t2", "degC", TAG_SAMPLED)};
    const TagChannel second[] = {channel("flow", "bar", TAG_SAMPLED), channel("t2", "K", TAG_SAMPLED), channel("spare", "K", TAG_SAMPLED), channel("heater", "1", TAG_ACTUATED)};
    ck_assert_int_eq(tags_create(&others), ERR_OK);
    ck_assert_int_eq(tags_add(others, "aside", first, 1, NULL), ERR_OK);
    ck_assert_int_eq(tags_add(others, "incubator", second, 4, NULL), ERR_OK);
    kit_fail_allocation(1);
    ck_assert_int_eq(websocket_follow(websocket, others), ERR_MEMORY);
    kit_fail_allocation(0);
    ck_assert_int_eq(websocket_follow(websocket, others), ERR_OK);
    tags_destroy(tags);
    tags = others;

    turn();
    ck_assert_int_eq(last_heard(&rig).topic, WIRE_COMMAND);
    ck_assert_int_eq(last_heard(&rig).id, 7);
    ck_assert_int_eq(connector->send(websocket, &after), ERR_OK);
    turn();
    ck_assert_int_eq(last_heard(&rig).id, 8);

    say(&rig, SAMPLE("2", "incubator.t2"));
    const Arrival arrival = next_arrival();
    ck_assert_uint_eq(arrival.sample.tag, 2);
    ck_assert_double_eq_tol(arrival.sample.value, 298.15, 1e-9);  // in the unit that it announced
    say(&rig, SAMPLE("3", "incubator.flow"));
    ck_assert_int_eq(last_heard(&rig).status == 403 || heard(&rig, rig.count - 2).status == 403, true);
    ck_assert_uint_eq(drain(), 0);
    ck_assert(!rig.shut);
    stop();
}
END_TEST

START_TEST(creation_survives_every_failed_allocation)
{
    start();
    const WebsocketDef def = {.tags = tags, .plant = "incubator", .step = 0.5, .speed = 1};
    int failures = 0;
    for (size_t n = 1; n < 20; n++) {
        Websocket *other;
        kit_fail_allocation(n);
        const Err err = websocket_create(&def, &other);
        kit_fail_allocation(0);
        if (err == ERR_OK) {
            websocket_destroy(other);
            break;
        }
        ck_assert_int_eq(err, ERR_MEMORY);
        failures++;
    }
    ck_assert_int_gt(failures, 3);
    ck_assert_int_lt(failures, 19);
    stop();
}
END_TEST

START_TEST(names_are_found_in_turn_and_out_of_turn)
{
    start();
    Peer rig = peer_make("rig");
    say(&rig, PROVIDE("rig"));
    next_arrival();
    static const char order[] = {0, 1, 0, 1, 1, 0, 0, 1};
    char frame[256];
    for (size_t i = 0; i < sizeof order; i++) {
        snprintf(frame, sizeof frame, SAMPLE("2", "incubator.%s"), order[i] ? "flow" : "t2");
        say(&rig, frame);
        ck_assert_uint_eq(next_arrival().sample.tag, order[i] ? flow : t2);
    }

    // names that begin like the one whose turn it is are others
    const size_t before = rig.count;
    static const char *const wrong[] = {"incubator.t", "incubator.t22", "incubato.t2", "incubator2.t2", "incubator.", "incubator", ".t2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(frame, sizeof frame, SAMPLE("2", "%s"), wrong[i]);
        say(&rig, frame);
    }
    ck_assert_uint_eq(rig.count, before + 2 * sizeof wrong / sizeof *wrong);
    ck_assert_uint_eq(drain(), 0);
    stop();
}
END_TEST

// Records.

#define NUMBERS "{\"topic\":\"numbers\",\"headers\":{\"id\":2},\"value\":{\"incubator.t2\":1,\"incubator.flow\":0}}"

START_TEST(records_become_arrivals_by_the_numbers_of_the_device)
{
    start();
    Peer rig = peer_make("rig");
    say(&rig, PROVIDE("rig"));
    say(&rig, NUMBERS);
    ck_assert_int_eq(last_heard(&rig).status, 200);
    ck_assert_int_eq(next_arrival().kind, ARRIVAL_JOINED);

    say_bulk(&rig, BULK_SAMPLES, 3, (BulkRecord[]){{1000, 25, 1, QUALITY_GOOD}, {2000, 60, 0, QUALITY_UNCERTAIN}}, 2);
    const Arrival first = next_arrival(), second = next_arrival();
    ck_assert_int_eq(first.kind, ARRIVAL_SAMPLE);
    ck_assert_uint_eq(first.sample.tag, t2);
    ck_assert_int_eq(first.sample.time, 1000);
    ck_assert_double_eq_tol(first.sample.value, 298.15, 1e-9);
    ck_assert_uint_eq(second.sample.tag, flow);
    ck_assert_double_eq_tol(second.sample.value, 1e-3, 1e-15);
    ck_assert_uint_eq(second.sample.quality, QUALITY_UNCERTAIN);

    say_bulk(&rig, BULK_TIME, 5000, NULL, 0);
    const Arrival time = next_arrival();
    ck_assert_int_eq(time.kind, ARRIVAL_TIME);
    ck_assert_int_eq(time.sample.time, 5000);
    stop();
}
END_TEST

START_TEST(one_answer_stands_for_all_records_that_are_on_disk)
{
    start();
    Peer rig = peer_make("rig");
    say(&rig, PROVIDE("rig"));
    say(&rig, NUMBERS);
    const BulkRecord records[] = {{1000, 25, 1, QUALITY_GOOD}, {2000, 60, 0, QUALITY_GOOD}};
    say_bulk(&rig, BULK_SAMPLES, 10, records, 2);
    say_bulk(&rig, BULK_SAMPLES, 11, records, 1);
    say_bulk(&rig, BULK_SAMPLES, 12, records, 2);
    next_arrival(), next_arrival(), next_arrival();
    const Arrival last = next_arrival();
    turn();
    ck_assert_uint_eq(rig.answers, 0);

    connector->stored(websocket, last.mark);
    turn();
    ck_assert_uint_eq(rig.answers, 1);
    ck_assert_int_eq(rig.answered.kind, BULK_STORED);
    ck_assert_int_eq(rig.answered.id, 11);
    ck_assert_uint_eq(rig.answered.count, 3);
    next_arrival();
    connector->stored(websocket, next_arrival().mark);
    turn();
    ck_assert_uint_eq(rig.answers, 2);
    ck_assert_int_eq(rig.answered.id, 12);
    ck_assert_uint_eq(rig.answered.count, 2);
    stop();
}
END_TEST

START_TEST(a_wrong_record_is_refused_and_the_others_are_taken)
{
    start();
    Peer rig = peer_make("rig");
    say(&rig, PROVIDE("rig"));
    say(&rig, NUMBERS);
    next_arrival();
    const size_t before = rig.count;
    say_bulk(&rig, BULK_SAMPLES, 3, (BulkRecord[]){{1, NAN, 1, 0}, {1, 25, 2, 0}, {1, 25, 1, 0}, {1, 1e308, 0, 0}, {1, 25, 1, 7}}, 5);
    ck_assert_uint_eq(rig.count, before + 3);
    static const struct {
        const char *path;
        int status;
    } refused[] = {{"/0", 400}, {"/1", 404}, {"/4", 400}};
    for (size_t i = 0; i < 3; i++) {
        const WireMessage message = heard(&rig, before + i);
        ck_assert_int_eq(message.topic, WIRE_SAMPLES);
        ck_assert_int_eq(message.id, 3);
        ck_assert_str_eq(message.path, refused[i].path);
        ck_assert_int_eq(message.status, refused[i].status);
    }
    ck_assert_uint_eq(drain(), 2);
    ck_assert_uint_eq(connector->stats(websocket).refused, 3);
    stop();
}
END_TEST

START_TEST(numbers_are_of_tags_that_are_provided_and_below_their_count)
{
    start();
    Peer rig = peer_make("rig");
    static const struct {
        const char *value;
        int status;
    } wrong[] = {{"{\"incubator.t9\":0}", 404}, {"{\"incubator.T_box\":0}", 403}, {"{\"incubator.t2\":2}", 400}, {"{\"incubator.flow\":0,\"incubator.t2\":4294967294}", 400}};
    char frame[256];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        say(&rig, PROVIDE("rig"));
        snprintf(frame, sizeof frame, "{\"topic\":\"numbers\",\"headers\":{\"id\":2},\"value\":%s}", wrong[i].value);
        say(&rig, frame);
        ck_assert_int_eq(last_heard(&rig).status, wrong[i].status);

        // nothing of what was refused is taken
        say_bulk(&rig, BULK_SAMPLES, 3, &(BulkRecord){1, 25, 0, 0}, 1);
        ck_assert_int_eq(last_heard(&rig).status, 404);
    }

    Peer stranger = peer_make("stranger");
    say(&stranger, NUMBERS);
    ck_assert_int_eq(last_heard(&stranger).status, 403);
    say_bulk(&stranger, BULK_SAMPLES, 3, &(BulkRecord){1, 25, 0, 0}, 1);
    ck_assert_int_eq(last_heard(&stranger).status, 403);
    say_bulk(&rig, BULK_STORED, 3, NULL, 0);
    ck_assert_int_eq(last_heard(&rig).status, 400);
    stop();
}
END_TEST

START_TEST(devices_are_held_back_before_the_ring_is_full_and_go_on_when_half_of_it_is_free)
{
    start_with_ring(6000);  // with the reserve 8,304 places: room for 14,080 samples, as rings are powers of two
    Peer rig = peer_make("rig"), other = peer_make("other");
    say(&rig, PROVIDE("rig"));
    say(&rig, NUMBERS);
    say(&other, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"other\"}}");
    static BulkRecord records[1000];
    for (int i = 0; i < 1000; i++)
        records[i] = (BulkRecord){i, 25, 1, QUALITY_GOOD};
    uint64_t sent = 0;
    for (; !rig.held; sent += 1000)
        say_bulk(&rig, BULK_SAMPLES, (int64_t)sent, records, 1000);
    ck_assert(other.held);
    ck_assert_uint_ge(sent, 10000);
    ck_assert_uint_eq(connector->stats(websocket).dropped, 0);

    // who comes meanwhile is held back too
    Peer late = peer_make("late");
    say(&late, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"late\"}}");
    ck_assert(late.held);

    for (int i = 0; i < 1000; i++)
        next_arrival();
    turn();
    ck_assert(rig.held);
    drain();
    turn();
    ck_assert(!rig.held && !other.held && !late.held);
    ck_assert_uint_eq(connector->stats(websocket).samples, sent);
    stop();
}
END_TEST

typedef struct Passed {
    Sample samples[8];
    size_t count;
} Passed;

static void note_passed(void *self, const Sample *samples, size_t count)
{
    Passed *passed = self;
    for (size_t i = 0; i < count && passed->count < 8; i++)
        passed->samples[passed->count++] = samples[i];
}

START_TEST(what_is_taken_is_passed_on_at_once_and_what_is_refused_is_not)
{
    start();
    Peer rig = peer_make("rig");
    Passed passed = {.count = 0};
    LinkHandler *handler = websocket_handler(websocket);
    handler->server = &passed;
    handler->pass = note_passed;
    say(&rig, PROVIDE("rig"));
    say(&rig, "{\"topic\":\"samples\",\"headers\":{\"id\":2},\"value\":[[\"incubator.t2\",1000,25],[\"incubator.t9\",1000,25],[\"incubator.flow\",2000,60,\"bad\"]]}");
    ck_assert_uint_eq(passed.count, 2);
    ck_assert_uint_eq(passed.samples[0].tag, t2);
    ck_assert_double_eq_tol(passed.samples[0].value, 298.15, 1e-9);
    ck_assert_uint_eq(passed.samples[1].tag, flow);
    ck_assert_uint_eq(passed.samples[1].quality, QUALITY_BAD);
    stop();
}
END_TEST

// Logs and clocks.

#define LOG(id, values) "{\"topic\":\"samples\",\"headers\":{\"id\":" id ",\"historical\":true},\"value\":[" values "]}"

static const ConnectorType *const log_connector = &websocket_log_connector;

START_TEST(a_log_comes_by_a_way_of_its_own)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    say(&rig, LOG("2", "[\"incubator.t2\",10,20],[\"incubator.t2\",20,21]"));
    say(&rig, SAMPLE("3", "incubator.t2"));

    const uint32_t provider = next_arrival().provider;
    const Arrival live = next_arrival();
    ck_assert_int_eq(live.sample.time, 1000);
    ck_assert(!live.historical);
    Arrival past[4];
    ck_assert_uint_eq(log_connector->poll(websocket, past, 4), 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(past[i].historical);
        ck_assert_uint_eq(past[i].provider, provider);
        ck_assert_int_eq(past[i].sample.time, 10 * (int64_t)(i + 1));
    }
    stop();
}
END_TEST

/* [I5]: what is on disk of one says nothing of the other. */
START_TEST(a_log_is_answered_when_it_is_on_disk_and_not_with_what_is_live)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    say(&rig, LOG("2", "[\"incubator.t2\",10,20]"));
    say(&rig, SAMPLE("3", "incubator.t2"));
    const size_t before = rig.count;
    connector->stored(websocket, UINT64_MAX);
    turn();
    ck_assert_uint_eq(rig.count, before + 1);
    ck_assert_int_eq(last_heard(&rig).id, 3);
    log_connector->stored(websocket, UINT64_MAX);
    turn();
    ck_assert_uint_eq(rig.count, before + 2);
    ck_assert_int_eq(last_heard(&rig).id, 2);
    ck_assert_uint_eq(last_heard(&rig).stored.count, 1);
    stop();
}
END_TEST

START_TEST(a_full_log_is_refused_in_one_word_and_what_is_live_goes_on)
{
    start();
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    size_t refused = 0;
    for (int i = 0; i < 20000 && !refused; i++) {
        const size_t before = rig.count;
        say(&rig, LOG("2", "[\"incubator.t2\",10,20],[\"incubator.flow\",10,20]"));
        refused = rig.count - before;
    }
    ck_assert_uint_eq(refused, 1);
    ck_assert_int_eq(last_heard(&rig).status, 429);
    ck_assert_str_eq(last_heard(&rig).path, "");
    say(&rig, SAMPLE("3", "incubator.t2"));
    ck_assert_uint_eq(drain(), 2);
    stop();
}
END_TEST

START_TEST(a_device_is_told_what_was_not_used_once)
{
    start();
    Peer rig = peer_make("p"), other = peer_make("q");
    say(&rig, PROVIDE("rig"));
    say(&other, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"other\",\"tags\":{\"incubator.t2\":{}}}}");
    const uint32_t provider = next_arrival().provider;
    for (int i = 0; i < 2; i++) {
        say(&rig, SAMPLE("2", "incubator.t2"));
        if (i == 0)
            connector->lost(websocket, provider, (ConnectorLosses){.duplicate = 1, .future = 2});
        connector->stored(websocket, UINT64_MAX - 1 + (uint64_t)i);
        turn();
        ck_assert_uint_eq(last_heard(&rig).stored.lost.duplicate, i == 0);
        ck_assert_uint_eq(last_heard(&rig).stored.lost.future, i == 0 ? 2 : 0);
    }
    WebsocketDevice devices[4];
    ck_assert_uint_eq(websocket_devices(websocket, devices, 4), 2);
    ck_assert_uint_eq(devices[0].lost.duplicate, 1);
    ck_assert_uint_eq(devices[0].lost.future, 2);
    ck_assert_uint_eq(devices[1].lost.future, 0);
    stop();
}
END_TEST

/* A device at 10 Hz whose clock is 2 s ahead and gains 100 ppm. What is said again is said later. */
static const int64_t DAY_BEGIN = INT64_C(1700000000) * NS_PER_S;

static int64_t stamp_of(int64_t i)
{
    return DAY_BEGIN + i * (NS_PER_S / 10) + 2 * NS_PER_S + i * 10000;
}

static void say_stamp(Peer *peer, FakeClock *fake, int64_t i)
{
    char frame[160];
    const int64_t now = DAY_BEGIN + i * (NS_PER_S / 10);
    fake->utc_ns = now > fake->utc_ns ? now : fake->utc_ns;
    snprintf(frame, sizeof frame, "{\"topic\":\"samples\",\"headers\":{\"id\":9},\"value\":[[\"incubator.t2\",%lld,25]]}", (long long)stamp_of(i));
    say(peer, frame);
}

START_TEST(the_clock_of_a_device_is_shown_and_its_stamps_are_left)
{
    FakeClock fake = {0};
    const Clock clock = clock_fake(&fake);
    start_with(&(WebsocketDef){.speed = 1, .clock = &clock});
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    next_arrival();
    for (int64_t i = 0; i < 600; i++) {
        say_stamp(&rig, &fake, i);
        ck_assert_int_eq(next_arrival().sample.time, stamp_of(i));
    }
    WebsocketDevice device;
    ck_assert_uint_eq(websocket_devices(websocket, &device, 1), 1);
    ck_assert(device.measured);
    ck_assert_int_eq(device.clock.offset, 2 * NS_PER_S + 599 * 10000);
    ck_assert_double_eq(device.clock.drift_ppm, 100);
    stop();
}
END_TEST

START_TEST(a_log_says_nothing_of_a_clock)
{
    FakeClock fake = {.utc_ns = DAY_BEGIN};
    const Clock clock = clock_fake(&fake);
    start_with(&(WebsocketDef){.speed = 1, .clock = &clock});
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    for (int64_t i = 0; i < 100; i++) {
        fake.utc_ns += NS_PER_S;
        say(&rig, LOG("2", "[\"incubator.t2\",10,20]"));
    }
    WebsocketDevice device;
    ck_assert_uint_eq(websocket_devices(websocket, &device, 1), 1);
    ck_assert(!device.measured);
    stop();
}
END_TEST

START_TEST(where_time_is_not_that_of_the_day_no_clock_is_measured)
{
    static const WebsocketDef defs[] = {{.speed = 1, .provider_clock = true}, {.speed = 2}, {.speed = 0}};
    for (size_t k = 0; k < sizeof defs / sizeof *defs; k++) {
        FakeClock fake = {0};
        const Clock clock = clock_fake(&fake);
        WebsocketDef def = defs[k];
        def.clock = &clock;
        def.corrected = true;
        start_with(&def);
        Peer rig = peer_make("p");
        say(&rig, PROVIDE("rig"));
        next_arrival();
        for (int64_t i = 0; i < 100; i++) {
            say_stamp(&rig, &fake, i);
            ck_assert_int_eq(next_arrival().sample.time, stamp_of(i));
        }
        WebsocketDevice device;
        ck_assert_uint_eq(websocket_devices(websocket, &device, 1), 1);
        ck_assert(!device.measured);
        stop();
    }
}
END_TEST

START_TEST(corrected_stamps_are_the_time_of_day_and_a_stamp_again_is_the_same_time)
{
    FakeClock fake = {0};
    const Clock clock = clock_fake(&fake);
    start_with(&(WebsocketDef){.speed = 1, .clock = &clock, .corrected = true});
    Peer rig = peer_make("p");
    say(&rig, PROVIDE("rig"));
    next_arrival();

    // while the clock is measured samples are to be sent again
    int64_t first = 0;
    for (say_stamp(&rig, &fake, first); drain() == 0; say_stamp(&rig, &fake, first)) {
        ck_assert_int_eq(last_heard(&rig).status, 429);
        ck_assert_int_lt(++first, 60);
    }

    int64_t times[600], last = TIME_NONE;
    for (int64_t i = first + 1; i < 600; i++) {
        say_stamp(&rig, &fake, i);
        times[i] = next_arrival().sample.time;
        ck_assert_int_gt(times[i], last);
        last = times[i];
    }
    ck_assert_int_le(llabs(last - fake.utc_ns), NS_PER_MS);
    for (int64_t i = first + 1; i < 600; i++) {
        say_stamp(&rig, &fake, i);
        ck_assert_int_eq(next_arrival().sample.time, times[i]);
    }
    stop();
}
END_TEST

/* [I5]: what is on disk of one says nothing of the other. */
START_TEST(records_of_a_log_come_by_its_way_and_are_answered_apart)
{
    start();
    Peer rig = peer_make("rig");
    say(&rig, PROVIDE("rig"));
    say(&rig, NUMBERS);
    next_arrival();
    say_frame(&rig, BULK_SAMPLES, true, 3, &(BulkRecord){10, 25, 1, QUALITY_GOOD}, 1);
    say_bulk(&rig, BULK_SAMPLES, 4, &(BulkRecord){1000, 25, 1, QUALITY_GOOD}, 1);
    ck_assert_int_eq(next_arrival().sample.time, 1000);
    Arrival past;
    ck_assert_uint_eq(log_connector->poll(websocket, &past, 1), 1);
    ck_assert(past.historical);
    ck_assert_int_eq(past.sample.time, 10);

    connector->stored(websocket, UINT64_MAX);
    turn();
    ck_assert_uint_eq(rig.answers, 1);
    ck_assert_int_eq(rig.answered.id, 4);
    ck_assert(!rig.answered.historical);
    log_connector->stored(websocket, past.mark);
    turn();
    ck_assert_uint_eq(rig.answers, 2);
    ck_assert_int_eq(rig.answered.id, 3);
    ck_assert(rig.answered.historical);
    stop();
}
END_TEST

START_TEST(a_full_log_of_records_is_refused_as_a_whole_and_what_is_live_goes_on)
{
    start();
    Peer rig = peer_make("rig");
    say(&rig, PROVIDE("rig"));
    say(&rig, NUMBERS);
    static BulkRecord records[1000];
    for (int i = 0; i < 1000; i++)
        records[i] = (BulkRecord){i, 25, 1, QUALITY_GOOD};
    const size_t before = rig.count;
    for (int i = 0; i < 100 && rig.count == before; i++)
        say_frame(&rig, BULK_SAMPLES, true, 3 + i, records, 1000);
    ck_assert_uint_eq(rig.count, before + 1);
    ck_assert_int_eq(last_heard(&rig).status, 429);
    ck_assert_str_eq(last_heard(&rig).path, "");
    ck_assert(!rig.held);
    say_bulk(&rig, BULK_SAMPLES, 200, records, 1000);
    ck_assert_uint_eq(drain(), 1001);  // and who joined
    stop();
}
END_TEST

START_TEST(an_answer_to_records_tells_what_was_not_used_once)
{
    start();
    Peer rig = peer_make("rig");
    say(&rig, PROVIDE("rig"));
    say(&rig, NUMBERS);
    const uint32_t provider = next_arrival().provider;
    for (int i = 0; i < 2; i++) {
        say_bulk(&rig, BULK_SAMPLES, 3 + i, &(BulkRecord){10, 25, 1, QUALITY_GOOD}, 1);
        if (i == 0)
            connector->lost(websocket, provider, (ConnectorLosses){.late = 4, .duplicate = 1});
        connector->stored(websocket, UINT64_MAX - 1 + (uint64_t)i);
        turn();
        ck_assert_int_eq(rig.answered.id, 3 + i);
        ck_assert_uint_eq(rig.answered.lost.late, i == 0 ? 4 : 0);
        ck_assert_uint_eq(rig.answered.lost.duplicate, i == 0);
    }
    stop();
}
END_TEST

START_TEST(records_are_corrected_as_other_samples_are)
{
    FakeClock fake = {0};
    const Clock clock = clock_fake(&fake);
    start_with(&(WebsocketDef){.speed = 1, .clock = &clock, .corrected = true});
    Peer rig = peer_make("rig");
    say(&rig, PROVIDE("rig"));
    say(&rig, NUMBERS);
    next_arrival();
    int64_t last = TIME_NONE;
    for (int64_t i = 0; i < 600; i++) {
        fake.utc_ns = DAY_BEGIN + i * (NS_PER_S / 10);
        say_bulk(&rig, BULK_SAMPLES, i, &(BulkRecord){stamp_of(i), 25, 1, QUALITY_GOOD}, 1);
        if (i == 0)
            ck_assert_int_eq(last_heard(&rig).status, 429);
        Arrival arrival;
        if (connector->poll(websocket, &arrival, 1))
            last = arrival.sample.time;
    }
    ck_assert_int_le(llabs(last - fake.utc_ns), NS_PER_MS);
    stop();
}
END_TEST

KIT_MAIN("connectors.websocket", a_device_is_welcomed_with_what_the_plant_is, samples_become_arrivals_in_si_and_in_their_order,
         a_device_may_choose_its_unit, a_wrong_provide_is_refused_whole, a_message_is_answered_when_its_last_sample_is_on_disk,
         what_cannot_be_taken_is_refused_by_its_index, a_message_of_which_nothing_was_taken_is_answered_at_once,
         a_full_ring_refuses_samples_and_nothing_else, a_time_that_found_no_room_comes_later, nobody_joins_a_ring_without_room,
         a_command_reaches_the_device_and_its_answer_the_tick, a_device_can_refuse_a_command, only_the_device_that_was_asked_can_answer_and_once,
         a_command_without_its_device_is_not_sent, an_actuator_has_one_device_at_a_time,
         a_device_that_comes_again_takes_over_from_its_old_connection, a_second_provide_replaces_the_first, a_name_with_a_star_stands_for_all_that_begin_so, frames_that_mean_nothing_are_counted,
         devices_are_shown_and_remembered, the_oldest_that_left_makes_room_when_all_places_are_taken,
         the_tick_and_the_service_thread_meet_without_a_race, another_plant_keeps_devices_with_what_it_still_takes, creation_survives_every_failed_allocation,
         names_are_found_in_turn_and_out_of_turn, records_become_arrivals_by_the_numbers_of_the_device, one_answer_stands_for_all_records_that_are_on_disk,
         a_wrong_record_is_refused_and_the_others_are_taken, numbers_are_of_tags_that_are_provided_and_below_their_count,
         devices_are_held_back_before_the_ring_is_full_and_go_on_when_half_of_it_is_free, what_is_taken_is_passed_on_at_once_and_what_is_refused_is_not,
         a_log_comes_by_a_way_of_its_own, a_log_is_answered_when_it_is_on_disk_and_not_with_what_is_live, a_full_log_is_refused_in_one_word_and_what_is_live_goes_on,
         a_device_is_told_what_was_not_used_once, the_clock_of_a_device_is_shown_and_its_stamps_are_left, a_log_says_nothing_of_a_clock,
         where_time_is_not_that_of_the_day_no_clock_is_measured, corrected_stamps_are_the_time_of_day_and_a_stamp_again_is_the_same_time,
         records_of_a_log_come_by_its_way_and_are_answered_apart, a_full_log_of_records_is_refused_as_a_whole_and_what_is_live_goes_on,
         an_answer_to_records_tells_what_was_not_used_once, records_are_corrected_as_other_samples_are)
