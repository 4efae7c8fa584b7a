#include "server/webhook.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "server/frames.h"

enum { TWIN_ROOM = 256, TRY_S = 10, CONNECT_S = 5 };
static const int64_t PAUSE_NS = NS_PER_S, PAUSE_MAX_NS = 60 * NS_PER_S;

typedef struct Notice {
    Alarm alarm;
    char twin[TWIN_ROOM];
    int64_t told;  // time of day
} Notice;

struct Webhook {
    char *url, *plant;
    Severity least;
    int64_t pause_ns;
    CURL *curl;
    struct curl_slist *headers;

    Ring events;
    sem_t work;  // posted for each event, and to stop
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    _Atomic uint64_t delivered, refused, dropped, repeated;
};

// What is told.

/* The alarm is named as in tags, and an event by the revision that it brings: what was told before is known by its id. */
static void put_event(Text *out, const Webhook *webhook, const Notice *notice)
{
    const Alarm *alarm = &notice->alarm;
    char text[TWIN_ROOM + sizeof alarm->name + 64];
    out->times = TEXT_TIMES_RFC3339;
    text_put(out, "{\"specversion\":\"1.0\",\"id\":");
    snprintf(text, sizeof text, "%llu-%u", (unsigned long long)alarm->id, alarm->revision);
    text_json_string(out, text);
    text_put(out, ",\"source\":");
    snprintf(text, sizeof text, "/plants/%.200s", webhook->plant);
    text_json_string(out, text);
    text_format(out, ",\"type\":\"pollux.alarm.%s\",\"subject\":", alarm_state_name(alarm->state));
    snprintf(text, sizeof text, "%s.%s", notice->twin, alarm->name);
    text_json_string(out, text);
    text_put(out, ",\"time\":");
    text_json_time(out, notice->told);
    text_put(out, ",\"datacontenttype\":\"application/json\",\"data\":");
    frame_alarm(out, alarm, notice->twin);
    text_put(out, "}");
}

// One try.

typedef enum Outcome { OUTCOME_DELIVERED, OUTCOME_REFUSED, OUTCOME_AGAIN } Outcome;

static int on_progress(void *self, curl_off_t down, curl_off_t downloaded, curl_off_t up, curl_off_t uploaded)
{
    (void)down, (void)downloaded, (void)up, (void)uploaded;
    return ((Webhook *)self)->stopping;
}

/* What the receiver answers with is not read. */
static size_t on_answer(char *bytes, size_t size, size_t count, void *self)
{
    (void)bytes, (void)self;
    return size * count;
}

