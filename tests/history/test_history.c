#include "history/chart.h"

START_TEST(what_was_flushed_is_durable)
{
    Rig rig;
    rig_open(&rig);
    ck_assert_uint_eq(history_durable(rig.history), 0);
    for (uint64_t seq = 1; seq <= 10; seq++)
        rig_append(&rig, seq, 1);
    rig_flush(&rig);
    ck_assert_uint_eq(history_durable(rig.history), 10);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample"), 10);

    const HistoryStats stats = history_stats(rig.history);
    ck_assert_uint_eq(stats.rows, 10);
    ck_assert_uint_ge(stats.commits, 1);
    ck_assert_uint_eq(stats.errors, 0);
    ck_assert_int_gt(stats.commit_ns_max, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(a_sample_becomes_durable_by_itself)
{
    Rig rig;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        rig_append(&rig, seq, 1);
        for (int i = 0; history_durable(rig.history) < seq; i++) {
            ck_assert_int_lt(i, 5000);
            rig_sleep(1);
        }
    }
    rig_close(&rig);
}
END_TEST

START_TEST(samples_that_come_together_share_a_commit)
{
    Rig rig;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 5000; seq++)
        rig_append(&rig, seq, 1);
    rig_flush(&rig);
    ck_assert_uint_eq(history_stats(rig.history).rows, 5000);
    ck_assert_uint_lt(history_stats(rig.history).commits, 100);
    rig_close(&rig);
}
END_TEST

START_TEST(closing_writes_what_waits)
{
    Rig rig;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 15000; seq++)
        rig_append(&rig, seq, 1);
    rig_stop(&rig);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample"), 15000);

    rig_start(&rig);
    ck_assert_uint_eq(history_durable(rig.history), 15000);
    rig_close(&rig);
}
END_TEST

/* At every moment: the newest snapshot (its hash is the seq before it) has all its samples, and samples have no gap. */
START_TEST(a_snapshot_is_never_there_without_the_samples_before_it)
{
    Rig rig;
    rig_open(&rig);
    sqlite3 *db = rig_database(&rig);
    const SnapshotPart part = {"state", 5};
    for (uint64_t seq = 1; seq <= 40000; seq++) {
        rig_append(&rig, seq, (int64_t)seq);
        if (seq % 1000 == 0)
            history_append_snapshot(rig.history, (int64_t)seq, 0, seq, &part, 1);
        if (seq % 2500 != 0)
            continue;
        ck_assert_int_eq(rig_query(db, "SELECT coalesce((SELECT max(hash) FROM snapshot), 0) <= coalesce(max(seq), 0) FROM sample"), 1);
        ck_assert_int_eq(rig_query(db, "SELECT count(*) = coalesce(max(seq), 0) FROM sample"), 1);
    }
    rig_flush(&rig);
    ck_assert_int_eq(rig_query(db, "SELECT max(hash) FROM snapshot"), 40000);
    sqlite3_close(db);
    rig_close(&rig);
}
END_TEST

START_TEST(only_the_newest_three_snapshots_are_kept)
{
    Rig rig;
    rig_open(&rig);
    const SnapshotPart parts[] = {{"one", 3}, {"two", 3}};
    for (int64_t tick = 1; tick <= 10; tick++)
        history_append_snapshot(rig.history, tick, 0, 0, parts, 2);
    rig_flush(&rig);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM snapshot WHERE tick BETWEEN 8 AND 10"), 3);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM snapshot"), 3);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM piece"), 6);
    rig_close(&rig);
}
END_TEST

START_TEST(estimates_are_kept_at_the_period_of_the_plant)
{
    Rig rig;
    rig_open(&rig);
    rig.plant.record = 1;
    for (int64_t tick = 1; tick <= 30; tick++)
        history_append_estimates(rig.history, &rig.plant, tick * rig.plant.step_ns);
    rig_flush(&rig);

    // seconds 1, 2 and 3, of two twins, each with a state, a tracked parameter and an output
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM estimate"), 3 * RIG_TWINS * 3);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(DISTINCT time) FROM estimate WHERE time % 1000000000 = 0"), 3);
    rig_close(&rig);
}
END_TEST

