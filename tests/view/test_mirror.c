/* What a server tells is what the window shows; what it should not tell does no harm. */
#include <math.h>
#include <string.h>

#include "kit/kit.h"
#include "view/inquiry.h"

static const char snapshot[] =
    "{\"topic\":\"snapshot\",\"value\":{\"plant\":\"works\",\"doc\":\"two\",\"step\":0.5,\"twins\":["
    "{\"name\":\"pump_1\",\"model\":\"pump\",\"doc\":\"a pump\",\"at\":[1,2,0],\"placed\":true,\"channels\":["
    "{\"tag\":\"pump_1.flow\",\"name\":\"flow\",\"kind\":\"state\",\"unit\":\"m^3/h\",\"doc\":\"\"},"
    "{\"tag\":\"pump_1.setpoint\",\"name\":\"setpoint\",\"kind\":\"input\",\"unit\":\"rpm\",\"doc\":\"\",\"min\":0,\"max\":3600}],\"limits\":[]},"
    "{\"name\":\"tank_1\",\"model\":\"tank\",\"doc\":\"a tank\",\"at\":[5,2,0],\"placed\":true,\"channels\":["
    "{\"tag\":\"tank_1.level\",\"name\":\"level\",\"kind\":\"state\",\"unit\":\"m\",\"doc\":\"\"},"
    "{\"tag\":\"tank_1.inflow\",\"name\":\"inflow\",\"kind\":\"input\",\"unit\":\"m^3/h\",\"doc\":\"\"},"
    "{\"tag\":\"tank_1.radar\",\"name\":\"radar\",\"kind\":\"sensor\",\"unit\":\"m\",\"doc\":\"\",\"of\":\"tank_1.level\"}],"
    "\"limits\":[{\"alarm\":\"full\",\"tag\":\"tank_1.level\",\"side\":\"high\",\"limit\":2.5,\"severity\":\"major\"}]}],"
    "\"connect\":[[\"pump_1.flow\",\"tank_1.inflow\"],[\"pump_1.flow\",\"nobody.inflow\"]],"
    "\"alarms\":[{\"id\":7,\"twin\":\"tank_1\",\"name\":\"full\",\"severity\":\"major\",\"state\":\"raised\",\"text\":\"it is full\",\"raised\":5000000000,\"shelved\":null,\"suppressed\":false}],\"commands\":[]}}";

static const char tick[] =
    "{\"topic\":\"tick\",\"value\":{\"time\":9000000000,\"values\":{\"tank_1.level\":[2.4,0.01],\"tank_1.radar\":[2.41,null,8500000000,\"uncertain\"],\"pump_1.flow\":[null,null],\"x.y\":[1,1]},"
    "\"twins\":{\"pump_1\":{\"verdict\":\"process\",\"quality\":\"good\",\"sensors\":{}},\"tank_1\":{\"verdict\":\"none\",\"quality\":\"good\",\"sensors\":{}}},\"alarms\":[]}}";

typedef struct Scene {
    Mirror *mirror;
    World world;
} Scene;

static bool tell(Scene *scene, const char *text)
{
    bool changed = false;
    json_t *message = json_loads(text, 0, NULL);
    ck_assert_msg(message != NULL, "%s", text);
    ck_assert_int_eq(mirror_apply(scene->mirror, &scene->world, message, &changed), ERR_OK);
    json_decref(message);
    if (changed)
        mirror_show_live(scene->mirror, &scene->world);
    return changed;
}

static Scene open_scene(void)
{
    Scene scene = {0};
    world_clear(&scene.world);
    ck_assert_int_eq(mirror_create(&scene.mirror), ERR_OK);
    ck_assert(tell(&scene, snapshot));
    return scene;
}

static void close_scene(Scene *scene)
{
    mirror_destroy(scene->mirror);
    world_fini(&scene->world);
}

static const WorldValue *value(const Scene *scene, const char *asset, const char *channel)
{
    const int64_t at = world_find(&scene->world, asset);
    ck_assert_int_ge(at, 0);
    return world_value(&scene->world, (uint32_t)at, world_channel(world_model(&scene->world, (uint32_t)at), channel));
}

