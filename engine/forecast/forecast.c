#include "forecast/forecast.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "forecast/run.h"

/* A forecast in the making. */
typedef struct Making {
    const Fork *fork;
    const Scenario *scenario;
    Forecast *forecast;
    Run run;
    Workers *workers;
    size_t threads;
    double *base;         // values, and
    double *base_passed;  // passed limits, and
    double *base_costs;   // costs, of the base case
    double *scratch;      // per thread: one value per member
    ForecastCase *cases;
    ErrText *why;
} Making;

static Err no_memory(const Making *making)
{
    return err_set(making->why, ERR_MEMORY, "no memory for a forecast of %u members", making->scenario->members);
}

// --- what is asked -------------------------------------------------------------------------------------------------

static const Channel *channel_of(const Fork *fork, TagId tag)
{
    const Place place = plant_place(fork->plant, tag);
    return &plant_model(fork->plant, place.twin)->channels[place.channel];
}

static Err find_rows(Making *making)
{
    const Scenario *scenario = making->scenario;
    Cell *rows = arena_new(&making->forecast->arena, Cell, scenario->tag_count + 1);
    if (!rows)
        return no_memory(making);
    Err err = ERR_OK;
    for (size_t i = 0; i < scenario->tag_count && !err; i++)
        err = cell_find(making->fork, scenario->tags[i], &rows[i], making->why);
    making->run.rows = rows;
    making->run.row_count = scenario->tag_count;
    return err;
}

static size_t count_alarms(const Fork *fork)
{
    size_t count = 0;
    for (uint32_t i = 0; i < fork->twin_count; i++)
        count += fork->twins[i].model->alarm_count;
    return count;
}

/* Limits of what can be shown; each is followed at every step. */
static Err find_bounds(Making *making)
{
    const Fork *fork = making->fork;
    Bound *bounds = arena_new(&making->forecast->arena, Bound, count_alarms(fork) + 1);
    if (!bounds)
        return no_memory(making);
    Run *run = &making->run;
    for (uint32_t twin = 0; twin < fork->twin_count; twin++) {
        const Model *model = fork->twins[twin].model;
        for (uint16_t i = 0; i < model->alarm_count; i++) {
            const AlarmDef *alarm = &model->alarms[i];
            if (!channel_is_foreseen(model, alarm->channel))
                continue;
            const Cell cell = {twin, model->channels[channel_foreseen(model, alarm->channel)].column};
            const double sign = alarm->side == LIMIT_HIGH ? 1 : -1;
            bounds[run->bound_count++] = (Bound){cell, sign, sign * alarm->limit, alarm->hold};
            swarm_follow(&run->swarm, cell);
        }
    }
    run->bounds = bounds;
    return ERR_OK;
}

static Err find_cost(Making *making)
{
    const Cost *cost = &making->scenario->cost;
    Run *run = &making->run;
    Cell *cells = arena_new(&making->forecast->arena, Cell, cost->tag_count + 1u);
    if (!cells)
        return no_memory(making);
    Err err = ERR_OK;
    for (uint16_t i = 0; i < cost->tag_count && !err; i++) {
        err = cell_find(making->fork, cost->tags[i], &cells[i], making->why);
        if (!err)
            swarm_follow(&run->swarm, cells[i]);
    }
    if (cost->program.registers > run->swarm.registers)
        run->swarm.registers = cost->program.registers;
    run->cost = cost;
    run->cost_cells = cells;
    return err;
}

static uint64_t steps_until(double seconds, double step)
{
    return (uint64_t)llround(seconds / step);
}

/* Times are told at the end of the nearest step, each once. */
static Err find_times(Making *making)
{
    const Scenario *scenario = making->scenario;
    Forecast *forecast = making->forecast;
    Run *run = &making->run;
    uint64_t *told = arena_new(&forecast->arena, uint64_t, scenario->time_count + 1);
    double *times = arena_new(&forecast->arena, double, scenario->time_count + 1);
    if (!told || !times)
        return no_memory(making);
    for (size_t i = 0; i < scenario->time_count; i++) {
        const uint64_t step = steps_until(scenario->times[i], run->step);
        if (step > run->steps || (run->told_count && step == told[run->told_count - 1]))
            continue;
        times[run->told_count] = (double)step * run->step;
        told[run->told_count++] = step;
    }
    run->told = told;
    forecast->times = times;
    forecast->time_count = run->told_count;
    return ERR_OK;
}

