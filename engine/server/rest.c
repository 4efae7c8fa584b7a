/* rest.c -- what is now: each resource is one function, and the newest numbers come from the State. docs/protocol.md, "REST". */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "server/args.h"
#include "server/inside.h"
#include "server/routes.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000 };
#define ALIVE_NS (5 * NS_PER_S)
#define BACKLOG_NS (10 * NS_PER_S)

static void answer_plant(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    frame_snapshot(reply->body, server->plant, states_shown(&server->states), &server->journal, NULL);
    reply_tag(reply);
}

static void put_time(Text *out, const State *state)
{
    text_put(out, "{\"time\":");
    frame_time(out, state->sequence ? state->now.time : TIME_NONE);
}

/* What is looked at is shown from the next tick on. NULL, and a refusal, where the numbers of a twin have to be waited for. */
static const State *look_at(Server *server, uint32_t twin, Reply *reply)
{
    states_watch(&server->states, twin);
    const State *state = states_shown(&server->states);
    if (state_slot(state, twin) >= 0)
        return state;
    reply_problem(reply, 503, "nobody has looked at %s yet: its values come with one of the next ticks, ask again then", server->plant->twins[twin].name);
    return NULL;
}

static void put_twin(Server *server, const State *state, uint32_t twin, Reply *reply)
{
    const Plant *plant = server->plant;
    const Model *model = plant_model(plant, twin);
    put_time(reply->body, state);
    text_put(reply->body, ",\"values\":{");
    for (uint16_t i = 0; i < model->channel_count && state->sequence; i++) {
        const TagId tag = plant_tag(plant, twin, i);
        text_put(reply->body, i ? "," : "");
        text_json_string(reply->body, tags_name(plant->tags, tag).text);
        text_put(reply->body, ":");
        frame_reading(reply->body, plant, tag, states_reading(&server->states, state, tag));
    }
    text_put(reply->body, "}}");
}

static void put_leaf(Server *server, const State *state, TagId tag, Text *out)
{
    const Reading none = {NAN, NAN, TIME_NONE, QUALITY_GOOD};
    frame_leaf_of(out, server->plant, state, tag, state->sequence ? states_reading(&server->states, state, tag) : &none);
}

/* One twin of a list; `number` is its place among all, as on the map of health. */
static void put_listed(Text *out, const Plant *plant, uint32_t twin, bool first)
{
    text_put(out, first ? "{\"name\":" : ",{\"name\":");
    text_json_string(out, plant->twins[twin].name);
    text_put(out, ",\"model\":");
    text_json_string(out, plant_model(plant, twin)->name);
    text_format(out, ",\"number\":%" PRIu32 "}", twin);
}

/* Where a page begins: behind the twin `after`, or at number `from`. False when it was refused. */
static bool read_first(const Plant *plant, const Request *request, uint32_t *first, Reply *reply)
{
    const char *after = request_arg(request, "after");
    const int64_t before = after ? plant_find(plant, after) : -1;
    size_t from = 0;
    if (after && before < 0) {
        reply_problem(reply, 404, "after: no twin \"%.100s\" in plant %s", after, plant->name);
        return false;
    }
    if (!after && !args_whole(request, "from", 0, plant->twin_count, &from, reply))
        return false;
    *first = after ? (uint32_t)(before + 1) : (uint32_t)from;
    return true;
}

/* The names of twins, page by page, of all or of those with `find` in their names. */
static void answer_list(Server *server, const Request *request, Reply *reply)
{
    const Plant *plant = server->plant;
    const char *find = request_arg(request, "find");
    size_t limit, listed = 0;
    uint32_t twin, last = 0;
    if (!args_count(request, "limit", LIST_DEFAULT, LIST_MAX, &limit, reply) || !read_first(plant, request, &twin, reply))
        return;

    // one more is looked for, so that a last page knows that it is the last
    text_format(reply->body, "{\"count\":%" PRIu32 ",\"twins\":[", plant->twin_count);
    for (; twin < plant->twin_count && listed <= limit; twin++) {
        if (find && !strcasestr(plant->twins[twin].name, find))
            continue;
        if (listed++ == limit)
            break;
        put_listed(reply->body, plant, twin, listed == 1);
        last = twin;
    }
    text_put(reply->body, "],\"next\":");
    if (listed > limit) {
        text_json_string(reply->body, plant->twins[last].name);
        reply_next(reply, request, "after", plant->twins[last].name);
    } else {
        text_put(reply->body, "null");
    }
    text_put(reply->body, "}");
}

/* A byte of Health per twin: verdicts and quarantine, and over them the alarms that are active. NULL when there is no memory. */
static uint8_t *gather_health(const Server *server, const State *state)
{
    const Plant *plant = server->plant;
    const Journal *journal = &server->journal;
    uint8_t *health = mem_alloc(plant->twin_count + 1u);
    for (uint32_t twin = 0; twin < plant->twin_count && health; twin++)
        health[twin] = (uint8_t)state_health(state, plant, twin);
    for (size_t i = 0; i < journal->alarm_count && health; i++) {
        const Alarm *alarm = &journal->alarms[i];
        const bool active = (alarm->state == ALARM_RAISED || alarm->state == ALARM_ACKNOWLEDGED) && !alarm_is_aside(alarm);
        if (active && strcmp(alarm->name, "divergence") != 0 && health[alarm->twin] < HEALTH_ALARM)
            health[alarm->twin] = HEALTH_ALARM;
    }
    return health;
}

