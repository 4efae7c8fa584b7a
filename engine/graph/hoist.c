/* hoist.c -- what holds still between two steps is computed once, not at every step.
 *
 * A value is fixed when it depends on fixed columns and numbers alone. Where a moving value reads a fixed one, that one gets a prepared column.
 * Most of what is worth preparing hides in products, though: x / area has no fixed part, x * (1 / area) has. So a moving value is
 * seen as core * number * factor, the factor being fixed. Products, quotients and signs pass numbers and factors on, sums do so where both
 * sides agree, and everything else multiplies them out. A Runge-Kutta step whose rate is divided by an area so multiplies
 * by h / (2 area), prepared, and divides no more. Quotients with the same moving divisor share its reciprocal.
 *
 * Products are rounded in another order than they were written: a last bit may differ from the formula's, and is the same everywhere [I2]. */
#include "graph/expr.h"

#include <assert.h>
#include <math.h>

/* core * number * factor; a fixed value has no core. */
typedef struct Scaled {
    Expr core;      // EXPR_NONE: the value is fixed, and `factor` is all of it
    double number;
    Expr factor;    // EXPR_NONE: there is none
} Scaled;

typedef struct Hoister {
    Graph *graph;
    Hoist *hoist;
    Scaled *values;       // by Node.note.index, of the nodes of the walk
    uint32_t *quotients;  // and how many have that node as their divisor
} Hoister;

static Expr multiply(const Hoister *hoister, Expr a, Expr b)
{
    return graph_binary(hoister->graph, OP_MUL, a, b);
}

static bool is_fixed(const Scaled *value)
{
    return value->core == EXPR_NONE;
}

static bool is_scaled(const Scaled *value)
{
    return value->number != 1.0 || value->factor != EXPR_NONE;
}

/* The column that is prepared with `fixed`; the expression itself where a column would gain nothing, or there is none left. */
static Expr prepared(const Hoister *hoister, Expr fixed)
{
    Hoist *const hoist = hoister->hoist;
    if (fixed == EXPR_NONE || expr__is_leaf(hoister->graph, fixed))
        return fixed;
    uint16_t i = 0;
    while (i < hoist->count && hoist->prepared[i].value != fixed)
        i++;
    if (i == hoist->room)
        return fixed;
    if (i == hoist->count)
        hoist->prepared[hoist->count++] = (Assignment){(uint16_t)(hoist->first + i), fixed};
    return graph_variable(hoister->graph, hoist->prepared[i].column);
}

/* The factor and the number as one fixed value, EXPR_NONE where they are 1. */
static Expr scale_of(const Hoister *hoister, const Scaled *value)
{
    if (value->number == 1.0)
        return value->factor;
    const Expr number = graph_constant(hoister->graph, value->number);
    return value->factor == EXPR_NONE ? number : multiply(hoister, number, value->factor);
}

/* The value multiplied out. */
static Expr whole(const Hoister *hoister, const Scaled *value)
{
    if (is_fixed(value))
        return prepared(hoister, value->factor);
    const Expr scale = scale_of(hoister, value);
    return scale == EXPR_NONE ? value->core : multiply(hoister, value->core, prepared(hoister, scale));
}

static Scaled plain(Expr core)
{
    return (Scaled){core, 1.0, EXPR_NONE};
}

/* Numbers that a factor must not swallow: nothing times an infinite value is not nothing. */
static bool is_regular(double number)
{
    return isfinite(number) && fabs(number) >= 0x1p-1022;
}

/* `value` times the fixed expression `by`. */
static Scaled scaled(const Hoister *hoister, Scaled value, Expr by)
{
    double number;
    if (graph_is_constant(hoister->graph, by, &number)) {
        if (!is_regular(number * value.number))
            return plain(multiply(hoister, whole(hoister, &value), by));
        value.number *= number;
    } else {
        value.factor = value.factor == EXPR_NONE ? by : multiply(hoister, value.factor, by);
    }
    return value;
}

static Scaled hoist_mul(const Hoister *hoister, const Scaled *a, const Scaled *b)
{
    if (is_fixed(a) || is_fixed(b))
        return is_fixed(a) ? scaled(hoister, *b, a->factor) : scaled(hoister, *a, b->factor);
    return plain(multiply(hoister, whole(hoister, a), whole(hoister, b)));
}

static Expr inverse(const Hoister *hoister, Expr expr)
{
    return graph_binary(hoister->graph, OP_DIV, graph_constant(hoister->graph, 1.0), expr);
}

static Scaled hoist_div(const Hoister *hoister, const Scaled *a, const Scaled *b, bool shared)
{
    if (is_fixed(b))
        return scaled(hoister, *a, inverse(hoister, b->factor));
    if (!shared)
        return plain(graph_binary(hoister->graph, OP_DIV, whole(hoister, a), whole(hoister, b)));
    const Scaled reciprocal = plain(inverse(hoister, whole(hoister, b)));
    return hoist_mul(hoister, a, &reciprocal);
}

