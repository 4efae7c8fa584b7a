/* loader.h -- a model while it is being loaded: what channels.c and instruments.c read, and programs.c builds programs from.
 *
 * Private to this folder. */
#pragma once

#include "model/declare.h"
#include "model/filter.h"
#include "model/model.h"
#include "model/trace.h"

enum {
    LOADER_PARTS_MAX = 64,      // of a model, with their own parts and the model itself
    LOADER_OUTPUTS_MAX = 128,
    LOADER_PREPARED_MAX = 256,  // values of parameters alone; what is more is computed at every step
};
#define LOADER_BIAS "%s_bias"   // what the bias of a sensor is called

struct Part;

/* What a whole gives to one value of a part: a number in its unit, or a parameter of its own. */
typedef struct Given {
    const struct Part *to;
    const char *key;   // of the value, as the part calls it
    const char *from;  // the parameter of the whole; NULL for a number
    double number;
    bool is_used;
} Given;

/* One script: the whole model, or a part of it. */
typedef struct Part {
    struct Part *whole;  // that it is a part of; NULL for the model itself
    const char *name;    // "" for the model itself
    const char *prefix;  // of its channels: "upper_", "" for the model itself
    const char *path;
    Script *script;
    int root;            // of its declared table
    Given *given;
    size_t given_count;
} Part;

/* A parameter of a part that is the whole's: it has no channel of its own. */
typedef struct Passed {
    const Part *part;
    const char *key;
    const Unit *unit;
    double min, max;
    const Given *given;
    const char *channel;  // its name, once it is known
} Passed;

/* The entries of one section in all scripts, in the order of their full names. */
typedef struct Section {
    const char *name;
    struct SectionEntry {
        const Part *part;
        const char *key, *full;
    } *entries;
    size_t count;
} Section;

/* Everything that is needed while a script becomes a model, and no longer. */
typedef struct Loader {
    Script *script;  // of the model itself
    lua_State *lua;
    int root;        // of the declared table
    Part parts[LOADER_PARTS_MAX];  // the model itself first, every part behind what it is a part of
    size_t part_count;
    Passed *passed;
    size_t passed_count;
    Model *model;
    Channel *channels;
    uint8_t owners[MODEL_CHANNELS_MAX];  // by channel, while sections are read: the part that declared it
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
/// List the entries of a section.
Err loader__open_section(Loader *loader, const char *name, Section *out);
/// Push an entry on the stack of its script, until loader__close_entry, which returns what was wrong with it.
Declaration loader__open_entry(Loader *loader, const Section *section, size_t index);
Err loader__close_entry(const Declaration *entry);
/// Index of a channel by its full name, or -1.
int loader__find_channel(const Loader *loader, const char *name);
/// The same by what the script of `entry` calls it, and the unit in which it thinks.
int loader__find_called(const Loader *loader, const Declaration *entry, const char *name, const Unit **unit);
/// A new channel; what is wrong with its name is noted at the entry. Names are completed by that of the part.
Channel *loader__add_named(Loader *loader, Declaration *entry, const char *name, ChannelKind kind);
Channel *loader__add_channel(Loader *loader, Declaration *entry, ChannelKind kind);
/// A standard deviation, a noise or another difference in the unit of `channel`, as SI.
double loader__read_spread(Declaration *entry, const Channel *channel, const char *name, double fallback);

// parts.c: models that are built of models.
/// Run the scripts of the parts, of their parts, and so on.
Err loader__open_parts(Loader *loader, Part *whole);
/// The part whose script an entry is in.
const Part *loader__part(const Loader *loader, const Declaration *entry);
/// "upper_level" for "level" of the part "upper"; NULL without memory.
const char *loader__full_name(Loader *loader, const Part *part, const char *name);
/// Whether `full` is the full name of `name` in a part.
bool loader__is_called(const Loader *loader, size_t part, const char *name, const char *full);
/// What those around a part give to the value that `entry` declares, or NULL.
const Given *loader__find_given(Loader *loader, const Declaration *entry);
/// Note an error at `entry` that is the mistake of whoever uses the part: its line is that of the part in the whole.
void loader__fail_use(Declaration *entry, const Part *part, const char *format, ...) __attribute__((format(printf, 3, 4)));
/// Remember a parameter that the whole passes down, and connect all of them once parameters are read.
void loader__note_passed(Loader *loader, Declaration *entry, const Given *given);
Err loader__connect_passed(Loader *loader);
/// ERR_SCRIPT when something was given that no part has.
Err loader__check_given(Loader *loader);
/// Once the equations were run: what feeds an input takes its place, and the input becomes an output. Refuses loops.
Err loader__connect_inputs(Loader *loader);
/// Whether the whole decides this value of a part.
bool loader__is_decided(const Loader *loader, const Part *part, const char *key);

// model.c
/// Run the script at `part->path` and check that it returned a model.
Err loader__run(Loader *loader, Part *part);

// channels.c: sections that declare values. Parameters are read twice, the tracked ones first: with the states they are the filter's vector.
Err loader__read_states(Loader *loader);
Err loader__read_parameters(Loader *loader, ChannelKind wanted);
Err loader__read_biases(Loader *loader);
Err loader__read_inputs(Loader *loader);
Err loader__read_actuators(Loader *loader);

// procedure.c: what stands in place of equations, where a step function is declared.
Err loader__create_procedure(Loader *loader);
Err loader__read_outputs(Loader *loader);
Err loader__start_procedure(Loader *loader);

// instruments.c: sections that look at values.
Err loader__read_sensors(Loader *loader);
Err loader__read_alarms(Loader *loader);
Err loader__read_divergence(Loader *loader);
Err loader__read_filter(Loader *loader);

// fault.c
Err loader__read_faults(Loader *loader);

// programs.c: what the equations come to.
/// What programs of a sensor are built from, `expected` being what it should show.
FilterSensor loader__filter_sensor(const Sensor *sensor, const Channel *channel, Expr expected);
Err loader__build_programs(Loader *loader);
