#include "signal/schedule.h"

#include "kit/kit.h"

/* Turns that begin late, by any part of the period, are still a period apart in the long run: the k-th is due at k periods. */
START_TEST(jitter_does_not_add_up)
{
    Schedule schedule = {.due_ns = 0, .period_ns = 1000};
    for (uint64_t turn = 0; turn < 100000; turn++) {
        ck_assert_int_eq(schedule.due_ns, (int64_t)turn * 1000);
        ck_assert_uint_eq(schedule_advance(&schedule, schedule.due_ns + (int64_t)(random_uniform(1, 0, turn) * 1000)), 0);
    }
}
END_TEST

START_TEST(what_an_overrun_missed_is_counted_and_left_out)
{
    Schedule schedule = {.due_ns = 500, .period_ns = 1000};
    ck_assert_uint_eq(schedule_advance(&schedule, 3700), 3);
    ck_assert_int_eq(schedule.due_ns, 4500);
    ck_assert_uint_eq(schedule_advance(&schedule, 4600), 0);
    ck_assert_int_eq(schedule.due_ns, 5500);
}
END_TEST

START_TEST(a_turn_that_takes_one_period_leaves_one_out)
{
    Schedule schedule = {.due_ns = 0, .period_ns = 1000};
    ck_assert_uint_eq(schedule_advance(&schedule, 999), 0);
    ck_assert_uint_eq(schedule_advance(&schedule, 2000), 1);
    ck_assert_int_eq(schedule.due_ns, 3000);
}
END_TEST

START_TEST(a_turn_before_its_time_counts_as_the_one_that_was_due)
{
    Schedule schedule = {.due_ns = 1000, .period_ns = 1000};
    ck_assert_uint_eq(schedule_advance(&schedule, 400), 0);
    ck_assert_int_eq(schedule.due_ns, 2000);
}
END_TEST

KIT_MAIN("signal.schedule", jitter_does_not_add_up, what_an_overrun_missed_is_counted_and_left_out, a_turn_that_takes_one_period_leaves_one_out,
         a_turn_before_its_time_counts_as_the_one_that_was_due)
