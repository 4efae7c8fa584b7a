/* checks.c -- each says what is wrong with a wish. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gate/inside.h"

static ValueText number_text(const Unit *unit, double number)
{
    const bool plain = unit == unit_one();
    ValueText out;
    snprintf(out.text, sizeof out.text, "%.6g%s%.32s", number, plain ? "" : " ", plain ? "" : unit_name(unit));
    return out;
}

static ValueText value_text(const Tag *tag, double si)
{
    return number_text(tag->unit, unit_from_si(tag->unit, si));
}

ValueText gate__value_text(const Plant *plant, TagId tag, double si)
{
    const Tag named = tags_get(plant->tags, tag);
    return value_text(&named, si);
}

/* ": the pump is off", or nothing. */
static const char *colon(const char *reason)
{
    return *reason ? ": " : "";
}

static Err check_mode(const Tag *tag, const ActuatorState *state, const CommandWish *wish, ErrText *why)
{
    if (state->mode == ACTUATOR_BLOCKED)
        return err_set(why, ERR_DENIED, "%s.%s is blocked%s%s", tag->asset, tag->channel, colon(state->mode_reason), state->mode_reason);
    if (state->mode == ACTUATOR_MANUAL && wish->asker == ASKER_HANDLER)
        return err_set(why, ERR_DENIED, "%s.%s is in manual: handlers do not command it", tag->asset, tag->channel);
    return ERR_OK;
}

/* Whether anybody may command it now. */
static Err check_standing(const Tag *tag, const Actuator *actuator, const CommandWish *wish, ErrText *why)
{
    const ActuatorState *const state = actuator->state;
    if (!state)
        return ERR_OK;
    const Err err = check_mode(tag, state, wish, why);
    if (err || !state->held)
        return err;
    return err_set(why, ERR_DENIED, "%s.%s is held at its fail-safe value %s%s%s", tag->asset, tag->channel, value_text(tag, state->safe_value).text,
                   colon(state->held_reason), state->held_reason);
}

static Err check_range(const Tag *tag, const Channel *channel, double value, ErrText *why)
{
    if (value > channel->max)
        return err_set(why, ERR_RANGE, "%s.%s: %s is above its maximum %s", tag->asset, tag->channel, value_text(tag, value).text,
                       value_text(tag, channel->max).text);
    if (value < channel->min)
        return err_set(why, ERR_RANGE, "%s.%s: %s is below its minimum %s", tag->asset, tag->channel, value_text(tag, value).text,
                       value_text(tag, channel->min).text);
    return ERR_OK;
}

static Err check_rate(const Tag *tag, const Actuator *actuator, double value, int64_t now, ErrText *why)
{
    const Order *const given = &actuator->given;
    if (!given->id)
        return ERR_OK;
    const double rate_max = actuator->channel->rate_max;
    const double elapsed = fmax(0.0, (double)(now - given->time) / (double)NS_PER_S);
    if (!isfinite(rate_max) || fabs(value - given->value) <= rate_max * elapsed)
        return ERR_OK;
    return err_set(why, ERR_RANGE, "%s.%s: from %s to %s in %.3g s is faster than its maximum %s per s", tag->asset, tag->channel,
                   value_text(tag, given->value).text, value_text(tag, value).text, elapsed,
                   number_text(tag->unit, unit_scale_from_si(tag->unit, rate_max)).text);
}

/* One that waits is about to be superseded, which makes room. */
static Err check_room(const Gate *gate, const Tag *tag, const Actuator *actuator, ErrText *why)
{
    const Command *const last = gate_find(gate, actuator->last.id);
    if (gate->ledger.open_count < GATE_OPEN_MAX || (last && last->state == COMMAND_WAITING))
        return ERR_OK;
    return err_set(why, ERR_FULL, "%s.%s: %d commands have not ended yet, no more are taken", tag->asset, tag->channel, GATE_OPEN_MAX);
}

Err gate__check(Gate *gate, const Actuator *actuator, const CommandWish *wish, int64_t now, ErrText *why)
{
    const Tag tag = tags_get(gate->plant->tags, wish->tag);
    if (!actuator)
        return err_set(why, ERR_UNKNOWN, "%s.%s is not an actuator", tag.asset, tag.channel);
    if (gate__is_watchdog(gate, wish->tag))
        return err_set(why, ERR_DENIED, "%s.%s is a watchdog: the gate alone moves it", tag.asset, tag.channel);
    if (!isfinite(wish->value))
        return err_set(why, ERR_RANGE, "%s.%s: a finite number was expected", tag.asset, tag.channel);
    Err err = check_standing(&tag, actuator, wish, why);
    if (!err)
        err = check_range(&tag, actuator->channel, wish->value, why);
    if (!err)
        err = check_rate(&tag, actuator, wish->value, now, why);
    if (!err)
        err = check_room(gate, &tag, actuator, why);
    return err ? err : gate__ask_interlock(gate, actuator, wish, now, why);
}

Err gate__check_again(Gate *gate, const Actuator *actuator, const CommandWish *wish, int64_t now, ErrText *why)
{
    const Tag tag = tags_get(gate->plant->tags, wish->tag);
    const Err err = check_standing(&tag, actuator, wish, why);
    return err ? err : gate__ask_interlock(gate, actuator, wish, now, why);
}
