/* A person at the window: real events of mouse and keys go through SDL into the running loop, and selection, camera, time and the source tell what they did.
 * Nothing is on a screen; the driver is "offscreen". */
#include <math.h>

#include "kit/kit.h"
#include "made.h"
#include "screen.h"
#include "view/console.h"

enum { WIDTH = 960, HEIGHT = 600, ASSETS = 12 };
static const int64_t NOON = INT64_C(1611316800) * NS_PER_S;  // 2021-01-22T12:00:00Z

// --- a source that remembers what it was asked ---------------------------------------------------------------------

typedef struct Told {
    Made made;
    WorldMode mode;
    int64_t time;         // that was wished to be shown
    int shows;
    uint64_t acknowledged, ticket;
    bool dry;
    uint32_t commanded;   // asset
    uint16_t channel;
    double value;
    int commands, forecasts, series;
    Answer answer;        // the next one
    bool answered;
    unsigned can;
} Told;

static void add_alarm(World *world)
{
    WorldAlarm *alarm = &world->alarms[0];
    *alarm = (WorldAlarm){.id = 77, .asset = 3, .severity = 2, .active = true, .raised = NOON - 60 * NS_PER_S, .name = "full", .text = "it is full"};
    world->alarm_count = 1;
    world->assets[3].severity = 2;
    world->assets[3].health = ASSET_ALARM;
    world->assets[3].unacknowledged = true;
}

static bool told_poll(void *self, World *world)
{
    Told *told = self;
    const int64_t time = told->mode == WORLD_PAST ? told->time : NOON;
    if (!made_poll(&told->made, world) && world->mode == told->mode && world->can == told->can && world->time == time)
        return false;
    if (world->alarm_count == 0)
        add_alarm(world);
    world->can = told->can;
    world->mode = told->mode;
    world->history_from = NOON - 3600 * NS_PER_S;
    world->history_to = NOON;
    world->time = time;
    world->step = 1;
    world->revision++;
    return true;
}

static bool told_take(void *self, Answer *out)
{
    Told *told = self;
    *out = told->answer;
    const bool answered = told->answered;
    told->answered = false;
    return answered;
}

static void told_show(void *self, WorldMode mode, int64_t time)
{
    Told *told = self;
    told->mode = mode;
    told->time = time;
    told->shows++;
}

static uint64_t told_series(void *self, const SeriesAsk *ask)
{
    Told *told = self;
    (void)ask;
    told->series++;
    return ++told->ticket;
}

static uint64_t told_forecast(void *self, const ForecastAsk *ask)
{
    Told *told = self;
    told->forecasts++;
    told->value = ask->change_count > 0 ? ask->changes[0].value : NAN;
    return ++told->ticket;
}

static uint64_t told_acknowledge(void *self, uint64_t alarm, const char *comment)
{
    (void)comment;
    ((Told *)self)->acknowledged = alarm;
    return ++((Told *)self)->ticket;
}

static uint64_t told_command(void *self, uint32_t asset, uint16_t channel, double value, bool dry)
{
    Told *told = self;
    told->dry = dry;
    told->commanded = asset;
    told->channel = channel;
    told->value = value;
    told->commands++;
    return ++told->ticket;
}

static const SourceType told_source = {.name = "told", .poll = told_poll, .take = told_take, .show = told_show, .series = told_series, .forecast = told_forecast,
                                       .acknowledge = told_acknowledge, .command = told_command};

// --- the window ----------------------------------------------------------------------------------------------------

typedef struct Stand {
    Screen screen;  // first: it keeps the driver
    Told told;
    Console *console;
    View *view;
    char settings_path[512];
} Stand;

static void open_stand(Stand *stand, double scale)
{
    ErrText why = {""};
    *stand = (Stand){.told = {.made = {.count = ASSETS}, .can = WORLD_CAN_ACKNOWLEDGE | WORLD_CAN_COMMAND | WORLD_CAN_FORECAST | WORLD_CAN_LOOK_BACK}};
    screen_open(&stand->screen);
    ConsoleDef over = {.settings_path = stand->settings_path};
    snprintf(stand->settings_path, sizeof stand->settings_path, "%s/view.json", kit_folder());
    settings_default(&over.settings);
    ck_assert_msg(console_create(&over, &stand->console, &why) == ERR_OK, "%s", why.text);
    const ViewDef def = {.surface = {.width = WIDTH, .height = HEIGHT, .scale = (float)scale, .hidden = true}, .source = {&told_source, &stand->told}, .overlay = console_overlay(stand->console)};
    ck_assert_msg(view_create(&def, &stand->view, &why) == ERR_OK, "%s", why.text);
    stand->view->camera.smooth = 0;
    for (int i = 0; i < 3; i++)
        ck_assert(view_frame(stand->view, 0.02));
}

