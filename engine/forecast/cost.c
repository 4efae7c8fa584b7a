#include "forecast/cost.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "model/declare.h"
#include "model/trace.h"

enum { CHUNK_INSTRUCTIONS = 1000 * 1000, NAMES_MAX = 4000, TEXT_MAX = 4000 };

/* An expression in the making. */
typedef struct Making {
    Script *script;
    const Plant *plant;
    Arena *arena;
    Cost *cost;
    TracePart parts[COST_TWINS_MAX + 1];
    uint32_t twins[COST_TWINS_MAX + 1];
    size_t part_count;
    TraceName *names;
    TagId *tags;  // by name
    size_t name_count;
    ErrText *why;
} Making;

static Err blame(const Making *making, const char *text)
{
    return script_blame(making->script, making->why, NULL, "cost", "cost: %s", text);
}

static Err no_memory(const Making *making)
{
    return err_set(making->why, ERR_MEMORY, "no memory for the cost of a scenario");
}

// --- names ---------------------------------------------------------------------------------------------------------

static bool is_readable(ChannelKind kind)
{
    return kind == CHANNEL_STATE || kind == CHANNEL_TRACKED || kind == CHANNEL_PARAMETER || kind == CHANNEL_OUTPUT || kind == CHANNEL_INPUT;
}

static Err add_twin(Making *making, uint32_t twin)
{
    const Model *model = plant_model(making->plant, twin);
    for (size_t i = 1; i < making->part_count; i++)
        if (making->twins[i] == twin)
            return ERR_OK;
    if (making->part_count > COST_TWINS_MAX || making->name_count + model->channel_count > NAMES_MAX)
        return blame(making, "its twins have too many channels together");
    making->parts[making->part_count] = (TracePart){making->plant->twins[twin].name, 0};
    making->twins[making->part_count] = twin;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        if (!is_readable(model->channels[i].kind))
            continue;
        making->tags[making->name_count] = plant_tag(making->plant, twin, i);
        making->names[making->name_count] = (TraceName){.name = model->channels[i].name,
                                                        .expr = graph_variable(making->cost->graph, (uint16_t)making->name_count),
                                                        .unit = unit_base(model->channels[i].unit),
                                                        .state = -1,
                                                        .part = making->part_count};
        making->name_count++;
    }
    making->part_count++;
    return ERR_OK;
}

/* Only twins that are spoken of are parts: a plant may have a million. They stand between two dots, or behind `t.`. */
static Err find_twins(Making *making)
{
    Err err = ERR_OK;
    for (const char *at = making->cost->text; (at = strstr(at, "t.")) && !err; at += 2) {
        char name[64];
        size_t length = 0;
        while ((isalnum((unsigned char)at[2 + length]) || at[2 + length] == '_') && length < sizeof name - 1)
            name[length] = at[2 + length], length++;
        name[length] = 0;
        const bool inside = at > making->cost->text && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
        const int64_t twin = inside ? -1 : plant_find(making->plant, name);
        if (twin >= 0)
            err = add_twin(making, (uint32_t)twin);
    }
    return err;
}

// --- the expression ------------------------------------------------------------------------------------------------

/* Leave function(t) return TEXT end on the stack. */
static Err push_function(Making *making)
{
    char chunk[TEXT_MAX + 64];
    lua_State *lua = script_lua(making->script);
    if (strlen(making->cost->text) > TEXT_MAX)
        return blame(making, "is too long a text");
    const int length = snprintf(chunk, sizeof chunk, "return function(t) return %s\nend", making->cost->text);
    if (luaL_loadbufferx(lua, chunk, (size_t)length, "=cost", "t") != LUA_OK)
        return blame(making, lua_tostring(lua, -1));
    ErrText why;
    return script_call(making->script, 0, 1, CHUNK_INSTRUCTIONS, &why) ? blame(making, why.text) : ERR_OK;
}

static Err trace(Making *making, Expr *expr, const Unit **unit)
{
    Graph *graph = making->cost->graph;
    Trace symbols = {.graph = graph,
                     .arena = making->arena,
                     .names = making->names,
                     .name_count = making->name_count,
                     .step = making->plant->step,
                     .parts = making->parts,
                     .part_count = making->part_count,
                     .closed = true};
    ErrText why;
    *expr = EXPR_NONE;
    if (trace_measurement(making->script, &symbols, expr, unit, &why))
        return blame(making, why.text);
    return *expr == EXPR_NONE ? blame(making, "expected an expression, as \"t.pump1.power\"") : ERR_OK;
}

