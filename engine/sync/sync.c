#include "sync/sync.h"

#include <assert.h>
#include <string.h>

#include "sync/inside.h"

static const int64_t AHEAD_UTC_NS = 60 * NS_PER_S;             // a stamp further in the future is a clock that is wrong
static const int64_t AHEAD_PROVIDER_NS = 7 * 86400 * NS_PER_S; // time may jump over a pause, not over an age
static const int64_t LAST_TIME = INT64_MAX - 14 * 86400 * NS_PER_S;  // so that the end of a tick and what lies ahead of it are still numbers

static const char *const fate_names[] = {"used", "late", "duplicate", "future", "bad"};

const char *fate_name(Fate fate) { return fate_names[fate]; }

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

const Kind *sync__kind(const Sync *sync, const Model *model)
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

/* Where each thread looks for causes. */
static Err init_desks(Sync *sync)
{
    const size_t threads = workers_count(sync->plant->workers);
    sync->desks = arena_new(&sync->arena, Desk *, threads);
    for (size_t i = 0; i < threads && sync->desks; i++)
        if (!(sync->desks[i] = cause_create(sync->plant, &sync->plant->scratch[i], &sync->arena)))
            return ERR_MEMORY;
    return sync->desks ? ERR_OK : ERR_MEMORY;
}

static Err init_parts(Sync *sync)
{
    const Plant *plant = sync->plant;
    sync->memory = arena_new(&sync->arena, Memory, 1);
    sync->kinds = arena_new(&sync->arena, Kind, plant->model_count);
    sync->kind = arena_new(&sync->arena, const Kind *, plant->block_count);
    sync->ends = arena_new(&sync->arena, size_t, plant->block_count);
    sync->shares = arena_new(&sync->arena, Share, plant->block_count);
    sync->going = arena_new(&sync->arena, bool, plant->block_count);
    sync->from = arena_new(&sync->arena, int64_t, plant->block_count);
    if (init_desks(sync) || !sync->memory || !sync->kinds || !sync->kind || !sync->ends || !sync->shares || !sync->going || !sync->from)
        return ERR_MEMORY;
    if (plant_part_init(&sync->part, plant, &sync->arena) || window_init(&sync->window, plant, &sync->arena))
        return ERR_MEMORY;

    sync->memory->next_tick = TIME_NONE;
    for (uint32_t i = 0; i < plant->model_count; i++)
        learn_kind(plant->models[i], &sync->kinds[i]);
    for (uint32_t i = 0; i < plant->block_count; i++) {
        sync->kind[i] = sync__kind(sync, plant->blocks[i].model);
        sync->from[i] = INT64_MAX;
    }
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
    window_fini(&sync->window);
    mem_free(sync->amended);
    mem_free(sync->blocks);
    mem_free(sync->works);
    arena_fini(&sync->arena);
    mem_free(sync);
}

// --- filing --------------------------------------------------------------------------------------------------------

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

struct Recent *sync__recent(const Sync *sync, const Sample *sample)
{
    uint64_t key[2] = {(uint64_t)sample->time, sample->tag};
    return &sync->memory->recent[hash_bytes(0, key, sizeof key) % RECENT];
}

static bool is_recent(const struct Recent *place, const Sample *sample)
{
    return place->used && place->time == sample->time && place->tag == sample->tag;
}

void sync__remember(struct Recent *place, const Sample *sample)
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

static Fate judge(const Sync *sync, const Filed *filed, const struct Recent *place)
{
    const Sample *sample = &filed->sample;
    if (is_recent(place, sample))
        return FATE_DUPLICATE;
    if (is_future(sync, sample->time))
        return FATE_FUTURE;
    if (filed->late && !window_reaches(&sync->window, filed->tick - filed->late, filed->tick))
        return FATE_LATE;
    if (filed->late && sync__has_kept(sync, filed))
        return FATE_DUPLICATE;
    return sample->quality == QUALITY_BAD ? FATE_BAD : FATE_USED;
}

static void count_fate(SyncCounters *counters, Fate fate)
{
    uint64_t *const by_fate[] = {&counters->used, &counters->late, &counters->duplicate, &counters->future, &counters->bad};
    counters->samples++;
    (*by_fate[fate])++;
}

/* A sample of a tick that has run begins with the next one. */
static void find_tick(const Sync *sync, Filed *filed)
{
    const int64_t own = plant_tick(sync->plant, filed->sample.time), next = sync->memory->next_tick;
    filed->tick = next != TIME_NONE && own < next ? next : own;
    filed->late = filed->tick - own < UINT32_MAX ? (uint32_t)(filed->tick - own) : UINT32_MAX;
}

static Err push(Sync *sync, const Filed *filed)
{
    if (filed->late == 0)
        return queue_push(&sync->queue, filed);
    if (sync->queue.count + sync->window.late_count >= SYNC_PENDING_MAX)
        return ERR_FULL;
    return window_push(&sync->window, &(Late){*filed, sync__block(sync, filed)});
}

static void file_sample(Sync *sync, const Sample *sample, bool historical, Filed *filed)
{
    assert(sample->tag < tags_count(sync->plant->tags));
    struct Recent *place = sync__recent(sync, sample);
    *filed = (Filed){.sample = *sample, .seq = ++sync->memory->seq};
    find_tick(sync, filed);
    const Fate fate = judge(sync, filed, place);
    filed->fate = (uint8_t)fate;
    count_fate(&sync->memory->counters, fate);

    // a long log must not make us forget what came live: history knows its late samples when they come twice
    if (fate == FATE_USED || (fate != FATE_DUPLICATE && fate != FATE_FUTURE && !historical))
        sync__remember(place, sample);
    if (fate == FATE_USED && push(sync, filed) == ERR_OK)
        return;

    sync->memory->counters.dropped += fate == FATE_USED;
    filed->tick = -1;
    filed->late = 0;
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
        if (!arrival->historical && !is_future(sync, arrival->sample.time))
            hear_time(sync, arrival->provider, arrival->sample.time);
        file_sample(sync, &arrival->sample, arrival->historical, filed);
        return true;
    case ARRIVAL_OUTCOME:
        break;  // commands are the gate's
    }
    return false;
}

void sync_refile(Sync *sync, const Filed *filed)
{
    sync_number_from(sync, filed->seq);
    sync__remember(sync__recent(sync, &filed->sample), &filed->sample);
    if (filed->late && sync->window.ticks == 0) {  // the script has no window any more
        count_fate(&sync->memory->counters, FATE_LATE);
        return;
    }
    if (filed->tick < sync->memory->next_tick || push(sync, filed))
        return;
    count_fate(&sync->memory->counters, FATE_USED);
    const int64_t known = filed->late ? sync_time(sync, filed->tick - 1) : filed->sample.time;  // where something is late, the tick before has run
    if (known > sync->replay_until)
        sync->replay_until = known;
}

void sync_replay_until(Sync *sync, int64_t tick)
{
    sync->replay_until = sync_time(sync, tick);
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
    sync->memory->next_tick = plant_tick(sync->plant, time);
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
