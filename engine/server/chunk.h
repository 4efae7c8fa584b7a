/* chunk.h -- bytes on their way out: made once, shared by all who get them, and a queue of them per connection.
 *
 * A Chunk holds what goes over the wire as it stands, the heads of WebSocket frames included. Whoever keeps one counts as a user; the last who
 * drops it frees it. Small frames for one connection gather in the last chunk of its queue, so that they cost one write.
 *
 * Threads: the service thread. */
#pragma once

#include "base/base.h"

enum { FRAME_HEAD_MAX = 10 };

typedef struct Chunk {
    size_t users, length, room;
    unsigned char bytes[];
} Chunk;

/// A chunk of `length` bytes, with one user; NULL without memory.
Chunk *chunk_make(const char *bytes, size_t length);
/// The same with a head of WebSocket in front, unmasked and final.
Chunk *chunk_frame(const char *bytes, size_t length, bool binary);
/// NULL is dropped too.
void chunk_drop(Chunk *chunk);

/// What waits to be written to one connection, oldest first. Zero bytes are an empty queue.
typedef struct Outbox {
    Chunk **items;  // a ring
    size_t first, count, room;
    size_t bytes;
    Chunk *gathering;  // the last of them, while frames may be added to it
} Outbox;

void outbox_fini(Outbox *outbox);
void outbox_clear(Outbox *outbox);
/// Put a chunk behind the others; false when the queue would hold more than `bytes_max`, or without memory.
bool outbox_put(Outbox *outbox, Chunk *chunk, size_t bytes_max);
/// The same for a frame of this connection alone.
bool outbox_frame(Outbox *outbox, const char *bytes, size_t length, bool binary, size_t bytes_max);
/// Move chunks to `out`: `bytes` of them, and the one that goes beyond.
void outbox_gather(Outbox *outbox, Text *out, size_t bytes);
