#include "view/feed_remote.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/inquiry.h"
#include "view/line.h"
#include "view/mirror.h"
#include "view/rest.h"

enum {
    MESSAGES_A_FRAME = 32,
    ASKS_MAX = 32,        // without an answer
    ORDERS_MAX = 16,      // commands whose end is waited for
    ANSWERS_MAX = 64,
    ASK_S = 10,
    FORECAST_S = 40,
};
static const int64_t GHOST_PAUSE_NS = 2 * NS_PER_S, ORDER_PATIENCE_NS = 20 * NS_PER_S, SPAN_PAUSE_NS = 2 * NS_PER_S;

typedef enum AskKind { ASK_NONE, ASK_PERMISSIONS, ASK_SPAN, ASK_MOMENT, ASK_GHOSTS, ASK_SERIES, ASK_FORECAST, ASK_ACKNOWLEDGE, ASK_COMMAND } AskKind;

typedef struct Ask {
    AskKind kind;
    uint64_t ticket;  // of REST; of those that people ask it is theirs too
    uint64_t shape;   // of the world that it was asked for
    bool past;        // of a moment
} Ask;

/* A command that the gate has let through, until it has ended. */
typedef struct Order {
    uint64_t ticket, command;
    int64_t since;  // elapsed time
} Order;

/* How a command has ended; that may be told before the answer that names it. */
typedef struct Ended {
    uint64_t command;
    bool done;
    char text[WORLD_TEXT];
} Ended;

typedef struct Remote {
    Endpoint address;
    Line *line;
    Rest *rest;
    Mirror *mirror;
    bool has_key, told;   // the last known world has come
    uint32_t connection;  // that permissions were asked for
    unsigned can;
    char user[WORLD_NAME];

    uint64_t last_ticket;
    Ask asks[ASKS_MAX];
    Order orders[ORDERS_MAX];
    Ended ended[ORDERS_MAX];  // the newest
    size_t ended_count;       // for ever
    Answer answers[ANSWERS_MAX];
    size_t answer_count;

    WorldMode wish;       // live, paused or past
    int64_t wish_time;
    bool moment_due, moment_asked, shown_past;
    int64_t history_from;
    int64_t span_at;      // elapsed time at which that is asked for next, until it is known

    double horizon;
    WhatIf change;        // with which ghosts are wanted
    size_t change_count;  // 0 or 1
    uint64_t shape;       // of the newest world, as asks that come between two frames need it
    World *world;         // borrowed: of the last poll
    int64_t ghosts_at;    // elapsed time at which they are asked for next
    bool ghosts_asked;
} Remote;

