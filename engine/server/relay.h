/* relay.h -- samples on their way straight from a connector to those who want them as they come: no tick stands between.
 *
 * What connectors take in one turn of the event loop is gathered, and each Listener gets its part of it in one frame. A listener that is slow
 * misses samples, is told how many, and holds nobody up [I6]; the newest values come with the next tick all the same.
 *
 * Takes: samples in SI, patterns of tags.  Gives: frames, JSON or bulk.  Threads: the service thread. */
#pragma once

#include "plant/plant.h"

enum { RELAY_MAX = 4096, LISTENERS_MAX = 64 };

/// The samples of one turn.
typedef struct Relay {
    Sample items[RELAY_MAX];
    size_t count;
} Relay;

/// What one client wants, and has missed.
typedef struct Listener {
    char *patterns[WIRE_PATTERNS_MAX];
    size_t pattern_count;
    bool bulk;
    uint8_t *marks;  // by TagId: what is known of a tag; NULL until it is needed
    uint32_t mark_count;
    uint64_t skipped;
} Listener;

/// What `message`, a `subscribe`, asks for; false without memory.
bool listener_init(Listener *listener, const WireMessage *message, bool bulk);
void listener_fini(Listener *listener);
/// Tags are those of another version of the plant from now on: which are wanted is found anew, and in bulk frames their numbers are told anew.
void listener_follow(Listener *listener);

/// The samples were not sent to this listener.
void listener_skip(Listener *listener, const TagTable *tags, const Relay *relay);
/// Add the frame with what the listener wants of `relay` to `frame`; of bulk ones, what the tags that it has not heard of are called to `names`. Either stays
/// empty when there is nothing to say.
void listener_write(Listener *listener, const TagTable *tags, const Relay *relay, Text *names, Text *frame);
