/* trace.h -- the equations of a model run once, on symbols.
 *
 * `t.level` is not a number but a Value: an expression with a dimension. Arithmetic on Values builds the graph and checks
 * dimensions as it goes, so an error is raised on the very line that is wrong. What the function assigns, rates and outputs, is the result.
 *
 * Memory: everything is in the caller's Trace and arena; Values die with the Lua state. */
#pragma once

#include "graph/graph.h"
#include "model/delay.h"
#include "model/event.h"
#include "model/script.h"
#include "signal/unit.h"

/// A name that equations can read.
typedef struct TraceName {
    const char *name;
    Expr expr;
    const Unit *unit;  // base unit of its dimension
    int state;         // index among the states, or -1: only states have a rate
} TraceName;

/// A row of states, name_1 to name_count, that equations index: t.T[3].
typedef struct TraceArray {
    const char *name;
    size_t first, count;  // among the names
} TraceArray;

enum { TRACE_LAGS_MAX = 32, TRACE_HIDDEN_COLUMN = 4096, TRACE_HIDDEN_MAX = TRACE_LAGS_MAX + DELAYS_MAX };  // no column of a channel is as high as that

/// A first-order lag: a state that the equations made. Its column is TRACE_HIDDEN_COLUMN and on until trace_move.
typedef struct TraceLag {
    const char *name;
    const Unit *unit;
    uint16_t column;
    Expr of, rate;  // what it follows, on the columns of the trace, and how
} TraceLag;

typedef struct TraceOutput {
    const char *name, *doc;
    Expr expr;
    const Unit *unit;  // in which people see it
} TraceOutput;

typedef struct Trace {
    Graph *graph;
    Arena *arena;
    TraceName *names;
    size_t name_count;
    const TraceArray *arrays;
    size_t array_count;
    TraceLag lags[TRACE_LAGS_MAX];
    size_t lag_count;
    Delay delays[DELAYS_MAX];
    size_t delay_count;
    Event events[EVENTS_MAX];  // their columns come later
    size_t event_count;
    double step;  // s
    size_t state_count;
    Expr *rates;  // of each state, EXPR_NONE until assigned
    TraceOutput *outputs;
    size_t output_count, output_room;
    bool stepped; // by a function: there are no equations, and outputs are not symbols
    bool closed;  // reading only: a sensor's function assigns nothing
} Trace;

/// Put the functions and constants that equations use into the sandbox (sqrt, select, output, g, ...).
void trace_open(Script *script);
/// Run the function on top of the stack (it is popped) as equations(t). Rates and outputs are left in `trace`.
Err trace_equations(Script *script, Trace *trace, ErrText *why);
/// Replace the columns that were traced by others, everywhere but in TraceLag.of.
void trace_move(Trace *trace, const uint16_t *columns, const Expr *with, size_t count);
/// Run the function on top of the stack (popped) as a measurement f(t), which returns one Value; `out` and `unit` stay as they are when it returns none.
Err trace_measurement(Script *script, Trace *trace, Expr *out, const Unit **unit, ErrText *why);
