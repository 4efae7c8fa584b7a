#include "view/canvas.h"

#include <assert.h>
#include <epoxy/gl.h>
#include <math.h>
#include <stddef.h>

enum { QUADS_MAX = 8192 };  // of one draw call

/* A corner of a quad. A box: `place` from its middle, half its extents, its radius, and the width of its frame (0: filled). A glyph: `place` in
 * the picture, and extents below 0. All in pixels. */
typedef struct Corner {
    float x, y;
    float place[2];
    float extent[2], radius, frame;
    uint8_t ink[4];
} Corner;

struct Canvas {
    Glyphs glyphs;
    uint32_t shown;  // the revision of the glyphs' picture that OpenGL has
    GLuint program, array, corners_buffer, index_buffer, texture;
    GLint size_place;
    Corner *corners;
    size_t quads;
    int width, height;  // pixels
};

static const char vertex_source[] =
    "#version 330 core\n"
    "layout(location = 0) in vec2 at;\n"
    "layout(location = 1) in vec2 place_in;\n"
    "layout(location = 2) in vec4 shape_in;\n"
    "layout(location = 3) in vec4 ink_in;\n"
    "uniform vec2 size;\n"
    "out vec2 place;\n"
    "flat out vec4 shape;\n"
    "flat out vec4 ink;\n"
    "void main()\n"
    "{\n"
    "    place = place_in;\n"
    "    shape = shape_in;\n"
    "    ink = ink_in;\n"
    "    gl_Position = vec4(at.x / size.x * 2.0 - 1.0, 1.0 - at.y / size.y * 2.0, 0.0, 1.0);\n"
    "}\n";

// the distance to a rounded box, which a pixel's width around zero is faded over
static const char fragment_source[] =
    "#version 330 core\n"
    "in vec2 place;\n"
    "flat in vec4 shape;\n"
    "flat in vec4 ink;\n"
    "uniform sampler2D glyphs;\n"
    "out vec4 colour;\n"
    "void main()\n"
    "{\n"
    "    float coverage;\n"
    "    if (shape.x < 0.0) {\n"
    "        coverage = texelFetch(glyphs, ivec2(place), 0).r;\n"
    "    } else {\n"
    "        vec2 beyond = abs(place) - shape.xy + shape.z;\n"
    "        float away = length(max(beyond, 0.0)) + min(max(beyond.x, beyond.y), 0.0) - shape.z;\n"
    "        if (shape.w > 0.0)\n"
    "            away = abs(away + 0.5 * shape.w) - 0.5 * shape.w;\n"
    "        coverage = clamp(0.5 - away, 0.0, 1.0);\n"
    "    }\n"
    "    colour = vec4(ink.rgb, ink.a * coverage);\n"
    "}\n";

// Beginning and end.

static Err compile(GLenum kind, const char *source, GLuint program, ErrText *why)
{
    char log[512] = "";
    GLint done = 0;
    const GLuint shader = glCreateShader(kind);
    glShaderSource(shader, 1, &source, NULL);
    glCompileShader(shader);
    glGetShaderiv(shader, GL_COMPILE_STATUS, &done);
    glGetShaderInfoLog(shader, sizeof log, NULL, log);
    glAttachShader(program, shader);
    glDeleteShader(shader);  // with its program
    return done ? ERR_OK : err_set(why, ERR_IO, "OpenGL does not take the canvas's shader: %s", log);
}

static Err link_program(Canvas *canvas, ErrText *why)
{
    GLint done = 0;
    canvas->program = glCreateProgram();
    Err err = compile(GL_VERTEX_SHADER, vertex_source, canvas->program, why);
    if (err == ERR_OK)
        err = compile(GL_FRAGMENT_SHADER, fragment_source, canvas->program, why);
    if (err != ERR_OK)
        return err;
    glLinkProgram(canvas->program);
    glGetProgramiv(canvas->program, GL_LINK_STATUS, &done);
    canvas->size_place = glGetUniformLocation(canvas->program, "size");
    return done ? ERR_OK : err_set(why, ERR_IO, "OpenGL does not link the canvas's shaders");
}

