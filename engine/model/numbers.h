/* numbers.h -- the functions of equations, on plain numbers.
 *
 * A step function may use what equations use. The elementary functions are those of the programs, not of the C library, so a script has the
 * same bits on every machine [I2]; math.sin and its like are replaced by them.
 *
 * Takes: a sandbox in which the functions of equations stand.  Threads: the script's. */
#pragma once

#include <lua.h>

/// Let the functions of equations take numbers where no equations are running; to be called once trace.c has put its own there.
void numbers__open(lua_State *lua);
