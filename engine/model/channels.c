/* channels.c -- states, parameters, inputs, actuators: the sections of a model that declare values. */
#include "model/loader.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

Err loader__out_of_memory(Loader *loader)
{
    return err_set(loader->why, ERR_MEMORY, "%s: no memory for the model", loader->model->path);
}

/* Push the table `section` of the declaration (an empty one when absent) and list its keys. */
Err loader__open_section(Loader *loader, const char *section, const char ***keys, size_t *count)
{
    if (lua_getfield(loader->lua, loader->root, section) == LUA_TNIL) {
        lua_pop(loader->lua, 1);
        lua_newtable(loader->lua);
    }
    if (!lua_istable(loader->lua, -1))
        return script_blame(loader->script, loader->why, section, NULL, "\"%s\" must be a table of named entries, got %s", section, luaL_typename(loader->lua, -1));
    return declare_keys(loader->script, lua_gettop(loader->lua), section, &loader->model->arena, keys, count, loader->why);
}

/* Push the entry `key` of the section on top of the stack. */
Declaration loader__open_entry(Loader *loader, const char *section, const char *key)
{
    lua_getfield(loader->lua, -1, key);
    Declaration entry = {.script = loader->script, .index = lua_gettop(loader->lua), .section = section, .key = key, .why = loader->why};
    if (!lua_istable(loader->lua, -1)) {
        declare_fail(&entry, "\"%s\" must be a table, as in %s = { value, \"unit\" }, got %s", key, key, luaL_typename(loader->lua, -1));
        lua_newtable(loader->lua);
        lua_replace(loader->lua, entry.index);
    }
    return entry;
}

int loader__find_channel(const Loader *loader, const char *name)
{
    for (uint16_t i = 0; i < loader->model->channel_count; i++)
        if (strcmp(loader->channels[i].name, name) == 0)
            return i;
    return -1;
}

static bool is_taken(const Loader *loader, const char *name)
{
    for (size_t i = 0; i < loader->array_count; i++)
        if (strcmp(loader->arrays[i].name, name) == 0)
            return true;
    return loader__find_channel(loader, name) >= 0;
}

Channel *loader__add_named(Loader *loader, Declaration *entry, const char *name, ChannelKind kind)
{
    if (loader->model->channel_count == MODEL_CHANNELS_MAX) {
        declare_fail(entry, "a model has %d channels at most", MODEL_CHANNELS_MAX);
        return &loader->channels[0];
    }
    if (is_taken(loader, name))
        declare_fail(entry, "the name \"%s\" is taken: states, parameters, inputs, outputs, sensors and actuators need names of their own", name);

    Channel *channel = &loader->channels[loader->model->channel_count++];
    *channel = (Channel){.name = name, .kind = kind, .unit = unit_one(), .column = COLUMN_NONE, .variance = COLUMN_NONE,
                         .min = -INFINITY, .max = INFINITY, .rate_max = INFINITY};
    channel->doc = arena_text(&loader->model->arena, declare_text(entry, "doc", ""));
    if (!channel->doc)
        declare_fail(entry, "no memory for \"%s\"", entry->key);
    return channel;
}

Channel *loader__add_channel(Loader *loader, Declaration *entry, ChannelKind kind)
{
    return loader__add_named(loader, entry, entry->key, kind);
}

/* { value, "unit", min =, max = }, in SI from here on. */
static void read_value(Declaration *entry, Channel *channel)
{
    channel->unit = declare_unit_at(entry, 2);
    channel->initial = unit_to_si(channel->unit, declare_number_at(entry, 1, NAN));
    channel->min = unit_to_si(channel->unit, declare_number(entry, "min", -INFINITY));
    channel->max = unit_to_si(channel->unit, declare_number(entry, "max", INFINITY));
    if (isnan(channel->initial))
        declare_fail(entry, "\"%s\" has no value: expected { value, \"unit\" }", entry->key);
    else if (channel->min > channel->max)
        declare_fail(entry, "min of \"%s\" is above its max", entry->key);
    else if (channel->initial < channel->min || channel->initial > channel->max)
        declare_fail(entry, "the value of \"%s\" is outside its min and max", entry->key);
}

double loader__read_spread(Declaration *entry, const Channel *channel, const char *name, double fallback)
{
    const double spread = declare_number(entry, name, fallback);
    if (spread < 0)
        declare_fail(entry, "%s of \"%s\" is negative", name, entry->key);
    return unit_scale_to_si(channel->unit, spread);
}

