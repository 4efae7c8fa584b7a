/* native.c -- programs become machine code, through LLVM's C API.
 *
 * A program turns into one function with one loop: a strip of the block, one vector wide, is loaded, computed in registers and stored; of small
 * programs two strips, side by side. Lanes do not see each other [I1], so it does not matter that one strip is stored before the next is loaded.
 * Within a strip a slot is a value, not a place: what a column holds in the end is stored once, behind everything else.
 *
 * The bits are those of the interpreter [I2], for which LLVM has to be kept from knowing better:
 *   - no fast-math flags, so nothing is contracted or reassociated;
 *   - functions say that denormals are flushed, and constants are read from memory, so that x * 1 is not taken for x;
 *   - min, max and comparisons are asked for as instructions: `a > b ? a : b` would become one that flushes a denormal, and a selection must not.
 *
 * Takes: a Program, a NativeTarget.  Gives: code.
 * Memory: the code stays until the process ends; all else is returned at once.  Threads: one at a time. */
#include "graph/native.h"

#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STRIPS_MAX = 2,
    // where there are registers for two strips and the program is not long to compile, each does what the other waits for
    STRIPS_REGISTERS = 32,
    STRIPS_LENGTH = 2000,
};

/* One vector of every slot. */
typedef struct Strip {
    LLVMValueRef first;   // the number of its first lane
    LLVMValueRef *slots;  // what every slot holds at this point; NULL: not read yet
    LLVMValueRef *masks;  // per slot: the mask, when what it holds is the result of a comparison
} Strip;

typedef struct Emitter {
    const Program *program;
    const NativeTarget *target;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef lane, index, vector, mask;  // mask: a bit per lane where the processor has mask registers, else a vector of whole numbers
    LLVMValueRef function, constants;
    Strip strips[STRIPS_MAX];  // computed side by side
    unsigned strip_count;
    Strip *strip;      // the one whose turn it is
    bool *is_written;  // per column
} Emitter;

typedef LLVMValueRef Value;

static Err fail(ErrText *why, Err err, const char *text)
{
    snprintf(why->text, sizeof why->text, "%s", text);
    return err;
}

static Err fail_llvm(ErrText *why, LLVMErrorRef error)
{
    char *const message = LLVMGetErrorMessage(error);
    snprintf(why->text, sizeof why->text, "LLVM: %s", message);
    LLVMDisposeErrorMessage(message);
    return ERR_IO;
}

// ---- values -------------------------------------------------------------------------------------------------------------

static bool has_mask_registers(const Emitter *emitter)
{
    return emitter->target->width == 8;
}

static Value whole(const Emitter *emitter, uint64_t number)
{
    return LLVMConstInt(emitter->index, number, false);
}

/* Call an intrinsic of LLVM by its name; the types follow from the values. */
static Value call_intrinsic(Emitter *emitter, const char *name, LLVMTypeRef result, Value *arguments, unsigned count)
{
    LLVMTypeRef types[5];
    for (unsigned i = 0; i < count; i++)
        types[i] = LLVMTypeOf(arguments[i]);
    LLVMTypeRef type = LLVMFunctionType(result, types, count, false);
    Value function = LLVMGetNamedFunction(emitter->module, name);
    if (!function)
        function = LLVMAddFunction(emitter->module, name, type);
    return LLVMBuildCall2(emitter->builder, type, function, arguments, count, "");
}

/* An intrinsic that is one per vector width. */
static Value call_by_width(Emitter *emitter, const char *const names[3], LLVMTypeRef result, Value *arguments, unsigned count)
{
    return call_intrinsic(emitter, names[emitter->target->width / 4], result, arguments, count);
}

/* What SLEEF computes: a function at a fixed address, which changes nothing. */
static Value call_function(Emitter *emitter, Op op, Value *arguments, unsigned count)
{
    LLVMTypeRef types[2] = {emitter->vector, emitter->vector};
    LLVMTypeRef type = LLVMFunctionType(emitter->vector, types, count, false);
    Value address = whole(emitter, (uintptr_t)emitter->target->functions[op]);
    Value function = LLVMConstIntToPtr(address, LLVMPointerType(type, 0));
    Value call = LLVMBuildCall2(emitter->builder, type, function, arguments, count, "");

    static const char *const promises[] = {"readnone", "nounwind", "willreturn"};
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++) {
        const unsigned kind = LLVMGetEnumAttributeKindForName(promises[i], strlen(promises[i]));
        LLVMAddCallSiteAttribute(call, LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(emitter->context, kind, 0));
    }
    return call;
}

