/* file.h -- a file that is always whole: another version takes the place of the one before in one step.
 *
 * Threads: any; one at a time per path. */
#pragma once

#include "base/err.h"

#include <stddef.h>

/// Write `bytes` beside `path`, bring them to disk, and put them in its place (mode 0600): a reader finds the old file or the new one,
/// after a loss of power too.
Err file_replace(const char *path, const char *bytes, size_t length, ErrText *why);
