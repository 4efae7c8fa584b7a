/* http.c -- the thread that asks, and the way in for what is pushed. */
#include "connectors/http/http.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/client.h"
#include "connectors/http/intake.h"
#include "signal/backoff.h"
#include "signal/schedule.h"

enum { ORDER_REST_MS = 20 };

/* What is read at one path in one period: one request for all bindings of it. */
typedef struct Resource {
    const char *path;
    HttpCall *call;
    Schedule schedule;
    int64_t again_ns;  // elapsed: one that failed is not asked before
    Backoff backoff;
    bool failed;
    Push *push;       // of bindings in line protocol, NULL without any
    size_t *members;  // bindings in another form
    size_t member_count, line_count;
} Resource;

/* What a binding had last: an answer of "not modified" says it once more. */
typedef struct Last {
    double number;
    Quality quality;
    bool known, stamped;
} Last;

/* The command that is on its way; one at a time, in their order. */
typedef struct Order {
    HttpCall *call;  // NULL: none
    uint64_t command;
} Order;

typedef struct Http {
    const char *name;
    HttpSettings settings;
    HttpPlace *places;
    const Binding *bindings;
    size_t count;
    const Clock *clock;

    pthread_mutex_t lock;  // of the exchange
    Exchange *exchange;
    Intake *intake;        // NULL: nothing is pushed
    Inlets *inlets;
    Inlet inlet;
    bool entered;

    pthread_t thread;
    HttpClient *client;  // NULL: nothing is asked for
    Resource *resources;
    size_t resource_count;
    size_t *members;  // of all resources, one behind the other
    HttpCall **orders;    // by binding, of those that are written
    Order order;
    Last *last;       // by binding
    PushValues values;
    Text body;
} Http;

static int64_t elapsed(const Http *http)
{
    return http->clock->elapsed_ns(http->clock->self);
}

static int64_t utc(const Http *http)
{
    return http->clock->utc_ns(http->clock->self);
}

// --- what was read -------------------------------------------------------------------------------------------------

static void pass_on(Http *http, size_t binding, double number, int64_t time, Quality quality, bool stamped)
{
    http->last[binding] = (Last){number, quality, true, stamped};
    exchange_value(http->exchange, binding, number, time, quality);
}

static bool are_all_failed(const Http *http)
{
    for (size_t i = 0; i < http->resource_count; i++)
        if (!http->resources[i].failed)
            return false;
    return true;
}

static void silence(Http *http, const Resource *resource)
{
    for (size_t i = 0; i < resource->member_count + resource->line_count; i++) {
        http->last[resource->members[i]].known = false;
        exchange_value(http->exchange, resource->members[i], NAN, TIME_NONE, QUALITY_BAD);
    }
}

/* There is nothing to be had of it now. What is pushed does not depend on that, so with it the connection does not count as lost. */
static void fail_resource(Http *http, Resource *resource, const char *why)
{
    char fault[160];
    snprintf(fault, sizeof fault, "GET %.60s: %s", resource->path, why);
    http_call_forget(resource->call);
    resource->failed = true;
    resource->again_ns = elapsed(http) + backoff_next(&resource->backoff);
    silence(http, resource);
    if (are_all_failed(http) && !http->intake)
        exchange_left(http->exchange, "%s", fault);
    else
        exchange_refuse(http->exchange, "%s", fault);
}

static void pass_on_lines(Http *http, const Resource *resource, char *text, int64_t time)
{
    ErrText why;
    http->values.count = 0;
    if (push_read_lines(resource->push, text, 1, NULL, NULL, &http->values, &why) != ERR_OK)
        exchange_refuse(http->exchange, "GET %.60s: %s", resource->path, why.text);
    for (size_t i = 0; i < http->values.count; i++) {
        const PushValue *const value = &http->values.items[i];
        const bool stamped = value->time != TIME_NONE;
        pass_on(http, value->binding, value->number, stamped ? value->time : time, value->quality, stamped);
    }
}

static Err read_member(const HttpPlace *place, const HttpAnswer *answer, const json_t *document, PayloadValue *out, ErrText *why)
{
    if (place->form.json)
        return payload_pick(&place->form, document, out, why);
    *out = (PayloadValue){.time = TIME_NONE, .quality = QUALITY_GOOD};
    return payload_read_number(answer->bytes, answer->length, &out->number, why);
}

