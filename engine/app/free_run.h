/* free_run.h -- a plant that nothing corrects: what its models say when they are given the inputs alone.
 *
 * Takes: a plant script, inputs.  Gives: what is left of samples when that is taken away.  Memory: owns a Plant.  Threads: one. */
#pragma once

#include "plant/plant.h"

/// A plant of which only the mean is stepped; plant_destroy it.
Err free_run_load(const char *path, Plant **out, ErrText *why);
/// A sample of sensor `sensor` of its twin minus what the plant expects, SI.
double free_run_residual(Plant *plant, const Sample *sample, uint16_t sensor);
/// Let a twin go on from the states that it has in `from`, a plant of the same script. Parameters, and what is on its way through delays, stay as they are;
/// outputs follow with plant_derive.
void free_run_restart(Plant *plant, const Plant *from, uint32_t twin);
