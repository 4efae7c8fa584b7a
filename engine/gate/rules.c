/* rules.c -- section after section, actuator after actuator: each adds to the rule of its tag. */
#include "gate/rules.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/declare.h"

/* The cursor: an entry of one section, whose value is on top of the stack. */
typedef struct Reader {
    Rules *rules;
    const Plant *plant;
    Declaration entry;
} Reader;

typedef void Section(Reader *reader, Rule *rule);

static const Channel *channel_of(const Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    return &plant_model(plant, place.twin)->channels[place.channel];
}

static const Unit *unit_of(const Plant *plant, TagId tag)
{
    return tags_get(plant->tags, tag).unit;
}

/* A table that an entry must be; nothing is read from anything else. */
static bool is_table(Reader *reader, const char *expected)
{
    if (lua_istable(script_lua(reader->entry.script), reader->entry.index))
        return true;
    declare_fail(&reader->entry, "\"%s\": expected %s", reader->entry.key, expected);
    return false;
}

/* Seconds, above 0 and up to a day. */
static int64_t read_seconds(Reader *reader, const char *name, double fallback)
{
    const double seconds = declare_number(&reader->entry, name, fallback);
    if (!(seconds > 0 && seconds <= 86400))
        declare_fail(&reader->entry, "\"%s\": %s must be above 0 and at most a day, in seconds", reader->entry.key, name);
    return reader->entry.err ? 0 : (int64_t)llround(seconds * (double)NS_PER_S);
}

// --- interlock, mode -----------------------------------------------------------------------------------------------

/* Gets a function; returns its reference. */
static int keep(lua_State *lua)
{
    lua_pushinteger(lua, luaL_ref(lua, LUA_REGISTRYINDEX));
    return 1;
}

static void read_interlock(Reader *reader, Rule *rule)
{
    lua_State *const lua = script_lua(reader->entry.script);
    if (!lua_isfunction(lua, reader->entry.index)) {
        declare_fail(&reader->entry, "\"%s\": expected function(ask) return true, or false and a reason end", reader->entry.key);
        return;
    }
    lua_pushcfunction(lua, keep);
    lua_pushvalue(lua, reader->entry.index);
    reader->entry.err = script_call(reader->entry.script, 1, 1, SCRIPT_LOAD_INSTRUCTIONS, reader->entry.why);
    if (reader->entry.err)
        return;
    rule->interlock = (int)lua_tointeger(lua, -1);
    lua_pop(lua, 1);
}

static void read_mode(Reader *reader, Rule *rule)
{
    lua_State *const lua = script_lua(reader->entry.script);
    const char *const name = lua_type(lua, reader->entry.index) == LUA_TSTRING ? lua_tostring(lua, reader->entry.index) : "";
    if (!actuator_mode_parse(name, &rule->mode))
        declare_fail(&reader->entry, "\"%s\": expected \"automatic\", \"manual\" or \"blocked\"", reader->entry.key);
}

// --- reading back --------------------------------------------------------------------------------------------------

/* { "valve1.position", within = 2, seconds = 5 } */
static void read_read_back(Reader *reader, Rule *rule)
{
    static const char *const known[] = {"within", "seconds", NULL};
    if (!is_table(reader, "{ \"asset.sensor\", within = 2, seconds = 5 }"))
        return;
    declare_only(&reader->entry, known, 1);
    const char *const name = declare_text_at(&reader->entry, 1, "");
    const TagId tag = tags_find(reader->plant->tags, name);
    if (tag == TAG_NONE || tags_get(reader->plant->tags, tag).role != TAG_SAMPLED)
        declare_fail(&reader->entry, "\"%s\": \"%s\" is no sensor or input of this plant in which a device reports", reader->entry.key, name);
    else if (!unit_converts(unit_of(reader->plant, tag), unit_of(reader->plant, rule->tag)))
        declare_fail(&reader->entry, "\"%s\": \"%s\" is in %s, which the command's %s does not convert to", reader->entry.key, name,
                     unit_name(unit_of(reader->plant, tag)), unit_name(unit_of(reader->plant, rule->tag)));
    const double within = declare_number(&reader->entry, "within", NAN);
    if (!(within >= 0 && isfinite(within)))
        declare_fail(&reader->entry, "\"%s\": within must say how near the value must come, in the unit of \"%s\", at least 0", reader->entry.key, name);
    const int64_t patience_ns = read_seconds(reader, "seconds", 5);
    if (!reader->entry.err)
        rule->read_back = (ReadBack){tag, unit_scale_to_si(unit_of(reader->plant, tag), within), patience_ns};
}

