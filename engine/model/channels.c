/* channels.c -- states, parameters, inputs, actuators: the sections of a model that declare values. */
#include "model/loader.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Err loader__out_of_memory(Loader *loader)
{
    return err_set(loader->why, ERR_MEMORY, "%s: no memory for the model", loader->model->path);
}

/* Push the table of a section, an empty one when the part has none. */
static void push_section(const Part *part, const char *section)
{
    lua_State *lua = script_lua(part->script);
    if (lua_getfield(lua, part->root, section) == LUA_TNIL) {
        lua_pop(lua, 1);
        lua_newtable(lua);
    }
}

static Err list_entries(Loader *loader, const Part *part, Section *section)
{
    lua_State *lua = script_lua(part->script);
    const char **keys;
    size_t count;
    push_section(part, section->name);
    if (!lua_istable(lua, -1))
        return script_blame(part->script, loader->why, section->name, NULL, "\"%s\" must be a table of named entries, got %s", section->name,
                            luaL_typename(lua, -1));
    const Err err = declare_keys(part->script, lua_gettop(lua), section->name, &loader->model->arena, &keys, &count, loader->why);
    lua_pop(lua, 1);
    if (err || count == 0)
        return err;

    struct SectionEntry *entries = arena_new(&loader->model->arena, struct SectionEntry, section->count + count);
    if (!entries)
        return loader__out_of_memory(loader);
    if (section->count)
        memcpy(entries, section->entries, section->count * sizeof *entries);
    section->entries = entries;
    for (size_t i = 0; i < count; i++) {
        entries[section->count] = (struct SectionEntry){part, keys[i], loader__full_name(loader, part, keys[i])};
        if (!entries[section->count++].full)
            return loader__out_of_memory(loader);
    }
    return ERR_OK;
}

static int by_full_name(const void *a, const void *b)
{
    return strcmp(((const struct SectionEntry *)a)->full, ((const struct SectionEntry *)b)->full);
}

Err loader__open_section(Loader *loader, const char *name, Section *out)
{
    Err err = ERR_OK;
    *out = (Section){.name = name};
    for (size_t i = 0; i < loader->part_count && !err; i++)
        err = list_entries(loader, &loader->parts[i], out);
    if (!err && out->count)
        qsort(out->entries, out->count, sizeof *out->entries, by_full_name);
    return err;
}

Declaration loader__open_entry(Loader *loader, const Section *section, size_t index)
{
    const struct SectionEntry *at = &section->entries[index];
    lua_State *lua = script_lua(at->part->script);
    push_section(at->part, section->name);
    lua_getfield(lua, -1, at->key);
    Declaration entry = {.script = at->part->script, .index = lua_gettop(lua), .section = section->name, .key = at->key, .why = loader->why};
    if (!lua_istable(lua, -1)) {
        declare_fail(&entry, "\"%s\" must be a table, as in %s = { value, \"unit\" }, got %s", at->key, at->key, luaL_typename(lua, -1));
        lua_newtable(lua);
        lua_replace(lua, entry.index);
    }
    return entry;
}

Err loader__close_entry(const Declaration *entry)
{
    lua_settop(script_lua(entry->script), entry->index - 2);  // the entry and its section
    return entry->err;
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
    const size_t length = strlen(name);
    for (size_t i = 0; i < loader->array_count; i++)
        if (loader__is_called(loader, loader->arrays[i].part, loader->arrays[i].name, name))
            return true;
    for (size_t i = 1; i < loader->part_count; i++)
        if (strncmp(loader->parts[i].prefix, name, length) == 0 && strcmp(loader->parts[i].prefix + length, "_") == 0)
            return true;
    return loader__find_channel(loader, name) >= 0;
}

/* Names of a part were good for the part; it is the whole that makes them too long, or has others like them. */
static void check_name(const Loader *loader, Declaration *entry, const Part *part, const char *name)
{
    if (part->whole && !declare_is_name(name))
        loader__fail_use(entry, part, "\"%s\" cannot be a name: with the name of the part it is too long", name);
    if (is_taken(loader, name))
        loader__fail_use(entry, part, "the name \"%s\" is taken: states, parameters, inputs, outputs, sensors, actuators and parts need names of their own",
                         name);
}

Channel *loader__add_named(Loader *loader, Declaration *entry, const char *name, ChannelKind kind)
{
    const Part *part = loader__part(loader, entry);
    const char *full = loader__full_name(loader, part, name);
    if (!full)
        declare_fail(entry, "no memory for \"%s\"", name);
    else if (loader->model->channel_count == MODEL_CHANNELS_MAX)
        loader__fail_use(entry, part, "a model has %d channels at most", MODEL_CHANNELS_MAX);
    if (!full || loader->model->channel_count == MODEL_CHANNELS_MAX)
        return &loader->channels[0];
    check_name(loader, entry, part, full);

    loader->owners[loader->model->channel_count] = (uint8_t)(part - loader->parts);
    Channel *channel = &loader->channels[loader->model->channel_count++];
    *channel = (Channel){.name = full, .kind = kind, .unit = unit_one(), .column = COLUMN_NONE, .variance = COLUMN_NONE,
                         .min = -INFINITY, .max = INFINITY, .rate_max = INFINITY, .time = INFINITY};
    channel->doc = arena_text(&loader->model->arena, declare_text(entry, "doc", ""));
    if (!channel->doc)
        declare_fail(entry, "no memory for \"%s\"", entry->key);
    return channel;
}

