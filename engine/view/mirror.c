#include "view/mirror.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/look.h"

enum { CHANNELS_MAX = 4096, MODELS_MAX = 4096 };

struct Mirror {
    json_t *twins, *connect;  // of the newest snapshot: another one of the same is no other shape
    json_t *tags;             // name -> number of the value
    json_t *names;            // of an asset -> its number
    uint32_t *asset_of;       // by number of a value
    WorldValue *values;
    uint32_t value_count;
    uint8_t *verdict;         // by asset: AssetHealth, of verdicts and quarantine alone
    uint32_t asset_count;
    WorldAlarm *alarms;       // newest first
    uint32_t alarm_count;
    int64_t time;
    Arena arena;              // of the shape
};

Err mirror_create(Mirror **out)
{
    Mirror *mirror = mem_alloc(sizeof *mirror);
    *out = mirror;
    if (!mirror)
        return ERR_MEMORY;
    mirror->time = TIME_NONE;
    mirror->alarms = mem_alloc(WORLD_ALARMS_MAX * sizeof *mirror->alarms);
    if (mirror->alarms)
        return ERR_OK;
    mirror_destroy(mirror);
    *out = NULL;
    return ERR_MEMORY;
}

static void forget_shape(Mirror *mirror)
{
    json_decref(mirror->twins);
    json_decref(mirror->connect);
    json_decref(mirror->tags);
    json_decref(mirror->names);
    mirror->twins = mirror->connect = mirror->tags = mirror->names = NULL;
    arena_fini(&mirror->arena);
    mirror->value_count = mirror->asset_count = mirror->alarm_count = 0;
}

void mirror_destroy(Mirror *mirror)
{
    if (!mirror)
        return;
    forget_shape(mirror);
    mem_free(mirror->alarms);
    mem_free(mirror);
}

// Reading.

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

double mirror_number(const json_t *value)
{
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double number_at(const json_t *object, const char *key, double otherwise)
{
    const double number = mirror_number(json_object_get(object, key));
    return isnan(number) ? otherwise : number;
}

static int64_t time_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : TIME_NONE;
}

/* What a text is in a list of words; -1 when it is none. */
static int word_of(const char *text, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return -1;
}

static int severity_of(const char *text)
{
    static const char *const words[] = {"info", "warning", "major", "critical"};
    return word_of(text, words, 4);
}

// The shape.

static ChannelRole role_of(const char *kind)
{
    static const char *const words[] = {"state", "tracked", "output", "statistic", "parameter", "input", "sensor", "actuator"};
    static const ChannelRole roles[] = {ROLE_ESTIMATED, ROLE_ESTIMATED, ROLE_OUTPUT, ROLE_OUTPUT, ROLE_PARAMETER, ROLE_INPUT, ROLE_SENSOR, ROLE_ACTUATOR};
    const int word = word_of(kind, words, sizeof words / sizeof *words);
    return word < 0 ? ROLE_OUTPUT : roles[word];
}

static uint16_t channel_of_tag(const WorldChannel *channels, uint16_t count, const char *tag)
{
    const char *dot = strrchr(tag, '.');
    for (uint16_t i = 0; dot && i < count; i++)
        if (strcmp(channels[i].name, dot + 1) == 0)
            return i;
    return WORLD_NONE;
}

static Err read_channels(World *world, WorldModel *model, const json_t *list)
{
    const size_t count = json_array_size(list) < CHANNELS_MAX ? json_array_size(list) : CHANNELS_MAX;
    WorldChannel *channels = arena_new(&world->arena, WorldChannel, count + 1);
    if (!channels)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        WorldChannel *channel = &channels[i];
        *channel = (WorldChannel){.role = role_of(text_at(item, "kind")), .min = number_at(item, "min", -INFINITY), .max = number_at(item, "max", INFINITY),
                                  .measured_by = WORLD_NONE};
        snprintf(channel->name, sizeof channel->name, "%s", text_at(item, "name"));
        snprintf(channel->unit, sizeof channel->unit, "%s", text_at(item, "unit"));
        channel->doc = arena_text(&world->arena, text_at(item, "doc"));
        if (!channel->doc)
            return ERR_MEMORY;
    }

    // a sensor of one channel shows it, where both have one unit
    for (size_t i = 0; i < count; i++) {
        const uint16_t of = channel_of_tag(channels, (uint16_t)count, text_at(json_array_get(list, i), "of"));
        if (of != WORLD_NONE && of != i && channels[of].measured_by == WORLD_NONE && strcmp(channels[of].unit, channels[i].unit) == 0)
            channels[of].measured_by = (uint16_t)i;
    }
    model->channels = channels;
    model->channel_count = (uint16_t)count;
    return ERR_OK;
}

