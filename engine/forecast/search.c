#include "forecast/search.h"

#include <assert.h>
#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

enum { SCOUTED = 40, COMPARED = 2 };    // percent of the forecasts; cases of the last one
static const double REACH = 0.1;       // of COBYLA's first steps, as a share of what is between the limits
static const double FINE = 1e-4;       // of its last ones
static const double AWFUL = 1e6;       // what is no number, in scales of the first forecast

/* What a forecast said of some values. */
typedef struct Trial {
    double at[AIM_CHOICES_MAX];  // each from 0, its lower limit, to 1
    double cost, excess;
    double beyond[AIM_ALLOWANCES_MAX];
} Trial;

typedef struct Searching {
    const Fork *fork;
    const SearchDef *def;
    const Aim *aim;
    Scenario scenario;             // with one case, of which the values vary
    Case what;
    Course courses[SCENARIO_CHANGES_MAX];
    CoursePoint points[AIM_CHOICES_MAX];
    Trial last, best;
    double cost_scale, scales[AIM_ALLOWANCES_MAX];  // of the first forecast
    double *scratch;               // one value per member
    nlopt_opt searcher;
    uint32_t until;                // so many forecasts in all
    uint32_t weight;               // cases of the forecast on its way
    Search *search;
    Err err;
    ErrText *why;
} Searching;

// --- one forecast --------------------------------------------------------------------------------------------------

static double value_at(const Choice *choice, double share)
{
    return choice->min + (choice->max - choice->min) * fmin(fmax(share, 0), 1);
}

static double share_at(const Choice *choice, double value)
{
    return fmin(fmax((value - choice->min) / (choice->max - choice->min), 0), 1);
}

static const ForecastLimit *find_limit(const Forecast *forecast, const Allowance *allowance)
{
    for (size_t i = 0; i < forecast->limit_count; i++) {
        const ForecastLimit *limit = &forecast->cases[0].limits[i];
        if (limit->twin == allowance->twin && limit->alarm == allowance->alarm)
            return limit;
    }
    return NULL;
}

static int falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* So many members may pass; how far beyond the limit comes the worst of the others? */
static double beyond_of(const Searching *searching, const ForecastLimit *limit, double share)
{
    const uint32_t members = searching->scenario.members;
    memcpy(searching->scratch, limit->peaks, members * sizeof *searching->scratch);
    qsort(searching->scratch, members, sizeof *searching->scratch, falling);
    return searching->scratch[(size_t)(share * members)];
}

static void look_at(Searching *searching, const Forecast *forecast, Trial *out)
{
    const Aim *aim = searching->aim;
    const ForecastCost *cost = &forecast->cases[0].cost;
    out->cost = isnan(aim->quantile) ? cost->mean : cost->quantiles[0];
    out->excess = aim->allowance_count ? -1 : 0;
    for (size_t i = 0; i < aim->allowance_count; i++) {
        const Allowance *allowance = &aim->allowances[i];
        const ForecastLimit *limit = find_limit(forecast, allowance);
        out->beyond[i] = beyond_of(searching, limit, allowance->share);
        out->excess = fmax(out->excess, limit->passed.share - allowance->share);
    }
}

static bool is_better(const Trial *a, const Trial *b)
{
    if (!isfinite(a->cost) || !isfinite(b->cost))
        return isfinite(a->cost);
    const double over_a = fmax(a->excess, 0), over_b = fmax(b->excess, 0);
    return over_a != over_b ? over_a < over_b : a->cost < b->cost;
}

static void keep(Searching *searching, const Trial *trial)
{
    Search *search = searching->search;
    search->forecasts++;
    if (search->forecasts == 1 || is_better(trial, &searching->best)) {
        searching->best = *trial;
        search->cost = trial->cost;
        search->excess = trial->excess;
        for (size_t i = 0; i < searching->aim->choice_count; i++)
            search->values[i] = value_at(&searching->aim->choices[i], trial->at[i]);
    }
    if (searching->def->tell)
        searching->def->tell(searching->def->self, search);
}

/* A part of the forecast on its way, of all that may be made and the two of the comparison at the end. */
static void tell_share(void *self, double share)
{
    const Searching *searching = self;
    const SearchDef *def = searching->def;
    if (def->progress)
        def->progress(def->self, fmin((searching->search->forecasts + searching->weight * share) / (searching->aim->forecasts + COMPARED), 1));
}

