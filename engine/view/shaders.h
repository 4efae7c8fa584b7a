/* shaders.h -- the shaders of assets/shaders, "body.vert", which are part of the program: they belong to the code that fills their inputs. */
#pragma once

#include "base/embedded.h"

extern const Embedded shaders[];
