#include "plant/every.h"

#include <lauxlib.h>
#include <math.h>

#define EVERY "pollux.every"

static const double PERIOD_MIN = 1e-3, PERIOD_MAX = 366.0 * 86400.0;  // s

static int every_constructor(lua_State *lua)
{
    const double seconds = luaL_checknumber(lua, 1);
    if (!(seconds >= PERIOD_MIN && seconds <= PERIOD_MAX))
        return luaL_error(lua, "every(%f, f): expected a period between a millisecond and a year, in seconds", seconds);
    if (!lua_isfunction(lua, 2))
        return luaL_error(lua, "every(%f, f): expected a function(time), got %s", seconds, luaL_typename(lua, 2));

    Every *const every = lua_newuserdatauv(lua, sizeof *every, 1);
    every->period_ns = llround(seconds * (double)NS_PER_S);
    lua_pushvalue(lua, 2);
    lua_setiuservalue(lua, -2, 1);
    luaL_setmetatable(lua, EVERY);
    return 1;
}

void every_open(Script *script)
{
    lua_State *const lua = script_lua(script);
    luaL_newmetatable(lua, EVERY);
    lua_pop(lua, 1);
    lua_register(lua, "every", every_constructor);
}

const Every *every_at(lua_State *lua, int index)
{
    const Every *const every = luaL_testudata(lua, index, EVERY);
    if (every)
        lua_getiuservalue(lua, index, 1);
    return every;
}
