/* rehearsal.h -- the plant's own script inside of a forecast: what its controller and its handlers do, for each member.
 *
 * A member is a future of its own, so for each a copy of the script is run anew, and what it keeps in its variables is that member's. A forecast knows only
 * that somebody acts, and when; who does stands above it, where handlers are (alarm/rehearse.c).
 *
 * Takes: members.  Gives: their inputs and actuators.  Threads: the one that runs the forecast. */
#pragma once

#include "forecast/swarm.h"

typedef struct Rehearsal Rehearsal;

/// Which parts of the script act in a case.
typedef struct RehearsalParts {
    bool control, handlers;
} RehearsalParts;

typedef struct RehearsalKind {
    /// For a forecast from this fork. ERR_MEMORY.
    Err (*open)(const Fork *fork, Rehearsal **out, ErrText *why);
    void (*close)(Rehearsal *rehearsal);  // NULL is nothing
    /// The first `members` of a pack are at their start; what acted on others is forgotten. ERR_SCRIPT when the script fails, or handlers would not find
    /// all twins of the plant in the fork.
    Err (*begin)(Rehearsal *rehearsal, Pack *pack, uint32_t members, RehearsalParts parts, ErrText *why);
    /// The controller's turn, before a step.
    Err (*decide)(Rehearsal *rehearsal, ErrText *why);
    /// The handlers' turn, behind a step.
    Err (*answer)(Rehearsal *rehearsal, ErrText *why);
} RehearsalKind;
