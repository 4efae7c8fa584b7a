/* writer.c -- one prepared statement per kind of record. */
#include "history/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const char *const sql[WRITER_STATEMENT_COUNT] = {
    [WRITER_BEGIN] = "BEGIN IMMEDIATE",
    [WRITER_COMMIT] = "COMMIT",
    [WRITER_TAG_FIND] = "SELECT id FROM tag WHERE name = ?",
    [WRITER_TAG_ADD] = "INSERT INTO tag (name) VALUES (?)",
    [WRITER_SAMPLE] = "INSERT INTO sample (seq, tag, time, value, quality, tick, fate) VALUES (?, ?, ?, ?, ?, ?, ?)",
    [WRITER_ESTIMATE] = "INSERT INTO estimate (row, tag, time, value, sd, revision) VALUES (?, ?, ?, ?, ?, ?)",
    // behind a restart revisions are written again: what was told first stays
    [WRITER_ALARM_BEFORE] = "INSERT OR IGNORE INTO alarm_revision (" STORE_ALARM ") SELECT " STORE_ALARM " FROM alarm WHERE id = ? AND revision < ?",
    [WRITER_ALARM] = "INSERT INTO alarm (" STORE_ALARM ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET twin = excluded.twin,"
                     " revision = excluded.revision, state = excluded.state, severity = excluded.severity, raised = excluded.raised,"
                     " acknowledged = excluded.acknowledged, returned = excluded.returned, name = excluded.name, text = excluded.text,"
                     " amended = excluded.amended"
                     " WHERE excluded.revision >= revision",
    [WRITER_COMMAND] = "INSERT OR REPLACE INTO command (" STORE_COMMAND ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [WRITER_OUTLOOK] = "INSERT OR REPLACE INTO outlook (tick, twin, alarm, time, share, early, middle, late) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [WRITER_ACT] = LOGBOOK_ACT,
    [WRITER_GATE_ACT] = LOGBOOK_GATE_ACT,
    [WRITER_EVIDENCE] = LOGBOOK_EVIDENCE,
    [WRITER_AUDIT] = TRAIL_ADD,
    [WRITER_SNAPSHOT] = "INSERT OR REPLACE INTO snapshot (tick, time, hash, parts, sum) VALUES (?, ?, ?, ?, ?)",
    [WRITER_PIECES_FORGET] = "DELETE FROM piece WHERE tick = ?",
    [WRITER_PIECE_ADD] = "INSERT INTO piece (tick, part, start, bytes) VALUES (?, ?, ?, ?)",
    [WRITER_SNAPSHOTS_THIN] = "DELETE FROM snapshot WHERE tick NOT IN (SELECT tick FROM snapshot ORDER BY tick DESC LIMIT 3)",
    [WRITER_PIECES_THIN] = "DELETE FROM piece WHERE tick NOT IN (SELECT tick FROM snapshot)",
};

// Opening.

static Err prepare_all(Writer *writer, ErrText *why)
{
    Err err = ERR_OK;
    for (int i = 0; err == ERR_OK && i < WRITER_STATEMENT_COUNT; i++)
        err = store_prepare(writer->db, sql[i], &writer->statements[i], why);
    return err;
}

Err writer_follow(Writer *writer, const Plant *plant, ErrText *why)
{
    int64_t *tags = mem_alloc(tags_count(plant->tags) * sizeof *tags);
    if (!tags)
        return err_set(why, ERR_MEMORY, "out of memory for the tags of plant \"%s\"", plant->name);
    mem_free(writer->tags);
    writer->tags = tags;
    writer->plant = writer->sealer.plant = plant;
    return ERR_OK;
}

/* Rows are numbered on, also where the last ones are in blocks. */
static Err find_ends(Writer *writer, ErrText *why)
{
    TailMark samples, estimates;
    int64_t last = 0;
    Err err = tail_read_mark(writer->db, STRAND_SAMPLES, &samples, why);
    if (err == ERR_OK)
        err = tail_read_mark(writer->db, STRAND_ESTIMATES, &estimates, why);
    if (err == ERR_OK)
        err = store_integer(writer->db, "SELECT max(row) FROM estimate", 0, &last, why);
    writer->floor = samples.floor;
    writer->next_row = (last > estimates.floor ? last : estimates.floor) + 1;
    return err;
}

