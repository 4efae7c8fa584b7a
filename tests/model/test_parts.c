/* Models built of models: what comes along, what is decided above, in which order, and what is refused where. */
#include <math.h>
#include <sys/stat.h>

#include "model/scripts.h"

static const char tank[] = "return model \"tank\" {\n"
                           "  params = { area = { 12000, \"cm^2\", min = 100, max = 50000 },\n"
                           "             discharge = { 0.6, \"1\", min = 0.01, max = 1, estimate = 1e-5, sd = 0.03, jump = 0.2 } },\n"
                           "  inputs = { inflow = { 180, \"l/min\", min = 0, max = 600 } },\n"
                           "  states = { level = { 1, \"m\", min = 0, noise = 5e-5, sd = 0.05 } },\n"
                           "  equations = function(t)\n"
                           "    t.outflow = output(t.discharge * quantity(12, \"cm^2\") * sqrt(2 * g * max(t.level, quantity(1, \"mm\"))), \"l/min\")\n"
                           "    t.level.rate = (t.inflow - t.outflow) / t.area\n"
                           "  end,\n"
                           "  sensors = { radar = { noise = 3, of = \"level\", unit = \"mm\", every = 2 }, meter = { of = function(t) return t.inflow end, noise = 1e-5 } },\n"
                           "  actuators = { order = { 180, \"l/min\", min = 0, max = 600, rate = 10 } },\n"
                           "  alarms = { overflow = { high = { \"level\", 2 }, hysteresis = 0.1, severity = \"critical\" }, wide = { high = { \"area\", 20000 } },\n"
                           "             rush = { high = { \"inflow\", 500 } } },\n"
                           "  faults = { clogged = { value = \"discharge\", factor = 0.5 }, flood = { value = \"inflow\", set = 500 }, grown = { value = \"area\", factor = 2 },\n"
                           "             high = { sensor = \"radar\", kind = \"bias\", size = 20 } },\n"
                           "  divergence = { settle = 777 },\n"
                           "}\n";

static const char tower[] = "return model \"tower\" {\n"
                            "  params = { floor = { 1.2, \"m^2\", max = 8 } },\n"
                            "  inputs = { supply = { 10, \"l/min\" } },\n"
                            "  parts = {\n"
                            "    upper = { \"tank\", area = \"floor\" },\n"
                            "    lower = { \"tank\", area = 20000, level = 0.5 },\n"
                            "  },\n"
                            "  equations = function(t)\n"
                            "    t.lower.inflow = t.upper.outflow + t.supply\n"
                            "    t.total = output(t.upper.level * t.upper.area + t.lower.level * t.lower.area, \"m^3\")\n"
                            "  end,\n"
                            "  sensors = { scale = { of = \"total\", noise = 0.01 }, drop = { of = function(t) return t.upper.outflow - t.lower.outflow end, noise = 1e-5 },\n"
                            "              depth = { of = \"lower_level\", noise = 0.1 } },\n"
                            "  alarms = { full = { high = { \"upper_level\", 3 } } },\n"
                            "  divergence = { settle = 33 },\n"
                            "}\n";

static Model *load(const char *whole)
{
    scripts_write("tank.lua", tank);
    return scripts_model(whole, 0.5);
}

/* The whole is refused at `line` of `file`. */
static void expect_refusal(const char *whole, const char *file, int line, const char *expected)
{
    char place[512];
    Model *model;
    ErrText why = {""};
    const char *path = scripts_write("model.lua", whole);
    snprintf(place, sizeof place, "%s/%s", kit_folder(), file);
    ck_assert_msg(model_load(path, 0.5, &model, &why) == ERR_SCRIPT, "%s is not refused: %s", whole, why.text);
    ck_assert_ptr_null(model);
    scripts_expect(&why, place, line, expected);
}

/* The tower with one piece of it changed. */
static void expect_bent(const char *before, const char *after, int line, const char *expected)
{
    char text[4096];
    const char *at = strstr(tower, before);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - tower), tower, after, at + strlen(before));
    scripts_write("tank.lua", tank);
    expect_refusal(text, "model.lua", line, expected);
}

