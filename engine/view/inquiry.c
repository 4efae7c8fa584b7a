#include "view/inquiry.h"

#include <stdio.h>
#include <string.h>

enum { GHOST_TAGS_MAX = 128, GHOST_MEMBERS = 64, FAN_MEMBERS = 200, FAN_POINTS = 60 };

// Questions.

void inquiry_put_tag(Text *out, const World *world, uint32_t asset, uint16_t channel)
{
    char tag[2 * WORLD_NAME];
    mirror_tag(world, asset, channel, tag);
    text_json_string(out, tag);
}

static void put_changes(Text *out, const World *world, const WhatIf *changes, size_t count)
{
    text_put(out, ",\"changes\":{");
    for (size_t i = 0; i < count; i++) {
        text_put(out, i ? "," : "");
        inquiry_put_tag(out, world, changes[i].asset, changes[i].channel);
        text_put(out, ":");
        text_json_number(out, changes[i].value);
    }
    text_put(out, "}");
}

void inquiry_put_forecast(Text *out, const World *world, const ForecastAsk *ask)
{
    text_format(out, "{\"name\":\"view\",\"members\":%d,\"points\":%d,\"quantiles\":[10,50,90],\"horizon\":", FAN_MEMBERS, FAN_POINTS);
    text_json_number(out, ask->horizon);
    text_put(out, ",\"tags\":[");
    for (size_t i = 0; i < ask->channel_count; i++) {
        text_put(out, i ? "," : "");
        inquiry_put_tag(out, world, ask->asset, ask->channels[i]);
    }
    text_put(out, "]");
    if (ask->change_count > 0) {
        text_put(out, ",\"alternatives\":[{\"name\":\"what if\"");
        put_changes(out, world, ask->changes, ask->change_count);
        text_put(out, "}]");
    }
    text_put(out, "}");
}

/* Which channels a body shows by its form. */
static size_t ghost_channels(const WorldModel *model, uint16_t out[2])
{
    size_t count = 0;
    if (model->look.fill != WORLD_NONE)
        out[count++] = model->look.fill;
    if (model->look.heat != WORLD_NONE && model->look.heat != model->look.fill)
        out[count++] = model->look.heat;
    return count;
}

size_t inquiry_put_ghosts(Text *out, const World *world, double horizon, const WhatIf *changes, size_t change_count)
{
    size_t tags = 0;
    text_format(out, "{\"name\":\"ghosts\",\"members\":%d,\"points\":1,\"quantiles\":[10,50,90],\"horizon\":", GHOST_MEMBERS);
    text_json_number(out, horizon);
    text_put(out, ",\"tags\":[");
    for (uint32_t asset = 0; asset < world->asset_count && tags < GHOST_TAGS_MAX; asset++) {
        uint16_t channels[2];
        const size_t count = world->assets[asset].first == WORLD_VALUE_NONE ? 0 : ghost_channels(world_model(world, asset), channels);
        for (size_t i = 0; i < count && tags < GHOST_TAGS_MAX; i++) {
            text_put(out, tags++ ? "," : "");
            inquiry_put_tag(out, world, asset, channels[i]);
        }
    }
    text_put(out, "]");
    if (change_count > 0)
        put_changes(out, world, changes, change_count);
    text_put(out, "}");
    return tags;
}

// Answers.

static Err add_points(Answer *answer, WorldSeries *series, size_t count)
{
    series->times = arena_new(&answer->arena, int64_t, count + 1);
    series->values = arena_new(&answer->arena, double, count + 1);
    series->low = arena_new(&answer->arena, double, count + 1);
    series->high = arena_new(&answer->arena, double, count + 1);
    series->count = count;
    return series->times && series->values && series->low && series->high ? ERR_OK : ERR_MEMORY;
}

static double at(const json_t *array, size_t index)
{
    return mirror_number(json_array_get(array, index));
}

Err inquiry_read_history(const Mirror *mirror, const json_t *json, Answer *answer)
{
    const char *tag;
    json_t *item;
    const json_t *all = json_object_get(json, "series");
    answer->series = arena_new(&answer->arena, WorldSeries, json_object_size(all) + 1);
    if (!answer->series)
        return ERR_MEMORY;
    json_object_foreach((json_t *)all, tag, item) {
        WorldSeries *series = &answer->series[answer->series_count];
        const json_t *times = json_object_get(item, "time"), *values = json_object_get(item, "value"), *low = json_object_get(item, "min"),
                     *high = json_object_get(item, "max");
        if (!mirror_find(mirror, tag, &series->asset, &series->channel))
            continue;
        if (add_points(answer, series, json_array_size(times)))
            return ERR_MEMORY;
        for (size_t i = 0; i < series->count; i++) {
            series->times[i] = json_integer_value(json_array_get(times, i));
            series->values[i] = at(values, i);
            series->low[i] = low ? at(low, i) : series->values[i];
            series->high[i] = high ? at(high, i) : series->values[i];
        }
        answer->series_count++;
    }
    return ERR_OK;
}

/* When a forecast begins; its `time` is a text in any case. */
static int64_t begin_of(const json_t *result)
{
    const char *text = json_string_value(json_object_get(result, "time"));
    int64_t time;
    return text && time_parse(text, strlen(text), &time) ? time : TIME_NONE;
}

/* Three quantiles were asked for: `quantiles` has an array over the times for each. */
static Err read_fan(const Mirror *mirror, const json_t *item, const json_t *times, int64_t begin, bool whatif, Answer *answer)
{
    WorldSeries *series = &answer->series[answer->series_count];
    const char *tag = json_string_value(json_object_get(item, "tag"));
    const json_t *quantiles = json_object_get(item, "quantiles");
    if (!tag || json_array_size(quantiles) != 3 || !mirror_find(mirror, tag, &series->asset, &series->channel))
        return ERR_OK;
    if (add_points(answer, series, json_array_size(times)))
        return ERR_MEMORY;
    for (size_t i = 0; i < series->count; i++) {
        series->times[i] = begin + (int64_t)(at(times, i) * 1e9);
        series->low[i] = at(json_array_get(quantiles, 0), i);
        series->values[i] = at(json_array_get(quantiles, 1), i);
        series->high[i] = at(json_array_get(quantiles, 2), i);
    }
    series->whatif = whatif;
    answer->series_count++;
    return ERR_OK;
}

Err inquiry_read_forecast(const Mirror *mirror, const json_t *json, Answer *answer)
{
    const json_t *result = json_object_get(json, "result"), *cases = json_object_get(result, "cases"), *times = json_object_get(result, "times");
    const int64_t begin = begin_of(result);
    size_t total = 0;
    for (size_t c = 0; c < json_array_size(cases); c++)
        total += json_array_size(json_object_get(json_array_get(cases, c), "series"));
    if (begin == TIME_NONE)
        return ERR_PARSE;
    answer->series = arena_new(&answer->arena, WorldSeries, total + 1);
    if (!answer->series)
        return ERR_MEMORY;
    for (size_t c = 0; c < json_array_size(cases); c++) {
        const json_t *all = json_object_get(json_array_get(cases, c), "series");
        for (size_t i = 0; i < json_array_size(all); i++)
            if (read_fan(mirror, json_array_get(all, i), times, begin, c > 0, answer))
                return ERR_MEMORY;
    }
    return ERR_OK;
}
