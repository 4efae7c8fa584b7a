/* inside.h -- the inside of a Sync, for the files of this folder: sync.c files samples under ticks, correct.c folds them in, verdict.c says what is
 * thought of a twin, rewind.c lets ticks run again, succeed.c carries it over a restart and into another version of the plant. */
#pragma once

#include "sync/detect.h"
#include "sync/window.h"

enum {
    PROVIDERS_MAX = 256,
    RECENT = 4096,  // samples that are remembered to know them when they come twice
};

typedef struct Provider {
    uint32_t id;
    bool joined;
    int64_t time;  // it has told everything up to here, TIME_NONE before its first word
} Provider;

/* What must be remembered over a restart, in one piece. */
typedef struct Memory {
    int64_t next_tick;  // TIME_NONE before time has begun
    uint64_t seq;
    SyncCounters counters;
    struct Recent {
        int64_t time;
        TagId tag;
        uint32_t used;
    } recent[RECENT];
} Memory;

/* What sync knows of a model. */
typedef struct Kind {
    DetectLimits limits;
    uint16_t sensor[MODEL_CHANNELS_MAX];  // by channel, SENSOR_NONE for the rest
    uint16_t slot[MODEL_CHANNELS_MAX];    // by channel: which of the sampled ones it is, SLOT_NONE for the rest
    uint16_t slots;
} Kind;
enum { SENSOR_NONE = UINT16_MAX, SLOT_NONE = UINT16_MAX };

/* The newest samples that were folded in: for each sampled channel of a block, LANES of both. */
typedef struct Newest {
    int64_t *times;      // TIME_NONE when there was none
    uint8_t *qualities;
    size_t *first;       // by block, and one more for the end
} Newest;

/* One sample on its way into a block. */
typedef struct Work {
    double value;
    uint32_t item;  // of the batch
    uint16_t channel;
    uint8_t lane;
    bool folded;
} Work;

/* The works of one block, which no other thread touches. */
typedef struct Share {
    uint32_t block;
    size_t first, count;
} Share;

struct Sync {
    Plant *plant;
    Kind *kinds;         // by model, in the plant's order
    const Kind **kind;   // by block
    Provider providers[PROVIDERS_MAX];
    size_t provider_count;
    int64_t utc;           // when the tick last looked at the time of day
    int64_t replay_until;  // what was filed again is complete up to here
    Memory *memory;
    Newest newest;
    Queue queue;
    Window window;
    SyncRewinds rewinds;
    PlantPart part;      // that runs again
    bool *going;         // by block: it does
    int64_t *from;       // by island: the first tick that changes, INT64_MAX between two ticks
    Filed *amended;      // late samples that the last sync_amend has put in their places
    size_t amended_count, amended_room;
    SyncReplayed *replayed;  // who wants to know of ticks that ran again, or NULL
    void *replayed_self;
    int64_t folding;     // the tick that samples are folded into
    Filed *kept;         // where its samples are kept for the window, in the order of the works; NULL: nowhere
    Batch batch;
    uint32_t *blocks;    // by item of the batch: where it goes
    Work *works;         // block by block, each in the order of the batch
    size_t work_room;
    size_t *ends;        // by block: of its works, all 0 between two ticks
    Share *shares;       // by block at most
    Desk **desks;        // by thread
    Verdict verdict;       // what sync_verdict shows
    Arena arena;
};

/// What sync knows of a model of its plant.
const Kind *sync__kind(const Sync *sync, const Model *model);
/// Where a sample is remembered, to know it when it comes twice.
struct Recent *sync__recent(const Sync *sync, const Sample *sample);
void sync__remember(struct Recent *place, const Sample *sample);
/// Room for the works of so many samples; false when there is no memory.
bool sync__make_room(Sync *sync, size_t count);
/// The block of the twin that a sample is of.
uint32_t sync__block(const Sync *sync, const Filed *filed);
/// Whether the window has a sample with this tag and time, of a tick that it reaches.
bool sync__has_kept(const Sync *sync, const Filed *filed);
/// Where a block's samples begin on a shelf.
size_t sync__find_kept(const Sync *sync, const Shelf *shelf, uint32_t block);
/// Fold the samples of a tick that has run, as the window keeps them, into the blocks of a part that runs it again.
void sync__correct_again(Sync *sync, int64_t tick, const PlantPart *part);
/// Begin the window with a checkpoint of tick `base` and the samples behind it: all ticks from there run again. ERR_PARSE when they cannot be, or do
/// not lead to where the plant is; ERR_MEMORY. Then the plant is as it was, and the window begins with the next tick.
Err sync__rebuild(Sync *sync, int64_t base, const void *checkpoint, const Filed *samples, size_t count);
/// Where the newest sample of a tag is noted; false when it takes none.
bool sync__find_newest(const Sync *sync, TagId tag, size_t *out);
