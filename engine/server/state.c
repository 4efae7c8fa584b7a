/* state.c -- the exchange of three buffers is one atomic word: the index of the middle one, and whether it is newer. */
#include "server/state.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRESH = 4 };

Err state_init(State *state, const States *states)
{
    state->shown = mem_alloc(states->slots * sizeof *state->shown);
    state->readings = mem_alloc((size_t)states->slots * states->channels_max * sizeof *state->readings);
    state->twins = mem_alloc(states->slots * sizeof *state->twins);
    state->sensors = mem_alloc((size_t)states->slots * (states->sensors_max + 1u) * sizeof *state->sensors);
    state->parted = mem_alloc((states->plant->block_count + 1u) * sizeof *state->parted);
    state->quarantined_lanes = mem_alloc((states->plant->block_count + 1u) * sizeof *state->quarantined_lanes);
    state->actuators = mem_alloc((states->actuators_max + 1) * sizeof *state->actuators);
    state->gate_changes = UINT64_MAX;
    text_add(&state->causes, "", 1);
    return state->actuators && state->parted && state->quarantined_lanes && state->shown && state->readings && state->twins && state->sensors &&
                   !state->causes.failed
               ? ERR_OK
               : ERR_MEMORY;
}

void state_fini(State *state)
{
    mem_free(state->parted);
    mem_free(state->quarantined_lanes);
    mem_free(state->shown);
    mem_free(state->readings);
    mem_free(state->twins);
    mem_free(state->sensors);
    mem_free(state->actuators);
    text_fini(&state->causes);
}

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The twins that are shown now. */
static void list_shown(const States *states, State *state)
{
    state->shown_count = 0;
    if (states->plant->twin_count <= SHOWN_MAX) {
        for (uint32_t twin = 0; twin < states->plant->twin_count; twin++)
            state->shown[state->shown_count++] = twin;
        return;
    }
    for (size_t i = 0; i < SHOWN_MAX; i++) {
        const uint32_t wanted = atomic_load_explicit(&states->wanted[i], memory_order_relaxed);
        if (wanted)
            state->shown[state->shown_count++] = wanted - 1;
    }
    qsort(state->shown, state->shown_count, sizeof *state->shown, by_number);
}

/* How many actuators the gate can have something to tell of. */
static size_t count_actuators(const Plant *plant)
{
    size_t count = 0;
    for (uint32_t twin = 0; twin < plant->twin_count && count < ACTUATOR_STATES_MAX; twin++)
        for (uint16_t i = 0; i < plant_model(plant, twin)->channel_count; i++)
            count += plant_model(plant, twin)->channels[i].kind == CHANNEL_ACTUATOR;
    return count < ACTUATOR_STATES_MAX ? count : ACTUATOR_STATES_MAX;
}

Err states_init(States *states, const Plant *plant)
{
    states->plant = plant;
    states->back = 0;
    states->front = 2;
    states->middle = 1;
    states->actuators_max = count_actuators(plant);
    states->slots = plant->twin_count < SHOWN_MAX ? plant->twin_count : SHOWN_MAX;
    for (uint32_t i = 0; i < plant->model_count; i++) {
        const Model *model = plant->models[i];
        states->channels_max = model->channel_count > states->channels_max ? model->channel_count : states->channels_max;
        states->sensors_max = model->sensor_count > states->sensors_max ? model->sensor_count : states->sensors_max;
    }
    for (uint32_t twin = 0; twin < SHOWN_FIRST && twin < plant->twin_count; twin++)
        states_watch(states, twin);

    for (size_t i = 0; i < 3; i++) {
        if (state_init(&states->buffers[i], states) != ERR_OK)
            return ERR_MEMORY;
        list_shown(states, &states->buffers[i]);
    }
    return ERR_OK;
}

void states_fini(States *states)
{
    for (size_t i = 0; i < 3; i++)
        state_fini(&states->buffers[i]);
}

void states_watch(States *states, uint32_t twin)
{
    for (size_t i = 0; i < SHOWN_MAX; i++)
        if (atomic_load_explicit(&states->wanted[i], memory_order_relaxed) == twin + 1)
            return;
    atomic_store_explicit(&states->wanted[states->wanted_next++ % SHOWN_MAX], twin + 1, memory_order_relaxed);
}

void states_follow(States *states, const States *before)
{
    for (uint32_t i = 0; i < SHOWN_MAX; i++) {
        const uint32_t wanted = before->wanted[(before->wanted_next + i) % SHOWN_MAX];
        const int64_t twin = wanted ? plant_find(states->plant, before->plant->twins[wanted - 1].name) : -1;
        if (twin >= 0)
            states_watch(states, (uint32_t)twin);
    }
}

int64_t state_slot(const State *state, uint32_t twin)
{
    const uint32_t *slot = bsearch(&twin, state->shown, state->shown_count, sizeof twin, by_number);
    return slot ? slot - state->shown : -1;
}

const Reading *states_reading(const States *states, const State *state, TagId tag)
{
    const Place place = plant_place(states->plant, tag);
    const int64_t slot = state_slot(state, place.twin);
    return slot < 0 ? NULL : &state->readings[(size_t)slot * states->channels_max + place.channel];
}

Health state_health(const State *state, const Plant *plant, uint32_t twin)
{
    const Twin *place = &plant->twins[twin];
    if (state->quarantined_lanes[place->block] >> place->lane & 1)
        return HEALTH_QUARANTINED;
    return state->parted[place->block] >> place->lane & 1 ? HEALTH_PARTED : HEALTH_CALM;
}

