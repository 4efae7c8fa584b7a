/* rest.c -- each resource is one function; the newest numbers come from the State, the past from a reader of the history. */
#include "server/rest.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/forecasts.h"

enum {
    TAGS_MAX = 64,  // of one request for history
    POINTS_DEFAULT = 2000,
    POINTS_MAX = 10000,  // of one tag
    POINTS_TOTAL = 200000,
    LIST_DEFAULT = 50,
    LIST_MAX = 1000,
};
#define WINDOW_DEFAULT (15 * 60 * NS_PER_S)
#define ALIVE_NS (5 * NS_PER_S)

// Arguments.

/* A whole number in [least, most]; `*out` stays when it is missing. False when it was refused. */
static bool read_whole(const Request *request, const char *name, size_t least, size_t most, size_t *out, Reply *reply)
{
    const char *text = request_arg(request, name);
    if (!text)
        return true;
    char *end;
    const unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || number < least || number > most) {
        reply_problem(reply, 400, "%s: expected a whole number from %zu to %zu, got \"%.60s\"", name, least, most, text);
        return false;
    }
    *out = (size_t)number;
    return true;
}

/* How many, at least one; `fallback` when it is missing. */
static bool read_count(const Request *request, const char *name, size_t fallback, size_t most, size_t *out, Reply *reply)
{
    *out = fallback;
    return read_whole(request, name, 1, most, out, reply);
}

static bool read_time(const Request *request, const char *name, int64_t fallback, int64_t *out, Reply *reply)
{
    const char *text = request_arg(request, name);
    *out = fallback;
    if (!text || time_parse(text, strlen(text), out))
        return true;
    char *end;
    const long long number = strtoll(text, &end, 10);
    if (*text && !*end && number != INT64_MIN && number != INT64_MAX) {
        *out = number;
        return true;
    }
    reply_problem(reply, 400, "%s: expected nanoseconds since 1970 or an RFC 3339 time, got \"%.60s\"", name, text);
    return false;
}

// The newest numbers.

static void answer_plant(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    frame_snapshot(reply->body, server->plant, states_newest(&server->states), &server->journal, NULL);
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
    const State *state = states_newest(&server->states);
    if (state_slot(state, twin) >= 0)
        return state;
    reply_problem(reply, 503, "nobody has looked at %s yet: its values come with one of the next ticks, ask again then", server->plant->twins[twin].name);
    return NULL;
}

static void answer_twin(Server *server, const State *state, uint32_t twin, Reply *reply)
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

static void answer_leaf(Server *server, const State *state, TagId id, Reply *reply)
{
    const Reading none = {NAN, NAN, TIME_NONE, QUALITY_GOOD};
    frame_leaf_of(reply->body, server->plant, state, id, state->sequence ? states_reading(&server->states, state, id) : &none);
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
    if (!after && !read_whole(request, "from", 0, plant->twin_count, &from, reply))
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
    if (!read_count(request, "limit", LIST_DEFAULT, LIST_MAX, &limit, reply) || !read_first(plant, request, &twin, reply))
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
    if (listed > limit)
        text_json_string(reply->body, plant->twins[last].name);
    else
        text_put(reply->body, "null");
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
        const bool active = alarm->state == ALARM_RAISED || alarm->state == ALARM_ACKNOWLEDGED;
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
    uint8_t *health = gather_health(server, states_newest(&server->states));
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

    // while nothing changes, whoever asks again is told just that
    reply->cache = "no-cache";
    snprintf(reply->etag, sizeof reply->etag, "\"%016" PRIx64 "\"", hash_bytes(0, reply->body->bytes ? reply->body->bytes : "", reply->body->length));
}

