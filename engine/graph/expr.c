/* expr.c -- expressions: nodes that are found instead of made twice, made simpler as they are built, and walked.
 *
 * From top to bottom: a node is looked up by what it says (intern); before that an operation is folded or simplified (build);
 * everything that looks at a whole expression goes through one walk, which needs no recursion however deep the expression is. */
#include "graph/expr.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    NODES_AT_FIRST = 256,
    POWER_MAX = 16,       // exponents up to here become multiplications
    PRINT_DEPTH_MAX = 64, // of brackets in brackets
    PRINT_LENGTH_MAX = 8192,
};

// ---- nodes --------------------------------------------------------------------------------------------------------------

// what makes two nodes the same stands at the start of Node, without padding
#define NODE_KEY_SIZE offsetof(Node, reads)
_Static_assert(NODE_KEY_SIZE == sizeof(double) + 3 * sizeof(Expr) + 2 * sizeof(uint16_t), "the key of a node is hashed and compared as bytes");

/* Where in the table a node is that says the same as `node`, or the free place where it belongs. */
static size_t table_place(const Graph *graph, const Node *node)
{
    const size_t mask = 2 * graph->capacity - 1;
    size_t at = (size_t)hash_bytes(0, node, NODE_KEY_SIZE) & mask;
    while (graph->table[at] != EXPR_NONE && memcmp(expr__node(graph, graph->table[at]), node, NODE_KEY_SIZE) != 0)
        at = (at + 1) & mask;
    return at;
}

/* Room for twice as many nodes, in the table and for a walk over all of them too. When one of the lists cannot grow, those that could
 * are merely larger than they need be. */
static bool graph_grow(Graph *graph)
{
    const size_t before = graph->capacity, now = before ? 2 * before : NODES_AT_FIRST;
    Node *const nodes = mem_grow(graph->nodes, before * sizeof *nodes, now * sizeof *nodes);
    if (nodes)
        graph->nodes = nodes;
    Expr *const order = mem_grow(graph->walk->order, before * sizeof *order, now * sizeof *order);
    if (order)
        graph->walk->order = order;
    Frame *const stack = mem_grow(graph->walk->stack, before * sizeof *stack, now * sizeof *stack);
    if (stack)
        graph->walk->stack = stack;
    Expr *const table = mem_alloc(2 * now * sizeof *table);
    if (!nodes || !order || !stack || !table) {
        mem_free(table);
        return false;
    }

    mem_free(graph->table);
    graph->table = table;
    graph->capacity = now;
    memset(table, 0xff, 2 * now * sizeof *table);  // EXPR_NONE everywhere
    for (Expr expr = 0; expr < graph->count; expr++)
        table[table_place(graph, expr__node(graph, expr))] = expr;
    return true;
}

/* The one node that says what `like` says. */
static Expr intern(Graph *graph, const Node *like)
{
    if (graph->err)
        return EXPR_NONE;
    if (graph->count == graph->capacity) {
        graph->err = graph->count >= GRAPH_NODES_MAX ? ERR_FULL : graph_grow(graph) ? ERR_OK : ERR_MEMORY;
        if (graph->err)
            return EXPR_NONE;
    }

    Expr *const place = &graph->table[table_place(graph, like)];
    if (*place != EXPR_NONE)
        return *place;

    Node *const node = &graph->nodes[graph->count];
    *node = *like;
    if (node->op == NODE_VARIABLE)
        node->reads = expr__bit(node->column);
    else if (node->op != NODE_CONSTANT)
        for (unsigned i = 0; i < op__arity(node->op); i++)
            node->reads |= expr__node(graph, node->args[i])->reads;
    return *place = (Expr)graph->count++;
}

static Expr intern_op(Graph *graph, Op op, Expr a, Expr b, Expr c)
{
    return intern(graph, &(Node){.op = (uint16_t)op, .args = {a, b, c}});
}

// ---- simplification -----------------------------------------------------------------------------------------------------
//
// Every rule gives the same bits for all finite operands, but for these, which are worth it:
//   - x + 0, 0 - x and -(a - b) may differ in the sign of a zero;
//   - what is left out (x * 1, min(x, x), ...) would have flushed a denormal x;
//   - small whole and half exponents become multiplications and a square root: x^2 is then correctly rounded, the others are within a
//     few units in the last place of what pow gives, and much faster. They differ for an infinite x below zero.
// x * 0 stays, since 0 is not what it gives for an infinite x or a NaN; derivatives leave such terms out by themselves (derive.c).

static Expr build(Graph *graph, Op op, Expr a, Expr b, Expr c);

