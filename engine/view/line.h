/* line.h -- the WebSocket to a server: what it tells, message by message, for as long as the window is open.
 *
 * A thread of its own keeps the connection: it subscribes to the whole plant, reads frames into JSON and leaves them in a bounded ring. When the ring is
 * full nothing more is read from the socket, and the server skips values meanwhile. A connection that is lost is tried again, later and later; one that is
 * not let in (401, 403) as well, as a key may be given while one waits.
 *
 * Takes: an address, what lets in.  Gives: messages (docs/protocol.md, "An observer").
 * Threads: all functions from one; the line's own does the rest. */
#pragma once

#include <jansson.h>

#include "view/endpoint.h"

typedef struct LineDef {
    const Endpoint *address;
    const char *token, *cookie;  // who comes; NULL or ""
    const char *ca;              // a PEM file of authorities; NULL: those of this machine
    int64_t retry_first_ns, retry_most_ns;  // 0: half a second, ten seconds
} LineDef;

typedef struct LineState {
    bool open;             // subscribed
    int status;            // of the last refusal by HTTP, 0 when there was none
    uint32_t connections;  // made so far: another one is another snapshot
    char text[160];        // why it is not open
} LineState;

typedef struct Line Line;

Err line_open(const LineDef *def, Line **out, ErrText *why);
void line_close(Line *line);
/// The next message, the caller's; NULL when there is none. What came over an older connection than line_state's is never given.
json_t *line_take(Line *line);
/// Send a text frame; ERR_CLOSED without a connection, ERR_FULL when too many wait.
Err line_send(Line *line, const char *text);
LineState line_state(Line *line);
