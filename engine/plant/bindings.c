/* bindings.c -- Lua's tables as JSON, and of that what all bindings share. */
#include "plant/bindings.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/declare.h"
#include "signal/options.h"

enum { DEPTH_MAX = 8 };

// --- Lua to JSON ---------------------------------------------------------------------------------------------------

static const char no_memory[] = "no memory is left for it";

static json_t *to_json(lua_State *lua, int index, int depth, const char **fault);

static json_t *number_to_json(lua_State *lua, int index, const char **fault)
{
    if (lua_isinteger(lua, index))
        return json_integer(lua_tointeger(lua, index));
    if (!isfinite(lua_tonumber(lua, index)))
        *fault = "a finite number was expected";
    return json_real(lua_tonumber(lua, index));
}

static json_t *array_to_json(lua_State *lua, int index, int depth, const char **fault)
{
    json_t *array = json_array();
    const lua_Integer count = (lua_Integer)lua_rawlen(lua, index);
    for (lua_Integer i = 1; i <= count && !*fault; i++) {
        lua_rawgeti(lua, index, i);
        if (json_array_append_new(array, to_json(lua, lua_gettop(lua), depth + 1, fault)) && !*fault)
            *fault = no_memory;
        lua_pop(lua, 1);
    }
    return array;
}

/* What has names; `skipped` elements in front are left out. */
static json_t *object_to_json(lua_State *lua, int index, int depth, lua_Integer skipped, const char **fault)
{
    json_t *object = json_object();
    for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) {
        if (lua_isinteger(lua, -2) && lua_tointeger(lua, -2) >= 1 && lua_tointeger(lua, -2) <= skipped)
            continue;
        if (lua_type(lua, -2) != LUA_TSTRING)
            *fault = "either names or elements were expected, not both";
        else if (json_object_set_new(object, lua_tostring(lua, -2), to_json(lua, lua_gettop(lua), depth + 1, fault)) && !*fault)
            *fault = no_memory;
        if (*fault) {
            lua_pop(lua, 2);
            break;
        }
    }
    return object;
}

/* The value at `index`, an absolute one. Where it has no JSON `fault` says what was expected. */
static json_t *to_json(lua_State *lua, int index, int depth, const char **fault)
{
    luaL_checkstack(lua, 4, NULL);
    switch (lua_type(lua, index)) {
    case LUA_TBOOLEAN: return json_boolean(lua_toboolean(lua, index));
    case LUA_TNUMBER: return number_to_json(lua, index, fault);
    case LUA_TSTRING: {
        json_t *text = json_string(lua_tostring(lua, index));
        if (!text)
            *fault = "a text in UTF-8 was expected";
        return text;
    }
    case LUA_TTABLE:
        if (depth == DEPTH_MAX)
            *fault = "tables lie too deep in each other";
        else
            return lua_rawlen(lua, index) ? array_to_json(lua, index, depth, fault) : object_to_json(lua, index, depth, 0, fault);
        return NULL;
    default: *fault = "numbers, texts, true, false and tables were expected"; return NULL;
    }
}

// --- connectors ----------------------------------------------------------------------------------------------------

typedef struct Reader {
    Plant *plant;
    lua_State *lua;
    ErrText *why;
} Reader;

static Err out_of_memory(const Reader *reader)
{
    return err_set(reader->why, ERR_MEMORY, "%s: no memory for its connectors", reader->plant->path);
}

/* `{ "first", key = ... }`, on top of the stack, is its first element and an object of the rest; pops it. */
static Err take_entry(const Reader *reader, const char *section, const char *key, const char *example, const char **first, json_t **named)
{
    const char *fault = NULL;
    const int top = lua_gettop(reader->lua);
    *named = NULL;
    if (!lua_istable(reader->lua, top) || lua_rawgeti(reader->lua, top, 1) != LUA_TSTRING)
        return script_blame(reader->plant->script, reader->why, section, key, "%s: expected %s", key, example);

    *first = arena_text(&reader->plant->arena, lua_tostring(reader->lua, -1));
    *named = object_to_json(reader->lua, top, 0, 1, &fault);
    lua_settop(reader->lua, top - 1);
    if (fault)
        return script_blame(reader->plant->script, reader->why, section, key, "%s: %s", key, fault);
    return *first && *named ? ERR_OK : out_of_memory(reader);
}

