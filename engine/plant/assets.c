#include "plant/assets.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/declare.h"

#define SECTION "assets"
#define FLEET "pollux.fleet"

enum {
    PATH_ROOM = 1024,
    NAME_ROOM = 49,
    FLEET_MAX = 10 * 1000 * 1000,     // twins of one fleet
    FLEET_INSTRUCTIONS = 20 * 1000,   // for what one twin differs in
    BLOCKS_FIRST = 16,
};

// --- the word `fleet` ----------------------------------------------------------------------------------------------

/* What fleet(name, count, model, values) gives; its user value holds the values. */
typedef struct Fleet {
    char name[NAME_ROOM], model[PATH_ROOM / 4];
    uint32_t count;
    int line;  // of the call
} Fleet;

static int digits_of(lua_Integer count)
{
    return snprintf(NULL, 0, "%lld", (long long)count);
}

static int fleet_constructor(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1), *model = luaL_checkstring(lua, 3);
    const lua_Integer count = luaL_checkinteger(lua, 2);
    lua_settop(lua, 4);
    if (count < 1 || count > FLEET_MAX)
        return luaL_error(lua, "fleet \"%s\": expected 1 to %d twins, got %I", name, FLEET_MAX, (LUAI_UACINT)count);
    if (!declare_is_name(name) || strlen(name) + 1 + (size_t)digits_of(count) >= NAME_ROOM)
        return luaL_error(lua, "fleet \"%s\": expected a letter, then letters, digits or underscores, at most %d with the number of a twin", name,
                          NAME_ROOM - 1);
    if (strlen(model) >= sizeof((Fleet *)0)->model)
        return luaL_error(lua, "fleet \"%s\": the name of its model is too long", name);
    if (!lua_isnil(lua, 4) && !lua_istable(lua, 4) && !lua_isfunction(lua, 4))
        return luaL_error(lua, "fleet \"%s\": expected a table of values, or function(i) that returns one, got %s", name, luaL_typename(lua, 4));

    lua_Debug call;
    Fleet *const fleet = lua_newuserdatauv(lua, sizeof *fleet, 1);
    *fleet = (Fleet){.count = (uint32_t)count, .line = lua_getstack(lua, 1, &call) && lua_getinfo(lua, "l", &call) ? call.currentline : 0};
    snprintf(fleet->name, sizeof fleet->name, "%s", name);
    snprintf(fleet->model, sizeof fleet->model, "%s", model);
    lua_pushvalue(lua, 4);
    lua_setiuservalue(lua, -2, 1);
    luaL_setmetatable(lua, FLEET);
    return 1;
}

void assets_open(Script *script)
{
    lua_State *const lua = script_lua(script);
    luaL_newmetatable(lua, FLEET);
    lua_pop(lua, 1);
    lua_register(lua, "fleet", fleet_constructor);
}

// --- reading -------------------------------------------------------------------------------------------------------

/* What stands in `assets` under one key: a fleet, or (fleet NULL) one asset. */
typedef struct Entry {
    const char *name;  // of its first twin
    const Fleet *fleet;
    lua_Integer key;   // of a fleet
    uint32_t first;    // its first twin
} Entry;

/* A model, and what its twins begin with. */
typedef struct Kind {
    Model *model;
    TagChannel *channels;
    double *pristine;  // a block as the model declares it
    uint32_t open;     // its block that has room, when `has_open`
    bool has_open;
} Kind;

typedef struct Assets {
    Plant *plant;
    lua_State *lua;
    ErrText *why;
    Entry *entries;
    size_t entry_count;
    Kind *kinds;  // by model, in the plant's order
    uint32_t block_room;
    Arena arena;  // for the time of reading

    // what is read now
    const Entry *entry;
    const char *name;  // of the twin
    uint32_t number;   // in its fleet, from 1; 0: the fleet itself
} Assets;

static Err no_memory(const Assets *assets)
{
    return err_set(assets->why, ERR_MEMORY, "%s: no memory for the plant's assets", assets->plant->path);
}

/* Blame what is read now: the line of an asset is found by its name, that of a fleet is known. */
__attribute__((format(printf, 2, 3))) static Err fail(const Assets *assets, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    const Fleet *const fleet = assets->entry->fleet;
    if (!fleet)
        return script_blame(assets->plant->script, assets->why, SECTION, assets->name, "%s", text);
    if (assets->number == 0)
        return err_set(assets->why, ERR_SCRIPT, "%s:%d: fleet \"%s\": %s", assets->plant->path, fleet->line, fleet->name, text);
    return err_set(assets->why, ERR_SCRIPT, "%s:%d: fleet \"%s\", twin %u: %s", assets->plant->path, fleet->line, fleet->name, assets->number, text);
}

