/* Derivatives: closed forms where there are any, central differences everywhere else. */
#include "graph/scenes.h"

#include "graph/ops.h"
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

/* The slope of `expr` along `column`, from both sides. */
static double difference(Expr expr, const double *at, uint16_t column)
{
    double point[3] = {at[0], at[1], at[2]};
    const double h = 1e-5;
    point[column] = at[column] + h;
    const double above = graph_evaluate(graph, expr, point);
    point[column] = at[column] - h;
    return (above - graph_evaluate(graph, expr, point)) / (2 * h);
}

/* Compare with differences at random points between `low` and `high`, for all three variables. */
static void agrees(Expr expr, double low, double high)
{
    for (uint16_t column = 0; column < 3; column++) {
        const Expr slope = graph_derive(graph, expr, column);
        for (uint64_t n = 0; n < 50; n++) {
            double at[3];
            for (unsigned i = 0; i < 3; i++)
                at[i] = low + (high - low) * random_uniform(7, i, n);
            const double is = graph_evaluate(graph, slope, at), expected = difference(expr, at, column);
            ck_assert_msg(fabs(is - expected) <= 1e-7 * (1 + fabs(expected)), "by %u at (%g, %g, %g): %.12g, not %.12g", column, at[0], at[1],
                          at[2], is, expected);
        }
    }
}

START_TEST(unary_rules_agree_with_differences)
{
    begin();
    const Expr inside = op2(OP_ADD, op2(OP_MUL, x, y), z);  // so that the chain rule has something to do
    for (Op op = 0; op < OP_COUNT; op++) {
        if (op__arity(op) == 1 && op != OP_TAN && op != OP_ASIN && op != OP_ACOS) {
            agrees(op1(op, x), 0.3, 2.0);
            agrees(op1(op, inside), 0.3, 2.0);
        }
    }
    agrees(op1(OP_ABS, inside), -2.0, -0.3);
    agrees(op1(OP_SIN, inside), -5, 5);
    agrees(op1(OP_COS, inside), -5, 5);
    agrees(op1(OP_TANH, inside), -1, 1);
    agrees(op1(OP_EXP, inside), -1, 1);
    agrees(op1(OP_ATAN, inside), -2, 2);
    agrees(op1(OP_SINH, inside), -1, 1);
    agrees(op1(OP_COSH, inside), -1, 1);

    // these have poles or ends that the others lack
    agrees(op1(OP_TAN, inside), -0.6, 0.6);
    agrees(op1(OP_ASIN, inside), -0.5, 0.5);
    agrees(op1(OP_ACOS, inside), -0.5, 0.5);
    end();
}
END_TEST

START_TEST(binary_rules_agree_with_differences)
{
    begin();
    const Expr a = op2(OP_MUL, x, y), b = op2(OP_ADD, y, z);
    for (Op op = 0; op < OP_COUNT; op++) {
        if (op__arity(op) == 2 && op != OP_ABOVE) {
            agrees(op2(op, x, y), 0.3, 2.0);
            agrees(op2(op, a, b), 0.3, 2.0);
            agrees(op2(op, b, a), 0.3, 2.0);
            agrees(op2(op, number(1.7), a), 0.3, 2.0);
            agrees(op2(op, a, number(1.7)), 0.3, 2.0);
        }
    }
    agrees(op2(OP_DIV, x, y), -2.0, -0.3);
    agrees(op2(OP_POW, a, number(-2.3)), 0.5, 2.0);
    agrees(op2(OP_ATAN2, x, y), -2.0, -0.3);
    agrees(op2(OP_ATAN2, x, op2(OP_SUB, y, number(3))), 0.3, 2.0);  // left of the axis, where the angle is not that of the ratio
    agrees(op2(OP_HYPOT, x, y), -2.0, -0.3);
    agrees(op2(OP_MUL, a, a), -2.0, 2.0);
    end();
}
END_TEST

START_TEST(select_min_and_max_have_the_slope_of_the_branch_they_take)
{
    begin();
    const Expr condition = op2(OP_ABOVE, z, number(0));
    const Expr slope = graph_derive(graph, graph_select(graph, condition, op2(OP_MUL, x, x), y), 0);
    ck_assert_double_eq(graph_evaluate(graph, slope, (double[]){3, 0, 1}), 6);
    ck_assert_double_eq(graph_evaluate(graph, slope, (double[]){3, 0, -1}), 0);

    // where both are equal the second is taken, as by the operation itself
    const Expr least = graph_derive(graph, op2(OP_MIN, x, number(2)), 0), most = graph_derive(graph, op2(OP_MAX, x, number(2)), 0);
    ck_assert_double_eq(graph_evaluate(graph, least, (double[]){1}), 1);
    ck_assert_double_eq(graph_evaluate(graph, least, (double[]){2}), 0);
    ck_assert_double_eq(graph_evaluate(graph, most, (double[]){1}), 0);
    ck_assert_double_eq(graph_evaluate(graph, most, (double[]){3}), 1);

    const Expr size = graph_derive(graph, op1(OP_ABS, x), 0);
    ck_assert_double_eq(graph_evaluate(graph, size, (double[]){-2}), -1);
    ck_assert_double_eq(graph_evaluate(graph, size, (double[]){2}), 1);
    ck_assert_uint_eq(graph_derive(graph, op2(OP_ABOVE, x, y), 0), number(0));
    end();
}
END_TEST

