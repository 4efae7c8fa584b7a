/* resume.h -- what a restart needs, and what it would have needed behind an earlier tick, read from the file by a connection of its own. */
#pragma once

#include "history/history.h"

/// Fill `out`, which history_resume_fini empties; on failure it is empty.
Err resume_read(const char *path, const Plant *plant, HistoryResume *out, ErrText *why);
/// The same as of the end of `tick`: the newest snapshot of those that are kept up to there, and of the samples behind it those that began with ticks up to
/// it. Without such a snapshot `out` has no parts and nothing else.
Err resume_read_past(const char *path, const Plant *plant, int64_t tick, HistoryResume *out, ErrText *why);
