#include "model/numbers.h"

#include <lauxlib.h>
#include <lualib.h>
#include <math.h>

#include "model/value.h"

/* A function on numbers; what it computes with is `op`, where it serves several names. */
typedef struct NumberFunction {
    const char *name;
    int (*call)(lua_State *lua, Op op);
    Op op;
} NumberFunction;

static int unary(lua_State *lua, Op op)
{
    lua_pushnumber(lua, graph_apply(op, luaL_checknumber(lua, 1), 0, 0));
    return 1;
}

static int binary(lua_State *lua, Op op)
{
    const double a = luaL_checknumber(lua, 1), b = luaL_checknumber(lua, 2);
    lua_pushnumber(lua, graph_apply(op, a, b, 0));
    return 1;
}

static int below(lua_State *lua, Op op)
{
    (void)op;
    lua_pushnumber(lua, luaL_checknumber(lua, 1) < luaL_checknumber(lua, 2));
    return 1;
}

static int sign(lua_State *lua, Op op)
{
    (void)op;
    const double a = luaL_checknumber(lua, 1);
    lua_pushnumber(lua, (a > 0) - (a < 0));
    return 1;
}

static int clamp(lua_State *lua, Op op)
{
    (void)op;
    const double a = luaL_checknumber(lua, 1), low = luaL_checknumber(lua, 2), high = luaL_checknumber(lua, 3);
    lua_pushnumber(lua, graph_apply(OP_MIN, graph_apply(OP_MAX, a, low, 0), high, 0));
    return 1;
}

/* A comparison of Lua is as good a condition as above(a, b). */
static int choose(lua_State *lua, Op op)
{
    (void)op;
    const bool condition = lua_isboolean(lua, 1) ? lua_toboolean(lua, 1) : luaL_checknumber(lua, 1) != 0;
    lua_pushnumber(lua, luaL_checknumber(lua, condition ? 2 : 3));
    return 1;
}

static int decades(lua_State *lua, Op op)
{
    (void)op;
    lua_pushnumber(lua, graph_apply(OP_LOG, luaL_checknumber(lua, 1), 0, 0) * M_LOG10E);
    return 1;
}

/* math.log(x, base) */
static int logarithm(lua_State *lua, Op op)
{
    (void)op;
    const double log = graph_apply(OP_LOG, luaL_checknumber(lua, 1), 0, 0);
    lua_pushnumber(lua, lua_isnoneornil(lua, 2) ? log : log / graph_apply(OP_LOG, luaL_checknumber(lua, 2), 0, 0));
    return 1;
}

/* math.atan(y, x) */
static int angle(lua_State *lua, Op op)
{
    (void)op;
    lua_pushnumber(lua, graph_apply(OP_ATAN2, luaL_checknumber(lua, 1), luaL_optnumber(lua, 2, 1), 0));
    return 1;
}

/* Upvalue 1 is the function on numbers. */
static int on_numbers(lua_State *lua)
{
    const NumberFunction *function = lua_touserdata(lua, lua_upvalueindex(1));
    return function->call(lua, function->op);
}

/* Upvalue 2 is the function of equations; both run in this very frame, so that errors name the line that called. */
static int either(lua_State *lua)
{
    return value__is_tracing(lua) ? lua_tocfunction(lua, lua_upvalueindex(2))(lua) : on_numbers(lua);
}

void numbers__open(lua_State *lua)
{
    static const NumberFunction functions[] = {
        {"sqrt", unary, OP_SQRT}, {"exp", unary, OP_EXP}, {"log", unary, OP_LOG}, {"log10", decades, 0}, {"sin", unary, OP_SIN}, {"cos", unary, OP_COS},
        {"tan", unary, OP_TAN}, {"asin", unary, OP_ASIN}, {"acos", unary, OP_ACOS}, {"atan", unary, OP_ATAN}, {"sinh", unary, OP_SINH}, {"cosh", unary, OP_COSH},
        {"tanh", unary, OP_TANH}, {"atan2", binary, OP_ATAN2}, {"hypot", binary, OP_HYPOT}, {"abs", unary, OP_ABS}, {"sign", sign, 0}, {"min", binary, OP_MIN},
        {"max", binary, OP_MAX}, {"clamp", clamp, 0}, {"above", binary, OP_ABOVE}, {"below", below, 0}, {"select", choose, 0},
    };
    static const NumberFunction of_math[] = {
        {"exp", unary, OP_EXP}, {"log", logarithm, 0}, {"sin", unary, OP_SIN}, {"cos", unary, OP_COS},
        {"tan", unary, OP_TAN}, {"asin", unary, OP_ASIN}, {"acos", unary, OP_ACOS}, {"atan", angle, 0},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_pushlightuserdata(lua, (void *)&functions[i]);
        lua_getglobal(lua, functions[i].name);
        lua_pushcclosure(lua, either, 2);
        lua_setglobal(lua, functions[i].name);
    }
    lua_getglobal(lua, LUA_MATHLIBNAME);
    for (size_t i = 0; i < sizeof of_math / sizeof *of_math; i++) {
        lua_pushlightuserdata(lua, (void *)&of_math[i]);
        lua_pushcclosure(lua, on_numbers, 1);
        lua_setfield(lua, -2, of_math[i].name);
    }
    lua_pop(lua, 1);
}
