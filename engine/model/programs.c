/* programs.c -- the programs of a model.
 *
 * The assignments of all programs are drafted first; what depends on parameters alone is hoisted out of all of them into prepared columns, so
 * that only then the width of a block is known; then they are compiled. */
#include "model/loader.h"

#include <math.h>
#include <string.h>

typedef struct Draft {
    Program *program;
    Assignment *assignments;
    size_t count;
} Draft;

typedef struct Drafts {
    Loader *loader;
    Draft *items;
    size_t count;
    Assignment *buffer;  // FILTER_ASSIGNMENTS_MAX
    Arena arena;         // of all this; gone when the programs are there
} Drafts;

enum { DRAFTS_OF_MODEL = 5, DRAFTS_PER_SENSOR = 2 };

/* Note the `count` assignments in the buffer as those of `program`. */
static Err draft(Drafts *drafts, Program *program, size_t count)
{
    Assignment *assignments = arena_new(&drafts->arena, Assignment, count + 1);
    if (!assignments)
        return loader__out_of_memory(drafts->loader);
    memcpy(assignments, drafts->buffer, count * sizeof *assignments);
    drafts->items[drafts->count++] = (Draft){program, assignments, count};
    return ERR_OK;
}

FilterSensor loader__filter_sensor(const Sensor *sensor, const Channel *channel, Expr expected)
{
    return (FilterSensor){.expected = expected, .noise = channel->noise, .value = channel->column, .mask = sensor->mask,
                          .innovation = sensor->innovation, .variance = sensor->innovation_variance};
}

static Err draft_sensor(Drafts *drafts, uint16_t index)
{
    const Loader *loader = drafts->loader;
    const Model *model = loader->model;
    Sensor *sensor = &loader->sensors[index];
    const FilterSensor filter = loader__filter_sensor(sensor, &loader->channels[sensor->channel], loader->measured[index]);
    if (model->filter.members)
        return draft(drafts, &sensor->measure, filter_compare(model->graph, &filter, drafts->buffer));
    const Err err = draft(drafts, &sensor->measure, filter_measure(model->graph, &loader->layout, model->state_count, &filter, drafts->buffer));
    return err ? err
               : draft(drafts, &sensor->correct, filter_correct(model->graph, &loader->layout, loader->filter, model->state_count, &filter, drafts->buffer));
}

static size_t assign_outputs(const Loader *loader, Assignment *out)
{
    size_t count = 0;
    for (uint16_t i = 0; i < loader->model->channel_count && !loader->model->procedure; i++)
        if (loader->channels[i].kind == CHANNEL_OUTPUT) {
            out[count] = (Assignment){loader->channels[i].column, loader->trace.outputs[count].expr};
            count++;
        }
    return count;
}

static size_t assign_delayed(const Loader *loader, Assignment *out)
{
    for (size_t i = 0; i < loader->trace.delay_count; i++)
        out[i] = (Assignment){loader->trace.delays[i].now, loader->trace.delays[i].of};
    return loader->trace.delay_count;
}

static Err draft_model(Drafts *drafts)
{
    const Loader *loader = drafts->loader;
    Model *model = loader->model;
    const uint16_t n = model->state_count;
    Err err = ERR_OK;
    if (!model->filter.members)
        err = draft(drafts, &model->predict, filter_predict(model->graph, &loader->layout, loader->filter, n, model->stepper, model->step, drafts->buffer));
    if (err ||
        (err = draft(drafts, &model->move, filter_move(model->graph, &loader->layout, loader->filter, n, model->stepper, model->step, drafts->buffer))) ||
        (err = draft(drafts, &model->derive, assign_outputs(loader, drafts->buffer))) ||
        (err = draft(drafts, &model->record, assign_delayed(loader, drafts->buffer))))
        return err;
    for (uint16_t i = 0; i < model->sensor_count && !err; i++)
        err = draft_sensor(drafts, i);
    return err;
}

