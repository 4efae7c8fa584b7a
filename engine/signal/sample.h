/* sample.h -- what arrives from outside: samples, and what else a connector has to say.
 *
 * A connector speaks in Arrivals, one stream in the order in which things happened; a Sample is the one that matters. Tags are
 * numbers on this side (TagId, an index of the plant's TagTable); names stay at the edge. */
#pragma once

#include "base/base.h"

typedef uint32_t TagId;
#define TAG_NONE UINT32_MAX

typedef enum Quality { QUALITY_GOOD, QUALITY_UNCERTAIN, QUALITY_BAD } Quality;

/// "good", "uncertain", "bad".
const char *quality_name(Quality quality);
bool quality_parse(const char *text, Quality *out);

typedef struct Sample {
    int64_t time;  // when it was measured, UTC ns
    double value;  // SI
    TagId tag;
    uint8_t quality;  // Quality
} Sample;

typedef enum ArrivalKind {
    ARRIVAL_SAMPLE,   // sample
    ARRIVAL_TIME,     // the provider's time has come to sample.time, with nothing to report
    ARRIVAL_JOINED,   // a provider is there; from now on its time counts
    ARRIVAL_LEFT,     // a provider has gone
    ARRIVAL_OUTCOME,  // a command was answered: command, done, text
} ArrivalKind;

typedef struct Arrival {
    ArrivalKind kind;
    uint32_t provider;  // which device of this connector
    bool historical;    // ARRIVAL_SAMPLE: from the log of a device that was offline: it says nothing of the time that is now
    Sample sample;
    uint64_t mark;     // the connector's own count of what it delivered, rising by any amount; see ConnectorType.stored
    uint64_t command;  // ARRIVAL_OUTCOME: the id of the command
    bool done;         // ARRIVAL_OUTCOME: the actuator has it
    char text[96];     // ARRIVAL_OUTCOME: why not; ARRIVAL_JOINED, ARRIVAL_LEFT: the provider's name
} Arrival;