static void attribute(GLuint index, GLint count, GLenum type, GLboolean normalised, size_t offset)
{
    glEnableVertexAttribArray(index);
    glVertexAttribPointer(index, count, type, normalised, sizeof(Corner), (const void *)offset);
}

static Err make_buffers(Canvas *canvas, ErrText *why)
{
    uint32_t *indices = mem_alloc(QUADS_MAX * 6 * sizeof *indices);
    canvas->corners = mem_alloc(QUADS_MAX * 4 * sizeof *canvas->corners);
    if (!indices || !canvas->corners) {
        mem_free(indices);
        return err_set(why, ERR_MEMORY, "no memory for a canvas");
    }
    for (uint32_t quad = 0; quad < QUADS_MAX; quad++) {
        static const uint32_t order[6] = {0, 1, 2, 2, 1, 3};
        for (uint32_t i = 0; i < 6; i++)
            indices[quad * 6 + i] = quad * 4 + order[i];
    }

    glGenVertexArrays(1, &canvas->array);
    glGenBuffers(1, &canvas->corners_buffer);
    glGenBuffers(1, &canvas->index_buffer);
    glBindVertexArray(canvas->array);
    glBindBuffer(GL_ARRAY_BUFFER, canvas->corners_buffer);
    attribute(0, 2, GL_FLOAT, GL_FALSE, offsetof(Corner, x));
    attribute(1, 2, GL_FLOAT, GL_FALSE, offsetof(Corner, place));
    attribute(2, 4, GL_FLOAT, GL_FALSE, offsetof(Corner, extent));
    attribute(3, 4, GL_UNSIGNED_BYTE, GL_TRUE, offsetof(Corner, ink));
    glBindBuffer(GL_ELEMENT_ARRAY_BUFFER, canvas->index_buffer);
    glBufferData(GL_ELEMENT_ARRAY_BUFFER, QUADS_MAX * 6 * sizeof *indices, indices, GL_STATIC_DRAW);
    glBindVertexArray(0);
    mem_free(indices);
    return ERR_OK;
}

static void make_texture(Canvas *canvas)
{
    glGenTextures(1, &canvas->texture);
    glBindTexture(GL_TEXTURE_2D, canvas->texture);
    glTexImage2D(GL_TEXTURE_2D, 0, GL_R8, GLYPHS_SIDE, GLYPHS_SIDE, 0, GL_RED, GL_UNSIGNED_BYTE, NULL);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
}

Err canvas_create(double scale, Canvas **out, ErrText *why)
{
    *out = NULL;
    Canvas *canvas = mem_alloc(sizeof *canvas);
    if (!canvas)
        return err_set(why, ERR_MEMORY, "no memory for a canvas");
    Err err = glyphs_init(&canvas->glyphs, scale, why);
    if (err == ERR_OK)
        err = link_program(canvas, why);
    if (err == ERR_OK)
        err = make_buffers(canvas, why);
    if (err != ERR_OK) {
        canvas_destroy(canvas);
        return err;
    }
    make_texture(canvas);
    *out = canvas;
    return ERR_OK;
}

void canvas_destroy(Canvas *canvas)
{
    if (!canvas)
        return;
    glDeleteTextures(1, &canvas->texture);
    glDeleteBuffers(1, &canvas->index_buffer);
    glDeleteBuffers(1, &canvas->corners_buffer);
    glDeleteVertexArrays(1, &canvas->array);
    glDeleteProgram(canvas->program);
    glyphs_fini(&canvas->glyphs);
    mem_free(canvas->corners);
    mem_free(canvas);
}

Err canvas_rescale(Canvas *canvas, double scale, ErrText *why)
{
    Glyphs glyphs;
    const Err err = glyphs_init(&glyphs, scale, why);
    if (err != ERR_OK)
        return err;
    glyphs_fini(&canvas->glyphs);
    canvas->glyphs = glyphs;
    canvas->shown = 0;
    return ERR_OK;
}

