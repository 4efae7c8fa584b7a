/* alarms.h -- what is asked about alarms, by REST and by WebSocket: docs/protocol.md, "Alarms". */
#pragma once

#include "server/server.h"

/// What somebody wants done about an alarm; `by` is left to the caller. Of one that is over the history says whose it was.
void alarms_fill_act(Server *server, AlarmActKind kind, uint64_t alarm, double seconds, const char *comment, AlarmAct *out);
