#include "view/view.h"

#include <cglm/cglm.h>
#include <math.h>

#include "view/folder.h"

enum { INTEREST_MAX = 64, SMOOTH_MAX = 400 };  // instances up to which a processor draws smooth edges
static const double INTEREST_S = 1;  // between two lists of what is looked at
static const float FILL_ALL = 0.9F, FILL_ONE = 0.5F;  // of the picture that everything takes, and one asset

static Err open_parts(View *view, const ViewDef *def, ErrText *why)
{
    char meshes[FOLDER_ROOM];
    Err err = surface_open(&def->surface, &view->surface, why);
    if (!err)
        err = stage_init(&view->stage, folder_find("meshes", meshes) ? meshes : NULL, why);
    return err ? err : renderer_create(&view->stage.meshes, &view->renderer, why);
}

Err view_create(const ViewDef *def, View **out, ErrText *why)
{
    View *view = mem_alloc(sizeof *view);
    *out = NULL;
    if (!view)
        return err_set(why, ERR_MEMORY, "no memory for a view");
    view->source = def->source;
    view->overlay = def->overlay;
    view->selected = view->hovered = view->followed = WORLD_NOBODY;
    view->touched = true;
    world_clear(&view->world);
    camera_init(&view->camera);
    view_set_palette(view, def->palette);
    const Err err = open_parts(view, def, why);
    if (err)
        view_destroy(view);
    else
        *out = view;
    return err;
}

void view_destroy(View *view)
{
    if (!view)
        return;
    renderer_destroy(view->renderer);
    stage_fini(&view->stage);
    world_fini(&view->world);
    surface_close(view->surface);
    mem_free(view);
}

void view_touch(View *view)
{
    view->touched = true;
}

void view_set_palette(View *view, PaletteKind kind)
{
    view->palette = palette_get(kind);
    view_touch(view);
}

void view_select(View *view, int64_t asset)
{
    view->selected = asset;
    view_touch(view);
}

void view_fly_to(View *view, int64_t asset)
{
    float low[3], high[3];
    int width, height;
    surface_size(view->surface, &width, &height, &view->scale);
    stage_box(&view->stage, &view->world, asset, low, high);
    camera_fly_to(&view->camera, low, high, (float)width / (float)height, asset == WORLD_NOBODY ? FILL_ALL : FILL_ONE);
    view_touch(view);
}

int64_t view_pick(const View *view, float x, float y)
{
    float origin[3], direction[3];
    lens_ray(&view->lens, x, y, origin, direction);
    return stage_pick(&view->stage, &view->world, origin, direction, NULL);
}

// --- a frame -------------------------------------------------------------------------------------------------------

static void take_event(View *view, const SDL_Event *event)
{
    if (view->overlay.event && view->overlay.event(view->overlay.self, view, event))
        return;
    if (event->type == SDL_QUIT)
        view->closing = true;
}

static void follow_window(View *view)
{
    int width, height;
    ErrText why;
    if (surface_follow(view->surface, &why))
        view->closing = true;  // there is nothing to draw on any more
    surface_size(view->surface, &width, &height, &view->scale);
    if (width != view->lens.width || height != view->lens.height)
        view_touch(view);
}

static void take_world(View *view)
{
    ErrText why;
    if (view->source.type->poll(view->source.self, &view->world))
        view_touch(view);
    if (view->stage.shape == view->world.shape)
        return;

    // another plant, or another version of it
    view->selected = view->hovered = view->followed = WORLD_NOBODY;
    if (stage_build(&view->stage, &view->world, &why)) {
        log_write(LOG_ERROR, "view", "%s", why.text);
        view->closing = true;
        return;
    }
    view_fly_to(view, WORLD_NOBODY);
    camera_settle(&view->camera);
}

