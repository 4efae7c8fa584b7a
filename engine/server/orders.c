/* orders.c -- what REST asks of actuators. Every way leads through the gate, and the answer comes when it has decided [I7]. docs/protocol.md, "Commands".
 *
 * PATCH takes a merge patch (RFC 7396) of what GET of the twin answers with. It must be done as a whole or not at all (RFC 5789), and a command that was
 * sent cannot be taken back: so a patch names one actuator. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/body.h"
#include "server/inside.h"
#include "server/put.h"
#include "server/routes.h"

enum { ORDER_MAX = 4096 };  // bytes of a body

// Asking the gate.

static void told_order(Server *server, const AskAnswer *answer, Reply *reply)
{
    (void)server;
    if (answer->status != 200) {
        reply_problem(reply, answer->status, "%s", answer->detail);
        return;
    }
    put_count(reply->body, "{", "command", answer->command);
    text_put(reply->body, "}");
}

/* What would become of it. */
static void told_rehearsal(Server *server, const AskAnswer *answer, Reply *reply)
{
    (void)server;
    if (answer->status != 200) {
        reply_problem(reply, answer->status, "%s", answer->detail);
        return;
    }
    put_count(reply->body, "{", "command", answer->command);
    put_string(reply->body, ",", "dry_run", answer->detail);
    text_put(reply->body, "}");
}

/* What may be set; false, and a refusal that says why: it may not. */
static bool check_actuator(const Server *server, TagId tag, Reply *reply)
{
    const TagName name = tags_name(server->plant->tags, tag);
    const Place place = plant_place(server->plant, tag);
    const ChannelKind kind = plant_model(server->plant, place.twin)->channels[place.channel].kind;
    switch (kind) {
    case CHANNEL_ACTUATOR:
        return true;
    case CHANNEL_SENSOR:
        reply_problem(reply, 409, "%s is measured: what an instrument shows is not set", name.text);
        return false;
    case CHANNEL_INPUT:
        reply_problem(reply, 409, "%s is an input: devices, connections or the plant's script say what it is", name.text);
        return false;
    case CHANNEL_PARAMETER:
        reply_problem(reply, 409, "%s is a parameter: change it in the plant's script, and POST /api/v1/reload", name.text);
        return false;
    default:
        reply_problem(reply, 409, "%s is estimated: it follows from the model and the samples. A scenario may ask what if (POST /api/v1/forecasts)", name.text);
        return false;
    }
}

static void order(Server *server, const Request *request, TagId tag, double value, const char *reason, bool dry_run, Reply *reply)
{
    if (!check_actuator(server, tag, reply))
        return;
    const Unit *unit = tags_get(server->plant->tags, tag).unit;
    ServerAsk ask = {.kind = SERVER_ASK_ACTUATE, .wish = {.tag = tag, .value = unit_to_si(unit, value), .dry_run = dry_run}};
    caller_sign(&request->caller, ask.wish.by, sizeof ask.wish.by);
    snprintf(ask.wish.reason, sizeof ask.wish.reason, "%s", reason ? reason : "");
    reply_ask(reply, &ask, dry_run ? told_rehearsal : told_order);
}

/* "value", "reason" and "dry_run" of a body. */
static void order_of_body(Server *server, const Request *request, TagId tag, const json_t *body, Reply *reply)
{
    const json_t *value = json_object_get(body, "value"), *reason = json_object_get(body, "reason"), *dry_run = json_object_get(body, "dry_run");
    if (!json_is_number(value) || !isfinite(json_number_value(value)))
        reply_problem(reply, 400, "value: expected a number");
    else if (reason && !json_is_string(reason))
        reply_problem(reply, 400, "reason: expected a text");
    else if (dry_run && !json_is_boolean(dry_run))
        reply_problem(reply, 400, "dry_run: expected true or false");
    else
        order(server, request, tag, json_number_value(value), json_string_value(reason), json_is_true(dry_run), reply);
}

// The ways to ask.

