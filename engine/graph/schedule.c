/* schedule.c -- which operations become one instruction, and in which order instructions come.
 *
 * The order is that of Sethi and Ullman: root after root, and below each the heavier operand first, so that few values wait in registers. What an
 * instruction computes is then mostly read by the next one, which the interpreter makes use of (lanes.c). A list schedule from below that greedily
 * frees registers was tried on the models of the library: it took a tenth fewer of them, and was no faster, interpreted or natively. */
#include "graph/compile.h"

#include <assert.h>
#include <string.h>

// ---- two operations in one ----------------------------------------------------------------------------------------------

static bool is_leaf(Place place)
{
    return place.kind != PLACE_ITEM;
}

/* Whether the operand is a product that its reader may take over: it alone reads it, or the factors are at hand whenever they are needed. A product
 * that several sums take over is then computed several times, which is free, and need not wait for them in a register. */
static bool is_product(const Item *items, Place operand)
{
    if (is_leaf(operand))
        return false;
    const Item *const item = &items[operand.index];
    return item->op == OP_MUL && item->target == NEVER && (item->readers == 1 || (is_leaf(item->args[0]) && is_leaf(item->args[1])));
}

static void take_over(Item *items, Item *sum, Op op, Place product, Place other)
{
    Item *const taken = &items[product.index];
    *sum = (Item){.op = (uint16_t)op, .args = {taken->args[0], taken->args[1], other}, .readers = sum->readers, .target = sum->target};
    taken->readers--;  // those of its factors are as many as before: what has several readers reads leaves
}

void schedule__fuse(Item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        Item *const item = &items[i];
        if (item->op != OP_ADD && item->op != OP_SUB)
            continue;
        const Place a = item->args[0], b = item->args[1];
        if (is_product(items, b))
            take_over(items, item, item->op == OP_ADD ? OP_MULADD : OP_SUBMUL, b, a);
        else if (is_product(items, a))
            take_over(items, item, item->op == OP_ADD ? OP_MULADD : OP_MULSUB, a, b);
    }
}

// ---- order --------------------------------------------------------------------------------------------------------------

typedef struct Frame {
    uint32_t item;
    uint32_t next;  // how many operands are done
} Frame;

typedef struct Schedule {
    const Item *items;
    uint32_t *need;        // registers that the tree below takes
    uint8_t (*turn)[3];    // the operands in the order in which they are best computed
    uint32_t *place;       // where an item comes in the order, NEVER as long as that is open
    uint32_t *order;
    Frame *stack;
    uint32_t count;
} Schedule;

static uint32_t need_of(const Schedule *schedule, Place place)
{
    return is_leaf(place) ? 0 : schedule->need[place.index];
}

/* The heavier operand is computed first, while no other one waits in a register. */
static void weigh(Schedule *schedule, uint32_t at)
{
    const Item *const item = &schedule->items[at];
    uint8_t *const turn = schedule->turn[at];
    uint32_t need = 1, waiting = 0;
    for (unsigned k = 0; k < op__arity(item->op); k++) {
        unsigned to = k;
        for (; to > 0 && need_of(schedule, item->args[turn[to - 1]]) < need_of(schedule, item->args[k]); to--)
            turn[to] = turn[to - 1];
        turn[to] = (uint8_t)k;
    }
    for (unsigned k = 0; k < op__arity(item->op); k++) {
        const uint32_t own = need_of(schedule, item->args[turn[k]]);
        need = own + waiting > need ? own + waiting : need;
        waiting += own > 0;
    }
    schedule->need[at] = need;
}

/* Put an operand on the stack unless it is a leaf or has its place already. */
static uint32_t enter(Schedule *schedule, Place operand, uint32_t depth)
{
    if (is_leaf(operand) || schedule->place[operand.index] != NEVER)
        return depth;
    schedule->stack[depth] = (Frame){.item = operand.index};
    return depth + 1;
}

static void compute(Schedule *schedule, uint32_t root)
{
    uint32_t depth = enter(schedule, (Place){PLACE_ITEM, root}, 0);
    while (depth > 0) {
        Frame *const top = &schedule->stack[depth - 1];
        const Item *const item = &schedule->items[top->item];
        if (top->next < op__arity(item->op)) {
            depth = enter(schedule, item->args[schedule->turn[top->item][top->next++]], depth);
        } else {
            schedule->place[top->item] = schedule->count;
            schedule->order[schedule->count++] = top->item;
            depth--;
        }
    }
}

static bool reserve(Schedule *schedule, uint32_t count, Arena *arena)
{
    schedule->need = arena_new(arena, uint32_t, count);
    schedule->turn = arena_alloc(arena, count * sizeof *schedule->turn);
    schedule->place = arena_new(arena, uint32_t, count);
    schedule->order = arena_new(arena, uint32_t, count);
    schedule->stack = arena_new(arena, Frame, count);
    if (!schedule->need || !schedule->turn || !schedule->place || !schedule->order || !schedule->stack)
        return false;
    memset(schedule->place, 0xff, count * sizeof *schedule->place);
    return true;
}

bool schedule__order(Item *items, uint32_t *count, Arena *arena)
{
    Schedule schedule = {.items = items};
    Item *const sorted = arena_new(arena, Item, *count + 1);
    if (!sorted || !reserve(&schedule, *count + 1, arena))
        return false;
    for (uint32_t i = 0; i < *count; i++)
        weigh(&schedule, i);
    for (uint32_t i = 0; i < *count; i++)
        if (items[i].target != NEVER)
            compute(&schedule, i);

    for (uint32_t i = 0; i < schedule.count; i++) {
        sorted[i] = items[schedule.order[i]];
        for (unsigned k = 0; k < op__arity(sorted[i].op); k++)
            if (!is_leaf(sorted[i].args[k]))
                sorted[i].args[k].index = schedule.place[sorted[i].args[k].index];
    }
    memcpy(items, sorted, schedule.count * sizeof *items);
    *count = schedule.count;
    return true;
}
