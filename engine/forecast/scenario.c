#include "forecast/scenario.h"

#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forecast/control.h"
#include "forecast/json.h"
#include "model/declare.h"

enum { MEMORY_MAX = 64 * 1024 * 1024, MEMBERS = 500, POINTS = 60 };

/* A scenario in the making: its declaration is a table on the stack, whether Lua or JSON says it. */
typedef struct Reader {
    Scenario *scenario;
    const Plant *plant;
    lua_State *lua;
    ErrText *why;
} Reader;

static Err no_memory(const Reader *reader)
{
    return err_set(reader->why, ERR_MEMORY, "no memory for the scenario");
}

static Declaration declaration_at(const Reader *reader, int index, const char *section, const char *key)
{
    return (Declaration){.script = reader->scenario->script, .index = lua_absindex(reader->lua, index), .section = section, .key = key, .why = reader->why};
}

/* Say what is wrong with `key` inside `section` (either may be NULL), with its line. */
__attribute__((format(printf, 4, 5))) static Err blame(const Reader *reader, const char *section, const char *key, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return script_blame(reader->scenario->script, reader->why, section, key, "%s", text);
}

// --- lists ---------------------------------------------------------------------------------------------------------

/* Push the list `key` of the table at `index`; its length, or an error. Nothing is pushed when it is absent. */
static Err open_list(const Reader *reader, int index, const char *key, size_t most, size_t *count)
{
    *count = 0;
    const int type = lua_getfield(reader->lua, index, key);
    if (type == LUA_TNIL) {
        lua_pop(reader->lua, 1);
        return ERR_OK;
    }
    const size_t length = type == LUA_TTABLE ? (size_t)lua_rawlen(reader->lua, -1) : 0;
    if (length == 0 || length > most)
        return blame(reader, NULL, key, "\"%s\" must be a list of 1 to %zu, got %s", key, most,
                     type == LUA_TTABLE ? (length ? "more" : "an empty one") : lua_typename(reader->lua, type));
    *count = length;
    return ERR_OK;
}

/* Rising numbers within [min, max], times `scale`. */
static Err read_numbers(const Reader *reader, int index, const char *key, size_t most, double min, double max, double scale, const double **out, size_t *count)
{
    Err err = open_list(reader, index, key, most, count);
    if (err || *count == 0)
        return err;
    double *numbers = arena_new(&reader->scenario->arena, double, *count);
    if (!numbers)
        return no_memory(reader);
    for (size_t i = 0; i < *count && !err; i++) {
        const int type = lua_rawgeti(reader->lua, -1, (lua_Integer)i + 1);
        const double number = lua_tonumber(reader->lua, -1);
        lua_pop(reader->lua, 1);
        numbers[i] = number * scale;
        if (type != LUA_TNUMBER || !(number >= min && number <= max) || (i > 0 && !(numbers[i] > numbers[i - 1])))
            err = blame(reader, NULL, key, "\"%s\": expected rising numbers from %g to %g, number %zu is not", key, min, max, i + 1);
    }
    lua_pop(reader->lua, 1);
    *out = numbers;
    return err;
}

static Err find_tag(const Reader *reader, const char *section, const char *name, TagId *out)
{
    *out = tags_find(reader->plant->tags, name);
    if (*out == TAG_NONE)
        return blame(reader, section, name, "%s: the plant \"%s\" has no \"%s\"", section, reader->plant->name, name);
    return ERR_OK;
}

static Err read_tags(Reader *reader, int root)
{
    Scenario *scenario = reader->scenario;
    Err err = open_list(reader, root, "tags", SCENARIO_TAGS_MAX, &scenario->tag_count);
    if (err)
        return err;
    if (scenario->tag_count == 0)
        return blame(reader, NULL, "tags", "a scenario needs tags = { \"asset.channel\", ... }, the values that are to be forecast");
    TagId *tags = arena_new(&scenario->arena, TagId, scenario->tag_count);
    if (!tags)
        return no_memory(reader);
    for (size_t i = 0; i < scenario->tag_count && !err; i++) {
        lua_rawgeti(reader->lua, -1, (lua_Integer)i + 1);
        err = find_tag(reader, "tags", lua_type(reader->lua, -1) == LUA_TSTRING ? lua_tostring(reader->lua, -1) : "", &tags[i]);
        lua_pop(reader->lua, 1);
    }
    lua_pop(reader->lua, 1);
    scenario->tags = tags;
    return err;
}

