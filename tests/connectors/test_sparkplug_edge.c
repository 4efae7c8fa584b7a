/* test_sparkplug_edge.c -- an edge node beside a host on npm's mqtt and sparkplug-payload, through Debian's mosquitto. */
#include "connectors/line.h"
#include "connectors/mosquitto.h"
#include "connectors/sparkplug/sparkplug.h"
#include "connectors/talker.h"

enum { GAUGE, COUNT, UPTIME, VALVE, BINDINGS };
static const LineBinding bindings[] = {
    {"tank1.gauge", "1", "{\"device\":\"tank1\",\"metric\":\"gauge\"}", .writes = true},
    {"tank1.count", "1", "{\"device\":\"tank1\",\"metric\":\"count\",\"type\":\"Int8\"}", .writes = true},
    {"edge.uptime", "1", "{\"metric\":\"uptime\",\"type\":\"UInt64\"}", .writes = true},
    {"tank1.valve", "1", "{\"device\":\"tank1\",\"metric\":\"valve\",\"type\":\"Float\"}"},
};

static BrokerProcess broker;
static Line line;
static Talker host;

static void open_host(void)
{
    char port[16];
    snprintf(port, sizeof port, "%d", broker.port);
    talker_open(&host, (const char *const[]){"node", POLLUX_PEERS "/sparkplug_host.mjs", port, "us", NULL});
    talker_await(&host, "ready");
}

static void open_line(const char *more)
{
    char options[512];
    snprintf(options, sizeof options, "{\"url\":\"%s\",\"retry\":0.05,\"retry_most\":0.2,\"role\":\"edge\",\"group\":\"works\",\"node\":\"edge\"%s}",
             broker.url, more);
    line_prepare(&line, options, bindings, BINDINGS);
    line_open(&line, &sparkplug_kind);
}

static void close_all(void)
{
    line_close(&line);
    talker_kill(&host);
    broker_close(&broker);
}

START_TEST(births_name_every_metric_and_data_come_by_alias)
{
    broker = broker_open("allow_anonymous true");
    open_host();
    open_line("");
    talker_await(&host, "NBIRTH edge 0 [{\"name\":\"bdSeq\",\"type\":\"UInt64\",\"value\":0},{\"name\":\"Node Control/Rebirth\",\"type\":\"Boolean\",\"value\":false},"
                        "{\"name\":\"uptime\",\"alias\":3,\"type\":\"UInt64\",\"value\":null}]");
    talker_await(&host, "DBIRTH edge/tank1 1 [{\"name\":\"gauge\",\"alias\":1,\"type\":\"Double\",\"value\":null},{\"name\":\"count\",\"alias\":2,\"type\":\"Int8\",\"value\":null},"
                        "{\"name\":\"valve\",\"alias\":4,\"type\":\"Float\",\"value\":null}]");
    LINE_AWAIT(&line, line_is_joined(&line));
    line_assert_done(&line, line_send(&line, GAUGE, 0.25));
    talker_await(&host, "DDATA edge/tank1 2 [{\"alias\":1,\"type\":\"Double\",\"value\":0.25}]");
    line_assert_done(&line, line_send(&line, COUNT, -5));
    talker_await(&host, "DDATA edge/tank1 3 [{\"alias\":2,\"type\":\"Int8\",\"value\":-5}]");
    line_assert_done(&line, line_send(&line, UPTIME, 17));
    talker_await(&host, "NDATA edge 4 [{\"alias\":3,\"type\":\"UInt64\",\"value\":17}]");

    // a rebirth has the same number of births, and what was said last
    talker_say(&host, "rebirth works edge");
    talker_await(&host, "NBIRTH edge 0 [{\"name\":\"bdSeq\",\"type\":\"UInt64\",\"value\":0}");
    talker_await(&host, "{\"name\":\"gauge\",\"alias\":1,\"type\":\"Double\",\"value\":0.25}");

    line_close(&line);
    talker_await(&host, "NDEATH edge - [{\"name\":\"bdSeq\",\"type\":\"UInt64\",\"value\":0}]");
    talker_kill(&host);
    broker_close(&broker);
}
END_TEST

