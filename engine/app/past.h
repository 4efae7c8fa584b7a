/* past.h -- a plant as it was at a moment of its history, which somebody may be writing meanwhile.
 *
 * Where one of the snapshots that a history keeps lies at or before the moment, it is put back, and the ticks behind it run again with the samples that began
 * with them: as in a restart, with the bits that they had. Further back values and standard deviations of then were recorded, but not what the values had in
 * common. That is found again: the plant begins some time before the moment with what was recorded there, and the filter runs along the samples from there.
 * At several places on the way, and at the moment itself, its values and standard deviations are put to those that were recorded, so its correlations are those
 * of a filter that went that way. The way is as long as the slowest of the plant's models needs to settle twice (once unjudged, once judged), or ten samples of
 * the slowest sensor, and five minutes at least. What came late counts as soon as it had come, and is then in its place.
 *
 * Nothing leaves the engine: no connector is opened, no command handed over, nothing written.
 *
 * Takes: a plant's script, a history.  Gives: an App between two ticks.  Threads: one. */
#pragma once

#include "app/app.h"

typedef enum PastStart {
    PAST_SNAPSHOT,
    PAST_ESTIMATES,
    PAST_BEGINNING,  // of the history, less than that way before the moment: where the script says that twins start
} PastStart;

typedef struct Past {
    App *app;        // behind the tick that ends at the moment, or first after it
    PastStart start;
    int64_t from;    // the time of that
    size_t samples;  // from there on
    size_t unknown;  // PAST_ESTIMATES: twins of which nothing was recorded there: they started as the script says
} Past;

/// ERR_RANGE: the history does not reach to `at`, or is not kept so far back (`why` says from or to when it is). ERR_PARSE: it was written by another version
/// of the script, or is none. ERR_FULL: too many samples on the way.
Err past_open(const char *plant, const char *history, int64_t at, Past *out, ErrText *why);
void past_close(Past *past);
