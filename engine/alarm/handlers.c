/* handlers.c -- everything that may raise a Lua error happens inside script_call. */
#include "alarm/handlers.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const handler_names[HANDLER_COUNT] = {[HANDLER_DIVERGENCE] = "divergence", [HANDLER_ALARM] = "alarm"};

/* One call on its way into the sandbox: `fill` makes the event's table out of `event`. */
typedef struct Call {
    int function;
    void (*fill)(lua_State *lua, const Plant *plant, int64_t now, const void *event);
    const Plant *plant;
    int64_t now;
    const void *event;
} Call;

typedef struct Divergence {
    uint32_t twin;
    const Verdict *verdict;
    const char *text;
} Divergence;

typedef struct AlarmEvent {
    const Alarm *alarm;
    bool raised;
} AlarmEvent;

// What the script may say.

static Handlers *handlers_of(lua_State *lua)
{
    Handlers *const handlers = *(Handlers **)lua_touserdata(lua, lua_upvalueindex(1));
    if (!handlers)
        luaL_error(lua, "the plant that this belonged to is no longer there");
    return handlers;
}

/* The first actuators of the plant, for an error that says what there is. */
static void list_actuators(const TagTable *tags, char *out, size_t size)
{
    size_t length = 0;
    int listed = 0;
    out[0] = 0;
    for (TagId tag = 0; tag < tags_count(tags) && listed < 8 && length < size; tag++) {
        if (tags_get(tags, tag).role != TAG_ACTUATED)
            continue;
        length += (size_t)snprintf(out + length, size - length, "%s%s", listed ? ", " : "", tags_name(tags, tag).text);
        listed++;
    }
    if (!listed)
        snprintf(out, size, "none");
}

static TagId check_tag(lua_State *lua, const Plant *plant, int argument)
{
    const char *const name = luaL_checkstring(lua, argument);
    const TagId tag = tags_find(plant->tags, name);
    if (tag == TAG_NONE) {
        char actuators[256];
        list_actuators(plant->tags, actuators, sizeof actuators);
        luaL_error(lua, "no tag \"%s\" in plant %s (its actuators: %s)", name, plant->name, actuators);
    }
    return tag;
}

static double check_value(lua_State *lua, Tag tag, int argument)
{
    const double value = luaL_checknumber(lua, argument);
    const double si = unit_to_si(tag.unit, value);
    if (!isfinite(si))
        luaL_error(lua, "%s.%s cannot be set to %f: a finite number was expected", tag.asset, tag.channel, value);
    return si;
}

/* The reason out of the table of options; "" when there is none. */
static const char *check_reason(lua_State *lua, int argument)
{
    if (lua_isnoneornil(lua, argument))
        return "";
    luaL_checktype(lua, argument, LUA_TTABLE);
    const char *reason = "";
    for (lua_pushnil(lua); lua_next(lua, argument); lua_pop(lua, 1)) {
        const char *const key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "?";
        if (strcmp(key, "reason") != 0)
            luaL_error(lua, "no option \"%s\" of command: there is reason", key);
        if (lua_type(lua, -1) != LUA_TSTRING)
            luaL_error(lua, "reason is a %s: a text was expected", luaL_typename(lua, -1));
        reason = lua_tostring(lua, -1);  // the table keeps it alive
    }
    return reason;
}

static int word_command(lua_State *lua)
{
    Handlers *const handlers = handlers_of(lua);
    if (!handlers->running)
        luaL_error(lua, "command is for handlers (on.divergence, on.alarm): outside of them nothing has happened that it could answer");
    const TagId tag = check_tag(lua, handlers->plant, 1);
    const double value = check_value(lua, tags_get(handlers->plant->tags, tag), 2);
    const char *const reason = check_reason(lua, 3);
    if (handlers->wish_count == HANDLER_WISHES_MAX)
        luaL_error(lua, "more than %d commands in one tick", HANDLER_WISHES_MAX);

    CommandWish *const wish = &handlers->wishes[handlers->wish_count++];
    *wish = (CommandWish){.tag = tag, .value = value};
    snprintf(wish->by, sizeof wish->by, "handler:%s", handlers->running);
    snprintf(wish->reason, sizeof wish->reason, "%s", reason);
    return 0;
}

static int word_value(lua_State *lua)
{
    const Plant *const plant = handlers_of(lua)->plant;
    const TagId tag = check_tag(lua, plant, 1);
    const Unit *const unit = tags_get(plant->tags, tag).unit;
    const double sd = plant_sd(plant, tag);
    lua_pushnumber(lua, unit_from_si(unit, plant_value(plant, tag)));
    if (isnan(sd))
        lua_pushnil(lua);
    else
        lua_pushnumber(lua, unit_scale_from_si(unit, sd));
    return 2;
}

