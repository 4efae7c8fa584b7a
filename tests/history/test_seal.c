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

// Long spans.

/* Second s holds s mod 3600: an hour's mean is 1799.5, of a minute m it is 60 m + 29.5, and the whole has no other extremes. */
START_TEST(charts_of_days_are_those_of_the_closed_form_whatever_they_are_made_of)
{
    enum { HOURS = 30 };
    Rig rig;
    Chart chart;
    rig_open(&rig);
    const int64_t start = 1600000200 * NS_PER_S / (3600 * NS_PER_S) * (3600 * NS_PER_S);
    for (int64_t s = 0; s < HOURS * 3600; s++) {
        Filed filed = rig_filed((uint64_t)s + 1, s);
        filed.sample.time = start + s * NS_PER_S;
        filed.sample.value = (double)(s % 3600);
        history_append_sample(rig.history, &filed);
    }
    const TagId tag = rig_tag(0, DEPTH);
    const int64_t end = start + HOURS * 3600 * NS_PER_S - 1;
    for (int sealed = 0; sealed < 2; sealed++) {
        history_append_snapshot(rig.history, HOURS * 3600, start, 0, &(SnapshotPart){"state", 5}, 1);
        ck_assert_int_eq(sealed ? history_seal(rig.history) : history_flush(rig.history), ERR_OK);
        chart_open(&chart, &rig);
        chart_read(&chart, tag, start, end, HOURS);
        ck_assert_int_eq(chart.series.level, HISTORY_HOUR);
        ck_assert_uint_eq(chart.count, HOURS);
        for (size_t i = 0; i < chart.count; i++) {
            ck_assert_int_eq(chart.points[i].time, start + (int64_t)i * 3600 * NS_PER_S);
            ck_assert_double_eq(chart.points[i].value, 1799.5);
            ck_assert_double_eq(chart.points[i].min, 0);
            ck_assert_double_eq(chart.points[i].max, 3599);
            ck_assert_uint_eq(chart.points[i].count, 3600);
        }
        chart_read(&chart, tag, start, end, 60 * HOURS);
        ck_assert_int_eq(chart.series.level, HISTORY_MINUTE);
        for (size_t i = 0; i < chart.count; i++)
            ck_assert_double_eq(chart.points[i].value, (double)(60 * (i % 60)) + 29.5);
        chart_read(&chart, tag, start, start + 599 * NS_PER_S, 600);
        ck_assert_int_eq(chart.series.level, HISTORY_RAW);
        ck_assert(!chart.series.is_rolled);
        ck_assert_uint_eq(chart.count, 600);
        chart_close(&chart);
    }
    rig_close(&rig);
}
END_TEST

/* Whatever the size of a page, all of them together are all there is. */
START_TEST(pages_of_a_level_lie_end_to_end)
{
    static const size_t sizes[] = {1, 7, 511, 512, 513, 5000};
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 1600; seq++) {
        rig_append(&rig, seq, (int64_t)seq);
        if (seq == 1200) {
            history_append_snapshot(rig.history, (int64_t)seq, 0, 0, &(SnapshotPart){"state", 5}, 1);
            ck_assert_int_eq(history_seal(rig.history), ERR_OK);
        }
    }
    rig_flush(&rig);
    const TagId tag = rig_tag(0, DEPTH);
    chart_open(&chart, &rig);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (HistoryLevel level = HISTORY_RAW; level <= HISTORY_MINUTE; level++) {
            HistoryRange range = {&tag, 1, INT64_MIN + 1, INT64_MAX, sizes[i], level, false};
            uint64_t count = 0;
            int64_t before = INT64_MIN;
            do {
                chart_ask(&chart, &range);
                ck_assert_uint_le(chart.count, sizes[i]);
                for (size_t k = 0; k < chart.count; k++) {
                    ck_assert_int_gt(chart.points[k].time, before);
                    before = chart.points[k].time;
                    count += chart.points[k].count;
                }
                ck_assert(chart.series.next == TIME_NONE || chart.series.next > range.from);
                range.from = chart.series.next;
            } while (range.from != TIME_NONE);
            ck_assert_uint_eq(count, 1600);
        }
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

/* A block has many points; of the one that is read in any case none lies beyond the range. */
START_TEST(a_page_ends_where_the_range_does)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 300; seq++)
        rig_append(&rig, seq, (int64_t)seq);
    history_append_snapshot(rig.history, 300, 0, 0, &(SnapshotPart){"state", 5}, 1);
    ck_assert_int_eq(history_seal(rig.history), ERR_OK);
    const TagId tag = rig_tag(0, DEPTH);
    const int64_t from = rig_filed(101, 101).sample.time, to = rig_filed(110, 110).sample.time;
    chart_open(&chart, &rig);
    for (size_t points = 1; points < 20; points++) {
        chart_ask(&chart, &(HistoryRange){&tag, 1, from, to, points, HISTORY_RAW, false});
        ck_assert_uint_eq(chart.count, points < 10 ? points : 10);
        ck_assert(points < 10 ? chart.series.next == rig_filed(101 + points, (int64_t)(101 + points)).sample.time : chart.series.next == TIME_NONE);
    }
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

