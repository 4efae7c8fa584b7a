/* peer.h -- a program that a test runs beside itself: a broker, a register server. It ends with the test at the latest. */
#pragma once

#include <sys/types.h>

typedef struct Peer {
    pid_t pid;
    char said[256];  // its first line
} Peer;

/// Start `arguments` (the program first, NULL-terminated) and wait until it has said a line on its standard output. The test fails when it does not.
Peer peer_start(const char *const *arguments);
/// Kill it, as a crash would.
void peer_kill(Peer *peer);
/// A port of loopback that nobody listens on now.
int peer_free_port(void);
