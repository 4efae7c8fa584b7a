/* feed.c -- picks are found when somebody subscribes or other twins are shown, so that a show walks a list of places. */
#include "server/feed.h"

#include <assert.h>
#include <math.h>
#include <string.h>

bool feed_is_whole(const Feed *feed)
{
    return feed->wish.tag_count == 0;
}

// Wishes.

/* Patterns in their order, then the rest; the tags of a feed are views of its key. */
static void write_key(Text *out, const Wish *wish)
{
    for (size_t i = 0; i < wish->tag_count; i++)
        text_add(out, wish->tags[i], strlen(wish->tags[i]) + 1);
    text_format(out, "/%d %.17g %.17g %d %d", wish->form, wish->dead_band, wish->rate_max_hz, wish->on_change, wish->times);
}

static void point_tags(Feed *feed, const char **tags)
{
    const char *at = feed->key;
    for (size_t i = 0; i < feed->wish.tag_count; i++) {
        tags[i] = at;
        at += strlen(at) + 1;
    }
    feed->wish.tags = tags;
}

/* The place of the last dot: before it stands the twin's name. A pattern without a dot begins with one up to its first star. */
static size_t asset_part(const char *pattern)
{
    const char *dot = strrchr(pattern, '.');
    return dot ? (size_t)(dot - pattern) : strcspn(pattern, "*") + 1;
}

bool feed_concerns(const Feed *feed, const char *twin)
{
    if (feed_is_whole(feed))
        return true;
    for (size_t i = 0; i < feed->wish.tag_count; i++)
        if (tag_fits(feed->wish.tags[i], asset_part(feed->wish.tags[i]), twin))
            return true;
    return false;
}

// Picks.

static bool is_picked(const Wish *wish, const char *name)
{
    for (size_t i = 0; i < wish->tag_count; i++)
        if (tag_fits(wish->tags[i], strlen(wish->tags[i]), name))
            return true;
    return false;
}

/* Names without a star are asked for by name: their twins are looked at. */
static void watch_named(const Wish *wish, States *states)
{
    for (size_t i = 0; i < wish->tag_count; i++) {
        const TagId tag = strchr(wish->tags[i], '*') ? TAG_NONE : tags_find(states->plant->tags, wish->tags[i]);
        if (tag != TAG_NONE)
            states_watch(states, plant_place(states->plant, tag).twin);
    }
}

static bool add_pick(Feed *feed, size_t *room, Pick pick)
{
    if (feed->pick_count == *room) {
        const size_t more = *room ? 2 * *room : 16;
        Pick *picks = mem_grow(feed->picks, *room * sizeof *picks, more * sizeof *picks);
        if (!picks)
            return false;
        feed->picks = picks;
        *room = more;
    }
    feed->picks[feed->pick_count++] = pick;
    return true;
}

static bool find_picks(Feed *feed, const States *states, const State *state)
{
    const Plant *plant = states->plant;
    size_t room = 0;
    for (uint32_t slot = 0; slot < state->shown_count; slot++) {
        const uint32_t twin = state->shown[slot];
        if (!feed_concerns(feed, plant->twins[twin].name))
            continue;
        for (uint16_t channel = 0; channel < plant_model(plant, twin)->channel_count; channel++) {
            const TagId tag = plant_tag(plant, twin, channel);
            const Pick pick = {(uint32_t)((size_t)slot * states->channels_max + channel), tag};
            if (is_picked(&feed->wish, tags_name(plant->tags, tag).text) && !add_pick(feed, &room, pick))
                return false;
        }
    }
    return true;
}

bool feed_picks(const Feed *feed, TagId tag)
{
    size_t first = 0, end = feed->pick_count;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (feed->picks[middle].tag < tag)
            first = middle + 1;
        else
            end = middle;
    }
    return feed_is_whole(feed) || (first < feed->pick_count && feed->picks[first].tag == tag);
}

static void forget_picks(Feed *feed)
{
    mem_free(feed->picks);
    mem_free(feed->told);
    mem_free(feed->told_revisions);
    feed->picks = NULL;
    feed->told = NULL;
    feed->told_revisions = NULL;
    feed->pick_count = 0;
}

/* What the viewers of a dead band are told at first is how things stand. */
static bool begin_told(Feed *feed, const Picture *picture)
{
    feed->told = mem_alloc((feed->pick_count + 1) * sizeof *feed->told);
    feed->told_revisions = mem_alloc((feed->pick_count + 1) * sizeof *feed->told_revisions);
    if (!feed->told || !feed->told_revisions)
        return false;
    for (size_t i = 0; i < feed->pick_count; i++) {
        feed->told[i] = picture->state.readings[feed->picks[i].place];
        feed->told_revisions[i] = picture->revision;
    }
    feed->told_since = picture->revision;
    return true;
}

