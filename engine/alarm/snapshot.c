/* snapshot.c -- what is kept of alarms over a restart, and over another version of the plant's script. */
#include <stddef.h>
#include <string.h>

#include "alarm/inside.h"

enum { SNAPSHOT_VERSION = 3, VERSION_BEFORE = 2 };

/* What a snapshot begins with; then the alarms that are not over, the standings, the watches, the edges, what is aside. */
typedef struct SnapshotHead {
    uint64_t version, shape;
    uint64_t last_id, alarm_count, dropped;
    uint64_t edge_count;
    int64_t edges_newest, edges_reach;
    uint64_t aside_count, last_act;
} SnapshotHead;

/* Version 2 knew nothing of acts: its head and its alarms end in front of what is said of them, and nothing is aside. */
#define HEAD_BEFORE offsetof(SnapshotHead, aside_count)
#define ALARM_BEFORE offsetof(Alarm, shelved)

static size_t snapshot_size(const Alarms *alarms, size_t alarm_count, size_t edge_count, size_t aside_count)
{
    return sizeof(SnapshotHead) + alarm_count * sizeof(Alarm) + alarms->plant->twin_count * sizeof(Standing) + alarms->watch_count * sizeof(Watch)
         + edge_count * sizeof(Edge) + aside_count * sizeof(Aside);
}

size_t alarms_snapshot_size(const Alarms *alarms)
{
    return snapshot_size(alarms, alarms->cycle.ledger.open_count, edges__count_of_use(&alarms->edges), alarms->cycle.asides.count);
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
                               edges__count_of_use(&alarms->edges), alarms->edges.newest, alarms->edges.reach, alarms->cycle.asides.count, alarms->last_act};
    unsigned char *at = put(out, &head, sizeof head);
    at = put(at, list, count * sizeof *list);
    at = put(at, alarms->standings, alarms->plant->twin_count * sizeof *alarms->standings);
    at = put(at, alarms->watches, alarms->watch_count * sizeof *alarms->watches);
    for (size_t i = 0; i < alarms->edges.count; i++)
        if (edges__is_of_use(&alarms->edges, &alarms->edges.items[i]))
            at = put(at, &alarms->edges.items[i], sizeof(Edge));
    put(at, alarms->cycle.asides.items, alarms->cycle.asides.count * sizeof(Aside));
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

static bool cell_is_known(const Plant *plant, AlarmCell cell)
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

static Err restore(Alarms *alarms, const void *bytes, size_t size, ErrText *why)
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
    memcpy(alarms->cycle.asides.items, at, head.aside_count * sizeof(Aside));
    alarms->cycle.asides.count = head.aside_count;
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
            asides__put(&alarms->cycle.asides, &aside);
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

typedef void Gone(void *self, const Alarm *alarm, const char *twin);

static Err adopt(Alarms *alarms, const Lineage *lineage, const void *bytes, size_t size, int64_t now, Gone *gone, void *self, ErrText *why)
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

// --- snapshots of the version before -------------------------------------------------------------------------------

/* A snapshot of this version is a view of what was given; one of the version before is written anew, into memory of its own. */
typedef struct Modern {
    const void *bytes;
    size_t size;
    void *own;  // NULL: it is a view
} Modern;

static bool is_before(const void *bytes, size_t size)
{
    SnapshotHead head = {0};
    memcpy(&head, bytes, size < HEAD_BEFORE ? size : HEAD_BEFORE);
    return size >= HEAD_BEFORE && head.version == VERSION_BEFORE;
}

/* What is new in it begins empty. */
static void write_modern(const SnapshotHead *head, const unsigned char *from, size_t behind, unsigned char *to)
{
    to = put(to, head, sizeof *head);
    for (size_t i = 0; i < head->alarm_count; i++, from += ALARM_BEFORE) {
        Alarm alarm = {.shelved = TIME_NONE};
        memcpy(&alarm, from, ALARM_BEFORE);
        alarm.worded = alarm.revision;
        to = put(to, &alarm, sizeof alarm);
    }
    put(to, from, behind);
}

static Err modernise(const void *bytes, size_t size, Modern *out, ErrText *why)
{
    SnapshotHead head = {0};
    *out = (Modern){bytes, size, NULL};
    if (!is_before(bytes, size))
        return ERR_OK;
    memcpy(&head, bytes, HEAD_BEFORE);
    head.version = SNAPSHOT_VERSION;
    if (head.alarm_count > ALARMS_MAX || size < HEAD_BEFORE + head.alarm_count * ALARM_BEFORE)
        return err_set(why, ERR_PARSE, "the snapshot of the alarms is damaged");

    const size_t behind = size - HEAD_BEFORE - head.alarm_count * ALARM_BEFORE;
    out->size = sizeof head + head.alarm_count * sizeof(Alarm) + behind;
    out->bytes = out->own = mem_alloc(out->size);
    if (!out->own)
        return err_set(why, ERR_MEMORY, "no memory for the snapshot of the alarms");
    write_modern(&head, (const unsigned char *)bytes + HEAD_BEFORE, behind, out->own);
    return ERR_OK;
}

Err alarms_restore(Alarms *alarms, const void *bytes, size_t size, ErrText *why)
{
    Modern modern;
    Err err = modernise(bytes, size, &modern, why);
    if (!err)
        err = restore(alarms, modern.bytes, modern.size, why);
    mem_free(modern.own);
    return err;
}

Err alarms_adopt(Alarms *alarms, const Lineage *lineage, const void *bytes, size_t size, int64_t now,
                 void (*gone)(void *self, const Alarm *alarm, const char *twin), void *self, ErrText *why)
{
    Modern modern;
    Err err = modernise(bytes, size, &modern, why);
    if (!err)
        err = adopt(alarms, lineage, modern.bytes, modern.size, now, gone, self, why);
    mem_free(modern.own);
    return err;
}
