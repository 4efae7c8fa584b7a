/* Programs: they compute what graph_evaluate computes, and all their assignments read the block as it was. */
#include "graph/scenes.h"

#include <stdalign.h>

#include "kit/kit.h"

enum { COLUMNS = RANDOM_COLUMNS };

static Arena arena;
static Graph *graph;
static Expr var[COLUMNS];

static void begin(void)
{
    arena = (Arena){0};
    graph = graph_create(&arena);
    ck_assert_ptr_nonnull(graph);
    for (uint16_t i = 0; i < COLUMNS; i++)
        var[i] = graph_variable(graph, i);
    program_thread_init();
}

static void end(void)
{
    graph_destroy(graph);
    arena_fini(&arena);
}

static Program compiled(const Assignment *assignments, size_t count)
{
    Program program;
    ErrText why = {{0}};
    ck_assert_msg(graph_compile(graph, assignments, count, COLUMNS, &arena, &program, &why) == ERR_OK, "%s", why.text);
    return program;
}

/* Run on every instruction set, and compare every column of every lane with what the assignments say about the block before. */
static void agrees(const Assignment *assignments, size_t count, uint64_t seed)
{
    const Program program = compiled(assignments, count);
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, program.registers), ERR_OK);
    alignas(64) double before[COLUMNS * LANES], after[COLUMNS * LANES], expected[COLUMNS * LANES];
    for (unsigned i = 0; i < COLUMNS * LANES; i++)
        before[i] = any_number(seed, i);

    memcpy(expected, before, sizeof before);
    for (unsigned lane = 0; lane < LANES; lane++) {
        double columns[COLUMNS];
        for (unsigned i = 0; i < COLUMNS; i++)
            columns[i] = before[i * LANES + lane];
        for (size_t i = 0; i < count; i++)
            expected[assignments[i].column * LANES + lane] = graph_evaluate(graph, assignments[i].value, columns);
    }

    for (unsigned set = 0; set < INSTRUCTION_SETS; set++) {
        if (!program_use(instruction_sets[set]))
            continue;
        memcpy(after, before, sizeof before);
        program_run(&program, after, &scratch);
        for (unsigned i = 0; i < COLUMNS * LANES; i++)
            ck_assert_msg(same_bits(after[i], expected[i]), "%s, seed %u: column %u, lane %u is %a, not %a", instruction_sets[set], (unsigned)seed,
                          i / LANES, i % LANES, after[i], expected[i]);
    }
    scratch_fini(&scratch);
}

/* ---- random programs ---- */

START_TEST(random_programs_compute_what_evaluate_computes)
{
    for (uint64_t seed = 0; seed < 120; seed++) {
        begin();
        Assignment assignments[RANDOM_COLUMNS];
        const size_t count = random_assignments(graph, seed, assignments);
        agrees(assignments, count, seed);
        end();
    }
}
END_TEST

/* ---- reading before writing ---- */

START_TEST(columns_can_be_exchanged)
{
    begin();
    agrees((Assignment[]){{0, var[1]}, {1, var[0]}}, 2, 1);
    agrees((Assignment[]){{0, var[1]}, {1, var[2]}, {2, var[0]}}, 3, 2);
    agrees((Assignment[]){{2, var[0]}, {0, var[1]}, {1, var[2]}, {3, var[4]}, {4, var[3]}}, 5, 3);
    ck_assert_uint_eq(compiled((Assignment[]){{0, var[1]}, {1, var[0]}}, 2).length, 3);
    end();
}
END_TEST

START_TEST(a_chain_moves_by_one_column_in_either_order)
{
    begin();
    agrees((Assignment[]){{0, var[1]}, {1, var[2]}, {2, var[3]}, {3, graph_constant(graph, 4)}}, 4, 1);
    agrees((Assignment[]){{3, var[2]}, {2, var[1]}, {1, var[0]}}, 3, 2);
    agrees((Assignment[]){{1, var[0]}, {2, var[1]}, {3, var[2]}}, 3, 3);
    ck_assert_uint_eq(compiled((Assignment[]){{0, var[1]}, {1, var[2]}, {2, var[3]}}, 3).length, 3);
    end();
}
END_TEST

