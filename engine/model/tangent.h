/* tangent.h -- a model's programs with their derivatives: how a run depends on its parameters, and on where it began.
 *
 * A tangent program computes what the model's own does and, beside it, how each of its columns changes along a direction. The block that it runs on
 * is twice as wide: the tangent of column c is in column `mirror + c`. A direction is what stands in the tangents of parameters and of the state
 * before the first step, and every lane has its own: lanes that hold the same twin and different directions give a whole gradient in one run.
 *
 * Derivatives are those of the filter itself, mean and covariance, through the stages of the stepper (forward mode, Griewank and Walther, Evaluating
 * Derivatives, 2008, chapter 3). Programs are built for what varies alone.
 *
 * Takes: a Model.  Gives: Programs over blocks of `column_count` columns.
 * Memory: a Tangent owns an arena.  Threads: build on one, as the model's graph grows; run on any. */
#pragma once

#include "model/model.h"

typedef struct TangentDef {
    const bool *varies;  // by channel: parameters and inputs that have a tangent; states may always have one. NULL: nothing has, programs give values alone
    const bool *held;    // by state (may be NULL): stands still, though the model tracks it
    bool simulates;      // the mean alone is stepped, and a sensor's innovation is found but not folded in
} TangentDef;

typedef struct Tangent {
    const Model *model;
    uint16_t mirror, column_count;
    uint16_t registers_max;
    Program prepare;  // to be run when a parameter or its tangent has been set
    Program step;     // mean (and covariance) over one step
    Program derive;   // outputs
    Program record;   // what delays follow
    Program *fold;    // by sensor: innovation, its variance, and the sample folded in; the mask says in which lanes
    Arena arena;
} Tangent;

/// ERR_MEMORY also when memory ran out while an earlier one was built: a graph remembers that. ERR_RANGE for a model whose step is a function of Lua, which has
/// no derivatives, or that is too large.
Err tangent_create(const Model *model, const TangentDef *def, Tangent **out, ErrText *why);
void tangent_destroy(Tangent *tangent);