static Err read_twins(Reader *reader, int root)
{
    Scenario *scenario = reader->scenario;
    Err err = open_list(reader, root, "twins", FORK_TWINS_MAX, &scenario->twin_count);
    if (err || scenario->twin_count == 0)
        return err;
    uint32_t *twins = arena_new(&scenario->arena, uint32_t, scenario->twin_count);
    if (!twins)
        return no_memory(reader);
    for (size_t i = 0; i < scenario->twin_count && !err; i++) {
        lua_rawgeti(reader->lua, -1, (lua_Integer)i + 1);
        const char *name = lua_type(reader->lua, -1) == LUA_TSTRING ? lua_tostring(reader->lua, -1) : "";
        const int64_t twin = plant_find(reader->plant, name);
        twins[i] = (uint32_t)twin;
        if (twin < 0)
            err = blame(reader, NULL, "twins", "twins: the plant \"%s\" has no twin \"%s\"", reader->plant->name, name);
        lua_pop(reader->lua, 1);
    }
    lua_pop(reader->lua, 1);
    scenario->twins = twins;
    return err;
}

// --- changes -------------------------------------------------------------------------------------------------------

static const Channel *channel_of(const Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    return &plant_model(plant, place.twin)->channels[place.channel];
}

static Err check_change(const Reader *reader, const char *name, TagId tag, bool straight, bool controlled)
{
    const ChannelKind kind = channel_of(reader->plant, tag)->kind;
    if (plant_is_fed(reader->plant, tag))
        return blame(reader, "changes", name, "\"%s\" cannot be changed: a connection feeds it; change what feeds it", name);
    if (kind == CHANNEL_ACTUATOR && !controlled)
        return blame(
            reader, "changes", name,
            "\"%s\" is a command, and nothing acts on it: give the scenario a control = function(device, seconds, memory), or control = true for the plant's "
            "own, or change the input that reports it",
            name);
    if (kind != CHANNEL_ACTUATOR && !channel_is_settable(kind))
        return blame(reader, "changes", name, "\"%s\" cannot be changed: it is of kind %s; expected an input, a parameter or a state", name,
                     channel_kind_name(kind));
    if (straight && kind != CHANNEL_INPUT && kind != CHANNEL_PARAMETER)
        return blame(reader, "changes", name, "\"%s\" can be set at times, but not led along straight lines: expected an input or a parameter", name);
    return ERR_OK;
}

/* A value of the tag's unit, in SI. */
static Err read_value(const Reader *reader, const char *name, const Channel *channel, double value, double *out)
{
    *out = unit_to_si(channel->unit, value);
    if (*out >= channel->min && *out <= channel->max)
        return ERR_OK;
    return blame(reader, "changes", name, "\"%s\": %g %s is outside its limits, %g to %g", name, value, unit_name(channel->unit),
                 unit_from_si(channel->unit, channel->min), unit_from_si(channel->unit, channel->max));
}

/* Element `n` of the table on top of the stack. */
static bool number_at(lua_State *lua, int n, double *out)
{
    const bool is_number = lua_rawgeti(lua, -1, n) == LUA_TNUMBER;
    *out = lua_tonumber(lua, -1);
    lua_pop(lua, 1);
    return is_number;
}

/* { seconds, value } on top of the stack. */
static Err read_point(const Reader *reader, const char *name, const Channel *channel, double before, CoursePoint *out)
{
    double value;
    if (!lua_istable(reader->lua, -1) || !number_at(reader->lua, 1, &out->at) || !number_at(reader->lua, 2, &value) || !(out->at >= 0 && out->at > before))
        return blame(reader, "changes", name, "\"%s\": expected { seconds, value } with rising seconds, not negative", name);
    return read_value(reader, name, channel, value, &out->value);
}

/* { { seconds, value }, ... } on top of the stack. */
static Err read_points(const Reader *reader, const char *name, const Channel *channel, CoursePoint *points, size_t count)
{
    Err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++) {
        lua_rawgeti(reader->lua, -1, (lua_Integer)i + 1);
        err = read_point(reader, name, channel, i ? points[i - 1].at : -1, &points[i]);
        lua_pop(reader->lua, 1);
    }
    return err;
}

