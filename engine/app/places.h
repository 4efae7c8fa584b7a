/* places.h -- where files lie when nobody says otherwise: below the user's folders (XDG). Folders that are missing are made. */
#pragma once

#include "base/base.h"

/// $XDG_STATE_HOME/pollux/PLANT.db, named after the plant's script.
Err place_history(const char *plant, char *out, size_t size, ErrText *why);
/// $XDG_CONFIG_HOME/pollux/access.json.
Err place_access(char *out, size_t size, ErrText *why);
