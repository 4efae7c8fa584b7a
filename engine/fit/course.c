#include "fit/course.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/tangent.h"

enum { NO_SENSOR = UINT16_MAX, NO_MEMBER = UINT32_MAX };

/* A twin that is followed. */
typedef struct Member {
    uint32_t twin, stage;
    const Tangent *tangent;
    size_t offset;       // of its block in a thread's memory, in doubles
    size_t first_sensor; // of its model, among those of all models
    bool feeds;          // others read its outputs
} Member;

/* A connection between two members. */
typedef struct Pipe {
    uint32_t from, to;
    uint16_t from_column, to_column;
    double min, max;
} Pipe;

/* Where an unknown stands in a member. */
typedef struct Part {
    uint32_t member;
    uint16_t unknown, channel;
} Part;

/* A sample. */
typedef struct Heard {
    int64_t tick, time;
    double value;
    uint32_t member;
    TagId tag;
    uint16_t column, sensor;  // NO_SENSOR: of an input
} Heard;

typedef struct Stretch {
    Heard *heard;  // of one group in one recording, in the order in which they are folded in
    size_t count;
} Stretch;

/* Twins that are connected, however indirectly. */
typedef struct Group {
    Member *members;  // by stage
    uint32_t member_count;
    Pipe *pipes;      // the delayed ones first, then by stage
    uint32_t pipe_count, delayed_count;
    Part *parts;
    size_t part_count;
    Stretch *stretches;  // by tape
    size_t room;         // of its blocks, in doubles
} Group;

typedef struct Kind {
    bool varies[MODEL_CHANNELS_MAX], held[MODEL_STATES_MAX];
    Tangent *tangent;
} Kind;

/* One group along one recording, at some points. */
typedef struct Job {
    const Group *group;
    size_t tape, first_point, point_count;
    uint16_t unknowns[FIT_UNKNOWNS_MAX];  // that matter here: its directions
    size_t directions;
    double *sums;         // by point: cost, gradient, information
    FitSensor *sensors;   // of the first point, NULL for other jobs
    double *errors;       // and each error over its standard deviation, by what was heard; behind them room for as many
} Job;

struct Course {
    CourseDef def;
    Kind *kinds;
    size_t kind_count;
    Group *groups;
    size_t group_count;
    int64_t *first_tick, *last_tick;  // by tape
    double **blocks;                  // by thread
    Scratch *scratch;
    size_t threads;
    FitSensor *sensors;
    Arena arena, work;                // `work` is that of one look
    Job *jobs;
    size_t job_count;
    const double *points;
};

static Err out_of_memory(ErrText *why)
{
    return err_set(why, ERR_MEMORY, "no memory for the fit");
}

size_t course_sensor_count(const Plant *plant)
{
    size_t count = 0;
    for (uint32_t i = 0; i < plant->model_count; i++)
        count += plant->models[i]->sensor_count;
    return count;
}

static size_t first_sensor(const Plant *plant, const Model *model)
{
    size_t first = 0;
    for (uint32_t i = 0; plant->models[i] != model; i++)
        first += plant->models[i]->sensor_count;
    return first;
}

// --- groups --------------------------------------------------------------------------------------------------------

static uint32_t root_of(uint32_t *parent, uint32_t twin)
{
    while (parent[twin] != twin)
        twin = parent[twin] = parent[parent[twin]];
    return twin;
}

/* Twins that are connected have one root. */
static void join(const Plant *plant, uint32_t *parent)
{
    for (uint32_t i = 0; i < plant->twin_count; i++)
        parent[i] = i;
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const uint32_t a = root_of(parent, plant->connections[i].from.twin), b = root_of(parent, plant->connections[i].to.twin);
        parent[a > b ? a : b] = a > b ? b : a;
    }
}

