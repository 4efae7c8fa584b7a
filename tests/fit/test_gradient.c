/* The gradient of the likelihood is exact: of every model of the library with equations, by every parameter and start, it agrees with differences. */
#include "fit/emulated.h"

#include "fit/course.h"
#include "fit/unknowns.h"
#include "twins/cases.h"

enum { STEPS = 40 };

/* Names of what can be fitted: parameters that are not 0, then the starts of all states, as many as fit. */
static size_t name_all(const Plant *plant, char names[][TAG_NAME_ROOM], const char **out)
{
    const Model *model = plant_model(plant, 0);
    size_t count = 0;
    for (uint16_t c = 0; c < model->channel_count && count < FIT_UNKNOWNS_MAX; c++) {
        const Channel *channel = &model->channels[c];
        const bool is_parameter = channel->kind == CHANNEL_PARAMETER || channel->kind == CHANNEL_TRACKED;
        if (channel->kind != CHANNEL_STATE && !(is_parameter && channel->initial != 0))
            continue;
        snprintf(names[count], TAG_NAME_ROOM, "twin.%s%s", channel->name, is_parameter ? "" : "@start");
        out[count] = names[count];
        count++;
    }
    return count;
}

/* How far a value is moved, in small steps for what is steep: a part of it, or of what is known of a state. */
static double reach(const Plant *plant, const FitUnknown *unknown)
{
    const Channel *channel = &plant_model(plant, 0)->channels[unknown->places[0].channel];
    return unknown->at_start && channel->initial_sd > 0 ? channel->initial_sd : fmax(fabs(unknown->before), 1e-3);
}

static double cost_at(Course *course, const double *point, size_t n, size_t i, double moved)
{
    static Likelihood found;
    double at[FIT_UNKNOWNS_MAX];
    ErrText why = {0};
    memcpy(at, point, n * sizeof *at);
    at[i] += moved;
    ck_assert_msg(course_look(course, at, 1, &found, &why) == ERR_OK, "%s", why.text);
    return found.cost;
}

/* Central differences of two widths, and Richardson's extrapolation of them: of order 4. */
static double difference(Course *course, const double *point, size_t n, size_t i, double h)
{
    const double wide = (cost_at(course, point, n, i, 2 * h) - cost_at(course, point, n, i, -2 * h)) / (4 * h);
    const double narrow = (cost_at(course, point, n, i, h) - cost_at(course, point, n, i, -h)) / (2 * h);
    return (4 * narrow - wide) / 3;
}

/* Wide differences are bent, narrow ones lose the digits that the cost has: one width in between shows an exact slope. Over the reach of the value. */
static double closest_difference(Course *course, const double *point, size_t n, size_t i, double far, double is)
{
    static const double widths[] = {2e-3, 2e-4, 2e-5};
    double closest = INFINITY;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        const double should = difference(course, point, n, i, widths[w] * far) * far;
        if (!(fabs(is - closest) <= fabs(is - should)))
            closest = should;
    }
    return closest;
}

static void check(const Case *what, FitError error, uint64_t seed)
{
    char emulate[512], names[FIT_UNKNOWNS_MAX][TAG_NAME_ROOM];
    const char *wanted[FIT_UNKNOWNS_MAX];
    ErrText why = {0};
    Arena arena = {0};
    snprintf(emulate, sizeof emulate, "control = function(d, s) %s end", what->control);
    const char *script = bench_script(what->model, what->step, "", emulate);
    Recording recording = record(script, seed, true, NULL, 0, STEPS);
    Plant *plant = open_plant(script, 1);
    const FitTape tape = {"emulated", recording.samples, recording.count};
    const FitDef def = {.plant = plant, .tapes = &tape, .tape_count = 1, .names = wanted, .name_count = name_all(plant, names, wanted)};
    FitUnknown *unknowns;
    size_t n;
    ck_assert_msg(unknowns_find(&def, &arena, &unknowns, &n, &why) == ERR_OK, "%s: %s", what->model, why.text);

    CourseDef course_def = {.plant = plant, .tapes = &tape, .tape_count = 1, .unknowns = unknowns, .unknown_count = n, .error = error};
    Course *exact, *plain;
    ck_assert_msg(course_create(&course_def, &exact, &why) == ERR_OK, "%s: %s", what->model, why.text);
    course_def.values_only = true;
    ck_assert_msg(course_create(&course_def, &plain, &why) == ERR_OK, "%s: %s", what->model, why.text);

    // away from the values of the script, so that errors are not small
    double point[FIT_UNKNOWNS_MAX];
    static Likelihood found;
    for (size_t i = 0; i < n; i++) {
        const double moved = unknowns[i].before + 0.02 * reach(plant, &unknowns[i]) * (random_uniform(seed, i, 1) - 0.5);
        point[i] = fmin(fmax(moved, unknowns[i].low), unknowns[i].high);
    }
    ck_assert_int_eq(course_look(exact, point, 1, &found, &why), ERR_OK);
    ck_assert_msg(isfinite(found.cost), "%s: the cost is not finite", what->model);
    ck_assert_double_eq_tol(cost_at(plain, point, n, 0, 0), found.cost, 1e-9 * (1 + fabs(found.cost)));
    for (size_t i = 0; i < n; i++) {
        const double far = reach(plant, &unknowns[i]);
        if (point[i] - 0.01 * far < unknowns[i].low || point[i] + 0.01 * far > unknowns[i].high)
            continue;
        const double is = found.gradient[i] * far, should = closest_difference(plain, point, n, i, far, is), scale = fabs(is) + sqrt(found.information[i * n + i]) * far;
        ck_assert_msg(fabs(is - should) <= 1e-5 * scale + 1e-10 * (1 + fabs(found.cost)), "%s, %s, error of %s: %.10g, not %.10g", what->model, unknowns[i].name,
                      fit_error_name(error), is, should);
    }
    course_destroy(exact);
    course_destroy(plain);
    plant_destroy(plant);
    mem_free(recording.samples);
    arena_fini(&arena);
}

START_TEST(of_the_error_of_prediction_it_agrees_with_differences)
{
    for (uint64_t i = 0; i < CASES; i++)
        check(&cases[i], FIT_PREDICTION, 1 + i);
}
END_TEST

START_TEST(of_the_error_of_simulation_it_agrees_with_differences)
{
    for (uint64_t i = 0; i < CASES; i++)
        check(&cases[i], FIT_SIMULATION, 100 + i);
}
END_TEST

KIT_MAIN("fit.gradient", of_the_error_of_prediction_it_agrees_with_differences, of_the_error_of_simulation_it_agrees_with_differences)
