/* lanes.c -- the interpreter: every instruction is a loop over the 64 lanes.
 *
 * This file is compiled several times (lanes.cmake): once portably, where each loop is the scalar meaning of OP_LIST, and once per
 * vector width with LANES_SSE2, LANES_AVX2 or LANES_AVX512, where it is written out in vectors. Those need no help of the optimiser, so the
 * same instructions run in a debug build; SLEEF's functions of the different widths have the same bits by its promise, and by test.
 *
 * An operand may be the place of the result: every lane is read before it is written, and no lane looks at another one [I1]. */
#include <sleef.h>

#include "graph/ops.h"
#include "graph/program.h"

/* Where slots are: three arrays, each shifted so that a slot's own number leads into it. */
typedef struct Slots {
    uintptr_t block, registers, constants;
    unsigned first_register, first_constant;
} Slots;

enum { SLOT_SIZE = LANES * sizeof(double) };

static inline Slots slots_of(const Program *program, double *block, double *registers)
{
    const unsigned first_register = program->columns, first_constant = first_register + program->registers;
    return (Slots){
        .block = (uintptr_t)block,
        .registers = (uintptr_t)registers - first_register * (uintptr_t)SLOT_SIZE,
        .constants = (uintptr_t)program->constant - first_constant * (uintptr_t)SLOT_SIZE,
        .first_register = first_register,
        .first_constant = first_constant,
    };
}

static inline double *slot_at(const Slots *slots, unsigned slot)
{
    uintptr_t base = slots->block;
    base = slot >= slots->first_register ? slots->registers : base;
    base = slot >= slots->first_constant ? slots->constants : base;
    return (double *)(base + slot * (uintptr_t)SLOT_SIZE);
}

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll_count(8)")
#define INDEPENDENT  // clang has a word for it, but complains where a loop calls a function
#else
#define UNROLL _Pragma("GCC unroll 8")
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

#if defined(LANES_SSE2) || defined(LANES_AVX2) || defined(LANES_AVX512)

// ---- vectors ------------------------------------------------------------------------------------------------------------

#if defined(LANES_AVX512)

#define RUN lanes__run_avx512
#define TARGET lanes__target_avx512
#define TITLE "AVX-512"
#define FEATURES "+avx512f,+avx512dq"
#define SLEEF(name) Sleef_cinz_##name##d8_u10avx512fnofma
#define SLEEF_HYPOT Sleef_cinz_hypotd8_u05avx512fnofma
#define MM(name) _mm512_##name
typedef __m512d Vec;

static inline Vec vec_abs(Vec a)
{
    return _mm512_abs_pd(a);
}

static inline Vec vec_above(Vec a, Vec b)
{
    return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(a, b, _CMP_GT_OQ), _mm512_set1_pd(1.0));
}

static inline Vec vec_select(Vec a, Vec b, Vec c)
{
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, _mm512_setzero_pd(), _CMP_NEQ_UQ), c, b);
}

#elif defined(LANES_AVX2)

#define RUN lanes__run_avx2
#define TARGET lanes__target_avx2
#define TITLE "AVX2"
#define FEATURES "+avx2"
#define SLEEF(name) Sleef_cinz_##name##d4_u10avx
#define SLEEF_HYPOT Sleef_cinz_hypotd4_u05avx
#define MM(name) _mm256_##name
typedef __m256d Vec;

static inline Vec vec_abs(Vec a)
{
    return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
}

static inline Vec vec_above(Vec a, Vec b)
{
    return _mm256_and_pd(_mm256_cmp_pd(a, b, _CMP_GT_OQ), _mm256_set1_pd(1.0));
}

static inline Vec vec_select(Vec a, Vec b, Vec c)
{
    return _mm256_blendv_pd(c, b, _mm256_cmp_pd(a, _mm256_setzero_pd(), _CMP_NEQ_UQ));
}

#else

#define RUN lanes__run_sse2
#define TARGET lanes__target_sse2
#define TITLE "SSE2"
#define FEATURES "+sse2"
#define SLEEF(name) Sleef_cinz_##name##d2_u10sse2
#define SLEEF_HYPOT Sleef_cinz_hypotd2_u05sse2
#define MM(name) _mm_##name
typedef __m128d Vec;

static inline Vec vec_abs(Vec a)
{
    return _mm_andnot_pd(_mm_set1_pd(-0.0), a);
}

static inline Vec vec_above(Vec a, Vec b)
{
    return _mm_and_pd(_mm_cmpgt_pd(a, b), _mm_set1_pd(1.0));
}

static inline Vec vec_select(Vec a, Vec b, Vec c)
{
    const Vec mask = _mm_cmpneq_pd(a, _mm_setzero_pd());
    return _mm_or_pd(_mm_and_pd(mask, b), _mm_andnot_pd(mask, c));
}

#endif

