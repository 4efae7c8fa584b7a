/* Steppers: their orders by convergence, their stability by closed forms, and a stiff problem with published values. */
#include <math.h>
#include <stdalign.h>

#include "model/scripts.h"
#include "model/stepper.h"

enum { MOST = 3 };

static Arena arena;
static Graph *graph;

static void begin(void)
{
    arena = (Arena){0};
    graph = graph_create(&arena);
    ck_assert_ptr_nonnull(graph);
    program_thread_init();
}

static void end(void)
{
    graph_destroy(graph);
    arena_fini(&arena);
}

static Expr x(uint16_t i)
{
    return graph_variable(graph, i);
}

static Expr number(double value)
{
    return graph_constant(graph, value);
}

static Expr op(Op o, Expr a, Expr b)
{
    return graph_binary(graph, o, a, b);
}

/* `steps` steps of `step` from `state`, in place. */
static void run(Stepper stepper, const Expr *rates, uint16_t count, double step, int steps, double *state)
{
    Expr next[MOST];
    Assignment assignments[MOST];
    Program program;
    Scratch scratch;
    alignas(64) double block[MOST * LANES];
    stepper_build(stepper, graph, 0, rates, count, step, next);
    for (uint16_t i = 0; i < count; i++) {
        assignments[i] = (Assignment){i, next[i]};
        for (size_t lane = 0; lane < LANES; lane++)
            block[i * (size_t)LANES + lane] = state[i];
    }
    ck_assert_int_eq(graph_compile(graph, assignments, count, count, &arena, &program, NULL), ERR_OK);
    ck_assert_int_eq(scratch_init(&scratch, program.registers), ERR_OK);
    for (int i = 0; i < steps; i++)
        program_run(&program, block, &scratch);
    for (uint16_t i = 0; i < count; i++)
        state[i] = block[i * (size_t)LANES + 63];
    scratch_fini(&scratch);
}

/* Growth that slows down, y' = y (1 - y), is y = 1 / (1 + 9 exp(-t)) from 0.1 on. The error at t = 1 with `steps` steps. */
static double error_of_growth(Stepper stepper, int steps)
{
    const Expr rate = op(OP_MUL, x(0), op(OP_SUB, number(1), x(0)));
    double state = 0.1;
    run(stepper, &rate, 1, 1.0 / steps, steps, &state);
    return fabs(state - 1 / (1 + 9 * exp(-1)));
}

/* A circle whose frequency is the square of its radius is (cos t, sin t) from (1, 0) on. Two equations that depend on each other ask more of a
 * method than one: some conditions of order hold by themselves for a single equation. */
static double error_of_circle(Stepper stepper, int steps)
{
    const Expr frequency = op(OP_ADD, op(OP_MUL, x(0), x(0)), op(OP_MUL, x(1), x(1)));
    const Expr rates[] = {graph_unary(graph, OP_NEG, op(OP_MUL, frequency, x(1))), op(OP_MUL, frequency, x(0))};
    double state[] = {1, 0};
    run(stepper, rates, 2, 1.0 / steps, steps, state);
    return hypot(state[0] - cos(1), state[1] - sin(1));
}

START_TEST(halving_the_step_shows_the_order)
{
    static double (*const problems[])(Stepper stepper, int steps) = {error_of_growth, error_of_circle};
    static const struct {
        Stepper stepper;
        double order;
    } cases[] = {{STEPPER_EULER, 1}, {STEPPER_ROSENBROCK, 3}, {STEPPER_RK4, 4}, {STEPPER_TSIT5, 5}};
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int k = 0; k < 4; k++) {
            const int steps = k % 2 ? 32 : 16;
            const double order = log2(problems[k / 2](cases[i].stepper, steps) / problems[k / 2](cases[i].stepper, 2 * steps));
            ck_assert_msg(order > cases[i].order - 0.2 && order < cases[i].order + 0.5, "%s has the order %g", stepper_name(cases[i].stepper), order);
        }
    end();
}
END_TEST

