/* bench_history -- what the history takes in, what it packs, and how long a chart takes.
 *
 * Samples of 100 tags at 1 Hz through history_append_sample, as fast as the writer commits them (a snapshot now and then, so that they may be sealed); then all that
 * is left is sealed. How many bytes a sealed point takes is asked for noise, a sine of 16 bits, a ramp, and the sensors of a recording. Last a year of one tag at 1 Hz, whose
 * hours have a closed form, and which must be what charts show.
 *
 * bench_history FOLDER [SAMPLES [DAYS [PLANT TAPE]]]: 3,000,000 samples, 365 days, no recording. The folder should be on a real disk. */
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/tape/tape.h"
#include "history/history.h"

enum { TAGS = 100, SNAPSHOT_EVERY = 200 * 1000 };
static const int64_t START = 1609459200 * NS_PER_S;  // 2021

static const char model_text[] =
    "return model \"tank\" {\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 1e-3, sd = 0.1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 } },\n"
    "}\n";

typedef struct Bench {
    const char *folder;
    Plant *plant;
    TagId tags[TAGS];
    History *history;
    char path[512];
    uint64_t seq;
} Bench;

static void require(Err err, const char *what, const ErrText *why)
{
    if (err == ERR_OK)
        return;
    fprintf(stderr, "bench_history: %s: %s\n", what, why->text);
    exit(EXIT_FAILURE);
}

static double seconds_since(int64_t start)
{
    return (double)(clock_system.elapsed_ns(NULL) - start) / 1e9;
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        fprintf(stderr, "bench_history: %s cannot be written\n", path);
        exit(EXIT_FAILURE);
    }
}

static void load(Bench *bench)
{
    ErrText why;
    char path[512];
    Text plant = {0};
    text_put(&plant, "return plant \"bench\" { step = 1, assets = {");
    for (int i = 0; i < TAGS; i++)
        text_format(&plant, " t%02d = { \"tank\" },", i);
    text_put(&plant, " } }\n");
    write_text(bench->folder, "tank.lua", model_text);
    write_text(bench->folder, "bench.lua", plant.bytes);
    text_fini(&plant);
    snprintf(path, sizeof path, "%s/bench.lua", bench->folder);
    require(plant_load(path, 1, &bench->plant, &why), "plant", &why);
    for (int i = 0; i < TAGS; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%02d.gauge", i);
        bench->tags[i] = tags_find(bench->plant->tags, name);
    }
}

static void begin(Bench *bench, const char *name)
{
    ErrText why;
    snprintf(bench->path, sizeof bench->path, "%s/%s.db", bench->folder, name);
    unlink(bench->path);
    require(history_open(bench->path, bench->plant, &bench->history, &why), "open", &why);
    bench->seq = 0;
}

static void add(Bench *bench, TagId tag, int64_t time, double value)
{
    const int64_t tick = time / bench->plant->step_ns;
    history_append_sample(bench->history, &(Filed){.sample = {.time = time, .value = value, .tag = tag}, .tick = tick, .seq = ++bench->seq});
    if (bench->seq % SNAPSHOT_EVERY)
        return;
    for (int64_t i = 0; i < 3; i++)  // as many as are kept
        history_append_snapshot(bench->history, tick + i, time, 0, &(SnapshotPart){"x", 1}, 1);
}

static void seal(Bench *bench)
{
    for (int64_t i = 0; i < 3; i++)
        history_append_snapshot(bench->history, INT64_MAX / 2 + i, START, 0, &(SnapshotPart){"x", 1}, 1);
    const Err err = history_seal(bench->history);
    require(err, "seal", &(ErrText){"it takes too long"});
}

static double ask(const Bench *bench, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *query = NULL;
    double value = NAN;
    if (sqlite3_open(bench->path, &db) == SQLITE_OK && sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW)
        value = sqlite3_column_double(query, 0);
    sqlite3_finalize(query);
    sqlite3_close(db);
    return value;
}

static void tell_bytes(const Bench *bench, const char *what)
{
    printf("  %-34s %6.2f bytes a point, %5.2f a bucket of 1 s; blocks of %.0f\n", what, ask(bench, "SELECT 1.0 * sum(length(bytes)) / sum(count) FROM block WHERE strand = 0"),
           ask(bench, "SELECT 1.0 * sum(length(bytes)) / sum(count) FROM block WHERE strand = 2"), ask(bench, "SELECT avg(count) FROM block WHERE strand = 0"));
}

// Rates.

static void measure_rates(Bench *bench, uint64_t samples)
{
    begin(bench, "rates");
    int64_t start = clock_system.elapsed_ns(NULL);
    for (uint64_t i = 0; i < samples; i++)
        add(bench, bench->tags[i % TAGS], START + (int64_t)(i / TAGS) * NS_PER_S, sin((double)i));
    history_flush(bench->history);
    const double append = seconds_since(start);
    const double left = ask(bench, "SELECT count(*) FROM sample");
    const HistoryStats stats = history_stats(bench->history);
    start = clock_system.elapsed_ns(NULL);
    seal(bench);
    const double sealing = seconds_since(start);
    printf("%" PRIu64 " samples of %d tags: %.0f samples/s appended (what was sealed meanwhile included; the tick waited %" PRIu64 " times, the longest commit %.1f ms)\n", samples, TAGS,
           (double)samples / append, stats.waits, (double)stats.commit_ns_max / 1e6);
    printf("the %.0f that were left: %.0f points/s sealed with their roll-ups\n", left, left / sealing);
    tell_bytes(bench, "sin(i), 52 bits of noise");
    history_close(bench->history);
}