/* A sum keeps the factor that both sides have, and the number of the first where the second's is an exact multiple. */
static Scaled hoist_sum(const Hoister *hoister, Op op, Scaled a, Scaled b)
{
    const bool agree = !is_fixed(&a) && !is_fixed(&b) && a.factor == b.factor && (is_scaled(&a) == is_scaled(&b));
    const double ratio = b.number / a.number;
    if (!agree || !is_regular(ratio) || ratio * a.number != b.number)
        return plain(graph_binary(hoister->graph, op, whole(hoister, &a), whole(hoister, &b)));

    const Expr other = ratio == 1.0 ? b.core : multiply(hoister, b.core, graph_constant(hoister->graph, ratio));
    return (Scaled){graph_binary(hoister->graph, op, a.core, other), a.number, a.factor};
}

static Scaled hoist_op(const Hoister *hoister, const Node *node, const Scaled *args)
{
    Graph *const graph = hoister->graph;
    switch (node->op) {
    case OP_MUL: return hoist_mul(hoister, &args[0], &args[1]);
    case OP_DIV: return hoist_div(hoister, &args[0], &args[1], hoister->quotients[expr__node(graph, node->args[1])->note.index] > 1);
    case OP_ADD:
    case OP_SUB: return hoist_sum(hoister, node->op, args[0], args[1]);
    case OP_NEG:
        if (is_scaled(&args[0]))
            return (Scaled){args[0].core, -args[0].number, args[0].factor};
        break;
    default: break;
    }
    const unsigned arity = op__arity(node->op);
    if (arity == 1)
        return plain(graph_unary(graph, node->op, whole(hoister, &args[0])));
    if (arity == 2)
        return plain(graph_binary(graph, node->op, whole(hoister, &args[0]), whole(hoister, &args[1])));
    return plain(graph_select(graph, whole(hoister, &args[0]), whole(hoister, &args[1]), whole(hoister, &args[2])));
}

static Scaled hoist_node(const Hoister *hoister, Expr expr)
{
    const Node node = *expr__node(hoister->graph, expr);
    const Scaled fixed = {EXPR_NONE, 1.0, expr};
    if (node.op == NODE_CONSTANT)
        return fixed;
    if (node.op == NODE_VARIABLE)
        return node.column < hoister->hoist->first && hoister->hoist->fixed[node.column] ? fixed : plain(expr);

    Scaled args[3];
    bool all = true;
    for (unsigned i = 0; i < op__arity(node.op); i++) {
        args[i] = hoister->values[expr__node(hoister->graph, node.args[i])->note.index];
        all &= is_fixed(&args[i]);
    }
    return all ? fixed : hoist_op(hoister, &node, args);
}

/* Number the nodes of the walk, and count who divides by them. */
static void count_quotients(const Hoister *hoister)
{
    Graph *const graph = hoister->graph;
    for (size_t i = 0; i < graph->walk->count; i++) {
        Node *const node = &graph->nodes[graph->walk->order[i]];
        node->note.index = (uint32_t)i;
        if (node->op == OP_DIV)
            hoister->quotients[expr__node(graph, node->args[1])->note.index]++;
    }
}

static void hoist_walk(const Hoister *hoister, Assignment *assignments, size_t count)
{
    Graph *const graph = hoister->graph;
    const size_t nodes = graph->walk->count;
    count_quotients(hoister);
    for (size_t i = 0; i < nodes; i++)
        hoister->values[i] = hoist_node(hoister, graph->walk->order[i]);
    for (size_t i = 0; i < count; i++)
        assignments[i].value = whole(hoister, &hoister->values[expr__node(graph, assignments[i].value)->note.index]);
}

Err graph_hoist(Graph *graph, Hoist *hoist, Assignment *assignments, size_t count)
{
    assert(graph && hoist && (assignments || count == 0));
    for (size_t i = 0; i < count; i++)
        if (assignments[i].value == EXPR_NONE)
            return graph->err;
    expr__walk_begin(graph);
    for (size_t i = 0; i < count; i++)
        expr__walk(graph, assignments[i].value, NULL, NULL);

    const size_t room = graph->walk->count + 1;
    const Hoister hoister = {graph, hoist, mem_alloc(room * sizeof(Scaled)), mem_alloc(room * sizeof(uint32_t))};
    const bool is_there = hoister.values && hoister.quotients;
    if (is_there)
        hoist_walk(&hoister, assignments, count);
    mem_free(hoister.values);
    mem_free(hoister.quotients);
    return is_there ? graph->err : ERR_MEMORY;
}
