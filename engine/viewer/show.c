#include "viewer/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/commands.h"
#include "app/token_file.h"
#include "view/console.h"
#include "view/feed_remote.h"
#include "view/view.h"
#include "viewer/local.h"

enum { PICTURE_RATE = 30, PATIENCE_S = 120 };  // frames a second of what is recorded; how long a first picture may take

static int run_show(int argc, char **argv)
{
    return show(argc, argv);
}

static const Subcommand subcommand = {
    "view", "show a plant in three dimensions",
    "SOURCE is a plant script, which then runs in this process with an emulated plant beside it, or the address of a server, as in http://localhost:8080;\n"
    "without it the last server is meant. With --screenshot or --record nothing is opened on the screen: pictures need no display, only Mesa.",
    run_show};

typedef struct Show {
    const char *source, *screenshot, *record, *size, *palette, *select, *token_file, *ca;
    double speed;
    long after, seconds, ghost, scale, seed;
    bool headless, no_faults, clear;
    OptionList faults;
    int64_t begin;               // plant time, of a plant inside
    Settings settings;           // as they were kept, changed by what was typed
    char settings_path[1024];
    char token[TOKEN_TEXT_ROOM];
} Show;

static OptionResult read_options(int argc, char **argv, Show *out)
{
    *out = (Show){.speed = 1, .seconds = 5, .seed = 1, .ghost = -1};
    const Option options[] = {
        {OPTION_OPERAND_MAYBE, "SOURCE", NULL, "a plant script, or the address of a server", &out->source, 0, 0},
        {OPTION_TEXT, "token-file", "FILE", "a token that the server lets in ($POLLUX_TOKEN)", &out->token_file, 0, 0},
        {OPTION_TEXT, "ca", "FILE", "of https://: whose certificates are trusted (PEM; those of this machine)", &out->ca, 0, 0},
        {OPTION_TEXT, "screenshot", "FILE", "write one picture (PNG) and end", &out->screenshot, 0, 0},
        {OPTION_TEXT, "record", "FOLDER", "write numbered pictures, 30 for each second, and end", &out->record, 0, 0},
        {OPTION_WHOLE, "seconds", "N", "that --record takes (5)", &out->seconds, 1, 86400},
        {OPTION_FLAG, "headless", NULL, "open no window", &out->headless, 0, 0},
        {OPTION_TEXT, "size", "WxH", "in points (1280x720)", &out->size, 0, 0},
        {OPTION_WHOLE, "scale", "PERCENT", "pixels per 100 points (the display's, or 100)", &out->scale, 50, 400},
        {OPTION_TEXT, "palette", "NAME", "light or dark (as last time, or light)", &out->palette, 0, 0},
        {OPTION_FLAG, "clear", NULL, "pictures without names and panels", &out->clear, 0, 0},
        {OPTION_TEXT, "select", "ASSET", "that is selected at first", &out->select, 0, 0},
        {OPTION_WHOLE, "ghost", "SECONDS", "ahead: draw the forecast beside the present (as last time, or none)", &out->ghost, 0, 1000000},
        {OPTION_SPEED, "speed", "N", "N times real time, or max (1)", &out->speed, 0, 0},
        {OPTION_WHOLE, "after", "SECONDS", "of plant time that go by first, as fast as they can", &out->after, 0, 10 * 86400},
        {OPTION_LIST, "fault", "FAULT", "something that goes wrong, see `pollux emulate --help`; may be repeated", &out->faults, 0, 0},
        {OPTION_FLAG, "no-faults", NULL, "leave out the faults of the script", &out->no_faults, 0, 0},
        {OPTION_WHOLE, "seed", "N", "of the emulated plant's noise (1)", &out->seed, 0, INT32_MAX},
    };
    return options_parse(&subcommand, options, sizeof options / sizeof *options, argc, argv);
}

static bool is_hidden(const Show *show)
{
    return show->headless || show->screenshot || show->record;
}

static bool is_address(const char *source)
{
    return strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
}

/* What a window remembers; pictures remember nothing, and are the same for everybody. */
static void recall(Show *show)
{
    ErrText why;
    settings_default(&show->settings);
    if (is_hidden(show))
        return;
    Err err = settings_path(show->settings_path, sizeof show->settings_path, &why);
    if (!err)
        err = settings_load(show->settings_path, &show->settings, &why);
    if (err)
        log_write(LOG_WARNING, "view", "%s", why.text);
}

static Err read_size(const char *text, Settings *out, ErrText *why)
{
    char end;
    int width, height;
    if (sscanf(text, "%dx%d%c", &width, &height, &end) != 2 || width < 64 || height < 64 || width > 8192 || height > 8192)
        return err_set(why, ERR_USAGE, "view: --size wants width and height, 64 to 8192, as in 1280x720, got \"%s\"", text);
    out->width = width;
    out->height = height;
    return ERR_OK;
}

static Err check_options(Show *show, ErrText *why)
{
    recall(show);
    Settings *settings = &show->settings;
    if (show->size && read_size(show->size, settings, why))
        return ERR_USAGE;
    if (show->palette && !palette_parse(show->palette, &settings->palette))
        return err_set(why, ERR_USAGE, "view: --palette: expected light or dark, got \"%s\"", show->palette);
    if (show->screenshot && show->record)
        return err_set(why, ERR_USAGE, "view: --screenshot takes one picture, --record many: choose one");
    if (show->ghost >= 0)
        settings->horizon = (double)show->ghost;
    if (show->scale > 0 || is_hidden(show))
        settings->scale = show->scale > 0 ? (double)show->scale / 100 : 1;

    if (!show->source && !*settings->server)
        return err_set(why, ERR_USAGE, "view: expected a plant script, or the address of a server as in http://localhost:8080");
    if (!show->source)
        show->source = settings->server;
    else if (is_address(show->source))
        snprintf(settings->server, sizeof settings->server, "%s", show->source);
    if (is_address(show->source) && (show->after || show->faults.count || show->no_faults))
        return err_set(why, ERR_USAGE, "view: --after, --fault and --no-faults go with a plant script, not with a server");
    return ERR_OK;
}

