/* watch.h -- one condition over the lanes of a block: held long enough it becomes an alarm, gone by enough the alarm returns.
 *
 * A block is looked at as two masks with a bit per lane: where the condition is met, and where it is clearly over. Between the two
 * lies the hysteresis, and a value that is no number is in neither. A block where nothing is wrong costs one loop over its lanes.
 *
 * Takes: blocks.  Gives: alarms by way of the Cycle, and word of them to whoever listens. */
#pragma once

#include "alarm/cycle.h"

typedef struct Watch {
    uint64_t met;            // lanes where the condition is met without a break since `since`
    uint64_t raised;         // lanes whose alarm is raised
    int64_t since[LANES];    // plant time
    uint64_t slot[LANES];    // see cycle.h
} Watch;

/// What is looked for: a limit of the model, or (limit NULL) the quarantine.
typedef struct Condition {
    const Plant *plant;
    const Block *block;
    const AlarmDef *limit;
} Condition;

typedef struct WatchEvent {
    const Alarm *alarm;
    bool raised;  // otherwise it returned
} WatchEvent;

/// Look at one block at plant time `now`; each alarm that is raised or returns is told to `tell`.
void watch__judge(Watch *watch, const Condition *condition, Cycle *cycle, int64_t now, void (*tell)(void *self, WatchEvent event), void *self);
