/* test_webhook.c -- alarms told to other programs: what they get, in which order, and what happens when they do not answer. */
#include <arpa/inet.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/kit.h"
#include "server/webhook.h"

enum { POSTS_MAX = 16, BODY_ROOM = 4096 };

/* A receiver of posts that answers with one status after the other, and for ever with the last. */
typedef struct Receiver {
    int listener, port;
    const int *statuses;  // 0 ends them; 1: it never answers
    pthread_t thread;
    atomic_int count;
    char posts[POSTS_MAX][BODY_ROOM];
} Receiver;

static void sleep_ms(int64_t ms)
{
    clock_system.sleep_ns(clock_system.self, ms * NS_PER_MS);
}

static size_t body_length(const char *request)
{
    const char *length = strstr(request, "Content-Length: ");
    return length ? (size_t)atoi(length + strlen("Content-Length: ")) : 0;
}

static void take_post(Receiver *receiver, int peer, const int **status)
{
    char request[BODY_ROOM] = "", answer[64];
    size_t length = 0;
    for (char *body = NULL; !body || strlen(body + 4) < body_length(request); body = strstr(request, "\r\n\r\n")) {
        const ssize_t got = read(peer, request + length, sizeof request - 1 - length);
        if (got <= 0)
            return;
        request[length += (size_t)got] = 0;
    }
    memcpy(receiver->posts[receiver->count % POSTS_MAX], request, sizeof request);
    receiver->count++;
    if (**status == 1)
        return;
    snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", **status);
    ck_assert_int_gt(write(peer, answer, strlen(answer)), 0);
    *status += (*status)[1] != 0;
}

static void *receive(void *self)
{
    Receiver *receiver = self;
    const int *status = receiver->statuses;
    int held = -1;
    for (int peer; (peer = accept(receiver->listener, NULL, NULL)) >= 0;) {
        take_post(receiver, peer, &status);
        if (*status == 1)
            held = peer;
        else
            close(peer);
    }
    if (held >= 0)
        close(held);
    return NULL;
}

static void receiver_open(Receiver *receiver, const int *statuses)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *receiver = (Receiver){.statuses = statuses, .listener = socket(AF_INET, SOCK_STREAM, 0)};
    ck_assert_int_eq(bind(receiver->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(receiver->listener, 8), 0);
    getsockname(receiver->listener, (struct sockaddr *)&address, &size);
    receiver->port = ntohs(address.sin_port);
    pthread_create(&receiver->thread, NULL, receive, receiver);
}

static void receiver_close(Receiver *receiver)
{
    shutdown(receiver->listener, SHUT_RDWR);
    pthread_join(receiver->thread, NULL);
    close(receiver->listener);
}

static void await_posts(const Receiver *receiver, int count)
{
    for (int i = 0; receiver->count < count && i < 1000; i++)
        sleep_ms(10);
    ck_assert_int_ge(receiver->count, count);
}

static Webhook *hook_to(const Receiver *receiver, Severity least, const char *token)
{
    char url[64];
    ErrText why;
    Webhook *webhook;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/alarms", receiver->port);
    const WebhookDef def = {.url = url, .plant = "works", .least = least, .token = token, .pause_ns = 10 * NS_PER_MS};
    ck_assert_msg(webhook_create(&def, &webhook, &why) == ERR_OK, "%s", why.text);
    return webhook;
}

static Alarm alarm_of(uint64_t id, Severity severity)
{
    Alarm alarm = {.id = id, .state = ALARM_RAISED, .severity = severity, .raised = 1600000000 * NS_PER_S, .acknowledged = TIME_NONE, .returned = TIME_NONE, .amended = TIME_NONE, .revision = 1};
    snprintf(alarm.name, sizeof alarm.name, "overflow");
    snprintf(alarm.text, sizeof alarm.text, "level is \"high\"");
    return alarm;
}