static void close_stand(Stand *stand)
{
    console_destroy(stand->console, stand->view);
    view_destroy(stand->view);
}

/* What was pushed is taken in the next frame; what that changes is drawn in the one behind it. */
static void frames(Stand *stand, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert(view_frame(stand->view, 0.02));
}

static void push(SDL_Event event)
{
    ck_assert_int_eq(SDL_PushEvent(&event), 1);
}

static void move_to(float x, float y)
{
    push((SDL_Event){.motion = {.type = SDL_MOUSEMOTION, .x = (int)x, .y = (int)y}});
}

static void button(Uint32 type, Uint8 number, Uint8 clicks, float x, float y)
{
    push((SDL_Event){.button = {.type = type, .button = number, .clicks = clicks, .x = (int)x, .y = (int)y}});
}

static void click(Stand *stand, float x, float y, Uint8 clicks)
{
    move_to(x, y);
    frames(stand, 1);
    button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_LEFT, clicks, x, y);
    frames(stand, 1);
    button(SDL_MOUSEBUTTONUP, SDL_BUTTON_LEFT, clicks, x, y);
    frames(stand, 2);
}

static void press(Stand *stand, SDL_Keycode key, Uint16 mods)
{
    push((SDL_Event){.key = {.type = SDL_KEYDOWN, .state = SDL_PRESSED, .keysym = {.sym = key, .mod = mods}}});
    frames(stand, 2);
}

static void type_text(Stand *stand, const char *text)
{
    SDL_Event event = {.text = {.type = SDL_TEXTINPUT}};
    snprintf(event.text.text, sizeof event.text.text, "%s", text);
    push(event);
    frames(stand, 2);
}

/* Where the top of an asset is seen, as SDL says where a pointer is. */
static Spot seen_at(const Stand *stand, uint32_t asset)
{
    const WorldAsset *item = &stand->view->world.assets[asset];
    const float place[3] = {item->at[0], item->at[1], item->at[2] + 0.9F * item->size[2]};
    float out[2];
    ck_assert(lens_project(&stand->view->lens, place, out, NULL));
    int wide, high;
    SDL_GetWindowSize(surface_window(stand->view->surface), &wide, &high);
    return (Spot){out[0] * (float)wide / (float)stand->view->lens.width, out[1] * (float)high / (float)stand->view->lens.height};
}

// --- the tests -----------------------------------------------------------------------------------------------------

START_TEST(a_click_selects_what_is_under_it_at_every_scale)
{
    static const double scales[] = {1, 1.5, 2};
    for (int s = 0; s < 3; s++) {
        Stand stand;
        open_stand(&stand, scales[s]);
        camera_orbit(&stand.view->camera, 0, 1);  // from above nothing hides anything
        camera_settle(&stand.view->camera);
        for (uint32_t asset = 0; asset < ASSETS; asset += 7) {
            view_select(stand.view, WORLD_NOBODY);
            frames(&stand, 1);
            const Spot spot = seen_at(&stand, asset);
            click(&stand, spot.x, spot.y, 1);
            ck_assert_int_eq(stand.view->selected, asset);
            ck_assert_int_eq(stand.view->hovered, asset);
        }
        // the sky is nobody
        press(&stand, SDLK_ESCAPE, 0);
        click(&stand, 20, 80, 1);
        ck_assert_int_eq(stand.view->selected, WORLD_NOBODY);
        close_stand(&stand);
    }
}
END_TEST

