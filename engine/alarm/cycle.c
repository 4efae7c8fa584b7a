/* cycle.c -- one function per step of the life cycle. */
#include "alarm/cycle.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void change(Cycle *cycle, Alarm *alarm)
{
    alarm->revision++;
    ledger_touch(&cycle->ledger, alarm);
}

static void set_owed(Cycle *cycle, Alarm *alarm, bool owed)
{
    cycle->owed += (size_t)owed - (size_t)alarm->owed;
    alarm->owed = owed;
}

static void end(Cycle *cycle, Alarm *alarm)
{
    set_owed(cycle, alarm, false);
    if (alarm->state == ALARM_RETURNED)
        cycle->returned--;
    alarm->state = ALARM_OVER;
    change(cycle, alarm);
    ledger_end(&cycle->ledger, alarm);
}

static void wait_for_acknowledgement(Cycle *cycle, const Alarm *alarm)
{
    if (!cycle->returned || alarm->id < cycle->oldest_returned)
        cycle->oldest_returned = alarm->id;
    cycle->returned++;
}

/* An acknowledged alarm is over when it returns, and so is one that is aside; another one waits. */
static void leave_active(Cycle *cycle, Alarm *alarm)
{
    if (alarm->state == ALARM_ACKNOWLEDGED || alarm_is_aside(alarm)) {
        end(cycle, alarm);
    } else {
        set_owed(cycle, alarm, false);
        alarm->state = ALARM_RETURNED;
        change(cycle, alarm);
        wait_for_acknowledgement(cycle, alarm);
    }
}

/* Nobody looks after this plant: what is over anyway makes room, oldest first. */
static void end_oldest_returned(Cycle *cycle)
{
    if (!cycle->returned)
        return;
    Alarm *alarm = ledger_next(&cycle->ledger, cycle->oldest_returned - 1);
    while (alarm && alarm->state != ALARM_RETURNED)
        alarm = ledger_next(&cycle->ledger, alarm->id);
    assert(alarm);
    cycle->oldest_returned = alarm->id;
    end(cycle, alarm);
}

Err cycle__init(Cycle *cycle)
{
    *cycle = (Cycle){0};
    return ledger_init(&cycle->ledger, sizeof(Alarm), ALARMS_MAX);
}

void cycle__fini(Cycle *cycle)
{
    ledger_fini(&cycle->ledger);
}

Alarm *cycle__raise(Cycle *cycle, uint64_t *slot, uint32_t twin, const char *name, Severity severity, int64_t now)
{
    assert(*slot == 0 || *slot == ALARM_WANTED);
    if (!ledger_room(&cycle->ledger))
        end_oldest_returned(cycle);
    Alarm *const alarm = ledger_room(&cycle->ledger) ? ledger_add(&cycle->ledger) : NULL;
    if (!alarm) {
        cycle->dropped += *slot != ALARM_WANTED;
        *slot = ALARM_WANTED;
        return NULL;
    }

    *slot = alarm->id;
    alarm->twin = twin;
    alarm->revision = alarm->worded = 1;
    alarm->state = ALARM_RAISED;
    alarm->severity = severity;
    alarm->raised = now;
    alarm->acknowledged = alarm->returned = alarm->amended = TIME_NONE;
    snprintf(alarm->name, sizeof alarm->name, "%s", name);
    asides__mark(&cycle->asides, alarm);
    return alarm;
}

Alarm *cycle__active(const Cycle *cycle, uint64_t slot)
{
    return slot == ALARM_WANTED ? NULL : ledger_find(&cycle->ledger, slot);
}

void cycle__revise(Cycle *cycle, Alarm *alarm, Severity severity, const char *text)
{
    if (severity > alarm->severity && alarm->state == ALARM_ACKNOWLEDGED) {
        alarm->state = ALARM_RAISED;
        alarm->acknowledged = TIME_NONE;
    }
    alarm->severity = severity;
    snprintf(alarm->text, sizeof alarm->text, "%s", text);
    change(cycle, alarm);
    alarm->worded = alarm->revision;
}

const Alarm *cycle__return(Cycle *cycle, uint64_t *slot, int64_t now)
{
    Alarm *const alarm = cycle__active(cycle, *slot);
    *slot = 0;
    if (!alarm)
        return NULL;
    alarm->returned = now;
    leave_active(cycle, alarm);
    return alarm;
}