/* A replay after a crash writes again what it had written. */
START_TEST(what_is_written_twice_is_there_once)
{
    Rig rig;
    rig_open(&rig);
    const Alarm alarm = {.id = 1, .revision = 2, .state = ALARM_ACKNOWLEDGED, .name = "divergence"};
    const Command command = {.id = 1, .wish = {.tag = rig_tag(0, VALVE), .value = 0.5}, .state = COMMAND_SENT};
    for (int pass = 1; pass <= 2; pass++) {
        rig.columns[LEVEL * LANES] = pass;
        history_append_estimates(rig.history, &rig.plant, NS_PER_S);
        history_append_alarm(rig.history, &alarm, "a");
        history_append_command(rig.history, &command, "a.valve");
        history_append_snapshot(rig.history, 9, 0, (uint64_t)pass, &(SnapshotPart){"x", 1}, 1);
    }
    rig_flush(&rig);
    Chart chart;
    chart_open(&chart, &rig);
    chart_read(&chart, rig_tag(0, LEVEL), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 1);
    ck_assert_double_eq(chart.points[0].value, 2);
    chart_close(&chart);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM alarm"), 1);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM command"), 1);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM piece"), 1);
    ck_assert_int_eq(rig_sql(&rig, "SELECT hash FROM snapshot"), 2);
    rig_close(&rig);
}
END_TEST

START_TEST(an_older_revision_does_not_undo_a_newer_one)
{
    Rig rig;
    rig_open(&rig);
    Alarm alarm = {.id = 1, .revision = 1, .name = "overflow"};
    history_append_alarm(rig.history, &alarm, "a");
    alarm.revision = 2;
    alarm.state = ALARM_ACKNOWLEDGED;
    history_append_alarm(rig.history, &alarm, "a");
    alarm.revision = 1;
    alarm.state = ALARM_RAISED;
    history_append_alarm(rig.history, &alarm, "a");
    rig_flush(&rig);
    ck_assert_int_eq(rig_sql(&rig, "SELECT state FROM alarm"), ALARM_ACKNOWLEDGED);
    rig_close(&rig);
}
END_TEST

START_TEST(a_sample_is_never_changed)
{
    Rig rig;
    rig_open(&rig);
    rig_append(&rig, 1, 1);
    Filed other = rig_filed(1, 2);
    other.sample.value = 99;
    history_append_sample(rig.history, &other);
    rig_append(&rig, 2, 2);
    rig_flush(&rig);
    ck_assert_int_eq(rig_sql(&rig, "SELECT value FROM sample WHERE seq = 1"), 1);
    ck_assert_uint_eq(history_durable(rig.history), 2);
    rig_close(&rig);
}
END_TEST

// Opening.

static void refuse(const Rig *rig, const char *path, Err err, const char *expected)
{
    History *history;
    ErrText why = {""};
    ck_assert_int_eq(history_open(path, &rig->plant, &history, &why), err);
    ck_assert_ptr_null(history);
    ck_assert_msg(strstr(why.text, expected) != NULL, "\"%s\" in \"%s\"", expected, why.text);
}

START_TEST(a_file_of_another_plant_is_refused)
{
    Rig rig;
    rig_open(&rig);
    rig_stop(&rig);
    rig.plant.name = "other";
    refuse(&rig, rig.path, ERR_PARSE, "holds the records of plant \"rig\", not of \"other\"");
    tags_destroy(rig.plant.tags);
}
END_TEST

START_TEST(a_file_of_a_newer_form_is_refused)
{
    Rig rig;
    rig_open(&rig);
    rig_stop(&rig);
    rig_sql(&rig, "PRAGMA user_version = 4");
    refuse(&rig, rig.path, ERR_PARSE, "has form 4 and this Pollux knows form 3");
    tags_destroy(rig.plant.tags);
}
END_TEST

