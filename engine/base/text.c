/* text.c -- a growing text; JSON strings and numbers.
 *
 * Numbers are written and read back under the "C" locale of the calling thread, whatever the process has set. */
#include "base/text.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

static void text_fail(Text *text)
{
    text->failed = true;
    text->length = 0;
    if (text->bytes)
        text->bytes[0] = 0;
}

/* Room for `length` more bytes and the 0. */
static bool text_reserve(Text *text, size_t length)
{
    if (text->failed)
        return false;
    if (length < text->capacity - text->length)
        return true;

    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity - text->length <= length && capacity <= PTRDIFF_MAX / 2)
        capacity *= 2;
    char *const grown = capacity - text->length > length ? mem_grow(text->bytes, text->capacity, capacity) : NULL;
    if (!grown) {
        text_fail(text);
        return false;
    }
    text->bytes = grown;
    text->capacity = capacity;
    return true;
}

void text_fini(Text *text)
{
    mem_free(text->bytes);
    *text = (Text){0};
}

void text_clear(Text *text)
{
    text->length = 0;
    text->failed = false;
    if (text->bytes)
        text->bytes[0] = 0;
}

void text_add(Text *text, const char *bytes, size_t length)
{
    assert(bytes || length == 0);
    if (!text_reserve(text, length))
        return;
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = 0;
}

void text_put(Text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_format(Text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);

    // nearly always there is room already; when not, the second try has it
    const size_t room = text->failed ? 0 : text->capacity - text->length;
    const int length = vsnprintf(room ? text->bytes + text->length : NULL, room, format, arguments);
    va_end(arguments);
    if (length < 0)
        text_fail(text);
    else if ((size_t)length < room)
        text->length += (size_t)length;
    else if (text_reserve(text, (size_t)length))
        text->length += (size_t)vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
    va_end(again);
}

/* The length of the well-formed UTF-8 sequence at `s` (RFC 3629, table in section 4), or 0. The 0 at the end stops it. */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;

    // the second byte has a narrower range behind some leads: no overlong forms, no surrogates, nothing above U+10FFFF
    const unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high)
        return 0;
    const size_t length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    for (size_t i = 2; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static void json_escape(Text *text, unsigned char c)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *pair = short_forms; *pair; pair += 2)
        if (c == (unsigned char)*pair) {
            text_add(text, (const char[]){'\\', pair[1]}, 2);
            return;
        }
    text_format(text, "\\u%04x", c);
}

void text_json_string(Text *text, const char *string)
{
    assert(string);
    text_put(text, "\"");
    const unsigned char *s = (const unsigned char *)string, *plain = s;
    while (*s) {
        const size_t length = utf8_length(s);
        const bool passes = length > 1 || (length == 1 && *s >= ' ' && *s != '"' && *s != '\\');
        if (passes) {
            s += length;
            continue;
        }
        text_add(text, (const char *)plain, (size_t)(s - plain));
        if (length == 0)
            text_put(text, "\xef\xbf\xbd");
        else
            json_escape(text, *s);
        plain = ++s;
    }
    text_add(text, (const char *)plain, (size_t)(s - plain));
    text_put(text, "\"");
}

void text_json_number(Text *text, double value)
{
    char digits[32];
    if (isfinite(value))
        text_add(text, digits, (size_t)number_format(value, digits));
    else
        text_put(text, "null");
}

void text_json_time(Text *text, int64_t time)
{
    char words[32];
    if (time == TIME_NONE) {
        text_put(text, "null");
    } else if (text->times == TEXT_TIMES_NS) {
        text_format(text, "%" PRId64, time);
    } else {
        time_format(time, words);
        text_json_string(text, words);
    }
}

static locale_t plain_locale;

static void make_plain_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t get_plain_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain_locale);
    return plain_locale;
}

double number_parse(const char *text)
{
    return strtod_l(text, NULL, get_plain_locale());
}

int number_format(double value, char out[static 32])
{
    const locale_t before = uselocale(get_plain_locale());

    // 15 digits always survive the way to a double and 17 always come back; a subnormal has fewer to begin with
    int length = 0;
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        length = snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    uselocale(before);
    return length;
}
