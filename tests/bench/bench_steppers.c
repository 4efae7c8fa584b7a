/* bench_steppers.c -- the order of each stepper by convergence, and an ensemble of chaotic trajectories on two threads. */
#include <math.h>
#include <stdio.h>

#include "app/blocks.h"
#include "app/measure.h"
#include "bench/hand.h"
#include "bench/step.h"

// ---- orders -------------------------------------------------------------------------------------------------------------

enum { HALVINGS = 3, FIRST_STEPS = 16 };

/* How far from (cos 1, sin 1) the circle is after `steps` steps to t = 1; negative when that could not be computed. */
static double error_of(const Model *model, Stepper stepper, int steps)
{
    Arena arena = {0};
    Step step;
    Blocks blocks = {0};
    BlocksRun run = {.blocks = &blocks, .programs = &step.run, .program_count = 1};
    double error = -1;
    if (!step_compile(model, stepper, 1.0 / steps, &arena, &step, NULL) && !blocks_init(&blocks, model, 1, STEP_MORE, NULL) &&
        !step_prepare(&step, &blocks) && !scratch_init(&run.scratch, step.run.registers)) {
        for (int i = 0; i < steps; i++)
            blocks_run(&run);
        error = hypot(*blocks_cell(&blocks, 0, 0) - cos(1), *blocks_cell(&blocks, 0, 1) - sin(1));
    }
    scratch_fini(&run.scratch);
    blocks_fini(&blocks);
    arena_fini(&arena);
    return error;
}

static bool print_orders(ErrText *why)
{
    Model *model;
    if (step_load("spiral", 1, &model, why))
        return false;
    printf("\n| stepper | error at h = 1/%d | h/2 | h/4 | observed order |\n| --- | --- | --- | --- | --- |\n", FIRST_STEPS);
    for (Stepper stepper = STEPPER_RK4; stepper <= STEPPER_ROSENBROCK; stepper++) {
        double errors[HALVINGS];
        for (int i = 0; i < HALVINGS; i++)
            errors[i] = error_of(model, stepper, FIRST_STEPS << i);
        printf("| %s | %.3g | %.3g | %.3g | %.2f, %.2f |\n", stepper_name(stepper), errors[0], errors[1], errors[2], log2(errors[0] / errors[1]),
               log2(errors[1] / errors[2]));
    }
    model_destroy(model);
    return true;
}

// ---- an ensemble --------------------------------------------------------------------------------------------------------

/* The problem of GPUODEBenchmarks (github.com/utkarsh530/GPUODEBenchmarks), GPU_ODE_Julia/bench_cpu.jl: Lorenz from (1, 0, 0) with rho from 0 to 21,
 * 1,000 steps of 0.001 by Tsitouras' method. Its paper_artifacts/data/Julia/CPU/times_unadaptive.txt has, for 8,192 trajectories on all threads
 * of its own machine: */
#define JULIA_MS 43.882179

enum { TRAJECTORIES = 8192, STEPS = 1000, THREADS = 2, ROUNDS = 10, ENSEMBLE_COLUMNS = 4 };

typedef struct Ensemble {
    Workers *workers;
    Blocks blocks;
    Step step;
    Scratch scratch[THREADS];
    double *columns[ENSEMBLE_COLUMNS];  // by hand: x y z rho
} Ensemble;

static void run_block(void *self, size_t index, size_t thread)
{
    Ensemble *ensemble = self;
    for (int i = 0; i < STEPS; i++)
        program_run(&ensemble->step.run, blocks_at(&ensemble->blocks, index), &ensemble->scratch[thread]);
}

static void run_part(void *self, size_t index, size_t thread)
{
    const Ensemble *ensemble = self;
    double *part[ENSEMBLE_COLUMNS];
    (void)thread;
    for (int c = 0; c < ENSEMBLE_COLUMNS; c++)
        part[c] = ensemble->columns[c] + index * LANES;
    for (int i = 0; i < STEPS; i++)
        hand_lorenz_tsit5(part, LANES);
}

static void start_at(Ensemble *ensemble, const uint16_t *columns)
{
    for (size_t i = 0; i < TRAJECTORIES; i++) {
        const double start[ENSEMBLE_COLUMNS] = {1, 0, 0, 21.0 * (double)i / (TRAJECTORIES - 1)};
        for (int c = 0; c < ENSEMBLE_COLUMNS; c++)
            ensemble->columns[c][i] = *blocks_cell(&ensemble->blocks, i, columns[c]) = start[c];
    }
    step_prepare(&ensemble->step, &ensemble->blocks);
}

