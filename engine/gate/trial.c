#include "gate/trial.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/declare.h"

static const double median = 0.5;  // a forecast tells some quantile of the times; nobody asks for it here

typedef struct Limit {
    uint32_t twin;
    const AlarmDef *alarm;
} Limit;

/* What is tried of one actuator: one command at a time, as one waits at a time. */
typedef struct Trial {
    TagId tag;
    double probability;
    Limit limits[TRIAL_LIMITS_MAX];
    size_t limit_count;

    // the forecast: nothing changes, or the command
    Scenario scenario;
    Case cases[2];
    Course course;
    CoursePoint point;
    double min, max;  // of what the command becomes
    Fork *fork;

    uint64_t order;    // of the desk, 0: none
    uint64_t command;  // that was ordered last
    int64_t ordered;   // plant time
    uint64_t passed;   // the command that may go
} Trial;

struct Trials {
    const Plant *plant;
    Desk *desk;
    bool waits;
    Trial *items;
    size_t count;
};

// --- reading the script --------------------------------------------------------------------------------------------

typedef struct Reader {
    Trials *trials;
    Declaration entry;
} Reader;

static Err read_becomes(Reader *reader, Trial *trial)
{
    const Plant *plant = reader->trials->plant;
    const char *name = declare_text(&reader->entry, "becomes", "");
    const TagId tag = tags_find(plant->tags, name);
    const Place place = tag == TAG_NONE ? (Place){0} : plant_place(plant, tag);
    const Channel *channel = &plant_model(plant, place.twin)->channels[place.channel];
    if (tag == TAG_NONE || channel->kind != CHANNEL_INPUT || plant_is_fed(plant, tag))
        declare_fail(&reader->entry, "\"%s\": becomes = \"%s\" is no input of this plant that a device reports: expected the one that a command ends up in", reader->entry.key, name);
    else if (!unit_converts(channel->unit, tags_get(plant->tags, trial->tag).unit))
        declare_fail(&reader->entry, "\"%s\": becomes = \"%s\" is in %s, which the command's %s does not convert to", reader->entry.key, name, unit_name(channel->unit),
                     unit_name(tags_get(plant->tags, trial->tag).unit));
    trial->course = (Course){.tag = tag, .points = &trial->point, .count = 1};
    trial->min = channel->min;
    trial->max = channel->max;
    return reader->entry.err;
}

/* "tower.overflow" */
static bool find_limit(const Plant *plant, const char *name, Limit *out)
{
    const char *dot = strchr(name, '.');
    char twin_name[TAG_NAME_ROOM];
    if (!dot || dot - name >= (ptrdiff_t)sizeof twin_name)
        return false;
    snprintf(twin_name, sizeof twin_name, "%.*s", (int)(dot - name), name);
    const int64_t twin = plant_find(plant, twin_name);
    const Model *model = twin < 0 ? NULL : plant_model(plant, (uint32_t)twin);
    for (uint16_t i = 0; model && i < model->alarm_count; i++)
        if (strcmp(model->alarms[i].name, dot + 1) == 0 && channel_is_foreseen(model, model->alarms[i].channel)) {
            *out = (Limit){(uint32_t)twin, &model->alarms[i]};
            return true;
        }
    return false;
}

