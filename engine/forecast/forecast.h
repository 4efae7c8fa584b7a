/* forecast.h -- where the plant is going, with how much certainty, and what would change that.
 *
 * A forecast steps the members of a fork (swarm.h) over the horizon of a scenario (scenario.h), once per case, and tells what they say together:
 * quantiles of tags at times, for each alarm limit the probability that it is passed and when, and how much a case differs from the base case.
 * All cases meet the same random numbers, member by member, so the difference is much more certain than either side.
 *
 * The result is a function of fork, scenario and seed: the same bits on any number of threads [I1], [I2]. Nothing living is touched.
 *
 * Takes: a Fork, a Scenario.  Gives: Forecast, in SI.
 * Memory: a Forecast owns its numbers; models and tags are the plant's.  Threads: any one, which brings workers of its own. */
#pragma once

#include "forecast/rehearsal.h"
#include "forecast/scenario.h"
#include "forecast/statistics.h"

/// Values that are kept at once: members x (times x tags + alarm limits).
enum { FORECAST_VALUES_MAX = 16 * 1024 * 1024 };

/// One tag over the times of the forecast. Members whose numbers are not finite at a time do not count there. Where the fork has a lesson of the value, mean,
/// sd, quantiles and paths are corrected by it (lesson.h); differences, limits and costs are those of the members as they ran.
typedef struct ForecastSeries {
    TagId tag;
    bool corrected;               // by a lesson
    const double *mean, *sd;      // by time; of all members
    const double *raw_mean, *raw_sd;  // the same as they ran
    const double *quantiles;      // quantile_count rows of time_count
    const double *paths;          // path_count rows of time_count: members as they are
    const double *difference;     // by time: the mean of what each member has more than in the base case, NULL in that
    const double *difference_se;  // and its standard error
} ForecastSeries;

/// An alarm's limit. It is passed at the beginning of the first excursion that lasts as long as the alarm is held.
typedef struct ForecastLimit {
    uint32_t twin;  // of the plant
    const AlarmDef *alarm;
    TagId tag;                         // that is watched
    Share passed;                      // within the horizon
    const double *times;               // quantile_count: s from the start, among those that pass it; NaN when none does
    const double *peaks;               // by member: how far beyond the limit it came, held or not, below 0 when it stayed away; NULL unless asked for
    double difference, difference_se;  // of the share, from the base case; NaN in that
} ForecastLimit;

/// What a case costs, per member, in SI.
typedef struct ForecastCost {
    double mean, sd;
    const double *quantiles;           // quantile_count
    double difference, difference_se;  // of the mean, from the base case; NaN in that
} ForecastCost;

typedef struct ForecastCase {
    const char *name, *doc;
    const ForecastSeries *series;  // by tag of the scenario
    const ForecastLimit *limits;   // of all twins of the fork
    ForecastCost cost;             // where Forecast.cost_unit is not NULL
    bool control;                  // a function of the scenario acted as the device
    RehearsalParts plant;          // what of the plant's own script acted
    size_t lost;                   // members that ended with numbers that are not finite
} ForecastCase;

typedef struct Forecast {
    const Plant *plant;
    const char *name, *doc;  // of the scenario
    int64_t time;            // from which it looks ahead
    uint32_t members;
    uint64_t seed;
    const double *times;  // s from there: whole steps
    size_t time_count;
    const double *quantiles;
    size_t quantile_count;
    const char *cost_text;
    const Unit *cost_unit;  // NULL: no cost was asked for
    size_t path_count, series_count, limit_count;
    const ForecastCase *cases;
    size_t case_count;
    Arena arena;
} Forecast;

typedef struct ForecastDef {
    size_t threads;                          // 0 means 1
    bool peaks;                              // ForecastLimit.peaks are wanted
    const RehearsalKind *rehearsal;          // how the plant's own script acts in cases that want it; may be NULL: they are refused
    const atomic_int *stop;                  // not 0 once nobody wants the result any more; may be NULL
    void (*tell)(void *self, double share);  // how much is done, from 0 to 1, on the calling thread; may be NULL
    void *self;
} ForecastDef;

/// ERR_CLOSED when it was stopped, ERR_FULL beyond FORECAST_VALUES_MAX, ERR_UNKNOWN when the fork lacks a twin of the scenario,
/// ERR_SCRIPT when a function of the scenario or of the plant fails.
Err forecast_run(const Fork *fork, const Scenario *scenario, const ForecastDef *def, Forecast **out, ErrText *why);
void forecast_destroy(Forecast *forecast);
