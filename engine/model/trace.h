/* trace.h -- the equations of a model run once, on symbols.
 *
 * `t.level` is not a number but a Value: an expression with a dimension. Arithmetic on Values builds the graph and checks
 * dimensions as it goes, so an error is raised on the very line that is wrong. What the function assigns, rates and outputs, is the result.
 *
 * A model may be built of parts, each with equations of its own. They are run one after the other into one Trace, the parts before what they are
 * parts of, and each sees its own names: `t.level` of the part `upper` is `t.upper.level` for the whole. What the whole reads of a part's outputs, and what
 * it says of a part's inputs, are columns of their own until all is known (parts.c).
 *
 * Memory: everything is in the caller's Trace and arena; Values die with the Lua state. */
#pragma once

#include "graph/graph.h"
#include "model/delay.h"
#include "model/event.h"
#include "model/script.h"
#include "signal/unit.h"

/// The whole model, or a part of it: whose names they are.
typedef struct TracePart {
    const char *name;  // "" for the whole
    size_t whole;      // that it is a part of
} TracePart;

/// A name that equations can read.
typedef struct TraceName {
    const char *name;
    Expr expr;
    const Unit *unit;  // base unit of its dimension
    int state;         // index among the states, or -1: only states have a rate
    size_t part;
    bool is_open;      // an input that nothing feeds yet: the whole may
    double min, max;   // of an input, SI
} TraceName;

/// A row of states, name_1 to name_count, that equations index: t.T[3].
typedef struct TraceArray {
    const char *name;
    size_t first, count;  // among the names
    size_t part;
} TraceArray;

// no column of a channel is as high as these
enum { TRACE_LAGS_MAX = 32, TRACE_HIDDEN_MAX = TRACE_LAGS_MAX + DELAYS_MAX, TRACE_HIDDEN_COLUMN = 4096, TRACE_OUTPUT_COLUMN = 8192 };

/// A first-order lag: a state that the equations made. Its column is TRACE_HIDDEN_COLUMN and on until trace_move.
typedef struct TraceLag {
    const char *name;
    const Unit *unit;
    uint16_t column;
    Expr of, rate;  // what it follows, on the columns of the trace, and how
    size_t part;
} TraceLag;

typedef struct TraceOutput {
    const char *name, *doc;
    Expr expr;
    const Unit *unit;  // in which people see it
    size_t part;
    bool is_read;      // by the whole, as the column TRACE_OUTPUT_COLUMN + its index
} TraceOutput;

/// What a whole says of the input of a part.
typedef struct TraceFeed {
    size_t name;  // of the input, among the names
    Expr expr;
    size_t part;  // whose equations say so,
    int line;     // and where
} TraceFeed;

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
    const TracePart *parts;  // the whole first
    size_t part_count;
    size_t part;             // whose function is run
    TraceFeed *feeds;        // room for one per name
    size_t feed_count;
    bool closed;  // reading only: a sensor's function assigns nothing
} Trace;

/// Put the functions and constants that equations use into the sandbox (sqrt, select, output, g, ...).
void trace_open(Script *script);
/// Run the function on top of the stack (it is popped) as equations(t) of `trace->part`. Rates and outputs are left in `trace`.
Err trace_equations(Script *script, Trace *trace, ErrText *why);
/// Replace the columns that were traced by others, everywhere but in TraceLag.of.
void trace_move(Trace *trace, const uint16_t *columns, const Expr *with, size_t count);
/// Run the function on top of the stack (popped) as a measurement f(t), which returns one Value; `out` and `unit` stay as they are when it returns none.
Err trace_measurement(Script *script, Trace *trace, Expr *out, const Unit **unit, ErrText *why);
