/* serve.c -- pollux serve: the twins of a plant, live. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "app/commands.h"
#include "app/places.h"
#include "app/reload.h"
#include "app/witness.h"
#include "server/put.h"

const Subcommand subcommand_serve = {
    "serve", "run the twins of a plant beside its devices, with the dashboard",
    "Devices come by WebSocket (docs/protocol.md); `pollux emulate` is one. The history goes on where it ended, after a crash too.\n"
    "By default it lies in $XDG_STATE_HOME/pollux (~/.local/state/pollux), named after the plant.",
    command_serve};

static const int64_t NAP_NS = 2 * NS_PER_MS;  // between two looks at what has arrived, when there was nothing

/* Whoever writes a history holds its lock (history.h): its file must not be moved from under it. */
static Err check_unused(const char *path, ErrText *why)
{
    char lock[1100];
    snprintf(lock, sizeof lock, "%s.lock", path);
    const int file = open(lock, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return ERR_OK;  // nobody has ever had it
    const bool used = flock(file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
    close(file);
    return used ? err_set(why, ERR_IO, "%s is in use: another Pollux writes it; end that one, or choose another file", path) : ERR_OK;
}

/* Put a history aside, its journal with it: a number of its own, so that nothing is ever overwritten. */
static Err put_aside(const char *path, ErrText *why)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char from[1100], to[1100];
    struct stat info;
    int number = 1;
    if (stat(path, &info))
        return ERR_OK;
    do
        snprintf(to, sizeof to, "%s.%d", path, number++);
    while (stat(to, &info) == 0);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(from, sizeof from, "%s%s", path, endings[i]);
        snprintf(to, sizeof to, "%s.%d%s", path, number - 1, endings[i]);
        if (rename(from, to) && errno != ENOENT)
            return err_set(why, ERR_IO, "%s: %s", from, strerror(errno));
    }
    log_write(LOG_INFO, "history", "the history until now is kept as %s.%d", path, number - 1);
    return ERR_OK;
}

