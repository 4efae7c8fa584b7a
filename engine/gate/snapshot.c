/* snapshot.c -- what is kept of modes and fail-safe values over a restart, and over another version of the plant's script. */
#include <string.h>

#include "gate/inside.h"

enum { SNAPSHOT_VERSION = 1 };

/* What a snapshot begins with; then the states that people or the gate have changed. */
typedef struct SnapshotHead {
    uint64_t version, count, last_act;
    int64_t judged_since;
} SnapshotHead;

/* What the script says need not be kept. */
static bool is_kept(const ActuatorState *state)
{
    return state->moded || state->held;
}

static size_t count_kept(const Gate *gate)
{
    size_t count = 0;
    for (size_t i = 0; i < gate->state_count; i++)
        count += is_kept(&gate->states[i]);
    return count;
}

size_t gate_snapshot_size(const Gate *gate)
{
    return sizeof(SnapshotHead) + count_kept(gate) * sizeof(ActuatorState);
}

void gate_snapshot(const Gate *gate, void *out)
{
    const SnapshotHead head = {SNAPSHOT_VERSION, count_kept(gate), gate->last_act, gate->judged_since};
    unsigned char *at = out;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    for (size_t i = 0; i < gate->state_count; i++) {
        if (!is_kept(&gate->states[i]))
            continue;
        memcpy(at, &gate->states[i], sizeof gate->states[i]);
        at += sizeof gate->states[i];
    }
}

static bool is_ended(const char *text, size_t room)
{
    return memchr(text, 0, room) != NULL;
}

static bool state_is_sound(const ActuatorState *state)
{
    return (unsigned)state->mode <= ACTUATOR_BLOCKED && is_ended(state->mode_by, sizeof state->mode_by)
        && is_ended(state->mode_reason, sizeof state->mode_reason) && is_ended(state->held_by, sizeof state->held_by)
        && is_ended(state->held_reason, sizeof state->held_reason);
}

static ActuatorState state_at(const unsigned char *bytes, size_t index)
{
    ActuatorState state;
    memcpy(&state, bytes + sizeof(SnapshotHead) + index * sizeof state, sizeof state);
    return state;
}

static Err read_head(const unsigned char *bytes, size_t size, SnapshotHead *out, ErrText *why)
{
    bool sound = size >= sizeof *out;
    if (sound)
        memcpy(out, bytes, sizeof *out);
    sound = sound && out->version == SNAPSHOT_VERSION && out->count <= ACTUATOR_STATES_MAX && size == sizeof *out + out->count * sizeof(ActuatorState);
    for (size_t i = 0; sound && i < out->count; i++) {
        const ActuatorState state = state_at(bytes, i);
        sound = state_is_sound(&state);
    }
    return sound ? ERR_OK : err_set(why, ERR_PARSE, "what the snapshot has of the gate is not of this version of Pollux");
}

/* The script says which value is safe, and the mode where people have said none. */
static void take_state(Gate *gate, Actuator *actuator, const ActuatorState *kept)
{
    ActuatorState *const state = gate__state(gate, actuator);
    if (!state)
        return;
    if (kept->moded) {
        state->mode = kept->mode;
        state->moded = true;
        state->mode_since = kept->mode_since;
        memcpy(state->mode_by, kept->mode_by, sizeof state->mode_by);
        memcpy(state->mode_reason, kept->mode_reason, sizeof state->mode_reason);
    }
    if (kept->held && !state->fails_safe)
        log_write(LOG_WARNING, "gate", "%s is held no more: the plant's script gives it no fail-safe value", tags_name(gate->plant->tags, actuator->tag).text);
    if (kept->held && state->fails_safe) {
        state->held = true;
        state->held_since = kept->held_since;
        memcpy(state->held_by, kept->held_by, sizeof state->held_by);
        memcpy(state->held_reason, kept->held_reason, sizeof state->held_reason);
    }
}

/* `lineage` NULL: tags mean what they meant. */
static Err take(Gate *gate, const Lineage *lineage, const void *bytes, size_t size, ErrText *why)
{
    SnapshotHead head;
    const Err err = read_head(bytes, size, &head, why);
    if (err)
        return err;
    for (size_t i = 0; i < head.count; i++) {
        const ActuatorState kept = state_at(bytes, i);
        const TagId tag = lineage ? lineage_tag(lineage, kept.tag) : kept.tag;
        Actuator *const actuator = tag == TAG_NONE ? NULL : gate__find(gate, tag);
        if (actuator)
            take_state(gate, actuator, &kept);
    }
    gate->judged_since = head.judged_since;
    gate->state_changes++;
    gate_number_acts_from(gate, head.last_act);
    return ERR_OK;
}

Err gate_restore(Gate *gate, const void *bytes, size_t size, ErrText *why)
{
    return take(gate, NULL, bytes, size, why);
}

Err gate_adopt(Gate *gate, const Lineage *lineage, const void *bytes, size_t size, ErrText *why)
{
    return take(gate, lineage, bytes, size, why);
}
