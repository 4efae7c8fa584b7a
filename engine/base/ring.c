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

/* How many of `count` items from `position` on lie in one piece. */
static size_t straight_run(const Ring *ring, size_t position, size_t count)
{
    const size_t left = ring->capacity - (position & (ring->capacity - 1));
    return count < left ? count : left;
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

size_t ring_push_many(Ring *ring, const void *items, size_t count)
{
    const size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t room = ring->capacity - (tail - ring->seen_head);
    if (room < count) {
        // acquire: the reader has finished with the places before they are written again
        ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        room = ring->capacity - (tail - ring->seen_head);
    }
    if (count > room)
        count = room;
    if (count == 0)
        return 0;

    const size_t straight = straight_run(ring, tail, count);
    memcpy(ring_item(ring, tail), items, straight * ring->item_size);
    memcpy(ring->items, (const unsigned char *)items + straight * ring->item_size, (count - straight) * ring->item_size);
    atomic_store_explicit(&ring->tail, tail + count, memory_order_release);
    return count;
}

size_t ring_pop_many(Ring *ring, void *items, size_t count)
{
    const size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (ring->seen_tail - head < count)
        ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (ring->seen_tail - head < count)
        count = ring->seen_tail - head;
    if (count == 0)
        return 0;

    const size_t straight = straight_run(ring, head, count);
    memcpy(items, ring_item(ring, head), straight * ring->item_size);
    memcpy((unsigned char *)items + straight * ring->item_size, ring->items, (count - straight) * ring->item_size);
    atomic_store_explicit(&ring->head, head + count, memory_order_release);
    return count;
}

bool ring_push(Ring *ring, const void *item)
{
    return ring_push_many(ring, item, 1) == 1;
}

bool ring_pop(Ring *ring, void *item)
{
    return ring_pop_many(ring, item, 1) == 1;
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
