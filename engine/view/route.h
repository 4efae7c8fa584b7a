/* route.h -- pipes: the way that a link takes from body to body, in straight pieces along the ground.
 *
 * A pipe leaves a body on the side that looks at the other, goes half of the way, turns, and comes in from the side: at right angles, as pipes are laid.
 *
 * Takes: assets that are placed.  Gives: Pieces.  Threads: any. */
#pragma once

#include "view/stage.h"

enum { ROUTE_PIECES_MAX = 5 };  // of one link: three straight ones and two elbows

/// Write the pieces of link `number` from `from` to `to`, and returns how many; the meshes are those of a straight piece and of an elbow.
size_t route_link(const WorldAsset *from, const WorldAsset *to, uint32_t number, int tube, int elbow, Piece out[static ROUTE_PIECES_MAX]);
