#include "fit/inside.h"

#include <assert.h>
#include <math.h>
#include <string.h>

size_t course_sensor_count(const Plant *plant)
{
    size_t count = 0;
    for (uint32_t i = 0; i < plant->model_count; i++)
        count += plant->models[i]->sensor_count;
    return count;
}

// --- looking -------------------------------------------------------------------------------------------------------

/* What a job differentiates by: unknowns of its twins, and of starts those of its recording. */
static void find_directions(const Course *course, Job *job)
{
    for (uint16_t u = 0; u < course->def.unknown_count && !course->def.values_only; u++) {
        const FitUnknown *unknown = &course->def.unknowns[u];
        bool matters = false;
        for (size_t i = 0; i < job->group->part_count && !matters; i++)
            matters = job->group->parts[i].unknown == u && (!unknown->at_start || unknown->tape == job->tape);
        if (matters)
            job->unknowns[job->directions++] = u;
    }
}

static Err make_jobs(Course *course, size_t points, ErrText *why)
{
    course->jobs = arena_new(&course->work, Job, course->group_count * course->def.tape_count * points);
    course->job_count = 0;
    if (!course->jobs)
        return out_of_memory(why);
    for (size_t g = 0; g < course->group_count; g++)
        for (size_t t = 0; t < course->def.tape_count; t++) {
            Job job = {.group = &course->groups[g], .tape = t};
            find_directions(course, &job);
            const size_t n = job.directions, at_once = LANES / (n ? n : 1);
            for (; job.first_point < points; job.first_point += at_once) {
                job.point_count = points - job.first_point < at_once ? points - job.first_point : at_once;
                job.sums = arena_new(&course->work, double, job.point_count * (1 + n + n * n));
                job.sensors = job.first_point == 0 ? arena_new(&course->work, FitSensor, course_sensor_count(course->def.plant) + 1) : NULL;
                job.errors = job.first_point == 0 ? arena_new(&course->work, double, 2 * job.group->stretches[t].count + 1) : NULL;
                if (!job.sums || (job.first_point == 0 && (!job.sensors || !job.errors)))
                    return out_of_memory(why);
                course->jobs[course->job_count++] = job;
            }
        }
    return ERR_OK;
}

/* In the order of the jobs, whoever did them. */
static void add_up(const Course *course, const Job *job, Likelihood *out)
{
    const size_t n = job->directions, all = course->def.unknown_count;
    for (size_t p = 0; p < job->point_count; p++) {
        const double *sums = job->sums + p * (1 + n + n * n), *gradient = sums + 1, *information = gradient + n;
        Likelihood *to = &out[job->first_point + p];
        to->cost += sums[0];
        for (size_t i = 0; i < n; i++) {
            to->gradient[job->unknowns[i]] += gradient[i];
            for (size_t j = 0; j < n; j++)
                to->information[job->unknowns[i] * all + job->unknowns[j]] += information[i > j ? i * n + j : j * n + i];
        }
    }
    for (size_t i = 0; job->sensors && i < course_sensor_count(course->def.plant); i++) {
        course->sensors[i].samples += job->sensors[i].samples;
        course->sensors[i].squares += job->sensors[i].squares;
        course->sensors[i].normalised += job->sensors[i].normalised;
    }
}

Err course_look(Course *course, const double *points, size_t count, Likelihood *out, ErrText *why)
{
    arena_reset(&course->work);
    const Err err = make_jobs(course, count, why);
    if (err)
        return err;
    course->points = points;
    workers_run(course->def.plant->workers, course->job_count, course__follow, course);
    if (course__is_stopped(course))
        return err_set(why, ERR_CLOSED, "stopped");

    memset(out, 0, count * sizeof *out);
    memset(course->sensors, 0, course_sensor_count(course->def.plant) * sizeof *course->sensors);
    for (size_t i = 0; i < course->job_count; i++)
        add_up(course, &course->jobs[i], out);
    return ERR_OK;
}

size_t course_errors(const Course *course, FitSensor *sensors)
{
    const Plant *plant = course->def.plant;
    size_t samples = 0, at = 0;
    for (uint32_t i = 0; i < plant->model_count; i++)
        for (uint16_t s = 0; s < plant->models[i]->sensor_count; s++, at++) {
            sensors[at] = course->sensors[at];
            sensors[at].model = plant->models[i];
            sensors[at].sensor = s;
            samples += sensors[at].samples;
        }
    return samples;
}

#define CHANCE 3.0  // standard errors within which what was found may be chance

