/* connect.h -- connections between twins: how they are read, and the order in which a tick follows them.
 *
 * A connection carries a value of one twin into an input of another. Twins are stepped in stages: what feeds an input is stepped before
 * the twin that reads it, so an acyclic plant is followed within the tick. Twins that feed each other in a loop have no such order: all
 * connections between them carry the value from the end of the tick before, whatever the twins are called and wherever they lie.
 *
 * A value that is not finite is not carried, and the input holds what it had: a twin in trouble does not take others with it [I3].
 * What is carried is kept within the input's min and max.
 *
 * Takes: a plant whose twins are placed.  Gives: its connections and stages.  Memory: the plant's arena. */
#pragma once

#include <lua.h>

#include "plant/plant.h"

/// Read and check the table `connect` of the declaration at `root`; connections are left in the order of the inputs they feed.
Err connect_read(Plant *plant, int root, ErrText *why);
/// Find loops and islands, and put the plant's blocks into stages. Connections are left in the order in which they are followed.
Err connect_plan(Plant *plant, ErrText *why);
/// Carry some connections.
void connect_carry(const Plant *plant, const Connection *connections, uint32_t count);
