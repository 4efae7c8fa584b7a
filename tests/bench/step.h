/* step.h -- the step of a model's mean alone, with any stepper and step: compiled from the equations that its own programs are built from, as they are. */
#pragma once

#include "app/blocks.h"

enum { STEP_MORE = 64 };  // columns that a step has beside those of the model

typedef struct Step {
    Program prepare;  // what follows from parameters alone
    Program run;
} Step;

/// The states proper, `seconds` on; their minima and maxima are left out. Waits for the native code. For blocks with STEP_MORE more columns.
Err step_compile(const Model *model, Stepper stepper, double seconds, Arena *arena, Step *out, ErrText *why);
/// Prepare all blocks, when parameters have been set.
Err step_prepare(const Step *step, const Blocks *blocks);
/// Load tests/bench/models/NAME.lua.
Err step_load(const char *name, double seconds, Model **out, ErrText *why);
