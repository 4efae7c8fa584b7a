/* The connector over TCP, with an outstation at the other end of the loopback. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/iec104/iec104.h"
#include "connectors/iec104/outstation_server.h"
#include "kit/kit.h"

enum { GAUGE, METER, SWITCH, VALVE, PUMP, BINDINGS, PATIENCE_S = 30, ARRIVALS = 4096 };

typedef struct Bench {
    Outstation *outstation;
    OutstationServer *server;
    uint16_t port;
    json_t *options, *addresses[BINDINGS];
    Binding bindings[BINDINGS];
    Connector connector;
    Exchange *exchange;
    Arrival arrivals[ARRIVALS];
    size_t count;
} Bench;

static Bench bench;

static int64_t utc_now(void)
{
    return clock_system.utc_ns(clock_system.self);
}

static json_t *table(const char *text)
{
    json_t *const object = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(object);
    return object;
}

static const Unit *unit(const char *text)
{
    const Unit *found;
    ck_assert_int_eq(unit_parse(text, &found, NULL), ERR_OK);
    return found;
}

static ConnectorDef connector_def(void)
{
    return (ConnectorDef){.name = "grid", .options = bench.options, .bindings = bench.bindings, .binding_count = BINDINGS, .folder = kit_folder()};
}

static void describe(void)
{
    static const char *const addresses[BINDINGS] = {
        "{\"address\": 4001}",
        "{\"address\": 4002, \"quality\": {\"NT\": \"good\", \"SB\": \"bad\"}}",
        "{\"address\": 11}",
        "{\"address\": 6201, \"type\": \"C_SE_NC\", \"select\": true, \"terminates\": true}",
        "{\"address\": 6001, \"type\": \"C_SC_NA\"}",
    };
    for (size_t i = 0; i < BINDINGS; i++)
        bench.addresses[i] = table(addresses[i]);
    bench.bindings[GAUGE] = (Binding){.tag = 10, .name = "tank1.gauge", .unit = unit("cm"), .scale = 2, .source_time = true, .address = bench.addresses[GAUGE]};
    bench.bindings[METER] = (Binding){.tag = 11, .name = "pump1.meter", .unit = unit_one(), .scale = 1, .address = bench.addresses[METER]};
    bench.bindings[SWITCH] = (Binding){.tag = 12, .name = "pump1.runs", .unit = unit_one(), .scale = 1, .address = bench.addresses[SWITCH]};
    bench.bindings[VALVE] = (Binding){.tag = 13, .name = "valve1.opening", .unit = unit("%"), .scale = 1, .writes = true, .address = bench.addresses[VALVE]};
    bench.bindings[PUMP] = (Binding){.tag = 14, .name = "pump1.order", .unit = unit_one(), .scale = 1, .writes = true, .address = bench.addresses[PUMP]};
}

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);  // as the program does
    memset(&bench, 0, sizeof bench);
    bench.outstation = outstation_create(12, 8, 15 * NS_PER_S, 10 * NS_PER_S, 20 * NS_PER_S);
    outstation_add_point(bench.outstation, 1, 4001, 36);
    outstation_add_point(bench.outstation, 1, 4002, 11);
    outstation_add_point(bench.outstation, 1, 11, 30);
    outstation_add_point(bench.outstation, 1, 4999, 13);
    outstation_add_command(bench.outstation, 1, 6201, 50, true, 0);
    outstation_add_command(bench.outstation, 1, 6001, 45, false, 11);
    outstation_set(bench.outstation, 1, 4001, 15, 0, utc_now());
    outstation_set(bench.outstation, 1, 4002, 7, 0x40, utc_now());
    bench.server = outstation_serve(bench.outstation, &bench.port);
    describe();
}

static void teardown(void)
{
    if (bench.connector.type)
        bench.connector.type->close(bench.connector.self);
    if (bench.server)
        outstation_kill(bench.server);
    outstation_destroy(bench.outstation);
    json_decref(bench.options);
    for (size_t i = 0; i < BINDINGS; i++)
        json_decref(bench.addresses[i]);
}

/* With the standard's own times, which hold on any machine, and what else is asked for. */
static void connect_with(const char *more)
{
    char text[256];
    snprintf(text, sizeof text, "{\"host\": \"127.0.0.1\", \"port\": %u%s}", bench.port, more);
    bench.options = table(text);
    const ConnectorDef def = connector_def();
    ConnectorFault fault;
    ck_assert_msg(iec104_kind.open(&def, &bench.connector, &bench.exchange, &fault) == ERR_OK, "%s", fault.why.text);
}

