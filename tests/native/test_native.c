/* Native code: the bits of the interpreter, for every operation, any program and chaos; and what happens where there is none. */
#include "graph/program.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph/scenes.h"
#include "kit/kit.h"

enum {
    COLUMNS = 6,
    REGISTERS = 8,
    CONSTANTS = 8,
    SLOTS = COLUMNS + REGISTERS + CONSTANTS,
    LENGTH = 40,
    PROGRAMS = 24,  // per instruction set
    ROUNDS = 40,    // blocks per program
};

/* Give `program` its native code. */
static void compile(Program *program)
{
    program->hash = program__hash(program);
    program->native = native__request(program);
    program_codegen_wait();
    ck_assert_ptr_nonnull(program->native);
    ck_assert_msg(program->native->run != NULL, "%s", program_codegen_state().why.text);
}

static void turn_on(void)
{
    ErrText why;
    program_thread_init();
    ck_assert_msg(program_codegen(CODEGEN_LLVM, &why) == ERR_OK, "%s", why.text);
}

static void check_round(const Program *program, Scratch *scratch, uint64_t round)
{
    alignas(64) static double is[ROD_COLUMNS * LANES], expected[ROD_COLUMNS * LANES];
    ck_assert_uint_le(program->columns, ROD_COLUMNS);
    for (unsigned i = 0; i < program->columns * (unsigned)LANES; i++)
        is[i] = expected[i] = any_number(i, round);
    Program interpreted = *program;
    interpreted.native = NULL;
    program_run(program, is, scratch);
    program_run(&interpreted, expected, scratch);
    for (unsigned i = 0; i < program->columns * (unsigned)LANES; i++)
        ck_assert_msg(same_bits(is[i], expected[i]), "%s: column %u is %a, not %a", program_backend(), i / LANES, is[i], expected[i]);
}

// ---- bits ---------------------------------------------------------------------------------------------------------------

START_TEST(every_operation_has_the_bits_of_the_interpreter)
{
    turn_on();
    for (unsigned set = 1; set < INSTRUCTION_SETS; set++) {
        if (!program_use(instruction_sets[set]))
            continue;
        for (Op op = 0; op < OP_COUNT; op++) {
            const Instruction code = {.op = op, .to = 3, .a = 0, .b = 1, .c = 2};
            Program program = {.code = &code, .length = 1, .columns = 4, .constant = NULL};
            compile(&program);
            for (uint64_t round = 0; round < 300; round++)
                check_round(&program, &(Scratch){0}, round);
        }
    }
}
END_TEST

/* Constants on which an optimiser would like to improve. */
static const double tempting[CONSTANTS] = {0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e-310, NAN};

static void spread_constants(double *lanes)
{
    for (unsigned i = 0; i < CONSTANTS * LANES; i++)
        lanes[i] = tempting[i / LANES];
}

/* Registers that are read before anything wrote them would differ: they start as copies of columns. */
static void random_code(Instruction *code, uint64_t number)
{
    for (unsigned i = 0; i < LENGTH; i++) {
        uint32_t words[8];
        random_words(7, number, 2 * i, words);
        random_words(7, number, 2 * i + 1, words + 4);
        code[i] = (Instruction){words[0] % OP_COUNT, words[1] % (COLUMNS + REGISTERS), words[2] % SLOTS, words[3] % SLOTS, words[4] % SLOTS};
        if (i < REGISTERS)
            code[i] = (Instruction){OP_MOVE, COLUMNS + i, i % COLUMNS, 0, 0};
    }
}

START_TEST(any_program_has_the_bits_of_the_interpreter)
{
    alignas(64) double constant[CONSTANTS * LANES];
    Instruction code[LENGTH];
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, REGISTERS), ERR_OK);
    spread_constants(constant);
    turn_on();
    for (unsigned set = 1; set < INSTRUCTION_SETS; set++) {
        if (!program_use(instruction_sets[set]))
            continue;
        for (uint64_t number = 0; number < PROGRAMS; number++) {
            random_code(code, number);
            program__find_forms(code, LENGTH, COLUMNS, (bool[SLOTS]){false});
            Program program = {code, LENGTH, COLUMNS, REGISTERS, CONSTANTS, constant, 0, NULL};
            compile(&program);
            for (uint64_t round = 0; round < ROUNDS; round++)
                check_round(&program, &scratch, number * ROUNDS + round);
        }
    }
    scratch_fini(&scratch);
}
END_TEST

