#include <sys/wait.h>
#include <signal.h>
#include <stdlib.h>

#include "history/chart.h"

/* What was appended, as a naive list: the truth that every reading is held against. */
typedef struct Told {
    int64_t time;
    double value, sd;
    uint64_t order;  // seq, or revision
    bool is_shown;
} Told;

enum { TOLD_MAX = 40000 };

typedef struct Naive {
    Told *items;
    size_t count;
} Naive;

static int by_time(const void *left, const void *right)
{
    const Told *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* Of samples of one time the first that is shown, of estimates the newest (or the first). */
static size_t settle(const Naive *naive, bool estimates, bool first, Told *out)
{
    size_t count = 0;
    Told *sorted = malloc((naive->count + 1) * sizeof *sorted);
    memcpy(sorted, naive->items, naive->count * sizeof *sorted);
    qsort(sorted, naive->count, sizeof *sorted, by_time);
    for (size_t i = 0; i < naive->count; i++) {
        if (!sorted[i].is_shown)
            continue;
        const bool again = count && out[count - 1].time == sorted[i].time;
        if (again && estimates && !first)
            out[count - 1] = sorted[i];
        else if (!again)
            out[count++] = sorted[i];
    }
    free(sorted);
    return count;
}

static int64_t floor_to(int64_t time, int64_t width)
{
    return time / width * width;
}

/* The bucket of `truth` that begins at `begin`; `count` is 0 when there is none. */
static HistoryPoint bucket_of(const Told *truth, size_t count, int64_t begin, int64_t width)
{
    HistoryPoint bucket = {.time = begin, .min = INFINITY, .max = -INFINITY};
    for (size_t i = 0; i < count; i++) {
        if (truth[i].time < begin || truth[i].time >= begin + width)
            continue;
        bucket.count++;
        bucket.value += truth[i].value;
        bucket.sd += truth[i].sd * truth[i].sd;
        bucket.min = fmin(bucket.min, truth[i].value);
        bucket.max = fmax(bucket.max, truth[i].value);
    }
    bucket.value /= (double)bucket.count;
    bucket.sd = sqrt(bucket.sd / (double)bucket.count);
    return bucket;
}

static void check_raw(Chart *chart, TagId tag, const Told *truth, size_t count, bool estimates, bool first)
{
    chart_ask(chart, &(HistoryRange){&tag, 1, INT64_MIN, INT64_MAX, 1000000, HISTORY_RAW, first});
    ck_assert_uint_eq(chart->count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(chart->points[i].time, truth[i].time);
        ck_assert_double_eq(chart->points[i].value, truth[i].value);
        ck_assert(estimates ? chart->points[i].sd == truth[i].sd : isnan(chart->points[i].sd));
    }
}

static void check_level(Chart *chart, TagId tag, HistoryLevel level, const Told *truth, size_t count, bool estimates)
{
    static const int64_t widths[] = {0, NS_PER_S, 60 * NS_PER_S, 3600 * NS_PER_S};
    const int64_t width = widths[level];
    chart_ask(chart, &(HistoryRange){&tag, 1, INT64_MIN, INT64_MAX, 1000000, level, false});
    size_t at = 0;
    for (size_t i = 0; i < count;) {
        const int64_t begin = floor_to(truth[i].time, width);
        size_t n = 0;
        while (i + n < count && truth[i + n].time < begin + width)
            n++;
        const HistoryPoint expected = bucket_of(&truth[i], n, begin, width), *point = &chart->points[at++];
        ck_assert_uint_le(at, chart->count);
        ck_assert_int_eq(point->time, begin);
        ck_assert_uint_eq(point->count, expected.count);
        ck_assert_double_eq(point->min, expected.min);
        ck_assert_double_eq(point->max, expected.max);
        ck_assert_double_eq_tol(point->value, expected.value, 1e-9 * fmax(1, fabs(expected.value)));
        ck_assert(estimates ? fabs(point->sd - expected.sd) < 1e-9 : isnan(point->sd));
        i += n;
    }
    ck_assert_uint_eq(at, chart->count);
}

static void check_all(const Rig *rig, const Naive *samples, const Naive *estimates)
{
    static Told truth[TOLD_MAX];
    Chart chart;
    chart_open(&chart, rig);
    size_t count = settle(samples, false, false, truth);
    check_raw(&chart, rig_tag(0, DEPTH), truth, count, false, false);
    for (HistoryLevel level = HISTORY_SECOND; level < HISTORY_LEVELS; level++)
        check_level(&chart, rig_tag(0, DEPTH), level, truth, count, false);
    count = settle(estimates, true, true, truth);
    check_raw(&chart, rig_tag(0, LEVEL), truth, count, true, true);
    count = settle(estimates, true, false, truth);
    check_raw(&chart, rig_tag(0, LEVEL), truth, count, true, false);
    for (HistoryLevel level = HISTORY_SECOND; level < HISTORY_LEVELS; level++)
        check_level(&chart, rig_tag(0, LEVEL), level, truth, count, true);
    chart_close(&chart);
}

// Random batches.

typedef struct Script {
    Rig rig;
    Naive samples, estimates;
    uint64_t seq, draw;
    int64_t tick;
} Script;

static double draw(Script *script)
{
    return random_uniform(7, 1, script->draw++);
}

static void add_sample(Script *script, int64_t time)
{
    const double kind = draw(script);
    Filed filed = {.sample = {.time = time, .value = draw(script) * 100, .tag = rig_tag(0, DEPTH)}, .tick = script->tick, .seq = ++script->seq};
    filed.fate = kind < 0.8 ? FATE_USED : kind < 0.9 ? FATE_LATE : kind < 0.95 ? FATE_DUPLICATE : FATE_BAD;
    history_append_sample(script->rig.history, &filed);
    script->samples.items[script->samples.count++] =
        (Told){.time = time, .value = filed.sample.value, .order = filed.seq, .is_shown = filed.fate == FATE_USED || filed.fate == FATE_LATE};
}

/* Between two draws of a time lie 50 ms, so that some meet. */
static int64_t some_time(Script *script, double seconds)
{
    const int64_t now = script->tick * script->rig.plant.step_ns;
    return now - (int64_t)(draw(script) * seconds * 20) * 50 * NS_PER_MS;
}

static void add_estimate(Script *script, int64_t time, uint32_t revision)
{
    Rig *rig = &script->rig;
    rig->columns[LEVEL * LANES] = floor(draw(script) * 8);  // now and then the same as before
    rig->columns[7 * LANES] = 0.25;
    const PlantPart part = {.blocks = &(uint32_t){0}, .block_count = 1};
    if (revision)
        history_append_amended(rig->history, &rig->plant, &part, time, revision);
    else
        history_append_estimates(rig->history, &rig->plant, time);
    Told *told = &script->estimates.items[script->estimates.count];
    *told = (Told){.time = time, .value = rig->columns[LEVEL * LANES], .sd = 0.5, .order = revision, .is_shown = true};
    for (size_t i = 0; i < script->estimates.count; i++)
        if (script->estimates.items[i].time == time && script->estimates.items[i].order == revision) {
            script->estimates.items[i] = *told;  // written again
            return;
        }
    script->estimates.count++;
}

static void append_batch(Script *script)
{
    const int ticks = 1 + (int)(draw(script) * 300);
    for (int i = 0; i < ticks; i++) {
        script->tick++;
        add_sample(script, script->tick * script->rig.plant.step_ns + (int64_t)(draw(script) * 1e8));
        add_estimate(script, script->tick * script->rig.plant.step_ns, 0);
        if (draw(script) < 0.05)
            add_estimate(script, script->tick * script->rig.plant.step_ns - (int64_t)(draw(script) * 50) * script->rig.plant.step_ns, 1 + (uint32_t)(draw(script) * 3));
        if (draw(script) < 0.05)
            add_sample(script, some_time(script, 5000));
    }
    script->tick += (int64_t)(draw(script) * draw(script) * 20000);
}

static void script_open(Script *script, const char *name)
{
    memset(script, 0, sizeof *script);
    rig_make(&script->rig, "a", "b");
    snprintf(script->rig.path, sizeof script->rig.path, "%s/%s", kit_folder(), name);
    rig_start(&script->rig);
    script->tick = 16000000000;
    script->samples.items = malloc(TOLD_MAX * sizeof *script->samples.items);
    script->estimates.items = malloc(TOLD_MAX * sizeof *script->estimates.items);
}

static void script_close(Script *script)
{
    free(script->samples.items);
    free(script->estimates.items);
    rig_close(&script->rig);
}

static void snap(Script *script)
{
    history_append_snapshot(script->rig.history, script->tick, script->tick * script->rig.plant.step_ns, 0, &(SnapshotPart){"state", 5}, 1);
}

/* Whatever was sealed when, a reader sees what a list would show; after a restart too. */
START_TEST(sealed_or_not_readers_see_every_point_once)
{
    Script script;
    script_open(&script, "batches.db");
    for (int batch = 0; batch < 24; batch++) {
        append_batch(&script);
        if (draw(&script) < 0.6)
            snap(&script);
        if (draw(&script) < 0.5)
            ck_assert_int_eq(history_seal(script.rig.history), ERR_OK);
        else
            rig_flush(&script.rig);
        if (draw(&script) < 0.2) {
            rig_stop(&script.rig);
            rig_start(&script.rig);
        }
        check_all(&script.rig, &script.samples, &script.estimates);
    }
    ck_assert_int_gt(rig_sql(&script.rig, "SELECT count(*) FROM block WHERE strand = 0"), 0);
    ck_assert_int_eq(rig_sql(&script.rig, "SELECT count(*) FROM block a JOIN block b ON a.tag = b.tag AND a.strand = b.strand AND a.id < b.id"
                                          " WHERE a.start < b.end AND b.start < a.end"), 0);
    ck_assert_int_eq(rig_sql(&script.rig, "SELECT count(*) FROM block WHERE strand < 0"), 0);
    script_close(&script);
}
END_TEST

START_TEST(what_a_restart_needs_is_not_sealed)
{
    Rig rig;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        rig_append(&rig, seq, (int64_t)seq);
        if (seq % 20 == 0)
            history_append_snapshot(rig.history, (int64_t)seq, 0, seq, &(SnapshotPart){"state", 5}, 1);
    }
    ck_assert_int_eq(history_seal(rig.history), ERR_OK);
    ck_assert_int_eq(rig_sql(&rig, "SELECT min(seq) FROM sample"), 61);  // snapshots 60, 80 and 100 are kept
    rig_stop(&rig);
    rig_start(&rig);
    HistoryResume found;
    ck_assert_int_eq(history_resume(rig.history, &found, NULL), ERR_OK);
    ck_assert_int_eq(found.tick, 100);
    ck_assert_uint_eq(found.last_seq, 100);
    history_resume_fini(&found);
    ck_assert_uint_eq(history_durable(rig.history), 100);

    // without any snapshot what is sealed cannot be played again
    ErrText why;
    rig_sql(&rig, "DELETE FROM piece");
    ck_assert_int_eq(history_resume(rig.history, &found, &why), ERR_PARSE);
    ck_assert_msg(strstr(why.text, "snapshots"), "%s", why.text);
    rig_close(&rig);
}
END_TEST

