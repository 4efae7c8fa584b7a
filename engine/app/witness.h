/* witness.h -- what of the tick's side goes into the audit trail: commands and their ends, what people asked, other versions of the script.
 *
 * What a replay does again was noted when it was done first. */
#pragma once

#include "app/app.h"

/// Commands that changed since the last settling: that they were asked for, and how they ended.
void witness_commands(App *app);
/// What became of what somebody asked of the tick. A wish that the gate decided on is noted by witness_commands.
void witness_ask(App *app, const ServerAsk *ask, int status, const char *detail);
/// What the engine itself did about actuators.
void witness_act(App *app, const GateAct *act);
/// Another version of the script has taken over, or was refused.
void witness_script(App *app, AuditOutcome outcome, const char *detail);
/// The engine has begun, or ends: what is done to the files between the two is done by others.
void witness_life(App *app, const char *action);
