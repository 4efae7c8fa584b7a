/* compile.c -- assignments become a program.
 *
 * Passes over a list of items, one item per instruction to be:
 *   plan      an item per operation of the graph;
 *   schedule  (schedule.c) some become one, and all get their order;
 *   live      for every value and for the old value of every column, the last item that reads it;
 *   emit      registers are handed out and taken back in one scan, the one that was used last first, as it is still in the cache.
 *
 * All assignments read the block as it was before any of them writes. So a result goes straight to its column when nobody reads the
 * old value later; otherwise it waits in a register and is moved behind the last reader. */
#include "graph/compile.h"

#include <assert.h>
#include <string.h>

#include "graph/expr.h"
#include "graph/program.h"

#define COLUMNS_ALL (UINT16_MAX + 1)

/* An assignment of what is there already: a constant, or what another column was given. Done last. */
typedef struct Copy {
    uint32_t column;
    Place value;
} Copy;

/* An instruction before the number of registers, and with it the numbers of the slots, is known. */
typedef struct Draft {
    uint16_t op;
    Place to, args[3];
} Draft;

typedef struct Compiler {
    Graph *graph;
    uint16_t columns;
    ErrText *why;
    Arena arena;  // of what follows; gone when the program is there

    Item *items;
    uint32_t item_count;
    Copy *copies;
    uint32_t copy_count;

    uint32_t *column_last_read;  // per column: the last item that reads the old value, or NEVER
    uint32_t *column_waiting;    // per column: the item whose value will go there, or NEVER

    Draft *drafts;
    uint32_t draft_count;
    uint32_t *free_registers;
    uint32_t free_count, register_count;
    double *constants;
    uint32_t constant_count;
} Compiler;

// ---- plan ---------------------------------------------------------------------------------------------------------------

static Err check_assignments(Compiler *compiler, const Assignment *assignments, size_t count)
{
    if (compiler->graph->err == ERR_FULL)
        return err_set(compiler->why, ERR_FULL, "the equations unfold to more than %d operations", GRAPH_NODES_MAX);
    if (compiler->graph->err)
        return err_set(compiler->why, compiler->graph->err, "out of memory while building the equations");

    uint8_t *const assigned = arena_new(&compiler->arena, uint8_t, COLUMNS_ALL);
    if (!assigned)
        return err_set(compiler->why, ERR_MEMORY, "out of memory while compiling");
    for (size_t i = 0; i < count; i++) {
        const uint16_t column = assignments[i].column;
        if (assignments[i].value >= compiler->graph->count)
            return err_set(compiler->why, ERR_USAGE, "column %u is assigned nothing", column);
        if (column >= compiler->columns)
            return err_set(compiler->why, ERR_RANGE, "column %u is assigned, but the block has %u", column, compiler->columns);
        if (assigned[column]++)
            return err_set(compiler->why, ERR_USAGE, "column %u is assigned twice", column);
    }
    return ERR_OK;
}

/* Room for everything: an item per node of the walk and per assignment, and a constant and a move for each of those at the most. */
static bool reserve(Compiler *compiler, size_t nodes, size_t assignments)
{
    const size_t items = nodes + assignments;
    Arena *const arena = &compiler->arena;
    compiler->items = arena_new(arena, Item, items);
    compiler->copies = arena_new(arena, Copy, assignments);
    compiler->column_last_read = arena_new(arena, uint32_t, compiler->columns);
    compiler->column_waiting = arena_new(arena, uint32_t, compiler->columns);
    compiler->drafts = arena_new(arena, Draft, items + assignments);
    compiler->free_registers = arena_new(arena, uint32_t, items);
    compiler->constants = arena_new(arena, double, nodes);
    if (!compiler->items || !compiler->copies || !compiler->column_last_read || !compiler->column_waiting || !compiler->drafts ||
        !compiler->free_registers || !compiler->constants)
        return false;

    memset(compiler->column_last_read, 0xff, sizeof(uint32_t) * compiler->columns);
    memset(compiler->column_waiting, 0xff, sizeof(uint32_t) * compiler->columns);
    return true;
}

static Place place_of_node(const Graph *graph, Expr expr)
{
    const Node *const node = expr__node(graph, expr);
    if (node->op == NODE_VARIABLE)
        return (Place){PLACE_COLUMN, node->column};
    return (Place){node->op == NODE_CONSTANT ? PLACE_CONSTANT : PLACE_ITEM, node->note.index};
}

static Item *item_add(Compiler *compiler, uint16_t op)
{
    Item *const item = &compiler->items[compiler->item_count++];
    *item = (Item){.op = op, .target = NEVER, .last_read = NEVER};
    return item;
}

static void plan_operation(Compiler *compiler, const Node *node)
{
    Item *const item = item_add(compiler, node->op);
    for (unsigned k = 0; k < op__arity(node->op); k++) {
        item->args[k] = place_of_node(compiler->graph, node->args[k]);
        if (item->args[k].kind == PLACE_ITEM)
            compiler->items[item->args[k].index].readers++;
    }
}

