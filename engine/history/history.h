/* history.h -- the one durable record: samples, estimates, alarms, commands, audit, snapshots. SQLite in WAL mode.
 *
 * The tick appends and never waits: records go to one writer thread by a bounded queue, and the writer commits them in groups, at the
 * latest 20 ms after they came. history_durable says how far the disk has it; only what it covers is acknowledged to devices [I5].
 * When the queue is full the tick waits, because a lost record is worse than a late tick; the waiting is counted.
 * Readers open their own connection (HistoryReader) and never hold the writer up.
 *
 * Everything is kept by tag name and in SI units. The Plant must outlive the History and its readers. A file is written by one engine
 * (PATH.lock); synchronous = FULL, so what is durable outlives a power cut as far as the disk tells the truth.
 *
 * Takes: filed samples, the plant's estimates, alarms, commands.  Gives: ranges for charts, and what a restart needs.
 * Threads: append on the tick's, read on any with a reader of one's own. */
#pragma once

#include "alarm/evidence.h"
#include "gate/gate.h"
#include "history/audit.h"

typedef struct History History;

typedef struct HistoryStats {
    uint64_t rows, commits;
    uint64_t waits;   // times the tick had to wait for the writer
    uint64_t errors;  // commits that failed: nothing behind the first is acknowledged
    int64_t commit_ns_max;
} HistoryStats;

/// Open or make the file; ERR_IO or ERR_PARSE (not ours, or of a newer version) with what to do about it. Records of another plant are refused.
Err history_open(const char *path, const Plant *plant, History **out, ErrText *why);
/// Go on with another version of the plant's script: what waits is written, then the tags of `plant` are those that are meant. ERR_IO, ERR_MEMORY:
/// it goes on with the plant before.
Err history_follow(History *history, const Plant *plant, ErrText *why);
/// From now on what `audit` takes is written too, in the order in which it was noted. Before the first note; until history_close.
void history_keep_audit(History *history, Audit *audit);
/// Write all that waits, then close. With a disk that fails it gives up after some seconds, and says so in the log.
void history_close(History *history);

void history_append_sample(History *history, const Filed *filed);
/// The estimates (value and sd) of every state, tracked parameter and output, at the plant's `record` period, of the twins that are recorded.
void history_append_estimates(History *history, const Plant *plant, int64_t time);
/// Estimates of the same kind that late samples have changed, of the twins in `part`: told `revision` ticks after the first, which stays. Those that did not change are
/// left out.
void history_append_amended(History *history, const Plant *plant, const PlantPart *part, int64_t time, uint32_t revision);
void history_append_alarm(History *history, const Alarm *alarm, const char *twin);
void history_append_command(History *history, const Command *command, const char *tag);
/// What somebody did about alarms, behind `tick`.
typedef struct HistoryAct {
    int64_t tick, time;
    AlarmAct act;
} HistoryAct;
void history_append_act(History *history, const HistoryAct *act);
/// What somebody did about actuators, behind `tick`; `tag` is the name of act.tag, "" for all.
typedef struct HistoryGateAct {
    int64_t tick, time;
    GateAct act;
} HistoryGateAct;
void history_append_gate_act(History *history, const HistoryGateAct *act, const char *tag);
/// What the alarm was decided on, of the revision that it names.
void history_append_evidence(History *history, const Evidence *evidence);
/// What was judged in `tick`, before the alarms that came of it.
void history_append_outlooks(History *history, const Plant *plant, int64_t tick, const Outlooks *outlooks);
/// The plant after `tick`, whose end is `time`; `parts` are kept as they are.
typedef struct SnapshotPart {
    const void *bytes;
    size_t size;
} SnapshotPart;
void history_append_snapshot(History *history, int64_t tick, int64_t time, uint64_t hash, const SnapshotPart *parts, size_t count);

/// The seq of the newest sample such that it and all before it are on disk.
uint64_t history_durable(const History *history);
HistoryStats history_stats(const History *history);
/// How many records wait for the writer: what can wait itself comes when they are few.
size_t history_waiting(const History *history);
/// Seal what may be sealed, let go what is too old, and wait until that is done, for tests and tools. ERR_IO when it takes minutes.
Err history_seal(History *history);
/// Wait until all that was appended is on disk. ERR_IO when the disk has failed for seconds: then it is still being tried.
Err history_flush(History *history);

/// Outlooks that were judged in a tick.
typedef struct HistoryOutlooks {
    int64_t tick;
    Outlooks outlooks;  // without the probability, which the script says
} HistoryOutlooks;

/// What a restart needs, read before the first append.
typedef struct HistoryResume {
    int64_t tick, time;  // of the newest snapshot; tick is -1 when there is none
    uint64_t hash;
    void **parts;        // of the snapshot
    size_t *part_sizes;
    size_t part_count;
    Filed *samples;      // filed under later ticks, in order of tick, then seq
    size_t sample_count;
    Command *commands;   // all that have not ended, and of each actuator the newest that was not refused, the newest done and the newest withheld; oldest first
    size_t command_count;
    HistoryOutlooks *foretold;  // in later ticks, by tick
    size_t foretold_count;
    HistoryAct *acts;    // behind that tick or later ones, in their order; of that tick some may be in the snapshot
    size_t act_count;
    HistoryGateAct *gate_acts;  // the same of the gate; those on what is no actuator any more are left out
    size_t gate_act_count;
    uint64_t last_seq, last_alarm, last_command, last_act, last_gate_act;  // highest numbers ever given
    int64_t last_sample_time;  // newest of all samples, TIME_NONE without any
    Arena arena;         // holds all of it
} HistoryResume;
Err history_resume(History *history, HistoryResume *out, ErrText *why);
void history_resume_fini(HistoryResume *resume);