/* Of x' = c x one step is a function of z = c h alone: the stability function. */
static double stability(Stepper stepper, double z)
{
    const Expr rate = op(OP_MUL, number(z / 0.25), x(0));
    double state = 1;
    run(stepper, &rate, 1, 0.25, 1, &state);
    return state;
}

START_TEST(a_linear_step_is_the_stability_function)
{
    begin();
    for (double z = -2; z <= 0.5; z += 0.25) {
        const double four = 1 + z + z * z / 2 + z * z * z / 6 + z * z * z * z / 24;
        ck_assert_double_eq_tol(stability(STEPPER_EULER, z), 1 + z, 1e-15);
        ck_assert_double_eq_tol(stability(STEPPER_RK4, z), four, 1e-14);
        if (fabs(z) <= 0.5)
            ck_assert_double_eq_tol(stability(STEPPER_TSIT5, z), four + pow(z, 5) / 120, 2e-3 * pow(z, 6) + 1e-14);
    }
    end();
}
END_TEST

START_TEST(what_is_stiff_dies_out_under_rosenbrock_alone)
{
    begin();
    for (double z = -10; z > -1e9; z *= 10) {
        ck_assert_double_lt(fabs(stability(STEPPER_ROSENBROCK, z)), 0.5);
        ck_assert_double_gt(fabs(stability(STEPPER_RK4, z)), 1);
        ck_assert_double_gt(fabs(stability(STEPPER_TSIT5, z)), 1);
    }
    ck_assert_double_lt(fabs(stability(STEPPER_ROSENBROCK, -1e9)), 1e-8);
    end();
}
END_TEST

/* Robertson's reaction, whose rates differ by nine powers of ten. The values at t = 40 are those that Hairer and Wanner, Solving Ordinary
 * Differential Equations II, and the examples of CVODE give. */
START_TEST(robertson_ends_at_the_published_values)
{
    begin();
    const Expr slow = op(OP_MUL, number(0.04), x(0)), back = op(OP_MUL, number(1e4), op(OP_MUL, x(1), x(2)));
    const Expr fast = op(OP_MUL, number(3e7), op(OP_MUL, x(1), x(1)));
    const Expr rates[] = {op(OP_SUB, back, slow), op(OP_SUB, op(OP_SUB, slow, back), fast), fast};
    double state[] = {1, 0, 0};

    // the first moments are as fast as the fast reaction, then steps may grow
    run(STEPPER_ROSENBROCK, rates, 3, 1e-5, 100, state);
    run(STEPPER_ROSENBROCK, rates, 3, 1e-4, 90, state);
    run(STEPPER_ROSENBROCK, rates, 3, 1e-3, 90, state);
    run(STEPPER_ROSENBROCK, rates, 3, 1e-2, 90, state);
    run(STEPPER_ROSENBROCK, rates, 3, 0.05, 780, state);
    ck_assert_double_eq_tol(state[0], 0.7158270687, 1e-6);
    ck_assert_double_eq_tol(state[1], 9.185534765e-6, 1e-10);
    ck_assert_double_eq_tol(state[2], 0.2841637457, 1e-6);
    ck_assert_double_eq_tol(state[0] + state[1] + state[2], 1, 1e-12);  // nothing is lost

    // an explicit step of that length blows up
    double lost[] = {state[0], state[1], state[2]};
    run(STEPPER_RK4, rates, 3, 0.05, 100, lost);
    ck_assert(!(fabs(lost[0]) < 10));
    end();
}
END_TEST

