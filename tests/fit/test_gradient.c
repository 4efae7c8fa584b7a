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

/* At a point away from the values of the script, so that errors are not small. */
static void agrees(Plant *plant, const FitTape *tape, const char *const *names, size_t count, FitError error, uint64_t seed)
{
    ErrText why = {0};
    Arena arena = {0};
    const FitDef def = {.plant = plant, .tapes = tape, .tape_count = 1, .names = names, .name_count = count};
    FitUnknown *unknowns;
    size_t n;
    ck_assert_msg(unknowns_find(&def, &arena, &unknowns, &n, &why) == ERR_OK, "%s", why.text);
    CourseDef course_def = {.plant = plant, .tapes = tape, .tape_count = 1, .unknowns = unknowns, .unknown_count = n, .error = error};
    Course *exact, *plain;
    ck_assert_msg(course_create(&course_def, &exact, &why) == ERR_OK, "%s", why.text);
    course_def.values_only = true;
    ck_assert_msg(course_create(&course_def, &plain, &why) == ERR_OK, "%s", why.text);

    double point[FIT_UNKNOWNS_MAX];
    static Likelihood found;
    for (size_t i = 0; i < n; i++) {
        const double moved = unknowns[i].before + 0.02 * reach(plant, &unknowns[i]) * (random_uniform(seed, i, 1) - 0.5);
        point[i] = fmin(fmax(moved, unknowns[i].low), unknowns[i].high);
    }
    ck_assert_int_eq(course_look(exact, point, 1, &found, &why), ERR_OK);
    ck_assert(isfinite(found.cost));
    ck_assert_double_eq_tol(cost_at(plain, point, n, 0, 0), found.cost, 1e-9 * (1 + fabs(found.cost)));
    for (size_t i = 0; i < n; i++) {
        const double far = reach(plant, &unknowns[i]);
        if (point[i] - 0.01 * far < unknowns[i].low || point[i] + 0.01 * far > unknowns[i].high)
            continue;
        const double is = found.gradient[i] * far, should = closest_difference(plain, point, n, i, far, is), scale = fabs(is) + sqrt(found.information[i * n + i]) * far;
        ck_assert_msg(fabs(is - should) <= 1e-5 * scale + 1e-10 * (1 + fabs(found.cost)), "%s, error of %s: %.10g, not %.10g", unknowns[i].name, fit_error_name(error), is, should);
    }
    course_destroy(exact);
    course_destroy(plain);
    arena_fini(&arena);
}