/* The value on top of the stack: 20, which holds from the start, or { { 0, 20 }, { 60, 25 } }, or { straight = { ... } }. */
static Err read_course(Reader *reader, const char *name, bool controlled, Course *out)
{
    lua_State *lua = reader->lua;
    Err err = find_tag(reader, "changes", name, &out->tag);
    if (err)
        return err;
    const Channel *channel = channel_of(reader->plant, out->tag);
    const bool is_number = lua_type(lua, -1) == LUA_TNUMBER, is_table = lua_istable(lua, -1);
    out->straight = is_table && lua_getfield(lua, -1, "straight") == LUA_TTABLE;
    if (is_table && !out->straight)
        lua_pop(lua, 1);

    out->count = is_number ? 1 : is_table ? (size_t)lua_rawlen(lua, -1) : 0;
    if (out->count == 0 || out->count > SCENARIO_POINTS_MAX)
        return blame(reader, "changes", name, "\"%s\": expected a number, { { seconds, value }, ... }, or { straight = { { seconds, value }, ... } }", name);
    CoursePoint *points = arena_new(&reader->scenario->arena, CoursePoint, out->count);
    if (!points)
        return no_memory(reader);
    out->points = points;
    err = check_change(reader, name, out->tag, out->straight, controlled);
    if (!err)
        err = is_number ? read_value(reader, name, channel, lua_tonumber(lua, -1), &points[0].value) : read_points(reader, name, channel, points, out->count);
    lua_pop(lua, out->straight ? 1 : 0);
    return err;
}

static Course *find_course(Course *courses, size_t count, TagId tag)
{
    for (size_t i = 0; i < count; i++)
        if (courses[i].tag == tag)
            return &courses[i];
    return &courses[count];
}

static int by_tag(const void *a, const void *b)
{
    const Course *x = a, *y = b;
    return (x->tag > y->tag) - (x->tag < y->tag);
}

/* The changes of the table at `index`, on top of those of the base case. */
static Err read_changes(Reader *reader, int index, const Case *base, Case *out)
{
    lua_State *lua = reader->lua;
    Course *courses = arena_new(&reader->scenario->arena, Course, SCENARIO_CHANGES_MAX);
    if (!courses)
        return no_memory(reader);
    out->changes = courses;
    for (; base && out->change_count < base->change_count; out->change_count++)
        courses[out->change_count] = base->changes[out->change_count];

    const int type = lua_getfield(lua, index, "changes");
    if (type != LUA_TNIL && type != LUA_TTABLE)
        return blame(reader, NULL, "changes", "\"changes\" must be a table, [\"asset.channel\"] = what becomes of it");
    Err err = ERR_OK;
    if (type == LUA_TTABLE)
        for (lua_pushnil(lua); !err && lua_next(lua, -2); lua_pop(lua, 1)) {
            if (lua_type(lua, -2) != LUA_TSTRING)
                return blame(reader, NULL, "changes", "changes: expected [\"asset.channel\"] = what becomes of it");
            Course course = {0};
            err = read_course(reader, lua_tostring(lua, -2), out->control > 0 || out->plant.control, &course);
            Course *place = err ? NULL : find_course(courses, out->change_count, course.tag);
            if (place == &courses[SCENARIO_CHANGES_MAX])
                err = blame(reader, NULL, "changes", "more than %d changes", SCENARIO_CHANGES_MAX);
            if (err)
                continue;
            out->change_count += place == &courses[out->change_count];
            *place = course;
        }
    lua_pop(lua, 1);
    qsort(courses, out->change_count, sizeof *courses, by_tag);
    return err;
}

// --- cases ---------------------------------------------------------------------------------------------------------

