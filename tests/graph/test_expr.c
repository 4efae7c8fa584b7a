/* Expressions: found instead of made twice, simplified without changing their bits, substituted, printed. */
#include "graph/scenes.h"

#include <stdlib.h>

#include "kit/kit.h"

static Arena arena;
static Graph *graph;
static Expr x, y, z;

static void begin(void)
{
    arena = (Arena){0};
    graph = graph_create(&arena);
    ck_assert_ptr_nonnull(graph);
    x = graph_variable(graph, 0);
    y = graph_variable(graph, 1);
    z = graph_variable(graph, 2);
}

static void end(void)
{
    graph_destroy(graph);
    arena_fini(&arena);
}

static Expr number(double value)
{
    return graph_constant(graph, value);
}

static Expr op1(Op op, Expr a)
{
    return graph_unary(graph, op, a);
}

static Expr op2(Op op, Expr a, Expr b)
{
    return graph_binary(graph, op, a, b);
}

static void prints(Expr expr, const char *expected)
{
    static const char *const names[] = {"x", "y", "z"};
    Text text = {0};
    graph_print(graph, expr, names, &text);
    ck_assert_str_eq(text.bytes, expected);
    text_fini(&text);
}

START_TEST(what_is_said_twice_is_one_expression)
{
    begin();
    ck_assert_uint_eq(graph_variable(graph, 0), x);
    ck_assert_uint_ne(x, y);
    ck_assert_uint_eq(number(2.5), number(2.5));
    ck_assert_uint_ne(number(0.0), number(-0.0));
    ck_assert_uint_eq(number(NAN), number(-NAN));
    ck_assert_uint_eq(op1(OP_SIN, x), op1(OP_SIN, x));
    ck_assert_uint_ne(op1(OP_SIN, x), op1(OP_COS, x));
    ck_assert_uint_eq(graph_select(graph, x, y, z), graph_select(graph, x, y, z));
    ck_assert_uint_ne(graph_select(graph, x, y, z), graph_select(graph, x, z, y));
    end();
}
END_TEST

START_TEST(expressions_stay_the_same_while_the_graph_grows)
{
    begin();
    Expr sums[3000];
    for (int i = 0; i < 3000; i++)
        sums[i] = op2(OP_ADD, x, number(i + 1));
    for (int i = 0; i < 3000; i++)
        ck_assert_uint_eq(op2(OP_ADD, x, number(i + 1)), sums[i]);
    end();
}
END_TEST

START_TEST(sums_and_products_commute_and_nothing_else_does)
{
    begin();
    ck_assert_uint_eq(op2(OP_ADD, x, y), op2(OP_ADD, y, x));
    ck_assert_uint_eq(op2(OP_MUL, x, y), op2(OP_MUL, y, x));
    ck_assert_uint_ne(op2(OP_SUB, x, y), op2(OP_SUB, y, x));
    ck_assert_uint_ne(op2(OP_MIN, x, y), op2(OP_MIN, y, x));  // of 0 and -0 the second one is taken
    ck_assert_uint_ne(op2(OP_MAX, x, y), op2(OP_MAX, y, x));
    ck_assert_uint_ne(op2(OP_ADD, op2(OP_ADD, x, y), z), op2(OP_ADD, x, op2(OP_ADD, y, z)));
    end();
}
END_TEST

START_TEST(constants_fold_to_the_bits_of_a_program)
{
    begin();
    double value;
    ck_assert(graph_is_constant(graph, op2(OP_ADD, number(0.1), number(0.2)), &value));
    ck_assert(same_bits(value, 0.1 + 0.2));
    ck_assert(graph_is_constant(graph, op2(OP_MUL, number(1e-200), number(1e-110)), &value));
    ck_assert(same_bits(value, 0.0));  // a denormal, flushed
    ck_assert(graph_is_constant(graph, number(-1e-310), &value));
    ck_assert(same_bits(value, -0.0));
    ck_assert(graph_is_constant(graph, op1(OP_SQRT, number(-1.0)), &value));
    ck_assert(isnan(value));
    ck_assert(graph_is_constant(graph, op2(OP_DIV, number(1.0), number(-0.0)), &value));
    ck_assert(same_bits(value, -INFINITY));
    ck_assert_uint_eq(graph_select(graph, op2(OP_ABOVE, number(2), number(1)), x, y), x);
    ck_assert_uint_eq(graph_select(graph, number(NAN), x, y), x);
    ck_assert_uint_eq(graph_select(graph, number(-0.0), x, y), y);
    ck_assert(!graph_is_constant(graph, x, NULL));
    ck_assert(!graph_is_constant(graph, EXPR_NONE, NULL));
    end();
}
END_TEST

