/* interlock.c -- the predicate of the plant's script: what it returns, and what stands in its place when it fails. */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "alarm/handlers.h"
#include "gate/inside.h"

enum { INTERLOCK_FAILURES_MAX = 16 };  // in one tick, after which none is asked until the next: each may have used its whole budget

/* One question on its way into the sandbox. */
typedef struct Question {
    const Gate *gate;
    const Actuator *actuator;
    const CommandWish *wish;
    int64_t now;
} Question;

static void set_text(lua_State *lua, const char *key, const char *text)
{
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, key);
}

static void set_number(lua_State *lua, const char *key, double number)
{
    lua_pushnumber(lua, number);
    lua_setfield(lua, -2, key);
}

/* { tag = "valve1.opening", twin = "valve1", value = 40, before = 35, by = "anna", reason = "by hand", time = 1700000000 } */
static void push_ask(lua_State *lua, const Question *question)
{
    const CommandWish *const wish = question->wish;
    const TagTable *const tags = question->gate->plant->tags;
    const Tag tag = tags_get(tags, wish->tag);
    const double before = gate_told(question->gate, wish->tag);
    lua_createtable(lua, 0, 8);
    set_text(lua, "tag", tags_name(tags, wish->tag).text);
    set_text(lua, "twin", tag.asset);
    set_number(lua, "value", unit_from_si(tag.unit, wish->value));
    if (!isnan(before))
        set_number(lua, "before", unit_from_si(tag.unit, before));
    set_text(lua, "by", wish->by);
    set_text(lua, "reason", wish->reason);
    set_number(lua, "time", (double)question->now / (double)NS_PER_S);
}

/* Gets the Question; returns whether, and why not. */
static int ask(lua_State *lua)
{
    const Question *const question = lua_touserdata(lua, 1);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, question->actuator->guard->rule->interlock);
    push_ask(lua, question);
    lua_call(lua, 1, 2);
    if (!lua_isboolean(lua, -2))
        luaL_error(lua, "it returned a %s: true, or false and a reason was expected", luaL_typename(lua, -2));
    if (!lua_isnil(lua, -1) && lua_type(lua, -1) != LUA_TSTRING)
        luaL_error(lua, "its reason is a %s: a text was expected", luaL_typename(lua, -1));
    return 2;
}

/* A predicate that fails says nothing of the plant: what it guards is not moved. */
static Err refuse_failed(Gate *gate, const Question *question, const ErrText *failure, ErrText *why)
{
    const TagName tag = tags_name(gate->plant->tags, question->wish->tag);
    gate->interlock_failures = gate->interlock_time == question->now ? gate->interlock_failures + 1 : 1;
    gate->interlock_time = question->now;
    if (gate->interlock_logged == TIME_NONE || question->now - gate->interlock_logged >= 10 * NS_PER_S) {
        gate->interlock_logged = question->now;
        log_write(LOG_ERROR, "gate", "the interlock of %s failed: %s", tag.text, failure->text);
    }
    return err_set(why, ERR_SCRIPT, "%s: its interlock failed: %.200s", tag.text, failure->text);
}

/* The answer is on the stack: whether, and why not. */
static Err take_answer(const Question *question, ErrText *why)
{
    lua_State *const lua = script_lua(question->gate->plant->script);
    const bool agrees = lua_toboolean(lua, -2);
    const char *const reason = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "its interlock does not allow it";
    if (!agrees)
        err_set(why, ERR_DENIED, "%s: %.200s", tags_name(question->gate->plant->tags, question->wish->tag).text, reason);
    lua_pop(lua, 2);
    return agrees ? ERR_OK : ERR_DENIED;
}

Err gate__ask_interlock(Gate *gate, const Actuator *actuator, const CommandWish *wish, int64_t now, ErrText *why)
{
    if (!actuator->guard || actuator->guard->rule->interlock == LUA_NOREF)
        return ERR_OK;
    if (gate->interlock_time == now && gate->interlock_failures >= INTERLOCK_FAILURES_MAX)
        return err_set(why, ERR_FULL, "%s: too many interlocks have failed in this tick for another to be asked", tags_name(gate->plant->tags, wish->tag).text);
    Question question = {gate, actuator, wish, now};
    lua_State *const lua = script_lua(gate->plant->script);
    ErrText failure;
    lua_pushcfunction(lua, ask);
    lua_pushlightuserdata(lua, &question);
    if (script_call(gate->plant->script, 1, 2, HANDLER_INSTRUCTIONS, &failure))
        return refuse_failed(gate, &question, &failure, why);
    return take_answer(&question, why);
}
