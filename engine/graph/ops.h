/* ops.h -- what each operation does to one lane, in plain C.
 *
 * The scalar meaning of OP_LIST, used where an expression is folded or evaluated, and by the portable build of the lanes. The vector
 * builds (lanes.c) are written apart from it and tested against it, bit for bit.
 *
 * Denormals are flushed to zero, as operands and as results, by arithmetic; NEG, ABS, SELECT and MOVE only handle bits and let them pass.
 * The processor does so by itself once the thread is told to (op__flush_begin). */
#pragma once

#include <math.h>

#include "graph/graph.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* `a < b ? a : b` is a branch to one compiler and minsd to another, and of the two only minsd flushes a denormal: so it is asked for. */
static inline double op__min(double a, double b)
{
#if defined(__x86_64__)
    return _mm_cvtsd_f64(_mm_min_sd(_mm_set_sd(a), _mm_set_sd(b)));
#else
    const double least = a < b ? a : b;
    return fabs(least) < 0x1p-1022 ? copysign(0.0, least) : least;
#endif
}

static inline double op__max(double a, double b)
{
#if defined(__x86_64__)
    return _mm_cvtsd_f64(_mm_max_sd(_mm_set_sd(a), _mm_set_sd(b)));
#else
    const double most = a > b ? a : b;
    return fabs(most) < 0x1p-1022 ? copysign(0.0, most) : most;
#endif
}

/// How many operands `op` has.
unsigned op__arity(Op op);
/// "neg", "abs", ...
const char *op__name(Op op);
/// Whether SLEEF computes it.
bool op__is_function(Op op);
/// One lane of `op`. Between op__flush_begin and op__flush_end it has the bits that a program would compute.
double op__apply(Op op, double a, double b, double c);

/// Flush denormals on this thread; returns how the thread was set before, for op__flush_end.
uint64_t op__flush_begin(void);
void op__flush_end(uint64_t before);
