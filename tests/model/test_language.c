/* What equations can say: each phrase is an output of a small model, and its value is compared with plain C. */
#include <math.h>

#include "model/lookup.h"
#include "model/scripts.h"

static double *block;
static Model *model;

/* Load `text`, and derive its outputs from the values that it declares. */
static void load(const char *text, double step)
{
    model = scripts_model(text, step);
    Scratch scratch;
    block = mem_alloc((size_t)model->column_count * LANES * sizeof *block);
    ck_assert_int_eq(scratch_init(&scratch, model->registers_max), ERR_OK);
    model_fill(model, block);
    program_run(&model->prepare, block, &scratch);
    program_run(&model->derive, block, &scratch);
    scratch_fini(&scratch);
}

static void unload(void)
{
    model_destroy(model);
    mem_free(block);
}

static double value_of(const char *name)
{
    return block[scripts_channel(model, name)->column * (size_t)LANES];
}

/* A model with a state `x` and one equation besides, on line 5. */
static const char *with_equation(const char *equation)
{
    static char text[4096];
    snprintf(text, sizeof text, "return model 'm' {\n  params = { p = { 3, 'm' }, q = { -4, 'm' } },\n  states = { x = { 0.5, '1' }, flow = { 6, 'l/min' } },\n  equations = function(t)\n"
             "    %s\n    t.x.rate = 0\n    t.flow.rate = 0\n  end,\n}\n", equation);
    return text;
}

static void expect_refusal(const char *equation, const char *expected)
{
    Model *refused;
    ErrText why = {""};
    const char *path = scripts_write("refused.lua", with_equation(equation));
    ck_assert_msg(model_load(path, 0.1, &refused, &why) != ERR_OK, "taken: %s", equation);
    scripts_expect(&why, path, 5, expected);
}

static double result_of(const char *equation)
{
    load(with_equation(equation), 0.1);
    const double y = value_of("y");
    unload();
    return y;
}

START_TEST(functions_are_those_of_the_c_library)
{
    static const struct {
        const char *name;
        double (*c)(double);
    } functions[] = {{"sqrt", sqrt}, {"exp", exp}, {"log", log}, {"sin", sin}, {"cos", cos}, {"tan", tan}, {"asin", asin}, {"acos", acos}, {"atan", atan}, {"sinh", sinh}, {"cosh", cosh}, {"tanh", tanh}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        char equation[128];
        snprintf(equation, sizeof equation, "t.y = output(%s(t.x), '1')", functions[i].name);
        ck_assert_double_eq_tol(result_of(equation), functions[i].c(0.5), 1e-15);
        snprintf(equation, sizeof equation, "t.y = output(%s(0.25), '1')", functions[i].name);  // folded
        ck_assert_double_eq_tol(result_of(equation), functions[i].c(0.25), 2e-15);
    }
}
END_TEST

START_TEST(decades_are_counted_and_circles_measured)
{
    ck_assert_double_eq_tol(result_of("t.y = output(log10(t.x), '1')"), log10(0.5), 1e-15);
    ck_assert_double_eq_tol(result_of("t.y = output(log10(1e-7), '1')"), -7, 2e-15);
    ck_assert_double_eq_tol(result_of("t.y = output(pi * t.p ^ 2, 'm^2')"), 9 * acos(-1), 1e-14);
    ck_assert_double_eq(result_of("t.y = output(cos(pi), '1')"), -1);
    expect_refusal("t.y = output(log10(t.p), '1')", "log10 takes a value without dimension, got m");
}
END_TEST

START_TEST(an_angle_is_that_of_a_point_in_any_unit)
{
    ck_assert_double_eq_tol(result_of("t.y = output(atan2(t.p, t.q), '1')"), atan2(3, -4), 1e-15);
    ck_assert_double_eq_tol(result_of("t.y = output(atan2(-t.p, t.q), 'degree')"), atan2(-3, -4), 1e-15);
    ck_assert_double_eq_tol(result_of("t.y = output(atan2(t.p, 0), '1')"), acos(0), 1e-15);
    ck_assert_double_eq(result_of("t.y = output(hypot(t.p, t.q), 'm')"), 5);
    ck_assert_double_eq(result_of("t.y = output(hypot(3, 4), '1')"), 5);
}
END_TEST

