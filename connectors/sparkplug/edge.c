#include "connectors/sparkplug/edge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "connectors/sparkplug/lookup.h"

static const char rebirth[] = "Node Control/Rebirth", birth_count[] = "bdSeq";

/* A metric: that of a binding. */
typedef struct Point {
    bool has_number;
    double number;
    int64_t time;
    bool is_shadow;  // another binding publishes this metric, this one hears what hosts set
} Point;

struct Edge {
    const Plan *plan;
    Exchange *exchange;
    const Clock *clock;
    Broker *broker;
    const char *group, *node;
    Lookup lookup;
    Point *points;      // by binding
    Metric *metrics;    // scratch, for a birth
    bool is_born;
    int births;         // bdSeq, of the connection
    int sequence;       // of the next message
    int64_t host_time;  // of the newest word on the primary host
    char state_topic[PLACE_TOPIC], death_topic[PLACE_TOPIC];
    Text text, will_text;
    BrokerLetter will;
};

static int64_t utc(const Edge *edge)
{
    return edge->clock->utc_ns(edge->clock->self);
}

static const char *device_of(const Edge *edge, size_t binding)
{
    return edge->plan->places[binding].device;
}

static uint32_t type_of(const Edge *edge, size_t binding)
{
    return edge->plan->places[binding].type ? edge->plan->places[binding].type : METRIC_DOUBLE;
}

// What is published.

static Err publish(Edge *edge, Message message, const char *device, Metric *metrics, size_t count)
{
    char topic[PLACE_TOPIC];
    const Report report = {.time = utc(edge), .sequence = edge->sequence, .metrics = metrics, .count = count};
    text_clear(&edge->text);
    Err err = report_write(&report, &edge->text);
    if (err)
        return err;
    heading_write(message, edge->group, edge->node, device, topic);
    err = broker_publish(edge->broker, &(BrokerLetter){.topic = topic, .payload = edge->text.bytes, .length = edge->text.length}, NULL, NULL);
    if (!err)
        edge->sequence = (edge->sequence + 1) % 256;
    return err;
}

static Metric make_metric(const Edge *edge, size_t binding)
{
    const Point *point = &edge->points[binding];
    return (Metric){.has_alias = true, .alias = binding + 1, .type = type_of(edge, binding), .has_number = point->has_number, .is_null = !point->has_number,
                    .number = point->number, .time = point->time};
}

/* A binding as a part of a birth: with its name. */
static size_t add_named(Edge *edge, const char *device, size_t count)
{
    for (size_t i = 0; i < edge->plan->count; i++) {
        if (edge->points[i].is_shadow || !lookup_is_of(edge->plan, i, 0, device))
            continue;
        edge->metrics[count] = make_metric(edge, i);
        edge->metrics[count++].name = edge->plan->places[i].metric;
    }
    return count;
}

/* Whether no binding before this one has its device. */
static bool is_first_of_device(const Edge *edge, size_t binding)
{
    const char *device = device_of(edge, binding);
    size_t first = 0;
    while (device && !lookup_is_of(edge->plan, first, 0, device))
        first++;
    return device && first == binding;
}

static void bear(Edge *edge)
{
    edge->sequence = 0;
    edge->metrics[0] = (Metric){.name = birth_count, .type = METRIC_UINT64, .has_number = true, .number = edge->births, .time = utc(edge)};
    edge->metrics[1] = (Metric){.name = rebirth, .type = METRIC_BOOLEAN, .has_number = true, .number = 0, .time = utc(edge)};
    Err err = publish(edge, MESSAGE_NBIRTH, NULL, edge->metrics, add_named(edge, "", 2));
    for (size_t i = 0; i < edge->plan->count && !err; i++)
        if (is_first_of_device(edge, i))
            err = publish(edge, MESSAGE_DBIRTH, device_of(edge, i), edge->metrics, add_named(edge, device_of(edge, i), 0));
    edge->is_born = !err;
    if (edge->is_born)
        exchange_joined(edge->exchange);
}

static Err publish_point(Edge *edge, size_t binding)
{
    Metric metric = make_metric(edge, binding);
    return publish(edge, device_of(edge, binding) ? MESSAGE_DDATA : MESSAGE_NDATA, device_of(edge, binding), &metric, 1);
}

static void carry(void *self, const Command *command, size_t binding, double number)
{
    Edge *edge = self;
    edge->points[binding] = (Point){.has_number = true, .number = number, .time = command->time};
    const Err err = publish_point(edge, binding);
    exchange_outcome(edge->exchange, command->id, !err, "%s", err ? err_name(err) : "");
}

// What hosts say.

/* What was set is reported, unless somebody else reports it: that is how a host knows. */
static void obey(Edge *edge, uint32_t binding, const Metric *metric)
{
    Point *point = &edge->points[binding];
    if (edge->plan->bindings[binding].writes)
        return;
    const double number = metric_round(type_of(edge, binding), metric->number);
    exchange_value(edge->exchange, binding, number, TIME_NONE, QUALITY_GOOD);
    if (point->is_shadow)
        return;
    *point = (Point){.has_number = true, .number = number, .time = utc(edge)};
    publish_point(edge, binding);
}

static uint32_t find_metric(const Edge *edge, const char *device, const Metric *metric)
{
    if (metric->name)
        return lookup_name(&edge->lookup, 0, device, metric->name);
    if (!metric->has_alias || metric->alias < 1 || metric->alias > edge->plan->count)
        return LOOKUP_NONE;
    return lookup_name(&edge->lookup, 0, device, edge->plan->places[metric->alias - 1].metric);
}

