/* alarm.c -- what is looked at in a tick. */
#include "alarm/alarm.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "alarm/inside.h"

const char *alarm_state_name(AlarmState state)
{
    static const char *const names[] = {"raised", "acknowledged", "returned", "over"};
    assert(state >= ALARM_RAISED && state <= ALARM_OVER);
    return names[state];
}

static uint64_t hash_text(uint64_t seed, const char *text)
{
    return hash_bytes(seed, text, strlen(text) + 1);
}

static uint64_t shape_of(const Plant *plant)
{
    uint64_t shape = hash_bytes(0, &plant->twin_count, sizeof plant->twin_count);
    for (uint32_t i = 0; i < plant->twin_count; i++)
        shape = hash_text(shape, plant->twins[i].name);
    for (uint32_t i = 0; i < plant->block_count; i++) {
        const Block *const block = &plant->blocks[i];
        shape = hash_text(hash_bytes(shape, &block->lanes, sizeof block->lanes), block->model->name);
        for (uint16_t k = 0; k < block->model->alarm_count; k++)
            shape = hash_text(shape, block->model->alarms[k].name);
    }
    return shape;
}

static size_t count_watches(const Plant *plant)
{
    size_t count = 0;
    for (uint32_t i = 0; i < plant->block_count; i++)
        count += 1u + plant->blocks[i].model->alarm_count;
    return count;
}

static void place_watches(Alarms *alarms)
{
    size_t next = 0;
    for (uint32_t i = 0; i < alarms->plant->block_count; i++) {
        alarms->first_watch[i] = next;
        next += 1u + alarms->plant->blocks[i].model->alarm_count;
    }
    assert(next == alarms->watch_count);
}

Err alarms_create(Plant *plant, Alarms **out, ErrText *why)
{
    assert(plant);
    *out = NULL;
    Alarms *const alarms = mem_alloc(sizeof *alarms);
    if (!alarms)
        return err_set(why, ERR_MEMORY, "no memory for the alarms of plant %s", plant->name);
    Err err = handlers__init(&alarms->handlers, plant, false, why);
    if (err) {
        mem_free(alarms);
        return err;
    }

    alarms->plant = plant;
    predictions__init(&alarms->predictions, plant);
    alarms->shape = shape_of(plant);
    alarms->watch_count = count_watches(plant);
    alarms->standings = mem_alloc(plant->twin_count * sizeof *alarms->standings);
    alarms->standing = mem_alloc(plant->block_count * sizeof *alarms->standing);
    alarms->watches = mem_alloc(alarms->watch_count * sizeof *alarms->watches);
    alarms->first_watch = mem_alloc(plant->block_count * sizeof *alarms->first_watch);
    err = cycle__init(&alarms->cycle);
    if (!err)
        err = edges__init(&alarms->edges, plant->lag_ticks * plant->step_ns);
    if (!err)
        err = again__init(&alarms->again, plant);
    if (err || !alarms->standings || !alarms->standing || !alarms->watches || !alarms->first_watch) {
        alarms_destroy(alarms);
        return err_set(why, ERR_MEMORY, "no memory for the alarms of plant %s", plant->name);
    }
    place_watches(alarms);
    *out = alarms;
    return ERR_OK;
}

void alarms_destroy(Alarms *alarms)
{
    if (!alarms)
        return;
    handlers__fini(&alarms->handlers);
    cycle__fini(&alarms->cycle);
    edges__fini(&alarms->edges);
    again__fini(&alarms->again);
    mem_free(alarms->first_watch);
    mem_free(alarms->standings);
    mem_free(alarms->standing);
    mem_free(alarms->watches);
    mem_free(alarms);
}

// Divergences.

Severity alarms__severity(VerdictKind kind)
{
    static const Severity severities[] = {
        [VERDICT_SENSOR] = SEVERITY_MAJOR, [VERDICT_PROCESS] = SEVERITY_CRITICAL, [VERDICT_SILENCE] = SEVERITY_MAJOR};
    assert(kind != VERDICT_NONE);
    return severities[kind];
}

static Alarm *raise_divergence(Alarms *alarms, uint32_t twin, const Verdict *verdict, int64_t now)
{
    uint64_t *const slot = &alarms->standings[twin].slot;
    const Severity severity = alarms__severity(verdict->kind);

    Alarm *alarm = cycle__active(&alarms->cycle, *slot);
    if (alarm) {
        cycle__revise(&alarms->cycle, alarm, severity, verdict->text);
        return alarm;
    }
    if (*slot != ALARM_WANTED)
        *slot = 0;
    alarm = cycle__raise(&alarms->cycle, slot, twin, "divergence", severity, now);
    if (alarm)
        snprintf(alarm->text, sizeof alarm->text, "%s", verdict->text);
    return alarm;
}

