/* unknowns.h -- what is sought: names become places in twins, with limits, scales and what is known beforehand.
 *
 * Private to this folder. A search goes in scaled values, the logarithm where a value must be positive, so that a step cannot make it negative and
 * a factor of two up is as far as one down. */
#pragma once

#include "fit/fit.h"

/// Find the unknowns of `def`, with values from its plant.
Err unknowns_find(const FitDef *def, Arena *arena, FitUnknown **out, size_t *count, ErrText *why);

/// From SI to the scale of the search, and back.
double unknown_scaled(const FitUnknown *unknown, double value);
double unknown_plain(const FitUnknown *unknown, double scaled);
/// The derivative of the plain value by the scaled one, at `value`.
double unknown_slope(const FitUnknown *unknown, double value);
/// Where search `start` begins: the value that is there for 0; the others are drawn from the prior, or between limits, or around the value.
double unknown_start(const FitUnknown *unknown, uint64_t seed, size_t start, size_t index);
