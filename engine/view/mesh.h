/* mesh.h -- what bodies are made of: triangles in a unit box, in several levels of detail.
 *
 * A mesh stands in the box from -1/2 to 1/2 along x and y and from 0 to 1 along z, and is stretched to the size of its asset. Every vertex says of which
 * material it is and how it moves with the values of the asset, so that a body with turning and filling parts is still one thing to draw. Triangles run
 * counter-clockwise seen from outside, and every part is closed: what is opaque first, then what shines through.
 *
 * Meshes are built here (catalogue.c, from shapes.h) or read from assets/meshes (gltf.h).
 *
 * Memory: a MeshSet owns all.  Threads: build on one, read on any. */
#pragma once

#include "base/base.h"

enum { MESH_LEVELS = 3, MESHES_MAX = 64, MESH_NAME = 32 };

/// What light does with it. The first has the colour of the instance.
typedef enum Material { MATERIAL_BODY, MATERIAL_METAL, MATERIAL_DARK, MATERIAL_PALE, MATERIAL_LIQUID, MATERIAL_GLOW, MATERIAL_PIPE, MATERIAL_GLASS, MATERIAL_COUNT } Material;
/// "body", "metal", "dark", "pale", "liquid", "glow", "pipe", "glass".
bool material_find(const char *name, Material *out);
/// Drawn behind what is opaque, and lets it through.
static inline bool material_is_clear(Material material)
{
    return material == MATERIAL_GLASS;
}

/// How a vertex moves with the values of its asset.
typedef enum Motion {
    MOTION_NONE,
    MOTION_FILL,  // z runs from 0 to 1 between the foot and the surface of what is filled in, of a vessel from pivot[0] to pivot[1]
    MOTION_SPIN_X, MOTION_SPIN_Y, MOTION_SPIN_Z,  // around an axis through `pivot`
    MOTION_OPEN,  // a quarter turn around z through `pivot`, by how far it is open
} Motion;

typedef struct Vertex {
    float place[3], normal[3], pivot[3];
    uint8_t material, motion, spare[2];
} Vertex;

/// Indices of one level: opaque ones, then clear ones.
typedef struct MeshLevel {
    uint32_t first, opaque_count, clear_count;
} MeshLevel;

typedef struct Mesh {
    char name[MESH_NAME];
    float size[3];  // m, of an asset that does not say its own
    float vessel[2];  // foot and rim of what MOTION_FILL fills, in the unit box; equal: it has none
    bool round;       // the vessel is a cylinder: lines around it can tell levels
    MeshLevel levels[MESH_LEVELS];  // the finest first
} Mesh;

typedef struct MeshSet {
    Mesh meshes[MESHES_MAX];
    size_t mesh_count;
    Vertex *vertices;
    uint32_t *indices;
    size_t vertex_count, vertex_room, index_count, index_room;
    bool failed;  // memory ran out while shapes were added
} MeshSet;

/// All that are built in, then all of the folder `path` (NULL: none).
Err meshes_load(const char *path, MeshSet *out, ErrText *why);
void meshes_fini(MeshSet *set);
/// The number of a mesh, -1 when there is none.
int mesh_find(const MeshSet *set, const char *name);

// For who builds.

/// Begin another mesh; its levels are filled one after the other. NULL when there is no room.
Mesh *mesh_begin(MeshSet *set, const char *name, const float size[3]);
/// What was added since mesh_begin or the last mesh_end_level is the next level: its triangles are put in order, opaque ones first.
void mesh_end_level(MeshSet *set, Mesh *mesh, int level);
/// Built-in ones.
Err catalogue_build(MeshSet *set);
