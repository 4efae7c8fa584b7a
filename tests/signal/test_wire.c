/* The wire: what is written is read back the same, and what is wrong is refused with what was expected and where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/wire.h"

static Wire *wire;
static WireMessage message;
static ErrText why;
static Text text;

static Err read_frame(const char *frame)
{
    if (!wire)
        ck_assert_int_eq(wire_create(&wire), ERR_OK);
    // a copy of exactly this size, so that ASan sees a read beyond it
    const size_t length = strlen(frame);
    char *const copy = malloc(length + !length);
    memcpy(copy, frame, length);
    why.text[0] = 0;
    const Err err = wire_read(wire, copy, length, &message, &why);
    free(copy);
    return err;
}

/* Reads what stands in `text`, and empties it. */
static void read_back(void)
{
    ck_assert(!text.failed);
    const Err err = read_frame(text.bytes);
    ck_assert_msg(err == ERR_OK, "%s: %s", why.text, text.bytes);
    text_clear(&text);
}

static void forget(void)
{
    wire_destroy(wire);
    wire = NULL;
    text_fini(&text);
}

static const char hostile[] = "a\"b\\c\n\t\x01/\xc2\xb0" "C \xf0\x9f\x8c\xa1 \x7f{}[],:\xe2\x80\xa8";

