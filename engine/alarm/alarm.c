/* alarm.c -- what is looked at in a tick, and what is kept over a restart. */
#include "alarm/alarm.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "alarm/cycle.h"
#include "alarm/handlers.h"
#include "alarm/predict.h"
#include "alarm/watch.h"

enum { SNAPSHOT_VERSION = 1 };

/* What was last thought of a twin. */
typedef struct Standing {
    uint64_t slot;  // of its divergence alarm, see cycle.h
    uint32_t kind;  // VerdictKind
    uint32_t spare;
} Standing;

struct Alarms {
    const Plant *plant;
    Cycle cycle;
    Handlers handlers;
    Predictions predictions;
    Standing *standings;  // by twin
    uint64_t *standing;   // by block: the lanes whose standing is not that of a calm twin
    Watch *watches;       // for each block: the quarantine, then the limits of its model
    size_t watch_count;
    uint64_t shape;       // of the plant: what these arrays stand for
};

/* What a snapshot begins with; then the alarms that are not over, the standings, the watches. */
typedef struct SnapshotHead {
    uint64_t version, shape;
    uint64_t last_id, alarm_count, dropped;
} SnapshotHead;

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

Err alarms_create(Plant *plant, Alarms **out, ErrText *why)
{
    assert(plant);
    *out = NULL;
    Alarms *const alarms = mem_alloc(sizeof *alarms);
    if (!alarms)
        return err_set(why, ERR_MEMORY, "no memory for the alarms of plant %s", plant->name);
    Err err = handlers__init(&alarms->handlers, plant, why);
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
    err = cycle__init(&alarms->cycle);
    if (err || !alarms->standings || !alarms->standing || !alarms->watches) {
        alarms_destroy(alarms);
        return err_set(why, ERR_MEMORY, "no memory for the alarms of plant %s", plant->name);
    }
    *out = alarms;
    return ERR_OK;
}

void alarms_destroy(Alarms *alarms)
{
    if (!alarms)
        return;
    handlers__fini(&alarms->handlers);
    cycle__fini(&alarms->cycle);
    mem_free(alarms->standings);
    mem_free(alarms->standing);
    mem_free(alarms->watches);
    mem_free(alarms);
}

