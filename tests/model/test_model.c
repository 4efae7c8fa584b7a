#include <math.h>

#include "model/scripts.h"

/* The tank of the authoring guide. */
static const char tank[] = "return model \"tank\" {\n"
                           "  doc    = \"Open tank draining through an orifice\",\n"
                           "  params = {\n"
                           "    area    = { 0.0154, \"m^2\", min = 1e-4 },\n"
                           "    orifice = { 2.5e-5, \"m^2\", min = 0, estimate = 1e-9, sd = 2e-6, jump = 2e-5 },\n"
                           "  },\n"
                           "  inputs = { inflow = { 6, \"l/min\" } },\n"
                           "  states = { level  = { 30, \"cm\", min = 0, noise = 0.01, sd = 5 } },\n"
                           "  equations = function(t)\n"
                           "    local outflow = t.orifice * sqrt(2 * g * max(t.level, quantity(1, \"mm\")))\n"
                           "    t.outflow    = output(outflow, \"l/min\", \"what leaves the tank\")\n"
                           "    t.level.rate = (t.inflow - outflow) / t.area\n"
                           "  end,\n"
                           "  sensors   = { gauge = { of = \"level\", noise = 0.2, unit = \"mm\", every = 1 } },\n"
                           "  actuators = { valve = { 50, \"percent\", min = 0, max = 100, rate = 10 } },\n"
                           "  alarms    = { overflow = { high = { \"level\", 60 }, hysteresis = 2, hold = 3, severity = \"critical\" },\n"
                           "                empty = { low = { \"gauge\", 15 } } },\n"
                           "  divergence = { settle = 30, whiteness = 1.5, false_alarm_days = 10 },\n"
                           "}\n";

START_TEST(the_tank_of_the_guide_loads)
{
    Model *model = scripts_model(tank, 0.5);
    ck_assert_str_eq(model->name, "tank");
    ck_assert_str_eq(model->doc, "Open tank draining through an orifice");
    ck_assert_uint_eq(model->dynamic_count, 1);
    ck_assert_uint_eq(model->state_count, 2);
    ck_assert_uint_eq(model->sensor_count, 1);
    ck_assert_uint_eq(model->alarm_count, 2);
    static const struct {
        const char *name;
        ChannelKind kind;
    } expected[] = {{"level", CHANNEL_STATE},    {"orifice", CHANNEL_TRACKED}, {"area", CHANNEL_PARAMETER}, {"inflow", CHANNEL_INPUT},
                    {"valve", CHANNEL_ACTUATOR}, {"outflow", CHANNEL_OUTPUT},  {"divergence", CHANNEL_STATISTIC}, {"gauge", CHANNEL_SENSOR}};
    ck_assert_uint_eq(model->channel_count, 8);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_str_eq(model->channels[i].name, expected[i].name);
        ck_assert_int_eq(model->channels[i].kind, expected[i].kind);
    }
    ck_assert_int_eq(model_find(model, "nothing"), -1);
    model_destroy(model);
}
END_TEST

START_TEST(numbers_are_si_from_loading_on)
{
    Model *model = scripts_model(tank, 0.5);
    const Channel *level = scripts_channel(model, "level"), *valve = scripts_channel(model, "valve"), *gauge = scripts_channel(model, "gauge");
    ck_assert_double_eq_tol(level->initial, 0.30, 1e-15);
    ck_assert_double_eq_tol(level->initial_sd, 0.05, 1e-15);
    ck_assert_double_eq_tol(level->noise, 1e-4, 1e-18);
    ck_assert_double_eq(level->min, 0);
    ck_assert_double_infinite(level->max);
    ck_assert_double_eq_tol(scripts_channel(model, "inflow")->initial, 1e-4, 1e-18);
    ck_assert_double_eq_tol(valve->rate_max, 0.1, 1e-15);
    ck_assert_double_eq_tol(valve->max, 1, 1e-15);
    ck_assert_double_eq_tol(gauge->noise, 2e-4, 1e-18);
    ck_assert_double_nan(gauge->initial);
    ck_assert_str_eq(unit_name(gauge->unit), "mm");
    ck_assert_double_eq_tol(scripts_channel(model, "orifice")->jump, 2e-5, 1e-20);
    model_destroy(model);
}
END_TEST

