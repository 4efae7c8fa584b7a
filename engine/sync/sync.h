/* sync.h -- samples meet twins: collect and order, correct, judge.
 *
 * Ticks are numbered from 1970: tick k covers the times from k to k + 1 steps. Arrivals are filed under the tick that their time lies in; a tick may run when it is complete: every provider has come past its end
 * (provider clock), or the time of day has, by the plant's wait (UTC clock). What cannot be used is kept all the same, with its fate.
 *
 * Correcting folds one scalar sample at a time into mean and covariance, in the order of their times. Each innovation is tested
 * as it comes; a Verdict says whether asset and twin have parted, and why (detect.h).
 *
 * Takes: Arrivals, a Plant.  Gives: the Batch of a tick, corrected twins, Verdicts.
 * Memory: bounded by SYNC_PENDING_MAX samples ahead of the plant.  Threads: the tick's. */
#pragma once

#include "plant/lineage.h"
#include "sync/cause.h"

enum { SYNC_PENDING_MAX = 1 << 22 };

typedef enum Fate {
    FATE_USED,       // filed under its tick
    FATE_LATE,       // its tick had run so long ago that the window did not reach back to it
    FATE_DUPLICATE,  // same tag and time as one that was filed
    FATE_FUTURE,     // too far ahead of the plant
    FATE_BAD,        // quality bad: kept, not used
} Fate;
/// "used", "late", "duplicate", "future", "bad".
const char *fate_name(Fate fate);

/// A sample as it was filed: what history keeps, and what replays exactly.
typedef struct Filed {
    Sample sample;
    int64_t tick;   // that began with it: its own, or of a late one that which was next when it came; -1 when it was not filed
    uint64_t seq;   // order of arrival, from 1
    uint32_t late;  // ticks from its own to that one
    uint8_t fate;   // Fate
} Filed;

typedef struct Batch {
    const Filed *items;  // of one tick: in the order in which they are folded in; valid until the next sync_collect
    size_t count;
} Batch;

typedef enum VerdictKind { VERDICT_NONE, VERDICT_SENSOR, VERDICT_PROCESS, VERDICT_SILENCE } VerdictKind;
/// "none", "sensor", "process", "silence".
const char *verdict_name(VerdictKind kind);

typedef enum SensorQuality { SENSOR_GOOD, SENSOR_DIVERGED, SENSOR_SILENT } SensorQuality;
const char *sensor_quality_name(SensorQuality quality);

enum { VERDICT_TEXT = 192 };

/// What is thought of one twin. Changes only in sync_correct.
typedef struct Verdict {
    VerdictKind kind;
    Cause cause;
    uint16_t channel;  // of the sensor that is blamed, or the value that has moved, the likeliest; UINT16_MAX: none
    int64_t since;     // plant time
    double nis, nis_limit;  // the statistic (detect_index) and what it must stay below
    char text[VERDICT_TEXT];  // for a shift engineer; "" when kind is VERDICT_NONE
} Verdict;

typedef struct SyncCounters {
    uint64_t samples, used, late, duplicate, future, bad, dropped;
} SyncCounters;

/// What late samples have cost.
typedef struct SyncRewinds {
    uint64_t amended;   // samples that came late and were used; SyncCounters count them as used, too
    uint64_t rewinds;   // of an island: it went back and ran again
    uint64_t steps;     // of blocks, in ticks that ran again
    int64_t spent_ns;   // on all of it
} SyncRewinds;

/// A tick that ran again, told while sync is as of its end: the state of the twins in `part` at its end is as if all samples of theirs that are known `at` the next tick had come in order.
typedef void SyncReplayed(void *self, int64_t tick, int64_t at, const PlantPart *part);

typedef struct Sync Sync;

Err sync_create(Plant *plant, Sync **out);
void sync_destroy(Sync *sync);

/// File one arrival: samples, times, joined and left; its provider must be a number of its own over all connectors. For a sample `filed` is set and true returned, so that it can be recorded.
bool sync_file(Sync *sync, const Arrival *arrival, Filed *filed);
/// File a sample again as history kept it, when replaying.
void sync_refile(Sync *sync, const Filed *filed);
/// Ticks up to `tick`, and no others, are complete with what was filed again so far.
void sync_replay_until(Sync *sync, int64_t tick);
/// New numbers lie above `seq`: samples that were not filed have had theirs too.
void sync_number_from(Sync *sync, uint64_t seq);

/// The tick that would run next, and the plant time at its end.
int64_t sync_next_tick(const Sync *sync);
int64_t sync_time(const Sync *sync, int64_t tick);
/// Plant time: the end of the last tick, TIME_NONE before the first sample sets it.
int64_t sync_now(const Sync *sync);
/// Whether the next tick is complete, `utc` being the time of day.
bool sync_ready(Sync *sync, int64_t utc);
/// How long until it may be, at most `most` ns (UTC clock).
int64_t sync_patience(const Sync *sync, int64_t utc, int64_t most);
/// Let the plant's time begin at `time` (a provider clock begins with the first sample by itself).
void sync_begin(Sync *sync, int64_t time);

/// Before the next tick: what came late is put in its place, and ticks from there on run again. Without a call before every tick nothing late is used.
void sync_amend(Sync *sync);
/// Let `replayed` hear of every tick that runs again in sync_amend, from the first that a late sample belongs to.
void sync_on_replayed(Sync *sync, SyncReplayed *replayed, void *self);
/// The late samples that the last sync_amend has put in their places. Valid until the next.
Batch sync_amended(const Sync *sync);
const SyncRewinds *sync_rewinds(const Sync *sync);

/// The samples of the next tick.
Batch sync_collect(Sync *sync);
/// Fold them in, judge the innovations, project on limits; ends the tick.
void sync_correct(Sync *sync, Plant *plant, Batch batch);

/// A view, valid until the next call: verdicts are read from the twins' columns when they are asked for.
const Verdict *sync_verdict(const Sync *sync, uint32_t twin);
/// The lanes of a block of which the verdict is not VERDICT_NONE, a bit each: a look at a whole block costs a few ns per twin.
uint64_t sync_parted(const Sync *sync, uint32_t block);
/// Whether the twin is still settling: no verdict is given yet.
bool sync_is_settling(const Sync *sync, uint32_t twin);
SensorQuality sync_sensor_quality(const Sync *sync, uint32_t twin, uint16_t sensor);
/// The innovation of the newest sample of a sensor and its standard deviation, SI; false before the first.
bool sync_innovation(const Sync *sync, uint32_t twin, uint16_t sensor, double *innovation, double *sd);
/// Time and quality of the newest sample of a tag that was folded in; TIME_NONE when there was none.
int64_t sync_sample_time(const Sync *sync, TagId tag, Quality *quality);
const SyncCounters *sync_counters(const Sync *sync);

/// What sync must remember over a restart.
size_t sync_snapshot_size(const Sync *sync);
void sync_snapshot(const Sync *sync, void *out);
Err sync_restore(Sync *sync, const void *bytes, size_t size, ErrText *why);
/// The same from a snapshot of another version of the plant's script: what is known by tags that are still there. When tags were sampled last begins anew.
Err sync_adopt(Sync *sync, const Lineage *lineage, const void *bytes, size_t size, ErrText *why);
/// Behind either of them, within one process: what no snapshot has, the providers and the samples that wait for their tick; and when tags were sampled last. Samples of tags that
/// take no samples any more are left out. ERR_MEMORY: `sync` is of no use then.
Err sync_succeed(Sync *sync, const Sync *before, const Lineage *lineage);