/* What a twin's programs must follow: unknowns, and inputs that others feed; and which tracked parameters stand still. */
static void mark_varying(const CourseDef *def, uint32_t twin, Kind *kind)
{
    const Model *model = plant_model(def->plant, twin);
    for (size_t u = 0; u < def->unknown_count; u++)
        for (uint32_t p = 0; p < def->unknowns[u].place_count; p++) {
            const Place place = def->unknowns[u].places[p];
            if (place.twin != twin)
                continue;
            kind->varies[place.channel] = true;
            if (model->channels[place.channel].kind == CHANNEL_TRACKED)
                kind->held[place.channel] = true;
        }
    for (uint32_t i = 0; i < def->plant->connection_count; i++)
        if (def->plant->connections[i].to.twin == twin)
            kind->varies[def->plant->connections[i].to.channel] = true;
}

/* Twins of one model of which the same is sought share their programs. */
static Err find_tangent(Course *course, uint32_t twin, const Tangent **out, ErrText *why)
{
    const Model *model = plant_model(course->def.plant, twin);
    Kind kind = {0};
    mark_varying(&course->def, twin, &kind);
    for (size_t i = 0; i < course->kind_count; i++)
        if (course->kinds[i].tangent->model == model && memcmp(course->kinds[i].varies, kind.varies, sizeof kind.varies) == 0 &&
            memcmp(course->kinds[i].held, kind.held, sizeof kind.held) == 0) {
            *out = course->kinds[i].tangent;
            return ERR_OK;
        }

    Kind *kinds = mem_grow(course->kinds, course->kind_count * sizeof kind, (course->kind_count + 1) * sizeof kind);
    if (!kinds)
        return out_of_memory(why);
    course->kinds = kinds;
    const TangentDef def = {.varies = course->def.values_only ? NULL : kind.varies, .held = kind.held, .simulates = course->def.error == FIT_SIMULATION};
    const Err err = tangent_create(model, &def, &kind.tangent, why);
    if (err)
        return err;
    kinds[course->kind_count++] = kind;
    *out = kind.tangent;
    return ERR_OK;
}

static int by_stage(const void *a, const void *b)
{
    const Member *x = a, *y = b;
    return x->stage != y->stage ? (x->stage > y->stage) - (x->stage < y->stage) : (x->twin > y->twin) - (x->twin < y->twin);
}

/* The connections of a group, in the order in which a tick carries them. */
static Err lay_pipes(Course *course, Group *group, const uint32_t *member_of, ErrText *why)
{
    const Plant *plant = course->def.plant;
    for (uint32_t i = 0; i < plant->connection_count; i++)
        group->pipe_count += member_of[plant->connections[i].to.twin] != NO_MEMBER;
    group->pipes = arena_new(&course->arena, Pipe, group->pipe_count + 1);
    if (!group->pipes)
        return out_of_memory(why);

    uint32_t count = 0;
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const Connection *connection = &plant->connections[i];
        if (member_of[connection->to.twin] == NO_MEMBER)
            continue;
        group->pipes[count++] = (Pipe){.from = member_of[connection->from.twin],
                                       .to = member_of[connection->to.twin],
                                       .min = connection->min,
                                       .max = connection->max,
                                       .from_column = plant_model(plant, connection->from.twin)->channels[connection->from.channel].column,
                                       .to_column = plant_model(plant, connection->to.twin)->channels[connection->to.channel].column};
        group->members[member_of[connection->from.twin]].feeds = true;
        group->delayed_count += connection->delayed;
    }
    return ERR_OK;
}

static Err place_unknowns(Course *course, Group *group, const uint32_t *member_of, ErrText *why)
{
    const CourseDef *def = &course->def;
    for (int pass = 0; pass < 2; pass++) {
        if (pass && !(group->parts = arena_new(&course->arena, Part, group->part_count + 1)))
            return out_of_memory(why);
        group->part_count = 0;
        for (size_t u = 0; u < def->unknown_count; u++)
            for (uint32_t p = 0; p < def->unknowns[u].place_count; p++) {
                const Place place = def->unknowns[u].places[p];
                if (member_of[place.twin] == NO_MEMBER)
                    continue;
                if (pass)
                    group->parts[group->part_count] = (Part){member_of[place.twin], (uint16_t)u, place.channel};
                group->part_count++;
            }
    }
    return ERR_OK;
}

