/* The lane machine: every build of the interpreter computes the bits of plain C, in every lane for itself. */
#include "graph/scenes.h"

#include <stdalign.h>

#include "graph/program.h"
#include "kit/kit.h"

enum { ROUNDS = 300 };  // of 64 lanes, per operation and instruction set

/* The program of one operation: column 3 = op(columns 0, 1, 2). */
static Program program_of(Arena *arena, Op op)
{
    Instruction *const code = arena_new(arena, Instruction, 1);
    ck_assert_ptr_nonnull(code);
    *code = (Instruction){.op = op, .to = 3, .a = 0, .b = 1, .c = 2};
    return (Program){.code = code, .length = 1, .columns = 4};
}

static void fill(double *block, unsigned columns, uint64_t round)
{
    for (unsigned i = 0; i < columns * LANES; i++)
        block[i] = any_number(i, round);
}

static void check_lanes(const double *block, Op op)
{
    for (unsigned i = 0; i < LANES; i++) {
        const double a = block[i], b = block[LANES + i], c = block[2 * LANES + i], is = block[3 * LANES + i];
        const double expected = op__apply(op, a, b, c);
        ck_assert_msg(same_bits(is, expected), "%s: %s(%a, %a, %a) = %a, not %a", program_backend(), op__name(op), a, b, c, is, expected);
    }
}

START_TEST(every_operation_has_the_bits_of_plain_c)
{
    Arena arena = {0};
    program_thread_init();
    alignas(64) double block[4 * LANES];
    for (Op op = 0; op < OP_COUNT; op++) {
        const Program program = program_of(&arena, op);
        for (unsigned set = 0; set < INSTRUCTION_SETS; set++) {
            if (!program_use(instruction_sets[set]))
                continue;
            for (uint64_t round = 0; round < ROUNDS; round++) {
                fill(block, 4, round);
                program_run(&program, block, &(Scratch){0});
                check_lanes(block, op);
            }
        }
    }
    arena_fini(&arena);
}
END_TEST

/* The program of one operation in one form: some operands are what the instruction before took from column 4, and the result goes to column 3,
 * straight or through a register that is not stored. */
static Program program_of_form(Arena *arena, Op op, unsigned form)
{
    enum { COLUMNS = 5, BEFORE = COLUMNS, RESULT };
    const uint16_t last = BEFORE, to = form & FORM_UNSTORED ? RESULT : 3;
    Instruction *const code = arena_new(arena, Instruction, 3);
    bool live[COLUMNS + 2] = {false};
    ck_assert_ptr_nonnull(code);
    code[0] = (Instruction){OP_MOVE, BEFORE, 4, 4, 4, 0};
    code[1] = (Instruction){op, to, form & FORM_A_LAST ? last : 0, form & FORM_B_LAST ? last : 1, form & FORM_C_LAST ? last : 2, 0};
    code[2] = (Instruction){OP_MOVE, 3, RESULT, RESULT, RESULT, 0};
    const Program program = {.code = code, .length = form & FORM_UNSTORED ? 3 : 2, .columns = COLUMNS, .registers = 2};
    program__find_forms(code, program.length, COLUMNS, live);
    return program;
}

static void check_form(const Program *program, Scratch *scratch, Op op, unsigned form)
{
    alignas(64) double block[5 * LANES], before[5 * LANES];
    for (uint64_t round = 0; round < 10; round++) {
        fill(block, 5, round);
        memcpy(before, block, sizeof block);
        program_run(program, block, scratch);
        for (unsigned i = 0; i < LANES; i++) {
            const double a = before[(form & FORM_A_LAST ? 4 : 0) * LANES + i], b = before[(form & FORM_B_LAST ? 4 : 1) * LANES + i],
                         c = before[(form & FORM_C_LAST ? 4 : 2) * LANES + i];
            const double expected = op__apply(op, a, b, c), is = block[3 * LANES + i];
            ck_assert_msg(same_bits(is, expected), "%s: %s(%a, %a, %a) in form %u = %a, not %a", program_backend(), op__name(op), a, b, c, form, is,
                          expected);
        }
    }
}

START_TEST(every_form_of_every_operation_has_the_bits_of_plain_c)
{
    Arena arena = {0};
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, 2), ERR_OK);
    program_thread_init();
    for (Op op = 0; op < OP_COUNT; op++) {
        const unsigned operands = (1u << op__arity(op)) - 1;
        for (unsigned form = 0; form < FORM_COUNT; form++) {
            if ((form & (FORM_UNSTORED - 1)) > operands)
                continue;
            const Program program = program_of_form(&arena, op, form);
            ck_assert_uint_eq(program.code[1].form, op__is_function(op) ? 0 : form);
            for (unsigned set = 0; set < INSTRUCTION_SETS; set++)
                if (program_use(instruction_sets[set]))
                    check_form(&program, &scratch, op, form);
        }
    }
    scratch_fini(&scratch);
    arena_fini(&arena);
}
END_TEST

