#include "forecast/aim.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forecast/scenario.h"
#include "model/declare.h"

enum { FORECASTS = 60 };  // per value that varies

typedef struct Reader {
    Scenario *scenario;
    const Plant *plant;
    Aim *aim;
    int index;
    ErrText *why;
} Reader;

/* The change of the base case that says what a value is before the search. */
static const Course *find_change(const Scenario *scenario, TagId tag)
{
    const Case *base = &scenario->cases[0];
    for (size_t i = 0; i < base->change_count; i++)
        if (base->changes[i].tag == tag)
            return &base->changes[i];
    return NULL;
}

static const Channel *channel_of(const Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    return &plant_model(plant, place.twin)->channels[place.channel];
}

/* ["asset.channel"] = { min, max }, on top of the stack. */
static Err read_choice(const Reader *reader, const char *name, Choice *out)
{
    Script *script = reader->scenario->script;
    out->tag = tags_find(reader->plant->tags, name);
    const Course *change = out->tag == TAG_NONE ? NULL : find_change(reader->scenario, out->tag);
    if (!change || change->count != 1)
        return script_blame(script, reader->why, "vary", name,
                            "\"%s\" cannot vary: expected it in changes with one value, which it has before the search", name);
    if (!lua_istable(script_lua(script), -1))
        return script_blame(script, reader->why, "vary", name, "\"%s\": expected the limits between which it may vary, { min, max }", name);

    Declaration entry = {.script = script, .index = lua_gettop(script_lua(script)), .section = "vary", .key = name, .why = reader->why};
    const Channel *channel = channel_of(reader->plant, out->tag);
    declare_only(&entry, (const char *const[]){NULL}, 2);
    out->min = unit_to_si(channel->unit, declare_number_at(&entry, 1, NAN));
    out->max = unit_to_si(channel->unit, declare_number_at(&entry, 2, NAN));
    if (!entry.err && !(out->min < out->max && out->min >= channel->min && out->max <= channel->max))
        declare_fail(&entry, "\"%s\": expected { min, max } within its own limits, %g to %g %s", name, unit_from_si(channel->unit, channel->min),
                     unit_from_si(channel->unit, channel->max), unit_name(channel->unit));
    return entry.err;
}

static const AlarmDef *find_alarm(const Plant *plant, const char *name, uint32_t *twin)
{
    char owner[TAG_NAME_ROOM];
    const char *dot = strrchr(name, '.');
    if (!dot || (size_t)(dot - name) >= sizeof owner)
        return NULL;
    memcpy(owner, name, (size_t)(dot - name));
    owner[dot - name] = 0;
    const int64_t found = plant_find(plant, owner);
    if (found < 0)
        return NULL;
    *twin = (uint32_t)found;
    const Model *model = plant_model(plant, *twin);
    for (uint16_t i = 0; i < model->alarm_count; i++)
        if (strcmp(model->alarms[i].name, dot + 1) == 0)
            return &model->alarms[i];
    return NULL;
}

