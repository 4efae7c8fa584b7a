/* sequence.h -- the order of one node's messages, by their numbers from 0 to 255: which is next, which came too early and waits.
 *
 * Pure.  Takes: numbers.  Gives: when to take which message.  Memory: its own.  Threads: one at a time. */
#pragma once

#include "base/base.h"

enum { SEQUENCE_HELD_MAX = 32 };

/* A message that came before others that must be taken first. */
typedef struct HeldMessage {
    int number;
    char *topic, *payload;
    size_t length;
} HeldMessage;

typedef struct Sequence {
    int next;               // the number that comes next
    int64_t waiting_since;  // elapsed, TIME_NONE: nothing is missing
    HeldMessage held[SEQUENCE_HELD_MAX];
    size_t held_count;
} Sequence;

/// A birth had this number.
void sequence_begin(Sequence *sequence, int number);
void sequence_forget(Sequence *sequence);
/// Whether this is the next one; it is passed then.
bool sequence_pass(Sequence *sequence, int number);
/// Keep a copy of a message that is early. False: there is no room, or it came twice.
bool sequence_hold(Sequence *sequence, int number, const char *topic, const void *payload, size_t length, int64_t now);
/// Take out the message that is next, to be freed with mem_free (topic). False: it is not there.
bool sequence_release(Sequence *sequence, HeldMessage *out);
