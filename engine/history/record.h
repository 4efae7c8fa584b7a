/* record.h -- what waits between the tick and the writer: one record of one kind, by value.
 *
 * Only a snapshot is too large for that: it is one allocation that the record owns until the writer has let it go. */
#pragma once

#include "history/history.h"

typedef enum RecordKind { RECORD_SAMPLE, RECORD_ESTIMATE, RECORD_ALARM, RECORD_COMMAND, RECORD_ACT, RECORD_GATE_ACT, RECORD_EVIDENCE, RECORD_OUTLOOK, RECORD_SNAPSHOT } RecordKind;

typedef struct Estimate {
    int64_t time;
    double value, sd;
    TagId tag;
    uint32_t revision;  // of an amended one: how many ticks later it was told than the first
} Estimate;

/// One limit of a forecast that was judged in `tick`; the last record of each is without a twin.
typedef struct Foretold {
    int64_t tick, time;
    double share, early, middle, late;
    char twin[48], alarm[48];
} Foretold;

typedef struct Snapshot {
    int64_t tick, time;
    uint64_t hash;
    size_t count;
    SnapshotPart parts[];  // their bytes lie behind them
} Snapshot;

typedef struct Record {
    RecordKind kind;
    union {
        Filed filed;
        Estimate estimate;
        struct {
            Alarm alarm;
            TagName twin;
        } alarm;
        struct {
            Command command;
            TagName tag;
        } command;
        HistoryAct act;
        struct {
            HistoryGateAct act;
            TagName tag;  // "": all
        } gate;
        Evidence evidence;
        Foretold foretold;
        Snapshot *snapshot;
    };
} Record;
