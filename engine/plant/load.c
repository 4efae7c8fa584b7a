/* load.c -- a plant script becomes a Plant. */
#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/declare.h"
#include "plant/connect.h"
#include "plant/snapshot.h"

enum { SCRIPT_MEMORY_MAX = 512 * 1024 * 1024, PATH_ROOM = 1024 };

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

/* A model is looked for beside the plant's folder, in it, and in a folder `models` in it. */
static Err find_model_file(const Loader *loader, Declaration *entry, const char *name, char out[PATH_ROOM])
{
    static const char *const places[] = {"../models/", "", "models/"};
    const char *slash = strrchr(loader->plant->path, '/');
    const int folder = slash ? (int)(slash - loader->plant->path + 1) : 0;
    const char *ending = strchr(name, '.') ? "" : ".lua";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const int length = snprintf(out, PATH_ROOM, "%.*s%s%s%s", folder, loader->plant->path, places[i], name, ending);
        if (length < PATH_ROOM && access(out, R_OK) == 0)
            return ERR_OK;
    }
    declare_fail(entry, "no model \"%s\": expected %s%s in %.*s../models/, %.*s or %.*smodels/", name, name, ending, folder, loader->plant->path, folder ? folder : 1,
                 folder ? loader->plant->path : ".", folder, loader->plant->path);
    return entry->err;
}

static Err use_model(Loader *loader, Declaration *entry, const char *name, Model **out)
{
    Plant *plant = loader->plant;
    char path[PATH_ROOM];
    if (find_model_file(loader, entry, name, path))
        return entry->err;
    for (uint32_t i = 0; i < plant->model_count; i++)
        if (strcmp(plant->models[i]->path, path) == 0) {
            *out = plant->models[i];
            return ERR_OK;
        }

    Model **grown = arena_new(&plant->arena, Model *, plant->model_count + 1);
    if (!grown)
        return out_of_memory(loader);
    if (plant->model_count)
        memcpy(grown, plant->models, plant->model_count * sizeof *grown);
    plant->models = grown;
    const Err err = model_load(path, plant->step, out, loader->why);
    if (!err)
        plant->models[plant->model_count++] = *out;
    return err;
}

/* The first free lane of a block of this model. */
static Err place_twin(Loader *loader, const Model *model, uint32_t twin)
{
    Plant *plant = loader->plant;
    uint32_t index = plant->block_count;
    for (uint32_t i = plant->block_count; i-- > 0;)
        if (plant->blocks[i].model == model) {
            index = plant->blocks[i].lanes < LANES ? i : plant->block_count;
            break;
        }

    Block *block = &plant->blocks[index];
    if (index == plant->block_count) {
        *block = (Block){.model = model, .columns = mem_alloc((size_t)model->column_count * LANES * sizeof(double))};
        if (!block->columns)
            return out_of_memory(loader);
        plant->block_count++;
        model_fill(model, block->columns);
    }
    plant->twins[twin].block = index;
    plant->twins[twin].lane = block->lanes;
    block->twin[block->lanes++] = twin;
    return ERR_OK;
}

