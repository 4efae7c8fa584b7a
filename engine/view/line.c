#include "view/line.h"

#include <assert.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "signal/backoff.h"

enum {
    RX_CHUNK = 64 * 1024,
    FRAME_MAX = 64 * 1024 * 1024,
    INCOMING = 128,
    OUTGOING = 32,
    OUTGOING_SIZE = 2048,
    CONNECT_S = 5,
};

static const char subscribe[] = "{\"topic\":\"subscribe\",\"headers\":{\"id\":1},\"value\":{}}";

/* A message and the connection that it came by: what is left of an older one is thrown away. */
typedef struct Incoming {
    json_t *message;
    uint32_t connection;
} Incoming;

typedef struct Outgoing {
    uint32_t connection;
    char text[OUTGOING_SIZE];
} Outgoing;

struct Line {
    Endpoint address;
    char bearer[ENDPOINT_TOKEN], cookie[ENDPOINT_TOKEN];
    struct lws_context *lws;
    struct lws *wsi;
    lws_sorted_usec_list_t retry;
    Backoff backoff;
    bool connecting, subscribed;
    uint32_t connection;

    Text frame;
    bool skip;          // the frame at hand is too large
    Incoming held;      // that the ring had no room for
    Ring incoming, outgoing;
    Text out;

    pthread_mutex_t lock;  // of what both threads read and write
    LineState state;

    pthread_t thread;
    bool running;
    atomic_bool stopping;
};

static void set_state(Line *line, bool open, int status, const char *text)
{
    pthread_mutex_lock(&line->lock);
    line->state.open = open;
    line->state.status = status;
    line->state.connections = line->connection;
    snprintf(line->state.text, sizeof line->state.text, "%s", text);
    pthread_mutex_unlock(&line->lock);
}

// What comes.

/* False when there is no room for it now. */
static bool pass_on(Line *line)
{
    if (line->held.message && !ring_push(&line->incoming, &line->held))
        return false;
    line->held.message = NULL;
    return true;
}

static void take_frame(Line *line)
{
    json_error_t error;
    json_t *message = line->skip || line->frame.failed ? NULL : json_loadb(line->frame.bytes, line->frame.length, 0, &error);
    if (!message)
        return;
    line->held = (Incoming){message, line->connection};
    if (!pass_on(line))
        lws_rx_flow_control(line->wsi, 0);
}

static void receive(Line *line, struct lws *wsi, const char *bytes, size_t length)
{
    if (lws_is_first_fragment(wsi)) {
        text_clear(&line->frame);
        line->skip = lws_frame_is_binary(wsi);
    }
    line->skip |= line->frame.length + length > FRAME_MAX;
    if (!line->skip)
        text_add(&line->frame, bytes, length);
    if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0)
        take_frame(line);
}

// What goes.

static int write_text(Line *line, const char *text)
{
    static const char before[LWS_PRE];
    text_clear(&line->out);
    text_add(&line->out, before, LWS_PRE);
    text_put(&line->out, text);
    if (line->out.failed)
        return -1;
    const size_t length = line->out.length - LWS_PRE;
    return lws_write(line->wsi, (unsigned char *)line->out.bytes + LWS_PRE, length, LWS_WRITE_TEXT) < (int)length ? -1 : 0;
}

/* One frame per call, as libwebsockets wishes it; nonzero when the connection is to be closed. */
static int write_next(Line *line)
{
    Outgoing next;
    int failed = 0;
    if (!line->subscribed) {
        line->subscribed = true;
        failed = write_text(line, subscribe);
    } else if (ring_pop(&line->outgoing, &next)) {
        failed = next.connection == line->connection ? write_text(line, next.text) : 0;
    } else {
        return 0;
    }
    lws_callback_on_writable(line->wsi);
    return failed;
}

// The connection.

static void connect_now(lws_sorted_usec_list_t *retry);

static void on_gone(Line *line, const char *why, int status)
{
    line->wsi = NULL;
    line->connecting = false;
    set_state(line, false, status, why);
    if (!line->stopping)
        lws_sul_schedule(line->lws, 0, &line->retry, connect_now, backoff_next(&line->backoff) / 1000);
}

/* Headers that let in go with the request for the WebSocket; nonzero when there is no room for them. */
static int show_key(const Line *line, struct lws *wsi, unsigned char **at, size_t room)
{
    unsigned char *end = *at + room;
    if (line->bearer[0] &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, (const unsigned char *)line->bearer, (int)strlen(line->bearer), at, end))
        return -1;
    return line->cookie[0] ? lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_COOKIE, (const unsigned char *)line->cookie, (int)strlen(line->cookie), at, end)
                           : 0;
}

static void on_established(Line *line)
{
    line->connection++;
    line->connecting = line->subscribed = false;
    backoff_reset(&line->backoff);
    set_state(line, true, 0, "");
    lws_callback_on_writable(line->wsi);
}

