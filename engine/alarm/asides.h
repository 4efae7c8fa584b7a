/* asides.h -- what people have put aside: the alarms of one name of one twin, shelved until a time or suppressed until that is taken back.
 *
 * An alarm may be both; each is taken back by itself. The list is short, and searched in line whenever an alarm is raised.
 *
 * Takes: acts of people, plant time.  Gives: marks on alarms. */
#pragma once

#include "alarm/alarm.h"

typedef struct Asides {
    Aside items[ASIDES_MAX];  // in the order in which they were put here
    size_t count;
    uint64_t changes;
} Asides;

const Aside *asides__find(const Asides *asides, uint32_t twin, const char *name, AsideKind kind);
/// That which was put aside by this alarm.
const Aside *asides__find_alarm(const Asides *asides, uint64_t alarm);
/// In the place of what was there of the same kind. ERR_FULL.
Err asides__put(Asides *asides, const Aside *aside);
/// False when there was none.
bool asides__take(Asides *asides, uint32_t twin, const char *name, AsideKind kind);
/// The first whose time is over, or NULL.
const Aside *asides__find_ended(const Asides *asides, int64_t now);
/// Say of an alarm whether it is aside.
void asides__mark(const Asides *asides, Alarm *alarm);
