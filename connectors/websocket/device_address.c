#include "connectors/websocket/device_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Err url_error(ErrText *why, const char *url, const char *what)
{
    return err_set(why, ERR_USAGE, "\"%.200s\": %s; expected ws://HOST[:PORT][/PATH], or wss://", url, what);
}

static Err read_port(DeviceAddress *address, const char *url, const char **at, ErrText *why)
{
    address->port = address->tls ? 443 : 80;
    if (**at != ':')
        return ERR_OK;
    char *end;
    const long port = strtol(*at + 1, &end, 10);
    if ((*at)[1] < '0' || (*at)[1] > '9' || port < 1 || port > 65535)
        return url_error(why, url, "the port must be a number from 1 to 65535");
    address->port = (int)port;
    *at = end;
    return ERR_OK;
}

Err device_address_read(const char *url, DeviceAddress *out, ErrText *why)
{
    out->tls = strncmp(url, "wss://", 6) == 0;
    if (!out->tls && strncmp(url, "ws://", 5) != 0)
        return url_error(why, url, "not the address of a WebSocket");

    // an IPv6 address stands in brackets, because it has colons of its own
    const char *at = url + strlen(out->tls ? "wss://" : "ws://");
    const bool bracket = *at == '[';
    at += bracket;
    const size_t length = strcspn(at, bracket ? "]" : ":/?#");
    if (length == 0 || length >= sizeof out->host)
        return url_error(why, url, "the host is missing or too long");
    memcpy(out->host, at, length);
    at += length;
    if (bracket && *at++ != ']')
        return url_error(why, url, "a ] is missing");

    const Err err = read_port(out, url, &at, why);
    if (err != ERR_OK)
        return err;
    if (*at && *at != '/')
        return url_error(why, url, "something stands behind the host and port");
    const int written = snprintf(out->path, sizeof out->path, "%s", at[0] && at[1] ? at : "/api/v1/ws");
    if (written >= (int)sizeof out->path)
        return url_error(why, url, "the path is too long");
    return ERR_OK;
}

Err device_address_check_secrecy(const DeviceAddress *address, ErrText *why)
{
    const char *host = address->host;
    const bool is_near = strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
    if (address->tls || is_near)
        return ERR_OK;
    return err_set(why, ERR_DENIED, "a token is not sent to %.100s where everybody can read it: use wss://", host);
}
