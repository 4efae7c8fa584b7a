/* http.c -- from a request's headers to its reply: what is asked for, what it has to wait for, and how its body goes out. */
#include "server/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/dechunk.h"
#include "server/events.h"
#include "server/files.h"
#include "server/guard.h"
#include "server/inside.h"
#include "server/routes.h"

enum {
    CHUNK = 32 * 1024,  // of a body in one write
    PATH_ROOM = 1024,
    ARGS_ROOM = 8192,
    HEADER_ROOM = 300,  // of a header that is kept
    ANSWER_S = 60,      // for a reader to take its answer, and for the tick to give one
};

typedef enum SessionState {
    SESSION_RECEIVING,  // the body of a request
    SESSION_WAITING,    // for what its reply has to wait for
    SESSION_ANSWERED,   // the reply is there, nothing of it is on its way
    SESSION_WRITING,
    SESSION_STREAMING,  // its reply does not end
} SessionState;

#define CHUNKED SIZE_MAX  // a length that nobody knows

/* One request and its reply on its way; libwebsockets keeps it with the connection. */
typedef struct Session {
    struct lws *wsi;
    SessionState state;
    const Route *route;
    Text received;  // the body of the request
    bool chunked;   // it comes in chunks
    Dechunk chunks;
    Reply reply;
    Text body;      // of the reply
    size_t sent;
    bool head;      // only the headers are asked for
    bool last;      // close the connection behind it
    struct Session *next;  // of those who wait for what other threads make
} Session;

/* A request as it is read from its headers, and the memory that it points to. */
typedef struct RequestRoom {
    Request request;
    char path[PATH_ROOM], parts[PATH_ROOM], args[ARGS_ROOM], origin[HEADER_ROOM + 8], type[HEADER_ROOM], encoding[HEADER_ROOM], accept[HEADER_ROOM],
        last_event[24];
} RequestRoom;

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

static const struct {
    enum lws_token_indexes token;
    const char *name;
} methods[] = {
    {WSI_TOKEN_GET_URI, "GET"},
    {WSI_TOKEN_HEAD_URI, "HEAD"},
    {WSI_TOKEN_POST_URI, "POST"},
    {WSI_TOKEN_PUT_URI, "PUT"},
    {WSI_TOKEN_PATCH_URI, "PATCH"},
    {WSI_TOKEN_DELETE_URI, "DELETE"},
    {WSI_TOKEN_OPTIONS_URI, "OPTIONS"},
};

/* Method and path; false when they are refused. */
static bool read_target(struct lws *wsi, RequestRoom *room, Reply *reply)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const int length = lws_hdr_total_length(wsi, methods[i].token);
        if (length <= 0)
            continue;
        room->request.method = methods[i].name;
        room->request.path = room->path;
        if (lws_hdr_copy(wsi, room->path, sizeof room->path, methods[i].token) < 0)
            reply_problem(reply, 414, "a path may have %d bytes", PATH_ROOM - 1);
        else if (strlen(room->path) != (size_t)length || *room->path != '/')
            reply_problem(reply, 400, "a path begins with a slash and has no byte of zero");
        else
            return true;
        return false;
    }
    reply_problem(reply, 501, "this method is not spoken here");
    return false;
}

/* Whether the body comes in chunks; with a length besides, its end would be a matter of opinion. */
static bool read_coding(struct lws *wsi, Reply *reply)
{
    char coding[24];
    if (lws_hdr_copy(wsi, coding, sizeof coding, WSI_TOKEN_HTTP_TRANSFER_ENCODING) < 0 || strcasecmp(coding, "chunked") != 0)
        reply_problem(reply, 501, "transfer-encoding: expected chunked");
    else if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0)
        reply_problem(reply, 400, "a body has a length or comes in chunks, not both");
    return reply->status == 200;
}

/* How many bytes of a body come behind the headers, CHUNKED where nobody knows; false when that is refused. */
static bool read_length(struct lws *wsi, const Route *route, size_t *out, Reply *reply)
{
    char text[24] = "";
    *out = 0;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        *out = CHUNKED;
        return read_coding(wsi, reply);
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0)
        return true;
    char *end = text;
    const bool fits = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) >= 0;
    const unsigned long long bytes = strtoull(text, &end, 10);
    if (!fits || text[0] < '0' || text[0] > '9' || *end)
        reply_problem(reply, 400, "content-length: expected a whole number");
    else if (bytes > route->body_max)
        reply_problem(reply, 413, "a body may have %zu KiB at most here", route->body_max / 1024);
    else
        *out = (size_t)bytes;
    return reply->status == 200;
}

