/* every.h -- the word `every(seconds, f)` of plant scripts: something that is done again and again, by plant time.
 *
 * It gives a value for the table `on`, which whoever calls handlers reads with every_at. */
#pragma once

#include "model/script.h"

typedef struct Every {
    int64_t period_ns;
} Every;

/// Give the script the word, before it runs.
void every_open(Script *script);
/// What stands at `index` of the stack, and its function pushed; NULL, and nothing pushed, when it is something else. A view: the script owns it.
const Every *every_at(lua_State *lua, int index);