static Err read_limits(Reader *reader, Trial *trial)
{
    lua_State *lua = script_lua(reader->entry.script);
    const int type = lua_getfield(lua, reader->entry.index, "limits");
    const size_t count = type == LUA_TTABLE ? (size_t)lua_rawlen(lua, -1) : 0;
    if (count == 0 || count > TRIAL_LIMITS_MAX)
        declare_fail(&reader->entry, "\"%s\": limits must be a list of 1 to %d, { \"twin.alarm\", ... }", reader->entry.key, TRIAL_LIMITS_MAX);
    for (size_t i = 0; i < count && !reader->entry.err; i++) {
        const char *name = lua_rawgeti(lua, -1, (lua_Integer)i + 1) == LUA_TSTRING ? lua_tostring(lua, -1) : "";
        if (!find_limit(reader->trials->plant, name, &trial->limits[i]))
            declare_fail(&reader->entry, "\"%s\": \"%s\" is no alarm limit of this plant that can be foreseen: expected \"twin.alarm\"", reader->entry.key, name);
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    trial->limit_count = count;
    return reader->entry.err;
}

static double read_between(Declaration *entry, const char *key, double fallback, double min, double max)
{
    const double number = declare_number(entry, key, fallback);
    if (!(number >= min && number <= max))
        declare_fail(entry, "\"%s\": %s must be between %g and %g", entry->key, key, min, max);
    return number;
}

static Err read_forecast(Reader *reader, Trial *trial)
{
    const double step = reader->trials->plant->step;
    const double horizon = read_between(&reader->entry, "horizon", fmax(300, step), step, step * SCENARIO_STEPS_MAX);
    const double members = read_between(&reader->entry, "members", 128, 1, SCENARIO_MEMBERS_MAX);
    trial->probability = read_between(&reader->entry, "probability", 0.1, 0, 1);
    if (reader->entry.err)
        return reader->entry.err;
    trial->cases[0] = (Case){.name = "as it is", .doc = ""};
    trial->cases[1] = (Case){.name = "commanded", .doc = "", .changes = &trial->course, .change_count = 1};
    trial->scenario = (Scenario){.name = "trial", .doc = "", .horizon = horizon, .members = (uint32_t)members, .quantiles = &median, .quantile_count = 1, .cases = trial->cases, .case_count = 2};
    return ERR_OK;
}

static Err plan(Reader *reader, Trial *trial)
{
    uint32_t twins[TRIAL_LIMITS_MAX + 1];
    twins[0] = plant_place(reader->trials->plant, trial->course.tag).twin;
    for (size_t i = 0; i < trial->limit_count; i++)
        twins[i + 1] = trial->limits[i].twin;
    ErrText why;
    if (fork_plan(reader->trials->plant, twins, trial->limit_count + 1, &trial->fork, &why))
        declare_fail(&reader->entry, "\"%s\": %s", reader->entry.key, why.text);
    return reader->entry.err;
}

/* ["zone.opening_order"] = { ... }: the key below the table, which is on top of the stack. */
static Err read_trial(Trials *trials, ErrText *why)
{
    static const char *const known[] = {"becomes", "limits", "horizon", "members", "probability", NULL};
    lua_State *lua = script_lua(trials->plant->script);
    const char *key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
    Reader reader = {trials, {.script = trials->plant->script, .index = lua_gettop(lua), .section = "simulate", .key = key, .why = why}};
    Trial *trial = &trials->items[trials->count++];
    trial->tag = tags_find(trials->plant->tags, key);
    if (trial->tag == TAG_NONE || tags_get(trials->plant->tags, trial->tag).role != TAG_ACTUATED)
        declare_fail(&reader.entry, "\"%s\" is no actuator of this plant", key);
    else if (!lua_istable(lua, -1))
        declare_fail(&reader.entry, "\"%s\": expected { becomes = \"asset.input\", limits = { \"twin.alarm\", ... } }", key);
    if (reader.entry.err)
        return reader.entry.err;
    declare_only(&reader.entry, known, 0);
    Err err = read_becomes(&reader, trial);
    if (!err)
        err = read_limits(&reader, trial);
    if (!err)
        err = read_forecast(&reader, trial);
    return err ? err : plan(&reader, trial);
}

/* The table `simulate` is on top of the stack. */
static Err read_all(Trials *trials, ErrText *why)
{
    lua_State *lua = script_lua(trials->plant->script);
    size_t count = 0;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1))
        count++;
    if (count > TRIALS_MAX)
        return script_blame(trials->plant->script, why, "gate", "simulate", "simulate: %zu actuators, %d at most", count, TRIALS_MAX);
    trials->items = mem_alloc((count + 1) * sizeof *trials->items);
    if (!trials->items)
        return err_set(why, ERR_MEMORY, "no memory for the gate of plant \"%s\"", trials->plant->name);
    Err err = ERR_OK;
    for (lua_pushnil(lua); !err && lua_next(lua, -2); lua_pop(lua, 1))
        err = read_trial(trials, why);
    return err;
}

static Err read_gate(Trials *trials, int index, ErrText *why)
{
    lua_State *lua = script_lua(trials->plant->script);
    const int type = lua_getfield(lua, index, "simulate");
    if (type != LUA_TTABLE && type != LUA_TNIL)
        return script_blame(trials->plant->script, why, "gate", "simulate", "simulate must be a table, { [\"asset.actuator\"] = { ... } }");
    return type == LUA_TNIL ? ERR_OK : read_all(trials, why);
}

Err trials__create(const Plant *plant, Desk *desk, bool waits, Trials **out, ErrText *why)
{
    lua_State *lua = script_lua(plant->script);
    const int top = lua_gettop(lua);
    *out = NULL;
    plant_push(plant, "gate");
    if (lua_isnil(lua, -1)) {
        lua_settop(lua, top);
        return ERR_OK;
    }
    Trials *trials = mem_alloc(sizeof *trials);
    if (trials)
        *trials = (Trials){.plant = plant, .desk = desk, .waits = waits};
    const Err err = trials ? read_gate(trials, top + 1, why) : err_set(why, ERR_MEMORY, "no memory for the gate of plant \"%s\"", plant->name);
    lua_settop(lua, top);
    if (err)
        trials__destroy(trials);
    else
        *out = trials;
    return err;
}

void trials__destroy(Trials *trials)
{
    if (!trials)
        return;
    for (size_t i = 0; i < trials->count; i++)
        fork_destroy(trials->items[i].fork);
    mem_free(trials->items);
    mem_free(trials);
}

