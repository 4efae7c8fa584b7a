/* bench_view.c -- how long a frame takes: the waterworks, and scenes of 1,000 to 100,000 made-up assets.
 *
 * Every value changes before every frame and the camera turns, so that nothing can be left as it was. A frame ends when all of its pixels are there
 * (glFinish). The first frames are not counted: the driver compiles its shaders then. With --soak MINUTES one scene runs on, and the memory of the process is
 * told every minute. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "view/made.h"
#include "view/view.h"
#include "viewer/local.h"

enum { WARM = 10, FRAMES_MAX = 2000 };
static const double BUDGET_S = 6;  // per scene

typedef struct Timing {
    double ms[FRAMES_MAX];
    size_t count;
} Timing;

static double now(void)
{
    return (double)clock_system.elapsed_ns(clock_system.self) / 1e9;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fail(const ErrText *why)
{
    fprintf(stderr, "%s\n", why->text);
    exit(1);
}

static void one_frame(View *view, Made *made)
{
    if (made)
        made->phase += 0.02;
    camera_orbit(&view->camera, 0.01F, 0);
    camera_settle(&view->camera);
    view_touch(view);
    view_frame(view, 1.0 / 30);
}

/* Of all threads: what a frame costs where others use the machine too. */
static double processor_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec + ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6;
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void wait_for_time(View *view)
{
    while (view->world.time == TIME_NONE) {
        view->source.type->poll(view->source.self, &view->world);
        usleep(1000);
    }
}

static void measure(const char *name, Source source, Made *made, bool ghosts)
{
    static Timing timing;
    ErrText why;
    View *view;
    const ViewDef def = {.surface = {.width = 1280, .height = 720, .scale = 1, .hidden = true}, .source = source};
    if (view_create(&def, &view, &why))
        fail(&why);
    wait_for_time(view);
    view->horizon = ghosts ? 60 : 0;
    for (int i = 0; i < WARM; i++)
        one_frame(view, made);

    timing.count = 0;
    const double spent = processor_s();
    for (const double begun = now(); timing.count < FRAMES_MAX && now() - begun < BUDGET_S;) {
        const double before = now();
        one_frame(view, made);
        timing.ms[timing.count++] = 1e3 * (now() - before);
    }
    const double cpu = 1e3 * (processor_s() - spent) / (double)timing.count;
    qsort(timing.ms, timing.count, sizeof *timing.ms, by_size);
    const double p50 = timing.ms[timing.count / 2], p95 = timing.ms[timing.count * 95 / 100];
    printf("| %-26s | %9u | %6u | %5zu | %7.1f | %7.1f | %6.1f | %8.1f | %6.0f |\n", name, view->world.asset_count, view->stage.instance_count, view->stage.draw_count, p50, p95, cpu, 1e3 / p50, resident_mb());
    fflush(stdout);
    view_destroy(view);
}

static void measure_made(const char *name, uint32_t count, bool ghosts)
{
    Made made = {.count = count, .ghosts = ghosts, .troubled = true};
    measure(name, made_source(&made), &made, ghosts);
}

static Source open_waterworks(void)
{
    ErrText why;
    Source source;
    const LocalDef def = {.plant = BENCH_PLANTS "/../../../twins/plants/waterworks.lua", .begin = TIME_NONE, .hurry = 600, .seed = 1};
    if (local_open(&def, &source, &why))
        fail(&why);
    return source;
}

static void soak(long minutes)
{
    ErrText why;
    View *view;
    Source source = open_waterworks();
    const ViewDef def = {.surface = {.width = 1280, .height = 720, .scale = 1, .hidden = true}, .source = source};
    if (view_create(&def, &view, &why))
        fail(&why);
    wait_for_time(view);
    printf("| minute | frames | resident MB |\n| ---: | ---: | ---: |\n");
    size_t frames = 0;
    const double begun = now();
    for (long minute = 0; minute <= minutes; minute++) {
        for (; now() - begun < 60.0 * (double)minute; frames++) {
            const double before = now(), frame = 1.0 / 30;
            one_frame(view, NULL);
            if (now() - before < frame)
                usleep((useconds_t)(1e6 * (frame - (now() - before))));
        }
        printf("| %6ld | %6zu | %11.1f |\n", minute, frames, resident_mb());
        fflush(stdout);
    }
    view_destroy(view);
    source.type->close(source.self);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--soak") == 0) {
        soak(strtol(argv[2], NULL, 10));
        return 0;
    }
    printf("| scene, 1280x720            |    assets | drawn  | draws |  p50 ms |  p95 ms | CPU ms | frames/s |     MB |\n");
    printf("| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    Source source = open_waterworks();
    measure("waterworks", source, NULL, false);
    source.type->close(source.self);
    measure_made("1,000 assets", 1000, false);
    measure_made("1,000 assets with ghosts", 1000, true);
    measure_made("10,000 assets", 10000, false);
    measure_made("100,000 assets", 100000, false);
    return 0;
}
