/* panel.h -- all about the asset that is selected: its alarms, its numbers, one of them as a chart, and a lever.
 *
 * Takes: a View.  Gives: what is drawn over it, and asks to its source.  Memory: the caller's.  Threads: one. */
#pragma once

#include "view/lever.h"
#include "view/strip.h"

enum { PANEL_WIDTH = 356 };

typedef struct Panel {
    Strip strip;
    Lever lever;
    float scroll, content;    // units of the table that are above its upper edge; how high it is
    uint64_t shape;           // of the world that channels and lever are of
    char told[WORLD_TEXT];    // what became of the last acknowledgement
} Panel;

void panel_init(Panel *panel);
/// Follow the selection, ask for what is missing.
void panel_step(Panel *panel, View *view);
/// True when the answer was for the panel.
bool panel_take(Panel *panel, const Answer *answer);
void panel_draw(Panel *panel, Ui *ui, View *view, Box box);

/// Why one of WORLD_CAN_... is not possible now; NULL: it is.
const char *panel_why_not(const World *world, unsigned can);
/// Acknowledge an alarm.
void panel_acknowledge(View *view, uint64_t alarm);
/// A sign and an ink for a severity: it is told by form as well.
const char *severity_sign(int severity);
Ink severity_ink(const Theme *theme, int severity);
/// The channel that is shown of an asset at first: what its body shows.
uint16_t panel_first_channel(const WorldModel *model);
