/* accuracy.h -- how far samples were from what was expected of them, and whether as far as they should be.
 *
 * Of a model that is right the innovations, each divided by its standard deviation, are white with variance 1: the mean of their squares (NIS) is
 * chi-square of n degrees of freedom over n, and the correlation of each with the next is 0 within 2 / sqrt(n).
 *
 * Source: Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), 5.4; quantiles of chi-square by Wilson and
 * Hilferty, Proc. Natl. Acad. Sci. 17 (1931). */
#pragma once

#include "sync/detect.h"

/// Sums over samples; begins as zeros.
typedef struct Accuracy {
    size_t count;
    size_t beyond;          // DETECT_GATE
    double squares;         // of the errors
    double nis, lagged;     // of the normalised errors: squares, and products of each with the next
    double log_likelihood;  // of the errors, Gaussian
    double last;            // normalised
    bool follows;           // the next sample follows the last one
} Accuracy;

/// Count one error, `sd` being its expected standard deviation.
void accuracy_add(Accuracy *accuracy, double error, double sd);
/// Something was left out here: the next error does not follow the last.
void accuracy_break(Accuracy *accuracy);

// NaN before the first error.

double accuracy_rms(const Accuracy *accuracy);
double accuracy_nis(const Accuracy *accuracy);
/// Correlation of each normalised error with the next.
double accuracy_lag1(const Accuracy *accuracy);
/// Between which the mean NIS of `count` samples lies 95 times in 100, of a model that is right.
void accuracy_nis_bounds(size_t count, double *low, double *high);
