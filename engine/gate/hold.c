/* hold.c -- who may command an actuator, and what is held at its fail-safe value, until people say otherwise. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gate/inside.h"

static const int64_t SAFE_AGAIN_NS = 10 * NS_PER_S;  // at least, between two attempts at a fail-safe value that was not confirmed
static const char safety[] = "pollux:fail-safe";     // who asks for it

static const char *const mode_names[] = {[ACTUATOR_AUTOMATIC] = "automatic", [ACTUATOR_MANUAL] = "manual", [ACTUATOR_BLOCKED] = "blocked"};

const char *actuator_mode_name(ActuatorMode mode)
{
    assert(mode <= ACTUATOR_BLOCKED);
    return mode_names[mode];
}

bool actuator_mode_parse(const char *text, ActuatorMode *out)
{
    for (ActuatorMode mode = ACTUATOR_AUTOMATIC; mode <= ACTUATOR_BLOCKED; mode++)
        if (strcmp(text, mode_names[mode]) == 0) {
            *out = mode;
            return true;
        }
    return false;
}

const char *gate_act_name(GateActKind kind)
{
    static const char *const names[GATE_ACT_KIND_COUNT] = {[GATE_ACT_MODE] = "mode", [GATE_ACT_HOLD] = "hold", [GATE_ACT_RELEASE] = "release"};
    assert(kind < GATE_ACT_KIND_COUNT);
    return names[kind];
}

// --- states --------------------------------------------------------------------------------------------------------

/* A place that tells nothing more: its actuator is in automatic, as one without a place is. */
static ActuatorState *find_idle(Gate *gate)
{
    for (size_t i = 0; i < gate->state_count; i++) {
        ActuatorState *const state = &gate->states[i];
        if (state->mode != ACTUATOR_AUTOMATIC || state->fails_safe || gate__find(gate, state->tag)->guard)
            continue;
        gate__find(gate, state->tag)->state = NULL;
        return state;
    }
    return NULL;
}

ActuatorState *gate__state(Gate *gate, Actuator *actuator)
{
    if (actuator->state)
        return actuator->state;
    ActuatorState *const state = gate->state_count < gate->states_max ? &gate->states[gate->state_count++] : find_idle(gate);
    if (!state)
        return NULL;
    *state = (ActuatorState){.tag = actuator->tag, .mode_since = TIME_NONE, .held_since = TIME_NONE};
    return actuator->state = state;
}

Err gate__begin_states(Gate *gate)
{
    gate->states_max = gate->actuator_count < ACTUATOR_STATES_MAX ? gate->actuator_count : ACTUATOR_STATES_MAX;
    gate->states = mem_alloc((gate->states_max + 1) * sizeof *gate->states);
    if (!gate->states)
        return ERR_MEMORY;
    for (size_t i = 0; i < gate->rules.count; i++) {
        const Rule *const rule = &gate->rules.items[i];
        if (rule->mode == ACTUATOR_AUTOMATIC && !rule->fails_safe)
            continue;
        ActuatorState *const state = gate__state(gate, gate->guards[i].actuator);
        assert(state);  // there are as many places as rules
        state->mode = rule->mode;
        state->fails_safe = rule->fails_safe;
        state->safe_value = rule->fail_safe.value;
    }
    return ERR_OK;
}

const ActuatorState *gate_actuators(const Gate *gate, size_t *count, uint64_t *changes)
{
    *count = gate->state_count;
    *changes = gate->state_changes;
    return gate->states;
}

uint64_t gate_last_act(const Gate *gate)
{
    return gate->last_act;
}

void gate_number_acts_from(Gate *gate, uint64_t number)
{
    if (number > gate->last_act)
        gate->last_act = number;
}

// --- the fail-safe value -------------------------------------------------------------------------------------------

static void hold(Gate *gate, Guard *guard, const char *by, const char *reason, int64_t now)
{
    ActuatorState *const state = guard->actuator->state;
    if (state->held)
        return;
    state->held = true;
    state->held_since = now;
    snprintf(state->held_by, sizeof state->held_by, "%s", by);
    snprintf(state->held_reason, sizeof state->held_reason, "%s", reason);
    if (guard->safe_asked < now)
        guard->safe_command = 0;  // otherwise this is a replay, and what came of it is known
    guard->safe_again = now;
    gate->state_changes++;
}

