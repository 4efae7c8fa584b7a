/* mqtt.c -- the connector: its thread, messages in, commands out. */
#include "connectors/mqtt/mqtt.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mqtt/order.h"
#include "connectors/mqtt/setup.h"

enum { ID_ROOM = 24, LEAVES_MAX = 16, LEAF_DEPTH_MAX = 4 };

typedef struct Mqtt {
    Setup setup;
    const Binding *bindings;
    Exchange *exchange;
    Broker *broker;
    Orders orders;
    const Clock *clock;
    Text text;            // what is being written
    const char **filters; // scratch, as many as there are
} Mqtt;

// Messages in.

/* Whoever sent it may want to know that it has come. */
static void reply(Mqtt *mqtt, size_t binding, const PayloadValue *value, const json_t *document, const BrokerMessage *message)
{
    const Route *route = &mqtt->setup.routes[binding];
    char correlation[ID_ROOM];
    const json_t *id = document && route->form.id ? payload_at(document, route->form.id) : NULL;
    PayloadForm form = route->form;
    form.where = NULL;
    text_clear(&mqtt->text);
    if (payload_write(&form, &(PayloadNews){value->number, TIME_NONE, (uint64_t)json_integer_value(id)}, &mqtt->text) != ERR_OK)
        return;
    const BrokerLetter letter = {.topic = route->reply, .payload = mqtt->text.bytes, .length = mqtt->text.length, .qos = 1, .correlation = correlation,
                                 .correlation_length = broker_correlation(message, correlation, sizeof correlation)};
    broker_publish(mqtt->broker, &letter, NULL, NULL);
}

/* A value that was retained is of an unknown age, unless it says when it was measured. */
static void pass(Mqtt *mqtt, size_t binding, PayloadValue value, const BrokerMessage *message)
{
    if (message->retained && value.time == TIME_NONE && value.quality == QUALITY_GOOD)
        value.quality = QUALITY_UNCERTAIN;
    exchange_value(mqtt->exchange, binding, value.number, value.time, value.quality);
}

static Err read_value(const Route *route, const json_t *document, const BrokerMessage *message, PayloadValue *out, ErrText *why)
{
    if (route->form.json)
        return payload_pick(&route->form, document, out, why);
    out->time = TIME_NONE;
    out->quality = QUALITY_GOOD;
    return payload_read_number(message->payload, message->length, &out->number, why);
}

static void take_value(Mqtt *mqtt, size_t binding, const json_t *document, const BrokerMessage *message)
{
    const Route *route = &mqtt->setup.routes[binding];
    ErrText why = {""};
    PayloadValue value;
    if (route->form.json && !payload_is_meant(&route->form, document))
        return;
    if (read_value(route, document, message, &value, &why) != ERR_OK) {
        exchange_refuse(mqtt->exchange, "%s: %s", message->topic, why.text);
        return;
    }
    pass(mqtt, binding, value, message);
    if (route->reply)
        reply(mqtt, binding, &value, document, message);
}

/* What the device says of a command: an error, or that it has it. */
static void take_reply(Mqtt *mqtt, size_t binding, const json_t *document, const BrokerMessage *message)
{
    const Route *route = &mqtt->setup.routes[binding];
    char correlation[ID_ROOM];
    double number = NAN;
    const size_t length = broker_correlation(message, correlation, sizeof correlation - 1);
    correlation[length] = 0;
    uint64_t id = length ? strtoull(correlation, NULL, 10) : 0;
    if (!id && document)
        id = (uint64_t)json_integer_value(payload_at(document, route->form.id));
    if (!id && (document || payload_read_number(message->payload, message->length, &number, NULL) != ERR_OK)) {
        exchange_refuse(mqtt->exchange, "%s: %s", message->topic, document ? "the id of a command was expected" : "a number was expected");
        return;
    }
    Order *order = orders_find(&mqtt->orders, binding, id, number);
    const json_t *error = document ? payload_at(document, route->form.error) : NULL;
    if (!order)
        return;
    const bool failed = error && !json_is_null(error) && !json_is_false(error);
    orders_end(&mqtt->orders, order, !failed, failed ? json_is_string(error) ? json_string_value(error) : "the device says no" : "");
}

/* Numbers in a message that no binding wants: `topic#/pointer`, as far as there are few. */
static size_t show_leaves(Mqtt *mqtt, const json_t *document, char address[static EXCHANGE_ADDRESS_MAX], size_t length, size_t left, int depth)
{
    const char *key;
    json_t *value;
    if (json_is_number(document)) {
        exchange_seen(mqtt->exchange, address, json_number_value(document));
        return left - 1;
    }
    if (json_is_object(document) && depth < LEAF_DEPTH_MAX)
        json_object_foreach((json_t *)document, key, value) {
            const int added = snprintf(address + length, EXCHANGE_ADDRESS_MAX - length, "%s/%s", depth ? "" : "#", key);
            if (left && (size_t)added < EXCHANGE_ADDRESS_MAX - length && !strpbrk(key, "~/"))
                left = show_leaves(mqtt, value, address, length + (size_t)added, left, depth + 1);
        }
    return left;
}

