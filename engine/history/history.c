/* history.c -- the queue between the tick and the writer thread, and what is known to be on disk.
 *
 * Records are written in the order in which they were appended, in groups that are whole or not there at all. So a snapshot is never on
 * disk without every sample that was appended before it, and `durable` is the last sample of the last group. */
#include "history/history.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "history/resume.h"
#include "history/writer.h"

enum { QUEUE_ROWS = 16384, GROUP_ROWS = 10000, GROUP_ENTRIES = 256 };

#define GATHER_NS (20 * NS_PER_MS)   // how long a record may wait for others to share a commit with
#define BACK_OFF_NS (50 * NS_PER_MS)  // before a commit that failed is tried again, doubled each time up to BACK_OFF_MAX_NS
#define BACK_OFF_MAX_NS NS_PER_S
#define PATIENCE_NS (3 * NS_PER_S)  // with a disk that fails, in history_flush and history_close
#define SEAL_PATIENCE_NS (600 * NS_PER_S)  // in history_seal
#define LOOK_NS (10 * NS_PER_MS)    // how often whoever waits for the writer looks by itself

/* What the writer thread is at, so that the tick wakes it only when that changes anything. */
typedef enum Mood { MOOD_BUSY, MOOD_GATHERING, MOOD_IDLE } Mood;

struct History {
    const Plant *plant;
    char *path;
    int lock;  // PATH.lock: one engine per file
    Writer writer;

    Ring queue;  // the tick to the writer thread
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_mutex_t step_mutex;  // held over a step of sealing, which looks at the plant; taken before the other one
    pthread_cond_t wake, done;  // for the writer: there is work; for the tick: there is room, or a group is written
    _Atomic int mood;
    bool sealing_asked;       // the writer thread's: the sealer knows of it
    unsigned seal_fails;      // the writer thread's
    bool hurry, closing, failing, sealing;  // under the mutex; sealing: all that may be sealed is to be
    int64_t closing_since;         // under the mutex
    uint64_t appended;             // the tick's

    Audit *audit;  // NULL: nothing is noted

    Group group;      // the writer thread's: out of the queue, not on disk yet
    int64_t drained;  // when the queue was emptied last: what is in it came later

    _Atomic uint64_t written, audited, durable, rows, commits, waits, errors;
    _Atomic int64_t commit_ns_max;
};

static int64_t elapsed(void)
{
    return clock_system.elapsed_ns(NULL);
}

/* Wait on a condition until `deadline`, an elapsed time. */
static void wait_until(History *history, pthread_cond_t *cond, int64_t deadline)
{
    const struct timespec at = {deadline / NS_PER_S, deadline % NS_PER_S};
    pthread_cond_timedwait(cond, &history->mutex, &at);
}

// The writer thread.

static bool has_work(const History *history)
{
    return ring_count(&history->queue) > 0 || (history->audit && audit_is_waiting(history->audit));
}

static bool shall_gather(const History *history)
{
    return !history->hurry && !history->closing && ring_count(&history->queue) < GROUP_ROWS;
}

/* Sleep until there is something to write or to seal. */
static int64_t sleep_until_needed(History *history)
{
    int64_t first = history->drained;
    const int64_t due = sealer_due(&history->writer.sealer);
    while (!has_work(history) && !history->closing && history->sealing == history->sealing_asked && elapsed() < due) {
        if (due == INT64_MAX)
            pthread_cond_wait(&history->wake, &history->mutex);
        else
            wait_until(history, &history->wake, due);
        first = elapsed();
    }
    return first;
}

/* Sleep until there is something to do; if that is writing, until the group is worth a commit. */
static void await_records(History *history)
{
    pthread_mutex_lock(&history->mutex);
    atomic_exchange(&history->mood, MOOD_IDLE);
    const int64_t first = sleep_until_needed(history);

    atomic_exchange(&history->mood, MOOD_GATHERING);
    while (has_work(history) && sealer_due(&history->writer.sealer) > elapsed() && shall_gather(history) && elapsed() < first + GATHER_NS)
        wait_until(history, &history->wake, first + GATHER_NS);
    atomic_exchange(&history->mood, MOOD_BUSY);
    history->hurry = false;
    pthread_mutex_unlock(&history->mutex);
}

static void announce(History *history)
{
    pthread_mutex_lock(&history->mutex);
    pthread_cond_broadcast(&history->done);
    pthread_mutex_unlock(&history->mutex);
}

