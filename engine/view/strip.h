/* strip.h -- a chart of one channel: what was, what is measured, and the fan of what may come.
 *
 * The past comes from the source's history, in one ask; what happens from then on is added as the world changes. Lines are thinned to a point per unit of
 * width, and time runs to the right up to a little behind now, or as far as the forecast reaches.
 *
 * Takes: a View's world and answers.  Gives: a chart.  Memory: its own, bounded.  Threads: one. */
#pragma once

#include "view/ui.h"
#include "view/view.h"

enum { STRIP_POINTS = 4096, STRIP_FAN = 256 };

typedef struct StripPoint {
    int64_t time;
    double value, low, high;  // the band around it
} StripPoint;

/// Points in the order of their times; of too many the oldest go.
typedef struct StripLine {
    StripPoint points[STRIP_POINTS];
    size_t first, count;
} StripLine;

typedef struct StripFan {
    StripPoint points[STRIP_FAN];
    size_t count;
} StripFan;

typedef struct Strip {
    int64_t asset;     // WORLD_NOBODY: nothing is shown
    uint16_t channel;
    double span;       // s of the past that are shown
    StripLine estimated, measured;
    StripFan ahead, whatif;
    uint64_t past_tickets[2];  // of the series that are on their way; 0: none
    uint64_t ahead_ticket;
    int64_t ahead_at;          // elapsed time at which a forecast is asked for next
    bool stale;                // the past is to be asked for
    char trouble[WORLD_TEXT];  // why there is no forecast
} Strip;

void strip_init(Strip *strip);
/// Show another channel; the same one again changes nothing.
void strip_show(Strip *strip, int64_t asset, uint16_t channel);
/// The past is to be asked for again: time has jumped, or another span is wanted.
void strip_forget(Strip *strip);
/// Ask for what is missing, add what is new.
void strip_step(Strip *strip, View *view);
/// Whether a part of the chart is still to come.
bool strip_is_waiting(const Strip *strip, const View *view);
/// True when the answer was for this strip.
bool strip_take(Strip *strip, const Answer *answer);
void strip_draw(Strip *strip, Ui *ui, const View *view, Box box);

/// Add a point behind the others; one that is not newer is left out.
void strip_line_add(StripLine *line, const StripPoint *point);
static inline const StripPoint *strip_line_at(const StripLine *line, size_t index)
{
    return &line->points[(line->first + index) % STRIP_POINTS];
}
/// The point at a time or the last before it; NULL where there is none.
const StripPoint *strip_line_find(const StripLine *line, int64_t time);
