/* events.c -- the two streams that there are, of any tags and of one leaf, and how their bytes go out. */
#include "server/events.h"

#include <stdlib.h>
#include <string.h>

#include "server/inside.h"
#include "server/routes.h"

enum {
    EVENTS_QUEUE_MAX = 1024 * 1024,  // bytes of alarms and commands that a reader may leave unread
    WRITE_BYTES = 32 * 1024,         // at once
    BEAT_S = 15,
};

struct Events {
    Viewer viewer;
    Server *server;
    struct lws *wsi;
    Events *next, **at;  // of all streams
    Caller caller;
    Subscription subscription;
    Outbox outbox;
    bool asked_writable, failed;
};

// What goes out.

/* Once until it is: asking again would make the event loop forget that it has just found out. */
static void ask_writable(Events *events)
{
    if (!events->asked_writable)
        lws_callback_on_writable(events->wsi);
    events->asked_writable = true;
}

/* The connection is cut off: a stream has no way to say why. */
static void end(Events *events)
{
    events->failed = true;
    outbox_clear(&events->outbox);
    lws_set_timeout(events->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
    lws_cancel_service(events->server->lws);  // a timeout that is set outside its callbacks is only seen when it is woken
}

static void events_push(Viewer *viewer, Chunk *chunk)
{
    Events *events = (Events *)viewer;
    if (events->failed)
        return;
    if (!chunk || !outbox_put(&events->outbox, chunk, EVENTS_QUEUE_MAX)) {
        events->server->counters.unread++;
        end(events);
    }
    ask_writable(events);
}

static bool events_offer(Viewer *viewer, Chunk *chunk)
{
    Events *events = (Events *)viewer;
    ask_writable(events);
    return !events->failed && !events->outbox.count && !lws_partial_buffered(events->wsi) && outbox_put(&events->outbox, chunk, SIZE_MAX);
}

int events_write(Events *events)
{
    static const char before[LWS_PRE];
    Text *out = &events->server->writing;
    events->asked_writable = false;
    if (events->failed)
        return -1;
    while (events->outbox.count && !lws_send_pipe_choked(events->wsi)) {
        text_clear(out);
        text_add(out, before, LWS_PRE);
        outbox_gather(&events->outbox, out, WRITE_BYTES);
        if (out->failed || lws_write(events->wsi, (unsigned char *)out->bytes + LWS_PRE, out->length - LWS_PRE, LWS_WRITE_HTTP) < 0)
            return -1;
    }
    if (events->outbox.count)
        ask_writable(events);
    else if (viewer_is_behind(&events->viewer))
        server__show(events->server);
    return 0;
}

void events_beat(Events *events)
{
    Chunk *beat = events->outbox.count ? NULL : chunk_make(":\n\n", 3);
    if (beat)
        events_push(&events->viewer, beat);
    chunk_drop(beat);
    lws_set_timer_usecs(events->wsi, BEAT_S * LWS_USEC_PER_SEC);
}

void events_begin(Events *events, struct lws *wsi)
{
    events->wsi = wsi;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    lws_set_timer_usecs(wsi, BEAT_S * LWS_USEC_PER_SEC);
    show_begin(events->server, &events->viewer, &events->subscription);
}

void server__recheck_events(Server *server)
{
    for (Events *events = server->events; events; events = events->next)
        if (!access_still_admits(server->access, &events->caller))
            end(events);
}

void events_close(Events *events)
{
    if (!events)
        return;
    show_leave(events->server, &events->viewer);
    outbox_fini(&events->outbox);
    *events->at = events->next;
    if (events->next)
        events->next->at = events->at;
    events->server->events_count--;
    mem_free(events);
}

// What is asked for.

/* A number from 0 that may be missing. */
static bool read_bound(const Request *request, const char *name, double *out, Reply *reply)
{
    const char *text = request_arg(request, name);
    char *end = NULL;
    *out = text ? strtod(text, &end) : 0;
    if (!text || (*text && !*end && *out >= 0 && *out < 1e300))
        return true;
    reply_problem(reply, 400, "%s: expected a number from 0, got \"%.60s\"", name, text);
    return false;
}

/* The revision after which the reader goes on, from its header or an argument; 0 where there is none that could be one. */
static uint64_t read_after(const Request *request)
{
    const char *after = *request->last_event ? request->last_event : request_arg(request, "after");
    return after ? strtoull(after, NULL, 10) : 0;
}

static void open_events(Server *server, const Request *request, const Wish *wish, Reply *reply)
{
    Events *events = server->events_count < STREAMS_MAX ? mem_alloc(sizeof *events) : NULL;
    if (!events) {
        server->counters.turned_away++;
        reply_problem(reply, 503, "no room for another stream of events");
        reply->retry_s = BEAT_S;
        return;
    }
    events->server = server;
    events->viewer = (Viewer){.offer = events_offer, .push = events_push};
    if (show_join(server, &events->viewer, wish, read_after(request), &events->subscription) != ERR_OK) {
        mem_free(events);
        reply_problem(reply, 503, "no memory for another stream of events");
        return;
    }
    events->caller = request->caller;
    events->next = server->events;
    events->at = &server->events;
    if (events->next)
        events->next->at = &events->next;
    server->events = events;
    server->events_count++;
    reply->type = "text/event-stream";
    reply->events = events;
}

static void answer_events(Server *server, const Request *request, Reply *reply)
{
    char names[2048];
    const char *tags[WIRE_PATTERNS_MAX], *asked = request_arg(request, "tags"), *change = request_arg(request, "on_change");
    Wish wish = {.form = FEED_EVENTS, .tags = tags, .on_change = change && strcmp(change, "true") == 0};
    if (snprintf(names, sizeof names, "%s", asked ? asked : "") >= (int)sizeof names) {
        reply_problem(reply, 400, "tags: expected names, %zu bytes at most", sizeof names - 1);
        return;
    }
    char *rest = NULL;
    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (wish.tag_count == WIRE_PATTERNS_MAX) {
            reply_problem(reply, 400, "tags: expected at most %d names", WIRE_PATTERNS_MAX);
            return;
        }
        if (!strchr(name, '*') && tags_find(server->plant->tags, name) == TAG_NONE) {
            reply_problem(reply, 404, "no tag \"%.100s\" in plant %s", name, server->plant->name);
            return;
        }
        tags[wish.tag_count++] = name;
    }
    if (!read_bound(request, "rate", &wish.rate_max_hz, reply) || !read_bound(request, "dead_band", &wish.dead_band, reply))
        return;
    if (wish.dead_band > 0 && wish.tag_count == 0)
        reply_problem(reply, 400, "dead_band: expected with tags: the whole plant has no unit in common");
    else
        open_events(server, request, &wish, reply);
}

