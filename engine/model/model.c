#include "model/model.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/loader.h"

enum { SCRIPT_MEMORY_MAX = 64 * 1024 * 1024 };

static const char *const kind_names[] = {"state", "tracked", "parameter", "output", "statistic", "input", "sensor", "actuator"};
static const char *const severity_names[] = {"info", "warning", "major", "critical"};

const char *channel_kind_name(ChannelKind kind)
{
    return kind_names[kind];
}

bool channel_is_settable(ChannelKind kind)
{
    return kind == CHANNEL_STATE || kind == CHANNEL_TRACKED || kind == CHANNEL_PARAMETER || kind == CHANNEL_INPUT;
}

bool channel_is_estimated(ChannelKind kind)
{
    return kind == CHANNEL_STATE || kind == CHANNEL_TRACKED || kind == CHANNEL_OUTPUT || kind == CHANNEL_STATISTIC;
}

const char *severity_name(Severity severity)
{
    return severity_names[severity];
}

bool severity_parse(const char *text, Severity *out)
{
    for (Severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
        if (strcmp(text, severity_names[s]) == 0) {
            *out = s;
            return true;
        }
    return false;
}

/* model "name" { ... }: the constructor returns the declaration with its name in it. */
static int model_declared(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_setfield(lua, 1, "name");
    lua_settop(lua, 1);
    return 1;
}

static int model_constructor(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    if (!declare_is_name(name))
        return luaL_error(lua, "model \"%s\": expected a letter, then letters, digits or underscores", name);
    lua_settop(lua, 1);
    lua_pushcclosure(lua, model_declared, 1);
    return 1;
}

/* How many states the filter and the stepper take. */
static Err check_states(const Loader *loader)
{
    const Model *model = loader->model;
    if (model->state_count > MODEL_STATES_MAX)
        return script_blame(loader->script, loader->why, "states", NULL, "a model has %d states and tracked parameters at most, this has %d", MODEL_STATES_MAX, model->state_count);
    if (model->stepper == STEPPER_ROSENBROCK && model->dynamic_count > STEPPER_ROSENBROCK_STATES_MAX)
        return script_blame(loader->script, loader->why, NULL, "stepper", "the stepper \"rosenbrock\" takes %d states at most, this model has %d", STEPPER_ROSENBROCK_STATES_MAX,
                            model->dynamic_count);
    return ERR_OK;
}

/* Columns of what the equations can read; outputs and sensors follow when they are known. */
static void place_columns(Loader *loader)
{
    Model *model = loader->model;
    const uint16_t n = model->state_count;
    uint16_t column = n;

    model->covariance = column;
    column = (uint16_t)(column + n * (n + 1) / 2);
    for (size_t i = 0; i < loader->trace.event_count; i++)
        loader->trace.events[i].column = column++;
    for (size_t i = 0; i < loader->trace.delay_count; i++)
        loader->trace.delays[i].then = column++;
    model->moved_count = column;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        loader->channels[i].column = i < n ? i : column++;
        if (i < n)
            loader->channels[i].variance = (uint16_t)(model->covariance + filter_packed(n, i, i));
    }
    model->parted = column++;
    model->frozen = column++;
    model->memory = column;
    model->column_count = (uint16_t)(column + TWIN_MEMORY);
    assert(model->column_count <= TRACE_HIDDEN_COLUMN);
    loader->layout = (FilterLayout){.states = 0, .covariance = model->covariance, .parted = model->parted, .frozen = model->frozen,
                                    .delays = loader->trace.delays, .delay_count = loader->trace.delay_count, .events = loader->trace.events, .event_count = loader->trace.event_count};
}

