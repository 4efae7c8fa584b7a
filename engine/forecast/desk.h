/* desk.h -- where forecasts are asked for beside a living plant, and never hold its tick up.
 *
 * What is asked lies in one of a few places until its result has been fetched. A place goes from hand to hand by one atomic store, and only who has it
 * may touch it, so that nobody ever waits for a lock:
 *
 *   asked --a clerk reads the scenario, plans the fork--> wanted --the tick fills the fork, between two ticks--> ready --a clerk computes--> ended
 *
 * Clerks are threads of the lowest ordinary priority. One of them serves nothing but what the gate asks, which must not wait behind an hour's forecast;
 * the others take what is most urgent, and of that what came first. A search comes last and takes long, so between two of its forecasts its clerk serves what
 * else has come. The results are those of forecast_run and search_run: who computed them, and when, changes no bit.
 *
 * People have places of their own, and so have those who work for the tick: neither can take the other's away. Where there is no place the answer is in
 * how many seconds to come back, by what forecasts have taken so far.
 *
 * Takes: scenarios, the values of a Plant between two ticks.  Gives: results, by number.
 * Memory: results of people are kept until their places are wanted again, DESK_KEPT_NS at most; the plant outlives the desk.
 * Threads: each function says whose. */
#pragma once

#include "forecast/search.h"
#include "forecast/verification.h"

enum {
    DESK_PEOPLE_MAX = 32,  // asks of people, with the results that are kept
    DESK_TICK_MAX = 32,    // asks of the tick's
    DESK_TEXT_MAX = 256 * 1024,
    DESK_NUMBERS_MAX = 1024 * 1024,  // that one result may tell
    DESK_NAME = 64,
};

static const int64_t DESK_KEPT_NS = 10 * 60 * NS_PER_S;

/// Who is served first.
typedef enum DeskPriority { DESK_GATE, DESK_PERSON, DESK_STANDING, DESK_SEARCH } DeskPriority;

typedef enum DeskState { DESK_QUEUED, DESK_RUNNING, DESK_DONE, DESK_FAILED, DESK_CANCELLED, DESK_EXPIRED } DeskState;
/// "queued", "running", "done", "failed", "cancelled", "expired".
const char *desk_state_name(DeskState state);
static inline bool desk_state_is_end(DeskState state)
{
    return state >= DESK_DONE;
}

typedef struct Desk Desk;

/// `clerks` threads besides the gate's, 0 means 1.
Err desk_create(const Plant *plant, size_t clerks, Desk **out, ErrText *why);
/// Stops what runs.
void desk_destroy(Desk *desk);

/// Lets a scenario follow the recording that it names, a file beside `path`, from the time `from` on. Called by clerks.
typedef Err DeskFollow(const char *path, const Plant *plant, int64_t from, Scenario *scenario, ErrText *why);
/// How scenarios follow recordings: before anything is asked for. Without it they are refused.
void desk_follow(Desk *desk, DeskFollow *follow);
/// How the plant's own script acts in forecasts: before anything is asked for. Without it scenarios that want it are refused.
void desk_rehearse(Desk *desk, const RehearsalKind *rehearsal);
/// What actuators were told, asked whenever a fork is filled: before anything is asked for. Without it they are as the plant has them.
void desk_told(Desk *desk, ForkTold *told, const void *self);

/// What a search has found so far.
typedef struct DeskBest {
    uint32_t evaluations;  // forecasts that were made; 0: there is nothing yet, or the ask is no search
    size_t count;
    TagId tags[AIM_CHOICES_MAX];
    double values[AIM_CHOICES_MAX];  // SI
    const Unit *cost_unit;
    double cost;  // SI
    bool keeps_limits;
} DeskBest;

/// What somebody may see of an ask.
typedef struct DeskView {
    uint64_t id;
    char name[DESK_NAME];  // of the scenario, "" while it is not read
    DeskState state;
    double progress;       // from 0 to 1
    double seconds;        // that it has been computed for, of elapsed time; 0 before
    const char *why;       // of an end without a result; "" otherwise
    DeskBest best;         // stays behind an end without a result
    const char *json;      // the result of a person's ask (report.h), NULL before; of json_length bytes. A view until its place is wanted
    size_t json_length;
} DeskView;

// For people, on one thread: the server's.

typedef struct DeskAsk {
    const char *text;  // a scenario of JSON, of so many bytes
    size_t length;
    const char *path;  // in its place, where it is not NULL: the file of one
    const char *beside;  // a path in the folder in which a scenario of JSON may name recordings; NULL: it may name none
    bool searches;     // for the values that its `optimize` leaves open
    double patience;   // s from now: what has no result by then ends as expired
} DeskAsk;

/// Ask for a forecast or a search. ERR_FULL with the seconds after which to come back.
Err desk_ask(Desk *desk, const DeskAsk *ask, uint64_t *id, double *retry, ErrText *why);
/// False when there is no such ask, or it is forgotten.
bool desk_look(const Desk *desk, uint64_t id, DeskView *out);
/// It ends as cancelled, unless it has ended. False when there is no such ask.
bool desk_cancel(Desk *desk, uint64_t id);
/// The ask that follows `id` (0: the oldest).
bool desk_next(const Desk *desk, uint64_t id, DeskView *out);
/// What the desk has done since it was made, for all who asked.
typedef struct DeskStats {
    uint64_t ended[DESK_EXPIRED + 1];  // asks by the way they ended; 0 for DESK_QUEUED and DESK_RUNNING
    uint64_t refused;                  // asks of people for which there was no place
    unsigned waiting;                  // that have not ended
    Histogram durations;               // of those that were computed to their end
} DeskStats;
void desk_stats(Desk *desk, DeskStats *out);
/// `ended` is called by clerks whenever an ask of people has ended; NULL: nobody is told.
void desk_tell(Desk *desk, void (*ended)(void *self), void *self);

// For those who work on the tick's thread.

/// Asks of people learn from `verification` (NULL: from nothing), which outlives the desk.
void desk_learn(Desk *desk, const Verification *verification);

/// Compute `scenario` from `fork`, filled; both are the desk's to read until it has ended. 0 when there is no place.
uint64_t desk_order(Desk *desk, const Scenario *scenario, const Fork *fork, DeskPriority priority);
/// Whether it has ended.
bool desk_has_ended(const Desk *desk, uint64_t id);
/// Wait until it has ended: for those whose time is not that of the clock.
void desk_await(Desk *desk, uint64_t id);
/// The result of what was ordered, to be destroyed by the caller, once it has ended; the place is free again. NULL, and why, when there is none.
Forecast *desk_fetch(Desk *desk, uint64_t id, ErrText *why);
/// Nobody wants what was ordered any more: it ends soon, without a result.
void desk_give_up(Desk *desk, uint64_t id);
/// Fill a fork with the plant's values, which are of `time`, and with what actuators were told.
void desk_fill_fork(const Desk *desk, Fork *fork, int64_t time);
/// Between two ticks: fill a fork that is wanted with the plant's values, which are of `time`. One at a time, so that a tick waits for one copy at most.
void desk_fill(Desk *desk, int64_t time);
