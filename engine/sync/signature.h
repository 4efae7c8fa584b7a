/* signature.h -- what each fault of unit size would have left in the last innovations of a twin, and in its estimate.
 *
 * Private to this folder: a Desk, on which cause.c weighs what stands here. All suspects are followed at once: a linearisation is made by running copies of the
 * twin, each pushed a little aside, and carried over strides, in which sensors show the deviation and the filter pulls it in. What is large is followed by the
 * model itself.
 *
 * Takes: the suspects of a Desk, the twin that it looks at.  Gives: its signatures and deviations, a column a suspect. */
#pragma once

#include "sync/cause.h"

enum { SIGNATURE_LAGS = 48 };  // strides since the onset that are tried

/* What may have gone wrong, one column of the matrices below each. */
typedef enum SuspectKind { SUSPECT_BIAS, SUSPECT_DRIFT, SUSPECT_JUMP, SUSPECT_VALUE } SuspectKind;
typedef struct Suspect {
    SuspectKind kind;
    uint16_t index;   // of the sensor, or of the channel
    double odds;      // nats that it needs more than others
    double value;     // of a channel, as it is believed
    double reach;     // how large it is to be expected
    double evidence;  // of its best onset, without the odds, as if the model were exact
    double fit;       // what its size explains, nats
    double size, information;
    double tried;     // a size: the model is run with the fault as large as this
    uint16_t onset;   // strides ago
} Suspect;

/* n states, p suspects, s sensors; a stride is the shortest time between two samples. */
struct Desk {
    Scratch *scratch;
    double *block;      // of copies of the twin
    Series *series;     // s
    Suspect *suspects;  // p
    double *covariance, *work;     // n x n
    double *step, *steps;          // n x n: the state one step on, by the state; and over a stride
    double *push, *pushes;         // n x p: the same by a value that is off
    double *spare;                 // n x p, at least n x n
    double *show, *direct;         // s x n, s x p: what sensors show, by the state and by a value that is off
    double *gain, *pull, *spread;  // s x n; s: how often per stride it pulls; s: standard deviation of its innovations
    double *deviation;             // n x p: truth minus estimate
    double *signature;             // SIGNATURE_LAGS x s x p
    double *trace;                 // p x s x NIS_WINDOW: what a suspect has left in each sample, since its best onset
    uint16_t *ages;                // s x NIS_WINDOW: of samples, in strides

    const Block *twins;            // where the twin is that is looked at
    uint32_t lane;
    const Model *model;
    size_t n, s, p;
    double stride;                 // ticks
    double dispersion;             // how much larger than chance is what the best explanation leaves, 1 or more: evidence is worth as much less
};

static inline bool is_process(const Suspect *suspect)
{
    return suspect->kind >= SUSPECT_JUMP;
}

/// Linearise around the twin as it is, over a stride, with the gains of now: `asking` and `scale` as cause_find takes them.
void signature_prepare(Desk *desk, uint16_t asking, double scale);
/// Of faults that began `onset` strides ago and are small.
void signature_find(Desk *desk, size_t onset);
/// The same, and those of a size that is tried (Suspect.tried) by the model itself, where that does not take too long.
void signature_follow(Desk *desk, size_t onset);

/// What a suspect whose fault began `onset` strides ago has left in sample k of a sensor, per unit; 0 before.
static inline double signature_at(const Desk *desk, size_t suspect, uint16_t onset, uint16_t sensor, uint16_t k)
{
    const uint16_t age = desk->ages[sensor * NIS_WINDOW + k];
    return age >= onset ? 0 : desk->signature[((size_t)(onset - 1 - age) * desk->s + sensor) * desk->p + suspect];
}

// cause.c

/// What a suspect explains, net of what it costs.
double cause__net(const Desk *desk, const Suspect *suspect);