static int64_t now(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

// What was asked.

static Ask *free_ask(Remote *remote)
{
    for (Ask *ask = remote->asks; ask < remote->asks + ASKS_MAX; ask++)
        if (ask->kind == ASK_NONE)
            return ask;
    return NULL;
}

static uint64_t ask(Remote *remote, AskKind kind, const char *method, const char *path, const char *body, long seconds)
{
    Ask *place = free_ask(remote);
    if (!place || !rest_ask(remote->rest, remote->last_ticket + 1, method, path, body, seconds))
        return 0;
    *place = (Ask){.kind = kind, .ticket = ++remote->last_ticket, .shape = remote->shape};
    return place->ticket;
}

static Answer *new_answer(Remote *remote, uint64_t ticket, AnswerKind kind)
{
    if (remote->answer_count == ANSWERS_MAX)
        return NULL;
    Answer *answer = &remote->answers[remote->answer_count++];
    *answer = (Answer){.ticket = ticket, .kind = kind};
    return answer;
}

static void answer_with(Remote *remote, uint64_t ticket, AnswerKind kind, bool failed, const char *text)
{
    Answer *answer = new_answer(remote, ticket, kind);
    if (!answer)
        return;
    answer->failed = failed;
    snprintf(answer->text, sizeof answer->text, "%s", text);
}

// WorldSeries and forecasts.

/* What a forecast has not come to says itself. */
static const char *forecast_error(const RestAnswer *answer)
{
    const char *error = json_string_value(json_object_get(answer->json, "error"));
    return answer->text[0] ? answer->text : error ? error : "the forecast has taken too long";
}

static uint64_t forecast(void *self, const ForecastAsk *wish)
{
    Remote *remote = self;
    const World *world = remote->world;
    Text body = {0};
    if (!world || wish->asset >= world->asset_count || wish->channel_count == 0)
        return 0;
    inquiry_put_forecast(&body, world, wish);
    const uint64_t ticket = body.failed ? 0 : ask(remote, ASK_FORECAST, "POST", "/api/v1/forecasts?wait=30&patience=30", body.bytes, FORECAST_S);
    text_fini(&body);
    return ticket;
}

static uint64_t series(void *self, const SeriesAsk *wish)
{
    Remote *remote = self;
    char path[512], tag[2 * WORLD_NAME], from[32], to[32];
    if (!remote->world || wish->asset >= remote->world->asset_count)
        return 0;
    mirror_tag(remote->world, wish->asset, wish->channel, tag);
    time_format(wish->from, from);
    time_format(wish->to, to);
    snprintf(path, sizeof path, "/api/v1/history?tags=%s&from=%s&to=%s&points=%zu", tag, from, to, wish->points);
    return ask(remote, ASK_SERIES, "GET", path, NULL, ASK_S);
}

// Ghosts: where everything that is looked at will be.

static void ask_ghosts(Remote *remote, const World *world)
{
    Text body = {0};
    const size_t tags = inquiry_put_ghosts(&body, world, remote->horizon, &remote->change, remote->change_count);
    if (tags > 0 && !body.failed)
        remote->ghosts_asked = ask(remote, ASK_GHOSTS, "POST", "/api/v1/forecasts?wait=30&patience=30", body.bytes, FORECAST_S) != 0;
    remote->ghosts_at = now() + GHOST_PAUSE_NS;
    text_fini(&body);
}

static void clear_ghosts(World *world)
{
    for (uint32_t i = 0; i < world->value_count; i++)
        world->values[i].low = world->values[i].middle = world->values[i].high = NAN;
    world->ghost_time = TIME_NONE;
    world->revision++;
}

static void take_ghosts(Remote *remote, World *world, const json_t *json)
{
    Answer answer = {.ticket = 0};
    if (world->mode != WORLD_PAST && remote->horizon > 0 && inquiry_read_forecast(remote->mirror, json, &answer) == ERR_OK && answer.series_count > 0) {
        clear_ghosts(world);
        for (size_t i = 0; i < answer.series_count; i++) {
            const WorldSeries *fan = &answer.series[i];
            WorldValue *value = &world->values[world->assets[fan->asset].first + fan->channel];
            const size_t last = fan->count - 1;
            if (fan->count == 0)
                continue;
            value->low = (float)fan->low[last];
            value->middle = (float)fan->values[last];
            value->high = (float)fan->high[last];
            world->ghost_time = fan->times[last];
        }
    }
    answer_fini(&answer);
}

static void look(void *self, const SourceInterest *interest)
{
    Remote *remote = self;
    const bool other = interest->change_count != remote->change_count || (interest->change_count > 0 && interest->changes[0].value != remote->change.value);
    if (interest->horizon != remote->horizon || other)
        remote->ghosts_at = 0;
    remote->horizon = interest->horizon;
    remote->change_count = interest->change_count > 0;
    if (remote->change_count > 0)
        remote->change = interest->changes[0];
}

// The past.

static void show(void *self, WorldMode mode, int64_t time)
{
    Remote *remote = self;
    remote->wish = mode;
    remote->wish_time = time;
    remote->moment_due = mode == WORLD_PAST;
}

/* One at a time: of those that are wished for meanwhile the last is asked for next. */
static void ask_moment(Remote *remote)
{
    char path[128], text[32];
    if (!remote->moment_due || remote->moment_asked)
        return;
    time_format(remote->wish_time, text);
    snprintf(path, sizeof path, "/api/v1/snapshot?times=ns&at=%s", text);
    remote->moment_asked = ask(remote, ASK_MOMENT, "GET", path, NULL, ASK_S) != 0;
    remote->moment_due = !remote->moment_asked;
}

/* The oldest point that there is: `from` the beginning of time, in so few pieces that it costs nothing. At first there may be none. */
static void ask_span(Remote *remote, const World *world)
{
    char path[512], tag[2 * WORLD_NAME];
    if (now() < remote->span_at)
        return;
    remote->span_at = remote->history_from == TIME_NONE ? now() + SPAN_PAUSE_NS : INT64_MAX;
    for (uint32_t asset = 0; asset < world->asset_count; asset++)
        for (uint16_t channel = 0; channel < world_model(world, asset)->channel_count; channel++)
            if (world_model(world, asset)->channels[channel].role == ROLE_ESTIMATED) {
                mirror_tag(world, asset, channel, tag);
                snprintf(path, sizeof path, "/api/v1/history?tags=%s&from=1970-01-01T00:00:00Z&points=4", tag);
                ask(remote, ASK_SPAN, "GET", path, NULL, ASK_S);
                return;
            }
}

static void take_span(Remote *remote, const json_t *json)
{
    const char *tag;
    json_t *item;
    json_object_foreach(json_object_get(json, "series"), tag, item) {
        const json_t *first = json_array_get(json_object_get(item, "time"), 0);
        if (json_is_integer(first))
            remote->history_from = json_integer_value(first);
    }
}

// Acknowledging and commanding.

static uint64_t acknowledge(void *self, uint64_t alarm, const char *comment)
{
    char path[128];
    Text body = {0};
    text_put(&body, "{\"comment\":");
    text_json_string(&body, comment ? comment : "");
    text_put(&body, "}");
    snprintf(path, sizeof path, "/api/v1/alarms/%llu/acknowledge", (unsigned long long)alarm);
    const uint64_t ticket = body.failed ? 0 : ask(self, ASK_ACKNOWLEDGE, "POST", path, comment && *comment ? body.bytes : NULL, ASK_S);
    text_fini(&body);
    return ticket;
}

static uint64_t command(void *self, uint32_t asset, uint16_t channel, double value, bool dry)
{
    Remote *remote = self;
    Text body = {0};
    if (!remote->world || asset >= remote->world->asset_count)
        return 0;
    text_put(&body, "{\"tag\":");
    inquiry_put_tag(&body, remote->world, asset, channel);
    text_put(&body, ",\"value\":");
    text_json_number(&body, value);
    text_format(&body, ",\"reason\":\"from the visualizer\"%s}", dry ? ",\"dry_run\":true" : "");
    const uint64_t ticket = body.failed ? 0 : ask(remote, ASK_COMMAND, "POST", "/api/v1/commands", body.bytes, dry ? FORECAST_S : ASK_S);
    text_fini(&body);
    return ticket;
}

static void take_order(Remote *remote, uint64_t ticket, const RestAnswer *answer)
{
    const uint64_t id = (uint64_t)json_integer_value(json_object_get(answer->json, "command"));
    const char *dry = json_string_value(json_object_get(answer->json, "dry_run"));
    if (dry) {
        answer_with(remote, ticket, ANSWER_COMMANDED, false, dry);
        return;
    }
    for (Order *order = remote->orders; order < remote->orders + ORDERS_MAX; order++)
        if (order->ticket == 0) {
            *order = (Order){ticket, id, now()};
            return;
        }
    answer_with(remote, ticket, ANSWER_COMMANDED, false, "the gate has let it through");
}

/* Commands of a frame that have ended. */
static void take_ends(Remote *remote, const json_t *commands)
{
    for (size_t i = 0; i < json_array_size(commands); i++) {
        const json_t *item = json_array_get(commands, i);
        const char *state = json_string_value(json_object_get(item, "state")), *detail = json_string_value(json_object_get(item, "detail"));
        if (!state || strcmp(state, "waiting") == 0 || strcmp(state, "sent") == 0)
            continue;
        Ended *ended = &remote->ended[remote->ended_count++ % ORDERS_MAX];
        *ended = (Ended){.command = (uint64_t)json_integer_value(json_object_get(item, "id")), .done = strcmp(state, "done") == 0};
        snprintf(ended->text, sizeof ended->text, "%.20s%s%.200s", state, detail && *detail ? ": " : "", detail ? detail : "");
    }
}

/* Tell the end of those that are waited for; those that nothing is heard of are let go. */
static void follow_orders(Remote *remote)
{
    for (Order *order = remote->orders; order < remote->orders + ORDERS_MAX; order++) {
        for (const Ended *ended = remote->ended; order->ticket && ended < remote->ended + ORDERS_MAX; ended++)
            if (ended->command == order->command) {
                answer_with(remote, order->ticket, ANSWER_COMMANDED, !ended->done, ended->text);
                *order = (Order){.ticket = 0};
            }
        if (order->ticket && now() - order->since > ORDER_PATIENCE_NS) {
            answer_with(remote, order->ticket, ANSWER_COMMANDED, false, "sent; the device has not answered yet");
            *order = (Order){.ticket = 0};
        }
    }
}

// What the server says.

static void take_permissions(Remote *remote, const json_t *json)
{
    static const struct {
        const char *name;
        unsigned bit;
    } rights[] = {{"acknowledge", WORLD_CAN_ACKNOWLEDGE}, {"command", WORLD_CAN_COMMAND}, {"forecast", WORLD_CAN_FORECAST}, {"view", WORLD_CAN_LOOK_BACK}};
    const json_t *list = json_object_get(json, "rights");
    const char *user = json_string_value(json_object_get(json, "user"));
    remote->can = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t k = 0; k < sizeof rights / sizeof *rights; k++)
            if (strcmp(rights[k].name, json_string_value(json_array_get(list, i)) ? json_string_value(json_array_get(list, i)) : "") == 0)
                remote->can |= rights[k].bit;
    snprintf(remote->user, sizeof remote->user, "%s", user ? user : "");
}

