/* parameters.h -- parameter files: what was found by a fit, or measured on the bench, kept apart from the script.
 *
 *     return parameters {
 *       ["incubator.G_box"] = { 0.912, "W/K", sd = 0.01 },
 *       ["cell_*.capacity"] = { 2.61, "A.h" },
 *     }
 *
 * A plant names its file by `parameters = "FILE"`. What stands there takes the place of the values of models and assets. Names may be patterns, and a name
 * that is written out goes before a pattern. `sd` is what is known of the value: that of a tracked parameter is its uncertainty at the start,
 * that of another one the uncertainty that forecasts reckon with, and a fit begins with.
 *
 * Takes: a plant whose twins are placed.  Gives: their parameters. */
#pragma once

#include "plant/plant.h"

/// Read the file that the declaration at `root` names, if it names one. Errors name the file and its line.
Err parameters_read(Plant *plant, int root, ErrText *why);
