#include "plant/castor.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/fault.h"

enum {
    FAULTS_MAX = 64,
    CONTROL_INSTRUCTIONS = 1000 * 1000,
    STREAM_PROCESS = 1 << 20,  // streams of random numbers: sensors count from 0, states from here
};

typedef struct ActiveFault {
    Fault fault;
    bool active;
    double healthy;  // FAULT_FACTOR, FAULT_SET: the value to go back to
} ActiveFault;

/* The thermometer at the end of one sensor. They lie in the order of blocks, there of sensors, there of lanes. */
typedef struct Instrument {
    uint32_t twin;
    uint16_t sensor;
    TagId tag;
    int64_t next;    // time of its next sample
    uint64_t count;  // of samples, the counter of its noise
    double last;     // what it said last, NaN before
} Instrument;

/* An input that nothing feeds, as it was reported last. */
typedef struct Report {
    TagId tag;
    const double *cell;
    double value;  // NaN before the first
    int64_t at;
} Report;

/* What one sensor of all twins of a block would read without noise. */
typedef struct Truth {
    uint32_t block;
    uint16_t sensor;
    uint64_t step;  // Castor.steps at which it was read, 0 before
    double lanes[LANES];
} Truth;

struct Castor {
    Plant *plant;
    uint64_t seed;
    int64_t start, now;
    uint64_t steps;
    bool has_control;
    ActiveFault faults[FAULTS_MAX];
    size_t fault_count;
    const Fault *changed;
    bool began;
    Instrument *instruments;
    size_t instrument_count;
    Report *reports;
    size_t report_count;
    Truth truth;  // the one that was read last: neighbours ask for it one after the other
    Sample *samples;
    size_t sample_count, sample_room;
    Arena arena;
};

static const char device_type[] = "pollux.device";
static const int64_t INPUT_PERIOD_NS = 3 * NS_PER_S;  // inputs are reported when they change, and this often in any case

// --- the device that the script's control sees ---------------------------------------------------------------------

static Castor *castor_of(lua_State *lua)
{
    return *(Castor **)luaL_checkudata(lua, 1, device_type);
}

static const Channel *channel_of(const Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    return &plant_model(plant, place.twin)->channels[place.channel];
}

static double *cell_of(const Castor *castor, TagId tag)
{
    return plant_cell(castor->plant, plant_place(castor->plant, tag).twin, channel_of(castor->plant, tag)->column);
}

static TagId checked_tag(lua_State *lua, const Castor *castor)
{
    const TagId tag = tags_find(castor->plant->tags, luaL_checkstring(lua, 2));
    if (tag == TAG_NONE)
        luaL_error(lua, "no value \"%s\" in this plant", lua_tostring(lua, 2));
    return tag;
}

/* device["tank1.level"]: sensors as they read, everything else as it is, in its unit */
static int device_index(lua_State *lua)
{
    const Castor *castor = castor_of(lua);
    const TagId tag = checked_tag(lua, castor);
    lua_pushnumber(lua, unit_from_si(tags_get(castor->plant->tags, tag).unit, *cell_of(castor, tag)));
    return 1;
}

static int device_newindex(lua_State *lua)
{
    const Castor *castor = castor_of(lua);
    const TagId tag = checked_tag(lua, castor);
    const Channel *channel = channel_of(castor->plant, tag);
    const double value = unit_to_si(channel->unit, luaL_checknumber(lua, 3));
    if (plant_is_fed(castor->plant, tag))
        return luaL_error(lua, "\"%s\" cannot be set by a device: a connection feeds it", lua_tostring(lua, 2));
    if (!channel_is_settable(channel->kind))
        return luaL_error(lua, "\"%s\" cannot be set by a device: expected an input, a parameter or a state", lua_tostring(lua, 2));
    if (!(value >= channel->min && value <= channel->max))
        return luaL_error(lua, "\"%s\" = %f is outside its limits", lua_tostring(lua, 2), lua_tonumber(lua, 3));
    plant_set(castor->plant, tag, value);
    return 0;
}

