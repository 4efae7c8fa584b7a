/* run.h -- one case of a forecast, before anything is said about it: what every member did.
 *
 * A Run is laid out once for all cases. It says what to change, to look at and to keep; run_case fills `values` and `passed`, pack by pack.
 *
 * Memory: its maker's (forecast.c).  Threads: run_case uses the workers. */
#pragma once

#include "forecast/forecast.h"

/// A change of a case, resolved.
typedef struct Change {
    const Course *course;
    Cell cell;
    bool prepares;  // a parameter
} Change;

/// A limit that is watched.
typedef struct Bound {
    Cell cell;
    double sign;    // a low limit is a high one upside down
    double beyond;  // sign x limit
    double hold;    // s
} Bound;

typedef struct Run {
    Swarm swarm;
    double step;
    uint64_t steps;
    uint32_t packs;
    const uint64_t *told;  // step numbers, rising
    size_t told_count;
    const Cell *rows;  // what is told
    size_t row_count;
    const Bound *bounds;
    size_t bound_count;
    const Cost *cost;        // NULL for none
    const Cell *cost_cells;  // what it reads
    const Change *changes;   // of the case that is run
    size_t change_count;
    Script *script;  // of the scenario
    int control;     // of the case that is run, 0 for none
    Rehearsal *rehearsal;  // NULL while no case has wanted it
    RehearsalParts plant;  // of the case that is run
    uint64_t every;        // steps between two calls of whoever controls
    uint32_t members;
    double *values;         // rows x told x packs x LANES
    double *passed;         // bounds x packs x LANES: s from the start, INFINITY: never
    double *peaks;          // the same of ForecastLimit.peaks; NULL where nobody asks
    double *costs;          // packs x LANES
    bool *lost;             // packs x LANES
    Pack *pack;             // per thread
    double *since;          // per thread: bounds x LANES, when the running excursion began, INFINITY: there is none
    size_t *next;           // per thread: by change, its next point
    double *bill;           // per thread: the block of the cost's program
    _Atomic uint64_t done;  // steps of packs, over all cases
    uint64_t all;           // how many there will be
    const ForecastDef *def;
    Err err;  // of whoever acts
    ErrText why;
} Run;

/// The values of a row at a time: one per member.
static inline double *run_values(const Run *run, size_t row, size_t time)
{
    return &run->values[(row * run->told_count + time) * run->packs * LANES];
}
static inline double *run_passed(const Run *run, size_t bound)
{
    return &run->passed[bound * run->packs * LANES];
}
/// Step all packs: on the workers, but on the calling thread alone where functions act. ERR_CLOSED when it was stopped, ERR_SCRIPT when one of them fails.
Err run_case(Run *run, Workers *workers, ErrText *why);
