/* past.h -- a moment of the past: how far a file reaches back, the samples of a stretch as they were filed, and what actuators were told.
 *
 * Charts are made of times and values. Whoever lets ticks run again needs the tick that a sample began with, too: what came late was not known before. Rows
 * and blocks keep it.
 *
 * Takes: a HistoryReader.  Gives: Filed.  Threads: those of the reader. */
#pragma once

#include "history/history.h"

/// How far a history reaches.
typedef struct HistorySpan {
    int64_t first;  // from here on the estimates are kept as they were told; TIME_NONE: there are none
    int64_t last;   // the end of the last tick that is known to have run; TIME_NONE: none is
    bool cut;       // what was before `first` has been let go; otherwise it is where the history begins
} HistorySpan;
Err history_span(HistoryReader *reader, HistorySpan *out, ErrText *why);

/// The samples that were used and lie in ticks behind `after`, as far as the engine had them when tick `last` ran; in no order, and the
/// caller's to free (mem_free). ERR_FULL when they are more than SYNC_PENDING_MAX.
Err history_read_filed(HistoryReader *reader, int64_t after, int64_t last, Filed **out, size_t *count, ErrText *why);

/// Of each actuator the last command that it was given until `until` and that has not come to nothing since; TAG_NONE: of what is no actuator any more.
Err history_read_told(HistoryReader *reader, int64_t until, Arena *arena, HistoryCommand **out, size_t *count, ErrText *why);
