/* websocket.h -- devices that come to us: the server side of docs/protocol.md, "A device".
 *
 * Speaks with devices over Links (the server owns the sockets). Samples go to the tick by a bounded ring; before it is full devices are
 * held back by their sockets, and a sample that finds no room all the same is refused with 429 and counted as
 * dropped. The answer to a `samples` message waits until the tick says that they are stored.
 *
 * Takes: Links, tags.  Gives: Arrivals; carries Commands.  Threads: the LinkHandler's calls on the service thread, the connector's on the tick's. */
#pragma once

#include "signal/signals.h"

typedef struct Websocket Websocket;

typedef struct WebsocketDef {
    const TagTable *tags;
    const char *plant;
    double step, speed;
    bool provider_clock;
    size_t ring;  // arrivals; 0 means 65,536
} WebsocketDef;

Err websocket_create(const WebsocketDef *def, Websocket **out);
/// After the server, which speaks with it.
void websocket_destroy(Websocket *websocket);

/// Go on with the tags of another version of the plant: devices stay connected, with what they provide and obey of it. While neither thread calls anything
/// else (server_pause), and with all arrivals polled. ERR_MEMORY: nothing has changed.
Err websocket_follow(Websocket *websocket, const TagTable *tags);

/// For ServerDef.devices.
LinkHandler *websocket_handler(Websocket *websocket);
extern const ConnectorType websocket_connector;  // self is the Websocket

/// One device, connected or remembered.
typedef struct WebsocketDevice {
    char name[64], peer[64];
    bool connected;
    uint64_t samples, refused, dropped;
    int64_t last;  // source time of its newest sample, TIME_NONE before
} WebsocketDevice;
/// Fill `out`, return how many. Any thread.
size_t websocket_devices(Websocket *websocket, WebsocketDevice *out, size_t room);
