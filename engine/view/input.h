/* input.h -- what mouse and keys do to the scene.
 *
 * A press that moves is a drag and orbits or pans; one that stays is a click and selects. The pointer is in pixels of the surface, as the camera has it.
 *
 * Memory: the caller's.  Threads: one. */
#pragma once

#include "view/view.h"

typedef struct Input {
    float x, y;            // pointer, pixels
    float down_x, down_y;  // where a button went down
    Uint8 button;          // that is held over the scene, 0: none
    bool dragged;          // since it went down
    bool stale;            // what is under the pointer is to be found anew
} Input;

/// An event at a pixel that nothing flat has used; true when it did something.
bool input_event(Input *input, View *view, const SDL_Event *event, float x, float y);
/// Once a frame: find what the pointer is over.
void input_step(Input *input, View *view, bool covered);
/// Look nearer (above 1) at what is seen at a pixel: it stays where it is.
void input_zoom(View *view, float factor, float x, float y);
/// Select the next asset (1) or the one before (-1), in the order of the plant.
void input_next(View *view, int way);
