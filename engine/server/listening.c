/* listening.c -- samples as they come: from a connector straight to the clients that listen. */
#include <string.h>

#include "server/client.h"

enum { LISTENER_QUEUE_MAX = 256 * 1024 };  // bytes: who has more to read misses samples

static void relay_to(Server *server, Client *client)
{
    const TagTable *tags = server->plant->tags;
    if (client->outbox.bytes > LISTENER_QUEUE_MAX) {
        listener_skip(client->listener, tags, &server->relay);
        return;
    }
    listener_write(client->listener, tags, &server->relay, &server->names, &server->stream);
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
    for (size_t i = 0; i < server->listener_count; i++)
        if (!server->listeners[i]->closing)
            relay_to(server, server->listeners[i]);
    server->relay.count = 0;
}

void server_pass(Server *server, const Sample *samples, size_t count)
{
    if (!atomic_load_explicit(&server->listened, memory_order_relaxed) || count == 0)
        return;
    ring_push_many(&server->passed, samples, count);
    uv_async_send(&server->wake);
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

void server__take_passed(Server *server)
{
    Sample samples[256];
    for (size_t count; (count = ring_pop_many(&server->passed, samples, sizeof samples / sizeof *samples));)
        on_pass(server, samples, count);
}

static void note_listeners(Server *server)
{
    atomic_store_explicit(&server->listened, server->listener_count > 0, memory_order_relaxed);
    if (server->devices)
        server->devices->pass = server->listener_count > 0 ? on_pass : NULL;
}

void server__follow_listeners(Server *server)
{
    // what is on its way has numbers of the plant before
    for (Sample sample; ring_pop(&server->passed, &sample);)
        continue;
    for (size_t i = 0; i < server->listener_count; i++)
        listener_follow(server->listeners[i]->listener);
}

void client_unlisten(Client *client)
{
    Server *server = client->server;
    if (!client->listener)
        return;
    listener_fini(client->listener);
    mem_free(client->listener);
    client->listener = NULL;
    size_t place = 0;
    while (server->listeners[place] != client)
        place++;
    server->listeners[place] = server->listeners[--server->listener_count];
    note_listeners(server);
}

bool client_listen(Client *client, const WireMessage *message)
{
    Server *server = client->server;
    client_unlisten(client);
    if (message->subscribe.count == 0)
        return true;
    Listener *listener = server->listener_count < LISTENERS_MAX ? mem_alloc(sizeof *listener) : NULL;
    if (!listener || !listener_init(listener, message, client->bulk)) {
        mem_free(listener);
        client_refuse(client, wire_topic_name(WIRE_SUBSCRIBE), message->id, 503, "no room for another client that wants samples as they come");
        return false;
    }
    client->listener = listener;
    server->listeners[server->listener_count++] = client;
    note_listeners(server);
    return true;
}
