/* A window on a server that is a process of its own: what comes, what is asked, and what is left when it is killed. The window is hidden, all else is as it
 * is for a person. Waits are for facts, with patience. */
#include <math.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/peer.h"
#include "view/console.h"
#include "view/feed_remote.h"
#include "view/screen.h"

enum { PATIENCE_S = 60 };

static const char model[] =
    "return model \"tank\" {\n"
    "  params = { area = { 2, \"m^2\" } },\n"
    "  inputs = { inflow = { 1e-3, \"m^3/s\", min = 0, max = 1 } },\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 1e-3, sd = 0.01 } },\n"
    "  equations = function(t) t.level.rate = (t.inflow - quantity(1e-3, \"m^3/s\")) / t.area end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 } },\n"
    "  actuators = { inflow_order = { 1e-3, \"m^3/s\", min = 0, max = 1 } },\n"
    "  alarms = { low = { low = { \"level\", 5 }, severity = \"warning\" } },\n"
    "}\n";
static const char plant[] = "return plant \"works\" { step = 0.5, clock = \"provider\", record = 0.5, assets = { tank_1 = { \"tank\" }, tank_2 = { \"tank\" } } }\n";

typedef struct Path {
    char text[512];
} Path;

typedef struct Site {
    Screen screen;  // first: it keeps the driver
    Path plant, history, url;
    int port;
    Peer server, device;
    Source source;
    Console *console;
    View *view;
} Site;

static Path in_folder(const char *name)
{
    Path path;
    snprintf(path.text, sizeof path.text, "%s/%s", kit_folder(), name);
    return path;
}

static Path write_file(const char *name, const char *text)
{
    const Path path = in_folder(name);
    FILE *file = fopen(path.text, "w");
    ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
    return path;
}

static void nap(void)
{
    clock_system.sleep_ns(clock_system.self, 10 * NS_PER_MS);
}

static void start_server(Site *site, const char *access, const char *file)
{
    char port[16];
    snprintf(port, sizeof port, "%d", site->port);
    site->server = peer_start((const char *const[]){POLLUX_PROGRAM, "serve", site->plant.text, "--port", port, "--speed", "20", "--codegen", "off", "--history", site->history.text, access, file, NULL});
}

/* It says nothing by itself that could be waited for: it comes when it can. */
static void start_device(Site *site)
{
    char line[2048];
    snprintf(line, sizeof line, "echo begun; exec %s emulate %s --url ws://localhost:%d --quiet 2>/dev/null", POLLUX_PROGRAM, site->plant.text, site->port);
    site->device = peer_start((const char *const[]){"/bin/sh", "-c", line, NULL});
}

static void open_site(Site *site)
{
    *site = (Site){.port = peer_free_port()};
    screen_open(&site->screen);
    write_file("tank.lua", model);
    site->plant = write_file("works.lua", plant);
    site->history = in_folder("works.db");
}

