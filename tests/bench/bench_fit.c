/* bench_fit.c -- what a gradient costs: exact, and by differences.
 *
 * The incubator's eight parameters over 15 minutes of emulated heating. Differences run the same programs without tangents: side by side in the lanes of one
 * block, or one after the other, as an optimiser does that knows nothing of the model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/measure.h"
#include "fit/course.h"
#include "fit/unknowns.h"
#include "plant/castor.h"

enum { STEPS = 1800, ROUNDS = 7, UNKNOWNS = 8, STARTS = 8, SAMPLES_MAX = 16 * STEPS };

typedef struct Look {
    Course *course;
    size_t calls, points;
} Look;

static double points[2 * UNKNOWNS * UNKNOWNS];
static Likelihood found[2 * UNKNOWNS];

static void look(void *self)
{
    const Look *it = self;
    ErrText why;
    for (size_t i = 0; i < it->calls; i++)
        if (course_look(it->course, points, it->points, found, &why))
            exit((fprintf(stderr, "%s\n", why.text), 1));
}

static size_t record(const char *script, Sample *samples)
{
    Castor *castor;
    ErrText why;
    size_t count = 0;
    if (castor_create(script, 1, false, &castor, &why))
        exit((fprintf(stderr, "%s\n", why.text), 1));
    castor_begin(castor, 1700006400 * NS_PER_S);
    for (int k = 0; k < STEPS && !castor_step(castor, &why); k++) {
        size_t more;
        const Sample *from = castor_samples(castor, &more);
        for (size_t i = 0; i < more && count < SAMPLES_MAX; i++)
            samples[count++] = from[i];
    }
    castor_destroy(castor);
    return count;
}

static void report(Plant *plant, const FitTape *tape, FitError error, const FitUnknown *unknowns)
{
    CourseDef def = {.plant = plant, .tapes = tape, .tape_count = 1, .unknowns = unknowns, .unknown_count = UNKNOWNS, .error = error};
    Course *exact, *plain;
    ErrText why;
    if (course_create(&def, &exact, &why))
        exit((fprintf(stderr, "%s\n", why.text), 1));
    def.values_only = true;
    if (course_create(&def, &plain, &why))
        exit((fprintf(stderr, "%s\n", why.text), 1));
    Look looks[] = {{plain, 1, 1}, {exact, 1, 1}, {exact, 1, STARTS}, {plain, 1, 2 * UNKNOWNS}, {plain, 2 * UNKNOWNS, 1}};
    Way ways[] = {{"the cost alone", look, &looks[0], 0}, {"exact gradient", look, &looks[1], 0}, {"exact gradients at 8 points", look, &looks[2], 0},
                  {"central differences, side by side in lanes", look, &looks[3], 0}, {"central differences, one after the other", look, &looks[4], 0}};
    enum { WAYS = sizeof ways / sizeof *ways };
    measure_ways(ways, WAYS, ROUNDS);
    printf("error of %s\n", fit_error_name(error));
    for (size_t i = 0; i < WAYS; i++)
        printf("  %-44s %8.2f ms\n", ways[i].title, ways[i].best_ns / NS_PER_MS);
    course_destroy(exact);
    course_destroy(plain);
}

int main(int argc, char **argv)
{
    static Sample samples[SAMPLES_MAX];
    static const char *const names[UNKNOWNS] = {"C_heater", "C_air", "G_heater", "G_box", "lag_t2", "lag_t3", "share_t2", "share_t3"};
    const char *script = argc > 1 ? argv[1] : "twins/plants/incubator.lua";
    Plant *plant;
    Arena arena = {0};
    FitUnknown *unknowns;
    size_t count;
    ErrText why;
    program_thread_init();
    const FitTape tape = {"emulated", samples, record(script, samples)};
    if (plant_load(script, 1, &plant, &why) || unknowns_find(&(FitDef){.plant = plant, .tapes = &tape, .tape_count = 1, .names = names, .name_count = UNKNOWNS}, &arena, &unknowns, &count, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    for (size_t p = 0; p < 2 * UNKNOWNS; p++)
        for (size_t i = 0; i < UNKNOWNS; i++)
            points[p * UNKNOWNS + i] = unknowns[i].before * (1 + 1e-5 * (double)p);
    printf("%zu samples, %d steps, %d values, %s\n", tape.count, STEPS, UNKNOWNS, program_backend());
    for (FitError error = FIT_PREDICTION; error < FIT_ERRORS; error++)
        report(plant, &tape, error, unknowns);
    plant_destroy(plant);
    arena_fini(&arena);
    return 0;
}
