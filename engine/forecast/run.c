#include "forecast/run.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "forecast/control.h"

/* One pack on its way. */
typedef struct Trip {
    Run *run;
    Pack *pack;
    double *since;
    size_t *next;
    double *bill;
    size_t index;  // of the pack
    size_t told;   // times that have been told
    size_t thread;
} Trip;

// --- what changes --------------------------------------------------------------------------------------------------

/* The value of a course of straight lines, between its last point that is past and the next. */
static double on_line(const Course *course, size_t next, double now)
{
    const CoursePoint *a = &course->points[next - 1], *b = a + 1;
    return next == course->count ? a->value : a->value + (b->value - a->value) * (now - a->at) / (b->at - a->at);
}

static void change(Trip *trip, size_t index, double now)
{
    const Change *what = &trip->run->changes[index];
    const Course *course = what->course;
    const double soon = now + 1e-6 * trip->run->step;  // 0.3 s are 3 steps of 0.1 s
    size_t *next = &trip->next[index];
    const size_t before = *next;
    while (*next < course->count && course->points[*next].at <= soon)
        (*next)++;

    // between two points a straight line moves on at every step
    const bool moves = course->straight && *next > 0 && *next < course->count;
    if (*next == before && !moves)
        return;
    pack_set(trip->pack, what->cell, course->straight ? on_line(course, *next, now) : course->points[*next - 1].value);
    if (what->prepares)
        pack_prepare(trip->pack, what->cell.twin);
}

static void change_all(Trip *trip)
{
    const double now = (double)trip->pack->steps * trip->run->step;
    for (size_t i = 0; i < trip->run->change_count; i++)
        change(trip, i, now);
}

/* Members in the pack; the last one may have fewer. */
static uint32_t count_members(const Trip *trip)
{
    const uint64_t left = trip->run->members - trip->pack->first;
    return left < LANES ? (uint32_t)left : LANES;
}

static void decide(Trip *trip)
{
    Run *run = trip->run;
    if ((!run->control && !run->plant.control) || trip->pack->steps % run->every)
        return;
    if (trip->pack->steps > 0)
        pack_derive(trip->pack, false);
    run->err = run->control ? control_decide(run->script, run->control, trip->pack, 0, count_members(trip), &run->why)
                            : run->def->rehearsal->decide(run->rehearsal, &run->why);
}

static void answer(Trip *trip)
{
    Run *run = trip->run;
    if (run->plant.handlers && !run->err)
        run->err = run->def->rehearsal->answer(run->rehearsal, &run->why);
}

// --- what is looked at ---------------------------------------------------------------------------------------------

/* An excursion that has lasted as long as it must counts from its beginning. */
static void judge_bound(const Bound *bound, const double *values, double now, double *since, double *passed)
{
    const double hold = bound->hold * (1 - 1e-9);
    for (unsigned lane = 0; lane < LANES; lane++) {
        const double began = since[lane] < now ? since[lane] : now;
        since[lane] = bound->sign * values[lane] > bound->beyond ? began : INFINITY;
        const double first = since[lane] < passed[lane] ? since[lane] : passed[lane];
        passed[lane] = now - since[lane] >= hold ? first : passed[lane];
    }
}

/* How far beyond its limit each member has come. */
static void climb(const Bound *bound, const double *values, double *peaks)
{
    for (unsigned lane = 0; lane < LANES; lane++) {
        const double beyond = bound->sign * values[lane] - bound->beyond;
        peaks[lane] = beyond > peaks[lane] ? beyond : peaks[lane];
    }
}

static void judge(Trip *trip)
{
    const Run *run = trip->run;
    const double now = (double)trip->pack->steps * run->step;
    for (size_t i = 0; i < run->bound_count; i++)
        judge_bound(&run->bounds[i], pack_column(trip->pack, run->bounds[i].cell), now, &trip->since[i * LANES], &run_passed(run, i)[trip->index * LANES]);
    for (size_t i = 0; i < run->bound_count && run->peaks; i++)
        climb(&run->bounds[i], pack_column(trip->pack, run->bounds[i].cell), &run->peaks[(i * run->packs + trip->index) * LANES]);
}

/* The cost as it is now goes on the bill: by the trapezoidal rule, or at the end alone. */
static void charge(Trip *trip)
{
    const Run *run = trip->run;
    const uint64_t steps = trip->pack->steps;
    const bool is_end = steps == run->steps;
    if (!run->cost || (!run->cost->integral && !is_end))
        return;
    for (uint16_t i = 0; i < run->cost->tag_count; i++)
        memcpy(&trip->bill[i * LANES], pack_column(trip->pack, run->cost_cells[i]), LANES * sizeof(double));
    program_run(&run->cost->program, trip->bill, &trip->pack->scratch);

    const double weight = run->cost->integral ? run->step * (steps == 0 || is_end ? 0.5 : 1) : 1;
    const double *now = &trip->bill[run->cost->tag_count * LANES];
    double *sum = &run->costs[trip->index * LANES];
    for (unsigned lane = 0; lane < LANES; lane++)
        sum[lane] += weight * now[lane];
}

