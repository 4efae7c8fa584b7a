#include "sync/sync.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
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
    struct Recent {
        int64_t time;
        TagId tag;
        uint32_t used;
    } recent[RECENT];
} Memory;

/* What sync knows of a model. */
typedef struct Kind {
    DetectLimits limits;
    uint16_t sensor[MODEL_CHANNELS_MAX];  // by channel, SENSOR_NONE for the rest
    uint16_t slot[MODEL_CHANNELS_MAX];    // by channel: which of the sampled ones it is, SLOT_NONE for the rest
    uint16_t slots;
} Kind;
enum { SENSOR_NONE = UINT16_MAX, SLOT_NONE = UINT16_MAX };

/* The newest samples that were folded in: for each sampled channel of a block, LANES of both. */
typedef struct Newest {
    int64_t *times;      // TIME_NONE when there was none
    uint8_t *qualities;
    size_t *first;       // by block, and one more for the end
} Newest;

/* One sample on its way into a block. */
typedef struct Work {
    double value;
    uint32_t item;  // of the batch
    uint16_t channel;
    uint8_t lane;
    bool folded;
} Work;

/* The works of one block, which no other thread touches. */
typedef struct Share {
    uint32_t block;
    size_t first, count;
} Share;

struct Sync {
    Plant *plant;
    Kind *kinds;         // by model, in the plant's order
    const Kind **kind;   // by block
    Provider providers[PROVIDERS_MAX];
    size_t provider_count;
    int64_t utc;           // when the tick last looked at the time of day
    int64_t replay_until;  // what was filed again is complete up to here
    Memory *memory;
    Newest newest;
    Queue queue;
    Batch batch;
    uint32_t *blocks;    // by item of the batch: where it goes
    Work *works;         // block by block, each in the order of the batch
    size_t work_room;
    size_t *ends;        // by block: of its works, all 0 between two ticks
    Share *shares;       // by block at most
    Verdict verdict;       // what sync_verdict shows
    Arena arena;
};

static const char *const fate_names[] = {"used", "late", "duplicate", "future", "bad"};
static const char *const verdict_names[] = {"none", "sensor", "process", "silence"};
static const char *const sensor_quality_names[] = {"good", "diverged", "silent"};

const char *fate_name(Fate fate) { return fate_names[fate]; }
const char *verdict_name(VerdictKind kind) { return verdict_names[kind]; }
const char *sensor_quality_name(SensorQuality quality) { return sensor_quality_names[quality]; }

static void learn_kind(const Model *model, Kind *kind)
{
    detect_limits(model, &kind->limits);
    memset(kind->sensor, 0xff, sizeof kind->sensor);
    memset(kind->slot, 0xff, sizeof kind->slot);
    for (uint16_t i = 0; i < model->sensor_count; i++)
        kind->sensor[model->sensors[i].channel] = i;
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (model->channels[i].kind == CHANNEL_SENSOR || model->channels[i].kind == CHANNEL_INPUT)
            kind->slot[i] = kind->slots++;
}

static const Kind *kind_of(const Sync *sync, const Model *model)
{
    uint32_t i = 0;
    while (sync->plant->models[i] != model)
        i++;
    return &sync->kinds[i];
}

static Err init_newest(Sync *sync)
{
    const Plant *plant = sync->plant;
    Newest *newest = &sync->newest;
    newest->first = arena_new(&sync->arena, size_t, plant->block_count + 1u);
    if (!newest->first)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < plant->block_count; i++)
        newest->first[i + 1] = newest->first[i] + (size_t)sync->kind[i]->slots * LANES;

    const size_t count = newest->first[plant->block_count];
    newest->times = arena_new(&sync->arena, int64_t, count + 1);
    newest->qualities = arena_new(&sync->arena, uint8_t, count + 1);
    if (!newest->times || !newest->qualities)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        newest->times[i] = TIME_NONE;
    return ERR_OK;
}

