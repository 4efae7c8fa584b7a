/* The gate in front of a real broker: a command is done when the plant behind it reports so, and the end of the engine leads the plant to its safe state. */
#include "connectors/mosquitto.h"
#include "flow/ask.h"
#include "flow/loop.h"

/* Until a tick has run: before, there is nothing to decide on. */
static void await_time(const Child *engine)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + LOOP_PATIENCE_S * NS_PER_S;
    for (bool begun = false; !begun; flow_sleep(20)) {
        json_t *time = flow_ask(engine, "GET", "time", "", 200);
        begun = !json_is_null(json_object_get(time, "time"));
        json_decref(time);
        ck_assert_int_lt(clock_system.elapsed_ns(clock_system.self), until);
    }
}

START_TEST(a_command_is_read_back_and_a_stop_leads_to_the_fail_safe_value_through_the_broker)
{
    char connectors[128];
    BrokerProcess broker = broker_open("allow_anonymous true");
    snprintf(connectors, sizeof connectors, "line = { \"mqtt\", url = \"%s\" }", broker.url);
    const LoopDef def = {.name = "safe", .connectors = connectors, .through = "line",
                         .gauge = "{ \"line\", topic = \"works/tank/level\", unit = \"cm\" }",
                         .float_gauge = "{ \"line\", topic = \"works/tank/float\", unit = \"cm\" }",
                         .drain = "{ \"line\", topic = \"works/tank/drain\", retain = true }",
                         .order = "{ \"line\", topic = \"works/tank/drain/set\", fail_safe = 1, read_back = { \"tank.drain\", within = 0.01, seconds = 30 } }"};
    const FlowPath script = loop_script(&def);
    Child plant = CHILD_START("safe_emulate", "emulate", script.text, "--through", def.through);
    loop_await(&plant, "connected to", 0);
    Child engine = CHILD_START("safe_serve", "serve", script.text, "--port", "0", "--no-history");
    child_await_port(&engine);
    loop_await(&engine, "connected to", 0);
    await_time(&engine);

    json_decref(flow_ask(&engine, "PUT", "twins/tank/drain_order", "{\"value\":0.25}", 200));
    loop_await(&plant, "tank.drain_order = 0.25", 0);
    loop_await(&engine, "being read back", 0);
    loop_await(&engine, "tank.drain_order = 0.25 done", 0);

    kill(engine.pid, SIGTERM);
    ck_assert_int_eq(child_wait(&engine, LOOP_PATIENCE_S * 1000), 0);
    loop_await(&plant, "tank.drain_order = 1", 0);
    loop_await(&engine, "tank.drain_order = 1 sent", 0);
    child_stop(&plant, SIGTERM);
    broker_close(&broker);
}
END_TEST

KIT_MAIN("flow.safe_loop", a_command_is_read_back_and_a_stop_leads_to_the_fail_safe_value_through_the_broker)
