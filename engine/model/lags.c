/* lags.c -- lag(x, seconds) in equations: a state that nobody declared.
 *
 * Columns are dealt out before the equations run, when nobody knows how many lags they have. So a lag is traced on a column beyond all
 * others, and when all are known the states get their lags and everything that was traced moves to its final columns. */
#include <lauxlib.h>
#include <stdio.h>

#include "model/declare.h"
#include "model/value.h"

/* The time constant: a plain number is seconds, a value must be a time. */
static Expr time_constant(lua_State *lua, const Trace *trace)
{
    const Value seconds = value__operand(lua, 2);
    const Unit *second;
    ErrText why;
    double number;
    if (unit_parse("s", &second, &why))
        luaL_error(lua, "lag: %s", why.text);
    if (lua_type(lua, 2) != LUA_TNUMBER && !unit_converts(seconds.unit, second))
        luaL_error(lua, "lag: its second argument is a time, this has %s", value__dimension(seconds.unit));
    if (graph_is_constant(trace->graph, seconds.expr, &number) && !(number >= trace->step))
        luaL_error(lua, "lag: %f s is shorter than a step, %f s", number, trace->step);
    return seconds.expr;
}

/* Lags without a name are counted, in each part from 1. */
static int number_of(const Trace *trace)
{
    int number = 1;
    for (size_t i = 0; i < trace->lag_count; i++)
        number += trace->lags[i].part == trace->part;
    return number;
}

/* lag(x, seconds, "name") */
int value__lag(lua_State *lua)
{
    Trace *trace = value__trace(lua);
    const Value x = value__operand(lua, 1);
    const Expr seconds = time_constant(lua, trace);
    const char *given = luaL_optstring(lua, 3, NULL);
    if (trace->closed)
        return luaL_error(lua, "a sensor's function cannot have a lag: it would be a state of the model");
    if (trace->lag_count == TRACE_LAGS_MAX)
        return luaL_error(lua, "lag: more than %d in one model", TRACE_LAGS_MAX);
    if (given && !declare_is_name(given))
        return luaL_error(lua, "lag: \"%s\" is no name: expected a letter, then letters, digits or underscores", given);

    TraceLag *lag = &trace->lags[trace->lag_count];
    lag->name = given ? arena_text(trace->arena, given) : arena_format(trace->arena, "lag_%d", number_of(trace));
    if (!lag->name)
        return luaL_error(lua, "no memory for a lag");
    lag->column = trace__hidden_column(trace);
    trace->lag_count++;
    lag->unit = x.unit;
    lag->of = x.expr;
    lag->part = trace->part;
    const Expr self = graph_variable(trace->graph, lag->column);
    lag->rate = graph_binary(trace->graph, OP_DIV, graph_binary(trace->graph, OP_SUB, x.expr, self), seconds);
    return value__push(lua, self, x.unit, -1);
}

uint16_t trace__hidden_column(Trace *trace)
{
    return (uint16_t)(TRACE_HIDDEN_COLUMN + trace->lag_count + trace->delay_count);
}

void trace_move(Trace *trace, const uint16_t *columns, const Expr *with, size_t count)
{
    for (size_t i = 0; i < trace->state_count; i++)
        trace->rates[i] = graph_substitute(trace->graph, trace->rates[i], columns, with, count);
    for (size_t i = 0; i < trace->output_count; i++)
        trace->outputs[i].expr = graph_substitute(trace->graph, trace->outputs[i].expr, columns, with, count);
    for (size_t i = 0; i < trace->name_count; i++)
        trace->names[i].expr = graph_substitute(trace->graph, trace->names[i].expr, columns, with, count);
    for (size_t i = 0; i < trace->lag_count; i++)
        trace->lags[i].rate = graph_substitute(trace->graph, trace->lags[i].rate, columns, with, count);
    for (size_t i = 0; i < trace->delay_count; i++)
        trace->delays[i].of = graph_substitute(trace->graph, trace->delays[i].of, columns, with, count);
    for (size_t e = 0; e < trace->event_count; e++) {
        Event *event = &trace->events[e];
        event->condition = graph_substitute(trace->graph, event->condition, columns, with, count);
        for (size_t i = 0; i < event->value_count; i++)
            event->values[i] = graph_substitute(trace->graph, event->values[i], columns, with, count);
    }
}