static bool is_op(const Graph *graph, Expr expr, unsigned op)
{
    return expr__node(graph, expr)->op == op;
}

static bool is_value(const Graph *graph, Expr expr, double value)
{
    return is_op(graph, expr, NODE_CONSTANT) && expr__node(graph, expr)->value == value;
}

/* What stands behind the sign of an expression. */
static Expr operand(const Graph *graph, Expr expr)
{
    return expr__node(graph, expr)->args[0];
}

static Expr negate(Graph *graph, Expr a)
{
    return build(graph, OP_NEG, a, EXPR_NONE, EXPR_NONE);
}

static Expr simplify_neg(Graph *graph, Expr a)
{
    if (is_op(graph, a, OP_NEG))
        return operand(graph, a);
    if (is_op(graph, a, OP_SUB))
        return build(graph, OP_SUB, expr__node(graph, a)->args[1], expr__node(graph, a)->args[0], EXPR_NONE);
    return EXPR_NONE;
}

static Expr simplify_add(Graph *graph, Expr a, Expr b)
{
    if (is_value(graph, a, 0.0))
        return b;
    if (is_value(graph, b, 0.0))
        return a;
    if (is_op(graph, b, OP_NEG))
        return build(graph, OP_SUB, a, operand(graph, b), EXPR_NONE);
    if (is_op(graph, a, OP_NEG))
        return build(graph, OP_SUB, b, operand(graph, a), EXPR_NONE);
    return EXPR_NONE;
}

static Expr simplify_sub(Graph *graph, Expr a, Expr b)
{
    if (is_value(graph, b, 0.0))
        return a;
    if (is_value(graph, a, 0.0))
        return negate(graph, b);
    if (is_op(graph, b, OP_NEG))
        return build(graph, OP_ADD, a, operand(graph, b), EXPR_NONE);
    return EXPR_NONE;
}

/* Signs of factors move out of a product or quotient, where a sum can take them in; a constant takes them in at once. */
static Expr simplify_signs(Graph *graph, Op op, Expr a, Expr b)
{
    const bool below_a = is_op(graph, a, OP_NEG), below_b = is_op(graph, b, OP_NEG);
    if (below_a && below_b)
        return build(graph, op, operand(graph, a), operand(graph, b), EXPR_NONE);
    if (below_a && is_op(graph, b, NODE_CONSTANT))
        return build(graph, op, operand(graph, a), negate(graph, b), EXPR_NONE);
    if (below_b && is_op(graph, a, NODE_CONSTANT))
        return build(graph, op, negate(graph, a), operand(graph, b), EXPR_NONE);
    if (below_a)
        return negate(graph, build(graph, op, operand(graph, a), b, EXPR_NONE));
    if (below_b)
        return negate(graph, build(graph, op, a, operand(graph, b), EXPR_NONE));
    return EXPR_NONE;
}

static Expr simplify_mul(Graph *graph, Expr a, Expr b)
{
    if (is_value(graph, a, 1.0))
        return b;
    if (is_value(graph, b, 1.0))
        return a;
    if (is_value(graph, a, -1.0))
        return negate(graph, b);
    if (is_value(graph, b, -1.0))
        return negate(graph, a);
    return simplify_signs(graph, OP_MUL, a, b);
}

/* Whether dividing by `value` is multiplying by its inverse, bit for bit: both are powers of two then, and neither is a denormal. */
static bool has_exact_inverse(double value)
{
    int exponent;
    return fabs(frexp(value, &exponent)) == 0.5 && exponent > -1000 && exponent < 1000;
}

static Expr simplify_div(Graph *graph, Expr a, Expr b)
{
    double divisor;
    if (graph_is_constant(graph, b, &divisor) && has_exact_inverse(divisor))
        return build(graph, OP_MUL, a, graph_constant(graph, 1.0 / divisor), EXPR_NONE);
    return simplify_signs(graph, OP_DIV, a, b);
}

/* base^n for n > 0, by squaring. */
static Expr power(Graph *graph, Expr base, unsigned n)
{
    if (n == 1)
        return base;
    const Expr part = power(graph, base, n % 2 ? n - 1 : n / 2);
    return build(graph, OP_MUL, part, n % 2 ? base : part, EXPR_NONE);
}