static void answer_leaf_events(Server *server, const Request *request, Reply *reply)
{
    char name[TAG_NAME_ROOM];
    const char *tags[] = {name};
    Wish wish = {.form = FEED_LEAF, .tags = tags, .tag_count = 1, .times = reply->body->times, .on_change = true};
    const int length = snprintf(name, sizeof name, "%s.%s", request->parts[0], request->parts[1]);
    if (length >= (int)sizeof name || strchr(name, '*') || tags_find(server->plant->tags, name) == TAG_NONE)
        reply_problem(reply, 404, "no channel \"%.60s\" in a twin \"%.60s\"", request->parts[1], request->parts[0]);
    else if (read_bound(request, "rate", &wish.rate_max_hz, reply) && read_bound(request, "dead_band", &wish.dead_band, reply))
        open_events(server, request, &wish, reply);
}

/* Their tags have no channels: alarms concern twins, and no values come with them. */
static void answer_alarm_events(Server *server, const Request *request, Reply *reply)
{
    char name[TAG_NAME_ROOM];
    const char *tags[] = {name}, *twin = request_arg(request, "twin");
    const Wish wish = {.form = FEED_ALARMS, .tags = tags, .tag_count = 1, .on_change = true};
    snprintf(name, sizeof name, "%.*s.", (int)sizeof name - 2, twin ? twin : "*");
    if (twin && plant_find(server->plant, twin) < 0)
        reply_problem(reply, 404, "twin: no twin \"%.100s\" in plant %s", twin, server->plant->name);
    else
        open_events(server, request, &wish, reply);
}

const Route events_routes[] = {
    {.method = "GET", .path = "/api/v1/alarms/events", .right = RIGHT_VIEW, .answer = answer_alarm_events},  // before the alarms by number
    {.method = "GET", .path = "/api/v1/events", .right = RIGHT_VIEW, .answer = answer_events},
    {.method = "GET", .path = "/api/v1/twins/*/*/events", .right = RIGHT_VIEW, .answer = answer_leaf_events},
    {0},
};