static void take_group(History *history)
{
    history->drained = elapsed();
    Group *group = &history->group;
    while (group->count < GROUP_ROWS && ring_pop(&history->queue, &group->records[group->count]))
        group->count++;
    pthread_mutex_lock(&history->mutex);
    Audit *const audit = history->audit;  // may have come since
    pthread_mutex_unlock(&history->mutex);
    if (audit)
        group->entry_count = audit_take(audit, group->entries, GROUP_ENTRIES);
    announce(history);
}

/* The commit failed for the `tries`-th time. Wait before the next one; false when it is time to give up. */
static bool back_off(History *history, unsigned tries, const ErrText *why)
{
    atomic_fetch_add(&history->errors, 1);
    if (tries == 1)
        log_write(LOG_ERROR, "history", "%s; trying again, and nothing is acknowledged until it works", why->text);

    int64_t pause = BACK_OFF_NS << (tries < 16 ? tries - 1 : 15);
    if (pause > BACK_OFF_MAX_NS)
        pause = BACK_OFF_MAX_NS;
    const int64_t next = elapsed() + pause;

    pthread_mutex_lock(&history->mutex);
    history->failing = true;
    while (elapsed() < next)
        wait_until(history, &history->wake, next);
    const bool go_on = !history->closing || elapsed() - history->closing_since < PATIENCE_NS;
    pthread_mutex_unlock(&history->mutex);
    return go_on;
}

static bool commit_group(History *history)
{
    for (unsigned tries = 1;; tries++) {
        ErrText why;
        const int64_t start = elapsed();
        if (writer_commit(&history->writer, &history->group, &why) == ERR_OK) {
            const int64_t took = elapsed() - start;
            if (took > atomic_load(&history->commit_ns_max))
                atomic_store(&history->commit_ns_max, took);
            if (tries > 1)
                log_write(LOG_INFO, "history", "writing again after %u failures", tries - 1);
            return true;
        }
        if (!back_off(history, tries, &why))
            return false;
    }
}

static void count_group(History *history)
{
    atomic_fetch_add(&history->commits, 1);
    atomic_fetch_add(&history->rows, history->group.count);
    for (size_t i = history->group.count; i-- > 0;) {
        if (history->group.records[i].kind != RECORD_SAMPLE)
            continue;
        atomic_store(&history->durable, history->group.records[i].filed.seq);
        break;
    }
}

static void release_group(History *history)
{
    Group *group = &history->group;
    for (size_t i = 0; i < group->count; i++)
        if (group->records[i].kind == RECORD_SNAPSHOT)
            mem_free(group->records[i].snapshot);
    group->count = group->entry_count = 0;
}

/* Write one group; false when there is no hope. */
static bool write_group(History *history)
{
    await_records(history);
    take_group(history);
    const size_t count = history->group.count, entries = history->group.entry_count;
    if (count + entries == 0)
        return true;

    const bool written = commit_group(history);
    if (written)
        count_group(history);
    else
        log_write(LOG_ERROR, "history", "closed with %zu records that could not be written", count + entries + ring_count(&history->queue));
    release_group(history);

    pthread_mutex_lock(&history->mutex);
    history->failing = !written;
    atomic_fetch_add(&history->written, written ? count : 0);
    atomic_fetch_add(&history->audited, written ? entries : 0);
    pthread_cond_broadcast(&history->done);
    pthread_mutex_unlock(&history->mutex);
    return written;
}

/* A short step of sealing between two groups. While the tick has much to write it comes first, until too much is left lying. */
static void seal_some(History *history)
{
    Sealer *sealer = &history->writer.sealer;
    if (sealer_due(sealer) > elapsed() || (ring_count(&history->queue) > QUEUE_ROWS / 2 && !sealer_is_behind(sealer)))
        return;
    ErrText why;
    if (sealer_step(sealer, &why) == ERR_OK) {
        history->seal_fails = 0;
        return;
    }
    if (history->seal_fails++ == 0)
        log_write(LOG_ERROR, "history", "sealing: %s; trying again, what was written stays", why.text);
    sealer_pause(sealer);
}

/* Take the wish to seal everything to the sealer; say when it has been fulfilled. */
static void pass_wish(History *history)
{
    pthread_mutex_lock(&history->mutex);
    if (history->sealing && !history->sealing_asked) {
        sealer_ask(&history->writer.sealer);
        history->sealing_asked = true;
    } else if (history->sealing && !sealer_is_asked(&history->writer.sealer)) {
        history->sealing = history->sealing_asked = false;
        pthread_cond_broadcast(&history->done);
    }
    pthread_mutex_unlock(&history->mutex);
}

/* Whether nothing is left to write and nobody wants more. */
static bool is_over(History *history)
{
    pthread_mutex_lock(&history->mutex);
    const bool over = history->closing && !has_work(history);
    pthread_mutex_unlock(&history->mutex);
    return over;
}

