/* incidents.h -- what is known to have happened in a recording, as pairs of events: a beginning and an end.
 *
 * Takes: a file (connectors/tape/tape.h says how it looks).  Gives: Incidents.  Memory: the caller's arena.  Threads: any. */
#pragma once

#include "app/judge.h"
#include "plant/plant.h"

/// Read the events of `path`, each of whose twins `plant` must have. ERR_PARSE or ERR_UNKNOWN with the file and what was expected.
Err incidents_read(const char *path, const Plant *plant, Arena *arena, Incident **out, size_t *count, ErrText *why);
