#include "fit/fit.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "fit/course.h"
#include "fit/unknowns.h"

#define LOG_2_PI 1.8378770664093454836
#define NOTHING 1e-13         // an eigenvalue of a matrix with ones on its diagonal that is 0 but for rounding
#define AGREES 0.01           // of log likelihood, and
#define AGREES_SD 0.1         // of standard errors, apart

typedef struct Fitting {
    const FitDef *def;
    Fit *fit;
    Search *searches;     // starts
    double *points;       // of those that go on, SI
    size_t *whose;        // and of which search each is
    Likelihood *found;
    ErrText *why;
} Fitting;

const char *fit_error_name(FitError error)
{
    static const char *const names[FIT_ERRORS] = {"prediction", "simulation"};
    return names[error];
}

static Err out_of_memory(ErrText *why)
{
    return err_set(why, ERR_MEMORY, "no memory for the fit");
}

// --- searching -----------------------------------------------------------------------------------------------------

/* What is known beforehand, by the plain value. */
static void add_prior(const FitUnknown *unknown, double value, size_t i, size_t n, Likelihood *to)
{
    if (isinf(unknown->prior_sd))
        return;
    const double off = (value - unknown->prior) / unknown->prior_sd;
    to->cost += 0.5 * off * off;
    to->gradient[i] += off / unknown->prior_sd;
    to->information[i * n + i] += 1 / (unknown->prior_sd * unknown->prior_sd);
}

/* From derivatives by plain values to those by scaled ones. */
static void rescale(const Fit *fit, const double *values, Likelihood *to)
{
    const size_t n = fit->unknown_count;
    double slope[FIT_UNKNOWNS_MAX];
    for (size_t i = 0; i < n; i++)
        slope[i] = unknown_slope(&fit->unknowns[i], values[i]);
    for (size_t i = 0; i < n; i++) {
        to->gradient[i] *= slope[i];
        for (size_t j = 0; j < n; j++)
            to->information[i * n + j] *= slope[i] * slope[j];
    }
}

/* One look at the trials of all searches that go on. */
static Err look(const Fitting *fitting, Course *course)
{
    const Fit *fit = fitting->fit;
    const size_t n = fit->unknown_count;
    size_t count = 0;
    for (size_t s = 0; s < fit->starts; s++) {
        if (fitting->searches[s].state != SEARCH_GOING)
            continue;
        for (size_t i = 0; i < n; i++)
            fitting->points[count * n + i] = unknown_plain(&fit->unknowns[i], fitting->searches[s].trial[i]);
        fitting->whose[count++] = s;
    }
    const Err err = course_look(course, fitting->points, count, fitting->found, fitting->why);
    for (size_t k = 0; k < count && !err; k++) {
        for (size_t i = 0; i < n; i++)
            add_prior(&fit->unknowns[i], fitting->points[k * n + i], i, n, &fitting->found[k]);
        rescale(fit, &fitting->points[k * n], &fitting->found[k]);
        search_take(&fitting->searches[fitting->whose[k]], &fitting->found[k]);
    }
    return err;
}

static const Search *best_of(const Fitting *fitting)
{
    const Search *best = &fitting->searches[0];
    for (size_t s = 1; s < fitting->fit->starts; s++)
        if (!(best->here.cost <= fitting->searches[s].here.cost) && isfinite(fitting->searches[s].here.cost))
            best = &fitting->searches[s];
    return best;
}

static size_t count_going(const Fitting *fitting)
{
    size_t count = 0;
    for (size_t s = 0; s < fitting->fit->starts; s++)
        count += fitting->searches[s].state == SEARCH_GOING;
    return count;
}

static void begin_searches(const Fitting *fitting)
{
    const Fit *fit = fitting->fit;
    double start[FIT_UNKNOWNS_MAX], low[FIT_UNKNOWNS_MAX], high[FIT_UNKNOWNS_MAX];
    for (size_t s = 0; s < fit->starts; s++) {
        for (size_t i = 0; i < fit->unknown_count; i++) {
            start[i] = unknown_start(&fit->unknowns[i], fitting->def->seed, s, i);
            low[i] = unknown_scaled(&fit->unknowns[i], fit->unknowns[i].low);
            high[i] = unknown_scaled(&fit->unknowns[i], fit->unknowns[i].high);
        }
        search_begin(&fitting->searches[s], fit->unknown_count, start, low, high);
    }
}

