/* The stage: what is picked, what is drawn, and how it tells what is wrong. */
#include <math.h>
#include <string.h>

#include "kit/kit.h"
#include "view/made.h"
#include "view/stage.h"

typedef struct Scene {
    Made made;
    World world;
    Stage stage;
    CameraLens lens;
    StageOptions options;
} Scene;

static void look_at_all(Scene *scene)
{
    Camera camera;
    camera_init(&camera);
    camera_fly_to(&camera, scene->stage.low, scene->stage.high, 16.0F / 9, 0.9F);
    camera_settle(&camera);
    camera_lens(&camera, 1280, 720, 1000, &scene->lens);
}

static void open_scene(Scene *scene, uint32_t count)
{
    ErrText why = {""};
    *scene = (Scene){.made = {.count = count}, .options = {.palette = palette_get(PALETTE_LIGHT), .selected = WORLD_NOBODY, .hovered = WORLD_NOBODY}};
    ck_assert(made_poll(&scene->made, &scene->world));
    ck_assert_msg(stage_init(&scene->stage, NULL, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(stage_build(&scene->stage, &scene->world, &why) == ERR_OK, "%s", why.text);
    look_at_all(scene);
}

static void close_scene(Scene *scene)
{
    stage_fini(&scene->stage);
    world_fini(&scene->world);
}

static void compose(Scene *scene)
{
    stage_compose(&scene->stage, &scene->world, &scene->lens, &scene->options);
}

/* The instance of an asset's body: it stands where the asset does. */
static const Instance *body_of(const Scene *scene, uint32_t asset)
{
    const Stage *stage = &scene->stage;
    for (size_t i = 0; i < stage->draw_count; i++)
        for (uint32_t k = 0; k < stage->draws[i].count && !stage->draws[i].ghost && stage->draws[i].mesh == stage->mesh_of[asset]; k++) {
            const Instance *instance = &stage->instances[stage->draws[i].first + k];
            if (memcmp(instance->place, scene->world.assets[asset].at, sizeof instance->place) == 0)
                return instance;
        }
    ck_abort_msg("%s is not drawn", scene->world.assets[asset].name);
    return NULL;
}

static uint32_t count_mesh(const Scene *scene, const char *name, bool ghosts)
{
    uint32_t count = 0;
    for (size_t i = 0; i < scene->stage.draw_count; i++)
        if (scene->stage.draws[i].ghost == ghosts && strcmp(scene->stage.meshes.meshes[scene->stage.draws[i].mesh].name, name) == 0)
            count += scene->stage.draws[i].count;
    return count;
}

/* A ray from the eye to the middle of a body meets that body, or one that stands before it. */
START_TEST(the_body_under_the_pointer_is_picked)
{
    Scene scene;
    size_t own = 0;
    open_scene(&scene, 60);
    for (uint32_t i = 0; i < 60; i++) {
        const WorldAsset *asset = &scene.world.assets[i];
        float at[2], origin[3], direction[3], way, depth;
        const float middle[3] = {asset->at[0], asset->at[1], asset->at[2] + asset->size[2] / 2};
        ck_assert(lens_project(&scene.lens, middle, at, &depth));
        lens_ray(&scene.lens, at[0], at[1], origin, direction);
        const int64_t found = stage_pick(&scene.stage, &scene.world, origin, direction, &way);
        ck_assert_int_ne(found, WORLD_NOBODY);
        own += found == i;
        ck_assert_float_le(way, hypotf(hypotf(middle[0] - origin[0], middle[1] - origin[1]), middle[2] - origin[2]));
    }
    ck_assert_uint_gt(own, 40);
    close_scene(&scene);
}
END_TEST

START_TEST(the_sky_is_nobody)
{
    Scene scene;
    open_scene(&scene, 9);
    ck_assert_int_eq(stage_pick(&scene.stage, &scene.world, (const float[]){0, 0, 500}, (const float[]){0, 0, 1}, NULL), WORLD_NOBODY);
    ck_assert_int_eq(stage_pick(&scene.stage, &scene.world, (const float[]){-500, -500, 500}, (const float[]){0, 0, -1}, NULL), WORLD_NOBODY);
    close_scene(&scene);
}
END_TEST

/* A box that is turned by a quarter is as wide as it was deep. */
START_TEST(a_turned_body_is_picked_where_it_is)
{
    Scene scene;
    open_scene(&scene, 1);
    WorldAsset *asset = &scene.world.assets[0];
    memcpy(asset->size, (const float[]){10, 2, 4}, sizeof asset->size);
    const float above[3] = {asset->at[0] + 4, asset->at[1], 50}, down[3] = {0, 0, -1};
    ck_assert_int_eq(stage_pick(&scene.stage, &scene.world, above, down, NULL), 0);
    asset->turn = (float)M_PI_2;
    ck_assert_int_eq(stage_pick(&scene.stage, &scene.world, above, down, NULL), WORLD_NOBODY);
    ck_assert_int_eq(stage_pick(&scene.stage, &scene.world, (const float[]){asset->at[0], asset->at[1] + 4, 50}, down, NULL), 0);
    close_scene(&scene);
}
END_TEST

START_TEST(a_tank_is_as_full_as_its_level)
{
    Scene scene;
    open_scene(&scene, 3);
    WorldValue *level = &scene.world.values[scene.world.assets[0].first];
    for (int i = 0; i <= 4; i++) {
        level->value = i;
        compose(&scene);
        ck_assert_float_eq_tol(body_of(&scene, 0)->high, (float)i / 4, 1e-6F);
    }
    level->value = NAN;
    compose(&scene);
    ck_assert_float_eq(body_of(&scene, 0)->high, 0);
    close_scene(&scene);
}
END_TEST

START_TEST(estimate_and_measurement_are_two_lines)
{
    Scene scene;
    open_scene(&scene, 3);
    compose(&scene);
    const uint32_t both = count_mesh(&scene, "ring", false);
    scene.world.values[scene.world.assets[0].first].measured = NAN;
    compose(&scene);
    ck_assert_uint_eq(both, 2);
    ck_assert_uint_eq(count_mesh(&scene, "ring", false), 1);
    close_scene(&scene);
}
END_TEST

START_TEST(what_is_hot_has_another_colour_than_what_is_cold)
{
    Scene scene;
    open_scene(&scene, 3);
    WorldValue *heat = &scene.world.values[scene.world.assets[2].first + 1];
    uint8_t cold[4];
    heat->value = 0;
    compose(&scene);
    memcpy(cold, body_of(&scene, 2)->colour, sizeof cold);
    heat->value = 80;
    compose(&scene);
    ck_assert_int_ne(memcmp(cold, body_of(&scene, 2)->colour, sizeof cold), 0);
    close_scene(&scene);
}
END_TEST

START_TEST(a_pump_turns_as_fast_as_it_runs_and_stands_when_it_does_not)
{
    Scene scene;
    open_scene(&scene, 3);
    WorldValue *speed = &scene.world.values[scene.world.assets[1].first];
    speed->value = 0;
    stage_step(&scene.stage, &scene.world, 0.1F);
    ck_assert_float_eq(scene.stage.spin[1], 0);
    speed->value = 1000;
    ck_assert(stage_step(&scene.stage, &scene.world, 0.1F));
    const float slow = scene.stage.spin[1];
    speed->value = 2000;
    stage_step(&scene.stage, &scene.world, 0.1F);
    ck_assert_float_gt(slow, 0);
    ck_assert_float_eq_tol(scene.stage.spin[1] - slow, 2 * slow, 1e-4F);
    close_scene(&scene);
}
END_TEST

/* Marks run with the flow: turned round, they point and run the other way. */
START_TEST(marks_of_pipes_point_with_the_flow)
{
    Scene scene;
    open_scene(&scene, 6);
    WorldValue *flow = &scene.world.values[scene.world.assets[3].first + 1];
    for (int sense = -1; sense <= 1; sense++) {
        flow->value = 40 * sense;
        stage_step(&scene.stage, &scene.world, 0.1F);
        ck_assert_float_eq(scene.stage.strength[0] > 0 ? 1 : scene.stage.strength[0] < 0 ? -1 : 0, (float)sense);
    }
    close_scene(&scene);
}
END_TEST

START_TEST(ghosts_stand_beside_what_has_a_future)
{
    Scene scene;
    open_scene(&scene, 3);
    scene.made.ghosts = scene.options.ghosts = true;
    made_fill(&scene.made, &scene.world);
    compose(&scene);
    ck_assert_uint_eq(count_mesh(&scene, "tank", true), 1);
    ck_assert_uint_eq(count_mesh(&scene, "shell", true), 1);
    ck_assert_uint_eq(count_mesh(&scene, "pump", true), 0);

    // filled up to the median; the shell from the 10 % to the 90 % quantile
    const WorldValue *level = &scene.world.values[scene.world.assets[0].first];
    const WorldAsset *tank = &scene.world.assets[0];
    for (size_t i = 0; i < scene.stage.draw_count; i++) {
        const Draw *draw = &scene.stage.draws[i];
        const Instance *ghost = &scene.stage.instances[draw->first];
        const Mesh *mesh = &scene.stage.meshes.meshes[draw->mesh];
        if (!draw->ghost)
            continue;
        ck_assert_float_lt(ghost->alpha, 1);
        if (strcmp(mesh->name, "tank") == 0)
            ck_assert_float_eq_tol(ghost->high, level->middle / 4, 1e-5F);
        if (strcmp(mesh->name, "shell") == 0 && draw->count == 1)
            ck_assert_float_eq_tol(ghost->size[2], tank->size[2] * 0.94F * (level->high - level->low) / 4, 1e-3F);
    }
    scene.options.ghosts = false;
    compose(&scene);
    ck_assert_uint_eq(count_mesh(&scene, "tank", true), 0);
    close_scene(&scene);
}
END_TEST

START_TEST(trouble_is_told_by_form_and_colour)
{
    Scene scene;
    open_scene(&scene, 3);
    compose(&scene);
    const uint32_t calm = count_mesh(&scene, "ring", false);
    ck_assert_int_eq(body_of(&scene, 1)->tint[3], 0);

    scene.world.assets[1].health = ASSET_PARTED;
    compose(&scene);
    const int tint = body_of(&scene, 1)->tint[3];
    ck_assert_uint_eq(count_mesh(&scene, "ring", false), calm + 1);
    scene.options.seconds = 0.25;
    compose(&scene);
    ck_assert_int_ne(body_of(&scene, 1)->tint[3], tint);  // it pulses

    scene.world.assets[1].health = ASSET_QUARANTINED;
    compose(&scene);
    ck_assert_float_gt(body_of(&scene, 1)->stripes, 0);
    close_scene(&scene);
}
END_TEST

/* Draws lie one behind the other without a gap, one per mesh and level, ghosts behind all others. */
START_TEST(every_mesh_and_level_is_one_draw)
{
    Scene scene;
    open_scene(&scene, 999);
    scene.made.ghosts = scene.options.ghosts = true;
    made_fill(&scene.made, &scene.world);
    compose(&scene);
    uint32_t next = 0;
    for (size_t i = 0; i < scene.stage.draw_count; i++) {
        const Draw *draw = &scene.stage.draws[i];
        ck_assert_uint_eq(draw->first, next);
        next += draw->count;
        for (size_t k = 0; k < i; k++)
            ck_assert(scene.stage.draws[k].mesh != draw->mesh || scene.stage.draws[k].level != draw->level || scene.stage.draws[k].ghost != draw->ghost);
        ck_assert(i == 0 || draw->ghost >= scene.stage.draws[i - 1].ghost);
    }
    ck_assert_uint_eq(next, scene.stage.instance_count);
    ck_assert_uint_gt(next, 999);
    close_scene(&scene);
}
END_TEST

START_TEST(what_lies_outside_is_left_out)
{
    Scene scene;
    open_scene(&scene, 999);
    compose(&scene);
    const uint32_t all = scene.stage.instance_count;
    Camera camera;
    camera_init(&camera);
    camera_follow(&camera, scene.world.assets[0].at);
    camera.goal.distance = 12;
    camera_settle(&camera);
    camera_lens(&camera, 1280, 720, 30, &scene.lens);
    compose(&scene);
    ck_assert_uint_lt(scene.stage.instance_count, all / 10);
    ck_assert_uint_gt(scene.stage.instance_count, 0);
    close_scene(&scene);
}
END_TEST

KIT_MAIN("view.stage", the_body_under_the_pointer_is_picked, the_sky_is_nobody, a_turned_body_is_picked_where_it_is, a_tank_is_as_full_as_its_level, estimate_and_measurement_are_two_lines,
         what_is_hot_has_another_colour_than_what_is_cold, a_pump_turns_as_fast_as_it_runs_and_stands_when_it_does_not, marks_of_pipes_point_with_the_flow, ghosts_stand_beside_what_has_a_future,
         trouble_is_told_by_form_and_colour, every_mesh_and_level_is_one_draw, what_lies_outside_is_left_out)
