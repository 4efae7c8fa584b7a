#include "app/accuracy.h"

#include <assert.h>
#include <math.h>

void accuracy_add(Accuracy *accuracy, double error, double sd)
{
    assert(sd > 0);
    const double z = error / sd;
    accuracy->count++;
    accuracy->beyond += fabs(z) > DETECT_GATE;
    accuracy->squares += error * error;
    accuracy->nis += z * z;
    accuracy->lagged += accuracy->follows ? z * accuracy->last : 0;
    accuracy->log_likelihood -= (log(2 * M_PI * sd * sd) + z * z) / 2;
    accuracy->last = z;
    accuracy->follows = true;
}

void accuracy_break(Accuracy *accuracy)
{
    accuracy->follows = false;
}

static double mean(const Accuracy *accuracy, double sum)
{
    return accuracy->count ? sum / (double)accuracy->count : NAN;
}

double accuracy_rms(const Accuracy *accuracy)
{
    return sqrt(mean(accuracy, accuracy->squares));
}

double accuracy_nis(const Accuracy *accuracy)
{
    return mean(accuracy, accuracy->nis);
}

double accuracy_lag1(const Accuracy *accuracy)
{
    return accuracy->nis > 0 ? accuracy->lagged / accuracy->nis : NAN;
}

/* The quantile of chi-square of `n` degrees of freedom over n, `z` being that of the normal distribution. */
static double chi_square_over_n(double n, double z)
{
    const double root = 1 - 2 / (9 * n) + z * sqrt(2 / (9 * n));
    return root > 0 ? root * root * root : 0;
}

void accuracy_nis_bounds(size_t count, double *low, double *high)
{
    static const double Z_975 = 1.959963984540054;
    *low = count ? chi_square_over_n((double)count, -Z_975) : NAN;
    *high = count ? chi_square_over_n((double)count, Z_975) : NAN;
}
