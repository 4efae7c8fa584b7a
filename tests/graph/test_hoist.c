/* Hoisting: what is written another way has the same value, and no step computes what holds still. */
#include "kit/kit.h"

#include <math.h>

#include "graph/scenes.h"

enum { MOVING = 3, FIXED = 3, COLUMNS = MOVING + FIXED, ROOM = 32, PROGRAMS = 200 };

static Arena arena;
static Graph *graph;
static const bool fixed[COLUMNS] = {[3] = true, [4] = true, [5] = true};
static Assignment prepared[ROOM];
static Hoist hoist;

static void begin(void)
{
    graph = graph_create(&arena);
    hoist = (Hoist){.fixed = fixed, .first = COLUMNS, .room = ROOM, .prepared = prepared};
}

static void end(void)
{
    graph_destroy(graph);
    arena_fini(&arena);
}

static Expr x(uint16_t column) { return graph_variable(graph, column); }
static Expr number(double value) { return graph_constant(graph, value); }

static Expr hoisted(Expr expr)
{
    Assignment assignment = {0, expr};
    ck_assert_int_eq(graph_hoist(graph, &hoist, &assignment, 1), ERR_OK);
    return assignment.value;
}

/* Of the program that computes `expr`; a fused instruction is two. */
static uint32_t operations_of(Expr expr)
{
    Program program;
    const Assignment assignment = {0, expr};
    ck_assert_int_eq(graph_compile(graph, &assignment, 1, COLUMNS + ROOM, &arena, &program, NULL), ERR_OK);
    uint32_t operations = program.length;
    for (uint32_t i = 0; i < program.length; i++)
        operations += program.code[i].op > OP_MOVE;
    return operations;
}

/* The value of `expr` where the prepared columns are what `hoist` says. */
static double value_at(Expr expr, const double *start)
{
    double columns[COLUMNS + ROOM];
    memcpy(columns, start, COLUMNS * sizeof *columns);
    for (uint16_t i = 0; i < hoist.count; i++)
        columns[hoist.prepared[i].column] = graph_evaluate(graph, hoist.prepared[i].value, columns);
    return graph_evaluate(graph, expr, columns);
}

static const double START[COLUMNS] = {0.3, -1.7, 2.9, 1.3, 0.7, 4.1};

START_TEST(dividing_by_a_fixed_value_is_multiplying)
{
    begin();
    const Expr quotient = hoisted(scene_div(graph, x(0), x(3)));
    ck_assert_uint_eq(hoist.count, 1);
    ck_assert_uint_eq(operations_of(quotient), 1);
    ck_assert_double_eq_tol(value_at(quotient, START), 0.3 / 1.3, 1e-16);
    ck_assert_double_eq_tol(value_at(x(hoist.prepared[0].column), START), 1 / 1.3, 1e-16);
    end();
}
END_TEST

START_TEST(quotients_of_one_divisor_divide_once)
{
    begin();
    const Expr quotients = scene_add(graph, scene_div(graph, x(0), x(2)), scene_div(graph, number(0.5), x(2)));
    ck_assert_uint_eq(operations_of(hoisted(quotients)), 4);  // 1 / x2, two products, their sum
    ck_assert_double_eq_tol(value_at(hoisted(quotients), START), 0.8 / 2.9, 1e-16);
    end();
}
END_TEST

START_TEST(a_fixed_part_is_prepared_once_for_all_programs)
{
    begin();
    const Expr root = graph_unary(graph, OP_SQRT, scene_add(graph, x(3), x(4)));
    hoisted(scene_add(graph, x(0), root));
    hoisted(graph_unary(graph, OP_SIN, scene_add(graph, x(1), root)));
    ck_assert_uint_eq(hoist.count, 1);
    ck_assert_uint_eq(hoist.prepared[0].value, root);
    end();
}
END_TEST

START_TEST(an_assignment_that_holds_still_is_a_copy)
{
    begin();
    ck_assert_uint_eq(operations_of(hoisted(scene_mul(graph, x(3), graph_unary(graph, OP_EXP, x(4))))), 1);
    end();
}
END_TEST

/* Two rates over one area: their sum, halved and moved by a step, divides nothing and multiplies once. */
START_TEST(a_factor_moves_out_of_a_sum)
{
    begin();
    const Expr sum = scene_add(graph, scene_div(graph, x(1), x(3)), scene_div(graph, x(2), x(3)));
    const Expr next = hoisted(scene_add(graph, x(0), scene_mul(graph, sum, number(0.05))));
    ck_assert_uint_eq(hoist.count, 1);
    ck_assert_uint_eq(operations_of(next), 3);
    ck_assert_double_eq_tol(value_at(next, START), 0.3 + (-1.7 + 2.9) / 1.3 * 0.05, 1e-16);
    end();
}
END_TEST

