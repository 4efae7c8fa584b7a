#include "viewer/capture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/look.h"

enum { FRESH = 4 };  // beside the number of the picture in the middle: it has not been taken

// --- what never changes --------------------------------------------------------------------------------------------

static ChannelRole role_of(ChannelKind kind)
{
    switch (kind) {
    case CHANNEL_STATE:
    case CHANNEL_TRACKED:
    case CHANNEL_STATISTIC:
        return ROLE_ESTIMATED;
    case CHANNEL_PARAMETER:
        return ROLE_PARAMETER;
    case CHANNEL_OUTPUT:
        return ROLE_OUTPUT;
    case CHANNEL_INPUT:
        return ROLE_INPUT;
    case CHANNEL_SENSOR:
        return ROLE_SENSOR;
    case CHANNEL_ACTUATOR:
        return ROLE_ACTUATOR;
    }
    return ROLE_OUTPUT;
}

static Err describe_model(const Model *model, Arena *arena, WorldModel *out)
{
    WorldChannel *channels = arena_new(arena, WorldChannel, model->channel_count + 1);
    WorldLimit *limits = arena_new(arena, WorldLimit, model->alarm_count + 1);
    if (!channels || !limits)
        return ERR_MEMORY;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        const Channel *channel = &model->channels[i];
        channels[i] = (WorldChannel){.doc = channel->doc ? channel->doc : "", .role = role_of(channel->kind), .min = unit_from_si(channel->unit, channel->min),
                                     .max = unit_from_si(channel->unit, channel->max), .measured_by = WORLD_NONE};
        snprintf(channels[i].name, sizeof channels[i].name, "%s", channel->name);
        snprintf(channels[i].unit, sizeof channels[i].unit, "%s", unit_name(channel->unit));
    }
    for (uint16_t i = model->sensor_count; i-- > 0;)
        if (model->sensors[i].of != UINT16_MAX)
            channels[model->sensors[i].of].measured_by = model->sensors[i].channel;
    for (uint16_t i = 0; i < model->alarm_count; i++) {
        const AlarmDef *alarm = &model->alarms[i];
        limits[i] = (WorldLimit){.channel = alarm->channel, .high = alarm->side == LIMIT_HIGH,
                                 .value = unit_from_si(model->channels[alarm->channel].unit, alarm->limit), .severity = (int)alarm->severity};
        snprintf(limits[i].alarm, sizeof limits[i].alarm, "%s", alarm->name);
    }

    *out = (WorldModel){.doc = model->doc ? model->doc : "", .channels = channels, .limits = limits, .channel_count = model->channel_count,
                        .limit_count = model->alarm_count};
    snprintf(out->name, sizeof out->name, "%s", model->name);
    look_find(out);
    return ERR_OK;
}

static uint16_t model_number(const Plant *plant, const Model *model)
{
    uint16_t i = 0;
    while (plant->models[i] != model)
        i++;
    return i;
}

static Err describe_models(Capture *capture)
{
    const Plant *plant = capture->plant;
    capture->models = arena_new(&capture->arena, WorldModel, plant->model_count + 1);
    capture->model_of = arena_new(&capture->arena, uint16_t, plant->twin_count + 1);
    Err err = capture->models && capture->model_of ? ERR_OK : ERR_MEMORY;
    for (uint32_t i = 0; i < plant->model_count && !err; i++)
        err = describe_model(plant->models[i], &capture->arena, &capture->models[i]);
    for (uint32_t i = 0; i < plant->twin_count && !err; i++)
        capture->model_of[i] = model_number(plant, plant_model(plant, i));
    return err;
}

static Err allocate_picture(Picture *picture, const Plant *plant, Arena *arena)
{
    picture->time = picture->ghost_time = TIME_NONE;
    picture->values = arena_new(arena, WorldValue, tags_count(plant->tags) + 1);
    picture->health = arena_new(arena, uint8_t, plant->twin_count + 1);
    picture->alarms = arena_new(arena, WorldAlarm, WORLD_ALARMS_MAX);
    return picture->values && picture->health && picture->alarms ? ERR_OK : ERR_MEMORY;
}

