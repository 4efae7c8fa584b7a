/* cause.h -- why have twin and asset parted? Hypotheses are held against the last innovations of one twin.
 *
 * A fault that began some time ago leaves a signature in the innovations: what a sensor adds itself, and the deviation of truth from estimate, which
 * the equations carry on and the filter pulls in. The signature of each hypothesis per unit of its size follows from a linearisation that is made on
 * demand: lanes of a block of their own are copies of the twin, each pushed a little aside in one state, parameter or input, and run the model's
 * programs once. The generalised likelihood ratio then says how well each hypothesis explains the innovations, how large its fault is and when it began.
 *
 * Evidence is in nats: the logarithm of the likelihood ratio against nothing being wrong. Sensors, and parameters that declare a `jump`, are suspected
 * alike. What its author calls constant (other parameters, inputs) must show as much more evidence as lies half way to a false alarm, and a state that
 * jumps, which nature does not let happen, as much as a false alarm: so their odds follow from the wished time between false alarms, too.
 *
 * The linearisation is that of now, and so is the filter's gain; a sensor slower than the fastest is taken to pull evenly. Evidence is therefore best
 * soon after the onset, and a large fault is never explained completely.
 *
 * Source: Willsky and Jones, IEEE Trans. Automatic Control 21 (1976); Basseville and Nikiforov, Detection of Abrupt Changes (1993), ch. 7. Tail of
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
    double z[NIS_WINDOW];  // newest first; NaN: a sample that was held back
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
/// How much better the series is explained by more noise from some sample on, and by which factor. 0 where its samples are no noise.
double cause_of_noise(const Series *series, double *factor);
