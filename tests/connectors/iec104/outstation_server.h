/* outstation_server.h -- an outstation behind a TCP port of the loopback, on a thread of its own.
 *
 * Whoever touches the outstation meanwhile holds it (outstation_hold, outstation_release). */
#pragma once

#include "connectors/iec104/outstation.h"

typedef struct OutstationServer OutstationServer;

/// Listen on `port`, 0: a free one, which is left there. The outstation stays the caller's.
OutstationServer *outstation_serve(Outstation *outstation, uint16_t *port);
/// The same through TLS: its certificate and key, and the authority whose certificates controlling stations must have; PEM files.
OutstationServer *outstation_serve_tls(Outstation *outstation, uint16_t *port, const char *certificate, const char *key, const char *authority);
/// As a process that is killed: its connections are gone, and nobody listens.
void outstation_kill(OutstationServer *server);
Outstation *outstation_hold(OutstationServer *server);
void outstation_release(OutstationServer *server);
/// From now on at most so many bytes at once, a millisecond apart. 0: as many as there are.
void outstation_trickle(OutstationServer *server, size_t bytes);
