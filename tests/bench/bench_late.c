/* bench_late -- what late samples cost: ticks without any, with and without a window, and then one late sample after the other.
 *
 * A fleet is of tanks, all measured once a second in ticks of 0.1 s, a tenth of them in each. A late sample comes 4 s behind its tick, which is 40 ticks. The
 * other plants are told what they expect, each sensor at every tick, and one sample of a sensor comes 4 s late at each tick.
 *
 * bench_late [TWINS [THREADS [PLANT...]]]: 100,000 twins, 2 threads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "alarm/alarm.h"

enum { WARM = 320, TICKS = 200, FLEET_PERIOD = 10, LATE_S = 4, LAG_S = 30 };
static const int64_t START = INT64_C(1700000000) * NS_PER_S;

typedef struct Bench {
    Plant *plant;
    Sync *sync;
    Alarms *alarms;
    TagId *tags;  // that take samples
    size_t tag_count, period;  // each of them every so many ticks
    int64_t tick;
} Bench;

static void die(const char *why)
{
    fprintf(stderr, "bench_late: %s\n", why);
    exit(1);
}

/* What all threads have worked: beside other programs on the same processors this says more than the time that went by. */
static int64_t worked(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * NS_PER_S + time.tv_nsec;
}

static Bench bench_open(const char *path, size_t threads, size_t period)
{
    Bench bench = {.period = period};
    ErrText why = {""};
    if (plant_load(path, threads, &bench.plant, &why))
        die(why.text);
    program_codegen_wait();
    bench.tags = mem_alloc(tags_count(bench.plant->tags) * sizeof *bench.tags);
    if (!bench.tags || sync_create(bench.plant, &bench.sync) || alarms_create(bench.plant, &bench.alarms, &why))
        die("no memory");
    for (TagId tag = 0; tag < tags_count(bench.plant->tags); tag++)
        if (tags_get(bench.plant->tags, tag).role == TAG_SAMPLED)
            bench.tags[bench.tag_count++] = tag;
    sync_begin(bench.sync, START);
    return bench;
}

static void bench_close(Bench *bench)
{
    alarms_destroy(bench->alarms);
    sync_destroy(bench->sync);
    plant_destroy(bench->plant);
    mem_free(bench->tags);
}

/* An input as it is; a sensor as the state it measures, or as it was last. */
static void say(Bench *bench, TagId tag, int64_t time)
{
    const Place place = plant_place(bench->plant, tag);
    const Model *model = plant_model(bench->plant, place.twin);
    double value = plant_value(bench->plant, tag);
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == place.channel && isnan(value))
            value = *plant_cell(bench->plant, place.twin, model->channels[0].column);
    Filed filed;
    sync_file(bench->sync, &(Arrival){.kind = ARRIVAL_SAMPLE, .sample = {.time = time, .value = value, .tag = tag}}, &filed);
}

/* One tick, and what it took: all of it, and what was spent on late samples. */
typedef struct Took {
    double tick_ms, late_us, alarms_us;
} Took;

static void judge_again(void *self, int64_t tick, int64_t at, const PlantPart *part)
{
    const Bench *bench = self;
    (void)at;
    alarm_judge_again(bench->alarms, bench->sync, part, sync_time(bench->sync, tick));
}