START_TEST(one_value_can_go_to_many_columns)
{
    begin();
    const Expr sum = graph_binary(graph, OP_ADD, var[0], var[1]);
    agrees((Assignment[]){{0, sum}, {1, sum}, {2, sum}, {3, var[0]}, {4, graph_binary(graph, OP_MUL, sum, var[1])}}, 5, 1);
    agrees((Assignment[]){{4, var[0]}, {5, var[0]}, {0, graph_constant(graph, 1)}, {1, graph_constant(graph, 1)}}, 4, 2);
    end();
}
END_TEST

START_TEST(a_result_that_is_read_on_goes_to_its_column_at_once)
{
    begin();
    const Expr a = graph_unary(graph, OP_SIN, var[0]), b = graph_binary(graph, OP_ADD, a, var[1]);
    const Program program = compiled((Assignment[]){{0, a}, {1, b}}, 2);
    ck_assert_uint_eq(program.length, 2);
    ck_assert_uint_eq(program.registers, 0);
    agrees((Assignment[]){{0, a}, {1, b}}, 2, 1);
    end();
}
END_TEST

START_TEST(a_result_waits_until_the_old_value_was_read)
{
    begin();
    const Expr a = graph_unary(graph, OP_SIN, var[0]), b = graph_binary(graph, OP_ADD, a, var[0]);
    const Program program = compiled((Assignment[]){{0, a}, {1, b}}, 2);
    ck_assert_uint_eq(program.length, 3);
    ck_assert_uint_eq(program.registers, 1);
    agrees((Assignment[]){{0, a}, {1, b}}, 2, 1);
    end();
}
END_TEST

START_TEST(assigning_a_column_to_itself_is_no_work)
{
    begin();
    ck_assert_uint_eq(compiled((Assignment[]){{0, var[0]}, {3, graph_binary(graph, OP_MUL, var[3], graph_constant(graph, 1))}}, 2).length, 0);
    ck_assert_uint_eq(compiled(NULL, 0).length, 0);
    end();
}
END_TEST

/* ---- size ---- */

START_TEST(a_chain_of_any_length_lives_in_one_register)
{
    begin();
    Expr sum = var[0];
    for (int i = 0; i < 10000; i++)
        sum = graph_unary(graph, OP_SIN, graph_binary(graph, OP_ADD, var[i % COLUMNS], sum));
    const Program program = compiled(&(Assignment){7, sum}, 1);
    ck_assert_uint_eq(program.length, 20000);
    ck_assert_uint_le(program.registers, 1);
    end();
}
END_TEST

/* Whatever side it stands on: a light operand that went first would hold a register in every link. */
START_TEST(the_heavier_operand_is_computed_first)
{
    begin();
    Expr sum = graph_unary(graph, OP_SIN, var[0]);
    for (int i = 0; i < 1000; i++) {
        const Expr light = graph_unary(graph, OP_EXP, graph_binary(graph, OP_ADD, var[i % COLUMNS], graph_constant(graph, i)));
        sum = i % 2 ? graph_binary(graph, OP_SUB, light, sum) : graph_binary(graph, OP_DIV, sum, light);
        sum = graph_unary(graph, OP_COS, sum);
    }
    ck_assert_uint_eq(compiled(&(Assignment){7, sum}, 1).registers, 2);
    end();
}
END_TEST

/* 2^10 values that take a register each, joined in pairs: one more register per level (Sethi and Ullman). */
START_TEST(a_balanced_tree_lives_in_as_many_registers_as_it_has_levels)
{
    begin();
    Expr level[1024];
    for (unsigned i = 0; i < 1024; i++)
        level[i] = graph_binary(graph, OP_POW, var[i % COLUMNS], graph_constant(graph, i + 20));
    for (unsigned width = 512; width > 0; width /= 2)
        for (unsigned i = 0; i < width; i++)
            level[i] = graph_binary(graph, OP_SUB, level[2 * i], level[2 * i + 1]);
    ck_assert_uint_eq(compiled(&(Assignment){0, level[0]}, 1).registers, 11);
    end();
}
END_TEST