static void capture_blocks(State *state, const Plant *plant, const Sync *sync)
{
    for (uint32_t i = 0; i < plant->block_count; i++) {
        state->parted[i] = sync_parted(sync, i);
        state->quarantined_lanes[i] = plant->blocks[i].quarantined;
    }
}

/* Equations never read an actuator, so the plant does not know what it was told: the gate does. */
static double actual_value(const States *states, TagId tag, ChannelKind kind)
{
    const double told = kind == CHANNEL_ACTUATOR && states->gate ? gate_told(states->gate, tag) : NAN;
    return isnan(told) ? plant_value(states->plant, tag) : told;
}

static void capture_readings(Reading *readings, const States *states, const Sync *sync, uint32_t twin)
{
    const Plant *plant = states->plant;
    const Model *model = plant_model(plant, twin);
    for (uint16_t channel = 0; channel < model->channel_count; channel++) {
        const TagId tag = plant_tag(plant, twin, channel);
        Quality quality = QUALITY_GOOD;
        const bool sampled = tags_get(plant->tags, tag).role == TAG_SAMPLED;
        const int64_t time = sampled ? sync_sample_time(sync, tag, &quality) : TIME_NONE;
        readings[channel] = (Reading){actual_value(states, tag, model->channels[channel].kind), plant_sd(plant, tag), time, quality};
    }
}

static void capture_sensors(SensorHealth *sensors, const Plant *plant, const Sync *sync, uint32_t twin)
{
    const Model *model = plant_model(plant, twin);
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        sensors[i].quality = sync_sensor_quality(sync, twin, i);
        if (!sync_innovation(sync, twin, i, &sensors[i].innovation, &sensors[i].sd))
            sensors[i].innovation = sensors[i].sd = NAN;
    }
}

static void capture_twins(State *state, const States *states, const Sync *sync)
{
    const Plant *plant = states->plant;
    text_clear(&state->causes);
    text_add(&state->causes, "", 1);
    list_shown(states, state);
    for (uint32_t slot = 0; slot < state->shown_count; slot++) {
        const uint32_t index = state->shown[slot];
        const Verdict *verdict = sync_verdict(sync, index);
        TwinHealth *twin = &state->twins[slot];
        *twin = (TwinHealth){.nis = verdict->nis, .nis_limit = verdict->nis_limit, .kind = (uint16_t)verdict->kind, .fault = (uint16_t)verdict->cause,
                             .channel = verdict->channel, .quarantined = plant_is_quarantined(plant, index), .settling = sync_is_settling(sync, index)};
        capture_readings(&state->readings[(size_t)slot * states->channels_max], states, sync, index);
        capture_sensors(&state->sensors[(size_t)slot * states->sensors_max], plant, sync, index);
        if (!verdict->text[0])
            continue;

        // a text for which there is no memory is left out
        const size_t place = state->causes.length;
        text_add(&state->causes, verdict->text, strlen(verdict->text) + 1);
        if (!state->causes.failed)
            twin->cause = place;
    }
}

/* They change seldom: a buffer that has them already is left alone. */
static void capture_actuators(State *state, const States *states)
{
    size_t count;
    uint64_t changes;
    const ActuatorState *const list = states->gate ? gate_actuators(states->gate, &count, &changes) : NULL;
    if (!list || state->gate_changes == changes)
        return;
    state->actuator_count = count < states->actuators_max ? count : states->actuators_max;
    memcpy(state->actuators, list, state->actuator_count * sizeof *list);
    state->gate_changes = changes;
}

const ActuatorState *state_actuator(const State *state, TagId tag)
{
    for (size_t i = 0; i < state->actuator_count; i++)
        if (state->actuators[i].tag == tag)
            return &state->actuators[i];
    return NULL;
}

bool state_same_gate(const State *a, const State *b)
{
    return a->gate_changes == b->gate_changes && a->now.dry_run == b->now.dry_run;
}

void states_capture(States *states, const Sync *sync, const ServerNow *now)
{
    State *state = &states->buffers[states->back];
    capture_twins(state, states, sync);
    capture_blocks(state, states->plant, sync);
    capture_actuators(state, states);
    state->counters = *sync_counters(sync);
    state->rewinds = *sync_rewinds(sync);
    state->quarantined = plant_quarantined(states->plant);
    state->hash = plant_hash(states->plant);
    state->now = *now;
    if (state->now.connection_count > CONNECTIONS_MAX)
        state->now.connection_count = CONNECTIONS_MAX;
    if (state->now.connection_count)
        memcpy(state->connections, now->connections, state->now.connection_count * sizeof *state->connections);
    state->now.connections = state->connections;
    if (now->refused) {
        snprintf(state->refused.text, sizeof state->refused.text, "%s", now->refused);
        state->now.refused = state->refused.text;
    }
    state->sequence = ++states->sequence;

    // release: the other thread must see the whole of it; acquire: it has finished with the one that we get
    states->back = atomic_exchange_explicit(&states->middle, states->back | FRESH, memory_order_acq_rel) & ~(unsigned)FRESH;
}

const State *states_newest(States *states)
{
    if (atomic_load_explicit(&states->middle, memory_order_relaxed) & FRESH)
        states->front = atomic_exchange_explicit(&states->middle, states->front, memory_order_acq_rel) & ~(unsigned)FRESH;
    return states_shown(states);
}

const State *states_shown(const States *states)
{
    return &states->buffers[states->front];
}