START_TEST(functions_take_the_dimensions_that_make_sense)
{
    expect_refusal("t.y = output(tan(t.p), '1')", "tan takes a value without dimension, got m");
    expect_refusal("t.y = output(atan(t.p), '1')", "atan takes a value without dimension, got m");
    expect_refusal("t.y = output(atan2(t.p, t.x), '1')", "dimensions differ: atan2 of m and no dimension");
    expect_refusal("t.y = output(atan2(t.p, t.q), 'm')", "dimensions differ: the output is in \"m\"");
    expect_refusal("t.y = output(hypot(t.p, 1), 'm')", "dimensions differ: hypot of m and no dimension");
    expect_refusal("t.y = output(hypot(t.p, t.q), '1')", "dimensions differ: the output is in \"1\"");
}
END_TEST

/* The value and the slope of a table with points at 0, 1, 3, 4 where x is `at`; `slope` comes from the derivative that a filter would take. */
static double curve_at(const char *method, double at, double *slope)
{
    static const double x[] = {0, 1, 3, 4}, y[] = {2, 4, 4, -1};
    Arena arena = {0};
    Graph *graph = graph_create(&arena);
    const Expr where = graph_variable(graph, 0);
    const Expr value = *method == 'l' ? lookup_linear(graph, where, x, y, 4) : lookup_cubic(graph, where, x, y, 4);
    const double result = graph_evaluate(graph, value, &at);
    *slope = graph_evaluate(graph, graph_derive(graph, value, 0), &at);
    graph_destroy(graph);
    arena_fini(&arena);
    return result;
}

