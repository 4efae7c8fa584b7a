#include "model/model.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/declare.h"
#include "model/filter.h"
#include "model/trace.h"

enum {
    SCRIPT_MEMORY_MAX = 64 * 1024 * 1024,
    OUTPUTS_MAX = 128,
    ALARMS_PER_MODEL_MAX = 64,
};

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

/* Everything that is needed while a script becomes a model, and no longer. */
typedef struct Loader {
    Script *script;
    lua_State *lua;
    int root;  // of the declared table
    Model *model;
    Channel *channels;
    Sensor *sensors;
    AlarmDef *alarms;
    Expr *measured;  // by sensor: what it expects
    TraceArray *arrays;
    size_t array_count;
    Trace trace;
    FilterState filter[MODEL_STATES_MAX];
    FilterLayout layout;
    ErrText *why;
} Loader;

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

static Err out_of_memory(Loader *loader)
{
    return err_set(loader->why, ERR_MEMORY, "%s: no memory for the model", loader->model->path);
}

/* Push the table `section` of the declaration (an empty one when absent) and list its keys. */
static Err open_section(Loader *loader, const char *section, const char ***keys, size_t *count)
{
    if (lua_getfield(loader->lua, loader->root, section) == LUA_TNIL) {
        lua_pop(loader->lua, 1);
        lua_newtable(loader->lua);
    }
    if (!lua_istable(loader->lua, -1))
        return script_blame(loader->script, loader->why, section, NULL, "\"%s\" must be a table of named entries, got %s", section, luaL_typename(loader->lua, -1));
    return declare_keys(loader->script, lua_gettop(loader->lua), section, &loader->model->arena, keys, count, loader->why);
}

/* Push the entry `key` of the section on top of the stack. */
static Declaration open_entry(Loader *loader, const char *section, const char *key)
{
    lua_getfield(loader->lua, -1, key);
    Declaration entry = {.script = loader->script, .index = lua_gettop(loader->lua), .section = section, .key = key, .why = loader->why};
    if (!lua_istable(loader->lua, -1)) {
        declare_fail(&entry, "\"%s\" must be a table, as in %s = { value, \"unit\" }, got %s", key, key, luaL_typename(loader->lua, -1));
        lua_newtable(loader->lua);
        lua_replace(loader->lua, entry.index);
    }
    return entry;
}

static int find_channel(const Loader *loader, const char *name)
{
    for (uint16_t i = 0; i < loader->model->channel_count; i++)
        if (strcmp(loader->channels[i].name, name) == 0)
            return i;
    return -1;
}

static bool is_taken(const Loader *loader, const char *name)
{
    for (size_t i = 0; i < loader->array_count; i++)
        if (strcmp(loader->arrays[i].name, name) == 0)
            return true;
    return find_channel(loader, name) >= 0;
}

static Channel *add_named(Loader *loader, Declaration *entry, const char *name, ChannelKind kind)
{
    if (loader->model->channel_count == MODEL_CHANNELS_MAX) {
        declare_fail(entry, "a model has %d channels at most", MODEL_CHANNELS_MAX);
        return &loader->channels[0];
    }
    if (is_taken(loader, name))
        declare_fail(entry, "the name \"%s\" is taken: states, parameters, inputs, outputs, sensors and actuators need names of their own", name);

    Channel *channel = &loader->channels[loader->model->channel_count++];
    *channel = (Channel){.name = name, .kind = kind, .unit = unit_one(), .column = COLUMN_NONE, .variance = COLUMN_NONE,
                         .min = -INFINITY, .max = INFINITY, .rate_max = INFINITY};
    channel->doc = arena_text(&loader->model->arena, declare_text(entry, "doc", ""));
    if (!channel->doc)
        declare_fail(entry, "no memory for \"%s\"", entry->key);
    return channel;
}

static Channel *add_channel(Loader *loader, Declaration *entry, ChannelKind kind)
{
    return add_named(loader, entry, entry->key, kind);
}

/* { value, "unit", min =, max = }, in SI from here on. */
static void read_value(Declaration *entry, Channel *channel)
{
    channel->unit = declare_unit_at(entry, 2);
    channel->initial = unit_to_si(channel->unit, declare_number_at(entry, 1, NAN));
    channel->min = unit_to_si(channel->unit, declare_number(entry, "min", -INFINITY));
    channel->max = unit_to_si(channel->unit, declare_number(entry, "max", INFINITY));
    if (isnan(channel->initial))
        declare_fail(entry, "\"%s\" has no value: expected { value, \"unit\" }", entry->key);
    else if (channel->min > channel->max)
        declare_fail(entry, "min of \"%s\" is above its max", entry->key);
    else if (channel->initial < channel->min || channel->initial > channel->max)
        declare_fail(entry, "the value of \"%s\" is outside its min and max", entry->key);
}

