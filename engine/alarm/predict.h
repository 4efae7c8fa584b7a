/* predict.h -- alarms that come before their limit is passed: raised and returned by the outlooks of the plant's standing forecast.
 *
 * A prediction is an alarm named after the limit's, "overflow.predicted", one step less severe, with the life cycle of all alarms. It is raised when
 * the probability that the limit is passed within the horizon reaches what the plant asks for, revised with every forecast, and returns when the
 * probability falls below half of that; or when the alarm itself is raised: then what was foretold has come, and its text says so.
 * While the alarm itself is active nothing is foretold of it.
 *
 * Takes: Outlooks.  Gives: alarms by way of the Cycle. Which predictions there are is read from the alarms themselves, so a snapshot of these is enough.
 * Memory: PREDICTIONS_MAX. */
#pragma once

#include "alarm/cycle.h"
#include "forecast/outlook.h"

enum { PREDICTIONS_MAX = 256 };

/// One that is raised.
typedef struct Prediction {
    uint32_t twin;
    uint16_t alarm;  // of its model
    uint64_t slot;   // see cycle.h
    Outlook outlook; // by which it was told last
    int64_t told;    // of that outlook; TIME_NONE: not since a restart
} Prediction;

typedef struct Predictions {
    const Plant *plant;
    bool wanted;  // the plant has a standing forecast
    Prediction items[PREDICTIONS_MAX];
    size_t count;
    const Outlooks *outlooks;  // to be judged in this tick, or NULL
} Predictions;

void predictions__init(Predictions *predictions, const Plant *plant);
/// Behind the limits themselves: end what has come, and judge the outlooks, if there are any. Each alarm that is raised or returns is told to `tell`.
void predictions__judge(Predictions *predictions, Cycle *cycle, int64_t now, void (*tell)(void *self, const Alarm *alarm, bool raised), void *self);
/// Take up an alarm of the cycle that lasts. False when it is no prediction of a limit that the plant has.
bool predictions__adopt(Predictions *predictions, const Alarm *alarm);
