/* value.h -- the symbolic values of equations, for the files of this folder that offer functions on them.
 *
 * Everything here is called by Lua and raises Lua errors, on the line of the script that is running. */
#pragma once

#include "model/trace.h"

#define STANDARD_GRAVITY 9.80665  // m/s^2

/* A symbolic value as Lua holds it. */
typedef struct Value {
    Expr expr;
    const Unit *unit;  // a base unit: its dimension
    int state;         // of the state that it is, or -1
} Value;

/// The trace that is running; outside of equations an error.
Trace *value__trace(lua_State *lua);
/// Argument `index` as a Value; plain numbers have no dimension.
Value value__operand(lua_State *lua, int index);
/// Push a Value; returns 1, the number of results.
int value__push(lua_State *lua, Expr expr, const Unit *unit, int state);
/// A dimension as errors name it.
const char *value__dimension(const Unit *unit);

/// Whether equations are running; if not, numbers are numbers.
bool value__is_tracing(lua_State *lua);
/// A column beyond all others, for what the equations make; in the end it moves (trace_move).
uint16_t trace__hidden_column(Trace *trace);
/// Whether a Value can be assigned to what has `unit`: zero is zero in every unit.
bool value__converts(const Trace *trace, const Value *value, const Unit *unit);

/// lookup(x, points, how): tables.c
int value__lookup(lua_State *lua);
/// lag(x, seconds, name): lags.c
int value__lag(lua_State *lua);
/// delay(x, seconds, name): delay.c
int value__delay(lua_State *lua);
/// event(condition, { state = value }): event.c
int value__event(lua_State *lua);