/* The verdict is of the same kind, but its cause has another name: no news for handlers, but for who reads the alarm. */
static void reword_divergence(Alarms *alarms, uint64_t slot, const Verdict *verdict)
{
    Alarm *const alarm = verdict->kind == VERDICT_NONE ? NULL : cycle__active(&alarms->cycle, slot);
    if (alarm && strcmp(alarm->text, verdict->text) != 0)
        cycle__revise(&alarms->cycle, alarm, alarm->severity, verdict->text);
}

/* The tests of a twin begin anew when its model has changed: until it has settled, nothing speaks against what was thought of it. */
static bool is_in_doubt(const Standing *standing, const Verdict *verdict, const Sync *sync, uint32_t twin)
{
    const bool had_parted = standing->kind == VERDICT_SENSOR || standing->kind == VERDICT_PROCESS;
    return had_parted && verdict->kind == VERDICT_NONE && sync_is_settling(sync, twin);
}

const Verdict *alarms__verdict(const Alarms *alarms, const Sync *sync, uint32_t twin)
{
    const Verdict *const verdict = sync_verdict(sync, twin);
    return is_in_doubt(&alarms->standings[twin], verdict, sync, twin) ? NULL : verdict;
}

/* Whether there is, or was in the last tick, something to say of a twin. */
void alarms__note_standing(Alarms *alarms, uint32_t twin)
{
    const Standing *const standing = &alarms->standings[twin];
    const Twin *const place = &alarms->plant->twins[twin];
    const uint64_t bit = UINT64_C(1) << place->lane;
    if (standing->kind != VERDICT_NONE || standing->told != VERDICT_NONE || standing->slot)
        alarms->standing[place->block] |= bit;
    else
        alarms->standing[place->block] &= ~bit;
}

Edge *alarms__edge(Alarms *alarms, uint32_t twin, uint32_t kind, int64_t now)
{
    Standing *const standing = &alarms->standings[twin];
    if (standing->kind == kind)
        return NULL;
    const Edge edge = {.cell = {twin, CELL_DIVERGENCE}, .time = now, .on = standing->kind};
    standing->kind = kind;
    return edges__note(&alarms->edges, &edge);
}

static const Alarm *return_divergence(Alarms *alarms, uint32_t twin, Edge *edge, int64_t now)
{
    const Alarm *const alarm = cycle__return(&alarms->cycle, &alarms->standings[twin].slot, now);
    if (edge && alarm) {
        edge->id = alarm->id;
        edge->raised = alarm->raised;
    }
    return alarm;
}

static void judge_divergence(Alarms *alarms, uint32_t twin, const Verdict *verdict, int64_t now)
{
    Standing *const standing = &alarms->standings[twin];
    Edge *const edge = alarms__edge(alarms, twin, verdict->kind, now);
    const bool news = standing->told != (uint32_t)verdict->kind;
    if (!news && standing->slot != ALARM_WANTED) {
        reword_divergence(alarms, standing->slot, verdict);
        return;
    }
    standing->told = verdict->kind;

    const bool parted = verdict->kind != VERDICT_NONE;
    const Alarm *const alarm = parted ? raise_divergence(alarms, twin, verdict, now) : return_divergence(alarms, twin, edge, now);
    if (news) {
        char agreed[ALARM_TEXT];
        snprintf(agreed, sizeof agreed, "%s agrees with its asset again", alarms->plant->twins[twin].name);
        alarms__tell_divergence(alarms, twin, verdict, parted ? verdict->text : agreed, false);
    }
    if (alarm)
        alarms__tell(alarms, alarm, parted, false);
}

uint64_t alarms__doubtful(const Alarms *alarms, const Sync *sync, uint32_t block)
{
    return (sync_parted(sync, block) & block_lanes(&alarms->plant->blocks[block])) | alarms->standing[block];
}

