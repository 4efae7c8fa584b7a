#include "bench/step.h"

#include <stdio.h>

Err step_compile(const Model *model, Stepper stepper, double seconds, Arena *arena, Step *out, ErrText *why)
{
    Expr next[MODEL_STATES_MAX];
    Assignment assignments[MODEL_STATES_MAX], prepared[STEP_MORE];
    bool *fixed = arena_new(arena, bool, model->column_count);
    if (!fixed)
        return err_set(why, ERR_MEMORY, "out of memory for a step of %s", model->name);
    for (uint16_t i = 0; i < model->channel_count; i++)
        fixed[model->channels[i].column] |= model->channels[i].kind == CHANNEL_PARAMETER;

    Hoist hoist = {.fixed = fixed, .first = model->column_count, .room = STEP_MORE, .prepared = prepared};
    stepper_build(stepper, model->graph, 0, model->equations, model->dynamic_count, seconds, next);
    for (uint16_t i = 0; i < model->dynamic_count; i++)
        assignments[i] = (Assignment){i, next[i]};
    Err err = graph_hoist(model->graph, &hoist, assignments, model->dynamic_count);
    if (!err)
        err = graph_compile(model->graph, assignments, model->dynamic_count, (uint16_t)(model->column_count + STEP_MORE), arena, &out->run, why);
    if (!err)
        err = graph_compile(model->graph, prepared, hoist.count, (uint16_t)(model->column_count + STEP_MORE), arena, &out->prepare, why);
    program_codegen_wait();
    return err;
}

Err step_prepare(const Step *step, const Blocks *blocks)
{
    Scratch scratch;
    if (scratch_init(&scratch, step->prepare.registers))
        return ERR_MEMORY;
    for (size_t i = 0; i < blocks->count; i++)
        program_run(&step->prepare, blocks_at(blocks, i), &scratch);
    scratch_fini(&scratch);
    return ERR_OK;
}

Err step_load(const char *name, double seconds, Model **out, ErrText *why)
{
    char path[512];
    snprintf(path, sizeof path, BENCH_MODELS "/%s.lua", name);
    return model_load(path, seconds, out, why);
}
