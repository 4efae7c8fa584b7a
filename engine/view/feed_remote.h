/* feed_remote.h -- a World that a server fills: `pollux view http://localhost:8080`.
 *
 * What is live comes over the line (a WebSocket), answers over REST; both have threads of their own, and nothing here waits. While the server is away the
 * last that was known stays, the mode is WORLD_OFFLINE and the notice says why; it is back by itself. What one may do is asked anew with each connection,
 * and refused asks say what is missing.
 *
 * Takes: an address, what lets in.  Gives: Source.  Memory: its own.  Threads: one, the window's. */
#pragma once

#include "view/world.h"

typedef struct FeedRemoteDef {
    const char *url;       // http://HOST[:PORT] or https://
    const char *token;     // that lets in; NULL: none
    const char *user, *password;  // a login in its place; NULL: none
    const char *ca;        // a PEM file of authorities; NULL: those of this machine
    int64_t retry_first_ns, retry_most_ns;  // between two attempts; 0: half a second, ten seconds
} FeedRemoteDef;

/// A server that does not answer yet is no error, one that does not let `user` in is.
Err feed_remote_open(const FeedRemoteDef *def, Source *out, ErrText *why);
