#include "forecast/control.h"

#include <lauxlib.h>

static const char device_type[] = "pollux.device";
static const char memory_key;  // its address: where the members' tables stand in the registry

/* One member, while it is its turn. */
typedef struct Device {
    Pack *pack;
    uint32_t lane;
    bool *prepares;  // by twin of the fork: a parameter was set
} Device;

static const Device *device_of(lua_State *lua)
{
    return *(const Device **)luaL_checkudata(lua, 1, device_type);
}

static TagId tag_of(lua_State *lua, const Device *device)
{
    const TagId tag = tags_find(device->pack->swarm->fork->plant->tags, luaL_checkstring(lua, 2));
    if (tag == TAG_NONE)
        luaL_error(lua, "no value \"%s\" in this plant", lua_tostring(lua, 2));
    return tag;
}

static double *cell_of(lua_State *lua, const Device *device, TagId tag, Cell *out)
{
    ErrText why;
    if (cell_find(device->pack->swarm->fork, tag, out, &why))
        luaL_error(lua, "%s", why.text);
    return &pack_column(device->pack, *out)[device->lane];
}

/* device["tank1.level"], in its unit */
static int device_index(lua_State *lua)
{
    const Device *device = device_of(lua);
    const TagId tag = tag_of(lua, device);
    Cell cell;
    const double value = *cell_of(lua, device, tag, &cell);
    lua_pushnumber(lua, unit_from_si(tags_get(device->pack->swarm->fork->plant->tags, tag).unit, value));
    return 1;
}

static int device_newindex(lua_State *lua)
{
    const Device *device = device_of(lua);
    const Plant *plant = device->pack->swarm->fork->plant;
    const TagId tag = tag_of(lua, device);
    const Place place = plant_place(plant, tag);
    const Channel *channel = &plant_model(plant, place.twin)->channels[place.channel];
    const double value = unit_to_si(channel->unit, luaL_checknumber(lua, 3));
    if (plant_is_fed(plant, tag))
        return luaL_error(lua, "\"%s\" cannot be set by a device: a connection feeds it", lua_tostring(lua, 2));
    if (!channel_is_settable(channel->kind))
        return luaL_error(lua, "\"%s\" cannot be set by a device: expected an input, a parameter or a state", lua_tostring(lua, 2));
    if (!(value >= channel->min && value <= channel->max))
        return luaL_error(lua, "\"%s\" = %f is outside its limits", lua_tostring(lua, 2), lua_tonumber(lua, 3));
    Cell cell;
    *cell_of(lua, device, tag, &cell) = value;
    device->prepares[cell.twin] |= channel->kind == CHANNEL_PARAMETER;
    return 0;
}

void control_open(Script *script)
{
    static const luaL_Reg methods[] = {{"__index", device_index}, {"__newindex", device_newindex}, {NULL, NULL}};
    lua_State *lua = script_lua(script);
    luaL_newmetatable(lua, device_type);
    luaL_setfuncs(lua, methods, 0);
    lua_pushliteral(lua, "locked");
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 1);
}

static int begin(lua_State *lua)
{
    lua_newtable(lua);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &memory_key);
    return 0;
}

Err control_begin(Script *script, ErrText *why)
{
    lua_pushcfunction(script_lua(script), begin);
    return script_call(script, 0, 0, CONTROL_INSTRUCTIONS, why);
}

/* Push the table of a member; a new one is empty. */
static void push_memory(lua_State *lua, uint64_t member)
{
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &memory_key);
    if (lua_rawgeti(lua, -1, (lua_Integer)member) == LUA_TNIL) {
        lua_pop(lua, 1);
        lua_newtable(lua);
        lua_pushvalue(lua, -1);
        lua_rawseti(lua, -3, (lua_Integer)member);
    }
    lua_remove(lua, -2);
}

/* Everything that can fail for want of memory is inside of a call. */
static int decide(lua_State *lua)
{
    Device *device = lua_touserdata(lua, 1);
    const Pack *pack = device->pack;
    lua_rawgeti(lua, LUA_REGISTRYINDEX, lua_tointeger(lua, 2));
    *(const Device **)lua_newuserdatauv(lua, sizeof(Device *), 0) = device;
    luaL_setmetatable(lua, device_type);
    lua_pushnumber(lua, (double)pack->steps * pack->swarm->fork->plant->step);
    push_memory(lua, pack->first + device->lane);
    lua_pushnumber(lua, (double)pack_time(pack) / (double)NS_PER_S);
    lua_call(lua, 4, 0);
    return 0;
}

Err control_decide(Script *script, int function, Pack *pack, uint32_t first, uint32_t count, ErrText *why)
{
    bool prepares[FORK_TWINS_MAX] = {false};
    Device device = {.pack = pack, .lane = first, .prepares = prepares};
    lua_State *lua = script_lua(script);
    Err err = ERR_OK;
    for (; device.lane < first + count && !err; device.lane++) {
        lua_pushcfunction(lua, decide);
        lua_pushlightuserdata(lua, &device);
        lua_pushinteger(lua, function);
        err = script_call(script, 2, 0, CONTROL_INSTRUCTIONS, why);
    }
    for (uint32_t twin = 0; twin < pack->swarm->fork->twin_count; twin++)
        if (prepares[twin])
            pack_prepare(pack, twin);
    return err;
}
