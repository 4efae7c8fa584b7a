/* inside.h -- the inside of a Course, for the files of this folder: groups.c finds who is followed together, by which samples; walk.c follows one group along
 * one recording; course.c shares that among threads and adds up. */
#pragma once

#include "fit/course.h"
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

static inline Err out_of_memory(ErrText *why)
{
    return err_set(why, ERR_MEMORY, "no memory for the fit");
}

/// Groups in which something is sought. By twin of the plant: its group, NO_MEMBER where nothing is, and which of its members it is.
Err course__make_groups(Course *course, uint32_t *group_of, uint32_t *members, ErrText *why);
/// Deal the samples of all recordings to their groups. ERR_RANGE where one is empty.
Err course__read_tapes(Course *course, const uint32_t *group_of, const uint32_t *members, ErrText *why);
/// Do job `index` of the Course that is the context, with the memory of this thread: as workers_run calls it.
void course__follow(void *context, size_t index, size_t thread);
/// Somebody wants the search to end.
bool course__is_stopped(const Course *course);