START_TEST(straight_lines_join_the_points_of_a_table)
{
    static const struct {
        double x, y, slope;
    } cases[] = {{-7, 2, 0}, {0.25, 2.5, 2}, {0.5, 3, 2}, {1, 4, 2}, {2, 4, 0}, {3, 4, 0}, {3.5, 1.5, -5}, {99, -1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double slope;
        ck_assert_double_eq_tol(curve_at("linear", cases[i].x, &slope), cases[i].y, 1e-14);
        ck_assert_double_eq_tol(slope, cases[i].slope, 1e-14);
    }
}
END_TEST

START_TEST(a_cubic_goes_through_the_points_with_a_continuous_slope)
{
    static const double x[] = {0, 1, 3, 4}, y[] = {2, 4, 4, -1};
    for (size_t i = 0; i < 4; i++) {
        double slope, after;
        ck_assert_double_eq_tol(curve_at("cubic", x[i], &slope), y[i], 1e-14);
        curve_at("cubic", nextafter(x[i], 99), &after);
        if (i == 1 || i == 2) {
            ck_assert_double_eq_tol(slope, 0, 1e-13);  // a plateau follows, or is over
            ck_assert_double_eq_tol(after, 0, 1e-13);
        }
    }
}
END_TEST

START_TEST(a_cubic_rises_and_falls_as_its_points_do)
{
    double before = -INFINITY, slope;
    for (double x = 0; x <= 4; x += 0.01) {
        const double y = curve_at("cubic", x, &slope);
        if (x < 1)
            ck_assert(y >= before);
        if (x >= 1 && x <= 3)
            ck_assert_double_eq_tol(y, 4, 1e-14);
        if (x > 3.01)
            ck_assert(y <= before);
        ck_assert(y <= 4 + 1e-14 && y >= -1 - 1e-14);
        before = y;
    }
    ck_assert_double_eq(curve_at("cubic", -3, &slope), 2);
    ck_assert_double_eq(slope, 0);
    ck_assert_double_eq_tol(curve_at("cubic", 30, &slope), -1, 1e-14);
    ck_assert_double_eq(slope, 0);
}
END_TEST

/* Points on a line leave a cubic no choice; on a parabola the slopes inside are its own, as long as the points are evenly spaced. */
START_TEST(a_cubic_reproduces_lines_and_parabolas)
{
    static const double x[] = {1, 2, 3, 4, 5}, line[] = {3, 5, 7, 9, 11}, square[] = {1, 4, 9, 16, 25};
    Arena arena = {0};
    Graph *graph = graph_create(&arena);
    const Expr at = graph_variable(graph, 0), on_line = lookup_cubic(graph, at, x, line, 5), on_square = lookup_cubic(graph, at, x, square, 5);
    for (double where = 1; where <= 5; where += 0.125) {
        ck_assert_double_eq_tol(graph_evaluate(graph, on_line, &where), 2 * where + 1, 1e-13);
        if (where >= 2 && where <= 4)
            ck_assert_double_eq_tol(graph_evaluate(graph, on_square, &where), where * where, 1e-13);
    }
    graph_destroy(graph);
    arena_fini(&arena);
}
END_TEST

START_TEST(tables_take_and_give_units)
{
    // 6 l/min lie between 4 and 8
    ck_assert_double_eq_tol(result_of("t.y = output(lookup(t.flow, { { 0, 20 }, { 4, 10 }, { 8, 8 } }, { x = 'l/min', y = 'cm' }), 'm')"), 0.09, 1e-15);
    ck_assert_double_eq_tol(result_of("t.y = output(lookup(t.flow, { { 0, 20 }, { 4, 10 }, { 8, 9 } }, { x = 'l/min', y = 'degC', method = 'linear' }), 'degC')"), 282.65, 1e-12);
    ck_assert_double_eq_tol(result_of("t.y = output(lookup(t.x, { { 0, 1 }, { 1, 3 } }), '1')"), 2, 1e-15);
    ck_assert_double_eq_tol(result_of("t.y = output(lookup(t.x, { { 0, 1 }, { 1, 3 } }, 'cubic'), '1')"), 2, 1e-15);
}
END_TEST

/* z = 1 + 2 x + 3 y + 4 x y is bilinear, so any grid over it gives it back, and holds its edges outside. */
START_TEST(a_grid_reproduces_what_is_bilinear)
{
    static const double x[] = {-1, 0, 2}, y[] = {0, 1, 3, 4};
    double z[12];
    for (size_t i = 0; i < 12; i++)
        z[i] = 1 + 2 * x[i % 3] + 3 * y[i / 3] + 4 * x[i % 3] * y[i / 3];
    Arena arena = {0};
    Graph *graph = graph_create(&arena);
    const Expr value = lookup_bilinear(graph, graph_variable(graph, 0), graph_variable(graph, 1), x, 3, y, 4, z);
    const Expr along_x = graph_derive(graph, value, 0), along_y = graph_derive(graph, value, 1);
    for (double a = -2; a <= 3; a += 0.25)
        for (double b = -1; b <= 5; b += 0.25) {
            const double in_a = fmin(fmax(a, -1), 2), in_b = fmin(fmax(b, 0), 4), at[] = {a, b};
            ck_assert_double_eq_tol(graph_evaluate(graph, value, at), 1 + 2 * in_a + 3 * in_b + 4 * in_a * in_b, 1e-12);
            if (a > -1 && a < 2)
                ck_assert_double_eq_tol(graph_evaluate(graph, along_x, at), 2 + 4 * in_b, 1e-12);
            if (b > 0 && b < 4)
                ck_assert_double_eq_tol(graph_evaluate(graph, along_y, at), 3 + 4 * in_a, 1e-12);
        }
    graph_destroy(graph);
    arena_fini(&arena);

    // x = 0.5 is half way between the columns, 6 l/min half way between the rows
    ck_assert_double_eq_tol(result_of("t.y = output(lookup(t.x, t.flow, { x = { 0, 1 }, y = { 4, 8 }, { 1, 2 }, { 3, 8 } }, { y = 'l/min', z = 'kW' }), 'W')"), 3500, 1e-9);
}
END_TEST

START_TEST(tables_that_are_none_are_refused_at_their_line)
{
    expect_refusal("t.y = output(lookup(t.x, { { 0, 1 }, { 0, 2 } }), '1')", "x must rise from point to point, number 2 does not");
    expect_refusal("t.y = output(lookup(t.x, { { 0, 1 }, { 2, 2 }, { 1, 3 } }), '1')", "x must rise from point to point, number 3 does not");
    expect_refusal("t.y = output(lookup(t.x, { { 0, 1 } }), '1')", "a table of points must have 2 to 64 numbers, got 1");
    expect_refusal("local p = {} for i = 1, 99 do p[i] = { i, i } end lookup(t.x, p)", "a table of points must have 2 to 64");
    expect_refusal("lookup(t.x, { { 0, 1 }, { 1 } })", "point 2 must be { x, y }");
    expect_refusal("lookup(t.x, { { 0, 1 }, 7 })", "point 2 must be { x, y }");
    expect_refusal("lookup(t.x, { { 0, 1 }, { 1, 'high' } })", "number 2 of a point must be a finite number, got string");
    expect_refusal("lookup(t.x, { { 0, 1 }, { 1, 0 / 0 } })", "must be a finite number, got an infinite one or NaN");
    expect_refusal("lookup(t.flow, { { 0, 1 }, { 1, 2 } })", "x is in \"1\", but what is looked up has m3.s-1");
    expect_refusal("lookup(t.flow, { { 0, 1 }, { 1, 2 } }, { x = 'bar' })", "x is in \"bar\"");
    expect_refusal("lookup(t.x, { { 0, 1 }, { 1, 2 } }, { z = 'bar' })", "unknown option \"z\"");
    expect_refusal("lookup(t.x, { { 0, 1 }, { 1, 2 } }, { y = 'furlongs^x' })", "furlongs^x");
    expect_refusal("lookup(t.x, { { 0, 1 }, { 1, 2 } }, { y = 7 })", "y must be a text, got number");
    expect_refusal("lookup(t.x, { { 0, 1 }, { 1, 2 } }, 'spline')", "the method must be \"linear\" or \"cubic\", got \"spline\"");
    expect_refusal("lookup(t.x, { { 0, 1 }, { 1, 2 } }, 7)", "got number");
    expect_refusal("lookup(t.x, 7)", "got no table");
    expect_refusal("lookup(t.x, t.x, { x = { 0, 1 }, { 1, 2 }, { 3, 4 } })", "a grid needs y = { ... }");
    expect_refusal("lookup(t.x, t.x, { x = { 0, 1 }, y = { 0, 0 }, { 1, 2 }, { 3, 4 } })", "y must rise");
    expect_refusal("lookup(t.x, t.x, { x = { 0, 1 }, y = { 0, 1 }, { 1, 2 } })", "the grid has 1 rows, but y has 2 numbers");
    expect_refusal("lookup(t.x, t.x, { x = { 0, 1 }, y = { 0, 1 }, { 1, 2 }, { 3 } })", "row 2 of the grid must have 2 numbers");
    expect_refusal("lookup(t.x, t.x, { x = { 0, 1 }, y = { 0, 1 }, { 1, 2 }, { 3, t.x } })", "must be a finite number, got userdata");
    expect_refusal("local a = {} for i = 1, 20 do a[i] = i end lookup(t.x, t.x, { x = a, y = a })", "a grid has 256 values at most");
}
END_TEST

/* A rod in segments between two ends of fixed temperature: each segment goes to the mean of its neighbours. */
static const char rod[] = "return model 'rod' {\n"
                          "  params = { left = { 10, 'degC' }, right = { 60, 'degC' }, pace = { 0.5, 's^-1' } },\n"
                          "  states = { a = { 1, '1' }, T = { 20, 'degC', count = 12, min = -50, noise = 0.1, sd = 2 }, z = { 1, '1' } },\n"
                          "  equations = function(t)\n"
                          "    local n = #t.T\n"
                          "    for i = 1, n do\n"
                          "      local before, after = i > 1 and t.T[i - 1] or t.left, i < n and t.T[i + 1] or t.right\n"
                          "      t.T[i].rate = t.pace * (before - 2 * t.T[i] + after)\n"
                          "    end\n"
                          "    t.a.rate, t.z.rate = 0, 0\n"
                          "    t.mean = output((t.T_1 + t.T[n]) / 2, 'degC')\n"
                          "  end,\n"
                          "  sensors = { end_probe = { of = 'T_12', noise = 0.1 } },\n"
                          "  alarms = { hot = { high = { 'T_3', 90 } } },\n"
                          "}\n";

START_TEST(an_array_is_a_row_of_states)
{
    load(rod, 0.1);
    ck_assert_uint_eq(model->dynamic_count, 14);
    for (int i = 1; i <= 12; i++) {
        char name[16];
        snprintf(name, sizeof name, "T_%d", i);
        ck_assert_int_eq(model_find(model, name), i - 1);  // in the order of their numbers, not of their letters
        const Channel *channel = scripts_channel(model, name);
        ck_assert_int_eq(channel->kind, CHANNEL_STATE);
        ck_assert_double_eq(channel->initial, 293.15);
        ck_assert_double_eq(channel->initial_sd, 2);
        ck_assert_double_eq_tol(channel->min, 223.15, 1e-10);
    }
    ck_assert_int_eq(model_find(model, "T"), -1);
    ck_assert_str_eq(model->channels[model->sensors[0].of].name, "T_12");
    ck_assert_double_eq(value_of("mean"), 293.15);
    unload();
}
END_TEST

/* At rest the rod is a straight line from end to end. */
START_TEST(the_rod_settles_on_a_straight_line)
{
    load(rod, 0.5);
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, model->registers_max), ERR_OK);
    for (int i = 0; i < 2000; i++)
        program_run(&model->predict, block, &scratch);
    for (int i = 1; i <= 12; i++) {
        char name[16];
        snprintf(name, sizeof name, "T_%d", i);
        ck_assert_double_eq_tol(value_of(name), 283.15 + 50.0 * i / 13, 1e-9);
    }
    scratch_fini(&scratch);
    unload();
}
END_TEST

