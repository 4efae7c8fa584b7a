#include "model/procedure.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "model/loader.h"
#include "model/value.h"

static const char self_type[] = "pollux.twin";
static const char step_key;  // its address: where the function stands in the registry

#define INCREMENT_OF_SD 0x1p-10
#define INCREMENT_LEAST 0x1p-26  // of the value: sqrt(eps)

struct Procedure {
    Script *script;
    const Model *model;
    const Channel *channels;
    double values[MODEL_CHANNELS_MAX];  // by channel: what the running call reads and has assigned
    uint64_t call;  // its number, which its self carries; 0 between calls
    uint64_t calls;
    uint64_t failures;
    ErrText failure;
};

// --- self ----------------------------------------------------------------------------------------------------------

static Procedure *procedure_of(lua_State *lua)
{
    Procedure *procedure = lua_touserdata(lua, lua_upvalueindex(1));
    const uint64_t *call = luaL_checkudata(lua, 1, self_type);
    if (*call != procedure->call)
        luaL_error(lua, "this self was kept from another call: it is of use in its own call alone");
    return procedure;
}

/* The channel that argument 2 names; upvalue 2 knows those that a step may read. */
static lua_Integer channel_named(lua_State *lua)
{
    int known;
    lua_pushvalue(lua, 2);
    lua_rawget(lua, lua_upvalueindex(2));
    const lua_Integer channel = lua_tointegerx(lua, -1, &known);
    if (!known)
        luaL_error(lua, "the model has no state, parameter, input or output \"%s\"", luaL_tolstring(lua, 2, NULL));
    return channel;
}

/* self.level: what this call assigned, or what the value is. */
static int self_index(lua_State *lua)
{
    const Procedure *procedure = procedure_of(lua);
    const lua_Integer i = channel_named(lua);
    const double value = procedure->values[i];
    if (isnan(value) && procedure->channels[i].kind == CHANNEL_OUTPUT)
        return luaL_error(lua, "the output \"%s\" has no value yet", procedure->channels[i].name);
    lua_pushnumber(lua, value);
    return 1;
}

/* self.level = ... */
static int self_newindex(lua_State *lua)
{
    Procedure *procedure = procedure_of(lua);
    const lua_Integer i = channel_named(lua);
    const Channel *channel = &procedure->channels[i];
    if (channel->kind != CHANNEL_STATE && channel->kind != CHANNEL_OUTPUT)
        return luaL_error(lua, "\"%s\" is of kind %s and cannot be assigned: a step assigns states and outputs", channel->name,
                          channel_kind_name(channel->kind));
    if (lua_type(lua, 3) != LUA_TNUMBER)
        return luaL_error(lua, "\"%s\" must be a number, got %s", channel->name, luaL_typename(lua, 3));
    if (!isfinite(lua_tonumber(lua, 3)))
        return luaL_error(lua, "\"%s\" must be a finite number, got %f", channel->name, lua_tonumber(lua, 3));
    procedure->values[i] = lua_tonumber(lua, 3);
    return 0;
}

static bool is_readable(ChannelKind kind)
{
    return channel_is_settable(kind) || kind == CHANNEL_OUTPUT;
}

static void open_self(lua_State *lua, Procedure *procedure)
{
    static const luaL_Reg methods[] = {{"__index", self_index}, {"__newindex", self_newindex}, {NULL, NULL}};
    luaL_newmetatable(lua, self_type);
    lua_pushlightuserdata(lua, procedure);
    lua_newtable(lua);
    for (uint16_t i = 0; i < procedure->model->channel_count; i++)
        if (is_readable(procedure->channels[i].kind)) {
            lua_pushinteger(lua, i);
            lua_setfield(lua, -2, procedure->channels[i].name);
        }
    luaL_setfuncs(lua, methods, 2);
    lua_pushliteral(lua, "locked");
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 1);
}

// --- globals -------------------------------------------------------------------------------------------------------

static int refuse_global(lua_State *lua)
{
    return luaL_error(lua, "a step cannot assign the global \"%s\": use a local variable, or a state for what must last", luaL_tolstring(lua, 2, NULL));
}