static Err search_all(const Fitting *fitting)
{
    const FitDef *def = fitting->def;
    Fit *fit = fitting->fit;
    Course *course;
    const CourseDef course_def = {.plant = def->plant,
                                  .tapes = def->tapes,
                                  .tape_count = def->tape_count,
                                  .unknowns = fit->unknowns,
                                  .unknown_count = fit->unknown_count,
                                  .error = def->error,
                                  .stop = def->stop};
    Err err = course_create(&course_def, &course, fitting->why);
    if (err)
        return err;
    begin_searches(fitting);
    for (size_t going = fit->starts; going > 0 && !err; going = count_going(fitting)) {
        err = look(fitting, course);
        fit->rounds++;
        const FitProgress progress = {fit->rounds, count_going(fitting), fit->starts, best_of(fitting)->here.cost};
        if (def->progress && !err)
            def->progress(def->self, &progress);
    }
    course_destroy(course);
    fit->stopped = err == ERR_CLOSED;
    if (fit->stopped && best_of(fitting)->steps > 0)
        err = ERR_OK;  // the best so far
    return err;
}

// --- what was found ------------------------------------------------------------------------------------------------

/* The information about unknowns `index`, scaled to ones on the diagonal: its eigenvalues and vectors. `scale` is 0 for one of which nothing is known. */
typedef struct Spectrum {
    size_t index[FIT_UNKNOWNS_MAX], count;
    double scale[FIT_UNKNOWNS_MAX], values[FIT_UNKNOWNS_MAX], vectors[FIT_UNKNOWNS_MAX * FIT_UNKNOWNS_MAX];
} Spectrum;

static void decompose(const double *information, size_t n, Spectrum *spectrum)
{
    const size_t m = spectrum->count;
    double matrix[FIT_UNKNOWNS_MAX * FIT_UNKNOWNS_MAX];
    for (size_t i = 0; i < m; i++) {
        const double own = information[spectrum->index[i] * n + spectrum->index[i]];
        spectrum->scale[i] = own > 0 ? 1 / sqrt(own) : 0;
    }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            matrix[i * m + j] = information[spectrum->index[i] * n + spectrum->index[j]] * spectrum->scale[i] * spectrum->scale[j];
    matrix_eigen(matrix, m, spectrum->values, spectrum->vectors);
}

/* An element of the inverse I^-1; infinite where a direction without information takes part. */
static double covariance(const Spectrum *spectrum, size_t i, size_t j)
{
    const size_t m = spectrum->count;
    double sum = 0;
    for (size_t k = 0; k < m; k++) {
        const double share = spectrum->vectors[k * m + i] * spectrum->vectors[k * m + j];
        if (spectrum->values[k] > NOTHING)
            sum += share / spectrum->values[k];
        else if (fabs(share) > 1e-6)
            return INFINITY;
    }
    return sum * spectrum->scale[i] * spectrum->scale[j];
}

static void note_values(Fit *fit, const Search *best)
{
    for (size_t i = 0; i < fit->unknown_count; i++) {
        FitUnknown *unknown = &fit->unknowns[i];
        const bool pinned = search_is_pinned(best, i);
        unknown->after = fmin(fmax(unknown_plain(unknown, best->at[i]), unknown->low), unknown->high);
        unknown->end = !pinned ? FIT_FREE : best->at[i] <= best->low[i] ? FIT_AT_MIN : FIT_AT_MAX;
        unknown->sd = NAN;
    }
}

/* What a prior adds to the information about a scaled value. */
static double prior_information(const FitUnknown *unknown)
{
    const double slope = unknown_slope(unknown, unknown->after) / unknown->prior_sd;
    return slope * slope;
}

