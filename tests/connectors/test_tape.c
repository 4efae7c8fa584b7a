#include "connectors/tape/tape.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kit/kit.h"

enum { T1, T2, HEATER };

static char path[512];

/* A file with `text` in the test's folder. */
static const char *file_of(const char *text)
{
    snprintf(path, sizeof path, "%s/%d.csv", kit_folder(), (int)getpid());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static const Unit *unit(const char *text)
{
    const Unit *unit;
    ck_assert_int_eq(unit_parse(text, &unit, NULL), ERR_OK);
    return unit;
}

/* t1 and t2 in degC and the heater, each at `time` unless a column of its own is named. */
static RecordingMap map_of(RecordingColumn columns[static 3], const char *time_t1, const char *time_t2)
{
    columns[0] = (RecordingColumn){"t1", time_t1, T1, unit("degC"), false};
    columns[1] = (RecordingColumn){"t2", time_t2, T2, unit("degC"), false};
    columns[2] = (RecordingColumn){"heater_on", NULL, HEATER, unit("1"), true};
    return (RecordingMap){"time", columns, 3};
}

static Tape *open_text(const char *text)
{
    RecordingColumn columns[3];
    const RecordingMap map = map_of(columns, NULL, NULL);
    Tape *tape;
    ErrText why = {""};
    ck_assert_msg(tape_open(file_of(text), &map, &tape, &why) == ERR_OK, "%s", why.text);
    return tape;
}

/* Open what must not open: the error names the file and then says `expected`. */
static void refuse(const char *text, Err err, const char *expected)
{
    RecordingColumn columns[3];
    const RecordingMap map = map_of(columns, NULL, NULL);
    Tape *tape;
    ErrText why = {""};
    ck_assert_int_eq(tape_open(file_of(text), &map, &tape, &why), err);
    ck_assert_ptr_null(tape);
    ck_assert_int_eq(strncmp(why.text, path, strlen(path)), 0);
    ck_assert_str_eq(why.text + strlen(path), expected);
}

static void expect_samples(const Tape *tape, const Sample *expected, size_t expected_count)
{
    size_t count;
    const Sample *samples = tape_samples(tape, &count);
    ck_assert_uint_eq(count, expected_count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(samples[i].time, expected[i].time);
        ck_assert_uint_eq(samples[i].tag, expected[i].tag);
        ck_assert_double_eq(samples[i].value, expected[i].value);
        ck_assert_uint_eq(samples[i].quality, QUALITY_GOOD);
    }
}

START_TEST(samples_are_in_si_and_ties_keep_the_order_of_the_map)
{
    Tape *tape = open_text("heater_on,time,t2,t1\nTrue,2,20,10\noff,1,30,40.5\n");
    const Sample expected[] = {
        {NS_PER_S, 40.5 + 273.15, T1},     {NS_PER_S, 30 + 273.15, T2},     {NS_PER_S, 0, HEATER},
        {2 * NS_PER_S, 10 + 273.15, T1}, {2 * NS_PER_S, 20 + 273.15, T2}, {2 * NS_PER_S, 1, HEATER},
    };
    expect_samples(tape, expected, 6);
    tape_close(tape);
}
END_TEST

START_TEST(columns_with_times_of_their_own_are_sorted_together)
{
    RecordingColumn columns[3];
    const RecordingMap map = map_of(columns, "time_t1", "time_t2");
    Tape *tape;
    const char *text = "time,t1,time_t1,t2,time_t2,heater_on\n"
                       "1600000003,0,1600000001.5,0,1600000002.25,on\n"
                       "1600000006,0,1600000004,0,1600000000,on\n";
    ck_assert_int_eq(tape_open(file_of(text), &map, &tape, NULL), ERR_OK);
    size_t count;
    const Sample *samples = tape_samples(tape, &count);
    ck_assert_uint_eq(count, 6);
    static const TagId tags[] = {T2, T1, T2, HEATER, T1, HEATER};
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(samples[i].tag, tags[i]);
        ck_assert(i == 0 || samples[i - 1].time < samples[i].time);
    }
    tape_close(tape);
}
END_TEST

