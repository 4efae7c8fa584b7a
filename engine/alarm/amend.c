/* amend.c -- what late samples change of the alarms.
 *
 * When ticks run again, the conditions of their blocks go back to where they were before the first of them, by undoing edges: what people
 * were told of alarms in these ticks is listed. Then every tick is judged as ever, but what is found is written down as drafts. In the end both lists are
 * laid side by side. An episode that people know gets the times of the draft that it overlaps with; one that has no draft never was; a draft
 * that nobody knows is raised, and returns at once where it is over. What is over and acknowledged is out of reach, and stays as it was told. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "alarm/inside.h"

#define SLOT_DRAFT (UINT64_C(1) << 63)  // a slot that holds the number of a draft
_Static_assert((ALARM_WANTED & SLOT_DRAFT) != 0 && DRAFTS_MAX < INT32_MAX, "slots tell drafts, ids and ALARM_WANTED apart");

static bool is_draft(uint64_t slot)
{
    return slot != ALARM_WANTED && (slot & SLOT_DRAFT);
}

static bool is_id(uint64_t slot)
{
    return slot != 0 && slot != ALARM_WANTED && !(slot & SLOT_DRAFT);
}

Err again__init(Again *again, const Plant *plant)
{
    *again = (Again){0};
    if (plant->lag_ticks == 0)
        return ERR_OK;
    again->going = mem_alloc(plant->block_count * sizeof *again->going);
    again->joining = mem_alloc(plant->block_count * sizeof *again->joining);
    again->drafts = mem_alloc(DRAFTS_MAX * sizeof *again->drafts);
    again->told = mem_alloc(TOLD_MAX * sizeof *again->told);
    return again->going && again->joining && again->drafts && again->told ? ERR_OK : ERR_MEMORY;
}

void again__fini(Again *again)
{
    mem_free(again->going);
    mem_free(again->joining);
    mem_free(again->drafts);
    mem_free(again->told);
}

static Draft *draft_of(const Alarms *alarms, uint64_t slot)
{
    return is_draft(slot) ? &alarms->again.drafts[slot & ~SLOT_DRAFT] : NULL;
}

// --- cells ---------------------------------------------------------------------------------------------------------

static Watch *watch_of(const Alarms *alarms, AlarmCell cell)
{
    assert(cell.condition != CELL_DIVERGENCE);
    return &alarms->watches[alarms->first_watch[alarms->plant->twins[cell.twin].block] + cell.condition - CELL_QUARANTINE];
}

static uint64_t *slot_of(const Alarms *alarms, AlarmCell cell)
{
    if (cell.condition == CELL_DIVERGENCE)
        return &alarms->standings[cell.twin].slot;
    return &watch_of(alarms, cell)->slot[alarms->plant->twins[cell.twin].lane];
}

static bool is_on(const Alarms *alarms, AlarmCell cell)
{
    if (cell.condition == CELL_DIVERGENCE)
        return alarms->standings[cell.twin].kind != VERDICT_NONE;
    return watch_of(alarms, cell)->raised >> alarms->plant->twins[cell.twin].lane & 1;
}

static void set_bit(uint64_t *mask, uint32_t lane, bool on)
{
    *mask = (*mask & ~(UINT64_C(1) << lane)) | (uint64_t)on << lane;
}

static void put_back(Alarms *alarms, const Edge *edge)
{
    if (edge->cell.condition == CELL_DIVERGENCE) {
        alarms->standings[edge->cell.twin].kind = edge->on;
        alarms__note_standing(alarms, edge->cell.twin);
        return;
    }
    const uint32_t lane = alarms->plant->twins[edge->cell.twin].lane;
    Watch *const watch = watch_of(alarms, edge->cell);
    set_bit(&watch->met, lane, edge->met);
    set_bit(&watch->raised, lane, edge->on);
    watch->since[lane] = edge->since;
}

// --- going back ----------------------------------------------------------------------------------------------------

/* More than there is room for stays as it was told. */
static void note_told(Again *again, AlarmCell cell, uint64_t id, int64_t raised, int64_t returned)
{
    if (again->told_count < TOLD_MAX)
        again->told[again->told_count++] = (Told){cell, id, raised, returned};
}

static void undo(Alarms *alarms, const Edge *edge, int64_t from)
{
    uint64_t *const slot = slot_of(alarms, edge->cell);
    const bool was_on = is_on(alarms, edge->cell);
    put_back(alarms, edge);
    if (edge->on && !was_on) {
        if (edge->id)
            note_told(&alarms->again, edge->cell, edge->id, edge->raised, edge->time);
        *slot = edge->id && edge->raised < from ? edge->id : 0;
    } else if (!edge->on && was_on) {
        const Alarm *const alarm = is_id(*slot) ? cycle__active(&alarms->cycle, *slot) : NULL;
        if (alarm)
            note_told(&alarms->again, edge->cell, alarm->id, alarm->raised, TIME_NONE);
        *slot = 0;
    }
}

