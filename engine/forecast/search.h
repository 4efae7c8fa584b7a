/* search.h -- which values of a scenario cost least and keep the limits: forecasts, one after the other, each learning from those before.
 *
 * All forecasts meet the same random numbers, so what the values cost is a function without noise. The probability of a limit is one too, but of steps, which
 * show no way: so the searcher is told the quantile of how far beyond the limit the members come, which is continuous, and is not above 0 exactly when
 * no more members than are allowed pass. What is best is judged by the probability itself. Of an alarm that is held the searcher is told of
 * peaks that are too short to count as well, and errs to the safe side.
 *
 * First DIRECT looks everywhere between the limits, with two fifths of the forecasts, so that a valley that is not the lowest does not keep the search;
 * then COBYLA goes down from the best, on linear models of cost and limits. Neither wants derivatives, which the trajectory of a plant that switches lacks.
 * Sources: Gablonsky, Kelley, A locally-biased form of the DIRECT algorithm, J. Global Optimization 21 (2001). Powell, A direct search optimization method
 * that models the objective and constraint functions by linear interpolation (1994). Both from NLopt.
 *
 * The result is a function of fork and scenario: the same on any number of threads [I1]. Between machines it is as far as NLopt is.
 *
 * Takes: a Fork, a Scenario with an Aim.  Gives: Search, in SI.  Memory: a Search owns its forecast.  Threads: any one, which brings workers of its own. */
#pragma once

#include "forecast/forecast.h"

typedef struct Search {
    const Scenario *scenario;
    double values[AIM_CHOICES_MAX];  // the best so far, as Aim.choices
    double cost;                     // what they cost, in the mean or the quantile of Aim
    double excess;                   // by how much the worst of the limits is passed more often than allowed; at most 0: all are kept
    uint32_t forecasts;              // that were made
    bool stopped;                    // before its end
    Forecast *forecast;              // behind the end: as it was, and with the best values, on the same random numbers; NULL before
} Search;

typedef struct SearchDef {
    size_t threads;            // 0 means 1
    const RehearsalKind *rehearsal;  // as in ForecastDef
    const atomic_int *stop;  // not 0 once the best so far is good enough; may be NULL
    bool drops;                // what is stopped is wanted by nobody: ERR_CLOSED instead of the best so far
    void (*tell)(void *self, const Search *so_far);  // behind every forecast; may be NULL
    void (*progress)(void *self, double share);      // now and then: how much is done, as if all forecasts were needed; may be NULL
    void *self;
} SearchDef;

/// Search until nothing better is near, the forecasts are used up, or it is stopped, and forecast the best. ERR_RANGE when no values give a cost
/// that is finite, ERR_UNKNOWN when the fork lacks a limit; the errors of forecast_run. search_fini it after ERR_OK.
Err search_run(const Fork *fork, const Scenario *scenario, const SearchDef *def, Search *out, ErrText *why);
void search_fini(Search *search);
