/* place.h -- where a tag stands in a plant of Sparkplug: group, edge node, device, metric; and topics, which say so too.
 *
 * Takes: options, topics.  Gives: Places.  Memory: views into the script's tables.  Threads: any; const once read. */
#pragma once

#include "connectors/sparkplug/report.h"
#include "signal/binding.h"
#include "signal/options.h"

enum { PLACE_NAME = 128, PLACE_TOPIC = 512 };

typedef struct Place {
    const char *group, *node;
    const char *device;  // NULL: the metric is the node's own
    const char *metric;
    uint32_t type;       // MetricType; METRIC_UNKNOWN: what the birth says
    bool confirm;        // a command is done when the node has reported the value
} Place;

/// A binding's own keys. `group` and `node` are those of the connector, NULL where it names none. What is wrong stands in `entry`.
void place_read(Options *entry, const char *group, const char *node, Place *out);
/// The keys of a binding to what the host has seen: `group/node:metric` or `group/node/device:metric`.
void place_suggest(const char *address, Text *out);
/// The name of a group, a node, a device: without /, + and #.
bool place_is_name(const char *name);

typedef enum Message {
    MESSAGE_NBIRTH,
    MESSAGE_NDEATH,
    MESSAGE_NDATA,
    MESSAGE_NCMD,
    MESSAGE_DBIRTH,  // from here on of devices
    MESSAGE_DDEATH,
    MESSAGE_DDATA,
    MESSAGE_DCMD,
    MESSAGE_COUNT,
} Message;

/// What a topic says: spBv1.0/GROUP/MESSAGE/NODE or spBv1.0/GROUP/MESSAGE/NODE/DEVICE.
typedef struct Heading {
    Message message;
    char group[PLACE_NAME], node[PLACE_NAME], device[PLACE_NAME];  // device "": none
} Heading;

/// False when it is no topic of Sparkplug B, or of another kind.
bool heading_read(const char *topic, Heading *out);
/// `device` is NULL for messages of nodes.
void heading_write(Message message, const char *group, const char *node, const char *device, char out[static PLACE_TOPIC]);
/// spBv1.0/STATE/HOST
void state_write_topic(const char *host, char out[static PLACE_TOPIC]);

/// A host's state: {"online": true, "timestamp": ms}. False when it is none.
bool state_read(const char *bytes, size_t length, bool *online, int64_t *time);
void state_write(bool online, int64_t time, Text *out);
