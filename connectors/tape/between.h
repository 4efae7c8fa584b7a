/* between.h -- what an input was between its samples, for every step of the plant.
 *
 * A living plant holds an input until its next sample. A recording knows the next one, so an input that varies smoothly need not be a staircase that
 * lags by half an interval. The plant holds its inputs over a step, and what arrives within a tick acts in the next: so each sample that is made
 * here stands in the last nanosecond of a tick, and has the value at the middle of the step behind it, which is right to the second order.
 *
 *   linear  the straight line between the two samples around that time.
 *   band    the sum over 16 samples on either side, each times a sinc under Kaiser's window (90 dB, which leaves a sine right to 1e-4 of its
 *           amplitude up to 80 % of half the rate of the samples), weights normalised so that a constant stays one. It needs samples at equal
 *           distances: where an interval around differs from the median by more than 2 %, near gaps and near both ends, it is the straight line;
 *           where more than a tenth of all intervals do, it is refused.
 *
 * The first and the last sample of every stretch without a gap are passed on as they are, so a gap is held, as without all this.
 *
 * Source: Kaiser's window and its attenuation: Oppenheim, Schafer, Discrete-Time Signal Processing (2010), 7.5.3. */
#pragma once

#include "connectors/tape/samples.h"

/// Append to `out` what `column` says of the samples `given` of one input, which are in order, no time twice. ERR_PARSE when its samples are too irregular
/// for it (`why` says by how much, and begins with the name of the column), ERR_RANGE when there would be too many, ERR_MEMORY.
Err between_fill(const RecordingColumn *column, int64_t step_ns, const Sample *given, size_t count, Samples *out, ErrText *why);
