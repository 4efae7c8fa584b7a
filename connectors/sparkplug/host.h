/* host.h -- a host application of Sparkplug: it says that it is there, follows the births, data and deaths of edge nodes, and commands them.
 *
 * What is known of a node begins with its birth. A message that is missing is waited for, as brokers in a cluster may change the order; then the node is
 * asked for another birth, and until that comes its tags are silent.
 *
 * Takes: messages.  Gives: values to the exchange.  Memory: its own.  Threads: the connector's. */
#pragma once

#include "connectors/sparkplug/plan.h"

typedef struct Host Host;

Err host_create(const Plan *plan, Exchange *exchange, const Clock *clock, Host **out);
void host_destroy(Host *host);
/// What the broker is to tell it; `broker` is what host_meet was given.
BrokerEvents host_events(Host *host);
void host_meet(Host *host, Broker *broker);
