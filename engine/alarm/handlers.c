/* handlers.c -- everything that may raise a Lua error happens inside script_call. */
#include "alarm/handlers.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant/every.h"

static const char *const kind_names[HANDLER_COUNT] = {"command", "sample", "every", "divergence", "alarm"};

/* Leaves what a handler is told, made out of `event`, on the stack. */
typedef void Telling(lua_State *lua, const Handlers *handlers, const void *event);

/* One call on its way into the sandbox. */
typedef struct Call {
    int function;
    Telling *tell;
    const Handlers *handlers;
    const void *event;
} Call;

typedef struct SampleEvent {
    const Sync *sync;
    const Sample *sample;
    double late;  // s
} SampleEvent;

typedef struct Divergence {
    uint32_t twin;
    const Verdict *verdict;
    const char *text;
    bool amended;
} Divergence;

typedef struct AlarmEvent {
    const Alarm *alarm;
    bool raised, amended;
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

/* How many of `most` the running handler may use: routine leaves half to those that answer what is wrong. */
static uint32_t share_of(const Handlers *handlers, uint32_t most)
{
    return handlers->running && handlers->running->kind < HANDLER_DIVERGENCE ? most / 2 : most;
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
        luaL_error(lua, "command is for handlers (the functions in on): outside of them nothing has happened that it could answer");
    const TagId tag = check_tag(lua, handlers->plant, 1);
    const double value = check_value(lua, tags_get(handlers->plant->tags, tag), 2);
    const char *const reason = check_reason(lua, 3);
    const uint32_t wishes_max = share_of(handlers, HANDLER_WISHES_MAX);
    if (handlers->wish_count >= wishes_max)
        luaL_error(lua, "more than %d commands in one tick", (int)wishes_max);

    CommandWish *const wish = &handlers->wishes[handlers->wish_count++];
    *wish = (CommandWish){.tag = tag, .value = value, .asker = ASKER_HANDLER};
    snprintf(wish->by, sizeof wish->by, "handler:%s", kind_names[handlers->running->kind]);
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
    const uint32_t lines_max = share_of(handlers, HANDLER_LINES_MAX);
    if (handlers->line_count >= lines_max)
        luaL_error(lua, "more than %d lines of log in one tick", (int)lines_max);
    handlers->line_count++;
    if (!handlers->rehearses)
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

/* What is wrong, for find_handlers: which key of which table, and why. Whoever calls adds the line. */
static int complain(lua_State *lua, const char *section, const char *key, const char *text)
{
    lua_pushstring(lua, section);
    lua_pushstring(lua, key);
    lua_pushstring(lua, text);
    return 3;
}

/* A handler whose function is on top of the stack; pops it. NULL when there are too many of its kind. */
static Handler *add_handler(lua_State *lua, Handlers *handlers, HandlerKind kind)
{
    const size_t most = kind == HANDLER_SAMPLE ? PATTERNS_MAX : kind == HANDLER_EVERY ? HANDLER_TIMERS_MAX : 1;
    size_t count = 0;
    for (size_t i = 0; i < handlers->count; i++)
        count += handlers->list[i].kind == kind;
    if (count == most)
        return NULL;

    Handler *const handler = &handlers->list[handlers->count];
    *handler = (Handler){.kind = kind, .function = luaL_ref(lua, LUA_REGISTRYINDEX), .logged = TIME_NONE};
    handlers->count++;
    return handler;
}

/* sample = { ["tank1.radar"] = f, ["cell_*.voltmeter"] = g }, on top of the stack */
static int take_samples(lua_State *lua, Handlers *handlers)
{
    const int table = lua_gettop(lua);
    if (!lua_istable(lua, table))
        return complain(lua, "on", "sample",
                        lua_pushfstring(lua, "on.sample is a %s: { [\"asset.channel\"] = function(event) ... end } was expected", luaL_typename(lua, table)));
    for (lua_pushnil(lua); lua_next(lua, table);) {
        if (lua_type(lua, -2) != LUA_TSTRING)
            return complain(lua, "on", "sample", "on.sample: a key is no text: [\"asset.channel\"] was expected");
        const char *const pattern = lua_tostring(lua, -2);
        if (strlen(pattern) >= TAG_NAME_ROOM)
            return complain(lua, "on", "sample", lua_pushfstring(lua, "on.sample: \"%s\" is too long for a tag", pattern));
        if (!lua_isfunction(lua, -1))
            return complain(lua, "sample", pattern,
                            lua_pushfstring(lua, "on.sample: \"%s\" is a %s: a function of the event was expected", pattern, luaL_typename(lua, -1)));
        Handler *const handler = add_handler(lua, handlers, HANDLER_SAMPLE);
        if (!handler)
            return complain(lua, "on", "sample",
                            lua_pushfstring(lua, "on.sample: more than %d patterns; one with * can be for many twins, event.twin says which", PATTERNS_MAX));
        snprintf(handler->pattern, sizeof handler->pattern, "%s", pattern);
    }
    return 0;
}

/* An element of `on` without a name, whose key is under it. */
static int take_timer(lua_State *lua, Handlers *handlers)
{
    const Every *const every = every_at(lua, lua_gettop(lua));
    if (!every)
        return complain(lua, NULL, "on",
                        lua_pushfstring(lua, "on has a %s without a name: every(seconds, function(time) ... end) was expected", luaL_typename(lua, -1)));
    Handler *const handler = add_handler(lua, handlers, HANDLER_EVERY);
    if (!handler)
        return complain(lua, NULL, "on", lua_pushfstring(lua, "on: more than %d times every(...)", HANDLER_TIMERS_MAX));
    handler->period_ns = every->period_ns;
    handler->order = lua_tointeger(lua, -2);
    return 0;
}

/* divergence = f, alarm = f, command = f */
static int take_named(lua_State *lua, Handlers *handlers, const char *name)
{
    HandlerKind kind = 0;
    while (kind < HANDLER_COUNT && strcmp(name, kind_names[kind]) != 0)
        kind++;
    if (kind == HANDLER_SAMPLE)
        return take_samples(lua, handlers);
    if (kind == HANDLER_COUNT || kind == HANDLER_EVERY)
        return complain(lua, "on", name,
                        lua_pushfstring(lua, "no handler \"%s\" in on: there are divergence, alarm, command, sample, and every(seconds, f)", name));
    if (!lua_isfunction(lua, -1))
        return complain(lua, "on", name, lua_pushfstring(lua, "on.%s is a %s: a function of the event was expected", name, luaL_typename(lua, -1)));
    lua_pushvalue(lua, -1);
    add_handler(lua, handlers, kind);
    return 0;
}

/* Gets the Handlers. Returns nothing when all is well, else a complaint. */
static int take_handlers(lua_State *lua)
{
    Handlers *const handlers = lua_touserdata(lua, 1);
    plant_push(handlers->plant, "on");
    if (lua_isnil(lua, -1))
        return 0;

    const int table = lua_gettop(lua);
    for (lua_pushnil(lua); lua_next(lua, table); lua_settop(lua, table + 1)) {
        const bool named = lua_type(lua, -2) == LUA_TSTRING;
        const int wrong = named ? take_named(lua, handlers, lua_tostring(lua, -2)) : take_timer(lua, handlers);
        if (wrong)
            return wrong;
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

static int by_turn(const void *a, const void *b)
{
    const Handler *const x = a, *const y = b;
    if (x->kind != y->kind)
        return (x->kind > y->kind) - (x->kind < y->kind);
    return x->order != y->order ? (x->order > y->order) - (x->order < y->order) : strcmp(x->pattern, y->pattern);
}

/* Lua's tables have no order that lasts; the list has. */
static void sort_handlers(Handlers *handlers)
{
    qsort(handlers->list, handlers->count, sizeof *handlers->list, by_turn);
    size_t next = 0;
    for (int kind = 0; kind <= HANDLER_COUNT; kind++) {
        handlers->first[kind] = next;
        while (next < handlers->count && (int)handlers->list[next].kind == kind)
            next++;
    }
}

static size_t count_of(const Handlers *handlers, HandlerKind kind)
{
    return handlers->first[kind + 1] - handlers->first[kind];
}

static Err find_handlers(Handlers *handlers, ErrText *why)
{
    Script *const script = handlers->plant->script;
    lua_State *const lua = script_lua(script);
    Err err = run_on_handlers(handlers, take_handlers, 3, why);
    if (err)
        return err;
    if (!lua_isnil(lua, -1))
        err = script_blame(script, why, lua_tostring(lua, -3), lua_tostring(lua, -2), "%s", lua_tostring(lua, -1));
    lua_pop(lua, 3);
    sort_handlers(handlers);
    return err;
}

/* What costs memory is made where there is a handler for it. */
static Err make_room(Handlers *handlers, ErrText *why)
{
    const size_t patterns = handlers->rehearses ? 0 : count_of(handlers, HANDLER_SAMPLE);
    if (count_of(handlers, HANDLER_COMMAND) && !(handlers->commands = mem_alloc(2 * HANDLER_COMMANDS_MAX * sizeof *handlers->commands)))
        return err_set(why, ERR_MEMORY, "no memory for handlers");
    if (!patterns)
        return ERR_OK;

    const char *list[PATTERNS_MAX];
    for (size_t i = 0; i < patterns; i++)
        list[i] = handlers->list[handlers->first[HANDLER_SAMPLE] + i].pattern;
    size_t wrong;
    ErrText text;
    const Err err = hearing__init(&handlers->hearing, handlers->plant, list, patterns, &wrong, &text);
    if (err == ERR_SCRIPT)
        return script_blame(handlers->plant->script, why, "sample", list[wrong], "%s", text.text);
    return err ? err_set(why, err, "%s", text.text) : ERR_OK;
}

Err handlers__init(Handlers *handlers, Plant *plant, bool rehearses, ErrText *why)
{
    *handlers = (Handlers){.plant = plant, .rehearses = rehearses, .self_reference = LUA_NOREF, .now = TIME_NONE, .unheard_logged = TIME_NONE};
    Err err = find_handlers(handlers, why);
    if (!err)
        err = make_room(handlers, why);
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
    for (size_t i = 0; i < handlers->count; i++)
        luaL_unref(lua, LUA_REGISTRYINDEX, handlers->list[i].function);
    hearing__fini(&handlers->hearing);
    mem_free(handlers->commands);
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

static void set_flag(lua_State *lua, const char *key, bool flag)
{
    lua_pushboolean(lua, flag);
    lua_setfield(lua, -2, key);
}

static double seconds(int64_t time)
{
    return (double)time / (double)NS_PER_S;
}

static void tell_command(lua_State *lua, const Handlers *handlers, const void *event)
{
    const Command *const command = event;
    const TagTable *const tags = handlers->plant->tags;
    lua_createtable(lua, 0, 8);
    lua_pushinteger(lua, (lua_Integer)command->id);
    lua_setfield(lua, -2, "id");
    set_text(lua, "tag", tags_name(tags, command->wish.tag).text);
    set_number(lua, "value", unit_from_si(tags_get(tags, command->wish.tag).unit, command->wish.value));
    set_text(lua, "state", command_state_name(command->state));
    set_text(lua, "reason", command->wish.reason);
    set_text(lua, "detail", command->detail);
    set_text(lua, "by", command->wish.by);
    set_number(lua, "time", seconds(command->ended == TIME_NONE ? command->time : command->ended));
}

/* Of several samples of a sensor in one tick sync keeps the innovation of the newest. */
static void set_innovation(lua_State *lua, const Handlers *handlers, const SampleEvent *event, const Unit *unit)
{
    Quality quality;
    double innovation, sd;
    const Place place = plant_place(handlers->plant, event->sample->tag);
    const Model *const model = plant_model(handlers->plant, place.twin);
    if (sync_sample_time(event->sync, event->sample->tag, &quality) != event->sample->time)
        return;
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == place.channel && sync_innovation(event->sync, place.twin, i, &innovation, &sd)) {
            set_number(lua, "innovation", unit_scale_from_si(unit, innovation));
            set_number(lua, "sd", unit_scale_from_si(unit, sd));
        }
}

static void tell_sample(lua_State *lua, const Handlers *handlers, const void *event)
{
    const SampleEvent *const heard = event;
    const Sample *const sample = heard->sample;
    const Tag tag = tags_get(handlers->plant->tags, sample->tag);
    lua_createtable(lua, 0, 8);
    set_text(lua, "tag", tags_name(handlers->plant->tags, sample->tag).text);
    set_text(lua, "twin", tag.asset);
    set_number(lua, "value", unit_from_si(tag.unit, sample->value));
    set_number(lua, "time", seconds(sample->time));
    set_text(lua, "quality", quality_name((Quality)sample->quality));
    set_number(lua, "late", heard->late);
    set_innovation(lua, handlers, event, tag.unit);
}

static void tell_time(lua_State *lua, const Handlers *handlers, const void *event)
{
    (void)event;
    lua_pushnumber(lua, seconds(handlers->now));
}

static void tell_divergence(lua_State *lua, const Handlers *handlers, const void *event)
{
    const Divergence *const divergence = event;
    const Verdict *const verdict = divergence->verdict;
    lua_createtable(lua, 0, 8);
    set_text(lua, "twin", handlers->plant->twins[divergence->twin].name);
    set_text(lua, "kind", verdict_name(verdict->kind));
    set_text(lua, "cause", cause_name(verdict->cause));
    set_text(lua, "state", verdict->kind == VERDICT_NONE ? "returned" : "raised");
    set_text(lua, "text", divergence->text);
    set_number(lua, "time", seconds(handlers->now));
    set_number(lua, "nis", verdict->nis);
    set_number(lua, "limit", verdict->nis_limit);
    set_flag(lua, "amended", divergence->amended);
}

static void tell_alarm(lua_State *lua, const Handlers *handlers, const void *event)
{
    const AlarmEvent *const change = event;
    const Alarm *const alarm = change->alarm;
    lua_createtable(lua, 0, 8);
    lua_pushinteger(lua, (lua_Integer)alarm->id);
    lua_setfield(lua, -2, "id");
    set_text(lua, "twin", handlers->plant->twins[alarm->twin].name);
    set_text(lua, "name", alarm->name);
    set_text(lua, "severity", severity_name(alarm->severity));
    set_text(lua, "state", change->raised ? "raised" : "returned");
    set_text(lua, "text", alarm->text);
    set_number(lua, "time", seconds(handlers->now));
    set_number(lua, "raised", seconds(alarm->raised));
    set_flag(lua, "amended", change->amended);
    set_flag(lua, "predicted", alarm_is_predicted(alarm));
}

/* Gets a Call. */
static int make_call(lua_State *lua)
{
    const Call *const call = lua_touserdata(lua, 1);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, call->function);
    call->tell(lua, call->handlers, call->event);
    lua_call(lua, 1, 0);
    return 0;
}

typedef struct Label {
    char text[TAG_NAME_ROOM + 16];
} Label;

/* As the script has it: on.alarm, on.sample["tank1.radar"], every(60, f) */
static Label label_of(const Handler *handler)
{
    Label label;
    if (handler->kind == HANDLER_SAMPLE)
        snprintf(label.text, sizeof label.text, "on.sample[\"%s\"]", handler->pattern);
    else if (handler->kind == HANDLER_EVERY)
        snprintf(label.text, sizeof label.text, "every(%g, f)", seconds(handler->period_ns));
    else
        snprintf(label.text, sizeof label.text, "on.%s", kind_names[handler->kind]);
    return label;
}

static void note_failure(Handlers *handlers, Handler *handler, const char *text)
{
    enum { PATIENCE = 100 };  // failures in a row after which the log has heard enough
    const int64_t usual = 10 * NS_PER_S, rare = 600 * NS_PER_S;
    handlers->errors++;
    handler->failures_in_tick++;
    handler->failures_in_row++;
    if (handlers->rehearses) {
        if (!*handlers->failure.text)
            err_set(&handlers->failure, ERR_SCRIPT, "%s failed: %s", label_of(handler).text, text);
        return;
    }

    const int64_t pause = handler->failures_in_row > PATIENCE ? rare : usual;
    if (handler->logged != TIME_NONE && handlers->now - handler->logged < pause)
        return;
    handler->logged = handlers->now;
    log_write(LOG_ERROR, "script", "%s failed (%u times in a row): %s", label_of(handler).text, handler->failures_in_row, text);
}

/* One that keeps failing must not make a tick with many events endless. */
static bool is_resting(const Handler *handler)
{
    return handler->failures_in_tick == HANDLER_FAILURES_MAX;
}

static void run(Handlers *handlers, Handler *handler, Telling *tell, const void *event)
{
    if (is_resting(handler))
        return;

    ErrText why;
    Call call = {handler->function, tell, handlers, event};
    lua_State *const lua = script_lua(handlers->plant->script);
    lua_pushcfunction(lua, make_call);
    lua_pushlightuserdata(lua, &call);
    handlers->running = handler;
    const Err err = script_call(handlers->plant->script, 1, 0, HANDLER_INSTRUCTIONS, &why);
    handlers->running = NULL;

    if (err)
        note_failure(handlers, handler, why.text);
    else
        handler->failures_in_row = 0;
}

/* Run the handler of a kind that has one at most. */
static void run_only(Handlers *handlers, HandlerKind kind, Telling *tell, const void *event)
{
    if (count_of(handlers, kind))
        run(handlers, &handlers->list[handlers->first[kind]], tell, event);
}

static void note_unheard(Handlers *handlers, uint64_t count, const char *what)
{
    const int64_t pause = 600 * NS_PER_S;
    handlers->unheard += count;
    if (!count || (handlers->unheard_logged != TIME_NONE && handlers->now - handlers->unheard_logged < pause))
        return;
    handlers->unheard_logged = handlers->now;
    log_write(LOG_WARNING, "script", "%llu %s were more than the handlers' budget of a tick: they were not told; %llu so far", (unsigned long long)count, what,
              (unsigned long long)handlers->unheard);
}

static bool was_told(const Handlers *handlers, const Command *command)
{
    for (size_t i = 0; i < handlers->told_count; i++)
        if (handlers->commands[i].id == command->id && handlers->commands[i].state == command->state)
            return true;
    return false;
}

void handlers__note_commands(Handlers *handlers, const Command *commands, size_t count)
{
    if (!handlers->commands)
        return;
    uint64_t unheard = 0;
    for (size_t i = 0; i < count; i++)
        if (was_told(handlers, &commands[i]))
            continue;
        else if (handlers->command_count - handlers->told_count == HANDLER_COMMANDS_MAX)
            unheard++;
        else
            handlers->commands[handlers->command_count++] = commands[i];
    note_unheard(handlers, unheard, "changes of commands");

    handlers->command_count -= handlers->told_count;
    memmove(handlers->commands, handlers->commands + handlers->told_count, handlers->command_count * sizeof *commands);
    handlers->told_count = 0;
}

void handlers__begin(Handlers *handlers, int64_t now)
{
    handlers->now = now;
    handlers->wish_count = 0;
    handlers->line_count = 0;
    handlers->samples_budget = HANDLER_SAMPLES_COST;
    for (size_t i = 0; i < handlers->count; i++)
        handlers->list[i].failures_in_tick = 0;
}

void handlers__commands(Handlers *handlers)
{
    for (size_t i = 0; i < handlers->command_count; i++)
        run_only(handlers, HANDLER_COMMAND, tell_command, &handlers->commands[i]);
    handlers->told_count = handlers->command_count;
}

/* Tell a sample to those in `heard`, a bit each, while `budget` lasts; returns to how many it was not told. */
static uint64_t tell_hearers(Handlers *handlers, uint64_t heard, const SampleEvent *event, int64_t *budget)
{
    uint64_t unheard = 0;
    for (; heard; heard &= heard - 1) {
        Handler *const handler = &handlers->list[handlers->first[HANDLER_SAMPLE] + (size_t)__builtin_ctzll(heard)];
        if (*budget <= 0) {
            unheard++;
        } else if (!is_resting(handler)) {
            run(handlers, handler, tell_sample, event);
            *budget -= HANDLER_CALL_COST + (int64_t)script_used(handlers->plant->script);
        }
    }
    return unheard;
}

void handlers__samples(Handlers *handlers, const Sync *sync, Batch batch)
{
    uint64_t unheard = 0;
    if (!count_of(handlers, HANDLER_SAMPLE))
        return;
    for (size_t i = 0; i < batch.count; i++) {
        const SampleEvent event = {sync, &batch.items[i].sample, batch.items[i].late * handlers->plant->step};
        unheard += tell_hearers(handlers, hearing__of(&handlers->hearing, handlers->plant, event.sample->tag), &event, &handlers->samples_budget);
    }
    note_unheard(handlers, unheard, "samples");
}

/* Ticks follow each other without a gap, so what is due follows from the tick alone: there is nothing to remember over a restart. */
static bool is_due(const Handlers *handlers, int64_t period_ns)
{
    return handlers->now / period_ns > (handlers->now - handlers->plant->step_ns) / period_ns;
}

void handlers__timers(Handlers *handlers)
{
    for (size_t i = handlers->first[HANDLER_EVERY]; i < handlers->first[HANDLER_EVERY + 1]; i++)
        if (is_due(handlers, handlers->list[i].period_ns))
            run(handlers, &handlers->list[i], tell_time, NULL);
}

bool handlers__have_work(const Handlers *handlers)
{
    bool due = handlers->command_count > 0;
    for (size_t i = handlers->first[HANDLER_EVERY]; i < handlers->first[HANDLER_EVERY + 1] && !due; i++)
        due = is_due(handlers, handlers->list[i].period_ns);
    return due;
}

void handlers__divergence(Handlers *handlers, uint32_t twin, const Verdict *verdict, const char *text, bool amended)
{
    run_only(handlers, HANDLER_DIVERGENCE, tell_divergence, &(Divergence){twin, verdict, text, amended});
}

void handlers__alarm(Handlers *handlers, const Alarm *alarm, bool raised, bool amended)
{
    run_only(handlers, HANDLER_ALARM, tell_alarm, &(AlarmEvent){alarm, raised, amended});
}
