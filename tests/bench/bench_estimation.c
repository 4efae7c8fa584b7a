/* bench_estimation.c -- what the filters make of Lorenz-63 and Lorenz-96, beside what is published.
 *
 * bench_estimation [CYCLES]: 64 runs of so many analyses each (1,000), behind 100 that do not count. */
#include <stdlib.h>

#include "base/base.h"
#include "twins/lorenz.h"

int main(int count, char **arguments)
{
    enum { FIRST = 100 };
    const int cycles = count > 1 ? atoi(arguments[1]) : 1000;
    char folder[] = "/tmp/pollux-lorenz-XXXXXX";
    if (!mkdtemp(folder))
        return 1;
    program_thread_init();

    printf("| system | filter | RMSE | spread | published | source | us per run and analysis |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < LORENZ_CASES; i++) {
        const LorenzCase *what = &lorenz_cases[i];
        Lorenz lorenz = {0};
        ErrText why = {""};
        double rmse, spread;
        if (!lorenz_open(&lorenz, what, folder, &why)) {
            fprintf(stderr, "%s\n", why.text);
            return 1;
        }
        const int64_t begin = clock_system.elapsed_ns(clock_system.self);
        lorenz_run(&lorenz, FIRST, cycles, &rmse, &spread);
        const double us = (double)(clock_system.elapsed_ns(clock_system.self) - begin) / 1e3 / (FIRST + cycles) / LANES;
        printf("| %s | `%s` | %.3f | %.3f | %.2f | %s | %.1f |\n", what->system, what->filter, rmse, spread, what->published, what->source, us);
        fflush(stdout);
        lorenz_close(&lorenz);
    }
    return 0;
}