static double start_of(const Model *model, const char *output)
{
    const Channel *channel = scripts_channel(model, output);
    Scratch scratch = {0};
    double *block = mem_alloc((size_t)model->column_count * LANES * sizeof *block);
    ck_assert_ptr_nonnull(block);
    ck_assert_int_eq(scratch_init(&scratch, model->registers_max), ERR_OK);
    model_fill(model, block);
    program_run(&model->prepare, block, &scratch);
    program_run(&model->derive, block, &scratch);
    const double value = block[(size_t)channel->column * LANES];
    scratch_fini(&scratch);
    mem_free(block);
    return value;
}

START_TEST(channels_of_a_part_bear_its_name)
{
    Model *model = load(tower);
    static const struct {
        const char *name;
        ChannelKind kind;
    } expected[] = {
        {"lower_level", CHANNEL_STATE},         {"upper_level", CHANNEL_STATE},    {"lower_discharge", CHANNEL_TRACKED}, {"upper_discharge", CHANNEL_TRACKED},
        {"floor", CHANNEL_PARAMETER},           {"lower_area", CHANNEL_PARAMETER}, {"supply", CHANNEL_INPUT},            {"upper_inflow", CHANNEL_INPUT},
        {"lower_order", CHANNEL_ACTUATOR},      {"upper_order", CHANNEL_ACTUATOR}, {"lower_outflow", CHANNEL_OUTPUT},    {"upper_outflow", CHANNEL_OUTPUT},
        {"total", CHANNEL_OUTPUT},              {"lower_inflow", CHANNEL_OUTPUT},  {"divergence", CHANNEL_STATISTIC},    {"depth", CHANNEL_SENSOR},
        {"drop", CHANNEL_SENSOR},               {"lower_meter", CHANNEL_SENSOR},   {"lower_radar", CHANNEL_SENSOR},      {"scale", CHANNEL_SENSOR},
        {"upper_meter", CHANNEL_SENSOR},        {"upper_radar", CHANNEL_SENSOR},
    };
    ck_assert_uint_eq(model->channel_count, sizeof expected / sizeof *expected);
    for (uint16_t i = 0; i < model->channel_count; i++) {
        ck_assert_str_eq(model->channels[i].name, expected[i].name);
        ck_assert_int_eq(model->channels[i].kind, expected[i].kind);
    }
    ck_assert_double_eq(scripts_channel(model, "lower_level")->initial, 0.5);
    ck_assert_double_eq_tol(scripts_channel(model, "lower_area")->initial, 2, 1e-15);
    ck_assert_double_eq(model->divergence.settle, 33);
    ck_assert_double_eq(model->sensors[4].every, 0.5);
    ck_assert_double_eq(model->sensors[6].every, 2);
    ck_assert_str_eq(model->channels[model->sensors[0].of].name, "lower_level");
    model_destroy(model);
}
END_TEST

START_TEST(alarms_and_faults_come_along_but_for_what_the_whole_decides)
{
    Model *model = load(tower);
    static const struct {
        const char *name, *channel;
        double limit;
    } alarms[] = {{"full", "upper_level", 3},         {"lower_overflow", "lower_level", 2}, {"lower_rush", "lower_inflow", 500 / 6e4}, {"lower_wide", "lower_area", 2},
                  {"upper_overflow", "upper_level", 2}, {"upper_rush", "upper_inflow", 500 / 6e4}, {"upper_wide", "floor", 2}};
    ck_assert_uint_eq(model->alarm_count, 7);
    for (size_t i = 0; i < 7; i++) {
        ck_assert_str_eq(model->alarms[i].name, alarms[i].name);
        ck_assert_str_eq(model->channels[model->alarms[i].channel].name, alarms[i].channel);
        ck_assert_double_eq_tol(model->alarms[i].limit, alarms[i].limit, 1e-12);
    }

    // the inflow of the lower tank is what leaves the upper one, and the area of the upper one is the floor
    static const char *const faults[][2] = {{"lower_clogged", "lower_discharge"}, {"lower_grown", "lower_area"}, {"lower_high", "lower_radar"},
                                            {"upper_clogged", "upper_discharge"}, {"upper_flood", "upper_inflow"}, {"upper_high", "upper_radar"}};
    ck_assert_uint_eq(model->fault_count, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_str_eq(model->faults[i].name, faults[i][0]);
        ck_assert_str_eq(model->channels[model->faults[i].channel].name, faults[i][1]);
    }
    model_destroy(model);
}
END_TEST