START_TEST(random_expressions_have_the_bits_of_the_interpreter)
{
    Arena arena = {0};
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, 200), ERR_OK);
    turn_on();
    for (unsigned set = 1; set < INSTRUCTION_SETS; set++) {
        if (!program_use(instruction_sets[set]))
            continue;
        for (uint64_t seed = 0; seed < PROGRAMS; seed++) {
            Graph *const graph = graph_create(&arena);
            Assignment assignments[RANDOM_COLUMNS];
            Program program;
            const size_t count = random_assignments(graph, seed, assignments);
            ck_assert_int_eq(graph_compile(graph, assignments, count, RANDOM_COLUMNS, &arena, &program, NULL), ERR_OK);
            program_codegen_wait();
            ck_assert_msg(program.native && program.native->run, "%s", program_codegen_state().why.text);
            for (uint64_t round = 0; round < ROUNDS; round++)
                check_round(&program, &scratch, seed * ROUNDS + round);
            graph_destroy(graph);
        }
    }
    scratch_fini(&scratch);
    arena_fini(&arena);
}
END_TEST

/* What an optimiser takes for nothing, or for something else, where denormals are not flushed. */
START_TEST(nothing_is_simplified_over_denormals)
{
    static const Instruction cases[][2] = {
        {{OP_MUL, 3, 0, 6, 0}},                        // x * 1
        {{OP_MUL, 3, 0, 7, 0}},                        // x * -1
        {{OP_DIV, 3, 0, 6, 0}},                        // x / 1
        {{OP_ADD, 3, 0, 5, 0}},                        // x + -0
        {{OP_SUB, 3, 0, 4, 0}},                        // x - 0
        {{OP_SUB, 3, 5, 0, 0}},                        // -0 - x
        {{OP_ABOVE, 3, 0, 1, 0}, {OP_SELECT, 3, 3, 0, 1}},  // not max
        {{OP_ABOVE, 3, 0, 1, 0}, {OP_SELECT, 3, 3, 1, 0}},  // not min
        {{OP_NEG, 3, 0, 0, 0}, {OP_MAX, 3, 0, 3, 0}},  // not the magnitude
        {{OP_ABOVE, 3, 0, 4, 0}, {OP_SELECT, 3, 3, 0, 4}},
    };
    alignas(64) double constant[CONSTANTS * LANES];
    spread_constants(constant);
    turn_on();
    for (unsigned set = 1; set < INSTRUCTION_SETS; set++) {
        if (!program_use(instruction_sets[set]))
            continue;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            Program program = {cases[i], cases[i][1].to ? 2 : 1, 4, 0, CONSTANTS, constant, 0, NULL};
            compile(&program);
            for (uint64_t round = 0; round < 100; round++)
                check_round(&program, &(Scratch){0}, round);
        }
    }
}
END_TEST

static Program lorenz_program(Arena *arena)
{
    Graph *const graph = graph_create(arena);
    Assignment step[3];
    Program program;
    scene_rk4(graph, lorenz_rates, 3, LORENZ_STEP, step);
    ck_assert_int_eq(graph_compile(graph, step, 3, 3, arena, &program, NULL), ERR_OK);
    graph_destroy(graph);
    return program;
}

