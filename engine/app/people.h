/* people.h -- what people ask of the tick, between two ticks: commands, modes, alarms, time, another version of the script.
 *
 * Threads: the tick's. */
#pragma once

#include "app/app.h"

/// Take what was asked, and answer what can be answered at once.
void people_answer(App *app);
/// Commands have changed: answer the dry runs that have ended. Before the gate is settled.
void people_hear_ends(App *app);
/// Go on with the dry runs of `before`, another version of the script, whose server is app->server by now.
void people_succeed(App *app, const App *before);
/// Do it, and keep it as if somebody had asked for it. False when it cannot be done.
bool people_act(App *app, GateAct *act);
