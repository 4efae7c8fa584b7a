/* test_mqtt.c -- MQTT without a broker: filters, payloads, and what scripts may say. */
#include "connectors/mqtt/mqtt.h"

#include "connectors/line.h"
#include "connectors/mqtt/guard.h"
#include "signal/payload.h"
#include "connectors/mqtt/setup.h"
#include "connectors/mqtt/topic.h"

// Filters: the examples of the standard (MQTT 5.0, 4.7.1 and 4.7.2).

START_TEST(wildcards_cover_what_the_standard_says)
{
    ck_assert(topic_is_covered("sport/tennis/player1/#", "sport/tennis/player1"));
    ck_assert(topic_is_covered("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
    ck_assert(topic_is_covered("sport/tennis/+", "sport/tennis/player2"));
    ck_assert(!topic_is_covered("sport/tennis/+", "sport/tennis/player1/ranking"));
    ck_assert(!topic_is_covered("sport/+", "sport"));
    ck_assert(topic_is_covered("sport/+", "sport/"));
    ck_assert(topic_is_covered("+/+", "/finance"));
    ck_assert(topic_is_covered("/+", "/finance"));
    ck_assert(!topic_is_covered("+", "/finance"));
    ck_assert(!topic_is_covered("#", "$SYS/broker"));
    ck_assert(topic_is_covered("$SYS/#", "$SYS/broker"));
}
END_TEST

START_TEST(a_filter_covers_another_that_leads_to_less)
{
    ck_assert(topic_is_covered("works/#", "works/+/level"));
    ck_assert(topic_is_covered("works/+", "works/+"));
    ck_assert(!topic_is_covered("works/+", "works/#"));
    ck_assert(!topic_is_covered("works/tank1", "works/+"));
}
END_TEST

START_TEST(a_topic_leads_to_all_that_is_filed_for_it)
{
    TopicTable table;
    size_t count;
    ck_assert_int_eq(topics_init(&table, 4), ERR_OK);
    topics_add(&table, "works/tank1", 1);
    topics_add(&table, "works/tank2", 2);
    topics_add(&table, "works/tank1", 3);
    topics_add(&table, "works/+", 4);
    const uint32_t *found = topics_find(&table, "works/tank1", &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(found[0] + found[1] + found[2], 1 + 3 + 4);
    topics_find(&table, "office/tank1", &count);
    ck_assert_uint_eq(count, 0);
    topics_fini(&table);
}
END_TEST

// Packets.

static GuardView look_at(const char *bytes, size_t length)
{
    return guard_look((const unsigned char *)bytes, length, 5);
}
#define LOOK(bytes) look_at(bytes, sizeof(bytes) - 1)

START_TEST(packets_are_counted_and_what_is_missing_is_known)
{
    // a greeting, a message "x" on topic "a" with the content type "t", a confirmation
    static const char packets[] = "\x20\x03\0\0\0" "\x30\x09\0\x01" "a\x04\x03\0\x01tx" "\x40\x02\0\x01";
    GuardView look = LOOK(packets);
    ck_assert_ptr_null(look.fault);
    ck_assert_uint_eq(look.packets, 3);
    ck_assert_uint_eq(look.wanted, 0);
    for (size_t cut = 1; cut < sizeof packets - 1; cut++) {
        look = look_at(packets, cut);
        ck_assert_ptr_null(look.fault);
        ck_assert_uint_eq(look.packets, (cut >= 5) + (cut >= 16));
        ck_assert_uint_eq(look.wanted == 0, cut == 5 || cut == 16);
    }
}
END_TEST

START_TEST(packets_that_libmosquitto_does_not_survive_are_not_let_through)
{
    static const char unknown[] = "\x30\x06\0\x01" "a\x02\x7F\0";
    ck_assert_ptr_nonnull(LOOK(unknown).fault);
    ck_assert_ptr_null(guard_look((const unsigned char *)unknown, sizeof unknown - 1, 4).fault);
    ck_assert_ptr_nonnull(LOOK("\x30\x06\0\x01" "a\x05\x01\0").fault);      // properties beyond the packet
    ck_assert_ptr_nonnull(LOOK("\x30\x07\0\x01" "a\x03\x03\0\x09").fault);  // a text beyond the properties
    ck_assert_ptr_nonnull(LOOK("\x30\xFF\xFF\xFF\x7F").fault);               // 256 MB
    ck_assert_ptr_nonnull(LOOK("\x30\xFF\xFF\xFF\xFF\x01").fault);
}
END_TEST

// Payloads.

static void assert_number(const char *text, double expected)
{
    double number = NAN;
    ck_assert_msg(payload_read_number(text, strlen(text), &number, NULL) == ERR_OK, "%s", text);
    ck_assert_double_eq(number, expected);
}

START_TEST(numbers_are_those_of_json_and_nothing_else)
{
    static const char *const wrong[] = {"", " ", "nan", "inf", "0x10", "1,5", "+1", ".5", "1.", "1e", "01", "--1", "1 2", "1e999", "on",
                                        "12345678901234567890123456789012345678901234567890123456789012345"};
    assert_number("21.5", 21.5);
    assert_number(" -1e-3\r\n", -1e-3);
    assert_number("0", 0);
    assert_number("true", 1);
    assert_number("false", 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        double number;
        ErrText why = {""};
        ck_assert_msg(payload_read_number(wrong[i], strlen(wrong[i]), &number, &why) != ERR_OK && *why.text, "\"%s\" was read as %g", wrong[i], number);
    }
    ck_assert_int_ne(payload_read_number("1\0" "2", 3, &(double){0}, NULL), ERR_OK);
}
END_TEST

static Err pick(const PayloadForm *form, const char *text, PayloadValue *out)
{
    json_t *document;
    ErrText why = {""};
    ck_assert_int_eq(payload_parse(text, strlen(text), &document, &why), ERR_OK);
    const Err err = payload_pick(form, document, out, &why);
    ck_assert(err == ERR_OK || *why.text);
    json_decref(document);
    return err;
}

START_TEST(pointers_lead_to_value_time_and_quality)
{
    PayloadValue value;
    PayloadForm form = {.json = true, .value = "/a/1/b~1c", .stamp = "/t", .stamp_ns = NS_PER_MS, .quality = "/q"};
    ck_assert_int_eq(pick(&form, "{\"a\":[0,{\"b/c\":7.25}],\"t\":1500,\"q\":\"uncertain\"}", &value), ERR_OK);
    ck_assert_double_eq(value.number, 7.25);
    ck_assert_int_eq(value.time, 1500 * NS_PER_MS);
    ck_assert_int_eq(value.quality, QUALITY_UNCERTAIN);

    ck_assert_int_eq(pick(&form, "{\"a\":[0,{\"b/c\":\"8\"}],\"t\":\"1970-01-01T00:00:02Z\",\"q\":true}", &value), ERR_OK);
    ck_assert_double_eq(value.number, 8);
    ck_assert_int_eq(value.time, 2 * NS_PER_S);
    ck_assert_int_eq(value.quality, QUALITY_GOOD);

    ck_assert_int_eq(pick(&form, "{\"a\":[0,{\"b/c\":1}],\"q\":\"who knows\"}", &value), ERR_OK);
    ck_assert_int_eq(value.time, TIME_NONE);
    ck_assert_int_eq(value.quality, QUALITY_BAD);
}
END_TEST

START_TEST(a_null_is_a_source_without_a_value)
{
    PayloadValue value;
    const PayloadForm form = {.json = true, .value = "/v"};
    ck_assert_int_eq(pick(&form, "{\"v\":null}", &value), ERR_OK);
    ck_assert(isnan(value.number));
    ck_assert_int_eq(value.quality, QUALITY_BAD);
}
END_TEST

START_TEST(what_is_not_there_or_no_number_is_refused)
{
    static const char *const wrong[] = {"{}", "[1]", "{\"v\":[]}", "{\"v\":\"warm\"}", "{\"v\":1,\"t\":\"noon\"}",
                                        "{\"v\":1,\"t\":9e300}", "{\"v\":1,\"t\":[]}", "3"};
    const PayloadForm form = {.json = true, .value = "/v", .stamp = "/t", .stamp_ns = NS_PER_S};
    PayloadValue value;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(pick(&form, wrong[i], &value) != ERR_OK, "%s was read", wrong[i]);
}
END_TEST

START_TEST(qualities_are_mapped_by_their_words)
{
    json_t *words = line_json("{\"192\":\"good\",\"64\":\"uncertain\"}");
    const PayloadForm form = {.json = true, .value = "/v", .quality = "/q", .qualities = words};
    PayloadValue value;
    ck_assert_int_eq(pick(&form, "{\"v\":1,\"q\":192}", &value), ERR_OK);
    ck_assert_int_eq(value.quality, QUALITY_GOOD);
    ck_assert_int_eq(pick(&form, "{\"v\":1,\"q\":64}", &value), ERR_OK);
    ck_assert_int_eq(value.quality, QUALITY_UNCERTAIN);
    ck_assert_int_eq(pick(&form, "{\"v\":1,\"q\":0}", &value), ERR_OK);
    ck_assert_int_eq(value.quality, QUALITY_BAD);
    json_decref(words);
}
END_TEST

/* What one side writes the other reads: that is how an emulated plant stands behind a broker. */
START_TEST(what_is_written_reads_back_as_it_was)
{
    json_t *where = line_json("{\"/device\":\"tank1\"}");
    const PayloadForm form = {.json = true, .value = "/data/level", .stamp = "/at", .quality = "/ok", .where = where, .id = "/id"};
    for (int i = 0; i < 200; i++) {
        Text text = {0};
        json_t *document;
        PayloadValue value;
        const double number = (random_uniform(3, 0, (uint64_t)i) - 0.5) * pow(10, i % 40 - 20);
        ck_assert_int_eq(payload_write(&form, &(PayloadNews){number, 17 * NS_PER_S + i, 9}, &text), ERR_OK);
        ck_assert_int_eq(payload_parse(text.bytes, text.length, &document, NULL), ERR_OK);
        ck_assert(payload_is_meant(&form, document));
        ck_assert_int_eq(json_integer_value(payload_at(document, "/id")), 9);
        ck_assert_int_eq(payload_pick(&form, document, &value, NULL), ERR_OK);
        ck_assert_double_eq(value.number, number);
        ck_assert_int_eq(value.time, 17 * NS_PER_S + i);
        ck_assert_int_eq(value.quality, QUALITY_GOOD);
        json_decref(document);
        text_fini(&text);
    }
    json_decref(where);
}
END_TEST

START_TEST(numbers_are_written_as_people_write_them)
{
    Text text = {0};
    const PayloadForm form = {.json = true, .value = "/v"};
    ck_assert_int_eq(payload_write(&form, &(PayloadNews){0.1, TIME_NONE, 0}, &text), ERR_OK);
    ck_assert_str_eq(text.bytes, "{\"v\":0.1}");
    text_clear(&text);
    ck_assert_int_eq(payload_write(&form, &(PayloadNews){5, TIME_NONE, 0}, &text), ERR_OK);
    ck_assert_str_eq(text.bytes, "{\"v\":5}");
    text_clear(&text);
    ck_assert_int_eq(payload_write(&(PayloadForm){.value = ""}, &(PayloadNews){0.25, TIME_NONE, 0}, &text), ERR_OK);
    ck_assert_str_eq(text.bytes, "0.25");
    text_fini(&text);
}
END_TEST

START_TEST(documents_are_bounded)
{
    json_t *document;
    char *large = mem_alloc(PAYLOAD_MAX + 2);
    memset(large, ' ', PAYLOAD_MAX + 1);
    large[0] = '1';
    ck_assert_int_eq(payload_parse(large, PAYLOAD_MAX, &document, NULL), ERR_OK);
    json_decref(document);
    ck_assert_int_eq(payload_parse(large, PAYLOAD_MAX + 1, &document, NULL), ERR_RANGE);
    memset(large, '[', PAYLOAD_MAX);
    ck_assert_int_eq(payload_parse(large, PAYLOAD_MAX, &document, NULL), ERR_PARSE);
    mem_free(large);
}
END_TEST

// Scripts.

static void assert_fault(const char *options, const char *keys, bool writes, const char *blamed, const char *said)
{
    Line line;
    ConnectorFault fault = {0};
    const LineBinding binding = {"tank1.gauge", "m", keys, writes};
    line_prepare(&line, options, &binding, 1);
    ck_assert_msg(mqtt_kind.check(&line.def, &fault) != ERR_OK, "%s with %s was taken", options, keys);
    ck_assert_str_eq(fault.key, blamed);
    ck_assert_msg(strstr(fault.why.text, said) != NULL, "\"%s\" does not say \"%s\"", fault.why.text, said);
    line_forget(&line);
}

START_TEST(faults_of_a_script_name_the_key_and_what_was_expected)
{
    static const char topic[] = "{\"topic\":\"a/b\"}";
    assert_fault("{\"url\":\"http://localhost\"}", topic, false, "url", "mqtt://HOST:PORT");
    assert_fault("{\"url\":\"mqtt://localhost:0\"}", topic, false, "url", "mqtt://HOST:PORT");
    assert_fault("{\"url\":\"mqtt://localhost:1883x\"}", topic, false, "url", "mqtt://HOST:PORT");
    assert_fault("{\"host\":\"a\",\"port\":70000}", topic, false, "port", "65535");
    assert_fault("{\"version\":3}", topic, false, "version", "4 to 5");
    assert_fault("{\"user\":\"me\",\"password\":\"$POLLUX_NO_SUCH_NAME\"}", topic, false, "password", "the environment has no");
    assert_fault("{\"ca\":\"ca.pem\"}", topic, false, "ca", "mqtts");
    assert_fault("{\"url\":\"mqtts://localhost\",\"ca\":\"none.pem\"}", topic, false, "ca", "can be read");
    assert_fault("{\"clean\":false}", topic, false, "clean", "client_id");
    assert_fault("{\"will\":{\"topic\":\"a/#\"}}", topic, false, "will", "without + and #");
    assert_fault("{\"status\":\"s\",\"will\":{\"topic\":\"w\"}}", topic, false, "status", "either status or will");
    assert_fault("{\"share\":\"g\",\"discover\":\"#\"}", topic, false, "discover", "either share or discover");
    assert_fault("{\"colour\":1}", topic, false, "colour", "no such key");

    assert_fault("{}", "{}", false, "topic", "a topic was expected");
    assert_fault("{}", "{\"topic\":\"a/#/b\"}", false, "topic", "no topic of MQTT");
    assert_fault("{}", "{\"topic\":\"a/+\"}", true, "topic", "without + and #");
    assert_fault("{}", "{\"topic\":\"a\",\"payload\":\"xml\"}", false, "payload", "number, json");
    assert_fault("{}", "{\"topic\":\"a\",\"value\":\"/v\"}", false, "value", "payload = \"json\"");
    assert_fault("{}", "{\"topic\":\"a\",\"payload\":\"json\",\"value\":\"v\"}", false, "value", "JSON pointer");
    assert_fault("{}", "{\"topic\":\"a\",\"payload\":\"json\",\"qualities\":{\"1\":\"fine\"}}", false, "qualities", "\"good\", \"uncertain\" or \"bad\"");
    assert_fault("{}", "{\"topic\":\"a\",\"payload\":\"json\",\"value\":\"/v\",\"id\":\"/v\"}", true, "value", "the same place");
    assert_fault("{}", "{\"topic\":\"a\",\"payload\":\"json\",\"reply\":\"b\"}", true, "value", "a pointer was expected");
    assert_fault("{\"clean\":false,\"client_id\":\"us\"}", "{\"topic\":\"a\",\"qos\":2}", true, "qos", "0 or 1");
}
END_TEST

static Setup setup_of(Line *line, const char *options, const LineBinding *bindings, size_t count)
{
    Setup setup;
    ConnectorFault fault = {0};
    line_prepare(line, options, bindings, count);
    ck_assert_msg(setup_init(&line->def, &setup, &fault) == ERR_OK, "%s", fault.why.text);
    return setup;
}

START_TEST(memory_may_fail_at_every_step)
{
    enum { ALLOCATIONS_MAX = 100 };
    static const LineBinding binding = {"tank1.gauge", "m", "{\"topic\":\"works/level\"}", false};
    Line line;
    Err err = ERR_MEMORY;
    line_prepare(&line, "{\"host\":\"127.0.0.1\",\"port\":1,\"discover\":\"works/#\"}", &binding, 1);
    for (size_t n = 1; err && n < ALLOCATIONS_MAX; n++) {
        ConnectorFault fault = {0};
        kit_fail_allocation(n);
        err = mqtt_kind.open(&line.def, &line.connector, &line.exchange, &fault);
        kit_fail_allocation(0);
        ck_assert(err == ERR_OK || (err == ERR_MEMORY && *fault.why.text));
    }
    ck_assert_int_eq(err, ERR_OK);
    line_close(&line);
}
END_TEST

START_TEST(addresses_have_their_usual_ports)
{
    static const struct {
        const char *options, *peer;
    } cases[] = {
        {"{}", "localhost:1883"},
        {"{\"url\":\"mqtt://works.example\"}", "works.example:1883"},
        {"{\"url\":\"mqtt://[::1]:99/\"}", "::1:99"},
        {"{\"url\":\"mqtts://works.example/\"}", "works.example:8883"},
        {"{\"host\":\"10.0.0.7\",\"port\":1885}", "10.0.0.7:1885"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Line line;
        Setup setup = setup_of(&line, cases[i].options, NULL, 0);
        ck_assert_str_eq(setup.broker.peer, cases[i].peer);
        setup_fini(&setup);
        line_forget(&line);
    }
}
END_TEST

START_TEST(nothing_is_subscribed_to_twice)
{
    static const LineBinding bindings[] = {
        {"a.a", "1", "{\"topic\":\"works/a\",\"qos\":2}"},
        {"a.b", "1", "{\"topic\":\"works/a\",\"payload\":\"json\",\"value\":\"/b\"}"},
        {"a.c", "1", "{\"topic\":\"office/c\"}"},
        {"a.d", "1", "{\"topic\":\"office/c\",\"qos\":1}"},
        {"a.e", "1", "{\"topic\":\"order/e\",\"reply\":\"works/e\"}", .writes = true},
        {"a.f", "1", "{\"topic\":\"order/f\"}", .writes = true},
    };
    Line line;
    Setup setup = setup_of(&line, "{\"discover\":\"works/#\"}", bindings, 6);
    ck_assert_uint_eq(setup.filter_count, 2);
    ck_assert_str_eq(setup.filters[0].text, "works/#");
    ck_assert_int_eq(setup.filters[0].qos, 2);
    ck_assert_str_eq(setup.filters[1].text, "office/c");
    ck_assert_int_eq(setup.filters[1].qos, 1);
    setup_fini(&setup);
    line_forget(&line);

    setup = setup_of(&line, "{\"share\":\"twins\"}", bindings, 6);
    ck_assert_uint_eq(setup.filter_count, 3);
    ck_assert_str_eq(setup.filters[0].text, "$share/twins/works/a");
    ck_assert_str_eq(setup.filters[2].text, "works/e");
    setup_fini(&setup);
    line_forget(&line);
}
END_TEST

KIT_MAIN("connectors.mqtt", wildcards_cover_what_the_standard_says, a_filter_covers_another_that_leads_to_less, a_topic_leads_to_all_that_is_filed_for_it,
         packets_are_counted_and_what_is_missing_is_known, packets_that_libmosquitto_does_not_survive_are_not_let_through, numbers_are_those_of_json_and_nothing_else, pointers_lead_to_value_time_and_quality, a_null_is_a_source_without_a_value, what_is_not_there_or_no_number_is_refused,
         qualities_are_mapped_by_their_words, what_is_written_reads_back_as_it_was, numbers_are_written_as_people_write_them, documents_are_bounded,
         faults_of_a_script_name_the_key_and_what_was_expected, memory_may_fail_at_every_step, addresses_have_their_usual_ports, nothing_is_subscribed_to_twice)
