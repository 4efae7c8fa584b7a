/* push.h -- what a body that was pushed says of which binding.
 *
 * Line protocol is matched by measurement, field and tags: `measurement = "tank", field = "level", tags = { id = "1" }` takes that field of all lines of that
 * measurement that carry these tags, and maybe others. JSON calls tags by their own names.
 *
 *     [{ "tag": "tank1.gauge", "value": 31.2, "time": "2026-01-22T14:48:58Z", "quality": "good" }, ...]     or { "samples": [...] }
 *
 * Whatever stands beside what is bound is passed over in lines, as one source feeds many; in JSON, which is written for this plant, it is a fault.
 *
 * Takes: bodies.  Gives: PushValues.  Memory: its own.  Threads: const once made. */
#pragma once

#include <jansson.h>

#include "connectors/http/lines.h"
#include "signal/sample.h"

/// One binding that is pushed.
typedef struct PushTarget {
    size_t binding;
    const char *name;                 // of its tag
    const char *measurement, *field;  // NULL: it comes by JSON alone
    const json_t *tags;               // texts; NULL for none
} PushTarget;

typedef struct PushValue {
    size_t binding;
    double number;  // NAN with QUALITY_BAD: the source says that it has none
    int64_t time;   // TIME_NONE: not said
    Quality quality;
} PushValue;

typedef struct PushValues {
    PushValue *items;
    size_t count, room;
} PushValues;
void push_values_fini(PushValues *values);

typedef struct Push Push;

/// `targets` are copied, what they point to is not.
Err push_create(const PushTarget *targets, size_t count, Push **out);
void push_destroy(Push *push);

/// Numbers that nobody bound, as "measurement,key=value field", for people who look for what could be bound.
typedef void PushSeen(void *self, const char *address, double number);

/// Add what a text in line protocol says. It ends in 0 and is written to. ERR_PARSE and ERR_MEMORY leave `values` as it is.
Err push_read_lines(const Push *push, char *text, int64_t precision, PushSeen *seen, void *self, PushValues *values, ErrText *why);
/// The same for JSON.
Err push_read_json(const Push *push, const char *bytes, size_t length, int64_t precision, PushValues *values, ErrText *why);