START_TEST(numbers_go_on_where_everything_is_sealed)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        rig_append(&rig, seq, (int64_t)seq);
        history_append_estimates(rig.history, &rig.plant, (int64_t)seq * NS_PER_S);
    }
    history_append_snapshot(rig.history, 9, 0, 0, &(SnapshotPart){"state", 5}, 1);
    ck_assert_int_eq(history_seal(rig.history), ERR_OK);
    ck_assert_int_eq(rig_sql(&rig, "SELECT (SELECT count(*) FROM sample) + (SELECT count(*) FROM estimate)"), 0);
    rig_stop(&rig);
    rig_start(&rig);
    ck_assert_uint_eq(history_durable(rig.history), 3);
    HistoryResume found;
    ck_assert_int_eq(history_resume(rig.history, &found, NULL), ERR_OK);
    ck_assert_uint_eq(found.last_seq, 3);
    ck_assert_int_eq(found.last_sample_time, rig_filed(3, 3).sample.time);
    history_resume_fini(&found);

    rig_append(&rig, 3, 3);  // was there: left as it is
    rig_append(&rig, 4, 10);
    history_append_estimates(rig.history, &rig.plant, 4 * NS_PER_S);
    rig_flush(&rig);
    chart_open(&chart, &rig);
    chart_read(&chart, rig_tag(0, DEPTH), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 4);
    chart_read(&chart, rig_tag(0, LEVEL), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 4);
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