/* p = 3 x^3 - 2 x^2 + x - 7, so p' = 9 x^2 - 4 x + 1 and p'' = 18 x - 4 and p''' = 18: exact on small whole numbers. */
START_TEST(a_polynomial_has_its_closed_form)
{
    begin();
    const Expr square = op2(OP_POW, x, number(2)), cube = op2(OP_POW, x, number(3));
    const Expr p = op2(OP_SUB, op2(OP_ADD, op2(OP_SUB, op2(OP_MUL, number(3), cube), op2(OP_MUL, number(2), square)), x), number(7));
    const Expr first = graph_derive(graph, p, 0), second = graph_derive(graph, first, 0), third = graph_derive(graph, second, 0);
    for (double at = -20; at <= 20; at++) {
        ck_assert_double_eq(graph_evaluate(graph, p, &at), 3 * at * at * at - 2 * at * at + at - 7);
        ck_assert_double_eq(graph_evaluate(graph, first, &at), 9 * at * at - 4 * at + 1);
        ck_assert_double_eq(graph_evaluate(graph, second, &at), 18 * at - 4);
        ck_assert_double_eq(graph_evaluate(graph, third, &at), 18);
    }
    ck_assert_uint_eq(graph_derive(graph, p, 1), number(0));
    end();
}
END_TEST

START_TEST(a_zero_derivative_leaves_no_term_behind)
{
    begin();
    ck_assert_uint_eq(graph_derive(graph, op2(OP_MUL, x, y), 0), y);
    ck_assert_uint_eq(graph_derive(graph, op2(OP_ADD, op2(OP_MUL, y, z), x), 0), number(1));
    ck_assert_uint_eq(graph_derive(graph, op1(OP_EXP, y), 0), number(0));
    ck_assert_uint_eq(graph_derive(graph, op2(OP_MUL, y, op1(OP_SIN, x)), 0), op2(OP_MUL, y, op1(OP_COS, x)));
    ck_assert_uint_eq(graph_derive(graph, graph_variable(graph, 64), 0), number(0));
    ck_assert_uint_eq(graph_derive(graph, op1(OP_EXP, graph_variable(graph, 64)), 0), number(0));  // shares a bit with column 0
    ck_assert_uint_eq(graph_derive(graph, number(3), 0), number(0));
    end();
}
END_TEST

/* Tanks in a row: what happens below is never felt above, so the Jacobian of the whole Runge-Kutta step is a triangle. */
START_TEST(a_cascade_has_a_triangular_jacobian)
{
    begin();
    Assignment step[9];
    tank_predict(graph, step);
    double at[TANK_COLUMNS];
    for (unsigned i = 0; i < TANK_COLUMNS; i++)
        at[i] = 0.2 + 0.1 * i;
    for (uint16_t i = 0; i < 3; i++) {
        for (uint16_t j = 0; j < 3; j++) {
            double value;
            const bool zero = graph_is_constant(graph, graph_derive(graph, step[i].value, j), &value) && value == 0.0;
            ck_assert_int_eq(zero, j > i);
        }
    }
    const Expr slope = graph_derive(graph, step[2].value, 0);
    double up[TANK_COLUMNS], down[TANK_COLUMNS];
    memcpy(up, at, sizeof at), memcpy(down, at, sizeof at);
    up[0] += 1e-4, down[0] -= 1e-4;
    const double expected = (graph_evaluate(graph, step[2].value, up) - graph_evaluate(graph, step[2].value, down)) / 2e-4;
    ck_assert_double_eq_tol(graph_evaluate(graph, slope, at), expected, 1e-7);
    end();
}
END_TEST

START_TEST(what_is_derived_twice_is_found_again)
{
    begin();
    Expr expr = x;
    for (int i = 0; i < 500; i++)
        expr = op1(OP_SIN, op2(OP_MUL, expr, op2(OP_ADD, y, number(i))));
    for (uint16_t column = 0; column < 2; column++)
        ck_assert_uint_eq(graph_derive(graph, expr, column), graph_derive(graph, expr, column));
    end();
}
END_TEST

KIT_MAIN("graph.derive", unary_rules_agree_with_differences, binary_rules_agree_with_differences,
         select_min_and_max_have_the_slope_of_the_branch_they_take, a_polynomial_has_its_closed_form, a_zero_derivative_leaves_no_term_behind,
         a_cascade_has_a_triangular_jacobian, what_is_derived_twice_is_found_again)
