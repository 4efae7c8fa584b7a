/* signals.h -- the words in which the outside and the engine speak.
 *
 * Takes: base, UDUNITS-2, jansson.  Gives: units, tags, samples, commands, the frames on the wire, what a connector is. */
#pragma once

#include "signal/bulk.h"
#include "signal/command.h"
#include "signal/connector.h"
#include "signal/clock_map.h"
#include "signal/link.h"
#include "signal/recording.h"
#include "signal/sample.h"
#include "signal/tag.h"
#include "signal/unit.h"
#include "signal/wire.h"
