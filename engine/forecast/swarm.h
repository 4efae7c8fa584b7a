/* swarm.h -- the members of a forecast: many versions of the twins of a fork, as lanes.
 *
 * A Pack is 64 members of every twin: a block per twin, whose lanes are members, stepped by the very programs that step the living twins. Member m of
 * one twin feeds member m of another, so a connection is a copy of a column. Packs know nothing of each other: each goes its whole way alone, on
 * whatever thread, in whatever order [I1].
 *
 * A member begins at the estimate plus a draw from its covariance, tracked parameters included; what is on its way in delays, and what events
 * remember, is the twin's. Parameters and inputs that are known to a standard deviation are off by as much from the first step to the last: that is
 * what makes a model wrong for minutes. Every step adds process noise as the filter reckons with it. Random numbers are counted: a normal is a function of seed, tag, member
 * and step and of nothing else, so whatever is changed meets the same chance, and so does a forecast of more members, or of other twins besides.
 *
 * Takes: a Fork.  Gives: columns of members.
 * Memory: a Swarm has an arena, a Pack its blocks; nothing is allocated by a step.  Threads: a Swarm is const, a Pack belongs to one thread. */
#pragma once

#include "forecast/fork.h"

/// One value of the members: a column of the block of a twin.
typedef struct Cell {
    uint32_t twin;  // of the fork
    uint16_t column;
} Cell;

/// The channel whose future is that of `channel`: a sensor shows what it measures, its noise is no part of what is to come.
uint16_t channel_foreseen(const Model *model, uint16_t channel);
/// Whether there is such a future: not of a statistic, nor of a sensor that measures a mixture.
bool channel_is_foreseen(const Model *model, uint16_t channel);
/// Where the members have a tag. ERR_UNKNOWN when the fork lacks its twin, or it has no future.
Err cell_find(const Fork *fork, TagId tag, Cell *out, ErrText *why);

/// A state or tracked parameter that wanders.
typedef struct Noise {
    uint16_t column;
    double spread;  // over one step
    double min, max;
    uint64_t stream;  // of random numbers
} Noise;

/// A parameter that is not tracked, or an input, that is known to a standard deviation: by how much it is off is each member's own, and stays.
typedef struct Offset {
    uint16_t column;
    double sd;
    double min, max;
    uint64_t stream;  // of random numbers
} Offset;

/// How to draw one twin: mean + root z, with z standard normal.
typedef struct Draw {
    uint16_t rank;
    const uint16_t *of;  // rank: the state whose random number z_k is
    const double *root;  // states x rank, row by row
} Draw;

typedef struct SwarmTwin {
    Draw draw;
    const Noise *noises;
    uint16_t noise_count;
    const Offset *offsets;
    uint16_t offset_count;
    uint32_t held;  // first of its columns of Pack.held
    bool derives;   // its outputs are needed at every step
} SwarmTwin;

typedef struct Swarm {
    const Fork *fork;
    uint64_t seed;
    SwarmTwin *twins;  // as those of the fork
    uint32_t held_count;
    uint16_t registers;
    Arena arena;
} Swarm;

Err swarm_init(Swarm *swarm, const Fork *fork, uint64_t seed, ErrText *why);
void swarm_fini(Swarm *swarm);
/// This value is looked at after every step.
void swarm_follow(Swarm *swarm, Cell cell);

typedef struct Pack {
    const Swarm *swarm;
    double **blocks;  // by twin: columns of LANES members
    double *held;     // normals come two at a time: the second ones wait for the next step
    double *memory;
    Scratch scratch;
    uint64_t first;  // the number of the member in lane 0
    uint64_t steps;  // taken
} Pack;

Err pack_init(Pack *pack, const Swarm *swarm, ErrText *why);
void pack_fini(Pack *pack);
/// Begin with the members `first` and on, at the fork's time. Outputs are still those of the estimate.
void pack_start(Pack *pack, uint64_t first);
/// One step of all twins.
void pack_step(Pack *pack);
/// Compute outputs from the states as they are: of all twins, or of those whose outputs are not computed by every step.
void pack_derive(Pack *pack, bool all);
/// Give all members a value, off by what is each member's own. Behind a parameter, prepare what follows from it.
void pack_set(Pack *pack, Cell cell, double value);
void pack_prepare(Pack *pack, uint32_t twin);
/// Plant time of the members, counted from 0 where the fork is of no moment.
static inline int64_t pack_time(const Pack *pack)
{
    const Fork *fork = pack->swarm->fork;
    return (fork->time == TIME_NONE ? 0 : fork->time) + (int64_t)pack->steps * fork->plant->step_ns;
}
/// The LANES cells of a column.
static inline double *pack_column(const Pack *pack, Cell cell)
{
    return &pack->blocks[cell.twin][(size_t)cell.column * LANES];
}
