#include <math.h>

#include "model/scripts.h"
#include "model/trace.h"

/* An expression of x = 3 m, y = -2 m, n = 0.5 and t = 4 s, shown in `unit`: its value as the compiled model computes it. */
static double value_of(const char *expression, const char *unit)
{
    char text[1024];
    snprintf(text, sizeof text,
             "return model 'm' {\n"
             "  params = { x = { 3, 'm' }, y = { -200, 'cm' }, n = { 0.5, '1' }, t = { 4, 's' } },\n"
             "  states = { s = { 7, 'degC' } },\n"
             "  equations = function(t) t.s.rate = 0; t.value = output(%s, '%s') end,\n"
             "}\n", expression, unit);
    Model *model = scripts_model(text, 1);
    double *columns = mem_alloc((size_t)model->column_count * LANES * sizeof(double));
    Scratch scratch;
    ck_assert_ptr_nonnull(columns);
    ck_assert_int_eq(scratch_init(&scratch, model->registers_max), ERR_OK);
    model_fill(model, columns);
    program_run(&model->prepare, columns, &scratch);
    program_run(&model->derive, columns, &scratch);
    const Channel *value = scripts_channel(model, "value");
    const double result = unit_from_si(value->unit, columns[(size_t)value->column * LANES]);
    scratch_fini(&scratch);
    mem_free(columns);
    model_destroy(model);
    return result;
}

START_TEST(functions_are_those_of_mathematics)
{
    const struct {
        const char *expression, *unit;
        double expected;
    } cases[] = {
        {"t.x + t.y", "m", 1},
        {"t.x - t.y", "cm", 500},
        {"-t.x", "m", -3},
        {"t.x * t.y", "m^2", -6},
        {"t.x / t.t", "km/h", 2.7},
        {"2 * t.x", "m", 6},
        {"1 / t.t", "Hz", 0.25},
        {"t.x ^ 2", "m^2", 9},
        {"t.x ^ 0", "1", 1},
        {"t.y ^ 3", "m^3", -8},
        {"t.t ^ -2", "s^-2", 1.0 / 16},
        {"(t.t ^ 2) ^ 0.5", "s", 4},
        {"t.n ^ 2.5", "1", pow(0.5, 2.5)},
        {"sqrt(t.x * t.x)", "m", 3},
        {"abs(t.y)", "m", 2},
        {"sign(t.y)", "1", -1},
        {"sign(t.x)", "1", 1},
        {"sign(t.x - t.x)", "1", 0},
        {"min(t.x, t.y)", "m", -2},
        {"max(t.x, t.y)", "m", 3},
        {"max(t.y, 0)", "m", 0},
        {"clamp(t.x, t.y, quantity(250, 'cm'))", "m", 2.5},
        {"clamp(t.y, 0, t.x)", "m", 0},
        {"above(t.x, t.y)", "1", 1},
        {"below(t.x, t.y)", "1", 0},
        {"select(above(t.x, t.y), t.x, t.y)", "m", 3},
        {"select(below(t.x, 0), t.x, t.y)", "m", -2},
        {"exp(t.n)", "1", exp(0.5)},
        {"log(t.n)", "1", log(0.5)},
        {"sin(t.n) + cos(t.n) + tanh(t.n)", "1", sin(0.5) + cos(0.5) + tanh(0.5)},
        {"quantity(20, 'degC')", "degF", 68},
        {"t.s - quantity(0, 'degC')", "K", 7},
        {"g", "m/s^2", 9.80665},
        {"exp(t.x / t.y)", "1", exp(-1.5)},
        {"(function() local sum = 0 for i = 1, 3 do sum = sum + i * t.x end return sum end)()", "m", 18},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double got = value_of(cases[i].expression, cases[i].unit);
        ck_assert_msg(fabs(got - cases[i].expected) <= 1e-12 * fmax(1, fabs(cases[i].expected)), "%s = %.17g, expected %.17g", cases[i].expression, got, cases[i].expected);
    }
}
END_TEST

