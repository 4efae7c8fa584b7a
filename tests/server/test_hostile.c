/* test_hostile.c -- who means no good: bounded, counted, and no delay for others. */
#include "rig.h"
#include "server/client.h"

enum { CROWD = 1000 };

/* Bare sockets: a thousand Peers would be gigabytes. */
static int knock(const Rig *rig, const char *words)
{
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(rig->server)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    ck_assert_int_eq(connect(file, (const struct sockaddr *)&address, sizeof address), 0);
    send(file, words, strlen(words), MSG_NOSIGNAL);
    return file;
}

static double ask_health_s(const Rig *rig)
{
    const int64_t begin = clock_system.elapsed_ns(NULL);
    Peer *peer = peer_connect(rig);
    ck_assert_int_eq(peer_get(rig, peer, "/healthz").status, 200);
    peer_close(peer);
    return (double)(clock_system.elapsed_ns(NULL) - begin) / 1e9;
}

static void let_turn(Rig *rig, int ms)
{
    for (int i = 0; i < ms; i += 10) {
        rig_turn(rig);
        sleep_ms(10);
    }
}

/* The door only compares. */
static struct lws *someone(intptr_t number)
{
    return (struct lws *)number;
}

START_TEST(who_has_stood_at_the_door_longest_goes_first)
{
    static Door door;
    for (intptr_t i = 1; i <= DOOR_MAX; i++)
        ck_assert_ptr_null(door_enter(&door, someone(i)));
    ck_assert(door_leave(&door, someone(2)));
    ck_assert(!door_leave(&door, someone(2)));
    ck_assert_ptr_null(door_enter(&door, someone(1001)));
    ck_assert_ptr_eq(door_enter(&door, someone(1002)), someone(1));
    ck_assert_ptr_eq(door_enter(&door, someone(1003)), someone(3));
    ck_assert_uint_eq(door.count, DOOR_MAX);
}
END_TEST

START_TEST(a_thousand_that_never_finish_their_request_leave_room_for_others)
{
    Rig *rig = rig_open();
    static int files[CROWD];
    for (int i = 0; i < CROWD; i++)
        files[i] = knock(rig, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < CROWD; k++)
            send(files[k], "a", 1, MSG_NOSIGNAL);
        let_turn(rig, 50);
        ck_assert_double_lt(ask_health_s(rig), 2);
    }
    Peer *peer = peer_open(rig);
    peer_close(peer);
    let_turn(rig, 6000);  // longer than a request may take to come
    for (int i = 0; i < CROWD; i++)
        close(files[i]);
    let_turn(rig, 200);
    server_pause(rig->server);
    ck_assert_uint_ge(rig->server->counters.mute, CROWD);
    ck_assert_uint_eq(rig->server->door.count, 0);
    server_resume(rig->server);
    rig_close(rig);
}
END_TEST

START_TEST(headers_without_end_are_cut_off)
{
    Rig *rig = rig_open();
    const int file = knock(rig, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
    bool cut = false;
    for (int i = 0; i < 1000000 && !cut; i++)
        cut = send(file, "X-Header: value\r\n", 17, MSG_NOSIGNAL) < 0;
    ck_assert(cut);
    ck_assert_double_lt(ask_health_s(rig), 2);
    close(file);
    rig_close(rig);
}
END_TEST

START_TEST(garbage_behind_a_request_ends_that_connection_alone)
{
    Rig *rig = rig_open();
    static char junk[65536];
    for (size_t i = 0; i < sizeof junk - 1; i++)
        junk[i] = (char)(1 + i * 7 % 255);
    for (int i = 0; i < 20; i++) {
        const int file = knock(rig, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        send(file, junk, sizeof junk - 1, MSG_NOSIGNAL);
        close(file);
    }
    ck_assert_double_lt(ask_health_s(rig), 2);
    rig_close(rig);
}
END_TEST

START_TEST(a_flood_of_small_messages_is_counted_and_ended)
{
    Rig *rig = rig_open();
    Peer *peer = peer_open(rig);
    for (int i = 0; i < 5000; i++)
        peer_say(peer, "{}");
    ck_assert_double_lt(ask_health_s(rig), 2);
    let_turn(rig, 100);
    server_pause(rig->server);
    ck_assert_uint_ge(rig->server->counters.malformed, 100);
    ck_assert_uint_lt(rig->server->counters.malformed, 200);
    server_resume(rig->server);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

/* From a tick to its frame at a reader, the longest of some. */
static double longest_frame_s(Rig *rig, Peer *peer, int *second)
{
    double longest = 0;
    for (int i = 0; i < 20; i++) {
        rig_sample(rig, (*second)++, 31 + 0.1 * i);
        const int64_t begin = clock_system.elapsed_ns(NULL);
        char wanted[64];
        snprintf(wanted, sizeof wanted, "\"tick\":%lld,\"revision\"", (long long)rig->tick);
        do
            ck_assert_int_ge(peer_hear(rig, peer), 0);  // a ping may be among them
        while (!strstr(peer->text, wanted));
        const double took = (double)(clock_system.elapsed_ns(NULL) - begin) / 1e9;
        longest = took > longest ? took : longest;
    }
    return longest;
}

START_TEST(readers_that_do_not_read_delay_nobody_and_cost_bounded_memory)
{
    enum { DEAF = 50 };
    rig_tanks = 200;
    Rig *rig = rig_open();
    int second = 0;
    rig_sample(rig, second++, 31);
    rig_sample(rig, second++, 31);
    Peer *reader = peer_open(rig);
    peer_say(reader, "{\"topic\":\"subscribe\",\"value\":{\"tags\":[\"tank1.*\"]}}");
    peer_expect(rig, reader, "\"values\"");
    const double alone = longest_frame_s(rig, reader, &second);

    Peer *deaf[DEAF];
    for (int i = 0; i < DEAF; i++) {
        deaf[i] = peer_open(rig);
        const int small = 4096;
        setsockopt(deaf[i]->file, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        peer_say(deaf[i], "{\"topic\":\"subscribe\",\"value\":{}}");
    }
    for (int i = 0; i < 200; i++) {
        rig_sample(rig, second++, 31);
        let_turn(rig, 10);
    }
    const double beside = longest_frame_s(rig, reader, &second);
    ck_assert_msg(beside < alone + 1, "%g s beside those who do not read, %g s alone", beside, alone);
    server_pause(rig->server);
    ck_assert_uint_gt(rig->server->counters.skipped, 0);
    for (const Client *client = rig->server->clients; client; client = client->next)
        ck_assert_uint_lt(client->outbox.bytes, 1024 * 1024);
    server_resume(rig->server);
    for (int i = 0; i < DEAF; i++)
        peer_close(deaf[i]);
    peer_close(reader);
    rig_close(rig);
    rig_tanks = 1;
}
END_TEST

KIT_MAIN("server.hostile", who_has_stood_at_the_door_longest_goes_first, a_thousand_that_never_finish_their_request_leave_room_for_others,
         headers_without_end_are_cut_off, garbage_behind_a_request_ends_that_connection_alone, a_flood_of_small_messages_is_counted_and_ended,
         readers_that_do_not_read_delay_nobody_and_cost_bounded_memory)
