#include "plant/parameters.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/declare.h"

#define PARAMETERS "pollux.parameters"

enum { FILE_MEMORY_MAX = 64 * 1024 * 1024, PATH_ROOM = 1024 };

/* parameters { ... }: the constructor marks its table. */
static int parameters_constructor(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    luaL_setmetatable(lua, PARAMETERS);
    return 1;
}

static bool is_marked(lua_State *lua, int index)
{
    if (!lua_istable(lua, index) || !lua_getmetatable(lua, index))
        return false;
    luaL_getmetatable(lua, PARAMETERS);
    const bool marked = lua_rawequal(lua, -1, -2);
    lua_pop(lua, 2);
    return marked;
}

/* One line of the file, SI once its unit is known to convert. */
typedef struct Given {
    const char *name;
    const Unit *unit;
    double number, sd;  // NAN: no sd
} Given;

/* A tracked parameter has its variance in the block; of the others the plant remembers it, by tag. */
static Err set_sd(Plant *plant, Declaration *entry, Place place, double sd)
{
    const Channel *channel = &plant_model(plant, place.twin)->channels[place.channel];
    if (channel->variance != COLUMN_NONE) {
        *plant_cell(plant, place.twin, channel->variance) = sd * sd;
        return ERR_OK;
    }
    const size_t count = tags_count(plant->tags);
    if (!plant->known_sds) {
        if (!(plant->known_sds = arena_new(&plant->arena, double, count)))
            return err_set(entry->why, ERR_MEMORY, "%s: no memory for its parameters", plant->parameters_path);
        for (size_t i = 0; i < count; i++)
            plant->known_sds[i] = NAN;
    }
    plant->known_sds[plant_tag(plant, place.twin, place.channel)] = sd;
    return ERR_OK;
}

static Err set_value(Plant *plant, Declaration *entry, const Given *given, Place place)
{
    const Channel *channel = &plant_model(plant, place.twin)->channels[place.channel];
    if (!unit_converts(given->unit, channel->unit)) {
        declare_fail(entry, "unit of \"%s\": \"%s\" does not convert to %s", given->name, unit_name(given->unit), unit_name(channel->unit));
        return entry->err;
    }
    const double value = unit_to_si(given->unit, given->number);
    if (!(value >= channel->min && value <= channel->max)) {
        declare_fail(entry, "\"%s\" is outside what the model allows, %g to %g %s", given->name, unit_from_si(channel->unit, channel->min),
                     unit_from_si(channel->unit, channel->max), unit_name(channel->unit));
        return entry->err;
    }
    *plant_cell(plant, place.twin, channel->column) = value;
    return isnan(given->sd) ? ERR_OK : set_sd(plant, entry, place, unit_scale_to_si(given->unit, given->sd));
}

static bool is_parameter(const Channel *channel)
{
    return channel->kind == CHANNEL_PARAMETER || channel->kind == CHANNEL_TRACKED;
}

/* All parameters that a name means. */
static Err set_all(Plant *plant, Declaration *entry, const Given *given)
{
    const char *dot = strchr(given->name, '.');
    size_t found = 0;
    Err err = ERR_OK;
    for (uint32_t twin = 0; twin < plant->twin_count && dot && !err; twin++) {
        const Model *model = plant_model(plant, twin);
        if (!tag_fits(given->name, (size_t)(dot - given->name), plant->twins[twin].name))
            continue;
        for (uint16_t c = 0; c < model->channel_count && !err; c++)
            if (is_parameter(&model->channels[c]) && tag_fits(dot + 1, strlen(dot + 1), model->channels[c].name)) {
                err = set_value(plant, entry, given, (Place){twin, c});
                found++;
            }
    }
    if (!err && found == 0)
        declare_fail(entry, "\"%s\" is no parameter of this plant: expected \"twin.parameter\"", given->name);
    return err ? err : entry->err;
}