static bool is_active(const Alarm *alarm)
{
    return alarm->state == ALARM_RAISED || alarm->state == ALARM_ACKNOWLEDGED;
}

bool cycle__amend(Cycle *cycle, Alarm *alarm, int64_t raised, int64_t returned, int64_t now)
{
    assert(alarm->state != ALARM_OVER);
    if (alarm->raised == raised && alarm->returned == returned)
        return false;
    alarm->raised = raised;
    alarm->returned = returned;
    alarm->amended = now;
    if (is_active(alarm) && returned != TIME_NONE) {
        leave_active(cycle, alarm);
        return true;
    }
    if (!is_active(alarm) && returned == TIME_NONE) {
        alarm->state = ALARM_RAISED;
        cycle->returned--;
    }
    change(cycle, alarm);
    return true;
}

bool cycle__take_back(Cycle *cycle, Alarm *alarm, int64_t now)
{
    static const char note[] = "; late samples take it back";
    const size_t length = strlen(alarm->text), most = sizeof alarm->text - sizeof note;
    if (alarm->returned == alarm->raised)
        return false;
    memcpy(alarm->text + (length < most ? length : most), note, sizeof note);
    return cycle__amend(cycle, alarm, alarm->raised, alarm->raised, now);
}

/* What people did not want to hear of they have not heard: it begins as if it were raised now. */
static void bring_back(Cycle *cycle, Alarm *alarm)
{
    alarm->state = ALARM_RAISED;
    alarm->acknowledged = TIME_NONE;
    set_owed(cycle, alarm, true);
}

static void mark(Cycle *cycle, Alarm *alarm)
{
    const bool was_aside = alarm_is_aside(alarm);
    asides__mark(&cycle->asides, alarm);
    if (alarm_is_aside(alarm)) {
        set_owed(cycle, alarm, false);
        if (alarm->state == ALARM_RETURNED) {
            end(cycle, alarm);
            return;
        }
    } else if (was_aside) {
        assert(is_active(alarm));
        bring_back(cycle, alarm);
    }
    change(cycle, alarm);
}

void cycle__mark(Cycle *cycle, uint32_t twin, const char *name)
{
    for (Alarm *alarm = ledger_next(&cycle->ledger, 0); alarm; alarm = ledger_next(&cycle->ledger, alarm->id))
        if (alarm->twin == twin && strcmp(alarm->name, name) == 0)
            mark(cycle, alarm);
}

const Alarm *cycle__next_owed(Cycle *cycle, uint64_t id)
{
    Alarm *alarm = cycle->owed ? ledger_next(&cycle->ledger, id) : NULL;
    while (alarm && !alarm->owed)
        alarm = ledger_next(&cycle->ledger, alarm->id);
    if (alarm)
        set_owed(cycle, alarm, false);
    return alarm;
}

Err cycle__comment(Cycle *cycle, uint64_t id)
{
    Alarm *const alarm = ledger_find(&cycle->ledger, id);
    if (!alarm)
        return ERR_UNKNOWN;
    alarm->comments++;
    change(cycle, alarm);
    return ERR_OK;
}

Err cycle__acknowledge(Cycle *cycle, uint64_t id, int64_t now)
{
    Alarm *const alarm = ledger_find(&cycle->ledger, id);
    if (!alarm)
        return ERR_UNKNOWN;

    // two people may press at the same time: the first one counts
    if (alarm->state == ALARM_ACKNOWLEDGED)
        return ERR_OK;
    alarm->acknowledged = now;
    if (alarm->state == ALARM_RETURNED) {
        end(cycle, alarm);
    } else {
        alarm->state = ALARM_ACKNOWLEDGED;
        change(cycle, alarm);
    }
    return ERR_OK;
}

void cycle__clear(Cycle *cycle)
{
    ledger_clear(&cycle->ledger);
    cycle->returned = cycle->owed = 0;
    cycle->dropped = 0;
    cycle->asides.count = 0;
    cycle->asides.changes++;
}

void cycle__adopt(Cycle *cycle, const Alarm *alarm)
{
    if (!ledger_adopt(&cycle->ledger, alarm))
        return;
    cycle->owed += alarm->owed;
    if (alarm->state == ALARM_RETURNED)
        wait_for_acknowledgement(cycle, alarm);
}
