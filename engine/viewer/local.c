#include "viewer/local.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/beside.h"
#include "viewer/foresight.h"
#include "viewer/lookback.h"

enum { REQUESTS = 64, PATH_ROOM = 1100 };
static const int64_t NAP_NS = 2 * NS_PER_MS;  // between two looks at what there is to do

typedef enum RequestKind { REQUEST_ACKNOWLEDGE, REQUEST_COMMAND, REQUEST_FORECAST, REQUEST_LOOK } RequestKind;

/* What the window asks of the engine. */
typedef struct Request {
    RequestKind kind;
    uint64_t ticket, alarm;
    TagId tag;
    double value;  // SI
    char comment[WORLD_TEXT];
    ForesightAsk forecast;
    bool dry;        // of REQUEST_COMMAND
    double horizon;  // of REQUEST_LOOK
    uint32_t assets[FORESIGHT_ASSETS_MAX];
    size_t asset_count;
} Request;

typedef struct Local {
    App *app;
    Beside *beside;
    const Plant *plant;
    Capture capture;
    Foresight *foresight;
    Lookback *lookback;         // NULL until the history is there
    pthread_t thread;
    bool started;
    atomic_int stop;
    Mailbox requests, answers;  // of Request, of Answer
    uint64_t ticket;            // the window's: the last
    bool described;             // the window's, and what it wants to be shown
    WorldMode mode;
    char history[PATH_ROOM];    // "" or a file that is deleted at the end
} Local;

// --- the engine's thread -------------------------------------------------------------------------------------------

static void answer(Local *local, const Request *request, AnswerKind kind, bool failed, const char *text)
{
    Answer out = {.ticket = request->ticket, .kind = kind, .failed = failed};
    snprintf(out.text, sizeof out.text, "%.250s", text);
    mailbox_put(&local->answers, &out);
}

static void acknowledge(Local *local, const Request *request)
{
    App *app = local->app;
    ErrText why = {""};
    Alarm alarm;
    HistoryAct act = {.tick = app->tick, .time = app->now, .act = {.kind = ACT_ACKNOWLEDGE, .alarm = request->alarm, .by = "window"}};
    snprintf(act.act.comment, sizeof act.act.comment, "%.255s", request->comment);
    const Err err = alarm_act(app->alarms, &act.act, app->now, &alarm, &why);
    if (!err && app->history)
        history_append_act(app->history, &act);
    answer(local, request, ANSWER_ACKNOWLEDGED, err != ERR_OK, err ? why.text : "acknowledged");
}

static void command(Local *local, const Request *request)
{
    App *app = local->app;
    const CommandWish wish = {.tag = request->tag, .value = request->value, .by = "window", .reason = "asked for at the window", .dry_run = request->dry};
    size_t count;
    const uint64_t id = gate_ask(app->gate, &wish, app->now);
    const Command *commands = gate_changed(app->gate, &count);
    const char *refusal = id ? NULL : "too much was asked at once: try again";
    for (size_t i = 0; i < count; i++)
        if (commands[i].id == id && commands[i].state == COMMAND_REFUSED)
            refusal = commands[i].detail;
    answer(local, request, ANSWER_COMMANDED, refusal != NULL, refusal ? refusal : request->dry ? "the gate would let it through" : "on its way");
}

static void foretell(Local *local, const Request *request)
{
    ErrText why;
    if (foresight_ask(local->foresight, local->app, &request->forecast, &why))
        answer(local, request, ANSWER_FORECAST, true, why.text);
}

static size_t take_requests(Local *local)
{
    size_t count = 0;
    for (Request request; local->app->now != TIME_NONE && mailbox_take(&local->requests, &request); count++)
        switch (request.kind) {
        case REQUEST_ACKNOWLEDGE:
            acknowledge(local, &request);
            break;
        case REQUEST_COMMAND:
            command(local, &request);
            break;
        case REQUEST_FORECAST:
            foretell(local, &request);
            break;
        case REQUEST_LOOK:
            foresight_look(local->foresight, request.horizon, request.assets, request.asset_count);
            break;
        }
    return count;
}