START_TEST(a_provide_is_read_back)
{
    const WireTag tags[] = {{"incubator.t2", "degC"}, {"incubator.heater_on", NULL}, {hostile, hostile}};
    const char *const actuators[] = {"incubator.heater_enable", hostile};
    wire_write_provide(&text, 1, hostile, tags, 3, actuators, 2);
    read_back();
    ck_assert_int_eq(message.topic, WIRE_PROVIDE);
    ck_assert_int_eq(message.id, 1);
    ck_assert_int_eq(message.status, 0);
    ck_assert_str_eq(message.path, "");
    ck_assert_str_eq(message.provide.device, hostile);
    ck_assert_uint_eq(message.provide.tag_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(message.provide.tags[i].name, tags[i].name);
        ck_assert_pstr_eq(message.provide.tags[i].unit, tags[i].unit);
    }
    ck_assert_uint_eq(message.provide.actuator_count, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(message.provide.actuators[i], actuators[i]);

    wire_write_provide(&text, WIRE_ID_NONE, "watcher", NULL, 0, NULL, 0);
    read_back();
    ck_assert_int_eq(message.id, WIRE_ID_NONE);
    ck_assert_uint_eq(message.provide.tag_count + message.provide.actuator_count, 0);
    forget();
}
END_TEST

START_TEST(a_welcome_is_read_back)
{
    wire_write_welcome(&text, 5, &(WireWelcome){.plant = "incubator", .step = 0.1, .provider_clock = true, .speed = 2.5, .from = INT64_C(1611326940000000001)});
    read_back();
    ck_assert_int_eq(message.topic, WIRE_PROVIDE);
    ck_assert_int_eq(message.status, 200);
    ck_assert_str_eq(message.welcome.plant, "incubator");
    ck_assert(message.welcome.step == 0.1);
    ck_assert(message.welcome.speed == 2.5);
    ck_assert(message.welcome.provider_clock);
    ck_assert_int_eq(message.welcome.from, INT64_C(1611326940000000001));

    wire_write_welcome(&text, 5, &(WireWelcome){.plant = "incubator", .step = 0.1, .from = TIME_NONE});
    read_back();
    ck_assert(!message.welcome.provider_clock);
    ck_assert_int_eq(message.welcome.from, TIME_NONE);
    ck_assert_ptr_null(message.welcome.unclaimed);

    wire_write_welcome(&text, 5, &(WireWelcome){.plant = "incubator", .step = 0.1, .from = TIME_NONE, .unclaimed = hostile});
    read_back();
    ck_assert_int_eq(message.status, 202);
    ck_assert_str_eq(message.welcome.unclaimed, hostile);
    forget();
}
END_TEST

START_TEST(samples_are_read_back_to_the_last_bit)
{
    enum { COUNT = 4000 };
    static WireSample samples[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        samples[i] = (WireSample){.tag = i % 2 ? "incubator.t2" : "x.y", .time = INT64_C(1611326937840280000) + (int64_t)i,
                                  .value = random_normal(1, 1, i) * 1e-3, .quality = (Quality)(i % 3)};
    samples[0].value = 5e-324;
    samples[1].value = -1.7976931348623157e308;
    samples[2].time = INT64_MIN + 1;
    samples[3].time = INT64_MAX;
    samples[4].tag = hostile;
    wire_write_samples(&text, 2, samples, COUNT);
    read_back();
    ck_assert_int_eq(message.topic, WIRE_SAMPLES);
    ck_assert_uint_eq(message.samples.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const WireSample *const read = &message.samples.items[i];
        ck_assert_ptr_null(read->error);
        ck_assert_str_eq(read->tag, samples[i].tag);
        ck_assert_int_eq(read->time, samples[i].time);
        ck_assert_mem_eq(&read->value, &samples[i].value, sizeof(double));
        ck_assert_int_eq(read->quality, samples[i].quality);
    }
    forget();
}
END_TEST

START_TEST(answers_with_a_number_are_read_back)
{
    wire_write_stored(&text, 2, 4096, (ConnectorLosses){.duplicate = 3, .future = 1});
    read_back();
    ck_assert_int_eq(message.topic, WIRE_SAMPLES);
    ck_assert_int_eq(message.status, 200);
    ck_assert_uint_eq(message.stored.count, 4096);
    ck_assert_uint_eq(message.stored.lost.late, 0);
    ck_assert_uint_eq(message.stored.lost.duplicate, 3);
    ck_assert_uint_eq(message.stored.lost.future, 1);
    wire_write_actuated(&text, 3, 12);
    read_back();
    ck_assert_int_eq(message.topic, WIRE_ACTUATE);
    ck_assert_int_eq(message.status, 200);
    ck_assert_uint_eq(message.actuated, 12);
    wire_write_reported_version(&text, 4, 7);
    read_back();
    ck_assert_int_eq(message.topic, WIRE_REPORTED);
    ck_assert_uint_eq(message.reported_version, 7);
    forget();
}
END_TEST

START_TEST(how_a_device_is_set_is_read_back)
{
    json_t *json = json_loads("{\"period\":2.5,\"gain\":{\"p\":1}}", 0, NULL);
    wire_write_config(&text, 3, json);
    read_back();
    ck_assert_int_eq(message.topic, WIRE_CONFIG);
    ck_assert_uint_eq(message.config.version, 3);
    ck_assert(json_equal(message.config.delta, json));
    wire_write_reported(&text, 4, json);
    read_back();
    ck_assert_int_eq(message.topic, WIRE_REPORTED);
    ck_assert_int_eq(message.id, 4);
    ck_assert(json_equal(message.reported, json));
    json_decref(json);
    ck_assert_int_eq(read_frame("{\"topic\":\"reported\",\"value\":[1]}"), ERR_PARSE);
    ck_assert_int_eq(read_frame("{\"topic\":\"config\",\"value\":{\"version\":1,\"delta\":2}}"), ERR_PARSE);
    forget();
}
END_TEST

START_TEST(a_time_is_read_back)
{
    wire_write_time(&text, INT64_C(1611326940000000001));
    read_back();
    ck_assert_int_eq(message.topic, WIRE_TIME);
    ck_assert_int_eq(message.time, INT64_C(1611326940000000001));
    forget();
}
END_TEST

START_TEST(a_command_is_read_back)
{
    Command command = {.id = 12, .time = 1000, .deadline = 2000};
    snprintf(command.wish.reason, sizeof command.wish.reason, "%s", hostile);
    wire_write_command(&text, &command, hostile, -0.25);
    read_back();
    ck_assert_int_eq(message.topic, WIRE_COMMAND);
    ck_assert_int_eq(message.id, 12);
    ck_assert_str_eq(message.command.tag, hostile);
    ck_assert(message.command.value == -0.25);
    ck_assert_int_eq(message.command.time, 1000);
    ck_assert_int_eq(message.command.deadline, 2000);
    ck_assert_str_eq(message.command.reason, hostile);
    forget();
}
END_TEST

START_TEST(answers_without_content_are_read_back)
{
    for (WireTopic topic = WIRE_TIME; topic <= WIRE_ACKNOWLEDGE; topic++) {
        if (topic == WIRE_REPORTED)
            continue;  // its answer has the version
        wire_write_done(&text, topic, 9);
        read_back();
        ck_assert_int_eq(message.topic, topic);
        ck_assert_int_eq(message.id, 9);
        ck_assert_int_eq(message.status, 200);
    }
    forget();
}
END_TEST

START_TEST(a_refusal_is_read_back_with_what_was_expected_and_where)
{
    wire_write_refusal(&text, "samples", 2, 404, "/1", hostile);
    read_back();
    ck_assert_int_eq(message.topic, WIRE_SAMPLES);
    ck_assert_int_eq(message.id, 2);
    ck_assert_int_eq(message.status, 404);
    ck_assert_str_eq(message.path, "/1");
    ck_assert_str_eq(message.detail, hostile);

    wire_write_refusal(&text, NULL, WIRE_ID_NONE, 400, NULL, "expected JSON");
    ck_assert_str_eq(text.bytes, "{\"headers\":{\"status\":400},\"value\":{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"expected JSON\"}}");
    read_back();
    ck_assert_int_eq(message.topic, WIRE_TOPIC_COUNT);
    ck_assert_int_eq(message.status, 400);
    ck_assert_str_eq(message.detail, "expected JSON");
    forget();
}
END_TEST

START_TEST(texts_that_are_not_utf8_are_made_readable)
{
    wire_write_refusal(&text, "samples", 2, 404, NULL, "no tag \xff\xc3");
    read_back();
    ck_assert_str_eq(message.detail, "no tag \xef\xbf\xbd\xef\xbf\xbd");
    forget();
}
END_TEST

START_TEST(a_problem_has_the_title_of_its_status)
{
    wire_write_problem(&text, 413, "too large");
    ck_assert_str_eq(text.bytes, "{\"type\":\"about:blank\",\"title\":\"Content Too Large\",\"status\":413,\"detail\":\"too large\"}");
    text_clear(&text);
    wire_write_problem(&text, 499, "");
    ck_assert_ptr_nonnull(strstr(text.bytes, "\"title\":\"Refused\""));
    text_clear(&text);
    wire_write_problem(&text, 599, "");
    ck_assert_ptr_nonnull(strstr(text.bytes, "\"title\":\"Failed\""));
    forget();
}
END_TEST

START_TEST(requests_of_observers_are_read)
{
    ck_assert_int_eq(read_frame("{\"topic\":\"subscribe\",\"headers\":{\"id\":1},\"value\":{}}"), ERR_OK);
    ck_assert_int_eq(message.topic, WIRE_SUBSCRIBE);
    ck_assert_int_eq(read_frame("{\"topic\":\"acknowledge\",\"value\":{\"alarm\":7,\"by\":\"anna\"}}"), ERR_OK);
    ck_assert_uint_eq(message.act.alarm, 7);
    ck_assert_str_eq(message.act.by, "anna");
    ck_assert_str_eq(message.act.comment, "");
    ck_assert_int_eq(read_frame("{\"topic\":\"shelve\",\"value\":{\"alarm\":7,\"seconds\":90.5,\"comment\":\"known\"}}"), ERR_OK);
    ck_assert_int_eq(message.topic, WIRE_SHELVE);
    ck_assert(message.act.seconds == 90.5);
    ck_assert_str_eq(message.act.comment, "known");
    ck_assert_int_eq(read_frame("{\"topic\":\"shelve\",\"value\":{\"alarm\":7}}"), ERR_PARSE);
    ck_assert_int_eq(read_frame("{\"topic\":\"actuate\",\"value\":{\"tag\":\"a.b\",\"value\":1.5,\"reason\":\"by hand\"}}"), ERR_OK);
    ck_assert_str_eq(message.actuate.tag, "a.b");
    ck_assert(message.actuate.value == 1.5);
    ck_assert_str_eq(message.actuate.reason, "by hand");
    ck_assert_int_eq(read_frame("{\"topic\":\"actuate\",\"value\":{\"tag\":\"a.b\",\"value\":0}}"), ERR_OK);
    ck_assert_str_eq(message.actuate.reason, "");
    forget();
}
END_TEST

START_TEST(times_may_be_text)
{
    ck_assert_int_eq(read_frame("{\"topic\":\"time\",\"value\":\"2021-01-22T14:48:58.72Z\"}"), ERR_OK);
    ck_assert_int_eq(message.time, INT64_C(1611326938720000000));
    forget();
}
END_TEST

START_TEST(members_that_nobody_knows_are_let_pass)
{
    ck_assert_int_eq(read_frame("{\"topic\":\"time\",\"new\":[1],\"headers\":{\"trace\":{}},\"value\":5}"), ERR_OK);
    ck_assert_int_eq(message.time, 5);
    forget();
}
END_TEST

START_TEST(a_wrong_sample_leaves_the_others_alone)
{
    ck_assert_int_eq(read_frame("{\"topic\":\"samples\",\"value\":[[\"a.b\",1,2.5],[\"a.b\",1],7,[1,1,1],[\"\",1,1],[\"a.b\",1.5,1],[\"a.b\",\"noon\",1],"
                                "[\"a.b\",1,null],[\"a.b\",1,true],[\"a.b\",1,1,\"fine\"],[\"a.b\",1,1,\"bad\",0],[\"a.b\",-9223372036854775808,1],"
                                "[\"c.d\",\"1970-01-01T00:00:01Z\",3,\"uncertain\"]]}"),
                     ERR_OK);
    static const char *const errors[] = {
        NULL,
        "value/1: expected [tag, time, value] or [tag, time, value, quality], got 2 elements",
        "value/2: expected [tag, time, value] or [tag, time, value, quality], got an integer",
        "value/3/0: expected the name of a tag, got an integer",
        "value/4/0: expected the name of a tag, got an empty string",
        "value/5/1: expected a time (nanoseconds since 1970 as an integer, or RFC 3339), got a real number",
        "value/6/1: expected a time (nanoseconds since 1970 as an integer, or RFC 3339), got a string",
        "value/7/2: expected a number, got null",
        "value/8/2: expected a number, got true",
        "value/9/3: expected \"good\", \"uncertain\" or \"bad\", got a string",
        "value/10: expected [tag, time, value] or [tag, time, value, quality], got 5 elements",
        "value/11/1: expected a time (nanoseconds since 1970 as an integer, or RFC 3339), got an integer",
        NULL,
    };
    ck_assert_uint_eq(message.samples.count, sizeof errors / sizeof *errors);
    for (size_t i = 0; i < message.samples.count; i++)
        ck_assert_pstr_eq(message.samples.items[i].error, errors[i]);
    ck_assert(message.samples.items[0].value == 2.5);
    ck_assert_str_eq(message.samples.items[12].tag, "c.d");
    ck_assert_int_eq(message.samples.items[12].time, NS_PER_S);
    ck_assert_int_eq(message.samples.items[12].quality, QUALITY_UNCERTAIN);
    forget();
}
END_TEST

START_TEST(a_wrong_frame_is_refused_with_what_was_expected_and_where)
{
    static const struct {
        const char *frame, *text;
        Err err;
    } wrong[] = {
        {"", "frame: expected JSON", ERR_PARSE},
        {"{", "frame: expected JSON", ERR_PARSE},
        {"nonsense", "frame: expected JSON", ERR_PARSE},
        {"{} {}", "frame: expected JSON", ERR_PARSE},
        {"{\"topic\":\"time\",\"value\":1,\"value\":2}", "frame: expected JSON", ERR_PARSE},
        {"{\"topic\":\"actuate\",\"value\":{\"tag\":\"a.b\",\"value\":1e999}}", "frame: expected JSON", ERR_PARSE},
        {"{\"topic\":\"actuate\",\"value\":{\"tag\":\"a.b\",\"value\":NaN}}", "frame: expected JSON", ERR_PARSE},
        {"{\"topic\":\"time\",\"value\":9223372036854775808}", "frame: expected JSON", ERR_PARSE},
        {"{\"topic\":\"t\xffime\",\"value\":1}", "frame: expected JSON", ERR_PARSE},
        {"{\"topic\":\"ti\\u0000me\",\"value\":1}", "frame: expected JSON", ERR_PARSE},
        {"[]", "frame: expected an object, got an array", ERR_PARSE},
        {"{}", "topic: expected a topic, got nothing", ERR_PARSE},
        {"{\"topic\":7}", "topic: expected a topic, got an integer", ERR_PARSE},
        {"{\"topic\":\"hello\"}", "topic: expected one of the words of pollux.v1.json, got \"hello\"", ERR_UNKNOWN},
        {"{\"headers\":{\"status\":200}}", "topic: expected a topic, got nothing", ERR_PARSE},
        {"{\"topic\":\"time\",\"headers\":[]}", "headers: expected an object, got an array", ERR_PARSE},
        {"{\"topic\":\"time\",\"headers\":{\"id\":\"1\"}}", "headers/id: expected an integer, got a string", ERR_PARSE},
        {"{\"topic\":\"time\",\"headers\":{\"id\":1.5}}", "headers/id: expected an integer, got a real number", ERR_PARSE},
        {"{\"topic\":\"time\",\"headers\":{\"status\":1000}}", "headers/status: expected an integer from 100 to 599, got an integer", ERR_PARSE},
        {"{\"topic\":\"time\",\"path\":1,\"value\":1}", "path: expected a text, got an integer", ERR_PARSE},
        {"{\"topic\":\"time\"}", "value: expected a time", ERR_PARSE},
        {"{\"topic\":\"samples\",\"value\":{}}", "value: expected an array of samples, got an object", ERR_PARSE},
        {"{\"topic\":\"subscribe\",\"value\":1}", "value: expected an object, got an integer", ERR_PARSE},
        {"{\"topic\":\"provide\",\"value\":{}}", "value/device: expected a name, got nothing", ERR_PARSE},
        {"{\"topic\":\"provide\",\"value\":{\"device\":\"\"}}", "value/device: expected a name, got an empty string", ERR_PARSE},
        {"{\"topic\":\"provide\",\"value\":{\"device\":\"d\",\"tags\":[]}}", "value/tags: expected an object of tags, got an array", ERR_PARSE},
        {"{\"topic\":\"provide\",\"value\":{\"device\":\"d\",\"tags\":{\"\":{}}}}", "value/tags: expected names, got an empty one", ERR_PARSE},
        {"{\"topic\":\"provide\",\"value\":{\"device\":\"d\",\"tags\":{\"a.b\":1}}}", "value/tags/a.b: expected {} or {\"unit\": ...}, got an integer", ERR_PARSE},
        {"{\"topic\":\"provide\",\"value\":{\"device\":\"d\",\"tags\":{\"a.b\":{\"unit\":1}}}}", "value/tags/a.b/unit: expected a unit, got an integer", ERR_PARSE},
        {"{\"topic\":\"provide\",\"value\":{\"device\":\"d\",\"actuators\":{}}}", "value/actuators: expected an array of names, got an object", ERR_PARSE},
        {"{\"topic\":\"provide\",\"value\":{\"device\":\"d\",\"actuators\":[\"a.b\",null]}}", "value/actuators/1: expected a name, got null", ERR_PARSE},
        {"{\"topic\":\"command\",\"value\":{}}", "headers/id: expected the id of a command", ERR_PARSE},
        {"{\"topic\":\"command\",\"headers\":{\"id\":1},\"path\":\"a.b\",\"value\":{}}", "path: expected \"/\" and the tag of an actuator, got \"a.b\"", ERR_PARSE},
        {"{\"topic\":\"command\",\"headers\":{\"id\":1},\"path\":\"/\",\"value\":{}}", "path: expected \"/\" and the tag of an actuator, got \"/\"", ERR_PARSE},
        {"{\"topic\":\"command\",\"headers\":{\"id\":1},\"path\":\"/a\",\"value\":{\"value\":1,\"deadline\":1}}", "value/time: expected a time", ERR_PARSE},
        {"{\"topic\":\"acknowledge\",\"value\":{\"alarm\":-1}}", "value/alarm: expected an integer from 0, got an integer", ERR_PARSE},
        {"{\"topic\":\"acknowledge\",\"value\":{\"alarm\":1,\"by\":7}}", "value/by: expected a text, got an integer", ERR_PARSE},
        {"{\"topic\":\"actuate\",\"value\":{\"tag\":\"a.b\",\"value\":\"1\"}}", "value/value: expected a number, got a string", ERR_PARSE},
        {"{\"topic\":\"samples\",\"headers\":{\"status\":200},\"value\":{}}", "value/stored: expected an integer from 0, got nothing", ERR_PARSE},
        {"{\"topic\":\"provide\",\"headers\":{\"status\":200},\"value\":{\"plant\":\"p\",\"step\":1,\"speed\":1,\"clock\":\"sun\",\"from\":null}}",
         "value/clock: expected \"provider\" or \"utc\", got \"sun\"", ERR_PARSE},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const Err err = read_frame(wrong[i].frame);
        ck_assert_msg(err == wrong[i].err, "%s gave %s", wrong[i].frame, err_name(err));
        ck_assert_msg(strncmp(why.text, wrong[i].text, strlen(wrong[i].text)) == 0, "%s: expected \"%s\", got \"%s\"", wrong[i].frame, wrong[i].text, why.text);
    }
    forget();
}
END_TEST

START_TEST(a_refused_frame_gives_its_id_and_topic_for_the_answer)
{
    ck_assert_int_eq(read_frame("{\"topic\":\"provide\",\"headers\":{\"id\":17},\"value\":3}"), ERR_PARSE);
    ck_assert_int_eq(message.id, 17);
    ck_assert_str_eq(wire_topic_name(message.topic), "provide");
    ck_assert_int_eq(read_frame("{\"topic\":\"hello\",\"headers\":{\"id\":18}}"), ERR_UNKNOWN);
    ck_assert_int_eq(message.id, 18);
    ck_assert_ptr_null(wire_topic_name(message.topic));
    ck_assert_int_eq(read_frame("{"), ERR_PARSE);
    ck_assert_int_eq(message.id, WIRE_ID_NONE);
    forget();
}
END_TEST

static const char *nested(int depth)
{
    static char frame[512];
    // the envelope is the first level, and brackets in texts are none
    int length = snprintf(frame, sizeof frame, "{\"topic\":\"time\",\"value\":1,\"x\\\"[[[[[[[[[\":\"[[[[[[[[[{{{\\\"[\",\"y\":");
    for (int i = 1; i < depth; i++)
        frame[length++] = '[';
    for (int i = 1; i < depth; i++)
        frame[length++] = ']';
    strcpy(frame + length, "}");
    return frame;
}

START_TEST(nesting_is_bounded_and_brackets_in_texts_do_not_count)
{
    ck_assert_int_eq(read_frame(nested(WIRE_DEPTH_MAX)), ERR_OK);
    ck_assert_int_eq(read_frame(nested(WIRE_DEPTH_MAX + 1)), ERR_RANGE);
    ck_assert_str_eq(why.text, "frame: expected at most 8 levels of nesting");
    forget();
}
END_TEST

START_TEST(size_is_bounded)
{
    char *const frame = malloc(WIRE_FRAME_MAX + 1);
    memset(frame, ' ', WIRE_FRAME_MAX + 1);
    memcpy(frame, "{\"topic\":\"time\",\"value\":1}", 26);
    ck_assert_int_eq(wire_create(&wire), ERR_OK);
    ck_assert_int_eq(wire_read(wire, frame, WIRE_FRAME_MAX, &message, &why), ERR_OK);
    ck_assert_int_eq(wire_read(wire, frame, WIRE_FRAME_MAX + 1, &message, &why), ERR_RANGE);
    free(frame);
    forget();
}
END_TEST

static Err read_many_samples(size_t count)
{
    text_put(&text, "{\"topic\":\"samples\",\"value\":[");
    for (size_t i = 0; i < count; i++)
        text_put(&text, i ? ",[\"a.b\",1,1]" : "[\"a.b\",1,1]");
    text_put(&text, "]}");
    const Err err = read_frame(text.bytes);
    text_clear(&text);
    return err;
}

static Err read_many_tags(size_t count, bool actuators)
{
    text_put(&text, actuators ? "{\"topic\":\"provide\",\"value\":{\"device\":\"d\",\"actuators\":[" : "{\"topic\":\"provide\",\"value\":{\"device\":\"d\",\"tags\":{");
    for (size_t i = 0; i < count; i++)
        text_format(&text, actuators ? "%s\"t.%zu\"" : "%s\"t.%zu\":{}", i ? "," : "", i);
    text_put(&text, actuators ? "]}}" : "}}}");
    const Err err = read_frame(text.bytes);
    text_clear(&text);
    return err;
}

START_TEST(counts_are_bounded)
{
    ck_assert_int_eq(read_many_samples(WIRE_SAMPLES_MAX), ERR_OK);
    ck_assert_uint_eq(message.samples.count, WIRE_SAMPLES_MAX);
    ck_assert_int_eq(read_many_samples(WIRE_SAMPLES_MAX + 1), ERR_RANGE);
    ck_assert_int_eq(read_many_tags(WIRE_TAGS_MAX, false), ERR_OK);
    ck_assert_uint_eq(message.provide.tag_count, WIRE_TAGS_MAX);
    ck_assert_int_eq(read_many_tags(WIRE_TAGS_MAX + 1, false), ERR_RANGE);
    ck_assert_int_eq(read_many_tags(WIRE_TAGS_MAX, true), ERR_OK);
    ck_assert_int_eq(read_many_tags(WIRE_TAGS_MAX + 1, true), ERR_RANGE);
    forget();
}
END_TEST

START_TEST(reading_without_memory_fails_and_reads_again_later)
{
    static const char frame[] = "{\"topic\":\"samples\",\"value\":[[\"a.b\",\"1970-01-01T00:00:00Z\",1]]}";
    ck_assert_int_eq(wire_create(&wire), ERR_OK);
    kit_fail_allocation(1);
    ck_assert_int_eq(read_frame(frame), ERR_MEMORY);
    kit_fail_allocation(0);
    ck_assert_int_eq(read_frame(frame), ERR_OK);
    forget();

    kit_fail_allocation(1);
    ck_assert_int_eq(wire_create(&wire), ERR_MEMORY);
    kit_fail_allocation(0);
    ck_assert_ptr_null(wire);
    wire_destroy(NULL);
}
END_TEST

START_TEST(topics_of_devices_are_known)
{
    static const bool device[WIRE_TOPIC_COUNT] = {[WIRE_PROVIDE] = true, [WIRE_NUMBERS] = true, [WIRE_SAMPLES] = true, [WIRE_TIME] = true, [WIRE_COMMAND] = true,
                                                   [WIRE_CONFIG] = true, [WIRE_REPORTED] = true};
    for (WireTopic topic = WIRE_PROVIDE; topic < WIRE_TOPIC_COUNT; topic++)
        ck_assert_int_eq(wire_is_device_topic(topic), device[topic]);
}
END_TEST

KIT_MAIN("signal.wire", a_provide_is_read_back, a_welcome_is_read_back, samples_are_read_back_to_the_last_bit, answers_with_a_number_are_read_back,
         how_a_device_is_set_is_read_back, a_time_is_read_back, a_command_is_read_back, answers_without_content_are_read_back, a_refusal_is_read_back_with_what_was_expected_and_where,
         texts_that_are_not_utf8_are_made_readable, a_problem_has_the_title_of_its_status, requests_of_observers_are_read, times_may_be_text,
         members_that_nobody_knows_are_let_pass, a_wrong_sample_leaves_the_others_alone, a_wrong_frame_is_refused_with_what_was_expected_and_where,
         a_refused_frame_gives_its_id_and_topic_for_the_answer, nesting_is_bounded_and_brackets_in_texts_do_not_count, size_is_bounded, counts_are_bounded,
         reading_without_memory_fails_and_reads_again_later, topics_of_devices_are_known)
