/* golden.c -- a chaotic scene has one hash, whoever computes it: [I1] and [I2] for one build of the engine.
 *
 * Lorenz, pushed a little by every operation that expressions have. After GOLDEN_STEPS a difference in the last bit of any of them anywhere has
 * grown to the size of the attractor. scripts/golden builds this file and what it tests with every compiler at every optimisation level; each
 * build runs every instruction set of this processor, interpreted and natively, on 1, 2 and 8 threads.
 *
 * golden          run them all; 1 when a hash is not GOLDEN_HASH
 * golden --check  whether the scene would notice: every operation in turn is wrong in its last bit, and the hash has to change */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/scenes.h"

#define GOLDEN_HASH UINT64_C(0x7168f7ff9e2a3f7f)

enum { GOLDEN_STEPS = 4500, GOLDEN_BLOCKS = 4, ROUNDS = 9, THREADS_MAX = 8, STATES = 3 };

// ---- the scene ----------------------------------------------------------------------------------------------------------

typedef struct Scene {
    Graph *graph;
    Op wrong;  // this one is off by a few units in the last place; OP_COUNT: none is
} Scene;

static Expr call(const Scene *scene, Op op, Expr a, Expr b)
{
    const unsigned arity = op__arity(op);
    const Expr value = arity == 1   ? graph_unary(scene->graph, op, a)
                       : arity == 2 ? graph_binary(scene->graph, op, a, b)
                                    : graph_select(scene->graph, graph_binary(scene->graph, OP_ABOVE, a, b), a, b);
    return op == scene->wrong ? scene_mul(scene->graph, value, graph_constant(scene->graph, 1 + 0x1p-50)) : value;
}

/* The sum of all operations, of what stays within their domains: |wave|, |other| <= 1, |small| <= 0.9, 1 <= positive <= 2. */
static Expr push(const Scene *scene, const Expr *s)
{
    Graph *const graph = scene->graph;
    const Expr wave = graph_unary(graph, OP_SIN, scene_mul(graph, s[0], graph_constant(graph, 0.3)));
    const Expr other = graph_unary(graph, OP_COS, scene_mul(graph, s[1], graph_constant(graph, 0.2)));
    const Expr small = scene_mul(graph, graph_constant(graph, 0.9), wave);
    const Expr positive = scene_add(graph, graph_constant(graph, 1.5), scene_mul(graph, graph_constant(graph, 0.5), other));
    Expr sum = graph_constant(graph, 0);
    for (Op op = 0; op < OP_EXPR_COUNT; op++) {
        const bool is_choice = op == OP_MIN || op == OP_MAX || op == OP_ABOVE || op == OP_SELECT;
        const bool is_of_positive = op == OP_SQRT || op == OP_LOG || op == OP_POW;
        const Expr a = is_choice ? wave : is_of_positive ? positive : small, b = is_choice ? other : op == OP_POW ? small : positive;
        sum = scene_add(graph, sum, call(scene, op, a, b));
    }
    return sum;
}

/* One step along the rates; a simple one will do, as chaos is all that is asked of it. */
static Err compile_scene(Op wrong, Arena *arena, Program *out)
{
    const Scene scene = {graph_create(arena), wrong};
    if (!scene.graph)
        return ERR_MEMORY;
    Graph *const graph = scene.graph;
    const Expr step = graph_constant(graph, LORENZ_STEP);
    Expr s[STATES], rates[STATES];
    Assignment next[STATES];
    for (uint16_t i = 0; i < STATES; i++)
        s[i] = graph_variable(graph, i);
    lorenz_rates(graph, s, rates);
    rates[1] = scene_add(graph, rates[1], scene_mul(graph, graph_constant(graph, 0.05), push(&scene, s)));
    for (uint16_t i = 0; i < STATES; i++)
        next[i] = (Assignment){i, scene_add(graph, s[i], scene_mul(graph, rates[i], step))};
    const Err err = graph_compile(graph, next, STATES, STATES, arena, out, NULL);
    graph_destroy(graph);
    return err;
}

// ---- a run --------------------------------------------------------------------------------------------------------------

typedef struct Run {
    Program program;
    double *blocks;
    Scratch scratch[THREADS_MAX];
} Run;