static Err find_changes(Making *making, const Case *what)
{
    Change *changes = arena_new(&making->forecast->arena, Change, what->change_count + 1);
    if (!changes)
        return no_memory(making);
    Err err = ERR_OK;
    for (size_t i = 0; i < what->change_count && !err; i++) {
        changes[i].course = &what->changes[i];
        changes[i].prepares = channel_of(making->fork, what->changes[i].tag)->kind == CHANNEL_PARAMETER;
        err = cell_find(making->fork, what->changes[i].tag, &changes[i].cell, making->why);
    }
    making->run.changes = changes;
    making->run.change_count = what->change_count;
    return err;
}

/* Whoever acts in a case: a function of the scenario, the plant's own script, or both. */
static Err find_actors(Making *making, const Case *what)
{
    Run *run = &making->run;
    const Fork *fork = making->fork;
    const double every = what->plant.control ? (double)fork->plant->control_ns / (double)NS_PER_S : making->scenario->every;
    run->control = what->control;
    run->plant = what->plant;
    run->every = every > run->step ? steps_until(every, run->step) : 1;
    if (run->rehearsal || !(what->plant.control || what->plant.handlers))
        return ERR_OK;
    if (!run->def->rehearsal)
        return err_set(making->why, ERR_SCRIPT, "\"%s\" lets the plant's own script act, which cannot be done here", what->name);
    return run->def->rehearsal->open(fork, &run->rehearsal, making->why);
}

// --- memory --------------------------------------------------------------------------------------------------------

static Err make_packs(Making *making)
{
    Run *run = &making->run;
    run->pack = arena_new(&making->forecast->arena, Pack, making->threads);
    run->since = mem_alloc((making->threads * run->bound_count + 1) * LANES * sizeof *run->since);
    run->next = mem_alloc(making->threads * SCENARIO_CHANGES_MAX * sizeof *run->next);
    run->bill = mem_alloc(making->threads * (COST_TAGS_MAX + 1) * LANES * sizeof *run->bill);
    if (!run->pack || !run->since || !run->next || !run->bill)
        return no_memory(making);
    for (size_t i = 0; i < making->threads; i++) {
        const Err err = pack_init(&run->pack[i], &run->swarm, making->why);
        if (err)
            return err;
    }
    return ERR_OK;
}

static Err make_room(Making *making)
{
    Run *run = &making->run;
    const size_t lanes = (size_t)run->packs * LANES, values = run->row_count * run->told_count;
    if ((values + run->bound_count) * lanes > FORECAST_VALUES_MAX)
        return err_set(making->why, ERR_FULL, "%u members at %zu times of %zu tags, and %zu alarm limits, are more than the %d values that are kept: ask for less of one",
                       making->scenario->members, run->told_count, run->row_count, run->bound_count, FORECAST_VALUES_MAX);
    const bool compares = making->scenario->case_count > 1;
    run->values = mem_alloc((values * lanes + 1) * sizeof(double));
    run->passed = mem_alloc((run->bound_count * lanes + 1) * sizeof(double));
    run->peaks = run->def->peaks ? mem_alloc((run->bound_count * lanes + 1) * sizeof(double)) : NULL;
    run->costs = mem_alloc(lanes * sizeof *run->costs);
    run->lost = mem_alloc(lanes * sizeof *run->lost);
    making->scratch = mem_alloc(making->threads * lanes * sizeof(double));
    making->base = compares ? mem_alloc((values * lanes + 1) * sizeof(double)) : NULL;
    making->base_passed = compares ? mem_alloc((run->bound_count * lanes + 1) * sizeof(double)) : NULL;
    making->base_costs = compares ? mem_alloc(lanes * sizeof(double)) : NULL;
    if (!run->values || !run->passed || (run->def->peaks && !run->peaks) || !run->costs || !run->lost || !making->scratch ||
        (compares && (!making->base || !making->base_passed || !making->base_costs)))
        return no_memory(making);
    return make_packs(making);
}

static void making_fini(Making *making)
{
    Run *run = &making->run;
    for (size_t i = 0; i < making->threads && run->pack; i++)
        pack_fini(&run->pack[i]);
    double *const memory[] = {run->values,  run->passed,         run->peaks,         run->costs,       run->since, run->bill,
                              making->base, making->base_passed, making->base_costs, making->scratch};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        mem_free(memory[i]);
    mem_free(run->lost);
    mem_free(run->next);
    if (run->rehearsal)
        run->def->rehearsal->close(run->rehearsal);
    workers_destroy(making->workers);
    swarm_fini(&run->swarm);
}

// --- what is said --------------------------------------------------------------------------------------------------

/* What the workers fill of one case: pointers of its series, without const. */
typedef struct SeriesRoom {
    const Lesson *lesson;  // NULL without
    double *mean, *sd, *raw_mean, *raw_sd, *quantiles, *paths, *difference, *difference_se;
} SeriesRoom;