static int word_log(lua_State *lua)
{
    Handlers *const handlers = handlers_of(lua);
    const char *const text = luaL_checkstring(lua, 1);
    if (handlers->line_count == HANDLER_LINES_MAX)
        luaL_error(lua, "more than %d lines of log in one tick", HANDLER_LINES_MAX);
    handlers->line_count++;
    log_write(LOG_INFO, "script", "%.500s", text);
    return 0;
}

// Finding the handlers.

/* Gets the Handlers; fills in the references, makes the words. */
static int give_words(lua_State *lua)
{
    static const luaL_Reg words[] = {{"command", word_command}, {"value", word_value}, {"log", word_log}};
    Handlers *const handlers = lua_touserdata(lua, 1);

    // the words may outlive us in the script's variables: they look through a cell that is emptied when we go
    Handlers **const cell = lua_newuserdatauv(lua, sizeof *cell, 0);
    *cell = handlers;
    lua_pushvalue(lua, -1);
    handlers->self_reference = luaL_ref(lua, LUA_REGISTRYINDEX);
    handlers->self = cell;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        lua_pushvalue(lua, -1);
        lua_pushcclosure(lua, words[i].func, 1);
        lua_setglobal(lua, words[i].name);
    }
    return 0;
}

static int handler_find(const char *name)
{
    for (int kind = 0; kind < HANDLER_COUNT; kind++)
        if (strcmp(name, handler_names[kind]) == 0)
            return kind;
    return -1;
}

/* Gets the Handlers. Returns nothing when all is well, else the key that is wrong and what is wrong with it: whoever calls adds the line. */
static int take_handlers(lua_State *lua)
{
    Handlers *const handlers = lua_touserdata(lua, 1);
    plant_push(handlers->plant, "on");
    if (lua_isnil(lua, -1))
        return 0;

    const int table = lua_gettop(lua);
    for (lua_pushnil(lua); lua_next(lua, table); lua_pop(lua, 1)) {
        const bool named = lua_type(lua, -2) == LUA_TSTRING;
        const char *const key = named ? lua_tostring(lua, -2) : luaL_typename(lua, -2);
        const int kind = named ? handler_find(key) : -1;
        lua_pushstring(lua, key);
        if (kind < 0) {
            lua_pushfstring(lua, "no handler \"%s\" in on: there are divergence, alarm", key);
            return 2;
        }
        if (lua_type(lua, -2) != LUA_TFUNCTION) {
            lua_pushfstring(lua, "on.%s is a %s: a function of the event was expected", key, luaL_typename(lua, -2));
            return 2;
        }
        lua_pushvalue(lua, -2);
        handlers->handlers[kind].function = luaL_ref(lua, LUA_REGISTRYINDEX);
        lua_pop(lua, 1);
    }
    return 0;
}

static Err run_on_handlers(Handlers *handlers, lua_CFunction function, int results, ErrText *why)
{
    lua_State *const lua = script_lua(handlers->plant->script);
    if (!lua_checkstack(lua, LUA_MINSTACK))
        return err_set(why, ERR_MEMORY, "no memory for handlers");
    lua_pushcfunction(lua, function);
    lua_pushlightuserdata(lua, handlers);
    return script_call(handlers->plant->script, 1, results, SCRIPT_LOAD_INSTRUCTIONS, why);
}

static Err find_handlers(Handlers *handlers, ErrText *why)
{
    Script *const script = handlers->plant->script;
    lua_State *const lua = script_lua(script);
    Err err = run_on_handlers(handlers, take_handlers, 2, why);
    if (err)
        return err;
    if (!lua_isnil(lua, -2))
        err = script_blame(script, why, "on", lua_tostring(lua, -2), "%s", lua_tostring(lua, -1));
    lua_pop(lua, 2);
    return err;
}

Err handlers__init(Handlers *handlers, Plant *plant, ErrText *why)
{
    *handlers = (Handlers){.plant = plant, .self_reference = LUA_NOREF, .now = TIME_NONE};
    for (int kind = 0; kind < HANDLER_COUNT; kind++)
        handlers->handlers[kind] = (Handler){.function = LUA_NOREF, .logged = TIME_NONE};

    Err err = find_handlers(handlers, why);
    if (!err)
        err = run_on_handlers(handlers, give_words, 0, why);
    if (err)
        handlers__fini(handlers);
    return err;
}

