#include "forecast/statistics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

Moments moments_of(const double *values, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    const double mean = count ? sum / (double)count : NAN;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return (Moments){count, mean, count > 1 ? sqrt(squares / (double)(count - 1)) : NAN};
}

size_t finite_first(double *values, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            values[kept++] = values[i];
    return kept;
}

static void swap(double *a, double *b)
{
    const double kept = *a;
    *a = *b;
    *b = kept;
}

static double median_of(double a, double b, double c)
{
    const double low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* Put the value of rank `rank` in its place, nothing larger before it and nothing smaller behind it.
 * Source: Hoare, Algorithm 65: Find, Comm. ACM 4 (1961). */
static void select_rank(double *values, size_t from, size_t to, size_t rank)
{
    while (to - from > 1) {
        const double pivot = median_of(values[from], values[from + (to - from) / 2], values[to - 1]);
        size_t low = from, high = to - 1;
        for (;;) {
            while (values[low] < pivot)
                low++;
            while (values[high] > pivot)
                high--;
            if (low >= high)
                break;
            swap(&values[low++], &values[high--]);
        }
        // [from, low) is at most the pivot, (high, to) at least; between the two lies the pivot itself
        if (rank < low)
            to = low;
        else if (rank > high)
            from = high + 1;
        else
            return;
    }
}

static double least_of(const double *values, size_t count)
{
    double least = values[0];
    for (size_t i = 1; i < count; i++)
        least = values[i] < least ? values[i] : least;
    return least;
}

void quantiles_of(double *values, size_t count, const double *p, size_t p_count, double *out)
{
    size_t from = 0;  // all before it are in their places
    for (size_t i = 0; i < p_count; i++) {
        assert(p[i] >= 0 && p[i] <= 1);
        if (count == 0) {
            out[i] = NAN;
            continue;
        }
        const double place = p[i] * (double)(count - 1);
        const size_t rank = (size_t)place;
        select_rank(values, from, count, rank);
        const double low = values[rank], part = place - (double)rank;
        out[i] = part > 0 ? low + part * (least_of(&values[rank + 1], count - rank - 1) - low) : low;
        from = rank;
    }
}

static int rising(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double crps_of(double *values, size_t count, double truth)
{
    if (count < 2)
        return NAN;
    double off = 0, apart = 0;  // of the truth, and of each pair
    qsort(values, count, sizeof *values, rising);
    for (size_t i = 0; i < count; i++) {
        off += fabs(values[i] - truth);
        apart += (2 * (double)i + 1 - (double)count) * values[i];
    }
    return (off - apart / (double)(count - 1)) / (double)count;
}

Share share_of(size_t met, size_t count)
{
    if (count == 0)
        return (Share){NAN, NAN, NAN};
    const double n = (double)count, p = (double)met / n, z = 1.959963984540054;
    const double middle = (p + z * z / (2 * n)) / (1 + z * z / n), half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (Share){p, fmax(middle - half, 0), fmin(middle + half, 1)};
}