Err capture_init(Capture *capture, const Plant *plant)
{
    *capture = (Capture){.plant = plant, .back = 0, .front = 1, .ghost_time = TIME_NONE};
    atomic_init(&capture->middle, 2);
    const uint32_t count = tags_count(plant->tags);
    capture->ghosts = arena_alloc(&capture->arena, (count + 1) * sizeof *capture->ghosts);
    Err err = capture->ghosts ? describe_models(capture) : ERR_MEMORY;
    for (size_t i = 0; i < 3 && !err; i++)
        err = allocate_picture(&capture->pictures[i], plant, &capture->arena);
    for (uint32_t i = 0; i < count && !err; i++)
        for (size_t k = 0; k < 3; k++)
            capture->ghosts[i][k] = NAN;
    if (err)
        capture_fini(capture);
    return err;
}

void capture_fini(Capture *capture)
{
    arena_fini(&capture->arena);
    *capture = (Capture){0};
}

// --- the tick's side -----------------------------------------------------------------------------------------------

bool capture_is_wanted(const Capture *capture)
{
    return !(atomic_load(&capture->middle) & FRESH);
}

static double measured(const Plant *plant, uint32_t twin, const Model *model, const Sensor *sensor, const Unit *unit)
{
    return unit_from_si(unit, *plant_cell(plant, twin, model->channels[sensor->channel].column));
}

static void capture_values(const Capture *capture, const App *app, Picture *out)
{
    const Plant *plant = app->plant;
    const uint32_t count = tags_count(plant->tags);
    for (TagId tag = 0; tag < count; tag++) {
        const Place place = plant_place(plant, tag);
        const Channel *channel = &plant_model(plant, place.twin)->channels[place.channel];
        const double told = channel->kind == CHANNEL_ACTUATOR ? gate_told(app->gate, tag) : NAN;
        const float *ghost = capture->ghosts[tag];
        out->values[tag] = (WorldValue){.value = unit_from_si(channel->unit, isnan(told) ? plant_value(plant, tag) : told), .measured = NAN,
                                        .sd = (float)unit_scale_from_si(channel->unit, plant_sd(plant, tag)),
                                        .low = (float)unit_from_si(channel->unit, (double)ghost[0]),
                                        .middle = (float)unit_from_si(channel->unit, (double)ghost[1]),
                                        .high = (float)unit_from_si(channel->unit, (double)ghost[2])};
    }

    // what an instrument shows alone stands beside what is estimated of it
    for (uint32_t twin = 0; twin < plant->twin_count; twin++) {
        const Model *model = plant_model(plant, twin);
        for (uint16_t i = 0; i < model->sensor_count; i++) {
            const Sensor *sensor = &model->sensors[i];
            WorldValue *value = sensor->of == UINT16_MAX ? NULL : &out->values[plant_tag(plant, twin, sensor->of)];
            if (value && isnan(value->measured))
                value->measured = measured(plant, twin, model, sensor, model->channels[sensor->of].unit);
        }
    }
}

static void capture_health(const App *app, Picture *out)
{
    const Plant *plant = app->plant;
    for (uint32_t twin = 0; twin < plant->twin_count; twin++) {
        const Twin *t = &plant->twins[twin];
        const bool parted = sync_parted(app->sync, t->block) >> t->lane & 1, stands = plant->blocks[t->block].quarantined >> t->lane & 1;
        out->health[twin] = stands ? ASSET_QUARANTINED : parted ? ASSET_PARTED : ASSET_CALM;
    }
}

void capture_alarm(const Alarm *alarm, uint32_t twin, WorldAlarm *out)
{
    *out = (WorldAlarm){.id = alarm->id, .asset = twin, .severity = (int8_t)alarm->severity,
                        .active = alarm->state == ALARM_RAISED || alarm->state == ALARM_ACKNOWLEDGED, .acknowledged = alarm->acknowledged != TIME_NONE,
                        .predicted = alarm_is_predicted(alarm), .aside = alarm_is_aside(alarm), .raised = alarm->raised};
    snprintf(out->name, sizeof out->name, "%s", alarm->name);
    snprintf(out->text, sizeof out->text, "%s", alarm->text);
}

static void capture_alarms(const App *app, Picture *out)
{
    size_t count;
    const Alarm *alarms = alarms_list(app->alarms, &count);
    out->alarm_count = 0;
    for (size_t i = count; i-- > 0 && out->alarm_count < WORLD_ALARMS_MAX;)
        capture_alarm(&alarms[i], alarms[i].twin, &out->alarms[out->alarm_count++]);
}

void capture_take(Capture *capture, App *app, const char *notice)
{
    Picture *picture = &capture->pictures[capture->back];
    picture->time = app->now;
    picture->ghost_time = capture->ghost_time;
    snprintf(picture->notice, sizeof picture->notice, "%s", notice ? notice : "");
    capture_values(capture, app, picture);
    capture_health(app, picture);
    capture_alarms(app, picture);
    capture->back = atomic_exchange(&capture->middle, capture->back | FRESH) & 3;
}

