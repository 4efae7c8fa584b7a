#include "sync/sync.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/detect.h"
#include "sync/queue.h"

enum {
    PROVIDERS_MAX = 256,
    RECENT = 4096,  // samples that are remembered to know them when they come twice
};

static const int64_t AHEAD_UTC_NS = 60 * NS_PER_S;             // a stamp further in the future is a clock that is wrong
static const int64_t AHEAD_PROVIDER_NS = 7 * 86400 * NS_PER_S; // time may jump over a pause, not over an age
static const int64_t LAST_TIME = INT64_MAX - 14 * 86400 * NS_PER_S;  // so that the end of a tick and what lies ahead of it are still numbers

typedef struct Provider {
    uint32_t id;
    bool joined;
    int64_t time;  // it has told everything up to here, TIME_NONE before its first word
} Provider;

/* What must be remembered over a restart, in one piece. */
typedef struct Memory {
    int64_t next_tick;  // TIME_NONE before time has begun
    uint64_t seq;
    SyncCounters counters;
    struct {
        int64_t time;
        TagId tag;
        uint32_t used;
    } recent[RECENT];
} Memory;

/* The newest sample of a tag that was folded in. */
typedef struct Newest {
    int64_t time;
    int64_t quality;
} Newest;

/* One sample on its way into a block. */
typedef struct Work {
    uint32_t block, rank;  // rank: how many samples of the same twin stand before it in this tick
    uint16_t channel;
    uint8_t lane;
    double value;
} Work;

/* The works of one block, which no other thread touches. */
typedef struct Share {
    size_t first, count;
} Share;

struct Sync {
    Plant *plant;
    DetectLimits *limits;  // by model, in the plant's order
    Provider providers[PROVIDERS_MAX];
    size_t provider_count;
    int64_t utc;           // when the tick last looked at the time of day
    int64_t replay_until;  // what was filed again is complete up to here
    Memory *memory;
    Newest *newest;        // by tag
    Queue queue;
    Filed *batch;
    size_t batch_room;
    Work *works;
    Share *shares;
    size_t work_room;
    uint32_t *ranks;       // by twin, all 0 between two ticks
    Verdict verdict;       // what sync_verdict shows
    Arena arena;
};

static const char *const fate_names[] = {"used", "late", "duplicate", "future", "bad"};
static const char *const verdict_names[] = {"none", "sensor", "process", "silence"};
static const char *const sensor_quality_names[] = {"good", "diverged", "silent"};

const char *fate_name(Fate fate) { return fate_names[fate]; }
const char *verdict_name(VerdictKind kind) { return verdict_names[kind]; }
const char *sensor_quality_name(SensorQuality quality) { return sensor_quality_names[quality]; }

Err sync_create(Plant *plant, Sync **out)
{
    *out = NULL;
    Sync *sync = mem_alloc(sizeof *sync);
    if (!sync)
        return ERR_MEMORY;
    sync->plant = plant;
    sync->utc = sync->replay_until = TIME_NONE;
    sync->memory = arena_new(&sync->arena, Memory, 1);
    sync->newest = arena_new(&sync->arena, Newest, tags_count(plant->tags));
    sync->ranks = arena_new(&sync->arena, uint32_t, plant->twin_count);
    sync->limits = arena_new(&sync->arena, DetectLimits, plant->model_count);
    if (!sync->memory || !sync->newest || !sync->ranks || !sync->limits) {
        sync_destroy(sync);
        return ERR_MEMORY;
    }

    sync->memory->next_tick = TIME_NONE;
    for (uint32_t i = 0; i < tags_count(plant->tags); i++)
        sync->newest[i].time = TIME_NONE;
    for (uint32_t i = 0; i < plant->model_count; i++)
        detect_limits(plant->models[i], &sync->limits[i]);
    *out = sync;
    return ERR_OK;
}

void sync_destroy(Sync *sync)
{
    if (!sync)
        return;
    queue_fini(&sync->queue);
    mem_free(sync->batch);
    mem_free(sync->works);
    mem_free(sync->shares);
    arena_fini(&sync->arena);
    mem_free(sync);
}

// --- filing --------------------------------------------------------------------------------------------------------

static int64_t tick_of(const Sync *sync, int64_t time)
{
    const int64_t step = sync->plant->step_ns, tick = time / step;
    return tick * step > time ? tick - 1 : tick;  // times before 1970 round down too
}

static Provider *find_provider(Sync *sync, uint32_t id)
{
    for (size_t i = 0; i < sync->provider_count; i++)
        if (sync->providers[i].id == id)
            return &sync->providers[i];
    return NULL;
}

