/* cull.h -- what of the scene is seen at all, and how large.
 *
 * A body is outside when its sphere lies beyond one of the six planes of the picture. How large it is seen decides how finely it is drawn.
 *
 * Threads: any. */
#pragma once

#include "view/camera.h"

typedef struct Frustum {
    float planes[6][4];  // normal (length 1, to the inside) and distance
    float eye[3], forward[3], right[3];
    float pixels;        // that a metre is seen as at a distance of one metre
} Frustum;

void frustum_of(const CameraLens *lens, Frustum *out);
/// False when nothing of the sphere can be seen; true may err near the corners.
bool frustum_meets(const Frustum *frustum, const float centre[3], float radius);
/// The level of detail for it, 0 the finest.
int frustum_level(const Frustum *frustum, const float centre[3], float radius);
/// Its radius in pixels.
float frustum_pixels(const Frustum *frustum, const float centre[3], float radius);
