/* dechunk.h -- a body whose length is not said beforehand (chunked, RFC 9112 section 7.1), put together as it comes. libwebsockets passes such bodies on as
 * they are.
 *
 * Takes: bytes, in pieces of any size.  Gives: the body. Extensions of chunks and trailers are read over. */
#pragma once

#include "base/base.h"

typedef enum DechunkState {
    DECHUNK_SIZE,       // hexadecimal digits
    DECHUNK_EXTENSION,  // to the end of the line
    DECHUNK_SIZE_END,
    DECHUNK_DATA,
    DECHUNK_DATA_CR,
    DECHUNK_DATA_LF,
    DECHUNK_TRAILER,    // at the beginning of a line
    DECHUNK_FIELD,      // within one
    DECHUNK_LAST_LF,
    // the ends
    DECHUNK_DONE,
    DECHUNK_WRONG,
    DECHUNK_TOO_LONG,
} DechunkState;

typedef struct Dechunk {
    DechunkState state;
    size_t left;    // of a chunk
    size_t digits;  // of its size
    size_t beside;  // bytes that are no body, so that nobody can send them for ever
} Dechunk;

/// The next bytes; what they have of the body, `most` bytes at most, goes behind `out`. Behind an end nothing is read. Begins with a Dechunk of zeros.
DechunkState dechunk(Dechunk *self, const char *bytes, size_t length, size_t most, Text *out);
