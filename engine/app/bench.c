/* bench.c -- pollux bench: what models cost on this machine. */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/blocks.h"
#include "app/commands.h"
#include "app/measure.h"

#define LIBRARY "twins/models/*.lua"

const Subcommand subcommand_bench = {
    "bench", "measure what models cost on this machine",
    "Prints, per model, the time that one twin takes for one step of mean and covariance (predict) and for one sample (measure and correct, the mean over its\n"
    "sensors), in nanoseconds, interpreted and with native code; how long the native code of the model took to compile; and how many steps N threads take\n"
    "in the time of one. Without models, those of " LIBRARY ". Leave the machine alone meanwhile.",
    command_bench};

enum {
    ROUNDS = 8,
    BLOCKS_CACHED = 4,    // what one core has in its caches
    BLOCKS_SHARED = 512,  // what threads share out: long beside the waking of a thread
};
#define STEP 0.1  // s: what a step costs does not depend on its length

typedef struct Figures {
    double predict[2], sample[2];  // ns per twin: interpreted, and as it runs
    double alone, together;        // ns per twin: predict by one thread, and by all
    double compile_ms;
} Figures;

// One thread.

static double per_twin(const Way *way)
{
    return way->best_ns / (BLOCKS_CACHED * LANES);
}

static Err measure_programs(const Model *model, Figures *figures, ErrText *why)
{
    Blocks blocks;
    BlocksRun runs[4] = {0};
    Program programs[2][1 + 2 * MODEL_CHANNELS_MAX];
    const size_t count = 2 * (size_t)model->sensor_count;
    programs[1][0] = model->predict;
    for (uint16_t i = 0; i < model->sensor_count; i++)
        programs[1][1 + 2 * i] = model->sensors[i].measure, programs[1][2 + 2 * i] = model->sensors[i].correct;
    for (size_t i = 0; i <= count; i++)
        programs[0][i] = program_interpreted(&programs[1][i]);

    Err err = blocks_init(&blocks, model, BLOCKS_CACHED, 0, why);
    Way ways[4];
    for (size_t i = 0; i < 4; i++) {
        const bool is_predict = i < 2;
        runs[i] = (BlocksRun){.blocks = &blocks, .programs = programs[i % 2] + !is_predict, .program_count = is_predict ? 1 : count};
        ways[i] = (Way){.run = blocks_run, .self = &runs[i]};
        if (!err && scratch_init(&runs[i].scratch, model->registers_max))
            err = err_set(why, ERR_MEMORY, "out of memory for the registers of model \"%s\"", model->name);
    }
    if (!err)
        measure_ways(ways, 4, ROUNDS);
    for (size_t i = 0; i < 2; i++) {
        figures->predict[i] = per_twin(&ways[i]);
        figures->sample[i] = model->sensor_count ? per_twin(&ways[2 + i]) / model->sensor_count : 0;
    }
    for (size_t i = 0; i < 4; i++)
        scratch_fini(&runs[i].scratch);
    blocks_fini(&blocks);
    return err;
}

// All threads.

typedef struct SharedRun {
    const Blocks *blocks;
    Workers *workers;
    Scratch scratch[WORKERS_MAX];
} SharedRun;

static void predict_block(void *self, size_t index, size_t thread)
{
    SharedRun *run = self;
    program_run(&run->blocks->model->predict, blocks_at(run->blocks, index), &run->scratch[thread]);
}

static void predict_all(void *self)
{
    SharedRun *run = self;
    workers_run(run->workers, run->blocks->count, predict_block, run);
}

static Err share(SharedRun *run, const Blocks *blocks, size_t threads, ErrText *why)
{
    run->blocks = blocks;
    Err err = workers_create(threads, program_thread_init, &run->workers, why);
    for (size_t i = 0; i < threads && !err; i++)
        if (scratch_init(&run->scratch[i], blocks->model->registers_max))
            err = err_set(why, ERR_MEMORY, "out of memory for the registers of %zu threads", threads);
    return err;
}

static void unshare(SharedRun *run)
{
    for (size_t i = 0; i < WORKERS_MAX; i++)
        scratch_fini(&run->scratch[i]);
    if (run->workers)
        workers_destroy(run->workers);
}

