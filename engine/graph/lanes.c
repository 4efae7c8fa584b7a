/* lanes.c -- the interpreter: every instruction is a loop over lanes.
 *
 * This file is compiled several times (lanes.cmake): once portably, where each loop is the scalar meaning of OP_LIST over all 64 lanes, and once
 * per vector width with LANES_SSE2, LANES_AVX2 or LANES_AVX512, where it is written out in vectors. Those need no help of the optimiser, so the
 * same instructions run in a debug build; SLEEF's functions of the different widths have the same bits by its promise, and by test.
 *
 * The vector builds run a program over strips of eight vectors, because that many fit into the processor's registers beside the work: there the
 * result of an instruction stays for the next one, which mostly asks for it. Read back from memory so soon after it was written it would cost
 * more than the operation. The forms of an instruction say what comes from there, and what need not be stored at all.
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

// clang-format off
/* X(name, arity, vector expression of a, b, c) for what the processor does itself, and for what SLEEF does: OP_LIST once more, in vectors. */
#define VECTOR_LIST(X)                 \
    X(NEG, 1, -a)                      \
    X(ABS, 1, vec_abs(a))              \
    X(SQRT, 1, MM(sqrt_pd)(a))         \
    X(ADD, 2, a + b)                   \
    X(SUB, 2, a - b)                   \
    X(MUL, 2, a * b)                   \
    X(DIV, 2, a / b)                   \
    X(MIN, 2, MM(min_pd)(a, b))        \
    X(MAX, 2, MM(max_pd)(a, b))        \
    X(ABOVE, 2, vec_above(a, b))       \
    X(SELECT, 3, vec_select(a, b, c))  \
    X(MOVE, 1, a)                      \
    X(MULADD, 3, a * b + c)            \
    X(MULSUB, 3, a * b - c)            \
    X(SUBMUL, 3, c - a * b)
#define FUNCTION_LIST(X)        \
    X(EXP, 1, SLEEF(exp))       \
    X(LOG, 1, SLEEF(log))       \
    X(SIN, 1, SLEEF(sin))       \
    X(COS, 1, SLEEF(cos))       \
    X(TAN, 1, SLEEF(tan))       \
    X(ASIN, 1, SLEEF(asin))     \
    X(ACOS, 1, SLEEF(acos))     \
    X(ATAN, 1, SLEEF(atan))     \
    X(SINH, 1, SLEEF(sinh))     \
    X(COSH, 1, SLEEF(cosh))     \
    X(TANH, 1, SLEEF(tanh))     \
    X(POW, 2, SLEEF(pow))       \
    X(ATAN2, 2, SLEEF(atan2))   \
    X(HYPOT, 2, SLEEF_HYPOT)

enum { WIDTH = sizeof(Vec) / sizeof(double), STRIP = 8 * WIDTH };

/* Whatever of these a form does not use costs nothing. */
#define SLOTS_OF_NEXT                                                                                    \
    const double *const in_a = slot_at(&slots, next->a), *const in_b = slot_at(&slots, next->b);         \
    const double *const in_c = slot_at(&slots, next->c);                                                 \
    double *const to = slot_at(&slots, next->to);                                                        \
    (void)in_a, (void)in_b, (void)in_c, (void)to;

/* Where an operand of the i-th vector comes from, and what becomes of the result. */
#define FROM_A(i) MM(load_pd)(in_a + (i) * WIDTH)
#define FROM_B(i) MM(load_pd)(in_b + (i) * WIDTH)
#define FROM_C(i) MM(load_pd)(in_c + (i) * WIDTH)
#define FROM_LAST(i) last##i
#define TO_SLOT(i) MM(store_pd)(to + (i) * WIDTH, last##i);
#define TO_LAST(i)

#define VECTOR_1(i, A, B, C, TO, expression)  \
    {                                         \
        const Vec a = A(i);                   \
        last##i = (expression);               \
        TO(i)                                 \
    }
#define VECTOR_2(i, A, B, C, TO, expression)  \
    {                                         \
        const Vec a = A(i), b = B(i);         \
        last##i = (expression);               \
        TO(i)                                 \
    }
#define VECTOR_3(i, A, B, C, TO, expression)       \
    {                                              \
        const Vec a = A(i), b = B(i), c = C(i);    \
        last##i = (expression);                    \
        TO(i)                                      \
    }