/* The `control` of the table at `index`: a function, true for the plant's own, false for none. */
static Err read_control(Reader *reader, int index, Case *out)
{
    const int type = lua_getfield(reader->lua, index, "control");
    const bool wants = lua_toboolean(reader->lua, -1);
    if (type == LUA_TFUNCTION) {
        out->control = luaL_ref(reader->lua, LUA_REGISTRYINDEX);
        out->plant.control = false;
        return ERR_OK;
    }
    lua_pop(reader->lua, 1);
    if (type == LUA_TNIL)
        return ERR_OK;
    if (type != LUA_TBOOLEAN)
        return blame(reader, NULL, "control", "control must be a function(device, seconds, memory, time), or true for the plant's own");
    if (wants && reader->plant->control_ns == 0)
        return blame(reader, NULL, "control", "control = true: the script of plant \"%s\" has no control of its own", reader->plant->name);
    out->control = 0;
    out->plant.control = wants;
    return ERR_OK;
}

/* The `handlers` of the table at `index`. What they command is of use where somebody obeys. */
static Err read_handlers(Reader *reader, int index, Case *out)
{
    const int type = lua_getfield(reader->lua, index, "handlers");
    if (type == LUA_TBOOLEAN)
        out->plant.handlers = lua_toboolean(reader->lua, -1);
    lua_pop(reader->lua, 1);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        return blame(reader, NULL, "handlers", "handlers must be true or false: whether those of the plant (its `on`) act in the forecast");
    if (out->plant.handlers && !out->control && !out->plant.control)
        return blame(reader, NULL, "handlers",
                     "handlers command actuators, and nothing acts on those here: give the scenario a control, or control = true for the plant's own");
    return ERR_OK;
}

/* Who acts in the case that the table at `index` declares; where it says nothing, who acts in the base case. */
static Err read_actors(Reader *reader, int index, const Case *base, Case *out)
{
    if (base) {
        out->control = base->control;
        out->plant = base->plant;
    }
    const Err err = read_control(reader, index, out);
    return err ? err : read_handlers(reader, index, out);
}

static Err read_alternative(Reader *reader, Case *cases, size_t index)
{
    static const char *const known[] = {"name", "doc", "changes", "control", "handlers", NULL};
    Scenario *scenario = reader->scenario;
    if (!lua_istable(reader->lua, -1))
        return blame(reader, NULL, "alternatives", "an alternative must be a table, { name = \"...\", changes = { ... } }");
    Declaration entry = declaration_at(reader, -1, "alternatives", NULL);
    declare_only(&entry, known, 0);
    const char *name = declare_text(&entry, "name", NULL), *doc = declare_text(&entry, "doc", "");
    if (!name)
        declare_fail(&entry, "an alternative needs a name");
    if (entry.err)
        return entry.err;
    cases[index].name = arena_text(&scenario->arena, name);
    cases[index].doc = arena_text(&scenario->arena, doc);
    if (!cases[index].name || !cases[index].doc)
        return no_memory(reader);
    const Err err = read_actors(reader, entry.index, &cases[0], &cases[index]);
    return err ? err : read_changes(reader, entry.index, &cases[0], &cases[index]);
}

static Err read_cases(Reader *reader, int root)
{
    Scenario *scenario = reader->scenario;
    Case *cases = arena_new(&scenario->arena, Case, SCENARIO_CASES_MAX);
    size_t count;
    if (!cases)
        return no_memory(reader);
    cases[0] = (Case){.name = scenario->name, .doc = scenario->doc};
    Err err = read_actors(reader, root, NULL, &cases[0]);
    if (err || (err = read_changes(reader, root, NULL, &cases[0])) || (err = open_list(reader, root, "alternatives", SCENARIO_CASES_MAX - 1, &count)))
        return err;
    for (size_t i = 1; i <= count && !err; i++) {
        lua_rawgeti(reader->lua, -1, (lua_Integer)i);
        err = read_alternative(reader, cases, i);
        lua_pop(reader->lua, 1);
    }
    scenario->cases = cases;
    scenario->case_count = 1 + count;
    return err;
}

// --- the whole -----------------------------------------------------------------------------------------------------

static Err spread_times(Reader *reader, double points)
{
    Scenario *scenario = reader->scenario;
    const size_t count = (size_t)points + 1;
    double *times = arena_new(&scenario->arena, double, count);
    if (!times)
        return no_memory(reader);
    for (size_t i = 0; i < count; i++)
        times[i] = scenario->horizon * (double)i / points;
    scenario->times = times;
    scenario->time_count = count;
    return ERR_OK;
}

