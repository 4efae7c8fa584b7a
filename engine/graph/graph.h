/* graph.h -- expressions: build, simplify, differentiate, compile, run.
 *
 * A Graph holds expressions as a directed acyclic graph with hash-consing: building what is there already returns what is there,
 * so common subexpressions are shared as they are written. Building folds constants and simplifies where the result has the same bits
 * for every finite input; expr.c lists the few exceptions (x+0 keeps a negative zero). Variables are columns of a block.
 *
 * A Program is what comes out: a short array of three-address instructions that runs over 64 lanes at a time, in place on a block.
 * What a lane computes depends on that lane alone [I1], and is the same bits on every instruction set and compiler [I2].
 *
 * Takes: base, SLEEF (its reproducible set).  Gives: Graph, Program.
 * Memory: Programs live in the arena they were given; the nodes of a Graph grow on the heap until graph_destroy.
 * Threads: a Graph belongs to one thread at a time, for reading too; programs run on any, one Scratch each. */
#pragma once

#include "base/base.h"

enum { LANES = 64 };  // twins side by side: 64 keeps the registers of the interpreter in L1

typedef struct Graph Graph;
typedef uint32_t Expr;
#define EXPR_NONE UINT32_MAX

/* X(name, arity, C expression of a, b, c). Comparisons give 1.0 or 0.0, select takes b where a is not 0. min is a < b ? a : b and
 * max is a > b ? a : b, as the vector instructions have it on NaN and signed zero; a denormal comes out of them as zero (ops.h). */
#define OP_LIST(X)                                  \
    X(NEG, 1, -a)                                   \
    X(ABS, 1, fabs(a))                              \
    X(SQRT, 1, sqrt(a))                             \
    X(EXP, 1, Sleef_cinz_expd1_u10purec(a))         \
    X(LOG, 1, Sleef_cinz_logd1_u10purec(a))         \
    X(SIN, 1, Sleef_cinz_sind1_u10purec(a))         \
    X(COS, 1, Sleef_cinz_cosd1_u10purec(a))         \
    X(TAN, 1, Sleef_cinz_tand1_u10purec(a))         \
    X(ASIN, 1, Sleef_cinz_asind1_u10purec(a))       \
    X(ACOS, 1, Sleef_cinz_acosd1_u10purec(a))       \
    X(ATAN, 1, Sleef_cinz_atand1_u10purec(a))       \
    X(SINH, 1, Sleef_cinz_sinhd1_u10purec(a))       \
    X(COSH, 1, Sleef_cinz_coshd1_u10purec(a))       \
    X(TANH, 1, Sleef_cinz_tanhd1_u10purec(a))       \
    X(ADD, 2, a + b)                                \
    X(SUB, 2, a - b)                                \
    X(MUL, 2, a *b)                                 \
    X(DIV, 2, a / b)                                \
    X(MIN, 2, op__min(a, b))                        \
    X(MAX, 2, op__max(a, b))                        \
    X(POW, 2, Sleef_cinz_powd1_u10purec(a, b))      \
    X(ATAN2, 2, Sleef_cinz_atan2d1_u10purec(a, b))  \
    X(HYPOT, 2, Sleef_cinz_hypotd1_u05purec(a, b))  \
    X(ABOVE, 2, a > b ? 1.0 : 0.0)                  \
    X(SELECT, 3, a != 0.0 ? b : c)                  \
    X(MOVE, 1, a) /* a copy; it and what follows are for programs, not for expressions: two operations in one, each rounded by itself */ \
    X(MULADD, 3, a *b + c)                          \
    X(MULSUB, 3, a *b - c)                          \
    X(SUBMUL, 3, c - a * b)

typedef enum Op {
#define X(name, arity, c) OP_##name,
    OP_LIST(X)
#undef X
    OP_COUNT,
    OP_EXPR_COUNT = OP_MOVE,  // those that expressions have
} Op;

/// An empty graph, or NULL without memory. Running out of memory (or beyond 4 million nodes) while building is remembered, not returned from
/// every call: what cannot be built is EXPR_NONE, which every call takes, and graph_compile reports it.
Graph *graph_create(Arena *arena);
void graph_destroy(Graph *graph);

Expr graph_constant(Graph *graph, double value);
/// The value that stands in `column` of the block before the program runs.
Expr graph_variable(Graph *graph, uint16_t column);
Expr graph_unary(Graph *graph, Op op, Expr a);
Expr graph_binary(Graph *graph, Op op, Expr a, Expr b);
Expr graph_select(Graph *graph, Expr condition, Expr then, Expr otherwise);

