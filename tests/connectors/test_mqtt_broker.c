/* test_mqtt_broker.c -- MQTT against Debian's mosquitto: what its clients say arrives, what is commanded they see. */
#include <math.h>

#include "connectors/line.h"
#include "connectors/mosquitto.h"
#include "connectors/mqtt/mqtt.h"

static BrokerProcess broker;
static Line line;
static Witness witness;

static void open_at(Line *at, const char *more, const LineBinding *bindings, size_t count)
{
    char options[1024];
    snprintf(options, sizeof options, "{\"url\":\"%s\",\"retry\":0.05,\"retry_most\":0.2%s}", broker.url, more);
    line_prepare(at, options, bindings, count);
    line_open(at, &mqtt_kind);
    LINE_AWAIT(at, line_is_joined(at));
}

static void open_line(const char *more, const LineBinding *bindings, size_t count)
{
    open_at(&line, more, bindings, count);
}

// The broker answers a subscription before what is published behind it; a sample that is retained is there whichever comes first.

static void say(const char *topic, const char *payload)
{
    BROKER_PUB(&broker, "-t", topic, "-m", payload, "-q", "1", "-r");
}

static void open_plain(void)
{
    broker = broker_open("allow_anonymous true");
    memset(&witness, 0, sizeof witness);
}

static void close_all(void)
{
    line_close(&line);
    broker_close(&broker);
}

// Samples.

static void assert_samples_come(const char *version)
{
    static const LineBinding bindings[] = {
        {"tank1.gauge", "cm", "{\"topic\":\"works/tank1/level\"}"},
        {"tank1.probe", "degC", "{\"topic\":\"works/tank1/all\",\"payload\":\"json\",\"value\":\"/probe/t\",\"stamp\":\"/at\",\"quality\":\"/q\"}"},
        {"tank1.flow", "l/min", "{\"topic\":\"works/+/all\",\"payload\":\"json\",\"value\":\"/flow\",\"where\":{\"/device\":7}}"},
    };
    open_plain();
    open_line(version, bindings, 3);
    say("works/tank1/level", "42");
    LINE_AWAIT(&line, line_count(&line, 0) > 0);
    ck_assert_double_eq_tol(line_newest(&line, 0).value, 0.42, 1e-12);

    say("works/tank1/all", "{\"device\":7,\"probe\":{\"t\":20},\"at\":\"2026-01-22T14:48:58.5Z\",\"q\":\"uncertain\",\"flow\":60}");
    say("works/tank2/all", "{\"device\":8,\"flow\":120}");
    LINE_AWAIT(&line, line_count(&line, 1) > 0 && line_count(&line, 2) > 0);
    int64_t time;
    ck_assert(time_parse("2026-01-22T14:48:58.5Z", 22, &time));
    ck_assert_double_eq_tol(line_newest(&line, 1).value, 293.15, 1e-9);
    ck_assert_int_eq(line_newest(&line, 1).time, time);
    ck_assert_int_eq(line_newest(&line, 1).quality, QUALITY_UNCERTAIN);
    ck_assert_double_eq_tol(line_newest(&line, 2).value, 1e-3, 1e-12);

    // what device 8 said was for nobody: whoever follows it comes behind it
    say("works/tank3/all", "{\"device\":7,\"flow\":30}");
    LINE_AWAIT(&line, fabs(line_newest(&line, 2).value - 0.5e-3) < 1e-12);
    ck_assert_uint_eq(line_count(&line, 2), 2);
    close_all();
}

START_TEST(samples_come_by_version_5)
{
    assert_samples_come(",\"version\":5");
}
END_TEST

START_TEST(samples_come_by_version_3_1_1)
{
    assert_samples_come(",\"version\":4");
}
END_TEST

