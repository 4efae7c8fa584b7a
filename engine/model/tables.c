/* tables.c -- lookup(...) in equations: points are read, checked, brought to SI, and become an expression (lookup.h). */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "model/lookup.h"
#include "model/value.h"

/* The last argument may be a table of units and the method; a text alone is the method. */
static const char *option(lua_State *lua, int index, const char *name, const char *fallback)
{
    if (!lua_istable(lua, index))
        return fallback;
    const int type = lua_getfield(lua, index, name);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        luaL_error(lua, "lookup: %s must be a text, got %s", name, lua_typename(lua, type));
    const char *text = type == LUA_TSTRING ? lua_tostring(lua, -1) : fallback;
    lua_pop(lua, 1);  // the text lives on in its table
    return text;
}

static void check_options(lua_State *lua, int index, const char *const *known)
{
    if (!lua_istable(lua, index))
        return;
    for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) {
        const char *key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "a number";
        const char *const *found = known;
        while (*found && strcmp(*found, key) != 0)
            found++;
        if (!*found)
            luaL_error(lua, "lookup: unknown option \"%s\"", key);
    }
}

static const Unit *unit_option(lua_State *lua, int index, const char *name)
{
    const Unit *unit;
    ErrText why;
    if (unit_parse(option(lua, index, name, "1"), &unit, &why))
        luaL_error(lua, "lookup: %s", why.text);
    return unit;
}

/* The unit of an axis; the value that is looked up there must convert to it. */
static const Unit *axis_unit(lua_State *lua, int index, const char *name, const Value *at)
{
    const Unit *unit = unit_option(lua, index, name);
    if (!unit_converts(at->unit, unit))
        luaL_error(lua, "lookup: %s is in \"%s\", but what is looked up has %s", name, unit_name(unit), value__dimension(at->unit));
    return unit;
}

/* Element `n` of the table on top of the stack, in SI. */
static double number_at(lua_State *lua, int n, const Unit *unit, const char *what)
{
    const int type = lua_geti(lua, -1, n);
    const double number = lua_tonumber(lua, -1);
    lua_pop(lua, 1);
    if (type != LUA_TNUMBER || !isfinite(number))
        luaL_error(lua, "lookup: number %d of %s must be a finite number, got %s", n, what,
                   type == LUA_TNUMBER ? "an infinite one or NaN" : lua_typename(lua, type));
    return unit_to_si(unit, number);
}

static void check_rising(lua_State *lua, const double *x, size_t count, const char *what)
{
    for (size_t i = 1; i < count; i++)
        if (!(x[i] > x[i - 1]))
            luaL_error(lua, "lookup: %s must rise from point to point, number %d does not", what, (int)i + 1);
}

static size_t count_at(lua_State *lua, size_t most, const char *what)
{
    const size_t count = (size_t)lua_rawlen(lua, -1);
    if (count < 2 || count > most)
        luaL_error(lua, "lookup: %s must have 2 to %d numbers, got %d", what, (int)most, (int)(count > most ? most + 1 : count));
    return count;
}

/* lookup(x, { { x0, y0 }, { x1, y1 }, ... }, "linear" | "cubic" | { x = "unit", y = "unit", method = ... }) */
static int lookup_curve(lua_State *lua)
{
    static const char *const known[] = {"x", "y", "method", NULL};
    double x[LOOKUP_POINTS_MAX], y[LOOKUP_POINTS_MAX];
    const Value at = value__operand(lua, 1);
    Graph *graph = value__trace(lua)->graph;
    if (!lua_isnoneornil(lua, 3) && lua_type(lua, 3) != LUA_TSTRING && !lua_istable(lua, 3))
        return luaL_error(lua, "lookup: expected \"linear\", \"cubic\" or { x = \"unit\", y = \"unit\", method = ... }, got %s", luaL_typename(lua, 3));
    check_options(lua, 3, known);
    const Unit *x_unit = axis_unit(lua, 3, "x", &at), *y_unit = unit_option(lua, 3, "y");
    const char *method = lua_type(lua, 3) == LUA_TSTRING ? lua_tostring(lua, 3) : option(lua, 3, "method", "linear");

    lua_settop(lua, 3);
    lua_pushvalue(lua, 2);
    const size_t count = count_at(lua, LOOKUP_POINTS_MAX, "a table of points");
    for (size_t i = 0; i < count; i++) {
        if (lua_geti(lua, -1, (lua_Integer)i + 1) != LUA_TTABLE || lua_rawlen(lua, -1) != 2)
            return luaL_error(lua, "lookup: point %d must be { x, y }", (int)i + 1);
        x[i] = number_at(lua, 1, x_unit, "a point");
        y[i] = number_at(lua, 2, y_unit, "a point");
        lua_pop(lua, 1);
    }
    check_rising(lua, x, count, "x");

    if (strcmp(method, "linear") == 0)
        return value__push(lua, lookup_linear(graph, at.expr, x, y, count), unit_base(y_unit), -1);
    if (strcmp(method, "cubic") == 0)
        return value__push(lua, lookup_cubic(graph, at.expr, x, y, count), unit_base(y_unit), -1);
    return luaL_error(lua, "lookup: the method must be \"linear\" or \"cubic\", got \"%s\"", method);
}