/* For people, as equations are. */
static Err keep_prepared(const Loader *loader, const Hoist *hoist)
{
    Expr *values = arena_new(&loader->model->arena, Expr, hoist->count + 1u);
    if (!values)
        return ERR_MEMORY;
    for (uint16_t i = 0; i < hoist->count; i++)
        values[i] = hoist->prepared[i].value;
    loader->model->prepared = hoist->first;
    loader->model->prepared_count = hoist->count;
    loader->model->prepared_values = values;
    loader->model->column_count = (uint16_t)(hoist->first + hoist->count);
    return ERR_OK;
}

/* Parameters that are not tracked hold still between two steps. What is prepared from them becomes a program too. */
static Err hoist_fixed(Drafts *drafts)
{
    const Loader *loader = drafts->loader;
    Model *model = loader->model;
    bool *fixed = arena_new(&drafts->arena, bool, model->column_count);
    Hoist hoist = {.fixed = fixed, .first = model->column_count, .room = LOADER_PREPARED_MAX, .prepared = drafts->buffer};
    if (!fixed)
        return loader__out_of_memory(drafts->loader);
    for (uint16_t i = 0; i < model->channel_count; i++)
        fixed[loader->channels[i].column] |= loader->channels[i].kind == CHANNEL_PARAMETER;

    Err err = ERR_OK;
    for (size_t i = 0; i < drafts->count && !err; i++)
        err = graph_hoist(model->graph, &hoist, drafts->items[i].assignments, drafts->items[i].count);
    if (err != ERR_MEMORY)
        err = keep_prepared(loader, &hoist);  // a graph that is full is told of when it is compiled
    return err == ERR_MEMORY ? loader__out_of_memory(drafts->loader) : draft(drafts, &model->prepare, hoist.count);
}

static Err compile_all(const Drafts *drafts)
{
    Model *model = drafts->loader->model;
    for (size_t i = 0; i < drafts->count; i++) {
        const Draft *item = &drafts->items[i];
        const Err err = graph_compile(model->graph, item->assignments, item->count, model->column_count, &model->arena, item->program, drafts->loader->why);
        if (err)
            return err_prefix(drafts->loader->why, err, "%s", model->path);
        if (item->program->registers > model->registers_max)
            model->registers_max = item->program->registers;
    }
    return ERR_OK;
}

static Err keep_delays(Loader *loader)
{
    Model *model = loader->model;
    const size_t count = loader->trace.delay_count;
    Delay *delays = arena_new(&model->arena, Delay, count + 1);
    if (!delays)
        return loader__out_of_memory(loader);
    memcpy(delays, loader->trace.delays, count * sizeof *delays);
    model->delays = delays;
    model->delay_count = (uint16_t)count;
    return ERR_OK;
}

/* What the filter was built from, to build it again with its derivatives. Delays have been kept before. */
static Err keep_filter(Loader *loader)
{
    Model *model = loader->model;
    FilterState *states = arena_new(&model->arena, FilterState, model->state_count);
    Event *events = arena_new(&model->arena, Event, loader->layout.event_count + 1);
    if (!states || !events)
        return loader__out_of_memory(loader);
    memcpy(states, loader->filter, model->state_count * sizeof *states);
    memcpy(events, loader->trace.events, loader->layout.event_count * sizeof *events);
    model->filter_states = states;
    model->layout = loader->layout;
    model->layout.delays = model->delays;
    model->layout.events = events;
    return ERR_OK;
}

/* For people: what programs were built from cannot be read off them any more. */
static Err keep_equations(Loader *loader)
{
    Model *model = loader->model;
    Expr *equations = arena_new(&model->arena, Expr, model->channel_count);
    if (!equations)
        return loader__out_of_memory(loader);

    size_t output = 0;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        const bool is_output = loader->channels[i].kind == CHANNEL_OUTPUT;
        equations[i] = i < model->state_count ? loader->trace.rates[i] : is_output ? loader->trace.outputs[output++].expr : EXPR_NONE;
    }
    for (uint16_t i = 0; i < model->sensor_count; i++)
        equations[loader->sensors[i].channel] = loader->measured[i];
    model->equations = equations;
    return ERR_OK;
}

