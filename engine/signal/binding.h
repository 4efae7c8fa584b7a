/* binding.h -- what a plant's script says of one tag and its way to the plant, whatever the connector.
 *
 *     bind = {
 *       ["tank1.gauge"]   = { "line", topic = "works/tank1/level", unit = "cm", dead_band = 0.1, stale = 5 },
 *       ["valve1.opening"] = { "plc", holding = 4, type = "float32", scale = 0.01 },
 *     }
 *
 * A sensor or an input is bound to be read, an actuator to be written. What stands on the wire becomes number * scale + offset in `unit`, and then SI;
 * a command goes the other way. What else the entry says is the connector's own (`address`).
 *
 * Takes: JSON of the script's tables.  Gives: Bindings.  Memory: the plant's arena.  Threads: any; const once made. */
#pragma once

#include <jansson.h>

#include "signal/tag.h"

typedef struct Binding {
    TagId tag;               // of the plant that it was read from: connectors know a binding by its place in their list, which outlives a reload
    const char *name;        // "tank1.gauge"
    bool writes;             // its actuator is written; otherwise it is read
    const Unit *unit;        // of number * scale + offset
    double scale, offset;    // scale is not 0
    double dead_band;        // SI, 0: none. What is nearer than that to the last one passed on is left out, unless that is `stale` or its quality changed
    int64_t stale_ns;        // without a value for so long the tag counts as silent: one sample of QUALITY_BAD, with its last value, says so. 0: never
    bool source_time;        // samples carry the time that the source gives, where it gives one; otherwise that of their arrival
    bool stores;             // a command may wait for the connection until its deadline; otherwise it fails at once where there is none
    const json_t *address;   // the entry's named keys, an object; the connector reads its own
} Binding;

/// The keys that all bindings have in common, NULL-terminated: for options_only.
extern const char *const binding_keys[];

/// From what stands on the wire to SI, and back.
double binding_to_si(const Binding *binding, double number);
double binding_from_si(const Binding *binding, double si);
