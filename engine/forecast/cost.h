/* cost.h -- what a case costs: an expression over the plant, summed over the horizon or taken at its end.
 *
 *   cost = { integral = "t.lift_1.power + t.lift_2.power", unit = "kWh" }
 *
 * The expression is traced as equations are, its twins being the parts: dimensions are checked, and what comes out is a program over members.
 * An integral is taken by the trapezoidal rule over the steps.
 *
 * Takes: a declaration.  Gives: a Program.  Memory: the scenario's arena; the graph is its own until cost_fini.  Threads: any, for reading. */
#pragma once

#include "plant/plant.h"

enum { COST_TWINS_MAX = 64, COST_TAGS_MAX = 256 };

typedef struct Cost {
    const char *text;
    bool integral;      // over the horizon, by seconds; otherwise the value at its end
    const Unit *unit;   // in which people see it
    const TagId *tags;  // what it reads: column i of its block is tags[i], the cost itself is the last one
    uint16_t tag_count;
    Program program;
    Graph *graph;
} Cost;

/// Read the table at `index` of the script's stack. ERR_SCRIPT with file and line.
Err cost_read(Script *script, int index, const Plant *plant, Arena *arena, Cost *out, ErrText *why);
void cost_fini(Cost *cost);
