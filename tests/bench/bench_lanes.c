/* bench_lanes.c -- what one step of one twin costs: programs on every instruction set, next to loops written by hand.
 *
 * 16 blocks of 64 twins, so that the columns lie in the second-level cache, as they do when a plant is advanced block by block.
 * The best of several runs is printed: the machine is rarely alone. */
#include <stdio.h>

#include "graph/scenes.h"

enum { BLOCKS = 16, TWINS = BLOCKS * LANES, STEPS = 400, RUNS = 12 };

// ---- by hand, over structures of arrays -----------------------------------------------------------------------------------

static void lorenz_by_hand(double *restrict x, double *restrict y, double *restrict z)
{
    const double h = LORENZ_STEP;
    for (unsigned i = 0; i < TWINS; i++) {
        const double ax = 10.0 * (y[i] - x[i]), ay = x[i] * (28.0 - z[i]) - y[i], az = x[i] * y[i] - 8.0 / 3.0 * z[i];
        double u = x[i] + ax * (h / 2), v = y[i] + ay * (h / 2), w = z[i] + az * (h / 2);
        const double bx = 10.0 * (v - u), by = u * (28.0 - w) - v, bz = u * v - 8.0 / 3.0 * w;
        u = x[i] + bx * (h / 2), v = y[i] + by * (h / 2), w = z[i] + bz * (h / 2);
        const double cx = 10.0 * (v - u), cy = u * (28.0 - w) - v, cz = u * v - 8.0 / 3.0 * w;
        u = x[i] + cx * h, v = y[i] + cy * h, w = z[i] + cz * h;
        const double dx = 10.0 * (v - u), dy = u * (28.0 - w) - v, dz = u * v - 8.0 / 3.0 * w;
        x[i] += (ax + 2.0 * (bx + cx) + dx) * (h / 6);
        y[i] += (ay + 2.0 * (by + cy) + dy) * (h / 6);
        z[i] += (az + 2.0 * (bz + cz) + dz) * (h / 6);
    }
}

typedef struct Tanks {
    double level[3][TWINS], area[3][TWINS], orifice[3][TWINS], inflow[TWINS];
} Tanks;

static inline double drain(double orifice, double level)
{
    return orifice * sqrt(2 * 9.81 * (level > 0.0 ? level : 0.0));
}

static inline void tank_rates_by_hand(const Tanks *t, unsigned i, double a, double b, double c, double rate[3])
{
    const double first = drain(t->orifice[0][i], a), second = drain(t->orifice[1][i], b), third = drain(t->orifice[2][i], c);
    rate[0] = (t->inflow[i] - first) / t->area[0][i];
    rate[1] = (first - second) / t->area[1][i];
    rate[2] = (second - third) / t->area[2][i];
}

static void tanks_by_hand(Tanks *restrict t)
{
    const double h = TANK_STEP;
    for (unsigned i = 0; i < TWINS; i++) {
        const double a = t->level[0][i], b = t->level[1][i], c = t->level[2][i];
        double p[3], q[3], r[3], s[3];
        tank_rates_by_hand(t, i, a, b, c, p);
        tank_rates_by_hand(t, i, a + p[0] * (h / 2), b + p[1] * (h / 2), c + p[2] * (h / 2), q);
        tank_rates_by_hand(t, i, a + q[0] * (h / 2), b + q[1] * (h / 2), c + q[2] * (h / 2), r);
        tank_rates_by_hand(t, i, a + r[0] * h, b + r[1] * h, c + r[2] * h, s);
        t->level[0][i] = a + (p[0] + 2.0 * (q[0] + r[0]) + s[0]) * (h / 6);
        t->level[1][i] = b + (p[1] + 2.0 * (q[1] + r[1]) + s[1]) * (h / 6);
        t->level[2][i] = c + (p[2] + 2.0 * (q[2] + r[2]) + s[2]) * (h / 6);
    }
}

// ---- timing -------------------------------------------------------------------------------------------------------------

typedef void Work(void *context);

/* Nanoseconds per twin and step. */
static double time_of(Work *work, void *context)
{
    int64_t best = INT64_MAX;
    for (int run = 0; run < RUNS; run++) {
        const int64_t start = clock_system.elapsed_ns(clock_system.self);
        for (int step = 0; step < STEPS; step++)
            work(context);
        const int64_t duration = clock_system.elapsed_ns(clock_system.self) - start;
        best = duration < best ? duration : best;
    }
    return (double)best / STEPS / TWINS;
}

