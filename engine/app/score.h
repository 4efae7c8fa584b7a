/* score.h -- what pollux score measures (score.c) and prints (score_report.c). */
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
} Score;

void score_print_table(const Score *score);
void score_print_json(const Score *score);
