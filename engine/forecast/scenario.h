/* scenario.h -- what if: a horizon, what is to be told, and what changes.
 *
 * A scenario changes values of the plant at chosen times: inputs, parameters, states, and commands, which a `control` function turns into inputs
 * as the device would. Beside the base case it has up to seven alternatives, each with changes of its own on top; they are compared on common random
 * numbers. A script (twins/scenarios) and JSON say the same with the same words, and are read by the same code.
 *
 * Takes: a plant, a file or a text.  Gives: Scenario, in SI.  Memory: owns what it points to.  Threads: one at a time. */
#pragma once

#include "forecast/aim.h"
#include "forecast/cost.h"
#include "forecast/rehearsal.h"

enum {
    SCENARIO_MEMBERS_MAX = 65536,
    SCENARIO_STEPS_MAX = 10 * 1000 * 1000,
    SCENARIO_TIMES_MAX = 10000,
    SCENARIO_TAGS_MAX = 256,
    SCENARIO_QUANTILES_MAX = 32,
    SCENARIO_PATHS_MAX = 64,
    SCENARIO_CHANGES_MAX = 256,  // per alternative
    SCENARIO_POINTS_MAX = 100 * 1000,
    SCENARIO_CASES_MAX = 8,  // the base case and its alternatives
};

typedef struct CoursePoint {
    double at;     // s from the start of the forecast
    double value;  // SI
} CoursePoint;

/// A value over time. Before its first point it is as it was.
typedef struct Course {
    TagId tag;
    bool straight;              // straight lines between the points; otherwise each value holds until the next
    const CoursePoint *points;  // in the order of their times
    size_t count;
} Course;

/// One of the cases that are compared.
typedef struct Case {
    const char *name, *doc;
    Course *changes;  // by tag; of a scenario that was read there is room for SCENARIO_CHANGES_MAX
    size_t change_count;
    int control;  // its function in the registry of the scenario's script, 0 for none
    RehearsalParts plant;  // what the plant's own script does in it; its control where there is none of the scenario's
} Case;

typedef struct Scenario {
    const char *name, *doc;
    double horizon;  // s
    uint32_t members;
    uint64_t seed;
    const double *times;  // s from the start, rising: when values are told
    size_t time_count;
    const TagId *tags;  // which values
    size_t tag_count;
    const double *quantiles;  // in [0, 1], rising
    size_t quantile_count;
    uint32_t paths;         // how many members are told as they are
    const uint32_t *twins;  // whose alarms are watched besides those of the tags
    size_t twin_count;
    Case *cases;  // the base case first
    size_t case_count;
    const char *tape;  // a recording that inputs follow, as the scenario names it; NULL for none. Whoever reads it calls scenario_follow
    double every;      // s between two calls of control functions, but for the plant's own
    bool has_cost;
    Cost cost;
    Aim *aim;        // what a search is to find, NULL for nothing
    Script *script;  // in which it stands, NULL for none
    Arena arena;
} Scenario;

/// Read a scenario of `plant`, a Lua file, or one that ends in .json. Errors name file and line.
Err scenario_read(const char *path, const Plant *plant, Scenario **out, ErrText *why);
/// The same from a text of JSON; `name` is how errors call it.
Err scenario_read_json(const char *name, const char *text, size_t length, const Plant *plant, Scenario **out, ErrText *why);
/// Let inputs that no case changes be what `samples` say, in the order of their times, from the time `from` on.
Err scenario_follow(Scenario *scenario, const Plant *plant, const Sample *samples, size_t count, int64_t from, ErrText *why);
void scenario_destroy(Scenario *scenario);
/// Plan a fork of the twins that a scenario speaks of, and those that feed them.
Err scenario_plan(const Scenario *scenario, const Plant *plant, Fork **out, ErrText *why);
/// The same, filled with the plant's values, which are of `time`.
Err scenario_fork(const Scenario *scenario, const Plant *plant, int64_t time, Fork **out, ErrText *why);