/* How times are written; false when that is refused. */
static bool read_times(const Request *request, Reply *reply)
{
    const char *times = request_arg(request, "times");
    const bool ns = times && strcmp(times, "ns") == 0;
    reply->body->times = ns ? TEXT_TIMES_NS : TEXT_TIMES_RFC3339;
    if (ns || !times || strcmp(times, "rfc3339") == 0)
        return true;
    reply_problem(reply, 400, "times: expected ns or rfc3339, got \"%.60s\"", times);
    return false;
}

// The bytes on their way out.

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

static int send_reply(Session *session)
{
    struct lws *wsi = session->wsi;
    Reply *reply = &session->reply;
    if (reply->body->failed)
        reply_problem(reply, 503, "no memory for the answer");
    if (reply->body->failed)
        return -1;
    if (server__is_known(wsi, reply)) {
        reply->status = 304;
        text_clear(reply->body);
    }
    if (!server__write_headers(wsi, reply, reply->body->length, session->last))
        return -1;
    if (session->head)
        text_clear(reply->body);
    session->sent = 0;
    session->state = SESSION_WRITING;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
    lws_callback_on_writable(wsi);
    return 0;
}

/* The headers, and then events for as long as somebody reads them. */
static int send_events(Session *session)
{
    session->last = true;
    if (!server__write_headers(session->wsi, &session->reply, LWS_ILLEGAL_HTTP_CONTENT_LEN, session->last))
        return -1;
    session->state = SESSION_STREAMING;
    events_begin(session->reply.events, session->wsi);
    return 0;
}

// What a reply has to wait for.

static void forget_awaited(Server *server, Session *session)
{
    for (Session **at = &server->awaiting; *at; at = &(*at)->next)
        if (*at == session) {
            *at = session->next;
            return;
        }
}

/* It has come, or nobody waits any longer. */
static int answer_awaited(Server *server, Session *session)
{
    forget_awaited(server, session);
    lws_set_timer_usecs(session->wsi, LWS_SET_TIMER_USEC_CANCEL);
    session->reply.awaited->answer(server, session->reply.awaited_id, &session->reply);
    return send_reply(session);
}

static bool has_come(const Server *server, const Session *session)
{
    const Awaited *awaited = session->reply.awaited;
    return session->state == SESSION_WAITING && awaited && awaited->has_come(server, session->reply.awaited_id);
}

void server__tell_awaiting(Server *server)
{
    for (const Session *session = server->awaiting; session; session = session->next)
        if (has_come(server, session))
            lws_callback_on_writable(session->wsi);
}

void server__answer_session(Server *server, void *self, const AskAnswer *answer)
{
    Session *session = self;
    session->reply.told(server, answer, &session->reply);
    session->state = SESSION_ANSWERED;
    lws_callback_on_writable(session->wsi);
}

