/* load.c -- a plant script becomes a Plant. */
#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/declare.h"
#include "plant/assets.h"
#include "plant/bindings.h"
#include "plant/connect.h"
#include "plant/every.h"
#include "plant/keep.h"
#include "plant/parameters.h"
#include "plant/snapshot.h"

enum { SCRIPT_MEMORY_MAX = 512 * 1024 * 1024 };

static const double LAG_DEFAULT = 30;  // s

typedef struct Loader {
    Plant *plant;
    lua_State *lua;
    int root;  // of the declared table
    ErrText *why;
} Loader;

static Err out_of_memory(const Loader *loader)
{
    return err_set(loader->why, ERR_MEMORY, "%s: no memory for the plant", loader->plant->path ? loader->plant->path : "plant");
}

/* plant "name" { ... }: the constructor returns the declaration with its name in it. */
static int plant_declared(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_setfield(lua, 1, "name");
    lua_settop(lua, 1);
    return 1;
}

static int plant_constructor(lua_State *lua)
{
    if (!declare_is_name(luaL_checkstring(lua, 1)))
        return luaL_error(lua, "plant \"%s\": expected a letter, then letters, digits or underscores", lua_tostring(lua, 1));
    lua_settop(lua, 1);
    lua_pushcclosure(lua, plant_declared, 1);
    return 1;
}

/* What a connection feeds takes no samples. */
static Err unbind_inputs(const Loader *loader)
{
    const Plant *plant = loader->plant;
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const Place to = plant->connections[i].to;
        if (tags_unbind(plant->tags, plant_tag(plant, to.twin, to.channel)))
            return out_of_memory(loader);
    }
    return ERR_OK;
}

/* between = "linear", gap = 60: what an input was between its samples. */
static void read_between(const Loader *loader, Declaration *entry, RecordingColumn *column)
{
    const Place place = plant_place(loader->plant, column->tag);
    const Channel *channel = &plant_model(loader->plant, place.twin)->channels[place.channel];
    column->input = channel->kind == CHANNEL_INPUT;
    column->min = channel->min;
    column->max = channel->max;

    const char *between = declare_text(entry, "between", "hold");
    const double gap = declare_number(entry, "gap", 0);
    if (!between_parse(between, &column->between))
        declare_fail(entry, "between of \"%s\": expected \"hold\", \"linear\" or \"band\", got \"%s\"", entry->key, between);
    else if (column->between != BETWEEN_HOLD && !column->input)
        declare_fail(entry, "between of \"%s\": only inputs act between their samples, and this is a sensor", entry->key);
    else if (!(gap >= 0 && gap <= 1e9))
        declare_fail(entry, "gap of \"%s\": expected seconds, up to 1e9, got %g", entry->key, gap);
    else
        column->gap_ns = (int64_t)llround(gap * (double)NS_PER_S);
}

/* tape = { time = "time", columns = { ["incubator.t2"] = { "t2", time = "time_t2", unit = "degC" } } } */
static Err read_recording_column(Loader *loader, RecordingColumn *column)
{
    static const char *const known[] = {"time", "unit", "optional", "between", "gap", NULL};
    Plant *plant = loader->plant;
    const char *tag = lua_tostring(loader->lua, -2);
    Declaration entry = {.script = plant->script, .index = lua_gettop(loader->lua), .section = "tape", .key = tag, .why = loader->why};
    if (!lua_istable(loader->lua, -1)) {
        declare_fail(&entry, "\"%s\": expected { \"column of the file\" }", tag);
        return entry.err;
    }

    declare_only(&entry, known, 1);
    column->tag = tags_find(plant->tags, tag);
    if (column->tag == TAG_NONE || tags_get(plant->tags, column->tag).role != TAG_SAMPLED) {
        declare_fail(&entry, "tape: \"%s\" is no sensor or input of this plant", tag);
        return entry.err;
    }

    const char *time = declare_text(&entry, "time", NULL);
    column->column = arena_text(&plant->arena, declare_text_at(&entry, 1, ""));
    column->time_column = time ? arena_text(&plant->arena, time) : NULL;
    column->optional = declare_flag(&entry, "optional", false);
    column->unit = declare_unit(&entry, "unit", tags_get(plant->tags, column->tag).unit);
    if (!unit_converts(column->unit, tags_get(plant->tags, column->tag).unit))
        declare_fail(&entry, "unit of \"%s\": \"%s\" does not convert to %s", tag, unit_name(column->unit), unit_name(tags_get(plant->tags, column->tag).unit));
    if (!column->column || (time && !column->time_column))
        return out_of_memory(loader);
    read_between(loader, &entry, column);
    return entry.err;
}