Err writer_open(Writer *writer, const char *path, const Plant *plant, ErrText *why)
{
    *writer = (Writer){0};
    Err err = store_open(path, STORE_WRITE, plant->name, &writer->db, why);
    if (err != ERR_OK)
        return err;
    err = writer_follow(writer, plant, why);
    if (err == ERR_OK)
        err = prepare_all(writer, why);
    if (err == ERR_OK)
        err = find_ends(writer, why);
    if (err == ERR_OK)
        err = sealer_open(&writer->sealer, writer->db, plant, why);
    if (err == ERR_OK)
        err = trail_end(writer->db, &writer->chain, why);
    if (err != ERR_OK)
        writer_close(writer);
    return err;
}

void writer_close(Writer *writer)
{
    sealer_close(&writer->sealer);
    for (int i = 0; i < WRITER_STATEMENT_COUNT; i++)
        sqlite3_finalize(writer->statements[i]);
    sqlite3_close(writer->db);
    mem_free(writer->tags);
    text_fini(&writer->evidence);
    *writer = (Writer){0};
}

// Writing.

/* Run a statement that was bound, and make it ready for the next. */
static Err step(Writer *writer, WriterStatement which, ErrText *why)
{
    Err err = ERR_OK;
    store_next(writer->statements[which], &err, why);
    sqlite3_reset(writer->statements[which]);
    return err;
}

/* The file's number of a tag. A tag gets one when something of it is kept for the first time: most values of a fleet never are. */
static Err number_tag(Writer *writer, TagId tag, int64_t *out, ErrText *why)
{
    Err err = ERR_OK;
    *out = writer->tags[tag];
    if (*out)
        return ERR_OK;

    const TagName name = tags_name(writer->plant->tags, tag);
    sqlite3_stmt *find = writer->statements[WRITER_TAG_FIND];
    sqlite3_bind_text(find, 1, name.text, -1, SQLITE_STATIC);
    if (store_next(find, &err, why))
        *out = sqlite3_column_int64(find, 0);
    sqlite3_reset(find);
    if (err == ERR_OK && !*out) {
        sqlite3_bind_text(writer->statements[WRITER_TAG_ADD], 1, name.text, -1, SQLITE_STATIC);
        err = step(writer, WRITER_TAG_ADD, why);
        *out = sqlite3_last_insert_rowid(writer->db);
    }
    if (err == ERR_OK)
        writer->tags[tag] = *out;
    return err;
}

static Err put_sample(Writer *writer, const Filed *filed, ErrText *why)
{
    sqlite3_stmt *statement = writer->statements[WRITER_SAMPLE];
    int64_t tag;
    Err err = number_tag(writer, filed->sample.tag, &tag, why);
    if (err != ERR_OK)
        return err;
    sqlite3_bind_int64(statement, 1, (int64_t)filed->seq);
    sqlite3_bind_int64(statement, 2, tag);
    sqlite3_bind_int64(statement, 3, filed->sample.time);
    sqlite3_bind_double(statement, 4, filed->sample.value);
    sqlite3_bind_int(statement, 5, filed->sample.quality);
    sqlite3_bind_int64(statement, 6, filed->tick);
    sqlite3_bind_int(statement, 7, filed->fate);

    // trying again would never end: the sample that was there first stays
    err = (int64_t)filed->seq > writer->floor ? step(writer, WRITER_SAMPLE, why) : ERR_RANGE;
    if (err != ERR_RANGE)
        return err;
    if (writer->conflicts++ == 0)
        log_write(LOG_ERROR, "history", "sample %" PRIu64 " is in the file already and was left as it is; this is told once", filed->seq);
    return ERR_OK;
}