static void provider_joined(Sync *sync, uint32_t id)
{
    Provider *provider = find_provider(sync, id);
    for (size_t i = 0; i < sync->provider_count && !provider; i++)
        if (!sync->providers[i].joined)
            provider = &sync->providers[i];
    if (!provider && sync->provider_count < PROVIDERS_MAX)
        provider = &sync->providers[sync->provider_count++];
    if (provider)
        *provider = (Provider){id, true, TIME_NONE};
    else
        log_write(LOG_WARNING, "sync", "more than %d providers: this one's time does not count", PROVIDERS_MAX);
}

/* Its own samples are in order of time, so what it says now it has told everything before. */
static void hear_time(Sync *sync, uint32_t id, int64_t time)
{
    Provider *provider = find_provider(sync, id);
    if (provider && time > provider->time)
        provider->time = time;
    if (sync->memory->next_tick == TIME_NONE && sync->plant->clock == PLANT_CLOCK_PROVIDER)
        sync_begin(sync, time);
}

static size_t recent_slot(const Sample *sample)
{
    uint64_t key[2] = {(uint64_t)sample->time, sample->tag};
    return hash_bytes(0, key, sizeof key) % RECENT;
}

static bool is_recent(const Sync *sync, const Sample *sample)
{
    const size_t slot = recent_slot(sample);
    return sync->memory->recent[slot].used && sync->memory->recent[slot].time == sample->time && sync->memory->recent[slot].tag == sample->tag;
}

static void remember(Memory *memory, const Sample *sample)
{
    const size_t slot = recent_slot(sample);
    memory->recent[slot].time = sample->time;
    memory->recent[slot].tag = sample->tag;
    memory->recent[slot].used = 1;
}

static bool is_future(const Sync *sync, int64_t time)
{
    if (time > LAST_TIME)
        return true;
    if (sync->plant->clock == PLANT_CLOCK_UTC)
        return sync->utc != TIME_NONE && time > sync->utc + AHEAD_UTC_NS;
    return sync->memory->next_tick != TIME_NONE && time > sync_now(sync) + AHEAD_PROVIDER_NS;
}

static Fate judge(const Sync *sync, const Sample *sample)
{
    if (is_recent(sync, sample))
        return FATE_DUPLICATE;
    if (is_future(sync, sample->time))
        return FATE_FUTURE;
    if (sync->memory->next_tick != TIME_NONE && tick_of(sync, sample->time) < sync->memory->next_tick)
        return FATE_LATE;
    return sample->quality == QUALITY_BAD ? FATE_BAD : FATE_USED;
}

static void count_fate(SyncCounters *counters, Fate fate)
{
    uint64_t *const by_fate[] = {&counters->used, &counters->late, &counters->duplicate, &counters->future, &counters->bad};
    counters->samples++;
    (*by_fate[fate])++;
}

static void show_newest(Sync *sync, const Sample *sample)
{
    Newest *newest = &sync->newest[sample->tag];
    if (newest->time == TIME_NONE || sample->time > newest->time)
        *newest = (Newest){sample->time, sample->quality};
}

static void file_sample(Sync *sync, const Sample *sample, Filed *filed)
{
    assert(sample->tag < tags_count(sync->plant->tags));
    const Fate fate = judge(sync, sample);
    *filed = (Filed){.sample = *sample, .tick = -1, .seq = ++sync->memory->seq, .fate = (uint8_t)fate};
    count_fate(&sync->memory->counters, fate);
    if (fate == FATE_DUPLICATE || fate == FATE_FUTURE)
        return;

    remember(sync->memory, sample);
    if (fate != FATE_USED)
        return;
    filed->tick = tick_of(sync, sample->time);
    if (queue_push(&sync->queue, filed)) {
        sync->memory->counters.dropped++;
        filed->tick = -1;
    }
}

bool sync_file(Sync *sync, const Arrival *arrival, Filed *filed)
{
    switch (arrival->kind) {
    case ARRIVAL_JOINED:
        provider_joined(sync, arrival->provider);
        return false;
    case ARRIVAL_LEFT: {
        Provider *provider = find_provider(sync, arrival->provider);
        if (provider)
            provider->joined = false;
        return false;
    }
    case ARRIVAL_TIME:
        if (!is_future(sync, arrival->sample.time))
            hear_time(sync, arrival->provider, arrival->sample.time);
        return false;
    case ARRIVAL_SAMPLE:
        if (!is_future(sync, arrival->sample.time))
            hear_time(sync, arrival->provider, arrival->sample.time);
        file_sample(sync, &arrival->sample, filed);
        return true;
    case ARRIVAL_OUTCOME:
        break;  // commands are the gate's
    }
    return false;
}

