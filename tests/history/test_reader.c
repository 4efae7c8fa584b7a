#include <pthread.h>
#include <stdatomic.h>

#include "history/chart.h"
#include "history/past.h"

START_TEST(samples_lie_in_the_range_with_both_ends)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 10; seq++)
        rig_append(&rig, seq, (int64_t)seq);
    rig_flush(&rig);
    chart_open(&chart, &rig);
    chart_read(&chart, rig_tag(0, DEPTH), rig_filed(3, 3).sample.time, rig_filed(6, 6).sample.time, 100);
    ck_assert_uint_eq(chart.count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_double_eq(chart.points[i].value, (double)i + 3);
        ck_assert_int_eq(chart.points[i].time, rig_filed(0, (int64_t)i + 3).sample.time);
        ck_assert(isnan(chart.points[i].sd));
    }
    chart_read(&chart, rig_tag(1, DEPTH), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 0);
    chart_read(&chart, rig_tag(0, DEPTH), 10, 5, 100);
    ck_assert_uint_eq(chart.count, 0);
    chart_read(&chart, rig_tag(0, DEPTH), INT64_MIN, INT64_MAX, 0);
    ck_assert_uint_eq(chart.count, 0);
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

START_TEST(only_what_was_used_or_late_is_shown)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        Filed filed = rig_filed(seq, (int64_t)seq);
        filed.fate = (uint8_t)(FATE_USED + seq - 1);
        history_append_sample(rig.history, &filed);
    }
    rig_flush(&rig);
    chart_open(&chart, &rig);
    chart_read(&chart, rig_tag(0, DEPTH), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 2);
    ck_assert_double_eq(chart.points[1].value, 2);
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

START_TEST(estimates_come_with_their_standard_deviation)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (int64_t tick = 1; tick <= 3; tick++) {
        rig.columns[LEVEL * LANES + 1] = (double)tick / 3;
        rig.columns[7 * LANES + 1] = 0.04;
        rig.columns[FLOW * LANES + 1] = tick == 2 ? NAN : 5;
        history_append_estimates(rig.history, &rig.plant, tick * rig.plant.step_ns);
    }
    rig_flush(&rig);
    chart_open(&chart, &rig);
    chart_read(&chart, rig_tag(1, LEVEL), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_double_eq(chart.points[i].value, (double)(i + 1) / 3);
        ck_assert_double_eq(chart.points[i].sd, sqrt(0.04));
    }
    chart_read(&chart, rig_tag(1, FLOW), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 3);
    ck_assert_double_eq(chart.points[0].value, 5);
    ck_assert(isnan(chart.points[1].value) && isnan(chart.points[0].sd));
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

/* Told at tick 3, amended one tick later and four, twice without a change: 1 is shown first, 3 last. */
START_TEST(amended_estimates_are_shown_and_the_first_ones_stay)
{
    static const struct {
        uint32_t revision;
        double level;
    } told[] = {{1, 2}, {2, 2}, {4, 3}, {5, 3}, {4, 3}};  // the last one is written again behind a restart
    Rig rig;
    Chart chart;
    rig_open(&rig);
    const int64_t time = 3 * rig.plant.step_ns;
    PlantPart part = {.blocks = &(uint32_t){0}, .block_count = 1};
    rig.columns[LEVEL * LANES] = 1;
    history_append_estimates(rig.history, &rig.plant, time);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        rig.columns[LEVEL * LANES] = told[i].level;
        history_append_amended(rig.history, &rig.plant, &part, time, told[i].revision);
    }
    rig_flush(&rig);
    chart_open(&chart, &rig);
    chart_read(&chart, rig_tag(0, LEVEL), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 1);
    ck_assert_int_eq(chart.points[0].time, time);
    ck_assert_double_eq(chart.points[0].value, 3);
    const TagId level = rig_tag(0, LEVEL);
    chart_ask(&chart, &(HistoryRange){.tags = &level, .tag_count = 1, .from = INT64_MIN, .to = INT64_MAX, .points = 100, .first = true});
    ck_assert_uint_eq(chart.count, 1);
    ck_assert_double_eq(chart.points[0].value, 1);
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