START_TEST(alarms_are_read_in_the_unit_of_their_channel)
{
    Model *model = scripts_model(tank, 0.5);
    const AlarmDef *empty = &model->alarms[0], *overflow = &model->alarms[1];
    ck_assert_str_eq(empty->name, "empty");
    ck_assert_int_eq(empty->side, LIMIT_LOW);
    ck_assert_int_eq(empty->severity, SEVERITY_WARNING);
    ck_assert_double_eq_tol(empty->limit, 0.015, 1e-15);
    ck_assert_str_eq(model->channels[empty->channel].name, "gauge");
    ck_assert_int_eq(overflow->side, LIMIT_HIGH);
    ck_assert_int_eq(overflow->severity, SEVERITY_CRITICAL);
    ck_assert_double_eq_tol(overflow->limit, 0.60, 1e-15);
    ck_assert_double_eq_tol(overflow->hysteresis, 0.02, 1e-15);
    ck_assert_double_eq(overflow->hold, 3);
    ck_assert_double_eq(model->divergence.settle, 30);
    ck_assert_double_eq(model->divergence.whiteness, 1.5);
    ck_assert_double_eq(model->divergence.false_alarms, 10 * 86400.0);
    model_destroy(model);
}
END_TEST

START_TEST(every_channel_has_a_column_of_its_own)
{
    Model *model = scripts_model(tank, 0.5);
    bool taken[256] = {false};
    ck_assert_uint_lt(model->column_count, 256);
    const uint16_t n = model->state_count;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        ck_assert_uint_lt(model->channels[i].column, model->column_count);
        ck_assert(!taken[model->channels[i].column]);
        taken[model->channels[i].column] = true;
    }
    for (uint16_t i = 0; i < n; i++)
        for (uint16_t j = i; j < n; j++) {
            const uint16_t column = model_covariance(model, i, j);
            ck_assert_uint_eq(column, model_covariance(model, j, i));
            ck_assert(!taken[column]);
            taken[column] = true;
        }
    ck_assert_uint_lt(model->kept_count, model->column_count);
    ck_assert_uint_lt(scripts_channel(model, "gauge")->column, model->kept_count);
    model_destroy(model);
}
END_TEST

/* `before` is replaced by `after` in the tank, which is then refused at `line` with `expected` in the text. */
static void expect_refusal(const char *before, const char *after, int line, const char *expected)
{
    char text[4096];
    const char *at = strstr(tank, before);
    ck_assert_msg(at, "\"%s\" is not in the tank", before);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - tank), tank, after, at + strlen(before));

    Model *model = (Model *)1;
    ErrText why = {""};
    const char *path = scripts_write("tank.lua", text);
    ck_assert_msg(model_load(path, 0.5, &model, &why) != ERR_OK, "taken: %s", after);
    ck_assert_ptr_null(model);
    scripts_expect(&why, path, line, expected);
}

START_TEST(a_wrong_dimension_is_refused_at_its_line)
{
    expect_refusal("(t.inflow - outflow) / t.area", "(t.inflow - t.area) / t.area", 12, "dimensions differ: difference of m3.s-1 and m^2");
    expect_refusal("(t.inflow - outflow) / t.area", "t.inflow - outflow", 12, "the rate of a state in m must be in m.s-1");
    expect_refusal("sqrt(2 * g * max", "sqrt(2 * max", 10, "has no square root");
    expect_refusal("max(t.level, quantity(1, \"mm\"))", "max(t.level, 1)", 10, "dimensions differ: max of m and no dimension");
    expect_refusal("output(outflow, \"l/min\"", "output(outflow, \"kg\"", 11, "dimensions differ: the output is in \"kg\"");
    expect_refusal("unit = \"mm\"", "unit = \"bar\"", 14, "\"bar\" does not convert to what it measures");
    expect_refusal("sqrt(2 * g * max", "exp(2 * g * max", 10, "exp takes a value without dimension");
}
END_TEST

START_TEST(branching_on_a_symbol_is_refused_with_the_way_out)
{
    expect_refusal("    t.level.rate =", "    if t.level > t.level * 2 then outflow = 0 end\n    t.level.rate =", 12, "use select(above(a, b), x, y)");
    expect_refusal("    t.level.rate =", "    if t.level <= 3 then outflow = 0 end\n    t.level.rate =", 12, "use select(");
    expect_refusal("    t.level.rate =", "    if t.level == t.area then outflow = 0 end\n    t.level.rate =", 12, "use select(");
}
END_TEST