static void connect_now(void)
{
    connect_with("");
}

// What arrives

static void drain(void)
{
    bench.count += bench.connector.type->poll(bench.connector.self, bench.arrivals + bench.count, ARRIVALS - bench.count);
}

typedef bool IsIt(const Arrival *arrival, double number);

/* The `n`-th arrival (from 0) that is it; it is waited for with patience. */
static const Arrival *await(IsIt *is_it, double number, size_t n)
{
    for (int round = 0; round < PATIENCE_S * 200; round++) {
        drain();
        size_t found = 0;
        for (size_t i = 0; i < bench.count; i++)
            if (is_it(&bench.arrivals[i], number) && found++ == n)
                return &bench.arrivals[i];
        usleep(5000);
    }
    ck_abort_msg("it did not come: %g", number);
    return NULL;
}

static size_t count_of(IsIt *is_it, double number)
{
    size_t found = 0;
    drain();
    for (size_t i = 0; i < bench.count; i++)
        found += is_it(&bench.arrivals[i], number);
    return found;
}

static bool is_joined(const Arrival *arrival, double number)
{
    (void)number;
    return arrival->kind == ARRIVAL_JOINED;
}

static bool is_left(const Arrival *arrival, double number)
{
    (void)number;
    return arrival->kind == ARRIVAL_LEFT;
}

static bool is_sample_of(const Arrival *arrival, double tag)
{
    return arrival->kind == ARRIVAL_SAMPLE && arrival->sample.tag == (TagId)tag;
}

static bool is_gap_of(const Arrival *arrival, double tag)
{
    return is_sample_of(arrival, tag) && arrival->sample.quality == QUALITY_BAD;
}

static bool is_outcome(const Arrival *arrival, double command)
{
    return arrival->kind == ARRIVAL_OUTCOME && arrival->command == (uint64_t)command;
}

static void ask(uint64_t id, TagId tag, double value)
{
    const Command command = {.id = id, .wish = {.tag = tag, .value = value}, .deadline = utc_now() + 20 * NS_PER_S};
    ck_assert_int_eq(bench.connector.type->send(bench.connector.self, &command), ERR_OK);
}

static void expect_outcome(uint64_t id, bool done, const char *text)
{
    const Arrival *const outcome = await(is_outcome, (double)id, 0);
    ck_assert_str_eq(outcome->text, text);
    ck_assert_int_eq(outcome->done, done);
}

static void set(uint32_t ioa, double value, uint8_t quality, int64_t utc)
{
    outstation_set(outstation_hold(bench.server), 1, ioa, value, quality, utc);
    outstation_release(bench.server);
}

static OutstationCounts counts(void)
{
    const OutstationCounts counts = outstation_counts(outstation_hold(bench.server));
    outstation_release(bench.server);
    return counts;
}

static size_t executed(OutstationDone *done, size_t room)
{
    const size_t count = outstation_done(outstation_hold(bench.server), done, room);
    outstation_release(bench.server);
    return count;
}

// Tests

