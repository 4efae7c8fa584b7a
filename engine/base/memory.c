/* memory.c -- the replaceable allocator, and arenas as lists of chunks. */
#include "base/memory.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, WORD = 16, CHUNK_SIZE = 64 * 1024 };

struct ArenaChunk {
    ArenaChunk *next;  // older
    size_t size;       // of `bytes`
    size_t used;
    alignas(LINE) unsigned char bytes[];
};

static size_t round_up(size_t size, size_t alignment)
{
    return (size + alignment - 1) & ~(alignment - 1);
}

static void *library_alloc(void *self, size_t size)
{
    (void)self;
    return aligned_alloc(LINE, round_up(size, LINE));
}

static void library_free(void *self, void *memory)
{
    (void)self;
    free(memory);
}

static const Allocator library = {library_alloc, library_free, NULL};
static Allocator current = {library_alloc, library_free, NULL};

void mem_use(const Allocator *allocator)
{
    current = allocator ? *allocator : library;
}

void *mem_alloc(size_t size)
{
    if (size > PTRDIFF_MAX - LINE)
        return NULL;
    if (size == 0)
        size = 1;

    void *const memory = current.alloc(current.self, size);
    if (!memory)
        return NULL;
    assert((uintptr_t)memory % LINE == 0);
    return memset(memory, 0, size);
}

void *mem_grow(void *memory, size_t old_size, size_t new_size)
{
    assert(memory || old_size == 0);
    assert(new_size >= old_size);

    void *const grown = mem_alloc(new_size);
    if (!grown)
        return NULL;
    if (memory)
        memcpy(grown, memory, old_size);
    mem_free(memory);
    return grown;
}

void mem_free(void *memory)
{
    if (memory)
        current.free(current.self, memory);
}

static ArenaChunk *chunk_create(size_t size)
{
    if (size > PTRDIFF_MAX - sizeof(ArenaChunk))
        return NULL;
    ArenaChunk *const chunk = mem_alloc(sizeof *chunk + size);
    if (chunk)
        chunk->size = size;
    return chunk;
}

/* A fresh chunk with room for `size` bytes. One that is made for a single large piece goes behind the newest, which may still have room. */
static ArenaChunk *arena_extend(Arena *arena, size_t size)
{
    const size_t usual = arena->chunk_size ? arena->chunk_size : CHUNK_SIZE;
    const bool large = size > usual;
    ArenaChunk *const chunk = chunk_create(large ? size : usual);
    if (!chunk)
        return NULL;

    ArenaChunk **const place = large && arena->chunk ? &arena->chunk->next : &arena->chunk;
    chunk->next = *place;
    *place = chunk;
    return chunk;
}

static void *arena_take(Arena *arena, size_t size, size_t alignment)
{
    assert(arena);
    ArenaChunk *chunk = arena->chunk;
    size_t at = chunk ? round_up(chunk->used, alignment) : 0;
    if (!chunk || at > chunk->size || size > chunk->size - at) {
        chunk = arena_extend(arena, size);
        at = 0;
    }
    if (!chunk)
        return NULL;

    chunk->used = at + size;
    arena->used += size;
    return chunk->bytes + at;
}

void arena_fini(Arena *arena)
{
    for (ArenaChunk *chunk = arena->chunk, *next; chunk; chunk = next) {
        next = chunk->next;
        mem_free(chunk);
    }
    arena->chunk = NULL;
    arena->used = 0;
}

void arena_reset(Arena *arena)
{
    // the largest stays: the next round will need about as much
    ArenaChunk *kept = arena->chunk;
    for (ArenaChunk *chunk = arena->chunk; chunk; chunk = chunk->next)
        if (chunk->size > kept->size)
            kept = chunk;
    for (ArenaChunk *chunk = arena->chunk, *next; chunk; chunk = next) {
        next = chunk->next;
        if (chunk != kept)
            mem_free(chunk);
    }

    if (kept) {
        memset(kept->bytes, 0, kept->used);
        kept->used = 0;
        kept->next = NULL;
    }
    arena->chunk = kept;
    arena->used = 0;
}

void *arena_alloc(Arena *arena, size_t size)
{
    return arena_take(arena, size ? size : 1, size > LINE ? LINE : WORD);
}

char *arena_copy(Arena *arena, const char *text, size_t length)
{
    assert(text || length == 0);
    char *const copy = length < PTRDIFF_MAX ? arena_take(arena, length + 1, 1) : NULL;
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *arena_text(Arena *arena, const char *text)
{
    assert(text);
    return arena_copy(arena, text, strlen(text));
}

char *arena_format(Arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);

    char *const text = length >= 0 ? arena_take(arena, (size_t)length + 1, 1) : NULL;
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