static void open_device(Castor *castor)
{
    static const luaL_Reg methods[] = {{"__index", device_index}, {"__newindex", device_newindex}, {NULL, NULL}};
    lua_State *lua = script_lua(castor->plant->script);
    luaL_newmetatable(lua, device_type);
    luaL_setfuncs(lua, methods, 0);
    lua_pushliteral(lua, "locked");
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 1);
}

static Err run_control(Castor *castor, ErrText *why)
{
    if (!castor->has_control)
        return ERR_OK;
    lua_State *lua = script_lua(castor->plant->script);
    plant_push(castor->plant, "emulate");
    lua_getfield(lua, -1, "control");
    lua_remove(lua, -2);
    *(Castor **)lua_newuserdatauv(lua, sizeof(Castor *), 0) = castor;
    luaL_setmetatable(lua, device_type);
    lua_pushnumber(lua, (double)(castor->now - castor->start) / (double)NS_PER_S);
    return script_call(castor->plant->script, 2, 0, CONTROL_INSTRUCTIONS, why);
}

// --- reading `emulate` ---------------------------------------------------------------------------------------------

static Err add_fault(Castor *castor, const Fault *fault, ErrText *why)
{
    if (castor->fault_count == FAULTS_MAX)
        return err_set(why, ERR_FULL, "more than %d faults", FAULTS_MAX);
    castor->faults[castor->fault_count++].fault = *fault;
    return ERR_OK;
}

/* What a connection brings would overwrite the fault at once. */
static Err check_fed(const Castor *castor, const Fault *fault, ErrText *why)
{
    if (fault_is_of_sensor(fault->kind) || !plant_is_fed(castor->plant, fault->tag))
        return ERR_OK;
    const TagName name = tags_name(castor->plant->tags, fault->tag);
    return err_set(why, ERR_USAGE, "fault \"%s\": a connection feeds \"%s\"; let the fault befall what feeds it", fault_kind_name(fault->kind), name.text);
}

/* Whether this kind of fault can befall this tag; `size` goes from the tag's unit to SI. */
static Err check_fault(const Castor *castor, Fault *fault, ErrText *why)
{
    const Err err = check_fed(castor, fault, why);
    const TagName name = tags_name(castor->plant->tags, fault->tag);
    return err ? err : fault_check(channel_of(castor->plant, fault->tag), name.text, fault->kind, &fault->size, why);
}

