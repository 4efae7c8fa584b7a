/* payload.h -- what stands in a message: a plain number, or JSON in which pointers (RFC 6901) say where.
 *
 *     21.5                                        payload = "number"
 *     { "t": 21.5, "at": "2026-01-22T14:48:58Z" }  payload = "json", value = "/t", stamp = "/at"
 *
 * Pure: no socket, no thread; whatever the bytes are, they are read or refused with what was expected.
 *
 * Takes: bytes, what a script says of them.  Gives: numbers, times, qualities; bytes again.  Memory: jansson's, until payload_forget.  Threads: any. */
#pragma once

#include <jansson.h>

#include "signal/options.h"
#include "signal/sample.h"

enum { PAYLOAD_MAX = 64 * 1024, PAYLOAD_KEY_MAX = 128 };

/// Where things stand in the payloads of one binding; of a plain number nothing but `json` counts. Pointers are NULL where there is no such thing.
typedef struct PayloadForm {
    bool json;
    const char *value;        // "": the document is the value
    const char *stamp;        // when it was measured: RFC 3339 or, where `stamp_ns` is not 0, also a number of these since 1970
    int64_t stamp_ns;         // 0: written as RFC 3339
    const char *quality;
    const json_t *qualities;  // what stands there -> "good", "uncertain", "bad"; NULL: these words, true and false
    const json_t *where;      // pointer -> text, number or flag that must stand there; NULL: no condition
    const char *id;           // of a command and of its reply
    const char *error;        // of a reply: why it was not carried out
} PayloadForm;

/// What a message said of one binding.
typedef struct PayloadValue {
    double number;  // NAN where the source says that it has none (null)
    int64_t time;   // TIME_NONE where it says none
    Quality quality;
} PayloadValue;

/// A decimal number as JSON has it, or true or false; blanks around it are passed over.
Err payload_read_number(const char *bytes, size_t length, double *out, ErrText *why);
/// A document of at most PAYLOAD_MAX bytes, to be forgotten with json_decref.
Err payload_parse(const char *bytes, size_t length, json_t **out, ErrText *why);
/// Whether the document is meant for this form (`where`).
bool payload_is_meant(const PayloadForm *form, const json_t *document);
Err payload_pick(const PayloadForm *form, const json_t *document, PayloadValue *out, ErrText *why);

/// What stands at `pointer`, NULL where nothing does.
const json_t *payload_at(const json_t *document, const char *pointer);
/// "" or a list of levels, each behind a /, none longer than PAYLOAD_KEY_MAX.
bool payload_is_pointer(const char *pointer);

/// What is to be sent: a value, its time (TIME_NONE: none), the id of a command (0: none).
typedef struct PayloadNews {
    double number;
    int64_t time;
    uint64_t id;
} PayloadNews;

/// Append it in this form. ERR_RANGE when two pointers want the same place.
Err payload_write(const PayloadForm *form, const PayloadNews *news, Text *out);

/// Read the keys of a binding that say which form its payload has: payload, value, stamp, stamp_unit, quality, qualities, where.
PayloadForm payload_form_read(Options *entry);
/// A JSON pointer, "" included.
const char *payload_pointer_read(Options *entry, const char *key, const char *fallback);
