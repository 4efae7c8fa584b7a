/* part.h -- some blocks of a plant, stepped without the others, for the files of this folder.
 *
 * An island is a set of blocks that connections join, in whatever direction: what happens in it depends on nothing outside. A part is some islands
 * with their turns and connections, in the order in which the whole plant follows them, so a part that is stepped alone makes the same steps.
 *
 * Takes: a planned plant.  Gives: its islands, and parts of it.  Memory: the caller's arena. */
#pragma once

#include "plant/connect.h"

/// Find the islands, and make plant->whole; ERR_MEMORY.
Err part__make_whole(Plant *plant);
/// Where each stage begins and ends, from turns and connections that lie in its order (connect.c).
void connect__make_stages(PlantPart *part);