START_TEST(what_was_retained_is_of_uncertain_age_unless_it_says_when_it_was)
{
    static const LineBinding bindings[] = {
        {"tank1.gauge", "m", "{\"topic\":\"works/old\"}"},
        {"tank1.probe", "m", "{\"topic\":\"works/dated\",\"payload\":\"json\",\"value\":\"/v\",\"stamp\":\"/t\",\"stamp_unit\":\"s\"}"},
    };
    open_plain();
    say("works/old", "1");
    say("works/dated", "{\"v\":2,\"t\":1700000000}");
    open_line("", bindings, 2);
    LINE_AWAIT(&line, line_count(&line, 0) == 1 && line_count(&line, 1) == 1);
    ck_assert_int_eq(line_newest(&line, 0).quality, QUALITY_UNCERTAIN);
    ck_assert_int_eq(line_newest(&line, 1).quality, QUALITY_GOOD);
    ck_assert_int_eq(line_newest(&line, 1).time, INT64_C(1700000000) * NS_PER_S);

    say("works/old", "3");
    LINE_AWAIT(&line, line_count(&line, 0) == 2);
    ck_assert_int_eq(line_newest(&line, 0).quality, QUALITY_GOOD);
    close_all();
}
END_TEST

START_TEST(malformed_payloads_are_refused_counted_and_shown)
{
    static const LineBinding bindings[] = {
        {"tank1.gauge", "m", "{\"topic\":\"works/plain\"}"},
        {"tank1.probe", "m", "{\"topic\":\"works/json\",\"payload\":\"json\",\"value\":\"/v\"}"},
    };
    open_plain();
    open_line("", bindings, 2);
    say("works/plain", "wet");
    LINE_AWAIT(&line, exchange_state(line.exchange).refused == 1);
    ck_assert_str_eq(line_fault(&line), "works/plain: a number was expected");
    say("works/json", "{\"v\":");
    LINE_AWAIT(&line, exchange_state(line.exchange).refused == 2);
    ck_assert(strstr(line_fault(&line), "works/json: JSON was expected") != NULL);
    say("works/json", "{\"w\":1}");
    LINE_AWAIT(&line, exchange_state(line.exchange).refused == 3);
    say("works/plain", "1");
    LINE_AWAIT(&line, line_count(&line, 0) == 1);
    ck_assert_uint_eq(line_count(&line, 1), 0);
    close_all();
}
END_TEST

START_TEST(what_no_binding_names_is_seen_where_one_looks_for_it)
{
    ExchangeSeen seen[8];
    static const LineBinding bindings[] = {{"tank1.gauge", "m", "{\"topic\":\"works/bound\"}"}};
    open_plain();
    open_line(",\"discover\":\"works/#\"", bindings, 1);
    say("works/free", "7");
    say("works/pump", "{\"motor\":{\"rpm\":1450},\"name\":\"P1\"}");
    say("works/bound", "1");
    LINE_AWAIT(&line, line_count(&line, 0) == 1);
    ck_assert_uint_eq(exchange_list_seen(line.exchange, seen, 8), 2);
    ck_assert_str_eq(seen[0].address, "works/free");
    ck_assert_double_eq(seen[0].number, 7);
    ck_assert_str_eq(seen[1].address, "works/pump#/motor/rpm");
    ck_assert_double_eq(seen[1].number, 1450);
    ck_assert_uint_eq(exchange_state(line.exchange).refused, 0);
    close_all();
}
END_TEST

/* Two members of a group: each message goes to one of them. */
START_TEST(members_of_a_group_share_the_messages)
{
    enum { MESSAGES = 40 };
    static const LineBinding bindings[] = {{"tank1.gauge", "m", "{\"topic\":\"works/level\",\"qos\":1}"}};
    static Line other;
    open_plain();
    open_at(&other, ",\"share\":\"twins\"", bindings, 1);
    open_line(",\"share\":\"twins\"", bindings, 1);
    witness_open(&witness, &broker, "nothing");
    // a subscription may be a moment younger than its connection
    size_t sent = 0;
    while (line_count(&line, 0) == 0 || line_count(&other, 0) == 0) {
        witness_publish(&witness, "works/level", "1", 1);
        LINE_AWAIT(&line, (line_poll(&other), line_count(&line, 0) + line_count(&other, 0)) > sent);
        sent = line_count(&line, 0) + line_count(&other, 0);
    }
    for (int i = 0; i < MESSAGES; i++)
        witness_publish(&witness, "works/level", "2", 1);
    LINE_AWAIT(&line, (line_poll(&other), line_count(&line, 0) + line_count(&other, 0)) >= sent + MESSAGES);
    ck_assert_uint_eq(line_count(&line, 0) + line_count(&other, 0), sent + MESSAGES);
    witness_close(&witness);
    line_close(&other);
    close_all();
}
END_TEST

