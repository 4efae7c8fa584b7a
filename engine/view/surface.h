/* surface.h -- where frames are drawn: a window, or nothing that anybody sees.
 *
 * SDL2 opens both: without a display its driver "offscreen" gives OpenGL through EGL. Whatever the display, frames go into framebuffers of our own,
 * which have the depth and the samples that we want, and of which pictures are taken.
 *
 * Takes: SDL2, OpenGL 3.3 core by libepoxy, libpng.  Gives: Surface.  Threads: the one that opened it.  Memory: its own. */
#pragma once

#include "base/base.h"

typedef struct SurfaceDef {
    const char *title;
    int width, height;  // points; 0: 1280 x 720
    float scale;        // pixels per point; 0: the display's
    bool hidden;        // no window: pictures and tests
} SurfaceDef;

typedef struct Surface Surface;

/// ERR_IO with a text for people: no display, no OpenGL 3.3.
Err surface_open(const SurfaceDef *def, Surface **out, ErrText *why);
void surface_close(Surface *surface);

/// Pixels, and how many there are per point.
void surface_size(const Surface *surface, int *width, int *height, float *scale);
/// Another size, for who draws without a window.
Err surface_resize(Surface *surface, int width, int height, ErrText *why);
/// The window may have another size now.
Err surface_follow(Surface *surface, ErrText *why);
/// Draw from now on. `smooth`: with several samples per pixel, so that edges are.
void surface_begin(Surface *surface, bool smooth);
/// Whether the processor draws, who thinks twice about every pixel.
bool surface_is_software(const Surface *surface);
/// Flatten what was drawn: behind it single-sampled things are drawn on top, text and panels.
void surface_flatten(Surface *surface);
/// Show it.
void surface_end(Surface *surface);
/// The frame as it was shown last: width * height * 4 bytes, red first, upper line first, mem_free'd by the caller.
unsigned char *surface_pixels(Surface *surface);
/// The same as a PNG file.
Err surface_save(Surface *surface, const char *path, ErrText *why);
/// Who draws: OpenGL's version and renderer, for people. A view.
const char *surface_renderer(const Surface *surface);
/// The SDL_Window, for who wants its events and its clipboard.
void *surface_window(const Surface *surface);
