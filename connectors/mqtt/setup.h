/* setup.h -- all that a plant's script says of a connector over MQTT: options, routes of its bindings, and what to subscribe to for them.
 *
 * Takes: a ConnectorDef.  Gives: a Setup.  Memory: its own, and views into the script's tables.  Threads: any; const once made, but for `topics`. */
#pragma once

#include "connectors/mqtt/broker.h"
#include "connectors/mqtt/route.h"
#include "connectors/mqtt/topic.h"
#include "signal/connector_kind.h"

enum { SETUP_FILTER_MAX = 1024 };

typedef struct SetupFilter {
    char text[SETUP_FILTER_MAX];  // with the group of a shared subscription
    int qos;
} SetupFilter;

typedef struct Setup {
    BrokerDef broker;
    const char *share;     // the group of a shared subscription, NULL: none
    const char *discover;  // a filter: what comes there without a binding is remembered
    BrokerLetter will;     // topic NULL: none
    BrokerLetter birth;    // of a status topic, whose will the other is; topic NULL: none
    Route *routes;         // of the bindings
    size_t count;
    TopicTable topics;     // filter -> setup_number
    SetupFilter *filters;  // to subscribe to; none leads to what another leads to already
    size_t filter_count;
} Setup;

/// A topic leads to a value of a binding that is read, or to the reply to a command of one that is written.
static inline uint32_t setup_number(size_t binding, bool is_reply)
{
    return (uint32_t)(2 * binding + is_reply);
}

Err setup_init(const ConnectorDef *def, Setup *out, ConnectorFault *fault);
void setup_fini(Setup *setup);