/* The other thread has taken or sent something. */
static void on_woken(Line *line)
{
    if (!line->wsi)
        return;
    if (line->held.message && pass_on(line))
        lws_rx_flow_control(line->wsi, 1);
    if (ring_count(&line->outgoing) > 0)
        lws_callback_on_writable(line->wsi);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    (void)user;
    Line *line = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return show_key(line, wsi, in, length);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        on_established(line);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        receive(line, wsi, in, length);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_next(line);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_gone(line, in ? in : "no answer", (int)lws_http_client_http_response(wsi));
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        on_gone(line, "the connection was closed", 0);
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        on_woken(line);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {{.name = "pollux.v1.json", .callback = on_event, .rx_buffer_size = RX_CHUNK}, {.name = NULL}};

// A server that vanished without a word is noticed by its silence.
static const lws_retry_bo_t idle_policy = {.secs_since_valid_ping = 5, .secs_since_valid_hangup = 12};

static void connect_now(lws_sorted_usec_list_t *retry)
{
    Line *line = lws_container_of(retry, Line, retry);
    const struct lws_client_connect_info info = {
        .context = line->lws,
        .address = line->address.host,
        .host = line->address.host,
        .port = line->address.port,
        .path = "/api/v1/ws",
        .protocol = protocols[0].name,
        .local_protocol_name = protocols[0].name,
        .ietf_version_or_minus_one = -1,
        .retry_and_idle_policy = &idle_policy,
        .pwsi = &line->wsi,
        .ssl_connection = line->address.tls ? LCCSCF_USE_SSL : 0,
    };
    // where it fails at once, the callback may have been told already
    line->connecting = true;
    if (!lws_client_connect_via_info(&info) && line->connecting)
        on_gone(line, "cannot connect", 0);
}

static void *run(void *self)
{
    Line *line = self;
    while (!line->stopping && lws_service(line->lws, 0) >= 0)
        continue;
    return NULL;
}

// Beginning and end.

static Err open_context(Line *line, const LineDef *def, ErrText *why)
{
    lws_set_log_level(0, NULL);  // what goes wrong is told by the state
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .gid = -1,
        .uid = -1,
        .user = line,
        .pt_serv_buf_size = RX_CHUNK,
        .connect_timeout_secs = CONNECT_S,
        .timeout_secs = CONNECT_S,
        .fd_limit_per_thread = 16,
        .options = (line->address.tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0) | (def->ca ? LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS : 0),
        .client_ssl_ca_filepath = def->ca,
    };
    line->lws = lws_create_context(&info);
    return line->lws ? ERR_OK : err_set(why, ERR_MEMORY, "libwebsockets: cannot create a context");
}

Err line_open(const LineDef *def, Line **out, ErrText *why)
{
    *out = NULL;
    Line *line = mem_alloc(sizeof *line);
    if (!line)
        return err_set(why, ERR_MEMORY, "no memory for a connection");
    line->address = *def->address;
    line->backoff = backoff_begin(def->retry_first_ns ? def->retry_first_ns : NS_PER_S / 2, def->retry_most_ns ? def->retry_most_ns : 10 * NS_PER_S,
                                  def->address->base);
    if (def->token && *def->token)
        snprintf(line->bearer, sizeof line->bearer, "Bearer %s", def->token);
    if (def->cookie)
        snprintf(line->cookie, sizeof line->cookie, "%s", def->cookie);
    pthread_mutex_init(&line->lock, NULL);
    set_state(line, false, 0, "connecting");

    Err err = ring_init(&line->incoming, sizeof(Incoming), INCOMING);
    if (err == ERR_OK)
        err = ring_init(&line->outgoing, sizeof(Outgoing), OUTGOING);
    err = err == ERR_OK ? open_context(line, def, why) : err_set(why, err, "no memory for a connection");
    if (err == ERR_OK) {
        lws_sul_schedule(line->lws, 0, &line->retry, connect_now, 1);
        line->running = pthread_create(&line->thread, NULL, run, line) == 0;
        err = line->running ? ERR_OK : err_set(why, ERR_MEMORY, "no thread for a connection");
    }
    if (err != ERR_OK) {
        line_close(line);
        return err;
    }
    *out = line;
    return ERR_OK;
}

void line_close(Line *line)
{
    if (!line)
        return;
    line->stopping = true;
    if (line->running) {
        lws_cancel_service(line->lws);
        pthread_join(line->thread, NULL);
    }
    if (line->lws)
        lws_context_destroy(line->lws);
    json_decref(line->held.message);
    for (Incoming left; line->incoming.items && ring_pop(&line->incoming, &left);)
        json_decref(left.message);
    ring_fini(&line->incoming);
    ring_fini(&line->outgoing);
    text_fini(&line->frame);
    text_fini(&line->out);
    pthread_mutex_destroy(&line->lock);
    mem_free(line);
}

json_t *line_take(Line *line)
{
    const uint32_t connection = line_state(line).connections;
    const bool was_full = ring_count(&line->incoming) == INCOMING;
    Incoming next = {NULL, 0};
    while (!next.message && ring_pop(&line->incoming, &next))
        if (next.connection != connection) {
            json_decref(next.message);
            next.message = NULL;
        }
    if (was_full)
        lws_cancel_service(line->lws);
    return next.message;
}

Err line_send(Line *line, const char *text)
{
    const LineState state = line_state(line);
    Outgoing next = {.connection = state.connections};
    if (!state.open)
        return ERR_CLOSED;
    if (snprintf(next.text, sizeof next.text, "%s", text) >= (int)sizeof next.text)
        return ERR_RANGE;
    if (!ring_push(&line->outgoing, &next))
        return ERR_FULL;
    lws_cancel_service(line->lws);
    return ERR_OK;
}

LineState line_state(Line *line)
{
    pthread_mutex_lock(&line->lock);
    const LineState state = line->state;
    pthread_mutex_unlock(&line->lock);
    return state;
}