static Err read_times(Reader *reader, int root, double points)
{
    Scenario *scenario = reader->scenario;
    const Err err = read_numbers(reader, root, "times", SCENARIO_TIMES_MAX, 0, scenario->horizon, 1, &scenario->times, &scenario->time_count);
    return err || scenario->time_count ? err : spread_times(reader, points);
}

static Err read_quantiles(Reader *reader, int root)
{
    static const double usual[] = {0.05, 0.25, 0.5, 0.75, 0.95};
    Scenario *scenario = reader->scenario;
    const Err err = read_numbers(reader, root, "quantiles", SCENARIO_QUANTILES_MAX, 0, 100, 0.01, &scenario->quantiles, &scenario->quantile_count);
    if (!err && scenario->quantile_count == 0) {
        scenario->quantiles = usual;
        scenario->quantile_count = sizeof usual / sizeof *usual;
    }
    return err;
}

static double read_whole(Declaration *root, const char *key, double fallback, double min, double max)
{
    Declaration entry = *root;
    entry.section = NULL, entry.key = key;
    const double number = declare_number(&entry, key, fallback);
    if (!(number >= min && number <= max && number == floor(number)))
        declare_fail(&entry, "%s must be a whole number from %.0f to %.0f", key, min, max);
    root->err = entry.err;
    return number;
}

static Err read_settings(Reader *reader, int root)
{
    static const char *const known[] = {"name",      "doc",   "horizon", "members", "seed",    "points", "times", "tags",         "twins",
                                        "quantiles", "paths", "tape",    "changes", "control", "every",  "cost",  "alternatives",
                                        "optimize",  "handlers", NULL};
    Scenario *scenario = reader->scenario;
    Declaration entry = declaration_at(reader, root, "scenario", NULL);
    declare_only(&entry, known, 0);
    scenario->name = arena_text(&scenario->arena, declare_text(&entry, "name", "ad hoc"));
    scenario->doc = arena_text(&scenario->arena, declare_text(&entry, "doc", ""));
    scenario->horizon = declare_number(&entry, "horizon", 0);
    scenario->every = declare_number(&entry, "every", reader->plant->step);
    if (!entry.err)
        scenario->members = (uint32_t)read_whole(&entry, "members", MEMBERS, 1, SCENARIO_MEMBERS_MAX);
    if (!entry.err)
        scenario->seed = (uint64_t)read_whole(&entry, "seed", 0, 0, 0x1p53);
    if (!entry.err)
        scenario->paths = (uint32_t)read_whole(&entry, "paths", 0, 0, SCENARIO_PATHS_MAX);
    const double points = entry.err ? POINTS : read_whole(&entry, "points", POINTS, 1, SCENARIO_TIMES_MAX - 1);
    entry.section = NULL, entry.key = "horizon";
    if (!(scenario->horizon >= reader->plant->step && scenario->horizon <= reader->plant->step * SCENARIO_STEPS_MAX))
        declare_fail(&entry, "horizon = seconds to look ahead: expected a step of the plant, %g s, to %d of them", reader->plant->step, SCENARIO_STEPS_MAX);
    entry.key = "every";
    if (!(scenario->every >= reader->plant->step))
        declare_fail(&entry, "every = seconds between two calls of control: expected a step of the plant, %g s, or more", reader->plant->step);
    if (entry.err)
        return entry.err;
    entry.key = NULL;
    const char *tape = declare_text(&entry, "tape", NULL);
    scenario->tape = tape ? arena_text(&scenario->arena, tape) : NULL;
    if (entry.err)
        return entry.err;
    if (!scenario->name || !scenario->doc || !scenario->tape != !tape)
        return no_memory(reader);
    return read_times(reader, root, points);
}

static Err read_cost(Reader *reader, int root)
{
    Scenario *scenario = reader->scenario;
    scenario->has_cost = lua_getfield(reader->lua, root, "cost") != LUA_TNIL;
    const Err err = scenario->has_cost ? cost_read(scenario->script, -1, reader->plant, &scenario->arena, &scenario->cost, reader->why) : ERR_OK;
    lua_settop(reader->lua, root);
    return err;
}

