/* http.h -- one request and its reply.
 *
 * A handler fills the reply, or says what has to come before there is one: an answer of the tick, or something that another thread makes. */
#pragma once

#include "server/access.h"
#include "server/asks.h"

enum { REQUEST_ARGS_MAX = 16, REQUEST_PARTS_MAX = 4 };

typedef struct Request {
    const char *method;
    const char *path;                      // decoded
    const char *parts[REQUEST_PARTS_MAX];  // what the stars of its route stand for
    struct {
        const char *name, *value;  // decoded
    } args[REQUEST_ARGS_MAX];
    size_t arg_count;
    const char *body;  // never NULL
    size_t body_length;
    const char *origin;  // by which the caller found us: "http://localhost:8080"
    const char *type;    // of the body, "" when it is not said
    const char *encoding;  // of the body, "" for none
    const char *accept;  // the types of answers that are wanted, "" when it is not said
    const char *last_event;  // the last event that a reader of a stream had, "" for none
    Caller caller;
} Request;

/// The value of an argument, NULL when it is missing.
const char *request_arg(const Request *request, const char *name);

typedef struct Reply Reply;

/// Makes the reply of the tick's answer.
typedef void ReplyTold(Server *server, const AskAnswer *answer, Reply *reply);

/// What another thread makes, by its number. Whoever makes it wakes the service thread (server->wake).
typedef struct Awaited {
    bool (*has_come)(const Server *server, uint64_t id);
    void (*answer)(const Server *server, uint64_t id, Reply *reply);  // also when it has not come in time
} Awaited;

struct Reply {
    int status;
    const char *type;   // NULL: application/json
    const char *cache;  // NULL: no-store
    char allow[64];     // "", or the methods that are spoken here
    char etag[24];      // "" for none
    char location[64];  // "" for none: where to look for what was asked for
    char cookie[160];   // "" for none: what the browser is to keep
    char link[512];     // "" for none: the page behind this one, RFC 8288
    int retry_s;        // 0, or after how long to try again
    Text *body;         // empty at first; it writes times as the request wants them

    // what has to come first
    ReplyTold *told;    // NULL, or what makes the reply when the tick has answered `ask`
    ServerAsk ask;
    const Awaited *awaited;  // NULL, or that which is waited for, `wait_s` at the most
    uint64_t awaited_id;
    double wait_s;
    struct Events *events;  // NULL, or the reply is a stream of these and does not end
};

/// The body is whole: who has this very one is answered by 304.
void reply_tag(Reply *reply);
/// There is another page: the same request, with another value of one argument.
void reply_next(Reply *reply, const Request *request, const char *name, const char *value);
void reply_next_number(Reply *reply, const Request *request, const char *name, uint64_t value);
/// Make the reply a refusal: an RFC 9457 problem.
void reply_problem(Reply *reply, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/// The tick is asked, and `told` makes the reply when it has answered.
void reply_ask(Reply *reply, const ServerAsk *ask, ReplyTold *told);
/// The reply is made when it has come, or when `seconds` are over.
void reply_await(Reply *reply, const Awaited *awaited, uint64_t id, double seconds);
