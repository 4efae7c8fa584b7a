/* layout.h -- what stands where: places and sizes of all assets.
 *
 * Where the script says it, assets stand there. The others are laid out by what flows: each stands one column east of all that feed it (loops are cut
 * where they would go backwards), the columns side by side, within a column in the order of what they are fed by. A fleet, many assets that nothing but a
 * number tells apart, stands in a square. What is laid out stands beside what has its place, and nothing overlaps: every asset has its size, and around it
 * a gap in which pipes fit.
 *
 * Sizes come from the script, or else from the mesh, drawn out by parameters that say how large something is (area, elevation). They are sizes for the eye: a
 * basin of 1.4 m between wells 20 m apart would be a dot, so differences are drawn with their square root, and where assets have places all sizes are
 * multiplied until bodies fill a good part of the way to their neighbours. A `size` that a script gives is kept to the metre.
 *
 * Takes: a World with connections, meshes.  Gives: its assets' at, size.  Memory: none is kept.  Threads: one. */
#pragma once

#include "view/mesh.h"
#include "view/world.h"

/// ERR_MEMORY.
Err layout_place(World *world, const MeshSet *meshes);
/// The box of all assets, of which there must be one.
void layout_bounds(const World *world, float low[3], float high[3]);
/// What one asset carries to another, for people: pipes that the stage draws.
typedef struct LayoutLink {
    uint32_t from, to;  // assets; what flows goes from the first to the second when the value is above 0
    uint32_t asset;     // of whom `channel` is: how much flows
    uint16_t channel;   // WORLD_NONE: nothing that flows
    int kind;           // LinkKind
} LayoutLink;
/// One link per pair of assets, the best that connects them. `out` has room for world->connection_count; returns how many.
size_t layout_links(const World *world, LayoutLink *out);
