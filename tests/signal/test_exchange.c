/* What all bindings have in common: scales, dead bands, staleness, and commands that are answered once. */
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/exchange.h"

enum { LEVEL, SPEED, VALVE, PUMP, COUNT };

static const int64_t START = INT64_C(1700000000) * NS_PER_S;

static FakeClock fake;
static Clock fake_clock;
static Binding bindings[COUNT];
static Exchange *exchange;
static Connector connector;

static const Unit *unit(const char *text)
{
    const Unit *found;
    ck_assert_int_eq(unit_parse(text, &found, NULL), ERR_OK);
    return found;
}

static void end_nothing(void *self)
{
    (void)self;
}

static void setup(void)
{
    bindings[LEVEL] = (Binding){.tag = 10, .name = "tank1.gauge", .unit = unit("cm"), .scale = 0.1, .offset = -5, .dead_band = 0.01, .stale_ns = 5 * NS_PER_S,
                                .source_time = true};
    bindings[SPEED] = (Binding){.tag = 11, .name = "pump1.meter", .unit = unit_one(), .scale = 1};
    bindings[VALVE] = (Binding){.tag = 12, .name = "valve1.opening", .unit = unit("%"), .scale = 0.5, .writes = true};
    bindings[PUMP] = (Binding){.tag = 13, .name = "pump1.order", .unit = unit_one(), .scale = 1, .writes = true, .stores = true};
    fake = (FakeClock){.utc_ns = START, .elapsed_ns = 7};
    fake_clock = clock_fake(&fake);
    const ExchangeDef def = {.name = "line", .kind = "fake", .peer = "nowhere:1", .bindings = bindings, .binding_count = COUNT, .clock = &fake_clock, .ring = 64};
    ck_assert_int_eq(exchange_create(&def, &exchange), ERR_OK);
    connector = exchange_connector(exchange, end_nothing, NULL);
}

static void teardown(void)
{
    connector.type->close(connector.self);
    exchange_destroy(exchange);
}

static void pass_time(int64_t duration)
{
    fake.utc_ns += duration;
    fake.elapsed_ns += duration;
}

static size_t drain(Arrival *out, size_t room)
{
    return connector.type->poll(connector.self, out, room);
}

static Arrival next(void)
{
    Arrival arrival;
    ck_assert_uint_eq(drain(&arrival, 1), 1);
    return arrival;
}

static void has_nothing(void)
{
    Arrival arrival;
    ck_assert_uint_eq(drain(&arrival, 1), 0);
}

static bool is_readable(void)
{
    return poll(&(struct pollfd){.fd = exchange_file(exchange), .events = POLLIN}, 1, 0) == 1;
}

static Err ask(uint64_t id, TagId tag, double value)
{
    const Command command = {.id = id, .wish = {.tag = tag, .value = value}, .deadline = START + 10 * NS_PER_S};
    return connector.type->send(connector.self, &command);
}

static void outcome_is(uint64_t id, bool done, const char *text)
{
    const Arrival arrival = next();
    ck_assert_int_eq(arrival.kind, ARRIVAL_OUTCOME);
    ck_assert_uint_eq(arrival.command, id);
    ck_assert(arrival.done == done);
    ck_assert_msg(strstr(arrival.text, text), "%s", arrival.text);
}

START_TEST(a_number_is_scaled_into_its_unit_and_then_into_si)
{
    setup();
    ck_assert(exchange_value(exchange, LEVEL, 350, TIME_NONE, QUALITY_GOOD));  // 350 / 10 - 5 = 30 cm
    const Arrival arrival = next();
    ck_assert_int_eq(arrival.kind, ARRIVAL_SAMPLE);
    ck_assert_uint_eq(arrival.sample.tag, 10);
    ck_assert_double_eq_tol(arrival.sample.value, 0.30, 1e-15);
    ck_assert_double_eq_tol(binding_from_si(&bindings[LEVEL], arrival.sample.value), 350, 1e-11);
    teardown();
}
END_TEST

