/* rest.h -- GET under /api/v1 and /healthz: docs/protocol.md, "REST". */
#pragma once

#include "server/http.h"
#include "server/inside.h"

/// Whether `path` is one that rest_answer answers.
bool rest_knows(const char *path);
void rest_answer(Server *server, const Request *request, Reply *reply);
