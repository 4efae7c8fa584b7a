/* recent.h -- the alarms and commands that changed of late, each with its revision, as the objects that those who watch are told of.
 *
 * A client that was away is told what it missed from here. What is newer than the last show is never dropped; of what is older a bounded
 * number is kept, and `since` says how far back that reaches.
 *
 * Takes: objects in JSON.  Gives: lists of them.  Threads: the service thread. */
#pragma once

#include "base/base.h"

enum { RECENT_MAX = 4096, RECENT_BYTES_MAX = 2 * 1024 * 1024 };

#define RECENT_OF_ALL UINT32_MAX  // of no twin, so it concerns everybody

typedef enum RecentKind { RECENT_ALARM, RECENT_COMMAND } RecentKind;

typedef struct RecentChange {
    uint64_t revision;
    uint32_t twin;
    RecentKind kind;
    size_t length;
    char *json;
} RecentChange;

typedef struct Recent {
    RecentChange *items;  // a ring, oldest first
    size_t first, count, room, bytes;
    uint64_t since;  // all changes with a higher revision are here
} Recent;

void recent_fini(Recent *recent);
/// Add a change; of those up to revision `told` the oldest make room. Without memory the change is lost, and `since` says so.
void recent_add(Recent *recent, RecentKind kind, uint64_t revision, uint32_t twin, const Text *json, uint64_t told);
/// The twins of the changes are those of another version of the plant from now on: what is here concerns everybody.
void recent_follow(Recent *recent);

/// Whom a change concerns.
typedef bool RecentFilter(const void *self, uint32_t twin);
/// What stands around each object of a list, and between two.
typedef struct RecentForm {
    const char *begin, *end, *between;
} RecentForm;
/// Add the changes of one kind with a revision above `after`, oldest first.
void recent_write(const Recent *recent, RecentKind kind, uint64_t after, RecentFilter *concerns, const void *self, RecentForm form, Text *out);