// Models.

const char *const plant_model_places[] = {"../models/", "", "models/", NULL};

static Err find_model_file(const Assets *assets, const char *name, char out[PATH_ROOM])
{
    const char *path = assets->plant->path, *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path + 1) : 0;
    const char *ending = strchr(name, '.') ? "" : ".lua";
    if (script_find(path, plant_model_places, name, out, PATH_ROOM))
        return ERR_OK;
    return fail(assets, "no model \"%s\": expected %s%s in %.*s../models/, %.*s or %.*smodels/", name, name, ending, folder, path, folder ? folder : 1,
                folder ? path : ".", folder, path);
}

static TagRole role_of(ChannelKind kind)
{
    if (kind == CHANNEL_SENSOR || kind == CHANNEL_INPUT)
        return TAG_SAMPLED;
    return kind == CHANNEL_ACTUATOR ? TAG_ACTUATED : TAG_NOT_BOUND;
}

static size_t block_bytes(const Model *model)
{
    return (size_t)model->column_count * LANES * sizeof(double);
}

static Err fill_kind(Assets *assets, Kind *kind)
{
    const Model *const model = kind->model;
    kind->channels = arena_new(&assets->plant->arena, TagChannel, model->channel_count);
    kind->pristine = arena_alloc(&assets->arena, block_bytes(model));
    if (!kind->channels || !kind->pristine)
        return no_memory(assets);

    for (uint16_t i = 0; i < model->channel_count; i++)
        kind->channels[i] = (TagChannel){model->channels[i].name, model->channels[i].unit, role_of(model->channels[i].kind)};
    model_fill(model, kind->pristine);
    return ERR_OK;
}

static Err add_kind(Assets *assets, const char *path, Kind **out)
{
    Plant *const plant = assets->plant;
    Model **const models = arena_new(&plant->arena, Model *, plant->model_count + 1);
    Kind *const kinds = arena_new(&assets->arena, Kind, plant->model_count + 1);
    if (!models || !kinds)
        return no_memory(assets);
    if (plant->model_count) {
        memcpy(models, plant->models, plant->model_count * sizeof *models);
        memcpy(kinds, assets->kinds, plant->model_count * sizeof *kinds);
    }
    plant->models = models;
    assets->kinds = kinds;

    *out = &kinds[plant->model_count];
    const Err err = model_load(path, plant->step, &(*out)->model, assets->why);
    if (err)
        return err;
    models[plant->model_count++] = (*out)->model;
    return fill_kind(assets, *out);
}

static Err use_model(Assets *assets, const char *name, Kind **out)
{
    char path[PATH_ROOM];
    const Err err = find_model_file(assets, name, path);
    if (err)
        return err;
    for (uint32_t i = 0; i < assets->plant->model_count; i++)
        if (strcmp(assets->plant->models[i]->path, path) == 0) {
            *out = &assets->kinds[i];
            return ERR_OK;
        }
    return add_kind(assets, path, out);
}

// Twins.

static Err add_block(Assets *assets, Kind *kind)
{
    Plant *const plant = assets->plant;
    if (plant->block_count == assets->block_room) {
        const uint32_t room = assets->block_room ? assets->block_room * 2 : BLOCKS_FIRST;
        Block *const grown = mem_grow(plant->blocks, assets->block_room * sizeof *grown, room * sizeof *grown);
        if (!grown)
            return no_memory(assets);
        plant->blocks = grown;
        assets->block_room = room;
    }

    Block *const block = &plant->blocks[plant->block_count];
    *block = (Block){.model = kind->model, .columns = mem_alloc(block_bytes(kind->model))};
    if (!block->columns)
        return no_memory(assets);
    memcpy(block->columns, kind->pristine, block_bytes(kind->model));
    kind->open = plant->block_count++;
    kind->has_open = true;
    return ERR_OK;
}

