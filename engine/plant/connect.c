#include "plant/part.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION "connect"

// --- reading -------------------------------------------------------------------------------------------------------

static Err no_memory(ErrText *why)
{
    return err_set(why, ERR_MEMORY, "no memory for the connections of the plant");
}

/* `name` is asset.channel. */
static Err find_end(const Plant *plant, const char *key, const char *name, Place *out, ErrText *why)
{
    char twin[128];
    const char *dot = strchr(name, '.');
    const size_t length = dot ? (size_t)(dot - name) : 0;
    if (length == 0 || length >= sizeof twin)
        return script_blame(plant->script, why, SECTION, key, "connect: expected \"asset.channel\", got \"%s\"", name);
    memcpy(twin, name, length);
    twin[length] = 0;

    const int64_t index = plant_find(plant, twin);
    if (index < 0)
        return script_blame(plant->script, why, SECTION, key, "connect: the plant has no asset \"%s\"", twin);
    const Model *model = plant_model(plant, (uint32_t)index);
    const int channel = model_find(model, dot + 1);
    if (channel < 0)
        return script_blame(plant->script, why, SECTION, key, "connect: \"%s\" is a \"%s\", which has no \"%s\"", twin, model->name, dot + 1);
    *out = (Place){(uint32_t)index, (uint16_t)channel};
    return ERR_OK;
}

static const Channel *channel_at(const Plant *plant, Place place)
{
    return &plant_model(plant, place.twin)->channels[place.channel];
}

static bool is_source(ChannelKind kind)
{
    return kind == CHANNEL_OUTPUT || kind == CHANNEL_STATE || kind == CHANNEL_TRACKED || kind == CHANNEL_PARAMETER;
}

static uint32_t cell_at(const Plant *plant, Place place)
{
    return channel_at(plant, place)->column * (uint32_t)LANES + plant->twins[place.twin].lane;
}

static Err add_connection(Plant *plant, const char *from, const char *to, ErrText *why)
{
    Connection *connection = &plant->connections[plant->connection_count];
    Err err = find_end(plant, from, from, &connection->from, why);
    if (!err)
        err = find_end(plant, from, to, &connection->to, why);
    if (err)
        return err;

    const Channel *source = channel_at(plant, connection->from), *input = channel_at(plant, connection->to);
    if (!is_source(source->kind))
        return script_blame(plant->script, why, SECTION, from, "connect: \"%s\" is of kind %s: expected an output, a state or a parameter", from,
                            channel_kind_name(source->kind));
    if (input->kind != CHANNEL_INPUT)
        return script_blame(plant->script, why, SECTION, from, "connect: \"%s\" is of kind %s: expected an input", to, channel_kind_name(input->kind));
    if (!unit_converts(source->unit, input->unit))
        return script_blame(plant->script, why, SECTION, from, "connect: \"%s\" is in \"%s\", which does not convert to \"%s\" of \"%s\"", from,
                            unit_name(source->unit), unit_name(input->unit), to);

    connection->min = input->min;
    connection->max = input->max;
    connection->from_block = plant->twins[connection->from.twin].block;
    connection->from_cell = cell_at(plant, connection->from);
    connection->to_block = plant->twins[connection->to.twin].block;
    connection->to_cell = cell_at(plant, connection->to);
    plant->connection_count++;
    return ERR_OK;
}

/* The value on top of the stack: the input that `from` feeds, or a list of them. */
static size_t count_inputs(lua_State *lua)
{
    return lua_istable(lua, -1) ? (size_t)lua_rawlen(lua, -1) : 1;
}

static Err read_inputs(Plant *plant, lua_State *lua, const char *from, ErrText *why)
{
    const bool list = lua_istable(lua, -1);
    const size_t count = count_inputs(lua);
    if (count == 0)
        return script_blame(plant->script, why, SECTION, from, "connect: \"%s\" feeds nothing: expected \"asset.input\", or a list of them", from);

    Err err = ERR_OK;
    for (size_t i = 1; i <= count && !err; i++) {
        if (list)
            lua_rawgeti(lua, -1, (lua_Integer)i);
        else
            lua_pushvalue(lua, -1);
        if (lua_type(lua, -1) != LUA_TSTRING)
            err = script_blame(plant->script, why, SECTION, from, "connect: \"%s\" must feed \"asset.input\", or a list of them, got %s", from,
                               lua_typename(lua, lua_type(lua, -1)));
        else
            err = add_connection(plant, from, lua_tostring(lua, -1), why);
        lua_pop(lua, 1);
    }
    return err;
}

