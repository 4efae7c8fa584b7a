/* scan.c -- a cursor over the bytes; whatever it does not expect makes it stop.
 *
 * A decimal is exact when its digits are below 2^53 and its power of ten is not beyond 22: both are doubles then, and one product or quotient of
 * them is rounded once. The C library reads the others. */
#include "signal/scan.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    DIGITS_MAX = 18,  // that always fit into 64 bits with a sign
    POWER_MAX = 22,   // of ten, that is a double
    EXPONENT_MAX = 400,
    NUMBER_ROOM = 64,
};
static const uint64_t EXACT_MAX = UINT64_C(1) << 53;

typedef struct Cursor {
    const char *at, *end;
    char *name;  // where the next one goes
} Cursor;

/* A number as it stands: digits * 10^power. */
typedef struct Decimal {
    uint64_t digits;
    int digit_count;  // leading zeros left out; when there are more than DIGITS_MAX, `digits` has not all
    int power;
    bool negative, whole;
} Decimal;

Err scan_init(Scan *scan)
{
    scan->items = mem_alloc(WIRE_SAMPLES_MAX * sizeof *scan->items);
    scan->names = mem_alloc(WIRE_FRAME_MAX);
    return scan->items && scan->names ? ERR_OK : ERR_MEMORY;
}

void scan_fini(Scan *scan)
{
    mem_free(scan->items);
    mem_free(scan->names);
}

static void skip_space(Cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' || *cursor->at == '\t'))
        cursor->at++;
}