START_TEST(a_sample_within_the_dead_band_is_left_out)
{
    setup();
    // 1 cm is 10 on the wire
    ck_assert(exchange_value(exchange, LEVEL, 350, TIME_NONE, QUALITY_GOOD));
    ck_assert(!exchange_value(exchange, LEVEL, 359, TIME_NONE, QUALITY_GOOD));
    ck_assert(!exchange_value(exchange, LEVEL, 341, TIME_NONE, QUALITY_GOOD));
    ck_assert(exchange_value(exchange, LEVEL, 361, TIME_NONE, QUALITY_GOOD));
    ck_assert(!exchange_value(exchange, LEVEL, 352, TIME_NONE, QUALITY_GOOD));
    ck_assert(exchange_value(exchange, LEVEL, 352, TIME_NONE, QUALITY_UNCERTAIN));
    ck_assert_uint_eq(exchange_state(exchange).samples, 3);
    ck_assert_uint_eq(exchange_state(exchange).unchanged, 3);

    // without one every number is passed on
    ck_assert(exchange_value(exchange, SPEED, 1, TIME_NONE, QUALITY_GOOD));
    ck_assert(exchange_value(exchange, SPEED, 1, TIME_NONE, QUALITY_GOOD));
    teardown();
}
END_TEST

START_TEST(a_value_that_stands_still_is_passed_on_when_the_last_one_is_stale)
{
    setup();
    ck_assert(exchange_value(exchange, LEVEL, 350, TIME_NONE, QUALITY_GOOD));
    for (int second = 1; second <= 10; second++) {
        pass_time(NS_PER_S);
        ck_assert(exchange_value(exchange, LEVEL, 350, TIME_NONE, QUALITY_GOOD) == (second % 5 == 0));
        exchange_look(exchange);
    }
    ck_assert_uint_eq(exchange_state(exchange).stale, 0);
    teardown();
}
END_TEST

START_TEST(silence_is_said_once_and_ends_with_a_value)
{
    setup();
    exchange_value(exchange, LEVEL, 350, TIME_NONE, QUALITY_GOOD);
    next();
    pass_time(5 * NS_PER_S - 1);
    ck_assert_int_eq(exchange_look(exchange), 1);
    has_nothing();

    pass_time(1);
    exchange_look(exchange);
    const Arrival silence = next();
    ck_assert_int_eq(silence.sample.quality, QUALITY_BAD);
    ck_assert_double_eq_tol(silence.sample.value, 0.30, 1e-15);
    ck_assert_int_eq(silence.sample.time, START + 5 * NS_PER_S);
    ck_assert_uint_eq(exchange_state(exchange).stale, 1);

    pass_time(20 * NS_PER_S);
    exchange_look(exchange);
    has_nothing();

    // the same value again is news now
    ck_assert(exchange_value(exchange, LEVEL, 350, TIME_NONE, QUALITY_GOOD));
    ck_assert_int_eq(next().sample.quality, QUALITY_GOOD);
    ck_assert_uint_eq(exchange_state(exchange).stale, 0);
    teardown();
}
END_TEST

START_TEST(a_tag_that_never_had_a_value_is_counted_as_stale_and_says_nothing)
{
    setup();
    pass_time(6 * NS_PER_S);
    ck_assert_int_eq(exchange_look(exchange), NS_PER_S);
    has_nothing();
    ck_assert_uint_eq(exchange_state(exchange).stale, 1);
    teardown();
}
END_TEST

START_TEST(the_loss_of_the_connection_silences_all_tags)
{
    setup();
    exchange_joined(exchange);
    ck_assert_int_eq(next().kind, ARRIVAL_JOINED);
    exchange_value(exchange, LEVEL, 350, TIME_NONE, QUALITY_GOOD);
    exchange_value(exchange, SPEED, 2, TIME_NONE, QUALITY_GOOD);
    next(), next();

    exchange_left(exchange, "the peer has gone");
    ck_assert_int_eq(next().sample.quality, QUALITY_BAD);
    ck_assert_int_eq(next().sample.quality, QUALITY_BAD);
    ck_assert_int_eq(next().kind, ARRIVAL_LEFT);
    const ExchangeState state = exchange_state(exchange);
    ck_assert(!state.connected);
    ck_assert_uint_eq(state.stale, 2);
    ck_assert_str_eq(state.fault, "the peer has gone");
    teardown();
}
END_TEST

