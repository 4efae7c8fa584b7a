/* endpoint.h -- where a server is, and who comes to it. Pure. */
#pragma once

#include "base/base.h"

enum { ENDPOINT_HOST = 256, ENDPOINT_TOKEN = 512 };

typedef struct Endpoint {
    char host[ENDPOINT_HOST];       // an IPv6 address without its brackets
    int port;
    bool tls;
    char base[ENDPOINT_HOST + 32];  // "https://host:port", in front of every path
} Endpoint;

/// Read http://HOST[:PORT], https:// or HOST[:PORT]; a path behind it is refused unless it is "/". ERR_USAGE says what was expected.
Err endpoint_read(const char *text, Endpoint *out, ErrText *why);
/// ERR_DENIED where what is secret would go over a network in the clear.
Err endpoint_check_secrecy(const Endpoint *address, ErrText *why);
