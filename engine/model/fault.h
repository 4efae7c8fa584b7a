/* fault.h -- how an asset fails: what scripts say of it, read and checked.
 *
 * A fault befalls one value of the process (which is multiplied, or set) or one sensor (which lies, or falls silent). A model declares the faults
 * that its kind of asset is known for; plants let them happen to the emulated asset (plant/castor.h), and may declare more of their own.
 *
 * Takes: an entry of a script.  Gives: the kind, the size, and the name of what it befalls. */
#pragma once

#include "model/declare.h"
#include "model/model.h"

/// The keys of an entry by which fault_read tells what happens; whoever reads more adds his own.
#define FAULT_KEYS "value", "factor", "set", "sensor", "kind", "size"

/// `value = NAME` with `factor =` or `set =`, or `sensor = NAME` with `kind =` and, for most kinds, `size =`. Returns NAME, "" when there is none;
/// the size is as it is written, NAN when it is not.
const char *fault_read(Declaration *entry, FaultKind *kind, double *size);
/// Whether this can befall `channel`, which errors call `name`; brings the size from the channel's unit to SI. ERR_USAGE when it cannot.
Err fault_check(const Channel *channel, const char *name, FaultKind kind, double *size, ErrText *why);