/* A result goes unstored only where no other instruction asks for it. */
START_TEST(what_is_read_later_is_stored)
{
    enum { X, Y, R = 2 };  // two columns, then registers
    static const struct {
        Instruction code[4];
        uint16_t forms[4];
    } cases[] = {
        {{{OP_NEG, R, X}, {OP_ABS, R + 1, R}, {OP_ADD, X, R + 1, R}}, {0, FORM_A_LAST | FORM_UNSTORED, FORM_A_LAST}},       // read by the next but one
        {{{OP_NEG, R, X}, {OP_ABS, R, R}, {OP_ADD, X, R, R}}, {FORM_UNSTORED, FORM_A_LAST | FORM_UNSTORED, FORM_A_LAST | FORM_B_LAST}},
        {{{OP_NEG, R, X}, {OP_SIN, X, R}}, {0, 0}},                                                                         // functions read memory
        {{{OP_SIN, R, X}, {OP_NEG, X, R}}, {0, FORM_A_LAST}},                                                               // and write it
        {{{OP_NEG, Y, X}, {OP_ABS, X, Y}}, {0, FORM_A_LAST}},                                                               // columns stay
        {{{OP_NEG, R, X}, {OP_ABS, R, X}, {OP_MOVE, Y, R}}, {FORM_UNSTORED, FORM_UNSTORED, FORM_A_LAST}},                   // the first is read by none
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Instruction code[4];
        bool live[8] = {false};
        uint32_t length = 0;
        memcpy(code, cases[i].code, sizeof code);
        while (length < 4 && (length == 0 || code[length].to || code[length].a))
            length++;
        program__find_forms(code, length, 2, live);
        for (uint32_t k = 0; k < length; k++)
            ck_assert_msg(code[k].form == cases[i].forms[k], "case %zu, instruction %u: %u", i, k, code[k].form);
    }
}
END_TEST

/* What the operations mean where vector instructions and C are easily of two minds. */
START_TEST(min_max_above_and_select_decide_like_c)
{
    static const struct {
        Op op;
        double a, b, c, is;
    } cases[] = {
        {OP_MIN, 0.0, -0.0, 0, -0.0},    {OP_MIN, -0.0, 0.0, 0, 0.0},      {OP_MAX, 0.0, -0.0, 0, -0.0},     {OP_MAX, -0.0, 0.0, 0, 0.0},
        {OP_MIN, NAN, 1.0, 0, 1.0},      {OP_MIN, 1.0, NAN, 0, NAN},       {OP_MAX, NAN, 1.0, 0, 1.0},       {OP_MAX, 1.0, NAN, 0, NAN},
        {OP_MIN, 1e-310, 1.0, 0, 0.0},   {OP_MAX, -1e-310, -1.0, 0, -0.0}, {OP_MIN, -1e-310, 1.0, 0, -0.0},  {OP_ABOVE, NAN, 0.0, 0, 0.0},
        {OP_ABOVE, 0.0, NAN, 0, 0.0},    {OP_ABOVE, 0.0, -0.0, 0, 0.0},    {OP_ABOVE, 1e-310, 0.0, 0, 0.0},  {OP_ABOVE, 2.0, 1.0, 0, 1.0},
        {OP_SELECT, NAN, 1.0, 2.0, 1.0}, {OP_SELECT, -0.0, 1.0, 2.0, 2.0}, {OP_SELECT, 1e-310, 1.0, 2.0, 2.0}, {OP_SELECT, 1.0, NAN, 2.0, NAN},
        {OP_ABS, -0.0, 0, 0, 0.0},       {OP_NEG, 0.0, 0, 0, -0.0},        {OP_ADD, 1e-310, -0.0, 0, 0.0},   {OP_MUL, 1e-200, 1e-110, 0, 0.0},
        {OP_MULADD, 1e-200, 1e-110, -0.0, 0.0}, {OP_MULADD, 0x1.0000001p0, 0x1.0000001p0, -0x1.0000002p0, 0.0},  // an FMA would keep the last bits
        {OP_MULSUB, 0x1.0000001p0, 0x1.0000001p0, 0x1.0000002p0, 0.0}, {OP_SUBMUL, 0x1.0000001p0, 0x1.0000001p0, 0x1.0000002p0, 0.0},
        {OP_ABS, -1e-310, 0, 0, 1e-310}, {OP_MOVE, 1e-310, 0, 0, 1e-310},  {OP_SQRT, -0.0, 0, 0, -0.0},      {OP_SQRT, -1.0, 0, 0, NAN},
    };
    Arena arena = {0};
    program_thread_init();
    alignas(64) double block[4 * LANES] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Program program = program_of(&arena, cases[i].op);
        for (unsigned set = 0; set < INSTRUCTION_SETS; set++) {
            if (!program_use(instruction_sets[set]))
                continue;
            block[7] = cases[i].a, block[LANES + 7] = cases[i].b, block[2 * LANES + 7] = cases[i].c;
            program_run(&program, block, &(Scratch){0});
            ck_assert_msg(same_bits(block[3 * LANES + 7], cases[i].is), "%s: case %zu is %a", instruction_sets[set], i, block[3 * LANES + 7]);
        }
    }
    arena_fini(&arena);
}
END_TEST

