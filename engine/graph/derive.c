/* derive.c -- exact derivatives, node by node.
 *
 * The chain rule over a walk: a node's derivative is built from those of its operands, and is kept for (node, column), so that a
 * Jacobian costs what its distinct entries cost. A term whose factor is the derivative 0 is left out by construction: this is where
 * the sparsity of a Jacobian comes from. Rules share reciprocals between columns, as a division costs ten multiplications. */
#include "graph/expr.h"

#include <assert.h>
#include <string.h>

enum { DERIVATIVES_AT_FIRST = 256 };

// ---- what was derived before --------------------------------------------------------------------------------------------

static Derivative *derivative_place(const Graph *graph, Expr expr, uint16_t column)
{
    const uint32_t key[2] = {expr, column};
    const size_t mask = graph->derivative_capacity - 1;
    size_t at = (size_t)hash_bytes(0, key, sizeof key) & mask;
    while (graph->derivatives[at].expr != EXPR_NONE && (graph->derivatives[at].expr != expr || graph->derivatives[at].column != column))
        at = (at + 1) & mask;
    return &graph->derivatives[at];
}

static bool derivatives_grow(Graph *graph)
{
    const size_t before = graph->derivative_capacity, now = before ? 2 * before : DERIVATIVES_AT_FIRST;
    Derivative *const old = graph->derivatives, *const new = mem_alloc(now * sizeof *new);
    if (!new)
        return false;
    memset(new, 0xff, now * sizeof *new);  // EXPR_NONE everywhere

    graph->derivatives = new;
    graph->derivative_capacity = now;
    for (size_t i = 0; i < before; i++)
        if (old[i].expr != EXPR_NONE)
            *derivative_place(graph, old[i].expr, (uint16_t)old[i].column) = old[i];
    mem_free(old);
    return true;
}

static bool derivative_keep(Graph *graph, Expr expr, uint16_t column, Expr value)
{
    if (2 * graph->derivative_count >= graph->derivative_capacity && !derivatives_grow(graph)) {
        graph->err = ERR_MEMORY;
        return false;
    }
    *derivative_place(graph, expr, column) = (Derivative){expr, column, value};
    graph->derivative_count++;
    return true;
}

/* The derivative of something that is a leaf, does not read the column, or was derived before; EXPR_NONE for anything else. */
static Expr derivative_of(Graph *graph, Expr expr, uint16_t column)
{
    const Node *const node = expr__node(graph, expr);
    if (node->op == NODE_VARIABLE)
        return graph_constant(graph, node->column == column ? 1.0 : 0.0);
    if ((node->reads & expr__bit(column)) == 0)
        return graph_constant(graph, 0.0);
    return graph->derivative_capacity ? derivative_place(graph, expr, column)->value : EXPR_NONE;
}

// ---- the rules ----------------------------------------------------------------------------------------------------------

static bool is_zero(const Graph *graph, Expr expr)
{
    double value;
    return graph_is_constant(graph, expr, &value) && value == 0.0;
}

static Expr add(Graph *graph, Expr a, Expr b)
{
    return graph_binary(graph, OP_ADD, a, b);
}

static Expr sub(Graph *graph, Expr a, Expr b)
{
    return graph_binary(graph, OP_SUB, a, b);
}

static Expr mul(Graph *graph, Expr a, Expr b)
{
    return graph_binary(graph, OP_MUL, a, b);
}

static Expr inverse(Graph *graph, Expr a)
{
    return graph_binary(graph, OP_DIV, graph_constant(graph, 1.0), a);
}

/* factor * d, and nothing at all where the derivative `d` is 0. */
static Expr term(Graph *graph, Expr factor, Expr d)
{
    return is_zero(graph, d) ? d : mul(graph, factor, d);
}

static Expr derive_abs(Graph *graph, Expr a, Expr da)
{
    const Expr below = graph_binary(graph, OP_ABOVE, graph_constant(graph, 0.0), a);
    return graph_select(graph, below, graph_unary(graph, OP_NEG, da), da);
}

static Expr derive_sqrt(Graph *graph, Expr root, Expr da)
{
    return term(graph, graph_binary(graph, OP_DIV, graph_constant(graph, 0.5), root), da);
}

static Expr derive_tan(Graph *graph, Expr tan, Expr da)
{
    return term(graph, add(graph, graph_constant(graph, 1.0), mul(graph, tan, tan)), da);
}

static Expr derive_asin(Graph *graph, Expr a, Expr da)
{
    const Expr cosine = graph_unary(graph, OP_SQRT, sub(graph, graph_constant(graph, 1.0), mul(graph, a, a)));
    return term(graph, inverse(graph, cosine), da);
}

static Expr derive_atan(Graph *graph, Expr a, Expr da)
{
    return term(graph, inverse(graph, add(graph, graph_constant(graph, 1.0), mul(graph, a, a))), da);
}

static Expr derive_tanh(Graph *graph, Expr tanh, Expr da)
{
    return term(graph, sub(graph, graph_constant(graph, 1.0), mul(graph, tanh, tanh)), da);
}

static Expr derive_mul(Graph *graph, Expr a, Expr b, Expr da, Expr db)
{
    if (a == b)
        return term(graph, add(graph, a, a), da);
    return add(graph, term(graph, b, da), term(graph, a, db));
}