/* Where data vary more than they are taken to, by `excess`, and priors do not: I^-1 (excess (I - P) + P) I^-1 = excess I^-1 - (excess - 1) I^-1 P I^-1. */
static double spread(const Fit *fit, const Spectrum *spectrum, size_t i, size_t j)
{
    double sum = fit->excess * covariance(spectrum, i, j);
    for (size_t k = 0; k < spectrum->count && isfinite(sum) && fit->excess > 1; k++) {
        const double prior = prior_information(&fit->unknowns[spectrum->index[k]]);
        if (prior > 0)
            sum -= (fit->excess - 1) * covariance(spectrum, i, k) * prior * covariance(spectrum, k, j);
    }
    return sum;
}

static void note_spread(Fit *fit, const Search *best)
{
    const size_t n = fit->unknown_count;
    Spectrum spectrum = {0};
    for (size_t i = 0; i < n; i++)
        if (fit->unknowns[i].end == FIT_FREE)
            spectrum.index[spectrum.count++] = i;
    decompose(best->here.information, n, &spectrum);
    for (size_t i = 0; i < spectrum.count; i++) {
        FitUnknown *unknown = &fit->unknowns[spectrum.index[i]];
        const double variance = spread(fit, &spectrum, i, i);
        unknown->sd = spectrum.scale[i] == 0 ? INFINITY : sqrt(variance) * unknown_slope(unknown, unknown->after);
        for (size_t j = 0; j < spectrum.count; j++) {
            const double other = spread(fit, &spectrum, j, j), both = spread(fit, &spectrum, i, j);
            fit->correlation[spectrum.index[i] * n + spectrum.index[j]] =
                isfinite(variance * other * both) && variance * other > 0 ? both / sqrt(variance * other) : 0;
        }
    }
}

/* What the data alone tell, priors left out: an index of condition, and who takes part in what they hardly tell (Belsley, Kuh and Welsch 1980, 3.2). */
static void note_condition(Fit *fit, const Search *best)
{
    const size_t n = fit->unknown_count;
    double information[FIT_UNKNOWNS_MAX * FIT_UNKNOWNS_MAX];
    memcpy(information, best->here.information, n * n * sizeof *information);
    Spectrum spectrum = {0};
    for (size_t i = 0; i < n; i++) {
        information[i * n + i] -= prior_information(&fit->unknowns[i]);
        if (fit->unknowns[i].end == FIT_FREE)
            spectrum.index[spectrum.count++] = i;
    }
    decompose(information, n, &spectrum);

    double most = 0;
    for (size_t k = 0; k < spectrum.count; k++)
        most = fmax(most, spectrum.values[k]);
    for (size_t k = 0; k < spectrum.count; k++) {
        const double value = fmax(spectrum.values[k], NOTHING), index = sqrt(most / value);
        fit->condition = fmax(fit->condition, spectrum.values[k] > NOTHING ? index : INFINITY);
        for (size_t i = 0; i < spectrum.count && index > FIT_CONDITION_MAX; i++) {
            double all = 0;
            for (size_t other = 0; other < spectrum.count; other++)
                all += spectrum.vectors[other * spectrum.count + i] * spectrum.vectors[other * spectrum.count + i] / fmax(spectrum.values[other], NOTHING);
            const double part = spectrum.vectors[k * spectrum.count + i];
            fit->entangled[spectrum.index[i]] |= part * part / value > 0.5 * all;
        }
    }
}

/* Searches that ended where the best one did. */
static void count_agreeing(const Fitting *fitting, const Search *best)
{
    Fit *fit = fitting->fit;
    for (size_t s = 0; s < fit->starts; s++) {
        const Search *search = &fitting->searches[s];
        bool agrees = search->here.cost - best->here.cost < AGREES;
        for (size_t i = 0; i < fit->unknown_count && agrees; i++) {
            const FitUnknown *unknown = &fit->unknowns[i];
            const double apart = fabs(search->at[i] - best->at[i]) * unknown_slope(unknown, unknown->after);
            agrees = unknown->end != FIT_FREE || !isfinite(unknown->sd) || apart <= AGREES_SD * unknown->sd;
        }
        fit->agreeing += agrees;
    }
}

// --- how good it is ------------------------------------------------------------------------------------------------

