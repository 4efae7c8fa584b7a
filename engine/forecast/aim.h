/* aim.h -- what a search is to find: values that a scenario leaves open, and what they must not do.
 *
 *   changes  = { ["lift_1.speed_setpoint"] = 2900 },
 *   optimize = { vary = { ["lift_1.speed_setpoint"] = { 2000, 2900 } }, limits = { ["tower.low"] = 0.05 } }
 *
 * A value that varies is a change of the base case: there it says what it is before the search, and from when on it holds. So what can be changed
 * can be searched for, commands included.
 *
 * Takes: a declaration.  Gives: Aim, in SI.  Memory: the scenario's arena. */
#pragma once

#include "plant/plant.h"

enum { AIM_CHOICES_MAX = 4, AIM_ALLOWANCES_MAX = 32, AIM_FORECASTS_MAX = 10000 };

/// A value that may be chosen between two limits.
typedef struct Choice {
    TagId tag;
    double min, max;
} Choice;

/// How many members of all may pass an alarm limit.
typedef struct Allowance {
    uint32_t twin;  // of the plant
    const AlarmDef *alarm;
    double share;
} Allowance;

typedef struct Aim {
    Choice choices[AIM_CHOICES_MAX];
    size_t choice_count;
    Allowance allowances[AIM_ALLOWANCES_MAX];
    size_t allowance_count;
    double quantile;     // of the members' costs, which is made small; NAN: their mean
    uint32_t forecasts;  // that may be made
} Aim;

struct Scenario;

/// Read the table at `index` of the stack of the scenario's script, whose base case, cost and horizon have been read. ERR_SCRIPT with file and line.
Err aim_read(struct Scenario *scenario, int index, const Plant *plant, ErrText *why);