/* The selected first, then what is nearest to what is looked at. */
static size_t list_interest(const View *view, uint32_t out[INTEREST_MAX])
{
    float ways[INTEREST_MAX];
    size_t count = 0, first = 0;
    if (view->selected != WORLD_NOBODY)
        out[count++] = (uint32_t)view->selected;
    first = count;
    for (uint32_t i = 0; i < view->world.asset_count; i++) {
        const float way = glm_vec3_distance2(view->world.assets[i].at, (float *)view->camera.pose.target);
        if (i == view->selected || (count == INTEREST_MAX && way >= ways[count - 1]))
            continue;
        size_t place = count < INTEREST_MAX ? count++ : count - 1;
        for (; place > first && ways[place - 1] > way; place--) {
            ways[place] = ways[place - 1];
            out[place] = out[place - 1];
        }
        ways[place] = way;
        out[place] = i;
    }
    return count;
}

static bool is_another_change(const View *view)
{
    const WhatIf *a = &view->change, *b = &view->told_change;
    return view->change_count != view->told_changes || (view->change_count > 0 && (a->asset != b->asset || a->channel != b->channel || a->value != b->value));
}

/* Now and then, and at once where something else is wished. */
static void tell_interest(View *view, double seconds)
{
    uint32_t assets[INTEREST_MAX];
    view->told -= seconds;
    const bool other = view->told_selected != view->selected || view->told_horizon != view->horizon || is_another_change(view);
    if (!view->source.type->look || view->world.asset_count == 0 || (view->told > 0 && !other))
        return;
    const SourceInterest interest = {.assets = assets, .count = list_interest(view, assets), .horizon = view->horizon, .changes = &view->change,
                                     .change_count = view->change_count};
    view->source.type->look(view->source.self, &interest);
    view->told = INTEREST_S;
    view->told_selected = view->selected;
    view->told_horizon = view->horizon;
    view->told_change = view->change;
    view->told_changes = view->change_count;
}

static void step(View *view, double seconds)
{
    view->seconds += seconds;
    if (view->followed != WORLD_NOBODY) {
        float centre[3], radius;
        stage_sphere(&view->stage, &view->world, view->followed, centre, &radius);
        camera_follow(&view->camera, centre);
    }
    if (camera_step(&view->camera, (float)seconds))
        view_touch(view);
    if (view->world.mode != WORLD_PAUSED && view->world.mode != WORLD_OFFLINE && stage_step(&view->stage, &view->world, (float)seconds))
        view_touch(view);
    if (view->overlay.step && view->overlay.step(view->overlay.self, view, seconds))
        view_touch(view);
}

/* Whoever asks for attention pulses, though nothing else may move. */
static bool pulses(const World *world)
{
    for (uint32_t i = 0; i < world->asset_count; i++)
        if (world->assets[i].health == ASSET_PARTED || world->assets[i].health == ASSET_ALARM)
            return true;
    return false;
}

static void draw(View *view)
{
    int width, height;
    surface_size(view->surface, &width, &height, &view->scale);
    float centre[3], radius;
    stage_sphere(&view->stage, &view->world, WORLD_NOBODY, centre, &radius);
    camera_lens(&view->camera, width, height, 8 * radius + 100, &view->lens);
    const StageOptions options = {.palette = view->palette, .selected = view->selected, .hovered = view->hovered,
                                  .ghosts = view->horizon > 0 && view->world.ghost_time != TIME_NONE, .seconds = view->seconds};
    stage_compose(&view->stage, &view->world, &view->lens, &options);

    surface_begin(view->surface, !surface_is_software(view->surface) || view->stage.instance_count <= SMOOTH_MAX);
    renderer_draw(view->renderer, &view->stage, &view->lens, view->palette);
    surface_flatten(view->surface);
    if (view->overlay.draw)
        view->overlay.draw(view->overlay.self, view);
    surface_end(view->surface);
}

bool view_step(View *view, double seconds)
{
    SDL_Event event;
    while (SDL_PollEvent(&event))
        take_event(view, &event);
    follow_window(view);
    take_world(view);
    tell_interest(view, seconds);
    step(view, seconds);
    return !view->closing;
}

bool view_frame(View *view, double seconds)
{
    const bool goes_on = view_step(view, seconds);
    if (goes_on && view->stage.shape == view->world.shape && (view->touched || pulses(&view->world))) {
        draw(view);
        view->touched = false;
    }
    return goes_on;
}
