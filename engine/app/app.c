#include "app/app.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alarm/rehearse.h"
#include "app/arrivals.h"
#include "app/follow.h"
#include "app/inside.h"
#include "app/people.h"
#include "app/publish.h"
#include "app/remember.h"
#include "app/resume.h"
#include "app/witness.h"

enum { HISTORY_WAITING = 4096 };  // rows: what is patient waits while more than that wait for the disk, long before the tick must

static const int64_t MAKE_SAFE_NS = 3 * NS_PER_S;        // of elapsed time: how long a stop waits for devices to take their fail-safe values
static const int64_t ANSWER_NS = 2 * NS_PER_S;           // of elapsed time: a device has this long to answer, however fast the plant's time goes
static const int64_t BACKLOG_TOLD_NS = NS_PER_S;         // a backlog that lasts longer is worth a line in the log

int64_t app__elapsed(const App *app)
{
    return app->def.clock->elapsed_ns(app->def.clock->self);
}

int64_t app_utc(const App *app)
{
    const double speed = app->def.speed;
    if (speed == 1 || isinf(speed))
        return app->def.clock->utc_ns(app->def.clock->self);
    return app->started_utc + (int64_t)((double)(app__elapsed(app) - app->started_elapsed) * speed);
}

// --- the tick ------------------------------------------------------------------------------------------------------

/* What handlers and people want goes to the gate; while replaying it is only remembered, the newest wish of each tag. */
static void pass_wishes(App *app)
{
    size_t count;
    const CommandWish *wishes = alarms_wishes(app->alarms, &count);
    for (size_t i = 0; i < count; i++)
        if (app->replaying)
            resume_note_wish(app, &wishes[i]);
        else
            gate_ask(app->gate, &wishes[i], app->now);
}

/* Handlers hear in a tick of what changed before it: what they wish then cannot go round within one. */
static void note_commands(App *app)
{
    size_t count;
    const Command *commands = gate_changed(app->gate, &count);
    if (!app->replaying)
        alarms_note_commands(app->alarms, commands, count);
}

/* Changes that everybody has seen. */
static void settle(App *app)
{
    note_commands(app);
    people_hear_ends(app);
    publish_lines(app);
    alarms_settle(app->alarms);
    gate_settle(app->gate);
}

/* Where devices carry the time nobody asks what time of day it is: this is done for every arrival. */
static bool is_complete(const App *app)
{
    return sync_ready(app->sync, app->plant->clock == PLANT_CLOCK_UTC ? app_utc(app) : TIME_NONE);
}

/* Where devices carry the time it may run faster than they can answer, so their commands do not expire at once. */
static void release_commands(App *app)
{
    size_t count;
    if (app->replaying)
        return;
    gate_be_patient(app->gate, app->plant->clock == PLANT_CLOCK_PROVIDER && app__elapsed(app) - app->sent_elapsed < ANSWER_NS);
    gate_release(app->gate, app->connectors, app->connector_count, app->now);
    if (!is_complete(app))
        gate_beat(app->gate, app->connectors, app->connector_count, app->now);  // nothing is behind: the ticks run in time

    const Command *commands = gate_changed(app->gate, &count);
    for (size_t i = 0; i < count; i++)
        if (commands[i].state == COMMAND_SENT)
            app->sent_elapsed = app__elapsed(app);
}

/* Where devices carry the time, or nobody looks at the clock, a tick waits for what is to be judged in it. */
static bool waits(const App *app)
{
    return app->plant->clock == PLANT_CLOCK_PROVIDER || isinf(app->def.speed);
}

/* What the plant's own forecast foretells goes to the alarms, in a tick that was known when it was ordered; what it foretold before is held against samples. */
static void look_ahead(App *app, Batch batch)
{
    if (!app->replaying)
        lookout_meet(app->lookout, app->sync, batch);
    const Outlooks *outlooks = app->replaying ? resume_outlooks(app) : lookout_judge(app->lookout, app->desk, app->tick, waits(app));
    if (!outlooks)
        return;
    alarms_note_outlooks(app->alarms, outlooks);
    if (app->history && !app->replaying)
        history_append_outlooks(app->history, app->plant, app->tick, outlooks);
}

/* Between two ticks: copies for forecasts. */
static void take_forks(App *app)
{
    if (!app->replaying)
        lookout_order(app->lookout, app->desk, app->tick, app->now);
}