/* Globals stay readable, behind a table that is empty and therefore refuses whatever is assigned. */
static void freeze_globals(lua_State *lua)
{
    lua_pushglobaltable(lua);
    lua_newtable(lua);
    for (lua_pushnil(lua); lua_next(lua, -3);) {
        lua_pushvalue(lua, -2);
        lua_insert(lua, -2);
        lua_rawset(lua, -4);  // into the new table; the key is left for lua_next
        lua_pushvalue(lua, -1);
        lua_pushnil(lua);
        lua_rawset(lua, -5);
    }

    lua_newtable(lua);
    lua_insert(lua, -2);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_global);
    lua_setfield(lua, -2, "__newindex");
    lua_pushliteral(lua, "locked");
    lua_setfield(lua, -2, "__metatable");
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);
}

/* Protected: the procedure, and the function that the model declares. */
static int open_procedure(lua_State *lua)
{
    Procedure *procedure = lua_touserdata(lua, 1);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &step_key);
    lua_pushnumber(lua, STANDARD_GRAVITY);
    lua_setglobal(lua, "g");
    open_self(lua, procedure);
    freeze_globals(lua);
    return 0;
}

// --- calls ---------------------------------------------------------------------------------------------------------

/* Protected: everything here may run out of memory. */
static int call_step(lua_State *lua)
{
    const Procedure *procedure = lua_touserdata(lua, 1);
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &step_key);
    *(uint64_t *)lua_newuserdatauv(lua, sizeof procedure->call, 0) = procedure->call;
    luaL_setmetatable(lua, self_type);
    lua_pushnumber(lua, procedure->model->step);
    lua_call(lua, 2, 0);
    return 0;
}

/* One call on `values`, which are changed in place. */
static Err call(Procedure *procedure, ErrText *why)
{
    lua_State *lua = script_lua(procedure->script);
    procedure->call = ++procedure->calls;
    lua_pushcfunction(lua, call_step);
    lua_pushlightuserdata(lua, procedure);
    const Err err = script_call(procedure->script, 1, 0, PROCEDURE_INSTRUCTIONS, why);
    procedure->call = 0;
    return err;
}

static double *cell(double *columns, uint16_t column, size_t lane)
{
    return &columns[(size_t)column * LANES + lane];
}

static void read_values(Procedure *procedure, double *columns, size_t lane)
{
    for (uint16_t i = 0; i < procedure->model->channel_count; i++)
        procedure->values[i] = *cell(columns, procedure->channels[i].column, lane);
}

/* How far value i is moved to see what changes: exactly as far as the numbers can tell, and to the side that its limits allow. */
static double increment(const Channel *channel, double value, double variance)
{
    const double by = fmax(INCREMENT_OF_SD * sqrt(variance), INCREMENT_LEAST * fabs(value));
    const volatile double moved = value + by > channel->max ? value - by : value + by;
    return moved - value;
}

/* Column j of the Jacobian. What is certain has no covariance with anything, so its column is never looked at. */
static Err difference(Procedure *procedure, double *columns, size_t lane, uint16_t j, const double *next, ErrText *why)
{
    const Model *model = procedure->model;
    const double variance = *cell(columns, procedure->channels[j].variance, lane);
    double by = 0;
    if (variance > 0) {
        read_values(procedure, columns, lane);
        by = increment(&procedure->channels[j], procedure->values[j], variance);
        procedure->values[j] += by;
        const Err err = call(procedure, why);
        if (err)
            return err;
    }
    for (uint16_t i = 0; i < model->dynamic_count; i++)
        *cell(columns, (uint16_t)(model->jacobian + i * model->state_count + j), lane) = by == 0 ? i == j : (procedure->values[i] - next[i]) / by;
    return ERR_OK;
}

static Err step_lane(Procedure *procedure, double *columns, size_t lane, ErrText *why)
{
    const Model *model = procedure->model;
    double first[MODEL_CHANNELS_MAX];
    read_values(procedure, columns, lane);
    Err err = call(procedure, why);
    memcpy(first, procedure->values, sizeof first);
    for (uint16_t j = 0; j < model->state_count && !err; j++)
        err = difference(procedure, columns, lane, j, first, why);
    if (err)
        return err;

    for (uint16_t i = 0; i < model->dynamic_count; i++)
        *cell(columns, (uint16_t)(model->next + i), lane) = first[i];
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (procedure->channels[i].kind == CHANNEL_OUTPUT)
            *cell(columns, procedure->channels[i].column, lane) = first[i];
    return ERR_OK;
}