static void *run(void *self)
{
    pthread_setname_np(pthread_self(), "history");
    History *history = self;
    while (write_group(history) && !is_over(history)) {
        pthread_mutex_lock(&history->step_mutex);
        seal_some(history);
        pthread_mutex_unlock(&history->step_mutex);
        pass_wish(history);
    }
    return NULL;
}

// Opening.

/* One engine per file: two would give the same numbers to different records. */
static Err take_lock(History *history, ErrText *why)
{
    char lock[4096];
    if (snprintf(lock, sizeof lock, "%s.lock", history->path) >= (int)sizeof lock)
        return err_set(why, ERR_RANGE, "%.200s...: the path is too long", history->path);
    history->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (history->lock < 0 && errno == ENOENT)
        return err_set(why, ERR_IO, "%s: its folder does not exist: make it first", history->path);
    if (history->lock < 0)
        return err_set(why, ERR_IO, "%s: %s", lock, strerror(errno));
    if (flock(history->lock, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    if (errno == EWOULDBLOCK)
        return err_set(why, ERR_IO, "%s is in use: another Pollux writes it; end that one, or choose another file", history->path);
    return err_set(why, ERR_IO, "%s: %s", lock, strerror(errno));
}

static Err open_parts(History *history, const char *path, ErrText *why)
{
    Err err = store_check_path(path, why);
    if (err != ERR_OK)
        return err;
    history->path = mem_alloc(strlen(path) + 1);
    history->group.records = mem_alloc(GROUP_ROWS * sizeof *history->group.records);
    history->group.entries = mem_alloc(GROUP_ENTRIES * sizeof *history->group.entries);
    if (!history->path || !history->group.records || !history->group.entries || ring_init(&history->queue, sizeof(Record), QUEUE_ROWS) != ERR_OK)
        return err_set(why, ERR_MEMORY, "%s: out of memory", path);
    strcpy(history->path, path);

    err = take_lock(history, why);
    if (err == ERR_OK)
        err = writer_open(&history->writer, path, history->plant, why);
    int64_t last = 0;
    if (err == ERR_OK)
        err = store_integer(history->writer.db, "SELECT max(seq) FROM sample", 0, &last, why);
    atomic_store(&history->durable, (uint64_t)(last > history->writer.floor ? last : history->writer.floor));
    return err;
}

static void free_parts(History *history)
{
    writer_close(&history->writer);
    if (history->lock >= 0)
        close(history->lock);
    Record record;
    while (history->queue.items && ring_pop(&history->queue, &record))
        if (record.kind == RECORD_SNAPSHOT)
            mem_free(record.snapshot);
    ring_fini(&history->queue);
    mem_free(history->group.records);
    mem_free(history->group.entries);
    mem_free(history->path);
    mem_free(history);
}

static void init_waiting(History *history)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&history->mutex, NULL);
    pthread_mutex_init(&history->step_mutex, NULL);
    pthread_cond_init(&history->wake, &attributes);
    pthread_cond_init(&history->done, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void fini_waiting(History *history)
{
    pthread_cond_destroy(&history->done);
    pthread_cond_destroy(&history->wake);
    pthread_mutex_destroy(&history->mutex);
    pthread_mutex_destroy(&history->step_mutex);
}

Err history_open(const char *path, const Plant *plant, History **out, ErrText *why)
{
    assert(path && plant && out);
    *out = NULL;
    History *history = mem_alloc(sizeof *history);
    if (!history)
        return err_set(why, ERR_MEMORY, "%s: out of memory", path);
    history->plant = plant;
    history->lock = -1;
    Err err = open_parts(history, path, why);
    if (err == ERR_OK) {
        init_waiting(history);
        if (pthread_create(&history->thread, NULL, run, history) != 0) {
            fini_waiting(history);
            err = err_set(why, ERR_MEMORY, "%s: no thread to write with", path);
        }
    }
    if (err == ERR_OK)
        *out = history;
    else
        free_parts(history);
    return err;
}

void history_close(History *history)
{
    if (!history)
        return;
    pthread_mutex_lock(&history->mutex);
    history->closing = true;
    history->closing_since = elapsed();
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->mutex);
    pthread_join(history->thread, NULL);
    fini_waiting(history);
    free_parts(history);
}

// Appending: the tick's side.

static void wake(History *history)
{
    pthread_mutex_lock(&history->mutex);
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->mutex);
}