// --- failing safe --------------------------------------------------------------------------------------------------

static void set_safe_value(Reader *reader, Rule *rule, double value)
{
    const Channel *const channel = channel_of(reader->plant, rule->tag);
    rule->fails_safe = true;
    rule->fail_safe.value = unit_to_si(channel->unit, value);
    if (!(rule->fail_safe.value >= channel->min && rule->fail_safe.value <= channel->max))
        declare_fail(&reader->entry, "\"%s\": its fail-safe value must lie between its min and max, got %g", reader->entry.key, value);
}

/* Room for `count` tags; noted where there is none. */
static TagId *new_tags(Reader *reader, size_t count)
{
    TagId *const tags = reader->entry.err ? NULL : arena_new(&reader->rules->arena, TagId, count);
    if (!tags && !reader->entry.err)
        reader->entry.err = err_set(reader->entry.why, ERR_MEMORY, "no memory for the gate of plant \"%s\"", reader->plant->name);
    return tags;
}

/* The list `while_heard` on top of the stack. */
static void read_heard(Reader *reader, FailSafe *out)
{
    lua_State *const lua = script_lua(reader->entry.script);
    const size_t count = lua_istable(lua, -1) ? (size_t)lua_rawlen(lua, -1) : 0;
    if (count == 0 || count > RULES_MAX)
        declare_fail(&reader->entry, "\"%s\": while_heard must be a list of sensors or inputs, { \"asset.sensor\", ... }", reader->entry.key);
    out->heard = new_tags(reader, count);
    for (size_t i = 0; i < count && !reader->entry.err; i++) {
        const char *const name = lua_rawgeti(lua, -1, (lua_Integer)i + 1) == LUA_TSTRING ? lua_tostring(lua, -1) : "";
        const TagId tag = tags_find(reader->plant->tags, name);
        if (tag == TAG_NONE || tags_get(reader->plant->tags, tag).role != TAG_SAMPLED)
            declare_fail(&reader->entry, "\"%s\": while_heard: \"%s\" is no sensor or input of this plant", reader->entry.key, name);
        out->heard[out->heard_count++] = tag;
        lua_pop(lua, 1);
    }
}

/* Where nothing is named it is the sensors of the actuator's twin. */
static void hear_own_sensors(Reader *reader, TagId actuator, FailSafe *out)
{
    const uint32_t twin = plant_place(reader->plant, actuator).twin;
    const Model *const model = plant_model(reader->plant, twin);
    if (!model->sensor_count)
        declare_fail(&reader->entry, "\"%s\": its twin has no sensors: expected while_heard = { \"asset.sensor\", ... }", reader->entry.key);
    out->heard = new_tags(reader, model->sensor_count);
    for (uint16_t i = 0; i < model->sensor_count && out->heard; i++)
        out->heard[out->heard_count++] = plant_tag(reader->plant, twin, model->sensors[i].channel);
}

static void read_silence(Reader *reader, Rule *rule)
{
    lua_State *const lua = script_lua(reader->entry.script);
    const bool is_limited = lua_getfield(lua, reader->entry.index, "seconds") != LUA_TNIL;
    const bool is_named = lua_getfield(lua, reader->entry.index, "while_heard") != LUA_TNIL;
    if (is_limited)
        rule->fail_safe.silence_ns = read_seconds(reader, "seconds", NAN);
    else if (is_named)
        declare_fail(&reader->entry, "\"%s\": while_heard needs seconds: for how long they may be silent", reader->entry.key);
    if (is_named && !reader->entry.err)
        read_heard(reader, &rule->fail_safe);
    else if (is_limited && !reader->entry.err)
        hear_own_sensors(reader, rule->tag, &rule->fail_safe);
    lua_pop(lua, 2);
}

/* 0, or { 0, seconds = 30, while_heard = { "tank1.gauge" } } */
static void read_fail_safe(Reader *reader, Rule *rule)
{
    static const char *const known[] = {"seconds", "while_heard", NULL};
    lua_State *const lua = script_lua(reader->entry.script);
    if (lua_type(lua, reader->entry.index) == LUA_TNUMBER) {
        set_safe_value(reader, rule, lua_tonumber(lua, reader->entry.index));
        return;
    }
    if (!is_table(reader, "a value, or { value, seconds = 30, while_heard = { \"asset.sensor\", ... } }"))
        return;
    declare_only(&reader->entry, known, 1);
    set_safe_value(reader, rule, declare_number_at(&reader->entry, 1, NAN));
    if (!reader->entry.err)
        read_silence(reader, rule);
}