static Err read_table(Reader *reader)
{
    const int root = lua_gettop(reader->lua);
    Scenario *scenario = reader->scenario;
    Err err = read_settings(reader, root);
    if (err || (err = read_quantiles(reader, root)) || (err = read_tags(reader, root)) || (err = read_twins(reader, root)) || (err = read_cost(reader, root)))
        return err;
    if ((err = read_cases(reader, root)))
        return err;
    lua_settop(reader->lua, root);
    return lua_getfield(reader->lua, root, "optimize") == LUA_TNIL ? ERR_OK : aim_read(scenario, root + 1, reader->plant, reader->why);
}

/* scenario "name" { ... } is the table with its name in it. */
static int scenario_declared(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_setfield(lua, 1, "name");
    lua_settop(lua, 1);
    return 1;
}

static int scenario_constructor(lua_State *lua)
{
    luaL_checkstring(lua, 1);
    lua_settop(lua, 1);
    lua_pushcclosure(lua, scenario_declared, 1);
    return 1;
}

static Err create(const Plant *plant, Reader *out, ErrText *why)
{
    Scenario *scenario = mem_alloc(sizeof *scenario);
    *out = (Reader){.scenario = scenario, .plant = plant, .why = why};
    if (!scenario)
        return no_memory(out);
    const Err err = script_create(MEMORY_MAX, &scenario->script, why);
    out->lua = err ? NULL : script_lua(scenario->script);
    return err;
}

static Err finish(Reader *reader, Err err, Scenario **out)
{
    if (!err)
        err = read_table(reader);
    if (!err)
        lua_settop(reader->lua, 0);
    *out = err ? NULL : reader->scenario;
    if (err)
        scenario_destroy(reader->scenario);
    return err;
}

static Err run_file(Reader *reader, const char *path)
{
    lua_register(reader->lua, "scenario", scenario_constructor);
    control_open(reader->scenario->script);
    const Err err = script_run_file(reader->scenario->script, path, SCRIPT_LOAD_INSTRUCTIONS, reader->why);
    if (err || lua_istable(reader->lua, -1))
        return err;
    return blame(reader, NULL, NULL, "a scenario script must return scenario \"name\" { ... }");
}

Err scenario_read(const char *path, const Plant *plant, Scenario **out, ErrText *why)
{
    Reader reader;
    Err err = create(plant, &reader, why);
    const char *ending = strrchr(path, '.');
    if (!err)
        err = ending && strcmp(ending, ".json") == 0 ? json_push_file(reader.scenario->script, path, why) : run_file(&reader, path);
    return finish(&reader, err, out);
}

Err scenario_read_json(const char *name, const char *text, size_t length, const Plant *plant, Scenario **out, ErrText *why)
{
    Reader reader;
    Err err = create(plant, &reader, why);
    if (!err)
        err = json_push(reader.scenario->script, name, text, length, why);
    return finish(&reader, err, out);
}

// --- recordings ----------------------------------------------------------------------------------------------------

static int by_tag_then_time(const void *a, const void *b)
{
    const Sample *x = a, *y = b;
    return x->tag != y->tag ? (x->tag > y->tag) - (x->tag < y->tag) : (x->time > y->time) - (x->time < y->time);
}

static bool is_followed(const Plant *plant, const Sample *sample)
{
    return channel_of(plant, sample->tag)->kind == CHANNEL_INPUT && !plant_is_fed(plant, sample->tag) && sample->quality != QUALITY_BAD;
}

/* What `count` samples of one input say: what was last before the start holds from there on, and each one from its time until the next. */
static Err make_course(Scenario *scenario, const Plant *plant, const Sample *samples, size_t count, int64_t from, Course *out)
{
    const Channel *channel = channel_of(plant, samples[0].tag);
    CoursePoint *points = arena_new(&scenario->arena, CoursePoint, count);
    if (!points)
        return ERR_MEMORY;
    *out = (Course){.tag = samples[0].tag, .points = points};
    for (size_t i = 0; i < count; i++) {
        const double at = fmax((double)(samples[i].time - from) / (double)NS_PER_S, 0);
        out->count -= out->count > 0 && points[out->count - 1].at == at;
        points[out->count++] = (CoursePoint){at, fmin(fmax(samples[i].value, channel->min), channel->max)};
    }
    return ERR_OK;
}

