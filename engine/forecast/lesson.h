/* lesson.h -- what the errors of past forecasts of a value say of the next one.
 *
 * By lead: how far off the mean was, in standard deviations of what a sensor was to read, and how large the squares of its errors were beside their
 * variance. A forecast is shifted by the one and stretched about its mean by the other, member by member.
 *
 * Sources: Gneiting, Raftery, Westveld, Goldman, Calibrated probabilistic forecasting using ensemble model output statistics, Mon. Weather Rev. 133
 * (2005); Van Schaeybroeck, Vannitsem, Ensemble post-processing using member-by-member approaches, Q. J. R. Meteorol. Soc. 141 (2015).
 *
 * Takes: Lessons (verification.h makes them).  Gives: shifts and stretches.  Threads: any. */
#pragma once

#include "base/base.h"

enum { LESSON_LEADS_MAX = 8 };

typedef struct Lesson {
    uint32_t twin;    // of the fork
    uint16_t column;  // of its model
    uint16_t lead_count;
    double noise;     // of the sensor, SI
    double leads[LESSON_LEADS_MAX];     // s, rising
    double bias[LESSON_LEADS_MAX];      // mean of (read - foretold) / sd
    double variance[LESSON_LEADS_MAX];  // of that; 1: the forecast knows how sure it is
} Lesson;

/// A member's value becomes mean + shift + stretch * (value - mean).
typedef struct Correction {
    double shift;  // SI
    double stretch;
} Correction;

/// For a forecast `lead` seconds ahead whose members have this `sd`: between two leads in proportion, at 0 none, beyond the last as there.
Correction lesson_correct(const Lesson *lesson, double lead, double sd);
