/* pushes.c -- samples that are pushed by a request: JSON of ours, and line protocol as clients of InfluxDB write it. docs/protocol.md, "Pushing samples".
 *
 * The body goes to an inlet; what it took is answered when it is on disk [I5]. A refusal is our problem document, with the members in which those clients look
 * for its text. */
#include <string.h>
#include <strings.h>

#include "server/inside.h"
#include "server/routes.h"

enum {
    BODY_MAX = 8 << 20,
    PATIENCE_S = 4,  // libwebsockets closes what came in chunks after 5
};

/* Who asks, as inlets ask back. */
typedef struct Asker {
    const Access *access;
    const Caller *caller;
} Asker;

static bool may_provide(const void *self, const char *tag)
{
    const Asker *asker = self;
    return access_may_provide(asker->access, asker->caller, tag);
}

static bool has_stored(const Server *server, uint64_t receipt)
{
    return inlets_have_stored(server->inlets, receipt);
}

static void answer_stored(const Server *server, uint64_t receipt, Reply *reply)
{
    if (has_stored(server, receipt)) {
        reply->status = 204;
        return;
    }
    reply_problem(reply, 503, "the samples are not on disk yet: send them again, what is there already is not taken twice");
    reply->retry_s = 1;
}

/* A status as InfluxDB 2 calls it. */
static const char *status_code(int status)
{
    switch (status) {
    case 400: return "invalid";
    case 401: return "unauthorized";
    case 403: return "forbidden";
    case 404: return "not found";
    case 413: return "request too large";
    case 415: return "unsupported media type";
    default: return "unavailable";
    }
}

/* What clients of InfluxDB read: "code" and "message" (2), "error" (1), beside what all our problems say. */
static void add_words(Reply *reply, const char *why)
{
    Text *const body = reply->body;
    if (body->failed || body->length == 0 || body->bytes[body->length - 1] != '}')
        return;
    body->bytes[--body->length] = 0;
    text_format(body, ",\"code\":\"%s\",\"message\":", status_code(reply->status));
    text_json_string(body, why);
    text_put(body, ",\"error\":");
    text_json_string(body, why);
    text_put(body, "}");
}

static void refuse(Server *server, const Request *request, int status, const char *why, Reply *reply)
{
    reply_problem(reply, status, "%s", why);
    add_words(reply, why);
    reply->retry_s = status == 503 ? 1 : 0;
    if (status == 403)
        server__note(server, &request->caller, "provide", request->path, AUDIT_REFUSED, why);
}

/* Whether this caller may send samples at all, in a coding that is spoken here. */
static bool check_caller(Server *server, const Request *request, Reply *reply)
{
    const bool gzip = strcasecmp(request->encoding, "gzip") == 0;
    if (!access_is_device(server->access, &request->caller)) {
        const char *const doubt = request->caller.doubt ? request->caller.doubt : "show a token that may provide samples: Authorization: Token plx_...";
        refuse(server, request, request->caller.known || request->caller.forged ? 403 : 401, doubt, reply);
    } else if (!gzip && *request->encoding && strcasecmp(request->encoding, "identity") != 0) {
        refuse(server, request, 415, "content-encoding: gzip is spoken here", reply);
    } else if (!server->inlets) {
        refuse(server, request, 404, "this plant takes no samples by request", reply);
    } else {
        return true;
    }
    return false;
}

static void take(Server *server, const Request *request, InletForm form, const char *name, Reply *reply)
{
    static const Awaited stored = {has_stored, answer_stored};
    if (!check_caller(server, request, reply))
        return;
    const Asker asker = {server->access, &request->caller};
    const InletBody body = {
        .form = form,
        .bytes = request->body,
        .length = request->body_length,
        .gzip = strcasecmp(request->encoding, "gzip") == 0,
        .precision = request_arg(request, "precision"),
        .may_provide = may_provide,
        .caller = &asker,
    };
    InletAnswer answer;
    inlets_take(server->inlets, name && *name ? name : NULL, &body, &answer);
    if (answer.status != 204)
        refuse(server, request, answer.status, answer.why.text, reply);
    else if (answer.receipt)
        reply_await(reply, &stored, answer.receipt, PATIENCE_S);
    else
        reply->status = 204;
}

static void take_samples(Server *server, const Request *request, Reply *reply)
{
    take(server, request, INLET_JSON, request_arg(request, "connector"), reply);
}

/* InfluxDB's "bucket" is the connector. */
static void take_lines(Server *server, const Request *request, Reply *reply)
{
    take(server, request, INLET_LINES, request_arg(request, "bucket"), reply);
}

static void take_old_lines(Server *server, const Request *request, Reply *reply)
{
    take(server, request, INLET_LINES, request_arg(request, "db"), reply);
}

const Route push_routes[] = {
    {.method = "POST", .path = "/api/v1/samples", .right = RIGHT_NONE, .answer = take_samples, .body_max = BODY_MAX},
    {.method = "POST", .path = "/api/v2/write", .right = RIGHT_NONE, .answer = take_lines, .body_max = BODY_MAX},
    {.method = "POST", .path = "/write", .right = RIGHT_NONE, .answer = take_old_lines, .body_max = BODY_MAX},
    {0},
};
