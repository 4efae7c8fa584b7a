/* fork.h -- the plant as it is at one moment, to be stepped on without it.
 *
 * A fork has copies of the columns of the twins that are asked for, and of all twins that feed them, directly or through others: what happens to
 * them does not depend on anybody else. It is planned once, which looks at what never changes, and filled between two ticks, by copying alone; from
 * then on the living twins may go on, and are not touched. What never changes is shared with the plant: models, tags, names. So the Plant has to
 * outlive its forks.
 *
 * Takes: a Plant between two ticks.  Gives: Fork.  Memory: its own.  Threads: plan it on any, fill it on the plant's; read it on any. */
#pragma once

#include "forecast/lesson.h"
#include "model/filter.h"
#include "plant/plant.h"

enum { FORK_TWINS_MAX = 1024, FORK_LESSONS_MAX = 1024 };

typedef struct ForkTwin {
    uint32_t twin;  // of the plant
    const Model *model;
    const double *cells;  // its lane: model->column_count values
    uint32_t stage;       // it is stepped behind all of lower stages
    bool stands;          // in quarantine: it keeps its values
} ForkTwin;

/// A connection between twins of the fork.
typedef struct ForkLink {
    uint32_t from, to;  // indices of ForkTwins
    uint16_t from_column, to_column;
    double min, max;  // of the input
    uint32_t stage;   // of the twin that it feeds
    bool delayed;     // carries the value from the end of the step before
} ForkLink;

typedef struct Fork {
    const Plant *plant;
    int64_t time;     // plant time of the values
    ForkTwin *twins;  // by stage, then in the plant's order
    uint32_t twin_count;
    ForkLink *links;  // the delayed ones first, then by stage
    uint32_t link_count, delayed_count;
    double *cells;  // of all twins, one after the other
    Lesson *lessons;  // of values that are measured; verification_teach leaves them here
    uint32_t lesson_count, lesson_room;
    Arena arena;
} Fork;

/// Find `count` twins of the plant and those that feed them; their values are still to come. ERR_FULL when they are more than FORK_TWINS_MAX, ERR_SCRIPT
/// when one of them is stepped by a Lua function, which would not be the fork's own.
Err fork_plan(const Plant *plant, const uint32_t *twins, size_t count, Fork **out, ErrText *why);
/// Copy the values of the plant, which are of `time`; no lessons. Allocates nothing; may be done again.
void fork_fill(Fork *fork, int64_t time);
/// Both at once.
Err fork_take(const Plant *plant, int64_t time, const uint32_t *twins, size_t count, Fork **out, ErrText *why);
/// What an actuator was told last, in SI; NaN: nothing.
typedef double ForkTold(const void *self, TagId tag);
/// Equations never read an actuator, so the plant does not know what it was told. Those of a fork that is filled have it from here, for whoever obeys in a forecast.
void fork_tell(Fork *fork, ForkTold *told, const void *self);
void fork_destroy(Fork *fork);
/// Index of a twin of the plant among those of the fork, or -1.
int64_t fork_find(const Fork *fork, uint32_t twin);