static int compare_places(Place x, Place y)
{
    return x.twin != y.twin ? (x.twin > y.twin) - (x.twin < y.twin) : (x.channel > y.channel) - (x.channel < y.channel);
}

static int by_input(const void *a, const void *b)
{
    const Connection *x = a, *y = b;
    const int order = compare_places(x->to, y->to);
    return order ? order : compare_places(x->from, y->from);
}

/* An input has one value, so it has one source. */
static Err check_sources(const Plant *plant, ErrText *why)
{
    for (uint32_t i = 1; i < plant->connection_count; i++) {
        const Connection *a = &plant->connections[i - 1], *b = &plant->connections[i];
        if (compare_places(a->to, b->to) != 0)
            continue;
        char name[128];
        snprintf(name, sizeof name, "%s.%s", plant->twins[a->from.twin].name, channel_at(plant, a->from)->name);
        return script_blame(plant->script, why, SECTION, name, "connect: \"%s.%s\" is fed twice, by \"%s\" and by \"%s.%s\"", plant->twins[a->to.twin].name,
                            channel_at(plant, a->to)->name, name, plant->twins[b->from.twin].name, channel_at(plant, b->from)->name);
    }
    return ERR_OK;
}

Err connect_read(Plant *plant, int root, ErrText *why)
{
    lua_State *lua = script_lua(plant->script);
    const int type = lua_getfield(lua, root, SECTION);
    if (type == LUA_TNIL) {
        lua_pop(lua, 1);
        return ERR_OK;
    }
    if (type != LUA_TTABLE)
        return script_blame(plant->script, why, SECTION, NULL, "\"connect\" must be a table, got %s", lua_typename(lua, type));

    size_t count = 0;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        if (lua_type(lua, -2) != LUA_TSTRING)
            return script_blame(plant->script, why, SECTION, NULL, "connect: expected [\"asset.output\"] = \"asset.input\"");
        count += count_inputs(lua);
    }
    if (count >= UINT32_MAX || !(plant->connections = arena_new(&plant->arena, Connection, count + 1)))
        return no_memory(why);

    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        const Err err = read_inputs(plant, lua, lua_tostring(lua, -2), why);
        if (err)
            return err;
    }
    lua_pop(lua, 1);
    qsort(plant->connections, plant->connection_count, sizeof *plant->connections, by_input);
    return check_sources(plant, why);
}

// --- loops ---------------------------------------------------------------------------------------------------------

typedef struct Visit {
    uint32_t twin, next;
} Visit;

/* The twins as a directed graph, and what Tarjan's search finds out about it: twins are in a loop together when they have the same component,
 * and components are finished before those that feed them.
 * Source: Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1 (1972), with a stack of its own instead of recursion. */
typedef struct Net {
    uint32_t *first, *target;  // of twin i: target[first[i]] .. target[first[i + 1] - 1]
    uint32_t *number, *low;    // from 1 in the order of discovery; the lowest that is reached from here
    uint32_t *component;       // from 1, 0 while open
    uint32_t *open, open_count;
    uint32_t *finished, finished_count;  // in the order of their components
    Visit *visits;
    uint32_t depth, numbers, components;
} Net;

/* A parameter does not move, so it can be read at any time. */
static bool is_ordered(const Plant *plant, const Connection *connection)
{
    return channel_at(plant, connection->from)->kind != CHANNEL_PARAMETER;
}

static Err net_build(Net *net, const Plant *plant, Arena *arena, ErrText *why)
{
    const size_t twins = plant->twin_count;
    uint32_t **const lists[] = {&net->number, &net->low, &net->component, &net->open, &net->finished};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!(*lists[i] = arena_new(arena, uint32_t, twins)))
            return no_memory(why);
    net->first = arena_new(arena, uint32_t, twins + 2);
    net->target = arena_new(arena, uint32_t, plant->connection_count + 1);
    net->visits = arena_new(arena, Visit, twins);
    if (!net->first || !net->target || !net->visits)
        return no_memory(why);

    // counted one place ahead, so that filling moves every start to where it belongs
    for (uint32_t i = 0; i < plant->connection_count; i++)
        net->first[plant->connections[i].from.twin + 2] += is_ordered(plant, &plant->connections[i]);
    for (size_t i = 2; i < twins + 2; i++)
        net->first[i] += net->first[i - 1];
    for (uint32_t i = 0; i < plant->connection_count; i++)
        if (is_ordered(plant, &plant->connections[i]))
            net->target[net->first[plant->connections[i].from.twin + 1]++] = plant->connections[i].to.twin;
    return ERR_OK;
}