// --- the window's side ---------------------------------------------------------------------------------------------

static void describe_asset(const Capture *capture, uint32_t twin, WorldAsset *out)
{
    const Twin *t = &capture->plant->twins[twin];
    *out = (WorldAsset){.model = capture->model_of[twin], .placed = t->placed, .first = t->first_tag, .severity = -1};
    for (int k = 0; k < 3; k++)
        out->at[k] = (float)t->at[k];
    snprintf(out->name, sizeof out->name, "%s", t->name);
    if (!t->look)
        return;
    out->sized = t->look->size[0] > 0;
    out->turn = (float)(t->look->turn * M_PI / 180);
    for (int k = 0; k < 3; k++)
        out->size[k] = (float)t->look->size[k];
    snprintf(out->mesh, sizeof out->mesh, "%s", t->look->mesh);
}

Err capture_describe(const Capture *capture, World *world)
{
    const Plant *plant = capture->plant;
    world_clear(world);
    Arena *arena = &world->arena;
    world->models = arena_new(arena, WorldModel, plant->model_count + 1);
    world->assets = arena_new(arena, WorldAsset, plant->twin_count + 1);
    world->connections = arena_new(arena, WorldConnection, plant->connection_count + 1);
    world->values = arena_new(arena, WorldValue, tags_count(plant->tags) + 1);
    world->alarms = arena_new(arena, WorldAlarm, WORLD_ALARMS_MAX);
    world->doc = arena_text(arena, plant->doc);
    if (!world->models || !world->assets || !world->connections || !world->values || !world->alarms || !world->doc)
        return ERR_MEMORY;

    memcpy(world->models, capture->models, plant->model_count * sizeof *world->models);
    for (uint32_t i = 0; i < plant->twin_count; i++)
        describe_asset(capture, i, &world->assets[i]);
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const Connection *c = &plant->connections[i];
        world->connections[i] = (WorldConnection){.from = c->from.twin, .to = c->to.twin, .from_channel = c->from.channel, .to_channel = c->to.channel};
    }
    world->model_count = (uint16_t)plant->model_count;
    world->asset_count = plant->twin_count;
    world->connection_count = plant->connection_count;
    world->value_count = tags_count(plant->tags);
    world->step = plant->step;
    snprintf(world->plant, sizeof world->plant, "%s", plant->name);
    snprintf(world->source, sizeof world->source, "%s", plant->path);
    return ERR_OK;
}

void capture_judge(World *world)
{
    for (uint32_t i = 0; i < world->asset_count; i++) {
        world->assets[i].severity = -1;
        world->assets[i].unacknowledged = false;
    }
    for (uint32_t i = 0; i < world->alarm_count; i++) {
        const WorldAlarm *alarm = &world->alarms[i];
        WorldAsset *asset = &world->assets[alarm->asset];
        if (!alarm->active || alarm->aside)
            continue;
        asset->severity = alarm->severity > asset->severity ? alarm->severity : asset->severity;
        asset->unacknowledged |= !alarm->acknowledged;

        // an alarm is more than a verdict, and standing still more than both; what is only foretold is neither
        const AssetHealth means = strcmp(alarm->name, "divergence") == 0   ? ASSET_PARTED
                                  : strcmp(alarm->name, "quarantine") == 0 ? ASSET_QUARANTINED
                                                                           : ASSET_ALARM;
        if (!alarm->predicted && asset->health < means)
            asset->health = (uint8_t)means;
    }
}

bool capture_show(Capture *capture, World *world)
{
    if (!(atomic_load(&capture->middle) & FRESH))
        return false;
    capture->front = atomic_exchange(&capture->middle, capture->front) & 3;
    const Picture *picture = &capture->pictures[capture->front];
    memcpy(world->values, picture->values, world->value_count * sizeof *world->values);
    memcpy(world->alarms, picture->alarms, picture->alarm_count * sizeof *world->alarms);
    world->alarm_count = picture->alarm_count;
    world->time = picture->time;
    world->ghost_time = picture->ghost_time;
    snprintf(world->notice, sizeof world->notice, "%s", picture->notice);
    for (uint32_t i = 0; i < world->asset_count; i++)
        world->assets[i].health = picture->health[i];
    capture_judge(world);
    world->revision++;
    return true;
}
