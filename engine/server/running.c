/* running.c -- how the engine runs: the plant's time where it can be held, and what the log tells. docs/protocol.md, "REST". */
#include <math.h>
#include <string.h>

#include "server/body.h"
#include "server/inside.h"
#include "server/put.h"
#include "server/routes.h"

enum { BODY_MAX = 1024, STEPS_MAX = 1000000 };
static const double SPEED_MAX = 1e6;

// The plant's time.

static void put_state_of_time(const Server *server, const ServerNow *now, bool paused, double speed, Reply *reply)
{
    const bool live = server->plant->clock == PLANT_CLOCK_UTC;
    put_time(reply->body, "{", "time", now->time);
    put_count(reply->body, ",", "tick", now->time == TIME_NONE ? 0 : (uint64_t)now->tick);
    put_number(reply->body, ",", "step", server->plant->step);
    put_string(reply->body, ",", "clock", live ? "utc" : "provider");
    text_format(reply->body, ",\"live\":%s,\"paused\":%s", live ? "true" : "false", paused ? "true" : "false");
    put_number(reply->body, ",", "speed", speed > 0 ? speed : NAN);
    text_put(reply->body, "}");
}

/* Before the first tick there is no time: null. */
static const ServerNow *now_of(Server *server)
{
    static const ServerNow nothing = {.time = TIME_NONE};
    const State *state = states_shown(&server->states);
    return state->sequence ? &state->now : &nothing;
}

static void answer_time(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const ServerNow *now = now_of(server);
    put_state_of_time(server, now, now->paused, now->speed_limit, reply);
}

/* What was asked for is so now; the numbers of ticks follow with them. */
static void told_time(Server *server, const AskAnswer *answer, Reply *reply)
{
    if (answer->status != 200)
        reply_problem(reply, answer->status, "%s", answer->detail);
    else
        put_state_of_time(server, now_of(server), reply->ask.time.paused, reply->ask.time.speed, reply);
}

/* "paused" and "speed" of a merge patch: what is not named stays. False, and a refusal: they are none. */
static bool read_tempo(const json_t *patch, ServerAsk *ask, Reply *reply)
{
    const json_t *paused = json_object_get(patch, "paused"), *speed = json_object_get(patch, "speed");
    if (paused && !json_is_boolean(paused)) {
        reply_problem(reply, 400, "paused: expected true or false");
        return false;
    }
    if (speed && !json_is_null(speed) && !(json_is_number(speed) && json_number_value(speed) > 0 && json_number_value(speed) <= SPEED_MAX)) {
        reply_problem(reply, 400, "speed: expected times real time, above 0 and at most %g, or null for as fast as it comes", SPEED_MAX);
        return false;
    }
    if (paused)
        ask->time.paused = json_is_true(paused);
    if (speed)
        ask->time.speed = json_number_value(speed);
    return true;
}

static void patch_time(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"paused", "speed", NULL};
    const ServerNow *now = now_of(server);
    ServerAsk ask = {.kind = SERVER_ASK_TIME, .time = {.paused = now->paused, .speed = now->speed_limit}};
    json_t *patch = body_is_patch(request, reply) ? body_object(request, reply) : NULL;
    if (patch && body_members(patch, members, "paused, speed", reply) && read_tempo(patch, &ask, reply))
        reply_ask(reply, &ask, told_time);
    json_decref(patch);
}

static void step_time(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"ticks", NULL};
    json_t *body = body_object(request, reply);
    const json_t *ticks = json_object_get(body, "ticks");
    if (!body || !body_members(body, members, "ticks", reply)) {
        json_decref(body);
        return;
    }
    if (!json_is_integer(ticks) || json_integer_value(ticks) < 1 || json_integer_value(ticks) > STEPS_MAX) {
        reply_problem(reply, 400, "ticks: expected a whole number from 1 to %d", STEPS_MAX);
    } else {
        const ServerAsk ask = {.kind = SERVER_ASK_TIME,
                               .time = {.paused = true, .speed = now_of(server)->speed_limit, .steps = (uint64_t)json_integer_value(ticks)}};
        reply_ask(reply, &ask, told_time);
    }
    json_decref(body);
}

// What the log tells.

static void answer_log(Server *server, const Request *request, Reply *reply)
{
    (void)server, (void)request;
    put_string(reply->body, "{", "level", log_level_name(log_level()));
    text_put(reply->body, "}");
}

static void put_log(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"level", NULL};
    LogLevel level;
    json_t *body = body_object(request, reply);
    const char *name = json_string_value(json_object_get(body, "level"));
    if (!body || !body_members(body, members, "level", reply))
        ;
    else if (!name || !log_level_find(name, &level))
        reply_problem(reply, 400, "level: expected debug, info, warning or error");
    else
        log_set_level(level);
    json_decref(body);
    if (reply->status == 200)
        answer_log(server, request, reply);
}

const Route running_routes[] = {
    {.method = "GET", .path = "/api/v1/time", .right = RIGHT_VIEW, .answer = answer_time},
    {.method = "PATCH", .path = "/api/v1/time", .right = RIGHT_CONFIGURE, .answer = patch_time, .body_max = BODY_MAX},
    {.method = "POST", .path = "/api/v1/time/step", .right = RIGHT_CONFIGURE, .answer = step_time, .body_max = BODY_MAX},
    {.method = "GET", .path = "/api/v1/log", .right = RIGHT_VIEW, .answer = answer_log},
    {.method = "PUT", .path = "/api/v1/log", .right = RIGHT_CONFIGURE, .answer = put_log, .body_max = BODY_MAX},
    {0},
};
