/* The closed loop through IEC 60870-5-104: an outstation stands between plant and engine, which both are its controlling stations.
 *
 * What one of them sets is a point that it tells both: so the plant sets what its instruments show, and the engine selects and executes the order. */
#include "flow/loop.h"
#include "connectors/iec104/outstation_server.h"

START_TEST(a_fault_behind_the_outstation_is_noticed_and_answered_through_it)
{
    Outstation *outstation = outstation_create(12, 8, 15 * NS_PER_S, 10 * NS_PER_S, 20 * NS_PER_S);
    outstation_relay(outstation);
    uint16_t port = 0;
    OutstationServer *server = outstation_serve(outstation, &port);

    char connectors[128];
    snprintf(connectors, sizeof connectors, "grid = { \"iec104\", host = \"127.0.0.1\", port = %u }", port);
    loop_run(&(LoopDef){.name = "iec104", .connectors = connectors, .through = "grid",
                        .gauge = "{ \"grid\", address = 4001, unit = \"cm\" }",
                        .float_gauge = "{ \"grid\", address = 4002, unit = \"cm\" }",
                        .drain = "{ \"grid\", address = 4003 }",
                        .order = "{ \"grid\", address = 6201, type = \"C_SE_NC\", select = true }"});

    // each order was selected before it was executed, and none twice
    OutstationDone done[OUTSTATION_LOG];
    const size_t count = outstation_done(outstation_hold(server), done, OUTSTATION_LOG);
    outstation_release(server);
    size_t orders = 0;
    for (size_t i = 0; i < count && i < OUTSTATION_LOG; i++)
        if (done[i].ioa == 6201) {
            orders++;
            ck_assert(done[i].was_selected);
            ck_assert_double_eq(done[i].value, orders % 2);  // open, closed, open...
        }
    ck_assert_uint_ge(orders, 1);
    outstation_kill(server);
    outstation_destroy(outstation);
}
END_TEST

KIT_MAIN("flow.loop_iec104", a_fault_behind_the_outstation_is_noticed_and_answered_through_it)
