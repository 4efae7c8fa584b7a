/* backtest.h -- forecasts held against what became of them: pollux forecast --backtest.
 *
 * A plant runs beside a recording. Every so many seconds it is forecast, and for each horizon and sensor the members are held against the first sample from
 * there on. What is judged is a measurement, so each member gets noise as the sensor has it. Beside the forecast stand two that know nothing of the plant:
 * persistence, the last sample; and a straight line, fitted to the samples of as long a past as it looks ahead. All three are judged on the same samples.
 * As in the living plant (forecast/verification.h) a forecast learns from the errors of those before whose samples have come by then, and from none behind them.
 * Forecasts from, over or soon behind an event, and unless asked for of twins that are still settling, are left out.
 *
 * Takes: a BacktestDef.  Gives: a Backtest.  Memory: a Backtest owns what it has.  Threads: one, and those that step the members. */
#pragma once

#include "app/judge.h"
#include "connectors/tape/tape.h"
#include "forecast/verification.h"

enum { BACKTEST_HORIZONS_MAX = 8, BACKTEST_MEMBERS_MAX = 4096 };

/// What inputs are within the horizon.
typedef enum BacktestInputs {
    BACKTEST_HELD,        // as they are at the start
    BACKTEST_TAPE,        // what the tape says
    BACKTEST_CONTROLLED,  // what the plant's own control makes of them
} BacktestInputs;
/// "held", "tape", "controlled".
const char *backtest_inputs_name(BacktestInputs inputs);
bool backtest_inputs_parse(const char *text, BacktestInputs *out);

typedef struct BacktestDef {
    const char *plant, *tape;
    bool is_history;     // `tape` is one (tape_run.h)
    const char *events;  // what happened; NULL: nothing
    double horizons[BACKTEST_HORIZONS_MAX];  // s, rising
    size_t horizon_count;
    double every;  // s between two forecasts
    int64_t aftermath;  // ns behind an event in which no forecast begins
    bool settling;      // forecasts of twins that are still settling count too
    uint32_t members;
    uint64_t seed;
    size_t threads;
    bool uncorrected;  // nothing is learnt from the errors of forecasts before
    BacktestInputs inputs;
} BacktestDef;

/// Sums over the forecasts of one horizon, SI.
typedef struct HorizonScore {
    size_t count;
    double squares, persistent_squares, straight_squares;  // of the errors: of the members' mean, and of the two beside it
    double crps, persistent_error;                         // sums of CRPS, and of the sizes of the errors, which is the CRPS of persistence
    size_t within_50, within_90;                           // samples between the quantiles
} HorizonScore;

typedef struct BacktestSensor {
    const Verified *of;
    HorizonScore scores[BACKTEST_HORIZONS_MAX];
} BacktestSensor;

typedef struct Backtest {
    const BacktestDef *def;
    Verification *verification;
    BacktestSensor *sensors;
    size_t sensor_count;
    size_t forecasts;
    Arena arena;

    // while it runs
    Tape *recording;
    Plant *names;  // of the same script, by which recording and events are read
    Incident *incidents;
    size_t incident_count;
    double *members;  // of one tag at one time
    int64_t next;
    Err err;
    ErrText *why;
} Backtest;

/// Play the whole recording. backtest_fini it, on failure too.
Err backtest_run(const BacktestDef *def, Backtest *out, ErrText *why);
void backtest_fini(Backtest *backtest);

void backtest_print_table(const Backtest *backtest);
void backtest_print_json(const Backtest *backtest);