START_TEST(of_parameters_and_actuators_nothing_is_kept)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    history_append_estimates(rig.history, &rig.plant, NS_PER_S);
    rig_flush(&rig);
    chart_open(&chart, &rig);
    chart_read(&chart, rig_tag(0, AREA), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 0);
    chart_read(&chart, rig_tag(0, VALVE), INT64_MIN, INT64_MAX, 100);
    ck_assert_uint_eq(chart.count, 0);
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

/* However few points are asked for, they are made of all rows: buckets side by side, with the sums of what is in them. */
START_TEST(long_ranges_become_buckets_of_all_that_is_there)
{
    enum { ROWS = 1000 };
    static const size_t limits[] = {1, 2, 3, 7, 100, 333, 999, 1000, 5000, SIZE_MAX};
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= ROWS; seq++)
        rig_append(&rig, seq, (int64_t)seq);
    rig_flush(&rig);
    chart_open(&chart, &rig);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        chart_read(&chart, rig_tag(0, DEPTH), INT64_MIN, INT64_MAX, limits[i]);
        ck_assert_uint_le(chart.count, limits[i]);
        ck_assert_uint_ge(chart.count, limits[i] < ROWS ? (limits[i] + 2) / 3 : ROWS);
        ck_assert_int_eq(chart.series.is_rolled, limits[i] < ROWS);
        double sum = 0, next = 1;
        for (size_t k = 0; k < chart.count; k++) {
            const HistoryPoint *point = &chart.points[k];
            ck_assert_double_eq(point->min, next);
            ck_assert_double_eq(point->max, next + (double)point->count - 1);
            next += (double)point->count;
            sum += point->value * (double)point->count;
        }
        ck_assert_double_eq_tol(sum, ROWS * (ROWS + 1) / 2, 1e-6);
        ck_assert_double_eq(next, ROWS + 1);
    }
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

