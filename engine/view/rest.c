#include "view/rest.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ANSWER_MAX = 256 * 1024 * 1024, AT_ONCE = 12, CONNECT_S = 5 };

typedef struct Question {
    uint64_t ticket;
    char method[8], path[REST_PATH];
    char *body;
    long seconds;
} Question;

/* A question under way. */
typedef struct Call {
    CURL *curl;
    struct curl_slist *headers;
    Question question;
    Text answer;
    char error[CURL_ERROR_SIZE];
} Call;

struct Rest {
    Endpoint address;
    char token[ENDPOINT_TOKEN], ca[1024];
    RestLogin login;
    CURLM *multi;
    Call calls[AT_ONCE];
    Ring questions, answers;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    size_t asked, taken;  // the asking thread's: what is between them has a place in `answers`
};

// One call.

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

static bool set_headers(const Rest *rest, Call *call)
{
    char line[ENDPOINT_TOKEN + 64];
    bool fine = add_header(call, "Content-Type: application/json");
    snprintf(line, sizeof line, "Authorization: Bearer %s", rest->token);
    if (rest->token[0])
        fine = fine && add_header(call, line);
    snprintf(line, sizeof line, "Cookie: %s", rest->login.cookie);
    if (rest->login.cookie[0])
        fine = fine && add_header(call, line);
    snprintf(line, sizeof line, "X-Pollux-CSRF: %s", rest->login.csrf);
    if (rest->login.csrf[0])
        fine = fine && add_header(call, line);
    return fine;
}

