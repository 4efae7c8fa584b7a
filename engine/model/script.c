#include "model/script.h"

#include <ctype.h>
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/keys.h"

enum {
    SOURCE_MAX = 4 * 1024 * 1024,  // bytes of one script
    HOOK_STEP = 1000,              // instructions between two looks at the budget
    WORK_PER_INSTRUCTION = 16,     // bytes made or characters compared that take about as long as one instruction
    LARGE = 64 * 1024,             // bytes; a smaller piece of memory need not wait for the hook to look at the budget
};

struct Script {
    lua_State *lua;
    size_t memory, memory_max;
    bool muted;
    bool running;  // limits are the script's: what the engine does in the same state, it does unbounded
    size_t instructions_max, instructions_left;  // of the call that runs, or ran last
    char *path, *source;  // of the file that was run last
    size_t source_length;
    char assigns;         // what stands between a key and its value there
};

/* Take what one instruction does besides from the budget; false when that uses it up. */
static bool charge(Script *script, size_t work)
{
    const size_t cost = work / WORK_PER_INSTRUCTION;
    script->instructions_left = cost < script->instructions_left ? script->instructions_left - cost : 0;
    return script->instructions_left > 0;
}

static bool may_grow(Script *script, size_t bytes)
{
    if (!script->running)
        return true;
    if (script->memory + bytes > script->memory_max) {
        charge(script, script->memory);  // Lua will look through all of it for garbage
        return false;
    }
    return charge(script, bytes) || bytes < LARGE;  // the hook stops what asks in small pieces
}

static void *bounded_alloc(void *self, void *memory, size_t old_size, size_t new_size)
{
    Script *script = self;
    const size_t held = memory ? old_size : 0;  // for new objects Lua passes a kind in old_size
    if (new_size == 0) {
        free(memory);
        script->memory -= held;
        return NULL;
    }

    if (new_size > held && !may_grow(script, new_size - held))
        return NULL;
    void *moved = realloc(memory, new_size);
    if (moved)
        script->memory += new_size - held;
    return moved;
}

static Script *script_of(lua_State *lua)
{
    return *(Script **)lua_getextraspace(lua);
}

#define OUT_OF_BUDGET "runs too long: the budget of instructions is used up"

static void spend(lua_State *lua, lua_Debug *where)
{
    (void)where;
    Script *script = script_of(lua);
    if (script->instructions_left > HOOK_STEP) {
        script->instructions_left -= HOOK_STEP;
        return;
    }
    script->instructions_left = 0;
    luaL_where(lua, 0);  // in a hook the running function is level 0
    lua_pushliteral(lua, OUT_OF_BUDGET);
    lua_concat(lua, 2);
    lua_error(lua);
}

/* pcall as authors know it, except that running out of the budget cannot be caught: the error comes again right after. */
static int sandbox_pcall(lua_State *lua)
{
    luaL_checkany(lua, 1);
    const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
    if (script_of(lua)->instructions_left == 0)
        return lua_error(lua);
    lua_pushboolean(lua, status == LUA_OK);
    lua_insert(lua, 1);
    return lua_gettop(lua);
}