/* `before` is replaced by `after` in the rod, which is then refused at `line`. */
static void expect_bent_rod(const char *before, const char *after, int line, const char *expected)
{
    char text[4096];
    const char *at = strstr(rod, before);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - rod), rod, after, at + strlen(before));
    Model *refused;
    ErrText why = {""};
    const char *path = scripts_write("rod.lua", text);
    ck_assert_msg(model_load(path, 0.1, &refused, &why) != ERR_OK, "taken: %s", after);
    scripts_expect(&why, path, line, expected);
}

START_TEST(arrays_are_checked)
{
    expect_bent_rod("count = 12", "count = 0", 3, "count of \"T\": expected a whole number from 1 to 64");
    expect_bent_rod("count = 12", "count = 2.5", 3, "count of \"T\": expected a whole number");
    expect_bent_rod("count = 12", "count = 65", 3, "count of \"T\": expected a whole number");
    expect_bent_rod("count = 12", "count = 'many'", 3, "count of \"T\": expected a number, got string");
    expect_bent_rod("count = 12", "count = 63", 3, "64 states and tracked parameters at most");
    expect_bent_rod("{ 20, 'degC', count", "{ -90, 'degC', count", 3, "the value of \"T\" is outside its min and max");
    expect_bent_rod("z = { 1", "T_5 = { 1", 3, "the name \"T_5\" is taken");
    expect_bent_rod("pace =", "T =", 2, "the name \"T\" is taken");
    expect_bent_rod("t.mean = output", "t.T = output", 11, "\"T\" cannot be assigned; did you mean t.T[1].rate?");
    expect_bent_rod("t.T[i].rate = ", "t.T[i] = ", 8, "\"T[1]\" cannot be assigned; did you mean t.T[1].rate?");
    expect_bent_rod("(t.T_1 + t.T[n])", "(t.T[0] + t.T[n])", 11, "\"T\" has the elements 1 to 12, no 0");
    expect_bent_rod("(t.T_1 + t.T[n])", "(t.T[13] + t.T[n])", 11, "\"T\" has the elements 1 to 12, no 13");
    expect_bent_rod("(t.T_1 + t.T[n])", "(t.T[1.5] + t.T[n])", 11, "\"T\" has the elements 1 to 12, no 1.5");
    expect_bent_rod("(t.T_1 + t.T[n])", "(t.T.rate + t.T[n])", 11, "\"T\" has the elements 1 to 12, no rate");
    expect_bent_rod("(t.T_1 + t.T[n])", "(t.T + t.T[n])", 11, "an array of states is no value: take one of them, as in t.T[1]");
    expect_bent_rod("for i = 1, n do", "for i = 2, n do", 4, "the state \"T_1\" has no equation: expected t.T_1.rate = ...");
    expect_bent_rod("of = 'T_12'", "of = 'T_13'", 13, "\"end_probe\" measures nothing");
}
END_TEST

