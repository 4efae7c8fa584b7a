/* lorenz.h -- the two chaotic systems on which filters are compared in the literature, with their standard settings.
 *
 * Lorenz-63: sigma 10, rho 28, beta 8/3; RK4, step 0.01; all three observed every 0.25 with variance 2 (Sakov, Oliver and Bertino 2012, section 4a).
 * Lorenz-96: 40 variables, F = 8; RK4, step 0.05; all observed every step with variance 1 (Sakov and Oke 2008, section 4; Whitaker and Hamill 2002).
 *
 * A lane is a run: truth and twin begin in another point of the attractor in each. The score is the literature's: the root of the mean squared error over the
 * variables behind each analysis, averaged over time and runs. */
#pragma once

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "model/model.h"

typedef struct LorenzCase {
    const char *system;  // "63", "96"
    const char *filter;  // as a model declares it
    double published;    // RMSE of the analysis
    const char *source;
} LorenzCase;

/* As the literature has them; two things are said differently there. The benchmark suite DAPPER gives the inflation of its extended filter per unit of time and
 * on variances, f^(dt/2) on deviations between two analyses; its radius of localisation is where exp(-1/2) is left, and 2 * 1.82 times that where nothing is. */
enum LorenzNumber { LORENZ_63_EXTENDED, LORENZ_63_TEN, LORENZ_63_THREE, LORENZ_96_EXTENDED, LORENZ_96_24, LORENZ_96_28, LORENZ_96_LOCAL, LORENZ_CASES };
static const LorenzCase lorenz_cases[LORENZ_CASES] = {
    [LORENZ_63_EXTENDED] = {"63", "{ \"extended\", inflation = 1.9136 }", 0.92, "DAPPER, Lorenz63/sakov2012: ExtKF(infl=180)"},
    [LORENZ_63_TEN] = {"63", "{ \"ensemble\", members = 10, inflation = 1.02 }", 0.60, "Sakov, Oliver, Bertino 2012, table 1, by DAPPER: EnKF(Sqrt, N=10, infl=1.02, rot)"},
    [LORENZ_63_THREE] = {"63", "{ \"ensemble\", members = 3, inflation = 1.3, mixing = false }", 0.80, "DAPPER, Lorenz63/sakov2012: EnKF(Sqrt, N=3, infl=1.30)"},
    [LORENZ_96_EXTENDED] = {"96", "{ \"extended\", inflation = 1.0593 }", 0.24, "DAPPER, Lorenz96/sakov2008: ExtKF(infl=10)"},
    [LORENZ_96_24] = {"96", "{ \"ensemble\", members = 24, inflation = 1.013 }", 0.18, "Sakov, Oke 2008, table 1, by DAPPER: EnKF(Sqrt, N=24, infl=1.013, rot)"},
    [LORENZ_96_28] = {"96", "{ \"ensemble\", members = 28, inflation = 1.02 }", 0.18, "DAPPER, Lorenz96/sakov2008: EnKF(Serial, N=28, infl=1.02, rot)"},
    [LORENZ_96_LOCAL] = {"96", "{ \"ensemble\", members = 7, inflation = 1.07, localisation = 21.84, cyclic = true }", 0.23, "DAPPER, Lorenz96/sakov2008: SL_EAKF(N=7, infl=1.07, loc_rad=6)"},
};

static const char lorenz_63[] = "return model \"lorenz_63\" {\n"
                                "  states = { x = { 1.509, \"1\", sd = 1.4142 }, y = { -1.531, \"1\", sd = 1.4142 }, z = { 25.46, \"1\", sd = 1.4142 } },\n"
                                "  equations = function(t)\n"
                                "    local s = quantity(1, \"s\")\n"
                                "    t.x.rate = 10 * (t.y - t.x) / s\n"
                                "    t.y.rate = (t.x * (28 - t.z) - t.y) / s\n"
                                "    t.z.rate = (t.x * t.y - 8 / 3 * t.z) / s\n"
                                "  end,\n"
                                "  sensors = { sx = { of = \"x\", noise = 2 ^ 0.5 }, sy = { of = \"y\", noise = 2 ^ 0.5 }, sz = { of = \"z\", noise = 2 ^ 0.5 } },\n"
                                "  filter = %s,\n"
                                "}\n";

static const char lorenz_96[] = "local sensors = {}\n"
                                "for i = 1, 40 do sensors[string.format(\"s%%02d\", i)] = { of = \"x_\" .. i, noise = 1 } end\n"
                                "return model \"lorenz_96\" {\n"
                                "  states = { x = { 8, \"1\", sd = 0.001 ^ 0.5, count = 40 } },\n"
                                "  equations = function(t)\n"
                                "    local s = quantity(1, \"s\")\n"
                                "    local function x(i) return t.x[(i - 1) %% 40 + 1] end\n"
                                "    for i = 1, 40 do t.x[i].rate = ((x(i + 1) - x(i - 2)) * x(i - 1) - x(i) + 8) / s end\n"
                                "  end,\n"
                                "  sensors = sensors,\n"
                                "  filter = %s,\n"
                                "}\n";

/* The runs of one case. */
typedef struct Lorenz {
    Model *model;
    double *twin, *truth;  // blocks
    Scratch scratch;
    int steps_per_cycle, cycle;
} Lorenz;

