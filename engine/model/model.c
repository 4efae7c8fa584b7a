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
    for (uint16_t i = 0; i < model->channel_count; i++) {
        loader->channels[i].column = i < n ? i : column++;
        if (i < n)
            loader->channels[i].variance = (uint16_t)(model->covariance + filter_packed(n, i, i));
    }
    model->parted = column++;
    model->frozen = column++;
    model->memory = column;
    model->column_count = (uint16_t)(column + TWIN_MEMORY);
    assert(model->column_count <= TRACE_LAG_COLUMN);
    loader->layout = (FilterLayout){.states = 0, .covariance = model->covariance, .parted = model->parted, .frozen = model->frozen};
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
    *trace = (Trace){.graph = model->graph, .arena = &model->arena, .names = names, .state_count = model->state_count, .output_room = OUTPUTS_MAX,
                      .arrays = loader->arrays, .array_count = loader->array_count, .step = model->step, .parts = parts, .part_count = loader->part_count};
    trace->rates = arena_new(&model->arena, Expr, model->state_count + TRACE_LAGS_MAX);
    trace->outputs = arena_new(&model->arena, TraceOutput, OUTPUTS_MAX);
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
        return script_blame(part->script, loader->why, "equations", NULL, "model \"%s\" needs equations = function(t) ... end", loader->model->name);
    trace->part = index;
    const Err err = trace_equations(part->script, trace, loader->why);
    trace->part = 0;
    return err;
}

