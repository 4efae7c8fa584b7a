/* The closed loop through MQTT: Debian's mosquitto stands between plant and engine. */
#include "connectors/mosquitto.h"
#include "flow/loop.h"

START_TEST(a_fault_behind_the_broker_is_noticed_and_answered_through_it)
{
    char connectors[128];
    BrokerProcess broker = broker_open("allow_anonymous true");
    snprintf(connectors, sizeof connectors, "line = { \"mqtt\", url = \"%s\" }", broker.url);
    loop_run(&(LoopDef){.name = "mqtt", .connectors = connectors, .through = "line",
                        .gauge = "{ \"line\", topic = \"works/tank/level\", unit = \"cm\" }",
                        .float_gauge = "{ \"line\", topic = \"works/tank/float\", unit = \"cm\", payload = \"json\", value = \"/level\", stamp = \"/at\" }",
                        .drain = "{ \"line\", topic = \"works/tank/drain\", retain = true }",
                        .order = "{ \"line\", topic = \"works/tank/drain/set\", payload = \"json\", value = \"/set\", reply = \"works/tank/drain/told\" }"});
    broker_close(&broker);
}
END_TEST

KIT_MAIN("flow.loop_mqtt", a_fault_behind_the_broker_is_noticed_and_answered_through_it)
