#include "view/layout.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/look.h"

static const float GAP = 0.9F;      // between two that are laid out, as a share of the larger: room for pipes
static const float FILLED = 0.45F;  // of the way to the nearest neighbour that a body takes
static const float SCALE_MIN = 0.05F, SCALE_MAX = 8;
enum { FLEET_MIN = 24, NEIGHBOURS_MAX = 2000 };  // alike assets from which on they are a fleet; bodies whose neighbours are looked for

// --- sizes ---------------------------------------------------------------------------------------------------------

static double number_of(const World *world, uint32_t asset, const char *name)
{
    const WorldValue *value = world_value(world, asset, world_channel(world_model(world, asset), name));
    return value ? value->value : NAN;
}

static float stretched(float usual, double wanted)
{
    return wanted > 0 && isfinite(wanted) ? usual * sqrtf((float)wanted / usual) : usual;
}

static void size_vessel(const World *world, WorldAsset *asset, uint32_t number)
{
    const double area = number_of(world, number, "area"), full = world_model(world, number)->look.fill_full;
    const float width = stretched(asset->size[0], 2 * sqrt(area / M_PI));
    asset->size[0] = asset->size[1] = width;
    asset->size[2] = stretched(asset->size[2], full);

    // what stands high up is on legs
    if (number_of(world, number, "elevation") > 4 && strcmp(asset->mesh, "tank") == 0) {
        strcpy(asset->mesh, "tower");
        asset->size[2] *= 3.2F;
    }
}

static void size_asset(const World *world, const MeshSet *meshes, uint32_t number)
{
    WorldAsset *asset = &world->assets[number];
    if (!asset->mesh[0] || mesh_find(meshes, asset->mesh) < 0)
        snprintf(asset->mesh, sizeof asset->mesh, "%s", world_model(world, number)->look.mesh);
    int mesh = mesh_find(meshes, asset->mesh);
    if (mesh < 0) {
        strcpy(asset->mesh, "box");
        mesh = mesh_find(meshes, asset->mesh);
    }
    if (asset->sized)
        return;
    memcpy(asset->size, meshes->meshes[mesh].size, sizeof asset->size);
    if (strcmp(asset->mesh, "tank") == 0)
        size_vessel(world, asset, number);
}

static int by_number(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Of the first assets that have places: how much larger their bodies may be, at the median. */
static float eye_scale(const World *world, float *room)
{
    const uint32_t count = world->asset_count < NEIGHBOURS_MAX ? world->asset_count : NEIGHBOURS_MAX;
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        const WorldAsset *a = &world->assets[i];
        float nearest = INFINITY;
        for (uint32_t k = 0; k < count; k++) {
            const WorldAsset *b = &world->assets[k];
            const float way = hypotf(a->at[0] - b->at[0], a->at[1] - b->at[1]);
            if (k != i && a->placed && b->placed && way > 0)
                nearest = fminf(nearest, way);
        }
        if (isfinite(nearest))
            room[found++] = FILLED * nearest / fmaxf(a->size[0], a->size[1]);
    }
    qsort(room, found, sizeof *room, by_number);
    return found ? fminf(fmaxf(room[found / 2], SCALE_MIN), SCALE_MAX) : 1;
}

// --- links ---------------------------------------------------------------------------------------------------------

static int by_pair(const void *a, const void *b)
{
    const LayoutLink *x = a, *y = b;
    const uint32_t x_low = x->from < x->to ? x->from : x->to, y_low = y->from < y->to ? y->from : y->to;
    if (x_low != y_low)
        return x_low < y_low ? -1 : 1;
    const uint32_t x_high = x->from + x->to - x_low, y_high = y->from + y->to - y_low;
    if (x_high != y_high)
        return x_high < y_high ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind - y->kind;
    return (x->from > y->from) - (x->from < y->from);
}

size_t layout_links(const World *world, LayoutLink *out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < world->connection_count; i++) {
        const WorldConnection *connection = &world->connections[i];
        if (connection->from == connection->to)
            continue;
        const WorldChannel *from = &world_model(world, connection->from)->channels[connection->from_channel];
        const WorldChannel *to = &world_model(world, connection->to)->channels[connection->to_channel];
        const LinkKind kind = look_link(from);
        const bool back = (kind == LINK_PIPE || kind == LINK_CABLE) && look_is_drawn(to);
        out[count++] = (LayoutLink){.from = back ? connection->to : connection->from, .to = back ? connection->from : connection->to, .asset = connection->from,
                                    .channel = kind == LINK_PIPE || kind == LINK_CABLE ? connection->from_channel : WORLD_NONE, .kind = (int)kind};
    }

    // of each pair the best is first
    size_t kept = 0;
    qsort(out, count, sizeof *out, by_pair);
    for (size_t i = 0; i < count; i++) {
        const LayoutLink *last = kept ? &out[kept - 1] : NULL;
        const bool same = last && ((last->from == out[i].from && last->to == out[i].to) || (last->from == out[i].to && last->to == out[i].from));
        if (!same)
            out[kept++] = out[i];
    }
    return kept;
}