/// True, and the value, when the expression is a constant.
bool graph_is_constant(const Graph *graph, Expr expr, double *value);
/// The exact derivative of `expr` by the variable `column`. min, max, abs, select are differentiated on the branch they take.
Expr graph_derive(Graph *graph, Expr expr, uint16_t column);
/// out[i] = the derivative of `expr` by the variable `columns[i]`: what graph_derive gives, up to rounding, in one sweep for all columns together.
/// It makes a few times as many nodes as `expr` has, however many columns there are; graph_derive, a few times as many for each. No column twice.
void graph_gradient(Graph *graph, Expr expr, const uint16_t *columns, size_t count, Expr *out);
/// out[i] = how exprs[i] changes when every variable `columns[k]` changes by `tangents[k]` and the others stay: the sum of its derivatives, each times its
/// tangent, exact, in one sweep that makes a few times as many nodes as the expressions have. No column twice.
void graph_tangent(Graph *graph, const Expr *exprs, size_t count, const uint16_t *columns, const Expr *tangents, size_t column_count, Expr *out);
/// `expr` with the variables `columns[i]` replaced by `with[i]`, all at once.
Expr graph_substitute(Graph *graph, Expr expr, const uint16_t *columns, const Expr *with, size_t count);
/// Whether `expr` reads `column`.
bool graph_depends(const Graph *graph, Expr expr, uint16_t column);
/// The value over `columns[column]` in plain scalar C, denormals flushed: the reference that programs are tested against.
double graph_evaluate(const Graph *graph, Expr expr, const double *columns);
/// One operation on numbers (those that it does not take are ignored): what a program computes in one lane.
double graph_apply(Op op, double a, double b, double c);
/// Write an expression for people, with `names[column]` for the variables (column numbers where names is NULL).
/// What is deep or long is cut short with dots.
void graph_print(const Graph *graph, Expr expr, const char *const *names, Text *out);

typedef struct Assignment {
    uint16_t column;
    Expr value;
} Assignment;

/// What holds still between two steps, and what is prepared from it.
typedef struct Hoist {
    const bool *fixed;     // by column, below `first`: holds still
    uint16_t first;        // prepared values live in the columns first, first + 1, ...
    uint16_t room, count;  // room for so many, so many found
    Assignment *prepared;  // room: what a program of its own must compute whenever a fixed column has changed
} Hoist;

/// Rewrite assignments so that they read prepared columns instead of computing with fixed ones alone; several programs may share one Hoist.
/// Divisions by what is fixed become products with its reciprocal, and fixed factors are gathered: last bits may change (hoist.c).
Err graph_hoist(Graph *graph, Hoist *hoist, Assignment *assignments, size_t count);

typedef struct Instruction {
    uint16_t op, to, a, b, c;  // slots: columns of the block, then registers, then constants
    uint16_t form;             // what the interpreter may spare itself (program.h)
} Instruction;

typedef struct NativeCode NativeCode;

typedef struct Program {
    const Instruction *code;
    uint32_t length;
    uint16_t columns;        // of the block it runs on: slots [0, columns)
    uint16_t registers;      // slots [columns, columns + registers)
    uint16_t constants;      // the slots after them
    const double *constant;  // constants x LANES, each repeated over the lanes
    uint64_t hash;           // of the code, the constants and the counts above
    const NativeCode *native;  // the same as machine code, there or on its way; NULL when only the interpreter runs it
} Program;

/// Compile assignments, all of which read the block as it was before any of them writes. `columns` is the number of columns of the block.
/// Where program_codegen has turned native code on, it is asked for here.
Err graph_compile(Graph *graph, const Assignment *assignments, size_t count, uint16_t columns, Arena *arena, Program *out, ErrText *why);

/// Registers for programs of up to `registers` registers, one per thread.
typedef struct Scratch {
    double *lanes;  // registers x LANES, aligned to 64
    uint16_t registers;
} Scratch;
Err scratch_init(Scratch *scratch, uint16_t registers);
void scratch_fini(Scratch *scratch);

/// Run over all lanes of `block` (program->columns x LANES doubles, aligned to 64).
void program_run(const Program *program, double *block, Scratch *scratch);
/// Standard normals for all lanes, two per lane: lane i has those of `counter` + i, of the words that random_words gives (base/random.h). The same bits
/// on every machine; of counters, only sums that stay within 64 bits. A normal has a size of 8.5 at most.
void lanes_normals(uint64_t seed, uint64_t stream, uint64_t counter, double first[LANES], double second[LANES]);
/// What runs programs here: "interpreter, AVX-512", "interpreter, SSE2", "native, AVX-512"...
const char *program_backend(void);
/// The same for `program` itself, at this moment. Where that is not native code, `why` (may be NULL) says why not; otherwise it is empty.
const char *program_runner(const Program *program, ErrText *why);
/// Write a program for people, an instruction per line: `level = r0 + r1`. `names[column]` names the columns (#0, #1, ... where names is NULL).
void program_print(const Program *program, const char *const *names, Text *out);
/// Write in one line how many instructions it has, of which kinds, and how many registers and constants.
void program_print_summary(const Program *program, Text *out);
/// Use another build of the interpreter ("portable", "sse2", "avx2", "avx512"); false when this processor lacks it. For tests that compare them.
bool program_use(const char *instruction_set);
/// Whether programs that are compiled from now on get native code: never (as at the start), where its module is found, or the module must be there.
typedef enum Codegen { CODEGEN_OFF, CODEGEN_AUTO, CODEGEN_LLVM } Codegen;
/// "off", "auto", "llvm".
const char *codegen_name(Codegen mode);
/// Native code is compiled on a thread of its own, and has the same bits. Turning it off ends that thread; programs keep the code that they have.
/// An error only for CODEGEN_LLVM, when the module cannot be used; native code is off then.
Err program_codegen(Codegen mode, ErrText *why);

typedef struct CodegenState {
    Codegen mode;
    bool loaded;                          // the module is there
    uint32_t waiting, compiled, refused;  // programs since the start
    int64_t compile_ns;                   // spent on them
    ErrText why;                          // why there is no native code, or not for the program that was refused last; or empty
} CodegenState;
CodegenState program_codegen_state(void);
/// Wait until nothing is waiting. For tests and measurements.
void program_codegen_wait(void);

/// Flush denormals to zero on this thread, as every thread that runs programs must.
void program_thread_init(void);
