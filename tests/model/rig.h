/* rig.h -- a model with a block of its own, stepped and corrected by hand. */
#pragma once

#include "model/scripts.h"

typedef struct Rig {
    Model *model;
    double *columns;
    Scratch scratch;
} Rig;

static inline Rig rig_open(const char *text, double step)
{
    Rig rig = {.model = scripts_model(text, step)};
    const Model *model = rig.model;
    rig.columns = mem_alloc((size_t)model->column_count * LANES * sizeof(double));
    ck_assert_ptr_nonnull(rig.columns);
    ck_assert_int_eq(scratch_init(&rig.scratch, model->registers_max), ERR_OK);
    model_fill(model, rig.columns);
    program_run(&model->prepare, rig.columns, &rig.scratch);
    for (size_t lane = 0; lane < LANES && model->filter.members; lane++)
        rig.columns[(size_t)model->ensemble.key * LANES + lane] = (double)(lane + 1);
    return rig;
}

static inline void rig_close(Rig *rig)
{
    scratch_fini(&rig->scratch);
    mem_free(rig->columns);
    model_destroy(rig->model);
}

static inline double *cell(const Rig *rig, uint16_t column, size_t lane)
{
    return &rig->columns[(size_t)column * LANES + lane];
}

static inline double *named(const Rig *rig, const char *name, size_t lane)
{
    return cell(rig, scripts_channel(rig->model, name)->column, lane);
}

static inline double variance(const Rig *rig, const char *name, size_t lane)
{
    return *cell(rig, scripts_channel(rig->model, name)->variance, lane);
}

static inline void predict(Rig *rig)
{
    model_predict(rig->model, rig->columns, &rig->scratch);
}

/* The sample in every lane of `mask`. */
static inline void correct(Rig *rig, uint16_t index, double value, uint64_t mask)
{
    const Sensor *sensor = &rig->model->sensors[index];
    for (size_t lane = 0; lane < LANES; lane++) {
        *cell(rig, sensor->mask, lane) = mask >> lane & 1;
        if (mask >> lane & 1)
            *cell(rig, rig->model->channels[sensor->channel].column, lane) = value;
    }
    model_measure(rig->model, sensor, rig->columns, &rig->scratch);
    model_correct(rig->model, sensor, rig->columns, &rig->scratch);
    model_settle(rig->model, rig->columns);
}

static const uint64_t ALL = ~UINT64_C(0);