START_TEST(alarms_come_newest_first_as_they_were)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (uint64_t id = 1; id <= 5; id++) {
        Alarm alarm = {.id = id, .twin = 1, .revision = 3, .state = ALARM_RETURNED, .severity = SEVERITY_MAJOR,
                       .raised = 100, .acknowledged = TIME_NONE, .returned = 200, .name = "overflow", .text = "level is 0.7 m"};
        history_append_alarm(rig.history, &alarm, id == 4 ? "gone" : "b");
    }
    rig_flush(&rig);

    HistoryAlarm *alarms;
    size_t count;
    chart_open(&chart, &rig);
    ck_assert_int_eq(history_read_alarms(chart.reader, 2, &chart.arena, &alarms, &count, NULL), ERR_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(alarms[0].alarm.id, 5);
    ck_assert_uint_eq(alarms[0].alarm.twin, 1);
    ck_assert_str_eq(alarms[0].twin, "b");
    ck_assert_uint_eq(alarms[0].alarm.revision, 3);
    ck_assert_int_eq(alarms[0].alarm.state, ALARM_RETURNED);
    ck_assert_int_eq(alarms[0].alarm.severity, SEVERITY_MAJOR);
    ck_assert_int_eq(alarms[0].alarm.raised, 100);
    ck_assert_int_eq(alarms[0].alarm.acknowledged, TIME_NONE);
    ck_assert_int_eq(alarms[0].alarm.returned, 200);
    ck_assert_str_eq(alarms[0].alarm.name, "overflow");
    ck_assert_str_eq(alarms[0].alarm.text, "level is 0.7 m");

    // a twin that the plant has no more keeps its name
    ck_assert_uint_eq(alarms[1].alarm.id, 4);
    ck_assert_uint_eq(alarms[1].alarm.twin, UINT32_MAX);
    ck_assert_str_eq(alarms[1].twin, "gone");
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

/* The newest is among the alarms; those before it stay, whatever is written again behind a restart. */
START_TEST(every_revision_of_an_alarm_stays)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    Alarm alarm = {.id = 1, .twin = 1, .severity = SEVERITY_MAJOR, .acknowledged = TIME_NONE, .returned = TIME_NONE, .name = "overflow", .text = "told"};
    const uint32_t revisions[] = {1, 2, 4, 2, 4};
    for (size_t i = 0; i < sizeof revisions / sizeof *revisions; i++) {
        alarm.revision = revisions[i];
        alarm.raised = i == 3 ? 999 : 100 * revisions[i];
        alarm.amended = revisions[i] == 4 ? 500 : TIME_NONE;
        history_append_alarm(rig.history, &alarm, "b");
    }
    rig_flush(&rig);

    HistoryAlarm *alarms;
    size_t count;
    chart_open(&chart, &rig);
    ck_assert_int_eq(history_read_alarm(chart.reader, 1, &chart.arena, &alarms, &count, NULL), ERR_OK);
    ck_assert_uint_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(alarms[i].alarm.revision, revisions[i]);
        ck_assert_int_eq(alarms[i].alarm.raised, 100 * revisions[i]);
        ck_assert_int_eq(alarms[i].alarm.amended, i == 2 ? 500 : TIME_NONE);
    }
    ck_assert_int_eq(history_read_alarms(chart.reader, 10, &chart.arena, &alarms, &count, NULL), ERR_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(alarms[0].alarm.revision, 4);
    ck_assert_int_eq(history_read_alarm(chart.reader, 2, &chart.arena, &alarms, &count, NULL), ERR_OK);
    ck_assert_uint_eq(count, 0);
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

START_TEST(commands_come_newest_first)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    for (uint64_t id = 1; id <= 5; id++)
        history_append_command(rig.history, &(Command){.id = id, .wish = {.tag = rig_tag(0, VALVE)}, .state = COMMAND_DONE}, "a.valve");
    rig_flush(&rig);

    HistoryCommand *commands;
    size_t count;
    chart_open(&chart, &rig);
    ck_assert_int_eq(history_read_commands(chart.reader, 0, 100, &chart.arena, &commands, &count, NULL), ERR_OK);
    ck_assert_uint_eq(count, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(commands[i].command.id, 5 - i);
        ck_assert_uint_eq(commands[i].command.wish.tag, rig_tag(0, VALVE));
        ck_assert_str_eq(commands[i].tag, "a.valve");
    }
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

/* What a.valve and b.valve were told by `until`; NAN: nothing. */
static void expect_told(const Rig *rig, int64_t until, double a, double b)
{
    Chart chart;
    HistoryCommand *commands;
    size_t count;
    double told[RIG_TWINS] = {NAN, NAN};
    const double expected[RIG_TWINS] = {a, b};
    chart_open(&chart, rig);
    ck_assert_int_eq(history_read_told(chart.reader, until, &chart.arena, &commands, &count, NULL), ERR_OK);
    for (size_t i = 0; i < count; i++)
        told[plant_place(&rig->plant, commands[i].command.wish.tag).twin] = commands[i].command.wish.value;
    for (size_t i = 0; i < RIG_TWINS; i++)
        ck_assert_msg(told[i] == expected[i] || (isnan(told[i]) && isnan(expected[i])), "twin %zu until %lld: %g, expected %g", i, (long long)until, told[i], expected[i]);
    chart_close(&chart);
}

START_TEST(an_actuator_was_told_what_had_come_by_then_and_came_to_something)
{
    static const struct {
        uint32_t twin;
        CommandState state;
        double value;
        int64_t time;
    } given[] = {{0, COMMAND_DONE, 1, 10}, {1, COMMAND_SENT, 2, 20}, {0, COMMAND_WAITING, 3, 30}, {0, COMMAND_REFUSED, 4, 40}, {0, COMMAND_FAILED, 5, 50}, {1, COMMAND_EXPIRED, 6, 60},
                 {1, COMMAND_WITHHELD, 7, 70}, {1, COMMAND_DONE, 8, 80}};
    Rig rig;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        const Command command = {.id = i + 1, .wish = {.tag = rig_tag(given[i].twin, VALVE), .value = given[i].value}, .state = given[i].state, .time = given[i].time};
        history_append_command(rig.history, &command, given[i].twin ? "b.valve" : "a.valve");
    }
    rig_flush(&rig);
    expect_told(&rig, 9, NAN, NAN);
    expect_told(&rig, 10, 1, NAN);
    expect_told(&rig, 29, 1, 2);
    expect_told(&rig, 79, 3, 2);
    expect_told(&rig, 80, 3, 8);
    rig_close(&rig);
}
END_TEST

