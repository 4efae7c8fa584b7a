/* socket.c -- WebSocket clients: devices, observers, or both.
 *
 * A client's frames are put together, read, and passed to the devices' handler or answered here. What goes out is queued per client:
 * an observer gets a frame of values only when the one before has gone, so a slow one skips values; alarms, commands and answers are
 * never skipped, and a client that lets QUEUE_MAX of them gather is closed. [I6] */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "server/guard.h"
#include "server/alarms.h"
#include "server/inside.h"

enum {
    CLIENTS_MAX = 1024,
    QUEUE_MAX = 4 * 1024 * 1024,  // bytes
    MALFORMED_MAX = 100,          // frames of one client, those that it has no right to included
    WRITE_BYTES = 32 * 1024,      // at once
    HEAD_ROOM = 10,               // of a frame
    GATHER_ROOM = 4096,           // for small frames of one client
    LISTENER_QUEUE_MAX = 256 * 1024,  // bytes: who has more to read misses samples
    FAREWELL_S = 5,               // until a client that is being closed is cut off
};

/* What is to be written: one frame, the same for all who get it, or small ones that have gathered for one client. */
typedef struct Chunk {
    size_t users, length, room;
    unsigned char bytes[];
} Chunk;

typedef struct Queued {
    Chunk *chunk;
    struct Queued *next;
} Queued;

struct Client {
    Link link;  // first: a Link is its Client
    Server *server;
    struct lws *wsi;
    Caller caller;
    Client *next;

    bool bulk;  // it speaks pollux.v1.bin
    Text in;
    bool in_binary, in_too_long;
    uint32_t malformed;

    Queued *first, **end;  // to be written
    size_t queued;         // bytes
    Chunk *gathering;      // the last of the queue, when it is this client's alone
    bool subscribed;
    bool wants_all;        // it has skipped something, or is new: the next frame is whole
    bool listens;
    Listener listener;     // samples as they come
    int closing;           // WebSocket status, 0 while it lives: then nothing is read any more
    bool farewell_said;
    char why[100];
};

size_t server__client_size(void)
{
    return sizeof(Client);
}

// Frames and queues.

/* The head of an unmasked frame that is whole; returns its size. */
static size_t put_head(unsigned char *out, size_t length, bool binary)
{
    size_t size = 2;
    out[0] = binary ? 0x82 : 0x81;
    out[1] = length < 126 ? (unsigned char)length : length < 65536 ? 126 : 127;
    for (size_t left = out[1] < 126 ? 0 : out[1] == 126 ? 2 : 8; left > 0; left--)
        out[size++] = (unsigned char)(length >> 8 * (left - 1));
    return size;
}

static bool chunk_fits(const Chunk *chunk, size_t length)
{
    return chunk->room - chunk->length >= HEAD_ROOM + length;
}

static void chunk_add(Chunk *chunk, const char *bytes, size_t length, bool binary)
{
    assert(chunk_fits(chunk, length));
    chunk->length += put_head(chunk->bytes + chunk->length, length, binary);
    memcpy(chunk->bytes + chunk->length, bytes, length);
    chunk->length += length;
}

/* One frame, with room for `room` bytes at least. */
static Chunk *chunk_make(const char *bytes, size_t length, bool binary, size_t room)
{
    room = room > HEAD_ROOM + length ? room : HEAD_ROOM + length;
    Chunk *chunk = mem_alloc(sizeof *chunk + room);
    if (!chunk)
        return NULL;
    chunk->room = room;
    chunk_add(chunk, bytes, length, binary);
    return chunk;
}

static void chunk_drop(Chunk *chunk)
{
    if (chunk && --chunk->users == 0)
        mem_free(chunk);
}

static void client_close(Client *client, int status, const char *why)
{
    if (client->closing)
        return;
    lws_rx_flow_control(client->wsi, 1);  // its close frame is to be read
    client->closing = status;
    snprintf(client->why, sizeof client->why, "%s", why);
    lws_set_timeout(client->wsi, PENDING_TIMEOUT_CLOSE_SEND, FAREWELL_S);
    lws_callback_on_writable(client->wsi);
}

static void client_empty(Client *client)
{
    while (client->first) {
        Queued *queued = client->first;
        client->first = queued->next;
        chunk_drop(queued->chunk);
        mem_free(queued);
    }
    client->end = &client->first;
    client->queued = 0;
    client->gathering = NULL;
}