static Err refuse_unknown(const Model *model, const char *name, ErrText *why)
{
    char names[256] = "none";
    size_t used = 0;
    for (uint16_t i = 0; i < model->fault_count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", model->faults[i].name);
    return err_set(why, ERR_UNKNOWN, "model \"%s\" knows no fault \"%s\"; it knows: %s", model->name, name, names);
}

/* "tank1.clogged": what the model of tank1 knows. */
static Err recall_fault(const Castor *castor, const char *name, Fault *fault, ErrText *why)
{
    char twin[128];
    const char *dot = strchr(name, '.');
    snprintf(twin, sizeof twin, "%.*s", dot ? (int)(dot - name) : 0, name);
    const int64_t index = plant_find(castor->plant, twin);
    if (index < 0)
        return err_set(why, ERR_UNKNOWN, "\"%s\" is no twin of this plant with a fault of its model, as in \"tank1.clogged\"", name);

    const Model *model = plant_model(castor->plant, (uint32_t)index);
    const FaultDef *known = model_find_fault(model, dot + 1);
    if (!known)
        return refuse_unknown(model, dot + 1, why);
    fault->kind = known->kind;
    fault->size = known->size;
    fault->tag = plant_tag(castor->plant, (uint32_t)index, known->channel);
    return check_fed(castor, fault, why);
}

/* value = "incubator.G_box", factor = 8, or sensor = "incubator.t2", kind = "bias", size = 2 */
static Err read_own(const Castor *castor, Declaration *entry, Fault *fault, ErrText *why)
{
    const char *tag = fault_read(entry, &fault->kind, &fault->size);
    fault->tag = tags_find(castor->plant->tags, tag);
    if (!entry->err && fault->tag == TAG_NONE)
        return err_set(why, ERR_UNKNOWN, "fault \"%s\": expected value = or sensor = a tag of this plant, got \"%s\"", entry->key, tag);
    return entry->err ? entry->err : check_fault(castor, fault, why);
}

/* lid = { fault = "incubator.lid", at = 600, lasts = 60, every = 600 }, or what happens in place of a name that the model knows */
static Err read_fault(Castor *castor, const char *name, ErrText *why)
{
    static const char *const known[] = {"fault", "at", "lasts", "every", NULL}, *const own[] = {FAULT_KEYS, "fault", "at", "lasts", "every", NULL};
    lua_State *lua = script_lua(castor->plant->script);
    Declaration entry = {.script = castor->plant->script, .index = lua_gettop(lua), .section = "faults", .key = name, .why = why};
    if (!lua_istable(lua, -1)) {
        declare_fail(&entry, "fault \"%s\" must be a table", name);
        return entry.err;
    }

    const char *recalled = declare_text(&entry, "fault", NULL);
    declare_only(&entry, recalled ? known : own, 0);
    Fault fault = {.at = declare_number(&entry, "at", 0), .lasts = declare_number(&entry, "lasts", INFINITY), .every = declare_number(&entry, "every", 0)};
    snprintf(fault.name, sizeof fault.name, "%s", name);
    if (fault.at < 0 || !(fault.lasts > 0) || fault.every < 0)
        declare_fail(&entry, "fault \"%s\": at, lasts and every are seconds, not negative", name);
    if (entry.err)
        return entry.err;

    ErrText reason;
    if (recalled ? recall_fault(castor, recalled, &fault, &reason) : read_own(castor, &entry, &fault, &reason))
        declare_fail(&entry, "%s", reason.text);
    return entry.err ? entry.err : add_fault(castor, &fault, why);
}

/* Push the table `key` of `emulate`, an empty one when it is absent. */
static Err open_table(Castor *castor, int index, const char *key, ErrText *why)
{
    lua_State *lua = script_lua(castor->plant->script);
    if (lua_getfield(lua, index, key) == LUA_TNIL)
        lua_newtable(lua);  // the nil below is dropped with everything else at the end
    else if (!lua_istable(lua, -1))
        return script_blame(castor->plant->script, why, "emulate", key, "\"%s\" must be a table, got %s", key, luaL_typename(lua, -1));
    return ERR_OK;
}

static Err read_faults(Castor *castor, int index, ErrText *why)
{
    lua_State *lua = script_lua(castor->plant->script);
    const char **names;
    size_t count;
    Err err = open_table(castor, index, "faults", why);
    if (err)
        return err;
    err = declare_keys(castor->plant->script, lua_gettop(lua), "faults", &castor->arena, &names, &count, why);
    for (size_t i = 0; i < count && !err; i++) {
        lua_getfield(lua, -1, names[i]);
        err = read_fault(castor, names[i], why);
        lua_pop(lua, 1);
    }
    return err;
}

static Err read_values(Castor *castor, int index, ErrText *why)
{
    lua_State *lua = script_lua(castor->plant->script);
    const Err err = open_table(castor, index, "values", why);
    if (err)
        return err;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
        const TagId tag = tags_find(castor->plant->tags, name);
        const Channel *channel = tag == TAG_NONE ? NULL : channel_of(castor->plant, tag);
        if (!channel || !channel_is_settable(channel->kind))
            return script_blame(castor->plant->script, why, "emulate", "values", "\"%s\" is no state, parameter or input of this plant", name);
        const double value = unit_to_si(channel->unit, lua_tonumber(lua, -1));
        if (lua_type(lua, -1) != LUA_TNUMBER || !(value >= channel->min && value <= channel->max))
            return script_blame(castor->plant->script, why, "emulate", name, "expected a number within the limits of \"%s\"", name);
        plant_set(castor->plant, tag, value);
    }
    return ERR_OK;
}

