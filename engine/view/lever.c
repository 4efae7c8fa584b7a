#include "view/lever.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/axis.h"

void lever_init(Lever *lever)
{
    *lever = (Lever){.asset = WORLD_NOBODY, .input = WORLD_NONE, .actuator = WORLD_NONE};
}

/* How long a name is without its last word: 5 of speed_order. All of it where it has one word. */
static size_t stem(const char *name)
{
    const char *last = strrchr(name, '_');
    return last && last > name ? (size_t)(last - name) : strlen(name);
}

static bool are_ends(const WorldChannel *a, const WorldChannel *b)
{
    const bool roles = (a->role == ROLE_INPUT && b->role == ROLE_ACTUATOR) || (a->role == ROLE_ACTUATOR && b->role == ROLE_INPUT);
    const size_t length = stem(a->name);
    return roles && strcmp(a->unit, b->unit) == 0 && length == stem(b->name) && strncmp(a->name, b->name, length) == 0;
}

uint16_t lever_other_end(const WorldModel *model, uint16_t channel)
{
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (are_ends(&model->channels[channel], &model->channels[i]))
            return i;
    return WORLD_NONE;
}

static bool is_fed(const World *world, uint32_t asset, uint16_t channel)
{
    for (uint32_t i = 0; i < world->connection_count; i++)
        if (world->connections[i].to == asset && world->connections[i].to_channel == channel)
            return true;
    return false;
}

bool lever_fits(const World *world, uint32_t asset, uint16_t channel)
{
    const ChannelRole role = world_model(world, asset)->channels[channel].role;
    return role == ROLE_ACTUATOR || (role == ROLE_INPUT && !is_fed(world, asset, channel));
}

bool lever_choose(Lever *lever, const World *world, uint32_t asset, uint16_t channel)
{
    if (!lever_fits(world, asset, channel))
        return false;
    const WorldModel *model = world_model(world, asset);
    const bool is_input = model->channels[channel].role == ROLE_INPUT;
    const uint16_t other = lever_other_end(model, channel);
    lever_init(lever);
    lever->asset = asset;
    lever->input = is_input ? channel : other;
    lever->actuator = is_input ? other : channel;
    if (lever->input != WORLD_NONE && is_fed(world, asset, lever->input))
        lever->input = WORLD_NONE;

    // it begins where it stands
    const WorldValue *value = world_value(world, asset, lever->input != WORLD_NONE ? lever->input : channel);
    if (value && isfinite(value->value))
        snprintf(lever->text, sizeof lever->text, "%s", axis_value(value->value, 0).text);
    return true;
}

const WorldChannel *lever_channel(const Lever *lever, const World *world)
{
    return &world_model(world, (uint32_t)lever->asset)->channels[lever->actuator != WORLD_NONE ? lever->actuator : lever->input];
}

bool lever_value(const Lever *lever, const World *world, double *out, ErrText *why)
{
    const WorldChannel *channel = lever_channel(lever, world);
    char *end;
    *out = strtod(lever->text, &end);
    end += strspn(end, " ");
    if (end == lever->text || *end || !isfinite(*out)) {
        err_set(why, ERR_PARSE, "expected a number, in %s", channel->unit);
        return false;
    }
    if (*out < channel->min || *out > channel->max) {
        if (isfinite(channel->min) && isfinite(channel->max))
            err_set(why, ERR_RANGE, "%s goes from %g to %g %s", channel->name, channel->min, channel->max, channel->unit);
        else
            err_set(why, ERR_RANGE, "%s goes %s %g %s", channel->name, *out < channel->min ? "from" : "up to",
                    *out < channel->min ? channel->min : channel->max, channel->unit);
        return false;
    }
    return true;
}

size_t lever_changes(const Lever *lever, const World *world, WhatIf *out)
{
    double value;
    if (lever->asset == WORLD_NOBODY || !lever->active || lever->input == WORLD_NONE || !lever_value(lever, world, &value, NULL))
        return 0;
    *out = (WhatIf){.asset = (uint32_t)lever->asset, .channel = lever->input, .value = value};
    return 1;
}
