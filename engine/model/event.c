#include "model/event.h"

#include <lauxlib.h>
#include <string.h>

#include "model/model.h"
#include "model/value.h"

// --- in equations --------------------------------------------------------------------------------------------------

/* How errors call the event whose name, if it has one, is argument 3. */
static const char *title(lua_State *lua)
{
    return lua_isnil(lua, 3) ? "event" : lua_pushfstring(lua, "event \"%s\"", lua_tostring(lua, 3));
}

/* What the table at `index` sets: by state, in their order, because Lua's own differs from run to run. */
static size_t read_values(lua_State *lua, int index, const Trace *trace, Expr *values)
{
    size_t count = 0;
    for (size_t i = 0; i < trace->name_count; i++) {
        const TraceName *name = &trace->names[i];
        if (name->state < 0 || name->part != trace->part)
            continue;
        if (lua_getfield(lua, index, name->name) != LUA_TNIL) {
            const Value value = value__operand(lua, -1);
            if (!value__converts(trace, &value, name->unit))
                luaL_error(lua, "%s: dimensions differ: the state \"%s\" has %s, its new value %s", title(lua), name->name,
                           value__dimension(name->unit), value__dimension(value.unit));
            values[name->state] = value.expr;
            count++;
        }
        lua_pop(lua, 1);
    }
    return count;
}

static bool is_state(const Trace *trace, const char *text)
{
    for (size_t i = 0; i < trace->name_count; i++)
        if (trace->names[i].state >= 0 && trace->names[i].part == trace->part && strcmp(trace->names[i].name, text) == 0)
            return true;
    return false;
}

static void refuse_others(lua_State *lua, int index, const Trace *trace)
{
    for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) {
        const char *key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : luaL_typename(lua, -2);
        if (lua_type(lua, -2) != LUA_TSTRING || !is_state(trace, key))
            luaL_error(lua, "%s: \"%s\" is no state of the model, and only states can be set", title(lua), key);
    }
}

/* event(condition, { state = value, ... }, "name") */
int value__event(lua_State *lua)
{
    Trace *trace = value__trace(lua);
    const Value condition = value__operand(lua, 1);
    luaL_checktype(lua, 2, LUA_TTABLE);
    lua_settop(lua, 3);
    if (!lua_isnil(lua, 3) && lua_type(lua, 3) != LUA_TSTRING)
        return luaL_error(lua, "event: its name is a text, got %s", luaL_typename(lua, 3));
    if (!unit_converts(condition.unit, unit_one()))
        return luaL_error(lua, "%s: the condition is 1 or 0, as above(a, b) gives it; this has %s", title(lua), value__dimension(condition.unit));
    if (trace->closed)
        return luaL_error(lua, "a sensor's function cannot have an event: it only looks");
    if (trace->event_count == EVENTS_MAX)
        return luaL_error(lua, "event: more than %d in one model", EVENTS_MAX);

    Expr *values = arena_new(trace->arena, Expr, trace->state_count);
    if (!values)
        return luaL_error(lua, "no memory for an event");
    for (size_t i = 0; i < trace->state_count; i++)
        values[i] = EXPR_NONE;
    refuse_others(lua, 2, trace);
    if (read_values(lua, 2, trace, values) == 0)
        return luaL_error(lua, "%s: it sets nothing: expected event(condition, { state = value, ... })", title(lua));
    trace->events[trace->event_count++] = (Event){.condition = condition.expr, .values = values, .value_count = trace->state_count};
    return 0;
}

// --- in the step ---------------------------------------------------------------------------------------------------

/* Now it is true, and after the step before it was not. */
static Expr fired(Graph *graph, const Event *event, Expr condition)
{
    return graph_select(graph, graph_variable(graph, event->column), graph_constant(graph, 0), condition);
}

static Expr as_flag(Graph *graph, Expr condition)
{
    return graph_select(graph, condition, graph_constant(graph, 1), graph_constant(graph, 0));
}

void event_apply(Graph *graph, const Event *events, size_t event_count, const uint16_t *columns, Expr *next, size_t count, Assignment *memories)
{
    Expr changed[MODEL_STATES_MAX], after[EVENTS_MAX];
    for (size_t e = 0; e < event_count; e++) {
        const Event *event = &events[e];
        const Expr fires = fired(graph, event, graph_substitute(graph, event->condition, columns, next, count));
        for (size_t i = 0; i < event->value_count; i++)
            if (event->values[i] != EXPR_NONE)
                changed[i] = graph_select(graph, fires, graph_substitute(graph, event->values[i], columns, next, count), next[i]);
        for (size_t i = 0; i < event->value_count; i++)
            if (event->values[i] != EXPR_NONE)
                next[i] = changed[i];
        after[e] = graph_substitute(graph, event->condition, columns, next, count);
    }

    // what a later event made true has not happened yet, and what it made false may happen again
    for (size_t e = 0; e < event_count; e++) {
        const Expr last = graph_substitute(graph, events[e].condition, columns, next, count);
        const Expr memory = last == after[e] ? as_flag(graph, last) : graph_select(graph, after[e], as_flag(graph, last), graph_constant(graph, 0));
        memories[e] = (Assignment){events[e].column, memory};
    }
}
