#include "model/fault.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "model/loader.h"

enum { FAULTS_PER_MODEL_MAX = 64 };

static const char *const kind_names[] = {"factor", "set", "bias", "drift", "stuck", "noise", "spike", "silence"};

const char *fault_kind_name(FaultKind kind)
{
    return kind_names[kind];
}

bool fault_kind_parse(const char *text, FaultKind *out)
{
    for (FaultKind kind = FAULT_FACTOR; kind <= FAULT_SILENCE; kind++)
        if (strcmp(text, kind_names[kind]) == 0) {
            *out = kind;
            return true;
        }
    return false;
}

bool fault_is_of_sensor(FaultKind kind)
{
    return kind != FAULT_FACTOR && kind != FAULT_SET;
}

static void read_of_value(Declaration *entry, FaultKind *kind, double *size)
{
    const double factor = declare_number(entry, "factor", NAN), set = declare_number(entry, "set", NAN);
    if (isnan(factor) == isnan(set))
        declare_fail(entry, "fault \"%s\" of a value needs factor = or set =", entry->key);
    *kind = isnan(factor) ? FAULT_SET : FAULT_FACTOR;
    *size = isnan(factor) ? set : factor;
}

static void read_of_sensor(Declaration *entry, FaultKind *kind, double *size)
{
    if (!fault_kind_parse(declare_text(entry, "kind", ""), kind) || !fault_is_of_sensor(*kind))
        declare_fail(entry, "fault \"%s\" of a sensor needs kind = \"bias\", \"drift\", \"stuck\", \"noise\", \"spike\" or \"silence\"", entry->key);
    *size = declare_number(entry, "size", NAN);
}

static bool has(const Declaration *entry, const char *key)
{
    lua_State *lua = script_lua(entry->script);
    const bool found = lua_getfield(lua, entry->index, key) != LUA_TNIL;
    lua_pop(lua, 1);
    return found;
}

const char *fault_read(Declaration *entry, FaultKind *kind, double *size)
{
    const char *value = declare_text(entry, "value", NULL), *sensor = declare_text(entry, "sensor", NULL);
    if (!value == !sensor)
        declare_fail(entry, "fault \"%s\": expected value = or sensor =, what it befalls", entry->key);
    if (value ? has(entry, "kind") || has(entry, "size") : has(entry, "factor") || has(entry, "set"))
        declare_fail(entry, "fault \"%s\": factor and set are of a value, kind and size of a sensor", entry->key);

    if (value)
        read_of_value(entry, kind, size);
    else
        read_of_sensor(entry, kind, size);
    return value ? value : sensor ? sensor : "";
}

/* Set values are values; what is added to a reading is a difference; factors have no unit. */
static double size_to_si(const Channel *channel, FaultKind kind, double size)
{
    if (kind == FAULT_SET)
        return unit_to_si(channel->unit, size);
    const bool is_difference = kind == FAULT_BIAS || kind == FAULT_DRIFT || kind == FAULT_SPIKE;
    return is_difference ? unit_scale_to_si(channel->unit, size) : size;
}

Err fault_check(const Channel *channel, const char *name, FaultKind kind, double *size, ErrText *why)
{
    const bool is_sized = kind != FAULT_STUCK && kind != FAULT_SILENCE;
    if (!fault_is_of_sensor(kind) && !channel_is_settable(channel->kind))
        return err_set(why, ERR_USAGE, "fault \"%s\": \"%s\" must be a state, parameter or input of the process", kind_names[kind], name);
    if (fault_is_of_sensor(kind) && channel->kind != CHANNEL_SENSOR)
        return err_set(why, ERR_USAGE, "fault \"%s\": \"%s\" is no sensor", kind_names[kind], name);
    if (is_sized && !isfinite(*size))
        return err_set(why, ERR_USAGE, "fault \"%s\" of \"%s\" needs a size", kind_names[kind], name);
    if (!is_sized && !isnan(*size))
        return err_set(why, ERR_USAGE, "fault \"%s\" of \"%s\" has no size", kind_names[kind], name);
    if (kind == FAULT_NOISE && *size < 0)
        return err_set(why, ERR_USAGE, "fault \"noise\" of \"%s\": the factor on its noise is negative", name);

    *size = size_to_si(channel, kind, *size);
    if (kind == FAULT_SET && !(*size >= channel->min && *size <= channel->max))
        return err_set(why, ERR_USAGE, "fault \"set\": \"%s\" is %g to %g %s", name, unit_from_si(channel->unit, channel->min),
                       unit_from_si(channel->unit, channel->max), unit_name(channel->unit));
    return ERR_OK;
}