static Outcome post(Webhook *webhook, const Text *text)
{
    long status = 0;
    curl_easy_setopt(webhook->curl, CURLOPT_POSTFIELDS, text->bytes);
    curl_easy_setopt(webhook->curl, CURLOPT_POSTFIELDSIZE, (long)text->length);
    const CURLcode code = curl_easy_perform(webhook->curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(webhook->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300)
        return OUTCOME_DELIVERED;
    if (!webhook->stopping)
        log_write(LOG_WARNING, "webhook", "%s: %s%ld", webhook->url, code == CURLE_OK ? "status " : curl_easy_strerror(code),
                  code == CURLE_OK ? status : (long)code);
    return status >= 400 && status < 500 && status != 408 && status != 429 ? OUTCOME_REFUSED : OUTCOME_AGAIN;
}

// The thread.

/* Sleep for a while, or until it is to stop: events that come meanwhile wait for their turn. */
static void rest(Webhook *webhook, int64_t ns)
{
    const int64_t end = clock_system.elapsed_ns(clock_system.self) + ns;
    while (!webhook->stopping && clock_system.elapsed_ns(clock_system.self) < end)
        clock_system.sleep_ns(clock_system.self, ns < 50 * NS_PER_MS ? ns : 50 * NS_PER_MS);
}

static void deliver(Webhook *webhook, const Notice *notice)
{
    Text text = {0};
    put_event(&text, webhook, notice);
    Outcome outcome = text.failed ? OUTCOME_REFUSED : post(webhook, &text);
    for (int64_t pause = webhook->pause_ns; outcome == OUTCOME_AGAIN && !webhook->stopping; pause = 2 * pause < PAUSE_MAX_NS ? 2 * pause : PAUSE_MAX_NS) {
        webhook->repeated++;
        rest(webhook, pause);
        if (!webhook->stopping)
            outcome = post(webhook, &text);
    }
    webhook->delivered += outcome == OUTCOME_DELIVERED;
    webhook->refused += outcome == OUTCOME_REFUSED;
    text_fini(&text);
}

static void *run(void *self)
{
    Webhook *webhook = self;
    Notice notice;
    while (!webhook->stopping) {
        while (sem_wait(&webhook->work) != 0 && errno == EINTR)
            continue;
        if (!webhook->stopping && ring_pop(&webhook->events, &notice))
            deliver(webhook, &notice);
    }
    return NULL;
}

// Beginning and end.

static char *copy(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *out = mem_alloc(size);
    return out ? memcpy(out, text, size) : NULL;
}

static bool add_header(Webhook *webhook, const char *header)
{
    struct curl_slist *list = curl_slist_append(webhook->headers, header);
    webhook->headers = list ? list : webhook->headers;
    return list != NULL;
}

/* Redirections are not followed: the token is for this address. */
static bool set_up(Webhook *webhook, const WebhookDef *def)
{
    char bearer[512] = "";
    webhook->curl = curl_easy_init();
    if (!webhook->curl || !add_header(webhook, "Content-Type: application/cloudevents+json; charset=utf-8"))
        return false;
    if (def->token)
        snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", def->token);
    if (def->token && !add_header(webhook, bearer))
        return false;
    CURLcode code = curl_easy_setopt(webhook->curl, CURLOPT_URL, webhook->url);
    if (def->ca)
        code |= curl_easy_setopt(webhook->curl, CURLOPT_CAINFO, def->ca);
    curl_easy_setopt(webhook->curl, CURLOPT_HTTPHEADER, webhook->headers);
    curl_easy_setopt(webhook->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(webhook->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(webhook->curl, CURLOPT_TIMEOUT, (long)TRY_S);
    curl_easy_setopt(webhook->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(webhook->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(webhook->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(webhook->curl, CURLOPT_XFERINFODATA, webhook);
    curl_easy_setopt(webhook->curl, CURLOPT_WRITEFUNCTION, on_answer);
    return code == CURLE_OK;
}

static Err check_url(const char *url, ErrText *why)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    const bool fits = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                      (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(parts);
    return fits ? ERR_OK : err_set(why, ERR_USAGE, "webhook: expected an address as https://host/path, got \"%.200s\"", url);
}

Err webhook_create(const WebhookDef *def, Webhook **out, ErrText *why)
{
    *out = NULL;
    Err err = check_url(def->url, why);
    if (err)
        return err;
    Webhook *webhook = mem_alloc(sizeof *webhook);
    if (!webhook)
        return err_set(why, ERR_MEMORY, "no memory for a webhook");
    curl_global_init(CURL_GLOBAL_DEFAULT);  // counted: it may be called as often as it is taken back
    sem_init(&webhook->work, 0, 0);
    webhook->least = def->least;
    webhook->pause_ns = def->pause_ns ? def->pause_ns : PAUSE_NS;
    webhook->url = copy(def->url);
    webhook->plant = copy(def->plant);
    if (webhook->url && webhook->plant && ring_init(&webhook->events, sizeof(Notice), WEBHOOK_QUEUE) == ERR_OK && set_up(webhook, def))
        webhook->running = pthread_create(&webhook->thread, NULL, run, webhook) == 0;
    if (!webhook->running) {
        webhook_destroy(webhook);
        return err_set(why, ERR_MEMORY, "no memory for the webhook %.200s", def->url);
    }
    *out = webhook;
    return ERR_OK;
}

void webhook_destroy(Webhook *webhook)
{
    if (!webhook)
        return;
    if (webhook->running) {
        webhook->stopping = true;
        sem_post(&webhook->work);
        pthread_join(webhook->thread, NULL);
    }
    curl_slist_free_all(webhook->headers);
    curl_easy_cleanup(webhook->curl);
    curl_global_cleanup();
    ring_fini(&webhook->events);
    sem_destroy(&webhook->work);
    mem_free(webhook->url);
    mem_free(webhook->plant);
    mem_free(webhook);
}

void webhook_tell(Webhook *webhook, const Alarm *alarm, const char *twin)
{
    if (alarm->severity < webhook->least)
        return;
    Notice notice = {.alarm = *alarm, .told = clock_system.utc_ns(clock_system.self)};
    snprintf(notice.twin, sizeof notice.twin, "%s", twin);
    if (ring_push(&webhook->events, &notice))
        sem_post(&webhook->work);
    else
        webhook->dropped++;
}

WebhookStats webhook_stats(const Webhook *webhook)
{
    return (WebhookStats){.delivered = webhook->delivered, .refused = webhook->refused, .dropped = webhook->dropped, .repeated = webhook->repeated};
}

const char *webhook_url(const Webhook *webhook)
{
    return webhook->url;
}
