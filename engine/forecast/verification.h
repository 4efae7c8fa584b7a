/* verification.h -- forecasts held against what came, while the plant lives, and what the next ones learn from it.
 *
 * A forecast promises the mean and standard deviation of what a sensor will read at some leads. When the sample comes, the error in standard deviations
 * joins a mean and a mean square that forget: their half-life is the lead, or VERIFICATION_PRIOR forecasts where that is longer. They begin
 * with VERIFICATION_PRIOR errors of mean 0 and variance 1, which are forgotten too as others come. What a twin promised does not count once asset and
 * twin have parted: nobody could know.
 *
 * Probabilities of limits, costs and differences between cases are those of the members as they ran. Nothing here is the state of a twin: the record
 * begins anew with the process, and with another version of the script.
 *
 * Source of the forgetting mean: Cui, Toth, Zhu, Hou, Bias correction for global ensemble forecast, Weather and Forecasting 27 (2012).
 *
 * Takes: promises, samples.  Gives: Lessons.  Memory: all of it at its creation.  Threads: the tick's. */
#pragma once

#include "forecast/forecast.h"
#include "sync/sync.h"

enum { VERIFICATION_SENSORS_MAX = FORK_LESSONS_MAX, VERIFICATION_PRIOR = 10 };

typedef struct Verification Verification;

/// A sensor whose forecasts are held against its samples.
typedef struct Verified {
    TagId tag;
    size_t series;     // its place in verification_tags
    bool biased;       // its bias stands behind it there, and it reads the sum
    uint32_t twin;     // of the plant
    double noise;      // SI
    double patience;   // s behind a lead within which a sample must come
    const Unit *unit;
} Verified;

/// Of the sensors of `twins`, VERIFICATION_SENSORS_MAX at most, those that measure one value of their twin. `leads`: s, rising, LESSON_LEADS_MAX at most;
/// `every`: s between two forecasts.
Err verification_create(const Plant *plant, const uint32_t *twins, size_t twin_count, const double *leads, size_t lead_count, double every, Verification **out);
void verification_destroy(Verification *verification);
/// By rising tag.
const Verified *verification_sensors(const Verification *verification, size_t *count);

/// What a forecast has to tell so that it can be held against samples.
size_t verification_tags(const Verification *verification, const TagId **tags);

/// What the forecast's first case, which tells verification_tags, says of a sensor at `due`, at one of its times, which counts for a lead; all by their numbers.
void verification_promise(Verification *verification, const Forecast *forecast, size_t sensor, size_t lead, size_t time, int64_t due);
/// The same for all sensors and leads: the forecast's times are the leads. `verification` may be NULL, here and below.
void verification_promise_all(Verification *verification, const Forecast *forecast);
/// The samples of a tick that has run. Before the promises that are made in it.
void verification_meet(Verification *verification, const Plant *plant, const Sync *sync, Batch batch);
/// Leave what was learnt so far in a fork that was just filled.
void verification_teach(const Verification *verification, Fork *fork);