/* [I2] The second time it is not waited for the code, so it comes while the program runs. */
START_TEST(chaos_ends_in_the_same_bits_whenever_the_code_comes)
{
    Arena arena = {0};
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, 64), ERR_OK);
    turn_on();
    alignas(64) double block[3 * LANES];
    for (unsigned round = 0; round < 2 * (INSTRUCTION_SETS - 1); round++) {
        if (!program_use(instruction_sets[1 + round / 2]))
            continue;
        Program program = lorenz_program(&arena);
        if (round % 2 == 0)
            program_codegen_wait();
        start_lorenz(block);
        for (unsigned i = 0; i < LORENZ_STEPS; i++)
            program_run(&program, block, &scratch);
        ck_assert_msg(hash_of_lorenz(block) == LORENZ_HASH, "%s: %#llx", program_backend(), (unsigned long long)hash_of_lorenz(block));
    }
    scratch_fini(&scratch);
    arena_fini(&arena);
}
END_TEST

static void check_covariance(Graph *graph, const Assignment *step, size_t count, uint16_t columns)
{
    Arena arena = {0};
    Program program;
    Scratch scratch;
    ck_assert_int_eq(graph_compile(graph, step, count, columns, &arena, &program, NULL), ERR_OK);
    program_codegen_wait();
    ck_assert_msg(program.native->run != NULL, "%s", program_codegen_state().why.text);
    ck_assert_int_eq(scratch_init(&scratch, program.registers), ERR_OK);
    for (uint64_t round = 0; round < ROUNDS; round++)
        check_round(&program, &scratch, round);
    scratch_fini(&scratch);
    arena_fini(&arena);
}

/* A small program, and one that is too large for the processor's registers. */
START_TEST(a_covariance_has_the_bits_of_the_interpreter)
{
    static Assignment step[ROD_COLUMNS];
    Arena arena = {0};
    turn_on();
    Graph *const graph = graph_create(&arena);
    check_covariance(graph, step, tank_predict(graph, step), TANK_COLUMNS);
    check_covariance(graph, step, rod_predict(graph, step), ROD_COLUMNS);
    graph_destroy(graph);
    arena_fini(&arena);
}
END_TEST

// ---- coming and going ---------------------------------------------------------------------------------------------------

START_TEST(the_same_program_is_compiled_once)
{
    Arena arena = {0};
    turn_on();
    const Program first = lorenz_program(&arena), second = lorenz_program(&arena);
    program_codegen_wait();
    ck_assert_ptr_eq(first.native, second.native);
    ck_assert_uint_eq(program_codegen_state().compiled, 1);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_program_may_go_before_its_code_comes)
{
    Arena arena = {0};
    turn_on();
    lorenz_program(&arena);
    arena_fini(&arena);
    program_codegen_wait();
    ck_assert_uint_eq(program_codegen_state().compiled, 1);
}
END_TEST

START_TEST(turned_off_there_is_no_code_and_what_is_there_goes_on)
{
    Arena arena = {0};
    ck_assert_ptr_null(lorenz_program(&arena).native);
    turn_on();
    ck_assert_str_eq(program_use("sse2") ? program_backend() : "", "native, SSE2");
    Program program = lorenz_program(&arena);
    program_codegen_wait();

    ErrText why;
    ck_assert_int_eq(program_codegen(CODEGEN_OFF, NULL), ERR_OK);
    ck_assert_str_eq(program_backend(), "interpreter, SSE2");
    ck_assert_str_eq(program_runner(&program, &why), "native, SSE2");
    ck_assert_str_eq(why.text, "");
    ck_assert_str_eq(program_codegen_state().why.text, "native code is turned off");
    ck_assert_ptr_null(lorenz_program(&arena).native);
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, program.registers), ERR_OK);
    check_round(&program, &scratch, 1);

    turn_on();
    ck_assert_ptr_eq(lorenz_program(&arena).native, program.native);
    scratch_fini(&scratch);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_very_long_program_is_interpreted_and_says_so)
{
    static Instruction code[NATIVE_LENGTH_MAX + 1];
    for (size_t i = 0; i <= NATIVE_LENGTH_MAX; i++)
        code[i] = (Instruction){OP_ADD, 0, 0, 0, 0};
    turn_on();
    Program program = {.code = code, .length = NATIVE_LENGTH_MAX + 1, .columns = 1};
    ck_assert_ptr_null(native__request(&program));
    ck_assert_uint_eq(program_codegen_state().refused, 1);
    ck_assert_ptr_nonnull(strstr(program_codegen_state().why.text, "20001 instructions"));
    ErrText why;
    ck_assert(program_use("sse2"));
    ck_assert_str_eq(program_runner(&program, &why), "interpreter, SSE2");
    ck_assert_ptr_nonnull(strstr(why.text, "20001 instructions"));
}
END_TEST

