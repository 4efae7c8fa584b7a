/* test_sparkplug_host.c -- a host application beside npm's sparkplug-client as the edge node, through Debian's mosquitto. */
#include "connectors/line.h"
#include "connectors/mosquitto.h"
#include "connectors/sparkplug/sparkplug.h"
#include "connectors/talker.h"

enum { GAUGE, COUNT, RUNNING, UPTIME, VALVE, MAKER, BINDINGS };
static const LineBinding bindings[] = {
    {"tank1.gauge", "cm", "{\"device\":\"tank1\",\"metric\":\"gauge\"}"},
    {"tank1.count", "1", "{\"device\":\"tank1\",\"metric\":\"count\"}"},
    {"tank1.running", "1", "{\"device\":\"tank1\",\"metric\":\"running\"}"},
    {"edge.uptime", "s", "{\"metric\":\"uptime\"}"},
    {"tank1.valve", "1", "{\"device\":\"tank1\",\"metric\":\"valve\"}", .writes = true},
    {"edge.maker", "1", "{\"metric\":\"Properties/maker\"}"},
};

static BrokerProcess broker;
static Line line;
static Talker edge;
static Witness witness;

static void open_edge(void)
{
    char port[16];
    snprintf(port, sizeof port, "%d", broker.port);
    talker_open(&edge, (const char *const[]){"node", POLLUX_PEERS "/sparkplug_edge.mjs", port, NULL});
}

static void open_line(const char *more)
{
    char options[512];
    snprintf(options, sizeof options, "{\"url\":\"%s\",\"retry\":0.05,\"retry_most\":0.2,\"group\":\"works\",\"node\":\"edge\"%s}", broker.url, more);
    line_prepare(&line, options, bindings, BINDINGS);
    line_open(&line, &sparkplug_kind);
}

/* Both are there, and the births were heard. */
static void open_all(const char *more)
{
    broker = broker_open("allow_anonymous true");
    open_edge();
    talker_await(&edge, "born 1");
    open_line(more);
    LINE_AWAIT(&line, line_count(&line, RUNNING) > 0);
}

static void close_all(void)
{
    line_close(&line);
    talker_kill(&edge);
    broker_close(&broker);
}

/* Who was born before we came is asked to say it again. */
START_TEST(births_bring_all_metrics_and_their_types)
{
    open_all("");
    talker_await(&edge, "born 2");
    ck_assert_double_eq_tol(line_newest(&line, GAUGE).value, 0.005, 1e-15);
    ck_assert_double_eq(line_newest(&line, COUNT).value, -7);
    ck_assert_double_eq(line_newest(&line, RUNNING).value, 1);
    ck_assert_double_eq(line_newest(&line, UPTIME).value, 12345);
    ck_assert_uint_eq(line_count(&line, MAKER), 0);
    ck_assert_uint_eq(exchange_state(line.exchange).refused, 1);
    ck_assert_str_eq(line_fault(&line), "edge.maker: metric Properties/maker has no number");
    close_all();
}
END_TEST

START_TEST(data_come_by_name_and_by_alias)
{
    open_all("");
    talker_say(&edge, "data gauge 70");
    LINE_AWAIT(&line, fabs(line_newest(&line, GAUGE).value - 0.7) < 1e-12);
    ck_assert_int_eq(line_newest(&line, GAUGE).quality, QUALITY_GOOD);
    talker_say(&edge, "alias 80");
    LINE_AWAIT(&line, fabs(line_newest(&line, GAUGE).value - 0.8) < 1e-12);
    talker_say(&edge, "data count -1234");
    LINE_AWAIT(&line, line_newest(&line, COUNT).value == -1234);
    close_all();
}
END_TEST

START_TEST(what_is_past_says_nothing_of_now_and_what_is_null_is_silent)
{
    open_all("");
    const size_t before = line_count(&line, GAUGE);
    talker_say(&edge, "past gauge 33 1700000000000");
    LINE_AWAIT(&line, line_count(&line, GAUGE) > before);
    const Arrival *arrival = &line.arrivals[line.arrival_count - 1];
    ck_assert(arrival->historical);
    ck_assert_int_eq(arrival->sample.time, INT64_C(1700000000) * NS_PER_S);

    talker_say(&edge, "null gauge");
    LINE_AWAIT(&line, line_newest(&line, GAUGE).quality == QUALITY_BAD);
    close_all();
}
END_TEST

