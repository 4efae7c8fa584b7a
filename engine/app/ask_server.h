/* ask_server.h -- one question of a subcommand to a running server, by its API; who asks waits for the answer.
 *
 * Takes: an address, a token.  Gives: JSON.  Threads: one. */
#pragma once

#include <jansson.h>

#include "app/options.h"
#include "app/token_file.h"

typedef struct ServerAddress {
    const char *url;         // "http://localhost:8080" when NULL
    const char *token_file;  // NULL: POLLUX_TOKEN, or none
    const char *ca;          // https: a PEM file of authorities; NULL: those of this machine
} ServerAddress;

#define SERVER_OPTIONS(address) \
    {OPTION_TEXT, "url", "URL", "where the server is (http://localhost:8080)", &(address)->url, 0, 0}, \
    {OPTION_TEXT, "token-file", "FILE", "a token of an engineer's, where access is asked for ($POLLUX_TOKEN)", &(address)->token_file, 0, 0}, \
    {OPTION_TEXT, "ca", "FILE", "of https://: whose certificates are trusted (PEM; those of this machine)", &(address)->ca, 0, 0}
enum { SERVER_OPTIONS_COUNT = 3 };

/// Ask `method` of `path`, which begins with a slash; its names are escaped by server_path. `body` is JSON, of a PATCH a merge patch, or NULL. `out` is the
/// caller's to let go, NULL where the answer has no body. ERR_IO: no answer; ERR_DENIED with what the server said: a refusal.
Err server_ask(const ServerAddress *address, const char *method, const char *path, const json_t *body, json_t **out, ErrText *why);
/// "/api/v1/devices/rig%201/claim" of "devices", "rig 1" and "claim"; `name` and `act` may be NULL.
Err server_path(const char *resource, const char *name, const char *act, char *out, size_t room, ErrText *why);