// Commands.

START_TEST(a_command_is_done_when_the_broker_has_it)
{
    static const LineBinding bindings[] = {
        {"valve1.opening", "percent", "{\"topic\":\"works/valve1\"}", .writes = true},
        {"valve2.opening", "percent", "{\"topic\":\"works/valve2\",\"qos\":0}", .writes = true},
        {"valve3.opening", "percent",
         "{\"topic\":\"works/valve3\",\"qos\":2,\"retain\":true,\"payload\":\"json\",\"value\":\"/set\",\"id\":\"/id\"}", .writes = true},
    };
    open_plain();
    witness_open(&witness, &broker, "works/#");
    open_line("", bindings, 3);
    line_assert_done(&line, line_send(&line, 0, 0.5));
    line_assert_done(&line, line_send(&line, 1, 0.25));
    line_assert_done(&line, line_send(&line, 2, 0.125));
    LINE_AWAIT(&line, witness_count(&witness, "works/valve1", "50") == 1);
    LINE_AWAIT(&line, witness_count(&witness, "works/valve2", "25") == 1);
    LINE_AWAIT(&line, witness_count(&witness, "works/valve3", "{\"set\":12.5,\"id\":3}") == 1);
    ck_assert_uint_eq(witness.count, 3);
    witness_close(&witness);

    // the last one was retained: who comes later hears it
    memset(&witness, 0, sizeof witness);
    witness_open(&witness, &broker, "works/#");
    LINE_AWAIT(&line, witness_count(&witness, "works/valve3", NULL) == 1);
    ck_assert(witness.seen[0].retained);
    witness_close(&witness);
    close_all();
}
END_TEST

START_TEST(a_command_that_nobody_hears_has_failed)
{
    static const LineBinding bindings[] = {{"valve1.opening", "1", "{\"topic\":\"works/valve1\"}", .writes = true}};
    open_plain();
    open_line("", bindings, 1);
    line_assert_failed(&line, line_send(&line, 0, 1), "nobody has subscribed");
    close_all();
}
END_TEST

/* A device that answers with what it was told, on a topic of its own; it does not know version 5. */
static void repeat(Witness *self, const Seen *seen, const mosquitto_property *properties)
{
    (void)properties;
    if (strcmp(seen->topic, "works/valve1") == 0)
        mosquitto_publish(self->client, NULL, "works/valve1/is", (int)seen->length, seen->payload, 1, false);
    if (strcmp(seen->topic, "works/valve2") == 0 && !strstr(seen->payload, "-1"))
        mosquitto_publish(self->client, NULL, "works/valve2/is", (int)seen->length, seen->payload, 1, false);
    if (strcmp(seen->topic, "works/valve2") == 0 && strstr(seen->payload, "-1")) {
        static const char no[] = "{\"id\":3,\"error\":\"stuck\"}";
        mosquitto_publish(self->client, NULL, "works/valve2/is", (int)strlen(no), no, 1, false);
    }
}