/* The next twin: a name, a lane, tags. */
static Err add_twin(Assets *assets, Kind *kind)
{
    Plant *const plant = assets->plant;
    Twin *const twin = &plant->twins[plant->twin_count];
    Err err = kind->has_open ? ERR_OK : add_block(assets, kind);
    if (err)
        return err;
    err = tags_add(plant->tags, assets->name, kind->channels, kind->model->channel_count, &twin->first_tag);
    if (err == ERR_RANGE)
        return fail(assets, "there is an asset \"%s\" already", assets->name);
    if (err == ERR_FULL)
        return fail(assets, "the plant has more tags than can be numbered");
    if (err)
        return no_memory(assets);

    Block *const block = &plant->blocks[kind->open];
    twin->recorded = !assets->entry->fleet;
    twin->name = tags_asset(plant->tags, plant->twin_count);
    twin->block = kind->open;
    twin->lane = block->lanes;
    if (kind->model->filter.members)
        block_column(block, kind->model->ensemble.key)[block->lanes] = ensemble_key(assets->name);
    block->twin[block->lanes++] = plant->twin_count++;
    kind->has_open = block->lanes < LANES;
    return ERR_OK;
}

/* What is at the top of the stack is at = { x, y, z }. */
static Err read_metres(const Assets *assets, const char *key, double out[3])
{
    if (!lua_istable(assets->lua, -1))
        return fail(assets, "%s of \"%s\": expected { x, y, z } in metres", key, assets->name);
    for (int i = 0; i < 3; i++) {
        const int type = lua_rawgeti(assets->lua, -1, i + 1);
        out[i] = lua_tonumber(assets->lua, -1);
        lua_pop(assets->lua, 1);
        if (type != LUA_TNUMBER && type != LUA_TNIL)
            return fail(assets, "%s of \"%s\": expected a number, got %s", key, assets->name, lua_typename(assets->lua, type));
    }
    return ERR_OK;
}

static Err read_size(const Assets *assets, double out[3])
{
    const Err err = read_metres(assets, "size", out);
    for (int i = 0; i < 3 && !err; i++)
        if (!(out[i] > 0 && out[i] <= 1e5))
            return fail(assets, "size of \"%s\": expected three lengths above 0, in metres", assets->name);
    return err;
}

/* look = { mesh = "houses", size = { 20, 12, 9 }, turn = 90 } */
static Err read_look(const Assets *assets, Twin *twin)
{
    lua_State *const lua = assets->lua;
    TwinLook *const look = arena_new(&assets->plant->arena, TwinLook, 1);
    if (!look)
        return no_memory(assets);
    if (!lua_istable(lua, -1))
        return fail(assets, "look of \"%s\": expected { mesh = \"name\", size = { x, y, z }, turn = degrees }", assets->name);
    look->mesh = "";
    twin->look = look;

    Err err = ERR_OK;
    for (lua_pushnil(lua); !err && lua_next(lua, -2); lua_pop(lua, 1)) {
        const char *const key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
        if (strcmp(key, "mesh") == 0 && lua_type(lua, -1) == LUA_TSTRING)
            err = (look->mesh = arena_text(&assets->plant->arena, lua_tostring(lua, -1))) ? ERR_OK : no_memory(assets);
        else if (strcmp(key, "size") == 0)
            err = read_size(assets, look->size);
        else if (strcmp(key, "turn") == 0 && lua_type(lua, -1) == LUA_TNUMBER)
            look->turn = lua_tonumber(lua, -1);
        else
            err = fail(assets, "look of \"%s\": expected mesh (a name), size ({ x, y, z }) and turn (degrees), got \"%s\"", assets->name, key);
    }
    return err;
}

/* What is said of a twin besides its values: where it stands, how it looks. */
static Err read_place(const Assets *assets, const char *key)
{
    Twin *const twin = &assets->plant->twins[assets->plant->twin_count - 1];
    if (strcmp(key, "look") == 0)
        return read_look(assets, twin);
    twin->placed = true;
    return read_metres(assets, key, twin->at);
}

/* What is at the top of the stack overrides a value of the model, in its unit. */
static Err read_value(const Assets *assets, const Model *model, const char *name)
{
    const int index = model_find(model, name);
    const Channel *const channel = index < 0 ? NULL : &model->channels[index];
    if (!channel || !channel_is_settable(channel->kind))
        return fail(assets, "model \"%s\" has no state, parameter or input \"%s\"", model->name, name);
    if (lua_type(assets->lua, -1) != LUA_TNUMBER)
        return fail(assets, "\"%s\" of \"%s\": expected a number in %s, got %s", name, assets->name, unit_name(channel->unit), luaL_typename(assets->lua, -1));

    const double value = unit_to_si(channel->unit, lua_tonumber(assets->lua, -1));
    if (!(value >= channel->min && value <= channel->max))
        return fail(assets, "\"%s\" of \"%s\" is outside what the model allows, %g to %g %s", name, assets->name, unit_from_si(channel->unit, channel->min),
                    unit_from_si(channel->unit, channel->max), unit_name(channel->unit));
    *plant_cell(assets->plant, assets->plant->twin_count - 1, channel->column) = value;
    return ERR_OK;
}