Channel *loader__add_channel(Loader *loader, Declaration *entry, ChannelKind kind)
{
    return loader__add_named(loader, entry, entry->key, kind);
}

/* { value, "unit", min =, max = }, in SI from here on. The value may be another one in a part. */
static void read_value(Loader *loader, Declaration *entry, Channel *channel)
{
    const Given *given = loader__find_given(loader, entry);
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
    if (!given)
        return;

    channel->initial = unit_to_si(channel->unit, given->number);
    if (given->from)
        loader__fail_use(entry, given->to, "\"%s\" is passed down to \"%s\", which is no parameter", given->from, given->key);
    else if (!(channel->initial >= channel->min && channel->initial <= channel->max))
        loader__fail_use(entry, given->to, "\"%s\" is outside what the part allows, %g to %g %s", given->key, unit_from_si(channel->unit, channel->min),
                         unit_from_si(channel->unit, channel->max), unit_name(channel->unit));
}

double loader__read_spread(Declaration *entry, const Channel *channel, const char *name, double fallback)
{
    const double spread = declare_number(entry, name, fallback);
    if (spread < 0)
        declare_fail(entry, "%s of \"%s\" is negative", name, entry->key);
    else if (isinf(spread) && isfinite(fallback))
        declare_fail(entry, "%s of \"%s\" is not finite", name, entry->key);
    return unit_scale_to_si(channel->unit, spread);
}

/* noise = a spectral density, or noise_per_step = what a step of the plant adds, whatever its length. */
static double read_noise(const Loader *loader, Declaration *entry, const Channel *channel)
{
    const double density = loader__read_spread(entry, channel, "noise", 0), per_step = loader__read_spread(entry, channel, "noise_per_step", 0);
    if (density > 0 && per_step > 0)
        declare_fail(entry, "\"%s\" has both noise (per square root of a second) and noise_per_step: expected one of them", entry->key);
    return per_step > 0 ? per_step / sqrt(loader->model->step) : density;
}

static void read_state(Loader *loader, Declaration *entry, const char *name)
{
    Channel *channel = loader__add_named(loader, entry, name, CHANNEL_STATE);
    read_value(loader, entry, channel);
    channel->noise = read_noise(loader, entry, channel);
    channel->initial_sd = loader__read_spread(entry, channel, "sd", 0);
}

/* T = { 20, "degC", count = 20 }: the states T_1 to T_20. */
static void read_state_array(Loader *loader, Declaration *entry, int count)
{
    loader->arrays[loader->array_count++] = (TraceArray){entry->key, loader->model->channel_count, (size_t)count,
                                                         (size_t)(loader__part(loader, entry) - loader->parts)};
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
    static const char *const known[] = {"min", "max", "noise", "noise_per_step", "sd", "count", "doc", NULL};
    Section section;
    Err err = loader__open_section(loader, "states", &section);
    if (!err && !(loader->arrays = arena_new(&loader->model->arena, TraceArray, section.count + 1)))
        return loader__out_of_memory(loader);
    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        declare_only(&entry, known, 2);
        const double elements = declare_number(&entry, "count", NAN);  // a single state has none
        if (!isnan(elements) && (elements != floor(elements) || elements < 1 || elements > MODEL_STATES_MAX))
            declare_fail(&entry, "count of \"%s\": expected a whole number from 1 to %d", entry.key, MODEL_STATES_MAX);
        else if (!isnan(elements))
            read_state_array(loader, &entry, (int)elements);
        else
            read_state(loader, &entry, entry.key);
        err = loader__close_entry(&entry);
    }
    loader->model->dynamic_count = loader->model->channel_count;
    return err;
}

