/* rehearse.h -- handlers and controllers of a plant inside of its forecasts (forecast/rehearsal.h).
 *
 * Each member of a pack has an understudy: a copy of the plant's script, run anew, and handlers that read the member's values. Behind every step the limits
 * are judged as the living twins' are, member by member, with the same holds and hystereses; `on.alarm` hears of what was raised and has returned, `every` of
 * the time, `on.command` of what became of commands. What handlers command reaches the member's actuators alone, at once, where it is within their limits; the
 * rest of the gate does not act here. There are no samples, no divergences and no predictions in a forecast, so nobody hears of those, and what is logged is
 * not heard.
 *
 * An alarm that stands at the start, as the limits say of the estimate, stands for every member that is beyond the limit too: handlers have heard of it, and
 * hear of its return. Variables of the script begin as they do when the engine does. A function that fails ends the forecast.
 *
 * Memory: some megabytes for a pack, and a sandbox for each of its members.  Threads: the one that runs the forecast. */
#pragma once

#include "forecast/rehearsal.h"

extern const RehearsalKind rehearse_kind;
