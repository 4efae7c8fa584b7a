/* statistics.h -- what members say together: mean, spread, quantiles, shares.
 *
 * Quantiles are exact order statistics, interpolated between two (Hyndman and Fan's type 7), found by selection without sorting.
 * Sources: Hyndman, Fan, Sample quantiles in statistical packages, Am. Stat. 50 (1996). Wilson, Probable inference, J. Am. Stat. Assoc. 22 (1927).
 *
 * Takes: numbers.  Gives: numbers.  Threads: any. */
#pragma once

#include "base/base.h"

typedef struct Moments {
    size_t count;
    double mean, sd;  // NaN without any; sd is that of the population, by count - 1
} Moments;
Moments moments_of(const double *values, size_t count);

/// Put the finite ones of `values` first, in their order; returns how many they are.
size_t finite_first(double *values, size_t count);
/// out[i] = the quantile p[i] of `values`, which are put in another order; p rises within [0, 1]. NaN without values.
void quantiles_of(double *values, size_t count, const double *p, size_t p_count, double *out);

/// The continuous ranked probability score of `count` members, which are sorted, once `truth` is known: 0 is best, and of a single number it is how far
/// off that is. Fair: in the mean what a forecast of infinitely many such members would have. NaN of fewer than two.
/// Sources: Gneiting, Raftery, Strictly proper scoring rules, J. Am. Stat. Assoc. 102 (2007), (20); Ferro, Fair scores for ensemble forecasts, Q. J. R.
/// Meteorol. Soc. 140 (2014).
double crps_of(double *values, size_t count, double truth);

/// A share of `count` that is estimated, with its interval of 95 %.
typedef struct Share {
    double share, low, high;
} Share;
Share share_of(size_t met, size_t count);
