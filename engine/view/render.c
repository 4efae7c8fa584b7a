#include "view/render.h"

#include <cglm/cglm.h>
#include <epoxy/gl.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "view/program.h"

enum { GRID_LINES = 41, GRID_STEPS = 16, BACKDROP = 4, GROUND_VERTICES = BACKDROP + 2 * 2 * GRID_LINES * GRID_STEPS };

static const float SUN[3] = {-0.42F, -0.5F, 0.757F};  // where it stands: behind one's left shoulder as one looks north-east

typedef struct GroundVertex {
    float place[4], tone[4];
} GroundVertex;

struct Renderer {
    GLuint body, shadow, ground;  // programs
    GLuint vertices, indices, instances, quad, ground_vertices;
    GLuint body_array, shadow_array, ground_array;
    size_t instance_bytes;        // of the buffer
    GroundVertex lines[GROUND_VERTICES];
};

// --- buffers -------------------------------------------------------------------------------------------------------

static GLuint make_buffer(GLenum target, const void *bytes, size_t size, GLenum usage)
{
    GLuint buffer;
    glGenBuffers(1, &buffer);
    glBindBuffer(target, buffer);
    glBufferData(target, (GLsizeiptr)size, bytes, usage);
    return buffer;
}

static void attribute(GLuint number, GLint count, GLenum type, GLboolean normalised, size_t stride, size_t offset)
{
    glEnableVertexAttribArray(number);
    glVertexAttribPointer(number, count, type, normalised, (GLsizei)stride, (const void *)(uintptr_t)offset);
}

/* OpenGL 3.3 has no first instance: the pointers begin there. */
static void point_at_instances(uint32_t first, bool colours)
{
    const size_t stride = sizeof(Instance), at = first * stride;
    attribute(4, 4, GL_FLOAT, GL_FALSE, stride, at + offsetof(Instance, place));
    attribute(5, 4, GL_FLOAT, GL_FALSE, stride, at + offsetof(Instance, size));
    if (!colours)
        return;
    attribute(6, 4, GL_FLOAT, GL_FALSE, stride, at + offsetof(Instance, low));
    attribute(7, 4, GL_FLOAT, GL_FALSE, stride, at + offsetof(Instance, marks));
    attribute(8, 4, GL_UNSIGNED_BYTE, GL_TRUE, stride, at + offsetof(Instance, colour));
    attribute(9, 4, GL_UNSIGNED_BYTE, GL_TRUE, stride, at + offsetof(Instance, tint));
}

static void make_bodies(Renderer *renderer, const MeshSet *meshes)
{
    glGenVertexArrays(1, &renderer->body_array);
    glBindVertexArray(renderer->body_array);
    renderer->vertices = make_buffer(GL_ARRAY_BUFFER, meshes->vertices, meshes->vertex_count * sizeof(Vertex), GL_STATIC_DRAW);
    attribute(0, 3, GL_FLOAT, GL_FALSE, sizeof(Vertex), offsetof(Vertex, place));
    attribute(1, 3, GL_FLOAT, GL_FALSE, sizeof(Vertex), offsetof(Vertex, normal));
    attribute(2, 3, GL_FLOAT, GL_FALSE, sizeof(Vertex), offsetof(Vertex, pivot));
    glEnableVertexAttribArray(3);
    glVertexAttribIPointer(3, 2, GL_UNSIGNED_BYTE, sizeof(Vertex), (const void *)offsetof(Vertex, material));
    renderer->indices = make_buffer(GL_ELEMENT_ARRAY_BUFFER, meshes->indices, meshes->index_count * sizeof *meshes->indices, GL_STATIC_DRAW);
    for (GLuint i = 4; i < 10; i++)
        glVertexAttribDivisor(i, 1);
}

static void make_shadows(Renderer *renderer)
{
    static const float corners[] = {-1, -1, 1, -1, -1, 1, 1, 1};
    glGenVertexArrays(1, &renderer->shadow_array);
    glBindVertexArray(renderer->shadow_array);
    renderer->quad = make_buffer(GL_ARRAY_BUFFER, corners, sizeof corners, GL_STATIC_DRAW);
    attribute(0, 2, GL_FLOAT, GL_FALSE, 2 * sizeof(float), 0);
    glVertexAttribDivisor(4, 1);
    glVertexAttribDivisor(5, 1);
}

static void make_ground(Renderer *renderer)
{
    glGenVertexArrays(1, &renderer->ground_array);
    glBindVertexArray(renderer->ground_array);
    renderer->ground_vertices = make_buffer(GL_ARRAY_BUFFER, NULL, sizeof renderer->lines, GL_STREAM_DRAW);
    attribute(0, 4, GL_FLOAT, GL_FALSE, sizeof(GroundVertex), offsetof(GroundVertex, place));
    attribute(1, 4, GL_FLOAT, GL_FALSE, sizeof(GroundVertex), offsetof(GroundVertex, tone));
    glGenBuffers(1, &renderer->instances);
}

