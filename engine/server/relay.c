/* relay.c -- whether a tag is wanted is found out when its first sample comes, and remembered in a byte: nobody looks through a fleet. */
#include "server/relay.h"

#include <assert.h>
#include <string.h>

/* What a listener knows of a tag. */
enum { MARK_NOT_KNOWN, MARK_NOT_WANTED, MARK_WANTED, MARK_TOLD };

bool listener_init(Listener *listener, const WireMessage *message, bool bulk)
{
    assert(message->topic == WIRE_SUBSCRIBE);
    *listener = (Listener){.bulk = bulk};
    for (size_t i = 0; i < message->subscribe.count; i++) {
        const size_t size = strlen(message->subscribe.samples[i]) + 1;
        char *const pattern = mem_alloc(size);
        if (!pattern) {
            listener_fini(listener);
            return false;
        }
        memcpy(pattern, message->subscribe.samples[i], size);
        listener->patterns[listener->pattern_count++] = pattern;
    }
    return true;
}

void listener_fini(Listener *listener)
{
    for (size_t i = 0; i < listener->pattern_count; i++)
        mem_free(listener->patterns[i]);
    mem_free(listener->marks);
    *listener = (Listener){0};
}

void listener_follow(Listener *listener)
{
    mem_free(listener->marks);
    listener->marks = NULL;
}

static uint8_t find_mark(const Listener *listener, const TagTable *tags, TagId tag)
{
    const TagName name = tags_name(tags, tag);
    for (size_t i = 0; i < listener->pattern_count; i++)
        if (tag_fits(listener->patterns[i], strlen(listener->patterns[i]), name.text))
            return MARK_WANTED;
    return MARK_NOT_WANTED;
}

/* The mark of a tag that is wanted; NULL for others, and without memory. */
static uint8_t *wanted(Listener *listener, const TagTable *tags, TagId tag)
{
    if (!listener->marks) {
        listener->mark_count = tags_count(tags);
        listener->marks = mem_alloc(listener->mark_count);
    }
    if (!listener->marks)
        return NULL;
    assert(tag < listener->mark_count);
    uint8_t *const mark = &listener->marks[tag];
    if (*mark == MARK_NOT_KNOWN)
        *mark = find_mark(listener, tags, tag);
    return *mark == MARK_NOT_WANTED ? NULL : mark;
}

static size_t count_wanted(Listener *listener, const TagTable *tags, const Relay *relay)
{
    size_t count = 0;
    for (size_t i = 0; i < relay->count; i++)
        count += wanted(listener, tags, relay->items[i].tag) != NULL;
    return count;
}

void listener_skip(Listener *listener, const TagTable *tags, const Relay *relay)
{
    listener->skipped += count_wanted(listener, tags, relay);
}

/* Numbers in bulk frames are the plant's own. */
static void write_bulk(Listener *listener, const TagTable *tags, const Relay *relay, size_t count, Text *names, Text *frame)
{
    WireNumber told[RELAY_MAX];
    TagName texts[RELAY_MAX];
    size_t told_count = 0;
    bulk_write_head(frame, &(BulkFrame){.kind = BULK_SAMPLES, .count = (uint32_t)count, .id = (int64_t)listener->skipped});
    for (size_t i = 0; i < relay->count; i++) {
        const Sample *const sample = &relay->items[i];
        uint8_t *const mark = wanted(listener, tags, sample->tag);
        if (!mark)
            continue;
        if (*mark == MARK_WANTED) {
            texts[told_count] = tags_name(tags, sample->tag);
            told[told_count] = (WireNumber){texts[told_count].text, sample->tag};
            told_count++;
            *mark = MARK_TOLD;
        }
        const double value = unit_from_si(tags_get(tags, sample->tag).unit, sample->value);
        bulk_write_record(frame, &(BulkRecord){sample->time, value, sample->tag, sample->quality});
    }
    if (told_count)
        wire_write_numbers(names, WIRE_ID_NONE, told, told_count);
}

static void write_json(Listener *listener, const TagTable *tags, const Relay *relay, Text *frame)
{
    WireSample samples[RELAY_MAX];
    TagName texts[RELAY_MAX];
    size_t count = 0;
    for (size_t i = 0; i < relay->count; i++) {
        const Sample *const sample = &relay->items[i];
        if (!wanted(listener, tags, sample->tag))
            continue;
        texts[count] = tags_name(tags, sample->tag);
        const double value = unit_from_si(tags_get(tags, sample->tag).unit, sample->value);
        samples[count] = (WireSample){texts[count].text, sample->time, value, (Quality)sample->quality, NULL};
        count++;
    }
    wire_write_stream(frame, listener->skipped, samples, count);
}

void listener_write(Listener *listener, const TagTable *tags, const Relay *relay, Text *names, Text *frame)
{
    text_clear(names);
    text_clear(frame);
    const size_t count = count_wanted(listener, tags, relay);
    if (count && listener->bulk)
        write_bulk(listener, tags, relay, count, names, frame);
    else if (count)
        write_json(listener, tags, relay, frame);
}
