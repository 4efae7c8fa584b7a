/* keep.h -- how long a plant's history keeps what: `history = { keep = "30d", rollups = { second = "90d", minute = "2y", hour = "forever" } }`.
 *
 * What a script does not name is kept for ever. A longer bucket is made of shorter ones, so it must be kept as long as they are.
 *
 * Takes: a plant's script.  Gives: Plant.keep_ns.  Threads: that which loads. */
#pragma once

#include "plant/plant.h"

/// Read the `history` of the table at `root` on the script's stack. ERR_SCRIPT says what was expected.
Err keep_read(Plant *plant, int root, ErrText *why);
