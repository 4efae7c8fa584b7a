/* fit.h -- parameters learnt from recordings.
 *
 * Unknowns are parameters of twins, and states at the start of each recording. They are fitted by one of two errors (Ljung, System Identification, 1999,
 * chapter 7): that of prediction, the filter's innovations with the variance that it gives them, which is the likelihood of the recording (7.4, Åström 1980);
 * or that of simulation, what sensors showed less what the model shows when nobody corrects it, with the variance of the sensor. What is known beforehand
 * enters as a prior, a normal distribution around a value. Every twin is followed from its script's values along each recording, by the same ticks
 * as the engine's; every sample counts, nothing is judged. The gradient is exact (model/tangent.h), through connections between twins too.
 *
 * A parameter that the model tracks stands still while it is fitted. A state that is fitted at the start is certain there.
 *
 * Takes: a Plant, recordings as samples.  Gives: a Fit.  Memory: a Fit owns an arena.  Threads: the plant's workers; the result is the same on any number. */
#pragma once

#include "fit/search.h"
#include "plant/plant.h"

enum { FIT_UNKNOWNS_MAX = SEARCH_MAX, FIT_NAME_ROOM = 2 * TAG_NAME_ROOM, FIT_STARTS_MAX = 256 };

typedef struct FitTape {
    const char *name;
    const Sample *samples;  // in the order of their times
    size_t count;
} FitTape;

typedef enum FitError { FIT_PREDICTION, FIT_SIMULATION, FIT_ERRORS } FitError;
/// "prediction", "simulation".
const char *fit_error_name(FitError error);

typedef enum FitEnd {
    FIT_FREE,
    FIT_AT_MIN,   // its limit keeps it there, so it has no standard error
    FIT_AT_MAX,
} FitEnd;

/// One number that is sought; SI.
typedef struct FitUnknown {
    char name[FIT_NAME_ROOM];  // "incubator.G_box", "*.G_box", "incubator.T_box@start"
    const Unit *unit;
    const Place *places;       // all that have this value
    uint32_t place_count;
    bool at_start;             // of a state where the recording `tape` begins
    size_t tape;
    bool logarithmic;          // sought on a logarithmic scale: it must be positive
    double low, high;
    double prior, prior_sd;    // INFINITY: nothing is known
    double before, after;
    double sd;                 // standard error, `excess` accounted for; NAN at a limit, INFINITY where the data say nothing
    FitEnd end;
} FitUnknown;

/// How far a sensor of a model was off, over all its twins and recordings.
typedef struct FitSensor {
    const Model *model;
    uint16_t sensor;
    size_t samples;
    double squares;     // sum of squared errors, SI
    double normalised;  // and of each divided by its variance
} FitSensor;

/// How well the plant followed the recordings with some values. Before, and with the error of prediction always, it begins as the script says;
/// afterwards its simulation begins with the starts that were fitted.
typedef struct FitQuality {
    double log_likelihood;
    size_t samples;
    FitSensor *sensors;
} FitQuality;

typedef struct FitProgress {
    int round;                 // of all searches together
    size_t going, starts;      // searches
    double cost;               // of the best
} FitProgress;

typedef struct FitDef {
    Plant *plant;              // whose values are the start; they are not changed
    const FitTape *tapes;
    size_t tape_count;
    FitError error;
    const char *const *names;  // what to fit: "TWIN.CHANNEL" or a pattern of it, "CHANNEL" for "*.CHANNEL"; behind them "@start" for states; "@start" alone: all uncertain ones
    size_t name_count;
    const char *const *priors; // "NAME=VALUE+-SD" in the unit of the channel, or "NAME=none"; NAME one of `names`
    size_t prior_count;
    size_t starts;             // from which to search, the script's values first; at least 1
    uint64_t seed;             // of the others
    const atomic_int *stop;  // may be NULL: when it becomes true, the best so far is the result
    void (*progress)(void *self, const FitProgress *progress);  // may be NULL
    void *self;
} FitDef;

typedef struct Fit {
    FitUnknown *unknowns;
    size_t unknown_count;
    size_t sensor_count;
    FitQuality before[FIT_ERRORS], after[FIT_ERRORS];
    SearchState state;
    bool stopped;
    int rounds;
    size_t starts, agreeing;   // searches, and how many of them ended where the best one did
    double *correlation;       // unknown_count x unknown_count; 0 with one at a limit
    double excess;             // by how much errors exceed what the model says, and follow each other: a factor on variances, 1 for white ones of the right size
    double condition;          // condition index of what the data alone say; INFINITY where they leave a direction open
    bool *entangled;           // by unknown: one of those that the data hardly tell apart, or say nothing about
    Arena arena;
} Fit;

/* From this condition index on values are told apart badly (Belsley, Kuh and Welsch, Regression Diagnostics, 1980, 3.2). */
#define FIT_CONDITION_MAX 30.0

/// ERR_UNKNOWN, ERR_USAGE for names and priors that are not understood, ERR_RANGE where a fit is not possible.
Err fit_run(const FitDef *def, Fit **out, ErrText *why);
void fit_destroy(Fit *fit);