static size_t times(size_t a, size_t b)
{
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

/* How many characters a search may compare: the whole pattern at each start, and each part that can be longer or shorter in each of its lengths. */
static size_t search_work(const char *pattern, size_t length, size_t subject)
{
    size_t work = times(length + 1, *pattern == '^' ? 1 : subject + 1);
    for (size_t i = 0; i < length; i++) {
        if (strchr("*+-", pattern[i]) && pattern[i])
            work = times(work, subject + 1);
        else if (pattern[i] == '?')
            work = times(work, 2);
        else if (pattern[i] == '%' && ++i < length && (pattern[i] == 'b' || isdigit((unsigned char)pattern[i])))
            work = times(work, subject + 1);  // balanced brackets and what was captured before are compared at length
    }
    return work;
}

static int call_charged(lua_State *lua, size_t work)
{
    if (!charge(script_of(lua), work))
        return luaL_error(lua, OUT_OF_BUDGET);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
    return lua_gettop(lua);
}

static int sandbox_search(lua_State *lua)
{
    size_t subject, length;
    luaL_checklstring(lua, 1, &subject);
    const char *pattern = luaL_checklstring(lua, 2, &length);
    return call_charged(lua, search_work(pattern, length, subject));
}

static int sandbox_rep(lua_State *lua)
{
    size_t length, separator = 0;
    luaL_checklstring(lua, 1, &length);
    luaL_optlstring(lua, 3, "", &separator);
    const lua_Integer count = luaL_checkinteger(lua, 2);
    return call_charged(lua, count > 0 && length + separator == 0 ? (size_t)count : 0);  // bytes are charged for as they are made
}

static int sandbox_move(lua_State *lua)
{
    const lua_Integer first = luaL_checkinteger(lua, 2), last = luaL_checkinteger(lua, 3);
    return call_charged(lua, last >= first ? (size_t)last - (size_t)first : 0);
}

typedef struct Key {
    const char *text;  // NULL for a number; it lives as long as its table
    size_t length;
    lua_Number number;
    lua_Integer integer;  // the same, where it is one
    bool is_integer;
} Key;

static int compare_numbers(const Key *x, const Key *y)
{
    if (x->is_integer && y->is_integer)
        return (x->integer > y->integer) - (x->integer < y->integer);
    return (x->number > y->number) - (x->number < y->number);
}

/* Numbers first, then texts by their bytes. */
static int by_key(const void *a, const void *b)
{
    const Key *x = a, *y = b;
    if (!x->text || !y->text)
        return x->text || y->text ? (x->text != NULL) - (y->text != NULL) : compare_numbers(x, y);
    const size_t shorter = x->length < y->length ? x->length : y->length;
    const int order = memcmp(x->text, y->text, shorter);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* The next key in upvalue 1, from place upvalue 2 on, that still has a value in the table; what was removed meanwhile is passed over. */
static int next_in_order(lua_State *lua)
{
    for (lua_Integer i = lua_tointeger(lua, lua_upvalueindex(2)) + 1;; i++) {
        lua_settop(lua, 1);
        if (lua_rawgeti(lua, lua_upvalueindex(1), i) == LUA_TNIL)
            return 1;
        lua_pushvalue(lua, -1);
        if (lua_rawget(lua, 1) != LUA_TNIL) {
            lua_pushinteger(lua, i);
            lua_replace(lua, lua_upvalueindex(2));
            return 2;
        }
    }
}

/* pairs as authors know it, but in one order: Lua's own differs from run to run, and with it the bits of whatever is added up along it [I2]. */
static int sandbox_pairs(lua_State *lua)
{
    size_t count = 0;
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1))
        count++;
    if (!charge(script_of(lua), times(count, 8 * WORK_PER_INSTRUCTION)))  // about what sorting takes
        return luaL_error(lua, OUT_OF_BUDGET);

    Key *keys = lua_newuserdatauv(lua, (count + 1) * sizeof *keys, 0);
    size_t filled = 0;
    for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1)) {
        const int type = lua_type(lua, -2);
        if (type != LUA_TNUMBER && type != LUA_TSTRING)
            return luaL_error(lua, "pairs: keys are numbers or texts here, which have an order; this is a %s", lua_typename(lua, type));
        Key *key = &keys[filled++];
        *key = (Key){.is_integer = lua_isinteger(lua, -2)};
        if (type == LUA_TSTRING)
            key->text = lua_tolstring(lua, -2, &key->length);
        else
            key->number = lua_tonumber(lua, -2), key->integer = lua_tointeger(lua, -2);
    }
    qsort(keys, filled, sizeof *keys, by_key);

    lua_createtable(lua, (int)filled, 0);
    for (size_t i = 0; i < filled; i++) {
        if (keys[i].text)
            lua_pushlstring(lua, keys[i].text, keys[i].length);
        else if (keys[i].is_integer)
            lua_pushinteger(lua, keys[i].integer);
        else
            lua_pushnumber(lua, keys[i].number);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(lua, 0);
    lua_pushcclosure(lua, next_in_order, 2);
    lua_pushvalue(lua, 1);
    return 2;
}

