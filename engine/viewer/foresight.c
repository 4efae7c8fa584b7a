#include "viewer/foresight.h"

#include <math.h>
#include <stdio.h>

enum { MEMBERS = 100, POINTS = 60 };
static const int64_t PAUSE_NS = NS_PER_S;  // of elapsed time, between two forecasts for ghosts

/* A forecast that is computed now. */
typedef struct Order {
    uint64_t id;  // of the desk, 0: none
    Scenario *scenario;
    Fork *fork;
} Order;

struct Foresight {
    const Capture *capture;
    double horizon;  // of ghosts
    uint32_t assets[FORESIGHT_ASSETS_MAX];
    size_t asset_count;
    int64_t last;    // elapsed time of the last order
    Order ghosts, whatif;
    ForesightAsk ask;  // that is computed
    Text text;
};

Err foresight_create(const Capture *capture, Foresight **out)
{
    *out = mem_alloc(sizeof **out);
    if (!*out)
        return ERR_MEMORY;
    **out = (Foresight){.capture = capture, .last = -PAUSE_NS};
    return ERR_OK;
}

static void clear_order(Order *order)
{
    scenario_destroy(order->scenario);
    fork_destroy(order->fork);
    *order = (Order){0};
}

/* What is computed reads scenario and fork, so it is waited for. */
static void drop_order(Order *order, App *app)
{
    ErrText why;
    if (order->id) {
        desk_await(app->desk, order->id);
        forecast_destroy(desk_fetch(app->desk, order->id, &why));
    }
    clear_order(order);
}

void foresight_destroy(Foresight *foresight, App *app)
{
    if (!foresight)
        return;
    drop_order(&foresight->ghosts, app);
    drop_order(&foresight->whatif, app);
    text_fini(&foresight->text);
    mem_free(foresight);
}

void foresight_look(Foresight *foresight, double horizon, const uint32_t *assets, size_t count)
{
    foresight->horizon = horizon;
    foresight->asset_count = count < FORESIGHT_ASSETS_MAX ? count : FORESIGHT_ASSETS_MAX;
    for (size_t i = 0; i < foresight->asset_count; i++)
        foresight->assets[i] = assets[i];
}

// --- scenarios, as people would write them -------------------------------------------------------------------------

static Err place_order(const Foresight *foresight, App *app, DeskPriority priority, Order *out, ErrText *why)
{
    const Text *text = &foresight->text;
    if (text->failed)
        return err_set(why, ERR_MEMORY, "no memory for a forecast");
    Err err = scenario_read_json("window", text->bytes, text->length, app->plant, &out->scenario, why);
    if (!err)
        err = scenario_plan(out->scenario, app->plant, &out->fork, why);
    if (!err)
        desk_fill_fork(app->desk, out->fork, app->now);
    if (!err && !(out->id = desk_order(app->desk, out->scenario, out->fork, priority)))
        err = err_set(why, ERR_FULL, "the desk has no room for another forecast now");
    if (err)
        clear_order(out);
    return err;
}

/* The tags whose future is drawn: level and heat of a twin. */
static size_t put_tags(Foresight *foresight, uint32_t twin, size_t count)
{
    const Plant *plant = foresight->capture->plant;
    const WorldLook *look = &foresight->capture->models[foresight->capture->model_of[twin]].look;
    const uint16_t channels[] = {look->fill, look->heat};
    for (size_t i = 0; i < 2 && count < FORESIGHT_TAGS_MAX; i++) {
        if (channels[i] == WORLD_NONE || !channel_is_estimated(plant_model(plant, twin)->channels[channels[i]].kind))
            continue;
        const TagName name = tags_name(plant->tags, plant_tag(plant, twin, channels[i]));
        text_put(&foresight->text, count++ ? ", " : "");
        text_json_string(&foresight->text, name.text);
    }
    return count;
}

static size_t write_ghosts(Foresight *foresight)
{
    Text *text = &foresight->text;
    const Plant *plant = foresight->capture->plant;
    size_t count = 0;
    text_clear(text);
    text_format(text,
                "{ \"name\": \"ghosts\", \"horizon\": %.17g, \"members\": %d, \"times\": [%.17g], \"control\": %s, \"quantiles\": [10, 50, 90], \"tags\": [",
                foresight->horizon, MEMBERS, foresight->horizon, plant->control_ns ? "true" : "false");
    if (plant->twin_count <= FORESIGHT_TAGS_MAX)
        for (uint32_t twin = 0; twin < plant->twin_count; twin++)
            count = put_tags(foresight, twin, count);
    else
        for (size_t i = 0; i < foresight->asset_count; i++)
            count = put_tags(foresight, foresight->assets[i], count);
    text_put(text, "] }");
    return count;
}

static void write_ask(Foresight *foresight, const ForesightAsk *ask)
{
    Text *text = &foresight->text;
    const Plant *plant = foresight->capture->plant;
    text_clear(text);
    // controllers would undo what is changed by hand
    text_format(text, "{ \"name\": \"what-if\", \"horizon\": %.17g, \"members\": %d, \"points\": %d, \"control\": %s, \"quantiles\": [10, 50, 90], \"tags\": [",
                ask->horizon, MEMBERS, POINTS, plant->control_ns && ask->change_count == 0 ? "true" : "false");
    for (size_t i = 0; i < ask->channel_count; i++) {
        text_put(text, i ? ", " : "");
        text_json_string(text, tags_name(plant->tags, plant_tag(plant, ask->asset, ask->channels[i])).text);
    }
    text_put(text, "]");
    if (ask->change_count > 0)
        text_put(text, ", \"alternatives\": [{ \"name\": \"changed\", \"changes\": {");
    for (size_t i = 0; i < ask->change_count; i++) {
        const WhatIf *change = &ask->changes[i];
        text_put(text, i ? ", " : " ");
        text_json_string(text, tags_name(plant->tags, plant_tag(plant, change->asset, change->channel)).text);
        text_format(text, ": %.17g", change->value);
    }
    text_put(text, ask->change_count > 0 ? " } }] }" : " }");
}