static void net_enter(Net *net, uint32_t twin)
{
    net->number[twin] = net->low[twin] = ++net->numbers;
    net->open[net->open_count++] = twin;
    net->visits[net->depth++] = (Visit){twin, net->first[twin]};
}

static void net_leave(Net *net, uint32_t twin)
{
    net->depth--;
    if (net->depth > 0) {
        const uint32_t above = net->visits[net->depth - 1].twin;
        net->low[above] = net->low[twin] < net->low[above] ? net->low[twin] : net->low[above];
    }
    if (net->low[twin] != net->number[twin])
        return;

    net->components++;
    uint32_t member;
    do {
        member = net->open[--net->open_count];
        net->component[member] = net->components;
        net->finished[net->finished_count++] = member;
    } while (member != twin);
}

static void net_search(Net *net, uint32_t root)
{
    net_enter(net, root);
    while (net->depth > 0) {
        Visit *top = &net->visits[net->depth - 1];
        const uint32_t twin = top->twin;
        if (top->next == net->first[twin + 1]) {
            net_leave(net, twin);
            continue;
        }
        const uint32_t to = net->target[top->next++];
        if (net->number[to] == 0)
            net_enter(net, to);
        else if (net->component[to] == 0 && net->number[to] < net->low[twin])
            net->low[twin] = net->number[to];
    }
}

/* The stage of every twin: one behind the last of those that feed it. Components finish before those that feed them, so from the back of the
 * list every twin's stage is known before it is passed on. */
static void net_stages(const Net *net, uint32_t *stage)
{
    for (uint32_t i = net->finished_count; i-- > 0;) {
        const uint32_t twin = net->finished[i];
        for (uint32_t t = net->first[twin]; t < net->first[twin + 1]; t++) {
            const uint32_t to = net->target[t];
            if (net->component[to] != net->component[twin] && stage[to] <= stage[twin])
                stage[to] = stage[twin] + 1;
        }
    }
}

// --- stages --------------------------------------------------------------------------------------------------------

/* The turns of a block: at most one per lane. */
typedef struct BlockTurns {
    Turn items[LANES];
    uint32_t count;
} BlockTurns;

static Turn *find_turn(BlockTurns *turns, uint32_t block, uint32_t stage)
{
    for (uint32_t i = 0; i < turns->count; i++)
        if (turns->items[i].stage == stage)
            return &turns->items[i];
    turns->items[turns->count] = (Turn){.block = block, .stage = stage};
    return &turns->items[turns->count++];
}

static void find_turns(const Plant *plant, uint32_t index, const uint32_t *stage, BlockTurns *turns)
{
    const Block *block = &plant->blocks[index];
    turns->count = 0;
    for (uint32_t lane = 0; lane < block->lanes; lane++)
        find_turn(turns, index, stage[block->twin[lane]])->lanes |= UINT64_C(1) << lane;
    if (turns->count == 1)
        turns->items[0].lanes = ~UINT64_C(0);  // nothing to put back behind it
}

static int by_stage(const void *a, const void *b)
{
    const Turn *x = a, *y = b;
    return x->stage != y->stage ? (x->stage > y->stage) - (x->stage < y->stage) : (x->block > y->block) - (x->block < y->block);
}

static int by_turn(const void *a, const void *b)
{
    const Connection *x = a, *y = b;
    if (x->delayed != y->delayed)
        return x->delayed ? -1 : 1;
    return x->stage != y->stage ? (x->stage > y->stage) - (x->stage < y->stage) : by_input(a, b);
}