static Err put_estimate(Writer *writer, const Estimate *estimate, ErrText *why)
{
    sqlite3_stmt *statement = writer->statements[WRITER_ESTIMATE];
    int64_t tag;
    const Err err = number_tag(writer, estimate->tag, &tag, why);
    if (err != ERR_OK)
        return err;
    sqlite3_bind_int64(statement, 1, writer->next_row++);
    sqlite3_bind_int64(statement, 2, tag);
    sqlite3_bind_int64(statement, 3, estimate->time);
    sqlite3_bind_double(statement, 4, estimate->value);
    sqlite3_bind_double(statement, 5, estimate->sd);
    sqlite3_bind_int64(statement, 6, estimate->revision);
    return step(writer, WRITER_ESTIMATE, why);
}

/* The newest revision has a place of its own, and moves on from there when it is no more. */
static Err put_alarm(Writer *writer, const HistoryAlarm *entry, ErrText *why)
{
    sqlite3_stmt *before = writer->statements[WRITER_ALARM_BEFORE];
    sqlite3_bind_int64(before, 1, (int64_t)entry->alarm.id);
    sqlite3_bind_int64(before, 2, entry->alarm.revision);
    const Err err = step(writer, WRITER_ALARM_BEFORE, why);
    if (err != ERR_OK)
        return err;
    store_bind_alarm(writer->statements[WRITER_ALARM], entry);
    return step(writer, WRITER_ALARM, why);
}

static Err put_pieces(Writer *writer, int64_t tick, size_t part, const SnapshotPart *bytes, ErrText *why)
{
    sqlite3_stmt *statement = writer->statements[WRITER_PIECE_ADD];
    sqlite3_bind_int64(statement, 1, tick);
    sqlite3_bind_int64(statement, 2, (int64_t)part);

    // an empty part is one empty piece
    size_t start = 0;
    do {
        const size_t rest = bytes->size - start;
        const size_t size = rest < WRITER_PIECE ? rest : WRITER_PIECE;
        sqlite3_bind_int64(statement, 3, (int64_t)start);
        sqlite3_bind_blob(statement, 4, (const char *)bytes->bytes + start, (int)size, SQLITE_STATIC);
        const Err err = step(writer, WRITER_PIECE_ADD, why);
        if (err != ERR_OK)
            return err;
        start += size;
    } while (start < bytes->size);
    return ERR_OK;
}

static Err put_snapshot(Writer *writer, const Snapshot *snapshot, ErrText *why)
{
    sqlite3_bind_int64(writer->statements[WRITER_PIECES_FORGET], 1, snapshot->tick);
    Err err = step(writer, WRITER_PIECES_FORGET, why);
    for (size_t i = 0; err == ERR_OK && i < snapshot->count; i++)
        err = put_pieces(writer, snapshot->tick, i, &snapshot->parts[i], why);
    if (err != ERR_OK)
        return err;

    sqlite3_stmt *statement = writer->statements[WRITER_SNAPSHOT];
    sqlite3_bind_int64(statement, 1, snapshot->tick);
    sqlite3_bind_int64(statement, 2, snapshot->time);
    sqlite3_bind_int64(statement, 3, (int64_t)snapshot->hash);
    sqlite3_bind_int64(statement, 4, (int64_t)snapshot->count);
    sqlite3_bind_int64(statement, 5, (int64_t)store_sum(snapshot->parts, snapshot->count));
    err = step(writer, WRITER_SNAPSHOT, why);
    if (err == ERR_OK)
        err = step(writer, WRITER_SNAPSHOTS_THIN, why);
    return err == ERR_OK ? step(writer, WRITER_PIECES_THIN, why) : err;
}

static Err put_outlook(Writer *writer, const Foretold *foretold, ErrText *why)
{
    sqlite3_stmt *statement = writer->statements[WRITER_OUTLOOK];
    const double numbers[] = {foretold->share, foretold->early, foretold->middle, foretold->late};
    sqlite3_bind_int64(statement, 1, foretold->tick);
    sqlite3_bind_text(statement, 2, foretold->twin, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, foretold->alarm, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, foretold->time);
    for (int i = 0; i < 4; i++)
        sqlite3_bind_double(statement, 5 + i, numbers[i]);
    return step(writer, WRITER_OUTLOOK, why);
}