static void read_state(Loader *loader, Declaration *entry, const char *name)
{
    Channel *channel = loader__add_named(loader, entry, name, CHANNEL_STATE);
    read_value(entry, channel);
    channel->noise = loader__read_spread(entry, channel, "noise", 0);
    channel->initial_sd = loader__read_spread(entry, channel, "sd", 0);
}

/* T = { 20, "degC", count = 20 }: the states T_1 to T_20. */
static void read_state_array(Loader *loader, Declaration *entry, int count)
{
    loader->arrays[loader->array_count++] = (TraceArray){entry->key, loader->model->channel_count, (size_t)count};
    for (int i = 1; i <= count && !entry->err; i++) {
        const char *name = arena_format(&loader->model->arena, "%s_%d", entry->key, i);
        if (name && declare_is_name(name))
            read_state(loader, entry, name);
        else
            declare_fail(entry, "no name for element %d of \"%s\": it is too long", i, entry->key);
    }
}

Err loader__read_states(Loader *loader)
{
    static const char *const known[] = {"min", "max", "noise", "sd", "count", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = loader__open_section(loader, "states", &keys, &count);
    if (!err && !(loader->arrays = arena_new(&loader->model->arena, TraceArray, count + 1)))
        return loader__out_of_memory(loader);
    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = loader__open_entry(loader, "states", keys[i]);
        declare_only(&entry, known, 2);
        const double elements = declare_number(&entry, "count", NAN);  // a single state has none
        if (!isnan(elements) && (elements != floor(elements) || elements < 1 || elements > MODEL_STATES_MAX))
            declare_fail(&entry, "count of \"%s\": expected a whole number from 1 to %d", entry.key, MODEL_STATES_MAX);
        else if (!isnan(elements))
            read_state_array(loader, &entry, (int)elements);
        else
            read_state(loader, &entry, entry.key);
        lua_pop(loader->lua, 1);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    loader->model->dynamic_count = loader->model->channel_count;
    return err;
}

/* Parameters, the tracked ones first: with the states they are the filter's vector. */
Err loader__read_parameters(Loader *loader, ChannelKind wanted)
{
    static const char *const known[] = {"min", "max", "estimate", "jump", "sd", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = loader__open_section(loader, "params", &keys, &count);
    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = loader__open_entry(loader, "params", keys[i]);
        const double estimate = declare_number(&entry, "estimate", NAN);
        const ChannelKind kind = isnan(estimate) ? CHANNEL_PARAMETER : CHANNEL_TRACKED;
        if (kind == wanted && !entry.err) {
            Channel *channel = loader__add_channel(loader, &entry, kind);
            declare_only(&entry, known, 2);
            read_value(&entry, channel);
            channel->noise = kind == CHANNEL_TRACKED ? loader__read_spread(&entry, channel, "estimate", 0) : 0;
            channel->initial_sd = loader__read_spread(&entry, channel, "sd", 0);
            channel->jump = loader__read_spread(&entry, channel, "jump", 0);
            if (kind == CHANNEL_PARAMETER && (channel->initial_sd > 0 || channel->jump > 0))
                declare_fail(&entry, "\"%s\" has an sd or a jump but no estimate: only a tracked parameter is uncertain", entry.key);
        }
        lua_pop(loader->lua, 1);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    if (wanted == CHANNEL_TRACKED)
        loader->model->state_count = loader->model->channel_count;
    return err;
}

Err loader__read_inputs(Loader *loader)
{
    static const char *const known[] = {"min", "max", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = loader__open_section(loader, "inputs", &keys, &count);
    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = loader__open_entry(loader, "inputs", keys[i]);
        Channel *channel = loader__add_channel(loader, &entry, CHANNEL_INPUT);
        declare_only(&entry, known, 2);
        read_value(&entry, channel);
        lua_pop(loader->lua, 1);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    return err;
}

Err loader__read_actuators(Loader *loader)
{
    static const char *const known[] = {"min", "max", "rate", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = loader__open_section(loader, "actuators", &keys, &count);
    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = loader__open_entry(loader, "actuators", keys[i]);
        Channel *channel = loader__add_channel(loader, &entry, CHANNEL_ACTUATOR);
        declare_only(&entry, known, 2);
        read_value(&entry, channel);
        channel->rate_max = loader__read_spread(&entry, channel, "rate", INFINITY);
        lua_pop(loader->lua, 1);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    return err;
}