START_TEST(a_parameter_may_be_what_all_that_it_is_passed_to_allow)
{
    Model *model = load(tower);
    const Channel *floor = scripts_channel(model, "floor");
    ck_assert_double_eq_tol(floor->min, 0.01, 1e-15);  // 100 cm^2 of the tank
    ck_assert_double_eq_tol(floor->max, 5, 1e-15);     // 50000 cm^2 of the tank, not 8 m^2
    ck_assert_double_eq(floor->initial, 1.2);
    model_destroy(model);
}
END_TEST

START_TEST(equations_of_the_whole_read_its_parts)
{
    Model *model = load(tower);
    const double through = 0.6 * 12e-4 * sqrt(2 * 9.80665);
    ck_assert_double_eq_tol(start_of(model, "upper_outflow"), through, 1e-15);
    ck_assert_double_eq_tol(start_of(model, "lower_outflow"), through * sqrt(0.5), 1e-15);
    ck_assert_double_eq_tol(start_of(model, "lower_inflow"), through + 10 / 6e4, 1e-15);
    ck_assert_double_eq_tol(start_of(model, "total"), 1.2 * 1 + 2 * 0.5, 1e-15);
    model_destroy(model);
}
END_TEST

static const char gain[] = "return model 'gain' { params = { k = { 2, '1', min = 0 } }, inputs = { u = { 1, '1', min = -100, max = 100 }, v = { 0, '1' } },\n"
                           "  states = { x = { 3, '1' } },\n"
                           "  equations = function(t)\n"
                           "    t.x.rate = (t.v - t.x) / quantity(1, 's')\n"
                           "    t.y, t.z = output(t.k * t.u, '1'), output(t.x + 0 * t.u, '1')\n"
                           "  end }\n";

/* Parts of the model `gain`, and what feeds what. */
static const char *gains(const char *parts, const char *feeds)
{
    static char text[4096];
    scripts_write("gain.lua", gain);
    snprintf(text, sizeof text, "return model 'whole' {\n  params = { share = { 0.5, '1' }, span = { 2, 'm' } },\n  inputs = { feed = { 7, '1' } },\n  parts = { %s },\n  equations = function(t)\n    %s\n  end,\n}\n",
             parts, feeds);
    return text;
}

START_TEST(what_passes_through_is_put_in_order)
{
    static const char *const orders[] = {"t.c.u = t.b.y t.b.u = t.a.y t.a.u = t.feed", "t.a.u = t.feed t.b.u = t.a.y t.c.u = t.b.y", "t.b.u = t.a.y t.a.u = t.feed t.c.u = t.b.y"};
    for (size_t i = 0; i < 3; i++) {
        Model *model = scripts_model(gains("a = { 'gain' }, b = { 'gain', k = 3 }, c = { 'gain', k = 'share' }", orders[i]), 0.5);
        ck_assert_double_eq(start_of(model, "c_y"), 7 * 2 * 3 * 0.5);
        ck_assert_double_eq(start_of(model, "b_u"), 14);
        model_destroy(model);
    }
}
END_TEST

START_TEST(a_loop_through_states_is_none)
{
    Model *model = scripts_model(gains("a = { 'gain' }, b = { 'gain' }", "t.a.v = t.b.x t.b.v = t.a.x t.a.u = t.b.x t.b.u = t.a.y"), 0.5);
    ck_assert_double_eq(start_of(model, "b_y"), 12);
    model_destroy(model);
}
END_TEST

START_TEST(a_loop_without_one_is_refused_by_the_names_along_it)
{
    expect_refusal(gains("a = { 'gain' }", "t.a.u = t.a.y"), "model.lua", 6, "an algebraic loop: a.u depends on a.y, which depends on a.u; a state or a lag in between would break it");
    expect_refusal(gains("a = { 'gain' }, b = { 'gain' }", "t.a.u = t.b.y + 1\n    t.b.u = 2 * t.a.y"), "model.lua", 6,
                   "an algebraic loop: a.u depends on b.y, which depends on b.u, which depends on a.y, which depends on a.u");
    expect_refusal(gains("a = { 'gain' }", "t.a.u = t.a.u"), "model.lua", 6, "an algebraic loop: a.u depends on a.u;");

    // the loop of an inner model is named by the way to it, and blamed on its file
    scripts_write("gain.lua", gain);
    scripts_write("ring.lua", gains("a = { 'gain' }, b = { 'gain' }", "t.b.u = t.a.y\n    t.a.u = t.b.y"));
    expect_refusal("return model 'whole' { parts = { inner = { 'ring' } } }", "ring.lua", 6, "an algebraic loop: inner.b.u depends on inner.a.y, which depends on inner.a.u");
}
END_TEST