static void *run(void *self)
{
    Local *local = self;
    int64_t shown = TIME_NONE;
    program_thread_init();
    while (!local->stop) {
        Answer foretold;
        const size_t done = app_poll(local->app) + take_requests(local);
        if (foresight_step(local->foresight, local->app, &local->capture, &foretold) && !mailbox_put(&local->answers, &foretold))
            answer_fini(&foretold);
        if (local->app->now != shown && capture_is_wanted(&local->capture)) {
            capture_take(&local->capture, local->app, beside_failure(local->beside));
            shown = local->app->now;
        }
        if (done == 0)
            clock_system.sleep_ns(clock_system.self, NAP_NS);
    }
    return NULL;
}

// --- the window's --------------------------------------------------------------------------------------------------

static bool local_poll(void *self, World *world)
{
    Local *local = self;
    if (!local->described) {
        if (capture_describe(&local->capture, world))
            return false;
        world->can = WORLD_CAN_ACKNOWLEDGE | WORLD_CAN_COMMAND | WORLD_CAN_FORECAST | WORLD_CAN_LOOK_BACK;
        local->described = true;
    }
    bool news = false;
    if (local->mode == WORLD_PAST)
        news = lookback_fill(local->lookback, world);
    else if (local->mode == WORLD_LIVE)
        news = capture_show(&local->capture, world);
    if (local->mode == WORLD_LIVE && news) {
        world->history_from = world->history_from == TIME_NONE ? world->time : world->history_from;
        world->history_to = world->time;
    }

    // the past is there when it has been read
    const WorldMode mode = local->mode == WORLD_PAST && !news ? world->mode : local->mode;
    const bool changed = world->mode != mode;
    world->mode = mode;
    return news || changed;
}

static bool local_take(void *self, Answer *out)
{
    Local *local = self;
    return mailbox_take(&local->answers, out) || lookback_take(local->lookback, out);
}

static void local_show(void *self, WorldMode mode, int64_t time)
{
    Local *local = self;
    local->mode = mode;
    lookback_show(local->lookback, mode == WORLD_PAST ? time : TIME_NONE);
}

static void local_look(void *self, const SourceInterest *interest)
{
    Local *local = self;
    Request request = {.kind = REQUEST_LOOK, .horizon = interest->horizon};
    request.asset_count = interest->count < FORESIGHT_ASSETS_MAX ? interest->count : FORESIGHT_ASSETS_MAX;
    for (size_t i = 0; i < request.asset_count; i++)
        request.assets[i] = interest->assets[i];
    mailbox_put(&local->requests, &request);
}

static uint64_t local_series(void *self, const SeriesAsk *series)
{
    Local *local = self;
    return lookback_ask(local->lookback, local->ticket + 1, series) ? ++local->ticket : 0;
}

static uint64_t ask(Local *local, Request *request)
{
    request->ticket = local->ticket + 1;
    return mailbox_put(&local->requests, request) ? ++local->ticket : 0;
}

static uint64_t local_acknowledge(void *self, uint64_t alarm, const char *comment)
{
    Request request = {.kind = REQUEST_ACKNOWLEDGE, .alarm = alarm};
    snprintf(request.comment, sizeof request.comment, "%s", comment ? comment : "");
    return ask(self, &request);
}

static uint64_t local_command(void *self, uint32_t asset, uint16_t channel, double value, bool dry)
{
    Local *local = self;
    const TagId tag = plant_tag(local->plant, asset, channel);
    Request request = {.kind = REQUEST_COMMAND, .tag = tag, .dry = dry, .value = unit_to_si(tags_get(local->plant->tags, tag).unit, value)};
    return ask(local, &request);
}

static uint64_t local_forecast(void *self, const ForecastAsk *forecast)
{
    Local *local = self;
    Request request = {.kind = REQUEST_FORECAST};
    ForesightAsk *out = &request.forecast;
    if (forecast->channel_count > FORESIGHT_CHANNELS_MAX || forecast->change_count > FORESIGHT_CHANNELS_MAX)
        return 0;
    *out = (ForesightAsk){.ticket = local->ticket + 1, .horizon = forecast->horizon, .asset = forecast->asset, .channel_count = forecast->channel_count,
                          .change_count = forecast->change_count};
    for (size_t i = 0; i < forecast->channel_count; i++)
        out->channels[i] = forecast->channels[i];
    for (size_t i = 0; i < forecast->change_count; i++)
        out->changes[i] = forecast->changes[i];
    return ask(local, &request);
}