static Err read_connector(const Reader *reader, const char *name)
{
    Plant *plant = reader->plant;
    PlantConnector *connector = &plant->connectors[plant->connector_count];
    if (!declare_is_name(name))
        return script_blame(plant->script, reader->why, "connectors", name, "connector \"%s\": expected a letter, then letters, digits or underscores", name);
    lua_getfield(reader->lua, -1, name);
    connector->name = arena_text(&plant->arena, name);
    plant->connector_count++;
    const Err err = take_entry(reader, "connectors", name, "{ \"kind\", ... }, the kind one of `pollux connectors` or the path of a shared library",
                               &connector->kind, &connector->options);
    return err || connector->name ? err : out_of_memory(reader);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of the table on top of the stack, by name: the first error is always the same one. */
static Err list_names(const Reader *reader, const char *section, Arena *scratch, const char ***names, size_t *count)
{
    size_t room = 1;
    lua_State *lua = reader->lua;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1))
        room++;
    *names = arena_new(scratch, const char *, room);
    if (!*names)
        return out_of_memory(reader);
    for (lua_pushnil(lua); lua_next(lua, -2);) {
        lua_pop(lua, 1);
        if (lua_type(lua, -1) != LUA_TSTRING)
            return script_blame(reader->plant->script, reader->why, NULL, section, "\"%s\": expected names as keys, like name = { ... }", section);
        (*names)[(*count)++] = lua_tostring(lua, -1);  // stays alive in the table
    }
    qsort(*names, *count, sizeof **names, by_name);
    return ERR_OK;
}

/* The table `section` of the script on top of the stack, and its keys; none where there is no table. */
static Err open_section(const Reader *reader, int root, const char *section, Arena *scratch, const char ***names, size_t *count)
{
    *count = 0;
    const int type = lua_getfield(reader->lua, root, section);
    if (type == LUA_TNIL)
        return ERR_OK;
    if (type != LUA_TTABLE)
        return script_blame(reader->plant->script, reader->why, NULL, section, "\"%s\" must be a table, got %s", section, lua_typename(reader->lua, type));
    return list_names(reader, section, scratch, names, count);
}

static Err read_connectors(const Reader *reader, int root, Arena *scratch)
{
    const char **names;
    size_t count;
    Plant *plant = reader->plant;
    Err err = open_section(reader, root, "connectors", scratch, &names, &count);
    if (err)
        return err;
    if (count > PLANT_CONNECTORS_MAX)
        return script_blame(plant->script, reader->why, NULL, "connectors", "at most %d connectors were expected", PLANT_CONNECTORS_MAX);
    if (count && plant->clock != PLANT_CLOCK_UTC)
        return script_blame(plant->script, reader->why, NULL, "connectors", "a plant with connectors lives by the time of day: clock = \"utc\" was expected");
    plant->connectors = arena_new(&plant->arena, PlantConnector, count + 1);
    if (!plant->connectors)
        return out_of_memory(reader);
    for (size_t i = 0; i < count && !err; i++)
        err = read_connector(reader, names[i]);
    return err;
}

// --- bindings ------------------------------------------------------------------------------------------------------

const PlantConnector *bindings_connector(const Plant *plant, const char *name)
{
    for (size_t i = 0; i < plant->connector_count; i++)
        if (strcmp(plant->connectors[i].name, name) == 0)
            return &plant->connectors[i];
    return NULL;
}

/* What only one direction has. */
static void check_direction(Options *options, bool writes)
{
    static const char *const of_read[] = {"dead_band", "stale", "time", NULL}, *const of_written[] = {"stores", "read_back", "fail_safe", NULL};
    for (const char *const *key = writes ? of_read : of_written; *key; key++)
        if (options_has(options, *key))
            options_fail(options, *key, writes ? "this tag is an actuator, which is written" : "this tag is no actuator: it is read");
}

