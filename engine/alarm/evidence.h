/* evidence.h -- what an alarm was decided on: the values, limits and innovations of its twin at the end of the tick in which it got its text.
 *
 * Tags come most telling first: what passed its limit, or what is blamed, then the sensors (those that show it, then by how far they are off in standard
 * deviations), then inputs, then states. Nothing of it is state: it follows from the plant, and is made for whoever keeps it.
 *
 * Takes: an alarm, the plant, verdicts, innovations.  Gives: plain numbers, in SI. */
#pragma once

#include "alarm/alarm.h"

enum { EVIDENCE_TAGS_MAX = 8, EVIDENCE_SENSORS_MAX = 8 };

typedef struct EvidenceSensor {
    uint16_t channel;  // of the twin
    double innovation, sd;
} EvidenceSensor;

typedef struct Evidence {
    uint64_t alarm;
    uint32_t revision, twin;
    TagId tags[EVIDENCE_TAGS_MAX];  // most telling first
    double values[EVIDENCE_TAGS_MAX], sds[EVIDENCE_TAGS_MAX];  // sd NaN where there is none
    uint16_t tag_count, sensor_count;
    EvidenceSensor sensors[EVIDENCE_SENSORS_MAX];  // that have measured anything yet
    double limit;           // of the first tag; NaN where none was passed
    double nis, nis_limit;  // the twin's statistic and what it must stay below
    double probability, early, middle, late;  // of what is foretold: s from `told` on; NaN otherwise
    int64_t told;      // plant time of the forecast
    int64_t from, to;  // the time worth looking at
} Evidence;

/// Whether an alarm that has changed has got another text.
bool evidence_is_due(const Alarm *alarm);
/// Behind alarm_judge, before the next tick.
void evidence_gather(const Alarms *alarms, const Sync *sync, const Alarm *alarm, int64_t now, Evidence *out);
