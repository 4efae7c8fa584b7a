/* render.h -- draws a stage: OpenGL 3.3 core, one draw for each mesh and level.
 *
 * Light is reckoned at the corners of triangles: a soft light from above, what the ground throws back, one sun. Shadows are soft patches under bodies. Nothing
 * is drawn twice, there is no second pass, so a renderer in software keeps up.
 *
 * Takes: a Stage that is composed, a framebuffer that is bound.  Gives: pixels.
 * Memory: buffers of the graphics driver.  Threads: the one that has the context. */
#pragma once

#include "view/stage.h"

typedef struct Renderer Renderer;

/// ERR_IO with what the driver says about a shader.
Err renderer_create(const MeshSet *meshes, Renderer **out, ErrText *why);
void renderer_destroy(Renderer *renderer);
/// Draw backdrop, floor and everything that is composed.
void renderer_draw(Renderer *renderer, const Stage *stage, const CameraLens *lens, const Palette *palette);
