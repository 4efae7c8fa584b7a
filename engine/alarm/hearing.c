#include "alarm/hearing.h"

#include <assert.h>
#include <string.h>

/* A name without a star is looked up: a fleet is searched for patterns alone. */
static void mark_twins(Hearing *hearing, const Plant *plant, const char *pattern, size_t length, uint64_t bit)
{
    char name[TAG_NAME_ROOM];
    if (!memchr(pattern, '*', length) && length < sizeof name) {
        memcpy(name, pattern, length);
        name[length] = 0;
        const int64_t twin = plant_find(plant, name);
        if (twin >= 0)
            hearing->by_twin[twin] |= bit;
        return;
    }
    for (uint32_t twin = 0; twin < plant->twin_count; twin++)
        if (tag_fits(pattern, length, plant->twins[twin].name))
            hearing->by_twin[twin] |= bit;
}

static void mark_channels(Hearing *hearing, const Plant *plant, const char *pattern, uint64_t bit)
{
    uint64_t *mask = hearing->by_channel;
    for (uint32_t i = 0; i < plant->model_count; i++)
        for (uint16_t k = 0; k < plant->models[i]->channel_count; k++, mask++)
            if (tag_fits(pattern, strlen(pattern), plant->models[i]->channels[k].name))
                *mask |= bit;
}

/* Where the model of each block begins: blocks of one model mostly stand together. */
static void place_channels(Hearing *hearing, const Plant *plant)
{
    for (uint32_t block = 0; block < plant->block_count; block++) {
        uint32_t first = 0;
        for (uint32_t i = 0; plant->models[i] != plant->blocks[block].model; i++)
            first += plant->models[i]->channel_count;
        hearing->first_channel[block] = first;
    }
}

static size_t count_channels(const Plant *plant)
{
    size_t count = 0;
    for (uint32_t i = 0; i < plant->model_count; i++)
        count += plant->models[i]->channel_count;
    return count;
}

/* The patterns that at least one tag is heard by. */
static uint64_t find_used(const Hearing *hearing, const Plant *plant, uint64_t all)
{
    uint64_t used = 0;
    for (TagId tag = 0; tag < tags_count(plant->tags) && used != all; tag++) {
        const uint64_t heard = hearing__of(hearing, plant, tag);
        if (heard & ~used && tags_get(plant->tags, tag).role == TAG_SAMPLED)
            used |= heard;
    }
    return used;
}

static Err mark(Hearing *hearing, const Plant *plant, const char *pattern, uint64_t bit, ErrText *why)
{
    const char *const dot = strchr(pattern, '.');
    if (!dot)
        return err_set(why, ERR_SCRIPT, "on.sample: \"%s\": expected \"asset.channel\", where * stands for anything", pattern);
    mark_twins(hearing, plant, pattern, (size_t)(dot - pattern), bit);
    mark_channels(hearing, plant, dot + 1, bit);
    return ERR_OK;
}

Err hearing__init(Hearing *hearing, const Plant *plant, const char *const *patterns, size_t count, size_t *wrong, ErrText *why)
{
    assert(count > 0 && count <= PATTERNS_MAX);
    hearing->by_twin = mem_alloc(plant->twin_count * sizeof *hearing->by_twin);
    hearing->by_channel = mem_alloc(count_channels(plant) * sizeof *hearing->by_channel);
    hearing->first_channel = mem_alloc(plant->block_count * sizeof *hearing->first_channel);
    if (!hearing->by_twin || !hearing->by_channel || !hearing->first_channel)
        return err_set(why, ERR_MEMORY, "no memory for the sample handlers of plant %s", plant->name);

    place_channels(hearing, plant);
    for (*wrong = 0; *wrong < count; ++*wrong) {
        const Err err = mark(hearing, plant, patterns[*wrong], UINT64_C(1) << *wrong, why);
        if (err)
            return err;
    }

    const uint64_t all = UINT64_MAX >> (PATTERNS_MAX - count), unused = all & ~find_used(hearing, plant, all);
    if (!unused)
        return ERR_OK;
    *wrong = (size_t)__builtin_ctzll(unused);
    return err_set(why, ERR_SCRIPT, "on.sample: \"%s\" is no sensor or input of this plant that takes samples", patterns[*wrong]);
}

void hearing__fini(Hearing *hearing)
{
    mem_free(hearing->by_twin);
    mem_free(hearing->by_channel);
    mem_free(hearing->first_channel);
}

uint64_t hearing__of(const Hearing *hearing, const Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    return hearing->by_twin[place.twin] & hearing->by_channel[hearing->first_channel[plant->twins[place.twin].block] + place.channel];
}
