/* local.h -- a plant that runs inside: the source of `pollux view PLANT.lua`.
 *
 * The engine, with the emulated plant beside it, runs on a thread of its own. What it knows behind a tick goes into a picture (capture.h), and the window
 * takes the newest one; what the window asks goes the other way by a bounded mailbox, and comes back as answers. Nobody waits for the other.
 *
 * Takes: a plant script.  Gives: a Source.  Memory: its own.  Threads: source functions on the window's; the engine on its own. */
#pragma once

#include "view/world.h"

typedef struct LocalDef {
    const char *plant;    // path of its script
    const char *history;  // a file, kept; NULL: one for the time being, which is deleted at the end
    double speed;         // of the emulated plant, 0: 1
    double hurry;         // s of plant time that go by first, as fast as they can
    int64_t begin;        // plant time; TIME_NONE: now
    uint64_t seed;
    bool no_faults;
    const char *const *faults;
    size_t fault_count;
} LocalDef;

/// ERR_SCRIPT and others with file and line, for people.
Err local_open(const LocalDef *def, Source *out, ErrText *why);
