/* ways.h -- the connectors that a plant's script names, opened: for the tick all of them are one Connector.
 *
 * A way keeps copies of what the script said of it, so that it can outlive the plant: another version of the script that says the same of a connector and
 * of its bindings goes on with it, connection and all; the others are closed, or opened.
 *
 * Takes: a Plant.  Gives: a Connector.  Memory: its own.  Threads: the tick's; each way has one of its own, and so has what is closed while others go on. */
#pragma once

#include "plant/bindings.h"
#include "signal/exchange.h"

typedef struct Ways Ways;

/// Ask each kind what is wrong with options and bindings; nothing is opened. ERR_SCRIPT with file and line.
Err ways_check(const Plant *plant, ErrText *why);
/// Open what the script names; `clock` NULL: the machine's. `inlets` NULL: nothing is pushed to anybody here.
Err ways_open(const Plant *plant, const Clock *clock, Inlets *inlets, Ways **out, ErrText *why);
/// Open those that are in `names` alone, turned round: what the plant reads is written, and the other way round. So the emulated plant stands behind its peers.
/// ERR_USAGE when a name is none of the plant's connectors.
Err ways_open_turned(const Plant *plant, const char *const *names, size_t name_count, Ways **out, ErrText *why);
/// Open those of another version of the script, for ways_take: until then `before` has what both have.
Err ways_succeed(Ways *before, const Plant *plant, Ways **out, ErrText *why);
/// Go on with what `before` has in common with `ways`, which was made by ways_succeed. The rest of `before`, and `before` itself, is closed on a thread of
/// its own: a peer that hangs holds up no tick.
void ways_take(Ways *ways, Ways *before);
/// Close them: their threads end.
void ways_destroy(Ways *ways);

Connector ways_connector(Ways *ways);
size_t ways_count(const Ways *ways);

/// How a connector fares.
typedef struct WayState {
    ExchangeState exchange;
    ConnectorLosses lost;
    int64_t last;  // time of the newest sample, TIME_NONE
} WayState;
WayState ways_state(const Ways *ways, size_t index);
/// What a connector has heard that nothing is bound to, and the keys of a binding to such an address, as a script has them. Any thread.
size_t ways_seen(const Ways *ways, size_t index, ExchangeSeen *out, size_t room);
void ways_suggest(const Ways *ways, size_t index, const char *address, Text *out);
/// Tell the log that a connection is there or has gone, where `connector` is ways_connector; otherwise false.
bool ways_tell(const Ways *ways, const Connector *connector, const Arrival *arrival);
