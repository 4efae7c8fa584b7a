/* settings.h -- what a plant's script says of an HTTP connector and of what is bound to it (README.md lists the keys).
 *
 * A binding with a `path` is a resource of the connector's url, which is read by GET and written by PUT or POST; one without is pushed to the server.
 *
 * Takes: options and bindings.  Gives: Settings, a Place per binding.  Memory: views into the JSON.  Threads: any. */
#pragma once

#include "connectors/http/push.h"
#include "signal/connector_kind.h"
#include "signal/payload.h"

enum { HTTP_URL_MAX = 1024 };

typedef struct HttpSettings {
    const char *url;        // what paths are of, "http://plc/api"; NULL: nothing is asked for
    const json_t *headers;  // name -> text, or what the environment says; NULL: none
    const char *token;      // Authorization: Bearer; NULL: none
    const char *user, *password;  // Authorization: Basic
    const char *ca, *certificate, *key;  // files beside the script
    int64_t timeout_ns;
    int64_t retry_ns, retry_most_ns;
    size_t limit;           // bytes of an answer
    bool pushed;            // something is pushed to us
} HttpSettings;

/// What one binding means; of those that are pushed `push` alone counts.
typedef struct HttpPlace {
    const char *path;   // NULL: it is pushed
    int64_t every_ns;   // between two readings
    bool post;          // a command goes by POST, not by PUT
    PayloadForm form;   // of the answer, and of a command
    PushTarget push;    // of what is pushed, and of answers in line protocol
} HttpPlace;

/// `places` has room for all bindings.
Err http_settings_read(const ConnectorDef *def, HttpSettings *out, HttpPlace *places, ConnectorFault *fault);
/// The value of a header as it is sent: "$NAME" is what the environment says, NULL where it says nothing.
const char *http_header_value(const json_t *value);
