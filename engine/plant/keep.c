/* keep.c -- durations with units that people use for years of data. */
#include "plant/keep.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/declare.h"

enum { LEVELS = sizeof(((Plant *)0)->keep_ns) / sizeof(int64_t) };

#define LEAST_S 3600.0  // what is let go ends at full hours
#define MOST_S 3e9      // far within 64-bit nanoseconds

static const char *const level_keys[LEVELS] = {"keep", "second", "minute", "hour"};

/* "30d" in seconds; INFINITY of "forever", NaN of anything else. */
static double parse_duration(const char *text)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}, {"y", 365 * 86400}};
    if (strcmp(text, "forever") == 0)
        return INFINITY;
    char *end;
    const double number = strtod(text, &end);
    while (*end == ' ')
        end++;
    for (size_t i = 0; end != text && i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0)
            return number * units[i].seconds;
    return NAN;
}

static double read_level(Declaration *entry, const char *key)
{
    const char *text = declare_text(entry, key, "forever");
    const double seconds = parse_duration(text);
    if (!(seconds >= LEAST_S) || (seconds > MOST_S && !isinf(seconds)))
        declare_fail(entry,
                     "%s of \"history\": expected a time of at least an hour, like \"12h\", \"30d\" or \"2y\" (s, min, h, d, w, y), or \"forever\", got \"%s\"",
                     key, text);
    return seconds;
}

static Err read_rollups(Plant *plant, Declaration *entry, double *levels)
{
    static const char *const known[] = {"second", "minute", "hour", NULL};
    lua_State *lua = script_lua(plant->script);
    const int type = lua_getfield(lua, entry->index, "rollups");
    Declaration rollups = {.script = plant->script, .index = lua_gettop(lua), .section = "history", .key = "rollups", .why = entry->why};
    if (type == LUA_TNIL)
        return ERR_OK;
    if (type != LUA_TTABLE) {
        declare_fail(&rollups, "\"rollups\" must be a table like { minute = \"2y\" }, got %s", lua_typename(lua, type));
        return rollups.err;
    }
    declare_only(&rollups, known, 0);
    for (int level = 1; level < LEVELS; level++)
        levels[level] = read_level(&rollups, level_keys[level]);
    return rollups.err;
}

static Err read_history(Plant *plant, int index, ErrText *why)
{
    static const char *const known[] = {"keep", "rollups", NULL};
    Declaration entry = {.script = plant->script, .index = index, .section = "history", .why = why};
    if (!lua_istable(script_lua(plant->script), index)) {
        declare_fail(&entry, "\"history\" must be a table like { keep = \"30d\" }, got %s", luaL_typename(script_lua(plant->script), index));
        return entry.err;
    }
    declare_only(&entry, known, 0);
    double levels[LEVELS] = {read_level(&entry, "keep"), INFINITY, INFINITY, INFINITY};
    if (!entry.err)
        entry.err = read_rollups(plant, &entry, levels);
    for (int level = 1; level < LEVELS && !entry.err; level++)
        if (levels[level] < levels[level - 1])
            declare_fail(&entry, "%s of \"history\" must be kept at least as long as \"%s\", of which it is made", level_keys[level], level_keys[level - 1]);
    for (int level = 0; level < LEVELS && !entry.err; level++)
        plant->keep_ns[level] = isinf(levels[level]) ? 0 : (int64_t)(levels[level] * (double)NS_PER_S);
    return entry.err;
}

Err keep_read(Plant *plant, int root, ErrText *why)
{
    lua_State *lua = script_lua(plant->script);
    const int top = lua_gettop(lua);
    const Err err = lua_getfield(lua, root, "history") == LUA_TNIL ? ERR_OK : read_history(plant, top + 1, why);
    lua_settop(lua, top);
    return err;
}