static void release(Gate *gate, Guard *guard, const GateAct *act, int64_t now)
{
    ActuatorState *const state = guard->actuator->state;
    Command *const command = ledger_find(&gate->ledger, guard->safe_command);
    if (command && command->state == COMMAND_WAITING)
        gate__end(gate, command, COMMAND_EXPIRED, now, "released by %s", act->by);
    state->held = false;
    state->held_since = TIME_NONE;
    guard->safe_command = 0;
    gate->state_changes++;
}

bool gate__is_safety(const Actuator *actuator, const Command *command)
{
    return actuator->guard && actuator->guard->safe_command == command->id;
}

void gate__recall_safety(Actuator *actuator, const Command *command)
{
    if (!actuator->guard)
        return;
    actuator->guard->safe_command = strcmp(command->wish.by, safety) == 0 ? command->id : 0;
    actuator->guard->safe_asked = command->time;
}

/* Whether its last attempt has come to something, or may still. */
static bool is_told(const Gate *gate, const Guard *guard)
{
    const uint64_t id = guard->safe_command;
    return id && (guard->actuator->last.id == id || (gate->dry && guard->actuator->withheld.id == id));
}

/* Neither rate, nor interlock, nor trial may stand between a plant and its safe state; who blocks an actuator works on it. */
static void make_safe(Gate *gate, Guard *guard, int64_t now)
{
    const ActuatorState *const state = guard->actuator->state;
    if (!state || !state->held || state->mode == ACTUATOR_BLOCKED || is_told(gate, guard) || now < guard->safe_again)
        return;
    CommandWish wish = {.tag = state->tag, .value = state->safe_value, .asker = ASKER_GATE};
    snprintf(wish.by, sizeof wish.by, "%s", safety);
    memcpy(wish.reason, state->held_reason, sizeof wish.reason);
    const Command *const command = gate__accept(gate, guard->actuator, &wish, now);
    if (!command)
        return;  // too much was asked since the last settling: the next tick tries again
    guard->safe_command = command->id;
    guard->safe_asked = now;
    guard->safe_again = now + (gate->plant->command_timeout_ns > SAFE_AGAIN_NS ? gate->plant->command_timeout_ns : SAFE_AGAIN_NS);
}

void gate__make_safe(Gate *gate, int64_t now)
{
    for (size_t i = 0; i < gate->rules.count; i++)
        make_safe(gate, &gate->guards[i], now);
}

bool gate_is_making_safe(const Gate *gate)
{
    for (size_t i = 0; i < gate->rules.count; i++)
        if (gate->guards[i].safe_command != gate->guards[i].verified && gate_find(gate, gate->guards[i].safe_command))
            return true;
    return false;
}

/* What was never heard is silent from the first tick on. */
static TagId find_lost(const Gate *gate, const FailSafe *fail_safe, const Sync *sync, int64_t now, int64_t *silent_ns)
{
    for (size_t i = 0; i < fail_safe->heard_count; i++) {
        Quality quality;
        const int64_t heard = sync_sample_time(sync, fail_safe->heard[i], &quality);
        *silent_ns = now - (heard == TIME_NONE ? gate->judged_since : heard);
        if (*silent_ns > fail_safe->silence_ns)
            return fail_safe->heard[i];
    }
    return TAG_NONE;
}

void gate__judge_silence(Gate *gate, const Sync *sync, int64_t now)
{
    for (size_t i = 0; i < gate->rules.count; i++) {
        Guard *const guard = &gate->guards[i];
        if (!guard->rule->fail_safe.silence_ns)
            continue;
        guard->lost = find_lost(gate, &guard->rule->fail_safe, sync, now, &guard->lost_ns);
        if (guard->lost == TAG_NONE)
            continue;
        char reason[COMMAND_TEXT];
        const double limit = (double)guard->rule->fail_safe.silence_ns / (double)NS_PER_S;
        snprintf(reason, sizeof reason, "%.80s was silent for more than %g s", tags_name(gate->plant->tags, guard->lost).text, limit);
        hold(gate, guard, "pollux", reason, now);
    }
}

// --- what people do ------------------------------------------------------------------------------------------------