/* What equations can read: channels, and parameters of parts that are the whole's. */
static void name_values(Loader *loader)
{
    Model *model = loader->model;
    Trace *trace = &loader->trace;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        const Channel *channel = &loader->channels[i];
        const size_t part = loader->owners[i];
        if (channel->kind == CHANNEL_ACTUATOR)
            continue;  // what was commanded is not what is: equations read the input that reports it
        trace->names[trace->name_count++] =
            (TraceName){.name = channel->name + strlen(loader->parts[part].prefix), .expr = graph_variable(model->graph, channel->column),
                        .unit = unit_base(channel->unit), .state = i < model->dynamic_count ? i : -1, .part = part,
                        .is_open = part && channel->kind == CHANNEL_INPUT, .min = channel->min, .max = channel->max};
    }
    for (size_t i = 0; i < loader->passed_count; i++) {
        const Passed *passed = &loader->passed[i];
        const Channel *channel = &loader->channels[loader__find_channel(loader, passed->channel)];
        trace->names[trace->name_count++] = (TraceName){.name = passed->key, .expr = graph_variable(model->graph, channel->column),
                                                        .unit = unit_base(channel->unit), .state = -1, .part = (size_t)(passed->part - loader->parts)};
    }
}

static Err open_trace(Loader *loader)
{
    Model *model = loader->model;
    Trace *trace = &loader->trace;
    const size_t room = (size_t)model->channel_count + loader->passed_count + TRACE_LAGS_MAX;
    TracePart *parts = arena_new(&model->arena, TracePart, loader->part_count);
    TraceName *names = arena_new(&model->arena, TraceName, room);
    *trace = (Trace){.graph = model->graph, .arena = &model->arena, .names = names, .state_count = model->state_count, .output_room = LOADER_OUTPUTS_MAX,
                      .arrays = loader->arrays, .array_count = loader->array_count, .step = model->step, .parts = parts, .part_count = loader->part_count};
    trace->rates = arena_new(&model->arena, Expr, model->state_count + TRACE_LAGS_MAX);
    trace->outputs = arena_new(&model->arena, TraceOutput, LOADER_OUTPUTS_MAX);
    trace->feeds = arena_new(&model->arena, TraceFeed, room);
    if (!parts || !names || !trace->rates || !trace->outputs || !trace->feeds)
        return loader__out_of_memory(loader);

    for (size_t i = 0; i < loader->part_count; i++)
        parts[i] = (TracePart){loader->parts[i].name, loader->parts[i].whole ? (size_t)(loader->parts[i].whole - loader->parts) : 0};
    name_values(loader);
    for (uint16_t i = 0; i < model->state_count; i++)
        trace->rates[i] = EXPR_NONE;
    return ERR_OK;
}

/* The equations of a part, behind those of its own parts, whose outputs it reads. */
static Err trace_part(Loader *loader, size_t index)
{
    Trace *trace = &loader->trace;
    const Part *part = &loader->parts[index];
    bool has_parts = false;
    for (size_t i = index + 1; i < loader->part_count; i++)
        if (loader->parts[i].whole == part) {
            has_parts = true;
            const Err err = trace_part(loader, i);
            if (err)
                return err;
        }

    const int type = lua_getfield(script_lua(part->script), part->root, "equations");
    if (type == LUA_TNIL && has_parts) {
        lua_pop(script_lua(part->script), 1);
        return ERR_OK;  // nothing but parts
    }
    if (type != LUA_TFUNCTION)
        return script_blame(part->script, loader->why, "equations", NULL, "model \"%s\" needs equations = function(t) ... end, or step = function(self, dt) ... end", loader->model->name);
    trace->part = index;
    const Err err = trace_equations(part->script, trace, loader->why);
    trace->part = 0;
    return err;
}

/* States that a function moves have no rate; for the filter it is enough that they move. */
static Err trace_procedure(Loader *loader)
{
    loader->trace.stepped = true;
    for (uint16_t i = 0; i < loader->model->dynamic_count; i++)
        loader->trace.rates[i] = graph_constant(loader->model->graph, 0);
    return ERR_OK;
}