START_TEST(a_snapshot_says_what_there_is)
{
    Scene scene = open_scene();
    const World *world = &scene.world;
    ck_assert_str_eq(world->plant, "works");
    ck_assert_uint_eq(world->asset_count, 2);
    ck_assert_uint_eq(world->model_count, 2);
    ck_assert_uint_eq(world->connection_count, 1);  // the other end of the second is nobody
    ck_assert(world->assets[1].placed);
    ck_assert_float_eq(world->assets[1].at[0], 5);
    const WorldModel *tank = world_model(world, 1);
    ck_assert_uint_eq(tank->channels[0].measured_by, 2);
    ck_assert_uint_eq(tank->limit_count, 1);
    ck_assert_int_eq(tank->limits[0].severity, 2);
    ck_assert(isinf(tank->channels[0].max));
    ck_assert_double_eq(world_model(world, 0)->channels[1].max, 3600);
    ck_assert(isnan(value(&scene, "tank_1", "level")->value));
    close_scene(&scene);
}
END_TEST

START_TEST(a_tick_says_what_has_changed)
{
    Scene scene = open_scene();
    ck_assert(tell(&scene, tick));
    ck_assert_int_eq(scene.world.time, 9 * NS_PER_S);
    ck_assert_double_eq(value(&scene, "tank_1", "level")->value, 2.4);
    ck_assert_float_eq(value(&scene, "tank_1", "level")->sd, 0.01F);
    ck_assert_double_eq(value(&scene, "tank_1", "level")->measured, 2.41);
    ck_assert_int_eq(value(&scene, "tank_1", "radar")->quality, VALUE_UNCERTAIN);
    ck_assert(isnan(value(&scene, "pump_1", "flow")->value));
    ck_assert_int_eq(scene.world.assets[0].health, ASSET_PARTED);
    ck_assert_int_eq(scene.world.assets[1].health, ASSET_ALARM);
    ck_assert_int_eq(scene.world.assets[1].severity, 2);
    ck_assert(scene.world.assets[1].unacknowledged);
    close_scene(&scene);
}
END_TEST

static const char *alarm_in(const char *state, int id, int64_t raised)
{
    static char text[512];
    snprintf(text, sizeof text,
             "{\"topic\":\"tick\",\"value\":{\"alarms\":[{\"id\":%d,\"twin\":\"tank_1\",\"name\":\"full\",\"severity\":\"critical\",\"state\":\"%s\",\"text\":\"\",\"raised\":%lld,\"shelved\":null,"
             "\"suppressed\":false}]}}",
             id, state, (long long)raised);
    return text;
}

START_TEST(alarms_come_newest_first_and_go_when_they_are_over)
{
    Scene scene = open_scene();
    tell(&scene, alarm_in("raised", 8, 6000000000));
    ck_assert_uint_eq(scene.world.alarm_count, 2);
    ck_assert_uint_eq(scene.world.alarms[0].id, 8);
    ck_assert_int_eq(scene.world.assets[1].severity, 3);
    tell(&scene, alarm_in("acknowledged", 8, 6000000000));
    ck_assert_uint_eq(scene.world.alarm_count, 2);
    ck_assert(scene.world.alarms[0].acknowledged && scene.world.alarms[0].active);
    tell(&scene, alarm_in("over", 8, 6000000000));
    ck_assert_uint_eq(scene.world.alarm_count, 1);
    ck_assert_uint_eq(scene.world.alarms[0].id, 7);
    for (int id = 100; id < 100 + 2 * WORLD_ALARMS_MAX; id++)
        tell(&scene, alarm_in("raised", id, id * INT64_C(1000000000)));
    ck_assert_uint_eq(scene.world.alarm_count, WORLD_ALARMS_MAX);
    ck_assert_uint_eq(scene.world.alarms[0].id, 99 + 2 * WORLD_ALARMS_MAX);
    close_scene(&scene);
}
END_TEST

/* Another connection to the same plant changes no index: what is selected stays so. */
START_TEST(the_same_twins_again_are_no_other_shape)
{
    Scene scene = open_scene();
    tell(&scene, tick);
    const uint64_t shape = scene.world.shape;
    tell(&scene, snapshot);
    ck_assert_uint_eq(scene.world.shape, shape);
    ck_assert_double_eq(value(&scene, "tank_1", "level")->value, 2.4);
    tell(&scene, "{\"topic\":\"snapshot\",\"value\":{\"plant\":\"works\",\"step\":1,\"twins\":[],\"connect\":[],\"alarms\":[]}}");
    ck_assert_uint_ne(scene.world.shape, shape);
    ck_assert_uint_eq(scene.world.asset_count, 0);
    ck_assert(tell(&scene, tick));
    close_scene(&scene);
}
END_TEST