START_TEST(every_end_of_an_attempt_is_counted_and_the_tick_hears_of_changes)
{
    setup();
    ck_assert_int_eq(exchange_state(exchange).since, TIME_NONE);
    exchange_left(exchange, "refused");
    ck_assert_int_eq(next().kind, ARRIVAL_LEFT);
    exchange_left(exchange, "refused");
    has_nothing();
    exchange_joined(exchange);
    exchange_left(exchange, "lost");
    exchange_joined(exchange);
    ck_assert_uint_eq(exchange_state(exchange).attempts, 4);
    ck_assert(exchange_state(exchange).connected);
    teardown();
}
END_TEST

START_TEST(the_time_of_the_source_counts_only_where_the_binding_says_so)
{
    setup();
    const int64_t then = START - NS_PER_S;
    exchange_value(exchange, LEVEL, 350, then, QUALITY_GOOD);
    exchange_value(exchange, SPEED, 1, then, QUALITY_GOOD);
    ck_assert_int_eq(next().sample.time, then);
    ck_assert_int_eq(next().sample.time, START);

    ck_assert(exchange_past(exchange, SPEED, 3, then, QUALITY_GOOD));
    const Arrival past = next();
    ck_assert(past.historical);
    ck_assert_int_eq(past.sample.time, then);
    teardown();
}
END_TEST

START_TEST(what_is_no_number_is_refused_and_a_source_without_a_value_is_silent)
{
    setup();
    ck_assert(!exchange_value(exchange, SPEED, NAN, TIME_NONE, QUALITY_GOOD));
    ck_assert(!exchange_value(exchange, SPEED, INFINITY, TIME_NONE, QUALITY_GOOD));
    ck_assert(!exchange_value(exchange, SPEED, 1, -5, QUALITY_GOOD));
    ck_assert_uint_eq(exchange_state(exchange).refused, 3);
    ck_assert_str_eq(exchange_state(exchange).fault, "pump1.meter: a time after 1970 was expected");
    has_nothing();

    exchange_value(exchange, SPEED, 2, TIME_NONE, QUALITY_GOOD);
    exchange_value(exchange, SPEED, NAN, TIME_NONE, QUALITY_BAD);
    ck_assert_int_eq(next().sample.quality, QUALITY_GOOD);
    const Arrival silence = next();
    ck_assert_int_eq(silence.sample.quality, QUALITY_BAD);
    ck_assert(silence.sample.value == 2);
    teardown();
}
END_TEST

START_TEST(samples_that_find_no_room_are_counted_and_outcomes_still_come_through)
{
    setup();
    size_t passed = 0;
    for (int i = 0; i < 5000; i++)
        passed += exchange_value(exchange, SPEED, i, TIME_NONE, QUALITY_GOOD);
    ck_assert_uint_lt(passed, 5000);
    ck_assert_uint_eq(exchange_state(exchange).dropped, 5000 - passed);
    ck_assert_uint_eq(connector.type->stats(connector.self).dropped, 5000 - passed);

    exchange_outcome(exchange, 9, true, "%s", "");
    Arrival arrivals[256];
    size_t samples = 0, outcomes = 0;
    for (size_t count; (count = drain(arrivals, 256));)
        for (size_t i = 0; i < count; i++)
            arrivals[i].kind == ARRIVAL_SAMPLE ? samples++ : outcomes++;
    ck_assert_uint_eq(samples, passed);
    ck_assert_uint_eq(outcomes, 1);
    teardown();
}
END_TEST

START_TEST(a_command_wakes_the_thread_and_comes_as_a_number_of_the_wire)
{
    setup();
    Command command;
    size_t binding;
    double number;
    exchange_joined(exchange);
    next();
    ck_assert(!is_readable());
    ck_assert_int_eq(ask(1, 12, 0.25), ERR_OK);
    ck_assert(is_readable());
    ck_assert(exchange_take(exchange, &command, &binding, &number));
    ck_assert_uint_eq(binding, VALVE);
    ck_assert_uint_eq(command.id, 1);
    ck_assert_double_eq_tol(number, 50, 1e-12);  // 25 % is 50 halves
    ck_assert(!is_readable());
    ck_assert(!exchange_take(exchange, &command, &binding, &number));

    exchange_outcome(exchange, 1, true, "%s", "");
    outcome_is(1, true, "");
    teardown();
}
END_TEST

START_TEST(a_command_of_a_tag_that_is_bound_elsewhere_or_read_is_not_taken)
{
    setup();
    ck_assert_int_eq(ask(1, 99, 1), ERR_CLOSED);
    ck_assert_int_eq(ask(1, 10, 1), ERR_CLOSED);
    teardown();
}
END_TEST

