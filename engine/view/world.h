/* world.h -- what a window shows: the plant as plain names and numbers, and where they come from.
 *
 * A World knows neither twins nor sockets. Numbers are in the unit that people see, names are texts, an asset is an index. A Source fills it: the
 * plant runs inside the process, or a server is somewhere else. Everything that is asked of a source comes back later, as an Answer with the ticket of
 * what was asked; nothing here ever waits, so a frame never waits for a tick or for a network.
 *
 * Takes: a Source.  Gives: World.
 * Memory: a World owns its arena; what it lists is valid until `shape` changes.  Threads: the window's alone; a source has its own behind its functions. */
#pragma once

#include "base/base.h"

enum {
    WORLD_NAME = 64,
    WORLD_UNIT = 24,
    WORLD_TEXT = 256,
    WORLD_NONE = UINT16_MAX,  // no channel, no model
    WORLD_NOBODY = -1,        // no asset
    WORLD_ALARMS_MAX = 1024,
};

/// What a channel is to its twin.
typedef enum ChannelRole { ROLE_ESTIMATED, ROLE_OUTPUT, ROLE_PARAMETER, ROLE_INPUT, ROLE_SENSOR, ROLE_ACTUATOR } ChannelRole;

/// One named value of a model; numbers in `unit`.
typedef struct WorldChannel {
    char name[WORLD_NAME], unit[WORLD_UNIT];
    const char *doc;
    ChannelRole role;
    double min, max;       // infinite where it has no limit
    uint16_t measured_by;  // a sensor that shows this channel alone, in the same unit; WORLD_NONE without
} WorldChannel;

/// What a model looks like, and which of its channels say so; WORLD_NONE where none does. look.h finds it by units and names.
typedef struct WorldLook {
    char mesh[WORLD_NAME];
    uint16_t fill, heat, spin, flow, opening;
    double fill_full;                  // where `fill` is at the rim
    double heat_low, heat_high;        // ends of the colour map
    double spin_full, flow_full;       // as fast as it is drawn
} WorldLook;

/// A limit of an alarm, for charts and marks.
typedef struct WorldLimit {
    char alarm[WORLD_NAME];
    uint16_t channel;
    bool high;
    double value;
    int severity;  // 0 info, 1 warning, 2 major, 3 critical
} WorldLimit;

typedef struct WorldModel {
    char name[WORLD_NAME];
    const char *doc;
    const WorldChannel *channels;
    const WorldLimit *limits;
    uint16_t channel_count, limit_count;
    WorldLook look;
} WorldModel;

/// What a number is worth: what its sample says of itself, or, worse, what the tests say of its sensor.
typedef enum ValueQuality { VALUE_GOOD, VALUE_UNCERTAIN, VALUE_BAD, VALUE_DIVERGED, VALUE_SILENT } ValueQuality;

/// One channel of one asset as it is now. NAN where there is no number.
typedef struct WorldValue {
    double value, measured;   // estimate (or what it is set to); newest sample of measured_by
    float sd;
    float low, middle, high;  // 10, 50, 90 % of the forecast at World.ghost_time
    uint8_t quality;          // ValueQuality, of what is measured
} WorldValue;

/// Worst last.
typedef enum AssetHealth { ASSET_CALM, ASSET_PARTED, ASSET_ALARM, ASSET_QUARANTINED } AssetHealth;

typedef struct WorldAsset {
    char name[WORLD_NAME];
    uint16_t model;
    bool placed;          // the script said where; otherwise layout.h does
    bool sized;           // and how large
    float at[3];          // m, of the middle of its foot; x east, y north, z up
    float size[3];        // m
    float turn;           // rad around z
    char mesh[WORLD_NAME];  // in place of its model's; "" without
    uint32_t first;       // its channel 0 in World.values; WORLD_VALUE_NONE while its numbers are not told
    uint8_t health;       // AssetHealth
    int8_t severity;      // of its worst alarm that asks for attention, -1 without
    bool unacknowledged;  // one of them
} WorldAsset;
#define WORLD_VALUE_NONE UINT32_MAX

/// What one asset's input takes from another.
typedef struct WorldConnection {
    uint32_t from, to;  // assets
    uint16_t from_channel, to_channel;
} WorldConnection;

typedef struct WorldAlarm {
    uint64_t id;
    uint32_t asset;
    int8_t severity;  // as in WorldLimit
    bool active, acknowledged, predicted, aside;
    int64_t raised;  // plant time
    char name[WORLD_NAME], text[WORLD_TEXT];
} WorldAlarm;

typedef enum WorldMode {
    WORLD_LIVE,
    WORLD_PAUSED,   // stands still because somebody wished so
    WORLD_PAST,     // as history has it at World.time
    WORLD_OFFLINE,  // the source is silent: the last that was known
} WorldMode;

/// What the person at the window may do, and the source can.
enum {
    WORLD_CAN_ACKNOWLEDGE = 1 << 0,
    WORLD_CAN_COMMAND = 1 << 1,
    WORLD_CAN_FORECAST = 1 << 2,
    WORLD_CAN_LOOK_BACK = 1 << 3,
};

