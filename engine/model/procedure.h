/* procedure.h -- a step that no equation describes: plain Lua, run per twin and tick.
 *
 * A model may declare step = function(self, dt) instead of equations. `self` is the twin whose turn it is: states, parameters and inputs are
 * read in SI, states and declared outputs are assigned. It is valid for its call alone, and one small object per call, not one per twin.
 * Each call has a budget of instructions; a script has its memory. A call that fails leaves NaN, so that its twin is stopped, and the others go on [I3].
 *
 * The filter needs the Jacobian of the step. It is differenced: one more call for each value that is uncertain, moved by a small part of its
 * standard deviation (as far as the numbers allow: at least sqrt(eps) of itself). What that leaves out is a small part of what an extended Kalman
 * filter leaves out in any case. Sources: Nocedal, Wright, Numerical Optimization (2006), 8.1: forward differences; Noergaard, Poulsen, Ravn, New
 * developments in state estimation for nonlinear systems, Automatica 36 (2000): increments by the standard deviation.
 *
 * Scripts can keep what they like in their variables, so all twins of a plant that have such a step take it in one order, on one thread.
 *
 * Takes: a declaration with a step.  Gives: what predict reads: `next` and `jacobian` columns.
 * Memory: owns the script.  Threads: one at a time. */
#pragma once

#include "base/base.h"

typedef struct Procedure Procedure;
struct Model;

enum { PROCEDURE_INSTRUCTIONS = 100 * 1000 };  // of one call

/// Step the `lanes` of a block; returns those in which the function failed, and why the first of them did.
uint64_t procedure_run(const struct Model *model, double *columns, uint64_t lanes, ErrText *why);
/// Why the function failed last, in any twin of the model; NULL when it never did.
const char *procedure_failure(const struct Model *model);
/// How many twins it has stopped.
uint64_t procedure_failures(const struct Model *model);
void procedure_destroy(Procedure *procedure);
