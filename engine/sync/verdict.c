/* verdict.c -- what is thought of a twin, for people: read from its columns when it is asked for. */
#include <math.h>
#include <stdio.h>

#include "sync/inside.h"

static const char *const verdict_names[] = {"none", "sensor", "process", "silence"};
static const char *const sensor_quality_names[] = {"good", "diverged", "silent"};

const char *verdict_name(VerdictKind kind) { return verdict_names[kind]; }
const char *sensor_quality_name(SensorQuality quality) { return sensor_quality_names[quality]; }

static const Block *block_of(const Sync *sync, uint32_t twin, uint32_t *lane)
{
    *lane = sync->plant->twins[twin].lane;
    return &sync->plant->blocks[sync->plant->twins[twin].block];
}

static const char *sensor_name(const Model *model, uint16_t sensor)
{
    return model->channels[model->sensors[sensor].channel].name;
}

static const char *direction(int sign)
{
    return sign > 0 ? "above" : sign < 0 ? "below" : "away from";
}

static bool is_silent(const Sync *sync, const Block *block, uint32_t lane, uint16_t sensor)
{
    if (sync->memory->next_tick == TIME_NONE)
        return false;
    const int64_t ticks = detect_silence(block, lane, sensor, sync->memory->next_tick - 1);
    return ticks >= 0 && (double)ticks > sync__kind(sync, block->model)->limits.silence[sensor];
}

static void tell_process(Verdict *verdict, const Block *block, uint32_t lane, const char *name)
{
    const Model *model = block->model;
    if (model->sensor_count == 1)
        snprintf(verdict->text, sizeof verdict->text, "%s: %s reads %s what the model expects; with one sensor, sensor and process cannot be told apart", name, sensor_name(model, 0),
                 direction(detect_sign(block, lane, 0)));
    else
        snprintf(verdict->text, sizeof verdict->text, "%s: %s sensors read %s what the model expects: the process has changed, or a part of it failed", name,
                 model->sensor_count == 2 ? "both" : "all", direction(detect_sign(block, lane, 0)));
}

static void tell_silence(const Sync *sync, Verdict *verdict, const Block *block, uint32_t lane, const char *name)
{
    for (uint16_t i = 0; i < block->model->sensor_count; i++)
        if (is_silent(sync, block, lane, i)) {
            const int64_t heard = sync->memory->next_tick - 1 - detect_silence(block, lane, i, sync->memory->next_tick - 1);
            verdict->kind = VERDICT_SILENCE;
            verdict->since = sync_time(sync, heard + (int64_t)sync__kind(sync, block->model)->limits.silence[i]);
            snprintf(verdict->text, sizeof verdict->text, "%s: no sample of %s for more than %g s, expected every %g s", name, sensor_name(block->model, i),
                     sync__kind(sync, block->model)->limits.silence[i] * sync->plant->step, block->model->sensors[i].every);
            return;
        }
}

const Verdict *sync_verdict(const Sync *sync, uint32_t twin)
{
    uint32_t lane;
    const Block *block = block_of(sync, twin, &lane);
    const char *name = sync->plant->twins[twin].name;
    Verdict *verdict = &((Sync *)sync)->verdict;  // a view that is made when it is asked for
    *verdict = (Verdict){.kind = VERDICT_NONE, .since = TIME_NONE, .nis = block_column(block, block->model->statistic)[lane], .nis_limit = 1};

    const DetectState state = detect_state(block, lane);
    if (state == DETECT_PROCESS) {
        verdict->kind = VERDICT_PROCESS;
        verdict->since = sync_time(sync, detect_since(block, lane));
        tell_process(verdict, block, lane, name);
    } else if (state == DETECT_SENSOR) {
        const uint16_t blamed = detect_blamed(block, lane);
        verdict->kind = VERDICT_SENSOR;
        verdict->since = sync_time(sync, detect_since(block, lane));
        snprintf(verdict->text, sizeof verdict->text, "%s: %s reads %s what the model and the other sensors expect: it is not used until it agrees again", name,
                 sensor_name(block->model, blamed), direction(detect_sign(block, lane, blamed)));
    } else {
        tell_silence(sync, verdict, block, lane, name);
    }
    return verdict;
}

bool sync_is_settling(const Sync *sync, uint32_t twin)
{
    uint32_t lane;
    const Block *block = block_of(sync, twin, &lane);
    const int64_t tick = sync->memory->next_tick == TIME_NONE ? 0 : sync->memory->next_tick - 1;
    return detect_is_settling(&sync__kind(sync, block->model)->limits, block, lane, tick);
}

SensorQuality sync_sensor_quality(const Sync *sync, uint32_t twin, uint16_t sensor)
{
    uint32_t lane;
    const Block *block = block_of(sync, twin, &lane);
    if (detect_state(block, lane) == DETECT_SENSOR && detect_blamed(block, lane) == sensor)
        return SENSOR_DIVERGED;
    return is_silent(sync, block, lane, sensor) ? SENSOR_SILENT : SENSOR_GOOD;
}

bool sync_innovation(const Sync *sync, uint32_t twin, uint16_t sensor, double *innovation, double *sd)
{
    uint32_t lane;
    const Block *block = block_of(sync, twin, &lane);
    const Sensor *s = &block->model->sensors[sensor];
    *innovation = block_column(block, s->innovation)[lane];
    *sd = sqrt(block_column(block, s->innovation_variance)[lane]);
    return *sd > 0;
}

/* Where the newest sample of a tag is shown; false for what takes none. */
bool sync__find_newest(const Sync *sync, TagId tag, size_t *out)
{
    const Place place = plant_place(sync->plant, tag);
    const Twin *twin = &sync->plant->twins[place.twin];
    const uint16_t slot = sync->kind[twin->block]->slot[place.channel];
    *out = sync->newest.first[twin->block] + slot * (size_t)LANES + twin->lane;
    return slot != SLOT_NONE;
}

int64_t sync_sample_time(const Sync *sync, TagId tag, Quality *quality)
{
    size_t index;
    *quality = QUALITY_GOOD;
    if (!sync__find_newest(sync, tag, &index))
        return TIME_NONE;
    *quality = (Quality)sync->newest.qualities[index];
    return sync->newest.times[index];
}

uint64_t sync_parted(const Sync *sync, uint32_t block)
{
    const int64_t tick = sync->memory->next_tick == TIME_NONE ? 0 : sync->memory->next_tick - 1;
    return detect_parted(&sync->kind[block]->limits, &sync->plant->blocks[block], tick);
}

const SyncCounters *sync_counters(const Sync *sync)
{
    return &sync->memory->counters;
}