START_TEST(the_interrogation_brings_what_stands_there)
{
    setup();
    connect_now();
    await(is_joined, 0, 0);
    const Arrival *const gauge = await(is_sample_of, 10, 0);
    ck_assert_double_eq_tol(gauge->sample.value, 0.30, 1e-12);  // 15 * 2 cm
    ck_assert_int_eq(gauge->sample.quality, QUALITY_GOOD);
    ck_assert_int_lt(llabs(gauge->sample.time - utc_now()), 60 * NS_PER_S);
    const Arrival *const meter = await(is_sample_of, 11, 0);
    ck_assert_double_eq(meter->sample.value, 7);
    ck_assert_int_eq(meter->sample.quality, QUALITY_GOOD);  // not topical, which its binding takes for good
    ck_assert_int_eq(await(is_sample_of, 12, 0)->sample.quality, QUALITY_BAD);  // not topical
    teardown();
}
END_TEST

START_TEST(a_change_comes_with_the_time_of_its_source_and_its_quality)
{
    setup();
    connect_now();
    await(is_sample_of, 12, 0);  // the last of the interrogation that is bound
    const int64_t when = utc_now() / NS_PER_MS * NS_PER_MS;
    set(4001, 20, 0, when);
    const Arrival *gauge = await(is_sample_of, 10, 1);
    ck_assert_double_eq_tol(gauge->sample.value, 0.40, 1e-12);
    ck_assert_int_eq(gauge->sample.time, when);
    ck_assert(!gauge->historical);

    set(4002, 8, 0x20, 0);
    ck_assert_int_eq(await(is_sample_of, 11, 1)->sample.quality, QUALITY_BAD);  // substituted, which its binding takes for bad
    set(4001, 21, 0x20, when);
    ck_assert_int_eq(await(is_sample_of, 10, 2)->sample.quality, QUALITY_UNCERTAIN);
    set(4001, 22, 0x80, when);
    ck_assert_int_eq(await(is_sample_of, 10, 3)->sample.quality, QUALITY_BAD);
    teardown();
}
END_TEST

START_TEST(what_is_not_bound_is_shown_to_who_looks_for_it)
{
    setup();
    connect_now();
    await(is_sample_of, 12, 0);
    set(4001, 1, 0, utc_now());
    await(is_sample_of, 10, 1);  // behind it everything of the interrogation has come
    ExchangeSeen seen[4];
    ck_assert_uint_eq(exchange_list_seen(bench.exchange, seen, 4), 1);
    ck_assert_str_eq(seen[0].address, "station 1 address 4999 M_ME_NC_1");
    teardown();
}
END_TEST

START_TEST(commands_are_carried_out_and_answered_once)
{
    setup();
    connect_now();
    await(is_joined, 0, 0);
    ask(1, 13, 0.375);
    expect_outcome(1, true, "");
    ask(2, 14, 1);
    expect_outcome(2, true, "");
    ask(3, 14, 0.5);
    expect_outcome(3, false, "C_SC_NA_1 carries 0 or 1, not 0.5");
    outstation_faults(outstation_hold(bench.server))->refuses_selects = true;
    outstation_release(bench.server);
    ask(4, 13, 0.5);
    expect_outcome(4, false, "the station refused the selection");

    OutstationDone done[4];
    ck_assert_uint_eq(executed(done, 4), 2);
    ck_assert(done[0].was_selected && done[0].value == 37.5);  // percent
    ck_assert_double_eq(done[1].value, 1);
    ck_assert_double_eq(await(is_sample_of, 12, 1)->sample.value, 1);  // the point that shows it
    for (uint64_t id = 1; id <= 4; id++)
        ck_assert_uint_eq(count_of(is_outcome, (double)id), 1);
    teardown();
}
END_TEST