static void check(const Case *what, FitError error, uint64_t seed)
{
    char emulate[512], names[FIT_UNKNOWNS_MAX][TAG_NAME_ROOM];
    const char *wanted[FIT_UNKNOWNS_MAX];
    snprintf(emulate, sizeof emulate, "control = function(d, s) %s end", what->control);
    const char *script = bench_script(what->model, what->step, "", emulate);
    Recording recording = record(script, seed, true, NULL, 0, STEPS);
    Plant *plant = open_plant(script, 1);
    agrees(plant, &(FitTape){what->model, recording.samples, recording.count}, wanted, name_all(plant, names, wanted), error, seed);
    plant_destroy(plant);
    mem_free(recording.samples);
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

/* Two vessels that feed each other, a third behind them, delays in all; an event that empties. */
static const char vessel[] =
    "return model \"vessel\" {\n"
    "  params = { k = { 0.05, \"1/s\", min = 0.001 }, gain = { 0.8, \"1\", estimate = 0, sd = 0.1 } },\n"
    "  inputs = { feed = { 0.5, \"1/s\", min = 0, max = 0.62 } },\n"
    "  states = { x = { 10, \"1\", noise = 0.05, sd = 1 } },\n"
    "  equations = function(t)\n"
    "    local out = t.k * t.x\n"
    "    t.x.rate = delay(t.feed, 1.25) * t.gain - out\n"
    "    t.out = output(delay(out, 0.7), \"1/s\")\n"
    "    event(above(t.x, 10.4), { x = t.x - 5 * t.gain })\n"
    "  end,\n"
    "  sensors = { gauge = { of = \"x\", noise = 0.1, unit = \"1\", every = 0.5 } },\n"
    "}\n";

static const char vessels[] =
    "return plant \"vessels\" {\n"
    "  step = 0.5, clock = \"provider\",\n"
    "  assets = { a = { \"vessel\", x = 10.3 }, b = { \"vessel\", k = 0.07 }, c = { \"vessel\", x = 8 }, alone = { \"vessel\" } },\n"
    "  connect = { [\"a.out\"] = { \"b.feed\", \"c.feed\" }, [\"b.out\"] = \"a.feed\" },\n"
    "}\n";

static void write_script(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(it_goes_through_connections_loops_delays_and_events)
{
    static const char *const names[] = {"a.k", "b.k", "c.k", "*.gain", "a.x@start", "alone.k"};
    char path[512];
    write_script("vessel.lua", vessel);
    write_script("vessels.lua", vessels);
    snprintf(path, sizeof path, "%s/vessels.lua", kit_folder());
    Recording recording = record(path, 5, false, NULL, 0, 120);
    Plant *plant = open_plant(path, 1);
    for (FitError error = FIT_PREDICTION; error < FIT_ERRORS; error++)
        agrees(plant, &(FitTape){"vessels", recording.samples, recording.count}, names, sizeof names / sizeof *names, error, 3);
    plant_destroy(plant);
    mem_free(recording.samples);
}
END_TEST

/* The likelihood is that of the engine's own run: each innovation, in order, has the bits of the filter up to rounding. */
START_TEST(the_cost_is_that_of_a_plant_that_runs)
{
    char path[512];
    ErrText why = {0};
    write_script("vessel.lua", vessel);
    write_script("vessels.lua", vessels);
    snprintf(path, sizeof path, "%s/vessels.lua", kit_folder());
    Recording recording = record(path, 6, false, NULL, 0, 120);

    // the plant, stepped and corrected by its own programs
    Plant *plant = open_plant(path, 1);
    double cost = 0;
    size_t at = 0;
    for (int64_t tick = recording.samples[0].time / plant->step_ns; at < recording.count; tick++) {
        plant_advance(plant);
        for (; at < recording.count && recording.samples[at].time / plant->step_ns == tick; at++) {
            const Place place = plant_place(plant, recording.samples[at].tag);
            const Model *model = plant_model(plant, place.twin);
            *plant_cell(plant, place.twin, model->channels[place.channel].column) = recording.samples[at].value;
            if (model->channels[place.channel].kind != CHANNEL_SENSOR)
                continue;
            const Sensor *sensor = &model->sensors[0];
            Block *block = &plant->blocks[plant->twins[place.twin].block];
            for (uint32_t lane = 0; lane < LANES; lane++)
                block_column(block, sensor->mask)[lane] = lane == plant->twins[place.twin].lane;
            program_run(&sensor->measure, block->columns, &plant->scratch[0]);
            const double error = *plant_cell(plant, place.twin, sensor->innovation), variance = *plant_cell(plant, place.twin, sensor->innovation_variance);
            cost += 0.5 * (error * error / variance + log(variance));
            program_run(&sensor->correct, block->columns, &plant->scratch[0]);
        }
        plant_derive(plant);
    }
    plant_destroy(plant);

    plant = open_plant(path, 1);
    Arena arena = {0};
    static const char *const each[] = {"a.k", "b.k", "c.k", "alone.k"};
    const FitTape tape = {"vessels", recording.samples, recording.count};
    FitUnknown *unknowns;
    size_t n;
    ck_assert_int_eq(unknowns_find(&(FitDef){.plant = plant, .tapes = &tape, .tape_count = 1, .names = each, .name_count = 4}, &arena, &unknowns, &n, &why), ERR_OK);
    Course *course;
    ck_assert_int_eq(course_create(&(CourseDef){.plant = plant, .tapes = &tape, .tape_count = 1, .unknowns = unknowns, .unknown_count = n}, &course, &why), ERR_OK);
    const double point[] = {unknowns[0].before, unknowns[1].before, unknowns[2].before, unknowns[3].before};
    static Likelihood found;
    ck_assert_int_eq(course_look(course, point, 1, &found, &why), ERR_OK);
    ck_assert_double_eq_tol(found.cost, cost, 1e-9 * fabs(cost));
    course_destroy(course);
    plant_destroy(plant);
    arena_fini(&arena);
    mem_free(recording.samples);
}
END_TEST

KIT_MAIN("fit.gradient", of_the_error_of_prediction_it_agrees_with_differences, of_the_error_of_simulation_it_agrees_with_differences,
         it_goes_through_connections_loops_delays_and_events, the_cost_is_that_of_a_plant_that_runs)