/* The handler has had the request: its reply goes out, now or when what it waits for has come. */
static int conclude(Server *server, Session *session)
{
    Reply *reply = &session->reply;
    session->state = SESSION_WAITING;
    if (reply->told) {
        if (!asks_put(&server->asks, session, WIRE_TOPIC_COUNT, WIRE_ID_NONE, &reply->ask)) {
            reply_problem(reply, 429, "too many questions wait for an answer");
            reply->retry_s = 1;
            return send_reply(session);
        }
        lws_set_timeout(session->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
        return 0;
    }
    if (reply->events && !session->head)
        return send_events(session);
    events_close(reply->events);  // nobody reads them
    reply->events = NULL;
    if (!reply->awaited)
        return send_reply(session);
    session->next = server->awaiting;
    server->awaiting = session;
    if (reply->wait_s <= 0 || has_come(server, session))
        return answer_awaited(server, session);
    lws_set_timeout(session->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
    lws_set_timer_usecs(session->wsi, (lws_usec_t)(reply->wait_s * 1e6));
    return 0;
}

// A request comes in.

static void copy_header(struct lws *wsi, enum lws_token_indexes token, char out[HEADER_ROOM])
{
    if (lws_hdr_copy(wsi, out, HEADER_ROOM, token) < 0)
        out[0] = 0;
}

/* All of it that stands in the headers, which are there until it is answered. NULL, and a refusal: it is not answered by a route. */
static const Route *read_request(Server *server, struct lws *wsi, RequestRoom *room, Reply *reply)
{
    Request *request = &room->request;
    *request = (Request){.body = "", .origin = room->origin, .type = room->type, .encoding = room->encoding, .accept = room->accept,
                         .last_event = room->last_event};
    char host[HEADER_ROOM];
    copy_header(wsi, WSI_TOKEN_HOST, host);
    snprintf(room->origin, sizeof room->origin, "%s://%s", lws_is_ssl(wsi) ? "https" : "http", host);
    copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, room->type);
    copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING, room->encoding);
    copy_header(wsi, WSI_TOKEN_HTTP_ACCEPT, room->accept);
    if (lws_hdr_custom_copy(wsi, room->last_event, sizeof room->last_event, "last-event-id:", strlen("last-event-id:")) < 0)
        room->last_event[0] = 0;
    if (!read_target(wsi, room, reply) || !guard_admit(server, wsi, &request->caller, reply))
        return NULL;
    if (!read_args(wsi, request, room->args, sizeof room->args)) {
        reply_problem(reply, 400, "too many arguments, or too long ones");
        return NULL;
    }
    if (!read_times(request, reply))
        return NULL;
    if (!routes_know(request->path))
        return NULL;
    memcpy(room->parts, room->path, sizeof room->path);
    const Route *route = routes_find(request, room->parts, reply);
    if (!route || guard_permit(&request->caller, route->right, reply))
        return route;

    // who is nobody may ask as often as he likes without filling the trail
    if (request->caller.known || request->caller.forged)
        server__note(server, &request->caller, request->method, request->path, AUDIT_REFUSED, "no right to it");
    return NULL;
}

static void answer_file(Server *server, const Request *request, Reply *reply)
{
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0) {
        files_answer(server->web, request->path, reply);
        return;
    }
    snprintf(reply->allow, sizeof reply->allow, "GET, HEAD");
    reply_problem(reply, 405, "only GET and HEAD are spoken here");
}

static int answer_request(Server *server, Session *session, const Request *request)
{
    show_catch_up(server);
    session->route->answer(server, request, &session->reply);
    session->reply.ask.caller = request->caller;
    return conclude(server, session);
}

static int on_request(Server *server, Session *session, struct lws *wsi)
{
    RequestRoom room;
    size_t length = 0;
    text_clear(&session->body);
    text_clear(&session->received);
    session->reply = (Reply){.status = 200, .body = &session->body};
    session->wsi = wsi;
    session->route = read_request(server, wsi, &room, &session->reply);
    session->head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    const bool is_file = !session->route && session->reply.status == 200;
    if (is_file)
        answer_file(server, &room.request, &session->reply);
    if (!session->route || !read_length(wsi, session->route, &length, &session->reply)) {
        session->last = !session->head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0;  // a body is not read, so nothing behind it can be
        return send_reply(session);
    }

    // where the length is not told libwebsockets does not see the end, so nothing behind it is read
    session->chunked = length == CHUNKED;
    session->last = !session->head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0 && lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0;
    session->chunks = (Dechunk){0};
    if (length) {
        session->state = SESSION_RECEIVING;
        return 0;
    }
    return answer_request(server, session, &room.request);
}

/* The body has come, behind its headers. */
static int on_body(Server *server, Session *session)
{
    RequestRoom room;
    if (session->state != SESSION_RECEIVING)
        return 0;
    if (session->received.failed) {
        reply_problem(&session->reply, 503, "no memory for the request");
        return send_reply(session);
    }
    if (!read_request(server, session->wsi, &room, &session->reply))
        return send_reply(session);
    room.request.body = session->received.bytes ? session->received.bytes : "";
    room.request.body_length = session->received.length;
    const int result = answer_request(server, session, &room.request);
    text_fini(&session->received);
    return result;
}

static int receive_chunks(Server *server, Session *session, const char *bytes, size_t length)
{
    switch (dechunk(&session->chunks, bytes, length, session->route->body_max, &session->received)) {
    case DECHUNK_DONE:
        return on_body(server, session);
    case DECHUNK_WRONG:
        reply_problem(&session->reply, 400, "the body: expected chunks, each with its size in hexadecimal digits in front");
        return send_reply(session);
    case DECHUNK_TOO_LONG:
        reply_problem(&session->reply, 413, "a body may have %zu KiB at most here", session->route->body_max / 1024);
        return send_reply(session);
    default:
        return 0;
    }
}