/* Points of the last hours stay, roll-ups longer; what comes late for a time that is gone does not undo that. */
START_TEST(what_is_too_old_goes_level_by_level)
{
    enum { HOURS = 20 };
    Rig rig;
    Chart chart;
    rig_open(&rig);
    const int64_t hour = 3600 * NS_PER_S, end = HOURS * hour;
    const int64_t keep[4] = {2 * hour, 5 * hour, 10 * hour, 0};
    memcpy(rig.plant.keep_ns, keep, sizeof keep);
    uint64_t seq = 0;
    for (int64_t time = 0; time < end; time += NS_PER_S) {
        Filed filed = rig_filed(++seq, time / (100 * NS_PER_MS));
        filed.sample.time = time;
        filed.sample.value = 1;
        history_append_sample(rig.history, &filed);
    }
    history_append_snapshot(rig.history, end, end, 0, &(SnapshotPart){"state", 5}, 1);
    ck_assert_int_eq(history_seal(rig.history), ERR_OK);

    chart_open(&chart, &rig);
    const TagId tag = rig_tag(0, DEPTH);
    static const int64_t kept[] = {2, 5, 10, 20};
    for (HistoryLevel level = HISTORY_RAW; level < HISTORY_LEVELS; level++) {
        chart_ask(&chart, &(HistoryRange){&tag, 1, INT64_MIN + 1, INT64_MAX, 1000000, level, false});
        ck_assert_uint_gt(chart.count, 0);
        ck_assert_int_le(chart.points[0].time, end - kept[level] * hour);
        ck_assert_int_gt(chart.points[0].time, end - kept[level] * hour - 512 * (level == HISTORY_MINUTE ? 60 : 1) * NS_PER_S - (level == HISTORY_HOUR ? 512 * hour : 0));
    }

    // a chart of the old hours takes the level that still has them
    chart_read(&chart, tag, 0, hour - 1, 2000);
    ck_assert_int_eq(chart.series.level, HISTORY_HOUR);
    ck_assert_uint_eq(chart.count, 1);
    ck_assert_uint_eq(chart.points[0].count, 3600);

    Filed late = rig_filed(++seq, end);
    late.sample.time = hour / 2 + 1;
    late.fate = FATE_LATE;
    history_append_sample(rig.history, &late);
    for (int sealed = 0; sealed < 2; sealed++) {
        ck_assert_int_eq(sealed ? history_seal(rig.history) : history_flush(rig.history), ERR_OK);
        chart_read(&chart, tag, 0, hour - 1, 2000);
        ck_assert_uint_eq(chart.points[0].count, 3600);
    }
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

/* Of what was foretold a restart needs what lies behind its snapshot, which may be any of those that are kept. */
START_TEST(outlooks_go_that_no_snapshot_needs)
{
    enum { TICKS = 10000, FIRST_KEPT = 9000 };
    Rig rig;
    rig_open(&rig);
    rig_append(&rig, 1, 1);
    for (int64_t tick = 0; tick < TICKS; tick++) {
        history_append_outlooks(rig.history, &rig.plant, tick, &(Outlooks){.time = tick});
        if (tick == 10 || (tick >= FIRST_KEPT && tick % 100 == 0 && tick < FIRST_KEPT + 300))
            history_append_snapshot(rig.history, tick, tick, 0, &(SnapshotPart){"state", 5}, 1);
    }
    ck_assert_int_eq(history_seal(rig.history), ERR_OK);
    ck_assert_int_eq(rig_sql(&rig, "SELECT min(tick) FROM snapshot"), FIRST_KEPT);
    ck_assert_int_eq(rig_sql(&rig, "SELECT min(tick) FROM outlook"), FIRST_KEPT + 1);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM outlook"), TICKS - FIRST_KEPT - 1);
    rig_close(&rig);
}
END_TEST

// One moment.

/* Sample n is taken in tick n and has the value n, so at any moment the last one is known by its time alone. */
START_TEST(at_a_moment_the_last_point_before_it_is_known)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    const TagId tags[] = {rig_tag(0, DEPTH), rig_tag(1, DEPTH), rig_tag(0, LEVEL), rig_tag(0, AREA), rig_tag(0, DEPTH)};
    for (uint64_t seq = 1; seq <= 2000; seq++) {
        rig_append(&rig, seq, (int64_t)seq);
        if (seq % 10)
            continue;
        rig.columns[LEVEL * LANES] = (double)seq;
        history_append_estimates(rig.history, &rig.plant, (int64_t)seq * rig.plant.step_ns);
    }
    chart_open(&chart, &rig);
    for (int sealed = 0; sealed < 2; sealed++) {
        history_append_snapshot(rig.history, 1500, 0, 0, &(SnapshotPart){"state", 5}, 1);
        ck_assert_int_eq(sealed ? history_seal(rig.history) : history_flush(rig.history), ERR_OK);
        for (int64_t tick = 0; tick <= 2100; tick += 7) {
            HistoryPoint points[5];
            ErrText why = {""};
            const int64_t last = tick < 2000 ? tick : 2000;
            ck_assert_msg(history_read_at(chart.reader, rig_filed(0, tick).sample.time, tags, 5, points, &why) == ERR_OK, "%s", why.text);
            ck_assert_int_eq(points[0].time, tick ? rig_filed(0, last).sample.time : TIME_NONE);
            ck_assert(tick == 0 || points[0].value == (double)last);
            ck_assert_int_eq(points[1].time, TIME_NONE);
            ck_assert_int_eq(points[2].time, last < 10 ? TIME_NONE : last / 10 * 10 * rig.plant.step_ns);
            ck_assert(last < 10 || points[2].value == (double)(last / 10 * 10));
            ck_assert_int_eq(points[3].time, TIME_NONE);
            ck_assert_int_eq(points[4].time, points[0].time);
        }
    }
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

/* An input that is told seldom holds what it was, for longer than its points are kept. */
START_TEST(what_was_said_last_is_known_when_its_points_are_gone)
{
    Rig rig;
    Chart chart;
    ErrText why = {""};
    rig_open(&rig);
    const int64_t hour = 3600 * NS_PER_S, end = 20 * hour;
    rig.plant.keep_ns[0] = 2 * hour;
    for (uint64_t seq = 1; seq <= 600; seq++) {
        Filed filed = rig_filed(seq, (int64_t)seq);
        filed.sample.tag = rig_tag(0, INFLOW);
        filed.sample.value = 7;
        history_append_sample(rig.history, &filed);
    }
    history_append_snapshot(rig.history, 600, 60 * NS_PER_S, 0, &(SnapshotPart){"state", 5}, 1);
    ck_assert_int_eq(history_seal(rig.history), ERR_OK);
    Filed now = rig_filed(601, end / (100 * NS_PER_MS));
    history_append_sample(rig.history, &now);
    history_append_snapshot(rig.history, end, end, 0, &(SnapshotPart){"state", 5}, 1);
    ck_assert_int_eq(history_seal(rig.history), ERR_OK);

    const TagId tags[] = {rig_tag(0, INFLOW), rig_tag(0, DEPTH)};
    const int64_t moments[] = {hour, end - hour};  // let go, and kept
    HistoryPoint points[2];
    chart_open(&chart, &rig);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_msg(history_read_at(chart.reader, moments[i], tags, 2, points, &why) == ERR_OK, "%s", why.text);
        ck_assert_int_eq(points[0].time, rig_filed(600, 600).sample.time / NS_PER_S * NS_PER_S);  // of its bucket
        ck_assert_double_eq(points[0].value, 7);
        ck_assert_int_eq(points[1].time, TIME_NONE);  // what comes later is not known
    }
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

START_TEST(alarms_of_a_moment_are_in_the_state_that_they_had)
{
    static const struct {
        int64_t at;
        size_t count;
        AlarmState state;
    } moments[] = {{99, 0, 0}, {100, 1, ALARM_RAISED}, {150, 1, ALARM_ACKNOWLEDGED}, {199, 1, ALARM_ACKNOWLEDGED}, {200, 0, 0}, {1000, 0, 0}};
    Rig rig;
    Chart chart;
    rig_open(&rig);
    history_append_alarm(rig.history, &(Alarm){.id = 1, .revision = 3, .state = ALARM_OVER, .raised = 100, .acknowledged = 150, .returned = 200, .name = "overflow"}, "b");
    rig_flush(&rig);
    chart_open(&chart, &rig);
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        HistoryAlarm *alarms;
        size_t count;
        ck_assert_int_eq(history_read_alarms_at(chart.reader, moments[i].at, 10, &chart.arena, &alarms, &count, NULL), ERR_OK);
        ck_assert_uint_eq(count, moments[i].count);
        if (count)
            ck_assert_int_eq(alarms[0].alarm.state, moments[i].state);
    }
    chart_close(&chart);
    rig_close(&rig);
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
         sealing_that_is_killed_goes_on_where_it_was, charts_of_days_are_those_of_the_closed_form_whatever_they_are_made_of, pages_of_a_level_lie_end_to_end,
         a_page_ends_where_the_range_does,
         what_is_too_old_goes_level_by_level, outlooks_go_that_no_snapshot_needs, at_a_moment_the_last_point_before_it_is_known,
         what_was_said_last_is_known_when_its_points_are_gone, alarms_of_a_moment_are_in_the_state_that_they_had,
         a_damaged_block_is_an_error_and_is_put_aside_by_what_comes_late)
