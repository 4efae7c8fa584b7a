#include "view/console.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/axis.h"
#include "view/help.h"

enum { TAKEN_MAX = 4 };
static const float BAR = 44, PAD = 10, BUTTON = 28, GAP = 8;
static const float MODE_WIDTH = 90, TIME_WIDTH = 150;  // of the bar's words: what has no room is left out
static const double STEP_S = 10, STRIDE_S = 120, CALM_S = 2;
static const double horizons[] = {0, 60, 600, 3600};

// Where a pointer is: SDL says it in points of the window, the scene has pixels, flat things units.

typedef struct Pointer {
    float pixel_x, pixel_y, x, y;
} Pointer;

static double scale_of(const Console *console, const View *view)
{
    const double scale = console->settings.scale > 0 ? console->settings.scale : (double)view->scale;
    return fmin(fmax(scale, 0.5), 4);
}

static Pointer pointer_at(const Console *console, const View *view, int x, int y)
{
    int window_width = 1, window_height = 1, width, height;
    float points;
    SDL_GetWindowSize(surface_window(view->surface), &window_width, &window_height);
    surface_size(view->surface, &width, &height, &points);
    const double scale = scale_of(console, view);
    const float pixel_x = (float)x * (float)width / (float)window_width, pixel_y = (float)y * (float)height / (float)window_height;
    return (Pointer){pixel_x, pixel_y, pixel_x / (float)scale, pixel_y / (float)scale};
}

static Pointer pointer_of(const Console *console, const View *view, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_MOUSEMOTION:
        return pointer_at(console, view, event->motion.x, event->motion.y);
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        return pointer_at(console, view, event->button.x, event->button.y);
    default:
        return (Pointer){console->input.x, console->input.y, console->ui.x, console->ui.y};
    }
}

// Keys that are nobody else's.

static void set_palette(Console *console, View *view, PaletteKind kind)
{
    console->settings.palette = kind;
    view_set_palette(view, kind);
}

static void cycle_horizon(Console *console, View *view)
{
    size_t next = 0;
    while (next < sizeof horizons / sizeof *horizons && horizons[next] <= view->horizon)
        next++;
    view->horizon = horizons[next % (sizeof horizons / sizeof *horizons)];
    console->panel.strip.ahead_at = 0;
    view_touch(view);
}

static void rescale(Console *console, View *view, double factor)
{
    const double scale = factor > 0 ? fmin(fmax(scale_of(console, view) * factor, 0.5), 4) : 0;
    console->settings.scale = scale;
    view_touch(view);
}

/* The newest alarm of the selected asset that nobody has seen yet. */
static void acknowledge_newest(View *view)
{
    const World *world = &view->world;
    for (uint32_t i = 0; i < world->alarm_count; i++)
        if (world->alarms[i].asset == view->selected && !world->alarms[i].acknowledged) {
            panel_acknowledge(view, world->alarms[i].id);
            return;
        }
}

/* What lies on top goes first. */
static void escape(Console *console, View *view)
{
    if (console->help)
        console->help = false;
    else if (console->finder.open)
        console->finder.open = false;
    else if (console->ui.focus)
        console->ui.focus = 0, console->ui.in_field = false;
    else if (console->bulletin.open)
        console->bulletin.open = false;
    else
        view_select(view, WORLD_NOBODY);
}