/* X(name, arity, vector expression of a, b, c): OP_LIST once more, in vectors. */
#define VECTOR_LIST(X)               \
    X(NEG, 1, -a)                    \
    X(ABS, 1, vec_abs(a))            \
    X(SQRT, 1, MM(sqrt_pd)(a))       \
    X(EXP, 1, SLEEF(exp)(a))         \
    X(LOG, 1, SLEEF(log)(a))         \
    X(SIN, 1, SLEEF(sin)(a))         \
    X(COS, 1, SLEEF(cos)(a))         \
    X(TAN, 1, SLEEF(tan)(a))         \
    X(ASIN, 1, SLEEF(asin)(a))       \
    X(ACOS, 1, SLEEF(acos)(a))       \
    X(ATAN, 1, SLEEF(atan)(a))       \
    X(SINH, 1, SLEEF(sinh)(a))       \
    X(COSH, 1, SLEEF(cosh)(a))       \
    X(TANH, 1, SLEEF(tanh)(a))       \
    X(ADD, 2, a + b)                 \
    X(SUB, 2, a - b)                 \
    X(MUL, 2, a *b)                  \
    X(DIV, 2, a / b)                 \
    X(MIN, 2, MM(min_pd)(a, b))      \
    X(MAX, 2, MM(max_pd)(a, b))      \
    X(POW, 2, SLEEF(pow)(a, b))      \
    X(ATAN2, 2, SLEEF(atan2)(a, b))  \
    X(HYPOT, 2, SLEEF_HYPOT(a, b))   \
    X(ABOVE, 2, vec_above(a, b))     \
    X(SELECT, 3, vec_select(a, b, c)) \
    X(MOVE, 1, a)

enum { WIDTH = sizeof(Vec) / sizeof(double) };

#define LOOP_1(expression)                          \
    UNROLL                                          \
    for (unsigned i = 0; i < LANES; i += WIDTH) {   \
        const Vec a = MM(load_pd)(in_a + i);        \
        MM(store_pd)(to + i, expression);           \
    }
#define LOOP_2(expression)                                                          \
    const double *const in_b = slot_at(&slots, next->b);                            \
    UNROLL                                                                          \
    for (unsigned i = 0; i < LANES; i += WIDTH) {                                   \
        const Vec a = MM(load_pd)(in_a + i), b = MM(load_pd)(in_b + i);             \
        MM(store_pd)(to + i, expression);                                           \
    }
#define LOOP_3(expression)                                                                                       \
    const double *const in_b = slot_at(&slots, next->b), *const in_c = slot_at(&slots, next->c);                 \
    UNROLL                                                                                                       \
    for (unsigned i = 0; i < LANES; i += WIDTH) {                                                                \
        const Vec a = MM(load_pd)(in_a + i), b = MM(load_pd)(in_b + i), c = MM(load_pd)(in_c + i);               \
        MM(store_pd)(to + i, expression);                                                                        \
    }
#define LIST VECTOR_LIST

/* Native code calls what the interpreter calls. */
const NativeTarget TARGET = {
    .title = "native, " TITLE,
    .features = FEATURES,
    .width = WIDTH,
    .functions = {
        [OP_EXP] = (NativeFunction *)SLEEF(exp),
        [OP_LOG] = (NativeFunction *)SLEEF(log),
        [OP_SIN] = (NativeFunction *)SLEEF(sin),
        [OP_COS] = (NativeFunction *)SLEEF(cos),
        [OP_TAN] = (NativeFunction *)SLEEF(tan),
        [OP_ASIN] = (NativeFunction *)SLEEF(asin),
        [OP_ACOS] = (NativeFunction *)SLEEF(acos),
        [OP_ATAN] = (NativeFunction *)SLEEF(atan),
        [OP_SINH] = (NativeFunction *)SLEEF(sinh),
        [OP_COSH] = (NativeFunction *)SLEEF(cosh),
        [OP_TANH] = (NativeFunction *)SLEEF(tanh),
        [OP_POW] = (NativeFunction *)SLEEF(pow),
        [OP_ATAN2] = (NativeFunction *)SLEEF(atan2),
        [OP_HYPOT] = (NativeFunction *)SLEEF_HYPOT,
    },
};

#else

// ---- portable -----------------------------------------------------------------------------------------------------------

#define RUN lanes__run_portable

#define LOOP_1(expression)                    \
    INDEPENDENT                               \
    for (unsigned i = 0; i < LANES; i++) {    \
        const double a = in_a[i];             \
        to[i] = expression;                   \
    }
#define LOOP_2(expression)                                \
    const double *const in_b = slot_at(&slots, next->b);  \
    INDEPENDENT                                           \
    for (unsigned i = 0; i < LANES; i++) {                \
        const double a = in_a[i], b = in_b[i];            \
        to[i] = expression;                               \
    }
#define LOOP_3(expression)                                                                        \
    const double *const in_b = slot_at(&slots, next->b), *const in_c = slot_at(&slots, next->c);  \
    INDEPENDENT                                                                                   \
    for (unsigned i = 0; i < LANES; i++) {                                                        \
        const double a = in_a[i], b = in_b[i], c = in_c[i];                                       \
        to[i] = expression;                                                                       \
    }
#define LIST OP_LIST

#endif

void RUN(const Program *program, double *block, double *registers)
{
    const Slots slots = slots_of(program, block, registers);
    const Instruction *const end = program->code + program->length;
    for (const Instruction *next = program->code; next < end; next++) {
        double *const to = slot_at(&slots, next->to);
        const double *const in_a = slot_at(&slots, next->a);
        switch ((Op)next->op) {
#define X(name, arity, expression)  \
    case OP_##name: {               \
        LOOP_##arity(expression);   \
        break;                      \
    }
            LIST(X)
#undef X
        case OP_COUNT: break;
        }
    }
}
