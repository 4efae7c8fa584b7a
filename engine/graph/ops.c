/* ops.c -- the table of operations, and the floating-point mode that they run in. */
#include "graph/ops.h"

#include <assert.h>
#include <sleef.h>

unsigned op__arity(Op op)
{
    static const unsigned char arities[OP_COUNT] = {
#define X(name, arity, expression) [OP_##name] = arity,
        OP_LIST(X)
#undef X
    };
    assert(op < OP_COUNT);
    return arities[op];
}

const char *op__name(Op op)
{
    static const char *const names[OP_COUNT] = {
        [OP_NEG] = "neg",   [OP_ABS] = "abs",     [OP_SQRT] = "sqrt",   [OP_EXP] = "exp",   [OP_LOG] = "log",   [OP_SIN] = "sin",   [OP_COS] = "cos",
        [OP_TAN] = "tan",   [OP_ASIN] = "asin",   [OP_ACOS] = "acos",   [OP_ATAN] = "atan", [OP_SINH] = "sinh", [OP_COSH] = "cosh", [OP_TANH] = "tanh",
        [OP_ADD] = "add",   [OP_SUB] = "sub",     [OP_MUL] = "mul",     [OP_DIV] = "div",   [OP_MIN] = "min",   [OP_MAX] = "max",   [OP_POW] = "pow",
        [OP_ATAN2] = "atan2", [OP_HYPOT] = "hypot", [OP_ABOVE] = "above", [OP_SELECT] = "select", [OP_MOVE] = "move",
        [OP_MULADD] = "muladd", [OP_MULSUB] = "mulsub", [OP_SUBMUL] = "submul",
    };
    assert(op < OP_COUNT);
    return names[op];
}

bool op__is_function(Op op)
{
    return (op >= OP_EXP && op <= OP_TANH) || (op >= OP_POW && op <= OP_HYPOT);
}

// kept out of line: a compiler that saw through it could compute before the mode is set
__attribute__((noinline)) double op__apply(Op op, double a, double b, double c)
{
    (void)b, (void)c;
    switch (op) {
#define X(name, arity, expression) \
    case OP_##name:                \
        return expression;
        OP_LIST(X)
#undef X
    case OP_COUNT: break;
    }
    assert(!"an operation");
    return NAN;
}

#if defined(__x86_64__)

enum { FLUSH_RESULTS = 0x8000, FLUSH_OPERANDS = 0x0040 };  // of MXCSR

uint64_t op__flush_begin(void)
{
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | FLUSH_RESULTS | FLUSH_OPERANDS);
    return before;
}

void op__flush_end(uint64_t before)
{
    _mm_setcsr((unsigned)before);
}

#elif defined(__aarch64__)

uint64_t op__flush_begin(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | UINT64_C(1) << 24));  // FZ, for operands and results
    return before;
}

void op__flush_end(uint64_t before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}

#else
#error "how does this processor flush denormals to zero?"
#endif
