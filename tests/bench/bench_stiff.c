/* bench_stiff.c -- Robertson's reaction to t = 40: the engine's fixed Rosenbrock steps beside SUNDIALS' CVODE (BDF, dense, exact Jacobian).
 *
 * CVODE chooses its steps, an engine that runs twins side by side does not: here its steps are short while the transient lasts and longer afterwards.
 * What is compared is the time of one trajectory at the same error: CVODE gets the loosest tolerance that reaches the engine's. */
#include <cvode/cvode.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdio.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>

#include "app/blocks.h"
#include "app/measure.h"
#include "bench/step.h"

enum { SPECIES = 3, MARKS = 3, STAGES = 5, BLOCKS = 4, ROUNDS = 10 };

/* As cvRoberts_dns of SUNDIALS prints them, from a run with rtol = 1e-4: the fifth digit is not all there. And t = 40 to twelve digits, by extrapolation of
 * the linearly implicit Euler method in long double; Hairer and Wanner, Solving Ordinary Differential Equations II, give the same to ten. */
static const double marks[MARKS] = {0.4, 4, 40};
static const double published[MARKS][SPECIES] = {
    {9.8517e-01, 3.3864e-05, 1.4794e-02}, {9.0553e-01, 2.2404e-05, 9.4452e-02}, {7.1583e-01, 9.1855e-06, 2.8416e-01}};
static const double exact[SPECIES] = {0.715827068719, 9.18553476456e-06, 0.284163745746};

#define TIGHT 1e-12  // a tolerance of CVODE that leaves its digits here exact

static double error_at_the_end(const double y[SPECIES])
{
    double error = 0;
    for (int i = 0; i < SPECIES; i++)
        error = fmax(error, fabs(y[i] / exact[i] - 1));
    return error;
}

// ---- the engine ---------------------------------------------------------------------------------------------------------

/* Steps grow tenfold once the transient that they are short for is over. They end at the marks. */
static const struct Stage {
    double step;
    int steps;
} stages[STAGES] = {{1e-5, 100}, {1e-4, 90}, {1e-3, 390}, {1e-2, 360}, {0.1, 360}};
static const int marked_stage[MARKS] = {2, 3, 4};  // behind which the marks lie

typedef struct Solver {
    Model *model;
    Arena arena;
    Step steps[STAGES];
    Blocks blocks;
    Scratch scratch;
} Solver;

static Err solver_init(Solver *solver, ErrText *why)
{
    Err err = step_load("robertson", 0.1, &solver->model, why);
    uint16_t registers = 0;
    for (int i = 0; i < STAGES && !err; i++) {
        err = step_compile(solver->model, STEPPER_ROSENBROCK, stages[i].step, &solver->arena, &solver->steps[i], why);
        const uint16_t needed = solver->steps[i].run.registers > solver->steps[i].prepare.registers ? solver->steps[i].run.registers : solver->steps[i].prepare.registers;
        registers = needed > registers ? needed : registers;
    }
    if (!err)
        err = blocks_init(&solver->blocks, solver->model, BLOCKS, STEP_MORE, why);
    return err ? err : scratch_init(&solver->scratch, registers);
}

static void solver_fini(Solver *solver)
{
    scratch_fini(&solver->scratch);
    blocks_fini(&solver->blocks);
    arena_fini(&solver->arena);
    model_destroy(solver->model);
}

static void solver_start(Solver *solver)
{
    static const double start[SPECIES] = {1, 0, 0};
    static const double rates[SPECIES] = {0.04, 1e4, 3e7};
    static const char *const names[SPECIES] = {"slow", "back", "fast"};
    for (size_t twin = 0; twin < BLOCKS * LANES; twin++)
        for (uint16_t i = 0; i < SPECIES; i++) {
            *blocks_cell(&solver->blocks, twin, i) = start[i];
            *blocks_cell(&solver->blocks, twin, solver->model->channels[model_find(solver->model, names[i])].column) = rates[i];
        }
}