static double read_spread(Declaration *entry, const Channel *channel, const char *name, double fallback)
{
    const double spread = declare_number(entry, name, fallback);
    if (spread < 0)
        declare_fail(entry, "%s of \"%s\" is negative", name, entry->key);
    return unit_scale_to_si(channel->unit, spread);
}

static void read_state(Loader *loader, Declaration *entry, const char *name)
{
    Channel *channel = add_named(loader, entry, name, CHANNEL_STATE);
    read_value(entry, channel);
    channel->noise = read_spread(entry, channel, "noise", 0);
    channel->initial_sd = read_spread(entry, channel, "sd", 0);
}

/* T = { 20, "degC", count = 20 }: the states T_1 to T_20. */
static void read_state_array(Loader *loader, Declaration *entry, int count)
{
    loader->arrays[loader->array_count++] = (TraceArray){entry->key, loader->model->channel_count, (size_t)count};
    for (int i = 1; i <= count && !entry->err; i++) {
        const char *name = arena_format(&loader->model->arena, "%s_%d", entry->key, i);
        if (name && declare_is_name(name))
            read_state(loader, entry, name);
        else
            declare_fail(entry, "no name for element %d of \"%s\": it is too long", i, entry->key);
    }
}

static Err read_states(Loader *loader)
{
    static const char *const known[] = {"min", "max", "noise", "sd", "count", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = open_section(loader, "states", &keys, &count);
    if (!err && !(loader->arrays = arena_new(&loader->model->arena, TraceArray, count + 1)))
        return out_of_memory(loader);
    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = open_entry(loader, "states", keys[i]);
        declare_only(&entry, known, 2);
        const double elements = declare_number(&entry, "count", NAN);  // a single state has none
        if (!isnan(elements) && (elements != floor(elements) || elements < 1 || elements > MODEL_STATES_MAX))
            declare_fail(&entry, "count of \"%s\": expected a whole number from 1 to %d", entry.key, MODEL_STATES_MAX);
        else if (!isnan(elements))
            read_state_array(loader, &entry, (int)elements);
        else
            read_state(loader, &entry, entry.key);
        lua_pop(loader->lua, 1);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    loader->model->dynamic_count = loader->model->channel_count;
    return err;
}

/* Parameters, the tracked ones first: with the states they are the filter's vector. */
static Err read_parameters(Loader *loader, ChannelKind wanted)
{
    static const char *const known[] = {"min", "max", "estimate", "jump", "sd", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = open_section(loader, "params", &keys, &count);
    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = open_entry(loader, "params", keys[i]);
        const double estimate = declare_number(&entry, "estimate", NAN);
        const ChannelKind kind = isnan(estimate) ? CHANNEL_PARAMETER : CHANNEL_TRACKED;
        if (kind == wanted && !entry.err) {
            Channel *channel = add_channel(loader, &entry, kind);
            declare_only(&entry, known, 2);
            read_value(&entry, channel);
            channel->noise = kind == CHANNEL_TRACKED ? read_spread(&entry, channel, "estimate", 0) : 0;
            channel->initial_sd = read_spread(&entry, channel, "sd", 0);
            channel->jump = read_spread(&entry, channel, "jump", 0);
            if (kind == CHANNEL_PARAMETER && (channel->initial_sd > 0 || channel->jump > 0))
                declare_fail(&entry, "\"%s\" has an sd or a jump but no estimate: only a tracked parameter is uncertain", entry.key);
        }
        lua_pop(loader->lua, 1);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    if (wanted == CHANNEL_TRACKED)
        loader->model->state_count = loader->model->channel_count;
    return err;
}

static Err read_inputs(Loader *loader)
{
    static const char *const known[] = {"min", "max", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = open_section(loader, "inputs", &keys, &count);
    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = open_entry(loader, "inputs", keys[i]);
        Channel *channel = add_channel(loader, &entry, CHANNEL_INPUT);
        declare_only(&entry, known, 2);
        read_value(&entry, channel);
        lua_pop(loader->lua, 1);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    return err;
}

static Err read_actuators(Loader *loader)
{
    static const char *const known[] = {"min", "max", "rate", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = open_section(loader, "actuators", &keys, &count);
    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = open_entry(loader, "actuators", keys[i]);
        Channel *channel = add_channel(loader, &entry, CHANNEL_ACTUATOR);
        declare_only(&entry, known, 2);
        read_value(&entry, channel);
        channel->rate_max = read_spread(&entry, channel, "rate", INFINITY);
        lua_pop(loader->lua, 1);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    return err;
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

static Err trace_model(Loader *loader)
{
    Model *model = loader->model;
    TraceName *names = arena_new(&model->arena, TraceName, model->channel_count + TRACE_LAGS_MAX);
    Trace *trace = &loader->trace;
    *trace = (Trace){.graph = model->graph, .arena = &model->arena, .names = names, .state_count = model->state_count, .output_room = OUTPUTS_MAX,
                      .arrays = loader->arrays, .array_count = loader->array_count, .step = model->step};
    trace->rates = arena_new(&model->arena, Expr, model->state_count + TRACE_LAGS_MAX);
    trace->outputs = arena_new(&model->arena, TraceOutput, OUTPUTS_MAX);
    if (!names || !trace->rates || !trace->outputs)
        return out_of_memory(loader);

    for (uint16_t i = 0; i < model->channel_count; i++) {
        const Channel *channel = &loader->channels[i];
        if (channel->kind == CHANNEL_ACTUATOR)
            continue;  // what was commanded is not what is: equations read the input that reports it
        names[trace->name_count++] = (TraceName){channel->name, graph_variable(model->graph, channel->column), unit_base(channel->unit), i < model->dynamic_count ? i : -1};
    }
    for (uint16_t i = 0; i < model->state_count; i++)
        trace->rates[i] = EXPR_NONE;

    lua_getfield(loader->lua, loader->root, "equations");
    if (!lua_isfunction(loader->lua, -1))
        return script_blame(loader->script, loader->why, "equations", NULL, "model \"%s\" needs equations = function(t) ... end", model->name);
    const Err err = trace_equations(loader->script, trace, loader->why);
    for (uint16_t i = 0; i < model->dynamic_count && !err; i++)
        if (trace->rates[i] == EXPR_NONE)
            return script_blame(loader->script, loader->why, "equations", NULL, "the state \"%s\" has no equation: expected t.%s.rate = ...", loader->channels[i].name,
                                loader->channels[i].name);
    return err;
}

/* What the lags follow at the start, where they begin. One may follow another that was made before. */
static void start_lags(Loader *loader, Declaration *entry, double *starts)
{
    const Trace *trace = &loader->trace;
    double columns[TRACE_LAG_COLUMN + TRACE_LAGS_MAX];
    for (uint16_t i = 0; i < loader->model->channel_count; i++)
        columns[loader->channels[i].column] = loader->channels[i].initial;
    for (size_t i = 0; i < trace->lag_count; i++) {
        starts[i] = columns[trace->lags[i].column] = graph_evaluate(trace->graph, trace->lags[i].of, columns);
        if (!isfinite(starts[i]))
            declare_fail(entry, "the lag \"%s\" has no finite value to start from", trace->lags[i].name);
    }
}

/* A channel behind the states, before everything else. */
static void insert_lag(Loader *loader, Declaration *entry, const TraceLag *lag, double start)
{
    Model *model = loader->model;
    Channel *channel = add_named(loader, entry, lag->name, CHANNEL_STATE);
    if (entry->err)
        return;
    channel->unit = lag->unit;
    channel->initial = start;
    channel->column = lag->column;

    Channel *place = &loader->channels[model->dynamic_count];
    const Channel last = *channel;
    memmove(place + 1, place, (size_t)(channel - place) * sizeof *place);
    *place = last;
    model->dynamic_count++;
    model->state_count++;
}

/* With the lags the vector of the filter is longer, so columns are dealt out again, and what was traced moves there. */
static Err add_lags(Loader *loader)
{
    Model *model = loader->model;
    Trace *trace = &loader->trace;
    uint16_t columns[MODEL_CHANNELS_MAX];
    Expr with[MODEL_CHANNELS_MAX];
    double starts[TRACE_LAGS_MAX];
    if (trace->lag_count == 0)
        return ERR_OK;

    lua_newtable(loader->lua);
    Declaration entry = {.script = loader->script, .index = lua_gettop(loader->lua), .section = "equations", .why = loader->why};
    const uint16_t first = model->dynamic_count;
    start_lags(loader, &entry, starts);
    for (size_t i = 0; i < trace->lag_count && !entry.err; i++)
        insert_lag(loader, &entry, &trace->lags[i], starts[i]);
    lua_pop(loader->lua, 1);
    if (!entry.err)
        entry.err = check_states(loader);
    if (entry.err)
        return entry.err;

    for (uint16_t i = 0; i < model->channel_count; i++)
        columns[i] = loader->channels[i].column;
    place_columns(loader);
    for (uint16_t i = 0; i < model->channel_count; i++)
        with[i] = graph_variable(model->graph, loader->channels[i].column);
    trace_move(trace, columns, with, model->channel_count);
    for (uint16_t i = 0; i < trace->lag_count; i++) {
        trace->names[trace->name_count++] = (TraceName){trace->lags[i].name, with[first + i], trace->lags[i].unit, -1};
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
        lua_newtable(loader->lua);
        Declaration entry = {.script = loader->script, .index = lua_gettop(loader->lua), .section = "equations", .key = output->name, .why = loader->why};
        Channel *channel = add_channel(loader, &entry, CHANNEL_OUTPUT);
        channel->unit = output->unit;
        channel->doc = output->doc;
        lua_pop(loader->lua, 1);
        if (entry.err)
            return entry.err;
    }
    return ERR_OK;
}

static Err add_statistic(Loader *loader)
{
    lua_newtable(loader->lua);
    Declaration entry = {.script = loader->script, .index = lua_gettop(loader->lua), .section = "model", .key = "divergence", .why = loader->why};
    Channel *channel = add_channel(loader, &entry, CHANNEL_STATISTIC);
    channel->doc = "how much the tests speak against the model: at 1 or more they do";
    lua_pop(loader->lua, 1);
    return entry.err;
}

/* What a sensor measures: of = "T_box", or a function of t. */
static void read_measured(Loader *loader, Declaration *entry, Sensor *sensor, Expr *measured, const Unit **unit)
{
    Trace trace = loader->trace;
    trace.closed = true;
    sensor->of = UINT16_MAX;
    if (lua_getfield(loader->lua, entry->index, "of") == LUA_TFUNCTION) {
        if (!entry->err)
            entry->err = trace_measurement(loader->script, &trace, measured, unit, loader->why);
        else
            lua_pop(loader->lua, 1);
        if (*measured == EXPR_NONE)
            declare_fail(entry, "\"%s\" measures nothing: its function must return a value, as in of = function(t) return t.level end", entry->key);
        return;
    }

    const char *of = lua_isstring(loader->lua, -1) ? lua_tostring(loader->lua, -1) : entry->key;
    lua_pop(loader->lua, 1);
    for (size_t i = 0; i < trace.name_count; i++)
        if (strcmp(trace.names[i].name, of) == 0)
            *measured = trace.names[i].expr, *unit = trace.names[i].unit;
    for (size_t i = 0; i < trace.output_count; i++)
        if (strcmp(trace.outputs[i].name, of) == 0)
            *measured = trace.outputs[i].expr, *unit = unit_base(trace.outputs[i].unit);
    const int channel = find_channel(loader, of);
    if (channel >= 0)
        sensor->of = (uint16_t)channel;
    if (*measured == EXPR_NONE)
        declare_fail(entry, "\"%s\" measures nothing: expected of = \"a state or an output\", or of = function(t) ... end", entry->key);
}

static Err read_sensors(Loader *loader)
{
    static const char *const known[] = {"of", "unit", "noise", "every", "doc", NULL};
    const char **keys;
    size_t count;
    Err err = open_section(loader, "sensors", &keys, &count);
    loader->sensors = arena_new(&loader->model->arena, Sensor, count + 1);
    loader->measured = arena_new(&loader->model->arena, Expr, count + 1);
    if (!loader->sensors || !loader->measured)
        return out_of_memory(loader);

    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = open_entry(loader, "sensors", keys[i]);
        const uint16_t index = loader->model->channel_count;
        Channel *channel = add_channel(loader, &entry, CHANNEL_SENSOR);
        Sensor *sensor = &loader->sensors[i];
        const Unit *measured_unit = unit_one();

        declare_only(&entry, known, 0);
        sensor->channel = index;
        loader->measured[i] = EXPR_NONE;
        read_measured(loader, &entry, sensor, &loader->measured[i], &measured_unit);
        channel->unit = declare_unit(&entry, "unit", sensor->of != UINT16_MAX ? loader->channels[sensor->of].unit : measured_unit);
        if (!unit_converts(channel->unit, measured_unit))
            declare_fail(&entry, "unit of \"%s\": \"%s\" does not convert to what it measures, %s", entry.key, unit_name(channel->unit), unit_name(measured_unit));
        channel->noise = read_spread(&entry, channel, "noise", 0);
        if (!(channel->noise > 0))
            declare_fail(&entry, "\"%s\" needs noise = its standard deviation, above 0, in \"%s\"", entry.key, unit_name(channel->unit));
        sensor->every = declare_number(&entry, "every", loader->model->step);
        if (!(sensor->every > 0))
            declare_fail(&entry, "every of \"%s\" must be above 0: the seconds between two samples", entry.key);
        channel->initial = NAN;
        lua_pop(loader->lua, 1);
        loader->model->sensor_count++;
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    return err;
}

/* overflow = { high = { "level", 0.60 }, severity = "critical", hold = 2.0, hysteresis = 0.01 }, in the unit of the channel */
static Err read_alarms(Loader *loader)
{
    static const char *const known[] = {"high", "low", "severity", "hold", "hysteresis", NULL};
    const char **keys;
    size_t count;
    Err err = open_section(loader, "alarms", &keys, &count);
    if (!err && count > ALARMS_PER_MODEL_MAX)
        err = script_blame(loader->script, loader->why, "alarms", NULL, "a model has %d alarms at most", ALARMS_PER_MODEL_MAX);
    loader->alarms = arena_new(&loader->model->arena, AlarmDef, count + 1);
    if (!loader->alarms)
        return out_of_memory(loader);

    for (size_t i = 0; i < count && !err; i++) {
        Declaration entry = open_entry(loader, "alarms", keys[i]);
        AlarmDef *alarm = &loader->alarms[i];
        declare_only(&entry, known, 0);
        *alarm = (AlarmDef){.name = keys[i], .side = LIMIT_HIGH, .hold = declare_number(&entry, "hold", 0)};
        if (strcmp(keys[i], "divergence") == 0 || strcmp(keys[i], "quarantine") == 0)
            declare_fail(&entry, "\"%s\" is an alarm that every twin has: choose another name", keys[i]);
        if (!severity_parse(declare_text(&entry, "severity", "warning"), &alarm->severity))
            declare_fail(&entry, "severity of \"%s\": expected info, warning, major or critical", keys[i]);
        if (alarm->hold < 0)
            declare_fail(&entry, "hold of \"%s\" is negative", keys[i]);

        if (lua_getfield(loader->lua, entry.index, "high") != LUA_TTABLE) {
            lua_pop(loader->lua, 1);
            lua_getfield(loader->lua, entry.index, "low");
            alarm->side = LIMIT_LOW;
        }
        if (lua_istable(loader->lua, -1)) {
            Declaration limit = entry;
            limit.index = lua_gettop(loader->lua);
            const char *name = declare_text_at(&limit, 1, "");
            const int channel = find_channel(loader, name);
            alarm->channel = (uint16_t)(channel < 0 ? 0 : channel);
            alarm->limit = unit_to_si(loader->channels[alarm->channel].unit, declare_number_at(&limit, 2, NAN));
            alarm->hysteresis = unit_scale_to_si(loader->channels[alarm->channel].unit, declare_number(&entry, "hysteresis", 0));
            if (isnan(alarm->limit))
                declare_fail(&limit, "alarm \"%s\" has no limit: expected { \"channel\", limit }", keys[i]);
            if (alarm->hysteresis < 0)
                declare_fail(&limit, "hysteresis of \"%s\" is negative", keys[i]);
            if (!limit.err && channel < 0)
                declare_fail(&limit, "alarm \"%s\" watches \"%s\", which the model does not have", keys[i], name);
            entry.err = limit.err;
        } else {
            declare_fail(&entry, "alarm \"%s\" needs high = { \"channel\", limit } or low = { \"channel\", limit }", keys[i]);
        }
        lua_pop(loader->lua, 2);
        err = entry.err;
    }
    lua_pop(loader->lua, 1);
    loader->model->alarm_count = (uint16_t)count;
    return err;
}

/* divergence = { settle = 446, whiteness = 1.21, false_alarm_days = 30 } */
static Err read_divergence(Loader *loader)
{
    static const char *const known[] = {"settle", "whiteness", "false_alarm_days", NULL};
    enum { SETTLE_DEFAULT = 60, DAYS_DEFAULT = 30, DAY = 86400 };
    if (lua_getfield(loader->lua, loader->root, "divergence") == LUA_TNIL) {
        lua_pop(loader->lua, 1);
        lua_newtable(loader->lua);
    }
    if (!lua_istable(loader->lua, -1))
        return script_blame(loader->script, loader->why, "divergence", NULL, "\"divergence\" must be a table, got %s", luaL_typename(loader->lua, -1));

    Declaration entry = {.script = loader->script, .index = lua_gettop(loader->lua), .section = "divergence", .why = loader->why};
    declare_only(&entry, known, 0);
    loader->model->divergence = (DivergenceDef){.settle = declare_number(&entry, "settle", SETTLE_DEFAULT), .whiteness = declare_number(&entry, "whiteness", 1),
                                                .false_alarms = declare_number(&entry, "false_alarm_days", DAYS_DEFAULT) * DAY};
    if (loader->model->divergence.settle < 0)
        declare_fail(&entry, "settle is negative");
    if (loader->model->divergence.whiteness < 1)
        declare_fail(&entry, "whiteness is below 1: innovations cannot be whiter than white");
    if (!(loader->model->divergence.false_alarms >= 60))
        declare_fail(&entry, "false_alarm_days is below a minute: no test can be that eager");
    lua_pop(loader->lua, 1);
    return entry.err;
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
    Channel *statistic = &loader->channels[find_channel(loader, "divergence")];
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
    static const char *const known[] = {"name", "doc", "params", "inputs", "states", "equations", "sensors", "actuators", "alarms", "divergence", "stepper", NULL};
    Model *model = loader->model;
    Declaration root = {.script = loader->script, .index = loader->root, .section = "model", .why = loader->why};
    declare_only(&root, known, 0);
    model->name = arena_text(&model->arena, declare_text(&root, "name", ""));
    model->doc = arena_text(&model->arena, declare_text(&root, "doc", ""));
    loader->channels = arena_new(&model->arena, Channel, MODEL_CHANNELS_MAX);
    if (!model->name || !model->doc || !loader->channels)
        return out_of_memory(loader);

    const char *stepper = declare_text(&root, "stepper", "rk4");
    root.section = NULL, root.key = "stepper";
    if (!stepper_parse(stepper, &model->stepper))
        declare_fail(&root, "stepper must be \"rk4\", \"euler\", \"tsit5\" or \"rosenbrock\", got \"%s\"", stepper);
    if (root.err)
        return root.err;

    Err err;
    if ((err = read_states(loader)) || (err = read_parameters(loader, CHANNEL_TRACKED)))
        return err;
    if (model->dynamic_count == 0)
        return script_blame(loader->script, loader->why, "model", NULL, "model \"%s\" has no states", model->name);
    if ((err = check_states(loader)))
        return err;
    if ((err = read_parameters(loader, CHANNEL_PARAMETER)) || (err = read_inputs(loader)) || (err = read_actuators(loader)))
        return err;

    place_columns(loader);
    if ((err = trace_model(loader)) || (err = add_lags(loader)) || (err = add_outputs(loader)) || (err = add_statistic(loader)) || (err = read_sensors(loader)) || (err = read_alarms(loader)) || (err = read_divergence(loader)) || (err = place_sensors(loader)))
        return err;
    return build_programs(loader);
}

static Err run_script(Loader *loader)
{
    Err err = script_create(SCRIPT_MEMORY_MAX, &loader->script, loader->why);
    if (err)
        return err;
    loader->lua = script_lua(loader->script);
    trace_open(loader->script);
    lua_register(loader->lua, "model", model_constructor);
    err = script_run_file(loader->script, loader->model->path, SCRIPT_LOAD_INSTRUCTIONS, loader->why);
    if (err)
        return err;

    loader->root = lua_gettop(loader->lua);
    if (!lua_istable(loader->lua, loader->root) || lua_getfield(loader->lua, loader->root, "name") != LUA_TSTRING)
        return script_blame(loader->script, loader->why, NULL, NULL, "a model script must return model \"name\" { ... }");
    lua_settop(loader->lua, loader->root);
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
    Err err = model->path && model->graph ? run_script(&loader) : out_of_memory(&loader);
    if (!err)
        err = read_model(&loader);
    script_destroy(loader.script);
    if (err) {
        model_destroy(model);
        return err;
    }

    model->channels = loader.channels;
    model->sensors = loader.sensors;
    model->alarms = loader.alarms;
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