static void find_columns(const Model *model, uint16_t columns[ENSEMBLE_COLUMNS])
{
    static const char *const names[ENSEMBLE_COLUMNS] = {"x", "y", "z", "rho"};
    for (int c = 0; c < ENSEMBLE_COLUMNS; c++)
        columns[c] = model->channels[model_find(model, names[c])].column;
}

static void run_engine(void *self)
{
    Ensemble *ensemble = self;
    workers_run(ensemble->workers, TRAJECTORIES / LANES, run_block, ensemble);
}

static void run_by_hand(void *self)
{
    Ensemble *ensemble = self;
    workers_run(ensemble->workers, TRAJECTORIES / LANES, run_part, ensemble);
}

static Err ensemble_init(Ensemble *ensemble, const Model *model, Arena *arena, ErrText *why)
{
    Err err = step_compile(model, STEPPER_TSIT5, LORENZ_STEP, arena, &ensemble->step, why);
    if (!err)
        err = workers_create(THREADS, program_thread_init, &ensemble->workers, why);
    if (!err)
        err = blocks_init(&ensemble->blocks, model, TRAJECTORIES / LANES, STEP_MORE, why);
    for (int i = 0; i < THREADS && !err; i++)
        err = scratch_init(&ensemble->scratch[i], ensemble->step.run.registers);
    for (int c = 0; c < ENSEMBLE_COLUMNS && !err; c++)
        err = (ensemble->columns[c] = mem_alloc(TRAJECTORIES * sizeof(double))) ? ERR_OK : ERR_MEMORY;
    return err;
}

static void ensemble_fini(Ensemble *ensemble)
{
    for (int c = 0; c < ENSEMBLE_COLUMNS; c++)
        mem_free(ensemble->columns[c]);
    for (int i = 0; i < THREADS; i++)
        scratch_fini(&ensemble->scratch[i]);
    blocks_fini(&ensemble->blocks);
    if (ensemble->workers)
        workers_destroy(ensemble->workers);
}

/* The largest distance between the two sides after one run of each. */
static double apart_after_a_run(Ensemble *ensemble, const uint16_t *columns)
{
    double apart = 0;
    run_engine(ensemble);
    run_by_hand(ensemble);
    for (size_t i = 0; i < TRAJECTORIES; i++)
        for (int c = 0; c < ENSEMBLE_COLUMNS; c++)
            apart = fmax(apart, fabs(*blocks_cell(&ensemble->blocks, i, columns[c]) - ensemble->columns[c][i]));
    return apart;
}

static void print_ensemble(const Way ways[3])
{
    printf("\n| %d Lorenz trajectories, %d steps of Tsit5, %d threads | ms | times by hand | of the published %.1f ms |\n", TRAJECTORIES, STEPS, THREADS, JULIA_MS);
    printf("| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < 3; i++) {
        const double ms = ways[i].best_ns / NS_PER_MS;
        printf("| %s | %.2f | %.2f | %.2f |\n", ways[i].title, ms, ways[i].best_ns / ways[2].best_ns, ms / JULIA_MS);
    }
}

static bool compare_ensemble(ErrText *why)
{
    Model *model;
    Arena arena = {0};
    Ensemble native = {0};
    if (step_load("lorenz", LORENZ_STEP, &model, why))
        return false;
    bool right = !ensemble_init(&native, model, &arena, why);
    if (right) {
        uint16_t columns[ENSEMBLE_COLUMNS];
        find_columns(model, columns);
        start_at(&native, columns);
        const double apart = apart_after_a_run(&native, columns);
        Ensemble interpreted = native;
        interpreted.step.run = program_interpreted(&native.step.run);

        Way ways[] = {{"interpreted", run_engine, &interpreted, 0}, {"native", run_engine, &native, 0}, {"by hand", run_by_hand, &native, 0}};
        measure_ways(ways, 3, ROUNDS);
        print_ensemble(ways);
        right = apart < 1e-9;
        printf("\nBoth sides end within %.1g of each other.\n", apart);
    }
    ensemble_fini(&native);
    arena_fini(&arena);
    model_destroy(model);
    return right;
}

int main(void)
{
    ErrText why = {0};
    program_thread_init();
    bool right = !program_codegen(CODEGEN_LLVM, &why) && print_orders(&why) && compare_ensemble(&why);
    if (!right)
        fprintf(stderr, "bench_steppers: %s\n", why.text[0] ? why.text : "the two sides differ");
    program_codegen(CODEGEN_OFF, NULL);
    return right ? 0 : 1;
}
