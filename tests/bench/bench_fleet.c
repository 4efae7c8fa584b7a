/* bench_fleet -- a million twins: how long a plant script takes to load, what a twin costs in memory, and how fast a second of plant time goes by.
 *
 * Each twin is three tanks in a row with an extended Kalman filter (3 states, 6 covariances) and one gauge, stepped every 0.1 s and corrected once a
 * second. A second is 10 ticks of the real path: every sample is filed (sync_file), collected, judged and folded in (sync_correct).
 * Samples of a second come in three ways: a tenth of the fleet in each tick, the whole fleet in one tick, or each twin in a tick of its own choosing.
 *
 * bench_fleet [TWINS-MAX [THREADS [STEPPER]]]: 1,000,000 twins, 2 threads, rk4. */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "sync/sync.h"

enum { TICKS = 10, WARM_SECONDS = 3, SECONDS = 5, PROVIDER = 1 };
#define STEP_NS (100 * NS_PER_MS)
static const int64_t START = INT64_C(1700000000) * NS_PER_S;

static const char model_text[] =
    "return model \"three_tank\" {\n"
    "  doc = \"Three tanks in a row: water runs from each to the next through a pipe, and out of the last\",\n"
    "  stepper = \"%s\",\n"
    "  params = { area = { 0.0154, \"m^2\", min = 1e-4 }, pipe = { 2.5e-5, \"m^2\", min = 0 }, drain = { 4e-5, \"m^2\", min = 0 } },\n"
    "  inputs = { left = { 30, \"ml/s\" }, right = { 10, \"ml/s\" } },\n"
    "  states = { h1 = { 0.5, \"m\", min = 0, noise = 1e-3, sd = 0.01 }, h2 = { 0.3, \"m\", min = 0, noise = 1e-3, sd = 0.01 },\n"
    "             h3 = { 0.1, \"m\", min = 0, noise = 1e-3, sd = 0.01 } },\n"
    "  equations = function(t)\n"
    "    local function flow(section, head) return section * sqrt(2 * g * max(head, quantity(1, \"mm\"))) end\n"
    "    local first, second = flow(t.pipe, t.h1 - t.h2), flow(t.pipe, t.h2 - t.h3)\n"
    "    t.h1.rate = (t.left - first) / t.area\n"
    "    t.h2.rate = (first - second) / t.area\n"
    "    t.h3.rate = (second + t.right - flow(t.drain, t.h3)) / t.area\n"
    "  end,\n"
    "  sensors = { gauge = { of = \"h1\", noise = 0.01, unit = \"m\", every = 1 } },\n"
    "}\n";

static const char plant_text[] =
    "return plant \"fleet\" {\n"
    "  step = 0.1, clock = \"provider\",\n"
    "  assets = { fleet(\"site\", %zu, \"three_tank\", function(i) return { area = 0.0154 * (1 + 0.001 * (i %% 7)), at = { i %% 300, i // 300, 0 } } end) },\n"
    "}\n";

typedef enum Spread { SPREAD_TENTHS, SPREAD_ONE_TICK, SPREAD_RANDOM, SPREAD_COUNT } Spread;

typedef struct Bench {
    Plant *plant;
    Sync *sync;
    uint16_t gauge, h1;
    int64_t second;      // plant time, since START
    Sample *samples;     // of a tick
    size_t sample_count;
    uint64_t file_ns, collect_ns, advance_ns, correct_ns, worked_ns, used;
} Bench;