static void answer_ask(Remote *remote, World *world, const Ask *asked, const RestAnswer *answer)
{
    static const AnswerKind kinds[] = {[ASK_SERIES] = ANSWER_SERIES, [ASK_FORECAST] = ANSWER_FORECAST, [ASK_ACKNOWLEDGE] = ANSWER_ACKNOWLEDGED, [ASK_COMMAND] = ANSWER_COMMANDED};
    const AnswerKind kind = kinds[asked->kind];
    if (answer->status != 200 || (asked->kind == ASK_FORECAST && !json_object_get(answer->json, "result"))) {
        answer_with(remote, asked->ticket, kind, true, asked->kind == ASK_FORECAST ? forecast_error(answer) : answer->text);
    } else if (asked->shape != world->shape) {
        answer_with(remote, asked->ticket, kind, true, "the plant has changed meanwhile");
    } else if (asked->kind == ASK_COMMAND) {
        take_order(remote, asked->ticket, answer);
    } else {
        Answer *out = new_answer(remote, asked->ticket, kind);
        if (!out)
            return;
        const Err err = asked->kind == ASK_SERIES ? inquiry_read_history(remote->mirror, answer->json, out) : asked->kind == ASK_FORECAST ? inquiry_read_forecast(remote->mirror, answer->json, out) : ERR_OK;
        out->failed = err != ERR_OK;
        snprintf(out->text, sizeof out->text, "%s", err ? err_name(err) : "");
    }
}