static Err trace_model(Loader *loader)
{
    Err err = open_trace(loader);
    if (!err)
        err = loader->model->procedure ? trace_procedure(loader) : trace_part(loader, 0);
    for (uint16_t i = 0; i < loader->model->dynamic_count && !err; i++) {
        const TraceName *state = &loader->trace.names[i];
        if (loader->trace.rates[i] == EXPR_NONE)
            return script_blame(loader->parts[state->part].script, loader->why, "equations", NULL, "the state \"%s\" has no equation: expected t.%s.rate = ...",
                                state->name, state->name);
    }
    return err;
}

/* An entry that nobody wrote: what equations made has the keys of an empty table. */
static Declaration open_made(Loader *loader, size_t part, const char *name)
{
    lua_State *lua = script_lua(loader->parts[part].script);
    lua_newtable(lua);
    return (Declaration){.script = loader->parts[part].script, .index = lua_gettop(lua), .section = "equations", .key = name, .why = loader->why};
}

static Err close_made(const Declaration *entry)
{
    lua_settop(script_lua(entry->script), entry->index - 1);
    return entry->err;
}

static Err check_start(const Loader *loader, size_t part, const char *kind, const char *name, double start)
{
    if (isfinite(start))
        return ERR_OK;
    return script_blame(loader->parts[part].script, loader->why, "equations", NULL, "the %s \"%s\" has no finite value to start from", kind, name);
}

/* What lags and delays follow at the start, where they begin. One may follow another, in any order: after as many rounds as there are, all have settled. */
static Err start_hidden(Loader *loader, double *starts)
{
    const Trace *trace = &loader->trace;
    double columns[TRACE_HIDDEN_COLUMN + TRACE_HIDDEN_MAX];
    for (uint16_t i = 0; i < loader->model->channel_count; i++)
        columns[loader->channels[i].column] = loader->channels[i].initial;
    for (size_t round = 0; round < trace->lag_count + trace->delay_count; round++) {
        for (size_t i = 0; i < trace->lag_count; i++)
            starts[i] = columns[trace->lags[i].column] = graph_evaluate(trace->graph, trace->lags[i].of, columns);
        for (size_t i = 0; i < trace->delay_count; i++)
            columns[trace->delays[i].then] = graph_evaluate(trace->graph, trace->delays[i].of, columns);
    }

    Err err = ERR_OK;
    for (size_t i = 0; i < trace->lag_count && !err; i++)
        err = check_start(loader, trace->lags[i].part, "lag", trace->lags[i].name, starts[i]);
    for (size_t i = 0; i < trace->delay_count && !err; i++)
        err = check_start(loader, trace->delays[i].whose, "delay", trace->delays[i].name, columns[trace->delays[i].then]);
    return err;
}

/* A channel behind the states, before everything else. */
static Err insert_lag(Loader *loader, const TraceLag *lag, double start)
{
    Model *model = loader->model;
    Declaration entry = open_made(loader, lag->part, NULL);
    Channel *channel = loader__add_named(loader, &entry, lag->name, CHANNEL_STATE);
    if (close_made(&entry))
        return entry.err;
    channel->unit = lag->unit;
    channel->initial = start;
    channel->column = lag->column;

    Channel *place = &loader->channels[model->dynamic_count];
    const Channel last = *channel;
    memmove(place + 1, place, (size_t)(channel - place) * sizeof *place);
    *place = last;
    model->dynamic_count++;
    model->state_count++;
    return ERR_OK;
}