/* ns of one, 0 where the size of the times tells. */
static int64_t read_time_unit(Declaration *entry)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"s", NS_PER_S}, {"ms", NS_PER_MS}, {"us", 1000}, {"ns", 1}};
    const char *name = declare_text(entry, "time_unit", NULL);
    for (size_t i = 0; name && i < sizeof units / sizeof *units; i++)
        if (strcmp(name, units[i].name) == 0)
            return units[i].ns;
    if (name)
        declare_fail(entry, "time_unit: expected \"s\", \"ms\", \"us\" or \"ns\", got \"%s\"", name);
    return 0;
}

static int by_tag(const void *a, const void *b)
{
    const TagId x = ((const RecordingColumn *)a)->tag, y = ((const RecordingColumn *)b)->tag;
    return (x > y) - (x < y);
}

static Err read_recording(Loader *loader)
{
    static const char *const known[] = {"time", "time_unit", "columns", NULL};
    Plant *plant = loader->plant;
    if (lua_getfield(loader->lua, loader->root, "tape") == LUA_TNIL) {
        lua_pop(loader->lua, 1);
        return ERR_OK;
    }
    Declaration entry = {.script = plant->script, .index = lua_gettop(loader->lua), .section = "tape", .why = loader->why};
    if (!lua_istable(loader->lua, -1)) {
        declare_fail(&entry, "\"tape\" must be a table, got %s", luaL_typename(loader->lua, -1));
        return entry.err;
    }
    declare_only(&entry, known, 0);
    plant->recording.time_column = arena_text(&plant->arena, declare_text(&entry, "time", "time"));
    plant->recording.step_ns = plant->step_ns;
    plant->recording.time_unit = read_time_unit(&entry);
    if (lua_getfield(loader->lua, entry.index, "columns") != LUA_TTABLE)
        declare_fail(&entry, "tape needs columns = { [\"asset.channel\"] = { \"column of the file\" }, ... }");
    if (entry.err)
        return entry.err;

    size_t count = 0;
    for (lua_pushnil(loader->lua); lua_next(loader->lua, -2); lua_pop(loader->lua, 1))
        count++;
    RecordingColumn *columns = arena_new(&plant->arena, RecordingColumn, count + 1);
    if (!columns || !plant->recording.time_column)
        return out_of_memory(loader);
    for (lua_pushnil(loader->lua); lua_next(loader->lua, -2); lua_pop(loader->lua, 1)) {
        if (lua_type(loader->lua, -2) != LUA_TSTRING)
            return script_blame(plant->script, loader->why, "tape", "columns", "expected [\"asset.channel\"] = { \"column of the file\" }");
        const Err err = read_recording_column(loader, &columns[plant->recording.count]);
        if (err)
            return err;
        plant->recording.count++;
    }
    qsort(columns, count, sizeof *columns, by_tag);
    plant->recording.columns = columns;
    lua_pop(loader->lua, 2);
    return ERR_OK;
}

/* Whether an `on` on top of the stack has handlers that are called in forecasts, where there are no samples and no divergences; what has no name is every(...). */
static bool has_handlers(lua_State *lua)
{
    bool has = false;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : NULL;
        has = has || !name || strcmp(name, "alarm") == 0 || strcmp(name, "command") == 0;
    }
    return has;
}

/* What has functions is kept in the registry, where the script itself cannot reach it. */
static Err keep_tables(Loader *loader)
{
    static const char *const keys[] = {"on", "emulate", "forecast", "gate", "bind"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char name[32];
        const int type = lua_getfield(loader->lua, loader->root, keys[i]);
        if (type != LUA_TNIL && type != LUA_TTABLE)
            return script_blame(loader->plant->script, loader->why, NULL, keys[i], "\"%s\" must be a table, got %s", keys[i], luaL_typename(loader->lua, -1));
        if (type == LUA_TTABLE && strcmp(keys[i], "on") == 0)
            loader->plant->handles = has_handlers(loader->lua);
        snprintf(name, sizeof name, "pollux.%s", keys[i]);
        lua_setfield(loader->lua, LUA_REGISTRYINDEX, name);
    }
    return ERR_OK;
}

/* control = every(3, function(device, seconds, memory, time) ... end), or the function alone: in each step. */
static Err keep_control(Loader *loader)
{
    Plant *plant = loader->plant;
    const int type = lua_getfield(loader->lua, loader->root, "control");
    const Every *every = every_at(loader->lua, lua_gettop(loader->lua));
    if (type == LUA_TNIL) {
        lua_pop(loader->lua, 1);
        return ERR_OK;
    }
    if (type != LUA_TFUNCTION && !every)
        return script_blame(plant->script, loader->why, NULL, "control", "control must be every(seconds, function(device, seconds, memory, time) ... end), got %s",
                            luaL_typename(loader->lua, -1));
    plant->control_ns = every && every->period_ns > plant->step_ns ? every->period_ns : plant->step_ns;
    lua_setfield(loader->lua, LUA_REGISTRYINDEX, "pollux.control");
    lua_settop(loader->lua, loader->root);
    return ERR_OK;
}