/* The table at the top of the stack, of the twin that was added last: { "tank", area = 0.02, at = { 0, 0, 0 } }; in a fleet without its model. */
static Err read_values(const Assets *assets, const Model *model)
{
    lua_State *const lua = assets->lua;
    Err err = ERR_OK;
    for (lua_pushnil(lua); !err && lua_next(lua, -2); lua_pop(lua, 1)) {
        const char *const name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : NULL;
        if (!assets->entry->fleet && lua_isinteger(lua, -2) && lua_tointeger(lua, -2) == 1)
            continue;
        if (!name && assets->entry->fleet)
            err = fail(assets, "expected values by name, as in { name = value }");
        else if (!name)
            err = fail(assets, "\"%s\": expected one model and values by name, as in { \"%s\", name = value }", assets->name, model->name);
        else if (strcmp(name, "at") == 0 || strcmp(name, "look") == 0)
            err = read_place(assets, name);
        else
            err = read_value(assets, model, name);
    }
    return err;
}

static Err read_asset(Assets *assets)
{
    lua_State *const lua = assets->lua;
    const char *const name = assets->name = assets->entry->name;
    if (lua_getfield(lua, -1, name) != LUA_TTABLE)
        return fail(assets, "\"%s\" must be a table, as in %s = { \"model\" }, got %s", name, name, luaL_typename(lua, -1));
    const int type = lua_rawgeti(lua, -1, 1);
    if (type != LUA_TSTRING && type != LUA_TNIL)
        return fail(assets, "the first element of \"%s\": expected a text, got %s", name, lua_typename(lua, type));

    Kind *kind;
    Err err = use_model(assets, type == LUA_TNIL ? "" : lua_tostring(lua, -1), &kind);
    lua_pop(lua, 1);
    if (!err)
        err = add_twin(assets, kind);
    if (!err)
        err = read_values(assets, kind->model);
    lua_pop(lua, 1);
    return err;
}

/* The values of one twin of a fleet: `values`, on the stack, is a table, a function of its number, or nil. */
static Err read_member(const Assets *assets, const Model *model, int values)
{
    lua_State *const lua = assets->lua;
    lua_pushvalue(lua, values);
    if (lua_isfunction(lua, -1)) {
        ErrText why;
        lua_pushinteger(lua, assets->number);
        if (script_call(assets->plant->script, 1, 1, FLEET_INSTRUCTIONS, &why))
            return fail(assets, "%s", why.text);
    }

    Err err = ERR_OK;
    if (lua_istable(lua, -1))
        err = read_values(assets, model);
    else if (!lua_isnil(lua, -1))
        err = fail(assets, "expected a table of values, got %s", luaL_typename(lua, -1));
    lua_settop(lua, values);
    return err;
}

static void name_member(const Fleet *fleet, uint32_t number, char out[NAME_ROOM])
{
    snprintf(out, NAME_ROOM, "%.40s_%0*u", fleet->name, digits_of(fleet->count), number);
}

static Err read_fleet(Assets *assets)
{
    const Fleet *const fleet = assets->entry->fleet;
    char name[NAME_ROOM];
    Kind *kind;
    assets->number = 0;
    assets->name = name;
    Err err = use_model(assets, fleet->model, &kind);

    lua_geti(assets->lua, -1, assets->entry->key);
    lua_getiuservalue(assets->lua, -1, 1);
    const int values = lua_gettop(assets->lua);
    for (uint32_t i = 1; i <= fleet->count && !err; i++) {
        assets->number = i;
        name_member(fleet, i, name);
        err = add_twin(assets, kind);
        if (!err)
            err = read_member(assets, kind->model, values);
    }
    lua_pop(assets->lua, 2);
    return err;
}

// The table.

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Entry *)a)->name, ((const Entry *)b)->name);
}