/* Parameters, the tracked ones first: with the states they are the filter's vector. */
Err loader__read_parameters(Loader *loader, ChannelKind wanted)
{
    static const char *const known[] = {"min", "max", "estimate", "jump", "sd", "doc", NULL};
    Section section;
    Err err = loader__open_section(loader, "params", &section);
    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        const double estimate = declare_number(&entry, "estimate", NAN);
        const ChannelKind kind = isnan(estimate) ? CHANNEL_PARAMETER : CHANNEL_TRACKED;
        const Given *given = loader__find_given(loader, &entry);
        if (given && given->from) {
            if (wanted == CHANNEL_PARAMETER)
                loader__note_passed(loader, &entry, given);
        } else if (kind == wanted && !entry.err) {
            Channel *channel = loader__add_channel(loader, &entry, kind);
            declare_only(&entry, known, 2);
            read_value(loader, &entry, channel);
            channel->noise = kind == CHANNEL_TRACKED ? loader__read_spread(&entry, channel, "estimate", 0) : 0;
            channel->initial_sd = loader__read_spread(&entry, channel, "sd", 0);
            channel->jump = loader__read_spread(&entry, channel, "jump", 0);
            if (kind == CHANNEL_PARAMETER && channel->jump > 0)
                declare_fail(&entry, "\"%s\" has a jump but no estimate: only a tracked parameter is found anew", entry.key);
        }
        err = loader__close_entry(&entry);
    }
    if (wanted == CHANNEL_TRACKED)
        loader->model->state_count = loader->model->channel_count;
    return err;
}

/* The unit of a sensor as far as it is known before the equations are. */
static const Unit *sensor_unit(Loader *loader, Declaration *entry)
{
    lua_State *lua = script_lua(entry->script);
    const Unit *unit = NULL;
    lua_getfield(lua, entry->index, "of");
    const char *of = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : entry->key;
    const int measured = loader__find_called(loader, entry, of, &unit);
    lua_pop(lua, 1);
    unit = declare_unit(entry, "unit", measured >= 0 ? loader->channels[measured].unit : NULL);
    if (!unit)
        declare_fail(entry, "\"%s\" has a bias, so its unit must be written: expected unit = \"...\"", entry->key);
    return unit;
}

/* bias = { sd = 0.02, noise = 1e-5, time = 3600 }, on the stack of `entry`, which is that of the sensor. */
static void read_bias(Loader *loader, Declaration *entry)
{
    static const char *const known[] = {"sd", "noise", "time", NULL};
    const char *name = arena_format(&loader->model->arena, LOADER_BIAS, entry->key);
    const Unit *unit = sensor_unit(loader, entry);
    if (!name || !declare_is_name(name))
        declare_fail(entry, "no name for the bias of \"%s\": it is too long", entry->key);
    if (entry->err)
        return;

    Channel *channel = loader__add_named(loader, entry, name, CHANNEL_TRACKED);
    Declaration bias = *entry;
    bias.index = lua_gettop(script_lua(entry->script));
    declare_only(&bias, known, 0);
    channel->unit = unit_to_si(unit, 0) == 0 ? unit : unit_base(unit);  // a bias is a difference: 0 degC would be 273 K of it
    channel->initial_sd = unit_scale_to_si(unit, declare_number(&bias, "sd", 0));
    channel->noise = unit_scale_to_si(unit, declare_number(&bias, "noise", 0));
    channel->time = declare_number(&bias, "time", INFINITY);
    if (channel->initial_sd < 0 || channel->noise < 0 || !(channel->initial_sd > 0 || channel->noise > 0))
        declare_fail(&bias, "the bias of \"%s\" needs sd or noise above 0: what is certain cannot be estimated", entry->key);
    if (!(channel->time > 0))
        declare_fail(&bias, "time of the bias of \"%s\" must be above 0: the seconds in which it forgets", entry->key);
    entry->err = bias.err;
}

/* The biases of sensors, behind the tracked parameters. */
Err loader__read_biases(Loader *loader)
{
    Section section;
    Err err = loader__open_section(loader, "sensors", &section);
    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        const int type = lua_getfield(script_lua(entry.script), entry.index, "bias");
        if (type == LUA_TTABLE)
            read_bias(loader, &entry);
        else if (type != LUA_TNIL)
            declare_fail(&entry, "bias of \"%s\": expected { sd = ..., noise = ..., time = ... }, got %s", entry.key,
                         lua_typename(script_lua(entry.script), type));
        err = loader__close_entry(&entry);
    }
    loader->model->state_count = loader->model->channel_count;
    return err;
}

Err loader__read_inputs(Loader *loader)
{
    static const char *const known[] = {"min", "max", "sd", "doc", NULL};
    Section section;
    Err err = loader__open_section(loader, "inputs", &section);
    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        Channel *channel = loader__add_channel(loader, &entry, CHANNEL_INPUT);
        declare_only(&entry, known, 2);
        read_value(loader, &entry, channel);
        channel->initial_sd = loader__read_spread(&entry, channel, "sd", 0);
        err = loader__close_entry(&entry);
    }
    return err;
}

Err loader__read_actuators(Loader *loader)
{
    static const char *const known[] = {"min", "max", "rate", "doc", NULL};
    Section section;
    Err err = loader__open_section(loader, "actuators", &section);
    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        Channel *channel = loader__add_channel(loader, &entry, CHANNEL_ACTUATOR);
        declare_only(&entry, known, 2);
        read_value(loader, &entry, channel);
        channel->rate_max = loader__read_spread(&entry, channel, "rate", INFINITY);
        err = loader__close_entry(&entry);
    }
    return err;
}
