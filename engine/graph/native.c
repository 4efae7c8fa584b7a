/* native.c -- native code for programs: finds the module, keeps what it compiled, and compiles on a thread of its own.
 *
 * A program that asks is interpreted until its code is there. As both have the same bits [I2], nobody can tell when that was. */
#include "graph/native.h"

#include <assert.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/program.h"

/* One per process, like the loaded module itself. Codes are kept for ever, because programs point to them. */
static struct {
    pthread_mutex_t lock;  // guards all that follows
    pthread_cond_t changed;
    pthread_t thread;
    bool running, ending, is_exit_noted;
    const NativeModule *module;
    NativeCode *first, *last, *next;  // all codes in the order of asking, and the first that is not compiled yet
    uint32_t count;
    CodegenState state;
} codegen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

// ---- the module ---------------------------------------------------------------------------------------------------------

/* POLLUX_NATIVE, or ../lib/pollux/pollux_native.so seen from the executable, which holds for the build tree as for an installation. */
static bool find_module(char path[static PATH_MAX])
{
    const char *const given = secure_getenv("POLLUX_NATIVE");
    if (given)
        return snprintf(path, PATH_MAX, "%s", given) < PATH_MAX;

    char self[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return false;
    self[length] = 0;
    *strrchr(self, '/') = 0;
    return snprintf(path, PATH_MAX, "%s/../lib/pollux/pollux_native.so", self) < PATH_MAX;
}

static Err open_module(const NativeModule **out, ErrText *why)
{
    char path[PATH_MAX];
    if (!find_module(path))
        return err_set(why, ERR_IO, "cannot tell where the module of native code would be");
    if (access(path, R_OK) != 0)
        return err_set(why, ERR_IO, "there is no module of native code at %s", path);

    void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(why, ERR_IO, "cannot open the module of native code: %s", dlerror());
    const NativeModule *const module = dlsym(library, NATIVE_SYMBOL);
    if (!module || strcmp(module->version, POLLUX_VERSION) != 0) {
        dlclose(library);
        return err_set(why, ERR_IO, "%s is not the module of native code of Pollux " POLLUX_VERSION, path);
    }
    *out = module;
    return ERR_OK;
}

// ---- the thread ---------------------------------------------------------------------------------------------------------

static void source_free(Program *source)
{
    mem_free((void *)source->code);
    mem_free((void *)source->constant);
    mem_free(source);
}

/* The script that a program came from may be gone before its turn comes. */
static Program *source_copy(const Program *program)
{
    const size_t code_size = program->length * sizeof *program->code, constant_size = program->constants * (size_t)LANES * sizeof(double);
    Program *const copy = mem_alloc(sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *program;
    Instruction *const code = mem_alloc(code_size);
    double *const constant = mem_alloc(constant_size);
    copy->code = code, copy->constant = constant;
    if (!code || !constant) {
        source_free(copy);
        return NULL;
    }
    memcpy(code, program->code, code_size);
    if (constant_size)
        memcpy(constant, program->constant, constant_size);
    return copy;
}

static void refuse(const ErrText *why)
{
    codegen.state.refused++;
    codegen.state.why = *why;
}

/* Compile the code whose turn it is; the lock is held before and after, not meanwhile. */
static void compile_next(void)
{
    NativeCode *const code = codegen.next;
    const NativeModule *const module = codegen.module;
    pthread_mutex_unlock(&codegen.lock);

    NativeRun *run = NULL;
    ErrText why = {0};
    const int64_t start = clock_system.elapsed_ns(clock_system.self);
    const Err err = module->compile(code->source, code->target, &run, &why);
    const int64_t duration = clock_system.elapsed_ns(clock_system.self) - start;
    atomic_store_explicit(&code->run, err ? NULL : run, memory_order_release);
    source_free(code->source);

    pthread_mutex_lock(&codegen.lock);
    code->source = NULL;
    codegen.next = code->next;
    codegen.state.waiting--;
    codegen.state.compile_ns += duration;
    code->why = why;
    if (err)
        refuse(&why);
    else
        codegen.state.compiled++;
    pthread_cond_broadcast(&codegen.changed);
}

static void *thread_main(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&codegen.lock);
    while (!codegen.ending) {
        if (codegen.next)
            compile_next();
        else
            pthread_cond_wait(&codegen.changed, &codegen.lock);
    }
    pthread_mutex_unlock(&codegen.lock);
    return NULL;
}

/* What waits goes on waiting. */
static void thread_stop(void)
{
    pthread_mutex_lock(&codegen.lock);
    const bool was_running = codegen.running;
    codegen.ending = true;
    codegen.running = false;
    pthread_cond_broadcast(&codegen.changed);
    pthread_mutex_unlock(&codegen.lock);
    if (was_running)
        pthread_join(codegen.thread, NULL);
}

/* Signals are for the thread that waits for them. The lock is held. */
static Err thread_start(ErrText *why)
{
    // at exit LLVM's own objects are destroyed, so nothing may be compiling then
    if (!codegen.is_exit_noted && atexit(thread_stop) != 0)
        return err_set(why, ERR_MEMORY, "no memory for native code");
    codegen.is_exit_noted = true;

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    codegen.ending = false;
    const int failed = pthread_create(&codegen.thread, NULL, thread_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    codegen.running = !failed;
    return failed ? err_set(why, ERR_IO, "cannot start the thread of native code: %s", strerror(failed)) : ERR_OK;
}

// ---- codes --------------------------------------------------------------------------------------------------------------

static NativeCode *code_find(uint64_t hash, const NativeTarget *target)
{
    for (NativeCode *code = codegen.first; code; code = code->next)
        if (code->hash == hash && code->target == target)
            return code;
    return NULL;
}

static NativeCode *code_add(const Program *program, const NativeTarget *target)
{
    NativeCode *const code = mem_alloc(sizeof *code);
    Program *const source = code ? source_copy(program) : NULL;
    if (!source) {
        mem_free(code);
        refuse(&(ErrText){"out of memory for native code"});
        return NULL;
    }
    *code = (NativeCode){.hash = program->hash, .target = target, .source = source};
    if (codegen.last)
        codegen.last->next = code;
    else
        codegen.first = code;
    codegen.last = code;
    if (!codegen.next)
        codegen.next = code;
    codegen.count++;
    codegen.state.waiting++;
    pthread_cond_broadcast(&codegen.changed);
    return code;
}

/* Whether there may be one more code, for `program`. The lock is held. */
static Err check_room(const Program *program, ErrText *why)
{
    if (program->length > NATIVE_LENGTH_MAX)
        return err_set(why, ERR_FULL, "a program of %u instructions is interpreted: native code goes up to %d", program->length, NATIVE_LENGTH_MAX);
    if (codegen.count == NATIVE_CODES_MAX)
        return err_set(why, ERR_FULL, "there is native code for %d programs already: newer ones are interpreted", NATIVE_CODES_MAX);
    return ERR_OK;
}

/* The lock is held. */
static const NativeCode *request(const Program *program, const NativeTarget *target)
{
    NativeCode *const known = code_find(program->hash, target);
    if (known)
        return known;

    ErrText why = {0};
    if (!check_room(program, &why))
        return code_add(program, target);
    refuse(&why);
    return NULL;
}

const NativeCode *native__request(const Program *program)
{
    const NativeTarget *const target = program__target();
    pthread_mutex_lock(&codegen.lock);
    const bool is_wanted = codegen.state.mode != CODEGEN_OFF && codegen.state.loaded && target;
    const NativeCode *const code = is_wanted ? request(program, target) : NULL;
    pthread_mutex_unlock(&codegen.lock);
    return code;
}

void native__why(const Program *program, ErrText *why)
{
    pthread_mutex_lock(&codegen.lock);
    const CodegenState *const state = &codegen.state;
    if (program->native && program->native->why.text[0])
        *why = program->native->why;
    else if (program->native)
        err_set(why, ERR_OK, "its native code is not there yet");
    else if (state->mode == CODEGEN_OFF)
        err_set(why, ERR_OK, "native code is turned off");
    else if (!state->loaded)
        *why = state->why;
    else if (!program__target())
        err_set(why, ERR_OK, "there is no native code for the portable build");
    else if (!check_room(program, why))
        err_set(why, ERR_OK, "it was compiled before native code was turned on, or there was no memory for more");
    pthread_mutex_unlock(&codegen.lock);
}

bool native__is_on(void)
{
    const CodegenState state = program_codegen_state();
    return state.loaded && state.mode != CODEGEN_OFF;
}

// ---- public -------------------------------------------------------------------------------------------------------------

const char *codegen_name(Codegen mode)
{
    static const char *const names[] = {[CODEGEN_OFF] = "off", [CODEGEN_AUTO] = "auto", [CODEGEN_LLVM] = "llvm"};
    return names[mode];
}

/* The lock is held. */
static Err turn_on(ErrText *why)
{
    Err err = codegen.module ? ERR_OK : open_module(&codegen.module, why);
    if (!err && !codegen.running)
        err = thread_start(why);
    codegen.state.loaded = !err;
    return err;
}

Err program_codegen(Codegen mode, ErrText *why)
{
    if (mode == CODEGEN_OFF)
        thread_stop();

    ErrText reason = {0};
    pthread_mutex_lock(&codegen.lock);
    const Err err = mode == CODEGEN_OFF ? ERR_OK : turn_on(&reason);
    codegen.state.mode = err && mode == CODEGEN_LLVM ? CODEGEN_OFF : mode;
    codegen.state.why = mode == CODEGEN_OFF ? (ErrText){"native code is turned off"} : reason;
    pthread_mutex_unlock(&codegen.lock);
    return mode == CODEGEN_LLVM && err ? err_set(why, err, "%s", reason.text) : ERR_OK;
}

CodegenState program_codegen_state(void)
{
    pthread_mutex_lock(&codegen.lock);
    const CodegenState state = codegen.state;
    pthread_mutex_unlock(&codegen.lock);
    return state;
}

void program_codegen_wait(void)
{
    pthread_mutex_lock(&codegen.lock);
    while (codegen.running && codegen.next)
        pthread_cond_wait(&codegen.changed, &codegen.lock);
    pthread_mutex_unlock(&codegen.lock);
}
