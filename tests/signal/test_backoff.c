/* Waits double up to their cap, and each is drawn between half of the nominal one and all of it. */
#include "kit/kit.h"
#include "signal/backoff.h"

static const int64_t FIRST = NS_PER_S, MOST = 60 * NS_PER_S;

START_TEST(every_wait_lies_between_half_and_all_of_the_nominal_one)
{
    Backoff backoff = backoff_begin(FIRST, MOST, "line");
    int64_t nominal = FIRST;
    for (int i = 0; i < 1000; i++) {
        const int64_t wait = backoff_next(&backoff);
        ck_assert_int_ge(wait, nominal / 2);
        ck_assert_int_le(wait, nominal);
        nominal = nominal < MOST / 2 ? 2 * nominal : MOST;
    }
}
END_TEST

START_TEST(waits_are_spread_evenly_over_that_half)
{
    // the mean of n waits drawn evenly from [1/2, 1] is 3/4, with a deviation of 1 / (4 sqrt(3 n))
    enum { COUNT = 10000 };
    Backoff backoff = backoff_begin(MOST, MOST, "line");
    double sum = 0;
    for (int i = 0; i < COUNT; i++)
        sum += (double)backoff_next(&backoff) / (double)MOST;
    ck_assert_double_eq_tol(sum / COUNT, 0.75, 5 * 0.25 / 173.2);
}
END_TEST

START_TEST(what_worked_begins_with_the_first_wait_again)
{
    Backoff backoff = backoff_begin(FIRST, MOST, "line");
    for (int i = 0; i < 20; i++)
        backoff_next(&backoff);
    backoff_reset(&backoff);
    ck_assert_int_le(backoff_next(&backoff), FIRST);
}
END_TEST

START_TEST(connectors_of_two_names_do_not_come_back_in_one_moment)
{
    Backoff a = backoff_begin(FIRST, MOST, "line"), b = backoff_begin(FIRST, MOST, "plc"), again = backoff_begin(FIRST, MOST, "line");
    const int64_t wait = backoff_next(&a);
    ck_assert_int_ne(wait, backoff_next(&b));
    ck_assert_int_eq(wait, backoff_next(&again));
}
END_TEST

KIT_MAIN("signal.backoff", every_wait_lies_between_half_and_all_of_the_nominal_one, waits_are_spread_evenly_over_that_half,
         what_worked_begins_with_the_first_wait_again, connectors_of_two_names_do_not_come_back_in_one_moment)