/* Whether `c` comes next, white space aside; then it is passed over. */
static bool take(Cursor *cursor, char c)
{
    skip_space(cursor);
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

/* The same for a text with its quotes, which has nothing that JSON would escape. */
static bool take_text(Cursor *cursor, const char *text, size_t length)
{
    skip_space(cursor);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
        return false;
    cursor->at += length;
    return true;
}
#define TAKE_TEXT(cursor, text) take_text((cursor), "\"" text "\"", sizeof "\"" text "\"" - 1)

static bool is_digit(const Cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

static void take_digits(Cursor *cursor, Decimal *decimal)
{
    for (; is_digit(cursor); cursor->at++) {
        decimal->digit_count += decimal->digit_count > 0 || *cursor->at != '0';
        if (decimal->digit_count <= DIGITS_MAX)
            decimal->digits = decimal->digits * 10 + (uint64_t)(*cursor->at - '0');
    }
}

static bool take_exponent(Cursor *cursor, Decimal *decimal)
{
    int exponent = 0;
    cursor->at++;
    const bool negative = cursor->at < cursor->end && *cursor->at == '-';
    cursor->at += negative || (cursor->at < cursor->end && *cursor->at == '+');
    if (!is_digit(cursor))
        return false;
    for (; is_digit(cursor) && exponent < EXPONENT_MAX; cursor->at++)
        exponent = exponent * 10 + (*cursor->at - '0');
    decimal->power += negative ? -exponent : exponent;
    decimal->whole = false;
    return exponent < EXPONENT_MAX;
}

/* A number of JSON: no plus, no zeros in front, digits on both sides of a point. */
static bool take_decimal(Cursor *cursor, Decimal *out)
{
    skip_space(cursor);
    *out = (Decimal){.whole = true};
    out->negative = cursor->at < cursor->end && *cursor->at == '-';
    cursor->at += out->negative;
    const char *const first = cursor->at;
    if (!is_digit(cursor))
        return false;
    take_digits(cursor, out);
    if (*first == '0' && cursor->at - first > 1)
        return false;

    if (cursor->at < cursor->end && *cursor->at == '.') {
        const char *const point = cursor->at++;
        if (!is_digit(cursor))
            return false;
        take_digits(cursor, out);
        out->power = -(int)(cursor->at - point - 1);
        out->whole = false;
    }
    if (cursor->at < cursor->end && (*cursor->at == 'e' || *cursor->at == 'E'))
        return take_exponent(cursor, out);
    return true;
}

static bool take_integer(Cursor *cursor, int64_t *out)
{
    Decimal decimal;
    const bool taken = take_decimal(cursor, &decimal) && decimal.whole;
    // the 19 digits of a time of our days
    if (taken && !decimal.negative && decimal.digit_count == DIGITS_MAX + 1 && cursor->at[-DIGITS_MAX - 1] < '9') {
        *out = (int64_t)(decimal.digits * 10 + (uint64_t)(cursor->at[-1] - '0'));
        return true;
    }
    *out = decimal.negative ? -(int64_t)decimal.digits : (int64_t)decimal.digits;
    return taken && decimal.digit_count <= DIGITS_MAX;
}

static bool parse_number(const char *from, const char *to, double *out)
{
    char text[NUMBER_ROOM];
    const size_t length = (size_t)(to - from);
    if (length >= sizeof text)
        return false;
    memcpy(text, from, length);
    text[length] = 0;
    *out = number_parse(text);
    return isfinite(*out);
}

static bool take_number(Cursor *cursor, double *out)
{
    static const double powers[POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    Decimal decimal;
    skip_space(cursor);
    const char *const first = cursor->at;
    if (!take_decimal(cursor, &decimal) || (decimal.whole && decimal.digit_count > DIGITS_MAX))
        return false;
    if (decimal.whole) {  // an integer has no negative zero
        *out = (double)(decimal.negative ? -(int64_t)decimal.digits : (int64_t)decimal.digits);
        return true;
    }
    if (decimal.digit_count > DIGITS_MAX || decimal.digits > EXACT_MAX || decimal.power < -POWER_MAX || decimal.power > POWER_MAX)
        return parse_number(first, cursor->at, out);
    const double digits = (double)decimal.digits;
    const double value = decimal.power < 0 ? digits / powers[-decimal.power] : digits * powers[decimal.power];
    *out = decimal.negative ? -value : value;
    return true;
}

/* A name of plain letters; a copy with a 0 behind it stands where the quotes and the comma of its frame would. */
static const char *take_name(Cursor *cursor)
{
    if (!take(cursor, '"'))
        return NULL;
    char *const name = cursor->name;
    for (; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
        if (*cursor->at < ' ' || *cursor->at > '~' || *cursor->at == '\\')
            return NULL;
        *cursor->name++ = *cursor->at;
    }
    if (cursor->name == name)
        return NULL;
    *cursor->name++ = 0;
    return take(cursor, '"') ? name : NULL;
}

static bool take_quality(Cursor *cursor, Quality *out)
{
    *out = TAKE_TEXT(cursor, "good") ? QUALITY_GOOD : TAKE_TEXT(cursor, "uncertain") ? QUALITY_UNCERTAIN : QUALITY_BAD;
    return *out != QUALITY_BAD || TAKE_TEXT(cursor, "bad");
}

static bool take_sample(Cursor *cursor, WireSample *out)
{
    out->quality = QUALITY_GOOD;
    if (!take(cursor, '[') || !(out->tag = take_name(cursor)) || !take(cursor, ',') || !take_integer(cursor, &out->time) || !take(cursor, ',') ||
        !take_number(cursor, &out->value))
        return false;
    return take(cursor, ']') || (take(cursor, ',') && take_quality(cursor, &out->quality) && take(cursor, ']'));
}

/* `:{"id":7},`, behind the word. */
static bool take_headers(Cursor *cursor, int64_t *id)
{
    return take(cursor, ':') && take(cursor, '{') && TAKE_TEXT(cursor, "id") && take(cursor, ':') && take_integer(cursor, id) && take(cursor, '}') &&
           take(cursor, ',');
}

/* All that stands in front of the samples. */
static bool take_head(Cursor *cursor, int64_t *id)
{
    *id = WIRE_ID_NONE;
    if (!take(cursor, '{') || !TAKE_TEXT(cursor, "topic") || !take(cursor, ':') || !TAKE_TEXT(cursor, "samples") || !take(cursor, ','))
        return false;
    if (TAKE_TEXT(cursor, "headers") && !take_headers(cursor, id))
        return false;
    return TAKE_TEXT(cursor, "value") && take(cursor, ':') && take(cursor, '[');
}

bool scan_samples(Scan *scan, const char *frame, size_t length, int64_t *id, size_t *count)
{
    assert(length <= WIRE_FRAME_MAX);
    Cursor cursor = {frame, frame + length, scan->names};
    if (!take_head(&cursor, id))
        return false;
    *count = 0;
    do
        if (*count == WIRE_SAMPLES_MAX || !take_sample(&cursor, &scan->items[(*count)++]))
            return false;
    while (take(&cursor, ','));
    if (!take(&cursor, ']') || !take(&cursor, '}'))
        return false;
    skip_space(&cursor);
    return cursor.at == cursor.end;
}
