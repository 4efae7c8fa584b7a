/* lookout.h -- the forecast that a plant makes of itself, again and again, so that alarms come before what they warn of.
 *
 *   forecast = { horizon = 1800, every = 60, within = 5, members = 256, probability = 0.8, twins = { "tower" } }
 *
 * Time is the plant's: at the end of each tick in which a multiple of `every` lies the plant is forked and a forecast ordered; `within` seconds later,
 * in a tick that is known beforehand, its outlooks are judged (alarm/predict.h). So it does not matter how fast it was computed [I4]. Where ticks follow the
 * time of day, what is not ready by then is skipped and counted; elsewhere the tick waits for it. A restart judges what was judged before, as history
 * has it, and nothing else.
 *
 * What it says of sensors is held against their samples (verification.h); from that all forecasts of the plant learn.
 *
 * Takes: the plant's script, a Desk.  Gives: Outlooks.  Memory: all of it at its creation, but for what the desk computes.  Threads: the tick's. */
#pragma once

#include "forecast/desk.h"
#include "forecast/outlook.h"

typedef struct Lookout Lookout;

/// Read `forecast` of the plant's script; NULL where it has none. ERR_SCRIPT with file and line.
Err lookout_create(const Plant *plant, Lookout **out, ErrText *why);
/// Behind the desk that it was ordered from. NULL is nothing, here and below.
void lookout_destroy(Lookout *lookout);
/// In tick `tick`, before alarms are judged: the outlooks that are due in it, a view until the next call, or NULL. `waits`: until they are computed.
const Outlooks *lookout_judge(Lookout *lookout, Desk *desk, int64_t tick, bool waits);
/// The samples of a tick that has run, before lookout_judge in it.
void lookout_meet(Lookout *lookout, const Sync *sync, Batch batch);
/// What forecasts have to learn; NULL without a lookout.
const Verification *lookout_verification(const Lookout *lookout);
/// At the end of tick `tick`, at `now`: order the next forecast when it is time.
void lookout_order(Lookout *lookout, Desk *desk, int64_t tick, int64_t now);
/// From which probability on people are told.
double lookout_probability(const Lookout *lookout);
/// How many forecasts were not ready in time, or could not be computed.
uint64_t lookout_skipped(const Lookout *lookout);