/* Make the file one of form 2, with its estimates and one that was amended; of form 1 those amendments are missing. */
static void make_older(const Rig *rig, int form)
{
    rig_sql(rig, "ALTER TABLE estimate RENAME TO told");
    rig_sql(rig, "CREATE TABLE estimate (tag INTEGER NOT NULL, time INTEGER NOT NULL, value REAL, sd REAL, PRIMARY KEY (tag, time)) STRICT, WITHOUT ROWID");
    rig_sql(rig, "INSERT INTO estimate SELECT tag, time, value, sd FROM told");
    static const char *const dropped[] = {"told", "block", "sealing", "horizon"};
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DROP TABLE %s", dropped[i]);
        rig_sql(rig, sql);
    }
    rig_sql(rig, "CREATE INDEX sample_by_tag ON sample (tag, time, fate)");
    rig_sql(rig, "CREATE INDEX sample_by_tick ON sample (tick)");
    rig_sql(rig, "CREATE TABLE amended (tag INTEGER NOT NULL, time INTEGER NOT NULL, revision INTEGER NOT NULL, value REAL, sd REAL,"
                 " PRIMARY KEY (tag, time, revision)) STRICT, WITHOUT ROWID");
    rig_sql(rig, "INSERT INTO amended SELECT tag, time, 3, 8, sd FROM estimate JOIN tag ON id = tag WHERE name = 'a.level'");
    rig_sql(rig, "PRAGMA user_version = 2");
    if (form == 2)
        return;
    rig_sql(rig, "DROP TABLE amended");
    rig_sql(rig, "DROP TABLE alarm_revision");
    rig_sql(rig, "ALTER TABLE alarm DROP COLUMN amended");
    rig_sql(rig, "PRAGMA user_version = 1");
}

START_TEST(a_file_of_an_older_form_goes_on_with_all_that_is_in_it)
{
    for (int form = 1; form <= 2; form++) {
        Rig rig;
        Chart chart;
        rig_make(&rig, "a", "b");
        snprintf(rig.path, sizeof rig.path, "%s/form%d.db", kit_folder(), form);
        rig_start(&rig);
        rig_append(&rig, 1, 1);
        rig.columns[LEVEL * LANES] = 7;
        history_append_estimates(rig.history, &rig.plant, NS_PER_S);
        rig_stop(&rig);
        make_older(&rig, form);
        HistoryReader *reader;
        ErrText why;
        ck_assert_int_eq(history_reader_open(rig.path, &rig.plant, &reader, &why), ERR_PARSE);
        ck_assert_msg(strstr(why.text, form == 1 ? "has form 1: let an engine" : "has form 2: let an engine"), "%s", why.text);

        rig_start(&rig);
        rig_append(&rig, 2, 2);
        for (int sealed = 0; sealed < 2; sealed++) {
            ck_assert_int_eq(sealed ? history_seal(rig.history) : history_flush(rig.history), ERR_OK);
            chart_open(&chart, &rig);
            chart_read(&chart, rig_tag(0, DEPTH), INT64_MIN, INT64_MAX, 100);
            ck_assert_uint_eq(chart.count, 2);
            chart_read(&chart, rig_tag(0, LEVEL), INT64_MIN, INT64_MAX, 100);
            ck_assert_uint_eq(chart.count, 1);
            ck_assert_double_eq(chart.points[0].value, form == 1 ? 7 : 8);
            chart_close(&chart);
        }
        ck_assert_int_eq(rig_sql(&rig, "PRAGMA user_version"), 3);
        rig_close(&rig);
    }
}
END_TEST

START_TEST(a_foreign_file_is_refused_and_left_alone)
{
    Rig rig;
    rig_make(&rig, "a", "b");
    rig_sql(&rig, "CREATE TABLE music (title TEXT)");
    refuse(&rig, rig.path, ERR_PARSE, "is not a history of Pollux");
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sqlite_schema"), 1);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'delete'"), 1);

    FILE *file = fopen(rig.path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("not a database at all\n", file);
    fclose(file);
    refuse(&rig, rig.path, ERR_PARSE, "is damaged or not a history of Pollux");
    tags_destroy(rig.plant.tags);
}
END_TEST

START_TEST(what_is_no_path_of_a_file_is_refused)
{
    Rig rig;
    rig_make(&rig, "a", "b");
    refuse(&rig, ":memory:", ERR_USAGE, "is not the path of a file");
    refuse(&rig, "", ERR_USAGE, "is not the path of a file");
    refuse(&rig, "file:x?mode=memory", ERR_USAGE, "is not the path of a file");
    refuse(&rig, "/nowhere/at/all.db", ERR_IO, "/nowhere/at/all.db: its folder does not exist");
    refuse(&rig, "/proc/history.db", ERR_IO, "/proc/history.db");
    tags_destroy(rig.plant.tags);
}
END_TEST

