/* state.h -- the newest numbers of a plant, on their way from the tick to the service thread: a triple buffer.
 *
 * A State holds every twin of a small plant. Of a fleet it holds those that somebody looks at, SHOWN_MAX at most: what is published costs what is
 * looked at, not what there is. Only whether a twin has parted or stands still is there of all.
 *
 * The tick fills the buffer that nobody sees and exchanges it for the one in the middle; the service thread exchanges the one that it
 * has read for the one in the middle when that is newer. Neither ever waits, and what the service thread reads stands still.
 *
 * Takes: a Plant, a Sync, a ServerNow.  Gives: State: plain numbers in SI.
 * Memory: everything is allocated at the start.  Threads: capture on the tick's, newest on the service thread. */
#pragma once

#include <stdatomic.h>

#include "server/server.h"

enum {
    CONNECTIONS_MAX = 256,
    SHOWN_MAX = 256,    // twins of which the numbers are shown; of a larger plant those that somebody has looked at last
    SHOWN_FIRST = 32,   // and at first these
};

// Without padding, so that memcmp tells whether something changed (a NaN is like itself then).
typedef struct Reading {
    double value, sd;  // SI; sd is NaN where there is none
    int64_t time;      // of the sample, TIME_NONE for what is not measured
    int64_t quality;   // Quality of the sample
} Reading;

typedef struct TwinHealth {
    double nis, nis_limit;
    uint16_t kind;         // VerdictKind
    uint16_t fault;        // Cause
    uint16_t channel;      // that is at fault, UINT16_MAX: none
    uint8_t quarantined;   // 0 or 1
    uint8_t settling;      // 0 or 1
    uint64_t cause;        // place of the text in State.causes
} TwinHealth;

typedef struct SensorHealth {
    double innovation, sd;  // SI
    int64_t quality;        // SensorQuality
} SensorHealth;

typedef struct State {
    uint64_t sequence;  // of captures, from 1; 0: nothing yet
    ServerNow now;      // its connections and texts are those below
    SyncCounters counters;
    SyncRewinds rewinds;
    uint64_t quarantined;
    uint64_t hash;  // of the twins: made here, because it costs as much as a copy of them
    uint64_t *parted, *quarantined_lanes;  // by block of the plant, a bit per lane: of all twins, so that a map of them costs two bits each
    uint32_t *shown;         // twins, rising: each has a slot, its place in this list
    uint32_t shown_count;
    Reading *readings;       // by slot, then channel: States.channels_max each
    TwinHealth *twins;       // by slot
    SensorHealth *sensors;   // by slot, then sensor: States.sensors_max each
    Text causes;             // texts of verdicts, each with its 0; the first is empty
    ServerConnection connections[CONNECTIONS_MAX];
    ErrText refused;
    uint64_t gate_changes;    // of the gate when `actuators` was copied; UINT64_MAX: never
    ActuatorState *actuators; // those of which there is more to know than their values; States.actuators_max
    size_t actuator_count;
} State;

typedef struct States {
    const Plant *plant;
    uint32_t slots;  // of a State
    uint16_t channels_max, sensors_max;  // over the plant's models
    size_t actuators_max;
    State buffers[3];
    _Atomic uint32_t wanted[SHOWN_MAX];  // twins, + 1 so that 0 is none; of a plant that has more than there are slots
    uint32_t wanted_next;                // the service thread's: which of them is the oldest
    const Gate *gate;      // the tick's: what actuators were told; NULL: they show what the plant begins with
    unsigned back, front;  // the tick's; the service thread's
    _Atomic unsigned middle;
    uint64_t sequence;
} States;

Err states_init(States *states, const Plant *plant);
void states_fini(States *states);
/// Show what is now. `now->connections` beyond CONNECTIONS_MAX are left out.
void states_capture(States *states, const Sync *sync, const ServerNow *now);
/// The newest State, a view until the next call. For show_catch_up alone; others ask for what is shown.
const State *states_newest(States *states);
/// The State that states_newest gave last.
const State *states_shown(const States *states);

/// Somebody looks at a twin: from the next State on its numbers are shown. On the service thread.
void states_watch(States *states, uint32_t twin);
/// The twins that somebody looks at in `before`, of another version of the plant, by name.
void states_follow(States *states, const States *before);
/// The slot of a twin in a State, -1 while it has none.
int64_t state_slot(const State *state, uint32_t twin);
/// The reading of a tag, NULL while its twin is not shown.
const Reading *states_reading(const States *states, const State *state, TagId tag);

/// How a twin fares, whether it is shown or not; an alarm is more than a verdict, and standing still more than both.
typedef enum Health { HEALTH_CALM, HEALTH_PARTED, HEALTH_ALARM, HEALTH_QUARANTINED } Health;
/// Health by verdict and quarantine alone: alarms are the journal's. HEALTH_CALM before the first capture.
Health state_health(const State *state, const Plant *plant, uint32_t twin);

/// What is known of an actuator beside its value; NULL: it is in automatic, and has no fail-safe value.
const ActuatorState *state_actuator(const State *state, TagId tag);
/// Whether two States show the same of actuators, and of whether commands leave the gate.
bool state_same_gate(const State *a, const State *b);

/// For copies: room for one more State of the plant.
Err state_init(State *state, const States *states);
void state_fini(State *state);
