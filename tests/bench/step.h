/* step.h -- the step of a model's mean alone, compiled from the equations that its own programs are built from. */
#pragma once

#include "model/model.h"

/// The states proper, `step` seconds on; their minima and maxima are left out. Waits for the native code.
Err step_compile(const Model *model, Stepper stepper, double step, Arena *arena, Program *out, ErrText *why);
/// Load tests/bench/models/NAME.lua.
Err step_load(const char *name, double step, Model **out, ErrText *why);