static Err forecast(Searching *searching, const double *at, Trial *out)
{
    Forecast *forecast;
    const SearchDef *asked = searching->def;
    const ForecastDef def = {
        .threads = asked->threads, .peaks = true, .rehearsal = asked->rehearsal, .stop = asked->stop, .tell = tell_share, .self = searching};
    *out = (Trial){0};
    for (size_t i = 0; i < searching->aim->choice_count; i++) {
        out->at[i] = at[i];
        searching->points[i].value = value_at(&searching->aim->choices[i], at[i]);
    }
    const Err err = forecast_run(searching->fork, &searching->scenario, &def, &forecast, searching->why);
    if (err)
        return err;
    look_at(searching, forecast, out);
    forecast_destroy(forecast);
    keep(searching, out);
    return ERR_OK;
}

/* The searcher asks for cost and limits of the same values one after the other, and DIRECT goes on past its end until it has a whole round. */
static const Trial *try(Searching *searching, const double *at)
{
    Trial trial;
    if (searching->err || memcmp(at, searching->last.at, searching->aim->choice_count * sizeof *at) == 0)
        return &searching->last;
    if (searching->search->forecasts < searching->until && !(searching->err = forecast(searching, at, &trial)))
        searching->last = trial;
    else
        nlopt_force_stop(searching->searcher);
    return &searching->last;
}

// --- the searcher --------------------------------------------------------------------------------------------------

static double cost_at(unsigned count, const double *at, double *gradient, void *self)
{
    (void)count, (void)gradient;
    Searching *searching = self;
    const double cost = try(searching, at)->cost / searching->cost_scale;
    return isfinite(cost) ? cost : AWFUL;
}

static void beyond_at(unsigned limits, double *out, unsigned count, const double *at, double *gradient, void *self)
{
    (void)count, (void)gradient;
    Searching *searching = self;
    const Trial *trial = try(searching, at);
    for (unsigned i = 0; i < limits; i++)
        out[i] = fmin(fmax(trial->beyond[i] / searching->scales[i], -AWFUL), AWFUL);
}

/* From the best values so far, up to so many forecasts in all. */
static Err search_with(Searching *searching, nlopt_algorithm algorithm, uint32_t until)
{
    static const double nothing[AIM_ALLOWANCES_MAX];
    const Aim *aim = searching->aim;
    const unsigned count = (unsigned)aim->choice_count;
    double at[AIM_CHOICES_MAX], lowest;
    memcpy(at, searching->best.at, sizeof at);
    searching->until = until;
    searching->searcher = nlopt_create(algorithm, count);
    if (!searching->searcher)
        return err_set(searching->why, ERR_MEMORY, "no memory for a search");

    nlopt_result made = nlopt_set_min_objective(searching->searcher, cost_at, searching);
    if (made > 0 && aim->allowance_count)
        made = nlopt_add_inequality_mconstraint(searching->searcher, (unsigned)aim->allowance_count, beyond_at, searching, nothing);
    if (made > 0)
        made = nlopt_set_lower_bounds1(searching->searcher, 0);
    if (made > 0)
        made = nlopt_set_upper_bounds1(searching->searcher, 1);
    if (made > 0)
        made = nlopt_set_initial_step1(searching->searcher, REACH);
    if (made > 0)
        made = nlopt_set_xtol_abs1(searching->searcher, FINE);
    if (made > 0)
        made = nlopt_set_maxeval(searching->searcher, (int)until);
    if (made > 0)
        made = nlopt_optimize(searching->searcher, at, &lowest);
    nlopt_destroy(searching->searcher);
    return made == NLOPT_OUT_OF_MEMORY ? err_set(searching->why, ERR_MEMORY, "no memory for a search") : searching->err;
}

// --- all of it -----------------------------------------------------------------------------------------------------

/* One case, of which the searcher writes the values. */
static void prepare(Searching *searching, const Scenario *scenario)
{
    const Aim *aim = searching->aim;
    searching->what = scenario->cases[0];
    memcpy(searching->courses, scenario->cases[0].changes, searching->what.change_count * sizeof *searching->courses);
    for (size_t i = 0; i < searching->what.change_count; i++)
        for (size_t k = 0; k < aim->choice_count; k++)
            if (searching->courses[i].tag == aim->choices[k].tag) {
                searching->points[k] = searching->courses[i].points[0];
                searching->courses[i].points = &searching->points[k];
            }
    searching->what.changes = searching->courses;

    searching->scenario = *scenario;
    searching->scenario.cases = &searching->what;
    searching->scenario.case_count = 1;
    searching->scenario.tag_count = searching->scenario.time_count = searching->scenario.paths = 0;
    if (!isnan(aim->quantile)) {
        searching->scenario.quantiles = &aim->quantile;
        searching->scenario.quantile_count = 1;
    }
}