static void read_unit(Options *options, const Unit *of_tag, Binding *out)
{
    ErrText why;
    const Unit *unit;
    const char *spelt = options_text(options, "unit", NULL);
    out->unit = of_tag;
    if (spelt && unit_parse(spelt, &unit, &why))
        options_fail(options, "unit", "%s", why.text);
    else if (spelt && !unit_converts(unit, of_tag))
        options_fail(options, "unit", "\"%s\" does not convert to %s", spelt, unit_name(of_tag));
    else if (spelt)
        out->unit = unit;
}

/* The keys that all bindings share. */
static void read_shared(Options *options, const Unit *of_tag, Binding *out)
{
    static const char *const times[] = {"source", "arrival", NULL};
    static const double STALE_MAX = 1e7;  // s
    check_direction(options, out->writes);
    read_unit(options, of_tag, out);
    out->scale = options_number(options, "scale", 1, -INFINITY, INFINITY);
    out->offset = options_number(options, "offset", 0, -INFINITY, INFINITY);
    out->dead_band = fabs(unit_scale_to_si(out->unit, options_number(options, "dead_band", 0, 0, INFINITY)));
    out->stale_ns = (int64_t)llround(options_number(options, "stale", 0, 0, STALE_MAX) * (double)NS_PER_S);
    out->source_time = options_choice(options, "time", times, 0) == 0;
    out->stores = options_flag(options, "stores", false);
    if (out->scale == 0)
        options_fail(options, "scale", "a number other than 0 was expected");
}

/* Where a tag is bound, until it is known how many there are of each connector. */
typedef struct Bound {
    Binding binding;
    size_t connector;  // its place
} Bound;

/* What of a twin may be bound, "radar, bottom, inflow", cut where it is long. */
static void list_bindable(const Plant *plant, uint32_t twin, char *out, size_t size)
{
    const Model *model = plant_model(plant, twin);
    size_t used = 0;
    out[0] = 0;
    for (uint16_t i = 0; i < model->channel_count && used < size; i++) {
        const TagId tag = plant_tag(plant, twin, i);
        if (tags_get(plant->tags, tag).role != TAG_NOT_BOUND && !plant_is_fed(plant, tag))
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", model->channels[i].name);
    }
}

static Err refuse_tag(const Reader *reader, const char *name, TagId tag)
{
    const Plant *plant = reader->plant;
    char twin[TAG_NAME_ROOM], bindable[400];
    snprintf(twin, sizeof twin, "%.*s", (int)strcspn(name, "."), name);
    const int64_t index = plant_find(plant, twin);
    if (index < 0)
        return script_blame(plant->script, reader->why, "bind", name, "bind: \"%s\": the plant has no asset \"%s\"", name, twin);
    if (tag != TAG_NONE && plant_is_fed(plant, tag))
        return script_blame(plant->script, reader->why, "bind", name, "bind: \"%s\" is fed by another twin", name);
    list_bindable(plant, (uint32_t)index, bindable, sizeof bindable);
    return script_blame(plant->script, reader->why, "bind", name, "bind: \"%s\" is no sensor, input or actuator; of \"%s\" one of these was expected: %s", name,
                        twin, bindable);
}

static Err find_tag(const Reader *reader, const char *name, Binding *out)
{
    const Plant *plant = reader->plant;
    out->tag = tags_find(plant->tags, name);
    const TagRole role = out->tag == TAG_NONE ? TAG_NOT_BOUND : tags_get(plant->tags, out->tag).role;
    out->writes = role == TAG_ACTUATED;
    return role != TAG_NOT_BOUND ? ERR_OK : refuse_tag(reader, name, out->tag);
}