static Expr simplify_pow(Graph *graph, Expr a, Expr b)
{
    double exponent;
    if (!graph_is_constant(graph, b, &exponent))
        return EXPR_NONE;
    const double size = fabs(exponent);
    if (exponent == 0.0)
        return graph_constant(graph, 1.0);
    if (!(size <= POWER_MAX) || 2.0 * size != floor(2.0 * size))
        return EXPR_NONE;

    const unsigned whole = (unsigned)size;
    Expr result = whole ? power(graph, a, whole) : EXPR_NONE;
    if (size != whole) {
        const Expr root = build(graph, OP_SQRT, a, EXPR_NONE, EXPR_NONE);
        result = whole ? build(graph, OP_MUL, result, root, EXPR_NONE) : root;
    }
    return exponent > 0.0 ? result : build(graph, OP_DIV, graph_constant(graph, 1.0), result, EXPR_NONE);
}

static Expr simplify_select(const Graph *graph, Expr condition, Expr then, Expr otherwise)
{
    if (then == otherwise)
        return then;
    if (is_op(graph, condition, NODE_CONSTANT))
        return is_value(graph, condition, 0.0) ? otherwise : then;
    return EXPR_NONE;
}

/* A simpler expression with the same value, or EXPR_NONE. */
static Expr simplify(Graph *graph, Op op, Expr a, Expr b, Expr c)
{
    switch (op) {
    case OP_NEG: return simplify_neg(graph, a);
    case OP_ABS: return is_op(graph, a, OP_ABS) ? a : is_op(graph, a, OP_NEG) ? build(graph, OP_ABS, operand(graph, a), b, c) : EXPR_NONE;
    case OP_ADD: return simplify_add(graph, a, b);
    case OP_SUB: return simplify_sub(graph, a, b);
    case OP_MUL: return simplify_mul(graph, a, b);
    case OP_DIV: return simplify_div(graph, a, b);
    case OP_POW: return simplify_pow(graph, a, b);
    case OP_MIN:
    case OP_MAX: return a == b ? a : EXPR_NONE;
    case OP_ABOVE: return a == b ? graph_constant(graph, 0.0) : EXPR_NONE;
    case OP_SELECT: return simplify_select(graph, a, b, c);
    case OP_MOVE: return a;
    default: return EXPR_NONE;
    }
}

/* The constant that an operation on constants gives, by the very instruction that a program would have run. */
static Expr fold(Graph *graph, Op op, const Expr *args, unsigned arity)
{
    double values[3] = {0};
    for (unsigned i = 0; i < arity; i++)
        values[i] = expr__node(graph, args[i])->value;

    const uint64_t mode = op__flush_begin();
    const double value = op__apply(op, values[0], values[1], values[2]);
    op__flush_end(mode);
    return graph_constant(graph, value);
}

/* The one way to an operation: operands beyond its arity are EXPR_NONE. */
static Expr build(Graph *graph, Op op, Expr a, Expr b, Expr c)
{
    const unsigned arity = op__arity(op);
    Expr args[3] = {a, b, c};
    bool constant = true;
    for (unsigned i = 0; i < arity; i++) {
        if (args[i] == EXPR_NONE)
            return EXPR_NONE;  // memory ran out on the way here
        assert(args[i] < graph->count);
        constant &= is_op(graph, args[i], NODE_CONSTANT);
    }
    if (constant)
        return fold(graph, op, args, arity);

    const Expr simpler = simplify(graph, op, a, b, c);
    if (simpler != EXPR_NONE)
        return simpler;

    // a + b and b + a are the same bits, so they are one node
    const bool turned = (op == OP_ADD || op == OP_MUL) && a > b;
    return turned ? intern_op(graph, op, b, a, c) : intern_op(graph, op, a, b, c);
}

// ---- the public way to build --------------------------------------------------------------------------------------------

Graph *graph_create(Arena *arena)
{
    assert(arena);
    Graph *const graph = arena_new(arena, Graph, 1);
    Walk *const walk = arena_new(arena, Walk, 1);
    if (!graph || !walk)
        return NULL;
    graph->walk = walk;
    return graph;
}

void graph_destroy(Graph *graph)
{
    if (!graph)
        return;
    mem_free(graph->nodes);
    mem_free(graph->table);
    mem_free(graph->walk->order);
    mem_free(graph->walk->stack);
    mem_free(graph->derivatives);
}

Expr graph_constant(Graph *graph, double value)
{
    // a program would flush a denormal at its first use; all NaNs are one
    if (fabs(value) < 0x1p-1022)
        value = copysign(0.0, value);
    if (isnan(value))
        value = NAN;
    return intern(graph, &(Node){.op = NODE_CONSTANT, .value = value, .args = {EXPR_NONE, EXPR_NONE, EXPR_NONE}});
}

