/* inside.h -- the inside of Alarms, for the files of this folder: alarm.c judges a tick, snapshot.c keeps what a restart needs, acts.c does
 * what people ask, amend.c judges ticks that run again. */
#pragma once

#include "alarm/handlers.h"
#include "alarm/predict.h"
#include "alarm/watch.h"

/* What was last thought of a twin. */
typedef struct Standing {
    uint64_t slot;  // of its divergence alarm, see cycle.h
    uint32_t kind;  // VerdictKind
    uint32_t told;  // VerdictKind: what people and handlers heard last
} Standing;

/* What ticks that run again found: an alarm that begins in them, or ends. */
typedef struct Draft {
    Alarm alarm;  // its id is 0 until it is known under which people know it; returned is TIME_NONE while it lasts
    AlarmCell cell;
    uint32_t kind;  // VerdictKind, of a divergence
    bool known;     // people heard of it, and know its times
} Draft;

/* What people were told of the ticks that run again. */
typedef struct Told {
    AlarmCell cell;
    uint64_t id;
    int64_t raised, returned;  // TIME_NONE: it lasts
} Told;

/* Ticks that run again, from the first of them until alarm_amend. Empty where the plant has no window. */
typedef struct Again {
    bool *going;      // by block: it runs again
    bool *joining;    // by block: from this tick on
    bool any;
    Draft *drafts;
    size_t draft_count;
    Told *told;
    size_t told_count;
} Again;
enum { DRAFTS_MAX = ALARMS_MAX, TOLD_MAX = 2 * ALARMS_MAX };

struct Alarms {
    const Plant *plant;
    Cycle cycle;
    Handlers handlers;
    Predictions predictions;
    Edges edges;
    Again again;
    Standing *standings;  // by twin
    uint64_t *standing;   // by block: the lanes whose standing is not that of a calm twin
    Watch *watches;       // for each block: the quarantine, then the limits of its model
    size_t *first_watch;  // by block
    size_t watch_count;
    uint64_t shape;       // of the plant: what these arrays stand for
    uint64_t last_act;
};

/// A plant without a window has no Again. ERR_MEMORY, with something to fini.
Err again__init(Again *again, const Plant *plant);
void again__fini(Again *again);
/// Say what has changed since ticks ran again; handlers hear of it where `tell`.
void again__settle(Alarms *alarms, const Sync *sync, int64_t now, bool tell);

/// End what was shelved until now, and tell handlers of alarms that are not aside any more.
void alarms__bring_back(Alarms *alarms, const Sync *sync, int64_t now);
/// Handlers hear of an alarm, or of a verdict, unless it is aside.
void alarms__tell(Alarms *alarms, const Alarm *alarm, bool raised, bool amended);
void alarms__tell_divergence(Alarms *alarms, uint32_t twin, const Verdict *verdict, const char *text, bool amended);

/// Judge the limits and the quarantine of one block.
void alarms__judge_block(Alarms *alarms, uint32_t block, const Book *book, int64_t now);
/// The verdict of a twin, unless its tests begin anew and nothing speaks against what was thought of it: then NULL.
const Verdict *alarms__verdict(const Alarms *alarms, const Sync *sync, uint32_t twin);
/// Another verdict than before is a edge: as it is kept, or NULL.
Edge *alarms__edge(Alarms *alarms, uint32_t twin, uint32_t kind, int64_t now);
/// The lanes of a block to ask for a verdict.
uint64_t alarms__doubtful(const Alarms *alarms, const Sync *sync, uint32_t block);
void alarms__note_standing(Alarms *alarms, uint32_t twin);
Severity alarms__severity(VerdictKind kind);