typedef struct Saying {
    const Making *making;
    SeriesRoom *rooms;  // by row
} Saying;

/* The mean of what each member has more than the same member of the base case: chance that both have met cancels. */
static void say_difference(const Making *making, const SeriesRoom *room, size_t at, size_t time, double *scratch)
{
    const size_t members = making->scenario->members, offset = at * making->run.packs * LANES;
    for (size_t i = 0; i < members; i++)
        scratch[i] = making->run.values[offset + i] - making->base[offset + i];
    const Moments moments = moments_of(scratch, finite_first(scratch, members));
    room->difference[time] = moments.mean;
    room->difference_se[time] = moments.sd / sqrt((double)moments.count);
}

/* A value that no lesson is about keeps its bits. */
static double corrected(double value, double mean, Correction correction)
{
    return correction.shift == 0 && correction.stretch == 1 ? value : mean + correction.shift + correction.stretch * (value - mean);
}

/* One tag at one time. */
static void say(void *context, size_t index, size_t thread)
{
    const Saying *saying = context;
    const Making *making = saying->making;
    const Run *run = &making->run;
    const Forecast *forecast = making->forecast;
    const size_t row = index / run->told_count, time = index % run->told_count, members = making->scenario->members;
    const SeriesRoom *room = &saying->rooms[row];
    const double *values = run_values(run, row, time);
    double *scratch = &making->scratch[thread * run->packs * LANES], quantiles[SCENARIO_QUANTILES_MAX];

    if (room->difference)
        say_difference(making, room, index, time, scratch);
    memcpy(scratch, values, members * sizeof *scratch);
    const size_t count = finite_first(scratch, members);
    const Moments moments = moments_of(scratch, count);
    const Correction correction = room->lesson ? lesson_correct(room->lesson, forecast->times[time], moments.sd) : (Correction){0, 1};
    room->raw_mean[time] = moments.mean;
    room->raw_sd[time] = moments.sd;
    room->mean[time] = moments.mean + correction.shift;
    room->sd[time] = moments.sd * correction.stretch;
    for (size_t i = 0; i < forecast->path_count; i++)
        room->paths[i * run->told_count + time] = corrected(values[i], moments.mean, correction);
    for (size_t i = 0; i < count; i++)
        scratch[i] = corrected(scratch[i], moments.mean, correction);
    quantiles_of(scratch, count, forecast->quantiles, forecast->quantile_count, quantiles);
    for (size_t i = 0; i < forecast->quantile_count; i++)
        room->quantiles[i * run->told_count + time] = quantiles[i];
}

static const Lesson *find_lesson(const Fork *fork, Cell cell)
{
    for (uint32_t i = 0; i < fork->lesson_count; i++)
        if (fork->lessons[i].twin == cell.twin && fork->lessons[i].column == cell.column)
            return &fork->lessons[i];
    return NULL;
}

static Err make_series(Making *making, ForecastCase *what, SeriesRoom *rooms, bool compares)
{
    Forecast *forecast = making->forecast;
    const size_t times = forecast->time_count, rows = making->run.row_count;
    ForecastSeries *series = arena_new(&forecast->arena, ForecastSeries, rows + 1);
    if (!series)
        return no_memory(making);
    for (size_t row = 0; row < rows; row++) {
        const size_t lines = 4 + forecast->quantile_count + forecast->path_count + (compares ? 2 : 0);
        double *at = arena_new(&forecast->arena, double, lines * times);
        if (!at)
            return no_memory(making);
        SeriesRoom *room = &rooms[row];
        *room = (SeriesRoom){.mean = at, .sd = at + times, .raw_mean = at + 2 * times, .raw_sd = at + 3 * times, .quantiles = at + 4 * times};
        room->lesson = find_lesson(making->fork, making->run.rows[row]);
        room->paths = room->quantiles + forecast->quantile_count * times;
        if (compares) {
            room->difference = room->paths + forecast->path_count * times;
            room->difference_se = room->difference + times;
        }
        series[row] = (ForecastSeries){making->scenario->tags[row], room->lesson != NULL, room->mean, room->sd, room->raw_mean, room->raw_sd,
                                       room->quantiles, room->paths, room->difference, room->difference_se};
    }
    what->series = series;
    return ERR_OK;
}

