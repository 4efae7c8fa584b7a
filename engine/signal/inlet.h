/* inlet.h -- samples that somebody pushes by a request, as seen by those who do not own the socket.
 *
 * The server owns sockets and knows nothing of connectors; a connector that takes what is pushed knows nothing of sockets. An Inlet stands between them, in a
 * list that both know: connectors enter theirs while they are open, and the server brings each body to the one that is meant. What a body holds is taken whole
 * or not at all, and answered when it is on disk.
 *
 * Takes: bodies of requests.  Gives: what became of them.  Threads: enter and leave on any, the rest on the service thread; the list has a lock. */
#pragma once

#include "base/base.h"

typedef enum InletForm { INLET_JSON, INLET_LINES } InletForm;  // docs/protocol.md, "Pushing samples"

typedef struct InletBody {
    InletForm form;
    const char *bytes;  // not changed
    size_t length;
    bool gzip;              // they are compressed
    const char *precision;  // of times that are numbers: "ns", "us", "ms", "s"; NULL: nanoseconds
    bool (*may_provide)(const void *caller, const char *tag);  // whether who asks may send samples of a tag
    const void *caller;
} InletBody;

typedef struct InletAnswer {
    int status;     // 204: taken; 400: malformed, 403: not allowed, 413: too long when it is unpacked, 503: no room
    ErrText why;
    uint64_t mark;     // 204: of the inlet, see has_stored; 0: nothing has to be stored
    uint64_t receipt;  // the same of all inlets, set by inlets_take: for inlets_have_stored
} InletAnswer;

typedef struct Inlet {
    const char *name;  // of the connector
    void *self;
    void (*take)(void *self, const InletBody *body, InletAnswer *answer);
    bool (*has_stored)(void *self, uint64_t mark);  // everything up to it is on disk
} Inlet;

enum { INLETS_MAX = 64 };  // during a reload there are two of each

typedef struct Inlets Inlets;

Err inlets_create(Inlets **out);
void inlets_destroy(Inlets *inlets);
/// `inlet` lives until it has left. One that enters hides an older one of its name. ERR_FULL beyond INLETS_MAX.
Err inlets_enter(Inlets *inlets, const Inlet *inlet);
/// Behind this nobody calls it.
void inlets_leave(Inlets *inlets, const Inlet *inlet);

/// Bring a body to the inlet of this name, or for NULL to the only one. 404 in `answer` where there is none, with the names that there are.
void inlets_take(Inlets *inlets, const char *name, const InletBody *body, InletAnswer *answer);
/// Whether what was answered with `receipt` is on disk. It never will be known of an inlet that has left.
bool inlets_have_stored(Inlets *inlets, uint64_t receipt);
