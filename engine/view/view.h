/* view.h -- the window: a source's world as a scene, and whatever lies over it.
 *
 * One frame: the source brings the world up to date, the stage says what is drawn, the renderer draws it, and the overlay (text, panels, everything flat)
 * is drawn on top. Events go to the overlay first; what it does not use ends here (close, resize). The scene is drawn again only while something in it
 * moves; `view_touch` says that something did.
 *
 * Takes: a Source, an Overlay.  Gives: frames on a Surface.
 * Threads: one, the window's.  Memory: owns everything but source and overlay. */
#pragma once

#include <SDL2/SDL.h>

#include "view/camera.h"
#include "view/palette.h"
#include "view/render.h"
#include "view/stage.h"
#include "view/surface.h"
#include "view/world.h"

typedef struct View View;

/// What lies over the scene; functions may be NULL. `draw` is called with the surface's framebuffer bound and a viewport of all of it.
typedef struct Overlay {
    bool (*event)(void *self, View *view, const SDL_Event *event);  // true: it was for the overlay
    bool (*step)(void *self, View *view, double seconds);           // true: something of it moves, draw again
    void (*draw)(void *self, View *view);
    void *self;
} Overlay;

typedef struct ViewDef {
    SurfaceDef surface;
    Source source;
    Overlay overlay;
    PaletteKind palette;
} ViewDef;

struct View {
    World world;
    Source source;
    Overlay overlay;
    Surface *surface;
    Renderer *renderer;
    Stage stage;
    Camera camera;
    CameraLens lens;        // of the frame that is drawn now
    const Palette *palette;
    float scale;            // pixels per point: of text and of everything that is measured by the eye

    int64_t selected, hovered, followed;  // assets, WORLD_NOBODY
    double horizon;         // s at which ghosts are drawn, 0: none
    WhatIf change;          // with which they are drawn
    size_t change_count;    // 0 or 1
    double seconds;         // since the start, for what turns and pulses
    bool touched, closing;
    double told, told_horizon;  // s until the source is told again what is looked at; what it was told
    int64_t told_selected;
    WhatIf told_change;
    size_t told_changes;
};

Err view_create(const ViewDef *def, View **out, ErrText *why);
void view_destroy(View *view);
/// Events, source, and all that moves, without a picture. False when the window is to be closed.
bool view_step(View *view, double seconds);
/// One frame: the same, and the picture where anything in it is new.
bool view_frame(View *view, double seconds);
/// Something has changed: the next frame is drawn even if nothing moves.
void view_touch(View *view);
/// Select an asset, or WORLD_NOBODY.
void view_select(View *view, int64_t asset);
/// Look at one asset, or (WORLD_NOBODY) at all of them.
void view_fly_to(View *view, int64_t asset);
/// The asset that is seen at a pixel, or WORLD_NOBODY.
int64_t view_pick(const View *view, float x, float y);
void view_set_palette(View *view, PaletteKind kind);
