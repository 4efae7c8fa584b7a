/* cycle.h -- the life cycle of alarms: raised, acknowledged, returned, over.
 *
 * Whoever watches a condition keeps a slot for its alarm: 0 while there is none, then the alarm's id. When there is no room the slot
 * says ALARM_WANTED, and whoever holds it tries again as long as the condition lasts; such an alarm is counted as dropped once.
 *
 * Takes: conditions that came or went.  Gives: Alarms in a Ledger. */
#pragma once

#include "alarm/asides.h"

#define ALARM_WANTED UINT64_MAX  // a slot whose alarm found no room yet

typedef struct Cycle {
    Ledger ledger;
    size_t returned;           // alarms that wait for their acknowledgement
    uint64_t oldest_returned;  // none of them has a lower id
    uint64_t dropped;
    size_t owed;               // alarms of which handlers have yet to hear
    Asides asides;
} Cycle;

Err cycle__init(Cycle *cycle);
void cycle__fini(Cycle *cycle);

/// A new alarm whose text is still to be written, or NULL when there is no room. A full list ends its oldest returned alarm first.
Alarm *cycle__raise(Cycle *cycle, uint64_t *slot, uint32_t twin, const char *name, Severity severity, int64_t now);
/// The alarm of a slot while its condition lasts, or NULL.
Alarm *cycle__active(const Cycle *cycle, uint64_t slot);
/// Another cause: a rise in severity takes the acknowledgement back.
void cycle__revise(Cycle *cycle, Alarm *alarm, Severity severity, const char *text);
/// The condition is over; the slot is empty again. Gives the alarm (valid until the next call), which may be over with it, or NULL when
/// there was none.
const Alarm *cycle__return(Cycle *cycle, uint64_t *slot, int64_t now);
/// Late samples say when it was raised and returned (TIME_NONE: it lasts). False, and nothing changes, where that is known.
bool cycle__amend(Cycle *cycle, Alarm *alarm, int64_t raised, int64_t returned, int64_t now);
/// It never was: it has returned when it was raised, and its text says so. False where that is known.
bool cycle__take_back(Cycle *cycle, Alarm *alarm, int64_t now);
/// What is put aside has changed for the alarms of this name of a twin: those that were aside and last are raised anew, those that wait for an acknowledgement
/// and are put aside are over.
void cycle__mark(Cycle *cycle, uint32_t twin, const char *name);
/// The next alarm behind `id` of which handlers have yet to hear, which they have by now; or NULL.
const Alarm *cycle__next_owed(Cycle *cycle, uint64_t id);
/// Somebody has left a comment. ERR_UNKNOWN when no alarm with this id is there, or it is over.
Err cycle__comment(Cycle *cycle, uint64_t id);
Err cycle__acknowledge(Cycle *cycle, uint64_t id, int64_t now);
/// Forget all alarms and their numbers, to begin as a snapshot says.
void cycle__clear(Cycle *cycle);
/// Take up an alarm as a snapshot kept it, oldest first.
void cycle__adopt(Cycle *cycle, const Alarm *alarm);
