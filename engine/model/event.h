/* event.h -- what happens at once: a valve shuts, a batch ends, a ball bounces.
 *
 * An event looks at its condition at the end of every step. Where the condition has turned true, states are set. So the step itself stays
 * smooth, and the state one step on is a choice between two expressions, which the filter differentiates on the side that is taken. When
 * within the step the condition turned true is not looked for: an event is late by a step at the most.
 *
 * Takes: expressions of the equations.  Gives: the state one step on.
 * Memory: of a twin, one column per event.  Threads: the graph's. */
#pragma once

#include "graph/graph.h"

enum { EVENTS_MAX = 32 };  // of one model

typedef struct Event {
    Expr condition;
    Expr *values;          // of states [0, value_count), EXPR_NONE for those that it leaves alone
    size_t value_count;
    uint16_t column;       // 1 where the condition was true after the step before, 0 elsewhere
} Event;

/// Let `events` happen, in their order, to a step that went from the columns to `next`: `columns[i]` is where next[i] stands, and the states come first.
/// What each event has to remember is left in `memories`, one per event.
void event_apply(Graph *graph, const Event *events, size_t event_count, const uint16_t *columns, Expr *next, size_t count, Assignment *memories);
