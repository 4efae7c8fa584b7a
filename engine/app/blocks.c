#include "app/blocks.h"

#define SPREAD 1e-4  // between two neighbours, relative

double *blocks_at(const Blocks *blocks, size_t index)
{
    return blocks->columns + index * blocks->width * LANES;
}

double *blocks_cell(const Blocks *blocks, size_t twin, uint16_t column)
{
    return &blocks_at(blocks, twin / LANES)[(size_t)column * LANES + twin % LANES];
}

static void spread(const Blocks *blocks, size_t twin)
{
    const Model *model = blocks->model;
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (channel_is_settable(model->channels[i].kind))
            *blocks_cell(blocks, twin, model->channels[i].column) *= 1 + SPREAD * (double)(twin % LANES);
}

/* Every sensor shows what the twin expects of it. */
static void start_sensors(const Blocks *blocks, size_t twin, double *values)
{
    const Model *model = blocks->model;
    for (uint16_t column = 0; column < model->column_count; column++)
        values[column] = *blocks_cell(blocks, twin, column);
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        const Sensor *sensor = &model->sensors[i];
        *blocks_cell(blocks, twin, model->channels[sensor->channel].column) = graph_evaluate(model->graph, model->equations[sensor->channel], values);
        *blocks_cell(blocks, twin, sensor->mask) = 1;
    }
}

Err blocks_init(Blocks *blocks, const Model *model, size_t count, uint16_t more, ErrText *why)
{
    const uint16_t width = (uint16_t)(model->column_count + more);
    *blocks = (Blocks){.model = model, .count = count, .width = width, .columns = mem_alloc(count * width * LANES * sizeof(double))};
    double *values = mem_alloc(model->column_count * sizeof *values);
    Scratch scratch = {0};
    const bool is_there = blocks->columns && values && !scratch_init(&scratch, model->registers_max);
    for (size_t i = 0; i < count && is_there; i++) {
        model_fill(model, blocks_at(blocks, i));
        for (size_t twin = i * LANES; twin < (i + 1) * LANES; twin++) {
            spread(blocks, twin);
            start_sensors(blocks, twin, values);
        }
        program_run(&model->prepare, blocks_at(blocks, i), &scratch);
    }
    scratch_fini(&scratch);
    mem_free(values);
    return is_there ? ERR_OK : err_set(why, ERR_MEMORY, "out of memory for %zu blocks of model \"%s\"", count, model->name);
}

void blocks_fini(Blocks *blocks)
{
    mem_free(blocks->columns);
    *blocks = (Blocks){0};
}

void blocks_run(void *self)
{
    BlocksRun *run = self;
    for (size_t i = 0; i < run->blocks->count; i++)
        for (size_t k = 0; k < run->program_count; k++)
            program_run(&run->programs[k], blocks_at(run->blocks, i), &run->scratch);
}

Program program_interpreted(const Program *program)
{
    Program interpreted = *program;
    interpreted.native = NULL;
    return interpreted;
}