static Err read_emulation(Castor *castor, bool faults, ErrText *why)
{
    static const char *const known[] = {"values", "faults", "control", NULL};
    lua_State *lua = script_lua(castor->plant->script);
    plant_push(castor->plant, "emulate");
    if (lua_isnil(lua, -1))
        return ERR_OK;
    const int index = lua_gettop(lua);
    Declaration entry = {.script = castor->plant->script, .index = index, .section = "emulate", .why = why};
    declare_only(&entry, known, 0);
    Err err = entry.err;
    if (!err)
        err = read_values(castor, index, why);
    if (!err && faults)
        err = read_faults(castor, index, why);
    if (!err && lua_getfield(lua, index, "control") != LUA_TNIL && !lua_isfunction(lua, -1))
        err = script_blame(castor->plant->script, why, "emulate", "control", "control must be a function(device, seconds)");
    castor->has_control = !err && lua_isfunction(lua, -1);
    lua_settop(lua, 0);
    return err;
}

// --- life ----------------------------------------------------------------------------------------------------------

static void place_block(Castor *castor, const Block *block)
{
    for (uint16_t s = 0; s < block->model->sensor_count; s++)
        for (uint32_t lane = 0; lane < block->lanes; lane++)
            castor->instruments[castor->instrument_count++] = (Instrument){.twin = block->twin[lane], .sensor = s,
                                                                           .tag = plant_tag(castor->plant, block->twin[lane], block->model->sensors[s].channel),
                                                                           .last = NAN};
}

static void place_report(Castor *castor, TagId tag)
{
    castor->reports[castor->report_count++] = (Report){tag, cell_of(castor, tag), NAN, 0};
}

static bool is_reported(const Plant *plant, TagId tag)
{
    return channel_of(plant, tag)->kind == CHANNEL_INPUT && !plant_is_fed(plant, tag);
}

static Err place_instruments(Castor *castor, ErrText *why)
{
    const Plant *plant = castor->plant;
    const uint32_t tags = tags_count(plant->tags);
    size_t sensors = 0, inputs = 0;
    for (uint32_t i = 0; i < plant->block_count; i++)
        sensors += (size_t)plant->blocks[i].lanes * plant->blocks[i].model->sensor_count;
    for (TagId tag = 0; tag < tags; tag++)
        inputs += is_reported(plant, tag);

    castor->sample_room = sensors + inputs;
    castor->instruments = arena_new(&castor->arena, Instrument, sensors + 1);
    castor->reports = arena_new(&castor->arena, Report, inputs + 1);
    castor->samples = arena_new(&castor->arena, Sample, castor->sample_room + 1);
    if (!castor->instruments || !castor->reports || !castor->samples)
        return err_set(why, ERR_MEMORY, "no memory for the emulated plant");

    for (uint32_t i = 0; i < plant->block_count; i++)
        place_block(castor, &plant->blocks[i]);
    for (TagId tag = 0; tag < tags; tag++)
        if (is_reported(plant, tag))
            place_report(castor, tag);
    return ERR_OK;
}

/* He is the truth, and the truth is certain. */
static void be_certain(const Plant *plant)
{
    for (uint32_t i = 0; i < plant->block_count; i++) {
        const Model *model = plant->blocks[i].model;
        const size_t packed = (size_t)model->state_count * (model->state_count + 1u) / 2;
        memset(&plant->blocks[i].columns[(size_t)model->covariance * LANES], 0, packed * LANES * sizeof(double));
    }
}

Err castor_create(const char *path, uint64_t seed, bool faults, Castor **out, ErrText *why)
{
    *out = NULL;
    Castor *castor = mem_alloc(sizeof *castor);
    if (!castor)
        return err_set(why, ERR_MEMORY, "no memory for the emulated plant");
    castor->seed = seed;
    Err err = plant_load(path, 1, &castor->plant, why);
    if (!err) {
        castor->plant->free_running = true;
        be_certain(castor->plant);
        open_device(castor);
        err = read_emulation(castor, faults, why);
    }
    if (!err)
        plant_start(castor->plant);
    if (!err)
        err = place_instruments(castor, why);
    if (err) {
        castor_destroy(castor);
        return err;
    }
    *out = castor;
    return ERR_OK;
}

