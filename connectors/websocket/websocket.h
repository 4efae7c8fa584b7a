/* websocket.h -- devices that come to us: the server side of docs/protocol.md, "A device".
 *
 * Speaks with devices over Links (the server owns the sockets). Samples go to the tick by a bounded ring; before it is full devices are
 * held back by their sockets, and a sample that finds no room all the same is refused with 429 and counted as
 * dropped. The answer to a `samples` message waits until the tick says that they are stored.
 *
 * Where the plant lives by the time of day, the clock of each device is measured by what comes from it (source_clock.h), and corrected where that is
 * asked for (clock_map.h): what goes to the tick, and is filed and kept, is then the corrected time.
 *
 * A device that offers tags which the plant does not have is connected but unclaimed, where the registry lets strangers come: nothing of it reaches the tick
 * until an engineer binds it, which takes effect without a reconnection. Of its twin it is told what is desired and reports what is so.
 *
 * The log of a device that was offline comes by a connector and a ring of its own, behind what is live.
 *
 * Takes: Links, tags.  Gives: Arrivals; carries Commands.  Threads: the LinkHandler's calls on the service thread, the connector's on the tick's. */
#pragma once

#include "signal/registry.h"
#include "signal/signals.h"

typedef struct Websocket Websocket;

typedef struct WebsocketDef {
    const TagTable *tags;
    const char *plant;
    double step, speed;
    bool provider_clock;
    size_t ring;  // arrivals; 0 means 65,536
    const Clock *clock;  // the time of day that devices' clocks are held against; NULL means the machine's
    Registry *registry;  // of devices, it outlives this; NULL: none is claimed, and who offers what the plant has not is refused
    bool corrected;      // stamps are corrected by what is measured of a device's clock, before they are filed
} WebsocketDef;

Err websocket_create(const WebsocketDef *def, Websocket **out);
/// After the server, which speaks with it.
void websocket_destroy(Websocket *websocket);

/// Go on with the tags of another version of the plant: devices stay connected, with what they provide and obey of it. While neither thread calls anything
/// else (server_pause), and with all arrivals polled. ERR_MEMORY: nothing has changed.
Err websocket_follow(Websocket *websocket, const TagTable *tags);

/// For ServerDef.devices.
LinkHandler *websocket_handler(Websocket *websocket);
extern const ConnectorType websocket_connector;      // self is the Websocket
extern const ConnectorType websocket_log_connector;  // and here: what is historical

/// One device, connected or remembered.
typedef struct WebsocketDevice {
    char name[64], peer[64];
    uint32_t provider;  // of its newest connection
    bool connected;
    uint64_t samples, refused, dropped;
    ConnectorLosses lost;
    int64_t last;  // source time of its newest sample, TIME_NONE before
    bool measured;       // whether its clock is: in a plant that lives by the time of day, at its speed
    ClockReading clock;
} WebsocketDevice;
/// Fill `out`, return how many. Any thread.
size_t websocket_devices(Websocket *websocket, WebsocketDevice *out, size_t room);