static int receive(Server *server, Session *session, const char *bytes, size_t length)
{
    if (session->state != SESSION_RECEIVING)
        return 0;
    if (session->chunked)
        return receive_chunks(server, session, bytes, length);
    if (session->received.length + length <= session->route->body_max)
        text_add(&session->received, bytes, length);
    return 0;
}

static int on_writable(Server *server, Session *session)
{
    switch (session->state) {
    case SESSION_WAITING:
        return has_come(server, session) ? answer_awaited(server, session) : 0;
    case SESSION_ANSWERED:
        return send_reply(session);
    case SESSION_WRITING:
        return write_body(session, session->wsi);
    case SESSION_STREAMING:
        return events_write(session->reply.events);
    case SESSION_RECEIVING:
        return 0;
    }
    return 0;
}

static int on_timer(Server *server, Session *session)
{
    if (session->state == SESSION_STREAMING)
        events_beat(session->reply.events);
    return session->state == SESSION_WAITING && session->reply.awaited ? answer_awaited(server, session) : 0;
}

/* 0 lets the upgrade go on; a positive value says that it was answered. */
static int on_upgrade(Server *server, struct lws *wsi, const char *to)
{
    char path[64], protocols[256];
    Text body = {0};
    Reply reply = {.body = &body};
    Caller caller;
    if (strcmp(to, "websocket") != 0)
        reply_problem(&reply, 400, "an upgrade to \"%.40s\" is not spoken here", to);
    else if (!guard_admit(server, wsi, &caller, &reply))
        ;
    else if (!guard_knows(server, &caller))
        guard_permit(&caller, RIGHT_VIEW, &reply);
    else if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) < 0 || strcmp(path, "/api/v1/ws") != 0)
        reply_problem(&reply, 404, "the WebSocket is at /api/v1/ws");
    else if (lws_hdr_copy(wsi, protocols, sizeof protocols, WSI_TOKEN_PROTOCOL) < 0 || !(strstr(protocols, SUBPROTOCOL) || strstr(protocols, SUBPROTOCOL_BULK)))
        reply_problem(&reply, 400, "name the subprotocol %s or %s", SUBPROTOCOL, SUBPROTOCOL_BULK);
    if (!reply.status)
        return 0;

    int result = -1;
    if (!body.failed && server__write_headers(wsi, &reply, body.length, true)) {
        unsigned char chunk[LWS_PRE + 1024];
        const size_t length = body.length < 1024 ? body.length : 1024;
        memcpy(chunk + LWS_PRE, body.bytes, length);
        result = lws_write(wsi, chunk + LWS_PRE, length, LWS_WRITE_HTTP_FINAL) < 0 ? -1 : 1;
    }
    text_fini(&body);
    return result;
}

/* It stands at the door until its request has come; for one too many the longest that stands there goes. */
static void on_arrival(Server *server, struct lws *wsi)
{
    struct lws *oldest = door_enter(&server->door, wsi);
    server->counters.connections++;
    if (!oldest)
        return;
    server->counters.mute++;
    lws_set_timeout(oldest, PENDING_TIMEOUT_HOLDING_AH, LWS_TO_KILL_ASYNC);
}

int server__on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    Server *server = lws_context_user(lws_get_context(wsi));
    Session *session = user;
    switch (reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        on_arrival(server, wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        server->counters.mute += door_leave(&server->door, wsi);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        door_leave(&server->door, wsi);
        return on_upgrade(server, wsi, in);
    case LWS_CALLBACK_HTTP:
        door_leave(&server->door, wsi);
        server->counters.requests++;
        return on_request(server, session, wsi);
    case LWS_CALLBACK_HTTP_BODY:
        return receive(server, session, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body(server, session);
    case LWS_CALLBACK_TIMER:
        return on_timer(server, session);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable(server, session);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (session) {
            asks_forget(&server->asks, session);
            forget_awaited(server, session);
            events_close(session->reply.events);
            session->reply.events = NULL;
            text_fini(&session->body);
            text_fini(&session->received);
        }
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ESTABLISHED:
        return -1;  // a WebSocket without our subprotocol
    default:
        return tls_on_event(server->tls, reason, user, length);
    }
}