START_TEST(a_device_that_dies_falls_silent_and_the_node_goes_on)
{
    open_all("");
    talker_say(&edge, "death");
    LINE_AWAIT(&line, line_newest(&line, GAUGE).quality == QUALITY_BAD && line_newest(&line, COUNT).quality == QUALITY_BAD);
    ck_assert_int_eq(line_newest(&line, UPTIME).quality, QUALITY_GOOD);
    line_assert_failed(&line, line_send(&line, VALVE, 0.5), "tank1 is not there");
    close_all();
}
END_TEST

START_TEST(a_node_that_is_killed_falls_silent_and_comes_back_with_its_birth)
{
    open_all("");
    talker_kill(&edge);
    LINE_AWAIT(&line, line_newest(&line, GAUGE).quality == QUALITY_BAD && line_newest(&line, UPTIME).quality == QUALITY_BAD);
    ck_assert(line_is_joined(&line));
    open_edge();
    LINE_AWAIT(&line, line_newest(&line, GAUGE).quality == QUALITY_GOOD && line_newest(&line, UPTIME).quality == QUALITY_GOOD);
    close_all();
}
END_TEST

static size_t count_bad(size_t binding)
{
    size_t count = 0;
    for (size_t i = 0; i < line.arrival_count; i++) {
        const Arrival *arrival = &line.arrivals[i];
        count += arrival->kind == ARRIVAL_SAMPLE && arrival->sample.tag == binding && arrival->sample.quality == QUALITY_BAD;
    }
    return count;
}

START_TEST(a_birth_in_the_same_session_is_no_gap)
{
    open_all("");
    talker_await(&edge, "born 2");
    talker_say(&edge, "birth");
    talker_await(&edge, "born 3");
    talker_say(&edge, "alias 80");
    LINE_AWAIT(&line, fabs(line_newest(&line, GAUGE).value - 0.8) < 1e-12);
    ck_assert_uint_eq(count_bad(GAUGE) + count_bad(COUNT) + count_bad(UPTIME), 0);
    close_all();
}
END_TEST

START_TEST(a_message_that_is_missing_is_waited_for_and_then_another_birth_asked_for)
{
    open_all(",\"reorder\":0.1");
    talker_await(&edge, "born 2");
    talker_say(&edge, "lose");
    talker_say(&edge, "data gauge 70");
    talker_await(&edge, "born 3");
    // what came early was not passed on: the birth says it
    LINE_AWAIT(&line, fabs(line_newest(&line, GAUGE).value - 0.7) < 1e-12 && line_newest(&line, GAUGE).quality == QUALITY_GOOD);
    ck_assert_uint_eq(count_bad(GAUGE), 1);
    ck_assert_uint_eq(exchange_state(line.exchange).refused, 3);  // the maker's metric in two births, and the gap
    close_all();
}
END_TEST

START_TEST(a_command_is_done_when_the_node_reports_it)
{
    open_all("");
    line_assert_done(&line, line_send(&line, VALVE, 0.3));
    talker_await(&edge, "command tank1 valve 0.30000001192092896");
    // 99 it hears and does not obey
    const uint64_t mute = line_send(&line, VALVE, 99);
    talker_await(&edge, "command tank1 valve 99");
    line_assert_done(&line, line_send(&line, VALVE, 0.5));
    ck_assert_ptr_null(line_outcome(&line, mute));
    close_all();
}
END_TEST

START_TEST(the_state_says_whether_the_host_is_there)
{
    static const char topic[] = "spBv1.0/STATE/us";
    broker = broker_open("allow_anonymous true");
    memset(&witness, 0, sizeof witness);
    witness_open(&witness, &broker, "spBv1.0/STATE/#");
    open_line(",\"host_id\":\"us\"");
    LINE_AWAIT(&line, witness_count(&witness, topic, NULL) == 1);
    ck_assert(strstr(witness.seen[0].payload, "{\"online\":true,\"timestamp\":") == witness.seen[0].payload);

    // an old will of ours is corrected
    witness_publish(&witness, topic, "{\"online\":false,\"timestamp\":1}", 1);
    LINE_AWAIT(&line, witness_count(&witness, topic, NULL) == 3);
    ck_assert_str_eq(witness.seen[2].payload, witness.seen[0].payload);

    line_close(&line);
    for (const int64_t until = broker_until(); witness_count(&witness, topic, NULL) < 4; broker_nap())
        ck_assert(!broker_is_late(until));
    ck_assert(strstr(witness.seen[3].payload, "\"online\":false") != NULL);
    witness_close(&witness);
    broker_close(&broker);
}
END_TEST