/* The edges of blocks that join, from `from` on, are undone from the newest on and forgotten; the others stay in their order. */
static void undo_edges(Alarms *alarms, int64_t from)
{
    Edges *const edges = &alarms->edges;
    size_t kept = edges->count;
    for (size_t i = edges->count; i-- > 0;) {
        const Edge *const edge = &edges->items[i];
        if (edge->time >= from && alarms->again.joining[alarms->plant->twins[edge->cell.twin].block])
            undo(alarms, edge, from);
        else
            edges->items[--kept] = *edge;
    }
    edges->count -= kept;
    memmove(edges->items, edges->items + kept, edges->count * sizeof *edges->items);
}

static void go_back(Alarms *alarms, const PlantPart *part, int64_t from)
{
    Again *const again = &alarms->again;
    bool joined = false;
    for (uint32_t i = 0; i < part->block_count; i++) {
        const uint32_t block = part->blocks[i];
        again->joining[block] = !again->going[block];
        joined |= again->joining[block];
    }
    if (!joined)
        return;
    undo_edges(alarms, from);
    for (uint32_t i = 0; i < part->block_count; i++) {
        again->going[part->blocks[i]] = true;
        again->joining[part->blocks[i]] = false;
    }
    again->any = true;
}

// --- judging again -------------------------------------------------------------------------------------------------

/* A new draft, or NULL when there is no room. */
static Draft *add_draft(Again *again, AlarmCell cell, const Alarm *alarm)
{
    if (again->draft_count == DRAFTS_MAX)
        return NULL;
    Draft *const draft = &again->drafts[again->draft_count++];
    *draft = (Draft){.alarm = *alarm, .cell = cell};
    draft->alarm.returned = TIME_NONE;
    return draft;
}

static uint64_t begin_draft(void *self, AlarmCell cell, const Alarm *alarm, uint64_t slot)
{
    Again *const again = &((Alarms *)self)->again;
    (void)slot;
    return add_draft(again, cell, alarm) ? SLOT_DRAFT | (again->draft_count - 1) : ALARM_WANTED;
}

/* When an alarm was raised that began before the ticks that run again. */
static int64_t raised_before(const Alarms *alarms, uint64_t id)
{
    const Alarm *const alarm = cycle__active(&alarms->cycle, id);
    for (size_t i = 0; i < alarms->again.told_count && !alarm; i++)
        if (alarms->again.told[i].id == id)
            return alarms->again.told[i].raised;
    return alarm ? alarm->raised : TIME_NONE;
}

static uint64_t end_draft(void *self, AlarmCell cell, uint64_t slot, int64_t now, int64_t *raised)
{
    Alarms *const alarms = self;
    Draft *draft = draft_of(alarms, slot);
    *raised = TIME_NONE;
    if (!draft && is_id(slot))
        draft = add_draft(&alarms->again, cell, &(Alarm){.id = slot, .twin = cell.twin, .raised = raised_before(alarms, slot)});
    if (!draft)
        return 0;
    draft->alarm.returned = now;
    *raised = draft->alarm.raised;
    return SLOT_DRAFT | (uint64_t)(draft - alarms->again.drafts);
}

static void judge_verdict(Alarms *alarms, uint32_t twin, const Verdict *verdict, const Book *book, int64_t time)
{
    const AlarmCell cell = {twin, CELL_DIVERGENCE};
    uint64_t *const slot = slot_of(alarms, cell);
    const bool was_on = is_on(alarms, cell);
    Edge *const edge = alarms__edge(alarms, twin, verdict->kind, time);
    if (verdict->kind != VERDICT_NONE && (!was_on || *slot == 0)) {
        Alarm alarm = {.twin = twin, .severity = alarms__severity(verdict->kind), .raised = time, .name = "divergence"};
        snprintf(alarm.text, sizeof alarm.text, "%s", verdict->text);
        *slot = book->begin(book->self, cell, &alarm, *slot);
    } else if (verdict->kind == VERDICT_NONE && was_on) {
        int64_t raised;
        const uint64_t id = book->end(book->self, cell, *slot, time, &raised);
        *slot = 0;
        if (edge) {
            edge->id = id;
            edge->raised = raised;
        }
    }
    Draft *const draft = draft_of(alarms, *slot);
    if (draft)
        draft->kind = verdict->kind;
    alarms__note_standing(alarms, twin);
}