/* A denormal that is folded on a thread that keeps denormals must not give another program than on one that flushes them. */
START_TEST(folding_does_not_care_how_the_thread_is_set)
{
    begin();
    const Expr before = op2(OP_DIV, number(DBL_MIN), number(3.0));
    program_thread_init();
    ck_assert_uint_eq(op2(OP_DIV, number(DBL_MIN), number(3.0)), before);
    ck_assert_uint_eq(before, number(0.0));
    end();
}
END_TEST

START_TEST(what_does_nothing_is_left_out)
{
    begin();
    const Expr nx = op1(OP_NEG, x), ny = op1(OP_NEG, y);
    ck_assert_uint_eq(op2(OP_ADD, x, number(0)), x);
    ck_assert_uint_eq(op2(OP_ADD, number(-0.0), x), x);
    ck_assert_uint_eq(op2(OP_SUB, x, number(0)), x);
    ck_assert_uint_eq(op2(OP_SUB, number(0), x), nx);
    ck_assert_uint_eq(op2(OP_MUL, x, number(1)), x);
    ck_assert_uint_eq(op2(OP_MUL, number(-1), x), nx);
    ck_assert_uint_eq(op2(OP_DIV, x, number(1)), x);
    ck_assert_uint_eq(op2(OP_DIV, x, number(-1)), nx);
    ck_assert_uint_eq(op1(OP_NEG, nx), x);
    ck_assert_uint_eq(op1(OP_MOVE, x), x);
    ck_assert_uint_eq(op1(OP_ABS, nx), op1(OP_ABS, x));
    ck_assert_uint_eq(op1(OP_ABS, op1(OP_ABS, x)), op1(OP_ABS, x));
    ck_assert_uint_eq(op2(OP_MIN, x, x), x);
    ck_assert_uint_eq(op2(OP_MAX, x, x), x);
    ck_assert_uint_eq(op2(OP_ABOVE, x, x), number(0));
    ck_assert_uint_eq(graph_select(graph, x, y, y), y);
    ck_assert_uint_eq(op2(OP_ADD, x, ny), op2(OP_SUB, x, y));
    ck_assert_uint_eq(op2(OP_ADD, nx, y), op2(OP_SUB, y, x));
    ck_assert_uint_eq(op2(OP_SUB, x, ny), op2(OP_ADD, x, y));
    ck_assert_uint_eq(op1(OP_NEG, op2(OP_SUB, x, y)), op2(OP_SUB, y, x));
    ck_assert_uint_eq(op2(OP_MUL, nx, ny), op2(OP_MUL, x, y));
    ck_assert_uint_eq(op2(OP_MUL, nx, y), op1(OP_NEG, op2(OP_MUL, x, y)));
    ck_assert_uint_eq(op2(OP_MUL, nx, number(3)), op2(OP_MUL, x, number(-3)));
    ck_assert_uint_eq(op2(OP_DIV, x, ny), op1(OP_NEG, op2(OP_DIV, x, y)));
    ck_assert_uint_eq(op2(OP_DIV, number(3), nx), op2(OP_DIV, number(-3), x));
    end();
}
END_TEST

/* x * 0 is NaN for an infinite x, and x - x for one too. */
START_TEST(what_an_infinity_would_change_stays)
{
    begin();
    double value = INFINITY;
    ck_assert(isnan(graph_evaluate(graph, op2(OP_MUL, x, number(0)), &value)));
    ck_assert(isnan(graph_evaluate(graph, op2(OP_SUB, x, x), &value)));
    ck_assert(isnan(graph_evaluate(graph, op2(OP_DIV, x, x), &value)));
    end();
}
END_TEST

