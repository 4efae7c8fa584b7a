/* past.c -- what was: series, alarms and commands, from a reader of the history. Without a history, what the server has in its memory. docs/protocol.md, "REST". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/args.h"
#include "server/inside.h"
#include "server/routes.h"

enum {
    TAGS_MAX = 64,  // of one request for history
    POINTS_DEFAULT = 2000,
    POINTS_MAX = 10000,  // of one tag
    POINTS_TOTAL = 200000,
    LIST_DEFAULT = 50,
    LIST_MAX = 1000,
};
#define WINDOW_DEFAULT (15 * 60 * NS_PER_S)

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

    if (!read_tags(server->plant, request, query, reply) || !args_time(request, "to", now, &query->to, reply))
        return false;
    const int64_t window = query->to > INT64_MIN + WINDOW_DEFAULT ? query->to - WINDOW_DEFAULT : query->to;
    if (!args_time(request, "from", window, &query->from, reply) || !args_count(request, "points", POINTS_DEFAULT, POINTS_MAX, &query->points, reply))
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

/* Commands of a page, newest first: those with an id below `before`, `limit` at the most. Returns how many, and the id of the last. */
static size_t put_commands_now(const Server *server, size_t before, size_t limit, Text *out, uint64_t *last)
{
    const Journal *journal = &server->journal;
    size_t count = 0;
    for (size_t i = journal->command_count; i > 0 && count < limit; i--) {
        const Command *command = &journal->commands[i - 1];
        if (command->id >= before)
            continue;
        text_put(out, count++ ? "," : "");
        frame_command(out, command, server->plant->tags);
        *last = command->id;
    }
    return count;
}

static Err put_commands_past(const Server *server, size_t before, size_t limit, Text *out, size_t *count, uint64_t *last, ErrText *why)
{
    Arena arena = {0};
    HistoryCommand *commands = NULL;
    const Err err = history_read_commands(server->reader, before, limit, &arena, &commands, count, why);
    for (size_t i = 0; err == ERR_OK && i < *count; i++) {
        text_put(out, i ? "," : "");
        frame_command(out, &commands[i].command, server->plant->tags);
        *last = commands[i].command.id;
    }
    arena_fini(&arena);
    return err;
}

static void answer_commands(Server *server, const Request *request, Reply *reply)
{
    size_t limit, before = INT64_MAX, count = 0;
    uint64_t last = 0;
    ErrText why = {0};
    if (!args_count(request, "limit", LIST_DEFAULT, LIST_MAX, &limit, reply) || !args_count(request, "before", before, INT64_MAX, &before, reply))
        return;
    text_put(reply->body, "[");
    if (!server->reader) {
        count = put_commands_now(server, before, limit, reply->body, &last);
    } else if (put_commands_past(server, before, limit, reply->body, &count, &last, &why) != ERR_OK) {
        reply_problem(reply, 500, "history: %s", why.text);
        return;
    }
    text_put(reply->body, "]");

    // a full page has another behind it, which may be empty
    if (count == limit)
        reply_next_number(reply, request, "before", last);
}

const Route past_routes[] = {
    {.method = "GET", .path = "/api/v1/history", .right = RIGHT_VIEW, .answer = answer_history},
    {.method = "GET", .path = "/api/v1/commands", .right = RIGHT_VIEW, .answer = answer_commands},
    {0},
};
