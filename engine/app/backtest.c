#include "app/backtest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alarm/rehearse.h"
#include "app/commands.h"
#include "app/incidents.h"
#include "app/tape_run.h"
#include "forecast/forecast.h"

static const int64_t TOLERANCE_NS = 5 * NS_PER_S;
static const uint64_t PURPOSE_SENSOR = 3;  // of random numbers; swarm.c has the others

/* A sample that a forecast is held against. */
typedef struct Target {
    size_t sensor, horizon;
    const Sample *sample;
    uint64_t step;  // of the forecast, by which it is there
    double persistent, straight;
} Target;

/* One forecast. */
typedef struct Issue {
    Backtest *backtest;
    const App *app;
    const Sample *samples;
    size_t count, past;  // samples up to the start
    Target *targets;
    size_t target_count;
} Issue;

static double seconds_between(int64_t from, int64_t to)
{
    return (double)(to - from) / (double)NS_PER_S;
}

// --- what knows nothing of the plant -------------------------------------------------------------------------------

/* The last sample, and at `time` the line of least squares through those of the `span` seconds before the start. False when there are not two. */
static bool extrapolate(const Issue *issue, TagId tag, double span, int64_t time, Target *out)
{
    double n = 0, t = 0, y = 0, tt = 0, ty = 0, last = NAN;
    for (size_t i = issue->past; i-- > 0;) {
        const Sample *sample = &issue->samples[i];
        const double at = seconds_between(issue->app->now, sample->time);
        if (at < -span)
            break;
        if (sample->tag != tag || sample->quality == QUALITY_BAD)
            continue;
        last = isnan(last) ? sample->value : last;
        const double above = sample->value - last;
        n++, t += at, y += above, tt += at * at, ty += at * above;
    }
    const double spread = n * tt - t * t, ahead = seconds_between(issue->app->now, time);
    if (!(spread > 0))
        return false;
    const double slope = (n * ty - t * y) / spread;
    out->persistent = last;
    out->straight = last + (y - slope * t) / n + slope * ahead;
    return true;
}

// --- what is to be met ---------------------------------------------------------------------------------------------

