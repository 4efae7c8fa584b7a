/* shelf.h -- what people have put aside: the alarms of one name of one twin, shelved until a time or suppressed until that is taken back.
 *
 * An alarm may be both; each is taken back by itself. The list is short, and searched in line whenever an alarm is raised.
 *
 * Takes: acts of people, plant time.  Gives: marks on alarms. */
#pragma once

#include "alarm/alarm.h"

typedef struct Shelf {
    Aside items[ASIDES_MAX];  // in the order in which they were put here
    size_t count;
    uint64_t changes;
} Shelf;

const Aside *shelf__find(const Shelf *shelf, uint32_t twin, const char *name, AsideKind kind);
/// That which was put aside by this alarm.
const Aside *shelf__find_alarm(const Shelf *shelf, uint64_t alarm);
/// In the place of what was there of the same kind. ERR_FULL.
Err shelf__put(Shelf *shelf, const Aside *aside);
/// False when there was none.
bool shelf__take(Shelf *shelf, uint32_t twin, const char *name, AsideKind kind);
/// The first whose time is over, or NULL.
const Aside *shelf__find_ended(const Shelf *shelf, int64_t now);
/// Say of an alarm whether it is aside.
void shelf__mark(const Shelf *shelf, Alarm *alarm);
