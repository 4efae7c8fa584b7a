/* What was emulated is found again, as exactly as the fit itself says. */
#include "fit/emulated.h"

enum { SEEDS = 12, VALUES_MAX = 5 };

typedef struct Known {
    const char *model;
    double step;
    int steps;
    const char *control;
    const char *names[VALUES_MAX];
} Known;

static const Known library[] = {
    {"tank", 1, 600, "d['twin.inflow'] = 180 + 100 * math.sin(s / 30)", {"area", "discharge"}},
    {"incubator", 0.5, 1500, "d['twin.heater_on'] = math.floor(s / 90) % 2", {"C_air", "G_box", "lag_t2", "share_t2", "share_t3"}},
    {"dc_motor", 0.005, 1000, "d['twin.voltage'] = 150 + 30 * math.sin(5 * s)  d['twin.load'] = 4 + math.sin(2 * s)", {"inertia", "constant", "resistance"}},
    {"room", 60, 800, "d['twin.heating'] = 500 + 400 * math.sin(s / 9000)", {"C_air", "R_inside"}},
};
enum { LIBRARY = sizeof library / sizeof *library };

static size_t count_names(const Known *known)
{
    size_t count = 0;
    while (count < VALUES_MAX && known->names[count])
        count++;
    return count;
}

static const char *script_of(const Known *known)
{
    char emulate[512];
    snprintf(emulate, sizeof emulate, "control = function(d, s) %s end", known->control);
    return bench_script(known->model, known->step, "", emulate);
}

/* A truth that differs from the model by some tenths. */
static size_t draw_truth(const Known *known, const Plant *plant, uint64_t seed, Truth *truth)
{
    const size_t count = count_names(known);
    for (size_t i = 0; i < count; i++)
        truth[i] = (Truth){known->names[i], bench_si(plant, known->names[i]) * (1 + 0.1 * random_normal(seed, STREAM_TRUTH, i))};
    return count;
}

static Fit *fit(FitDef *def)
{
    Fit *found;
    ErrText why = {0};
    ck_assert_msg(fit_run(def, &found, &why) == ERR_OK, "%s", why.text);
    return found;
}

/* (after - truth)' C^-1 (after - truth), C being what the fit says of its errors. */
static double normalised_error(const Fit *found, const Truth *truth)
{
    const size_t n = found->unknown_count;
    double matrix[VALUES_MAX * VALUES_MAX] = {0}, factor[VALUES_MAX * VALUES_MAX], off[VALUES_MAX], solved[VALUES_MAX], sum = 0;
    for (size_t i = 0; i < n; i++) {
        off[i] = (found->unknowns[i].after - truth[i].value) / found->unknowns[i].sd;
        for (size_t j = 0; j < n; j++)
            matrix[i * n + j] = found->correlation[i * n + j];
    }
    ck_assert(matrix_factor(matrix, n, factor));
    matrix_solve(factor, n, off, solved);
    for (size_t i = 0; i < n; i++)
        sum += off[i] * solved[i];
    return sum;
}

/* Quantile of the chi-square distribution (Wilson and Hilferty 1931). */
static double chi_square(double freedom, double z)
{
    const double part = 2 / (9 * freedom), root = 1 - part + z * sqrt(part);
    return freedom * root * root * root;
}

static double sum_of_errors(const Known *known, FitError error, double *freedom)
{
    double sum = 0;
    *freedom = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const char *script = script_of(known), *priors[VALUES_MAX];
        char texts[VALUES_MAX][64];
        Plant *plant = open_plant(script, 1);
        Truth truth[VALUES_MAX];
        const size_t n = draw_truth(known, plant, seed, truth);
        for (size_t i = 0; i < n; i++) {
            snprintf(texts[i], sizeof texts[i], "%s=none", known->names[i]);
            priors[i] = texts[i];
        }
        Recording recording = record(script, seed, true, truth, n, known->steps);
        const FitTape tape = {"emulated", recording.samples, recording.count};
        Fit *found = fit(&(FitDef){.plant = plant, .tapes = &tape, .tape_count = 1, .error = error, .names = known->names, .name_count = n, .priors = priors, .prior_count = n, .starts = 1});
        ck_assert_msg(found->state == SEARCH_DONE, "%s, seed %d: the search ended in state %d", known->model, (int)seed, found->state);
        sum += normalised_error(found, truth);
        *freedom += (double)n;
        fit_destroy(found);
        plant_destroy(plant);
        mem_free(recording.samples);
    }
    return sum;
}

