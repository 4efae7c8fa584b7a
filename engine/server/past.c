/* past.c -- what was: series, alarms and commands, from a reader of the history. Without a history, what the server has in its memory.
 * docs/protocol.md, "REST". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/args.h"
#include "server/inside.h"
#include "server/routes.h"

enum {
    POINTS_DEFAULT = 2000,
    POINTS_MAX = 10000,  // of one tag
    POINTS_TOTAL = 200000,
    LIST_DEFAULT = 50,
    LIST_MAX = 1000,
};
#define ARCHIVE_WAIT 30.0  // s
#define WINDOW_DEFAULT (15 * 60 * NS_PER_S)

static bool read_tags(const Plant *plant, const Request *request, ArchiveQuery *query, Reply *reply)
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
        if (query->tag_count == ARCHIVE_TAGS_MAX) {
            reply_problem(reply, 400, "tags: expected at most %d names", ARCHIVE_TAGS_MAX);
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

static bool read_query(Server *server, const Request *request, ArchiveQuery *query, Reply *reply)
{
    // plant time may be years ago, when a recording is played
    const State *state = states_shown(&server->states);
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

/* A list of types that has CSV in it, and not JSON in front of that. */
static bool wants_csv(const char *accept)
{
    const char *csv = strcasestr(accept, "text/csv"), *json = strcasestr(accept, "application/json");
    return csv && (!json || csv < json);
}

/* level: `raw`, `1s`, `1m`, `1h`; without it what suits the range. format: `json` or `csv`, without it what is accepted. */
static bool read_form(const Request *request, ArchiveQuery *query, Reply *reply)
{
    const char *level = request_arg(request, "level"), *format = request_arg(request, "format");
    query->level = HISTORY_AUTO;
    if (level && !history_level_parse(level, &query->level)) {
        reply_problem(reply, 400, "level: expected raw, 1s, 1m or 1h");
        return false;
    }
    if (format && strcmp(format, "csv") != 0 && strcmp(format, "json") != 0) {
        reply_problem(reply, 400, "format: expected json or csv");
        return false;
    }
    query->form = (format ? strcmp(format, "csv") == 0 : wants_csv(request->accept)) ? ARCHIVE_CSV : ARCHIVE_SERIES;
    return true;
}

static bool has_been_read(const Server *server, uint64_t id)
{
    return archive_has_come(server->archive, id);
}

static void answer_read(const Server *server, uint64_t id, Reply *reply)
{
    ErrText why = {0};
    const Err err = archive_take(server->archive, id, reply->body, &why);
    if (err != ERR_OK)
        reply_problem(reply, err == ERR_UNKNOWN || err == ERR_CLOSED ? 503 : 500, "history: %s", why.text);
}

/* The answer comes from the archive's thread. */
static void await_archive(Server *server, ArchiveQuery *query, Reply *reply)
{
    static const Awaited read = {has_been_read, answer_read};
    query->times = reply->body->times;
    const uint64_t id = archive_ask(server->archive, query);
    if (id) {
        reply->type = query->form == ARCHIVE_CSV ? "text/csv; charset=utf-8" : NULL;
        reply_await(reply, &read, id, ARCHIVE_WAIT);
        return;
    }
    reply_problem(reply, 503, "the history is busy with other requests");
    reply->retry_s = 1;
}

static void answer_history(Server *server, const Request *request, Reply *reply)
{
    ArchiveQuery query = {.tag_count = 0};
    if (!read_query(server, request, &query, reply) || !read_form(request, &query, reply))
        return;
    if (server->archive)
        await_archive(server, &query, reply);
    else
        reply_problem(reply, 404, "this plant keeps no history");
}

/* The whole plant as it was at a moment, by what is known of it today. */
static void answer_moment(Server *server, const Request *request, Reply *reply)
{
    ArchiveQuery query = {.form = ARCHIVE_MOMENT, .to = TIME_NONE};
    if (!args_time(request, "at", TIME_NONE, &query.to, reply))
        return;
    if (query.to == TIME_NONE)
        reply_problem(reply, 400, "at: expected a time, in ns since 1970 or as 2021-01-22T14:49:00Z");
    else if (!server->archive)
        reply_problem(reply, 404, "this plant keeps no history");
    else if (tags_count(server->plant->tags) > ARCHIVE_MOMENT_TAGS_MAX)
        reply_problem(reply, 409, "a plant of more than %d tags has no snapshot of a moment: ask for the history of some of them", ARCHIVE_MOMENT_TAGS_MAX);
    else
        await_archive(server, &query, reply);
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
    {.method = "GET", .path = "/api/v1/snapshot", .right = RIGHT_VIEW, .answer = answer_moment},
    {.method = "GET", .path = "/api/v1/commands", .right = RIGHT_VIEW, .answer = answer_commands},
    {0},
};
