/* standing.c -- modes of actuators and fail-safe values: who may command, and when the plant is to be safe. docs/protocol.md, "Modes and fail-safe values". */
#include <stdio.h>
#include <string.h>

#include "server/body.h"
#include "server/inside.h"
#include "server/routes.h"

enum { STANDING_MAX = 4096 };  // bytes of a body

static void answer_gate(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    frame_gate(reply->body, server->plant, states_shown(&server->states), NULL);
}

static void told_standing(Server *server, const AskAnswer *answer, Reply *reply)
{
    (void)server;
    if (answer->status != 200)
        reply_problem(reply, answer->status, "%s", answer->detail);
    else
        reply->status = 204;  // it is so with the next tick
}

/* Ask the tick for it, in the name of whoever asks; "reason" of the body says why. */
static void ask_gate(const Request *request, const json_t *body, GateAct act, Reply *reply)
{
    const json_t *reason = json_object_get(body, "reason");
    if (reason && !json_is_string(reason)) {
        reply_problem(reply, 400, "reason: expected a text");
        return;
    }
    ServerAsk ask = {.kind = SERVER_ASK_GATE, .gate = act};
    ask.gate.may_block = role_may(request->caller.role, RIGHT_CONFIGURE);
    caller_sign(&request->caller, ask.gate.by, sizeof ask.gate.by);
    snprintf(ask.gate.reason, sizeof ask.gate.reason, "%s", reason ? json_string_value(reason) : "");
    reply_ask(reply, &ask, told_standing);
}

static void patch_mode(const Request *request, const json_t *patch, TagId tag, Reply *reply)
{
    GateAct act = {.kind = GATE_ACT_MODE, .tag = tag};
    const char *mode = json_string_value(json_object_get(patch, "mode"));
    if (!mode || !actuator_mode_parse(mode, &act.mode))
        reply_problem(reply, 400, "mode: expected \"automatic\", \"manual\" or \"blocked\"");
    else
        ask_gate(request, patch, act, reply);
}

static void answer_mode(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"mode", "reason", NULL};
    const TagId tag = tags_find(server->plant->tags, request->parts[0]);
    if (tag == TAG_NONE) {
        reply_problem(reply, 404, "no tag \"%.100s\" in plant %s", request->parts[0], server->plant->name);
        return;
    }
    json_t *patch = body_is_patch(request, reply) ? body_object(request, reply) : NULL;
    if (patch && body_members(patch, members, "mode, reason", reply))
        patch_mode(request, patch, tag, reply);
    json_decref(patch);
}

/* {"tag":"valve1.opening","reason":"fire drill"}: without a tag all of them. */
static void answer_fail_safe(Server *server, const Request *request, GateActKind kind, Reply *reply)
{
    static const char *const members[] = {"tag", "reason", NULL};
    json_t *body = body_object(request, reply);
    const json_t *named = json_object_get(body, "tag");
    const TagId tag = json_is_string(named) ? tags_find(server->plant->tags, json_string_value(named)) : TAG_NONE;
    if (!body || !body_members(body, members, "tag, reason", reply))
        ;
    else if (named && !json_is_string(named))
        reply_problem(reply, 400, "tag: expected the name of an actuator, or nothing for all");
    else if (named && tag == TAG_NONE)
        reply_problem(reply, 404, "no tag \"%.100s\" in plant %s", json_string_value(named), server->plant->name);
    else
        ask_gate(request, body, (GateAct){.kind = kind, .tag = tag}, reply);
    json_decref(body);
}

static void answer_hold(Server *server, const Request *request, Reply *reply)
{
    answer_fail_safe(server, request, GATE_ACT_HOLD, reply);
}

static void answer_release(Server *server, const Request *request, Reply *reply)
{
    answer_fail_safe(server, request, GATE_ACT_RELEASE, reply);
}

const Route gate_routes[] = {
    {.method = "GET", .path = "/api/v1/gate", .right = RIGHT_VIEW, .answer = answer_gate},
    {.method = "PATCH", .path = "/api/v1/gate/*", .right = RIGHT_COMMAND, .answer = answer_mode, .body_max = STANDING_MAX},
    {.method = "POST", .path = "/api/v1/failsafe", .right = RIGHT_COMMAND, .answer = answer_hold, .body_max = STANDING_MAX},
    {.method = "POST", .path = "/api/v1/failsafe/release", .right = RIGHT_COMMAND, .answer = answer_release, .body_max = STANDING_MAX},
    {0},
};