static bool pick_anew(Feeds *feeds, Feed *feed, States *states, const Picture *picture)
{
    feeds->pick_count -= feed->pick_count;
    forget_picks(feed);
    if (feed_is_whole(feed))
        return true;
    watch_named(&feed->wish, states);
    const bool found = find_picks(feed, states, &picture->state) && (feed->wish.dead_band <= 0 || begin_told(feed, picture)) &&
                       feeds->pick_count + feed->pick_count <= FEED_PICKS_MAX;
    if (!found)
        forget_picks(feed);
    feeds->pick_count += feed->pick_count;
    return found;
}

// Feeds.

static void feed_destroy(Feed *feed)
{
    feed_forget_made(feed);
    forget_picks(feed);
    mem_free((void *)feed->wish.tags);
    mem_free(feed->key);
    mem_free(feed);
}

static Feed *feed_create(const Wish *wish, const Text *key)
{
    Feed *feed = mem_alloc(sizeof *feed);
    if (!feed)
        return NULL;
    feed->wish = *wish;
    feed->pause_ns = wish->rate_max_hz > 0 ? (int64_t)(1e9 / wish->rate_max_hz) : 0;
    feed->key = mem_alloc(key->length + 1);
    const char **tags = mem_alloc((wish->tag_count + 1) * sizeof *tags);
    feed->wish.tags = tags;
    if (!feed->key || !tags) {
        feed_destroy(feed);
        return NULL;
    }
    memcpy(feed->key, key->bytes, key->length);
    feed->key_length = key->length;
    point_tags(feed, tags);
    return feed;
}

static bool key_is(const Feed *feed, const Text *key)
{
    return feed->key_length == key->length && memcmp(feed->key, key->bytes, key->length) == 0;
}

Feed *feeds_get(Feeds *feeds, const Wish *wish, States *states, const Picture *picture)
{
    Text key = {0};
    write_key(&key, wish);
    Feed *feed = key.failed ? NULL : feeds->first;
    while (feed && !key_is(feed, &key))
        feed = feed->next;
    if (feed || key.failed || !(feed = feed_create(wish, &key))) {
        text_fini(&key);
        return feed;
    }
    text_fini(&key);
    if (!pick_anew(feeds, feed, states, picture)) {
        feed_destroy(feed);
        return NULL;
    }
    feed->revision = picture->revision;
    feed->next = feeds->first;
    feeds->first = feed;
    return feed;
}

void feeds_drop(Feeds *feeds, Feed *feed)
{
    assert(feed->viewer_count == 0);
    Feed **at = &feeds->first;
    while (*at != feed)
        at = &(*at)->next;
    *at = feed->next;
    feeds->pick_count -= feed->pick_count;
    feed_destroy(feed);
}

void feeds_follow(Feeds *feeds, States *states, const Picture *picture)
{
    for (Feed *feed = feeds->first; feed; feed = feed->next)
        pick_anew(feeds, feed, states, picture);
}

void feed_forget_made(Feed *feed)
{
    while (feed->made_count)
        chunk_drop(feed->made[--feed->made_count].chunk);
    chunk_drop(feed->snapshot);
    feed->snapshot = NULL;
}

// Readings.

/* With a dead band only the value and its quality count: deviations and times change all the time. A number that comes or goes is always told. */
static bool leaves_band(const Reading *now, const Reading *told, const Unit *unit, double band)
{
    if (now->quality != told->quality || isnan(now->value) != isnan(told->value))
        return true;
    return fabs(unit_from_si(unit, now->value) - unit_from_si(unit, told->value)) > band;
}

void feed_take(Feed *feed, const Plant *plant, const Picture *picture)
{
    for (size_t i = 0; i < feed->pick_count && feed->told; i++) {
        const Reading *now = &picture->state.readings[feed->picks[i].place];
        if (!leaves_band(now, &feed->told[i], tags_get(plant->tags, feed->picks[i].tag).unit, feed->wish.dead_band))
            continue;
        feed->told[i] = *now;
        feed->told_revisions[i] = picture->revision;
    }
}

const Reading *feed_reading(const Feed *feed, const Picture *picture, size_t index, uint64_t *revision)
{
    const uint32_t place = feed->picks[index].place;
    *revision = feed->told ? feed->told_revisions[index] : picture->readings[place];
    return feed->told ? &feed->told[index] : &picture->state.readings[place];
}

bool feed_has_changed(const Feed *feed, const Picture *picture, uint64_t after)
{
    uint64_t revision;
    for (size_t i = 0; i < feed->pick_count; i++) {
        feed_reading(feed, picture, i, &revision);
        if (revision > after)
            return true;
    }
    return feed_is_whole(feed) && picture->revision > after;
}

uint64_t feed_resume(const Feed *feed, uint64_t after)
{
    return feed->told && after < feed->told_since ? 0 : after;
}