START_TEST(a_row_that_cannot_be_is_an_error)
{
    Rig rig;
    Chart chart;
    rig_open(&rig);
    history_append_alarm(rig.history, &(Alarm){.id = 1, .name = "x"}, "a");
    rig_flush(&rig);
    rig_sql(&rig, "UPDATE alarm SET state = 9");
    HistoryAlarm *alarms;
    size_t count;
    ErrText why;
    chart_open(&chart, &rig);
    ck_assert_int_eq(history_read_alarms(chart.reader, 10, &chart.arena, &alarms, &count, &why), ERR_PARSE);
    ck_assert_ptr_nonnull(strstr(why.text, "alarm 1 is in a state that does not exist"));
    chart_close(&chart);
    rig_close(&rig);
}
END_TEST

START_TEST(a_reader_needs_a_history_of_its_plant)
{
    Rig rig;
    HistoryReader *reader;
    rig_make(&rig, "a", "b");
    ck_assert_int_eq(history_reader_open(rig.path, &rig.plant, &reader, NULL), ERR_IO);
    ck_assert_ptr_null(reader);
    rig_start(&rig);
    const char *name = rig.plant.name;
    rig.plant.name = "other";
    ck_assert_int_eq(history_reader_open(rig.path, &rig.plant, &reader, NULL), ERR_PARSE);
    rig.plant.name = name;
    rig_close(&rig);
}
END_TEST

typedef struct Watcher {
    const Rig *rig;
    atomic_bool done;
    size_t seen;
} Watcher;

/* Whatever is read while the writer works: samples without a gap, and never fewer than before. */
static void *watch(void *context)
{
    Watcher *watcher = context;
    Chart chart;
    chart_open(&chart, watcher->rig);
    bool last = false;
    while (!last) {
        last = atomic_load(&watcher->done);
        chart_read(&chart, rig_tag(0, DEPTH), INT64_MIN, INT64_MAX, SIZE_MAX);
        ck_assert_uint_ge(chart.count, watcher->seen);
        ck_assert(chart.count == 0 || chart.points[chart.count - 1].value == (double)chart.count);
        watcher->seen = chart.count;
        arena_reset(&chart.arena);
    }
    chart_close(&chart);
    return NULL;
}

START_TEST(readers_see_whole_groups_while_the_writer_works)
{
    Rig rig;
    rig_open(&rig);
    Watcher watcher = {.rig = &rig};
    pthread_t thread;
    pthread_create(&thread, NULL, watch, &watcher);
    for (uint64_t seq = 1; seq <= 20000; seq++) {
        rig_append(&rig, seq, (int64_t)seq);
        if (seq % 1000 == 0)
            rig_flush(&rig);
    }
    atomic_store(&watcher.done, true);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(watcher.seen, 20000);
    rig_close(&rig);
}
END_TEST

KIT_MAIN("history.reader", samples_lie_in_the_range_with_both_ends, only_what_was_used_or_late_is_shown, estimates_come_with_their_standard_deviation,
         amended_estimates_are_shown_and_the_first_ones_stay, of_parameters_and_actuators_nothing_is_kept, long_ranges_become_buckets_of_all_that_is_there, alarms_come_newest_first_as_they_were,
         every_revision_of_an_alarm_stays,
         commands_come_newest_first, an_actuator_was_told_what_had_come_by_then_and_came_to_something, a_row_that_cannot_be_is_an_error, a_reader_needs_a_history_of_its_plant,
         readers_see_whole_groups_while_the_writer_works)