static Err fill_members(Course *course, Group *group, ErrText *why)
{
    Err err = ERR_OK;
    for (uint32_t i = 0; i < group->member_count && !err; i++) {
        Member *member = &group->members[i];
        err = find_tangent(course, member->twin, &member->tangent, why);
        member->first_sensor = first_sensor(course->def.plant, plant_model(course->def.plant, member->twin));
        member->offset = group->room;
        if (!err)
            group->room += (size_t)member->tangent->column_count * LANES;
    }
    return err;
}

/* The group of all twins below `root`; `member_of` is the plant's, NO_MEMBER for all others. */
static Err make_group(Course *course, uint32_t root, uint32_t *parent, uint32_t *member_of, ErrText *why)
{
    const Plant *plant = course->def.plant;
    Group *group = &course->groups[course->group_count++];
    for (uint32_t twin = 0; twin < plant->twin_count; twin++)
        group->member_count += root_of(parent, twin) == root;
    group->members = arena_new(&course->arena, Member, group->member_count);
    group->stretches = arena_new(&course->arena, Stretch, course->def.tape_count);
    if (!group->members || !group->stretches)
        return out_of_memory(why);

    uint32_t count = 0;
    for (uint32_t twin = 0; twin < plant->twin_count; twin++)
        if (root_of(parent, twin) == root)
            group->members[count++].twin = twin;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < plant->connection_count; c++)
            if (plant->connections[c].to.twin == group->members[i].twin)
                group->members[i].stage = plant->connections[c].stage;
    qsort(group->members, count, sizeof *group->members, by_stage);

    for (uint32_t i = 0; i < count; i++)
        member_of[group->members[i].twin] = i;
    Err err = fill_members(course, group, why);
    if (!err)
        err = lay_pipes(course, group, member_of, why);
    return err ? err : place_unknowns(course, group, member_of, why);
}

/* Groups in which something is sought. */
static Err make_groups(Course *course, uint32_t *group_of, uint32_t *members, ErrText *why)
{
    const CourseDef *def = &course->def;
    const uint32_t twins = def->plant->twin_count;
    uint32_t *parent = arena_new(&course->work, uint32_t, twins), *member_of = arena_new(&course->work, uint32_t, twins);
    bool *wanted = arena_new(&course->work, bool, twins);
    if (!parent || !member_of || !wanted)
        return out_of_memory(why);
    join(def->plant, parent);
    size_t count = 0;
    for (size_t u = 0; u < def->unknown_count; u++)
        for (uint32_t p = 0; p < def->unknowns[u].place_count; p++) {
            bool *const root = &wanted[root_of(parent, def->unknowns[u].places[p].twin)];
            count += !*root;
            *root = true;
        }
    course->groups = arena_new(&course->arena, Group, count + 1);
    if (!course->groups)
        return out_of_memory(why);

    Err err = ERR_OK;
    for (uint32_t twin = 0; twin < twins; twin++)
        group_of[twin] = member_of[twin] = NO_MEMBER;
    for (uint32_t root = 0; root < twins && !err; root++) {
        if (!wanted[root])
            continue;
        err = make_group(course, root, parent, member_of, why);
        const Group *group = &course->groups[course->group_count - 1];
        for (uint32_t i = 0; i < group->member_count && !err; i++) {
            const uint32_t twin = group->members[i].twin;
            group_of[twin] = (uint32_t)(course->group_count - 1);
            members[twin] = i;
            member_of[twin] = NO_MEMBER;
        }
    }
    return err;
}

// --- recordings ----------------------------------------------------------------------------------------------------

static int64_t tick_of(const Plant *plant, int64_t time)
{
    const int64_t tick = time / plant->step_ns;
    return tick * plant->step_ns > time ? tick - 1 : tick;
}

static uint16_t sensor_of(const Model *model, uint16_t channel)
{
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == channel)
            return i;
    return NO_SENSOR;
}

/* By time, then tag [I4]; the samples of one tag have one time each. */
static int by_time(const void *a, const void *b)
{
    const Heard *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : (x->tag > y->tag) - (x->tag < y->tag);
}