/* One tick of everything. Each line is a folder of engine/, in the order of the data. */
static void app_tick(App *app)
{
    sync_amend(app->sync);                                             // what came late: back to it, and on again from there
    const Batch batch = sync_collect(app->sync);                       // what the connectors brought, ordered
    app->tick = sync_next_tick(app->sync);
    app->now = sync_time(app->sync, app->tick);
    app->ticks++;
    plant_advance(app->plant);                                         // predict every block
    sync_correct(app->sync, app->plant, batch);                        // fold the samples in, test the innovations
    note_commands(app);                                                // what was answered since
    look_ahead(app, batch);                                            // what the last forecast foretells
    alarm_judge(app->alarms, app->plant, app->sync, batch, app->now);  // raise, hold, return; run the handlers
    gate_judge(app->gate, app->sync, app->now);                        // what has lost its sensors, what devices report
    pass_wishes(app);
    release_commands(app);                                             // commands that may go, go

    witness_commands(app);
    remember_changes(app);                                             // the side that remembers
    publish_now(app);                                                  // the side that watches
    take_forks(app);                                                   // the side that looks ahead
    settle(app);
    if (app->def.ticked)
        app->def.ticked(app->def.self, app, batch);
}

/* What people did about alarms behind this tick, and no snapshot has. */
static void act_again(App *app)
{
    if (!resume_acts(app))
        return;
    remember_changes(app);
    settle(app);
}

void app__replay(App *app)
{
    app->replaying = true;
    act_again(app);
    while (sync_ready(app->sync, TIME_NONE)) {
        app_tick(app);
        act_again(app);
    }
    app->replaying = false;
}

bool app__is_stopping(const App *app)
{
    return app->def.stop && *app->def.stop;
}

static bool is_admitted(const App *app)
{
    return tempo_is_free(&app->tempo) || tempo_admits(&app->tempo, app__elapsed(app));
}

size_t app__run_ready_ticks(App *app)
{
    size_t ticks = 0;
    for (; !app__is_stopping(app) && is_admitted(app) && is_complete(app); ticks++) {
        // in real time a tick that is not done by the end of the next one is late
        if (app->plant->clock == PLANT_CLOCK_UTC && app_utc(app) > sync_time(app->sync, sync_next_tick(app->sync) + 1) + app->plant->wait_ns)
            app->overruns++;
        const int64_t start = app__elapsed(app);
        tempo_note(&app->tempo, start, app->plant->step);
        app_tick(app);
        histogram_add(&app->tick_durations, app__elapsed(app) - start);
    }
    return ticks;
}

// --- what arrives --------------------------------------------------------------------------------------------------

/* What changed without a tick: answers of people and devices must not wait for the plant's time to go on. */
static void show_changes(App *app)
{
    size_t alarms, commands;
    alarms_changed(app->alarms, &alarms);
    gate_changed(app->gate, &commands);
    if (alarms + commands == 0 && !app->news)
        return;
    witness_commands(app);
    remember_changes(app);
    publish_now(app);
    settle(app);
}

static void end_backlog(App *app, int64_t now)
{
    AppBacklog *backlog = &app->backlog;
    const int64_t lasted = now - backlog->since;
    if (lasted > backlog->longest_ns) {
        backlog->longest_ns = lasted;
        backlog->longest_samples = backlog->samples;
    }
    if (lasted > BACKLOG_TOLD_NS && !app->def.quiet)
        log_write(LOG_INFO, "app", "a backlog of %llu samples is worked off, it took %.1f s", (unsigned long long)backlog->samples, (double)lasted / 1e9);
    backlog->since = TIME_NONE;
    backlog->samples = 0;
}

size_t app_poll(App *app)
{
    const int64_t start = app__elapsed(app);
    if (app->backlog.since == TIME_NONE)
        app->backlog.since = start;
    const bool held = !is_admitted(app) && is_complete(app);
    size_t done = held ? 0 : arrivals_take(app, false);
    done += app__run_ready_ticks(app);
    if (held)
        ;  // what comes waits in the sockets
    else if (!app->history || history_waiting(app->history) < HISTORY_WAITING)
        done += arrivals_take(app, true);
    if (app->now != TIME_NONE)
        desk_fill(app->desk, app->now);
    people_answer(app);
    show_changes(app);
    arrivals_acknowledge(app);
    for (size_t i = 0; i < app->connector_count && done; i++)
        if (app->connectors[i].type->ticked)
            app->connectors[i].type->ticked(app->connectors[i].self, sync_now(app->sync));
    if (done == 0)
        end_backlog(app, start);
    return done;
}

void app_drain(App *app)
{
    arrivals_drain(app);
    sync_amend(app->sync);
    alarm_amend(app->alarms, app->sync, app->now);
    people_answer(app);
    show_changes(app);
}

