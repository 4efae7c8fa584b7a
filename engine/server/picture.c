/* picture.c -- a change is found by comparing bytes: readings have no padding, and a NaN is like itself then. */
#include "server/picture.h"

#include <string.h>

Err picture_init(Picture *picture, const States *states)
{
    const size_t readings = (size_t)states->slots * states->channels_max;
    picture->readings = mem_alloc((readings + 1) * sizeof *picture->readings);
    picture->twins = mem_alloc((states->slots + 1u) * sizeof *picture->twins);
    picture->revision = (uint64_t)(clock_system.utc_ns(clock_system.self) / NS_PER_MS);
    picture->since = picture->revision + 1;
    if (!picture->readings || !picture->twins)
        return ERR_MEMORY;
    return state_init(&picture->state, states);
}

void picture_fini(Picture *picture)
{
    state_fini(&picture->state);
    mem_free(picture->readings);
    mem_free(picture->twins);
}

void picture_follow(Picture *picture, const Picture *before)
{
    picture->revision = before->revision;
    picture->since = before->revision + 1;
}

uint64_t picture_advance(Picture *picture)
{
    return ++picture->revision;
}

static bool shows_the_same_twins(const State *a, const State *b)
{
    return a->shown_count == b->shown_count && memcmp(a->shown, b->shown, a->shown_count * sizeof *a->shown) == 0;
}

static bool twin_changed(const State *now, const State *then, uint32_t slot, const States *states)
{
    const TwinHealth *a = &now->twins[slot], *b = &then->twins[slot];
    if (memcmp(&a->nis, &b->nis, sizeof a->nis) || memcmp(&a->nis_limit, &b->nis_limit, sizeof a->nis_limit))
        return true;
    if (a->kind != b->kind || a->fault != b->fault || a->channel != b->channel)
        return true;
    if (a->quarantined != b->quarantined || a->settling != b->settling)
        return true;
    if (strcmp(now->causes.bytes + a->cause, then->causes.bytes + b->cause) != 0)
        return true;
    const size_t first = (size_t)slot * states->sensors_max, count = plant_model(states->plant, now->shown[slot])->sensor_count;
    return count > 0 && memcmp(&now->sensors[first], &then->sensors[first], count * sizeof *now->sensors) != 0;
}

static void mark_changes(Picture *picture, const States *states, const State *state, bool all)
{
    const State *then = &picture->state;
    for (uint32_t slot = 0; slot < state->shown_count; slot++) {
        const size_t first = (size_t)slot * states->channels_max;
        const uint16_t count = plant_model(states->plant, state->shown[slot])->channel_count;
        for (size_t i = first; i < first + count; i++)
            if (all || memcmp(&state->readings[i], &then->readings[i], sizeof *state->readings) != 0)
                picture->readings[i] = picture->revision;
        if (all || twin_changed(state, then, slot, states))
            picture->twins[slot] = picture->revision;
    }
}

static void copy_state(State *to, const State *state, const States *states)
{
    to->sequence = state->sequence;
    to->gate_changes = state->gate_changes;
    to->now.dry_run = state->now.dry_run;
    to->shown_count = state->shown_count;
    memcpy(to->shown, state->shown, state->shown_count * sizeof *to->shown);
    memcpy(to->readings, state->readings, (size_t)state->shown_count * states->channels_max * sizeof *to->readings);
    memcpy(to->twins, state->twins, state->shown_count * sizeof *to->twins);
    memcpy(to->sensors, state->sensors, (size_t)state->shown_count * states->sensors_max * sizeof *to->sensors);
    text_clear(&to->causes);
    text_add(&to->causes, state->causes.bytes, state->causes.length);
}

bool picture_take(Picture *picture, const States *states, const State *state)
{
    const bool same = picture->state.sequence != 0 && shows_the_same_twins(state, &picture->state);
    picture_advance(picture);
    if (!same)
        picture->since = picture->revision;
    if (!same || !state_same_gate(state, &picture->state))
        picture->gate = picture->revision;
    mark_changes(picture, states, state, !same || picture->state.causes.failed || state->causes.failed);
    copy_state(&picture->state, state, states);
    return same;
}
