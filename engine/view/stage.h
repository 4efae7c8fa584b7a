/* stage.h -- the scene: bodies, pipes, ghosts and marks, as instances of meshes.
 *
 * stage_build places everything when the world has another shape. stage_step turns what turns. stage_compose says what is to be drawn from where the camera
 * stands: what lies outside the picture is left out, what is small is drawn coarsely, and what is alike lies side by side, so that each mesh and level is
 * one draw.
 *
 * What is seen: liquid stands as high as its level; two lines on the vessel tell estimate and measurement; heat is the colour of a body; what turns, turns as
 * fast as its share of the fastest; marks run along pipes with the flow. A twin that has parted from its asset pulses, and stands on a ring, in the
 * colour of that; one with an alarm in that of alarms; one that stands still is grey and striped. Beside a body with a level or a heat stands its ghost,
 * translucent: filled up to the median of the forecast, with a shell from the 10 % to the 90 % quantile.
 *
 * Takes: a World, meshes.  Gives: Draws.  Memory: its own; nothing is allocated between two shapes.  Threads: the window's. */
#pragma once

#include "view/camera.h"
#include "view/layout.h"
#include "view/palette.h"

/// One thing of a mesh, as the shaders read it.
typedef struct Instance {
    float place[3], turn;   // middle of the foot, m; rad around z
    float size[3], spin;    // m; rad
    float low, high, open;  // share of the vessel from which and up to which it is filled; how far it is open
    float heat;             // how hot its glow is, 0 to 1
    float marks, shift;     // marks per metre along a pipe; how far they have run
    float stripes, alpha;   // above 0: striped; below 1: translucent
    uint8_t colour[4];      // of MATERIAL_BODY; encoded
    uint8_t tint[4];        // mixed into all of it, by its alpha
} Instance;

/// Instances of one mesh and level, side by side.
typedef struct Draw {
    int mesh, level;
    uint32_t first, count;
    bool ghost;     // behind everything else, translucent as a whole
    bool grounded;  // casts a shadow
} Draw;

/// A straight piece of a link.
typedef struct Piece {
    uint32_t link;
    float place[3], size[3], turn;
    float along;  // m from where the link begins
    int mesh;
} Piece;

typedef struct StageOptions {
    const Palette *palette;
    int64_t selected, hovered;
    bool ghosts;
    double seconds;  // for what pulses
} StageOptions;

typedef struct Stage {
    MeshSet meshes;
    int *mesh_of;     // by asset
    float *spin;      // by asset: rad
    double *full;     // by asset: where its vessel is full, in the channel's unit
    uint32_t asset_count;
    LayoutLink *links;
    float *run, *strength;  // by link: m that its marks have run; 0 to 1 how much flows
    double *most;           // by link: the most that has flowed
    size_t link_count;
    Piece *pieces;
    size_t piece_count;
    float low[3], high[3];  // the box of everything
    uint64_t shape;         // of the world that was built

    Instance *instances;
    uint32_t instance_count, instance_room;
    Draw *draws;
    size_t draw_count;
    struct StageSlot *slots;  // scratch: what is to be drawn, before it lies in order
    Arena arena;              // of all that the shape determines
} Stage;

/// `meshes`: a folder of meshes, NULL for none.
Err stage_init(Stage *stage, const char *meshes, ErrText *why);
void stage_fini(Stage *stage);
/// Place everything, where the world has another shape than before.
Err stage_build(Stage *stage, World *world, ErrText *why);
/// Go on for so many seconds; true when something moves by itself.
bool stage_step(Stage *stage, const World *world, float seconds);
/// Fill instances and draws.
void stage_compose(Stage *stage, const World *world, const CameraLens *lens, const StageOptions *options);
/// The asset that a ray meets first, or WORLD_NOBODY; `way` (may be NULL) is how far, m.
int64_t stage_pick(const Stage *stage, const World *world, const float origin[3], const float direction[3], float *way);
/// The box of one asset, or (WORLD_NOBODY) of everything.
void stage_box(const Stage *stage, const World *world, int64_t asset, float low[3], float high[3]);
/// And the sphere around it.
void stage_sphere(const Stage *stage, const World *world, int64_t asset, float centre[3], float *radius);
