/* glyphs.h -- letters as pixels.
 *
 * Each glyph is drawn once, by FreeType, at the exact size in pixels at which it is shown, and kept in one picture of coverages. Whoever shows it
 * copies pixel to pixel, so text is as sharp at a scale of 1.5 as it is at 1. When the picture is full it begins anew.
 *
 * Takes: code points, a scale.  Gives: places in the picture.
 * Memory: its own.  Threads: one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

typedef enum Face { FACE_SMALL, FACE_TEXT, FACE_STRONG, FACE_TITLE, FACE_COUNT } Face;

enum { GLYPHS_SIDE = 1024 };  // pixels of the picture

typedef struct Glyph {
    uint16_t x, y, width, height;  // in the picture
    int16_t left;                  // from the pen to the picture's left edge; its top is the line's
    int16_t advance;
} Glyph;

typedef struct Glyphs {
    void *fonts[FACE_COUNT];
    double scale;
    int ascent[FACE_COUNT], height[FACE_COUNT];  // pixels of a line
    struct GlyphSlot *slots;
    uint8_t *picture;    // GLYPHS_SIDE squared coverages, row by row
    uint32_t count, shelf_x, shelf_y, shelf_height;
    uint32_t revision;   // rises whenever the picture has changed
    bool full;           // something found no room: glyphs_renew between two frames
} Glyphs;

/// Faces are 12 to 18 units high, and a unit is `scale` pixels, 0.5 to 4. ERR_IO: SDL_ttf says why.
Err glyphs_init(Glyphs *glyphs, double scale, ErrText *why);
void glyphs_fini(Glyphs *glyphs);
/// Forget all glyphs if the picture was full. What glyphs_find has given is void.
void glyphs_renew(Glyphs *glyphs);

/// Where a glyph is; one without pixels where the picture has no room for it. Valid until glyphs_renew.
const Glyph *glyphs_find(Glyphs *glyphs, Face face, uint32_t code);
/// How wide a line of UTF-8 is, in pixels.
int glyphs_width(Glyphs *glyphs, Face face, const char *text);

/// The code point at `*text`, which goes on behind it; U+FFFD for bytes that are none, 0 at the end.
uint32_t utf8_next(const char **text);
