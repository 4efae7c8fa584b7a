/* filter.h -- what the model believes, and how a sample changes it.
 *
 * An extended Kalman filter is three kinds of programs: predict moves mean and covariance along the step, measure compares one
 * scalar sample with what was expected, correct folds it in; between the two stands whoever judges samples. Samples come one at a time, so the innovation
 * variance is a number and nothing is inverted; a sensor that falls silent costs nothing. The Jacobian is that of the discrete step itself, differentiated
 * through the stages of the stepper, not I + dt J.
 *
 * Source: Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001): sequential updates 7.2,
 * Joseph form 7.4; process noise as a spectral density, Q = q^2 dt, 6.3.
 *
 * Takes: rates and measurements as expressions.  Gives: the assignments of programs over blocks of 64 twins.  Threads: the graph's. */
#pragma once

#include "model/delay.h"
#include "model/event.h"
#include "model/stepper.h"

typedef struct FilterState {
    Expr rate;         // dx/dt, EXPR_NONE for a tracked parameter or bias
    double min, max;   // the estimate is projected on these
    double noise;      // spectral density, unit per sqrt(s)
    double jump;       // tracked parameters: how far it may have jumped when twin and asset part, 0 when it does not
    double time;       // tracked: s in which it forgets where it was, a Gauss-Markov process; INFINITY: a random walk
} FilterState;

/// Where the filter finds its numbers: columns of the block.
typedef struct FilterLayout {
    uint16_t states;      // the mean: states, states + 1, ...
    uint16_t covariance;  // packed upper triangle, row by row
    uint16_t parted;      // read: 1 while twin and asset have parted, 0 otherwise
    uint16_t frozen;      // read: 1 while parameters that do not jump must not learn
    double inflation;     // factor on deviations from the mean, in the step behind a sample; 1: none, and then there is no column for it:
    uint16_t due;         // 1 where a sample was folded in since the last step
    bool given;           // the step is not taken by predict, but found in columns:
    uint16_t next;        // the states one step on
    uint16_t jacobian;    // and how they depend on the mean now, row by row, for states alone
    const Delay *delays;  // columns that are given
    size_t delay_count;
    const Event *events;  // what happens at the end of a step
    size_t event_count;
} FilterLayout;

typedef struct FilterSensor {
    Expr expected;  // the measurement as a function of the states
    double noise;   // standard deviation
    uint16_t value, mask;            // read: the sample, and 1 in the lanes that a program is for
    uint16_t innovation, variance;   // written by measure
} FilterSensor;

/* While twin and asset have parted the model is less to be trusted: states wander this many times as fast, and parameters that
 * jump are given the time in which they may do so. */
#define FILTER_PARTED_NOISE 4.0
#define FILTER_PARTED_SECONDS 10.0

/// Variance that one step adds to a state, and what is added to it while twin and asset have parted.
typedef struct FilterNoise {
    double calm, parted;
} FilterNoise;
FilterNoise filter_noise(const FilterState *state, double step);

/// Offset of element (i, j) in a packed upper triangle of n rows.
uint16_t filter_packed(uint16_t n, uint16_t i, uint16_t j);

/// Assignments to mean and covariance, to what delays and events remember, and to whether inflation is due.
enum { FILTER_ASSIGNMENTS_MAX = STEPPER_STATES_MAX * (STEPPER_STATES_MAX + 3) / 2 + DELAYS_MAX + EVENTS_MAX + 1 };

// Each writes the assignments of one program and returns their number.
/// The mean alone over one step.
size_t filter_move(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, Stepper stepper, double step, Assignment *out);
/// Mean and covariance over one step.
size_t filter_predict(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, Stepper stepper, double step, Assignment *out);
/// Innovation and its variance, in the lanes of the mask.
size_t filter_measure(Graph *graph, const FilterLayout *layout, uint16_t count, const FilterSensor *sensor, Assignment *out);
/// The innovation alone, in the lanes of the mask: for members of an ensemble.
size_t filter_compare(Graph *graph, const FilterSensor *sensor, Assignment *out);
/// Fold one sample of `sensor` into the lanes of the mask.
size_t filter_correct(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, const FilterSensor *sensor, Assignment *out);
