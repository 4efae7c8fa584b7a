/* unanswered.h -- a ring of samples that a device has sent or is to send, until the engine answers for them, and the messages in flight over it.
 *
 * Samples are counted for ever: [head, next) is in flight, [next, tail) still to be sent. Messages are contiguous in it, so index i of a refusal names the
 * sample `first + i`. When the connection breaks, what has no answer is to be sent again, in the old order.
 *
 * Takes: samples, answers.  Gives: what is to be sent.  Memory: its own, all of it from the start. */
#pragma once

#include "signal/signals.h"

enum { UNANSWERED_FLIGHTS_MAX = 64 };  // messages without an answer

typedef enum UnansweredFate {
    UNANSWERED_OPEN,     // no answer yet
    UNANSWERED_AGAIN,    // refused because there was no room: to be sent again
    UNANSWERED_SETTLED,  // stored or refused for good
} UnansweredFate;

typedef struct UnansweredSample {
    int64_t time;
    double value;
    uint8_t quality, fate;
    union {
        TagName tag;
        uint32_t number;  // of the tag, in records
    };
} UnansweredSample;

typedef struct UnansweredFlight {
    int64_t id;
    uint64_t first;  // sample
    uint32_t count;
    bool answered;
} UnansweredFlight;

/// In the order of their times.
typedef struct Unanswered {
    UnansweredSample *samples;
    size_t room;
    uint64_t head, next, tail;
    UnansweredFlight flights[UNANSWERED_FLIGHTS_MAX];
    size_t flight_count, flights_max;
    int64_t busy_until;  // elapsed time before which nothing is sent
    bool historical;     // for whoever sends them
} Unanswered;

/// Room 0: nothing is ever in it. ERR_MEMORY.
Err unanswered_init(Unanswered *unanswered, size_t room, size_t flights_max);
void unanswered_fini(Unanswered *unanswered);

static inline UnansweredSample *unanswered_at(const Unanswered *unanswered, uint64_t position)
{
    return &unanswered->samples[position % unanswered->room];
}

static inline size_t unanswered_count(const Unanswered *unanswered)
{
    return (size_t)(unanswered->tail - unanswered->head);
}

static inline size_t unanswered_free(const Unanswered *unanswered)
{
    return unanswered->room - unanswered_count(unanswered);
}

/// The next of them may be sent at elapsed time `now`.
bool unanswered_is_due(const Unanswered *unanswered, int64_t now);
/// The next `count` have been sent in message `id`; only while unanswered_is_due.
void unanswered_depart(Unanswered *unanswered, int64_t id, size_t count);
/// The message of that id that has no answer, or NULL. Valid until one is answered.
UnansweredFlight *unanswered_find(Unanswered *unanswered, int64_t id);
/// All samples of a message that were not refused one by one are stored.
void unanswered_store(Unanswered *unanswered, UnansweredFlight *flight);
/// The same of all messages up to one.
void unanswered_store_to(Unanswered *unanswered, int64_t id);
/// All samples of a message are refused: for good (`again_at` TIME_NONE), or to be sent again from elapsed time `again_at` on. Returns how many for good.
size_t unanswered_refuse(Unanswered *unanswered, UnansweredFlight *flight, int64_t again_at);
/// One sample of a message is, the others have no answer yet.
size_t unanswered_refuse_one(Unanswered *unanswered, const UnansweredFlight *flight, size_t index, int64_t again_at);
/// The connection is gone: keep what has no answer, in its order.
void unanswered_recall(Unanswered *unanswered);
/// The oldest of one goes to another, which loses its own oldest for it where it is full: true. Nothing of either is in flight.
bool unanswered_move_oldest(Unanswered *from, Unanswered *to);
