/* ring.c -- head and tail count up for ever; their low bits are places.
 *
 * Each end keeps the last position that it saw of the other and looks again only when that one says full or empty, so in the
 * steady state the two threads do not touch each other's cache lines. */
#include "base/ring.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

static unsigned char *ring_item(const Ring *ring, size_t position)
{
    return ring->items + (position & (ring->capacity - 1)) * ring->item_size;
}

Err ring_init(Ring *ring, size_t item_size, size_t capacity)
{
    assert(ring);
    assert(item_size > 0);
    if (capacity == 0 || capacity > SIZE_MAX / 4 / item_size)
        return ERR_RANGE;

    size_t rounded = 1;
    while (rounded < capacity)
        rounded *= 2;
    memset(ring, 0, sizeof *ring);
    ring->items = mem_alloc(rounded * item_size);
    ring->item_size = item_size;
    ring->capacity = rounded;
    return ring->items ? ERR_OK : ERR_MEMORY;
}

void ring_fini(Ring *ring)
{
    mem_free(ring->items);
    ring->items = NULL;
}

bool ring_push(Ring *ring, const void *item)
{
    const size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail - ring->seen_head == ring->capacity) {
        // acquire: the reader has finished with the place before it is written again
        ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail - ring->seen_head == ring->capacity)
            return false;
    }

    memcpy(ring_item(ring, tail), item, ring->item_size);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

bool ring_pop(Ring *ring, void *item)
{
    const size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == ring->seen_tail) {
        ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head == ring->seen_tail)
            return false;
    }

    memcpy(item, ring_item(ring, head), ring->item_size);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

size_t ring_count(const Ring *ring)
{
    // head first: the tail can only have moved on since, so the difference is never negative
    const size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    const size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    const size_t count = tail - head;
    return count < ring->capacity ? count : ring->capacity;
}

size_t ring_room(const Ring *ring)
{
    return ring->capacity - ring_count(ring);
}
