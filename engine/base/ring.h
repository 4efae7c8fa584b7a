/* ring.h -- a bounded queue between two threads: one writes, one reads, nobody waits.
 *
 * Connectors bring samples to the tick through rings and the tick brings commands back through rings, so a network thread
 * never touches twin state. A full ring says so; what is dropped is counted by whoever drops it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct Ring {
    unsigned char *items;
    size_t item_size;
    size_t capacity;  // a power of two
    _Alignas(64) atomic_size_t head;  // next to read; written by the reader
    size_t seen_tail;                 // the tail as the reader saw it last
    _Alignas(64) atomic_size_t tail;  // next to write; written by the writer
    size_t seen_head;                 // the head as the writer saw it last
} Ring;

/// A ring of at least `capacity` items of `item_size` bytes.
Err ring_init(Ring *ring, size_t item_size, size_t capacity);
void ring_fini(Ring *ring);
/// Copy one item in; false when the ring is full.
bool ring_push(Ring *ring, const void *item);
/// Copy one item out; false when the ring is empty.
bool ring_pop(Ring *ring, void *item);
/// The same for up to `count` items, which become visible to the other end, or free, all at once. How many there were.
size_t ring_push_many(Ring *ring, const void *items, size_t count);
size_t ring_pop_many(Ring *ring, void *items, size_t count);
/// How many items wait: exact for either end, a moment old for anybody else.
size_t ring_count(const Ring *ring);
/// How many more items fit, seen from the writer.
size_t ring_room(const Ring *ring);