START_TEST(parts_may_have_parts)
{
    scripts_write("gain.lua", gain);
    scripts_write("couple.lua", "return model 'couple' { params = { q = { 5, '1', min = 1, max = 9 } }, inputs = { go = { 1, '1' } }, parts = { one = { 'gain', k = 'q', x = 4 }, two = { 'gain' } },\n"
                                "  equations = function(t) t.one.u = t.go t.two.u = t.one.y t.out = output(t.two.y + t.two.x, '1') end }\n");
    Model *model = scripts_model("return model 'whole' { params = { top = { 6, '1' } }, parts = { p = { 'couple', q = 'top', two_k = 10, go = 2 }, s = { 'gain', x = 8 } },\n"
                                 "  equations = function(t) t.s.u = t.p.out t.s.v = t.p.one.x t.p.one.v = t.p.two.x end }\n", 0.5);
    ck_assert_double_eq(scripts_channel(model, "p_one_x")->initial, 4);
    ck_assert_double_eq(scripts_channel(model, "p_two_k")->initial, 10);
    ck_assert_double_eq(scripts_channel(model, "top")->max, 9);
    ck_assert_int_eq(model_find(model, "p_q"), -1);
    ck_assert_int_eq(model_find(model, "p_one_k"), -1);
    ck_assert_double_eq(start_of(model, "p_out"), 2 * 6 * 10 + 3);
    ck_assert_double_eq(start_of(model, "s_y"), 2 * 123);
    ck_assert_double_eq(start_of(model, "s_v"), 4);
    ck_assert_double_eq(start_of(model, "p_one_v"), 3);
    model_destroy(model);
}
END_TEST

START_TEST(a_lag_starts_where_a_part_starts_that_comes_later)
{
    scripts_write("slow.lua", "return model 'slow' { inputs = { u = { 1, '1' } }, states = { x = { 0, '1' } },\n"
                              "  equations = function(t) t.x.rate = -t.x / quantity(1, 's') t.y = output(lag(t.u, 5), '1') end }\n");
    Model *model = scripts_model("return model 'whole' { parts = { a = { 'slow' }, b = { 'slow' }, c = { 'slow', u = 4 } }, equations = function(t) t.a.u = t.b.y + 1 t.b.u = 2 * t.c.y end }", 0.5);
    ck_assert_double_eq(scripts_channel(model, "c_lag_1")->initial, 4);
    ck_assert_double_eq(scripts_channel(model, "b_lag_1")->initial, 8);
    ck_assert_double_eq(scripts_channel(model, "a_lag_1")->initial, 9);
    model_destroy(model);
    expect_refusal("return model 'whole' { parts = { a = { 'slow' }, b = { 'slow' } },\n  equations = function(t) t.a.u = t.b.y t.b.u = t.a.y end }", "model.lua", 2,
                   "lags that have no value to start from, because each starts from the other: a.lag_1 depends on b.lag_1, which depends on a.lag_1");
}
END_TEST

START_TEST(parts_are_found_in_a_folder_of_models)
{
    char folder[600];
    snprintf(folder, sizeof folder, "%s/models", kit_folder());
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    scripts_write("models/hidden.lua", gain);
    Model *model = scripts_model("return model 'whole' { parts = { a = { 'hidden' } } }", 0.5);
    ck_assert_uint_eq(model->dynamic_count, 1);
    model_destroy(model);
}
END_TEST

