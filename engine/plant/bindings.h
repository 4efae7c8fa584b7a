/* bindings.h -- what a plant's script calls outside, and which tag is bound to what: `connectors = { line = { "mqtt", ... } }` and
 * `bind = { ["tank1.gauge"] = { "line", unit = "cm", ... } }`.
 *
 * The keys that all bindings share are read here (binding.h), names and units are checked; what belongs to a kind of connector is kept as JSON, and checked
 * by that. A table of Lua becomes an array where its keys are 1, 2, 3, ..., otherwise an object.
 *
 * Takes: a plant's script.  Gives: Plant.connectors.  Memory: the plant's arena, but for the JSON.  Threads: that which loads. */
#pragma once

#include "plant/plant.h"

enum { PLANT_CONNECTORS_MAX = 32 };

/// Read the two tables of the one at `root` on the script's stack; the tags are there. ERR_SCRIPT says what was expected.
Err bindings_read(Plant *plant, int root, ErrText *why);
/// Free what no arena does.
void bindings_forget(Plant *plant);
/// Write "path:line: text", where line is that of `key` (of the entry, where that does not have it) of the binding of `tag`, or where that is TAG_NONE of the
/// connector. ERR_SCRIPT.
Err bindings_blame(const Plant *plant, const PlantConnector *connector, TagId tag, const char *key, const char *text, ErrText *why);
/// The connector of this name, NULL when there is none.
const PlantConnector *bindings_connector(const Plant *plant, const char *name);
