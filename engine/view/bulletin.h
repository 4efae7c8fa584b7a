/* bulletin.h -- the list of alarms: who asks for attention, newest first; a press on one selects its asset and goes there.
 *
 * Memory: the caller's.  Threads: one. */
#pragma once

#include "view/ui.h"
#include "view/view.h"

typedef struct Bulletin {
    bool open;
    float scroll, content;
} Bulletin;

enum { BULLETIN_WIDTH = 330 };

void bulletin_draw(Bulletin *bulletin, Ui *ui, View *view, Box box);
/// How many alarms ask for attention (unacknowledged, not put aside), and the severity of the worst, -1 without.
uint32_t bulletin_count(const World *world, int *worst);