/* The numbers of one axis of a grid. */
static size_t read_axis(lua_State *lua, int grid, const char *name, const Unit *unit, double *out)
{
    if (lua_getfield(lua, grid, name) != LUA_TTABLE)
        luaL_error(lua, "lookup: a grid needs %s = { ... }, the numbers along it", name);
    const size_t count = count_at(lua, LOOKUP_GRID_MAX / 2, name);
    for (size_t i = 0; i < count; i++)
        out[i] = number_at(lua, (int)i + 1, unit, name);
    check_rising(lua, out, count, name);
    lua_pop(lua, 1);
    return count;
}

/* lookup(x, y, { x = { ... }, y = { ... }, { z at the first y, by x }, ... }, { x = "unit", y = "unit", z = "unit" }) */
static int lookup_grid(lua_State *lua)
{
    static const char *const known[] = {"x", "y", "z", NULL};
    double x[LOOKUP_GRID_MAX], y[LOOKUP_GRID_MAX], z[LOOKUP_GRID_MAX];
    const Value at_x = value__operand(lua, 1), at_y = value__operand(lua, 2);
    Graph *graph = value__trace(lua)->graph;
    luaL_checktype(lua, 3, LUA_TTABLE);
    if (!lua_isnoneornil(lua, 4) && !lua_istable(lua, 4))
        return luaL_error(lua, "lookup: expected { x = \"unit\", y = \"unit\", z = \"unit\" }, got %s", luaL_typename(lua, 4));
    check_options(lua, 4, known);
    const Unit *x_unit = axis_unit(lua, 4, "x", &at_x), *y_unit = axis_unit(lua, 4, "y", &at_y), *z_unit = unit_option(lua, 4, "z");

    lua_settop(lua, 4);
    const size_t x_count = read_axis(lua, 3, "x", x_unit, x), y_count = read_axis(lua, 3, "y", y_unit, y);
    if (x_count * y_count > LOOKUP_GRID_MAX)
        return luaL_error(lua, "lookup: a grid has %d values at most", LOOKUP_GRID_MAX);
    if (lua_rawlen(lua, 3) != y_count)
        return luaL_error(lua, "lookup: the grid has %d rows, but y has %d numbers", (int)lua_rawlen(lua, 3), (int)y_count);
    for (size_t j = 0; j < y_count; j++) {
        if (lua_geti(lua, 3, (lua_Integer)j + 1) != LUA_TTABLE || lua_rawlen(lua, -1) != x_count)
            return luaL_error(lua, "lookup: row %d of the grid must have %d numbers, as x has", (int)j + 1, (int)x_count);
        for (size_t i = 0; i < x_count; i++)
            z[j * x_count + i] = number_at(lua, (int)i + 1, z_unit, "a row");
        lua_pop(lua, 1);
    }
    return value__push(lua, lookup_bilinear(graph, at_x.expr, at_y.expr, x, x_count, y, y_count, z), unit_base(z_unit), -1);
}

int value__lookup(lua_State *lua)
{
    if (lua_istable(lua, 2))
        return lookup_curve(lua);
    if (lua_istable(lua, 3))
        return lookup_grid(lua);
    return luaL_error(lua, "lookup: expected lookup(x, { { x0, y0 }, ... }) or lookup(x, y, { x = ..., y = ..., ... }), got no table");
}