START_TEST(what_has_no_meaning_is_refused)
{
    static const struct {
        const char *expression, *expected;
    } cases[] = {
        {"t.x + t.t", "dimensions differ: sum of m and s"},
        {"t.x + 1", "dimensions differ: sum of m and no dimension"},
        {"select(t.x, t.x, t.y)", "the condition of select takes a value without dimension"},
        {"select(above(t.x, t.t), t.x, t.y)", "dimensions differ: comparison of m and s"},
        {"select(1, t.x, t.t)", "dimensions differ: select of m and s"},
        {"clamp(t.x, t.t, t.y)", "dimensions differ: clamp of m and s"},
        {"t.x ^ t.n", "a power that is not a whole number takes a value without dimension"},
        {"t.n ^ t.x", "an exponent takes a value without dimension"},
        {"sqrt(t.x)", "m has no square root"},
        {"sin(t.x)", "sin takes a value without dimension"},
        {"t.x + 'much'", "expected a number or a value of the model, got string"},
        {"t.x + nil", "expected a number or a value of the model, got nil"},
        {"t.x.rate", "a value has no field \"rate\" that could be read"},
        {"t.z", "the model has no state, parameter, input or output \"z\""},
        {"quantity(1, 'furlongs^x')", "furlongs"},
        {"quantity('1', {})", "string expected"},
        {"t.x .. 'm'", "concatenate"},
        {"#t.x", "length"},
        {"t.x()", "call"},
        {"t.x % 2", "arithmetic"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        Model *model;
        ErrText why = {""};
        snprintf(text, sizeof text,
                 "return model 'm' {\n"
                 "  params = { x = { 3, 'm' }, y = { -2, 'm' }, n = { 0.5, '1' }, t = { 4, 's' } },\n"
                 "  states = { s = { 7, 'degC' } },\n"
                 "  equations = function(t)\n    t.s.rate = 0\n    t.value = output(%s, 'm')\n  end,\n}\n", cases[i].expression);
        const char *path = scripts_write("bad.lua", text);
        ck_assert_msg(model_load(path, 1, &model, &why) == ERR_SCRIPT, "taken: %s", cases[i].expression);
        scripts_expect(&why, path, 6, cases[i].expected);
    }
}
END_TEST

START_TEST(an_output_can_be_read_by_what_follows_it)
{
    ck_assert_double_eq_tol(value_of("(function() t.double = output(2 * t.x, 'cm') return t.double end)()", "m"), 6, 1e-12);
}
END_TEST

START_TEST(equations_leave_nothing_behind_that_still_works)
{
    // a Value that is used outside of the equations is an error of the script
    Model *model;
    ErrText why = {""};
    const char *path = scripts_write("late.lua", "local kept\n"
                                                 "return model 'm' {\n"
                                                 "  states = { s = { 7, 'm' } },\n"
                                                 "  equations = function(t) t.s.rate = 0; kept = t; g = nil end,\n"
                                                 "  sensors = { z = { noise = 1, of = function()\n"
                                                 "    kept.s.rate = 1\n"
                                                 "  end } },\n"
                                                 "}\n");
    ck_assert_int_eq(model_load(path, 1, &model, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 6, "a sensor's function cannot assign rates");
}
END_TEST

START_TEST(without_a_running_trace_functions_take_numbers_alone)
{
    Script *script;
    ErrText why = {""};
    ck_assert_int_eq(script_create(1 << 20, &script, &why), ERR_OK);
    trace_open(script);
    ck_assert_int_eq(script_run_file(script, scripts_write("numbers.lua", "return sqrt(2)"), 100000, &why), ERR_OK);
    ck_assert_double_eq(lua_tonumber(script_lua(script), -1), sqrt(2));
    const char *path = scripts_write("outside.lua", "\nreturn quantity(2, 'm')");
    ck_assert_int_eq(script_run_file(script, path, 100000, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 2, "this works inside equations only");
    script_destroy(script);
}
END_TEST

KIT_MAIN("model.trace", functions_are_those_of_mathematics, what_has_no_meaning_is_refused, an_output_can_be_read_by_what_follows_it,
         equations_leave_nothing_behind_that_still_works, without_a_running_trace_functions_take_numbers_alone)
