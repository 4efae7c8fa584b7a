/* signals.h -- the words in which the outside and the engine speak.
 *
 * Takes: base, UDUNITS-2, jansson.  Gives: units, tags, samples, commands, the frames on the wire, what a connector is, and what those that go out share. */
#pragma once

#include "signal/backoff.h"
#include "signal/binding.h"
#include "signal/bulk.h"
#include "signal/command.h"
#include "signal/connector.h"
#include "signal/clock_map.h"
#include "signal/connector_kind.h"
#include "signal/exchange.h"
#include "signal/inlet.h"
#include "signal/link.h"
#include "signal/options.h"
#include "signal/payload.h"
#include "signal/recording.h"
#include "signal/sample.h"
#include "signal/schedule.h"
#include "signal/tag.h"
#include "signal/unit.h"
#include "signal/wire.h"