// --- by flow -------------------------------------------------------------------------------------------------------

/* One that is to be laid out. */
typedef struct Node {
    uint32_t asset;
    size_t first_link, link_count;  // that leave it
    size_t followed;                // of them
    size_t parent;                  // from which it was come to, NOWHERE where a walk began
    int column;
    float order;  // within its column
    enum { NODE_NEW, NODE_OPEN, NODE_DONE } state;
} Node;

typedef struct Flow {
    World *world;
    Node *nodes;
    size_t node_count;
    int64_t *node_of;   // by asset, -1: it is not laid out by flow
    LayoutLink *links;  // by the asset that they leave
    size_t link_count;
    size_t *turn;       // nodes, those first whose links have all been followed
    size_t turn_count;
} Flow;

static int by_origin(const void *a, const void *b)
{
    const LayoutLink *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static void index_links(Flow *flow)
{
    qsort(flow->links, flow->link_count, sizeof *flow->links, by_origin);
    for (size_t i = 0; i < flow->link_count; i++) {
        const int64_t from = flow->node_of[flow->links[i].from];
        if (from < 0)
            continue;
        Node *node = &flow->nodes[from];
        if (node->link_count++ == 0)
            node->first_link = i;
    }
}

static const size_t NOWHERE = SIZE_MAX;

static void open_node(Flow *flow, size_t number, size_t parent)
{
    flow->nodes[number].state = NODE_OPEN;
    flow->nodes[number].parent = parent;
}

/* Depth first, without recursion, as a chain may be as long as a plant is large. A link that comes back to a node that is still open closes a loop: it is
 * forgotten (its kind is -1). */
static void follow(Flow *flow, size_t start)
{
    open_node(flow, start, NOWHERE);
    for (size_t at = start; at != NOWHERE;) {
        Node *node = &flow->nodes[at];
        if (node->followed == node->link_count) {
            node->state = NODE_DONE;
            flow->turn[flow->turn_count++] = at;
            at = node->parent;
            continue;
        }

        LayoutLink *link = &flow->links[node->first_link + node->followed++];
        const int64_t to = flow->node_of[link->to];
        if (to >= 0 && flow->nodes[to].state == NODE_OPEN) {
            link->kind = -1;
        } else if (to >= 0 && flow->nodes[to].state == NODE_NEW) {
            open_node(flow, (size_t)to, at);
            at = (size_t)to;
        }
    }
}

/* From those that nothing feeds on: each is a column behind the last of those that feed it, and in the middle of them. */
static void choose_columns(Flow *flow)
{
    for (size_t i = 0; i < flow->node_count; i++)
        if (flow->nodes[i].state == NODE_NEW)
            follow(flow, i);
    for (size_t i = flow->turn_count; i-- > 0;) {
        const Node *node = &flow->nodes[flow->turn[i]];
        for (size_t k = 0; k < node->link_count; k++) {
            const LayoutLink *link = &flow->links[node->first_link + k];
            const int64_t to = flow->node_of[link->to];
            if (to < 0 || link->kind < 0)
                continue;
            Node *fed = &flow->nodes[to];
            if (fed->column <= node->column) {
                fed->column = node->column + 1;
                fed->order = node->order;
            }
        }
    }
}

static int by_column(const void *a, const void *b)
{
    const Node *x = a, *y = b;
    if (x->column != y->column)
        return x->column - y->column;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return (x->asset > y->asset) - (x->asset < y->asset);
}

static float largest(const WorldAsset *asset)
{
    return fmaxf(asset->size[0], asset->size[1]);
}

/* Column after column from `corner` on; leaves the corner north of all. */
static void place_columns(const Flow *flow, float corner[2])
{
    float x = corner[0], top = corner[1];
    for (size_t first = 0; first < flow->node_count;) {
        float wide = 0, deep = 0;
        size_t end = first;
        while (end < flow->node_count && flow->nodes[end].column == flow->nodes[first].column) {
            const WorldAsset *asset = &flow->world->assets[flow->nodes[end++].asset];
            wide = fmaxf(wide, asset->size[0]);
            deep += asset->size[1] + GAP * largest(asset);
        }

        // from north to south, in the order of their names
        float y = corner[1] + deep;
        top = fmaxf(top, y);
        for (size_t i = first; i < end; i++) {
            WorldAsset *asset = &flow->world->assets[flow->nodes[i].asset];
            const float half = (asset->size[1] + GAP * largest(asset)) / 2;
            y -= half;
            asset->at[0] = x + wide / 2;
            asset->at[1] = y;
            asset->at[2] = 0;
            y -= half;
        }
        x += wide * (1 + GAP);
        first = end;
    }
    corner[1] = top;
}

// --- fleets --------------------------------------------------------------------------------------------------------

/* A name without the number that it ends in. */
static size_t stem_length(const char *name)
{
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] >= '0' && name[length - 1] <= '9')
        length--;
    return length;
}

