/* scan.h -- the one shape that nearly all frames have, read in one pass: {"topic":"samples","headers":{"id":7},"value":[["tank1.gauge",17,0.5],...]}.
 *
 * What is not exactly of this shape (other keys or another order, names with escapes, times as texts, anything wrong) is not for the scanner: wire_read reads
 * it by its tree, and says what is wrong. What the scanner does read, it reads to the same bits; the tests hold the two against each other.
 *
 * Memory: a Scan's own, made once; what it gives is valid until the next frame. */
#pragma once

#include "signal/wire.h"

typedef struct Scan {
    WireSample *items;  // WIRE_SAMPLES_MAX
    char *names;        // WIRE_FRAME_MAX: of a frame, each with its 0
} Scan;

Err scan_init(Scan *scan);
void scan_fini(Scan *scan);
/// Whether the frame, WIRE_FRAME_MAX bytes at most, has the shape: then its id (WIRE_ID_NONE without headers) and the number of items are left.
bool scan_samples(Scan *scan, const char *frame, size_t length, int64_t *id, size_t *count);