// --- the trial -----------------------------------------------------------------------------------------------------

static Trial *find_trial(Trials *trials, TagId tag)
{
    for (size_t i = 0; trials && i < trials->count; i++)
        if (trials->items[i].tag == tag)
            return &trials->items[i];
    return NULL;
}

/* Whoever was tried before is gone: its forecast has ended, or will soon. True when there is none any more. */
static bool clear(Trials *trials, Trial *trial)
{
    ErrText why;
    if (!trial->order)
        return true;
    desk_give_up(trials->desk, trial->order);
    if (trials->waits)
        desk_await(trials->desk, trial->order);
    if (!desk_has_ended(trials->desk, trial->order))
        return false;
    forecast_destroy(desk_fetch(trials->desk, trial->order, &why));
    trial->order = 0;
    return true;
}

static void begin(Trials *trials, Trial *trial, const Command *command, int64_t now)
{
    if (!clear(trials, trial))
        return;
    trial->point = (CoursePoint){0, fmin(fmax(command->wish.value, trial->min), trial->max)};
    desk_fill_fork(trials->desk, trial->fork, now);
    trial->order = desk_order(trials->desk, &trial->scenario, trial->fork, DESK_GATE);
    trial->command = trial->order ? command->id : 0;
    trial->ordered = now;
}

static const ForecastLimit *limit_in(const Forecast *forecast, const Limit *limit)
{
    for (size_t i = 0; i < forecast->limit_count; i++)
        if (forecast->cases[1].limits[i].twin == limit->twin && forecast->cases[1].limits[i].alarm == limit->alarm)
            return &forecast->cases[1].limits[i];
    assert(!"a limit of the fork");
    return NULL;
}

/* "tank1.level would pass 0.6 m with probability 0.42 within 5 min" */
static void explain(const Trials *trials, const Trial *trial, const ForecastLimit *limit, ErrText *why)
{
    const Tag tag = tags_get(trials->plant->tags, limit->tag);
    const bool plain = tag.unit == unit_one(), minutes = trial->scenario.horizon >= 120;
    err_set(why, ERR_RANGE, "%s.%s would %s %.6g%s%s with probability %.2f within %.3g %s", tag.asset, tag.channel, limit->alarm->side == LIMIT_HIGH ? "pass" : "fall below",
            unit_from_si(tag.unit, limit->alarm->limit), plain ? "" : " ", plain ? "" : unit_name(tag.unit), limit->passed.share,
            trial->scenario.horizon / (minutes ? 60 : 1), minutes ? "min" : "s");
}

static TrialVerdict judge(Trials *trials, Trial *trial, const Forecast *forecast, ErrText *why)
{
    for (size_t i = 0; i < trial->limit_count; i++) {
        const ForecastLimit *limit = limit_in(forecast, &trial->limits[i]);
        if (limit->passed.share > trial->probability && limit->difference > 0) {
            explain(trials, trial, limit, why);
            return TRIAL_REFUSED;
        }
    }
    trial->passed = trial->command;
    return TRIAL_PASSED;
}

static TrialVerdict take_result(Trials *trials, Trial *trial, ErrText *why)
{
    ErrText reason;
    Forecast *forecast = desk_fetch(trials->desk, trial->order, &reason);
    trial->order = 0;
    if (!forecast) {
        err_set(why, ERR_CLOSED, "it could not be simulated: %s", reason.text);
        return TRIAL_REFUSED;
    }
    const TrialVerdict verdict = judge(trials, trial, forecast, why);
    forecast_destroy(forecast);
    return verdict;
}

bool trials__concern(Trials *trials, TagId tag)
{
    return find_trial(trials, tag) != NULL;
}

TrialVerdict trials__judge(Trials *trials, const Command *command, int64_t now, ErrText *why)
{
    Trial *trial = find_trial(trials, command->wish.tag);
    if (!trial || trial->passed == command->id)
        return TRIAL_PASSED;
    if (trial->command != command->id) {
        begin(trials, trial, command, now);
        return TRIAL_OPEN;
    }
    if (trials->waits && now > trial->ordered)
        desk_await(trials->desk, trial->order);
    return now > trial->ordered && desk_has_ended(trials->desk, trial->order) ? take_result(trials, trial, why) : TRIAL_OPEN;
}

void trials__pass(Trials *trials, const Command *command)
{
    Trial *trial = find_trial(trials, command->wish.tag);
    if (trial)
        trial->passed = command->id;
}

void trials__forget(Trials *trials, const Command *command)
{
    Trial *trial = find_trial(trials, command->wish.tag);
    if (!trial || trial->command != command->id)
        return;
    trial->command = 0;
    if (trial->order)
        desk_give_up(trials->desk, trial->order);
}
