/* http.c -- from a request's headers to a reply: who may ask, what is asked for, and the bytes on their way out.
 *
 * Pollux is spoken with from its own machine only, and pages of other sites must not speak with it: a Host that is no loopback name is
 * somebody's name that was bent to this address (DNS rebinding), an Origin that is not ours is another page. Any port is admitted in
 * Host, because a tunnel or a proxy on this machine may have another than ours. */
#include "server/http.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/files.h"
#include "server/forecasts.h"
#include "server/inside.h"
#include "server/rest.h"

enum {
    HEADERS_ROOM = 2048,
    CHUNK = 32 * 1024,  // of a body in one write
    NAME_ROOM = 300,    // of Host and Origin
    ANSWER_S = 60,      // for a reader to take its answer, and for the tick to give one
};

/* One request's reply on its way; libwebsockets keeps it with the connection. */
typedef struct Session {
    Text body;
    size_t sent;
    bool last;  // close the connection behind it
    struct lws *wsi;
    bool waiting;  // for the tick's answer, or a forecast
    int answered;  // its status while it is not on its way yet, 0 otherwise

    bool receiving;       // the body of a request, which asks for a forecast
    Text received;
    uint64_t forecast;    // that is waited for
    struct Session *next; // of those who wait for one
} Session;

size_t server__http_session_size(void)
{
    return sizeof(Session);
}

const char *request_arg(const Request *request, const char *name)
{
    for (size_t i = 0; i < request->arg_count; i++)
        if (strcmp(request->args[i].name, name) == 0)
            return request->args[i].value;
    return NULL;
}

void reply_problem(Reply *reply, int status, const char *format, ...)
{
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);

    reply->status = status;
    reply->type = "application/problem+json";
    reply->cache = NULL;
    reply->etag[0] = 0;
    text_clear(reply->body);
    wire_write_problem(reply->body, status, detail);
}

// Who may ask.

/* Split `name[:port]`; false when it is not the name of this machine's loopback. */
static bool is_loopback(const char *host, const char **port)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t length = strlen(names[i]);
        if (strncasecmp(host, names[i], length) != 0)
            continue;
        *port = host + length;
        if (**port == 0)
            return true;
        return **port == ':' && (*port)[1] && (*port)[1 + strspn(*port + 1, "0123456789")] == 0;
    }
    return false;
}

/* False when the header is there and longer than `room`. */
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t room)
{
    out[0] = 0;
    return lws_hdr_total_length(wsi, token) == 0 || lws_hdr_copy(wsi, out, (int)room, token) >= 0;
}

static bool check_caller(struct lws *wsi, Reply *reply)
{
    char host[NAME_ROOM], origin[NAME_ROOM];
    const char *host_port, *origin_port;
    if (!copy_header(wsi, WSI_TOKEN_HOST, host, sizeof host) || !is_loopback(host, &host_port)) {
        reply_problem(reply, 403, "Host \"%.100s\" is not a name of this machine: use localhost", host);
        return false;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
        return true;
    const bool ours = copy_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin) && strncasecmp(origin, "http://", 7) == 0 &&
                      is_loopback(origin + 7, &origin_port) && strcmp(host_port, origin_port) == 0;
    if (!ours)
        reply_problem(reply, 403, "a page of another site (%.100s) must not talk to a plant", origin);
    return ours;
}

// What is asked for.

/* Copy the arguments behind the path into `room` bytes of `memory`. */
static bool read_args(struct lws *wsi, Request *request, char *memory, size_t room)
{
    for (int i = 0;; i++) {
        const int length = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (length <= 0)
            return true;
        if (request->arg_count == REQUEST_ARGS_MAX || (size_t)length >= room)
            return false;
        if (lws_hdr_copy_fragment(wsi, memory, (int)room, WSI_TOKEN_HTTP_URI_ARGS, i) < 0)
            return false;
        char *equals = strchr(memory, '=');
        if (equals)
            *equals = 0;
        request->args[request->arg_count].name = memory;
        request->args[request->arg_count++].value = equals ? equals + 1 : "";
        memory += length + 1;
        room -= (size_t)length + 1;
    }
}