START_TEST(a_second_engine_on_the_file_is_refused)
{
    Rig rig;
    rig_open(&rig);
    refuse(&rig, rig.path, ERR_IO, "is in use: another Pollux writes it");
    rig_stop(&rig);
    rig_start(&rig);
    rig_close(&rig);
}
END_TEST

START_TEST(a_failed_allocation_is_an_error_wherever_it_falls)
{
    Rig rig;
    rig_make(&rig, "a", "b");
    size_t n = 0;
    for (Err err = ERR_MEMORY; err != ERR_OK; n++) {
        kit_fail_allocation(n + 1);
        err = history_open(rig.path, &rig.plant, &rig.history, NULL);
        ck_assert(err == ERR_OK || err == ERR_MEMORY);
    }
    kit_fail_allocation(0);
    ck_assert_uint_ge(n, 5);  // history, path, group, queue, tags
    rig_close(&rig);
}
END_TEST

/* Numbers of tags belong to the file: a plant whose tags come in another order means the same ones. */
START_TEST(tags_are_kept_by_name)
{
    Rig rig;
    rig_open(&rig);
    rig_append(&rig, 1, 1);
    rig_close(&rig);

    rig_make(&rig, "0", "a");
    rig_start(&rig);
    Filed filed = rig_filed(2, 2);
    filed.sample.tag = rig_tag(1, DEPTH);
    history_append_sample(rig.history, &filed);
    rig_flush(&rig);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample JOIN tag ON id = tag WHERE name = 'a.depth'"), 2);
    rig_close(&rig);
}
END_TEST

/* The same while it is open: what waits goes to the tags that were meant. */
START_TEST(another_plant_is_followed_in_the_same_file)
{
    Rig rig, next;
    ErrText why = {""};
    rig_open(&rig);
    rig_make(&next, "0", "a");
    rig_append(&rig, 1, 1);
    ck_assert_int_eq(history_follow(rig.history, &next.plant, &why), ERR_OK);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample"), 1);
    Filed filed = rig_filed(2, 2);
    filed.sample.tag = rig_tag(1, DEPTH);
    history_append_sample(rig.history, &filed);
    filed.seq = 3;
    filed.sample.tag = rig_tag(0, DEPTH);
    history_append_sample(rig.history, &filed);
    rig_flush(&rig);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample JOIN tag ON id = tag WHERE name = 'a.depth'"), 2);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample JOIN tag ON id = tag WHERE name = '0.depth'"), 1);

    kit_fail_allocation(1);
    ck_assert_int_eq(history_follow(rig.history, &rig.plant, &why), ERR_MEMORY);
    kit_fail_allocation(0);
    filed.seq = 4;
    history_append_sample(rig.history, &filed);
    rig_flush(&rig);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM sample JOIN tag ON id = tag WHERE name = '0.depth'"), 2);
    rig_close(&rig);
    tags_destroy(next.plant.tags);
}
END_TEST

KIT_MAIN("history.history", what_was_flushed_is_durable, a_sample_becomes_durable_by_itself, samples_that_come_together_share_a_commit,
         closing_writes_what_waits, a_snapshot_is_never_there_without_the_samples_before_it, only_the_newest_three_snapshots_are_kept,
         estimates_are_kept_at_the_period_of_the_plant, what_is_written_twice_is_there_once, an_older_revision_does_not_undo_a_newer_one,
         a_sample_is_never_changed, a_file_of_another_plant_is_refused, a_file_of_a_newer_form_is_refused, a_file_of_an_older_form_goes_on_with_all_that_is_in_it, a_foreign_file_is_refused_and_left_alone,
         what_is_no_path_of_a_file_is_refused, a_second_engine_on_the_file_is_refused, a_failed_allocation_is_an_error_wherever_it_falls,
         tags_are_kept_by_name, another_plant_is_followed_in_the_same_file)