static void solver_run_stage(Solver *solver, size_t block, int stage)
{
    double *columns = blocks_at(&solver->blocks, block);
    program_run(&solver->steps[stage].prepare, columns, &solver->scratch);  // each stage has a step of its own length
    for (int i = 0; i < stages[stage].steps; i++)
        program_run(&solver->steps[stage].run, columns, &solver->scratch);
}

static void run_engine(void *self)
{
    Solver *solver = self;
    solver_start(solver);
    for (size_t block = 0; block < BLOCKS; block++)
        for (int stage = 0; stage < STAGES; stage++)
            solver_run_stage(solver, block, stage);
}

// ---- CVODE --------------------------------------------------------------------------------------------------------------

typedef struct Peer {
    SUNContext context;
    N_Vector y, tolerances;
    SUNMatrix matrix;
    SUNLinearSolver linear;
    void *memory;
    double tolerance, until, end[SPECIES];
    long steps;
    bool failed;
} Peer;

static int rates(realtype t, N_Vector y, N_Vector rate, void *unused)
{
    (void)t, (void)unused;
    const double *x = N_VGetArrayPointer(y);
    double *out = N_VGetArrayPointer(rate);
    out[0] = -0.04 * x[0] + 1e4 * x[1] * x[2];
    out[2] = 3e7 * x[1] * x[1];
    out[1] = -out[0] - out[2];
    return 0;
}

static int jacobian(realtype t, N_Vector y, N_Vector rate, SUNMatrix j, void *unused, N_Vector a, N_Vector b, N_Vector c)
{
    (void)t, (void)rate, (void)unused, (void)a, (void)b, (void)c;
    const double *x = N_VGetArrayPointer(y);
    const double entries[SPECIES][SPECIES] = {{-0.04, 1e4 * x[2], 1e4 * x[1]}, {0.04, -1e4 * x[2] - 6e7 * x[1], -1e4 * x[1]}, {0, 6e7 * x[1], 0}};
    for (int row = 0; row < SPECIES; row++)
        for (int column = 0; column < SPECIES; column++)
            SM_ELEMENT_D(j, row, column) = entries[row][column];
    return 0;
}

static void peer_start(Peer *peer)
{
    double *y = N_VGetArrayPointer(peer->y), *tolerances = N_VGetArrayPointer(peer->tolerances);
    y[0] = 1, y[1] = y[2] = 0;
    // y2 is smaller than the others by five powers of ten
    tolerances[0] = tolerances[2] = peer->tolerance * 1e-2;
    tolerances[1] = peer->tolerance * 1e-6;
}

static bool peer_init(Peer *peer)
{
    if (SUNContext_Create(NULL, &peer->context))
        return false;
    peer->y = N_VNew_Serial(SPECIES, peer->context);
    peer->tolerances = N_VNew_Serial(SPECIES, peer->context);
    peer->matrix = SUNDenseMatrix(SPECIES, SPECIES, peer->context);
    peer->memory = CVodeCreate(CV_BDF, peer->context);
    if (!peer->y || !peer->tolerances || !peer->matrix || !peer->memory)
        return false;
    peer->linear = SUNLinSol_Dense(peer->y, peer->matrix, peer->context);
    peer_start(peer);
    return peer->linear && !CVodeInit(peer->memory, rates, 0, peer->y) && !CVodeSVtolerances(peer->memory, peer->tolerance, peer->tolerances) &&
           !CVodeSetLinearSolver(peer->memory, peer->linear, peer->matrix) && !CVodeSetJacFn(peer->memory, jacobian) &&
           !CVodeSetMaxNumSteps(peer->memory, 1000000);
}

static void peer_fini(Peer *peer)
{
    CVodeFree(&peer->memory);
    SUNLinSolFree(peer->linear);
    SUNMatDestroy(peer->matrix);
    N_VDestroy(peer->tolerances);
    N_VDestroy(peer->y);
    SUNContext_Free(&peer->context);
}