Err renderer_create(const MeshSet *meshes, Renderer **out, ErrText *why)
{
    Renderer *renderer = mem_alloc(sizeof *renderer);
    *out = NULL;
    if (!renderer)
        return err_set(why, ERR_MEMORY, "no memory for a renderer");
    Err err = program_link("body", &renderer->body, why);
    if (!err)
        err = program_link("shadow", &renderer->shadow, why);
    if (!err)
        err = program_link("ground", &renderer->ground, why);
    if (err) {
        renderer_destroy(renderer);
        return err;
    }
    make_bodies(renderer, meshes);
    make_shadows(renderer);
    make_ground(renderer);
    *out = renderer;
    return ERR_OK;
}

void renderer_destroy(Renderer *renderer)
{
    if (!renderer)
        return;
    const GLuint buffers[] = {renderer->vertices, renderer->indices, renderer->instances, renderer->quad, renderer->ground_vertices};
    const GLuint arrays[] = {renderer->body_array, renderer->shadow_array, renderer->ground_array},
                 programs[] = {renderer->body, renderer->shadow, renderer->ground};
    glDeleteBuffers(sizeof buffers / sizeof *buffers, buffers);
    glDeleteVertexArrays(sizeof arrays / sizeof *arrays, arrays);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        glDeleteProgram(programs[i]);
    mem_free(renderer);
}

// --- what all programs are told ------------------------------------------------------------------------------------

static void set_colour(GLuint program, const char *name, Colour c, float strength)
{
    glUniform3f(glGetUniformLocation(program, name), c.r * strength, c.g * strength, c.b * strength);
}

static void use(GLuint program, const Stage *stage, const CameraLens *lens)
{
    // the fog begins behind what is looked at, and hides the end of the floor
    float centre[3], radius;
    stage_sphere(stage, NULL, -1, centre, &radius);
    const float near = glm_vec3_distance((float *)lens->eye, centre) + radius;
    glUseProgram(program);
    glUniformMatrix4fv(glGetUniformLocation(program, "both"), 1, GL_FALSE, (const GLfloat *)lens->both);
    glUniform3fv(glGetUniformLocation(program, "eye"), 1, lens->eye);
    glUniform3fv(glGetUniformLocation(program, "sun"), 1, SUN);
    glUniform2f(glGetUniformLocation(program, "fog_range"), near, near + 4 * radius);
}

// --- backdrop and floor --------------------------------------------------------------------------------------------

static void put(GroundVertex *vertex, float x, float y, float z, float w, Colour colour, float alpha)
{
    const Colour c = colour_encode(colour);
    *vertex = (GroundVertex){{x, y, z, w}, {c.r, c.g, c.b, alpha}};
}

/* A distance between lines that reads well: 1, 2 or 5 times a power of ten. */
static float grid_pitch(float wide)
{
    const float rough = wide / 16, power = powf(10, floorf(log10f(rough))), share = rough / power;
    return power * (share < 2 ? 1 : share < 5 ? 2 : 5);
}

static void fill_ground(Renderer *renderer, const Stage *stage, const Palette *palette)
{
    GroundVertex *v = renderer->lines;
    for (int i = 0; i < BACKDROP; i++)
        put(v++, i & 1 ? 1 : -1, i & 2 ? 1 : -1, 0.9999F, 0, i & 2 ? palette->sky : palette->ground, 1);

    float centre[3], radius;
    stage_sphere(stage, NULL, -1, centre, &radius);
    const float pitch = grid_pitch(2 * radius), half = pitch * (GRID_LINES / 2);
    const float middle[2] = {roundf(centre[0] / pitch) * pitch, roundf(centre[1] / pitch) * pitch}, z = stage->low[2];
    for (int way = 0; way < 2; way++)
        for (int line = 0; line < GRID_LINES; line++)
            for (int step = 0; step < 2 * GRID_STEPS; step++) {
                const float across = -half + pitch * (float)line, along = -half + 2 * half * (float)((step + 1) / 2) / GRID_STEPS;
                const float x = middle[0] + (way ? across : along), y = middle[1] + (way ? along : across);
                const float away = hypotf(x - middle[0], y - middle[1]) / half;
                put(v++, x, y, z, 1, palette->grid, fmaxf(1 - away * away, 0));
            }
}

static void draw_ground(Renderer *renderer, const Stage *stage, const CameraLens *lens, const Palette *palette)
{
    fill_ground(renderer, stage, palette);
    use(renderer->ground, stage, lens);
    glBindVertexArray(renderer->ground_array);
    glBindBuffer(GL_ARRAY_BUFFER, renderer->ground_vertices);
    glBufferData(GL_ARRAY_BUFFER, sizeof renderer->lines, renderer->lines, GL_STREAM_DRAW);
    glDepthMask(GL_FALSE);
    glDisable(GL_BLEND);
    glDrawArrays(GL_TRIANGLE_STRIP, 0, BACKDROP);
    glEnable(GL_BLEND);
    glDrawArrays(GL_LINES, BACKDROP, GROUND_VERTICES - BACKDROP);
}

// --- bodies --------------------------------------------------------------------------------------------------------

