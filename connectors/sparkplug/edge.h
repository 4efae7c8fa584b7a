/* edge.h -- an edge node of Sparkplug: tags that are written are metrics that it publishes, tags that are read are metrics that hosts may set.
 *
 * Where it has a primary host, it is born when that is online, and begins anew when that goes.
 *
 * Takes: commands of the exchange, of hosts.  Gives: births, data, deaths; values to the exchange.  Memory: its own.  Threads: the connector's. */
#pragma once

#include "connectors/sparkplug/plan.h"

typedef struct Edge Edge;

Err edge_create(const Plan *plan, Exchange *exchange, const Clock *clock, Edge **out);
void edge_destroy(Edge *edge);
BrokerEvents edge_events(Edge *edge);
void edge_meet(Edge *edge, Broker *broker);
