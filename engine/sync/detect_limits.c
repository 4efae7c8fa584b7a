/* detect_limits.c -- what the tests are held against: each limit follows from the time between two false alarms that is wished for. */
#include "sync/suspicion.h"

#include <math.h>

enum { GRACE_SAMPLES = 3, SILENT_SAMPLES = 5, TESTS = 5 };

/* e^x by its series on x/64, squared six times: the C library's differs in the last bit between machines. */
static double exp_plain(double x)
{
    double term = 1, sum = 1;
    for (int i = 1; i <= 20; i++) {
        term *= x / 64 / i;
        sum += term;
    }
    for (int i = 0; i < 6; i++)
        sum *= sum;
    return sum;
}

/* Mean number of white samples until a one-sided CUSUM with allowance SHIFT passes `limit` (Siegmund). */
static double cusum_run_length(double limit)
{
    const double b = limit + 1.166;
    return (exp_plain(2 * SHIFT * b) - 2 * SHIFT * b - 1) / (2 * SHIFT * SHIFT);
}

/* One over the probability that chi-square of NIS_WINDOW degrees of freedom passes `limit`: a closed form, since they are even. */
static double window_run_length(double limit)
{
    double term = 1, sum = 1;
    for (int i = 1; i < NIS_WINDOW / 2; i++) {
        term *= limit / 2 / i;
        sum += term;
    }
    return exp_plain(limit / 2) / sum;
}

static double solve(double (*run_length)(double), double wished, double low, double high)
{
    for (int i = 0; i < 200; i++) {
        const double middle = low + (high - low) / 2;
        if (run_length(middle) < wished)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* The probability that white noise holds back a sample: two tails of the normal distribution at DETECT_GATE. */
static const double OUTLIER_CHANCE = 5.733e-7;

/* So many outliers in a window are more than chance: the smallest number whose binomial tail is rarer than wished. */
static double outliers_allowed(double wished)
{
    double tail = NIS_WINDOW * OUTLIER_CHANCE;  // of at least one; the terms fall so fast that the first stands for all
    int count = 1;
    for (; tail > 1 / wished && count < NIS_WINDOW; count++)
        tail *= (NIS_WINDOW - count) * OUTLIER_CHANCE / (count + 1);
    return count;
}

/* So many repeats are more than chance; where one is more often than not, a repeat says nothing. */
static double repeats_allowed(const Model *model, const Sensor *sensor, double wished)
{
    const double chance = cause_of_repeats(model, sensor);
    if (!(chance < 0.5))
        return INFINITY;
    double product = 1, count = 0;
    for (; product * wished > 1 && count < 64; count++)
        product *= chance;
    return count > 2 ? count : 2;
}

void detect_limits(const Model *model, DetectLimits *out)
{
    // each sample is tested five times: up, down, the window, outliers, repeats
    double tests_per_s = 0;
    for (uint16_t i = 0; i < model->sensor_count; i++)
        tests_per_s += TESTS / model->sensors[i].every;
    const double wished = model->divergence.false_alarms * tests_per_s;
    *out = (DetectLimits){
        .cusum = solve(cusum_run_length, wished, 0, 20),
        .nis = solve(window_run_length, wished, NIS_WINDOW, 400),
        .rarity = graph_apply(OP_LOG, wished > 1 ? wished : 1, 0, 0),
        .outliers = outliers_allowed(wished),
        .scale = model->divergence.whiteness,
        .settle = model->divergence.settle / model->step,
    };
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        const Sensor *sensor = &model->sensors[i];
        const double ticks = sensor->every / model->step;
        out->gate_from[i] = QUIET_SAMPLES * ticks;
        out->grace[i] = GRACE_SAMPLES * ticks;
        out->silence[i] = SILENT_SAMPLES * ticks;
        out->repeats[i] = repeats_allowed(model, sensor, wished);
    }
}
