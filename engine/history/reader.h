/* reader.h -- what a reader is made of, for the files that read. */
#pragma once

#include "history/tail.h"

typedef enum ReaderQuery { READER_TAG, READER_HORIZON, READER_ALARMS, READER_ALARMS_AT, READER_ALARM, READER_ACTS, READER_EVIDENCE, READER_COMMANDS, READER_QUERY_COUNT } ReaderQuery;

struct HistoryReader {
    sqlite3 *db;
    const Plant *plant;
    sqlite3_stmt *queries[READER_QUERY_COUNT];
    sqlite3_stmt *tails[2];  // by kind
    Shelf shelf;
};
