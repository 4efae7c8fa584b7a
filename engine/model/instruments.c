/* instruments.c -- sensors, alarms, divergence, filter: the sections of a model that look at its values. */
#include "model/loader.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ALARMS_PER_MODEL_MAX = 64 };

/* What a sensor measures by a function of t. */
static void trace_measured(const Loader *loader, Declaration *entry, Expr *measured, const Unit **unit)
{
    Trace trace = loader->trace;
    trace.closed = true;
    trace.part = (size_t)(loader__part(loader, entry) - loader->parts);
    if (!entry->err)
        entry->err = trace_measurement(entry->script, &trace, measured, unit, loader->why);
    else
        lua_pop(script_lua(entry->script), 1);
    if (*measured == EXPR_NONE)
        declare_fail(entry, "\"%s\" measures nothing: its function must return a value, as in of = function(t) return t.level end", entry->key);
}

/* What has a full name is a name of some part, or an output. */
static void find_measured(const Loader *loader, const char *full, Expr *measured, const Unit **unit)
{
    const Trace *trace = &loader->trace;
    for (size_t i = 0; i < trace->name_count; i++)
        if (loader__is_called(loader, trace->names[i].part, trace->names[i].name, full))
            *measured = trace->names[i].expr, *unit = trace->names[i].unit;
    for (size_t i = 0; i < trace->output_count; i++)
        if (loader__is_called(loader, trace->outputs[i].part, trace->outputs[i].name, full))
            *measured = trace->outputs[i].expr, *unit = unit_base(trace->outputs[i].unit);
}

/* What a sensor measures: of = "T_box", or a function of t. */
static void read_measured(Loader *loader, Declaration *entry, Sensor *sensor, Expr *measured, const Unit **unit)
{
    lua_State *lua = script_lua(entry->script);
    const Unit *called;
    sensor->of = UINT16_MAX;
    if (lua_getfield(lua, entry->index, "of") == LUA_TFUNCTION) {
        trace_measured(loader, entry, measured, unit);
        return;
    }

    const char *of = lua_isstring(lua, -1) ? lua_tostring(lua, -1) : entry->key;
    lua_pop(lua, 1);
    const char *full = loader__full_name(loader, loader__part(loader, entry), of);
    if (!full) {
        declare_fail(entry, "no memory for \"%s\"", entry->key);
        return;
    }
    find_measured(loader, full, measured, unit);
    const int channel = loader__find_called(loader, entry, of, &called);
    if (channel >= 0)
        sensor->of = (uint16_t)channel;
    if (*measured == EXPR_NONE && channel >= 0 && loader->trace.stepped)
        declare_fail(entry, "\"%s\" cannot measure \"%s\": what a step function puts out is not known to the filter; measure states, or function(t) of them",
                     entry->key, of);
    if (*measured == EXPR_NONE)
        declare_fail(entry, "\"%s\" measures nothing: expected of = \"a state or an output\", or of = function(t) ... end", entry->key);
}

/* What a sensor shows is what it measures and its bias, where it declares one. */
static void add_bias(const Loader *loader, Declaration *entry, Sensor *sensor, Expr *measured)
{
    char name[64];
    lua_State *lua = script_lua(entry->script);
    const bool is_biased = lua_getfield(lua, entry->index, "bias") != LUA_TNIL;
    lua_pop(lua, 1);
    sensor->bias = UINT16_MAX;
    if (!is_biased || entry->err)
        return;
    const Unit *unit;
    snprintf(name, sizeof name, LOADER_BIAS, entry->key);
    const int bias = loader__find_called(loader, entry, name, &unit);
    sensor->bias = (uint16_t)bias;
    *measured = graph_binary(loader->model->graph, OP_ADD, *measured, graph_variable(loader->model->graph, loader->channels[bias].column));
}

