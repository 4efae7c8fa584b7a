#include "view/camera.h"

#include <assert.h>
#include <cglm/cglm.h>
#include <math.h>

static const float AT_REST = 1e-4F;  // of a share of the distance, of an angle, of its logarithm

void camera_init(Camera *camera)
{
    *camera = (Camera){.goal = {.yaw = 0.42F, .pitch = 0.46F, .distance = 30}, .field = 0.6F, .smooth = 0.6F};
    camera_settle(camera);
}

void camera_settle(Camera *camera)
{
    camera->pose = camera->goal;
    camera->speed = (CameraPose){0};
    camera->moving = false;
}

/* A critically damped spring of angular frequency `w`, exact over the step: both solutions of x'' + 2 w x' + w^2 x = 0 are e^-wt and t e^-wt. */
static void spring(float *value, float *speed, float goal, float w, float seconds)
{
    const float apart = *value - goal, push = (*speed + w * apart) * seconds, left = expf(-w * seconds);
    *value = goal + (apart + push) * left;
    *speed = (*speed - w * push) * left;
}

static bool has_arrived(const Camera *camera)
{
    const CameraPose *pose = &camera->pose, *goal = &camera->goal;
    const float apart = glm_vec3_distance((float *)pose->target, (float *)goal->target) / pose->distance;
    const float slowness = fabsf(camera->speed.yaw) + fabsf(camera->speed.pitch) + fabsf(camera->speed.distance) +
                           glm_vec3_norm((float *)camera->speed.target) / pose->distance;
    return apart < AT_REST && fabsf(pose->yaw - goal->yaw) < AT_REST && fabsf(pose->pitch - goal->pitch) < AT_REST &&
           fabsf(logf(pose->distance / goal->distance)) < AT_REST && slowness < 10 * AT_REST;
}

bool camera_step(Camera *camera, float seconds)
{
    CameraPose *pose = &camera->pose, *speed = &camera->speed;
    const CameraPose *goal = &camera->goal;
    if (camera->smooth <= 0 || has_arrived(camera)) {
        camera_settle(camera);
        return false;
    }

    // within `smooth` all but e^-6 (1 + 6), a sixtieth, of the way is done
    const float w = 6 / camera->smooth;
    for (int i = 0; i < 3; i++)
        spring(&pose->target[i], &speed->target[i], goal->target[i], w, seconds);
    spring(&pose->yaw, &speed->yaw, goal->yaw, w, seconds);
    spring(&pose->pitch, &speed->pitch, goal->pitch, w, seconds);

    float logarithm = logf(pose->distance);
    spring(&logarithm, &speed->distance, logf(goal->distance), w, seconds);
    pose->distance = expf(logarithm);
    camera->moving = true;
    return true;
}

void camera_orbit(Camera *camera, float yaw, float pitch)
{
    camera->goal.yaw += yaw;
    camera->goal.pitch = glm_clamp(camera->goal.pitch + pitch, CAMERA_PITCH_MIN, CAMERA_PITCH_MAX);
}

void camera_pan(Camera *camera, float right, float away)
{
    CameraPose *goal = &camera->goal;
    const float height = 2 * goal->distance * tanf(camera->field / 2), s = sinf(goal->yaw), c = cosf(goal->yaw);
    goal->target[0] += height * (right * c - away * s);
    goal->target[1] += height * (right * s + away * c);
}

void camera_zoom(Camera *camera, float factor)
{
    assert(factor > 0);
    camera->goal.distance = glm_clamp(camera->goal.distance / factor, CAMERA_DISTANCE_MIN, CAMERA_DISTANCE_MAX);
}

/* How far from the middle of a box the eye must be, so that a corner of it, `arm` from there, lies within the picture. */
static float distance_for(const CameraPose *pose, const float arm[3], const float tangents[2])
{
    const float s = sinf(pose->yaw), c = cosf(pose->yaw), sp = sinf(pose->pitch), cp = cosf(pose->pitch);
    const float along = -s * arm[0] + c * arm[1];
    const float right = c * arm[0] + s * arm[1], up = sp * along + cp * arm[2], away = cp * along - sp * arm[2];
    return fmaxf(fabsf(right) / tangents[0], fabsf(up) / tangents[1]) - away;
}

void camera_fly_to(Camera *camera, const float low[3], const float high[3], float aspect, float fill)
{
    const float tangent = tanf(camera->field / 2) * fill, tangents[2] = {tangent * aspect, tangent};
    float distance = 0;
    for (int corner = 0; corner < 8; corner++) {
        float arm[3];
        for (int k = 0; k < 3; k++)
            arm[k] = (corner >> k & 1 ? 1.0F : -1.0F) * (high[k] - low[k]) / 2;
        distance = fmaxf(distance, distance_for(&camera->goal, arm, tangents));
    }
    for (int k = 0; k < 3; k++)
        camera->goal.target[k] = (low[k] + high[k]) / 2;
    camera->goal.distance = glm_clamp(distance, CAMERA_DISTANCE_MIN, CAMERA_DISTANCE_MAX);
}

void camera_follow(Camera *camera, const float centre[3])
{
    for (int i = 0; i < 3; i++)
        camera->goal.target[i] = centre[i];
}

void camera_lens(const Camera *camera, int width, int height, float far_away, CameraLens *out)
{
    const CameraPose *pose = &camera->pose;
    const float level = pose->distance * cosf(pose->pitch);
    vec3 target = {pose->target[0], pose->target[1], pose->target[2]}, up = {0, 0, 1};
    *out = (CameraLens){.width = width, .height = height};
    out->eye[0] = target[0] + level * sinf(pose->yaw);
    out->eye[1] = target[1] - level * cosf(pose->yaw);
    out->eye[2] = target[2] + pose->distance * sinf(pose->pitch);

    out->near_plane = fmaxf(0.05F, pose->distance * 0.02F);
    out->far_plane = pose->distance + far_away;
    glm_lookat(out->eye, target, up, out->view);
    glm_perspective(camera->field, (float)width / (float)height, out->near_plane, out->far_plane, out->projection);
    glm_mat4_mul(out->projection, out->view, out->both);
}

bool lens_project(const CameraLens *lens, const float place[3], float out[2], float *depth)
{
    vec4 at = {place[0], place[1], place[2], 1}, clip;
    glm_mat4_mulv((vec4 *)lens->both, at, clip);
    if (clip[3] <= lens->near_plane)
        return false;
    out[0] = (clip[0] / clip[3] + 1) / 2 * (float)lens->width;
    out[1] = (1 - clip[1] / clip[3]) / 2 * (float)lens->height;
    if (depth)
        *depth = clip[3];
    return true;
}

void lens_ray(const CameraLens *lens, float x, float y, float origin[3], float direction[3])
{
    // rows of the view matrix are the axes of the picture; the projection says how wide it is at distance 1
    const float across = (2 * x / (float)lens->width - 1) / lens->projection[0][0], along = (1 - 2 * y / (float)lens->height) / lens->projection[1][1];
    for (int i = 0; i < 3; i++) {
        origin[i] = lens->eye[i];
        direction[i] = across * lens->view[i][0] + along * lens->view[i][1] - lens->view[i][2];
    }
    glm_vec3_normalize(direction);
}

bool ray_meets_ground(const float origin[3], const float direction[3], float z, float out[3])
{
    const float way = (z - origin[2]) / direction[2];
    if (!(way > 0) || !isfinite(way))
        return false;
    for (int i = 0; i < 3; i++)
        out[i] = origin[i] + way * direction[i];
    return true;
}