// Sizes.

static double ramp(int64_t second)
{
    return (double)(second % 3600);
}

static double wave(int64_t second)
{
    return round(sin((double)second / 600) * 32767) / 64;
}

static void measure_size(Bench *bench, const char *name, double (*value)(int64_t second))
{
    begin(bench, "size");
    for (int64_t i = 0; i < 200 * 1000; i++)
        add(bench, bench->tags[0], START + i * NS_PER_S, value(i));
    seal(bench);
    tell_bytes(bench, name);
    history_close(bench->history);
}

static void measure_tape(Bench *bench, const char *plant_path, const char *tape_path)
{
    ErrText why;
    Tape *tape;
    size_t count;
    Bench own = {.folder = bench->folder};
    require(plant_load(plant_path, 1, &own.plant, &why), plant_path, &why);
    require(tape_open(tape_path, &own.plant->recording, &tape, &why), tape_path, &why);
    const Sample *samples = tape_samples(tape, &count);
    begin(&own, "tape");
    for (size_t i = 0; i < count; i++)
        add(&own, samples[i].tag, samples[i].time, samples[i].value);
    seal(&own);
    tell_bytes(&own, "the recording");
    history_close(own.history);
    tape_close(tape);
    plant_destroy(own.plant);
}

// A year.

static void check_hours(const HistorySeries *series)
{
    for (size_t i = 0; i < series->count; i++) {
        const HistoryPoint *point = &series->points[i];
        if (point->min == 0 && point->max == 3599 && point->value == 1799.5 && point->count % 3600 == 0)
            continue;
        fprintf(stderr, "bench_history: hours from %" PRId64 " on are %g to %g, %g in the mean, of %" PRIu64 "\n", point->time, point->min, point->max, point->value, point->count);
        exit(EXIT_FAILURE);
    }
}

static void measure_chart(const Bench *bench, const char *what, int64_t from, int64_t to, bool hours)
{
    ErrText why;
    HistoryReader *reader;
    require(history_reader_open(bench->path, bench->plant, &reader, &why), "reader", &why);
    for (int pass = 0; pass < 2; pass++) {
        Arena arena = {0};
        HistorySeries series;
        const HistoryRange range = {bench->tags, 1, from, to, 2000, HISTORY_AUTO, false};
        const int64_t start = clock_system.elapsed_ns(NULL);
        require(history_read(reader, &range, &arena, &series, &why), what, &why);
        printf("  %-12s %s: %5zu points of level %-3s in %8.2f ms\n", what, pass ? "again" : "first", series.count, history_level_name(series.level), seconds_since(start) * 1e3);
        if (hours)
            check_hours(&series);
        arena_fini(&arena);
    }
    history_reader_close(reader);
}

static void measure_year(Bench *bench, int64_t days)
{
    const int64_t seconds = days * 86400;
    begin(bench, "year");
    const int64_t start = clock_system.elapsed_ns(NULL);
    for (int64_t i = 0; i < seconds; i++)
        add(bench, bench->tags[0], START + i * NS_PER_S, ramp(i));
    seal(bench);
    printf("%" PRId64 " days of one tag at 1 Hz: written and sealed in %.1f s, %.0f MB\n", days, seconds_since(start), ask(bench, "SELECT page_count * page_size / 1e6 FROM pragma_page_count, pragma_page_size"));
    tell_bytes(bench, "a ramp");
    const int64_t end = START + seconds * NS_PER_S - 1;
    measure_chart(bench, "everything", START, end, days >= 84);
    measure_chart(bench, "its last day", end - 86400 * NS_PER_S + 1, end, false);
    measure_chart(bench, "last 15 min", end - 900 * NS_PER_S + 1, end, false);
    history_close(bench->history);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 6 || argc == 5) {
        fprintf(stderr, "usage: bench_history FOLDER [SAMPLES [DAYS [PLANT TAPE]]]\n");
        return EXIT_FAILURE;
    }
    Bench bench = {.folder = argv[1]};
    load(&bench);
    measure_rates(&bench, argc > 2 ? strtoull(argv[2], NULL, 10) : 3000000);
    measure_size(&bench, "a sine of 16 bits", wave);
    measure_size(&bench, "a ramp", ramp);
    if (argc > 5)
        measure_tape(&bench, argv[4], argv[5]);
    measure_year(&bench, argc > 3 ? strtoll(argv[3], NULL, 10) : 365);
    plant_destroy(bench.plant);
    return EXIT_SUCCESS;
}