static double scale_of(double value)
{
    return isfinite(value) && value != 0 ? fabs(value) : 1;
}

/* The values that the scenario says: what is found has to be better. */
static Err begin(Searching *searching)
{
    const Aim *aim = searching->aim;
    double at[AIM_CHOICES_MAX];
    for (size_t i = 0; i < aim->choice_count; i++)
        at[i] = share_at(&aim->choices[i], searching->points[i].value);
    const Err err = forecast(searching, at, &searching->last);
    if (err)
        return err;
    searching->cost_scale = scale_of(searching->last.cost);
    for (size_t i = 0; i < aim->allowance_count; i++)
        searching->scales[i] = scale_of(searching->last.beyond[i]);
    return ERR_OK;
}

/* As it was, and as it is best. */
static Err compare(Searching *searching, const Scenario *scenario)
{
    const Search *search = searching->search;
    const SearchDef *asked = searching->def;
    const ForecastDef def = {
        .threads = asked->threads, .rehearsal = asked->rehearsal, .stop = asked->drops ? asked->stop : NULL, .tell = tell_share, .self = searching};
    Scenario both = *scenario;
    Case cases[COMPARED] = {scenario->cases[0], searching->what};
    for (size_t i = 0; i < searching->aim->choice_count; i++)
        searching->points[i].value = search->values[i];
    cases[1].name = "best";
    cases[1].doc = "with the values that were found";
    both.cases = cases;
    both.case_count = COMPARED;
    searching->weight = COMPARED;
    return forecast_run(searching->fork, &both, &def, &searching->search->forecast, searching->why);
}

static Err check(const Searching *searching)
{
    for (size_t i = 0; i < searching->aim->allowance_count; i++) {
        const Allowance *allowance = &searching->aim->allowances[i];
        const bool foreseen = channel_is_foreseen(plant_model(searching->fork->plant, allowance->twin), allowance->alarm->channel);
        if (!foreseen || fork_find(searching->fork, allowance->twin) < 0)
            return err_set(searching->why, ERR_UNKNOWN, "the limit \"%s.%s\" is no part of this forecast", searching->fork->plant->twins[allowance->twin].name,
                           allowance->alarm->name);
    }
    return ERR_OK;
}

static Err look_for_best(Searching *searching, const Scenario *scenario)
{
    const uint32_t forecasts = searching->aim->forecasts;
    Err err = check(searching);
    if (!err)
        err = begin(searching);
    if (!err)
        err = search_with(searching, NLOPT_GN_ORIG_DIRECT_L, forecasts * SCOUTED / 100);
    if (!err)
        err = search_with(searching, NLOPT_LN_COBYLA, forecasts);

    // a stop leaves the best so far, where anybody wants it
    searching->search->stopped = err == ERR_CLOSED;
    if (err == ERR_CLOSED && searching->search->forecasts > 0 && !searching->def->drops)
        err = ERR_OK;
    if (!err && !isfinite(searching->best.cost))
        err = err_set(searching->why, ERR_RANGE, "no values give a cost that is a number");
    return err ? err : compare(searching, scenario);
}

Err search_run(const Fork *fork, const Scenario *scenario, const SearchDef *def, Search *out, ErrText *why)
{
    assert(scenario->aim && scenario->has_cost);
    *out = (Search){.scenario = scenario};
    Searching *searching = mem_alloc(sizeof *searching);
    double *scratch = mem_alloc(scenario->members * sizeof *scratch);
    Err err = searching && scratch ? ERR_OK : err_set(why, ERR_MEMORY, "no memory for a search");
    if (!err) {
        *searching = (Searching){.fork = fork, .def = def, .aim = scenario->aim, .scratch = scratch, .weight = 1, .search = out, .why = why};
        prepare(searching, scenario);
        err = look_for_best(searching, scenario);
    }
    mem_free(scratch);
    mem_free(searching);
    return err;
}

void search_fini(Search *search)
{
    forecast_destroy(search->forecast);
    *search = (Search){0};
}