static Err init_parts(Sync *sync)
{
    const Plant *plant = sync->plant;
    sync->memory = arena_new(&sync->arena, Memory, 1);
    sync->kinds = arena_new(&sync->arena, Kind, plant->model_count);
    sync->kind = arena_new(&sync->arena, const Kind *, plant->block_count);
    sync->ends = arena_new(&sync->arena, size_t, plant->block_count);
    sync->shares = arena_new(&sync->arena, Share, plant->block_count);
    if (!sync->memory || !sync->kinds || !sync->kind || !sync->ends || !sync->shares)
        return ERR_MEMORY;

    sync->memory->next_tick = TIME_NONE;
    for (uint32_t i = 0; i < plant->model_count; i++)
        learn_kind(plant->models[i], &sync->kinds[i]);
    for (uint32_t i = 0; i < plant->block_count; i++)
        sync->kind[i] = kind_of(sync, plant->blocks[i].model);
    return init_newest(sync);
}

Err sync_create(Plant *plant, Sync **out)
{
    *out = NULL;
    Sync *sync = mem_alloc(sizeof *sync);
    if (!sync)
        return ERR_MEMORY;
    sync->plant = plant;
    sync->utc = sync->replay_until = TIME_NONE;
    if (init_parts(sync)) {
        sync_destroy(sync);
        return ERR_MEMORY;
    }
    *out = sync;
    return ERR_OK;
}

