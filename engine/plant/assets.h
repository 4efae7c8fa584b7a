/* assets.h -- the twins of a plant script, `assets = { pump1 = { "pump" }, fleet("cell", 100000, "battery", f) }`.
 *
 * An asset that is written out is a table with its model and what differs from it. A fleet is many twins of one model: the table or function that
 * says in what twin i differs is asked twin by twin while the plant loads, and nothing of the answers lives on.
 *
 * Takes: a plant whose script has run.  Gives: its models, twins, blocks and tags.  Memory: the plant's. */
#pragma once

#include "plant/plant.h"

/// Give the plant's script the word `fleet`, before it runs.
void assets_open(Script *script);
/// Read and check the table `assets` of the declaration at `root`: load the models, place the twins by name, name their tags.
Err assets_read(Plant *plant, int root, ErrText *why);
