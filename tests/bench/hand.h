/* hand.h -- the models of tests/bench/models, in C by hand.
 *
 * What a good engineer would write who has this one model to run: a structure of arrays, restrict pointers, loops over twins that the compiler
 * vectorises (compiled with -O3 -march=native -ffp-contract=off; `-fopt-info-vec` says which loops are). "Plain" does what the equations and the
 * textbook's stepper say; "tuned" adds what is worth doing by hand: reciprocals kept instead of divisions, a shorter form of the same method. */
#pragma once

#include <stddef.h>

/// One step of `twins` twins (a multiple of 64): `columns` as the row of the table that names the function lists them.
typedef void Hand(double *const *columns, size_t twins);

Hand hand_tanks, hand_tanks_tuned;        // a b c, area_a area_b area_c (tuned: their reciprocals), orifice_a orifice_b orifice_c, inflow
Hand hand_lorenz, hand_lorenz_tsit5;      // x y z, rho
Hand hand_rod, hand_rod_tuned;            // T_1 ... T_20, conductance
Hand hand_reactor, hand_reactor_sleef;    // conc T jacket, dilution feed feed_T frequency activation heating coolant_T, opening
Hand hand_robertson, hand_robertson_tuned;  // y1 y2 y3, slow back fast
Hand hand_tanks_filter;                   // as hand_tanks_tuned, then the covariance aa ab ac bb bc cc, gauge, and of it innovation and variance

#define TANKS_STEP 0.1
#define LORENZ_STEP 0.001
#define ROD_STEP 0.1
#define REACTOR_STEP 0.5
#define ROBERTSON_STEP 0.05
