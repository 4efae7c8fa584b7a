/* tag.c -- tags in one array, found by an open-addressing table of their numbers.
 *
 * A fleet has millions of tags, so a tag costs its name, 24 bytes, and at most 16 in the table: names are packed in an arena, and hashes
 * are computed again when the table grows. */
#include "signal/tag.h"

#include <assert.h>
#include <string.h>

enum { NAMES_CHUNK = 256 * 1024, SLOTS_FIRST = 64 };

struct TagTable {
    Tag *tags;
    uint32_t count, capacity;
    TagId *slots;         // TAG_NONE where free; at most half are taken
    uint32_t slot_count;  // a power of two
    Arena names;
};

/* The slot that holds `name`, or the free one where it belongs. */
static TagId *find_slot(const TagTable *tags, TagId *slots, uint32_t slot_count, const char *name)
{
    const uint32_t mask = slot_count - 1;
    uint32_t at = (uint32_t)hash_bytes(0, name, strlen(name)) & mask;
    while (slots[at] != TAG_NONE && strcmp(tags->tags[slots[at]].name, name) != 0)
        at = (at + 1) & mask;
    return &slots[at];
}

static Err grow_slots(TagTable *tags)
{
    const uint32_t slot_count = tags->slot_count ? tags->slot_count * 2 : SLOTS_FIRST;
    TagId *const slots = mem_alloc(slot_count * sizeof *slots);
    if (!slots)
        return ERR_MEMORY;
    memset(slots, 0xff, slot_count * sizeof *slots);
    for (TagId id = 0; id < tags->count; id++)
        *find_slot(tags, slots, slot_count, tags->tags[id].name) = id;

    mem_free(tags->slots);
    tags->slots = slots;
    tags->slot_count = slot_count;
    return ERR_OK;
}

static Err grow_tags(TagTable *tags)
{
    const uint32_t capacity = tags->capacity ? tags->capacity * 2 : SLOTS_FIRST;
    Tag *const grown = mem_grow(tags->tags, tags->capacity * sizeof(Tag), capacity * sizeof(Tag));
    if (!grown)
        return ERR_MEMORY;
    tags->tags = grown;
    tags->capacity = capacity;
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
    mem_free(tags->slots);
    mem_free(tags->tags);
    mem_free(tags);
}

Err tags_add(TagTable *tags, const char *name, const Unit *unit, TagRole role, TagId *out)
{
    assert(name);
    assert(unit);
    if (tags_find(tags, name) != TAG_NONE)
        return ERR_RANGE;
    if (tags->count >= TAG_NONE / 4)
        return ERR_FULL;
    if (tags->count == tags->capacity && grow_tags(tags) != ERR_OK)
        return ERR_MEMORY;
    if (tags->count == tags->slot_count / 2 && grow_slots(tags) != ERR_OK)
        return ERR_MEMORY;
    const char *const copy = arena_text(&tags->names, name);
    if (!copy)
        return ERR_MEMORY;

    const TagId id = tags->count++;
    tags->tags[id] = (Tag){copy, unit, role};
    *find_slot(tags, tags->slots, tags->slot_count, copy) = id;
    if (out)
        *out = id;
    return ERR_OK;
}

TagId tags_find(const TagTable *tags, const char *name)
{
    assert(name);
    return *find_slot(tags, tags->slots, tags->slot_count, name);
}

const Tag *tags_get(const TagTable *tags, TagId id)
{
    assert(id < tags->count);
    return &tags->tags[id];
}

uint32_t tags_count(const TagTable *tags)
{
    return tags->count;
}
