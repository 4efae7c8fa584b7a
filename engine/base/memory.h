/* memory.h -- one allocator for everything, and arenas over it.
 *
 * An arena holds what lives as long as a model, a plant or a message. Nothing is allocated between two ticks.
 * Memory from either is zeroed and aligned to 64 bytes when larger than a cache line, to 16 otherwise.
 *
 * Threads: mem_* from any; an arena belongs to one thread at a time. */
#pragma once

#include <stddef.h>

/// The allocator that mem_alloc uses; a test installs one that fails the N-th call. `alloc` aligns to 64 bytes.
typedef struct Allocator {
    void *(*alloc)(void *self, size_t size);
    void (*free)(void *self, void *memory);
    void *self;
} Allocator;

/// Replace the allocator (NULL restores the C library's). Only while nothing is allocated from the old one.
void mem_use(const Allocator *allocator);

/// `size` zeroed bytes aligned to 64, or NULL.
void *mem_alloc(size_t size);
/// Grow (or move) an allocation; the new part is zeroed. On failure NULL, and `memory` stays as it was.
void *mem_grow(void *memory, size_t old_size, size_t new_size);
void mem_free(void *memory);

typedef struct ArenaChunk ArenaChunk;

typedef struct Arena {
    ArenaChunk *chunk;  // newest first
    size_t chunk_size;  // bytes of a new chunk; 0 means 64 KiB
    size_t used;        // bytes handed out, for reports
} Arena;

/// Zero bytes are an arena too: `Arena arena = {0};` needs no init.
void arena_fini(Arena *arena);
/// Forget everything, keep one chunk.
void arena_reset(Arena *arena);
/// `size` zeroed bytes, or NULL. Valid until arena_reset or arena_fini.
void *arena_alloc(Arena *arena, size_t size);
/// A copy of `text` (of its first `length` bytes) with a 0 behind it, or NULL. Texts are packed, without alignment.
char *arena_copy(Arena *arena, const char *text, size_t length);
char *arena_text(Arena *arena, const char *text);
char *arena_format(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define arena_new(arena, Type, count) ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(count)))