static void wait_for_room(History *history, const Record *record)
{
    atomic_fetch_add(&history->waits, 1);
    pthread_mutex_lock(&history->mutex);
    while (!ring_push(&history->queue, record)) {
        history->hurry = true;
        pthread_cond_signal(&history->wake);
        wait_until(history, &history->done, elapsed() + LOOK_NS);
    }
    pthread_mutex_unlock(&history->mutex);
}

static void append(History *history, const Record *record)
{
    if (!ring_push(&history->queue, record))
        wait_for_room(history, record);
    history->appended++;

    // both sides exchange the mood: either the writer sees the record before it sleeps, or we see that it sleeps
    const int mood = atomic_fetch_or(&history->mood, 0);
    if (mood == MOOD_IDLE || (mood == MOOD_GATHERING && ring_count(&history->queue) >= GROUP_ROWS))
        wake(history);
}

/* On the thread of whoever noted something; the mood as in append. */
static void note_waits(void *self)
{
    History *history = self;
    if (atomic_fetch_or(&history->mood, 0) == MOOD_IDLE)
        wake(history);
}

void history_keep_audit(History *history, Audit *audit)
{
    pthread_mutex_lock(&history->mutex);
    history->audit = audit;
    pthread_mutex_unlock(&history->mutex);
    audit_on_note(audit, note_waits, history);
}

void history_append_sample(History *history, const Filed *filed)
{
    assert(filed->sample.tag < tags_count(history->plant->tags));
    append(history, &(Record){.kind = RECORD_SAMPLE, .filed = *filed});
}

/* Whether `time`, the end of a step, is the first in a period of the plant's `record`. */
static bool is_recorded(const Plant *plant, int64_t time)
{
    const int64_t period = llround(plant->record * 1e9);
    if (period <= plant->step_ns)
        return true;
    const int64_t rest = time % period;
    return (rest < 0 ? rest + period : rest) < plant->step_ns;
}

static bool is_estimated(ChannelKind kind)
{
    return channel_is_estimated(kind);
}

static void append_twin(History *history, const Plant *plant, uint32_t twin, int64_t time, uint32_t revision)
{
    const Model *model = plant_model(plant, twin);
    for (uint16_t channel = 0; channel < model->channel_count && plant->twins[twin].recorded; channel++) {
        if (!is_estimated(model->channels[channel].kind))
            continue;
        const TagId tag = plant_tag(plant, twin, channel);
        const Estimate estimate = {time, plant_value(plant, tag), plant_sd(plant, tag), tag, revision};
        append(history, &(Record){.kind = RECORD_ESTIMATE, .estimate = estimate});
    }
}

void history_append_estimates(History *history, const Plant *plant, int64_t time)
{
    if (!is_recorded(plant, time))
        return;
    for (uint32_t twin = 0; twin < plant->twin_count; twin++)
        append_twin(history, plant, twin, time, 0);
}

void history_append_amended(History *history, const Plant *plant, const PlantPart *part, int64_t time, uint32_t revision)
{
    assert(revision > 0);
    if (!is_recorded(plant, time))
        return;
    for (uint32_t i = 0; i < part->block_count; i++) {
        const Block *block = &plant->blocks[part->blocks[i]];
        for (uint32_t lane = 0; lane < block->lanes; lane++)
            append_twin(history, plant, block->twin[lane], time, revision);
    }
}

void history_append_alarm(History *history, const Alarm *alarm, const char *twin)
{
    assert(twin);
    Record record = {.kind = RECORD_ALARM, .alarm = {.alarm = *alarm}};
    snprintf(record.alarm.twin.text, sizeof record.alarm.twin.text, "%s", twin);
    append(history, &record);
}

void history_append_command(History *history, const Command *command, const char *tag)
{
    assert(tag);
    Record record = {.kind = RECORD_COMMAND, .command = {.command = *command}};
    snprintf(record.command.tag.text, sizeof record.command.tag.text, "%s", tag);
    append(history, &record);
}

void history_append_gate_act(History *history, const HistoryGateAct *act, const char *tag)
{
    Record record = {.kind = RECORD_GATE_ACT, .gate.act = *act};
    snprintf(record.gate.tag.text, sizeof record.gate.tag.text, "%s", tag);
    append(history, &record);
}

void history_append_act(History *history, const HistoryAct *act)
{
    append(history, &(Record){.kind = RECORD_ACT, .act = *act});
}

void history_append_evidence(History *history, const Evidence *evidence)
{
    append(history, &(Record){.kind = RECORD_EVIDENCE, .evidence = *evidence});
}

