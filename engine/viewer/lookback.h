/* lookback.h -- a window looks back: courses of channels, and the plant as it was.
 *
 * A thread of its own reads the history, with a reader of its own: neither the tick nor a frame waits for a disk. Of the times that are asked for to be
 * shown only the newest counts, as a scrubber asks for many.
 *
 * Takes: a history that is being written.  Gives: Answers, a picture.  Memory: its own.  Threads: all functions on the window's. */
#pragma once

#include "viewer/capture.h"

typedef struct Lookback Lookback;

/// `path`: of the history.
Err lookback_open(const char *path, const Capture *capture, Lookback **out, ErrText *why);
void lookback_close(Lookback *lookback);
/// False when too much is asked for already.
bool lookback_ask(Lookback *lookback, uint64_t ticket, const SeriesAsk *ask);
/// The next answer; false when there is none.
bool lookback_take(Lookback *lookback, Answer *out);
/// Show the plant as it was at `time`; TIME_NONE: not any more.
void lookback_show(Lookback *lookback, int64_t time);
/// Bring the world to what lookback_show asked for; false when nothing newer has been read.
bool lookback_fill(Lookback *lookback, World *world);
