/* reply.c -- what handlers make of a reply, and the headers that it goes out with. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/inside.h"

enum { HEADERS_ROOM = 2048 };

void reply_problem(Reply *reply, int status, const char *format, ...)
{
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);

    reply->status = status;
    reply->type = "application/problem+json";
    reply->cache = NULL;
    reply->etag[0] = reply->link[0] = 0;
    text_clear(reply->body);
    wire_write_problem(reply->body, status, detail);
}

void reply_tag(Reply *reply)
{
    reply->cache = "no-cache";
    snprintf(reply->etag, sizeof reply->etag, "\"%016" PRIx64 "\"", hash_bytes(0, reply->body->bytes ? reply->body->bytes : "", reply->body->length));
}

/* A name or a value of an argument, with what is not plain escaped. */
static void put_escaped(Text *out, const char *text)
{
    for (; *text; text++)
        text_format(out, isalnum((unsigned char)*text) || strchr("-._~", *text) ? "%c" : "%%%02X", (unsigned char)*text);
}

static void put_arg(Text *out, const char *separator, const char *name, const char *value)
{
    text_put(out, separator);
    put_escaped(out, name);
    text_put(out, "=");
    put_escaped(out, value);
}

void reply_next(Reply *reply, const Request *request, const char *name, const char *value)
{
    Text link = {0};
    text_format(&link, "<%s", request->path);
    put_arg(&link, "?", name, value);
    for (size_t i = 0; i < request->arg_count; i++)
        if (strcmp(request->args[i].name, name) != 0)
            put_arg(&link, "&", request->args[i].name, request->args[i].value);
    text_put(&link, ">; rel=\"next\"");

    // who sent more than fits finds the next page in the body
    if (!link.failed && link.length < sizeof reply->link)
        memcpy(reply->link, link.bytes, link.length + 1);
    text_fini(&link);
}

void reply_ask(Reply *reply, const ServerAsk *ask, ReplyTold *told)
{
    reply->ask = *ask;
    reply->told = told;
}

void reply_await(Reply *reply, const Awaited *awaited, uint64_t id, double seconds)
{
    reply->awaited = awaited;
    reply->awaited_id = id;
    reply->wait_s = seconds;
}

void reply_next_number(Reply *reply, const Request *request, const char *name, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    reply_next(reply, request, name, digits);
}

// The headers.

bool server__is_known(struct lws *wsi, const Reply *reply)
{
    char known[256];
    return reply->etag[0] && lws_hdr_copy(wsi, known, sizeof known, WSI_TOKEN_HTTP_IF_NONE_MATCH) > 0
        && (strstr(known, reply->etag) || strcmp(known, "*") == 0);
}

typedef struct Headers {
    unsigned char bytes[LWS_PRE + HEADERS_ROOM];
    unsigned char *at, *end;
    struct lws *wsi;
    bool failed;
} Headers;

static void put_header(Headers *headers, const char *name, const char *value)
{
    headers->failed |= lws_add_http_header_by_name(headers->wsi, (const unsigned char *)name, (const unsigned char *)value, (int)strlen(value),
                                                   &headers->at, headers->end) != 0;
}

bool server__write_headers(struct lws *wsi, const Reply *reply, size_t length, bool last)
{
    Headers headers = {.wsi = wsi};
    headers.at = headers.bytes + LWS_PRE;
    headers.end = headers.bytes + sizeof headers.bytes - 1;
    const char *type = reply->type ? reply->type : "application/json";
    headers.failed = lws_add_http_common_headers(wsi, (unsigned)reply->status, type, length, &headers.at, headers.end) != 0;

    put_header(&headers, "cache-control:", reply->cache ? reply->cache : "no-store");
    if (reply->etag[0])
        put_header(&headers, "etag:", reply->etag);
    if (reply->location[0])
        put_header(&headers, "location:", reply->location);
    if (reply->cookie[0])
        put_header(&headers, "set-cookie:", reply->cookie);
    if (reply->status == 401)
        put_header(&headers, "www-authenticate:", "Bearer");
    if (reply->link[0])
        put_header(&headers, "link:", reply->link);
    if (reply->retry_s) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", reply->retry_s);
        put_header(&headers, "retry-after:", seconds);
    }
    if (reply->allow[0])
        put_header(&headers, "allow:", reply->allow);
    if (last)
        put_header(&headers, "connection:", "close");
    put_header(&headers, "content-security-policy:",
               "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
               "form-action 'none'; frame-ancestors 'none'");
    put_header(&headers, "x-content-type-options:", "nosniff");
    put_header(&headers, "x-frame-options:", "DENY");
    put_header(&headers, "referrer-policy:", "no-referrer");
    put_header(&headers, "cross-origin-resource-policy:", "same-origin");
    return !headers.failed && lws_finalize_write_http_header(wsi, headers.bytes + LWS_PRE, &headers.at, headers.end) == 0;
}