static Err measure_threads(const Model *model, size_t threads, Figures *figures, ErrText *why)
{
    Blocks blocks;
    SharedRun runs[2] = {0};
    Err err = blocks_init(&blocks, model, BLOCKS_SHARED, 0, why);
    if (!err)
        err = share(&runs[0], &blocks, 1, why);
    if (!err)
        err = share(&runs[1], &blocks, threads, why);
    if (!err) {
        Way ways[2] = {{.run = predict_all, .self = &runs[0]}, {.run = predict_all, .self = &runs[1]}};
        measure_ways(ways, 2, ROUNDS);
        figures->alone = ways[0].best_ns / (BLOCKS_SHARED * LANES);
        figures->together = ways[1].best_ns / (BLOCKS_SHARED * LANES);
    }
    unshare(&runs[0]);
    unshare(&runs[1]);
    blocks_fini(&blocks);
    return err;
}

// The table.

static void print_head(size_t threads)
{
    printf("%s; %zu threads; nanoseconds per twin\n\n", program_backend(), threads);
    printf("%-18s %6s %12s | %12s %10s | %12s %10s | %10s | %9s %9s\n", "", "", "", "predict", "", "a sample", "", "", "", "");
    printf("%-18s %6s %12s | %12s %10s | %12s %10s | %10s | %9s %9s\n", "model", "states", "instructions", "interpreted", "native", "interpreted", "native",
           "compile ms", "threads", "speed-up");
}

static void print_native(const Program *program, double ns)
{
    const bool is_native = strncmp(program_runner(program, NULL), "native", strlen("native")) == 0;
    if (is_native)
        printf(" %10.2f |", ns);
    else
        printf(" %10s |", "-");
}

static void print_row(const Model *model, const Figures *figures)
{
    printf("%-18s %6u %12u | %12.2f", model->name, model->state_count, model->predict.length, figures->predict[0]);
    print_native(&model->predict, figures->predict[1]);
    printf(" %12.2f", figures->sample[0]);
    print_native(model->sensor_count ? &model->sensors[0].correct : &model->predict, figures->sample[1]);
    printf(" %10.1f | %9.2f %9.2f\n", figures->compile_ms, figures->together, figures->alone / figures->together);
    fflush(stdout);
}

static Err bench_model(const char *path, size_t threads, bool is_first, ErrText *why)
{
    Model *model;
    Figures figures = {0};
    const int64_t before = program_codegen_state().compile_ns;
    Err err = model_load(path, STEP, &model, why);
    if (err)
        return err;
    if (model->filter.members) {
        model_destroy(model);
        return err_set(why, ERR_USAGE, "%s: an ensemble follows this model, whose members are no program: expected models with the extended filter", path);
    }
    program_codegen_wait();
    figures.compile_ms = (double)(program_codegen_state().compile_ns - before) / NS_PER_MS;

    err = measure_programs(model, &figures, why);
    if (!err)
        err = measure_threads(model, threads, &figures, why);
    if (!err && is_first)
        print_head(threads);
    if (!err)
        print_row(model, &figures);
    model_destroy(model);
    return err;
}

static Err bench_all(const char *const *paths, size_t count, size_t threads, ErrText *why)
{
    Err err = count ? ERR_OK : err_set(why, ERR_USAGE, "bench: expected models, as there is no " LIBRARY " here");
    for (size_t i = 0; i < count && !err && !stop_asked; i++)
        err = bench_model(paths[i], threads, i == 0, why);
    return err;
}

int command_bench(int argc, char **argv)
{
    OptionList models = {0};
    const char *codegen = "auto";
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long threads = processors > 0 && processors < WORKERS_MAX ? processors : 1;
    const Option options[] = {
        {OPTION_OPERANDS, "MODEL...", NULL, "models, Lua files (those of the library)", &models, 0, 0},
        {OPTION_WHOLE, "threads", "N", "threads that share the blocks (one per processor)", &threads, 1, WORKERS_MAX},
        CODEGEN_OPTION(&codegen),
    };
    const OptionResult parsed = options_parse(&subcommand_bench, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    if (codegen_begin(codegen, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    stop_on_signals();
    program_thread_init();
    glob_t library = {0};
    if (models.count == 0)
        glob(LIBRARY, 0, NULL, &library);
    const char *const *paths = models.count ? models.items : (const char *const *)library.gl_pathv;
    const Err err = bench_all(paths, models.count ? models.count : library.gl_pathc, (size_t)threads, &why);
    globfree(&library);
    codegen_end();
    return err ? subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why) : EXIT_DONE;
}