/* [I1] */
START_TEST(a_lane_does_not_touch_its_neighbours)
{
    Arena arena = {0};
    Graph *const graph = graph_create(&arena);
    Assignment step[9];
    const size_t count = tank_predict(graph, step);
    Program program;
    ck_assert_int_eq(graph_compile(graph, step, count, TANK_COLUMNS, &arena, &program, NULL), ERR_OK);
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, program.registers), ERR_OK);
    program_thread_init();

    alignas(64) double clean[TANK_COLUMNS * LANES], dirty[TANK_COLUMNS * LANES];
    for (unsigned set = 0; set < INSTRUCTION_SETS; set++) {
        if (!program_use(instruction_sets[set]))
            continue;
        for (unsigned i = 0; i < TANK_COLUMNS * LANES; i++)
            clean[i] = 0.1 + random_uniform(1, 0, i);
        memcpy(dirty, clean, sizeof dirty);
        for (unsigned column = 0; column < TANK_COLUMNS; column++)
            dirty[column * LANES + 13] = column % 2 ? NAN : INFINITY;

        program_run(&program, clean, &scratch);
        program_run(&program, dirty, &scratch);
        ck_assert(isnan(dirty[13]));
        for (unsigned i = 0; i < TANK_COLUMNS * LANES; i++)
            ck_assert(i % LANES == 13 || same_bits(clean[i], dirty[i]));
    }
    scratch_fini(&scratch);
    graph_destroy(graph);
    arena_fini(&arena);
}
END_TEST

START_TEST(chaos_ends_in_the_same_bits_everywhere)
{
    Arena arena = {0};
    Graph *const graph = graph_create(&arena);
    Assignment step[3];
    scene_rk4(graph, lorenz_rates, 3, LORENZ_STEP, step);
    Program program;
    ck_assert_int_eq(graph_compile(graph, step, 3, 3, &arena, &program, NULL), ERR_OK);
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, program.registers), ERR_OK);
    program_thread_init();

    alignas(64) double block[3 * LANES];
    for (unsigned set = 0; set < INSTRUCTION_SETS; set++) {
        if (!program_use(instruction_sets[set]))
            continue;
        start_lorenz(block);
        for (unsigned i = 0; i < LORENZ_STEPS; i++)
            program_run(&program, block, &scratch);
        ck_assert_msg(hash_of_lorenz(block) == LORENZ_HASH, "%s: %#llx", program_backend(), (unsigned long long)hash_of_lorenz(block));
    }
    scratch_fini(&scratch);
    graph_destroy(graph);
    arena_fini(&arena);
}
END_TEST

START_TEST(chaos_in_plain_c_ends_in_these_bits_too)
{
    double block[3 * LANES];
    start_lorenz(block);
    for (unsigned lane = 0; lane < LANES; lane++) {
        double s[3] = {block[lane], block[LANES + lane], block[2 * LANES + lane]};
        for (unsigned i = 0; i < LORENZ_STEPS; i++)
            lorenz_plain_step(s);
        for (unsigned k = 0; k < 3; k++)
            block[k * LANES + lane] = s[k];
    }
    ck_assert_msg(hash_of_lorenz(block) == LORENZ_HASH, "%#llx", (unsigned long long)hash_of_lorenz(block));
}
END_TEST

START_TEST(a_build_that_does_not_exist_is_refused)
{
    const char *const before = program_backend();
    ck_assert(!program_use("mmx"));
    ck_assert_str_eq(program_backend(), before);
    ck_assert(program_use("portable"));
    ck_assert_str_eq(program_backend(), "interpreter, portable");
}
END_TEST

START_TEST(scratch_that_does_not_fit_in_memory_is_an_error)
{
    Scratch scratch;
    kit_fail_allocation(1);
    ck_assert_int_eq(scratch_init(&scratch, 100), ERR_MEMORY);
    kit_fail_allocation(0);
    ck_assert_int_eq(scratch_init(&scratch, 100), ERR_OK);
    scratch_fini(&scratch);
}
END_TEST

KIT_MAIN("graph.lanes", every_operation_has_the_bits_of_plain_c, every_form_of_every_operation_has_the_bits_of_plain_c, what_is_read_later_is_stored,
         min_max_above_and_select_decide_like_c, a_lane_does_not_touch_its_neighbours,
         chaos_ends_in_the_same_bits_everywhere, chaos_in_plain_c_ends_in_these_bits_too, a_build_that_does_not_exist_is_refused,
         scratch_that_does_not_fit_in_memory_is_an_error)