// kill -9 while it seals.

static void seal_until_killed(const Script *script, int pipe)
{
    Script mine = *script;
    rig_start(&mine.rig);
    if (write(pipe, "x", 1) != 1 || history_seal(mine.rig.history) != ERR_OK)
        _exit(1);
    for (;;)
        pause();
}

static void kill_sealer(Script *script, int64_t microseconds)
{
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0)
        seal_until_killed(script, ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    usleep((useconds_t)microseconds);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
}

/* Each round is killed somewhere between its first row and its last. */
START_TEST(sealing_that_is_killed_goes_on_where_it_was)
{
    Script script;
    script_open(&script, "killed.db");
    for (int batch = 0; batch < 12; batch++) {
        for (int i = 0; i < 4; i++)
            append_batch(&script);
        for (int i = 0; i < 3; i++, script.tick++)
            snap(&script);
        rig_stop(&script.rig);
        kill_sealer(&script, (int64_t)(draw(&script) * 60000));
        rig_start(&script.rig);
        check_all(&script.rig, &script.samples, &script.estimates);
    }
    ck_assert_int_eq(history_seal(script.rig.history), ERR_OK);
    ck_assert_int_eq(rig_sql(&script.rig, "SELECT count(*) FROM sample"), 0);
    check_all(&script.rig, &script.samples, &script.estimates);
    script_close(&script);
}
END_TEST

