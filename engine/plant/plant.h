/* plant.h -- the twins of a plant, in blocks, and the fixed step that moves them.
 *
 * Twins of one model lie side by side, 64 to a block; a column of a block is one quantity over 64 lanes. plant_advance predicts
 * every block over one step. What a lane computes depends on that lane alone [I1]: the results are the same bits on any number
 * of threads, and plant_hash proves it. Connections between twins are followed in stages (connect.h).
 *
 * A twin whose numbers stop being finite is quarantined: it keeps its last good state, is counted, and the others go on [I3].
 *
 * Takes: models and a plant script.  Gives: Plant: blocks, twins, tags.
 * Memory: a Plant owns its models and blocks.  Threads: one at a time; plant_advance uses the workers. */
#pragma once

#include "model/model.h"
#include "signal/binding.h"

/// One value of one twin.
typedef struct Place {
    uint32_t twin;
    uint16_t channel;
} Place;

typedef struct Block {
    const Model *model;
    double *columns;  // model->column_count x LANES
    uint32_t lanes;   // in use, from 0
    uint32_t twin[LANES];
    uint64_t quarantined;  // a bit per lane
    uint64_t failed;       // of them those whose step function failed, since the start
} Block;

/// The LANES cells of a column.
static inline double *block_column(const Block *block, uint16_t column)
{
    return &block->columns[(size_t)column * LANES];
}
/// A bit for every lane that is in use.
uint64_t block_lanes(const Block *block);

/// How a twin is to be drawn where its script says so.
typedef struct TwinLook {
    const char *mesh;  // "" where its model's is meant
    double size[3];    // m; 0: not said
    double turn;       // degrees, counter-clockwise seen from above
} TwinLook;

typedef struct Twin {
    const char *name;  // the tag table's
    uint32_t block;
    uint32_t lane;
    TagId first_tag;  // of its channel 0; the others follow
    bool recorded;    // history keeps its estimates
    bool placed;      // the script says where it is
    double at[3];     // position, m
    const TwinLook *look;  // NULL where the script says nothing
} Twin;

/// What one twin's input takes from another twin.
typedef struct Connection {
    Place from, to;
    bool delayed;     // part of a loop: carries the value from the end of the tick before
    uint32_t stage;   // of the twin that it feeds
    double min, max;  // of the input
    uint32_t from_block, from_cell, to_block, to_cell;  // cells of Block.columns
} Connection;

/// Lanes of one block that are stepped together.
typedef struct Turn {
    uint32_t stage, block;
    uint64_t lanes;
    bool derives;  // the outputs of the block are computed behind it
} Turn;

/// Connections to carry, then turns that may run side by side.
typedef struct Stage {
    uint32_t first_connection, connection_count;
    uint32_t first_turn, turn_count;
} Stage;

/// Some blocks of a plant, closed under its connections: all of them, or some of its islands.
typedef struct PlantPart {
    uint32_t *blocks;
    uint32_t block_count;
    Connection *connections;  // the delayed ones first
    uint32_t connection_count, delayed_count;
    Turn *turns;
    uint32_t turn_count;
    Stage *stages;
    uint32_t stage_count;
} PlantPart;

enum {
    PLANT_LAG_TICKS_MAX = 1 << 16,
    PLANT_LAG_BYTES = 64 * 1024 * 1024,
};

/// What the script calls outside, and the tags that are bound to it (bindings.h).
typedef struct PlantConnector {
    const char *name, *kind;  // "line"; "mqtt", or the path of a shared library
    json_t *options;          // its named keys
    Binding *bindings;        // by name
    size_t binding_count;
} PlantConnector;

typedef enum PlantClock { PLANT_CLOCK_UTC, PLANT_CLOCK_PROVIDER } PlantClock;

typedef struct Plant {
    const char *name, *doc, *path;
    const char *parameters_path;  // of its parameter file, NULL without (parameters.h)
    double step;         // s
    int64_t step_ns;
    PlantClock clock, declared_clock;  // by which it runs; as its script says
    bool corrects_clocks;  // UTC clock: stamps of sources whose clocks are off are corrected before they are filed
    int64_t wait_ns;     // UTC clock: how long a tick waits for its samples
    int64_t lag_ticks;   // a sample that comes so late is still used; 0: none is
    int64_t lag_every;   // ticks from one checkpoint to the next
    bool lag_declared;   // the script says so; otherwise the window is of 30 s where its checkpoints take no more than PLANT_LAG_BYTES
    double record;       // s between recorded estimates
    int64_t keep_ns[4];  // how long history keeps points, and roll-ups of a second, a minute, an hour; 0: for ever
    int64_t command_timeout_ns;
    int64_t control_ns;  // how often the script's `control` decides in forecasts; 0: it has none
    bool handles;        // the script's `on` has handlers that forecasts call: of alarms, of commands, of the time

    Block *blocks;
    uint32_t block_count;
    Twin *twins;
    uint32_t twin_count;
    Model **models;
    uint32_t model_count;

    TagTable *tags;      // its assets are the twins, in their order
    Connection *connections;  // the delayed ones first
    uint32_t connection_count, delayed_count;
    Turn *turns;
    uint32_t turn_count;
    Stage *stages;
    uint32_t stage_count;
    PlantPart whole;     // all of it
    uint32_t *islands;   // by block: the first block of its island; blocks of different islands know nothing of each other
    size_t *places;      // by block: where it lies in a checkpoint
    double *known_sds;   // by tag, SI: what a parameter file knows of parameters that are not tracked, NAN where it says nothing; NULL where it never does
    RecordingMap recording;
    PlantConnector *connectors;  // by name
    size_t connector_count;
    bool free_running;   // nobody measures these twins: only their mean is stepped

    Script *script;      // the plant's own, with its `on`, `control`, `emulate`, `forecast`, `gate` and `bind` in the registry (plant_push)
    Workers *workers;
    Scratch *scratch;    // registers, per thread
    double **shadow;     // per thread: a block's states before a program moved them [I3]
    uint64_t shape;      // of what the script declares; snapshots of the same shape fit bit for bit
    size_t description_size;  // of what snapshots say of models and twins (lineage.h)
    Arena arena;
} Plant;