static void take_moment(Remote *remote, World *world, const RestAnswer *answer)
{
    remote->moment_asked = false;
    if (remote->wish != WORLD_PAST)
        return;
    if (answer->status == 200) {
        mirror_show_past(remote->mirror, world, answer->json);
        remote->shown_past = true;
        snprintf(world->notice, sizeof world->notice, "%s", "");
    } else {
        snprintf(world->notice, sizeof world->notice, "no look back: %.200s", answer->text);
    }
}

static void take_answer(Remote *remote, World *world, const RestAnswer *answer)
{
    Ask *asked = NULL;
    for (Ask *a = remote->asks; a < remote->asks + ASKS_MAX; a++)
        if (a->kind != ASK_NONE && a->ticket == answer->ticket)
            asked = a;
    assert(asked);
    switch (asked->kind) {
    case ASK_PERMISSIONS:
        if (answer->status == 200)
            take_permissions(remote, answer->json);
        break;
    case ASK_SPAN:
        if (answer->status == 200)
            take_span(remote, answer->json);
        break;
    case ASK_MOMENT:
        take_moment(remote, world, answer);
        break;
    case ASK_GHOSTS:
        remote->ghosts_asked = false;
        if (answer->status == 200 && asked->shape == world->shape)
            take_ghosts(remote, world, answer->json);
        break;
    default:
        answer_ask(remote, world, asked, answer);
    }
    asked->kind = ASK_NONE;
}