/* With lags the vector of the filter is longer, and delays and events have a memory: so columns are dealt out again, and what was traced moves there. */
static Err add_hidden(Loader *loader)
{
    Model *model = loader->model;
    Trace *trace = &loader->trace;
    uint16_t columns[MODEL_CHANNELS_MAX + DELAYS_MAX];
    Expr with[MODEL_CHANNELS_MAX + DELAYS_MAX];
    double starts[TRACE_LAGS_MAX];
    if (trace->lag_count + trace->delay_count + trace->event_count + trace->feed_count == 0)
        return ERR_OK;

    const uint16_t first = model->dynamic_count;
    Err err = start_hidden(loader, starts);
    for (size_t i = 0; i < trace->lag_count && !err; i++)
        err = insert_lag(loader, &trace->lags[i], starts[i]);
    if (!err)
        err = check_states(loader);
    if (err)
        return err;

    for (uint16_t i = 0; i < model->channel_count; i++)
        columns[i] = loader->channels[i].column;
    for (size_t i = 0; i < trace->delay_count; i++)
        columns[model->channel_count + i] = trace->delays[i].then;
    place_columns(loader);
    for (uint16_t i = 0; i < model->channel_count; i++)
        with[i] = graph_variable(model->graph, loader->channels[i].column);
    for (size_t i = 0; i < trace->delay_count; i++)
        with[model->channel_count + i] = graph_variable(model->graph, trace->delays[i].then);
    trace_move(trace, columns, with, model->channel_count + trace->delay_count);
    for (uint16_t i = 0; i < trace->lag_count; i++) {
        trace->names[trace->name_count++] = (TraceName){.name = trace->lags[i].name, .expr = with[first + i], .unit = trace->lags[i].unit, .state = -1, .part = trace->lags[i].part};
        trace->rates[first + i] = trace->lags[i].rate;
    }
    for (uint16_t i = model->dynamic_count; i < model->state_count; i++)
        trace->rates[i] = EXPR_NONE;
    trace->state_count = model->state_count;
    return ERR_OK;
}

static Err add_outputs(Loader *loader)
{
    if (loader->model->procedure)
        return loader__read_outputs(loader);
    for (size_t i = 0; i < loader->trace.output_count; i++) {
        const TraceOutput *output = &loader->trace.outputs[i];
        Declaration entry = open_made(loader, output->part, output->name);
        Channel *channel = loader__add_channel(loader, &entry, CHANNEL_OUTPUT);
        if (close_made(&entry))
            return entry.err;
        channel->unit = output->unit;
        channel->doc = output->doc;
    }
    return ERR_OK;
}

static Err add_statistic(Loader *loader)
{
    Declaration entry = open_made(loader, 0, "divergence");
    Channel *channel = loader__add_channel(loader, &entry, CHANNEL_STATISTIC);
    channel->doc = "how much the tests speak against the model: at 1 or more they do";
    return close_made(&entry);
}

/* The rings of the delays, which are kept. */
static uint32_t place_rings(Loader *loader, uint32_t column)
{
    for (size_t i = 0; i < loader->trace.delay_count; i++) {
        Delay *delay = &loader->trace.delays[i];
        delay->ring = (uint16_t)column;
        column += delay->length + 1u;
    }
    return column;
}

static uint32_t place_outputs(Loader *loader, uint32_t column)
{
    for (uint16_t i = 0; i < loader->model->channel_count; i++)
        if (loader->channels[i].kind == CHANNEL_OUTPUT)
            loader->channels[i].column = (uint16_t)column++;
    return column;
}

/* What a step function leaves for predict. */
static uint32_t place_step(Loader *loader, uint32_t column)
{
    Model *model = loader->model;
    model->next = loader->layout.next = (uint16_t)column;
    column += model->dynamic_count;
    model->jacobian = loader->layout.jacobian = (uint16_t)column;
    loader->layout.given = true;
    return column + (uint32_t)model->dynamic_count * model->state_count;
}

/* What the filter keeps of a twin besides mean and covariance. */
static uint32_t place_spread(Loader *loader, uint32_t column)
{
    Model *model = loader->model;
    EnsembleLayout *ensemble = &model->ensemble;
    model->spread = (uint16_t)column;
    model->due = COLUMN_NONE;
    if (model->filter.members || model->filter.inflation != 1)
        model->due = (uint16_t)column++;
    if (model->filter.members) {
        ensemble->members = model->filter.members;
        ensemble->memories = (uint16_t)loader->trace.event_count;
        ensemble->memory = (uint16_t)(model->covariance + model->state_count * (model->state_count + 1u) / 2);
        ensemble->stride = (uint16_t)(model->state_count + ensemble->memories);
        ensemble->steps = (uint16_t)column++;
        ensemble->first = (uint16_t)column;
        column += (uint32_t)ensemble->members * ensemble->stride;
    }
    model->spread_count = (uint16_t)(column - model->spread);
    loader->layout.due = model->due;
    loader->layout.inflation = model->filter.inflation;
    return column;
}

