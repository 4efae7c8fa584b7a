/* acts.c -- what people do about alarms, and what becomes of it by itself: shelving ends, and handlers hear of what is not aside any more. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "alarm/inside.h"

const char *alarm_act_name(AlarmActKind kind)
{
    static const char *const names[] = {"acknowledge", "comment", "shelve", "unshelve", "suppress", "unsuppress"};
    assert((unsigned)kind < ACT_KIND_COUNT);
    return names[kind];
}

bool alarm_is_aside(const Alarm *alarm)
{
    return alarm->shelved != TIME_NONE || alarm->suppressed;
}

/* Whose alarms an act is about. */
typedef struct Target {
    uint32_t twin;
    char name[sizeof((Alarm *)0)->name];
} Target;

static Target target_of(uint32_t twin, const char *name)
{
    Target target = {.twin = twin};
    snprintf(target.name, sizeof target.name, "%s", name);
    return target;
}

/* By the alarm itself, by what is aside because of it, or by what the asker knows of it. */
static Err find_target(const Alarms *alarms, const AlarmAct *act, Target *out, ErrText *why)
{
    const Alarm *const alarm = ledger_find(&alarms->cycle.ledger, act->alarm);
    const Aside *const aside = asides__find_alarm(&alarms->cycle.asides, act->alarm);
    const int64_t twin = *act->name ? plant_find(alarms->plant, act->twin) : -1;
    if (alarm)
        *out = target_of(alarm->twin, alarm->name);
    else if (aside)
        *out = target_of(aside->twin, aside->name);
    else if (twin >= 0)
        *out = target_of((uint32_t)twin, act->name);
    else
        return err_set(why, ERR_UNKNOWN, "there is no alarm %llu that is not over", (unsigned long long)act->alarm);
    return ERR_OK;
}

static Err check_act(const AlarmAct *act, ErrText *why)
{
    if (act->kind == ACT_SHELVE && (act->span_ns <= 0 || act->span_ns > SHELVE_MAX_NS))
        return err_set(why, ERR_RANGE, "seconds: expected for how long, up to %lld", (long long)(SHELVE_MAX_NS / NS_PER_S));
    if (act->kind == ACT_COMMENT && !*act->comment)
        return err_set(why, ERR_RANGE, "comment: expected a text");
    return ERR_OK;
}

static Err acknowledge(Alarms *alarms, const AlarmAct *act, int64_t now, ErrText *why)
{
    if (cycle__acknowledge(&alarms->cycle, act->alarm, now))
        return err_set(why, ERR_UNKNOWN, "there is no alarm %llu that could be acknowledged", (unsigned long long)act->alarm);
    return ERR_OK;
}

static Err put_aside(Alarms *alarms, const AlarmAct *act, const Target *target, AsideKind kind, int64_t now, ErrText *why)
{
    Aside aside = {.alarm = act->alarm, .twin = target->twin, .kind = kind, .since = now, .until = kind == ASIDE_SHELVED ? now + act->span_ns : TIME_NONE};
    memcpy(aside.name, target->name, sizeof aside.name);
    memcpy(aside.by, act->by, sizeof aside.by);
    memcpy(aside.comment, act->comment, sizeof aside.comment);
    if (asides__put(&alarms->cycle.asides, &aside))
        return err_set(why, ERR_FULL, "%d alarms are shelved or suppressed, which is the most there can be", ASIDES_MAX);
    cycle__mark(&alarms->cycle, target->twin, target->name);
    return ERR_OK;
}

static Err take_back(Alarms *alarms, const Target *target, AsideKind kind, ErrText *why)
{
    if (!asides__take(&alarms->cycle.asides, target->twin, target->name, kind))
        return err_set(why, ERR_UNKNOWN, "%s of %s is not %s", target->name, alarms->plant->twins[target->twin].name,
                       kind == ASIDE_SHELVED ? "shelved" : "suppressed");
    cycle__mark(&alarms->cycle, target->twin, target->name);
    return ERR_OK;
}

