/* state.c -- the exchange of three buffers is one atomic word: the index of the middle one, and whether it is newer. */
#include "server/state.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FRESH = 4 };

Err state_init(State *state, const States *states)
{
    const Plant *plant = states->plant;
    const size_t sensors = states->first_sensor[plant->twin_count];
    state->readings = mem_alloc((tags_count(plant->tags) + 1) * sizeof *state->readings);
    state->twins = mem_alloc((plant->twin_count + 1) * sizeof *state->twins);
    state->sensors = mem_alloc((sensors + 1) * sizeof *state->sensors);
    text_add(&state->causes, "", 1);
    return state->readings && state->twins && state->sensors && !state->causes.failed ? ERR_OK : ERR_MEMORY;
}

void state_fini(State *state)
{
    mem_free(state->readings);
    mem_free(state->twins);
    mem_free(state->sensors);
    text_fini(&state->causes);
}

Err states_init(States *states, const Plant *plant)
{
    states->plant = plant;
    states->back = 0;
    states->front = 2;
    states->middle = 1;
    states->first_sensor = mem_alloc((plant->twin_count + 1) * sizeof *states->first_sensor);
    if (!states->first_sensor)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < plant->twin_count; i++)
        states->first_sensor[i + 1] = states->first_sensor[i] + plant_model(plant, i)->sensor_count;

    for (size_t i = 0; i < 3; i++)
        if (state_init(&states->buffers[i], states) != ERR_OK)
            return ERR_MEMORY;
    return ERR_OK;
}

void states_fini(States *states)
{
    for (size_t i = 0; i < 3; i++)
        state_fini(&states->buffers[i]);
    mem_free(states->first_sensor);
}

static void capture_readings(State *state, const Plant *plant, const Sync *sync)
{
    const uint32_t count = tags_count(plant->tags);
    for (TagId tag = 0; tag < count; tag++) {
        Quality quality = QUALITY_GOOD;
        const bool sampled = tags_get(plant->tags, tag).role == TAG_SAMPLED;
        const int64_t time = sampled ? sync_sample_time(sync, tag, &quality) : TIME_NONE;
        state->readings[tag] = (Reading){plant_value(plant, tag), plant_sd(plant, tag), time, quality};
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
    for (uint32_t i = 0; i < plant->twin_count; i++) {
        const Verdict *verdict = sync_verdict(sync, i);
        TwinHealth *twin = &state->twins[i];
        *twin = (TwinHealth){verdict->nis, verdict->nis_limit, verdict->kind, plant_is_quarantined(plant, i), sync_is_settling(sync, i), 0};
        capture_sensors(&state->sensors[states->first_sensor[i]], plant, sync, i);
        if (!verdict->text[0])
            continue;

        // a text for which there is no memory is left out
        const size_t place = state->causes.length;
        text_add(&state->causes, verdict->text, strlen(verdict->text) + 1);
        if (!state->causes.failed)
            twin->cause = place;
    }
}

void states_capture(States *states, const Sync *sync, const ServerNow *now)
{
    State *state = &states->buffers[states->back];
    capture_readings(state, states->plant, sync);
    capture_twins(state, states, sync);
    state->counters = *sync_counters(sync);
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
    return &states->buffers[states->front];
}
