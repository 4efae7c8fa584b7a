#include "alarm/evidence.h"

#include <math.h>
#include <string.h>

#include "alarm/inside.h"

static const int64_t AROUND_NS = 60 * NS_PER_S;  // what is worth looking at before it began, at least
enum { AROUND_STEPS = 200, AFTER_SHARE = 4 };    // or so many steps; and so much less behind

bool evidence_is_due(const Alarm *alarm)
{
    return alarm->worded == alarm->revision && alarm->state != ALARM_OVER;
}

// --- tags ----------------------------------------------------------------------------------------------------------

static void add_channel(const Plant *plant, Evidence *out, uint16_t channel)
{
    const TagId tag = plant_tag(plant, out->twin, channel);
    for (uint16_t i = 0; i < out->tag_count; i++)
        if (out->tags[i] == tag)
            return;
    if (out->tag_count == EVIDENCE_TAGS_MAX)
        return;
    out->values[out->tag_count] = plant_value(plant, tag);
    out->sds[out->tag_count] = plant_sd(plant, tag);
    out->tags[out->tag_count++] = tag;
}

static void add_kind(const Plant *plant, Evidence *out, ChannelKind kind)
{
    const Model *const model = plant_model(plant, out->twin);
    for (uint16_t channel = 0; channel < model->channel_count; channel++)
        if (model->channels[channel].kind == kind)
            add_channel(plant, out, channel);
}

/* Those that measure a channel. */
static void add_sensors_of(const Plant *plant, Evidence *out, uint16_t channel)
{
    const Model *const model = plant_model(plant, out->twin);
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].of == channel)
            add_channel(plant, out, model->sensors[i].channel);
}

static void add_sensors(const Plant *plant, Evidence *out)
{
    for (uint16_t i = 0; i < out->sensor_count; i++)
        add_channel(plant, out, out->sensors[i].channel);
}

// --- sensors -------------------------------------------------------------------------------------------------------

static double off_by(const EvidenceSensor *sensor)
{
    return fabs(sensor->innovation) / sensor->sd;
}

/* In the order of how far they are off; the least of too many are left out. */
static void place_sensor(Evidence *out, EvidenceSensor sensor)
{
    uint16_t at = out->sensor_count;
    while (at > 0 && off_by(&out->sensors[at - 1]) < off_by(&sensor))
        at--;
    if (at == EVIDENCE_SENSORS_MAX)
        return;
    out->sensor_count += out->sensor_count < EVIDENCE_SENSORS_MAX;
    memmove(&out->sensors[at + 1], &out->sensors[at], (out->sensor_count - at - 1u) * sizeof sensor);
    out->sensors[at] = sensor;
}

static void gather_sensors(const Plant *plant, const Sync *sync, Evidence *out)
{
    const Model *const model = plant_model(plant, out->twin);
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        EvidenceSensor sensor = {.channel = model->sensors[i].channel};
        if (sync_innovation(sync, out->twin, i, &sensor.innovation, &sensor.sd))
            place_sensor(out, sensor);
    }
}

// --- what it is about ----------------------------------------------------------------------------------------------

/* The limit of an alarm, foretold or not, by its name; NULL for other alarms. */
static const AlarmDef *limit_of(const Plant *plant, const Alarm *alarm)
{
    const Model *const model = plant_model(plant, alarm->twin);
    const char *const dot = alarm_is_predicted(alarm) ? strrchr(alarm->name, '.') : NULL;
    const size_t length = dot ? (size_t)(dot - alarm->name) : strlen(alarm->name);
    for (uint16_t i = 0; i < model->alarm_count; i++)
        if (strlen(model->alarms[i].name) == length && memcmp(model->alarms[i].name, alarm->name, length) == 0)
            return &model->alarms[i];
    return NULL;
}

static void gather_foretold(const Alarms *alarms, const Alarm *alarm, Evidence *out)
{
    const Predictions *const predictions = &alarms->predictions;
    for (size_t i = 0; i < predictions->count; i++) {
        const Prediction *const prediction = &predictions->items[i];
        if (prediction->slot != alarm->id || prediction->told == TIME_NONE)
            continue;
        out->probability = prediction->outlook.share;
        out->early = prediction->outlook.early;
        out->middle = prediction->outlook.middle;
        out->late = prediction->outlook.late;
        out->told = prediction->told;
    }
}

static void set_span(const Plant *plant, int64_t since, int64_t now, Evidence *out)
{
    const int64_t steps = AROUND_STEPS * plant->step_ns, around = steps > AROUND_NS ? steps : AROUND_NS;
    out->from = since - around;
    out->to = (isnan(out->late) ? now : out->told + (int64_t)(out->late * (double)NS_PER_S)) + around / AFTER_SHARE;
}

void evidence_gather(const Alarms *alarms, const Sync *sync, const Alarm *alarm, int64_t now, Evidence *out)
{
    const Plant *const plant = alarms->plant;
    const Verdict *const verdict = sync_verdict(sync, alarm->twin);
    const AlarmDef *const limit = limit_of(plant, alarm);
    const bool parted = !limit && verdict->kind != VERDICT_NONE;
    *out = (Evidence){.alarm = alarm->id, .revision = alarm->revision, .twin = alarm->twin, .limit = limit ? limit->limit : NAN, .nis = verdict->nis,
                      .nis_limit = verdict->nis_limit, .probability = NAN, .early = NAN, .middle = NAN, .late = NAN, .told = TIME_NONE};
    gather_foretold(alarms, alarm, out);
    set_span(plant, parted && verdict->since != TIME_NONE && verdict->since < alarm->raised ? verdict->since : alarm->raised, now, out);

    gather_sensors(plant, sync, out);
    const uint16_t first = limit ? limit->channel : parted ? verdict->channel : UINT16_MAX;
    if (first != UINT16_MAX) {
        add_channel(plant, out, first);
        add_sensors_of(plant, out, first);
    }
    add_sensors(plant, out);
    add_kind(plant, out, CHANNEL_INPUT);
    add_kind(plant, out, CHANNEL_STATE);
}
