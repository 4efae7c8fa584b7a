/* look.h -- what a model looks like, found by the names and units of its channels.
 *
 * Conventions, and not a table in every model: a level is a length that is called so, heat is a temperature, what turns has a speed in rpm or rad/s, what
 * flows is volume or mass over time, and an opening is a plain number that is called so. Models of the library say all of that already, in words that
 * operators use, so a new model is drawn sensibly without a line about its looks; and it works alike for a plant in this process and for a server's. What
 * a plant wishes otherwise it says per asset (`look` in docs/authoring.md).
 *
 * Threads: any. */
#pragma once

#include "view/world.h"

/// Fill `model->look`: what was said already (a mesh) stays.
void look_find(WorldModel *model);

/// Which way something goes along a connection.
typedef enum LinkKind {
    LINK_PIPE,     // volume or mass over time
    LINK_CABLE,    // current or power
    LINK_CONTACT,  // temperatures: walls that touch
    LINK_SIGNAL,   // anything else: one reads what the other shows
} LinkKind;
LinkKind look_link(const WorldChannel *from);
/// Whether what is carried leaves the asset that reads it: an input called draw, export, demand or out.
bool look_is_drawn(const WorldChannel *to);
/// Whether a unit is of the dimension of `as`, "K" say.
bool look_converts(const char *unit, const char *as);