START_TEST(a_killed_outstation_leaves_a_gap_and_no_command_twice)
{
    setup();
    connect_now();
    await(is_sample_of, 12, 0);
    outstation_faults(outstation_hold(bench.server))->never_terminates = true;
    outstation_release(bench.server);
    ask(1, 13, 0.5);
    OutstationDone done[4];
    for (int round = 0; round < PATIENCE_S * 200 && executed(done, 4) == 0; round++)
        usleep(5000);
    outstation_kill(bench.server);
    bench.server = NULL;

    await(is_left, 0, 0);
    await(is_gap_of, 10, 0);
    await(is_gap_of, 11, 0);
    expect_outcome(1, false, "the connection was lost before its end was told: it may have been carried out");
    ask(2, 14, 1);
    char expected[96];
    snprintf(expected, sizeof expected, "there is no connection to 127.0.0.1:%u", bench.port);
    expect_outcome(2, false, expected);

    // what it kept meanwhile is of the past
    outstation_faults(bench.outstation)->never_terminates = false;
    outstation_set(bench.outstation, 1, 4001, 30, 0, utc_now());
    bench.server = outstation_serve(bench.outstation, &bench.port);
    await(is_joined, 0, 1);
    ck_assert_double_eq_tol(await(is_sample_of, 10, 2)->sample.value, 0.60, 1e-12);
    set(4001, 31, 0, utc_now() - 3600 * NS_PER_S);
    const Arrival *const past = await(is_sample_of, 10, 3);
    ck_assert(past->historical);
    ck_assert_double_eq_tol(past->sample.value, 0.62, 1e-12);

    ask(3, 13, 0.25);
    expect_outcome(3, true, "");
    ck_assert_uint_eq(executed(done, 4), 2);
    ck_assert_double_eq(done[0].value, 50);
    ck_assert_double_eq(done[1].value, 25);
    ck_assert_uint_eq(counts().interrogations, 2);
    ck_assert_uint_eq(count_of(is_outcome, 1), 1);
    teardown();
}
END_TEST

START_TEST(a_lost_frame_ends_the_connection_and_another_begins)
{
    setup();
    connect_now();
    await(is_sample_of, 12, 0);
    outstation_faults(outstation_hold(bench.server))->skips_number = true;
    outstation_release(bench.server);
    set(4001, 50, 0, utc_now());
    await(is_left, 0, 0);
    ck_assert_ptr_nonnull(strstr(exchange_state(bench.exchange).fault, "was expected"));
    await(is_joined, 0, 1);
    ck_assert_double_eq_tol(await(is_sample_of, 10, 2)->sample.value, 1.00, 1e-12);  // by the interrogation, behind the gap
    teardown();
}
END_TEST

START_TEST(an_outstation_that_falls_silent_is_left_within_t1)
{
    setup();
    connect_with(", \"answer\": 1, \"t1\": 3, \"t2\": 1");
    await(is_sample_of, 12, 0);
    outstation_faults(outstation_hold(bench.server))->never_acknowledges = true;
    outstation_release(bench.server);
    ask(1, 14, 1);
    expect_outcome(1, false, "no confirmation within 1 s: it may have been carried out");
    await(is_left, 0, 0);
    ck_assert_str_eq(exchange_state(bench.exchange).fault, "no answer within t1 (3 s)");
    teardown();
}
END_TEST

START_TEST(bytes_that_trickle_in_say_the_same)
{
    setup();
    outstation_trickle(bench.server, 1);
    connect_now();
    ck_assert_double_eq_tol(await(is_sample_of, 10, 0)->sample.value, 0.30, 1e-12);
    ask(1, 13, 0.5);
    expect_outcome(1, true, "");
    teardown();
}
END_TEST

START_TEST(what_speaks_another_protocol_wedges_nothing)
{
    setup();
    connect_now();
    await(is_joined, 0, 0);
    for (size_t round = 0; round < 2; round++) {
        outstation_shout(outstation_hold(bench.server), "HTTP/1.1 400 Bad Request\r\n\r\n");
        outstation_release(bench.server);
        await(is_left, 0, round);
        ck_assert_str_eq(exchange_state(bench.exchange).fault, "bytes came that are no frame of IEC 60870-5-104");
        await(is_joined, 0, round + 1);
    }
    teardown();
}
END_TEST

