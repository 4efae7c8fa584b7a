/* Units: the spellings that people use, conversions to known values, dimensions, and no more than one of each. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/unit.h"

static const Unit *unit(const char *text)
{
    const Unit *found = NULL;
    ErrText why = {0};
    ck_assert_msg(unit_parse(text, &found, &why) == ERR_OK, "%s", why.text);
    return found;
}

static void converts_to(double value, const char *text, double si, const char *base)
{
    ck_assert_msg(unit_converts(unit(text), unit(base)), "%s does not convert to %s", text, base);
    ck_assert_ptr_eq(unit_base(unit(text)), unit(base));
    ck_assert_double_eq_tol(unit_to_si(unit(text), value), si, 1e-14 * fabs(si));
    ck_assert_double_eq_tol(unit_from_si(unit(text), si), value, 1e-13 * fabs(value));
}

START_TEST(spellings_that_people_use_convert_to_si)
{
    converts_to(20, "degC", 293.15, "K");
    converts_to(20, "\xc2\xb0" "C", 293.15, "K");
    converts_to(212, "degF", 373.15, "K");
    converts_to(3, "W/K", 3, "m2.kg.s-3.K-1");
    converts_to(3, "m^2", 3, "m2");
    converts_to(60, "l/min", 1e-3, "m3.s-1");
    converts_to(1.5, "bar", 1.5e5, "Pa");
    converts_to(50, "%", 0.5, "1");
    converts_to(7, "1", 7, "1");
    converts_to(4, "J/K", 4, "kg.m2.s-2.K-1");
    converts_to(2, "m3/s", 2, "m3.s-1");
    converts_to(60, "rpm", 2 * acos(-1), "Hz");
    converts_to(1, "kWh", 3.6e6, "J");
    converts_to(10, "cm", 0.1, "m");
    converts_to(1, "\xc2\xb5m", 1e-6, "m");
    converts_to(180, "deg", acos(-1), "1");
    converts_to(36, "km/h", 10, "m/s");
    converts_to(2, "Ah", 7200, "C");
    converts_to(5, "kNm", 5000, "J");
}
END_TEST

START_TEST(plain_scales_are_exact)
{
    // one rounding at most: a scale that was found by measuring near 0 would be off by the last bits of the offset
    ck_assert(unit_to_si(unit("bar"), 3.7) == 3.7e5);
    ck_assert(unit_to_si(unit("degC"), 25.0) == 298.15);
    ck_assert(unit_from_si(unit("degC"), 298.15) == 25.0);
    ck_assert(unit_scale_to_si(unit("degC"), 0.1) == 0.1);
    ck_assert(unit_to_si(unit("K"), 0.1) == 0.1);
    ck_assert(unit_scale_from_si(unit("cm"), 0.02) == 2.0);
}
END_TEST

START_TEST(differences_do_not_know_the_offset)
{
    ck_assert_double_eq_tol(unit_scale_to_si(unit("degF"), 9), 5, 1e-14);
    ck_assert_double_eq_tol(unit_scale_from_si(unit("degF"), 5), 9, 1e-14);
    ck_assert(unit_scale_to_si(unit("degC"), 1) == 1);
}
END_TEST

START_TEST(a_rate_of_degrees_has_no_offset)
{
    ck_assert_ptr_eq(unit_base(unit("degC/min")), unit_base(unit("K/s")));
    ck_assert_double_eq_tol(unit_to_si(unit("degC/min"), 60), 1, 1e-14);
}
END_TEST

START_TEST(two_spellings_of_one_unit_are_one_pointer)
{
    ck_assert_ptr_eq(unit("degC"), unit("\xc2\xb0" "C"));
    ck_assert_ptr_eq(unit("m^2"), unit("m2"));
    ck_assert_ptr_eq(unit("J/s"), unit("W"));
    ck_assert_ptr_eq(unit("  W "), unit("W"));
    ck_assert_ptr_eq(unit("1"), unit_one());
    ck_assert_ptr_eq(unit(""), unit_one());
    ck_assert_ptr_ne(unit("bar"), unit("Pa"));
    ck_assert_ptr_ne(unit("%"), unit_one());
}
END_TEST

START_TEST(a_unit_keeps_the_name_under_which_it_was_spelt_first)
{
    ck_assert_str_eq(unit_name(unit("l/min")), "l/min");
    unit("L/min");
    ck_assert_str_eq(unit_name(unit("l/min")), "l/min");
    ck_assert_str_eq(unit_name(unit_base(unit("l/min"))), "m3.s-1");
    ck_assert_str_eq(unit_name(unit_one()), "1");
}
END_TEST

START_TEST(a_computed_unit_takes_the_first_spelling_that_somebody_uses)
{
    const Unit *const power = unit_base(unit("kW"));
    ck_assert_str_eq(unit_name(power), "m2.kg.s-3");
    ck_assert_ptr_eq(unit("W"), power);
    ck_assert_str_eq(unit_name(power), "W");
    unit("J/s");
    ck_assert_str_eq(unit_name(power), "W");
}
END_TEST

START_TEST(dimensions_multiply_divide_and_take_powers)
{
    ck_assert_ptr_eq(unit_multiply(unit("W/K"), unit("degC")), unit("W"));
    ck_assert_ptr_eq(unit_divide(unit("J"), unit("min")), unit("W"));
    ck_assert_ptr_eq(unit_power(unit("cm"), 3), unit("m3"));
    ck_assert_ptr_eq(unit_power(unit("s"), -1), unit("Hz"));
    ck_assert_ptr_eq(unit_power(unit("m"), 0), unit_one());
    ck_assert_ptr_eq(unit_divide(unit("bar"), unit("Pa")), unit_one());
    ck_assert_ptr_eq(unit_multiply(unit("%"), unit("rad")), unit_one());
    ck_assert_ptr_eq(unit_root(unit("m2/s2"), 2), unit("m/s"));
    ck_assert_ptr_eq(unit_root(unit_one(), 2), unit_one());
    ck_assert_ptr_eq(unit_multiply(unit_one(), unit_one()), unit_one());
}
END_TEST

START_TEST(what_has_no_dimension_gives_no_unit)
{
    ck_assert_ptr_null(unit_root(unit("m"), 2));
    ck_assert_ptr_null(unit_root(unit("m2"), 0));
    ck_assert_ptr_null(unit_power(unit("m"), 100000));
}
END_TEST

START_TEST(different_dimensions_do_not_convert)
{
    ck_assert(!unit_converts(unit("m"), unit("s")));
    ck_assert(!unit_converts(unit("m"), unit_one()));
    ck_assert(!unit_converts(unit("Pa"), unit("J")));
    ck_assert(unit_converts(unit("rpm"), unit("rad/s")));
    ck_assert(unit_converts(unit_one(), unit_one()));
}
END_TEST

START_TEST(what_is_not_a_unit_is_refused_by_name)
{
    static const char *const wrong[] = {"bogons", "m^", "W//K", "W/(K", "degC degC)", "\xff\xfe", "m^99999", "1e400 m", "0 m", "(", "lg(re 1 mW)",
                                        "s since 2000-01-01", "nan m", "((((((((((((((((((((((((((((((((((((((((((((((((((((m"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const Unit *found = NULL;
        ErrText why = {0};
        ck_assert_msg(unit_parse(wrong[i], &found, &why) == ERR_UNIT, "taken for a unit: %s", wrong[i]);
        ck_assert_ptr_null(found);
        ck_assert_ptr_nonnull(strstr(why.text, wrong[i]));
    }
}
END_TEST

START_TEST(a_spelling_that_is_too_long_is_refused)
{
    char text[300];
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = 0;
    const Unit *found;
    ck_assert_int_eq(unit_parse(text, &found, NULL), ERR_UNIT);
}
END_TEST

START_TEST(units_from_outside_are_bounded_and_known_ones_go_on_working)
{
    const Unit *const bar = unit("bar"), *found;
    ErrText why;
    Err err = ERR_OK;
    for (int i = 1; i < 10000 && !err; i++) {
        char text[32];
        snprintf(text, sizeof text, "%d m", i);
        err = unit_parse(text, &found, &why);
    }
    ck_assert_int_eq(err, ERR_FULL);
    ck_assert_ptr_eq(unit("bar"), bar);
    ck_assert_ptr_eq(unit("100 kPa"), bar);
}
END_TEST

START_TEST(after_forgetting_units_can_be_made_again)
{
    for (int round = 0; round < 3; round++) {
        converts_to(60, "l/min", 1e-3, "m3.s-1");
        unit_forget_all();
    }
    ck_assert_str_eq(unit_name(unit_one()), "1");
    ck_assert_ptr_eq(unit_base(unit_one()), unit_one());
}
END_TEST

static void *parse_often(void *argument)
{
    static const char *const texts[] = {"bar", "l/min", "degC", "W/K", "kWh", "rpm", "cm", "mbar"};
    const Unit **const found = argument;
    for (int i = 0; i < 400; i++) {
        if (unit_parse(texts[i % 8], &found[i % 8], NULL) || unit_from_si(found[i % 8], unit_to_si(found[i % 8], 1)) < 0.999)
            return NULL;
        unit_multiply(found[i % 8], found[(i + 8 - 1) % 8] ? found[(i + 8 - 1) % 8] : unit_one());
    }
    return argument;
}

START_TEST(two_threads_get_the_same_units)
{
    const Unit *mine[8] = {0}, *others[8] = {0};
    pthread_t other;
    void *result;
    ck_assert_int_eq(pthread_create(&other, NULL, parse_often, others), 0);
    ck_assert_ptr_nonnull(parse_often(mine));
    pthread_join(other, &result);
    ck_assert_ptr_nonnull(result);
    ck_assert_mem_eq(mine, others, sizeof mine);
}
END_TEST

KIT_MAIN("signal.unit", spellings_that_people_use_convert_to_si, plain_scales_are_exact, differences_do_not_know_the_offset, a_rate_of_degrees_has_no_offset,
         two_spellings_of_one_unit_are_one_pointer, a_unit_keeps_the_name_under_which_it_was_spelt_first,
         a_computed_unit_takes_the_first_spelling_that_somebody_uses, dimensions_multiply_divide_and_take_powers, what_has_no_dimension_gives_no_unit,
         different_dimensions_do_not_convert, what_is_not_a_unit_is_refused_by_name, a_spelling_that_is_too_long_is_refused,
         units_from_outside_are_bounded_and_known_ones_go_on_working, after_forgetting_units_can_be_made_again, two_threads_get_the_same_units)
