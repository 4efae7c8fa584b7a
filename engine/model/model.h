/* model.h -- an asset type: what it is made of, and the programs that move and correct it.
 *
 * A model script declares; its equations run once, on symbolic values, and what they build is compiled into programs over
 * blocks of 64 twins. A block is a table of columns, LANES doubles each: this header says which column holds what.
 *
 * Takes: a Lua script, graph.  Gives: Model: channels, columns, programs.
 * Memory: a Model owns an arena; it is const once loaded.  Threads: load on one; read and run on any. */
#pragma once

#include "graph/graph.h"
#include "model/ensemble.h"
#include "model/procedure.h"
#include "model/script.h"
#include "signal/signals.h"

enum {
    MODEL_STATES_MAX = 64,     // with the tracked parameters
    MODEL_CHANNELS_MAX = 256,  // of all kinds
    COLUMN_NONE = UINT16_MAX,
    SENSOR_MEMORY = 32,  // columns per sensor that are sync's to use: its tests live in the block, so they are hashed and kept with it
    TWIN_MEMORY = 10,    // and per twin
};

typedef enum ChannelKind {
    CHANNEL_STATE,
    CHANNEL_TRACKED,    // a parameter that is estimated
    CHANNEL_PARAMETER,  // a parameter that is set
    CHANNEL_OUTPUT,     // an algebraic value
    CHANNEL_STATISTIC,  // what sync finds: every twin has one, "divergence"
    CHANNEL_INPUT,
    CHANNEL_SENSOR,
    CHANNEL_ACTUATOR,
} ChannelKind;

/// "state", "tracked", "parameter", "output", "statistic", "input", "sensor", "actuator".
const char *channel_kind_name(ChannelKind kind);
/// What a script may give a value: states, parameters, inputs.
bool channel_is_settable(ChannelKind kind);
/// What the engine finds out at every tick, and history keeps: states, tracked parameters, outputs, statistics.
bool channel_is_estimated(ChannelKind kind);

/// One named value of a model. Numbers are SI.
typedef struct Channel {
    const char *name, *doc;
    const Unit *unit;  // in which people see it and scripts give it
    ChannelKind kind;
    uint16_t column;    // of the value; sensors: of the last sample, NaN before the first
    uint16_t variance;  // of its variance, COLUMN_NONE where there is none
    double initial, min, max;
    double initial_sd;  // states, tracked: what is known at the start; parameters and inputs: to what they are known, in forecasts and before a fit; 0: not said
    double noise;       // states, tracked: spectral density of the process noise, unit per sqrt(s) [docs/authoring.md]; sensors: standard deviation
    double jump;        // tracked: how far it may have moved when twin and asset part, 0: it does not
    double time;        // tracked: s in which it forgets where it was, INFINITY: a random walk
    double rate_max;    // actuators: unit per s, INFINITY when free
} Channel;

/// Which filter follows the twins of a model.
typedef struct FilterDef {
    uint16_t members;     // of an ensemble (ensemble.h); 0: the extended filter
    double inflation;     // behind a tick with samples, deviations from the mean are multiplied by this; 1 or more
    double localisation;  // from so many elements of an array on a sample changes nothing; INFINITY: everything may change
    bool cyclic;          // the last element of an array is beside the first
    bool mixing;          // behind a tick with samples members are mixed at random, mean and covariance staying as they are
} FilterDef;

/// What comparing and correcting with one sensor needs: the channel's value and `mask` are filled in by sync, the rest is left by `measure`.
typedef struct Sensor {
    uint16_t channel;      // index into channels
    uint16_t of;           // the channel that it measures alone, for the eye; UINT16_MAX for a mixture
    uint16_t bias;         // the channel of its bias, which it shows on top; UINT16_MAX for none
    double every;          // s between two samples, as expected
    double resolution;     // SI: what it reads is a multiple of it; 0: every digit that a sample has; NAN where it is not declared
    uint16_t mask;         // 1 in the lanes that a program is for, 0 elsewhere
    uint16_t innovation;   // sample - expected
    uint16_t innovation_variance;
    uint16_t memory;       // first of SENSOR_MEMORY columns in which sync keeps its tests of this sensor
    uint64_t shows;        // a bit for each state that it depends on
    const double *taper;   // by state: the part of a correction that is made there; NULL: 1
    Program measure, correct;  // of an ensemble: measure leaves the innovation of whatever stands in the states, correct is empty
} Sensor;

typedef enum LimitSide { LIMIT_HIGH, LIMIT_LOW } LimitSide;

typedef enum Severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_MAJOR, SEVERITY_CRITICAL } Severity;
/// "info", "warning", "major", "critical".
const char *severity_name(Severity severity);
bool severity_parse(const char *text, Severity *out);

/// A limit alarm: the channel's value beyond `limit` for `hold` seconds; it returns when the value is back by `hysteresis`.
typedef struct AlarmDef {
    const char *name;
    uint16_t channel;
    LimitSide side;
    Severity severity;
    double limit, hysteresis;  // SI
    double hold;               // s
} AlarmDef;

typedef enum FaultKind {
    FAULT_FACTOR,   // process: a value is multiplied
    FAULT_SET,      // process: a value is set
    FAULT_BIAS,     // sensor: reads too much by `size`
    FAULT_DRIFT,    // sensor: by `size` per second since the start
    FAULT_STUCK,    // sensor: keeps its last value
    FAULT_NOISE,    // sensor: its noise is `size` times as large
    FAULT_SPIKE,    // sensor: one sample in ten is off by `size`
    FAULT_SILENCE,  // sensor: says nothing
} FaultKind;
/// "factor", "set", "bias", "drift", "stuck", "noise", "spike", "silence".
const char *fault_kind_name(FaultKind kind);
bool fault_kind_parse(const char *text, FaultKind *out);
/// Whether it is an instrument that fails, not the process.
bool fault_is_of_sensor(FaultKind kind);