/* How all twins fare, in runs: how many, and how, in the order of their numbers. Most of a fleet is calm, so that is short. */
static void answer_map(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const uint32_t count = server->plant->twin_count;
    uint8_t *health = gather_health(server, states_shown(&server->states));
    if (!health) {
        reply_problem(reply, 503, "no memory for the answer");
        return;
    }
    text_format(reply->body, "{\"count\":%" PRIu32 ",\"runs\":[", count);
    for (uint32_t first = 0, end = 0; first < count; first = end) {
        while (end < count && health[end] == health[first])
            end++;
        text_format(reply->body, "%s%" PRIu32 ",%u", first ? "," : "", end - first, health[first]);
    }
    text_put(reply->body, "]}");
    mem_free(health);

    reply_tag(reply);
}

/* The numbers of a twin that a request names. NULL, and a refusal: there are none. */
static const State *find_twin(Server *server, const Request *request, uint32_t *out, Reply *reply)
{
    const Plant *plant = server->plant;
    const int64_t twin = plant_find(plant, request->parts[0]);
    if (twin < 0) {
        reply_problem(reply, 404, "no twin \"%.100s\" in plant %s", request->parts[0], plant->name);
        return NULL;
    }
    *out = (uint32_t)twin;
    return look_at(server, *out, reply);
}

static void answer_twin(Server *server, const Request *request, Reply *reply)
{
    uint32_t twin;
    const State *state = find_twin(server, request, &twin, reply);
    if (state)
        put_twin(server, state, twin, reply);
}

static void answer_leaf(Server *server, const Request *request, Reply *reply)
{
    uint32_t twin;
    const State *state = find_twin(server, request, &twin, reply);
    if (!state)
        return;
    const int channel = model_find(plant_model(server->plant, twin), request->parts[1]);
    if (channel < 0)
        reply_problem(reply, 404, "no channel \"%.100s\" in twin %s", request->parts[1], request->parts[0]);
    else
        put_leaf(server, state, plant_tag(server->plant, twin, (uint16_t)channel), reply->body);
}

static void put_ok(Reply *reply)
{
    reply->type = "text/plain; charset=utf-8";
    text_put(reply->body, "ok");
}

static void answer_health(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const int64_t silence = clock_system.elapsed_ns(clock_system.self) - server->alive_at;
    if (silence > ALIVE_NS)
        reply_problem(reply, 503, "the tick has not been heard of for %.0f s", (double)silence / 1e9);
    else
        put_ok(reply);
}

/* Alive, keeping up, and its history is written. A plant whose devices are still to come is ready for them. */
static void answer_ready(Server *server, const Request *request, Reply *reply)
{
    const ServerNow *now = &states_shown(&server->states)->now;
    answer_health(server, request, reply);
    if (reply->status != 200)
        return;
    if (now->backlog_ns > BACKLOG_NS)
        reply_problem(reply, 503, "the tick is %.0f s behind with %" PRIu64 " samples", (double)now->backlog_ns / 1e9, now->backlog_samples);
    else if (now->history_errors)
        reply_problem(reply, 503, "the history cannot be written: %" PRIu64 " commits have failed", now->history_errors);
}

static void answer_reload(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    text_put(reply->body, "{\"script_error\":");
    frame_refusal(reply->body, states_shown(&server->states));
    text_put(reply->body, "}");
}

static void told_reload(Server *server, const AskAnswer *answer, Reply *reply)
{
    (void)server;
    if (answer->status != 200) {
        reply_problem(reply, answer->status, "%s", answer->detail);
        return;
    }
    text_put(reply->body, "{\"detail\":");
    text_json_string(reply->body, answer->detail);
    text_put(reply->body, "}");
}

static void ask_reload(Server *server, const Request *request, Reply *reply)
{
    (void)server, (void)request;
    reply_ask(reply, &(ServerAsk){.kind = SERVER_ASK_RELOAD}, told_reload);
}

static void answer_upgrade(Server *server, const Request *request, Reply *reply)
{
    (void)server, (void)request;
    reply_problem(reply, 426, "this is a WebSocket of subprotocol %s", SUBPROTOCOL);
}

const Route rest_routes[] = {
    {.method = "GET", .path = "/api/v1/plant", .right = RIGHT_VIEW, .answer = answer_plant},
    {.method = "GET", .path = "/api/v1/twins", .right = RIGHT_VIEW, .answer = answer_list},
    {.method = "GET", .path = "/api/v1/twins/*", .right = RIGHT_VIEW, .answer = answer_twin},
    {.method = "GET", .path = "/api/v1/twins/*/*", .right = RIGHT_VIEW, .answer = answer_leaf},
    {.method = "GET", .path = "/api/v1/health", .right = RIGHT_VIEW, .answer = answer_map},
    {.method = "GET", .path = "/api/v1/reload", .right = RIGHT_VIEW, .answer = answer_reload},
    {.method = "POST", .path = "/api/v1/reload", .right = RIGHT_CONFIGURE, .answer = ask_reload},
    {.method = "GET", .path = "/api/v1/ws", .right = RIGHT_NONE, .answer = answer_upgrade},
    {.method = "GET", .path = "/healthz", .right = RIGHT_NONE, .answer = answer_health},
    {.method = "GET", .path = "/readyz", .right = RIGHT_NONE, .answer = answer_ready},
    {0},
};
