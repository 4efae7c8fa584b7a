/* resume.h -- what a restart needs, read from the file by a connection of its own. */
#pragma once

#include "history/history.h"

/// Fill `out`, which history_resume_fini empties; on failure it is empty.
Err resume_read(const char *path, const Plant *plant, HistoryResume *out, ErrText *why);
