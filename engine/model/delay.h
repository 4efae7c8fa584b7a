/* delay.h -- pure delays: a value as it was some seconds ago. Pipes, belts, sample lines.
 *
 * The value at the end of every tick is put into a ring of columns, which is part of the twin's state. A delay of a whole number of steps
 * gives back the very value; between two steps it is interpolated. Over a step equations see the delayed value at its beginning, as they see
 * inputs. What a ring holds is one value per step of the delay, and turning it costs the same however long it is.
 *
 * A tick turns the rings first (delay_turn: the newest value in, the one for the end of the tick out, to `next`), then predict moves `next` to
 * `then`: so a lane whose step is not taken or not finite keeps its delayed value with its state [I3].
 *
 * Takes: a model's columns.  Gives: delayed values in them.
 * Threads: any, one per block. */
#pragma once

#include "graph/graph.h"

enum { DELAYS_MAX = 32, DELAY_VALUES_MAX = 4096 };  // of one model: delays, and what their rings hold together

typedef struct Delay {
    const char *name;
    size_t whose;     // of the model's parts, whose equations it stands in
    Expr of;
    uint16_t steps;   // whole steps, at least 1
    double part;      // of one more step, below 1
    uint16_t length;  // of the ring
    uint16_t now;     // column of the value as it is, left by the model's `record`
    uint16_t then;    // of the value as it was, which equations read
    uint16_t next;    // of the value as it will have been at the end of the step
    uint16_t ring;    // first column: which place holds the newest value, then `length` places
} Delay;

struct Model;

/// Fill the rings of a block as if its values had always been as they are now.
void delay_start(const struct Model *model, double *columns, Scratch *scratch);
/// Turn the rings of a block by one step, in `lanes`. A value that is not finite is not kept: `next` is NaN then, which stops the twin.
void delay_turn(const struct Model *model, double *columns, uint64_t lanes, Scratch *scratch);
/// The parts of both behind `record`, for whoever runs that: fill the rings with, or take in, what is in the columns `now`.
void delay_fill(const struct Model *model, double *columns);
void delay_shift(const struct Model *model, double *columns, uint64_t lanes);