/* Why nothing comes, and what can be done about it. */
static void tell_absence(const Remote *remote, const LineState *line, World *world)
{
    if (line->status == 401)
        snprintf(world->notice, sizeof world->notice, "%.100s lets in whom it knows alone: %s", remote->address.base,
                 remote->has_key ? "this key or login does not hold (any more)" : "start with --token-file FILE (or POLLUX_TOKEN), or with --user NAME");
    else if (line->status == 403)
        snprintf(world->notice, sizeof world->notice, "%.100s does not let this one look: the right to view is missing, or the host has another name", remote->address.base);
    else
        snprintf(world->notice, sizeof world->notice, "%.100s: %.100s; it is tried again by itself", remote->address.base, line->text);
}

// A frame.

static bool take_messages(Remote *remote, World *world)
{
    bool any = false;
    for (int i = 0; i < MESSAGES_A_FRAME; i++) {
        json_t *message = line_take(remote->line);
        if (!message)
            break;
        bool changed = false;
        if (mirror_apply(remote->mirror, world, message, &changed) == ERR_OK && changed) {
            take_ends(remote, json_object_get(json_object_get(message, "value"), "commands"));
            any = true;
        }
        json_decref(message);
    }
    return any;
}

/* A new connection: what one may do there, and how far back it remembers, may have changed. */
static void greet(Remote *remote, const World *world, const LineState *line)
{
    if (!line->open || line->connections == remote->connection || world->asset_count == 0)
        return;
    remote->connection = line->connections;
    ask(remote, ASK_PERMISSIONS, "GET", "/api/v1/permissions", NULL, ASK_S);
    remote->span_at = 0;
}

static void set_mode(Remote *remote, World *world, const LineState *line)
{
    const bool away = !line->open || !remote->told;
    if (away && world->mode != WORLD_OFFLINE)
        remote->told = false;
    world->mode = away ? WORLD_OFFLINE : remote->wish == WORLD_PAST && !remote->shown_past ? world->mode : remote->wish;
    if (!line->open)
        tell_absence(remote, line, world);
    else if (world->mode == WORLD_LIVE || world->mode == WORLD_PAUSED)
        world->notice[0] = 0;
}