#define EIGHT(DO, ...)                                                                      \
    DO(0, __VA_ARGS__) DO(1, __VA_ARGS__) DO(2, __VA_ARGS__) DO(3, __VA_ARGS__)             \
    DO(4, __VA_ARGS__) DO(5, __VA_ARGS__) DO(6, __VA_ARGS__) DO(7, __VA_ARGS__)

/* An operation with its operands from where its form says, once with the result stored and once not. */
#define FORM(name, form, DO, A, B, C, expression)                                           \
    case OP_##name * FORM_COUNT + (form): {                                                 \
        SLOTS_OF_NEXT                                                                       \
        EIGHT(DO, A, B, C, TO_SLOT, expression)                                             \
        break;                                                                              \
    }                                                                                       \
    case OP_##name * FORM_COUNT + (form) + FORM_UNSTORED: {                                 \
        SLOTS_OF_NEXT                                                                       \
        EIGHT(DO, A, B, C, TO_LAST, expression)                                             \
        break;                                                                              \
    }
#define FORMS_A(name, form, DO, B, C, expression)                                 \
    FORM(name, form, DO, FROM_A, B, C, expression)                                \
    FORM(name, (form) + FORM_A_LAST, DO, FROM_LAST, B, C, expression)
#define FORMS_B(name, form, DO, C, expression)                                    \
    FORMS_A(name, form, DO, FROM_B, C, expression)                                \
    FORMS_A(name, (form) + FORM_B_LAST, DO, FROM_LAST, C, expression)
#define FORMS_1(name, expression) FORMS_A(name, 0, VECTOR_1, NONE, NONE, expression)
#define FORMS_2(name, expression) FORMS_B(name, 0, VECTOR_2, NONE, expression)
#define FORMS_3(name, expression)                                                 \
    FORMS_B(name, 0, VECTOR_3, FROM_C, expression)                                \
    FORMS_B(name, FORM_C_LAST, VECTOR_3, FROM_LAST, expression)

/* A call ends what is in the processor's registers anyway, so a function goes from memory to memory and its result is fetched back. */
#define CALL_1(function, i) function(FROM_A(i))
#define CALL_2(function, i) function(FROM_A(i), FROM_B(i))
#define CALL(name, arity, function)                                     \
    case OP_##name * FORM_COUNT: {                                      \
        SLOTS_OF_NEXT                                                   \
        for (unsigned i = 0; i < 8; i++)                                \
            MM(store_pd)(to + i * WIDTH, CALL_##arity(function, i));    \
        EIGHT(FETCH, function)                                          \
        break;                                                          \
    }
#define FETCH(i, function) last##i = MM(load_pd)(to + (i) * WIDTH);
// clang-format on

/* Native code calls what the interpreter calls. */
const NativeTarget TARGET = {
    .title = "native, " TITLE,
    .features = FEATURES,
    .width = WIDTH,
    .functions = {
#define X(name, arity, function) [OP_##name] = (NativeFunction *)function,
        FUNCTION_LIST(X)
#undef X
    },
};

/* One strip. */
static void run(const Program *program, Slots slots)
{
    Vec last0, last1, last2, last3, last4, last5, last6, last7;
    last0 = last1 = last2 = last3 = last4 = last5 = last6 = last7 = MM(setzero_pd)();
    const Instruction *const end = program->code + program->length;
    for (const Instruction *next = program->code; next < end; next++) {
        switch (next->op * FORM_COUNT + next->form) {
#define X(name, arity, expression) FORMS_##arity(name, expression)
            VECTOR_LIST(X)
#undef X
#define X(name, arity, function) CALL(name, arity, function)
            FUNCTION_LIST(X)
#undef X
        default: __builtin_unreachable();
        }
    }
}

void RUN(const Program *program, double *block, double *registers)
{
    for (unsigned lane = 0; lane < LANES; lane += STRIP)
        run(program, slots_of(program, block + lane, registers + lane));
}

#else

// ---- portable -----------------------------------------------------------------------------------------------------------

// gcc has to be told that no loop reads what it has written; clang has a word for that too, but complains where a loop calls a function
#if defined(__clang__)
#define INDEPENDENT
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

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

void lanes__run_portable(const Program *program, double *block, double *registers)
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
            OP_LIST(X)
#undef X
        case OP_COUNT: break;
        }
    }
}

#endif
