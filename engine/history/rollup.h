/* rollup.h -- what points come to: which of them count, and buckets of mean, least and most.
 *
 * Of samples those that were used or came late count, of two at one time the first to come; of estimates the newest revision of each time (or the first).
 *
 * Takes: points in the order of time and order.  Gives: points.  Pure functions. */
#pragma once

#include "history/shelf.h"

enum { NOTE_FATES = 8 };  // the note of a sample: fate + NOTE_FATES * quality

/// The length of a level's buckets, ns; 1 of raw points.
int64_t level_width(HistoryLevel level);
/// The begin of the bucket of `width` that `time` lies in; also before 1970.
int64_t bucket_begin(int64_t time, int64_t width);
/// The last time in it.
int64_t bucket_end(int64_t time, int64_t width);

/// Sort by time, then order. Points that are in order already cost one look.
void points_sort(Points *points);
/// Keep the raw points of `kind` that count, as they were told last, or first.
void points_settle(Strand kind, bool first, Points *points);
/// What is written: of estimates the first and the newest, of late samples none whose time is there already. A point that stands behind its like takes its place.
void points_prune(Strand strand, Points *points);
/// Turn settled raw points (they come as roll-ups of one value) or roll-ups into buckets of `width`, in place. A bucket without a number has order 0.
void points_roll(Points *points, int64_t width);
/// Make settled raw points roll-ups of one value each; those of samples have no sd.
void points_single(Strand kind, Points *points);