static void answer_command(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"tag", "value", "reason", "dry_run", NULL};
    json_t *body = body_object(request, reply);
    const char *name = json_string_value(json_object_get(body, "tag"));
    const TagId tag = name ? tags_find(server->plant->tags, name) : TAG_NONE;
    if (!body || !body_members(body, members, "tag, value, reason, dry_run", reply))
        ;
    else if (!name)
        reply_problem(reply, 400, "tag: expected the name of an actuator");
    else if (tag == TAG_NONE)
        reply_problem(reply, 404, "no tag \"%.100s\" in plant %s", name, server->plant->name);
    else
        order_of_body(server, request, tag, body, reply);
    json_decref(body);
}

/* The tag of a leaf; TAG_NONE, and a refusal, when there is none. */
static TagId find_leaf(const Server *server, const Request *request, Reply *reply)
{
    const int64_t twin = plant_find(server->plant, request->parts[0]);
    const int channel = twin < 0 ? -1 : model_find(plant_model(server->plant, (uint32_t)twin), request->parts[1]);
    if (twin < 0)
        reply_problem(reply, 404, "no twin \"%.100s\" in plant %s", request->parts[0], server->plant->name);
    else if (channel < 0)
        reply_problem(reply, 404, "no channel \"%.100s\" in twin %s", request->parts[1], request->parts[0]);
    return channel < 0 ? TAG_NONE : plant_tag(server->plant, (uint32_t)twin, (uint16_t)channel);
}

static void answer_leaf(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"value", "reason", "dry_run", NULL};
    const TagId tag = find_leaf(server, request, reply);
    json_t *body = tag == TAG_NONE ? NULL : body_object(request, reply);
    if (body && body_members(body, members, "value, reason, dry_run", reply))
        order_of_body(server, request, tag, body, reply);
    json_decref(body);
}

/* {"values":{"TWIN.CHANNEL":NUMBER}} */
static void order_of_patch(Server *server, const Request *request, const json_t *patch, Reply *reply)
{
    static const char *const members[] = {"values", NULL};
    const json_t *values = json_object_get(patch, "values");
    if (!body_members(patch, members, "values alone: time is the plant's own", reply))
        return;
    if (!json_is_object(values) || json_object_size(values) != 1) {
        reply_problem(reply, 400, "values: expected one actuator: a patch is done as a whole or not at all, and a command that was sent cannot be taken back");
        return;
    }
    void *member = json_object_iter((json_t *)values);
    const char *name = json_object_iter_key(member);
    const json_t *value = json_object_iter_value(member);
    const TagId tag = tags_find(server->plant->tags, name);
    if (tag == TAG_NONE || plant_place(server->plant, tag).twin != (uint32_t)plant_find(server->plant, request->parts[0]))
        reply_problem(reply, 404, "no tag \"%.100s\" in twin %s", name, request->parts[0]);
    else if (json_is_null(value))
        reply_problem(reply, 409, "%.100s: a value cannot be removed", name);
    else if (!json_is_number(value))
        reply_problem(reply, 400, "%.100s: expected a number", name);
    else
        order(server, request, tag, json_number_value(value), NULL, false, reply);
}

static void answer_patch(Server *server, const Request *request, Reply *reply)
{
    if (plant_find(server->plant, request->parts[0]) < 0) {
        reply_problem(reply, 404, "no twin \"%.100s\" in plant %s", request->parts[0], server->plant->name);
        return;
    }
    json_t *patch = body_is_patch(request, reply) ? body_object(request, reply) : NULL;
    if (patch)
        order_of_patch(server, request, patch, reply);
    json_decref(patch);
}

const Route order_routes[] = {
    {.method = "POST", .path = "/api/v1/commands", .right = RIGHT_COMMAND, .answer = answer_command, .body_max = ORDER_MAX},
    {.method = "PATCH", .path = "/api/v1/twins/*", .right = RIGHT_COMMAND, .answer = answer_patch, .body_max = ORDER_MAX},
    {.method = "PUT", .path = "/api/v1/twins/*/*", .right = RIGHT_COMMAND, .answer = answer_leaf, .body_max = ORDER_MAX},
    {.method = "POST", .path = "/api/v1/twins/*/*", .right = RIGHT_COMMAND, .answer = answer_leaf, .body_max = ORDER_MAX},
    {0},
};
