/* correct.c -- the samples of a tick are folded into the twins, block by block. */
#include <assert.h>
#include <string.h>

#include "sync/inside.h"

enum {
    ITEMS_AT_ONCE = 4096, SHARES_AT_ONCE = 16,  // by one thread
    PICK_FROM = 4 * LANES,  // so that many samples of one twin cost no more than as many of different ones
};

bool sync__make_room(Sync *sync, size_t count)
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

uint32_t sync__block(const Sync *sync, const Filed *filed)
{
    return sync->plant->twins[plant_place(sync->plant, filed->sample.tag).twin].block;
}

/* Find the blocks of some items of the batch. */
static void locate_some(void *context, size_t index, size_t thread)
{
    Sync *sync = context;
    const size_t from = index * ITEMS_AT_ONCE, left = sync->batch.count - from, to = from + (left < ITEMS_AT_ONCE ? left : ITEMS_AT_ONCE);
    (void)thread;
    for (size_t i = from; i < to; i++)
        sync->blocks[i] = sync__block(sync, &sync->batch.items[i]);
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
    double *value = block_column(block, block->model->channels[channel].column);
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
    const int64_t tick = sync->folding;

    detect_spread(lanes, block_column(block, sensor->mask));
    model_measure(block->model, sensor, block->columns, &sync->plant->scratch[thread]);

    detect_heard(block, lanes, sensor_index, tick);
    const uint64_t entering = detect_judge(limits, block, lanes & ~block->quarantined, sensor_index, tick, sync->desks[thread]);
    detect_index(limits, block, lanes);
    if (!entering)
        return;
    if (entering != lanes)
        detect_spread(entering, block_column(block, sensor->mask));
    plant_correct(sync->plant, index, sensor, thread);
}

/* Each twin's samples in their order; what twins of a block have of the same sensor is folded in together. */
static void correct_block(Sync *sync, const Share *share, size_t thread)
{
    Block *block = &sync->plant->blocks[share->block];
    Work *works = &sync->works[share->first];
    for (size_t i = 0; sync->kept && i < share->count; i++)
        sync->kept[share->first + i] = sync->batch.items[works[i].item];
    read_works(sync, share, works);
    for (size_t first = 0; first < share->count; first++) {
        while (!works[first].folded) {
            const uint16_t channel = works[first].channel, sensor = sync->kind[share->block]->sensor[channel];
            const uint64_t lanes = pick(block, works + first, share->count - first, channel);
            if (sensor != SENSOR_NONE)  // an input is held until its next sample: it acts from the next step on
                fold(sync, share->block, lanes, sensor, thread);
        }
    }
    plant_settle(sync->plant, share->block, thread);
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

static void correct_shares(Sync *sync, size_t count)
{
    Shares shares = {sync, count};
    workers_run(sync->plant->workers, workers_parts(count, SHARES_AT_ONCE), correct_some, &shares);
}

void sync_correct(Sync *sync, Plant *plant, Batch batch)
{
    assert(plant == sync->plant);
    const int64_t tick = sync->memory->next_tick;
    if (sync__make_room(sync, batch.count)) {
        sync->batch = batch;
        sync->folding = tick;
        sync->kept = window_keep(&sync->window, tick, batch.count, SYNC_PENDING_MAX - sync->queue.count);
        workers_run(plant->workers, workers_parts(batch.count, ITEMS_AT_ONCE), locate_some, sync);
        correct_shares(sync, arrange(sync));
    } else {
        sync->memory->counters.dropped += batch.count;
    }
    sync->memory->next_tick++;
}

void sync__correct_again(Sync *sync, int64_t tick, const PlantPart *part)
{
    const Shelf *shelf = window_shelf(&sync->window, tick);
    size_t shares = 0, works = 0;
    for (uint32_t i = 0; i < part->block_count && shelf->count > 0; i++) {
        const uint32_t block = part->blocks[i];
        const size_t first = works;
        for (size_t at = sync__find_kept(sync, shelf, block); at < shelf->count && sync__block(sync, &shelf->items[at]) == block; at++)
            sync->works[works++].item = (uint32_t)at;
        if (works > first)
            sync->shares[shares++] = (Share){block, first, works - first};
    }
    sync->batch = (Batch){shelf->items, shelf->count};
    sync->folding = tick;
    sync->kept = NULL;
    correct_shares(sync, shares);
}
