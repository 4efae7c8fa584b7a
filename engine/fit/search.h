/* search.h -- the way to the most likely values: Levenberg's and Marquardt's, within limits.
 *
 * The cost is a negative log-likelihood. With its gradient comes its expected curvature, Fisher's information, which is to a likelihood what J'J is to a sum of
 * squares; a step is so Gauss's and Newton's where the likelihood is such a sum, and Fisher's scoring where it is not. Values at a limit that the
 * slope pushes against are left out of the step, and the step is projected on the limits. It is over when what is left to gain is far below what
 * the data can tell: a thousandth of a standard error.
 *
 * A search says where it wants to look (`trial`) and is told what is there, so many of them go on side by side.
 *
 * Sources: Marquardt, An algorithm for least-squares estimation of nonlinear parameters (1963), with the damping of Madsen, Nielsen and Tingleff,
 * Methods for non-linear least squares problems (2004), 3.2; limits as in Kanzow, Yamashita and Fukushima, J. Comput. Appl. Math. 172 (2004).
 *
 * Takes: Likelihoods.  Gives: points.  Memory: the caller's.  Threads: one. */
#pragma once

#include "fit/matrix.h"

enum { SEARCH_MAX = MATRIX_MAX, SEARCH_STEPS_MAX = 500 };

typedef struct Likelihood {
    double cost;  // -log likelihood; not finite where the model breaks
    double gradient[SEARCH_MAX];
    double information[SEARCH_MAX * SEARCH_MAX];  // n x n
} Likelihood;

typedef enum SearchState {
    SEARCH_GOING,
    SEARCH_DONE,   // nothing is left to gain
    SEARCH_STUCK,  // the model breaks at the start, or the cost does not follow its slope
    SEARCH_SPENT,  // SEARCH_STEPS_MAX
} SearchState;

typedef struct Search {
    size_t count;
    double low[SEARCH_MAX], high[SEARCH_MAX];
    double at[SEARCH_MAX], trial[SEARCH_MAX];
    Likelihood here;  // at `at`
    double damping, growth, promised;
    int steps;        // points that were looked at
    SearchState state;
} Search;

/// Begin at `start`, which is put within the limits; `trial` is where to look first.
void search_begin(Search *search, size_t count, const double *start, const double *low, const double *high);
/// What was found at `trial`: sets the next one while `state` is SEARCH_GOING.
void search_take(Search *search, const Likelihood *found);
/// Whether the slope pushes value i against a limit that it is at.
bool search_is_pinned(const Search *search, size_t i);