static Value spread(Emitter *emitter, Value lane)
{
    LLVMTypeRef number = LLVMInt32TypeInContext(emitter->context);
    Value one = LLVMBuildInsertElement(emitter->builder, LLVMGetUndef(emitter->vector), lane, LLVMConstNull(number), "");
    Value first = LLVMConstNull(LLVMVectorType(number, emitter->target->width));
    return LLVMBuildShuffleVector(emitter->builder, one, LLVMGetUndef(emitter->vector), first, "");
}

static Value minmax(Emitter *emitter, Op op, Value a, Value b)
{
    static const char *const least[3] = {"llvm.x86.sse2.min.pd", "llvm.x86.avx.min.pd.256", "llvm.x86.avx512.min.pd.512"};
    static const char *const most[3] = {"llvm.x86.sse2.max.pd", "llvm.x86.avx.max.pd.256", "llvm.x86.avx512.max.pd.512"};
    // the rounding mode: as it is set
    Value arguments[3] = {a, b, LLVMConstInt(LLVMInt32TypeInContext(emitter->context), 4, false)};
    return call_by_width(emitter, op == OP_MIN ? least : most, emitter->vector, arguments, has_mask_registers(emitter) ? 3 : 2);
}

// ---- comparisons --------------------------------------------------------------------------------------------------------

enum { LESS = 1, LESS_QUIET = 0x11, UNEQUAL = 4 };  // as the processor numbers them; SSE2 has the first eight only

static Value compare(Emitter *emitter, unsigned predicate, Value a, Value b)
{
    if (has_mask_registers(emitter)) {
        LLVMTypeRef number = LLVMInt32TypeInContext(emitter->context);
        Value all = LLVMConstAllOnes(emitter->mask), mode = LLVMConstInt(number, 4, false);
        Value arguments[5] = {a, b, LLVMConstInt(number, predicate, false), all, mode};
        return call_intrinsic(emitter, "llvm.x86.avx512.mask.cmp.pd.512", emitter->mask, arguments, 5);
    }
    static const char *const names[3] = {"llvm.x86.sse2.cmp.pd", "llvm.x86.avx.cmp.pd.256"};
    Value arguments[3] = {a, b, LLVMConstInt(LLVMInt8TypeInContext(emitter->context), predicate, false)};
    return LLVMBuildBitCast(emitter->builder, call_by_width(emitter, names, emitter->vector, arguments, 3), emitter->mask, "");
}

/* The lanes of b where the mask is set, else of c: bits that are handled, not numbers. */
static Value blend(Emitter *emitter, Value mask, Value b, Value c)
{
    LLVMBuilderRef builder = emitter->builder;
    if (has_mask_registers(emitter))
        return LLVMBuildSelect(builder, mask, b, c, "");
    Value then = LLVMBuildAnd(builder, mask, LLVMBuildBitCast(builder, b, emitter->mask, ""), "");
    Value otherwise = LLVMBuildAnd(builder, LLVMBuildNot(builder, mask, ""), LLVMBuildBitCast(builder, c, emitter->mask, ""), "");
    return LLVMBuildBitCast(builder, LLVMBuildOr(builder, then, otherwise, ""), emitter->vector, "");
}

static Value above(Emitter *emitter, Value a, Value b, Value *mask)
{
    *mask = compare(emitter, emitter->target->width > 2 ? LESS_QUIET : LESS, b, a);
    Value one = spread(emitter, LLVMConstReal(emitter->lane, 1.0));
    return blend(emitter, *mask, one, LLVMConstNull(emitter->vector));
}

// ---- instructions -------------------------------------------------------------------------------------------------------

static Value lane_pointer(Emitter *emitter, Value base, Value index)
{
    return LLVMBuildGEP2(emitter->builder, emitter->lane, base, &index, 1, "");
}

static Value column_pointer(Emitter *emitter, unsigned column)
{
    Value index = LLVMBuildAdd(emitter->builder, emitter->strip->first, whole(emitter, (uint64_t)column * LANES), "");
    Value pointer = lane_pointer(emitter, LLVMGetParam(emitter->function, 0), index);
    return LLVMBuildBitCast(emitter->builder, pointer, LLVMPointerType(emitter->vector, 0), "");
}

static Value load_column(Emitter *emitter, unsigned column)
{
    Value load = LLVMBuildLoad2(emitter->builder, emitter->vector, column_pointer(emitter, column), "");
    LLVMSetAlignment(load, emitter->target->width * sizeof(double));
    return load;
}