/// How this kind of asset is known to fail, for emulation.
typedef struct FaultDef {
    const char *name, *doc;
    uint16_t channel;  // that it befalls
    FaultKind kind;
    double size;       // SI where it has a unit, NAN where it has no size
} FaultDef;

/// How this model's divergence is judged; the tests are sync's (sync/detect.h).
typedef struct DivergenceDef {
    double settle;        // s from the start in which nothing is judged: the twin is still finding its state
    double whiteness;     // factor, 1 or more, by which real innovations exceed white ones of the filter's variance
    double false_alarms;  // s between two false alarms of one twin, as wished
} DivergenceDef;

typedef struct Model {
    const char *name, *doc, *path;
    const char **paths;  // of its scripts: its own, then those of its parts
    uint16_t path_count;
    double step;  // s
    Stepper stepper;

    const Channel *channels;
    uint16_t channel_count;
    uint16_t state_count;    // channels[0, state_count): the states, then the tracked parameters: the filter's vector
    uint16_t dynamic_count;  // of them the states proper

    const Sensor *sensors;
    uint16_t sensor_count;
    DivergenceDef divergence;
    FilterDef filter;
    const AlarmDef *alarms;
    uint16_t alarm_count;
    const FaultDef *faults;  // by name
    uint16_t fault_count;

    const Delay *delays;
    uint16_t delay_count;

    uint16_t column_count;  // of a block
    uint16_t statistic;     // column of the divergence statistic: at 1 or more, tests speak against the model
    uint16_t covariance;    // first column of the packed upper triangle, row by row
    uint16_t moved_count;   // columns [0, moved_count) are what programs move and what must stay finite: mean, covariance, memory of events, delayed values
    uint16_t spread, spread_count;  // columns that the filter moves besides: whether inflation is due, members of an ensemble
    uint16_t due;           // of them: 1 where samples were folded in since the last step; COLUMN_NONE in an extended filter without inflation
    EnsembleLayout ensemble;
    uint16_t parted;        // 1 while twin and asset have parted: set by sync, read by predict
    uint16_t frozen;        // 1 while parameters that do not jump must not learn: set by sync, read by correct
    uint16_t memory;        // first of TWIN_MEMORY columns
    uint16_t kept_count;    // columns [0, kept_count) are the state of the twin: hashed, kept in snapshots
    uint16_t registers_max; // over all programs

    Procedure *procedure;  // what takes a step before predict, where no equations do; NULL otherwise
    uint64_t source;       // hash of the script that it stands in, 0 without
    uint16_t next;         // first column of the states one step on, which it leaves
    uint16_t jacobian;     // and of their derivatives by all of the filter's vector, row by row

    uint16_t prepared, prepared_count;  // columns of values that follow from parameters alone, the last of the block

    Program prepare;  // the prepared columns: to be run when a parameter has been set
    Program record;   // what delays follow, to their columns `now`
    Program predict;  // mean and covariance over one step; empty where an ensemble follows them
    Program move;     // the mean alone: for what nobody measures, and for members of an ensemble
    Program derive;   // outputs from the state as it is now

    Graph *graph;           // what the programs were built from, for people and for tangents (tangent.h)
    const Expr *prepared_values;  // prepared_count: what the prepared columns hold
    const FilterState *filter_states;  // state_count
    FilterLayout layout;
    const Expr *equations;  // by channel: the rate of a state, the value of an output, what a sensor should show; EXPR_NONE for the others
    Arena arena;
} Model;

/// Load a model script for a plant whose step is `step` seconds.
Err model_load(const char *path, double step, Model **out, ErrText *why);
void model_destroy(Model *model);

/// Fill all lanes of a block with what the model declares; the prepared columns are left to `prepare`.
void model_fill(const Model *model, double *columns);

// What the filter does to a block, whichever it is.
/// Mean and covariance over one step.
void model_predict(const Model *model, double *columns, Scratch *scratch);
/// Innovation and its variance, in the lanes of the sensor's mask.
void model_measure(const Model *model, const Sensor *sensor, double *columns, Scratch *scratch);
/// Fold one sample into the lanes of the mask, once it was measured.
void model_correct(const Model *model, const Sensor *sensor, double *columns, Scratch *scratch);
/// Behind the last sample of a tick: the covariance is up to date.
void model_settle(const Model *model, double *columns);
/// In one lane, forget a state but for its mean: it has this standard deviation, and nothing in common with the others.
void model_open(const Model *model, double *columns, size_t lane, uint16_t state, double sd);
/// In one lane, the standard deviation of a state becomes `factor` times what it is; how it is correlated with the others stays.
void model_scale(const Model *model, double *columns, size_t lane, uint16_t state, double factor);
/// In one lane, the state may be off along a direction, by one standard deviation: the covariance grows by `direction` (by state, SI) times itself.
void model_widen(const Model *model, double *columns, size_t lane, const double *direction);

/// Index of a channel, or -1.
int model_find(const Model *model, const char *name);
/// A fault of the model, or NULL.
const FaultDef *model_find_fault(const Model *model, const char *name);
/// Column of the covariance of state i with state j.
uint16_t model_covariance(const Model *model, uint16_t i, uint16_t j);