/* NAME or NAME/CHANNEL. */
static void answer_twins(Server *server, const Request *request, Reply *reply)
{
    const Plant *plant = server->plant;
    const char *name = request->path + strlen("/api/v1/twins/");
    const char *slash = strchr(name, '/');
    char twin_name[256];
    const size_t length = slash ? (size_t)(slash - name) : strlen(name);
    if (length >= sizeof twin_name) {
        reply_problem(reply, 404, "no twin has so long a name");
        return;
    }
    memcpy(twin_name, name, length);
    twin_name[length] = 0;

    const int64_t twin = plant_find(plant, twin_name);
    if (twin < 0) {
        reply_problem(reply, 404, "no twin \"%s\" in plant %s", twin_name, plant->name);
        return;
    }
    const State *state = look_at(server, (uint32_t)twin, reply);
    if (!state)
        return;
    if (!slash) {
        answer_twin(server, state, (uint32_t)twin, reply);
        return;
    }
    const int channel = model_find(plant_model(plant, (uint32_t)twin), slash + 1);
    if (channel < 0)
        reply_problem(reply, 404, "no channel \"%.100s\" in twin %s", slash + 1, twin_name);
    else
        answer_leaf(server, state, plant_tag(plant, (uint32_t)twin, (uint16_t)channel), reply);
}

// The past.

typedef struct HistoryQuery {
    TagId tags[TAGS_MAX];
    size_t tag_count, points;
    int64_t from, to;
} HistoryQuery;

static bool read_tags(const Plant *plant, const Request *request, HistoryQuery *query, Reply *reply)
{
    const char *at = request_arg(request, "tags");
    if (!at || !*at) {
        reply_problem(reply, 400, "tags: expected names, with commas between them");
        return false;
    }
    for (; *at; at += *at == ',') {
        char name[512];
        const size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name), at);
        at += length;

        const TagId tag = tags_find(plant->tags, name);
        if (tag == TAG_NONE) {
            reply_problem(reply, 404, "no tag \"%.100s\" in plant %s", name, plant->name);
            return false;
        }
        if (query->tag_count == TAGS_MAX) {
            reply_problem(reply, 400, "tags: expected at most %d names", TAGS_MAX);
            return false;
        }
        // a tag that is asked for twice is one member of the answer
        size_t i = 0;
        while (i < query->tag_count && query->tags[i] != tag)
            i++;
        query->tags[i] = tag;
        query->tag_count += i == query->tag_count;
    }
    return true;
}

static bool read_query(Server *server, const Request *request, HistoryQuery *query, Reply *reply)
{
    // plant time may be years ago, when a recording is played
    const State *state = states_newest(&server->states);
    int64_t now = state->sequence ? state->now.time : TIME_NONE;
    if (now == TIME_NONE)
        now = clock_system.utc_ns(clock_system.self);

    if (!read_tags(server->plant, request, query, reply) || !read_time(request, "to", now, &query->to, reply))
        return false;
    const int64_t window = query->to > INT64_MIN + WINDOW_DEFAULT ? query->to - WINDOW_DEFAULT : query->to;
    if (!read_time(request, "from", window, &query->from, reply) || !read_count(request, "points", POINTS_DEFAULT, POINTS_MAX, &query->points, reply))
        return false;
    if (query->from > query->to) {
        reply_problem(reply, 400, "from: expected a time that is not behind \"to\"");
        return false;
    }
    if (query->points * query->tag_count > POINTS_TOTAL) {
        reply_problem(reply, 400, "points: expected at most %zu for %zu tags", (size_t)POINTS_TOTAL / query->tag_count, query->tag_count);
        return false;
    }
    return true;
}

static void put_series(Text *out, const TagTable *tags, TagId tag, const HistoryPoint *points, size_t count)
{
    const Unit *unit = tags_get(tags, tag).unit;
    text_json_string(out, tags_name(tags, tag).text);
    text_put(out, ":{\"time\":[");
    for (size_t i = 0; i < count; i++)
        text_format(out, "%s%" PRId64, i ? "," : "", points[i].time);
    text_put(out, "],\"value\":[");
    for (size_t i = 0; i < count; i++) {
        text_put(out, i ? "," : "");
        text_json_number(out, unit_from_si(unit, points[i].value));
    }
    text_put(out, "],\"sd\":[");
    for (size_t i = 0; i < count; i++) {
        text_put(out, i ? "," : "");
        text_json_number(out, unit_scale_from_si(unit, points[i].sd));
    }
    text_put(out, "]}");
}