START_TEST(what_is_born_and_not_bound_is_seen)
{
    ExchangeSeen seen[8];
    static const LineBinding one[] = {{"tank1.gauge", "1", "{\"device\":\"tank1\",\"metric\":\"gauge\"}"}};
    char options[256];
    broker = broker_open("allow_anonymous true");
    open_edge();
    talker_await(&edge, "born 1");
    snprintf(options, sizeof options, "{\"url\":\"%s\",\"group\":\"works\",\"node\":\"edge\",\"discover\":true}", broker.url);
    line_prepare(&line, options, one, 1);
    line_open(&line, &sparkplug_kind);
    LINE_AWAIT(&line, exchange_list_seen(line.exchange, seen, 8) == 4);
    ck_assert_str_eq(seen[0].address, "works/edge:uptime");
    ck_assert_double_eq(seen[0].number, 12345);
    ck_assert_str_eq(seen[1].address, "works/edge/tank1:count");
    close_all();
}
END_TEST

/* The broker dies: nothing is known until the births come again; no command twice. */
START_TEST(killed_in_mid_stream_all_is_silent_until_it_is_born_again)
{
    char text[64];
    open_all("");
    for (int i = 0; i < 30; i++)
        line_assert_done(&line, line_send(&line, VALVE, 1 + i));
    line_send(&line, VALVE, 50);
    broker_kill(&broker);
    LINE_AWAIT(&line, line_newest(&line, GAUGE).quality == QUALITY_BAD && line_newest(&line, UPTIME).quality == QUALITY_BAD);
    line_assert_failed(&line, line_send(&line, VALVE, 60), "there is no connection");
    broker_start(&broker);
    LINE_AWAIT(&line, line_newest(&line, GAUGE).quality == QUALITY_GOOD);
    line_assert_done(&line, line_send(&line, VALVE, 70));
    LINE_AWAIT(&line, line_outcome(&line, 31) != NULL);
    for (uint64_t i = 0; i <= 70; i++) {
        snprintf(text, sizeof text, "command tank1 valve %llu\n", (unsigned long long)i);
        ck_assert_uint_le(talker_count(&edge, text), 1);
    }
    ck_assert_uint_eq(talker_count(&edge, "command tank1 valve 60\n"), 0);
    close_all();
}
END_TEST

START_TEST(nonsense_on_its_topics_is_refused_and_counted)
{
    enum { ROUNDS = 300 };
    open_all("");
    memset(&witness, 0, sizeof witness);
    witness_open(&witness, &broker, "nothing");
    const uint64_t before = exchange_state(line.exchange).refused;
    static const char *const topics[] = {"spBv1.0/works/DDATA/edge/tank1", "spBv1.0/works/NBIRTH/edge", "spBv1.0/works/NDEATH/edge",
                                         "spBv1.0/works/DDATA/edge",       "spBv1.0/works/NDATA/edge", "spBv1.0/STATE/pollux"};
    for (uint64_t i = 0; i < ROUNDS; i++) {
        unsigned char bytes[64];
        const size_t length = (size_t)(sizeof bytes * random_uniform(9, i, 0));
        for (size_t j = 0; j < length; j++)
            bytes[j] = (unsigned char)(256 * random_uniform(9, i, j + 1));
        mosquitto_publish(witness.client, NULL, topics[i % 6], (int)length, bytes, 0, false);
    }
    LINE_AWAIT(&line, exchange_state(line.exchange).refused > before + ROUNDS / 4);
    // what is broken begins anew with a birth
    talker_kill(&edge);
    open_edge();
    talker_await(&edge, "born 1");
    talker_say(&edge, "data gauge 12");
    LINE_AWAIT(&line, fabs(line_newest(&line, GAUGE).value - 0.12) < 1e-12 && line_newest(&line, GAUGE).quality == QUALITY_GOOD);
    witness_close(&witness);
    close_all();
}
END_TEST

KIT_MAIN("connectors.sparkplug_host", births_bring_all_metrics_and_their_types, data_come_by_name_and_by_alias, what_is_past_says_nothing_of_now_and_what_is_null_is_silent,
         a_device_that_dies_falls_silent_and_the_node_goes_on, a_node_that_is_killed_falls_silent_and_comes_back_with_its_birth,
         a_birth_in_the_same_session_is_no_gap, a_message_that_is_missing_is_waited_for_and_then_another_birth_asked_for, a_command_is_done_when_the_node_reports_it, the_state_says_whether_the_host_is_there,
         what_is_born_and_not_bound_is_seen, killed_in_mid_stream_all_is_silent_until_it_is_born_again, nonsense_on_its_topics_is_refused_and_counted)