START_TEST(a_repeated_tag_and_time_is_left_out_and_the_first_stays)
{
    RecordingColumn columns[3];
    const RecordingMap map = map_of(columns, "time_t1", NULL);
    Tape *tape;
    ck_assert_int_eq(tape_open(file_of("time,time_t1,t1,t2\n2,1,10,5\n3,1,11,6\n4,2,12,7\n"), &map, &tape, NULL), ERR_OK);
    const Sample expected[] = {
        {1 * NS_PER_S, 10 + 273.15, T1}, {2 * NS_PER_S, 5 + 273.15, T2}, {2 * NS_PER_S, 12 + 273.15, T1},
        {3 * NS_PER_S, 6 + 273.15, T2},  {4 * NS_PER_S, 7 + 273.15, T2},
    };
    expect_samples(tape, expected, 5);
    tape_close(tape);
}
END_TEST

START_TEST(a_time_is_read_to_the_nanosecond_in_every_notation)
{
    static const struct {
        const char *text;
        int64_t time;
    } cases[] = {
        {"1611326936960770123", 1611326936960770123},
        {"1611326936960770.1239", 1611326936960770123},
        {"1611326936960.770123", 1611326936960770123},
        {"1611326936.960770123", 1611326936960770123},
        {"1611326936.", 1611326936000000000},
        {"2021-01-22T14:48:56.960770123Z", 1611326936960770123},
        {"2021-01-22T15:48:56.960770123+01:00", 1611326936960770123},
        {"2021-01-22 14:48:56.960770123", 1611326936960770123},
        {"2021-01-22 15:48:56.960770123 +01:00", 1611326936960770123},
        {"2021-01-22T14:48:56", 1611326936000000000},
        {"0", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "time,t1,t2\n%s,0,\n", cases[i].text);
        Tape *tape = open_text(text);
        const Sample expected = {cases[i].time, 273.15, T1};
        expect_samples(tape, &expected, 1);
        tape_close(tape);
    }
}
END_TEST

START_TEST(an_input_is_sampled_in_every_step_where_that_is_asked_for_and_sensors_stay)
{
    RecordingColumn columns[3];
    RecordingMap map = map_of(columns, NULL, NULL);
    map.step_ns = NS_PER_S;
    columns[2].between = BETWEEN_LINEAR;
    Tape *tape;
    ck_assert_int_eq(tape_open(file_of("time,t1,t2,heater_on\n10,1,,0\n14,,2,8\n"), &map, &tape, NULL), ERR_OK);
    const Sample expected[] = {
        {10 * NS_PER_S, 1 + 273.15, T1}, {10 * NS_PER_S, 0, HEATER},     {11 * NS_PER_S - 1, 3, HEATER}, {12 * NS_PER_S - 1, 5, HEATER}, {13 * NS_PER_S - 1, 7, HEATER},
        {14 * NS_PER_S - 1, 8, HEATER},  {14 * NS_PER_S, 2 + 273.15, T2}, {14 * NS_PER_S, 8, HEATER},
    };
    expect_samples(tape, expected, 8);
    tape_close(tape);

    // the file is named where it cannot be done
    ErrText why;
    columns[2].between = BETWEEN_BAND;
    ck_assert_int_eq(tape_open(file_of("time,t1,t2,heater_on\n10,1,,0\n14,,2,8\n15,,,8\n25,,,8\n"), &map, &tape, &why), ERR_PARSE);
    ck_assert_int_eq(strncmp(why.text, path, strlen(path)), 0);
    ck_assert_int_eq(strncmp(why.text + strlen(path), ": column \"heater_on\": between = \"band\" needs samples at equal distances", 69), 0);
}
END_TEST

START_TEST(blank_rows_empty_cells_and_nan_are_no_samples)
{
    Tape *tape = open_text("time,t1,t2\n\n1,,NaN\n1,NA,n/a\n1,null,None\n1,#N/A,\n  \n2,7,nan\n,,\n\n");
    const Sample expected = {2 * NS_PER_S, 7 + 273.15, T1};
    expect_samples(tape, &expected, 1);
    tape_close(tape);
}
END_TEST

