/* modbus_rig.h -- the register servers of tests/peers, which have the same tables: holding registers hold their address, input registers 10,000 more,
 * every third coil and every odd discrete input is on; addresses from 3000 to 3009, and from 4000 on, are not there. */
#pragma once

#include "connectors/kind_rig.h"
#include "connectors/modbus/modbus.h"
#include "kit/peer.h"

enum { WRITES = 3999 };  // the input register that counts requests that wrote

typedef enum RegisterServer { SERVER_LIBMODBUS, SERVER_MODBUS_SERIAL, SERVER_COUNT } RegisterServer;

typedef struct Server {
    RegisterServer kind;
    int port;
    Peer peer;
} Server;

static inline void server_start(Server *server)
{
    char port[8];
    snprintf(port, sizeof port, "%d", server->port);
    if (server->kind == SERVER_LIBMODBUS)
        server->peer = peer_start((const char *const[]){POLLUX_PROGRAMS "/modbus_server", port, NULL});
    else
        server->peer = peer_start((const char *const[]){"node", POLLUX_PEERS "/modbus_server.mjs", port, NULL});
}

/* A test whose body runs beside each server. */
#define TEST_BESIDE_EACH_SERVER(name)                                          \
    static void name##_beside(Server *server);                                 \
    START_TEST(name)                                                           \
    {                                                                          \
        for (RegisterServer kind = 0; kind < SERVER_COUNT; kind++) {           \
            Server server = {.kind = kind, .port = peer_free_port()};          \
            server_start(&server);                                             \
            name##_beside(&server);                                            \
            peer_kill(&server.peer);                                           \
        }                                                                      \
    }                                                                          \
    END_TEST                                                                   \
    static void name##_beside(Server *server)

static inline const char *line_options(int port, const char *more)
{
    static char text[256];
    static const char form[] = "{\"host\":\"127.0.0.1\",\"port\":%d,\"every\":0.02,\"retry\":0.05,\"retry_most\":0.2%s%s}";
    snprintf(text, sizeof text, form, port, *more ? "," : "", more);
    return text;
}
