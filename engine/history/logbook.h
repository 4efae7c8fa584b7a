/* logbook.h -- the tables of the people who look after alarms and actuators: what they did, and what each alarm was decided on. */
#pragma once

#include "history/store.h"

/// What a file needs to have them; files from before get them when they are written.
#define LOGBOOK_SCHEMA                                                                                                                            \
    "CREATE TABLE IF NOT EXISTS act (number INTEGER PRIMARY KEY, tick INTEGER NOT NULL, time INTEGER NOT NULL, kind INTEGER NOT NULL,"            \
    " alarm INTEGER NOT NULL, twin TEXT NOT NULL, name TEXT NOT NULL, span INTEGER NOT NULL, asker TEXT NOT NULL, comment TEXT NOT NULL) STRICT;" \
    "CREATE INDEX IF NOT EXISTS act_by_alarm ON act (alarm);"                                                                                     \
    "CREATE TABLE IF NOT EXISTS gate_act (number INTEGER PRIMARY KEY, tick INTEGER NOT NULL, time INTEGER NOT NULL, kind INTEGER NOT NULL,"       \
    " tag TEXT NOT NULL, mode INTEGER NOT NULL, may_block INTEGER NOT NULL, asker TEXT NOT NULL, reason TEXT NOT NULL) STRICT;"                   \
    "CREATE TABLE IF NOT EXISTS evidence (alarm INTEGER NOT NULL, revision INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,"       \
    " members TEXT NOT NULL, PRIMARY KEY (alarm, revision)) STRICT, WITHOUT ROWID;"

#define LOGBOOK_ACT_COLUMNS "number, tick, time, kind, alarm, twin, name, span, asker, comment"
#define LOGBOOK_ACT "INSERT OR REPLACE INTO act (" LOGBOOK_ACT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define LOGBOOK_GATE_ACT_COLUMNS "number, tick, time, kind, tag, mode, may_block, asker, reason"
#define LOGBOOK_GATE_ACT "INSERT OR REPLACE INTO gate_act (" LOGBOOK_GATE_ACT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define LOGBOOK_EVIDENCE "INSERT OR REPLACE INTO evidence (alarm, revision, start, end, members) VALUES (?, ?, ?, ?, ?)"

void logbook__bind_act(sqlite3_stmt *statement, const HistoryAct *act);
/// ERR_PARSE: somebody wrote what nobody does.
Err logbook__read_act(sqlite3_stmt *row, HistoryAct *out, ErrText *why);
void logbook__bind_gate_act(sqlite3_stmt *statement, const HistoryGateAct *act, const char *tag);
/// The same of the gate; TAG_NONE, and `*gone`: its tag is none of the plant any more.
Err logbook__read_gate_act(sqlite3_stmt *row, const Plant *plant, HistoryGateAct *out, bool *gone, ErrText *why);
/// Members of a JSON object, in the units of the plant's channels.
void logbook__put_evidence(Text *out, const Plant *plant, const Evidence *evidence);
