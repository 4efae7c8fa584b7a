/* client.c -- libcurl's multi interface: a call is an easy handle that is kept, and is on the multi handle while it is busy. */
#include "connectors/http/client.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ETAG_MAX = 200, PATH_ROOM = 4096, HEADER_ROOM = 1024 };

struct HttpCall {
    HttpClient *client;
    CURL *curl;
    struct curl_slist *headers;  // of the request under way
    Text body;                   // of the answer, or on its way out
    Text answer;
    bool busy, too_long, tagged;  // by the answer that comes
    char etag[ETAG_MAX];
    char url[HTTP_URL_MAX];
    char fault[CURL_ERROR_SIZE];
    HttpCall *next;
};

struct HttpClient {
    const HttpSettings *settings;
    CURLM *multi;
    HttpCall *calls;
    char ca[PATH_ROOM], certificate[PATH_ROOM], key[PATH_ROOM];  // "" for none
};

// --- what all requests have in common ------------------------------------------------------------------------------

/* The path of a file beside the script; it can be read. */
static Err find_file(const char *folder, const char *name, char out[static PATH_ROOM], ErrText *why)
{
    out[0] = 0;
    if (!name)
        return ERR_OK;
    const int length = *name == '/' ? snprintf(out, PATH_ROOM, "%s", name) : snprintf(out, PATH_ROOM, "%s/%s", folder, name);
    FILE *file = length < PATH_ROOM ? fopen(out, "re") : NULL;
    if (!file)
        return err_set(why, ERR_IO, "%s cannot be read", out);
    fclose(file);
    return ERR_OK;
}

Err http_client_create(const HttpSettings *settings, const char *folder, HttpClient **out, ErrText *why)
{
    HttpClient *client = *out = mem_alloc(sizeof *client);
    if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        mem_free(client);
        *out = NULL;
        return err_set(why, ERR_MEMORY, "no memory");
    }
    client->settings = settings;
    client->multi = curl_multi_init();
    Err err = client->multi ? ERR_OK : err_set(why, ERR_MEMORY, "no memory");
    if (!err)
        err = find_file(folder, settings->ca, client->ca, why);
    if (!err)
        err = find_file(folder, settings->certificate, client->certificate, why);
    if (!err)
        err = find_file(folder, settings->key, client->key, why);
    if (err) {
        http_client_destroy(client);
        *out = NULL;
    }
    return err;
}

static void end_request(HttpCall *call)
{
    if (call->busy)
        curl_multi_remove_handle(call->client->multi, call->curl);
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    call->busy = false;
}

void http_client_destroy(HttpClient *client)
{
    if (!client)
        return;
    for (HttpCall *call = client->calls, *next; call; call = next) {
        next = call->next;
        end_request(call);
        curl_easy_cleanup(call->curl);
        text_fini(&call->body);
        text_fini(&call->answer);
        mem_free(call);
    }
    curl_multi_cleanup(client->multi);
    curl_global_cleanup();
    mem_free(client);
}

// --- one call ------------------------------------------------------------------------------------------------------

static size_t on_body(char *bytes, size_t size, size_t count, void *self)
{
    HttpCall *const call = self;
    call->too_long = call->answer.length + size * count > call->client->settings->limit;
    if (call->too_long)
        return 0;
    text_add(&call->answer, bytes, size * count);
    return call->answer.failed ? 0 : size * count;
}

/* Of all headers the entity tag alone is kept. */
static size_t on_header(char *bytes, size_t size, size_t count, void *self)
{
    static const char name[] = "etag:";
    HttpCall *const call = self;
    const size_t length = size * count;
    if (length < sizeof name || strncasecmp(bytes, name, sizeof name - 1) != 0)
        return length;
    const char *at = bytes + sizeof name - 1, *end = bytes + length;
    while (at < end && *at == ' ')
        at++;
    while (end > at && strchr(" \r\n", end[-1]))
        end--;
    // one that is cut off would be another
    if ((size_t)(end - at) < sizeof call->etag)
        call->tagged = snprintf(call->etag, sizeof call->etag, "%.*s", (int)(end - at), at) > 0;
    return length;
}

static CURLcode set_access(HttpCall *call)
{
    const HttpSettings *const settings = call->client->settings;
    CURLcode code = CURLE_OK;
    if (settings->user)
        code |= curl_easy_setopt(call->curl, CURLOPT_USERNAME, settings->user);
    if (settings->password)
        code |= curl_easy_setopt(call->curl, CURLOPT_PASSWORD, settings->password);
    if (*call->client->ca)
        code |= curl_easy_setopt(call->curl, CURLOPT_CAINFO, call->client->ca);
    if (*call->client->certificate)
        code |= curl_easy_setopt(call->curl, CURLOPT_SSLCERT, call->client->certificate);
    if (*call->client->key)
        code |= curl_easy_setopt(call->curl, CURLOPT_SSLKEY, call->client->key);
    return code;
}

