/* lines.c -- a reader with one letter of look-ahead. What stands behind a backslash and would end a word does not. */
#include "connectors/http/lines.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool lines_read_precision(const char *text, int64_t *out)
{
    static const struct {
        const char *word;
        int64_t ns;
    } words[] = {{"ns", 1}, {"n", 1}, {"us", 1000}, {"u", 1000}, {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}};
    *out = 1;
    for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].word) == 0)
            return *out = words[i].ns, true;
    return !text;
}

Lines lines_begin(char *text, int64_t precision)
{
    assert(precision > 0);
    return (Lines){.at = text, .precision = precision};
}

const char *line_tag(const LinePoint *point, const char *key)
{
    for (size_t i = 0; i < point->tag_count; i++)
        if (strcmp(point->tags[i].key, key) == 0)
            return point->tags[i].value;
    return NULL;
}

static bool fail(const Lines *lines, ErrText *why, const char *what)
{
    err_set(why, ERR_PARSE, "line %zu: %s", lines->line, what);
    return false;
}

/* Cut the word at `*at` off before the first of the letters in `ends`, which is left in `end` (0 at the end of the text), and go behind it. */
static char *take_word(char **at, const char *ends, char *end)
{
    char *const word = *at, *to = word;
    char *from = word;
    for (; *from && !strchr(ends, *from); from++) {
        if (*from == '\\' && from[1] && strchr(", =", from[1]))
            from++;
        *to++ = *from;
    }
    *end = *from;
    *at = from + (*from != 0);
    *to = 0;
    return word;
}

/* A text in quotes, which may have anything inside it; NULL without an end. */
static char *take_text(char **at)
{
    char *const text = *at + 1, *to = text;
    char *from = text;
    for (; *from && *from != '"'; from++) {
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        *to++ = *from;
    }
    if (!*from)
        return NULL;
    *at = from + 1;
    *to = 0;
    return text;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* 1.5, -2e3, 7i, 7u, true: not what strtod takes besides. */
static bool read_number(char *word, double *out)
{
    static const char *const yes[] = {"t", "T", "true", "True", "TRUE", NULL}, *const no[] = {"f", "F", "false", "False", "FALSE", NULL};
    if (is_one_of(word, yes))
        return *out = 1, true;
    if (is_one_of(word, no))
        return *out = 0, true;

    const size_t length = strlen(word);
    if (length == 0)
        return false;
    const bool whole = word[length - 1] == 'i' || word[length - 1] == 'u';
    if (whole)
        word[length - 1] = 0;
    char *end;
    *out = strtod(word, &end);
    return end != word && !*end && !word[strspn(word, whole ? "0123456789-" : "0123456789+-.eE")] && isfinite(*out);
}

/* A field's value; behind it stands a comma, a blank or the end of the line, which is left in `end`. */
static bool read_value(Lines *lines, LineField *field, char *end, ErrText *why)
{
    if (*lines->at == '"') {
        field->number = NAN;
        field->text = take_text(&lines->at);
        if (!field->text)
            return fail(lines, why, "a text without its second quotation mark");
        *end = *lines->at;
        lines->at += *end != 0;
        return true;
    }
    field->text = NULL;
    if (read_number(take_word(&lines->at, ", \r\n", end), &field->number))
        return true;
    return fail(lines, why, "a number, true, false or a text in quotation marks was expected");
}

static bool read_tags(Lines *lines, LinePoint *out, char *end, ErrText *why)
{
    while (*end == ',') {
        if (out->tag_count == LINE_TAGS_MAX)
            return fail(lines, why, "more tags than 64");
        LineTag *const tag = &out->tags[out->tag_count++];
        tag->key = take_word(&lines->at, ",= \r\n", end);
        if (!*tag->key || *end != '=')
            return fail(lines, why, "a tag was expected behind the comma: key=value");
        tag->value = take_word(&lines->at, ",= \r\n", end);
        if (!*tag->value || *end == '=')
            return fail(lines, why, "a tag has one value, which is not empty");
    }
    return true;
}

static bool read_fields(Lines *lines, LinePoint *out, char *end, ErrText *why)
{
    for (bool more = true; more; more = *end == ',') {
        if (out->field_count == LINE_FIELDS_MAX)
            return fail(lines, why, "more fields than 256");
        LineField *const field = &out->fields[out->field_count++];
        field->key = take_word(&lines->at, ",= \r\n", end);
        if (!*field->key || *end != '=')
            return fail(lines, why, "a field was expected: key=value");
        if (!read_value(lines, field, end, why))
            return false;
        if (*end && !strchr(", \r\n", *end))
            return fail(lines, why, "a comma, a blank or the end of the line was expected behind a value");
    }
    return true;
}

static bool read_time(Lines *lines, int64_t *out, char *end, ErrText *why)
{
    while (*lines->at == ' ')
        lines->at++;
    char *const word = take_word(&lines->at, " \r\n", end), *rest = word;
    *out = TIME_NONE;
    if (!*word)
        return true;
    // a count of seconds has 10 digits, one of nanoseconds 19
    const size_t digits = strspn(word + (*word == '-'), "0123456789");
    const long long count = strtoll(word, &rest, 10);
    if (*rest || digits == 0 || digits > 19 || __builtin_mul_overflow((int64_t)count, lines->precision, out) || *out == TIME_NONE)
        return fail(lines, why, "a time was expected behind the fields, as a whole number");
    return true;
}

/* Nothing but blanks may stand before the end of the line. */
static bool read_end(Lines *lines, char end, ErrText *why)
{
    while (end == ' ' || end == '\r')
        end = *lines->at ? *lines->at++ : 0;
    return !end || end == '\n' || fail(lines, why, "the end of the line was expected behind the time");
}

/* To the first letter of a line that says something; false at the end. */
static bool find_line(Lines *lines)
{
    for (; *lines->at; lines->at++) {
        lines->line++;
        lines->at += strspn(lines->at, " \t\r");
        if (*lines->at && *lines->at != '\n' && *lines->at != '#')
            return true;
        lines->at += strcspn(lines->at, "\n");
        if (!*lines->at)
            return false;
    }
    return false;
}

bool lines_next(Lines *lines, LinePoint *out, ErrText *why)
{
    char end = 0;
    why->text[0] = 0;
    if (!find_line(lines))
        return false;
    out->tag_count = out->field_count = 0;
    out->time = TIME_NONE;
    out->measurement = take_word(&lines->at, ", \r\n", &end);
    if (!*out->measurement)
        return fail(lines, why, "a measurement was expected");
    if (!read_tags(lines, out, &end, why))
        return false;
    if (end != ' ')
        return fail(lines, why, "fields were expected behind the measurement and its tags");
    while (*lines->at == ' ')
        lines->at++;
    if (!read_fields(lines, out, &end, why))
        return false;
    if (end == ' ' && !read_time(lines, &out->time, &end, why))
        return false;
    return read_end(lines, end, why);
}