START_TEST(a_wrong_use_is_refused_in_the_whole)
{
    expect_bent("\"tank\", area = \"floor\"", "\"tnak\", area = \"floor\"", 5, "no model \"tnak\": expected tnak.lua beside ");
    expect_bent("{ \"tank\", area = \"floor\" }", "7", 5, "part \"upper\" must be a table, as in { \"tank\" }, got number");
    expect_bent("{ \"tank\", area = \"floor\" }", "{ area = 3 }", 5, "part \"upper\" names no model");
    expect_bent("\"tank\", area = \"floor\"", "\"tank\", \"tank\"", 5, "part \"upper\": expected one model and values by name");
    expect_bent("area = \"floor\"", "area = {}", 5, "\"area\" must be a number, or the name of a parameter to pass down, got table");
    expect_bent("area = \"floor\"", "aera = \"floor\"", 5, "part \"upper\" has no parameter, state or input \"aera\"");
    expect_bent("area = \"floor\"", "order = 3", 5, "part \"upper\" has no parameter, state or input \"order\"");
    expect_bent("area = \"floor\"", "area = \"flor\"", 5, "\"flor\" is no parameter that could be passed down to \"area\"");
    expect_bent("area = \"floor\"", "area = \"supply\"", 5, "\"supply\" is no parameter that could be passed down to \"area\"");
    expect_bent("area = \"floor\"", "level = \"floor\"", 5, "\"floor\" is passed down to \"level\", which is no parameter");
    expect_bent("area = \"floor\"", "discharge = \"floor\"", 5, "\"floor\" is in \"m^2\", which does not convert to that of \"discharge\", \"1\"");
    expect_bent("1.2, \"m^2\"", "6, \"m^2\"", 5, "\"floor\" is outside what \"area\" allows, 100 to 50000 cm^2");
    expect_bent("area = 20000", "area = 60000", 6, "\"area\" is outside what the part allows, 100 to 50000 cm^2");
    expect_bent("area = 20000", "area = 0 / 0", 6, "\"area\" is outside what the part allows");
    expect_bent("inputs = { supply", "inputs = { lower_order", 6, "the name \"lower_order\" is taken");
    expect_bent("inputs = { supply", "inputs = { upper", 3, "the name \"upper\" is taken");
    expect_bent("params = { floor =", "params = { upper_outflow = { 1, '1' }, floor =", 5, "the name \"upper_outflow\" is taken");
    expect_bent("upper = {", "a_name_that_is_long_enough_to_be_the_name_of_a_c = {", 5, "its name is too long");
    expect_bent("upper = {", "a_name_that_is_long_enough_for_a_channel = {", 5, "cannot be a name: with the name of the part it is too long");
}
END_TEST

START_TEST(wrong_equations_are_refused_in_the_whole)
{
    expect_bent("t.lower.inflow =", "t.lower.flow =", 9, "the part \"lower\" has no input \"flow\"");
    expect_bent("t.lower.inflow =", "t.lower.level =", 9, "the part \"lower\" has no input \"level\"");
    expect_bent("t.lower.inflow =", "t.lower.area =", 9, "\"area\" of the part \"lower\" is no input, or is fed already");
    expect_bent("t.lower.inflow =", "t.lower.inflow = 0; t.lower.inflow =", 9, "\"inflow\" of the part \"lower\" is no input, or is fed already");
    expect_bent("t.upper.outflow + t.supply", "t.upper.level", 9, "dimensions differ: the input \"inflow\" of the part \"lower\" has m3.s-1, this has m");
    expect_bent("t.upper.outflow + t.supply", "quantity(601, \"l/min\")", 9, "the input \"inflow\" of the part \"lower\" is fed a number outside its min and max");
    expect_bent("t.upper.outflow + t.supply", "output(t.supply, \"l/min\")", 9, "expected a number or a value of the model, got table");
    expect_bent("t.upper.outflow", "t.upper.overflow", 9, "the part \"upper\" has no state, parameter, input or output \"overflow\"");
    expect_bent("t.upper.outflow", "t.upper_outflow", 9, "the model has no state, parameter, input or output \"upper_outflow\"");
    expect_bent("t.upper.outflow + t.supply", "t.upper", 9, "expected a number or a value of the model");
    expect_bent("t.lower.inflow =", "t.lower =", 9, "\"lower\" cannot be assigned: it is a part");
    expect_bent("t.lower.inflow =", "t.lower.level.rate =", 9, "the rate of this state was assigned before");
    expect_bent("return t.upper.outflow", "t.upper.inflow = 0; return t.upper.outflow", 12, "a sensor's function cannot feed inputs");
    expect_bent("\"upper_level\", 3", "\"upper_lever\", 3", 14, "alarm \"full\" watches \"upper_lever\", which the model does not have");
}
END_TEST