static Err read_limits(World *world, WorldModel *model, const json_t *list)
{
    const size_t count = json_array_size(list) < CHANNELS_MAX ? json_array_size(list) : CHANNELS_MAX;
    WorldLimit *limits = arena_new(&world->arena, WorldLimit, count + 1);
    if (!limits)
        return ERR_MEMORY;
    model->limits = limits;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const uint16_t channel = channel_of_tag(model->channels, model->channel_count, text_at(item, "tag"));
        const double value = number_at(item, "limit", NAN);
        if (channel == WORLD_NONE || isnan(value))
            continue;
        WorldLimit *limit = &limits[model->limit_count++];
        *limit = (WorldLimit){.channel = channel, .high = strcmp(text_at(item, "side"), "high") == 0, .value = value,
                              .severity = severity_of(text_at(item, "severity"))};
        snprintf(limit->alarm, sizeof limit->alarm, "%s", text_at(item, "alarm"));
    }
    return ERR_OK;
}

/* The model of a twin: the first twin of a model says what it is. */
static Err read_model(World *world, const json_t *twin, uint16_t *out)
{
    const char *name = text_at(twin, "model");
    for (*out = 0; *out < world->model_count; (*out)++)
        if (strncmp(world->models[*out].name, name, WORLD_NAME - 1) == 0)
            return ERR_OK;
    if (world->model_count == MODELS_MAX)
        return ERR_RANGE;

    WorldModel *model = &world->models[world->model_count];
    snprintf(model->name, sizeof model->name, "%s", name);
    model->doc = arena_text(&world->arena, text_at(twin, "doc"));
    Err err = model->doc ? read_channels(world, model, json_object_get(twin, "channels")) : ERR_MEMORY;
    if (err == ERR_OK)
        err = read_limits(world, model, json_object_get(twin, "limits"));
    if (err == ERR_OK) {
        look_find(model);
        world->model_count++;
    }
    return err;
}

static bool read_triple(const json_t *list, float out[3])
{
    if (json_array_size(list) != 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        const double number = mirror_number(json_array_get(list, i));
        if (!(fabs(number) < 1e6))
            return false;
        out[i] = (float)number;
    }
    return true;
}

static void read_place(WorldAsset *asset, const json_t *twin)
{
    asset->placed = read_triple(json_object_get(twin, "at"), asset->at) && json_is_true(json_object_get(twin, "placed"));
    asset->sized = read_triple(json_object_get(twin, "size"), asset->size);
    asset->turn = (float)(number_at(twin, "turn", 0) * M_PI / 180);
    snprintf(asset->mesh, sizeof asset->mesh, "%s", text_at(twin, "mesh"));
}

static Err read_twins(Mirror *mirror, World *world, const json_t *twins)
{
    const size_t count = json_array_size(twins);
    world->assets = arena_new(&world->arena, WorldAsset, count + 1);
    world->models = arena_new(&world->arena, WorldModel, (count < MODELS_MAX ? count : MODELS_MAX) + 1);
    mirror->verdict = arena_new(&mirror->arena, uint8_t, count + 1);
    if (!world->assets || !world->models || !mirror->verdict)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const json_t *twin = json_array_get(twins, i);
        WorldAsset *asset = &world->assets[world->asset_count];
        *asset = (WorldAsset){.first = world->value_count, .severity = -1};
        snprintf(asset->name, sizeof asset->name, "%s", text_at(twin, "name"));
        const Err err = read_model(world, twin, &asset->model);
        if (err)
            return err;
        read_place(asset, twin);
        if (json_object_set_new(mirror->names, asset->name, json_integer(world->asset_count)))
            continue;  // no name that JSON takes
        world->value_count += world->models[asset->model].channel_count;
        world->asset_count++;
    }
    return ERR_OK;
}