void sync_refile(Sync *sync, const Filed *filed)
{
    sync_number_from(sync, filed->seq);
    remember(sync->memory, &filed->sample);
    if (filed->tick < sync->memory->next_tick || queue_push(&sync->queue, filed))
        return;
    count_fate(&sync->memory->counters, FATE_USED);
    if (filed->sample.time > sync->replay_until)
        sync->replay_until = filed->sample.time;
}

void sync_number_from(Sync *sync, uint64_t seq)
{
    if (seq > sync->memory->seq)
        sync->memory->seq = seq;
}

// --- ticks ---------------------------------------------------------------------------------------------------------

int64_t sync_next_tick(const Sync *sync)
{
    return sync->memory->next_tick;
}

int64_t sync_time(const Sync *sync, int64_t tick)
{
    return (tick + 1) * sync->plant->step_ns;
}

int64_t sync_now(const Sync *sync)
{
    return sync->memory->next_tick == TIME_NONE ? TIME_NONE : sync_time(sync, sync->memory->next_tick - 1);
}

void sync_begin(Sync *sync, int64_t time)
{
    sync->memory->next_tick = tick_of(sync, time);
}

/* How far the providers have told everything. */
static int64_t told_until(const Sync *sync)
{
    int64_t time = INT64_MAX;
    for (size_t i = 0; i < sync->provider_count; i++) {
        const Provider *provider = &sync->providers[i];
        if (provider->joined && provider->time != TIME_NONE && provider->time < time)
            time = provider->time;
    }
    return time == INT64_MAX ? TIME_NONE : time;
}

bool sync_ready(Sync *sync, int64_t utc)
{
    sync->utc = utc;
    if (sync->memory->next_tick == TIME_NONE)
        return false;
    const int64_t end = sync_time(sync, sync->memory->next_tick);
    if (end <= sync->replay_until)
        return true;
    if (sync->plant->clock == PLANT_CLOCK_PROVIDER)
        return end <= told_until(sync);
    return utc != TIME_NONE && end <= utc - sync->plant->wait_ns;
}

int64_t sync_patience(const Sync *sync, int64_t utc, int64_t most)
{
    if (sync->plant->clock != PLANT_CLOCK_UTC || sync->memory->next_tick == TIME_NONE)
        return most;
    const int64_t left = sync_time(sync, sync->memory->next_tick) + sync->plant->wait_ns - utc;
    return left < 0 ? 0 : left < most ? left : most;
}

static Err grow_batch(Sync *sync)
{
    const size_t room = sync->batch_room ? sync->batch_room * 2 : 256;
    Filed *grown = mem_grow(sync->batch, sync->batch_room * sizeof *grown, room * sizeof *grown);
    if (!grown)
        return ERR_MEMORY;
    sync->batch = grown;
    sync->batch_room = room;
    return ERR_OK;
}

/* Those that came twice stand together now, so here they are found even when too much came in between for `recent`. */
static bool is_double(const Filed *a, const Filed *b)
{
    return a->sample.time == b->sample.time && a->sample.tag == b->sample.tag;
}

Batch sync_collect(Sync *sync)
{
    size_t count = 0;
    Filed lost;
    for (const Filed *next; (next = queue_peek(&sync->queue)) && next->tick <= sync->memory->next_tick;) {
        if (count > 0 && is_double(&sync->batch[count - 1], next)) {
            sync->memory->counters.used--;
            sync->memory->counters.duplicate++;
            queue_pop(&sync->queue, &lost);
            continue;
        }
        if (count == sync->batch_room && grow_batch(sync)) {
            sync->memory->counters.dropped++;
            queue_pop(&sync->queue, &lost);
            continue;
        }
        queue_pop(&sync->queue, &sync->batch[count++]);
    }
    return (Batch){sync->batch, count};
}

// --- correcting ----------------------------------------------------------------------------------------------------

static int by_place(const void *a, const void *b)
{
    const Work *x = a, *y = b;
    if (x->block != y->block)
        return x->block < y->block ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    return (x->lane > y->lane) - (x->lane < y->lane);
}

