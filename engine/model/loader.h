/* loader.h -- a model while it is being loaded: what channels.c and instruments.c read, and model.c builds programs from.
 *
 * Private to this folder. */
#pragma once

#include "model/declare.h"
#include "model/filter.h"
#include "model/model.h"
#include "model/trace.h"

/* Everything that is needed while a script becomes a model, and no longer. */
typedef struct Loader {
    Script *script;
    lua_State *lua;
    int root;  // of the declared table
    Model *model;
    Channel *channels;
    Sensor *sensors;
    AlarmDef *alarms;
    FaultDef *faults;
    Expr *measured;  // by sensor: what it expects
    TraceArray *arrays;
    size_t array_count;
    Trace trace;
    FilterState filter[MODEL_STATES_MAX];
    FilterLayout layout;
    ErrText *why;
} Loader;

/// ERR_MEMORY, with the path of the model.
Err loader__out_of_memory(Loader *loader);
/// Push the table `section` of the declaration (an empty one when absent) and list its keys.
Err loader__open_section(Loader *loader, const char *section, const char ***keys, size_t *count);
/// Push the entry `key` of the section on top of the stack.
Declaration loader__open_entry(Loader *loader, const char *section, const char *key);
/// Index of a channel, or -1.
int loader__find_channel(const Loader *loader, const char *name);
/// A new channel; what is wrong with its name is noted at the entry.
Channel *loader__add_named(Loader *loader, Declaration *entry, const char *name, ChannelKind kind);
Channel *loader__add_channel(Loader *loader, Declaration *entry, ChannelKind kind);
/// A standard deviation, a noise or another difference in the unit of `channel`, as SI.
double loader__read_spread(Declaration *entry, const Channel *channel, const char *name, double fallback);

// channels.c: sections that declare values. Parameters are read twice, the tracked ones first: with the states they are the filter's vector.
Err loader__read_states(Loader *loader);
Err loader__read_parameters(Loader *loader, ChannelKind wanted);
Err loader__read_inputs(Loader *loader);
Err loader__read_actuators(Loader *loader);

// instruments.c: sections that look at values.
Err loader__read_sensors(Loader *loader);
Err loader__read_alarms(Loader *loader);
Err loader__read_divergence(Loader *loader);

// fault.c
Err loader__read_faults(Loader *loader);