static void predict(int steps)
{
    Scratch scratch;
    ck_assert_int_eq(scratch_init(&scratch, model->registers_max), ERR_OK);
    for (int i = 0; i < steps; i++)
        program_run(&model->predict, block, &scratch);
    program_run(&model->derive, block, &scratch);
    scratch_fini(&scratch);
}

static const char lags[] = "return model 'm' {\n"
                           "  params = { k = { 2, '1', estimate = 0.1, sd = 1 }, tau = { 0.1, 'min' } },\n"
                           "  inputs = { u = { 20, 'degC' } },\n"
                           "  states = { x = { 1, '1', count = 2, sd = 1 } },\n"
                           "  equations = function(t)\n"
                           "    local slow = lag(t.u, t.tau, 'felt')\n"
                           "    local slower = lag(slow, 3)\n"
                           "    t.shown = output(slower, 'degC')\n"
                           "    t.product = output(t.k * lag(t.x[2], 2), '1')\n"
                           "    t.x[1].rate, t.x[2].rate = 0, -t.k * t.x[2] / quantity(4, 's')\n"
                           "  end,\n"
                           "  sensors = { probe = { of = 'felt', noise = 1 }, twice = { of = function(t) return 2 * t.felt end, noise = 1 } },\n"
                           "}\n";

