/* server.h -- the side that watches: one port for the dashboard, REST and WebSocket. docs/protocol.md is the specification.
 *
 * libwebsockets on libuv's event loop, in one service thread. The tick publishes and never waits: what changed (alarms, commands) goes
 * into a ring, the newest numbers into a triple buffer, and the service thread makes of them one text per frame that all subscribers
 * share; a slow one skips values [I6]. What people ask (acknowledge, actuate) goes back to the tick by a ring.
 *
 * Forecasts do not concern the tick: they are asked for at the desk, which takes what it needs of it.
 *
 * Takes: the plant, verdicts, alarms, commands; a LinkHandler for devices; a Desk.  Gives: ServerAsks.
 * Threads: create, publish, poll, answer, destroy on the tick's. */
#pragma once

#include "forecast/desk.h"
#include "history/history.h"
#include "server/access.h"
#include "server/webhook.h"
#include "signal/registry.h"

typedef struct Server Server;

typedef struct ServerDef {
    const char *bind;     // address, "127.0.0.1" when NULL; one that others can reach needs TLS and an access file that lets somebody in
    int port;             // 0: a free one, see server_port; Err names one that is in use
    const char *web;      // folder of the dashboard's built files, NULL for none (a page then says how to build it)
    const char *history;  // path of the history, for its own reader; NULL for none
    const Plant *plant;   // names, units, channels: what does not change while it runs
    LinkHandler *devices; // NULL: device topics are refused
    Inlets *inlets;       // who takes samples that are pushed by requests; NULL: nobody
    /// Write what connectors have heard that nothing is bound to, as JSON objects with commas between them. On the service thread. NULL: nothing.
    void (*put_addresses)(void *self, Text *out);
    void *addresses;      // self
    Registry *registry;   // of devices, that of `devices`; it outlives the server. NULL: none is claimed
    Audit *audit;         // what people do and are refused is noted here; NULL: nowhere
    Desk *desk;           // where forecasts are asked for; NULL: there are none
    double frame_rate_max;  // Hz; 0 means 20
    size_t clients_max;     // of WebSocket; 0 means 16,384; fewer where the limit of open files is lower
    Webhook *const *webhooks;  // that are told of alarms; they outlive it
    size_t webhook_count;
    const char *access;   // the access file; NULL: whoever comes may do everything
    const char *tls_certificate, *tls_key;  // PEM files; NULL: no TLS
    const char *tls_client_ca;              // whose certificates devices may show; NULL: nobody is asked for one
    const char *const *hosts;  // names by which others call this server, beside those in its certificate; they outlive it
    size_t host_count;
} ServerDef;

/// What has become of who came, since the start; for metrics, on the service thread.
typedef struct ServerCounters {
    uint64_t connections, requests;
    uint64_t mute;         // connections that ended, or had to go, before their first request had come
    uint64_t turned_away;  // clients that found no room
    uint64_t malformed;    // frames of WebSocket that could not be read, those that were too large among them
    uint64_t unread;       // clients that were cut off because they did not read
    uint64_t skipped;      // frames of values that slow clients did not get
} ServerCounters;

Err server_create(const ServerDef *def, Server **out, ErrText *why);
void server_destroy(Server *server);
int server_port(const Server *server);
/// Look at once whether access file or certificate have changed, which is otherwise done once a second and once a minute.
void server_look(Server *server);
/// Whether what is bound to this address can be reached from this machine alone.
bool server_is_loopback(const char *bind);

/// What happens now, beyond the plant itself.
typedef struct ServerConnection {
    char name[64], kind[24], peer[96];
    bool connected;
    uint64_t samples, refused, dropped;
    ConnectorLosses lost;
    int64_t last;  // source time of the last sample
    bool measured;
    ClockReading clock;  // when measured

    bool is_way;         // one of the plant's connectors, of which this is known too
    int64_t since;       // UTC: of `connected`, TIME_NONE
    uint64_t attempts;   // at connecting
    uint64_t unchanged;  // samples within their dead bands
    uint64_t missed;     // turns of a schedule that were left out
    uint64_t commands, failed;
    uint32_t stale;      // tags that are silent
    uint64_t busy_ns;    // processor time
    char fault[160];     // the last, "" while there was none
} ServerConnection;

typedef struct ServerNow {
    const char *refused;  // why the newest version of the plant's script was refused; NULL when it was not
    int64_t tick, time;
    uint64_t ticks;  // that have run since the start
    double speed;
    bool dry_run;        // commands are decided and not handed over
    bool paused;         // no tick runs, but for those that are asked for one by one
    double speed_limit;  // times real time, 0: none
    uint64_t overruns, forecasts_skipped, handler_errors, events_unheard, alarms_dropped;
    uint64_t backlog_samples, longest_backlog_samples;  // that the tick has worked off without a rest until now, and the longest time that it had none
    int64_t backlog_ns, longest_backlog_ns;
    uint64_t history_waits, history_errors;  // how often the tick waited for the writer, and commits that failed
    size_t history_waiting;                  // rows that wait for the disk
    Histogram tick_durations;
    const ServerConnection *connections;
    size_t connection_count;
} ServerNow;

/// Show the world as it is now: once per tick, before the changed lists are settled; also without a tick, when people changed something.
/// Alarms and commands that changed are taken from those lists and are never skipped by conflation. Numbers are taken at most
/// `frame_rate_max` times a second; what is held back goes out with a later publish or poll, so all that is pointed to must live on till then.
void server_publish(Server *server, const Plant *plant, const Sync *sync, const Alarms *alarms, const Gate *gate, const ServerNow *now);

typedef enum ServerAskKind { SERVER_ASK_ALARM, SERVER_ASK_ACTUATE, SERVER_ASK_RELOAD, SERVER_ASK_TIME, SERVER_ASK_GATE } ServerAskKind;
typedef struct ServerAsk {
    ServerAskKind kind;
    uint64_t token;  // for server_answer
    Caller caller;   // who asks, for the audit trail
    AlarmAct act;
    CommandWish wish;
    GateAct gate;
    struct {
        bool paused;
        double speed;    // limit, 0: none
        uint64_t steps;  // to run while it is paused
    } time;
} ServerAsk;
/// Samples that connectors have just brought, for clients who want them as they come, in front of the tick; what there is no room for comes with that alone.
void server_pass(Server *server, const Sample *samples, size_t count);
/// What people asked since; false when there is nothing more. Call it often, also while no tick runs: it shows what publish held back, and
/// /healthz answers 503 when neither was called for 5 s.
bool server_poll(Server *server, ServerAsk *out);
/// Answer it: status 200 with the command's id (0 for none; to a reload or a dry run, with what there is to say), or a refusal.
void server_answer(Server *server, uint64_t token, int status, const char *detail, uint64_t command);
/// What was asked about an alarm is done: 200, with the alarm as it is now (id 0: it is over) of the twin of this name.
void server_answer_alarm(Server *server, uint64_t token, const Alarm *alarm, const char *twin);

/// Let the service thread stand still, until server_resume: sockets wait, nothing is lost. Meanwhile what it shares with others (the devices'
/// connector) is the caller's.
void server_pause(Server *server);
void server_resume(Server *server);
/// While it is paused: go on with another version of the plant. Clients stay connected; observers get a new snapshot; forecasts are asked for at `desk`, and
/// those of the plant before are forgotten. ERR_MEMORY: but for the desk nothing has changed.
Err server_follow(Server *server, const Plant *plant, Desk *desk);