static Err deal_samples(Course *course, size_t tape, const uint32_t *group_of, const uint32_t *members, ErrText *why)
{
    const Plant *plant = course->def.plant;
    const FitTape *from = &course->def.tapes[tape];
    for (size_t i = 0; i < from->count; i++) {
        const uint32_t group = group_of[plant_place(plant, from->samples[i].tag).twin];
        if (group != NO_MEMBER)
            course->groups[group].stretches[tape].count++;
    }
    for (size_t g = 0; g < course->group_count; g++) {
        Stretch *stretch = &course->groups[g].stretches[tape];
        if (!(stretch->heard = arena_new(&course->arena, Heard, stretch->count + 1)))
            return out_of_memory(why);
        stretch->count = 0;
    }

    for (size_t i = 0; i < from->count; i++) {
        const Sample *sample = &from->samples[i];
        const Place place = plant_place(plant, sample->tag);
        if (group_of[place.twin] == NO_MEMBER || sample->quality == QUALITY_BAD)
            continue;
        const Model *model = plant_model(plant, place.twin);
        Stretch *stretch = &course->groups[group_of[place.twin]].stretches[tape];
        stretch->heard[stretch->count++] = (Heard){.tick = tick_of(plant, sample->time),
                                                   .time = sample->time,
                                                   .value = sample->value,
                                                   .member = members[place.twin],
                                                   .tag = sample->tag,
                                                   .column = model->channels[place.channel].column,
                                                   .sensor = sensor_of(model, place.channel)};
    }
    for (size_t g = 0; g < course->group_count; g++) {
        Stretch *stretch = &course->groups[g].stretches[tape];
        if (stretch->count)
            qsort(stretch->heard, stretch->count, sizeof *stretch->heard, by_time);
    }
    return ERR_OK;
}

/* The plant's time begins with the first sample of a recording, whoever it is for. */
static Err read_tapes(Course *course, const uint32_t *group_of, const uint32_t *members, ErrText *why)
{
    const CourseDef *def = &course->def;
    course->first_tick = arena_new(&course->arena, int64_t, def->tape_count);
    course->last_tick = arena_new(&course->arena, int64_t, def->tape_count);
    if (!course->first_tick || !course->last_tick)
        return out_of_memory(why);
    for (size_t t = 0; t < def->tape_count; t++) {
        const FitTape *tape = &def->tapes[t];
        if (tape->count == 0)
            return err_set(why, ERR_RANGE, "%s: no samples to fit by", tape->name);
        course->first_tick[t] = tick_of(def->plant, tape->samples[0].time);
        course->last_tick[t] = tick_of(def->plant, tape->samples[tape->count - 1].time);
        const Err err = deal_samples(course, t, group_of, members, why);
        if (err)
            return err;
    }
    return ERR_OK;
}

// --- following -----------------------------------------------------------------------------------------------------

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

static bool is_stopped(const Course *course)
{
    return course->def.stop && *course->def.stop;
}

static void follow(void *context, size_t index, size_t thread)
{
    const Course *course = context;
    const Job *job = &course->jobs[index];
    const Group *group = job->group;
    const Stretch *stretch = &group->stretches[job->tape];
    const Walk walk = {course, job, course->blocks[thread], &course->scratch[thread], job->directions ? job->directions : 1};
    size_t at = 0;
    begin(&walk);
    for (int64_t tick = course->first_tick[job->tape]; at < stretch->count && !is_stopped(course) && is_alive(&walk); tick++) {
        advance(&walk);
        const size_t before = at;
        for (; at < stretch->count && stretch->heard[at].tick == tick; at++)
            hear(&walk, &stretch->heard[at]);
        for (uint32_t i = 0; i < group->member_count && at > before; i++)
            if (group->members[i].feeds)
                run(&walk, &group->members[i], &group->members[i].tangent->derive);
    }
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
    workers_run(course->def.plant->workers, course->job_count, follow, course);
    if (is_stopped(course))
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
    Err err = group_of && members ? make_groups(course, group_of, members, why) : out_of_memory(why);
    if (!err)
        err = read_tapes(course, group_of, members, why);
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