START_TEST(dividing_by_powers_of_two_is_multiplying)
{
    begin();
    ck_assert_uint_eq(op2(OP_DIV, x, number(8)), op2(OP_MUL, x, number(0.125)));
    ck_assert_uint_eq(op2(OP_DIV, x, number(-0.5)), op2(OP_MUL, x, number(-2)));
    prints(op2(OP_DIV, x, number(3)), "x / 3");
    prints(op2(OP_DIV, x, number(0)), "x / 0");
    const double large = 0x1p1000;
    ck_assert_double_eq(graph_evaluate(graph, op2(OP_DIV, x, number(0x1p1023)), &large), 0x1p-23);  // whose inverse is a denormal
    for (uint64_t i = 0; i < 2000; i++) {
        const double value = any_number(3, i), divisor = ldexp(i % 2 ? 1 : -1, (int)(i % 1900) - 950);
        program_thread_init();
        ck_assert(same_bits(graph_evaluate(graph, op2(OP_DIV, x, number(divisor)), &value), value / divisor));
    }
    end();
}
END_TEST

START_TEST(small_powers_are_multiplied_out)
{
    begin();
    ck_assert_uint_eq(op2(OP_POW, x, number(0)), number(1));
    ck_assert_uint_eq(op2(OP_POW, x, number(1)), x);
    ck_assert_uint_eq(op2(OP_POW, x, number(2)), op2(OP_MUL, x, x));
    ck_assert_uint_eq(op2(OP_POW, x, number(0.5)), op1(OP_SQRT, x));
    prints(op2(OP_POW, x, number(-1)), "1 / x");
    prints(op2(OP_POW, x, number(1.5)), "x * sqrt(x)");
    prints(op2(OP_POW, x, number(17)), "x ^ 17");
    prints(op2(OP_POW, x, number(0.3)), "x ^ 0.3");
    prints(op2(OP_POW, x, number(NAN)), "x ^ nan");
    for (int twice = -32; twice <= 32; twice++) {
        const double value = 1.7, exact = pow(1.7, twice / 2.0);
        const double is = graph_evaluate(graph, op2(OP_POW, x, number(twice / 2.0)), &value);
        ck_assert_double_le(fabs(is - exact), 1e-15 * exact * (1 + abs(twice)));
    }
    end();
}
END_TEST

START_TEST(substitution_replaces_all_at_once)
{
    begin();
    const Expr expr = op2(OP_DIV, op2(OP_SUB, x, y), op1(OP_EXP, z));
    const uint16_t columns[] = {0, 1};
    const Expr swapped = graph_substitute(graph, expr, columns, (Expr[]){y, x}, 2);
    ck_assert_uint_eq(swapped, op2(OP_DIV, op2(OP_SUB, y, x), op1(OP_EXP, z)));
    ck_assert_uint_eq(graph_substitute(graph, swapped, columns, (Expr[]){y, x}, 2), expr);
    ck_assert_uint_eq(graph_substitute(graph, expr, columns, (Expr[]){number(3), number(2)}, 2), op2(OP_DIV, number(1), op1(OP_EXP, z)));
    ck_assert_uint_eq(graph_substitute(graph, expr, columns, NULL, 0), expr);
    ck_assert_uint_eq(graph_substitute(graph, expr, (uint16_t[]){64}, (Expr[]){y}, 1), expr);  // shares a bit with column 0
    end();
}
END_TEST

START_TEST(depends_sees_what_is_read_and_nothing_else)
{
    begin();
    const Expr far = graph_variable(graph, 64), expr = op2(OP_MUL, op1(OP_SIN, x), op2(OP_ADD, y, number(2)));
    ck_assert(graph_depends(graph, expr, 0));
    ck_assert(graph_depends(graph, expr, 1));
    ck_assert(!graph_depends(graph, expr, 2));
    ck_assert(!graph_depends(graph, expr, 64));
    ck_assert(graph_depends(graph, op2(OP_ADD, expr, far), 64));
    ck_assert(!graph_depends(graph, number(1), 0));
    end();
}
END_TEST