static Value load_constant(Emitter *emitter, unsigned number)
{
    Value indices[2] = {whole(emitter, 0), whole(emitter, number)};
    LLVMTypeRef type = LLVMGlobalGetValueType(emitter->constants);
    Value pointer = LLVMBuildInBoundsGEP2(emitter->builder, type, emitter->constants, indices, 2, "");
    Value load = LLVMBuildLoad2(emitter->builder, emitter->lane, pointer, "");
    LLVMSetAlignment(load, sizeof(double));
    LLVMSetMetadata(load, LLVMGetMDKindIDInContext(emitter->context, "invariant.load", 14),
                    LLVMMetadataAsValue(emitter->context, LLVMMDNodeInContext2(emitter->context, NULL, 0)));
    return spread(emitter, load);
}

/* Columns and constants are read when they are needed first. */
static Value slot_value(Emitter *emitter, unsigned slot)
{
    const unsigned first_constant = emitter->program->columns + emitter->program->registers;
    if (!emitter->strip->slots[slot])
        emitter->strip->slots[slot] = slot < first_constant ? load_column(emitter, slot) : load_constant(emitter, slot - first_constant);
    return emitter->strip->slots[slot];
}

static Value unary(Emitter *emitter, Op op, Value a)
{
    char name[32];
    snprintf(name, sizeof name, "llvm.%s.v%uf64", op == OP_ABS ? "fabs" : "sqrt", emitter->target->width);
    return call_intrinsic(emitter, name, emitter->vector, &a, 1);
}

static Value select_value(Emitter *emitter, const Instruction *instruction)
{
    Value mask = emitter->strip->masks[instruction->a];
    Value a = slot_value(emitter, instruction->a), b = slot_value(emitter, instruction->b), c = slot_value(emitter, instruction->c);
    if (!mask)
        mask = compare(emitter, UNEQUAL, a, LLVMConstNull(emitter->vector));
    return blend(emitter, mask, b, c);
}

static void emit_instruction(Emitter *emitter, const Instruction *instruction)
{
    LLVMBuilderRef builder = emitter->builder;
    Value in[3] = {slot_value(emitter, instruction->a), slot_value(emitter, instruction->b), slot_value(emitter, instruction->c)};
    Value out = NULL, mask = NULL;
    switch ((Op)instruction->op) {
    case OP_NEG: out = LLVMBuildFNeg(builder, in[0], ""); break;
    case OP_ABS:
    case OP_SQRT: out = unary(emitter, instruction->op, in[0]); break;
    case OP_EXP:
    case OP_LOG:
    case OP_SIN:
    case OP_COS:
    case OP_TAN:
    case OP_ASIN:
    case OP_ACOS:
    case OP_ATAN:
    case OP_SINH:
    case OP_COSH:
    case OP_TANH: out = call_function(emitter, instruction->op, in, 1); break;
    case OP_ADD: out = LLVMBuildFAdd(builder, in[0], in[1], ""); break;
    case OP_SUB: out = LLVMBuildFSub(builder, in[0], in[1], ""); break;
    case OP_MUL: out = LLVMBuildFMul(builder, in[0], in[1], ""); break;
    case OP_DIV: out = LLVMBuildFDiv(builder, in[0], in[1], ""); break;
    case OP_MIN:
    case OP_MAX: out = minmax(emitter, instruction->op, in[0], in[1]); break;
    case OP_POW:
    case OP_ATAN2:
    case OP_HYPOT: out = call_function(emitter, instruction->op, in, 2); break;
    case OP_ABOVE: out = above(emitter, in[0], in[1], &mask); break;
    case OP_SELECT: out = select_value(emitter, instruction); break;
    case OP_MOVE: out = in[0], mask = emitter->strip->masks[instruction->a]; break;
    case OP_MULADD: out = LLVMBuildFAdd(builder, LLVMBuildFMul(builder, in[0], in[1], ""), in[2], ""); break;
    case OP_MULSUB: out = LLVMBuildFSub(builder, LLVMBuildFMul(builder, in[0], in[1], ""), in[2], ""); break;
    case OP_SUBMUL: out = LLVMBuildFSub(builder, in[2], LLVMBuildFMul(builder, in[0], in[1], ""), ""); break;
    case OP_COUNT: return;
    }
    emitter->strip->slots[instruction->to] = out;
    emitter->strip->masks[instruction->to] = mask;
    if (instruction->to < emitter->program->columns)
        emitter->is_written[instruction->to] = true;
}