static Err put_evidence(Writer *writer, const Evidence *evidence, ErrText *why)
{
    sqlite3_stmt *statement = writer->statements[WRITER_EVIDENCE];
    text_clear(&writer->evidence);
    logbook__put_evidence(&writer->evidence, writer->plant, evidence);
    if (writer->evidence.failed)
        return err_set(why, ERR_MEMORY, "out of memory for the evidence of an alarm");
    sqlite3_bind_int64(statement, 1, (int64_t)evidence->alarm);
    sqlite3_bind_int64(statement, 2, evidence->revision);
    sqlite3_bind_int64(statement, 3, evidence->from);
    sqlite3_bind_int64(statement, 4, evidence->to);
    sqlite3_bind_text(statement, 5, writer->evidence.bytes, -1, SQLITE_STATIC);
    return step(writer, WRITER_EVIDENCE, why);
}

static Err put(Writer *writer, const Record *record, ErrText *why)
{
    switch (record->kind) {
    case RECORD_SAMPLE:
        return put_sample(writer, &record->filed, why);
    case RECORD_ESTIMATE:
        return put_estimate(writer, &record->estimate, why);
    case RECORD_ALARM:
        return put_alarm(writer, &(HistoryAlarm){record->alarm.alarm, record->alarm.twin.text}, why);
    case RECORD_COMMAND:
        store_bind_command(writer->statements[WRITER_COMMAND], &(HistoryCommand){record->command.command, record->command.tag.text});
        return step(writer, WRITER_COMMAND, why);
    case RECORD_ACT:
        logbook__bind_act(writer->statements[WRITER_ACT], &record->act);
        return step(writer, WRITER_ACT, why);
    case RECORD_GATE_ACT:
        logbook__bind_gate_act(writer->statements[WRITER_GATE_ACT], &record->gate.act, record->gate.tag.text);
        return step(writer, WRITER_GATE_ACT, why);
    case RECORD_EVIDENCE:
        return put_evidence(writer, &record->evidence, why);
    case RECORD_OUTLOOK:
        return put_outlook(writer, &record->foretold, why);
    case RECORD_SNAPSHOT:
        return put_snapshot(writer, record->snapshot, why);
    }
    assert(!"a kind of record that nobody writes");
    return ERR_USAGE;
}

/* What there is to seal. */
static void note_rows(Writer *writer, const Group *group)
{
    size_t samples = 0, estimates = 0;
    for (size_t i = 0; i < group->count; i++) {
        samples += group->records[i].kind == RECORD_SAMPLE;
        estimates += group->records[i].kind == RECORD_ESTIMATE;
    }
    sealer_note(&writer->sealer, STRAND_SAMPLES, samples);
    sealer_note(&writer->sealer, STRAND_ESTIMATES, estimates);
}

/* Chain the entries of a group to `chain`, which is the file's once the group is. */
static Err put_entries(Writer *writer, const Group *group, Chain *chain, ErrText *why)
{
    Err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < group->entry_count; i++) {
        chain_add(chain, &group->entries[i]);
        trail_bind(writer->statements[WRITER_AUDIT], &group->entries[i]);
        err = step(writer, WRITER_AUDIT, why);
    }
    return err;
}

Err writer_commit(Writer *writer, const Group *group, ErrText *why)
{
    Chain chain = writer->chain;
    Err err = step(writer, WRITER_BEGIN, why);
    for (size_t i = 0; err == ERR_OK && i < group->count; i++)
        err = put(writer, &group->records[i], why);
    if (err == ERR_OK)
        err = put_entries(writer, group, &chain, why);
    if (err == ERR_OK)
        err = step(writer, WRITER_COMMIT, why);
    if (err == ERR_OK)
        writer->chain = chain;

    // some failures have rolled back by themselves already
    if (err != ERR_OK && !sqlite3_get_autocommit(writer->db))
        sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL);
    if (err == ERR_RANGE)
        trail_end(writer->db, &writer->chain, NULL);  // somebody has put an entry behind the last: the next try goes on behind it, and the chain shows it
    if (err != ERR_OK)
        memset(writer->tags, 0, tags_count(writer->plant->tags) * sizeof *writer->tags);  // numbers that were given in this group are gone with it
    else
        note_rows(writer, group);
    return err;
}
