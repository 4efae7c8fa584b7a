/* lookup.h -- from the name of a metric, or the alias that a birth gave it, to the bindings that have it.
 *
 * Takes: a Plan.  Gives: places of bindings.  Memory: its own, reserved at the start.  Threads: one at a time. */
#pragma once

#include "connectors/sparkplug/plan.h"

#define LOOKUP_NONE UINT32_MAX

typedef struct Lookup {
    const Plan *plan;
    uint32_t *heads, *next;              // by the hash of the name
    uint32_t *alias_heads, *alias_next;  // by the hash of the alias
    uint64_t *aliases;                   // of bindings
    bool *has_alias;
    size_t mask;
} Lookup;

Err lookup_init(Lookup *lookup, const Plan *plan);
void lookup_fini(Lookup *lookup);
/// The place among the plan's nodes; `node_count` of the plan when it has no such node.
size_t lookup_node(const Lookup *lookup, const char *group, const char *node);
/// The first binding of a metric, and the next one behind `binding`; LOOKUP_NONE: none. `device` "": the metric is the node's own.
uint32_t lookup_name(const Lookup *lookup, size_t node, const char *device, const char *metric);
uint32_t lookup_next(const Lookup *lookup, uint32_t binding);
/// The first binding whose metric has this alias.
uint32_t lookup_alias(const Lookup *lookup, size_t node, uint64_t alias);
void lookup_set_alias(Lookup *lookup, uint32_t binding, uint64_t alias);
/// Of a device, of the node's own metrics (""), or of all of the node (NULL).
void lookup_forget_aliases(Lookup *lookup, size_t node, const char *device);
/// Whether the binding is of this node, and of the device, of the node's own metrics (""), or of either (NULL).
bool lookup_is_of(const Plan *plan, size_t binding, size_t node, const char *device);