START_TEST(a_mistake_in_a_part_is_refused_in_its_file)
{
    static const struct {
        const char *before, *after;
        int line;
        const char *expected;
    } cases[] = {
        {"sqrt(2 * g", "sqrt(2 * t.area", 7, "has no square root"},
        {"t.level.rate = (t.inflow - t.outflow) / t.area", "local x", 6, "the state \"level\" has no equation: expected t.level.rate = ..."},
        {"sensors =", "censors =", 10, "unknown key \"censors\""},
        {"\"level\", 2 }", "\"lever\", 2 }", 12, "alarm \"overflow\" watches \"lever\""},
        {"of = \"level\"", "of = \"lever\"", 10, "\"radar\" measures nothing"},
        {"noise = 1e-5", "noise = 0", 10, "\"meter\" needs noise"},
        {"value = \"inflow\", set = 500", "value = \"inflow\", set = 700", 14, "\"inflow\" is 0 to 600 l/min"},
        {"equations =", "equations = 7 or", 6, "needs equations = function(t)"},
        {"return model", "return modle", 1, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[4096];
        const char *at = strstr(tank, cases[i].before);
        ck_assert_ptr_nonnull(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - tank), tank, cases[i].after, at + strlen(cases[i].before));
        scripts_write("tank.lua", text);
        expect_refusal(tower, "tank.lua", cases[i].line, cases[i].expected);
    }
}
END_TEST

START_TEST(a_model_cannot_contain_itself)
{
    expect_refusal("return model 'whole' {\n  parts = {\n    again = { 'model' } } }", "model.lua", 3, "part \"again\" is the very model that it is a part of");
    scripts_write("one.lua", "return model 'one' {\n  parts = { b = { 'two' } } }");
    scripts_write("two.lua", "return model 'two' {\n  parts = {\n    c = { 'one' } } }");
    expect_refusal("return model 'whole' { parts = { a = { 'one' } } }", "two.lua", 3, "part \"c\" is the very model that it is a part of");
}
END_TEST

START_TEST(limits_hold_for_all_parts_together)
{
    static const char many[] = "local parts = {}\nfor i = 1, %d do parts['p' .. i] = { 'gain' } end\nreturn model 'whole' { parts = parts }\n";
    char text[512];
    scripts_write("gain.lua", gain);
    snprintf(text, sizeof text, many, 40);
    Model *model = scripts_model(text, 0.5);
    ck_assert_uint_eq(model->state_count, 40);
    model_destroy(model);
    snprintf(text, sizeof text, many, 50);
    expect_refusal(text, "model.lua", 1, "a model has 256 channels at most");
    snprintf(text, sizeof text, many, 64);
    expect_refusal(text, "model.lua", 1, "a model has 63 parts at most");
    scripts_write("many.lua", "local params = {}\nfor i = 1, 6 do params['p' .. i] = { i, '1' } end\n"
                              "return model 'many' { params = params, states = { x = { 0, '1' } }, equations = function(t) t.x.rate = 0 end }");
    expect_refusal("local parts = {}\nfor i = 1, 60 do parts['p' .. i] = { 'many', p1 = 'k', p2 = 'k', p3 = 'k', p4 = 'k', p5 = 'k', p6 = 'k' } end\n"
                   "return model 'whole' { params = { k = { 1, '1' } }, parts = parts }", "model.lua", 1, "more than 256 parameters are passed down");
    scripts_write("wide.lua", "return model 'wide' { states = { x = { 0, '1', count = 40 } }, equations = function(t) for i = 1, 40 do t.x[i].rate = 0 end end }");
    expect_refusal("return model 'whole' {\n  parts = { a = { 'wide' }, b = { 'wide' } } }", "model.lua", 1, "64 states and tracked parameters at most, this has 80");
    expect_refusal("return model 'whole' { parts = 7 }", "model.lua", 1, "\"parts\" must be a table");
}
END_TEST

START_TEST(no_failing_allocation_is_fatal)
{
    scripts_write("tank.lua", tank);
    scripts_survive_failing_memory(scripts_write("model.lua", tower));
}
END_TEST

KIT_MAIN("model.parts", channels_of_a_part_bear_its_name, alarms_and_faults_come_along_but_for_what_the_whole_decides, a_parameter_may_be_what_all_that_it_is_passed_to_allow,
         equations_of_the_whole_read_its_parts, what_passes_through_is_put_in_order, a_loop_through_states_is_none, a_loop_without_one_is_refused_by_the_names_along_it,
         parts_may_have_parts, a_lag_starts_where_a_part_starts_that_comes_later, parts_are_found_in_a_folder_of_models, a_wrong_use_is_refused_in_the_whole,
         wrong_equations_are_refused_in_the_whole, a_mistake_in_a_part_is_refused_in_its_file, a_model_cannot_contain_itself, limits_hold_for_all_parts_together,
         no_failing_allocation_is_fatal)