static Err trace_model(Loader *loader)
{
    Err err = open_trace(loader);
    if (!err)
        err = trace_part(loader, 0);
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

/* What the lags follow at the start, where they begin. One may follow another that was made before. */
static Err start_lags(Loader *loader, double *starts)
{
    const Trace *trace = &loader->trace;
    double columns[TRACE_LAG_COLUMN + TRACE_LAGS_MAX];
    for (uint16_t i = 0; i < loader->model->channel_count; i++)
        columns[loader->channels[i].column] = loader->channels[i].initial;
    for (size_t i = 0; i < trace->lag_count; i++) {
        starts[i] = columns[trace->lags[i].column] = graph_evaluate(trace->graph, trace->lags[i].of, columns);
        if (!isfinite(starts[i]))
            return script_blame(loader->parts[trace->lags[i].part].script, loader->why, "equations", NULL, "the lag \"%s\" has no finite value to start from",
                                trace->lags[i].name);
    }
    return ERR_OK;
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

/* With the lags the vector of the filter is longer, so columns are dealt out again, and what was traced moves there. */
static Err add_lags(Loader *loader)
{
    Model *model = loader->model;
    Trace *trace = &loader->trace;
    uint16_t columns[MODEL_CHANNELS_MAX];
    Expr with[MODEL_CHANNELS_MAX];
    double starts[TRACE_LAGS_MAX];
    if (trace->lag_count == 0 && trace->feed_count == 0)
        return ERR_OK;

    const uint16_t first = model->dynamic_count;
    Err err = start_lags(loader, starts);
    for (size_t i = 0; i < trace->lag_count && !err; i++)
        err = insert_lag(loader, &trace->lags[i], starts[i]);
    if (!err)
        err = check_states(loader);
    if (err)
        return err;

    for (uint16_t i = 0; i < model->channel_count; i++)
        columns[i] = loader->channels[i].column;
    place_columns(loader);
    for (uint16_t i = 0; i < model->channel_count; i++)
        with[i] = graph_variable(model->graph, loader->channels[i].column);
    trace_move(trace, columns, with, model->channel_count);
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

/* Sensors keep their last sample and the memory of their tests, and the twin what they found; what a program only reports, and outputs, come last: they are not kept. */
static Err place_sensors(Loader *loader)
{
    Model *model = loader->model;
    uint32_t column = model->column_count;
    const uint32_t needed = column + (uint32_t)model->sensor_count * (SENSOR_MEMORY + 8u) + OUTPUTS_MAX;
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
    model->kept_count = (uint16_t)column;
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        Sensor *sensor = &loader->sensors[i];
        sensor->mask = (uint16_t)column++;
        sensor->innovation = (uint16_t)column++;
        sensor->innovation_variance = (uint16_t)column++;
    }
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (loader->channels[i].kind == CHANNEL_OUTPUT)
            loader->channels[i].column = (uint16_t)column++;
    model->column_count = loader->layout.columns = (uint16_t)column;
    return ERR_OK;
}

static void count_registers(Model *model, const Program *program)
{
    if (program->registers > model->registers_max)
        model->registers_max = program->registers;
}

static Err build_programs(Loader *loader)
{
    Model *model = loader->model;
    for (uint16_t i = 0; i < model->state_count; i++) {
        const Channel *channel = &loader->channels[i];
        loader->filter[i] = (FilterState){loader->trace.rates[i], channel->min, channel->max, channel->noise, channel->jump};
    }

    Err err = filter_build_predict(model->graph, &loader->layout, loader->filter, model->state_count, model->stepper, model->step, &model->arena, &model->predict,
                                   loader->why);
    count_registers(model, &model->predict);
    for (uint16_t i = 0; i < model->sensor_count && !err; i++) {
        Sensor *sensor = &loader->sensors[i];
        const Channel *channel = &loader->channels[sensor->channel];
        const FilterSensor filter = {.expected = loader->measured[i], .noise = channel->noise, .value = channel->column, .mask = sensor->mask,
                                     .innovation = sensor->innovation, .variance = sensor->innovation_variance};
        err = filter_build_measure(model->graph, &loader->layout, model->state_count, &filter, &model->arena, &sensor->measure, loader->why);
        if (!err)
            err = filter_build_correct(model->graph, &loader->layout, loader->filter, model->state_count, &filter, &model->arena, &sensor->correct, loader->why);
        count_registers(model, &sensor->measure);
        count_registers(model, &sensor->correct);
    }

    Assignment outputs[OUTPUTS_MAX];
    size_t count = 0;
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (loader->channels[i].kind == CHANNEL_OUTPUT) {
            outputs[count] = (Assignment){loader->channels[i].column, loader->trace.outputs[count].expr};
            count++;
        }
    if (!err)
        err = graph_compile(model->graph, outputs, count, model->column_count, &model->arena, &model->derive, loader->why);
    count_registers(model, &model->derive);
    return err ? err_prefix(loader->why, err, "%s", model->path) : ERR_OK;
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
    if ((err = loader__open_parts(loader, loader->parts)) || (err = loader__read_states(loader)) || (err = loader__read_parameters(loader, CHANNEL_TRACKED)))
        return err;
    if (model->dynamic_count == 0)
        return script_blame(loader->script, loader->why, "model", NULL, "model \"%s\" has no states", model->name);
    if ((err = check_states(loader)))
        return err;
    if ((err = loader__read_parameters(loader, CHANNEL_PARAMETER)) || (err = loader__connect_passed(loader)) || (err = loader__read_inputs(loader)) ||
        (err = loader__check_given(loader)) || (err = loader__read_actuators(loader)))
        return err;

    place_columns(loader);
    if ((err = trace_model(loader)) || (err = loader__connect_inputs(loader)) || (err = add_lags(loader)) || (err = add_outputs(loader)) || (err = add_statistic(loader)) || (err = loader__read_sensors(loader)) ||
        (err = loader__read_alarms(loader)) || (err = loader__read_faults(loader)) || (err = loader__read_divergence(loader)) || (err = place_sensors(loader)))
        return err;
    return build_programs(loader);
}

Err loader__run(Loader *loader, Part *part)
{
    static const char *const known[] = {"name", "doc", "params", "inputs", "states", "parts", "equations", "sensors", "actuators", "alarms", "faults", "divergence",
                                        "stepper", NULL};
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
    for (size_t i = 0; i < loader.part_count; i++)
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
    arena_fini(&model->arena);
    mem_free(model);
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
