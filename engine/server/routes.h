/* routes.h -- what there is under /api and beside it. Each file of resources has a table of its routes, and routes.c knows the tables.
 *
 * Takes: a Request's method and path.  Gives: the Route that answers it, or a refusal. */
#pragma once

#include "server/http.h"

typedef struct Route {
    const char *method;  // NULL ends a table; GET stands for HEAD too
    const char *path;    // "/api/v1/twins/*": a star is one part of the path
    Right right;
    void (*answer)(Server *server, const Request *request, Reply *reply);
    size_t body_max;     // bytes of the request's body; 0: it has none
} Route;

extern const Route describe_routes[], inventory_routes[], order_routes[], rest_routes[], past_routes[], alarm_routes[], forecasts_routes[], trail_routes[];

/// Whether `path` belongs to routes, and not to the dashboard's files.
bool routes_know(const char *path);
/// The route of a request (OPTIONS is spoken everywhere), whose parts are then set: they are cut out of `path`, which is written to. NULL, and 404 or 405: nothing answers it.
const Route *routes_find(Request *request, char *path, Reply *reply);
