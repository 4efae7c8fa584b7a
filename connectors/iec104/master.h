/* master.h -- a controlling station of IEC 60870-5-104 without its socket and its clock: bytes and times in, bytes and events out.
 *
 * Over the numbered transfer it runs the procedures of IEC 60870-5-5 for each station (common address) behind the connection:
 *
 *   - clock synchronisation, general interrogation and counter interrogation: at the start, when the station says that it has been initialised, and
 *     periodically; a test command periodically, whose silence ends the connection. A station is asked for one of them at a time.
 *   - commands: select, confirmation, execute, confirmation, termination, as far as each is asked for. Each has one outcome. What an answer repeats must be
 *     what was sent. A command whose answer does not come is not sent again, and neither is one that was open when the connection went: it may have been
 *     carried out. A selection that is of no use any more is cancelled.
 *
 * Commands to one object wait for each other, others do not.
 *
 * Pure: no clock, no socket, no allocation.  Threads: one at a time. */
#pragma once

#include "connectors/iec104/asdu.h"
#include "connectors/iec104/transfer.h"

enum { MASTER_STATIONS = 64, MASTER_COMMANDS = 64, MASTER_TEXT = 128 };

/// Now, by a clock that does not go back and by the time of day.
typedef struct MasterTime {
    int64_t elapsed, utc;
} MasterTime;

typedef enum MasterRoutine { MASTER_SYNCHRONISE, MASTER_INTERROGATE, MASTER_COUNTERS, MASTER_TEST, MASTER_ROUTINES } MasterRoutine;

typedef struct MasterDef {
    TransferDef transfer;
    uint8_t originator;
    const uint16_t *stations;  // their common addresses; a copy is taken
    size_t station_count;      // at most MASTER_STATIONS
    /// How often each routine runs, ns. 0: never, but the general interrogation, which always runs at the start.
    int64_t periods_ns[MASTER_ROUTINES];
    int64_t answer_ns;  // within which a request must be answered
    int64_t zone_ns;    // what the stations' clocks are ahead of UTC
} MasterDef;

typedef struct MasterCommand {
    uint64_t id;
    AsduType type;
    uint16_t station;
    uint32_t address;
    double number;    // as asdu_carries allows
    bool select;      // before execution
    bool terminates;  // the station says when the command has ended; otherwise its confirmation is the end
    int64_t limit;    // elapsed: it is not executed from then on
} MasterCommand;

typedef enum MasterEventKind {
    MASTER_NOTHING,
    MASTER_STARTED,  // the transfer runs
    MASTER_VALUE,    // type, station, cause, object
    MASTER_OUTCOME,  // command, done, text
    MASTER_REFUSED,  // text: something came that could not be used, or an answer was negative or did not come
    MASTER_STOPPED,  // the stop is confirmed
    MASTER_BROKEN,   // text: the connection is to be closed. Said once
} MasterEventKind;

typedef struct MasterEvent {
    MasterEventKind kind;
    AsduType type;
    AsduCause cause;
    uint16_t station;
    AsduObject object;
    uint64_t command;
    bool done;
    const char *text;  // a view, until the next call
} MasterEvent;

typedef enum MasterPhase {
    PHASE_FREE,
    PHASE_WAITING,     // for the object, or for room to send
    PHASE_SELECTING,
    PHASE_SELECTED,    // to be executed as soon as there is room to send
    PHASE_EXECUTING,
    PHASE_CONFIRMED,   // its termination is to come
    PHASE_ENDED,       // its outcome is to be told
} MasterPhase;

typedef struct MasterSlot {
    MasterPhase phase;
    MasterCommand command;
    uint64_t order;      // in which they came
    int64_t answer_by;   // elapsed
    uint8_t element[8];  // of what was sent last: its answer repeats it
    bool done;
    char text[MASTER_TEXT];
} MasterSlot;

typedef struct MasterRun {
    int64_t due;        // elapsed: when it is to be asked for next; INT64_MAX: not
    int64_t answer_by;  // INT64_MAX: no answer is awaited
    bool confirmed;     // and its termination is awaited
} MasterRun;

typedef struct Master {
    MasterDef def;
    uint16_t stations[MASTER_STATIONS];
    MasterRun runs[MASTER_STATIONS][MASTER_ROUTINES];
    MasterSlot slots[MASTER_COMMANDS];
    uint64_t ordered;
    uint16_t tests;  // the counter of the test command
    Asdu asdu;       // that is being read
    bool is_open;
    bool is_refused;            // `text` is to be told
    char text[MASTER_TEXT];
    Transfer transfer;  // `transfer.out` is to be written
} Master;

void master_init(Master *master, const MasterDef *def);
/// The connection is there.
void master_open(Master *master, MasterTime now);
/// The connection has gone; what was open ends as failed.
void master_close(Master *master);
/// Whether another command can be taken now.
bool master_has_room(const Master *master);
void master_command(Master *master, const MasterCommand *command, MasterTime now);
/// What has happened, one by one until MASTER_NOTHING. Bytes that came are put into `transfer` before.
MasterEvent master_next(Master *master, MasterTime now);
/// Run timers and routines; when to look again.
int64_t master_look(Master *master, MasterTime now);
