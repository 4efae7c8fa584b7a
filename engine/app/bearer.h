/* bearer.h -- the token that lets a program in. It is not typed: others on the machine see what is. */
#pragma once

#include "base/base.h"

enum { BEARER_ROOM = 256 };

/// The token that a file holds, or (`path` NULL) POLLUX_TOKEN; "" where there is neither. Wipe it after use.
Err bearer_read(const char *path, char token[static BEARER_ROOM], ErrText *why);
