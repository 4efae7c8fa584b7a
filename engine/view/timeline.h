/* timeline.h -- live, held, or some time ago: the bar at the lower edge.
 *
 * The scrubber goes over what history holds; dragging it replays the scene, as fast as the source can say what was. Alarms of the list are marked where they
 * were raised. Space goes on living.
 *
 * Takes: a View.  Gives: what is drawn, and wishes to its source.  Memory: the caller's.  Threads: one. */
#pragma once

#include "view/ui.h"
#include "view/view.h"

typedef struct Timeline {
    WorldMode wish;    // live, paused or past
    int64_t time;      // that is wished for, in the past
    double play;       // past: plant seconds per second, 0: it stands
} Timeline;

enum { TIMELINE_HEIGHT = 54 };

/// Live, paused, or the past at `time`; times outside of history are drawn to its ends.
void timeline_show(Timeline *timeline, View *view, WorldMode mode, int64_t time);
/// Space: hold, or live again.
void timeline_toggle(Timeline *timeline, View *view);
/// Go back or on by so many seconds; on to the newest is live.
void timeline_move(Timeline *timeline, View *view, double seconds);
/// Let the past go on, where it plays; true when it does.
bool timeline_step(Timeline *timeline, View *view, double seconds);
void timeline_draw(Timeline *timeline, Ui *ui, View *view, Box box);

/// Where a time is along the scrubber, 0 to 1, and back. Pure.
double timeline_share(int64_t from, int64_t to, int64_t time);
int64_t timeline_time(int64_t from, int64_t to, double share);
