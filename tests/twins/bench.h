/* bench.h -- one twin on a bench: a plant with a single asset, `twin`, of a model of the library.
 *
 * Values go in and come out in the unit that the model declares; bench_si is for comparing with a formula. */
#pragma once

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kit/kit.h"
#include "plant/plant.h"

/// Write a plant script for one twin; `values` overrides what the model declares, `emulate` is the table of that name. Valid until the test ends.
static inline const char *bench_script(const char *model, double step, const char *values, const char *emulate)
{
    static char path[512];
    char models[512];
    snprintf(models, sizeof models, "%s/models", kit_folder());
    if (access(models, R_OK) != 0)
        ck_assert_int_eq(symlink(POLLUX_SOURCE "/twins/models", models), 0);

    snprintf(path, sizeof path, "%s/bench.lua", kit_folder());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "return plant \"bench\" { step = %.17g, clock = \"provider\", assets = { twin = { \"%s\"%s%s } }, emulate = { %s } }\n", step, model,
            *values ? ", " : "", values, emulate);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static inline Plant *bench_open(const char *model, double step, const char *values)
{
    Plant *plant;
    ErrText why = {0};
    ck_assert_msg(plant_load(bench_script(model, step, values, ""), 1, &plant, &why) == ERR_OK, "%s", why.text);
    return plant;
}

static inline const Channel *bench_channel(const Plant *plant, const char *name)
{
    const int index = model_find(plant_model(plant, 0), name);
    ck_assert_msg(index >= 0, "no channel %s", name);
    return &plant_model(plant, 0)->channels[index];
}

static inline void bench_set(Plant *plant, const char *name, double value)
{
    const Channel *channel = bench_channel(plant, name);
    plant_set(plant, plant_tag(plant, 0, (uint16_t)(channel - plant_model(plant, 0)->channels)), unit_to_si(channel->unit, value));
}

static inline double bench_si(const Plant *plant, const char *name)
{
    return *plant_cell(plant, 0, bench_channel(plant, name)->column);
}

static inline double bench_get(const Plant *plant, const char *name)
{
    return unit_from_si(bench_channel(plant, name)->unit, bench_si(plant, name));
}

/// Predict, uncorrected, for so long; outputs are refreshed. The twin must not end in quarantine.
static inline void bench_run(Plant *plant, double seconds)
{
    for (int64_t steps = llround(seconds / plant->step); steps > 0; steps--)
        plant_advance(plant);
    plant_derive(plant);
    ck_assert_uint_eq(plant_quarantined(plant), 0);
}

#define bench_near(value, expected, relative) ck_assert_double_eq_tol(value, expected, fabs((double)(expected)) * (relative) + 1e-300)
