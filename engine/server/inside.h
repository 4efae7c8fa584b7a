/* inside.h -- what the files of the server share.
 *
 * server.c owns the thread and the hand-over from the tick; http.c answers requests with what the handlers of routes make of a reply (reply.c); socket.c speaks
 * with WebSocket clients, and show.c tells those who watch what is new. All but the tick's part happens on the service thread, in callbacks of libuv's loop. */
#pragma once

#include <libwebsockets.h>
#include <pthread.h>
#include <uv.h>

#include "server/access.h"
#include "server/archive.h"
#include "server/asks.h"
#include "server/door.h"
#include "server/frames.h"
#include "server/http.h"
#include "server/relay.h"
#include "server/server.h"
#include "server/show.h"
#include "server/tls.h"

#define SUBPROTOCOL "pollux.v1.json"
#define SUBPROTOCOL_BULK "pollux.v1.bin"
#define SESSION_COOKIE "pollux_session"

enum {
    STREAMS_MAX = 1024,  // streams of events: each keeps its request's headers, as libwebsockets has it
    ADDRESS_ROOM = 64,
};

typedef struct Client Client;

struct Server {
    const Plant *plant;
    LinkHandler *devices;
    Inlets *inlets;
    Registry *registry;
    void (*put_addresses)(void *self, Text *out);
    void *addresses;
    Webhook *const *webhooks;
    size_t webhook_count;
    Desk *desk;
    Audit *audit;
    char *web;
    HistoryReader *reader;  // for short lists
    Archive *archive;       // for what takes its time; NULL as the reader
    int port;
    char address[ADDRESS_ROOM];
    Access *access;            // NULL: none is asked for
    Tls *tls;                  // NULL: none is spoken
    const char *const *hosts;  // names of ours
    size_t host_count;

    // the event loop
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t beat, frame_timer;
    uv_timer_t rate_timer;  // until a feed with a rate may be shown again
    uv_check_t turn_end;  // of the loop
    struct lws_context *lws;
    struct lws_protocols protocols[4];  // libwebsockets keeps pointing at them
    pthread_t thread;
    bool running;
    atomic_bool stopping, look_asked;

    // standing still
    pthread_mutex_t pause_lock;
    pthread_cond_t pause_changed;
    atomic_bool pausing;
    bool paused;  // under the lock

    // between the threads
    States states;
    Journal journal;
    Asks asks;
    _Atomic int64_t alive_at;  // elapsed time of the tick's last call

    // the tick's: what was published and is not captured yet
    bool capture_owed;
    int64_t capture_at;  // elapsed time before which there is no next capture
    const Sync *sync;
    ServerNow now;
    ServerConnection *connections;  // CONNECTIONS_MAX

    Ring passed;  // samples, tick -> service thread
    atomic_bool listened;  // somebody wants them

    // the service thread's
    uint32_t beats;
    int64_t frame_ns;  // between two frames
    int64_t frame_at;  // elapsed time of the last
    bool frame_owed;
    Show show;
    Client *clients;
    size_t client_count, clients_max;
    Client *listeners[LISTENERS_MAX];
    size_t listener_count;
    struct Events *events;  // streams of them
    size_t events_count;
    Door door;
    ServerCounters counters;
    Relay relay;
    Text names, stream;  // of one listener
    Text writing;        // to one client
    Wire *wire;
    Text out;
    Text scenarios;         // the list of them, empty while nobody asked
    struct Session *awaiting;  // requests that wait for what other threads make
};

// http.c: the callback for everything that is not a WebSocket, upgrades to one included.
int server__on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);
size_t server__http_session_size(void);
/// Answer the requests for which that has come what they wait for.
void server__tell_awaiting(Server *server);
/// The tick's answer to the request of a session.
void server__answer_session(Server *server, void *session, const AskAnswer *answer);

// reply.c
/// Who asks has this very answer already.
bool server__is_known(struct lws *wsi, const Reply *reply);
/// The headers of a reply whose body has `length` bytes (LWS_ILLEGAL_HTTP_CONTENT_LEN: as many as will come); the connection is closed behind the `last`.
bool server__write_headers(struct lws *wsi, const Reply *reply, size_t length, bool last);

// trail.c
/// Note in the audit trail what somebody did or was refused here. What is asked of the tick is noted there.
void server__note(const Server *server, const Caller *caller, const char *action, const char *target, AuditOutcome outcome, const char *detail);

// socket.c
int server__on_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);
size_t server__client_size(void);
/// Close the connections of those who may not be here any more.
void server__recheck_clients(Server *server);
/// events.c: its part of that, streams of events.
void server__recheck_events(Server *server);
// listening.c
/// Send what connectors have passed on to those who listen.
void server__relay(Server *server);
/// Take what the tick has passed on.
void server__take_passed(Server *server);
/// While the service thread stands still: the tags of listeners are those of another version of the plant.
void server__follow_listeners(Server *server);
// asking.c
/// Bring the tick's answers to who waits for them.
void server__deliver(Server *server);
