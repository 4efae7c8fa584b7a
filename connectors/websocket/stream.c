#include "connectors/websocket/stream.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { PORTION = 256 };  // parcels that leave the ring at once

typedef struct ParcelText {
    char text[sizeof(((Arrival *)0)->text)];
} ParcelText;

Err stream_init(Stream *stream, bool historical, size_t parcels, size_t texts)
{
    stream->historical = historical;
    stream->acks = mem_alloc(STREAM_ACKS_MAX * sizeof *stream->acks);
    if (!stream->acks)
        return ERR_MEMORY;
    const Err err = ring_init(&stream->parcels, sizeof(Parcel), parcels);
    return err == ERR_OK && texts ? ring_init(&stream->texts, sizeof(ParcelText), texts) : err;
}

void stream_fini(Stream *stream)
{
    ring_fini(&stream->parcels);
    ring_fini(&stream->texts);
    mem_free(stream->acks);
}

static bool has_text(ArrivalKind kind)
{
    return kind == ARRIVAL_JOINED || kind == ARRIVAL_LEFT || kind == ARRIVAL_OUTCOME;
}

bool stream_has_room(const Stream *stream, size_t reserve)
{
    return ring_room(&stream->parcels) > reserve && ring_room(&stream->texts) > reserve;
}

bool stream_push(Stream *stream, const Parcel *parcel, const char *text, size_t reserve)
{
    if (ring_room(&stream->parcels) <= reserve)
        return false;
    if (has_text(parcel->kind)) {
        ParcelText copy = {0};
        if (ring_room(&stream->texts) <= reserve)
            return false;
        snprintf(copy.text, sizeof copy.text, "%s", text);
        ring_push(&stream->texts, &copy);
    }
    stream->mark++;
    return ring_push(&stream->parcels, parcel);
}

void stream_push_samples(Stream *stream, const Parcel *parcels, size_t count)
{
    const size_t pushed = ring_push_many(&stream->parcels, parcels, count);
    assert(pushed == count);
    (void)pushed;
    stream->mark += count;
}

void stream_await(Stream *stream, Ack ack)
{
    assert(stream->ack_count < STREAM_ACKS_MAX);
    ack.mark = stream->mark;
    stream->acks[(stream->first_ack + stream->ack_count++) % STREAM_ACKS_MAX] = ack;
}

bool stream_next_stored(Stream *stream, Ack *out)
{
    const Ack *const first = &stream->acks[stream->first_ack];
    if (!stream->ack_count || first->mark > atomic_load_explicit(&stream->stored_mark, memory_order_acquire))
        return false;
    *out = *first;
    stream->first_ack = (stream->first_ack + 1) % STREAM_ACKS_MAX;
    stream->ack_count--;
    return true;
}

/* Only what an arrival of its kind has is set: the text is larger than all the rest. */
static void unpack(Stream *stream, const Parcel *parcel, Arrival *out)
{
    out->kind = parcel->kind;
    out->provider = parcel->provider;
    out->historical = stream->historical;
    out->sample = parcel->sample;
    out->mark = ++stream->polled;
    out->command = parcel->kind == ARRIVAL_OUTCOME ? (uint64_t)parcel->sample.time : 0;
    out->done = parcel->done;
    out->text[0] = 0;
    ParcelText text;
    if (has_text(parcel->kind) && ring_pop(&stream->texts, &text))
        memcpy(out->text, text.text, sizeof out->text);
}

size_t stream_poll(Stream *stream, Arrival *out, size_t room)
{
    Parcel parcels[PORTION];
    const size_t count = ring_pop_many(&stream->parcels, parcels, room < PORTION ? room : PORTION);
    for (size_t i = 0; i < count; i++)
        unpack(stream, &parcels[i], &out[i]);
    return count;
}

bool stream_note_stored(Stream *stream, uint64_t mark)
{
    if (mark <= stream->stored_mark)
        return false;
    atomic_store_explicit(&stream->stored_mark, mark, memory_order_release);
    return true;
}
