/* cause.h -- why have twin and asset parted? Hypotheses are held against the last innovations of one twin.
 *
 * A fault that began some time ago leaves a signature in the innovations: what a sensor adds itself, and the deviation of truth from estimate, which
 * the equations carry on and the filter pulls in. The signature of each hypothesis per unit of its size follows from a linearisation that is made on
 * demand: lanes of a block of their own are copies of the twin, each pushed a little aside in one state, parameter or input, and run the model's
 * programs once. The generalised likelihood ratio then says how well each hypothesis explains the innovations, how large its fault is and when it began.
 *
 * Evidence is in nats: the logarithm of the likelihood ratio against nothing being wrong, the size of the fault being integrated over what is to be
 * expected before anything is seen: a Cauchy distribution around 0, whose tails allow for faults several times as large (with a normal one a lid that is
 * wide open is refused where a jump was declared that is a fifth of it). Its scale is the declared `jump` of a value; for another value its own magnitude,
 * a change by as much as itself, and where zero means nothing (degC) the standard deviation of being anywhere within its limits; for a state what is
 * unknown of it at the start; for a sensor that is off ten times its noise, or a drift as far within a window. So a fault that would have to be absurdly
 * large is no good explanation, and one that hardly shows needs no threshold. All onsets are equally likely. What its author calls constant and what an
 * input says are a hundred times as rarely wrong as sensors and what declares a `jump`; nature does not let a state jump: that must show as much more
 * evidence as a false alarm.
 *
 * Noise that has grown has no shape that could be looked for. It is blamed where squares are larger than chance, without a side and without a memory of
 * what was before, and no shift explains enough of them to be worth its size.
 *
 * The linearisation is that of now, and so is the filter's gain; a sensor slower than the fastest is taken to pull evenly. Evidence is therefore best
 * soon after the onset, and a large fault is never explained completely.
 *
 * Source: Willsky and Jones, IEEE Trans. Automatic Control 21 (1976); Basseville and Nikiforov, Detection of Abrupt Changes (1993), ch. 7;
 * Prior of sizes: Jeffreys, Theory of Probability (1961), 5.2; Occam's factor: MacKay, Neural Computation 4 (1992). Tail of
 * chi-square: Laurent and Massart, Annals of Statistics 28 (2000), lemma 1.
 *
 * Takes: a twin's columns and its last innovations.  Gives: a Finding.
 * Memory: a Desk per thread, from an arena.  Threads: one Desk each. */
#pragma once

#include "plant/plant.h"

enum { NIS_WINDOW = 20 };  // innovations that are remembered per sensor

typedef enum Cause {
    CAUSE_NONE,
    CAUSE_BIAS,     // a sensor reads too much or too little
    CAUSE_DRIFT,    // and ever more so
    CAUSE_STUCK,    // it repeats itself
    CAUSE_NOISE,    // it is noisier than it was
    CAUSE_SPIKES,   // it has outliers
    CAUSE_SILENCE,  // it says nothing
    CAUSE_PROCESS,  // a state, parameter or input has moved
    CAUSE_MODEL,    // nothing that the model knows explains it
} Cause;
/// "none", "bias", "drift", "stuck", "noise", "spikes", "silence", "process", "model".
const char *cause_name(Cause cause);
bool cause_is_of_sensor(Cause cause);

/// The last innovations of one sensor, in their standard deviations.
typedef struct Series {
    double z[NIS_WINDOW];  // newest first
    bool held[NIS_WINDOW];  // it was held back: what did not enter the estimate is no evidence of a shift
    uint16_t count;
    double age;      // ticks since the newest
    double repeats;  // how many times the newest value has been repeated
    bool folded;     // they were folded in
} Series;

enum { CAUSE_CHANNELS = 3, CAUSE_NO_SENSOR = UINT16_MAX };

typedef struct Finding {
    Cause cause;
    uint16_t sensor;  // whose fault it is; of CAUSE_PROCESS one that cannot be told apart from it, or CAUSE_NO_SENSOR
    uint16_t channels[CAUSE_CHANNELS];  // what has to move, the likeliest first; what follows, or all where it is a sensor, cannot be told apart from the cause
    uint16_t channel_count;
    double size, sd;  // of the fault, SI: how far it is off, for drift per second, for noise a factor; NaN where there is none
    double onset;     // ticks ago
    double evidence;  // for it, nats
    double lead;      // over the best explanation of the other kind (sensor, process), nats
    double deviation[MODEL_STATES_MAX];  // truth minus estimate, as it follows from the fault; all 0 where it cannot be known
} Finding;

typedef struct Desk Desk;

/// A desk for all models of a plant. NULL without memory.
Desk *cause_create(const Plant *plant, Scratch *scratch, Arena *arena);
/// The series of all sensors of a model, to be filled in before cause_find.
Series *cause_series(Desk *desk);
/// Explain the series of one twin, whose `asking` sensor is about to be folded in. `scale` divides innovations, `rarity` is the logarithm of the samples
/// between two false alarms.
void cause_find(Desk *desk, const Block *block, uint32_t lane, uint16_t asking, double scale, double rarity, Finding *out);
/// The chance that a sample repeats the one before; 1 where that says nothing, NAN where the sensor does not declare its resolution.
double cause_of_repeats(const Model *model, const Sensor *sensor);
/// More noise from some sample on: how much better it explains a series than being as before, by which factor it has grown, and in how many of the
/// newest samples. Evidence is 0 where they are no noise, or a few of them are wild and the others are not.
typedef struct Scatter {
    double evidence, factor;
    uint16_t count;
} Scatter;
Scatter cause_of_noise(const Series *series);