/* What an ensemble works with between two ticks' ends. */
static uint32_t place_ensemble(Loader *loader, uint32_t column)
{
    EnsembleLayout *ensemble = &loader->model->ensemble;
    if (ensemble->members == 0)
        return column;
    ensemble->key = (uint16_t)column++;
    ensemble->aside = (uint16_t)column;
    column += loader->model->state_count + (uint32_t)loader->trace.delay_count;
    ensemble->innovations = (uint16_t)column;
    return column + ensemble->members;
}

/* Sensors keep their last sample and the memory of their tests, and the twin what they found; what a program only reports, and outputs, come last: they are not kept. */
static Err place_sensors(Loader *loader)
{
    Model *model = loader->model;
    uint32_t column = model->column_count;
    const uint32_t for_delays = DELAY_VALUES_MAX + 3 * DELAYS_MAX, for_step = MODEL_STATES_MAX * (MODEL_STATES_MAX + 1);
    const uint32_t for_members = (model->filter.members + 1u) * (MODEL_STATES_MAX + EVENTS_MAX + 1u) + DELAYS_MAX;
    const uint32_t needed = column + (uint32_t)model->sensor_count * (SENSOR_MEMORY + 8u) + LOADER_OUTPUTS_MAX + LOADER_PREPARED_MAX +
                            for_delays + for_step + for_members;
    if (needed >= COLUMN_NONE)
        return err_set(loader->why, ERR_RANGE, "%s: the model needs %u columns, %u is the most", model->path, needed, COLUMN_NONE - 1u);

    for (uint16_t i = 0; i < model->sensor_count; i++) {
        Sensor *sensor = &loader->sensors[i];
        loader->channels[sensor->channel].column = (uint16_t)column++;
        sensor->memory = (uint16_t)column;
        column += SENSOR_MEMORY;
    }
    Channel *statistic = &loader->channels[loader__find_channel(loader, "divergence")];
    model->statistic = statistic->column = (uint16_t)column++;
    column = place_rings(loader, column);
    if (model->procedure)
        column = place_outputs(loader, column);  // nothing but the function could find them again
    column = place_spread(loader, column);
    model->kept_count = (uint16_t)column;
    column = place_ensemble(loader, column);
    for (size_t i = 0; i < loader->trace.delay_count; i++) {
        loader->trace.delays[i].now = (uint16_t)column++;
        loader->trace.delays[i].next = (uint16_t)column++;
    }
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        Sensor *sensor = &loader->sensors[i];
        sensor->mask = (uint16_t)column++;
        sensor->innovation = (uint16_t)column++;
        sensor->innovation_variance = (uint16_t)column++;
    }
    column = model->procedure ? place_step(loader, column) : place_outputs(loader, column);
    model->column_count = (uint16_t)column;
    return ERR_OK;
}