double canvas_scale(const Canvas *canvas)
{
    return canvas->glyphs.scale;
}

// A frame.

static void flush(Canvas *canvas)
{
    if (canvas->quads == 0)
        return;
    if (canvas->shown != canvas->glyphs.revision) {
        glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, GLYPHS_SIDE, GLYPHS_SIDE, GL_RED, GL_UNSIGNED_BYTE, canvas->glyphs.picture);
        canvas->shown = canvas->glyphs.revision;
    }
    glBufferData(GL_ARRAY_BUFFER, (GLsizeiptr)(canvas->quads * 4 * sizeof *canvas->corners), canvas->corners, GL_STREAM_DRAW);
    glDrawElements(GL_TRIANGLES, (GLsizei)(canvas->quads * 6), GL_UNSIGNED_INT, NULL);
    canvas->quads = 0;
}

void canvas_begin(Canvas *canvas, int width, int height)
{
    assert(canvas->quads == 0);
    glyphs_renew(&canvas->glyphs);
    canvas->width = width;
    canvas->height = height;
    glViewport(0, 0, width, height);
    glDisable(GL_DEPTH_TEST);
    glDisable(GL_CULL_FACE);
    glDisable(GL_SCISSOR_TEST);
    glEnable(GL_BLEND);
    glBlendFuncSeparate(GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA, GL_ONE, GL_ONE_MINUS_SRC_ALPHA);
    glUseProgram(canvas->program);
    glUniform2f(canvas->size_place, (float)width, (float)height);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, canvas->texture);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    glBindVertexArray(canvas->array);
    glBindBuffer(GL_ARRAY_BUFFER, canvas->corners_buffer);
}

void canvas_end(Canvas *canvas)
{
    flush(canvas);
    glDisable(GL_SCISSOR_TEST);
    glDisable(GL_BLEND);
    glBindVertexArray(0);
    glUseProgram(0);
}

void canvas_clip(Canvas *canvas, const Box *box)
{
    flush(canvas);
    if (!box) {
        glDisable(GL_SCISSOR_TEST);
        return;
    }
    const double scale = canvas->glyphs.scale;
    const int left = (int)floor(box->x * scale), right = (int)ceil((box->x + box->width) * scale);
    const int top = (int)floor(box->y * scale), bottom = (int)ceil((box->y + box->height) * scale);
    glEnable(GL_SCISSOR_TEST);
    glScissor(left, canvas->height - bottom, right > left ? right - left : 0, bottom > top ? bottom - top : 0);
}

// Quads.

/* The next four corners, all of one ink and shape: left top, right top, left bottom, right bottom. */
static Corner *add_quad(Canvas *canvas, Ink ink, Corner shape)
{
    if (canvas->quads == QUADS_MAX)
        flush(canvas);
    Corner *quad = &canvas->corners[canvas->quads++ * 4];
    for (int i = 0; i < 4; i++)
        shape.ink[i] = (uint8_t)(ink >> (24 - 8 * i));
    for (int i = 0; i < 4; i++)
        quad[i] = shape;
    return quad;
}

static float snap(const Canvas *canvas, float units)
{
    return roundf(units * (float)canvas->glyphs.scale);
}

static void add_box(Canvas *canvas, Box box, float radius, float frame, Ink ink)
{
    const float left = snap(canvas, box.x), right = snap(canvas, box.x + box.width), top = snap(canvas, box.y), bottom = snap(canvas, box.y + box.height);
    const float half[2] = {(right - left) / 2, (bottom - top) / 2}, middle[2] = {(left + right) / 2, (top + bottom) / 2};
    if (half[0] <= 0 || half[1] <= 0)
        return;
    const float round = fminf(radius * (float)canvas->glyphs.scale, fminf(half[0], half[1]));
    Corner *quad = add_quad(canvas, ink, (Corner){.extent = {half[0], half[1]}, .radius = round, .frame = frame});
    for (int i = 0; i < 4; i++) {
        quad[i].place[0] = i & 1 ? half[0] : -half[0];
        quad[i].place[1] = i & 2 ? half[1] : -half[1];
        quad[i].x = middle[0] + quad[i].place[0];
        quad[i].y = middle[1] + quad[i].place[1];
    }
}

