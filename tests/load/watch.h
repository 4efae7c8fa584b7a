/* watch.h -- many WebSocket clients in one thread, which read all that comes and count it: the same for Pollux and for what it is compared with. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct WatchDef {
    int port;
    const char *path, *protocol;  // protocol NULL: none
    const char *say;              // to be sent when all are connected, NULL: nothing
    size_t count;
    double warm_s, seconds;       // what comes in the first warm_s does not count
} WatchDef;

typedef struct Watched {
    size_t connected, dropped;
    uint64_t frames, bytes;  // bytes: of contents
    uint64_t least, most;    // frames of one client
    uint64_t all;            // frames of all clients from the beginning, what did not count among them
    double values_per_frame; // members of the form "name":[...], of the first client
    double seconds;
} Watched;

/// Raise the limit of open files to what is needed; ends the program when the hard limit is lower.
void watch_raise_files(size_t files);
/// Connect, say, read until the time is over. Ends the program when a client cannot connect.
Watched watch(const WatchDef *def);