START_TEST(a_lag_is_a_state_with_a_name)
{
    load(lags, 0.5);
    static const char *const names[] = {"x_1", "x_2", "felt", "lag_2", "lag_3", "k", "tau", "u", "shown", "product"};
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(model_find(model, names[i]), i);
    ck_assert_uint_eq(model->dynamic_count, 5);
    ck_assert_uint_eq(model->state_count, 6);
    ck_assert_int_eq(scripts_channel(model, "felt")->kind, CHANNEL_STATE);
    ck_assert_str_eq(model->channels[model->sensors[0].of].name, "felt");

    // a lag begins where what it follows begins, through other lags too
    ck_assert_double_eq(value_of("felt"), 293.15);
    ck_assert_double_eq(value_of("lag_2"), 293.15);
    ck_assert_double_eq(value_of("lag_3"), 1);
    ck_assert_double_eq(value_of("product"), 2);
    unload();
}
END_TEST

/* A step of the input by 10 K: 1 - exp(-t/a) behind one lag, and behind two 1 - (a exp(-t/a) - b exp(-t/b)) / (a - b). */
START_TEST(a_lag_answers_a_step_as_it_should)
{
    load(lags, 0.05);
    const double a = 6, b = 3, t = 5;
    for (size_t lane = 0; lane < LANES; lane++)
        block[scripts_channel(model, "u")->column * (size_t)LANES + lane] += 10;
    predict(100);
    ck_assert_double_eq_tol(value_of("felt"), 293.15 + 10 * (1 - exp(-t / a)), 1e-7);
    ck_assert_double_eq_tol(value_of("lag_2"), 293.15 + 10 * (1 - (a * exp(-t / a) - b * exp(-t / b)) / (a - b)), 1e-7);
    ck_assert_double_eq(value_of("shown"), value_of("lag_2"));
    ck_assert_double_eq_tol(value_of("x_2"), exp(-t / 2), 1e-7);
    ck_assert_double_eq_tol(value_of("lag_3"), (1 + t / 2) * exp(-t / 2), 1e-7);  // a lag as slow as what it follows
    unload();
}
END_TEST