static Err open_source(Show *show, Source *out, ErrText *why)
{
    if (is_address(show->source)) {
        const Err err = token_read(show->token_file, show->token, why);
        const FeedRemoteDef remote = {.url = show->source, .token = *show->token ? show->token : NULL, .ca = show->ca};
        return err ? err : feed_remote_open(&remote, out, why);
    }
    show->begin = clock_system.utc_ns(clock_system.self);
    const LocalDef local = {.plant = show->source, .speed = show->speed, .hurry = (double)show->after, .begin = show->begin, .seed = (uint64_t)show->seed, .no_faults = show->no_faults,
                            .faults = show->faults.items, .fault_count = show->faults.count};
    return local_open(&local, out, why);
}

// --- pictures ------------------------------------------------------------------------------------------------------

/* Until the plant has come as far as the pictures begin, with all that is asked for. */
static Err wait_for_world(const Show *show, View *view, ErrText *why)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + PATIENCE_S * NS_PER_S;
    while (!stop_asked && clock_system.elapsed_ns(clock_system.self) < until) {
        view_step(view, 0);
        const World *world = &view->world;
        const bool ready = world->time != TIME_NONE && (view->horizon <= 0 || world->ghost_time != TIME_NONE);
        if (ready && (double)(world->time - show->begin) >= ((double)show->after - 2 * world->step) * (double)NS_PER_S)
            return ERR_OK;
        clock_system.sleep_ns(clock_system.self, NS_PER_MS);
    }
    return err_set(why, ERR_IO, "there was nothing to show within %d s: %s", PATIENCE_S, *view->world.notice ? view->world.notice : "the plant did not come so far");
}

static Err select_asset(const Show *show, View *view, ErrText *why)
{
    if (!show->select)
        return ERR_OK;
    const int64_t asset = world_find(&view->world, show->select);
    if (asset == WORLD_NOBODY)
        return err_set(why, ERR_UNKNOWN, "view: --select: there is no asset \"%s\"", show->select);
    view_select(view, asset);
    view_fly_to(view, asset);
    camera_settle(&view->camera);
    return ERR_OK;
}

static Err take_pictures(const Show *show, View *view, ErrText *why)
{
    Err err = wait_for_world(show, view, why);
    if (!err)
        err = select_asset(show, view, why);
    if (!err && show->screenshot) {
        view_touch(view);
        view_frame(view, 0);
        return surface_save(view->surface, show->screenshot, why);
    }

    const long count = show->record ? show->seconds * PICTURE_RATE : 0;
    if (!err && show->record && mkdir(show->record, 0777) && errno != EEXIST)
        err = err_set(why, ERR_IO, "%s: %s", show->record, strerror(errno));
    for (long i = 0; i < count && !err && !stop_asked; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%05ld.png", show->record, i);
        view_touch(view);
        view_frame(view, 1.0 / PICTURE_RATE);
        err = surface_save(view->surface, path, why);
    }
    return err;
}

// --- a window ------------------------------------------------------------------------------------------------------

static Err stay(const Show *show, View *view, ErrText *why)
{
    int64_t before = clock_system.elapsed_ns(clock_system.self);
    bool selected = false;
    Err err = ERR_OK;
    while (!stop_asked && !err) {
        const int64_t now = clock_system.elapsed_ns(clock_system.self);
        if (!view_frame(view, (double)(now - before) / (double)NS_PER_S))
            break;
        before = now;
        if (!selected && view->world.asset_count > 0) {
            err = select_asset(show, view, why);
            selected = true;
        }
        // a window that shows nothing new leaves the processor alone
        if (!view->touched)
            clock_system.sleep_ns(clock_system.self, 4 * NS_PER_MS);
    }
    return err;
}

/* The console goes before the view, which has the context that its letters live in. */
static Err run(Show *show, Source source, ErrText *why)
{
    const Settings *settings = &show->settings;
    const ConsoleDef console_def = {.settings = *settings, .settings_path = *show->settings_path ? show->settings_path : NULL, .bare = is_hidden(show)};
    Console *console = NULL;
    View *view = NULL;
    Err err = show->clear ? ERR_OK : console_create(&console_def, &console, why);
    const ViewDef def = {.surface = {.title = "Pollux", .width = settings->width, .height = settings->height, .scale = (float)settings->scale, .hidden = is_hidden(show)},
                         .source = source, .overlay = console ? console_overlay(console) : (Overlay){0}, .palette = settings->palette};
    if (!err)
        err = view_create(&def, &view, why);
    if (!err) {
        view->horizon = settings->horizon;
        err = is_hidden(show) ? take_pictures(show, view, why) : stay(show, view, why);
    }
    if (console)
        console_destroy(console, view);
    view_destroy(view);
    return err;
}

int show(int argc, char **argv)
{
    Show options;
    ErrText why;
    const OptionResult parsed = read_options(argc, argv, &options);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (check_options(&options, &why))
        return subcommand_fail(EXIT_USAGE, &why);

    stop_on_signals();
    Source source = {0};
    Err err = open_source(&options, &source, &why);
    if (!err) {
        err = run(&options, source, &why);
        source.type->close(source.self);
    }
    return err ? subcommand_fail(EXIT_FAILED, &why) : EXIT_DONE;
}