/* In the folder of the test: an authority, another one, and what the first has signed for outstation and engine. */
static void make_certificates(void)
{
    char command[2048];
    snprintf(command, sizeof command,
             "exec 2>/dev/null; cd '%s' && printf 'subjectAltName=IP:127.0.0.1' > names; new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'; "
             "for who in ca other; do $new -x509 -keyout $who.key -out $who.pem -days 2 -subj /CN=$who; done; "
             "for who in station engine; do $new -keyout $who.key -out $who.csr -subj /CN=$who; "
             "openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out $who.pem; done",
             kit_folder());
    ck_assert_int_eq(system(command), 0);
}

static void serve_tls(void)
{
    char certificate[512], key[512], authority[512];
    make_certificates();
    outstation_kill(bench.server);
    snprintf(certificate, sizeof certificate, "%s/station.pem", kit_folder());
    snprintf(key, sizeof key, "%s/station.key", kit_folder());
    snprintf(authority, sizeof authority, "%s/ca.pem", kit_folder());
    bench.server = outstation_serve_tls(bench.outstation, &bench.port, certificate, key, authority);
}

START_TEST(through_tls_both_sides_show_their_certificates)
{
    setup();
    serve_tls();
    connect_with(", \"tls\": true, \"ca\": \"ca.pem\", \"certificate\": \"engine.pem\", \"key\": \"engine.key\"");
    ck_assert_double_eq_tol(await(is_sample_of, 10, 0)->sample.value, 0.30, 1e-12);
    ask(1, 13, 0.5);
    expect_outcome(1, true, "");
    outstation_trickle(bench.server, 1);
    set(4001, 20, 0, utc_now());
    ck_assert_double_eq_tol(await(is_sample_of, 10, 1)->sample.value, 0.40, 1e-12);
    teardown();
}
END_TEST

START_TEST(who_cannot_show_the_right_certificate_is_not_spoken_with)
{
    static const struct {
        const char *more, *fault;
    } cases[] = {
        {", \"tls\": true, \"ca\": \"other.pem\", \"certificate\": \"engine.pem\", \"key\": \"engine.key\"",
         "its certificate: "},
        {", \"tls\": true, \"ca\": \"ca.pem\"", ""},  // the outstation asks for ours, and may close before we have heard why
        {", \"tls\": true, \"ca\": \"nothing.pem\"", "nothing.pem"},
        {"", ""},  // without TLS at all
    };
    setup();
    serve_tls();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        connect_with(cases[i].more);
        await(is_left, 0, 0);
        const ExchangeState state = exchange_state(bench.exchange);
        ck_assert(!state.connected);
        ck_assert_msg(strstr(state.fault, cases[i].fault) != NULL, "%s: %s", cases[i].fault, state.fault);
        bench.connector.type->close(bench.connector.self);
        bench.connector.type = NULL;
        json_decref(bench.options);
        bench.options = NULL;
        bench.count = 0;
    }
    ck_assert_uint_eq(counts().starts, 0);
    teardown();
}
END_TEST

START_TEST(closing_stops_the_transfer_in_order)
{
    setup();
    connect_now();
    await(is_sample_of, 12, 0);
    bench.connector.type->close(bench.connector.self);
    bench.connector.type = NULL;
    ck_assert_uint_eq(counts().stops, 1);
    ck_assert_uint_eq(counts().starts, 1);
    teardown();
}
END_TEST

START_TEST(memory_may_fail_at_every_allocation)
{
    setup();
    bench.options = table("{\"host\": \"127.0.0.1\"}");
    const ConnectorDef def = connector_def();
    ConnectorFault fault;
    Err err = ERR_MEMORY;
    for (size_t n = 1; err; n++) {
        kit_fail_allocation(n);
        err = iec104_kind.open(&def, &bench.connector, &bench.exchange, &fault);
        kit_fail_allocation(0);
        ck_assert(!err || err == ERR_MEMORY);
    }
    teardown();
}
END_TEST

