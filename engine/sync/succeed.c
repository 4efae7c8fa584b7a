/* succeed.c -- what goes on: over a restart, and into another version of the plant. */
#include <string.h>

#include "sync/inside.h"

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
