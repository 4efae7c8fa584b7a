/* record.h -- what the emulated plant says, as a recording: a CSV file that the plant's own `tape` reads back.
 *
 * A row per sample: its time (ns since 1970) and, in its column, its value in the column's unit. */
#pragma once

#include "plant/castor.h"

/// Let Castor run for `seconds` from now of the day and write what the columns of the plant's tape are filled with. ERR_USAGE for a plant without a tape.
Err record_castor(Castor *castor, double seconds, const char *path, ErrText *why);
