/* keys.h -- where keys stand in a declaration, which as a table has forgotten that.
 *
 * A table of Lua does not know its lines, and of a key that is written twice it keeps the last value without a word. Both are found in the text.
 * What a program builds instead of writing it out is not found; it has no line of its own either.
 *
 * Takes: a source, 0 at its end.  Gives: line numbers, from 1.  Memory: views of the source. */
#pragma once

#include "base/base.h"

/// The line where the last of `keys` (NULL-terminated) stands, each looked for behind the one before; one that is not found is passed over. `assigns` is
/// what stands between a key and its value: = in Lua, : in JSON.
int keys_line(const char *source, const char *const *keys, char assigns);

typedef struct KeyTwice {
    const char *name;           // in the source; NULL when no key is there twice
    int length, first, second;  // of the name; its lines
} KeyTwice;

/// The first key that `section = { ... }` of a Lua source has a second time, itself and not in a table inside. ERR_MEMORY.
Err keys_find_twice(const char *source, const char *section, KeyTwice *out);
