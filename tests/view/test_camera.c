/* The camera: motions that come to rest without overshoot, whatever the frame rate, and rays that lead back to where places are seen. */
#include <math.h>

#include "base/random.h"
#include "kit/kit.h"
#include "view/camera.h"

enum { WIDTH = 1280, HEIGHT = 720 };

static Camera at_rest(void)
{
    Camera camera;
    camera_init(&camera);
    return camera;
}

START_TEST(a_motion_comes_to_rest_without_overshoot)
{
    Camera camera = at_rest();
    camera_follow(&camera, (const float[]){10, 0, 0});
    float before = camera.pose.target[0];
    int steps = 0;
    for (; camera_step(&camera, 1.0F / 60); steps++) {
        ck_assert_float_ge(camera.pose.target[0], before);
        ck_assert_float_le(camera.pose.target[0], 10 + 1e-3F);
        before = camera.pose.target[0];
        ck_assert_int_lt(steps, 1000);
    }
    ck_assert_float_eq_tol(camera.pose.target[0], 10, 1e-3F);
}
END_TEST

/* The spring is exact over a step, so many small steps lead where one large one does. */
START_TEST(the_frame_rate_does_not_matter)
{
    Camera slow = at_rest(), fast = at_rest();
    camera_orbit(&slow, 1, 0.2F);
    camera_orbit(&fast, 1, 0.2F);
    camera_zoom(&slow, 3);
    camera_zoom(&fast, 3);
    camera_step(&slow, 0.24F);
    for (int i = 0; i < 24; i++)
        camera_step(&fast, 0.01F);
    ck_assert_float_eq_tol(slow.pose.yaw, fast.pose.yaw, 1e-4F);
    ck_assert_float_eq_tol(slow.pose.pitch, fast.pose.pitch, 1e-4F);
    ck_assert_float_eq_tol(slow.pose.distance, fast.pose.distance, 1e-3F);
}
END_TEST

/* x'' + 2 w x' + w^2 x = 0 from rest at -1: x = -(1 + w t) e^-wt. */
START_TEST(the_spring_follows_its_closed_form)
{
    Camera camera = at_rest();
    const float w = 6 / camera.smooth, t = 0.15F, from = camera.pose.yaw;
    camera_orbit(&camera, 1, 0);
    camera_step(&camera, t);
    ck_assert_float_eq_tol(camera.pose.yaw, from + 1 - (1 + w * t) * expf(-w * t), 1e-5F);
}
END_TEST

START_TEST(without_smoothing_it_is_there_at_once)
{
    Camera camera = at_rest();
    camera.smooth = 0;
    camera_zoom(&camera, 2);
    ck_assert(!camera_step(&camera, 0.01F));
    ck_assert_float_eq(camera.pose.distance, camera.goal.distance);
}
END_TEST

START_TEST(a_ray_leads_through_where_a_place_is_seen)
{
    Camera camera = at_rest();
    for (int i = 0; i < 200; i++) {
        CameraLens lens;
        float at[2], origin[3], direction[3], along = 0, off = 0;
        camera_orbit(&camera, 0.37F, i % 2 ? 0.1F : -0.1F);
        camera_settle(&camera);
        camera_lens(&camera, WIDTH, HEIGHT, 100, &lens);

        float place[3];
        for (int k = 0; k < 3; k++)
            place[k] = (float)(random_uniform(1, (uint64_t)i, (uint64_t)k) * 8 - 4);
        ck_assert(lens_project(&lens, place, at, NULL));
        lens_ray(&lens, at[0], at[1], origin, direction);
        for (int k = 0; k < 3; k++)
            along += (place[k] - origin[k]) * direction[k];
        for (int k = 0; k < 3; k++)
            off += powf(origin[k] + along * direction[k] - place[k], 2);
        ck_assert_float_lt(sqrtf(off), 1e-3F * along);
    }
}
END_TEST

START_TEST(what_lies_behind_is_not_seen)
{
    Camera camera = at_rest();
    CameraLens lens;
    float at[2];
    camera_lens(&camera, WIDTH, HEIGHT, 100, &lens);
    const float behind[3] = {2 * lens.eye[0], 2 * lens.eye[1], 2 * lens.eye[2]};
    ck_assert(!lens_project(&lens, behind, at, NULL));
}
END_TEST

/* All corners of a box lie within the share of the picture that it may take, and one of them at its edge. */
START_TEST(flying_to_a_box_fills_the_picture_with_it)
{
    const float low[3] = {-40, -3, 0}, high[3] = {90, 22, 14}, fill = 0.9F;
    Camera camera = at_rest();
    CameraLens lens;
    float widest = 0;
    camera_fly_to(&camera, low, high, (float)WIDTH / HEIGHT, fill);
    camera_settle(&camera);
    camera_lens(&camera, WIDTH, HEIGHT, 1000, &lens);
    for (int corner = 0; corner < 8; corner++) {
        float place[3], at[2];
        for (int k = 0; k < 3; k++)
            place[k] = corner >> k & 1 ? high[k] : low[k];
        ck_assert(lens_project(&lens, place, at, NULL));
        widest = fmaxf(widest, fmaxf(fabsf(2 * at[0] / WIDTH - 1), fabsf(2 * at[1] / HEIGHT - 1)));
    }
    ck_assert_float_eq_tol(widest, fill, 1e-3F);
}
END_TEST

START_TEST(panning_by_the_height_of_the_picture_moves_the_target_out_of_it)
{
    Camera camera = at_rest();
    CameraLens lens;
    float at[2];
    const float before[3] = {camera.pose.target[0], camera.pose.target[1], camera.pose.target[2]};
    camera_pan(&camera, 0.5F, 0);
    camera_settle(&camera);
    camera_lens(&camera, WIDTH, HEIGHT, 100, &lens);
    ck_assert(lens_project(&lens, before, at, NULL));
    ck_assert_float_eq_tol(at[0], WIDTH / 2.0F - HEIGHT / 2.0F, 1);
    ck_assert_float_eq_tol(at[1], HEIGHT / 2.0F, 1);
}
END_TEST

START_TEST(the_ground_is_met_from_above_alone)
{
    float at[3];
    ck_assert(ray_meets_ground((const float[]){0, 0, 10}, (const float[]){0.6F, 0, -0.8F}, 0, at));
    ck_assert_float_eq_tol(at[0], 7.5F, 1e-5F);
    ck_assert(!ray_meets_ground((const float[]){0, 0, 10}, (const float[]){0.6F, 0, 0.8F}, 0, at));
    ck_assert(!ray_meets_ground((const float[]){0, 0, 10}, (const float[]){1, 0, 0}, 0, at));
}
END_TEST

KIT_MAIN("view.camera", a_motion_comes_to_rest_without_overshoot, the_frame_rate_does_not_matter, the_spring_follows_its_closed_form, without_smoothing_it_is_there_at_once,
         a_ray_leads_through_where_a_place_is_seen, what_lies_behind_is_not_seen, flying_to_a_box_fills_the_picture_with_it, panning_by_the_height_of_the_picture_moves_the_target_out_of_it,
         the_ground_is_met_from_above_alone)