START_TEST(unknown_keys_are_refused_with_the_known_ones)
{
    expect_refusal("noise = 0.01", "nois = 0.01", 8, "unknown key \"nois\" in \"level\"; expected one of: min, max, noise, noise_per_step, sd, count, doc");
    expect_refusal("jump = 2e-5", "leap = 2e-5", 5, "unknown key \"leap\"");
    expect_refusal("every = 1", "each = 1", 14, "expected one of: of, unit, noise, every, resolution, bias, doc");
    expect_refusal("rate = 10", "speed = 10", 15, "unknown key \"speed\"");
    expect_refusal("hold = 3", "wait = 3", 16, "unknown key \"wait\"");
    expect_refusal("settle = 30", "settles = 30", 18, "unknown key \"settles\"");
    expect_refusal("{ 0.0154, \"m^2\", min", "{ 0.0154, \"m^2\", 3, min", 4, "unknown key \"3\"");
    expect_refusal("inputs = {", "input = {", 7, "unknown key \"input\" in \"model\"; expected one of: name, doc, params, inputs");
}
END_TEST

START_TEST(a_value_needs_a_unit_that_is_understood)
{
    expect_refusal("{ 30, \"cm\",", "{ 30,", 8, "\"level\" has no unit: expected { value, \"unit\" }, with \"1\" for a plain number");
    expect_refusal("{ 0.0154, \"m^2\"", "{ 0.0154, \"furlongs^x\"", 4, "unit of \"area\"");
    expect_refusal("{ 30, \"cm\"", "{ 30, 7", 8, "the second element of \"level\": expected a text, got number");
    expect_refusal("{ 30, \"cm\"", "{ nil, \"cm\"", 8, "\"level\" has no value");
    expect_refusal("{ 30, \"cm\"", "{ \"a lot\", \"cm\"", 8, "the first element of \"level\": expected a number, got string");
    expect_refusal("{ 30, \"cm\"", "{ 0 / 0, \"cm\"", 8, "\"level\"");
    expect_refusal("inflow = { 6, \"l/min\" }", "inflow = 6", 7, "\"inflow\" must be a table, as in inflow = { value, \"unit\" }, got number");
}
END_TEST

START_TEST(every_state_needs_an_equation)
{
    expect_refusal("    t.level.rate = (t.inflow - outflow) / t.area\n", "", 9, "the state \"level\" has no equation: expected t.level.rate = ...");
    expect_refusal("    t.level.rate = (", "    t.level.rate = 0\n    t.level.rate = (", 13, "was assigned before");
    expect_refusal("t.level.rate = (", "t.level = (", 12, "\"level\" cannot be assigned; did you mean t.level.rate?");
    expect_refusal("t.level.rate = (", "t.area.rate = (", 12, "only states have a rate");
    expect_refusal("t.inflow - outflow", "t.inflw - outflow", 12, "the model has no state, parameter, input or output \"inflw\"");
    expect_refusal("t.outflow    = output(outflow, \"l/min\", \"what leaves the tank\")", "t.outflow = outflow", 11, "expected output(value, \"unit\")");
}
END_TEST

START_TEST(names_are_taken_once)
{
    expect_refusal("sensors   = { gauge", "sensors   = { level", 14, "the name \"level\" is taken");
    expect_refusal("actuators = { valve", "actuators = { area", 15, "the name \"area\" is taken");
    expect_refusal("inputs = { inflow", "inputs = { orifice", 7, "the name \"orifice\" is taken");
    expect_refusal("t.outflow    = output", "t.valve = output", 11, "the name \"valve\" is taken");
    expect_refusal("t.outflow    = output", "t.divergence = output", 11, "the name \"divergence\" is taken");
    expect_refusal("empty = {", "divergence = {", 17, "\"divergence\" is an alarm that every twin has");
    expect_refusal("inputs = { inflow", "inputs = { [\"in flow\"]", 7, "\"in flow\" cannot be a name");
    expect_refusal("inputs = { inflow = { 6, \"l/min\" }", "inputs = { inflow = { 6, \"l/min\" }, { 1, \"m\" }", 7, "cannot be a name in \"inputs\"");
}
END_TEST

START_TEST(ranges_must_hold_what_they_bound)
{
    expect_refusal("min = 0, noise", "min = 40, max = 20, noise", 8, "min of \"level\" is above its max");
    expect_refusal("min = 0, noise", "min = 31, noise", 8, "the value of \"level\" is outside its min and max");
    expect_refusal("noise = 0.01", "noise = -0.01", 8, "noise of \"level\" is negative");
    expect_refusal("sd = 5", "sd = -5", 8, "sd of \"level\" is negative");
    expect_refusal("min = 1e-4", "sd = -1e-4", 4, "sd of \"area\" is negative");
    expect_refusal("min = 1e-4", "sd = math.huge", 4, "sd of \"area\" is not finite");
    expect_refusal("\"l/min\" } }", "\"l/min\", sd = -1 } }", 7, "sd of \"inflow\" is negative");
    expect_refusal("\"l/min\" } }", "\"l/min\", sd = 'much' } }", 7, "sd of \"inflow\": expected a number, got string");
    expect_refusal("area    = { 0.0154, \"m^2\",", "area    = { 0.0154, \"m^2\", jump = 1,", 4, "only a tracked parameter is found anew");
    expect_refusal("min = 0, max = 100", "min = 60, max = 100", 15, "outside its min and max");
    expect_refusal("min = 0, noise", "min = 0 / 0, noise", 8, "not a number");
}
END_TEST