/* Functions that can work for hours inside one instruction are charged for it beforehand. */
static void charge_functions(lua_State *lua)
{
    static const struct {
        const char *library, *name;
        lua_CFunction charged;
    } functions[] = {{LUA_STRLIBNAME, "find", sandbox_search}, {LUA_STRLIBNAME, "match", sandbox_search}, {LUA_STRLIBNAME, "gmatch", sandbox_search},
                     {LUA_STRLIBNAME, "gsub", sandbox_search}, {LUA_STRLIBNAME, "rep", sandbox_rep},      {LUA_TABLIBNAME, "move", sandbox_move}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_getglobal(lua, functions[i].library);
        lua_getfield(lua, -1, functions[i].name);
        lua_pushcclosure(lua, functions[i].charged, 1);
        lua_setfield(lua, -2, functions[i].name);
        lua_pop(lua, 1);
    }
}

static int sandbox_print(lua_State *lua)
{
    luaL_Buffer line;
    const int count = lua_gettop(lua);
    luaL_buffinit(lua, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&line, '\t');
        luaL_tolstring(lua, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    if (!script_of(lua)->muted)
        log_write(LOG_INFO, "script", "%.500s", lua_tostring(lua, -1));
    return 0;
}

/* What is left of the standard library: nothing that reaches outside, reads bytecode, or takes time or memory that is not charged for. Without
 * setmetatable there are no finalizers, which run outside of every budget, and declarations are plain tables, which the engine reads unprotected. */
static int open_sandbox(lua_State *lua)
{
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base}, {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string},
                                         {LUA_MATHLIBNAME, luaopen_math}, {LUA_UTF8LIBNAME, luaopen_utf8}};
    static const char *const forbidden[] = {"dofile", "loadfile", "load", "collectgarbage", "require", "xpcall", "setmetatable", "rawset", "rawget", "rawlen", "rawequal"};

    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
        lua_pop(lua, 1);
    }
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        lua_pushnil(lua);
        lua_setglobal(lua, forbidden[i]);
    }
    lua_register(lua, "pcall", sandbox_pcall);
    lua_register(lua, "print", sandbox_print);
    lua_register(lua, "pairs", sandbox_pairs);

    charge_functions(lua);

    // string.dump makes bytecode
    lua_getglobal(lua, LUA_STRLIBNAME);
    lua_pushnil(lua);
    lua_setfield(lua, -2, "dump");
    lua_pop(lua, 1);

    // a script that could change the metatable of all strings could change what the engine reads
    lua_pushliteral(lua, "");
    lua_getmetatable(lua, -1);
    lua_pushliteral(lua, "locked");
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 2);

    // random numbers would make two runs differ
    lua_getglobal(lua, LUA_MATHLIBNAME);
    lua_pushnil(lua);
    lua_setfield(lua, -2, "random");
    lua_pushnil(lua);
    lua_setfield(lua, -2, "randomseed");
    lua_pop(lua, 1);
    return 0;
}

Err script_create(size_t memory_max, Script **out, ErrText *why)
{
    *out = NULL;
    Script *script = mem_alloc(sizeof *script);
    if (!script)
        return err_set(why, ERR_MEMORY, "no memory for a script");
    script->memory_max = memory_max;
    script->lua = lua_newstate(bounded_alloc, script);
    if (!script->lua) {
        mem_free(script);
        return err_set(why, ERR_MEMORY, "no memory for a script");
    }

    *(Script **)lua_getextraspace(script->lua) = script;
    lua_pushcfunction(script->lua, open_sandbox);
    const Err err = script_call(script, 0, 0, SCRIPT_LOAD_INSTRUCTIONS, why);
    if (err) {
        script_destroy(script);
        return err;
    }
    *out = script;
    return ERR_OK;
}

