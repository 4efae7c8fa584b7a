/* gate.h -- no command reaches a connector except through here.
 *
 * A wish is checked: the tag is an actuator, its mode lets whoever asks, the value is finite and within its range and rate of change, its interlock agrees, and
 * it is not what was asked last (deduplication). What passes gets an id and a deadline, supersedes a command of the same tag that still waits, is handed
 * to the first connector that takes it, and ends as done, refused, failed, expired or withheld; each change is left in gate_changed for history
 * and the server. What the plant's script says of its actuators is in rules.h.
 *
 * Where the plant asks for it a command is simulated first (trial.h): it waits until a short forecast has shown what would come of it. Where the script says
 * how a device reports what it does, a command that the device confirmed is done when that report has come near, and failed when it has not.
 *
 * The rate of change is measured against the value that was handed to a device last, and the time when it was.
 *
 * An actuator with a fail-safe value is held there from when the engine stops, sensors are silent or people say so, until people release it: nothing else is
 * commanded meanwhile. Such a command passes the range (when the script is loaded) and nothing else but the mode "blocked".
 *
 * In a dry run everything is decided and recorded, and nothing is handed over.
 *
 * Modes, and what is held, are state: they are in snapshots, what people do about them (GateAct) lies in the history, and a replay comes to the same.
 *
 * Takes: CommandWishes, GateActs, outcomes from connectors, a Sync.  Gives: Commands.
 * Memory: at most GATE_OPEN_MAX commands that have not ended; more are refused.  Threads: the tick's. */
#pragma once

#include "alarm/alarm.h"
#include "forecast/desk.h"

enum { GATE_OPEN_MAX = 1024, ACTUATOR_STATES_MAX = 1024 };

/// Who may command an actuator. A command is a setpoint of the plant's own controllers, which in automatic an operator gives (Foundation Fieldbus: Auto), and
/// a program in its place (remote cascade); who wants it for himself takes manual; blocked is for maintenance (out of service).
typedef enum ActuatorMode { ACTUATOR_AUTOMATIC, ACTUATOR_MANUAL, ACTUATOR_BLOCKED } ActuatorMode;
/// "automatic" (handlers and people), "manual" (people alone), "blocked" (nobody, not even its fail-safe value).
const char *actuator_mode_name(ActuatorMode mode);
bool actuator_mode_parse(const char *text, ActuatorMode *out);

/// What is to be known of an actuator beside its value.
typedef struct ActuatorState {
    TagId tag;
    ActuatorMode mode;
    bool moded;          // people said the mode: it is kept whatever the script says
    bool held;           // at its fail-safe value
    bool fails_safe;     // has such a value
    double safe_value;   // SI
    int64_t mode_since;  // plant time, TIME_NONE: from the start
    int64_t held_since;  // plant time
    char mode_by[48], mode_reason[COMMAND_TEXT];
    char held_by[48], held_reason[COMMAND_TEXT];
} ActuatorState;

typedef enum GateActKind { GATE_ACT_MODE, GATE_ACT_HOLD, GATE_ACT_RELEASE, GATE_ACT_KIND_COUNT } GateActKind;
/// "mode", "hold", "release".
const char *gate_act_name(GateActKind kind);

/// What somebody does about actuators.
typedef struct GateAct {
    uint64_t number;  // from 1, rising: set by gate_act
    GateActKind kind;
    TagId tag;        // TAG_NONE: all that have a fail-safe value; not of GATE_ACT_MODE
    ActuatorMode mode;
    bool may_block;   // whether who asks may lead into and out of "blocked"
    char by[48], reason[COMMAND_TEXT];
} GateAct;

typedef struct Gate Gate;

/// Reads `gate` of the plant's script, but for `simulate`. ERR_SCRIPT with file and line.
Err gate_create(const Plant *plant, Gate **out, ErrText *why);
/// Before its plant.
void gate_destroy(Gate *gate);
/// Simulate first what `gate` of the plant's script says, at `desk`, which is to be destroyed before the gate. `waits`: a tick waits for the forecasts that the
/// one before has ordered. ERR_SCRIPT with file and line.
Err gate_simulate(Gate *gate, Desk *desk, bool waits, ErrText *why);
/// Hand nothing over from now on, whatever the script says.
void gate_run_dry(Gate *gate);
bool gate_is_dry(const Gate *gate);

