#include "connectors/sparkplug/host.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "connectors/mqtt/order.h"
#include "connectors/sparkplug/lookup.h"
#include "connectors/sparkplug/sequence.h"

static const char rebirth[] = "Node Control/Rebirth", birth_count[] = "bdSeq";
static const int64_t ASK_AGAIN_NS = 5 * NS_PER_S;

/* What is known of an edge node. */
typedef struct Node {
    bool is_born;
    double births;         // its bdSeq, by which its death is recognised
    Sequence sequence;
    int64_t asked;         // for a birth; elapsed, TIME_NONE: not yet
    int64_t reborn;        // in the same session; elapsed, TIME_NONE: all its devices have said so too, or their time is over
} Node;

/* What is known of a bound metric. */
typedef struct Point {
    bool is_born;
    uint32_t type;
    bool has_number;
    double number;         // as the node reported it last
} Point;

struct Host {
    const Plan *plan;
    Exchange *exchange;
    const Clock *clock;
    Broker *broker;
    Lookup lookup;
    Node *nodes;
    Point *points;         // by binding
    Orders orders;
    char state_topic[PLACE_TOPIC];
    int64_t since;         // UTC: of the attempt; will and birth of a connection have the same time
    Text text;
    BrokerLetter will;
    Text will_text;
};

static int64_t utc(const Host *host)
{
    return host->clock->utc_ns(host->clock->self);
}

