#include "model/declare.h"

#include <ctype.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 48 };

void declare_fail(Declaration *entry, const char *format, ...)
{
    if (entry->err)
        return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    entry->err = script_blame(entry->script, entry->why, entry->section, entry->key, "%s", text);
}

static bool is_known(const char *const *known, const char *key)
{
    for (; *known; known++)
        if (strcmp(*known, key) == 0)
            return true;
    return false;
}

static void list(const char *const *names, char *out, size_t size)
{
    size_t used = 0;
    *out = 0;
    for (; *names && used < size; names++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", *names);
}

void declare_only(Declaration *entry, const char *const *known, int elements)
{
    lua_State *lua = script_lua(entry->script);
    if (entry->err)
        return;
    for (lua_pushnil(lua); lua_next(lua, entry->index);) {
        lua_pop(lua, 1);
        if (lua_type(lua, -1) == LUA_TSTRING && is_known(known, lua_tostring(lua, -1)))
            continue;
        if (lua_isinteger(lua, -1) && lua_tointeger(lua, -1) >= 1 && lua_tointeger(lua, -1) <= elements)
            continue;

        char names[256], text[64];
        list(known, names, sizeof names);
        snprintf(text, sizeof text, "%s", luaL_tolstring(lua, -1, NULL));
        lua_pop(lua, 2);  // the text and the key, which ends lua_next
        const char *const where = entry->key ? entry->key : entry->section;
        entry->err = script_blame(entry->script, entry->why, entry->section, entry->key ? entry->key : text,
                                  "unknown key \"%s\" in \"%s\"; expected one of: %s", text, where, names);
        return;
    }
}

/* The value on top of the stack, as what was asked for; pops it. */
static double pop_number(Declaration *entry, const char *what, double fallback)
{
    lua_State *lua = script_lua(entry->script);
    double value = fallback;
    if (lua_type(lua, -1) == LUA_TNUMBER)
        value = lua_tonumber(lua, -1);
    else if (!lua_isnil(lua, -1))
        declare_fail(entry, "%s of \"%s\": expected a number, got %s", what, entry->key ? entry->key : entry->section, luaL_typename(lua, -1));
    lua_pop(lua, 1);
    if (isnan(value) && !isnan(fallback))
        declare_fail(entry, "%s of \"%s\" is not a number (NaN)", what, entry->key ? entry->key : entry->section);
    return value;
}

static const char *pop_text(Declaration *entry, const char *what, const char *fallback)
{
    lua_State *lua = script_lua(entry->script);
    const char *text = fallback;
    if (lua_type(lua, -1) == LUA_TSTRING)
        text = lua_tostring(lua, -1);  // stays alive in its table
    else if (!lua_isnil(lua, -1))
        declare_fail(entry, "%s of \"%s\": expected a text, got %s", what, entry->key ? entry->key : entry->section, luaL_typename(lua, -1));
    lua_pop(lua, 1);
    return text;
}

double declare_number(Declaration *entry, const char *name, double fallback)
{
    lua_getfield(script_lua(entry->script), entry->index, name);
    return pop_number(entry, name, fallback);
}

bool declare_flag(Declaration *entry, const char *name, bool fallback)
{
    lua_State *lua = script_lua(entry->script);
    lua_getfield(lua, entry->index, name);
    if (!lua_isnil(lua, -1) && !lua_isboolean(lua, -1))
        declare_fail(entry, "%s of \"%s\": expected true or false, got %s", name, entry->key ? entry->key : entry->section, luaL_typename(lua, -1));
    const bool flag = lua_isnil(lua, -1) ? fallback : lua_toboolean(lua, -1);
    lua_pop(lua, 1);
    return flag;
}

const char *declare_text(Declaration *entry, const char *name, const char *fallback)
{
    lua_getfield(script_lua(entry->script), entry->index, name);
    return pop_text(entry, name, fallback);
}

static const char *const ordinals[] = {"element 0", "the first element", "the second element", "the third element", "the fourth element"};

static const Unit *parse_unit(Declaration *entry, const char *spelt, const Unit *fallback)
{
    const Unit *unit;
    ErrText why;
    if (!unit_parse(spelt, &unit, &why))
        return unit;
    declare_fail(entry, "unit of \"%s\": %s", entry->key, why.text);
    return fallback;
}

double declare_number_at(Declaration *entry, int n, double fallback)
{
    lua_geti(script_lua(entry->script), entry->index, n);
    return pop_number(entry, ordinals[n], fallback);
}

const char *declare_text_at(Declaration *entry, int n, const char *fallback)
{
    lua_geti(script_lua(entry->script), entry->index, n);
    return pop_text(entry, ordinals[n], fallback);
}

const Unit *declare_unit_at(Declaration *entry, int n)
{
    const char *name = declare_text_at(entry, n, NULL);
    if (!name)
        declare_fail(entry, "\"%s\" has no unit: expected { value, \"unit\" }, with \"1\" for a plain number", entry->key);
    return name ? parse_unit(entry, name, unit_one()) : unit_one();
}

const Unit *declare_unit(Declaration *entry, const char *name, const Unit *fallback)
{
    const char *spelt = declare_text(entry, name, NULL);
    return spelt ? parse_unit(entry, spelt, fallback) : fallback;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the word returned, called with the table. */
static int declaration(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_setfield(lua, 1, "name");
    lua_settop(lua, 1);
    return 1;
}

static int declaration_name(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1), *word = lua_tostring(lua, lua_upvalueindex(1));
    if (lua_toboolean(lua, lua_upvalueindex(2)) && !declare_is_name(name))
        return luaL_error(lua, "%s \"%s\": expected a letter, then letters, digits or underscores", word, name);
    lua_settop(lua, 1);
    lua_pushcclosure(lua, declaration, 1);
    return 1;
}

void declare_word(lua_State *lua, const char *word, bool is_identifier)
{
    lua_pushstring(lua, word);
    lua_pushboolean(lua, is_identifier);
    lua_pushcclosure(lua, declaration_name, 2);
    lua_setglobal(lua, word);
}

Err declare_keys(Script *script, int index, const char *section, Arena *arena, const char ***keys, size_t *count, ErrText *why)
{
    lua_State *lua = script_lua(script);
    size_t n = 0;
    for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1))
        n++;
    *keys = arena_new(arena, const char *, n + 1);
    *count = 0;
    if (!*keys)
        return err_set(why, ERR_MEMORY, "no memory for the names in \"%s\"", section);

    for (lua_pushnil(lua); lua_next(lua, index);) {
        lua_pop(lua, 1);
        if (lua_type(lua, -1) != LUA_TSTRING || !declare_is_name(lua_tostring(lua, -1))) {
            char name[64];
            snprintf(name, sizeof name, "%s", luaL_tolstring(lua, -1, NULL));
            lua_pop(lua, 2);
            return script_blame(script, why, section, NULL,
                                "\"%s\" cannot be a name in \"%s\": expected a letter, then letters, digits or underscores, at most %d", name, section,
                                NAME_MAX_LENGTH);
        }
        (*keys)[*count] = arena_text(arena, lua_tostring(lua, -1));
        if (!(*keys)[(*count)++])
            return err_set(why, ERR_MEMORY, "no memory for the names in \"%s\"", section);
    }
    qsort(*keys, *count, sizeof **keys, by_name);
    return ERR_OK;
}

bool declare_is_name(const char *name)
{
    size_t length = 0;
    if (!isalpha((unsigned char)*name))
        return false;
    for (; name[length]; length++)
        if (!isalnum((unsigned char)name[length]) && name[length] != '_')
            return false;
    return length <= NAME_MAX_LENGTH;
}
