/* Clocks, and times as text. The calendar is checked against the C library's own. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kit/kit.h"

static const char *format(int64_t time)
{
    static char text[32];
    time_format(time, text);
    return text;
}

static int64_t parse(const char *text)
{
    int64_t time = TIME_NONE;
    return time_parse(text, strlen(text), &time) ? time : TIME_NONE;
}

START_TEST(times_are_written_with_the_decimals_they_need)
{
    ck_assert_str_eq(format(0), "1970-01-01T00:00:00Z");
    ck_assert_str_eq(format(INT64_C(1611326938720000000)), "2021-01-22T14:48:58.720Z");
    ck_assert_str_eq(format(INT64_C(1611326938720001000)), "2021-01-22T14:48:58.720001Z");
    ck_assert_str_eq(format(INT64_C(1611326938720000001)), "2021-01-22T14:48:58.720000001Z");
    ck_assert_str_eq(format(-1), "1969-12-31T23:59:59.999999999Z");
    ck_assert_str_eq(format(INT64_MAX), "2262-04-11T23:47:16.854775807Z");
    ck_assert_str_eq(format(INT64_MIN), "1677-09-21T00:12:43.145224192Z");
}
END_TEST

START_TEST(the_calendar_is_that_of_the_c_library)
{
    // 2,221 hours is prime to a day, a month and a leap cycle, so all of them are met
    for (int64_t seconds = -9223372000; seconds < 9223372000; seconds += 2221 * 3600 + 7) {
        const time_t plain = (time_t)seconds;
        struct tm parts;
        char text[80];
        gmtime_r(&plain, &parts);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        ck_assert_str_eq(format(seconds * NS_PER_S), text);
        ck_assert_int_eq(parse(text), seconds * NS_PER_S);
    }
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    const int64_t times[] = {0, 1, -1, 999, 1000, -1000, INT64_MAX, INT64_MIN + 1, INT64_C(1611326938720000000), INT64_C(951782400000000000)};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        ck_assert_int_eq(parse(format(times[i])), times[i]);
}
END_TEST

START_TEST(offsets_and_fractions_are_understood)
{
    const int64_t base = INT64_C(1611326938) * NS_PER_S;
    ck_assert_int_eq(parse("2021-01-22T14:48:58Z"), base);
    ck_assert_int_eq(parse("2021-01-22t14:48:58z"), base);
    ck_assert_int_eq(parse("2021-01-22T15:48:58+01:00"), base);
    ck_assert_int_eq(parse("2021-01-22T09:18:58-05:30"), base);
    ck_assert_int_eq(parse("2021-01-23T00:48:58+10:00"), base);
    ck_assert_int_eq(parse("2021-01-22T14:48:58-00:00"), base);
    ck_assert_int_eq(parse("2021-01-22T14:48:58.7Z"), base + 700000000);
    ck_assert_int_eq(parse("2021-01-22T14:48:58.123456789Z"), base + 123456789);
    ck_assert_int_eq(parse("2016-12-31T23:59:60Z"), parse("2017-01-01T00:00:00Z"));
    ck_assert_int_ne(parse("2020-02-29T00:00:00Z"), TIME_NONE);
    ck_assert_int_ne(parse("2000-02-29T00:00:00Z"), TIME_NONE);
}
END_TEST

START_TEST(what_is_not_a_time_is_refused)
{
    static const char *const wrong[] = {
        "", "2", "2021", "2021-01-22", "2021-01-22T14:48:58", "2021-01-22 14:48:58Z", "2021-1-22T14:48:58Z", "2021-00-22T14:48:58Z",
        "2021-13-22T14:48:58Z", "2021-01-00T14:48:58Z", "2021-01-32T14:48:58Z", "2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2021-04-31T00:00:00Z",
        "2021-01-22T24:00:00Z", "2021-01-22T14:60:58Z", "2021-01-22T14:48:61Z", "2021-01-22T14:48:58.Z", "2021-01-22T14:48:58.1234567890Z",
        "2021-01-22T14:48:58+0100", "2021-01-22T14:48:58+24:00", "2021-01-22T14:48:58+01:60", "2021-01-22T14:48:58ZZ", " 2021-01-22T14:48:58Z",
        "-021-01-22T14:48:58Z", "2021-01-22T14:48:58,5Z", "2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224192Z", "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z", "2021-01-22T14:48:58Z\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(parse(wrong[i]) == TIME_NONE, "taken for a time: \"%s\"", wrong[i]);
    int64_t out;
    ck_assert(!time_parse(NULL, 0, &out));
}
END_TEST

START_TEST(no_byte_beyond_the_length_is_read)
{
    int64_t out;
    ck_assert(time_parse("2021-01-22T14:48:58Z5", 20, &out));
    for (size_t length = 0; length < 20; length++)
        ck_assert(!time_parse("2021-01-22T14:48:58Z", length, &out));
}
END_TEST

START_TEST(a_fake_clock_moves_only_when_told_to)
{
    FakeClock fake = {.utc_ns = 1000, .elapsed_ns = 5};
    const Clock clock = clock_fake(&fake);
    ck_assert_int_eq(clock.utc_ns(clock.self), 1000);
    ck_assert_int_eq(clock.utc_ns(clock.self), 1000);
    clock.sleep_ns(clock.self, 7);
    clock.sleep_ns(clock.self, -3);
    ck_assert_int_eq(clock.utc_ns(clock.self), 1007);
    ck_assert_int_eq(clock.elapsed_ns(clock.self), 12);
    fake.utc_ns = 1;
    ck_assert_int_eq(clock.utc_ns(clock.self), 1);
}
END_TEST

START_TEST(the_system_clock_sleeps_at_least_as_long_as_asked)
{
    const Clock *const clock = &clock_system;
    const int64_t begin = clock->elapsed_ns(clock->self);
    clock->sleep_ns(clock->self, 2 * NS_PER_MS);
    clock->sleep_ns(clock->self, -NS_PER_S);
    ck_assert_int_ge(clock->elapsed_ns(clock->self) - begin, 2 * NS_PER_MS);
    ck_assert_int_gt(clock->utc_ns(clock->self), parse("2021-01-01T00:00:00Z"));
}
END_TEST

KIT_MAIN("base.clock", times_are_written_with_the_decimals_they_need, the_calendar_is_that_of_the_c_library, what_is_written_is_read_back,
         offsets_and_fractions_are_understood, what_is_not_a_time_is_refused, no_byte_beyond_the_length_is_read, a_fake_clock_moves_only_when_told_to,
         the_system_clock_sleeps_at_least_as_long_as_asked)