/* What is read moves to the first columns, the cost behind them. */
static Err compile(Making *making, Expr expr)
{
    Cost *cost = making->cost;
    Expr *with = arena_new(making->arena, Expr, COST_TAGS_MAX);
    uint16_t *columns = arena_new(making->arena, uint16_t, COST_TAGS_MAX);
    TagId *tags = arena_new(making->arena, TagId, COST_TAGS_MAX);
    if (!with || !columns || !tags)
        return no_memory(making);
    for (uint16_t i = 0; i < making->name_count; i++) {
        if (!graph_depends(cost->graph, expr, i))
            continue;
        if (cost->tag_count == COST_TAGS_MAX)
            return blame(making, "reads too many values");
        columns[cost->tag_count] = i;
        with[cost->tag_count] = graph_variable(cost->graph, cost->tag_count);
        tags[cost->tag_count++] = making->tags[i];
    }
    cost->tags = tags;
    const Assignment assignment = {cost->tag_count, graph_substitute(cost->graph, expr, columns, with, cost->tag_count)};
    return graph_compile(cost->graph, &assignment, 1, (uint16_t)(cost->tag_count + 1), making->arena, &cost->program, making->why);
}

/* The unit that is asked for has to fit, and is the dimension's own otherwise. */
static Err choose_unit(Making *making, Declaration *entry, const Unit *dimension)
{
    const Unit *second;
    ErrText why;
    if (unit_parse("s", &second, &why) || (making->cost->integral && !(dimension = unit_multiply(dimension, second))))
        return blame(making, "there is no unit for its integral");
    making->cost->unit = declare_unit(entry, "unit", dimension);
    if (!entry->err && !unit_converts(dimension, making->cost->unit))
        declare_fail(entry, "cost: it is in \"%s\", which does not convert to \"%s\"", unit_name(dimension), unit_name(making->cost->unit));
    return entry->err;
}

static Err read_text(Making *making, Declaration *entry)
{
    static const char *const known[] = {"integral", "final", "unit", NULL};
    declare_only(entry, known, 0);
    const char *integral = declare_text(entry, "integral", NULL), *final = declare_text(entry, "final", NULL);
    if (!entry->err && !integral == !final)
        declare_fail(entry, "cost: expected integral = \"...\" or final = \"...\", an expression as \"t.pump1.power\"");
    if (entry->err)
        return entry->err;
    making->cost->integral = integral != NULL;
    making->cost->text = arena_text(making->arena, integral ? integral : final);
    return making->cost->text ? ERR_OK : no_memory(making);
}

static Err make(Making *making, Declaration *entry)
{
    Expr expr;
    const Unit *dimension;
    making->cost->graph = graph_create(making->arena);
    making->names = arena_new(making->arena, TraceName, NAMES_MAX);
    making->tags = arena_new(making->arena, TagId, NAMES_MAX);
    making->parts[making->part_count++] = (TracePart){"", 0};
    if (!making->cost->graph || !making->names || !making->tags)
        return no_memory(making);
    trace_open(making->script);
    Err err;
    if ((err = read_text(making, entry)) || (err = find_twins(making)) || (err = push_function(making)) || (err = trace(making, &expr, &dimension)) ||
        (err = choose_unit(making, entry, dimension)))
        return err;
    return compile(making, expr);
}

Err cost_read(Script *script, int index, const Plant *plant, Arena *arena, Cost *out, ErrText *why)
{
    *out = (Cost){0};
    Making *making = arena_new(arena, Making, 1);
    if (!making)
        return err_set(why, ERR_MEMORY, "no memory for the cost of a scenario");
    *making = (Making){.script = script, .plant = plant, .arena = arena, .cost = out, .why = why};
    if (!lua_istable(script_lua(script), index))
        return blame(making, "expected { integral = \"...\", unit = \"...\" }");
    Declaration entry = {.script = script, .index = lua_absindex(script_lua(script), index), .section = NULL, .key = "cost", .why = why};
    return make(making, &entry);
}

void cost_fini(Cost *cost)
{
    if (cost->graph)
        graph_destroy(cost->graph);
    *cost = (Cost){0};
}