static void use_bodies(const Renderer *renderer, const Stage *stage, const CameraLens *lens, const Palette *palette)
{
    const bool dark = palette->kind == PALETTE_DARK;
    const GLuint program = renderer->body;
    use(program, stage, lens);
    set_colour(program, "sunlight", palette->light, dark ? 0.55F : 0.75F);
    set_colour(program, "skylight", palette->light, dark ? 0.5F : 0.62F);
    set_colour(program, "shade", palette->shade, dark ? 0.7F : 0.8F);
    set_colour(program, "fog", palette->fog, 1);
    const Colour marks = colour_encode(palette->liquid);
    glUniform3f(glGetUniformLocation(program, "marks"), marks.r, marks.g, marks.b);

    const Colour glow = colour_srgb(0xf2a04a), dark_parts = colour_srgb(dark ? 0x2f3942 : 0x4b555e), pale = colour_srgb(dark ? 0x98a4ae : 0xeef0f1);
    const Colour materials[MATERIAL_COUNT] = {palette->body, palette->metal, dark_parts, pale, palette->liquid, glow, palette->pipe, palette->glass};
    float values[3 * MATERIAL_COUNT];
    for (int i = 0; i < MATERIAL_COUNT; i++)
        memcpy(&values[3 * i], &materials[i], 3 * sizeof(float));
    glUniform3fv(glGetUniformLocation(program, "materials"), MATERIAL_COUNT, values);
}

static void send_instances(Renderer *renderer, const Stage *stage)
{
    const size_t bytes = stage->instance_count * sizeof(Instance);
    if (bytes > renderer->instance_bytes)
        renderer->instance_bytes = bytes + bytes / 2;
    // a new storage each frame: the driver need not wait for the one that it still draws
    glBindBuffer(GL_ARRAY_BUFFER, renderer->instances);
    glBufferData(GL_ARRAY_BUFFER, (GLsizeiptr)renderer->instance_bytes, NULL, GL_STREAM_DRAW);
    glBufferSubData(GL_ARRAY_BUFFER, 0, (GLsizeiptr)bytes, stage->instances);
}

static void draw_level(const MeshSet *meshes, const Draw *draw, bool opaque, bool clear)
{
    const MeshLevel *level = &meshes->meshes[draw->mesh].levels[draw->level];
    const uint32_t first = level->first + (opaque ? 0 : level->opaque_count), count = (opaque ? level->opaque_count : 0) + (clear ? level->clear_count : 0);
    if (count == 0)
        return;
    point_at_instances(draw->first, true);
    glDrawElementsInstanced(GL_TRIANGLES, (GLsizei)count, GL_UNSIGNED_INT, (const void *)(first * sizeof(uint32_t)), (GLsizei)draw->count);
}

static void draw_shadows(const Renderer *renderer, const Stage *stage, const CameraLens *lens, const Palette *palette)
{
    use(renderer->shadow, stage, lens);
    const Colour dark = colour_encode(palette->kind == PALETTE_DARK ? (Colour){0, 0, 0, 1} : palette->shade);
    glUniform4f(glGetUniformLocation(renderer->shadow, "darkness"), dark.r * 0.6F, dark.g * 0.6F, dark.b * 0.6F, palette->kind == PALETTE_DARK ? 0.6F : 0.45F);
    glBindVertexArray(renderer->shadow_array);
    for (size_t i = 0; i < stage->draw_count; i++) {
        if (!stage->draws[i].grounded)
            continue;
        point_at_instances(stage->draws[i].first, false);
        glDrawArraysInstanced(GL_TRIANGLE_STRIP, 0, 4, (GLsizei)stage->draws[i].count);
    }
}

static void draw_bodies(const Renderer *renderer, const Stage *stage, bool ghosts, bool opaque, bool clear)
{
    glBindVertexArray(renderer->body_array);
    for (size_t i = 0; i < stage->draw_count; i++)
        if (stage->draws[i].ghost == ghosts)
            draw_level(&stage->meshes, &stage->draws[i], opaque, clear);
}

void renderer_draw(Renderer *renderer, const Stage *stage, const CameraLens *lens, const Palette *palette)
{
    glDepthMask(GL_TRUE);
    glClear(GL_DEPTH_BUFFER_BIT);  // the backdrop covers every pixel
    glEnable(GL_DEPTH_TEST);
    glEnable(GL_CULL_FACE);
    glBlendFuncSeparate(GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA, GL_ONE, GL_ONE_MINUS_SRC_ALPHA);
    draw_ground(renderer, stage, lens, palette);
    send_instances(renderer, stage);
    draw_shadows(renderer, stage, lens, palette);

    // what is opaque hides what is behind it before that is drawn; what is clear comes last
    glDisable(GL_BLEND);
    glDepthMask(GL_TRUE);
    use_bodies(renderer, stage, lens, palette);
    draw_bodies(renderer, stage, false, true, false);
    glEnable(GL_BLEND);
    glDepthMask(GL_FALSE);
    draw_bodies(renderer, stage, false, false, true);
    draw_bodies(renderer, stage, true, true, true);
    glDepthMask(GL_TRUE);
}