static Err index_values(Mirror *mirror, World *world)
{
    mirror->value_count = world->value_count;
    mirror->asset_count = world->asset_count;
    mirror->values = arena_new(&mirror->arena, WorldValue, world->value_count + 1);
    mirror->asset_of = arena_new(&mirror->arena, uint32_t, world->value_count + 1);
    world->values = arena_new(&world->arena, WorldValue, world->value_count + 1);
    world->alarms = arena_new(&world->arena, WorldAlarm, WORLD_ALARMS_MAX);
    if (!mirror->values || !mirror->asset_of || !world->values || !world->alarms)
        return ERR_MEMORY;
    for (uint32_t asset = 0; asset < world->asset_count; asset++)
        for (uint16_t channel = 0; channel < world_model(world, asset)->channel_count; channel++) {
            const uint32_t number = world->assets[asset].first + channel;
            char tag[2 * WORLD_NAME];
            mirror_tag(world, asset, channel, tag);
            json_object_set_new(mirror->tags, tag, json_integer(number));
            mirror->asset_of[number] = asset;
            mirror->values[number] = world->values[number] = (WorldValue){NAN, NAN, NAN, NAN, NAN, NAN};
        }
    return ERR_OK;
}

static Err read_connections(const Mirror *mirror, World *world, const json_t *list)
{
    world->connections = arena_new(&world->arena, WorldConnection, json_array_size(list) + 1);
    if (!world->connections)
        return ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *from = json_string_value(json_array_get(json_array_get(list, i), 0)), *to = json_string_value(json_array_get(json_array_get(list, i), 1));
        WorldConnection connection;
        if (from && to && mirror_find(mirror, from, &connection.from, &connection.from_channel) &&
            mirror_find(mirror, to, &connection.to, &connection.to_channel))
            world->connections[world->connection_count++] = connection;
    }
    return ERR_OK;
}

static Err reshape(Mirror *mirror, World *world, const json_t *snapshot)
{
    forget_shape(mirror);
    world_clear(world);
    mirror->twins = json_incref(json_object_get(snapshot, "twins"));
    mirror->connect = json_incref(json_object_get(snapshot, "connect"));
    mirror->tags = json_object();
    mirror->names = json_object();
    Err err = mirror->tags && mirror->names ? read_twins(mirror, world, mirror->twins) : ERR_MEMORY;
    if (err == ERR_OK)
        err = index_values(mirror, world);
    if (err == ERR_OK)
        err = read_connections(mirror, world, mirror->connect);
    if (err == ERR_OK && !(world->doc = arena_text(&world->arena, text_at(snapshot, "doc"))))
        err = ERR_MEMORY;
    if (err != ERR_OK) {
        forget_shape(mirror);
        world_clear(world);
    }
    return err;
}

// Alarms.

static bool read_alarm(const Mirror *mirror, const json_t *item, WorldAlarm *out)
{
    static const char *const states[] = {"raised", "acknowledged", "returned", "over"};
    const int state = word_of(text_at(item, "state"), states, 4);
    const json_t *asset = json_object_get(mirror->names, text_at(item, "twin"));
    if (!asset || state < 0)
        return false;
    *out = (WorldAlarm){
        .id = (uint64_t)json_integer_value(json_object_get(item, "id")),
        .asset = (uint32_t)json_integer_value(asset),
        .severity = (int8_t)severity_of(text_at(item, "severity")),
        .active = state == 0 || state == 1,
        .acknowledged = state == 1 || state == 3,
        .aside = !json_is_null(json_object_get(item, "shelved")) || json_is_true(json_object_get(item, "suppressed")),
        .raised = time_at(item, "raised"),
    };
    snprintf(out->name, sizeof out->name, "%s", text_at(item, "name"));
    snprintf(out->text, sizeof out->text, "%s", text_at(item, "text"));
    const size_t length = strlen(out->name), end = strlen(".predicted");
    out->predicted = length > end && strcmp(out->name + length - end, ".predicted") == 0;
    return true;
}