/* The last of a forecast's records says that all of it is there. */
void history_append_outlooks(History *history, const Plant *plant, int64_t tick, const Outlooks *outlooks)
{
    for (size_t i = 0; i <= outlooks->count; i++) {
        Record record = {.kind = RECORD_OUTLOOK, .foretold = {.tick = tick, .time = outlooks->time}};
        Foretold *foretold = &record.foretold;
        if (i < outlooks->count) {
            const Outlook *outlook = &outlooks->items[i];
            snprintf(foretold->twin, sizeof foretold->twin, "%s", plant->twins[outlook->twin].name);
            snprintf(foretold->alarm, sizeof foretold->alarm, "%s", plant_model(plant, outlook->twin)->alarms[outlook->alarm].name);
            foretold->share = outlook->share;
            foretold->early = outlook->early;
            foretold->middle = outlook->middle;
            foretold->late = outlook->late;
        }
        append(history, &record);
    }
}

/* A copy in one allocation: the snapshot, its table of parts, their bytes. */
static Snapshot *copy_snapshot(const SnapshotPart *parts, size_t count)
{
    size_t size = sizeof(Snapshot) + count * sizeof *parts;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    Snapshot *snapshot = mem_alloc(size);
    if (!snapshot)
        return NULL;

    char *bytes = (char *)&snapshot->parts[count];
    snapshot->count = count;
    for (size_t i = 0; i < count; i++) {
        snapshot->parts[i] = (SnapshotPart){bytes, parts[i].size};
        if (parts[i].size)
            memcpy(bytes, parts[i].bytes, parts[i].size);
        bytes += parts[i].size;
    }
    return snapshot;
}

void history_append_snapshot(History *history, int64_t tick, int64_t time, uint64_t hash, const SnapshotPart *parts, size_t count)
{
    assert(count <= WRITER_PARTS_MAX);
    Snapshot *snapshot = copy_snapshot(parts, count);
    if (!snapshot) {
        // nothing is lost: a restart begins at the snapshot before and replays more
        log_write(LOG_WARNING, "history", "no memory for the snapshot of tick %" PRId64, tick);
        return;
    }
    snapshot->tick = tick;
    snapshot->time = time;
    snapshot->hash = hash;
    append(history, &(Record){.kind = RECORD_SNAPSHOT, .snapshot = snapshot});
}

uint64_t history_durable(const History *history)
{
    return atomic_load(&history->durable);
}

size_t history_waiting(const History *history)
{
    return ring_count(&history->queue);
}

HistoryStats history_stats(const History *history)
{
    return (HistoryStats){
        .rows = atomic_load(&history->rows),
        .commits = atomic_load(&history->commits),
        .waits = atomic_load(&history->waits),
        .errors = atomic_load(&history->errors),
        .commit_ns_max = atomic_load(&history->commit_ns_max),
    };
}

static bool is_written(const History *history)
{
    const uint64_t noted = history->audit ? audit_noted(history->audit) : 0;
    return atomic_load(&history->written) >= history->appended && atomic_load(&history->audited) >= noted;
}

Err history_flush(History *history)
{
    const int64_t start = elapsed();
    Err err = ERR_OK;
    pthread_mutex_lock(&history->mutex);
    while (err == ERR_OK && !is_written(history)) {
        history->hurry = true;
        pthread_cond_signal(&history->wake);
        wait_until(history, &history->done, elapsed() + LOOK_NS);
        if (history->failing && elapsed() - start > PATIENCE_NS)
            err = ERR_IO;
    }
    pthread_mutex_unlock(&history->mutex);
    return err;
}

Err history_seal(History *history)
{
    const int64_t start = elapsed();
    Err err = history_flush(history);
    pthread_mutex_lock(&history->mutex);
    history->sealing = err == ERR_OK;
    while (err == ERR_OK && history->sealing) {
        pthread_cond_signal(&history->wake);
        wait_until(history, &history->done, elapsed() + LOOK_NS);
        if (elapsed() - start > SEAL_PATIENCE_NS)
            err = ERR_IO;
    }
    pthread_mutex_unlock(&history->mutex);
    return err;
}

/* With nothing to write the writer thread sleeps or seals, and sees the new tags before the next record. */
Err history_follow(History *history, const Plant *plant, ErrText *why)
{
    if (history_flush(history) != ERR_OK)
        return err_set(why, ERR_IO, "%s cannot be written at present", history->path);
    pthread_mutex_lock(&history->step_mutex);
    pthread_mutex_lock(&history->mutex);
    const Err err = writer_follow(&history->writer, plant, why);
    pthread_mutex_unlock(&history->mutex);
    pthread_mutex_unlock(&history->step_mutex);
    if (err == ERR_OK)
        history->plant = plant;
    return err;
}

Err history_resume(History *history, HistoryResume *out, ErrText *why)
{
    return resume_read(history->path, history->plant, out, why);
}