/* Calm twins cost a bit each: only those that have parted, and those that had, are asked for a verdict. */
static void judge_divergences(Alarms *alarms, const Plant *plant, const Sync *sync, int64_t now)
{
    for (uint32_t i = 0; i < plant->block_count; i++)
        for (uint64_t lanes = alarms__doubtful(alarms, sync, i); lanes; lanes &= lanes - 1) {
            const uint32_t twin = plant->blocks[i].twin[__builtin_ctzll(lanes)];
            const Verdict *const verdict = alarms__verdict(alarms, sync, twin);
            if (!verdict)
                continue;
            judge_divergence(alarms, twin, verdict, now);
            alarms__note_standing(alarms, twin);
        }
}

// Limits and quarantine.

void alarms__judge_block(Alarms *alarms, uint32_t block, const Book *book, int64_t now)
{
    const Block *const own = &alarms->plant->blocks[block];
    Watch *watch = &alarms->watches[alarms->first_watch[block]];
    Condition condition = {alarms->plant, own, NULL, CELL_QUARANTINE};
    watch__judge(watch++, &condition, &alarms->edges, book, now);
    for (uint16_t k = 0; k < own->model->alarm_count; k++) {
        condition.limit = &own->model->alarms[k];
        condition.number = CELL_LIMIT + k;
        watch__judge(watch++, &condition, &alarms->edges, book, now);
    }
}

static uint64_t raise_alarm(void *self, AlarmCell cell, const Alarm *draft, uint64_t slot)
{
    Alarms *const alarms = self;
    Alarm *const alarm = cycle__raise(&alarms->cycle, &slot, cell.twin, draft->name, draft->severity, draft->raised);
    if (alarm) {
        memcpy(alarm->text, draft->text, sizeof alarm->text);
        alarms__tell(alarms, alarm, true, false);
    }
    return slot;
}

static uint64_t return_alarm(void *self, AlarmCell cell, uint64_t slot, int64_t now, int64_t *raised)
{
    (void)cell;
    Alarms *const alarms = self;
    const Alarm *const alarm = cycle__return(&alarms->cycle, &slot, now);
    *raised = alarm ? alarm->raised : TIME_NONE;
    if (!alarm)
        return 0;
    alarms__tell(alarms, alarm, false, false);
    return alarm->id;
}

static void judge_conditions(Alarms *alarms, int64_t now)
{
    const Book book = {alarms, raise_alarm, return_alarm};
    for (uint32_t i = 0; i < alarms->plant->block_count; i++)
        alarms__judge_block(alarms, i, &book, now);
}

static void tell_prediction(void *self, const Alarm *alarm, bool raised)
{
    alarms__tell(self, alarm, raised, false);
}

void alarm_judge(Alarms *alarms, const Plant *plant, const Sync *sync, Batch batch, int64_t now)
{
    assert(plant == alarms->plant);
    assert(now != TIME_NONE);
    handlers__begin(&alarms->handlers, now);
    handlers__commands(&alarms->handlers);
    handlers__samples(&alarms->handlers, sync, sync_amended(sync));
    handlers__samples(&alarms->handlers, sync, batch);
    handlers__timers(&alarms->handlers);
    again__settle(alarms, sync, now - plant->step_ns, true);
    alarms__bring_back(alarms, sync, now);
    judge_divergences(alarms, plant, sync, now);
    judge_conditions(alarms, now);
    predictions__judge(&alarms->predictions, &alarms->cycle, now, tell_prediction, alarms);
}

void alarms_note_outlooks(Alarms *alarms, const Outlooks *outlooks)
{
    alarms->predictions.outlooks = outlooks;
}

const Alarm *alarms_list(const Alarms *alarms, size_t *count)
{
    return ledger_open(&alarms->cycle.ledger, count);
}

const Alarm *alarms_changed(const Alarms *alarms, size_t *count)
{
    return ledger_changed(&alarms->cycle.ledger, count);
}

void alarms_settle(Alarms *alarms)
{
    ledger_settle(&alarms->cycle.ledger);
}

const CommandWish *alarms_wishes(const Alarms *alarms, size_t *count)
{
    *count = alarms->handlers.wish_count;
    return alarms->handlers.wishes;
}

uint64_t alarms_handler_errors(const Alarms *alarms)
{
    return alarms->handlers.errors;
}

uint64_t alarms_unheard(const Alarms *alarms)
{
    return alarms->handlers.unheard;
}

void alarms_note_commands(Alarms *alarms, const Command *commands, size_t count)
{
    handlers__note_commands(&alarms->handlers, commands, count);
}

uint64_t alarms_dropped(const Alarms *alarms)
{
    return alarms->cycle.dropped;
}

void alarms_number_from(Alarms *alarms, uint64_t id)
{
    ledger_number_from(&alarms->cycle.ledger, id);
}
