/* bench_compare.c -- models as the engine runs them beside the same models by hand: one table of rows, all measured in one run.
 *
 * The engine's side is a script that model_load read; what is measured is the step of its mean, or its filter. Before anything is timed both sides
 * take 100 steps from the same start, and have to agree. 16 blocks of 64 twins, one thread: nanoseconds per twin and step, best of several rounds. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/blocks.h"
#include "app/measure.h"
#include "bench/hand.h"
#include "bench/step.h"

enum { BLOCKS = 16, TWINS = BLOCKS * LANES, ROUNDS = 30, CHECKED_STEPS = 100, COLUMNS_MAX = 32, HANDS_MAX = 2 };

typedef enum Work { WORK_STEP, WORK_FILTER } Work;

typedef struct Row {
    const char *title, *model;
    double step;  // s
    Work work;
    struct {
        const char *title;
        Hand *run;
    } hands[HANDS_MAX];
    double native_most, interpreter_most;  // wished: times the first hand, 0: nothing is
    double agreement;  // relative: rounding is all that may differ
    // what the hands work on: channels, /name for a reciprocal, a*b for a covariance, >name and >>name for a sensor's innovation and its variance
    const char *columns[COLUMNS_MAX];
} Row;

#define TANKS_COLUMNS(area) "a", "b", "c", area "_a", area "_b", area "_c", "orifice_a", "orifice_b", "orifice_c", "inflow"
#define ROD_COLUMNS                                                                                                                                        \
    "T_1", "T_2", "T_3", "T_4", "T_5", "T_6", "T_7", "T_8", "T_9", "T_10", "T_11", "T_12", "T_13", "T_14", "T_15", "T_16", "T_17", "T_18", "T_19", "T_20", \
        "conductance"

static const Row rows[] = {
    {"three tanks, RK4", "three_tanks", TANKS_STEP, WORK_STEP, {{"plain", hand_tanks}}, 0.75, 1.3, 1e-12, {TANKS_COLUMNS("area")}},
    {"three tanks, RK4", "three_tanks", TANKS_STEP, WORK_STEP, {{"tuned", hand_tanks_tuned}}, 0, 0, 1e-12, {TANKS_COLUMNS("/area")}},
    {"three tanks, filter with one sample", "three_tanks", TANKS_STEP, WORK_FILTER, {{"tuned", hand_tanks_filter}}, 1.0, 0, 1e-9,
     {TANKS_COLUMNS("/area"), "a*a", "a*b", "a*c", "b*b", "b*c", "c*c", "gauge", ">gauge", ">>gauge"}},
    {"Lorenz, RK4", "lorenz", LORENZ_STEP, WORK_STEP, {{"plain", hand_lorenz}}, 1.0, 4.0, 1e-12, {"x", "y", "z", "rho"}},
    {"rod of 20 states, RK4", "rod", ROD_STEP, WORK_STEP, {{"plain", hand_rod}, {"tuned", hand_rod_tuned}}, 1.2, 0, 1e-12, {ROD_COLUMNS}},
    {"reactor, exp and tables, RK4", "reactor", REACTOR_STEP, WORK_STEP, {{"libm", hand_reactor}, {"SLEEF", hand_reactor_sleef}}, 1.2, 0, 1e-9,
     {"conc", "T", "jacket", "dilution", "feed", "feed_T", "frequency", "activation", "heating", "coolant_T", "opening"}},
    {"Robertson, RODAS3", "robertson", ROBERTSON_STEP, WORK_STEP, {{"plain", hand_robertson}, {"tuned", hand_robertson_tuned}}, 1.2, 0, 1e-9,
     {"y1", "y2", "y3", "slow", "back", "fast"}},
};

// ---- the engine's side --------------------------------------------------------------------------------------------------

/* A row's model, and what of it is run. */
typedef struct Engine {
    Model *model;
    Arena arena;
    Step step;  // of rows that are steps
    Blocks blocks;
    Program programs[2][3];  // interpreted, native
    BlocksRun runs[2];
} Engine;

static Err collect_programs(Engine *engine, Work work, ErrText *why)
{
    const Model *model = engine->model;
    Program *programs = engine->programs[1];
    Err err = ERR_OK;
    size_t count = 3;
    if (work == WORK_FILTER)
        programs[0] = model->predict, programs[1] = model->sensors[0].measure, programs[2] = model->sensors[0].correct;
    else
        err = step_compile(model, model->stepper, model->step, &engine->arena, &engine->step, why), programs[0] = engine->step.run, count = 1;
    program_codegen_wait();

    uint16_t registers = 0;
    for (size_t i = 0; i < count && !err; i++) {
        engine->programs[0][i] = program_interpreted(&programs[i]);
        registers = programs[i].registers > registers ? programs[i].registers : registers;
    }
    for (size_t i = 0; i < 2 && !err; i++) {
        engine->runs[i] = (BlocksRun){.blocks = &engine->blocks, .programs = engine->programs[i], .program_count = count};
        err = scratch_init(&engine->runs[i].scratch, registers) ? err_set(why, ERR_MEMORY, "out of memory for registers") : ERR_OK;
    }
    return err;
}

