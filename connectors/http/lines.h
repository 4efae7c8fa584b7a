/* lines.h -- InfluxDB's line protocol: a measurement, its tags, fields with their values, and a time.
 *
 *     tank,id=1,site=north level=0.31,temperature=18.4 1700000000000000000
 *
 * Lines are read one after the other, in place: the text is cut up, and escapes are taken out. Blank lines and those that begin with # are passed over.
 *
 * Takes: a text.  Gives: LinePoints.  Memory: views into the text, until the next line.  Threads: any. */
#pragma once

#include "base/base.h"

enum { LINE_TAGS_MAX = 64, LINE_FIELDS_MAX = 256 };

typedef struct LineTag {
    const char *key, *value;
} LineTag;

typedef struct LineField {
    const char *key;
    double number;     // true is 1; NAN of a text
    const char *text;  // of a text, otherwise NULL
} LineField;

typedef struct LinePoint {
    const char *measurement;
    LineTag tags[LINE_TAGS_MAX];
    size_t tag_count;
    LineField fields[LINE_FIELDS_MAX];
    size_t field_count;
    int64_t time;  // UTC, ns; TIME_NONE where none stands there
} LinePoint;

typedef struct Lines {
    char *at;           // what is still to be read
    size_t line;        // the number of the last, from 1
    int64_t precision;  // ns of one count of a time
} Lines;

/// "ns", "n", "us", "u", "ms", "s", "m", "h"; NULL: "ns". False for another word.
bool lines_read_precision(const char *text, int64_t *out);
/// `text` ends in 0 and is written to.
Lines lines_begin(char *text, int64_t precision);
/// The next line; false when there is none, or it is malformed: then `why` is not empty.
bool lines_next(Lines *lines, LinePoint *out, ErrText *why);
/// The value of a tag, NULL when the point does not have it.
const char *line_tag(const LinePoint *point, const char *key);
