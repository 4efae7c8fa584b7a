/* tag.c -- assets in one array, found by an open-addressing table of their numbers, and runs of assets of one kind.
 *
 * A fleet has millions of tags, so a tag costs nothing: which asset and channel it is, is a division away from the first tag of its run. An
 * asset costs its name, 8 bytes, and at most 16 in the table: names are packed in an arena, and hashes are computed again when the table grows. */
#include "signal/tag.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_CHUNK = 256 * 1024, SLOTS_FIRST = 64, RUNS_FIRST = 4, WORD = 64 };
#define NO_ASSET UINT32_MAX

/* Assets that follow each other and share their channels. */
typedef struct Run {
    const TagChannel *channels;
    uint32_t channel_count;
    TagId first_tag;
    uint32_t first_asset;
} Run;

struct TagTable {
    const char **assets;
    uint32_t asset_count, asset_room;
    Run *runs;  // by rising first_tag
    uint32_t run_count, run_room;
    uint32_t *slots;      // assets, NO_ASSET where free; at most half are taken
    uint32_t slot_count;  // a power of two
    uint64_t *unbound;    // a bit per tag; NULL as long as all are as their channels say
    TagId tag_count;
    Arena names;
};

/* The slot that holds the asset whose name begins `name`, or the free one where it belongs. */
static uint32_t *find_slot(const TagTable *tags, uint32_t *slots, uint32_t slot_count, const char *name, size_t length)
{
    const uint32_t mask = slot_count - 1;
    uint32_t at = (uint32_t)hash_bytes(0, name, length) & mask;
    while (slots[at] != NO_ASSET) {
        const char *const asset = tags->assets[slots[at]];
        if (strncmp(asset, name, length) == 0 && asset[length] == 0)
            break;
        at = (at + 1) & mask;
    }
    return &slots[at];
}

static Err grow_slots(TagTable *tags)
{
    const uint32_t slot_count = tags->slot_count ? tags->slot_count * 2 : SLOTS_FIRST;
    uint32_t *const slots = mem_alloc(slot_count * sizeof *slots);
    if (!slots)
        return ERR_MEMORY;
    memset(slots, 0xff, slot_count * sizeof *slots);
    for (uint32_t i = 0; i < tags->asset_count; i++)
        *find_slot(tags, slots, slot_count, tags->assets[i], strlen(tags->assets[i])) = i;

    mem_free(tags->slots);
    tags->slots = slots;
    tags->slot_count = slot_count;
    return ERR_OK;
}

static Err grow_assets(TagTable *tags)
{
    const uint32_t room = tags->asset_room ? tags->asset_room * 2 : SLOTS_FIRST;
    const char **const grown = mem_grow(tags->assets, tags->asset_room * sizeof *grown, room * sizeof *grown);
    if (!grown)
        return ERR_MEMORY;
    tags->assets = grown;
    tags->asset_room = room;
    return ERR_OK;
}

static Err grow_runs(TagTable *tags)
{
    const uint32_t room = tags->run_room ? tags->run_room * 2 : RUNS_FIRST;
    Run *const grown = mem_grow(tags->runs, tags->run_room * sizeof *grown, room * sizeof *grown);
    if (!grown)
        return ERR_MEMORY;
    tags->runs = grown;
    tags->run_room = room;
    return ERR_OK;
}

Err tags_create(TagTable **out)
{
    assert(out);
    TagTable *const tags = *out = mem_alloc(sizeof *tags);
    if (!tags)
        return ERR_MEMORY;
    tags->names.chunk_size = NAMES_CHUNK;
    const Err err = grow_slots(tags);
    if (err) {
        tags_destroy(tags);
        *out = NULL;
    }
    return err;
}

void tags_destroy(TagTable *tags)
{
    if (!tags)
        return;
    arena_fini(&tags->names);
    mem_free(tags->assets);
    mem_free(tags->runs);
    mem_free(tags->slots);
    mem_free(tags->unbound);
    mem_free(tags);
}

/* Whether the next asset, with these channels, belongs to the last run. */
static bool continues_run(const TagTable *tags, const TagChannel *channels, uint16_t count)
{
    const Run *const last = tags->run_count ? &tags->runs[tags->run_count - 1] : NULL;
    return last && last->channels == channels && last->channel_count == count;
}

static Err make_room(TagTable *tags, bool new_run)
{
    if (tags->asset_count == tags->asset_room && grow_assets(tags) != ERR_OK)
        return ERR_MEMORY;
    if (tags->asset_count == tags->slot_count / 2 && grow_slots(tags) != ERR_OK)
        return ERR_MEMORY;
    return new_run && tags->run_count == tags->run_room ? grow_runs(tags) : ERR_OK;
}

