#include "viewer/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/commands.h"
#include "view/console.h"
#include "viewer/far.h"
#include "viewer/local.h"

enum { PICTURE_RATE = 30, PATIENCE_S = 120 };  // frames a second of what is recorded; how long a first picture may take
static const int64_t ANSWERS_S = 30;  // how long it waits for charts

static int run_show(int argc, char **argv)
{
    return show(argc, argv);
}

static const Subcommand subcommand = {
    "view", "show a plant in three dimensions",
    "SOURCE is the address of a server (http://localhost:8080), or a plant script, which then runs in this process with an emulated plant\n"
    "beside it. Without SOURCE it is the server that was looked at last. Keys and mouse: docs/visualizer.md, or F1 in the window.\n"
    "With --screenshot or --record nothing is opened on the screen: pictures need no display, only Mesa.",
    run_show};

typedef struct Show {
    const char *source, *screenshot, *record, *size, *palette, *select;
    const char *token_file, *user, *ca;
    double speed;
    long after, seconds, ghost, scale, seed;
    bool headless, no_faults, bare;
    OptionList faults;
    int64_t begin;      // plant time at which a plant inside begins; TIME_NONE: it runs elsewhere
    Settings settings;  // remembered, and what was typed instead
    char settings_path[1024];
} Show;

