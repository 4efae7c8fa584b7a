/* block.h -- some hundred points of one tag as bytes, and back.
 *
 * Points lie column by column. A column of whole numbers keeps how its differences differ, which is nothing for a steady clock; a column of
 * values keeps the bits in which each differs from the one before (limits of a roll-up: from its mean). Columns are cut into planes of bytes,
 * so that what is zero stands together, and zstd packs the lot, with a check sum. The decoder takes any bytes: they are points or ERR_PARSE.
 *
 * Takes: points in the order of their times.  Gives: a few bytes per point.
 * Memory: a Coder holds all that either way needs.  Threads: a Coder belongs to one at a time. */
#pragma once

#include "base/base.h"

enum { BLOCK_POINTS = 512, BLOCK_WORDS = 8 };

typedef enum BlockForm { BLOCK_SAMPLES, BLOCK_ESTIMATES, BLOCK_ROLLUPS, BLOCK_FORM_COUNT } BlockForm;

/// What a form has no column for is 0.
typedef union BlockPoint {
    struct {
        int64_t time;   // UTC ns; of a roll-up where its bucket begins
        int64_t order;  // of a sample its seq, of an estimate its revision, of a roll-up how many values it is made of
        int64_t tick;   // samples: filed under
        int64_t note;   // samples: fate and quality
        double value;   // SI; of a roll-up the mean
        double sd;      // estimates; of a roll-up the root of the mean of their squares, NaN of samples
        double min, max;  // roll-ups
    };
    uint64_t words[BLOCK_WORDS];
} BlockPoint;
_Static_assert(sizeof(BlockPoint) == BLOCK_WORDS * sizeof(uint64_t), "a point is its words");

typedef struct Coder Coder;
Err coder_create(Coder **out);
void coder_destroy(Coder *coder);

/// The bytes of 1 to BLOCK_POINTS points; they stay until the coder is used again.
Err block_encode(Coder *coder, BlockForm form, const BlockPoint *points, size_t count, const void **bytes, size_t *size);
/// Up to BLOCK_POINTS points of `form`, in the order of their times. ERR_PARSE for anything else.
Err block_decode(Coder *coder, BlockForm form, const void *bytes, size_t size, BlockPoint *points, size_t *count);
