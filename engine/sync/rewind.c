/* rewind.c -- samples that come late are put in their place, and the ticks from there on run again.
 *
 * Only the islands that late samples belong to go back, each to the checkpoint before the first of its own. They step together from there on, as a part of the
 * plant, with the samples that the window has kept; checkpoints on the way are made anew. What comes out is what would have come out if
 * all samples had been there in time [I8]. */
#include <assert.h>
#include <string.h>

#include "sync/inside.h"

static int64_t own_tick(const Filed *filed)
{
    return filed->tick - filed->late;
}

// --- order ---------------------------------------------------------------------------------------------------------

/* By what the sample says; 0 for two of the same tag and time. */
static int compare_keys(uint32_t block, const Sample *a, uint32_t other, const Sample *b)
{
    if (block != other)
        return block < other ? -1 : 1;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return (a->tag > b->tag) - (a->tag < b->tag);
}

static bool is_before(const Late *a, const Late *b)
{
    if (own_tick(&a->filed) != own_tick(&b->filed))
        return own_tick(&a->filed) < own_tick(&b->filed);
    const int order = compare_keys(a->block, &a->filed.sample, b->block, &b->filed.sample);
    return order ? order < 0 : a->filed.seq < b->filed.seq;
}

/* Sink an item of a heap to where it belongs. */
static void sink(Late *items, size_t at, size_t count)
{
    const Late item = items[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && is_before(&items[child], &items[child + 1]);
        if (!is_before(&item, &items[child]))
            break;
        items[at] = items[child];
        at = child;
    }
    items[at] = item;
}

/* Heap sort: in place, and no order of arrival makes it slow. */
static void sort(Late *items, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sink(items, i, count);
    for (size_t left = count; left-- > 1;) {
        const Late last = items[left];
        items[left] = items[0];
        items[0] = last;
        sink(items, 0, left);
    }
}

/* Where a sample belongs among the first `count` of a shelf: before the first that is not before it. */
static size_t find_place(const Sync *sync, const Shelf *shelf, size_t count, uint32_t block, const Sample *sample)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const Filed *const item = &shelf->items[middle];
        if (compare_keys(sync__block(sync, item), &item->sample, block, sample) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t sync__find_kept(const Sync *sync, const Shelf *shelf, uint32_t block)
{
    return find_place(sync, shelf, shelf->count, block, &(Sample){.time = INT64_MIN});
}

bool sync__has_kept(const Sync *sync, const Filed *filed)
{
    const Shelf *shelf = window_shelf(&sync->window, own_tick(filed));
    const size_t at = find_place(sync, shelf, shelf->count, sync__block(sync, filed), &filed->sample);
    return at < shelf->count && shelf->items[at].sample.time == filed->sample.time && shelf->items[at].sample.tag == filed->sample.tag;
}

// --- inserting -----------------------------------------------------------------------------------------------------

/* Of `count` sorted late samples those that are new and not too late, moved together. */
static size_t drop_useless(Sync *sync, size_t count)
{
    Window *window = &sync->window;
    SyncCounters *counters = &sync->memory->counters;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const Late *late = &window->late[i];
        const bool reached = window_reaches(window, own_tick(&late->filed), sync->memory->next_tick);
        const bool twice = kept > 0 && compare_keys(window->late[kept - 1].block, &window->late[kept - 1].filed.sample, late->block, &late->filed.sample) == 0;
        counters->used -= !reached || twice;
        if (!reached)
            counters->late++;  // filed again behind a restart whose window begins later
        else if (twice || sync__has_kept(sync, &late->filed))
            counters->duplicate++;
        else
            window->late[kept++] = *late;
    }
    return kept;
}

/* Put late samples of one tick, in their order, among those that its shelf has; from behind, so that each moves once. */
static Err insert(Sync *sync, Shelf *shelf, const Late *late, size_t count)
{
    size_t left = shelf->count;
    if (shelf_make_room(shelf, left + count) || !sync__make_room(sync, left + count))
        return ERR_MEMORY;
    for (size_t i = count; i-- > 0;) {
        const size_t at = find_place(sync, shelf, left, late[i].block, &late[i].filed.sample);
        memmove(&shelf->items[at + i + 1], &shelf->items[at], (left - at) * sizeof *shelf->items);
        shelf->items[at + i] = late[i].filed;
        left = at;
    }
    shelf->count += count;
    sync->window.count += count;
    return ERR_OK;
}