uint64_t procedure_run(const Model *model, double *columns, uint64_t lanes, ErrText *why)
{
    Procedure *procedure = model->procedure;
    uint64_t failed = 0;
    ErrText text;
    for (; lanes; lanes &= lanes - 1) {
        const size_t lane = (size_t)__builtin_ctzll(lanes);
        if (!step_lane(procedure, columns, lane, &text))
            continue;
        *cell(columns, model->next, lane) = NAN;  // so the plant puts the twin back and stops it
        if (!failed)
            *why = text;
        failed |= lanes & -lanes;
        procedure->failures++;
        procedure->failure = text;
    }
    return failed;
}

const char *procedure_failure(const Model *model)
{
    return model->procedure && model->procedure->failures ? model->procedure->failure.text : NULL;
}

uint64_t procedure_failures(const Model *model)
{
    return model->procedure ? model->procedure->failures : 0;
}

void procedure_destroy(Procedure *procedure)
{
    if (!procedure)
        return;
    script_destroy(procedure->script);
    mem_free(procedure);
}

// --- loading -------------------------------------------------------------------------------------------------------

static bool is_declared(const Loader *loader, const char *key)
{
    const bool declared = lua_getfield(loader->lua, loader->root, key) != LUA_TNIL;
    lua_pop(loader->lua, 1);
    return declared;
}

Err loader__create_procedure(Loader *loader)
{
    Model *model = loader->model;
    if (!is_declared(loader, "step")) {
        if (is_declared(loader, "outputs"))
            return script_blame(loader->script, loader->why, NULL, "outputs",
                                "\"outputs\" are declared beside a step function alone; equations say t.name = output(value, \"unit\")");
        return ERR_OK;
    }
    static const char *const others[] = {"equations", "stepper", "parts"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (is_declared(loader, others[i]))
            return script_blame(loader->script, loader->why, NULL, others[i], "a model with a step function has no \"%s\": the function says what a step does",
                                others[i]);
    if (lua_getfield(loader->lua, loader->root, "step") != LUA_TFUNCTION)
        return script_blame(loader->script, loader->why, NULL, "step", "step must be a function(self, dt), got %s", luaL_typename(loader->lua, -1));
    lua_pop(loader->lua, 1);

    model->procedure = mem_alloc(sizeof *model->procedure);
    if (!model->procedure)
        return loader__out_of_memory(loader);
    *model->procedure = (Procedure){.script = loader->script, .model = model};
    return ERR_OK;
}

/* outputs = { flow = { "l/min", doc = "..." } } */
Err loader__read_outputs(Loader *loader)
{
    static const char *const known[] = {"doc", NULL};
    Section section;
    Err err = loader__open_section(loader, "outputs", &section);
    for (size_t i = 0; i < section.count && !err; i++) {
        Declaration entry = loader__open_entry(loader, &section, i);
        Channel *channel = loader__add_channel(loader, &entry, CHANNEL_OUTPUT);
        declare_only(&entry, known, 1);
        channel->unit = declare_unit_at(&entry, 1);
        channel->initial = NAN;  // before the first step
        err = loader__close_entry(&entry);
    }
    return err;
}

/* From here on the script is the procedure's. It is tried on the values that the model declares, so that what is wrong in it is found at once. */
Err loader__start_procedure(Loader *loader)
{
    Procedure *procedure = loader->model->procedure;
    if (!procedure)
        return ERR_OK;
    procedure->channels = loader->channels;
    lua_pushcfunction(loader->lua, open_procedure);
    lua_pushlightuserdata(loader->lua, procedure);
    lua_getfield(loader->lua, loader->root, "step");
    const Err err = script_call(loader->script, 2, 0, SCRIPT_LOAD_INSTRUCTIONS, loader->why);
    if (err)
        return err;
    lua_settop(loader->lua, 0);
    for (uint16_t i = 0; i < loader->model->channel_count; i++)
        procedure->values[i] = loader->channels[i].initial;
    return call(procedure, loader->why);
}
