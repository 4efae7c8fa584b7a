/* connector.h -- the way to one kind of outside system, for samples in and commands out.
 *
 * A connector is a const table of functions and an instance. It is polled by the tick and never calls back from its threads;
 * between its threads and the tick stand bounded rings. What does not fit is counted (ConnectorStats), never silent. */
#pragma once

#include "signal/command.h"
#include "signal/tag.h"

typedef struct ConnectorStats {
    uint64_t samples;  // handed to the tick
    uint64_t refused;  // malformed, unknown or not allowed
    uint64_t dropped;  // no room in the ring
} ConnectorStats;

/// Samples that were not used, by what became of them.
typedef struct ConnectorLosses {
    uint64_t late, duplicate, future;
} ConnectorLosses;

typedef struct ConnectorType {
    const char *name;
    bool is_patient;  // its arrivals wait for all others, and a few at a time are taken: logs of devices that were offline
    /// Move up to `room` arrivals to `out`, oldest first; returns how many.
    size_t (*poll)(void *self, Arrival *out, size_t room);
    /// Hand a command over. ERR_CLOSED when no device is there that has this actuator: another connector may have it. ERR_FULL when it cannot take more now.
    /// The gate tries again until the deadline.
    Err (*send)(void *self, const Command *command);
    /// Everything up to `mark` (Arrival.mark) is on disk: whoever waits for that may be told.
    void (*stored)(void *self, uint64_t mark);
    /// This was not used, of what `provider` brought: said before `stored`. NULL when it does not care.
    void (*lost)(void *self, uint32_t provider, ConnectorLosses losses);
    /// How far the plant has gone, for what a connector tells its devices. NULL when it does not care.
    void (*ticked)(void *self, int64_t plant_time);
    ConnectorStats (*stats)(void *self);
    void (*close)(void *self);
} ConnectorType;

typedef struct Connector {
    const ConnectorType *type;
    void *self;
} Connector;
