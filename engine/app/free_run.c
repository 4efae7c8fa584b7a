#include "app/free_run.h"

#include <assert.h>

Err free_run_load(const char *path, Plant **out, ErrText *why)
{
    const Err err = plant_load(path, 1, out, why);
    if (!err)
        (*out)->free_running = true;
    return err;
}

double free_run_residual(Plant *plant, const Sample *sample, uint16_t sensor_index)
{
    const Place place = plant_place(plant, sample->tag);
    const Sensor *sensor = &plant_model(plant, place.twin)->sensors[sensor_index];
    assert(sensor->channel == place.channel);
    const Block *block = &plant->blocks[plant->twins[place.twin].block];
    *plant_cell(plant, place.twin, sensor->mask) = 1;
    plant_set(plant, sample->tag, sample->value);
    program_run(&sensor->measure, block->columns, &plant->scratch[0]);
    return *plant_cell(plant, place.twin, sensor->innovation);
}

void free_run_restart(Plant *plant, const Plant *from, uint32_t twin)
{
    assert(plant->shape == from->shape);
    const Model *model = plant_model(plant, twin);
    for (uint16_t c = 0; c < model->channel_count; c++)
        if (model->channels[c].kind == CHANNEL_STATE)
            *plant_cell(plant, twin, model->channels[c].column) = *plant_cell(from, twin, model->channels[c].column);
}
