/* expr.h -- the inside of a Graph, for the files of this folder.
 *
 * A node's operands were there before it, so ids are in topological order and there are no cycles. Nodes never change: what looks like
 * change (simplifying, substituting, differentiating) builds other nodes. The exceptions are `visited` and `note`, scratch for
 * whoever walks the graph at the moment; and as the walk's own lists grow with the nodes, walking never needs memory. */
#pragma once

#include "graph/ops.h"

enum {
    NODE_CONSTANT = OP_COUNT,  // follow the operations in Node.op
    NODE_VARIABLE,
    GRAPH_NODES_MAX = 1 << 22,  // 300 MB
};

typedef struct Node {
    double value;  // of a constant
    Expr args[3];  // operands, EXPR_NONE behind them
    uint16_t op;
    uint16_t column;  // of a variable

    // what is known of it
    uint64_t reads;  // bit column % 64 for every variable below: a clear bit proves that a column is not read

    uint32_t visited;  // the walk that came by last
    union {
        double value;
        Expr expr;
        uint32_t index;
        struct {
            Expr sum;          // of what came down so far
            bool is_guarded;   // 0 wherever the node lies on a branch that is not taken
        } adjoint;
    } note;  // what the walk knows about this node
} Node;

typedef struct Frame {
    Expr expr;
    uint32_t next;  // how many operands are done
} Frame;

/* A walk lists nodes so that operands come before what uses them. It may have several roots, and lists no node twice. */
typedef struct Walk {
    Expr *order;
    size_t count;
    Frame *stack;
    uint32_t round;
} Walk;

/* A derivative that was worked out before; `expr` is EXPR_NONE where the table is free. */
typedef struct Derivative {
    Expr expr;
    uint32_t column;
    Expr value;
} Derivative;

struct Graph {
    Node *nodes;
    size_t count, capacity;
    Expr *table;  // the nodes by their hash; twice `capacity`, EXPR_NONE where free
    Walk *walk;   // room for `capacity`

    Derivative *derivatives;  // by their hash
    size_t derivative_count, derivative_capacity;

    Err err;  // the first failure: OK, MEMORY or FULL
};

typedef bool ExprSkip(const Graph *graph, Expr expr, const void *context);

/// Start a walk without any root.
void expr__walk_begin(const Graph *graph);
/// List what `root` needs and is not listed yet, but nothing that `skip` (may be NULL) refuses, nor what is needed for that alone.
void expr__walk(const Graph *graph, Expr root, ExprSkip *skip, const void *context);

static inline const Node *expr__node(const Graph *graph, Expr expr)
{
    return &graph->nodes[expr];
}

static inline bool expr__is_leaf(const Graph *graph, Expr expr)
{
    return graph->nodes[expr].op >= NODE_CONSTANT;
}

/// The bit of `column` in Node.reads.
static inline uint64_t expr__bit(uint16_t column)
{
    return UINT64_C(1) << column % 64;
}
