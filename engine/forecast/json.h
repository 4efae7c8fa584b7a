/* json.h -- a declaration that comes as JSON, on the Lua stack like one that a script returns.
 *
 * Takes: a text.  Gives: a table.  Threads: the script's. */
#pragma once

#include "model/script.h"

enum { JSON_SIZE_MAX = 4 * 1024 * 1024, JSON_DEPTH_MAX = 16 };

/// Push the object that `text` is; script_blame then finds lines in it. `name` is how errors call it. ERR_PARSE with its line.
Err json_push(Script *script, const char *name, const char *text, size_t length, ErrText *why);
Err json_push_file(Script *script, const char *path, ErrText *why);
