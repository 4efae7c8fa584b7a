/* http.h -- one request and its reply. GET and HEAD are spoken, and POST and DELETE where something is done. */
#pragma once

#include "base/base.h"

enum { REQUEST_ARGS_MAX = 16 };

typedef struct Request {
    const char *path;  // decoded
    struct {
        const char *name, *value;  // decoded
    } args[REQUEST_ARGS_MAX];
    size_t arg_count;
} Request;

/// The value of an argument, NULL when it is missing.
const char *request_arg(const Request *request, const char *name);

typedef struct Reply {
    int status;
    const char *type;   // NULL: application/json
    const char *cache;  // NULL: no-store
    char etag[24];      // "" for none
    char location[64];  // "" for none: where to look for what was asked for
    int retry_s;        // 0, or after how long to try again
    Text *body;         // empty at first
} Reply;

/// Make the reply a refusal: an RFC 9457 problem.
void reply_problem(Reply *reply, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