// Reading, beside the writer.

typedef struct HistoryReader HistoryReader;
Err history_reader_open(const char *path, const Plant *plant, HistoryReader **out, ErrText *why);
void history_reader_close(HistoryReader *reader);
/// Tags are those of `plant` from now on, another version of the script.
void history_reader_follow(HistoryReader *reader, const Plant *plant);

/// Points as they came, or buckets of a length; HISTORY_AUTO: what suits the range and the number of points.
typedef enum HistoryLevel { HISTORY_AUTO = -1, HISTORY_RAW, HISTORY_SECOND, HISTORY_MINUTE, HISTORY_HOUR, HISTORY_LEVELS } HistoryLevel;
/// "raw", "1s", "1m", "1h".
const char *history_level_name(HistoryLevel level);
bool history_level_parse(const char *text, HistoryLevel *out);

typedef struct HistoryPoint {
    int64_t time;      // of a bucket, where it begins
    double value, sd;  // SI; sd is NaN for samples; of a bucket the mean, and the root of the mean of their squares
    double min, max;   // of a point: value
    uint64_t count;    // how many points a bucket is made of; 1 of a point; those that are not finite do not count
} HistoryPoint;

/// What is asked for. Samples (used or late) for sensors and inputs; estimates for states, tracked parameters and outputs; nothing for the rest.
typedef struct HistoryRange {
    const TagId *tags;
    size_t tag_count;
    int64_t from, to;     // both belong to it
    size_t points;        // at most so many per tag
    HistoryLevel level;
    bool first;           // estimates as they were told first, not as they were amended last: always raw
} HistoryRange;

typedef struct HistorySeries {
    HistoryPoint *points;  // oldest first
    size_t count;
    HistoryLevel level;    // what they were made of
    bool is_rolled;        // they are buckets
    int64_t next;          // where to go on, as `from`, when a level that was asked for has more than `points`; TIME_NONE: that was all
} HistorySeries;

/// One series per tag, as all was at one moment. With HISTORY_AUTO up to `points` points come as they are; what has more comes as buckets of
/// about (to - from) / points, made of the longest level that is no longer; where that is not kept any more, of the next.
Err history_read(HistoryReader *reader, const HistoryRange *range, Arena *arena, HistorySeries *out, ErrText *why);

/// The last point of each of `tags` at or before `time`, as it is known today; its time is TIME_NONE where there is none. Where points are not kept any more
/// it is the bucket that `time` lies in, or the last before.
Err history_read_at(HistoryReader *reader, int64_t time, const TagId *tags, size_t tag_count, HistoryPoint *out, ErrText *why);

typedef struct HistoryAlarm {
    Alarm alarm;
    const char *twin;
} HistoryAlarm;
/// Newest first, each as it was told last.
Err history_read_alarms(HistoryReader *reader, size_t limit, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why);
/// The alarms that were not over at `time`, newest first, in the state that they had then (their texts are those of today).
Err history_read_alarms_at(HistoryReader *reader, int64_t time, size_t limit, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why);
/// Which alarms; all that are zero admit every one.
typedef struct HistoryAlarmFilter {
    uint64_t before;   // ids below
    unsigned states;   // a bit for each AlarmState
    const char *twin;
} HistoryAlarmFilter;
/// Of those the newest, newest first.
Err history_find_alarms(HistoryReader *reader, const HistoryAlarmFilter *filter, size_t limit, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why);
/// All that was told of one alarm, oldest revision first; none when there is no such alarm. What changed several times in one tick was told once.
Err history_read_alarm(HistoryReader *reader, uint64_t id, Arena *arena, HistoryAlarm **out, size_t *count, ErrText *why);
/// What people have done about an alarm and said to it, oldest first.
Err history_read_acts(HistoryReader *reader, uint64_t alarm, Arena *arena, HistoryAct **out, size_t *count, ErrText *why);
/// What its newest text was decided on: members of a JSON object (docs/protocol.md, "Evidence"), without its times; NULL where there is none.
typedef struct HistoryEvidence {
    const char *members;
    int64_t from, to;
} HistoryEvidence;
Err history_read_evidence(HistoryReader *reader, uint64_t alarm, Arena *arena, HistoryEvidence *out, ErrText *why);
/// The newest with a lower number than `before`, newest first.
Err history_read_audit(HistoryReader *reader, uint64_t before, size_t limit, Arena *arena, AuditEntry **out, size_t *count, ErrText *why);
typedef struct HistoryCommand {
    Command command;
    const char *tag;
} HistoryCommand;
/// The newest commands with an id below `before` (0: all), newest first.
Err history_read_commands(HistoryReader *reader, uint64_t before, size_t limit, Arena *arena, HistoryCommand **out, size_t *count, ErrText *why);

/// What a file holds.
typedef struct HistoryInfo {
    int64_t bytes, bytes_free;  // of the file; of those, what it will fill before it grows
    uint64_t tags, alarms, commands, snapshots, damaged;  // damaged: blocks that were put aside
    uint64_t unsealed[2];       // rows: samples, estimates
    struct {
        uint64_t points, blocks, bytes;
        int64_t first, last;    // TIME_NONE without a point
        int64_t horizon;        // what is older is not kept; TIME_NONE: everything is
    } sealed[2][HISTORY_LEVELS];  // samples, estimates
} HistoryInfo;
Err history_info(HistoryReader *reader, HistoryInfo *out, ErrText *why);

/// Seal what may be sealed, let go what is too old, and give the space that is free back to the disk. Nobody else may use the file.
Err history_compact(const char *path, const Plant *plant, ErrText *why);