/* The dashboard: beside the program when it is installed, in the source tree's web/dist when it is built there, otherwise none. */
static const char *find_web(void)
{
    static const char *const places[] = {"../share/pollux/web", "../../../web/dist"};
    static char path[PATH_MAX];
    char program[PATH_MAX - 64];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return NULL;
    program[length] = 0;
    *strrchr(program, '/') = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s", program, places[i]);
        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

// --- webhooks ------------------------------------------------------------------------------------------------------

typedef struct Hooks {
    OptionList urls;
    const char *severity, *ca;
    Webhook *items[WEBHOOKS_MAX];
    size_t count;
} Hooks;

static void close_hooks(Hooks *hooks)
{
    while (hooks->count > 0)
        webhook_destroy(hooks->items[--hooks->count]);
}

/* The token is a secret, so it is no argument, which everybody could read in the list of processes. */
static Err open_hooks(Hooks *hooks, const char *plant, ErrText *why)
{
    WebhookDef def = {.token = getenv("POLLUX_WEBHOOK_TOKEN"), .ca = hooks->ca, .plant = plant};
    if (!severity_parse(hooks->severity, &def.least))
        return err_set(why, ERR_USAGE, "serve: --webhook-severity: expected info, warning, major or critical, got \"%s\"", hooks->severity);
    if (hooks->urls.count > WEBHOOKS_MAX)
        return err_set(why, ERR_USAGE, "serve: --webhook: at most %d", WEBHOOKS_MAX);
    for (size_t i = 0; i < hooks->urls.count; i++) {
        def.url = hooks->urls.items[i];
        const Err err = webhook_create(&def, &hooks->items[hooks->count], why);
        if (err)
            return err;
        hooks->count++;
    }
    return ERR_OK;
}

// --- everything together -------------------------------------------------------------------------------------------

typedef struct Serving {
    App *app;
    Registry *registry;
    Websocket *websocket;
    Server *server;
    Inlets *inlets;
    Reload *reload;
    Hooks hooks;
    uint64_t asked;  // the newest token of app->reload_token that was passed on
} Serving;

static void close_serving(Serving *serving)
{
    reload_destroy(serving->reload);
    server_destroy(serving->server);  // first: its thread speaks with the connector
    close_hooks(&serving->hooks);
    app_destroy(serving->app);
    inlets_destroy(serving->inlets);
    websocket_destroy(serving->websocket);
    registry_close(serving->registry);
}

/* What somebody could bind in the script: the line for it, but for the tag. On the service thread, which stands still while the plant is exchanged. */
static void put_address(Text *out, const Ways *ways, size_t index, const ExchangeSeen *seen)
{
    Text line = {0};
    ways_suggest(ways, index, seen->address, &line);
    put_string(out, out->bytes[out->length - 1] == '}' ? ",{" : "{", "connector", ways_state(ways, index).exchange.name);
    put_string(out, ",", "kind", ways_state(ways, index).exchange.kind);
    put_string(out, ",", "address", seen->address);
    put_number(out, ",", "value", seen->number);
    put_time(out, ",", "time", seen->time);
    put_count(out, ",", "count", seen->count);
    put_string(out, ",", "binding", line.bytes);
    text_put(out, "}");
    text_fini(&line);
}

static void put_addresses(void *self, Text *out)
{
    const Serving *serving = self;
    const Ways *ways = serving->app->ways;
    ExchangeSeen *seen = ways ? mem_alloc(EXCHANGE_SEEN_MAX * sizeof *seen) : NULL;
    for (size_t i = 0; seen && i < ways_count(ways); i++) {
        const size_t count = ways_seen(ways, i, seen, EXCHANGE_SEEN_MAX);
        for (size_t k = 0; k < count && !out->failed; k++)
            put_address(out, ways, i, &seen[k]);
    }
    mem_free(seen);
}

/* `devices` is the file of the registry; NULL keeps none. */
static Err open_serving(Serving *serving, const AppDef *def, const char *devices, ServerDef *server, ErrText *why)
{
    Err err = app_create(def, &serving->app, why);
    if (!err)
        err = registry_open(devices, NULL, &serving->registry, why);
    if (err)
        return err;
    const Plant *plant = serving->app->plant;
    const WebsocketDef websocket = {.tags = plant->tags, .plant = plant->name, .step = plant->step, .speed = isinf(def->speed) ? 0 : def->speed,
                                    .provider_clock = plant->clock == PLANT_CLOCK_PROVIDER, .corrected = plant->corrects_clocks,
                                    .registry = serving->registry};
    if (websocket_create(&websocket, &serving->websocket))
        return err_set(why, ERR_MEMORY, "no memory for the websocket connector");
    server->plant = plant;
    server->desk = serving->app->desk;
    server->audit = serving->app->audit;
    server->history = def->history;
    server->devices = websocket_handler(serving->websocket);
    server->inlets = serving->inlets;
    server->registry = serving->registry;
    server->put_addresses = put_addresses;
    server->addresses = serving;
    if ((err = open_hooks(&serving->hooks, plant->name, why)))
        return err;
    server->webhooks = serving->hooks.items;
    server->webhook_count = serving->hooks.count;
    if ((err = server_create(server, &serving->server, why)))
        return err;
    app_serve(serving->app, serving->server, serving->websocket);
    err = app_add_connector(serving->app, (Connector){&websocket_connector, serving->websocket});
    return err ? err : app_add_connector(serving->app, (Connector){&websocket_log_connector, serving->websocket});
}

static void greet(const Serving *serving, const AppDef *def, const ServerDef *server)
{
    const char *s = server->tls_certificate ? "s" : "", *host = server->host_count ? server->hosts[0] : "localhost";
    const Plant *plant = serving->app->plant;
    const int port = server_port(serving->server);
    printf("Pollux " POLLUX_VERSION "  plant %s: %u twin%s, a step every %g s, %s\n", plant->name, plant->twin_count, plant->twin_count == 1 ? "" : "s",
           plant->step, program_backend());
    printf("  dashboard  http%s://%s:%d\n  devices    ws%s://%s:%d   (for example: pollux emulate %s --url ws%s://%s:%d)\n", s, host, port, s, host, port,
           def->plant, s, host, port);
    if (gate_is_dry(serving->app->gate))
        printf("  dry run    commands are decided and recorded, and none is handed over\n");
    if (server->access)
        printf("  access     %s\n", server->access);
    printf("  history    %s\n  stop       Ctrl-C\n", def->history ? def->history : "none: samples are acknowledged but not kept");
    fflush(stdout);
}

// --- another version of the script ---------------------------------------------------------------------------------

/* Whoever asked by HTTP hears what has come of it, unless it was asked for once more meanwhile. */
static void answer_reload(Serving *serving, int status, const char *detail)
{
    App *app = serving->app;
    if (!app->reload_token || reload_is_busy(serving->reload))
        return;
    server_answer(serving->server, app->reload_token, status, detail, 0);
    app->reload_token = 0;
}

static void refuse_script(Serving *serving, const ErrText *why)
{
    log_write(LOG_ERROR, "reload", "the script is refused, the one before goes on: %s", why->text);
    app_tell_refusal(serving->app, why->text);
    witness_script(serving->app, AUDIT_REFUSED, why->text);
    answer_reload(serving, 422, why->text);
}

/* Who is connected is shown the new plant. An error says that nothing can be shown any more. */
static Err show_next(Serving *serving, ErrText *why)
{
    const Plant *plant = serving->app->plant;
    if (server_follow(serving->server, plant, serving->app->desk) || websocket_follow(serving->websocket, plant->tags))
        return err_set(why, ERR_MEMORY, "no memory to show plant \"%s\" anew: the state is kept, start again", plant->name);
    return ERR_OK;
}

/* Between two ticks, while the service thread stands still and all that has arrived is filed. */
static Err change_app(Serving *serving, App *next, bool *refused, ErrText *why)
{
    server_pause(serving->server);
    app_drain(serving->app);
    *refused = app_succeed(next, serving->app, why) != ERR_OK;
    Err err = ERR_OK;
    if (*refused) {
        app_destroy(next);
    } else {
        App *before = serving->app;
        serving->app = next;
        err = show_next(serving, why);
        app_destroy(before);
    }
    server_resume(serving->server);
    return err;
}

static Err take_script(Serving *serving, App *next, ErrText *why)
{
    bool refused;
    const Err err = change_app(serving, next, &refused, why);
    if (err)
        return err;
    if (refused) {
        refuse_script(serving, why);
    } else {
        log_write(LOG_INFO, "reload", "%s", serving->app->kept);
        witness_script(serving->app, AUDIT_DONE, serving->app->kept);
        answer_reload(serving, 200, serving->app->kept);
    }
    return ERR_OK;
}

static Err look_for_script(Serving *serving, ErrText *why)
{
    App *next;
    const uint64_t token = serving->app->reload_token;
    if (reload_asked)
        server_look(serving->server);
    if (reload_asked || (token && token != serving->asked))
        reload_ask(serving->reload);
    reload_asked = 0;
    serving->asked = token;
    switch (reload_poll(serving->reload, serving->app->plant, &next, why)) {
    case RELOAD_LOADED:
        return take_script(serving, next, why);
    case RELOAD_REFUSED:
        refuse_script(serving, why);
        return ERR_OK;
    case RELOAD_NOTHING:
        return ERR_OK;
    }
    return ERR_OK;
}

static Err run_until_stopped(Serving *serving, ErrText *why)
{
    Err err = ERR_OK;
    while (!stop_asked && !err) {
        App *app = serving->app;
        if (!app_poll(app))
            app->def.clock->sleep_ns(app->def.clock->self, app_patience(app, NAP_NS));
        err = look_for_script(serving, why);
    }
    return err;
}

static Err set_log(const char *level, const char *form, ErrText *why)
{
    LogLevel lowest;
    if (!log_level_find(level, &lowest))
        return err_set(why, ERR_USAGE, "serve: --log-level: expected debug, info, warning or error, got \"%s\"", level);
    if (strcmp(form, "text") != 0 && strcmp(form, "json") != 0)
        return err_set(why, ERR_USAGE, "serve: --log-format: expected text or json, got \"%s\"", form);
    log_set_level(lowest);
    log_set_form(strcmp(form, "json") == 0 ? LOG_JSON : LOG_TEXT);
    return ERR_OK;
}

// --- what a person types -------------------------------------------------------------------------------------------

typedef struct ServeOptions {
    const char *plant, *history, *devices, *codegen, *log_level, *log_format;
    long port, clients, threads;
    double speed;
    bool no_history, fresh, watch, dry_run;
    OptionList hosts;
    Hooks hooks;
    ServerDef server;
    char history_path[1024], devices_path[1040], access_path[1024];  // where they are by default
} ServeOptions;

static OptionResult read_options(int argc, char **argv, ServeOptions *out)
{
    *out = (ServeOptions){.port = 8080, .clients = 16384, .threads = 1, .speed = 1, .codegen = "auto", .log_level = "info", .log_format = "text",
                          .hooks.severity = "info"};
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "a plant script", &out->plant, 0, 0},
        {OPTION_WHOLE, "port", "N", "where to listen (8080; 0 takes a free one)", &out->port, 0, 65535},
        {OPTION_WHOLE, "clients", "N", "WebSocket clients at most (16384)", &out->clients, 1, 1000000},
        {OPTION_TEXT, "bind", "ADDRESS", "on which address (127.0.0.1; 0.0.0.0 is all of them, and needs TLS and access)", &out->server.bind, 0, 0},
        {OPTION_TEXT, "access", "FILE", "let in only whom this file names (beyond this machine: $XDG_CONFIG_HOME/pollux/access.json)", &out->server.access, 0, 0},
        {OPTION_TEXT, "tls-certificate", "FILE", "speak TLS with this certificate (PEM, its chain behind it)", &out->server.tls_certificate, 0, 0},
        {OPTION_TEXT, "tls-key", "FILE", "the certificate's private key (PEM)", &out->server.tls_key, 0, 0},
        {OPTION_TEXT, "tls-client-ca", "FILE", "let devices in by certificates that these authorities signed (PEM)", &out->server.tls_client_ca, 0, 0},
        {OPTION_LIST, "host", "NAME", "a name by which others call this server, beside those in its certificate; may be repeated", &out->hosts, 0, 0},
        {OPTION_SPEED, "speed", "N", "N times real time, or max: how fast emulated devices are asked to go (1)", &out->speed, 0, 0},
        {OPTION_WHOLE, "threads", "N", "threads that step the twins (1)", &out->threads, 1, 64},
        CODEGEN_OPTION(&out->codegen),
        {OPTION_TEXT, "history", "FILE", "where the history is kept", &out->history, 0, 0},
        {OPTION_TEXT, "devices", "FILE", "where it is kept which devices were claimed (beside the history: its name and .devices)", &out->devices, 0, 0},
        {OPTION_FLAG, "no-history", NULL, "keep none", &out->no_history, 0, 0},
        {OPTION_FLAG, "fresh", NULL, "put the history until now aside and begin anew", &out->fresh, 0, 0},
        {OPTION_FLAG, "dry-run", NULL, "decide on every command, and hand none over, whatever the script says", &out->dry_run, 0, 0},
        {OPTION_FLAG, "watch", NULL, "load the script anew whenever it or one of its models changes (SIGHUP does it once, and looks at access file and certificate)", &out->watch, 0, 0},
        {OPTION_TEXT, "log-level", "LEVEL", "debug, info, warning or error: what the log tells (info)", &out->log_level, 0, 0},
        {OPTION_TEXT, "log-format", "FORM", "text for people, or json: a JSON object per line (text)", &out->log_format, 0, 0},
        {OPTION_LIST, "webhook", "URL", "who is told of alarms, by a POST of a CloudEvent; may be repeated; POLLUX_WEBHOOK_TOKEN is shown as a bearer token", &out->hooks.urls, 0, 0},
        {OPTION_TEXT, "webhook-severity", "LEVEL", "of the least alarm that they are told of (info)", &out->hooks.severity, 0, 0},
        {OPTION_TEXT, "webhook-ca", "FILE", "the authorities whose certificates count for them, PEM (the system's)", &out->hooks.ca, 0, 0},
        {OPTION_TEXT, "web", "FOLDER", "the dashboard's built files (beside the program, or web/dist)", &out->server.web, 0, 0},
    };
    return options_parse(&subcommand_serve, options, sizeof options / sizeof *options, argc, argv);
}