static void answer_history(Server *server, const Request *request, Reply *reply)
{
    HistoryQuery query = {.tag_count = 0};
    if (!read_query(server, request, &query, reply))
        return;
    if (!server->reader) {
        reply_problem(reply, 404, "this plant keeps no history");
        return;
    }

    Arena arena = {0};
    text_put(reply->body, "{\"series\":{");
    for (size_t i = 0; i < query.tag_count; i++) {
        HistoryPoint *points;
        size_t count;
        ErrText why = {0};
        arena_reset(&arena);
        const Err err = history_read(server->reader, query.tags[i], query.from, query.to, query.points, &arena, &points, &count, &why);
        if (err != ERR_OK) {
            reply_problem(reply, 500, "history: %s", why.text);
            break;
        }
        text_put(reply->body, i ? "," : "");
        put_series(reply->body, server->plant->tags, query.tags[i], points, count);
    }
    if (reply->status == 200)
        text_put(reply->body, "}}");
    arena_fini(&arena);
}

static void put_alarms_now(const Server *server, size_t limit, Text *out)
{
    const Journal *journal = &server->journal;
    for (size_t i = 0; i < limit && i < journal->alarm_count; i++) {
        const Alarm *alarm = &journal->alarms[journal->alarm_count - 1 - i];
        text_put(out, i ? "," : "");
        frame_alarm(out, alarm, server->plant->twins[alarm->twin].name);
    }
}

static void answer_alarms(Server *server, const Request *request, Reply *reply)
{
    size_t limit, count = 0;
    if (!read_count(request, "limit", LIST_DEFAULT, LIST_MAX, &limit, reply))
        return;
    Arena arena = {0};
    HistoryAlarm *alarms = NULL;
    ErrText why = {0};
    if (server->reader && history_read_alarms(server->reader, limit, &arena, &alarms, &count, &why) != ERR_OK) {
        reply_problem(reply, 500, "history: %s", why.text);
    } else {
        text_put(reply->body, "[");
        if (!server->reader)
            put_alarms_now(server, limit, reply->body);
        for (size_t i = 0; i < count; i++) {
            text_put(reply->body, i ? "," : "");
            frame_alarm(reply->body, &alarms[i].alarm, alarms[i].twin);
        }
        text_put(reply->body, "]");
    }
    arena_fini(&arena);
}

/* ID: the alarm as it was told last, with what was told before, oldest first. */
static void answer_alarm(Server *server, const Request *request, Reply *reply)
{
    const char *text = request->path + strlen("/api/v1/alarms/");
    char *end;
    const unsigned long long id = strtoull(text, &end, 10);
    Arena arena = {0};
    HistoryAlarm *alarms = NULL;
    size_t count = 0;
    ErrText why = {0};
    if (text[0] < '0' || text[0] > '9' || *end || id == 0 || id > INT64_MAX) {
        reply_problem(reply, 404, "no alarm \"%.60s\": expected its number", text);
    } else if (!server->reader) {
        reply_problem(reply, 404, "this plant keeps no history");
    } else if (history_read_alarm(server->reader, id, &arena, &alarms, &count, &why) != ERR_OK) {
        reply_problem(reply, 500, "history: %s", why.text);
    } else if (count == 0) {
        reply_problem(reply, 404, "no alarm %llu in the history", id);
    } else {
        text_put(reply->body, "{\"alarm\":");
        frame_alarm(reply->body, &alarms[count - 1].alarm, alarms[count - 1].twin);
        text_put(reply->body, ",\"before\":[");
        for (size_t i = 0; i + 1 < count; i++) {
            text_put(reply->body, i ? "," : "");
            frame_alarm(reply->body, &alarms[i].alarm, alarms[i].twin);
        }
        text_put(reply->body, "]}");
    }
    arena_fini(&arena);
}

