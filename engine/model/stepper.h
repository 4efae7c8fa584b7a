/* stepper.h -- one step of the equations, as expressions.
 *
 * Every stepper is fixed-step and unrolled: what comes out is the state one step on as a function of the state now, which the filter
 * differentiates and the compiler turns into one straight program.
 *
 * Sources: Runge and Kutta's classical method of order 4. Tsitouras, Runge-Kutta pairs of order 5(4) satisfying only the first column
 * simplifying assumption, Comput. Math. Appl. 62 (2011): the method of order 5. Sandu, Verwer, Blom, Spee, Carmichael, Potra, Benchmarking
 * stiff ODE solvers for atmospheric chemistry problems II, Atmos. Environ. 31 (1997): RODAS3, order 3, L-stable, stiffly accurate.
 *
 * Takes: rates.  Gives: Exprs.  Threads: the graph's. */
#pragma once

#include "graph/graph.h"

typedef enum Stepper { STEPPER_RK4, STEPPER_EULER, STEPPER_TSIT5, STEPPER_ROSENBROCK } Stepper;

/* A Rosenbrock step solves a linear system by elimination without pivoting, written out in full. */
enum { STEPPER_STATES_MAX = 64, STEPPER_ROSENBROCK_STATES_MAX = 24 };

/// "rk4", "euler", "tsit5", "rosenbrock".
const char *stepper_name(Stepper stepper);
bool stepper_parse(const char *text, Stepper *out);

/// The state `step` seconds on. State i is in column `first` + i; its rate is EXPR_NONE when it does not move.
void stepper_build(Stepper stepper, Graph *graph, uint16_t first, const Expr *rates, uint16_t count, double step, Expr *next);