void app_make_safe(App *app)
{
    GateAct act = {.kind = GATE_ACT_HOLD, .tag = TAG_NONE, .by = "pollux", .reason = "the engine stops"};
    const int64_t until = app__elapsed(app) + MAKE_SAFE_NS;
    if (app->now == TIME_NONE || !people_act(app, &act))
        return;  // no actuator has a fail-safe value
    gate_release(app->gate, app->connectors, app->connector_count, app->now);
    show_changes(app);
    while (gate_is_making_safe(app->gate) && app__elapsed(app) < until) {
        arrivals_take_outcomes(app);
        show_changes(app);
        app->def.clock->sleep_ns(app->def.clock->self, NS_PER_MS);
    }
    if (gate_is_making_safe(app->gate))
        log_write(LOG_WARNING, "gate", "not every fail-safe value was confirmed within %g s", (double)MAKE_SAFE_NS / (double)NS_PER_S);
}

int64_t app_patience(const App *app, int64_t most)
{
    if (!tempo_is_free(&app->tempo))
        return tempo_patience(&app->tempo, app__elapsed(app), most);
    const int64_t patience = sync_patience(app->sync, app_utc(app), most);
    return isinf(app->def.speed) ? patience : (int64_t)((double)patience / (app->def.speed > 1 ? app->def.speed : 1));
}

// --- life ----------------------------------------------------------------------------------------------------------

static double told_last(const void *gate, TagId tag)
{
    return gate_told(gate, tag);
}

static Err load(App *app, ErrText *why)
{
    Err err = plant_load(app->def.plant, app->def.threads, &app->plant, why);
    if (err)
        return err;
    app->receipts = arrivals_receipts();
    app->replayed_wishes = mem_alloc(RESUME_WISHES_MAX * sizeof *app->replayed_wishes);
    app->replayed_times = mem_alloc(RESUME_WISHES_MAX * sizeof *app->replayed_times);
    if (!app->receipts || !app->replayed_wishes || !app->replayed_times || sync_create(app->plant, &app->sync))
        return err_set(why, ERR_MEMORY, "no memory for plant \"%s\"", app->plant->name);
    sync_on_replayed(app->sync, remember_again, app);
    if (app->def.provider_clock)
        app->plant->clock = PLANT_CLOCK_PROVIDER;
    if ((err = alarms_create(app->plant, &app->alarms, why)))
        return err;
    if ((err = gate_create(app->plant, &app->gate, why)))
        return err;
    if (app->def.dry_run)
        gate_run_dry(app->gate);
    err = lookout_create(app->plant, &app->lookout, why);
    if (!err)
        err = desk_create(app->plant, 1, &app->desk, why);
    if (err)
        return err;
    desk_follow(app->desk, follow_recording);
    desk_rehearse(app->desk, &rehearse_kind);
    desk_told(app->desk, told_last, app->gate);
    desk_learn(app->desk, lookout_verification(app->lookout));
    if (app->def.connects && (err = ways_check(app->plant, why)))
        return err;
    return gate_simulate(app->gate, app->desk, waits(app), why);
}

Err app_load(const AppDef *def, App **out, ErrText *why)
{
    *out = NULL;
    App *app = mem_alloc(sizeof *app);
    if (!app)
        return err_set(why, ERR_MEMORY, "no memory");
    app->def = *def;
    app->def.threads = def->threads ? def->threads : 1;
    app->def.speed = def->speed > 0 ? def->speed : 1;
    app->def.clock = def->clock ? def->clock : &clock_system;
    app->now = app->recorded = app->backlog.since = TIME_NONE;
    app->started_elapsed = app__elapsed(app);
    app->sent_elapsed = app->started_elapsed - ANSWER_NS;
    app->snapshot_elapsed = INT64_MIN / 2;  // the first tick is kept at once: a restart then knows when time began
    app->started_utc = app->def.clock->utc_ns(app->def.clock->self);
    program_thread_init();

    const Err err = load(app, why);
    if (err)
        app_destroy(app);
    else
        *out = app;
    return err;
}

static Err begin(App *app, ErrText *why)
{
    if (audit_create(app->def.clock, &app->audit))
        return err_set(why, ERR_MEMORY, "no memory for the audit trail");
    Err err = app->def.history ? history_open(app->def.history, app->plant, &app->history, why) : ERR_OK;
    if (err)
        return err;
    if (app->history)
        history_keep_audit(app->history, app->audit);
    witness_life(app, "start");
    if (app->history)
        err = resume_from_history(app, why);
    if (!err && app->plant->clock == PLANT_CLOCK_UTC && sync_next_tick(app->sync) == TIME_NONE)
        sync_begin(app->sync, app->started_utc);
    return err;
}

