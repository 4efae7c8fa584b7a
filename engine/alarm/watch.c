/* watch.c -- masks, hold and hysteresis, and the texts of limits. */
#include "alarm/watch.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct Masks {
    uint64_t met, over;
} Masks;

static Masks limit_masks(const Block *block, const AlarmDef *limit)
{
    // a low limit is a high one upside down; turning the sign changes no bits
    const double sign = limit->side == LIMIT_HIGH ? 1.0 : -1.0;
    const double beyond = sign * limit->limit, back = beyond - limit->hysteresis;
    const double *const values = block->columns + (size_t)block->model->channels[limit->channel].column * LANES;

    Masks masks = {0};
    for (uint32_t lane = 0; lane < block->lanes; lane++) {
        const double value = sign * values[lane];
        masks.met |= (uint64_t)(value > beyond) << lane;
        masks.over |= (uint64_t)(value <= back) << lane;
    }

    // a twin that stands still says nothing about its asset: its alarms stay as they are
    masks.met &= ~block->quarantined;
    masks.over &= ~block->quarantined;
    return masks;
}

static Masks masks_of(const Condition *condition)
{
    if (condition->limit)
        return limit_masks(condition->block, condition->limit);
    const uint64_t standing = condition->block->quarantined & block_lanes(condition->block);
    return (Masks){standing, ~standing};
}

static int64_t hold_of(const Condition *condition)
{
    const double longest = 1e9;  // s: what lies beyond is never
    return condition->limit ? (int64_t)llround(fmin(condition->limit->hold, longest) * (double)NS_PER_S) : 0;
}

static int decimals_for(double a, double b)
{
    int decimals = 3;
    for (double power = 1; power <= fmax(fabs(a), fabs(b)) && decimals > 0; power *= 10)
        decimals--;
    return decimals;
}

/* "0.612 m, above 0.600 m": both with as many decimals as tell them apart. */
static void format_pair(double value, double limit, const char *side, const Unit *unit, char *out, size_t size)
{
    enum { DECIMALS_MAX = 9 };
    const double large = 1e7;
    const char *const name = unit == unit_one() ? "" : unit_name(unit);
    const char *const gap = *name ? " " : "";
    char left[32], right[32];
    int decimals = decimals_for(value, limit);
    const char *const style = fmax(fabs(value), fabs(limit)) < large ? "%.*f" : "%.*g";
    do {
        snprintf(left, sizeof left, style, decimals, value);
        snprintf(right, sizeof right, style, decimals, limit);
    } while (strcmp(left, right) == 0 && decimals++ < DECIMALS_MAX);
    snprintf(out, size, "%s%s%s, %s %s%s%s", left, gap, name, side, right, gap, name);
}

static void write_text(const Condition *condition, uint32_t lane, Alarm *alarm)
{
    const Block *const block = condition->block;
    const AlarmDef *const limit = condition->limit;
    const char *const twin = condition->plant->twins[alarm->twin].name;
    if (!limit && block->failed >> lane & 1) {
        snprintf(alarm->text, sizeof alarm->text, "%s stands still: its step failed: %s", twin, procedure_failure(block->model));
        return;
    }
    if (!limit) {
        snprintf(alarm->text, sizeof alarm->text, "numbers of %s are no longer finite: the twin stands still until it is reset", twin);
        return;
    }

    const Channel *const channel = &block->model->channels[limit->channel];
    const double value = unit_from_si(channel->unit, block->columns[(size_t)channel->column * LANES + lane]);
    char pair[128];
    format_pair(value, unit_from_si(channel->unit, limit->limit), limit->side == LIMIT_HIGH ? "above" : "below", channel->unit, pair, sizeof pair);
    snprintf(alarm->text, sizeof alarm->text, "%s.%s is %s", twin, channel->name, pair);
}

static uint64_t begin(const Condition *condition, uint32_t lane, uint64_t slot, const Book *book, int64_t now)
{
    const AlarmDef *const limit = condition->limit;
    Alarm draft = {.twin = condition->block->twin[lane], .severity = limit ? limit->severity : SEVERITY_CRITICAL, .raised = now};
    snprintf(draft.name, sizeof draft.name, "%s", limit ? limit->name : "quarantine");
    write_text(condition, lane, &draft);
    return book->begin(book->self, (AlarmCell){draft.twin, condition->number}, &draft, slot);
}

/* Lanes where the condition is met for long enough. */
static uint64_t held_lanes(const Watch *watch, const Condition *condition, uint64_t met, int64_t now)
{
    const int64_t hold = hold_of(condition);
    uint64_t held = hold == 0 ? met & ~watch->met : 0;
    for (uint64_t lasting = met & watch->met & ~watch->raised; lasting; lasting &= lasting - 1)
        held |= (uint64_t)(watch->since[__builtin_ctzll(lasting)] <= now - hold) << __builtin_ctzll(lasting);
    return held;
}

/* What one look at a watch finds, a bit per lane. */
typedef struct Look {
    uint64_t met, raised, returned;
    uint64_t edges;   // what was before is kept
    uint64_t wanted;  // may have found no room
} Look;

static Look look_at(const Watch *watch, const Condition *condition, int64_t now)
{
    const Masks masks = masks_of(condition);
    Look look = {.met = masks.met, .raised = held_lanes(watch, condition, masks.met, now) & ~watch->raised, .returned = watch->raised & masks.over};
    look.edges = (masks.met ^ watch->met) | look.raised | look.returned;
    look.wanted = look.raised | (watch->raised & masks.met);
    return look;
}

static Edge *note_edge(const Watch *watch, uint32_t lane, AlarmCell cell, Edges *edges, int64_t now)
{
    return edges__note(edges, &(Edge){.cell = cell, .time = now, .since = watch->since[lane], .met = watch->met >> lane & 1, .on = watch->raised >> lane & 1});
}

static void end(uint64_t *slot, AlarmCell cell, const Book *book, int64_t now, Edge *edge)
{
    int64_t raised;
    const uint64_t id = book->end(book->self, cell, *slot, now, &raised);
    *slot = 0;
    if (edge) {
        edge->id = id;
        edge->raised = raised;
    }
}

void watch__judge(Watch *watch, const Condition *condition, Edges *edges, const Book *book, int64_t now)
{
    const Look look = look_at(watch, condition, now);
    for (uint64_t busy = look.edges | look.wanted; busy; busy &= busy - 1) {
        const uint32_t lane = (uint32_t)__builtin_ctzll(busy);
        const uint64_t bit = busy & -busy;
        const AlarmCell cell = {condition->block->twin[lane], condition->number};
        uint64_t *const slot = &watch->slot[lane];
        Edge *const edge = look.edges & bit ? note_edge(watch, lane, cell, edges, now) : NULL;

        if (look.met & ~watch->met & bit)
            watch->since[lane] = now;
        if (look.returned & bit)
            end(slot, cell, book, now, edge);
        else if ((look.wanted & bit) && (*slot == 0 || *slot == ALARM_WANTED))
            *slot = begin(condition, lane, *slot, book, now);
    }
    watch->met = look.met;
    watch->raised = (watch->raised & ~look.returned) | look.raised;
}
