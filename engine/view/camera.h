/* camera.h -- from where the scene is seen: a point that is looked at, two angles and a distance.
 *
 * Every motion has a goal, and camera_step goes there as a critically damped spring would: fast, without overshoot, and the same at any frame rate (the
 * spring's equation has a closed form over a step). Flying somewhere sets the goals alone, so whoever turns meanwhile interrupts nothing.
 *
 * Right-handed, z up, metres, radians. Screen positions are pixels of the drawn surface, from its upper left corner.
 *
 * Threads: one at a time.  Memory: the caller's. */
#pragma once

#include <cglm/types.h>
#include <stdbool.h>

typedef struct CameraPose {
    float target[3];  // that is looked at
    float yaw;        // around z; 0 looks north (along y), a quarter turn looks west
    float pitch;      // below the horizon, CAMERA_PITCH_MIN to CAMERA_PITCH_MAX
    float distance;   // from the target
} CameraPose;

#define CAMERA_PITCH_MIN 0.03F
#define CAMERA_PITCH_MAX 1.55F
#define CAMERA_DISTANCE_MIN 0.5F
#define CAMERA_DISTANCE_MAX 50000.0F

typedef struct Camera {
    CameraPose pose, goal;
    CameraPose speed;  // per second, of each of them; of the distance its logarithm's
    float field;       // vertical angle of view
    float smooth;      // s in which a motion comes to rest; 0: at once, for pictures
    bool moving;
} Camera;

void camera_init(Camera *camera);
/// Where the goals are is where it stands from now on.
void camera_settle(Camera *camera);
/// Go on for so many seconds; false when nothing moves any more.
bool camera_step(Camera *camera, float seconds);

void camera_orbit(Camera *camera, float yaw, float pitch);
/// Move the target along the ground: in shares of the height of what is seen at the target, to the right and to the far side.
void camera_pan(Camera *camera, float right, float away);
/// Above 1: nearer.
void camera_zoom(Camera *camera, float factor);
/// Look at a box so that it fills the picture, from the side from which one looks; `fill` is the share of the picture that it may take.
void camera_fly_to(Camera *camera, const float low[3], const float high[3], float aspect, float fill);
/// Keep looking at something that moves: the target alone changes.
void camera_follow(Camera *camera, const float centre[3]);

/// What turns places into the picture; `far_away` is how deep the scene is, from the target on.
typedef struct CameraLens {
    mat4 view, projection, both;
    float eye[3];
    float near_plane, far_plane;
    int width, height;  // pixels
} CameraLens;
void camera_lens(const Camera *camera, int width, int height, float far_away, CameraLens *out);

/// Where a place is seen; false behind the eye. `depth` (may be NULL) is its distance along the view, m.
bool lens_project(const CameraLens *lens, const float place[3], float out[2], float *depth);
/// The ray through a pixel; `direction` has length 1.
void lens_ray(const CameraLens *lens, float x, float y, float origin[3], float direction[3]);
/// Where such a ray meets the ground at height `z`; false when it does not.
bool ray_meets_ground(const float origin[3], const float direction[3], float z, float out[3]);
