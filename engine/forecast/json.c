#include "forecast/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool push_value(lua_State *lua, const json_t *value, int depth);

static bool push_array(lua_State *lua, const json_t *array, int depth)
{
    lua_createtable(lua, (int)json_array_size(array), 0);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!push_value(lua, json_array_get(array, i), depth))
            return false;
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
    return true;
}

static bool push_object(lua_State *lua, const json_t *object, int depth)
{
    const char *key;
    json_t *value;
    lua_newtable(lua);
    json_object_foreach((json_t *)object, key, value) {
        lua_pushstring(lua, key);
        if (!push_value(lua, value, depth))
            return false;
        lua_rawset(lua, -3);
    }
    return true;
}

/* What is nested deeper than any declaration is refused before it fills the stack. */
static bool push_value(lua_State *lua, const json_t *value, int depth)
{
    if (depth == JSON_DEPTH_MAX || !lua_checkstack(lua, 4))
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT: return push_object(lua, value, depth + 1);
    case JSON_ARRAY: return push_array(lua, value, depth + 1);
    case JSON_STRING: lua_pushstring(lua, json_string_value(value)); return true;
    case JSON_INTEGER:
    case JSON_REAL: lua_pushnumber(lua, json_number_value(value)); return true;
    case JSON_TRUE:
    case JSON_FALSE: lua_pushboolean(lua, json_is_true(value)); return true;
    case JSON_NULL: lua_pushnil(lua); return true;
    }
    return false;
}

typedef struct Pushing {
    const json_t *root;
    bool done;
} Pushing;

/* In a call of its own, so that a table without memory is an error and not the end. */
static int push_root(lua_State *lua)
{
    Pushing *pushing = lua_touserdata(lua, 1);
    pushing->done = push_value(lua, pushing->root, 0);
    return pushing->done ? 1 : 0;
}

Err json_push(Script *script, const char *name, const char *text, size_t length, ErrText *why)
{
    json_error_t error;
    Err err = script_take_json(script, name, text, length, why);
    if (err)
        return err;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return err_set(why, ERR_PARSE, "%s:%d: %s", name, error.line, error.text);

    Pushing pushing = {root, false};
    lua_State *lua = script_lua(script);
    if (!json_is_object(root)) {
        err = err_set(why, ERR_PARSE, "%s:1: expected an object, { \"horizon\": ..., \"tags\": [ ... ] }", name);
    } else {
        lua_pushcfunction(lua, push_root);
        lua_pushlightuserdata(lua, &pushing);
        err = script_call(script, 1, 1, SCRIPT_LOAD_INSTRUCTIONS, why);
        if (!err && !pushing.done)
            err = err_set(why, ERR_PARSE, "%s: nested deeper than %d", name, JSON_DEPTH_MAX);
    }
    json_decref(root);
    return err;
}

Err json_push_file(Script *script, const char *path, ErrText *why)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    char *text = mem_alloc(JSON_SIZE_MAX + 1);
    const size_t length = text ? fread(text, 1, JSON_SIZE_MAX + 1, file) : 0;
    Err err = text ? ERR_OK : err_set(why, ERR_MEMORY, "%s: no memory to read it", path);
    if (!err && ferror(file))
        err = err_set(why, ERR_IO, "%s: cannot be read (is it a folder?)", path);
    else if (!err && length > JSON_SIZE_MAX)
        err = err_set(why, ERR_RANGE, "%s: may have %d MiB at most", path, JSON_SIZE_MAX / 1024 / 1024);
    fclose(file);
    if (!err)
        err = json_push(script, path, text, length, why);
    mem_free(text);
    return err;
}