START_TEST(mark_carriage_returns_and_quotes_change_nothing)
{
    Tape *tape = open_text("\xEF\xBB\xBFtime,\"t1\",t2 ,\"a \"\"note\"\",\r\nof two lines\"\r\n1, 5 ,\"6\",\"x,y\"\r\n2,7,8,");
    const Sample expected[] = {
        {1 * NS_PER_S, 5 + 273.15, T1}, {1 * NS_PER_S, 6 + 273.15, T2}, {2 * NS_PER_S, 7 + 273.15, T1}, {2 * NS_PER_S, 8 + 273.15, T2}};
    expect_samples(tape, expected, 4);
    tape_close(tape);
}
END_TEST

START_TEST(what_is_neither_number_nor_switch_names_line_and_column)
{
    refuse("time,t1,t2\n1,2,3\n\n2,2,abc\n", ERR_PARSE, ":4: column \"t2\": expected a number, got \"abc\"");
    refuse("time,t1,t2\n1,inf,3\n", ERR_PARSE, ":2: column \"t1\": expected a number, got \"inf\"");
    refuse("time,t1,t2\n1,0x10,3\n", ERR_PARSE, ":2: column \"t1\": expected a number, got \"0x10\"");
    refuse("time,t1,t2\n1,1e999,3\n", ERR_PARSE, ":2: column \"t1\": expected a number, got \"1e999\"");
    refuse("time,t1,t2\n1,1e3 5,3\n", ERR_PARSE, ":2: column \"t1\": expected a number, got \"1e3 5\"");
    refuse("\"ti\nme\",time,t1,t2\n1,1,x,3\n", ERR_PARSE, ":3: column \"t1\": expected a number, got \"x\"");
}
END_TEST

START_TEST(a_time_that_is_none_or_changes_its_unit_is_refused)
{
    refuse("time,t1,t2\n,2,3\n", ERR_PARSE, ":2: column \"time\": expected a time, got \"\"");
    refuse("time,t1,t2\n-5,2,3\n", ERR_PARSE, ":2: column \"time\": expected a time, got \"-5\"");
    refuse("time,t1,t2\n1.5.5,2,3\n", ERR_PARSE, ":2: column \"time\": expected a time, got \"1.5.5\"");
    refuse("time,t1,t2\n1600000000,2,3\n1600000003000,2,3\n", ERR_PARSE, ":3: column \"time\": expected a time in seconds, got \"1600000003000\"");
    refuse("time,t1,t2\n99999999999,2,3\n", ERR_PARSE, ":2: column \"time\": expected a time in seconds, got \"99999999999\"");
    refuse("time,t1,t2\n9999999999999999999,2,3\n", ERR_PARSE, ":2: column \"time\": expected a time in nanoseconds, got \"9999999999999999999\"");
}
END_TEST

START_TEST(a_missing_column_is_an_error_that_lists_those_that_are_there)
{
    refuse("time,t1,heater\n1,2,3\n", ERR_UNKNOWN, ":1: no column \"t2\"; there are: time, t1, heater");
    refuse("zeit,t1,t2\n1,2,3\n", ERR_UNKNOWN, ":1: no column \"time\"; there are: zeit, t1, t2");
    refuse("time,t1,t2,t1\n1,2,3,4\n", ERR_PARSE, ":1: two columns are named \"t1\"");
    refuse("\n\n", ERR_PARSE, ": empty; expected a header with the names of the columns");
}
END_TEST

START_TEST(a_row_of_another_width_is_refused)
{
    refuse("time,t1,t2\n1,2\n", ERR_PARSE, ":2: the header has 3 columns, this row has 2");
    refuse("time,t1,t2\n1,2,3,4\n", ERR_PARSE, ":2: the header has 3 columns, this row has 4");
}
END_TEST