static int64_t elapsed(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

// What is published.

static void publish_state(Host *host)
{
    text_clear(&host->text);
    state_write(true, host->since, &host->text);
    const BrokerLetter letter = {.topic = host->state_topic, .payload = host->text.bytes, .length = host->text.length, .qos = 1, .retain = true};
    broker_publish(host->broker, &letter, NULL, NULL);
}

/* A metric for a node, or for one of its devices. */
static Err publish_metric(Host *host, Message message, const Place *place, const Metric *metric, ErrText *why)
{
    char topic[PLACE_TOPIC];
    Metric copy = *metric;
    text_clear(&host->text);
    if (report_write(&(Report){.time = utc(host), .sequence = -1, .metrics = &copy, .count = 1}, &host->text) != ERR_OK)
        return err_set(why, ERR_MEMORY, "out of memory");
    heading_write(message, place->group, place->node, message == MESSAGE_DCMD ? place->device : NULL, topic);
    return broker_publish(host->broker, &(BrokerLetter){.topic = topic, .payload = host->text.bytes, .length = host->text.length}, NULL, why);
}

/* What was known of metrics is not known any more; what was measured last still counts. */
static void forget(Host *host, size_t node, const char *device)
{
    for (size_t i = 0; i < host->plan->count; i++)
        if (lookup_is_of(host->plan, i, node, device))
            host->points[i] = (Point){0};
    lookup_forget_aliases(&host->lookup, node, device);
}

/* What no birth has named has no value. */
static void silence_unborn(Host *host, size_t node, const char *device)
{
    for (size_t i = 0; i < host->plan->count; i++)
        if (lookup_is_of(host->plan, i, node, device) && !host->points[i].is_born && !host->plan->bindings[i].writes)
            exchange_value(host->exchange, i, NAN, TIME_NONE, QUALITY_BAD);
}

static void silence(Host *host, size_t node, const char *device)
{
    forget(host, node, device);
    silence_unborn(host, node, device);
}

static void bury(Host *host, size_t node)
{
    host->nodes[node].is_born = false;
    host->nodes[node].reborn = TIME_NONE;
    sequence_forget(&host->nodes[node].sequence);
    silence(host, node, NULL);
}

/* What is not understood begins anew: the node is asked for it, now and then. */
static void ask_for_birth(Host *host, size_t node)
{
    Node *it = &host->nodes[node];
    const int64_t now = elapsed();
    if (it->is_born)
        bury(host, node);
    if (it->asked != TIME_NONE && now - it->asked < ASK_AGAIN_NS)
        return;
    it->asked = now;
    const Metric metric = {.name = rebirth, .type = METRIC_BOOLEAN, .has_number = true, .number = 1, .time = utc(host)};
    publish_metric(host, MESSAGE_NCMD, &host->plan->places[host->plan->firsts[node]], &metric, NULL);
}

// What the nodes say.

static void take_number(Host *host, uint32_t binding, const Metric *metric, int64_t time)
{
    Point *point = &host->points[binding];
    if (host->plan->bindings[binding].writes) {
        point->has_number = metric->has_number;
        point->number = metric->number;
        Order *order = metric->has_number && !metric->historical ? orders_find(&host->orders, binding, 0, metric->number) : NULL;
        if (order)
            orders_end(&host->orders, order, true, "");
        return;
    }
    if (metric->is_null)
        exchange_value(host->exchange, binding, NAN, time, QUALITY_BAD);
    else if (!metric->has_number)
        exchange_refuse(host->exchange, "%s: metric %s has no number", host->plan->bindings[binding].name, host->plan->places[binding].metric);
    else if (metric->historical)
        exchange_past(host->exchange, binding, metric->number, time, metric->quality);
    else
        exchange_value(host->exchange, binding, metric->number, time, metric->quality);
}

static uint32_t find_metric(const Host *host, size_t node, const char *device, const Metric *metric)
{
    if (metric->name)
        return lookup_name(&host->lookup, node, device, metric->name);
    const uint32_t first = metric->has_alias ? lookup_alias(&host->lookup, node, metric->alias) : LOOKUP_NONE;
    return first == LOOKUP_NONE ? first : lookup_name(&host->lookup, node, device, host->plan->places[first].metric);
}

static void take_metrics(Host *host, size_t node, const char *device, const Report *report, bool is_birth)
{
    for (size_t i = 0; i < report->count; i++) {
        const Metric *metric = &report->metrics[i];
        for (uint32_t binding = find_metric(host, node, device, metric); binding != LOOKUP_NONE; binding = lookup_next(&host->lookup, binding)) {
            Point *point = &host->points[binding];
            if (is_birth) {
                point->is_born = true;
                point->type = metric->type;
                if (metric->has_alias)
                    lookup_set_alias(&host->lookup, binding, metric->alias);
            }
            if (point->is_born)
                take_number(host, binding, metric, metric->time == TIME_NONE ? report->time : metric->time);
        }
    }
}

/* Born again in the same session, a node has lost nothing, and its devices say so next. */
static void take_node_birth(Host *host, size_t node, const Report *report)
{
    Node *it = &host->nodes[node];
    const Metric *found = report_find(report, birth_count);
    const double births = found && found->has_number ? found->number : -1;
    if (it->is_born && it->births == births) {
        forget(host, node, NULL);
        it->reborn = elapsed();
    } else {
        bury(host, node);
    }
    it->is_born = true;
    it->births = births;
    it->asked = TIME_NONE;
    sequence_begin(&it->sequence, report->sequence < 0 ? 0 : report->sequence);
    take_metrics(host, node, "", report, true);
    silence_unborn(host, node, "");
}

static void take_node_death(Host *host, size_t node, const Report *report)
{
    const Metric *births = report_find(report, birth_count);
    if (host->nodes[node].is_born && births && births->has_number && births->number == host->nodes[node].births)
        bury(host, node);
}

/* A message whose turn it is. */
static void take_in_turn(Host *host, size_t node, const Heading *heading, const Report *report)
{
    switch (heading->message) {
    case MESSAGE_DBIRTH:
        forget(host, node, heading->device);
        take_metrics(host, node, heading->device, report, true);
        silence_unborn(host, node, heading->device);
        break;
    case MESSAGE_DDEATH:
        silence(host, node, heading->device);
        break;
    default:
        take_metrics(host, node, heading->device, report, false);
    }
}

static void take_held(Host *host, size_t node)
{
    Heading heading;
    Report report;
    for (HeldMessage held; sequence_release(&host->nodes[node].sequence, &held); mem_free(held.topic)) {
        sequence_pass(&host->nodes[node].sequence, held.number);
        if (heading_read(held.topic, &heading) && report_read(held.payload, held.length, &report, NULL) == ERR_OK) {
            take_in_turn(host, node, &heading, &report);
            report_fini(&report);
        }
    }
}

static void take_numbered(Host *host, size_t node, const Heading *heading, const Report *report, const BrokerMessage *message)
{
    Node *it = &host->nodes[node];
    if (!it->is_born) {
        ask_for_birth(host, node);
        return;
    }
    if (report->sequence >= 0 && !sequence_pass(&it->sequence, report->sequence)) {
        if (!sequence_hold(&it->sequence, report->sequence, message->topic, message->payload, message->length, elapsed()))
            ask_for_birth(host, node);
        return;
    }
    take_in_turn(host, node, heading, report);
    take_held(host, node);
}

/* What could be bound: births have names. `group/node/device:metric` is read again by place_suggest. */
static void show(Host *host, const Heading *heading, const Report *report)
{
    char name[4 * PLACE_NAME];
    if (heading->message != MESSAGE_NBIRTH && heading->message != MESSAGE_DBIRTH)
        return;
    const size_t node = lookup_node(&host->lookup, heading->group, heading->node);
    for (size_t i = 0; i < report->count; i++) {
        const Metric *metric = &report->metrics[i];
        const bool is_bound = metric->name && node < host->plan->node_count && lookup_name(&host->lookup, node, heading->device, metric->name) != LOOKUP_NONE;
        if (!metric->name || !metric->has_number || is_bound || strcmp(metric->name, birth_count) == 0 || strcmp(metric->name, rebirth) == 0)
            continue;
        const char *slash = *heading->device ? "/" : "";
        const int length = snprintf(name, sizeof name, "%s/%s%s%s:%s", heading->group, heading->node, slash, heading->device, metric->name);
        if ((size_t)length < EXCHANGE_ADDRESS_MAX)
            exchange_seen(host->exchange, name, metric->number);
    }
}

static void take_report(Host *host, const Heading *heading, const BrokerMessage *message)
{
    Report report;
    ErrText why = {""};
    if (report_read(message->payload, message->length, &report, &why) != ERR_OK) {
        exchange_refuse(host->exchange, "%s: %s", message->topic, why.text);
        return;
    }
    const size_t node = lookup_node(&host->lookup, heading->group, heading->node);
    if (host->plan->discover)
        show(host, heading, &report);
    if (node == host->plan->node_count)
        ;
    else if (heading->message == MESSAGE_NBIRTH)
        take_node_birth(host, node, &report);
    else if (heading->message == MESSAGE_NDEATH)
        take_node_death(host, node, &report);
    else
        take_numbered(host, node, heading, &report, message);
    report_fini(&report);
}

/* An old will of ours may be told behind our birth. */
static void take_state(Host *host, const BrokerMessage *message)
{
    bool online;
    int64_t time;
    if (state_read(message->payload, message->length, &online, &time) && !online)
        publish_state(host);
}

static void on_message(void *self, const BrokerMessage *message)
{
    Host *host = self;
    Heading heading;
    if (strcmp(message->topic, host->state_topic) == 0)
        take_state(host, message);
    else if (heading_read(message->topic, &heading) && heading.message != MESSAGE_NCMD && heading.message != MESSAGE_DCMD)
        take_report(host, &heading, message);
}

// What we say.

/* Done when the node reports the value; one that it has already it need not report. */
static void carry(void *self, const Command *command, size_t binding, double number)
{
    Host *host = self;
    ErrText why = {""};
    const Place *place = &host->plan->places[binding];
    const Point *point = &host->points[binding];
    const uint32_t type = place->type != METRIC_UNKNOWN ? place->type : point->type;
    if (!point->is_born) {
        const char *who = place->device ? place->device : place->node;
        exchange_outcome(host->exchange, command->id, false, "%s is not there, or has no metric %s", who, place->metric);
        return;
    }
    const Metric metric = {.name = place->metric, .type = type, .has_number = true, .number = number, .time = command->time};
    if (publish_metric(host, place->device ? MESSAGE_DCMD : MESSAGE_NCMD, place, &metric, &why) != ERR_OK) {
        exchange_outcome(host->exchange, command->id, false, "%s", why.text);
        return;
    }
    const double written = metric_round(type, number);
    if (!place->confirm || (point->has_number && point->number == written))
        exchange_outcome(host->exchange, command->id, true, "%s", "");
    else
        orders_add(&host->orders, &(Order){.command = command->id, .binding = binding, .number = written, .wants_reply = true, .deadline = command->deadline});
}

static bool is_over(const Host *host, int64_t since)
{
    return since != TIME_NONE && elapsed() - since > host->plan->reorder_ns;
}

static void look(void *self)
{
    Host *host = self;
    orders_expire(&host->orders, utc(host));
    for (size_t i = 0; i < host->plan->node_count; i++) {
        Node *node = &host->nodes[i];
        if (is_over(host, node->reborn)) {
            node->reborn = TIME_NONE;
            silence_unborn(host, i, NULL);
        }
        if (is_over(host, node->sequence.waiting_since)) {
            exchange_refuse(host->exchange, "%s: message %d is missing", host->plan->places[host->plan->firsts[i]].node, node->sequence.next);
            ask_for_birth(host, i);
        }
    }
}

// The connection.

static const BrokerLetter *tell_will(void *self)
{
    Host *host = self;
    host->since = utc(host);
    text_clear(&host->will_text);
    state_write(false, host->since, &host->will_text);
    host->will = (BrokerLetter){.topic = host->state_topic, .payload = host->will_text.bytes, .length = host->will_text.length, .qos = 1, .retain = true};
    return host->will_text.failed ? NULL : &host->will;
}

/* To each node's messages, those of commands with them, which are nothing to us. */
static void subscribe(Host *host)
{
    char filter[PLACE_TOPIC];
    const char *const filters[] = {filter};
    for (size_t i = 0; i < host->plan->node_count && !host->plan->discover; i++) {
        const Place *first = &host->plan->places[host->plan->firsts[i]];
        snprintf(filter, sizeof filter, "spBv1.0/%s/+/%s/#", first->group, first->node);
        broker_subscribe(host->broker, filters, 1, 0);
    }
    if (host->plan->discover)
        broker_subscribe(host->broker, (const char *const[]){"spBv1.0/#"}, 1, 0);
    else
        broker_subscribe(host->broker, (const char *const[]){host->state_topic}, 1, 1);
}

static void on_joined(void *self)
{
    Host *host = self;
    subscribe(host);
    publish_state(host);
    exchange_joined(host->exchange);
    // who was born before we came is asked to say it again
    for (size_t i = 0; i < host->plan->node_count; i++)
        ask_for_birth(host, i);
}

static void on_left(void *self)
{
    Host *host = self;
    orders_drop(&host->orders);
    for (size_t i = 0; i < host->plan->node_count; i++) {
        bury(host, i);
        host->nodes[i].asked = TIME_NONE;
    }
}

static void on_leaving(void *self)
{
    Host *host = self;
    broker_publish(host->broker, &host->will, NULL, NULL);
}

BrokerEvents host_events(Host *host)
{
    return (BrokerEvents){.will = tell_will, .joined = on_joined, .left = on_left, .message = on_message, .carry = carry, .look = look,
                          .leaving = on_leaving, .self = host};
}

void host_meet(Host *host, Broker *broker)
{
    host->broker = broker;
}

// Beginning and end.

Err host_create(const Plan *plan, Exchange *exchange, const Clock *clock, Host **out)
{
    Host *host = *out = mem_alloc(sizeof *host);
    if (!host)
        return ERR_MEMORY;
    host->plan = plan;
    host->exchange = host->orders.exchange = exchange;
    host->clock = clock;
    state_write_topic(plan->host, host->state_topic);
    host->nodes = mem_alloc((plan->node_count + 1) * sizeof *host->nodes);
    host->points = mem_alloc((plan->count + 1) * sizeof *host->points);
    const Err err = host->nodes && host->points ? lookup_init(&host->lookup, plan) : ERR_MEMORY;
    for (size_t i = 0; !err && i < plan->node_count; i++) {
        host->nodes[i].asked = host->nodes[i].reborn = TIME_NONE;
        host->nodes[i].sequence.waiting_since = TIME_NONE;
    }
    if (err) {
        host_destroy(host);
        *out = NULL;
    }
    return err;
}

void host_destroy(Host *host)
{
    if (!host)
        return;
    for (size_t i = 0; host->nodes && i < host->plan->node_count; i++)
        sequence_forget(&host->nodes[i].sequence);
    lookup_fini(&host->lookup);
    text_fini(&host->text);
    text_fini(&host->will_text);
    mem_free(host->nodes);
    mem_free(host->points);
    mem_free(host);
}
