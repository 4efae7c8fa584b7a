/* verdict.c -- what is thought of a twin, for people: read from its columns when it is asked for. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool is_silent(const Sync *sync, const Block *block, uint32_t lane, uint16_t sensor)
{
    if (sync->memory->next_tick == TIME_NONE)
        return false;
    const int64_t ticks = detect_silence(block, lane, sensor, sync->memory->next_tick - 1);
    return ticks >= 0 && (double)ticks > sync__kind(sync, block->model)->limits.silence[sensor];
}

/* Append to the text of a verdict; what has no room is cut off. */
static void __attribute__((format(printf, 2, 3))) say(Verdict *out, const char *format, ...)
{
    const size_t used = strlen(out->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->text + used, sizeof out->text - used, format, arguments);
    va_end(arguments);
}

/* Rounded to so many digits, and in full where people would have to count zeros otherwise: 1990, not 1.99e+03. */
static void say_rounded(Verdict *out, double value, int digits)
{
    char rounded[32];
    snprintf(rounded, sizeof rounded, "%.*g", digits, value);
    const double size = fabs(strtod(rounded, NULL));
    if (size >= 100.0 && size < 1e6)
        say(out, "%.0f", strtod(rounded, NULL));
    else
        say(out, "%s", rounded);
}

/* "radar reads 4.2 cm too high since 12:03:10": what a sensor does, and from when on. */
static void tell_sensor(const Sync *sync, const Model *model, const DetectCause *cause, Verdict *out)
{
    const Channel *channel = &model->channels[model->sensors[cause->sensor].channel];
    const double size = unit_scale_from_si(channel->unit, fabs(cause->size));
    const char *unit = unit_name(channel->unit);
    char onset[32];
    time_format(sync_time(sync, cause->onset), onset);
    onset[19] = 0;  // whole seconds
    switch (cause->cause) {
    case CAUSE_DRIFT:
        say(out, "%s drifts %s by ", channel->name, cause->size > 0 ? "up" : "down");
        say_rounded(out, size * 60, 2);
        say(out, " %s per minute since %s", unit, onset + 11);
        break;
    case CAUSE_STUCK: say(out, "%s repeats one value, it is stuck", channel->name); break;
    case CAUSE_NOISE:
        say(out, "%s is ", channel->name);
        say_rounded(out, cause->size, 2);
        say(out, " times as noisy as it was");
        break;
    case CAUSE_SPIKES: say(out, "%s throws outliers", channel->name); break;
    default:
        say(out, "%s reads ", channel->name);
        say_rounded(out, size, 2);
        say(out, " %s too %s since %s", unit, cause->size > 0 ? "high" : "low", onset + 11);
    }
}

/* "G_box having risen from 0.9 to 2.1 W/K (or C_air)": what has to move. */
static void tell_channel(const Model *model, const DetectCause *cause, Verdict *out)
{
    const Channel *channel = &model->channels[cause->channels[0]];
    const double after = cause->before + cause->size;
    const char *unit = strcmp(unit_name(channel->unit), "1") ? unit_name(channel->unit) : "";
    say(out, "%s having %s from ", channel->name, cause->size > 0 ? "risen" : "fallen");
    say_rounded(out, unit_from_si(channel->unit, cause->before), 3);
    say(out, " to about ");
    say_rounded(out, unit_from_si(channel->unit, after), 3);
    say(out, "%s%s", *unit ? " " : "", unit);
}

static void tell_others(const Model *model, const DetectCause *cause, uint16_t from, Verdict *out)
{
    for (uint16_t i = from; i < cause->channel_count; i++)
        say(out, "%s%s", i == from ? " (or " : ", ", model->channels[cause->channels[i]].name);
    say(out, "%s", from < cause->channel_count ? ")" : "");
}

static void tell_process(const Model *model, const DetectCause *cause, Verdict *out)
{
    if (cause->cause == CAUSE_MODEL) {
        say(out, "nothing that the model knows explains what is measured: the model is wrong here");
        return;
    }
    say(out, "explained by ");
    tell_channel(model, cause, out);
    tell_others(model, cause, 1, out);
    if (cause->sensor < model->sensor_count)
        say(out, ", unless %s is wrong", sensor_name(model, cause->sensor));
}

/* Write the verdict of a twin that has parted. */
static void tell_parted(const Sync *sync, Verdict *verdict, const Block *block, uint32_t lane, const char *name)
{
    const DetectCause cause = detect_cause(block, lane);
    const bool of_sensor = detect_state(block, lane) == DETECT_SENSOR;
    verdict->kind = of_sensor ? VERDICT_SENSOR : VERDICT_PROCESS;
    verdict->cause = cause.cause;
    verdict->channel = of_sensor ? block->model->sensors[cause.sensor].channel : cause.cause == CAUSE_PROCESS ? cause.channels[0] : UINT16_MAX;
    verdict->since = sync_time(sync, detect_since(block, lane));
    say(verdict, "%s: ", name);
    if (of_sensor) {
        tell_sensor(sync, block->model, &cause, verdict);
        tell_others(block->model, &cause, 0, verdict);
        say(verdict, ": it is not used until it agrees again");
    } else {
        tell_process(block->model, &cause, verdict);
    }
}

static void tell_silence(const Sync *sync, Verdict *verdict, const Block *block, uint32_t lane, const char *name)
{
    for (uint16_t i = 0; i < block->model->sensor_count; i++)
        if (is_silent(sync, block, lane, i)) {
            const int64_t heard = sync->memory->next_tick - 1 - detect_silence(block, lane, i, sync->memory->next_tick - 1);
            verdict->kind = VERDICT_SILENCE;
            verdict->cause = CAUSE_SILENCE;
            verdict->channel = block->model->sensors[i].channel;
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
    *verdict = (Verdict){.kind = VERDICT_NONE, .channel = UINT16_MAX, .since = TIME_NONE, .nis = block_column(block, block->model->statistic)[lane], .nis_limit = 1};

    if (detect_state(block, lane) >= DETECT_PROCESS)
        tell_parted(sync, verdict, block, lane, name);
    else
        tell_silence(sync, verdict, block, lane, name);
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
