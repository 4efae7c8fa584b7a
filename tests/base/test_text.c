/* Texts: they grow, JSON strings are always well-formed, and numbers come back as they went. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

START_TEST(a_text_grows_and_ends_in_0)
{
    Text text = {0};
    for (int i = 0; i < 1000; i++) {
        text_add(&text, "ab\0d", 4);
        text_put(&text, "-");
        text_format(&text, "%03d", i);
        ck_assert_uint_eq(text.length, (size_t)(i + 1) * 8);
        ck_assert_int_eq(text.bytes[text.length], 0);
    }
    ck_assert_mem_eq(text.bytes + 999 * 8, "ab\0d-999", 9);
    text_clear(&text);
    ck_assert_uint_eq(text.length, 0);
    ck_assert_str_eq(text.bytes, "");
    text_fini(&text);
    ck_assert_ptr_null(text.bytes);
}
END_TEST

START_TEST(a_format_longer_than_the_room_is_written_whole)
{
    for (int width = 0; width < 2000; width += 17) {
        Text text = {0};
        text_put(&text, "x");
        text_format(&text, "%*d", width, 5);
        ck_assert_uint_eq(text.length, (size_t)(width > 1 ? width : 1) + 1);
        ck_assert_int_eq(text.bytes[text.length - 1], '5');
        text_fini(&text);
    }
}
END_TEST

START_TEST(a_text_without_memory_stays_empty_and_says_so)
{
    Text text = {0};
    text_put(&text, "begun");
    char large[1000];
    memset(large, 'x', sizeof large);
    kit_fail_allocation(1);
    text_add(&text, large, sizeof large);
    kit_fail_allocation(0);
    ck_assert(text.failed);
    ck_assert_uint_eq(text.length, 0);
    text_put(&text, "more");
    text_format(&text, "%d", 1);
    ck_assert_uint_eq(text.length, 0);
    ck_assert_str_eq(text.bytes, "");

    text_clear(&text);
    text_put(&text, "again");
    ck_assert(!text.failed);
    ck_assert_str_eq(text.bytes, "again");
    text_fini(&text);
}
END_TEST

static const char *json_string(const char *string)
{
    static Text text;
    text_clear(&text);
    text_json_string(&text, string);
    static char copy[256];
    snprintf(copy, sizeof copy, "%s", text.bytes);
    text_fini(&text);
    return copy;
}

START_TEST(json_strings_are_escaped)
{
    ck_assert_str_eq(json_string(""), "\"\"");
    ck_assert_str_eq(json_string("tank1.level"), "\"tank1.level\"");
    ck_assert_str_eq(json_string("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    ck_assert_str_eq(json_string("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    ck_assert_str_eq(json_string("\xc2\xb0" "C, \xe2\x82\xac, \xf0\x9f\x8c\xa1"), "\"\xc2\xb0" "C, \xe2\x82\xac, \xf0\x9f\x8c\xa1\"");
}
END_TEST

#define REPLACED "\xef\xbf\xbd"

START_TEST(what_is_not_utf8_is_replaced)
{
    ck_assert_str_eq(json_string("a\x80z"), "\"a" REPLACED "z\"");
    ck_assert_str_eq(json_string("\xc0\xaf"), "\"" REPLACED REPLACED "\"");
    ck_assert_str_eq(json_string("\xe0\x80\xaf"), "\"" REPLACED REPLACED REPLACED "\"");
    ck_assert_str_eq(json_string("\xed\xa0\x80"), "\"" REPLACED REPLACED REPLACED "\"");
    ck_assert_str_eq(json_string("\xf4\x90\x80\x80"), "\"" REPLACED REPLACED REPLACED REPLACED "\"");
    ck_assert_str_eq(json_string("\xff\xfe"), "\"" REPLACED REPLACED "\"");
    ck_assert_str_eq(json_string("cut \xe2\x82"), "\"cut " REPLACED REPLACED "\"");
    ck_assert_str_eq(json_string("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\"");
}
END_TEST

static const char *number(double value)
{
    static char out[32];
    ck_assert_int_eq(number_format(value, out), (int)strlen(out));
    return out;
}

START_TEST(numbers_are_written_as_short_as_they_can_be)
{
    ck_assert_str_eq(number(0), "0");
    ck_assert_str_eq(number(-0.0), "-0");
    ck_assert_str_eq(number(0.1), "0.1");
    ck_assert_str_eq(number(0.1 + 0.2), "0.30000000000000004");
    ck_assert_str_eq(number(25), "25");
    ck_assert_str_eq(number(1e15), "1e+15");
    ck_assert_str_eq(number(123456789012), "123456789012");
    ck_assert_str_eq(number(5e-324), "5e-324");
    ck_assert_str_eq(number(1.7976931348623157e308), "1.7976931348623157e+308");
    ck_assert_str_eq(number(-2.2250738585072014e-308), "-2.2250738585072014e-308");
}
END_TEST

START_TEST(every_number_reads_back_as_the_same_bits)
{
    for (uint64_t i = 0; i < 20000; i++) {
        uint32_t words[4];
        random_words(1, 2, i, words);
        double value, back;
        memcpy(&value, words, sizeof value);
        if (!isfinite(value))
            continue;
        back = strtod(number(value), NULL);
        ck_assert_mem_eq(&back, &value, sizeof value);
    }
}
END_TEST

START_TEST(json_numbers_that_do_not_exist_are_null)
{
    Text text = {0};
    text_json_number(&text, NAN);
    text_json_number(&text, -INFINITY);
    text_json_number(&text, 2.5);
    ck_assert_str_eq(text.bytes, "nullnull2.5");
    text_fini(&text);
}
END_TEST

START_TEST(a_locale_with_a_decimal_comma_changes_nothing)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i]))
            break;
    ck_assert_str_eq(number(0.5), "0.5");
    ck_assert_str_eq(number(1.0 / 3), "0.3333333333333333");
    setlocale(LC_ALL, "C");
}
END_TEST

KIT_MAIN("base.text", a_text_grows_and_ends_in_0, a_format_longer_than_the_room_is_written_whole, a_text_without_memory_stays_empty_and_says_so,
         json_strings_are_escaped, what_is_not_utf8_is_replaced, numbers_are_written_as_short_as_they_can_be, every_number_reads_back_as_the_same_bits,
         json_numbers_that_do_not_exist_are_null, a_locale_with_a_decimal_comma_changes_nothing)
