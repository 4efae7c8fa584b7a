/* past.h -- a window looks back: courses of channels, and the plant as it was.
 *
 * A thread of its own reads the history, with a reader of its own: neither the tick nor a frame waits for a disk. Of the times that are asked for to be
 * shown only the newest counts, as a scrubber asks for many.
 *
 * Takes: a history that is being written.  Gives: Answers, a picture.  Memory: its own.  Threads: all functions on the window's. */
#pragma once

#include "viewer/capture.h"

typedef struct Past Past;

/// `path`: of the history.
Err past_open(const char *path, const Capture *capture, Past **out, ErrText *why);
void past_close(Past *past);
/// False when too much is asked for already.
bool past_ask(Past *past, uint64_t ticket, const SeriesAsk *ask);
/// The next answer; false when there is none.
bool past_take(Past *past, Answer *out);
/// Show the plant as it was at `time`; TIME_NONE: not any more.
void past_show(Past *past, int64_t time);
/// Bring the world to what past_show asked for; false when nothing newer has been read.
bool past_fill(Past *past, World *world);