START_TEST(a_double_click_flies_there)
{
    Stand stand;
    open_stand(&stand, 1);
    const Spot spot = seen_at(&stand, 4);
    const float before = stand.view->camera.goal.distance;
    click(&stand, spot.x, spot.y, 1);
    click(&stand, spot.x, spot.y, 2);
    const WorldAsset *asset = &stand.view->world.assets[4];
    ck_assert_int_eq(stand.view->selected, 4);
    ck_assert_float_lt(stand.view->camera.goal.distance, before);
    ck_assert_float_eq_tol(stand.view->camera.goal.target[0], asset->at[0], asset->size[0]);
    ck_assert_float_eq_tol(stand.view->camera.goal.target[1], asset->at[1], asset->size[1]);
    close_stand(&stand);
}
END_TEST

/* A drag turns by as much as it is long, and does not select what it ends on. */
START_TEST(a_drag_orbits_and_one_with_the_other_button_pans)
{
    Stand stand;
    open_stand(&stand, 1);
    const CameraPose before = stand.view->camera.goal;
    const Spot spot = seen_at(&stand, 4);
    move_to(spot.x, spot.y);
    button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_LEFT, 1, spot.x, spot.y);
    for (int i = 1; i <= 10; i++)
        move_to(spot.x + 10.0F * (float)i, spot.y);
    button(SDL_MOUSEBUTTONUP, SDL_BUTTON_LEFT, 1, spot.x + 100, spot.y);
    frames(&stand, 2);
    const CameraPose turned = stand.view->camera.goal;
    ck_assert_float_eq_tol(fabsf(turned.yaw - before.yaw), 0.6F, 0.03F);  // 0.006 rad a pixel
    ck_assert_float_eq(turned.target[0], before.target[0]);
    ck_assert_float_eq(turned.distance, before.distance);
    ck_assert_int_eq(stand.view->selected, WORLD_NOBODY);

    button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_RIGHT, 1, 480, 400);
    move_to(540, 400);
    move_to(600, 400);
    button(SDL_MOUSEBUTTONUP, SDL_BUTTON_RIGHT, 1, 600, 400);
    frames(&stand, 2);
    ck_assert_float_eq(stand.view->camera.goal.yaw, turned.yaw);
    ck_assert(stand.view->camera.goal.target[0] != turned.target[0] || stand.view->camera.goal.target[1] != turned.target[1]);
    close_stand(&stand);
}
END_TEST

/* The place under the pointer stays under it. */
START_TEST(the_wheel_zooms_to_the_pointer)
{
    Stand stand;
    open_stand(&stand, 1);
    const float x = 560, y = 380;
    float origin[3], direction[3], place[3], after[2];
    lens_ray(&stand.view->lens, x, y, origin, direction);
    ck_assert(ray_meets_ground(origin, direction, stand.view->camera.goal.target[2], place));
    const float before = stand.view->camera.goal.distance;
    move_to(x, y);
    frames(&stand, 1);
    push((SDL_Event){.wheel = {.type = SDL_MOUSEWHEEL, .y = 2, .preciseY = 2}});
    frames(&stand, 3);
    ck_assert_float_lt(stand.view->camera.goal.distance, before);
    ck_assert(lens_project(&stand.view->lens, place, after, NULL));
    ck_assert_float_eq_tol(after[0], x, 3);
    ck_assert_float_eq_tol(after[1], y, 3);
    close_stand(&stand);
}
END_TEST

/* Half-way along the scrubber is half an hour before noon; the scene shows it, and Space brings back what is now. */
START_TEST(scrubbing_replays_the_past_and_space_lives_again)
{
    Stand stand;
    open_stand(&stand, 1);
    const float y = HEIGHT - 10 - TIMELINE_HEIGHT + 11 + 12;
    move_to(500, y);
    frames(&stand, 1);
    button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_LEFT, 1, 500, y);
    frames(&stand, 2);
    ck_assert_int_eq(stand.told.mode, WORLD_PAST);
    const int64_t first = stand.told.time;
    move_to(700, y);
    frames(&stand, 2);
    const int64_t second = stand.told.time;
    ck_assert_int_gt(second, first);
    ck_assert_int_ge(first, NOON - 3600 * NS_PER_S);
    ck_assert_int_le(second, NOON);
    button(SDL_MOUSEBUTTONUP, SDL_BUTTON_LEFT, 1, 700, y);
    frames(&stand, 2);
    ck_assert_int_eq(stand.view->world.mode, WORLD_PAST);
    ck_assert_int_eq(stand.view->world.time, second);

    // what a pixel is worth follows from two of them; a hand that leaves the bar holds on to its end
    const double per_pixel = (double)(second - first) / 200;
    ck_assert_double_gt(per_pixel, 3600e9 / WIDTH);
    press(&stand, SDLK_COMMA, 0);
    ck_assert_int_eq(stand.told.time, second - 10 * NS_PER_S);
    press(&stand, SDLK_PERIOD, KMOD_LSHIFT);
    ck_assert_int_eq(stand.told.time, second + 110 * NS_PER_S);
    press(&stand, SDLK_SPACE, 0);
    ck_assert_int_eq(stand.told.mode, WORLD_LIVE);
    ck_assert_int_eq(stand.view->world.time, NOON);
    press(&stand, SDLK_SPACE, 0);
    ck_assert_int_eq(stand.view->world.mode, WORLD_PAUSED);
    close_stand(&stand);
}
END_TEST