/* A case keeps what it says itself. */
static Err add_course(Case *what, const Course *course, ErrText *why)
{
    Course *place = find_course(what->changes, what->change_count, course->tag);
    if (place != &what->changes[what->change_count])
        return ERR_OK;
    if (what->change_count == SCENARIO_CHANGES_MAX)
        return err_set(why, ERR_FULL, "more than %d changes, with those of the recording", SCENARIO_CHANGES_MAX);
    *place = *course;
    what->change_count++;
    qsort(what->changes, what->change_count, sizeof *what->changes, by_tag);
    return ERR_OK;
}

/* `samples` are of inputs, by tag and then by time. */
static Err follow(Scenario *scenario, const Plant *plant, const Sample *samples, size_t count, int64_t from, ErrText *why)
{
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first; last < count && samples[last].tag == samples[first].tag;)
            last++;
        Course course;
        if (make_course(scenario, plant, &samples[first], last - first, from, &course))
            return err_set(why, ERR_MEMORY, "no memory for what a recording says");
        for (size_t i = 0; i < scenario->case_count; i++) {
            const Err err = add_course(&scenario->cases[i], &course, why);
            if (err)
                return err;
        }
    }
    return ERR_OK;
}

Err scenario_follow(Scenario *scenario, const Plant *plant, const Sample *samples, size_t count, int64_t from, ErrText *why)
{
    Sample *followed = mem_alloc((count + 1) * sizeof *followed);
    size_t kept = 0;
    if (!followed)
        return err_set(why, ERR_MEMORY, "no memory for what a recording says");
    for (size_t i = 0; i < count; i++)
        if (is_followed(plant, &samples[i]))
            followed[kept++] = samples[i];
    qsort(followed, kept, sizeof *followed, by_tag_then_time);
    const Err err = follow(scenario, plant, followed, kept, from, why);
    mem_free(followed);
    return err;
}

void scenario_destroy(Scenario *scenario)
{
    if (!scenario)
        return;
    cost_fini(&scenario->cost);
    script_destroy(scenario->script);
    arena_fini(&scenario->arena);
    mem_free(scenario);
}

/* Functions may ask for anything, so of a plant that is not too large it gets all. */
static bool takes_all(const Scenario *scenario, const Plant *plant)
{
    bool controlled = false;
    for (size_t i = 0; i < scenario->case_count; i++)
        controlled |= scenario->cases[i].control > 0 || scenario->cases[i].plant.control;
    return controlled && plant->twin_count <= FORK_TWINS_MAX;
}

/* The twins that are spoken of; some of them more than once. */
static size_t collect_twins(const Scenario *scenario, const Plant *plant, uint32_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < scenario->tag_count; i++)
        out[count++] = plant_place(plant, scenario->tags[i]).twin;
    for (size_t i = 0; i < scenario->twin_count; i++)
        out[count++] = scenario->twins[i];
    for (size_t i = 0; i < scenario->cost.tag_count; i++)
        out[count++] = plant_place(plant, scenario->cost.tags[i]).twin;
    for (size_t i = 0; i < scenario->case_count; i++)
        for (size_t k = 0; k < scenario->cases[i].change_count; k++)
            out[count++] = plant_place(plant, scenario->cases[i].changes[k].tag).twin;
    for (uint32_t twin = 0; twin < plant->twin_count && takes_all(scenario, plant); twin++)
        out[count++] = twin;
    return count;
}

Err scenario_plan(const Scenario *scenario, const Plant *plant, Fork **out, ErrText *why)
{
    const size_t room = scenario->tag_count + scenario->twin_count + scenario->cost.tag_count + SCENARIO_CASES_MAX * SCENARIO_CHANGES_MAX + FORK_TWINS_MAX;
    uint32_t *twins = mem_alloc(room * sizeof *twins);
    if (!twins)
        return err_set(why, ERR_MEMORY, "no memory for a fork of the plant");
    const Err err = fork_plan(plant, twins, collect_twins(scenario, plant, twins), out, why);
    mem_free(twins);
    return err;
}

Err scenario_fork(const Scenario *scenario, const Plant *plant, int64_t time, Fork **out, ErrText *why)
{
    const Err err = scenario_plan(scenario, plant, out, why);
    if (!err)
        fork_fill(*out, time);
    return err;
}
