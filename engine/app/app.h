/* app.h -- everything together: the tick, and what surrounds it.
 *
 * An App owns a plant and all that works on it. app_poll takes what the connectors brought and runs every tick that is complete;
 * whoever calls it, a server's loop or a tape, decides how fast.
 *
 * Takes: an AppDef.  Gives: ticks.  Threads: one, the tick's. */
#pragma once

#include "connectors/websocket/websocket.h"
#include "forecast/lookout.h"
#include "app/tempo.h"
#include "app/ways.h"
#include "server/server.h"

enum { APP_CONNECTORS_MAX = 16, APP_REHEARSALS_MAX = 64 };

typedef struct App App;

typedef struct AppDef {
    const char *plant;    // path of the plant script
    const char *history;  // path of the history, NULL for none: then samples are acknowledged as they are taken
    size_t threads;       // 0 means 1
    double speed;         // of a UTC plant's clock, 0 means 1; INFINITY: as fast as the samples come
    const Clock *clock;   // NULL means the machine's
    bool quiet;           // no log lines for alarms and commands
    const atomic_int *stop;  // not 0 once somebody wants the process to end: a long catch-up is left then; NULL: nobody does
    bool dry_run;         // no command is handed over, whatever the script says
    bool connects;        // open the connectors that the script names
    Inlets *inlets;       // where they take what is pushed to the server; NULL: there is none
    bool provider_clock;  // time is what the samples carry, whatever the script says: recordings
    /// Called at the end of each tick, with the samples that it folded in.
    void (*ticked)(void *self, const App *app, Batch batch);
    void *self;
} AppDef;

/// What waited while the tick had no rest: from when it finds something to do until there is nothing more.
typedef struct AppBacklog {
    int64_t since;      // elapsed time, TIME_NONE while there is none
    uint64_t samples;   // that were taken since
    int64_t longest_ns;
    uint64_t longest_samples;  // of the longest
} AppBacklog;

/// A dry run whose trial is not over, and who waits for it.
typedef struct AppRehearsal {
    uint64_t command, token;
} AppRehearsal;

struct App {
    AppDef def;
    Plant *plant;
    Sync *sync;
    Alarms *alarms;
    Gate *gate;
    Desk *desk;        // for forecasts
    Lookout *lookout;  // the plant's own forecast, NULL without
    History *history;  // NULL without
    Audit *audit;      // NULL until it has begun
    Server *server;    // NULL without; app_serve, not owned
    Websocket *websocket;
    Ways *ways;        // NULL where none are opened
    Connector connectors[APP_CONNECTORS_MAX];
    size_t connector_count;

    struct AppReceipt *receipts;  // which sample must be on disk before which connector may be told
    int64_t tick, now;            // the last tick and its end
    uint64_t ticks;               // that have run since the start
    bool news;                    // that no tick tells: somebody came or went, the script was refused
    int64_t started_elapsed, started_utc;
    int64_t snapshot_elapsed, recorded;  // when the last snapshot was taken; the last tick whose estimates history was offered
    int64_t sent_elapsed;         // when a command was handed to a device last
    uint64_t overruns;
    Histogram tick_durations;
    Tempo tempo;
    uint64_t witnessed_command;   // the newest that is in the audit trail
    AppBacklog backlog;
    bool replaying;               // ticks are run again after a restart: nothing leaves the engine
    char refused[sizeof(ErrText)]; // why the newest version of the script was, or empty
    char kept[128];               // what a changed script left of the state, for people
    AppRehearsal rehearsals[APP_REHEARSALS_MAX];
    size_t rehearsal_count;
    uint64_t reload_token;        // of who asked for the script to be loaded anew and has no answer yet, or 0
    const HistoryOutlooks *foretold;  // while replaying: what was judged then, from the next tick on
    size_t foretold_count;
    const HistoryAct *acts;       // while replaying: what people did about alarms, from the next act on
    size_t act_count;
    const HistoryGateAct *gate_acts;  // the same about actuators
    size_t gate_act_count;
    Outlooks outlooks;  // of them the tick's
    CommandWish *replayed_wishes; // the newest of each tag, and
    int64_t *replayed_times;      // when it was made
    size_t replayed_count;
};

/// Load the plant, and go on from the history where there is one.
Err app_create(const AppDef *def, App **out, ErrText *why);
/// Load the plant alone, on any thread: an App that is to succeed another.
Err app_load(const AppDef *def, App **out, ErrText *why);
/// Before an orderly stop: write the fail-safe values, and wait some seconds at most for devices to confirm them.
void app_make_safe(App *app);
/// Take all that has arrived, with the ticks that are complete by it and those that run again for what came late.
void app_drain(App *app);
/// Between two ticks, go on from where `before` is, an App of another version of the script, drained: with its state, connectors, history and server.
/// `before` is to be destroyed then. On failure nothing has changed for it, and this one is to be destroyed.
Err app_succeed(App *app, App *before, ErrText *why);
/// The newest version of the script was refused, and why; NULL: it was not. For people to see.
void app_tell_refusal(App *app, const char *why);
/// Write a last snapshot, close the history. Connectors and the server are the caller's.
void app_destroy(App *app);
Err app_add_connector(App *app, Connector connector);
/// Publish to `server` from now on, with the devices of `websocket`, and take what its people ask.
void app_serve(App *app, Server *server, Websocket *websocket);

/// Take what has arrived and run the ticks that are complete. Returns how many arrivals and ticks that were: 0 means there was nothing to do.
size_t app_poll(App *app);
/// How long the caller may sleep when there was nothing to do, at most `most` ns.
int64_t app_patience(const App *app, int64_t most);
/// The plant's clock as it would be now (UTC plants run at def.speed).
int64_t app_utc(const App *app);