/* { "tank", area = 0.02, at = { 0, 0, 0 } }: what is not `at` overrides a value of the model, in its unit. */
static void override_values(Loader *loader, Declaration *entry, uint32_t twin)
{
    const Model *model = plant_model(loader->plant, twin);
    for (lua_pushnil(loader->lua); lua_next(loader->lua, entry->index) && !entry->err;) {
        const char *name = lua_type(loader->lua, -2) == LUA_TSTRING ? lua_tostring(loader->lua, -2) : NULL;
        const bool of_model = name && strcmp(name, "at") != 0;
        if ((name && !of_model) || (lua_isinteger(loader->lua, -2) && lua_tointeger(loader->lua, -2) == 1)) {
            lua_pop(loader->lua, 1);
            continue;
        }

        const int index = of_model ? model_find(model, name) : -1;
        const Channel *channel = index < 0 ? NULL : &model->channels[index];
        if (!of_model)
            declare_fail(entry, "\"%s\": expected one model and values by name, as in { \"%s\", name = value }", entry->key, model->name);
        else if (!channel || !channel_is_settable(channel->kind))
            declare_fail(entry, "model \"%s\" has no state, parameter or input \"%s\"", model->name, name);
        else if (lua_type(loader->lua, -1) != LUA_TNUMBER)
            declare_fail(entry, "\"%s\" of \"%s\": expected a number in %s, got %s", name, entry->key, unit_name(channel->unit), luaL_typename(loader->lua, -1));
        else {
            const double value = unit_to_si(channel->unit, lua_tonumber(loader->lua, -1));
            if (!(value >= channel->min && value <= channel->max))
                declare_fail(entry, "\"%s\" of \"%s\" is outside what the model allows, %g to %g %s", name, entry->key, unit_from_si(channel->unit, channel->min),
                             unit_from_si(channel->unit, channel->max), unit_name(channel->unit));
            *plant_cell(loader->plant, twin, channel->column) = value;
        }
        lua_pop(loader->lua, 1);
    }
}

static void read_position(Loader *loader, Declaration *entry, Twin *twin)
{
    if (lua_getfield(loader->lua, entry->index, "at") == LUA_TTABLE) {
        Declaration at = *entry;
        at.index = lua_gettop(loader->lua);
        for (int i = 0; i < 3; i++)
            twin->at[i] = declare_number_at(&at, i + 1, 0);
        entry->err = at.err;
    } else if (!lua_isnil(loader->lua, -1)) {
        declare_fail(entry, "at of \"%s\": expected { x, y, z } in metres", entry->key);
    }
    lua_pop(loader->lua, 1);
}

static Err read_asset(Loader *loader, uint32_t index)
{
    Twin *twin = &loader->plant->twins[index];
    lua_getfield(loader->lua, -1, twin->name);
    Declaration entry = {.script = loader->plant->script, .index = lua_gettop(loader->lua), .section = "assets", .key = twin->name, .why = loader->why};
    if (!lua_istable(loader->lua, -1)) {
        declare_fail(&entry, "\"%s\" must be a table, as in %s = { \"model\" }, got %s", twin->name, twin->name, luaL_typename(loader->lua, -1));
        return entry.err;
    }

    const char *name = declare_text_at(&entry, 1, "");
    Model *model;
    Err err = entry.err ? entry.err : use_model(loader, &entry, name, &model);
    if (!err)
        err = place_twin(loader, model, index);
    if (err)
        return err;
    read_position(loader, &entry, twin);
    override_values(loader, &entry, index);
    lua_pop(loader->lua, 1);
    return entry.err;
}

static Err read_assets(Loader *loader)
{
    Plant *plant = loader->plant;
    const char **names;
    size_t count;
    if (lua_getfield(loader->lua, loader->root, "assets") != LUA_TTABLE)
        return script_blame(plant->script, loader->why, "assets", NULL, "a plant needs assets = { name = { \"model\" }, ... }");
    Err err = declare_keys(plant->script, lua_gettop(loader->lua), "assets", &plant->arena, &names, &count, loader->why);
    if (err)
        return err;
    if (count == 0)
        return script_blame(plant->script, loader->why, "assets", NULL, "the plant has no assets");

    plant->twins = arena_new(&plant->arena, Twin, count);
    plant->blocks = arena_new(&plant->arena, Block, count);  // at most one each; the rest costs address space alone
    if (!plant->twins || !plant->blocks)
        return out_of_memory(loader);
    for (size_t i = 0; i < count && !err; i++) {
        plant->twins[i].name = names[i];
        plant->twin_count++;
        err = read_asset(loader, (uint32_t)i);
    }
    lua_pop(loader->lua, 1);
    return err;
}

/* An input that a connection feeds takes no samples. */
static TagRole role_of(ChannelKind kind, bool is_fed)
{
    if (is_fed)
        return TAG_NOT_BOUND;
    if (kind == CHANNEL_SENSOR || kind == CHANNEL_INPUT)
        return TAG_SAMPLED;
    return kind == CHANNEL_ACTUATOR ? TAG_ACTUATED : TAG_NOT_BOUND;
}

