/* native.h -- the contract between graph/ and the module that turns programs into machine code.
 *
 * The module is a shared object of its own (engine/native/, pollux_native.so), so that the engine does not link LLVM. It is opened on demand, exports
 * one const table, and never goes away again: what it compiled may be running. It uses nothing of the engine but what it is handed. */
#pragma once

#include "graph/graph.h"

#define NATIVE_SYMBOL "pollux_native_module"

enum {
    NATIVE_LENGTH_MAX = 20000,  // instructions: beyond, compiling takes seconds and the interpreter is nearly as fast
    NATIVE_CODES_MAX = 4096,    // programs of one process: scripts that are reloaded for ever do not fill the memory
};

/// Runs a program over all lanes of `block`.
typedef void NativeRun(double *block);
typedef void NativeFunction(void);

/// What code has to agree with to have the bits of the interpreter: the vectors of one of its builds, and the functions that it calls.
typedef struct NativeTarget {
    const char *title;     // "native, AVX-512"
    const char *features;  // instructions that may be used, as LLVM names them
    unsigned width;        // lanes of a vector
    NativeFunction *functions[OP_COUNT];  // over one vector per operand; NULL where an instruction does it
} NativeTarget;

typedef struct NativeModule {
    const char *version;  // POLLUX_VERSION of both sides has to be the same
    /// Compile `program`. The code lives as long as the process. From one thread at a time.
    Err (*compile)(const Program *program, const NativeTarget *target, NativeRun **out, ErrText *why);
} NativeModule;

/// Where program_run finds the code: `run` is NULL until it is there.
struct NativeCode {
    _Atomic(NativeRun *) run;
    uint64_t hash;
    const NativeTarget *target;
    Program *source;    // a copy to compile from; NULL when that is done
    NativeCode *next;   // the one that was asked for after this one
    ErrText why;        // what the module said when it could not compile it
};

/// Ask for the code of `program`: NULL when there will be none. The code itself comes later, from a thread of its own.
const NativeCode *native__request(const Program *program);
/// Why `program` has no code at this moment.
void native__why(const Program *program, ErrText *why);
/// Whether programs are compiled natively: a module is there, and wanted.
bool native__is_on(void);