static void store_columns(Emitter *emitter)
{
    for (unsigned column = 0; column < emitter->program->columns; column++) {
        if (!emitter->is_written[column])
            continue;
        Value store = LLVMBuildStore(emitter->builder, emitter->strip->slots[column], column_pointer(emitter, column));
        LLVMSetAlignment(store, emitter->target->width * sizeof(double));
    }
}

static void emit_strips(Emitter *emitter)
{
    Strip *const end = emitter->strips + emitter->strip_count;
    for (uint32_t i = 0; i < emitter->program->length; i++)
        for (emitter->strip = emitter->strips; emitter->strip < end; emitter->strip++)
            emit_instruction(emitter, &emitter->program->code[i]);
    for (emitter->strip = emitter->strips; emitter->strip < end; emitter->strip++)
        store_columns(emitter);
}

// ---- functions ----------------------------------------------------------------------------------------------------------

/* In memory that could be changed from outside, as far as LLVM knows: it must not compute with them. */
static bool emit_constants(Emitter *emitter)
{
    const unsigned count = emitter->program->constants;
    Value *const values = calloc(count + 1, sizeof(Value));
    if (!values)
        return false;
    for (unsigned i = 0; i < count; i++)
        values[i] = LLVMConstReal(emitter->lane, emitter->program->constant[(size_t)i * LANES]);
    Value array = LLVMConstArray(emitter->lane, values, count);
    emitter->constants = LLVMAddGlobal(emitter->module, LLVMTypeOf(array), "");
    LLVMSetInitializer(emitter->constants, array);
    LLVMSetLinkage(emitter->constants, LLVMPrivateLinkage);
    LLVMSetExternallyInitialized(emitter->constants, true);
    LLVMSetAlignment(emitter->constants, 64);
    free(values);
    return true;
}

static void function_attribute(Emitter *emitter, const char *name, const char *value)
{
    LLVMAttributeRef attribute =
        LLVMCreateStringAttribute(emitter->context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(emitter->function, LLVMAttributeFunctionIndex, attribute);
}

static void declare_function(Emitter *emitter, const char *name)
{
    LLVMTypeRef pointer = LLVMPointerType(emitter->lane, 0);
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(emitter->context), &pointer, 1, false);
    emitter->function = LLVMAddFunction(emitter->module, name, type);
    const unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
    LLVMAddAttributeAtIndex(emitter->function, LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(emitter->context, nounwind, 0));

    // the processor's own name tunes, and only the features say what may be used
    char *const processor = LLVMGetHostCPUName();
    function_attribute(emitter, "target-cpu", "x86-64");
    function_attribute(emitter, "target-features", emitter->target->features);
    function_attribute(emitter, "tune-cpu", processor);
    function_attribute(emitter, "prefer-vector-width", "512");
    function_attribute(emitter, "min-legal-vector-width", "512");
    function_attribute(emitter, "denormal-fp-math", "preserve-sign,preserve-sign");
    LLVMDisposeMessage(processor);
}

/* for (lane = 0; lane < LANES; lane += strips * width) */
static void emit_function(Emitter *emitter, const char *name)
{
    declare_function(emitter, name);
    LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(emitter->context, emitter->function, "");
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(emitter->context, emitter->function, "");
    LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(emitter->context, emitter->function, "");
    LLVMPositionBuilderAtEnd(emitter->builder, entry);
    LLVMBuildBr(emitter->builder, body);

    LLVMPositionBuilderAtEnd(emitter->builder, body);
    Value lane = LLVMBuildPhi(emitter->builder, emitter->index, "");
    const unsigned width = emitter->target->width;
    for (unsigned i = 0; i < emitter->strip_count; i++)
        emitter->strips[i].first = LLVMBuildAdd(emitter->builder, lane, whole(emitter, (uint64_t)i * width), "");
    emit_strips(emitter);
    Value next = LLVMBuildAdd(emitter->builder, lane, whole(emitter, (uint64_t)emitter->strip_count * width), "");
    Value more = LLVMBuildICmp(emitter->builder, LLVMIntULT, next, whole(emitter, LANES), "");
    LLVMBuildCondBr(emitter->builder, more, body, done);
    LLVMAddIncoming(lane, (Value[]){whole(emitter, 0), next}, (LLVMBasicBlockRef[]){entry, body}, 2);

    LLVMPositionBuilderAtEnd(emitter->builder, done);
    LLVMBuildRetVoid(emitter->builder);
}