static void take_orders(Edge *edge, const char *device, const Report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const Metric *metric = &report->metrics[i];
        const bool is_rebirth = !*device && metric->name && strcmp(metric->name, rebirth) == 0;
        if (is_rebirth && metric->has_number && metric->number != 0)
            bear(edge);
        uint32_t binding = metric->has_number ? find_metric(edge, device, metric) : LOOKUP_NONE;
        if (binding == LOOKUP_NONE && !is_rebirth)
            exchange_refuse(edge->exchange, "a command for a metric that is not there: %.60s", metric->name ? metric->name : "by its alias");
        for (; binding != LOOKUP_NONE; binding = lookup_next(&edge->lookup, binding))
            obey(edge, binding, metric);
    }
}

static void take_report(Edge *edge, const Heading *heading, const BrokerMessage *message)
{
    Report report;
    ErrText why = {""};
    if (report_read(message->payload, message->length, &report, &why) != ERR_OK) {
        exchange_refuse(edge->exchange, "%s: %s", message->topic, why.text);
        return;
    }
    if (edge->is_born)
        take_orders(edge, heading->device, &report);
    report_fini(&report);
}

/* Without its primary host an edge node has nobody to speak to: it dies, and waits for another birth of the host. */
static void take_state(Edge *edge, const BrokerMessage *message)
{
    bool online;
    int64_t time;
    if (!state_read(message->payload, message->length, &online, &time) || time < edge->host_time)
        return;
    edge->host_time = time;
    if (online && !edge->is_born)
        bear(edge);
    else if (!online && edge->is_born)
        broker_restart(edge->broker, "the primary host has gone");
}

static void on_message(void *self, const BrokerMessage *message)
{
    Edge *edge = self;
    Heading heading;
    if (edge->plan->host && strcmp(message->topic, edge->state_topic) == 0)
        take_state(edge, message);
    else if (heading_read(message->topic, &heading) && (heading.message == MESSAGE_NCMD || heading.message == MESSAGE_DCMD))
        take_report(edge, &heading, message);
}

// The connection.

/* A death has the number of the birth that it ends. */
static const BrokerLetter *tell_will(void *self)
{
    Edge *edge = self;
    edge->births = (edge->births + 1) % 256;
    Metric metric = {.name = birth_count, .type = METRIC_UINT64, .has_number = true, .number = edge->births, .time = TIME_NONE};
    text_clear(&edge->will_text);
    if (report_write(&(Report){.time = utc(edge), .sequence = -1, .metrics = &metric, .count = 1}, &edge->will_text) != ERR_OK)
        return NULL;
    edge->will = (BrokerLetter){.topic = edge->death_topic, .payload = edge->will_text.bytes, .length = edge->will_text.length, .qos = 1};
    return &edge->will;
}

static void on_joined(void *self)
{
    Edge *edge = self;
    char ours[PLACE_TOPIC], devices[PLACE_TOPIC];
    heading_write(MESSAGE_NCMD, edge->group, edge->node, NULL, ours);
    heading_write(MESSAGE_DCMD, edge->group, edge->node, "#", devices);
    broker_subscribe(edge->broker, (const char *const[]){ours, devices}, 2, 1);
    if (edge->plan->host)
        broker_subscribe(edge->broker, (const char *const[]){edge->state_topic}, 1, 1);
    else
        bear(edge);
}

static void on_left(void *self)
{
    Edge *edge = self;
    edge->is_born = false;
}

static void on_leaving(void *self)
{
    Edge *edge = self;
    if (edge->is_born)
        broker_publish(edge->broker, &edge->will, NULL, NULL);
}

BrokerEvents edge_events(Edge *edge)
{
    return (BrokerEvents){.will = tell_will, .joined = on_joined, .left = on_left, .message = on_message, .carry = carry, .leaving = on_leaving, .self = edge};
}

void edge_meet(Edge *edge, Broker *broker)
{
    edge->broker = broker;
}

// Beginning and end.

/* A metric that one binding publishes and another hears is one metric. */
static void mark_shadows(Edge *edge)
{
    const Plan *plan = edge->plan;
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t other = lookup_name(&edge->lookup, 0, device_of(edge, i) ? device_of(edge, i) : "", plan->places[i].metric);
        for (; other != LOOKUP_NONE && !plan->bindings[i].writes; other = lookup_next(&edge->lookup, other))
            edge->points[i].is_shadow |= plan->bindings[other].writes;
    }
}

Err edge_create(const Plan *plan, Exchange *exchange, const Clock *clock, Edge **out)
{
    Edge *edge = *out = mem_alloc(sizeof *edge);
    if (!edge)
        return ERR_MEMORY;
    edge->plan = plan;
    edge->exchange = exchange;
    edge->clock = clock;
    edge->births = -1;
    edge->host_time = TIME_NONE;
    edge->points = mem_alloc((plan->count + 1) * sizeof *edge->points);
    edge->metrics = mem_alloc((plan->count + 2) * sizeof *edge->metrics);
    const Err err = edge->points && edge->metrics ? lookup_init(&edge->lookup, plan) : ERR_MEMORY;
    if (err) {
        edge_destroy(edge);
        *out = NULL;
        return err;
    }
    edge->group = plan->group;
    edge->node = plan->node;
    heading_write(MESSAGE_NDEATH, edge->group, edge->node, NULL, edge->death_topic);
    if (plan->host)
        state_write_topic(plan->host, edge->state_topic);
    mark_shadows(edge);
    return ERR_OK;
}

void edge_destroy(Edge *edge)
{
    if (!edge)
        return;
    lookup_fini(&edge->lookup);
    text_fini(&edge->text);
    text_fini(&edge->will_text);
    mem_free(edge->points);
    mem_free(edge->metrics);
    mem_free(edge);
}
