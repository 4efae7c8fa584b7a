/* nameplates.h -- the names over the bodies of a scene: who gets one is decided in label.h.
 *
 * Takes: a View.  Gives: what is drawn.  Memory: the caller's.  Threads: one. */
#pragma once

#include "view/label.h"
#include "view/ui.h"
#include "view/view.h"

typedef struct Nameplates {
    Labels labels;
    uint64_t shape;  // of the world that they are of
} Nameplates;

/// `taken`: what covers the scene, in units.
void nameplates_draw(Nameplates *plates, Ui *ui, const View *view, const Box *taken, size_t taken_count);
