/* bench_live.c -- forecasts beside the live ticks: does anybody notice?
 *
 * A plant of five twins ticks by the time of day, every 0.1 s, for a while alone, and for as long beside 50 asks a second for a forecast of 256 members over 600 steps,
 * from another thread, as the server asks. A tick's lateness is how long behind its end it was done; an overrun is one that is not done by the end of the next. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"

enum { TICKS_MAX = 100 * 1000, RATE = 50, ASKS_MAX = 64 };

static const char scenario[] = "{ \"horizon\": 60, \"members\": 256, \"points\": 20, \"tags\": [\"a.a\", \"b.a\", \"c.a\", \"d.a\", \"e.a\"] }";
static const int64_t NAP_NS = 2 * NS_PER_MS;  // as `pollux serve`

typedef struct Bench {
    App *app;
    double lateness[TICKS_MAX];  // s
    size_t ticks;
    atomic_bool stop;

    // the side that asks
    uint64_t asked, refused, done, failed;
    double *durations;  // s, of those that are done
    uint64_t open[ASKS_MAX];
    size_t open_count;
} Bench;

static void note_tick(void *self, const App *app, Batch batch)
{
    (void)batch;
    Bench *bench = self;
    if (bench->ticks < TICKS_MAX)
        bench->lateness[bench->ticks++] = (double)(app_utc(app) - app->now) / (double)NS_PER_S;
}

// ---- who asks -----------------------------------------------------------------------------------------------------------

static void fetch(Bench *bench)
{
    size_t kept = 0;
    for (size_t i = 0; i < bench->open_count; i++) {
        DeskView view;
        const bool is_known = desk_look(bench->app->desk, bench->open[i], &view);
        if (is_known && !desk_state_is_end(view.state)) {
            bench->open[kept++] = bench->open[i];
        } else if (is_known && view.state == DESK_DONE) {
            bench->durations[bench->done++] = view.seconds;
        } else {
            bench->failed++;
        }
    }
    bench->open_count = kept;
}

static void ask(Bench *bench)
{
    uint64_t id;
    double retry;
    ErrText why;
    bench->asked++;
    if (bench->open_count == ASKS_MAX || desk_ask(bench->app->desk, &(DeskAsk){.text = scenario, .length = strlen(scenario), .patience = 10}, &id, &retry, &why))
        bench->refused++;
    else
        bench->open[bench->open_count++] = id;
}

static void *ask_on(void *self)
{
    Bench *bench = self;
    int64_t next = clock_system.elapsed_ns(clock_system.self);
    for (; !bench->stop; next += NS_PER_S / RATE) {
        const int64_t now = clock_system.elapsed_ns(clock_system.self);
        if (next > now)
            clock_system.sleep_ns(clock_system.self, next - now);
        fetch(bench);
        ask(bench);
    }
    return NULL;
}

// ---- what is measured ---------------------------------------------------------------------------------------------------

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double share(const double *sorted, size_t count, double p)
{
    return count ? sorted[(size_t)(p * (double)(count - 1))] : NAN;
}

static void print_row(const char *title, double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    printf("| %s | %zu | %.2f | %.2f | %.2f | %.2f |\n", title, count, 1e3 * share(values, count, 0.5), 1e3 * share(values, count, 0.99), 1e3 * share(values, count, 0.999),
           1e3 * share(values, count, 1));
}

static void run(Bench *bench, double seconds)
{
    const int64_t end = clock_system.elapsed_ns(clock_system.self) + (int64_t)(seconds * (double)NS_PER_S);
    while (clock_system.elapsed_ns(clock_system.self) < end)
        if (!app_poll(bench->app))
            clock_system.sleep_ns(clock_system.self, app_patience(bench->app, NAP_NS));
}

static void fail(const char *why)
{
    fprintf(stderr, "bench_live: %s\n", why);
    exit(1);
}

/* The overruns of a run. */
static uint64_t measure(Bench *bench, double seconds, bool asking)
{
    pthread_t thread;
    const uint64_t before = bench->app->overruns;
    bench->ticks = 0;
    if (asking && pthread_create(&thread, NULL, ask_on, bench))
        fail("no thread");
    run(bench, seconds);
    bench->stop = true;
    if (asking)
        pthread_join(thread, NULL);
    return bench->app->overruns - before;
}

int main(int argc, char **argv)
{
    static Bench bench;
    ErrText why;
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 20;
    if (!(seconds >= 1 && seconds <= 3600))
        fail("expected seconds, from 1 to 3600");
    bench.durations = mem_alloc((size_t)(seconds * RATE * 2 + ASKS_MAX) * sizeof *bench.durations);
    if (!bench.durations || program_codegen(CODEGEN_AUTO, &why) != ERR_OK || app_create(&(AppDef){.plant = BENCH_PLANTS "/five_tanks.lua", .quiet = true, .ticked = note_tick, .self = &bench}, &bench.app, &why))
        fail(why.text);
    run(&bench, 1);  // native code is there

    printf("| ms | count | median | 99 %% | 99.9 %% | most |\n| --- | --- | --- | --- | --- | --- |\n");
    const uint64_t alone = measure(&bench, seconds, false);
    print_row("lateness of ticks, alone", bench.lateness, bench.ticks);
    bench.stop = false;
    const uint64_t beside = measure(&bench, seconds, true);
    print_row("lateness of ticks, beside forecasts", bench.lateness, bench.ticks);
    print_row("a forecast", bench.durations, bench.done);
    printf("\n%llu forecasts asked for in %.0f s: %llu done (%.1f per s), %llu refused, %llu failed. Overruns: %llu alone, %llu beside them.\n", (unsigned long long)bench.asked, seconds,
           (unsigned long long)bench.done, (double)bench.done / seconds, (unsigned long long)bench.refused, (unsigned long long)bench.failed, (unsigned long long)alone,
           (unsigned long long)beside);
    app_destroy(bench.app);
    mem_free(bench.durations);
    return beside > alone;
}