START_TEST(a_few_letters_and_enter_fly_to_an_asset)
{
    Stand stand;
    open_stand(&stand, 1);
    type_text(&stand, "/");
    ck_assert(stand.console->finder.open);
    type_text(&stand, "pump");
    ck_assert_uint_eq(stand.console->finder.hits.count, ASSETS / 3);
    type_text(&stand, " 7");
    ck_assert_uint_eq(stand.console->finder.hits.count, 1);
    press(&stand, SDLK_RETURN, 0);
    ck_assert(!stand.console->finder.open);
    ck_assert_int_eq(stand.view->selected, 7);

    // letters that were meant for the field did nothing else
    ck_assert_int_eq(stand.told.shows, 0);
    ck_assert(!stand.console->bulletin.open);
    press(&stand, SDLK_f, KMOD_LCTRL);
    ck_assert(stand.console->finder.open);
    press(&stand, SDLK_ESCAPE, 0);
    ck_assert(!stand.console->finder.open);
    close_stand(&stand);
}
END_TEST

START_TEST(keys_do_what_the_help_says)
{
    Stand stand;
    open_stand(&stand, 1);
    press(&stand, SDLK_n, 0);
    ck_assert_int_eq(stand.view->selected, 0);
    press(&stand, SDLK_n, 0);
    ck_assert_int_eq(stand.view->selected, 1);
    press(&stand, SDLK_p, 0);
    press(&stand, SDLK_p, 0);
    ck_assert_int_eq(stand.view->selected, ASSETS - 1);
    press(&stand, SDLK_l, 0);
    ck_assert_int_eq(stand.view->followed, ASSETS - 1);
    press(&stand, SDLK_g, 0);
    ck_assert_double_eq(stand.view->horizon, 60);
    press(&stand, SDLK_g, 0);
    press(&stand, SDLK_g, 0);
    press(&stand, SDLK_g, 0);
    ck_assert_double_eq(stand.view->horizon, 0);
    press(&stand, SDLK_t, 0);
    ck_assert_int_eq(stand.view->palette->kind, PALETTE_DARK);
    press(&stand, SDLK_a, 0);
    ck_assert(stand.console->bulletin.open);
    press(&stand, SDLK_F1, 0);
    ck_assert(stand.console->help);
    press(&stand, SDLK_ESCAPE, 0);
    ck_assert(!stand.console->help && stand.console->bulletin.open);
    type_text(&stand, "?");
    ck_assert(stand.console->help);
    press(&stand, SDLK_ESCAPE, 0);
    const float yaw = stand.view->camera.goal.yaw, distance = stand.view->camera.goal.distance;
    press(&stand, SDLK_LEFT, 0);
    ck_assert_float_ne(stand.view->camera.goal.yaw, yaw);
    press(&stand, SDLK_PLUS, 0);
    ck_assert_float_lt(stand.view->camera.goal.distance, distance);
    press(&stand, SDLK_PLUS, KMOD_LCTRL);
    ck_assert_double_eq_tol(canvas_scale(stand.console->canvas), 1.125, 1e-9);
    press(&stand, SDLK_0, KMOD_LCTRL);
    ck_assert_double_eq(canvas_scale(stand.console->canvas), 1);
    push((SDL_Event){.key = {.type = SDL_KEYDOWN, .keysym = {.sym = SDLK_q, .mod = KMOD_LCTRL}}});
    ck_assert(!view_frame(stand.view, 0.02));
    close_stand(&stand);
}
END_TEST

