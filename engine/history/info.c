/* info.c -- what a file holds, and how it is made small. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "history/form.h"
#include "history/reader.h"

static Err count(HistoryReader *reader, const char *sql, uint64_t *out, ErrText *why)
{
    int64_t value = 0;
    const Err err = store_integer(reader->db, sql, 0, &value, why);
    *out = (uint64_t)value;
    return err;
}

static Err count_strands(HistoryReader *reader, HistoryInfo *out, ErrText *why)
{
    sqlite3_stmt *query;
    Err err = store_prepare(reader->db, "SELECT strand, sum(count), count(*), sum(length(bytes)), min(start), max(end) FROM block WHERE strand >= 0 GROUP BY strand", &query, why);
    if (err != ERR_OK)
        return err;
    while (store_next(query, &err, why)) {
        const int64_t strand = sqlite3_column_int64(query, 0);
        if (strand >= STRAND_COUNT)
            continue;
        out->sealed[strand % 2][strand / 2].points = (uint64_t)sqlite3_column_int64(query, 1);
        out->sealed[strand % 2][strand / 2].blocks = (uint64_t)sqlite3_column_int64(query, 2);
        out->sealed[strand % 2][strand / 2].bytes = (uint64_t)sqlite3_column_int64(query, 3);
        out->sealed[strand % 2][strand / 2].first = sqlite3_column_int64(query, 4);
        out->sealed[strand % 2][strand / 2].last = sqlite3_column_int64(query, 5);
    }
    sqlite3_finalize(query);
    return err;
}

static Err find_horizon(HistoryReader *reader, HistoryLevel level, int64_t *out, ErrText *why)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT time FROM horizon WHERE level = %d", (int)level);
    return store_integer(reader->db, sql, TIME_NONE, out, why);
}

static Err read_info(HistoryReader *reader, HistoryInfo *out, ErrText *why)
{
    const struct {
        const char *sql;
        uint64_t *out;
    } counts[] = {
        {"SELECT count(*) FROM tag", &out->tags},
        {"SELECT count(*) FROM alarm", &out->alarms},
        {"SELECT count(*) FROM command", &out->commands},
        {"SELECT count(*) FROM snapshot", &out->snapshots},
        {"SELECT count(*) FROM block WHERE strand < 0", &out->damaged},
        {"SELECT count(*) FROM sample", &out->unsealed[0]},
        {"SELECT count(*) FROM estimate", &out->unsealed[1]},
    };
    Err err = store_integer(reader->db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", 0, &out->bytes, why);
    if (err == ERR_OK)
        err = store_integer(reader->db, "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size", 0, &out->bytes_free, why);
    for (size_t i = 0; err == ERR_OK && i < sizeof counts / sizeof *counts; i++)
        err = count(reader, counts[i].sql, counts[i].out, why);
    for (HistoryLevel level = HISTORY_RAW; err == ERR_OK && level < HISTORY_LEVELS; level++) {
        err = find_horizon(reader, level, &out->sealed[0][level].horizon, why);
        out->sealed[1][level].horizon = out->sealed[0][level].horizon;
        out->sealed[0][level].first = out->sealed[0][level].last = out->sealed[1][level].first = out->sealed[1][level].last = TIME_NONE;
    }
    return err == ERR_OK ? count_strands(reader, out, why) : err;
}

Err history_info(HistoryReader *reader, HistoryInfo *out, ErrText *why)
{
    assert(reader && out);
    *out = (HistoryInfo){0};
    Err err = store_run(reader->db, "BEGIN", why);
    if (err != ERR_OK)
        return err;
    err = read_info(reader, out, why);
    store_run(reader->db, "COMMIT", NULL);
    return err;
}

Err history_compact(const char *path, const Plant *plant, ErrText *why)
{
    History *history;
    Err err = history_open(path, plant, &history, why);
    if (err != ERR_OK)
        return err;
    if (history_seal(history) != ERR_OK)
        err = err_set(why, ERR_IO, "%s cannot be sealed: the log says why", path);
    sqlite3 *db = NULL;
    if (err == ERR_OK)
        err = store_open(path, STORE_WRITE, plant->name, &db, why);
    if (err == ERR_OK)
        err = store_run(db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", why);
    sqlite3_close(db);
    history_close(history);
    return err;
}
