/* body.h -- the body of a request as a JSON object. */
#pragma once

#include <jansson.h>

#include "server/http.h"

/// The object of a body, the caller's to let go (json_decref). NULL, and a refusal: it is none.
json_t *body_object(const Request *request, Reply *reply);
/// Whether the body says that it is a merge patch (RFC 7396). False, and a refusal: it says something else, or nothing.
bool body_is_patch(const Request *request, Reply *reply);
/// Whether there are no members but those of `known`, NULL behind them; `expected` says what they are. False, and a refusal: there are others.
bool body_members(const json_t *body, const char *const *known, const char *expected, Reply *reply);