static json_t *event_of(const Receiver *receiver, int post)
{
    const char *body = strstr(receiver->posts[post], "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    json_t *event = json_loads(body + 4, 0, NULL);
    ck_assert_msg(event != NULL, "%s", body);
    return event;
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    ck_assert_msg(text != NULL, "%s", key);
    return text;
}

START_TEST(a_change_is_a_cloud_event)
{
    static const int statuses[] = {204, 0};
    Receiver receiver;
    receiver_open(&receiver, statuses);
    Webhook *webhook = hook_to(&receiver, SEVERITY_INFO, "secret");
    const Alarm alarm = alarm_of(7, SEVERITY_CRITICAL);
    webhook_tell(webhook, &alarm, "tank1");
    await_posts(&receiver, 1);
    ck_assert_ptr_nonnull(strstr(receiver.posts[0], "POST /alarms HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(receiver.posts[0], "\r\nContent-Type: application/cloudevents+json"));
    ck_assert_ptr_nonnull(strstr(receiver.posts[0], "\r\nAuthorization: Bearer secret\r\n"));

    json_t *event = event_of(&receiver, 0);
    const json_t *data = json_object_get(event, "data");
    int64_t time;
    ck_assert_str_eq(text_of(event, "specversion"), "1.0");
    ck_assert_str_eq(text_of(event, "id"), "7-1");
    ck_assert_str_eq(text_of(event, "source"), "/plants/works");
    ck_assert_str_eq(text_of(event, "type"), "pollux.alarm.raised");
    ck_assert_str_eq(text_of(event, "subject"), "tank1.overflow");
    ck_assert(time_parse(text_of(event, "time"), strlen(text_of(event, "time")), &time));
    ck_assert_str_eq(text_of(data, "raised"), "2020-09-13T12:26:40Z");
    ck_assert_str_eq(text_of(data, "text"), "level is \"high\"");
    json_decref(event);
    webhook_destroy(webhook);
    receiver_close(&receiver);
}
END_TEST

/* Twice it fails, then it works: the first event has come three times, and the second behind it. */
START_TEST(what_is_not_taken_comes_again_and_in_order)
{
    static const int statuses[] = {500, 503, 200, 0};
    Receiver receiver;
    receiver_open(&receiver, statuses);
    Webhook *webhook = hook_to(&receiver, SEVERITY_INFO, NULL);
    for (uint64_t id = 1; id <= 2; id++) {
        const Alarm alarm = alarm_of(id, SEVERITY_MAJOR);
        webhook_tell(webhook, &alarm, "tank1");
    }
    await_posts(&receiver, 4);
    static const char *const ids[] = {"1-1", "1-1", "1-1", "2-1"};
    for (int i = 0; i < 4; i++) {
        json_t *event = event_of(&receiver, i);
        ck_assert_str_eq(text_of(event, "id"), ids[i]);
        json_decref(event);
    }
    for (int i = 0; webhook_stats(webhook).delivered < 2 && i < 1000; i++)
        sleep_ms(10);
    const WebhookStats stats = webhook_stats(webhook);
    ck_assert(stats.delivered == 2 && stats.repeated == 2 && stats.refused == 0);
    webhook_destroy(webhook);
    receiver_close(&receiver);
}
END_TEST

START_TEST(what_is_refused_for_good_is_not_repeated)
{
    static const int statuses[] = {400, 200, 0};
    Receiver receiver;
    receiver_open(&receiver, statuses);
    Webhook *webhook = hook_to(&receiver, SEVERITY_INFO, NULL);
    for (uint64_t id = 1; id <= 2; id++) {
        const Alarm alarm = alarm_of(id, SEVERITY_MAJOR);
        webhook_tell(webhook, &alarm, "tank1");
    }
    await_posts(&receiver, 2);
    json_t *second = event_of(&receiver, 1);
    ck_assert_str_eq(text_of(second, "id"), "2-1");
    json_decref(second);
    ck_assert_uint_eq(webhook_stats(webhook).refused, 1);
    webhook_destroy(webhook);
    receiver_close(&receiver);
}
END_TEST

START_TEST(lesser_alarms_are_not_told)
{
    static const int statuses[] = {200, 0};
    Receiver receiver;
    receiver_open(&receiver, statuses);
    Webhook *webhook = hook_to(&receiver, SEVERITY_MAJOR, NULL);
    const Alarm lesser = alarm_of(1, SEVERITY_WARNING), greater = alarm_of(2, SEVERITY_CRITICAL);
    webhook_tell(webhook, &lesser, "tank1");
    webhook_tell(webhook, &greater, "tank1");
    await_posts(&receiver, 1);
    json_t *event = event_of(&receiver, 0);
    ck_assert_str_eq(text_of(event, "id"), "2-1");
    json_decref(event);
    webhook_destroy(webhook);
    receiver_close(&receiver);
}
END_TEST

/* Whoever does not answer loses events, and costs neither the tick nor the end of the program any time. */
START_TEST(who_does_not_answer_holds_nobody_up)
{
    static const int statuses[] = {1, 0};
    Receiver receiver;
    receiver_open(&receiver, statuses);
    Webhook *webhook = hook_to(&receiver, SEVERITY_INFO, NULL);
    const Alarm alarm = alarm_of(1, SEVERITY_MAJOR);
    const int64_t start = clock_system.elapsed_ns(clock_system.self);
    for (int i = 0; i < 2 * WEBHOOK_QUEUE; i++)
        webhook_tell(webhook, &alarm, "tank1");
    await_posts(&receiver, 1);
    ck_assert_uint_ge(webhook_stats(webhook).dropped, WEBHOOK_QUEUE - 1);
    webhook_destroy(webhook);
    ck_assert_int_lt(clock_system.elapsed_ns(clock_system.self) - start, 8 * NS_PER_S);
    receiver_close(&receiver);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const urls[] = {"", "here", "ftp://localhost/x", "file:///etc/passwd", "http://"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        Webhook *webhook;
        ErrText why = {""};
        ck_assert_msg(webhook_create(&(WebhookDef){.url = urls[i], .plant = "works"}, &webhook, &why) == ERR_USAGE, "%s", urls[i]);
        ck_assert_ptr_nonnull(strstr(why.text, "expected an address"));
    }
}
END_TEST

KIT_MAIN("server.webhook", a_change_is_a_cloud_event, what_is_not_taken_comes_again_and_in_order, what_is_refused_for_good_is_not_repeated, lesser_alarms_are_not_told,
         who_does_not_answer_holds_nobody_up, what_is_no_address_is_refused)
