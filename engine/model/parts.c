/* parts.c -- models that are built of models.
 *
 * Every part has a sandbox of its own, in which its script is run as if it stood alone; what it declares joins the channels of the whole, under
 * the name of the part. The equations of all parts build one graph (trace.h). There, inputs that a whole feeds and outputs that it reads are columns at
 * first; when all equations have run they are put in order, and each takes the place of its column. An order that does not exist is an algebraic loop. */
#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model/loader.h"

enum { PATH_ROOM = 1024, NAME_ROOM = 256, TIES_MAX = MODEL_CHANNELS_MAX + LOADER_OUTPUTS_MAX };

// --- names ---------------------------------------------------------------------------------------------------------

const Part *loader__part(const Loader *loader, const Declaration *entry)
{
    size_t i = 0;
    while (loader->parts[i].script != entry->script)
        i++;
    assert(i < loader->part_count);
    return &loader->parts[i];
}

const char *loader__full_name(Loader *loader, const Part *part, const char *name)
{
    return *part->prefix ? arena_format(&loader->model->arena, "%s%s", part->prefix, name) : name;
}

bool loader__is_called(const Loader *loader, size_t part, const char *name, const char *full)
{
    const char *prefix = loader->parts[part].prefix;
    const size_t length = strlen(prefix);
    return strncmp(full, prefix, length) == 0 && strcmp(full + length, name) == 0;
}

void loader__fail_use(Declaration *entry, const Part *part, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!part->whole)
        declare_fail(entry, "%s", text);
    else if (!entry->err)
        entry->err = script_blame(part->whole->script, entry->why, "parts", part->name, "part \"%s\": %s", part->name, text);
}

static const Passed *find_passed(const Loader *loader, const Part *part, const char *key)
{
    for (size_t i = 0; i < loader->passed_count; i++)
        if (loader->passed[i].part == part && strcmp(loader->passed[i].key, key) == 0)
            return &loader->passed[i];
    return NULL;
}

int loader__find_called(const Loader *loader, const Declaration *entry, const char *name, const Unit **unit)
{
    char full[NAME_ROOM];
    const Part *part = loader__part(loader, entry);
    const Passed *passed = find_passed(loader, part, name);
    snprintf(full, sizeof full, "%s%s", part->prefix, name);
    const int channel = loader__find_channel(loader, passed ? passed->channel : full);
    if (channel >= 0)
        *unit = passed ? passed->unit : loader->channels[channel].unit;
    return channel;
}

bool loader__is_decided(const Loader *loader, const Part *part, const char *key)
{
    const Trace *trace = &loader->trace;
    for (size_t i = 0; i < trace->feed_count; i++) {
        const TraceName *name = &trace->names[trace->feeds[i].name];
        if (&loader->parts[name->part] == part && strcmp(name->name, key) == 0)
            return true;
    }
    return find_passed(loader, part, key) != NULL;
}

// --- scripts -------------------------------------------------------------------------------------------------------