void handlers__fini(Handlers *handlers)
{
    lua_State *const lua = script_lua(handlers->plant->script);
    if (handlers->self)
        *handlers->self = NULL;
    luaL_unref(lua, LUA_REGISTRYINDEX, handlers->self_reference);
    for (int kind = 0; kind < HANDLER_COUNT; kind++)
        luaL_unref(lua, LUA_REGISTRYINDEX, handlers->handlers[kind].function);
}

// Calling them.

static void set_number(lua_State *lua, const char *key, double value)
{
    lua_pushnumber(lua, value);
    lua_setfield(lua, -2, key);
}

static void set_text(lua_State *lua, const char *key, const char *text)
{
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, key);
}

static double seconds(int64_t time)
{
    return (double)time / (double)NS_PER_S;
}

static void fill_divergence(lua_State *lua, const Plant *plant, int64_t now, const void *event)
{
    const Divergence *const divergence = event;
    const Verdict *const verdict = divergence->verdict;
    set_text(lua, "twin", plant->twins[divergence->twin].name);
    set_text(lua, "kind", verdict_name(verdict->kind));
    set_text(lua, "state", verdict->kind == VERDICT_NONE ? "returned" : "raised");
    set_text(lua, "text", divergence->text);
    set_number(lua, "time", seconds(now));
    set_number(lua, "nis", verdict->nis);
    set_number(lua, "limit", verdict->nis_limit);
}

static void fill_alarm(lua_State *lua, const Plant *plant, int64_t now, const void *event)
{
    const AlarmEvent *const change = event;
    const Alarm *const alarm = change->alarm;
    lua_pushinteger(lua, (lua_Integer)alarm->id);
    lua_setfield(lua, -2, "id");
    set_text(lua, "twin", plant->twins[alarm->twin].name);
    set_text(lua, "name", alarm->name);
    set_text(lua, "severity", severity_name(alarm->severity));
    set_text(lua, "state", change->raised ? "raised" : "returned");
    set_text(lua, "text", alarm->text);
    set_number(lua, "time", seconds(now));
}

/* Gets a Call. */
static int make_call(lua_State *lua)
{
    const Call *const call = lua_touserdata(lua, 1);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, call->function);
    lua_createtable(lua, 0, 8);
    call->fill(lua, call->plant, call->now, call->event);
    lua_call(lua, 1, 0);
    return 0;
}

static void note_failure(Handlers *handlers, HandlerKind kind, const char *text)
{
    enum { PATIENCE = 100 };  // failures in a row after which the log has heard enough
    const int64_t usual = 10 * NS_PER_S, rare = 600 * NS_PER_S;
    Handler *const handler = &handlers->handlers[kind];
    handlers->errors++;
    handler->failures_in_tick++;
    handler->failures_in_row++;

    const int64_t pause = handler->failures_in_row > PATIENCE ? rare : usual;
    if (handler->logged != TIME_NONE && handlers->now - handler->logged < pause)
        return;
    handler->logged = handlers->now;
    log_write(LOG_ERROR, "script", "on.%s failed (%u times in a row): %s", handler_names[kind], handler->failures_in_row, text);
}

static void run(Handlers *handlers, HandlerKind kind, void (*fill)(lua_State *, const Plant *, int64_t, const void *), const void *event)
{
    // one that keeps failing must not make a tick with many events endless
    Handler *const handler = &handlers->handlers[kind];
    if (handler->function == LUA_NOREF || handler->failures_in_tick == HANDLER_FAILURES_MAX)
        return;

    ErrText why;
    Call call = {handler->function, fill, handlers->plant, handlers->now, event};
    lua_State *const lua = script_lua(handlers->plant->script);
    lua_pushcfunction(lua, make_call);
    lua_pushlightuserdata(lua, &call);
    handlers->running = handler_names[kind];
    const Err err = script_call(handlers->plant->script, 1, 0, HANDLER_INSTRUCTIONS, &why);
    handlers->running = NULL;

    if (err)
        note_failure(handlers, kind, why.text);
    else
        handler->failures_in_row = 0;
}

void handlers__begin(Handlers *handlers, int64_t now)
{
    handlers->now = now;
    handlers->wish_count = 0;
    handlers->line_count = 0;
    for (int kind = 0; kind < HANDLER_COUNT; kind++)
        handlers->handlers[kind].failures_in_tick = 0;
}

void handlers__divergence(Handlers *handlers, uint32_t twin, const Verdict *verdict, const char *text)
{
    run(handlers, HANDLER_DIVERGENCE, fill_divergence, &(Divergence){twin, verdict, text});
}

void handlers__alarm(Handlers *handlers, const Alarm *alarm, bool raised)
{
    run(handlers, HANDLER_ALARM, fill_alarm, &(AlarmEvent){alarm, raised});
}
