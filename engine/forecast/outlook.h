/* outlook.h -- what is ahead of the alarm limits of a plant, in a few numbers each: what a forecast says to the alarms.
 *
 * Gives: plain numbers.  Memory: views; whoever hands them on says until when. */
#pragma once

#include "base/base.h"

enum { OUTLOOKS_MAX = 4096 };

/// What is ahead of one limit.
typedef struct Outlook {
    uint32_t twin;   // of the plant
    uint16_t alarm;  // of its model
    double share;    // of the members that pass it within the horizon, above 0
    double early, middle, late;  // s from Outlooks.time: quantiles 5, 50 and 95 % of when they do
} Outlook;

typedef struct Outlooks {
    int64_t time;  // from which they look ahead
    double probability;  // from which on people are told
    const Outlook *items;  // limits that no member passes are left out
    size_t count;
} Outlooks;
