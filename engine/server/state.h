/* state.h -- the newest numbers of a plant, on their way from the tick to the service thread: a triple buffer.
 *
 * The tick fills the buffer that nobody sees and exchanges it for the one in the middle; the service thread exchanges the one that it
 * has read for the one in the middle when that is newer. Neither ever waits, and what the service thread reads stands still.
 *
 * Takes: a Plant, a Sync, a ServerNow.  Gives: State: plain numbers in SI.
 * Memory: everything is allocated at the start.  Threads: capture on the tick's, newest on the service thread. */
#pragma once

#include <stdatomic.h>

#include "server/server.h"

enum { CONNECTIONS_MAX = 256 };

// Without padding, so that memcmp tells whether something changed (a NaN is like itself then).
typedef struct Reading {
    double value, sd;  // SI; sd is NaN where there is none
    int64_t time;      // of the sample, TIME_NONE for what is not measured
    int64_t quality;   // Quality of the sample
} Reading;

typedef struct TwinHealth {
    double nis, nis_limit;
    uint32_t kind;         // VerdictKind
    uint16_t quarantined;  // 0 or 1
    uint16_t settling;     // 0 or 1
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
    uint64_t quarantined;
    uint64_t hash;  // of the twins: made here, because it costs as much as a copy of them
    Reading *readings;       // by TagId
    TwinHealth *twins;
    SensorHealth *sensors;   // twin by twin, see States.first_sensor
    Text causes;             // texts of verdicts, each with its 0; the first is empty
    ServerConnection connections[CONNECTIONS_MAX];
    ErrText refused;
} State;

typedef struct States {
    const Plant *plant;
    size_t *first_sensor;  // by twin, and one more for the end
    State buffers[3];
    unsigned back, front;  // the tick's; the service thread's
    _Atomic unsigned middle;
    uint64_t sequence;
} States;

Err states_init(States *states, const Plant *plant);
void states_fini(States *states);
/// Show what is now. `now->connections` beyond CONNECTIONS_MAX are left out.
void states_capture(States *states, const Sync *sync, const ServerNow *now);
/// The newest State, a view until the next call.
const State *states_newest(States *states);

/// For copies: room for one more State of the plant.
Err state_init(State *state, const States *states);
void state_fini(State *state);
