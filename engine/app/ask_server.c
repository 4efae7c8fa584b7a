#include "app/ask_server.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 64 << 20, ANSWER_S = 60, CONNECT_S = 10 };

typedef struct Call {
    CURL *curl;
    struct curl_slist *headers;
    char *body;
    Text answer;
    char error[CURL_ERROR_SIZE];
} Call;

static size_t on_bytes(char *bytes, size_t size, size_t count, void *self)
{
    Text *answer = self;
    if (answer->length + size * count > ANSWER_MAX)
        return 0;
    text_add(answer, bytes, size * count);
    return answer->failed ? 0 : size * count;
}

static bool add_header(Call *call, const char *header)
{
    struct curl_slist *list = curl_slist_append(call->headers, header);
    call->headers = list ? list : call->headers;
    return list != NULL;
}

/* Who can read a token can use it. */
static Err check_secrecy(const char *url, ErrText *why)
{
    static const char *const near[] = {"http://localhost", "http://127.", "http://[::1]"};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        if (strncmp(url, near[i], strlen(near[i])) == 0)
            return ERR_OK;
    return strncmp(url, "http://", strlen("http://")) != 0
               ? ERR_OK
               : err_set(why, ERR_DENIED, "a token is not sent to %.100s where everybody can read it: use https://", url);
}

static Err add_token(Call *call, const ServerAddress *address, const char *url, ErrText *why)
{
    char token[TOKEN_TEXT_ROOM], line[TOKEN_TEXT_ROOM + 32];
    Err err = token_read(address->token_file, token, why);
    if (err || !*token)
        return err;
    if ((err = check_secrecy(url, why)))
        return err;
    snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    return add_header(call, line) ? ERR_OK : err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
}

/* Redirections are not followed: a token is for this address. */
static Err set_up(Call *call, const ServerAddress *address, const char *method, const char *path, const json_t *body, ErrText *why)
{
    char whole[2048];
    const char *url = address->url ? address->url : "http://localhost:8080";
    const bool patches = strcmp(method, "PATCH") == 0;
    if (strncmp(url, "http://", strlen("http://")) != 0 && strncmp(url, "https://", strlen("https://")) != 0)
        return err_set(why, ERR_USAGE, "--url: expected http://HOST[:PORT] or https://, got \"%.200s\"", url);
    const size_t length = strlen(url) - (url[strlen(url) - 1] == '/');
    if (snprintf(whole, sizeof whole, "%.*s%s", (int)length, url, path) >= (int)sizeof whole)
        return err_set(why, ERR_USAGE, "the address is too long");
    call->curl = curl_easy_init();
    call->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (!call->curl || (body && !call->body) || !add_header(call, patches ? "Content-Type: application/merge-patch+json" : "Content-Type: application/json"))
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    const Err err = add_token(call, address, url, why);
    if (err)
        return err;
    CURLcode code = curl_easy_setopt(call->curl, CURLOPT_URL, whole);
    code |= curl_easy_setopt(call->curl, CURLOPT_CUSTOMREQUEST, method);
    if (call->body || strcmp(method, "GET") != 0)
        code |= curl_easy_setopt(call->curl, CURLOPT_COPYPOSTFIELDS, call->body ? call->body : "");
    if (address->ca)
        code |= curl_easy_setopt(call->curl, CURLOPT_CAINFO, address->ca);
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(call->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    curl_easy_setopt(call->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(call->curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
    curl_easy_setopt(call->curl, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, &call->answer);
    return code == CURLE_OK ? ERR_OK : err_set(why, ERR_MEMORY, "libcurl does not take the request: %s", curl_easy_strerror(code));
}

static Err read_answer(Call *call, const char *path, json_t **out, ErrText *why)
{
    long status = 0;
    json_error_t error;
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    if (call->answer.length) {
        *out = json_loadb(call->answer.bytes, call->answer.length, JSON_DECODE_ANY, &error);
        if (!*out)
            return err_set(why, ERR_IO, "the answer to %s is no JSON: is this a Pollux?", path);
    }
    if (status < 300)
        return ERR_OK;
    const char *detail = json_string_value(json_object_get(*out, "detail"));
    err_set(why, ERR_DENIED, "%s (%ld)", detail ? detail : "the server refuses this", status);
    json_decref(*out);
    *out = NULL;
    return ERR_DENIED;
}

Err server_ask(const ServerAddress *address, const char *method, const char *path, const json_t *body, json_t **out, ErrText *why)
{
    Call call = {0};
    *out = NULL;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    Err err = set_up(&call, address, method, path, body, why);
    if (!err) {
        const CURLcode code = curl_easy_perform(call.curl);
        err = code == CURLE_OK ? read_answer(&call, path, out, why) : err_set(why, ERR_IO, "%s: %s", address->url ? address->url : "http://localhost:8080",
                                                                               *call.error ? call.error : curl_easy_strerror(code));
    }
    curl_easy_cleanup(call.curl);
    curl_slist_free_all(call.headers);
    free(call.body);
    text_fini(&call.answer);
    curl_global_cleanup();
    return err;
}

Err server_path(const char *resource, const char *name, const char *act, char *out, size_t room, ErrText *why)
{
    char *escaped = name ? curl_easy_escape(NULL, name, 0) : NULL;
    if (name && !escaped)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    const int length = snprintf(out, room, "/api/v1/%s%s%s%s%s", resource, name ? "/" : "", name ? escaped : "", act ? "/" : "", act ? act : "");
    curl_free(escaped);
    return length < (int)room ? ERR_OK : err_set(why, ERR_USAGE, "the name is too long");
}