Expr graph_variable(Graph *graph, uint16_t column)
{
    return intern(graph, &(Node){.op = NODE_VARIABLE, .column = column, .args = {EXPR_NONE, EXPR_NONE, EXPR_NONE}});
}

Expr graph_unary(Graph *graph, Op op, Expr a)
{
    assert(op__arity(op) == 1);
    return build(graph, op, a, EXPR_NONE, EXPR_NONE);
}

Expr graph_binary(Graph *graph, Op op, Expr a, Expr b)
{
    assert(op__arity(op) == 2);
    return build(graph, op, a, b, EXPR_NONE);
}

Expr graph_select(Graph *graph, Expr condition, Expr then, Expr otherwise)
{
    return build(graph, OP_SELECT, condition, then, otherwise);
}

bool graph_is_constant(const Graph *graph, Expr expr, double *value)
{
    if (expr == EXPR_NONE || expr__node(graph, expr)->op != NODE_CONSTANT)
        return false;
    if (value)
        *value = expr__node(graph, expr)->value;
    return true;
}

// ---- walking ------------------------------------------------------------------------------------------------------------

void expr__walk_begin(const Graph *graph)
{
    graph->walk->count = 0;
    graph->walk->round++;
}

/* Put `expr` on the stack unless it was there before. Only what lies above a node is on the stack with it, so it holds no node twice. */
static size_t walk_enter(const Graph *graph, Expr expr, size_t depth, ExprSkip *skip, const void *context)
{
    Node *const node = &graph->nodes[expr];
    if (node->visited == graph->walk->round || (skip && skip(graph, expr, context)))
        return depth;
    node->visited = graph->walk->round;
    graph->walk->stack[depth] = (Frame){.expr = expr};
    return depth + 1;
}

void expr__walk(const Graph *graph, Expr root, ExprSkip *skip, const void *context)
{
    Walk *const walk = graph->walk;
    size_t depth = walk_enter(graph, root, 0, skip, context);
    while (depth > 0) {
        Frame *const top = &walk->stack[depth - 1];
        const Node *const node = expr__node(graph, top->expr);
        if (node->op < NODE_CONSTANT && top->next < op__arity(node->op)) {
            depth = walk_enter(graph, node->args[top->next++], depth, skip, context);
        } else {
            walk->order[walk->count++] = top->expr;
            depth--;
        }
    }
}

static bool reads_nothing_of(const Graph *graph, Expr expr, const void *mask)
{
    return (expr__node(graph, expr)->reads & *(const uint64_t *)mask) == 0;
}

/* What `expr` became in this walk: itself where the walk left it out. */
static Expr replaced(const Graph *graph, Expr expr)
{
    if (expr == EXPR_NONE || expr__node(graph, expr)->visited != graph->walk->round)
        return expr;
    return expr__node(graph, expr)->note.expr;
}

static Expr replace(Graph *graph, Expr expr, const uint16_t *columns, const Expr *with, size_t count)
{
    const Node node = *expr__node(graph, expr);
    if (node.op != NODE_VARIABLE)
        return build(graph, node.op, replaced(graph, node.args[0]), replaced(graph, node.args[1]), replaced(graph, node.args[2]));
    for (size_t i = 0; i < count; i++)
        if (columns[i] == node.column)
            return with[i];
    return expr;
}

Expr graph_substitute(Graph *graph, Expr expr, const uint16_t *columns, const Expr *with, size_t count)
{
    if (expr == EXPR_NONE)
        return EXPR_NONE;
    uint64_t mask = 0;
    for (size_t i = 0; i < count; i++)
        mask |= expr__bit(columns[i]);

    expr__walk_begin(graph);
    expr__walk(graph, expr, reads_nothing_of, &mask);
    for (size_t i = 0; i < graph->walk->count; i++) {
        const Expr old = graph->walk->order[i];
        const Expr new = replace(graph, old, columns, with, count);
        if (new == EXPR_NONE)
            return EXPR_NONE;
        graph->nodes[old].note.expr = new;
    }
    return replaced(graph, expr);
}

bool graph_depends(const Graph *graph, Expr expr, uint16_t column)
{
    if (expr == EXPR_NONE)
        return false;
    const uint64_t mask = expr__bit(column);
    expr__walk_begin(graph);
    expr__walk(graph, expr, reads_nothing_of, &mask);
    for (size_t i = 0; i < graph->walk->count; i++) {
        const Node *const node = expr__node(graph, graph->walk->order[i]);
        if (node->op == NODE_VARIABLE && node->column == column)
            return true;
    }
    return false;
}