START_TEST(semicolons_and_tabs_separate_where_the_header_has_more_of_them)
{
    static const char *const texts[] = {"time;t 1, left;t2\n1,5;12,5;13\n2;14;1e1\n", "time\tt 1, left\tt2\n1.5\t12.5\t13\n2\t14\t10\n", "\xEF\xBB\xBF\n\"time\";\"t 1, left\";\"t2\"\n1.5;12.5;13\n2;14;10\n",
                                        "time,\"t 1, left\",t2\n1.5,12.5,13\n2,14,10\n"};
    RecordingColumn columns[3];
    const RecordingMap map = map_of(columns, NULL, NULL);
    columns[0].column = "t 1, left";
    const Sample expected[] = {{3 * NS_PER_S / 2, 12.5 + 273.15, T1}, {3 * NS_PER_S / 2, 13 + 273.15, T2}, {2 * NS_PER_S, 14 + 273.15, T1}, {2 * NS_PER_S, 10 + 273.15, T2}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Tape *tape;
        ErrText why = {""};
        ck_assert_msg(tape_open(file_of(texts[i]), &map, &tape, &why) == ERR_OK, "%s", why.text);
        expect_samples(tape, expected, 4);
        tape_close(tape);
    }
}
END_TEST

START_TEST(a_comma_that_cannot_be_a_decimal_one_is_refused)
{
    refuse("time;t1;t2\n1;1.234,5;3\n", ERR_PARSE, ":2: column \"t1\": expected a number, got \"1.234,5\"");
    refuse("time;t1;t2\n1;1,234,5;3\n", ERR_PARSE, ":2: column \"t1\": expected a number, got \"1,234,5\"");
    refuse("time,t1,t2\n1,\"1,5\",3\n", ERR_PARSE, ":2: column \"t1\": expected a number, got \"1,5\"");
}
END_TEST

START_TEST(times_count_in_the_unit_that_the_map_says)
{
    RecordingColumn columns[3];
    RecordingMap map = map_of(columns, NULL, NULL);
    Tape *tape;
    map.time_unit = NS_PER_MS;
    ck_assert_int_eq(tape_open(file_of("time,t1,t2\n0,1,\n20.5,,2\n1600000000000,3,\n"), &map, &tape, NULL), ERR_OK);
    const Sample expected[] = {{0, 1 + 273.15, T1}, {20500000, 2 + 273.15, T2}, {1600000000 * NS_PER_S, 3 + 273.15, T1}};
    expect_samples(tape, expected, 3);
    tape_close(tape);
}
END_TEST

START_TEST(broken_quotes_are_refused)
{
    refuse("time,t1,t2\n1,2,\"3\n4,5,6\n", ERR_PARSE, ":2: a quote is opened and never closed");
    refuse("time,t1,t2\n1,2\",3\n", ERR_PARSE, ":2: a quote inside a cell");
    refuse("time,t1,t2\n1,\"2\"2,3\n", ERR_PARSE, ":2: a quote inside a cell");
}
END_TEST

START_TEST(an_endless_row_is_refused)
{
    static char text[70000];
    memset(text, 'x', sizeof text - 1);
    refuse(text, ERR_PARSE, ":1: the row is longer than 65536 bytes");
    memset(text, ',', sizeof text - 1);
    refuse(text, ERR_PARSE, ":1: the row has more than 4096 cells");
}
END_TEST

START_TEST(what_is_no_file_says_so)
{
    RecordingColumn columns[3];
    const RecordingMap map = map_of(columns, NULL, NULL);
    Tape *tape;
    ErrText why;
    ck_assert_int_eq(tape_open("/nowhere/tape.csv", &map, &tape, &why), ERR_IO);
    ck_assert_str_eq(why.text, "/nowhere/tape.csv: No such file or directory");
    ck_assert_int_eq(tape_open(kit_folder(), &map, &tape, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "Is a directory"));
}
END_TEST

START_TEST(a_failed_allocation_is_an_error_wherever_it_falls)
{
    RecordingColumn columns[3];
    const RecordingMap map = map_of(columns, NULL, NULL);
    const char *file = file_of("time,t1,t2\n2,3,4\n1,3,4\n");
    Tape *tape = NULL;
    size_t n = 0;
    for (Err err = ERR_MEMORY; err != ERR_OK; n++) {
        kit_fail_allocation(n + 1);
        err = tape_open(file, &map, &tape, NULL);
        ck_assert(err == ERR_OK || err == ERR_MEMORY);
    }
    kit_fail_allocation(0);
    ck_assert_uint_ge(n, 6);  // tape, reader, columns, samples, order, repeats
    tape_close(tape);
}
END_TEST