static void work_lorenz(void *context)
{
    double(*columns)[TWINS] = context;
    lorenz_by_hand(columns[0], columns[1], columns[2]);
}

static void work_tanks(void *context)
{
    tanks_by_hand(context);
}

typedef struct Run {
    Program program;
    double *blocks;
    Scratch scratch;
} Run;

static void work_program(void *context)
{
    Run *const run = context;
    for (size_t i = 0; i < BLOCKS; i++)
        program_run(&run->program, run->blocks + i * run->program.columns * LANES, &run->scratch);
}

static double start_value(unsigned column, unsigned twin)
{
    return 0.5 + 0.1 * column + 1e-4 * twin;
}

static double time_of_run(Run *run)
{
    for (unsigned i = 0; i < run->program.columns * (unsigned)TWINS; i++)
        run->blocks[i] = start_value(i / LANES % run->program.columns, i % LANES);
    return time_of(work_program, run);
}

/* Native code came with the program, for the best instruction set that is here. */
static void measure_native(Run run, const CodegenState *before)
{
    program_codegen_wait();
    const CodegenState after = program_codegen_state();
    if (after.compiled > before->compiled)
        printf(", %s %.2f ns (compiled in %.1f ms)\n", program_backend(), time_of_run(&run),
               (double)(after.compile_ns - before->compile_ns) / NS_PER_MS);
    else
        printf(", no native code: %s\n", after.why.text);
}

/* Print one line: what it costs on each instruction set, and natively. */
static bool measure(const char *title, const Assignment *step, size_t count, uint16_t columns, Graph *graph, Arena *arena)
{
    Run run = {.blocks = mem_alloc(sizeof(double) * columns * TWINS)};
    const CodegenState before = program_codegen_state();
    if (!run.blocks || graph_compile(graph, step, count, columns, arena, &run.program, NULL) || scratch_init(&run.scratch, run.program.registers))
        return false;

    printf("%-24s %5u instructions, %3u registers:", title, run.program.length, run.program.registers);
    Run interpreted = run;
    interpreted.program.native = NULL;
    for (unsigned set = 0; set < INSTRUCTION_SETS; set++) {
        if (!program_use(instruction_sets[set]))
            continue;
        printf("  %s %.2f", instruction_sets[set], time_of_run(&interpreted));
        fflush(stdout);
    }
    printf(" ns");
    measure_native(run, &before);
    scratch_fini(&run.scratch);
    mem_free(run.blocks);
    return true;
}

int main(void)
{
    static double lorenz[3][TWINS];
    static Tanks tanks;
    for (unsigned i = 0; i < TWINS; i++) {
        for (unsigned k = 0; k < 3; k++) {
            lorenz[k][i] = start_value(k, i);
            tanks.level[k][i] = start_value(k, i), tanks.area[k][i] = start_value(3 + k, i), tanks.orifice[k][i] = start_value(6 + k, i);
        }
        tanks.inflow[i] = start_value(9, i);
    }
    program_thread_init();
    program_codegen(CODEGEN_AUTO, NULL);

    Arena arena = {0};
    Graph *const graph = graph_create(&arena);
    static Assignment step[ROD_COLUMNS];
    scene_rk4(graph, lorenz_rates, 3, LORENZ_STEP, step);
    bool done = measure("Lorenz", step, 3, 3, graph, &arena);
    printf("%-24s %.2f ns\n", "Lorenz by hand", time_of(work_lorenz, lorenz));
    size_t count = tank_predict(graph, step);
    done = done && measure("three tanks", step, 3, TANK_COLUMNS, graph, &arena);
    printf("%-24s %.2f ns\n", "three tanks by hand", time_of(work_tanks, &tanks));
    done = done && measure("three tanks, covariance", step, count, TANK_COLUMNS, graph, &arena);
    count = rod_predict(graph, step);
    done = done && measure("rod, covariance", step, count, ROD_COLUMNS, graph, &arena);
    graph_destroy(graph);
    arena_fini(&arena);
    return done ? 0 : 1;
}