static void open_window(Site *site, const char *token)
{
    ErrText why = {""};
    ConsoleDef over = {.settings_path = NULL};
    settings_default(&over.settings);
    snprintf(site->url.text, sizeof site->url.text, "http://localhost:%d", site->port);
    const FeedRemoteDef feed = {.url = site->url.text, .token = token, .retry_first_ns = 50 * NS_PER_MS, .retry_most_ns = 500 * NS_PER_MS};
    ck_assert_msg(feed_remote_open(&feed, &site->source, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(console_create(&over, &site->console, &why) == ERR_OK, "%s", why.text);
    const ViewDef def = {.surface = {.width = 640, .height = 400, .scale = 1, .hidden = true}, .source = site->source, .overlay = console_overlay(site->console)};
    ck_assert_msg(view_create(&def, &site->view, &why) == ERR_OK, "%s", why.text);
}

static void close_site(Site *site)
{
    console_destroy(site->console, site->view);
    view_destroy(site->view);
    site->source.type->close(site->source.self);
    if (site->device.pid)
        peer_kill(&site->device);
    peer_kill(&site->server);
}

/* Frames until something is so. */
static int frames_until(Site *site, bool (*is_so)(const Site *), const char *what)
{
    const int64_t end = clock_system.elapsed_ns(clock_system.self) + PATIENCE_S * NS_PER_S;
    int count = 0;
    for (; !is_so(site); count++) {
        ck_assert_msg(clock_system.elapsed_ns(clock_system.self) < end, "not within %d s: %s; the window says \"%s\"", PATIENCE_S, what, site->view->world.notice);
        ck_assert(view_frame(site->view, 0.02));
        nap();
    }
    return count;
}

static const WorldValue *level(const Site *site)
{
    const World *world = &site->view->world;
    const int64_t tank = world_find(world, "tank_1");
    return tank == WORLD_NOBODY ? NULL : world_value(world, (uint32_t)tank, world_channel(world_model(world, (uint32_t)tank), "level"));
}

static bool is_live(const Site *site)
{
    return site->view->world.mode == WORLD_LIVE && level(site) && isfinite(level(site)->value) && isfinite(level(site)->measured) && site->view->world.can;
}

static bool is_offline(const Site *site)
{
    return site->view->world.mode == WORLD_OFFLINE;
}

static bool has_history(const Site *site)
{
    const World *world = &site->view->world;
    return world->history_from != TIME_NONE && world->history_to > world->history_from + 20 * NS_PER_S;
}

static bool is_past(const Site *site)
{
    return site->view->world.mode == WORLD_PAST;
}

/* The next answer of a kind, from the source itself: the console would take it. */
static Answer await_answer(Site *site, uint64_t ticket)
{
    const int64_t end = clock_system.elapsed_ns(clock_system.self) + PATIENCE_S * NS_PER_S;
    ck_assert_uint_ne(ticket, 0);
    while (clock_system.elapsed_ns(clock_system.self) < end) {
        Answer answer;
        site->source.type->poll(site->source.self, &site->view->world);
        while (site->source.type->take(site->source.self, &answer)) {
            if (answer.ticket == ticket)
                return answer;
            answer_fini(&answer);
        }
        nap();
    }
    ck_abort_msg("no answer within %d s", PATIENCE_S);
}

// --- the tests -----------------------------------------------------------------------------------------------------

START_TEST(a_server_that_is_killed_is_told_of_kept_and_found_again)
{
    Site site;
    open_site(&site);
    start_server(&site, NULL, NULL);
    start_device(&site);
    open_window(&site, NULL);
    frames_until(&site, is_live, "live");
    view_select(site.view, 0);
    const World *world = &site.view->world;
    const uint64_t shape = world->shape;

    // killed in mid-stream: it is said, and what was known last stays
    peer_kill(&site.server);
    frames_until(&site, is_offline, "offline");
    const int64_t time = world->time;
    const double value = level(&site)->value;
    ck_assert_msg(strstr(world->notice, site.url.text) && strstr(world->notice, "by itself"), "%s", world->notice);
    ck_assert(isfinite(value));
    ck_assert_uint_eq(world->asset_count, 2);
    ck_assert_uint_eq(world->can, 0);
    ck_assert_str_eq(panel_why_not(world, WORLD_CAN_COMMAND), "the server does not answer: this is the last that is known");

    // the window goes on meanwhile: frames are drawn, and a key does what it does
    for (int i = 0; i < 20; i++) {
        SDL_Event key = {.key = {.type = SDL_KEYDOWN, .keysym = {.sym = SDLK_n}}};
        const int64_t before = site.view->selected;
        SDL_PushEvent(&key);
        ck_assert(view_frame(site.view, 0.02));
        ck_assert_int_ne(site.view->selected, before);
    }
    ck_assert_int_eq(world->time, time);
    ck_assert_double_eq(level(&site)->value, value);

    // it comes back at the same place, and so does the window, with what was selected
    view_select(site.view, 1);
    start_server(&site, NULL, NULL);
    frames_until(&site, is_live, "live again");
    ck_assert_uint_eq(world->shape, shape);
    ck_assert_int_eq(site.view->selected, 1);
    ck_assert_int_ge(world->time, time - 10 * NS_PER_S);
    ck_assert_str_eq(world->notice, "");
    close_site(&site);
}
END_TEST

/* More water comes in than before, so there is more in it at the end: by (0.01 - 0.001) m3/s over 60 s on 2 m2, 0.27 m. */
static void check_what_if(Site *site, uint32_t tank, uint16_t channel)
{
    const uint16_t inflow = world_channel(world_model(&site->view->world, tank), "inflow");
    const WhatIf change = {.asset = tank, .channel = inflow, .value = 0.01};
    Answer answer = await_answer(site, site->source.type->forecast(site->source.self, &(ForecastAsk){tank, &channel, 1, &change, 1, 60}));
    ck_assert_msg(!answer.failed, "%s", answer.text);
    ck_assert_uint_eq(answer.series_count, 2);
    const WorldSeries *base = &answer.series[0], *other = &answer.series[1];
    ck_assert(!base->whatif && other->whatif);
    ck_assert_uint_eq(base->count, other->count);
    ck_assert_double_eq_tol(other->values[other->count - 1] - base->values[base->count - 1], 0.27, 0.01);
    ck_assert_double_le(base->low[base->count - 1], base->values[base->count - 1]);
    ck_assert_double_ge(base->high[base->count - 1], base->values[base->count - 1]);
    ck_assert_int_eq(base->times[base->count - 1] - base->times[0], 60 * NS_PER_S);
    answer_fini(&answer);
}

static void check_command(Site *site, uint32_t tank)
{
    const uint16_t order = world_channel(world_model(&site->view->world, tank), "inflow_order");
    Answer dry = await_answer(site, site->source.type->command(site->source.self, tank, order, 0.003, true));
    ck_assert_msg(!dry.failed && strstr(dry.text, "would"), "%s", dry.text);
    Answer answer = await_answer(site, site->source.type->command(site->source.self, tank, order, 0.002, false));
    ck_assert_int_eq(answer.kind, ANSWER_COMMANDED);
    ck_assert_msg(!answer.failed && strcmp(answer.text, "done") == 0, "%s", answer.text);
    answer = await_answer(site, site->source.type->command(site->source.self, tank, order, 7, false));
    ck_assert(answer.failed);
    ck_assert_msg(strstr(answer.text, "1") != NULL, "%s", answer.text);  // the largest that it may be
}

static void check_acknowledge(Site *site)
{
    const World *world = &site->view->world;
    ck_assert_uint_ge(world->alarm_count, 1);
    const uint64_t id = world->alarms[0].id;
    Answer answer = await_answer(site, site->source.type->acknowledge(site->source.self, id, "seen"));
    ck_assert_msg(!answer.failed, "%s", answer.text);
    answer = await_answer(site, site->source.type->acknowledge(site->source.self, 4711, ""));
    ck_assert(answer.failed);
}

START_TEST(what_is_asked_is_answered)
{
    Site site;
    open_site(&site);
    start_server(&site, NULL, NULL);
    start_device(&site);
    open_window(&site, NULL);
    frames_until(&site, is_live, "live");
    frames_until(&site, has_history, "a history");
    const uint32_t tank = (uint32_t)world_find(&site.view->world, "tank_1");
    const uint16_t channel = world_channel(world_model(&site.view->world, tank), "level");
    check_what_if(&site, tank, channel);
    check_command(&site, tank);
    check_acknowledge(&site);

    // the past is shown as the history has it
    const int64_t then = site.view->world.history_from + 10 * NS_PER_S;
    Answer answer = await_answer(&site, site.source.type->series(site.source.self, &(SeriesAsk){tank, channel, then - NS_PER_S, then, 100}));
    ck_assert_uint_eq(answer.series_count, 1);
    ck_assert_uint_gt(answer.series[0].count, 0);
    const double kept = answer.series[0].values[answer.series[0].count - 1];
    answer_fini(&answer);
    timeline_show(&site.console->timeline, site.view, WORLD_PAST, then);
    frames_until(&site, is_past, "the past");
    ck_assert_int_eq(site.view->world.time, then);
    ck_assert_double_eq(level(&site)->value, kept);
    timeline_show(&site.console->timeline, site.view, WORLD_LIVE, TIME_NONE);
    frames_until(&site, is_live, "live again");
    ck_assert_int_gt(site.view->world.time, then);
    close_site(&site);
}
END_TEST

/* A token, as the command prints it. */
static Path make_token(const char *access, const char *what)
{
    Path token = {""};
    char line[1024];
    snprintf(line, sizeof line, "%s token create %s --access %s", POLLUX_PROGRAM, what, access);
    FILE *said = popen(line, "r");
    ck_assert(said != NULL);
    while (fgets(line, sizeof line, said))
        if (strstr(line, "plx_"))
            snprintf(token.text, sizeof token.text, "%.*s", (int)strcspn(strstr(line, "plx_"), "\n"), strstr(line, "plx_"));
    ck_assert_int_eq(pclose(said), 0);
    ck_assert_int_ne(token.text[0], 0);
    return token;
}

static bool is_refused(const Site *site)
{
    return strstr(site->view->world.notice, "--token-file") != NULL;
}

static bool has_rights(const Site *site)
{
    return site->view->world.can != 0;
}

START_TEST(who_is_not_known_is_told_what_to_do_and_a_viewer_may_look_and_no_more)
{
    Site site;
    open_site(&site);
    const Path access = in_folder("access.json"), token = make_token(access.text, "window --role viewer"), key = make_token(access.text, "rig --provide '*' --actuate '*'");
    start_server(&site, "--access", access.text);
    open_window(&site, NULL);
    frames_until(&site, is_refused, "to be refused");
    ck_assert_int_eq(site.view->world.mode, WORLD_OFFLINE);
    close_site(&site);

    start_server(&site, "--access", access.text);
    setenv("POLLUX_TOKEN", key.text, 1);  // the device's
    start_device(&site);
    open_window(&site, token.text);
    frames_until(&site, has_rights, "the rights of a viewer");
    ck_assert_uint_eq(site.view->world.asset_count, 2);
    ck_assert_uint_eq(site.view->world.can, WORLD_CAN_FORECAST | WORLD_CAN_LOOK_BACK);
    Answer answer = await_answer(&site, site.source.type->command(site.source.self, 0, world_channel(world_model(&site.view->world, 0), "inflow_order"), 0.002, false));
    ck_assert(answer.failed);
    ck_assert_msg(strstr(answer.text, "command") != NULL, "%s", answer.text);
    close_site(&site);
}
END_TEST

START_TEST(a_token_does_not_go_over_a_network_in_the_clear)
{
    Source source;
    ErrText why = {""};
    ck_assert_int_eq(feed_remote_open(&(FeedRemoteDef){.url = "http://plant.example.org:8080", .token = "plx_x"}, &source, &why), ERR_DENIED);
    ck_assert_msg(strstr(why.text, "https://"), "%s", why.text);
    ck_assert_int_eq(feed_remote_open(&(FeedRemoteDef){.url = "ftp://localhost"}, &source, &why), ERR_USAGE);
    ck_assert_msg(strstr(why.text, "http://HOST:PORT"), "%s", why.text);
}
END_TEST

KIT_MAIN("viewer.far", a_server_that_is_killed_is_told_of_kept_and_found_again, what_is_asked_is_answered, who_is_not_known_is_told_what_to_do_and_a_viewer_may_look_and_no_more,
         a_token_does_not_go_over_a_network_in_the_clear)