Err tags_add(TagTable *tags, const char *asset, const TagChannel *channels, uint16_t count, TagId *first)
{
    assert(asset);
    assert(channels && count > 0);
    assert(!tags->unbound);
    if (tags_find_asset(tags, asset) >= 0)
        return ERR_RANGE;
    if (tags->tag_count > TAG_NONE - 1 - count || tags->asset_count == NO_ASSET / 4)
        return ERR_FULL;
    const bool new_run = !continues_run(tags, channels, count);
    const char *const copy = make_room(tags, new_run) == ERR_OK ? arena_text(&tags->names, asset) : NULL;
    if (!copy)
        return ERR_MEMORY;

    if (new_run)
        tags->runs[tags->run_count++] = (Run){channels, count, tags->tag_count, tags->asset_count};
    if (first)
        *first = tags->tag_count;
    *find_slot(tags, tags->slots, tags->slot_count, copy, strlen(copy)) = tags->asset_count;
    tags->assets[tags->asset_count++] = copy;
    tags->tag_count += count;
    return ERR_OK;
}

Err tags_unbind(TagTable *tags, TagId id)
{
    assert(id < tags->tag_count);
    if (!tags->unbound)
        tags->unbound = mem_alloc(((size_t)tags->tag_count / WORD + 1) * sizeof *tags->unbound);
    if (!tags->unbound)
        return ERR_MEMORY;
    tags->unbound[id / WORD] |= UINT64_C(1) << id % WORD;
    return ERR_OK;
}

static int64_t find_asset(const TagTable *tags, const char *name, size_t length)
{
    const uint32_t asset = *find_slot(tags, tags->slots, tags->slot_count, name, length);
    return asset == NO_ASSET ? -1 : (int64_t)asset;
}

int64_t tags_find_asset(const TagTable *tags, const char *asset)
{
    assert(asset);
    return find_asset(tags, asset, strlen(asset));
}

/* The last run that does not begin behind: `tag` or `asset`, the other one 0. */
static const Run *find_run(const TagTable *tags, TagId tag, uint32_t asset)
{
    uint32_t low = 0, high = tags->run_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (tags->runs[middle].first_tag <= tag && tags->runs[middle].first_asset <= asset)
            low = middle;
        else
            high = middle;
    }
    return &tags->runs[low];
}

TagId tags_find(const TagTable *tags, const char *name)
{
    assert(name);
    const char *const dot = strchr(name, '.');
    const int64_t asset = dot ? find_asset(tags, name, (size_t)(dot - name)) : -1;
    if (asset < 0)
        return TAG_NONE;

    const Run *const run = find_run(tags, TAG_NONE, (uint32_t)asset);
    for (uint32_t c = 0; c < run->channel_count; c++)
        if (strcmp(run->channels[c].name, dot + 1) == 0)
            return run->first_tag + ((uint32_t)asset - run->first_asset) * run->channel_count + c;
    return TAG_NONE;
}

/* Behind the last star, ever later places are tried. */
bool tag_fits(const char *pattern, size_t length, const char *name)
{
    const char *const end = pattern + length, *star = NULL, *retry = NULL;
    while (*name) {
        if (pattern < end && *pattern == '*')
            star = pattern++, retry = name;
        else if (pattern < end && *pattern == *name)
            pattern++, name++;
        else if (star)
            pattern = star + 1, name = ++retry;
        else
            return false;
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}

bool tag_is_meant(const char *wish, const char *name)
{
    const char *const star = strstr(wish, "*.");
    if (!star || strchr(wish, '*') != star || strchr(star + 1, '*'))  // a star anywhere else is none
        return strcmp(wish, name) == 0;
    return tag_fits(wish, strlen(wish), name);
}

static TagPlace place_in(const Run *run, TagId id)
{
    const uint32_t behind = id - run->first_tag;
    return (TagPlace){run->first_asset + behind / run->channel_count, (uint16_t)(behind % run->channel_count)};
}

TagPlace tags_place(const TagTable *tags, TagId id)
{
    assert(id < tags->tag_count);
    return place_in(find_run(tags, id, NO_ASSET), id);
}

Tag tags_get(const TagTable *tags, TagId id)
{
    assert(id < tags->tag_count);
    const Run *const run = find_run(tags, id, NO_ASSET);
    const TagPlace place = place_in(run, id);
    const TagChannel *const channel = &run->channels[place.channel];
    const bool unbound = tags->unbound && tags->unbound[id / WORD] >> id % WORD & 1;
    return (Tag){tags->assets[place.asset], channel->name, channel->unit, unbound ? TAG_NOT_BOUND : channel->role};
}

TagName tags_name(const TagTable *tags, TagId id)
{
    const Tag tag = tags_get(tags, id);
    TagName name;
    snprintf(name.text, sizeof name.text, "%s.%s", tag.asset, tag.channel);
    return name;
}

const char *tags_asset(const TagTable *tags, uint32_t asset)
{
    assert(asset < tags->asset_count);
    return tags->assets[asset];
}

uint32_t tags_count(const TagTable *tags)
{
    return tags->tag_count;
}