/* What goes together, and what is in the hands of the whole process: the log, native code. */
static Err take_options(const ServeOptions *options, ErrText *why)
{
    if (options->no_history && (options->history || options->fresh))
        return err_set(why, ERR_USAGE, "serve: --no-history goes with neither --history nor --fresh");
    const Err err = set_log(options->log_level, options->log_format, why);
    return err ? err : codegen_begin(options->codegen, why);
}

/* The history's place, with what was there put aside if that is wished. */
static Err find_history(ServeOptions *options, ErrText *why)
{
    Err err = ERR_OK;
    if (!options->history && !options->no_history) {
        err = place_history(options->plant, options->history_path, sizeof options->history_path, why);
        options->history = options->history_path;
    }
    if (!err && options->fresh)
        err = check_unused(options->history, why);
    return err || !options->fresh ? err : put_aside(options->history, why);
}

/* Which devices were claimed is kept beside the history, and not in it: that may be begun anew. */
static void find_devices(ServeOptions *options)
{
    if (options->devices || !options->history)
        return;
    snprintf(options->devices_path, sizeof options->devices_path, "%s.devices", options->history);
    options->devices = options->devices_path;
}

static Err complete_server(ServeOptions *options, ErrText *why)
{
    Err err = ERR_OK;
    ServerDef *server = &options->server;
    server->port = (int)options->port;
    server->clients_max = (size_t)options->clients;
    server->hosts = options->hosts.items;
    server->host_count = options->hosts.count;
    if (!server->web)
        server->web = find_web();
    if (!server->access && !server_is_loopback(server->bind)) {
        err = place_access(options->access_path, sizeof options->access_path, why);
        server->access = options->access_path;
    }
    return err;
}

