/* queue.h -- samples that wait for their tick: a binary heap in the order in which they will be folded in.
 *
 * The order is (tick, time, tag, seq): by what the samples say, not by how they came, so the network cannot change a result [I4]. */
#pragma once

#include "sync/sync.h"

typedef struct Queue {
    Filed *items;
    size_t count, room;
} Queue;

void queue_fini(Queue *queue);
/// ERR_FULL at SYNC_PENDING_MAX, ERR_MEMORY.
Err queue_push(Queue *queue, const Filed *filed);
/// The next one, or NULL.
const Filed *queue_peek(const Queue *queue);
void queue_pop(Queue *queue, Filed *out);