START_TEST(the_portable_build_is_not_translated)
{
    Arena arena = {0};
    turn_on();
    ck_assert(program_use("portable"));
    const Program program = lorenz_program(&arena);
    ErrText why;
    ck_assert_ptr_null(program.native);
    ck_assert_str_eq(program_backend(), "interpreter, portable");
    ck_assert_str_eq(program_runner(&program, &why), "interpreter, portable");
    ck_assert_str_eq(why.text, "there is no native code for the portable build");
    arena_fini(&arena);
}
END_TEST

START_TEST(without_memory_for_code_the_interpreter_runs_it)
{
    turn_on();
    const Instruction code = {OP_ADD, 0, 0, 0, 0};
    for (size_t n = 1; n <= 4; n++) {
        Program program = {.code = &code, .length = 1, .columns = 1, .hash = n};
        kit_fail_allocation(n);
        ck_assert_ptr_null(native__request(&program));
        kit_fail_allocation(0);
        ck_assert_uint_eq(program_codegen_state().refused, n);
    }
}
END_TEST

// ---- without a module ---------------------------------------------------------------------------------------------------

static void check_absent(const char *path, const char *reason)
{
    ErrText why;
    setenv("POLLUX_NATIVE", path, 1);
    ck_assert_int_eq(program_codegen(CODEGEN_AUTO, &why), ERR_OK);
    ck_assert_msg(strstr(program_codegen_state().why.text, reason) != NULL, "%s", program_codegen_state().why.text);
    ck_assert(!program_codegen_state().loaded);
    ck_assert_ptr_null(strstr(program_backend(), "native"));

    ck_assert_int_eq(program_codegen(CODEGEN_LLVM, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, reason));
    ck_assert_int_eq(program_codegen_state().mode, CODEGEN_OFF);
}

START_TEST(a_module_that_is_not_there_is_done_without)
{
    check_absent("/nowhere/pollux_native.so", "there is no module");
}
END_TEST

START_TEST(a_file_that_is_no_module_is_refused)
{
    char path[300];
    snprintf(path, sizeof path, "%s/pollux_native.so", kit_folder());
    FILE *const file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("not a shared object", file);
    fclose(file);
    check_absent(path, "cannot open the module");
}
END_TEST

/* In a process of its own, so that the module is not open in the ones that the tests run in. */
static bool is_available(void)
{
    const pid_t child = fork();
    if (child == 0) {
        ErrText why;
        const Err err = program_codegen(CODEGEN_LLVM, &why);
        if (err)
            printf("native.native: skipped, %s\n", why.text);
        exit(err);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == ERR_OK;
}

int main(void)
{
    const TTest *const with[] = {
        every_operation_has_the_bits_of_the_interpreter,
        any_program_has_the_bits_of_the_interpreter,
        random_expressions_have_the_bits_of_the_interpreter,
        nothing_is_simplified_over_denormals,
        chaos_ends_in_the_same_bits_whenever_the_code_comes,
        a_covariance_has_the_bits_of_the_interpreter,
        the_same_program_is_compiled_once,
        a_program_may_go_before_its_code_comes,
        turned_off_there_is_no_code_and_what_is_there_goes_on,
        a_very_long_program_is_interpreted_and_says_so,
        the_portable_build_is_not_translated,
        without_memory_for_code_the_interpreter_runs_it,
    };
    const TTest *const without[] = {a_module_that_is_not_there_is_done_without, a_file_that_is_no_module_is_refused};
    const int absent = kit_main("native.absent", without, sizeof without / sizeof *without);
    const int present = is_available() ? kit_main("native.native", with, sizeof with / sizeof *with) : EXIT_SUCCESS;
    return absent || present ? EXIT_FAILURE : EXIT_SUCCESS;
}