// --- the watchdog --------------------------------------------------------------------------------------------------

/* { every = 1, count = 2 } */
static void read_watchdog(Reader *reader, Rule *rule)
{
    static const char *const known[] = {"every", "count", NULL};
    Rules *const rules = reader->rules;
    if (!is_table(reader, "{ every = 1 }, in seconds"))
        return;
    declare_only(&reader->entry, known, 0);
    const Channel *const channel = channel_of(reader->plant, rule->tag);
    const double count = declare_number(&reader->entry, "count", 2);
    const int64_t period_ns = read_seconds(reader, "every", NAN);
    if (!(count >= 2 && count <= 1e9 && count == floor(count)))
        declare_fail(&reader->entry, "\"%s\": count must be a whole number, at least 2", reader->entry.key);
    else if (period_ns < reader->plant->step_ns)
        declare_fail(&reader->entry, "\"%s\": every must be at least the plant's step, %g s", reader->entry.key, reader->plant->step);
    else if (unit_to_si(channel->unit, 0) < channel->min || unit_to_si(channel->unit, count - 1) > channel->max)
        declare_fail(&reader->entry, "\"%s\": 0 to %g must lie between its min and max", reader->entry.key, count - 1);
    else if (rules->watchdog_count == WATCHDOGS_MAX)
        declare_fail(&reader->entry, "watchdog: more than %d", WATCHDOGS_MAX);
    else
        rules->watchdogs[rules->watchdog_count++] = (Watchdog){rule->tag, period_ns, (uint32_t)count};
}

// --- all of them ---------------------------------------------------------------------------------------------------

/* The rule of a tag, a new one where there is none yet. NULL, and noted, when there are too many. */
static Rule *rule_of(Reader *reader, TagId tag)
{
    Rules *const rules = reader->rules;
    for (size_t i = 0; i < rules->count; i++)
        if (rules->items[i].tag == tag)
            return &rules->items[i];
    if (rules->count == RULES_MAX) {
        declare_fail(&reader->entry, "gate: more than %d actuators", RULES_MAX);
        return NULL;
    }
    rules->items[rules->count] = (Rule){.tag = tag, .interlock = LUA_NOREF, .read_back.tag = TAG_NONE};
    return &rules->items[rules->count++];
}

/* ["valve1.opening"] = ...: the key below its value, which is on top of the stack. */
static Err read_entry(Reader *reader, Section *section)
{
    lua_State *const lua = script_lua(reader->entry.script);
    reader->entry.key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
    reader->entry.index = lua_gettop(lua);
    const TagId tag = tags_find(reader->plant->tags, reader->entry.key);
    if (tag == TAG_NONE || tags_get(reader->plant->tags, tag).role != TAG_ACTUATED) {
        declare_fail(&reader->entry, "\"%s\" is no actuator of this plant", reader->entry.key);
        return reader->entry.err;
    }
    Rule *const rule = rule_of(reader, tag);
    if (rule)
        section(reader, rule);
    return reader->entry.err;
}

/* The table `gate` is at `index`. */
static Err read_section(Reader *reader, int index, const char *name, Section *section)
{
    lua_State *const lua = script_lua(reader->entry.script);
    const int type = lua_getfield(lua, index, name);
    reader->entry.section = name;
    if (type != LUA_TTABLE && type != LUA_TNIL)
        reader->entry.err = script_blame(reader->entry.script, reader->entry.why, "gate", name, "%s must be a table, { [\"asset.actuator\"] = ... }", name);
    if (type == LUA_TTABLE)
        for (lua_pushnil(lua); !reader->entry.err && lua_next(lua, -2); lua_pop(lua, 1))
            read_entry(reader, section);
    lua_settop(lua, index);
    return reader->entry.err;
}