void canvas_box(Canvas *canvas, Box box, float radius, Ink ink)
{
    add_box(canvas, box, radius, 0, ink);
}

void canvas_frame(Canvas *canvas, Box box, float radius, float width, Ink ink)
{
    add_box(canvas, box, radius, fmaxf(snap(canvas, width), 1), ink);
}

/* A rounded box that lies along the line, and a pixel more all around for its edge to fade in. */
static void add_segment(Canvas *canvas, Spot from, Spot to, float width, Ink ink)
{
    const float scale = (float)canvas->glyphs.scale, half = fmaxf(width * scale, 1) / 2;
    const float x = (to.x - from.x) * scale, y = (to.y - from.y) * scale, length = hypotf(x, y);
    const float along[2] = {length > 0 ? x / length : 1, length > 0 ? y / length : 0};
    const float middle[2] = {(from.x + to.x) / 2 * scale, (from.y + to.y) / 2 * scale}, extent = length / 2 + half;
    Corner *quad = add_quad(canvas, ink, (Corner){.extent = {extent, half}, .radius = half});
    for (int i = 0; i < 4; i++) {
        const float u = i & 1 ? extent + 1 : -extent - 1, v = i & 2 ? half + 1 : -half - 1;
        quad[i].place[0] = u;
        quad[i].place[1] = v;
        quad[i].x = middle[0] + along[0] * u - along[1] * v;
        quad[i].y = middle[1] + along[1] * u + along[0] * v;
    }
}

void canvas_path(Canvas *canvas, const Spot *spots, size_t count, float width, Ink ink)
{
    for (size_t i = 1; i < count; i++)
        add_segment(canvas, spots[i - 1], spots[i], width, ink);
}

void canvas_band(Canvas *canvas, const Spot *low, const Spot *high, size_t count, Ink ink)
{
    const float scale = (float)canvas->glyphs.scale, inside = 1e6f;
    for (size_t i = 1; i < count; i++) {
        Corner *quad = add_quad(canvas, ink, (Corner){.extent = {inside, inside}});
        const Spot corners[4] = {high[i - 1], high[i], low[i - 1], low[i]};
        for (int k = 0; k < 4; k++) {
            quad[k].x = corners[k].x * scale;
            quad[k].y = corners[k].y * scale;
        }
    }
}

static void add_glyph(Canvas *canvas, const Glyph *glyph, float x, float y, Ink ink)
{
    Corner *quad = add_quad(canvas, ink, (Corner){.extent = {-1, -1}});
    for (int i = 0; i < 4; i++) {
        const float u = i & 1 ? glyph->width : 0, v = i & 2 ? glyph->height : 0;
        quad[i].place[0] = glyph->x + u;
        quad[i].place[1] = glyph->y + v;
        quad[i].x = x + u;
        quad[i].y = y + v;
    }
}

float canvas_text(Canvas *canvas, float x, float y, Face face, Ink ink, const char *text)
{
    float pen = snap(canvas, x);
    const float top = snap(canvas, y);
    for (uint32_t code; (code = utf8_next(&text)) != 0;) {
        const Glyph *glyph = glyphs_find(&canvas->glyphs, face, code);
        if (glyph->width > 0)
            add_glyph(canvas, glyph, pen + glyph->left, top, ink);
        pen += glyph->advance;
    }
    return pen / (float)canvas->glyphs.scale;
}

float canvas_text_width(Canvas *canvas, Face face, const char *text)
{
    return (float)(glyphs_width(&canvas->glyphs, face, text) / canvas->glyphs.scale);
}

float canvas_text_height(const Canvas *canvas, Face face)
{
    return (float)(canvas->glyphs.height[face] / canvas->glyphs.scale);
}