static void compare_limit(const Making *making, size_t bound, double *scratch, ForecastLimit *limit)
{
    const size_t members = making->scenario->members;
    const double *passed = run_passed(&making->run, bound), *base = &making->base_passed[bound * making->run.packs * LANES];
    for (size_t i = 0; i < members; i++)
        scratch[i] = (double)isfinite(passed[i]) - (double)isfinite(base[i]);
    const Moments moments = moments_of(scratch, members);
    limit->difference = moments.mean;
    limit->difference_se = moments.sd / sqrt((double)members);
}

static const double *keep_peaks(const Making *making, size_t bound)
{
    const size_t members = making->scenario->members;
    double *peaks = arena_new(&making->forecast->arena, double, members);
    if (peaks)
        memcpy(peaks, &making->run.peaks[bound * making->run.packs * LANES], members * sizeof *peaks);
    return peaks;
}

static Err say_limit(const Making *making, size_t bound, bool compares, ForecastLimit *limit)
{
    const Forecast *forecast = making->forecast;
    const size_t members = making->scenario->members;
    double *times = arena_new(&making->forecast->arena, double, forecast->quantile_count + 1), *scratch = making->scratch;
    if (!times)
        return no_memory(making);
    memcpy(scratch, run_passed(&making->run, bound), members * sizeof *scratch);
    const size_t met = finite_first(scratch, members);
    quantiles_of(scratch, met, forecast->quantiles, forecast->quantile_count, times);
    limit->passed = share_of(met, members);
    limit->times = times;
    limit->difference = limit->difference_se = NAN;
    if (making->run.peaks && !(limit->peaks = keep_peaks(making, bound)))
        return no_memory(making);
    if (compares)
        compare_limit(making, bound, scratch, limit);
    return ERR_OK;
}

/* In the order of find_bounds. */
static Err say_limits(Making *making, ForecastCase *what, bool compares)
{
    const Fork *fork = making->fork;
    ForecastLimit *limits = arena_new(&making->forecast->arena, ForecastLimit, making->run.bound_count + 1);
    if (!limits)
        return no_memory(making);
    size_t bound = 0;
    Err err = ERR_OK;
    for (uint32_t i = 0; i < fork->twin_count; i++)
        for (uint16_t k = 0; k < fork->twins[i].model->alarm_count && !err; k++) {
            const AlarmDef *alarm = &fork->twins[i].model->alarms[k];
            if (!channel_is_foreseen(fork->twins[i].model, alarm->channel))
                continue;
            limits[bound] = (ForecastLimit){.twin = fork->twins[i].twin, .alarm = alarm, .tag = plant_tag(fork->plant, fork->twins[i].twin, alarm->channel)};
            err = say_limit(making, bound, compares, &limits[bound]);
            bound++;
        }
    what->limits = limits;
    return err;
}

/* Costs of the members that have one. */
static Err say_cost(Making *making, bool compares, ForecastCost *out)
{
    const Forecast *forecast = making->forecast;
    const size_t members = making->scenario->members;
    double *quantiles = arena_new(&making->forecast->arena, double, forecast->quantile_count + 1), *scratch = making->scratch;
    if (!quantiles)
        return no_memory(making);
    memcpy(scratch, making->run.costs, members * sizeof *scratch);
    const size_t count = finite_first(scratch, members);
    const Moments moments = moments_of(scratch, count);
    quantiles_of(scratch, count, forecast->quantiles, forecast->quantile_count, quantiles);
    *out = (ForecastCost){moments.mean, moments.sd, quantiles, NAN, NAN};
    if (!compares)
        return ERR_OK;
    for (size_t i = 0; i < members; i++)
        scratch[i] = making->run.costs[i] - making->base_costs[i];
    const Moments apart = moments_of(scratch, finite_first(scratch, members));
    out->difference = apart.mean;
    out->difference_se = apart.sd / sqrt((double)apart.count);
    return ERR_OK;
}

static Err say_case(Making *making, size_t index)
{
    ForecastCase *what = &making->cases[index];
    const bool compares = index > 0;
    const Run *run = &making->run;
    what->name = arena_text(&making->forecast->arena, making->scenario->cases[index].name);
    what->doc = arena_text(&making->forecast->arena, making->scenario->cases[index].doc);
    what->control = making->scenario->cases[index].control != 0;
    what->plant = making->scenario->cases[index].plant;
    SeriesRoom *rooms = arena_new(&making->forecast->arena, SeriesRoom, run->row_count + 1);
    if (!what->name || !what->doc || !rooms)
        return no_memory(making);
    for (size_t i = 0; i < making->scenario->members; i++)
        what->lost += run->lost[i];
    Err err = make_series(making, what, rooms, compares);
    if (err)
        return err;
    Saying saying = {making, rooms};
    workers_run(making->workers, run->row_count * run->told_count, say, &saying);
    if (run->cost && (err = say_cost(making, compares, &what->cost)))
        return err;
    return say_limits(making, what, compares);
}

