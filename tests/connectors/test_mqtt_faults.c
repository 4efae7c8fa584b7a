/* test_mqtt_faults.c -- a broker that dies, stands still, or speaks nonsense: no command twice, gaps are said, and we come back. */
#include <fcntl.h>
#include <poll.h>

#include "connectors/line.h"
#include "connectors/mosquitto.h"
#include "connectors/mqtt/mqtt.h"

static BrokerProcess broker;
static Line line;
static Witness witness;

enum { GAUGE, VALVE, STORED };
static const LineBinding bindings[] = {
    {"tank1.gauge", "m", "{\"topic\":\"works/level\"}"},
    {"valve1.opening", "1", "{\"topic\":\"works/valve1\"}", .writes = true},
    {"valve2.opening", "1", "{\"topic\":\"works/valve2\"}", .writes = true},
};

static void open_line(double retry)
{
    char options[512];
    snprintf(options, sizeof options, "{\"url\":\"%s\",\"retry\":%g,\"retry_most\":%g}", broker.url, retry, 2 * retry);
    line_prepare(&line, options, bindings, 3);
    line.bindings[STORED].stores = true;
    line_open(&line, &mqtt_kind);
}

static void open_all(void)
{
    broker = broker_open("allow_anonymous true");
    memset(&witness, 0, sizeof witness);
    witness_open(&witness, &broker, "works/#");
    open_line(0.02);
    LINE_AWAIT(&line, line_is_joined(&line));
}

static void close_all(void)
{
    witness_close(&witness);
    line_close(&line);
    broker_close(&broker);
}

static size_t count_kind(const Line *at, ArrivalKind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < at->arrival_count; i++)
        count += at->arrivals[i].kind == kind;
    return count;
}

static size_t heard(uint64_t command)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)command);
    return witness_count(&witness, "works/valve1", text);
}

/* A command whose value is its id, and a sample, again and again. */
static void stream(int count)
{
    for (int i = 0; i < count; i++) {
        line_send(&line, VALVE, (double)line.commands + 1);
        mosquitto_publish(witness.client, NULL, "works/level", 1, "1", 0, false);
        line_poll(&line);
        broker_nap();
    }
}

static void await_outcomes(void)
{
    for (uint64_t command = 1; command <= line.commands; command++)
        LINE_AWAIT(&line, line_outcome(&line, command) != NULL);
}

START_TEST(killed_in_mid_stream_no_command_is_heard_twice_and_gaps_are_said)
{
    enum { KILLS = 3, PORTION = 100 };
    size_t done = 0;
    open_all();
    stream(PORTION);
    for (size_t kills = 1; kills <= KILLS; kills++) {
        broker_kill(&broker);
        LINE_AWAIT(&line, count_kind(&line, ARRIVAL_LEFT) == kills);
        ck_assert_int_eq(line_newest(&line, GAUGE).quality, QUALITY_BAD);
        stream(PORTION / 2);
        broker_start(&broker);
        const int64_t back = clock_system.elapsed_ns(clock_system.self);
        LINE_AWAIT(&line, line_is_joined(&line));
        printf("kill %zu: back %.0f ms after the broker\n", kills, (double)(clock_system.elapsed_ns(clock_system.self) - back) / 1e6);
        witness_await(&witness);
        stream(PORTION);
        LINE_AWAIT(&line, line_newest(&line, GAUGE).quality == QUALITY_GOOD);
    }

    // behind the last one nothing comes any more. What the broker has confirmed and not passed on died with it: that is heard less than once, never more
    await_outcomes();
    line_assert_done(&line, line.commands);
    LINE_AWAIT(&line, heard(line.commands) == 1);
    for (uint64_t command = 1; command <= line.commands; command++) {
        const Arrival *outcome = line_outcome(&line, command);
        done += outcome->done;
        ck_assert_uint_le(heard(command), !strstr(outcome->text, "there is no connection"));
    }
    ck_assert_uint_gt(done, PORTION);
    ck_assert_uint_lt(done, line.commands);
    ck_assert_uint_eq(count_kind(&line, ARRIVAL_OUTCOME), line.commands);
    close_all();
}
END_TEST

START_TEST(a_command_without_a_connection_fails_at_once_and_is_never_sent)
{
    open_all();
    broker_kill(&broker);
    LINE_AWAIT(&line, !line_is_joined(&line));
    const uint64_t lost = line_send(&line, VALVE, 7), kept = line_send(&line, STORED, 8);
    line_assert_failed(&line, lost, "there is no connection");
    ck_assert_ptr_null(line_outcome(&line, kept));

    // the witness takes a second to come back, and the stored command goes to whoever is there: it is tried again with the next one
    broker_start(&broker);
    LINE_AWAIT(&line, line_outcome(&line, kept) != NULL);
    witness_await(&witness);
    line_assert_done(&line, line_send(&line, VALVE, 9));
    LINE_AWAIT(&line, witness_count(&witness, "works/valve1", "9") == 1);
    ck_assert_uint_eq(witness_count(&witness, "works/valve1", "7"), 0);
    ck_assert_uint_eq(witness_count(&witness, "works/valve2", "8"), line_outcome(&line, kept)->done);
    close_all();
}
END_TEST