/* Begin anew. */
static Err engine_start(Engine *engine, const Row *row, ErrText *why)
{
    blocks_fini(&engine->blocks);
    const Err err = blocks_init(&engine->blocks, engine->model, BLOCKS, STEP_MORE, why);
    return err || row->work == WORK_FILTER ? err : step_prepare(&engine->step, &engine->blocks);
}

static Err engine_init(Engine *engine, const Row *row, ErrText *why)
{
    Err err = step_load(row->model, row->step, &engine->model, why);
    if (!err)
        err = collect_programs(engine, row->work, why);
    return err ? err : engine_start(engine, row, why);
}

static void engine_fini(Engine *engine)
{
    for (size_t i = 0; i < 2; i++)
        scratch_fini(&engine->runs[i].scratch);
    blocks_fini(&engine->blocks);
    arena_fini(&engine->arena);
    model_destroy(engine->model);
}

// ---- by hand ------------------------------------------------------------------------------------------------------------

typedef struct ByHand {
    Hand *run;
    double *columns[COLUMNS_MAX];  // of TWINS each
} ByHand;

/* The column of the block that a name of the row stands for. */
static uint16_t column_of(const Model *model, const char *name)
{
    char first[64];
    const char *star = strchr(name, '*');
    if (star) {
        snprintf(first, sizeof first, "%.*s", (int)(star - name), name);
        return model_covariance(model, (uint16_t)model_find(model, first), (uint16_t)model_find(model, star + 1));
    }
    const char *channel = name + strspn(name, "/>");
    for (uint16_t i = 0; i < model->sensor_count && name[0] == '>'; i++)
        if (strcmp(model->channels[model->sensors[i].channel].name, channel) == 0)
            return name[1] == '>' ? model->sensors[i].innovation_variance : model->sensors[i].innovation;
    return model->channels[model_find(model, channel)].column;
}

static bool hand_init(ByHand *hand, const Row *row, const Engine *engine)
{
    for (size_t c = 0; c < COLUMNS_MAX && row->columns[c]; c++) {
        hand->columns[c] = mem_alloc(TWINS * sizeof(double));
        for (size_t twin = 0; twin < TWINS && hand->columns[c]; twin++) {
            const double value = *blocks_cell(&engine->blocks, twin, column_of(engine->model, row->columns[c]));
            hand->columns[c][twin] = row->columns[c][0] == '/' ? 1 / value : value;
        }
        if (!hand->columns[c])
            return false;
    }
    return true;
}

static void hand_fini(ByHand *hand)
{
    for (size_t c = 0; c < COLUMNS_MAX; c++)
        mem_free(hand->columns[c]);
}

static void hand_run(void *self)
{
    ByHand *hand = self;
    hand->run(hand->columns, TWINS);
}

// ---- rows ---------------------------------------------------------------------------------------------------------------

/* The largest relative difference of anything that moves, after as many steps on both sides. */
static double difference(const Row *row, const Engine *engine, const ByHand *hand)
{
    double largest = 0;
    for (size_t c = 0; c < COLUMNS_MAX && row->columns[c]; c++) {
        if (strchr("/>", row->columns[c][0]))
            continue;
        double size = 0, apart = 0;
        for (size_t twin = 0; twin < TWINS; twin++) {
            const double value = *blocks_cell(&engine->blocks, twin, column_of(engine->model, row->columns[c]));
            size = fmax(size, fabs(value));
            apart = fmax(apart, fabs(value - hand->columns[c][twin]));
        }
        largest = fmax(largest, size > 0 ? apart / size : apart);
    }
    return largest;
}

static bool agree(const Row *row, Engine *engine, ByHand *hand)
{
    for (int i = 0; i < CHECKED_STEPS; i++) {
        blocks_run(&engine->runs[1]);
        hand_run(hand);
    }
    const double apart = difference(row, engine, hand);
    if (!(apart <= row->agreement))
        fprintf(stderr, "bench_compare: %s, %s: the two sides differ by %g after %d steps\n", row->title, row->hands[0].title, apart, CHECKED_STEPS);
    return apart <= row->agreement;
}