/* Sort the samples so that those which one run of a program can take stand together: same block, same sensor, no lane twice. */
static size_t arrange(Sync *sync, Batch batch)
{
    const Plant *plant = sync->plant;
    if (batch.count > sync->work_room) {
        Work *works = mem_grow(sync->works, sync->work_room * sizeof *works, batch.count * sizeof *works);
        if (works)
            sync->works = works;
        Share *shares = works ? mem_grow(sync->shares, sync->work_room * sizeof *shares, batch.count * sizeof *shares) : NULL;
        if (!shares) {
            sync->memory->counters.dropped += batch.count - sync->work_room;
            batch.count = sync->work_room;
        } else {
            sync->shares = shares;
            sync->work_room = batch.count;
        }
    }

    for (size_t i = 0; i < batch.count; i++) {
        const Sample *sample = &batch.items[i].sample;
        const Place place = plant->places[sample->tag];
        const Twin *twin = &plant->twins[place.twin];
        sync->works[i] = (Work){twin->block, sync->ranks[place.twin]++, place.channel, (uint8_t)twin->lane, sample->value};
    }
    for (size_t i = 0; i < batch.count; i++) {
        sync->ranks[plant->places[batch.items[i].sample.tag].twin] = 0;
        show_newest(sync, &batch.items[i].sample);
    }
    if (batch.count > 1)
        qsort(sync->works, batch.count, sizeof *sync->works, by_place);

    size_t shares = 0;
    for (size_t i = 0; i < batch.count; i++)
        if (i == 0 || sync->works[i].block != sync->works[i - 1].block)
            sync->shares[shares++] = (Share){i, 1};
        else
            sync->shares[shares - 1].count++;
    return shares;
}

static double *column(const Block *block, uint16_t index)
{
    return &block->columns[(size_t)index * LANES];
}

static const DetectLimits *limits_of(const Sync *sync, const Model *model)
{
    for (uint32_t i = 0; i < sync->plant->model_count; i++)
        if (sync->plant->models[i] == model)
            return &sync->limits[i];
    return NULL;
}

static int sensor_of(const Model *model, uint16_t channel)
{
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == channel)
            return i;
    return -1;
}

/* One sample of one sensor in some lanes: measure, judge, correct those that may enter. */
static void fold(Sync *sync, const Work *works, size_t count, uint16_t index, size_t thread)
{
    Block *block = &sync->plant->blocks[works->block];
    const Model *model = block->model;
    const Sensor *sensor = &model->sensors[index];
    const DetectLimits *limits = limits_of(sync, model);
    double *mask = column(block, sensor->mask), *value = column(block, model->channels[sensor->channel].column);

    memset(mask, 0, LANES * sizeof *mask);
    for (size_t i = 0; i < count; i++) {
        value[works[i].lane] = works[i].value;
        mask[works[i].lane] = 1;
    }
    program_run(&sensor->measure, block->columns, &sync->plant->scratch[thread]);

    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const uint32_t lane = works[i].lane;
        detect_heard(block, lane, index, sync->memory->next_tick);
        const bool enters = !(block->quarantined >> lane & 1) && detect_judge(limits, block, lane, index, sync->memory->next_tick);
        mask[lane] = enters;
        column(block, model->statistic)[lane] = detect_index(limits, block, lane);
        any |= enters;
    }
    if (any)
        plant_run(sync->plant, works->block, &sensor->correct, thread);
}

static void correct_share(void *context, size_t index, size_t thread)
{
    Sync *sync = context;
    const Work *work = &sync->works[sync->shares[index].first], *end = work + sync->shares[index].count;
    while (work < end) {
        const Work *first = work;
        while (work < end && work->rank == first->rank && work->channel == first->channel)
            work++;

        const Block *block = &sync->plant->blocks[first->block];
        const int sensor = sensor_of(block->model, first->channel);
        if (sensor >= 0) {
            fold(sync, first, (size_t)(work - first), (uint16_t)sensor, thread);
            continue;
        }
        for (const Work *input = first; input < work; input++)  // held until the next sample: acts from the next step on
            column(block, block->model->channels[input->channel].column)[input->lane] = input->value;
    }
}

void sync_correct(Sync *sync, Plant *plant, Batch batch)
{
    assert(plant == sync->plant);
    const size_t shares = arrange(sync, batch);
    workers_run(plant->workers, shares, correct_share, sync);
    plant_derive(plant);
    sync->memory->next_tick++;
}

