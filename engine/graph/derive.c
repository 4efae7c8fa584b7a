/* derive.c -- exact derivatives, node by node.
 *
 * Forward, the chain rule goes over a walk: a node's derivative is built from those of its operands, and is kept for (node, column), so that a
 * Jacobian costs what its distinct entries cost. A term whose factor is the derivative 0 is left out by construction: this is where
 * the sparsity of a Jacobian comes from. Rules share reciprocals between columns, as a division costs ten multiplications.
 *
 * Along a direction the same rules carry one tangent for all columns together, noted at the nodes for the time of one walk.
 *
 * In reverse the walk is taken back to front: a node's adjoint, the derivative of the whole by this node, is spread over its operands. */
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

static Expr pow_by_base(Graph *graph, Expr a, Expr b, Expr da)
{
    const Expr less = graph_binary(graph, OP_POW, a, sub(graph, b, graph_constant(graph, 1.0)));
    return term(graph, mul(graph, b, less), da);
}

static Expr pow_by_exponent(Graph *graph, Expr whole, Expr a, Expr db)
{
    return term(graph, mul(graph, whole, graph_unary(graph, OP_LOG, a)), db);
}

/* b a^(b-1) da + a^b log(a) db: the first term is all there is to a constant exponent. */
static Expr derive_pow(Graph *graph, Expr whole, Expr a, Expr b, Expr da, Expr db)
{
    if (is_zero(graph, db))
        return pow_by_base(graph, a, b, da);
    const Expr by_exponent = pow_by_exponent(graph, whole, a, db);
    return is_zero(graph, da) ? by_exponent : add(graph, pow_by_base(graph, a, b, da), by_exponent);
}

static Expr inverse_square(Graph *graph, Expr a, Expr b)
{
    return inverse(graph, add(graph, mul(graph, a, a), mul(graph, b, b)));
}

/* (b da - a db) / (a^2 + b^2), as atan2 is the angle of the point (b, a). */
static Expr derive_atan2(Graph *graph, Expr a, Expr b, Expr da, Expr db)
{
    return term(graph, inverse_square(graph, a, b), sub(graph, term(graph, b, da), term(graph, a, db)));
}

static Expr derive_hypot(Graph *graph, Expr hypot, Expr a, Expr b, Expr da, Expr db)
{
    return term(graph, inverse(graph, hypot), add(graph, term(graph, a, da), term(graph, b, db)));
}

/* Whether min or max is its first operand. */
static Expr takes_first(Graph *graph, Op op, Expr a, Expr b)
{
    return op == OP_MIN ? graph_binary(graph, OP_ABOVE, b, a) : graph_binary(graph, OP_ABOVE, a, b);
}

/* What `d` becomes behind an operation with one operand: forward the operand's derivative, in reverse the adjoint of the whole. */
static Expr chain(Graph *graph, Expr expr, Op op, Expr a, Expr d)
{
    switch (op) {
    case OP_NEG: return graph_unary(graph, OP_NEG, d);
    case OP_ABS: return derive_abs(graph, a, d);
    case OP_SQRT: return derive_sqrt(graph, expr, d);
    case OP_EXP: return term(graph, expr, d);
    case OP_LOG: return term(graph, inverse(graph, a), d);
    case OP_SIN: return term(graph, graph_unary(graph, OP_COS, a), d);
    case OP_COS: return graph_unary(graph, OP_NEG, term(graph, graph_unary(graph, OP_SIN, a), d));
    case OP_TAN: return derive_tan(graph, expr, d);
    case OP_ASIN: return derive_asin(graph, a, d);
    case OP_ACOS: return graph_unary(graph, OP_NEG, derive_asin(graph, a, d));
    case OP_ATAN: return derive_atan(graph, a, d);
    case OP_SINH: return term(graph, graph_unary(graph, OP_COSH, a), d);
    case OP_COSH: return term(graph, graph_unary(graph, OP_SINH, a), d);
    case OP_TANH: return derive_tanh(graph, expr, d);
    default: break;
    }
    assert(!"an operation of expressions with one operand");
    return EXPR_NONE;
}

/* The derivative of one node, from its operands `a`, `b`, `c` and their derivatives. */
static Expr derive_op(Graph *graph, Expr expr, Op op, const Expr arg[3], const Expr d[3])
{
    const Expr a = arg[0], b = arg[1], da = d[0], db = d[1], dc = d[2];
    switch (op) {
    case OP_ADD: return add(graph, da, db);
    case OP_SUB: return sub(graph, da, db);
    case OP_MUL: return derive_mul(graph, a, b, da, db);
    case OP_DIV: return derive_div(graph, expr, b, da, db);
    case OP_MIN:
    case OP_MAX: return graph_select(graph, takes_first(graph, op, a, b), da, db);
    case OP_POW: return derive_pow(graph, expr, a, b, da, db);
    case OP_ATAN2: return derive_atan2(graph, a, b, da, db);
    case OP_HYPOT: return derive_hypot(graph, expr, a, b, da, db);
    case OP_ABOVE: return graph_constant(graph, 0.0);  // a step, flat wherever it has a slope at all
    case OP_SELECT: return graph_select(graph, a, db, dc);
    default: return chain(graph, expr, op, a, da);
    }
}

