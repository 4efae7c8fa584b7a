/* canvas.h -- flat drawing over the scene: boxes, lines, bands and text, gathered into one batch.
 *
 * Places are in units from the top left corner; a unit is Glyphs.scale pixels. Edges of boxes and lines of text are put on whole pixels, so that
 * they are sharp at any scale. Everything is a quad: boxes and lines are coverages of a rounded box in the fragment shader, glyphs are copied texel
 * by texel, and what is drawn later lies above.
 *
 * Takes: shapes and inks.  Gives: draw calls of OpenGL 3.3.
 * Memory: its own.  Threads: that of the current OpenGL context. */
#pragma once

#include "view/glyphs.h"
#include "view/theme.h"

typedef struct Box {
    float x, y, width, height;
} Box;

typedef struct Spot {
    float x, y;
} Spot;

typedef struct Canvas Canvas;

/// ERR_IO: the driver says why. With an OpenGL context that is current until canvas_destroy.
Err canvas_create(double scale, Canvas **out, ErrText *why);
void canvas_destroy(Canvas *canvas);
/// Another scale, between two frames.
Err canvas_rescale(Canvas *canvas, double scale, ErrText *why);
double canvas_scale(const Canvas *canvas);

/// A frame of so many pixels; until canvas_end no one else draws. Depth, culling and scissors are off behind it.
void canvas_begin(Canvas *canvas, int width, int height);
void canvas_end(Canvas *canvas);
/// Nothing is drawn outside of `box` from now on; NULL: everywhere again.
void canvas_clip(Canvas *canvas, const Box *box);

void canvas_box(Canvas *canvas, Box box, float radius, Ink ink);
/// The inner edge of a box, `width` wide (a pixel at least).
void canvas_frame(Canvas *canvas, Box box, float radius, float width, Ink ink);
/// A line with round ends through `count` spots. Its joints overlap: use an opaque ink.
void canvas_path(Canvas *canvas, const Spot *spots, size_t count, float width, Ink ink);
/// What lies between two lines, of `count` spots each.
void canvas_band(Canvas *canvas, const Spot *low, const Spot *high, size_t count, Ink ink);
/// A line of UTF-8 with its top left corner at (x, y). The x behind it.
float canvas_text(Canvas *canvas, float x, float y, Face face, Ink ink, const char *text);

float canvas_text_width(Canvas *canvas, Face face, const char *text);
float canvas_text_height(const Canvas *canvas, Face face);

static inline bool box_holds(Box box, float x, float y)
{
    return x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
}
static inline Box box_inset(Box box, float by)
{
    return (Box){box.x + by, box.y + by, box.width - 2 * by, box.height - 2 * by};
}
static inline bool boxes_meet(Box a, Box b)
{
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