START_TEST(without_a_connection_a_command_fails_unless_its_binding_stores_it)
{
    setup();
    Command command;
    size_t binding;
    double number;
    ask(1, 12, 0.5);
    ask(2, 13, 1);
    ck_assert(!exchange_take(exchange, &command, &binding, &number));
    outcome_is(1, false, "there is no connection to nowhere:1");
    has_nothing();

    exchange_joined(exchange);
    next();
    ck_assert(exchange_take(exchange, &command, &binding, &number));
    ck_assert_uint_eq(command.id, 2);
    ck_assert_uint_eq(exchange_state(exchange).commands, 2);
    ck_assert_uint_eq(exchange_state(exchange).failed, 1);
    teardown();
}
END_TEST

START_TEST(a_stored_command_is_not_carried_out_behind_its_deadline_nor_behind_a_newer_one)
{
    setup();
    Command command;
    size_t binding;
    double number;
    ask(1, 13, 1);
    ask(2, 13, 2);
    ck_assert(!exchange_take(exchange, &command, &binding, &number));
    outcome_is(1, false, "superseded by command 2");

    connector.type->ticked(connector.self, START + 10 * NS_PER_S + 1);
    exchange_joined(exchange);
    next();
    ck_assert(!exchange_take(exchange, &command, &binding, &number));
    outcome_is(2, false, "deadline");
    teardown();
}
END_TEST

START_TEST(the_end_stays_readable_until_the_thread_has_seen_it)
{
    setup();
    Command command;
    size_t binding;
    double number;
    ck_assert(!exchange_ends(exchange));
    exchange_end(exchange);
    exchange_take(exchange, &command, &binding, &number);
    ck_assert(is_readable());
    ck_assert(exchange_ends(exchange));
    teardown();
}
END_TEST

START_TEST(another_numbering_of_tags_is_followed_behind_what_waits)
{
    setup();
    exchange_value(exchange, LEVEL, 350, TIME_NONE, QUALITY_GOOD);
    exchange_value(exchange, SPEED, 1, TIME_NONE, QUALITY_GOOD);
    exchange_follow(exchange, (const Binding[COUNT]){[LEVEL].tag = 3, [SPEED].tag = TAG_NONE, [VALVE].tag = 1, [PUMP].tag = 2});
    Arrival arrivals[4];
    ck_assert_uint_eq(drain(arrivals, 4), 1);
    ck_assert_uint_eq(arrivals[0].sample.tag, 3);

    ck_assert_int_eq(ask(1, 12, 0.5), ERR_CLOSED);
    ck_assert_int_eq(ask(1, 1, 0.5), ERR_OK);
    teardown();
}
END_TEST

/* Of three samples the tick has taken two: whoever brought the third has to wait. */
START_TEST(what_was_polled_and_stored_is_known_to_be_on_disk)
{
    setup();
    Arrival arrivals[2];
    for (int i = 0; i < 3; i++)
        ck_assert(exchange_value(exchange, SPEED, i, TIME_NONE, QUALITY_GOOD));
    const uint64_t mark = exchange_mark(exchange);
    ck_assert_uint_eq(drain(arrivals, 2), 2);
    connector.type->stored(connector.self, arrivals[1].mark);
    ck_assert(!exchange_has_stored(exchange, mark));
    ck_assert_uint_eq(drain(arrivals, 2), 1);
    ck_assert(!exchange_has_stored(exchange, mark));
    connector.type->stored(connector.self, arrivals[0].mark);
    ck_assert(exchange_has_stored(exchange, mark));
    teardown();
}
END_TEST

START_TEST(turns_that_were_left_out_add_up)
{
    setup();
    exchange_missed(exchange, 3);
    exchange_missed(exchange, 4);
    ck_assert_uint_eq(exchange_state(exchange).missed, 7);
    teardown();
}
END_TEST

START_TEST(unbound_addresses_are_remembered_up_to_a_bound)
{
    setup();
    char address[32];
    for (int i = 0; i < EXCHANGE_SEEN_MAX + 10; i++) {
        snprintf(address, sizeof address, "works/%d", i);
        exchange_seen(exchange, address, i);
    }
    exchange_seen(exchange, "works/7", 70);
    static ExchangeSeen seen[2 * EXCHANGE_SEEN_MAX];
    ck_assert_uint_eq(exchange_list_seen(exchange, seen, 2 * EXCHANGE_SEEN_MAX), EXCHANGE_SEEN_MAX);
    ck_assert_str_eq(seen[7].address, "works/7");
    ck_assert_uint_eq(seen[7].count, 2);
    ck_assert(seen[7].number == 70);
    ck_assert_int_eq(seen[7].time, START);
    teardown();
}
END_TEST

