#include "forecast/verification.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "forecast/swarm.h"

typedef struct Promise {
    int64_t due;
    double mean, sd;  // of what the sensor reads
} Promise;

/* The record of one sensor at one lead. */
typedef struct Record {
    Promise *promises;  // a ring
    size_t room, first, count;
    double weight, sum, squares;  // of errors in sd
    double prior;
    int64_t time;  // of the newest error
} Record;

struct Verification {
    Verified *sensors;
    uint16_t *columns;  // by sensor: of what it measures
    size_t sensor_count;
    TagId *tags;
    size_t tag_count;
    double leads[LESSON_LEADS_MAX], half_lives[LESSON_LEADS_MAX];
    size_t lead_count;
    Record *records;  // sensors x leads
    Arena arena;
};

static Record *record_of(const Verification *verification, size_t sensor, size_t lead)
{
    return &verification->records[sensor * verification->lead_count + lead];
}

// --- whom it knows -------------------------------------------------------------------------------------------------

static uint16_t bias_of(const Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    const Model *model = plant_model(plant, place.twin);
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == place.channel)
            return model->sensors[i].bias;
    return UINT16_MAX;
}

static int by_tag(const void *a, const void *b)
{
    const Verified *x = a, *y = b;
    return (x->tag > y->tag) - (x->tag < y->tag);
}

static size_t count_sensors(const Plant *plant, const uint32_t *twins, size_t count)
{
    size_t sensors = 0;
    for (size_t i = 0; i < count && sensors < VERIFICATION_SENSORS_MAX; i++)
        sensors += plant_model(plant, twins[i])->sensor_count;
    return sensors;
}

static void list_sensors(Verification *verification, const Plant *plant, uint32_t twin)
{
    const Model *model = plant_model(plant, twin);
    for (uint16_t i = 0; i < model->sensor_count && verification->sensor_count < VERIFICATION_SENSORS_MAX; i++) {
        const Sensor *sensor = &model->sensors[i];
        if (!channel_is_foreseen(model, sensor->channel))
            continue;
        verification->sensors[verification->sensor_count++] = (Verified){
            .tag = plant_tag(plant, twin, sensor->channel),
            .biased = sensor->bias != UINT16_MAX,
            .twin = twin,
            .noise = model->channels[sensor->channel].noise,
            .patience = fmax(2 * sensor->every, plant->step),
            .unit = model->channels[sensor->channel].unit,
        };
    }
}

/* Each sensor's tag, and its bias behind it. */
static Err list_tags(Verification *verification, const Plant *plant)
{
    verification->tags = arena_new(&verification->arena, TagId, 2 * verification->sensor_count + 1);
    for (size_t i = 0; i < verification->sensor_count && verification->tags; i++) {
        Verified *sensor = &verification->sensors[i];
        sensor->series = verification->tag_count;
        verification->tags[verification->tag_count++] = sensor->tag;
        if (sensor->biased)
            verification->tags[verification->tag_count++] = plant_tag(plant, sensor->twin, bias_of(plant, sensor->tag));
    }
    return verification->tags ? ERR_OK : ERR_MEMORY;
}

static Err make_records(Verification *verification, const Plant *plant, double every)
{
    verification->records = arena_new(&verification->arena, Record, verification->sensor_count * verification->lead_count + 1);
    verification->columns = arena_new(&verification->arena, uint16_t, verification->sensor_count + 1);
    if (!verification->records || !verification->columns)
        return ERR_MEMORY;
    for (size_t i = 0; i < verification->sensor_count; i++) {
        const Place place = plant_place(plant, verification->sensors[i].tag);
        const Model *model = plant_model(plant, place.twin);
        verification->columns[i] = model->channels[channel_foreseen(model, place.channel)].column;
        for (size_t lead = 0; lead < verification->lead_count; lead++) {
            Record *record = record_of(verification, i, lead);
            const double outstanding = ceil((verification->leads[lead] + verification->sensors[i].patience) / every) + 1;
            *record = (Record){.room = (size_t)outstanding, .prior = VERIFICATION_PRIOR, .time = TIME_NONE};
            record->promises = arena_new(&verification->arena, Promise, record->room);
            if (!record->promises)
                return ERR_MEMORY;
        }
    }
    return ERR_OK;
}

Err verification_create(const Plant *plant, const uint32_t *twins, size_t twin_count, const double *leads, size_t lead_count, double every, Verification **out)
{
    assert(lead_count >= 1 && lead_count <= LESSON_LEADS_MAX && every > 0);
    *out = NULL;
    Verification *verification = mem_alloc(sizeof *verification);
    if (!verification)
        return ERR_MEMORY;
    verification->lead_count = lead_count;
    for (size_t i = 0; i < lead_count; i++) {
        verification->leads[i] = leads[i];
        verification->half_lives[i] = fmax(leads[i], VERIFICATION_PRIOR * every);
    }
    verification->sensors = arena_new(&verification->arena, Verified, count_sensors(plant, twins, twin_count) + 1);
    for (size_t i = 0; i < twin_count && verification->sensors; i++)
        list_sensors(verification, plant, twins[i]);
    if (verification->sensors)
        qsort(verification->sensors, verification->sensor_count, sizeof *verification->sensors, by_tag);
    Err err = verification->sensors ? list_tags(verification, plant) : ERR_MEMORY;
    if (!err)
        err = make_records(verification, plant, every);
    if (err)
        verification_destroy(verification);
    else
        *out = verification;
    return err;
}

void verification_destroy(Verification *verification)
{
    if (!verification)
        return;
    arena_fini(&verification->arena);
    mem_free(verification);
}