static Alarm *raise_divergence(Alarms *alarms, uint32_t twin, const Verdict *verdict, int64_t now)
{
    static const Severity severities[] = {
        [VERDICT_SENSOR] = SEVERITY_MAJOR, [VERDICT_PROCESS] = SEVERITY_CRITICAL, [VERDICT_SILENCE] = SEVERITY_MAJOR};
    uint64_t *const slot = &alarms->standings[twin].slot;
    const Severity severity = severities[verdict->kind];

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

/* The tests of a twin begin anew when its model has changed: until it has settled, nothing speaks against what was thought of it. */
static bool is_in_doubt(const Standing *standing, const Verdict *verdict, const Sync *sync, uint32_t twin)
{
    const bool had_parted = standing->kind == VERDICT_SENSOR || standing->kind == VERDICT_PROCESS;
    return had_parted && verdict->kind == VERDICT_NONE && sync_is_settling(sync, twin);
}

/* Whether there is, or was in the last tick, something to say of a twin. */
static void note_standing(Alarms *alarms, uint32_t twin)
{
    const Standing *const standing = &alarms->standings[twin];
    const Twin *const place = &alarms->plant->twins[twin];
    const uint64_t bit = UINT64_C(1) << place->lane;
    if (standing->kind != VERDICT_NONE || standing->slot)
        alarms->standing[place->block] |= bit;
    else
        alarms->standing[place->block] &= ~bit;
}

static void judge_divergence(Alarms *alarms, uint32_t twin, const Verdict *verdict, int64_t now)
{
    Standing *const standing = &alarms->standings[twin];
    const bool news = standing->kind != (uint32_t)verdict->kind;
    if (!news && standing->slot != ALARM_WANTED)
        return;
    standing->kind = verdict->kind;

    const bool parted = verdict->kind != VERDICT_NONE;
    const Alarm *const alarm = parted ? raise_divergence(alarms, twin, verdict, now) : cycle__return(&alarms->cycle, &standing->slot, now);
    if (news) {
        char agreed[ALARM_TEXT];
        snprintf(agreed, sizeof agreed, "%s agrees with its asset again", alarms->plant->twins[twin].name);
        handlers__divergence(&alarms->handlers, twin, verdict, parted ? verdict->text : agreed);
    }
    if (alarm)
        handlers__alarm(&alarms->handlers, alarm, parted);
}

/* Calm twins cost a bit each: only those that have parted, and those that had, are asked for a verdict. */
static void judge_divergences(Alarms *alarms, const Plant *plant, const Sync *sync, int64_t now)
{
    for (uint32_t i = 0; i < plant->block_count; i++) {
        const Block *const block = &plant->blocks[i];
        uint64_t lanes = (sync_parted(sync, i) & block_lanes(block)) | alarms->standing[i];
        for (; lanes; lanes &= lanes - 1) {
            const uint32_t twin = block->twin[__builtin_ctzll(lanes)];
            const Verdict *const verdict = sync_verdict(sync, twin);
            if (is_in_doubt(&alarms->standings[twin], verdict, sync, twin))
                continue;
            judge_divergence(alarms, twin, verdict, now);
            note_standing(alarms, twin);
        }
    }
}

static void tell_handlers(void *self, WatchEvent event)
{
    handlers__alarm(self, event.alarm, event.raised);
}

static void judge_conditions(Alarms *alarms, int64_t now)
{
    Watch *watch = alarms->watches;
    for (uint32_t i = 0; i < alarms->plant->block_count; i++) {
        const Block *const block = &alarms->plant->blocks[i];
        Condition condition = {alarms->plant, block, NULL};
        watch__judge(watch++, &condition, &alarms->cycle, now, tell_handlers, &alarms->handlers);
        for (uint16_t k = 0; k < block->model->alarm_count; k++) {
            condition.limit = &block->model->alarms[k];
            watch__judge(watch++, &condition, &alarms->cycle, now, tell_handlers, &alarms->handlers);
        }
    }
    assert(watch == alarms->watches + alarms->watch_count);
}

static void tell_prediction(void *self, const Alarm *alarm, bool raised)
{
    handlers__alarm(self, alarm, raised);
}

void alarm_judge(Alarms *alarms, const Plant *plant, const Sync *sync, Batch batch, int64_t now)
{
    assert(plant == alarms->plant);
    assert(now != TIME_NONE);
    handlers__begin(&alarms->handlers, now);
    handlers__commands(&alarms->handlers);
    handlers__samples(&alarms->handlers, sync, batch);
    handlers__timers(&alarms->handlers);
    judge_divergences(alarms, plant, sync, now);
    judge_conditions(alarms, now);
    predictions__judge(&alarms->predictions, &alarms->cycle, now, tell_prediction, &alarms->handlers);
}

void alarms_note_outlooks(Alarms *alarms, const Outlooks *outlooks)
{
    alarms->predictions.outlooks = outlooks;
}

Err alarm_acknowledge(Alarms *alarms, uint64_t id, const char *by, int64_t now)
{
    const Err err = cycle__acknowledge(&alarms->cycle, id, now);
    if (!err)
        log_write(LOG_INFO, "alarm", "alarm %llu acknowledged by %.47s", (unsigned long long)id, by);
    return err;
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

static size_t snapshot_size(const Alarms *alarms, size_t alarm_count)
{
    return sizeof(SnapshotHead) + alarm_count * sizeof(Alarm) + alarms->plant->twin_count * sizeof(Standing) + alarms->watch_count * sizeof(Watch);
}

size_t alarms_snapshot_size(const Alarms *alarms)
{
    return snapshot_size(alarms, alarms->cycle.ledger.open_count);
}

/* Copy and step on. */
static unsigned char *put(unsigned char *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

void alarms_snapshot(const Alarms *alarms, void *out)
{
    size_t count;
    const Alarm *const list = alarms_list(alarms, &count);
    const SnapshotHead head = {SNAPSHOT_VERSION, alarms->shape, alarms->cycle.ledger.last_id, count, alarms->cycle.dropped};
    unsigned char *at = put(out, &head, sizeof head);
    at = put(at, list, count * sizeof *list);
    at = put(at, alarms->standings, alarms->plant->twin_count * sizeof *alarms->standings);
    put(at, alarms->watches, alarms->watch_count * sizeof *alarms->watches);
}

static bool alarm_is_sound(const Alarm *alarm, uint32_t twin_count, uint64_t above, uint64_t last_id)
{
    return alarm->id > above && alarm->id <= last_id && alarm->twin < twin_count && (unsigned)alarm->state < ALARM_OVER
        && (unsigned)alarm->severity <= SEVERITY_CRITICAL && memchr(alarm->name, 0, sizeof alarm->name) && memchr(alarm->text, 0, sizeof alarm->text);
}

static Err check_alarms(const unsigned char *bytes, const SnapshotHead *head, uint32_t twin_count, ErrText *why)
{
    uint64_t above = 0;
    for (size_t i = 0; i < head->alarm_count; i++) {
        Alarm alarm;
        memcpy(&alarm, bytes + sizeof *head + i * sizeof alarm, sizeof alarm);
        if (!alarm_is_sound(&alarm, twin_count, above, head->last_id))
            return err_set(why, ERR_PARSE, "the snapshot of the alarms is damaged at alarm %zu", i + 1);
        above = alarm.id;
    }
    return ERR_OK;
}

static Err check_head(const unsigned char *bytes, size_t size, SnapshotHead *head, ErrText *why)
{
    if (size < sizeof *head)
        return err_set(why, ERR_PARSE, "the snapshot of the alarms is cut off");
    memcpy(head, bytes, sizeof *head);
    if (head->version != SNAPSHOT_VERSION)
        return err_set(why, ERR_PARSE, "the snapshot of the alarms has version %llu: %d was expected", (unsigned long long)head->version,
                       SNAPSHOT_VERSION);
    return ERR_OK;
}

/* The bytes may come from another version, or from a disk that forgets: nothing is taken before everything was looked at. */
static Err check_snapshot(const Alarms *alarms, const unsigned char *bytes, size_t size, SnapshotHead *head, ErrText *why)
{
    const Err err = check_head(bytes, size, head, why);
    if (err)
        return err;
    if (head->shape != alarms->shape)
        return err_set(why, ERR_PARSE, "the snapshot of the alarms is of a plant with other twins or other alarms");
    if (head->alarm_count > ALARMS_MAX || size != snapshot_size(alarms, head->alarm_count) || head->last_id == ALARM_WANTED)
        return err_set(why, ERR_PARSE, "the snapshot of the alarms is damaged");
    return check_alarms(bytes, head, alarms->plant->twin_count, why);
}

/* The same for a plant with other twins; its watches are not looked at. */
static Err check_ancestor(const Lineage *lineage, const unsigned char *bytes, size_t size, SnapshotHead *head, ErrText *why)
{
    const Err err = check_head(bytes, size, head, why);
    if (err)
        return err;
    const size_t least = sizeof *head + head->alarm_count * sizeof(Alarm) + lineage->twin_count * sizeof(Standing);
    if (head->alarm_count > ALARMS_MAX || size < least || head->last_id == ALARM_WANTED)
        return err_set(why, ERR_PARSE, "the snapshot of the alarms is damaged");
    return check_alarms(bytes, head, lineage->twin_count, why);
}

static void begin_as(Alarms *alarms, const SnapshotHead *head)
{
    cycle__clear(&alarms->cycle);
    alarms->predictions.count = 0;
    alarms->cycle.dropped = head->dropped;
    alarms_number_from(alarms, head->last_id);
}

Err alarms_restore(Alarms *alarms, const void *bytes, size_t size, ErrText *why)
{
    SnapshotHead head;
    const Err err = check_snapshot(alarms, bytes, size, &head, why);
    if (err)
        return err;

    const unsigned char *at = (const unsigned char *)bytes + sizeof head;
    begin_as(alarms, &head);
    for (size_t i = 0; i < head.alarm_count; i++, at += sizeof(Alarm)) {
        Alarm alarm;
        memcpy(&alarm, at, sizeof alarm);
        cycle__adopt(&alarms->cycle, &alarm);
        predictions__adopt(&alarms->predictions, &alarm);
    }

    const size_t standings = alarms->plant->twin_count * sizeof *alarms->standings;
    memcpy(alarms->standings, at, standings);
    memcpy(alarms->watches, at + standings, alarms->watch_count * sizeof *alarms->watches);
    for (uint32_t twin = 0; twin < alarms->plant->twin_count; twin++)
        note_standing(alarms, twin);
    return ERR_OK;
}

static Watch *watches_of(const Alarms *alarms, uint32_t block)
{
    Watch *watch = alarms->watches;
    for (uint32_t i = 0; i < block; i++)
        watch += 1u + alarms->plant->blocks[i].model->alarm_count;
    return watch;
}

/* The watch that raised this alarm, or NULL when the script has no such condition any more. */
static Watch *find_watch(const Alarms *alarms, const Alarm *alarm)
{
    const uint32_t block = alarms->plant->twins[alarm->twin].block;
    const Model *const model = alarms->plant->blocks[block].model;
    if (strcmp(alarm->name, "quarantine") == 0)
        return watches_of(alarms, block);
    for (uint16_t k = 0; k < model->alarm_count; k++)
        if (strcmp(alarm->name, model->alarms[k].name) == 0)
            return watches_of(alarms, block) + 1 + k;
    return NULL;
}

/* Whoever watches the condition of an alarm that lasts must know that it is raised. */
static void give_to_watch(Alarms *alarms, const Alarm *alarm, int64_t now)
{
    const uint32_t lane = alarms->plant->twins[alarm->twin].lane;
    Watch *const watch = find_watch(alarms, alarm);
    uint64_t slot = alarm->id;
    if (watch) {
        watch->raised |= UINT64_C(1) << lane;
        watch->slot[lane] = alarm->id;
    } else {
        cycle__return(&alarms->cycle, &slot, now);
    }
}

/* What was thought of the twins; the ids in it are those of their divergence alarms. */
static void adopt_standings(Alarms *alarms, const Lineage *lineage, const unsigned char *bytes)
{
    for (uint32_t i = 0; i < lineage->twin_count; i++) {
        const uint32_t twin = lineage_twin(lineage, i);
        if (twin == TWIN_NONE)
            continue;
        memcpy(&alarms->standings[twin], bytes + i * sizeof(Standing), sizeof(Standing));
        note_standing(alarms, twin);
    }
}

static void adopt_alarm(Alarms *alarms, const Alarm *alarm, int64_t now)
{
    cycle__adopt(&alarms->cycle, alarm);
    if (predictions__adopt(&alarms->predictions, alarm))
        return;
    if (alarm->state != ALARM_RETURNED && alarms->standings[alarm->twin].slot != alarm->id)
        give_to_watch(alarms, alarm, now);
}

static void end_gone(Alarm *alarm, int64_t now)
{
    alarm->state = ALARM_OVER;
    alarm->revision++;
    alarm->returned = alarm->returned == TIME_NONE ? now : alarm->returned;
}

Err alarms_adopt(Alarms *alarms, const Lineage *lineage, const void *bytes, size_t size, int64_t now,
                 void (*gone)(void *self, const Alarm *alarm, const char *twin), void *self, ErrText *why)
{
    SnapshotHead head;
    const Err err = check_ancestor(lineage, bytes, size, &head, why);
    if (err)
        return err;

    const unsigned char *at = (const unsigned char *)bytes + sizeof head;
    begin_as(alarms, &head);
    adopt_standings(alarms, lineage, at + head.alarm_count * sizeof(Alarm));
    for (size_t i = 0; i < head.alarm_count; i++, at += sizeof(Alarm)) {
        Alarm alarm;
        memcpy(&alarm, at, sizeof alarm);
        const uint32_t ancestor = alarm.twin;
        alarm.twin = lineage_twin(lineage, ancestor);
        if (alarm.twin != TWIN_NONE) {
            adopt_alarm(alarms, &alarm, now);
        } else {
            end_gone(&alarm, now);
            gone(self, &alarm, lineage_twin_name(lineage, ancestor));
        }
    }
    return ERR_OK;
}

void alarms_number_from(Alarms *alarms, uint64_t id)
{
    ledger_number_from(&alarms->cycle.ledger, id);
}
