/* program.h -- programs, for the files of this folder: their hash, and the builds of the interpreter. */
#pragma once

#include "graph/native.h"

/* What is known about an instruction when the one before it is: hints, none of which changes a bit. */
enum {
    FORM_A_LAST = 1,  // this operand is what the instruction before computed
    FORM_B_LAST = 2,
    FORM_C_LAST = 4,
    FORM_UNSTORED = 8,  // only the next instruction reads the result, and knows that it does
    FORM_COUNT = 16,
};

/// Find the forms of `length` instructions that have none yet, on a block of `columns`. `live` is scratch, a false for every slot.
void program__find_forms(Instruction *code, uint32_t length, uint16_t columns, bool *live);

/// Run `program` over `block` with its registers at `registers`.
typedef void LanesRun(const Program *program, double *block, double *registers);

// one source (lanes.c), compiled once per instruction set
LanesRun lanes__run_portable;
#if defined(__x86_64__)
LanesRun lanes__run_sse2, lanes__run_avx2, lanes__run_avx512;
extern const NativeTarget lanes__target_sse2, lanes__target_avx2, lanes__target_avx512;
#endif

/// Standard normals of `counter` + lane: two each, in `first` and `second` (normals.c, compiled as often).
typedef void NormalsRun(uint64_t seed, uint64_t stream, uint64_t counter, double *restrict first, double *restrict second);
NormalsRun lanes__normals_portable;
#if defined(__x86_64__)
NormalsRun lanes__normals_sse2, lanes__normals_avx2, lanes__normals_avx512;
#endif

/// What native code has to agree with here; NULL where there is none.
const NativeTarget *program__target(void);
/// Of the code, the constants and the counts.
uint64_t program__hash(const Program *program);
