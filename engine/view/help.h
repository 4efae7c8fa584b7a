/* help.h -- what keys and buttons do, over everything else.
 *
 * Threads: one. */
#pragma once

#include "view/ui.h"

/// True when it is to be closed.
bool help_draw(Ui *ui, const char *renderer);
