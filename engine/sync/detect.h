/* detect.h -- have twin and asset parted, and why?
 *
 * Each innovation, divided by its standard deviation, should be white with variance 1. Two tests per sensor watch it: a two-sided
 * CUSUM for lasting shifts, and the sum of squares over the last NIS_WINDOW samples for anything else. Their limits follow from one
 * wish, the time between two false alarms of a twin, and from nothing that was seen in the data.
 *
 * The cause is read from who moved first and where to: once a bad sample is folded in, the other sensors' innovations turn the other
 * way, so only the first sign of each counts. All in the same direction: the process. Otherwise: the sensor that moved first.
 *
 * The tests' memory lies in the columns of the block, so it is hashed, kept and restored with the twin. Time is counted in ticks.
 *
 * Source: CUSUM: Page, Biometrika 41 (1954); its average run length: Siegmund, Sequential Analysis (1985), 2.6. Consistency of
 * innovations: Bar-Shalom, Li, Kirubarajan (2001), 5.4. */
#pragma once

#include "plant/plant.h"

enum {
    NIS_WINDOW = 20,
    DETECT_GATE = 5,  // standard deviations: a single sample beyond is held back
};

/// What a test is held against; made once per model.
typedef struct DetectLimits {
    double cusum;      // in standard deviations
    double nis;        // sum of squares over the window
    double scale;      // innovations are divided by this: real ones are not white
    double settle;     // ticks in which nothing is judged
    double gate_from;  // ticks after which single outliers are held back
    double grace;      // ticks from the first evidence to a verdict on a single sensor, while others may follow
    double hold;       // ticks of quiet after which a verdict falls
    double silence[MODEL_CHANNELS_MAX];  // by sensor: ticks without a sample
} DetectLimits;

typedef enum DetectState { DETECT_CALM, DETECT_SUSPECT, DETECT_PROCESS, DETECT_SENSOR } DetectState;

void detect_limits(const Model *model, DetectLimits *out);

// Whole blocks; `lanes` has a bit for each lane that is meant.

/// 1 in these lanes, 0 in the others.
void detect_spread(uint64_t lanes, double out[LANES]);
/// Remember that a sample came.
void detect_heard(Block *block, uint64_t lanes, uint16_t sensor, int64_t tick);
/// Judge the innovations that `measure` left for `sensor`. Returns the lanes whose samples may enter the estimate. Where it finds that the
/// process has parted, the covariance of parameters that jump is opened first.
uint64_t detect_judge(const DetectLimits *limits, Block *block, uint64_t lanes, uint16_t sensor, int64_t tick);
/// Bring the statistic up to date: the larger of both tests over all sensors, as a fraction of its limit: 1 or more is evidence.
void detect_index(const DetectLimits *limits, Block *block, uint64_t lanes);
/// The lanes of which there is a verdict: the process or a sensor has parted, or a sensor is silent.
uint64_t detect_parted(const DetectLimits *limits, const Block *block, int64_t tick);

// One twin.

DetectState detect_state(const Block *block, uint32_t lane);
/// The sensor that is blamed, when the state is DETECT_SENSOR.
uint16_t detect_blamed(const Block *block, uint32_t lane);
/// Tick of the verdict.
int64_t detect_since(const Block *block, uint32_t lane);
/// The direction in which a sensor left: 1 above what was expected, -1 below, 0 not at all.
int detect_sign(const Block *block, uint32_t lane, uint16_t sensor);
/// Ticks since the last sample, -1 before the first.
int64_t detect_silence(const Block *block, uint32_t lane, uint16_t sensor, int64_t tick);
/// Whether the twin is still finding its state, so that nothing is judged yet.
bool detect_is_settling(const DetectLimits *limits, const Block *block, uint32_t lane, int64_t tick);
