/* gate.h -- no command reaches a connector except through here.
 *
 * A wish is checked: the tag is an actuator, the value is finite and within its range and rate of change, and it is not what was
 * asked last (deduplication). What passes gets an id and a deadline, supersedes a command of the same tag that still waits, is handed
 * to the first connector that takes it, and ends as done, refused, failed or expired; each change is left in gate_changed for history
 * and the server.
 *
 * Where the plant asks for it a command is simulated first (trial.h): it waits until a short forecast has shown what would come of it.
 *
 * The rate of change is measured against the value that was handed to a device last, and the time when it was.
 *
 * Takes: CommandWishes, outcomes from connectors.  Gives: Commands.
 * Memory: at most GATE_OPEN_MAX commands that have not ended; more are refused.  Threads: the tick's. */
#pragma once

#include "alarm/alarm.h"
#include "forecast/desk.h"

enum { GATE_OPEN_MAX = 1024 };

typedef struct Gate Gate;

Err gate_create(const Plant *plant, Gate **out);
void gate_destroy(Gate *gate);
/// Simulate first what `gate` of the plant's script says, at `desk`, which is to be destroyed before the gate. `waits`: a tick waits for the forecasts that the one before
/// has ordered. ERR_SCRIPT with file and line.
Err gate_simulate(Gate *gate, Desk *desk, bool waits, ErrText *why);

/// Decide on a wish (its tag is one of the plant's) at plant time `now`. Returns the id of the Command, which may have been refused at once.
/// A wish for what was asked last, and has not failed or expired, gives the id of that command. 0 when so much was asked since gate_settle
/// that not even a refusal can be kept.
uint64_t gate_ask(Gate *gate, const CommandWish *wish, int64_t now);
/// What a device answered to a command that it was sent. Too late, or to a command that it was not sent, it changes nothing.
void gate_answer(Gate *gate, uint64_t id, bool done, const char *detail, int64_t now);
/// While patient, a command that a device was sent is not ended at its deadline: deadlines are plant time, devices answer in their own, and a
/// recording can be played faster than anybody can answer.
void gate_be_patient(Gate *gate, bool patient);
/// Hand over what waits, oldest first; end what is past its deadline.
void gate_release(Gate *gate, const Connector *connectors, size_t connector_count, int64_t now);

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
