/* succeed.c -- what goes on: over a restart, and into another version of the plant. */
#include <string.h>

#include "sync/inside.h"

static size_t newest_count(const Sync *sync)
{
    return sync->newest.first[sync->plant->block_count];
}

static size_t memory_size(const Sync *sync)
{
    return sizeof *sync->memory + newest_count(sync) * (sizeof *sync->newest.times + sizeof *sync->newest.qualities);
}

// --- the window ----------------------------------------------------------------------------------------------------

/* What a snapshot has of the window, behind the memory: this, the checkpoint with which tick `base` begins, the samples from there on. */
typedef struct WindowHead {
    SyncRewinds rewinds;
    int64_t base;
    uint64_t checkpoint;  // bytes
    uint64_t samples;
} WindowHead;

static bool has_window(const Sync *sync)
{
    return sync->window.checkpoint_count > 0 && sync->window.next == sync->memory->next_tick;
}

static size_t window_size(const Sync *sync)
{
    return has_window(sync) ? sizeof(WindowHead) + plant_checkpoint_size(sync->plant) + sync->window.count * sizeof(Filed) : 0;
}

static void snapshot_window(const Sync *sync, char *at)
{
    const Window *window = &sync->window;
    const Checkpoint *oldest = window_checkpoint(window, 0);
    const WindowHead head = {sync->rewinds, oldest->tick, plant_checkpoint_size(sync->plant), window->count};
    memcpy(at, &head, sizeof head);
    memcpy(at += sizeof head, oldest->bytes, head.checkpoint);
    at += head.checkpoint;
    for (int64_t tick = head.base; tick < window->next; tick++) {
        const Shelf *shelf = window_shelf(window, tick);
        if (shelf->count > 0)
            memcpy(at, shelf->items, shelf->count * sizeof *shelf->items);
        at += shelf->count * sizeof *shelf->items;
    }
}

/* Whether `size` bytes are a window, or there is none. */
static bool read_head(const Sync *sync, const char *at, size_t size, WindowHead *out)
{
    *out = (WindowHead){0};
    if (size == 0)
        return true;
    const size_t fixed = sizeof *out + plant_checkpoint_size(sync->plant);
    if (size < fixed)
        return false;
    memcpy(out, at, sizeof *out);
    return out->checkpoint == plant_checkpoint_size(sync->plant) && (size - fixed) / sizeof(Filed) == out->samples && (size - fixed) % sizeof(Filed) == 0;
}

/* Without its window sync goes on too, and nothing that lies before the restart can change any more. */
static void restore_window(Sync *sync, const WindowHead *head, const char *at)
{
    sync->rewinds = head->rewinds;
    sync->window.late_count = 0;
    window_clear(&sync->window, sync->memory->next_tick);
    if (sync->window.ticks == 0 || head->checkpoint == 0)
        return;
    Filed *samples = mem_alloc((head->samples + 1) * sizeof *samples);
    Err err = samples ? ERR_OK : ERR_MEMORY;
    if (!err) {
        memcpy(samples, at + sizeof *head + head->checkpoint, head->samples * sizeof *samples);
        err = sync__rebuild(sync, head->base, at + sizeof *head, samples, head->samples);
    }
    mem_free(samples);
    if (err)
        log_write(LOG_WARNING, "sync", "samples of before the restart are too late now: its window could not be rebuilt (%s)", err_name(err));
}

// --- over a restart ------------------------------------------------------------------------------------------------

size_t sync_snapshot_size(const Sync *sync)
{
    return memory_size(sync) + window_size(sync);
}

void sync_snapshot(const Sync *sync, void *out)
{
    const size_t count = newest_count(sync);
    char *at = out;
    memcpy(at, sync->memory, sizeof *sync->memory);
    memcpy(at += sizeof *sync->memory, sync->newest.times, count * sizeof *sync->newest.times);
    memcpy(at += count * sizeof *sync->newest.times, sync->newest.qualities, count * sizeof *sync->newest.qualities);
    if (has_window(sync))
        snapshot_window(sync, (char *)out + memory_size(sync));
}

Err sync_restore(Sync *sync, const void *bytes, size_t size, ErrText *why)
{
    WindowHead head;
    if (size < memory_size(sync) || !read_head(sync, (const char *)bytes + memory_size(sync), size - memory_size(sync), &head))
        return err_set(why, ERR_PARSE, "what sync kept has %zu bytes, expected %zu and a window", size, memory_size(sync));
    const size_t count = newest_count(sync);
    const char *at = bytes;
    memcpy(sync->memory, at, sizeof *sync->memory);
    memcpy(sync->newest.times, at += sizeof *sync->memory, count * sizeof *sync->newest.times);
    memcpy(sync->newest.qualities, at + count * sizeof *sync->newest.times, count * sizeof *sync->newest.qualities);
    restore_window(sync, &head, (const char *)bytes + memory_size(sync));
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
            sync__remember(sync__recent(sync, &sample), &sample);
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
        const TagId heir = sync__find_newest(before, tag, &from) ? find_sampled(sync, lineage, tag) : TAG_NONE;
        if (heir == TAG_NONE || !sync__find_newest(sync, heir, &to))
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

static Err succeed_late(Sync *sync, const Window *window, const Lineage *lineage)
{
    Err err = ERR_OK;
    for (size_t i = 0; sync->window.ticks && i < window->late_count && !err; i++) {
        Filed filed = window->late[i].filed;
        filed.sample.tag = find_sampled(sync, lineage, filed.sample.tag);
        if (filed.sample.tag != TAG_NONE)
            err = window_push(&sync->window, &(Late){filed, sync__block(sync, &filed)});
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

    Err err = succeed_late(sync, &before->window, lineage);
    if (!err)
        err = succeed_shelf(sync, &before->queue.pile, lineage);
    for (size_t i = 0; i < QUEUE_TICKS && !err; i++)
        err = succeed_shelf(sync, &before->queue.shelves[i], lineage);
    return err;
}