static Err read_settings(Loader *loader)
{
    static const char *const known[] = {"name", "doc", "step", "clock", "clocks", "wait", "lag", "record", "record_fleets", "command_timeout", "parameters", "assets", "connect", "tape", "on", "control", "emulate", "forecast", "gate", "history", "connectors", "bind", NULL};
    Plant *plant = loader->plant;
    Declaration root = {.script = plant->script, .index = loader->root, .section = "plant", .why = loader->why};
    declare_only(&root, known, 0);
    plant->name = arena_text(&plant->arena, declare_text(&root, "name", ""));
    plant->doc = arena_text(&plant->arena, declare_text(&root, "doc", ""));
    plant->step = declare_number(&root, "step", 0.1);
    plant->record = declare_number(&root, "record", 1.0);
    const char *clock = declare_text(&root, "clock", "utc");
    const char *clocks = declare_text(&root, "clocks", "measured");
    const double wait = declare_number(&root, "wait", plant->step), timeout = declare_number(&root, "command_timeout", 10.0);

    const double asked = declare_number(&root, "lag", NAN), lag = isnan(asked) ? LAG_DEFAULT : asked;
    plant->lag_declared = !isnan(asked);

    root.section = NULL;
    if (!(plant->step >= 1e-6 && plant->step <= 3600))
        root.key = "step", declare_fail(&root, "step must be between 1e-6 and 3600 seconds");
    if (strcmp(clock, "utc") != 0 && strcmp(clock, "provider") != 0)
        root.key = "clock", declare_fail(&root, "clock must be \"utc\" or \"provider\", got \"%s\"", clock);
    if (strcmp(clocks, "measured") != 0 && strcmp(clocks, "corrected") != 0)
        root.key = "clocks", declare_fail(&root, "clocks must be \"measured\" or \"corrected\", got \"%s\"", clocks);
    if (strcmp(clocks, "corrected") == 0 && strcmp(clock, "utc") != 0)
        root.key = "clocks", declare_fail(&root, "clocks can be corrected where clock = \"utc\": elsewhere samples carry the time, and there is nothing to hold them against");
    if (!(wait >= 0 && wait <= 3600))
        root.key = "wait", declare_fail(&root, "wait must be between 0 and 3600 seconds");
    if (plant->lag_declared && !(lag >= 0 && ceil(lag / plant->step) <= PLANT_LAG_TICKS_MAX))
        root.key = "lag", declare_fail(&root, "lag must be between 0 and %d steps of %g seconds", PLANT_LAG_TICKS_MAX, plant->step);
    if (!(plant->record >= 0))
        root.key = "record", declare_fail(&root, "record must be 0 (every tick) or more seconds");
    if (!(timeout > 0 && timeout <= 86400))
        root.key = "command_timeout", declare_fail(&root, "command_timeout must be above 0 and at most a day, in seconds");
    if (!plant->name || !plant->doc)
        return out_of_memory(loader);

    plant->clock = plant->declared_clock = strcmp(clock, "provider") == 0 ? PLANT_CLOCK_PROVIDER : PLANT_CLOCK_UTC;
    plant->corrects_clocks = strcmp(clocks, "corrected") == 0;
    plant->step_ns = (int64_t)llround(plant->step * (double)NS_PER_S);
    plant->wait_ns = (int64_t)llround(wait * (double)NS_PER_S);
    plant->lag_ticks = lag > 0 && lag / plant->step <= PLANT_LAG_TICKS_MAX ? (int64_t)ceil(lag / plant->step * (1 - 1e-9)) : 0;
    plant->lag_every = (int64_t)sqrt((double)(plant->lag_ticks > 1 ? plant->lag_ticks : 1));
    plant->command_timeout_ns = (int64_t)llround(timeout * (double)NS_PER_S);
    return root.err;
}

/* Nobody who did not ask for it gives much memory away for a window: large fleets have none by default. */
static void settle_lag(Plant *plant)
{
    const size_t checkpoints = plant_checkpoints(plant->lag_ticks, plant->lag_every);
    if (!plant->lag_declared && checkpoints > PLANT_LAG_BYTES / plant_checkpoint_size(plant))
        plant->lag_ticks = 0;
}

