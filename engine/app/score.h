/* score.h -- how well a plant follows a recording: measured in score.c, printed in score_report.c.
 *
 * Beside the plant, which is corrected by every sample, run two of the same script that are not: what they are off by is what the model says of the asset
 * by itself.
 *
 * Takes: a ScoreDef.  Gives: a Score.  Memory: a Score owns all that it has.  Threads: one, and those that step the plant. */
#pragma once

#include "app/accuracy.h"
#include "app/judge.h"

/// Which samples count.
typedef enum Span {
    SPAN_CALM,     // outside events and their aftermath
    SPAN_OUTSIDE,  // outside events
    SPAN_ALL,
    SPANS,
} Span;

/// Errors in the unit of the sensor; likelihoods are of the errors in SI.
typedef struct SensorScore {
    TagId tag;
    const Unit *unit;
    Accuracy one_step[SPANS];  // innovations
    Accuracy simulated;        // SPAN_CALM: of a free run from the states that the script declares
    Accuracy restarted;        // SPAN_CALM: of a free run from the states that the twin had found when it had settled, and anew behind each event
} SensorScore;

typedef struct ScoreDef {
    const char *plant, *tape;
    const char *events;   // what happened; NULL: nothing
    const char *between;  // see TapeRun
    size_t threads;
    int64_t tolerance;    // ns by which the times of the events may be off
} ScoreDef;

typedef struct Score {
    Incident *incidents;
    size_t incident_count;
    int64_t tolerance;

    Plant *simulated, *restarted;  // free runs
    bool *running;                 // by twin: `restarted` goes on from where the twin was
    SensorScore *sensors;
    size_t sensor_count;
    uint32_t *first_sensor;        // by twin

    Episode *episodes;
    size_t episode_count;
    uint64_t dropped;    // episodes for which there was no room
    uint64_t overtaken;  // samples that came in one tick with a newer one of their sensor: their innovations are not known
    Judgement judgement;
    int64_t first, last;  // ends of ticks
    uint64_t hash;
    Arena arena;
} Score;

/// Play the whole recording. score_fini it, on failure too.
Err score_recording(const ScoreDef *def, Score *out, ErrText *why);
void score_fini(Score *score);

void score_print_table(const Score *score);
void score_print_json(const Score *score);
