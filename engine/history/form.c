/* form.c -- the schema, and the steps from form to form. */
#include "history/form.h"

#include <assert.h>

#include "history/logbook.h"
#include "history/trail.h"

// what form 2 had and form 1 had not: what alarms were before their newest revision
#define ALARM_REVISION "CREATE TABLE alarm_revision (id INTEGER NOT NULL, twin TEXT NOT NULL, revision INTEGER NOT NULL, state INTEGER NOT NULL," \
                       " severity INTEGER NOT NULL, raised INTEGER, acknowledged INTEGER, returned INTEGER, name TEXT NOT NULL, text TEXT NOT NULL," \
                       " amended INTEGER, PRIMARY KEY (id, revision)) STRICT, WITHOUT ROWID;"

// what forecasts of the plant have foretold; files from before it get it when they are written
#define OUTLOOK "CREATE TABLE IF NOT EXISTS outlook (tick INTEGER NOT NULL, twin TEXT NOT NULL, alarm TEXT NOT NULL, time INTEGER NOT NULL," \
                " share REAL NOT NULL, early REAL NOT NULL, middle REAL NOT NULL, late REAL NOT NULL, PRIMARY KEY (tick, twin, alarm)) STRICT, WITHOUT ROWID;"

// estimates in the order in which they were told; the table `sample` was always by seq, which is that order
#define ESTIMATE "CREATE TABLE estimate (row INTEGER PRIMARY KEY, tag INTEGER NOT NULL, time INTEGER NOT NULL, value REAL, sd REAL, revision INTEGER NOT NULL) STRICT;"

// what is sealed, up to where, and what is too old; `strand` is 2 * level + kind (0 samples, 1 estimates), below 0 what was damaged
#define BLOCKS "CREATE TABLE block (id INTEGER PRIMARY KEY, tag INTEGER NOT NULL, strand INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL," \
               " count INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;" \
               "CREATE INDEX block_by_tag ON block (tag, strand, end, start, count);" \
               "CREATE INDEX block_by_end ON block (strand, end);" \
               "CREATE TABLE sealing (kind INTEGER PRIMARY KEY, floor INTEGER NOT NULL, until INTEGER NOT NULL, tag INTEGER NOT NULL, tick INTEGER NOT NULL) STRICT;" \
               "CREATE TABLE horizon (level INTEGER PRIMARY KEY, time INTEGER NOT NULL) STRICT;"

static const char schema[] =
    "CREATE TABLE plant (name TEXT NOT NULL) STRICT;"
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE sample (seq INTEGER PRIMARY KEY, tag INTEGER NOT NULL, time INTEGER NOT NULL, value REAL, quality INTEGER NOT NULL,"
    " tick INTEGER NOT NULL, fate INTEGER NOT NULL) STRICT;"
    ESTIMATE
    BLOCKS
    "CREATE TABLE alarm (id INTEGER PRIMARY KEY, twin TEXT NOT NULL, revision INTEGER NOT NULL, state INTEGER NOT NULL,"
    " severity INTEGER NOT NULL, raised INTEGER, acknowledged INTEGER, returned INTEGER, name TEXT NOT NULL, text TEXT NOT NULL,"
    " amended INTEGER) STRICT;"
    ALARM_REVISION
    "CREATE TABLE command (id INTEGER PRIMARY KEY, tag TEXT NOT NULL, value REAL, asker TEXT NOT NULL, reason TEXT NOT NULL,"
    " state INTEGER NOT NULL, time INTEGER, deadline INTEGER, ended INTEGER, detail TEXT NOT NULL) STRICT;"
    "CREATE TABLE snapshot (tick INTEGER PRIMARY KEY, time INTEGER NOT NULL, hash INTEGER NOT NULL, parts INTEGER NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE piece (tick INTEGER NOT NULL, part INTEGER NOT NULL, start INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY (tick, part, start)) STRICT;";

/* Statements as one transaction. */
static Err run_whole(sqlite3 *db, const char *const *statements, size_t count, ErrText *why)
{
    Err err = store_run(db, "BEGIN IMMEDIATE", why);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = store_run(db, statements[i], why);
    if (err == ERR_OK)
        err = store_run(db, "COMMIT", why);
    if (err != ERR_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

Err form_create(sqlite3 *db, const char *plant, ErrText *why)
{
    char *name = sqlite3_mprintf("INSERT INTO plant VALUES (%Q);", plant);
    char *numbers = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", FORM_APPLICATION, FORM_VERSION);
    const char *const statements[] = {schema, name, numbers};
    const Err err = name && numbers ? run_whole(db, statements, 3, why) : err_set(why, ERR_MEMORY, "out of memory for a new history");
    sqlite3_free(name);
    sqlite3_free(numbers);
    return err;
}

Err form_complete(sqlite3 *db, ErrText *why)
{
    return store_run(db, OUTLOOK LOGBOOK_SCHEMA TRAIL_SCHEMA, why);
}

static const char from_1[] = "CREATE TABLE amended (tag INTEGER NOT NULL, time INTEGER NOT NULL, revision INTEGER NOT NULL, value REAL, sd REAL,"
                             " PRIMARY KEY (tag, time, revision)) STRICT, WITHOUT ROWID;" ALARM_REVISION "ALTER TABLE alarm ADD COLUMN amended INTEGER;";

static const char from_2[] = "DROP INDEX sample_by_tag; DROP INDEX sample_by_tick; ALTER TABLE estimate RENAME TO estimate_2;" ESTIMATE BLOCKS
                             "INSERT INTO estimate (tag, time, value, sd, revision) SELECT tag, time, value, sd, 0 FROM estimate_2;"
                             "INSERT INTO estimate (tag, time, value, sd, revision) SELECT tag, time, value, sd, revision FROM amended;"
                             "DROP TABLE estimate_2; DROP TABLE amended; PRAGMA user_version = 3;";
_Static_assert(FORM_VERSION == 3, "from_2 names the form that it ends in");

Err form_migrate(sqlite3 *db, int64_t from, ErrText *why)
{
    assert(from >= 1);
    assert(from <= FORM_VERSION);
    const char *const statements[] = {from_1, from_2};
    return from == FORM_VERSION ? ERR_OK : run_whole(db, &statements[from - 1], (size_t)(FORM_VERSION - from), why);
}
