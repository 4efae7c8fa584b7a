/* err.h -- how calls fail.
 *
 * The outside world fails with an Err; our own mistakes are asserts. An Err is for the program, an ErrText for people:
 * it says where (script, line, key) and what was expected, and belongs to the caller, never to a global. */
#pragma once

#include <stdarg.h>

#define ERR_LIST(X)                                          \
    X(OK, "done")                                            \
    X(MEMORY, "out of memory")                               \
    X(IO, "a file or device failed")                         \
    X(PARSE, "not in the expected form")                     \
    X(RANGE, "outside its limits")                           \
    X(UNKNOWN, "no such name")                               \
    X(UNIT, "units do not convert")                          \
    X(SCRIPT, "a script is wrong")                           \
    X(FULL, "no room left")                                  \
    X(CLOSED, "closed")                                      \
    X(DENIED, "not allowed")                                 \
    X(USAGE, "bad arguments")

typedef enum Err {
#define X(name, text) ERR_##name,
    ERR_LIST(X)
#undef X
    ERR_COUNT
} Err;

typedef struct ErrText {
    char text[1024];
} ErrText;

/// The fixed text of `err`. Never NULL.
const char *err_name(Err err);

/// Write a text for people into `why` (may be NULL) and return `err`, so that a caller can `return err_set(...)`.
Err err_set(ErrText *why, Err err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/// Put `prefix: ` before the text that is there already, as an error travels up.
Err err_prefix(ErrText *why, Err err, const char *format, ...) __attribute__((format(printf, 3, 4)));
