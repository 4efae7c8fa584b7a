#include "fit/inside.h"

#include <math.h>
#include <string.h>

/* A job that is being done. */
typedef struct Walk {
    const Course *course;
    const Job *job;
    double *blocks;
    Scratch *scratch;
    size_t stride;  // lanes of one point
} Walk;

static double *cells(const Walk *walk, const Member *member, uint16_t column)
{
    return walk->blocks + member->offset + (size_t)column * LANES;
}

static void fill(double *lanes, double value)
{
    for (size_t lane = 0; lane < LANES; lane++)
        lanes[lane] = value;
}

static void run(const Walk *walk, const Member *member, const Program *program)
{
    if (program->length > 0)
        program_run(program, cells(walk, member, 0), walk->scratch);
}

/* The twin as its script has it, in every lane. */
static void load_member(const Walk *walk, const Member *member)
{
    const Model *model = member->tangent->model;
    for (uint16_t column = 0; column < model->column_count; column++)
        fill(cells(walk, member, column), *plant_cell(walk->course->def.plant, member->twin, column));
    memset(cells(walk, member, member->tangent->mirror), 0, (size_t)(member->tangent->column_count - member->tangent->mirror) * LANES * sizeof(double));
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        const double noise = model->channels[model->sensors[i].channel].noise;
        fill(cells(walk, member, model->sensors[i].mask), 1);
        fill(cells(walk, member, model->sensors[i].innovation_variance), noise * noise);  // a filter finds another one
    }
}

/* Which direction of the job an unknown is, SIZE_MAX when it does not matter to it. */
static size_t direction_of(const Job *job, uint16_t unknown)
{
    for (size_t i = 0; i < job->directions; i++)
        if (job->unknowns[i] == unknown)
            return i;
    return SIZE_MAX;
}

/* The points' values of one unknown, each with its tangent in the lane that is its direction. What is sought is certain. */
static void set_unknown(const Walk *walk, const Part *part)
{
    const Course *course = walk->course;
    const FitUnknown *unknown = &course->def.unknowns[part->unknown];
    if (unknown->at_start && (course->def.scripted_start || unknown->tape != walk->job->tape))
        return;
    const Member *member = &walk->job->group->members[part->member];
    const Model *model = member->tangent->model;
    const uint16_t column = model->channels[part->channel].column;
    const size_t direction = direction_of(walk->job, part->unknown);
    for (size_t p = 0; p < walk->job->point_count; p++) {
        for (size_t lane = p * walk->stride; lane < (p + 1) * walk->stride; lane++)
            cells(walk, member, column)[lane] = course->points[(walk->job->first_point + p) * course->def.unknown_count + part->unknown];
        if (direction != SIZE_MAX)
            cells(walk, member, (uint16_t)(member->tangent->mirror + column))[p * walk->stride + direction] = 1;
    }
    for (uint16_t i = 0; part->channel < model->state_count && i < model->state_count; i++)
        fill(cells(walk, member, model_covariance(model, part->channel, i)), 0);
}

static void begin(const Walk *walk)
{
    const Group *group = walk->job->group;
    for (uint32_t i = 0; i < group->member_count; i++)
        load_member(walk, &group->members[i]);
    for (size_t i = 0; i < group->part_count; i++)
        set_unknown(walk, &group->parts[i]);

    for (uint32_t i = 0; i < group->member_count; i++) {
        const Member *member = &group->members[i];
        const Tangent *tangent = member->tangent;
        run(walk, member, &tangent->prepare);
        for (uint16_t round = 0; round < tangent->model->delay_count; round++) {  // one delay may follow another
            run(walk, member, &tangent->record);
            delay_fill(tangent->model, cells(walk, member, 0));
            delay_fill(tangent->model, cells(walk, member, tangent->mirror));
        }
        run(walk, member, &tangent->derive);
    }
}

/* As connect_carry does; where a limit holds the value, it follows nothing. */
static void carry(const Walk *walk, const Pipe *pipe)
{
    const Member *from = &walk->job->group->members[pipe->from], *to = &walk->job->group->members[pipe->to];
    const double *value = cells(walk, from, pipe->from_column), *tangent = cells(walk, from, (uint16_t)(from->tangent->mirror + pipe->from_column));
    double *input = cells(walk, to, pipe->to_column), *input_tangent = cells(walk, to, (uint16_t)(to->tangent->mirror + pipe->to_column));
    for (size_t lane = 0; lane < LANES; lane++) {
        if (!isfinite(value[lane]))
            continue;
        const bool inside = value[lane] > pipe->min && value[lane] < pipe->max;
        input[lane] = inside ? value[lane] : value[lane] > pipe->min ? pipe->max : pipe->min;
        input_tangent[lane] = inside ? tangent[lane] : 0;
    }
}