/* Into its place among them, newest first; what is over goes. Of too many the oldest go. */
static void put_alarm(WorldAlarm *alarms, uint32_t *count, const WorldAlarm *alarm)
{
    for (uint32_t i = 0; i < *count; i++)
        if (alarms[i].id == alarm->id) {
            memmove(&alarms[i], &alarms[i + 1], (*count - i - 1) * sizeof *alarms);
            (*count)--;
            break;
        }
    if (!alarm->active && alarm->acknowledged)
        return;
    uint32_t at = 0;
    while (at < *count && (alarms[at].raised > alarm->raised || (alarms[at].raised == alarm->raised && alarms[at].id > alarm->id)))
        at++;
    if (at == WORLD_ALARMS_MAX)
        return;
    *count += *count < WORLD_ALARMS_MAX;
    memmove(&alarms[at + 1], &alarms[at], (*count - at - 1) * sizeof *alarms);
    alarms[at] = *alarm;
}

static void read_alarms(const Mirror *mirror, const json_t *list, WorldAlarm *alarms, uint32_t *count)
{
    WorldAlarm alarm;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_alarm(mirror, json_array_get(list, i), &alarm))
            put_alarm(alarms, count, &alarm);
}

/* What asks for attention at each asset. `verdict` may be NULL: alarms alone say it. */
static void judge_assets(World *world, const uint8_t *verdict)
{
    for (uint32_t i = 0; i < world->asset_count; i++) {
        world->assets[i].health = verdict ? verdict[i] : ASSET_CALM;
        world->assets[i].severity = -1;
        world->assets[i].unacknowledged = false;
    }
    for (uint32_t i = 0; i < world->alarm_count; i++) {
        const WorldAlarm *alarm = &world->alarms[i];
        WorldAsset *asset = &world->assets[alarm->asset];
        if (alarm->aside || alarm->predicted)
            continue;
        const uint8_t health = !alarm->active ? ASSET_CALM : strcmp(alarm->name, "divergence") == 0 ? ASSET_PARTED : ASSET_ALARM;
        asset->health = health > asset->health ? health : asset->health;
        asset->severity = alarm->severity > asset->severity ? alarm->severity : asset->severity;
        asset->unacknowledged |= !alarm->acknowledged;
    }
}

// Numbers.

static void read_value(const json_t *item, WorldValue *out)
{
    static const char *const qualities[] = {"good", "uncertain", "bad"};
    const char *quality = json_string_value(json_array_get(item, 3));
    const int word = quality ? word_of(quality, qualities, 3) : -1;
    out->value = mirror_number(json_array_get(item, 0));
    out->sd = (float)mirror_number(json_array_get(item, 1));
    out->quality = word < 0 ? VALUE_GOOD : (uint8_t)word;
}

/* Sensors show their channels. */
static void spread_measured(const Mirror *mirror, const World *world, WorldValue *values)
{
    for (uint32_t asset = 0; asset < mirror->asset_count; asset++) {
        const WorldModel *model = world_model(world, asset);
        WorldValue *first = &values[world->assets[asset].first];
        for (uint16_t i = 0; i < model->channel_count; i++)
            if (model->channels[i].measured_by != WORLD_NONE)
                first[i].measured = first[model->channels[i].measured_by].value;
    }
}

static void read_values(const Mirror *mirror, const World *world, const json_t *object, WorldValue *values)
{
    const char *tag;
    json_t *item;
    json_object_foreach((json_t *)object, tag, item) {
        const json_t *number = json_object_get(mirror->tags, tag);
        if (number)
            read_value(item, &values[json_integer_value(number)]);
    }
    spread_measured(mirror, world, values);
}

static void read_verdicts(Mirror *mirror, const World *world, const json_t *object)
{
    const char *name, *sensor;
    json_t *twin, *state;
    json_object_foreach((json_t *)object, name, twin) {
        const json_t *number = json_object_get(mirror->names, name);
        if (!number)
            continue;
        const uint32_t asset = (uint32_t)json_integer_value(number);
        const char *verdict = text_at(twin, "verdict");
        mirror->verdict[asset] = strcmp(text_at(twin, "quality"), "quarantined") == 0 ? ASSET_QUARANTINED
                                 : *verdict && strcmp(verdict, "none") != 0           ? ASSET_PARTED
                                                                                      : ASSET_CALM;

        // what the tests say of a sensor is worse than what its sample says of itself
        json_object_foreach(json_object_get(twin, "sensors"), sensor, state) {
            const uint16_t channel = world_channel(world_model(world, asset), sensor);
            const char *quality = text_at(state, "quality");
            if (channel != WORLD_NONE)
                mirror->values[world->assets[asset].first + channel].quality = strcmp(quality, "diverged") == 0 ? VALUE_DIVERGED
                                                                               : strcmp(quality, "silent") == 0 ? VALUE_SILENT
                                                                                                                : VALUE_GOOD;
        }
    }
}