static void mark_islands(Sync *sync, const Late *late, size_t count, int64_t tick)
{
    for (size_t i = 0; i < count; i++) {
        int64_t *from = &sync->from[sync->plant->islands[late[i].block]];
        sync->rewinds.rewinds += *from == INT64_MAX;
        *from = tick < *from ? tick : *from;
    }
}

/* For whoever wants to hear of them; without memory nobody does. */
static void note_amended(Sync *sync, const Late *late, size_t count)
{
    const size_t needed = sync->amended_count + count;
    if (needed > sync->amended_room) {
        const size_t room = needed < 2 * sync->amended_room ? 2 * sync->amended_room : needed;
        Filed *grown = mem_grow(sync->amended, sync->amended_room * sizeof *grown, room * sizeof *grown);
        if (!grown)
            return;
        sync->amended = grown;
        sync->amended_room = room;
    }
    for (size_t i = 0; i < count; i++)
        sync->amended[sync->amended_count++] = late[i].filed;
}

/* Returns the first tick that must run again, or INT64_MAX. */
static int64_t insert_late(Sync *sync, size_t count)
{
    const Late *late = sync->window.late;
    int64_t oldest = INT64_MAX;
    for (size_t first = 0, end; first < count; first = end) {
        const int64_t tick = own_tick(&late[first].filed);
        for (end = first + 1; end < count && own_tick(&late[end].filed) == tick;)
            end++;
        if (insert(sync, window_shelf(&sync->window, tick), &late[first], end - first)) {
            sync->memory->counters.dropped += end - first;
            continue;
        }
        mark_islands(sync, &late[first], end - first, tick);
        note_amended(sync, &late[first], end - first);
        sync->rewinds.amended += end - first;
        oldest = tick < oldest ? tick : oldest;
    }
    return oldest;
}

// --- running again -------------------------------------------------------------------------------------------------

/* The islands whose first late sample lies in [tick, end) begin here: back to the checkpoint with them. */
static void join(Sync *sync, const Checkpoint *checkpoint, int64_t end)
{
    const Plant *plant = sync->plant;
    bool joined = false;
    for (uint32_t i = 0; i < plant->block_count; i++) {
        const int64_t from = sync->from[plant->islands[i]];
        sync->going[i] = from >= checkpoint->tick && from < end;
        joined |= sync->going[i];
    }
    if (joined) {
        plant_part_select(&sync->part, plant, sync->going);
        plant_go_back(sync->plant, &sync->part, checkpoint->bytes);
        for (uint32_t i = 0; i < plant->block_count; i++)
            sync->going[i] = sync->from[plant->islands[i]] < end;
        plant_part_select(&sync->part, plant, sync->going);
    }
}

static void run_again(Sync *sync, int64_t tick, int64_t oldest)
{
    plant_advance_part(sync->plant, &sync->part);
    sync__correct_again(sync, tick, &sync->part);
    sync->rewinds.steps += sync->part.block_count;
    if (!sync->replayed || tick < oldest)
        return;
    const int64_t present = sync->memory->next_tick;
    sync->memory->next_tick = tick + 1;  // verdicts are as of then
    sync->replayed(sync->replayed_self, tick, present, &sync->part);
    sync->memory->next_tick = present;
}

static void run_from(Sync *sync, int64_t oldest)
{
    const Window *window = &sync->window;
    size_t next = 0;
    while (next + 1 < window->checkpoint_count && window_checkpoint(window, next + 1)->tick <= oldest)
        next++;
    sync->part.block_count = 0;
    for (int64_t tick = window_checkpoint(window, next)->tick; tick < window->next; tick++) {
        if (next < window->checkpoint_count && window_checkpoint(window, next)->tick == tick) {
            const Checkpoint *checkpoint = window_checkpoint(window, next++);
            plant_keep(sync->plant, &sync->part, checkpoint->bytes);
            join(sync, checkpoint, next < window->checkpoint_count ? window_checkpoint(window, next)->tick : window->next);
        }
        run_again(sync, tick, oldest);
    }
    for (uint32_t i = 0; i < sync->plant->block_count; i++)
        sync->from[i] = INT64_MAX;
}

