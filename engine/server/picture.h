/* picture.h -- the newest numbers as those who watch have been told of them, each with the revision at which it last changed.
 *
 * Revisions number what is shown: each State that is taken in, and each change of an alarm or a command, is a new one. What is new since revision
 * r is whatever has a higher one, so a client that was away, or did not read, goes on where it was: nothing is kept for it. They begin with the
 * time of day, in milliseconds, and rise more slowly: a revision of before a restart is older than all that come.
 *
 * Takes: States.  Gives: a copy of the newest State, with revisions.
 * Memory: everything is allocated at the start.  Threads: the service thread. */
#pragma once

#include "server/state.h"

typedef struct Picture {
    State state;          // its readings, twins, sensors, causes and what is shown: of `revision`
    uint64_t revision;
    uint64_t since;       // from this revision on the twins are the same: who was told of an older one needs a snapshot
    uint64_t *readings;   // by slot, then channel: the revision at which it last changed
    uint64_t *twins;      // by slot: the same of how the twin fares
    uint64_t gate;        // the same of modes and of what is held
} Picture;

Err picture_init(Picture *picture, const States *states);
void picture_fini(Picture *picture);

/// The next revision: something else than the numbers has changed.
uint64_t picture_advance(Picture *picture);
/// Take in what has changed under a new revision. False when `state` is the first, or shows other twins than the picture had: then all is new.
bool picture_take(Picture *picture, const States *states, const State *state);
/// Go on with the revisions of `before`, of another version of the plant.
void picture_follow(Picture *picture, const Picture *before);