static Err name_tags(Loader *loader)
{
    Plant *plant = loader->plant;
    size_t count = 0;
    for (uint32_t i = 0; i < plant->twin_count; i++)
        count += plant_model(plant, i)->channel_count;
    Place *places = arena_new(&plant->arena, Place, count);
    if (!places || tags_create(&plant->tags))
        return out_of_memory(loader);

    TagId next = 0;
    uint32_t connection = 0;  // they are in the order of the inputs that they feed
    for (uint32_t i = 0; i < plant->twin_count; i++) {
        const Model *model = plant_model(plant, i);
        plant->twins[i].first_tag = next;
        for (uint16_t c = 0; c < model->channel_count; c++) {
            char name[128];
            TagId tag;
            const bool is_fed = connection < plant->connection_count && plant->connections[connection].to.twin == i && plant->connections[connection].to.channel == c;
            connection += is_fed;
            snprintf(name, sizeof name, "%s.%s", plant->twins[i].name, model->channels[c].name);
            if (tags_add(plant->tags, name, model->channels[c].unit, role_of(model->channels[c].kind, is_fed), &tag))
                return out_of_memory(loader);
            assert(tag == next);
            places[next++] = (Place){i, c};
        }
    }
    plant->places = places;
    return ERR_OK;
}

/* tape = { time = "time", columns = { ["incubator.t2"] = { "t2", time = "time_t2", unit = "degC" } } } */
static Err read_recording_column(Loader *loader, RecordingColumn *column)
{
    static const char *const known[] = {"time", "unit", "optional", NULL};
    Plant *plant = loader->plant;
    const char *tag = lua_tostring(loader->lua, -2);
    Declaration entry = {.script = plant->script, .index = lua_gettop(loader->lua), .section = "tape", .key = tag, .why = loader->why};
    if (!lua_istable(loader->lua, -1)) {
        declare_fail(&entry, "\"%s\": expected { \"column of the file\" }", tag);
        return entry.err;
    }

    declare_only(&entry, known, 1);
    column->tag = tags_find(plant->tags, tag);
    if (column->tag == TAG_NONE || tags_get(plant->tags, column->tag)->role != TAG_SAMPLED) {
        declare_fail(&entry, "tape: \"%s\" is no sensor or input of this plant", tag);
        return entry.err;
    }

    const char *time = declare_text(&entry, "time", NULL);
    column->column = arena_text(&plant->arena, declare_text_at(&entry, 1, ""));
    column->time_column = time ? arena_text(&plant->arena, time) : NULL;
    column->optional = declare_flag(&entry, "optional", false);
    column->unit = declare_unit(&entry, "unit", tags_get(plant->tags, column->tag)->unit);
    if (!unit_converts(column->unit, tags_get(plant->tags, column->tag)->unit))
        declare_fail(&entry, "unit of \"%s\": \"%s\" does not convert to %s", tag, unit_name(column->unit), unit_name(tags_get(plant->tags, column->tag)->unit));
    if (!column->column || (time && !column->time_column))
        return out_of_memory(loader);
    return entry.err;
}

static int by_tag(const void *a, const void *b)
{
    const TagId x = ((const RecordingColumn *)a)->tag, y = ((const RecordingColumn *)b)->tag;
    return (x > y) - (x < y);
}

