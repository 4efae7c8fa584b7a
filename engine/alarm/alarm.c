/* alarm.c -- what is looked at in a tick, and what is kept over a restart. */
#include "alarm/alarm.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "alarm/inside.h"

enum { SNAPSHOT_VERSION = 3 };

/* What a snapshot begins with; then the alarms that are not over, the standings, the watches, the edges, what is aside. */
typedef struct SnapshotHead {
    uint64_t version, shape;
    uint64_t last_id, alarm_count, dropped;
    uint64_t edge_count;
    int64_t edges_newest, edges_reach;
    uint64_t aside_count, last_act;
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

static uint64_t raise_alarm(void *self, Cell cell, const Alarm *draft, uint64_t slot)
{
    Alarms *const alarms = self;
    Alarm *const alarm = cycle__raise(&alarms->cycle, &slot, cell.twin, draft->name, draft->severity, draft->raised);
    if (alarm) {
        memcpy(alarm->text, draft->text, sizeof alarm->text);
        alarms__tell(alarms, alarm, true, false);
    }
    return slot;
}

static uint64_t return_alarm(void *self, Cell cell, uint64_t slot, int64_t now, int64_t *raised)
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

static size_t snapshot_size(const Alarms *alarms, size_t alarm_count, size_t edge_count, size_t aside_count)
{
    return sizeof(SnapshotHead) + alarm_count * sizeof(Alarm) + alarms->plant->twin_count * sizeof(Standing) + alarms->watch_count * sizeof(Watch)
         + edge_count * sizeof(Edge) + aside_count * sizeof(Aside);
}

size_t alarms_snapshot_size(const Alarms *alarms)
{
    return snapshot_size(alarms, alarms->cycle.ledger.open_count, edges__count_of_use(&alarms->edges), alarms->cycle.shelf.count);
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
    const SnapshotHead head = {SNAPSHOT_VERSION, alarms->shape, alarms->cycle.ledger.last_id, count, alarms->cycle.dropped,
                               edges__count_of_use(&alarms->edges), alarms->edges.newest, alarms->edges.reach, alarms->cycle.shelf.count, alarms->last_act};
    unsigned char *at = put(out, &head, sizeof head);
    at = put(at, list, count * sizeof *list);
    at = put(at, alarms->standings, alarms->plant->twin_count * sizeof *alarms->standings);
    at = put(at, alarms->watches, alarms->watch_count * sizeof *alarms->watches);
    for (size_t i = 0; i < alarms->edges.count; i++)
        if (edges__is_of_use(&alarms->edges, &alarms->edges.items[i]))
            at = put(at, &alarms->edges.items[i], sizeof(Edge));
    put(at, alarms->cycle.shelf.items, alarms->cycle.shelf.count * sizeof(Aside));
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

static bool aside_is_sound(const Aside *aside, uint32_t twin_count)
{
    return aside->twin < twin_count && (unsigned)aside->kind <= ASIDE_SUPPRESSED && (aside->until == TIME_NONE) == (aside->kind == ASIDE_SUPPRESSED)
        && memchr(aside->name, 0, sizeof aside->name) && memchr(aside->by, 0, sizeof aside->by) && memchr(aside->comment, 0, sizeof aside->comment);
}

static Err check_asides(const unsigned char *bytes, size_t count, uint32_t twin_count, ErrText *why)
{
    for (size_t i = 0; i < count; i++) {
        Aside aside;
        memcpy(&aside, bytes + i * sizeof aside, sizeof aside);
        if (!aside_is_sound(&aside, twin_count))
            return err_set(why, ERR_PARSE, "the snapshot of the alarms is damaged at what is shelved");
    }
    return ERR_OK;
}

static bool cell_is_known(const Plant *plant, Cell cell)
{
    return cell.twin < plant->twin_count && cell.condition < (uint32_t)CELL_LIMIT + plant_model(plant, cell.twin)->alarm_count;
}

static Err check_edges(const Alarms *alarms, const unsigned char *bytes, size_t count, ErrText *why)
{
    for (size_t i = 0; i < count; i++) {
        Edge edge;
        memcpy(&edge, bytes + i * sizeof edge, sizeof edge);
        if (!cell_is_known(alarms->plant, edge.cell) || edge.met > 1 || edge.on > VERDICT_SILENCE)
            return err_set(why, ERR_PARSE, "the snapshot of the alarms is damaged at edge %zu", i + 1);
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
    const bool fits = head->alarm_count <= ALARMS_MAX && head->edge_count <= EDGES_MAX && head->aside_count <= ASIDES_MAX
                   && size == snapshot_size(alarms, head->alarm_count, head->edge_count, head->aside_count);
    if (!fits || head->last_id == ALARM_WANTED)
        return err_set(why, ERR_PARSE, "the snapshot of the alarms is damaged");
    const unsigned char *const asides = bytes + size - head->aside_count * sizeof(Aside);
    Err damaged = check_alarms(bytes, head, alarms->plant->twin_count, why);
    if (!damaged)
        damaged = check_asides(asides, head->aside_count, alarms->plant->twin_count, why);
    return damaged ? damaged : check_edges(alarms, asides - head->edge_count * sizeof(Edge), head->edge_count, why);
}

/* The same for a plant with other twins; its watches are not looked at. */
static Err check_ancestor(const Lineage *lineage, const unsigned char *bytes, size_t size, SnapshotHead *head, ErrText *why)
{
    const Err err = check_head(bytes, size, head, why);
    if (err)
        return err;
    const size_t least = sizeof *head + head->alarm_count * sizeof(Alarm) + lineage->twin_count * sizeof(Standing) + head->aside_count * sizeof(Aside);
    if (head->alarm_count > ALARMS_MAX || head->aside_count > ASIDES_MAX || size < least || head->last_id == ALARM_WANTED)
        return err_set(why, ERR_PARSE, "the snapshot of the alarms is damaged");
    const Err damaged = check_alarms(bytes, head, lineage->twin_count, why);
    return damaged ? damaged : check_asides(bytes + size - head->aside_count * sizeof(Aside), head->aside_count, lineage->twin_count, why);
}

static void begin_as(Alarms *alarms, const SnapshotHead *head)
{
    cycle__clear(&alarms->cycle);
    alarms->predictions.count = 0;
    alarms->cycle.dropped = head->dropped;
    alarms->last_act = head->last_act;
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
    at += standings;
    memcpy(alarms->watches, at, alarms->watch_count * sizeof *alarms->watches);
    at += alarms->watch_count * sizeof *alarms->watches;
    edges__restore(&alarms->edges, at, head.edge_count, head.edges_newest, head.edges_reach);
    at += head.edge_count * sizeof(Edge);
    memcpy(alarms->cycle.shelf.items, at, head.aside_count * sizeof(Aside));
    alarms->cycle.shelf.count = head.aside_count;
    for (uint32_t twin = 0; twin < alarms->plant->twin_count; twin++)
        alarms__note_standing(alarms, twin);
    return ERR_OK;
}

/* The watch that raised this alarm, or NULL when the script has no such condition any more. */
static Watch *find_watch(const Alarms *alarms, const Alarm *alarm)
{
    const uint32_t block = alarms->plant->twins[alarm->twin].block;
    const Model *const model = alarms->plant->blocks[block].model;
    if (strcmp(alarm->name, "quarantine") == 0)
        return &alarms->watches[alarms->first_watch[block]];
    for (uint16_t k = 0; k < model->alarm_count; k++)
        if (strcmp(alarm->name, model->alarms[k].name) == 0)
            return &alarms->watches[alarms->first_watch[block] + 1 + k];
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

/* What is aside of twins that are still there. */
static void adopt_asides(Alarms *alarms, const Lineage *lineage, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Aside aside;
        memcpy(&aside, bytes + i * sizeof aside, sizeof aside);
        aside.twin = lineage_twin(lineage, aside.twin);
        if (aside.twin != TWIN_NONE)
            shelf__put(&alarms->cycle.shelf, &aside);
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
        alarms__note_standing(alarms, twin);
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
    edges__clear(&alarms->edges, now);
    adopt_asides(alarms, lineage, (const unsigned char *)bytes + size - head.aside_count * sizeof(Aside), head.aside_count);
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