/* The index of the first sample behind `time`. */
static size_t first_behind(const Sample *samples, size_t count, int64_t time)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (samples[middle].time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first sample of a tag at `time` or up to `patience` seconds behind; NULL when there is none. */
static const Sample *find_sample(const Issue *issue, TagId tag, int64_t time, double patience)
{
    for (size_t i = first_behind(issue->samples, issue->count, time - 1); i < issue->count; i++) {
        const Sample *sample = &issue->samples[i];
        if (seconds_between(time, sample->time) > patience)
            return NULL;
        if (sample->tag == tag && sample->quality != QUALITY_BAD)
            return sample;
    }
    return NULL;
}

/* Nothing happens from the start to the sample, nor has lately. */
static bool is_calm(const Issue *issue, uint32_t twin, int64_t time)
{
    const Backtest *backtest = issue->backtest;
    const int64_t back = time - issue->app->now + backtest->def->aftermath;
    return !incident_is_on(backtest->incidents, backtest->incident_count, issue->app->plant->twins[twin].name, time, TOLERANCE_NS, back);
}

static void find_target(Issue *issue, size_t sensor, size_t horizon)
{
    const App *app = issue->app;
    const Verified *of = issue->backtest->sensors[sensor].of;
    const double ahead = issue->backtest->def->horizons[horizon];
    const Sample *sample = find_sample(issue, of->tag, app->now + (int64_t)(ahead * (double)NS_PER_S), of->patience);
    Target *out = &issue->targets[issue->target_count];
    const bool settles = !issue->backtest->def->settling && sync_is_settling(app->sync, of->twin);
    if (!sample || settles || !is_calm(issue, of->twin, sample->time) || !extrapolate(issue, of->tag, ahead, sample->time, out))
        return;
    out->sensor = sensor;
    out->horizon = horizon;
    out->sample = sample;
    out->step = (uint64_t)llround(seconds_between(app->now, sample->time) / app->plant->step);
    issue->target_count++;
}

static void find_targets(Issue *issue)
{
    const Backtest *backtest = issue->backtest;
    issue->samples = tape_samples(backtest->recording, &issue->count);
    issue->past = first_behind(issue->samples, issue->count, issue->app->now);
    for (size_t sensor = 0; sensor < backtest->sensor_count; sensor++)
        for (size_t horizon = 0; horizon < backtest->def->horizon_count; horizon++)
            find_target(issue, sensor, horizon);
}

// --- the forecast --------------------------------------------------------------------------------------------------

static int rising(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* When the forecast has to be told: at the steps of the targets, each once. */
static size_t list_times(const Issue *issue, double *out)
{
    size_t count = 0;
    for (size_t i = 0; i < issue->target_count; i++)
        out[i] = (double)issue->targets[i].step * issue->app->plant->step;
    qsort(out, issue->target_count, sizeof *out, rising);
    for (size_t i = 0; i < issue->target_count; i++)
        if (count == 0 || out[i] > out[count - 1])
            out[count++] = out[i];
    return count;
}

static size_t find_time(const Forecast *forecast, uint64_t step)
{
    const double time = (double)step * forecast->plant->step;
    size_t i = 0;
    while (i + 1 < forecast->time_count && forecast->times[i] < time)
        i++;
    return i;
}

/* What the members say the sensor will read: each with its own bias and noise. */
static size_t read_members(const Issue *issue, const Forecast *forecast, const Target *target)
{
    const Backtest *backtest = issue->backtest;
    const Verified *sensor = backtest->sensors[target->sensor].of;
    const ForecastSeries *series = &forecast->cases[0].series[sensor->series];
    const size_t time = find_time(forecast, target->step);
    for (size_t i = 0; i < forecast->path_count; i++) {
        const size_t at = i * forecast->time_count + time;
        backtest->members[i] = series->paths[at] + (sensor->biased ? series[1].paths[at] : 0) +
                               sensor->noise * random_normal(forecast->seed, PURPOSE_SENSOR << 32 | sensor->tag, target->step << 32 | i);
    }
    return finite_first(backtest->members, forecast->path_count);
}

static void judge(const Issue *issue, const Forecast *forecast, const Target *target)
{
    static const double bands[] = {0.05, 0.25, 0.75, 0.95};
    double *members = issue->backtest->members, quantiles[4];
    HorizonScore *score = &issue->backtest->sensors[target->sensor].scores[target->horizon];
    const double truth = target->sample->value;
    const size_t count = read_members(issue, forecast, target);
    const double mean = moments_of(members, count).mean;
    quantiles_of(members, count, bands, 4, quantiles);

    score->count++;
    score->squares += (mean - truth) * (mean - truth);
    score->persistent_squares += (target->persistent - truth) * (target->persistent - truth);
    score->straight_squares += (target->straight - truth) * (target->straight - truth);
    score->persistent_error += fabs(target->persistent - truth);
    score->within_50 += truth >= quantiles[1] && truth <= quantiles[2];
    score->within_90 += truth >= quantiles[0] && truth <= quantiles[3];
    score->crps += crps_of(members, count, truth);
}

static Err forecast_and_judge(const Issue *issue, Scenario *scenario)
{
    Backtest *backtest = issue->backtest;
    Fork *fork = NULL;
    Forecast *forecast = NULL;
    const ForecastDef def = {.threads = backtest->def->threads, .rehearsal = &rehearse_kind, .stop = &stop_asked};
    Err err = ERR_OK;
    if (backtest->def->inputs == BACKTEST_TAPE)
        err = scenario_follow(scenario, issue->app->plant, &issue->samples[issue->past], issue->count - issue->past, issue->app->now, backtest->why);
    if (!err)
        err = scenario_plan(scenario, issue->app->plant, &fork, backtest->why);
    if (!err)
        desk_fill_fork(issue->app->desk, fork, issue->app->now);
    if (!err && !backtest->def->uncorrected)
        verification_teach(backtest->verification, fork);
    if (!err)
        err = forecast_run(fork, scenario, &def, &forecast, backtest->why);
    for (size_t i = 0; i < issue->target_count && !err; i++) {
        judge(issue, forecast, &issue->targets[i]);
        const Target *target = &issue->targets[i];
        verification_promise(backtest->verification, forecast, target->sensor, target->horizon, find_time(forecast, target->step), target->sample->time);
    }
    forecast_destroy(forecast);
    fork_destroy(fork);
    return err;
}

/* Each forecast has random numbers of its own. */
static Err forecast_targets(const Issue *issue)
{
    static const double middle[] = {0.5};
    const Backtest *backtest = issue->backtest;
    Course courses[SCENARIO_CHANGES_MAX];
    Case base = {.name = "backtest", .doc = "", .changes = courses, .plant.control = backtest->def->inputs == BACKTEST_CONTROLLED};
    Scenario scenario = {.name = "backtest", .doc = "", .members = backtest->def->members, .paths = backtest->def->members, .quantiles = middle,
                         .quantile_count = 1, .cases = &base, .case_count = 1, };
    scenario.tag_count = verification_tags(backtest->verification, &scenario.tags);
    double *times = arena_new(&scenario.arena, double, issue->target_count);
    Err err = times ? ERR_OK : err_set(backtest->why, ERR_MEMORY, "no memory for a forecast");
    if (!err) {
        scenario.times = times;
        scenario.time_count = list_times(issue, times);
        scenario.horizon = times[scenario.time_count - 1];
        scenario.seed = backtest->def->seed + ((uint64_t)backtest->forecasts << 32);
        err = forecast_and_judge(issue, &scenario);
    }
    arena_fini(&scenario.arena);
    return err;
}

static void note_tick(void *self, const App *app, Batch batch)
{
    Backtest *backtest = self;
    verification_meet(backtest->verification, app->plant, app->sync, batch);
    if (backtest->err || app->now < backtest->next)
        return;
    backtest->next = app->now + (int64_t)(backtest->def->every * (double)NS_PER_S);
    Issue issue = {.backtest = backtest, .app = app};
    issue.targets = mem_alloc((backtest->sensor_count * backtest->def->horizon_count + 1) * sizeof *issue.targets);
    if (!issue.targets) {
        backtest->err = err_set(backtest->why, ERR_MEMORY, "no memory for a forecast");
        return;
    }
    find_targets(&issue);
    if (issue.target_count > 0) {
        backtest->err = forecast_targets(&issue);
        backtest->forecasts++;
    }
    mem_free(issue.targets);
}

// --- names ---------------------------------------------------------------------------------------------------------

static const char *const inputs_names[] = {"held", "tape", "controlled"};

const char *backtest_inputs_name(BacktestInputs inputs)
{
    return inputs_names[inputs];
}

bool backtest_inputs_parse(const char *text, BacktestInputs *out)
{
    for (int i = BACKTEST_HELD; i <= BACKTEST_CONTROLLED; i++)
        if (strcmp(text, inputs_names[i]) == 0) {
            *out = (BacktestInputs)i;
            return true;
        }
    return false;
}

// --- life ----------------------------------------------------------------------------------------------------------

/* Sensors that measure a mixture have no forecast. */
static Err list_sensors(Backtest *backtest)
{
    const Plant *plant = backtest->names;
    const BacktestDef *def = backtest->def;
    uint32_t *twins = arena_new(&backtest->arena, uint32_t, plant->twin_count + 1);
    for (uint32_t i = 0; i < plant->twin_count && twins; i++)
        twins[i] = i;
    if (!twins || verification_create(plant, twins, plant->twin_count, def->horizons, def->horizon_count, def->every, &backtest->verification))
        return ERR_MEMORY;
    const Verified *sensors = verification_sensors(backtest->verification, &backtest->sensor_count);
    backtest->sensors = arena_new(&backtest->arena, BacktestSensor, backtest->sensor_count + 1);
    for (size_t i = 0; i < backtest->sensor_count && backtest->sensors; i++)
        backtest->sensors[i].of = &sensors[i];
    return backtest->sensors ? ERR_OK : ERR_MEMORY;
}

static Err begin(Backtest *backtest, const BacktestDef *def, ErrText *why)
{
    *backtest = (Backtest){.def = def, .next = INT64_MIN, .why = why};
    Err err = plant_load(def->plant, 1, &backtest->names, why);
    if (!err)
        err = def->is_history ? tape_run_open_history(backtest->names, def->tape, &backtest->recording, why)
                              : tape_run_open(backtest->names, def->tape, NULL, &backtest->recording, why);
    if (!err && def->events)
        err = incidents_read(def->events, backtest->names, &backtest->arena, &backtest->incidents, &backtest->incident_count, why);
    if (!err && def->inputs == BACKTEST_CONTROLLED && backtest->names->control_ns == 0)
        err = err_set(why, ERR_USAGE, "%s has no control of its own", def->plant);
    if (err)
        return err;
    backtest->members = mem_alloc(def->members * sizeof *backtest->members);
    return backtest->members && !list_sensors(backtest) ? ERR_OK : err_set(why, ERR_MEMORY, "%s: no memory to judge its forecasts", def->plant);
}

Err backtest_run(const BacktestDef *def, Backtest *out, ErrText *why)
{
    ErrText problem = {""};
    const TapeRun run = {.plant = def->plant, .tape = def->tape, .is_history = def->is_history, .threads = 1, .speed = INFINITY, .quiet = true, .ticked = note_tick, .self = out};
    Err err = begin(out, def, why);
    if (err)
        return err;
    out->why = &problem;
    err = tape_run(&run, why);
    if (!err && out->err)
        err = err_set(why, out->err, "%s", problem.text);
    if (!err && out->forecasts == 0)
        err = err_set(why, ERR_RANGE, "%s: no forecast could be judged: expected calm parts that are longer than the shortest horizon", def->tape);
    return err;
}

void backtest_fini(Backtest *backtest)
{
    tape_close(backtest->recording);
    verification_destroy(backtest->verification);
    plant_destroy(backtest->names);
    mem_free(backtest->members);
    arena_fini(&backtest->arena);
    *backtest = (Backtest){0};
}