/* One step of all members, as plant_advance takes it. */
static void advance(const Walk *walk)
{
    const Group *group = walk->job->group;
    for (uint32_t i = 0; i < group->member_count; i++) {
        const Member *member = &group->members[i];
        const Model *model = member->tangent->model;
        if (model->delay_count == 0)
            continue;
        run(walk, member, &member->tangent->record);
        delay_shift(model, cells(walk, member, 0), ~UINT64_C(0));
        delay_shift(model, cells(walk, member, member->tangent->mirror), ~UINT64_C(0));
    }
    for (uint32_t i = 0; i < group->delayed_count; i++)
        carry(walk, &group->pipes[i]);

    uint32_t pipe = group->delayed_count;
    for (uint32_t i = 0; i < group->member_count; i++) {
        const Member *member = &group->members[i];
        while (pipe < group->pipe_count && group->members[group->pipes[pipe].to].stage <= member->stage)
            carry(walk, &group->pipes[pipe++]);
        run(walk, member, &member->tangent->step);
        if (member->feeds)
            run(walk, member, &member->tangent->derive);
    }
}

/* e'e / S + log S of one innovation, halved: its gradient, and what it tells on average (Åström, Maximum likelihood and prediction error methods, 1980). */
static void weigh(const Walk *walk, const Member *member, const Sensor *sensor, size_t point)
{
    const size_t n = walk->job->directions, lane = point * walk->stride;
    const uint16_t mirror = member->tangent->mirror;
    double *const sums = walk->job->sums + point * (1 + n + n * n);
    const double error = cells(walk, member, sensor->innovation)[lane], variance = cells(walk, member, sensor->innovation_variance)[lane];
    if (!(isfinite(error) && isfinite(variance) && variance > 0)) {
        sums[0] = INFINITY;
        return;
    }
    sums[0] += 0.5 * (error * error / variance + graph_apply(OP_LOG, variance, 0, 0));

    const double *de = cells(walk, member, (uint16_t)(mirror + sensor->innovation)) + lane;
    const double *dv = cells(walk, member, (uint16_t)(mirror + sensor->innovation_variance)) + lane;
    double *const gradient = sums + 1, *const information = gradient + n;
    for (size_t i = 0; i < n; i++) {
        const double relative = dv[i] / variance;
        gradient[i] += error * de[i] / variance + 0.5 * relative * (1 - error * error / variance);
        for (size_t j = 0; j <= i; j++)
            information[i * n + j] += de[i] * de[j] / variance + 0.5 * relative * (dv[j] / variance);
    }
}

static void note_error(const Walk *walk, const Member *member, const Heard *heard)
{
    const Sensor *sensor = &member->tangent->model->sensors[heard->sensor];
    FitSensor *to = &walk->job->sensors[member->first_sensor + heard->sensor];
    const double error = *cells(walk, member, sensor->innovation), variance = *cells(walk, member, sensor->innovation_variance);
    to->samples++;
    to->squares += error * error;
    to->normalised += error * error / variance;
    walk->job->errors[heard - walk->job->group->stretches[walk->job->tape].heard] = error / sqrt(variance);
}

static void hear(const Walk *walk, const Heard *heard)
{
    const Member *member = &walk->job->group->members[heard->member];
    fill(cells(walk, member, heard->column), heard->value);
    if (heard->sensor == NO_SENSOR)
        return;
    const Sensor *sensor = &member->tangent->model->sensors[heard->sensor];
    run(walk, member, &member->tangent->fold[heard->sensor]);
    for (size_t p = 0; p < walk->job->point_count; p++)
        weigh(walk, member, sensor, p);
    if (walk->job->sensors)
        note_error(walk, member, heard);
}

/* Whether there is a point whose numbers are still numbers. */
static bool is_alive(const Walk *walk)
{
    const size_t n = walk->job->directions;
    for (size_t p = 0; p < walk->job->point_count; p++)
        if (isfinite(walk->job->sums[p * (1 + n + n * n)]))
            return true;
    return false;
}

bool course__is_stopped(const Course *course)
{
    return course->def.stop && *course->def.stop;
}

void course__follow(void *context, size_t index, size_t thread)
{
    const Course *course = context;
    const Job *job = &course->jobs[index];
    const Group *group = job->group;
    const Stretch *stretch = &group->stretches[job->tape];
    const Walk walk = {course, job, course->blocks[thread], &course->scratch[thread], job->directions ? job->directions : 1};
    size_t at = 0;
    begin(&walk);
    for (int64_t tick = course->first_tick[job->tape]; at < stretch->count && !course__is_stopped(course) && is_alive(&walk); tick++) {
        advance(&walk);
        const size_t before = at;
        for (; at < stretch->count && stretch->heard[at].tick == tick; at++)
            hear(&walk, &stretch->heard[at]);
        for (uint32_t i = 0; i < group->member_count && at > before; i++)
            if (group->members[i].feeds)
                run(&walk, &group->members[i], &group->members[i].tangent->derive);
    }
}