/* The filter knows that a lag goes with what it follows: their covariance grows from nothing. */
START_TEST(the_filter_sees_through_a_lag)
{
    load(lags, 0.5);
    const int x = model_find(model, "x_2"), lagged = model_find(model, "lag_3");
    const uint16_t own = model_covariance(model, (uint16_t)x, (uint16_t)x), cross = model_covariance(model, (uint16_t)x, (uint16_t)lagged);
    for (size_t lane = 0; lane < LANES; lane++)
        block[own * (size_t)LANES + lane] = 1;
    ck_assert_double_eq(block[cross * (size_t)LANES], 0);
    predict(4);
    ck_assert_double_gt(block[cross * (size_t)LANES], 0.05);
    unload();
}
END_TEST

START_TEST(lags_are_refused_at_their_line)
{
    expect_refusal("t.y = output(lag(t.x, t.p), '1')", "lag: its second argument is a time, this has m");
    expect_refusal("t.y = output(lag(t.x, 0.05), '1')", "is shorter than a step");
    expect_refusal("t.y = output(lag(t.x, -3), '1')", "is shorter than a step");
    expect_refusal("t.y = output(lag(t.x, 0 / 0), '1')", "is shorter than a step");
    expect_refusal("t.y = output(lag(t.x), '1')", "expected a number or a value of the model, got no value");
    expect_refusal("t.y = output(lag(t.x, 3, 'a b'), '1')", "\"a b\" is no name");
    expect_refusal("t.y = output(lag(t.x, 3), 'm')", "dimensions differ");
    expect_refusal("for i = 1, 33 do lag(t.x, 3) end", "lag: more than 32 in one model");

    static const struct {
        const char *equation, *expected;
    } later[] = {{"lag(t.x, 3, 'x')", "the name \"x\" is taken"}, {"lag(sqrt(-t.x), 3)", "the lag \"lag_1\" has no finite value to start from"}};
    for (size_t i = 0; i < 2; i++) {
        Model *refused;
        ErrText why = {""};
        const char *path = scripts_write("refused.lua", with_equation(later[i].equation));
        ck_assert_int_eq(model_load(path, 0.1, &refused, &why), ERR_SCRIPT);
        scripts_expect(&why, path, 4, later[i].expected);
    }
}
END_TEST

START_TEST(a_sensor_has_no_lag_of_its_own)
{
    Model *refused;
    ErrText why = {""};
    const char *path = scripts_write("refused.lua", "return model 'm' { states = { x = { 1, '1' } }, equations = function(t) t.x.rate = 0 end,\n"
                                                    "  sensors = { probe = { noise = 1, of = function(t) return lag(t.x, 3) end } } }");
    ck_assert_int_eq(model_load(path, 0.1, &refused, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 2, "a sensor's function cannot have a lag");
}
END_TEST

KIT_MAIN("model.language", functions_are_those_of_the_c_library, decades_are_counted_and_circles_measured, an_angle_is_that_of_a_point_in_any_unit, functions_take_the_dimensions_that_make_sense,
         straight_lines_join_the_points_of_a_table, a_cubic_goes_through_the_points_with_a_continuous_slope, a_cubic_rises_and_falls_as_its_points_do,
         a_cubic_reproduces_lines_and_parabolas, tables_take_and_give_units, a_grid_reproduces_what_is_bilinear, tables_that_are_none_are_refused_at_their_line,
         an_array_is_a_row_of_states, the_rod_settles_on_a_straight_line, arrays_are_checked,
         a_lag_is_a_state_with_a_name, a_lag_answers_a_step_as_it_should, the_filter_sees_through_a_lag, lags_are_refused_at_their_line, a_sensor_has_no_lag_of_its_own)