/* What a step adds to the members of an ensemble. */
static Err keep_noise(Loader *loader)
{
    Model *model = loader->model;
    FilterNoise *noise = arena_new(&model->arena, FilterNoise, model->state_count);
    if (!noise)
        return loader__out_of_memory(loader);
    for (uint16_t i = 0; i < model->state_count; i++)
        noise[i] = filter_noise(&loader->filter[i], model->step);
    model->ensemble.noise = noise;
    return ERR_OK;
}

/* How far a state is from what a sensor measures; 0 where that is no matter of places. */
static double distance_to(const Loader *loader, Expr measured, const TraceArray *array, uint16_t place)
{
    const Trace *trace = &loader->trace;
    double nearest = INFINITY;
    for (size_t a = 0; a < trace->array_count; a++) {
        const TraceArray *other = &trace->arrays[a];
        for (size_t i = 0; i < other->count && other->count == array->count; i++) {
            if (!graph_depends(trace->graph, measured, (uint16_t)(other->first + i)))
                continue;
            const double along = fabs((double)place - (double)i), around = (double)array->count - along;
            nearest = fmin(nearest, loader->model->filter.cyclic ? fmin(along, around) : along);
        }
    }
    return isinf(nearest) ? 0 : nearest;
}

/* Elements of arrays that are as long lie side by side; what is in no array is near to everything. */
static Err keep_taper(Loader *loader, uint16_t sensor)
{
    const Model *model = loader->model;
    double *taper = arena_new(&loader->model->arena, double, model->state_count);
    if (!taper)
        return loader__out_of_memory(loader);
    for (uint16_t i = 0; i < model->state_count; i++)
        taper[i] = 1;
    for (size_t a = 0; a < loader->trace.array_count; a++) {
        const TraceArray *array = &loader->trace.arrays[a];
        for (uint16_t i = 0; i < array->count; i++)
            taper[array->first + i] = ensemble_taper(distance_to(loader, loader->measured[sensor], array, i), model->filter.localisation);
    }
    loader->sensors[sensor].taper = taper;
    return ERR_OK;
}

static Err keep_ensemble(Loader *loader)
{
    const Model *model = loader->model;
    Err err = model->filter.members ? keep_noise(loader) : ERR_OK;
    for (uint16_t s = 0; s < model->sensor_count && !err; s++) {
        for (uint16_t i = 0; i < model->state_count; i++)
            loader->sensors[s].shows |= (uint64_t)graph_depends(model->graph, loader->measured[s], i) << i;
        if (isfinite(model->filter.localisation))
            err = keep_taper(loader, s);
    }
    return err;
}

Err loader__build_programs(Loader *loader)
{
    const Model *model = loader->model;
    for (uint16_t i = 0; i < model->state_count; i++) {
        const Channel *channel = &loader->channels[i];
        loader->filter[i] = (FilterState){loader->trace.rates[i], channel->min, channel->max, channel->noise, channel->jump, channel->time};
    }

    Drafts drafts = {.loader = loader};
    drafts.items = arena_new(&drafts.arena, Draft, DRAFTS_OF_MODEL + DRAFTS_PER_SENSOR * (size_t)model->sensor_count);
    drafts.buffer = arena_new(&drafts.arena, Assignment, FILTER_ASSIGNMENTS_MAX);
    Err err = drafts.items && drafts.buffer ? draft_model(&drafts) : loader__out_of_memory(loader);
    if (!err && !(err = hoist_fixed(&drafts)) && !(err = compile_all(&drafts)))
        err = keep_delays(loader);
    if (!err && !(err = keep_filter(loader)))
        err = keep_equations(loader);
    if (!err)
        err = keep_ensemble(loader);
    arena_fini(&drafts.arena);
    return err;
}