static Err read_model(Loader *loader)
{
    Model *model = loader->model;
    Declaration root = {.script = loader->script, .index = loader->root, .section = "model", .why = loader->why};
    model->name = arena_text(&model->arena, declare_text(&root, "name", ""));
    model->doc = arena_text(&model->arena, declare_text(&root, "doc", ""));
    loader->channels = arena_new(&model->arena, Channel, MODEL_CHANNELS_MAX);
    loader->passed = arena_new(&model->arena, Passed, MODEL_CHANNELS_MAX);
    if (!model->name || !model->doc || !loader->channels || !loader->passed)
        return loader__out_of_memory(loader);

    const char *stepper = declare_text(&root, "stepper", "rk4");
    root.section = NULL, root.key = "stepper";
    if (!stepper_parse(stepper, &model->stepper))
        declare_fail(&root, "stepper must be \"rk4\", \"euler\", \"tsit5\" or \"rosenbrock\", got \"%s\"", stepper);
    if (root.err)
        return root.err;

    Err err;
    if ((err = loader__open_parts(loader, loader->parts)) || (err = loader__create_procedure(loader)) || (err = loader__read_states(loader)) ||
        (err = loader__read_parameters(loader, CHANNEL_TRACKED)) || (err = loader__read_biases(loader)))
        return err;
    if (model->dynamic_count == 0)
        return script_blame(loader->script, loader->why, "model", NULL, "model \"%s\" has no states", model->name);
    if ((err = check_states(loader)))
        return err;
    if ((err = loader__read_parameters(loader, CHANNEL_PARAMETER)) || (err = loader__connect_passed(loader)) || (err = loader__read_inputs(loader)) ||
        (err = loader__check_given(loader)) || (err = loader__read_actuators(loader)))
        return err;

    place_columns(loader);
    if ((err = trace_model(loader)) || (err = loader__connect_inputs(loader)) || (err = add_hidden(loader)) || (err = add_outputs(loader)) || (err = add_statistic(loader)) || (err = loader__read_sensors(loader)) ||
        (err = loader__read_alarms(loader)) || (err = loader__read_faults(loader)) || (err = loader__read_divergence(loader)) ||
        (err = loader__read_filter(loader)) || (err = place_sensors(loader)))
        return err;
    err = loader__build_programs(loader);
    return err ? err : loader__start_procedure(loader);
}

Err loader__run(Loader *loader, Part *part)
{
    static const char *const known[] = {"name", "doc", "params", "inputs", "states", "parts", "equations", "sensors", "actuators", "alarms", "faults", "divergence",
                                        "filter", "stepper", "step", "outputs", NULL};
    Err err = script_create(SCRIPT_MEMORY_MAX, &part->script, loader->why);
    if (err)
        return err;
    lua_State *lua = script_lua(part->script);
    trace_open(part->script);
    lua_register(lua, "model", model_constructor);
    err = script_run_file(part->script, part->path, SCRIPT_LOAD_INSTRUCTIONS, loader->why);
    if (err)
        return err;

    part->root = lua_gettop(lua);
    if (!lua_istable(lua, part->root) || lua_getfield(lua, part->root, "name") != LUA_TSTRING)
        return script_blame(part->script, loader->why, NULL, NULL, "a model script must return model \"name\" { ... }");
    lua_settop(lua, part->root);
    Declaration root = {.script = part->script, .index = part->root, .section = "model", .why = loader->why};
    declare_only(&root, known, 0);
    return root.err;
}

/* The model itself is the first of its parts. */
static Err run_script(Loader *loader)
{
    Part *whole = &loader->parts[loader->part_count++];
    *whole = (Part){.name = "", .prefix = "", .path = loader->model->path};
    const Err err = loader__run(loader, whole);
    loader->script = whole->script;
    loader->lua = whole->script ? script_lua(whole->script) : NULL;
    loader->root = whole->root;
    return err;
}

/* Which files a change of the model would be in; and for a step function, which no program tells, what it says. */
static Err note_scripts(Loader *loader)
{
    Model *model = loader->model;
    model->paths = arena_new(&model->arena, const char *, loader->part_count);
    if (!model->paths)
        return loader__out_of_memory(loader);
    for (size_t i = 0; i < loader->part_count; i++)
        model->paths[model->path_count++] = loader->parts[i].path;
    model->source = model->procedure ? script_hash(loader->script) : 0;
    return ERR_OK;
}

