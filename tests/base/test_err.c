/* Errors: every code has a text, and texts grow at the front as an error travels up. */
#include <string.h>

#include "kit/kit.h"

START_TEST(every_error_has_its_own_text)
{
    for (Err a = ERR_OK; a < ERR_COUNT; a++) {
        ck_assert_uint_gt(strlen(err_name(a)), 0);
        for (Err b = ERR_OK; b < a; b++)
            ck_assert_str_ne(err_name(a), err_name(b));
    }
    ck_assert_str_eq(err_name((Err)99), "unknown error");
}
END_TEST

START_TEST(setting_returns_the_error_and_writes_the_text)
{
    ErrText why = {0};
    ck_assert_int_eq(err_set(&why, ERR_RANGE, "%d is above %d", 5, 4), ERR_RANGE);
    ck_assert_str_eq(why.text, "5 is above 4");
    ck_assert_int_eq(err_set(NULL, ERR_IO, "nobody asks"), ERR_IO);
    ck_assert_int_eq(err_prefix(NULL, ERR_IO, "nobody asks"), ERR_IO);
}
END_TEST

START_TEST(a_prefix_says_where)
{
    ErrText why;
    err_set(&why, ERR_SCRIPT, "expected a number");
    ck_assert_int_eq(err_prefix(&why, ERR_SCRIPT, "%s:%d", "tank.lua", 7), ERR_SCRIPT);
    ck_assert_str_eq(why.text, "tank.lua:7: expected a number");
}
END_TEST

START_TEST(a_text_may_be_made_of_itself)
{
    ErrText why;
    err_set(&why, ERR_IO, "disk");
    err_set(&why, ERR_IO, "the %s failed, the %s", why.text, why.text);
    ck_assert_str_eq(why.text, "the disk failed, the disk");
    err_prefix(&why, ERR_IO, "%.3s", why.text);
    ck_assert_str_eq(why.text, "the: the disk failed, the disk");
}
END_TEST

START_TEST(a_text_that_is_too_long_is_cut)
{
    char hostile[5000];
    memset(hostile, 'x', sizeof hostile - 1);
    hostile[sizeof hostile - 1] = 0;

    ErrText why;
    err_set(&why, ERR_PARSE, "%s", hostile);
    ck_assert_uint_eq(strlen(why.text), sizeof why.text - 1);
    err_prefix(&why, ERR_PARSE, "line 1");
    ck_assert_uint_eq(strlen(why.text), sizeof why.text - 1);
    ck_assert_int_eq(strncmp(why.text, "line 1: xxx", 11), 0);
    err_prefix(&why, ERR_PARSE, "%s", hostile);
    ck_assert_uint_eq(strlen(why.text), sizeof why.text - 1);
}
END_TEST

KIT_MAIN("base.err", every_error_has_its_own_text, setting_returns_the_error_and_writes_the_text, a_prefix_says_where, a_text_may_be_made_of_itself,
         a_text_that_is_too_long_is_cut)