/* Counted first: a fleet has one turn per block, not one per twin. */
static Err make_turns(Plant *plant, const uint32_t *stage)
{
    BlockTurns turns;
    size_t count = 0;
    for (uint32_t b = 0; b < plant->block_count; b++) {
        find_turns(plant, b, stage, &turns);
        count += turns.count;
    }
    plant->turns = arena_new(&plant->arena, Turn, count);
    if (!plant->turns)
        return ERR_MEMORY;
    for (uint32_t b = 0; b < plant->block_count; b++) {
        find_turns(plant, b, stage, &turns);
        memcpy(&plant->turns[plant->turn_count], turns.items, turns.count * sizeof *turns.items);
        plant->turn_count += turns.count;
    }
    return ERR_OK;
}

/* Outputs that are read within the tick are computed as soon as their twin is stepped, all others when the last twin of their block is. `feeds`
 * and `done` are by block, and begin with false. */
static void mark_deriving(Plant *plant, bool *feeds, bool *done)
{
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const Connection *connection = &plant->connections[i];
        if (!connection->delayed && channel_at(plant, connection->from)->kind == CHANNEL_OUTPUT)
            feeds[connection->from_block] = true;
    }
    for (uint32_t i = plant->turn_count; i-- > 0;) {
        Turn *turn = &plant->turns[i];
        turn->derives = plant->blocks[turn->block].model->derive.length > 0 && (feeds[turn->block] || !done[turn->block]);
        done[turn->block] = true;
    }
}

void connect__make_stages(PlantPart *part)
{
    uint32_t turn = 0, connection = part->delayed_count;
    for (uint32_t s = 0; s < part->stage_count; s++) {
        Stage *stage = &part->stages[s];
        stage->first_turn = turn;
        stage->first_connection = connection;
        while (turn < part->turn_count && part->turns[turn].stage == s)
            turn++;
        while (connection < part->connection_count && part->connections[connection].stage == s)
            connection++;
        stage->turn_count = turn - stage->first_turn;
        stage->connection_count = connection - stage->first_connection;
    }
    assert(turn == part->turn_count && connection == part->connection_count);
}

/* The stage of every twin, and the loops it is in. */
static Err find_stages(Net *net, const Plant *plant, Arena *arena, uint32_t *stage, ErrText *why)
{
    const Err err = net_build(net, plant, arena, why);
    if (err)
        return err;
    for (uint32_t twin = 0; twin < plant->twin_count; twin++)
        if (net->number[twin] == 0)
            net_search(net, twin);
    net_stages(net, stage);
    return ERR_OK;
}

static Err plan(Plant *plant, Arena *arena, ErrText *why)
{
    Net net = {0};
    uint32_t *stage = arena_new(arena, uint32_t, plant->twin_count);
    bool *feeds = arena_new(arena, bool, plant->block_count), *done = arena_new(arena, bool, plant->block_count);
    if (!stage || !feeds || !done || (plant->connection_count && find_stages(&net, plant, arena, stage, why)))
        return no_memory(why);

    for (uint32_t i = 0; i < plant->connection_count; i++) {
        Connection *connection = &plant->connections[i];
        connection->delayed = is_ordered(plant, connection) && net.component[connection->from.twin] == net.component[connection->to.twin];
        connection->stage = stage[connection->to.twin];
        plant->delayed_count += connection->delayed;
    }
    if (make_turns(plant, stage))
        return no_memory(why);
    qsort(plant->turns, plant->turn_count, sizeof *plant->turns, by_stage);
    if (plant->connection_count)
        qsort(plant->connections, plant->connection_count, sizeof *plant->connections, by_turn);
    mark_deriving(plant, feeds, done);

    plant->stage_count = plant->turns[plant->turn_count - 1].stage + 1;
    plant->stages = arena_new(&plant->arena, Stage, plant->stage_count);
    return plant->stages && part__make_whole(plant) == ERR_OK ? ERR_OK : no_memory(why);
}

Err connect_plan(Plant *plant, ErrText *why)
{
    assert(plant->twin_count > 0);
    Arena arena = {0};
    const Err err = plan(plant, &arena, why);
    arena_fini(&arena);
    return err;
}

void connect_carry(const Plant *plant, const Connection *connections, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const Connection *connection = &connections[i];
        const double value = plant->blocks[connection->from_block].columns[connection->from_cell];
        if (!isfinite(value))
            continue;
        const double low = value > connection->min ? value : connection->min;
        plant->blocks[connection->to_block].columns[connection->to_cell] = low < connection->max ? low : connection->max;
    }
}
