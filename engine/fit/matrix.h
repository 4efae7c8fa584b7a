/* matrix.h -- small symmetric matrices: solving, and which directions they are made of.
 *
 * Matrices are packed row by row, n x n, in the caller's memory, with n up to MATRIX_MAX. No operation depends on anything but its operands, and sums are taken
 * in one order, so a result has the same bits everywhere [I2].
 *
 * Sources: Golub and Van Loan, Matrix Computations (1996), 4.2 Cholesky, 8.4 Jacobi. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { MATRIX_MAX = 32 };

/// Factor `a` into L L', L in the lower triangle of `out`. False when it is not positive definite.
bool matrix_factor(const double *a, size_t n, double *out);
/// Solve L L' x = b; x may be b.
void matrix_solve(const double *factor, size_t n, const double *b, double *x);
/// Eigenvalues in no order, and the eigenvector of value k in row k of `vectors`.
void matrix_eigen(const double *a, size_t n, double *values, double *vectors);