// --- all of it -----------------------------------------------------------------------------------------------------

static void keep_base(Making *making)
{
    const Run *run = &making->run;
    const size_t lanes = (size_t)run->packs * LANES;
    memcpy(making->base, run->values, run->row_count * run->told_count * lanes * sizeof(double));
    memcpy(making->base_passed, run->passed, run->bound_count * lanes * sizeof(double));
    memcpy(making->base_costs, run->costs, lanes * sizeof(double));
}

static Err run_cases(Making *making)
{
    const Scenario *scenario = making->scenario;
    making->run.all = making->run.steps * making->run.packs * scenario->case_count;
    Err err = ERR_OK;
    for (size_t i = 0; i < scenario->case_count && !err; i++) {
        err = find_changes(making, &scenario->cases[i]);
        if (!err)
            err = find_actors(making, &scenario->cases[i]);
        if (!err)
            err = run_case(&making->run, making->workers, making->why);
        if (!err)
            err = say_case(making, i);
        if (!err && i == 0 && scenario->case_count > 1)
            keep_base(making);
    }
    return err;
}

static Err describe(Making *making)
{
    const Scenario *scenario = making->scenario;
    Forecast *forecast = making->forecast;
    double *quantiles = arena_new(&forecast->arena, double, scenario->quantile_count + 1);
    making->cases = arena_new(&forecast->arena, ForecastCase, scenario->case_count);
    forecast->name = arena_text(&forecast->arena, scenario->name);
    forecast->doc = arena_text(&forecast->arena, scenario->doc);
    forecast->cost_unit = scenario->has_cost ? scenario->cost.unit : NULL;
    forecast->cost_text = arena_text(&forecast->arena, scenario->has_cost ? scenario->cost.text : "");
    if (!quantiles || !making->cases || !forecast->cost_text || !forecast->name || !forecast->doc)
        return no_memory(making);
    memcpy(quantiles, scenario->quantiles, scenario->quantile_count * sizeof *quantiles);

    forecast->plant = making->fork->plant;
    forecast->time = making->fork->time;
    forecast->members = scenario->members;
    forecast->seed = scenario->seed;
    forecast->quantiles = quantiles;
    forecast->quantile_count = scenario->quantile_count;
    forecast->path_count = scenario->paths < scenario->members ? scenario->paths : scenario->members;
    forecast->series_count = making->run.row_count;
    forecast->limit_count = making->run.bound_count;
    forecast->cases = making->cases;
    forecast->case_count = scenario->case_count;
    return ERR_OK;
}

static Err make(Making *making)
{
    const Scenario *scenario = making->scenario;
    Run *run = &making->run;
    Err err = workers_create(making->threads, program_thread_init, &making->workers, making->why);
    if (!err)
        err = swarm_init(&run->swarm, making->fork, scenario->seed, making->why);
    if (err)
        return err;
    run->step = making->fork->plant->step;
    run->steps = steps_until(scenario->horizon, run->step);
    run->script = scenario->script;
    run->members = scenario->members;
    run->packs = (scenario->members + LANES - 1) / LANES;
    if ((err = find_rows(making)) || (err = find_bounds(making)) || (scenario->has_cost && (err = find_cost(making))) || (err = find_times(making)) ||
        (err = make_room(making)) || (err = describe(making)))
        return err;
    return run_cases(making);
}

Err forecast_run(const Fork *fork, const Scenario *scenario, const ForecastDef *def, Forecast **out, ErrText *why)
{
    assert(scenario->members >= 1 && scenario->members <= SCENARIO_MEMBERS_MAX);
    assert(scenario->quantile_count >= 1 && scenario->quantile_count <= SCENARIO_QUANTILES_MAX);
    assert(scenario->case_count >= 1 && scenario->case_count <= SCENARIO_CASES_MAX);
    *out = NULL;
    Forecast *forecast = mem_alloc(sizeof *forecast);
    if (!forecast)
        return err_set(why, ERR_MEMORY, "no memory for a forecast");

    program_thread_init();
    Making making = {.fork = fork, .scenario = scenario, .forecast = forecast, .run.def = def, .threads = def->threads ? def->threads : 1, .why = why};
    const Err err = make(&making);
    making_fini(&making);
    if (err)
        forecast_destroy(forecast);
    else
        *out = forecast;
    return err;
}

void forecast_destroy(Forecast *forecast)
{
    if (!forecast)
        return;
    arena_fini(&forecast->arena);
    mem_free(forecast);
}