static void answer(Server *server, struct lws *wsi, const char *path, Reply *reply)
{
    char memory[8192];
    Request request = {.path = path};
    if (!read_args(wsi, &request, memory, sizeof memory))
        reply_problem(reply, 400, "too many arguments, or too long ones");
    else if (rest_knows(path))
        rest_answer(server, &request, reply);
    else
        files_answer(server->web, path, reply);
    if (reply->body->failed)
        reply_problem(reply, 503, "no memory for the answer");
}

/* The browser has this very file already. */
static bool is_known(struct lws *wsi, const Reply *reply)
{
    char known[256];
    return reply->etag[0] && copy_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof known) && strstr(known, reply->etag);
}

// The bytes on their way out.

typedef struct Headers {
    unsigned char bytes[LWS_PRE + HEADERS_ROOM];
    unsigned char *at, *end;
    struct lws *wsi;
    bool failed;
} Headers;

static void put_header(Headers *headers, const char *name, const char *value)
{
    headers->failed |= lws_add_http_header_by_name(headers->wsi, (const unsigned char *)name, (const unsigned char *)value, (int)strlen(value),
                                                   &headers->at, headers->end) != 0;
}

static bool write_headers(struct lws *wsi, const Reply *reply, size_t length, bool last)
{
    Headers headers = {.wsi = wsi};
    headers.at = headers.bytes + LWS_PRE;
    headers.end = headers.bytes + sizeof headers.bytes - 1;
    const char *type = reply->type ? reply->type : "application/json";
    headers.failed = lws_add_http_common_headers(wsi, (unsigned)reply->status, type, length, &headers.at, headers.end) != 0;

    put_header(&headers, "cache-control:", reply->cache ? reply->cache : "no-store");
    if (reply->etag[0])
        put_header(&headers, "etag:", reply->etag);
    if (reply->location[0])
        put_header(&headers, "location:", reply->location);
    if (reply->retry_s) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", reply->retry_s);
        put_header(&headers, "retry-after:", seconds);
    }
    if (reply->status == 405)
        put_header(&headers, "allow:", "GET, HEAD");
    if (last)
        put_header(&headers, "connection:", "close");
    put_header(&headers, "content-security-policy:",
               "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
               "form-action 'none'; frame-ancestors 'none'");
    put_header(&headers, "x-content-type-options:", "nosniff");
    put_header(&headers, "x-frame-options:", "DENY");
    put_header(&headers, "referrer-policy:", "no-referrer");
    put_header(&headers, "cross-origin-resource-policy:", "same-origin");
    return !headers.failed && lws_finalize_write_http_header(wsi, headers.bytes + LWS_PRE, &headers.at, headers.end) == 0;
}

/* Write what is left of the body; nonzero when the connection is to be closed. */
static int write_body(Session *session, struct lws *wsi)
{
    unsigned char chunk[LWS_PRE + CHUNK];
    while (session->sent < session->body.length) {
        if (lws_send_pipe_choked(wsi)) {
            lws_callback_on_writable(wsi);
            return 0;
        }
        const size_t left = session->body.length - session->sent, length = left < CHUNK ? left : CHUNK;
        memcpy(chunk + LWS_PRE, session->body.bytes + session->sent, length);
        if (lws_write(wsi, chunk + LWS_PRE, length, length == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)length)
            return -1;
        session->sent += length;
    }
    // the session may go with its transaction
    const bool last = session->last;
    text_fini(&session->body);
    return lws_http_transaction_completed(wsi) || last ? -1 : 0;
}

static int send_reply(Session *session, struct lws *wsi, Reply *reply, bool head)
{
    if (is_known(wsi, reply)) {
        reply->status = 304;
        text_clear(reply->body);
    }
    const size_t length = reply->body->length;
    if (!write_headers(wsi, reply, length, session->last))
        return -1;
    if (head)
        text_clear(reply->body);
    session->sent = 0;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
    lws_callback_on_writable(wsi);
    return 0;
}

