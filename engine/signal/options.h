/* options.h -- reading the options of a connector or a binding, checked key by key.
 *
 * A reader notes the first fault, with the key that is to blame, and does nothing from then on, so a caller reads all it needs and looks at `err` once.
 * Whoever loads the plant's script finds the line by the key.
 *
 * Takes: JSON objects.  Gives: values within their limits.  Memory: views into the JSON.  Threads: any. */
#pragma once

#include <jansson.h>

#include "base/base.h"

typedef struct Options {
    const json_t *object;
    const char *what;  // for messages: "connectors.line", "bind tank1.gauge"
    char blamed[64];   // the key of the first fault, "" for the entry itself
    Err err;
    ErrText why;
} Options;

Options options_begin(const json_t *object, const char *what);
/// An unknown key is a fault that lists `known` and the `shared` ones (both NULL-terminated; `shared` may be NULL).
void options_only(Options *options, const char *const *known, const char *const *shared);
bool options_has(const Options *options, const char *key);
/// `fallback` when absent; a fault when it is of another type, not finite or outside [min, max].
double options_number(Options *options, const char *key, double fallback, double min, double max);
int64_t options_integer(Options *options, const char *key, int64_t fallback, int64_t min, int64_t max);
bool options_flag(Options *options, const char *key, bool fallback);
const char *options_text(Options *options, const char *key, const char *fallback);
/// The place of the text in `names` (NULL-terminated); a fault lists them.
int options_choice(Options *options, const char *key, const char *const *names, int fallback);
/// A text or, as "$NAME", what the environment says: secrets are not written into scripts. A fault when that is not set.
const char *options_secret(Options *options, const char *key);
/// Note a fault, unless there is one already.
void options_fail(Options *options, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
