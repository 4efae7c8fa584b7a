/* trial.h -- simulate first: a command that must prove harmless before it goes out.
 *
 *   gate = { simulate = { ["zone.opening_order"] = { becomes = "zone.opening_setpoint", limits = { "tower.overflow" }, horizon = 300, probability = 0.1 } } }
 *
 * A command says what is asked for; equations read what the device reports. `becomes` names that input: in a short forecast it has the value of the
 * command from the start on, beside another case in which nothing changes, on the same random numbers. The command is refused when one of the limits is then
 * passed with more than the probability, and with more than without the command: what keeps a limit that is about to be passed anyway is not held up.
 *
 * A trial begins with the plant as it is behind a tick and is judged in a later one: in the next where ticks wait for it, otherwise in the first in which it is
 * ready. Meanwhile the command waits, and its deadline is as it was. A command that cannot be simulated is refused.
 *
 * Takes: the plant's script, a Desk.  Gives: verdicts.  Memory: all of it at their creation, but for what the desk computes.  Threads: the tick's. */
#pragma once

#include "forecast/desk.h"
#include "signal/command.h"

enum { TRIALS_MAX = 256, TRIAL_LIMITS_MAX = 32 };

typedef struct Trials Trials;

/// Read `gate` of the plant's script; NULL where it has none. `waits`: a tick waits for the trial of the one before. ERR_SCRIPT with file and line.
Err trials__create(const Plant *plant, Desk *desk, bool waits, Trials **out, ErrText *why);
/// Behind the desk, which may still be reading; NULL is nothing, here and below.
void trials__destroy(Trials *trials);

/// Whether commands of this actuator are tried.
bool trials__concern(Trials *trials, TagId tag);

typedef enum TrialVerdict { TRIAL_PASSED, TRIAL_OPEN, TRIAL_REFUSED } TrialVerdict;
/// How it stands with a command that waits; the first call begins its trial. TRIAL_PASSED where its actuator needs none. `why` is filled when it is refused.
TrialVerdict trials__judge(Trials *trials, const Command *command, int64_t now, ErrText *why);
/// This command has passed: it has been sent once.
void trials__pass(Trials *trials, const Command *command);
/// This command has ended.
void trials__forget(Trials *trials, const Command *command);