/* area = "floor", orifice = 8: what is not the name of the model. */
static void read_given(Loader *loader, Declaration *entry, Part *part)
{
    lua_State *lua = script_lua(entry->script);
    size_t room = 0;
    for (lua_pushnil(lua); lua_next(lua, entry->index); lua_pop(lua, 1))
        room++;
    part->given = arena_new(&loader->model->arena, Given, room + 1);
    if (!part->given)
        entry->err = loader__out_of_memory(loader);

    for (lua_pushnil(lua); !entry->err && lua_next(lua, entry->index); lua_pop(lua, 1)) {
        if (lua_isinteger(lua, -2) && lua_tointeger(lua, -2) == 1)
            continue;
        const bool is_named = lua_type(lua, -2) == LUA_TSTRING, is_text = lua_type(lua, -1) == LUA_TSTRING;
        if (!is_named)
            declare_fail(entry, "part \"%s\": expected one model and values by name, as in { \"tank\", area = 2 }", entry->key);
        else if (!is_text && lua_type(lua, -1) != LUA_TNUMBER)
            declare_fail(entry, "part \"%s\": \"%s\" must be a number, or the name of a parameter to pass down, got %s", entry->key, lua_tostring(lua, -2),
                         luaL_typename(lua, -1));
        else
            part->given[part->given_count++] = (Given){.to = part, .key = lua_tostring(lua, -2), .from = is_text ? lua_tostring(lua, -1) : NULL,
                                                       .number = is_text ? NAN : lua_tonumber(lua, -1)};  // texts live as long as the script
    }
    lua_settop(lua, entry->index);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* A part must not be what it is a part of: that would have no end. */
static void check_cycle(Declaration *entry, const Part *part)
{
    for (const Part *around = part->whole; around; around = around->whole)
        if (is_same_file(part->path, around->path))
            declare_fail(entry, "part \"%s\" is the very model that it is a part of, %s: a model cannot contain itself", part->name, part->path);
}

/* Beside the file of the whole, or in a folder of models there. */
static void find_file(Loader *loader, Declaration *entry, Part *part, const char *model)
{
    static const char *const places[] = {"", "models/", NULL};
    char path[PATH_ROOM];
    if (entry->err)
        return;
    if (!script_find(part->whole->path, places, model, path, sizeof path))
        declare_fail(entry, "no model \"%s\": expected %s%s beside %s, or in models/ there", model, model, strchr(model, '.') ? "" : ".lua", part->whole->path);
    else if (!(part->path = arena_text(&loader->model->arena, path)))
        entry->err = loader__out_of_memory(loader);
    else
        check_cycle(entry, part);
}

static Err open_part(Loader *loader, Part *whole, Declaration *entry)
{
    if (loader->part_count == LOADER_PARTS_MAX) {
        declare_fail(entry, "a model has %d parts at most, with those of its parts", LOADER_PARTS_MAX - 1);
        return entry->err;
    }
    Part *part = &loader->parts[loader->part_count];
    *part = (Part){.whole = whole, .name = entry->key, .prefix = arena_format(&loader->model->arena, "%s%s_", whole->prefix, entry->key)};
    if (!part->prefix)
        return loader__out_of_memory(loader);
    if (!declare_is_name(part->prefix))
        declare_fail(entry, "part \"%s\": its name is too long", part->name);

    const char *model = declare_text_at(entry, 1, NULL);
    if (!model)
        declare_fail(entry, "part \"%s\" names no model: expected { \"tank\", ... }", part->name);
    find_file(loader, entry, part, model);
    read_given(loader, entry, part);
    if (entry->err)
        return entry->err;
    loader->part_count++;
    const Err err = loader__run(loader, part);
    if (err)
        return err;
    if (lua_getfield(script_lua(part->script), part->root, "step") != LUA_TNIL)
        loader__fail_use(entry, part, "it has a step function; a model is built of models with equations");
    lua_pop(script_lua(part->script), 1);
    return entry->err ? entry->err : loader__open_parts(loader, part);
}

Err loader__open_parts(Loader *loader, Part *whole)
{
    lua_State *lua = script_lua(whole->script);
    const char **keys;
    size_t count;
    const int type = lua_getfield(lua, whole->root, "parts");
    if (type == LUA_TNIL) {
        lua_pop(lua, 1);
        return ERR_OK;
    }
    if (type != LUA_TTABLE)
        return script_blame(whole->script, loader->why, "parts", NULL, "\"parts\" must be a table, as in parts = { upper = { \"tank\" } }, got %s",
                            luaL_typename(lua, -1));

    const int index = lua_gettop(lua);
    Err err = declare_keys(whole->script, index, "parts", &loader->model->arena, &keys, &count, loader->why);
    for (size_t i = 0; i < count && !err; i++) {
        lua_getfield(lua, index, keys[i]);
        Declaration entry = {.script = whole->script, .index = lua_gettop(lua), .section = "parts", .key = keys[i], .why = loader->why};
        if (!lua_istable(lua, -1))
            err = script_blame(whole->script, loader->why, "parts", keys[i], "part \"%s\" must be a table, as in { \"tank\" }, got %s", keys[i],
                               luaL_typename(lua, -1));
        else
            err = open_part(loader, whole, &entry);
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return err;
}

// --- values that are given -----------------------------------------------------------------------------------------

/* The outermost has the last word, but what somebody passed down is a value of theirs no more. */
const Given *loader__find_given(Loader *loader, const Declaration *entry)
{
    char full[NAME_ROOM];
    const Part *part = loader__part(loader, entry);
    Given *found = NULL;
    snprintf(full, sizeof full, "%s%s", part->prefix, entry->key);
    for (; part->whole && !(found && found->from); part = part->whole)
        for (size_t i = 0; i < part->given_count; i++)
            if (strcmp(part->given[i].key, full + strlen(part->prefix)) == 0) {
                found = &part->given[i];
                found->is_used = true;
            }
    return found;
}

Err loader__check_given(Loader *loader)
{
    for (size_t p = 1; p < loader->part_count; p++) {
        const Part *part = &loader->parts[p];
        for (size_t i = 0; i < part->given_count; i++)
            if (!part->given[i].is_used)
                return script_blame(part->whole->script, loader->why, "parts", part->name, "part \"%s\" has no parameter, state or input \"%s\"", part->name,
                                    part->given[i].key);
    }
    return ERR_OK;
}

void loader__note_passed(Loader *loader, Declaration *entry, const Given *given)
{
    if (loader->passed_count == MODEL_CHANNELS_MAX) {
        loader__fail_use(entry, given->to, "more than %d parameters are passed down", MODEL_CHANNELS_MAX);
        return;
    }
    const Unit *unit = declare_unit_at(entry, 2);
    loader->passed[loader->passed_count++] = (Passed){.part = loader__part(loader, entry), .key = entry->key, .unit = unit, .given = given,
                                                      .min = unit_to_si(unit, declare_number(entry, "min", -INFINITY)),
                                                      .max = unit_to_si(unit, declare_number(entry, "max", INFINITY))};
}

/* The channel behind a parameter, which may have been passed down to the whole in its turn. */
static Channel *find_source(Loader *loader, const Passed *passed)
{
    char full[NAME_ROOM];
    const Part *whole = passed->given->to->whole;
    const Passed *outer = find_passed(loader, whole, passed->given->from);
    if (outer)
        return find_source(loader, outer);
    snprintf(full, sizeof full, "%s%s", whole->prefix, passed->given->from);
    const int index = loader__find_channel(loader, full);
    Channel *channel = index < 0 ? NULL : &loader->channels[index];
    return channel && (channel->kind == CHANNEL_PARAMETER || channel->kind == CHANNEL_TRACKED) ? channel : NULL;
}

/* What a parameter may be is what all that it is passed to allow. */
static void narrow(Declaration *entry, const Passed *passed, Channel *source)
{
    const Given *given = passed->given;
    if (!unit_converts(passed->unit, source->unit)) {
        loader__fail_use(entry, given->to, "\"%s\" is in \"%s\", which does not convert to that of \"%s\", \"%s\"", given->from, unit_name(source->unit),
                         given->key, unit_name(passed->unit));
        return;
    }
    source->min = fmax(source->min, passed->min);
    source->max = fmin(source->max, passed->max);
    if (!(source->initial >= source->min && source->initial <= source->max))
        loader__fail_use(entry, given->to, "\"%s\" is outside what \"%s\" allows, %g to %g %s", given->from, given->key,
                         unit_from_si(passed->unit, passed->min), unit_from_si(passed->unit, passed->max), unit_name(passed->unit));
}

Err loader__connect_passed(Loader *loader)
{
    for (size_t i = 0; i < loader->passed_count; i++) {
        Passed *passed = &loader->passed[i];
        const Part *to = passed->given->to;
        Declaration use = {.script = to->whole->script, .section = "parts", .key = to->name, .why = loader->why};
        Channel *source = find_source(loader, passed);
        if (source)
            narrow(&use, passed, source);
        else
            loader__fail_use(&use, to, "\"%s\" is no parameter that could be passed down to \"%s\"; numbers are written without quotes", passed->given->from,
                             passed->given->key);
        if (use.err)
            return use.err;
        passed->channel = source->name;
    }
    return ERR_OK;
}

// --- what feeds what -----------------------------------------------------------------------------------------------

/* A column that stood for a value while the equations ran. */
typedef struct Tie {
    uint16_t column;
    Expr expr;
    const char *name;
    size_t part;
    const TraceFeed *feed;  // NULL for an output that is read
    enum { TIE_NEW, TIE_OPEN, TIE_DONE } mark;
} Tie;

typedef struct Ties {
    Loader *loader;
    Tie items[TIES_MAX];
    size_t count;
    size_t way[TIES_MAX];  // from where the search began to where it is
    size_t depth;
    size_t closing;         // where it came back to, when there is a loop
} Ties;

/* "works.upper.inflow" */
static void put_name(const Loader *loader, size_t part, const char *name, Text *out)
{
    if (part)
        put_name(loader, (size_t)(loader->parts[part].whole - loader->parts), loader->parts[part].name, out);
    text_format(out, "%s%s", part ? "." : "", name);
}

/* Where on the way the loop begins. */
static size_t loop_begin(const Ties *ties)
{
    size_t i = 0;
    while (ties->way[i] != ties->closing)
        i++;
    return i;
}

/* "a.u depends on b.y, which depends on a.u" */
static void put_loop(const Ties *ties, Text *out)
{
    size_t i = loop_begin(ties);
    for (const char *between = ""; i < ties->depth; i++, between = ", which") {
        const Tie *tie = &ties->items[ties->way[i]];
        text_put(out, between);
        if (!*between)
            put_name(ties->loader, tie->part, tie->name, out);
        text_put(out, " depends on ");
        const Tie *next = &ties->items[i + 1 < ties->depth ? ties->way[i + 1] : ties->closing];
        put_name(ties->loader, next->part, next->name, out);
    }
}

/* Outputs alone make no loop, because each was assigned before it was read: some whole feeds an input of it. */
static const TraceFeed *feed_of_loop(const Ties *ties)
{
    size_t i = loop_begin(ties);
    while (!ties->items[ties->way[i]].feed)
        i++;
    assert(i < ties->depth);
    return ties->items[ties->way[i]].feed;
}

static Err refuse_loop(const Ties *ties)
{
    Text text = {0};
    const TraceFeed *feed = feed_of_loop(ties);
    const char *path = ties->loader->parts[feed->part].path;
    put_loop(ties, &text);
    const Err err = err_set(ties->loader->why, ERR_SCRIPT, "%s:%d: an algebraic loop: %s; a state or a lag in between would break it", path, feed->line,
                            text.bytes ? text.bytes : "");
    text_fini(&text);
    return err;
}

/* Depth first: what a tie depends on is put into it, complete, before it is put into others. False when there is a loop. */
static bool resolve(Ties *ties, size_t index)
{
    Graph *graph = ties->loader->model->graph;
    Tie *tie = &ties->items[index];
    if (tie->mark != TIE_NEW) {
        ties->closing = index;
        return tie->mark == TIE_DONE;
    }

    tie->mark = TIE_OPEN;
    ties->way[ties->depth++] = index;
    for (size_t i = 0; i < ties->count; i++) {
        if (!graph_depends(graph, tie->expr, ties->items[i].column))
            continue;
        if (!resolve(ties, i))
            return false;
        tie->expr = graph_substitute(graph, tie->expr, &ties->items[i].column, &ties->items[i].expr, 1);
    }
    ties->depth--;
    tie->mark = TIE_DONE;
    return true;
}

static bool resolve_all(Ties *ties)
{
    for (size_t i = 0; i < ties->count; i++)
        if (!resolve(ties, i))
            return false;
    return true;
}

static Channel *channel_of(const Loader *loader, const TraceName *name)
{
    char full[NAME_ROOM];
    snprintf(full, sizeof full, "%s%s", loader->parts[name->part].prefix, name->name);
    const int index = loader__find_channel(loader, full);
    assert(index >= 0);
    return &loader->channels[index];
}

static void collect_ties(Ties *ties)
{
    const Trace *trace = &ties->loader->trace;
    for (size_t i = 0; i < trace->feed_count; i++) {
        const TraceFeed *feed = &trace->feeds[i];
        const TraceName *name = &trace->names[feed->name];
        const uint16_t column = channel_of(ties->loader, name)->column;
        ties->items[ties->count++] = (Tie){.column = column, .expr = feed->expr, .name = name->name, .part = name->part, .feed = feed};
    }
    for (size_t i = 0; i < trace->output_count; i++) {
        const TraceOutput *output = &trace->outputs[i];
        if (output->is_read)
            ties->items[ties->count++] = (Tie){.column = (uint16_t)(TRACE_OUTPUT_COLUMN + i), .expr = output->expr, .name = output->name, .part = output->part};
    }
}

/* Everything that was traced, without the columns that only stood for something. */
static void put_ties(Ties *ties)
{
    Trace *trace = &ties->loader->trace;
    uint16_t columns[TIES_MAX];
    Expr with[TIES_MAX];
    for (size_t i = 0; i < ties->count; i++) {
        columns[i] = ties->items[i].column;
        with[i] = ties->items[i].expr;
    }
    trace_move(trace, columns, with, ties->count);
    for (size_t i = 0; i < trace->lag_count; i++)
        trace->lags[i].of = graph_substitute(trace->graph, trace->lags[i].of, columns, with, ties->count);
}

/* An input that is fed is an output now: everybody can see it, nobody can set it. */
static Err show_input(Loader *loader, const TraceName *name, Expr expr)
{
    Trace *trace = &loader->trace;
    Channel *channel = channel_of(loader, name);
    if (trace->output_count == trace->output_room)
        return script_blame(loader->script, loader->why, "equations", NULL, "more than %zu outputs, with the inputs of parts that are fed", trace->output_room);
    trace->outputs[trace->output_count++] = (TraceOutput){.name = name->name, .doc = channel->doc, .expr = expr, .unit = channel->unit, .part = name->part};
    loader->model->channel_count--;
    memmove(channel, channel + 1, (size_t)(&loader->channels[loader->model->channel_count] - channel) * sizeof *channel);
    return ERR_OK;
}

static Err refuse_lags(const Ties *ties)
{
    Text text = {0};
    put_loop(ties, &text);
    const Err err = script_blame(ties->loader->script, ties->loader->why, "equations", NULL,
                                 "lags that have no value to start from, because each starts from the other: %s", text.bytes ? text.bytes : "");
    text_fini(&text);
    return err;
}

/* A lag starts where that starts which it follows; between parts that may be a lag that was made later. */
static Err order_lags(Loader *loader)
{
    Trace *trace = &loader->trace;
    Ties ties = {.loader = loader, .count = trace->lag_count};
    for (size_t i = 0; i < trace->lag_count; i++) {
        const TraceLag *lag = &trace->lags[i];
        ties.items[i] = (Tie){.column = lag->column, .expr = lag->of, .name = lag->name, .part = lag->part};
    }
    if (!resolve_all(&ties))
        return refuse_lags(&ties);
    for (size_t i = 0; i < trace->lag_count; i++)
        trace->lags[i].of = ties.items[i].expr;
    return ERR_OK;
}

Err loader__connect_inputs(Loader *loader)
{
    const Trace *trace = &loader->trace;
    Ties ties = {.loader = loader};
    if (loader->part_count == 1)
        return ERR_OK;
    collect_ties(&ties);
    if (!resolve_all(&ties))
        return refuse_loop(&ties);

    put_ties(&ties);
    Err err = ERR_OK;
    for (size_t i = 0; i < trace->feed_count && !err; i++)  // they come first among the ties
        err = show_input(loader, &trace->names[trace->feeds[i].name], ties.items[i].expr);
    return err ? err : order_lags(loader);
}