Err model_load(const char *path, double step, Model **out, ErrText *why)
{
    assert(step > 0);
    *out = NULL;
    Model *model = mem_alloc(sizeof *model);
    if (!model)
        return err_set(why, ERR_MEMORY, "%s: no memory for the model", path);

    Loader loader = {.model = model, .why = why};
    model->step = step;
    model->path = arena_text(&model->arena, path);
    model->graph = graph_create(&model->arena);
    Err err = model->path && model->graph ? run_script(&loader) : loader__out_of_memory(&loader);
    if (!err)
        err = read_model(&loader);
    if (!err)
        err = note_scripts(&loader);
    for (size_t i = model->procedure ? 1 : 0; i < loader.part_count; i++)  // a step function keeps the whole's own script
        script_destroy(loader.parts[i].script);
    if (err) {
        model_destroy(model);
        return err;
    }

    model->channels = loader.channels;
    model->sensors = loader.sensors;
    model->alarms = loader.alarms;
    model->faults = loader.faults;
    *out = model;
    return ERR_OK;
}

void model_destroy(Model *model)
{
    if (!model)
        return;
    if (model->graph)
        graph_destroy(model->graph);
    procedure_destroy(model->procedure);
    arena_fini(&model->arena);
    mem_free(model);
}

static void fill_column(double *columns, uint16_t column, double value)
{
    for (size_t lane = 0; lane < LANES; lane++)
        columns[(size_t)column * LANES + lane] = value;
}

void model_fill(const Model *model, double *columns)
{
    for (uint16_t c = 0; c < model->column_count; c++)
        fill_column(columns, c, 0);
    for (uint16_t i = 0; i < model->channel_count; i++) {
        const Channel *channel = &model->channels[i];
        fill_column(columns, channel->column, channel->initial);
        if (channel->variance != COLUMN_NONE)
            fill_column(columns, channel->variance, channel->initial_sd * channel->initial_sd);
    }
}

void model_predict(const Model *model, double *columns, Scratch *scratch)
{
    if (model->filter.members)
        ensemble_predict(model, columns, scratch);
    else
        program_run(&model->predict, columns, scratch);
}

void model_measure(const Model *model, const Sensor *sensor, double *columns, Scratch *scratch)
{
    if (model->filter.members)
        ensemble_measure(model, sensor, columns, scratch);
    else
        program_run(&sensor->measure, columns, scratch);
}

void model_correct(const Model *model, const Sensor *sensor, double *columns, Scratch *scratch)
{
    if (model->filter.members)
        ensemble_correct(model, sensor, columns, scratch);
    else
        program_run(&sensor->correct, columns, scratch);
}

void model_settle(const Model *model, double *columns)
{
    if (model->filter.members)
        ensemble_settle(model, columns);
}

void model_open(const Model *model, double *columns, size_t lane, uint16_t state, double sd)
{
    for (uint16_t i = 0; i < model->state_count; i++)
        columns[(size_t)model_covariance(model, state, i) * LANES + lane] = state == i ? sd * sd : 0;
    if (model->filter.members)
        ensemble_open(model, columns, lane, state, sd);
}

void model_scale(const Model *model, double *columns, size_t lane, uint16_t state, double factor)
{
    for (uint16_t i = 0; i < model->state_count; i++)
        columns[(size_t)model_covariance(model, state, i) * LANES + lane] *= state == i ? factor * factor : factor;
    if (model->filter.members)
        ensemble_scale(model, columns, lane, state, factor);
}

void model_widen(const Model *model, double *columns, size_t lane, const double *direction)
{
    for (uint16_t i = 0; i < model->state_count; i++)
        for (uint16_t j = i; j < model->state_count; j++)
            columns[(size_t)model_covariance(model, i, j) * LANES + lane] += direction[i] * direction[j];
    if (model->filter.members)
        ensemble_widen(model, columns, lane, direction);
}

int model_find(const Model *model, const char *name)
{
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (strcmp(model->channels[i].name, name) == 0)
            return i;
    return -1;
}

uint16_t model_covariance(const Model *model, uint16_t i, uint16_t j)
{
    return (uint16_t)(model->covariance + filter_packed(model->state_count, i, j));
}
