/* bench_estimation.c -- what the filters make of Lorenz-63 and Lorenz-96, beside what is published.
 * Microseconds are of the processor.
 *
 * bench_estimation [CYCLES]: 64 runs of so many analyses each (1,000), behind 100 that do not count. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "twins/lorenz.h"

/* Of this process, s: other work on the machine does not count. */
static double cpu_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
    enum { FIRST = 100 };
    const int cycles = count > 1 ? atoi(arguments[1]) : 1000;
    char folder[] = "/tmp/pollux-lorenz-XXXXXX";
    if (!mkdtemp(folder))
        return 1;
    program_thread_init();

    printf("| system | filter | RMSE | spread | published | source | µs per run and analysis |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < LORENZ_CASES; i++) {
        const LorenzCase *what = &lorenz_cases[i];
        Lorenz lorenz = {0};
        ErrText why = {""};
        double rmse, spread;
        if (!lorenz_open(&lorenz, what, folder, &why)) {
            fprintf(stderr, "%s\n", why.text);
            return 1;
        }
        const double begin = cpu_time();
        lorenz_run(&lorenz, FIRST, cycles, &rmse, &spread);
        const double us = (cpu_time() - begin) * 1e6 / (FIRST + cycles) / LANES;
        printf("| %s | `%s` | %.3f | %.3f | %.2f | %s | %.1f |\n", what->system, what->filter, rmse, spread, what->published, what->source, us);
        fflush(stdout);
        lorenz_close(&lorenz);
    }
    rmdir(folder);
    return 0;
}
