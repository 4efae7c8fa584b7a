/* gltf.h -- meshes that somebody drew: glTF 2.0 files, read by assimp.
 *
 * The file's name is the mesh's. What is drawn is scaled to the unit box; how large it is in the file, in metres, is its size. Materials are told by
 * name: one that is called as a Material is that one, all others are the body. A node whose name begins with spin_x, spin_y, spin_z or open turns about
 * its own origin, along the axes of the scene (z up; glTF has y up). One that begins with level1 belongs to the coarser level of detail; where there is none
 * the finest serves for that too, and a box for the coarsest.
 *
 * Threads: one at a time. */
#pragma once

#include "view/mesh.h"

/// ERR_PARSE when it is not understood; ERR_FULL beyond MESHES_MAX.
Err gltf_load(const char *path, MeshSet *set, ErrText *why);