static void local_close(void *self)
{
    static const char *const endings[] = {"", "-wal", "-shm", ".lock"};
    Local *local = self;
    if (local->started) {
        local->stop = 1;
        pthread_join(local->thread, NULL);
    }
    lookback_close(local->lookback);
    foresight_destroy(local->foresight, local->app);
    app_destroy(local->app);
    beside_destroy(local->beside);
    for (Answer left; local->answers.places && mailbox_take(&local->answers, &left);)
        answer_fini(&left);
    mailbox_fini(&local->requests);
    mailbox_fini(&local->answers);
    capture_fini(&local->capture);
    for (size_t i = 0; i < sizeof endings / sizeof *endings && *local->history; i++) {
        char path[PATH_ROOM + 8];
        snprintf(path, sizeof path, "%s%s", local->history, endings[i]);
        unlink(path);
    }
    mem_free(local);
}

static const SourceType local_type = {
    .name = "plant",
    .poll = local_poll,
    .take = local_take,
    .look = local_look,
    .show = local_show,
    .series = local_series,
    .forecast = local_forecast,
    .acknowledge = local_acknowledge,
    .command = local_command,
    .close = local_close,
};

// --- opening -------------------------------------------------------------------------------------------------------

/* A history for the time being, where none is asked for: what cannot be looked back at is half of what a window is for. */
static Err find_history(Local *local, const LocalDef *def, ErrText *why)
{
    const char *folder = getenv("TMPDIR");
    if (def->history)
        return ERR_OK;
    snprintf(local->history, sizeof local->history, "%.1000s/pollux-view-XXXXXX", folder && *folder ? folder : "/tmp");
    const int file = mkstemp(local->history);
    if (file < 0) {
        err_set(why, ERR_IO, "%s: %s", local->history, strerror(errno));
        *local->history = 0;
        return ERR_IO;
    }
    close(file);
    return ERR_OK;
}

static Err open_engine(Local *local, const LocalDef *def, ErrText *why)
{
    const AppDef app = {.plant = def->plant, .history = def->history ? def->history : local->history, .quiet = true, .provider_clock = true,
                        .stop = &local->stop};
    const BesideDef beside = {.plant = def->plant, .seed = def->seed, .begin = def->begin == TIME_NONE ? clock_system.utc_ns(clock_system.self) : def->begin,
                              .hurry = def->hurry, .speed = def->speed > 0 ? def->speed : 1, .no_faults = def->no_faults, .faults = def->faults,
                              .fault_count = def->fault_count};
    Err err = app_create(&app, &local->app, why);
    if (!err)
        err = beside_create(&beside, &local->beside, why);
    if (!err)
        err = app_add_connector(local->app, (Connector){&beside_connector, local->beside});
    return err;
}

static Err open_window_side(Local *local, const LocalDef *def, ErrText *why)
{
    local->plant = local->app->plant;
    if (capture_init(&local->capture, local->plant) || foresight_create(&local->capture, &local->foresight) ||
        mailbox_init(&local->requests, sizeof(Request), REQUESTS) || mailbox_init(&local->answers, sizeof(Answer), REQUESTS))
        return err_set(why, ERR_MEMORY, "no memory for the picture of plant \"%s\"", local->plant->name);
    return lookback_open(def->history ? def->history : local->history, &local->capture, &local->lookback, why);
}

Err local_open(const LocalDef *def, Source *out, ErrText *why)
{
    Local *local = mem_alloc(sizeof *local);
    *out = (Source){0};
    if (!local)
        return err_set(why, ERR_MEMORY, "no memory for a plant");
    Err err = find_history(local, def, why);
    if (!err)
        err = open_engine(local, def, why);
    if (!err)
        err = open_window_side(local, def, why);
    if (!err) {
        local->started = pthread_create(&local->thread, NULL, run, local) == 0;
        err = local->started ? ERR_OK : err_set(why, ERR_MEMORY, "no thread for the plant");
    }
    if (err)
        local_close(local);
    else
        *out = (Source){&local_type, local};
    return err;
}
