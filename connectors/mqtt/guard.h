/* guard.h -- a look at what a broker has sent, before libmosquitto reads it.
 *
 * libmosquitto 2.0.11 (Debian 12) ends the process when a packet of version 5 has a property that it does not know, and reserves as much memory for a
 * packet as the packet says, up to 256 MB. So packets are looked at first, as they wait in the socket: how long they are, and that their properties exist.
 *
 * Pure.  Takes: bytes.  Gives: how many packets may be read.  Threads: any. */
#pragma once

#include "base/base.h"

enum { GUARD_PACKET_MAX = 192 * 1024 };

typedef struct GuardView {
    size_t packets;     // whole ones, one behind the other from the first byte on
    size_t wanted;      // bytes that must be there before more is known of the next one; 0: nothing of it is there
    const char *fault;  // what is wrong with the next one, NULL: nothing
} GuardView;

/// `version`: 4 or 5.
GuardView guard_look(const unsigned char *bytes, size_t length, int version);