static Err serve(ServeOptions *options, ErrText *why)
{
    Serving serving = {.hooks = options->hooks};
    if (inlets_create(&serving.inlets))
        return err_set(why, ERR_MEMORY, "no memory for what is pushed");
    const AppDef def = {.plant = options->plant, .history = options->history, .threads = (size_t)options->threads, .speed = options->speed,
                        .dry_run = options->dry_run, .stop = &stop_asked, .connects = true, .inlets = serving.inlets};
    stop_on_signals();
    reload_on_signal();
    Err err = reload_create(&def, options->watch, &serving.reload) ? err_set(why, ERR_MEMORY, "no memory") : ERR_OK;
    if (!err)
        err = open_serving(&serving, &def, options->devices, &options->server, why);
    if (!err) {
        greet(&serving, &def, &options->server);
        err = run_until_stopped(&serving, why);
        log_write(LOG_INFO, "serve", "stopping: the state of the plant is kept");
        app_make_safe(serving.app);
    }
    close_serving(&serving);
    return err;
}

int command_serve(int argc, char **argv)
{
    ServeOptions options;
    ErrText why;
    const OptionResult parsed = read_options(argc, argv, &options);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (take_options(&options, &why))
        return subcommand_fail(EXIT_USAGE, &why);

    Err err = find_history(&options, &why);
    if (!err)
        err = complete_server(&options, &why);
    find_devices(&options);
    if (!err)
        err = serve(&options, &why);
    codegen_end();
    return err ? subcommand_fail(EXIT_FAILED, &why) : EXIT_DONE;
}
