/* The whole trip by HTTP: the emulated plant writes resources of a server that keeps them, and the engine reads them there. */
#include "flow/loop.h"
#include "kit/peer.h"

START_TEST(a_fault_behind_the_server_is_noticed_and_answered_through_it)
{
    char port[8], connectors[160];
    snprintf(port, sizeof port, "%d", peer_free_port());
    snprintf(connectors, sizeof connectors, "web = { \"http\", url = \"http://127.0.0.1:%s\", every = 0.1, retry = 0.1, retry_most = 0.2 }", port);
    Peer peer = peer_start((const char *const[]){"node", POLLUX_PEERS "/resource_server.mjs", port, NULL});
    const LoopDef def = {.name = "http",
                         .connectors = connectors,
                         .through = "web",
                         .gauge = "{ \"web\", path = \"/gauge\", unit = \"cm\", payload = \"json\", value = \"/level\" }",
                         .float_gauge = "{ \"web\", path = \"/float\", unit = \"cm\" }",
                         .drain = "{ \"web\", path = \"/drain\" }",
                         .order = "{ \"web\", path = \"/order\", method = \"POST\" }"};
    loop_run(&def);
    peer_kill(&peer);
}
END_TEST

KIT_MAIN("flow.loop_http", a_fault_behind_the_server_is_noticed_and_answered_through_it)