// --- ghosts --------------------------------------------------------------------------------------------------------

static void forget_ghosts(Capture *capture)
{
    if (capture->ghost_time == TIME_NONE)
        return;
    for (uint32_t i = 0; i < tags_count(capture->plant->tags); i++)
        for (size_t k = 0; k < 3; k++)
            capture->ghosts[i][k] = NAN;
    capture->ghost_time = TIME_NONE;
}

static void take_ghosts(const Forecast *forecast, Capture *capture)
{
    const size_t last = forecast->time_count - 1;
    for (size_t i = 0; i < forecast->series_count; i++) {
        const ForecastSeries *series = &forecast->cases[0].series[i];
        for (size_t k = 0; k < 3; k++)
            capture->ghosts[series->tag][k] = (float)series->quantiles[k * forecast->time_count + last];
    }
    capture->ghost_time = forecast->time + (int64_t)(forecast->times[last] * (double)NS_PER_S);
}

static void step_ghosts(Foresight *foresight, App *app, Capture *capture)
{
    ErrText why;
    Order *order = &foresight->ghosts;
    if (order->id && desk_has_ended(app->desk, order->id)) {
        Forecast *forecast = desk_fetch(app->desk, order->id, &why);
        if (forecast && foresight->horizon > 0)
            take_ghosts(forecast, capture);
        forecast_destroy(forecast);
        clear_order(order);
    }
    if (foresight->horizon <= 0)
        forget_ghosts(capture);

    const int64_t elapsed = clock_system.elapsed_ns(clock_system.self);
    if (order->id || foresight->horizon <= 0 || elapsed - foresight->last < PAUSE_NS)
        return;
    foresight->last = elapsed;
    if (write_ghosts(foresight) > 0 && place_order(foresight, app, DESK_STANDING, order, &why))
        log_write(LOG_DEBUG, "view", "no ghosts: %s", why.text);
}

// --- what-if -------------------------------------------------------------------------------------------------------

Err foresight_ask(Foresight *foresight, App *app, const ForesightAsk *ask, ErrText *why)
{
    if (foresight->whatif.id)
        return err_set(why, ERR_FULL, "another forecast is being computed: ask again when it is there");
    foresight->ask = *ask;
    write_ask(foresight, ask);
    return place_order(foresight, app, DESK_PERSON, &foresight->whatif, why);
}

/* Numbers of the engine in the unit of the channel. */
static Err copy_series(const Foresight *foresight, const Forecast *forecast, const ForecastSeries *from, bool changed, Arena *arena, WorldSeries *out)
{
    const size_t count = forecast->time_count;
    const Plant *plant = foresight->capture->plant;
    const Place place = plant_place(plant, from->tag);
    const Unit *unit = tags_get(plant->tags, from->tag).unit;
    *out = (WorldSeries){.asset = place.twin, .channel = place.channel, .whatif = changed, .count = count, .times = arena_new(arena, int64_t, count),
                         .values = arena_new(arena, double, count), .low = arena_new(arena, double, count), .high = arena_new(arena, double, count)};
    if (!out->times || !out->values || !out->low || !out->high)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        out->times[i] = forecast->time + (int64_t)(forecast->times[i] * (double)NS_PER_S);
        out->low[i] = unit_from_si(unit, from->quantiles[i]);
        out->values[i] = unit_from_si(unit, from->quantiles[count + i]);
        out->high[i] = unit_from_si(unit, from->quantiles[2 * count + i]);
    }
    return ERR_OK;
}

static Err copy_forecast(const Foresight *foresight, const Forecast *forecast, Answer *out)
{
    out->series = arena_new(&out->arena, WorldSeries, forecast->case_count * forecast->series_count + 1);
    if (!out->series)
        return ERR_MEMORY;
    for (size_t c = 0; c < forecast->case_count; c++)
        for (size_t i = 0; i < forecast->series_count; i++)
            if (copy_series(foresight, forecast, &forecast->cases[c].series[i], c > 0, &out->arena, &out->series[out->series_count++]))
                return ERR_MEMORY;
    return ERR_OK;
}

static bool step_whatif(Foresight *foresight, App *app, Answer *out)
{
    ErrText why = {""};
    Order *order = &foresight->whatif;
    if (!order->id || !desk_has_ended(app->desk, order->id))
        return false;
    Forecast *forecast = desk_fetch(app->desk, order->id, &why);
    *out = (Answer){.ticket = foresight->ask.ticket, .kind = ANSWER_FORECAST, .failed = !forecast};
    if (forecast && copy_forecast(foresight, forecast, out)) {
        answer_fini(out);
        *out = (Answer){.ticket = foresight->ask.ticket, .kind = ANSWER_FORECAST, .failed = true};
        err_set(&why, ERR_MEMORY, "no memory for a forecast");
    }
    snprintf(out->text, sizeof out->text, "%.250s", why.text);
    forecast_destroy(forecast);
    clear_order(order);
    return true;
}

bool foresight_step(Foresight *foresight, App *app, Capture *capture, Answer *out)
{
    if (app->now == TIME_NONE)
        return false;
    step_ghosts(foresight, app, capture);
    return step_whatif(foresight, app, out);
}