/* (da - q db) / b for the quotient q. */
static Expr derive_div(Graph *graph, Expr quotient, Expr b, Expr da, Expr db)
{
    return term(graph, inverse(graph, b), sub(graph, da, term(graph, quotient, db)));
}

/* b a^(b-1) da + a^b log(a) db: the first term is all there is to a constant exponent. */
static Expr derive_pow(Graph *graph, Expr whole, Expr a, Expr b, Expr da, Expr db)
{
    const Expr less = graph_binary(graph, OP_POW, a, sub(graph, b, graph_constant(graph, 1.0)));
    const Expr by_base = is_zero(graph, da) ? da : term(graph, mul(graph, b, less), da);
    if (is_zero(graph, db))
        return by_base;
    return add(graph, by_base, term(graph, mul(graph, whole, graph_unary(graph, OP_LOG, a)), db));
}

/* (b da - a db) / (a^2 + b^2), as atan2 is the angle of the point (b, a). */
static Expr derive_atan2(Graph *graph, Expr a, Expr b, Expr da, Expr db)
{
    const Expr square = add(graph, mul(graph, a, a), mul(graph, b, b));
    return term(graph, inverse(graph, square), sub(graph, term(graph, b, da), term(graph, a, db)));
}

static Expr derive_hypot(Graph *graph, Expr hypot, Expr a, Expr b, Expr da, Expr db)
{
    return term(graph, inverse(graph, hypot), add(graph, term(graph, a, da), term(graph, b, db)));
}

/* The derivative of one node, from its operands `a`, `b`, `c` and their derivatives. */
static Expr derive_op(Graph *graph, Expr expr, Op op, const Expr arg[3], const Expr d[3])
{
    const Expr a = arg[0], b = arg[1], da = d[0], db = d[1], dc = d[2];
    switch (op) {
    case OP_NEG: return graph_unary(graph, OP_NEG, da);
    case OP_ABS: return derive_abs(graph, a, da);
    case OP_SQRT: return derive_sqrt(graph, expr, da);
    case OP_EXP: return term(graph, expr, da);
    case OP_LOG: return term(graph, inverse(graph, a), da);
    case OP_SIN: return term(graph, graph_unary(graph, OP_COS, a), da);
    case OP_COS: return graph_unary(graph, OP_NEG, term(graph, graph_unary(graph, OP_SIN, a), da));
    case OP_TAN: return derive_tan(graph, expr, da);
    case OP_ASIN: return derive_asin(graph, a, da);
    case OP_ACOS: return graph_unary(graph, OP_NEG, derive_asin(graph, a, da));
    case OP_ATAN: return derive_atan(graph, a, da);
    case OP_SINH: return term(graph, graph_unary(graph, OP_COSH, a), da);
    case OP_COSH: return term(graph, graph_unary(graph, OP_SINH, a), da);
    case OP_TANH: return derive_tanh(graph, expr, da);
    case OP_ADD: return add(graph, da, db);
    case OP_SUB: return sub(graph, da, db);
    case OP_MUL: return derive_mul(graph, a, b, da, db);
    case OP_DIV: return derive_div(graph, expr, b, da, db);
    case OP_MIN: return graph_select(graph, graph_binary(graph, OP_ABOVE, b, a), da, db);
    case OP_MAX: return graph_select(graph, graph_binary(graph, OP_ABOVE, a, b), da, db);
    case OP_POW: return derive_pow(graph, expr, a, b, da, db);
    case OP_ATAN2: return derive_atan2(graph, a, b, da, db);
    case OP_HYPOT: return derive_hypot(graph, expr, a, b, da, db);
    case OP_ABOVE: return graph_constant(graph, 0.0);  // a step, flat wherever it has a slope at all
    case OP_SELECT: return graph_select(graph, a, db, dc);
    case OP_MOVE:
    case OP_MULADD:
    case OP_MULSUB:
    case OP_SUBMUL:
    case OP_COUNT: break;
    }
    assert(!"an operation of expressions");
    return EXPR_NONE;
}

// ---- the walk -----------------------------------------------------------------------------------------------------------

static bool is_known(const Graph *graph, Expr expr, const void *context)
{
    const uint16_t column = *(const uint16_t *)context;
    if (expr__is_leaf(graph, expr) || (expr__node(graph, expr)->reads & expr__bit(column)) == 0)
        return true;
    return graph->derivative_capacity && derivative_place(graph, expr, column)->expr != EXPR_NONE;
}

static Expr derive_node(Graph *graph, Expr expr, uint16_t column)
{
    const Node node = *expr__node(graph, expr);
    Expr d[3] = {EXPR_NONE, EXPR_NONE, EXPR_NONE};
    for (unsigned i = 0; i < op__arity(node.op); i++) {
        d[i] = derivative_of(graph, node.args[i], column);
        if (d[i] == EXPR_NONE)
            return EXPR_NONE;
    }
    return derive_op(graph, expr, node.op, node.args, d);
}

Expr graph_derive(Graph *graph, Expr expr, uint16_t column)
{
    if (expr == EXPR_NONE)
        return EXPR_NONE;
    expr__walk_begin(graph);
    expr__walk(graph, expr, is_known, &column);
    for (size_t i = 0; i < graph->walk->count; i++) {
        const Expr node = graph->walk->order[i];
        const Expr value = derive_node(graph, node, column);
        if (value == EXPR_NONE || !derivative_keep(graph, node, column, value))
            return EXPR_NONE;
    }
    return derivative_of(graph, expr, column);
}
