/* token_file.h -- the token that a subcommand shows to a server. */
#pragma once

#include "base/base.h"

enum { TOKEN_TEXT_ROOM = 200 };

/// That which a file holds, or else the environment (POLLUX_TOKEN); `token` stays "" where there is none. It is not typed: others on the machine see what is.
Err token_read(const char *path, char token[static TOKEN_TEXT_ROOM], ErrText *why);
