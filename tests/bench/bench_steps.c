/* bench_steps.c -- what a step costs: equations, equations with a delay, and a function of Lua, of one and the same tank.
 *
 * 4,096 twins, mean and covariance, on one thread by the interpreter. The best of several runs is printed: the machine is rarely alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plant/plant.h"

enum { TWINS = 4096, STEPS = 20, RUNS = 7 };

#define TANK(sd, what)                                                                                                                              \
    "return model 'm' {\n"                                                                                                                           \
    "  params = { area = { 0.0154, 'm^2' }, orifice = { 2.5e-5, 'm^2', estimate = 0, sd = " sd " } },\n"                                           \
    "  inputs = { inflow = { 3, 'l/min' } }, states = { level = { 0.3, 'm', min = 0, sd = " sd " } },\n" what "}\n"
#define EQUATIONS(extra)                                                                                                                             \
    "  equations = function(t)\n"                                                                                                                    \
    "    local outflow = t.orifice * sqrt(2 * g * max(t.level, quantity(1, 'mm')))\n" extra "    t.level.rate = (t.inflow - outflow) / t.area\n  end,\n"
#define FUNCTION                                                                                                                                     \
    "  step = function(self, dt)\n"                                                                                                                  \
    "    local outflow = self.orifice * sqrt(2 * g * max(self.level, 1e-3))\n"                                                                     \
    "    self.level = self.level + dt * (self.inflow - outflow) / self.area\n  end,\n"

typedef struct Case {
    const char *title, *model;
} Case;

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(name);
        exit(1);
    }
}

static double nanoseconds(const Case *a_case)
{
    char text[256];
    Plant *plant;
    ErrText why;
    double best = INFINITY;
    write_file("m.lua", a_case->model);
    snprintf(text, sizeof text, "local assets = {}\nfor i = 1, %d do assets['p' .. i] = { 'm' } end\nreturn plant 'works' { step = 0.1, assets = assets }\n", TWINS);
    write_file("plant.lua", text);
    if (plant_load("plant.lua", 1, &plant, &why)) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    for (int run = 0; run < RUNS; run++) {
        const int64_t start = clock_system.elapsed_ns(clock_system.self);
        for (int i = 0; i < STEPS; i++)
            plant_advance(plant);
        best = fmin(best, (double)(clock_system.elapsed_ns(clock_system.self) - start) / STEPS / TWINS);
    }
    plant_destroy(plant);
    return best;
}

int main(void)
{
    static const Case cases[] = {
        {"equations, rk4", TANK("1e-6", EQUATIONS(""))},
        {"equations, euler", TANK("1e-6", "  stepper = 'euler',\n" EQUATIONS(""))},
        {"equations, euler, a delay of 10 s", TANK("1e-6", "  stepper = 'euler',\n" EQUATIONS("    delay(outflow, 10)\n"))},
        {"equations, euler, a delay of 400 s", TANK("1e-6", "  stepper = 'euler',\n" EQUATIONS("    delay(outflow, 400)\n"))},
        {"function, nothing uncertain: 1 call", TANK("0", FUNCTION)},
        {"function, two values uncertain: 3 calls", TANK("1e-6", FUNCTION)},
    };
    char folder[] = "/tmp/pollux-bench-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder)) {
        perror(folder);
        return 1;
    }
    printf("%s\n", program_backend());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        printf("%-42s %8.1f\n", cases[i].title, nanoseconds(&cases[i]));
    unlink("m.lua");
    unlink("plant.lua");
    return rmdir(folder) != 0;
}
