#include "fit/matrix.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { SWEEPS_MAX = 60 };  // of Jacobi's rotations; ten do for matrices of this size

bool matrix_factor(const double *a, size_t n, double *out)
{
    assert(n <= MATRIX_MAX);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= out[i * n + k] * out[j * n + k];
            if (i == j && !(sum > 0 && isfinite(sum)))
                return false;
            out[i * n + j] = i == j ? sqrt(sum) : sum / out[j * n + j];
        }
    return true;
}

void matrix_solve(const double *factor, size_t n, const double *b, double *x)
{
    for (size_t i = 0; i < n; i++) {
        double sum = b[i];
        for (size_t k = 0; k < i; k++)
            sum -= factor[i * n + k] * x[k];
        x[i] = sum / factor[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        double sum = x[i];
        for (size_t k = i + 1; k < n; k++)
            sum -= factor[k * n + i] * x[k];
        x[i] = sum / factor[i * n + i];
    }
}

/* Rotate rows and columns p and q so that element (p, q) becomes 0. */
static void rotate(double *a, double *vectors, size_t n, size_t p, size_t q)
{
    const double apart = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    const double tangent = (apart >= 0 ? 1 : -1) / (fabs(apart) + sqrt(apart * apart + 1));
    const double cosine = 1 / sqrt(tangent * tangent + 1), sine = tangent * cosine;
    for (size_t k = 0; k < n; k++) {
        const double kp = a[k * n + p], kq = a[k * n + q];
        a[k * n + p] = cosine * kp - sine * kq;
        a[k * n + q] = sine * kp + cosine * kq;
    }
    for (size_t k = 0; k < n; k++) {
        const double pk = a[p * n + k], qk = a[q * n + k], vp = vectors[p * n + k], vq = vectors[q * n + k];
        a[p * n + k] = cosine * pk - sine * qk;
        a[q * n + k] = sine * pk + cosine * qk;
        vectors[p * n + k] = cosine * vp - sine * vq;
        vectors[q * n + k] = sine * vp + cosine * vq;
    }
}

void matrix_eigen(const double *a, size_t n, double *values, double *vectors)
{
    assert(n <= MATRIX_MAX);
    double work[MATRIX_MAX * MATRIX_MAX];
    memcpy(work, a, n * n * sizeof *work);
    for (size_t i = 0; i < n * n; i++)
        vectors[i] = i / n == i % n;

    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        bool diagonal = true;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                if (fabs(work[p * n + q]) > 1e-17 * (fabs(work[p * n + p]) + fabs(work[q * n + q]))) {
                    rotate(work, vectors, n, p, q);
                    diagonal = false;
                }
        if (diagonal)
            break;
    }
    for (size_t i = 0; i < n; i++)
        values[i] = work[i * n + i];
}