static void toggle_full_screen(View *view)
{
    SDL_Window *window = surface_window(view->surface);
    const bool full = SDL_GetWindowFlags(window) & SDL_WINDOW_FULLSCREEN_DESKTOP;
    SDL_SetWindowFullscreen(window, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
}

static bool take_control_key(Console *console, View *view, SDL_Keycode key)
{
    switch (key) {
    case SDLK_f:
        finder_open(&console->finder, &console->ui);
        return true;
    case SDLK_q:
        view->closing = true;
        return true;
    case SDLK_PLUS:
    case SDLK_EQUALS:
    case SDLK_KP_PLUS:
        rescale(console, view, 1.125);
        return true;
    case SDLK_MINUS:
    case SDLK_KP_MINUS:
        rescale(console, view, 1 / 1.125);
        return true;
    case SDLK_0:
        rescale(console, view, 0);
        return true;
    default:
        return false;
    }
}

static bool take_key(Console *console, View *view, const SDL_KeyboardEvent *event)
{
    const SDL_Keycode key = event->keysym.sym;
    const double seconds = event->keysym.mod & KMOD_SHIFT ? STRIDE_S : STEP_S;
    if (event->keysym.mod & KMOD_CTRL)
        return take_control_key(console, view, key);
    switch (key) {
    case SDLK_F1:
        console->help = !console->help;
        return true;
    case SDLK_F11:
        toggle_full_screen(view);
        return true;
    case SDLK_ESCAPE:
        escape(console, view);
        return true;
    case SDLK_SPACE:
        timeline_toggle(&console->timeline, view);
        return true;
    case SDLK_COMMA:
        timeline_move(&console->timeline, view, -seconds);
        return true;
    case SDLK_PERIOD:
        timeline_move(&console->timeline, view, seconds);
        return true;
    case SDLK_a:
        console->bulletin.open = !console->bulletin.open;
        return true;
    case SDLK_g:
        cycle_horizon(console, view);
        return true;
    case SDLK_k:
        acknowledge_newest(view);
        return true;
    case SDLK_t:
        set_palette(console, view, view->palette->kind == PALETTE_DARK ? PALETTE_LIGHT : PALETTE_DARK);
        return true;
    default:
        return false;
    }
}

/* Signs that lie elsewhere on every keyboard are taken as letters. */
static bool take_letters(Console *console, const char *text)
{
    if (strcmp(text, "/") == 0)
        finder_open(&console->finder, &console->ui);
    else if (strcmp(text, "?") == 0)
        console->help = !console->help;
    else
        return false;
    return true;
}

static bool on_event(void *self, View *view, const SDL_Event *event)
{
    Console *console = self;
    const Pointer pointer = pointer_of(console, view, event);
    const bool flat = ui_event(&console->ui, event, pointer.x, pointer.y);
    view_touch(view);
    if (event->type == SDL_MOUSEMOTION && flat) {
        console->input.stale = true;  // nothing of the scene is under it any more
        console->input.x = pointer.pixel_x;
        console->input.y = pointer.pixel_y;
    }
    if (flat && !(event->type == SDL_MOUSEBUTTONUP && console->input.button))
        return true;
    if (event->type == SDL_KEYDOWN && take_key(console, view, &event->key)) {
        console->ui.key = 0;
        return true;
    }
    if (event->type == SDL_TEXTINPUT)
        return take_letters(console, event->text.text);
    return !console->help && input_event(&console->input, view, event, pointer.pixel_x, pointer.pixel_y);
}

// Between two frames.

static void take_answers(Console *console, View *view)
{
    Answer answer;
    while (view->source.type->take && view->source.type->take(view->source.self, &answer)) {
        panel_take(&console->panel, &answer);
        answer_fini(&answer);
        view_touch(view);
    }
}

/* A window that was closed over this plant opens where it stood. */
static void restore_camera(Console *console, View *view)
{
    if (console->shape == view->world.shape || view->world.asset_count == 0 || view->stage.shape != view->world.shape)
        return;
    if (console->shape == 0 && console->settings.has_camera && strcmp(console->settings.plant, view->world.plant) == 0) {
        view->camera.goal = console->settings.camera;
        camera_settle(&view->camera);
    }
    console->shape = view->world.shape;
}

/* What is remembered, as it is now. */
static void read_settings(Console *console, const View *view)
{
    Settings *settings = &console->settings;
    settings->horizon = view->horizon;
    if (view->world.asset_count > 0) {
        memset(settings->plant, 0, sizeof settings->plant);
        snprintf(settings->plant, sizeof settings->plant, "%s", view->world.plant);
        settings->camera = view->camera.goal;
        settings->has_camera = true;
    }
    SDL_Window *window = surface_window(view->surface);
    if (window && !(SDL_GetWindowFlags(window) & (SDL_WINDOW_FULLSCREEN_DESKTOP | SDL_WINDOW_HIDDEN)))
        SDL_GetWindowSize(window, &settings->width, &settings->height);
}

static void save_settings(Console *console)
{
    ErrText why;
    if (console->settings_path[0] && settings_save(console->settings_path, &console->settings, &why))
        log_write(LOG_WARNING, "view", "%s", why.text);
    console->saved = console->settings;
}

/* Not with every breath of the camera, but when it has come to rest. */
static void keep_settings(Console *console, const View *view, double seconds)
{
    const Settings before = console->settings;
    read_settings(console, view);
    if (memcmp(&before, &console->settings, sizeof before) != 0 || memcmp(&console->saved, &console->settings, sizeof before) == 0)
        console->unsaved = 0;
    else if ((console->unsaved += seconds) > CALM_S)
        save_settings(console);
}

static bool on_step(void *self, View *view, double seconds)
{
    Console *console = self;
    restore_camera(console, view);
    take_answers(console, view);
    if (view->world.asset_count > 0 && view->stage.shape == view->world.shape)
        panel_step(&console->panel, view);
    input_step(&console->input, view, ui_covers(&console->ui, console->ui.x, console->ui.y));
    keep_settings(console, view, seconds);
    return timeline_step(&console->timeline, view, seconds);
}

// Drawing.

static const char *mode_text(WorldMode mode)
{
    static const char *const texts[] = {"● live", "‖ held", "◄ past", "○ offline"};
    return texts[mode];
}

static void draw_status(Ui *ui, const World *world, float x, float y, float width)
{
    static const char *const hints[] = {"what is now", "held: the plant goes on, the window does not", "as it was then", "the server does not answer: the last that is known"};
    const Theme *theme = ui->theme;
    const float end = x + width;
    if (width < MODE_WIDTH)
        return;
    x += ui_text(ui, x, y - 3, fminf(0.4F * width, width - MODE_WIDTH), FACE_TITLE, theme->text, world->plant[0] ? world->plant : "…") + 16;
    const Ink ink = world->mode == WORLD_LIVE ? theme->good : world->mode == WORLD_OFFLINE ? theme->severity[3] : theme->severity[1];
    const float mode = ui_text(ui, x, y, 90, FACE_STRONG, ink, mode_text(world->mode));
    ui_hint(ui, (Box){x, y, mode, 18}, hints[world->mode]);
    x += mode + 16;
    if (x + TIME_WIDTH > end)
        return;
    x += ui_text(ui, x, y, TIME_WIDTH, FACE_TEXT, theme->text, axis_time(world->time, true).text) + 16;
    if (x >= end - 60)
        return;
    char text[WORLD_TEXT + WORLD_NAME + 64] = "";
    if (world->time != TIME_NONE && world->step > 0)
        snprintf(text, sizeof text, "tick %.0f · %u assets · %s%s%s", floor((double)world->time / 1e9 / world->step), world->asset_count, world->user, world->user[0] ? "@" : "", world->source);
    else
        snprintf(text, sizeof text, "%s", world->source);
    ui_text(ui, x, y + 1, end - x, FACE_SMALL, theme->muted, text);
}

static void draw_bar(Console *console, Ui *ui, View *view)
{
    int worst;
    char text[64];
    const uint32_t alarms = bulletin_count(&view->world, &worst);
    const Box bar = {PAD, PAD, ui->width - 2 * PAD, BAR};
    const uint64_t scope = ui_enter(ui, "bar");
    ui_panel(ui, bar);
    float x = bar.x + bar.width - PAD;
    const float y = bar.y + (BAR - BUTTON) / 2;

    if (ui_button(ui, (Box){x -= 32, y, 32, BUTTON}, "?", console->help ? UI_CHOSEN : UI_PLAIN, NULL))
        console->help = !console->help;
    const bool dark = view->palette->kind == PALETTE_DARK;
    if (ui_button(ui, (Box){x -= 56 + GAP, y, 56, BUTTON}, dark ? "Light" : "Dark", UI_PLAIN, NULL))
        set_palette(console, view, dark ? PALETTE_LIGHT : PALETTE_DARK);
    if (ui_button(ui, (Box){x -= 60 + GAP, y, 60, BUTTON}, "Find", console->finder.open ? UI_CHOSEN : UI_PLAIN, NULL))
        finder_open(&console->finder, ui);
    snprintf(text, sizeof text, "Ghosts: %s", view->horizon > 0 ? axis_span(view->horizon).text : "off");
    const char *why_not = view->world.mode == WORLD_PAST ? NULL : panel_why_not(&view->world, WORLD_CAN_FORECAST);
    if (ui_button(ui, (Box){x -= 122 + GAP, y, 122, BUTTON}, text, view->horizon > 0 ? UI_CHOSEN : UI_PLAIN, why_not))
        cycle_horizon(console, view);
    snprintf(text, sizeof text, "%s%sAlarms: %u", severity_sign(worst), worst >= 0 ? " " : "", alarms);
    if (ui_button(ui, (Box){x -= 104 + GAP, y, 104, BUTTON}, text, console->bulletin.open ? UI_CHOSEN : alarms ? UI_STRONG : UI_PLAIN, NULL))
        console->bulletin.open = !console->bulletin.open;
    draw_status(ui, &view->world, bar.x + 14, bar.y + 13, x - bar.x - 24);
    ui_leave(ui, scope);
}

/* Why nothing comes, or what was refused; over a scene that is not of now it says so. */
static void draw_banner(Ui *ui, const World *world)
{
    if (!world->notice[0])
        return;
    const Ink ink = ui->theme->severity[world->mode == WORLD_OFFLINE ? 3 : 1];
    const float width = fminf(canvas_text_width(ui->canvas, FACE_STRONG, world->notice) + 48, ui->width - 8 * PAD);
    const Box box = {(ui->width - width) / 2, 2 * PAD + BAR, width, 36};
    ui_panel(ui, box);
    canvas_frame(ui->canvas, box, 6, 2, ink);
    ui_text(ui, box.x + 24, box.y + 9, width - 48, FACE_STRONG, ink, world->notice);
    ui_hint(ui, box, world->notice);
}

static void draw_flat(Console *console, View *view)
{
    Ui *ui = &console->ui;
    const float top = console->bare ? PAD : 2 * PAD + BAR, bottom = console->bare ? PAD : 2 * PAD + TIMELINE_HEIGHT;
    const Box side = {ui->width - PANEL_WIDTH - PAD, top, PANEL_WIDTH, ui->height - top - bottom}, list = {PAD, top, BULLETIN_WIDTH, ui->height - top - bottom};
    Box taken[TAKEN_MAX];
    size_t count = 0;
    if (view->selected != WORLD_NOBODY)
        taken[count++] = side;
    if (console->bulletin.open)
        taken[count++] = list;
    if (!console->bare) {
        taken[count++] = (Box){0, 0, ui->width, PAD + BAR};
        taken[count++] = (Box){0, ui->height - PAD - TIMELINE_HEIGHT, ui->width, PAD + TIMELINE_HEIGHT};
    }
    if (view->world.mode == WORLD_OFFLINE)
        canvas_box(ui->canvas, (Box){0, 0, ui->width, ui->height}, 0, ui->theme->shade);
    nameplates_draw(&console->plates, ui, view, taken, count);

    if (!console->bare) {
        draw_bar(console, ui, view);
        timeline_draw(&console->timeline, ui, view, (Box){PAD, ui->height - PAD - TIMELINE_HEIGHT, ui->width - 2 * PAD, TIMELINE_HEIGHT});
    }
    if (view->selected != WORLD_NOBODY)
        panel_draw(&console->panel, ui, view, side);
    if (console->bulletin.open)
        bulletin_draw(&console->bulletin, ui, view, list);
    draw_banner(ui, &view->world);
    finder_draw(&console->finder, ui, view);
    if (console->help && help_draw(ui, surface_renderer(view->surface)))
        console->help = false;
}

/* The canvas for the scale at hand; false when OpenGL has none for us. */
static bool prepare_canvas(Console *console, const View *view)
{
    ErrText why = {""};
    const double scale = scale_of(console, view);
    Err err = ERR_OK;
    if (console->failed)
        return false;
    if (!console->canvas)
        err = canvas_create(scale, &console->canvas, &why);
    else if (canvas_scale(console->canvas) != scale)
        err = canvas_rescale(console->canvas, scale, &why);
    if (err != ERR_OK)
        log_write(LOG_ERROR, "view", "%s", why.text);
    console->failed = err != ERR_OK;
    return !console->failed;
}

static void on_draw(void *self, View *view)
{
    Console *console = self;
    int width, height;
    float points;
    if (!prepare_canvas(console, view))
        return;
    surface_size(view->surface, &width, &height, &points);
    const float scale = (float)scale_of(console, view);
    canvas_begin(console->canvas, width, height);
    ui_begin(&console->ui, console->canvas, view->palette->kind == PALETTE_DARK ? &theme_night : &theme_day, (float)width / scale, (float)height / scale);
    draw_flat(console, view);
    const bool pressed = console->ui.pressed || console->ui.released || console->ui.key;
    ui_end(&console->ui);
    canvas_end(console->canvas);
    if (pressed)
        view_touch(view);  // what was pressed may have changed what was drawn before it
}

// Beginning and end.

Err console_create(const ConsoleDef *def, Console **out, ErrText *why)
{
    Console *console = mem_alloc(sizeof *console);
    *out = console;
    if (!console)
        return err_set(why, ERR_MEMORY, "no memory for panels");
    console->settings = console->saved = def->settings;
    console->bare = def->bare;
    snprintf(console->settings_path, sizeof console->settings_path, "%s", def->settings_path ? def->settings_path : "");
    console->ui.x = console->ui.y = -1e6F;
    panel_init(&console->panel);
    return ERR_OK;
}

void console_destroy(Console *console, View *view)
{
    if (!console)
        return;
    if (view) {
        read_settings(console, view);
        save_settings(console);
    }
    canvas_destroy(console->canvas);
    mem_free(console);
}

bool console_is_waiting(const Console *console, const View *view)
{
    return strip_is_waiting(&console->panel.strip, view);
}

Overlay console_overlay(Console *console)
{
    return (Overlay){.event = on_event, .step = on_step, .draw = on_draw, .self = console};
}
