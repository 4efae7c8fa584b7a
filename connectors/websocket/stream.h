/* stream.h -- one way of samples to the tick, and what waits for the tick's word that they are on disk.
 *
 * The service thread pushes and answers, the tick polls and says how far the disk is; they meet in a ring and one atomic word. Arrivals go through
 * the ring as Parcels. Few have a text: texts go through a ring of their own, in the same order, so that samples are small.
 *
 * Memory: its own, from the start. */
#pragma once

#include "signal/signals.h"

enum { STREAM_ACKS_MAX = 16384 };

/* An Arrival on its way through the ring. */
typedef struct Parcel {
    Sample sample;  // ARRIVAL_OUTCOME: its time is the id of the command
    uint32_t provider;
    uint8_t kind;  // ArrivalKind
    bool done;
} Parcel;

/* A message whose samples were taken and are not on disk yet. */
typedef struct Ack {
    uint64_t mark;  // of its last sample
    int64_t id;
    uint32_t provider;
    uint32_t guest;
    uint32_t count;
    bool bulk;
} Ack;

typedef struct Stream {
    bool historical;  // all its samples are of logs
    Ring parcels, texts;
    _Atomic uint64_t stored_mark;
    uint64_t polled;  // the tick's: the mark of the last arrival

    // the service thread's own
    uint64_t mark;
    Ack *acks;  // STREAM_ACKS_MAX
    size_t first_ack, ack_count;
} Stream;

/// `texts` may be 0: then nothing that has one is pushed. ERR_MEMORY: stream_fini frees what there is.
Err stream_init(Stream *stream, bool historical, size_t parcels, size_t texts);
void stream_fini(Stream *stream);

// The service thread.

/// Whether more than `reserve` parcels and texts fit.
bool stream_has_room(const Stream *stream, size_t reserve);
/// Push unless that would leave fewer than `reserve` places. `text` is of those that have one.
bool stream_push(Stream *stream, const Parcel *parcel, const char *text, size_t reserve);
/// Samples, for which there is room.
void stream_push_samples(Stream *stream, const Parcel *parcels, size_t count);
/// A message waits until all that was pushed is on disk; there must be room: ack_count is less than STREAM_ACKS_MAX.
void stream_await(Stream *stream, Ack ack);
/// The oldest message that waits no longer, if there is one.
bool stream_next_stored(Stream *stream, Ack *out);

// The tick.

size_t stream_poll(Stream *stream, Arrival *out, size_t room);
/// Everything up to `mark` is on disk. False when that was known.
bool stream_note_stored(Stream *stream, uint64_t mark);