static double evaluate_node(const Graph *graph, const Node *node, const double *columns)
{
    if (node->op == NODE_CONSTANT)
        return node->value;
    if (node->op == NODE_VARIABLE)
        return columns[node->column];
    double values[3] = {0};
    for (unsigned i = 0; i < op__arity(node->op); i++)
        values[i] = expr__node(graph, node->args[i])->note.value;
    return op__apply(node->op, values[0], values[1], values[2]);
}

double graph_apply(Op op, double a, double b, double c)
{
    const uint64_t before = op__flush_begin();
    const double result = op__apply(op, a, b, c);
    op__flush_end(before);
    return result;
}

double graph_evaluate(const Graph *graph, Expr expr, const double *columns)
{
    if (expr == EXPR_NONE)
        return NAN;
    expr__walk_begin(graph);
    expr__walk(graph, expr, NULL, NULL);

    const uint64_t mode = op__flush_begin();
    for (size_t i = 0; i < graph->walk->count; i++) {
        Node *const node = &graph->nodes[graph->walk->order[i]];
        node->note.value = evaluate_node(graph, node, columns);
    }
    op__flush_end(mode);
    return expr__node(graph, expr)->note.value;
}

// ---- printing -----------------------------------------------------------------------------------------------------------

typedef struct Printer {
    const Graph *graph;
    const char *const *names;
    Text *out;
    size_t end;  // stop when the text is this long
} Printer;

// how tightly an expression holds together: one that is looser than its surroundings demand gets brackets
enum { LOOSE, SUM, PRODUCT, SIGN, POWER, TIGHT };

static const struct Infix {
    const char *sign;
    int level, left, right;  // of the whole, and what the operands must have at least
} infixes[OP_COUNT] = {
    [OP_ADD] = {" + ", SUM, SUM, PRODUCT},        [OP_SUB] = {" - ", SUM, SUM, PRODUCT},   [OP_MUL] = {" * ", PRODUCT, PRODUCT, SIGN},
    [OP_DIV] = {" / ", PRODUCT, PRODUCT, SIGN},   [OP_POW] = {" ^ ", POWER, TIGHT, POWER},
};

static void print_at(const Printer *printer, Expr expr, int level, unsigned depth);

static void print_leaf(const Printer *printer, const Node *node, int level)
{
    if (node->op == NODE_VARIABLE && printer->names) {
        text_put(printer->out, printer->names[node->column]);
    } else if (node->op == NODE_VARIABLE) {
        text_format(printer->out, "#%u", node->column);
    } else {
        char digits[32];
        number_format(node->value, digits);
        const bool brackets = signbit(node->value) && level > SIGN;
        text_format(printer->out, brackets ? "(%s)" : "%s", digits);
    }
}

static void print_call(const Printer *printer, const Node *node, unsigned depth)
{
    text_format(printer->out, "%s(", op__name(node->op));
    for (unsigned i = 0; i < op__arity(node->op); i++) {
        text_put(printer->out, i ? ", " : "");
        print_at(printer, node->args[i], LOOSE, depth + 1);
    }
    text_put(printer->out, ")");
}

/* Operators and the sign, with brackets where `level` asks for them. */
static void print_operator(const Printer *printer, const Node *node, int level, unsigned depth)
{
    const struct Infix *const infix = &infixes[node->op];
    const bool brackets = (infix->sign ? infix->level : SIGN) < level;
    text_put(printer->out, brackets ? "(" : "");
    if (infix->sign) {
        print_at(printer, node->args[0], infix->left, depth + 1);
        text_put(printer->out, infix->sign);
        print_at(printer, node->args[1], infix->right, depth + 1);
    } else {
        text_put(printer->out, "-");
        print_at(printer, node->args[0], SIGN, depth + 1);
    }
    text_put(printer->out, brackets ? ")" : "");
}

static void print_at(const Printer *printer, Expr expr, int level, unsigned depth)
{
    // a graph may unfold to a text of any length
    if (depth > PRINT_DEPTH_MAX || printer->out->length > printer->end || expr == EXPR_NONE) {
        text_put(printer->out, "...");
        return;
    }
    const Node *const node = expr__node(printer->graph, expr);
    if (node->op >= NODE_CONSTANT)
        print_leaf(printer, node, level);
    else if (node->op == OP_NEG || infixes[node->op].sign)
        print_operator(printer, node, level, depth);
    else
        print_call(printer, node, depth);
}

void graph_print(const Graph *graph, Expr expr, const char *const *names, Text *out)
{
    const Printer printer = {graph, names, out, out->length + PRINT_LENGTH_MAX};
    print_at(&printer, expr, LOOSE, 0);
}
