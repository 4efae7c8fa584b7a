/* socket.c -- WebSocket clients: how they come and go, how their frames are put together, and what goes out.
 *
 * A frame that comes whole is read where it lies. What goes out is queued per client, and a client that lets QUEUE_MAX gather is closed; values
 * are written past the queue, so that a frame for a thousand clients is a thousand calls of the kernel and nothing else. A client that does not take
 * one whole has to be writable before it is offered another: it skips values, never alarms or commands. [I6] */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server/client.h"
#include "server/guard.h"

enum {
    QUEUE_MAX = 4 * 1024 * 1024,  // bytes
    WRITE_BYTES = 32 * 1024,      // at once
    FAREWELL_S = 5,               // until a client that is being closed is cut off
};

size_t server__client_size(void)
{
    return sizeof(Client);
}

// What goes out.

/* Once until it is: asking again would make the event loop forget that it has just found out. */
static void ask_writable(Client *client)
{
    if (!client->asked_writable)
        lws_callback_on_writable(client->wsi);
    client->asked_writable = true;
}

void client_close(Client *client, int status, const char *why)
{
    if (client->closing)
        return;
    lws_rx_flow_control(client->wsi, 1);  // its close frame is to be read
    client->closing = status;
    snprintf(client->why, sizeof client->why, "%s", why);
    lws_set_timeout(client->wsi, PENDING_TIMEOUT_CLOSE_SEND, FAREWELL_S);
    ask_writable(client);
}

static void client_overflow(Client *client)
{
    outbox_clear(&client->outbox);
    client->server->counters.unread++;
    client_close(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, "this client does not read what it is sent");
}

void client_send(Client *client, const char *bytes, size_t length, bool binary)
{
    if (client->closing)
        return;
    // who has something to be written is called when it can be
    if (!client->outbox.count)
        ask_writable(client);
    if (!outbox_frame(&client->outbox, bytes, length, binary, QUEUE_MAX))
        client_overflow(client);
}

static void link_send(Link *link, const char *json, size_t length)
{
    client_send((Client *)link, json, length, false);
}

static void link_send_bulk(Link *link, const char *bytes, size_t length)
{
    assert(((Client *)link)->bulk);
    client_send((Client *)link, bytes, length, true);
}

static void link_hold(Link *link, bool hold)
{
    Client *client = (Client *)link;
    if (client->closing)
        return;
    lws_rx_flow_control(client->wsi, !hold);
    lws_validity_confirmed(client->wsi);  // while it is held, its pongs are not read either
}

void client_count_refusal(Client *client, const char *why)
{
    if (++client->refused >= REFUSED_MAX)
        client_close(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, why);
}

/* What a device may not is noted: the first tag of an offer, which is refused with it. */
static bool note_refusal(const Link *link, const char *action, const char *tag, bool allowed)
{
    Client *client = (Client *)link;
    if (!allowed) {
        server__note(client->server, &client->caller, action, tag, AUDIT_REFUSED, "no right to this tag");
        client_count_refusal(client, "too many offers of tags without the right to them");
    }
    return allowed;
}

static bool link_may_provide(const Link *link, const char *tag)
{
    const Client *client = (const Client *)link;
    return note_refusal(link, "provide", tag, access_may_provide(client->server->access, &client->caller, tag));
}

static bool link_may_actuate(const Link *link, const char *tag)
{
    const Client *client = (const Client *)link;
    return note_refusal(link, "actuate", tag, access_may_actuate(client->server->access, &client->caller, tag));
}

static bool link_certificate(const Link *link, LinkCertificate *out)
{
    CertificateId id;
    if (!tls_peer(((const Client *)link)->wsi, &id))
        return false;
    secret_hash_print(&id.fingerprint, out->fingerprint);
    memcpy(out->subject, id.subject, sizeof id.subject);
    return true;
}

static void link_shut(Link *link, const char *reason)
{
    client_close((Client *)link, LWS_CLOSE_STATUS_NORMAL, reason);
}