START_TEST(three_tanks_with_their_filter_stay_in_the_nearest_cache)
{
    begin();
    Assignment step[9];
    Program program;
    const size_t count = tank_predict(graph, step);
    ck_assert_int_eq(graph_compile(graph, step, 3, TANK_COLUMNS, &arena, &program, NULL), ERR_OK);
    ck_assert_uint_le(program.registers, 8);
    ck_assert_int_eq(graph_compile(graph, step, count, TANK_COLUMNS, &arena, &program, NULL), ERR_OK);
    const size_t bytes = sizeof(double) * LANES * (program.columns + program.registers + program.constants);
    ck_assert_uint_le(bytes, 32 * 1024);
    end();
}
END_TEST

/* ---- identity and errors ---- */

START_TEST(the_hash_tells_programs_apart_and_is_the_same_for_the_same)
{
    begin();
    const Expr two = graph_binary(graph, OP_MUL, var[0], graph_constant(graph, 2));
    const Expr three = graph_binary(graph, OP_MUL, var[0], graph_constant(graph, 3));
    const uint64_t hash = compiled(&(Assignment){0, two}, 1).hash;
    ck_assert_uint_eq(compiled(&(Assignment){0, two}, 1).hash, hash);
    ck_assert_uint_ne(compiled(&(Assignment){0, three}, 1).hash, hash);
    ck_assert_uint_ne(compiled(&(Assignment){1, two}, 1).hash, hash);
    Program wider;
    ck_assert_int_eq(graph_compile(graph, &(Assignment){0, two}, 1, COLUMNS + 1, &arena, &wider, NULL), ERR_OK);
    ck_assert_uint_ne(wider.hash, hash);
    end();
}
END_TEST

static void refuses(const Assignment *assignments, size_t count, uint16_t columns, Err expected, const char *text)
{
    Program program;
    ErrText why = {{0}};
    ck_assert_int_eq(graph_compile(graph, assignments, count, columns, &arena, &program, &why), expected);
    ck_assert_msg(strstr(why.text, text) != NULL, "%s", why.text);
    ck_assert_int_eq(graph_compile(graph, assignments, count, columns, &arena, &program, NULL), expected);
}

START_TEST(what_does_not_fit_the_block_is_refused)
{
    begin();
    refuses((Assignment[]){{8, var[0]}}, 1, 8, ERR_RANGE, "column 8 is assigned, but the block has 8");
    refuses((Assignment[]){{0, var[7]}}, 1, 7, ERR_RANGE, "column 7 is read, but the block has 7");
    refuses((Assignment[]){{0, var[1]}, {1, var[2]}, {0, var[3]}}, 3, 8, ERR_USAGE, "column 0 is assigned twice");
    refuses((Assignment[]){{3, EXPR_NONE}}, 1, 8, ERR_USAGE, "column 3 is assigned nothing");
    end();
}
END_TEST

START_TEST(more_slots_than_a_program_can_name_are_refused)
{
    begin();
    Expr sum = var[0];
    for (int i = 0; i < 1000; i++)
        sum = graph_binary(graph, OP_ADD, sum, graph_constant(graph, i + 0.5));
    Program program;
    ck_assert_int_eq(graph_compile(graph, &(Assignment){0, sum}, 1, 64534, &arena, &program, NULL), ERR_OK);
    refuses(&(Assignment){0, sum}, 1, 64535, ERR_FULL, "64535 columns, 1 registers and 1000 constants");
    end();
}
END_TEST

/* ---- two operations in one ---- */

START_TEST(a_product_and_the_sum_that_reads_it_are_one_instruction)
{
    begin();
    const Expr ab = graph_binary(graph, OP_MUL, var[0], var[1]), root = graph_unary(graph, OP_SQRT, var[2]);
    const struct {
        Op sum, is;
        Expr a, b;
    } cases[] = {{OP_ADD, OP_MULADD, ab, var[2]}, {OP_ADD, OP_MULADD, var[2], ab}, {OP_SUB, OP_MULSUB, ab, var[2]}, {OP_SUB, OP_SUBMUL, var[2], ab}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Assignment assignment = {3, graph_binary(graph, cases[i].sum, cases[i].a, cases[i].b)};
        const Program program = compiled(&assignment, 1);
        ck_assert_uint_eq(program.length, 1);
        ck_assert_uint_eq(program.code[0].op, cases[i].is);
        agrees(&assignment, 1, i);
    }

    // two sums read a product of columns: both take it over; a product of something computed stays by itself
    const Expr sum = graph_binary(graph, OP_ADD, ab, var[2]), less = graph_binary(graph, OP_SUB, ab, var[2]);
    agrees((Assignment[]){{0, sum}, {1, less}}, 2, 5);
    ck_assert_uint_eq(compiled((Assignment[]){{3, sum}, {4, less}}, 2).length, 2);
    const Expr product = graph_binary(graph, OP_MUL, root, var[1]);
    const Assignment both[] = {{3, graph_binary(graph, OP_ADD, product, var[2])}, {4, graph_binary(graph, OP_SUB, product, var[2])}};
    agrees(both, 2, 6);
    ck_assert_uint_eq(compiled(both, 2).length, 4);

    // a product that has a column of its own is computed for it
    const Assignment kept[] = {{3, ab}, {4, sum}};
    agrees(kept, 2, 7);
    ck_assert_uint_eq(compiled(kept, 2).length, 2);
    const Assignment twice = {3, graph_binary(graph, OP_ADD, ab, ab)};
    agrees(&twice, 1, 8);
    end();
}
END_TEST

