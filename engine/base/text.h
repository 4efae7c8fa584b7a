/* text.h -- a growing text, and the JSON that Pollux writes.
 *
 * Reading JSON is jansson's work; writing it is a matter of appending, and a tick's frame for the browsers is written
 * without building a tree first. A Text that ran out of memory stays empty and says so in `failed`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How a text writes times: programs that reckon with them want numbers, people and other programs the standard.
typedef enum TextTimes { TEXT_TIMES_NS, TEXT_TIMES_RFC3339 } TextTimes;

typedef struct Text {
    char *bytes;  // ends in 0 whenever it is not NULL
    size_t length, capacity;
    TextTimes times;
    bool failed;
} Text;

void text_fini(Text *text);
/// Empty it, keep the memory.
void text_clear(Text *text);
void text_add(Text *text, const char *bytes, size_t length);
void text_put(Text *text, const char *string);
void text_format(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// A JSON string with its quotes; invalid UTF-8 becomes U+FFFD.
void text_json_string(Text *text, const char *string);
/// The shortest decimal that reads back as the same double; NaN and infinities become null.
void text_json_number(Text *text, double value);
/// A time in the form of this text: integer nanoseconds since 1970-01-01 UTC or an RFC 3339 string; null for TIME_NONE.
void text_json_time(Text *text, int64_t time);
/// Write `value` as the shortest decimal that reads back as the same double; returns the length without the 0.
int number_format(double value, char out[static 32]);
/// The double nearest to a decimal number; infinite when it is too large. `text` is a number of JSON, with a 0 behind it.
double number_parse(const char *text);
