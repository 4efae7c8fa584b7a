/* ensemble.h -- a filter that believes what its members say.
 *
 * Some models are too strongly non-linear for a Jacobian. Such a model may ask for an ensemble: each of its twins keeps some tens of members, states as
 * they might be, which take the step of the equations one by one, with noise of their own. Mean and covariance are theirs, and stand in the columns in
 * which an extended filter has them, so nobody else needs to know.
 *
 * A sample corrects the members by the serial square root: the mean moves by the gain, deviations shrink by a part of it, and no sample is perturbed by
 * random numbers. Sample by sample that leaves most of the spread to a few members; so behind a tick with samples they are mirrored across a random
 * plane, which changes neither mean nor covariance. Covariances between what lies far apart in an array of states are mostly chance; localisation tapers
 * them to nothing at a distance.
 *
 * A member is kept as its deviation from the mean, so whoever sets the mean moves all of them. Noise is a function of the twin's name, of how many steps
 * it has taken, and of member and state, and sums run over members in their order: so bits depend on the twin alone [I1], [I2]. Members are drawn from
 * mean and covariance when they are needed first.
 *
 * Sources: Whitaker and Hamill, Ensemble data assimilation without perturbed observations, Mon. Wea. Rev. 130 (2002): the square root, eq. 13.
 * Gaspari and Cohn, Construction of correlation functions in two and three dimensions, Q. J. R. Meteorol. Soc. 125 (1999): the taper, eq. 4.10.
 * Anderson and Anderson, Mon. Wea. Rev. 127 (1999): inflation. Sakov and Oke, Implications of the form of the ensemble transformation in the ensemble
 * square root filters, Mon. Wea. Rev. 136 (2008): random rotations that keep the mean.
 *
 * Takes: a model's programs `move` and `measure`.  Gives: mean, covariance, innovations in the columns of a block.
 * Memory: columns.  Threads: any, one per block. */
#pragma once

#include "graph/graph.h"
#include "model/filter.h"

enum { ENSEMBLE_MEMBERS_MIN = 3, ENSEMBLE_MEMBERS_MAX = 256 };

/// Where the members are: columns of a block.
typedef struct EnsembleLayout {
    uint16_t members;      // 0: the model has no ensemble
    uint16_t memories;     // of events, which each member has for itself
    uint16_t memory;       // and the first that the twin shows
    uint16_t stride;       // columns of a member: deviations from the mean, state by state, then memories
    uint16_t steps;        // how many steps the twin has taken, counted from 1; 0 before members are drawn
    uint16_t first;        // of the first member
    uint16_t key;          // of the twin's noise, 0 in lanes without a twin
    uint16_t aside;        // where mean and delayed values are put while members take their place
    uint16_t innovations;  // by member
    const FilterNoise *noise;  // by state
} EnsembleLayout;

struct Model;
struct Sensor;

/// The key of the twin `name`, for the column `key`.
double ensemble_key(const char *name);
/// Move all members over one step.
void ensemble_predict(const struct Model *model, double *columns, Scratch *scratch);
/// Innovation of the mean and its variance, in the lanes of the sensor's mask.
void ensemble_measure(const struct Model *model, const struct Sensor *sensor, double *columns, Scratch *scratch);
/// Fold one sample into the lanes of the mask; the covariance is left to ensemble_settle.
void ensemble_correct(const struct Model *model, const struct Sensor *sensor, double *columns, Scratch *scratch);
/// Bring the covariance up to date.
void ensemble_settle(const struct Model *model, double *columns);
/// Forget in one lane what members say of a state: they are drawn anew, with this standard deviation.
void ensemble_open(const struct Model *model, double *columns, size_t lane, uint16_t state, double sd);
/// Let the members of one lane lie `factor` times as far from the mean of a state.
void ensemble_scale(const struct Model *model, double *columns, size_t lane, uint16_t state, double factor);
/// Spread the members of one lane along a direction, by state: their covariance grows by its square. By how they are spread already that
/// is told apart as well as so many members can.
void ensemble_widen(const struct Model *model, double *columns, size_t lane, const double *direction);
/// What is left of a covariance at `distance`, when nothing is left at `radius`: 1 to 0, smooth.
double ensemble_taper(double distance, double radius);
