/* remember.h -- the side that remembers: what a tick leaves in the history.
 *
 * Estimates once per tick, alarms with what they were decided on, commands, and a snapshot every few seconds, from which a restart goes on (resume.h).
 * Without a history nothing is kept.
 *
 * Threads: the tick's. */
#pragma once

#include "app/app.h"

/// What changed since the last settling, and the estimates of the last tick where they are not there yet. Those of a replayed tick are written again, with the same bits.
void remember_changes(App *app);
/// A tick that ran again, from where late samples belong: what was told of it first stays, and this beside it. `self` is the App (sync_on_replayed).
void remember_again(void *self, int64_t tick, int64_t at, const PlantPart *part);
