#include "model/tangent.h"

#include <assert.h>
#include <string.h>

#include "model/loader.h"

enum { PREPARED_MAX = 1024, PROGRAMS = 4 };  // besides those of sensors

typedef struct Draft {
    Program *program;
    Assignment *assignments;
    size_t count;
} Draft;

typedef struct Builder {
    Tangent *tangent;
    const Model *model;
    const TangentDef *def;
    FilterState states[MODEL_STATES_MAX];
    uint16_t *columns;   // that have a tangent
    Expr *tangents;      // what it is: a column of the mirror
    size_t moving;
    Draft *drafts;
    size_t draft_count;
    Assignment *buffer;
    Arena arena;
    ErrText *why;
} Builder;

static Err out_of_memory(const Builder *builder)
{
    return err_set(builder->why, ERR_MEMORY, "%s: no memory for its derivatives", builder->model->path);
}

static void add_moving(Builder *builder, uint16_t column)
{
    builder->columns[builder->moving] = column;
    builder->tangents[builder->moving++] = graph_variable(builder->model->graph, (uint16_t)(builder->tangent->mirror + column));
}

/* What has a tangent: all that programs move, what delays hand on, and what was asked for. */
static Err find_moving(Builder *builder)
{
    const Model *model = builder->model;
    builder->columns = arena_new(&builder->arena, uint16_t, model->column_count);
    builder->tangents = arena_new(&builder->arena, Expr, model->column_count);
    if (!builder->columns || !builder->tangents)
        return out_of_memory(builder);
    if (!builder->def->varies)
        return ERR_OK;

    const uint16_t covariance_end = (uint16_t)(model->covariance + model->state_count * (model->state_count + 1) / 2);
    for (uint16_t column = 0; column < model->moved_count; column++)
        if (!builder->def->simulates || column < model->covariance || column >= covariance_end)
            add_moving(builder, column);
    for (uint16_t i = 0; i < model->delay_count; i++)
        add_moving(builder, model->delays[i].next);
    for (uint16_t i = model->state_count; i < model->channel_count; i++)
        if (builder->def->varies[i])
            add_moving(builder, model->channels[i].column);
    return ERR_OK;
}

/* Note the `count` assignments in the buffer as those of `program`, and the tangents of what they assign. */
static Err draft(Builder *builder, Program *program, size_t count)
{
    const size_t all = builder->moving ? 2 * count : count;
    Assignment *assignments = arena_new(&builder->arena, Assignment, all + 1);
    Expr *values = arena_new(&builder->arena, Expr, count + 1), *tangents = arena_new(&builder->arena, Expr, count + 1);
    if (!assignments || !values || !tangents)
        return out_of_memory(builder);
    for (size_t i = 0; i < count; i++)
        values[i] = builder->buffer[i].value;
    graph_tangent(builder->model->graph, values, count, builder->columns, builder->tangents, builder->moving, tangents);

    memcpy(assignments, builder->buffer, count * sizeof *assignments);
    for (size_t i = count; i < all; i++)
        assignments[i] = (Assignment){(uint16_t)(builder->tangent->mirror + assignments[i - count].column), tangents[i - count]};
    builder->drafts[builder->draft_count++] = (Draft){program, assignments, all};
    return ERR_OK;
}

static Err draft_sensor(Builder *builder, uint16_t index)
{
    const Model *model = builder->model;
    const Sensor *sensor = &model->sensors[index];
    const FilterSensor filter = loader__filter_sensor(sensor, &model->channels[sensor->channel], model->equations[sensor->channel]);
    size_t count = filter_measure(model->graph, &model->layout, model->state_count, &filter, builder->buffer);
    if (builder->def->simulates)
        count = 1;  // the innovation, which comes first
    else
        count += filter_correct(model->graph, &model->layout, builder->states, model->state_count, &filter, builder->buffer + count);
    return draft(builder, &builder->tangent->fold[index], count);
}

static size_t assign_outputs(const Builder *builder)
{
    const Model *model = builder->model;
    size_t count = 0;
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (model->channels[i].kind == CHANNEL_OUTPUT)
            builder->buffer[count++] = (Assignment){model->channels[i].column, model->equations[i]};
    return count;
}

static size_t assign_delayed(const Builder *builder)
{
    for (uint16_t i = 0; i < builder->model->delay_count; i++)
        builder->buffer[i] = (Assignment){builder->model->delays[i].now, builder->model->delays[i].of};
    return builder->model->delay_count;
}

