#include "view/endpoint.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Err endpoint_error(ErrText *why, const char *text)
{
    return err_set(why, ERR_USAGE, "\"%.200s\" is no address of a server: expected http://HOST:PORT, or https://", text);
}

/* Its parts, as curl reads them; false when there is more to it than a host and a port. */
static bool read_parts(CURLU *url, Endpoint *out)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, *query = NULL, *user = NULL;
    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    curl_url_get(url, CURLUPART_HOST, &host, 0);
    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    curl_url_get(url, CURLUPART_PATH, &path, 0);
    curl_url_get(url, CURLUPART_QUERY, &query, 0);
    curl_url_get(url, CURLUPART_USER, &user, 0);
    const bool fits = scheme && host && port && path && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) && strcmp(path, "/") == 0 && !query &&
                      !user && strlen(host) < sizeof out->host;
    if (fits) {
        const bool bracket = host[0] == '[';
        out->tls = strcmp(scheme, "https") == 0;
        out->port = atoi(port);
        snprintf(out->host, sizeof out->host, "%.*s", (int)strlen(host) - 2 * bracket, host + bracket);
        snprintf(out->base, sizeof out->base, "%s://%s:%s", scheme, host, port);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(query);
    curl_free(user);
    return fits && out->port > 0;
}

Err endpoint_read(const char *text, Endpoint *out, ErrText *why)
{
    char whole[1024];
    *out = (Endpoint){.port = 0};
    const int length = snprintf(whole, sizeof whole, "%s%s", strstr(text, "://") ? "" : "http://", text);
    CURLU *url = length < (int)sizeof whole && *text ? curl_url() : NULL;
    const bool fits = url && curl_url_set(url, CURLUPART_URL, whole, 0) == CURLUE_OK && read_parts(url, out);
    curl_url_cleanup(url);
    return fits ? ERR_OK : endpoint_error(why, text);
}

Err endpoint_check_secrecy(const Endpoint *address, ErrText *why)
{
    const char *host = address->host;
    const bool is_near = strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
    if (address->tls || is_near)
        return ERR_OK;
    return err_set(why, ERR_DENIED, "a token or a password is not sent to %.100s where everybody can read it: use https://", host);
}
