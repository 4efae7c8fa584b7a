/* watch.h -- one condition over the lanes of a block: held long enough it becomes an alarm, gone by enough the alarm returns.
 *
 * A block is looked at as two masks with a bit per lane: where the condition is met, and where it is clearly over. Between the two
 * lies the hysteresis, and a value that is no number is in neither. A block where nothing is wrong costs one loop over its lanes.
 *
 * How a condition goes depends on its block alone. What is told of it is written into a Book: that of the alarms, or while ticks run again one of drafts.
 *
 * Takes: blocks.  Gives: alarms by way of a Book, Edges. */
#pragma once

#include "alarm/cycle.h"
#include "alarm/edges.h"
#include "plant/plant.h"

typedef struct Watch {
    uint64_t met;            // lanes where the condition is met without a break since `since`
    uint64_t raised;         // lanes whose alarm is raised, or would be if there were room
    int64_t since[LANES];    // plant time
    uint64_t slot[LANES];    // see cycle.h
} Watch;

/// What is looked for: a limit of the model, or (limit NULL) the quarantine.
typedef struct Condition {
    const Plant *plant;
    const Block *block;
    const AlarmDef *limit;
    uint32_t number;  // the condition of its cells
} Condition;

/// Where it is written down that a condition begins and ends to be an alarm.
typedef struct Book {
    void *self;
    /// Gives the slot; `slot` is the one before: 0, or ALARM_WANTED.
    uint64_t (*begin)(void *self, AlarmCell cell, const Alarm *draft, uint64_t slot);
    /// Says when it was raised, and gives its id, or 0 when nobody was told of it.
    uint64_t (*end)(void *self, AlarmCell cell, uint64_t slot, int64_t now, int64_t *raised);
} Book;

/// Look at one block at plant time `now`.
void watch__judge(Watch *watch, const Condition *condition, Edges *edges, const Book *book, int64_t now);
