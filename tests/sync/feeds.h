/* feeds.h -- a plant with its sync, and what a provider says to it. */
#pragma once

#include "base/random.h"
#include "plant/plants.h"
#include "sync/sync.h"

enum { FEEDS_PROVIDER = 1 };
static const int64_t FEEDS_START = INT64_C(1611326940) * NS_PER_S;

typedef struct Feed {
    Plant *plant;
    Sync *sync;
} Feed;

static inline Feed feeds_open(Plant *plant)
{
    Feed feed = {.plant = plant};
    ck_assert_int_eq(sync_create(plant, &feed.sync), ERR_OK);
    return feed;
}

static inline void feeds_close(Feed *feed)
{
    sync_destroy(feed->sync);
    plant_destroy(feed->plant);
}

static inline int64_t feeds_at(double seconds)
{
    return FEEDS_START + llround(seconds * 1e9);
}

static inline void feeds_tell(Feed *feed, ArrivalKind kind, uint32_t provider, int64_t time)
{
    ck_assert(!sync_file(feed->sync, &(Arrival){.kind = kind, .provider = provider, .sample = {.time = time}}, &(Filed){0}));
}

static inline void feeds_join(Feed *feed, uint32_t provider)
{
    feeds_tell(feed, ARRIVAL_JOINED, provider, 0);
}

static inline Filed feeds_sample(Feed *feed, uint32_t provider, Sample sample)
{
    Filed filed;
    ck_assert(sync_file(feed->sync, &(Arrival){.kind = ARRIVAL_SAMPLE, .provider = provider, .sample = sample}, &filed));
    return filed;
}

/* A good sample of a tag, `seconds` after the start. */
static inline Filed feeds_good(Feed *feed, const char *tag, double seconds, double value)
{
    return feeds_sample(feed, FEEDS_PROVIDER, (Sample){.time = feeds_at(seconds), .value = value, .tag = plants_tag(feed->plant, tag)});
}

/* One tick, whether it is complete or not; returns how many samples were folded in. */
static inline size_t feeds_tick(Feed *feed)
{
    const Batch batch = sync_collect(feed->sync);
    plant_advance(feed->plant);
    sync_correct(feed->sync, feed->plant, batch);
    return batch.count;
}
