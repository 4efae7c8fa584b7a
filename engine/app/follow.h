/* follow.h -- a scenario that names a recording follows it.
 *
 * Takes: a Scenario, a file beside it.  Gives: the Scenario, whose inputs are what the recording says.  Threads: any. */
#pragma once

#include "forecast/scenario.h"

/// Let inputs that no case changes be what the recording says that `scenario` names, a file beside `path`, from the time `from` on; where that is TIME_NONE,
/// from the recording's first. ERR_IO when there is none; the errors of tape_open.
Err follow_recording(const char *path, const Plant *plant, int64_t from, Scenario *scenario, ErrText *why);