/* One trajectory; what CVODE allocates is kept from one to the next. */
static void run_peer(void *self)
{
    Peer *peer = self;
    realtype t;
    peer_start(peer);
    peer->failed = CVodeReInit(peer->memory, 0, peer->y) || CVodeSVtolerances(peer->memory, peer->tolerance, peer->tolerances) ||
                   CVodeSetStopTime(peer->memory, peer->until) || CVode(peer->memory, peer->until, peer->y, &t, CV_NORMAL) < 0 ||
                   CVodeGetNumSteps(peer->memory, &peer->steps);
    for (int i = 0; i < SPECIES; i++)
        peer->end[i] = N_VGetArrayPointer(peer->y)[i];
}

/* The loosest relative tolerance, by factors of two, at which CVODE's error is not above `error`. */
static bool find_tolerance(Peer *peer, double error)
{
    peer->until = marks[MARKS - 1];
    for (peer->tolerance = 1e-2; peer->tolerance > 1e-13; peer->tolerance /= 2) {
        run_peer(peer);
        if (!peer->failed && error_at_the_end(peer->end) <= error)
            return true;
    }
    return false;
}

// ---- side by side -------------------------------------------------------------------------------------------------------

static void print_values(const double y[SPECIES])
{
    printf(" %.5e, %.5e, %.5e |", y[0], y[1], y[2]);
}

/* y1, y2, y3 at the marks; returns the engine's error at the last. */
static double print_marks(Solver *solver, Peer *peer)
{
    double y[SPECIES] = {0};
    solver_start(solver);
    peer->tolerance = TIGHT;
    printf("\n| Robertson's reaction at | engine | CVODE, rtol %g | published |\n| --- | --- | --- | --- |\n", TIGHT);
    for (int stage = 0, mark = 0; stage < STAGES; stage++) {
        solver_run_stage(solver, 0, stage);
        if (stage != marked_stage[mark])
            continue;
        for (uint16_t i = 0; i < SPECIES; i++)
            y[i] = *blocks_cell(&solver->blocks, 0, i);
        peer->until = marks[mark];
        run_peer(peer);
        printf("| t = %g |", marks[mark]);
        print_values(y);
        print_values(peer->end);
        printf(" %.4e, %.4e, %.4e |\n", published[mark][0], published[mark][1], published[mark][2]);
        mark++;
    }
    return error_at_the_end(y);
}

static bool compare(Solver *solver, Peer *peer)
{
    const double error = print_marks(solver, peer);
    if (!find_tolerance(peer, error)) {
        fprintf(stderr, "bench_stiff: CVODE does not reach an error of %g\n", error);
        return false;
    }

    Way ways[] = {{"engine", run_engine, solver, 0}, {"CVODE", run_peer, peer, 0}};
    measure_ways(ways, 2, ROUNDS);
    int steps = 0;
    for (int i = 0; i < STAGES; i++)
        steps += stages[i].steps;
    const double engine_us = ways[0].best_ns / 1000 / (BLOCKS * LANES), peer_us = ways[1].best_ns / 1000;
    printf("\n| to t = 40, one thread | largest relative error | steps | µs per trajectory |\n| --- | --- | --- | --- |\n");
    printf("| engine, %d side by side, %s | %.2g | %d | %.2f |\n", BLOCKS * LANES, program_backend(), error, steps, engine_us);
    printf("| CVODE, BDF, rtol %.2g | %.2g | %ld | %.2f |\n", peer->tolerance, error_at_the_end(peer->end), peer->steps, peer_us);
    printf("\nCVODE takes %.1f times as long; a single trajectory on the engine takes as long as 64, %.2f µs.\n", peer_us / engine_us, engine_us * LANES);
    return true;
}

int main(void)
{
    ErrText why = {0};
    Solver solver = {0};
    Peer peer = {.tolerance = 1e-4};
    program_thread_init();
    bool right = !program_codegen(CODEGEN_LLVM, &why) && !solver_init(&solver, &why) && peer_init(&peer);
    if (right)
        right = compare(&solver, &peer);
    else
        fprintf(stderr, "bench_stiff: %s\n", why.text[0] ? why.text : "CVODE cannot be set up");
    if (peer.context)
        peer_fini(&peer);
    solver_fini(&solver);
    program_codegen(CODEGEN_OFF, NULL);
    return right ? 0 : 1;
}
