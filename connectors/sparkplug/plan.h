/* plan.h -- all that a plant's script says of a connector of Sparkplug: its role, its nodes, and the metrics that are bound.
 *
 * Takes: a ConnectorDef.  Gives: a Plan.  Memory: its own, and views into the script's tables.  Threads: any; const once made. */
#pragma once

#include "connectors/mqtt/broker.h"
#include "connectors/sparkplug/place.h"
#include "signal/connector_kind.h"

typedef struct Plan {
    BrokerDef broker;
    bool is_edge;
    const char *group, *node;  // of an edge node: its own
    const char *host;     // a host: its own id; an edge node: that of its primary host, NULL where it has none
    int64_t reorder_ns;   // a host: how long a message may be missing before the node is asked for another birth
    bool discover;        // a host: what is born and not bound is remembered
    Place *places;        // of the bindings
    size_t *nodes;        // of each binding: the place of its node among `firsts`
    size_t *firsts;       // of each node: its first binding
    size_t count, node_count;
    const Binding *bindings;
} Plan;

Err plan_init(const ConnectorDef *def, Plan *out, ConnectorFault *fault);
void plan_fini(Plan *plan);