static Err set_mode(Gate *gate, const GateAct *act, int64_t now, ErrText *why)
{
    Actuator *const actuator = gate__find(gate, act->tag);
    const TagName name = tags_name(gate->plant->tags, act->tag);
    if (!actuator || gate__is_watchdog(gate, act->tag))
        return err_set(why, ERR_UNKNOWN, "%s is not an actuator that people may command", name.text);
    const bool is_blocked = actuator->state && actuator->state->mode == ACTUATOR_BLOCKED;
    if ((is_blocked || act->mode == ACTUATOR_BLOCKED) && !act->may_block)
        return err_set(why, ERR_DENIED, "%s: into and out of \"blocked\" takes the right to configure", name.text);
    ActuatorState *const state = gate__state(gate, actuator);
    if (!state)
        return err_set(why, ERR_FULL, "%d actuators are in other modes already, no more are taken", ACTUATOR_STATES_MAX);
    state->mode = act->mode;
    state->moded = true;
    state->mode_since = now;
    memcpy(state->mode_by, act->by, sizeof state->mode_by);
    memcpy(state->mode_reason, act->reason, sizeof state->mode_reason);
    gate->state_changes++;
    return ERR_OK;
}

/* Whether an act concerns this actuator. */
static bool is_meant(const GateAct *act, const Guard *guard)
{
    return guard->rule->fails_safe && (act->tag == TAG_NONE || act->tag == guard->rule->tag);
}

static size_t count_meant(const Gate *gate, const GateAct *act, bool held)
{
    size_t count = 0;
    for (size_t i = 0; i < gate->rules.count; i++)
        count += is_meant(act, &gate->guards[i]) && (!held || gate->guards[i].actuator->state->held);
    return count;
}

/* "valve1.opening", or all of them. */
static TagName meant_name(const Gate *gate, const GateAct *act)
{
    return act->tag == TAG_NONE ? (TagName){"all actuators"} : tags_name(gate->plant->tags, act->tag);
}

static Err hold_meant(Gate *gate, const GateAct *act, int64_t now, ErrText *why)
{
    if (!count_meant(gate, act, false))
        return err_set(why, ERR_UNKNOWN, "%s: the plant's script gives no fail-safe value (gate.fail_safe)", meant_name(gate, act).text);
    for (size_t i = 0; i < gate->rules.count; i++)
        if (is_meant(act, &gate->guards[i]))
            hold(gate, &gate->guards[i], act->by, act->reason, now);
    return ERR_OK;
}

static const Guard *find_silent(const Gate *gate, const GateAct *act)
{
    for (size_t i = 0; i < gate->rules.count; i++)
        if (is_meant(act, &gate->guards[i]) && gate->guards[i].actuator->state->held && gate->guards[i].lost != TAG_NONE)
            return &gate->guards[i];
    return NULL;
}

/* All or none: what caused it must be over. */
static Err release_meant(Gate *gate, const GateAct *act, int64_t now, ErrText *why)
{
    if (!count_meant(gate, act, true))
        return err_set(why, ERR_UNKNOWN, "%s: nothing is held at a fail-safe value", meant_name(gate, act).text);
    const Guard *const silent = find_silent(gate, act);
    if (silent)
        return err_set(why, ERR_CLOSED, "%s stays at its fail-safe value: %s is silent for %.3g s", tags_name(gate->plant->tags, silent->rule->tag).text,
                       tags_name(gate->plant->tags, silent->lost).text, (double)silent->lost_ns / (double)NS_PER_S);
    for (size_t i = 0; i < gate->rules.count; i++)
        if (is_meant(act, &gate->guards[i]) && gate->guards[i].actuator->state->held)
            release(gate, &gate->guards[i], act, now);
    return ERR_OK;
}

Err gate_act(Gate *gate, GateAct *act, int64_t now, ErrText *why)
{
    Err (*const deeds[GATE_ACT_KIND_COUNT])(Gate *, const GateAct *, int64_t, ErrText *) = {
        [GATE_ACT_MODE] = set_mode, [GATE_ACT_HOLD] = hold_meant, [GATE_ACT_RELEASE] = release_meant};
    assert(act->kind < GATE_ACT_KIND_COUNT);
    const Err err = deeds[act->kind](gate, act, now, why);
    if (err)
        return err;
    if (!act->number)
        act->number = gate->last_act + 1;
    gate_number_acts_from(gate, act->number);
    return ERR_OK;
}