static void show(Mqtt *mqtt, const BrokerMessage *message)
{
    char address[EXCHANGE_ADDRESS_MAX];
    json_t *document;
    const int length = snprintf(address, sizeof address, "%s", message->topic);
    if ((size_t)length >= sizeof address || payload_parse(message->payload, message->length, &document, NULL) != ERR_OK)
        return;
    show_leaves(mqtt, document, address, (size_t)length, LEAVES_MAX, 0);
    json_decref(document);
}

/* The document is parsed once, for the first that wants it. False: it is none. */
static bool want_document(Mqtt *mqtt, const BrokerMessage *message, json_t **document)
{
    ErrText why = {""};
    if (*document || payload_parse(message->payload, message->length, document, &why) == ERR_OK)
        return true;
    exchange_refuse(mqtt->exchange, "%s: %s", message->topic, why.text);
    return false;
}

static void on_message(void *self, const BrokerMessage *message)
{
    Mqtt *mqtt = self;
    size_t count;
    json_t *document = NULL;
    const uint32_t *found = topics_find(&mqtt->setup.topics, message->topic, &count);
    for (size_t i = 0; i < count; i++) {
        const size_t binding = found[i] / 2;
        const bool wants_json = mqtt->setup.routes[binding].form.json;
        if (wants_json && !want_document(mqtt, message, &document))
            break;
        (found[i] % 2 ? take_reply : take_value)(mqtt, binding, wants_json ? document : NULL, message);
    }
    json_decref(document);
    if (!count && mqtt->setup.discover)
        show(mqtt, message);
}

// Commands out.

/* The broker forgets a command whose deadline is over, unless it may wait. */
static uint32_t expiry(const Mqtt *mqtt, const Binding *binding, const Route *route, int64_t deadline)
{
    const int64_t left_s = (deadline - mqtt->clock->utc_ns(mqtt->clock->self)) / NS_PER_S + 1;
    if (binding->stores || route->retain || left_s > UINT32_MAX)
        return 0;
    return left_s < 1 ? 1 : (uint32_t)left_s;
}

/* `letter` is that which the broker will answer, 0 where it answers none. */
static Err send_letter(Mqtt *mqtt, const Command *command, size_t binding, double number, int *letter, ErrText *why)
{
    const Route *route = &mqtt->setup.routes[binding];
    char id[ID_ROOM];
    const int id_length = snprintf(id, sizeof id, "%llu", (unsigned long long)command->id);
    text_clear(&mqtt->text);
    const Err err = payload_write(&route->form, &(PayloadNews){number, command->time, command->id}, &mqtt->text);
    if (err)
        return err;
    const BrokerLetter told = {
        .topic = route->topic,
        .payload = mqtt->text.bytes,
        .length = mqtt->text.length,
        .qos = route->qos,
        .retain = route->retain,
        .expiry_s = expiry(mqtt, &mqtt->bindings[binding], route, command->deadline),
        .reply = route->reply,
        .correlation = id,
        .correlation_length = route->reply ? (size_t)id_length : 0,
    };
    return broker_publish(mqtt->broker, &told, route->qos ? letter : NULL, why);
}

static void carry(void *self, const Command *command, size_t binding, double number)
{
    Mqtt *mqtt = self;
    const Route *route = &mqtt->setup.routes[binding];
    Order order = {.command = command->id, .binding = binding, .number = number, .wants_reply = route->reply, .is_kept = route->retain,
                   .deadline = command->deadline};
    ErrText why = {""};
    const Err err = send_letter(mqtt, command, binding, number, &order.letter, &why);
    if (err)
        exchange_outcome(mqtt->exchange, command->id, false, "%s", *why.text ? why.text : err_name(err));
    else if (order.letter || order.wants_reply)
        orders_add(&mqtt->orders, &order);
    else
        exchange_outcome(mqtt->exchange, command->id, true, "%s", "");
}

static void on_confirmed(void *self, int letter, const char *refusal, bool heard)
{
    Mqtt *mqtt = self;
    orders_confirm(&mqtt->orders, letter, refusal, heard);
}

// The connection.

static const BrokerLetter *tell_will(void *self)
{
    Mqtt *mqtt = self;
    return mqtt->setup.will.topic ? &mqtt->setup.will : NULL;
}

