/* What stands where: nothing overlaps, flow goes from west to east, and what the script says is kept. */
#include <math.h>
#include <string.h>

#include "kit/kit.h"
#include "view/layout.h"
#include "view/look.h"
#include "view/made.h"

static MeshSet meshes;

static void place(World *world)
{
    meshes = (MeshSet){0};
    ck_assert_int_eq(catalogue_build(&meshes), ERR_OK);
    ck_assert_int_eq(layout_place(world, &meshes), ERR_OK);
    meshes_fini(&meshes);
}

static World made_world(uint32_t count)
{
    Made made = {.count = count};
    World world = {0};
    ck_assert(made_poll(&made, &world));
    return world;
}

static bool overlap(const WorldAsset *a, const WorldAsset *b)
{
    return fabsf(a->at[0] - b->at[0]) < (a->size[0] + b->size[0]) / 2 && fabsf(a->at[1] - b->at[1]) < (a->size[1] + b->size[1]) / 2;
}

static void check_apart(const World *world)
{
    for (uint32_t i = 0; i < world->asset_count; i++)
        for (uint32_t k = 0; k < i; k++)
            ck_assert_msg(!overlap(&world->assets[i], &world->assets[k]), "%s and %s", world->assets[i].name, world->assets[k].name);
}

START_TEST(nothing_overlaps)
{
    for (uint32_t count = 1; count < 400; count = count * 2 + 1) {
        World world = made_world(count);
        place(&world);
        check_apart(&world);
        world_fini(&world);
    }
}
END_TEST

/* Pumps and tanks in one row: each feeds the next. */
static World chain(uint32_t count)
{
    World world = made_world(count);
    world.connection_count = 0;
    for (uint32_t i = 0; i + 1 < count; i++) {
        world.assets[i].model = world.assets[i + 1].model = MADE_PUMP;
        world.connections[world.connection_count++] = (WorldConnection){.from = i, .to = i + 1, .from_channel = 1, .to_channel = 1};
    }
    return world;
}

START_TEST(flow_goes_from_west_to_east)
{
    World world = chain(12);
    place(&world);
    for (uint32_t i = 0; i + 1 < world.asset_count; i++)
        ck_assert_float_lt(world.assets[i].at[0] + world.assets[i].size[0] / 2, world.assets[i + 1].at[0] - world.assets[i + 1].size[0] / 2);
    check_apart(&world);
    world_fini(&world);
}
END_TEST

START_TEST(a_loop_is_cut_once)
{
    World world = chain(6);
    world.connections[world.connection_count++] = (WorldConnection){.from = 5, .to = 0, .from_channel = 1, .to_channel = 1};
    place(&world);
    size_t back = 0;
    for (uint32_t i = 0; i < world.connection_count; i++)
        back += world.assets[world.connections[i].to].at[0] <= world.assets[world.connections[i].from].at[0];
    ck_assert_uint_eq(back, 1);
    check_apart(&world);
    world_fini(&world);
}
END_TEST

START_TEST(what_the_script_says_is_kept)
{
    World world = chain(8);
    world.assets[2].placed = true;
    memcpy(world.assets[2].at, (const float[]){7, -3, 1}, sizeof world.assets[2].at);
    world.assets[2].sized = true;
    memcpy(world.assets[2].size, (const float[]){5, 6, 7}, sizeof world.assets[2].size);
    snprintf(world.assets[2].mesh, WORLD_NAME, "container");
    place(&world);
    ck_assert_float_eq(world.assets[2].at[0], 7);
    ck_assert_float_eq(world.assets[2].at[1], -3);
    ck_assert_float_eq(world.assets[2].size[2], 7);
    ck_assert_str_eq(world.assets[2].mesh, "container");
    check_apart(&world);
    world_fini(&world);
}
END_TEST

START_TEST(a_mesh_that_is_not_there_is_the_models)
{
    World world = made_world(3);
    snprintf(world.assets[0].mesh, WORLD_NAME, "zeppelin");
    place(&world);
    ck_assert_str_eq(world.assets[0].mesh, "tank");
    world_fini(&world);
}
END_TEST

START_TEST(a_fleet_stands_in_a_square)
{
    World world = made_world(300);
    float low[3], high[3];
    place(&world);
    for (int k = 0; k < 2; k++) {
        low[k] = INFINITY;
        high[k] = -INFINITY;
    }
    for (uint32_t i = 0; i < 100; i++)
        for (int k = 0; k < 2; k++) {
            low[k] = fminf(low[k], world.assets[i].at[k]);
            high[k] = fmaxf(high[k], world.assets[i].at[k]);
        }
    ck_assert_float_eq_tol(high[0] - low[0], high[1] - low[1], 1e-3F);
    world_fini(&world);
}
END_TEST

/* A square root between sizes: four times the area is drawn sqrt(2) times as wide. */
START_TEST(vessels_have_the_proportions_of_their_parameters)
{
    World world = made_world(6);
    world.values[world.assets[1].first + 3].value = 4 * world.values[world.assets[0].first + 3].value;
    place(&world);
    ck_assert_float_eq_tol(world.assets[1].size[0] / world.assets[0].size[0], sqrtf(2), 1e-4F);
    world_fini(&world);
}
END_TEST

START_TEST(two_assets_have_one_link_and_it_is_the_pipe)
{
    World world = chain(2);
    LayoutLink links[4];
    world.connections[1] = (WorldConnection){.from = 1, .to = 0, .from_channel = 0, .to_channel = 0};  // the one reads the other's speed
    world.connection_count = 2;
    ck_assert_uint_eq(layout_links(&world, links), 1);
    ck_assert_int_eq(links[0].kind, LINK_PIPE);
    ck_assert_uint_eq(links[0].from, 0);
    ck_assert_uint_eq(links[0].channel, 1);
    world_fini(&world);
}
END_TEST

/* main.flow feeds tower.draw: the water leaves the tower. */
START_TEST(what_is_drawn_flows_back)
{
    World world = chain(2);
    LayoutLink links[4];
    WorldModel *models = world.models;
    snprintf(((WorldChannel *)models[MADE_TANK].channels)[1].name, WORLD_NAME, "draw_1");
    world.assets[1].model = MADE_TANK;
    ck_assert_uint_eq(layout_links(&world, links), 1);
    ck_assert_uint_eq(links[0].from, 1);
    ck_assert_uint_eq(links[0].to, 0);
    ck_assert_uint_eq(links[0].asset, 0);
    world_fini(&world);
}
END_TEST

KIT_MAIN("view.layout", nothing_overlaps, flow_goes_from_west_to_east, a_loop_is_cut_once, what_the_script_says_is_kept, a_mesh_that_is_not_there_is_the_models, a_fleet_stands_in_a_square,
         vessels_have_the_proportions_of_their_parameters, two_assets_have_one_link_and_it_is_the_pipe, what_is_drawn_flows_back)