/* What is asked of the tick is answered when it has done it. True when it was asked. */
static bool ask_reload(Server *server, Session *session, struct lws *wsi, Reply *reply)
{
    ServerAsk ask = {.kind = SERVER_ASK_RELOAD};
    session->wsi = wsi;
    if (!asks_put(&server->asks, session, WIRE_ID_NONE, &ask)) {
        reply_problem(reply, 429, "too many questions wait for an answer");
        return false;
    }
    session->waiting = true;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
    return true;
}

void server__answer_session(void *self, const AskAnswer *answer)
{
    Session *session = self;
    Reply reply = {.status = answer->status, .body = &session->body};
    if (answer->status == 200) {
        text_put(&session->body, "{\"detail\":");
        text_json_string(&session->body, answer->detail);
        text_put(&session->body, "}");
    } else {
        reply_problem(&reply, answer->status, "%s", answer->detail);
    }
    session->waiting = false;
    session->answered = answer->status;
    lws_callback_on_writable(session->wsi);
}

// Forecasts.

static void wait_for_forecast(Server *server, Session *session, uint64_t id, double seconds)
{
    session->waiting = true;
    session->forecast = id;
    session->next = server->awaiting;
    server->awaiting = session;
    lws_set_timeout(session->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
    lws_set_timer_usecs(session->wsi, (lws_usec_t)(seconds * 1e6));
}

static void forget_forecast(Server *server, Session *session)
{
    for (Session **at = &server->awaiting; *at; at = &(*at)->next)
        if (*at == session) {
            *at = session->next;
            break;
        }
    session->forecast = 0;
}

/* It has ended, or nobody waits any longer: say how it stands. */
static int answer_forecast(Server *server, Session *session)
{
    Reply reply = {.status = 200, .body = &session->body};
    forecasts_answer(server, session->forecast, &reply);
    forget_forecast(server, session);
    session->waiting = false;
    lws_set_timer_usecs(session->wsi, LWS_SET_TIMER_USEC_CANCEL);
    return session->body.failed ? -1 : send_reply(session, session->wsi, &reply, false);
}

void server__tell_forecasts(Server *server)
{
    for (const Session *session = server->awaiting; session; session = session->next)
        if (forecasts_has_ended(server, session->forecast))
            lws_callback_on_writable(session->wsi);
}

static int ask_forecast(Server *server, Session *session, struct lws *wsi)
{
    char memory[2048];
    double wait = 0;
    Reply reply = {.status = 200, .body = &session->body};
    Request request = {.path = "/api/v1/forecasts"};
    session->receiving = false;
    session->last = false;  // its body was read
    session->wsi = wsi;
    uint64_t id = 0;
    if (session->received.failed)
        reply_problem(&reply, 503, "no memory for the scenario");
    else if (!read_args(wsi, &request, memory, sizeof memory))
        reply_problem(&reply, 400, "too many arguments, or too long ones");
    else
        id = forecasts_ask(server, &request, &session->received, &reply, &wait);
    text_fini(&session->received);
    if (id && wait > 0 && !forecasts_has_ended(server, id)) {
        wait_for_forecast(server, session, id, wait);
        return 0;
    }
    if (id)
        forecasts_answer(server, id, &reply);
    return send_reply(session, wsi, &reply, false);
}

/* The body comes in pieces behind its headers. False when it is refused. */
static bool begin_receiving(Session *session, struct lws *wsi, Reply *reply)
{
    char length[24];
    copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length);
    const unsigned long long bytes = strtoull(length, NULL, 10);
    if (!*length)
        reply_problem(reply, 411, "the length of the body is missing");
    else if (bytes > DESK_TEXT_MAX)
        reply_problem(reply, 413, "a scenario may have %d KiB at most", DESK_TEXT_MAX / 1024);
    else
        session->receiving = true;
    text_clear(&session->received);
    return session->receiving;
}

static void receive(Session *session, const char *bytes, size_t length)
{
    if (session->receiving && session->received.length + length <= DESK_TEXT_MAX)
        text_add(&session->received, bytes, length);
}