/* Late samples that belong before the next tick; more wait only while history is replayed. */
static size_t count_due(const Window *window, int64_t next)
{
    size_t count = 0;
    while (count < window->late_count && window->late[count].filed.tick <= next)
        count++;
    return count;
}

static void amend(Sync *sync, size_t count)
{
    Window *window = &sync->window;
    const int64_t start = clock_system.elapsed_ns(clock_system.self);
    sort(window->late, count);
    const int64_t oldest = insert_late(sync, drop_useless(sync, count));
    if (oldest != INT64_MAX)
        run_from(sync, oldest);
    window->late_count -= count;
    memmove(window->late, window->late + count, window->late_count * sizeof *window->late);
    sync->rewinds.spent_ns += clock_system.elapsed_ns(clock_system.self) - start;
}

static void keep_checkpoint(Sync *sync)
{
    const Checkpoint *checkpoint = window_turn(&sync->window);
    if (checkpoint)
        plant_keep(sync->plant, &sync->plant->whole, checkpoint->bytes);
}

void sync_amend(Sync *sync)
{
    Window *window = &sync->window;
    const int64_t next = sync->memory->next_tick;
    sync->amended_count = 0;
    if (window->ticks == 0 || next == TIME_NONE)
        return;
    if (window->next != next)
        window_clear(window, next);
    const size_t due = count_due(window, next);
    if (due)
        amend(sync, due);
    keep_checkpoint(sync);
}

void sync_on_replayed(Sync *sync, SyncReplayed *replayed, void *self)
{
    sync->replayed = replayed;
    sync->replayed_self = self;
}

Batch sync_amended(const Sync *sync)
{
    return (Batch){sync->amended, sync->amended_count};
}

const SyncRewinds *sync_rewinds(const Sync *sync)
{
    return &sync->rewinds;
}

// --- after a restart -----------------------------------------------------------------------------------------------

/* Whether samples are what a window could have kept: ticks rise from `base` on, and tags are there. */
static bool are_kept(const Sync *sync, int64_t base, const Filed *samples, size_t count)
{
    int64_t tick = base;
    for (size_t i = 0; i < count; i++) {
        const Filed *filed = &samples[i];
        if (filed->sample.tag >= tags_count(sync->plant->tags) || tags_get(sync->plant->tags, filed->sample.tag).role != TAG_SAMPLED || own_tick(filed) < tick)
            return false;
        tick = own_tick(filed);
    }
    return tick < sync->memory->next_tick || count == 0;
}

/* Run all ticks from the window's next one on, with their samples. */
static Err run_up(Sync *sync, const Filed *samples, size_t count)
{
    Window *window = &sync->window;
    for (int64_t tick = window->next; tick < sync->memory->next_tick; tick++) {
        size_t own = 0;
        while (own < count && own_tick(&samples[own]) == tick)
            own++;
        keep_checkpoint(sync);
        Filed *kept = window_keep(window, tick, own, SYNC_PENDING_MAX);
        if (!kept || !sync__make_room(sync, own))
            return ERR_MEMORY;
        memcpy(kept, samples, own * sizeof *kept);
        samples += own;
        count -= own;
        plant_advance(sync->plant);
        sync__correct_again(sync, tick, &sync->plant->whole);
    }
    return ERR_OK;
}

Err sync__rebuild(Sync *sync, int64_t base, const void *checkpoint, const Filed *samples, size_t count)
{
    Plant *plant = sync->plant;
    const int64_t next = sync->memory->next_tick;
    window_clear(&sync->window, next);
    if (base > next || next - base >= PLANT_LAG_TICKS_MAX * 2 || !are_kept(sync, base, samples, count))
        return ERR_PARSE;
    void *present = mem_alloc(plant_checkpoint_size(plant));
    if (!present)
        return ERR_MEMORY;

    const uint64_t hash = plant_hash(plant);
    plant_keep(plant, &plant->whole, present);
    plant_go_back(plant, &plant->whole, checkpoint);
    window_clear(&sync->window, base);
    Err err = run_up(sync, samples, count);
    if (!err && plant_hash(plant) != hash)
        err = ERR_PARSE;
    if (err) {
        plant_go_back(plant, &plant->whole, present);
        window_clear(&sync->window, next);
    }
    mem_free(present);
    return err;
}