void castor_destroy(Castor *castor)
{
    if (!castor)
        return;
    plant_destroy(castor->plant);
    arena_fini(&castor->arena);
    mem_free(castor);
}

/* TAG:KIND[:SIZE]; `used` is how much of the text that is. */
static Err parse_own(const Castor *castor, const char *text, Fault *fault, int *used, ErrText *why)
{
    char tag[128], kind[16];
    int more = 0;
    fault->size = NAN;
    if (sscanf(text, "%127[^:]:%15[a-z]%n", tag, kind, used) != 2)
        return ERR_OK;  // what is left of the text shows where it is wrong
    if (text[*used] == ':' && sscanf(text + *used, ":%lf%n", &fault->size, &more) == 1 && isfinite(fault->size))
        *used += more;
    if (text[*used] != '@')
        return ERR_OK;
    if (!fault_kind_parse(kind, &fault->kind))
        return err_set(why, ERR_USAGE, "kind \"%s\" is none of factor, set, bias, drift, stuck, noise, spike, silence", kind);
    fault->tag = tags_find(castor->plant->tags, tag);
    if (fault->tag == TAG_NONE)
        return err_set(why, ERR_UNKNOWN, "no tag \"%s\" in this plant", tag);
    snprintf(fault->name, sizeof fault->name, "%.30s %s", tag, kind);
    return check_fault(castor, fault, why);
}

/* TWIN.FAULT */
static Err parse_known(const Castor *castor, const char *text, Fault *fault, int *used, ErrText *why)
{
    char name[128];
    *used = 0;
    if (sscanf(text, "%127[^@]%n", name, used) != 1 || text[*used] != '@')
        return ERR_OK;
    snprintf(fault->name, sizeof fault->name, "%.47s", name);
    return recall_fault(castor, name, fault, why);
}

Err castor_add_fault(Castor *castor, const char *text, ErrText *why)
{
    int used = 0, more = 0;
    Fault fault = {.at = NAN, .lasts = INFINITY};
    ErrText reason;
    const Err err = strchr(text, ':') ? parse_own(castor, text, &fault, &used, &reason) : parse_known(castor, text, &fault, &used, &reason);
    if (err)
        return err_set(why, err, "fault \"%s\": %s", text, reason.text);

    if (text[used] == '@' && sscanf(text + used, "@%lf%n", &fault.at, &more) == 1)
        used += more;
    if (text[used] == '+' && sscanf(text + used, "+%lf%n", &fault.lasts, &more) == 1)
        used += more;
    if (text[used] || !(fault.at >= 0) || !(fault.lasts > 0))
        return err_set(why, ERR_USAGE,
                       "fault \"%s\": expected TAG:KIND[:SIZE]@AT[+LASTS] or TWIN.FAULT@AT[+LASTS], as in incubator.t2:bias:2@120+60 or incubator.lid@120+60, "
                       "stuck at \"%s\"", text, text + used);
    return add_fault(castor, &fault, why);
}

/* A fleet does not speak in chorus: the blocks of a model take turns, one step apart, over the period of the sensor. Neighbours stay together. */
static int64_t phase_of(const Plant *plant, uint32_t block, double every)
{
    uint32_t first = block;
    while (first > 0 && plant->blocks[first - 1].model == plant->blocks[block].model)
        first--;
    const int64_t turns = (int64_t)(every / plant->step + 1e-9);
    return turns > 1 ? (block - first) % turns * plant->step_ns : 0;
}

void castor_begin(Castor *castor, int64_t time)
{
    assert(castor->steps == 0);
    castor->start = castor->now = time;
    uint32_t block = UINT32_MAX;
    uint16_t sensor = 0;
    int64_t phase = 0;
    for (size_t i = 0; i < castor->instrument_count; i++) {
        Instrument *instrument = &castor->instruments[i];
        const uint32_t own = castor->plant->twins[instrument->twin].block;
        if (own != block || instrument->sensor != sensor)
            phase = phase_of(castor->plant, own, castor->plant->blocks[own].model->sensors[instrument->sensor].every);
        block = own;
        sensor = instrument->sensor;
        instrument->next = time + phase;
    }
}