/* 1 + 2 times the sum of the autocorrelations of a series around 0: pairs of them, as long as they are larger than those of white noise. */
static double correlation_time(const double *series, size_t count, double squares)
{
    double time = -1;
    for (size_t lag = 0; lag + 1 < count; lag += 2) {
        double pair = 0;
        for (size_t i = 0; i + lag < count; i++)
            pair += series[i] * series[i + lag];
        for (size_t i = 0; i + lag + 1 < count; i++)
            pair += series[i] * series[i + lag + 1];
        const double whole = lag == 0 ? pair - squares : pair;  // the first pair has the series itself in it
        if (!(whole > CHANCE * squares * sqrt((lag == 0 ? 1 : 2) / (double)count)))
            return lag == 0 ? 1 : time;
        time += 2 * pair / squares;
    }
    return time;
}

/* Of one sensor of one twin in one recording: its squares, each counting for as much as it is correlated with those around it. */
static double squares_of(const Job *job, uint32_t member, uint16_t sensor, size_t *count)
{
    const Stretch *stretch = &job->group->stretches[job->tape];
    double *const series = job->errors + stretch->count, squares = 0;
    *count = 0;
    for (size_t i = 0; i < stretch->count; i++)
        if (stretch->heard[i].member == member && stretch->heard[i].sensor == sensor) {
            squares += job->errors[i] * job->errors[i];
            series[(*count)++] = job->errors[i];
        }
    return squares > 0 ? squares * correlation_time(series, *count, squares) : 0;
}

double course_excess(const Course *course)
{
    double squares = 0;
    size_t samples = 0;
    for (size_t j = 0; j < course->job_count; j++) {
        const Job *job = &course->jobs[j];
        for (uint32_t m = 0; m < job->group->member_count && job->errors; m++)
            for (uint16_t s = 0; s < job->group->members[m].tangent->model->sensor_count; s++) {
                size_t count;
                squares += squares_of(job, m, s, &count);
                samples += count;
            }
    }
    const double excess = samples ? squares / (double)samples : 1;
    return excess > 1 + CHANCE * sqrt(2 / (double)samples) ? excess : 1;
}

// --- life ----------------------------------------------------------------------------------------------------------

static Err make_room(Course *course, ErrText *why)
{
    uint16_t registers = 0;
    size_t room = 0;
    for (size_t i = 0; i < course->kind_count; i++)
        registers = course->kinds[i].tangent->registers_max > registers ? course->kinds[i].tangent->registers_max : registers;
    for (size_t i = 0; i < course->group_count; i++)
        room = course->groups[i].room > room ? course->groups[i].room : room;

    course->threads = workers_count(course->def.plant->workers);
    course->blocks = arena_new(&course->arena, double *, course->threads);
    course->scratch = arena_new(&course->arena, Scratch, course->threads);
    course->sensors = arena_new(&course->arena, FitSensor, course_sensor_count(course->def.plant) + 1);
    if (!course->blocks || !course->scratch || !course->sensors)
        return out_of_memory(why);
    for (size_t i = 0; i < course->threads; i++)
        if (!(course->blocks[i] = mem_alloc(room * sizeof(double))) || scratch_init(&course->scratch[i], registers))
            return out_of_memory(why);
    return ERR_OK;
}

Err course_create(const CourseDef *def, Course **out, ErrText *why)
{
    assert(def->unknown_count > 0 && def->unknown_count <= FIT_UNKNOWNS_MAX);
    *out = NULL;
    Course *course = mem_alloc(sizeof *course);
    if (!course)
        return out_of_memory(why);
    course->def = *def;
    uint32_t *group_of = arena_new(&course->work, uint32_t, def->plant->twin_count), *members = arena_new(&course->work, uint32_t, def->plant->twin_count);
    Err err = group_of && members ? course__make_groups(course, group_of, members, why) : out_of_memory(why);
    if (!err)
        err = course__read_tapes(course, group_of, members, why);
    if (!err)
        err = make_room(course, why);
    if (err) {
        course_destroy(course);
        return err;
    }
    *out = course;
    return ERR_OK;
}

void course_destroy(Course *course)
{
    if (!course)
        return;
    for (size_t i = 0; i < course->threads && course->scratch; i++)
        scratch_fini(&course->scratch[i]);
    for (size_t i = 0; i < course->threads && course->blocks; i++)
        mem_free(course->blocks[i]);
    for (size_t i = 0; i < course->kind_count; i++)
        tangent_destroy(course->kinds[i].tangent);
    mem_free(course->kinds);
    arena_fini(&course->work);
    arena_fini(&course->arena);
    mem_free(course);
}
