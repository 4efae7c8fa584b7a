#include "history/trail.h"

#include <inttypes.h>
#include <string.h>

enum { ENTRIES_MAX = 100 * 1000 };

#define COLUMNS "seq, time, outcome, who, role, peer, action, target, detail, hash"
enum { COLUMN_SEQ, COLUMN_TIME, COLUMN_OUTCOME, COLUMN_TEXTS, COLUMN_HASH = COLUMN_TEXTS + CHAIN_TEXTS };

/* A hash of another length fits nothing: zeros. */
static void read_hash(sqlite3_stmt *row, int column, unsigned char out[AUDIT_HASH])
{
    memset(out, 0, AUDIT_HASH);
    if (sqlite3_column_bytes(row, column) == AUDIT_HASH)
        memcpy(out, sqlite3_column_blob(row, column), AUDIT_HASH);
}

Err trail_end(sqlite3 *db, Chain *out, ErrText *why)
{
    sqlite3_stmt *last;
    *out = (Chain){0};
    Err err = store_prepare(db, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", &last, why);
    if (err != ERR_OK)
        return err;
    if (store_next(last, &err, why)) {
        out->seq = (uint64_t)sqlite3_column_int64(last, 0);
        read_hash(last, 1, out->head);
    }
    sqlite3_finalize(last);
    return err;
}

void trail_bind(sqlite3_stmt *statement, const AuditEntry *entry)
{
    sqlite3_bind_int64(statement, 1, (int64_t)entry->seq);
    sqlite3_bind_int64(statement, 2, entry->time);
    sqlite3_bind_text(statement, 3, entry->who, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, entry->role, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, entry->peer, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 6, entry->action, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 7, entry->target, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 8, (int)entry->outcome);
    sqlite3_bind_text(statement, 9, entry->detail, -1, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 10, entry->hash, AUDIT_HASH, SQLITE_STATIC);
}

static void read_entry(sqlite3_stmt *row, AuditEntry *out)
{
    out->seq = (uint64_t)sqlite3_column_int64(row, COLUMN_SEQ);
    out->time = sqlite3_column_int64(row, COLUMN_TIME);
    out->outcome = sqlite3_column_int(row, COLUMN_OUTCOME) == AUDIT_DONE ? AUDIT_DONE : AUDIT_REFUSED;
    store_text(row, COLUMN_TEXTS, out->who, sizeof out->who);
    store_text(row, COLUMN_TEXTS + 1, out->role, sizeof out->role);
    store_text(row, COLUMN_TEXTS + 2, out->peer, sizeof out->peer);
    store_text(row, COLUMN_TEXTS + 3, out->action, sizeof out->action);
    store_text(row, COLUMN_TEXTS + 4, out->target, sizeof out->target);
    store_text(row, COLUMN_TEXTS + 5, out->detail, sizeof out->detail);
    read_hash(row, COLUMN_HASH, out->hash);
}

/* Files that no engine with an audit trail has written yet. */
static Err has_trail(sqlite3 *db, bool *out, ErrText *why)
{
    int64_t tables = 0;
    const Err err = store_integer(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'audit'", 0, &tables, why);
    *out = tables > 0;
    return err;
}

static Err read_entries(sqlite3_stmt *query, size_t limit, AuditEntry *out, size_t *count, ErrText *why)
{
    Err err = ERR_OK;
    while (*count < limit && store_next(query, &err, why))
        read_entry(query, &out[(*count)++]);
    return err;
}

Err trail_read(sqlite3 *db, uint64_t before, size_t limit, Arena *arena, AuditEntry **out, size_t *count, ErrText *why)
{
    bool exists;
    *count = 0;
    limit = limit < ENTRIES_MAX ? limit : ENTRIES_MAX;
    *out = arena_new(arena, AuditEntry, limit);
    if (!*out)
        return err_set(why, ERR_MEMORY, "out of memory for %zu audit entries", limit);
    Err err = has_trail(db, &exists, why);
    if (err != ERR_OK || !exists)
        return err;

    sqlite3_stmt *query;
    err = store_prepare(db, "SELECT " COLUMNS " FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2", &query, why);
    if (err != ERR_OK)
        return err;
    sqlite3_bind_int64(query, 1, before <= INT64_MAX ? (int64_t)before : INT64_MAX);
    sqlite3_bind_int64(query, 2, (int64_t)limit);
    err = read_entries(query, limit, *out, count, why);
    sqlite3_finalize(query);
    return err;
}

Err audit_read_file(const char *path, uint64_t before, size_t limit, Arena *arena, AuditEntry **out, size_t *count, ErrText *why)
{
    sqlite3 *db;
    Err err = store_open(path, STORE_READ, NULL, &db, why);
    if (err != ERR_OK)
        return err;
    err = trail_read(db, before, limit, arena, out, count, why);
    sqlite3_close(db);
    return err;
}

// Verifying.

/* Of the row as it lies there; valid until the next. */
static ChainLink link_of(sqlite3_stmt *row)
{
    ChainLink link = {.seq = (uint64_t)sqlite3_column_int64(row, COLUMN_SEQ), .time = sqlite3_column_int64(row, COLUMN_TIME), .outcome = sqlite3_column_int64(row, COLUMN_OUTCOME)};
    for (int i = 0; i < CHAIN_TEXTS; i++) {
        const void *bytes = sqlite3_column_blob(row, COLUMN_TEXTS + i);
        link.texts[i] = (ChainText){bytes ? bytes : "", (size_t)sqlite3_column_bytes(row, COLUMN_TEXTS + i)};
    }
    return link;
}

/* Whether the row is what comes behind those that fit. */
static bool fits(sqlite3_stmt *row, const AuditProof *proof, unsigned char hash[AUDIT_HASH])
{
    unsigned char stored[AUDIT_HASH];
    const ChainLink link = link_of(row);
    chain_hash(proof->head, &link, hash);
    read_hash(row, COLUMN_HASH, stored);
    return link.seq == proof->count + 1 && memcmp(hash, stored, AUDIT_HASH) == 0;
}

static Err verify(sqlite3_stmt *rows, const unsigned char *kept, AuditProof *proof, ErrText *why)
{
    Err err = ERR_OK;
    while (!proof->broken && store_next(rows, &err, why)) {
        unsigned char hash[AUDIT_HASH];
        if (!fits(rows, proof, hash)) {
            proof->broken = proof->count + 1;
            break;
        }
        proof->count++;
        memcpy(proof->head, hash, AUDIT_HASH);
        proof->found |= kept && memcmp(hash, kept, AUDIT_HASH) == 0;
    }
    return err;
}

static Err verify_trail(sqlite3 *db, const unsigned char *kept, AuditProof *proof, ErrText *why)
{
    bool exists;
    sqlite3_stmt *rows;
    Err err = has_trail(db, &exists, why);
    if (err != ERR_OK || !exists)
        return err;
    err = store_prepare(db, "SELECT " COLUMNS " FROM audit ORDER BY seq", &rows, why);
    if (err != ERR_OK)
        return err;
    err = verify(rows, kept, proof, why);
    sqlite3_finalize(rows);
    return err;
}

Err audit_verify_file(const char *path, const unsigned char *kept, AuditProof *out, ErrText *why)
{
    sqlite3 *db;
    *out = (AuditProof){0};
    Err err = store_open(path, STORE_READ, NULL, &db, why);
    if (err != ERR_OK)
        return err;
    err = verify_trail(db, kept, out, why);
    sqlite3_close(db);
    return err;
}
