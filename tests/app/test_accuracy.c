#include "app/accuracy.h"

#include <math.h>

#include "kit/kit.h"

START_TEST(errors_of_3_and_4_have_the_root_mean_square_of_5_over_root_2)
{
    Accuracy accuracy = {0};
    accuracy_add(&accuracy, 3, 2);
    accuracy_add(&accuracy, -4, 2);
    ck_assert_uint_eq(accuracy.count, 2);
    ck_assert_double_eq_tol(accuracy_rms(&accuracy), 5 / sqrt(2), 1e-15);
    ck_assert_double_eq_tol(accuracy_nis(&accuracy), 25.0 / 4 / 2, 1e-15);
    ck_assert_double_eq_tol(accuracy_lag1(&accuracy), -12.0 / 25, 1e-15);
    ck_assert_double_eq_tol(accuracy.log_likelihood, -log(8 * M_PI) - 25.0 / 8, 1e-14);
}
END_TEST

START_TEST(errors_that_alternate_are_correlated_by_nearly_minus_1)
{
    Accuracy accuracy = {0};
    for (int i = 0; i < 100; i++)
        accuracy_add(&accuracy, i % 2 ? 1 : -1, 1);
    ck_assert_double_eq_tol(accuracy_lag1(&accuracy), -0.99, 1e-12);
}
END_TEST

START_TEST(what_was_left_out_stands_between_two_errors)
{
    Accuracy accuracy = {0};
    for (int i = 0; i < 100; i++) {
        accuracy_add(&accuracy, 1, 1);
        accuracy_break(&accuracy);
    }
    ck_assert_double_eq(accuracy_lag1(&accuracy), 0);
}
END_TEST

START_TEST(only_what_is_beyond_five_standard_deviations_is_beyond_the_gate)
{
    Accuracy accuracy = {0};
    accuracy_add(&accuracy, 10, 2);
    accuracy_add(&accuracy, -10.1, 2);
    ck_assert_uint_eq(accuracy.beyond, 1);
}
END_TEST

/* Tables of chi-square: 3.2470 and 20.483 of 10 degrees of freedom, 74.222 and 129.561 of 100. The approximation is right to 1 % at 10,
 * and closer with more. */
START_TEST(the_bounds_of_the_mean_nis_are_those_of_chi_square)
{
    double low, high;
    accuracy_nis_bounds(10, &low, &high);
    ck_assert_double_eq_tol(low, 0.32470, 0.01 * 0.3247);
    ck_assert_double_eq_tol(high, 2.0483, 0.01 * 2.0483);
    accuracy_nis_bounds(100, &low, &high);
    ck_assert_double_eq_tol(low, 0.74222, 2e-4);
    ck_assert_double_eq_tol(high, 1.29561, 2e-4);
}
END_TEST

START_TEST(of_no_error_nothing_is_said)
{
    const Accuracy accuracy = {0};
    double low, high;
    accuracy_nis_bounds(0, &low, &high);
    ck_assert(isnan(accuracy_rms(&accuracy)) && isnan(accuracy_nis(&accuracy)) && isnan(accuracy_lag1(&accuracy)) && isnan(low) && isnan(high));
}
END_TEST

KIT_MAIN("app.accuracy", errors_of_3_and_4_have_the_root_mean_square_of_5_over_root_2, errors_that_alternate_are_correlated_by_nearly_minus_1,
         what_was_left_out_stands_between_two_errors, only_what_is_beyond_five_standard_deviations_is_beyond_the_gate,
         the_bounds_of_the_mean_nis_are_those_of_chi_square,
         of_no_error_nothing_is_said)