static inline double *lorenz_column(double *columns, unsigned column)
{
    return &columns[(size_t)column * LANES];
}

/* Each lane goes its own way from a point of its own, far enough to be anywhere on the attractor. */
static inline void lorenz_scatter(Lorenz *lorenz)
{
    enum { SPIN_UP = 2000 };
    const Model *model = lorenz->model;
    for (uint16_t i = 0; i < model->state_count; i++)
        for (size_t lane = 0; lane < LANES; lane++)
            lorenz_column(lorenz->truth, i)[lane] += random_normal(1, i, lane);
    for (int k = 0; k < SPIN_UP; k++)
        program_run(&model->move, lorenz->truth, &lorenz->scratch);
    for (uint16_t i = 0; i < model->state_count; i++)
        for (size_t lane = 0; lane < LANES; lane++)
            lorenz_column(lorenz->twin, i)[lane] = lorenz_column(lorenz->truth, i)[lane] + model->channels[i].initial_sd * random_normal(2, i, lane);
}

/// False when it cannot be: `why` says it where the model is to blame. The model's script lies in `folder` while it is read.
static inline bool lorenz_open(Lorenz *lorenz, const LorenzCase *what, const char *folder, ErrText *why)
{
    char path[512];
    const bool is_63 = strcmp(what->system, "63") == 0;
    snprintf(path, sizeof path, "%s/lorenz_%s.lua", folder, what->system);
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    fprintf(file, is_63 ? lorenz_63 : lorenz_96, what->filter);
    const Err err = fclose(file) ? ERR_IO : model_load(path, is_63 ? 0.01 : 0.05, &lorenz->model, why);
    remove(path);
    if (err)
        return false;
    const size_t bytes = (size_t)lorenz->model->column_count * LANES * sizeof(double);
    lorenz->twin = mem_alloc(bytes);
    lorenz->truth = mem_alloc(bytes);
    lorenz->steps_per_cycle = is_63 ? 25 : 1;
    lorenz->cycle = 0;
    if (!lorenz->twin || !lorenz->truth || scratch_init(&lorenz->scratch, lorenz->model->registers_max))
        return false;
    model_fill(lorenz->model, lorenz->twin);
    model_fill(lorenz->model, lorenz->truth);
    program_run(&lorenz->model->prepare, lorenz->twin, &lorenz->scratch);
    program_run(&lorenz->model->prepare, lorenz->truth, &lorenz->scratch);
    for (size_t lane = 0; lane < LANES && lorenz->model->filter.members; lane++)
        lorenz_column(lorenz->twin, lorenz->model->ensemble.key)[lane] = (double)(lane + 1);
    lorenz_scatter(lorenz);
    return true;
}

static inline void lorenz_close(Lorenz *lorenz)
{
    scratch_fini(&lorenz->scratch);
    mem_free(lorenz->twin);
    mem_free(lorenz->truth);
    model_destroy(lorenz->model);
}

static inline void lorenz_analyse(Lorenz *lorenz, uint16_t index)
{
    const Model *model = lorenz->model;
    const Sensor *sensor = &model->sensors[index];
    const Channel *channel = &model->channels[sensor->channel];
    for (size_t lane = 0; lane < LANES; lane++) {
        lorenz_column(lorenz->twin, sensor->mask)[lane] = 1;
        lorenz_column(lorenz->twin, channel->column)[lane] =
            lorenz_column(lorenz->truth, sensor->of)[lane] + channel->noise * random_normal(3 + index, (uint64_t)lorenz->cycle, lane);
    }
    model_measure(model, sensor, lorenz->twin, &lorenz->scratch);
    model_correct(model, sensor, lorenz->twin, &lorenz->scratch);
}

/// Up to the next analysis, and that. Adds up the errors of all runs behind it, and what the filter thinks they are.
static inline void lorenz_cycle(Lorenz *lorenz, double *error, double *spread)
{
    const Model *model = lorenz->model;
    lorenz->cycle++;
    for (int k = 0; k < lorenz->steps_per_cycle; k++) {
        program_run(&model->move, lorenz->truth, &lorenz->scratch);
        model_predict(model, lorenz->twin, &lorenz->scratch);
    }
    for (uint16_t i = 0; i < model->sensor_count; i++)
        lorenz_analyse(lorenz, i);
    model_settle(model, lorenz->twin);

    for (size_t lane = 0; lane < LANES; lane++) {
        double squares = 0, variance = 0;
        for (uint16_t i = 0; i < model->state_count; i++) {
            const double off = lorenz_column(lorenz->twin, i)[lane] - lorenz_column(lorenz->truth, i)[lane];
            squares += off * off;
            variance += lorenz_column(lorenz->twin, model->channels[i].variance)[lane];
        }
        *error += sqrt(squares / model->state_count);
        *spread += sqrt(variance / model->state_count);
    }
}

/// RMSE and spread of the analyses over `cycles`, behind `first` that do not count.
static inline void lorenz_run(Lorenz *lorenz, int first, int cycles, double *rmse, double *spread)
{
    double error = 0, width = 0;
    for (int k = 0; k < first; k++)
        lorenz_cycle(lorenz, &error, &width);
    *rmse = *spread = 0;
    for (int k = 0; k < cycles; k++)
        lorenz_cycle(lorenz, rmse, spread);
    *rmse /= (double)cycles * LANES;
    *spread /= (double)cycles * LANES;
}