static Took run_tick(Bench *bench, bool late)
{
    const int64_t step = bench->plant->step_ns, time = sync_time(bench->sync, sync_next_tick(bench->sync)) - step;
    for (size_t i = (size_t)bench->tick % bench->period; i < bench->tag_count; i += bench->period)
        say(bench, bench->tags[i], time);
    if (late)
        say(bench, bench->tags[(size_t)bench->tick * 7919 % bench->tag_count], time - LATE_S * NS_PER_S + step / 2);
    bench->tick++;
    const int64_t start = worked();
    sync_amend(bench->sync);
    const int64_t amended = worked();
    const Batch batch = sync_collect(bench->sync);
    plant_advance(bench->plant);
    sync_correct(bench->sync, bench->plant, batch);
    const int64_t corrected = worked();
    alarm_judge(bench->alarms, bench->plant, bench->sync, batch, time + step);
    alarms_settle(bench->alarms);
    const int64_t end = worked();
    return (Took){(double)(end - start) / 1e6, (double)(amended - start) / 1e3, (double)(end - corrected) / 1e3};
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Medians. */
static Took run_ticks(Bench *bench, bool late)
{
    double ticks[TICKS], amends[TICKS], alarms[TICKS];
    for (int i = 0; i < TICKS; i++) {
        const Took took = run_tick(bench, late);
        ticks[i] = took.tick_ms;
        amends[i] = took.late_us;
        alarms[i] = took.alarms_us;
    }
    qsort(ticks, TICKS, sizeof *ticks, by_value);
    qsort(amends, TICKS, sizeof *amends, by_value);
    qsort(alarms, TICKS, sizeof *alarms, by_value);
    return (Took){ticks[TICKS / 2], amends[TICKS / 2], alarms[TICKS / 2]};
}

static void run(const char *path, const char *name, size_t threads, size_t period)
{
    Bench bench = bench_open(path, threads, period);
    sync_on_replayed(bench.sync, judge_again, &bench);
    for (int i = 0; i < WARM; i++)
        run_tick(&bench, false);
    const Took calm = run_ticks(&bench, false), late = run_ticks(&bench, bench.plant->lag_ticks > 0);
    const SyncRewinds *rewinds = sync_rewinds(bench.sync);
    printf("%s: window %.1f s, %zu checkpoints of %.1f KB: tick %.3f ms, of which alarms take %.1f us", name, (double)bench.plant->lag_ticks * bench.plant->step,
           plant_checkpoints(bench.plant->lag_ticks, bench.plant->lag_every), (double)plant_checkpoint_size(bench.plant) / 1024, calm.tick_ms,
           calm.alarms_us);
    if (rewinds->amended)
        printf("; with a late sample %.3f ms, of which it took %.1f us, for %.1f steps of blocks of %u", late.tick_ms, late.late_us, (double)rewinds->steps / (double)rewinds->amended,
               bench.plant->block_count);
    printf("\n");
    fflush(stdout);
    bench_close(&bench);
}

static const char tank[] =
    "return model \"tank\" {\n"
    "  params = { area = { 0.0154, \"m^2\", min = 1e-4 }, drain = { 4e-5, \"m^2\", min = 0, estimate = 1e-9, sd = 1e-6 } },\n"
    "  inputs = { inflow = { 100, \"ml/s\" } },\n"
    "  states = { level = { 0.3, \"m\", min = 0, noise = 1e-3, sd = 0.01 } },\n"
    "  equations = function(t) t.level.rate = (t.inflow - t.drain * sqrt(2 * g * max(t.level, quantity(1, \"mm\")))) / t.area end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 } },\n"
    "  alarms = { full = { high = { \"level\", 2 }, hold = 1 }, dry = { low = { \"level\", 0.01 } } },\n"
    "}\n";

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        die(path);
}

static void run_fleet(size_t twins, size_t threads, int lag)
{
    char folder[] = "/tmp/bench_late_XXXXXX", model[64], plant[64], text[256], name[64];
    if (!mkdtemp(folder))
        die("no folder to write into");
    snprintf(model, sizeof model, "%s/tank.lua", folder);
    snprintf(plant, sizeof plant, "%s/plant.lua", folder);
    snprintf(text, sizeof text, "return plant \"tanks\" { step = 0.1, lag = %d, assets = { fleet(\"tank\", %zu, \"tank\", function(i) return {} end) } }\n", lag, twins);
    snprintf(name, sizeof name, "%zu tanks", twins);
    write_file(model, tank);
    write_file(plant, text);
    run(plant, name, threads, FLEET_PERIOD);
    unlink(plant);
    unlink(model);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    const size_t twins = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, threads = argc > 2 ? strtoull(argv[2], NULL, 10) : 2;
    program_thread_init();
    log_set_level(LOG_ERROR);
    for (int i = 3; i < argc; i++)
        run(argv[i], argv[i], 1, 1);
    run_fleet(twins, threads, 0);
    run_fleet(twins, threads, 5);
    run_fleet(twins, threads, LAG_S);
    return 0;
}
