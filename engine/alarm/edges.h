/* edges.h -- how conditions went over the last ticks, so that they can be put back to where they were.
 *
 * Conditions change seldom, so what is kept is not copies of them but each of their edges, with what was before it: a condition that is met
 * or no more, an alarm that is raised or returns, a verdict that is another. Going back undoes them from the newest on. Where they are too
 * many the oldest are forgotten, and nothing goes back as far as those.
 *
 * Memory: EDGES_MAX of them, where the plant has a window for late samples.  Threads: the tick's. */
#pragma once

#include "base/base.h"

enum { EDGES_MAX = 1 << 15 };

/// One condition of one twin.
typedef struct AlarmCell {
    uint32_t twin;
    uint32_t condition;  // CELL_DIVERGENCE, CELL_QUARANTINE, and from CELL_LIMIT on the limits of its model
} AlarmCell;
enum { CELL_DIVERGENCE, CELL_QUARANTINE, CELL_LIMIT };

static inline bool cell_is(AlarmCell a, AlarmCell b)
{
    return a.twin == b.twin && a.condition == b.condition;
}

/// A change of a condition, and what was before it.
typedef struct Edge {
    AlarmCell cell;
    int64_t time;     // plant time
    int64_t since;    // of a watch
    int64_t raised;   // when the alarm was that returned in this edge
    uint64_t id;      // of that alarm, 0 where none returned or nobody was told of it
    uint32_t met;     // of a watch
    uint32_t on;      // of a watch: the alarm was raised; of a divergence: the VerdictKind
} Edge;

typedef struct Edges {
    Edge *items;     // of one cell from the oldest to the newest
    size_t count;
    int64_t span;    // ns: nobody goes back further
    int64_t newest;  // plant time
    int64_t reach;   // nobody can go back to this plant time or before it
} Edges;

/// `span` 0: nothing is kept. ERR_MEMORY.
Err edges__init(Edges *edges, int64_t span);
void edges__fini(Edges *edges);
/// Forget all: from `now` on edges can be undone.
void edges__clear(Edges *edges, int64_t now);
/// The edge as it is kept, until the next one is noted; NULL where none are.
Edge *edges__note(Edges *edges, const Edge *edge);
/// Whether somebody may still go back to before it.
bool edges__is_of_use(const Edges *edges, const Edge *edge);
size_t edges__count_of_use(const Edges *edges);
/// As a snapshot kept them.
void edges__restore(Edges *edges, const void *items, size_t count, int64_t newest, int64_t reach);