START_TEST(a_fault_of_the_script_names_its_key_and_what_was_expected)
{
    setup();
    static const struct {
        const char *options, *gauge, *key, *why;
    } cases[] = {
        {"{}", NULL, "", "expected host"},
        {"{\"host\": \"h\", \"port\": 0}", NULL, "port", "1 to 65535"},
        {"{\"host\": \"h\", \"t1\": 10, \"t2\": 10}", NULL, "t2", "t2 to be shorter than t1"},
        {"{\"host\": \"h\", \"k\": 4}", NULL, "w", "w not to be larger than k"},
        {"{\"host\": \"h\", \"interrogate\": 0.5}", NULL, "interrogate", "at least 1 s"},
        {"{\"host\": \"h\", \"retry\": 5, \"retry_most\": 1}", NULL, "retry_most", "at least the first wait was expected, 5 s"},
        {"{\"host\": \"h\", \"ca\": \"ca.pem\"}", NULL, "ca", "with tls = true only"},
        {"{\"host\": \"h\", \"tls\": true, \"key\": \"a\"}", NULL, "key", "a certificate and its key"},
        {"{\"host\": \"h\", \"hots\": 1}", NULL, "hots", "interrogate"},
        {"{\"host\": \"h\", \"originator\": 256}", NULL, "originator", "255"},
        {"{\"host\": \"h\"}", "{}", "", "expected address"},
        {"{\"host\": \"h\"}", "{\"address\": 16777216}", "address", "16777215"},
        {"{\"host\": \"h\"}", "{\"address\": 1, \"station\": 65535}", "station", "65534"},
        {"{\"host\": \"h\"}", "{\"address\": 1, \"type\": \"M_ME_NC\"}", "type", "C_SE_NC"},
        {"{\"host\": \"h\"}", "{\"address\": 1, \"type\": \"C_BO_NA\", \"select\": true}", "select", "cannot be selected"},
        {"{\"host\": \"h\"}", "{\"address\": 1, \"quality\": \"bad\"}", "quality", "expected a table"},
        {"{\"host\": \"h\"}", "{\"address\": 1, \"quality\": {\"XX\": \"bad\"}}", "quality", "there is no XX"},
        {"{\"host\": \"h\"}", "{\"address\": 1, \"quality\": {\"IV\": \"awful\"}}", "quality", "\"good\", \"uncertain\" or \"bad\""},
        {"{\"host\": \"h\"}", "{\"address\": 1, \"ioa\": 2}", "ioa", "terminates"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_decref(bench.options);
        bench.options = table(cases[i].options);
        json_t *const gauge = cases[i].gauge ? table(cases[i].gauge) : NULL;
        bench.bindings[GAUGE].address = gauge ? gauge : bench.addresses[GAUGE];
        const ConnectorDef def = connector_def();
        ConnectorFault fault = {.binding = TAG_NONE};
        ck_assert_int_ne(iec104_kind.check(&def, &fault), ERR_OK);
        ck_assert_str_eq(fault.key, cases[i].key);
        ck_assert_msg(strstr(fault.why.text, cases[i].why) != NULL, "%s: %s", cases[i].why, fault.why.text);
        ck_assert_uint_eq(fault.binding, gauge ? 10 : TAG_NONE);
        json_decref(gauge);
    }
    bench.bindings[GAUGE].address = bench.addresses[GAUGE];
    teardown();
}
END_TEST

KIT_MAIN("connectors.iec104", the_interrogation_brings_what_stands_there, a_change_comes_with_the_time_of_its_source_and_its_quality,
         what_is_not_bound_is_shown_to_who_looks_for_it, commands_are_carried_out_and_answered_once, a_killed_outstation_leaves_a_gap_and_no_command_twice,
         a_lost_frame_ends_the_connection_and_another_begins, an_outstation_that_falls_silent_is_left_within_t1, bytes_that_trickle_in_say_the_same,
         what_speaks_another_protocol_wedges_nothing, through_tls_both_sides_show_their_certificates,
         who_cannot_show_the_right_certificate_is_not_spoken_with, closing_stops_the_transfer_in_order, memory_may_fail_at_every_allocation,
         a_fault_of_the_script_names_its_key_and_what_was_expected)
