#include "view/shapes.h"

#include <math.h>

/* Shapes are thought along z; a cyclic change of axes keeps their handedness. */
static void along(Axis axis, const float in[3], float out[3])
{
    const int shift = axis == AXIS_Z ? 0 : axis == AXIS_X ? 1 : 2;
    for (int i = 0; i < 3; i++)
        out[(i + shift) % 3] = in[i];
}

/* Room for `count` more of `size` bytes; false, and the set has failed, without. */
static bool make_room(MeshSet *set, void **items, size_t size, size_t used, size_t count, size_t *room)
{
    if (used + count <= *room)
        return !set->failed;
    const size_t wanted = *room ? 2 * *room : 3 * 4096;
    void *grown = set->failed ? NULL : mem_grow(*items, *room * size, wanted * size);
    set->failed |= !grown;
    if (!grown)
        return false;
    *items = grown;
    *room = wanted;
    return true;
}

static uint32_t put_vertex(MeshSet *set, const Vertex *vertex)
{
    if (!make_room(set, (void **)&set->vertices, sizeof *vertex, set->vertex_count, 1, &set->vertex_room))
        return 0;
    set->vertices[set->vertex_count] = *vertex;
    return (uint32_t)set->vertex_count++;
}

static void put_triangle(MeshSet *set, uint32_t a, uint32_t b, uint32_t c)
{
    if (!make_room(set, (void **)&set->indices, sizeof *set->indices, set->index_count, 3, &set->index_room))
        return;
    const uint32_t corners[] = {a, b, c};
    for (size_t i = 0; i < 3; i++)
        set->indices[set->index_count++] = corners[i];
}

static uint32_t add_vertex(const Brush *brush, const float foot[3], float x, float y, float z, float nx, float ny, float nz)
{
    Vertex vertex = {.material = (uint8_t)brush->material, .motion = (uint8_t)brush->motion};
    const float length = sqrtf(nx * nx + ny * ny + nz * nz);
    along(brush->axis, (const float[]){x, y, z}, vertex.place);
    along(brush->axis, (const float[]){nx / length, ny / length, nz / length}, vertex.normal);
    for (int i = 0; i < 3; i++) {
        vertex.place[i] += foot[i];
        vertex.pivot[i] = brush->pivot[i];
    }
    return put_vertex(brush->set, &vertex);
}

static void add_triangle(const Brush *brush, uint32_t a, uint32_t b, uint32_t c)
{
    put_triangle(brush->set, a, b, c);
}

static const float origin[3] = {0, 0, 0};

/* Four corners, counter-clockwise seen from where the normal points. */
static void add_quad(const Brush *brush, const float corners[4][3], const float normal[3])
{
    uint32_t at[4];
    for (size_t i = 0; i < 4; i++)
        at[i] = add_vertex(brush, origin, corners[i][0], corners[i][1], corners[i][2], normal[0], normal[1], normal[2]);
    add_triangle(brush, at[0], at[1], at[2]);
    add_triangle(brush, at[0], at[2], at[3]);
}

void shape_box(const Brush *original, float x0, float y0, float z0, float x1, float y1, float z1)
{
    Brush brush = *original;
    brush.axis = AXIS_Z;
    add_quad(&brush, (const float[4][3]){{x0, y0, z0}, {x0, y1, z0}, {x1, y1, z0}, {x1, y0, z0}}, (const float[]){0, 0, -1});
    add_quad(&brush, (const float[4][3]){{x0, y0, z1}, {x1, y0, z1}, {x1, y1, z1}, {x0, y1, z1}}, (const float[]){0, 0, 1});
    add_quad(&brush, (const float[4][3]){{x0, y0, z0}, {x1, y0, z0}, {x1, y0, z1}, {x0, y0, z1}}, (const float[]){0, -1, 0});
    add_quad(&brush, (const float[4][3]){{x0, y1, z0}, {x0, y1, z1}, {x1, y1, z1}, {x1, y1, z0}}, (const float[]){0, 1, 0});
    add_quad(&brush, (const float[4][3]){{x0, y0, z0}, {x0, y0, z1}, {x0, y1, z1}, {x0, y1, z0}}, (const float[]){-1, 0, 0});
    add_quad(&brush, (const float[4][3]){{x1, y0, z0}, {x1, y1, z0}, {x1, y1, z1}, {x1, y0, z1}}, (const float[]){1, 0, 0});
}

void shape_roof(const Brush *original, float x0, float y0, float z0, float x1, float y1, float z1)
{
    Brush brush = *original;
    brush.axis = AXIS_Z;
    const float middle = (x0 + x1) / 2, rise = z1 - z0, half = (x1 - x0) / 2;
    add_quad(&brush, (const float[4][3]){{x0, y0, z0}, {x0, y1, z0}, {x1, y1, z0}, {x1, y0, z0}}, (const float[]){0, 0, -1});
    add_quad(&brush, (const float[4][3]){{x0, y1, z0}, {x0, y0, z0}, {middle, y0, z1}, {middle, y1, z1}}, (const float[]){-rise, 0, half});
    add_quad(&brush, (const float[4][3]){{x1, y0, z0}, {x1, y1, z0}, {middle, y1, z1}, {middle, y0, z1}}, (const float[]){rise, 0, half});

    const float ends[2] = {y0, y1};
    for (int i = 0; i < 2; i++) {
        const float out = i ? 1 : -1;
        const uint32_t a = add_vertex(&brush, origin, x0, ends[i], z0, 0, out, 0), b = add_vertex(&brush, origin, x1, ends[i], z0, 0, out, 0),
                       c = add_vertex(&brush, origin, middle, ends[i], z1, 0, out, 0);
        add_triangle(&brush, i ? b : a, i ? a : b, c);
    }
}

