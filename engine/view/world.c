#include "view/world.h"

#include <string.h>

void world_fini(World *world)
{
    arena_fini(&world->arena);
    *world = (World){0};
}

void world_clear(World *world)
{
    const uint64_t shape = world->shape, revision = world->revision;
    arena_fini(&world->arena);
    *world = (World){.time = TIME_NONE, .ghost_time = TIME_NONE, .history_from = TIME_NONE, .history_to = TIME_NONE, .shape = shape + 1,
                     .revision = revision + 1};
}

int64_t world_find(const World *world, const char *name)
{
    for (uint32_t i = 0; i < world->asset_count; i++)
        if (strcmp(world->assets[i].name, name) == 0)
            return i;
    return WORLD_NOBODY;
}

uint16_t world_channel(const WorldModel *model, const char *name)
{
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (strcmp(model->channels[i].name, name) == 0)
            return i;
    return WORLD_NONE;
}

const WorldValue *world_value(const World *world, uint32_t asset, uint16_t channel)
{
    const uint32_t first = world->assets[asset].first;
    return channel == WORLD_NONE || first == WORLD_VALUE_NONE ? NULL : &world->values[first + channel];
}

void answer_fini(Answer *answer)
{
    arena_fini(&answer->arena);
    *answer = (Answer){0};
}