/* The normalised errors of many fits are chi-square distributed; their sum is outside of these quantiles once in 5,000 times. */
// The shares of the incubator's thermometers are fitted too: tracked, they would meet their limits, where the likelihood has kinks.
START_TEST(errors_are_as_large_as_standard_errors_say)
{
    for (size_t i = 0; i < LIBRARY; i++) {
        double freedom;
        const double sum = sum_of_errors(&library[i], FIT_PREDICTION, &freedom);
        ck_assert_msg(sum > chi_square(freedom, -3.72) && sum < chi_square(freedom, 3.72), "%s: %.1f, %.1f to %.1f is expected", library[i].model, sum, chi_square(freedom, -3.72),
                      chi_square(freedom, 3.72));
    }
}
END_TEST

/* A tank with a clear excitation, recorded. */
static const Known tank = {"tank", 1, 300, "d['twin.inflow'] = 180 + 100 * math.sin(s / 30)", {"area"}};

static const double true_area = 1.31;

static Recording record_tank(const char *script, uint64_t seed)
{
    return record(script, seed, true, &(Truth){"area", true_area}, 1, tank.steps);
}

START_TEST(a_prior_draws_the_value_as_precisions_weigh)
{
    const char *script = script_of(&tank), *names[] = {"area"};
    Recording recording = record_tank(script, 1);
    Plant *plant = open_plant(script, 1);
    const FitTape tape = {"emulated", recording.samples, recording.count};
    FitDef def = {.plant = plant, .tapes = &tape, .tape_count = 1, .names = names, .name_count = 1, .starts = 1};
    Fit *free = fit(&def);
    const FitUnknown *alone = free->unknowns;

    // as certain as the data, and off by six of its standard errors
    char text[64];
    snprintf(text, sizeof text, "area=%.17g+-%.17g", alone->after + 6 * alone->sd, alone->sd);
    def.priors = (const char *[]){text};
    def.prior_count = 1;
    Fit *held = fit(&def);
    ck_assert_double_eq_tol(held->unknowns->after, alone->after + 3 * alone->sd, 0.1 * alone->sd);
    ck_assert_double_eq_tol(held->unknowns->sd, alone->sd * sqrt(0.5), 0.05 * alone->sd);
    fit_destroy(free);
    fit_destroy(held);
    plant_destroy(plant);
    mem_free(recording.samples);
}
END_TEST

/* The information of independent recordings adds up; and what more data change is as large as what they add (Hausman 1978). */
START_TEST(several_recordings_are_fitted_at_once_each_with_its_own_start)
{
    const char *script = script_of(&tank), *names[] = {"area", "level@start"};
    Recording recordings[4];
    FitTape tapes[4];
    for (size_t i = 0; i < 4; i++) {
        recordings[i] = record_tank(script, i);
        tapes[i] = (FitTape){"emulated", recordings[i].samples, recordings[i].count};
    }
    Plant *plant = open_plant(script, 1);
    Fit *all = fit(&(FitDef){.plant = plant, .tapes = tapes, .tape_count = 4, .names = names, .name_count = 2, .starts = 1});
    ck_assert_uint_eq(all->unknown_count, 5);
    double information = 0;
    for (size_t i = 0; i < 4; i++) {
        Fit *one = fit(&(FitDef){.plant = plant, .tapes = &tapes[i], .tape_count = 1, .names = names, .name_count = 2, .starts = 1});
        information += 1 / (one->unknowns[0].sd * one->unknowns[0].sd);
        const double changed = all->unknowns[1 + i].after - one->unknowns[1].after, before = one->unknowns[1].sd, after = all->unknowns[1 + i].sd;
        ck_assert_double_lt(after, before);
        ck_assert_double_lt(fabs(changed), 4 * sqrt(before * before - after * after));
        fit_destroy(one);
    }
    ck_assert_double_eq_tol(all->unknowns[0].sd * sqrt(information), 1, 0.02);
    ck_assert_double_lt(fabs(all->unknowns[0].after - true_area), 5 * all->unknowns[0].sd);
    fit_destroy(all);
    plant_destroy(plant);
    for (size_t i = 0; i < 4; i++)
        mem_free(recordings[i].samples);
}
END_TEST