static void tell_values(Trip *trip)
{
    const Run *run = trip->run;
    if (trip->told == run->told_count || run->told[trip->told] != trip->pack->steps)
        return;
    if (trip->pack->steps > 0)
        pack_derive(trip->pack, false);
    for (size_t row = 0; row < run->row_count; row++)
        memcpy(&run_values(run, row, trip->told)[trip->index * LANES], pack_column(trip->pack, run->rows[row]), LANES * sizeof(double));
    trip->told++;
}

/* A member is lost when any of its states is no number any more. */
static void note_lost(const Trip *trip)
{
    const Fork *fork = trip->run->swarm.fork;
    bool *lost = &trip->run->lost[trip->index * LANES];
    for (uint32_t twin = 0; twin < fork->twin_count; twin++)
        for (uint16_t state = 0; state < fork->twins[twin].model->state_count; state++) {
            const double *column = pack_column(trip->pack, (Cell){twin, state});
            for (unsigned lane = 0; lane < LANES; lane++)
                lost[lane] |= !isfinite(column[lane]);
        }
}

// --- the way -------------------------------------------------------------------------------------------------------

static void begin(Trip *trip)
{
    const Run *run = trip->run;
    for (size_t i = 0; i < run->bound_count; i++)
        for (unsigned lane = 0; lane < LANES; lane++)
            trip->since[i * LANES + lane] = run_passed(run, i)[trip->index * LANES + lane] = INFINITY;
    for (size_t i = 0; i < run->bound_count && run->peaks; i++)
        for (unsigned lane = 0; lane < LANES; lane++)
            run->peaks[(i * run->packs + trip->index) * LANES + lane] = -INFINITY;
    memset(trip->next, 0, run->change_count * sizeof *trip->next);
    memset(&run->lost[trip->index * LANES], 0, LANES * sizeof *run->lost);
    memset(&run->costs[trip->index * LANES], 0, LANES * sizeof *run->costs);
    pack_start(trip->pack, trip->index * LANES);
    change_all(trip);
    pack_derive(trip->pack, true);
    judge(trip);
    charge(trip);
    tell_values(trip);
}

static bool has_actors(const Run *run)
{
    return run->plant.control || run->plant.handlers;
}

static bool is_stopped(const Run *run)
{
    return run->err || (run->def->stop && *run->def->stop);
}

static void tell_progress(const Trip *trip)
{
    enum { STEPS_AT_ONCE = 64 };
    Run *run = trip->run;
    if (trip->pack->steps % STEPS_AT_ONCE && trip->pack->steps != run->steps)
        return;
    const uint64_t news = trip->pack->steps % STEPS_AT_ONCE ? trip->pack->steps % STEPS_AT_ONCE : STEPS_AT_ONCE;
    const uint64_t done = atomic_fetch_add_explicit(&run->done, news, memory_order_relaxed) + news;
    if (trip->thread == 0 && run->def->tell)
        run->def->tell(run->def->self, (double)done / (double)run->all);
}

static void run_pack(void *context, size_t index, size_t thread)
{
    Run *run = context;
    Trip trip = {
        .run = run,
        .pack = &run->pack[thread],
        .since = &run->since[thread * run->bound_count * LANES],
        .next = &run->next[thread * SCENARIO_CHANGES_MAX],
        .bill = &run->bill[thread * (COST_TAGS_MAX + 1) * LANES],
        .index = index,
        .thread = thread,
    };
    begin(&trip);
    if (has_actors(run))
        run->err = run->def->rehearsal->begin(run->rehearsal, trip.pack, count_members(&trip), run->plant, &run->why);
    while (trip.pack->steps < run->steps && !is_stopped(run)) {
        change_all(&trip);
        decide(&trip);
        pack_step(trip.pack);
        answer(&trip);
        judge(&trip);
        charge(&trip);
        tell_values(&trip);
        tell_progress(&trip);
    }
    note_lost(&trip);
}

Err run_case(Run *run, Workers *workers, ErrText *why)
{
    if (run->control || has_actors(run)) {
        run->err = run->control ? control_begin(run->script, &run->why) : ERR_OK;
        for (size_t i = 0; i < run->packs && !run->err; i++)
            run_pack(run, i, 0);
    } else {
        workers_run(workers, run->packs, run_pack, run);
    }
    if (run->err)
        return err_set(why, run->err, "%s", run->why.text);
    return is_stopped(run) ? err_set(why, ERR_CLOSED, "the forecast was stopped") : ERR_OK;
}