/* ---- for people ---- */

static void prints(const Program *program, void (*print)(const Program *, Text *), const char *expected)
{
    Text text = {0};
    print(program, &text);
    ck_assert_str_eq(text.bytes, expected);
    text_fini(&text);
}

static void print_with_names(const Program *program, Text *out)
{
    static const char *const names[COLUMNS] = {"x", "y", "z"};
    program_print(program, names, out);
}

static void print_without_names(const Program *program, Text *out)
{
    program_print(program, NULL, out);
}

START_TEST(print_writes_a_line_per_instruction)
{
    begin();
    const Expr root = graph_unary(graph, OP_SQRT, graph_binary(graph, OP_DIV, var[0], graph_constant(graph, -2.5)));
    const Expr least = graph_binary(graph, OP_MIN, root, var[1]);
    const Expr chosen = graph_select(graph, graph_binary(graph, OP_ABOVE, var[2], root), least, graph_constant(graph, 3));
    const Program program = compiled((Assignment[]){{0, chosen}, {1, var[0]}}, 2);
    prints(&program, print_with_names, "r0 = x / -2.5\nr0 = sqrt(r0)\nr1 = above(z, r0)\nr0 = min(r0, y)\nr0 = select(r1, r0, 3)\ny = x\nx = r0\n");
    prints(&program, print_without_names,
           "r0 = #0 / -2.5\nr0 = sqrt(r0)\nr1 = above(#2, r0)\nr0 = min(r0, #1)\nr0 = select(r1, r0, 3)\n#1 = #0\n#0 = r0\n");
    prints(&program, program_print_summary, "7 instructions (1 sqrt, 1 div, 1 min, 1 above, 1 select, 2 move), 2 registers, 2 constants");
    const Program nothing = compiled(NULL, 0);
    prints(&nothing, program_print_summary, "0 instructions, 0 registers, 0 constants");
    end();
}
END_TEST

START_TEST(a_program_without_native_code_says_why)
{
    begin();
    const Program program = compiled(&(Assignment){0, var[1]}, 1);
    ErrText why;
    ck_assert(program_use("portable"));
    ck_assert_str_eq(program_runner(&program, &why), "interpreter, portable");
    ck_assert_str_eq(why.text, "native code is turned off");
    ck_assert_str_eq(program_runner(&program, NULL), "interpreter, portable");
    end();
}
END_TEST

KIT_MAIN("graph.compile", random_programs_compute_what_evaluate_computes, columns_can_be_exchanged, a_chain_moves_by_one_column_in_either_order,
         one_value_can_go_to_many_columns, a_result_that_is_read_on_goes_to_its_column_at_once, a_result_waits_until_the_old_value_was_read,
         assigning_a_column_to_itself_is_no_work, a_chain_of_any_length_lives_in_one_register, the_heavier_operand_is_computed_first,
         a_balanced_tree_lives_in_as_many_registers_as_it_has_levels, three_tanks_with_their_filter_stay_in_the_nearest_cache,
         the_hash_tells_programs_apart_and_is_the_same_for_the_same, what_does_not_fit_the_block_is_refused,
         more_slots_than_a_program_can_name_are_refused, a_product_and_the_sum_that_reads_it_are_one_instruction,
         print_writes_a_line_per_instruction, a_program_without_native_code_says_why)