/* The outlet's area and discharge coefficient enter as their product alone. */
START_TEST(values_that_cannot_be_told_apart_are_named)
{
    const char *script = script_of(&tank), *names[] = {"area", "orifice", "discharge"}, *priors[] = {"discharge=none"};
    Recording recording = record_tank(script, 1);
    Plant *plant = open_plant(script, 1);
    const FitTape tape = {"emulated", recording.samples, recording.count};
    FitDef def = {.plant = plant, .tapes = &tape, .tape_count = 1, .names = names, .name_count = 3, .priors = priors, .prior_count = 1, .starts = 1};
    Fit *found = fit(&def);
    ck_assert_double_gt(found->condition, 1e4);
    ck_assert(!found->entangled[0] && found->entangled[1] && found->entangled[2]);
    const double product = found->unknowns[1].after * found->unknowns[2].after;
    fit_destroy(found);

    // the model's own knowledge of the discharge coefficient decides which is which
    def.prior_count = 0;
    found = fit(&def);
    ck_assert_double_eq_tol(found->unknowns[2].sd, 0.03, 0.001);
    ck_assert_double_eq_tol(found->unknowns[1].after * found->unknowns[2].after, product, 0.01 * product);
    fit_destroy(found);
    plant_destroy(plant);
    mem_free(recording.samples);
}
END_TEST

START_TEST(a_value_that_wants_out_ends_at_its_limit)
{
    const char *script = script_of(&tank), *names[] = {"discharge"}, *priors[] = {"discharge=none"};
    Recording recording = record(script, 1, true, (Truth[]){{"orifice", 1.2e-3 * 3}}, 1, tank.steps);  // more flows out than a coefficient of 1 allows
    Plant *plant = open_plant(script, 1);
    const FitTape tape = {"emulated", recording.samples, recording.count};
    Fit *found = fit(&(FitDef){.plant = plant, .tapes = &tape, .tape_count = 1, .names = names, .name_count = 1, .priors = priors, .prior_count = 1, .starts = 1});
    ck_assert_int_eq(found->unknowns[0].end, FIT_AT_MAX);
    ck_assert_double_eq(found->unknowns[0].after, 1);
    ck_assert(isnan(found->unknowns[0].sd));
    fit_destroy(found);
    plant_destroy(plant);
    mem_free(recording.samples);
}
END_TEST

START_TEST(searches_from_many_starts_agree_and_threads_change_no_bit)
{
    const char *script = script_of(&tank), *names[] = {"area", "discharge"};
    Recording recording = record_tank(script, 1);
    const FitTape tapes[] = {{"one", recording.samples, recording.count}, {"the same", recording.samples, recording.count}};
    double values[2][2];
    for (size_t threads = 1; threads <= 2; threads++) {
        Plant *plant = open_plant(script, threads);
        Fit *found = fit(&(FitDef){.plant = plant, .tapes = tapes, .tape_count = 2, .names = names, .name_count = 2, .starts = 40, .seed = 5});
        ck_assert_uint_eq(found->agreeing, 40);
        for (size_t i = 0; i < 2; i++)
            values[threads - 1][i] = found->unknowns[i].after;
        fit_destroy(found);
        plant_destroy(plant);
    }
    ck_assert_mem_eq(values[0], values[1], sizeof values[0]);
    mem_free(recording.samples);
}
END_TEST