START_TEST(the_tape_plays_joined_samples_time_left_one_at_a_poll)
{
    Tape *tape = open_text("time,t1,t2\n1,2,3\n2,2,3\n");
    tape_set_tail(tape, 500);
    static const ArrivalKind kinds[] = {ARRIVAL_JOINED, ARRIVAL_SAMPLE, ARRIVAL_SAMPLE, ARRIVAL_SAMPLE, ARRIVAL_SAMPLE, ARRIVAL_TIME, ARRIVAL_LEFT};

    Arrival arrivals[8], arrival;
    uint64_t mark = 0;
    ck_assert_uint_eq(tape_connector.poll(tape, &arrival, 0), 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ck_assert(!tape_at_end(tape));
        ck_assert_uint_eq(tape_connector.poll(tape, arrivals, 8), 1);
        arrival = arrivals[0];
        ck_assert_int_eq(arrival.kind, kinds[i]);
        ck_assert(i == 0 || arrival.mark > mark);
        mark = arrival.mark;
        if (arrival.kind == ARRIVAL_JOINED)
            ck_assert_str_eq(arrival.text, strrchr(path, '/') + 1);
        if (arrival.kind == ARRIVAL_TIME)
            ck_assert_int_eq(arrival.sample.time, 2 * NS_PER_S + 500);
    }
    ck_assert(tape_at_end(tape));
    ck_assert_uint_eq(tape_connector.poll(tape, &arrival, 1), 0);
    ck_assert_uint_eq(tape_connector.stats(tape).samples, 4);
    tape_connector.close(tape);
}
END_TEST

START_TEST(an_empty_tape_joins_and_leaves)
{
    Tape *tape = open_text("time,t1,t2\n");
    Arrival arrivals[8];
    ck_assert_uint_eq(tape_connector.poll(tape, arrivals, 8), 1);
    ck_assert_uint_eq(tape_connector.poll(tape, arrivals + 1, 7), 1);
    ck_assert_int_eq(arrivals[0].kind, ARRIVAL_JOINED);
    ck_assert_int_eq(arrivals[1].kind, ARRIVAL_LEFT);
    ck_assert(tape_at_end(tape));
    tape_close(tape);
}
END_TEST

START_TEST(a_command_is_answered_as_done_at_the_next_poll)
{
    Tape *tape = open_text("time,t1,t2\n1,2,3\n");
    Arrival arrivals[8];
    const Command first = {.id = 7}, second = {.id = 8};
    ck_assert_int_eq(tape_connector.send(tape, &first), ERR_OK);
    ck_assert_int_eq(tape_connector.send(tape, &second), ERR_OK);

    // what does not fit waits for the poll after
    ck_assert_uint_eq(tape_connector.poll(tape, arrivals, 1), 1);
    ck_assert_uint_eq(tape_connector.poll(tape, arrivals + 1, 7), 1);
    ck_assert_uint_eq(tape_connector.poll(tape, arrivals + 2, 6), 1);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(arrivals[i].kind, ARRIVAL_OUTCOME);
        ck_assert_uint_eq(arrivals[i].command, 7 + i);
        ck_assert(arrivals[i].done);
    }
    ck_assert_int_eq(arrivals[2].kind, ARRIVAL_JOINED);
    tape_close(tape);
}
END_TEST

START_TEST(commands_behind_the_end_are_still_answered_and_too_many_wait)
{
    Tape *tape = open_text("time,t1,t2\n");
    Arrival arrivals[128];
    while (tape_connector.poll(tape, arrivals, 128))
        continue;
    ck_assert(tape_at_end(tape));

    Command command = {.id = 1};
    while (tape_connector.send(tape, &command) == ERR_OK)
        command.id++;
    ck_assert_int_eq(tape_connector.send(tape, &command), ERR_FULL);
    ck_assert(!tape_at_end(tape));
    ck_assert_uint_eq(tape_connector.poll(tape, arrivals, 128), command.id - 1);
    ck_assert(tape_at_end(tape));
    tape_close(tape);
}
END_TEST

