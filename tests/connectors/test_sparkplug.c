/* test_sparkplug.c -- Sparkplug without a broker: payloads, topics, sequence numbers, what scripts may say. */
#include "connectors/sparkplug/sparkplug.h"

#include <math.h>

#include "connectors/line.h"
#include "connectors/sparkplug/place.h"
#include "connectors/sparkplug/plan.h"
#include "connectors/sparkplug/report.h"
#include "connectors/sparkplug/sequence.h"

// Payloads.

static Report round_trip(const Metric *metric, Text *text)
{
    Report back;
    Metric copy = *metric;
    ErrText why = {""};
    text_clear(text);
    ck_assert_int_eq(report_write(&(Report){.time = 5 * NS_PER_S, .sequence = 7, .metrics = &copy, .count = 1}, text), ERR_OK);
    ck_assert_msg(report_read(text->bytes, text->length, &back, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(back.time, 5 * NS_PER_S);
    ck_assert_int_eq(back.sequence, 7);
    ck_assert_uint_eq(back.count, 1);
    return back;
}

START_TEST(each_type_keeps_its_extremes)
{
    static const struct {
        uint32_t type;
        double least, most;
    } types[] = {
        {METRIC_INT8, -128, 127},
        {METRIC_INT16, -32768, 32767},
        {METRIC_INT32, -0x1p31, 0x1p31 - 1},
        {METRIC_INT64, -0x1p63, 0x1p62},
        {METRIC_UINT8, 0, 255},
        {METRIC_UINT16, 0, 65535},
        {METRIC_UINT32, 0, 0x1p32 - 1},
        {METRIC_UINT64, 0, 0x1p63},
        {METRIC_FLOAT, -0x1p-120, 0x1p120},
        {METRIC_DOUBLE, -1e300, 0.1},
        {METRIC_BOOLEAN, 0, 1},
    };
    Text text = {0};
    for (size_t i = 0; i < 2 * sizeof types / sizeof *types; i++) {
        const double number = i % 2 ? types[i / 2].most : types[i / 2].least;
        Report back = round_trip(&(Metric){.name = "m", .type = types[i / 2].type, .has_number = true, .number = number, .time = 2 * NS_PER_S}, &text);
        ck_assert_double_eq(back.metrics[0].number, number);
        ck_assert_uint_eq(back.metrics[0].type, types[i / 2].type);
        ck_assert_int_eq(back.metrics[0].time, 2 * NS_PER_S);
        ck_assert_str_eq(back.metrics[0].name, "m");
        report_fini(&back);
    }
    text_fini(&text);
}
END_TEST

START_TEST(numbers_beyond_a_type_are_cut_and_rounded)
{
    ck_assert_double_eq(metric_round(METRIC_INT8, 1000), 127);
    ck_assert_double_eq(metric_round(METRIC_UINT16, -1), 0);
    ck_assert_double_eq(metric_round(METRIC_INT32, 2.6), 3);
    ck_assert_double_eq(metric_round(METRIC_BOOLEAN, 0.2), 1);
    ck_assert_double_eq(metric_round(METRIC_FLOAT, 0.1), (double)0.1f);
    ck_assert_double_eq(metric_round(METRIC_DOUBLE, 0.1), 0.1);
}
END_TEST

START_TEST(what_is_null_past_or_an_alias_stays_so)
{
    Text text = {0};
    const Metric metric = {.has_alias = true, .alias = 1ull << 60, .type = METRIC_DOUBLE, .is_null = true, .historical = true, .time = TIME_NONE};
    Report back = round_trip(&metric, &text);
    ck_assert(back.metrics[0].is_null && !back.metrics[0].has_number && back.metrics[0].historical);
    ck_assert_ptr_null(back.metrics[0].name);
    ck_assert(back.metrics[0].has_alias && back.metrics[0].alias == 1ull << 60);
    ck_assert_int_eq(back.metrics[0].time, TIME_NONE);
    report_fini(&back);
    text_fini(&text);
}
END_TEST

/* By hand, from the specification: a metric (2) of alias (2) 5, datatype (4) Int32, with properties (9) that say Quality is 500, and int_value (10) -2; seq
 * (3) is 255. */
START_TEST(bytes_are_those_of_the_specification)
{
    static const char bytes[] = "\x12\x1E" "\x10\x05" "\x20\x03" "\x4A\x12" "\x0A\x07Quality" "\x12\x07\x08\x03\x10\0\x18\xF4\x03" "\x50\xFE\xFF\xFF\xFF\x0F" "\x18\xFF\x01";
    Report report;
    ck_assert_int_eq(report_read(bytes, sizeof bytes - 1, &report, NULL), ERR_OK);
    ck_assert_int_eq(report.sequence, 255);
    ck_assert_uint_eq(report.count, 1);
    ck_assert_double_eq(report.metrics[0].number, -2);
    ck_assert_int_eq(report.metrics[0].quality, QUALITY_UNCERTAIN);
    report_fini(&report);
    for (size_t cut = 1; cut < 0x20; cut++)
        ck_assert_int_eq(report_read(bytes, cut, &report, NULL), ERR_PARSE);
}
END_TEST

START_TEST(a_sequence_number_beyond_255_is_refused)
{
    ErrText why = {""};
    Report report;
    ck_assert_int_eq(report_read("\x18\x80\x02", 3, &report, &why), ERR_RANGE);
    ck_assert(*why.text);
    ck_assert_int_eq(report_read("\x22\x12SPBV1.0_COMPRESSED", 20, &report, &why), ERR_PARSE);
    ck_assert(strstr(why.text, "compressed") != NULL);
}
END_TEST

// Topics.

START_TEST(topics_say_who_speaks)
{
    Heading heading;
    char topic[PLACE_TOPIC];
    ck_assert(heading_read("spBv1.0/works/DDATA/edge/tank1", &heading));
    ck_assert_int_eq(heading.message, MESSAGE_DDATA);
    ck_assert_str_eq(heading.group, "works");
    ck_assert_str_eq(heading.node, "edge");
    ck_assert_str_eq(heading.device, "tank1");
    heading_write(heading.message, heading.group, heading.node, heading.device, topic);
    ck_assert_str_eq(topic, "spBv1.0/works/DDATA/edge/tank1");
    ck_assert(heading_read("spBv1.0/works/NDEATH/edge", &heading));
    ck_assert_str_eq(heading.device, "");

    static const char *const wrong[] = {
        "",
        "spBv1.0",
        "spAv1.0/works/NDATA/edge",
        "spBv1.0/works/NDATA/edge/tank1",
        "spBv1.0/works/DDATA/edge",
        "spBv1.0/works/XDATA/edge",
        "spBv1.0//NDATA/edge",
        "spBv1.0/works/NDATA/",
        "spBv1.0/works/DDATA/edge/tank1/more",
        "spBv1.0/STATE/pollux",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!heading_read(wrong[i], &heading), "%s was read", wrong[i]);
}
END_TEST

START_TEST(what_was_seen_says_how_it_is_bound)
{
    Text text = {0};
    sparkplug_kind.suggest("works/edge/tank1:Outputs/Valve", &text);
    ck_assert_str_eq(text.bytes, "group = \"works\", node = \"edge\", device = \"tank1\", metric = \"Outputs/Valve\"");
    text_clear(&text);
    sparkplug_kind.suggest("works/edge:uptime", &text);
    ck_assert_str_eq(text.bytes, "group = \"works\", node = \"edge\", metric = \"uptime\"");
    text_fini(&text);
}
END_TEST

START_TEST(states_are_read_as_they_are_written)
{
    Text text = {0};
    bool online;
    int64_t time;
    state_write(true, 1700000000123 * NS_PER_MS, &text);
    ck_assert_str_eq(text.bytes, "{\"online\":true,\"timestamp\":1700000000123}");
    ck_assert(state_read(text.bytes, text.length, &online, &time) && online);
    ck_assert_int_eq(time, 1700000000123 * NS_PER_MS);
    ck_assert(!state_read("ONLINE", 6, &online, &time));
    ck_assert(!state_read("{\"online\":1,\"timestamp\":1}", 26, &online, &time));
    text_fini(&text);
}
END_TEST

// Sequences.

START_TEST(messages_are_taken_in_their_order)
{
    Sequence sequence = {0};
    HeldMessage held;
    sequence_begin(&sequence, 254);
    ck_assert(!sequence_pass(&sequence, 0));
    ck_assert(sequence_hold(&sequence, 0, "t/0", "zero", 4, 100));
    ck_assert(sequence_hold(&sequence, 1, "t/1", NULL, 0, 200));
    ck_assert(!sequence_hold(&sequence, 1, "t/1", NULL, 0, 200));
    ck_assert_int_eq(sequence.waiting_since, 100);
    ck_assert(!sequence_release(&sequence, &held));

    // the one that was missing: 255, and behind it the numbers begin anew
    ck_assert(sequence_pass(&sequence, 255));
    ck_assert(sequence_release(&sequence, &held));
    ck_assert_str_eq(held.topic, "t/0");
    ck_assert_mem_eq(held.payload, "zero", 4);
    mem_free(held.topic);
    ck_assert(sequence_pass(&sequence, 0));
    ck_assert(sequence_release(&sequence, &held));
    ck_assert_str_eq(held.topic, "t/1");
    mem_free(held.topic);
    ck_assert_int_eq(sequence.waiting_since, TIME_NONE);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    Sequence sequence = {0};
    sequence_begin(&sequence, 0);
    for (int i = 0; i < SEQUENCE_HELD_MAX; i++)
        ck_assert(sequence_hold(&sequence, 10 + i, "t", "x", 1, 0));
    ck_assert(!sequence_hold(&sequence, 200, "t", "x", 1, 0));
    sequence_forget(&sequence);
    ck_assert_uint_eq(sequence.held_count, 0);
}
END_TEST

// Scripts.

static void assert_fault(const char *options, const char *keys, const char *blamed, const char *said)
{
    Line line;
    ConnectorFault fault = {0};
    const LineBinding binding = {"tank1.gauge", "m", keys, false};
    line_prepare(&line, options, &binding, 1);
    ck_assert_msg(sparkplug_kind.check(&line.def, &fault) != ERR_OK, "%s with %s was taken", options, keys);
    ck_assert_str_eq(fault.key, blamed);
    ck_assert_msg(strstr(fault.why.text, said) != NULL, "\"%s\" does not say \"%s\"", fault.why.text, said);
    line_forget(&line);
}

START_TEST(faults_of_a_script_name_the_key_and_what_was_expected)
{
    static const char whole[] = "{\"group\":\"g\",\"node\":\"n\",\"metric\":\"m\"}";
    assert_fault("{\"role\":\"master\"}", whole, "role", "host, edge");
    assert_fault("{\"role\":\"edge\"}", whole, "group", "the name of the edge node");
    assert_fault("{\"role\":\"edge\",\"group\":\"g\",\"node\":\"n\",\"host_id\":\"h\"}", whole, "host_id", "role = \"host\"");
    assert_fault("{\"primary\":\"h\"}", whole, "primary", "role = \"edge\"");
    assert_fault("{\"host_id\":\"a/b\"}", whole, "host_id", "without /");
    assert_fault("{\"clean\":false,\"client_id\":\"us\"}", whole, "clean", "begins anew");
    assert_fault("{}", "{\"node\":\"n\",\"metric\":\"m\"}", "group", "a group was expected");
    assert_fault("{\"group\":\"g\"}", "{\"metric\":\"m\"}", "node", "an edge node was expected");
    assert_fault("{}", "{\"group\":\"g\",\"node\":\"n\"}", "metric", "a metric was expected");
    assert_fault("{}", "{\"group\":\"g\",\"node\":\"n\",\"metric\":\"m\",\"type\":\"Int7\"}", "type", "Int8, Int16");
    assert_fault("{}", "{\"group\":\"g\",\"node\":\"n\",\"metric\":\"m\",\"device\":\"a#\"}", "device", "without /");
    assert_fault("{\"role\":\"edge\",\"group\":\"g\",\"node\":\"other\"}", "{\"node\":\"n#\",\"metric\":\"m\"}", "node", "without /");
}
END_TEST

static void assert_memory_may_fail(const char *options)
{
    enum { ALLOCATIONS_MAX = 100 };
    static const LineBinding binding = {"tank1.gauge", "m", "{\"metric\":\"m\"}", false};
    Line line;
    Err err = ERR_MEMORY;
    line_prepare(&line, options, &binding, 1);
    for (size_t n = 1; err && n < ALLOCATIONS_MAX; n++) {
        ConnectorFault fault = {0};
        kit_fail_allocation(n);
        err = sparkplug_kind.open(&line.def, &line.connector, &line.exchange, &fault);
        kit_fail_allocation(0);
        ck_assert(err == ERR_OK || (err == ERR_MEMORY && *fault.why.text));
    }
    ck_assert_int_eq(err, ERR_OK);
    line_close(&line);
}

START_TEST(memory_may_fail_at_every_step)
{
    assert_memory_may_fail("{\"host\":\"127.0.0.1\",\"port\":1,\"group\":\"g\",\"node\":\"n\",\"role\":\"host\"}");
    assert_memory_may_fail("{\"host\":\"127.0.0.1\",\"port\":1,\"group\":\"g\",\"node\":\"n\",\"role\":\"edge\"}");
}
END_TEST

KIT_MAIN("connectors.sparkplug", each_type_keeps_its_extremes, numbers_beyond_a_type_are_cut_and_rounded, what_is_null_past_or_an_alias_stays_so, bytes_are_those_of_the_specification,
         a_sequence_number_beyond_255_is_refused, topics_say_who_speaks, what_was_seen_says_how_it_is_bound, states_are_read_as_they_are_written, messages_are_taken_in_their_order, what_waits_is_bounded,
         faults_of_a_script_name_the_key_and_what_was_expected, memory_may_fail_at_every_step)