/* ["asset.alarm"] = share, on top of the stack. */
static Err read_allowance(const Reader *reader, const char *name, Allowance *out)
{
    Script *script = reader->scenario->script;
    lua_State *lua = script_lua(script);
    out->alarm = find_alarm(reader->plant, name, &out->twin);
    if (!out->alarm)
        return script_blame(script, reader->why, "limits", name, "limits: the plant \"%s\" has no alarm \"%s\"", reader->plant->name, name);
    out->share = lua_tonumber(lua, -1);
    if (lua_type(lua, -1) != LUA_TNUMBER || !(out->share >= 0 && out->share < 1))
        return script_blame(script, reader->why, "limits", name,
                            "\"%s\": expected the probability with which it may be passed at most, from 0 to less than 1", name);
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Push the table `section`; its keys, by name (Lua's own order differs from run to run), as long as it is there. Nothing is pushed when it is absent. */
static Err open_section(const Reader *reader, const char *section, size_t most, const char **keys, size_t *count)
{
    Script *script = reader->scenario->script;
    lua_State *lua = script_lua(script);
    *count = 0;
    const int type = lua_getfield(lua, reader->index, section);
    if (type == LUA_TNIL) {
        lua_pop(lua, 1);
        return ERR_OK;
    }
    if (type != LUA_TTABLE)
        return script_blame(script, reader->why, "optimize", section, "%s must be a table", section);
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        if (lua_type(lua, -2) != LUA_TSTRING)
            return script_blame(script, reader->why, "optimize", section, "%s: expected [\"asset.name\"] = what is allowed", section);
        if (*count == most)
            return script_blame(script, reader->why, "optimize", section, "%s: expected %zu at most", section, most);
        keys[(*count)++] = lua_tostring(lua, -2);
    }
    qsort(keys, *count, sizeof *keys, by_name);
    return ERR_OK;
}

static Err read_choices(const Reader *reader)
{
    lua_State *lua = script_lua(reader->scenario->script);
    const char *keys[AIM_CHOICES_MAX];
    size_t count;
    Err err = open_section(reader, "vary", AIM_CHOICES_MAX, keys, &count);
    if (!err && count == 0)
        err = script_blame(reader->scenario->script, reader->why, NULL, "optimize", "optimize needs vary = { [\"asset.channel\"] = { min, max } }");
    for (size_t i = 0; i < count && !err; i++) {
        lua_getfield(lua, -1, keys[i]);
        err = read_choice(reader, keys[i], &reader->aim->choices[i]);
        lua_pop(lua, 1);
    }
    reader->aim->choice_count = count;
    return err;
}

static Err read_allowances(const Reader *reader)
{
    lua_State *lua = script_lua(reader->scenario->script);
    const char *keys[AIM_ALLOWANCES_MAX];
    size_t count;
    Err err = open_section(reader, "limits", AIM_ALLOWANCES_MAX, keys, &count);
    for (size_t i = 0; i < count && !err; i++) {
        lua_getfield(lua, -1, keys[i]);
        err = read_allowance(reader, keys[i], &reader->aim->allowances[i]);
        lua_pop(lua, 1);
    }
    reader->aim->allowance_count = count;
    return err;
}

static Err read_settings(const Reader *reader)
{
    static const char *const known[] = {"vary", "limits", "quantile", "forecasts", NULL};
    Declaration entry = {.script = reader->scenario->script, .index = reader->index, .section = NULL, .key = "optimize", .why = reader->why};
    declare_only(&entry, known, 0);
    const double percent = declare_number(&entry, "quantile", NAN);
    const double forecasts = declare_number(&entry, "forecasts", FORECASTS * (double)reader->aim->choice_count);
    if (!(isnan(percent) || (percent >= 0 && percent <= 100)))
        declare_fail(&entry, "quantile: expected percent from 0 to 100 of the cost, or none for its mean");
    if (!(forecasts >= 10 && forecasts <= AIM_FORECASTS_MAX && forecasts == floor(forecasts)))
        declare_fail(&entry, "forecasts: expected a whole number from 10 to %d", AIM_FORECASTS_MAX);
    if (!reader->scenario->has_cost)
        declare_fail(&entry, "optimize needs a cost = { integral = \"...\" } to make small");
    reader->aim->quantile = percent / 100;
    reader->aim->forecasts = entry.err ? 0 : (uint32_t)forecasts;
    return entry.err;
}

Err aim_read(Scenario *scenario, int index, const Plant *plant, ErrText *why)
{
    const Reader reader = {scenario, plant, arena_new(&scenario->arena, Aim, 1), index, why};
    if (!reader.aim)
        return err_set(why, ERR_MEMORY, "no memory for what a search is to find");
    if (!lua_istable(script_lua(scenario->script), index))
        return script_blame(scenario->script, why, NULL, "optimize", "optimize must be a table, { vary = { ... }, limits = { ... } }");
    scenario->aim = reader.aim;
    Err err = read_choices(&reader);
    lua_settop(script_lua(scenario->script), index);
    if (!err)
        err = read_allowances(&reader);
    lua_settop(script_lua(scenario->script), index);
    return err ? err : read_settings(&reader);
}
