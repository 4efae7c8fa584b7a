/* made.h -- worlds that are made up: for tests of the scene, and to measure it.
 *
 * A made source has as many assets as are asked for: a third of them tanks, a third pumps, a third cells, without places; each tank but the first is fed by a pump. Values follow a
 * sine in `phase`, which the test sets, so a scene is the same whenever and wherever it is drawn. */
#pragma once

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/look.h"
#include "view/world.h"

typedef struct Made {
    uint32_t count;
    double phase;
    bool ghosts, troubled;  // forecasts are there; every seventh asset has parted, every eleventh stands still
    bool described;
    double shown;           // the phase that the world has
} Made;

enum { MADE_TANK, MADE_PUMP, MADE_CELL, MADE_MODELS, MADE_CHANNELS = 4 };

static inline uint16_t made_kind(const Made *made, uint32_t asset)
{
    return (uint16_t)((uint64_t)asset * MADE_MODELS / made->count);
}

static inline WorldChannel made_channel(const char *name, const char *unit, ChannelRole role, double max)
{
    WorldChannel channel = {.doc = "", .role = role, .min = 0, .max = max, .measured_by = WORLD_NONE};
    snprintf(channel.name, sizeof channel.name, "%s", name);
    snprintf(channel.unit, sizeof channel.unit, "%s", unit);
    return channel;
}

static inline void made_model(WorldModel *model, const char *name, WorldChannel *channels)
{
    *model = (WorldModel){.doc = "", .channels = channels, .channel_count = MADE_CHANNELS};
    snprintf(model->name, sizeof model->name, "%s", name);
    look_find(model);
}

static inline Err made_describe(const Made *made, World *world)
{
    world_clear(world);
    Arena *arena = &world->arena;
    WorldChannel *channels = arena_new(arena, WorldChannel, MADE_MODELS * MADE_CHANNELS);
    world->models = arena_new(arena, WorldModel, MADE_MODELS);
    world->assets = arena_new(arena, WorldAsset, made->count + 1);
    world->connections = arena_new(arena, WorldConnection, made->count + 1);
    world->values = arena_new(arena, WorldValue, MADE_CHANNELS * made->count + 1);
    world->alarms = arena_new(arena, WorldAlarm, WORLD_ALARMS_MAX);
    if (!channels || !world->models || !world->assets || !world->connections || !world->values || !world->alarms)
        return ERR_MEMORY;

    const WorldChannel all[MADE_MODELS][MADE_CHANNELS] = {
        {made_channel("level", "m", ROLE_ESTIMATED, 4), made_channel("inflow", "m^3/h", ROLE_INPUT, 100), made_channel("radar", "m", ROLE_SENSOR, 4), made_channel("area", "m^2", ROLE_PARAMETER, 100)},
        {made_channel("speed", "rpm", ROLE_ESTIMATED, 3000), made_channel("flow", "m^3/h", ROLE_ESTIMATED, 100), made_channel("tacho", "rpm", ROLE_SENSOR, 3000), made_channel("wear", "1", ROLE_ESTIMATED, 1)},
        {made_channel("soc", "1", ROLE_ESTIMATED, 1), made_channel("T_cell", "degC", ROLE_ESTIMATED, 80), made_channel("voltmeter", "V", ROLE_SENSOR, 5), made_channel("current", "A", ROLE_INPUT, 10)},
    };
    static const char *const names[MADE_MODELS] = {"tank", "pump", "cell"};
    memcpy(channels, all, sizeof all);
    channels[0].measured_by = 2;
    for (int i = 0; i < MADE_MODELS; i++)
        made_model(&world->models[i], names[i], channels + i * MADE_CHANNELS);

    for (uint32_t i = 0; i < made->count; i++) {
        const uint16_t kind = made_kind(made, i);
        world->assets[i] = (WorldAsset){.model = kind, .first = MADE_CHANNELS * i, .severity = -1};
        snprintf(world->assets[i].name, WORLD_NAME, "%s_%06u", names[kind], i);
        const uint32_t tank = i - (made->count + MADE_MODELS - 1) / MADE_MODELS;
        if (kind == MADE_PUMP && tank > 0 && made_kind(made, tank) == MADE_TANK)
            world->connections[world->connection_count++] = (WorldConnection){.from = i, .to = tank, .from_channel = 1, .to_channel = 1};
    }
    world->asset_count = made->count;
    world->model_count = MADE_MODELS;
    world->value_count = MADE_CHANNELS * made->count;
    world->doc = "";
    snprintf(world->plant, sizeof world->plant, "made");
    return ERR_OK;
}

static inline void made_fill(const Made *made, World *world)
{
    static const double full[MADE_MODELS][MADE_CHANNELS] = {{4, 50, 4, 7}, {3000, 50, 3000, 0.1}, {1, 60, 4, 5}};
    for (uint32_t i = 0; i < made->count; i++)
        for (int k = 0; k < MADE_CHANNELS; k++) {
            WorldValue *value = &world->values[MADE_CHANNELS * i + (uint32_t)k];
            const double share = 0.5 + 0.4 * sin(made->phase + i * 0.7 + k), top = full[made_kind(made, i)][k];
            *value = (WorldValue){.value = k == 3 ? top : share * top, .measured = k == 0 ? (share + 0.05) * top : NAN, .sd = (float)(0.01 * top), .low = NAN, .middle = NAN, .high = NAN};
            if (made->ghosts) {
                value->low = (float)(0.8 * value->value);
                value->middle = (float)(0.9 * value->value);
                value->high = (float)value->value;
            }
        }
    for (uint32_t i = 0; i < made->count && made->troubled; i++)
        world->assets[i].health = i % 7 == 3 ? ASSET_PARTED : i % 11 == 5 ? ASSET_QUARANTINED : ASSET_CALM;
    world->time = (int64_t)(made->phase * 1e9);
    world->ghost_time = made->ghosts ? world->time + 60 * NS_PER_S : TIME_NONE;
    world->revision++;
}

static inline bool made_poll(void *self, World *world)
{
    Made *made = self;
    if (made->described && made->shown == made->phase)
        return false;
    if (!made->described && made_describe(made, world))
        return false;
    made->described = true;
    made->shown = made->phase;
    made_fill(made, world);
    return true;
}

static const SourceType made_type = {.name = "made", .poll = made_poll};

static inline Source made_source(Made *made)
{
    return (Source){&made_type, made};
}