static void judge_verdicts(Alarms *alarms, const Sync *sync, uint32_t block, const Book *book, int64_t time)
{
    for (uint64_t lanes = alarms__doubtful(alarms, sync, block); lanes; lanes &= lanes - 1) {
        const uint32_t twin = alarms->plant->blocks[block].twin[__builtin_ctzll(lanes)];
        const Verdict *const verdict = alarms__verdict(alarms, sync, twin);
        if (verdict)
            judge_verdict(alarms, twin, verdict, book, time);
    }
}

void alarm_judge_again(Alarms *alarms, const Sync *sync, const PlantPart *part, int64_t time)
{
    const Book book = {alarms, begin_draft, end_draft};
    if (!alarms->edges.items || time <= alarms->edges.reach)
        return;
    go_back(alarms, part, time);
    for (uint32_t i = 0; i < part->block_count; i++) {
        judge_verdicts(alarms, sync, part->blocks[i], &book, time);
        alarms__judge_block(alarms, part->blocks[i], &book, time);
    }
}

// --- telling -------------------------------------------------------------------------------------------------------

/* How an amendment is told: to whom, and when. */
typedef struct Amendment {
    Alarms *alarms;
    const Sync *sync;
    int64_t now;
    bool tell;
} Amendment;

static void tell_divergence(const Amendment *amendment, const Alarm *alarm, VerdictKind kind)
{
    char agreed[ALARM_TEXT];
    Alarms *const alarms = amendment->alarms;
    Verdict verdict = *sync_verdict(amendment->sync, alarm->twin);
    verdict.kind = kind;
    snprintf(agreed, sizeof agreed, "%s agrees with its asset again", alarms->plant->twins[alarm->twin].name);
    alarms__tell_divergence(alarms, alarm->twin, &verdict, kind == VERDICT_NONE ? agreed : alarm->text, true);
}

/* An alarm was raised, or has returned, in a tick that is over. */
static void tell(const Amendment *amendment, AlarmCell cell, const Alarm *alarm)
{
    Alarms *const alarms = amendment->alarms;
    const bool raised = alarm->returned == TIME_NONE;
    if (!amendment->tell)
        return;
    if (cell.condition == CELL_DIVERGENCE)
        tell_divergence(amendment, alarm, raised ? (VerdictKind)alarms->standings[cell.twin].kind : VERDICT_NONE);
    alarms__tell(alarms, alarm, raised, true);
}

// --- both lists side by side ---------------------------------------------------------------------------------------

static bool overlap(const Told *told, const Alarm *draft)
{
    const bool begins = told->returned == TIME_NONE || draft->raised <= told->returned;
    return begins && (draft->returned == TIME_NONE || draft->returned >= told->raised);
}

/* The draft of an episode that people know: what goes on from before, what lasts where that lasts, or the first that overlaps; or NULL. */
static Draft *find_draft(const Alarms *alarms, const Told *told)
{
    Draft *const lasting = draft_of(alarms, *slot_of(alarms, told->cell));
    Draft *found = told->returned == TIME_NONE && lasting && !lasting->known ? lasting : NULL;
    for (size_t i = 0; i < alarms->again.draft_count; i++) {
        Draft *const draft = &alarms->again.drafts[i];
        if (!cell_is(draft->cell, told->cell) || draft->known)
            continue;
        if (draft->alarm.id == told->id)
            return draft;
        if (!found && draft->alarm.id == 0 && overlap(told, &draft->alarm))
            found = draft;
    }
    return found;
}

static void amend_alarm(const Amendment *amendment, AlarmCell cell, Alarm *alarm, int64_t raised, int64_t returned)
{
    const bool lasted = alarm->returned == TIME_NONE;
    if (cycle__amend(&amendment->alarms->cycle, alarm, raised, returned, amendment->now) && lasted != (returned == TIME_NONE))
        tell(amendment, cell, alarm);
}

/* It returned before, people were told, and now it did not. */
static void reopen(const Amendment *amendment, const Told *told)
{
    Alarms *const alarms = amendment->alarms;
    Alarm *const alarm = cycle__active(&alarms->cycle, told->id);
    if (alarm)
        amend_alarm(amendment, told->cell, alarm, alarm->raised, TIME_NONE);
    else
        *slot_of(alarms, told->cell) = ALARM_WANTED;  // that one is over: a new alarm says that it lasts
}

