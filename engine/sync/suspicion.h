/* suspicion.h -- what the tests say of one twin, and what follows: suspicion, a verdict, and the way back.
 *
 * Private to this folder. detect.c keeps the tests over whole columns and comes here with the lanes of which there is something to say. The memory of the tests
 * lies in the columns of the block; where in them is told here.
 *
 * Takes: one lane of a block.  Gives: its state, and an estimate that has been put right. */
#pragma once

#include "sync/detect.h"

/* What is remembered per sensor. Ticks are kept as doubles, exact up to 2^53; 0 is no tick. */
enum SensorMemory {
    CUSUM_UP,
    CUSUM_DOWN,
    WINDOW_SUM,
    WINDOW_COUNT,
    WINDOW_AT,
    OUTLIER,     // the last sample was one
    HEARD,       // tick of the last sample
    LAST,        // its value
    REPEATS,     // and how many times it has been repeated
    QUIET,       // quiet samples in a row, NIS_WINDOW at most
    WINDOW = 12, // NIS_WINDOW innovations in their standard deviations; what was held back is larger by HELD_BACK
};
_Static_assert((int)WINDOW + (int)NIS_WINDOW <= (int)SENSOR_MEMORY, "the memory of a sensor's tests fits its columns");

enum TwinMemory { STATE, SUSPECTED, SENSOR, STARTED, SINCE, CAUSE, CHANNELS, SIZE, ONSET, BEFORE };
_Static_assert((int)BEFORE < (int)TWIN_MEMORY, "the memory of a twin fits its columns");

static const double SHIFT = 1.0;      // allowance of the CUSUM: tuned to shifts of two standard deviations
static const double HELD_BACK = 1e9;  // far beyond any innovation that can be
static const double CLIP = 4.0;       // standard deviations: one wild sample is no shift
enum { QUIET_SAMPLES = NIS_WINDOW };  // of a sensor, until it is calm

/* One twin's memory, seen as a view on its block. */
typedef struct View {
    const DetectLimits *limits;
    Block *block;
    const Model *model;
    uint32_t lane;
    double tick;
    Desk *desk;
} View;

static inline double *cell(const Block *block, uint32_t lane, uint16_t column)
{
    return &block->columns[(size_t)column * LANES + lane];
}

/// What the tests of one twin say, and what follows. `sensor` has been heard.
void suspicion_judge(const View *view, uint16_t sensor);