static void print_ratio(double ratio, double most)
{
    if (most > 0)
        printf(" %.2f (%s %.2f) |", ratio, ratio <= most ? "at most" : "**above**", most);
    else
        printf(" %.2f |", ratio);
}

static void print_row(const Row *row, const Way *ways)
{
    for (size_t i = 0; i < HANDS_MAX && row->hands[i].run; i++) {
        const double interpreted = ways[0].best_ns / TWINS, native = ways[1].best_ns / TWINS, hand = ways[2 + i].best_ns / TWINS;
        printf("| %s | %.2f | %.2f | %s %.2f |", row->title, interpreted, native, row->hands[i].title, hand);
        print_ratio(native / hand, i ? 0 : row->native_most);
        print_ratio(interpreted / hand, i ? 0 : row->interpreter_most);
        printf("\n");
    }
    fflush(stdout);
}

/* What the first row leaves for the peers that are programs of their own. */
typedef struct Reference {
    double native_ns;
    double levels[3];  // of the last twin after the checked steps
} Reference;

static bool measure_row(const Row *row, Reference *reference)
{
    Engine engine = {0};
    ByHand hands[HANDS_MAX] = {0};
    Way ways[2 + HANDS_MAX] = {{"interpreted", blocks_run, &engine.runs[0], 0}, {"native", blocks_run, &engine.runs[1], 0}};
    ErrText why = {0};
    bool right = !engine_init(&engine, row, &why);
    if (!right)
        fprintf(stderr, "bench_compare: %s\n", why.text);

    size_t count = 0;
    for (; count < HANDS_MAX && row->hands[count].run && right; count++) {
        hands[count].run = row->hands[count].run;
        ways[2 + count] = (Way){row->hands[count].title, hand_run, &hands[count], 0};
        right = !engine_start(&engine, row, &why) && hand_init(&hands[count], row, &engine) && agree(row, &engine, &hands[count]);
        for (size_t i = 0; i < 3 && right; i++)
            reference->levels[i] = hands[count].columns[i][TWINS - 1];
    }
    if (right) {
        measure_ways(ways, 2 + count, ROUNDS);
        print_row(row, ways);
    }
    reference->native_ns = ways[1].best_ns / TWINS;
    for (size_t i = 0; i < HANDS_MAX; i++)
        hand_fini(&hands[i]);
    engine_fini(&engine);
    return right;
}

static bool measure_rows(Reference *first)
{
    printf("\n| nanoseconds per twin and step | interpreted | native | C by hand | native / by hand | interpreted / by hand |\n"
           "| --- | --- | --- | --- | --- | --- |\n");
    bool right = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Reference reference = {0};
        right = measure_row(&rows[i], &reference) && right;
        *first = i == 0 ? reference : *first;
    }
    return right;
}

// ---- Lua ----------------------------------------------------------------------------------------------------------------

/* The three tanks in plain Lua: it times itself. NaN when it cannot be run, or has computed something else. */
static double time_lua(const char *program, const double expected[3])
{
    char command[600];
    double levels[3], ns = NAN;
    snprintf(command, sizeof command, "%s " BENCH_PEERS "/three_tanks.lua %d 10", program, TWINS);
    FILE *pipe = popen(command, "r");
    if (!pipe || fscanf(pipe, "%lf %lf %lf %lf", &levels[0], &levels[1], &levels[2], &ns) != 4)
        ns = NAN;
    if (pipe)
        pclose(pipe);
    for (size_t i = 0; i < 3 && isfinite(ns); i++)
        if (!(fabs(levels[i] - expected[i]) <= 1e-12))
            ns = NAN;
    return ns;
}

static bool compare_lua(const Reference *reference)
{
    static const struct {
        const char *program;
        double least;
    } peers[] = {{"lua5.4", 60}, {"luajit", 5}};
    printf("\n| three tanks, RK4 | nanoseconds per twin and step | times native |\n| --- | --- | --- |\n");
    bool right = true;
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        const double ns = time_lua(peers[i].program, reference->levels), ratio = ns / reference->native_ns;
        right = right && isfinite(ns);
        printf("| %s | %.1f | %.1f (%s %.0f) |\n", peers[i].program, ns, ratio, ratio >= peers[i].least ? "at least" : "**below**", peers[i].least);
    }
    return right;
}

int main(void)
{
    ErrText why = {0};
    program_thread_init();
    if (program_codegen(CODEGEN_LLVM, &why)) {
        fprintf(stderr, "bench_compare: %s\n", why.text);
        return 1;
    }
    Reference tanks = {0};
    printf("%s\n", program_backend());
    bool right = measure_rows(&tanks);
    right = compare_lua(&tanks) && right;
    program_codegen(CODEGEN_OFF, NULL);
    return right ? 0 : 1;
}