/* Note on every node what it is to the compiler: an operation its item, a constant its number. */
static Err plan_node(Compiler *compiler, Expr expr)
{
    Node *const node = &compiler->graph->nodes[expr];
    if (node->op == NODE_VARIABLE && node->column >= compiler->columns)
        return err_set(compiler->why, ERR_RANGE, "column %u is read, but the block has %u", node->column, compiler->columns);
    if (node->op == NODE_CONSTANT) {
        node->note.index = compiler->constant_count;
        compiler->constants[compiler->constant_count++] = node->value;
    } else if (node->op != NODE_VARIABLE) {
        node->note.index = compiler->item_count;
        plan_operation(compiler, node);
    }
    return ERR_OK;
}

/* The item that computes `value` is given its column, unless it has one: then, as for a constant, a copy is made in the end. */
static void plan_assignment(Compiler *compiler, Assignment assignment)
{
    const Place value = place_of_node(compiler->graph, assignment.value);
    if (value.kind == PLACE_COLUMN && value.index == assignment.column)
        return;

    Item *item = NULL;
    if (value.kind == PLACE_COLUMN) {
        item = item_add(compiler, OP_MOVE);
        item->args[0] = value;
    } else if (value.kind == PLACE_ITEM) {
        item = &compiler->items[value.index];
    }

    if (item && item->target == NEVER)
        item->target = assignment.column;
    else
        compiler->copies[compiler->copy_count++] = (Copy){assignment.column, item ? (Place){PLACE_COLUMN, item->target} : value};
}

static Err plan(Compiler *compiler, const Assignment *assignments, size_t count)
{
    const Graph *const graph = compiler->graph;
    expr__walk_begin(graph);
    for (size_t i = 0; i < count; i++)
        expr__walk(graph, assignments[i].value, NULL, NULL);
    if (!reserve(compiler, graph->walk->count, count))
        return err_set(compiler->why, ERR_MEMORY, "out of memory while compiling");

    for (size_t i = 0; i < graph->walk->count; i++) {
        const Err err = plan_node(compiler, graph->walk->order[i]);
        if (err)
            return err;
    }
    for (size_t i = 0; i < count; i++)
        plan_assignment(compiler, assignments[i]);
    return ERR_OK;
}

// ---- live ---------------------------------------------------------------------------------------------------------------

static void live(Compiler *compiler)
{
    for (uint32_t i = 0; i < compiler->item_count; i++) {
        for (unsigned k = 0; k < op__arity(compiler->items[i].op); k++) {
            const Place arg = compiler->items[i].args[k];
            if (arg.kind == PLACE_COLUMN)
                compiler->column_last_read[arg.index] = i;
            else if (arg.kind == PLACE_ITEM)
                compiler->items[arg.index].last_read = i;
        }
    }
}

// ---- emit ---------------------------------------------------------------------------------------------------------------

/* Where an operand is by now. */
static Place place_of(const Compiler *compiler, Place operand)
{
    return operand.kind == PLACE_ITEM ? compiler->items[operand.index].place : operand;
}

static bool is_same(Place a, Place b)
{
    return a.kind == b.kind && a.index == b.index;
}

static void emit_move(Compiler *compiler, uint32_t column, Place from)
{
    compiler->drafts[compiler->draft_count++] = (Draft){.op = OP_MOVE, .to = {PLACE_COLUMN, column}, .args = {from}};
}

static Place register_take(Compiler *compiler)
{
    const uint32_t index = compiler->free_count ? compiler->free_registers[--compiler->free_count] : compiler->register_count++;
    return (Place){PLACE_REGISTER, index};
}

static void register_give(Compiler *compiler, Place place)
{
    if (place.kind == PLACE_REGISTER)
        compiler->free_registers[compiler->free_count++] = place.index;
}

/* Registers of operands that nobody reads behind item `at` are free for its own result: every lane is read before it is written.
 * A value that waits for its column keeps its register until it has moved in. */
static void release_operands(Compiler *compiler, uint32_t at)
{
    const Item *const item = &compiler->items[at];
    for (unsigned k = 0; k < op__arity(item->op); k++) {
        const Place arg = item->args[k];
        const bool again = (k > 0 && is_same(arg, item->args[0])) || (k > 1 && is_same(arg, item->args[1]));
        if (arg.kind != PLACE_ITEM || again)
            continue;
        const Item *const value = &compiler->items[arg.index];
        if (value->last_read == at && value->target == NEVER)
            register_give(compiler, value->place);
    }
}

/* Straight to the column when its old value is read no more, otherwise to a register. */
static void choose_place(Compiler *compiler, uint32_t at)
{
    Item *const item = &compiler->items[at];
    const uint32_t last = item->target == NEVER ? NEVER : compiler->column_last_read[item->target];
    if (item->target != NEVER && (last == NEVER || last <= at)) {
        item->place = (Place){PLACE_COLUMN, item->target};
        return;
    }
    item->place = register_take(compiler);
    if (item->target != NEVER)
        compiler->column_waiting[item->target] = at;
}

