/* detect.h -- have twin and asset parted, and why?
 *
 * Each innovation, divided by its standard deviation, should be white with variance 1. Two tests per sensor watch it: a two-sided
 * CUSUM for lasting shifts, and the sum of squares over the last NIS_WINDOW samples for anything else. Their limits follow from one
 * wish, the time between two false alarms of a twin, and from nothing that was seen in the data.
 *
 * Where a test is beyond its limit the twin is suspect, and at each of its next samples the innovations of the window are explained (cause.h), until it
 * is clear whether it is a sensor or the process, or five samples have gone by. What a sensor has spoilt is undone, and it is not used until it
 * agrees again; what has moved in the process is set free along the direction in which it shows. A verdict falls when every sensor that spoke
 * against the model has been quiet for NIS_WINDOW samples of its own; it is changed by evidence as strong as that of an alarm.
 *
 * Two causes show by themselves: a sensor that throws more outliers than chance does, and one that declares its `resolution` and repeats itself.
 *
 * The tests' memory lies in the columns of the block, so it is hashed, kept and restored with the twin. Time is counted in ticks.
 *
 * Source: CUSUM: Page, Biometrika 41 (1954); its average run length: Siegmund, Sequential Analysis (1985), 2.6. Consistency of
 * innovations: Bar-Shalom, Li, Kirubarajan (2001), 5.4. */
#pragma once

#include "sync/cause.h"

enum { DETECT_GATE = 5 };  // standard deviations: a single sample beyond is held back

/// What a test is held against; made once per model.
typedef struct DetectLimits {
    double cusum;      // in standard deviations
    double nis;        // sum of squares over the window
    double rarity;     // logarithm of the tests between two false alarms
    double outliers;   // in a window
    double scale;      // innovations are divided by this: real ones are not white
    double settle;     // ticks in which nothing is judged

    // by sensor
    double gate_from[MODEL_CHANNELS_MAX];  // ticks after which single outliers are held back
    double grace[MODEL_CHANNELS_MAX];      // ticks from its first evidence to a verdict, while the cause may become clear
    double silence[MODEL_CHANNELS_MAX];    // ticks without a sample
    double repeats[MODEL_CHANNELS_MAX];    // equal values in a row; INFINITY where chance explains any number
} DetectLimits;

typedef enum DetectState { DETECT_CALM, DETECT_SUSPECT, DETECT_PROCESS, DETECT_SENSOR } DetectState;

void detect_limits(const Model *model, DetectLimits *out);

// Whole blocks; `lanes` has a bit for each lane that is meant.

/// 1 in these lanes, 0 in the others.
void detect_spread(uint64_t lanes, double out[LANES]);
/// Remember that a sample came.
void detect_heard(Block *block, uint64_t lanes, uint16_t sensor, int64_t tick);
/// Judge the innovations that `measure` left for `sensor`. Returns the lanes whose samples may enter the estimate. Where it finds that the
/// process has parted, what has moved is opened first; where a sensor has, what it has spoilt is undone.
uint64_t detect_judge(const DetectLimits *limits, Block *block, uint64_t lanes, uint16_t sensor, int64_t tick, Desk *desk);
/// Bring the statistic up to date: the larger of both tests over all sensors, as a fraction of its limit: 1 or more is evidence.
void detect_index(const DetectLimits *limits, Block *block, uint64_t lanes);
/// The lanes of which there is a verdict: the process or a sensor has parted, or a sensor is silent.
uint64_t detect_parted(const DetectLimits *limits, const Block *block, int64_t tick);

// One twin.

DetectState detect_state(const Block *block, uint32_t lane);
/// The sensor that is blamed, when the state is DETECT_SENSOR.
uint16_t detect_blamed(const Block *block, uint32_t lane);

/// Why, of DETECT_PROCESS and DETECT_SENSOR: see Finding.
typedef struct DetectCause {
    Cause cause;
    uint16_t sensor;
    uint16_t channels[CAUSE_CHANNELS], channel_count;
    double size;    // as it was found at the verdict, NaN where there is none
    double before;  // CAUSE_PROCESS: the value that moved, as it was believed before
    int64_t onset;  // tick
} DetectCause;
DetectCause detect_cause(const Block *block, uint32_t lane);
/// Tick of the verdict.
int64_t detect_since(const Block *block, uint32_t lane);
/// Ticks since the last sample, -1 before the first.
int64_t detect_silence(const Block *block, uint32_t lane, uint16_t sensor, int64_t tick);
/// Whether the twin is still finding its state, so that nothing is judged yet.
bool detect_is_settling(const DetectLimits *limits, const Block *block, uint32_t lane, int64_t tick);
