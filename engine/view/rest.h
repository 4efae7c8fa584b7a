/* rest.h -- questions to a server over HTTP, several at a time, without waiting for any.
 *
 * libcurl's multi interface on a thread of its own. What takes long on the server (a forecast) does not hold up what does not.
 *
 * Takes: an address, what lets in.  Gives: answers as JSON, each with the ticket of its question.
 * Threads: all functions from one; the thread of its own does the rest. */
#pragma once

#include <jansson.h>

#include "view/endpoint.h"

enum { REST_PATH = 2048, REST_WAITING_MAX = 64 };

typedef struct RestDef {
    const Endpoint *address;
    const char *token, *ca;  // NULL: none; the machine's
} RestDef;

typedef struct RestAnswer {
    uint64_t ticket;
    int status;      // of HTTP; 0 when there was no answer
    json_t *json;    // the receiver's; NULL when there is none
    char text[256];  // what went wrong, for people: the problem's detail, or what libcurl says; "" when nothing did
} RestAnswer;

/// Who has logged in, for a WebSocket beside it.
typedef struct RestLogin {
    char cookie[256], csrf[128];
} RestLogin;

typedef struct Rest Rest;

Err rest_open(const RestDef *def, Rest **out, ErrText *why);
void rest_close(Rest *rest);
/// Log in, before anything is asked; waits for the answer. ERR_DENIED with what the server says.
Err rest_login(Rest *rest, const char *user, const char *password, RestLogin *out, ErrText *why);
/// False when there is no room. `path` begins with a slash; `body` is JSON, or NULL (it is copied). Within `seconds` there is an answer.
bool rest_ask(Rest *rest, uint64_t ticket, const char *method, const char *path, const char *body, long seconds);
/// The next answer; its `json` is the caller's.
bool rest_take(Rest *rest, RestAnswer *out);
