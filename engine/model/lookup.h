/* lookup.h -- look-up tables as expressions: pump and valve curves, maps.
 *
 * A table of intervals is one polynomial whose coefficients are selected by where x lies, so its slope is one selected polynomial too,
 * and a coefficient that does not change costs nothing. Outside of its ends a table holds the value of the end.
 *
 * Source: monotone cubic by Fritsch and Carlson, Monotone piecewise cubic interpolation, SIAM J. Numer. Anal. 17 (1980): between points
 * the curve rises where they rise, falls where they fall, and never swings past them.
 *
 * Takes: points, sorted.  Gives: an Expr.  Threads: the graph's. */
#pragma once

#include "graph/graph.h"

enum { LOOKUP_POINTS_MAX = 64, LOOKUP_GRID_MAX = 256 };

/// Straight lines through (x[i], y[i]), 2 <= count <= LOOKUP_POINTS_MAX, x rising.
Expr lookup_linear(Graph *graph, Expr at, const double *x, const double *y, size_t count);
/// A curve with a continuous slope through the same points.
Expr lookup_cubic(Graph *graph, Expr at, const double *x, const double *y, size_t count);
/// Bilinear over a grid of x_count * y_count values, at most LOOKUP_GRID_MAX: z[j * x_count + i] at (x[i], y[j]).
Expr lookup_bilinear(Graph *graph, Expr at_x, Expr at_y, const double *x, size_t x_count, const double *y, size_t y_count, const double *z);
