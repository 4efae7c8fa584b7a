/* What equations can say: each phrase is an output of a small model, and its value is compared with plain C. */
#include <math.h>

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
    for (uint16_t i = 0; i < model->channel_count; i++)
        for (size_t lane = 0; lane < LANES; lane++)
            block[model->channels[i].column * (size_t)LANES + lane] = model->channels[i].initial;
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

KIT_MAIN("model.trace", functions_are_those_of_the_c_library, an_angle_is_that_of_a_point_in_any_unit, functions_take_the_dimensions_that_make_sense)