START_TEST(what_has_no_rate_stays)
{
    begin();
    for (Stepper stepper = STEPPER_RK4; stepper <= STEPPER_ROSENBROCK; stepper++) {
        const Expr rates[] = {EXPR_NONE, op(OP_MUL, x(0), x(1)), EXPR_NONE};
        double state[] = {-0.5, 2, 7};
        run(stepper, rates, 3, 0.01, 100, state);
        ck_assert_double_eq(state[0], -0.5);
        ck_assert_double_eq_tol(state[1], 2 * exp(-0.5), stepper == STEPPER_EULER ? 5e-3 : 1e-8);
        ck_assert_double_eq(state[2], 7);
    }
    end();
}
END_TEST

/* The filter takes the slope of the step itself: through the solved system of a Rosenbrock step too. */
START_TEST(the_derivative_of_a_step_agrees_with_differences)
{
    begin();
    const Expr rates[] = {op(OP_SUB, x(1), op(OP_MUL, x(0), op(OP_MUL, x(0), x(2)))), graph_unary(graph, OP_SIN, x(0)), op(OP_MUL, x(1), x(2))};
    for (Stepper stepper = STEPPER_RK4; stepper <= STEPPER_ROSENBROCK; stepper++) {
        Expr next[3];
        stepper_build(stepper, graph, 0, rates, 3, 0.1, next);
        for (uint16_t i = 0; i < 3; i++)
            for (uint16_t j = 0; j < 3; j++) {
                const double at[] = {0.7, -0.4, 1.3}, h = 1e-6;
                double up[3], down[3];
                memcpy(up, at, sizeof at), memcpy(down, at, sizeof at);
                up[j] += h, down[j] -= h;
                const double expected = (graph_evaluate(graph, next[i], up) - graph_evaluate(graph, next[i], down)) / (2 * h);
                ck_assert_double_eq_tol(graph_evaluate(graph, graph_derive(graph, next[i], j), at), expected, 1e-8);
            }
    }
    end();
}
END_TEST

static const char decay[] = "return model 'decay' {\n  stepper = '%s',\n  states = { x = { 1, '1', count = %d } },\n"
                            "  equations = function(t) for i = 1, #t.x do t.x[i].rate = -t.x[i] / quantity(1, 's') end end,\n}\n";

START_TEST(a_model_names_its_stepper)
{
    static const char *const known[] = {"rk4", "euler", "tsit5", "rosenbrock"};
    uint64_t hashes[4];
    for (size_t i = 0; i < 4; i++) {
        char text[512];
        snprintf(text, sizeof text, decay, known[i], 2);
        Model *model = scripts_model(text, 0.1);
        ck_assert_str_eq(stepper_name(model->stepper), known[i]);
        hashes[i] = model->predict.hash;
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(hashes[i], hashes[j]);
        model_destroy(model);
    }
    Model *model = scripts_model("return model 'm' { states = { x = { 1, '1' } }, equations = function(t) t.x.rate = 0 end }", 0.1);
    ck_assert_int_eq(model->stepper, STEPPER_RK4);
    model_destroy(model);
}
END_TEST

static void expect_refusal(const char *stepper, int count, const char *expected)
{
    char text[512];
    Model *model;
    ErrText why = {""};
    snprintf(text, sizeof text, decay, stepper, count);
    const char *path = scripts_write("decay.lua", text);
    ck_assert_int_eq(model_load(path, 0.1, &model, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 2, expected);
}

START_TEST(steppers_are_checked)
{
    expect_refusal("heun", 2, "stepper must be \"rk4\", \"euler\", \"tsit5\" or \"rosenbrock\", got \"heun\"");
    expect_refusal("rosenbrock", 25, "the stepper \"rosenbrock\" takes 24 states at most, this model has 25");
}
END_TEST

KIT_MAIN("model.stepper", halving_the_step_shows_the_order, a_linear_step_is_the_stability_function, what_is_stiff_dies_out_under_rosenbrock_alone,
         robertson_ends_at_the_published_values, what_has_no_rate_stays, the_derivative_of_a_step_agrees_with_differences, a_model_names_its_stepper, steppers_are_checked)
