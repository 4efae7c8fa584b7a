/* sparkplug.c -- the connector: a plan, and one of two roles over a broker. */
#include "connectors/sparkplug/sparkplug.h"

#include "connectors/sparkplug/edge.h"
#include "connectors/sparkplug/host.h"
#include "connectors/sparkplug/place.h"

typedef struct Sparkplug {
    Plan plan;
    Exchange *exchange;
    Broker *broker;
    Host *host;  // one of the two
    Edge *edge;
} Sparkplug;

static void sparkplug_close(void *self)
{
    Sparkplug *sparkplug = self;
    broker_destroy(sparkplug->broker);
    host_destroy(sparkplug->host);
    edge_destroy(sparkplug->edge);
    exchange_destroy(sparkplug->exchange);
    plan_fini(&sparkplug->plan);
    mem_free(sparkplug);
}

static Err sparkplug_check(const ConnectorDef *def, ConnectorFault *fault)
{
    Plan plan;
    const Err err = plan_init(def, &plan, fault);
    if (!err)
        plan_fini(&plan);
    return err;
}

static Err make_role(Sparkplug *sparkplug, const Clock *clock, BrokerEvents *events)
{
    const Plan *plan = &sparkplug->plan;
    Err err;
    if (plan->is_edge) {
        err = edge_create(plan, sparkplug->exchange, clock, &sparkplug->edge);
        *events = err ? (BrokerEvents){0} : edge_events(sparkplug->edge);
    } else {
        err = host_create(plan, sparkplug->exchange, clock, &sparkplug->host);
        *events = err ? (BrokerEvents){0} : host_events(sparkplug->host);
    }
    return err;
}

static Err make_parts(const ConnectorDef *def, Sparkplug *sparkplug)
{
    const Plan *plan = &sparkplug->plan;
    const ExchangeDef exchange = {.name = def->name, .kind = sparkplug_kind.name, .peer = plan->broker.peer, .bindings = def->bindings,
                                  .binding_count = def->binding_count, .clock = def->clock};
    BrokerEvents events;
    Err err = exchange_create(&exchange, &sparkplug->exchange);
    if (!err)
        err = make_role(sparkplug, def->clock ? def->clock : &clock_system, &events);
    if (!err)
        err = broker_create(&plan->broker, sparkplug->exchange, &events, &sparkplug->broker);
    if (err)
        return err;
    if (plan->is_edge)
        edge_meet(sparkplug->edge, sparkplug->broker);
    else
        host_meet(sparkplug->host, sparkplug->broker);
    return broker_start(sparkplug->broker);
}

static Err sparkplug_open(const ConnectorDef *def, Connector *out, Exchange **exchange, ConnectorFault *fault)
{
    Sparkplug *sparkplug = mem_alloc(sizeof *sparkplug);
    if (!sparkplug)
        return err_set(&fault->why, ERR_MEMORY, "connectors.%s: out of memory", def->name);
    Err err = plan_init(def, &sparkplug->plan, fault);
    if (!err && make_parts(def, sparkplug))
        err = err_set(&fault->why, ERR_MEMORY, "connectors.%s: out of memory", def->name);
    if (err) {
        sparkplug_close(sparkplug);
        return err;
    }
    *out = exchange_connector(sparkplug->exchange, sparkplug_close, sparkplug);
    *exchange = sparkplug->exchange;
    return ERR_OK;
}

const ConnectorKind sparkplug_kind = {
    .version = CONNECTOR_VERSION,
    .name = "sparkplug",
    .doc = "Sparkplug B 3.0 over MQTT: host application or edge node",
    .check = sparkplug_check,
    .open = sparkplug_open,
    .suggest = place_suggest,
};