// --- what is thought of a twin -------------------------------------------------------------------------------------

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
    return ticks >= 0 && (double)ticks > limits_of(sync, block->model)->silence[sensor];
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
            verdict->since = sync_time(sync, heard + (int64_t)limits_of(sync, block->model)->silence[i]);
            snprintf(verdict->text, sizeof verdict->text, "%s: no sample of %s for more than %g s, expected every %g s", name, sensor_name(block->model, i),
                     limits_of(sync, block->model)->silence[i] * sync->plant->step, block->model->sensors[i].every);
            return;
        }
}

const Verdict *sync_verdict(const Sync *sync, uint32_t twin)
{
    uint32_t lane;
    const Block *block = block_of(sync, twin, &lane);
    const char *name = sync->plant->twins[twin].name;
    Verdict *verdict = &((Sync *)sync)->verdict;  // a view that is made when it is asked for
    *verdict = (Verdict){.kind = VERDICT_NONE, .since = TIME_NONE, .nis = column(block, block->model->statistic)[lane], .nis_limit = 1};

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
    return detect_is_settling(limits_of(sync, block->model), block, lane, tick);
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
    *innovation = column(block, s->innovation)[lane];
    *sd = sqrt(column(block, s->innovation_variance)[lane]);
    return *sd > 0;
}

int64_t sync_sample_time(const Sync *sync, TagId tag, Quality *quality)
{
    *quality = (Quality)sync->newest[tag].quality;
    return sync->newest[tag].time;
}

const SyncCounters *sync_counters(const Sync *sync)
{
    return &sync->memory->counters;
}

// --- over a restart ------------------------------------------------------------------------------------------------

static size_t newest_bytes(const Sync *sync)
{
    return tags_count(sync->plant->tags) * sizeof *sync->newest;
}

size_t sync_snapshot_size(const Sync *sync)
{
    return sizeof *sync->memory + newest_bytes(sync);
}

void sync_snapshot(const Sync *sync, void *out)
{
    memcpy(out, sync->memory, sizeof *sync->memory);
    memcpy((char *)out + sizeof *sync->memory, sync->newest, newest_bytes(sync));
}

Err sync_restore(Sync *sync, const void *bytes, size_t size, ErrText *why)
{
    if (size != sync_snapshot_size(sync))
        return err_set(why, ERR_PARSE, "what sync kept has %zu bytes, expected %zu", size, sync_snapshot_size(sync));
    memcpy(sync->memory, bytes, sizeof *sync->memory);
    memcpy(sync->newest, (const char *)bytes + sizeof *sync->memory, newest_bytes(sync));
    return ERR_OK;
}

/* What is remembered of tags that are gone cannot come again. */
static void adopt_recent(Memory *memory, const Lineage *lineage)
{
    const Memory before = *memory;
    memset(memory->recent, 0, sizeof memory->recent);
    for (size_t i = 0; i < RECENT; i++) {
        const Sample sample = {.time = before.recent[i].time, .tag = before.recent[i].used ? lineage_tag(lineage, before.recent[i].tag) : TAG_NONE};
        if (sample.tag != TAG_NONE)
            remember(memory, &sample);
    }
}

Err sync_adopt(Sync *sync, const Lineage *lineage, const void *bytes, size_t size, ErrText *why)
{
    const size_t expected = sizeof *sync->memory + lineage_tags(lineage) * sizeof *sync->newest;
    if (size != expected)
        return err_set(why, ERR_PARSE, "what sync kept has %zu bytes, expected %zu", size, expected);
    memcpy(sync->memory, bytes, sizeof *sync->memory);
    adopt_recent(sync->memory, lineage);
    for (TagId tag = 0; tag < lineage_tags(lineage); tag++) {
        const TagId heir = lineage_tag(lineage, tag);
        if (heir != TAG_NONE)
            memcpy(&sync->newest[heir], (const char *)bytes + sizeof *sync->memory + tag * sizeof *sync->newest, sizeof *sync->newest);
    }
    return ERR_OK;
}

Err sync_succeed(Sync *sync, const Sync *before, const Lineage *lineage)
{
    memcpy(sync->providers, before->providers, sizeof sync->providers);
    sync->provider_count = before->provider_count;
    sync->utc = before->utc;
    sync->replay_until = before->replay_until;
    for (size_t i = 0; i < before->queue.count; i++) {
        Filed filed = before->queue.items[i];
        filed.sample.tag = lineage_tag(lineage, filed.sample.tag);
        if (filed.sample.tag == TAG_NONE || tags_get(sync->plant->tags, filed.sample.tag)->role != TAG_SAMPLED)
            continue;
        const Err err = queue_push(&sync->queue, &filed);
        if (err)
            return err;
    }
    return ERR_OK;
}
