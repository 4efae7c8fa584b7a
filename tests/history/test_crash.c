#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "history/rig.h"
#include "history/tail.h"

// kill -9.

/* Append for ever, fast enough for sealing to have work in every round, beginning behind what is there, and tell by the pipe how far the disk has it. */
static void append_until_killed(Rig *rig, int pipe)
{
    rig_start(rig);
    HistoryResume found;
    if (history_resume(rig->history, &found, NULL) != ERR_OK)
        _exit(1);
    uint64_t seq = found.last_seq, told = seq;
    history_resume_fini(&found);
    for (;;) {
        for (int i = 0; i < 500; i++) {
            seq++;
            rig_append(rig, seq, (int64_t)seq);
        }
        history_append_snapshot(rig->history, (int64_t)seq, 0, seq, &(SnapshotPart){"state", 5}, 1);
        const uint64_t durable = history_durable(rig->history);
        if (durable != told && write(pipe, &durable, sizeof durable) != sizeof durable)
            _exit(1);
        told = durable;
        rig_sleep(1);
    }
}

/* The last number that came out of the pipe before its writer was killed, `delay` ms after the first. */
static uint64_t kill_appender(Rig *rig, int64_t delay)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        append_until_killed(rig, ends[1]);
    }
    close(ends[1]);

    uint64_t durable = 0;
    ck_assert_int_eq(read(ends[0], &durable, sizeof durable), sizeof durable);
    rig_sleep(delay);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    while (read(ends[0], &durable, sizeof durable) == sizeof durable)
        continue;
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return durable;
}

START_TEST(what_was_called_durable_survives_kill_9)
{
    enum { ROUNDS = 12 };
    Rig rig;
    rig_make(&rig, "a", "b");
    uint64_t before = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const uint64_t durable = kill_appender(&rig, (int64_t)(300 * random_uniform(1, 2, round)));
        ck_assert_uint_gt(durable, before);
        before = durable;

        // what is sealed, what is not yet and what was sealed but is not cleared, each without a gap; their numbers begin at 1
        sqlite3 *db = rig_database(&rig);
        TailMark mark;
        ck_assert_int_eq(tail_read_mark(db, STRAND_SAMPLES, &mark, NULL), ERR_OK);
        ck_assert_int_eq(rig_query(db, "SELECT coalesce(sum(count), 0) FROM block WHERE strand = 0"), mark.floor);
        const int64_t first = rig_query(db, "SELECT min(seq) FROM sample"), last = rig_query(db, "SELECT max(seq) FROM sample");
        const int64_t kept = last > mark.floor ? last : mark.floor;
        ck_assert_int_ge(kept, (int64_t)durable);
        ck_assert_int_le(first, mark.floor + 1);
        ck_assert_int_eq(rig_query(db, "SELECT count(*) FROM sample"), last > 0 ? last - first + 1 : 0);
        ck_assert_int_le(rig_query(db, "SELECT coalesce(max(hash), 0) FROM snapshot"), kept);
        ck_assert_int_eq(rig_query(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
        sqlite3_close(db);
    }
    tags_destroy(rig.plant.tags);
}
END_TEST

// A disk that fails, and a writer that is held up.

START_TEST(nothing_is_called_durable_while_commits_fail)
{
    Rig rig;
    rig_open(&rig);
    rig_append(&rig, 1, 1);
    rig_flush(&rig);

    sqlite3 *db = rig_database(&rig);
    rig_query(db, "BEGIN IMMEDIATE");
    rig_append(&rig, 2, 2);
    for (int i = 0; history_stats(rig.history).errors == 0; i++) {
        ck_assert_int_lt(i, 500);
        rig_sleep(10);
    }
    ck_assert_uint_eq(history_durable(rig.history), 1);

    rig_query(db, "COMMIT");
    sqlite3_close(db);
    rig_flush(&rig);
    ck_assert_uint_eq(history_durable(rig.history), 2);
    rig_close(&rig);
}
END_TEST

static void *let_go(void *db)
{
    rig_sleep(300);
    rig_query(db, "COMMIT");
    return NULL;
}

START_TEST(the_tick_waits_when_the_queue_is_full_and_loses_nothing)
{
    enum { SAMPLES = 60000 };
    Rig rig;
    rig_open(&rig);
    sqlite3 *db = rig_database(&rig);
    rig_query(db, "BEGIN IMMEDIATE");
    pthread_t thread;
    pthread_create(&thread, NULL, let_go, db);
    for (uint64_t seq = 1; seq <= SAMPLES; seq++)
        rig_append(&rig, seq, 1);
    pthread_join(thread, NULL);
    sqlite3_close(db);

    ck_assert_uint_ge(history_stats(rig.history).waits, 1);
    rig_flush(&rig);
    ck_assert_uint_eq(history_durable(rig.history), SAMPLES);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample"), SAMPLES);
    rig_close(&rig);
}
END_TEST

/* No file of this process grows beyond `bytes`; RLIM_INFINITY lifts it. */
static void limit_files(rlim_t bytes)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void append_many(Rig *rig, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++)
        rig_append(rig, seq, 1);
}

static void await_error(Rig *rig)
{
    for (int i = 0; history_stats(rig->history).errors == 0; i++) {
        ck_assert_int_lt(i, 1000);
        rig_sleep(10);
    }
}

START_TEST(a_full_disk_delays_records_and_loses_none)
{
    Rig rig;
    rig_open(&rig);
    append_many(&rig, 1, 100);
    rig_flush(&rig);
    limit_files(256 * 1024);
    append_many(&rig, 101, 12000);
    await_error(&rig);
    ck_assert_uint_lt(history_durable(rig.history), 12000);

    limit_files(RLIM_INFINITY);
    rig_flush(&rig);
    ck_assert_uint_eq(history_durable(rig.history), 12000);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample"), 12000);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    rig_close(&rig);
}
END_TEST

START_TEST(closing_on_a_full_disk_ends_and_keeps_what_was_durable)
{
    Rig rig;
    rig_open(&rig);
    append_many(&rig, 1, 100);
    rig_flush(&rig);
    limit_files(256 * 1024);
    append_many(&rig, 101, 12000);
    history_append_snapshot(rig.history, 1, 0, 0, &(SnapshotPart){"state", 5}, 1);
    await_error(&rig);

    const int64_t start = clock_system.elapsed_ns(NULL);
    ck_assert_int_eq(history_flush(rig.history), ERR_IO);
    const uint64_t durable = history_durable(rig.history);
    rig_stop(&rig);
    ck_assert_int_lt(clock_system.elapsed_ns(NULL) - start, 20 * NS_PER_S);
    limit_files(RLIM_INFINITY);

    rig_start(&rig);
    ck_assert_uint_ge(history_durable(rig.history), durable);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) = max(seq) FROM sample"), 1);
    rig_close(&rig);
}
END_TEST

KIT_MAIN("history.crash", what_was_called_durable_survives_kill_9, nothing_is_called_durable_while_commits_fail,
         the_tick_waits_when_the_queue_is_full_and_loses_nothing, a_full_disk_delays_records_and_loses_none,
         closing_on_a_full_disk_ends_and_keeps_what_was_durable)