Err loader__read_sensors(Loader *loader)
{
    static const char *const known[] = {"of", "unit", "noise", "every", "resolution", "bias", "doc", NULL};
    Section section;
    Err err = loader__open_section(loader, "sensors", &section);
    loader->sensors = arena_new(&loader->model->arena, Sensor, section.count + 1);
    loader->measured = arena_new(&loader->model->arena, Expr, section.count + 1);
    if (!loader->sensors || !loader->measured)
        return loader__out_of_memory(loader);

    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        const uint16_t index = loader->model->channel_count;
        Channel *channel = loader__add_channel(loader, &entry, CHANNEL_SENSOR);
        Sensor *sensor = &loader->sensors[i];
        const Unit *measured_unit = unit_one();

        declare_only(&entry, known, 0);
        sensor->channel = index;
        loader->measured[i] = EXPR_NONE;
        read_measured(loader, &entry, sensor, &loader->measured[i], &measured_unit);
        add_bias(loader, &entry, sensor, &loader->measured[i]);
        channel->unit = declare_unit(&entry, "unit", sensor->of != UINT16_MAX ? loader->channels[sensor->of].unit : measured_unit);
        if (!unit_converts(channel->unit, measured_unit))
            declare_fail(&entry, "unit of \"%s\": \"%s\" does not convert to what it measures, %s", entry.key, unit_name(channel->unit),
                         unit_name(measured_unit));
        channel->noise = loader__read_spread(&entry, channel, "noise", 0);
        if (!(channel->noise > 0))
            declare_fail(&entry, "\"%s\" needs noise = its standard deviation, above 0, in \"%s\"", entry.key, unit_name(channel->unit));
        sensor->every = declare_number(&entry, "every", loader->model->step);
        if (!(sensor->every > 0))
            declare_fail(&entry, "every of \"%s\" must be above 0: the seconds between two samples", entry.key);
        sensor->resolution = loader__read_spread(&entry, channel, "resolution", NAN);
        channel->initial = NAN;
        loader->model->sensor_count++;
        err = loader__close_entry(&entry);
    }
    return err;
}

/* high = { "level", 0.60 } or low = { "level", 0.60 } */
static void read_limit(Loader *loader, Declaration *entry, AlarmDef *alarm)
{
    lua_State *lua = script_lua(entry->script);
    if (lua_getfield(lua, entry->index, "high") != LUA_TTABLE) {
        lua_pop(lua, 1);
        lua_getfield(lua, entry->index, "low");
        alarm->side = LIMIT_LOW;
    }
    if (!lua_istable(lua, -1)) {
        declare_fail(entry, "alarm \"%s\" needs high = { \"channel\", limit } or low = { \"channel\", limit }", entry->key);
        return;
    }

    Declaration limit = *entry;
    limit.index = lua_gettop(lua);
    const Unit *unit = unit_one();
    const char *name = declare_text_at(&limit, 1, "");
    const int channel = loader__find_called(loader, entry, name, &unit);
    alarm->channel = (uint16_t)(channel < 0 ? 0 : channel);
    alarm->limit = unit_to_si(unit, declare_number_at(&limit, 2, NAN));
    alarm->hysteresis = unit_scale_to_si(unit, declare_number(entry, "hysteresis", 0));
    if (isnan(alarm->limit))
        declare_fail(&limit, "alarm \"%s\" has no limit: expected { \"channel\", limit }", entry->key);
    if (alarm->hysteresis < 0)
        declare_fail(&limit, "hysteresis of \"%s\" is negative", entry->key);
    if (!limit.err && channel < 0)
        declare_fail(&limit, "alarm \"%s\" watches \"%s\", which the model does not have", entry->key, name);
    entry->err = limit.err;
}

/* overflow = { high = { "level", 0.60 }, severity = "critical", hold = 2.0, hysteresis = 0.01 }, in the unit of the channel */
Err loader__read_alarms(Loader *loader)
{
    static const char *const known[] = {"high", "low", "severity", "hold", "hysteresis", NULL};
    Section section;
    Err err = loader__open_section(loader, "alarms", &section);
    if (!err && section.count > ALARMS_PER_MODEL_MAX)
        err = script_blame(loader->script, loader->why, "alarms", NULL, "a model has %d alarms at most", ALARMS_PER_MODEL_MAX);
    loader->alarms = arena_new(&loader->model->arena, AlarmDef, section.count + 1);
    if (!loader->alarms)
        return loader__out_of_memory(loader);

    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        AlarmDef *alarm = &loader->alarms[i];
        declare_only(&entry, known, 0);
        *alarm = (AlarmDef){.name = section.entries[i].full, .side = LIMIT_HIGH, .hold = declare_number(&entry, "hold", 0)};
        if (strcmp(alarm->name, "divergence") == 0 || strcmp(alarm->name, "quarantine") == 0)
            declare_fail(&entry, "\"%s\" is an alarm that every twin has: choose another name", entry.key);
        if (!severity_parse(declare_text(&entry, "severity", "warning"), &alarm->severity))
            declare_fail(&entry, "severity of \"%s\": expected info, warning, major or critical", entry.key);
        if (alarm->hold < 0)
            declare_fail(&entry, "hold of \"%s\" is negative", entry.key);

        read_limit(loader, &entry, alarm);
        err = loader__close_entry(&entry);
    }
    loader->model->alarm_count = (uint16_t)section.count;
    return err;
}