void sync_destroy(Sync *sync)
{
    if (!sync)
        return;
    queue_fini(&sync->queue);
    mem_free(sync->blocks);
    mem_free(sync->works);
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

static struct Recent *recent_place(const Sync *sync, const Sample *sample)
{
    uint64_t key[2] = {(uint64_t)sample->time, sample->tag};
    return &sync->memory->recent[hash_bytes(0, key, sizeof key) % RECENT];
}

static bool is_recent(const struct Recent *place, const Sample *sample)
{
    return place->used && place->time == sample->time && place->tag == sample->tag;
}

static void remember(struct Recent *place, const Sample *sample)
{
    *place = (struct Recent){sample->time, sample->tag, 1};
}

static bool is_future(const Sync *sync, int64_t time)
{
    if (time > LAST_TIME)
        return true;
    if (sync->plant->clock == PLANT_CLOCK_UTC)
        return sync->utc != TIME_NONE && time > sync->utc + AHEAD_UTC_NS;
    return sync->memory->next_tick != TIME_NONE && time > sync_now(sync) + AHEAD_PROVIDER_NS;
}

static Fate judge(const Sync *sync, const Sample *sample, const struct Recent *place, int64_t tick)
{
    if (is_recent(place, sample))
        return FATE_DUPLICATE;
    if (is_future(sync, sample->time))
        return FATE_FUTURE;
    if (sync->memory->next_tick != TIME_NONE && tick < sync->memory->next_tick)
        return FATE_LATE;
    return sample->quality == QUALITY_BAD ? FATE_BAD : FATE_USED;
}

static void count_fate(SyncCounters *counters, Fate fate)
{
    uint64_t *const by_fate[] = {&counters->used, &counters->late, &counters->duplicate, &counters->future, &counters->bad};
    counters->samples++;
    (*by_fate[fate])++;
}

static void file_sample(Sync *sync, const Sample *sample, Filed *filed)
{
    assert(sample->tag < tags_count(sync->plant->tags));
    struct Recent *place = recent_place(sync, sample);
    const int64_t tick = tick_of(sync, sample->time);
    const Fate fate = judge(sync, sample, place, tick);
    *filed = (Filed){.sample = *sample, .tick = -1, .seq = ++sync->memory->seq, .fate = (uint8_t)fate};
    count_fate(&sync->memory->counters, fate);
    if (fate == FATE_DUPLICATE || fate == FATE_FUTURE)
        return;

    remember(place, sample);
    if (fate != FATE_USED)
        return;
    filed->tick = tick;
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
    remember(recent_place(sync, &filed->sample), &filed->sample);
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

Batch sync_collect(Sync *sync)
{
    QueueLoss lost;
    const Batch batch = queue_take(&sync->queue, sync->memory->next_tick, &lost);

    // those that came twice stood together here, so they are found even when too much came in between for `recent`
    sync->memory->counters.used -= lost.doubles;
    sync->memory->counters.duplicate += lost.doubles;
    sync->memory->counters.dropped += lost.dropped;
    return batch;
}

// --- correcting ----------------------------------------------------------------------------------------------------

enum {
    ITEMS_AT_ONCE = 4096, SHARES_AT_ONCE = 16,  // by one thread
    PICK_FROM = 4 * LANES,  // so that many samples of one twin cost no more than as many of different ones
};

static bool make_room(Sync *sync, size_t count)
{
    if (count <= sync->work_room)
        return true;
    Work *works = mem_alloc(count * sizeof *works);
    uint32_t *blocks = mem_alloc(count * sizeof *blocks);
    if (!works || !blocks) {
        mem_free(works);
        mem_free(blocks);
        return false;
    }
    mem_free(sync->works);
    mem_free(sync->blocks);
    sync->works = works;
    sync->blocks = blocks;
    sync->work_room = count;
    return true;
}

/* Find the blocks of some items of the batch. */
static void locate_some(void *context, size_t index, size_t thread)
{
    Sync *sync = context;
    const Plant *plant = sync->plant;
    const size_t from = index * ITEMS_AT_ONCE, left = sync->batch.count - from, to = from + (left < ITEMS_AT_ONCE ? left : ITEMS_AT_ONCE);
    (void)thread;
    for (size_t i = from; i < to; i++)
        sync->blocks[i] = plant->twins[plant_place(plant, sync->batch.items[i].sample.tag).twin].block;
}

/* Counting sort: the items of each block stand together, in the order of the batch. Gives the number of blocks that have any. */
static size_t arrange(Sync *sync)
{
    const size_t count = sync->batch.count;
    size_t shares = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        sync->ends[sync->blocks[i]]++;
    for (uint32_t b = 0; b < sync->plant->block_count; b++) {
        if (sync->ends[b])
            sync->shares[shares++] = (Share){b, at, sync->ends[b]};
        at += sync->ends[b];
        sync->ends[b] = at - sync->ends[b];
    }
    for (size_t i = 0; i < count; i++)
        sync->works[sync->ends[sync->blocks[i]]++].item = (uint32_t)i;
    memset(sync->ends, 0, sync->plant->block_count * sizeof *sync->ends);
    return shares;
}

static double *column(const Block *block, uint16_t index)
{
    return &block->columns[(size_t)index * LANES];
}

/* Look up what the works of a block need, and show them as its newest samples. */
static void read_works(Sync *sync, const Share *share, Work *works)
{
    const Kind *kind = sync->kind[share->block];
    for (size_t i = 0; i < share->count; i++) {
        const Sample *sample = &sync->batch.items[works[i].item].sample;
        const Place place = plant_place(sync->plant, sample->tag);
        const uint32_t lane = sync->plant->twins[place.twin].lane;
        works[i] = (Work){sample->value, works[i].item, place.channel, (uint8_t)lane, false};

        assert(kind->slot[place.channel] != SLOT_NONE);
        const size_t slot = sync->newest.first[share->block] + kind->slot[place.channel] * (size_t)LANES + lane;
        if (sync->newest.times[slot] != TIME_NONE && sample->time <= sync->newest.times[slot])
            continue;
        sync->newest.times[slot] = sample->time;
        sync->newest.qualities[slot] = sample->quality;
    }
}

/* The samples of one channel that one run of a program can take: of each lane the first that is left, when it is of this channel. Their values are
 * put in their column. */
static uint64_t pick(Block *block, Work *works, size_t count, uint16_t channel)
{
    double *value = column(block, block->model->channels[channel].column);
    uint64_t picked = 0, passed = 0;
    for (size_t i = 0; i < count && i < PICK_FROM; i++) {
        const uint64_t bit = UINT64_C(1) << works[i].lane;
        if (works[i].folded || passed & bit)
            continue;
        passed |= bit;
        if (works[i].channel != channel)
            continue;
        value[works[i].lane] = works[i].value;
        works[i].folded = true;
        picked |= bit;
    }
    return picked;
}

/* One sample of one sensor in some lanes: measure, judge, correct those that may enter. */
static void fold(Sync *sync, uint32_t index, uint64_t lanes, uint16_t sensor_index, size_t thread)
{
    Block *block = &sync->plant->blocks[index];
    const Sensor *sensor = &block->model->sensors[sensor_index];
    const DetectLimits *limits = &sync->kind[index]->limits;
    const int64_t tick = sync->memory->next_tick;

    detect_spread(lanes, column(block, sensor->mask));
    program_run(&sensor->measure, block->columns, &sync->plant->scratch[thread]);

    detect_heard(block, lanes, sensor_index, tick);
    const uint64_t entering = detect_judge(limits, block, lanes & ~block->quarantined, sensor_index, tick);
    detect_index(limits, block, lanes);
    if (!entering)
        return;
    if (entering != lanes)
        detect_spread(entering, column(block, sensor->mask));
    plant_run(sync->plant, index, &sensor->correct, thread);
}

/* Each twin's samples in their order; what twins of a block have of the same sensor is folded in together. */
static void correct_block(Sync *sync, const Share *share, size_t thread)
{
    Block *block = &sync->plant->blocks[share->block];
    Work *works = &sync->works[share->first];
    read_works(sync, share, works);
    for (size_t first = 0; first < share->count; first++) {
        while (!works[first].folded) {
            const uint16_t channel = works[first].channel, sensor = sync->kind[share->block]->sensor[channel];
            const uint64_t lanes = pick(block, works + first, share->count - first, channel);
            if (sensor != SENSOR_NONE)  // an input is held until its next sample: it acts from the next step on
                fold(sync, share->block, lanes, sensor, thread);
        }
    }
    if (block->model->derive.length > 0)
        program_run(&block->model->derive, block->columns, &sync->plant->scratch[thread]);
}

/* The shares of one job. */
typedef struct Shares {
    Sync *sync;
    size_t count;
} Shares;

static void correct_some(void *context, size_t index, size_t thread)
{
    const Shares *shares = context;
    const size_t from = index * SHARES_AT_ONCE;
    for (size_t i = from; i < from + SHARES_AT_ONCE && i < shares->count; i++)
        correct_block(shares->sync, &shares->sync->shares[i], thread);
}

static size_t parts(size_t count, size_t at_once)
{
    return (count + at_once - 1) / at_once;
}

void sync_correct(Sync *sync, Plant *plant, Batch batch)
{
    assert(plant == sync->plant);
    if (make_room(sync, batch.count)) {
        sync->batch = batch;
        workers_run(plant->workers, parts(batch.count, ITEMS_AT_ONCE), locate_some, sync);
        Shares shares = {sync, arrange(sync)};
        workers_run(plant->workers, parts(shares.count, SHARES_AT_ONCE), correct_some, &shares);
    } else {
        sync->memory->counters.dropped += batch.count;
    }
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
    return ticks >= 0 && (double)ticks > kind_of(sync, block->model)->limits.silence[sensor];
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
            verdict->since = sync_time(sync, heard + (int64_t)kind_of(sync, block->model)->limits.silence[i]);
            snprintf(verdict->text, sizeof verdict->text, "%s: no sample of %s for more than %g s, expected every %g s", name, sensor_name(block->model, i),
                     kind_of(sync, block->model)->limits.silence[i] * sync->plant->step, block->model->sensors[i].every);
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
    return detect_is_settling(&kind_of(sync, block->model)->limits, block, lane, tick);
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

/* Where the newest sample of a tag is shown; false for what takes none. */
static bool find_newest(const Sync *sync, TagId tag, size_t *out)
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
    if (!find_newest(sync, tag, &index))
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

// --- over a restart ------------------------------------------------------------------------------------------------

static size_t newest_count(const Sync *sync)
{
    return sync->newest.first[sync->plant->block_count];
}

size_t sync_snapshot_size(const Sync *sync)
{
    return sizeof *sync->memory + newest_count(sync) * (sizeof *sync->newest.times + sizeof *sync->newest.qualities);
}

void sync_snapshot(const Sync *sync, void *out)
{
    const size_t count = newest_count(sync);
    char *at = out;
    memcpy(at, sync->memory, sizeof *sync->memory);
    memcpy(at += sizeof *sync->memory, sync->newest.times, count * sizeof *sync->newest.times);
    memcpy(at += count * sizeof *sync->newest.times, sync->newest.qualities, count * sizeof *sync->newest.qualities);
}

Err sync_restore(Sync *sync, const void *bytes, size_t size, ErrText *why)
{
    if (size != sync_snapshot_size(sync))
        return err_set(why, ERR_PARSE, "what sync kept has %zu bytes, expected %zu", size, sync_snapshot_size(sync));
    const size_t count = newest_count(sync);
    const char *at = bytes;
    memcpy(sync->memory, at, sizeof *sync->memory);
    memcpy(sync->newest.times, at += sizeof *sync->memory, count * sizeof *sync->newest.times);
    memcpy(sync->newest.qualities, at + count * sizeof *sync->newest.times, count * sizeof *sync->newest.qualities);
    return ERR_OK;
}

/* What is remembered of tags that are gone cannot come again. */
static void adopt_recent(Sync *sync, const Lineage *lineage)
{
    const Memory before = *sync->memory;
    memset(sync->memory->recent, 0, sizeof sync->memory->recent);
    for (size_t i = 0; i < RECENT; i++) {
        const Sample sample = {.time = before.recent[i].time, .tag = before.recent[i].used ? lineage_tag(lineage, before.recent[i].tag) : TAG_NONE};
        if (sample.tag != TAG_NONE)
            remember(recent_place(sync, &sample), &sample);
    }
}

Err sync_adopt(Sync *sync, const Lineage *lineage, const void *bytes, size_t size, ErrText *why)
{
    if (size < sizeof *sync->memory)
        return err_set(why, ERR_PARSE, "what sync kept has %zu bytes, expected %zu at least", size, sizeof *sync->memory);
    memcpy(sync->memory, bytes, sizeof *sync->memory);
    adopt_recent(sync, lineage);
    return ERR_OK;
}

/* Our number of a tag that takes samples, or TAG_NONE. */
static TagId find_sampled(const Sync *sync, const Lineage *lineage, TagId tag)
{
    const TagId heir = lineage_tag(lineage, tag);
    return heir != TAG_NONE && tags_get(sync->plant->tags, heir).role == TAG_SAMPLED ? heir : TAG_NONE;
}

static void succeed_newest(Sync *sync, const Sync *before, const Lineage *lineage)
{
    for (TagId tag = 0; tag < lineage_tags(lineage); tag++) {
        size_t from, to;
        const TagId heir = find_newest(before, tag, &from) ? find_sampled(sync, lineage, tag) : TAG_NONE;
        if (heir == TAG_NONE || !find_newest(sync, heir, &to))
            continue;
        sync->newest.times[to] = before->newest.times[from];
        sync->newest.qualities[to] = before->newest.qualities[from];
    }
}

static Err succeed_shelf(Sync *sync, const Shelf *shelf, const Lineage *lineage)
{
    Err err = ERR_OK;
    for (size_t i = 0; i < shelf->count && !err; i++) {
        Filed filed = shelf->items[i];
        filed.sample.tag = find_sampled(sync, lineage, filed.sample.tag);
        if (filed.sample.tag != TAG_NONE)
            err = queue_push(&sync->queue, &filed);
    }
    return err;
}

Err sync_succeed(Sync *sync, const Sync *before, const Lineage *lineage)
{
    memcpy(sync->providers, before->providers, sizeof sync->providers);
    sync->provider_count = before->provider_count;
    sync->utc = before->utc;
    sync->replay_until = before->replay_until;
    if (!lineage->same)
        succeed_newest(sync, before, lineage);

    Err err = succeed_shelf(sync, &before->queue.pile, lineage);
    for (size_t i = 0; i < QUEUE_TICKS && !err; i++)
        err = succeed_shelf(sync, &before->queue.shelves[i], lineage);
    return err;
}
