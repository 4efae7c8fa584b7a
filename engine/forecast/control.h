/* control.h -- what the device does in a forecast: Lua, run for each member at its decision instants.
 *
 *   control = function(device, seconds, memory, time) device["zone.opening_setpoint"] = device["zone.opening_order"] end
 *
 * As the `control` of a plant's emulation: tags are read and inputs, parameters and states set, in their units; `seconds` are those from the start of the forecast,
 * `time` those of plant time since 1970. It is called for one member after the other, on one thread, and what it remembers of a member belongs into `memory`, a
 * table per member: a variable of a scenario's script would be shared by all.
 *
 * Takes: members.  Gives: their inputs.  Memory: the script's.  Threads: the one that runs the forecast. */
#pragma once

#include "forecast/swarm.h"

enum { CONTROL_INSTRUCTIONS = 100 * 1000 };  // of one call

/// Let a script have devices; once, before it is asked for the first time.
void control_open(Script *script);
/// Members remember nothing any more.
Err control_begin(Script *script, ErrText *why);
/// Call the function with this number in the registry for `count` members of the pack, from lane `first` on. Outputs have to be there.
Err control_decide(Script *script, int function, Pack *pack, uint32_t first, uint32_t count, ErrText *why);