static void put_commands_now(const Server *server, size_t limit, Text *out)
{
    const Journal *journal = &server->journal;
    for (size_t i = 0; i < limit && i < journal->command_count; i++) {
        text_put(out, i ? "," : "");
        frame_command(out, &journal->commands[journal->command_count - 1 - i], server->plant->tags);
    }
}

static void answer_commands(Server *server, const Request *request, Reply *reply)
{
    size_t limit, count = 0;
    if (!read_count(request, "limit", LIST_DEFAULT, LIST_MAX, &limit, reply))
        return;
    Arena arena = {0};
    HistoryCommand *commands = NULL;
    ErrText why = {0};
    if (server->reader && history_read_commands(server->reader, limit, &arena, &commands, &count, &why) != ERR_OK) {
        reply_problem(reply, 500, "history: %s", why.text);
    } else {
        text_put(reply->body, "[");
        if (!server->reader)
            put_commands_now(server, limit, reply->body);
        for (size_t i = 0; i < count; i++) {
            text_put(reply->body, i ? "," : "");
            frame_command(reply->body, &commands[i].command, server->plant->tags);
        }
        text_put(reply->body, "]");
    }
    arena_fini(&arena);
}

static void answer_health(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const int64_t silence = clock_system.elapsed_ns(clock_system.self) - server->alive_at;
    if (silence > ALIVE_NS) {
        reply_problem(reply, 503, "the tick has not been heard of for %.0f s", (double)silence / 1e9);
        return;
    }
    reply->type = "text/plain; charset=utf-8";
    text_put(reply->body, "ok");
}

static void answer_reload(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    text_put(reply->body, "{\"script_error\":");
    frame_refusal(reply->body, states_newest(&server->states));
    text_put(reply->body, "}");
}

static void answer_upgrade(Server *server, const Request *request, Reply *reply)
{
    (void)server, (void)request;
    reply_problem(reply, 426, "this is a WebSocket of subprotocol %s", SUBPROTOCOL);
}

// The routes; a path that ends in a slash stands for all below it.

static const struct {
    const char *path;
    void (*answer)(Server *server, const Request *request, Reply *reply);
} routes[] = {
    {"/api/v1/plant", answer_plant},       {"/api/v1/twins", answer_list}, {"/api/v1/twins/", answer_twins}, {"/api/v1/history", answer_history}, {"/api/v1/alarms", answer_alarms},
    {"/api/v1/alarms/", answer_alarm},
    {"/api/v1/commands", answer_commands}, {"/api/v1/health", answer_map}, {"/api/v1/ws", answer_upgrade},   {"/healthz", answer_health}, {"/api/v1/reload", answer_reload},
    {"/api/v1/forecasts", forecasts_answer_list}, {"/api/v1/forecasts/", forecasts_answer_one}, {"/api/v1/scenarios", forecasts_answer_scenarios},
};

bool rest_knows(const char *path)
{
    return strncmp(path, "/api/", 5) == 0 || strcmp(path, "/api") == 0 || strcmp(path, "/healthz") == 0;
}

void rest_answer(Server *server, const Request *request, Reply *reply)
{
    reply->status = 200;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const char *path = routes[i].path;
        const size_t length = strlen(path);
        const bool all_below = path[length - 1] == '/';
        const bool fits = all_below ? strncmp(request->path, path, length) == 0 && request->path[length] : strcmp(request->path, path) == 0;
        if (fits) {
            routes[i].answer(server, request, reply);
            return;
        }
    }
    reply_problem(reply, 404, "no resource at %.200s: see /api/v1/plant, twins/NAME, twins/NAME/CHANNEL, health, history, alarms, alarms/ID, commands, reload, forecasts, scenarios", request->path);
}