static Err judge(const Fitting *fitting, FitError error, bool after, FitQuality *out)
{
    const FitDef *def = fitting->def;
    Fit *fit = fitting->fit;
    double values[FIT_UNKNOWNS_MAX];
    for (size_t i = 0; i < fit->unknown_count; i++)
        values[i] = after ? fit->unknowns[i].after : fit->unknowns[i].before;
    out->sensors = arena_new(&fit->arena, FitSensor, fit->sensor_count + 1);
    if (!out->sensors)
        return out_of_memory(fitting->why);
    const CourseDef course_def = {.plant = def->plant,
                                  .tapes = def->tapes,
                                  .tape_count = def->tape_count,
                                  .unknowns = fit->unknowns,
                                  .unknown_count = fit->unknown_count,
                                  .error = error,
                                  .values_only = true,
                                  .scripted_start = !after || error == FIT_PREDICTION};
    Course *course;
    Err err = course_create(&course_def, &course, fitting->why);
    if (!err && !(err = course_look(course, values, 1, fitting->found, fitting->why))) {
        out->samples = course_errors(course, out->sensors);
        out->log_likelihood = -fitting->found[0].cost - 0.5 * LOG_2_PI * (double)out->samples;
        if (after && error == def->error)
            fit->excess = course_excess(course);
    }
    course_destroy(course);
    return err;
}

/* Both errors, before and after, whichever was fitted. */
static Err judge_all(const Fitting *fitting)
{
    Fit *fit = fitting->fit;
    Err err = ERR_OK;
    for (FitError error = FIT_PREDICTION; error < FIT_ERRORS && !err; error++)
        if (!(err = judge(fitting, error, false, &fit->before[error])))
            err = judge(fitting, error, true, &fit->after[error]);
    return err;
}

// --- all of it -----------------------------------------------------------------------------------------------------

static Err make_room(Fitting *fitting)
{
    Fit *fit = fitting->fit;
    const size_t n = fit->unknown_count;
    fit->sensor_count = course_sensor_count(fitting->def->plant);
    fit->correlation = arena_new(&fit->arena, double, n * n);
    fit->entangled = arena_new(&fit->arena, bool, n);
    fitting->searches = arena_new(&fit->arena, Search, fit->starts);
    fitting->points = arena_new(&fit->arena, double, fit->starts * n);
    fitting->whose = arena_new(&fit->arena, size_t, fit->starts);
    fitting->found = arena_new(&fit->arena, Likelihood, fit->starts);
    const bool there = fit->correlation && fit->entangled && fitting->searches && fitting->points && fitting->whose && fitting->found;
    return there ? ERR_OK : out_of_memory(fitting->why);
}

static Err run(Fitting *fitting)
{
    Fit *fit = fitting->fit;
    Err err = unknowns_find(fitting->def, &fit->arena, &fit->unknowns, &fit->unknown_count, fitting->why);
    if (!err && fit->unknown_count == 0)
        err = err_set(fitting->why, ERR_USAGE, "nothing to fit");
    if (!err)
        err = make_room(fitting);
    if (!err)
        err = search_all(fitting);
    if (err)
        return err;

    const Search *best = best_of(fitting);
    if (!isfinite(best->here.cost))
        return err_set(fitting->why, ERR_RANGE, "the model breaks at every start: its numbers stop being finite, or no sample came");
    fit->state = best->state;
    note_values(fit, best);
    if ((err = judge_all(fitting)))
        return err;
    note_spread(fit, best);
    note_condition(fit, best);
    count_agreeing(fitting, best);
    return ERR_OK;
}

Err fit_run(const FitDef *def, Fit **out, ErrText *why)
{
    assert(def->starts >= 1 && def->starts <= FIT_STARTS_MAX);
    *out = NULL;
    Fit *fit = mem_alloc(sizeof *fit);
    if (!fit)
        return out_of_memory(why);
    fit->starts = def->starts;
    Fitting fitting = {.def = def, .fit = fit, .why = why};
    const Err err = run(&fitting);
    if (err) {
        fit_destroy(fit);
        return err;
    }
    *out = fit;
    return ERR_OK;
}

void fit_destroy(Fit *fit)
{
    if (!fit)
        return;
    arena_fini(&fit->arena);
    mem_free(fit);
}
