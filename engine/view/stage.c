#include "view/stage.h"

#include <assert.h>
#include <math.h>

#include "view/compose.h"
#include "view/look.h"
#include "view/route.h"

enum { LINKS_DRAWN_MAX = 4096, EXTRAS = 16384 };  // links beyond which none is drawn; instances besides bodies and pipes
static const float TURNS_PER_S = 1.1F;            // of what turns as fast as it can
static const float MARKS_PER_S = 0.35F;           // that the marks of the fullest pipe run, as a share of its distance

Err stage_init(Stage *stage, const char *meshes, ErrText *why)
{
    *stage = (Stage){0};
    return meshes_load(meshes, &stage->meshes, why);
}

void stage_fini(Stage *stage)
{
    meshes_fini(&stage->meshes);
    arena_fini(&stage->arena);
    *stage = (Stage){0};
}

// --- another shape -------------------------------------------------------------------------------------------------

static Err allocate(Stage *stage, const World *world)
{
    Arena *arena = &stage->arena;
    const size_t assets = world->asset_count + 1, links = world->connection_count + 1;
    stage->asset_count = world->asset_count;
    stage->mesh_of = arena_new(arena, int, assets);
    stage->spin = arena_new(arena, float, assets);
    stage->full = arena_new(arena, double, assets);
    stage->links = arena_new(arena, LayoutLink, links);
    return stage->mesh_of && stage->spin && stage->full && stage->links ? ERR_OK : ERR_MEMORY;
}

static Err allocate_links(Stage *stage)
{
    Arena *arena = &stage->arena;
    stage->run = arena_new(arena, float, stage->link_count + 1);
    stage->strength = arena_new(arena, float, stage->link_count + 1);
    stage->most = arena_new(arena, double, stage->link_count + 1);
    stage->pieces = arena_new(arena, Piece, stage->link_count * ROUTE_PIECES_MAX + 1);
    stage->instance_room = stage->asset_count + (uint32_t)stage->link_count * ROUTE_PIECES_MAX + EXTRAS;
    stage->instances = arena_new(arena, Instance, stage->instance_room);
    stage->slots = arena_alloc(arena, (size_t)stage->instance_room * sizeof *stage->slots);
    stage->draws = arena_new(arena, Draw, COMPOSE_DRAWS_MAX);
    return stage->run && stage->strength && stage->most && stage->pieces && stage->instances && stage->slots && stage->draws ? ERR_OK : ERR_MEMORY;
}

/* Only what flows is a pipe: who merely reads a value has a wire somewhere that nobody wants to see. */
static void keep_pipes(Stage *stage)
{
    size_t kept = 0;
    for (size_t i = 0; i < stage->link_count; i++)
        if (stage->links[i].kind == LINK_PIPE || stage->links[i].kind == LINK_CABLE)
            stage->links[kept++] = stage->links[i];
    stage->link_count = kept <= LINKS_DRAWN_MAX ? kept : 0;
}

static void lay_pipes(Stage *stage, const World *world)
{
    const int tube = mesh_find(&stage->meshes, "tube"), elbow = mesh_find(&stage->meshes, "elbow");
    for (size_t i = 0; i < stage->link_count; i++) {
        const LayoutLink *link = &stage->links[i];
        stage->piece_count += route_link(&world->assets[link->from], &world->assets[link->to], (uint32_t)i, tube, elbow, &stage->pieces[stage->piece_count]);
    }
}

/* Where nothing says when a vessel is full, it is half full now. */
static double full_of(const World *world, uint32_t asset)
{
    const WorldLook *look = &world_model(world, asset)->look;
    const WorldValue *value = world_value(world, asset, look->fill);
    return !isnan(look->fill_full) || !value || !(value->value > 0) ? look->fill_full : 2 * value->value;
}

Err stage_build(Stage *stage, World *world, ErrText *why)
{
    arena_reset(&stage->arena);
    *stage = (Stage){.meshes = stage->meshes, .arena = stage->arena, .shape = world->shape};
    Err err = layout_place(world, &stage->meshes);
    if (!err)
        err = allocate(stage, world);
    if (!err) {
        stage->link_count = layout_links(world, stage->links);
        keep_pipes(stage);
        err = allocate_links(stage);
    }
    if (err)
        return err_set(why, err, "no memory for a scene of %u assets", world->asset_count);

    lay_pipes(stage, world);
    for (uint32_t i = 0; i < world->asset_count; i++) {
        stage->mesh_of[i] = mesh_find(&stage->meshes, world->assets[i].mesh);
        stage->full[i] = full_of(world, i);
    }
    if (world->asset_count > 0)
        layout_bounds(world, stage->low, stage->high);
    return ERR_OK;
}

