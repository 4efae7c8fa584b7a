/* The whole trip through Modbus, with libmodbus' own server between the emulated plant and the engine. */
#include "flow/ask.h"
#include "flow/loop.h"
#include "kit/peer.h"

typedef struct Registers {
    Peer peer;
    char port[8], connectors[160];
} Registers;

static void begin_server(Registers *registers)
{
    registers->peer = peer_start((const char *const[]){POLLUX_PROGRAMS "/modbus_server", registers->port, NULL});
}

static Registers begin(void)
{
    Registers registers;
    const int port = peer_free_port();
    snprintf(registers.port, sizeof registers.port, "%d", port);
    static const char form[] = "plc = { \"modbus\", host = \"127.0.0.1\", port = %d, every = 0.1, retry = 0.2, retry_most = 0.5 }";
    snprintf(registers.connectors, sizeof registers.connectors, form, port);
    begin_server(&registers);
    return registers;
}

START_TEST(a_fault_behind_the_register_server_is_noticed_and_answered_through_it)
{
    Registers registers = begin();
    const LoopDef def = {.name = "modbus",
                         .connectors = registers.connectors,
                         .through = "plc",
                         .gauge = "{ \"plc\", holding = 10, type = \"float32\", unit = \"cm\" }",
                         .float_gauge = "{ \"plc\", holding = 12, type = \"float32\", order = \"CDAB\", unit = \"cm\" }",
                         .drain = "{ \"plc\", holding = 14, type = \"float64\" }",
                         .order = "{ \"plc\", holding = 20, type = \"int16\", scale = 0.01 }"};
    loop_run(&def);
    peer_kill(&registers.peer);
}
END_TEST

static double metric(int port, const char *name)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char line[64];
    Text answer = flow_exchange(port, request, strlen(request));
    snprintf(line, sizeof line, "\n%s ", name);
    const char *found = strstr(answer.bytes, line);
    ck_assert_msg(found != NULL, "there is no %s", name);
    const double value = atof(found + strlen(line));
    text_fini(&answer);
    return value;
}

static void await_more(int port, const char *name, double than)
{
    for (int i = 0; i < LOOP_PATIENCE_S * 10 && metric(port, name) <= than; i++)
        flow_sleep(100);
    ck_assert_double_gt(metric(port, name), than);
}

/* Register 30 holds 30 from the start. */
START_TEST(a_server_that_is_killed_leaves_a_gap_that_is_said_and_the_ticks_go_on)
{
    static const char bad[] = "pollux_samples_total{fate=\"bad\"}", used[] = "pollux_samples_total{fate=\"used\"}", ticks[] = "pollux_ticks_total";
    Registers registers = begin();
    const LoopDef def = {.connectors = registers.connectors,
                         .gauge = "{ \"plc\", holding = 30, unit = \"cm\" }",
                         .float_gauge = "{ \"plc\", holding = 30, unit = \"cm\" }",
                         .drain = "{ \"plc\", coil = 1 }",
                         .order = "{ \"plc\", holding = 20 }"};
    const FlowPath script = loop_script(&def);
    Child engine = CHILD_START("outage", "serve", script.text, "--port", "0");
    child_await_port(&engine);
    await_more(engine.port, used, 5);
    ck_assert_double_eq(metric(engine.port, bad), 0);

    peer_kill(&registers.peer);
    const int64_t lost = loop_await(&engine, "warning", 0);
    const double late = metric(engine.port, "pollux_tick_overruns_total");
    await_more(engine.port, ticks, metric(engine.port, ticks) + 20);
    ck_assert_double_ge(metric(engine.port, bad), 2);  // each of the two instruments fell silent

    const double before = metric(engine.port, used);
    begin_server(&registers);
    loop_await(&engine, "connected to", lost);
    await_more(engine.port, used, before);
    printf("ticks late by more than a step while the server was away: %g\n", metric(engine.port, "pollux_tick_overruns_total") - late);
    child_stop(&engine, SIGTERM);
    peer_kill(&registers.peer);
}
END_TEST

KIT_MAIN("flow.loop_modbus", a_fault_behind_the_register_server_is_noticed_and_answered_through_it,
         a_server_that_is_killed_leaves_a_gap_that_is_said_and_the_ticks_go_on)