START_TEST(a_sensor_needs_its_noise_and_something_to_measure)
{
    expect_refusal("noise = 0.2, ", "", 14, "\"gauge\" needs noise = its standard deviation, above 0, in \"mm\"");
    expect_refusal("noise = 0.2", "noise = 0", 14, "needs noise");
    expect_refusal("every = 1", "every = 0", 14, "every of \"gauge\" must be above 0");
    expect_refusal("of = \"level\"", "of = \"depth\"", 14, "\"gauge\" measures nothing");
    expect_refusal("of = \"level\"", "of = function(t) return t.depth end", 14, "no state, parameter, input or output \"depth\"");
    expect_refusal("of = \"level\"", "of = function(t) t.level.rate = 0 end", 14, "a sensor's function cannot assign rates");
    expect_refusal("of = \"level\"", "of = function(t) end", 14, "\"gauge\" measures nothing: its function must return a value");
    expect_refusal("of = \"level\"", "of = function(t) return \"level\" end", 14, "measures nothing");
}
END_TEST

START_TEST(alarms_watch_what_there_is)
{
    expect_refusal("{ \"gauge\", 15 }", "{ \"depth\", 15 }", 17, "alarm \"empty\" watches \"depth\", which the model does not have");
    expect_refusal("empty = { low = { \"gauge\", 15 } }", "empty = { hold = 1 }", 17, "alarm \"empty\" needs high = { \"channel\", limit } or low");
    expect_refusal("severity = \"critical\"", "severity = \"dire\"", 16, "severity of \"overflow\": expected info, warning, major or critical");
    expect_refusal("hold = 3", "hold = -3", 16, "hold of \"overflow\" is negative");
    expect_refusal("hysteresis = 2", "hysteresis = -2", 16, "hysteresis of \"overflow\" is negative");
    expect_refusal("{ \"gauge\", 15 }", "{ \"gauge\" }", 17, "alarm \"empty\" has no limit");
}
END_TEST

START_TEST(divergence_is_checked)
{
    expect_refusal("settle = 30", "settle = -30", 18, "settle is negative");
    expect_refusal("whiteness = 1.5", "whiteness = 0.5", 18, "whiteness is below 1");
    expect_refusal("false_alarm_days = 10", "false_alarm_days = 1e-9", 18, "below a minute");
}
END_TEST