const Plant *castor_plant(const Castor *castor)
{
    return castor->plant;
}

int64_t castor_time(const Castor *castor)
{
    return castor->now;
}

// --- one step ------------------------------------------------------------------------------------------------------

static bool is_due(const Fault *fault, double seconds)
{
    double since = seconds - fault->at;
    if (since < 0)
        return false;
    if (fault->every > 0)
        since = fmod(since, fault->every);
    return since < fault->lasts;
}

static void switch_fault(Castor *castor, ActiveFault *active, bool on)
{
    const Fault *fault = &active->fault;
    active->active = on;
    castor->changed = fault;
    castor->began = on;
    if (fault->kind != FAULT_FACTOR && fault->kind != FAULT_SET)
        return;
    if (on)
        active->healthy = *cell_of(castor, fault->tag);
    plant_set(castor->plant, fault->tag, !on ? active->healthy : fault->kind == FAULT_SET ? fault->size : active->healthy * fault->size);
}

static void switch_faults(Castor *castor)
{
    const double seconds = (double)(castor->now - castor->start) / (double)NS_PER_S;
    castor->changed = NULL;
    for (size_t i = 0; i < castor->fault_count; i++)
        if (is_due(&castor->faults[i].fault, seconds) != castor->faults[i].active)
            switch_fault(castor, &castor->faults[i], !castor->faults[i].active);
}

static void move_block(Castor *castor, const Block *block)
{
    const Plant *plant = castor->plant;
    for (uint16_t i = 0; i < block->model->dynamic_count; i++) {
        const double spread = block->model->channels[i].noise * sqrt(plant->step);
        if (!(spread > 0))
            continue;
        double *column = &block->columns[(size_t)i * LANES];
        for (uint32_t lane = 0; lane < block->lanes; lane++)
            column[lane] += spread * random_normal(castor->seed, STREAM_PROCESS + plant_tag(plant, block->twin[lane], i), castor->steps);
    }
}

/* Noise moves the states, never the parameters. */
static void move_truth(Castor *castor)
{
    plant_advance(castor->plant);
    for (uint32_t i = 0; i < castor->plant->block_count; i++)
        move_block(castor, &castor->plant->blocks[i]);
    plant_derive(castor->plant);
}

/* `measure` leaves sample minus expected, so a sample of 0 leaves the negative of what a sensor would read. */
static void read_block(Castor *castor, uint32_t index, uint16_t number)
{
    Plant *plant = castor->plant;
    const Block *block = &plant->blocks[index];
    const Sensor *sensor = &block->model->sensors[number];
    double *said = &block->columns[(size_t)block->model->channels[sensor->channel].column * LANES], kept[LANES];
    memcpy(kept, said, sizeof kept);
    for (size_t lane = 0; lane < LANES; lane++) {
        said[lane] = 0;
        block->columns[(size_t)sensor->mask * LANES + lane] = 1;
    }
    program_run(&sensor->measure, block->columns, &plant->scratch[0]);
    memcpy(said, kept, sizeof kept);

    castor->truth.block = index;
    castor->truth.sensor = number;
    castor->truth.step = castor->steps;
    for (size_t lane = 0; lane < LANES; lane++)
        castor->truth.lanes[lane] = -block->columns[(size_t)sensor->innovation * LANES + lane];
}

static double read_truth(Castor *castor, const Instrument *instrument)
{
    const Twin *twin = &castor->plant->twins[instrument->twin];
    const Truth *truth = &castor->truth;
    if (truth->step != castor->steps || truth->block != twin->block || truth->sensor != instrument->sensor)
        read_block(castor, twin->block, instrument->sensor);
    return truth->lanes[twin->lane];
}

