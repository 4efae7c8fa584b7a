/* place.c -- where files are that nobody named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"

Err history_place(const char *plant, char *out, size_t size, ErrText *why)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME"), *name = strrchr(plant, '/');
    name = name ? name + 1 : plant;
    const int stem = (int)strcspn(name, ".");
    const int length = state && *state ? snprintf(out, size, "%s/pollux/%.*s.db", state, stem, name) : snprintf(out, size, "%s/.local/state/pollux/%.*s.db", home ? home : ".", stem, name);
    return length < (int)size ? ERR_OK : err_set(why, ERR_RANGE, "the path of the history is too long");
}
