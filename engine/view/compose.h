/* compose.h -- from the stage to what is drawn: which instances, where they lie.
 *
 * Threads: the window's. */
#pragma once

#include "view/stage.h"

enum { COMPOSE_KEYS = MESHES_MAX * MESH_LEVELS * 2, COMPOSE_DRAWS_MAX = COMPOSE_KEYS };

/// An instance that is to be drawn, with the draw that it belongs to.
typedef struct StageSlot {
    Instance instance;
    uint16_t key;  // 2 (MESH_LEVELS mesh + level) + ghost
} StageSlot;