START_TEST(the_past_is_shown_without_losing_what_is_live)
{
    Scene scene = open_scene();
    tell(&scene, tick);
    json_t *moment = json_loads("{\"time\":3000000000,\"values\":{\"tank_1.level\":[1.5,0.1,2900000000]},\"alarms\":[]}", 0, NULL);
    mirror_show_past(scene.mirror, &scene.world, moment);
    json_decref(moment);
    ck_assert_int_eq(scene.world.time, 3 * NS_PER_S);
    ck_assert_double_eq(value(&scene, "tank_1", "level")->value, 1.5);
    ck_assert(isnan(value(&scene, "tank_1", "level")->measured));
    ck_assert_uint_eq(scene.world.alarm_count, 0);
    ck_assert_int_eq(scene.world.assets[1].health, ASSET_CALM);
    mirror_show_live(scene.mirror, &scene.world);
    ck_assert_double_eq(value(&scene, "tank_1", "level")->value, 2.4);
    ck_assert_uint_eq(scene.world.alarm_count, 1);
    close_scene(&scene);
}
END_TEST

START_TEST(what_is_not_as_expected_is_left_out)
{
    static const char *const messages[] = {
        "{}", "[]", "{\"topic\":\"tick\"}", "{\"topic\":\"tick\",\"value\":7}", "{\"topic\":\"tick\",\"value\":{\"values\":[],\"twins\":3,\"alarms\":{}}}",
        "{\"topic\":\"tick\",\"value\":{\"values\":{\"tank_1.level\":7,\"tank_1.radar\":[]}}}", "{\"topic\":\"tick\",\"value\":{\"alarms\":[1,{\"twin\":\"tank_1\"},{\"state\":\"raised\"}]}}",
        "{\"topic\":\"snapshot\",\"value\":{\"twins\":7}}", "{\"topic\":\"snapshot\",\"value\":{\"twins\":[1,{\"name\":3},{}],\"connect\":[[1],2,[\"a\",\"b\"]]}}",
        "{\"topic\":\"snapshot\",\"value\":{\"twins\":[{\"name\":\"a\",\"model\":\"m\",\"channels\":[{\"name\":\"x\",\"of\":\"a.x\"}]},{\"name\":\"a\",\"model\":\"m\"}]}}",
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        Scene scene = open_scene();
        tell(&scene, tick);
        tell(&scene, messages[i]);
        tell(&scene, tick);
        close_scene(&scene);
    }
}
END_TEST

/* A scenario is read by the server's own words, so this is what docs/forecast.md says. */
START_TEST(a_forecast_is_asked_for_with_its_alternative)
{
    Scene scene = open_scene();
    const uint16_t level = 0;
    const WhatIf change = {.asset = 0, .channel = 1, .value = 1500};
    Text text = {0};
    inquiry_put_forecast(&text, &scene.world, &(ForecastAsk){1, &level, 1, &change, 1, 600});
    json_t *json = json_loads(text.bytes, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(json, "tags"), 0)), "tank_1.level");
    ck_assert_double_eq(json_number_value(json_object_get(json, "horizon")), 600);
    const json_t *other = json_array_get(json_object_get(json, "alternatives"), 0);
    ck_assert_double_eq(json_number_value(json_object_get(json_object_get(other, "changes"), "pump_1.setpoint")), 1500);
    json_decref(json);
    text_fini(&text);
    close_scene(&scene);
}
END_TEST

START_TEST(without_memory_nothing_is_half_there)
{
    json_t *message = json_loads(snapshot, 0, NULL);
    for (size_t n = 1; n < 12; n++) {
        Scene scene = {0};
        bool changed;
        world_clear(&scene.world);
        if (mirror_create(&scene.mirror) != ERR_OK)
            continue;
        kit_fail_allocation(n);
        if (mirror_apply(scene.mirror, &scene.world, message, &changed) != ERR_OK)
            ck_assert_uint_eq(scene.world.asset_count, 0);
        kit_fail_allocation(0);
        close_scene(&scene);
    }
    json_decref(message);
}
END_TEST

KIT_MAIN("view.mirror", a_snapshot_says_what_there_is, a_tick_says_what_has_changed, alarms_come_newest_first_and_go_when_they_are_over, the_same_twins_again_are_no_other_shape,
         the_past_is_shown_without_losing_what_is_live, what_is_not_as_expected_is_left_out, a_forecast_is_asked_for_with_its_alternative, without_memory_nothing_is_half_there)