/* What a program's slots hold, in every strip. */
static bool reserve_slots(Emitter *emitter)
{
    const Program *const program = emitter->program;
    const size_t slots = (size_t)program->columns + program->registers + program->constants;
    emitter->strip_count = program->registers <= STRIPS_REGISTERS && program->length <= STRIPS_LENGTH ? STRIPS_MAX : 1;
    emitter->is_written = calloc(program->columns + 1u, sizeof(bool));
    bool is_there = emitter->is_written != NULL;
    for (unsigned i = 0; i < emitter->strip_count; i++) {
        Strip *const strip = &emitter->strips[i];
        strip->slots = calloc(slots + 1, sizeof(Value));
        strip->masks = calloc(slots + 1, sizeof(Value));
        is_there = is_there && strip->slots && strip->masks;
    }
    return is_there;
}

static void free_slots(Emitter *emitter)
{
    for (unsigned i = 0; i < emitter->strip_count; i++) {
        free(emitter->strips[i].slots);
        free(emitter->strips[i].masks);
    }
    free(emitter->is_written);
}

static Err emit_module(Emitter *emitter, const char *name, ErrText *why)
{
    const unsigned width = emitter->target->width;
    emitter->module = LLVMModuleCreateWithNameInContext(name, emitter->context);
    emitter->builder = LLVMCreateBuilderInContext(emitter->context);
    emitter->lane = LLVMDoubleTypeInContext(emitter->context);
    emitter->index = LLVMInt64TypeInContext(emitter->context);
    emitter->vector = LLVMVectorType(emitter->lane, width);
    emitter->mask = LLVMVectorType(has_mask_registers(emitter) ? LLVMInt1TypeInContext(emitter->context) : emitter->index, width);

    const bool is_there = reserve_slots(emitter) && emit_constants(emitter);
    if (is_there)
        emit_function(emitter, name);
    free_slots(emitter);
    LLVMDisposeBuilder(emitter->builder);
    return is_there ? ERR_OK : fail(why, ERR_MEMORY, "out of memory for native code");
}

// ---- the compiler -------------------------------------------------------------------------------------------------------

/* LLVM's own: what code lives in. Made by the first program, and there until the process ends. */
static LLVMOrcLLJITRef jit;

static Err make_jit(ErrText *why)
{
    if (LLVMInitializeNativeTarget() || LLVMInitializeNativeAsmPrinter())
        return fail(why, ERR_IO, "LLVM has no code for this processor");

    char *const triple = LLVMGetDefaultTargetTriple(), *message = NULL;
    LLVMTargetRef target = NULL;
    LLVMTargetMachineRef machine = NULL;
    if (!LLVMGetTargetFromTriple(triple, &target, &message))
        machine = LLVMCreateTargetMachine(target, triple, "x86-64", "", LLVMCodeGenLevelLess, LLVMRelocDefault, LLVMCodeModelJITDefault);
    LLVMDisposeMessage(triple);
    LLVMDisposeMessage(message);
    if (!machine)
        return fail(why, ERR_IO, "LLVM does not know this machine");

    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(builder, LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine));
    LLVMErrorRef error = LLVMOrcCreateLLJIT(&jit, builder);
    return error ? fail_llvm(why, error) : ERR_OK;
}

static Err compile(const Program *program, const NativeTarget *target, NativeRun **out, ErrText *why)
{
    static uint64_t serial;
    char name[32];
    snprintf(name, sizeof name, "program_%llu", (unsigned long long)serial++);
    Err err = jit ? ERR_OK : make_jit(why);
    if (err)
        return err;

    LLVMOrcThreadSafeContextRef shared = LLVMOrcCreateNewThreadSafeContext();
    Emitter emitter = {.program = program, .target = target, .context = LLVMOrcThreadSafeContextGetContext(shared)};
    err = emit_module(&emitter, name, why);
    LLVMOrcThreadSafeModuleRef module = LLVMOrcCreateNewThreadSafeModule(emitter.module, shared);
    LLVMOrcDisposeThreadSafeContext(shared);
    if (err) {
        LLVMOrcDisposeThreadSafeModule(module);
        return err;
    }

    LLVMOrcExecutorAddress address = 0;
    LLVMErrorRef error = LLVMOrcLLJITAddLLVMIRModule(jit, LLVMOrcLLJITGetMainJITDylib(jit), module);
    if (!error)
        error = LLVMOrcLLJITLookup(jit, &address, name);
    *out = (NativeRun *)(uintptr_t)address;
    return error ? fail_llvm(why, error) : ERR_OK;
}

extern const NativeModule pollux_native_module;
__attribute__((visibility("default"))) const NativeModule pollux_native_module = {.version = POLLUX_VERSION, .compile = compile};