/* Item `at` was the last reader of some columns: the values that waited for that move in. */
static void move_in(Compiler *compiler, uint32_t at)
{
    for (unsigned k = 0; k < op__arity(compiler->items[at].op); k++) {
        const Place old = place_of(compiler, compiler->items[at].args[k]);
        if (old.kind != PLACE_COLUMN || compiler->column_last_read[old.index] != at || compiler->column_waiting[old.index] == NEVER)
            continue;

        Item *const item = &compiler->items[compiler->column_waiting[old.index]];
        emit_move(compiler, old.index, item->place);
        register_give(compiler, item->place);
        item->place = old;
        compiler->column_waiting[old.index] = NEVER;
    }
}

static void emit(Compiler *compiler)
{
    for (uint32_t at = 0; at < compiler->item_count; at++) {
        const Item *const item = &compiler->items[at];
        Draft *const draft = &compiler->drafts[compiler->draft_count++];
        draft->op = item->op;
        for (unsigned k = 0; k < op__arity(item->op); k++)
            draft->args[k] = place_of(compiler, item->args[k]);

        release_operands(compiler, at);
        choose_place(compiler, at);
        draft->to = item->place;
        move_in(compiler, at);
    }
    for (uint32_t i = 0; i < compiler->copy_count; i++)
        emit_move(compiler, compiler->copies[i].column, compiler->copies[i].value);
}

// ---- finish -------------------------------------------------------------------------------------------------------------

static uint16_t slot_of(const Compiler *compiler, Place place)
{
    assert(place.kind != PLACE_ITEM);
    const uint32_t first[] = {
        [PLACE_COLUMN] = 0,
        [PLACE_REGISTER] = compiler->columns,
        [PLACE_CONSTANT] = compiler->columns + compiler->register_count,
    };
    return (uint16_t)(first[place.kind] + place.index);
}

static Instruction instruction_of(const Compiler *compiler, const Draft *draft)
{
    // an operand that is not there repeats the first: any slot that exists will do
    uint16_t slots[3];
    for (unsigned k = 0; k < 3; k++)
        slots[k] = slot_of(compiler, draft->args[k < op__arity(draft->op) ? k : 0]);
    return (Instruction){.op = draft->op, .to = slot_of(compiler, draft->to), .a = slots[0], .b = slots[1], .c = slots[2]};
}

static Err finish(Compiler *compiler, Arena *arena, Program *out)
{
    const uint32_t slots = compiler->columns + compiler->register_count + compiler->constant_count;
    if (slots > UINT16_MAX)
        return err_set(compiler->why, ERR_FULL, "%u columns, %u registers and %u constants are more than the %u that a program can have",
                       compiler->columns, compiler->register_count, compiler->constant_count, UINT16_MAX);

    Instruction *const code = arena_new(arena, Instruction, compiler->draft_count);
    double *const constant = arena_new(arena, double, LANES * (compiler->constant_count ? compiler->constant_count : 1));
    bool *const live = arena_new(&compiler->arena, bool, slots + 1);
    if (!code || !constant || !live)
        return err_set(compiler->why, ERR_MEMORY, "out of memory while compiling");

    for (uint32_t i = 0; i < compiler->draft_count; i++)
        code[i] = instruction_of(compiler, &compiler->drafts[i]);
    program__find_forms(code, compiler->draft_count, compiler->columns, live);
    for (uint32_t i = 0; i < compiler->constant_count * LANES; i++)
        constant[i] = compiler->constants[i / LANES];

    *out = (Program){
        .code = code,
        .length = compiler->draft_count,
        .columns = compiler->columns,
        .registers = (uint16_t)compiler->register_count,
        .constants = (uint16_t)compiler->constant_count,
        .constant = constant,
    };
    out->hash = program__hash(out);
    out->native = native__request(out);
    return ERR_OK;
}

Err graph_compile(Graph *graph, const Assignment *assignments, size_t count, uint16_t columns, Arena *arena, Program *out, ErrText *why)
{
    assert(graph && arena && out);
    assert(assignments || count == 0);
    Compiler compiler = {.graph = graph, .columns = columns, .why = why};

    Err err = check_assignments(&compiler, assignments, count);
    if (!err)
        err = plan(&compiler, assignments, count);
    if (!err) {
        schedule__fuse(compiler.items, compiler.item_count);
        if (!schedule__order(compiler.items, &compiler.item_count, &compiler.arena))
            err = err_set(why, ERR_MEMORY, "out of memory while compiling");
    }
    if (!err) {
        live(&compiler);
        emit(&compiler);
        err = finish(&compiler, arena, out);
    }
    arena_fini(&compiler.arena);
    return err;
}
