/* Derivatives: closed forms where there are any, central differences everywhere else; in reverse the same as forward. */
#include "graph/scenes.h"

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

static bool is_near(double is, double expected, double tolerance)
{
    return (isnan(is) && isnan(expected)) || is == expected || fabs(is - expected) <= tolerance * (1 + fabs(expected));
}

/* Compare forward and reverse mode with differences at random points between `low` and `high`, for all three variables. */
static void agrees(Expr expr, double low, double high)
{
    Expr gradient[3];
    graph_gradient(graph, expr, (uint16_t[]){0, 1, 2}, 3, gradient);
    for (uint16_t column = 0; column < 3; column++) {
        const Expr slope = graph_derive(graph, expr, column);
        for (uint64_t n = 0; n < 50; n++) {
            double at[3];
            for (unsigned i = 0; i < 3; i++)
                at[i] = low + (high - low) * random_uniform(7, i, n);
            const double is = graph_evaluate(graph, slope, at), expected = difference(expr, at, column);
            ck_assert_double_eq_tol(graph_evaluate(graph, gradient[column], at), is, 1e-13 * (1 + fabs(is)));
            ck_assert_msg(fabs(is - expected) <= 1e-7 * (1 + fabs(expected)), "by %u at (%g, %g, %g): %.12g, not %.12g", column, at[0], at[1],
                          at[2], is, expected);
        }
    }
}