static void subscribe(Mqtt *mqtt, int qos)
{
    const Setup *setup = &mqtt->setup;
    size_t count = 0;
    for (size_t i = 0; i < setup->filter_count; i++)
        if (setup->filters[i].qos == qos)
            mqtt->filters[count++] = setup->filters[i].text;
    broker_subscribe(mqtt->broker, mqtt->filters, count, qos);
}

static void on_joined(void *self)
{
    Mqtt *mqtt = self;
    for (int qos = 0; qos <= 2; qos++)
        subscribe(mqtt, qos);
    if (mqtt->setup.birth.topic)
        broker_publish(mqtt->broker, &mqtt->setup.birth, NULL, NULL);
    exchange_joined(mqtt->exchange);
}

static void on_left(void *self)
{
    Mqtt *mqtt = self;
    orders_drop(&mqtt->orders);
}

static void look(void *self)
{
    Mqtt *mqtt = self;
    orders_expire(&mqtt->orders, mqtt->clock->utc_ns(mqtt->clock->self));
}

/* An end in order is not what the will is for: the status is told before. */
static void on_leaving(void *self)
{
    Mqtt *mqtt = self;
    if (mqtt->setup.birth.topic)
        broker_publish(mqtt->broker, &mqtt->setup.will, NULL, NULL);
}

// Beginning and end.

static void mqtt_close(void *self)
{
    Mqtt *mqtt = self;
    broker_destroy(mqtt->broker);
    exchange_destroy(mqtt->exchange);
    setup_fini(&mqtt->setup);
    text_fini(&mqtt->text);
    mem_free(mqtt->filters);
    mem_free(mqtt);
}

static Err mqtt_check(const ConnectorDef *def, ConnectorFault *fault)
{
    Setup setup;
    const Err err = setup_init(def, &setup, fault);
    if (!err)
        setup_fini(&setup);
    return err;
}

static Err make_parts(const ConnectorDef *def, Mqtt *mqtt)
{
    const ExchangeDef exchange = {.name = def->name, .kind = mqtt_kind.name, .peer = mqtt->setup.broker.peer, .bindings = def->bindings,
                                  .binding_count = def->binding_count, .clock = def->clock};
    const BrokerEvents events = {.will = tell_will, .joined = on_joined, .left = on_left, .message = on_message, .confirmed = on_confirmed, .carry = carry,
                                 .look = look, .leaving = on_leaving, .self = mqtt};
    mqtt->bindings = def->bindings;
    mqtt->clock = def->clock ? def->clock : &clock_system;
    mqtt->filters = mem_alloc((mqtt->setup.filter_count + 1) * sizeof *mqtt->filters);
    Err err = mqtt->filters ? exchange_create(&exchange, &mqtt->exchange) : ERR_MEMORY;
    mqtt->orders.exchange = mqtt->exchange;
    if (!err)
        err = broker_create(&mqtt->setup.broker, mqtt->exchange, &events, &mqtt->broker);
    return err;
}

static Err mqtt_open(const ConnectorDef *def, Connector *out, Exchange **exchange, ConnectorFault *fault)
{
    Mqtt *mqtt = mem_alloc(sizeof *mqtt);
    if (!mqtt)
        return err_set(&fault->why, ERR_MEMORY, "connectors.%s: out of memory", def->name);
    Err err = setup_init(def, &mqtt->setup, fault);
    if (!err && (make_parts(def, mqtt) || broker_start(mqtt->broker)))
        err = err_set(&fault->why, ERR_MEMORY, "connectors.%s: out of memory", def->name);
    if (err) {
        mqtt_close(mqtt);
        return err;
    }
    *out = exchange_connector(mqtt->exchange, mqtt_close, mqtt);
    *exchange = mqtt->exchange;
    return ERR_OK;
}

/* "topic", or "topic#/pointer" of a number inside of JSON. */
static void mqtt_suggest(const char *address, Text *out)
{
    char topic[EXCHANGE_ADDRESS_MAX];
    const char *pointer = strstr(address, "#/");
    snprintf(topic, sizeof topic, "%.*s", pointer ? (int)(pointer - address) : (int)strlen(address), address);
    text_put(out, "topic = ");
    text_json_string(out, topic);
    if (!pointer)
        return;
    text_put(out, ", payload = \"json\", value = ");
    text_json_string(out, pointer + 1);
}

const ConnectorKind mqtt_kind = {
    .version = CONNECTOR_VERSION,
    .name = "mqtt",
    .doc = "MQTT 3.1.1 and 5: topics to tags, plain numbers and JSON, commands with confirmation",
    .check = mqtt_check,
    .open = mqtt_open,
    .suggest = mqtt_suggest,
};