static OptionResult read_options(int argc, char **argv, Show *out)
{
    *out = (Show){.speed = 1, .seconds = 5, .seed = 1, .ghost = -1, .begin = TIME_NONE};
    const Option options[] = {
        {OPTION_OPERAND_MAYBE, "SOURCE", NULL, "a server, or a plant script", &out->source, 0, 0},
        {OPTION_TEXT, "token-file", "FILE", "of a server: a token that lets one in ($POLLUX_TOKEN)", &out->token_file, 0, 0},
        {OPTION_TEXT, "user", "NAME", "of a server: log in by this name; the password is asked for", &out->user, 0, 0},
        {OPTION_TEXT, "ca", "FILE", "of https://: whose certificates are trusted (PEM; those of this machine)", &out->ca, 0, 0},
        {OPTION_TEXT, "screenshot", "FILE", "write one picture (PNG) and end", &out->screenshot, 0, 0},
        {OPTION_TEXT, "record", "FOLDER", "write numbered pictures, 30 for each second, and end", &out->record, 0, 0},
        {OPTION_WHOLE, "seconds", "N", "that --record takes (5)", &out->seconds, 1, 86400},
        {OPTION_FLAG, "headless", NULL, "open no window", &out->headless, 0, 0},
        {OPTION_TEXT, "size", "WxH", "in points (as it was last, or 1280x720)", &out->size, 0, 0},
        {OPTION_WHOLE, "scale", "PERCENT", "pixels per 100 points (as it was last, or the display's)", &out->scale, 50, 400},
        {OPTION_TEXT, "palette", "NAME", "light or dark (as it was last, or light)", &out->palette, 0, 0},
        {OPTION_TEXT, "select", "ASSET", "that is selected at first", &out->select, 0, 0},
        {OPTION_WHOLE, "ghost", "SECONDS", "ahead: draw the forecast beside the present", &out->ghost, 0, 604800},
        {OPTION_FLAG, "bare", NULL, "the scene, its labels and what is selected, without bars", &out->bare, 0, 0},
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

static Err read_size(const char *text, Settings *out, ErrText *why)
{
    char end;
    if (sscanf(text, "%dx%d%c", &out->width, &out->height, &end) == 2 && out->width >= 64 && out->height >= 64 && out->width <= 8192 && out->height <= 8192)
        return ERR_OK;
    return err_set(why, ERR_USAGE, "view: --size wants width and height, 64 to 8192, as in 1280x720, got \"%s\"", text);
}

/* Pictures are the same on every machine, so nothing that is remembered counts for them. */
static void remember(Show *show)
{
    ErrText why;
    settings_default(&show->settings);
    if (is_hidden(show))
        return;
    if (settings_path(show->settings_path, sizeof show->settings_path, &why) || settings_load(show->settings_path, &show->settings, &why))
        log_write(LOG_WARNING, "view", "%s", why.text);
}

static Err check_options(Show *show, ErrText *why)
{
    Settings *settings = &show->settings;
    remember(show);
    if (show->size && read_size(show->size, settings, why))
        return ERR_USAGE;
    if (show->palette && !palette_parse(show->palette, &settings->palette))
        return err_set(why, ERR_USAGE, "view: --palette: expected light or dark, got \"%s\"", show->palette);
    if (show->screenshot && show->record)
        return err_set(why, ERR_USAGE, "view: --screenshot takes one picture, --record many: choose one");
    if (show->headless && !show->screenshot && !show->record)
        return err_set(why, ERR_USAGE, "view: --headless opens no window, so it goes with --screenshot FILE or --record FOLDER");
    if (show->scale > 0)
        settings->scale = (double)show->scale / 100;
    if (show->ghost >= 0)
        settings->horizon = (double)show->ghost;
    show->source = show->source ? show->source : settings->server;
    if (!*show->source)
        return err_set(why, ERR_USAGE, "view: expected SOURCE: the address of a server (http://localhost:8080) or a plant script");
    if (far_is_meant(show->source))
        snprintf(settings->server, sizeof settings->server, "%s", show->source);
    return ERR_OK;
}

// --- pictures ------------------------------------------------------------------------------------------------------

/* Until the plant has come as far as the pictures begin, with all that is asked for. */
static Err wait_for_world(const Show *show, View *view, ErrText *why)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + PATIENCE_S * NS_PER_S;
    bool told = false;
    while (!stop_asked && clock_system.elapsed_ns(clock_system.self) < until) {
        view_step(view, 0);
        const World *world = &view->world;
        const bool ready = world->time != TIME_NONE && (view->horizon <= 0 || world->ghost_time != TIME_NONE);
        if (world->mode == WORLD_OFFLINE && *world->notice && !told) {
            log_write(LOG_WARNING, "view", "%s; waiting for %d s", world->notice, PATIENCE_S);
            told = true;
        }
        if (ready && (show->begin == TIME_NONE || (double)(world->time - show->begin) >= ((double)show->after - 2 * world->step) * (double)NS_PER_S))
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

/* What was asked of the source: a picture has the whole of it. */
static void wait_for_answers(const Console *console, View *view)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + ANSWERS_S * NS_PER_S;
    do {
        view_touch(view);
        view_frame(view, 0);
        clock_system.sleep_ns(clock_system.self, NS_PER_MS);
    } while (!stop_asked && console_is_waiting(console, view) && clock_system.elapsed_ns(clock_system.self) < until);
}

static Err take_pictures(const Show *show, View *view, const Console *console, ErrText *why)
{
    Err err = wait_for_world(show, view, why);
    if (!err)
        err = select_asset(show, view, why);
    if (!err)
        wait_for_answers(console, view);
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

// --- both ----------------------------------------------------------------------------------------------------------

static Err open_source(Show *show, Source *out, ErrText *why)
{
    if (far_is_meant(show->source))
        return far_open(&(FarDef){.url = show->source, .token_file = show->token_file, .user = show->user, .ca = show->ca}, out, why);
    show->begin = clock_system.utc_ns(clock_system.self);
    const LocalDef local = {.plant = show->source, .speed = show->speed, .hurry = (double)show->after, .begin = show->begin, .seed = (uint64_t)show->seed, .no_faults = show->no_faults,
                            .faults = show->faults.items, .fault_count = show->faults.count};
    return local_open(&local, out, why);
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
    Console *console = NULL;
    View *view = NULL;
    const Settings *settings = &options.settings;
    const ConsoleDef over = {.settings = *settings, .settings_path = options.settings_path, .bare = options.bare};
    Err err = open_source(&options, &source, &why);
    if (!err)
        err = console_create(&over, &console, &why);
    if (!err) {
        const float scale = settings->scale > 0 ? (float)settings->scale : is_hidden(&options) ? 1 : 0;
        const double pixels = is_hidden(&options) ? (double)scale : 1;  // of what nobody sees, a size is in pixels
        const ViewDef def = {.surface = {.title = "Pollux", .width = (int)(settings->width * pixels), .height = (int)(settings->height * pixels), .scale = scale, .hidden = is_hidden(&options)},
                             .source = source, .overlay = console_overlay(console), .palette = settings->palette};
        err = view_create(&def, &view, &why);
    }
    if (!err) {
        view->horizon = settings->horizon;
        err = is_hidden(&options) ? take_pictures(&options, view, console, &why) : stay(&options, view, &why);
    }
    console_destroy(console, view);
    view_destroy(view);
    if (source.type)
        source.type->close(source.self);
    return err ? subcommand_fail(EXIT_FAILED, &why) : EXIT_DONE;
}