static CURLcode set_up(HttpCall *call)
{
    CURLcode code = curl_easy_setopt(call->curl, CURLOPT_URL, call->url) | set_access(call);
    curl_easy_setopt(call->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(call->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(call->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->curl, CURLOPT_TIMEOUT_MS, (long)(call->client->settings->timeout_ns / NS_PER_MS));
    curl_easy_setopt(call->curl, CURLOPT_ERRORBUFFER, call->fault);
    curl_easy_setopt(call->curl, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(call->curl, CURLOPT_HEADERDATA, call);
    return code;
}

Err http_client_call(HttpClient *client, const char *path, HttpCall **out)
{
    HttpCall *call = *out = mem_alloc(sizeof *call);
    if (!call)
        return ERR_MEMORY;
    call->client = client;
    call->next = client->calls;
    client->calls = call;
    const char *const url = client->settings->url;
    const size_t length = strlen(url);
    snprintf(call->url, sizeof call->url, "%.*s%s", (int)(length - (url[length - 1] == '/')), url, path);
    call->curl = curl_easy_init();
    return call->curl && set_up(call) == CURLE_OK ? ERR_OK : ERR_MEMORY;
}

void http_call_forget(HttpCall *call)
{
    call->etag[0] = 0;
}

bool http_call_is_busy(const HttpCall *call)
{
    return call->busy;
}

// --- requests ------------------------------------------------------------------------------------------------------

static bool add_header(HttpCall *call, const char *name, const char *value)
{
    char line[HEADER_ROOM];
    if (snprintf(line, sizeof line, "%s: %s", name, value) >= (int)sizeof line)
        return false;
    struct curl_slist *const list = curl_slist_append(call->headers, line);
    if (!list)
        return false;
    call->headers = list;
    return true;
}

static bool add_token(HttpCall *call, const char *token)
{
    char bearer[HEADER_ROOM];
    return snprintf(bearer, sizeof bearer, "Bearer %s", token) < (int)sizeof bearer && add_header(call, "Authorization", bearer);
}

static bool add_headers(HttpCall *call)
{
    const HttpSettings *const settings = call->client->settings;
    const char *name;
    json_t *value;
    bool done = !settings->token || add_token(call, settings->token);
    json_object_foreach((json_t *)settings->headers, name, value)
        done = done && add_header(call, name, http_header_value(value));
    return done;
}

static bool begin_request(HttpCall *call, bool complete)
{
    text_clear(&call->answer);
    text_put(&call->answer, "");
    call->too_long = call->tagged = false;
    call->fault[0] = 0;
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    call->busy = complete && !call->answer.failed && curl_multi_add_handle(call->client->multi, call->curl) == CURLM_OK;
    if (!call->busy)
        end_request(call);
    return call->busy;
}

bool http_call_get(HttpCall *call)
{
    assert(!call->busy);
    const bool complete = add_headers(call) && (!*call->etag || add_header(call, "If-None-Match", call->etag));
    curl_easy_setopt(call->curl, CURLOPT_HTTPGET, 1L);
    return begin_request(call, complete);
}

bool http_call_send(HttpCall *call, bool post, const char *type, const Text *body)
{
    assert(!call->busy);
    text_clear(&call->body);
    text_add(&call->body, body->bytes, body->length);
    const bool complete = !call->body.failed && add_headers(call) && add_header(call, "Content-Type", type) && add_header(call, "Expect", "");
    curl_easy_setopt(call->curl, CURLOPT_POSTFIELDSIZE, (long)call->body.length);
    curl_easy_setopt(call->curl, CURLOPT_POSTFIELDS, call->body.bytes);
    curl_easy_setopt(call->curl, CURLOPT_CUSTOMREQUEST, post ? "POST" : "PUT");
    // a request that finds its connection closed is sent again by libcurl, and the other end may have carried it out
    curl_easy_setopt(call->curl, CURLOPT_FRESH_CONNECT, 1L);
    return begin_request(call, complete);
}

void http_client_wait(HttpClient *client, int file, int64_t wait_ns)
{
    struct curl_waitfd own = {.fd = file, .events = CURL_WAIT_POLLIN};
    int running;
    curl_multi_perform(client->multi, &running);
    curl_multi_poll(client->multi, &own, file >= 0, (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS), NULL);
    curl_multi_perform(client->multi, &running);
}

static void judge(const CURLMsg *message, HttpAnswer *out)
{
    HttpCall *const call = out->call;
    curl_off_t took_us = 0;
    curl_easy_getinfo(call->curl, CURLINFO_TOTAL_TIME_T, &took_us);
    out->took_ns = (int64_t)took_us * 1000;
    out->bytes = call->answer.bytes;
    out->length = call->answer.length;
    if (message->data.result == CURLE_OK) {
        curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &out->status);
        if (out->status != 304 && !call->tagged)
            http_call_forget(call);
        return;
    }
    out->status = 0;
    if (call->too_long)
        snprintf(out->why, sizeof out->why, "the answer is longer than %zu bytes", call->client->settings->limit);
    else
        snprintf(out->why, sizeof out->why, "%.150s", *call->fault ? call->fault : curl_easy_strerror(message->data.result));
}

bool http_client_ended(HttpClient *client, HttpAnswer *out)
{
    int left;
    for (const CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        *out = (HttpAnswer){0};
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &out->call);
        judge(message, out);
        end_request(out->call);
        return true;
    }
    return false;
}