static Err start_workers(Loader *loader, size_t threads)
{
    Plant *plant = loader->plant;
    uint16_t registers = 0, columns = 0;
    for (uint32_t i = 0; i < plant->model_count; i++) {
        registers = plant->models[i]->registers_max > registers ? plant->models[i]->registers_max : registers;
        columns = plant->models[i]->column_count > columns ? plant->models[i]->column_count : columns;
    }
    const Err err = workers_create(threads, program_thread_init, &plant->workers, loader->why);
    if (err)
        return err;
    plant->scratch = arena_new(&plant->arena, Scratch, threads);
    plant->shadow = arena_new(&plant->arena, double *, threads);
    if (!plant->scratch || !plant->shadow)
        return out_of_memory(loader);
    for (size_t i = 0; i < threads; i++) {
        plant->shadow[i] = mem_alloc((size_t)columns * LANES * sizeof(double));
        if (!plant->shadow[i] || scratch_init(&plant->scratch[i], registers))
            return out_of_memory(loader);
    }
    return ERR_OK;
}

/* A sandbox with the words of plant scripts. */
static Err create_script(Plant *plant, ErrText *why)
{
    const Err err = script_create(SCRIPT_MEMORY_MAX, &plant->script, why);
    if (err)
        return err;
    lua_register(script_lua(plant->script), "plant", plant_constructor);
    assets_open(plant->script);
    every_open(plant->script);
    return ERR_OK;
}

static Err refuse_model(const Plant *plant, ErrText *why)
{
    ScriptKind kind;
    const Err err = script_kind(plant->path, &kind, why);
    if (err || kind == SCRIPT_PLANT)
        return err;
    return err_set(why, ERR_SCRIPT, "%s: this is a model: a plant script was expected, which returns plant \"name\" { assets = { ... } }", plant->path);
}

/* Of what is written twice one would be lost. */
static Err refuse_twice(const Plant *plant, ErrText *why)
{
    static const char *const sections[] = {"assets", "connect", "connectors", "bind", NULL};
    Err err = ERR_OK;
    for (const char *const *section = sections; *section && !err; section++)
        err = script_refuse_twice(plant->script, *section, why);
    return err;
}

static Err read_plant(Loader *loader, size_t threads)
{
    Plant *plant = loader->plant;
    Err err = create_script(plant, loader->why);
    if (err || (err = refuse_model(plant, loader->why)) || (err = script_run_file(plant->script, plant->path, SCRIPT_LOAD_INSTRUCTIONS, loader->why)) ||
        (err = refuse_twice(plant, loader->why)))
        return err;

    loader->lua = script_lua(plant->script);
    loader->root = lua_gettop(loader->lua);
    if (!lua_istable(loader->lua, loader->root) || lua_getfield(loader->lua, loader->root, "name") != LUA_TSTRING)
        return script_blame(plant->script, loader->why, NULL, NULL, "a plant script must return plant \"name\" { ... }");
    lua_settop(loader->lua, loader->root);
    if ((err = read_settings(loader)) || (err = assets_read(plant, loader->root, loader->why)) ||
        (err = parameters_read(plant, loader->root, loader->why)) || (err = connect_read(plant, loader->root, loader->why)) || (err = unbind_inputs(loader)) ||
        (err = connect_plan(plant, loader->why)) || (err = read_recording(loader)) || (err = keep_read(plant, loader->root, loader->why)) ||
        (err = bindings_read(plant, loader->root, loader->why)) || (err = keep_tables(loader)) || (err = keep_control(loader)))
        return err;
    lua_settop(loader->lua, 0);
    return start_workers(loader, threads);
}

Err plant_script_again(Plant *copy, const Plant *plant, ErrText *why)
{
    *copy = *plant;
    copy->script = NULL;
    Err err = create_script(copy, why);
    if (err)
        return err;
    Loader loader = {.plant = copy, .lua = script_lua(copy->script), .root = 1, .why = why};
    script_mute(copy->script);
    if ((err = script_run_again(copy->script, plant->script, SCRIPT_LOAD_INSTRUCTIONS, why)) || (err = keep_tables(&loader)))
        return err;
    err = keep_control(&loader);
    lua_settop(loader.lua, 0);
    return err;
}

Err plant_load(const char *path, size_t threads, Plant **out, ErrText *why)
{
    assert(threads >= 1);
    *out = NULL;
    Plant *plant = mem_alloc(sizeof *plant);
    if (!plant)
        return err_set(why, ERR_MEMORY, "%s: no memory for the plant", path);

    Loader loader = {.plant = plant, .why = why};
    program_thread_init();
    plant->path = arena_text(&plant->arena, path);
    Err err = plant->path ? read_plant(&loader, threads) : out_of_memory(&loader);
    if (!err && plant__place_blocks(plant))
        err = out_of_memory(&loader);
    if (err) {
        plant_destroy(plant);
        return err;
    }
    settle_lag(plant);
    plant->shape = plant__shape(plant);
    plant->description_size = plant__describe(plant, NULL);
    plant_prepare(plant);
    plant_start(plant);
    *out = plant;
    return ERR_OK;
}