/* What stands under `name` in the table at the top of the stack. */
static Err read_entry(Plant *plant, Script *script, const char *name, ErrText *why)
{
    static const char *const known[] = {"sd", "doc", NULL};
    lua_State *lua = script_lua(script);
    Declaration entry = {.script = script, .section = NULL, .key = name, .why = why};
    if (lua_getfield(lua, -1, name) != LUA_TTABLE) {
        declare_fail(&entry, "\"%s\": expected { value, \"unit\" }, got %s", name, luaL_typename(lua, -1));
        return entry.err;
    }
    entry.index = lua_gettop(lua);
    declare_only(&entry, known, 2);
    Given given = {.name = name, .number = declare_number_at(&entry, 1, NAN), .unit = declare_unit_at(&entry, 2), .sd = declare_number(&entry, "sd", NAN)};
    if (isnan(given.number))
        declare_fail(&entry, "\"%s\" has no value: expected { value, \"unit\" }", name);
    if (given.sd < 0 || isinf(given.sd))
        declare_fail(&entry, "sd of \"%s\": expected 0 or more", name);
    const Err err = entry.err ? entry.err : set_all(plant, &entry, &given);
    lua_settop(lua, entry.index - 1);
    return err;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of the names, in which a `*` comes before every letter: so the exact name has the last word. */
static Err read_entries(Plant *plant, Script *script, ErrText *why)
{
    lua_State *lua = script_lua(script);
    Arena arena = {0};
    size_t count = 0;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1))
        count++;
    const char **names = arena_new(&arena, const char *, count + 1);
    if (!names)
        return err_set(why, ERR_MEMORY, "%s: no memory for its parameters", plant->parameters_path);

    Err err = ERR_OK;
    count = 0;
    for (lua_pushnil(lua); lua_next(lua, -2) && !err; lua_pop(lua, 1)) {
        if (lua_type(lua, -2) == LUA_TSTRING)
            names[count++] = lua_tostring(lua, -2);  // the table holds it
        else
            err = script_blame(script, why, NULL, NULL, "parameters: expected [\"twin.parameter\"] = { value, \"unit\" }");
    }
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count && !err; i++)
        err = read_entry(plant, script, names[i], why);
    arena_fini(&arena);
    return err;
}

static Err read_file(Plant *plant, Script *script, ErrText *why)
{
    lua_State *lua = script_lua(script);
    luaL_newmetatable(lua, PARAMETERS);
    lua_pop(lua, 1);
    lua_register(lua, "parameters", parameters_constructor);
    const Err err = script_run_file(script, plant->parameters_path, SCRIPT_LOAD_INSTRUCTIONS, why);
    if (err)
        return err;
    if (!is_marked(lua, lua_gettop(lua)))
        return script_blame(script, why, NULL, NULL, "a parameter file must return parameters { [\"twin.parameter\"] = { value, \"unit\" }, ... }");
    return read_entries(plant, script, why);
}

Err parameters_read(Plant *plant, int root, ErrText *why)
{
    static const char *const beside[] = {"", NULL};
    lua_State *lua = script_lua(plant->script);
    const int type = lua_getfield(lua, root, "parameters");
    const char *name = lua_tostring(lua, -1);
    char path[PATH_ROOM];
    lua_pop(lua, 1);
    if (type == LUA_TNIL)
        return ERR_OK;
    if (type != LUA_TSTRING)
        return script_blame(plant->script, why, NULL, "parameters", "\"parameters\" must be the name of a file, got %s", lua_typename(lua, type));
    if (!script_find(plant->path, beside, name, path, sizeof path))
        return script_blame(plant->script, why, NULL, "parameters", "there is no parameter file \"%s\" beside this script", name);
    plant->parameters_path = arena_text(&plant->arena, path);
    if (!plant->parameters_path)
        return err_set(why, ERR_MEMORY, "%s: no memory for the plant", plant->path);

    Script *script;
    Err err = script_create(FILE_MEMORY_MAX, &script, why);
    if (!err)
        err = read_file(plant, script, why);
    script_destroy(script);
    return err;
}
