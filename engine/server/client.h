/* client.h -- one WebSocket client: a device, an observer, or both; shared by socket.c, asking.c and listening.c.
 *
 * What goes out is queued, but for values: those are written at once, or not at all while the client does not read (show.h).
 *
 * Memory: libwebsockets keeps a Client with its connection.  Threads: the service thread. */
#pragma once

#include "server/inside.h"

enum { REFUSED_MAX = 100 };  // messages of one client that cannot be read, or that it has no right to

struct Client {
    Link link;  // first: a Link is its Client
    Viewer viewer;
    Server *server;
    struct lws *wsi;
    Caller caller;
    Client *next, **at;  // of all clients

    bool bulk;  // it speaks pollux.v1.bin
    Text in;    // a frame that comes in pieces
    bool in_binary, in_too_long;
    uint32_t refused;  // of REFUSED_MAX

    Outbox outbox;         // to be written
    bool asked_writable;   // and not told yet that it is
    Listener *listener;  // samples as they come; NULL while they are not wanted
    int closing;         // WebSocket status, 0 while it lives: then nothing is read any more
    bool farewell_said;
    char why[100];
};

// socket.c

/// Say goodbye with a status of WebSocket, once what is queued has gone out.
void client_close(Client *client, int status, const char *why);
/// Queue a frame; a client that lets too much gather is closed.
void client_send(Client *client, const char *bytes, size_t length, bool binary);
/// Send what stands in server->out, and clear that.
void client_say(Client *client);
/// One message more that was none: too many end the connection.
void client_count_refusal(Client *client, const char *why);
void client_refuse(Client *client, const char *topic, int64_t id, int status, const char *detail);

// asking.c

/// A message that could be read: answer it, or pass it to the devices' handler.
void client_ask(Client *client, const WireMessage *message);

// listening.c

/// Which samples a subscription wants as they come; false when that was refused, and the client was told.
bool client_listen(Client *client, const WireMessage *message);
void client_unlisten(Client *client);
