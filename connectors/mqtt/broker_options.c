/* broker_options.c -- where the broker is, and who we are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "connectors/mqtt/broker.h"

enum { CLIENT_ID_MAX = 64 };

const char *const broker_keys[] = {"1",  "url",         "host", "port",       "version", "client_id", "user",      "password",
                                   "ca", "certificate", "key",  "keep_alive", "clean",   "retry",     "retry_most", NULL};

/* mqtt://host:port or mqtts://[::1]; the port may be left out. */
static void read_url(Options *options, const char *url, BrokerDef *out)
{
    static const char expected[] = "mqtt://HOST:PORT or mqtts://HOST:PORT was expected";
    char host[BROKER_TEXT] = "", end[8] = "";
    int used = 0, port = 0;
    out->tls = strncmp(url, "mqtts://", 8) == 0;
    if (!out->tls && strncmp(url, "mqtt://", 7) != 0) {
        options_fail(options, "url", "%s", expected);
        return;
    }
    url += out->tls ? 8 : 7;
    if (sscanf(url, *url == '[' ? "[%255[0-9a-fA-F:.]]%n" : "%255[^:/@]%n", host, &used) != 1 || !used) {
        options_fail(options, "url", "%s", expected);
        return;
    }
    const int ports = sscanf(url + used, ":%5d%7s", &port, end);
    const bool is_whole = !url[used] || strcmp(url + used, "/") == 0 || (ports == 1 && port > 0 && port < 65536) || (ports == 2 && strcmp(end, "/") == 0);
    if (!is_whole)
        options_fail(options, "url", "%s", expected);
    snprintf(out->host, sizeof out->host, "%s", host);
    out->port = ports >= 1 ? port : 0;
}

static void read_place(Options *options, BrokerDef *out)
{
    const char *url = options_text(options, "url", NULL), *host = options_text(options, "host", url ? NULL : "localhost");
    if (url && host)
        options_fail(options, "host", "either url or host and port was expected");
    if (url)
        read_url(options, url, out);
    else
        snprintf(out->host, sizeof out->host, "%s", host ? host : "");
    const int port = (int)options_integer(options, "port", out->port ? out->port : out->tls ? 8883 : 1883, 1, 65535);
    if (url && options_has(options, "port"))
        options_fail(options, "port", "either url or host and port was expected");
    out->port = port;
    snprintf(out->peer, sizeof out->peer, "%.240s:%d", out->host, out->port);
}

static void read_file(Options *options, const char *folder, const char *key, bool tls, char out[static BROKER_TEXT])
{
    const char *path = options_text(options, key, NULL);
    if (!path)
        return;
    const int length = *path == '/' || !folder ? snprintf(out, BROKER_TEXT, "%s", path) : snprintf(out, BROKER_TEXT, "%s/%s", folder, path);
    FILE *const file = fopen(out, "re");
    if (!tls)
        options_fail(options, key, "this is of mqtts://");
    else if (length >= BROKER_TEXT || !file)
        options_fail(options, key, "a file that can be read was expected, not %s", out);
    if (file)
        fclose(file);
}

/* A name that no other client has: two of one name throw each other out. */
static void make_client_id(const char *name, char out[static BROKER_CLIENT_ID])
{
    uint32_t some = 0;
    if (getrandom(&some, sizeof some, GRND_NONBLOCK) != sizeof some)
        some = (uint32_t)clock_system.elapsed_ns(clock_system.self);
    snprintf(out, BROKER_CLIENT_ID, "pollux-%.48s-%08x", name, some);
}

static void read_client(Options *options, const char *name, BrokerDef *out)
{
    const char *client_id = options_text(options, "client_id", NULL);
    out->clean = options_flag(options, "clean", true);
    if (!out->clean && !client_id)
        options_fail(options, "clean", "a session that is kept needs a client_id");
    if (client_id && strlen(client_id) > CLIENT_ID_MAX)
        options_fail(options, "client_id", "at most %d letters were expected", CLIENT_ID_MAX);
    if (client_id)
        snprintf(out->client_id, sizeof out->client_id, "%s", client_id);
    else
        make_client_id(name, out->client_id);

    out->user = options_secret(options, "user");
    out->password = options_secret(options, "password");
    if (out->password && !out->user)
        options_fail(options, "password", "a password needs a user");
}

void broker_read(Options *options, const char *folder, const char *name, BrokerDef *out)
{
    *out = (BrokerDef){0};
    read_place(options, out);
    out->version = (int)options_integer(options, "version", 5, 4, 5);
    read_client(options, name, out);
    read_file(options, folder, "ca", out->tls, out->ca);
    read_file(options, folder, "certificate", out->tls, out->certificate);
    read_file(options, folder, "key", out->tls, out->key);
    if (!*out->certificate != !*out->key)
        options_fail(options, *out->key ? "key" : "certificate", "a certificate and its key were expected");
    out->keep_alive = (int)options_integer(options, "keep_alive", 20, 5, 65535);
    out->retry_ns = (int64_t)(options_number(options, "retry", 0.5, 0.01, 3600) * (double)NS_PER_S);
    out->retry_most_ns = (int64_t)(options_number(options, "retry_most", 30, 0.01, 3600) * (double)NS_PER_S);
    if (out->retry_most_ns < out->retry_ns)
        options_fail(options, "retry_most", "at least the first wait was expected, %g s", (double)out->retry_ns / (double)NS_PER_S);
}
