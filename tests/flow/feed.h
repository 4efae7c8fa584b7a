/* feed.h -- a connector that a test turns by hand: it delivers as many arrivals at a poll as it is told, and obeys every command. */
#pragma once

#include "base/base.h"
#include "signal/signals.h"

enum { FEED_COMMANDS_MAX = 64 };

typedef struct Feed {
    const Arrival *items;
    size_t count, next;
    size_t portion;  // at one poll; 0: as many as there is room for
    uint64_t seed;   // not 0: portions of any size up to 50 instead
    uint64_t polls;
    bool joined;
    Command commands[FEED_COMMANDS_MAX];  // that were handed over
    size_t command_count, answered;
    int64_t plant_time;
    uint64_t stored;
} Feed;

static inline size_t feed_portion(const Feed *feed, size_t room)
{
    if (feed->seed)
        return 1 + (size_t)(50 * random_uniform(feed->seed, 0, feed->polls));
    return feed->portion ? feed->portion : room;
}

static inline size_t feed_poll(void *self, Arrival *out, size_t room)
{
    Feed *feed = self;
    size_t count = 0;
    for (; feed->answered < feed->command_count && count < room; feed->answered++)
        out[count++] = (Arrival){.kind = ARRIVAL_OUTCOME, .command = feed->commands[feed->answered].id, .done = true};
    feed->polls++;
    if (!feed->joined && count < room) {
        out[count++] = (Arrival){.kind = ARRIVAL_JOINED, .text = "feed"};
        feed->joined = true;
    }
    for (size_t left = feed_portion(feed, room); left && count < room && feed->next < feed->count; left--) {
        out[count] = feed->items[feed->next++];
        out[count++].mark = feed->next;
    }
    return count;
}

static inline Err feed_send(void *self, const Command *command)
{
    Feed *feed = self;
    if (feed->command_count == FEED_COMMANDS_MAX)
        return ERR_FULL;
    feed->commands[feed->command_count++] = *command;
    return ERR_OK;
}

static inline void feed_stored(void *self, uint64_t mark)
{
    ((Feed *)self)->stored = mark;
}

static inline void feed_ticked(void *self, int64_t plant_time)
{
    ((Feed *)self)->plant_time = plant_time;
}

static const ConnectorType feed_connector = {.name = "feed", .poll = feed_poll, .send = feed_send, .stored = feed_stored, .ticked = feed_ticked};