static bool poll(void *self, World *world)
{
    Remote *remote = self;
    const uint64_t revision = world->revision, shape = world->shape;
    const WorldMode mode = world->mode;
    char notice[sizeof world->notice];
    memcpy(notice, world->notice, sizeof notice);

    const LineState line = line_state(remote->line);
    remote->world = world;
    const bool fresh = take_messages(remote, world);
    remote->told = line.open && (remote->told || (fresh && mirror_time(remote->mirror) != TIME_NONE));
    remote->shape = world->shape;
    if (remote->wish != WORLD_PAST && remote->shown_past) {
        remote->shown_past = false;
        mirror_show_live(remote->mirror, world);
    }
    if (fresh && remote->wish == WORLD_LIVE)
        mirror_show_live(remote->mirror, world);

    for (RestAnswer answer; rest_take(remote->rest, &answer);) {
        take_answer(remote, world, &answer);
        json_decref(answer.json);
    }
    follow_orders(remote);
    set_mode(remote, world, &line);
    greet(remote, world, &line);
    if (line.open) {
        ask_moment(remote);
        ask_span(remote, world);
    }
    if (line.open && remote->horizon > 0 && world->mode == WORLD_LIVE && (remote->can & WORLD_CAN_FORECAST) && !remote->ghosts_asked && now() >= remote->ghosts_at)
        ask_ghosts(remote, world);
    if (world->ghost_time != TIME_NONE && (remote->horizon <= 0 || world->mode == WORLD_PAST))
        clear_ghosts(world);

    snprintf(world->source, sizeof world->source, "%.200s", remote->address.base);
    snprintf(world->user, sizeof world->user, "%s", remote->user);
    world->can = world->mode == WORLD_OFFLINE ? 0 : remote->can;
    world->history_from = remote->history_from;
    world->history_to = mirror_time(remote->mirror);
    if (world->mode != mode || memcmp(notice, world->notice, sizeof notice) != 0)
        world->revision++;
    return world->revision != revision || world->shape != shape;
}

static bool take(void *self, Answer *out)
{
    Remote *remote = self;
    if (remote->answer_count == 0)
        return false;
    *out = remote->answers[0];
    remote->answer_count--;
    memmove(remote->answers, remote->answers + 1, remote->answer_count * sizeof *remote->answers);
    return true;
}

// Beginning and end.

static void feed_close(void *self)
{
    Remote *remote = self;
    line_close(remote->line);
    rest_close(remote->rest);
    mirror_destroy(remote->mirror);
    for (size_t i = 0; i < remote->answer_count; i++)
        answer_fini(&remote->answers[i]);
    mem_free(remote);
}

static const SourceType remote_source = {
    .name = "server", .poll = poll, .take = take, .look = look, .show = show, .series = series, .forecast = forecast, .acknowledge = acknowledge, .command = command, .close = feed_close,
};

static Err open_parts(Remote *remote, const FeedRemoteDef *def, ErrText *why)
{
    RestLogin login = {.cookie = ""};
    const RestDef rest = {.address = &remote->address, .token = def->token, .ca = def->ca};
    if (mirror_create(&remote->mirror))
        return err_set(why, ERR_MEMORY, "no memory for the picture of a server");
    Err err = rest_open(&rest, &remote->rest, why);
    if (err == ERR_OK && def->user)
        err = rest_login(remote->rest, def->user, def->password ? def->password : "", &login, why);
    const LineDef line = {.address = &remote->address, .token = def->token, .cookie = login.cookie, .ca = def->ca, .retry_first_ns = def->retry_first_ns, .retry_most_ns = def->retry_most_ns};
    return err ? err : line_open(&line, &remote->line, why);
}

Err feed_remote_open(const FeedRemoteDef *def, Source *out, ErrText *why)
{
    Remote *remote = mem_alloc(sizeof *remote);
    if (!remote)
        return err_set(why, ERR_MEMORY, "no memory for the picture of a server");
    remote->history_from = TIME_NONE;
    remote->has_key = (def->token && *def->token) || def->user;
    Err err = endpoint_read(def->url, &remote->address, why);
    if (err == ERR_OK && remote->has_key)
        err = endpoint_check_secrecy(&remote->address, why);
    if (err == ERR_OK)
        err = open_parts(remote, def, why);
    if (err != ERR_OK) {
        feed_close(remote);
        return err;
    }
    *out = (Source){&remote_source, remote};
    return ERR_OK;
}