// ---- forward ------------------------------------------------------------------------------------------------------------

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

// ---- along a direction --------------------------------------------------------------------------------------------------

static Expr tangent_of_variable(Graph *graph, uint16_t column, const uint16_t *columns, const Expr *tangents, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i] == column)
            return tangents[i];
    return graph_constant(graph, 0.0);
}

/* The tangent of one operation, from what is noted at its operands. */
static Expr tangent_of_node(Graph *graph, Expr expr)
{
    const Node node = *expr__node(graph, expr);
    Expr d[3] = {EXPR_NONE, EXPR_NONE, EXPR_NONE};
    bool moves = false;
    for (unsigned i = 0; i < op__arity(node.op); i++) {
        d[i] = expr__node(graph, node.args[i])->note.expr;
        if (d[i] == EXPR_NONE)
            return EXPR_NONE;
        moves |= !is_zero(graph, d[i]);
    }
    return moves ? derive_op(graph, expr, node.op, node.args, d) : graph_constant(graph, 0.0);
}

void graph_tangent(Graph *graph, const Expr *exprs, size_t count, const uint16_t *columns, const Expr *tangents, size_t column_count, Expr *out)
{
    expr__walk_begin(graph);
    for (size_t i = 0; i < count; i++)
        if (exprs[i] != EXPR_NONE)
            expr__walk(graph, exprs[i], NULL, NULL);

    for (size_t i = 0; i < graph->walk->count; i++) {
        const Expr at = graph->walk->order[i];
        const Node node = *expr__node(graph, at);
        const Expr tangent = node.op == NODE_VARIABLE   ? tangent_of_variable(graph, node.column, columns, tangents, column_count)
                             : node.op == NODE_CONSTANT ? graph_constant(graph, 0.0)
                                                        : tangent_of_node(graph, at);
        graph->nodes[at].note.expr = tangent;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = exprs[i] == EXPR_NONE || graph->err ? EXPR_NONE : expr__node(graph, exprs[i])->note.expr;
}

// ---- in reverse ---------------------------------------------------------------------------------------------------------
//
// The adjoint of a branch that is not taken is 0. Multiplied by a slope that is infinite or no number over there (that of sqrt at 0) it
// would not stay 0, so behind a select, min or max a product is asked for only where the adjoint is not 0.

typedef struct Adjoint {
    Expr value;
    bool is_guarded;
} Adjoint;

static bool is_wanted(const Graph *graph, Expr expr)
{
    return expr__node(graph, expr)->note.adjoint.sum != EXPR_NONE;
}

/* Add to the adjoint of an operand, if it is wanted at all. Where one part comes without a condition, so does the sum. */
static void hand_down(Graph *graph, Expr to, Adjoint part)
{
    if (!is_wanted(graph, to) || part.value == EXPR_NONE || is_zero(graph, part.value))
        return;
    const Expr before = expr__node(graph, to)->note.adjoint.sum;
    const Expr sum = add(graph, before, part.value);
    Node *const node = &graph->nodes[to];
    node->note.adjoint.is_guarded = part.is_guarded && (is_zero(graph, before) || node->note.adjoint.is_guarded);
    node->note.adjoint.sum = sum;
}

/* `product` has the adjoint as a factor. */
static Adjoint guard(Graph *graph, Adjoint adjoint, Expr product)
{
    if (adjoint.is_guarded)
        product = graph_select(graph, adjoint.value, product, graph_constant(graph, 0.0));
    return (Adjoint){product, adjoint.is_guarded};
}

static Adjoint scale(Graph *graph, Expr factor, Adjoint adjoint)
{
    return guard(graph, adjoint, term(graph, factor, adjoint.value));
}

static Adjoint opposite(Graph *graph, Adjoint adjoint)
{
    return (Adjoint){graph_unary(graph, OP_NEG, adjoint.value), adjoint.is_guarded};
}

/* To `then` where the condition holds, to `otherwise` where not. */
static void hand_to_branches(Graph *graph, Expr condition, Expr then, Expr otherwise, Adjoint adjoint)
{
    const Expr zero = graph_constant(graph, 0.0);
    if (is_wanted(graph, then))
        hand_down(graph, then, (Adjoint){graph_select(graph, condition, adjoint.value, zero), true});
    if (is_wanted(graph, otherwise))
        hand_down(graph, otherwise, (Adjoint){graph_select(graph, condition, zero, adjoint.value), true});
}

static void hand_to_factors(Graph *graph, Expr a, Expr b, Adjoint adjoint)
{
    if (a == b) {
        hand_down(graph, a, scale(graph, add(graph, a, a), adjoint));
        return;
    }
    if (is_wanted(graph, a))
        hand_down(graph, a, scale(graph, b, adjoint));
    if (is_wanted(graph, b))
        hand_down(graph, b, scale(graph, a, adjoint));
}

static void hand_to_power(Graph *graph, Expr whole, Expr a, Expr b, Adjoint adjoint)
{
    if (is_wanted(graph, a))
        hand_down(graph, a, guard(graph, adjoint, pow_by_base(graph, a, b, adjoint.value)));
    if (is_wanted(graph, b))
        hand_down(graph, b, guard(graph, adjoint, pow_by_exponent(graph, whole, a, adjoint.value)));
}

/* What one node hands to its operands. */
static void spread(Graph *graph, Expr expr, Op op, const Expr arg[3], Adjoint adjoint)
{
    const Expr a = arg[0], b = arg[1];
    Adjoint share;
    switch (op) {
    case OP_ADD: hand_down(graph, a, adjoint), hand_down(graph, b, adjoint); return;
    case OP_SUB: hand_down(graph, a, adjoint), hand_down(graph, b, opposite(graph, adjoint)); return;
    case OP_MUL: hand_to_factors(graph, a, b, adjoint); return;
    case OP_DIV:
        share = scale(graph, inverse(graph, b), adjoint);
        hand_down(graph, a, share);
        if (is_wanted(graph, b))
            hand_down(graph, b, opposite(graph, scale(graph, expr, share)));
        return;
    case OP_MIN:
    case OP_MAX: hand_to_branches(graph, takes_first(graph, op, a, b), a, b, adjoint); return;
    case OP_POW: hand_to_power(graph, expr, a, b, adjoint); return;
    case OP_ATAN2:
        share = scale(graph, inverse_square(graph, a, b), adjoint);
        hand_down(graph, a, scale(graph, b, share));
        hand_down(graph, b, opposite(graph, scale(graph, a, share)));
        return;
    case OP_HYPOT:
        share = scale(graph, inverse(graph, expr), adjoint);
        hand_down(graph, a, scale(graph, a, share));
        hand_down(graph, b, scale(graph, b, share));
        return;
    case OP_ABOVE: return;
    case OP_SELECT: hand_to_branches(graph, a, b, arg[2], adjoint); return;
    default: hand_down(graph, a, guard(graph, adjoint, chain(graph, expr, op, a, adjoint.value))); return;
    }
}

/* Whether a node of the walk reads one of the columns, by what is known of its operands. */
static bool reads_one_of(const Graph *graph, const Node *node, const uint16_t *columns, size_t count)
{
    if (node->op == NODE_VARIABLE) {
        for (size_t i = 0; i < count; i++)
            if (columns[i] == node->column)
                return true;
        return false;
    }
    bool reads = false;
    for (unsigned k = 0; node->op != NODE_CONSTANT && k < op__arity(node->op); k++)
        reads |= is_wanted(graph, node->args[k]);
    return reads;
}

/* List all of `expr`, with the adjoint 0 where it reads one of the columns, and none at all elsewhere. */
static void walk_wanted(Graph *graph, Expr expr, const uint16_t *columns, size_t count)
{
    const Expr zero = graph_constant(graph, 0.0);
    expr__walk_begin(graph);
    expr__walk(graph, expr, NULL, NULL);
    for (size_t i = 0; i < graph->walk->count; i++) {
        Node *const node = &graph->nodes[graph->walk->order[i]];
        node->note.adjoint.sum = reads_one_of(graph, node, columns, count) ? zero : EXPR_NONE;
        node->note.adjoint.is_guarded = false;
    }
}

void graph_gradient(Graph *graph, Expr expr, const uint16_t *columns, size_t count, Expr *out)
{
    const Expr zero = graph_constant(graph, 0.0);
    if (expr != EXPR_NONE) {
        walk_wanted(graph, expr, columns, count);
        hand_down(graph, expr, (Adjoint){graph_constant(graph, 1.0), false});
        for (size_t i = graph->walk->count; i-- > 0;) {
            const Expr at = graph->walk->order[i];
            const Node node = *expr__node(graph, at);
            if (node.op < NODE_CONSTANT && node.note.adjoint.sum != EXPR_NONE && node.note.adjoint.sum != zero)
                spread(graph, at, node.op, node.args, (Adjoint){node.note.adjoint.sum, node.note.adjoint.is_guarded});
        }
    }

    for (size_t i = 0; i < count; i++) {
        const Expr variable = graph_variable(graph, columns[i]);
        const bool is_reached = variable != EXPR_NONE && expr != EXPR_NONE && expr__node(graph, variable)->visited == graph->walk->round;
        out[i] = graph->err || expr == EXPR_NONE ? EXPR_NONE : is_reached ? expr__node(graph, variable)->note.adjoint.sum : zero;
    }
}
