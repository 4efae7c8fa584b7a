/* lever.h -- one value that a person would like to be another: what would come of it, and then the order.
 *
 * An input says what is, an actuator says what is asked for (docs/authoring.md), and forecasts change inputs. They are two ends of one lever where they
 * have one unit, and names that are the same up to their last word: speed_order and speed_setpoint, opening_order and opening. A lever with one end alone
 * can only be looked ahead with, or only be sent.
 *
 * Memory: the caller's.  Threads: one. */
#pragma once

#include "view/world.h"

enum { LEVER_TEXT = 48 };

typedef struct Lever {
    int64_t asset;                 // WORLD_NOBODY: none
    uint16_t input, actuator;      // WORLD_NONE: the lever has no such end
    char text[LEVER_TEXT];         // as typed, in `unit` of either end
    bool active;                   // looked ahead with
    bool dry, armed;               // the gate was asked, and would let it through: the next press sends
    uint64_t ticket;               // of the order that is on its way
    char told[WORLD_TEXT];         // what became of the last one
    bool failed;
} Lever;

void lever_init(Lever *lever);
/// Take hold of a channel; one that is neither an input that nothing feeds nor an actuator is left alone: false.
bool lever_choose(Lever *lever, const World *world, uint32_t asset, uint16_t channel);
/// Whether a channel is one that lever_choose takes.
bool lever_fits(const World *world, uint32_t asset, uint16_t channel);
/// The other end of an input or an actuator; WORLD_NONE where there is none.
uint16_t lever_other_end(const WorldModel *model, uint16_t channel);
/// The end whose unit, limits and name count: the actuator where there is one.
const WorldChannel *lever_channel(const Lever *lever, const World *world);
/// The value that was typed, within the limits; otherwise false, and why (what was expected).
bool lever_value(const Lever *lever, const World *world, double *out, ErrText *why);
/// What forecasts are to reckon with: 1 where the lever is active and can be, 0 otherwise.
size_t lever_changes(const Lever *lever, const World *world, WhatIf *out);