void script_destroy(Script *script)
{
    if (!script)
        return;
    lua_close(script->lua);
    mem_free(script->path);
    mem_free(script->source);
    mem_free(script);
}

lua_State *script_lua(Script *script)
{
    return script->lua;
}

void script_mute(Script *script)
{
    script->muted = true;
}

static Err read_source(Script *script, const char *path, ErrText *why)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));

    mem_free(script->path);
    mem_free(script->source);
    const size_t path_size = strlen(path) + 1;
    script->path = mem_alloc(path_size);
    script->source = mem_alloc(SOURCE_MAX + 2);
    script->assigns = '=';
    if (!script->path || !script->source) {
        fclose(file);
        return err_set(why, ERR_MEMORY, "%s: no memory to read it", path);
    }

    memcpy(script->path, path, path_size);
    script->source_length = fread(script->source, 1, SOURCE_MAX + 1, file);
    const bool failed = ferror(file);
    fclose(file);
    if (failed)
        return err_set(why, ERR_IO, "%s: cannot be read (is it a folder?)", path);
    if (script->source_length > SOURCE_MAX)
        return err_set(why, ERR_RANGE, "%s: a script may have %d MiB at most", path, SOURCE_MAX / 1024 / 1024);
    script->source[script->source_length] = 0;
    return ERR_OK;
}

/* Lua's messages begin "path:line:", but of a long path they have the end alone, and some have no place: then the file at least is named. Pops the message. */
static Err fail(Script *script, const char *text, ErrText *why)
{
    enum { TAIL = LUA_IDSIZE - 4 };  // what "..." and the 0 leave
    const char *path = script->path ? script->path : "script";
    const size_t length = strlen(path);
    if (text && strncmp(text, path, length) == 0)
        err_set(why, ERR_SCRIPT, "%s", text);
    else if (text && length > TAIL && strncmp(text, "...", 3) == 0 && strncmp(text + 3, path + length - TAIL, TAIL) == 0)
        err_set(why, ERR_SCRIPT, "%s%s", path, text + 3 + TAIL);
    else
        err_set(why, ERR_SCRIPT, "%s: %s", path, text ? text : "failed with an error that is not a text");
    lua_pop(script->lua, 1);
    return ERR_SCRIPT;
}

static Err take_source(Script *script, const char *path, const char *text, size_t length, char assigns, ErrText *why)
{
    mem_free(script->path);
    mem_free(script->source);
    script->path = mem_alloc(strlen(path) + 1);
    script->source = mem_alloc(length + 1);
    if (!script->path || !script->source)
        return err_set(why, ERR_MEMORY, "%s: no memory to read it", path);
    memcpy(script->path, path, strlen(path) + 1);
    memcpy(script->source, text, length);
    script->source_length = length;
    script->assigns = assigns;
    return ERR_OK;
}

Err script_take_json(Script *script, const char *path, const char *text, size_t length, ErrText *why)
{
    if (length > SOURCE_MAX)
        return err_set(why, ERR_RANGE, "%s: may have %d MiB at most", path, SOURCE_MAX / 1024 / 1024);
    return take_source(script, path, text, length, ':', why);
}

bool script_find(const char *beside, const char *const *places, const char *name, char *out, size_t size)
{
    const char *slash = strrchr(beside, '/');
    const int folder = slash ? (int)(slash - beside + 1) : 0;
    for (; *places; places++) {
        const int length = snprintf(out, size, "%.*s%s%s%s", folder, beside, *places, name, strchr(name, '.') ? "" : ".lua");
        if (length >= 0 && (size_t)length < size && access(out, R_OK) == 0)
            return true;
    }
    return false;
}

