/* events.h -- server-sent events: what those who watch by WebSocket are told, for browsers and Web of Things clients that have HTTP alone.
 *
 * A stream is a viewer (show.h) whose bytes go out as the body of a reply that does not end. The revision of a frame is the event's id, so that a
 * browser that lost its connection goes on where it was.
 *
 * Memory: a stream belongs to the session that opened it.  Threads: the service thread. */
#pragma once

#include "server/http.h"

struct lws;

typedef struct Events Events;

/// Begin to write events to `wsi`, behind the headers of its reply.
void events_begin(Events *events, struct lws *wsi);
void events_close(Events *events);
/// Write what waits; nonzero when the connection is to be closed.
int events_write(Events *events);
/// Nothing was written for a while: say that the stream is alive.
void events_beat(Events *events);
