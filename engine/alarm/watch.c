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

static Alarm *raise(const Condition *condition, uint32_t lane, uint64_t *slot, Cycle *cycle, int64_t now)
{
    const AlarmDef *const limit = condition->limit;
    Alarm *const alarm = cycle__raise(cycle, slot, condition->block->twin[lane], limit ? limit->name : "quarantine",
                                      limit ? limit->severity : SEVERITY_CRITICAL, now);
    if (alarm)
        write_text(condition, lane, alarm);
    return alarm;
}

void watch__judge(Watch *watch, const Condition *condition, Cycle *cycle, int64_t now, void (*tell)(void *self, WatchEvent event), void *self)
{
    const int64_t long_enough = now - hold_of(condition);
    const Masks masks = masks_of(condition);

    for (uint64_t busy = masks.met | watch->met | watch->raised; busy; busy &= busy - 1) {
        const uint32_t lane = (uint32_t)__builtin_ctzll(busy);
        const uint64_t bit = UINT64_C(1) << lane;
        uint64_t *const slot = &watch->slot[lane];
        if (masks.met & ~watch->met & bit)
            watch->since[lane] = now;

        const Alarm *alarm = NULL;
        const bool was_raised = watch->raised & bit, held = (masks.met & bit) && watch->since[lane] <= long_enough;
        if (was_raised && (masks.over & bit)) {
            alarm = cycle__return(cycle, slot, now);
            watch->raised &= ~bit;
        } else if (!was_raised && held) {
            alarm = raise(condition, lane, slot, cycle, now);
            watch->raised |= alarm ? bit : 0;
        } else if (!was_raised && !(masks.met & bit)) {
            *slot = 0;  // it may have waited for room
        }
        if (alarm)
            tell(self, (WatchEvent){alarm, !was_raised});
    }
    watch->met = masks.met;
}