static bool are_alike(const World *world, uint32_t one, uint32_t other)
{
    const WorldAsset *a = &world->assets[one], *b = &world->assets[other];
    const size_t length = stem_length(a->name);
    return a->model == b->model && !a->placed && !b->placed && length == stem_length(b->name) && strncmp(a->name, b->name, length) == 0;
}

/* The end of those that are alike from `first` on: neighbours in the list, which is by name. */
static uint32_t fleet_end(const World *world, uint32_t first)
{
    uint32_t end = first + 1;
    while (end < world->asset_count && are_alike(world, first, end))
        end++;
    return end;
}

static void place_square(World *world, uint32_t first, uint32_t end, float corner[2])
{
    const uint32_t side = (uint32_t)ceil(sqrt((double)(end - first)));
    float cell = 0;
    for (uint32_t i = first; i < end; i++)
        cell = fmaxf(cell, largest(&world->assets[i]) * (1 + GAP));
    for (uint32_t i = first; i < end; i++) {
        float *at = world->assets[i].at;
        at[0] = corner[0] + cell * ((float)((i - first) % side) + 0.5F);
        at[1] = corner[1] + cell * ((float)((i - first) / side) + 0.5F);
        at[2] = 0;
    }
    corner[1] += cell * (float)((end - first + side - 1) / side);
}

// --- together ------------------------------------------------------------------------------------------------------

/* Fleets are left out here, and stand behind the others. */
static void choose_nodes(Flow *flow)
{
    World *world = flow->world;
    for (uint32_t first = 0, end; first < world->asset_count; first = end) {
        end = fleet_end(world, first);
        for (uint32_t i = first; i < end; i++) {
            flow->node_of[i] = -1;
            if (world->assets[i].placed || end - first >= FLEET_MIN)
                continue;
            flow->node_of[i] = (int64_t)flow->node_count;
            flow->nodes[flow->node_count] = (Node){.asset = i, .order = (float)i};
            flow->node_count++;
        }
    }
}

static void place_fleets(World *world, float corner[2])
{
    for (uint32_t first = 0, end; first < world->asset_count; first = end) {
        end = fleet_end(world, first);
        if (!world->assets[first].placed && end - first >= FLEET_MIN)
            place_square(world, first, end, corner);
    }
}

static void place_all(Flow *flow)
{
    // north of what has its place
    float corner[2] = {0, 0};
    for (uint32_t i = 0; i < flow->world->asset_count; i++) {
        const WorldAsset *asset = &flow->world->assets[i];
        if (asset->placed)
            corner[1] = fmaxf(corner[1], asset->at[1] + largest(asset) * (0.5F + GAP));
    }
    index_links(flow);
    choose_columns(flow);
    qsort(flow->nodes, flow->node_count, sizeof *flow->nodes, by_column);
    place_columns(flow, corner);
    place_fleets(flow->world, corner);
}

static void size_all(World *world, const MeshSet *meshes, float *room)
{
    for (uint32_t i = 0; i < world->asset_count; i++)
        size_asset(world, meshes, i);
    const float scale = eye_scale(world, room);
    for (uint32_t i = 0; i < world->asset_count; i++)
        for (int k = 0; k < 3 && !world->assets[i].sized; k++)
            world->assets[i].size[k] *= scale;
}

Err layout_place(World *world, const MeshSet *meshes)
{
    Arena arena = {0};
    Flow flow = {.world = world};
    flow.nodes = arena_new(&arena, Node, world->asset_count + 1);
    flow.node_of = arena_new(&arena, int64_t, world->asset_count + 1);
    flow.turn = arena_new(&arena, size_t, world->asset_count + 1);
    flow.links = arena_new(&arena, LayoutLink, world->connection_count + 1);
    float *room = arena_new(&arena, float, NEIGHBOURS_MAX);
    const Err err = flow.nodes && flow.node_of && flow.turn && flow.links && room ? ERR_OK : ERR_MEMORY;
    if (!err) {
        size_all(world, meshes, room);
        choose_nodes(&flow);
        flow.link_count = layout_links(world, flow.links);
        place_all(&flow);
    }
    arena_fini(&arena);
    return err;
}

void layout_bounds(const World *world, float low[3], float high[3])
{
    assert(world->asset_count > 0);
    for (int k = 0; k < 3; k++) {
        low[k] = INFINITY;
        high[k] = -INFINITY;
    }
    for (uint32_t i = 0; i < world->asset_count; i++) {
        const WorldAsset *asset = &world->assets[i];
        for (int k = 0; k < 3; k++) {
            low[k] = fminf(low[k], asset->at[k] - (k < 2 ? asset->size[k] / 2 : 0));
            high[k] = fmaxf(high[k], asset->at[k] + (k < 2 ? asset->size[k] / 2 : asset->size[k]));
        }
    }
}
