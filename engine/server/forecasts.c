/* forecasts.c -- looking ahead by REST: docs/protocol.md, "Forecasts". What is asked is put on the Desk; a request may wait for its end. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/declare.h"
#include "server/args.h"
#include "server/inside.h"
#include "server/routes.h"

enum {
    SCENARIOS_MAX = 64,
    PATH_ROOM = 1024,
    FORECAST_WAIT_MAX = 50,       // s, for a request
    FORECAST_PATIENCE = 60,       // s, for a result
    SEARCH_PATIENCE = 600,
    FORECAST_PATIENCE_MAX = 3600,
};

static const char *const endings[] = {".lua", ".json"};

// --- scenarios that come with the plant ----------------------------------------------------------------------------

/* The folder of scenarios, with a slash behind it: beside that of the plants. */
static bool find_folder(const Plant *plant, char out[PATH_ROOM])
{
    const char *slash = strrchr(plant->path, '/');
    const int length = snprintf(out, PATH_ROOM, "%.*s../scenarios/", slash ? (int)(slash - plant->path) + 1 : 0, plant->path);
    return length < PATH_ROOM;
}

/* The file of a scenario by its name; false when there is none. */
static bool find_scenario(const Plant *plant, const char *name, char out[PATH_ROOM])
{
    char folder[PATH_ROOM];
    if (!declare_is_name(name) || !find_folder(plant, folder))
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const int length = snprintf(out, PATH_ROOM, "%s%s%s", folder, name, endings[i]);
        if (length < PATH_ROOM && access(out, R_OK) == 0)
            return true;
    }
    return false;
}

/* A scenario that can be read for this plant is one of it. */
static void put_scenario(Text *out, const Plant *plant, const char *name)
{
    char path[PATH_ROOM];
    Scenario *scenario;
    ErrText why;
    if (!find_scenario(plant, name, path) || scenario_read(path, plant, &scenario, &why))
        return;
    text_put(out, out->length > 1 ? ",{\"name\":" : "{\"name\":");
    text_json_string(out, name);
    text_put(out, ",\"doc\":");
    text_json_string(out, scenario->doc);
    text_put(out, ",\"horizon\":");
    text_json_number(out, scenario->horizon);
    text_format(out, ",\"members\":%" PRIu32 "}", scenario->members);
    scenario_destroy(scenario);
}

/* The name of a file that may be a scenario, without its ending. */
static int is_candidate(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && (strcmp(dot, endings[0]) == 0 || strcmp(dot, endings[1]) == 0);
}