START_TEST(memory_may_fail_at_every_allocation)
{
    const ExchangeDef def = {.name = "line", .kind = "fake", .peer = "nowhere:1", .bindings = bindings, .binding_count = COUNT};
    Exchange *none;
    for (size_t n = 1; n <= 9; n++) {
        kit_fail_allocation(n);
        ck_assert_int_eq(exchange_create(&def, &none), ERR_MEMORY);
        ck_assert_ptr_null(none);
    }
    kit_fail_allocation(0);
}
END_TEST

/* A peer that sends rising numbers and answers commands by their number, on a thread of its own. */
static void *live(void *unused)
{
    (void)unused;
    exchange_joined(exchange);
    for (int i = 0; !exchange_ends(exchange); i++) {
        Command command;
        size_t binding;
        double number;
        while (exchange_take(exchange, &command, &binding, &number))
            exchange_outcome(exchange, command.id, true, "%g", number);
        exchange_value(exchange, SPEED, i, TIME_NONE, QUALITY_GOOD);
        exchange_seen(exchange, "works/else", i);
        exchange_look(exchange);
        poll(&(struct pollfd){.fd = exchange_file(exchange), .events = POLLIN}, 1, i % 64 == 0);
    }
    return NULL;
}

START_TEST(two_threads_share_it_and_every_command_is_answered_once)
{
    enum { COMMANDS = 2000 };
    setup();
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, live, NULL), 0);
    bool answered[COMMANDS + 1] = {0};
    size_t answers = 0;
    double last = -1;
    for (uint64_t id = 1; answers < COMMANDS;) {
        if (id <= COMMANDS && ask(id, 13, (double)id) == ERR_OK)
            id++;
        Arrival arrivals[64];
        const size_t count = drain(arrivals, 64);
        for (size_t i = 0; i < count; i++) {
            if (arrivals[i].kind == ARRIVAL_SAMPLE) {
                ck_assert(arrivals[i].sample.value > last);
                last = arrivals[i].sample.value;
            } else if (arrivals[i].kind == ARRIVAL_OUTCOME) {
                ck_assert(!answered[arrivals[i].command]);
                answered[arrivals[i].command] = true;
                answers++;
            }
        }
        ck_assert_uint_le(exchange_state(exchange).commands, COMMANDS);
    }
    exchange_end(exchange);
    pthread_join(thread, NULL);
    ck_assert(exchange_state(exchange).busy_ns > 0);
    teardown();
}
END_TEST

KIT_MAIN("signal.exchange", a_number_is_scaled_into_its_unit_and_then_into_si, a_sample_within_the_dead_band_is_left_out,
         a_value_that_stands_still_is_passed_on_when_the_last_one_is_stale, silence_is_said_once_and_ends_with_a_value,
         a_tag_that_never_had_a_value_is_counted_as_stale_and_says_nothing, the_loss_of_the_connection_silences_all_tags,
         every_end_of_an_attempt_is_counted_and_the_tick_hears_of_changes, the_time_of_the_source_counts_only_where_the_binding_says_so,
         what_is_no_number_is_refused_and_a_source_without_a_value_is_silent, samples_that_find_no_room_are_counted_and_outcomes_still_come_through,
         a_command_wakes_the_thread_and_comes_as_a_number_of_the_wire, a_command_of_a_tag_that_is_bound_elsewhere_or_read_is_not_taken,
         without_a_connection_a_command_fails_unless_its_binding_stores_it, a_stored_command_is_not_carried_out_behind_its_deadline_nor_behind_a_newer_one,
         the_end_stays_readable_until_the_thread_has_seen_it, another_numbering_of_tags_is_followed_behind_what_waits,
         what_was_polled_and_stored_is_known_to_be_on_disk, turns_that_were_left_out_add_up,
         unbound_addresses_are_remembered_up_to_a_bound,
         memory_may_fail_at_every_allocation, two_threads_share_it_and_every_command_is_answered_once)