START_TEST(k_acknowledges_the_alarm_of_who_is_selected_and_only_with_the_right_to)
{
    Stand stand;
    open_stand(&stand, 1);
    view_select(stand.view, 3);
    stand.told.can = WORLD_CAN_LOOK_BACK;
    frames(&stand, 2);
    press(&stand, SDLK_k, 0);
    ck_assert_uint_eq(stand.told.acknowledged, 0);
    stand.told.can = WORLD_CAN_ACKNOWLEDGE;
    frames(&stand, 2);
    press(&stand, SDLK_k, 0);
    ck_assert_uint_eq(stand.told.acknowledged, 77);
    close_stand(&stand);
}
END_TEST

/* With Tab alone, from nothing: the panel's first button is the one that closes it. */
START_TEST(tab_and_enter_reach_every_button)
{
    Stand stand;
    open_stand(&stand, 1);
    view_select(stand.view, 3);
    frames(&stand, 2);
    size_t reached = 0;
    for (uint64_t first = 0; reached < 200; reached++) {
        press(&stand, SDLK_TAB, 0);
        ck_assert_uint_ne(stand.console->ui.focus, 0);
        if (stand.console->ui.focus == first)
            break;
        first = first ? first : stand.console->ui.focus;
    }
    ck_assert_uint_eq(reached, stand.console->ui.order_count);
    ck_assert_uint_gt(reached, 10);

    // Enter presses the one that has the focus: the first of the bar opens the help
    press(&stand, SDLK_RETURN, 0);
    ck_assert(stand.console->help);
    close_stand(&stand);
}
END_TEST

/* The level of tank 3 is chosen in the table; its inflow is taken as the lever, looked ahead with, and cannot be sent, as nobody obeys it. */
START_TEST(a_lever_is_looked_ahead_with_from_the_panel)
{
    Stand stand;
    open_stand(&stand, 1);
    const World *world = &stand.view->world;
    view_select(stand.view, 0);
    frames(&stand, 2);
    Panel *panel = &stand.console->panel;
    ck_assert_int_gt(stand.told.series, 0);
    ck_assert(lever_choose(&panel->lever, world, 0, 1));
    ck_assert_uint_eq(panel->lever.input, 1);
    ck_assert_uint_eq(panel->lever.actuator, WORLD_NONE);
    ck_assert(!lever_fits(world, 3, 1));  // the pump feeds it
    snprintf(panel->lever.text, sizeof panel->lever.text, "42.5");
    panel->lever.active = true;
    stand.view->horizon = 600;
    frames(&stand, 2);
    ck_assert_int_eq(stand.told.forecasts, 1);
    ck_assert_double_eq(stand.told.value, 42.5);
    ck_assert_int_eq(stand.told.commands, 0);
    close_stand(&stand);
}
END_TEST

START_TEST(what_was_set_is_there_when_the_window_opens_again)
{
    Stand stand;
    open_stand(&stand, 1);
    press(&stand, SDLK_t, 0);
    press(&stand, SDLK_g, 0);
    press(&stand, SDLK_LEFT, 0);
    const CameraPose pose = stand.view->camera.goal;
    close_stand(&stand);
    ErrText why = {""};
    Settings settings;
    ck_assert_msg(settings_load(stand.settings_path, &settings, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(settings.palette, PALETTE_DARK);
    ck_assert_double_eq(settings.horizon, 60);
    ck_assert_str_eq(settings.plant, "made");
    ck_assert_float_eq(settings.camera.yaw, pose.yaw);
}
END_TEST

KIT_MAIN("view.console", a_click_selects_what_is_under_it_at_every_scale, a_double_click_flies_there, a_drag_orbits_and_one_with_the_other_button_pans, the_wheel_zooms_to_the_pointer,
         scrubbing_replays_the_past_and_space_lives_again, a_few_letters_and_enter_fly_to_an_asset, keys_do_what_the_help_says,
         k_acknowledges_the_alarm_of_who_is_selected_and_only_with_the_right_to, tab_and_enter_reach_every_button, a_lever_is_looked_ahead_with_from_the_panel,
         what_was_set_is_there_when_the_window_opens_again)
