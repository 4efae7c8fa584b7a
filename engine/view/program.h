/* program.h -- shaders become a program of OpenGL.
 *
 * Threads: the one that has the context. */
#pragma once

#include "base/err.h"

/// NAME.vert and NAME.frag of assets/shaders. ERR_IO with what the driver says.
Err program_link(const char *name, unsigned *out, ErrText *why);
