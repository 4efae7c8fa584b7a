#include "bench/step.h"

#include <stdio.h>

Err step_compile(const Model *model, Stepper stepper, double step, Arena *arena, Program *out, ErrText *why)
{
    Expr next[MODEL_STATES_MAX];
    Assignment assignments[MODEL_STATES_MAX];
    stepper_build(stepper, model->graph, 0, model->equations, model->dynamic_count, step, next);
    for (uint16_t i = 0; i < model->dynamic_count; i++)
        assignments[i] = (Assignment){i, next[i]};
    const Err err = graph_compile(model->graph, assignments, model->dynamic_count, model->column_count, arena, out, why);
    program_codegen_wait();
    return err;
}

Err step_load(const char *name, double step, Model **out, ErrText *why)
{
    char path[512];
    snprintf(path, sizeof path, BENCH_MODELS "/%s.lua", name);
    return model_load(path, step, out, why);
}
