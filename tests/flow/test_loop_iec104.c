/* The whole trip through IEC 60870-5-104, with an outstation that shares no code with the connector. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "connectors/iec104/outstation_server.h"
#include "flow/loop.h"

enum { GAUGE = 4001, FLOAT = 4002, DRAIN = 4003, ORDER = 6201 };

typedef struct Far {
    Outstation *outstation;
    OutstationServer *server;
    uint16_t port;
    char connectors[128];
} Far;

/* An outstation that shows what it is told to both of its controlling stations. */
static Far far_open(void)
{
    Far far = {.outstation = outstation_create(12, 8, 15 * NS_PER_S, 10 * NS_PER_S, 20 * NS_PER_S)};
    outstation_relay(far.outstation);
    far.server = outstation_serve(far.outstation, &far.port);
    snprintf(far.connectors, sizeof far.connectors, "grid = { \"iec104\", host = \"127.0.0.1\", port = %u }", far.port);
    return far;
}

static void far_close(Far *far)
{
    outstation_kill(far->server);
    outstation_destroy(far->outstation);
}

static LoopDef loop_def(const Far *far)
{
    return (LoopDef){.name = "iec104",
                     .connectors = far->connectors,
                     .through = "grid",
                     .gauge = "{ \"grid\", address = 4001, unit = \"cm\" }",
                     .float_gauge = "{ \"grid\", address = 4002, unit = \"cm\" }",
                     .drain = "{ \"grid\", address = 4003 }",
                     .order = "{ \"grid\", address = 6201, type = \"C_SE_NC\", select = true }"};
}

START_TEST(a_fault_behind_the_outstation_is_noticed_and_answered_through_it)
{
    Far far = far_open();
    const LoopDef def = loop_def(&far);
    loop_run(&def);

    // each order was selected before it was executed, and none twice
    static OutstationDone done[OUTSTATION_LOG];
    const size_t count = outstation_done(outstation_hold(far.server), done, OUTSTATION_LOG);
    outstation_release(far.server);
    size_t orders = 0;
    for (size_t i = 0; i < count && i < OUTSTATION_LOG; i++)
        if (done[i].ioa == ORDER) {
            orders++;
            ck_assert(done[i].was_selected);
            ck_assert_double_eq(done[i].value, orders % 2);  // open, closed, open...
        }
    ck_assert_uint_ge(orders, 1);
    far_close(&far);
}
END_TEST

/* A number of the engine's, as Prometheus would read it. */
static double metric(int port, const char *name)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    Text answer = {0};
    char bytes[4096], line[64];
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(file, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(file, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (ssize_t got; (got = recv(file, bytes, sizeof bytes, 0)) > 0;)
        text_add(&answer, bytes, (size_t)got);
    close(file);
    snprintf(line, sizeof line, "\n%s ", name);
    const char *found = answer.bytes ? strstr(answer.bytes, line) : NULL;
    ck_assert_msg(found != NULL, "there is no %s", name);
    const double value = atof(found + strlen(line));
    text_fini(&answer);
    return value;
}

static void show_levels(Outstation *outstation, double noise)
{
    const int64_t now = clock_system.utc_ns(clock_system.self);
    outstation_set(outstation, 1, GAUGE, 30 + noise, 0, now);
    outstation_set(outstation, 1, FLOAT, 30 - noise, 0, now);
}

/* The instruments show 30 cm, ten times a second, until the engine has said these words, and `rest` times more. */
static void feed_until(Far *far, Child *engine, const char *words, int64_t from, int rest)
{
    for (int i = 0, left = rest; left > 0; i++) {
        ck_assert_int_lt(i, LOOP_PATIENCE_S * 10);
        show_levels(outstation_hold(far->server), 0.1 * (i % 3));
        outstation_release(far->server);
        flow_sleep(100);
        if (left < rest || loop_when(engine, words, from) != TIME_NONE)
            left--;
    }
}

START_TEST(an_outstation_that_is_killed_leaves_a_gap_that_is_said_and_the_ticks_go_on)
{
    static const char bad[] = "pollux_samples_total{fate=\"bad\"}", used[] = "pollux_samples_total{fate=\"used\"}";
    Far far = far_open();
    const LoopDef def = loop_def(&far);
    const FlowPath script = loop_script(&def);
    outstation_add_point(far.outstation, 1, GAUGE, 36);
    outstation_add_point(far.outstation, 1, FLOAT, 36);
    show_levels(far.outstation, 0);
    Child engine = CHILD_START("outage", "serve", script.text, "--port", "0");
    child_await_port(&engine);
    feed_until(&far, &engine, "connected to", 0, 10);
    ck_assert_double_eq(metric(engine.port, bad), 0);

    outstation_kill(far.server);
    const int64_t lost = loop_await(&engine, "warning", 0);
    const double late = metric(engine.port, "pollux_tick_overruns_total"), ticks = metric(engine.port, "pollux_ticks_total");
    for (int i = 0; i < LOOP_PATIENCE_S * 10 && metric(engine.port, "pollux_ticks_total") < ticks + 20; i++)
        flow_sleep(100);
    ck_assert_double_ge(metric(engine.port, "pollux_ticks_total"), ticks + 20);
    ck_assert_double_eq(metric(engine.port, bad), 2);  // each of the two instruments fell silent

    const double before = metric(engine.port, used);
    far.server = outstation_serve(far.outstation, &far.port);
    feed_until(&far, &engine, "connected to", lost, 10);
    ck_assert_double_gt(metric(engine.port, used), before);
    ck_assert_double_eq(metric(engine.port, bad), 2);
    printf("ticks late by more than a step while the outstation was away: %g\n", metric(engine.port, "pollux_tick_overruns_total") - late);
    child_stop(&engine, SIGTERM);
    far_close(&far);
}
END_TEST

KIT_MAIN("flow.loop_iec104", a_fault_behind_the_outstation_is_noticed_and_answered_through_it,
         an_outstation_that_is_killed_leaves_a_gap_that_is_said_and_the_ticks_go_on)