static bool read_dry_run(Reader *reader, int index)
{
    Declaration *const entry = &reader->entry;
    lua_State *const lua = script_lua(entry->script);
    const int type = lua_getfield(lua, index, "dry_run");
    if (type != LUA_TNIL && type != LUA_TBOOLEAN && !entry->err)
        entry->err = script_blame(entry->script, entry->why, "gate", "dry_run", "dry_run must be true or false, got %s", luaL_typename(lua, -1));
    const bool dry_run = lua_toboolean(lua, -1);
    lua_pop(lua, 1);
    return dry_run;
}

static Err read_gate(Reader *reader, int index)
{
    static const char *const known[] = {"simulate", "interlock", "mode", "read_back", "fail_safe", "watchdog", "dry_run", NULL};
    static const struct {
        const char *name;
        Section *read;
    } sections[] = {{"interlock", read_interlock}, {"mode", read_mode}, {"read_back", read_read_back}, {"fail_safe", read_fail_safe},
                    {"watchdog", read_watchdog}};
    reader->entry.index = index;
    reader->entry.section = "gate";
    declare_only(&reader->entry, known, 0);
    reader->rules->dry_run = read_dry_run(reader, index);
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !reader->entry.err; i++)
        read_section(reader, index, sections[i].name, sections[i].read);
    return reader->entry.err;
}

static bool is_said(const Rule *rule, Section *section)
{
    return section == read_read_back ? rule->read_back.tag != TAG_NONE : rule->fails_safe;
}

/* What `bind` says of an actuator in place of `gate`; its entry is on top of the stack, the tag's name below it. */
static Err read_bound(Reader *reader)
{
    static const struct {
        const char *name;
        Section *read;
    } keys[] = {{"read_back", read_read_back}, {"fail_safe", read_fail_safe}};
    lua_State *const lua = script_lua(reader->entry.script);
    const int bound = lua_gettop(lua);
    const TagId tag = lua_type(lua, -2) == LUA_TSTRING && lua_istable(lua, bound) ? tags_find(reader->plant->tags, lua_tostring(lua, -2)) : TAG_NONE;
    for (size_t i = 0; tag != TAG_NONE && i < sizeof keys / sizeof *keys && !reader->entry.err; i++) {
        const bool is_there = lua_getfield(lua, bound, keys[i].name) != LUA_TNIL;
        reader->entry.key = lua_tostring(lua, bound - 1);
        reader->entry.index = lua_gettop(lua);
        Rule *const rule = is_there ? rule_of(reader, tag) : NULL;
        if (rule && is_said(rule, keys[i].read))
            declare_fail(&reader->entry, "\"%s\": %s stands in gate as well: expected one of them", reader->entry.key, keys[i].name);
        else if (rule)
            keys[i].read(reader, rule);
        lua_settop(lua, bound);
    }
    return reader->entry.err;
}

static Err read_bindings(Reader *reader)
{
    lua_State *const lua = script_lua(reader->entry.script);
    const int top = lua_gettop(lua);
    plant_push(reader->plant, "bind");
    reader->entry.section = "bind";
    if (lua_istable(lua, -1))
        for (lua_pushnil(lua); !reader->entry.err && lua_next(lua, -2); lua_pop(lua, 1))
            read_bound(reader);
    lua_settop(lua, top);
    return reader->entry.err;
}

static int by_tag(const void *a, const void *b)
{
    const TagId x = ((const Rule *)a)->tag, y = ((const Rule *)b)->tag;
    return (x > y) - (x < y);
}

Err rules__read(Rules *rules, const Plant *plant, ErrText *why)
{
    lua_State *const lua = script_lua(plant->script);
    const int top = lua_gettop(lua);
    *rules = (Rules){0};
    plant_push(plant, "bind");
    plant_push(plant, "gate");
    const bool has_gate = !lua_isnil(lua, -1);
    if (!has_gate && lua_isnil(lua, -2)) {
        lua_settop(lua, top);
        return ERR_OK;
    }
    Reader reader = {rules, plant, {.script = plant->script, .why = why}};
    rules->items = arena_new(&rules->arena, Rule, RULES_MAX);
    if (!rules->items)
        reader.entry.err = err_set(why, ERR_MEMORY, "no memory for the gate of plant \"%s\"", plant->name);
    else if (!has_gate || !read_gate(&reader, lua_gettop(lua)))
        read_bindings(&reader);
    lua_settop(lua, top);
    if (!reader.entry.err)
        qsort(rules->items, rules->count, sizeof *rules->items, by_tag);
    return reader.entry.err;
}

void rules__fini(Rules *rules)
{
    arena_fini(&rules->arena);
}