/* divergence = { settle = 446, whiteness = 1.21, false_alarm_days = 30 } */
Err loader__read_divergence(Loader *loader)
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

/* members = 24, localisation = 4, cyclic = true: of an ensemble alone. */
static void read_ensemble(Loader *loader, Declaration *entry, FilterDef *filter)
{
    static const char *const known[] = {"members", "inflation", "localisation", "cyclic", "mixing", NULL};
    enum { MEMBERS_DEFAULT = 32 };
    const double members = declare_number(entry, "members", MEMBERS_DEFAULT);
    declare_only(entry, known, 1);
    filter->localisation = declare_number(entry, "localisation", INFINITY);
    filter->cyclic = declare_flag(entry, "cyclic", false);
    filter->mixing = declare_flag(entry, "mixing", true);
    if (!(members >= ENSEMBLE_MEMBERS_MIN && members <= ENSEMBLE_MEMBERS_MAX) || members != floor(members))
        declare_fail(entry, "members: expected a whole number from %d to %d, got %g", ENSEMBLE_MEMBERS_MIN, ENSEMBLE_MEMBERS_MAX, members);
    else if (!(filter->localisation > 0))
        declare_fail(entry, "localisation must be above 0: the number of elements from which on a sample changes nothing");
    else if (isfinite(filter->localisation) && loader->array_count == 0)
        declare_fail(entry, "localisation is along arrays of states (count = ...), and this model has none");
    else if (filter->cyclic && isinf(filter->localisation))
        declare_fail(entry, "cyclic says along what localisation = ... measures, which is not there");
    else if (loader->model->procedure)
        declare_fail(entry, "a step function is followed by the extended filter: expected filter = { \"extended\" }, or equations");
    else
        filter->members = (uint16_t)members;
}

/* filter = { "ensemble", members = 24, inflation = 1.02, localisation = 4, cyclic = true } or { "extended", inflation = 1.01 } */
Err loader__read_filter(Loader *loader)
{
    static const char *const known[] = {"inflation", NULL};
    FilterDef *filter = &loader->model->filter;
    *filter = (FilterDef){.inflation = 1, .localisation = INFINITY};
    const int type = lua_getfield(loader->lua, loader->root, "filter");
    if (type != LUA_TNIL && type != LUA_TTABLE)
        return script_blame(loader->script, loader->why, NULL, "filter", "\"filter\" must be a table, as in filter = { \"ensemble\" }, got %s",
                            lua_typename(loader->lua, type));
    if (type == LUA_TTABLE) {
        Declaration entry = {.script = loader->script, .index = lua_gettop(loader->lua), .section = "filter", .why = loader->why};
        const char *kind = declare_text_at(&entry, 1, "extended");
        filter->inflation = declare_number(&entry, "inflation", 1);
        if (!(filter->inflation >= 1 && filter->inflation <= 10))
            declare_fail(&entry, "inflation: expected 1 to 10, a factor on standard deviations");
        if (strcmp(kind, "ensemble") == 0)
            read_ensemble(loader, &entry, filter);
        else if (strcmp(kind, "extended") == 0)
            declare_only(&entry, known, 1);
        else
            declare_fail(&entry, "filter must be \"extended\" or \"ensemble\", got \"%s\"", kind);
        if (entry.err)
            return entry.err;
    }
    lua_pop(loader->lua, 1);
    return ERR_OK;
}