/// Where models are looked for, from the folder of the plant's script on; NULL behind the last.
extern const char *const plant_model_places[];
/// Load a plant script and all that it names. `threads` is the number of threads that step it.
Err plant_load(const char *path, size_t threads, Plant **out, ErrText *why);
void plant_destroy(Plant *plant);

/// Begin with the values as they are: delays are filled with them. plant_load has done so; whoever sets values before the first step does it again.
void plant_start(Plant *plant);
/// Carry connections and predict every block over one step.
void plant_advance(Plant *plant);
/// The same with a part of it alone, which makes the steps that it would make among all others.
void plant_advance_part(Plant *plant, const PlantPart *part);
/// Room for any part of the plant; ERR_MEMORY.
Err plant_part_init(PlantPart *out, const Plant *plant, Arena *arena);
/// Make `part` the blocks that are chosen, which are whole islands: `chosen` has a flag per block.
void plant_part_select(PlantPart *part, const Plant *plant, const bool *chosen);
/// Refresh outputs from the states as they are now.
void plant_derive(Plant *plant);
/// Refresh what is prepared from the parameters of all twins, when they have been written to directly.
void plant_prepare(Plant *plant);

/// Index of a twin by its name, or -1.
int64_t plant_find(const Plant *plant, const char *name);
const Model *plant_model(const Plant *plant, uint32_t twin);
/// The cell of one twin in `column`.
double *plant_cell(const Plant *plant, uint32_t twin, uint16_t column);
/// The tag of a twin's channel.
TagId plant_tag(const Plant *plant, uint32_t twin, uint16_t channel);
/// Where a tag lives.
Place plant_place(const Plant *plant, TagId tag);
/// Whether a tag is an input that a connection feeds.
bool plant_is_fed(const Plant *plant, TagId tag);
/// Value and standard deviation (NaN where there is none) of a tag, SI.
double plant_value(const Plant *plant, TagId tag);
double plant_sd(const Plant *plant, TagId tag);
/// The standard deviation to which a parameter that is not tracked, or an input, is known: the parameter file's, else the model's; 0 where none is said, SI.
double plant_known_sd(const Plant *plant, Place place);
/// Set a tag to a value, SI, and prepare what follows from it.
void plant_set(Plant *plant, TagId tag, double value);

/// Fold a sample of `sensor` into the lanes of its mask, once it was measured. Lanes whose states stop being finite, and lanes in quarantine, are
/// put back as they were.
void plant_correct(Plant *plant, uint32_t block, const Sensor *sensor, size_t thread);
/// Behind the last sample of a tick: covariance and outputs of a block are up to date.
void plant_settle(Plant *plant, uint32_t block, size_t thread);
/// How many twins are in quarantine.
uint64_t plant_quarantined(const Plant *plant);
bool plant_is_quarantined(const Plant *plant, uint32_t twin);
/// Push the table `key` ("on", "emulate", "forecast", "gate", "bind") of the plant's script on its Lua stack: a table, or nil; "control" is a function.
void plant_push(const Plant *plant, const char *key);
/// Make `copy` the same plant with a script of its own, which has been run as the plant's was and knows nothing of what happened since; what it prints is not heard.
/// Everything else is the plant's. Behind an error, too, script_destroy(copy->script) is the caller's.
Err plant_script_again(Plant *copy, const Plant *plant, ErrText *why);

/// The number of the tick that a time lies in: tick k covers the times from k to k + 1 steps since 1970.
int64_t plant_tick(const Plant *plant, int64_t time);

/// Hash of everything that is the state of the twins.
uint64_t plant_hash(const Plant *plant);
/// How many checkpoints a window of `ticks` needs at a time, so that one lies at its beginning or before.
size_t plant_checkpoints(int64_t ticks, int64_t every);
/// The same bytes of the blocks of a part, into a checkpoint and back: plant_checkpoint_size bytes, in which every block has its place.
size_t plant_checkpoint_size(const Plant *plant);
void plant_keep(const Plant *plant, const PlantPart *part, void *checkpoint);
void plant_go_back(Plant *plant, const PlantPart *part, const void *checkpoint);
/// The same bytes with a description of the plant, to keep and to restore from: plant_snapshot_size bytes.
size_t plant_snapshot_size(const Plant *plant);
void plant_snapshot(const Plant *plant, void *out);
/// Put back what a plant of the same script was, bit for bit. ERR_PARSE, and nothing changed, for a snapshot of another version: see lineage.h.
Err plant_restore(Plant *plant, const void *bytes, size_t size, ErrText *why);