/* The answer has come: its headers, and then the body. */
static int send_answer(Session *session, struct lws *wsi)
{
    Reply reply = {.status = session->answered, .type = session->answered == 200 ? NULL : "application/problem+json", .body = &session->body};
    session->answered = 0;
    return session->body.failed ? -1 : send_reply(session, wsi, &reply, false);
}

static int on_request(Server *server, Session *session, struct lws *wsi, const char *path, size_t length)
{
    Reply reply = {.status = 200, .body = &session->body};
    const bool get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0, head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    const bool post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0, is_delete = lws_hdr_total_length(wsi, WSI_TOKEN_DELETE_URI) > 0;
    text_clear(&session->body);
    session->waiting = session->receiving = false;
    session->answered = 0;
    session->last = !get && !head;  // its body is not read, so nothing behind it can be
    if (post && strcmp(path, "/api/v1/reload") == 0) {
        if (check_caller(wsi, &reply) && ask_reload(server, session, wsi, &reply))
            return 0;
    } else if (post && strcmp(path, "/api/v1/forecasts") == 0) {
        if (check_caller(wsi, &reply) && begin_receiving(session, wsi, &reply))
            return 0;
    } else if (is_delete && strncmp(path, "/api/v1/forecasts/", strlen("/api/v1/forecasts/")) == 0) {
        if (check_caller(wsi, &reply))
            forecasts_cancel(server, path, &reply);
    } else if (!get && !head) {
        reply_problem(&reply, 405, "only GET and HEAD are spoken here");
    } else if (strlen(path) != length) {
        reply_problem(&reply, 400, "a path cannot have a byte of zero");
    } else if (check_caller(wsi, &reply)) {
        answer(server, wsi, path, &reply);
    }
    return send_reply(session, wsi, &reply, head);
}

/* 0 lets the upgrade go on; a positive value says that it was answered. */
static int on_upgrade(struct lws *wsi, const char *to)
{
    char path[64], protocols[256];
    Text body = {0};
    Reply reply = {.body = &body};
    if (strcmp(to, "websocket") != 0)
        reply_problem(&reply, 400, "an upgrade to \"%.40s\" is not spoken here", to);
    else if (!check_caller(wsi, &reply))
        ;
    else if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) < 0 || strcmp(path, "/api/v1/ws") != 0)
        reply_problem(&reply, 404, "the WebSocket is at /api/v1/ws");
    else if (lws_hdr_copy(wsi, protocols, sizeof protocols, WSI_TOKEN_PROTOCOL) < 0 || !(strstr(protocols, SUBPROTOCOL) || strstr(protocols, SUBPROTOCOL_BULK)))
        reply_problem(&reply, 400, "name the subprotocol %s or %s", SUBPROTOCOL, SUBPROTOCOL_BULK);
    if (!reply.status)
        return 0;

    int result = -1;
    if (!body.failed && write_headers(wsi, &reply, body.length, true)) {
        unsigned char chunk[LWS_PRE + 1024];
        const size_t length = body.length < 1024 ? body.length : 1024;
        memcpy(chunk + LWS_PRE, body.bytes, length);
        result = lws_write(wsi, chunk + LWS_PRE, length, LWS_WRITE_HTTP_FINAL) < 0 ? -1 : 1;
    }
    text_fini(&body);
    return result;
}

int server__on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    Server *server = lws_context_user(lws_get_context(wsi));
    Session *session = user;
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(wsi, in);
    case LWS_CALLBACK_HTTP:
        return on_request(server, session, wsi, in, length);
    case LWS_CALLBACK_HTTP_BODY:
        receive(session, in, length);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return session->receiving ? ask_forecast(server, session, wsi) : 0;
    case LWS_CALLBACK_TIMER:
        return session->forecast ? answer_forecast(server, session) : 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        if (session->forecast && forecasts_has_ended(server, session->forecast))
            return answer_forecast(server, session);
        return session->waiting ? 0 : session->answered ? send_answer(session, wsi) : write_body(session, wsi);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (session) {
            asks_forget(&server->asks, session);
            forget_forecast(server, session);
            text_fini(&session->body);
            text_fini(&session->received);
        }
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ESTABLISHED:
        return -1;  // a WebSocket without our subprotocol
    default:
        return 0;
    }
}