/* A broker that stands still confirms nothing; the connection breaks; what was on its way is not sent again. */
START_TEST(what_was_not_confirmed_is_not_sent_again)
{
    open_all();
    ck_assert_int_eq(kill(broker.pid, SIGSTOP), 0);
    const uint64_t command = line_send(&line, VALVE, 1);
    LINE_AWAIT(&line, exchange_state(line.exchange).commands == 1);
    ck_assert_ptr_null(line_outcome(&line, command));
    broker_kill(&broker);
    line_assert_failed(&line, command, "may have been carried out");

    broker_start(&broker);
    LINE_AWAIT(&line, line_is_joined(&line));
    witness_await(&witness);
    line_assert_done(&line, line_send(&line, VALVE, 2));
    LINE_AWAIT(&line, heard(2) == 1);
    ck_assert_uint_eq(heard(1), 0);
    close_all();
}
END_TEST

/* The broker keeps what came for us while we were away. */
static void assert_session_is_kept(const char *options)
{
    static const LineBinding level = {"tank1.gauge", "m", "{\"topic\":\"works/level\",\"qos\":1}"};
    char text[512];
    broker = broker_open("allow_anonymous true");
    snprintf(text, sizeof text, "{\"url\":\"%s\",\"client_id\":\"us\",\"clean\":false%s}", broker.url, options);
    for (int times = 0; times < 2; times++) {
        line_prepare(&line, text, &level, 1);
        line_open(&line, &mqtt_kind);
        LINE_AWAIT(&line, line_is_joined(&line));
        if (times == 1)
            LINE_AWAIT(&line, line_newest(&line, 0).value == 5);
        BROKER_PUB(&broker, "-t", "works/level", "-m", "4", "-q", "1");
        LINE_AWAIT(&line, line_newest(&line, 0).value == 4);
        line_close(&line);
        BROKER_PUB(&broker, "-t", "works/level", "-m", "5", "-q", "1");
    }
    broker_close(&broker);
}

START_TEST(a_session_is_kept_by_version_5)
{
    assert_session_is_kept(",\"version\":5");
}
END_TEST

START_TEST(a_session_is_kept_by_version_3_1_1)
{
    assert_session_is_kept(",\"version\":4");
}
END_TEST

// Nonsense.

/* Whoever connects gets some bytes, of which the first may be a proper greeting. */
static void speak_nonsense(int listener, uint64_t round)
{
    static const unsigned char greeting[] = {0x20, 0x03, 0x00, 0x00, 0x00};
    unsigned char bytes[256], ignored[256];
    struct pollfd file = {.fd = listener, .events = POLLIN};
    if (poll(&file, 1, 1000 * BROKER_PATIENCE_S) <= 0)
        return;
    const int client = accept(listener, NULL, NULL);
    const size_t count = 8 + (size_t)(random_uniform(5, round, 0) * (sizeof bytes - 8));
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(256 * random_uniform(5, round, i + 1));
    if (round % 4 == 1)
        memcpy(bytes, (unsigned char[]){0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF}, 6);  // a message of 256 MB
    if (round % 4 == 3)
        memcpy(bytes, (unsigned char[]){0x30, 0x06, 0x00, 0x01, 'a', 0x02, 0x7F, 0x00}, 8);  // one with a property that does not exist
    if (round % 2)
        (void)!send(client, greeting, sizeof greeting, MSG_NOSIGNAL);
    (void)!send(client, bytes, count, MSG_NOSIGNAL);
    shutdown(client, SHUT_WR);
    while (recv(client, ignored, sizeof ignored, 0) > 0)
        continue;
    close(client);
}

START_TEST(nonsense_from_a_broker_neither_breaks_nor_holds_us)
{
    enum { ROUNDS = 100 };
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert(listen(listener, 8) == 0 && getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    snprintf(broker.url, sizeof broker.url, "mqtt://127.0.0.1:%d", ntohs(address.sin_port));
    open_line(0.01);
    for (uint64_t round = 0; round < ROUNDS; round++)
        speak_nonsense(listener, round);
    close(listener);

    // and then there is a broker
    LINE_AWAIT(&line, exchange_state(line.exchange).attempts > ROUNDS / 2);
    broker.port = ntohs(address.sin_port);
    snprintf(broker.config, sizeof broker.config, "%s/later.conf", kit_folder());
    FILE *const file = fopen(broker.config, "w");
    fprintf(file, "user root\nlistener %d 127.0.0.1\nallow_anonymous true\n", broker.port);
    fclose(file);
    broker_start(&broker);
    LINE_AWAIT(&line, line_is_joined(&line));
    witness_open(&witness, &broker, "works/#");
    line_assert_done(&line, line_send(&line, VALVE, 3));
    close_all();
}
END_TEST

KIT_MAIN("connectors.mqtt_faults", killed_in_mid_stream_no_command_is_heard_twice_and_gaps_are_said, a_command_without_a_connection_fails_at_once_and_is_never_sent,
         what_was_not_confirmed_is_not_sent_again, a_session_is_kept_by_version_5, a_session_is_kept_by_version_3_1_1, nonsense_from_a_broker_neither_breaks_nor_holds_us)
