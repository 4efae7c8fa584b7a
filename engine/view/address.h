/* address.h -- where a server is, and who comes to it. Pure. */
#pragma once

#include "base/base.h"

enum { ADDRESS_HOST = 256, ADDRESS_TOKEN = 512 };

typedef struct Address {
    char host[ADDRESS_HOST];       // an IPv6 address without its brackets
    int port;
    bool tls;
    char base[ADDRESS_HOST + 32];  // "https://host:port", in front of every path
} Address;

/// Read http://HOST[:PORT], https:// or HOST[:PORT]; a path behind it is refused unless it is "/". ERR_USAGE says what was expected.
Err address_read(const char *text, Address *out, ErrText *why);
/// ERR_DENIED where what is secret would go over a network in the clear.
Err address_check_secrecy(const Address *address, ErrText *why);
