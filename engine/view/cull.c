#include "view/cull.h"

#include <cglm/cglm.h>

static const float FINE = 22, COARSE = 7;  // radius in pixels from which on a body is drawn with everything; below which as a box

void frustum_of(const CameraLens *lens, Frustum *out)
{
    vec4 planes[6];
    glm_frustum_planes((vec4 *)lens->both, planes);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 4; k++)
            out->planes[i][k] = planes[i][k];
    for (int k = 0; k < 3; k++) {
        out->eye[k] = lens->eye[k];
        out->forward[k] = -lens->view[k][2];
        out->right[k] = lens->view[k][0];
    }
    out->pixels = lens->projection[1][1] * (float)lens->height / 2;
}

bool frustum_meets(const Frustum *frustum, const float c[3], float radius)
{
    for (int i = 0; i < 6; i++) {
        const float *plane = frustum->planes[i];
        if (plane[0] * c[0] + plane[1] * c[1] + plane[2] * c[2] + plane[3] < -radius)
            return false;
    }
    return true;
}

float frustum_pixels(const Frustum *frustum, const float c[3], float radius)
{
    float depth = 0;
    for (int k = 0; k < 3; k++)
        depth += (c[k] - frustum->eye[k]) * frustum->forward[k];
    return radius * frustum->pixels / (depth > radius ? depth : radius);
}

int frustum_level(const Frustum *frustum, const float centre[3], float radius)
{
    const float pixels = frustum_pixels(frustum, centre, radius);
    return pixels >= FINE ? 0 : pixels >= COARSE ? 1 : 2;
}
