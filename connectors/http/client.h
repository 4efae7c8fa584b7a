/* client.h -- requests under way, by libcurl, on one thread: several at a time, none of which waits for another.
 *
 * A call is a resource that is asked again and again: it keeps the connection and the entity tag. A request has an end by the timeout, an answer a length that
 * it may have, and nothing is sent twice: not by a redirection, and a command not over a connection that somebody else may have closed.
 *
 * Takes: calls.  Gives: answers.  Memory: its own; an answer is a view until the next request of its call.  Threads: one. */
#pragma once

#include "connectors/http/settings.h"

typedef struct HttpClient HttpClient;
typedef struct HttpCall HttpCall;

/// What became of a request.
typedef struct HttpAnswer {
    HttpCall *call;
    long status;        // 0: none came, and `why`
    const char *bytes;  // end in 0
    size_t length;
    char why[160];
    int64_t took_ns;
} HttpAnswer;

/// `settings` outlive it; files are looked for in `folder`. ERR_IO names the file that cannot be used.
Err http_client_create(const HttpSettings *settings, const char *folder, HttpClient **out, ErrText *why);
void http_client_destroy(HttpClient *client);
/// A new call of the path at the connector's url. It lives as long as the client.
Err http_client_call(HttpClient *client, const char *path, HttpCall **out);

/// Ask. Who has an entity tag may be answered by 304. False: it could not be begun.
bool http_call_get(HttpCall *call);
/// Send a body by PUT or POST; it is copied.
bool http_call_send(HttpCall *call, bool post, const char *type, const Text *body);
/// What was answered is of no use: it is asked for again, whole.
void http_call_forget(HttpCall *call);
bool http_call_is_busy(const HttpCall *call);
/// Let requests go on until one has ended, `file` is readable or the time is over.
void http_client_wait(HttpClient *client, int file, int64_t wait_ns);
/// The next request that has ended.
bool http_client_ended(HttpClient *client, HttpAnswer *out);