static void assert_replies_confirm(const char *version)
{
    static const LineBinding bindings[] = {
        {"valve1.opening", "1", "{\"topic\":\"works/valve1\",\"reply\":\"works/valve1/is\"}", .writes = true},
        {"valve2.opening", "1", "{\"topic\":\"works/valve2\",\"reply\":\"works/valve2/is\",\"payload\":\"json\",\"value\":\"/set\"}", .writes = true},
        {"valve3.opening", "1", "{\"topic\":\"works/valve3\",\"reply\":\"works/valve3/is\",\"qos\":0}", .writes = true},
    };
    open_plain();
    witness.answer = repeat;
    witness_open(&witness, &broker, "works/+");
    open_line(version, bindings, 3);
    line_assert_done(&line, line_send(&line, 0, 0.3));
    line_assert_done(&line, line_send(&line, 1, 0.4));
    line_assert_failed(&line, line_send(&line, 1, -1), "stuck");
    // what nobody confirms is not done, whatever the broker says
    const uint64_t mute = line_send(&line, 2, 1);
    line_assert_done(&line, line_send(&line, 0, 0.5));
    ck_assert_ptr_null(line_outcome(&line, mute));
    witness_close(&witness);
    close_all();
}

START_TEST(a_reply_confirms_by_version_5)
{
    assert_replies_confirm(",\"version\":5");
}
END_TEST

START_TEST(a_reply_confirms_by_version_3_1_1)
{
    assert_replies_confirm(",\"version\":4");
}
END_TEST

/* The connector at both ends: one commands, the other is the device, and answers what it takes. */
START_TEST(what_is_read_can_be_confirmed)
{
    static const LineBinding here[] = {{"valve1.opening", "1", "{\"topic\":\"works/valve1\",\"reply\":\"works/valve1/has\",\"payload\":\"json\",\"value\":\"/v\"}", .writes = true}};
    static const LineBinding there[] = {{"valve1.opening", "1", "{\"topic\":\"works/valve1\",\"reply\":\"works/valve1/has\",\"payload\":\"json\",\"value\":\"/v\"}"}};
    static Line device;
    open_plain();
    open_at(&device, "", there, 1);
    open_line("", here, 1);
    line_assert_done(&line, line_send(&line, 0, 0.7));
    line_poll(&device);
    ck_assert_double_eq(line_newest(&device, 0).value, 0.7);
    line_close(&device);
    close_all();
}
END_TEST

// Who we are.

START_TEST(the_status_says_whether_we_are_there)
{
    open_plain();
    witness_open(&witness, &broker, "status/#");
    open_line(",\"status\":\"status/line\"", NULL, 0);
    LINE_AWAIT(&line, witness_count(&witness, "status/line", "online") == 1);
    line_close(&line);
    for (const int64_t until = broker_until(); witness_count(&witness, "status/line", "offline") == 0; broker_nap())
        ck_assert(!broker_is_late(until));
    witness_close(&witness);
    broker_close(&broker);
}
END_TEST

/* A process that dies says nothing: its last will does. */
START_TEST(the_last_will_is_told_when_we_die)
{
    int ready[2];
    char byte;
    open_plain();
    ck_assert_int_eq(pipe(ready), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        open_line(",\"will\":{\"topic\":\"status/line\",\"payload\":\"gone\"}", NULL, 0);
        ck_assert_int_eq(write(ready[1], "!", 1), 1);
        pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    witness_open(&witness, &broker, "status/#");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (const int64_t until = broker_until(); witness_count(&witness, "status/line", "gone") == 0; broker_nap())
        ck_assert(!broker_is_late(until));
    witness_close(&witness);
    broker_close(&broker);
}
END_TEST

KIT_MAIN("connectors.mqtt_broker", samples_come_by_version_5, samples_come_by_version_3_1_1, what_was_retained_is_of_uncertain_age_unless_it_says_when_it_was,
         malformed_payloads_are_refused_counted_and_shown, what_no_binding_names_is_seen_where_one_looks_for_it, members_of_a_group_share_the_messages,
         a_command_is_done_when_the_broker_has_it, a_command_that_nobody_hears_has_failed, a_reply_confirms_by_version_5, a_reply_confirms_by_version_3_1_1,
         what_is_read_can_be_confirmed, the_status_says_whether_we_are_there, the_last_will_is_told_when_we_die)