START_TEST(what_a_host_sets_arrives_and_is_reported)
{
    broker = broker_open("allow_anonymous true");
    open_host();
    open_line("");
    talker_await(&host, "DBIRTH");
    talker_say(&host, "set works edge tank1 valve Float 0.75");
    talker_await(&host, "DDATA edge/tank1 2 [{\"alias\":4,\"type\":\"Float\",\"value\":0.75}]");
    LINE_AWAIT(&line, line_count(&line, VALVE) == 1);
    ck_assert_double_eq(line_newest(&line, VALVE).value, 0.75);
    talker_say(&host, "set works edge tank1 door Float 1");
    LINE_AWAIT(&line, exchange_state(line.exchange).refused == 1);
    ck_assert_str_eq(line_fault(&line), "a command for a metric that is not there: door");
    // what we publish alone is not for hosts to set
    talker_say(&host, "set works edge tank1 gauge Double 1");
    talker_say(&host, "set works edge tank1 valve Float 0.5");
    LINE_AWAIT(&line, line_count(&line, VALVE) == 2);
    ck_assert_uint_eq(line_count(&line, GAUGE), 0);
    close_all();
}
END_TEST

START_TEST(it_is_born_when_its_primary_host_is_there_and_dies_with_it)
{
    broker = broker_open("allow_anonymous true");
    open_host();
    open_line(",\"primary\":\"us\"");
    talker_say(&host, "online");
    talker_await(&host, "NBIRTH edge 0 [{\"name\":\"bdSeq\",\"type\":\"UInt64\",\"value\":");
    LINE_AWAIT(&line, line_is_joined(&line));
    talker_say(&host, "offline");
    talker_await(&host, "NDEATH edge");
    LINE_AWAIT(&line, !line_is_joined(&line));
    line_assert_failed(&line, line_send(&line, GAUGE, 1), "there is no connection");
    ck_assert_uint_eq(talker_count(&host, "NBIRTH"), 1);
    talker_say(&host, "online");
    talker_await(&host, "NBIRTH edge 0");
    LINE_AWAIT(&line, line_is_joined(&line));
    close_all();
}
END_TEST

START_TEST(a_broker_that_was_killed_hears_a_birth_of_a_higher_number)
{
    broker = broker_open("allow_anonymous true");
    open_host();
    open_line("");
    talker_await(&host, "NBIRTH edge 0 [{\"name\":\"bdSeq\",\"type\":\"UInt64\",\"value\":0}");
    LINE_AWAIT(&line, line_is_joined(&line));
    broker_kill(&broker);
    LINE_AWAIT(&line, !line_is_joined(&line));
    line_assert_failed(&line, line_send(&line, GAUGE, 7), "there is no connection");
    broker_start(&broker);
    LINE_AWAIT(&line, line_is_joined(&line));
    // the host's client takes its time to come back: it asks for what it has missed
    talker_await(&host, "ready");
    talker_say(&host, "rebirth works edge");
    talker_await(&host, "NBIRTH edge 0 [{\"name\":\"bdSeq\",\"type\":\"UInt64\",\"value\":");
    ck_assert_uint_eq(talker_count(&host, "\"bdSeq\",\"type\":\"UInt64\",\"value\":0}"), 1);
    line_assert_done(&line, line_send(&line, GAUGE, 8));
    talker_await(&host, "\"value\":8}");
    ck_assert_uint_eq(talker_count(&host, "\"value\":7}"), 0);
    close_all();
}
END_TEST

/* Both roles by this connector: what is commanded at one end is measured at the other. */
START_TEST(a_host_and_an_edge_node_of_ours_understand_each_other)
{
    static const LineBinding here[] = {
        {"tank1.gauge", "1", "{\"device\":\"tank1\",\"metric\":\"gauge\"}"},
        {"tank1.valve", "1", "{\"device\":\"tank1\",\"metric\":\"valve\"}", .writes = true},
    };
    static Line scada;
    char options[256];
    broker = broker_open("allow_anonymous true");
    open_line(",\"primary\":\"us\"");
    snprintf(options, sizeof options, "{\"url\":\"%s\",\"group\":\"works\",\"node\":\"edge\",\"host_id\":\"us\"}", broker.url);
    line_prepare(&scada, options, here, 2);
    line_open(&scada, &sparkplug_kind);
    LINE_AWAIT(&line, line_is_joined(&line));
    line_assert_done(&line, line_send(&line, GAUGE, 3));
    LINE_AWAIT(&scada, line_newest(&scada, 0).value == 3);
    line_assert_done(&scada, line_send(&scada, 1, 0.1));
    LINE_AWAIT(&line, line_count(&line, VALVE) == 1);
    ck_assert_double_eq(line_newest(&line, VALVE).value, (double)0.1f);
    line_close(&scada);
    LINE_AWAIT(&line, !line_is_joined(&line));
    line_close(&line);
    broker_close(&broker);
}
END_TEST

KIT_MAIN("connectors.sparkplug_edge", births_name_every_metric_and_data_come_by_alias, what_a_host_sets_arrives_and_is_reported, it_is_born_when_its_primary_host_is_there_and_dies_with_it,
         a_broker_that_was_killed_hears_a_birth_of_a_higher_number, a_host_and_an_edge_node_of_ours_understand_each_other)
