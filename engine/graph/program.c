/* program.c -- scratch memory, the hash, and the choice of who runs a program. */
#include "graph/program.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "graph/ops.h"

// ---- builds -------------------------------------------------------------------------------------------------------------

typedef struct Build {
    const char *name, *title;
    bool (*is_supported)(void);
    LanesRun *run;
    NormalsRun *normals;
    const NativeTarget *target;
} Build;

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}
#endif

// the best one last
static const Build builds[] = {
    {"portable", "interpreter, portable", always, lanes__run_portable, lanes__normals_portable, NULL},
#if defined(__x86_64__)
    {"sse2", "interpreter, SSE2", always, lanes__run_sse2, lanes__normals_sse2, &lanes__target_sse2},
    {"avx2", "interpreter, AVX2", has_avx2, lanes__run_avx2, lanes__normals_avx2, &lanes__target_avx2},
    {"avx512", "interpreter, AVX-512", has_avx512, lanes__run_avx512, lanes__normals_avx512, &lanes__target_avx512},
#endif
};

static _Atomic(const Build *) current;

__attribute__((constructor)) static void choose_build(void)
{
    size_t best = sizeof builds / sizeof *builds - 1;
    while (!builds[best].is_supported())
        best--;
    atomic_store_explicit(&current, &builds[best], memory_order_relaxed);
}

static const Build *build_in_use(void)
{
    return atomic_load_explicit(&current, memory_order_relaxed);
}

const NativeTarget *program__target(void)
{
    return build_in_use()->target;
}

// ---- programs -----------------------------------------------------------------------------------------------------------

uint64_t program__hash(const Program *program)
{
    const uint16_t counts[3] = {program->columns, program->registers, program->constants};
    uint64_t hash = hash_bytes(0, counts, sizeof counts);
    hash = hash_bytes(hash, program->code, program->length * sizeof *program->code);
    for (uint32_t i = 0; i < program->constants; i++)
        hash = hash_bytes(hash, &program->constant[(size_t)i * LANES], sizeof *program->constant);
    return hash;
}

/* The operands that are what `before` computed. A function takes all of them from memory. */
static uint16_t form_of_operands(const Instruction *instruction, const Instruction *before)
{
    static const uint16_t last[3] = {FORM_A_LAST, FORM_B_LAST, FORM_C_LAST};
    const uint16_t slots[3] = {instruction->a, instruction->b, instruction->c};
    uint16_t form = 0;
    for (unsigned k = 0; k < op__arity(instruction->op); k++)
        form |= slots[k] == before->to ? last[k] : 0;
    return op__is_function(instruction->op) ? 0 : form;
}

/* Backwards, so that `live` says of every register whether anything that follows reads it. */
void program__find_forms(Instruction *code, uint32_t length, uint16_t columns, bool *live)
{
    for (uint32_t i = length; i-- > 1;) {
        Instruction *const now = &code[i], *const before = &code[i - 1];
        now->form |= form_of_operands(now, before);
        live[now->to] = false;
        if (before->to >= columns && !live[before->to] && !op__is_function(before->op) && !op__is_function(now->op))
            before->form = FORM_UNSTORED;

        const uint16_t slots[3] = {now->a, now->b, now->c};
        for (unsigned k = 0; k < op__arity(now->op); k++)
            live[slots[k]] = true;
    }
}

Err scratch_init(Scratch *scratch, uint16_t registers)
{
    *scratch = (Scratch){.lanes = mem_alloc((size_t)registers * LANES * sizeof(double)), .registers = registers};
    return scratch->lanes ? ERR_OK : ERR_MEMORY;
}

void scratch_fini(Scratch *scratch)
{
    mem_free(scratch->lanes);
    *scratch = (Scratch){0};
}

static NativeRun *native_run(const Program *program)
{
    return program->native ? atomic_load_explicit(&program->native->run, memory_order_acquire) : NULL;
}

void program_run(const Program *program, double *block, Scratch *scratch)
{
    assert(program->registers <= scratch->registers);
    assert((uintptr_t)block % 64 == 0);
    NativeRun *const run = native_run(program);
    if (run)
        run(block);
    else
        build_in_use()->run(program, block, scratch->lanes);
}

void lanes_normals(uint64_t seed, uint64_t stream, uint64_t counter, double first[LANES], double second[LANES])
{
    build_in_use()->normals(seed, stream, counter, first, second);
}

const char *program_backend(void)
{
    const Build *const build = build_in_use();
    return build->target && native__is_on() ? build->target->title : build->title;
}

const char *program_runner(const Program *program, ErrText *why)
{
    ErrText reason = {{0}};
    const bool is_native = native_run(program) != NULL;
    if (!is_native)
        native__why(program, &reason);
    if (why)
        *why = reason;
    return is_native ? program->native->target->title : build_in_use()->title;
}

bool program_use(const char *instruction_set)
{
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        if (strcmp(builds[i].name, instruction_set) == 0 && builds[i].is_supported()) {
            atomic_store_explicit(&current, &builds[i], memory_order_relaxed);
            return true;
        }
    }
    return false;
}

void program_thread_init(void)
{
    op__flush_begin();  // for good
}
