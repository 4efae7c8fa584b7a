/* queue.h -- samples that wait for their tick: a shelf per tick, and a pile for what lies further ahead.
 *
 * What a tick takes is in the order (tick, time, tag, seq): by what the samples say, not by how they came, so the network cannot change a result [I4].
 * Samples mostly come in that order, and then they are appended and taken as they lie; a shelf that is out of order is sorted when it is taken. A
 * sample that came twice (same time and tag) is taken once.
 *
 * Memory: the queue's own, at most SYNC_PENDING_MAX samples; the room of a shelf that was taken is used again. */
#pragma once

#include "sync/sync.h"

enum { QUEUE_TICKS = 64, QUEUE_SPARES = 4 };

/* Samples in one piece of memory. */
typedef struct Shelf {
    Filed *items;
    size_t count, room;
    bool unsorted;  // something came behind what follows it, or came twice
} Shelf;

typedef struct Queue {
    Shelf shelves[QUEUE_TICKS];  // of the ticks from `from` on
    Shelf pile;                  // everything else
    Shelf taken;                 // what queue_take gave last
    Shelf spares[QUEUE_SPARES];  // empty
    int64_t from;                // when `begun`
    bool begun;                  // something was taken
    size_t count;
} Queue;

/// Room for `needed` items; ERR_MEMORY leaves it as it was.
Err shelf_make_room(Shelf *shelf, size_t needed);

/// Samples that are not in a Batch.
typedef struct QueueLoss {
    size_t doubles;  // they came twice
    size_t dropped;  // there was no memory
} QueueLoss;

void queue_fini(Queue *queue);
/// ERR_FULL at SYNC_PENDING_MAX, ERR_MEMORY.
Err queue_push(Queue *queue, const Filed *filed);
/// All samples up to `tick`, which never falls: a view until the next call.
Batch queue_take(Queue *queue, int64_t tick, QueueLoss *lost);