static void settle_told(const Amendment *amendment, const Told *told)
{
    Alarms *const alarms = amendment->alarms;
    if (*slot_of(alarms, told->cell) == told->id) {
        reopen(amendment, told);
        return;
    }
    Draft *const draft = find_draft(alarms, told);
    Alarm *const alarm = cycle__active(&alarms->cycle, told->id);
    if (!alarm) {
        if (draft && draft->alarm.returned != TIME_NONE)
            draft->known = true;
        return;
    }
    if (!draft) {
        const bool lasted = alarm->returned == TIME_NONE;
        if (cycle__take_back(&alarms->cycle, alarm, amendment->now) && lasted)
            tell(amendment, told->cell, alarm);
        return;
    }
    draft->known = true;
    draft->alarm.id = told->id;
    amend_alarm(amendment, told->cell, alarm, draft->alarm.raised, draft->alarm.returned);
}

/* What lasts first, so that it stays what it is; then the others from the oldest on. */
static void settle_all_told(const Amendment *amendment)
{
    const Again *const again = &amendment->alarms->again;
    for (size_t i = 0; i < again->told_count; i++)
        if (again->told[i].returned == TIME_NONE)
            settle_told(amendment, &again->told[i]);
    for (size_t i = again->told_count; i-- > 0;)
        if (again->told[i].returned != TIME_NONE)
            settle_told(amendment, &again->told[i]);
}

/* An episode that nobody knows; its id is 0 where there is no room. */
static void raise_draft(const Amendment *amendment, Draft *draft)
{
    Cycle *const cycle = &amendment->alarms->cycle;
    uint64_t slot = 0;
    Alarm *const alarm = cycle__raise(cycle, &slot, draft->cell.twin, draft->alarm.name, draft->alarm.severity, draft->alarm.raised);
    if (!alarm)
        return;
    memcpy(alarm->text, draft->alarm.text, sizeof alarm->text);
    alarm->amended = amendment->now;
    draft->alarm.id = alarm->id;
    if (draft->alarm.returned != TIME_NONE)
        cycle__return(cycle, &slot, draft->alarm.returned);
    tell(amendment, draft->cell, alarm);
}

static void settle_drafts(const Amendment *amendment)
{
    Alarms *const alarms = amendment->alarms;
    for (size_t i = 0; i < alarms->again.draft_count; i++) {
        Draft *const draft = &alarms->again.drafts[i];
        if (draft->known)
            continue;
        Alarm *const alarm = draft->alarm.id ? cycle__active(&alarms->cycle, draft->alarm.id) : NULL;
        if (alarm)
            amend_alarm(amendment, draft->cell, alarm, alarm->raised, draft->alarm.returned);
        else if (draft->alarm.id == 0)
            raise_draft(amendment, draft);
    }
}

// --- afterwards ----------------------------------------------------------------------------------------------------

/* The id in place of a draft. */
static uint64_t resolve(const Alarms *alarms, uint64_t slot)
{
    const Draft *const draft = draft_of(alarms, slot);
    return draft ? draft->alarm.id : slot;
}

/* Where an alarm came or went people have been told what is thought of the twin; a verdict that is another only is told in the next tick. */
static void settle_standing(Alarms *alarms, uint32_t twin)
{
    Standing *const standing = &alarms->standings[twin];
    if (standing->kind == VERDICT_NONE || standing->told == VERDICT_NONE)
        standing->told = standing->kind;
    alarms__note_standing(alarms, twin);
}

/* A slot may have the number of a draft; what lasts without an alarm tries again. */
static void settle_cell(Alarms *alarms, AlarmCell cell)
{
    uint64_t *const slot = slot_of(alarms, cell);
    *slot = resolve(alarms, *slot);
    if (*slot == 0 && is_on(alarms, cell))
        *slot = ALARM_WANTED;
    if (cell.condition == CELL_DIVERGENCE)
        settle_standing(alarms, cell.twin);
}

static void settle_cells(Alarms *alarms)
{
    const Again *const again = &alarms->again;
    for (size_t i = 0; i < again->draft_count; i++)
        settle_cell(alarms, again->drafts[i].cell);
    for (size_t i = 0; i < again->told_count; i++)
        settle_cell(alarms, again->told[i].cell);
    for (size_t i = 0; i < alarms->edges.count; i++)
        alarms->edges.items[i].id = resolve(alarms, alarms->edges.items[i].id);
}

void again__settle(Alarms *alarms, const Sync *sync, int64_t now, bool tell)
{
    Again *const again = &alarms->again;
    const Amendment amendment = {alarms, sync, now, tell};
    if (!again->any)
        return;
    settle_all_told(&amendment);
    settle_drafts(&amendment);
    settle_cells(alarms);
    memset(again->going, 0, alarms->plant->block_count * sizeof *again->going);
    again->any = false;
    again->draft_count = again->told_count = 0;
}

void alarm_amend(Alarms *alarms, const Sync *sync, int64_t now)
{
    again__settle(alarms, sync, now, false);
}