/* Redirections are not followed: what lets in is for this address. */
static bool set_up(const Rest *rest, Call *call)
{
    char url[sizeof rest->address.base + REST_PATH];
    const Question *question = &call->question;
    call->curl = curl_easy_init();
    if (!call->curl || !set_headers(rest, call))
        return false;
    snprintf(url, sizeof url, "%s%s", rest->address.base, question->path);
    CURLcode code = curl_easy_setopt(call->curl, CURLOPT_URL, url);
    code |= curl_easy_setopt(call->curl, CURLOPT_CUSTOMREQUEST, question->method);
    if (question->body)
        code |= curl_easy_setopt(call->curl, CURLOPT_POSTFIELDS, question->body);
    if (rest->ca[0])
        code |= curl_easy_setopt(call->curl, CURLOPT_CAINFO, rest->ca);
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(call->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(call->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->curl, CURLOPT_NOPROXY, rest->address.host);
    curl_easy_setopt(call->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(call->curl, CURLOPT_TIMEOUT, question->seconds);
    curl_easy_setopt(call->curl, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, &call->answer);
    curl_easy_setopt(call->curl, CURLOPT_PRIVATE, call);
    return code == CURLE_OK;
}

static void clear(Call *call)
{
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
    mem_free(call->question.body);
    text_fini(&call->answer);
    *call = (Call){.curl = NULL};
}

static RestAnswer read_answer(Call *call, CURLcode code)
{
    RestAnswer out = {.ticket = call->question.ticket};
    long status = 0;
    if (code != CURLE_OK) {
        snprintf(out.text, sizeof out.text, "%s", call->error[0] ? call->error : curl_easy_strerror(code));
        return out;
    }
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    out.status = (int)status;
    if (call->answer.length > 0)
        out.json = json_loadb(call->answer.bytes, call->answer.length, JSON_DECODE_ANY, NULL);
    if (status >= 300) {
        const char *detail = json_string_value(json_object_get(out.json, "detail"));
        snprintf(out.text, sizeof out.text, "%s", detail ? detail : "the server refuses this");
    } else if (!out.json && call->answer.length > 0) {
        snprintf(out.text, sizeof out.text, "the server's answer is no JSON");
        out.status = 0;
    }
    return out;
}

// The thread.

static void finish(Rest *rest, Call *call, CURLcode code)
{
    const RestAnswer answer = read_answer(call, code);
    if (!ring_push(&rest->answers, &answer))
        json_decref(answer.json);  // cannot be: each question has a place
    clear(call);
}

static void begin_next(Rest *rest)
{
    for (Call *call = rest->calls; call < rest->calls + AT_ONCE; call++) {
        if (call->curl || !ring_pop(&rest->questions, &call->question))
            continue;
        if (!set_up(rest, call) || curl_multi_add_handle(rest->multi, call->curl) != CURLM_OK)
            finish(rest, call, CURLE_OUT_OF_MEMORY);
    }
}

static void end_finished(Rest *rest)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(rest->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        Call *call;
        const CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        curl_multi_remove_handle(rest->multi, call->curl);
        finish(rest, call, code);
    }
}

static void *run(void *self)
{
    Rest *rest = self;
    while (!rest->stopping) {
        int running;
        begin_next(rest);
        curl_multi_perform(rest->multi, &running);
        end_finished(rest);
        curl_multi_poll(rest->multi, NULL, 0, 1000, NULL);
    }
    return NULL;
}

// The public functions.

Err rest_open(const RestDef *def, Rest **out, ErrText *why)
{
    *out = NULL;
    Rest *rest = mem_alloc(sizeof *rest);
    if (!rest)
        return err_set(why, ERR_MEMORY, "no memory for questions");
    curl_global_init(CURL_GLOBAL_DEFAULT);  // counted
    rest->address = *def->address;
    snprintf(rest->token, sizeof rest->token, "%s", def->token ? def->token : "");
    snprintf(rest->ca, sizeof rest->ca, "%s", def->ca ? def->ca : "");
    rest->multi = curl_multi_init();
    if (rest->multi && ring_init(&rest->questions, sizeof(Question), REST_WAITING_MAX) == ERR_OK &&
        ring_init(&rest->answers, sizeof(RestAnswer), REST_WAITING_MAX) == ERR_OK)
        rest->running = pthread_create(&rest->thread, NULL, run, rest) == 0;
    if (!rest->running) {
        rest_close(rest);
        return err_set(why, ERR_MEMORY, "no memory for questions");
    }
    *out = rest;
    return ERR_OK;
}

void rest_close(Rest *rest)
{
    if (!rest)
        return;
    rest->stopping = true;
    if (rest->running) {
        curl_multi_wakeup(rest->multi);
        pthread_join(rest->thread, NULL);
    }
    for (Call *call = rest->calls; call < rest->calls + AT_ONCE; call++) {
        if (call->curl)
            curl_multi_remove_handle(rest->multi, call->curl);
        clear(call);
    }
    for (Question left; rest->questions.items && ring_pop(&rest->questions, &left);)
        mem_free(left.body);
    for (RestAnswer left; rest->answers.items && ring_pop(&rest->answers, &left);)
        json_decref(left.json);
    curl_multi_cleanup(rest->multi);
    curl_global_cleanup();
    ring_fini(&rest->questions);
    ring_fini(&rest->answers);
    mem_free(rest);
}

bool rest_ask(Rest *rest, uint64_t ticket, const char *method, const char *path, const char *body, long seconds)
{
    Question question = {.ticket = ticket, .seconds = seconds};
    if (rest->asked - rest->taken == REST_WAITING_MAX || snprintf(question.path, sizeof question.path, "%s", path) >= REST_PATH)
        return false;
    snprintf(question.method, sizeof question.method, "%s", method);
    if (body) {
        question.body = mem_alloc(strlen(body) + 1);
        if (!question.body)
            return false;
        memcpy(question.body, body, strlen(body) + 1);
    }
    if (!ring_push(&rest->questions, &question)) {
        mem_free(question.body);
        return false;
    }
    rest->asked++;
    curl_multi_wakeup(rest->multi);
    return true;
}

bool rest_take(Rest *rest, RestAnswer *out)
{
    if (!ring_pop(&rest->answers, out))
        return false;
    rest->taken++;
    return true;
}

/* The cookie of the session, from the lines of the answer's head. */
static size_t on_head(char *bytes, size_t size, size_t count, void *self)
{
    static const char name[] = "set-cookie:";
    RestLogin *login = self;
    char line[512];
    snprintf(line, sizeof line, "%.*s", (int)(size * count < sizeof line ? size * count : sizeof line - 1), bytes);
    if (strncasecmp(line, name, sizeof name - 1) == 0) {
        const char *value = line + sizeof name - 1;
        value += strspn(value, " ");
        snprintf(login->cookie, sizeof login->cookie, "%.*s", (int)strcspn(value, ";\r\n"), value);
    }
    return size * count;
}

Err rest_login(Rest *rest, const char *user, const char *password, RestLogin *out, ErrText *why)
{
    Call call = {.question = {.method = "POST", .path = "/api/v1/login", .seconds = 30}};
    Text body = {0};
    text_put(&body, "{\"user\":");
    text_json_string(&body, user);
    text_put(&body, ",\"password\":");
    text_json_string(&body, password);
    text_put(&body, "}");
    call.question.body = body.bytes;
    *out = (RestLogin){.cookie = ""};
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (!body.failed && set_up(rest, &call)) {
        curl_easy_setopt(call.curl, CURLOPT_HEADERFUNCTION, on_head);
        curl_easy_setopt(call.curl, CURLOPT_HEADERDATA, out);
        code = curl_easy_perform(call.curl);
    }

    RestAnswer answer = read_answer(&call, code);
    const char *csrf = json_string_value(json_object_get(answer.json, "csrf"));
    snprintf(out->csrf, sizeof out->csrf, "%s", csrf ? csrf : "");
    const Err err = answer.status == 200
                        ? ERR_OK
                        : err_set(why, answer.status ? ERR_DENIED : ERR_IO, "%s does not let \"%s\" in: %s", rest->address.base, user, answer.text);
    json_decref(answer.json);
    clear(&call);  // the body with it
    if (err == ERR_OK)
        rest->login = *out;
    return err;
}