static void advance_block(void *context, size_t index, size_t thread)
{
    Run *const run = context;
    for (unsigned i = 0; i < GOLDEN_STEPS / ROUNDS; i++)
        program_run(&run->program, run->blocks + index * STATES * LANES, &run->scratch[thread]);
}

/* Start alike, in every lane differently, and hash the end. The rounds let a block change its thread. */
static uint64_t hash_of_run(Run *run, Workers *workers)
{
    enum { NUMBERS = GOLDEN_BLOCKS * STATES * LANES };
    for (unsigned i = 0; i < NUMBERS; i++)
        run->blocks[i] = 1.0 + 0.01 * i;
    for (unsigned round = 0; round < ROUNDS; round++)
        workers_run(workers, GOLDEN_BLOCKS, advance_block, run);
    return hash_bytes(0, run->blocks, NUMBERS * sizeof(double));
}

static Err prepare(Run *run, Op wrong, Arena *arena)
{
    *run = (Run){.blocks = arena_new(arena, double, GOLDEN_BLOCKS * STATES * LANES)};
    Err err = run->blocks ? compile_scene(wrong, arena, &run->program) : ERR_MEMORY;
    for (unsigned i = 0; i < THREADS_MAX && !err; i++)
        err = scratch_init(&run->scratch[i], run->program.registers);
    return err;
}

static void clean_up(Run *run)
{
    for (unsigned i = 0; i < THREADS_MAX; i++)
        scratch_fini(&run->scratch[i]);
}

// ---- all runs -----------------------------------------------------------------------------------------------------------

static bool check_hash(Run *run, size_t threads)
{
    Workers *workers;
    if (workers_create(threads, program_thread_init, &workers, NULL))
        return false;
    const uint64_t hash = hash_of_run(run, workers);
    workers_destroy(workers);
    printf("%016llx  %s, %zu thread%s%s\n", (unsigned long long)hash, program_runner(&run->program, NULL), threads, threads == 1 ? "" : "s",
           hash == GOLDEN_HASH ? "" : "  <- is not the golden hash");
    return hash == GOLDEN_HASH;
}

/* Compiled anew for each instruction set, as native code is made for one. */
static bool check_set(const char *instruction_set, Codegen mode)
{
    Arena arena = {0};
    Run run;
    ErrText why = {{0}};
    if (!program_use(instruction_set))
        return true;
    bool is_golden = !program_codegen(mode, &why) && !prepare(&run, OP_COUNT, &arena);
    program_codegen_wait();
    if (is_golden && mode == CODEGEN_LLVM && strcmp(instruction_set, "portable") != 0 && strncmp(program_runner(&run.program, &why), "native", 6) != 0)
        is_golden = false;
    if (!is_golden)
        printf("cannot run %s: %s\n", instruction_set, why.text);
    for (size_t threads = 1; threads <= THREADS_MAX && is_golden; threads *= threads == 1 ? 2 : 4)
        is_golden = check_hash(&run, threads);
    clean_up(&run);
    arena_fini(&arena);
    return is_golden;
}

/* Native code where POLLUX_NATIVE says where it is made. */
static bool check_all(bool is_native_too)
{
    bool is_golden = true;
    for (unsigned set = 0; set < INSTRUCTION_SETS; set++) {
        is_golden &= check_set(instruction_sets[set], CODEGEN_OFF);
        if (is_native_too && set > 0)
            is_golden &= check_set(instruction_sets[set], CODEGEN_LLVM);
    }
    return is_golden;
}

static bool check_scene(void)
{
    Workers *workers;
    if (workers_create(2, program_thread_init, &workers, NULL))
        return false;
    bool notices = true;
    for (Op op = 0; op < OP_EXPR_COUNT; op++) {
        Arena arena = {0};
        Run run;
        const bool is_noticed = !prepare(&run, op, &arena) && hash_of_run(&run, workers) != GOLDEN_HASH;
        if (!is_noticed)
            printf("a wrong %s goes unnoticed\n", op__name(op));
        notices &= is_noticed;
        clean_up(&run);
        arena_fini(&arena);
    }
    workers_destroy(workers);
    return notices;
}

int main(int count, char **arguments)
{
    program_thread_init();
    const bool is_check = count > 1 && strcmp(arguments[1], "--check") == 0;
    return (is_check ? check_scene() : check_all(getenv("POLLUX_NATIVE") != NULL)) ? 0 : 1;
}