START_TEST(events_are_read_in_the_order_of_their_times)
{
    Arena arena = {0};
    TapeEvent *events;
    size_t count;
    ck_assert_int_eq(tape_read_events(file_of("event,time\n\"lid, closed\",20\nlid opened,10.5\n"), &arena, &events, &count, NULL), ERR_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(events[0].time, 10 * NS_PER_S + NS_PER_S / 2);
    ck_assert_str_eq(events[0].name, "lid opened");
    ck_assert_int_eq(events[1].time, 20 * NS_PER_S);
    ck_assert_str_eq(events[1].name, "lid, closed");

    ErrText why;
    ck_assert_int_eq(tape_read_events(file_of("time,event\nsoon,lid\n"), &arena, &events, &count, &why), ERR_PARSE);
    ck_assert_str_eq(why.text + strlen(path), ":2: column \"time\": expected a time, got \"soon\"");
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(tape_read_events(file_of("time,name\n1,lid\n"), &arena, &events, &count, &why), ERR_UNKNOWN);
    arena_fini(&arena);
}
END_TEST

/* Every cell of these recordings has a time of its own, so a recording of n rows gives 4 n samples. */
START_TEST(real_recordings_give_a_sample_per_cell)
{
    static const struct {
        const char *name;
        size_t rows;
        int64_t first;
        double t1;
    } recordings[] = {
        {"heating_12v_2020-09-17.csv", 305, 1600355345608933400, 23.625},
        {"heating_24v_2020-09-18.csv", 2348, 1600444403449072000, 24.625},
        {"lid_2021-01-22.csv", 467, 1611326936960770000, 21.312},
    };
    if (!kit_recordings()) {
        printf("no recordings here: the real ones were not read\n");
        return;
    }
    const RecordingColumn columns[] = {
        {"t1", "time_t1", 0, unit("degC")}, {"t2", "time_t2", 1, unit("degC")}, {"t3", "time_t3", 2, unit("degC")}, {"heater_on", NULL, 3, unit("1")}};
    const RecordingMap map = {"time", columns, 4};
    for (size_t i = 0; i < 3; i++) {
        Tape *tape;
        ErrText why = {""};
        snprintf(path, sizeof path, "%s/%s", kit_recordings(), recordings[i].name);
        ck_assert_msg(tape_open(path, &map, &tape, &why) == ERR_OK, "%s", why.text);

        size_t count;
        const Sample *samples = tape_samples(tape, &count);
        ck_assert_uint_eq(count, 4 * recordings[i].rows);
        ck_assert_int_eq(samples[0].time, recordings[i].first);
        ck_assert_double_eq(samples[0].value, recordings[i].t1 + 273.15);
        for (size_t k = 1; k < count; k++)
            ck_assert_int_le(samples[k - 1].time, samples[k].time);
        tape_close(tape);
    }
}
END_TEST

KIT_MAIN("connectors.tape", samples_are_in_si_and_ties_keep_the_order_of_the_map, columns_with_times_of_their_own_are_sorted_together,
         a_repeated_tag_and_time_is_left_out_and_the_first_stays, a_time_is_read_to_the_nanosecond_in_every_notation,
         an_input_is_sampled_in_every_step_where_that_is_asked_for_and_sensors_stay,
         blank_rows_empty_cells_and_nan_are_no_samples, mark_carriage_returns_and_quotes_change_nothing,
         what_is_neither_number_nor_switch_names_line_and_column, a_time_that_is_none_or_changes_its_unit_is_refused,
         a_missing_column_is_an_error_that_lists_those_that_are_there, a_row_of_another_width_is_refused, semicolons_and_tabs_separate_where_the_header_has_more_of_them,
         a_comma_that_cannot_be_a_decimal_one_is_refused, times_count_in_the_unit_that_the_map_says, broken_quotes_are_refused,
         an_endless_row_is_refused, what_is_no_file_says_so, a_failed_allocation_is_an_error_wherever_it_falls,
         the_tape_plays_joined_samples_time_left_one_at_a_poll, an_empty_tape_joins_and_leaves, a_command_is_answered_as_done_at_the_next_poll,
         commands_behind_the_end_are_still_answered_and_too_many_wait, events_are_read_in_the_order_of_their_times,
         real_recordings_give_a_sample_per_cell)
