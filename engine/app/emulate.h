/* emulate.h -- what the ways of an emulated plant to its engine share: a WebSocket (emulate.c), or its connectors' peers (through.c).
 *
 * Threads: one. */
#pragma once

#include "plant/castor.h"

/// Emulate in the time of day, by those connectors of the plant that are in `names` (with commas between), until the process is to end.
Err emulate__through(Castor *castor, const char *names, bool quiet, ErrText *why);
/// Tell the log which fault began or ended in the last step.
void emulate__tell_fault(const Castor *castor);
