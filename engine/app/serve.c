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
    Websocket *websocket;
    Server *server;
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
    websocket_destroy(serving->websocket);
}

static Err open_serving(Serving *serving, const AppDef *def, ServerDef *server, ErrText *why)
{
    Err err = app_create(def, &serving->app, why);
    if (err)
        return err;
    const Plant *plant = serving->app->plant;
    const WebsocketDef websocket = {.tags = plant->tags, .plant = plant->name, .step = plant->step, .speed = isinf(def->speed) ? 0 : def->speed,
                                    .provider_clock = plant->clock == PLANT_CLOCK_PROVIDER, .corrected = plant->corrects_clocks};
    if (websocket_create(&websocket, &serving->websocket))
        return err_set(why, ERR_MEMORY, "no memory for the websocket connector");
    server->plant = plant;
    server->desk = serving->app->desk;
    server->audit = serving->app->audit;
    server->history = def->history;
    server->devices = websocket_handler(serving->websocket);
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
    printf("Pollux " POLLUX_VERSION "  plant %s: %u twin%s, a step every %g s, %s\n", plant->name, plant->twin_count, plant->twin_count == 1 ? "" : "s", plant->step, program_backend());
    printf("  dashboard  http%s://%s:%d\n  devices    ws%s://%s:%d   (for example: pollux emulate %s --url ws%s://%s:%d)\n", s, host, port, s, host, port, def->plant, s, host, port);
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

int command_serve(int argc, char **argv)
{
    const char *plant = NULL, *history = NULL;
    char path[1024], access_path[1024];
    long port = 8080, clients = 16384, threads = 1;
    bool no_history = false, fresh = false, watch = false;
    double speed = 1;
    const char *codegen = "auto", *log_level = "info", *log_format = "text";
    OptionList hosts = {0};
    ServerDef server = {0};
    Serving serving = {.hooks.severity = "info"};
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "a plant script", &plant, 0, 0},
        {OPTION_WHOLE, "port", "N", "where to listen (8080; 0 takes a free one)", &port, 0, 65535},
        {OPTION_WHOLE, "clients", "N", "WebSocket clients at most (16384)", &clients, 1, 1000000},
        {OPTION_TEXT, "bind", "ADDRESS", "on which address (127.0.0.1; 0.0.0.0 is all of them, and needs TLS and access)", &server.bind, 0, 0},
        {OPTION_TEXT, "access", "FILE", "let in only whom this file names (beyond this machine: $XDG_CONFIG_HOME/pollux/access.json)", &server.access, 0, 0},
        {OPTION_TEXT, "tls-certificate", "FILE", "speak TLS with this certificate (PEM, its chain behind it)", &server.tls_certificate, 0, 0},
        {OPTION_TEXT, "tls-key", "FILE", "the certificate's private key (PEM)", &server.tls_key, 0, 0},
        {OPTION_TEXT, "tls-client-ca", "FILE", "let devices in by certificates that these authorities signed (PEM)", &server.tls_client_ca, 0, 0},
        {OPTION_LIST, "host", "NAME", "a name by which others call this server, beside those in its certificate; may be repeated", &hosts, 0, 0},
        {OPTION_SPEED, "speed", "N", "N times real time, or max: how fast emulated devices are asked to go (1)", &speed, 0, 0},
        {OPTION_WHOLE, "threads", "N", "threads that step the twins (1)", &threads, 1, 64},
        CODEGEN_OPTION(&codegen),
        {OPTION_TEXT, "history", "FILE", "where the history is kept", &history, 0, 0},
        {OPTION_FLAG, "no-history", NULL, "keep none", &no_history, 0, 0},
        {OPTION_FLAG, "fresh", NULL, "put the history until now aside and begin anew", &fresh, 0, 0},
        {OPTION_FLAG, "watch", NULL, "load the script anew whenever it or one of its models changes (SIGHUP does it once, and looks at access file and certificate)", &watch, 0, 0},
        {OPTION_TEXT, "log-level", "LEVEL", "debug, info, warning or error: what the log tells (info)", &log_level, 0, 0},
        {OPTION_TEXT, "log-format", "FORM", "text for people, or json: a JSON object per line (text)", &log_format, 0, 0},
        {OPTION_LIST, "webhook", "URL", "who is told of alarms, by a POST of a CloudEvent; may be repeated; POLLUX_WEBHOOK_TOKEN is shown as a bearer token", &serving.hooks.urls, 0, 0},
        {OPTION_TEXT, "webhook-severity", "LEVEL", "of the least alarm that they are told of (info)", &serving.hooks.severity, 0, 0},
        {OPTION_TEXT, "webhook-ca", "FILE", "the authorities whose certificates count for them, PEM (the system's)", &serving.hooks.ca, 0, 0},
        {OPTION_TEXT, "web", "FOLDER", "the dashboard's built files (beside the program, or web/dist)", &server.web, 0, 0},
    };
    const OptionResult parsed = options_parse(&subcommand_serve, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    Err err = ERR_OK;
    if (no_history && (history || fresh)) {
        err_set(&why, ERR_USAGE, "serve: --no-history goes with neither --history nor --fresh");
        return options_fail(EXIT_USAGE, &why);
    }
    if (set_log(log_level, log_format, &why) || codegen_begin(codegen, &why))
        return options_fail(EXIT_USAGE, &why);
    if (!history && !no_history) {
        err = place_history(plant, path, sizeof path, &why);
        history = path;
    }
    if (!err && fresh)
        err = check_unused(history, &why);
    if (!err && fresh)
        err = put_aside(history, &why);
    if (!server.web)
        server.web = find_web();
    if (!err && !server.access && !server_is_loopback(server.bind)) {
        err = place_access(access_path, sizeof access_path, &why);
        server.access = access_path;
    }
    server.hosts = hosts.items;
    server.host_count = hosts.count;

    stop_on_signals();
    reload_on_signal();
    server.port = (int)port;
    server.clients_max = (size_t)clients;
    const AppDef def = {.plant = plant, .history = history, .threads = (size_t)threads, .speed = speed, .stop = &stop_asked};
    if (!err && reload_create(&def, watch, &serving.reload))
        err = err_set(&why, ERR_MEMORY, "no memory");
    if (!err)
        err = open_serving(&serving, &def, &server, &why);
    if (!err) {
        greet(&serving, &def, &server);
        err = run_until_stopped(&serving, &why);
        log_write(LOG_INFO, "serve", "stopping: the state of the plant is kept");
    }
    close_serving(&serving);
    codegen_end();
    return err ? options_fail(EXIT_FAILED, &why) : EXIT_DONE;
}