/// Decide on a wish (its tag is one of the plant's) at plant time `now`. Returns the id of the Command, which may have been refused at once.
/// A wish for what was asked last, and has not failed or expired, gives the id of that command. 0 when so much was asked since gate_settle
/// that not even a refusal can be kept. A `dry_run` changes nothing, and ends as withheld or refused.
uint64_t gate_ask(Gate *gate, const CommandWish *wish, int64_t now);
/// What a device answered to a command that it was sent. Too late, or to a command that it was not sent, it changes nothing.
void gate_answer(Gate *gate, uint64_t id, bool done, const char *detail, int64_t now);
/// While patient, a command that a device was sent is not ended at its deadline: deadlines are plant time, devices answer in their own, and a
/// recording can be played faster than anybody can answer.
void gate_be_patient(Gate *gate, bool patient);
/// Behind every tick, replayed ones too: hold what has lost its sensors, end what could be read back or could not.
void gate_judge(Gate *gate, const Sync *sync, int64_t now);
/// Hand over what waits, oldest first; end what is past its deadline.
void gate_release(Gate *gate, const Connector *connectors, size_t connector_count, int64_t now);
/// Let the watchdogs say that the ticks run in time: behind every tick that did.
void gate_beat(Gate *gate, const Connector *connectors, size_t connector_count, int64_t now);

/// Do it at plant time `now`. ERR_UNKNOWN: no such actuator, or it has no fail-safe value; ERR_DENIED: it takes the right to block; ERR_CLOSED: its sensors are
/// still silent; ERR_FULL: too many actuators are in another mode than at the start.
Err gate_act(Gate *gate, GateAct *act, int64_t now, ErrText *why);
/// The number of the last act: those behind it are still to be done after a restart.
uint64_t gate_last_act(const Gate *gate);
/// New numbers lie above it.
void gate_number_acts_from(Gate *gate, uint64_t number);
/// Whether a fail-safe value is on its way, and its device has not answered yet.
bool gate_is_making_safe(const Gate *gate);
/// The actuators that have a fail-safe value, or are or were in another mode than automatic. A view until the next act or tick; `*changes` counts how often it
/// has changed.
const ActuatorState *gate_actuators(const Gate *gate, size_t *count, uint64_t *changes);

/// Commands that changed since gate_settle, ended ones included, oldest first. A view until the next call. Settle after every tick.
const Command *gate_changed(const Gate *gate, size_t *count);
void gate_settle(Gate *gate);
/// A command that has not ended, by its id, or NULL.
const Command *gate_find(const Gate *gate, uint64_t id);
/// What an actuator was told last (SI), as far as it has neither failed nor expired; NAN when that is nothing.
double gate_told(const Gate *gate, TagId tag);
/// Take up a command as history kept it, after a restart; oldest first. One that had been sent waits again: devices obey an id once.
void gate_recall(Gate *gate, const Command *command);
/// Take over from the gate of another version of the plant's script, settled, within one process: commands go on as they are, and what actuators were told
/// is known. A command whose tag is no actuator any more ends at `now`: it is told to `gone` with that tag's name, and then forgotten.
void gate_succeed(Gate *gate, const Gate *before, const Lineage *lineage, int64_t now,
                  void (*gone)(void *self, const Command *command, const char *tag), void *self);
/// New ids lie above `id`: commands that were refused are not recalled, but have had their numbers.
void gate_number_from(Gate *gate, uint64_t id);

// Modes and what is held. Commands are not in it: they lie in the history one by one.

size_t gate_snapshot_size(const Gate *gate);
void gate_snapshot(const Gate *gate, void *out);
/// ERR_PARSE, and nothing changed, when the bytes are no snapshot of a gate.
Err gate_restore(Gate *gate, const void *bytes, size_t size, ErrText *why);
/// The same from a snapshot of another version of the plant's script: what is no actuator any more is forgotten.
Err gate_adopt(Gate *gate, const Lineage *lineage, const void *bytes, size_t size, ErrText *why);
