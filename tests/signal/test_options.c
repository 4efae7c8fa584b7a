/* Options: values within their limits, and one fault that names its key. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/options.h"

static json_t *object;

static Options reading(const char *json)
{
    json_decref(object);
    object = json_loads(json, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(object);
    return options_begin(object, "connectors.line");
}

static void forget(void)
{
    json_decref(object);
    object = NULL;
}

static void is_blamed(const Options *options, const char *key, const char *text)
{
    ck_assert_int_eq(options->err, ERR_SCRIPT);
    ck_assert_str_eq(options->blamed, key);
    ck_assert_msg(strstr(options->why.text, text), "%s", options->why.text);
    forget();
}

START_TEST(values_are_read_by_their_keys_and_absent_ones_are_the_fallback)
{
    Options options = reading("{\"port\": 1502, \"period\": 0.5, \"tls\": true, \"url\": \"mqtt://localhost\", \"type\": \"float32\"}");
    const char *const types[] = {"int16", "float32", NULL};
    ck_assert_int_eq(options_integer(&options, "port", 502, 1, 65535), 1502);
    ck_assert(options_number(&options, "period", 1, 0, INFINITY) == 0.5);
    ck_assert(options_flag(&options, "tls", false));
    ck_assert_str_eq(options_text(&options, "url", NULL), "mqtt://localhost");
    ck_assert_int_eq(options_choice(&options, "type", types, 0), 1);
    ck_assert(options_has(&options, "url"));

    ck_assert_int_eq(options_integer(&options, "unit", 1, 0, 247), 1);
    ck_assert(options_number(&options, "timeout", 2.5, 0, 10) == 2.5);
    ck_assert(!options_flag(&options, "retained", false));
    ck_assert_ptr_null(options_text(&options, "user", NULL));
    ck_assert_int_eq(options_choice(&options, "order", types, 1), 1);
    ck_assert(!options_has(&options, "user"));
    ck_assert_int_eq(options.err, ERR_OK);
    forget();
}
END_TEST

START_TEST(a_value_of_another_type_or_outside_its_limits_is_blamed_by_its_key)
{
    const char *const types[] = {"int16", "float32", NULL};
    Options options = reading("{\"port\": 70000}");
    options_integer(&options, "port", 502, 1, 65535);
    is_blamed(&options, "port", "connectors.line.port: an integer from 1 to 65535 was expected");

    options = reading("{\"port\": 1.5}");
    options_integer(&options, "port", 502, 1, 65535);
    is_blamed(&options, "port", "an integer from 1 to 65535");

    options = reading("{\"period\": \"1\"}");
    options_number(&options, "period", 1, 0, INFINITY);
    is_blamed(&options, "period", "a number of at least 0 was expected");

    options = reading("{\"tls\": 1}");
    options_flag(&options, "tls", false);
    is_blamed(&options, "tls", "true or false was expected");

    options = reading("{\"url\": \"\"}");
    options_text(&options, "url", NULL);
    is_blamed(&options, "url", "a text was expected");

    options = reading("{\"type\": \"double\"}");
    options_choice(&options, "type", types, 0);
    is_blamed(&options, "type", "one of these was expected: int16, float32");
}
END_TEST

START_TEST(whole_numbers_are_integers_however_they_are_written)
{
    Options options = reading("{\"port\": 1502.0}");
    ck_assert_int_eq(options_integer(&options, "port", 502, 1, 65535), 1502);
    ck_assert_int_eq(options.err, ERR_OK);
    forget();
}
END_TEST

START_TEST(an_unknown_key_lists_those_that_are_known)
{
    const char *const known[] = {"url", "port", NULL}, *const shared[] = {"unit", NULL};
    Options options = reading("{\"url\": \"x\", \"unit\": \"cm\", \"prot\": 1}");
    options_only(&options, known, shared);
    is_blamed(&options, "prot", "no such key; one of these was expected: url, port, unit");
}
END_TEST

START_TEST(the_first_fault_stays)
{
    Options options = reading("{\"a\": \"x\", \"b\": \"y\"}");
    options_number(&options, "a", 0, 0, 1);
    options_number(&options, "b", 0, 0, 1);
    options_fail(&options, "c", "nothing");
    is_blamed(&options, "a", "connectors.line.a");
}
END_TEST

START_TEST(what_is_no_table_is_a_fault_of_the_entry)
{
    Options options = reading("3");
    ck_assert(options_number(&options, "a", 7, 0, 10) == 7);
    is_blamed(&options, "", "connectors.line: a table was expected");
}
END_TEST

START_TEST(secrets_come_from_the_environment)
{
    setenv("POLLUX_TEST_SECRET", "open sesame", 1);
    unsetenv("POLLUX_TEST_NOTHING");
    Options options = reading("{\"password\": \"$POLLUX_TEST_SECRET\", \"user\": \"anna\", \"token\": \"$POLLUX_TEST_NOTHING\"}");
    ck_assert_str_eq(options_secret(&options, "password"), "open sesame");
    ck_assert_str_eq(options_secret(&options, "user"), "anna");
    ck_assert_ptr_null(options_secret(&options, "absent"));
    ck_assert_ptr_null(options_secret(&options, "token"));
    is_blamed(&options, "token", "the environment has no POLLUX_TEST_NOTHING");
}
END_TEST

KIT_MAIN("signal.options", values_are_read_by_their_keys_and_absent_ones_are_the_fallback, a_value_of_another_type_or_outside_its_limits_is_blamed_by_its_key,
         whole_numbers_are_integers_however_they_are_written, an_unknown_key_lists_those_that_are_known, the_first_fault_stays, what_is_no_table_is_a_fault_of_the_entry,
         secrets_come_from_the_environment)