const Verified *verification_sensors(const Verification *verification, size_t *count)
{
    *count = verification->sensor_count;
    return verification->sensors;
}

// --- promises and samples ------------------------------------------------------------------------------------------

size_t verification_tags(const Verification *verification, const TagId **tags)
{
    *tags = verification->tags;
    return verification->tag_count;
}

void verification_promise(Verification *verification, const Forecast *forecast, size_t sensor, size_t lead, size_t time, int64_t due)
{
    assert(sensor < verification->sensor_count && lead < verification->lead_count && time < forecast->time_count);
    const Verified *of = &verification->sensors[sensor];
    const ForecastSeries *series = &forecast->cases[0].series[of->series];
    Record *record = record_of(verification, sensor, lead);
    double mean = series->raw_mean[time], variance = series->raw_sd[time] * series->raw_sd[time] + of->noise * of->noise;
    if (of->biased) {
        mean += series[1].raw_mean[time];
        variance += series[1].raw_sd[time] * series[1].raw_sd[time];
    }
    if (isfinite(mean) && isfinite(variance) && record->count < record->room)
        record->promises[(record->first + record->count++) % record->room] = (Promise){due, mean, sqrt(variance)};
}

void verification_promise_all(Verification *verification, const Forecast *forecast)
{
    if (!verification)
        return;
    assert(forecast->time_count == verification->lead_count && forecast->series_count == verification->tag_count);
    for (size_t sensor = 0; sensor < verification->sensor_count; sensor++)
        for (size_t lead = 0; lead < verification->lead_count; lead++)
            verification_promise(verification, forecast, sensor, lead, lead, forecast->time + (int64_t)llround(forecast->times[lead] * (double)NS_PER_S));
}

static void learn(Record *record, double half_life, int64_t time, double error)
{
    const double elapsed = record->time == TIME_NONE ? 0 : (double)(time - record->time) / (double)NS_PER_S;
    const double kept = exp2(-fmax(elapsed, 0) / half_life);
    record->weight = record->weight * kept + 1;
    record->sum = record->sum * kept + error;
    record->squares = record->squares * kept + error * error;
    record->prior = fmax(record->prior * kept, VERIFICATION_PRIOR - record->weight);  // when nothing has come for long the prior is back
    record->time = time;
}

static void meet(Verification *verification, size_t sensor, const Sample *sample, bool counts)
{
    const int64_t patience = (int64_t)(verification->sensors[sensor].patience * (double)NS_PER_S);
    for (size_t lead = 0; lead < verification->lead_count; lead++) {
        Record *record = record_of(verification, sensor, lead);
        while (record->count > 0 && record->promises[record->first].due <= sample->time) {
            const Promise *promise = &record->promises[record->first];
            if (counts && promise->sd > 0 && sample->time - promise->due <= patience)
                learn(record, verification->half_lives[lead], sample->time, (sample->value - promise->mean) / promise->sd);
            record->first = (record->first + 1) % record->room;
            record->count--;
        }
    }
}

static void forget_promises(Verification *verification, size_t sensor)
{
    for (size_t lead = 0; lead < verification->lead_count; lead++)
        record_of(verification, sensor, lead)->count = 0;
}

/* The first sensor whose tag is not below. */
static size_t first_from(const Verification *verification, TagId tag)
{
    size_t low = 0, high = verification->sensor_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (verification->sensors[middle].tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void verification_meet(Verification *verification, const Plant *plant, const Sync *sync, Batch batch)
{
    if (!verification || verification->sensor_count == 0)
        return;
    const TagId lowest = verification->sensors[0].tag, highest = verification->sensors[verification->sensor_count - 1].tag;
    for (size_t i = 0; i < batch.count; i++) {
        const Sample *sample = &batch.items[i].sample;
        if (sample->tag < lowest || sample->tag > highest)
            continue;
        const size_t sensor = first_from(verification, sample->tag);
        if (verification->sensors[sensor].tag != sample->tag)
            continue;
        const Twin *twin = &plant->twins[verification->sensors[sensor].twin];
        if (sync_parted(sync, twin->block) >> twin->lane & 1)
            forget_promises(verification, sensor);
        else
            meet(verification, sensor, sample, sample->quality == QUALITY_GOOD);
    }
}

// --- lessons -------------------------------------------------------------------------------------------------------

static void summarize(const Verification *verification, size_t sensor, Lesson *out)
{
    out->column = verification->columns[sensor];
    out->noise = verification->sensors[sensor].noise;
    out->lead_count = (uint16_t)verification->lead_count;
    for (size_t i = 0; i < verification->lead_count; i++) {
        const Record *record = record_of(verification, sensor, i);
        const double weight = record->weight + record->prior, bias = record->sum / weight;
        out->leads[i] = verification->leads[i];
        out->bias[i] = bias;
        out->variance[i] = (record->prior + record->squares - 2 * bias * record->sum + bias * bias * record->weight) / weight;
    }
}

void verification_teach(const Verification *verification, Fork *fork)
{
    fork->lesson_count = 0;
    for (uint32_t i = 0; verification && i < fork->twin_count; i++) {
        // a twin's tags lie one behind the other, so its sensors do
        const uint32_t twin = fork->twins[i].twin;
        size_t sensor = first_from(verification, fork->plant->twins[twin].first_tag);
        for (; sensor < verification->sensor_count && verification->sensors[sensor].twin == twin && fork->lesson_count < fork->lesson_room; sensor++) {
            Lesson *lesson = &fork->lessons[fork->lesson_count++];
            summarize(verification, sensor, lesson);
            lesson->twin = i;
        }
    }
}