static Err read_bound(const Reader *reader, const char *name, Bound *out)
{
    Plant *plant = reader->plant;
    json_t *address;
    const char *wanted;
    Err err = find_tag(reader, name, &out->binding);
    if (err)
        return err;
    lua_getfield(reader->lua, -1, name);
    err = take_entry(reader, "bind", name, "{ \"connector\", ... }", &wanted, &address);
    out->binding.address = address;
    out->binding.name = arena_text(&plant->arena, name);
    if (err || !out->binding.name)
        return err ? err : out_of_memory(reader);
    const PlantConnector *connector = bindings_connector(plant, wanted);
    if (!connector)
        return script_blame(plant->script, reader->why, "bind", name, "bind: \"%s\" names \"%s\", which is none of the connectors", name, wanted);
    out->connector = (size_t)(connector - plant->connectors);

    char what[TAG_NAME_ROOM + 8];
    snprintf(what, sizeof what, "bind %s", name);
    Options options = options_begin(address, what);
    read_shared(&options, tags_get(plant->tags, out->binding.tag).unit, &out->binding);
    return options.err ? bindings_blame(plant, connector, out->binding.tag, options.blamed, options.why.text, reader->why) : ERR_OK;
}

/* Each connector gets its own, by name: nothing is moved unless there is room for all. */
static Err deal_out(const Reader *reader, const Bound *bound, size_t count)
{
    Plant *plant = reader->plant;
    for (size_t c = 0; c < plant->connector_count; c++) {
        size_t own = 0;
        for (size_t i = 0; i < count; i++)
            own += bound[i].connector == c;
        plant->connectors[c].bindings = arena_new(&plant->arena, Binding, own + 1);
        if (!plant->connectors[c].bindings)
            return out_of_memory(reader);
    }
    for (size_t i = 0; i < count; i++) {
        PlantConnector *connector = &plant->connectors[bound[i].connector];
        connector->bindings[connector->binding_count++] = bound[i].binding;
    }
    return ERR_OK;
}

static Err read_bindings(const Reader *reader, int root, Arena *scratch)
{
    const char **names;
    size_t count;
    Err err = open_section(reader, root, "bind", scratch, &names, &count);
    if (err)
        return err;
    Bound *bound = arena_new(scratch, Bound, count + 1);
    if (!bound)
        return out_of_memory(reader);
    for (size_t i = 0; i < count && !err; i++)
        err = read_bound(reader, names[i], &bound[i]);
    if (!err)
        err = deal_out(reader, bound, count);
    for (size_t i = 0; i < count && err; i++)
        json_decref((json_t *)bound[i].binding.address);
    return err;
}

Err bindings_read(Plant *plant, int root, ErrText *why)
{
    Arena scratch = {0};
    const Reader reader = {plant, script_lua(plant->script), why};
    const int top = lua_gettop(reader.lua);
    Err err = read_connectors(&reader, root, &scratch);
    if (!err)
        err = read_bindings(&reader, root, &scratch);
    arena_fini(&scratch);
    lua_settop(reader.lua, top);
    return err;
}

void bindings_forget(Plant *plant)
{
    for (size_t c = 0; c < plant->connector_count; c++) {
        json_decref(plant->connectors[c].options);
        for (size_t i = 0; i < plant->connectors[c].binding_count; i++)
            json_decref((json_t *)plant->connectors[c].bindings[i].address);
    }
}

/* Whether the script says this key: one that is missing has no line, and the next of that name is somebody else's. */
static bool is_said(const PlantConnector *connector, TagId tag, const char *key)
{
    if (tag == TAG_NONE)
        return json_object_get(connector->options, key);
    for (size_t i = 0; i < connector->binding_count; i++)
        if (connector->bindings[i].tag == tag)
            return json_object_get(connector->bindings[i].address, key);
    return true;  // it is being read
}

Err bindings_blame(const Plant *plant, const PlantConnector *connector, TagId tag, const char *key, const char *text, ErrText *why)
{
    const bool is_binding = tag != TAG_NONE;
    const TagName name = is_binding ? tags_name(plant->tags, tag) : (TagName){""};
    const char *const keys[] = {is_binding ? "bind" : "connectors", is_binding ? name.text : connector->name, is_said(connector, tag, key) ? key : NULL, NULL};
    return script_blame_path(plant->script, why, keys, text);
}
