/* routes.h -- what there is under /api and beside it. Each file of resources has a table of its routes, and routes.c knows the tables.
 *
 * Takes: a Request's method and path.  Gives: the Route that answers it, or a refusal. */
#pragma once

#include "server/http.h"

typedef struct Route {
    const char *method;  // NULL ends a table; GET stands for HEAD too
    const char *path;    // "/api/v1/twins/*": a star is one part of the path; of two forms that fit, the first counts
    Right right;
    void (*answer)(Server *server, const Request *request, Reply *reply);
    size_t body_max;     // bytes of the request's body; 0: it has none
} Route;

// one line each
extern const Route describe_routes[];
extern const Route inventory_routes[];
extern const Route device_routes[];
extern const Route order_routes[];
extern const Route gate_routes[];
extern const Route rest_routes[];
extern const Route past_routes[];
extern const Route alarm_routes[];
extern const Route trail_routes[];
extern const Route forecasts_routes[];
extern const Route running_routes[];
extern const Route metrics_routes[];
extern const Route login_routes[];
extern const Route events_routes[];
extern const Route push_routes[];

/// Whether `path` belongs to routes, and not to the dashboard's files.
bool routes_know(const char *path);
/// The route of a request (OPTIONS is spoken everywhere), whose parts are then set: they are cut out of `path`, which is written to. NULL, and 404 or 405:
/// nothing answers it.
const Route *routes_find(Request *request, char *path, Reply *reply);