// The public functions.

static Err apply_snapshot(Mirror *mirror, World *world, const json_t *value)
{
    const json_t *twins = json_object_get(value, "twins"), *connect = json_object_get(value, "connect");
    if (!json_is_array(twins))
        return ERR_OK;
    Err err = ERR_OK;
    if (!json_equal(mirror->twins, twins) || !json_equal(mirror->connect, connect))
        err = reshape(mirror, world, value);
    snprintf(world->plant, sizeof world->plant, "%s", text_at(value, "plant"));
    world->step = number_at(value, "step", 1);
    mirror->alarm_count = 0;
    read_alarms(mirror, json_object_get(value, "alarms"), mirror->alarms, &mirror->alarm_count);
    return err;
}

Err mirror_apply(Mirror *mirror, World *world, const json_t *message, bool *changed)
{
    const char *topic = text_at(message, "topic");
    const json_t *value = json_object_get(message, "value");
    *changed = json_is_object(value) && (strcmp(topic, "snapshot") == 0 || (strcmp(topic, "tick") == 0 && mirror->tags));
    if (!*changed)
        return ERR_OK;
    if (strcmp(topic, "snapshot") == 0)
        return apply_snapshot(mirror, world, value);

    const int64_t time = time_at(value, "time");
    mirror->time = time == TIME_NONE ? mirror->time : time;
    read_values(mirror, world, json_object_get(value, "values"), mirror->values);
    read_verdicts(mirror, world, json_object_get(value, "twins"));
    read_alarms(mirror, json_object_get(value, "alarms"), mirror->alarms, &mirror->alarm_count);
    return ERR_OK;
}

void mirror_show_live(const Mirror *mirror, World *world)
{
    for (uint32_t i = 0; i < mirror->value_count; i++) {
        WorldValue *shown = &world->values[i];
        const WorldValue *live = &mirror->values[i];
        shown->value = live->value;
        shown->measured = live->measured;
        shown->sd = live->sd;
        shown->quality = live->quality;
    }
    if (mirror->asset_count > 0)
        memcpy(world->alarms, mirror->alarms, mirror->alarm_count * sizeof *world->alarms);
    world->alarm_count = mirror->alarm_count;
    world->time = mirror->time;
    judge_assets(world, mirror->verdict);
    world->revision++;
}

void mirror_show_past(const Mirror *mirror, World *world, const json_t *moment)
{
    const int64_t time = time_at(moment, "time");
    if (mirror->asset_count == 0)
        return;
    for (uint32_t i = 0; i < mirror->value_count; i++)
        world->values[i] = (WorldValue){NAN, NAN, NAN, NAN, NAN, NAN, VALUE_GOOD};
    read_values(mirror, world, json_object_get(moment, "values"), world->values);
    world->alarm_count = 0;
    read_alarms(mirror, json_object_get(moment, "alarms"), world->alarms, &world->alarm_count);
    world->time = time == TIME_NONE ? world->time : time;
    world->ghost_time = TIME_NONE;
    judge_assets(world, NULL);
    world->revision++;
}

int64_t mirror_time(const Mirror *mirror)
{
    return mirror->time;
}

bool mirror_find(const Mirror *mirror, const char *tag, uint32_t *asset, uint16_t *channel)
{
    const json_t *number = json_object_get(mirror->tags, tag);
    if (!number)
        return false;
    const uint32_t value = (uint32_t)json_integer_value(number);
    *asset = mirror->asset_of[value];
    uint32_t first = value;
    while (first > 0 && mirror->asset_of[first - 1] == *asset)
        first--;
    *channel = (uint16_t)(value - first);
    return true;
}

void mirror_tag(const World *world, uint32_t asset, uint16_t channel, char out[static 2 * WORLD_NAME])
{
    snprintf(out, 2 * WORLD_NAME, "%s.%s", world->assets[asset].name, world_model(world, asset)->channels[channel].name);
}