static Err act_on(Alarms *alarms, const AlarmAct *act, const Target *target, int64_t now, ErrText *why)
{
    switch (act->kind) {
    case ACT_ACKNOWLEDGE:
        return acknowledge(alarms, act, now, why);
    case ACT_SHELVE:
        return put_aside(alarms, act, target, ASIDE_SHELVED, now, why);
    case ACT_SUPPRESS:
        return put_aside(alarms, act, target, ASIDE_SUPPRESSED, now, why);
    case ACT_UNSHELVE:
        return take_back(alarms, target, ASIDE_SHELVED, why);
    case ACT_UNSUPPRESS:
        return take_back(alarms, target, ASIDE_SUPPRESSED, why);
    case ACT_COMMENT:
    case ACT_KIND_COUNT:
        break;
    }
    return ERR_OK;
}

Err alarm_act(Alarms *alarms, AlarmAct *act, int64_t now, Alarm *alarm, ErrText *why)
{
    Target target;
    *alarm = (Alarm){0};
    Err err = check_act(act, why);
    if (!err)
        err = find_target(alarms, act, &target, why);
    if (!err)
        err = act_on(alarms, act, &target, now, why);
    if (err)
        return err;

    if (*act->comment)
        cycle__comment(&alarms->cycle, act->alarm);  // of an alarm that is over the act alone has it
    act->number = ++alarms->last_act;
    memcpy(act->name, target.name, sizeof act->name);
    snprintf(act->twin, sizeof act->twin, "%s", alarms->plant->twins[target.twin].name);
    const Alarm *const found = ledger_find(&alarms->cycle.ledger, act->alarm);
    if (found)
        *alarm = *found;
    log_write(LOG_INFO, "alarm", "%s #%llu (%s of %s) by %s%s%s", alarm_act_name(act->kind), (unsigned long long)act->alarm, target.name,
              alarms->plant->twins[target.twin].name, *act->by ? act->by : "somebody", *act->comment ? ": " : "", act->comment);
    return ERR_OK;
}

void alarms_number_acts_from(Alarms *alarms, uint64_t number)
{
    if (number > alarms->last_act)
        alarms->last_act = number;
}

uint64_t alarms_last_act(const Alarms *alarms)
{
    return alarms->last_act;
}

const Aside *alarms_asides(const Alarms *alarms, size_t *count, uint64_t *changes)
{
    *count = alarms->cycle.asides.count;
    *changes = alarms->cycle.asides.changes;
    return alarms->cycle.asides.items;
}

// --- by itself -----------------------------------------------------------------------------------------------------

static void end_shelvings(Alarms *alarms, int64_t now)
{
    for (const Aside *ended = asides__find_ended(&alarms->cycle.asides, now); ended; ended = asides__find_ended(&alarms->cycle.asides, now)) {
        const Target target = target_of(ended->twin, ended->name);
        asides__take(&alarms->cycle.asides, target.twin, target.name, ASIDE_SHELVED);
        cycle__mark(&alarms->cycle, target.twin, target.name);
    }
}

void alarms__tell(Alarms *alarms, const Alarm *alarm, bool raised, bool amended)
{
    if (!alarm_is_aside(alarm))
        handlers__alarm(&alarms->handlers, alarm, raised, amended);
}

void alarms__tell_divergence(Alarms *alarms, uint32_t twin, const Verdict *verdict, const char *text, bool amended)
{
    const Asides *const asides = &alarms->cycle.asides;
    if (!asides__find(asides, twin, "divergence", ASIDE_SHELVED) && !asides__find(asides, twin, "divergence", ASIDE_SUPPRESSED))
        handlers__divergence(&alarms->handlers, twin, verdict, text, amended);
}

void alarms__bring_back(Alarms *alarms, const Sync *sync, int64_t now)
{
    end_shelvings(alarms, now);
    for (const Alarm *alarm = cycle__next_owed(&alarms->cycle, 0); alarm; alarm = cycle__next_owed(&alarms->cycle, alarm->id)) {
        if (strcmp(alarm->name, "divergence") == 0)
            handlers__divergence(&alarms->handlers, alarm->twin, sync_verdict(sync, alarm->twin), alarm->text, false);
        handlers__alarm(&alarms->handlers, alarm, true, false);
    }
}