START_TEST(what_is_no_model_is_refused)
{
    expect_refusal("return model \"tank\"", "local tank = model \"tank\"", 1, "must return model \"name\" { ... }");
    expect_refusal("model \"tank\"", "model \"my tank\"", 1, "expected a letter, then letters, digits or underscores");
    expect_refusal("states = {", "states = 1, divergence = {", 8, "");
    Model *model;
    ErrText why = {""};
    const char *path = scripts_write("tank.lua", "return model \"tank\" { equations = function(t) end }");
    ck_assert_int_eq(model_load(path, 1, &model, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 1, "model \"tank\" has no states");
    path = scripts_write("tank.lua", "return model \"tank\" {\n  states = { level = { 0, \"m\" } },\n  equations = 7,\n}");
    ck_assert_int_eq(model_load(path, 1, &model, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 3, "model \"tank\" needs equations = function(t) ... end");
    ck_assert_int_eq(model_load("/nowhere/tank.lua", 1, &model, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "/nowhere/tank.lua"));
}
END_TEST

START_TEST(more_states_than_a_filter_holds_are_refused)
{
    static const char text[] = "local states = {}\n"
                               "for i = 1, COUNT do states['s' .. i] = { 0, '1' } end\n"
                               "return model 'wide' { states = states, equations = function(t) for name in pairs(states) do t[name].rate = -t[name] / quantity(1, 's') end end }\n";
    for (int count = 65; count <= 300; count += 235) {  // beyond the filter, and beyond the channels
        char script[512];
        Model *model;
        ErrText why = {""};
        snprintf(script, sizeof script, "local COUNT = %d\n%s", count, text);
        ck_assert_int_eq(model_load(scripts_write("wide.lua", script), 1, &model, &why), ERR_SCRIPT);
        ck_assert_msg(strstr(why.text, "at most"), "%s", why.text);
    }
}
END_TEST

START_TEST(equations_that_do_not_end_are_stopped)
{
    expect_refusal("    t.level.rate = (", "    while true do end\n    t.level.rate = (", 12, "runs too long");
}
END_TEST

START_TEST(a_value_kept_from_the_equations_is_an_error_and_no_crash)
{
    expect_refusal("    t.level.rate = (", "    keep[t.level] = 1\n    t.level.rate = (", 12, "keep");
    char text[4096];
    snprintf(text, sizeof text,
             "local keep = { of = 'level', noise = 1 }\n"
             "return model 'm' { states = { level = { 0, 'm' } }, sensors = { gauge = keep },\n"
             "  equations = function(t) t.level.rate = 0; keep[t.level] = 1 end }\n");
    Model *model;
    ErrText why = {""};
    const char *path = scripts_write("keep.lua", text);
    ck_assert_int_eq(model_load(path, 1, &model, &why), ERR_SCRIPT);
    ck_assert_msg(strstr(why.text, "unknown key"), "%s", why.text);
}
END_TEST

/* Temperatures have an offset: values take it, differences do not. */
START_TEST(celsius_is_kelvin_inside)
{
    Model *model = scripts_model("return model \"room\" {\n"
                                 "  inputs = { outside = { 50, \"degF\" } },\n"
                                 "  states = { warmth = { 20, \"degC\", min = -10, max = 50, noise = 0.1, sd = 2 } },\n"
                                 "  equations = function(t)\n"
                                 "    t.warmth.rate = (t.outside - t.warmth) / quantity(100, \"s\")\n"
                                 "    t.shown = output(t.warmth, \"degF\")\n"
                                 "    t.excess = output(t.warmth - quantity(0, \"degC\"), \"K\")\n"
                                 "  end,\n"
                                 "  sensors = { probe = { of = \"warmth\", noise = 0.9, unit = \"degF\" } },\n"
                                 "  alarms = { hot = { high = { \"probe\", 104 }, hysteresis = 9 } },\n"
                                 "}\n", 1);
    const Channel *warmth = scripts_channel(model, "warmth");
    ck_assert_double_eq(warmth->initial, 293.15);
    ck_assert_double_eq_tol(warmth->min, 263.15, 1e-10);
    ck_assert_double_eq_tol(warmth->max, 323.15, 1e-10);
    ck_assert_double_eq(warmth->initial_sd, 2);
    ck_assert_double_eq(warmth->noise, 0.1);
    ck_assert_double_eq_tol(scripts_channel(model, "outside")->initial, 283.15, 1e-10);
    ck_assert_double_eq_tol(scripts_channel(model, "probe")->noise, 0.5, 1e-12);
    ck_assert_double_eq_tol(model->alarms[0].limit, 313.15, 1e-10);
    ck_assert_double_eq_tol(model->alarms[0].hysteresis, 5, 1e-12);
    ck_assert_double_eq_tol(unit_from_si(scripts_channel(model, "shown")->unit, 293.15), 68, 1e-10);
    model_destroy(model);
}
END_TEST

START_TEST(loading_twice_gives_the_same_programs)
{
    Model *a = scripts_model(tank, 0.5), *b = scripts_model(tank, 0.5), *c = scripts_model(tank, 0.25);
    ck_assert_uint_eq(a->predict.hash, b->predict.hash);
    ck_assert_uint_eq(a->sensors[0].correct.hash, b->sensors[0].correct.hash);
    ck_assert_uint_ne(a->predict.hash, c->predict.hash);
    model_destroy(a);
    model_destroy(b);
    model_destroy(c);
}
END_TEST

START_TEST(no_failing_allocation_is_fatal)
{
    scripts_survive_failing_memory(scripts_write("tank.lua", tank));
}
END_TEST

KIT_MAIN("model.model", the_tank_of_the_guide_loads, numbers_are_si_from_loading_on, alarms_are_read_in_the_unit_of_their_channel, every_channel_has_a_column_of_its_own,
         a_wrong_dimension_is_refused_at_its_line, branching_on_a_symbol_is_refused_with_the_way_out, unknown_keys_are_refused_with_the_known_ones,
         a_value_needs_a_unit_that_is_understood, every_state_needs_an_equation, names_are_taken_once, ranges_must_hold_what_they_bound,
         a_sensor_needs_its_noise_and_something_to_measure, alarms_watch_what_there_is, divergence_is_checked, what_is_no_model_is_refused,
         more_states_than_a_filter_holds_are_refused, equations_that_do_not_end_are_stopped, a_value_kept_from_the_equations_is_an_error_and_no_crash, celsius_is_kelvin_inside,
         loading_twice_gives_the_same_programs, no_failing_allocation_is_fatal)