// Damage.

START_TEST(a_damaged_block_is_an_error_and_is_put_aside_by_what_comes_late)
{
    static const char *const damages[] = {
        "UPDATE block SET bytes = x'' WHERE strand = 0",
        "UPDATE block SET bytes = CAST(x'02' || substr(bytes, 2) AS BLOB) WHERE strand = 0",
        "UPDATE block SET bytes = CAST(substr(bytes, 1, length(bytes) - 9) || x'00' || substr(bytes, -8) AS BLOB) WHERE strand = 0",
        "UPDATE block SET bytes = substr(bytes, 1, 20) WHERE strand = 0",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        Rig rig;
        Chart chart;
        ErrText why;
        rig_make(&rig, "a", "b");
        snprintf(rig.path, sizeof rig.path, "%s/damaged%zu.db", kit_folder(), i);
        rig_start(&rig);
        for (uint64_t seq = 1; seq <= 100; seq++)
            rig_append(&rig, seq, (int64_t)seq);
        history_append_snapshot(rig.history, 100, 0, 0, &(SnapshotPart){"state", 5}, 1);
        ck_assert_int_eq(history_seal(rig.history), ERR_OK);
        rig_sql(&rig, damages[i]);

        const TagId tag = rig_tag(0, DEPTH);
        chart_open(&chart, &rig);
        ck_assert_int_eq(history_read(chart.reader, &(HistoryRange){&tag, 1, 0, INT64_MAX, 1000, HISTORY_RAW, false}, &chart.arena, &chart.series, &why), ERR_PARSE);
        ck_assert_msg(strstr(why.text, "block") && strstr(why.text, "damaged") && strstr(why.text, rig.path), "%s", why.text);

        rig_append(&rig, 101, 100);
        ck_assert_int_eq(history_seal(rig.history), ERR_OK);
        ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM block WHERE strand = -1"), 1);
        chart_read(&chart, tag, INT64_MIN, INT64_MAX, 1000);
        ck_assert_uint_eq(chart.count, 1);
        chart_close(&chart);
        rig_close(&rig);
    }
}
END_TEST

KIT_MAIN("history.seal", sealed_or_not_readers_see_every_point_once, what_a_restart_needs_is_not_sealed, numbers_go_on_where_everything_is_sealed,
         sealing_that_is_killed_goes_on_where_it_was, a_damaged_block_is_an_error_and_is_put_aside_by_what_comes_late)