/* Who has something to be written is called when it can be. */
static void client_queue(Client *client, Chunk *chunk)
{
    if (client->closing)
        return;
    Queued *queued = client->queued + chunk->length <= QUEUE_MAX ? mem_alloc(sizeof *queued) : NULL;
    if (!queued) {
        client_empty(client);
        client_close(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, "this client does not read what it is sent");
        return;
    }
    if (!client->first)
        lws_callback_on_writable(client->wsi);
    chunk->users++;
    queued->chunk = chunk;
    *client->end = queued;
    client->end = &queued->next;
    client->queued += chunk->length;
    client->gathering = NULL;
}

static void client_send(Client *client, const char *bytes, size_t length, bool binary)
{
    if (client->gathering && chunk_fits(client->gathering, length) && !client->closing) {
        const size_t before = client->gathering->length;
        chunk_add(client->gathering, bytes, length, binary);
        client->queued += client->gathering->length - before;
        return;
    }
    Chunk *chunk = chunk_make(bytes, length, binary, GATHER_ROOM);
    if (!chunk) {
        client_close(client, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        return;
    }
    chunk->users = 1;
    client_queue(client, chunk);
    if (chunk->users > 1)
        client->gathering = chunk;
    chunk_drop(chunk);
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

static void link_shut(Link *link, const char *reason)
{
    client_close((Client *)link, LWS_CLOSE_STATUS_NORMAL, reason);
}

/* Send what stands in server->out. */
static void say(Server *server, Client *client)
{
    if (server->out.failed)
        client_close(client, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
    else
        client_send(client, server->out.bytes, server->out.length, false);
    text_clear(&server->out);
}

static void refuse(Client *client, const char *topic, int64_t id, int status, const char *detail)
{
    wire_write_refusal(&client->server->out, topic, id, status, NULL, detail);
    say(client->server, client);
}

// Showing what ticks have changed.

static bool client_is_slow(const Client *client)
{
    return client->queued > 0 || lws_send_pipe_choked(client->wsi);
}

static void send_snapshot(Client *client)
{
    Server *server = client->server;
    text_put(&server->out, "{\"topic\":\"snapshot\",\"value\":");
    frame_snapshot(&server->out, server->plant, states_newest(&server->states), &server->journal);
    text_put(&server->out, "}");
    say(server, client);
    client->wants_all = true;
}

/* The frame that `write` makes, once for all who get it; NULL when there is no memory. */
static Chunk *get_frame(Chunk **made, void (*write)(Text *, const TickFrame *), const TickFrame *content)
{
    if (*made)
        return *made;
    Text text = {0};
    write(&text, content);
    if (!text.failed && text.bytes)
        *made = chunk_make(text.bytes, text.length, false, 0);
    if (*made)
        (*made)->users = 1;
    text_fini(&text);
    return *made;
}

static void show_to_all(Server *server, const TickFrame *news, bool fresh)
{
    Chunk *all = NULL, *newer = NULL, *changes = NULL;
    TickFrame whole = *news;
    whole.before = NULL;
    const bool changed = news->alarms || news->commands;
    for (Client *client = server->clients; client; client = client->next) {
        if (!client->subscribed || client->closing)
            continue;
        Chunk *frame = NULL;
        if (client_is_slow(client)) {
            client->wants_all |= fresh;
            lws_callback_on_writable(client->wsi);  // what it skips must come in the end, also when nothing changes any more
            frame = changed ? get_frame(&changes, frame_changes, news) : NULL;
        } else if (client->wants_all) {
            frame = get_frame(&all, frame_tick, &whole);
            client->wants_all = !frame;
        } else if (fresh || changed) {
            frame = get_frame(&newer, frame_tick, news);
            client->wants_all = !frame;
        }
        if (frame)
            client_queue(client, frame);
    }
    chunk_drop(all);
    chunk_drop(newer);
    chunk_drop(changes);
}

/* The frames that follow tell what is different from `state`. */
static void remember_shown(Server *server, const State *state)
{
    State *shown = &server->shown;
    shown->sequence = state->sequence;
    shown->shown_count = state->shown_count;
    memcpy(shown->shown, state->shown, state->shown_count * sizeof *shown->shown);
    memcpy(shown->readings, state->readings, (size_t)state->shown_count * server->states.channels_max * sizeof *shown->readings);
    memcpy(shown->twins, state->twins, state->shown_count * sizeof *shown->twins);
    memcpy(shown->sensors, state->sensors, (size_t)state->shown_count * server->states.sensors_max * sizeof *shown->sensors);
    text_clear(&shown->causes);
    text_add(&shown->causes, state->causes.bytes, state->causes.length);
}

static bool shows_the_same_twins(const State *a, const State *b)
{
    return a->shown_count == b->shown_count && memcmp(a->shown, b->shown, a->shown_count * sizeof *a->shown) == 0;
}

static void show_now(Server *server)
{
    const State *state = states_newest(&server->states);
    if (state->sequence == 0)
        return;
    const bool same = server->shown.sequence == 0 || shows_the_same_twins(state, &server->shown);
    const bool anew = journal_take(&server->journal, &server->alarms, &server->commands) || !same;
    const bool fresh = state->sequence != server->shown.sequence;
    for (Client *client = server->clients; client && anew; client = client->next)
        if (client->subscribed && !client->closing)
            send_snapshot(client);

    if (server->subscriber_count) {
        const TickFrame news = {
            .plant = server->plant,
            .states = &server->states,
            .state = state,
            .before = server->shown.sequence && same && !server->shown.causes.failed ? &server->shown : NULL,
            .alarms = server->alarms.length ? server->alarms.bytes : NULL,
            .commands = server->commands.length ? server->commands.bytes : NULL,
        };
        show_to_all(server, &news, fresh);
    }
    if (fresh)
        remember_shown(server, state);
    text_clear(&server->alarms);
    text_clear(&server->commands);
}

static void on_frame_timer(uv_timer_t *timer)
{
    Server *server = timer->data;
    server->frame_owed = false;
    server->frame_at = clock_system.elapsed_ns(clock_system.self);
    show_now(server);
}

void server__show(Server *server)
{
    if (server->frame_owed)
        return;
    const int64_t wait = server->frame_at + server->frame_ns - clock_system.elapsed_ns(clock_system.self);
    server->frame_owed = true;
    if (wait <= 0)
        on_frame_timer(&server->frame_timer);
    else
        uv_timer_start(&server->frame_timer, on_frame_timer, (uint64_t)(wait / NS_PER_MS + 1), 0);
}

// Samples as they come.

static void relay_to(Server *server, Client *client)
{
    const TagTable *tags = server->plant->tags;
    if (client->queued > LISTENER_QUEUE_MAX) {
        listener_skip(&client->listener, tags, &server->relay);
        return;
    }
    listener_write(&client->listener, tags, &server->relay, &server->names, &server->stream);
    if (server->names.failed || server->stream.failed) {
        client_close(client, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        return;
    }
    if (server->names.length)
        client_send(client, server->names.bytes, server->names.length, false);
    if (server->stream.length)
        client_send(client, server->stream.bytes, server->stream.length, client->bulk);
}

void server__relay(Server *server)
{
    if (server->relay.count == 0)
        return;
    for (Client *client = server->clients; client; client = client->next)
        if (client->listens && !client->closing)
            relay_to(server, client);
    server->relay.count = 0;
}

/* LinkHandler.pass: kept until the turn of the loop ends, so that what came together goes together. */
static void on_pass(void *self, const Sample *samples, size_t count)
{
    Server *server = self;
    while (count > 0) {
        const size_t room = RELAY_MAX - server->relay.count, part = count < room ? count : room;
        memcpy(server->relay.items + server->relay.count, samples, part * sizeof *samples);
        server->relay.count += part;
        samples += part;
        count -= part;
        if (server->relay.count == RELAY_MAX)
            server__relay(server);
    }
}

void server__follow_listeners(Server *server)
{
    for (Client *client = server->clients; client; client = client->next)
        if (client->listens)
            listener_follow(&client->listener);
}

static void unlisten(Client *client)
{
    Server *server = client->server;
    if (!client->listens)
        return;
    listener_fini(&client->listener);
    client->listens = false;
    if (--server->listener_count == 0 && server->devices)
        server->devices->pass = NULL;
}

/* What a subscription wants to hear; false when that was refused. */
static bool listen_to(Client *client, const WireMessage *message)
{
    Server *server = client->server;
    unlisten(client);
    if (message->subscribe.count == 0)
        return true;
    if (server->listener_count == LISTENERS_MAX || !listener_init(&client->listener, message, client->bulk)) {
        refuse(client, wire_topic_name(WIRE_SUBSCRIBE), message->id, 503, "no room for another client that wants samples as they come");
        return false;
    }
    client->listens = true;
    server->listener_count++;
    if (server->devices)
        server->devices->pass = on_pass;
    return true;
}

// What clients may.

/* What a message of people needs; nobody but an admin has the right to a topic that is not named here. */
static Right topic_right(WireTopic topic)
{
    switch (topic) {
    case WIRE_SUBSCRIBE:
        return RIGHT_VIEW;
    case WIRE_ACKNOWLEDGE:
    case WIRE_COMMENT:
    case WIRE_SHELVE:
    case WIRE_UNSHELVE:
        return RIGHT_ACKNOWLEDGE;
    case WIRE_SUPPRESS:
    case WIRE_UNSUPPRESS:
        return RIGHT_CONFIGURE;
    case WIRE_ACTUATE:
        return RIGHT_COMMAND;
    default:
        return RIGHT_ADMIN;
    }
}

static bool may(Client *client, const WireMessage *message)
{
    const Caller *caller = &client->caller;
    const bool as_device = wire_is_device_topic(message->topic);
    const Right right = as_device ? RIGHT_NONE : topic_right(message->topic);
    char why[128];
    if (as_device ? access_is_device(client->server->access, caller) : role_may(caller->role, right))
        return true;
    if (as_device)
        snprintf(why, sizeof why, "%s is no device: it has no tags to provide or actuate", caller->name);
    else
        snprintf(why, sizeof why, "%s may not: this needs the right to %s", caller->name, right_name(right));
    refuse(client, wire_topic_name(message->topic), message->id, 403, why);
    server__note(client->server, caller, wire_topic_name(message->topic), "", AUDIT_REFUSED, why);
    if (++client->malformed >= MALFORMED_MAX)
        client_close(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, "too many messages without the right to them");
    return false;
}

/* What a device may not is noted: the first tag of an offer, which is refused with it. */
static bool note_refusal(const Client *client, const char *action, const char *tag, bool allowed)
{
    if (!allowed)
        server__note(client->server, &client->caller, action, tag, AUDIT_REFUSED, "no right to this tag");
    return allowed;
}

static bool link_may_provide(const Link *link, const char *tag)
{
    const Client *client = (const Client *)link;
    return note_refusal(client, "provide", tag, access_may_provide(client->server->access, &client->caller, tag));
}

static bool link_may_actuate(const Link *link, const char *tag)
{
    const Client *client = (const Client *)link;
    return note_refusal(client, "actuate", tag, access_may_actuate(client->server->access, &client->caller, tag));
}

void server__recheck_clients(Server *server)
{
    for (Client *client = server->clients; client; client = client->next)
        if (!client->closing && !access_still_admits(server->access, &client->caller))
            client_close(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, "the access by which this connection came has ended");
}

// What clients ask.

static void on_subscribe(Client *client, const WireMessage *message)
{
    Server *server = client->server;
    if (!listen_to(client, message))
        return;
    wire_write_done(&server->out, WIRE_SUBSCRIBE, message->id);
    say(server, client);
    server->subscriber_count += !client->subscribed;
    client->subscribed = true;
    send_snapshot(client);
    server__show(server);
}

static void put_ask(Client *client, const WireMessage *message, ServerAsk *ask)
{
    ask->caller = client->caller;
    if (asks_put(&client->server->asks, client, message->topic, message->id, ask))
        return;
    refuse(client, wire_topic_name(message->topic), message->id, 429, "too many questions wait for an answer");
}

static AlarmActKind act_kind(WireTopic topic)
{
    switch (topic) {
    case WIRE_COMMENT:
        return ACT_COMMENT;
    case WIRE_SHELVE:
        return ACT_SHELVE;
    case WIRE_UNSHELVE:
        return ACT_UNSHELVE;
    case WIRE_SUPPRESS:
        return ACT_SUPPRESS;
    case WIRE_UNSUPPRESS:
        return ACT_UNSUPPRESS;
    default:
        return ACT_ACKNOWLEDGE;
    }
}

static void on_act(Client *client, const WireMessage *message)
{
    ServerAsk ask = {.kind = SERVER_ASK_ALARM};
    alarms_fill_act(client->server, act_kind(message->topic), message->act.alarm, message->act.seconds, message->act.comment, &ask.act);
    // what a client says of itself counts only where nobody has to say who he is
    snprintf(ask.act.by, sizeof ask.act.by, "%s", *client->caller.name ? client->caller.name : message->act.by);
    put_ask(client, message, &ask);
}

static void on_actuate(Client *client, const WireMessage *message)
{
    const TagTable *tags = client->server->plant->tags;
    const char *topic = wire_topic_name(message->topic);
    ServerAsk ask = {.kind = SERVER_ASK_ACTUATE, .wish = {.tag = tags_find(tags, message->actuate.tag)}};
    if (ask.wish.tag == TAG_NONE) {
        refuse(client, topic, message->id, 404, "no such tag in this plant");
        return;
    }
    const Tag tag = tags_get(tags, ask.wish.tag);
    if (tag.role != TAG_ACTUATED) {
        refuse(client, topic, message->id, 400, "this tag is not an actuator");
        return;
    }
    ask.wish.value = unit_to_si(tag.unit, message->actuate.value);
    caller_sign(&client->caller, ask.wish.by, sizeof ask.wish.by);
    snprintf(ask.wish.reason, sizeof ask.wish.reason, "%s", message->actuate.reason);
    put_ask(client, message, &ask);
}

void server__deliver(Server *server)
{
    AskAnswer answer;
    Waiting waiting;
    while (asks_next(&server->asks, &answer, &waiting)) {
        if (waiting.topic == WIRE_TOPIC_COUNT) {
            server__answer_session(server, waiting.client, &answer);
            continue;
        }
        if (answer.status != 200)
            wire_write_refusal(&server->out, wire_topic_name(waiting.topic), waiting.id, answer.status, NULL, answer.detail);
        else if (waiting.topic == WIRE_ACTUATE)
            wire_write_actuated(&server->out, waiting.id, answer.command);
        else
            wire_write_done(&server->out, waiting.topic, waiting.id);
        say(server, waiting.client);
    }
}

static void on_message(Client *client, const WireMessage *message)
{
    Server *server = client->server;
    if (!message->status && !may(client, message))
        return;
    if (wire_is_device_topic(message->topic)) {
        if (server->devices)
            server->devices->message(server->devices->self, &client->link, message);
        else if (!message->status)
            refuse(client, wire_topic_name(message->topic), message->id, 404, "this plant is bound to no devices here");
        return;
    }
    if (message->status)
        return;  // an answer to what nobody asked
    if (message->topic == WIRE_SUBSCRIBE)
        on_subscribe(client, message);
    else if (message->topic == WIRE_ACTUATE)
        on_actuate(client, message);
    else
        on_act(client, message);
}

// Frames that come in.

static void on_malformed(Client *client, const WireMessage *message, int status, const char *why)
{
    LinkHandler *devices = client->server->devices;
    const char *topic = message && message->topic < WIRE_TOPIC_COUNT ? wire_topic_name(message->topic) : NULL;
    refuse(client, topic, message ? message->id : WIRE_ID_NONE, status, why);
    if (devices)
        devices->malformed(devices->self, &client->link);
    if (status == 413)
        client_close(client, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, why);
    else if (++client->malformed >= MALFORMED_MAX)
        client_close(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, "too many frames that could not be read");
}

static void on_bulk(Client *client)
{
    BulkFrame frame;
    ErrText why = {0};
    LinkHandler *devices = client->server->devices;
    const Err err = bulk_read(client->in.bytes ? client->in.bytes : "", client->in.length, &frame, &why);
    if (err != ERR_OK)
        on_malformed(client, NULL, err == ERR_RANGE ? 413 : 400, why.text);
    else if (devices)
        devices->bulk(devices->self, &client->link, &frame);
    else
        refuse(client, wire_topic_name(WIRE_SAMPLES), frame.id, 404, "this plant is bound to no devices here");
}

static void on_frame(Client *client)
{
    WireMessage message;
    ErrText why = {0};
    if (client->in_binary && client->bulk) {
        on_bulk(client);
        return;
    }
    if (client->in_binary) {
        on_malformed(client, NULL, 415, "expected a text frame, got a binary one: the subprotocol " SUBPROTOCOL_BULK " has them");
        return;
    }
    const Err err = wire_read(client->server->wire, client->in.bytes ? client->in.bytes : "", client->in.length, &message, &why);
    if (err != ERR_OK)
        on_malformed(client, &message, err == ERR_RANGE ? 413 : err == ERR_MEMORY ? 503 : 400, why.text);
    else
        on_message(client, &message);
}

static void receive(Client *client, struct lws *wsi, const char *bytes, size_t length)
{
    if (lws_is_first_fragment(wsi)) {
        text_clear(&client->in);
        client->in_binary = lws_frame_is_binary(wsi);
        client->in_too_long = false;
    }
    if (client->closing || client->in_too_long)
        return;
    if (client->in.length + length > WIRE_FRAME_MAX) {
        client->in_too_long = true;
        on_malformed(client, NULL, 413, "a frame holds at most 256 KiB");
        return;
    }
    text_add(&client->in, bytes, length);
    if (client->in.failed)
        client_close(client, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
    else if (lws_is_final_fragment(wsi))
        on_frame(client);
}

// Clients come and go.

static int client_open(Server *server, Client *client, struct lws *wsi)
{
    // who it is was asked at the upgrade, and is asked again: its headers are still there
    Text body = {0};
    Reply reply = {.body = &body};
    Caller caller;
    const bool admitted = guard_admit(server, wsi, &caller, &reply) && caller.known;
    text_fini(&body);
    if (!admitted)
        return -1;
    if (server->client_count == CLIENTS_MAX) {
        lws_close_reason(wsi, LWS_CLOSE_STATUS_GOINGAWAY, (unsigned char *)"too many clients", 16);
        return -1;
    }
    const Link link = {.send = link_send, .send_bulk = link_send_bulk, .hold = link_hold, .shut = link_shut, .may_provide = link_may_provide, .may_actuate = link_may_actuate};
    *client = (Client){.link = link, .server = server, .wsi = wsi, .next = server->clients};
    client->bulk = strcmp(lws_get_protocol(wsi)->name, SUBPROTOCOL_BULK) == 0;
    client->end = &client->first;
    client->caller = caller;
    memcpy(client->link.peer, caller.peer, sizeof client->link.peer);
    memcpy(client->link.who, caller.name, sizeof client->link.who);
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
    unlisten(client);
    client_empty(client);
    text_fini(&client->in);
    server->subscriber_count -= client->subscribed;
    server->client_count--;
    Client **place = &server->clients;
    while (*place != client)
        place = &(*place)->next;
    *place = client->next;
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

/* Take chunks out of the queue, WRITE_BYTES and the one that goes beyond, and put them behind LWS_PRE bytes of server->writing. */
static void gather(Client *client)
{
    static const char before[LWS_PRE];
    Text *out = &client->server->writing;
    text_clear(out);
    text_add(out, before, LWS_PRE);
    while (client->first && out->length < WRITE_BYTES) {
        Queued *queued = client->first;
        text_add(out, (const char *)queued->chunk->bytes, queued->chunk->length);
        client->queued -= queued->chunk->length;
        client->first = queued->next;
        chunk_drop(queued->chunk);
        mem_free(queued);
    }
    if (!client->first) {
        client->end = &client->first;
        client->gathering = NULL;
    }
}

/* Write until the socket has enough; nonzero when the connection is to be closed. A write costs more than what is written, and a device of many small
 * messages gets as many answers, so frames are made here and go out many at a time. */
static int client_write(Client *client)
{
    Text *out = &client->server->writing;
    while (client->first && !lws_send_pipe_choked(client->wsi)) {
        gather(client);
        if (out->failed || lws_write(client->wsi, (unsigned char *)out->bytes + LWS_PRE, out->length - LWS_PRE, LWS_WRITE_RAW) < 0)
            return -1;
    }
    if (client->first) {
        lws_callback_on_writable(client->wsi);
        return 0;
    }
    if (client->closing)
        return client_farewell(client);
    // it has caught up with its queue, but not with the values that it skipped
    if (client->subscribed && client->wants_all && lws_send_pipe_choked(client->wsi))
        lws_callback_on_writable(client->wsi);
    else if (client->subscribed && client->wants_all)
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
        return client_write(client);
    case LWS_CALLBACK_CLOSED:
        client_closed(client);
        return 0;
    default:
        return 0;
    }
}