static Err run_source(Script *script, size_t instructions_max, ErrText *why)
{
    // the chunk is named by its path, so that Lua's own messages begin "path:line:"; "t" refuses bytecode
    char chunk[512];
    snprintf(chunk, sizeof chunk, "@%s", script->path);
    if (luaL_loadbufferx(script->lua, script->source, script->source_length, chunk, "t") != LUA_OK)
        return fail(script, lua_tostring(script->lua, -1), why);
    return script_call(script, 0, 1, instructions_max, why);
}

Err script_run_file(Script *script, const char *path, size_t instructions_max, ErrText *why)
{
    const Err err = read_source(script, path, why);
    return err ? err : run_source(script, instructions_max, why);
}

Err script_run_again(Script *script, const Script *source, size_t instructions_max, ErrText *why)
{
    const Err err = take_source(script, source->path, source->source, source->source_length, source->assigns, why);
    return err ? err : run_source(script, instructions_max, why);
}

Err script_call(Script *script, int arguments, int results, size_t instructions_max, ErrText *why)
{
    lua_State *lua = script->lua;
    script->instructions_max = script->instructions_left = instructions_max;
    script->running = true;
    lua_sethook(lua, spend, LUA_MASKCOUNT, HOOK_STEP);
    const int status = lua_pcall(lua, arguments, results, 0);
    lua_sethook(lua, NULL, 0, 0);
    script->running = false;
    if (status == LUA_OK)
        return ERR_OK;

    char full[64];
    snprintf(full, sizeof full, "uses more than its %zu MiB of memory", script->memory_max >> 20);
    const char *no_memory = script->instructions_left ? full : OUT_OF_BUDGET;
    return fail(script, status == LUA_ERRMEM ? no_memory : lua_tostring(lua, -1), why);
}

uint64_t script_hash(const Script *script)
{
    return hash_bytes(0, script->source, script->source_length);
}

size_t script_used(const Script *script)
{
    return (script->instructions_max - script->instructions_left) / HOOK_STEP * HOOK_STEP;
}

/* Whether `word` is called with a text, as in model "tank", outside of comments. */
static bool calls(const char *source, const char *word)
{
    const size_t length = strlen(word);
    for (const char *line = source; *line;) {
        const size_t width = strcspn(line, "\n");
        const char *comment = strstr(line, "--"), *found = strstr(line, word);
        const bool here = found && found < line + width && (!comment || found < comment);
        if (here && (found == line || isspace((unsigned char)found[-1]))) {
            const char next = found[length + strspn(found + length, " \t(")];
            if (next == '"' || next == '\'')
                return true;
        }
        line += width + (line[width] == '\n');
    }
    return false;
}

Err script_kind(const char *path, ScriptKind *out, ErrText *why)
{
    Script source = {0};
    const Err err = read_source(&source, path, why);
    if (!err)
        *out = calls(source.source, "model") && !calls(source.source, "plant") ? SCRIPT_MODEL : SCRIPT_PLANT;
    mem_free(source.path);
    mem_free(source.source);
    return err;
}

Err script_blame_path(Script *script, ErrText *why, const char *const *keys, const char *text)
{
    return err_set(why, ERR_SCRIPT, "%s:%d: %s", script->path, keys_line(script->source, keys, script->assigns), text);
}

Err script_blame(Script *script, ErrText *why, const char *section, const char *key, const char *format, ...)
{
    char text[sizeof why->text - 200];
    const char *const keys[] = {section ? section : key, section ? key : NULL, NULL};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return script_blame_path(script, why, keys, text);
}

Err script_refuse_twice(Script *script, const char *section, ErrText *why)
{
    KeyTwice key;
    if (keys_find_twice(script->source, section, &key))
        return err_set(why, ERR_MEMORY, "%s: no memory to read it", script->path);
    if (!key.name)
        return ERR_OK;
    return err_set(why, ERR_SCRIPT, "%s:%d: %s: \"%.*s\" stands in line %d already: one of the two was expected", script->path, key.second, section, key.length, key.name, key.first);
}
