/* device_address.h -- where a device goes: ws://HOST[:PORT][/PATH], or wss://. Pure. */
#pragma once

#include "base/base.h"

typedef struct DeviceAddress {
    char host[128], path[256];
    int port;
    bool tls;
} DeviceAddress;

/// ERR_USAGE, with what was expected.
Err device_address_read(const char *url, DeviceAddress *out, ErrText *why);
/// Whether a token may be sent there: who can read it can use it. ERR_DENIED: it would travel in the clear, to another machine.
Err device_address_check_secrecy(const DeviceAddress *address, ErrText *why);