/* The reading with what is wrong with the instrument; false when it is silent. */
static bool take_reading(Castor *castor, Instrument *instrument, double *out)
{
    const double noise = channel_of(castor->plant, instrument->tag)->noise;
    const double seconds = (double)(castor->now - castor->start) / (double)NS_PER_S;
    double spread = noise, off = 0;
    for (size_t i = 0; i < castor->fault_count; i++) {
        const Fault *fault = &castor->faults[i].fault;
        if (!castor->faults[i].active || fault->tag != instrument->tag)
            continue;
        if (fault->kind == FAULT_SILENCE)
            return false;
        if (fault->kind == FAULT_STUCK && !isnan(instrument->last)) {
            *out = instrument->last;
            return true;
        }
        if (fault->kind == FAULT_BIAS)
            off += fault->size;
        if (fault->kind == FAULT_DRIFT)
            off += fault->size * (fault->every > 0 ? fmod(seconds - fault->at, fault->every) : seconds - fault->at);
        if (fault->kind == FAULT_NOISE)
            spread *= fault->size;
        if (fault->kind == FAULT_SPIKE && instrument->count % 10 == 0)
            off += fault->size;
    }
    *out = read_truth(castor, instrument) + off + spread * random_normal(castor->seed, instrument->tag, instrument->count);
    return true;
}

/* What was read before the controller acted is stamped before what it did, a nanosecond apart:
 * a sensor that an input reaches directly still saw the old one. */
enum { READ_BEFORE_NS = 2, ACTED_BEFORE_NS = 1 };

static void add_sample(Castor *castor, TagId tag, double value, int64_t before_ns)
{
    assert(castor->sample_count < castor->sample_room);
    castor->samples[castor->sample_count++] = (Sample){.time = castor->now - before_ns, .value = value, .tag = tag, .quality = QUALITY_GOOD};
}

static void sample_sensors(Castor *castor)
{
    for (size_t i = 0; i < castor->instrument_count; i++) {
        Instrument *instrument = &castor->instruments[i];
        double value;
        if (castor->now <= instrument->next)
            continue;
        instrument->next += (int64_t)(plant_model(castor->plant, instrument->twin)->sensors[instrument->sensor].every * (double)NS_PER_S);
        instrument->count++;
        if (!take_reading(castor, instrument, &value))
            continue;
        instrument->last = value;
        *cell_of(castor, instrument->tag) = value;
        add_sample(castor, instrument->tag, value, READ_BEFORE_NS);
    }
}

static void report_inputs(Castor *castor)
{
    for (size_t i = 0; i < castor->report_count; i++) {
        Report *report = &castor->reports[i];
        if (*report->cell == report->value && castor->now - report->at < INPUT_PERIOD_NS)
            continue;
        report->value = *report->cell;
        report->at = castor->now;
        add_sample(castor, report->tag, report->value, ACTED_BEFORE_NS);
    }
}

Err castor_step(Castor *castor, ErrText *why)
{
    castor->sample_count = 0;
    switch_faults(castor);
    move_truth(castor);
    castor->now += castor->plant->step_ns;
    castor->steps++;
    sample_sensors(castor);
    const Err err = run_control(castor, why);
    report_inputs(castor);
    return err;
}

const Sample *castor_samples(const Castor *castor, size_t *count)
{
    *count = castor->sample_count;
    return castor->samples;
}

const Fault *castor_fault_changed(const Castor *castor, bool *began)
{
    *began = castor->began;
    return castor->changed;
}

Err castor_command(Castor *castor, TagId tag, double value, ErrText *why)
{
    const Channel *channel = tag < tags_count(castor->plant->tags) ? channel_of(castor->plant, tag) : NULL;
    if (!channel || channel->kind != CHANNEL_ACTUATOR)
        return err_set(why, ERR_UNKNOWN, "no such actuator");
    if (!(value >= channel->min && value <= channel->max))
        return err_set(why, ERR_RANGE, "%s: %g is outside its limits", channel->name, unit_from_si(channel->unit, value));
    *cell_of(castor, tag) = value;
    return ERR_OK;
}