static void pass_on_member(Http *http, const Resource *resource, size_t binding, const HttpAnswer *answer, const json_t *document, int64_t time)
{
    PayloadValue value;
    ErrText why;
    const HttpPlace *const place = &http->places[binding];
    if (place->form.json && document && !payload_is_meant(&place->form, document))
        return;
    const Err err = place->form.json && !document ? err_set(&why, ERR_PARSE, "JSON was expected") : read_member(place, answer, document, &value, &why);
    if (!err) {
        const bool stamped = value.time != TIME_NONE;
        pass_on(http, binding, value.number, stamped ? value.time : time, value.quality, stamped);
        return;
    }
    exchange_refuse(http->exchange, "GET %.60s: %s", resource->path, why.text);
    http_call_forget(resource->call);
    exchange_value(http->exchange, binding, NAN, TIME_NONE, QUALITY_BAD);
}

static void pass_on_answer(Http *http, const Resource *resource, const HttpAnswer *answer, int64_t time)
{
    // the document is read once for all, and only where somebody wants one
    bool json = false;
    for (size_t i = 0; i < resource->member_count; i++)
        json |= http->places[resource->members[i]].form.json;
    json_t *document = json ? json_loadb(answer->bytes, answer->length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    for (size_t i = 0; i < resource->member_count; i++)
        pass_on_member(http, resource, resource->members[i], answer, document, time);
    json_decref(document);
    if (resource->push)
        pass_on_lines(http, resource, (char *)answer->bytes, time);
}

/* What has not changed is as it was, now. A value with a stamp of its own was passed on already. */
static void repeat(Http *http, const Resource *resource, int64_t time)
{
    for (size_t i = 0; i < resource->member_count + resource->line_count; i++) {
        const size_t binding = resource->members[i];
        const Last *const last = &http->last[binding];
        if (last->known && !last->stamped)
            exchange_value(http->exchange, binding, last->number, time, last->quality);
    }
}

static void take_answer(Http *http, Resource *resource, const HttpAnswer *answer)
{
    const int64_t time = utc(http) - answer->took_ns / 2;
    if (!answer->status) {
        fail_resource(http, resource, answer->why);
        return;
    }
    if (answer->status != 304 && (answer->status < 200 || answer->status > 299)) {
        char why[32];
        snprintf(why, sizeof why, "status %ld", answer->status);
        fail_resource(http, resource, why);
        return;
    }
    resource->failed = false;
    backoff_reset(&resource->backoff);
    exchange_joined(http->exchange);
    if (answer->status == 304)
        repeat(http, resource, time);
    else
        pass_on_answer(http, resource, answer, time);
}

// --- commands ------------------------------------------------------------------------------------------------------

static void take_outcome(Http *http, const HttpAnswer *answer)
{
    if (answer->status >= 200 && answer->status <= 299)
        exchange_outcome(http->exchange, http->order.command, true, "%s", "");
    else if (answer->status)
        exchange_outcome(http->exchange, http->order.command, false, "status %ld", answer->status);
    else
        exchange_outcome(http->exchange, http->order.command, false, "no answer, it may have been carried out: %s", answer->why);
    http->order.call = NULL;
}

static void begin_order(Http *http, const Command *command, size_t binding, double number)
{
    const HttpPlace *const place = &http->places[binding];
    const PayloadNews news = {.number = number, .time = utc(http), .id = command->id};
    text_clear(&http->body);
    HttpCall *const call = http->orders[binding];
    if (payload_write(&place->form, &news, &http->body) == ERR_OK &&
        http_call_send(call, place->post, place->form.json ? "application/json" : "text/plain", &http->body)) {
        http->order = (Order){call, command->id};
        return;
    }
    exchange_outcome(http->exchange, command->id, false, "no memory to send it");
}

static void take_order(Http *http)
{
    Command command;
    size_t binding;
    double number;
    while (!http->order.call && exchange_take(http->exchange, &command, &binding, &number))
        begin_order(http, &command, binding, number);
}

// --- the thread ----------------------------------------------------------------------------------------------------

/* Begin a request, or leave the turn out where the last one still goes on. Until when nothing is to be done. */
static int64_t ask(Http *http, Resource *resource, int64_t now)
{
    if (resource->schedule.due_ns > now)
        return resource->schedule.due_ns;
    const bool rests = resource->failed && now < resource->again_ns, busy = http_call_is_busy(resource->call);
    const uint64_t left_out = schedule_advance(&resource->schedule, now);
    if (!rests)
        exchange_missed(http->exchange, left_out + busy);
    if (!rests && !busy && !http_call_get(resource->call))
        fail_resource(http, resource, "no memory to ask");
    return resource->schedule.due_ns;
}

/* How long nothing is to be done. */
static int64_t ask_all(Http *http)
{
    const int64_t now = elapsed(http), look = exchange_look(http->exchange);
    int64_t until = now + look;
    for (size_t i = 0; i < http->resource_count; i++) {
        const int64_t next = ask(http, &http->resources[i], now);
        until = next < until ? next : until;
    }
    return until - now;
}

static void hear(Http *http)
{
    for (HttpAnswer answer; http_client_ended(http->client, &answer);) {
        if (answer.call == http->order.call)
            take_outcome(http, &answer);
        for (size_t i = 0; i < http->resource_count; i++)
            if (http->resources[i].call == answer.call)
                take_answer(http, &http->resources[i], &answer);
    }
}

static void wait(Http *http, int64_t wait_ns)
{
    // while a command is on its way the next one waits, and its file stays readable
    const bool ordered = http->order.call;
    const int64_t most_ns = ORDER_REST_MS * NS_PER_MS;
    http_client_wait(http->client, ordered ? -1 : exchange_file(http->exchange), ordered && wait_ns > most_ns ? most_ns : wait_ns);
}

static void *serve(void *self)
{
    Http *const http = self;
    pthread_mutex_lock(&http->lock);
    // where nothing is read, nothing tells whether the other end is there
    if (http->resource_count == 0)
        exchange_joined(http->exchange);
    while (!exchange_ends(http->exchange)) {
        take_order(http);
        const int64_t wait_ns = ask_all(http);
        pthread_mutex_unlock(&http->lock);
        wait(http, wait_ns);
        pthread_mutex_lock(&http->lock);
        hear(http);
    }
    pthread_mutex_unlock(&http->lock);
    return NULL;
}

// --- opening -------------------------------------------------------------------------------------------------------

static void destroy(Http *http)
{
    if (http->entered)
        inlets_leave(http->inlets, &http->inlet);
    for (size_t i = 0; i < http->resource_count; i++)
        push_destroy(http->resources[i].push);
    http_client_destroy(http->client);
    intake_destroy(http->intake);
    exchange_destroy(http->exchange);
    pthread_mutex_destroy(&http->lock);
    push_values_fini(&http->values);
    text_fini(&http->body);
    mem_free(http->places);
    mem_free(http->resources);
    mem_free(http->members);
    mem_free(http->orders);
    mem_free(http->last);
    mem_free(http);
}

static void close_http(void *self)
{
    Http *const http = self;
    exchange_end(http->exchange);
    pthread_join(http->thread, NULL);
    destroy(http);
}

static Http *create(const ConnectorDef *def)
{
    Http *http = mem_alloc(sizeof *http);
    if (!http)
        return NULL;
    const size_t room = def->binding_count + 1;
    pthread_mutex_init(&http->lock, NULL);
    http->name = def->name;
    http->bindings = def->bindings;
    http->count = def->binding_count;
    http->inlets = def->inlets;
    http->clock = def->clock ? def->clock : &clock_system;
    http->places = mem_alloc(room * sizeof *http->places);
    http->resources = mem_alloc(room * sizeof *http->resources);
    http->members = mem_alloc(room * sizeof *http->members);
    http->orders = mem_alloc(room * sizeof *http->orders);
    http->last = mem_alloc(room * sizeof *http->last);
    if (http->places && http->resources && http->members && http->orders && http->last)
        return http;
    destroy(http);
    return NULL;
}

static bool is_of(const Http *http, size_t binding, const HttpPlace *place)
{
    const HttpPlace *const other = &http->places[binding];
    return other->path && !http->bindings[binding].writes && strcmp(other->path, place->path) == 0 && other->every_ns == place->every_ns;
}

static bool is_gathered(const Http *http, size_t binding, size_t taken)
{
    for (size_t i = 0; i < taken; i++)
        if (http->members[i] == binding)
            return true;
    return false;
}

/* The bindings of one resource, those in line protocol behind the others. */
static Err gather(Http *http, const HttpPlace *place, size_t *members, Resource *out)
{
    PushTarget *targets = mem_alloc((http->count + 1) * sizeof *targets);
    if (!targets)
        return ERR_MEMORY;
    out->members = members;
    for (int lines = 0; lines < 2; lines++)
        for (size_t i = 0; i < http->count; i++) {
            if (!is_of(http, i, place) || (http->places[i].push.measurement != NULL) != lines)
                continue;
            members[out->member_count + out->line_count] = i;
            if (lines)
                targets[out->line_count++] = http->places[i].push;
            else
                out->member_count++;
        }
    const Err err = out->line_count ? push_create(targets, out->line_count, &out->push) : ERR_OK;
    mem_free(targets);
    return err;
}

static Err begin_resource(Http *http, size_t binding, size_t *taken)
{
    const HttpPlace *const place = &http->places[binding];
    Resource *const resource = &http->resources[http->resource_count++];
    *resource = (Resource){.path = place->path, .schedule = {elapsed(http), place->every_ns}};
    resource->backoff = backoff_begin(http->settings.retry_ns, http->settings.retry_most_ns, http->name);
    const Err err = gather(http, place, http->members + *taken, resource);
    *taken += resource->member_count + resource->line_count;
    return err ? err : http_client_call(http->client, place->path, &resource->call);
}

static Err begin_asking(Http *http, const ConnectorDef *def, ErrText *why)
{
    Err err = http_client_create(&http->settings, def->folder, &http->client, why);
    size_t taken = 0;
    for (size_t i = 0; i < http->count && !err; i++) {
        if (!http->places[i].path)
            continue;
        if (http->bindings[i].writes)
            err = http_client_call(http->client, http->places[i].path, &http->orders[i]);
        else if (!is_gathered(http, i, taken))
            err = begin_resource(http, i, &taken);
        if (err)
            err_set(why, err, "no memory");
    }
    return err;
}

static Err begin_taking(Http *http)
{
    PushTarget *targets = mem_alloc(http->count * sizeof *targets);
    if (!targets)
        return ERR_MEMORY;
    IntakeDef def = {.targets = targets, .bindings = http->bindings, .exchange = http->exchange, .lock = &http->lock};
    for (size_t i = 0; i < http->count; i++)
        if (!http->places[i].path)
            targets[def.target_count++] = http->places[i].push;
    Err err = intake_create(&def, &http->intake);
    mem_free(targets);
    if (err || !http->inlets)
        return err;
    http->inlet = (Inlet){.name = http->name, .self = http->intake, .take = intake_take, .has_stored = intake_has_stored};
    err = inlets_enter(http->inlets, &http->inlet);
    http->entered = !err;
    return err;
}

static Err begin(Http *http, const ConnectorDef *def, ErrText *why)
{
    const ExchangeDef exchange = {
        .name = def->name,
        .kind = http_kind.name,
        .peer = http->settings.url ? http->settings.url : "what is pushed",
        .bindings = def->bindings,
        .binding_count = def->binding_count,
        .clock = http->clock,
    };
    Err err = exchange_create(&exchange, &http->exchange);
    if (!err && http->settings.pushed)
        err = begin_taking(http);
    if (err)
        return err_set(why, err, "%s", err_name(err));
    err = begin_asking(http, def, why);
    if (!err && pthread_create(&http->thread, NULL, serve, http) != 0)
        err = err_set(why, ERR_MEMORY, "no thread");
    return err;
}

static Err http_check(const ConnectorDef *def, ConnectorFault *fault)
{
    *fault = (ConnectorFault){.binding = TAG_NONE};
    Http *http = create(def);
    if (!http)
        return err_set(&fault->why, ERR_MEMORY, "no memory");
    const Err err = http_settings_read(def, &http->settings, http->places, fault);
    destroy(http);
    return err;
}

static Err http_open(const ConnectorDef *def, Connector *out, Exchange **exchange, ConnectorFault *fault)
{
    *fault = (ConnectorFault){.binding = TAG_NONE};
    Http *http = create(def);
    if (!http)
        return err_set(&fault->why, ERR_MEMORY, "no memory");
    Err err = http_settings_read(def, &http->settings, http->places, fault);
    if (!err)
        err = begin(http, def, &fault->why);
    if (err) {
        destroy(http);
        return err;
    }
    *exchange = http->exchange;
    *out = exchange_connector(http->exchange, close_http, http);
    return ERR_OK;
}

/* "measurement,tag=value,... field" of a pushed line. */
static void http_suggest(const char *address, Text *out)
{
    char copy[EXCHANGE_ADDRESS_MAX], *rest = copy;
    snprintf(copy, sizeof copy, "%s", address);
    char *const field = strrchr(copy, ' ');
    if (!field)
        return;
    *field = 0;
    text_put(out, "measurement = ");
    text_json_string(out, strsep(&rest, ","));
    text_put(out, ", field = ");
    text_json_string(out, field + 1);
    const char *before = ", tags = { ";
    for (char *tag; (tag = strsep(&rest, ","));) {
        char *const value = strchr(tag, '=');
        if (!value)
            continue;
        *value = 0;
        text_format(out, "%s[", before);
        text_json_string(out, tag);
        text_put(out, "] = ");
        text_json_string(out, value + 1);
        before = ", ";
    }
    text_put(out, before[2] == 't' ? "" : " }");
}

const ConnectorKind http_kind = {
    .version = CONNECTOR_VERSION,
    .name = "http",
    .doc = "numbers that are pushed to the server (JSON, InfluxDB's line protocol), and resources that are read and written",
    .check = http_check,
    .open = http_open,
    .suggest = http_suggest,
};