/* The flat end of something round, at height `z`; `up` says where it looks. */
static void add_disc(const Brush *brush, const float foot[3], float radius, float z, float up)
{
    const uint32_t middle = add_vertex(brush, foot, 0, 0, z, 0, 0, up);
    uint32_t before = 0;
    for (int i = 0; i <= brush->segments; i++) {
        const float angle = 2 * (float)M_PI * (float)(i % brush->segments) / (float)brush->segments;
        const uint32_t here = add_vertex(brush, foot, radius * cosf(angle), radius * sinf(angle), z, 0, 0, up);
        if (i > 0)
            add_triangle(brush, middle, up > 0 ? before : here, up > 0 ? here : before);
        before = here;
    }
}

/* A band around the axis between two circles; `out` is 1 for an outside, -1 for an inside. Normals have the slope at both ends. */
static void add_band(const Brush *brush, const float foot[3], const float radius[2], const float z[2], const float slope[2], float out)
{
    uint32_t low_before = 0, high_before = 0;
    for (int i = 0; i <= brush->segments; i++) {
        const float angle = 2 * (float)M_PI * (float)(i % brush->segments) / (float)brush->segments, c = cosf(angle), s = sinf(angle);
        const uint32_t low = add_vertex(brush, foot, radius[0] * c, radius[0] * s, z[0], out * c, out * s, out * slope[0]);
        const uint32_t high = add_vertex(brush, foot, radius[1] * c, radius[1] * s, z[1], out * c, out * s, out * slope[1]);
        if (i > 0 && radius[0] > 0)
            add_triangle(brush, low_before, out > 0 ? low : high, out > 0 ? high : low);
        if (i > 0 && radius[1] > 0)
            add_triangle(brush, low_before, out > 0 ? high : high_before, out > 0 ? high_before : high);
        low_before = low;
        high_before = high;
    }
}

void shape_frustum(const Brush *brush, const float foot[3], float radius, float top_radius, float length)
{
    const float slope = (radius - top_radius) / length;
    if (radius > 0)
        add_disc(brush, foot, radius, 0, -1);
    add_band(brush, foot, (const float[]){radius, top_radius}, (const float[]){0, length}, (const float[]){slope, slope}, 1);
    if (top_radius > 0)
        add_disc(brush, foot, top_radius, length, 1);
}

void shape_cylinder(const Brush *brush, const float foot[3], float radius, float length)
{
    shape_frustum(brush, foot, radius, radius, length);
}

void shape_dome(const Brush *brush, const float foot[3], float radius, float height)
{
    const int rings = brush->segments >= 16 ? 4 : 2;
    add_disc(brush, foot, radius, 0, -1);
    for (int i = 0; i < rings; i++) {
        const float low = (float)M_PI_2 * (float)i / (float)rings, high = (float)M_PI_2 * (float)(i + 1) / (float)rings;
        const float radii[] = {radius * cosf(low), i + 1 < rings ? radius * cosf(high) : 0};
        // the normal of an ellipsoid: (cos / radius, sin / height)
        const float slopes[] = {tanf(low) * radius / height, i + 1 < rings ? tanf(high) * radius / height : 1e3F};
        add_band(brush, foot, radii, (const float[]){height * sinf(low), height * sinf(high)}, slopes, 1);
    }
}

void shape_ring(const Brush *brush, const float foot[3], float outer, float inner, float height)
{
    const float z[] = {0, height}, flat[] = {0, 0};
    add_band(brush, foot, (const float[]){outer, outer}, z, flat, 1);
    add_band(brush, foot, (const float[]){inner, inner}, z, flat, -1);

    // the two flat sides, between the circles
    for (int side = 0; side < 2; side++) {
        const float up = side ? 1 : -1, level = side ? height : 0;
        uint32_t out_before = 0, in_before = 0;
        for (int i = 0; i <= brush->segments; i++) {
            const float angle = 2 * (float)M_PI * (float)(i % brush->segments) / (float)brush->segments, c = cosf(angle), s = sinf(angle);
            const uint32_t out = add_vertex(brush, foot, outer * c, outer * s, level, 0, 0, up),
                           in = add_vertex(brush, foot, inner * c, inner * s, level, 0, 0, up);
            if (i > 0) {
                add_triangle(brush, in_before, up > 0 ? out_before : out, up > 0 ? out : out_before);
                add_triangle(brush, in_before, up > 0 ? out : in, up > 0 ? in : out);
            }
            out_before = out;
            in_before = in;
        }
    }
}

void shape_triangle(MeshSet *set, const Vertex corners[3])
{
    uint32_t at[3];
    for (size_t i = 0; i < 3; i++) {
        Vertex corner = corners[i];
        const float *n = corner.normal, length = fmaxf(sqrtf(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]), 1e-6F);
        for (int k = 0; k < 3; k++)
            corner.normal[k] /= length;
        at[i] = put_vertex(set, &corner);
    }
    put_triangle(set, at[0], at[1], at[2]);
}
