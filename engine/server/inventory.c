/* inventory.c -- what a plant is made of: itself, its models, and the devices that it is bound to. docs/protocol.md, "REST". */
#include <stdio.h>
#include <string.h>

#include "server/inside.h"
#include "server/put.h"
#include "server/routes.h"

// The plant.

static void answer_plants(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const Plant *plant = server->plant;
    put_string(reply->body, "[{", "name", plant->name);
    put_string(reply->body, ",", "doc", plant->doc);
    put_number(reply->body, ",", "step", plant->step);
    put_string(reply->body, ",", "clock", plant->clock == PLANT_CLOCK_PROVIDER ? "provider" : "utc");
    put_count(reply->body, ",", "twin_count", plant->twin_count);
    put_count(reply->body, ",", "model_count", plant->model_count);
    put_key(reply->body, ",", "acts");
    frame_acts(reply->body, plant);
    put_string(reply->body, ",", "href", "/api/v1/plant");
    text_put(reply->body, "}]");
    reply_tag(reply);
}

// Models.

static uint32_t count_twins(const Plant *plant, const Model *model)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plant->block_count; i++)
        if (plant->blocks[i].model == model)
            count += plant->blocks[i].lanes;
    return count;
}

static void put_model_head(Text *out, const Plant *plant, const Model *model)
{
    put_string(out, "{", "name", model->name);
    put_string(out, ",", "doc", model->doc);
    put_count(out, ",", "twin_count", count_twins(plant, model));
}

static void answer_models(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    text_put(reply->body, "[");
    for (uint32_t i = 0; i < server->plant->model_count; i++) {
        text_put(reply->body, i ? "," : "");
        put_model_head(reply->body, server->plant, server->plant->models[i]);
        text_put(reply->body, "}");
    }
    text_put(reply->body, "]");
    reply_tag(reply);
}

/* A bound that is none is null. */
static void put_model_channel(Text *out, const Model *model, const Channel *channel)
{
    put_string(out, "{", "name", channel->name);
    put_string(out, ",", "kind", channel_kind_name(channel->kind));
    put_string(out, ",", "unit", unit_name(channel->unit));
    put_string(out, ",", "doc", channel->doc);
    put_number(out, ",", "min", unit_from_si(channel->unit, channel->min));
    put_number(out, ",", "max", unit_from_si(channel->unit, channel->max));
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (&model->channels[model->sensors[i].channel] == channel && model->sensors[i].of != UINT16_MAX)
            put_string(out, ",", "of", model->channels[model->sensors[i].of].name);
    text_put(out, "}");
}

static void put_model_alarm(Text *out, const Model *model, const AlarmDef *alarm)
{
    const Channel *channel = &model->channels[alarm->channel];
    put_string(out, "{", "name", alarm->name);
    put_string(out, ",", "channel", channel->name);
    put_string(out, ",", "side", alarm->side == LIMIT_HIGH ? "high" : "low");
    put_number(out, ",", "limit", unit_from_si(channel->unit, alarm->limit));
    put_string(out, ",", "unit", unit_name(channel->unit));
    put_number(out, ",", "hold", alarm->hold);
    put_string(out, ",", "severity", severity_name(alarm->severity));
    text_put(out, "}");
}

/* Who runs the program that takes most of the time, and why not somebody faster. */
static void put_runner(Text *out, const Model *model)
{
    ErrText why = {0};
    put_string(out, ",\"codegen\":{", "runner", program_runner(model->filter.members ? &model->move : &model->predict, &why));
    put_string(out, ",", "why", why.text);
    text_put(out, "}");
}

static void put_model(Text *out, const Plant *plant, const Model *model)
{
    put_model_head(out, plant, model);
    put_runner(out, model);
    text_put(out, ",\"channels\":[");
    for (uint16_t i = 0; i < model->channel_count; i++) {
        text_put(out, i ? "," : "");
        put_model_channel(out, model, &model->channels[i]);
    }
    text_put(out, "],\"alarms\":[");
    for (uint16_t i = 0; i < model->alarm_count; i++) {
        text_put(out, i ? "," : "");
        put_model_alarm(out, model, &model->alarms[i]);
    }
    text_put(out, "]}");
}

static void answer_model(Server *server, const Request *request, Reply *reply)
{
    const Plant *plant = server->plant;
    for (uint32_t i = 0; i < plant->model_count; i++)
        if (strcmp(plant->models[i]->name, request->parts[0]) == 0) {
            put_model(reply->body, plant, plant->models[i]);
            reply_tag(reply);
            return;
        }
    reply_problem(reply, 404, "no model \"%.100s\" in plant %s", request->parts[0], plant->name);
}

// Connectors, and devices that have come.

static void answer_connectors(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const State *state = states_shown(&server->states);
    text_put(reply->body, "[");
    for (size_t i = 0; i < state->now.connection_count; i++) {
        text_put(reply->body, i ? "," : "");
        frame_connection(reply->body, &state->connections[i]);
    }
    text_put(reply->body, "]");
}

static void answer_connector(Server *server, const Request *request, Reply *reply)
{
    const State *state = states_shown(&server->states);
    for (size_t i = 0; i < state->now.connection_count; i++)
        if (strcmp(state->connections[i].name, request->parts[0]) == 0) {
            frame_connection(reply->body, &state->connections[i]);
            return;
        }
    reply_problem(reply, 404, "no connector and no device that has come is called \"%.100s\"", request->parts[0]);
}

const Route inventory_routes[] = {
    {.method = "GET", .path = "/api/v1/plants", .right = RIGHT_VIEW, .answer = answer_plants},
    {.method = "GET", .path = "/api/v1/models", .right = RIGHT_VIEW, .answer = answer_models},
    {.method = "GET", .path = "/api/v1/models/*", .right = RIGHT_VIEW, .answer = answer_model},
    {.method = "GET", .path = "/api/v1/connectors", .right = RIGHT_VIEW, .answer = answer_connectors},
    {.method = "GET", .path = "/api/v1/connectors/*", .right = RIGHT_VIEW, .answer = answer_connector},
    {0},
};