static int64_t now(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

/* What all threads have worked: beside other programs on the same processors this says more than the time that went by. */
static int64_t worked(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * NS_PER_S + time.tv_nsec;
}

static void die(const char *why)
{
    fprintf(stderr, "bench_fleet: %s\n", why);
    exit(1);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        die(path);
}

static size_t resident_bytes(void)
{
    size_t pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%zu %zu", &pages, &resident) != 2)
        die("/proc/self/statm cannot be read");
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* What the fleet's gauges say: their tanks as the twins expect them, and noise of the gauge's own. */
static void say(Bench *bench, uint32_t twin, int64_t time)
{
    static double noise[1 << 12];
    if (noise[0] == 0)
        for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
            noise[i] = 0.01 * random_normal(1, 1, i);
    const double value = *plant_cell(bench->plant, twin, bench->h1) + noise[(twin * 7919u + (uint32_t)bench->second * 104729u) % (sizeof noise / sizeof *noise)];
    bench->samples[bench->sample_count++] = (Sample){.time = time, .value = value, .tag = plant_tag(bench->plant, twin, bench->gauge)};
}

/* The samples of one tick. */
static void say_tick(Bench *bench, Spread spread, int64_t tick)
{
    const uint32_t count = bench->plant->twin_count;
    const int64_t time = START + bench->second * NS_PER_S + tick * STEP_NS + STEP_NS / 2;
    const uint32_t from = (uint32_t)((uint64_t)count * (uint64_t)tick / TICKS), to = (uint32_t)((uint64_t)count * (uint64_t)(tick + 1) / TICKS);
    bench->sample_count = 0;
    if (spread == SPREAD_TENTHS)
        for (uint32_t twin = from; twin < to; twin++)
            say(bench, twin, time);
    else if (spread == SPREAD_ONE_TICK)
        for (uint32_t twin = 0; twin < count && tick == 0; twin++)
            say(bench, twin, time);
    else
        for (uint32_t twin = 0; twin < count; twin++)
            if ((twin * UINT32_C(2654435761) >> 16) % TICKS == (uint32_t)tick)
                say(bench, twin, time);
}

static void file_samples(Bench *bench)
{
    Arrival arrival = {.kind = ARRIVAL_SAMPLE, .provider = PROVIDER};
    Filed filed;
    for (size_t i = 0; i < bench->sample_count; i++) {
        arrival.sample = bench->samples[i];
        sync_file(bench->sync, &arrival, &filed);
    }
}

static void run_second(Bench *bench, Spread spread)
{
    for (int64_t tick = 0; tick < TICKS; tick++) {
        say_tick(bench, spread, tick);
        const int64_t start = now(), at_work = worked();
        file_samples(bench);
        const int64_t filed = now();
        const Batch batch = sync_collect(bench->sync);
        const int64_t collected = now();
        plant_advance(bench->plant);
        const int64_t advanced = now();
        sync_correct(bench->sync, bench->plant, batch);
        bench->file_ns += (uint64_t)(filed - start);
        bench->collect_ns += (uint64_t)(collected - filed);
        bench->advance_ns += (uint64_t)(advanced - collected);
        bench->correct_ns += (uint64_t)(now() - advanced);
        bench->worked_ns += (uint64_t)(worked() - at_work);
        bench->used += batch.count;
    }
    bench->second++;
}

typedef struct Figures {
    double file, collect, advance, correct, total, worked;  // ms per second of plant time
} Figures;

static Figures measure(Bench *bench, Spread spread)
{
    for (int i = 0; i < WARM_SECONDS; i++)
        run_second(bench, spread);
    Figures best = {.total = INFINITY};
    for (int i = 0; i < SECONDS; i++) {
        bench->file_ns = bench->collect_ns = bench->advance_ns = bench->correct_ns = bench->worked_ns = bench->used = 0;
        run_second(bench, spread);
        if (bench->used != bench->plant->twin_count)
            die("not every twin was corrected once");
        const Figures figures = {(double)bench->file_ns / 1e6, (double)bench->collect_ns / 1e6, (double)bench->advance_ns / 1e6, (double)bench->correct_ns / 1e6,
                                 (double)(bench->file_ns + bench->collect_ns + bench->advance_ns + bench->correct_ns) / 1e6, (double)bench->worked_ns / 1e6};
        if (figures.total < best.total)
            best = figures;
    }
    return best;
}

static void run(const char *folder, size_t twins, size_t threads)
{
    char path[256], text[1024];
    ErrText why = {""};
    Bench bench = {0};
    snprintf(path, sizeof path, "%s/plant.lua", folder);
    snprintf(text, sizeof text, plant_text, twins);
    write_file(path, text);

    malloc_trim(0);
    const size_t before = resident_bytes();
    const int64_t start = now();
    if (plant_load(path, threads, &bench.plant, &why))
        die(why.text);
    const double load_s = (double)(now() - start) / 1e9;
    program_codegen_wait();
    if (sync_create(bench.plant, &bench.sync))
        die("no memory");
    const size_t loaded = resident_bytes();
    bench.samples = mem_alloc(twins * sizeof *bench.samples);
    if (!bench.samples)
        die("no memory");
    const Model *model = bench.plant->models[0];
    bench.gauge = (uint16_t)model_find(model, "gauge");
    bench.h1 = (uint16_t)model_find(model, "h1");
    sync_file(bench.sync, &(Arrival){.kind = ARRIVAL_JOINED, .provider = PROVIDER}, &(Filed){0});
    sync_begin(bench.sync, START);

    static const char *const names[SPREAD_COUNT] = {"tenths", "one tick", "random"};
    const double count = (double)twins, columns = model->column_count * 8.0;
    for (Spread spread = 0; spread < SPREAD_COUNT; spread++) {
        const Figures figures = measure(&bench, spread);
        const size_t resident = resident_bytes();
        printf("%9zu  %6.2f  %5.0f %5.0f %5.2f %5.0f  %-8s  %7.2f %7.2f %7.2f %7.2f  %8.2f %8.2f  %7.1fx\n", twins, load_s, columns, (double)(loaded - before) / count,
               (double)(loaded - before) / count / columns, ((double)(resident - before) - (double)twins * sizeof(Sample)) / count, names[spread], figures.file, figures.collect, figures.advance, figures.correct,
               figures.total, figures.worked, 1000 / figures.total);
        fflush(stdout);
    }
    if (plant_quarantined(bench.plant))
        die("twins are in quarantine");
    mem_free(bench.samples);
    sync_destroy(bench.sync);
    plant_destroy(bench.plant);
}

int main(int argc, char **argv)
{
    const size_t twins_max = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000, threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 2;
    char folder[] = "/tmp/bench_fleet.XXXXXX", path[128], text[sizeof model_text + 32];
    ErrText why = {""};
    if (!mkdtemp(folder))
        die("no folder");
    snprintf(path, sizeof path, "%s/three_tank.lua", folder);
    snprintf(text, sizeof text, model_text, argc > 3 ? argv[3] : "rk4");
    write_file(path, text);
    program_codegen(CODEGEN_AUTO, &why);
    program_thread_init();

    printf("%s, %zu threads; a second of plant time, 10 ticks, every twin corrected once\n", program_backend(), threads);
    printf("%9s  %6s  %23s  %-8s  %31s  %8s %8s  %8s\n", "", "load", "bytes per twin", "samples", "ms in", "ms", "ms of", "times");
    printf("%9s  %6s  %5s %5s %5s %5s  %-8s  %7s %7s %7s %7s  %8s %8s  %8s\n", "twins", "s", "cols", "RSS", "ratio", "run", "come", "file", "collect", "predict", "correct", "in all", "all cores", "real time");
    for (size_t twins = 1000; twins <= twins_max; twins *= 10)
        run(folder, twins, threads);

    unlink(path);
    snprintf(path, sizeof path, "%s/plant.lua", folder);
    unlink(path);
    rmdir(folder);
    program_codegen(CODEGEN_OFF, NULL);
    unit_forget_all();
    return 0;
}