/* A fault that changes nothing, or leads out of what the model allows, is a slip of the author. */
static void check_declared(Declaration *entry, const Channel *channel, const FaultDef *fault)
{
    const double broken = fault->kind == FAULT_SET ? fault->size : channel->initial * fault->size;
    if (fault_is_of_sensor(fault->kind) || entry->err)
        return;
    if (broken == channel->initial)
        declare_fail(entry, "fault \"%s\" leaves \"%s\" as it is", entry->key, channel->name);
    else if (!(broken >= channel->min && broken <= channel->max))
        declare_fail(entry, "fault \"%s\" makes \"%s\" %g %s, outside its min and max", entry->key, channel->name, unit_from_si(channel->unit, broken),
                     unit_name(channel->unit));
}

static void read_fault(Loader *loader, Declaration *entry, const char *full, FaultDef *fault)
{
    static const char *const known[] = {FAULT_KEYS, "doc", NULL};
    ErrText reason;
    declare_only(entry, known, 0);
    *fault = (FaultDef){.name = full};
    const Unit *unit;
    const char *name = fault_read(entry, &fault->kind, &fault->size);
    const int channel = loader__find_called(loader, entry, name, &unit);
    if (channel < 0)
        declare_fail(entry, "fault \"%s\" befalls \"%s\", which the model does not have", entry->key, name);
    else if (!entry->err && fault_check(&loader->channels[channel], name, fault->kind, &fault->size, &reason))
        declare_fail(entry, "%s", reason.text);

    fault->channel = (uint16_t)(channel < 0 ? 0 : channel);
    if (!loader__part(loader, entry)->whole)
        check_declared(entry, &loader->channels[fault->channel], fault);  // parts may have been given other values
    fault->doc = arena_text(&loader->model->arena, declare_text(entry, "doc", ""));
    if (!fault->doc)
        entry->err = loader__out_of_memory(loader);
}

/* What a whole decides cannot go wrong in a part. */
static bool is_out_of_reach(const Loader *loader, Declaration *entry)
{
    const char *value = declare_text(entry, "value", NULL);
    return value && loader__is_decided(loader, loader__part(loader, entry), value);
}

/* clogged = { value = "discharge", factor = 0.4 }, lies = { sensor = "radar", kind = "bias", size = 20 } */
Err loader__read_faults(Loader *loader)
{
    Section section;
    Err err = loader__open_section(loader, "faults", &section);
    if (!err && section.count > FAULTS_PER_MODEL_MAX)
        err = script_blame(loader->script, loader->why, "faults", NULL, "a model has %d faults at most", FAULTS_PER_MODEL_MAX);
    loader->faults = arena_new(&loader->model->arena, FaultDef, section.count + 1);
    if (!err && !loader->faults)
        return loader__out_of_memory(loader);

    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        if (!is_out_of_reach(loader, &entry))
            read_fault(loader, &entry, section.entries[i].full, &loader->faults[loader->model->fault_count++]);
        err = loader__close_entry(&entry);
    }
    return err;
}

const FaultDef *model_find_fault(const Model *model, const char *name)
{
    for (uint16_t i = 0; i < model->fault_count; i++)
        if (strcmp(model->faults[i].name, name) == 0)
            return &model->faults[i];
    return NULL;
}
