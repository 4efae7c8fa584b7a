#include "connectors/http/lines.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"

static char text[4096];
static Lines lines;
static LinePoint point;
static ErrText why;

static void begin(const char *from)
{
    snprintf(text, sizeof text, "%s", from);
    lines = lines_begin(text, 1);
}

static void read_one(const char *from)
{
    begin(from);
    ck_assert_msg(lines_next(&lines, &point, &why), "%s: %s", from, why.text);
}

START_TEST(a_line_is_a_measurement_tags_fields_and_a_time)
{
    read_one("tank,id=1,site=north level=0.31,full=false 1700000000000000000\n");
    ck_assert_str_eq(point.measurement, "tank");
    ck_assert_uint_eq(point.tag_count, 2);
    ck_assert_str_eq(line_tag(&point, "id"), "1");
    ck_assert_str_eq(line_tag(&point, "site"), "north");
    ck_assert_ptr_null(line_tag(&point, "room"));
    ck_assert_uint_eq(point.field_count, 2);
    ck_assert_str_eq(point.fields[0].key, "level");
    ck_assert_double_eq(point.fields[0].number, 0.31);
    ck_assert_double_eq(point.fields[1].number, 0);
    ck_assert_int_eq(point.time, 1700000000000000000);
    ck_assert(!lines_next(&lines, &point, &why) && !why.text[0]);
}
END_TEST

START_TEST(tags_and_time_may_be_left_out)
{
    read_one("tank level=1");
    ck_assert_uint_eq(point.tag_count, 0);
    ck_assert_int_eq(point.time, TIME_NONE);
}
END_TEST

START_TEST(every_kind_of_value_is_read)
{
    read_one("m a=1,b=-2.5e3,c=7i,d=8u,e=t,f=TRUE,g=F,h=\"a \\\"text\\\", with=everything\",i=-9i");
    static const double expected[] = {1, -2500, 7, 8, 1, 1, 0, NAN, -9};
    ck_assert_uint_eq(point.field_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < point.field_count; i++)
        ck_assert(point.fields[i].text ? isnan(expected[i]) : point.fields[i].number == expected[i]);
    ck_assert_str_eq(point.fields[7].text, "a \"text\", with=everything");
}
END_TEST

START_TEST(escapes_are_taken_out)
{
    read_one("water\\ tank\\,big,the\\=key=a\\ b\\,c\\d fill\\ level=2 5");
    ck_assert_str_eq(point.measurement, "water tank,big");
    ck_assert_str_eq(line_tag(&point, "the=key"), "a b,c\\d");
    ck_assert_str_eq(point.fields[0].key, "fill level");
}
END_TEST

START_TEST(lines_follow_one_another)
{
    begin("# a comment\n\n a v=1 1\r\nb v=2 2\n   \n# c v=3\nd,x=\"q\" v=\"two\nlines\",w=4 4");
    size_t count = 0;
    double sum = 0;
    for (; lines_next(&lines, &point, &why); count++)
        sum += point.fields[point.field_count - 1].number;
    ck_assert_msg(!why.text[0], "%s", why.text);
    ck_assert_uint_eq(count, 3);
    ck_assert_double_eq(sum, 1 + 2 + 4);
}
END_TEST

START_TEST(times_count_what_the_request_says)
{
    static const struct {
        const char *word;
        int64_t ns;
    } cases[] = {{"ns", 1}, {"n", 1}, {"us", 1000}, {"u", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}, {NULL, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t precision;
        ck_assert(lines_read_precision(cases[i].word, &precision));
        begin("a v=1 12");
        lines.precision = precision;
        ck_assert(lines_next(&lines, &point, &why));
        ck_assert_int_eq(point.time, 12 * cases[i].ns);
    }
    int64_t precision;
    ck_assert(!lines_read_precision("days", &precision));
}
END_TEST

START_TEST(a_malformed_line_is_named_with_what_was_expected)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"a v=1\nb", "line 2: fields were expected"},
        {",x=1 v=1", "line 1: a measurement was expected"},
        {"a,x v=1", "a tag was expected"},
        {"a,x= v=1", "a tag has one value"},
        {"a,x=1=2 v=1", "a tag has one value"},
        {"a v", "a field was expected"},
        {"a v=", "a number, true, false or a text"},
        {"a v=1x", "a number, true, false or a text"},
        {"a v=nan", "a number, true, false or a text"},
        {"a v=0x10", "a number, true, false or a text"},
        {"a v=1e999", "a number, true, false or a text"},
        {"a v=1.5i", "a number, true, false or a text"},
        {"a v=\"open", "a text without its second quotation mark"},
        {"a v=\"x\"y", "a comma, a blank or the end"},
        {"a v=1,", "a field was expected"},
        {"a v=1 yesterday", "a time was expected"},
        {"a v=1 99999999999999999999", "a time was expected"},
        {"a v=1 5 6", "the end of the line was expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(cases[i].text);
        while (lines_next(&lines, &point, &why))
            continue;
        ck_assert_msg(strstr(why.text, cases[i].expected) != NULL, "%s: expected \"%s\", got \"%s\"", cases[i].text, cases[i].expected, why.text);
    }
}
END_TEST

START_TEST(a_line_has_bounds)
{
    size_t length = (size_t)snprintf(text, sizeof text, "a ");
    for (int i = 0; i < LINE_FIELDS_MAX + 1; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%sf%d=1", i ? "," : "", i);
    lines = lines_begin(text, 1);
    ck_assert(!lines_next(&lines, &point, &why));
    ck_assert_str_eq(why.text, "line 1: more fields than 256");
}
END_TEST

KIT_MAIN("connectors.http_lines", a_line_is_a_measurement_tags_fields_and_a_time, tags_and_time_may_be_left_out, every_kind_of_value_is_read,
         escapes_are_taken_out, lines_follow_one_another, times_count_what_the_request_says, a_malformed_line_is_named_with_what_was_expected,
         a_line_has_bounds)