void client_say(Client *client)
{
    Text *out = &client->server->out;
    if (out->failed)
        client_close(client, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
    else
        client_send(client, out->bytes, out->length, false);
    text_clear(out);
}

void client_refuse(Client *client, const char *topic, int64_t id, int status, const char *detail)
{
    wire_write_refusal(&client->server->out, topic, id, status, NULL, detail);
    client_say(client);
}

// What a show tells.

static Client *client_of(Viewer *viewer)
{
    return (Client *)((char *)viewer - offsetof(Client, viewer));
}

/* Hand libwebsockets what the kernel did not take of a chunk: it goes before everything else. */
static bool leave_rest(Client *client, const Chunk *chunk, size_t sent)
{
    static const char before[LWS_PRE];
    Text *out = &client->server->writing;
    text_clear(out);
    text_add(out, before, LWS_PRE);
    text_add(out, (const char *)chunk->bytes + sent, chunk->length - sent);
    return !out->failed && lws_write(client->wsi, (unsigned char *)out->bytes + LWS_PRE, out->length - LWS_PRE, LWS_WRITE_RAW) >= 0;
}

static bool client_offer(Viewer *viewer, Chunk *chunk)
{
    Client *client = client_of(viewer);
    if (client->closing)
        return false;
    if (client->outbox.count || lws_partial_buffered(client->wsi)) {
        ask_writable(client);  // what it skips must come in the end, also when nothing changes any more
        return false;
    }
    if (lws_is_ssl(client->wsi)) {
        ask_writable(client);
        return outbox_put(&client->outbox, chunk, QUEUE_MAX);
    }
    const ssize_t sent = send(lws_get_socket_fd(client->wsi), chunk->bytes, chunk->length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == (ssize_t)chunk->length)
        return true;
    if (sent <= 0) {
        ask_writable(client);  // of a connection that is broken too: libwebsockets finds out
        return false;
    }
    if (!leave_rest(client, chunk, (size_t)sent))
        lws_set_timeout(client->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);  // half a frame cannot be made good
    return true;
}

static void client_push(Viewer *viewer, Chunk *chunk)
{
    Client *client = client_of(viewer);
    if (client->closing)
        return;
    if (!chunk) {
        client_close(client, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        return;
    }
    if (!client->outbox.count)
        ask_writable(client);
    if (!outbox_put(&client->outbox, chunk, QUEUE_MAX))
        client_overflow(client);
}

// Frames that come in.

static void on_malformed(Client *client, const WireMessage *message, int status, const char *why)
{
    LinkHandler *devices = client->server->devices;
    const char *topic = message && message->topic < WIRE_TOPIC_COUNT ? wire_topic_name(message->topic) : NULL;
    client->server->counters.malformed++;
    client_refuse(client, topic, message ? message->id : WIRE_ID_NONE, status, why);
    if (devices)
        devices->malformed(devices->self, &client->link);
    if (status == 413)
        client_close(client, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, why);
    else
        client_count_refusal(client, "too many frames that could not be read");
}

static void on_bulk(Client *client, const char *bytes, size_t length)
{
    BulkFrame frame;
    ErrText why = {0};
    LinkHandler *devices = client->server->devices;
    const Err err = bulk_read(bytes, length, &frame, &why);
    if (err != ERR_OK)
        on_malformed(client, NULL, err == ERR_RANGE ? 413 : 400, why.text);
    else if (devices)
        devices->bulk(devices->self, &client->link, &frame);
    else
        client_refuse(client, wire_topic_name(WIRE_SAMPLES), frame.id, 404, "this plant is bound to no devices here");
}

static void on_frame(Client *client, const char *bytes, size_t length)
{
    WireMessage message;
    ErrText why = {0};
    if (client->in_binary && client->bulk) {
        on_bulk(client, bytes, length);
        return;
    }
    if (client->in_binary) {
        on_malformed(client, NULL, 415, "expected a text frame, got a binary one: the subprotocol " SUBPROTOCOL_BULK " has them");
        return;
    }
    const Err err = wire_read(client->server->wire, bytes, length, &message, &why);
    if (err != ERR_OK)
        on_malformed(client, &message, err == ERR_RANGE ? 413 : err == ERR_MEMORY ? 503 : 400, why.text);
    else
        client_ask(client, &message);
}

/* Put a frame together that comes in pieces. */
static void gather_frame(Client *client, const char *bytes, size_t length, bool last)
{
    if (client->in.length + length > WIRE_FRAME_MAX) {
        client->in_too_long = true;
        on_malformed(client, NULL, 413, "a frame holds at most 256 KiB");
        return;
    }
    text_add(&client->in, bytes, length);
    if (client->in.failed)
        client_close(client, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
    else if (last)
        on_frame(client, client->in.bytes ? client->in.bytes : "", client->in.length);
}

static void receive(Client *client, struct lws *wsi, const char *bytes, size_t length)
{
    const bool first = lws_is_first_fragment(wsi), last = lws_is_final_fragment(wsi);
    if (first) {
        text_clear(&client->in);
        client->in_binary = lws_frame_is_binary(wsi);
        client->in_too_long = false;
    }
    if (client->closing || client->in_too_long)
        return;
    if (first && last && length <= WIRE_FRAME_MAX)
        on_frame(client, length ? bytes : "", length);
    else
        gather_frame(client, bytes, length, last);
}

// Clients come and go.

/* A stranger may stay while devices are being paired, and when it was claimed as long as it is connected. */
static bool may_stay(const Server *server, const Client *client)
{
    if (client->link.standing != LINK_STRANGER)
        return access_still_admits(server->access, &client->caller);
    const RegistryEntry *entry = registry_find_link(server->registry, &client->link);
    return registry_is_pairing(server->registry) || (entry && entry->claimed);
}

void server__recheck_clients(Server *server)
{
    for (Client *client = server->clients; client; client = client->next)
        if (!client->closing && !may_stay(server, client))
            client_close(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, "the access by which this connection came has ended");
    server__recheck_events(server);
}

/* Who it is was asked at the upgrade, and is asked again: its headers are still there. */
static bool find_caller(Server *server, struct lws *wsi, Caller *caller)
{
    Text body = {0};
    Reply reply = {.body = &body};
    const bool admitted = guard_admit(server, wsi, caller, &reply) && guard_knows(server, caller);
    text_fini(&body);
    return admitted;
}

static int client_open(Server *server, Client *client, struct lws *wsi)
{
    Caller caller;
    if (!find_caller(server, wsi, &caller))
        return -1;
    if (server->client_count >= server->clients_max) {
        server->counters.turned_away++;
        lws_close_reason(wsi, LWS_CLOSE_STATUS_GOINGAWAY, (unsigned char *)"too many clients", 16);
        return -1;
    }
    const Link link = {.send = link_send, .send_bulk = link_send_bulk, .hold = link_hold, .shut = link_shut, .may_provide = link_may_provide,
                       .may_actuate = link_may_actuate,
                       .certificate = link_certificate,
                       .standing = !caller.known                                 ? LINK_STRANGER
                                   : access_is_enrolled(server->access, &caller) ? LINK_ENROLLED
                                                                                 : LINK_FREE};
    *client = (Client){.link = link, .server = server, .wsi = wsi, .next = server->clients, .at = &server->clients};
    client->viewer = (Viewer){.offer = client_offer, .push = client_push};
    client->bulk = strcmp(lws_get_protocol(wsi)->name, SUBPROTOCOL_BULK) == 0;
    client->caller = caller;
    memcpy(client->link.peer, caller.peer, sizeof client->link.peer);
    memcpy(client->link.who, caller.name, sizeof client->link.who);
    if (client->next)
        client->next->at = &client->next;
    server->clients = client;
    server->client_count++;
    return 0;
}

static void client_closed(Client *client)
{
    Server *server = client->server;
    if (!server)
        return;
    if (server->devices)
        server->devices->closed(server->devices->self, &client->link);
    asks_forget(&server->asks, client);
    client_unlisten(client);
    show_leave(server, &client->viewer);
    outbox_fini(&client->outbox);
    text_fini(&client->in);
    *client->at = client->next;
    if (client->next)
        client->next->at = client->at;
    server->client_count--;
}

/* Send the close frame; the client's own, or FAREWELL_S, ends the connection. Nothing is closed before that: what the client still sends
 * would turn an early end into a reset, and it would never read why. (libwebsockets 4.1 sends no close frame when we end the connection
 * while we write, so the frame is ours: opcode 8, unmasked.) */
static int client_farewell(Client *client)
{
    if (client->farewell_said)
        return 0;
    client->farewell_said = true;
    unsigned char frame[LWS_PRE + 4 + sizeof client->why];
    const size_t length = strlen(client->why);
    frame[LWS_PRE] = 0x88;
    frame[LWS_PRE + 1] = (unsigned char)(2 + length);
    frame[LWS_PRE + 2] = (unsigned char)(client->closing >> 8);
    frame[LWS_PRE + 3] = (unsigned char)client->closing;
    memcpy(frame + LWS_PRE + 4, client->why, length);
    return lws_write(client->wsi, frame + LWS_PRE, 4 + length, LWS_WRITE_RAW) < 0 ? -1 : 0;
}

/* Write until the socket has enough; nonzero when the connection is to be closed. A write costs more than what is written, and a device of many small
 * messages gets as many answers, so frames are made here and go out many at a time. */
static int client_write(Client *client)
{
    static const char before[LWS_PRE];
    Text *out = &client->server->writing;
    while (client->outbox.count && !lws_send_pipe_choked(client->wsi)) {
        text_clear(out);
        text_add(out, before, LWS_PRE);
        outbox_gather(&client->outbox, out, WRITE_BYTES);
        if (out->failed || lws_write(client->wsi, (unsigned char *)out->bytes + LWS_PRE, out->length - LWS_PRE, LWS_WRITE_RAW) < 0)
            return -1;
    }
    if (client->outbox.count) {
        ask_writable(client);
        return 0;
    }
    if (client->closing)
        return client_farewell(client);
    // it has caught up with its queue, but not with the values that it skipped
    if (!viewer_is_behind(&client->viewer))
        return 0;
    if (lws_send_pipe_choked(client->wsi))
        ask_writable(client);
    else
        server__show(client->server);
    return 0;
}

int server__on_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    Client *client = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return client_open(lws_context_user(lws_get_context(wsi)), client, wsi);
    case LWS_CALLBACK_RECEIVE:
        lws_validity_confirmed(wsi);
        receive(client, wsi, in, length);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        client->asked_writable = false;
        return client_write(client);
    case LWS_CALLBACK_CLOSED:
        client_closed(client);
        return 0;
    default:
        return 0;
    }
}
