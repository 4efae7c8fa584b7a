/* Culling against brute force: what has a corner in the picture is never left out, and what is left out has none. */
#include <math.h>

#include "kit/kit.h"
#include "view/cull.h"

enum { SPHERES = 4000, POINTS = 64 };

static CameraLens lens_of(float yaw, float pitch)
{
    Camera camera;
    CameraLens lens;
    camera_init(&camera);
    camera.goal = (CameraPose){.yaw = yaw, .pitch = pitch, .distance = 50};
    camera_settle(&camera);
    camera_lens(&camera, 1280, 720, 200, &lens);
    return lens;
}

static bool is_in_picture(const CameraLens *lens, const float place[3])
{
    float at[2], depth;
    return lens_project(lens, place, at, &depth) && at[0] >= 0 && at[0] <= 1280 && at[1] >= 0 && at[1] <= 720 && depth >= lens->near_plane && depth <= lens->far_plane;
}

static void sphere_at(uint64_t i, float centre[3], float *radius)
{
    for (uint64_t k = 0; k < 3; k++)
        centre[k] = (float)(random_uniform(7, i, k) * 400 - 200);
    *radius = (float)(0.1 + 10 * random_uniform(7, i, 3));
}

/* Points on and in a sphere, evenly enough. */
static bool any_point_is_seen(const CameraLens *lens, uint64_t i, const float centre[3], float radius)
{
    if (is_in_picture(lens, centre))
        return true;
    for (uint64_t p = 0; p < POINTS; p++) {
        float arm[3], length = 0, place[3];
        for (uint64_t k = 0; k < 3; k++) {
            arm[k] = (float)random_normal(9, i * POINTS + p, k);
            length += arm[k] * arm[k];
        }
        for (int k = 0; k < 3; k++)
            place[k] = centre[k] + 0.999F * radius * arm[k] / sqrtf(length);
        if (is_in_picture(lens, place))
            return true;
    }
    return false;
}

START_TEST(nothing_that_is_seen_is_left_out)
{
    size_t seen = 0, left_out = 0;
    for (int view = 0; view < 4; view++) {
        const CameraLens lens = lens_of((float)view * 1.7F, 0.3F + 0.3F * (float)view);
        Frustum frustum;
        frustum_of(&lens, &frustum);
        for (uint64_t i = 0; i < SPHERES; i++) {
            float centre[3], radius;
            sphere_at(i, centre, &radius);
            const bool meets = frustum_meets(&frustum, centre, radius), is_seen = any_point_is_seen(&lens, i, centre, radius);
            ck_assert(meets || !is_seen);
            seen += is_seen;
            left_out += !meets;
        }
    }
    // both happen, and most of what is not seen is left out
    ck_assert_uint_gt(seen, 1000);
    ck_assert_uint_gt(left_out, 8 * (4 * SPHERES - seen) / 10);
}
END_TEST

/* A sphere that is looked at: its edge is seen as far from its middle as is said. */
START_TEST(sizes_are_those_of_the_picture)
{
    const CameraLens lens = lens_of(0.4F, 0.5F);
    Frustum frustum;
    float middle[2], edge[2];
    frustum_of(&lens, &frustum);
    const float centre[3] = {0, 0, 0}, radius = 0.5F;
    const float side[3] = {radius * frustum.right[0], radius * frustum.right[1], radius * frustum.right[2]};
    ck_assert(lens_project(&lens, centre, middle, NULL));
    ck_assert(lens_project(&lens, side, edge, NULL));
    ck_assert_float_eq_tol(edge[0] - middle[0], frustum_pixels(&frustum, centre, radius), 0.01F);
}
END_TEST

START_TEST(what_is_farther_is_drawn_no_finer)
{
    const CameraLens lens = lens_of(0.4F, 0.5F);
    Frustum frustum;
    int before = 0;
    frustum_of(&lens, &frustum);
    for (float way = 1; way < 2000; way *= 1.2F) {
        float centre[3];
        for (int k = 0; k < 3; k++)
            centre[k] = frustum.eye[k] + way * frustum.forward[k];
        const int level = frustum_level(&frustum, centre, 1);
        ck_assert_int_ge(level, before);
        before = level;
    }
    ck_assert_int_eq(before, 2);
}
END_TEST

KIT_MAIN("view.cull", nothing_that_is_seen_is_left_out, sizes_are_those_of_the_picture, what_is_farther_is_drawn_no_finer)