// --- time goes on --------------------------------------------------------------------------------------------------

static bool turn_bodies(Stage *stage, const World *world, float seconds)
{
    bool turns = false;
    for (uint32_t i = 0; i < stage->asset_count; i++) {
        const WorldLook *look = &world_model(world, i)->look;
        const WorldValue *value = world_value(world, i, look->spin);
        if (!value || !(fabs(value->value) > 0))
            continue;
        const double share = isnan(look->spin_full) ? tanh(value->value) : value->value / look->spin_full;
        turns |= fabs(share) > 1e-3;
        stage->spin[i] = fmodf(stage->spin[i] + seconds * (float)share * TURNS_PER_S * 2 * (float)M_PI, 2 * (float)M_PI);
    }
    return turns;
}

static bool run_pipes(Stage *stage, const World *world, float seconds)
{
    bool runs = false;
    for (size_t i = 0; i < stage->link_count; i++) {
        const LayoutLink *link = &stage->links[i];
        const WorldValue *value = world_value(world, link->asset, link->channel);
        const double flow = value && isfinite(value->value) ? value->value : 0;
        stage->most[i] = fmax(stage->most[i], fabs(flow));

        // a trickle is no flow: noise around zero must not make marks tremble
        const float share = stage->most[i] > 0 ? (float)(flow / stage->most[i]) : 0;
        stage->strength[i] = fminf(fmaxf(fabsf(share) * 12 - 0.2F, 0), 1) * (share < 0 ? -1 : 1);
        stage->run[i] = fmodf(stage->run[i] + seconds * share * MARKS_PER_S, 1);
        runs |= stage->strength[i] != 0;
    }
    return runs;
}

bool stage_step(Stage *stage, const World *world, float seconds)
{
    const bool turns = turn_bodies(stage, world, seconds), runs = run_pipes(stage, world, seconds);
    return turns || runs;
}

// --- where something is --------------------------------------------------------------------------------------------

void stage_box(const Stage *stage, const World *world, int64_t asset, float low[3], float high[3])
{
    const WorldAsset *body = asset >= 0 ? &world->assets[asset] : NULL;
    for (int k = 0; k < 3; k++) {
        low[k] = body ? body->at[k] - (k < 2 ? body->size[k] / 2 : 0) : stage->low[k];
        high[k] = body ? body->at[k] + (k < 2 ? body->size[k] / 2 : body->size[k]) : stage->high[k];
    }
}

void stage_sphere(const Stage *stage, const World *world, int64_t asset, float centre[3], float *radius)
{
    float low[3], high[3], sum = 0;
    stage_box(stage, world, asset, low, high);
    for (int k = 0; k < 3; k++) {
        centre[k] = (low[k] + high[k]) / 2;
        sum += (high[k] - low[k]) * (high[k] - low[k]);
    }
    *radius = fmaxf(sqrtf(sum) / 2, 0.5F);
}

/* Where a ray enters the box of an asset, INFINITY where it does not. The box is turned with the asset. */
static float enters(const WorldAsset *asset, const float origin[3], const float direction[3])
{
    const float c = cosf(asset->turn), s = sinf(asset->turn);
    const float from[3] = {c * (origin[0] - asset->at[0]) + s * (origin[1] - asset->at[1]), c * (origin[1] - asset->at[1]) - s * (origin[0] - asset->at[0]),
                           origin[2] - asset->at[2]};
    const float to[3] = {c * direction[0] + s * direction[1], c * direction[1] - s * direction[0], direction[2]};
    float near = 0, far = INFINITY;
    for (int k = 0; k < 3; k++) {
        const float low = k < 2 ? -asset->size[k] / 2 : 0, high = k < 2 ? asset->size[k] / 2 : asset->size[k];
        const float a = (low - from[k]) / to[k], b = (high - from[k]) / to[k];
        if (to[k] == 0 && (from[k] < low || from[k] > high))
            return INFINITY;
        if (to[k] != 0) {
            near = fmaxf(near, fminf(a, b));
            far = fminf(far, fmaxf(a, b));
        }
    }
    return near <= far ? near : INFINITY;
}

int64_t stage_pick(const Stage *stage, const World *world, const float origin[3], const float direction[3], float *way)
{
    int64_t found = WORLD_NOBODY;
    float nearest = INFINITY;
    for (uint32_t i = 0; i < stage->asset_count; i++) {
        const float here = enters(&world->assets[i], origin, direction);
        if (here < nearest) {
            nearest = here;
            found = i;
        }
    }
    if (way)
        *way = nearest;
    return found;
}
