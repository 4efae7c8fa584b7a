#include "server/routes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "server/inside.h"

static void answer_index(Server *server, const Request *request, Reply *reply);

static const Route index_routes[] = {{.method = "GET", .path = "/api/v1", .right = RIGHT_NONE, .answer = answer_index}, {0}};

static const Route *const tables[] = {
    index_routes,
    describe_routes,
    inventory_routes,
    device_routes,
    order_routes,
    gate_routes,
    events_routes,
    rest_routes,
    past_routes,
    alarm_routes,
    forecasts_routes,
    running_routes,
    metrics_routes,
    login_routes,
    trail_routes,
    push_routes,
};
enum { TABLES = sizeof tables / sizeof *tables };

/* The next route behind one; the first for NULL, and NULL at the end. */
static const Route *next_route(const Route *route, size_t *table)
{
    if (route && route[1].method)
        return route + 1;
    *table = route ? *table + 1 : 0;
    return *table < TABLES ? tables[*table] : NULL;
}

/* What is spoken at a path is in the reply's head. */
static void answer_options(Server *server, const Request *request, Reply *reply)
{
    (void)server, (void)request, (void)reply;
}

static const Route options_route = {.method = "OPTIONS", .path = "*", .right = RIGHT_NONE, .answer = answer_options};

static void answer_index(Server *server, const Request *request, Reply *reply)
{
    (void)server, (void)request;
    size_t table;
    text_put(reply->body, "{\"routes\":[");
    for (const Route *route = next_route(NULL, &table); route; route = next_route(route, &table))
        text_format(reply->body, "%s{\"method\":\"%s\",\"path\":\"%s\",\"right\":\"%s\"}", route == *tables ? "" : ",", route->method, route->path,
                    right_name(route->right));
    text_put(reply->body, "]}");
}

bool routes_know(const char *path)
{
    static const char *const others[] = {"/api", "/.well-known/wot", "/healthz", "/readyz", "/metrics", "/write"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(path, others[i]) == 0)
            return true;
    return strncmp(path, "/api/", strlen("/api/")) == 0;
}

/* Whether a path is of this form: part by part, and a star is any part that is not empty. */
static bool fits(const char *form, const char *path)
{
    while (*form && *path) {
        const size_t form_length = strcspn(form, "/"), length = strcspn(path, "/");
        const bool star = form_length == 1 && *form == '*';
        if (star ? length == 0 : length != form_length || memcmp(form, path, length) != 0)
            return false;
        form += form_length + (form[form_length] == '/');
        path += length;
        if (*path == '/' && !*++path)
            return false;  // it ends in a slash
    }
    return !*form && !*path;
}

/* What the stars stand for, cut out of the path. */
static void cut_parts(Request *request, const char *form, char *path)
{
    size_t count = 0;
    while (*form) {
        const size_t form_length = strcspn(form, "/"), length = strcspn(path, "/");
        if (form_length == 1 && *form == '*') {
            assert(count < REQUEST_PARTS_MAX);
            request->parts[count++] = path;
        }
        form += form_length + (form[form_length] == '/');
        path += length;
        if (*path)
            *path++ = 0;
    }
}

static bool speaks(const Route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

const Route *routes_find(Request *request, char *path, Reply *reply)
{
    size_t table;
    Text *allow = reply->body;
    const char *form = NULL;  // of the routes that count: "twins/*/td" hides "twins/*/*"
    for (const Route *route = next_route(NULL, &table); route; route = next_route(route, &table)) {
        if (form ? strcmp(route->path, form) != 0 : !fits(route->path + 1, path + 1))
            continue;
        form = route->path;
        if (speaks(route, request->method)) {
            text_clear(allow);
            cut_parts(request, route->path + 1, path + 1);
            return route;
        }
        text_format(allow, "%s%s%s", allow->length ? ", " : "", route->method, strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
    }
    if (allow->length && !allow->failed) {
        snprintf(reply->allow, sizeof reply->allow, "%s, OPTIONS", allow->bytes);
        text_clear(allow);
        if (strcmp(request->method, "OPTIONS") == 0)
            return &options_route;
        reply_problem(reply, 405, "%s is not spoken here: %s", request->method, reply->allow);
    } else {
        reply_problem(reply, 404, "no resource at %.200s: GET /api/v1 lists what there is", request->path);
    }
    return NULL;
}