/* They are read once: scripts of this plant change with it. */
static void read_scenarios(Server *server)
{
    char folder[PATH_ROOM];
    struct dirent **entries = NULL;
    const int count = find_folder(server->plant, folder) ? scandir(folder, &entries, is_candidate, alphasort) : 0;
    text_put(&server->scenarios, "[");
    for (int i = 0; i < count; i++) {
        *strrchr(entries[i]->d_name, '.') = 0;
        if (i < SCENARIOS_MAX)
            put_scenario(&server->scenarios, server->plant, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    text_put(&server->scenarios, "]");
}

static void answer_scenarios(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    if (server->scenarios.length == 0)
        read_scenarios(server);
    text_add(reply->body, server->scenarios.bytes ? server->scenarios.bytes : "", server->scenarios.length);
    reply_tag(reply);
}

// --- asking --------------------------------------------------------------------------------------------------------

static bool can_look_ahead(Server *server, Reply *reply)
{
    const State *state = states_shown(&server->states);
    if (!server->desk)
        reply_problem(reply, 404, "this server makes no forecasts");
    else if (!state->sequence || state->now.time == TIME_NONE)
        reply_problem(reply, 409, "the plant's time has not begun: no device has sent anything yet");
    else
        return true;
    return false;
}

/* What the body or ?scenario= asks for; `path` is the file of a named one, or the folder in which that of a body may name recordings.
 * False when it was refused. */
static bool read_scenario(const Server *server, const Request *request, char path[PATH_ROOM], Reply *reply)
{
    const char *name = request_arg(request, "scenario");
    if (name && request->body_length)
        reply_problem(reply, 400, "a scenario is named or sent, not both");
    else if (name && !find_scenario(server->plant, name, path))
        reply_problem(reply, 404, "no scenario \"%.100s\": see /api/v1/scenarios", name);
    else if (!name && !request->body_length)
        reply_problem(reply, 400, "expected a scenario as JSON, { \"horizon\": ..., \"tags\": [ ... ] }, or ?scenario=NAME");
    else if (!name && !find_folder(server->plant, path))
        reply_problem(reply, 500, "the path of the plant's script is too long");
    else
        return true;
    return false;
}

static bool has_ended(const Server *server, uint64_t id)
{
    DeskView view;
    return !server->desk || !desk_look(server->desk, id, &view) || desk_state_is_end(view.state);
}

static void answer_state(const Server *server, uint64_t id, Reply *reply);

static void ask_for(Server *server, const Request *request, Reply *reply)
{
    static const Awaited end = {has_ended, answer_state};
    char path[PATH_ROOM];
    size_t optimize = 0;
    double wait = 0, retry;
    if (!can_look_ahead(server, reply) || !args_whole(request, "optimize", 0, 1, &optimize, reply))
        return;
    double patience = optimize ? SEARCH_PATIENCE : FORECAST_PATIENCE;
    if (!args_seconds(request, "wait", FORECAST_WAIT_MAX, &wait, reply) || !args_seconds(request, "patience", FORECAST_PATIENCE_MAX, &patience, reply) ||
        !read_scenario(server, request, path, reply))
        return;

    const bool named = request->body_length == 0;
    const DeskAsk ask = {
        .text = request->body,
        .length = request->body_length,
        .path = named ? path : NULL,
        .beside = named ? NULL : path,
        .searches = optimize,
        .patience = patience,
    };
    uint64_t id = 0;
    ErrText why;
    const Err err = desk_ask(server->desk, &ask, &id, &retry, &why);
    if (err == ERR_OK) {
        reply_await(reply, &end, id, wait);
        return;
    }
    reply_problem(reply, err == ERR_FULL ? 429 : 503, "%s", why.text);
    reply->retry_s = err == ERR_FULL ? (int)retry : 1;
}

// --- how it stands -------------------------------------------------------------------------------------------------

/* The best values of a search so far, in the units of their tags. */
static void put_best(Text *out, const Server *server, const DeskBest *best)
{
    text_put(out, ",\"best\":{\"values\":{");
    for (size_t i = 0; i < best->count; i++) {
        text_put(out, i ? "," : "");
        text_json_string(out, tags_name(server->plant->tags, best->tags[i]).text);
        text_put(out, ":");
        text_json_number(out, unit_from_si(tags_get(server->plant->tags, best->tags[i]).unit, best->values[i]));
    }
    text_put(out, "},\"cost\":");
    text_json_number(out, unit_from_si(best->cost_unit, best->cost));
    text_put(out, ",\"unit\":");
    text_json_string(out, unit_name(best->cost_unit));
    text_format(out, ",\"keeps_limits\":%s,\"evaluations\":%" PRIu32 "}", best->keeps_limits ? "true" : "false", best->evaluations);
}

static void put_view(Text *out, const Server *server, const DeskView *view, bool with_result)
{
    text_format(out, "{\"id\":%" PRIu64 ",\"name\":", view->id);
    text_json_string(out, view->name);
    text_format(out, ",\"state\":\"%s\",\"progress\":", desk_state_name(view->state));
    text_json_number(out, view->progress);
    text_put(out, ",\"seconds\":");
    text_json_number(out, view->seconds);
    if (*view->why) {
        text_put(out, ",\"error\":");
        text_json_string(out, view->why);
    }
    if (view->best.evaluations)
        put_best(out, server, &view->best);
    if (with_result && view->json) {
        text_put(out, ",\"result\":");
        text_add(out, view->json, view->json_length);
    }
    text_put(out, "}");
}

static void answer_state(const Server *server, uint64_t id, Reply *reply)
{
    DeskView view;
    if (!server->desk || !desk_look(server->desk, id, &view)) {
        reply_problem(reply, 404,
                      "no forecast %" PRIu64
                      ": results are kept for %d min, for a while less when many are asked for, and not over another version of the script",
                      id, (int)(DESK_KEPT_NS / NS_PER_S / 60));
        return;
    }
    reply->status = desk_state_is_end(view.state) ? 200 : 202;
    snprintf(reply->location, sizeof reply->location, "/api/v1/forecasts/%" PRIu64, id);
    put_view(reply->body, server, &view, true);
}

/* The number of an ask; 0, and a refusal, when it is none. */
static uint64_t read_id(const Request *request, Reply *reply)
{
    const char *text = request->parts[0];
    char *end;
    const unsigned long long id = strtoull(text, &end, 10);
    if (text[0] >= '1' && text[0] <= '9' && !*end && id < UINT64_MAX)
        return id;
    reply_problem(reply, 404, "no forecast \"%.60s\": expected a number", text);
    return 0;
}

static void answer_one(Server *server, const Request *request, Reply *reply)
{
    const uint64_t id = read_id(request, reply);
    if (!id)
        return;
    answer_state(server, id, reply);
    if (reply->status == 202)
        reply->status = 200;
    reply->location[0] = 0;
}

static void answer_list(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    DeskView view = {0};
    text_put(reply->body, "[");
    for (bool first = true; server->desk && desk_next(server->desk, view.id, &view); first = false) {
        text_put(reply->body, first ? "" : ",");
        put_view(reply->body, server, &view, false);
    }
    text_put(reply->body, "]");
}

static void cancel(Server *server, const Request *request, Reply *reply)
{
    const uint64_t id = read_id(request, reply);
    if (!id)
        return;
    if (server->desk)
        desk_cancel(server->desk, id);
    answer_state(server, id, reply);
    reply->location[0] = 0;
}

const Route forecasts_routes[] = {
    {.method = "GET", .path = "/api/v1/forecasts", .right = RIGHT_VIEW, .answer = answer_list},
    {.method = "POST", .path = "/api/v1/forecasts", .right = RIGHT_FORECAST, .answer = ask_for, .body_max = DESK_TEXT_MAX},
    {.method = "GET", .path = "/api/v1/forecasts/*", .right = RIGHT_VIEW, .answer = answer_one},
    {.method = "DELETE", .path = "/api/v1/forecasts/*", .right = RIGHT_FORECAST, .answer = cancel},
    {.method = "GET", .path = "/api/v1/scenarios", .right = RIGHT_VIEW, .answer = answer_scenarios},
    {0},
};