/* The key at the top of the stack but one, and what stands under it. */
static Err list_entry(Assets *assets, Entry *entry)
{
    lua_State *const lua = assets->lua;
    entry->fleet = luaL_testudata(lua, -1, FLEET);
    if (entry->fleet && lua_isinteger(lua, -2)) {
        char name[NAME_ROOM];
        name_member(entry->fleet, 1, name);
        entry->key = lua_tointeger(lua, -2);
        entry->name = arena_text(&assets->arena, name);
    } else if (lua_type(lua, -2) == LUA_TSTRING && declare_is_name(lua_tostring(lua, -2))) {
        entry->fleet = NULL;
        entry->name = lua_tostring(lua, -2);  // the table holds it
    } else {
        char name[64];
        lua_pushvalue(lua, -2);
        snprintf(name, sizeof name, "%s", luaL_tolstring(lua, -1, NULL));
        return script_blame(assets->plant->script, assets->why, SECTION, NULL,
                            "\"%s\" cannot be a name in \"" SECTION "\": expected a letter, then letters, digits or underscores, at most %d; or a fleet(...)", name, NAME_ROOM - 1);
    }
    return entry->name ? ERR_OK : no_memory(assets);
}

/* All entries, sorted by name: Lua's own order differs from run to run. */
static Err list_entries(Assets *assets, size_t *twins)
{
    lua_State *const lua = assets->lua;
    size_t count = 0;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1))
        count++;
    if (count == 0)
        return script_blame(assets->plant->script, assets->why, SECTION, NULL, "the plant has no assets");
    assets->entries = arena_new(&assets->arena, Entry, count);
    if (!assets->entries)
        return no_memory(assets);

    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        Entry *const entry = &assets->entries[assets->entry_count++];
        const Err err = list_entry(assets, entry);
        if (err)
            return err;
        *twins += entry->fleet ? entry->fleet->count : 1;
    }
    qsort(assets->entries, count, sizeof *assets->entries, by_name);
    return ERR_OK;
}

static Err read_entries(Assets *assets)
{
    Plant *const plant = assets->plant;
    size_t twins = 0;
    Err err = list_entries(assets, &twins);
    if (err)
        return err;
    plant->twins = arena_new(&plant->arena, Twin, twins);
    if (!plant->twins || tags_create(&plant->tags))
        return no_memory(assets);

    for (size_t i = 0; i < assets->entry_count && !err; i++) {
        assets->entry = &assets->entries[i];
        assets->entries[i].first = plant->twin_count;
        err = assets->entry->fleet ? read_fleet(assets) : read_asset(assets);
    }
    assert(err || plant->twin_count == twins);
    return err;
}

// What is recorded.

/* The fleet, or the one twin, that `name` names. */
static Err record_named(const Assets *assets, const char *name)
{
    Plant *const plant = assets->plant;
    for (size_t i = 0; i < assets->entry_count; i++) {
        const Entry *const entry = &assets->entries[i];
        if (!entry->fleet || strcmp(entry->fleet->name, name) != 0)
            continue;
        for (uint32_t twin = 0; twin < entry->fleet->count; twin++)
            plant->twins[entry->first + twin].recorded = true;
        return ERR_OK;
    }

    const int64_t twin = plant_find(plant, name);
    if (twin < 0)
        return script_blame(plant->script, assets->why, "record_fleets", NULL, "record_fleets: the plant has no fleet and no asset \"%s\"", name);
    plant->twins[twin].recorded = true;
    return ERR_OK;
}

/* record_fleets = { "cell", "site_0007" }: the estimates of fleets are kept of those that are named, their samples always. */
static Err read_recorded(const Assets *assets, int root)
{
    lua_State *const lua = assets->lua;
    const int type = lua_getfield(lua, root, "record_fleets");
    if (type == LUA_TNIL)
        return ERR_OK;
    if (type != LUA_TTABLE)
        return script_blame(assets->plant->script, assets->why, "record_fleets", NULL, "\"record_fleets\" must be a list of names, got %s",
                            lua_typename(lua, type));
    Err err = ERR_OK;
    for (lua_pushnil(lua); !err && lua_next(lua, -2); lua_pop(lua, 1))
        if (lua_type(lua, -1) == LUA_TSTRING)
            err = record_named(assets, lua_tostring(lua, -1));
        else
            err = script_blame(assets->plant->script, assets->why, "record_fleets", NULL, "\"record_fleets\" must be a list of names, got a %s in it",
                               luaL_typename(lua, -1));
    return err;
}

Err assets_read(Plant *plant, int root, ErrText *why)
{
    Assets assets = {.plant = plant, .lua = script_lua(plant->script), .why = why};
    if (lua_getfield(assets.lua, root, SECTION) != LUA_TTABLE)
        return script_blame(plant->script, why, SECTION, NULL, "a plant needs assets = { name = { \"model\" }, ... }");
    Err err = read_entries(&assets);
    if (!err)
        err = read_recorded(&assets, root);
    lua_settop(assets.lua, root);
    arena_fini(&assets.arena);
    return err;
}
