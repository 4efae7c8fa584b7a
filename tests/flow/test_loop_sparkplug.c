/* The closed loop through Sparkplug: the engine is a host application, the plant an edge node, Debian's mosquitto stands between them. */
#include "connectors/mosquitto.h"
#include "flow/loop.h"

START_TEST(a_fault_behind_the_broker_is_noticed_and_answered_through_it)
{
    char connectors[160];
    BrokerProcess broker = broker_open("allow_anonymous true");
    snprintf(connectors, sizeof connectors, "scada = { \"sparkplug\", url = \"%s\", group = \"works\", node = \"edge\" }", broker.url);
    loop_run(&(LoopDef){.name = "Sparkplug", .connectors = connectors, .through = "scada",
                        .gauge = "{ \"scada\", device = \"tank\", metric = \"level\", unit = \"cm\" }",
                        .float_gauge = "{ \"scada\", device = \"tank\", metric = \"float\", unit = \"cm\" }",
                        .drain = "{ \"scada\", device = \"tank\", metric = \"drain\" }",
                        .order = "{ \"scada\", device = \"tank\", metric = \"drain/set\" }"});
    broker_close(&broker);
}
END_TEST

KIT_MAIN("flow.loop_sparkplug", a_fault_behind_the_broker_is_noticed_and_answered_through_it)