START_TEST(multiples_of_one_factor_add_up)
{
    begin();
    const Expr a = scene_mul(graph, number(10), x(0)), b = scene_mul(graph, number(20), x(1));
    const Expr sum = hoisted(scene_mul(graph, scene_sub(graph, a, b), number(0.1)));
    ck_assert_uint_eq(operations_of(sum), 2);  // x0 - 2 x1, and a factor of 1
    ck_assert_double_eq_tol(value_at(sum, START), 0.3 + 2 * 1.7, 1e-15);
    end();
}
END_TEST

/* 0 * infinity is not 0: such a number stays where it was written. */
START_TEST(numbers_that_are_not_regular_stay_in_place)
{
    begin();
    const Expr huge = scene_mul(graph, scene_mul(graph, x(0), number(1e300)), number(1e300));
    ck_assert_double_eq(value_at(hoisted(huge), START), INFINITY);
    const Expr endless = scene_mul(graph, scene_mul(graph, x(0), number(INFINITY)), number(0));
    ck_assert_double_nan(value_at(hoisted(endless), START));
    end();
}
END_TEST

START_TEST(without_room_the_rest_is_computed_at_every_step)
{
    begin();
    hoist.room = 1;
    const Expr first = graph_unary(graph, OP_EXP, x(3)), second = graph_unary(graph, OP_EXP, x(4));
    const Expr sum = hoisted(scene_add(graph, scene_add(graph, x(0), first), second));
    ck_assert_uint_eq(hoist.count, 1);
    ck_assert_double_eq_tol(value_at(sum, START), 0.3 + exp(1.3) + exp(0.7), 1e-15);
    end();
}
END_TEST

static Expr any_expr(uint64_t stream, unsigned depth, uint64_t *n)
{
    uint32_t words[4];
    random_words(7, stream, (*n)++, words);
    if (depth == 0 || words[0] % 8 == 0)
        return words[1] % 3 == 0 ? number(0.25 * (1 + words[2] % 12)) : x((uint16_t)(words[2] % COLUMNS));

    static const Op binaries[] = {OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_ADD, OP_MUL, OP_MAX}, unaries[] = {OP_NEG, OP_ABS, OP_SIN};
    const Expr a = any_expr(stream, depth - 1, n);
    if (words[3] % 5 == 0)
        return graph_unary(graph, unaries[words[1] % 3], a);
    return graph_binary(graph, binaries[words[1] % 7], a, any_expr(stream, depth - 1, n));
}

/* Roundings alone may differ. */
START_TEST(random_expressions_keep_their_value)
{
    begin();
    unsigned compared = 0;
    for (uint64_t stream = 0; stream < PROGRAMS; stream++) {
        uint64_t n = 0;
        hoist.count = 0;
        const Expr expr = any_expr(stream, 5, &n);
        const double before = value_at(expr, START);
        if (!(fabs(before) > 1e-6 && fabs(before) < 1e6))
            continue;
        ck_assert_double_eq_tol(value_at(hoisted(expr), START), before, 1e-11 * fabs(before));
        compared++;
    }
    ck_assert_uint_gt(compared, PROGRAMS / 2);
    end();
}
END_TEST

/* What a step of Runge and Kutta leaves of the twelve divisions of the three tanks: none. */
START_TEST(a_step_of_the_tanks_divides_nothing)
{
    begin();
    static const bool parameters[TANK_COLUMNS] = {[TANK_AREA] = true, true, true, [TANK_ORIFICE] = true, true, true};
    Assignment step[3], more[ROOM];
    Program before, after;
    scene_rk4(graph, tank_rates, 3, TANK_STEP, step);
    ck_assert_int_eq(graph_compile(graph, step, 3, TANK_COLUMNS, &arena, &before, NULL), ERR_OK);
    Hoist areas = {.fixed = parameters, .first = TANK_COLUMNS, .room = ROOM, .prepared = more};
    ck_assert_int_eq(graph_hoist(graph, &areas, step, 3), ERR_OK);
    ck_assert_int_eq(graph_compile(graph, step, 3, TANK_COLUMNS + ROOM, &arena, &after, NULL), ERR_OK);

    unsigned divisions = 0;
    for (uint32_t i = 0; i < after.length; i++)
        divisions += after.code[i].op == OP_DIV;
    ck_assert_uint_eq(divisions, 0);
    ck_assert_uint_lt(after.length, before.length - 10);
    end();
}
END_TEST

KIT_MAIN("graph.hoist", dividing_by_a_fixed_value_is_multiplying, quotients_of_one_divisor_divide_once, a_fixed_part_is_prepared_once_for_all_programs, an_assignment_that_holds_still_is_a_copy,
         a_factor_moves_out_of_a_sum, multiples_of_one_factor_add_up, numbers_that_are_not_regular_stay_in_place,
         without_room_the_rest_is_computed_at_every_step, random_expressions_keep_their_value, a_step_of_the_tanks_divides_nothing)