static Err draft_all(Builder *builder)
{
    const Model *model = builder->model;
    Tangent *tangent = builder->tangent;
    for (uint16_t i = 0; i < model->state_count; i++) {
        builder->states[i] = model->filter_states[i];
        if (builder->def->held && builder->def->held[i])
            builder->states[i].noise = 0;
    }

    size_t (*const take)(Graph *, const FilterLayout *, const FilterState *, uint16_t, Stepper, double, Assignment *) =
        builder->def->simulates ? filter_move : filter_predict;
    Err err;
    if ((err = draft(builder, &tangent->step,
                     take(model->graph, &model->layout, builder->states, model->state_count, model->stepper, model->step, builder->buffer))) ||
        (err = draft(builder, &tangent->derive, assign_outputs(builder))) || (err = draft(builder, &tangent->record, assign_delayed(builder))))
        return err;
    for (uint16_t i = 0; i < model->sensor_count && !err; i++)
        err = draft_sensor(builder, i);
    return err;
}

/* Parameters and their tangents hold still while a recording is followed, also those that are fitted. */
static Err hoist_fixed(Builder *builder)
{
    const Model *model = builder->model;
    Tangent *tangent = builder->tangent;
    bool *fixed = arena_new(&builder->arena, bool, tangent->column_count);
    Hoist hoist = {.fixed = fixed, .first = tangent->column_count, .room = PREPARED_MAX, .prepared = builder->buffer};
    if (!fixed)
        return out_of_memory(builder);
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (model->channels[i].kind == CHANNEL_PARAMETER)
            fixed[model->channels[i].column] = fixed[tangent->mirror + model->channels[i].column] = true;

    for (size_t i = 0; i < builder->draft_count; i++)
        if (graph_hoist(model->graph, &hoist, builder->drafts[i].assignments, builder->drafts[i].count) == ERR_MEMORY)
            return out_of_memory(builder);
    tangent->column_count = (uint16_t)(hoist.first + hoist.count);
    builder->drafts[builder->draft_count++] = (Draft){&tangent->prepare, builder->buffer, hoist.count};
    return ERR_OK;
}

static Err compile_all(const Builder *builder)
{
    Tangent *tangent = builder->tangent;
    for (size_t i = 0; i < builder->draft_count; i++) {
        const Draft *item = &builder->drafts[i];
        const Err err =
            graph_compile(builder->model->graph, item->assignments, item->count, tangent->column_count, &tangent->arena, item->program, builder->why);
        if (err)
            return err_prefix(builder->why, err, "%s: its derivatives", builder->model->path);
        if (item->program->registers > tangent->registers_max)
            tangent->registers_max = item->program->registers;
    }
    return ERR_OK;
}

static Err build(Builder *builder)
{
    const size_t room = 2 * (FILTER_ASSIGNMENTS_MAX + MODEL_CHANNELS_MAX) + PREPARED_MAX;
    builder->drafts = arena_new(&builder->arena, Draft, PROGRAMS + builder->model->sensor_count);
    builder->buffer = arena_new(&builder->arena, Assignment, room);
    builder->tangent->fold = arena_new(&builder->tangent->arena, Program, builder->model->sensor_count + 1u);
    if (!builder->drafts || !builder->buffer || !builder->tangent->fold)
        return out_of_memory(builder);

    Err err = find_moving(builder);
    if (!err && !(err = draft_all(builder)) && !(err = hoist_fixed(builder)))
        err = compile_all(builder);
    return err;
}

Err tangent_create(const Model *model, const TangentDef *def, Tangent **out, ErrText *why)
{
    *out = NULL;
    if (model->procedure)
        return err_set(why, ERR_RANGE, "%s: its step is a function of Lua, which has no derivatives: a fit needs equations", model->path);
    if (model->filter.members && !def->simulates)
        return err_set(why, ERR_RANGE,
                       "%s: what an ensemble filter expects has no derivatives: fit the error of simulation, or let the model be \"extended\" for the fit",
                       model->path);
    if (2u * model->column_count + PREPARED_MAX >= COLUMN_NONE)
        return err_set(why, ERR_RANGE, "%s: the model has %u columns, too many for a tangent beside each", model->path, model->column_count);
    Tangent *tangent = mem_alloc(sizeof *tangent);
    if (!tangent)
        return err_set(why, ERR_MEMORY, "%s: no memory for its derivatives", model->path);

    tangent->model = model;
    tangent->mirror = model->column_count;
    tangent->column_count = (uint16_t)(2 * model->column_count);
    Builder builder = {.tangent = tangent, .model = model, .def = def, .why = why};
    const Err err = build(&builder);
    arena_fini(&builder.arena);
    if (err) {
        tangent_destroy(tangent);
        return err;
    }
    *out = tangent;
    return ERR_OK;
}

void tangent_destroy(Tangent *tangent)
{
    if (!tangent)
        return;
    arena_fini(&tangent->arena);
    mem_free(tangent);
}