START_TEST(memory_that_runs_out_is_told)
{
    const char *script = script_of(&tank), *names[] = {"area", "level@start"};
    Recording recording = record_tank(script, 1);
    const FitTape tape = {"emulated", recording.samples, 20};
    size_t failures = 0;
    bool failed = true;
    for (size_t n = 1; failed; n += 1 + n / 4) {
        Plant *plant = open_plant(script, 1);  // a graph that ran out of memory stays so
        Fit *found;
        ErrText why = {0};
        kit_fail_allocation(n);
        const Err err = fit_run(&(FitDef){.plant = plant, .tapes = &tape, .tape_count = 1, .names = names, .name_count = 2, .starts = 1}, &found, &why);
        kit_fail_allocation(0);
        ck_assert_msg(err == ERR_OK || err == ERR_MEMORY, "%s", why.text);
        failed = err == ERR_MEMORY;
        failures += failed;
        fit_destroy(found);
        plant_destroy(plant);
    }
    ck_assert_uint_gt(failures, 5);
    mem_free(recording.samples);
}
END_TEST

static atomic_int stop;

static void stop_in_round_two(void *self, const FitProgress *progress)
{
    (void)self;
    stop = progress->round == 2;
}

START_TEST(a_search_that_is_stopped_gives_the_best_so_far)
{
    const char *script = script_of(&tank), *names[] = {"area"};
    Recording recording = record_tank(script, 1);
    Plant *plant = open_plant(script, 1);
    const FitTape tape = {"emulated", recording.samples, recording.count};
    stop = 0;
    Fit *found = fit(&(FitDef){.plant = plant, .tapes = &tape, .tape_count = 1, .names = names, .name_count = 1, .starts = 1, .stop = &stop, .progress = stop_in_round_two});
    ck_assert(found->stopped);
    ck_assert_double_gt(found->after[FIT_PREDICTION].log_likelihood, found->before[FIT_PREDICTION].log_likelihood);
    fit_destroy(found);
    plant_destroy(plant);
    mem_free(recording.samples);
}
END_TEST

static void refuses(Plant *plant, const FitTape *tape, const char *name, const char *prior, const char *because)
{
    Fit *found;
    ErrText why = {0};
    const FitDef def = {.plant = plant, .tapes = tape, .tape_count = 1, .names = &name, .name_count = 1, .priors = &prior, .prior_count = prior ? 1 : 0, .starts = 1};
    ck_assert_int_ne(fit_run(&def, &found, &why), ERR_OK);
    ck_assert_msg(strstr(why.text, because), "%s", why.text);
}

START_TEST(what_cannot_be_fitted_is_refused)
{
    const char *script = script_of(&tank);
    Recording recording = record_tank(script, 1);
    Plant *plant = open_plant(script, 1);
    const FitTape tape = {"emulated", recording.samples, recording.count};
    refuses(plant, &tape, "aera", NULL, "no twin of this plant");
    refuses(plant, &tape, "level", NULL, "expected level@start");
    refuses(plant, &tape, "inflow", NULL, "is of kind input");
    refuses(plant, &tape, "area@start", NULL, "is of kind parameter");
    refuses(plant, &tape, "level@end", NULL, "no twin");
    refuses(plant, &tape, "area", "area=1", "expected VALUE+-SD in m^2");
    refuses(plant, &tape, "area", "aera=1+-1", "NAME as it is in --fit");
    refuses(plant, &(FitTape){"empty.csv", NULL, 0}, "area", NULL, "empty.csv: no samples");
    plant_destroy(plant);
    mem_free(recording.samples);
}
END_TEST

KIT_MAIN("fit.fit", errors_are_as_large_as_standard_errors_say, a_prior_draws_the_value_as_precisions_weigh,
         several_recordings_are_fitted_at_once_each_with_its_own_start, values_that_cannot_be_told_apart_are_named, a_value_that_wants_out_ends_at_its_limit,
         searches_from_many_starts_agree_and_threads_change_no_bit, memory_that_runs_out_is_told, a_search_that_is_stopped_gives_the_best_so_far, what_cannot_be_fitted_is_refused)
