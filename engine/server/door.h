/* door.h -- connections whose request has not come yet.
 *
 * An honest client says what it wants within milliseconds; whoever opens connections and says nothing, or a letter now and then, stays here. Of those
 * there are DOOR_MAX at most: one more, and the one that has stood here longest is cut off, so that there is always room for the next.
 *
 * Threads: the service thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct lws;

enum { DOOR_MAX = 512 };

/// Zero bytes are a door where nobody stands.
typedef struct Door {
    struct lws *waiting[DOOR_MAX];  // who has waited longest stands first
    size_t count;
} Door;

/// A connection has come; returns who has to go for it, NULL where there was room.
struct lws *door_enter(Door *door, struct lws *wsi);
/// Its request has come, or it has gone; false when it did not stand there.
bool door_leave(Door *door, const struct lws *wsi);