/* At once the connectors run by themselves: when everything else is there. */
static Err open_ways(App *app, ErrText *why)
{
    if (!app->def.connects)
        return ERR_OK;
    if (app->plant->connector_count && app->def.speed != 1)
        return err_set(why, ERR_USAGE, "%s has connectors, which live by the time of day: it runs at speed 1", app->def.plant);
    const Err err = ways_open(app->plant, app->def.clock, app->def.inlets, &app->ways, why);
    return err ? err : app_add_connector(app, ways_connector(app->ways));
}

Err app_create(const AppDef *def, App **out, ErrText *why)
{
    App *app;
    Err err = app_load(def, &app, why);
    if (!err && ((err = begin(app, why)) || (err = open_ways(app, why))))
        app_destroy(app);
    *out = err ? NULL : app;
    return err;
}

static void take_ways(App *app, App *before)
{
    for (size_t i = 0; i < app->connector_count; i++)
        if (app->connectors[i].self == before->ways)
            app->connectors[i] = ways_connector(app->ways);
    ways_take(app->ways, before->ways);
    before->ways = NULL;
}

/* The plant's time, and what surrounds it, go on as if nothing had been. */
static void take_over(App *app, App *before)
{
    memcpy(app->connectors, before->connectors, sizeof app->connectors);
    app->connector_count = before->connector_count;
    if (app->ways)
        take_ways(app, before);
    app->server = before->server;
    app->audit = before->audit;
    app->witnessed_command = before->witnessed_command;
    app->websocket = before->websocket;
    app->tick = before->tick;
    app->now = before->now;
    app->ticks = before->ticks;
    app->overruns = before->overruns;
    app->tick_durations = before->tick_durations;
    app->tempo = before->tempo;
    app->backlog = before->backlog;
    app->started_elapsed = before->started_elapsed;
    app->started_utc = before->started_utc;
    app->snapshot_elapsed = before->snapshot_elapsed;
    app->sent_elapsed = before->sent_elapsed;
    app->recorded = before->recorded;
    app->reload_token = before->reload_token;
    people_succeed(app, before);
    app->news = true;

    struct AppReceipt *const empty = app->receipts;
    app->receipts = before->receipts;
    before->receipts = empty;
    before->history = NULL;
    before->audit = NULL;
    before->connector_count = 0;
    before->server = NULL;
}

Err app_succeed(App *app, App *before, ErrText *why)
{
    app->history = before->history;
    Err err = before->ways ? ways_succeed(before->ways, app->plant, &app->ways, why) : ERR_OK;
    if (!err)
        err = resume_from_app(app, before, why);
    if (!err && app->history)
        err = history_follow(app->history, app->plant, why);
    if (err) {
        app->history = NULL;
        return err;
    }
    take_over(app, before);
    if (app->history && app->now != TIME_NONE)
        resume_snapshot(app);  // a restart goes on from here, by this script
    return ERR_OK;
}

void app_tell_refusal(App *app, const char *why)
{
    snprintf(app->refused, sizeof app->refused, "%s", why ? why : "");
    app->news = true;
}

void app_destroy(App *app)
{
    if (!app)
        return;
    ways_destroy(app->ways);
    if (app->history && app->now != TIME_NONE)
        resume_snapshot(app);
    if (app->audit)
        witness_life(app, "stop");
    history_close(app->history);
    audit_destroy(app->audit);
    desk_destroy(app->desk);
    lookout_destroy(app->lookout);
    gate_destroy(app->gate);
    alarms_destroy(app->alarms);
    sync_destroy(app->sync);
    plant_destroy(app->plant);
    mem_free(app->receipts);
    mem_free(app->replayed_wishes);
    mem_free(app->replayed_times);
    mem_free(app);
}

Err app_add_connector(App *app, Connector connector)
{
    if (app->connector_count == APP_CONNECTORS_MAX)
        return ERR_FULL;
    app->connectors[app->connector_count++] = connector;
    // a device may come before the next tick: where the plant goes on from is known already
    if (connector.type->ticked && app->now != TIME_NONE)
        connector.type->ticked(connector.self, app->now);
    return ERR_OK;
}

void app_serve(App *app, Server *server, Websocket *websocket)
{
    app->server = server;
    app->websocket = websocket;
}
