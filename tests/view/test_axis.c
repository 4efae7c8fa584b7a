/* Marks are round, and numbers say no more than is known. */
#include <math.h>

#include "kit/kit.h"
#include "view/axis.h"

START_TEST(marks_are_one_two_or_five_times_a_power_of_ten)
{
    for (double span = 1e-6; span < 1e7; span *= 1.37)
        for (size_t most = 2; most <= 8; most++) {
            const double low = span * 0.37;
            const AxisMarks marks = axis_marks(low, low + span, most);
            const double lead = marks.step / pow(10, floor(log10(marks.step * 1.0001)));
            ck_assert_msg(fabs(lead - 1) < 1e-6 || fabs(lead - 2) < 1e-6 || fabs(lead - 5) < 1e-6, "a step of %g", marks.step);
            ck_assert_uint_le(marks.count, most + 1);
            for (size_t i = 0; i < marks.count; i++)
                ck_assert(marks.at[i] >= low - 1e-6 * span && marks.at[i] <= low + span * (1 + 1e-6));
        }
    ck_assert_uint_eq(axis_marks(1, 1, 4).count, 0);
    ck_assert_uint_eq(axis_marks(NAN, 1, 4).count, 0);
}
END_TEST

START_TEST(times_are_marked_at_whole_minutes_and_hours)
{
    const int64_t noon = INT64_C(1611316800) * NS_PER_S;  // 2021-01-22T12:00:00Z
    const AxisMarks marks = axis_time_marks(noon + 7 * NS_PER_S, noon + 907 * NS_PER_S, 4);
    ck_assert_double_eq(marks.step, 300e9);
    ck_assert_uint_eq(marks.count, 3);
    ck_assert_str_eq(axis_time((int64_t)marks.at[0], false).text, "12:05:00");
    ck_assert_str_eq(axis_time((int64_t)marks.at[2], true).text, "2021-01-22 12:15:00");
    for (double span = 1; span < 1e9; span *= 1.7)
        ck_assert_uint_le(axis_time_marks(noon, noon + (int64_t)(span * 1e9), 5).count, 6);
}
END_TEST

START_TEST(a_value_has_the_digits_that_its_deviation_leaves_a_meaning_to)
{
    ck_assert_str_eq(axis_value(2.803217, 0.0041).text, "2.8032");
    ck_assert_str_eq(axis_sd(2.803217, 0.0041).text, "0.0041");
    ck_assert_str_eq(axis_value(2.803217, 0).text, "2.803");
    ck_assert_str_eq(axis_value(0.000123456, NAN).text, "0.0001235");
    ck_assert_str_eq(axis_value(1234.56, 13).text, "1235");
    ck_assert_str_eq(axis_value(1234.56, 0).text, "1235");
    ck_assert_str_eq(axis_value(-0.0000001, 0.01).text, "0.000");
    ck_assert_str_eq(axis_value(NAN, 1).text, "-");
    ck_assert_str_eq(axis_number(0.30000000000000004, 0.1).text, "0.3");
    ck_assert_str_eq(axis_short(2.803217, 0.00034).text, "2.803");
    ck_assert_str_eq(axis_short(1.2e-9, 0.18).text, "0.00");
}
END_TEST

START_TEST(spans_are_named_in_the_largest_unit_that_fits)
{
    ck_assert_str_eq(axis_span(0.4).text, "0.4 s");
    ck_assert_str_eq(axis_span(59).text, "59 s");
    ck_assert_str_eq(axis_span(60).text, "1 min");
    ck_assert_str_eq(axis_span(5400).text, "1.5 h");
    ck_assert_str_eq(axis_span(172800).text, "2 d");
}
END_TEST

START_TEST(units_are_written_as_people_write_them)
{
    ck_assert_str_eq(axis_unit("m^3/h").text, "m³/h");
    ck_assert_str_eq(axis_unit("degC").text, "°C");
    ck_assert_str_eq(axis_unit("kg/m^2").text, "kg/m²");
    ck_assert_str_eq(axis_unit("1").text, "");
}
END_TEST

KIT_MAIN("view.axis", marks_are_one_two_or_five_times_a_power_of_ten, times_are_marked_at_whole_minutes_and_hours, a_value_has_the_digits_that_its_deviation_leaves_a_meaning_to,
         units_are_written_as_people_write_them, spans_are_named_in_the_largest_unit_that_fits)
