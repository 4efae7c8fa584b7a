/* chunk.c -- a outbox is a ring of pointers that grows by doubling; most connections never need one. */
#include "server/chunk.h"

#include <assert.h>
#include <string.h>

enum {
    GATHER_ROOM = 4096,  // for small frames of one connection
    OUTBOX_FIRST = 4,     // items of the first ring
};

/* The head of an unmasked frame that is whole; returns its size. */
static size_t put_head(unsigned char *out, size_t length, bool binary)
{
    size_t size = 2;
    out[0] = binary ? 0x82 : 0x81;
    out[1] = length < 126 ? (unsigned char)length : length < 65536 ? 126 : 127;
    for (size_t left = out[1] < 126 ? 0 : out[1] == 126 ? 2 : 8; left > 0; left--)
        out[size++] = (unsigned char)(length >> 8 * (left - 1));
    return size;
}

static Chunk *chunk_new(size_t room)
{
    Chunk *chunk = mem_alloc(sizeof *chunk + room);
    if (!chunk)
        return NULL;
    chunk->room = room;
    chunk->users = 1;
    return chunk;
}

static void chunk_add_frame(Chunk *chunk, const char *bytes, size_t length, bool binary)
{
    assert(chunk->room - chunk->length >= FRAME_HEAD_MAX + length);
    chunk->length += put_head(chunk->bytes + chunk->length, length, binary);
    memcpy(chunk->bytes + chunk->length, bytes, length);
    chunk->length += length;
}

Chunk *chunk_make(const char *bytes, size_t length)
{
    Chunk *chunk = chunk_new(length);
    if (!chunk)
        return NULL;
    memcpy(chunk->bytes, bytes, length);
    chunk->length = length;
    return chunk;
}

Chunk *chunk_frame(const char *bytes, size_t length, bool binary)
{
    Chunk *chunk = chunk_new(FRAME_HEAD_MAX + length);
    if (chunk)
        chunk_add_frame(chunk, bytes, length, binary);
    return chunk;
}

void chunk_drop(Chunk *chunk)
{
    if (chunk && --chunk->users == 0)
        mem_free(chunk);
}

static Chunk *outbox_pop(Outbox *outbox)
{
    Chunk *chunk = outbox->items[outbox->first];
    outbox->first = (outbox->first + 1) & (outbox->room - 1);
    outbox->count--;
    outbox->bytes -= chunk->length;
    return chunk;
}

void outbox_clear(Outbox *outbox)
{
    while (outbox->count)
        chunk_drop(outbox_pop(outbox));
    outbox->gathering = NULL;
}

void outbox_fini(Outbox *outbox)
{
    outbox_clear(outbox);
    mem_free(outbox->items);
    *outbox = (Outbox){0};
}

static bool outbox_grow(Outbox *outbox)
{
    const size_t room = outbox->room ? 2 * outbox->room : OUTBOX_FIRST;
    Chunk **items = mem_alloc(room * sizeof *items);
    if (!items)
        return false;
    for (size_t i = 0; i < outbox->count; i++)
        items[i] = outbox->items[(outbox->first + i) & (outbox->room - 1)];
    mem_free(outbox->items);
    outbox->items = items;
    outbox->first = 0;
    outbox->room = room;
    return true;
}

bool outbox_put(Outbox *outbox, Chunk *chunk, size_t bytes_max)
{
    if (outbox->bytes + chunk->length > bytes_max || (outbox->count == outbox->room && !outbox_grow(outbox)))
        return false;
    chunk->users++;
    outbox->items[(outbox->first + outbox->count++) & (outbox->room - 1)] = chunk;
    outbox->bytes += chunk->length;
    outbox->gathering = NULL;
    return true;
}

bool outbox_frame(Outbox *outbox, const char *bytes, size_t length, bool binary, size_t bytes_max)
{
    const size_t needed = FRAME_HEAD_MAX + length;
    Chunk *gathering = outbox->gathering;
    if (gathering && gathering->room - gathering->length >= needed && outbox->bytes + needed <= bytes_max) {
        outbox->bytes -= gathering->length;
        chunk_add_frame(gathering, bytes, length, binary);
        outbox->bytes += gathering->length;
        return true;
    }
    Chunk *chunk = chunk_new(needed > GATHER_ROOM ? needed : GATHER_ROOM);
    if (!chunk)
        return false;
    chunk_add_frame(chunk, bytes, length, binary);
    const bool fits = outbox_put(outbox, chunk, bytes_max);
    if (fits)
        outbox->gathering = chunk;
    chunk_drop(chunk);
    return fits;
}

void outbox_gather(Outbox *outbox, Text *out, size_t bytes)
{
    const size_t begin = out->length;
    while (outbox->count && out->length - begin < bytes && !out->failed) {
        Chunk *chunk = outbox_pop(outbox);
        text_add(out, (const char *)chunk->bytes, chunk->length);
        chunk_drop(chunk);
    }
    if (!outbox->count)
        outbox->gathering = NULL;
}