START_TEST(unary_rules_agree_with_differences)
{
    begin();
    const Expr inside = op2(OP_ADD, op2(OP_MUL, x, y), z);  // so that the chain rule has something to do
    for (Op op = 0; op < OP_EXPR_COUNT; op++) {
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
    for (Op op = 0; op < OP_EXPR_COUNT; op++) {
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

// ---- in reverse ---------------------------------------------------------------------------------------------------------

enum { VARIABLES = 5 };

/* Any operation, with its operands brought to where it is smooth and neither it nor its slope is large: |a| <= 1, b between 1 and 2. */
static Expr gentle_op(Dice *dice, Op op, Expr a, Expr b, Expr c)
{
    const Expr small = op1(OP_SIN, a), positive = op2(OP_ADD, number(1.5), op2(OP_MUL, number(0.5), op1(OP_COS, b)));
    switch (op) {
    case OP_ASIN:
    case OP_ACOS: return op1(op, op2(OP_MUL, number(0.9), small));
    case OP_SQRT:
    case OP_LOG: return op1(op, positive);
    case OP_POW: return op2(op, positive, small);
    case OP_DIV:
    case OP_ATAN2:
    case OP_HYPOT: return op2(op, small, positive);
    case OP_MUL: return op2(op, small, b);
    case OP_SELECT: return graph_select(graph, throw_dice(dice, 2) ? op2(OP_ABOVE, a, b) : a, b, c);
    default: break;
    }
    return op__arity(op) == 1 ? op1(op, small) : op2(op, a, b);
}

static Expr random_expression(uint64_t seed)
{
    enum { OPS_MAX = 60 };
    Dice dice = {seed, 0};
    Expr pool[VARIABLES + 1 + OPS_MAX];
    uint32_t size = 0;
    for (uint16_t i = 0; i < VARIABLES; i++)
        pool[size++] = graph_variable(graph, i);
    pool[size++] = number(0.7);
    for (uint32_t i = 0, ops = 1 + throw_dice(&dice, OPS_MAX); i < ops; i++) {
        const uint32_t recent = size > 8 ? size - 8 : 0;
        const Expr a = pool[recent + throw_dice(&dice, size - recent)], b = pool[throw_dice(&dice, size)], c = pool[throw_dice(&dice, size)];
        pool[size++] = gentle_op(&dice, (Op)throw_dice(&dice, OP_EXPR_COUNT), a, b, c);
    }
    return pool[size - 1];
}

START_TEST(in_reverse_random_expressions_have_the_same_derivatives)
{
    unsigned compared = 0, zeros = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        begin();
        const Expr expr = random_expression(seed);
        const uint16_t columns[VARIABLES] = {3, 0, 4, 2, 1};
        Expr gradient[VARIABLES];
        graph_gradient(graph, expr, columns, VARIABLES, gradient);
        for (unsigned i = 0; i < VARIABLES; i++) {
            const Expr slope = graph_derive(graph, expr, columns[i]);
            zeros += slope == number(0);
            ck_assert(graph_depends(graph, expr, columns[i]) || gradient[i] == number(0));
            for (uint64_t n = 0; n < 20; n++, compared++) {
                double at[VARIABLES];
                for (unsigned k = 0; k < VARIABLES; k++)
                    at[k] = 4 * random_uniform(seed, k, n) - 2;
                const double is = graph_evaluate(graph, gradient[i], at), expected = graph_evaluate(graph, slope, at);
                ck_assert_msg(is_near(is, expected, 1e-10), "seed %u, by %u: %.17g, not %.17g", (unsigned)seed, columns[i], is, expected);
            }
        }
        end();
    }
    ck_assert_uint_gt(compared, 10 * zeros);  // most of them are derivatives of something
}
END_TEST

START_TEST(in_reverse_a_branch_that_is_not_taken_says_nothing)
{
    begin();
    Expr gradient;
    const uint16_t column = 0;
    const Expr root = op1(OP_SQRT, op2(OP_MAX, x, number(0)));  // whose slope is infinite at 0, and no number times 0
    const Expr cases[] = {
        graph_select(graph, op2(OP_ABOVE, x, number(0)), op1(OP_LOG, x), op2(OP_MUL, number(3), x)),
        graph_select(graph, op2(OP_ABOVE, x, number(0)), op2(OP_DIV, op1(OP_SQRT, x), x), x),
        op2(OP_MIN, op2(OP_MAX, op1(OP_SQRT, x), x), op2(OP_SUB, number(0), x)),
        op2(OP_ADD, graph_select(graph, x, op2(OP_DIV, number(1), x), x), op2(OP_MUL, number(2), x)),
        op2(OP_MUL, op1(OP_ABS, x), graph_select(graph, op2(OP_ABOVE, x, number(1)), root, number(1))),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Expr slope = graph_derive(graph, cases[i], 0);
        graph_gradient(graph, cases[i], &column, 1, &gradient);
        for (double at = -2; at <= 2; at += 0.5) {
            const double expected = graph_evaluate(graph, slope, &at), is = graph_evaluate(graph, gradient, &at);
            ck_assert_msg(isfinite(expected) && is_near(is, expected, 1e-14), "case %zu at %g: %g, not %g", i, at, is, expected);
        }
    }
    end();
}
END_TEST

START_TEST(in_reverse_what_is_not_read_has_the_derivative_zero)
{
    begin();
    Expr gradient[4];
    const uint16_t columns[4] = {64, 1, 0, 2};  // 64 shares a bit with 0
    graph_gradient(graph, op2(OP_MUL, y, op1(OP_SIN, x)), columns, 4, gradient);
    ck_assert_uint_eq(gradient[0], number(0));
    ck_assert_uint_eq(gradient[1], op1(OP_SIN, x));
    ck_assert_uint_eq(gradient[2], op2(OP_MUL, y, op1(OP_COS, x)));
    ck_assert_uint_eq(gradient[3], number(0));
    graph_gradient(graph, op2(OP_MUL, graph_select(graph, x, z, number(2)), op2(OP_ABOVE, x, y)), columns, 4, gradient);
    ck_assert_uint_eq(gradient[1], number(0));  // read, but flat
    ck_assert_uint_eq(gradient[2], number(0));
    ck_assert_uint_ne(gradient[3], number(0));
    graph_gradient(graph, number(3), columns, 4, gradient);
    ck_assert_uint_eq(gradient[2], number(0));
    graph_gradient(graph, x, columns, 4, gradient);
    ck_assert_uint_eq(gradient[2], number(1));
    graph_gradient(graph, EXPR_NONE, columns, 4, gradient);
    ck_assert_uint_eq(gradient[0], EXPR_NONE);
    end();
}
END_TEST

/* The gradient of a product of n sines: forward takes n times the work, reverse a few times. */
START_TEST(in_reverse_the_work_does_not_grow_with_the_columns)
{
    enum { COLUMNS = 200 };
    begin();
    uint16_t columns[COLUMNS];
    Expr gradient[COLUMNS], product = number(1);
    double at[COLUMNS];
    for (uint16_t i = 0; i < COLUMNS; i++) {
        columns[i] = i, at[i] = 1 + 0.001 * i;
        product = op2(OP_MUL, op1(OP_SIN, graph_variable(graph, i)), product);
    }
    const Expr before = number(0.125);
    graph_gradient(graph, product, columns, COLUMNS, gradient);
    const Expr after = number(0.375);
    ck_assert_uint_lt(after - before, 5 * COLUMNS);
    const double whole = graph_evaluate(graph, product, at);
    for (unsigned i = 0; i < COLUMNS; i++)
        ck_assert_double_eq_tol(graph_evaluate(graph, gradient[i], at), whole / tan(at[i]), 1e-12 * fabs(whole));
    end();
}
END_TEST

START_TEST(in_reverse_memory_that_runs_out_is_remembered)
{
    for (size_t n = 1; n < 6; n++) {
        begin();
        const Expr expr = random_expression(5);
        Expr gradient[VARIABLES], sum = expr;
        kit_fail_allocation(n);
        for (unsigned i = 0; i < 200 && sum != EXPR_NONE; i++) {
            sum = op2(OP_ADD, op1(OP_SIN, sum), number(i));
            graph_gradient(graph, sum, (uint16_t[]){0, 1, 2, 3, 4}, VARIABLES, gradient);
        }
        kit_fail_allocation(0);
        ck_assert_uint_eq(gradient[0], EXPR_NONE);
        end();
    }
}
END_TEST

/* Along the sum of all directions, and along a direction that is itself a variable. */
START_TEST(a_tangent_is_the_sum_of_derivatives_times_directions)
{
    for (int n = 0; n < 30; n++) {
        begin();
        uint16_t columns[VARIABLES];
        Expr tangents[VARIABLES], along;
        const Expr expr = random_expression(6);
        Expr expected = number(0);
        for (uint16_t i = 0; i < VARIABLES; i++) {
            columns[i] = i;
            tangents[i] = i == 2 ? graph_variable(graph, VARIABLES) : number(i - 1.5);
            expected = op2(OP_ADD, expected, op2(OP_MUL, graph_derive(graph, expr, i), tangents[i]));
        }
        graph_tangent(graph, &expr, 1, columns, tangents, VARIABLES, &along);
        for (uint64_t k = 0; k < 20; k++) {
            double at[VARIABLES + 1];
            for (unsigned i = 0; i <= VARIABLES; i++)
                at[i] = 4 * random_uniform(11, i, k) - 2;
            const double is = graph_evaluate(graph, along, at), should = graph_evaluate(graph, expected, at);
            ck_assert_msg(is_near(is, should, 1e-9), "expression %d: %.17g, not %.17g", n, is, should);
        }
        end();
    }
}
END_TEST

START_TEST(a_tangent_costs_a_few_times_the_expression_however_many_directions)
{
    begin();
    Expr product = number(1), tangents[40], along;
    uint16_t columns[40];
    for (uint16_t i = 0; i < 40; i++) {
        columns[i] = i;
        tangents[i] = graph_variable(graph, (uint16_t)(40 + i));
        product = op2(OP_MUL, product, op1(OP_SIN, graph_variable(graph, i)));
    }
    const Expr before = number(0.125);
    graph_tangent(graph, &product, 1, columns, tangents, 40, &along);
    const Expr after = number(0.375);
    ck_assert_uint_lt(after - before, 6 * 40);
    end();
}
END_TEST

START_TEST(what_no_direction_moves_has_the_tangent_zero)
{
    begin();
    const Expr exprs[] = {op1(OP_ABS, y), op2(OP_DIV, y, z), x};
    Expr out[3];
    double value;
    graph_tangent(graph, exprs, 3, (uint16_t[]){0}, (Expr[]){number(3)}, 1, out);
    ck_assert(graph_is_constant(graph, out[0], &value) && value == 0);
    ck_assert(graph_is_constant(graph, out[1], &value) && value == 0);
    ck_assert(graph_is_constant(graph, out[2], &value) && value == 3);
    end();
}
END_TEST

KIT_MAIN("graph.derive", unary_rules_agree_with_differences, binary_rules_agree_with_differences,
         select_min_and_max_have_the_slope_of_the_branch_they_take, a_polynomial_has_its_closed_form, a_zero_derivative_leaves_no_term_behind,
         a_cascade_has_a_triangular_jacobian, what_is_derived_twice_is_found_again, in_reverse_random_expressions_have_the_same_derivatives,
         in_reverse_a_branch_that_is_not_taken_says_nothing, in_reverse_what_is_not_read_has_the_derivative_zero,
         in_reverse_the_work_does_not_grow_with_the_columns, in_reverse_memory_that_runs_out_is_remembered,
         a_tangent_is_the_sum_of_derivatives_times_directions, a_tangent_costs_a_few_times_the_expression_however_many_directions, what_no_direction_moves_has_the_tangent_zero)