START_TEST(print_puts_brackets_where_they_are_needed)
{
    begin();
    prints(op2(OP_MUL, op2(OP_ADD, x, y), z), "z * (x + y)");
    prints(op2(OP_SUB, x, op2(OP_SUB, y, z)), "x - (y - z)");
    prints(op2(OP_SUB, op2(OP_SUB, x, y), z), "x - y - z");
    prints(op2(OP_DIV, x, op2(OP_DIV, y, z)), "x / (y / z)");
    prints(op1(OP_NEG, op2(OP_ADD, x, y)), "-(x + y)");
    prints(op1(OP_NEG, op2(OP_MUL, x, y)), "-(x * y)");
    prints(op2(OP_POW, op2(OP_POW, x, y), z), "(x ^ y) ^ z");
    prints(op2(OP_POW, x, op2(OP_POW, y, z)), "x ^ y ^ z");
    prints(op2(OP_POW, number(-2), x), "(-2) ^ x");
    prints(graph_select(graph, op2(OP_ABOVE, x, number(1.5)), op2(OP_MIN, x, y), op1(OP_TANH, z)), "select(above(x, 1.5), min(x, y), tanh(z))");

    Text text = {0};
    graph_print(graph, op2(OP_ADD, x, y), NULL, &text);
    ck_assert_str_eq(text.bytes, "#0 + #1");
    text_fini(&text);
    end();
}
END_TEST

/* As a tree this would have 2^100,000 leaves, and its depth is far beyond any stack. */
START_TEST(an_expression_may_be_as_deep_as_it_likes)
{
    begin();
    Expr expr = x;
    for (int i = 0; i < 100000; i++)
        expr = op1(OP_TANH, op2(OP_ADD, op2(OP_MUL, expr, expr), expr));
    const double zero = 0.0;
    ck_assert(graph_evaluate(graph, expr, &zero) == 0.0);
    ck_assert(graph_depends(graph, expr, 0));
    ck_assert_uint_ne(graph_derive(graph, expr, 0), EXPR_NONE);
    ck_assert(graph_is_constant(graph, graph_substitute(graph, expr, (uint16_t[]){0}, (Expr[]){number(0)}, 1), NULL));
    Program program;
    ck_assert_int_eq(graph_compile(graph, &(Assignment){0, expr}, 1, 1, &arena, &program, NULL), ERR_OK);

    Text text = {0};
    graph_print(graph, expr, NULL, &text);
    ck_assert_uint_lt(text.length, 20000);
    ck_assert_ptr_nonnull(strstr(text.bytes, "..."));
    text_fini(&text);
    end();
}
END_TEST

/* The graph of all operations on everything that there is, and its compilation: used to run out of memory at every allocation. */
static Err build_much(void)
{
    arena = (Arena){.chunk_size = 1024};
    graph = graph_create(&arena);
    if (!graph)
        return ERR_MEMORY;
    Expr expr = graph_variable(graph, 0);
    for (int i = 0; i < 400; i++)
        expr = op1(OP_SIN, op2(OP_ADD, expr, number(i)));
    const uint16_t column = 0;
    expr = op2(OP_MUL, graph_derive(graph, expr, 0), graph_substitute(graph, expr, &column, (Expr[]){graph_variable(graph, 1)}, 1));
    Program program;
    const Err err = graph_compile(graph, &(Assignment){0, expr}, 1, 2, &arena, &program, NULL);
    ck_assert(!err || isnan(graph_evaluate(graph, expr, (double[]){1, 2})) == (expr == EXPR_NONE));
    return err;
}

START_TEST(memory_that_runs_out_is_reported_by_compile)
{
    size_t failures = 0;
    for (Err err = ERR_MEMORY; err; failures++) {
        ck_assert_uint_lt(failures, 1000);
        kit_fail_allocation(failures + 1);
        err = build_much();
        kit_fail_allocation(0);
        ck_assert(err == ERR_OK || err == ERR_MEMORY);
        end();
    }
    ck_assert_uint_gt(failures, 20);
}
END_TEST

KIT_MAIN("graph.expr", what_is_said_twice_is_one_expression, expressions_stay_the_same_while_the_graph_grows,
         sums_and_products_commute_and_nothing_else_does, constants_fold_to_the_bits_of_a_program, folding_does_not_care_how_the_thread_is_set,
         what_does_nothing_is_left_out, what_an_infinity_would_change_stays, dividing_by_powers_of_two_is_multiplying,
         small_powers_are_multiplied_out, substitution_replaces_all_at_once, depends_sees_what_is_read_and_nothing_else,
         print_puts_brackets_where_they_are_needed, an_expression_may_be_as_deep_as_it_likes, memory_that_runs_out_is_reported_by_compile)