typedef struct World {
    char plant[WORLD_NAME], source[WORLD_TEXT];  // its name; where it comes from: a path, an address
    const char *doc;
    char user[WORLD_NAME];    // "" where nobody is asked
    char notice[WORLD_TEXT];  // for people: why it is offline, what was refused; "" when all is well
    unsigned can;

    WorldModel *models;
    uint16_t model_count;
    WorldAsset *assets;
    uint32_t asset_count;
    WorldConnection *connections;
    uint32_t connection_count;
    WorldValue *values;
    uint32_t value_count;
    WorldAlarm *alarms;  // newest first, room for WORLD_ALARMS_MAX
    uint32_t alarm_count;

    WorldMode mode;
    int64_t time;                      // plant time of what is shown, TIME_NONE before the first
    int64_t ghost_time;                // for which WorldValue.low, middle and high are; TIME_NONE while there are none
    int64_t history_from, history_to;  // what can be looked back at, TIME_NONE without
    double step;                       // s of a tick
    uint64_t shape;     // another one: assets, models, places have changed, and all that was kept by index is void
    uint64_t revision;  // another one: some number, alarm or mode has changed
    Arena arena;
} World;

void world_fini(World *world);
/// Forget all that is listed and begin another shape, for a source that fills it anew.
void world_clear(World *world);
/// An asset by its name, WORLD_NOBODY when there is none.
int64_t world_find(const World *world, const char *name);
/// A channel of a model by its name, WORLD_NONE when there is none.
uint16_t world_channel(const WorldModel *model, const char *name);
/// The value of a channel, NULL while it is not told (or `channel` is WORLD_NONE).
const WorldValue *world_value(const World *world, uint32_t asset, uint16_t channel);
static inline const WorldModel *world_model(const World *world, uint32_t asset)
{
    return &world->models[world->assets[asset].model];
}

// --- where it comes from -------------------------------------------------------------------------------------------

typedef enum AnswerKind { ANSWER_SERIES, ANSWER_FORECAST, ANSWER_ACKNOWLEDGED, ANSWER_COMMANDED } AnswerKind;

/// One channel over time.
typedef struct WorldSeries {
    uint32_t asset;
    uint16_t channel;
    bool whatif;      // of a forecast: with the changes, not without
    size_t count;
    int64_t *times;   // plant time, rising
    double *values;   // history: mean of what lies there; forecast: median. In the channel's unit
    double *low, *high;   // history: min and max; forecast: quantiles 10 and 90 %
} WorldSeries;

typedef struct Answer {
    uint64_t ticket;
    AnswerKind kind;
    bool failed;
    char text[WORLD_TEXT];  // why; or for people what became of it
    WorldSeries *series;
    size_t series_count;
    Arena arena;            // of the series
} Answer;
void answer_fini(Answer *answer);

/// A value that is other than expected from now on.
typedef struct WhatIf {
    uint32_t asset;
    uint16_t channel;  // an input or a parameter
    double value;      // in the channel's unit
} WhatIf;

/// What is looked at: numbers of these come first, and of a large plant's others perhaps none.
typedef struct SourceInterest {
    const uint32_t *assets;  // seen best first
    size_t count;
    double horizon;  // s ahead at which ghosts are wanted; 0: none
    const WhatIf *changes;  // with which ghosts are wanted
    size_t change_count;
} SourceInterest;

typedef struct SeriesAsk {
    uint32_t asset;
    uint16_t channel;
    int64_t from, to;  // plant time
    size_t points;     // at most
} SeriesAsk;

typedef struct ForecastAsk {
    uint32_t asset;
    const uint16_t *channels;  // of the asset, that are wanted
    size_t channel_count;
    const WhatIf *changes;     // none: the base case alone
    size_t change_count;
    double horizon;  // s
} ForecastAsk;

/// What can be asked; a ticket is never 0, and 0 means that there is no room now, or that it cannot. NULL where the source never can.
typedef struct SourceType {
    const char *name;
    /// Bring the world up to date with what is there by now; true when anything changed. Called once a frame.
    bool (*poll)(void *self, World *world);
    /// The next answer, to be answer_fini'd; false when there is none.
    bool (*take)(void *self, Answer *out);
    void (*look)(void *self, const SourceInterest *interest);
    /// Live, paused, or past as of `time`; the world's mode says when it has come about.
    void (*show)(void *self, WorldMode mode, int64_t time);
    uint64_t (*series)(void *self, const SeriesAsk *ask);
    uint64_t (*forecast)(void *self, const ForecastAsk *ask);
    uint64_t (*acknowledge)(void *self, uint64_t alarm, const char *comment);
    /// `dry`: nothing is sent, the gate says what would become of it.
    uint64_t (*command)(void *self, uint32_t asset, uint16_t channel, double value, bool dry);
    void (*close)(void *self);
} SourceType;

typedef struct Source {
    const SourceType *type;
    void *self;
} Source;
