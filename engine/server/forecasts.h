/* forecasts.h -- looking ahead by REST: docs/protocol.md, "Forecasts". What is asked is put on the Desk; a request may wait for its end.
 *
 * Takes: requests, a Desk.  Gives: replies.  Threads: the service thread. */
#pragma once

#include "server/http.h"
#include "server/inside.h"

enum { FORECAST_WAIT_MAX = 50, FORECAST_PATIENCE = 60, FORECAST_PATIENCE_MAX = 3600 };  // s

/// POST /api/v1/forecasts with its body: the number of the ask, or 0 and a refusal. `*wait` is how long the request waits for the result, in s.
uint64_t forecasts_ask(Server *server, const Request *request, const Text *body, Reply *reply, double *wait);
/// How it stands with an ask: 200 when it has ended, 202 before.
void forecasts_answer(const Server *server, uint64_t id, Reply *reply);
/// Whether whoever waits for an ask need not wait any longer.
bool forecasts_has_ended(const Server *server, uint64_t id);
/// DELETE /api/v1/forecasts/ID.
void forecasts_cancel(Server *server, const char *path, Reply *reply);

/// GET /api/v1/forecasts, /api/v1/forecasts/ID, /api/v1/scenarios.
void forecasts_answer_list(Server *server, const Request *request, Reply *reply);
void forecasts_answer_one(Server *server, const Request *request, Reply *reply);
void forecasts_answer_scenarios(Server *server, const Request *request, Reply *reply);
