/* fuzz_mirror.c -- any lines as the messages of a server, a moment of its history, a forecast and a course: the window shows what it can of them. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "view/inquiry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_world(const World *world)
{
    for (uint32_t i = 0; i < world->asset_count; i++) {
        require(world->assets[i].model < world->model_count);
        require(world->assets[i].first + world_model(world, i)->channel_count <= world->value_count);
    }
    for (uint32_t i = 0; i < world->connection_count; i++)
        require(world->connections[i].from < world->asset_count && world->connections[i].to < world->asset_count);
    require(world->alarm_count <= WORLD_ALARMS_MAX);
    for (uint32_t i = 0; i < world->alarm_count; i++)
        require(world->alarms[i].asset < world->asset_count);
}

static void read_answers(const Mirror *mirror, const json_t *json)
{
    Answer history = {.ticket = 1}, forecast = {.ticket = 1};
    inquiry_read_history(mirror, json, &history);
    inquiry_read_forecast(mirror, json, &forecast);
    answer_fini(&history);
    answer_fini(&forecast);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    World world = {0};
    Mirror *mirror;
    world_clear(&world);
    require(mirror_create(&mirror) == ERR_OK);
    while (size > 0) {
        const uint8_t *end = memchr(bytes, '\n', size);
        const size_t length = end ? (size_t)(end - bytes) : size;
        bool changed = false;
        json_t *json = json_loadb((const char *)bytes, length, 0, NULL);
        if (mirror_apply(mirror, &world, json, &changed) == ERR_OK && changed)
            mirror_show_live(mirror, &world);
        check_world(&world);
        mirror_show_past(mirror, &world, json);
        check_world(&world);
        read_answers(mirror, json);
        json_decref(json);
        bytes += length;
        size -= length;
        bytes += size > 0;
        size -= size > 0;
    }
    mirror_destroy(mirror);
    world_fini(&world);
    return 0;
}