static Err read_recording(Loader *loader)
{
    static const char *const known[] = {"time", "columns", NULL};
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

/* Tables of functions are kept in the registry, where the script itself cannot reach them. */
static Err keep_tables(Loader *loader)
{
    static const char *const keys[] = {"on", "emulate"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char name[32];
        const int type = lua_getfield(loader->lua, loader->root, keys[i]);
        if (type != LUA_TNIL && type != LUA_TTABLE)
            return script_blame(loader->plant->script, loader->why, NULL, keys[i], "\"%s\" must be a table, got %s", keys[i], luaL_typename(loader->lua, -1));
        snprintf(name, sizeof name, "pollux.%s", keys[i]);
        lua_setfield(loader->lua, LUA_REGISTRYINDEX, name);
    }
    return ERR_OK;
}

static Err read_settings(Loader *loader)
{
    static const char *const known[] = {"name", "doc", "step", "clock", "wait", "record", "command_timeout", "assets", "connect", "tape", "on", "emulate", NULL};
    Plant *plant = loader->plant;
    Declaration root = {.script = plant->script, .index = loader->root, .section = "plant", .why = loader->why};
    declare_only(&root, known, 0);
    plant->name = arena_text(&plant->arena, declare_text(&root, "name", ""));
    plant->doc = arena_text(&plant->arena, declare_text(&root, "doc", ""));
    plant->step = declare_number(&root, "step", 0.1);
    plant->record = declare_number(&root, "record", 1.0);
    const char *clock = declare_text(&root, "clock", "utc");
    const double wait = declare_number(&root, "wait", plant->step), timeout = declare_number(&root, "command_timeout", 10.0);

    root.section = NULL;
    if (!(plant->step >= 1e-6 && plant->step <= 3600))
        root.key = "step", declare_fail(&root, "step must be between 1e-6 and 3600 seconds");
    if (strcmp(clock, "utc") != 0 && strcmp(clock, "provider") != 0)
        root.key = "clock", declare_fail(&root, "clock must be \"utc\" or \"provider\", got \"%s\"", clock);
    if (!(wait >= 0 && wait <= 3600))
        root.key = "wait", declare_fail(&root, "wait must be between 0 and 3600 seconds");
    if (!(plant->record >= 0))
        root.key = "record", declare_fail(&root, "record must be 0 (every tick) or more seconds");
    if (!(timeout > 0 && timeout <= 86400))
        root.key = "command_timeout", declare_fail(&root, "command_timeout must be above 0 and at most a day, in seconds");
    if (!plant->name || !plant->doc)
        return out_of_memory(loader);

    plant->clock = strcmp(clock, "provider") == 0 ? PLANT_CLOCK_PROVIDER : PLANT_CLOCK_UTC;
    plant->step_ns = (int64_t)llround(plant->step * (double)NS_PER_S);
    plant->wait_ns = (int64_t)llround(wait * (double)NS_PER_S);
    plant->command_timeout_ns = (int64_t)llround(timeout * (double)NS_PER_S);
    return root.err;
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

static Err read_plant(Loader *loader, size_t threads)
{
    Plant *plant = loader->plant;
    Err err = script_create(SCRIPT_MEMORY_MAX, &plant->script, loader->why);
    if (err)
        return err;
    loader->lua = script_lua(plant->script);
    lua_register(loader->lua, "plant", plant_constructor);
    if ((err = script_run_file(plant->script, plant->path, SCRIPT_LOAD_INSTRUCTIONS, loader->why)))
        return err;

    loader->root = lua_gettop(loader->lua);
    if (!lua_istable(loader->lua, loader->root) || lua_getfield(loader->lua, loader->root, "name") != LUA_TSTRING)
        return script_blame(plant->script, loader->why, NULL, NULL, "a plant script must return plant \"name\" { ... }");
    lua_settop(loader->lua, loader->root);
    if ((err = read_settings(loader)) || (err = read_assets(loader)) || (err = connect_read(plant, loader->root, loader->why)) || (err = name_tags(loader)) ||
        (err = connect_plan(plant, loader->why)) || (err = read_recording(loader)) || (err = keep_tables(loader)))
        return err;
    lua_settop(loader->lua, 0);
    return start_workers(loader, threads);
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
    if (!err && plant__describe(plant))
        err = out_of_memory(&loader);
    if (err) {
        plant_destroy(plant);
        return err;
    }
    plant_prepare(plant);
    plant_derive(plant);
    *out = plant;
    return ERR_OK;
}
